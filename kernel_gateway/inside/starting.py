"""Starts commands, as the sandbox's user or its root, on pipes or on a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
from typing import Literal, Protocol

from kernel_gateway.inside.adapter import process_pb
from kernel_gateway.inside.root import Command
from kernel_gateway.inside.settings import Settings

type Output = Literal["stdout", "stderr", "pty"]
type Streams = tuple[int, int, int]
type Process = subprocess.Popen[bytes] | Command
type Started = tuple[Process, dict[Output, int], int | None]


class Start(Protocol):
    """Starts a command in a session of its own; its standard input is its terminal where it is to have one."""

    def __call__(
        self, command: list[str], cwd: str, environment: dict[str, str], streams: Streams, *, terminal: bool
    ) -> Process: ...


def start_as_user(
    command: list[str], cwd: str, environment: dict[str, str], streams: Streams, *, terminal: bool
) -> subprocess.Popen[bytes]:
    """A `Start` for the user; raises OSError."""
    # setsid makes the terminal the session's own, so that Ctrl+C and job control work, and becomes the command.
    words = ["setsid", "--ctty", *command] if terminal else command
    inlet, out, errors = streams
    return subprocess.Popen(
        words, cwd=cwd, env=environment, stdin=inlet, stdout=out, stderr=errors, start_new_session=not terminal
    )


def start_as_root(
    settings: Settings, command: list[str], cwd: str, environment: dict[str, str], streams: Streams, *, terminal: bool
) -> Command:
    """A `Start` for root, less the settings; raises OSError."""
    return Command(settings.runtime, command, cwd, environment, streams, terminal=terminal)


def with_pipes(
    start: Start, config: process_pb.ProcessConfig, cwd: str, environment: dict[str, str], wants_input: bool
) -> Started:
    """Start a command on pipes: the process, our ends of its outputs, which never block, and of its input."""
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:

        def pipe(read_by: contextlib.ExitStack, written_by: contextlib.ExitStack) -> tuple[int, int]:
            reading, writing = os.pipe()
            read_by.callback(os.close, reading)
            written_by.callback(os.close, writing)
            os.set_blocking(writing if written_by is ours else reading, False)
            return reading, writing

        inlet: int | None = None
        if wants_input:
            given, inlet = pipe(theirs, ours)
        else:
            given = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            theirs.callback(os.close, given)
        (out, out_end), (errors, errors_end) = pipe(ours, theirs), pipe(ours, theirs)
        process = start([config.cmd, *config.args], cwd, environment, (given, out_end, errors_end), terminal=False)
        ours.pop_all()
    return process, {"stdout": out, "stderr": errors}, inlet


def with_terminal(
    start: Start, config: process_pb.ProcessConfig, cwd: str, environment: dict[str, str], terminal: process_pb.PTY
) -> Started:
    """Start a command on a terminal of its own, whose other end is its one output."""
    master, slave = pty.openpty()
    try:
        if terminal.size is not None:
            resize(master, terminal.size)
        variables = {"TERM": "xterm-256color", **environment}
        process = start([config.cmd, *config.args], cwd, variables, (slave, slave, slave), terminal=True)
    except OSError:
        os.close(master)
        raise
    finally:
        os.close(slave)
    os.set_blocking(master, False)
    return process, {"pty": master}, None


def resize(terminal: int, size: process_pb.PTY.Size) -> None:
    """Tell a terminal how large it is."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.cols, 0, 0))
