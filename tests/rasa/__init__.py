"""What runs in Rasa's own environment."""
