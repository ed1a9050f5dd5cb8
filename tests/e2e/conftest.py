"""The whole product as its users meet it: the installed command on data folders that nobody used before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.product import PENGUINS, QUESTION, Product


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """The product on a data folder that nobody used before; nothing of it may be left running afterwards."""
    mine = Product(tmp_path / "home")
    yield mine
    mine.kill()


@pytest.fixture(scope="session")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Product, Path, str]]:
    """The README's question, asked once: the product, the folder of results, and what the terminal showed."""
    base = tmp_path_factory.mktemp("analysed")
    mine = Product(base / "home")
    shown = mine.run("analyze", PENGUINS, "--ask", QUESTION, "--out", base / "out")
    yield mine, base / "out", shown
    mine.kill()
