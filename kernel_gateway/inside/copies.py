"""A copy of a kernel with all that its cells have made, forked between two cells and kept until it is wanted.

A copy has one thread and no socket but its line to the service. Told to go on, it forks once more: that fork is the
kernel then, and the copy stays. What a fork does not take along, as threads and connections, is looked for first.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import stat
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from kernel_gateway.inside.leaving import leave

if TYPE_CHECKING:
    from kernel_gateway.inside.kernel import _App

_STREAMS = 3
_FIRST_TO_END = "1000"  # of 1000: when memory runs out copies go before anything else
_HARMLESS_THREADS = {"jemalloc_bg_thd"}  # it gives memory back, and is started again in a fork
_HARMLESS_FILES = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
_OURS = ("ipykernel", "tornado", "zmq", "IPython", "kernel_gateway")
_MOMENT = 0.0005  # seconds until it is looked again whether the cell is over


class Own:
    """What a kernel has itself before its first cell: nothing of that is a cell's."""

    def __init__(self) -> None:
        self.tasks = set(os.listdir("/proc/self/task"))
        self.descriptors = {number for number, _ in _descriptors()}

    def obstacle(self, address: str) -> str:
        """Why the kernel, whose sockets are named `address`, cannot be copied as it is; "" when it can."""
        for task in set(os.listdir("/proc/self/task")) - self.tasks:
            with contextlib.suppress(OSError), open(f"/proc/self/task/{task}/comm") as file:
                if (name := file.read().strip()) not in _HARMLESS_THREADS:
                    return f"a thread is running ({name})"
        for number, target in _descriptors():
            if (what := _hindering(number, target, own=number in self.descriptors, address=address)) is not None:
                return what
        with open("/proc/self/maps") as file:
            if any(line.split(None, 2)[1].endswith("s") and "w" in line.split(None, 2)[1] for line in file):
                return "memory is shared with another process, or with a file"
        if any(signal.getitimer(which)[0] for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)):
            return "a timer is running"
        if any(not _is_ours(task) for task in asyncio.all_tasks()):
            return "a task of asyncio's is running"
        return ""


def fork_when_idle(app: _App, place: str) -> None:
    """Once the cell that asks for it is over, fork a copy that calls the service at the socket `place`."""
    loop = asyncio.get_running_loop()

    def between() -> None:
        if app.kernel._main_asyncio_lock.locked():
            loop.call_later(_MOMENT, between)
        else:
            _fork(app, place)

    loop.call_soon(between)


def _fork(app: _App, place: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    draws, positions = random.getstate(), _positions()
    if not _apart():
        return
    try:
        os.setsid()
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write(_FIRST_TO_END)
        _let_go()
        _hold_files(positions)
        line = socket.socket(socket.AF_UNIX)
        line.connect(place)
        file = _wait(line)
        _hold_files(positions)
        random.setstate(draws)  # Python draws anew in every fork
        _go_on(app, file)
    except BaseException:  # noqa: BLE001 - nothing that called us is ours to return to
        os._exit(1)


def _apart() -> bool:
    """Fork a process that is not our child, so that nobody here need wait for its end; whether we are that process."""
    if (pid := os.fork()) != 0:
        os.waitpid(pid, 0)
        return False
    if os.fork() != 0:
        os._exit(0)
    return True


def _wait(line: socket.socket) -> str:
    """Fork at each order of the service's, until it hangs up; returns in each such fork, with the connection file."""
    line.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
    while True:
        if not (order := line.recv(4096)):
            os._exit(0)
        if _apart():
            line.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
            line.close()
            os.setsid()
            return str(json.loads(order)["file"])


def _go_on(app: _App, file: str) -> NoReturn:
    """Be the kernel, with a loop, sockets and threads of its own."""
    app.forget()
    asyncio.set_event_loop(asyncio.new_event_loop())
    app.connect(file, fresh=False)
    status = 0
    try:
        app.start()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    finally:
        leave(status)


def _let_go() -> None:
    """Have no more to do with what the kernel we were forked from listens and writes to.

    The numbers stay taken: objects that nobody uses any more close them when they go.
    """
    for stream in (sys.stdout, sys.stderr):
        os.dup2(stream._original_stdstream_copy, stream._original_stdstream_fd)  # type: ignore[union-attr]
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for number, target in _descriptors():
        if not target.startswith("/"):
            os.dup2(nothing, number, inheritable=False)


def _positions() -> dict[int, tuple[int, int]]:
    """Of each file that is open for reading its inode, and where it stands: a fork would share that, too."""
    return {
        number: (facts.st_ino, os.lseek(number, 0, os.SEEK_CUR))
        for number, target in _descriptors()
        if target.startswith("/") and stat.S_ISREG((facts := os.fstat(number)).st_mode)
    }


def _hold_files(positions: dict[int, tuple[int, int]]) -> None:
    for number, (inode, position) in positions.items():
        with contextlib.suppress(OSError):  # some libraries close their files in a fork, as matplotlib does its fonts
            if os.fstat(number).st_ino == inode:
                again = os.open(f"/proc/self/fd/{number}", os.O_RDONLY | os.O_CLOEXEC)
                os.lseek(again, position, os.SEEK_SET)
                os.dup2(again, number, inheritable=os.get_inheritable(number))
                os.close(again)


def _descriptors() -> list[tuple[int, str]]:
    """All descriptors but the standard streams, each with what it leads to."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that lists them
            if int(name) >= _STREAMS:
                found.append((int(name), os.readlink(f"/proc/self/fd/{name}")))
    return found


def _hindering(number: int, target: str, *, own: bool, address: str) -> str | None:
    """What is in the way of a copy about this descriptor, if anything is."""
    import fcntl

    if target.startswith("/"):
        mode = os.fstat(number).st_mode
        if stat.S_ISREG(mode) and fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
            return f"a file is open for writing ({target})"
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or own or target in _HARMLESS_FILES:
            return None
        return f"a device is open ({target})"
    if own or target in ("anon_inode:[eventfd]", "anon_inode:[eventpoll]"):
        return None
    if target.startswith("socket:"):
        with socket.socket(fileno=os.dup(number)) as one:
            if one.family == socket.AF_UNIX and str(one.getsockname()).startswith(address):
                return None
        return "a connection is open"
    return f"a pipe is open, or something like it ({target})"


def _is_ours(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and any(f"/{name}/" in code.co_filename for name in _OURS)
