"""Works on one run after another: opens its sandbox, runs its graph or its notebook, and records how it ended."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from artifacts.backup import CHECKPOINTS
from artifacts.events import Event, ExecutionEnded, Noted, RunEnded, RunView, StepEnded, TaskChanged
from artifacts.store import Store, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import FIRST_TURN, Run
from graphs.addressing import alone
from graphs.agents import Agents
from graphs.agents import load as load_agents
from graphs.budget import BudgetSpent, TurnSpent, budget_of
from graphs.editing import Editor
from graphs.errors import GraphError, Waiting
from graphs.models.base import Model
from graphs.state import Desk
from kernel_gateway.client import GatewayError, Host, find_host, leave_host, load_sdk, on_live, stop_host
from notebooks import projects
from notebooks.aio import see_through
from notebooks.catalog import catalog
from notebooks.errors import NotebookError
from notebooks.session import Session

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from graphs.tools import Toolbox
    from graphs.tools.mcp import Servers

type Ending = Literal["waiting", "done", "failed", "cancelled", "interrupted"]

_STEPS = 1_000  # steps of the graph that LangGraph allows; our own limits end a run long before
_log = logging.getLogger(__name__)


class Worker:
    """Carries runs out from nothing but their record, any number at a time. Close it at the end.

    `stopped_as` gives the end of a run whose work is cancelled; `end_turn` records how a turn ended. The `editor` has
    sandboxes between turns. `finishing` holds those whose work is done or broken off, and whose end is just being
    recorded: they cannot be stopped any more.
    """

    def __init__(
        self,
        store: Store,
        editor: Editor,
        *,
        isolation: str,
        templates: Path,
        rerun: bool,
        stopped_as: Callable[[str], Literal["cancelled", "interrupted"]],
        end_turn: Callable[[RunEnded], Awaitable[None]],
    ) -> None:
        self.finishing: set[str] = set()
        self._store, self._editor = store, editor
        self._isolation, self._templates, self._rerun = isolation, templates, rerun
        self._stopped_as, self._end_turn = stopped_as, end_turn
        self._hosts: list[Host] = []
        self._servers: Servers | None = None
        self._finding_host, self._opening_saver = asyncio.Lock(), asyncio.Lock()
        self._stack = AsyncExitStack()
        self._saver: AsyncSqliteSaver | None = None

    def work_on(self, run: Run, model: Model | None) -> Coroutine[Any, Any, None]:
        """Work on a run until it ends. However it ends, a run_ended with one sentence is recorded.

        A question needs its `model`, a notebook and a reproduction have none.
        """
        return self._carry_out_notebook(run) if model is None else self._carry_out(run, model)

    async def end(self, run_id: str, status: Ending, error: str | None = None) -> None:
        """Record the end of a run."""
        await self._store.append(_ended(run_id, status, error))

    async def close(self, *, left: bool = False) -> None:
        """Stop the gateway if this process started it and no sandbox was `left` there, and the MCP servers."""
        if self._servers is not None:
            await self._servers.close()
        await self._stack.aclose()
        if left:
            leave_host(self._store.home)
        for host in self._hosts:
            await stop_host(host, self._store.home)
        self._hosts.clear()

    async def _carry_out(self, run: Run, model: Model) -> None:
        session: Session | None = None
        status: Ending = "failed"
        error: str | None = None
        further = False
        try:
            turn = (await in_own_thread(self._store.view, run.id)).turn
            further = turn is not None and turn.id != FIRST_TURN
            said = turn.message if turn is not None and further else None
            direct = await in_own_thread(self._needs_no_graph, run, model, said)
            work = self._work if not direct else self._follow_up if further else self._ask
            load = load_direct if direct else load_team
            loading = asyncio.ensure_future(in_own_thread(load))  # a second's import, beside the sandbox's start
            session = await self._open_session(run.id)
            await work(run, model, session, await loading)
            status = "done"
        except asyncio.CancelledError:
            status = self._stopped_as(run.id)
        except Waiting:
            status = "waiting"
        except BudgetSpent as problem:
            status, error = "cancelled" if isinstance(problem, TurnSpent) else "interrupted", str(problem)
        except (GraphError, GatewayError, NotebookError, StoreError) as problem:
            error = str(problem)
        finally:
            self.finishing.add(run.id)
            if (fault := sys.exception()) is not None:
                error = (
                    f"Gristmill itself failed ({type(fault).__name__}: {fault}). What was made so far is kept; "
                    f"`gristmill runs resume {run.id}` tries the step again."
                )
            await self._finish(run.id, session, status, error, further=further)

    def _needs_no_graph(self, run: Run, model: Model, said: str | None) -> bool:
        """Whether a run's questions, or what was said to it in a further turn, are answered and nothing more; no agent
        is asked for alone."""
        if not (run.agent == "ask" if said is None else model.rule_based):
            return False
        text = run.goal if said is None else said
        if run.params.get("agent") is None and not text.lstrip().startswith("@"):
            return True  # without a look at the agents, whose files take a while to read
        agents = load_agents(projects.folders(self._store.home, run.params.get("project"), "agents"))
        return alone(run, text, agents, model, further=said is not None)[0] is None

    async def _carry_out_notebook(self, run: Run) -> None:
        """See a notebook run to its end, which it records itself unless it breaks."""
        from notebooks.reproduce import carry_out_reproduction
        from notebooks.runner import carry_out_notebook

        status: Ending = "failed"
        error: str | None = None
        try:
            host = await self.host()
            if run.agent == "reproduce":
                await carry_out_reproduction(self._store, host, run.id, stopped_as=self._stopped_as)
            else:
                await carry_out_notebook(
                    self._store,
                    host,
                    run.id,
                    stopped_as=self._stopped_as,
                    opened=lambda session: projects.bring_for(session, host, self._store),
                    closing=lambda session: projects.keep_for(self._store, session),
                )
        except asyncio.CancelledError:  # it has recorded that, if it had begun
            status = self._stopped_as(run.id)
        except (GatewayError, NotebookError, StoreError) as problem:
            error = str(problem)
        finally:
            if (fault := sys.exception()) is not None:
                error = f"Gristmill itself failed ({type(fault).__name__}: {fault}). What was made so far is kept."
            if self._store.run(run.id).status == "running":
                await self.end(run.id, status, error)

    async def _work(self, run: Run, model: Model, session: Session, graphs: ModuleType) -> None:
        """Run the turn's graph from the start, or from its last checkpoint where there is one.

        Raises Waiting for a person.
        """
        from langgraph.types import Command

        from graphs.helpers import Helpers
        from notebooks.again import Again

        turn = session.view.turns[-1]
        further = turn if turn.id != FIRST_TURN else None
        templates = tuple(await asyncio.to_thread(catalog, self._templates))
        saver = await self._checkpoints()
        agents, tools = await self._company(run)
        thread = f"{run.id}/{turn.id}" if further else run.id
        await graphs.checkpoints.forget(saver, run.id, but=thread)
        asked, goal = alone(run, turn.message if further else run.goal, agents, model, further=bool(further))
        further = further and further.model_copy(update={"message": goal})
        if asked is not None:
            agents = agents.choose(asked.name)
        elif further:
            agents = agents.choose("analyst")
        build = graphs.turns.build if further else graphs.team.build
        graph = await asyncio.to_thread(build, saver, agents)  # LangGraph reads the source of every node
        config = {"configurable": {"thread_id": thread}, "recursion_limit": _STEPS}
        so_far = await graph.aget_state(config)
        if (
            so_far.tasks or not so_far.values
        ):  # `next` lacks a task that was done when a kill came before its checkpoint
            async with (
                aclosing(Again(self._store, session.host, run.id)) as again,
                aclosing(Helpers(self._store, session.host, run.id)) as helpers,
            ):
                rerun = run.params.get("rerun", self._rerun)
                if rerun and not further:
                    again.run_beside()
                desk = Desk(
                    run.id,
                    self._store,
                    session,
                    model,
                    templates,
                    agents,
                    tools,
                    again if rerun else None,
                    budget_of(run.params),
                    approve=run.params.get("approve", "auto"),
                    unattended=run.params.get("unattended", False),
                    helpers=helpers,
                    images=run.params.get("images"),
                    turn=further,
                )
                if so_far.values:
                    first = Command(resume={i.id: True for i in so_far.interrupts}) if so_far.interrupts else None
                elif further:
                    first = await graphs.turns.begin(desk, run.params["files"], run.params["roles"])
                else:
                    first = graphs.team.begin(
                        run.id, goal, run.params["files"], run.params["roles"], alone=asked is not None
                    )
                await graph.ainvoke(first, config, context=desk, durability="sync")
            if (await graph.aget_state(config)).interrupts:
                raise Waiting("The run waits for a person.")
        await graphs.checkpoints.forget(saver, run.id)

    async def _ask(self, run: Run, model: Model, session: Session, asking: ModuleType) -> None:
        """Answer the run's questions, or those that an earlier try has left."""
        questions = [asking.Question.model_validate(q) for q in run.params["questions"]]
        agents, tools = (Agents(()), None) if model.rule_based else await self._company(run)
        desk = self._direct(Desk(run.id, self._store, session, model, (), agents, tools), run)
        await asking.answer_all(desk, run.params["files"], run.params["roles"], questions, self._templates)

    async def _follow_up(self, run: Run, model: Model, session: Session, asking: ModuleType) -> None:
        """Answer what somebody said to a run that had ended."""
        templates = tuple(await asyncio.to_thread(catalog, self._templates))
        desk = self._direct(Desk(run.id, self._store, session, model, templates, Agents(()), None), run)
        await asking.follow_up(desk, session.view.turns[-1], run.params["files"], run.params["roles"])

    def _direct(self, desk: Desk, run: Run) -> Desk:
        """The desk of what is no graph, on the terms of its run."""
        terms = {name: run.params[name] for name in ("approve", "unattended", "images") if name in run.params}
        return replace(desk, budget=budget_of(run.params), direct=True, **terms)

    async def _company(self, run: Run) -> tuple[Agents, Toolbox]:
        """The agents and tools of a run, the user's own among them; what cannot be loaded is noted."""
        from graphs.tools.mcp import FILE, Servers
        from graphs.tools.sources import toolbox

        self._servers = self._servers or Servers(self._store.home / FILE)
        home, project = self._store.home, run.params.get("project")
        agents = await in_own_thread(load_agents, projects.folders(home, project, "agents"))
        if (chosen := run.params.get("agent")) is not None:
            agents = agents.choose(chosen)
        tools = await in_own_thread(toolbox, projects.folders(home, project, "tools"))
        served, unserved = await self._servers.tools()
        for one in served:
            tools.add(one)
        for problem in (*agents.problems, *tools.problems, *unserved):
            await self._store.append(Noted(run_id=run.id, text=problem, level="warning"))
        return agents, tools

    async def _finish(
        self,
        run_id: str,
        session: Session | None,
        status: Ending,
        error: str | None,
        *,
        further: bool,
    ) -> None:
        serves = False
        try:
            # A cell cancelled in the moment in which it began has nobody else to record its end.
            view = await in_own_thread(self._store.view, run_id)
            serves = any(u.name == "start_service" and u.ok for u in view.tools_used)  # somebody may want to open it
            for event in loose_ends(view):
                await self._store.append(event)
            if status in ("failed", "cancelled"):
                for task in (t for t in view.tasks if not t.ended):
                    stopped = task.model_copy(update={"status": "cancelled"})
                    await self._store.append(TaskChanged(run_id=run_id, task=stopped))
            if session is not None:
                await projects.keep_for(self._store, session)
            if status in ("failed", "cancelled") and session is not None and session.executions:
                from notebooks.export import save_report

                await save_report(self._store, run_id, ending=RunEnded(run_id=run_id, status=status, error=error))
        except (NotebookError, StoreError) as problem:
            _log.warning("the report of %s could not be kept: %s", run_id, problem)
        finally:
            await self._end_turn(_ended(run_id, status, error))
            if session is not None and (status == "done" or (status == "cancelled" and (further or serves))):
                await self._editor.keep(session, serves=serves)
            else:
                if session is not None and status not in ("interrupted", "waiting"):  # these find their sandbox again
                    await session.close()
                await self._editor.leave(run_id)

    async def _open_session(self, run_id: str) -> Session:
        """A sandbox with the run's inputs in it: a new one, the run's own, or one rebuilt from the record."""
        session = await self._editor.take(run_id)
        if session is None:
            session = await on_live(self.host, lambda host: Session.resume(self._store, host, run_id))
        if not session.executions and not session.filled:  # an earlier process may have ended before all were written
            for artifact in reversed(self._store.artifacts(run_id=run_id, role="input")):
                await session.upload(await in_own_thread(self._store.path, artifact), artifact.name)
        try:
            await projects.bring_for(session, session.host, self._store)
        except BaseException:
            await see_through(session.close())
            raise
        return session

    async def forget(self, run_ids: Iterable[str]) -> None:
        """Drop where these runs would be taken up again."""
        if (self._store.home / CHECKPOINTS).exists():
            from graphs.checkpoints import forget

            saver = await self._checkpoints()
            for run_id in run_ids:
                await forget(saver, run_id)

    async def host(self) -> Host:
        """Where sandboxes are had, started if need be. Raises GatewayError where none can be had."""
        async with self._finding_host:
            host = await find_host(self._store.home, isolation=self._isolation)
            if host not in self._hosts:
                self._hosts.append(host)
        await in_own_thread(load_sdk)  # the first sandbox would load it on the event loop
        return host

    async def _checkpoints(self) -> AsyncSqliteSaver:
        async with self._opening_saver:
            if self._saver is None:
                from graphs.checkpoints import opened

                self._saver = await self._stack.enter_async_context(opened(self._store.home / CHECKPOINTS))
            return self._saver


