"""Random programs in cells, and a kernel in a dictionary that runs them: the model against which the rules are held."""

from __future__ import annotations

import contextlib
import io
import random
import re
from collections.abc import Sequence

from notebooks.live.dependencies import Catching
from notebooks.live.state import Item, State

NAMES = ("a", "b", "c", "d")


def line(r: random.Random) -> str:
    """A line of a cell: it binds, changes, shares, deletes, defines or shows."""
    x, y, z = (r.choice(NAMES) for _ in range(3))
    n = r.randint(0, 9)
    return r.choice(
        (
            f"{x} = {n}",
            f"{x} = [{n}, {n + 1}]",
            f"{x} = [[{n}], [{n}]]",
            f"{x} = {{'k': [{n}]}}",
            f"{x} = {y}",
            f"{x} = [{y}, {n}]",
            f"{x} = list({y})",
            f"{x} = {y} + {z}",
            f"{x} = sorted({y}, key=str)",
            f"{x} = {y}[0]",
            f"{x}, {y} = {y}, {x}",
            f"{x} = f({y})",
            f"{x} = iter({y})",
            f"{x} = (v for v in {y})",
            f"{x} = lambda: {y}",
            f"{x} = len({y})",
            f"{x} += {n}",
            f"{x} += [{n}]",
            f"{x}.append({n})",
            f"{x}.append({y})",
            f"{x}[0] = {n}",
            f"{x}[0].append({n})",
            f"del {x}",
            f"del {x}[0]",
            f"for {x} in [1, {n}]: pass",
            f"for v in {x}: v.append({n})",
            f"if {n} > 4: {x} = {n}",
            f"if {n} > 4: {x} = {y}\nelse: {x} = [{n}]",
            f"try: {x} = {y}[0]\nexcept Exception: {x} = {n}",
            f"try: {x}.append({n})\nexcept Exception as e: print(type(e).__name__)",
            f"def f(p): return {x}",
            f"def f(p): return p + [{n}]",
            f"def f(p):\n    p.append({n})\n    return p",
            f"def f(p):\n    global {x}\n    {x} = p\n    return {n}",
            f"def g(): return f({x})",
            f"class f:\n    k = [{n}]\n    def __init__(self, p): self.k.append(1)\n    __repr__ = lambda s: str(s.k)",
            f"f({x})",
            "print(g())",
            f"print({x}())",
            f"print(next({x}))",
            f"print(list({x}))",
            f"{x} = [w * 2 for w in {y}]",
            f"{x} = [w for w in {y}]",
            f"({x} := {n})",
            f"exec('{x} = {n}')" if n == 0 else f"print({x})",
            f"print({x}, {y})",
            f"print({x} is {y})",
            f"print('{x}' in globals())" if n == 1 else f"print({x})",
            f"import random; random.seed({n})",
            "import random; random.seed(3); print(random.random())" if n < 3 else f"print({x})",
        )
    )


def cell(r: random.Random) -> str:
    """One to three lines."""
    return "\n".join(line(r) for _ in range(r.randint(1, 3)))


def program(r: random.Random) -> list[tuple[str, str]]:
    """Cells, of which the first mostly binds what the others use."""
    first = "a = [1, 2]\nb = [[3], [4]]\nc = 5\nd = {0: [6]}\ndef f(p): return [p]\ndef g(): return f(a)"
    sources = [first if r.random() < 0.8 else cell(r), *(cell(r) for _ in range(r.randint(2, 7)))]
    return [(f"cell-{i:02d}", source) for i, source in enumerate(sources)]


def edit(r: random.Random, cells: Sequence[tuple[str, str]], number: int) -> list[tuple[str, str]]:
    """The cells after one edit: one is changed, added, deleted or moved."""
    after = list(cells)
    place = r.randrange(len(after))
    kind = r.choice(("edit", "edit", "edit", "add", "delete", "move"))
    if kind == "edit" or len(after) < 3:
        after[place] = (after[place][0], cell(r))
    elif kind == "add":
        after.insert(place, (f"cell-{number:02d}", cell(r)))
    elif kind == "delete":
        del after[place]
    else:
        after.insert(r.randrange(len(after)), after.pop(place))
    return after


class Kernel:
    """Runs cells in one namespace, as a kernel does."""

    def __init__(self) -> None:
        self.globals: dict[str, object] = {"__builtins__": __builtins__}

    def run(self, source: str) -> tuple[str, bool]:
        """What a cell prints, and whether it raised."""
        out = io.StringIO()
        failed = False
        with contextlib.redirect_stdout(out):
            try:
                exec(compile(source, "<cell>", "exec"), self.globals)
            except Exception as error:  # noqa: BLE001 (a cell may raise anything)
                failed = True
                print(type(error).__name__)
        return re.sub(r"0x[0-9a-f]+", "0x", out.getvalue()), failed


def from_the_top(cells: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What each cell prints in a fresh kernel."""
    kernel = Kernel()
    return {id: kernel.run(source)[0] for id, source in cells}


class Notebook:
    """A notebook that is kept up to date after each edit."""

    def __init__(self, cells: Sequence[tuple[str, str]]) -> None:
        self.kernel, self.shown, self.ran = Kernel(), dict[str, str](), list[str]()
        self.catching = Catching([Item(id, source) for id, source in cells], {}, State())
        self.catch_up()

    def become(self, cells: Sequence[tuple[str, str]]) -> None:
        """Edit, and bring up to date."""
        known = {(c.id, c.source): c for c in self.catching.cells}
        items = [known.get((id, source), Item(id, source)) for id, source in cells]
        self.catching = Catching(items, self.catching.held, self.catching.kernel)
        self.catch_up()

    def catch_up(self) -> None:
        self.ran = []
        while (step := self.catching.next()) is not None:
            if step.fresh:
                self.kernel = Kernel()
            for name in step.drops:
                self.kernel.globals.pop(name, None)
            if step.cell is not None:
                source = next(c.source for c in self.catching.cells if c.id == step.cell)
                self.shown[step.cell], failed = self.kernel.run(source)
                self.ran.append(step.cell)
                self.catching.ran(step.cell, failed=failed)
