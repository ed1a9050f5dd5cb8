"""How fast events reach the record, against one insert a transaction: `python bench/store.py [--quick]`.

Each round measures every way on the same rows in the same data folder's kind of file, so that the ratios stand whatever
the machine is doing; the figures are medians of the rounds. Results: bench/results/store.json.
"""

from __future__ import annotations

import asyncio
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).parents[1]))

from artifacts.events import Event, OutputReceived, RunStarted
from artifacts.migrations import migrate
from artifacts.projections import utc
from artifacts.store import Store
from artifacts.types import Output, Run, new_id

type Way = Callable[[Store, Sequence[Event]], Coroutine[Any, Any, None]]

GOAL = 50
RESULTS = Path(__file__).parent / "results" / "store.json"


def outputs(run: Run, n: int) -> list[Event]:
    """Lines that a cell prints, as a session records them."""
    return [
        OutputReceived(run_id=run.id, execution_id="ex_1", output=Output(kind="stdout", text=f"line {i} of a cell\n"))
        for i in range(n)
    ]


def one_insert_a_transaction(folder: Path, n: int) -> float:
    """Events a second when each is its own committed INSERT into the same table."""
    run = Run(id=new_id("run"), goal="bench")
    with duckdb.connect(str(folder / "plain.duckdb")) as plain:
        migrate(plain)
        events = outputs(run, n)
        began = time.perf_counter()
        for seq, event in enumerate(events, 1):
            body = event.model_dump_json(exclude={"seq"})
            row = [event.run_id, seq, event.kind, event.step_id, utc(event.at), body]
            plain.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", row)
        return n / (time.perf_counter() - began)


async def one_after_another(store: Store, events: Sequence[Event]) -> None:
    for event in events:
        await store.append(event)


async def crowd(store: Store, events: Sequence[Event]) -> None:
    """256 appenders at once, each waiting for its event before it appends the next."""
    await asyncio.gather(*(one_after_another(store, events[k::256]) for k in range(256)))


async def by(size: int, store: Store, events: Sequence[Event]) -> None:
    """One appender that hands over what gathered meanwhile."""
    for start in range(0, len(events), size):
        await store.append_all(events[start : start + size])


async def by_hundreds(store: Store, events: Sequence[Event]) -> None:
    await by(100, store, events)


async def by_thousands(store: Store, events: Sequence[Event]) -> None:
    await by(1000, store, events)


WAYS: dict[str, tuple[Way, int]] = {
    "append, one after another": (one_after_another, 300),
    "append, 256 at once": (crowd, 10_000),
    "append_all, 100 at a time": (by_hundreds, 10_000),
    "append_all, 1000 at a time": (by_thousands, 20_000),
}


def ours(folder: Path, way: Way, n: int) -> float:
    """Events a second through the store; each is acknowledged after its commit."""
    run = Run(id=new_id("run"), goal="bench")
    with Store.open(folder / "home") as store:
        store.append_sync(RunStarted(run_id=run.id, run=run))
        events = outputs(run, n)
        began = time.perf_counter()
        asyncio.run(way(store, events))
        rate = n / (time.perf_counter() - began)
        assert [event.seq for event in store.events(run.id)] == list(range(1, n + 2))
    return rate


def main() -> None:
    rounds = 2 if "--quick" in sys.argv else 5
    rates: dict[str, list[float]] = {label: [] for label in ("one insert a transaction", *WAYS)}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            rates["one insert a transaction"].append(one_insert_a_transaction(Path(name), 500))
            for label, (way, n) in WAYS.items():
                rates[label].append(ours(Path(name), way, n))
    plain, *_ = medians = [statistics.median(measured) for measured in rates.values()]
    best = max(medians) / plain
    for label, rate in zip(rates, medians, strict=True):
        print(f"{label:28} {rate:9,.0f} events/s  {rate / plain:6.1f}x")
    print(f"goal {GOAL}x: {'reached' if best >= GOAL else 'missed'} ({best:.0f}x at best)")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps(
            {
                "what": "event ingest against one insert a transaction",
                "goal": GOAL,
                "best_ratio": round(best, 1),
                "reached": best >= GOAL,
                "events_per_second": {label: round(rate) for label, rate in zip(rates, medians, strict=True)},
                "ratios": {label: round(rate / plain, 1) for label, rate in zip(rates, medians, strict=True)},
                "rounds": rounds,
                "duckdb": duckdb.__version__,
                "python": platform.python_version(),
            },
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
