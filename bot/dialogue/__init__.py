"""The port to the dialogue engine: a turn goes in, a reply comes out."""
