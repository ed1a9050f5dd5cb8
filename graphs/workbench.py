"""Starts, follows, cancels and resumes runs. Every door (terminal, dashboard, REST, Python) comes through here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from artifacts.events import (
    Event,
    RunBegan,
    RunEnded,
    RunQueued,
    RunResumed,
    RunStarted,
    RunView,
    Said,
    TextDelta,
    Undone,
    apply,
)
from artifacts.store import Store, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import Decision, Message, Run, RunStatus, Turn, new_id
from graphs.agents import BadAgent
from graphs.agents import load as load_agents
from graphs.budget import Budget
from graphs.conversation import answered, changed_terms, decided, may_be_asked, model_of, next_turn, resolved
from graphs.editing import Difference, Editor
from graphs.errors import InputError
from graphs.inputs import check_files, check_question, check_roles
from graphs.look import unreadable
from graphs.models.base import Model
from graphs.queue import Queue, usual_limit
from graphs.request import Request, Terms
from graphs.worker import Worker, loose_ends
from kernel_gateway.client import Host
from kernel_gateway.isolation import Sizes
from notebooks import projects
from notebooks.aio import see_through
from notebooks.errors import NotebookError
from notebooks.files import media_type, safe_name
from notebooks.live.editing import Edit, Edited
from notebooks.projects import ProjectError
from notebooks.reproduce import keep_reproduction
from notebooks.runner import keep_notebook

type Stopping = Literal["stopped", "cancelled", "interrupted"]
"""Why work is broken off: the turn is stopped, the run is cancelled, or this process ends."""

_log = logging.getLogger(__name__)


class Workbench:
    """Carries out runs on one store. Make one for a process, use it within one event loop, and close it at the end.

    `rerun` says whether reviews run the notebook again in a fresh sandbox, and `budget` what a run may use, where a
    request does not say it. At most `limit` runs work at a time (default: `queue.usual_limit`); those beyond wait in
    line, whatever they are. What a run needs is in the record before it waits. What a run begins within itself, such
    as the review's second run, is part of it and never waits.

    A run that an earlier process left running is recorded as interrupted when the workbench is made: the store is
    open here alone, so nobody else can be working on it. One that it left waiting waits on, until `take_up`.
    """

    def __init__(
        self,
        store: Store,
        *,
        isolation: str = "bubblewrap",
        templates: Path | None = None,
        rerun: bool = True,
        limit: int | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.store = store
        self.isolation = isolation
        self.rerun, self.budget = rerun, budget
        self.templates = templates or store.home / "templates"
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping: dict[str, Stopping] = {}
        self._closing = False
        self._deciding = asyncio.Lock()
        self.queue = Queue(limit or usual_limit(local=not _in_cloud()), self._record_places)
        self._editor = Editor(store, self.host)
        self._worker = Worker(
            store,
            self._editor,
            isolation=isolation,
            templates=self.templates,
            rerun=rerun,
            stopped_as=self._stopped_as,
            end_turn=self._end,
        )
        for run in store.runs(status="running", limit=10_000):
            self._mark_interrupted(run)

    async def start(self, request: Request) -> Run:
        """Begin a run, or let it wait for its turn, and return at once. Its files are stored by then, and may go.

        Raises InputError, before there is a run, for a question or a file that cannot be worked on, or a model that
        cannot be meant.
        """
        self._must_be_open()
        questions = [q.model_copy(update={"text": check_question(q.text)}) for q in request.asked]
        goal = check_question(request.goal) if len(questions) < 2 else request.goal.strip()
        files = await in_own_thread(check_files, request.files, None if _in_cloud() else Sizes.of_machine())
        await in_own_thread(check_roles, files, request.roles)
        model = resolved(request.model)
        await in_own_thread(self._must_be_known, request.terms)
        rerun = self.rerun if request.rerun is None else request.rerun
        terms = request.terms.model_copy(update={"budget": request.terms.budget or self.budget})
        run = Run(
            id=request.run_id or new_id("run"),
            goal=goal,
            agent="ask" if questions else "analysis",
            model="playbook" if model.rule_based else model.name,
            params={"files": [safe_name(f.name) for f in files], "roles": request.roles}
            | ({"questions": [q.model_dump(mode="json") for q in questions]} if questions else {"rerun": rerun})
            | terms.model_dump(mode="json", exclude_defaults=True, exclude_none=True),
            parent_id=request.parent_id,
        )
        await self.store.append(RunStarted(run_id=run.id, run=run))
        try:
            for file in files:
                name = safe_name(file.name)
                await self.store.put(file, name=name, media_type=media_type(name), role="input", run_id=run.id)
        except StoreError as error:
            await self._worker.end(run.id, "failed", str(error))
            return self.store.run(run.id)
        return await self._launch(run, model)

    async def start_notebook(
        self,
        name_or_path: str,
        params: dict[str, Any],
        *,
        parent_id: str | None = None,
        only_below: Path | None = None,
        run_id: str | None = None,
        files: Mapping[str, Path] | None = None,
        options: Mapping[str, Any] | None = None,
        project: Mapping[str, str] | None = None,
    ) -> Run:
        """Begin to run a notebook file or a template by its name, or let it wait for its turn, and return at once.

        Its files are stored by then, and may go. `only_below` is the one folder of which files are read, for a request
        of somebody else's. `files` lie beside the notebook, by their names there; `options` are those of
        `notebooks.engine`; `project` names a project and its environment. `run_id` is the id that the run is to have,
        for a caller who must know it before there is a run. Raises InputError, before there is a run, for a notebook or
        parameters that cannot be run.
        """
        self._must_be_open()
        try:
            run = await keep_notebook(
                self.store,
                name_or_path,
                params,
                parent_id=parent_id,
                only_below=only_below,
                run_id=run_id,
                files=files,
                options=options,
                project=project,
            )
        except NotebookError as error:
            raise InputError(str(error)) from error
        return await self._launch(run, None)

    async def start_reproduce(self, run_ref: str) -> Run:
        """Begin to run the notebook of a run again in a fresh sandbox, or let it wait; returns the new run at once.

        It can be followed and waited for like any other. Raises BadNotebook for a run without a finished cell.
        """
        self._must_be_open()
        return await self._launch(await keep_reproduction(self.store, self.store.run(run_ref).id), None)

    async def take_up(self) -> None:
        """Let the runs that waited when an earlier process stopped wait here again, in their order.

        Those that waited for a person go on where the answer came and nobody took them up any more. For a program that
        stays, before it lets new runs in.
        """
        for waiting in await in_own_thread(self.store.runs, status="waiting", limit=10_000):
            await self._go_on(waiting.id)
        for run in await in_own_thread(self._left_waiting):
            try:
                await self._launch(run, model_of(run))
            except InputError as error:
                await self._worker.end(run.id, "failed", str(error))

    async def wait(self, run_id: str) -> Run:
        """The run once it has ended here; a run that is not in flight as it stands."""
        run = self.store.run(run_id)
        if run.id in self._tasks:
            await asyncio.wait([self._tasks[run.id]])
        return self.store.run(run.id)

    async def cancel(self, run_ref: str) -> Run:
        """Stop a run; what it made is kept and reported. A run that has ended is left as it is."""
        run = self.store.run(run_ref)
        if run.id in self._tasks:
            self._stop(run.id, "cancelled")
            run = await self.wait(run.id)
        if run.status in ("queued", "running", "waiting", "interrupted"):
            await self._worker.end(run.id, "cancelled")
        return self.store.run(run.id)

    async def resume(self, run_ref: str, *, budget: Budget | None = None) -> Run:
        """Go on with a run that was interrupted, failed or was cancelled, from its last finished step.

        `budget` has the limits that are others from now on; what the run has used counts.

        Raises InputError for one that is done, that reproduces another, or that ended because its file is no table.
        """
        self._must_be_open()
        run = self.store.run(run_ref)
        if run.id in self._worker.finishing:  # its end is recorded, and its sandbox is just being closed
            await self.wait(run.id)
        if run.id in self._tasks:
            return run
        if run.status == "done":
            raise InputError(f"{run.id} is done; there is nothing to resume. Ask the question again for a new run.")
        if run.agent == "reproduce" and run.status != "queued":
            raise InputError(f"{run.id} reproduces {run.parent_id}; start that again: it must run from the beginning.")
        if unreadable(await in_own_thread(self.store.view, run.id)):
            raise InputError(f"The file of {run.id} is no table that can be read. Mend the file and ask again.")
        model = model_of(run)
        await self._editor.leave(run.id)
        await self.store.append(RunResumed(run_id=run.id, params=changed_terms(run, budget)))
        return await self._launch(self.store.run(run.id), model)

    async def ask(
        self, run_ref: str, text: str, *, by: str = "person", queue: bool = False, budget: Budget | None = None
    ) -> Turn | Message:
        """Say something to a run; returns at once, with it recorded.

        A run at rest begins a turn, which is returned. While a turn is under way the message is returned: a model is
        told it before its next step; with `queue`, or when nobody was told it before the turn's end, it becomes the
        next turn by itself. `budget` has the limits that are others from this turn on.

        Raises InputError for a run that answers no questions or that was interrupted, and for a budget that would
        change under a turn's hands.
        """
        self._must_be_open()
        text = check_question(text)
        run = self.store.run(run_ref)
        async with self._deciding:  # of two who ask at once, one is first
            view = await in_own_thread(self.store.view, run.id)
            model = may_be_asked(view)
            message = Message(id=new_id("msg"), text=text, by=by)
            if view.turn is not None:
                if budget is not None:
                    raise InputError("The budget of a run can be changed when its turn is over, not under its hands.")
                message = message.model_copy(update={"steers": not queue})
                await self.store.append(Said(run_id=run.id, message=message))
                return message
            if (working := self._tasks.get(run.id)) is not None:  # its end is recorded: its sandbox is being laid down
                await asyncio.wait([working])
            turn, begun = next_turn(view, message, budget)
            await self.store.append_all([Said(run_id=run.id, message=message), *begun])
            await self._launch(self.store.run(run.id), model)
            return turn

    async def turn_of(self, run_ref: str, said: Turn | Message) -> Turn:
        """The turn that took up what was said, once it is over.

        Raises InputError where the run stops before that: it waits for a person, or was interrupted.
        """
        run_id = self.store.run(run_ref).id
        while True:
            working = self._tasks.get(run_id)
            view = await in_own_thread(self.store.view, run_id)
            taken = said.id if isinstance(said, Turn) else next(m.turn_id for m in view.messages if m.id == said.id)
            turn = next((t for t in view.turns if t.id == taken), None)
            if turn is not None and turn.status != "running":
                return turn
            if working is None:
                raise InputError(_stands(view))
            await asyncio.wait([working])

    async def stop(self, run_ref: str) -> Run:
        """End the turn that is under way, as cancelled; the run stays open for the next one. At rest nothing happens.

        What was said meanwhile and not taken up becomes the next turn.
        """
        run = self.store.run(run_ref)
        if (working := self._tasks.get(run.id)) is not None:
            self._stop(run.id, "stopped")
            await asyncio.wait([working])
        elif run.status == "waiting":
            await self._end(RunEnded(run_id=run.id, status="cancelled"))
        return self.store.run(run.id)

    async def answer(self, run_ref: str, text: str, *, question_id: str | None = None, by: str = "person") -> Run:
        """Answer what an agent asked, the oldest open question where none is named; the run goes on.

        Only the first answer counts. Raises InputError where nothing is asked, or where it has been answered.
        """
        self._must_be_open()
        run = self.store.run(run_ref)
        async with self._deciding:
            view = await in_own_thread(self.store.view, run.id)
            await self.store.append(answered(view, text, question_id, by))
        return await self._go_on(run.id)

    async def decide(
        self,
        run_ref: str,
        decision: Decision,
        *,
        approval_id: str | None = None,
        edited: str | None = None,
        reason: str = "",
        by: str = "person",
    ) -> Run:
        """Decide on a step that waits, the oldest where none is named; the run goes on.

        `edited` are the arguments in place of the agent's, as JSON text. Only the first decision counts. Raises
        InputError where nothing waits, where it was decided, or for arguments that are no JSON object.
        """
        self._must_be_open()
        run = self.store.run(run_ref)
        async with self._deciding:
            view = await in_own_thread(self.store.view, run.id)
            await self.store.append(decided(view, decision, approval_id, edited, reason, by))
        return await self._go_on(run.id)

    async def _end(self, end: RunEnded) -> None:
        """Record the end of a turn; where something was said meanwhile that nobody took up, the next one begins.

        Both are recorded at once: nobody who follows the run sees an end between them, and no kill can part them.
        """
        run_id = end.run_id
        async with self._deciding:
            view = await in_own_thread(self.store.view, run_id)
            model = None
            if view.undelivered and not self._closing and end.status != "interrupted" and end.status != "waiting":
                with contextlib.suppress(InputError):
                    model = may_be_asked(apply(view, end))
            if model is None or self._stopping.get(run_id) == "cancelled":
                await self.store.append(end)
                return
            _, begun = next_turn(view, view.undelivered[0])
            await self.store.append_all([end, *begun])
            run = self.store.run(run_id)
            if (working := self._tasks.get(run_id)) is None:
                await self._launch(run, model)
                return
            self._stopping.pop(run_id, None)
            self._worker.finishing.discard(run_id)
            self._keep(run_id, asyncio.create_task(self._behind(working, run, model), name=run_id))

    async def _behind(self, working: asyncio.Task[None], run: Run, model: Model) -> None:
        """Work on a run's next turn, in the place that the one before has had among those that work."""
        _, cancelled = await see_through(asyncio.wait([working]))
        if cancelled:
            await self._worker.end(run.id, self._stopped_as(run.id))
            return
        await self._worker.work_on(run, model)

    def _keep(self, run_id: str, task: asyncio.Task[None]) -> None:
        self._tasks[run_id] = task
        task.add_done_callback(lambda done: self._landed(run_id, done))

    async def _go_on(self, run_id: str) -> Run:
        """Take up a run that waited for a person, unless something else is still open in it."""
        if run_id in self._tasks:  # it is just being laid down
            await self.wait(run_id)
        view = await in_own_thread(self.store.view, run_id)
        still = view.open_questions or view.open_approvals
        return view.run if still or view.run.status != "waiting" else await self.resume(run_id)

    async def edit(self, run_ref: str, edit: Edit) -> Edited:
        """Edit the notebook of a run that is at rest, and run what depends on that.

        Raises EditError for what cannot be done and Outdated for an edit of an older version, with nothing changed.
        """
        self._must_be_open()
        return await self._editor.edit(await self._at_rest(run_ref), edit)

    async def undo(self, run_ref: str, *, by: str = "person") -> Undone:
        """Take back the last turn or edit of a run. Raises EditError where there is none."""
        self._must_be_open()
        return await self._editor.undo(await self._at_rest(run_ref), by)

    async def branch(self, run_ref: str, *, at: str | None = None) -> Run:
        """A new run that shares the past of this one, up to the end of turn `at`. Raises InputError without it."""
        self._must_be_open()
        return await self._editor.branch(self.store.run(run_ref), at)

    async def diff(self, one: str, other: str) -> Difference:
        """How two runs differ: messages, cells, outputs, values, findings and files."""
        return await self._editor.diff(self.store.run(one), self.store.run(other))

    async def host(self) -> Host:
        """Where sandboxes and volumes are had, started if need be. Raises GatewayError where none can be had."""
        return await self._worker.host()

    async def forget(self, run_ids: Iterable[str]) -> None:
        """Drop where these runs would be taken up again: they are not in the record any more."""
        gone = list(run_ids)
        for run_id in gone:
            await self._editor.leave(run_id)
        await self._worker.forget(gone)

    def follow(self, run_id: str, after: int = 0) -> AsyncIterator[Event | TextDelta]:
        """The events of a run past `after`, then each new one as it comes, until it ends.

        Of a run that nobody is going to begin, since it waits for a server to take it up, only what is known.
        """
        if run_id not in self._tasks and self.store.run(run_id).status == "queued":
            return self._known(run_id, after)
        return self.store.follow(run_id, after)

    async def close(self) -> None:
        """Interrupt the runs in flight, which can be resumed later, and stop the gateway if this process started it.

        No run begins after that. Those that wait keep their places in the record, for `take_up` or `resume`.
        """
        self._closing = True
        await self.queue.close()
        for run_id in list(self._tasks):
            self._stop(run_id, "interrupted")
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        await self._editor.close()
        self.store.release()  # nothing more comes for those who watch a run that waits
        await self._worker.close()

    def _must_be_known(self, terms: Terms) -> None:
        """Raise InputError for an agent or a project that there is not."""
        home, project = self.store.home, terms.project
        try:
            if project is not None:
                projects.get(home, project)
            if terms.agent is not None:
                load_agents(projects.folders(home, project, "agents")).choose(terms.agent)
        except (BadAgent, ProjectError) as error:
            raise InputError(str(error)) from error

    async def _at_rest(self, run_ref: str) -> Run:
        run = self.store.run(run_ref)
        if run.id in self._worker.finishing:  # its end is recorded, and its sandbox is just being laid down
            await asyncio.wait([self._tasks[run.id]])
        if run.id in self._tasks:
            raise InputError(f"{run.id} is being worked on. Wait for its end, or stop it first.")
        return self.store.run(run.id)

    def _must_be_open(self) -> None:
        if self._closing:
            raise InputError("Gristmill is being stopped, so no run can begin. Start it again first.")

    def _stopped_as(self, run_id: str) -> Literal["cancelled", "interrupted"]:
        return "interrupted" if self._stopping.get(run_id, "interrupted") == "interrupted" else "cancelled"

    async def _known(self, run_id: str, after: int) -> AsyncIterator[Event]:
        for event in await in_own_thread(self.store.events, run_id, after):
            yield event

    def _left_waiting(self) -> list[Run]:
        """The runs that an earlier process left waiting, those that waited longest first."""
        views = [self.store.view(run.id) for run in self.store.runs(status="queued", limit=10_000)]
        since: dict[str, datetime] = {v.run.id: v.queued.since for v in views if v.queued is not None}
        return sorted((v.run for v in views), key=lambda run: since[run.id])

    async def _launch(self, run: Run, model: Model | None) -> Run:
        """Have a run carried out when its turn comes; returns it as it is then: running, or queued with its place."""
        if run.status not in ("queued", "running") or run.id in self._tasks:
            return run  # its inputs could not be kept, or somebody was quicker
        if self._closing:  # while its inputs were kept
            await self._worker.end(run.id, "interrupted")
            return self.store.run(run.id)
        place = self.queue.join(run.id)
        waits = place is not None or run.status == "queued"
        task = asyncio.create_task(self._in_turn(run, model, waits), name=run.id)
        self._keep(run.id, task)
        if place is not None:
            await self.store.append(place)
        return self.store.run(run.id)

    async def _in_turn(self, run: Run, model: Model | None, waits: bool) -> None:
        """Wait for the run's turn, then work on it. One that is cancelled before has nothing else to be recorded."""
        try:
            await self.queue.turn(run.id)
        except asyncio.CancelledError:
            self.queue.leave(run.id)  # first, so that nothing is told of its place behind its end
            if self._stopped_as(run.id) == "cancelled":
                await self._worker.end(run.id, "cancelled")
            return
        _, cancelled = await see_through(self._begin(run.id, waits))
        if cancelled:
            await self._worker.end(run.id, self._stopped_as(run.id))
            return
        await self._worker.work_on(run, model)

    async def _begin(self, run_id: str, waits: bool) -> None:
        """Say that a run begins if it has waited; of the sandboxes that are idle so many stay as places are free."""
        if waits:
            await self.store.append(RunBegan(run_id=run_id))
        await self._editor.make_room(self.queue.limit - self.queue.running, but=run_id, serving=False)

    async def _record_places(self, places: Sequence[RunQueued]) -> None:
        try:
            await self.store.append_all(places)
        except StoreError as problem:
            _log.warning("places in the queue could not be recorded: %s", problem)

    def _landed(self, run_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks[run_id] is task:  # else the next turn has its place
            del self._tasks[run_id]
            self.queue.leave(run_id)
            self._stopping.pop(run_id, None)
            self._worker.finishing.discard(run_id)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("%s ended by a fault of ours", run_id, exc_info=fault)

    def _stop(self, run_id: str, how: Stopping) -> None:
        if run_id not in self._worker.finishing and run_id not in self._stopping:
            self._stopping[run_id] = how
            self._tasks[run_id].cancel()

    def _mark_interrupted(self, run: Run) -> None:
        view = self.store.view(run.id)
        for event in loose_ends(view):
            self.store.append_sync(event)
        if view.turn is None:  # its notebook was being edited: it stands as it did before, with stale cells
            self.store.append_sync(RunEnded(run_id=run.id, status=_rested(view), error=view.error))
            return
        ended = "The program that worked on it ended before the run did; "
        sentence = f"{ended}`gristmill runs resume {run.id}` goes on from the last finished step."
        last = self.store.events(run.id, after=view.last_seq - 1)[
            -1
        ].at  # it was worked on until then, and not till now
        self.store.append_sync(RunEnded(run_id=run.id, status="interrupted", error=sentence, at=last))


def _rested(view: RunView) -> RunStatus:
    """How a run stands whose turns have all ended."""
    status = view.turns[-1].status
    return "interrupted" if status == "running" else status


def _stands(view: RunView) -> str:
    """Why a turn is not over though nobody works on it."""
    run = view.run
    if view.open_questions:
        return f"{run.id} waits for an answer: {view.open_questions[0].text}"
    if view.open_approvals:
        return f"{run.id} waits for approval of a call of {view.open_approvals[0].tool}."
    return view.error or f"{run.id} is {run.status}, and what was said waits in it."


def _in_cloud() -> bool:
    """Whether sandboxes are in E2B's cloud; what one holds there is not known from here."""
    return bool(os.environ.get("E2B_API_KEY")) and os.environ.get("GRISTMILL_SANDBOX") != "local"
