"""What a shell offers at a keystroke: asked of real bash with our own script."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gristmill.cli import COMMANDS
from tests.gristmill.door import Server, environment, run

PROGRAM = """
from gristmill.__main__ import program
from gristmill.commands import completing
completing.PATIENCE = 300  # a person at a keystroke does not wait so long, and a test on a busy machine does
program()
"""


@pytest.fixture(scope="module")
def bin_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `gristmill` in it, as the interpreter that runs the tests has it."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "gristmill"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(PROGRAM)} "$@"\n')
    program.chmod(0o755)
    return folder


def offered(bin_: Path, home: Path, line: str, cwd: Path | None = None) -> list[str]:
    """What bash offers for the last word of a line."""
    words = [*shlex.split(line), *([""] if line.endswith(" ") else [])]
    script = f"""
eval "$(gristmill completion bash)"
compopt() {{ COMPREPLY+=("(the shell's $2)"); }}
COMP_WORDS=({" ".join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}
_gristmill_completion gristmill
printf "%s\\n" "${{COMPREPLY[@]}}"
"""
    told = environment(home)
    told["PATH"] = f"{bin_}:{told['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=told, cwd=cwd or bin_, capture_output=True, text=True, timeout=300
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_commands_options_and_choices_are_completed(bin_: Path, home: Path) -> None:
    assert offered(bin_, home, "gristmill ") == list(COMMANDS)
    assert offered(bin_, home, "gristmill ru") == ["runs"]
    assert "reproduce" in offered(bin_, home, "gristmill runs re")
    assert {"--ask", "--out", "--role"} <= set(offered(bin_, home, "gristmill analyze x.csv --"))
    assert offered(bin_, home, "gristmill runs list --status run") == ["running"]
    assert offered(bin_, home, "gristmill analyze ") == ["(the shell's default)"], "which is files"
    assert not home.exists(), "nothing is opened, nothing is made"


def test_templates_are_completed_ours_and_the_teams(bin_: Path, home: Path) -> None:
    (home / "templates").mkdir(parents=True)
    (home / "templates" / "protocol.ipynb").write_text("{}")
    assert offered(bin_, home, "gristmill notebook run pro") == ["profile", "protocol"]
    assert offered(bin_, home, "gristmill notebook run ./x") == ["(the shell's default)"]
    (home / "environments" / "geo").mkdir(parents=True)
    assert offered(bin_, home, "gristmill template remove ") == ["geo"]


def test_ids_come_from_the_running_server_and_without_one_there_is_last(
    bin_: Path, home: Path, server: Server, finished: str
) -> None:
    assert offered(bin_, server.home, "gristmill runs show ")[0] == "last"
    assert offered(bin_, server.home, f"gristmill runs show {finished[:-2]}") == [finished]
    found = [a["id"] for a in server.json("artifacts", "list", "--run", finished)]
    assert set(found) <= set(offered(bin_, server.home, "gristmill artifacts get "))
    assert finished in offered(bin_, server.home, "gristmill artifacts list --run ")
    assert offered(bin_, home, "gristmill runs show ") == ["last"]
    assert not home.exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_is_one_that_its_shell_reads(shell: str, home: Path, tmp_path: Path) -> None:
    done = run(home, "completion", shell)
    assert done.status == 0
    assert "_GRISTMILL_COMPLETE" in done.out
    script = tmp_path / "script"
    script.write_text(done.out)
    if found := shutil.which(shell):
        assert subprocess.run([found, "-n", script], capture_output=True).returncode == 0


def test_a_shell_that_is_not_known_is_told(home: Path) -> None:
    done = run(home, "completion", "tcsh")
    assert done.status == 2
    assert "'bash', 'zsh', 'fish'" in done.err
