"""What happens to a message: the heart of the project, read this first."""
