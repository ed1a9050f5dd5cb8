"""The runs in flight: each waits for its turn, is worked on in a task of its own, and can be stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Literal

from artifacts.events import RunBegan, RunQueued
from artifacts.store import Store, StoreError
from artifacts.types import Run
from graphs.editing import Editor
from graphs.models.base import Model
from graphs.queue import Queue
from graphs.worker import Worker
from notebooks.aio import see_through

type Stopping = Literal["stopped", "cancelled", "interrupted"]
"""Why work is broken off: the turn is stopped, the run is cancelled, or this process ends."""

_log = logging.getLogger(__name__)


class InFlight:
    """The tasks of the runs that work or wait, at most `limit` of them at work. Close it at the end.

    `tasks` has one task for each run, `stopping` why those that are broken off are; once it is `closed`, none begins.
    """

    def __init__(self, store: Store, worker: Worker, editor: Editor, limit: int) -> None:
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.stopping: dict[str, Stopping] = {}
        self.closed = False
        self.queue = Queue(limit, self._record_places)
        self._store, self._worker, self._editor = store, worker, editor

    async def launch(self, run: Run, model: Model | None) -> Run:
        """Have a run carried out when its turn comes; returns it as it is then: running, or queued with its place."""
        if run.status not in ("queued", "running") or run.id in self.tasks:
            return run  # its inputs could not be kept, or somebody was quicker
        if self.closed:  # while its inputs were kept
            await self._worker.end(run.id, "interrupted")
            return self._store.run(run.id)
        place = self.queue.join(run.id)
        waits = place is not None or run.status == "queued"
        self._keep(run.id, asyncio.create_task(self._in_turn(run, model, waits), name=run.id))
        if place is not None:
            await self._store.append(place)
        return self._store.run(run.id)

    async def launch_next(self, run: Run, model: Model) -> None:
        """Have a run's next turn carried out; where the one before is just being laid down, in its place."""
        if (working := self.tasks.get(run.id)) is None:
            await self.launch(run, model)
            return
        self.stopping.pop(run.id, None)
        self._worker.finishing.discard(run.id)
        self._keep(run.id, asyncio.create_task(self._behind(working, run, model), name=run.id))

    async def wait(self, run_id: str) -> None:
        """Wait until the task that the run has now, if it has one, is over."""
        if (working := self.tasks.get(run_id)) is not None:
            await asyncio.wait([working])

    def stop(self, run_id: str, how: Stopping) -> None:
        """Break off the work on a run, unless its end is being recorded or it is broken off already."""
        if run_id not in self._worker.finishing and run_id not in self.stopping:
            self.stopping[run_id] = how
            self.tasks[run_id].cancel()

    def stopped_as(self, run_id: str) -> Literal["cancelled", "interrupted"]:
        """The end of a run whose work is broken off."""
        return "interrupted" if self.stopping.get(run_id, "interrupted") == "interrupted" else "cancelled"

    async def close(self) -> None:
        """Interrupt the runs that work. Those that wait keep their places in the record."""
        self.closed = True
        await self.queue.close()
        for run_id in list(self.tasks):
            self.stop(run_id, "interrupted")
        if self.tasks:
            await asyncio.wait(list(self.tasks.values()))

    async def _in_turn(self, run: Run, model: Model | None, waits: bool) -> None:
        """Wait for the run's turn, then work on it. One that is cancelled before has nothing else to be recorded."""
        try:
            await self.queue.turn(run.id)
        except asyncio.CancelledError:
            self.queue.leave(run.id)  # first, so that nothing is told of its place behind its end
            if self.stopped_as(run.id) == "cancelled":
                await self._worker.end(run.id, "cancelled")
            return
        _, cancelled = await see_through(self._begin(run.id, waits))
        if cancelled:
            await self._worker.end(run.id, self.stopped_as(run.id))
            return
        await self._worker.work_on(run, model)

    async def _begin(self, run_id: str, waits: bool) -> None:
        """Say that a run begins if it has waited; of the sandboxes that are idle so many stay as places are free."""
        if waits:
            await self._store.append(RunBegan(run_id=run_id))
        await self._editor.make_room(self.queue.limit - self.queue.running, but=run_id, serving=False)

    async def _behind(self, working: asyncio.Task[None], run: Run, model: Model) -> None:
        """Work on a run's next turn, in the place that the one before has had among those that work."""
        _, cancelled = await see_through(asyncio.wait([working]))
        if cancelled:
            await self._worker.end(run.id, self.stopped_as(run.id))
            return
        await self._worker.work_on(run, model)

    def _keep(self, run_id: str, task: asyncio.Task[None]) -> None:
        self.tasks[run_id] = task
        task.add_done_callback(lambda done: self._landed(run_id, done))

    def _landed(self, run_id: str, task: asyncio.Task[None]) -> None:
        if self.tasks[run_id] is task:  # else the next turn has its place
            del self.tasks[run_id]
            self.queue.leave(run_id)
            self.stopping.pop(run_id, None)
            self._worker.finishing.discard(run_id)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("%s ended by a fault of ours", run_id, exc_info=fault)

    async def _record_places(self, places: Sequence[RunQueued]) -> None:
        try:
            await self._store.append_all(places)
        except StoreError as problem:
            _log.warning("places in the queue could not be recorded: %s", problem)
