"""How fast and how small sandboxes are, against a plain kernel: `python -m bench.gateway [--quick]`.

Every row is measured side by side in one run against a byte-compiled plain `jupyter_client`, in turns, so that the
ratios stand whatever the machine is doing; figures are medians. Results: bench/results/gateway.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from e2b_code_interpreter import Sandbox
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

RESULTS = Path(__file__).parent / "results" / "gateway.json"
IMPORTS = "import numpy, pandas, matplotlib.pyplot; 1"
PRINT = "import time; print(time.time_ns(), flush=False); time.sleep(0.4)"
WRITE = "import sys; n = sys.stdout.write('x' * 10_000_000)"
MIB = 1 << 20
_SERVER = """
import sys, uvicorn
kept = bytes(int(sys.argv[2]))
async def app(scope, receive, send):
    more = scope["method"] == "POST"
    while more: more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": kept if scope["method"] == "GET" else b""})
uvicorn.run(app, fd=int(sys.argv[1]), http="httptools", lifespan="off", log_level="critical")
"""


@dataclass(frozen=True)
class Row:
    """One line of the table. `ratio` is against the plain kernel (or server) unless the goal is a time."""

    what: str
    ours: float
    plain: float | None
    unit: str
    ratio: float
    goal: float
    higher_is_better: bool
    note: str = ""

    @property
    def met(self) -> bool:
        return self.ratio >= self.goal if self.higher_is_better else self.ratio <= self.goal


class Plain:
    """A plain kernel over ipc, as jupyter_client starts it, less the second that `wait_for_ready` costs."""

    def __init__(self, folder: str) -> None:
        at = tempfile.mktemp(dir=folder)
        self._manager = KernelManager(transport="ipc", ip=at, connection_file=f"{at}.json")
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._manager.start_kernel(env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid: int = self._manager.provisioner.pid
        self.client: BlockingKernelClient = self._manager.client()
        self.client.start_channels()

    def run(self, code: str, on_stream: Callable[[str], None] | None = None) -> None:
        """Execute and return when the kernel has answered and is idle; a cell sent too early is heard all the same."""
        asked = self.client.execute(code)
        reply = False
        while not reply:
            with contextlib.suppress(queue.Empty):
                message = self.client.get_iopub_msg(timeout=0.2)
                if on_stream is not None and message["msg_type"] == "stream":
                    on_stream(message["content"]["text"])
                state = message["content"].get("execution_state")
                reply = state == "idle" and message["parent_header"].get("msg_id") == asked
                continue
            # Its outputs were sent before we had subscribed; the answer is not lost.
            with contextlib.suppress(queue.Empty):
                reply = self.client.get_shell_msg(timeout=0.01)["parent_header"].get("msg_id") == asked

    def close(self) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)


class Gateway:
    """A gateway process of this machine with so many parked sandboxes, and so many made ahead."""

    def __init__(self, home: Path, parked: int, spare: int = 4) -> None:
        self._ahead = parked + spare
        ready, end = os.pipe()
        options = [
            "--home",
            str(home),
            "--port",
            "0",
            "--parked",
            str(parked),
            "--spare",
            str(spare),
            "--ready-fd",
            str(end),
        ]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kernel_gateway", *options],
            pass_fds=(end,),
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        os.close(end)
        with open(ready, "rb") as pipe:
            said = json.loads(pipe.read())
        if "url" not in said:
            raise SystemExit(f"The gateway did not start: {said.get('message', said)}")
        self.options = {"api_key": said["api_key"], "api_url": said["url"], "sandbox_url": said["url"]}

    def create(self) -> Sandbox:
        return Sandbox.create(timeout=600, **self.options)

    def settle(self) -> None:
        """Wait until all that it keeps ahead is there, three processes each, and does nothing any more."""
        end, before = time.monotonic() + 20, -1.0
        while time.monotonic() < end:
            time.sleep(0.4)
            used, running = 0.0, 0
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    used += sum(child.cpu_times()[:2])
                    running += child.name() == "python"
            if running >= 3 * self._ahead and used - before < 0.02:
                return
            before = used

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def pss(pids: list[int]) -> int | None:
    """Proportional memory of these processes in bytes; None where it may not be read."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except ProcessLookupError:
            continue
        except OSError:
            return None
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total


