"""The little HTTP that the services need, straight on ASGI."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qs

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Headers = Sequence[tuple[bytes, bytes]]

NONE: Headers = ()
ENVD_PORT, INTERPRETER_PORT = 49983, 49999  # of a sandbox: its service, and the interpreter in it


class HeaderName(bytes):
    """A header's name in lower case, as ASGI has it, which remembers how it was `sent`."""

    sent: bytes

    @classmethod
    def of(cls, sent: bytes) -> HeaderName:
        """The name that was sent so."""
        name = cls(sent.lower())
        name.sent = sent
        return name


def as_sent(name: bytes) -> bytes:
    """A header's name as its sender wrote it, where that is known."""
    return name.sent if isinstance(name, HeaderName) else name


class Disconnected(Exception):
    """The client went away before it had sent its whole request."""


class Refused(Exception):
    """A request that is answered with an error: HTTP status, a sentence for the caller, and what the wire adds."""

    def __init__(self, status: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.status, self.message, self.more = status, message, more


def header(scope: Scope, name: bytes) -> str | None:
    """The value of one request header, by its lower-case name; None when it was not sent."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return None


def first_values(scope: Scope) -> dict[str, str]:
    """The query's parameters, each with the first of its values.

    Whoever checks a request and whoever answers it read it alike, so that both mean the same file.
    """
    found = parse_qs(scope["query_string"].decode("utf-8", "surrogateescape"), keep_blank_values=True)
    return {name: values[0] for name, values in found.items()}


async def body_chunks(receive: Receive) -> AsyncIterator[bytes]:
    """The request's body as it arrives; raises `Disconnected` when the client leaves in the middle."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        if chunk := message.get("body", b""):
            yield chunk
        if not message.get("more_body", False):
            return


async def read_body(receive: Receive, limit: int = 64 << 20) -> bytes:
    """The whole body; raises `Refused(413)` beyond `limit` bytes."""
    parts: list[bytes] = []
    size = 0
    async for chunk in body_chunks(receive):
        size += len(chunk)
        if size > limit:
            raise Refused(413, f"The request body is larger than {limit} bytes.")
        parts.append(chunk)
    return b"".join(parts)


async def read_json(receive: Receive, limit: int = 64 << 20) -> dict[str, Any]:
    """The body as a JSON object; raises `Refused(400)` for anything else. An empty body is an empty object."""
    body = await read_body(receive, limit)
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"The request body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Refused(400, "The request body must be a JSON object.")
    return value


async def respond(
    send: Send, status: int, body: bytes = b"", content_type: str = "text/plain; charset=utf-8", headers: Headers = NONE
) -> None:
    """Send one whole response."""
    head = [*headers]
    if status != 204:
        head += [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, status: int, value: object, headers: Headers = NONE) -> None:
    """Send one whole JSON response, ASCII only: some clients split lines on raw U+2028 and U+0085."""
    await respond(send, status, json.dumps(value).encode(), "application/json", headers)


async def respond_error(send: Send, status: int, message: str, **more: object) -> None:
    """Send an error in E2B's shape. `Should-Retry: false` keeps the SDK from sending the request again.

    `retry_after`, in seconds, becomes the header of that name.
    """
    headers = [(b"should-retry", b"false")]
    if (seconds := more.pop("retry_after", None)) is not None:
        headers.append((b"retry-after", str(seconds).encode()))
    await respond_json(send, status, {"code": status, "message": message, **more}, headers)


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone; to be awaited after the body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass
