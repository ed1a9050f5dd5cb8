"""The scheduler on a real store, with a clock of the test's own: nothing here waits for a time to come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from artifacts.events import RunEnded, RunStarted
from artifacts.store import Store
from artifacts.types import Fire, Run, RunStatus, Schedule, new_id, now
from notebooks.errors import NotifyError, ScheduleError
from notebooks.schedule import changed
from notebooks.scheduler import Scheduler

SEVEN = now().replace(minute=0, second=0, microsecond=0)
"""A full hour, and not a past one: the ends of runs are recorded with the real time."""


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, at: datetime = SEVEN) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


class Runs:
    """Begins runs that do nothing until the test ends them: a workbench for a scheduler."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.begun: list[str] = []
        self.told: list[tuple[str, str | None]] = []
        self.refuse: str | None = None
        self.unreachable = False
        self._over: dict[str, asyncio.Event] = {}

    async def begin(self, schedule: Schedule, run_id: str) -> None:
        if self.refuse:
            raise ScheduleError(self.refuse)
        await self.store.append(RunStarted(run_id=run_id, run=Run(id=run_id, goal=schedule.goal)))
        self._over[run_id] = asyncio.Event()
        self.begun.append(run_id)

    async def end(self, status: RunStatus, run_id: str | None = None) -> None:
        run_id = run_id or self.begun[-1]
        await self.store.append(RunEnded(run_id=run_id, status=status, error=None if status == "done" else "It broke."))
        self._over[run_id].set()

    async def wait(self, run_id: str) -> None:
        await self._over[run_id].wait()

    async def cancel(self, run_id: str) -> None:
        await self.end("cancelled", run_id)

    async def tell(self, schedule: Schedule, fire: Fire, target: str) -> None:
        if self.unreachable:
            raise NotifyError("The notice to 'team' did not go through.")
        self.told.append((target, fire.outcome))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def runs(store: Store) -> Runs:
    return Runs(store)


def add(store: Store, **fields: object) -> Schedule:
    given = {"id": new_id("sch"), "cron": "0 * * * *", "kind": "question", "goal": "?"}
    schedule = Schedule.model_validate(given | {"created_at": SEVEN - timedelta(days=9)} | fields)
    store.schedules.add(schedule)
    return schedule


async def look(scheduler: Scheduler, *conditions: Callable[[], bool]) -> None:
    """Look, and again until what is begun beside it has come about; five minutes at most."""
    async with asyncio.timeout(300):
        await scheduler.look()
        while not all(condition() for condition in conditions):
            await asyncio.sleep(0.01)
            await scheduler.look()


def told(store: Store, schedule: Schedule) -> list[tuple[str | None, list[str]]]:
    """The outcome and the attempts of each fire, oldest first."""
    return [(f.outcome, [a.status for a in f.attempts]) for f in reversed(store.schedules.fires(schedule.id))]


async def test_a_time_fires_once_though_two_schedulers_watch_and_restart(store: Store, runs: Runs) -> None:
    job, clock = add(store), Clock()
    for count in (1, 2):
        pair = [Scheduler(store, runs, clock) for _ in range(2)]
        await asyncio.gather(*(look(s, lambda: len(runs.begun) >= count) for s in pair))  # noqa: B023
        await asyncio.gather(*(look(s) for s in pair))
        assert len(runs.begun) == count
        clock.forward(hours=1)
    assert told(store, job) == [(None, ["running"]), (None, ["running"])]
    assert [f.due.minute for f in store.schedules.fires(job.id)] == [0, 0]


async def test_a_clock_that_jumps_fires_nothing_twice_and_silences_nothing(store: Store, runs: Runs) -> None:
    job, clock = add(store), Clock()
    scheduler = Scheduler(store, runs, clock)
    await look(scheduler, lambda: len(runs.begun) == 1)
    clock.forward(days=400)
    await look(scheduler, lambda: len(runs.begun) == 2)
    clock.forward(days=-400, minutes=5)  # back to five past seven, which was claimed
    await look(scheduler)
    assert len(store.schedules.fires(job.id)) == 2
    clock.at = SEVEN + timedelta(hours=1)
    await look(scheduler, lambda: len(runs.begun) == 3)


async def test_a_failed_run_is_repeated_until_one_is_done_and_all_attempts_are_kept(store: Store, runs: Runs) -> None:
    daily = f"0 {SEVEN.hour} * * *"  # an hour may have passed since SEVEN was told, and runs end by the real clock
    job, clock = add(store, cron=daily, retries=2, backoff=300), Clock()
    scheduler = Scheduler(store, runs, clock)
    await look(scheduler, lambda: len(runs.begun) == 1)
    clock.forward(minutes=30)
    await look(scheduler)
    assert len(runs.begun) == 1, "never while the first attempt runs"
    await runs.end("failed")
    await look(scheduler)
    assert len(runs.begun) == 1, "not before the back-off is over"
    ended = store.schedules.fires(job.id)[0].attempts[0].ended_at
    assert ended is not None
    clock.at = ended + timedelta(minutes=5)
    await look(scheduler, lambda: len(runs.begun) == 2)
    await runs.end("done")
    await look(scheduler, lambda: told(store, job)[-1][0] is not None)
    assert ("done", ["failed", "done"]) in told(store, job)


