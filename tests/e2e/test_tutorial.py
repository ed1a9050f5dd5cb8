"""The tutorial is executed as it stands: every shell block, every Python block, every line it promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.product import Block, Product


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_tutorial_does_what_it_says(tutorial: tuple[Product, Path, list[Block]]) -> None:
    _, _, blocks = tutorial
    shown, ran = "", 0
    for block in blocks:
        if block.kind == "text":
            for line in block.text.splitlines():
                assert line in shown, f"the tutorial promises {line!r}, but was shown:\n{shown}"
        else:
            shown, ran = block.shown, ran + 1
    assert ran > 8, "the tutorial's blocks were not found"
