"""How the cells of a run's notebook come and change: the part of the fold that keeps the document.

A run that only executes is a document, too: each execution of a cell that the notebook does not have adds that cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from artifacts.events.cell import CellAdded, CellEdited, ExecutionStarted
from artifacts.events.view import RunView
from artifacts.types import Answer, Cell, CellState, CellVersion, ExecutionStatus


def added(view: RunView, event: CellAdded) -> RunView:
    """The view with a cell that has not run. Behind a cell that is not there it stands last."""
    first = CellVersion(number=1, source=event.source, author=event.author, turn_id=_turn(view), at=event.at)
    cell = Cell(id=event.cell_id, versions=(first,), title=event.title, tags=event.tags)
    return _numbered(replace(view, cells=_placed(view.cells, cell, event.after)), event.cell_id)


def edited(view: RunView, event: CellEdited) -> RunView:
    """The view with a new version of a cell."""
    new = CellVersion(number=event.version, source=event.source, author=event.author, turn_id=_turn(view), at=event.at)
    return change(
        view, event.cell_id, lambda c: c.model_copy(update={"versions": (*c.versions, new), "state": "stale"})
    )


def moved(view: RunView, cell_id: str, after: str | None) -> RunView:
    """The view with a cell, and what it put out, in another place."""
    if (cell := view.cell(cell_id)) is None:
        return view
    others = tuple(c for c in view.cells if c.id != cell_id)
    return in_order(replace(view, cells=_placed(others, cell, after)))


def deleted(view: RunView, cell_id: str) -> RunView:
    """The view without a cell and all that came of it."""
    view = without(view, cell_id)
    cells = tuple(c for c in view.cells if c.id != cell_id)
    return replace(view, cells=cells, executions=tuple(x for x in view.executions if x.cell != cell_id))


def stale(view: RunView, cells: Sequence[str]) -> RunView:
    """The view in which these cells are stale."""
    return replace(view, cells=tuple(_in_state(c, "stale") if c.id in cells else c for c in view.cells))


def begun(view: RunView, event: ExecutionStarted) -> RunView:
    """The view in which a cell runs: in the place of its earlier execution, or as a new cell at the end."""
    new = event.execution
    here = view.kernel is None or new.sandbox_id == view.kernel
    away = tuple(c for c in view.away if c != new.cell)
    view = replace(view, executed=max(view.executed + 1, new.seq), away=away if here else (*away, new.cell))
    if (cell := view.cell(new.cell)) is not None:
        view = without(view, cell.id)
        others = tuple(x for x in view.executions if x.cell != cell.id)
        running = cell.model_copy(update={"state": "running", "execution_id": new.id})
        cells = tuple(running if c.id == cell.id else c for c in view.cells)
        return in_order(replace(view, cells=cells, executions=(*others, new)))
    # An unfinished try of the same call is no cell of the notebook once there is another try. Both stay to be seen.
    tries = {x.cell for x in view.executions if new.key is not None and x.key == new.key}
    step = next((s for s in reversed(view.steps) if s.id == new.step_id), None) if new.step_id is not None else None
    first = CellVersion(
        number=1,
        source=new.code,
        author=step.agent if step is not None else "analysis" if view.run.agent == "analysis" else "notebook",
        turn_id=_turn(view),
        task_id=step.task_id if step is not None else None,
        at=new.started_at,
    )
    cell = Cell(id=new.cell, versions=(first,), title=new.title, tags=new.tags, state="running", execution_id=new.id)
    kept = tuple(c for c in view.cells if c.id not in tries) if tries else view.cells
    findings = tuple(f for f in view.findings if f.evidence.cell not in tries) if tries else view.findings
    view = replace(view, cells=(*kept, cell), executions=(*view.executions, new), findings=findings)
    return _numbered(view, new.cell)


def ended(view: RunView, execution_id: str, status: ExecutionStatus) -> RunView:
    """The view in which a cell does not run any more. One that was edited meanwhile is stale."""
    execution = next((x for x in reversed(view.executions) if x.id == execution_id), None)
    if execution is None or (cell := view.cell(execution.cell)) is None:
        return view
    state: CellState = "fresh" if status == "ok" else "failed"
    return change(view, cell.id, lambda c: _in_state(c, state if execution.version == c.version else "stale"))


def without(view: RunView, cell_id: str) -> RunView:
    """The view without what came of a cell: its artifacts, findings and answers.

    The answer of a turn that is over stays, as outdated: a person has been told it, and what an agent said nobody says
    again. A cell that answers anew replaces its own.
    """
    ran = {x.id for x in view.executions if x.cell == cell_id}
    return replace(
        view,
        artifacts=tuple(a for a in view.artifacts if a.execution_id not in ran),
        findings=tuple(f for f in view.findings if f.evidence.cell != cell_id),
        given=tuple(a for a in view.given if not _rests_on(a, cell_id)),
        answers=tuple(
            _outdated(a, cell_id) for a in view.answers if not (_rests_on(a, cell_id) and _is_underway(view, a))
        ),
    )


def in_order(view: RunView) -> RunView:
    """The view with executions, findings and what they made in the notebook's order."""
    place = {c.id: i for i, c in enumerate(view.cells)}
    executions = sorted(view.executions, key=lambda x: place.get(x.cell, len(place)))
    of = {x.id: place.get(x.cell, len(place)) for x in executions}
    made = sorted(view.artifacts, key=lambda a: of.get(a.execution_id or "", -1 if a.role == "input" else len(place)))
    findings = sorted(view.findings, key=lambda f: place.get(f.evidence.cell, len(place)))
    return replace(view, executions=tuple(executions), artifacts=tuple(made), findings=tuple(findings))


