"""Whether the server stalls under load: `python -m bench.server [--notebooks N] [--analyses M]`; exits 1 when it does.

N plotting notebooks and M analyses with their second runs are sent to a server of our own at once. All of them must
end, and until they have, `/api/runs` is asked ten times a second: its median and its worst time stand beside those of
the same server when it has nothing to do, with the same runs in its list. Results: bench/results/server.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import nbformat
import psutil
from nbformat import v4

from bench.product import ROOT, Product

RESULTS = Path(__file__).parent / "results" / "server.json"
PENGUINS = ROOT / "examples" / "penguins.csv"
QUESTION = "Does bill length predict bill depth, and what separates the species?"
PLOT = "import time\nimport matplotlib.pyplot as plt\ntime.sleep(1)\nplt.plot(range(100))\nplt.show()"
ENDED = ("done", "failed", "cancelled", "interrupted")
WITHIN = 1.0  # seconds in which the list of runs is to answer, whatever the server does
PAUSE = 0.1
LONGEST = 1800  # seconds after which what has not ended is taken for stalled


@dataclass(frozen=True)
class Times:
    """Seconds that one request took, over many."""

    asked: int
    median: float
    p99: float
    worst: float


@dataclass(frozen=True)
class Report:
    """How the runs ended, how long the requests took, and the most memory (MiB) that server and sandboxes held."""

    statuses: dict[str, int]
    limit: int
    seconds: float
    idle: Times
    busy: Times
    health_worst: float
    start_worst: float
    server_mib: int
    sandboxes_mib: int
    cores: int
    load: float

    @property
    def faults(self) -> list[str]:
        """What was to hold and did not."""
        found = [f"{n} runs ended {status}" for status, n in self.statuses.items() if status != "done"]
        if self.busy.worst > WITHIN:
            found.append(f"/api/runs once took {self.busy.worst:.2f} s, and {WITHIN:.0f} s is the most")
        return found


def start_notebook(client: httpx.Client) -> float:
    notebook = nbformat.writes(v4.new_notebook(cells=[v4.new_code_cell(PLOT)]))
    return _timed(client, "POST", "/api/notebooks/run", files={"notebook": ("plotting.ipynb", notebook.encode())})


def start_analysis(client: httpx.Client) -> float:
    files = {"files": (PENGUINS.name, PENGUINS.read_bytes())}
    return _timed(client, "POST", "/api/runs", data={"question": QUESTION, "rerun": "true"}, files=files)


def _timed(client: httpx.Client, method: str, path: str, **more: Any) -> float:
    began = time.perf_counter()
    client.request(method, path, **more).raise_for_status()
    return time.perf_counter() - began


def times(taken: list[float]) -> Times:
    ordered = sorted(taken)
    p99 = ordered[int(0.99 * (len(ordered) - 1))]
    return Times(len(taken), statistics.median(ordered), p99, ordered[-1])


def memory(process: psutil.Process) -> tuple[int, int]:
    """MiB of the server, and of its sandboxes with their host (proportional, since forks share much)."""
    family = 0
    for one in process.children(recursive=True):
        try:
            family += one.memory_full_info().pss
        except psutil.Error:
            continue
    return process.memory_info().rss >> 20, family >> 20


def put_under_load(notebooks: int, analyses: int) -> Report:
    """Send it all to a server of our own, and watch until it has ended."""
    with tempfile.TemporaryDirectory(prefix="gristmill-server-") as folder:
        more = {n: v for n, v in os.environ.items() if n == "GRISTMILL_MAX_RUNS"}
        with contextlib.closing(Product(Path(folder) / "home", more)) as product:
            client, process = product.client, psutil.Process(product.pid)
            began = time.monotonic()
            starts = [start_notebook] * notebooks + [start_analysis] * analyses
            taken: list[float] = []
            health: list[float] = []
            most = (0, 0)
            with ThreadPoolExecutor(8) as pool:
                started = [pool.submit(start, client) for start in starts]
                while time.monotonic() - began < LONGEST:
                    taken.append(_timed(client, "GET", "/api/runs"))
                    if len(taken) % 20 == 0:
                        health.append(_timed(client, "GET", "/api/health"))
                        most = tuple(map(max, zip(most, memory(process), strict=True)))
                        runs = client.get("/api/runs", params={"limit": 1000}).json()["runs"]
                        statuses = Counter(run["status"] for run in runs)
                        if len(runs) == len(starts) and all(status in ENDED for status in statuses):
                            break
                        if len(taken) % 200 == 0:
                            print(f"  {time.monotonic() - began:5.0f} s  {dict(statuses)}", flush=True)
                    time.sleep(PAUSE)
                seconds = time.monotonic() - began
                posts = [one.result() for one in started]
            limit = client.get("/api/health").json()["runs"]["limit"]
            time.sleep(2)
            idle = []
            for _ in range(100):
                idle.append(_timed(client, "GET", "/api/runs"))
                time.sleep(PAUSE)
        return Report(
            statuses=dict(statuses),
            limit=limit,
            seconds=seconds,
            idle=times(idle),
            busy=times(taken),
            health_worst=max(health),
            start_worst=max(posts),
            server_mib=most[0],
            sandboxes_mib=most[1],
            cores=len(os.sched_getaffinity(0)),
            load=os.getloadavg()[1],
        )


def main(argv: list[str] | None = None) -> int:
    """Put a server under load and say how it answered."""
    parser = argparse.ArgumentParser(prog="python -m bench.server", description=__doc__)
    parser.add_argument("--notebooks", type=int, default=50)
    parser.add_argument("--analyses", type=int, default=20)
    options = parser.parse_args(argv)
    report = put_under_load(options.notebooks, options.analyses)
    print(f"{report.statuses} in {report.seconds:.0f} s, {report.limit} at a time")
    for name, told in (("idle", report.idle), ("busy", report.busy)):
        ratio = f"  {told.median / report.idle.median:5.1f}x {told.worst / report.idle.median:6.1f}x"
        print(
            f"/api/runs {name}: median {told.median * 1000:6.1f} ms, p99 {told.p99 * 1000:6.1f} ms, "
            f"worst {told.worst * 1000:6.1f} ms ({told.asked} times){ratio} (median, worst / idle median)"
        )
    print(
        f"/api/health at worst {report.health_worst * 1000:.0f} ms, a run begun at worst in {report.start_worst:.2f} s"
    )
    print(f"server {report.server_mib} MiB, sandboxes and their host {report.sandboxes_mib} MiB at most")
    print(f"load average of 5 minutes {report.load:.1f} on {report.cores} cores")
    for fault in report.faults:
        print(f"MISSED: {fault}")
    facts = {"notebooks": options.notebooks, "analyses": options.analyses, **asdict(report), "faults": report.faults}
    RESULTS.write_text(json.dumps(facts, indent=2) + "\n")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
