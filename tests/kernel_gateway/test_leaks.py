"""What is left of sandboxes: nothing, however many there were and at whatever moment the gateway was killed."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from e2b_code_interpreter import Sandbox

from bench.soak import soak


@pytest.mark.slow
def test_some_dozens_of_sandboxes_leave_the_gateway_as_it_was() -> None:
    report = soak(cycles=14, alive=4, at_once=2, warm_up=12)
    assert report.grown == {}
    assert report.before.processes > 0


def _hold(running, made: Sandbox, verb: str, body: dict) -> None:
    """Ask for something that the answer to will not come."""
    url = f"{running.url}/sandboxes/{made.sandbox_id}/{verb}"
    with contextlib.suppress(httpx.TransportError):
        httpx.post(url, headers={"X-API-KEY": running.key}, json=body, timeout=300, trust_env=False)


def test_killed_in_the_middle_of_it_all_that_is_left_goes(
    gateways: Callable, processes_of, eventually, gone, tmp_path: Path
) -> None:
    folder, running = tmp_path / "gateway", gateways(tmp_path, "--parked", "0")
    orders = (  # each with how many milliseconds it has been under way when the gateway dies
        ("fork", {"count": 4}, 200),
        ("pause", {"memory": False}, 120),
        ("snapshots", {"name": "half"}, 60),
        ("pause", {}, 10),
    )
    made = [Sandbox.create(timeout=300, **running.connection) for _ in orders]
    for one in made:
        one.commands.run("head -c 60000000 /dev/urandom > big; setsid sleep 1000 >/dev/null 2>&1 &")
    asking = []
    left = orders[0][2]
    for one, (verb, body, milliseconds) in zip(made, orders, strict=True):
        time.sleep((left - milliseconds) / 1000)  # not for luck: the moments at which the gateway is to die
        left = milliseconds
        asking.append(threading.Thread(target=_hold, args=(running, one, verb, body)))
        asking[-1].start()
    time.sleep(left / 1000)
    started = processes_of(running.process.pid)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    for thread in asking:
        thread.join()
    eventually(lambda: all(map(gone, started)), "the end of every process")
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    marked = f"gristmill-{running.process.pid}-"
    running = gateways(tmp_path, "--parked", "0")
    try:
        assert not list((folder / "run").iterdir())
        kept = Counter(path.stem for path in folder.glob("snapshots/*"))
        assert set(kept.values()) <= {2}, "all of a snapshot, or nothing"
        groups = [name for _, names, _ in os.walk("/sys/fs/cgroup") for name in names if name.startswith(marked)]
        assert not groups
    finally:
        running.stop()


_KILLED_IN_THE_SET_UP = """
import asyncio, ctypes, os, signal, sys, time
from pathlib import Path
import psutil
from kernel_gateway.host import Host
from kernel_gateway.isolation import check_bubblewrap, sources
from kernel_gateway.outside import prepare
from kernel_gateway.place import Place
from kernel_gateway.sizes import Sizes

ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # what loses its parent becomes ours
folder = Path(sys.argv[1])
outside = prepare(sources(), folder)
program = check_bubblewrap(outside)
late = folder / "late"  # begins when the gateway is gone
gone = f"[ $PPID = {os.getpid()} ] || ! [ -e /proc/$PPID ]"  # it may be so before the shell has looked
late.write_text(f'#!/bin/sh\\nuntil {gone}; do sleep 0.01; done\\nexec {program} "$@"\\n')
late.chmod(0o755)

async def die(program, milliseconds):
    host = Host(Place.make(folder / "run"), "bubblewrap", program, Sizes.of_machine(), outside, folder / "cache")
    host.launch("i" + "0" * 20, "base")
    time.sleep(milliseconds / 1000)
    os.kill(os.getpid(), signal.SIGKILL)

for milliseconds in (-1, 0, 1, 2, 4, 8, 16):
    if (pid := os.fork()) == 0:
        asyncio.run(die(str(late) if milliseconds < 0 else program, max(milliseconds, 0)))
    end = time.monotonic() + 120
    try:
        while time.monotonic() < end:
            if not os.waitpid(-1, os.WNOHANG)[0]: time.sleep(0.01)
    except ChildProcessError:
        continue
    for one in psutil.Process().children(recursive=True):
        print(milliseconds, "ms:", one.name(), flush=True)
        one.kill()
"""


def test_killed_while_bubblewrap_sets_up_no_process_of_it_is_left() -> None:
    with tempfile.TemporaryDirectory(prefix="gristmill-set-up-") as folder:
        os.chmod(folder, 0o755)  # a sandbox may be another user
        command = [sys.executable, "-c", _KILLED_IN_THE_SET_UP, folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=Path(__file__).parents[2])
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_a_client_that_leaves_in_the_middle_of_a_creation_leaks_nothing(gateways, tmp_path: Path, eventually) -> None:
    running = gateways(tmp_path, "--parked", "0")
    try:
        headers = {"X-API-KEY": running.key}
        for wait in (0.001, 0.02, 0.1):
            with contextlib.suppress(httpx.TimeoutException):
                body = {"templateID": "base", "timeout": 1}
                httpx.post(f"{running.url}/v2/sandboxes", headers=headers, json=body, timeout=wait, trust_env=False)
        run = tmp_path / "gateway" / "run"
        eventually(lambda: not list(run.iterdir()), "the end of every sandbox")
        assert psutil.Process(running.process.pid).is_running()
    finally:
        running.stop()
