"""The fold: what a run looks like after some of its events. Every surface shows this and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from artifacts import events as ev
from artifacts.events import cell, document, run
from artifacts.events.union import Event
from artifacts.events.view import RunView, Step, charged
from artifacts.types import FIRST_TURN, Answer, Execution, Output, Turn, Value, marked

_GOES_ON = (
    run.SandboxOpened,
    cell.CellMoved,
    cell.CellDeleted,
    cell.CellsReplayed,
    cell.ExecutionStarted,
    run.Branched,
    run.Undone,
    run.Redone,
)
"""What a notebook has run is not what its sandbox holds any more, or somebody works in that."""


def apply(view: RunView | None, event: Event) -> RunView:
    """One step of the fold. The first event of a run must be `run_started`; ValueError otherwise.

    To catch up with many events, `extend` is quicker.
    """
    if view is None:
        if not isinstance(event, ev.RunStarted):
            raise ValueError(f"run {event.run_id} does not begin with run_started but with {event.kind}")
        first = Turn(id=FIRST_TURN, message=event.run.goal, started_at=event.run.created_at)
        return RunView(run=event.run, last_seq=event.seq, turns=(first,), working=event.run.created_at)
    before, view = view, replace(view, last_seq=event.seq)
    if view.left is not None and isinstance(event, _GOES_ON):
        view = replace(view, left=None)
    match event:
        case ev.RunResumed():
            params = {**view.run.params, **event.params}
            again = _with(view.run, status="running", place=None, ended_at=None, params=params)
            if event.why == "resumed" and view.turns[-1].status != "done":
                turns = (*view.turns[:-1], _with(view.turns[-1], status="running", ended_at=None))
                view = replace(view, turns=turns)
            view = replace(view, run=again, error=None, queued=None)
            if event.why == "edit":  # it may be run in the kernel, which no turn is to find then
                return replace(view, kernel=None, working=None)
            return replace(view, working=event.at, undone=None)
        case ev.RunQueued():
            return replace(view, run=_with(view.run, status="queued", place=event.place), queued=event, working=None)
        case ev.RunBegan():
            begun = _with(view.run, status="running", place=None, began_at=event.at)
            return replace(view, run=begun, queued=None, working=event.at)
        case ev.SandboxOpened():
            opened = replace(view, sandboxes=(*view.sandboxes, event), away=(), progress=None)
            return replace(opened, kernel=None if event.partial else event.sandbox_id)
        case ev.SandboxLeft():
            return replace(view, left=event)
        case ev.TurnStarted():
            said = event.message_id or next((m.id for m in view.undelivered if m.text == event.message), None)
            turn = Turn(id=event.turn_id, message=event.message, message_id=said, by=event.by, started_at=event.at)
            view = replace(view, turns=(*view.turns, turn), turned=view.turned + 1, previous=before, undone=None)
            return _taken_up(view, (said,), event.turn_id)
        case ev.TurnEnded():
            return document.end_turn(view, event.status, event.at)
        case ev.Said():
            return replace(view, messages=(*view.messages, event.message))
        case ev.Heard(messages=ids, turn_id=id):
            return _taken_up(view, ids, id)
        case ev.Asked():
            if any(q.id == event.question.id for q in view.questions):  # two tasks met the same limit at once
                return view
            return replace(view, questions=(*view.questions, _with(event.question, at=event.at)))
        case ev.Answered(question_id=id, answer=answer):
            questions = (_with(q, answer=answer) if q.id == id and q.answer is None else q for q in view.questions)
            return replace(view, questions=tuple(questions))
        case ev.ApprovalAsked():
            return replace(view, approvals=(*view.approvals, _with(event.approval, at=event.at)))
        case ev.ApprovalGiven(approval_id=id):
            given = event.model_dump(include={"decision", "edited", "reason"})
            approvals = (_with(a, **given) if a.id == id and a.decision is None else a for a in view.approvals)
            return replace(view, approvals=tuple(approvals))
        case ev.CellAdded():
            return document.added(_taken_back_to(view, before), event)
        case ev.CellEdited():
            return document.edited(_taken_back_to(view, before), event)
        case ev.CellMoved(cell_id=id, after=after):
            return document.moved(_taken_back_to(view, before), id, after)
        case ev.CellDeleted(cell_id=id):
            return document.deleted(_taken_back_to(view, before), id)
        case ev.CellsStale(cells=cells):
            return document.stale(view, cells)
        case ev.Undone(to=to):
            return _undone(view, to)
        case ev.Redone(to=to):
            return _redone(view, to)
        case ev.Branched():
            heard = tuple(m for m in view.messages if m.turn_id is not None)  # what waits, waits in the other run
            return replace(view, kernel=None, branched=event, messages=heard)
        case ev.StepStarted(step_id=str(step_id)):
            step = Step(step_id, event.name, event.agent, event.title, task_id=event.task_id)
            if (own := view.task_views.get(event.task_id or "")) is not None:  # whose cells have their author by it
                own = replace(own, steps=(*own.steps, step))
                view = replace(view, task_views={**view.task_views, str(event.task_id): own})
            return replace(view, steps=(*view.steps, step))
        case ev.StepEnded():
            steps = (replace(s, status=event.status) if s.id == event.step_id else s for s in view.steps)
            return replace(view, steps=tuple(steps), progress=None)
        case ev.TaskChanged(task=task):
            places = {t.id: t for t in view.tasks} | {task.id: task}
            return replace(view, tasks=tuple(places.values()))
        case ev.TaskBranched():
            return _begin_task(view, event)
        case ev.TaskWorked(task_id=id, event=work) if id in view.task_views:
            return replace(view, task_views={**view.task_views, id: apply(view.task_views[id], work)})
        case ev.CellsReplayed(cells=cells):
            return replace(view, away=tuple(c for c in view.away if c not in cells))
        case ev.ModelReplied():
            used = charged(view.used, event, view.turns[-1].id)
            return replace(view, replies=(*view.replies, event), used=used)
        case ev.ToolUsed():
            return replace(view, tools_used=(*view.tools_used, event))
        case ev.PlanMade():
            return replace(view, plan=event.steps)
        case ev.ExecutionStarted():
            return document.begun(replace(view, undone=None), event)
        case ev.OutputReceived():
            return _add_outputs(view, event.execution_id, (event.output,))
        case ev.OutputUpdated():
            return _update(view, event.output)
        case ev.OutputsCleared():
            return _change(view, event.execution_id, lambda x: _with(x, outputs=()))
        case ev.WidgetsChanged():
            changed = {id: {**view.widgets.get(id, {}), **state} for id, state in event.widgets.items()}
            return replace(view, widgets={**view.widgets, **changed})
        case ev.Progressed():
            return replace(view, progress=event)
        case ev.ExecutionEnded(execution_id=id, status=status, error=error, count=count):
            view = document.ended(replace(view, progress=None), id, status)
            return _change(view, id, lambda x: _with(x, status=status, error=error, count=count, ended_at=event.at))
        case ev.ArtifactSaved():
            return document.made(
                replace(view, artifacts=(*view.artifacts, event.artifact)), event.artifact.execution_id
            )
        case ev.FindingMade():
            view = replace(view, findings=(*view.findings, event.finding))
            return document.made(view, event.finding.evidence.cell)
        case ev.AnswerMade(answer=answer):
            return replace(view, given=_answered(view.given, answer), answers=_answered(view.answers, answer))
        case ev.Reviewed():
            reviewed = replace(view, reviews=(*view.reviews, event))
            if len(view.turns) > 1:  # an answer of a further turn is recorded with its marks
                return reviewed
            return replace(reviewed, answers=marked(view.answers, event.recomputed))
        case ev.ReportMade(turn_id=str(), answer=text) if view.report is not None:
            return replace(view, report=_with(view.report, answer=f"{view.report.answer}\n\n{text}".strip()))
        case ev.ReportMade():
            return replace(view, report=event, answers=event.answers or view.answers)
        case ev.Compared():
            return replace(view, comparison=event)
        case ev.Noted():
            return replace(view, notes=(*view.notes, event))
        case ev.RunEnded():
            worked = _worked(view, event.at)
            how = {"status": event.status, "outcome": event.outcome, "place": None, "ended_at": event.at}
            ended = _with(view.run, **how, worked=sum(worked.values()))
            if event.status != "waiting":  # for a person's answer, in the middle of a turn
                view = document.end_turn(view, event.status, event.at)
            return replace(view, run=ended, error=event.error, progress=None, queued=None, worked=worked, working=None)
    return view


def extend(view: RunView | None, events: Iterable[Event]) -> RunView | None:
    """`apply` for many events. A cell's outputs are added together: 100,000 of them cost no more than a read."""
    for execution_id, group in groupby(events, lambda e: e.execution_id if isinstance(e, ev.OutputReceived) else None):
        if view is not None and execution_id is not None:
            received = [event for event in group if isinstance(event, ev.OutputReceived)]
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


