"""The copies of kernels that a sandbox keeps, each with the files that were there: a way back that costs no cell.

They are a cache. Their number and their memory are bounded, the oldest goes first, and whoever wants to go back to one
must be able to do without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass

from kernel_gateway.inside import memory
from kernel_gateway.inside.kernels import Kernel, is_idle
from kernel_gateway.inside.launch import Connection, Forks, Launched
from kernel_gateway.inside.pack import others
from kernel_gateway.inside.settings import HOME, Settings
from kernel_gateway.inside.trees import Tree, Trees

MOST = 8
"""Copies that a sandbox keeps."""
_CALL_SECONDS = 5.0  # in which a copy must call or answer
_MOMENT = 0.3  # seconds in which a process that is about to end does so
_PAGE = os.sysconf("SC_PAGE_SIZE")


class NoCopy(Exception):
    """There is no copy, or no way back to it; the message says why."""


@dataclass
class _Copy:
    """One copy of the kernel of a context: the line to it, its pid, and the files."""

    context: str
    line: socket.socket
    pid: int
    tree: Tree


class Copies:
    """All copies in this sandbox, by names that the client gives; the oldest first."""

    def __init__(self, settings: Settings, forks: Forks, kernels: Callable[[], list[Kernel]]) -> None:
        """`kernels` are those that run."""
        self._settings, self._forks, self._kernels = settings, forks, kernels
        self._all: dict[str, _Copy] = {}
        self._ending: set[int] = set()  # copies that were let go, and may not have ended yet
        self._trees = Trees(settings)
        self._hosts = set(others()) if settings.home == HOME else set[int]()  # bubblewrap's own

    async def keep(self, context: str, kernel: Kernel, name: str) -> None:
        """Copy a kernel, whose lock the caller holds, under a name; raises `NoCopy`, and `KernelDied`."""
        if self._settings.home != HOME:
            raise NoCopy("without isolation nothing ends a copy with the sandbox")
        self.drop(name)
        await self._must_be_alone()
        while len(self._all) >= MOST:
            self._drop_oldest()
        self._make_room(kernel)
        await self._forks.take_orphans()
        pid, line = await self._fork(kernel)
        try:
            tree = await asyncio.to_thread(self._trees.take)
        except BaseException as failure:
            line.close()
            if isinstance(failure, OSError | RuntimeError):
                raise NoCopy(f"the files could not be kept: {failure}") from None
            raise
        if isinstance(tree, str):
            line.close()
            raise NoCopy(tree)
        self._all[name] = _Copy(context, line, pid, tree)

    async def go_back(self, context: str, name: str) -> Launched:
        """A kernel that is as the copy, in the files of then; the copy stays. Raises `NoCopy`, with nothing done.

        The caller sees to it that no other code runs in the sandbox meanwhile.
        """
        copy = self._all.get(name)
        if copy is None or copy.context != context:
            raise NoCopy("it is not kept any more")
        await self._must_be_alone()
        try:
            if why := await asyncio.to_thread(self._trees.restore, copy.tree):
                raise NoCopy(why)
            connection = Connection.make(self._settings.runtime)
            order = json.dumps({"file": str(connection.file)}).encode()
            pid = await _asked(copy.line, order)
        except (OSError, RuntimeError, ValueError, TimeoutError) as failure:
            self.drop(name)
            raise NoCopy(f"it could not be gone back to: {failure!r}") from None
        return self._forks.adopt(connection, pid)

    def drop(self, name: str) -> None:
        """Let a copy go, if there is one of this name."""
        if (copy := self._all.pop(name, None)) is not None:
            copy.line.close()
            self._ending.add(copy.pid)

    def forget(self, context: str) -> None:
        """Let all copies of a context go."""
        for name in [name for name, copy in self._all.items() if copy.context == context]:
            self.drop(name)

    def _drop_oldest(self) -> None:
        self.drop(next(iter(self._all)))

    async def _must_be_alone(self) -> None:
        """Raise `NoCopy` where something that a cell has started runs on: it has no part in going back."""
        until = asyncio.get_running_loop().time() + _MOMENT
        while strangers := self._strangers():
            if asyncio.get_running_loop().time() >= until:
                raise NoCopy(f"{strangers} processes that cells have started are running")
            await asyncio.sleep(_MOMENT / 20)

    def _strangers(self) -> int:
        """How many processes run that are neither kernels nor copies."""
        self._ending = {pid for pid in self._ending if os.path.exists(f"/proc/{pid}")}
        known = (
            self._hosts
            | self._ending
            | {kernel.pid for kernel in self._kernels()}
            | {copy.pid for copy in self._all.values()}
        )
        return sum(pid not in known for pid in others())

    def _make_room(self, kernel: Kernel) -> None:
        """Raise `NoCopy` where the kernel could not rewrite all that it holds, even without the copies there are."""
        while True:
            memory.refresh()
            available, needed = _available(), _own_memory(kernel.pid)
            if needed * 2 < available:
                return
            if not self._all:
                raise NoCopy(f"the kernel holds {needed >> 20} MiB, and {available >> 20} MiB are left")
            self._drop_oldest()

    async def _fork(self, kernel: Kernel) -> tuple[int, socket.socket]:
        place = self._settings.runtime / f"copy-{secrets.token_hex(4)}"
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX) as listener:
            try:
                listener.bind(str(place))
                listener.listen(1)
                listener.setblocking(False)
                cell = await kernel.start_cell("", {"copy": str(place)}, silent=True)
                while not is_idle((await cell.next())[-1]):
                    pass
                if cell.reply.done():
                    raise NoCopy(str(cell.reply.result().get("evalue")))
                try:
                    line, _ = await asyncio.wait_for(loop.sock_accept(listener), _CALL_SECONDS)
                    line.setblocking(False)
                    return await _asked(line, b""), line
                except (OSError, ValueError, TimeoutError):
                    raise NoCopy("the copy did not come up") from None
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(place)


async def _asked(line: socket.socket, order: bytes) -> int:
    """The pid that is answered; raises OSError, ValueError and TimeoutError."""
    loop = asyncio.get_running_loop()
    if order:
        await loop.sock_sendall(line, order)
    return int(json.loads(await asyncio.wait_for(loop.sock_recv(line, 4096), _CALL_SECONDS))["pid"])


def _own_memory(pid: int | None) -> int:
    """Bytes that a process holds and no file of the disk does."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            fields = file.read().split()
        return (int(fields[1]) - int(fields[2])) * _PAGE
    except (OSError, ValueError):
        return 0


def _available() -> int:
    """Bytes of memory that the sandbox may still take."""
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable"))
