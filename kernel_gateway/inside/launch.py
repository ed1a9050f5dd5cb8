"""Starts kernels from the service: Python's are forked by the seed, another language's is a command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kernel_gateway.inside.http import Refused

_LAST_WORDS = 2000  # bytes
# As much address space as may be had: Deno and its like reserve tens of gigabytes, which they never use.
_AMPLE = ("/bin/sh", "-c", 'ulimit -S -v "$(ulimit -H -v)"; exec "$0" "$@"')
_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")


@dataclass(frozen=True)
class Connection:
    """Where a kernel listens: its connection file, its sockets' address, the key that signs its messages."""

    file: Path
    address: str
    key: str
    ports: tuple[int, ...] = (1, 2, 3, 4, 5)

    @classmethod
    def make(cls, directory: Path, *, tcp: bool = False) -> Connection:
        """Write a connection file for a kernel whose sockets will appear in `directory`.

        `tcp`: on ports of the loopback instead, the one transport that every kernel knows.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name, key = secrets.token_hex(4), secrets.token_hex(16)
        address, ports = ("127.0.0.1", _free_ports()) if tcp else (str(directory / name), cls.ports)
        facts: dict[str, str | int] = {
            "transport": "tcp" if tcp else "ipc",
            "ip": address,
            "key": key,
            "signature_scheme": "hmac-sha256",
        }
        facts |= {f"{channel}_port": port for port, channel in zip(ports, _CHANNELS, strict=True)}
        file = directory / f"{name}.json"
        file.write_text(json.dumps(facts))
        return cls(file, address, key, ports)

    def url(self, channel: str) -> str:
        """Where this channel's socket is."""
        port = self.ports[_CHANNELS.index(channel)]
        return f"ipc://{self.address}-{port}" if self.ports == type(self).ports else f"tcp://{self.address}:{port}"

    def remove(self) -> None:
        """Remove the connection file and the sockets."""
        for path in self.file.parent.glob(f"{self.file.stem}*"):
            path.unlink(missing_ok=True)


def _free_ports() -> tuple[int, ...]:
    """Ports of the loopback that nobody uses, and nobody but the sandbox's own code could take."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in _CHANNELS]
        return tuple(one.getsockname()[1] for one in sockets)


@dataclass
class Launched:
    """A kernel process that nobody listens to yet. `started` gives its pid, `ended` its status, as `Popen` counts.

    `said` is the end of what one of another language has written to its own standard output and error.
    """

    connection: Connection
    said: bytearray = field(default_factory=bytearray)
    started: asyncio.Future[int] = field(default_factory=asyncio.Future)
    ended: asyncio.Future[int] = field(default_factory=asyncio.Future)


def launch_command(connection: Connection, command: list[str], cwd: str, environment: dict[str, str]) -> Launched:
    """Start a kernel by its command line; raises OSError."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        process = subprocess.Popen(
            [*_AMPLE, *command],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    launched = Launched(connection)
    launched.started.set_result(process.pid)
    descriptor, loop = os.pidfd_open(process.pid), asyncio.get_running_loop()

    def read() -> None:
        try:
            chunk = os.read(reading, 64 << 10)
        except BlockingIOError:
            return
        launched.said.extend(chunk)
        del launched.said[:-_LAST_WORDS]
        if not chunk:
            loop.remove_reader(reading)
            os.close(reading)

    def end() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        # What it wrote last is read before its end is told; a process that it left behind may hold the pipe open.
        loop.call_soon(lambda: launched.ended.set_result(process.wait()))

    loop.add_reader(reading, read)
    loop.add_reader(descriptor, end)
    return launched


class Forks:
    """The service's end of its line to the seed, by which it asks for kernels and hears of their ends.

    Lines of JSON. To the seed: `{"file", "cwd", "environment"}`, the first being a connection file's path, or
    `{"orphans": true}`. From it:
    `{"file", "pid"}`, or `{"file", "error"}`, and once `{"pid", "status"}`.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._starting: dict[str, Launched] = {}
        self._running: dict[int, Launched] = {}
        self._heard = b""
        line.setblocking(False)
        asyncio.get_running_loop().add_reader(line, self._read)

    def expect(self, connection: Connection) -> Launched:
        """A kernel that the seed is forking of its own accord."""
        launched = self._starting[str(connection.file)] = Launched(connection)
        return launched

    async def launch(self, connection: Connection, cwd: str, environment: dict[str, str]) -> Launched:
        """Have a Python kernel forked."""
        launched = self.expect(connection)
        request = {"file": str(connection.file), "cwd": cwd, "environment": environment}
        await asyncio.get_running_loop().sock_sendall(self._line, json.dumps(request).encode() + b"\n")
        return launched

    def close(self) -> None:
        """Hear of the seed no more."""
        asyncio.get_running_loop().remove_reader(self._line)

    async def take_orphans(self) -> None:
        """Have the seed hear of the ends of processes whose parents are gone, as of what copies of kernels fork."""
        await asyncio.get_running_loop().sock_sendall(self._line, b'{"orphans": true}\n')

    def adopt(self, connection: Connection, pid: int) -> Launched:
        """A kernel that a copy of another has forked; the seed hears of its end."""
        launched = self._running[pid] = Launched(connection)
        launched.started.set_result(pid)
        return launched

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            chunk = self._line.recv(64 << 10)
            if not chunk:  # the seed is gone, and the sandbox goes with it
                asyncio.get_running_loop().remove_reader(self._line)
            *lines, self._heard = (self._heard + chunk).split(b"\n")
            for one in lines:
                self._take(json.loads(one))

    def _take(self, told: dict[str, Any]) -> None:
        if "status" in told:
            if (ended := self._running.pop(told["pid"], None)) is not None:
                ended.ended.set_result(told["status"])
            return
        started = self._starting.pop(told["file"])
        if "error" in told:
            started.started.set_exception(Refused(500, f"No kernel could be started: {told['error']}"))
            started.ended.set_result(1)
        else:
            self._running[told["pid"]] = started
            started.started.set_result(told["pid"])
