"""More work than threads and places: nothing stalls, whoever waits sees its place, and a restart takes it up again."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import httpx
import nbformat
from nbformat import v4

from tests.gristmill.conftest import serving

THREADS = min(32, (os.cpu_count() or 1) + 4)
"""What asyncio's default executor has."""

SLEEP = "import time\ntime.sleep(2)"
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()"
ENDED = ("done", "failed", "cancelled", "interrupted")


def notebook(*cells: str) -> bytes:
    made = v4.new_notebook(cells=[v4.new_code_cell(code, id=f"c{n}") for n, code in enumerate(cells)])
    return nbformat.writes(made).encode()


def start(client: httpx.Client, *cells: str) -> dict[str, Any]:
    reply = client.post("/api/notebooks/run", files={"notebook": ("plotting.ipynb", notebook(*cells))})
    assert reply.status_code == 201, reply.text
    run: dict[str, Any] = reply.json()
    return run


def until_ended(client: httpx.Client, ids: set[str]) -> dict[str, str]:
    """The runs' statuses once all have ended; the list is asked for all the while, and must answer."""
    end = time.monotonic() + 120
    while True:
        runs = {r["id"]: r["status"] for r in client.get("/api/runs", params={"limit": 1000}).json()["runs"]}
        told = {id: runs[id] for id in ids}
        if all(status in ENDED for status in told.values()) or time.monotonic() > end:
            return told
        time.sleep(0.2)


def test_more_plotting_notebooks_than_threads_all_end_while_the_list_answers(home: Path) -> None:
    many = THREADS + 2
    with serving(home, GRISTMILL_MAX_RUNS=str(many)) as (server, _), server.client() as client:
        ids = {start(client, SLEEP, PLOT)["id"] for _ in range(many)}
        assert set(until_ended(client, ids).values()) == {"done"}
