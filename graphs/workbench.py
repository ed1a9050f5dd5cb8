"""Starts, follows, cancels and resumes runs. Every door (terminal, dashboard, REST, Python) comes through here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.events import Event, Redone, RunEnded, RunResumed, RunStarted, Said, TextDelta, Undone, apply
from artifacts.store import Put, Store, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import Decision, Message, Run, Turn, new_id
from graphs.admitting import admitted
from graphs.budget import Budget
from graphs.conversation import answered, changed_terms, decided, may_be_asked, model_of, next_turn, stands
from graphs.editing import Editor
from graphs.errors import InputError
from graphs.inflight import InFlight
from graphs.inputs import check_question, in_cloud
from graphs.leftovers import left_waiting, mark_interrupted
from graphs.look import unreadable
from graphs.queue import usual_limit
from graphs.request import Request
from graphs.worker import Worker
from kernel_gateway.client import Host
from notebooks.errors import NotebookError
from notebooks.files import media_type, safe_name

if TYPE_CHECKING:
    from graphs.difference import Difference
    from notebooks.live.edits import Edit, Edited


class Workbench:
    """Carries out runs on one store. Make one for a process, use it within one event loop, and close it at the end.

    `rerun` says whether reviews run the notebook again in a fresh sandbox, and `budget` what a run may use, where a
    request does not say it. At most `limit` runs work at a time (default: `queue.usual_limit`); those beyond wait in
    line, whatever they are. What a run needs is in the record before it waits. What a run begins within itself, such
    as the review's second run, is part of it and never waits.

    With `leaves` the sandboxes of runs that are edited and asked on are left to the next process, for a while;
    else they end with this one.

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
        leaves: bool = False,
    ) -> None:
        self.store = store
        self.isolation = isolation
        self.rerun, self.budget, self._leaves = rerun, budget, leaves
        self.templates = templates or store.home / "templates"
        self._deciding = asyncio.Lock()
        self._editor = Editor(store, self.host)
        self._worker = Worker(
            store,
            self._editor,
            isolation=isolation,
            templates=self.templates,
            rerun=rerun,
            stopped_as=lambda run_id: self._in_flight.stopped_as(run_id),
            end_turn=self._end,
        )
        limit = limit or usual_limit(local=not in_cloud())
        self._in_flight = InFlight(store, self._worker, self._editor, limit)
        self.queue = self._in_flight.queue
        mark_interrupted(store)

    async def start(self, request: Request) -> Run:
        """Begin a run, or let it wait for its turn, and return at once. Its files are stored by then, and may go.

        Raises InputError, before there is a run, for a question or a file that cannot be worked on, or a model that
        cannot be meant.
        """
        self._must_be_open()
        run, files, model = await admitted(request, self.store.home, rerun=self.rerun, budget=self.budget)
        begun = RunStarted(run_id=run.id, run=run)
        names = [safe_name(file.name) for file in files]
        inputs = [Put(f, name, media_type(name), "input") for f, name in zip(files, names, strict=True)]
        try:
            await self.store.put_all(inputs, run_id=run.id, first=[begun])  # at once: a kill leaves no run without them
        except StoreError as error:
            await self.store.append_all([begun, RunEnded(run_id=run.id, status="failed", error=str(error))])
            return self.store.run(run.id)
        return await self._in_flight.launch(run, model)

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
        from notebooks.runner import keep_notebook

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
        return await self._in_flight.launch(run, None)

    async def start_reproduce(self, run_ref: str) -> Run:
        """Begin to run the notebook of a run again in a fresh sandbox, or let it wait; returns the new run at once.

        It can be followed and waited for like any other. Raises BadNotebook for a run without a finished cell.
        """
        from notebooks.reproduce import keep_reproduction

        self._must_be_open()
        return await self._in_flight.launch(await keep_reproduction(self.store, self.store.run(run_ref).id), None)

    async def take_up(self) -> None:
        """Let the runs that waited when an earlier process stopped wait here again, in their order.

        Those that waited for a person go on where the answer came and nobody took them up any more. For a program that
        stays, before it lets new runs in.
        """
        for waiting in await in_own_thread(self.store.runs, status="waiting", limit=10_000):
            try:
                await self._go_on(waiting.id)
            except InputError as error:
                await self._worker.end(waiting.id, "failed", str(error))
        for run in await in_own_thread(left_waiting, self.store):
            try:
                await self._in_flight.launch(run, model_of(run))
            except InputError as error:
                await self._worker.end(run.id, "failed", str(error))

    async def wait(self, run_id: str) -> Run:
        """The run once it has ended here; a run that is not in flight as it stands."""
        run = self.store.run(run_id)
        await self._in_flight.wait(run.id)
        return self.store.run(run.id)

    async def cancel(self, run_ref: str) -> Run:
        """Stop a run; what it made is kept and reported. A run that has ended is left as it is."""
        run = self.store.run(run_ref)
        if run.id in self._in_flight.tasks:
            self._in_flight.stop(run.id, "cancelled")
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
        if run.id in self._in_flight.tasks:
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
        return await self._in_flight.launch(self.store.run(run.id), model)

    async def ask(
        self, run_ref: str, text: str, *, by: str = "person", queue: bool = False, budget: Budget | None = None
    ) -> Turn | Message:
        """Say something to a run; returns at once, with it recorded.

        A run at rest begins a turn, which is returned. While a turn is under way the message is returned: a model is
        told it before its next step; with `queue`, or where no model works, or when nobody was told it before the
        turn's end, it becomes the next turn by itself. `budget` has the limits that are others from this turn on.

        Raises InputError for a run that answers no questions or that was interrupted, and for a budget that would
        change under a turn's hands.
        """
        self._must_be_open()
        text = check_question(text)
        run = self.store.run(run_ref)
        resting = (await in_own_thread(self.store.view, run.id)).turn is None
        quiet = self._editor.undisturbed(run.id) if resting else contextlib.nullcontext()
        async with quiet, self._deciding:  # the end of an edit would end the turn; of two who ask at once, one is first
            view = await in_own_thread(self.store.view, run.id)
            model = may_be_asked(view)
            message = Message(id=new_id("msg"), text=text, by=by)
            if view.turn is not None:
                if budget is not None:
                    raise InputError("The budget of a run can be changed when its turn is over, not under its hands.")
                message = message.model_copy(update={"steers": not (queue or model.rule_based)})
                await self.store.append(Said(run_id=run.id, message=message))
                return message
            await self._in_flight.wait(run.id)  # its end may be recorded while its sandbox is being laid down
            turn, begun = next_turn(view, message, budget)
            await self.store.append_all([Said(run_id=run.id, message=message), *begun])
            await self._in_flight.launch(self.store.run(run.id), model)
            return turn

    async def turn_of(self, run_ref: str, said: Turn | Message) -> Turn:
        """The turn that took up what was said, once it is over.

        Raises InputError where the run stops before that: it waits for a person, or was interrupted.
        """
        run_id = self.store.run(run_ref).id
        while True:
            working = self._in_flight.tasks.get(run_id)
            view = await in_own_thread(self.store.view, run_id)
            taken = said.id if isinstance(said, Turn) else next(m.turn_id for m in view.messages if m.id == said.id)
            turn = next((t for t in view.turns if t.id == taken), None)
            if turn is not None and turn.status != "running":
                return turn
            if working is None:
                raise InputError(stands(view))
            await asyncio.wait([working])

    async def stop(self, run_ref: str) -> Run:
        """End the turn that is under way, as cancelled; the run stays open for the next one. At rest nothing happens.

        What was said meanwhile and not taken up becomes the next turn.
        """
        run = self.store.run(run_ref)
        if run.id in self._in_flight.tasks:
            self._in_flight.stop(run.id, "stopped")
            await self._in_flight.wait(run.id)
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
            end = end.model_copy(update={"outcome": view.outcome})
            model = None
            if view.undelivered and not self._in_flight.closed and end.status not in ("interrupted", "waiting"):
                with contextlib.suppress(InputError):
                    model = may_be_asked(apply(view, end))
            if model is None or self._in_flight.stopping.get(run_id) == "cancelled":
                await self.store.append(end)
                return
            _, begun = next_turn(view, view.undelivered[0])
            await self.store.append_all([end, *begun])
            await self._in_flight.launch_next(self.store.run(run_id), model)

    async def _go_on(self, run_id: str) -> Run:
        """Take up a run that waited for a person, unless something else is still open in it."""
        if run_id in self._in_flight.tasks:  # it is just being laid down
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

    async def redo(self, run_ref: str, *, by: str = "person") -> Redone:
        """Put back what was taken back last. Raises EditError where nothing was, or something was done since."""
        self._must_be_open()
        return await self._editor.redo(await self._at_rest(run_ref), by)

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
        if run_id not in self._in_flight.tasks and self.store.run(run_id).status == "queued":
            return self._known(run_id, after)
        return self.store.follow(run_id, after)

    async def close(self) -> None:
        """Interrupt the runs in flight, which can be resumed later, and stop the gateway if this process started it.

        The gateway goes on where a sandbox is left there.

        No run begins after that. Those that wait keep their places in the record, for `take_up` or `resume`.
        """
        await self._in_flight.close()
        left = await self._editor.leave_all() if self._leaves else False
        await self._editor.close()
        self.store.release()  # nothing more comes for those who watch a run that waits
        await self._worker.close(left=left)

    async def _at_rest(self, run_ref: str) -> Run:
        run = self.store.run(run_ref)
        if run.id in self._worker.finishing:  # its end is recorded, and its sandbox is just being laid down
            await self._in_flight.wait(run.id)
        if run.id in self._in_flight.tasks:
            raise InputError(f"{run.id} is being worked on. Wait for its end, or stop it first.")
        return self.store.run(run.id)

    def _must_be_open(self) -> None:
        if self._in_flight.closed:
            raise InputError("Gristmill is being stopped, so no run can begin. Start it again first.")

    async def _known(self, run_id: str, after: int) -> AsyncIterator[Event]:
        for event in await in_own_thread(self.store.events, run_id, after):
            yield event
