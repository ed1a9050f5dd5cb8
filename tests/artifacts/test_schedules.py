"""Schedules in the record: each time claimed once, each attempt begun once, each end told once; and old folders."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest

from artifacts.database import FILE
from artifacts.events import RunEnded, RunStarted
from artifacts.migrations import STEPS, migrate
from artifacts.store import NotFound, Store, StoreError
from artifacts.types import Run, Schedule, now

DUE = datetime(2026, 1, 5, 6, tzinfo=UTC)


def test_schedules_are_kept_changed_and_forgotten(home, store):
    night = Schedule(
        cron="0 3 * * *", timezone="Europe/Berlin", kind="question", goal="What changed?", files=("a.csv",)
    )
    weekly = Schedule(cron="0 8 * * 1", kind="notebook", template="profile", params={"data": "a.csv"})
    heard = []
    unwatch = store.schedules.watch(lambda: heard.append(len(store.schedules.all())))
    store.schedules.add(night)
    store.schedules.add(weekly)
    with pytest.raises(StoreError, match="in the record already"):
        store.schedules.add(night)
    later = weekly.model_copy(update={"paused": True, "retries": 2})
    store.schedules.replace(later)
    unwatch()
    assert heard == [1, 2, 2]
    store.close()
    with Store.open(home) as again:
        assert again.schedules.all() == [night, later]
        assert again.schedules.get(weekly.id[-6:]) == later
        again.schedules.remove(night.id)
        assert again.schedules.all() == [later]
        for gone in (lambda: again.schedules.remove(night.id), lambda: again.schedules.replace(night)):
            with pytest.raises(NotFound, match=f"no schedule {night.id}"):
                gone()
        with pytest.raises(NotFound, match="near it"):
            again.schedules.get(night.id)


def test_a_fire_is_claimed_once_however_many_try(home, store):
    due = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    gate = threading.Barrier(16)

    def claim(_: int) -> bool:
        gate.wait()
        return store.schedules.claim("sch_1", due)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(claim, range(16))) == 1
    assert not store.schedules.claim("sch_1", due.astimezone(UTC)), "the same moment in another zone is the same fire"
    assert store.schedules.claim("sch_1", due.replace(fold=1)), "when clocks go back, half past two comes twice"
    assert store.schedules.claim("sch_2", due)
    store.close()
    with Store.open(home) as again:
        assert not again.schedules.claim("sch_1", due)
        later, first = again.schedules.fires("sch_1")
        assert first.due == due.astimezone(UTC)
        assert later.due - first.due == timedelta(hours=1)
        assert abs(now() - first.claimed_at) < timedelta(minutes=5)
        assert again.schedules.newest("sch_1", first.due) == first.due
        assert again.schedules.newest("sch_1", first.due - timedelta(seconds=1)) is None


def test_an_attempt_is_begun_once_and_reads_as_its_run_stands(home, store):
    store.schedules.claim("sch_1", DUE)
    (fire,) = store.schedules.pending("sch_1", 3)
    with ThreadPoolExecutor(8) as pool:
        (run_id,) = [r for r in pool.map(lambda _: store.schedules.attempt(fire, 1), range(8)) if r]

    def attempts(of):
        return [(a.number, a.status, a.has_run) for a in of.schedules.fires("sch_1")[0].attempts]

    assert attempts(store) == [(1, "starting", False)]
    store.append_sync(RunStarted(run_id=run_id, run=Run(id=run_id, goal="?")))
    assert attempts(store) == [(1, "running", True)]
    store.append_sync(RunEnded(run_id=run_id, status="failed", error="No memory was left."))
    assert store.schedules.fires("sch_1")[0].attempts[0].error == "No memory was left."
    second = store.schedules.attempt(fire, 2)
    assert second is not None
    store.schedules.attempt_failed(second, "There is no file a.csv.")
    assert attempts(store) == [(1, "failed", True), (2, "refused", False)]
    assert store.schedules.fires("sch_1")[0].run_id == run_id, "the last attempt that has a run"
    assert store.schedules.attempt(fire, 3) is not None
    store.close()
    with Store.open(home) as again:
        assert attempts(again)[2] == (3, "lost", False), "whoever was to begin it is gone"


def test_an_end_is_final_and_its_notices_are_counted_before_they_are_sent(store):
    store.schedules.claim("sch_1", DUE)
    (fire,) = store.schedules.pending("sch_1", 3)
    assert store.schedules.end(fire, "failed", "No file.", notify=["team", "team", "ops"])
    assert not store.schedules.end(fire, "done")
    (fire,) = store.schedules.pending("sch_1", 3)
    assert (fire.outcome, fire.reason, [n.target for n in fire.notices]) == ("failed", "No file.", ["ops", "team"])
    ops, team = fire.notices
    assert store.schedules.try_notice(fire, team)
    assert not store.schedules.try_notice(fire, team), "another has this try"
    store.schedules.record_notice(fire, "team", None)
    for left in (2, 1, 0):
        assert store.schedules.try_notice(fire, ops)
        store.schedules.record_notice(fire, "ops", "refused")
        ops = store.schedules.fires("sch_1")[0].notices[0]
        assert bool(store.schedules.pending("sch_1", 3)) == bool(left)
    sent = store.schedules.fires("sch_1")[0].notices
    assert [(n.target, n.tries, n.error, n.sent_at is None) for n in sent] == [
        ("ops", 3, "refused", True),
        ("team", 1, None, False),
    ]


def test_an_old_data_folder_opens_and_its_schedules_are_as_they_were(home):
    Store.open(home).close()
    (home / FILE).unlink()
    old = {"id": "sch_old", "cron": "0 7 * * *", "timezone": "UTC", "kind": "question", "goal": "?", "files": ["a"]}
    old |= {"template": None, "params": {}, "model": None, "created_at": "2026-01-01T00:00:00Z"}
    with duckdb.connect(str(home / FILE)) as connection:
        migrate(connection, STEPS[:2])
        connection.execute("INSERT INTO schedules VALUES ('sch_old', '2026-01-01', ?)", [json.dumps(old)])
        for day, run_id, status in ((5, "run_a", "done"), (6, "run_b", "running"), (7, None, None)):
            connection.execute(
                "INSERT INTO fires VALUES ('sch_old', ?, '2026-01-05', ?)", [datetime(2026, 1, day, 7), run_id]
            )
            if run_id:
                connection.execute(
                    "INSERT INTO runs VALUES (?, '?', 'analysis', 'playbook', '{}', ?, NULL, '2026-01-05', NULL, NULL,"
                    " NULL)",
                    [run_id, status],
                )
    (home / "store.mark").unlink(missing_ok=True)
    with Store.open(home) as store:
        (schedule,) = store.schedules.all()
        assert (schedule.retries, schedule.overlap, schedule.catch_up, schedule.window) == (0, "allow", "latest", 3600)
        assert not schedule.paused
        assert not store.schedules.claim("sch_old", datetime(2026, 1, 5, 7, tzinfo=UTC))
        fires = store.schedules.fires("sch_old")
        assert [(f.due.day, f.outcome, f.state, f.run_id) for f in fires] == [
            (7, None, "waiting", None),
            (6, None, "running", "run_b"),
            (5, "done", "done", "run_a"),
        ]


async def test_an_attempt_whose_run_comes_up_while_it_is_read_is_not_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    """A reader that saw no run yet, and another that has seen it since: the first one must not begin it anew."""
    job = Schedule(cron="0 * * * *", kind="question", goal="?")
    store.schedules.add(job)
    assert store.schedules.claim(job.id, DUE)
    (fire,) = store.schedules.fires(job.id)
    run_id = store.schedules.attempt(fire, 1)
    assert run_id is not None
    seen, begun, judge = threading.Event(), threading.Event(), store.schedules._attempt

    def later(*row):
        if not seen.is_set():
            seen.set()
            assert begun.wait(60)
        return judge(*row)

    monkeypatch.setattr(store.schedules, "_attempt", later)
    slow = asyncio.create_task(asyncio.to_thread(store.schedules.fires, job.id))
    assert await asyncio.to_thread(seen.wait, 60)
    await store.append(RunStarted(run_id=run_id, run=Run(id=run_id, goal="?")))
    assert [a.status for f in store.schedules.fires(job.id) for a in f.attempts] == ["running"]
    begun.set()
    assert [a.status for f in await slow for a in f.attempts] == ["running"]