def made(view: RunView, by: str | None) -> RunView:
    """The view with something new of an execution, or of a cell, in its place; that is the end for the last cell's."""
    if by is None or not view.executions or by in (view.executions[-1].id, view.executions[-1].cell):
        return view
    return in_order(view)


def change(view: RunView, cell_id: str, how: Callable[[Cell], Cell]) -> RunView:
    """The view with one cell changed."""
    return replace(view, cells=tuple(how(c) if c.id == cell_id else c for c in view.cells))


def end_turn(view: RunView, status: str, at: datetime) -> RunView:
    """The view in which the turn under way, if there is one, has ended."""
    if view.turn is None:
        return view
    last = view.turn.model_copy(update={"status": status, "ended_at": at})
    return replace(view, turns=(*view.turns[:-1], last))


def _in_state(cell: Cell, state: CellState) -> Cell:
    return cell.model_copy(update={"state": state})


def _placed(cells: Sequence[Cell], cell: Cell, after: str | None) -> tuple[Cell, ...]:
    ids = [c.id for c in cells]
    place = 0 if after is None else ids.index(after) + 1 if after in ids else len(ids)
    return (*cells[:place], cell, *cells[place:])


def _numbered(view: RunView, cell_id: str) -> RunView:
    _, _, number = cell_id.rpartition("-")
    return replace(view, numbered=max(view.numbered, int(number) if number.isdigit() else 0))


def _turn(view: RunView) -> str | None:
    return view.turn.id if view.turn else None


def _is_underway(view: RunView, answer: Answer) -> bool:
    """Whether the turn under way gave an answer. Those of the first turn have the names of its own questions."""
    if view.turn is None:
        return False
    further = {t.id for t in view.turns[1:]}
    return answer.question == view.turn.id if view.turn.id in further else answer.question not in further


def _rests_on(answer: Answer, cell_id: str) -> bool:
    return any(e.cell == cell_id for e in answer.evidence)


def _outdated(answer: Answer, cell_id: str) -> Answer:
    """The answer once a cell no longer shows what it may have rested on."""
    if not _rests_on(answer, cell_id):
        return answer
    others = tuple(e for e in answer.evidence if e.cell != cell_id)
    return answer.model_copy(update={"evidence": others, "outdated": (*answer.outdated, cell_id)})
