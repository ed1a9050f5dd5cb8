"""The way out of a sandbox: an HTTP proxy on the host, and a package index, for the connections of one sandbox.

A sandbox has no network. What connects to the proxy's port on the sandbox's own loopback is carried by the service
inside over the gateway's connection to it, so neither side needs a path or a port of the other. See RFC 9110, 9.3.6
(CONNECT), and RFC 9112. A plain request is parsed and written anew, one on each connection: whatever a client sends
beyond it reaches nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import h11

from kernel_gateway.egress import Address, Denied, Policy, Rules
from kernel_gateway.inside.outlet import PATH
from kernel_gateway.packages import NotOffered, Packages
from kernel_gateway.wheels import NoPackages

log = logging.getLogger("kernel_gateway")

_CHUNK = 64 << 10
_HEAD = 32 << 10  # bytes of a request's head
_HEAD_SECONDS = 10.0
_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 300.0
_MOST = 64  # connections of one sandbox at once; more wait inside
_LOOKING_UP = 2  # names at once; the machine's resolver is everybody's
_OFFERED = 3  # answers of the package index at once; fewer than what fetches may do, which is everybody's, too
_SPARE = 4  # connections that wait for the sandbox's next
_AGAIN_SECONDS = 1.0
_SOON_SECONDS = 0.3
_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"te", b"trailer", b"upgrade"}
_DROPPED = _HOP | {b"host", b"transfer-encoding", b"content-length"}
_UPGRADE = (
    f"GET {PATH} HTTP/1.1\r\nhost: sandbox\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".encode()
)  # the service's server hands over the bare connection on these words, and on no others

type Opened = Callable[[asyncio.WriteTransport], None]


class Exit:
    """The way out of one sandbox, whose service is at `address`; `opened` is told of each connection with it.

    `policy` is None where a sandbox may reach nothing but the `packages`.
    """

    def __init__(self, address: str, policy: Policy | None, rules: Rules, opened: Opened, packages: Packages) -> None:
        self._address, self._policy, self._rules, self._opened = address, policy, rules, opened
        self._packages = packages
        self._spare = _SPARE if policy is not None else 1
        self._waiting: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._again: asyncio.TimerHandle | None = None
        self._looking_up = asyncio.Semaphore(_LOOKING_UP)
        self._offered = asyncio.Semaphore(_OFFERED)
        self._open = False

    def start(self) -> None:
        """Take connections from now on, or soon where there are packages alone: no first cell is to wait for us."""
        self._open = True
        if self._policy is not None:
            self._fill()
        else:
            self._again = asyncio.get_running_loop().call_later(_SOON_SECONDS, self._fill)

    def stop(self) -> None:
        """Take none any more, and cut those that there are."""
        self._open = False
        if self._again is not None:
            self._again.cancel()
        for task in (*self._waiting, *self._serving):
            task.cancel()

    def change(self, rules: Rules) -> None:
        """Go by other rules, also for what is under way, which is cut."""
        self._rules = rules
        for task in self._serving:
            task.cancel()

    def _fill(self) -> None:
        self._again = None
        while self._open and len(self._waiting) < self._spare and len(self._waiting) + len(self._serving) < _MOST:
            task = asyncio.create_task(self._take())
            self._waiting.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        """One connection has ended: one that had begun makes room at once, one that had not would only end again."""
        if task in self._serving:
            self._serving.discard(task)
            self._fill()
            return
        self._waiting.discard(task)
        if self._open and self._again is None:
            self._again = asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._fill)

    async def _take(self) -> None:
        """Wait for one connection from inside and serve it."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._address, limit=_CHUNK)
        except OSError:
            return
        self._opened(writer.transport)
        task = asyncio.current_task()
        assert task is not None
        try:
            writer.write(_UPGRADE)
            first = await reader.read(_CHUNK)
            if not first:
                return
            self._waiting.discard(task)
            self._serving.add(task)
            self._fill()
            await _Visit(
                reader, writer, self._policy, self._rules, self._looking_up, self._packages, self._offered
            ).serve(first)
        except (ConnectionError, TimeoutError, h11.LocalProtocolError):
            return  # what is not caught is written to our log, which nobody inside may fill
        finally:
            writer.transport.abort()


