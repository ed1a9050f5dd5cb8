"""Panel's scripts and styles, compressed once and kept by the browser: 3 MB that need not travel with every page."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OURS = "/components/panel_app.wire/"
"""The one module whose files a page asks for. Panel would import whatever module the address names."""
KEPT = ("/static/", "/scripts/", OURS)
MOST = 64
"""Files kept at most. A page asks for about ten, and their number does not grow; the bound is for the curious."""


@dataclass(frozen=True)
class File:
    """A file as it goes out: compressed, with the digest of its bytes as its tag."""

    body: bytes
    kind: bytes
    tag: bytes


class Assets:
    """ASGI middleware around the dashboard. The files do not change while the process lives, so each is read once.

    An address with `?v=` may be kept for a year; any other is asked for again, and answered with 304 if unchanged.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._files: dict[str, File] = {}
        self._reading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] == "http" and path.startswith("/components/") and not path.startswith(OURS):
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"Not found"})
            return
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not path.startswith(KEPT):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        if b"gzip" not in headers.get(b"accept-encoding", b""):
            await self.app(scope, receive, send)
            return
        file = self._files.get(path)
        if file is None:
            async with self._reading:
                file = self._files.get(path) or await self._read(scope, path)
        if file is None:
            await self.app(scope, receive, send)
            return
        same = headers.get(b"if-none-match") == file.tag
        body = b"" if same or scope["method"] == "HEAD" else file.body
        versioned = "v" in parse_qs(bytes(scope.get("query_string", b"")).decode("latin-1"))
        lasting = b"private, max-age=31536000, immutable" if versioned else b"private, no-cache"
        start = [(b"etag", file.tag), (b"cache-control", lasting), (b"vary", b"accept-encoding")]
        if not same:
            start += [
                (b"content-type", file.kind),
                (b"content-encoding", b"gzip"),
                (b"content-length", str(len(file.body)).encode()),
            ]
        await send({"type": "http.response.start", "status": 304 if same else 200, "headers": start})
        await send({"type": "http.response.body", "body": body})

    async def _read(self, scope: Scope, path: str) -> File | None:
        """Asks the application for the file as if for the first time; None unless it is one worth keeping."""
        parts: list[bytes] = []
        started: Message = {}

        requests = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            if not requests:
                await asyncio.Event().wait()  # whoever asks again waits for a client that goes away
            return requests.pop()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            else:
                parts.append(bytes(message.get("body", b"")))

        plain = [
            (n, v) for n, v in scope["headers"] if not n.lower().startswith((b"if-", b"range", b"accept-encoding"))
        ]
        await self.app({**scope, "method": "GET", "headers": plain}, receive, send)
        headers = {name.lower(): value for name, value in started["headers"]}
        kind = headers.get(b"content-type", b"")
        if (
            started["status"] != 200
            or b"content-encoding" in headers
            or not kind.startswith((b"text/", b"application/"))
        ):
            return None
        body = b"".join(parts)
        small = await asyncio.to_thread(gzip.compress, body, 6)
        file = File(small, kind, b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"')
        if len(self._files) < MOST:
            self._files[path] = file
        return file
