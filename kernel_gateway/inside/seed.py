"""The seed of a sandbox: one thread that has everything imported, and forks the service and every Python kernel.

It comes into being in one of two ways. Forked from the host's nursery it is there in milliseconds (`nursery.py`);
started as a program of its own it imports what is needed first. From then on both are the same.

In a sandbox the seed is root of the sandbox's outer user namespace, which holds no privilege either; each fork becomes
the sandbox's user before it does anything, or runs a command of root's (`door.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from kernel_gateway.inside.door import Door
from kernel_gateway.inside.launch import Connection
from kernel_gateway.inside.leaving import leave
from kernel_gateway.inside.limits import die_with, leave_keyring, set_limits
from kernel_gateway.inside.preload import is_outdated, load_kernel
from kernel_gateway.inside.rights import become_user, control, hide
from kernel_gateway.inside.settings import HOME, Settings

_PR_SET_CHILD_SUBREAPER = 36
_STREAMS = 3  # standard input, output, error
_MAX_DESCRIPTOR = 1 << 20
_ROOT = str(Path(__file__).resolve().parents[2])  # ours, which a kernel does not import from
# A kernel that has imported nothing yet, for a sandbox whose packages are not those that we have imported.
_ANEW = """import sys; sys.path.insert(0, {root!r})
from kernel_gateway.inside.preload import load_kernel; load_kernel()
sys.path.remove({root!r})
from kernel_gateway.inside.kernel import main; main({file!r})"""


def main(listener: int, lifeline: int | None, limits: str) -> None:
    """The command of a sandbox that is not forked. `limits` is JSON, for one that is not isolated."""
    if lifeline is None:
        hide()
    else:
        leave_keyring()
        set_limits(**json.loads(limits))
    os.umask(0o022)
    grow(listener, lifeline, loaded=False)


def grow(listener: int, lifeline: int | None = None, *, loaded: bool = True) -> NoReturn:
    """Be the seed: start the service and the first kernel, then fork what the service asks for; never returns.

    `listener` is the service's Unix socket, which already listens; where the nursery has forked us, it is one by which
    the service is given that, once somebody wants the sandbox. `lifeline`, where there is no isolation, is a socket
    whose other end the host holds open while it lives; in a sandbox what bubblewrap runs beside us waits on it.
    The service's end is the sandbox's.
    """
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    settings = Settings.from_environment()
    isolated = settings.home == HOME
    namespace = os.open("/proc/1/ns/user", os.O_RDONLY | os.O_CLOEXEC) if isolated else None
    door = Door(settings.runtime) if isolated else None
    first = Connection.make(settings.runtime)
    ours, services = socket.socketpair()
    wake, woken = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)

    def kernel(file: str, cwd: str, environment: dict[str, str], is_first: bool) -> int:
        def run() -> None:
            os.setsid()
            os.chdir(cwd)
            os.environ.clear()
            os.environ.update(environment)
            if not is_first and is_outdated():  # nothing has run before the first that could have changed them
                os.execv(sys.executable, [sys.executable, "-c", _ANEW.format(root=_ROOT, file=file)])
            sys.path[:] = [place for place in sys.path if place != _ROOT]
            from kernel_gateway.inside.kernel import main as run_kernel

            run_kernel(file)

        return _fork(run, [], namespace)

    def service() -> None:
        from kernel_gateway.inside.app import serve

        serve(settings, socket.socket(fileno=listener), services, first, waits=loaded)

    def start(file: str, cwd: str, environment: dict[str, str], *, is_first: bool = False) -> None:
        told: dict[str, object] = {"file": file}
        try:
            told["pid"] = kernel(file, cwd, environment, is_first)
        except OSError as error:
            told["error"] = error.strerror
        ours.sendall(json.dumps(told).encode() + b"\n")

    if loaded:  # the kernel has further to go than the service
        start(str(first.file), settings.cwd, settings.kernel_environment(), is_first=True)
    serving = _fork(service, [listener, services.fileno()], namespace)
    if not loaded:
        load_kernel()
        start(str(first.file), settings.cwd, settings.kernel_environment(), is_first=True)
    os.close(listener)
    services.close()
    heard = b""
    watched = [ours.fileno(), wake, *([] if lifeline is None else [lifeline])]
    while True:
        ready, _, _ = select.select([*watched, *(door.watched if door is not None else [])], [], [])
        if lifeline in ready:
            os._exit(1)
        if wake in ready:
            os.read(wake, 512)
            while (ended := _collect()) is not None:
                pid, status = ended
                if pid == serving:
                    os._exit(1)
                if door is not None and door.ended(pid, status):
                    continue
                with contextlib.suppress(OSError):
                    ours.sendall(json.dumps({"pid": pid, "status": status}).encode() + b"\n")
        if ours.fileno() in ready:
            *lines, heard = (heard + ours.recv(64 << 10)).split(b"\n")
            for order in map(json.loads, lines):
                if order.get("orphans"):  # the end of a kernel that a copy has forked is ours to tell, too
                    control(_PR_SET_CHILD_SUBREAPER, 1)
                else:
                    start(**order)
        if door is not None:
            door.answer(ready, lambda work, kept: _fork(work, kept, None))


def _collect() -> tuple[int, int] | None:
    """The pid and the status of a child that has ended, if one has."""
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None


def _fork(work: Callable[[], None], kept: list[int], namespace: int | None) -> int:
    """Fork a child that does `work` and ends as a program does; returns its pid.

    Of our descriptors it has the standard streams and those to be `kept`. It becomes the user of `namespace`, if that
    is given.
    """
    parent = os.getpid()
    if (pid := os.fork()) != 0:
        return pid
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if namespace is not None:
            become_user(namespace)
        low = _STREAMS
        for descriptor in (*sorted(kept), _MAX_DESCRIPTOR):
            os.closerange(low, descriptor)
            low = descriptor + 1
        die_with(parent)
        work()
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - as an interpreter does with what its main module lets through
        traceback.print_exc(file=sys.__stderr__)
    finally:
        leave(status)