def _ended(run_id: str, status: Ending, error: str | None) -> RunEnded:
    if status == "interrupted" and error is None:
        error = f"The run was interrupted; `gristmill runs resume {run_id}` goes on from the last finished step."
    return RunEnded(run_id=run_id, status=status, error=error)


def loose_ends(view: RunView) -> list[Event]:
    """The ends of steps and cells that have none yet."""
    cells = [x.id for x in view.executions if x.status == "running"]
    steps = [s.id for s in view.steps if s.status == "running"]
    return [
        *(ExecutionEnded(run_id=view.run.id, execution_id=id, status="interrupted") for id in cells),
        *(StepEnded(run_id=view.run.id, step_id=id, status="cancelled") for id in steps),
    ]


def load_team() -> ModuleType:
    """The room of the graphs, loaded with all that they need: a second's work, for a thread."""
    load_sdk()  # first, since a sandbox can be had and filled while the rest is loaded
    import graphs.checkpoints
    import graphs.team
    import graphs.turns
    from graphs import opening

    opening.cells("", ["table"])  # for which the toolkit's sources are read, where no earlier process has kept that
    return graphs


def load_direct() -> ModuleType:
    """The module that answers questions and no more, loaded as `load_team` does."""
    load_sdk()
    from graphs import direct, opening

    opening.cells("", ["table"])
    return direct
