"""Root's commands: the seed starts them, for the service and for `sudo`.

Whoever wants one connects to a socket of the seed's and sends it, in a file of its own, with the three standard
streams. The seed reads none of that: the fork that becomes the command does. The answer is the command's pid, and when
it has ended its status. A command ends with the connection of who wanted it, unless it has left its process group.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kernel_gateway.inside.rights import give_up

HOME = "/root"

_NAME = "root.sock"
_BACKLOG = 64
_GIVEN = 4  # the file that says what to run, and three streams
_LONGEST = 8 << 20  # bytes of a command and its environment
_NOT_FOUND, _CANNOT = 127, 126
_ANSWER = struct.Struct("=i")

type Fork = Callable[[Callable[[], None], list[int]], int]


class Door:
    """The seed's side. It never waits for those who ask: what they send is in one message, or is nothing."""

    def __init__(self, runtime: Path) -> None:
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(runtime / _NAME))
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
                    connection.send(_ANSWER.pack(status))
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
            connection.send(_ANSWER.pack(pid))
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


class Command:
    """A running command of root's, as who wanted it sees it."""

    def __init__(
        self,
        runtime: Path,
        command: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
        *,
        terminal: bool = False,
    ) -> None:
        """Start it; `terminal`: its standard input is a terminal that it is to control. Raises OSError."""
        wanted = {"command": list(command), "cwd": cwd, "environment": dict(environment), "terminal": terminal}
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        file = os.memfd_create("command", os.MFD_CLOEXEC)
        try:
            with open(file, "wb", closefd=False) as text:
                text.write(json.dumps(wanted).encode())
            self._connection.connect(str(runtime / _NAME))
            socket.send_fds(self._connection, [b"."], [file, *streams])
            self.pid = self._answer()
        except OSError:
            self._connection.close()
            raise
        finally:
            os.close(file)

    def wait(self) -> int:
        """Its status, as `Popen` counts, when it has ended."""
        with self._connection:
            return self._answer()

    def _answer(self) -> int:
        if len(said := self._connection.recv(_ANSWER.size)) != _ANSWER.size:
            raise OSError("The sandbox may start no more processes.")
        return int(_ANSWER.unpack(said)[0])


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """A user's variables as they are root's."""
    return {**variables, "HOME": HOME, "USER": "root", "LOGNAME": "root"}
