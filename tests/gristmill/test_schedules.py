"""Schedules through every door of a real server, and through its death at the firing minute."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from artifacts.store import Store
from artifacts.types import Schedule, now
from tests.gristmill.conftest import serving
from tests.gristmill.door import Server, run
from tests.hook import Hook


def notebook(path: Path, source: str) -> Path:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def until[T](look: Callable[[], T], seconds: float = 300) -> T:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as hook:
        yield hook


def test_a_schedule_survives_the_death_of_its_server_at_the_firing_minute(
    ready: Path, tmp_path: Path, hook: Hook
) -> None:
    minute = now() - timedelta(minutes=2)
    schedule = Schedule(
        cron=f"{minute.minute} {minute.hour} * * *",
        kind="notebook",
        template=str(notebook(tmp_path / "nap.ipynb", "import time; time.sleep(600)")),
        created_at=now() - timedelta(days=1),
        retries=2,
        backoff=1,
        notify=("ops",),
        notify_on="end",
    )
    with Store.open(ready) as store:
        store.schedules.add(schedule)
    (ready / "notify.yaml").write_text(f"ops: json://user:s3cret@{hook.url}/hook\n")
    (ready / "notify.yaml").chmod(0o600)

    def fires(server: Server) -> Any:
        with server.client() as client:
            return client.get(f"/api/schedules/{schedule.id}").json()["fires"]

    with serving(ready) as (first, process):
        (fire,) = until(lambda: [f for f in fires(first) if f["attempts"]])
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert fire["outcome"] is None
    (ready / "server.json").unlink()
    notebook(tmp_path / "nap.ipynb", "print('rested')")
    with serving(ready) as (second, _):
        (fire,) = until(lambda: [f for f in fires(second) if f["outcome"] and all(n["sent_at"] for n in f["notices"])])
        shown = second.cli("schedule", "show", schedule.id)
        listed = second.cli("schedule", "list")
    assert fire["outcome"] == "done"
    killed, repeated = fire["attempts"]
    assert killed["status"] in ("lost", "interrupted")
    assert repeated["status"] == "done"
    ((path, told),) = hook.heard
    assert path == "/hook"
    assert repeated["run_id"] in told["message"]
    assert "done after 2 attempts" in told["message"]
    assert "s3cret" not in json.dumps(fire) + shown.out + listed.out + second.log.read_text()
    assert "done" in listed.out
    assert "notice to ops: sent" in shown.out


def test_a_schedule_is_made_changed_paused_and_shown(server: Server, flowers: Path) -> None:
    made = ["--retries", "2", "--backoff", "5m", "--overlap", "skip", "--catch-up", "all", "--window", "1h30m"]
    added = server.json("schedule", "add", "0 7 * * *", flowers, "--ask", "What separates them?", *made)["schedule"]
    assert (added["retries"], added["backoff"], added["overlap"]) == (2, 300, "skip")
    assert (added["catch_up"], added["window"], added["notify_on"]) == ("all", 5400, "failure")
    ref = added["id"]
    assert server.cli("schedule", "pause", ref).out.strip() == f"{ref}  paused"
    assert "paused" in server.cli("schedule", "list").out
    with server.client() as client:
        assert client.get(f"/api/schedules/{ref}").json()["next_due"] is None
        again = client.patch(f"/api/schedules/{ref}", json={"paused": False, "overlap": "queue"}).json()
        assert "T07:00" in again["next_due"]
        assert client.patch(f"/api/schedules/{ref}", json={"retries": -1}).status_code == 422
        assert client.patch(f"/api/schedules/{ref}", json={"id": "sch_x"}).status_code == 422
        assert client.patch("/api/schedules/nosuch", json={"paused": True}).status_code == 404
    changed = server.json("schedule", "change", ref, "--retries", "0", "--cron", "0 8 * * *")["schedule"]
    assert (changed["retries"], changed["cron"], changed["overlap"]) == (0, "0 8 * * *", "queue")
    shown = server.cli("schedule", "show", ref).out
    assert "no retries; overlap queue; catch-up all within 1h 30m; notifies nobody" in shown
    assert "not fired yet" in shown
    assert server.cli("schedule", "remove", ref).status == 0


def test_a_target_is_a_name_of_the_operators_and_never_an_address(home: Path, flowers: Path) -> None:
    asked = ("schedule", "add", "0 7 * * *", flowers, "--ask", "What is new?", "--notify")
    for target, words in (("json://u:s3cret@127.0.0.1", "Name a target, not a URL"), ("ops", "no target 'ops'")):
        done = run(home, *asked, target)
        assert done.status == 2
        assert words in done.err
        assert "s3cret" not in done.err
    (home / "notify.yaml").write_text("ops: json://127.0.0.1/x\n")
    os.chmod(home / "notify.yaml", 0o600)
    done = run(home, *asked, "ops", "--json")
    assert done.status == 0, done.err
    ref = json.loads(done.out)["schedule"]["id"]
    (home / "notify.yaml").unlink()
    assert run(home, "schedule", "pause", ref).status == 0, "what cannot be told can be paused all the same"
    assert run(home, "schedule", "change", ref, "--notify", "none").status == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--backoff", "5"], "not a duration"),
        (["--retries", "99"], "99"),
        (["--window", "1s"], "window"),
        (["--overlap", "never"], "overlap"),
    ],
)
def test_a_manner_that_makes_no_sense_is_misuse(home: Path, flowers: Path, options: list[str], words: str) -> None:
    done = run(home, "schedule", "add", "0 7 * * *", flowers, "--ask", "What is new?", *options)
    assert done.status == 2
    assert words in done.err