def first_result(folder: str, cold: Gateway, warm: Gateway, rounds: int) -> list[Row]:
    plain: list[float] = []
    made: list[float] = []
    parked: list[float] = []

    def with_plain() -> None:
        kernel = Plain(folder)
        closing.append(kernel.close)
        kernel.run(IMPORTS)

    def with_gateway(gateway: Gateway) -> None:
        sandbox = gateway.create()
        closing.append(sandbox.kill)
        assert sandbox.run_code(IMPORTS).text == "1"

    closing: list[Callable[[], Any]] = []
    for _ in range(rounds):
        for times, work in (
            (plain, with_plain),
            (made, lambda: with_gateway(cold)),
            (parked, lambda: with_gateway(warm)),
        ):
            warm.settle()
            times.append(timed(work))
            closing.pop()()
    base, one, two = (statistics.median(times) * 1000 for times in (plain, made, parked))
    return [
        Row("create + first result with imports", one, base, "ms", base / one, 20, True, "with one made ahead"),
        Row("the same, parked", two, base, "ms", base / two, 100, True),
    ]


def small_calls(sandbox: Sandbox, plain: Plain, calls: int) -> Row:
    ours, base = [], []
    for _ in range(calls):
        base.append(timed(lambda: plain.run("x=1")))
        ours.append(timed(lambda: sandbox.run_code("x=1")))
    one, two = statistics.median(ours) * 1000, statistics.median(base) * 1000
    return Row('run_code("x=1"), p50', one, two, "ms", one / two, 1.3, False)


def first_line(sandbox: Sandbox, plain: Plain, rounds: int) -> Row:
    ours: list[float] = []
    base: list[float] = []

    def note(times: list[float], text: str) -> None:
        times.append((time.time_ns() - int(text)) / 1e6)

    for _ in range(rounds):
        plain.run(PRINT, lambda text: note(base, text))
        sandbox.run_code(PRINT, on_stdout=lambda message: note(ours, str(message.line)))
    one, two = statistics.median(ours), statistics.median(base)
    return Row("first line of a running cell", one, two, "ms", one, 20, False, "the goal is a time in ms")


def big_output(sandbox: Sandbox, plain: Plain, rounds: int) -> Row:
    ours, base = [], []
    for _ in range(rounds):
        base.append(timed(lambda: plain.run(WRITE)))
        ours.append(timed(lambda: sandbox.run_code(WRITE)))
    one, two = statistics.median(ours) * 1000, statistics.median(base) * 1000
    return Row("10 MB of stdout in one write", one, two, "ms", one / two, 1.2, False)


def memory(folder: str, bare: Gateway, alive: int) -> list[Row]:
    """What each kernel after the first adds, imports done; `bare` makes none ahead, which would be counted as well."""
    kernels = [Plain(folder)]
    kernels[0].run(IMPORTS)
    first = pss([kernels[0].pid])
    for _ in range(alive - 1):
        kernels.append(Plain(folder))
        kernels[-1].run(IMPORTS)
    all_of_them = pss([kernel.pid for kernel in kernels])
    for kernel in kernels:
        kernel.close()

    def of_gateway() -> int | None:
        return pss([child.pid for child in psutil.Process(bare.process.pid).children(recursive=True)])

    sandboxes = [bare.create()]
    sandboxes[0].run_code(IMPORTS)
    ours = of_gateway()
    for _ in range(alive - 1):
        sandboxes.append(bare.create())
        sandboxes[-1].run_code(IMPORTS)
    all_of_ours = of_gateway()
    for sandbox in sandboxes:
        sandbox.kill()
    if first is None or all_of_them is None or ours is None or all_of_ours is None:
        return []  # as an ordinary user: a sandbox's memory cannot be looked at
    one, two = ((whole - part) / (alive - 1) / MIB for whole, part in ((all_of_ours, ours), (all_of_them, first)))
    return [Row(f"extra memory (PSS) a sandbox, {alive} alive", one, two, "MiB", two / one, 6, True, "then 8")]


def creations(folder: str, cold: Gateway, count: int) -> Row:
    """Two at a time, each until its first cell has imported what the first row imports."""
    ended: list[Callable[[], Any]] = []
    lock = threading.Lock()

    def plain(_: int) -> None:
        kernel = Plain(folder)
        kernel.run(IMPORTS)
        with lock:
            ended.append(kernel.close)

    def ours(_: int) -> None:
        sandbox = cold.create()
        sandbox.run_code(IMPORTS)
        with lock:
            ended.append(sandbox.kill)

    rates = []
    for work in (plain, ours):
        began = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, range(count)))
        rates.append(count / (time.perf_counter() - began))
        while ended:
            ended.pop()()
    return Row(
        "creations a second with imports, two at a time", rates[1], rates[0], "/s", rates[1] / rates[0], 20, True
    )


