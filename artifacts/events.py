"""The record: one tagged union of events, and the fold that turns a run's events into what every surface shows.

A run is its events in order. Nothing that a surface shows comes from anywhere else, so a terminal, a browser that
reloads and a replay at night all tell the same story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from artifacts.types import (
    Answer,
    Artifact,
    Execution,
    ExecutionError,
    ExecutionStatus,
    Finding,
    Match,
    Objection,
    Output,
    PlanStep,
    Recomputation,
    Run,
    RunStatus,
    ToolCall,
    Value,
    now,
)


class _Event(Value):
    run_id: str
    seq: int = 0  # given by the store, from 1 upward within a run
    step_id: str | None = None
    at: datetime = Field(default_factory=now)


class RunStarted(_Event):
    kind: Literal["run_started"] = "run_started"
    run: Run


class RunResumed(_Event):
    """Somebody took up a run that had stopped; its status is running again."""

    kind: Literal["run_resumed"] = "run_resumed"


class RunQueued(_Event):
    """The run waits for others to end; its inputs are kept. `place` is 1 for the next one, told anew as it changes.

    `since` is when it began to wait, by which its turn is found again after a restart.
    """

    kind: Literal["run_queued"] = "run_queued"
    place: int
    since: datetime


class RunBegan(_Event):
    """A run that was queued has its turn."""

    kind: Literal["run_began"] = "run_began"


class SandboxOpened(_Event):
    """The run has a sandbox. `rebuilt`: an earlier one was gone, and `replayed` cells were run again in this one."""

    kind: Literal["sandbox_opened"] = "sandbox_opened"
    sandbox_id: str
    host: Literal["local", "e2b"]
    isolation: str
    rebuilt: bool = False
    replayed: int = 0


class StepStarted(_Event):
    """A node of the graph began. `step_id` is set; `agent` is coding, analysis, review or system."""

    kind: Literal["step_started"] = "step_started"
    name: str
    agent: str
    title: str


class ModelReplied(_Event):
    kind: Literal["model_replied"] = "model_replied"
    agent: str
    model: str
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    rule_based: bool = False
    tokens_in: int | None = None
    tokens_out: int | None = None


class PlanMade(_Event):
    kind: Literal["plan_made"] = "plan_made"
    steps: tuple[PlanStep, ...]


class ExecutionStarted(_Event):
    kind: Literal["execution_started"] = "execution_started"
    execution: Execution


class OutputReceived(_Event):
    kind: Literal["output"] = "output"
    execution_id: str
    output: Output


class OutputUpdated(_Event):
    """A cell replaced what had been displayed under `output.display_id`, in whichever cells that is."""

    kind: Literal["output_updated"] = "output_updated"
    execution_id: str
    output: Output


class OutputsCleared(_Event):
    """A cell took back all that it had put out so far."""

    kind: Literal["outputs_cleared"] = "outputs_cleared"
    execution_id: str


class WidgetsChanged(_Event):
    """What the widgets of a cell hold, by the widget's id: all of a new one, and what changed of another."""

    kind: Literal["widgets_changed"] = "widgets_changed"
    execution_id: str
    widgets: dict[str, dict[str, Any]]


class Progressed(_Event):
    """Something that takes long says how far it has come: a cell so many of all rows, or a step, without a cell."""

    kind: Literal["progress"] = "progress"
    execution_id: str | None = None
    what: str
    done: int
    of: int
    unit: str = "rows"


class ExecutionEnded(_Event):
    kind: Literal["execution_ended"] = "execution_ended"
    execution_id: str
    status: ExecutionStatus
    error: ExecutionError | None = None
    count: int | None = None


class ArtifactSaved(_Event):
    kind: Literal["artifact_saved"] = "artifact_saved"
    artifact: Artifact


class FindingMade(_Event):
    kind: Literal["finding"] = "finding"
    finding: Finding


class AnswerMade(_Event):
    """A part of the question has its answer, before the report is made. One of the same part takes its place."""

    kind: Literal["answer"] = "answer"
    answer: Answer


class Reviewed(_Event):
    """One round of review. `checks` counts the deterministic checks that ran."""

    kind: Literal["review"] = "review"
    round: int
    verdict: Literal["pass", "pass_with_remarks", "fail"]
    objections: tuple[Objection, ...] = ()
    remarks: tuple[str, ...] = ()
    checks: int = 0
    recomputed: tuple[Recomputation, ...] = ()


class ReportMade(_Event):
    """The answer, and the findings in the order in which a reader should meet them.

    `answers` has one for each part of the question; `answer` is all of it as text, for old records the only form.
    """

    kind: Literal["report"] = "report"
    answer: str
    answers: tuple[Answer, ...] = ()
    order: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()