class _Visit:
    """One connection from inside."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        policy: Policy | None,
        rules: Rules,
        looking_up: asyncio.Semaphore,
        packages: Packages,
        offered: asyncio.Semaphore,
    ) -> None:
        self._reader, self._writer, self._policy, self._rules = reader, writer, policy, rules
        self._looking_up, self._packages, self._offered = looking_up, packages, offered
        self._client = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD)

    async def serve(self, first: bytes) -> None:
        """Answer its one request."""
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                request = await self._request(first)
            if request.method == b"CONNECT":
                await self._tunnel(request)
            elif request.target.startswith(b"/"):
                async with self._offered:
                    await self._offer(request)
            else:
                await self._forward(request)
        except Denied as denied:
            await self._refuse(403, str(denied))
        except NotOffered as absent:
            await self._refuse(absent.status, str(absent))
        except TimeoutError:
            await self._refuse(408, "The request did not come to its end in time.")
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint, f"The proxy does not understand this request: {error}.")
        except OSError as error:
            await self._refuse(502, f"The connection failed: {error.strerror or error}.")

    async def _request(self, first: bytes) -> h11.Request:
        self._client.receive_data(first)
        while (event := self._client.next_event()) is h11.NEED_DATA:
            self._client.receive_data(await self._reader.read(_CHUNK))
        if not isinstance(event, h11.Request):
            raise ConnectionError("the client left")
        return event

    async def _tunnel(self, request: h11.Request) -> None:
        host, port = _authority(request.target)
        ours, theirs = await self._reach(host, port)
        early, _ = self._client.trailing_data
        _write(self._writer, b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            _write(theirs, early)
            await _both_ways((self._reader, theirs), (ours, self._writer))
        finally:
            theirs.transport.abort()

    async def _forward(self, request: h11.Request) -> None:
        """Send a plain request on, written anew, and its answer back."""
        host, port, target = _absolute(request.target)
        headers = [(name, value) for name, value in request.headers if name not in _DROPPED]
        if {name for name, _ in request.headers} >= {b"content-length", b"transfer-encoding"}:
            raise h11.RemoteProtocolError("it gives two lengths", 400)
        framing = [pair for pair in request.headers if pair[0] in (b"content-length", b"transfer-encoding")]
        named = f"[{host}]" if ":" in host else host
        authority = (named if port == 80 else f"{named}:{port}").encode()
        onward = h11.Request(
            method=request.method,
            target=target,
            headers=[(b"host", authority), *headers, *framing, (b"connection", b"close")],
        )
        ours, theirs = await self._reach(host, port)
        server = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD)
        _write(theirs, server.send(onward) or b"")
        upload = asyncio.create_task(self._upload(server, theirs))
        try:
            await self._download(server, ours, upload)
        finally:
            upload.cancel()
            await asyncio.gather(upload, return_exceptions=True)
            theirs.transport.abort()
        await self._end()

    async def _offer(self, request: h11.Request) -> None:
        """Answer a request that is for us ourselves: from the package index."""
        if request.method not in (b"GET", b"HEAD"):
            raise NotOffered(405, "The package index can only be read.")
        offer = await self._packages.answer(unquote(request.target.partition(b"?")[0].decode("ascii", "replace")))
        headers = [("content-type", offer.kind), ("connection", "close")]
        if offer.size is not None:
            headers.append(("content-length", str(offer.size)))
        self._send(h11.Response(status_code=200, headers=headers))
        try:
            async for block in offer.body:
                if request.method == b"HEAD":
                    break
                self._send(h11.Data(data=block))
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._writer.drain()
        except NoPackages as why:
            raise ConnectionError(str(why)) from None  # the half that it got tells who asked
        self._send(h11.EndOfMessage())
        await self._end()

    async def _upload(self, server: h11.Connection, theirs: asyncio.StreamWriter) -> None:
        while True:
            event = self._client.next_event()
            if event is h11.NEED_DATA:
                if self._client.they_are_waiting_for_100_continue:
                    self._send(h11.InformationalResponse(status_code=100, headers=[]))
                self._client.receive_data(await self._reader.read(_CHUNK))
            elif isinstance(event, h11.Data | h11.EndOfMessage):
                plain = h11.EndOfMessage() if isinstance(event, h11.EndOfMessage) else event
                _write(theirs, server.send(plain) or b"")
                await theirs.drain()
                if isinstance(event, h11.EndOfMessage):
                    return
            else:
                raise ConnectionError("the client left")

    async def _download(self, server: h11.Connection, ours: asyncio.StreamReader, upload: asyncio.Task[None]) -> None:
        while True:
            try:
                event = server.next_event()
            except h11.RemoteProtocolError as error:
                raise OSError(f"what answers there is no web server: {error}") from None
            if event is h11.NEED_DATA:
                if upload.done() and upload.exception() is not None:
                    upload.result()
                async with asyncio.timeout(_IDLE_SECONDS):
                    server.receive_data(await ours.read(_CHUNK))
            elif isinstance(event, h11.Response):
                headers = [pair for pair in event.headers if pair[0] not in _HOP]
                headers.append((b"connection", b"close"))
                self._send(h11.Response(status_code=event.status_code, reason=event.reason, headers=headers))
            elif isinstance(event, h11.Data):
                self._send(event)
                await self._writer.drain()
            elif isinstance(event, h11.EndOfMessage):
                self._send(h11.EndOfMessage())
                return
            elif not isinstance(event, h11.InformationalResponse):
                raise ConnectionError("the server left")

    async def _reach(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection with the first of the admitted addresses that takes one; raises `Denied` and OSError."""
        trouble: OSError = OSError("it has no address")
        if self._policy is None:
            raise Denied("Sandboxes on this host have no network; start the gateway with --allow-internet for one.")
        async with self._looking_up:
            admitted = await self._policy.admit(self._rules, host, port)
        for address in admitted:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    return await _connect(address, port)
            except OSError as error:  # among them TimeoutError
                trouble = error
        raise OSError(f"{host} does not answer on port {port} ({trouble.strerror or 'in time'})")

    async def _refuse(self, status: int, why: str) -> None:
        """Say why not, where there is still somebody to say it to and nothing has been said."""
        if self._client.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        body = json.dumps({"code": status, "message": why}).encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        # The reason phrase is all that many clients show of a CONNECT that failed.
        reason = why.encode("ascii", "replace")[:200]
        with contextlib.suppress(ConnectionError, h11.LocalProtocolError):
            self._send(h11.Response(status_code=status, reason=reason, headers=headers))
            self._send(h11.Data(data=body))
            self._send(h11.EndOfMessage())
            await self._end()

    def _send(self, event: Any) -> None:
        _write(self._writer, self._client.send(event) or b"")

    async def _end(self) -> None:
        """Let the client read the last of it before the connection goes."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_HEAD_SECONDS):
                await self._writer.drain()
                _end_writing(self._writer)
                while await self._reader.read(_CHUNK):
                    pass


async def _connect(address: Address, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(str(address), port, limit=_CHUNK)


def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Write; raises ConnectionError where the other side has left, for which uvloop has another error."""
    if writer.transport.is_closing():
        raise ConnectionError("the other side left")
    writer.write(data)


