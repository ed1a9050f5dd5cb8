"""What is known of a run: the value that the fold of its events gives, and that every surface shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from artifacts.events.cell import Progressed
from artifacts.events.run import Branched, Compared, Noted, RunQueued, SandboxLeft, SandboxOpened
from artifacts.events.talk import ModelReplied, ToolUsed
from artifacts.events.task import ReportMade, Reviewed
from artifacts.types import (
    Answer,
    Approval,
    Artifact,
    Cell,
    Execution,
    Finding,
    Message,
    PlanStep,
    Question,
    Run,
    RunOutcome,
    Spent,
    Task,
    Turn,
    Used,
    run_outcome,
)


def spent(used: Iterable[Used], cells: int = 0, seconds: float = 0.0) -> Spent:
    """All of this together."""
    every = list(used)
    return Spent(
        tokens=sum(u.tokens for u in every),
        usd=sum(u.usd for u in every),
        unpriced=sum(u.unpriced for u in every),
        cells=cells,
        minutes=seconds / 60,
    )


def charged(used: tuple[Used, ...], reply: ModelReplied, turn_id: str) -> tuple[Used, ...]:
    """What was used, with a further reply in a turn. Replies of rules cost nothing and are not counted."""
    if reply.rule_based:
        return used
    who = (turn_id, reply.agent, reply.model, reply.task_id)
    places = {(u.turn_id, u.agent, u.model, u.task_id): u for u in used}
    before = places.get(who) or Used(turn_id=turn_id, agent=reply.agent, model=reply.model, task_id=reply.task_id)
    after = Used(
        turn_id=turn_id,
        agent=reply.agent,
        model=reply.model,
        replies=before.replies + 1,
        tokens_in=before.tokens_in + (reply.tokens_in or 0),
        tokens_out=before.tokens_out + (reply.tokens_out or 0),
        tokens_cached=before.tokens_cached + (reply.tokens_cached or 0),
        usd=before.usd + (reply.cost or 0.0),
        unpriced=before.unpriced + (reply.cost is None),
        task_id=reply.task_id,
    )
    return tuple((places | {who: after}).values())


@dataclass(frozen=True)
class Step:
    """A node of the graph as a surface shows it."""

    id: str
    name: str
    agent: str
    title: str
    status: Literal["running", "done", "failed", "cancelled"] = "running"
    task_id: str | None = None


@dataclass(frozen=True)
class RunView:
    """All that is known of a run after some of its events: the fold of them, and nothing else."""

    run: Run
    last_seq: int = 0
    turns: tuple[Turn, ...] = ()
    messages: tuple[Message, ...] = ()
    questions: tuple[Question, ...] = ()
    approvals: tuple[Approval, ...] = ()
    plan: tuple[PlanStep, ...] = ()
    steps: tuple[Step, ...] = ()
    tasks: tuple[Task, ...] = ()  # in the order in which they were given
    cells: tuple[Cell, ...] = ()  # the notebook as it stands, in its order
    executions: tuple[Execution, ...] = ()  # of each cell that ran the newest, in the notebook's order
    artifacts: tuple[Artifact, ...] = ()
    findings: tuple[Finding, ...] = ()
    given: tuple[Answer, ...] = ()  # answers by cells, or refused by us, whatever a report makes of them
    answers: tuple[Answer, ...] = ()  # the report's, or before it those that cells gave
    reviews: tuple[Reviewed, ...] = ()
    replies: tuple[ModelReplied, ...] = ()
    used: tuple[Used, ...] = ()  # what the replies cost, by turn, agent and model, in the order of their first reply
    tools_used: tuple[ToolUsed, ...] = ()
    sandboxes: tuple[SandboxOpened, ...] = ()
    notes: tuple[Noted, ...] = ()
    report: ReportMade | None = None
    comparison: Compared | None = None
    widgets: dict[str, dict[str, Any]] = field(default_factory=dict)
    progress: Progressed | None = None  # how far the cell or the step that runs has come, if it says so
    error: str | None = None
    queued: RunQueued | None = None  # its place while it waits
    kernel: str | None = None  # the sandbox in which the notebook ran; None once the notebook was taken back or copied
    left: SandboxLeft | None = None  # the sandbox that waits for the next program, while the notebook is as it was then
    branched: Branched | None = None
    executed: int = 0  # executions so far, those included that the notebook does not show any more
    numbered: int = 0  # the highest number that a cell had so far
    away: tuple[str, ...] = ()  # cells that tasks ran, in sandboxes of their own, and not the kernel
    block: int = 0  # of a task's notebook: the number above which those of its own cells, plots and findings are
    task_views: dict[str, RunView] = field(default_factory=dict, repr=False)  # the notebook of each task
    turned: int = 1  # turns so far, those included that were taken back
    worked: dict[str, float] = field(default_factory=dict)  # seconds of work on each turn, less that under way
    working: datetime | None = None  # since when a turn is being worked on; None while nobody does
    previous: RunView | None = field(default=None, repr=False)  # the run before its last turn or edit, for taking back
    undone: RunView | None = field(default=None, repr=False)  # the run before that was taken back, if nothing was since

    @property
    def outcome(self) -> RunOutcome | None:
        """How its questions came out so far; None before there is a report, and where it answers none."""
        return run_outcome(self.answers) if self.report is not None else None

    @property
    def cells_of(self) -> tuple[int, int] | None:
        """How many cells have ended, and how many the run is going to have as far as is known; None before a plan."""
        first = sum("open" in x.tags or "toolkit" in x.tags for x in self.executions) if self.plan else 0
        planned = sum(step.cells for step in self.plan) or self.run.params.get("cells")
        if not isinstance(planned, int) or not planned:
            return None
        return sum(x.status != "running" for x in self.executions), max(first + planned, len(self.executions))

    @property
    def spent(self) -> Spent:
        """What the run has used so far. Replies of rules cost nothing."""
        return spent(self.used, self.executed + self._aside, sum(self.worked.values()))

    def spent_in(self, turn_id: str) -> Spent:
        """What one turn has used so far; its cells are those that it added and that ran."""
        ran = {x.cell for x in self.executions}
        cells = sum(c.turn_id == turn_id and c.id in ran for c in self.cells)
        return spent((u for u in self.used if u.turn_id == turn_id), cells, self.worked.get(turn_id, 0.0))

    def spent_by(self, agent: str, turn_id: str) -> Spent:
        """What one agent has used so far in a turn, outside of tasks."""
        ran = {x.cell for x in self.executions}
        cells = sum(c.turn_id == turn_id and c.author == agent and c.id in ran for c in self.cells)
        mine = (u for u in self.used if (u.turn_id, u.agent, u.task_id) == (turn_id, agent, None))
        return spent(mine, cells)

    @property
    def _aside(self) -> int:
        """The cells that tasks ran and that are not, or not yet, part of the notebook."""
        kept = {task.id: len(task.cells) for task in self.tasks}
        return sum(max(0, own.executed - kept.get(id, 0)) for id, own in self.task_views.items())

    def of_task(self, task_id: str) -> RunView:
        """The run as a task sees it: with its own notebook, its own replies, and what the person says to all."""
        own = self.task_views[task_id]
        return replace(
            own,
            run=self.run,
            turns=self.turns,
            questions=self.questions,
            approvals=self.approvals,
            messages=self.messages,
            notes=self.notes,
            tasks=self.tasks,
            used=tuple(u for u in self.used if u.task_id == task_id),
            replies=tuple(r for r in self.replies if r.task_id == task_id),
        )

    @property
    def turn(self) -> Turn | None:
        """The turn that is under way."""
        return self.turns[-1] if self.turns and self.turns[-1].status == "running" else None

    @property
    def undelivered(self) -> tuple[Message, ...]:
        """What was said to the run and nobody has taken up: it reaches the turn under way, or becomes the next one."""
        return tuple(m for m in self.messages if m.turn_id is None and m.task_id is None)

    @property
    def next_turn(self) -> str:
        """The id that the next turn is to have. No two turns of a run have the same, those taken back included."""
        return f"turn-{self.turned + 1:02d}"

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What the agents ask the person and nobody has answered. A turn that is over asks nothing any more."""
        return tuple(q for q in self.questions if self._asking == q.turn_id and q.answer is None)

    @property
    def open_approvals(self) -> tuple[Approval, ...]:
        """The steps that wait for somebody's decision; none of a turn that is over."""
        return tuple(a for a in self.approvals if self._asking == a.turn_id and a.decision is None)

    @property
    def _asking(self) -> str | None:
        """The turn whose agents may still be answered."""
        return self.turns[-1].id if self.turns and self.turns[-1].status not in ("done", "cancelled") else None

    def cell(self, cell_id: str) -> Cell | None:
        """A cell by its id; None for one that the notebook does not have."""
        return next((c for c in self.cells if c.id == cell_id), None)

    @property
    def next_cell(self) -> str:
        """The id that the next new cell is to have. No two cells of a run have the same, deleted ones included."""
        return f"cell-{self.numbered + 1:02d}"

    @property
    def ranked(self) -> tuple[Finding, ...]:
        """The findings in the report's order, ranks set; those that the report leaves out come after, unranked."""
        order = {fid: i for i, fid in enumerate(self.report.order, 1)} if self.report else {}
        placed = [f.model_copy(update={"rank": order.get(f.id)}) for f in self.findings]
        return tuple(sorted(placed, key=lambda f: (f.rank is None, f.rank or 0)))
