"""The port that a server listens on: opened before anything else, and a sentence when it cannot be."""

from __future__ import annotations

import errno
import socket

from gristmill.errors import Misuse


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Misuse that says who has the port, and what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            holder = _holder(port)
            raise Misuse(
                f"Port {port} is in use{f' by {holder}' if holder else ''}. Take another one: gristmill serve "
                f"--port {port + 1 if port < 65535 else 5006}, or --port 0 for any that is free."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise Misuse(f"Port {port} may not be opened by this user; take one above 1023 with --port.") from error
        raise Misuse(f"{host}:{port} cannot be opened: {error.strerror}.") from error
    except OverflowError as error:
        listening.close()
        raise Misuse(f"{port} is no port; it can be 0 to 65535.") from error
    return listening


def _holder(port: int) -> str:
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            here = connection.laddr and connection.laddr.port == port
            if here and connection.status == psutil.CONN_LISTEN and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return ""
    return ""


def shown(host: str) -> str:
    """A host as it stands in a URL; for one that means every address, the loopback."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
