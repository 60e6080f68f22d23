"""Ports for servers that a test starts on a number chosen before."""

import secrets
import socket

# Below those that Linux gives to whoever asks for any (ip_local_port_range begins at 32768): a socket of
# another test could have such a number before the server that it was chosen for.
FIRST, COUNT = 18_000, 12_000


def free_port() -> int:
    """A port of this machine that nobody uses now, nor is likely to before its server is up."""
    while True:
        port = FIRST + secrets.randbelow(COUNT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
