"""Carries HTTP to the service inside a sandbox over its Unix socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from kernel_gateway.inside.carry import CHUNK, Lost, carry
from kernel_gateway.inside.http import Receive, Scope, Send

__all__ = ["Lost", "ask", "relay"]

_MAX_ANSWER = 4 << 20  # bytes; no honest answer to the host itself is larger


async def relay(
    address: str,
    scope: Scope,
    receive: Receive,
    send: Send,
    opened: Callable[[asyncio.WriteTransport], None] = lambda transport: None,
) -> None:
    """Pass one request to the service at `address` and its answer back; see `carry`.

    `opened` is told of the connection: whoever aborts it makes this raise `Lost`. Raises `Lost` also when the service
    cannot be reached.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(address, limit=CHUNK)
    except OSError:
        raise Lost(started=False) from None
    opened(writer.transport)
    await carry(reader, writer, scope, receive, send)


async def ask(
    address: str, method: str, path: str, body: dict[str, Any] | None = None, seconds: float = 60.0
) -> tuple[int, bytes]:
    """One small request of the host's own: (status, body). Raises `Lost`, also for an answer beyond bounds or late."""
    status = size = 0
    parts: list[bytes] = []
    data = json.dumps(body or {}).encode()
    sent = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if sent.is_set():
            await asyncio.Event().wait()
        sent.set()
        return {"type": "http.request", "body": data}

    async def send(message: Any) -> None:
        nonlocal status, size
        status = message.get("status", status)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _MAX_ANSWER:
            raise Lost(started=True)

    headers = [(b"host", b"sandbox"), (b"content-length", str(len(data)).encode())]
    scope: Scope = {"method": method, "raw_path": path.encode(), "query_string": b"", "headers": headers}
    try:
        async with asyncio.timeout(seconds):
            await relay(address, scope, receive, send)
    except TimeoutError:
        raise Lost(started=False) from None
    return status, b"".join(parts)
