"""The stand-in city: an Open311 complaint desk, an MPP queue and a permit tracker, for development and tests.

It is a separate party that happens to live in this repository: it keeps its own store and shares no code with
the connectors that call it, so a mistake on one side is seen on the other.
"""
