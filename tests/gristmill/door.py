"""The command as a subprocess, and a running server, as these tests drive them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from gristmill.cli import main

REPOSITORY = Path(__file__).parents[2]
QUESTION = "What separates the groups?"


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without keys or settings, on a data folder of the test's own.

    Notebooks are not run again unless a test asks for it.
    """
    keys = ("E2B_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GROQ_", "OPENROUTER_", "GRISTMILL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(keys)}
    own = {"GRISTMILL_HOME": str(home), "GRISTMILL_RERUN": "0", "PYTHONPATH": str(REPOSITORY), "COLUMNS": "110"}
    return kept | own | more


def command(*arguments: str | Path) -> list[str]:
    """The command line of `gristmill`, as the interpreter that runs the tests has it."""
    return [sys.executable, "-m", "gristmill", *map(str, arguments)]


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def complaints(self) -> str:
        """What stands on stderr beside what goes on, which is told where the machine is slow."""
        return "".join(line for line in self.err.splitlines(keepends=True) if not line.startswith("... "))


def run(home: Path, *arguments: str | Path, cwd: Path | None = None, lines: str = "", **more: str) -> Done:
    """Run a command to its end in this process, with these lines to read: a process each costs a second or two.

    It gets one where this one's event loop runs, or another thread's, whose signals are not for it.
    """
    if threading.current_thread() is not threading.main_thread() or asyncio._get_running_loop() is not None:
        return apart(home, *arguments, cwd=cwd, lines=lines, **more)
    wanted = environment(home, **more)
    with contextlib.chdir(cwd or home.parent), pytest.MonkeyPatch.context() as patched:
        for name in os.environ.keys() - wanted.keys():
            patched.delenv(name)
        for name, value in wanted.items():
            patched.setenv(name, value)
        done = CliRunner().invoke(main, [*map(str, arguments)], input=lines)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return Done(done.exit_code, done.stdout, done.stderr)


def apart(home: Path, *arguments: str | Path, cwd: Path | None = None, lines: str = "", **more: str) -> Done:
    """Run a command to its end in a process of its own. Whatever it was asked, a traceback is no answer."""
    done = subprocess.run(
        command(*arguments),
        env=environment(home, **more),
        cwd=cwd or home.parent,
        input=lines,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Server:
    """A running `gristmill serve`."""

    home: Path
    url: str
    token: str
    pid: int
    log: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, **more: Any) -> httpx.Client:
        """A client with the token."""
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return httpx.Client(base_url=self.url, headers=headers, timeout=300, trust_env=False, **more)

    def cli(self, *arguments: str | Path, cwd: Path | None = None) -> Done:
        """A command on this server's data folder."""
        return run(self.home, *arguments, cwd=cwd)

    def json(self, *arguments: str | Path) -> Any:
        """What a command prints with --json."""
        done = self.cli(*arguments, "--json")
        assert done.status == 0, done.err
        return json.loads(done.out)

    def raw(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """A request with exactly these headers: Host too may be anything, or missing."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            reply = connection.getresponse()
            body = b"" if reply.status == 101 else reply.read()
            return reply.status, {k.lower(): v for k, v in reply.getheaders()}, body
        finally:
            connection.close()
