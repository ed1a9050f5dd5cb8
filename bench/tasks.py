"""Three pieces of work that need nothing of each other: as tasks at the same time, against one agent alone.

`python -m bench.tasks [--seconds 20] [--rounds 3]`. Parts: a workbench with its gateway and sandboxes, and a model that
is a server on the loopback. Each piece is a cell that sleeps. At the same time, the lead gives three tasks: the time is
that from the first one's beginning until the cells of the last are part of the notebook, sandboxes included. One after
another, the coder runs the three cells in the run's own notebook: from the first cell's beginning to the last one's
end. Each round takes the ratio of the two. Results: bench/results/tasks.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from artifacts.events import Event, RunView, TaskChanged
from bench.playing import Said, plain, results, serving

GOAL = 0.45
RESULTS = Path(__file__).parent / "results" / "tasks.json"
TITLES = ("First", "Second", "Third")


def answer(request: dict[str, Any], seconds: float) -> Said:
    """A lead that gives three tasks, and helpers that sleep; or a coder that sleeps alone: as the question has it."""
    offered = {tool["function"]["name"] for tool in request.get("tools", ())}
    told = request["messages"][1]["content"]
    if "make_plan" in offered and "at the same time" in told:
        return "delegate", {"tasks": [{"title": title, "agent": "coder"} for title in TITLES]}
    cells = 1 if told.startswith("# Your task") else len(TITLES)
    if "run_code" in offered and results(request) < cells:
        return "run_code", {"code": f"import time\ntime.sleep({seconds})\nprint('slept')"}
    return plain(request)


async def measure(rounds: int) -> list[tuple[float, float]]:
    """For each round the seconds at the same time and one after another."""
    from artifacts.store import Store
    from graphs.request import Request
    from graphs.workbench import Workbench

    found: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as folder:
        table = Path(folder) / "points.csv"
        table.write_text("x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(40)))
        with Store.open(Path(folder) / "home") as store:
            bench = Workbench(store, rerun=False)
            try:
                for _ in range(rounds):
                    took = []
                    for how in ("at the same time", "one after another"):
                        request = Request(question=f"Sleep {how}", files=(table,), model="openai:test")
                        run = await bench.wait((await bench.start(request)).id)
                        assert run.status == "done", store.view(run.id).error
                        took.append(_seconds(store.events(run.id), store.view(run.id)))
                    found.append((took[0], took[1]))
            finally:
                await bench.close()
    return found


def _seconds(events: list[Event], view: RunView) -> float:
    """How long the three took: as tasks, if the run has any, or as cells."""
    cells = [x for x in view.executions if "time.sleep" in x.code]
    assert len(cells) == len(TITLES)
    assert all(x.status == "ok" and x.ended_at for x in cells)
    if not view.tasks:
        return (max(x.ended_at for x in cells if x.ended_at) - min(x.started_at for x in cells)).total_seconds()
    changed = [e for e in events if isinstance(e, TaskChanged)]
    assert all(task.cells for task in view.tasks)
    return (changed[-1].at - next(e.at for e in changed if e.task.status == "running")).total_seconds()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each task's cell sleeps")
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    with serving(partial(answer, seconds=told.seconds)) as environment:
        os.environ |= environment
        found = asyncio.run(measure(told.rounds))
    ratios = [together / apart for together, apart in found]
    for (together, apart), ratio in zip(found, ratios, strict=True):
        print(f"at the same time {together:6.1f} s   one after another {apart:6.1f} s   {ratio:.2f}")
    ratio = statistics.median(ratios)
    print(f"median {ratio:.2f}, goal {GOAL:.2f} or less: {'met' if ratio <= GOAL else 'MISSED'}")
    result = {
        "ratio": round(ratio, 3),
        "ratios": [round(r, 3) for r in ratios],
        "sleep": told.seconds,
        "seconds": [[round(s, 1) for s in pair] for pair in found],
        "load_average": round(os.getloadavg()[0], 1),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