def _end_writing(writer: asyncio.StreamWriter) -> None:
    if not writer.transport.is_closing():
        writer.write_eof()


async def _both_ways(*ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Copy until one side has nothing more to say, or nobody says anything for too long."""
    last = asyncio.get_running_loop().time()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal last
        while data := await reader.read(_CHUNK):
            last = asyncio.get_running_loop().time()
            _write(writer, data)
            await writer.drain()
        with contextlib.suppress(OSError):
            _end_writing(writer)

    pending = {asyncio.create_task(copy(*way)) for way in ways}
    try:
        while pending and (left := last + _IDLE_SECONDS - asyncio.get_running_loop().time()) > 0:
            done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def _authority(target: bytes) -> tuple[str, int]:
    """Host and port of a CONNECT; raises `Denied`."""
    text = target.decode("ascii", "replace")
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536 or "@" in host:
        raise Denied(f"{text[:100]!r} is not host:port.")
    return host.strip("[]"), int(port)


def _absolute(target: bytes) -> tuple[str, int, bytes]:
    """Host, port and path of a request to a proxy; raises `Denied`."""
    text = target.decode("ascii", "replace")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port = None, 80
    if host is None or parts.scheme != "http" or "@" in parts.netloc:
        raise Denied(f"{text[:100]!r} is not an address that this proxy knows: it takes http://… and CONNECT.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port, path.encode("ascii")
