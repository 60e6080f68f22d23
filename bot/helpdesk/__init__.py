"""Another program's desk, for cities that have one: what goes there, and what comes back."""
