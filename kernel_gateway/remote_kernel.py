"""A Jupyter kernel in a sandbox of its own, reached from this process through sockets like a local kernel's.

Everything here runs on one event loop in a thread of its own: the clients of kernels call from loops that come and go.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kernel_gateway.client import Host, connection, find_host, open_sandbox
from kernel_gateway.errors import GatewayUnavailable, SandboxFailed
from kernel_gateway.inside.bridge import join

if TYPE_CHECKING:
    from e2b_code_interpreter import AsyncSandbox

_START_SECONDS = 60
_THREAD = "sandboxed kernel"
_KEPT_LINES = 50
_SAY = 4000  # characters of what a kernel said before its end that go into a message

type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Order:
    """What to run: the kernel's command with `{connection_file}` in it, and the client's key and signature scheme."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    connection: Mapping[str, str]


def _not_ours(record: logging.LogRecord) -> bool:
    """Keeps each request that we make out of the client's own log: papermill's shows all that is told at INFO."""
    return record.threadName != _THREAD or record.levelno > logging.INFO


class RemoteKernel:
    """One kernel after another in one sandbox, which ends `lease` seconds after this process last said that it lives.

    `uploads` are (file here, path in the sandbox); `tell` and `warn` get
    lines for a log. The methods may be called from any
    thread, and those that return a future on any loop.
    """

    def __init__(
        self,
        home: Path,
        isolation: str,
        template: str | None,
        lease: int,
        uploads: Callable[[], Sequence[tuple[Path, str]]],
        tell: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self._home, self._isolation, self._template, self._lease = home, isolation, template, lease
        self._uploads, self._tell, self._warn = uploads, tell, warn
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=_THREAD, daemon=True)
        self._thread.start()
        logging.getLogger("httpx").addFilter(_not_ours)
        self._servers: list[asyncio.Server] = []
        self._host: Host | None = None
        self._sandbox: AsyncSandbox | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._token = ""
        self._port: asyncio.Future[int] | None = None
        self.status: int | None = None  # the last kernel's, once it has ended; negative for a signal

    @property
    def sandbox_id(self) -> str | None:
        """The sandbox's id, once there is one."""
        return None if self._sandbox is None else self._sandbox.sandbox_id

    def call[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Run one of the coroutines below on our loop; the future belongs to the caller's."""
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def listen(self, sockets: Mapping[str, socket.socket]) -> None:
        """Take connections for each channel; replaces the sockets listened on before."""
        for server in self._servers:
            server.close()
        self._servers = []
        for channel, one in sockets.items():

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, channel: str = channel) -> None:
                await self._serve(channel, (reader, writer))

            self._servers.append(await asyncio.start_server(serve, sock=one))

    async def start(self, order: Order) -> None:
        """Start a kernel: in the sandbox that is there, so that its files stay, otherwise in a new one.

        Raises `SandboxFailed` when the kernel does not start, and what `find_host` raises.
        """
        if self._sandbox is not None and not await _runs(self._sandbox):
            self._warn("The kernel's sandbox is gone, and with it the files in it; opening another.")
            await self._leave(gone=True)
        self.status = None
        self._said.clear()
        self._token = secrets.token_urlsafe(24)
        self._port = self._loop.create_future()
        sandbox = self._sandbox or await self._open()
        folder = f"/tmp/kernel-{secrets.token_hex(6)}"
        program, asked = f"{folder}/bridge.py", f"{folder}/order.json"
        file = f"{folder}/connection.json"
        text = {
            "argv": [word.replace("{connection_file}", file) for word in order.argv],
            "env": dict(order.env),
            "connection": dict(order.connection),
            "connection_file": file,
            "token": self._token,
        }
        source = Path(__file__).with_name("inside") / "bridge.py"
        await sandbox.files.write(program, source.read_text())
        await sandbox.files.write(asked, json.dumps(text))
        self._follow(self._run(sandbox, f"exec python {program} {asked}"))
        try:
            await asyncio.wait_for(asyncio.shield(self._port), _START_SECONDS)
        except TimeoutError:
            raise SandboxFailed(f"The kernel did not start within {_START_SECONDS} seconds. {self._last()}") from None

    async def send_signal(self, number: int) -> None:
        """Send a signal to the kernel and what it has started; SIGKILL ends the sandbox where that cannot be done."""
        if self.status is not None:
            return
        try:
            async with asyncio.timeout(5):
                streams, head = await self._ask(str(int(number)))
                streams[1].close()
            done = head.startswith(b"HTTP/1.1 204 ")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, GatewayUnavailable):
            done = False
        if not done and number == signal.SIGKILL:
            await self._leave()

    async def close(self) -> None:
        """End the sandbox and everything here but the thread, which `stop` ends."""
        for server in self._servers:
            server.close()
        self._servers = []
        await self._leave()
        current = asyncio.current_task()
        others = {task for task in asyncio.all_tasks() if task is not current}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def stop(self) -> None:
        """End the thread, after `close`."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()

    def abandon(self) -> None:
        """End the sandbox in a process that ends itself, without our thread."""
        from e2b_code_interpreter import Sandbox

        if self._sandbox is not None and self._host is not None:
            with contextlib.suppress(Exception):  # nobody is left to be told, and it ends by itself
                Sandbox.kill(self._sandbox.sandbox_id, **connection(self._host))

    async def _open(self) -> AsyncSandbox:
        uploads = self._uploads()
        self._host = await find_host(self._home, isolation=self._isolation)
        metadata = {"gristmill": "kernel"}
        opened = await open_sandbox(self._host, timeout=self._lease, metadata=metadata, template=self._template)
        self._sandbox = opened
        self._follow(self._renew(opened))
        for source, target in uploads:
            with source.open("rb") as file:
                await opened.files.write(target, file)
        return opened

    async def _leave(self, gone: bool = False) -> None:
        sandbox, self._sandbox = self._sandbox, None
        if self.status is None:
            self.status = -signal.SIGKILL
        if sandbox is not None:
            for task in self._tasks - {asyncio.current_task()}:
                task.cancel()
            if not gone:
                await _end(sandbox)

    async def _renew(self, sandbox: AsyncSandbox) -> None:
        """Say now and then that we live; a sandbox whose client does not is ended by its host."""
        from e2b import SandboxException
        from httpx import TransportError

        while True:
            await asyncio.sleep(self._lease / 5)
            with contextlib.suppress(SandboxException, TransportError):
                await sandbox.set_timeout(self._lease)

    async def _run(self, sandbox: AsyncSandbox, command: str) -> None:
        """Run the bridge to its end, and know the kernel's status then, whatever ends it."""
        from e2b import SandboxException
        from e2b.sandbox.commands.command_handle import CommandExitException
        from httpx import TransportError

        port = self._port
        assert port is not None
        reason = "The sandbox was ended."
        try:
            handle = await sandbox.commands.run(
                command,
                background=True,
                timeout=0,
                request_timeout=0,
                on_stdout=self._hear,
                on_stderr=self._note,
                retain_output=False,
            )
            await handle.wait()
        except CommandExitException as error:
            reason = f"The kernel's process ended. {error.error or ''}".strip()
        except (SandboxException, TransportError) as error:
            reason = f"The sandbox was lost: {error}"
        finally:
            if self._port is port:
                if self.status is not None and self.status > 0:
                    self._warn(f"The kernel ended with status {self.status}. {self._last()}".strip())
                self.status = -1 if self.status is None else self.status
                if not port.done():
                    port.set_exception(SandboxFailed(f"The kernel did not start. {reason} {self._last()}".strip()))
                    port.exception()  # seen, whoever waits or not

    def _hear(self, text: str) -> None:
        """One line of JSON from the bridge: first its port, at last the kernel's status."""
        for line in text.splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):  # code in the sandbox may say anything
                said = json.loads(line)
                if "status" in said:
                    self.status = int(said["status"])
                elif self._port is not None and not self._port.done():
                    self._port.set_result(int(said["port"]))

    def _note(self, text: str) -> None:
        for line in text.splitlines():
            self._said.append(line)
            self._tell(line)

    def _last(self) -> str:
        return f"It said: {'\n'.join(self._said)[-_SAY:]}" if self._said else ""

    async def _serve(self, channel: str, here: Streams) -> None:
        """One connection of a client: carry it to the kernel's socket of that channel."""
        try:
            there, head = await self._ask(channel)
            if not head.startswith(b"HTTP/1.1 101 "):
                there[1].close()
                raise ConnectionError
        except (OSError, asyncio.IncompleteReadError, GatewayUnavailable, SandboxFailed):
            here[1].close()  # ZeroMQ tries again
            return
        await join(here, there)

    async def _ask(self, what: str) -> tuple[Streams, bytes]:
        """Open a connection to the bridge, ask for `what` and return it with the head of the answer."""
        if self._port is None or self._sandbox is None or self._host is None or self.status is not None:
            raise GatewayUnavailable("There is no kernel.")
        port = await asyncio.shield(self._port)
        where = self._host.sandbox_url or self._host.api_url
        name = self._sandbox.get_host(port)
        parts = urlsplit(where or f"https://{name}")
        secure = ssl.create_default_context() if parts.scheme == "https" else None
        address = parts.hostname or "", parts.port or (443 if secure else 80)
        streams = await asyncio.open_connection(*address, ssl=secure, limit=256 << 10)
        lines = [f"GET /{self._token}/{what} HTTP/1.1", f"Host: {parts.netloc}"]
        if where is not None:
            lines += [f"E2b-Sandbox-Id: {self._sandbox.sandbox_id}", f"E2b-Sandbox-Port: {port}"]
        if token := self._sandbox.traffic_access_token:
            lines.append(f"e2b-traffic-access-token: {token}")
        if what.isdecimal():
            lines.append("Connection: close")
        else:
            key = base64.b64encode(os.urandom(16)).decode()
            lines += [
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                f"Sec-WebSocket-Key: {key}",
            ]
        try:
            streams[1].write("\r\n".join([*lines, "", ""]).encode())
            return streams, await streams[0].readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            streams[1].close()
            raise GatewayUnavailable("What answers in the sandbox is no bridge of ours.") from None
        except BaseException:
            streams[1].close()
            raise

    def _follow(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _runs(sandbox: AsyncSandbox) -> bool:
    from e2b import SandboxException
    from httpx import TransportError

    with contextlib.suppress(SandboxException, TransportError):
        running: bool = await sandbox.is_running()
        return running
    return False  # its host is gone, too


async def _end(sandbox: AsyncSandbox) -> None:
    from e2b import SandboxException
    from httpx import TransportError

    with contextlib.suppress(SandboxException, TransportError):
        await sandbox.kill()
