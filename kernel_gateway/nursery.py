"""The host's side of the nursery: starts it, asks it for seeds, and starts another when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel_gateway.isolation import environment
from kernel_gateway.memory import memory_file

log = logging.getLogger("kernel_gateway")

_PACKAGE = Path(__file__).resolve().parent
_START = "exec(open(0).read())"
_ENTER = "from kernel_gateway.inside.entrance import main; main({})"
_PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 36, 37
_LEAST_LIFE = 10.0  # seconds of being ready; one that dies younger, and twice, is not started again
_NAMESPACES = {"user": 0x10000000, "mnt": 0x20000, "pid": 0x20000000, "net": 0x40000000}
_NAMESPACES |= {"ipc": 0x08000000, "uts": 0x04000000, "cgroup": 0x02000000}

_REQUIRED = sum(flag for name, flag in _NAMESPACES.items() if name != "cgroup")  # bubblewrap makes that where it can


@dataclass(frozen=True)
class Seed:
    """A seed as the host sees it."""

    pid: int
    pidfd: int


type OnSeed = Callable[[Seed | str], None]  # a sentence says why there is no seed


def namespaces_of(pid: int) -> int:
    """The flags of the namespaces that a process is in and we are not; raises OSError."""
    flags = 0
    for name, flag in _NAMESPACES.items():
        if os.stat(f"/proc/{pid}/ns/{name}").st_ino != os.stat(f"/proc/self/ns/{name}").st_ino:
            flags |= flag
    return flags


def adopt_orphans() -> None:
    """Become the parent of what our children leave behind."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextlib.contextmanager
def adopting_orphans() -> Iterator[None]:
    """Be it for a while: whoever goes on as one has to collect them, or what they ran in never ends."""
    libc, before = ctypes.CDLL(None), ctypes.c_int()
    libc.prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    adopt_orphans()
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)


def check_namespaces(namespaces: int) -> str | None:
    """Why a sandbox with namespaces of these flags may not be entered; None when it may."""
    return "Not every namespace of the sandbox is its own." if ~namespaces & _REQUIRED else None


