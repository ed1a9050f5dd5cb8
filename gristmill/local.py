"""The backend that opens the data folder itself: store and workbench in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from artifacts.check import Checked
from artifacts.check import check as check_record
from artifacts.events import Event, Redone, TextDelta, Undone
from artifacts.prune import Pruned
from artifacts.query import Answer, Form
from artifacts.store import Store
from artifacts.threads import in_own_thread
from artifacts.types import Artifact, ArtifactRole, Decision, Message, Run, RunStatus, Schedule, Turn, now
from graphs.budget import Budget, read_budget
from graphs.errors import InputError
from graphs.inputs import check_question
from graphs.request import Question, Request, Terms
from graphs.scheduled import start_scheduled
from graphs.workbench import Workbench
from gristmill import webhooks
from gristmill.backend import Listed, Scheduled
from gristmill.errors import Failed, Misuse
from gristmill.projects import LocalProjects, place_of, settled
from gristmill.settings import Settings
from notebooks import catalog, parameters
from notebooks.cron import check, next_due
from notebooks.notify import check_targets
from notebooks.schedule import changed

if TYPE_CHECKING:
    from graphs.difference import Difference
    from notebooks.live.edits import Edit, Edited

LATEST = 5
"""Firings that a list shows of each schedule."""


class Local:
    """A `Backend` on an open store. The server uses the same one, behind its REST interface."""

    def __init__(self, workbench: Workbench, settings: Settings) -> None:
        self.workbench, self.store = workbench, workbench.store
        self.model, self.targets, self.images = settings.model, settings.notify, settings.images
        self.store.announce()
        self._unhook = webhooks.serve(settings.webhooks)
        self.projects = LocalProjects(workbench)

    @classmethod
    def open(cls, settings: Settings, *, leaves: bool = False) -> Local:
        """Open the data folder; `leaves` is as the workbench has it.

        Raises StoreLocked, which names the process that holds it, or StoreUnwritable.
        """
        store = Store.open(settings.home)
        workbench = Workbench(
            store,
            isolation=settings.isolation,
            templates=settings.templates,
            rerun=settings.rerun,
            limit=settings.max_runs,
            budget=_usual_budget(settings),
            leaves=leaves,
        )
        return cls(workbench, settings)

    async def start(
        self,
        question: str,
        files: Sequence[Path],
        *,
        model: str | None = None,
        roles: Mapping[str, str] | None = None,
        rerun: bool | None = None,
        terms: Terms | None = None,
    ) -> Run:
        request = Request(
            question=question,
            files=tuple(files),
            model=model,
            roles=dict(roles) if roles else {},
            rerun=rerun,
            terms=terms or Terms(),
        )
        return await self._start(request)

    async def ask(
        self,
        questions: Sequence[Question],
        files: Sequence[Path],
        *,
        model: str | None = None,
        roles: Mapping[str, str] | None = None,
        terms: Terms | None = None,
    ) -> Run:
        asked = Request(
            asked=tuple(questions),
            files=tuple(files),
            model=model,
            roles=dict(roles) if roles else {},
            terms=terms or Terms(),
        )
        return await self._start(asked)

    async def _start(self, request: Request) -> Run:
        """Begin a run with the settings, and where it names no files with the tables, of its project."""
        request = await asyncio.to_thread(settled, self.store.home, request)
        images = self.images if request.terms.images is None else request.terms.images
        terms = request.terms.model_copy(update={"images": images})
        request = request.model_copy(update={"model": request.model or self.model, "terms": terms})
        async with self.projects.tables_for(request) as files:
            return await self.workbench.start(request.model_copy(update={"files": files}))

    async def say(self, ref: str, text: str, *, queue: bool = False, budget: Budget | None = None) -> Turn | Message:
        return await self.workbench.ask((await self.run(ref)).id, text, queue=queue, budget=budget)

    async def ask_run(self, ref: str, text: str, *, queue: bool = False, budget: Budget | None = None) -> str:
        run = await self.run(ref)
        turn = await self.workbench.turn_of(run.id, await self.say(run.id, text, queue=queue, budget=budget))
        if turn.status not in ("done", "cancelled"):
            why = (await in_own_thread(self.store.view, run.id)).error or f"The turn ended {turn.status}."
            raise Failed(f"{why} (`gristmill runs show {run.id}`)")
        return turn.id

    async def stop(self, ref: str) -> Run:
        return await self.workbench.stop(ref)

    async def start_notebook(
        self,
        name_or_path: str,
        params: Mapping[str, Any],
        *,
        only_below: Path | None = None,
        files: Mapping[str, Path] | None = None,
        options: Mapping[str, Any] | None = None,
        project: str | None = None,
    ) -> Run:
        own = await asyncio.to_thread(place_of, self.store.home, project)
        return await self.workbench.start_notebook(
            name_or_path, dict(params), only_below=only_below, files=files, options=options, project=own
        )

    async def reproduce(self, ref: str) -> Run:
        return await self.workbench.start_reproduce(ref)

    async def edit(self, ref: str, edit: Edit) -> Edited:
        return await self.workbench.edit(ref, edit)

    async def undo(self, ref: str) -> Undone:
        return await self.workbench.undo(ref)

    async def redo(self, ref: str) -> Redone:
        return await self.workbench.redo(ref)

    async def branch(self, ref: str, *, at: str | None = None) -> Run:
        return await self.workbench.branch(ref, at=at)

    async def diff(self, one: str, other: str) -> Difference:
        return await self.workbench.diff(one, other)

    async def cancel(self, ref: str) -> Run:
        return await self.workbench.cancel(ref)

    async def resume(self, ref: str, *, budget: Budget | None = None) -> Run:
        return await self.workbench.resume(ref, budget=budget)

    async def answer(self, ref: str, text: str, *, question_id: str | None = None) -> Run:
        return await self.workbench.answer(ref, text, question_id=question_id)

    async def decide(
        self,
        ref: str,
        decision: Decision,
        *,
        approval_id: str | None = None,
        edited: str | None = None,
        reason: str = "",
    ) -> Run:
        return await self.workbench.decide(ref, decision, approval_id=approval_id, edited=edited, reason=reason)

    def follow(self, run_id: str, after: int = 0) -> AsyncIterator[Event | TextDelta]:
        return self.workbench.follow(run_id, after)

    async def events(self, ref: str) -> list[Event]:
        return await in_own_thread(lambda: self.store.events(self.store.run(ref).id))

    async def run(self, ref: str) -> Run:
        return await asyncio.to_thread(self.store.run, ref)

    async def runs(
        self,
        *,
        limit: int = 50,
        offset: int = 0,
        status: RunStatus | None = None,
        agent: str | None = None,
        text: str | None = None,
        project: str | None = None,
    ) -> Listed[Run]:
        which: dict[str, Any] = {"status": status, "agent": agent, "text": text, "project": project}
        return await asyncio.to_thread(
            lambda: Listed(self.store.runs(limit=limit, offset=offset, **which), self.store.count_runs(**which))
        )

    async def artifact(self, ref: str) -> Artifact:
        return await asyncio.to_thread(self.store.artifact, ref)

    async def artifacts(
        self,
        *,
        run: str | None = None,
        role: ArtifactRole | None = None,
        text: str | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> Listed[Artifact]:
        which: dict[str, Any] = {"run_id": (await self.run(run)).id if run else None, "role": role, "text": text}
        return await asyncio.to_thread(
            lambda: Listed(
                self.store.artifacts(limit=limit, offset=offset, **which), self.store.count_artifacts(**which)
            )
        )

    async def read(self, artifact: Artifact) -> bytes:
        return await in_own_thread(self.store.read, artifact)

    async def write_out(self, ref: str, directory: Path) -> list[Path]:
        from notebooks import export

        run = await self.run(ref)
        return await in_own_thread(export.write_out, self.store, run.id, directory)

    async def query(self, sql: str, *, form: Form, rows: int, seconds: float) -> Answer:
        return await self.store.query(sql, form=form, rows=rows, seconds=seconds)

    async def check(self) -> AsyncIterator[Checked]:
        steps = check_record(self.store)
        while (step := await asyncio.to_thread(next, steps, None)) is not None:
            yield step

    async def export_record(self, directory: Path) -> list[Path]:
        return await asyncio.to_thread(self.store.upkeep.export, directory)

    async def backup(self, file: Path) -> None:
        await asyncio.to_thread(_write, file, self.store.upkeep.backup())

    async def prune(self, before: datetime, *, dry_run: bool = False) -> Pruned:
        pruned = await asyncio.to_thread(self.store.upkeep.prune, before, dry_run=dry_run)
        if not dry_run:
            await self.workbench.forget(pruned.runs)
        return pruned

    async def add_schedule(self, schedule: Schedule) -> Scheduled:
        await asyncio.to_thread(self._check, schedule)
        await asyncio.to_thread(self.store.schedules.add, schedule)
        return await asyncio.to_thread(self._scheduled, schedule, LATEST)

    async def change_schedule(self, ref: str, changes: Mapping[str, Any]) -> Scheduled:
        before = await asyncio.to_thread(self.store.schedules.get, ref)
        after = changed(before, changes, now())
        if set(changes) != {"paused"}:  # what cannot run as it stands can be paused all the same
            await asyncio.to_thread(self._check, after)
        await asyncio.to_thread(self.store.schedules.replace, after)
        return await asyncio.to_thread(self._scheduled, after, LATEST)

    def _check(self, schedule: Schedule) -> None:
        from notebooks.runner import locate

        check(schedule.cron, schedule.timezone)
        check_targets(self.targets, schedule.notify)
        if schedule.kind == "question":
            check_question(schedule.goal)
            if not schedule.files:
                raise Misuse("A question is asked of files; name at least one.")
        elif not schedule.template:
            raise Misuse("Name the notebook that the schedule is to run.")
        else:
            notebook = catalog.read(locate(schedule.template, self.workbench.templates))
            parameters.check(parameters.read_parameters(notebook), schedule.params)

    async def schedules(self) -> list[Scheduled]:
        return await asyncio.to_thread(lambda: [self._scheduled(s, LATEST) for s in self.store.schedules.all()])

    async def schedule(self, ref: str, *, limit: int = 20) -> Scheduled:
        return await asyncio.to_thread(lambda: self._scheduled(self.store.schedules.get(ref), limit))

    def _scheduled(self, schedule: Schedule, limit: int) -> Scheduled:
        due = None
        if not schedule.paused:
            zone = ZoneInfo(schedule.timezone)
            due = next_due(schedule, now()).astimezone(zone).isoformat(timespec="minutes")
        return Scheduled(schedule, due, tuple(self.store.schedules.fires(schedule.id, limit=limit)))

    async def fire(self, ref: str) -> Run:
        schedule = await asyncio.to_thread(self.store.schedules.get, ref)
        return await start_scheduled(self.workbench, schedule, model=self.model)

    async def remove_schedule(self, ref: str) -> Schedule:
        schedule = await asyncio.to_thread(self.store.schedules.get, ref)
        await asyncio.to_thread(self.store.schedules.remove, schedule.id)
        return schedule

    async def close(self) -> None:
        try:
            await self.workbench.close()
        finally:
            await asyncio.to_thread(self._unhook)
            await asyncio.to_thread(self.store.close)


def _usual_budget(settings: Settings) -> Budget | None:
    try:
        return read_budget(settings.budget) if settings.budget else None
    except InputError as error:
        raise Misuse(f"GRISTMILL_BUDGET: {error}") from error


def _write(file: Path, pieces: Iterable[bytes]) -> None:
    with file.open("wb") as out:
        out.writelines(pieces)
