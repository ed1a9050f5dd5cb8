"""Starts, follows, cancels and resumes runs. Every door (terminal, dashboard, REST, Python) comes through here."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from artifacts.events import Event, ExecutionEnded, RunEnded, RunResumed, RunStarted, RunView, StepEnded, TextDelta
from artifacts.store import Store, StoreError
from artifacts.types import Run, RunStatus, Value, new_id
from graphs.errors import GraphError, InputError
from graphs.inputs import check_files, check_question
from graphs.look import unreadable
from graphs.models import resolve
from graphs.models.base import Model, ModelError
from graphs.state import Desk
from kernel_gateway.client import GatewayError, Host, find_host, load_sdk, stop_host
from kernel_gateway.isolation import Sizes
from notebooks.again import Again
from notebooks.catalog import catalog
from notebooks.errors import NotebookError
from notebooks.export import save_report
from notebooks.files import media_type, safe_name
from notebooks.reproduce import reproduce
from notebooks.runner import resume_notebook, run_notebook
from notebooks.session import Session

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

_STEPS = 1_000  # steps of the graph that LangGraph allows; our own limits end a run long before
_log = logging.getLogger(__name__)


class Request(Value):
    """A question of some files. `roles` may name target, time, unit and assignment columns; `model` as in `--model`.

    `rerun` says whether the review runs the notebook again in a fresh sandbox; None: as the workbench does.
    """

    question: str
    files: tuple[Path, ...] = ()
    model: str | None = None
    roles: dict[str, str] = Field(default_factory=dict)
    parent_id: str | None = None
    rerun: bool | None = None


class Workbench:
    """Carries out runs on one store. Make one for a process, use it within one event loop, and close it at the end.

    `rerun` says whether reviews run the notebook again in a fresh sandbox where a request does not say it.

    A run that an earlier process left running is recorded as interrupted when the workbench is made: the store is
    open here alone, so nobody else can be working on it.
    """

    def __init__(
        self, store: Store, *, isolation: str = "bubblewrap", templates: Path | None = None, rerun: bool = True
    ) -> None:
        self.store = store
        self.isolation = isolation
        self.rerun = rerun
        self.templates = templates or store.home / "templates"
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping: dict[str, Literal["cancelled", "interrupted"]] = {}
        self._finishing: set[str] = set()
        self._closing = False
        self._hosts: list[Host] = []
        self._one_at_a_time = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._saver: AsyncSqliteSaver | None = None
        for run in store.runs(status="running", limit=10_000):
            self._mark_interrupted(run)

    async def start(self, request: Request) -> Run:
        """Begin a run and return at once. The inputs are stored before this returns, so the files may go then.

        Raises InputError, before there is a run, for a question or a file that cannot be worked on, or a model that
        cannot be meant.
        """
        self._must_be_open()
        question = check_question(request.question)
        files = await asyncio.to_thread(check_files, request.files, self._sizes())
        model = _resolve(request.model)
        rerun = self.rerun if request.rerun is None else request.rerun
        run = Run(
            id=new_id("run"),
            goal=question,
            model="playbook" if model.rule_based else model.name,
            params={"files": [safe_name(f.name) for f in files], "roles": request.roles, "rerun": rerun},
            parent_id=request.parent_id,
        )
        await self.store.append(RunStarted(run_id=run.id, run=run))
        try:
            for file in files:
                name = safe_name(file.name)
                await self.store.put(file, name=name, media_type=media_type(name), role="input", run_id=run.id)
        except StoreError as error:
            await self._end(run.id, "failed", str(error))
            return self.store.run(run.id)
        if self._closing:  # while the inputs were stored
            await self._end(run.id, "interrupted")
            return self.store.run(run.id)
        self._launch(run.id, self._carry_out(run, model))
        return run

    async def start_notebook(
        self,
        name_or_path: str,
        params: dict[str, Any],
        *,
        out: Path | None = None,
        parent_id: str | None = None,
        only_below: Path | None = None,
        files: Mapping[str, Path] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Run:
        """Begin to run a notebook file or a template by its name, and return at once. `out` receives it, executed.

        `only_below` is the one folder of which files are read, for a request of somebody else's. `files` lie beside the
        notebook, by their names there; `options` are those of `notebooks.engine`.

        Raises InputError, before there is a run, for a notebook or parameters that cannot be run, and GatewayError
        where no sandbox can be had.
        """
        self._must_be_open()
        host, status = await self._host(), self._stopped_as
        try:
            return await self._begin(
                lambda began: run_notebook(
                    self.store,
                    host,
                    name_or_path,
                    params,
                    out=out,
                    parent_id=parent_id,
                    started=began,
                    stopped_as=status,
                    only_below=only_below,
                    files=files,
                    options=options,
                )
            )
        except NotebookError as error:
            raise InputError(str(error)) from error

    async def start_reproduce(self, run_ref: str) -> Run:
        """Begin to run the notebook of a run again in a fresh sandbox, and return the new run at once.

        It can be followed and waited for like any other. Raises BadNotebook for a run without a finished cell.
        """
        self._must_be_open()
        host, original = await self._host(), self.store.run(run_ref).id
        return await self._begin(
            lambda began: reproduce(self.store, host, original, started=began, stopped_as=self._stopped_as)
        )

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
            return await self.wait(run.id)
        if run.status in ("queued", "running", "interrupted"):
            await self._end(run.id, "cancelled")
        return self.store.run(run.id)

    async def resume(self, run_ref: str) -> Run:
        """Go on with a run that was interrupted, failed or was cancelled, from its last finished step.

        Raises InputError for one that is done, that reproduces another, or that ended because its file is no table.
        """
        self._must_be_open()
        run = self.store.run(run_ref)
        if run.id in self._finishing:  # its end is recorded, and its sandbox is just being closed
            await self.wait(run.id)
        if run.id in self._tasks:
            return run
        if run.status == "done":
            raise InputError(f"{run.id} is done; there is nothing to resume. Ask the question again for a new run.")
        if run.agent == "reproduce":
            raise InputError(f"{run.id} reproduces {run.parent_id}; start that again: it must run from the beginning.")
        if unreadable(await asyncio.to_thread(self.store.view, run.id)):
            raise InputError(f"The file of {run.id} is no table that can be read. Mend the file and ask again.")
        if run.agent == "notebook":
            host = await self._host()
            await self.store.append(RunResumed(run_id=run.id))
            work = asyncio.create_task(resume_notebook(self.store, host, run.id, stopped_as=self._stopped_as))
            self._launch(run.id, self._carry_out_notebook(run, work))
        else:
            model = _resolve(run.model)
            await self.store.append(RunResumed(run_id=run.id))
            self._launch(run.id, self._carry_out(run, model))
        return self.store.run(run.id)

    def follow(self, run_id: str, after: int = 0) -> AsyncIterator[Event | TextDelta]:
        """The events of a run past `after`, then each new one as it comes, until it ends."""
        return self.store.follow(run_id, after)

    async def close(self) -> None:
        """Interrupt the runs in flight, which can be resumed later, and stop the gateway if this process started it.

        No run begins after that.
        """
        self._closing = True
        for run_id in list(self._tasks):
            self._stop(run_id, "interrupted")
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        await self._stack.aclose()
        for host in self._hosts:
            await stop_host(host, self.store.home)
        self._hosts.clear()

    def _must_be_open(self) -> None:
        if self._closing:
            raise InputError("Gristmill is being stopped, so no run can begin. Start it again first.")

    def _stopped_as(self, run_id: str) -> RunStatus:
        return self._stopping.get(run_id, "interrupted")

    async def _begin(self, start: Callable[[Callable[[Run], None]], Coroutine[Any, Any, Run]]) -> Run:
        """Begin work that tells its run by a callback, and return that run. What goes wrong before is raised here."""
        began: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        work = asyncio.create_task(start(began.set_result))
        await asyncio.wait([work, began], return_when=asyncio.FIRST_COMPLETED)
        if not began.done():
            await work
        run = began.result()
        self._launch(run.id, self._carry_out_notebook(run, work))
        return run

    def _launch(self, run_id: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=run_id)
        self._tasks[run_id] = task
        task.add_done_callback(lambda done: self._landed(run_id, done))

    def _landed(self, run_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[run_id]
        self._stopping.pop(run_id, None)
        self._finishing.discard(run_id)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("%s ended by a fault of ours", run_id, exc_info=fault)

    def _stop(self, run_id: str, status: Literal["cancelled", "interrupted"]) -> None:
        if run_id not in self._finishing and run_id not in self._stopping:
            self._stopping[run_id] = status
            self._tasks[run_id].cancel()

    async def _carry_out(self, run: Run, model: Model) -> None:
        """Work on a run until it ends. However it ends, a run_ended with one sentence is recorded."""
        session: Session | None = None
        status: Literal["done", "failed", "cancelled", "interrupted"] = "failed"
        error: str | None = None
        loading = asyncio.ensure_future(asyncio.to_thread(_load_team))  # a second's import, beside the sandbox's start
        try:
            session = await self._open_session(run.id)
            await self._work(run, model, session, await loading)
            status = "done"
        except asyncio.CancelledError:
            status = self._stopping.get(run.id, "interrupted")
        except (GraphError, GatewayError, NotebookError, StoreError) as problem:
            error = str(problem)
        finally:
            self._finishing.add(run.id)
            if (fault := sys.exception()) is not None:
                error = (
                    f"Gristmill itself failed ({type(fault).__name__}: {fault}). What was made so far is kept; "
                    f"`gristmill runs resume {run.id}` tries the step again."
                )
            await self._finish(run.id, session, status, error)

    async def _carry_out_notebook(self, run: Run, work: asyncio.Task[Run]) -> None:
        """See a notebook run to its end, which it records itself unless it breaks."""
        error: str | None = None
        try:
            await work
        except asyncio.CancelledError:  # `work` was cancelled with us and has recorded it
            pass
        except StoreError as problem:
            error = str(problem)
        finally:
            if (fault := sys.exception()) is not None:
                error = f"Gristmill itself failed ({type(fault).__name__}: {fault}). What was made so far is kept."
            if self.store.run(run.id).status == "running":
                await self._end(run.id, self._stopping.get(run.id, "failed"), error)

    async def _work(self, run: Run, model: Model, session: Session, team: ModuleType) -> None:
        """Run the graph from the start, or from its last checkpoint where there is one."""
        templates = tuple(await asyncio.to_thread(catalog, self.templates))
        saver = await self._checkpoints()
        graph = team.build(saver)
        config = {"configurable": {"thread_id": run.id}, "recursion_limit": _STEPS}
        so_far = await graph.aget_state(config)
        if so_far.next or not so_far.values:
            first = None if so_far.values else team.begin(run.id, run.goal, run.params["files"], run.params["roles"])
            async with aclosing(Again(self.store, session.host, run.id)) as again:
                wanted = again if run.params.get("rerun", self.rerun) else None
                desk = Desk(run.id, self.store, session, model, templates, wanted)
                await graph.ainvoke(first, config, context=desk, durability="sync")
        await saver.adelete_thread(run.id)

    async def _finish(
        self,
        run_id: str,
        session: Session | None,
        status: Literal["done", "failed", "cancelled", "interrupted"],
        error: str | None,
    ) -> None:
        try:
            # A cell cancelled in the moment in which it began has nobody else to record its end.
            for event in _loose_ends(await asyncio.to_thread(self.store.view, run_id)):
                await self.store.append(event)
            if status in ("failed", "cancelled") and session is not None and session.executions:
                await save_report(self.store, run_id, ending=RunEnded(run_id=run_id, status=status, error=error))
        except (NotebookError, StoreError) as problem:
            _log.warning("the report of %s could not be kept: %s", run_id, problem)
        finally:
            await self._end(run_id, status, error)
            if session is not None and status != "interrupted":  # an interrupted run finds its sandbox again
                await session.close()

    async def _end(
        self, run_id: str, status: Literal["done", "failed", "cancelled", "interrupted"], error: str | None = None
    ) -> None:
        if status == "interrupted" and error is None:
            error = f"The run was interrupted; `gristmill runs resume {run_id}` goes on from the last finished step."
        await self.store.append(RunEnded(run_id=run_id, status=status, error=error))

    def _mark_interrupted(self, run: Run) -> None:
        for event in _loose_ends(self.store.view(run.id)):
            self.store.append_sync(event)
        ended = "The program that worked on it ended before the run did; "
        sentence = f"{ended}`gristmill runs resume {run.id}` goes on from the last finished step."
        self.store.append_sync(RunEnded(run_id=run.id, status="interrupted", error=sentence))

    async def _open_session(self, run_id: str) -> Session:
        """A sandbox with the run's inputs in it: a new one, the run's own, or one rebuilt from the record."""
        session = await Session.resume(self.store, await self._host(), run_id)
        if not session.executions:  # an earlier process may have ended before it had written them all
            for artifact in reversed(self.store.artifacts(run_id=run_id, role="input")):
                await session.upload(self.store.path(artifact), artifact.name)
        return session

    async def _host(self) -> Host:
        async with self._one_at_a_time:
            host = await find_host(self.store.home, isolation=self.isolation)
            if host not in self._hosts:
                self._hosts.append(host)
            return host

    async def _checkpoints(self) -> AsyncSqliteSaver:
        """Where the graph's progress is kept, for resumption only. A crafted file must not run code when it is read."""
        import aiosqlite
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        async with self._one_at_a_time:
            if self._saver is None:
                path = self.store.home / "checkpoints.sqlite"
                connection = await self._stack.enter_async_context(aiosqlite.connect(path))
                self._saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
                await self._saver.setup()
            return self._saver

    def _sizes(self) -> Sizes | None:
        """What a sandbox of ours holds; the cloud's is not known from here."""
        cloud = os.environ.get("E2B_API_KEY") and os.environ.get("GRISTMILL_SANDBOX") != "local"
        return None if cloud else Sizes.of_machine()


def _loose_ends(view: RunView) -> list[Event]:
    """The ends of steps and cells that have none yet."""
    cells = [x.id for x in view.executions if x.status == "running"]
    steps = [s.id for s in view.steps if s.status == "running"]
    return [
        *(ExecutionEnded(run_id=view.run.id, execution_id=id, status="interrupted") for id in cells),
        *(StepEnded(run_id=view.run.id, step_id=id, status="cancelled") for id in steps),
    ]


def _load_team() -> ModuleType:
    load_sdk()  # first, since a sandbox can be had and filled while the rest is loaded
    from graphs import team

    return team


def _resolve(name: str | None) -> Model:
    try:
        return resolve(name, os.environ)
    except ModelError as error:
        raise InputError(str(error)) from error
