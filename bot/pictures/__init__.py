"""Pictures sent to customers: drawn from a plain description, in any process, without Rasa or a database."""