class Compared(_Event):
    """What a run made has been held, thing by thing, against what its cells make in a fresh sandbox.

    In a run that reproduces another it is the other run that it was held against.
    """

    kind: Literal["compared"] = "compared"
    matches: tuple[Match, ...]

    @property
    def holds(self) -> bool:
        """True when nothing changed and nothing is missing."""
        return all(m.verdict in ("identical", "equal") for m in self.matches)


class Noted(_Event):
    """Something a reader should know that is no finding: how a file was read, a retry, a lost connection."""

    kind: Literal["note"] = "note"
    text: str
    level: Literal["info", "warning"] = "info"


class StepEnded(_Event):
    kind: Literal["step_ended"] = "step_ended"
    status: Literal["done", "failed", "cancelled"] = "done"


class RunEnded(_Event):
    """`error` is one sentence for a person: what happened and what to do next."""

    kind: Literal["run_ended"] = "run_ended"
    status: RunStatus
    error: str | None = None


class TextDelta(Value):
    """Tokens as a model writes them: shown, never stored, so it carries no seq."""

    kind: Literal["text_delta"] = "text_delta"
    run_id: str
    agent: str
    text: str


Event = Annotated[
    RunStarted
    | RunResumed
    | RunQueued
    | RunBegan
    | SandboxOpened
    | StepStarted
    | ModelReplied
    | PlanMade
    | ExecutionStarted
    | OutputReceived
    | OutputUpdated
    | OutputsCleared
    | WidgetsChanged
    | Progressed
    | ExecutionEnded
    | ArtifactSaved
    | FindingMade
    | AnswerMade
    | Reviewed
    | ReportMade
    | Compared
    | Noted
    | StepEnded
    | RunEnded,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes one event as JSON: `EVENT.validate_json(text)`, `event.model_dump_json()`."""


@dataclass(frozen=True)
class Step:
    """A node of the graph as a surface shows it."""

    id: str
    name: str
    agent: str
    title: str
    status: Literal["running", "done", "failed", "cancelled"] = "running"


@dataclass(frozen=True)
class RunView:
    """All that is known of a run after some of its events: the fold of them, and nothing else."""

    run: Run
    last_seq: int = 0
    plan: tuple[PlanStep, ...] = ()
    steps: tuple[Step, ...] = ()
    executions: tuple[Execution, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    findings: tuple[Finding, ...] = ()
    answers: tuple[Answer, ...] = ()  # the report's, or before it those that cells gave
    reviews: tuple[Reviewed, ...] = ()
    replies: tuple[ModelReplied, ...] = ()
    sandboxes: tuple[SandboxOpened, ...] = ()
    notes: tuple[Noted, ...] = ()
    report: ReportMade | None = None
    comparison: Compared | None = None
    widgets: dict[str, dict[str, Any]] = field(default_factory=dict)
    progress: Progressed | None = None  # how far the cell or the step that runs has come, if it says so
    error: str | None = None
    queued: RunQueued | None = None  # its place while it waits

    @property
    def cells_of(self) -> tuple[int, int] | None:
        """How many cells have ended, and how many the run is going to have as far as is known; None before a plan."""
        first = sum("open" in x.tags or "toolkit" in x.tags for x in self.executions) if self.plan else 0
        planned = sum(step.cells for step in self.plan) or self.run.params.get("cells")
        if not isinstance(planned, int) or not planned:
            return None
        return sum(x.status != "running" for x in self.executions), max(first + planned, len(self.executions))

    @property
    def ranked(self) -> tuple[Finding, ...]:
        """The findings in the report's order, ranks set; those that the report leaves out come after, unranked."""
        order = {fid: i for i, fid in enumerate(self.report.order, 1)} if self.report else {}
        placed = [f.model_copy(update={"rank": order.get(f.id)}) for f in self.findings]
        return tuple(sorted(placed, key=lambda f: (f.rank is None, f.rank or 0)))


def apply(view: RunView | None, event: Event) -> RunView:
    """One step of the fold. The first event of a run must be `run_started`; ValueError otherwise.

    To catch up with many events, `extend` is quicker.
    """
    if view is None:
        if not isinstance(event, RunStarted):
            raise ValueError(f"run {event.run_id} does not begin with run_started but with {event.kind}")
        return RunView(run=event.run, last_seq=event.seq)
    view = replace(view, last_seq=event.seq)
    match event:
        case RunResumed():
            again = _with(view.run, status="running", place=None, ended_at=None)
            return replace(view, run=again, error=None, queued=None)
        case RunQueued():
            return replace(view, run=_with(view.run, status="queued", place=event.place), queued=event)
        case RunBegan():
            begun = _with(view.run, status="running", place=None, began_at=event.at)
            return replace(view, run=begun, queued=None)
        case SandboxOpened():
            return replace(view, sandboxes=(*view.sandboxes, event))
        case StepStarted(step_id=str(step_id)):
            return replace(view, steps=(*view.steps, Step(step_id, event.name, event.agent, event.title)))
        case StepEnded():
            steps = (replace(s, status=event.status) if s.id == event.step_id else s for s in view.steps)
            return replace(view, steps=tuple(steps), progress=None)
        case ModelReplied():
            return replace(view, replies=(*view.replies, event))
        case PlanMade():
            return replace(view, plan=event.steps)
        case ExecutionStarted():
            return replace(
                view, executions=(*view.executions, event.execution), findings=_standing(view, event.execution)
            )
        case OutputReceived():
            return _add_outputs(view, event.execution_id, (event.output,))
        case OutputUpdated():
            return _update(view, event.output)
        case OutputsCleared():
            return _change(view, event.execution_id, lambda x: _with(x, outputs=()))
        case WidgetsChanged():
            changed = {id: {**view.widgets.get(id, {}), **state} for id, state in event.widgets.items()}
            return replace(view, widgets={**view.widgets, **changed})
        case Progressed():
            return replace(view, progress=event)
        case ExecutionEnded(execution_id=id, status=status, error=error, count=count):
            view = replace(view, progress=None)
            return _change(view, id, lambda x: _with(x, status=status, error=error, count=count, ended_at=event.at))
        case ArtifactSaved():
            return replace(view, artifacts=(*view.artifacts, event.artifact))
        case FindingMade():
            return replace(view, findings=(*view.findings, event.finding))
        case AnswerMade(answer=answer):
            others = tuple(a for a in view.answers if a.part != answer.part)
            return replace(view, answers=(*others, answer))
        case Reviewed():
            return replace(view, reviews=(*view.reviews, event))
        case ReportMade():
            return replace(view, report=event, answers=event.answers or view.answers)
        case Compared():
            return replace(view, comparison=event)
        case Noted():
            return replace(view, notes=(*view.notes, event))
        case RunEnded():
            ended = _with(view.run, status=event.status, place=None, ended_at=event.at)
            return replace(view, run=ended, error=event.error, progress=None, queued=None)
    return view


def extend(view: RunView | None, events: Iterable[Event]) -> RunView | None:
    """`apply` for many events. A cell's outputs are added together: 100,000 of them cost no more than a read."""
    for execution_id, group in groupby(events, lambda e: e.execution_id if isinstance(e, OutputReceived) else None):
        if view is not None and execution_id is not None:
            received = [event for event in group if isinstance(event, OutputReceived)]
            view = _add_outputs(view, execution_id, tuple(event.output for event in received))
            view = replace(view, last_seq=received[-1].seq)
            continue
        for event in group:
            view = apply(view, event)
    return view


def fold(events: Iterable[Event]) -> RunView:
    """What a run looks like after these events. Raises ValueError for no events or a record without its beginning."""
    view = extend(None, events)
    if view is None:
        raise ValueError("a run without events cannot be shown")
    return view


def _standing(view: RunView, begun: Execution) -> tuple[Finding, ...]:
    """The findings that stand when a cell begins: what an unfinished try of the same call had reported does not."""
    tries = {x.cell for x in view.executions if begun.key is not None and x.key == begun.key}
    return tuple(f for f in view.findings if f.evidence.cell not in tries) if tries else view.findings


def _add_outputs(view: RunView, execution_id: str, outputs: tuple[Output, ...]) -> RunView:
    if len(outputs) > 1 and any(output.display_id for output in outputs):
        for output in outputs:
            view = _add_outputs(view, execution_id, (output,))
        return view
    view = _update(view, outputs[0])  # as in Jupyter, a display of an id that is there already replaces it, too
    return _change(view, execution_id, lambda x: _with(x, outputs=x.outputs + outputs))


def _update(view: RunView, new: Output) -> RunView:
    """The view in which every output of this one's display id shows what this one does."""
    if new.display_id is None:
        return view
    shown = {"text": new.text, "data": new.data, "artifacts": new.artifacts, "metadata": new.metadata}

    def updated(cell: Execution) -> Execution:
        if all(output.display_id != new.display_id for output in cell.outputs):
            return cell
        outputs = (
            _with(o, **shown, truncated=new.truncated) if o.display_id == new.display_id else o for o in cell.outputs
        )
        return _with(cell, outputs=tuple(outputs))

    return replace(view, executions=tuple(map(updated, view.executions)))


def _change(view: RunView, execution_id: str, change: Callable[[Execution], Execution]) -> RunView:
    """The view with one cell changed. It is looked for from the end: the newest cell is the one that runs."""
    cells = view.executions
    for i in reversed(range(len(cells))):
        if cells[i].id == execution_id:
            return replace(view, executions=(*cells[:i], change(cells[i]), *cells[i + 1 :]))
    return view


def _with[V: Value](value: V, **changes: object) -> V:
    return value.model_copy(update=changes)