@contextlib.contextmanager
def static_server(size: int) -> Iterator[str]:
    """A server that takes any upload and gives `size` bytes to any reader; yields its URL."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        process = subprocess.Popen([sys.executable, "-c", _SERVER, str(number), str(size)], pass_fds=(number,))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            process.wait(10)


def big_files(sandbox: Sandbox, size: int, rounds: int) -> list[Row]:
    data = bytes(size)
    times: dict[str, list[float]] = {name: [] for name in ("write", "read", "plain write", "plain read")}
    with static_server(size) as url, httpx.Client(trust_env=False, timeout=60) as client:
        client.get(url)
        for _ in range(rounds):
            times["plain write"].append(timed(lambda: client.post(url, content=data)))
            times["write"].append(timed(lambda: sandbox.files.write("big.bin", data)))
            times["plain read"].append(timed(lambda: client.get(url).content))
            times["read"].append(timed(lambda: sandbox.files.read("big.bin", format="bytes")))
    rows = []
    for name in ("write", "read"):
        one, two = (size / 1e6 / statistics.median(times[key]) for key in (name, f"plain {name}"))
        rows.append(Row(f"{name} {size // 1_000_000} MB through the SDK", one, two, "MB/s", one / two, 0.5, True))
    return rows


def measure(quick: bool) -> list[Row]:
    with contextlib.ExitStack() as kept:
        folder = kept.enter_context(tempfile.TemporaryDirectory(prefix="bench-gateway-"))
        plain = kept.enter_context(contextlib.closing(Plain(folder)))
        warm = kept.enter_context(contextlib.closing(Gateway(Path(folder, "warm"), 1)))
        with contextlib.closing(Gateway(Path(folder, "cold"), 0)) as cold:
            plain.run(IMPORTS)  # which also writes the bytecode of all that is measured
            rows = first_result(folder, cold, warm, 3 if quick else 5)
            sandbox = cold.create()
            sandbox.run_code(IMPORTS)
            rows.append(small_calls(sandbox, plain, 30 if quick else 300))
            rows.append(first_line(sandbox, plain, 3 if quick else 15))
            rows.append(big_output(sandbox, plain, 2 if quick else 9))
            rows += big_files(sandbox, 20_000_000 if quick else 100_000_000, 2 if quick else 5)
            sandbox.kill()
            rows.append(creations(folder, cold, 8 if quick else 16))  # more than are made ahead
        with contextlib.closing(Gateway(Path(folder, "bare"), 0, spare=0)) as bare:
            rows += memory(folder, bare, 3 if quick else 10)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no results file")
    options = parser.parse_args()
    rows = measure(options.quick)
    print(f"{'what':48} {'ours':>9} {'plain':>9}       {'ratio':>7} {'goal':>9}")
    for row in rows:
        goal = f"{'>=' if row.higher_is_better else '<='} {row.goal:g}"
        plain = f"{row.plain:9.1f}" if row.plain is not None else " " * 9
        mark = "met" if row.met else "missed"
        print(f"{row.what:48} {row.ours:9.1f} {plain} {row.unit:5} {row.ratio:7.2f} {goal:>9}  {mark}")
    missed = [row.what for row in rows if not row.met]
    print(
        f"\n{len(rows) - len(missed)} of {len(rows)} goals met" + (f"; missed: {', '.join(missed)}" if missed else "")
    )
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    quiet = load <= processors + 1
    if not quiet:
        print(f"The machine was busy (load {load:.1f} on {processors} processors): run again on a quiet one to judge.")
    if not options.quick:
        value = {
            "what": "sandboxes through the SDK against a byte-compiled plain jupyter_client, in one run",
            "quiet_machine": quiet,
            "rows": [
                {
                    "what": row.what,
                    "ours": round(row.ours, 2),
                    "plain": None if row.plain is None else round(row.plain, 2),
                    "unit": row.unit,
                    "ratio": round(row.ratio, 2),
                    "goal": row.goal,
                    "goal_is": "at least" if row.higher_is_better else "at most",
                    "met": row.met,
                    "note": row.note,
                }
                for row in rows
            ],
            "processors": processors,
            "load_average": round(load, 1),
            "python": platform.python_version(),
        }
        RESULTS.write_text(json.dumps(value, indent=2) + "\n")
        print(f"written to {RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
