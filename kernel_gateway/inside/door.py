"""The seed's side of root's commands: starts them for the service and for `sudo`.

Whoever wants one connects to a socket of the seed's and sends it, in a file of its own, with the three standard
streams. The seed reads none of that: the fork that becomes the command does. The answer is the command's pid, and when
it has ended its status. A command is hung up on when who wanted it is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import termios
from collections.abc import Callable
from pathlib import Path

from kernel_gateway.inside.rights import give_up
from kernel_gateway.inside.root import ANSWER, DOOR

_BACKLOG = 64
_GIVEN = 4  # the file that says what to run, and three streams
_LONGEST = 8 << 20  # bytes of a command and its environment
_NOT_FOUND, _CANNOT = 127, 126

type Fork = Callable[[Callable[[], None], list[int]], int]


class Door:
    """The seed's side. It never waits for those who ask: what they send is in one message, or is nothing."""

    def __init__(self, runtime: Path) -> None:
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(runtime / DOOR))
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        self._asking: dict[int, socket.socket] = {}
        self._running: dict[int, tuple[int, socket.socket]] = {}  # by connection: the command's pid

    @property
    def watched(self) -> list[int]:
        """Descriptors to wait for."""
        return [self._listener.fileno(), *self._asking, *self._running]

    def answer(self, ready: list[int], fork: Fork) -> None:
        """Do what those of our descriptors ask for that are ready."""
        if self._listener.fileno() in ready:
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                self._asking[connection.fileno()] = connection
        for descriptor in ready:
            if descriptor in self._asking:
                self._start(self._asking.pop(descriptor), fork)
            elif descriptor in self._running:
                self._leave(descriptor)

    def ended(self, pid: int, status: int) -> bool:
        """Tell who wanted a command that it has ended; False when the process is none of ours."""
        for descriptor, (running, connection) in self._running.items():
            if running == pid:
                del self._running[descriptor]
                with connection, contextlib.suppress(OSError):
                    connection.send(ANSWER.pack(status))
                return True
        return False

    def _start(self, connection: socket.socket, fork: Fork) -> None:
        given: list[int] = []
        try:
            _, given, _, _ = socket.recv_fds(connection, 1, _GIVEN)
            if len(given) != _GIVEN:
                raise OSError
            pid = fork(lambda: _run(given), given)
            self._running[connection.fileno()] = pid, connection
            connection.send(ANSWER.pack(pid))
        except OSError:
            if connection.fileno() not in self._running:
                connection.close()
        finally:
            for descriptor in given:
                os.close(descriptor)

    def _leave(self, descriptor: int) -> None:
        """Who wanted a command is gone, or says what nobody asked; its end is told to nobody."""
        pid, connection = self._running.pop(descriptor)
        connection.close()
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGHUP)


def _run(given: list[int]) -> None:
    """Become the command."""
    os.setsid()
    with open(given[0], "rb", closefd=False) as file:
        file.seek(0)
        wanted = json.loads(file.read(_LONGEST))
    for place, descriptor in enumerate([fcntl.fcntl(one, fcntl.F_DUPFD, 64) for one in given[1:]]):
        os.dup2(descriptor, place)
    os.closerange(3, 1 << 20)
    give_up("root")
    if wanted["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    command, environment = [str(word) for word in wanted["command"]], dict(wanted["environment"])
    try:
        os.chdir(wanted["cwd"])
        for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGXFSZ):  # Python ignores or catches them
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], command, environment)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _CANNOT)
