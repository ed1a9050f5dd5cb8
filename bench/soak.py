"""What sandboxes leave behind: `python -m bench.soak [--cycles N] [--alive M]`; exits 1 when anything has grown.

N sandboxes are created and killed, a few at a time, every twentieth of them used for all that has files, processes or
connections of its own; then M are alive at once and killed. Before and after, everything that a gateway holds is
counted, once nothing changes any more. Results: bench/results/soak.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from e2b_code_interpreter import Sandbox

from bench.gateway import Gateway

RESULTS = Path(__file__).parent / "results" / "soak.json"
MIB = 1 << 20
WARM_UP = 60  # cycles after which everything that is loaded once is loaded
MAY_GROW = {"gateway_mib": 8.0, "family_mib": 32.0}  # what allocators and page tables come and go by; else nothing
_SETTLE_SECONDS = 30.0


@dataclass(frozen=True)
class Holdings:
    """What the gateway holds: memory in MiB (proportional for the whole family), everything else a count."""

    descriptors: int
    processes: int
    mounts: int
    host_mounts: int
    groups: int
    sockets: int
    files: int
    disk_kib: int
    gateway_mib: float
    family_mib: float


def holdings(gateway: Gateway, home: Path) -> Holdings:
    """Count it all. Connections of our own clients, which they keep open, are not the gateway's."""
    process = psutil.Process(gateway.process.pid)
    family = process.children(recursive=True)
    clients = [one for one in process.net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED]
    marked = f"gristmill-{process.pid}-"
    files = {path.name: _kib(path) for path in home.rglob("*")}
    unix = Path("/proc/net/unix").read_text().splitlines()[1:]
    total = 0.0
    for one in family:
        try:
            total += one.memory_full_info().pss / MIB
        except psutil.Error:
            continue
    return Holdings(
        descriptors=process.num_fds() - len(clients),
        processes=len(family),
        mounts=len(Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()),
        host_mounts=len(Path("/proc/self/mountinfo").read_text().splitlines()),
        groups=sum(marked in name for _, names, _ in os.walk("/sys/fs/cgroup") for name in names),
        sockets=sum(line.rpartition("/")[2] in files for line in unix if "/" in line),
        files=len(files),
        disk_kib=sum(files.values()),
        gateway_mib=round(process.memory_info().rss / MIB, 1),
        family_mib=round(total, 1),
    )


def _kib(path: Path) -> int:
    try:
        return path.lstat().st_blocks // 2
    except FileNotFoundError:
        return 0


def settled(gateway: Gateway, home: Path) -> Holdings:
    """The holdings once they have stopped changing, memory aside: a sandbox that is killed takes a moment to go."""
    end, before, same = time.monotonic() + _SETTLE_SECONDS, None, 0
    while True:
        now = holdings(gateway, home)
        counts = {name: value for name, value in asdict(now).items() if not name.endswith("_mib")}
        same = same + 1 if counts == before else 0
        if same >= 5 or time.monotonic() > end:
            return now
        before = counts
        time.sleep(0.3)


def cycle(gateway: Gateway, number: int) -> None:
    """Create one sandbox, write outside of its home, and kill it."""
    made = gateway.create()
    try:
        made.files.write("/mnt/data/x.csv", "a\n1\n")
        made.files.write("/usr/local/bin/x", "#!/bin/sh\n")
        if number % 20 == 10:
            _use(gateway, made)
        elif number % 5 == 0:
            assert made.run_code("1 + 1").text == "2"
    finally:
        made.kill()


def _use(gateway: Gateway, made: Sandbox) -> None:
    made.files.write("a.txt", "x" * 100_000)
    made.commands.run("setsid sleep 1000 >/dev/null 2>&1 &")
    made.commands.run("rm /usr/bin/cut; sudo setsid sleep 1000 >/dev/null 2>&1 &", user="root")
    made.run_code("import threading; n = 1")
    taken = made.create_snapshot()
    Sandbox.create(taken.snapshot_id, timeout=60, **gateway.options).kill()
    Sandbox.delete_snapshot(taken.snapshot_id, **gateway.options)
    for fork in made.fork(timeout=60):
        if isinstance(fork, Exception):
            raise fork
        fork.kill()
    made.pause()
    again = Sandbox.connect(made.sandbox_id, timeout=60, **gateway.options)
    assert again.run_code("n").text == "1"
    again.pause(mode="filesystem")
    again = Sandbox.connect(made.sandbox_id, timeout=60, **gateway.options)
    assert again.files.read("a.txt") == "x" * 100_000


