"""How soon a person sees something: `python -m bench.first_screen [--runs N] [FILE]`.

Asks a question of a table of 100,000 rows and 30 columns by the command line, in turns with no gateway running and with
one that is ready, and prints the seconds from the command's start to what the run records. Where a machine has other
work, compare two trees in turns, and go by the processor's seconds. Results: bench/results/first_screen.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from artifacts.events import Event
from artifacts.store import Store
from kernel_gateway.client import find_host, open_sandbox, stop_host

RESULTS = Path(__file__).parent / "results" / "first_screen.json"
GOALS = {"what one row is": 5.0, "what will bite": 5.0, "end": 45.0}
QUESTION = "What drives price?"
ROWS = 100_000
_QUIET_SECONDS = 4.0  # until a gateway that somebody has used keeps its next sandboxes ready again
_CELLS = {"Read the files": "rows", "What will bite": "what will bite", "What one row is": "what one row is"}


def write_table(path: Path) -> None:
    """30 columns: measures of six or sixteen digits, groups, counts, a time, an identifier and a price."""
    random = np.random.default_rng(5)
    measures = {f"m{i:02}": random.normal(i, 1 + i / 9, ROWS) for i in range(18)}
    rounded = {name: values.round(3) if i % 2 else values for i, (name, values) in enumerate(measures.items())}
    groups = {f"g{i}": np.char.add("lvl", random.integers(0, 3 + 2 * i, ROWS).astype(str)) for i in range(6)}
    counts = {f"n{i}": random.poisson(3 + i, ROWS) for i in range(3)}
    shown = pd.DataFrame({**rounded, **groups, **counts})
    shown["day"] = pd.date_range("2020-01-01", periods=ROWS, freq="13min").strftime("%Y-%m-%d %H:%M")
    shown["id"] = np.arange(10_000, 10_000 + ROWS)
    shown["price"] = (20 + 4 * shown["m00"] + 2 * (shown["g0"] == "lvl1") + random.normal(0, 3, ROWS)).round(2)
    shown.to_csv(path, index=False)


def ask(file: Path, home: Path) -> dict[str, float]:
    """Run the command; seconds from its start to each stage, and of the processor for it and what it has waited for."""
    command = [sys.executable, "-m", "gristmill", "--home", str(home), "analyze", str(file), "--ask", QUESTION]
    began = time.time()
    before = os.times()
    subprocess.run([*command, "--out", str(home / "out")], check=True, stdout=subprocess.DEVNULL)
    told = {"exit": time.time() - began}
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    with Store.open(home) as store:
        return (
            {what: at - began for what, at in stages(store.events(store.run("last").id))} | told | {"processor": spent}
        )


def stages(events: Iterable[Event]) -> Iterator[tuple[str, float]]:
    """What a person sees of a run, each with its time in seconds since the epoch."""
    titles = dict[str, str]()
    for event in events:
        at = event.at.timestamp()
        if event.kind == "run_started":
            yield "run", at
        elif event.kind == "sandbox_opened":
            yield "sandbox", at
        elif event.kind == "execution_started":
            titles[event.execution.id] = event.execution.title
        elif event.kind == "execution_ended" and (stage := _CELLS.get(titles[event.execution_id])):
            yield stage, at
        elif event.kind == "report":
            yield "report", at
        elif event.kind == "run_ended":
            yield "end", at


@contextlib.asynccontextmanager
async def gateway(home: Path) -> AsyncIterator[None]:
    """A gateway of this home that has been used, and has sandboxes ready again."""
    host = await find_host(home)
    try:
        await (await open_sandbox(host, timeout=60)).kill()
        await asyncio.sleep(_QUIET_SECONDS)
        yield
    finally:
        await stop_host(host, home)


async def measure(file: Path, home: Path, runs: int) -> dict[str, dict[str, float]]:
    """The medians without a gateway and with one, each stage in the order in which it comes."""
    cold, warm = list[dict[str, float]](), list[dict[str, float]]()
    for _ in range(runs):
        cold.append(await asyncio.to_thread(ask, file, home))
        async with gateway(home):
            warm.append(await asyncio.to_thread(ask, file, home))
    return {
        name: {stage: round(statistics.median(run[stage] for run in taken), 2) for stage in taken[0]}
        for name, taken in (("no gateway", cold), ("gateway ready", warm))
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a table of your own")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured (3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as folder:
        file = options.file or Path(folder) / "wide.csv"
        if options.file is None:
            write_table(file)
        ask(file, Path(folder) / "home")  # the machine reads our modules and makes its list of fonts
        found = asyncio.run(measure(file, Path(folder) / "home", options.runs))
    print(f"{'seconds from the start of the command to':<42}" + "".join(f"{name:>15}" for name in found))
    for stage in found["no gateway"]:
        goal = f"   goal: {GOALS[stage]:g}" if stage in GOALS else ""
        print(f"  {stage:<40}" + "".join(f"{taken[stage]:>15.2f}" for taken in found.values()) + goal)
    if options.file is None:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
