"""A port for a server that has to be told one, or that comes back to the one that it had."""

from __future__ import annotations

import random
import socket


def free_port() -> int:
    """A port of the loopback that is free, from where the kernel takes none for connections meanwhile."""
    while True:
        port = random.randrange(20_000, 30_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
