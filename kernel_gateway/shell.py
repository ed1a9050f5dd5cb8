"""A sandbox's namespaces, made before anybody asks for a sandbox.

There is nothing in them but bubblewrap's own processes, and a seed with a service that waits and a kernel, where the
nursery has forked one. One sandbox moves into each, once: what has been used ends with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import psutil

from kernel_gateway.groups import Group
from kernel_gateway.sandbox import Sandbox

_NS_GET_PARENT = 0xB702

type Enter = Callable[[int, list[int]], None]  # the namespaces' flags; what goes along, a pidfd of init first


def outer_of(init: int) -> int:
    """A descriptor of the outer user namespace of the sandbox whose first process is `init`; raises OSError."""
    inner = os.open(f"/proc/{init}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return fcntl.ioctl(inner, _NS_GET_PARENT)
    finally:
        os.close(inner)


class Shell:
    """One of them. `errors` and `doors`, which close with `kept`, are for who enters; `user` is its user outside."""

    def __init__(
        self, sandbox: Sandbox, user: int | None, kept: contextlib.ExitStack, errors: int, doors: list[int]
    ) -> None:
        self.sandbox, self.user = sandbox, user
        self._kept, self._errors, self._doors = kept, errors, doors
        self._namespaces = 0
        self._enter: Enter | None = None
        self._line: socket.socket | None = None  # to a service that waits

    def open(self, namespaces: int, outer: int) -> None:
        """It is made, and may be entered; `outer` is a descriptor of its outer user namespace, ours from now on."""
        self._namespaces, self._outer = namespaces, outer
        self._kept.callback(os.close, outer)
        self._fill()

    def inhabit(self, address: str, listener: int, enter: Enter) -> None:
        """Have the sandbox whose service will answer at `address` move in as soon as it can; raises OSError."""
        service = os.dup(listener)
        self._kept.callback(os.close, service)
        self._service = service
        self.sandbox.address = address
        self._enter = enter
        self._fill()

    def seed(self, enter: Enter) -> None:
        """Have a seed move in as soon as it can, whose service waits until it is woken; raises OSError."""
        self._line, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with end:
            self.inhabit("", end.fileno(), enter)

    def wake(self, address: str, listener: int, names: dict[str, str]) -> None:
        """Have the service be the one that will answer at `address`, with these variables more.

        Raises OSError when it is gone.
        """
        assert self._line is not None
        self.sandbox.address = address
        with self._line:
            socket.send_fds(self._line, [json.dumps(names).encode()], [listener])

    def close(self) -> None:
        """Let go of all that is for who enters."""
        self._kept.close()
        if self._line is not None:
            self._line.close()

    def _fill(self) -> None:
        if self._enter is None or not self._namespaces:
            return
        if (init := self.sandbox.init) is None:  # it has just ended, and another would do
            self.sandbox.stillborn = True
            return
        with self._kept, open(os.devnull, "r+b", buffering=0) as nothing:
            streams = [nothing.fileno(), nothing.fileno(), self._errors, self._service]
            self._enter(self._namespaces, [init, self._outer, *streams, *self._doors])


def make_lifeline() -> tuple[int, int]:
    """Our end, which closes with our process however it ends, and the one that a sandbox waits on and ends with.

    bubblewrap's own --die-with-parent misses a parent that dies while the sandbox is still being set up: it ends the
    outer of its two processes alone, and the inner one then waits for it for ever. A socket, since a pipe could be
    opened for writing by way of /proc; one for each sandbox, so that none can end another.
    """
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


def unbroken_pipe() -> tuple[int, int]:
    """A pipe whose writer reads it as well, and so is not ended by writing when our end has gone with our process."""
    ours, theirs = os.pipe()
    try:
        return ours, os.open(f"/proc/self/fd/{theirs}", os.O_RDWR | os.O_CLOEXEC)
    finally:
        os.close(theirs)


def bring_along(group: Group, init: int) -> None:
    """Put bubblewrap's own processes inside into the control group, too; raises OSError.

    They are the sandbox's user's, whose code may write to their memory and would so have a process without limits.
    """
    try:
        children = [int(word) for word in Path(f"/proc/{init}/task/{init}/children").read_text().split()]
    except FileNotFoundError:  # a kernel without this list
        children = [child.pid for child in psutil.Process(init).children()]
    for pid in (init, *children):
        group.add(pid)


def read_inner(info: int) -> int | None:
    """The host's pid of the sandbox's first process, which bubblewrap tells as JSON; None when it failed before."""
    os.set_blocking(info, True)
    said = b""
    while chunk := os.read(info, 4096):
        said += chunk
        if b"}" in said:
            break
    try:
        return int(json.loads(said)["child-pid"])
    except (ValueError, KeyError):
        return None
