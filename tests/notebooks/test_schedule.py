"""Times: cron in a zone across clock changes, each fired once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from artifacts.store import Store
from artifacts.types import Schedule, new_id, now
from notebooks.errors import ScheduleError
from notebooks.schedule import Scheduler, check, latest_due, next_due


def schedule(cron: str, timezone: str = "Europe/Berlin", created_at: datetime | None = None) -> Schedule:
    created = created_at or datetime(2000, 1, 1, tzinfo=UTC)  # long ago, whatever date this machine has
    return Schedule(id=new_id("sch"), cron=cron, timezone=timezone, kind="question", goal="?", created_at=created)


def times(cron: str, start: str, count: int, timezone: str = "Europe/Berlin") -> list[str]:
    """The next due times as local wall-clock time with offset."""
    zone = ZoneInfo(timezone)
    after = datetime.fromisoformat(start).replace(tzinfo=zone)
    found = []
    for _ in itertools.repeat(None, count):
        after = next_due(schedule(cron, timezone), after)
        found.append(after.astimezone(zone).strftime("%d %H:%M %z"))
    return found


def test_weekdays_in_the_mornings() -> None:
    assert times("0 7 * * 1-5", "2026-01-08T12:00", 3) == ["09 07:00 +0100", "12 07:00 +0100", "13 07:00 +0100"]


def test_a_time_that_spring_skips_fires_once_right_after_the_gap() -> None:
    assert times("30 2 * * *", "2026-03-28T12:00", 2) == ["29 03:30 +0200", "30 02:30 +0200"]


def test_a_time_that_autumn_repeats_fires_once() -> None:
    assert times("30 2 * * *", "2026-10-24T12:00", 2) == ["25 02:30 +0200", "26 02:30 +0100"]


def test_a_job_of_every_half_hour_keeps_its_pace_through_both() -> None:
    assert times("*/30 * * * *", "2026-10-25T02:00", 4) == [
        "25 02:30 +0200",
        "25 02:00 +0100",
        "25 02:30 +0100",
        "25 03:00 +0100",
    ]
    assert times("*/30 * * * *", "2026-03-29T01:00", 3) == ["29 01:30 +0100", "29 03:00 +0200", "29 03:30 +0200"]


def test_the_due_time_is_strictly_after() -> None:
    at = datetime(2026, 1, 8, 6, tzinfo=UTC)
    assert next_due(schedule("0 7 * * *"), at) == at + timedelta(days=1)
    assert next_due(schedule("0 7 * * *"), at - timedelta(microseconds=1)) == at


def test_of_missed_times_the_latest_counts() -> None:
    at = datetime(2026, 1, 8, 12, 34, tzinfo=UTC)
    assert latest_due(schedule("*/10 * * * *"), at - timedelta(hours=1), at) == at.replace(minute=30)
    assert latest_due(schedule("0 7 * * *"), at - timedelta(hours=1), at) is None


@pytest.mark.parametrize(
    ("cron", "timezone", "sentence"),
    [
        ("* * *", "UTC", "needs five fields"),
        ("0 0 0 1 1 1", "UTC", "needs five fields"),
        ("61 * * * *", "UTC", "out of range"),
        ("0 0 30 2 *", "UTC", "never comes"),
        ("R R * * *", "UTC", "would not be the same twice"),
        ("0 7 * * *", "Mars/Base", "no time zone 'Mars/Base'"),
        ("0 7 * * *", "../../etc/passwd", "no time zone"),
    ],
)
def test_what_cannot_be_followed_gets_a_sentence(cron: str, timezone: str, sentence: str) -> None:
    with pytest.raises(ScheduleError, match=sentence):
        check(cron, timezone)


async def until(condition: Callable[[], bool]) -> None:
    """Wait, for thirty seconds at most, for what no event announces."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_time_fires_once_though_two_schedulers_watch_and_restart(store: Store) -> None:
    fired: list[tuple[str, datetime]] = []

    async def fire(job: Schedule, at: datetime) -> str:
        fired.append((job.id, at))
        return f"run_of_{job.id}"

    jobs = []
    for _ in range(2):  # in the second round, the second job firing shows that the first one was looked at again
        jobs.append(schedule("@hourly", "UTC"))
        store.add_schedule(jobs[-1])
        pair = [asyncio.create_task(Scheduler(store, fire).run_forever()) for _ in range(2)]
        await until(lambda: any(f.run_id for f in store.fires(jobs[-1].id)))
        for task in pair:
            task.cancel()
        await asyncio.gather(*pair, return_exceptions=True)
    assert {job for job, _ in fired} == {job.id for job in jobs}
    assert len(fired) == len(set(fired))
    assert all((at.minute, at.second) == (0, 0) for _, at in fired)


async def test_times_before_a_schedule_was_made_do_not_fire_and_a_change_is_seen_at_once(store: Store) -> None:
    fired = asyncio.Queue[str]()

    async def fire(job: Schedule, at: datetime) -> str:
        await fired.put(job.id)
        return "run_1"

    scheduler = Scheduler(store, fire)
    watching = asyncio.create_task(scheduler.run_forever())
    half_past = f"{(now().minute + 30) % 60} * * * *"  # half an hour ago, and not again while this test runs
    fresh, old = schedule(half_past, "UTC", now()), schedule(half_past, "UTC")
    store.add_schedule(fresh)
    store.add_schedule(old)
    scheduler.changed()
    async with asyncio.timeout(30):
        assert await fired.get() == old.id
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_run_that_cannot_be_started_does_not_stop_the_others(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = schedule("* * * * *", "UTC"), schedule("* * * * *", "UTC")
    store.add_schedule(bad)
    store.add_schedule(good)
    done = asyncio.Event()

    async def fire(job: Schedule, at: datetime) -> str:
        if job.id == bad.id:
            raise ValueError("There is no file sales.csv.")
        done.set()
        return "run_1"

    watching = asyncio.create_task(Scheduler(store, fire).run_forever())
    async with asyncio.timeout(30):
        await done.wait()
    await until(lambda: "There is no file sales.csv." in caplog.text)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
