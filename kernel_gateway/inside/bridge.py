"""Runs one Jupyter kernel in a sandbox for a client outside, which reaches the kernel's five sockets through one port.

Sent to the sandbox as it stands and run there by whatever Python that has, so it needs the standard library only. Each
connection begins as an HTTP upgrade, `GET /<token>/<channel>`, and carries ZeroMQ's own bytes after the answer.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import sys
from typing import Any

_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
_CHUNK = 256 << 10
_HEAD_SECONDS = 30
_LAST_WORDS_SECONDS = 1.0  # for what a kernel has said before its end to reach its client
_TRY_AGAIN_SECONDS = 0.02  # while a kernel that starts has not bound its sockets yet
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


def _free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in _CHANNELS]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


async def join(
    one: tuple[asyncio.StreamReader, asyncio.StreamWriter], other: tuple[asyncio.StreamReader, asyncio.StreamWriter]
) -> None:
    """Carry bytes both ways until either end closes; then both are closed."""
    ways = {asyncio.create_task(_pour(one[0], other[1])), asyncio.create_task(_pour(other[0], one[1]))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for _, writer in (one, other):
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), _LAST_WORDS_SECONDS)


class _Bridge:
    def __init__(self, token: str, ports: dict[str, int], pid: int) -> None:
        self._token, self._ports, self._pid = token, ports, pid
        self.over = asyncio.Event()
        self._meetings: set[asyncio.Task[None]] = set()

    async def end(self) -> None:
        """The kernel is gone: let what it has said reach the client."""
        self.over.set()
        if self._meetings:
            await asyncio.wait(self._meetings, timeout=2 * _LAST_WORDS_SECONDS)

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection from outside."""
        task = asyncio.current_task()
        assert task is not None
        self._meetings.add(task)
        task.add_done_callback(self._meetings.discard)
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _HEAD_SECONDS)
            _, token, name = head.split(b" ", 2)[1].decode("latin-1").split("/")
            if token != self._token:
                raise ValueError(name)
            if name in self._ports:
                kernel = await self._connect(self._ports[name])
                writer.write(_accept(head))
                await join((reader, writer), kernel)
                return
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, int(name))
            writer.write(b"HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n")
        except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            writer.write(b"HTTP/1.1 404 Nothing Here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except ConnectionError:
            pass
        writer.close()

    async def _connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port, limit=_CHUNK)
            except ConnectionRefusedError:
                if self.over.is_set():
                    raise
                await asyncio.sleep(_TRY_AGAIN_SECONDS)


def _accept(head: bytes) -> bytes:
    key = next(
        (line[18:].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")), b""
    )
    answer = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
    lines = (b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade")
    return b"\r\n".join((*lines, b"Sec-WebSocket-Accept: " + answer, b"", b""))


def _write_private(file: str, text: str) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)


async def run(order: dict[str, Any]) -> int:
    """Start the kernel that `order` describes, say on standard output where it is reached, and outlive it.

    The folder of `connection_file`, where this file is, too, goes with it. Returns its exit status, negative for the
    signal that ended it.
    """
    ports = dict(zip(_CHANNELS, _free_ports(), strict=True))
    file: str = order["connection_file"]
    facts = {f"{name}_port": port for name, port in ports.items()}
    _write_private(file, json.dumps({**order["connection"], **facts, "transport": "tcp", "ip": "127.0.0.1"}))
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    kernel = await asyncio.create_subprocess_exec(
        *order["argv"],
        env={**environment, **order["env"]},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        start_new_session=True,
    )
    bridge = _Bridge(order["token"], ports, kernel.pid)
    server = await asyncio.start_server(bridge.meet, "127.0.0.1", 0, limit=_CHUNK)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    status = await kernel.wait()
    await bridge.end()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(kernel.pid, signal.SIGKILL)  # what it started and left behind
    shutil.rmtree(os.path.dirname(file), ignore_errors=True)
    print(json.dumps({"status": status}), flush=True)
    return status


if __name__ == "__main__":
    with open(sys.argv[1]) as given:
        asked = json.load(given)
    os.unlink(sys.argv[1])
    asyncio.run(run(asked))
