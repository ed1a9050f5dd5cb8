"""The nursery: a process outside of every sandbox that forks a sandbox's seed and puts it in.

One thread, no secret, and nothing kept of any request. A fork enters the namespaces that bubblewrap has made, in which
nothing runs yet but bubblewrap's own init, makes the last mounts there, and gives up every privilege before it runs
anything in them.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import site
import socket
import sys
import warnings
from collections.abc import Callable
from typing import NoReturn

from kernel_gateway.inside import preload, seed
from kernel_gateway.inside.entrance import LISTENER, enter, receive
from kernel_gateway.inside.layers import plan
from kernel_gateway.inside.limits import leave_keyring
from kernel_gateway.inside.rights import control as set_own
from kernel_gateway.inside.rights import give_up

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_MAX_REQUEST = 128 << 10


def main(
    settle: Callable[[], None],
    control: int,
    cache: str,
    limits: dict[str, int],
    layers: list[tuple[str, str]],
    more: list[str],
) -> NoReturn:
    """Load everything, say so on the socket `control`, and fork a seed for each request until the host is gone.

    `more` are modules beyond those that every sandbox needs; where one may not be loaded, that is said, and we end.

    A request is as `enter` takes it. `layers` are the places that a sandbox may write over. `settle` ends the borrowing
    of modules. A pidfd alone is that of a sandbox that only is to end with the host, as all do.
    """
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    leave_keyring()
    why = preload.load(cache, more)
    settle()
    wake, woken = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    planned = plan(layers)
    line = socket.socket(fileno=control)
    if why is not None:
        line.send(json.dumps({"unfit": why}).encode())
        os._exit(1)
    set_own(_PR_SET_PDEATHSIG, 0)  # from now on we hear of the host's end by its hanging up, and have work to do then
    line.send(b"{}")
    heard = bytearray(_MAX_REQUEST)
    inits: list[int] = []
    while True:
        ready, _, _ = select.select([control, wake], [], [])
        if wake in ready:
            os.read(wake, 512)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
        if control in ready:
            try:
                size, descriptors = receive(line, heard)
            except ConnectionError:  # it is gone, and an answer of ours lay unread
                _end(inits)
            if not size:
                _end(inits)
            inits = [*filter(_runs, inits), os.dup(descriptors[0])]
            if len(descriptors) > 1 and os.fork() == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                enter(line, json.loads(heard[:size]), descriptors, limits, planned, _live)
            heard[:size] = bytes(size)  # the next fork has our memory, and may not find this sandbox's id in it
            for descriptor in descriptors:
                os.close(descriptor)


def _runs(init: int) -> bool:
    """Whether a sandbox's init runs; lets go of one that does not."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(init, 0)
        return True
    os.close(init)
    return False


def _end(inits: list[int]) -> NoReturn:
    """End with the host, and every sandbox with us: code in one may have stopped its init from doing so by itself."""
    for init in inits:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(init, signal.SIGKILL)
    os._exit(0)


def _live() -> None:
    """Become the seed: no trace of the host, nor a privilege."""
    site.USER_BASE = site.USER_SITE = None  # ours on the host, which nobody can have asked for yet
    sys.path[:] = ["", *(place for place in sys.path if os.path.exists(place))]
    set_own(_PR_SET_NAME, ctypes.c_char_p(b"python"))
    give_up("seed")
    seed.grow(LISTENER)
