"""What supervisors look at: figures, what happens now, search, the audit, and messages to label."""
