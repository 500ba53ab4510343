"""The page of one conversation: its transcript, what an agent writes there, and who has it."""
