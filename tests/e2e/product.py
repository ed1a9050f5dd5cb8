"""The `gristmill` command on a data folder of its own, as a test drives it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

REPOSITORY = Path(__file__).parents[2]
COMMAND = str(Path(sys.executable).with_name("gristmill"))
QUESTION = "Does bill length predict bill depth, and what separates the species?"
PENGUINS = REPOSITORY / "examples" / "penguins.csv"
BLOCK = re.compile(r"^```(sh|text|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of the tutorial: its kind (`sh`, `text` or `python`), its text and, once it ran, what it printed."""

    kind: str
    text: str
    shown: str = ""


def environment(home: Path) -> dict[str, str]:
    """This process's environment without any model or sandbox key, and with a data folder of the test's own."""
    keys = ("E2B_", "OPENAI_", "ANTHROPIC_", "GEMINI_", "GROQ_", "OPENROUTER_", "GRISTMILL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(keys)}
    return kept | {"GRISTMILL_HOME": str(home), "COLUMNS": "120"}


def followed(block: Block, folder: Path, names: dict[str, str]) -> str:
    """Do in a folder what a block says, with these variables, and return what it printed.

    Python runs in this process, as if it were a program: to load the same SDK for each block takes longer than they do.
    """
    if block.kind == "python":
        said = io.StringIO()
        with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(said):
            for name in os.environ.keys() - names.keys():
                patched.delenv(name)
            for name, value in names.items():
                patched.setenv(name, value)
            exec(compile(block.text, "block", "exec"), {"__name__": "__main__"})
        return said.getvalue()
    done = subprocess.run(
        ["bash", "-euc", block.text],
        cwd=folder,
        env=names,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Product:
    """The `gristmill` command on one data folder."""

    home: Path

    def run(self, *arguments: str | Path, cwd: Path | None = None, expect: int = 0) -> str:
        """Runs the command to its end and returns what it printed; fails the test on another exit status."""
        done = subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=cwd or self.home.parent,
            env=environment(self.home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == expect, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def json(self, *arguments: str | Path) -> Any:
        """What a listing command prints with `--json`."""
        return json.loads(self.run(*arguments, "--json"))

    def start(self, *arguments: str | Path, log: Path) -> subprocess.Popen[bytes]:
        """Starts the command and leaves it running, its output in `log`."""
        with log.open("wb") as out:
            return subprocess.Popen(
                [COMMAND, *map(str, arguments)],
                cwd=self.home.parent,
                env=environment(self.home),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to this data folder: it is told by its environment or its arguments."""
        mine = []
        for process in psutil.process_iter():
            try:
                told = process.environ().get("GRISTMILL_HOME") == str(self.home) or str(self.home) in " ".join(
                    process.cmdline()
                )
            except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            if told and process.pid != os.getpid():
                mine.append(process)
        return mine

    def kill(self) -> None:
        """`kill -9` for everything of this data folder, then waits until the processes are gone."""
        doomed = self.processes()
        for process in doomed:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(doomed, timeout=300)
