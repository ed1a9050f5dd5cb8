"""How soon a person sees something: `python -m bench.first_screen [--runs N] [--only WORD] [FILE]`.

Asks questions by the command line, in turns with no gateway running and with one that is ready, and prints the seconds
from the command's start to what the run records: the analysis of 100,000 rows and 30 columns, the analysis and a closed
question of 300,000 and 20, and a closed question of the penguins. Where a machine has other work, compare two trees in
turns, and go by the processor's seconds. Results: bench/results/first_screen.json.
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
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from artifacts.events import Event
from artifacts.store import Store
from kernel_gateway.client import find_host, open_sandbox, stop_host

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "first_screen.json"
QUESTION = "What drives price?"


@dataclass(frozen=True)
class Asking:
    """A table, made of so many `rows` and measures where it has no file, what is asked of it, and goals in seconds."""

    question: str
    goals: Mapping[str, float]
    rows: int = 0
    measures: int = 0
    whole: bool = True
    file: Path | None = None


ASKINGS = {
    "100,000 x 30": Asking(QUESTION, {"what one row is": 5, "what would mislead a test": 5, "end": 45}, 100_000, 18),
    "300,000 x 20": Asking(QUESTION, {"answer": 15, "report": 15}, 300_000, 8),
    "300,000 x 20, closed": Asking("What is the mean price by g0?", {"answer": 3}, 300_000, 8, whole=False),
    "penguins, closed": Asking(
        "What is the mean body mass by species?",
        {"answer beyond the cells": 1},
        whole=False,
        file=ROOT / "examples/penguins.csv",
    ),
}
_QUIET_SECONDS = 4.0  # until a gateway that somebody has used keeps its next sandboxes ready again
_CELLS = {
    "Read the files": "rows",
    "What would mislead a test": "what would mislead a test",
    "What one row is": "what one row is",
}


def write_table(path: Path, many: int, measured: int) -> None:
    """Measures of six or sixteen digits, and 12 more columns: groups, counts, a time, an identifier and a price."""
    random = np.random.default_rng(5)
    measures = {f"m{i:02}": random.normal(i, 1 + i / 9, many) for i in range(measured)}
    rounded = {name: values.round(3) if i % 2 else values for i, (name, values) in enumerate(measures.items())}
    groups = {f"g{i}": np.char.add("lvl", random.integers(0, 3 + 2 * i, many).astype(str)) for i in range(6)}
    counts = {f"n{i}": random.poisson(3 + i, many) for i in range(3)}
    shown = pd.DataFrame({**rounded, **groups, **counts})
    shown["day"] = pd.date_range("2020-01-01", periods=many, freq="13min").strftime("%Y-%m-%d %H:%M")
    shown["id"] = np.arange(10_000, 10_000 + many)
    shown["price"] = (20 + 4 * shown["m00"] + 2 * (shown["g0"] == "lvl1") + random.normal(0, 3, many)).round(2)
    shown.to_csv(path, index=False)


def ask(asking: Asking, file: Path, home: Path) -> dict[str, float]:
    """Run the command; seconds from its start to each stage, and of the processor for it and what it has waited for."""
    told = ["analyze", str(file), "--ask", asking.question] if asking.whole else ["ask", asking.question, str(file)]
    command = [sys.executable, "-m", "gristmill", "--home", str(home), *told, "--out", str(home / "out")]
    began = time.time()
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = {"exit": time.time() - began}
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    with Store.open(home) as store:
        events = list(store.events(store.run("last").id))
    seconds = {what: at - began for what, at in stages(events)} | seconds | {"processor": spent}
    if not asking.whole:
        seconds["answer beyond the cells"] = seconds["answer"] - sum(lasting(events))
    return seconds


def lasting(events: Iterable[Event]) -> Iterator[float]:
    """How long each execution of a run took, in seconds."""
    began = dict[str, float]()
    for event in events:
        if event.kind == "execution_started":
            began[event.execution.id] = event.at.timestamp()
        elif event.kind == "execution_ended":
            yield event.at.timestamp() - began[event.execution_id]


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
        elif event.kind in ("answer", "report"):
            yield event.kind, at
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


async def measure(asking: Asking, file: Path, home: Path, runs: int) -> dict[str, dict[str, float]]:
    """The medians without a gateway and with one, each stage in the order in which it comes."""
    cold, warm = list[dict[str, float]](), list[dict[str, float]]()
    for _ in range(runs):
        cold.append(await asyncio.to_thread(ask, asking, file, home))
        async with gateway(home):
            warm.append(await asyncio.to_thread(ask, asking, file, home))
    return {
        name: {stage: round(statistics.median(run[stage] for run in taken), 2) for stage in taken[0]}
        for name, taken in (("no gateway", cold), ("gateway ready", warm))
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a table of your own")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--only", default="", help="a word of those that are to be measured")
    options = parser.parse_args()
    askings = {name: asking for name, asking in ASKINGS.items() if options.only in name}
    if options.file is not None:
        askings = {options.file.name: Asking(QUESTION, {}, file=options.file)}
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name, asking in askings.items():
        with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as folder:
            file, home = asking.file or Path(folder) / "table.csv", Path(folder) / "home"
            if asking.file is None:
                write_table(file, asking.rows, asking.measures)
            ask(asking, file, home)  # the machine reads our modules and makes its list of fonts
            found = asyncio.run(measure(asking, file, home, options.runs))
        print(f"\n{name}\n{'seconds from the start of the command to':<42}" + "".join(f"{n:>15}" for n in found))
        for stage in found["no gateway"]:
            goal = f"   goal: {asking.goals[stage]:g}" if stage in asking.goals else ""
            print(f"  {stage:<40}" + "".join(f"{taken[stage]:>15.2f}" for taken in found.values()) + goal)
        kept[name] = found
    if options.file is None:
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
