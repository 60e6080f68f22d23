"""Rasa's hands: slots in, at most one connector call, text keys and effects out."""
