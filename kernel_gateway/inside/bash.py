"""Contexts in bash: one shell that keeps its variables and directory from cell to cell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shlex
import signal
import subprocess
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

# The shell reads the paths of scripts and tells the status of each; Ctrl-C leaves the script, not the shell.
_LOOP = """
trap 'return 130' INT
while IFS= read -r -u {inlet} _cell; do
  . "$_cell" </dev/null {inlet}<&- {told}>&-
  printf '%s\\n' "$?" >&{told}
done
"""
_CHUNK = 64 << 10


class BashEnded(Exception):
    """The shell ended in the middle of a cell; the message says how."""


class Bash:
    """A running shell. One cell at a time: the caller sees to that."""

    def __init__(self, directory: Path, cwd: str, environment: Mapping[str, str]) -> None:
        self.count = 0
        self._directory = directory
        inlet, self._inlet = os.pipe()
        self._told, told = os.pipe()
        try:
            self._process = subprocess.Popen(
                ["bash", "--norc", "--noprofile", "-c", _LOOP.format(inlet=inlet, told=told)],
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(inlet, told),
                start_new_session=True,
                bufsize=0,
            )
        finally:
            os.close(inlet)
            os.close(told)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._streams = {"stdout": self._process.stdout.fileno(), "stderr": self._process.stderr.fileno()}
        for descriptor in (self._told, *self._streams.values()):
            os.set_blocking(descriptor, False)

    @property
    def alive(self) -> bool:
        """Whether the shell runs."""
        return self._process.poll() is None

    async def run(self, code: str, environment: Mapping[str, str]) -> AsyncGenerator[tuple[str, str]]:
        """Run a cell: pairs of a stream's name and text as they come, and at last ("status", its exit status).

        `environment` is undone when the cell has ended. Raises `BashEnded` when the shell ends first.
        """
        script = self._directory / f"cell-{secrets.token_hex(8)}.sh"
        script.write_text(_with_environment(code, environment))
        self.count += 1
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        for descriptor in (self._told, *self._streams.values()):
            loop.add_reader(descriptor, arrived.set)
        try:
            os.write(self._inlet, f"{script}\n".encode())
            status: str | None = None
            while status is None:
                await arrived.wait()
                arrived.clear()
                status = _read(self._told)  # before the streams: what a cell wrote before its end is then in them
                for name, descriptor in self._streams.items():
                    while text := _read(descriptor):
                        yield name, text
                if status == "":
                    raise BashEnded(f"bash exited with status {self._process.wait()}; the next cell gets a new shell.")
            yield "status", status.strip()
        finally:
            for descriptor in (self._told, *self._streams.values()):
                loop.remove_reader(descriptor)
            script.unlink(missing_ok=True)

    def interrupt(self) -> None:
        """Stop the running cell as Ctrl-C would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def close(self) -> None:
        """Kill the shell and everything in its process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._inlet)
        os.close(self._told)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


def _read(descriptor: int) -> str | None:
    """What waits in a pipe: None for nothing yet, empty at its end."""
    try:
        return os.read(descriptor, _CHUNK).decode("utf-8", "replace")
    except BlockingIOError:
        return None


def _with_environment(code: str, environment: Mapping[str, str]) -> str:
    """The script that runs `code` with variables of its own, and puts back what they were."""
    if not environment:
        return code + "\n"
    lines, undo = [], []
    for number, (name, value) in enumerate(environment.items()):
        if not name.isidentifier() or not name.isascii():
            continue
        lines.append(f'_was{number}="${{{name}-}}" _had{number}="${{{name}+x}}"; export {name}={shlex.quote(value)}')
        undo.append(f'if [ -n "$_had{number}" ]; then {name}="$_was{number}"; else unset {name}; fi')
        undo.append(f"unset _was{number} _had{number}")
    lines += [f"eval {shlex.quote(code)}", "_status=$?", *undo, "(exit $_status)"]
    return "\n".join(lines) + "\n"
