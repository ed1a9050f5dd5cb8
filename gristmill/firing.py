"""What the scheduler leaves to the server: begin, watch and cancel runs, and tell what came of them."""

from __future__ import annotations

import asyncio

from artifacts.errors import NotFound
from artifacts.types import Fire, Schedule
from graphs.scheduled import start_scheduled
from gristmill.errors import sentences
from gristmill.local import Local
from notebooks import notify
from notebooks.errors import ScheduleError


class Firing:
    """The work of schedules on an open backend. `url` is the server's own address, as a notice shows it."""

    def __init__(self, local: Local, url: str) -> None:
        self._local, self._workbench, self._url = local, local.workbench, url
        self._sentences = sentences()

    async def begin(self, schedule: Schedule, run_id: str) -> None:
        try:
            await start_scheduled(self._workbench, schedule, model=self._local.model, run_id=run_id)
        except self._sentences as error:
            raise ScheduleError(str(error)) from error

    async def wait(self, run_id: str) -> None:
        await self._workbench.wait(run_id)

    async def cancel(self, run_id: str) -> None:
        await self._workbench.cancel(run_id)

    async def tell(self, schedule: Schedule, fire: Fire, target: str) -> None:
        title, text = notify.message(schedule, fire, await asyncio.to_thread(self._answer, fire), self._url)
        failed = fire.outcome not in ("done", "skipped", "cancelled")
        await asyncio.to_thread(notify.send, self._local.targets, target, title, text, failed=failed)

    def _answer(self, fire: Fire) -> str:
        done = next((a.run_id for a in fire.attempts if a.status == "done"), None)
        try:
            report = self._local.store.view(done).report if done else None
        except NotFound:
            report = None
        return report.answer if report else ""
