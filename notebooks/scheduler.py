"""Watches the schedules of a store and does what `schedule.py` decides: each time at most once, across restarts."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Protocol

from artifacts.store import Store, StoreError
from artifacts.types import Fire, Notice, Schedule, now
from notebooks.cron import next_due
from notebooks.errors import NotebookError, ScheduleError
from notebooks.schedule import TRIES, Begin, Cancel, End, claims, decide, notice_at, wants_notice

LOOK = 15.0
"""Seconds after which the schedules are read again at the latest; a change of one of them makes that at once."""

_log = logging.getLogger(__name__)


class Work(Protocol):
    """What a scheduler leaves to others. Errors that a person can do something about are NotebookErrors."""

    async def begin(self, schedule: Schedule, run_id: str) -> None:
        """Begin the work of a schedule as the run of this id, and return at once."""

    async def wait(self, run_id: str) -> None:
        """Return when a run that was begun here has ended."""

    async def cancel(self, run_id: str) -> None:
        """Cancel a run, and return when it has ended."""

    async def tell(self, schedule: Schedule, fire: Fire, target: str) -> None:
        """Tell a target what came of a fire."""


class Scheduler:
    """Claims due times, begins and repeats their runs, and tells what came of them.

    What it does is recorded before it is done: a time is claimed for good, an attempt has its run's id before there is
    a run, and a notice is counted before it is sent. So a second scheduler, a restart or a clock that jumps back can
    repeat none of it, and what a killed server left undone is found.
    """

    def __init__(self, store: Store, work: Work, clock: Callable[[], datetime] = now) -> None:
        self._schedules, self._work, self._clock = store.schedules, work, clock
        self._since = clock()
        self._changed = asyncio.Event()
        self._tasks: dict[object, asyncio.Task[None]] = {}

    async def run_forever(self) -> None:
        """Do what is due until cancelled; runs already started are not waited for."""
        loop = asyncio.get_running_loop()
        unwatch = self._schedules.watch(lambda: loop.call_soon_threadsafe(self._changed.set))
        try:
            while True:
                self._changed.clear()
                try:
                    wait = await self.look()
                except StoreError as error:  # as when the disk is full: what is due is found again
                    _log.error("The schedules could not be attended to: %s", error)
                    wait = LOOK
                try:
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        finally:
            unwatch()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def look(self) -> float:
        """Do what is due now; returns the seconds until the next look, 0 where there may be more to do at once."""
        moment = self._clock()
        wait = LOOK
        for schedule in await asyncio.to_thread(self._schedules.all):
            try:
                again = await self._attend(schedule, moment)
            except ScheduleError as error:
                _log.error("The schedule %s cannot be followed: %s", schedule.id, error)
                continue
            wait = min(wait, (again - moment).total_seconds())
        return max(wait, 0.0)

    async def _attend(self, schedule: Schedule, moment: datetime) -> datetime:
        """Do what is due of one schedule; returns when to look again."""
        fires = await asyncio.to_thread(self._claim, schedule, moment)
        decision = decide(schedule, [f for f in fires if f.outcome is None], moment)
        moved = False
        for step in decision.steps:
            match step:
                case Begin(fire, number):
                    run_id = await asyncio.to_thread(self._schedules.attempt, fire, number, moment)
                    if run_id is not None:
                        self._spawn(run_id, self._begin(schedule, run_id))
                        moved = True
                case Cancel(attempt):
                    self._spawn(("cancel", attempt.run_id), self._work.cancel(attempt.run_id))
                case End(fire, outcome, reason):
                    notify = schedule.notify if wants_notice(schedule, outcome) else ()
                    moved |= await asyncio.to_thread(
                        self._schedules.end, fire, outcome, reason, notify=notify, at=moment
                    )
        again = [moment] if moved else [next_due(schedule, moment)]
        again += [decision.again] if decision.again else []
        for fire in fires:
            for notice in fire.notices:
                at = notice_at(notice, moment)
                if at is not None and at <= moment:
                    key = (schedule.id, fire.due, notice.target)
                    self._spawn(key, self._tell(schedule, fire, notice))
                elif at is not None:
                    again.append(at)
        return max(min(again), moment)

    def _claim(self, schedule: Schedule, moment: datetime) -> list[Fire]:
        """Claim what is due, and return the fires with something left to do."""
        found = claims(schedule, self._schedules.newest(schedule.id, moment), self._since, moment)
        for due in found.due:
            self._schedules.claim(schedule.id, due, moment)
        if found.missed and self._schedules.claim(schedule.id, found.missed, moment):
            fire = Fire(schedule_id=schedule.id, due=found.missed, claimed_at=moment)
            more = f", nor at {found.passed - 1} times before it" if found.passed > 1 else ""
            notify = schedule.notify if wants_notice(schedule, "missed") else ()
            self._schedules.end(fire, "missed", f"No server ran at this time{more}.", notify=notify, at=moment)
        return self._schedules.pending(schedule.id, TRIES)

    async def _begin(self, schedule: Schedule, run_id: str) -> None:
        error: str | None = None
        try:
            await self._work.begin(schedule, run_id)
        except NotebookError as refusal:
            error = str(refusal)
        finally:
            if isinstance(fault := sys.exception(), Exception):
                error = f"Gristmill itself failed ({type(fault).__name__}: {fault})."
            if error is not None:
                _log.warning("Schedule %s could not begin a run: %s", schedule.id, error)
                await asyncio.to_thread(self._schedules.attempt_failed, run_id, error, self._clock())
            self._changed.set()
        if error is None:
            await self._work.wait(run_id)
            self._changed.set()

    async def _tell(self, schedule: Schedule, fire: Fire, notice: Notice) -> None:
        if not await asyncio.to_thread(self._schedules.try_notice, fire, notice, self._clock()):
            return
        error: str | None = None
        try:
            await self._work.tell(schedule, fire, notice.target)
        except NotebookError as refusal:
            error = str(refusal)
        finally:
            if isinstance(fault := sys.exception(), Exception):
                error = f"Gristmill itself failed ({type(fault).__name__})."
            if error is not None:
                _log.warning("Schedule %s could not notify %s: %s", schedule.id, notice.target, error)
            if not isinstance(fault, asyncio.CancelledError):
                await asyncio.to_thread(self._schedules.record_notice, fire, notice.target, error, self._clock())

    def _spawn(self, key: object, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside everything else, unless it is being done."""
        if key in self._tasks:
            work.close()
            return
        task = self._tasks[key] = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: object, task: asyncio.Task[None]) -> None:
        del self._tasks[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("The scheduler met a fault: %s", error, exc_info=error)
