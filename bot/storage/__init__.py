"""The only SQL of the front door, and its key-value twin of Redis."""