def _worked(view: RunView, until: datetime) -> dict[str, float]:
    """The seconds of work on each turn, with those up to now."""
    if view.working is None:
        return view.worked
    turn = view.turns[-1].id
    return view.worked | {turn: view.worked.get(turn, 0.0) + max(0.0, (until - view.working).total_seconds())}


def _begin_task(view: RunView, event: ev.TaskBranched) -> RunView:
    """The view in which a task has a notebook of its own, in which no kernel has run a cell yet."""
    numbered, of = event.numbered, view.task_views.get(event.of or "", view)
    own = replace(of, numbered=numbered, block=numbered, kernel=None, executed=0, task_views={}, previous=None)
    return replace(view, task_views={**view.task_views, event.task_id: own})


def _answered(answers: tuple[Answer, ...], given: Answer) -> tuple[Answer, ...]:
    """The answers with one more, which stands where an earlier one of the same part stood."""
    places = {(answer.question, answer.part): answer for answer in answers}
    return tuple((places | {(given.question, given.part): given}).values())


def _taken_up(view: RunView, ids: Collection[str | None], turn_id: str) -> RunView:
    """The view in which a turn has taken up these messages."""
    messages = (_with(m, turn_id=turn_id) if m.id in ids else m for m in view.messages)
    return replace(view, messages=tuple(messages))


