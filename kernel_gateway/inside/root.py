"""Commands of the sandbox's root, as who wants them sees them; the seed starts them (`door.py`).

Standard library only, and little of it: `sudo` waits for these imports.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Mapping, Sequence

HOME = "/root"
DOOR = "root.sock"
ANSWER = struct.Struct("=i")

_SECONDS = 30.0


class Command:
    """A running command of root's, as who wanted it sees it."""

    def __init__(
        self,
        runtime: str | os.PathLike[str],
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
        self._connection.settimeout(_SECONDS)
        file = os.memfd_create("command", os.MFD_CLOEXEC)
        try:
            with open(file, "wb", closefd=False) as text:
                text.write(json.dumps(wanted).encode())
            self._connection.connect(os.path.join(runtime, DOOR))
            socket.send_fds(self._connection, [b"."], [file, *streams])
            self.pid = self._answer()
        except OSError:
            self._connection.close()
            raise
        finally:
            os.close(file)

    def fileno(self) -> int:
        """A descriptor that can be read when it has ended."""
        return self._connection.fileno()

    def wait(self) -> int:
        """Its status, as `Popen` counts, when it has ended; raises OSError when the sandbox ends before."""
        self._connection.settimeout(None)
        with self._connection:
            return self._answer()

    def _answer(self) -> int:
        if len(said := self._connection.recv(ANSWER.size)) != ANSWER.size:
            raise OSError("The sandbox may start no more processes.")
        return int(ANSWER.unpack(said)[0])


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """A user's variables as they are root's."""
    return {**variables, "HOME": HOME, "USER": "root", "LOGNAME": "root"}
