"""The front door: everything that runs in Lawang's ASGI app and worker."""