def _taken_back_to(view: RunView, before: RunView) -> RunView:
    """The view that remembers how the run stood before an edit, unless that is part of a turn."""
    return view if view.turn is not None else replace(view, previous=before, undone=None)


def _undone(view: RunView, to: int) -> RunView:
    """The run as it stood at event `to`, an earlier one of those that it remembers."""
    past = view.previous
    while past is not None and past.last_seq != to:
        past = past.previous
    return view if past is None else replace(_as_then(view, past), undone=view)


def _redone(view: RunView, to: int) -> RunView:
    """The run as it stood at event `to`, when something was taken back and nothing was done since."""
    then = view.undone
    return view if then is None or then.last_seq != to else replace(_as_then(view, then), undone=then.undone)


def _as_then(view: RunView, then: RunView) -> RunView:
    """The run as it stood. What happened all the same stays: sandboxes, replies, notes and numbers."""
    kept = (
        "run",
        "last_seq",
        "messages",
        "sandboxes",
        "replies",
        "used",
        "notes",
        "error",
        "executed",
        "numbered",
        "turned",
        "worked",
        "working",
    )
    return replace(
        then, kernel=None, left=None, progress=None, queued=None, **{name: getattr(view, name) for name in kept}
    )


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
    shown = {
        "text": new.text,
        "data": new.data,
        "artifacts": new.artifacts,
        "metadata": new.metadata,
        "figure": new.figure,
    }

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
