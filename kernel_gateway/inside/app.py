"""The sandbox's side of the data plane: sends each request to the part of the sandbox that it is for."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
import uvloop

from kernel_gateway.inside import files, memory, outlet
from kernel_gateway.inside.carry import CHUNK, Lost, carry
from kernel_gateway.inside.heard import Heard
from kernel_gateway.inside.http import (
    ENVD_PORT,
    INTERPRETER_PORT,
    Disconnected,
    Receive,
    Refused,
    Scope,
    Send,
    header,
    read_json,
    respond,
    respond_error,
    respond_json,
)
from kernel_gateway.inside.interpreter import Interpreter
from kernel_gateway.inside.launch import Connection, Forks
from kernel_gateway.inside.metrics import History
from kernel_gateway.inside.settings import Settings
from kernel_gateway.inside.tunnel import Factory, Tunnel, head

_TICK_SECONDS = 1.0
_MAX_TOLD = 64 << 10  # bytes
_KNOWN = {*outlet.proxy_variables(), "E2B_SANDBOX_ID"}  # of a sandbox's variables, what the host has set


class App:
    """The ASGI application. The port that the client asked for is in `E2b-Sandbox-Port`."""

    def __init__(self, settings: Settings, interpreter: Interpreter) -> None:
        self._settings, self._interpreter = settings, interpreter
        self._history = History(settings)
        self._outlet = outlet.Outlet()
        self._rpc: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        port = int(header(scope, b"e2b-sandbox-port") or ENVD_PORT)
        try:
            if port == INTERPRETER_PORT:
                if scope["path"] == "/execute":
                    memory.refresh()
                try:
                    heard = self._settings.journal.tap(send)
                    await self._interpreter.handle(scope["method"], scope["path"], receive, heard)
                except Refused as refused:
                    await respond(send, refused.status, refused.message.encode())
            elif port == ENVD_PORT:
                await self._envd(scope, receive, send)
            else:
                await self._port(port, scope, receive, send)
        except Refused as refused:
            await respond_error(send, refused.status, refused.message, **refused.more)
        except Disconnected:
            return

    async def open_tunnel(self, scope: Scope, factory: Factory) -> asyncio.WriteTransport:
        """Open a WebSocket to whatever listens on the port that is asked for; raises `Refused`."""
        port = int(header(scope, b"e2b-sandbox-port") or ENVD_PORT)
        if port == ENVD_PORT and scope["path"] == outlet.PATH:  # the host's own; it lets no client through to this port
            return await self._outlet.pair(factory)
        loop = asyncio.get_running_loop()
        tls = _tls(scope)
        transport, _ = await self._connect(port, lambda host: loop.create_connection(factory, host, port, ssl=tls))
        transport.write(head(_without_routing(scope)))
        return transport

    async def _port(self, port: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the server that code in the sandbox runs on `port`."""
        tls = _tls(scope)
        opened = await self._connect(port, lambda host: asyncio.open_connection(host, port, limit=CHUNK, ssl=tls))
        try:
            await carry(*opened, _without_routing(scope), receive, send)
        except Lost as lost:
            if not lost.started:
                raise Refused(502, f"The server on port {port} hung up without an answer.", port=port) from None

    async def _connect[T](self, port: int, connect: Callable[[str], Awaitable[T]]) -> T:
        for host in ("127.0.0.1", "::1"):
            try:
                return await connect(host)
            except OSError:
                continue
        name = self._settings.environment.get("E2B_SANDBOX_ID", "")
        raise Refused(502, "The sandbox is running but port is not open", sandboxId=name, port=port)

    async def _envd(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["path"]:
            case "/health":
                await respond(send, 204)
            case "/envs":
                await respond_json(send, 200, self._settings.envs)
            case "/files":
                await files.handle(self._settings, scope, receive, send)
            case "/metrics":
                await respond_json(send, 200, {"samples": await self._history.samples()})
            case "/init":  # from the host only; it lets no client through to this path
                body = await read_json(receive)
                if body.get("parked") is not True:
                    self._history.begin()
                envs = {str(k): str(v) for k, v in (body.get("envs") or {}).items()}
                self._settings.envs.update(envs)
                self._settings.journal.hide(value for name, value in envs.items() if name not in _KNOWN)
                if body.get("outlet") is True:
                    await self._outlet.open()
                await respond(send, 204)
            case str(path) if path.startswith("/volume/"):  # from the host only, too
                from kernel_gateway.inside import volume  # which only a volume's keeper needs

                await volume.handle(scope, receive, send)
            case "/snapshot" | "/restore" as path:  # from the host only, too
                from kernel_gateway.inside import pack  # most sandboxes never need it

                if path == "/snapshot":
                    await pack.handle_snapshot(self._settings, scope, receive, send)
                else:
                    await pack.handle_restore(self._settings, scope, receive)
                    await self._interpreter.renew()
                    await respond(send, 204)
            case str(path) if path.startswith("/process.Process/"):
                await self._service("process")(scope, receive, send)
            case str(path) if path.startswith("/filesystem.Filesystem/"):
                await self._service("filesystem")(scope, receive, send)
            case path:
                raise Refused(404, f"{path} is not a path of the sandbox's service.")

    def _service(self, name: str) -> Any:
        """The RPC service, imported when first asked for: 0.2 s that a sandbox which only runs cells never spends."""
        if name not in self._rpc:
            self._rpc[name] = importlib.import_module(f"kernel_gateway.inside.{name}").application(self._settings)
        return self._rpc[name]


def _tls(scope: Scope) -> ssl.SSLContext | None:
    """How to speak to a port whose server, as the sandbox's creator has said, expects TLS: any certificate will do."""
    if header(scope, b"e2b-sandbox-scheme") != "https":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _without_routing(scope: Scope) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if not name.startswith(b"e2b-sandbox-")]
    return {**scope, "headers": kept}


class _Server(uvicorn.Server):
    """uvicorn, which looks once a second whether it is to end: ten times, in a hundred sandboxes, are felt."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 - a signal sets a flag and nothing else
            await asyncio.sleep(_TICK_SECONDS)


async def _wanted(settings: Settings, door: socket.socket) -> socket.socket:
    """Wait until somebody wants the sandbox: the listener that comes by `door`, with the variables of its names.

    The process ends when the host has closed the other end instead.
    """
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(door, told.set)
    await told.wait()
    loop.remove_reader(door)
    with door:
        names, given, _, _ = socket.recv_fds(door, _MAX_TOLD, 1, socket.MSG_CMSG_CLOEXEC)
    if not names:
        os._exit(0)
    settings.environment.update(json.loads(names))
    return socket.socket(fileno=given[0])


def server_for(app: App) -> uvicorn.Server:
    """A server that answers by `app`."""
    config = uvicorn.Config(
        app,
        http=Heard,
        ws=Tunnel,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        timeout_keep_alive=3600,
        server_header=False,
        date_header=False,
    )
    config.load()
    return _Server(config)


def serve(
    settings: Settings, listener: socket.socket, line: socket.socket, first: Connection, *, waits: bool = False
) -> None:
    """Serve on the listening Unix socket until the process is ended from outside.

    `line` leads to the seed, which is forking the first kernel. One that `waits` has in the listener's place the socket
    by which it comes: all that can be done before anybody wants the sandbox is done by then.
    """

    async def run() -> None:
        forks = Forks(line)
        interpreter = Interpreter(settings, forks, forks.expect(first))
        warming = asyncio.create_task(interpreter.warm())
        server = server_for(App(settings, interpreter))
        await server.serve(sockets=[await _wanted(settings, listener) if waits else listener])
        warming.cancel()

    uvloop.run(run())
