"""How fast notebooks run, against stock papermill: `python -m bench.notebooks [--quick]`.

Each row runs the same notebooks both ways, in turns, in one process: papermill's own engine with a plain kernel for
each notebook, and `run_notebook` with a record and a gateway that are there already, as in a running server. The ratios
stand whatever the machine is doing; figures are medians. Results: bench/results/notebooks.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import papermill
from nbformat import v4, write

from artifacts.store import Store
from kernel_gateway.client import Host, find_host, stop_host
from notebooks.runner import run_notebook

RESULTS = Path(__file__).parent / "results" / "notebooks.json"
PENGUINS = Path(__file__).parents[1] / "examples" / "penguins.csv"

EDA = (
    "import matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd",
    "birds = pd.read_csv('penguins.csv')\nbirds.head()",
    "birds.describe()",
    "birds.isna().sum()",
    "birds.groupby('species')[['bill_length_mm', 'bill_depth_mm', 'body_mass_g']].agg(['mean', 'std', 'count'])",
    "birds.hist(figsize=(8, 6))\nplt.show()",
    "birds.select_dtypes('number').corr()",
    "for name, group in birds.groupby('species'):\n"
    "    plt.scatter(group.bill_length_mm, group.bill_depth_mm, label=name)\nplt.legend()\nplt.show()",
    "kept = birds.dropna()\nslope, start = np.polyfit(kept.bill_length_mm, kept.bill_depth_mm, 1)\nprint(slope, start)",
    "birds.boxplot(column='body_mass_g', by='species')\nplt.show()",
)
SWEEP = ("factor = 1", "import pandas as pd\nbirds = pd.read_csv('penguins.csv')", "birds.body_mass_g.mean() * factor")


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds each way, and how many times ours is faster."""

    what: str
    stock: float
    ours: float
    ratio: float
    goal: float


def notebook(path: Path, cells: list[str] | tuple[str, ...], parameters: bool = False) -> Path:
    """Write a notebook of these cells; with `parameters` the first one holds them."""
    made = v4.new_notebook(cells=[v4.new_code_cell(source) for source in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    if parameters:
        made.cells[0].metadata["tags"] = ["parameters"]
    write(made, path)
    return path


class Bench:
    """Both ways of running notebooks, in one folder."""

    def __init__(self, folder: Path, store: Store, host: Host) -> None:
        self.folder, self.store, self.host = folder, store, host

    async def stock(self, path: Path, params: dict[str, Any]) -> None:
        """papermill's own engine; a kernel of its own for each notebook."""
        await asyncio.to_thread(
            papermill.execute_notebook,
            path,
            self.folder / "out.ipynb",
            parameters=params,
            progress_bar=False,
            cwd=self.folder,
            kernel_name="python3",
        )

    async def ours(self, path: Path, params: dict[str, Any]) -> None:
        """A run in a sandbox, recorded, its notebook written."""
        files = {PENGUINS.name: PENGUINS}
        run = await run_notebook(self.store, self.host, path, params, out=self.folder / "ours.ipynb", files=files)
        if run.status != "done":
            raise RuntimeError(f"{path.name} ended {run.status}")


type Way = Callable[[Path, dict[str, Any]], Coroutine[Any, Any, None]]


async def timed(work: Coroutine[Any, Any, Any]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def one_after_another(way: Way, path: Path, values: int) -> None:
    for factor in range(values):
        await way(path, {"factor": factor})


async def two_at_a_time(way: Way, path: Path, values: int) -> None:
    free = asyncio.Semaphore(2)

    async def one(factor: int) -> None:
        async with free:
            await way(path, {"factor": factor})

    await asyncio.gather(*(one(factor) for factor in range(values)))


async def measure(bench: Bench, rounds: int, cells: int) -> list[Row]:
    eda = notebook(bench.folder / "eda.ipynb", EDA)
    sweep = notebook(bench.folder / "sweep.ipynb", SWEEP, parameters=True)
    trivial = notebook(bench.folder / "trivial.ipynb", [f"x = {n}\nx" for n in range(cells)])
    pairs: list[tuple[str, float, Callable[[], Any], Callable[[], Any]]] = [
        ("EDA of 10 cells", 4.0, lambda: bench.stock(eda, {}), lambda: bench.ours(eda, {})),
        (
            "sweep of 10 values, two at a time against one after another",
            3.5,
            lambda: one_after_another(bench.stock, sweep, 10),
            lambda: two_at_a_time(bench.ours, sweep, 10),
        ),
        (f"{cells} trivial cells", 1.0, lambda: bench.stock(trivial, {}), lambda: bench.ours(trivial, {})),
    ]
    rows = []
    for what, goal, stock, ours in pairs:
        await ours()  # what is imported and made once
        times = [(await timed(stock()), await timed(ours())) for _ in range(rounds)]
        ratio = statistics.median(s / o for s, o in times)
        row = Row(what, *(round(statistics.median(t), 3) for t in zip(*times, strict=True)), round(ratio, 2), goal)
        rows.append(row)
        missed = "" if row.ratio >= goal else f"  MISSED: goal {goal:g}"
        print(f"{what:62} {row.stock:7.2f} s {row.ours:7.2f} s {row.ratio:6.2f}x{missed}", flush=True)
    return rows


async def main(rounds: int, cells: int) -> list[Row]:
    logging.getLogger("papermill").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as name:
        folder = Path(name)
        (folder / PENGUINS.name).write_bytes(PENGUINS.read_bytes())
        with Store.open(folder / "home") as store:
            host = await find_host(folder / "home")
            try:
                return await measure(Bench(folder, store, host), rounds, cells)
            finally:
                await stop_host(host, folder / "home")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, 50 cells, no file of results")
    quick = parser.parse_args().quick
    print(f"{'':62} {'stock':>9} {'ours':>9}")
    rows = asyncio.run(main(1, 50) if quick else main(5, 200))
    if not quick:
        facts = {"python": platform.python_version(), "machine": platform.machine()}
        RESULTS.write_text(json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=1) + "\n")
    sys.exit(any(row.ratio < row.goal for row in rows))
