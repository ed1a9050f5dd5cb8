"""Contexts in bash: one shell that keeps its variables and directory from cell to cell."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import secrets
import shlex
import signal
import subprocess
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from kernel_gateway.inside.limits import make_expendable

# An interactive shell gives up a cell that is interrupted wherever it is, in a loop of a function as well. What makes
# such a shell talkative is turned off; it reads its commands from a pipe, and tells the status of each cell in another.
_SHELL = ("bash", "--norc", "--noprofile", "--noediting", "+m", "-i")
_SET_UP = """set +H +o history; export -n PS1 PS2
exit() {{ builtin exit "$@" 2>/dev/null; }}
exec 2>&{errors} {errors}>&-
"""
_CELL = """{before}
{cell} </dev/null {told}>&-
_status=$?
{after}
printf '%s\\n' "$_status" >&{told}
"""
_CHUNK = 64 << 10
_PIPE = 64 << 10  # bytes that wait in a pipe at most; a program in the background may go on to fill it


class BashEnded(Exception):
    """The shell ended in the middle of a cell; the message says how."""


class Bash:
    """A running shell. One cell at a time: the caller sees to that."""

    def __init__(self, directory: Path, cwd: str, environment: Mapping[str, str]) -> None:
        self.count = 0
        self._directory, self._name = directory, f"bash-{secrets.token_hex(8)}"
        inlet, self._inlet = os.pipe()
        (self._told, told), (out, out_end), (errors, errors_end) = os.pipe(), os.pipe(), os.pipe()
        self._streams, self._tell = {"stdout": out, "stderr": errors}, told
        try:
            self._process = subprocess.Popen(
                _SHELL,
                cwd=cwd,
                env={**environment, "PS1": "", "PS2": ""},
                stdin=inlet,
                stdout=out_end,
                stderr=subprocess.DEVNULL,
                pass_fds=(told, errors_end),
                start_new_session=True,
            )
        finally:
            for descriptor in (inlet, told, out_end, errors_end):
                os.close(descriptor)
        make_expendable(self._process.pid)
        for descriptor in (self._told, out, errors):
            os.set_blocking(descriptor, False)
        os.write(self._inlet, _SET_UP.format(errors=errors_end).encode())

    @property
    def alive(self) -> bool:
        """Whether the shell runs."""
        return self._process.poll() is None

    async def run(self, code: str, environment: Mapping[str, str]) -> AsyncGenerator[tuple[str, str]]:
        """Run a cell: pairs of a stream's name and text as they come, and at last ("status", its exit status).

        `environment` is undone when the cell has ended. Raises `BashEnded` when the shell ends first.
        """
        self.count += 1
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        decode = {name: codecs.getincrementaldecoder("utf-8")("replace").decode for name in self._streams}
        ended = os.pidfd_open(self._process.pid)
        for descriptor in (ended, self._told, *self._streams.values()):
            loop.add_reader(descriptor, arrived.set)
        try:
            os.write(self._inlet, self._commands(code, environment).encode())
            status: bytes | None = None
            while not status:
                await arrived.wait()
                arrived.clear()
                left_with = self._process.poll()
                # Before the streams: what a cell wrote before its end is then in them. It is nothing at all when the
                # shell is gone, which a cell may have had replaced by another program, whose end is then awaited.
                status = self._read(self._told)
                is_last = bool(status) or left_with is not None
                for name, descriptor in self._streams.items():
                    left = _PIPE if is_last else _CHUNK
                    while left > 0 and (data := self._read(descriptor)):
                        left -= len(data)
                        yield name, decode[name](data)
                        await asyncio.sleep(0)  # while a cell writes on and on others are served, too
                if left_with is not None and not status:
                    raise BashEnded(f"bash exited with status {left_with}; the next cell gets a new shell.")
            for name in self._streams:
                if rest := decode[name](b"", True):
                    yield name, rest
            yield "status", status.decode().strip()
        finally:
            for descriptor in (ended, self._told, *self._streams.values()):
                loop.remove_reader(descriptor)
            os.close(ended)
            for script in self._directory.glob(f"{self._name}-*.sh"):
                script.unlink(missing_ok=True)

    def _commands(self, code: str, environment: Mapping[str, str]) -> str:
        """What the shell is to read: short lines, whatever the length of the cell, since a pipe holds little."""
        before, after = _variables(environment)
        lines = {}
        for part, text in {"before": before, "cell": code + "\n", "after": after}.items():
            script = self._directory / f"{self._name}-{part}.sh"
            if text:
                script.write_text(text)
            lines[part] = f". {shlex.quote(str(script))}" if text else ":"
        return _CELL.format(**lines, told=self._tell)

    @staticmethod
    def _read(descriptor: int) -> bytes | None:
        """What waits in a pipe: None for nothing yet; empty at its end, of which we want to hear no more."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return None
        if not data:
            asyncio.get_running_loop().remove_reader(descriptor)
        return data

    def interrupt(self) -> None:
        """Stop the running cell as Ctrl-C would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def close(self) -> None:
        """Kill the shell and everything in its process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for descriptor in (self._inlet, self._told, *self._streams.values()):
            os.close(descriptor)


def _variables(environment: Mapping[str, str]) -> tuple[str, str]:
    """The script that sets variables for one cell, and the one that puts back what they were."""
    set_up, undo = [], []
    for number, (name, value) in enumerate(environment.items()):
        if not name.isidentifier() or not name.isascii():
            continue
        set_up.append(f'_was{number}="${{{name}-}}" _had{number}="${{{name}+x}}"; export {name}={shlex.quote(value)}\n')
        undo.append(f'if [ -n "$_had{number}" ]; then {name}="$_was{number}"; else unset {name}; fi\n')
        undo.append(f"unset _was{number} _had{number}\n")
    return "".join(set_up), "".join(undo)
