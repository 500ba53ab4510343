"""Documents sent to customers, as PDF: set from a plain description, in any process."""
