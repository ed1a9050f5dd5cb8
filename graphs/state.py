"""What travels along the edges of the graph, and what each node has at hand. Checkpoints hold plain dicts only."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from operator import add
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from artifacts.events import (
    WORK,
    Event,
    Heard,
    ModelReplied,
    Noted,
    RunView,
    StepEnded,
    StepStarted,
    TextDelta,
    ToolUsed,
)
from artifacts.store import Store
from artifacts.threads import in_own_thread
from artifacts.types import Message, Task, Turn, new_id
from graphs.budget import Budget
from graphs.errors import Waiting
from graphs.models.base import Model
from notebooks.catalog import Template
from notebooks.session import Session

if TYPE_CHECKING:
    from graphs.agents import Agent, Agents
    from graphs.helpers import Helpers
    from graphs.tools.base import Tool, Toolbox
    from notebooks.again import Again

Job = Literal["plan", "code", "interpret", "review", "ask", "reply"]
"""What a model is asked for. The tools that it is offered say the same."""

Approval = Literal["allow", "ask", "deny"]
"""Whether a call is carried out at once, after a person has agreed, or never."""

MAX_CALLS = 40
"""Tool calls that one run may make."""
TASK_CALLS = 20
"""Tool calls that one task may make."""
MAX_TASKS = 12
"""Tasks that the agents of one run may give each other."""
MAX_DEPTH = 2
"""How deep tasks may be given within tasks."""
AT_ONCE = 4
"""Tasks that are worked on at the same time."""
MAX_ROUNDS = 3
"""Rounds of review; the report is made after the last one whatever it says."""
MAX_FOLLOW_UPS = 2
"""How often the analyst may ask for more cells before it reports."""


class TeamState(TypedDict, total=False):
    """The run as the graph knows it: names, ids and messages, never data.

    `files` are names in the sandbox; `tables` the description of each table (see `graphs.look`); `plan` a list of
    `PlanStep`; `messages` the coder's conversation; `heard` the ids of what people said meanwhile that is in it;
    `pending` the tool calls of its last reply that have not run yet;
    `calls` counts tool calls, `round` reviews that failed, `follow_ups` the analyst's; `report` the arguments of
    `write_report`; `verdict`, `objections` and `reviewed` (what was looked at) those of the last review. `delegation`
    is what was given to others and is not over: the ids of its `tasks`, the `call` that gave them, `by` whom, and the
    `agents` that work on them; `to_lead` says that what came of them goes to the lead, whose call it was, and
    not to who writes the cells; `ended` are tasks that were worked on. `task_id` is set within a task, and
    `failed` is the sentence of its failure; `alone` is true where one agent was addressed and has the turn.
    """

    run_id: str
    question: str
    roles: dict[str, str]
    files: list[str]
    tables: list[dict[str, Any]]
    plan: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    heard: list[str]
    pending: list[dict[str, Any]]
    calls: int
    round: int
    follow_ups: int
    again: bool
    report: dict[str, Any]
    verdict: str
    objections: list[dict[str, str]]
    reviewed: dict[str, Any]
    delegation: dict[str, Any] | None
    to_lead: bool
    alone: bool
    ended: Annotated[list[str], add]
    task_id: str
    failed: str


@dataclass(frozen=True)
class Desk:
    """What a node works with. It is handed to the graph as its runtime context and is never checkpointed.

    `turn` is the one under way, where that is not the run's first.

    `again` runs the cells a second time in a fresh sandbox, for the review; None where that was turned off. `model`
    answers for every agent that has none of its own; one that calls no `tools` may have None. `images` says whether it
    is shown plots; None: where it is known to read pictures. `direct`: no graph is at work, which would be begun again
    at the node that broke off. Within a `task` the session is that of the task's notebook; `helpers` has the sandboxes
    of tasks.
    """

    run_id: str
    store: Store
    session: Session
    model: Model
    templates: tuple[Template, ...]
    agents: Agents
    tools: Toolbox | None
    again: Again | None = None
    budget: Budget = field(default_factory=Budget)
    approve: Literal["auto", "ask", "deny"] = "auto"
    unattended: bool = False
    images: bool | None = None
    helpers: Helpers | None = None
    task: Task | None = None
    turn: Turn | None = None
    direct: bool = False

    async def at(self, state: Mapping[str, Any]) -> Desk:
        """The desk at which a node works: this one, or that of the task within which the node is."""
        task_id = state.get("task_id")
        if task_id is None or self.helpers is None:
            return self
        task = next(t for t in (await self.view()).tasks if t.id == task_id)
        session = await self.helpers.session(task_id)
        return replace(self, session=session, agents=self.agents.choose(task.agent), task=task)

    def tools_of(self, agent: Agent) -> tuple[type[Tool], ...]:
        """The tools that an agent is offered: those of its job, or those that its file names, under its own policy."""
        if self.tools is None:
            return ()
        deepest = self.task is not None and self.task.depth >= MAX_DEPTH
        none = deepest or self.helpers is None
        helpers = () if none else self.agents.helpers_of(agent)
        own = self.tools.of(agent.job, agent.tools, agent.approval, helpers)
        return (*own, *self.tools.of("reply")) if self.turn and not self.task and agent.job == "code" else own

    @property
    def question(self) -> str:
        """The id of the question that answers of this turn are to; "" in the first turn of one question."""
        return self.turn.id if self.turn else ""

    @property
    def key(self) -> str:
        """What begins the name of everything that is done once at this desk."""
        return "".join(f"{one.id}-" for one in (self.turn, self.task) if one is not None)

    @property
    def most_calls(self) -> int:
        """How many tool calls may be made here."""
        return TASK_CALLS if self.task is not None else MAX_CALLS

    async def emit(self, event: Event) -> None:
        if self.task is not None:
            if isinstance(event, WORK):
                await self.session.record(event)
                return
            if isinstance(event, StepStarted | ModelReplied | ToolUsed):
                event = event.model_copy(update={"task_id": self.task.id})
        await self.store.append(event)

    async def note(self, text: str, step_id: str | None = None, level: Literal["info", "warning"] = "info") -> None:
        await self.emit(Noted(run_id=self.run_id, step_id=step_id, text=text, level=level))

    def say(self, agent: str, text: str) -> None:
        """Pass on what the model is just writing, to whoever watches."""
        task_id = self.task.id if self.task is not None else None
        self.store.publish(TextDelta(run_id=self.run_id, agent=agent, text=text, task_id=task_id))

    async def heard(self) -> list[Message]:
        """What was said to the agents of this turn while they work, in order; what is new is recorded as heard.

        A node that begins again after a kill finds the same. A playbook cannot be told anything: there it stays unsaid.
        """
        view = await self.view()
        if (turn := view.turn) is None or self.model.rule_based:
            return []
        if new := tuple(m.id for m in view.undelivered if m.steers):
            await self.emit(Heard(run_id=self.run_id, turn_id=turn.id, messages=new))
        mine = (m for m in view.messages if m.to is None and (m.turn_id == turn.id or m.id in new))
        return [m for m in mine if m.id != turn.message_id]

    async def view(self) -> RunView:
        """All that is known of the run so far, as it is seen from here."""
        view = await in_own_thread(self.store.view, self.run_id)
        return view if self.task is None else view.of_task(self.task.id)

    @asynccontextmanager
    async def step(self, name: str, agent: str, title: str) -> AsyncIterator[str]:
        """Record that a node works on something, and how that ended. Gives the step's id."""
        step_id = new_id("step")
        status: Literal["done", "failed", "cancelled"] = "cancelled"
        await self.emit(StepStarted(run_id=self.run_id, step_id=step_id, name=name, agent=agent, title=title))
        try:
            yield step_id
            status = "done"
        except Exception as problem:
            # What waits for a person begins again with the answer, and has not failed
            if not isinstance(problem, Waiting):
                status = "done" if _waits(problem) else "failed"
            raise
        finally:
            await self.emit(StepEnded(run_id=self.run_id, step_id=step_id, status=status))


def _waits(problem: Exception) -> bool:
    """Whether this is LangGraph's way to break off a node; its import takes a while, and not every run needs it."""
    graph = sys.modules.get("langgraph.errors")
    return graph is not None and isinstance(problem, graph.GraphBubbleUp)
