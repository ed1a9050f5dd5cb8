"""Whose turn it is: so many runs work at a time, first come, first served, and who waits knows its place."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from artifacts.events import RunQueued
from artifacts.types import now

MEMORY = 2 << 30
"""Bytes that a run is reckoned with: its own sandbox, and the one in which the review runs its notebook again."""
CLOUD = 10
"""Runs at a time where sandboxes are elsewhere: two for each, and an account of E2B has twenty at first."""

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_STEP = 20  # a place is told again when it has changed by this part of itself, or by one where that is more


def usual_limit(*, local: bool) -> int:
    """How many runs work at a time where nobody says it: two for each core, as far as memory goes, and at least one.

    Two, since a run waits much of its time, for a model or for its sandbox to answer.
    """
    if not local:
        return CLOUD
    return max(1, min(2 * len(os.sched_getaffinity(0)), _memory() // MEMORY))


def _memory() -> int:
    """Bytes of this machine, or of the container that this is."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # none, or "max"
            total = min(total, int(limit.read_text()))
    return total


class Queue:
    """The runs that work, at most `limit` of them, and those that wait. For one event loop.

    `tell` records places that have changed; it may fail, and the next change tells more.
    """

    def __init__(self, limit: int, tell: Callable[[Sequence[RunQueued]], Awaitable[None]]) -> None:
        self.limit = limit
        self._tell = tell
        self._working: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._told: dict[str, RunQueued] = {}
        self._telling: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def running(self) -> int:
        """How many work."""
        return len(self._working)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def join(self, run_id: str) -> RunQueued | None:
        """Take the run in, at the end of the line: None where it may begin at once, else what is to be recorded."""
        if len(self._working) < self.limit:
            self._working.add(run_id)
            return None
        self._waiting[run_id] = asyncio.get_running_loop().create_future()
        place = RunQueued(run_id=run_id, place=len(self._waiting), since=now())
        self._told[run_id] = place
        return place

    async def turn(self, run_id: str) -> None:
        """Wait for the run's turn. Whoever is cancelled meanwhile leaves as well."""
        if (turn := self._waiting.get(run_id)) is not None:
            await turn

    def leave(self, run_id: str) -> None:
        """The run has ended, or does not want its turn any more: the next ones move up."""
        self._working.discard(run_id)
        self._waiting.pop(run_id, None)
        self._told.pop(run_id, None)
        if self._closed:
            return
        while self._waiting and len(self._working) < self.limit:
            following, turn = next(iter(self._waiting.items()))
            del self._waiting[following], self._told[following]
            self._working.add(following)
            if not turn.done():  # else its run is just being cancelled, and is going to leave
                turn.set_result(None)
        if self._waiting and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell_places())

    async def close(self) -> None:
        """Give nobody a turn any more, and tell no places: who waits keeps the place that was told last."""
        self._closed = True
        if self._telling is not None:
            self._telling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._telling

    async def _tell_places(self) -> None:
        """Tell those whose place has changed, until nothing has changed while the last were told."""
        while moved := [
            before.model_copy(update={"place": place, "at": now()})
            for place, before in enumerate(self._told.values(), 1)
            if before.place - place >= max(1, before.place // _STEP)
        ]:
            self._told.update((event.run_id, event) for event in moved)
            await self._tell(moved)
