"""From a message in the store to its reply: what is heard, who answers, and what became of it."""
