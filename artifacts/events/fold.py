"""The fold: what a run looks like after some of its events. Every surface shows this and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Literal

from artifacts.events.cell import (
    AnswerMade,
    ArtifactSaved,
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    OutputReceived,
    OutputsCleared,
    OutputUpdated,
    Progressed,
    WidgetsChanged,
)
from artifacts.events.run import Compared, Noted, RunBegan, RunEnded, RunQueued, RunResumed, RunStarted, SandboxOpened
from artifacts.events.talk import ModelReplied
from artifacts.events.task import PlanMade, ReportMade, Reviewed, StepEnded, StepStarted
from artifacts.events.union import Event
from artifacts.types import Answer, Artifact, Execution, Finding, Output, PlanStep, Run, Value


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
            return replace(view, answers=_answered(view.answers, answer))
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


def _answered(answers: tuple[Answer, ...], given: Answer) -> tuple[Answer, ...]:
    """The answers with one more, which stands where an earlier one of the same part stood."""
    places = {(answer.question, answer.part): answer for answer in answers}
    return tuple((places | {(given.question, given.part): given}).values())


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
