"""Incremental equals clean: random edits of real notebooks, each held against a run from the top in a fresh sandbox.

`python -m bench.edits [--edits N] [--seed N]`. Notebooks: what analysts do with `examples/penguins.csv`, and the
templates with parameters. After every edit everything that the notebook shows (text, files, figures, findings) is
compared. A cell that differs between two runs from the top proves nothing and is left out. Also: how long editing took
beside the cells alone, and how many cells ran of all. Results: bench/results/edits.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from artifacts.events import RunEnded, RunStarted, RunView
from artifacts.store import Store
from artifacts.types import Match, Run, new_id
from bench.notebooks import EDA, PENGUINS
from kernel_gateway.client import find_host, stop_host
from notebooks import catalog
from notebooks.live.editing import Edit, LiveNotebook
from notebooks.reproduce import compare
from notebooks.session import Session

RESULTS = Path(__file__).parent / "results" / "edits.json"
TEMPLATES = {"profile": {}, "groups": {"by": "species"}, "clusters": {}}
MODELS = (
    "import numpy as np\nimport pandas as pd\nfrom sklearn.linear_model import LinearRegression\n"
    "birds = pd.read_csv('penguins.csv').dropna()",
    "features = ['bill_length_mm', 'flipper_length_mm']",
    "birds['ratio'] = birds['bill_length_mm'] / birds['bill_depth_mm']",
    "X, y = birds[features], birds['body_mass_g']",
    "model = LinearRegression().fit(X, y)\nprint(model.coef_.round(3), round(model.score(X, y), 4))",
    "rest = y - model.predict(X)\nprint(rest.groupby(birds['species']).mean().round(2))",
    "rng = np.random.default_rng(3)\ndraws = [rng.choice(rest, 50).mean() for _ in range(20)]",
    "print(np.percentile(draws, [5, 95]).round(2))",
    "heavy = []\nfor name, part in birds.groupby('island'):\n    heavy.append((name, part['body_mass_g'].max()))",
    "heavy.sort(key=lambda pair: -pair[1])\nprint(heavy)",
    "def top(n):\n    return birds.nlargest(n, 'body_mass_g')[features]",
    "top(5).to_csv('top.csv')\nprint(top(2))",
    "print(pd.read_csv('top.csv').describe().round(2))",
)
LINES = (
    "birds = birds[birds['sex'] == 'MALE']",
    "birds['body_mass_g'] = birds['body_mass_g'] / 1000",
    "birds.drop(columns='island', inplace=True)",
    "features = ['bill_depth_mm']",
    "features.append('bill_depth_mm')",
    "heavy.append(('nowhere', 0))",
    "y = y + 1",
    "model.fit(X, y + 10)",
    "rng.normal()",
    "rng = np.random.default_rng(8)",
    "print(len(birds))",
    "print(birds['body_mass_g'].median())",
    "kept = birds\nkept['bill_length_mm'] = kept['bill_length_mm'].round()",
    "del features",
    "exec('features = [\"bill_length_mm\"]')",
    "birds.head(3).to_csv('top.csv')",
    "birds = birds.copy()",
    "for name in ('a', 'b'):\n    print(name)",
    "raise ValueError('no')",
    "pd.set_option('display.precision', 3)",
    "1 + 1",
)


def sources(store: Store) -> dict[str, list[str]]:
    """The notebooks, as the sources of their cells."""
    found = {"eda": list(EDA), "models": list(MODELS)}
    for name, values in TEMPLATES.items():
        notebook = catalog.read(catalog.find(name, store.home / "templates").path)
        cells = [c.source for c in notebook.cells if c.cell_type == "code"]
        given = "\n".join(f"{k} = {v!r}" for k, v in {"data": "penguins.csv", **values}.items())
        found[name] = [cells[0], given, *cells[1:]]
    return found


async def ran(store: Store, cells: Sequence[str]) -> str:
    """A run of these cells; returns its id."""
    run = Run(id=new_id("run"), goal="bench", agent="notebook")
    await store.append(RunStarted(run_id=run.id, run=run))
    session = await Session.open(store, await find_host(store.home), run.id)
    await session.upload(PENGUINS)
    for code in cells:
        await session.run(code, wait=False)
    await session.settle()
    await session.close()
    await store.append(RunEnded(run_id=run.id, status="done"))
    return run.id


def edit_of(r: random.Random, view: RunView) -> Edit:
    """One edit: a line more in a cell, a line less, other numbers, a new cell, or a cell moved or deleted."""
    ids = [c.id for c in view.cells]
    cell = view.cells[r.randrange(len(ids))]
    what = r.choice(("line", "line", "less", "less", "add", "move", "delete", "swap"))
    if what == "line" and len(cell.source) < 5_000:
        lines = [cell.source, r.choice(LINES)]
        return Edit(what="edit", cell=cell.id, source="\n".join(lines if r.random() < 0.7 else lines[::-1]))
    if what == "less" and len(cell.source.splitlines()) > 1 and len(cell.source) < 5_000:
        lines = cell.source.splitlines()
        del lines[r.randrange(len(lines))]
        return Edit(what="edit", cell=cell.id, source="\n".join(lines) or "1")
    if what == "swap":
        return Edit(what="edit", cell=cell.id, source=r.choice(LINES))
    if what == "move" and len(ids) > 1:
        other = r.choice([i for i in ids if i != cell.id])
        return Edit(what="move", cell=cell.id, after=other)
    if what == "delete" and len(ids) > 4:
        return Edit(what="delete", cell=cell.id)
    return Edit(what="add", source=r.choice(LINES), after=cell.id)


def differing(store: Store, one: RunView, other: RunView) -> list[Match]:
    """What two runs do not show alike."""
    return [m for m in compare(store, one, store, other) if m.verdict not in ("identical", "equal")]


async def main(edits: int, seed: int) -> int:
    """Edit, compare, and write the figures; 1 if a notebook did not equal its run from the top."""
    equal, unequal, passing = 0, [], 0
    ratios: list[float] = []
    shares: list[float] = []
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder, Store.open(Path(folder)) as store:
        host = await find_host(store.home)
        try:
            books = sources(store)
            done, round_ = 0, 0
            while done < edits:
                name = list(books)[round_ % len(books)]
                r = random.Random(seed * 1_000 + round_)
                round_ += 1
                live = LiveNotebook(store, await ran(store, books[name]), lambda: find_host(store.home))
                for _ in range(min(6, edits - done)):
                    view = store.view(live.run_id)
                    edit = edit_of(r, view)
                    told = await live.edit(edit)
                    done += 1
                    after = store.view(live.run_id)
                    one, other = [store.view(await ran(store, [c.source for c in after.cells])) for _ in range(2)]
                    never = {
                        m.name for m in compare(store, one, store, other) if m.verdict not in ("identical", "equal")
                    }
                    wrong = [
                        m
                        for m in compare(store, after, store, one)
                        if m.verdict not in ("identical", "equal") and m.name not in never
                    ]
                    passing += bool(never)
                    if wrong:
                        unequal.append(
                            {"notebook": name, "edit": edit.model_dump(), "wrong": [m.model_dump() for m in wrong]}
                        )
                        print("UNEQUAL", name, edit, wrong[:3], flush=True)
                    else:
                        equal += 1
                    if told.ran and not told.replayed:
                        ratios.append(told.seconds[1] / max(told.seconds[0], 1e-3))
                    shares.append(len(told.ran) / len(after.cells))
                    ran_of = f"ran {len(told.ran)} of {len(after.cells)}, replayed {told.replayed}"
                    took = f"{told.seconds[1]:.2f} s, the cells {told.seconds[0]:.2f} s"
                    print(f"{done:4} {name:9} {edit.what:7} {ran_of}, {took}", flush=True)
                await live.close()
        finally:
            await stop_host(host, store.home)
    figures = {
        "edits": edits,
        "equal": equal,
        "with_cells_that_differ_between_two_clean_runs": passing,
        "time_of_edit_over_cells_alone_median": round(statistics.median(ratios), 3) if ratios else None,
        "cells_run_of_all_median": round(statistics.median(shares), 3),
        "unequal": unequal,
    }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps({k: v for k, v in figures.items() if k != "unequal"}, indent=2))
    return 1 if unequal else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.edits, options.seed)))
