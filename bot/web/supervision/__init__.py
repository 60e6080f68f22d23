"""What supervisors see and set: the figures of the desk, its hours and habits, its canned replies."""
