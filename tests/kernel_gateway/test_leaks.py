"""What is left of sandboxes: nothing, however many there were and at whatever moment the gateway was killed."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from e2b_code_interpreter import Sandbox

from bench.soak import soak


@pytest.mark.slow
def test_some_dozens_of_sandboxes_leave_the_gateway_as_it_was() -> None:
    report = soak(cycles=24, alive=6, at_once=2, warm_up=12)
    assert report.grown == {}
    assert report.before.processes > 0


def _hold(running, made: Sandbox, verb: str, body: dict) -> None:
    """Ask for something that the answer to will not come."""
    url = f"{running.url}/sandboxes/{made.sandbox_id}/{verb}"
    with contextlib.suppress(httpx.TransportError):
        httpx.post(url, headers={"X-API-KEY": running.key}, json=body, timeout=30, trust_env=False)


@pytest.mark.parametrize(
    ("verb", "body", "milliseconds"),
    [
        ("snapshots", {"name": "half"}, 60),
        ("pause", {"memory": False}, 120),
        ("pause", {}, 10),
        ("fork", {"count": 4}, 200),
    ],
)
def test_killed_in_the_middle_of_it_all_that_is_left_goes(
    gateways: Callable, processes_of, eventually, gone, tmp_path: Path, verb: str, body: dict, milliseconds: int
) -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    running = gateways(tmp_path, "--parked", "0")
    made = Sandbox.create(timeout=60, **running.connection)
    made.commands.run("head -c 60000000 /dev/urandom > big; setsid sleep 1000 >/dev/null 2>&1 &")
    asking = threading.Thread(target=_hold, args=(running, made, verb, body))
    asking.start()
    time.sleep(milliseconds / 1000)  # not for luck: the moments at which the gateway is to die
    started = processes_of(running.process.pid)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    asking.join()
    eventually(lambda: all(map(gone, started)), 30, "the end of every process")
    assert Path("/proc/self/mountinfo").read_text() == mounts
    again = gateways(tmp_path, "--parked", "0")
    try:
        folder = tmp_path / "gateway"
        assert not list((folder / "run").iterdir())
        kept = {path.suffix for path in folder.glob("snapshots/*")}
        assert kept in (set(), {".json", ".tar"}), kept  # all of a snapshot, or nothing
        marked = f"gristmill-{running.process.pid}-"
        assert not [name for _, names, _ in os.walk("/sys/fs/cgroup") for name in names if name.startswith(marked)]
    finally:
        again.stop()


def test_a_client_that_leaves_in_the_middle_of_a_creation_leaks_nothing(gateways, tmp_path: Path, eventually) -> None:
    running = gateways(tmp_path, "--parked", "0")
    try:
        headers = {"X-API-KEY": running.key}
        for wait in (0.001, 0.02, 0.1):
            with contextlib.suppress(httpx.TimeoutException):
                body = {"templateID": "base", "timeout": 1}
                httpx.post(f"{running.url}/v2/sandboxes", headers=headers, json=body, timeout=wait, trust_env=False)
        run = tmp_path / "gateway" / "run"
        eventually(lambda: not list(run.iterdir()), 30, "the end of every sandbox")
        assert psutil.Process(running.process.pid).is_running()
    finally:
        running.stop()