def start_entrance(request: dict[str, Any], descriptors: list[int]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Have a process of its own enter a sandbox and start a program there: itself, and where it will answer.

    The request is as `inside/entrance.py` takes it. Raises OSError.
    """
    line, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with end:
            code = f"import sys; sys.path.insert(0, {str(_PACKAGE.parent)!r}); {_ENTER.format(end.fileno())}"
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", code],
                env={},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(end.fileno(),),
                cwd="/",
                start_new_session=True,
            )
        socket.send_fds(line, [json.dumps(request).encode()], descriptors)
    except OSError:
        line.close()
        raise
    return process, line


def take_answer(line: socket.socket) -> Seed | str:
    """What such a process answers."""
    try:
        message, descriptors, _, _ = socket.recv_fds(line, 64 << 10, 1)
        told = json.loads(message)
    except (OSError, ValueError):
        return "What was to enter the sandbox has ended."
    if "error" in told:
        return f"The sandbox could not be entered ({told['error']})."
    return Seed(told["pid"], descriptors[0])


def enter_alone(request: dict[str, Any], descriptors: list[int], on_seed: OnSeed) -> None:
    """Start a program in a sandbox without a nursery, which takes a second; `on_seed` hears of it. Raises OSError."""
    if (why := check_namespaces(request["namespaces"])) is not None:
        on_seed(why)
        return
    process, line = start_entrance(request, descriptors)
    loop = asyncio.get_running_loop()

    def answer() -> None:
        loop.remove_reader(line)
        with line:
            seed = take_answer(line)
        process.wait()  # it ends with its answer
        on_seed(seed)

    loop.add_reader(line, answer)


class Nursery:
    """A nursery process, and what it has been asked for. For use on the event loop's thread."""

    def __init__(
        self,
        cache: Path,
        limits: dict[str, int],
        layers: list[tuple[str, str]],
        inits: Callable[[], Iterable[int]] = tuple,
        more: tuple[str, ...] = (),
    ) -> None:
        """`layers` are the places that a sandbox may write over, as `layered` gives them; `more` modules to import.

        `inits` gives pidfds of all sandboxes' inits that run, for a nursery that takes another's place to guard.
        """
        self._config: dict[str, Any] = {
            "cache": str(cache.absolute()),
            "limits": limits,
            "layers": layers,
            "more": list(more),
        }
        self._waiting: dict[str, OnSeed] = {}
        self._unsent: deque[tuple[bytes, list[int]]] = deque()
        self._failures = 0
        self._inits = inits
        self._start()

    @property
    def usable(self) -> bool:
        """Whether there is one to ask, though it may still be loading."""
        return self._process is not None

    def ask(self, name: str, request: dict[str, Any], descriptors: list[int], on_seed: OnSeed) -> None:
        """Ask for the seed of the sandbox `name`; `on_seed` hears of it, or why there is none."""
        if (why := check_namespaces(request["namespaces"])) is not None:
            on_seed(why)
            return
        if not self.usable:  # it has ended since bubblewrap was started for it
            on_seed("The nursery ended.")
            return
        self._waiting[name] = on_seed
        self._post({"name": name, **request}, descriptors)

    def guard(self, init: int) -> None:
        """Have a sandbox that this nursery did not fork end with us as well, by a pidfd of its init."""
        self._post({}, [init])

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._end()

    def _post(self, message: dict[str, Any], descriptors: list[int]) -> None:
        self._unsent.append((json.dumps(message).encode(), [os.dup(descriptor) for descriptor in descriptors]))
        self._send()

    def _send(self) -> None:
        while self._ready and self._unsent:
            message, descriptors = self._unsent[0]
            try:
                socket.send_fds(self._line, [message], descriptors)
            except OSError:
                return  # it is busy, and will answer; or it is gone, which we are about to hear
            self._unsent.popleft()
            for descriptor in descriptors:
                os.close(descriptor)

    def _start(self) -> None:
        self._line, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setblocking(False)
        program = (_PACKAGE / "inside" / "borrowed.py").read_text() + (
            f"\nbelong({os.getpid()})\nsys.path.remove('')\nsys.meta_path.insert(0, Finder({str(_PACKAGE.parent)!r}))\n"
            f"from kernel_gateway.inside.nursery import main\n"
            f"main(settle, **{dict(self._config, control=end.fileno())!r})\n"
        )
        variables = environment("/nonexistent", str(Path(sys.executable).parent))
        with end, memory_file(program.encode()) as text:
            self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
                [sys.executable, "-c", _START],
                env=variables,
                stdin=text,
                stdout=subprocess.DEVNULL,
                pass_fds=(end.fileno(),),
                cwd="/",
                start_new_session=True,
            )
        self._began, self._ready = time.monotonic(), False
        asyncio.get_running_loop().add_reader(self._line, self._read)

    def _read(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._line, 64 << 10, 1)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._lost()
            return
        told = json.loads(message)
        if "unfit" in told:
            log.warning("GRISTMILL_PRELOAD is left out: %s", told["unfit"])
            self._config["more"] = []
            self._hang_up()
            self._start()
            return
        if "name" not in told:
            log.info("the nursery is ready after %.1f s", time.monotonic() - self._began)
            self._ready, self._began = True, time.monotonic()
            self._send()
            return
        on_seed = self._waiting.pop(told["name"], None)
        if "error" in told:
            answer: Seed | str = f"The nursery could not fork into the sandbox ({told['error']})."
        else:
            answer = Seed(told["pid"], descriptors[0])
        if on_seed is not None:
            on_seed(answer)
        elif isinstance(answer, Seed):
            os.close(answer.pidfd)
        self._send()

    def _lost(self) -> None:
        """It has ended: what it was asked for will not come, and another takes its place."""
        young = not self._ready or time.monotonic() - self._began < _LEAST_LIFE
        self._end()
        waiting, self._waiting = self._waiting, {}
        self._failures = self._failures + 1 if young else 0
        if self._failures < 2:
            log.warning("the nursery has ended; starting another")
            self._start()
            for init in self._inits():
                self.guard(init)
        else:
            log.warning("the nursery does not start; sandboxes start one by one, which takes a second each")
        for on_seed in waiting.values():
            on_seed("The nursery ended.")

    def _end(self) -> None:
        self._hang_up()
        for _, descriptors in self._unsent:
            for descriptor in descriptors:
                os.close(descriptor)
        self._unsent.clear()

    def _hang_up(self) -> None:
        asyncio.get_running_loop().remove_reader(self._line)
        self._line.close()
        process, self._process = self._process, None
        if process is not None:
            process.kill()  # it has nothing to tidy
            process.wait()
