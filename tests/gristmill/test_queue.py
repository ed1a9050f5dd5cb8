"""More work than threads and places: nothing stalls, whoever waits sees its place, and a restart takes it up again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from nbformat import v4

from gristmill.local import Local
from gristmill.settings import load
from gristmill.web import api
from tests.gristmill.conftest import serving
from tests.gristmill.door import run

THREADS = min(32, (os.cpu_count() or 1) + 4)
"""What asyncio's default executor has."""

SLEEP = "import time\ntime.sleep(2)"
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()"
BLOCKS = "import time\nwhile True: time.sleep(0.1)"
ENDED = ("done", "failed", "cancelled", "interrupted")


def notebook(*cells: str) -> bytes:
    made = v4.new_notebook(cells=[v4.new_code_cell(code, id=f"c{n}") for n, code in enumerate(cells)])
    return nbformat.writes(made).encode()


def start(client: httpx.Client, *cells: str) -> dict[str, Any]:
    reply = client.post("/api/notebooks/run", files={"notebook": ("plotting.ipynb", notebook(*cells))})
    assert reply.status_code == 201, reply.text
    begun: dict[str, Any] = reply.json()
    return begun


def until_ended(client: httpx.Client, ids: set[str]) -> dict[str, str]:
    """The runs' statuses once all have ended; the list is asked for all the while, and must answer."""
    end = time.monotonic() + 240
    while True:
        runs = {r["id"]: r["status"] for r in client.get("/api/runs", params={"limit": 1000}).json()["runs"]}
        told = {id: runs[id] for id in ids}
        if all(status in ENDED for status in told.values()) or time.monotonic() > end:
            return told
        time.sleep(0.2)


def test_more_plotting_notebooks_than_threads_all_end_while_the_list_answers(ready: Path) -> None:
    many = THREADS + 2
    with serving(ready, GRISTMILL_MAX_RUNS=str(many)) as (server, _), server.client() as client:
        ids = {start(client, SLEEP, PLOT)["id"] for _ in range(many)}
        assert set(until_ended(client, ids).values()) == {"done"}


def test_what_waited_when_a_server_ended_is_taken_up_in_order_by_the_next_and_by_no_command(ready: Path) -> None:
    with serving(ready, GRISTMILL_MAX_RUNS="1") as (server, process), server.client() as client:
        ids = [start(client, code)["id"] for code in (BLOCKS, BLOCKS, PLOT, PLOT)]
        told = client.get("/api/runs").json()["runs"]
        assert [(r["id"], r["status"], r["place"]) for r in reversed(told)] == [
            (ids[0], "running", None),
            (ids[1], "queued", 1),
            (ids[2], "queued", 2),
            (ids[3], "queued", 3),
        ]
        assert client.get("/api/health").json()["runs"] == {"running": 1, "queued": 3, "limit": 1}
        assert "queued, place 2" in server.cli("runs", "list").out
        process.send_signal(signal.SIGTERM)
        process.wait(300)
    assert statuses(ready) == ["interrupted", "queued", "queued", "queued"]
    with serving(ready, GRISTMILL_MAX_RUNS="1") as (server, process), server.client() as client:
        while client.get(f"/api/runs/{ids[1]}").json()["run"]["status"] == "queued":
            time.sleep(0.05)
        process.kill()
        process.wait(300)
    (ready / "server.json").unlink()
    assert statuses(ready) == ["interrupted", "interrupted", "queued", "queued"]
    with serving(ready, GRISTMILL_MAX_RUNS="1") as (server, _), server.client() as client:
        assert until_ended(client, set(ids)) == dict(zip(ids, ["interrupted"] * 2 + ["done"] * 2, strict=True))
        began, after = (client.get(f"/api/runs/{id}").json()["run"] for id in ids[2:])
        assert began["ended_at"] <= after["began_at"]


def statuses(home: Path) -> list[str]:
    """Of all runs, the oldest first, as a command finds them where no server runs."""
    return [r["status"] for r in reversed(json.loads(run(home, "runs", "list", "--json").out))]


async def test_health_is_no_green_light_where_the_record_does_not_answer(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(home))
    local = Local.open(load())
    transport = httpx.ASGITransport(api.build_api(local))
    held, let_go = threading.Event(), threading.Event()
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/api/health")).status_code == 200
        stuck = threading.Thread(
            target=local.store._writer.run, args=[lambda write: held.set() or (let_go.wait() and None)]
        )
        stuck.start()
        await asyncio.to_thread(held.wait)
        try:
            with monkeypatch.context() as impatient:
                impatient.setattr(api, "ANSWERS_WITHIN", 0.5)
                told = await client.get("/api/health")
        finally:
            let_go.set()
            stuck.join()
        assert (told.status_code, told.json()["status"]) == (503, "failing")
        assert "did not answer" in told.json()["error"]["message"]
        assert (await client.get("/api/health")).status_code == 200
        await local.close()
        closed = await client.get("/api/health")
        assert (closed.status_code, "record is closed" in closed.text) == (503, True)
