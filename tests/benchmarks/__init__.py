"""Figures of speed and size, each next to a baseline measured in the same run: `lawang bench [names]`."""
