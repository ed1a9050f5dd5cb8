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
        self._arrivals: asyncio.Queue[_Arrival] = asyncio.Queue(_MOST_WAITING)
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen from now on, if nobody in the sandbox has taken the port."""
        if self._server is None:
            with contextlib.suppress(OSError):
                loop = asyncio.get_running_loop()
                self._server = await loop.create_server(lambda: _Arrival(self._arrivals), "127.0.0.1", PORT)

    async def pair(self, factory: Factory) -> asyncio.WriteTransport:
        """The next connection from inside, from now on spoken to by the protocol of `factory`."""
        while (arrival := await self._arrivals.get()).client.is_closing():
            pass
        return arrival.hand_over(factory())


class _Arrival(asyncio.Protocol):
    """A connection from inside that the host has not taken yet; little of what it says is read until then."""

    def __init__(self, arrivals: asyncio.Queue[_Arrival]) -> None:
        self._arrivals = arrivals
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.client = cast(asyncio.Transport, transport)  # uvloop's is none by descent
        try:
            self._arrivals.put_nowait(self)
        except asyncio.QueueFull:
            self.client.abort()

    def data_received(self, data: bytes) -> None:
        self._early.append(data)
        self.client.pause_reading()

    def hand_over(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Have `protocol` hear what was said so far, and all that comes."""
        self.client.set_protocol(protocol)
        if self._early:
            protocol.data_received(b"".join(self._early))
            self.client.resume_reading()
        return self.client
