"""The whole product as its users meet it: the installed command on data folders that nobody used before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.product import BLOCK, QUESTION, REPOSITORY, Block, Product, environment


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """The product on a data folder that nobody used before; nothing of it may be left running afterwards."""
    mine = Product(tmp_path / "home")
    yield mine
    mine.kill()


@pytest.fixture(scope="session")
def tutorial(
    with_gateway: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Product, Path, list[Block]]]:
    """The tutorial, executed as it stands: the product, the folder that it was followed in, and its blocks.

    Each command would start a gateway and end it again, as those of the other files here do.
    """
    base = tmp_path_factory.mktemp("tutorial")
    mine = Product(with_gateway(base / "home"))
    (base / "examples").symlink_to(REPOSITORY / "examples")
    (base / ".venv").symlink_to(Path(sys.prefix))
    names = environment(mine.home)
    names["PATH"] = f"{Path(sys.executable).parent}:{names['PATH']}"
    blocks = []
    try:
        for kind, text in BLOCK.findall((REPOSITORY / "docs" / "tutorial.md").read_text()):
            shown = ""
            if kind != "text":
                command = ["bash", "-euc", text] if kind == "sh" else [sys.executable, "-c", text]
                own = {} if kind == "sh" else {"GRISTMILL_RERUN": "0"}  # the command shows that it runs again
                done = subprocess.run(
                    command,
                    cwd=base,
                    env=names | own,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=400,
                )
                shown = done.stdout + done.stderr
                assert done.returncode == 0, f"{text}\n{shown}"
            blocks.append(Block(kind, text, shown))
        yield mine, base, blocks
    finally:
        mine.kill()


@pytest.fixture(scope="session")
def analysed(tutorial: tuple[Product, Path, list[Block]]) -> tuple[Product, Path, str]:
    """The README's question, as the tutorial asks it: the product, the folder of results, what the terminal showed."""
    product, base, blocks = tutorial
    asked = f'gristmill analyze examples/penguins.csv --ask "{QUESTION}" --out penguins'
    shown = next(block.shown for block in blocks if asked in block.text)
    return product, base / "penguins", shown
