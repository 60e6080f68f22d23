"""The front door: everything that runs in Lawang's ASGI app and worker."""

__version__ = "0.1.0"