def many_cycles(gateway: Gateway, cycles: int, at_once: int) -> float:
    """Run so many cycles, and return the seconds that they took."""
    start = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        for done, _ in enumerate(pool.map(lambda number: cycle(gateway, number), range(cycles)), 1):
            if done % 500 == 0:
                print(f"  {done} cycles, {(time.monotonic() - start) / done * 1000:.0f} ms each", flush=True)
    return time.monotonic() - start


def many_alive(gateway: Gateway, alive: int) -> tuple[float, float]:
    """Keep so many alive at once, each of which answers; the seconds until all did, and MiB for each one more."""
    start = time.monotonic()
    before = _free_mib()
    made: list[Sandbox] = []
    try:
        for number in range(alive):
            made.append(gateway.create())
            made[-1].run_code(f"n = {number}")
        found = [one.run_code("n").text for one in made]
        assert found == [str(number) for number in range(alive)], found
        return time.monotonic() - start, (before - _free_mib()) / max(alive, 1)
    finally:
        for one in made:
            one.kill()


def _free_mib() -> float:
    return psutil.virtual_memory().available / MIB


def grown(before: Holdings, after: Holdings) -> dict[str, tuple[float, float]]:
    """What has grown beyond what may."""
    first, last = asdict(before), asdict(after)
    return {name: (first[name], last[name]) for name in first if last[name] > first[name] + MAY_GROW.get(name, 0)}


@dataclass(frozen=True)
class Report:
    """What was held at the start, after the cycles and after the many, and how long it took."""

    before: Holdings
    cycled: Holdings
    after: Holdings
    seconds: float
    alive_seconds: float
    mib_each: float

    @property
    def grown(self) -> dict[str, tuple[float, float]]:
        """What is held that was not held before, by name."""
        return {**grown(self.before, self.cycled), **grown(self.before, self.after)}


def soak(cycles: int, alive: int, at_once: int, warm_up: int = WARM_UP) -> Report:
    """Put a gateway of our own through it all."""
    with tempfile.TemporaryDirectory(prefix="gristmill-soak-") as folder:
        home = Path(folder)
        gateway = Gateway(home, parked=1)
        try:
            many_cycles(gateway, warm_up, at_once)
            before = settled(gateway, home)
            seconds = many_cycles(gateway, cycles, at_once)
            cycled = settled(gateway, home)
            alive_seconds, each = many_alive(gateway, alive)
            return Report(before, cycled, settled(gateway, home), seconds, alive_seconds, each)
        finally:
            gateway.close()


def main(argv: list[str] | None = None) -> int:
    """Soak a gateway and say what it holds, before and after."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--alive", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=2, help="cycles that run at the same time (default 2)")
    options = parser.parse_args(argv)
    report = soak(options.cycles, options.alive, options.at_once)
    table = {"before": report.before, f"{options.cycles} cycles": report.cycled, f"{options.alive} alive": report.after}
    print(f"{'':16}" + "".join(f"{name:>16}" for name in table))
    for name in asdict(report.before):
        print(f"{name:16}" + "".join(f"{asdict(row)[name]:>16}" for row in table.values()))
    print(f"{options.cycles} cycles in {report.seconds:.1f} s")
    print(f"{options.alive} alive and answering in {report.alive_seconds:.1f} s, {report.mib_each:.1f} MiB each")
    for name, (first, last) in report.grown.items():
        print(f"GROWN: {name} from {first} to {last}")
    facts = {"cycles": options.cycles, "alive": options.alive, **asdict(report), "grown": report.grown}
    RESULTS.write_text(json.dumps(facts, indent=2) + "\n")
    return 1 if report.grown else 0


if __name__ == "__main__":
    sys.exit(main())