async def test_a_file_that_comes_late_is_found_by_a_retry(store: Store, runs: Runs) -> None:
    job, clock = add(store, retries=1, backoff=60), Clock()
    scheduler = Scheduler(store, runs, clock)
    runs.refuse = "There is no file sales.csv."
    await look(scheduler, lambda: told(store, job) == [(None, ["refused"])])
    assert store.schedules.fires(job.id)[0].attempts[0].error == "There is no file sales.csv."
    runs.refuse = None
    clock.forward(minutes=1)
    await look(scheduler, lambda: len(runs.begun) == 1)
    await runs.end("done")
    await look(scheduler, lambda: told(store, job) == [("done", ["refused", "done"])])


@pytest.mark.parametrize("recorded", ["the claim", "the attempt"])
async def test_what_a_killed_server_had_claimed_is_made_up_for(home: Path, recorded: str) -> None:
    with Store.open(home) as store:
        job = add(store)
        assert store.schedules.claim(job.id, SEVEN)
        if recorded == "the attempt":
            store.schedules.attempt(store.schedules.fires(job.id)[0], 1)
    with Store.open(home) as store:
        runs = Runs(store)
        scheduler = Scheduler(store, runs, Clock(SEVEN + timedelta(minutes=2)))
        await look(scheduler, lambda: len(runs.begun) == 1)
        await look(scheduler)
        assert len(runs.begun) == 1
        assert [len(attempts) for _, attempts in told(store, job)] == [1 if recorded == "the claim" else 2]


async def test_replace_cancels_the_run_and_queue_waits_for_it(store: Store, runs: Runs) -> None:
    new, old = add(store, overlap="replace", goal="replace"), add(store, overlap="queue", goal="queue")
    clock = Clock()
    scheduler = Scheduler(store, runs, clock)
    await look(scheduler, lambda: len(runs.begun) == 2)
    queued = store.schedules.fires(old.id)[0].attempts[0].run_id
    clock.forward(hours=1)
    await look(scheduler, lambda: told(store, new) == [("cancelled", ["cancelled"]), (None, ["running"])])
    assert told(store, old) == [(None, ["running"]), (None, [])]
    await runs.end("done", queued)
    await look(scheduler, lambda: told(store, old) == [("done", ["done"]), (None, ["running"])])


async def test_a_paused_schedule_claims_nothing_and_resumes_with_the_next_time(store: Store, runs: Runs) -> None:
    paused, running = add(store, paused=True, catch_up="all", window=86_400), add(store)
    clock = Clock(SEVEN + timedelta(minutes=5))
    scheduler = Scheduler(store, runs, clock)
    await look(scheduler, lambda: len(runs.begun) == 1)
    assert told(store, paused) == []
    store.schedules.replace(changed(paused, {"paused": False}, clock()))
    await look(scheduler)
    assert told(store, paused) == [], "what passed in between is not made up for"
    clock.forward(hours=1)
    await look(scheduler, lambda: len(told(store, paused)) == 1)
    assert len(told(store, running)) == 2


async def test_a_failure_is_told_once_and_a_notice_that_fails_is_tried_thrice(store: Store, runs: Runs) -> None:
    job, clock = add(store, notify=("team",), retries=1, backoff=60), Clock()
    scheduler = Scheduler(store, runs, clock)
    runs.refuse, runs.unreachable = "There is no file.", True
    await look(scheduler, lambda: told(store, job) == [(None, ["refused"])])
    assert store.schedules.fires(job.id)[0].notices == (), "not before the last attempt"
    clock.forward(minutes=1)
    for tries in (1, 2, 3):
        await look(scheduler, lambda: [n.tries for n in store.schedules.fires(job.id)[0].notices] == [tries])  # noqa: B023
        await look(scheduler, lambda: store.schedules.fires(job.id)[0].notices[0].error is not None)
        await look(scheduler)
        clock.forward(minutes=4)
    await look(scheduler)
    (notice,) = store.schedules.fires(job.id)[0].notices
    assert (notice.tries, notice.sent_at, notice.error) == (3, None, "The notice to 'team' did not go through.")
    runs.unreachable = False
    clock.at = SEVEN + timedelta(hours=1)
    await look(scheduler, lambda: told(store, job)[1:] == [(None, ["refused"])])
    clock.forward(minutes=1)
    await look(scheduler, lambda: runs.told == [("team", "failed")])


async def test_a_time_that_no_server_saw_is_told_of(store: Store, runs: Runs) -> None:
    job = add(store, catch_up="none", notify=("team",), created_at=SEVEN - timedelta(hours=3, minutes=1))
    scheduler = Scheduler(store, runs, Clock(SEVEN + timedelta(minutes=30)))
    await look(scheduler, lambda: runs.told == [("team", "missed")])
    await look(scheduler)
    (fire,) = store.schedules.fires(job.id)
    assert (fire.due, fire.outcome, fire.attempts) == (SEVEN, "missed", ())
    assert fire.reason == "No server ran at this time, nor at 3 times before it."


async def test_a_schedule_that_cannot_be_followed_does_not_stop_the_others(
    store: Store, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    add(store, timezone="Mars/Base")
    add(store)
    await look(Scheduler(store, runs, Clock()), lambda: len(runs.begun) == 1)
    assert "Mars/Base" in caplog.text


async def test_the_loop_sees_a_change_and_the_end_of_a_run_by_itself(
    store: Store, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notebooks.scheduler.LOOK", 3600.0)  # and the next time is half an hour away
    watching = asyncio.create_task(Scheduler(store, runs, Clock(SEVEN + timedelta(minutes=30))).run_forever())
    await asyncio.sleep(0)
    job = await asyncio.to_thread(add, store)
    async with asyncio.timeout(300):
        while not runs.begun:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await runs.end("done")
        while told(store, job) != [("done", ["done"])]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
