"""What the reference of a case can be besides a city system's own number."""

TOKEN = "token:"  # noqa: S105 - a prefix of references
"""An Open311 server gave a token instead of a number; asking for its state may answer with the number."""
