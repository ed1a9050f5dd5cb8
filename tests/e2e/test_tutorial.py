"""The tutorial is executed as it stands: every shell block, every Python block, every line it promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.product import REPOSITORY, Product, environment

BLOCK = re.compile(r"^```(sh|text|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_tutorial_does_what_it_says(product: Product, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    shown, ran = "", 0
    for kind, text in BLOCK.findall((REPOSITORY / "docs" / "tutorial.md").read_text()):
        if kind == "text":
            for line in text.splitlines():
                assert line in shown, f"the tutorial promises {line!r}, but was shown:\n{shown}"
            continue
        command = ["bash", "-euc", text] if kind == "sh" else [sys.executable, "-c", text]
        path = f"{Path(sys.executable).parent}:{environment(product.home)['PATH']}"
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment(product.home) | {"PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
        )
        shown, ran = done.stdout + done.stderr, ran + 1
        assert done.returncode == 0, f"{text}\n{shown}"
    assert ran > 8, "the tutorial's blocks were not found"
