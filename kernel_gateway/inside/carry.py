"""Carries one HTTP request over an open connection, byte for byte, and its answer back."""

from __future__ import annotations

import asyncio
import contextlib

import httptools

from kernel_gateway.inside.http import Receive, Scope, Send, as_sent

CHUNK = 256 << 10  # bytes that are read at a time
_MAX_QUIET = 512 << 10  # bytes of an answer that may come without any of its body: headers, trailers and the like
_HOP = {
    b"connection",
    b"keep-alive",
    b"transfer-encoding",
    b"te",
    b"trailer",
    b"upgrade",
    b"expect",
    b"proxy-connection",
}
KEPT_BACK = {b"x-api-key", b"x-access-token", b"e2b-traffic-access-token"}  # the gateway has checked them


def request_line(scope: Scope) -> bytes:
    """The first line of the request, less its line end."""
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    return bytes(scope["method"].encode() + b" " + target + b" HTTP/1.1")


class Lost(Exception):
    """The other end hung up: `started` says whether a part of its answer had been passed on."""

    def __init__(self, started: bool) -> None:
        super().__init__("the other end hung up")
        self.started = started


class _Answer:
    """What httptools has parsed of an answer; interim ones (1xx) before it and all that comes after it are ignored."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.body: list[bytes] = []
        self.status = 0
        self.done = False
        self.on_message_begin()

    def on_message_begin(self) -> None:
        if not self.done:
            self.headers: list[tuple[bytes, bytes]] = []
            self.head_done = self.sized = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_done:  # a trailer is none
            name = name.lower()
            self.headers.append((name, value))
            self.sized = self.sized or name in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        if not self.done:
            self.status = self.parser.get_status_code()
            self.head_done = self.status >= 200

    def on_body(self, body: bytes) -> None:
        if not self.done:
            self.body.append(body)

    def on_message_complete(self) -> None:
        self.done = self.head_done


async def carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, scope: Scope, receive: Receive, send: Send
) -> None:
    """Pass one request to the server at the other end and its answer back, as they come; closes the connection.

    Returns early when the client leaves: closing our connection is how the server learns of it. Raises `Lost` when
    the server hangs up before its answer is complete.
    """
    upload = asyncio.create_task(_upload(scope, receive, writer))
    download = asyncio.create_task(_download(scope["method"], reader, send))
    try:
        await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
        if download.done():
            download.result()
    finally:
        for task in (upload, download):
            task.cancel()
        await asyncio.gather(upload, download, return_exceptions=True)
        writer.close()


async def _upload(scope: Scope, receive: Receive, writer: asyncio.StreamWriter) -> None:
    """Send the request, then wait for the client to leave. Returns only when it has left."""
    sized = chunked = False
    head = [request_line(scope)]
    for name, value in scope["headers"]:
        if name in _HOP:
            chunked = chunked or name == b"transfer-encoding"
        elif name not in KEPT_BACK:
            sized = sized or name == b"content-length"
            head.append(as_sent(name) + b": " + value)
    chunked = chunked and not sized
    if chunked:
        head.append(b"transfer-encoding: chunked")
    writer.write(b"\r\n".join(head) + b"\r\n\r\n")
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body = message.get("body", b"")
        # When the server has hung up, the download says so; here it is no news.
        with contextlib.suppress(ConnectionError):
            if body:
                writer.write(b"%x\r\n%b\r\n" % (len(body), body) if chunked else body)
            if chunked and not message.get("more_body", False):
                writer.write(b"0\r\n\r\n")
            await writer.drain()


async def _download(method: str, reader: asyncio.StreamReader, send: Send) -> None:
    answer = _Answer()
    started = False
    quiet = 0
    while not answer.done:
        try:
            data = await reader.read(CHUNK)
        except ConnectionError:
            data = b""
        if not data:
            if started and not answer.sized:
                break  # an answer of no told length ends with its connection
            raise Lost(started)
        try:
            answer.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise Lost(started) from None  # whatever speaks there is no HTTP server
        quiet = 0 if answer.body else quiet + len(data)
        if quiet > _MAX_QUIET:
            raise Lost(started)
        if answer.head_done and not started:
            started = True
            headers = [(name, value) for name, value in answer.headers if name not in _HOP]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            if method == "HEAD":
                break
        if answer.body and not answer.done:
            body, answer.body = b"".join(answer.body), []
            await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b"".join(answer.body)})
