"""One server and one finished run for the whole session: what the doors show of them is what these tests look at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.gristmill.door import QUESTION, REPOSITORY, Server, command, environment


@contextmanager
def serving(home: Path, **more: str) -> Iterator[tuple[Server, subprocess.Popen[bytes]]]:
    """A server on a free port, until the end of the block. The test must have ended it, or it is ended here."""
    log = home.parent / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command("serve", "--port", "0", "--no-browser"), env=environment(home, **more), stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + 300
        while not (home / "server.json").exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        told = json.loads((home / "server.json").read_text())
        yield Server(home, told["url"], told["token"], told["pid"], log), process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(300)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


@pytest.fixture(scope="session")
def server(with_gateway: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = with_gateway(tmp_path_factory.mktemp("served") / "home")
    with serving(home) as (running, process):
        yield running
    assert process.returncode == 0, running.log.read_text()
    assert not (home / "server.json").exists()
    assert running.token not in running.log.read_text().replace(f"?token={running.token}", "", 1), "only told once"
    left = [p for p in psutil.process_iter(["cmdline"]) if str(home) in " ".join(p.info["cmdline"] or [])]
    assert left == []


@pytest.fixture(scope="module")
def guarded(with_gateway: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a module's own, for those who send wrong tokens."""
    with serving(with_gateway(tmp_path_factory.mktemp("guarded") / "home")) as (running, _):
        yield running


@pytest.fixture(scope="session")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small table with two groups that differ in length and not in weight."""
    rows = ["group,length,weight"]
    for i in range(40):
        rows.append(f"{'ab'[i % 2]},{(5.0 if i % 2 else 8.0) + (i * 7 % 11) / 10:.2f},{20 + (i * 13 % 17) / 10:.2f}")
    path = tmp_path_factory.mktemp("data") / "flowers.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="session")
def finished(server: Server, flowers: Path) -> str:
    """The id of a run that came in over REST and is done, its notebook run again."""
    with server.client() as client, flowers.open("rb") as file:
        asked = {"question": QUESTION, "rerun": "true"}
        reply = client.post("/api/runs", data=asked, files={"files": ("flowers.csv", file)})
        assert reply.status_code == 201, reply.text
        run_id: str = reply.json()["id"]
        with client.stream("GET", f"/api/runs/{run_id}/events", timeout=300) as stream:
            for _ in stream.iter_lines():
                continue
        told = client.get(f"/api/runs/{run_id}").json()
    assert told["run"]["status"] == "done", told["error"]
    return run_id


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder that nobody used before, whose gateway is still to be started."""
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("E2B_", "OPENAI_", "GRISTMILL_")):
            monkeypatch.delenv(name)
    monkeypatch.syspath_prepend(str(REPOSITORY))
