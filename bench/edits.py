"""Incremental equals clean: random edits of real notebooks, each held against a run from the top in a fresh sandbox.

`python -m bench.edits [--edits N] [--seed N] [--fresh]`. Notebooks: what analysts do with `examples/penguins.csv`, and
all templates on it. Cells are edited, added, moved and deleted, and edits taken back. After each of these everything
that the notebook shows (text, files, figures, findings) is compared with a run from the top. What differs between two
runs from the top, too, proves nothing and is left out. Also: how long editing took beside the cells alone, and how
many cells ran of all. Results: bench/results/edits.json, written after every round of up to six edits; a run that was
stopped goes on behind the last one. A round by itself: `--round N`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from artifacts.events import RunEnded, RunStarted, RunView
from artifacts.store import Store
from artifacts.types import Match, Run, new_id
from bench.notebooks import EDA, PENGUINS
from kernel_gateway.client import find_host, stop_host
from notebooks import catalog
from notebooks.errors import EditError
from notebooks.live.editing import LiveNotebook
from notebooks.live.edits import Edit
from notebooks.reproduce import compare
from notebooks.session import Session

RESULTS = Path(__file__).parent / "results" / "edits.json"
A_ROUND = 6
"""Edits of one notebook, one after another."""
TOLD: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))


def sources(store: Store) -> dict[str, list[str]]:
    """The notebooks, as the sources of their cells."""
    found: dict[str, list[str]] = {}
    for name, values in TOLD["templates"].items():
        notebook = catalog.read(catalog.find(name, store.home / "templates").path)
        cells = [c.source for c in notebook.cells if c.cell_type == "code"]
        given = "\n".join(f"{k} = {v!r}" for k, v in {"data": "penguins.csv", **values}.items())
        found[name] = [cells[0], given, *cells[1:]]
    return {"eda": list(EDA), **TOLD["notebooks"], **found}


def order(books: dict[str, list[str]]) -> list[str]:
    """The notebooks in the order of the rounds: after each template one that people would write."""
    plain = ["eda", *TOLD["notebooks"]]
    told = [(name, plain[i % 3]) for i, name in enumerate(n for n in books if n not in plain)]
    return [name for pair in told for name in pair]


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


def edit_of(r: random.Random, view: RunView) -> Edit | None:
    """One edit: a line more in a cell, a line less, another number, a new cell, one moved or deleted. None: undo."""
    ids = [c.id for c in view.cells]
    cell = view.cells[r.randrange(len(ids))]
    kinds = ("line", "line", "less", "less", "number", "number", "add", "move", "delete", "swap", "undo")
    what = r.choice(kinds)
    if what == "undo" and view.previous is not None:
        return None
    if what == "line" and len(cell.source) < 5_000:
        lines = [cell.source, r.choice(TOLD["lines"])]
        return Edit(what="edit", cell=cell.id, source="\n".join(lines if r.random() < 0.7 else lines[::-1]))
    if what == "less" and len(cell.source.splitlines()) > 1 and len(cell.source) < 5_000:
        lines = cell.source.splitlines()
        del lines[r.randrange(len(lines))]
        return Edit(what="edit", cell=cell.id, source="\n".join(lines) or "1")
    if what == "number" and (found := list(re.finditer(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", cell.source))):
        place = r.choice(found)
        other = f"{float(place[0]) * 2 + 1:g}" if "." in place[0] else str(int(place[0]) * 2 + 1)
        return Edit(what="edit", cell=cell.id, source=cell.source[: place.start()] + other + cell.source[place.end() :])
    if what == "swap":
        return Edit(what="edit", cell=cell.id, source=r.choice(TOLD["lines"]))
    if what == "move" and len(ids) > 1:
        other = r.choice([i for i in ids if i != cell.id])
        return Edit(what="move", cell=cell.id, after=other)
    if what == "delete" and len(ids) > 4:
        return Edit(what="delete", cell=cell.id)
    return Edit(what="add", source=r.choice(TOLD["lines"]), after=cell.id)


def differing(store: Store, one: RunView, other: RunView) -> list[Match]:
    """What two runs do not show alike."""
    return [m for m in compare(store, one, store, other) if m.verdict not in ("identical", "equal")]


async def one_round(store: Store, name: str, cells: Sequence[str], seed: str, edits: int) -> dict[str, Any]:
    """Edit one notebook so many times, and compare after each."""
    r = random.Random(seed)
    told: dict[str, Any] = {"notebook": name, "seed": seed, "edits": 0, "excused": 0, "unequal": []}
    told |= {"ratios": [], "shares": []}
    live = LiveNotebook(store, await ran(store, cells), lambda: find_host(store.home))
    try:
        for _ in range(edits):
            edit = edit_of(r, store.view(live.run_id))
            if edit is None:
                await live.undo()
                took = "taken back"
            else:
                try:
                    done = await live.edit(edit)
                except EditError as refused:
                    print(f"  {refused}")
                    continue
                cells_of = len(store.view(live.run_id).cells)
                if done.ran and not done.replayed:
                    told["ratios"].append(round(done.seconds[1] / max(done.seconds[0], 1e-3), 3))
                told["shares"].append(round(len(done.ran) / cells_of, 3))
                took = f"ran {len(done.ran)} of {cells_of}, replayed {done.replayed}, "
                took += f"{done.seconds[1]:.2f} s, the cells {done.seconds[0]:.2f} s"
            told["edits"] += 1
            after = store.view(live.run_id)
            clean = store.view(await ran(store, [c.source for c in after.cells]))
            wrong = differing(store, after, clean)
            if wrong:
                again = store.view(await ran(store, [c.source for c in after.cells]))
                never = {m.name for m in differing(store, clean, again)}
                told["excused"] += bool(never)
                wrong = [m for m in wrong if m.name not in never]
            if wrong:
                fault = {"edit": edit.model_dump() if edit else "undo", "wrong": [m.model_dump() for m in wrong]}
                told["unequal"].append(fault)
                print("UNEQUAL", name, seed, edit, wrong[:3], flush=True)
            print(f"{told['edits']:3} {name:12} {edit.what if edit else 'undo':7} {took}", flush=True)
    finally:
        await live.close()
    return told


async def main(edits: int, seed: int, *, fresh: bool = False, only: int | None = None) -> int:
    """Edit, compare, and write the figures; 1 if a notebook did not equal its run from the top."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() and not fresh and only is None else {}
    rounds: dict[str, Any] = known.get("rounds", {}) if known.get("seed") == seed else {}
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder, Store.open(Path(folder)) as store:
        host = await find_host(store.home)
        try:
            books = sources(store)
            names = order(books)
            number = only or 0
            while (done := sum(r["edits"] for r in rounds.values())) < edits:
                if str(number) not in rounds:
                    name = names[number % len(names)]
                    print(f"round {number}, {done} of {edits} edits so far", flush=True)
                    most = min(A_ROUND, edits - done)
                    rounds[str(number)] = await one_round(store, name, books[name], f"{seed}:{number}", most)
                    if only is None:
                        RESULTS.write_text(json.dumps(figures(seed, rounds), indent=1) + "\n")
                if only is not None:
                    break
                number += 1
        finally:
            await stop_host(host, store.home)
    told = figures(seed, rounds)
    print(json.dumps({k: v for k, v in told.items() if k != "rounds"}, indent=2))
    return 1 if told["equal"] < told["edits"] else 0


def figures(seed: int, rounds: dict[str, Any]) -> dict[str, Any]:
    """What came of all rounds."""
    edits = sum(r["edits"] for r in rounds.values())
    ratios = sorted(x for r in rounds.values() for x in r["ratios"])
    shares = [x for r in rounds.values() for x in r["shares"]]
    return {
        "seed": seed,
        "edits": edits,
        "equal": edits - sum(len(r["unequal"]) for r in rounds.values()),
        "with_cells_that_differ_between_two_clean_runs": sum(r["excused"] for r in rounds.values()),
        "time_of_edit_over_cells_alone_median": round(statistics.median(ratios), 3) if ratios else None,
        "time_of_edit_over_cells_alone_p90": ratios[int(0.9 * (len(ratios) - 1))] if ratios else None,
        "cells_run_of_all_median": round(statistics.median(shares), 3) if shares else None,
        "rounds": rounds,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="begin anew")
    parser.add_argument("--round", type=int, help="this round alone")
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.edits, options.seed, fresh=options.fresh, only=options.round)))
