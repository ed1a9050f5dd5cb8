"""Those who watch runs: what is committed is handed to each on its own event loop, from whatever thread."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from artifacts import listeners
from artifacts.events import Event, TextDelta

_WAITING = 1000


@dataclass(frozen=True)
class Live:
    """A text delta, and the seq of the newest event when it was published: older than what was read, it is stale."""

    delta: TextDelta
    after: int


class Follower:
    """One watcher of one run. What waits for it is bounded: past that, it reads the record again instead."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wake = asyncio.Event()
        self._lock = threading.Lock()
        self._items: deque[Event | Live] = deque()
        self._behind = False
        self._woken = False
        self.closed = False

    def deliver(self, items: Sequence[Event | Live], *, close: bool = False) -> None:
        """Hand items over, in order. For any thread."""
        with self._lock:
            if self._behind or len(self._items) + len(items) > _WAITING:
                self._items.clear()
                self._behind = True
            else:
                self._items.extend(items)
            self.closed = self.closed or close
            if self._woken:
                return
            self._woken = True
        with suppress(RuntimeError):  # its loop is closed, and the watcher with it
            self._loop.call_soon_threadsafe(self._wake.set)

    def take(self) -> tuple[deque[Event | Live], bool]:
        """What waits, and whether things were dropped since, so that the record must be read."""
        with self._lock:
            items, self._items = self._items, deque()
            behind, self._behind = self._behind, False
            self._woken = False
            self._wake.clear()
        return items, behind

    async def wait(self) -> None:
        """Until there is something to take."""
        await self._wake.wait()


class Followers:
    """All watchers, by run. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_run: dict[str, set[Follower]] = {}
        self.announced = False  # to those who listen for events of whatever run

    def add(self, run_id: str) -> Follower:
        """A watcher of this run on the running event loop."""
        follower = Follower(asyncio.get_running_loop())
        with self._lock:
            self._by_run.setdefault(run_id, set()).add(follower)
        return follower

    def remove(self, run_id: str, follower: Follower) -> None:
        """It watches no longer."""
        with self._lock:
            watching = self._by_run.get(run_id, set())
            watching.discard(follower)
            if not watching:
                self._by_run.pop(run_id, None)

    def notify(self, events: Iterable[Event]) -> None:
        """Hand committed events to those who watch their runs. Called by the writer alone, so in the order of seq."""
        events = list(events)
        by_run: dict[str, list[Event | Live]] = {}
        for event in events:
            by_run.setdefault(event.run_id, []).append(event)
        for run_id, items in by_run.items():
            self._deliver(run_id, items)
        if self.announced:
            listeners.tell(events)

    def publish(self, delta: TextDelta, after: int) -> None:
        """Hand a text delta to those who watch its run now."""
        self._deliver(delta.run_id, [Live(delta, after)])

    def close(self) -> None:
        """Let every watcher finish with what it has."""
        with self._lock:
            everyone = [follower for watching in self._by_run.values() for follower in watching]
        for follower in everyone:
            follower.deliver([], close=True)

    def _deliver(self, run_id: str, items: Sequence[Event | Live]) -> None:
        with self._lock:
            watching = list(self._by_run.get(run_id, ()))
        for follower in watching:
            follower.deliver(items)
