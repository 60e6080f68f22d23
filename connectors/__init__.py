"""The city's side: one manifest per app, one dialect per kind of system, a closed list of capabilities."""
