"""WebSockets: after the request's head has been admitted, bytes go both ways and nobody here reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol, cast
from urllib.parse import unquote

from kernel_gateway.inside.carry import KEPT_BACK, request_line
from kernel_gateway.inside.http import HeaderName, Refused, Scope, as_sent

type Factory = Callable[[], asyncio.Protocol]


class Admitting(Protocol):
    """An application that lets WebSockets through."""

    async def open_tunnel(self, scope: Scope, factory: Factory) -> asyncio.WriteTransport:
        """Connect to where the request goes, with the protocol of `factory`, and send its head; raises `Refused`."""


def head(scope: Scope) -> bytes:
    """The request's head as it is passed on, with everything that asks for the upgrade."""
    headers = (as_sent(name) + b": " + value for name, value in scope["headers"] if name not in KEPT_BACK)
    return b"\r\n".join([request_line(scope), *headers]) + b"\r\n\r\n"


class _End(asyncio.Protocol):
    """One end: what it hears goes to the other, no faster than the other takes it."""

    def __init__(self, other: asyncio.Transport) -> None:
        self._other = other

    def data_received(self, data: bytes) -> None:
        self._other.write(data)

    def pause_writing(self) -> None:
        self._other.pause_reading()

    def resume_writing(self) -> None:
        self._other.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._other.close()


class Tunnel(asyncio.Protocol):
    """What uvicorn hands an upgrading connection to: made by it, given the transport, then the request's head."""

    def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
        self._app: Admitting = config.app
        self._state = server_state
        self._peer: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._client = cast(asyncio.Transport, transport)  # uvloop's is none by descent
        self._state.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(data))
        elif self._peer is None:
            self._early.append(data)  # the client may not speak before it has its answer, so this is little
            self._client.pause_reading()
        else:
            self._peer.write(data)

    def pause_writing(self) -> None:
        if self._peer is not None:
            self._peer.pause_reading()

    def resume_writing(self) -> None:
        if self._peer is not None:
            self._peer.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._state.connections.discard(self)
        if self._peer is not None:
            self._peer.close()
        elif self._opening is not None:
            self._opening.cancel()

    def shutdown(self) -> None:
        """The server ends."""
        self._client.close()

    async def _open(self, data: bytes) -> None:
        try:
            peer = await self._app.open_tunnel(_scope(data), lambda: _End(self._client))
        except Refused as refused:
            body = json.dumps({"code": refused.status, "message": refused.message, **refused.more}).encode()
            start = f"HTTP/1.1 {refused.status} Refused\r\ncontent-type: application/json\r\nconnection: close\r\n"
            self._client.write(start.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
            self._client.close()
            return
        self._peer = cast(asyncio.Transport, peer)
        peer.write(b"".join(self._early))
        if self._early:
            self._client.resume_reading()


def _scope(data: bytes) -> Scope:
    first, *lines = data.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    method, target, _ = first.split(b" ", 2)
    path, _, query = target.partition(b"?")
    pairs = (line.partition(b":") for line in lines)
    return {
        "type": "websocket",
        "method": method.decode(),
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "headers": [(HeaderName.of(name), value.strip()) for name, _, value in pairs],
    }
