"""The sandbox's end of the way out: a port on its own loopback, which looks like an HTTP proxy.

Each connection to it is carried by one that the host has opened to the service beforehand; the proxy is there.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import cast

from kernel_gateway.inside.tunnel import Factory

PATH = "/outlet"  # where the host's connections ask for one of ours
PORT = 49981
_MOST_WAITING = 128


def proxy_variables() -> dict[str, str]:
    """What programs in a sandbox read to find the proxy; its own loopback they reach themselves."""
    url, own = f"http://127.0.0.1:{PORT}", "localhost,127.0.0.1,::1"
    found = {"HTTP_PROXY": url, "HTTPS_PROXY": url, "NO_PROXY": own}
    return {**found, **{name.lower(): value for name, value in found.items()}}


class Outlet:
    """Pairs connections from inside with those from the host, in the order in which they come."""

    def __init__(self) -> None:
        self._clients: asyncio.Queue[asyncio.Transport] = asyncio.Queue(_MOST_WAITING)
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen from now on, if nobody in the sandbox has taken the port."""
        if self._server is None:
            with contextlib.suppress(OSError):
                loop = asyncio.get_running_loop()
                self._server = await loop.create_server(lambda: _Arrival(self._clients), "127.0.0.1", PORT)

    async def pair(self, factory: Factory) -> asyncio.WriteTransport:
        """The next connection from inside, from now on spoken to by the protocol of `factory`."""
        while True:
            client = await self._clients.get()
            if not client.is_closing():
                client.set_protocol(factory())
                client.resume_reading()
                return client


class _Arrival(asyncio.Protocol):
    """A connection from inside, unread until the host takes it."""

    def __init__(self, clients: asyncio.Queue[asyncio.Transport]) -> None:
        self._clients = clients

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        client = cast(asyncio.Transport, transport)  # uvloop's is none by descent
        client.pause_reading()
        try:
            self._clients.put_nowait(client)
        except asyncio.QueueFull:
            client.abort()
