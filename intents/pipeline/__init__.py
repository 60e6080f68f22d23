"""Lawang's own components of Rasa's pipeline. Only `understanding` imports rasa."""
