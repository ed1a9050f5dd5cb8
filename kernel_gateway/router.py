"""The gateway's front: checks who asks and where from, then sends control requests one way and data the other.

The data plane only routes bytes: it looks at a request's headers and never at a path that a sandbox could have made.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from kernel_gateway.attempts import Attempts
from kernel_gateway.control import Control
from kernel_gateway.inside.http import (
    ENVD_PORT,
    INTERPRETER_PORT,
    Disconnected,
    Message,
    Receive,
    Refused,
    Scope,
    Send,
    first_values,
    header,
    respond_error,
    respond_json,
)
from kernel_gateway.inside.tunnel import Factory, head
from kernel_gateway.record import Missing, Record
from kernel_gateway.relay import Lost, relay
from kernel_gateway.sandboxes import Sandboxes
from kernel_gateway.volume_files import VolumeFiles

_HOST_ONLY = (
    "/init",
    "/snapshot",
    "/restore",
    "/volume/",
)  # of the service's paths, what only the gateway itself may ask
_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
_SANDBOX_HOST = re.compile(r"(?P<port>[0-9]{1,5})-(?P<id>[a-z0-9]+)")
_INERT = [  # a page among a sandbox's files, opened by its signed URL, must not run in the gateway's own origin
    (b"content-security-policy", b"sandbox"),
    (b"x-content-type-options", b"nosniff"),
]
_STRANGERS = (401, 403, 421, 429)
_MUCH = 32 << 20  # bytes of one answer, beyond which it lets others by: each piece of it keeps them waiting
_MAKE_WAY_SECONDS, _JUST_NOW_SECONDS = 0.005, 0.1
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True)
class Target:
    """What a data request is for."""

    sandbox: str
    port: int
    by_name: bool


class Router:
    """The ASGI application of the gateway."""

    def __init__(self, sandboxes: Sandboxes, api_key: str, domain: str, facts: dict[str, object]) -> None:
        self._sandboxes = sandboxes
        self._files = VolumeFiles(sandboxes.host, sandboxes.volumes)
        self._control = Control(sandboxes, self._files)
        self._key, self._facts, self._attempts = api_key, facts, Attempts()
        self._domain = urlsplit(f"//{domain}").hostname or domain
        self.open_requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        self.open_requests += 1
        self._sandboxes.last_used = time.monotonic()
        try:
            await self._answer(scope, receive, send)
        except Refused as refused:
            # Whoever may not speak to us does not hold a connection, either.
            answer = _closing(send) if refused.status in _STRANGERS else send
            await respond_error(answer, refused.status, refused.message, **refused.more)
        except Disconnected:
            return
        finally:
            self.open_requests -= 1
            self._sandboxes.last_used = time.monotonic()

    async def close(self) -> None:
        """End what serves requests and is no sandbox of anybody's."""
        await self._files.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        label = self._check_host(scope)
        self._check_origin(scope)
        target = _target(scope, label)
        if target is None and scope["path"] == "/files" and b"signature=" in scope["query_string"]:
            await self._pass_on(self._signed(scope), ENVD_PORT, scope, receive, send)
        elif target is None and scope["path"].startswith("/volumecontent/"):
            await self._files.handle(scope, receive, send)
        elif target is None:
            if not self._control.admits(scope):
                await self._check_key(scope)
            if scope["path"] == "/health":
                await respond_json(send, 200, self._facts)
            else:
                await self._control.handle(scope, receive, send)
        else:
            await self._data(target, scope, receive, send)

    def _check_host(self, scope: Scope) -> str | None:
        """Refuse a forged Host, as DNS rebinding sends; return the label before our domain, if there is one."""
        value = header(scope, b"host") or ""
        name = re.sub(r":\d+$", "", value.lower())
        if name in _LOOPBACK:
            return None
        label, dot, rest = name.partition(".")
        if dot and rest in (self._domain, "localhost"):
            return label
        if name == self._domain:
            return None
        raise Refused(421, f"This gateway does not answer for the host {value!r}.")

    def _check_origin(self, scope: Scope) -> None:
        origin = header(scope, b"origin")
        if origin is None:
            return
        with contextlib.suppress(ValueError):
            parts = urlsplit(origin)
            name = parts.hostname or ""
            ours = name in ("localhost", "127.0.0.1", "::1", self._domain)
            # A page that a sandbox serves may ask its own server, and neither us nor another sandbox.
            ours = ours or (name.endswith((".localhost", f".{self._domain}")) and origin.endswith(f"//{_host(scope)}"))
            if parts.scheme in ("http", "https") and ours and parts.port == _port(header(scope, b"host")):
                return
        raise Refused(403, f"Requests from the origin {origin!r} are not accepted.")

    async def _check_key(self, scope: Scope) -> None:
        given, address = header(scope, b"x-api-key") or "", (scope.get("client") or ("",))[0]
        if hmac.compare_digest(given.encode(), self._key.encode()) and self._attempts.right(address):
            return
        if given and (seconds := await self._attempts.hold(address)):
            raise Refused(429, f"Too many wrong API keys came from there; wait {seconds} s.", retry_after=seconds)
        raise Refused(401, "The API key is missing or wrong; send it as X-API-KEY (E2B_API_KEY).")

    async def open_tunnel(self, scope: Scope, factory: Factory) -> asyncio.WriteTransport:
        """Open a WebSocket to a port of a sandbox; raises `Refused`."""
        label = self._check_host(scope)
        self._check_origin(scope)
        self._sandboxes.last_used = time.monotonic()
        target = _target(scope, label)
        if target is None or target.port in (ENVD_PORT, INTERPRETER_PORT):
            raise Refused(404, "There is no WebSocket here; a sandbox's port is at <port>-<id>.<domain>.")
        record = self._known(target.sandbox)
        _check_token(record, target, scope)
        self._run(record)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_unix_connection(factory, record.sandbox.address)
        except OSError:
            raise _not_found(record.id) from None
        record.attach(transport)
        transport.write(head(_onward(record, target.port, scope)))
        return transport

    async def _data(self, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
        record = self._known(target.sandbox)
        path = scope["path"]
        if target.port == ENVD_PORT and path.startswith(_HOST_ONLY):
            raise Refused(404, f"{path} is not a path of the sandbox's service.")
        if target.port == ENVD_PORT and path == "/files" and b"signature=" in scope["query_string"]:
            if not _signature_fits(record, scope):
                raise Refused(401, "invalid signature")  # these are envd's words, which clients know
            _check_expiry(scope)
        elif not (target.port == ENVD_PORT and path == "/health"):
            _check_token(record, target, scope)
        elif record.paused and not _has_token(record, scope):
            raise _not_found(record.id)  # whether it runs anybody may ask, but not wake it by asking
        self._run(record)
        await self._pass_on(record, target.port, scope, receive, send)

    def _known(self, name: str) -> Record:
        """The sandbox, unless it is paused and stays so; raises `Refused`."""
        try:
            record = self._sandboxes.find(name)
        except Missing:
            raise _not_found(name, self._sandboxes.verdict(name)) from None
        if record.paused and not record.auto_resume:
            raise _not_found(name)
        return record

    def _run(self, record: Record) -> None:
        """Resume a sandbox that is paused and whose creator asked for that, for somebody who may speak to it."""
        if record.paused:
            self._sandboxes.resume(record, record.seconds)

    def _signed(self, scope: Scope) -> Record:
        """The sandbox whose token made this URL's signature: the URL itself does not name it."""
        for record in self._sandboxes:
            if _signature_fits(record, scope):
                _check_expiry(scope)
                known = self._known(record.id)
                self._run(known)
                return known
        raise Refused(401, "invalid signature")

    def _somebody_asks(self, since: float) -> bool:
        """Whether another request has begun or ended just now, and after `since`."""
        last = self._sandboxes.last_used
        return last > since and time.monotonic() - last < _JUST_NOW_SECONDS

    async def _pass_on(self, record: Record, port: int, scope: Scope, receive: Receive, send: Send) -> None:
        is_stream = False
        is_file = port == ENVD_PORT and scope["path"] == "/files"
        passed, began = 0, self._sandboxes.last_used

        async def watched(message: Message) -> None:
            nonlocal is_stream, passed
            if message["type"] == "http.response.start":
                kinds = [bytes(value) for name, value in message["headers"] if name == b"content-type"]
                is_stream = bool(kinds) and kinds[0].startswith(b"application/connect+")
                if is_file:
                    message = {**message, "headers": [*message["headers"], *_INERT]}
            await send(message)
            passed += len(message.get("body", b""))
            if passed > _MUCH and self._somebody_asks(since=began):
                await asyncio.sleep(_MAKE_WAY_SECONDS)

        try:
            onward = _onward(record, port, scope)
            await relay(record.sandbox.address, onward, receive, watched, record.attach)
        except Lost as lost:
            if not lost.started:
                raise _not_found(record.id) from None
            if is_stream:
                end = {"error": {"code": "unavailable", "message": f"The connection to sandbox {record.id} ended."}}
                data = json.dumps(end).encode()
                envelope = b"\x02" + len(data).to_bytes(4, "big") + data  # flag 2: the end of a Connect stream
                await send({"type": "http.response.body", "body": envelope})
            # Any other answer stays unfinished, so that the server cuts the connection and the client notices.


def _closing(send: Send) -> Send:
    async def last(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return last


def _target(scope: Scope, label: str | None) -> Target | None:
    if (name := header(scope, b"e2b-sandbox-id")) is not None:
        port = header(scope, b"e2b-sandbox-port") or str(ENVD_PORT)
        if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
            raise Refused(400, f"E2b-Sandbox-Port {port!r} is not a port.")
        return Target(name, int(port), by_name=False)
    if label is not None and (parts := _SANDBOX_HOST.fullmatch(label)) and int(parts["port"]) < 65536:
        return Target(parts["id"], int(parts["port"]), by_name=True)
    return None


def _onward(record: Record, port: int, scope: Scope) -> Scope:
    """The request as the service inside gets it: port and scheme are said by us alone, and Host masked if asked for."""
    ours = (b"e2b-sandbox-port", b"e2b-sandbox-scheme")
    headers = [(name, value) for name, value in scope["headers"] if name not in ours]
    if record.host_mask is not None and port not in (ENVD_PORT, INTERPRETER_PORT):
        host = record.host_mask.replace("${PORT}", str(port)).encode("latin-1", "replace")
        headers = [(name, host if name == b"host" else value) for name, value in headers]
    if port in record.https_ports:
        headers.append((b"e2b-sandbox-scheme", b"https"))
    return {**scope, "headers": [*headers, (b"e2b-sandbox-port", str(port).encode())]}


def _check_token(record: Record, target: Target, scope: Scope) -> None:
    """Data needs the sandbox's token; the SDK sends the traffic token alone with calls about contexts.

    What code in the sandbox serves on ports of its own is for a browser, too, which can send no token: there the
    unguessable host name is enough, unless the sandbox's creator asked for more (`allowPublicTraffic: false`).
    """
    if record.public and target.by_name and target.port not in (ENVD_PORT, INTERPRETER_PORT):
        return
    if _has_token(record, scope):
        return
    if target.port not in (ENVD_PORT, INTERPRETER_PORT):
        raise Refused(403, "The port's traffic access token is missing or wrong; send it as e2b-traffic-access-token.")
    raise Refused(401, "The sandbox's access token is missing or wrong.")


def _has_token(record: Record, scope: Scope) -> bool:
    for name, expected in ((b"x-access-token", record.token), (b"e2b-traffic-access-token", record.traffic_token)):
        given = header(scope, name)
        if given is not None and hmac.compare_digest(given.encode(), expected.encode()):
            return True
    return False


def _signature_fits(record: Record, scope: Scope) -> bool:
    """E2B's version 1: unpadded base64 of sha256 over path, operation, user, token and, if it has one, expiry."""
    query = first_values(scope)
    operation = "read" if scope["method"] in ("GET", "HEAD") else "write"
    if ":" in query.get("username", ""):
        return False  # its parts would run into each other: reading `a:write:b` could be taken for writing `a`
    parts = [query.get("path", ""), operation, query.get("username", ""), record.token]
    if (expiry := query.get("signature_expiration")) is not None:
        parts.append(expiry)
    digest = hashlib.sha256(":".join(parts).encode("utf-8", "surrogateescape")).digest()
    expected = "v1_" + base64.b64encode(digest).rstrip(b"=").decode()
    with contextlib.suppress(binascii.Error, ValueError):
        return hmac.compare_digest(query.get("signature", "").encode(), expected.encode())
    return False


def _check_expiry(scope: Scope) -> None:
    """Refuse a signed URL whose time, which its signature covers, has passed."""
    expiry = first_values(scope).get("signature_expiration")
    if expiry is not None and not (expiry.isascii() and expiry.isdigit() and int(expiry) >= time.time()):
        raise Refused(401, "signature is already expired")


def _not_found(sandbox_id: str, verdict: str | None = None) -> Refused:
    """What E2B's edge says of a sandbox that does not run; the SDK knows it by its words."""
    why = "" if verdict is None else f": it was {verdict}"
    return Refused(502, f"The sandbox {sandbox_id} was not found{why}", sandboxId=sandbox_id)


def _host(scope: Scope) -> str:
    return (header(scope, b"host") or "").lower()


def _port(host: str | None) -> int | None:
    with contextlib.suppress(ValueError):
        return urlsplit(f"//{host}").port
    return None
