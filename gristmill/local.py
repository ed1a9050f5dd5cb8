"""The backend that opens the data folder itself: store and workbench in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from artifacts.events import Event, TextDelta
from artifacts.store import Store
from artifacts.types import Artifact, ArtifactRole, Run, RunStatus, Schedule, now
from graphs.inputs import check_question
from graphs.workbench import Request, Workbench
from gristmill.backend import Scheduled
from gristmill.errors import Misuse
from gristmill.settings import Settings
from notebooks import catalog, export, parameters
from notebooks.runner import locate
from notebooks.schedule import check, next_due


class Local:
    """A `Backend` on an open store. The server uses the same one, behind its REST interface."""

    def __init__(self, workbench: Workbench, model: str | None = None) -> None:
        self.workbench, self.store, self._model = workbench, workbench.store, model
        self.schedules_changed: Callable[[], None] = lambda: None  # the server's scheduler wants to know

    @classmethod
    def open(cls, settings: Settings) -> Local:
        """Open the data folder. Raises StoreLocked, which names the process that holds it, or StoreUnwritable."""
        store = Store.open(settings.home)
        workbench = Workbench(store, isolation=settings.isolation, templates=settings.templates, rerun=settings.rerun)
        return cls(workbench, settings.model)

    async def start(
        self,
        question: str,
        files: Sequence[Path],
        *,
        model: str | None = None,
        roles: Mapping[str, str] | None = None,
        rerun: bool | None = None,
    ) -> Run:
        request = Request(
            question=question,
            files=tuple(files),
            model=model or self._model,
            roles=dict(roles) if roles else {},
            rerun=rerun,
        )
        return await self.workbench.start(request)

    async def start_notebook(
        self,
        name_or_path: str,
        params: Mapping[str, Any],
        *,
        only_below: Path | None = None,
        files: Mapping[str, Path] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Run:
        return await self.workbench.start_notebook(
            name_or_path, dict(params), only_below=only_below, files=files, options=options
        )

    async def reproduce(self, ref: str) -> Run:
        return await self.workbench.start_reproduce(ref)

    async def cancel(self, ref: str) -> Run:
        return await self.workbench.cancel(ref)

    async def resume(self, ref: str) -> Run:
        return await self.workbench.resume(ref)

    def follow(self, run_id: str, after: int = 0) -> AsyncIterator[Event | TextDelta]:
        return self.workbench.follow(run_id, after)

    async def events(self, ref: str) -> list[Event]:
        return await asyncio.to_thread(lambda: self.store.events(self.store.run(ref).id))

    async def run(self, ref: str) -> Run:
        return await asyncio.to_thread(self.store.run, ref)

    async def runs(self, *, limit: int = 50, status: RunStatus | None = None, text: str | None = None) -> list[Run]:
        return await asyncio.to_thread(self.store.runs, limit=limit, status=status, text=text)

    async def artifact(self, ref: str) -> Artifact:
        return await asyncio.to_thread(self.store.artifact, ref)

    async def artifacts(
        self, *, run: str | None = None, role: ArtifactRole | None = None, text: str | None = None, limit: int = 200
    ) -> list[Artifact]:
        run_id = (await self.run(run)).id if run else None
        return await asyncio.to_thread(self.store.artifacts, run_id=run_id, role=role, text=text, limit=limit)

    async def read(self, artifact: Artifact) -> bytes:
        return await asyncio.to_thread(self.store.read, artifact)

    async def write_out(self, ref: str, directory: Path) -> list[Path]:
        run = await self.run(ref)
        return await asyncio.to_thread(export.write_out, self.store, run.id, directory)

    async def add_schedule(self, schedule: Schedule) -> Scheduled:
        check(schedule.cron, schedule.timezone)
        if schedule.kind == "question":
            check_question(schedule.goal)
            if not schedule.files:
                raise Misuse("A question is asked of files; name at least one.")
        elif not schedule.template:
            raise Misuse("Name the notebook that the schedule is to run.")
        else:
            path = await asyncio.to_thread(locate, schedule.template, self.workbench.templates)
            notebook = await asyncio.to_thread(catalog.read, path)
            parameters.check(parameters.read_parameters(notebook), schedule.params)
        await asyncio.to_thread(self.store.add_schedule, schedule)
        self.schedules_changed()
        return self._scheduled(schedule)

    async def schedules(self) -> list[Scheduled]:
        return await asyncio.to_thread(lambda: [self._scheduled(s) for s in self.store.schedules()])

    def _scheduled(self, schedule: Schedule) -> Scheduled:
        due = next_due(schedule, now()).astimezone(ZoneInfo(schedule.timezone))
        return Scheduled(schedule, due.isoformat(timespec="minutes"), tuple(self.store.fires(schedule.id)))

    async def fire(self, ref: str) -> Run:
        return await self.carry_out(await asyncio.to_thread(self.store.schedule, ref))

    async def carry_out(self, schedule: Schedule) -> Run:
        """Start what a schedule asks for. Its files are read now, as they are now."""
        if schedule.kind == "notebook":
            return await self.start_notebook(schedule.template or "", schedule.params)
        return await self.start(
            schedule.goal,
            [Path(f) for f in schedule.files],
            model=schedule.model,
            roles={k: str(v) for k, v in schedule.params.get("roles", {}).items()},
        )

    async def remove_schedule(self, ref: str) -> Schedule:
        schedule = await asyncio.to_thread(self.store.schedule, ref)
        await asyncio.to_thread(self.store.remove_schedule, schedule.id)
        self.schedules_changed()
        return schedule

    async def close(self) -> None:
        try:
            await self.workbench.close()
        finally:
            await asyncio.to_thread(self.store.close)
