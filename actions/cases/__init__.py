"""One module for each kind of request: what it asks, what it files."""
