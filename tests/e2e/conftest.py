"""The whole product as its users meet it: the installed command on data folders that nobody used before."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.product import BLOCK, QUESTION, REPOSITORY, Block, Product, environment, followed


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
            own = {"GRISTMILL_RERUN": "0"} if kind == "python" else {}  # the command shows that it runs again
            block = Block(kind, text)
            blocks.append(block if kind == "text" else replace(block, shown=followed(block, base, names | own)))
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
