"""Brings what a task made into the run's notebook: the cells whose outputs hold there, too, and what does not fit in.

A task works on a notebook of its own, a copy of the run's at its beginning, while others work on theirs. Its cells are
put behind the run's. Whether they would put out the same there follows from what each of them needs: see `live.state`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from artifacts.events import (
    AnswerMade,
    ArtifactSaved,
    CellAdded,
    CellDeleted,
    CellEdited,
    CellMoved,
    CellsStale,
    Event,
    ExecutionStarted,
    FindingMade,
    RunView,
    SandboxOpened,
    TaskWorked,
    Work,
)
from artifacts.types import Cell, Conflict
from notebooks.live.dependencies import clean, plan, signatures
from notebooks.live.document import items
from notebooks.live.reading import LOCAL
from notebooks.live.state import Item, State
from notebooks.slices import binds, statements

_BY_CELLS = ("table", "file", "plot")


@dataclass(frozen=True)
class Merged:
    """The cells of a task that become part of the run's notebook, in order, and what of it does not fit in."""

    cells: tuple[str, ...]
    conflicts: tuple[Conflict, ...]


def merge(view: RunView, own: RunView) -> Merged:
    """What of a task's notebook `own` fits in with the run's as it stands in `view`.

    A cell is left out that wrote a file which somebody else wrote differently meanwhile, that changed a cell of the
    run's, or that would put out something else behind the run's cells, as one that needs what was left out.
    """
    new = [c for c in own.cells if _number(c) > own.block]
    there = {c.source for c in view.cells if "toolkit" in c.tags}
    candidates = [c for c in new if not ("toolkit" in c.tags and c.source in there)]
    files, conflicts = dict(_files(view, own)), list[Conflict]()
    left: set[str] = set()
    for cell in own.cells:
        mine = sorted(name for name, (by, _) in files.items() if by == cell.id)
        for name in mine:
            others = (files[name][1],)
            text = f"{cell.id} wrote {name}, which {_said(others)} wrote differently; the other one stays."
            conflicts.append(Conflict(what="file", name=name, others=others, cells=(cell.id,), text=text))
            left.add(cell.id)
        theirs = view.cell(cell.id)
        if theirs is not None and theirs.source != cell.source:
            text = f"The task changed {cell.id}, which is the run's; there it stays as it was."
            conflicts.append(Conflict(what="cell", name=cell.id, others=("notebook",), cells=(cell.id,), text=text))
    while astray := _astray(view, own, [c for c in candidates if c.id not in left]):
        for id in astray:
            text = f"{id} would put out something else behind the cells that others added, so it was left out."
            conflicts.append(Conflict(what="cell", name=id, cells=(id,), text=text))
        left |= set(astray)
    kept = [c for c in candidates if c.id not in left]
    conflicts += _names(view, own, kept)
    return Merged(tuple(c.id for c in kept), tuple(conflicts))


def recorded(events: Iterable[Event], task_id: str, cells: Sequence[str]) -> list[Work]:
    """What happened to these cells of a task, as it is to be recorded of the run's notebook."""
    work = [e.event for e in events if isinstance(e, TaskWorked) and e.task_id == task_id]
    of = {e.execution.id: e.execution.cell for e in work if isinstance(e, ExecutionStarted)}
    return [e for event in work if (e := _part(event, of, cells)) is not None]


def needed(view: RunView, source: str | None, brought: Iterable[str] = ()) -> list[str]:
    """Which cells must run again in the run's own kernel before code that is new does, in order.

    Those are among the ones that tasks ran elsewhere, and what those changed in place. `brought` are the files of such
    cells that are there all the same. `source` None: all that were run elsewhere.
    """
    cells = items(view)
    if source is None or not view.away:
        return [c.id for c in cells if c.id in view.away]
    kernel = clean(c for c in cells if c.id not in view.away)
    whole = clean(cells)
    for name in (f"file:{b.rpartition('/')[2]}" for b in brought):
        if name in whole.keys:
            kernel.take(name, whole)
    wanted = plan([*cells, Item("", source)], {""}, kernel, whole=False)
    return [id for id in wanted.cells if id and (not wanted.fresh or id in view.away)]


def _number(cell: Cell) -> int:
    number = cell.id.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


def _files(view: RunView, own: RunView) -> Iterator[tuple[str, tuple[str, str]]]:
    """The files that both wrote, and differently, since the task began: by which cell of its, and by whom else."""
    mine, theirs = _written(own), _written(view)
    for name, (digest, cell) in mine.items():
        if cell is not None and _is_new(own, cell) and name in theirs and theirs[name][0] != digest:
            other = view.cell(theirs[name][1] or "")
            if other is not None and own.cell(other.id) is None:  # else it is what the task has written anew
                yield name, (cell, other.task_id or "notebook")


def _is_new(own: RunView, cell_id: str) -> bool:
    cell = own.cell(cell_id)
    return cell is not None and _number(cell) > own.block


def _written(view: RunView) -> dict[str, tuple[str, str | None]]:
    """Each file's digest, and the cell that wrote it last."""
    cells = {x.id: x.cell for x in view.executions}
    return {
        a.name: (a.sha256, cells.get(a.execution_id or "")) for a in view.artifacts if a.role in (*_BY_CELLS, "input")
    }


def _astray(view: RunView, own: RunView, kept: Sequence[Cell]) -> list[str]:
    """Those of the cells that would not put out the same behind the run's."""
    alone, ids = signatures(_items(own)), {c.id for c in kept}
    mine = [item for item in _items(own) if item.id in ids]
    # A shell command of somebody else's may have done anything, in a sandbox where these cells were not. What it did
    # shows when the review runs the whole notebook; taken at its worst, nothing beside it could be kept.
    before = [i for i in _items(view) if own.cell(i.id) is not None or not State().needs(i).reading.opaque]
    together = signatures([*before, *mine])
    return [item.id for item in mine if together[item.id] != alone[item.id]]


def _items(view: RunView) -> list[Item]:
    """The notebook, in which a toolkit cell imports what it defines: its functions keep nothing that shows in outputs,
    and a library's are known to change nothing, while of their bodies much more has to be taken for possible."""
    toolkit = {c.id for c in view.cells if "toolkit" in c.tags}
    return [replace(i, source=_imported(i.source)) if i.id in toolkit else i for i in items(view)]


def _imported(toolkit: str) -> str:
    """Import statements for all that a toolkit cell binds; what somebody made of it who edited it counts, too."""
    if not (names := binds(toolkit)):
        return toolkit
    imports = [s for s in statements(toolkit) if s.imports]
    defined = sorted(names.difference(*(s.names.binds for s in imports)))
    texts = [s.text for s in imports] + [f"from notebooks.toolkit import {name}" for name in defined]
    return "\n".join([f"# {zlib.crc32(toolkit.encode())}", *texts])


def _names(view: RunView, own: RunView, kept: Sequence[Cell]) -> Iterator[Conflict]:
    """The names to which this task and another, or the run, have given different values since it began."""
    base = [item for item in _items(own) if not _is_new(own, item.id)]
    before, now = clean(base), clean(_items(view))
    known = {item.id for item in base}
    ids = {c.id for c in kept if "toolkit" not in c.tags}
    after = State()
    for item in (*base, *(i for i in _items(own) if i.id in {c.id for c in kept})):
        after.run(item)
    for name in sorted(after.keys):
        plain = not name.startswith(("~", "*", "_", "file:")) and LOCAL not in name
        makers, theirs = after.makers.get(name, frozenset()) & ids, now.makers.get(name, frozenset()) - known
        if not plain or not makers or not theirs or len({s.key(name) for s in (before, now, after)}) < 3:
            continue
        found = [c for id in sorted(theirs) if (c := view.cell(id)) is not None and "toolkit" not in c.tags]
        if found:
            others = tuple(dict.fromkeys(c.task_id or "notebook" for c in found))
            text = f"{name} stands for something else in what {_said(others)} made; the notebook has both, this last."
            yield Conflict(what="name", name=name, others=others, text=text)


def _said(others: Sequence[str]) -> str:
    return " and ".join("the run" if o == "notebook" else o for o in others)


def _part(event: Work, of: dict[str, str], cells: Sequence[str]) -> Work | None:
    """An event as far as it is about these cells; None where it is not."""
    match event:
        case SandboxOpened():
            return None
        case CellAdded() | CellEdited() | CellMoved() | CellDeleted():
            return event if event.cell_id in cells else None
        case CellsStale():
            stale = tuple(c for c in event.cells if c in cells)
            return event.model_copy(update={"cells": stale}) if stale else None
        case ExecutionStarted():
            return event if event.execution.cell in cells else None
        case ArtifactSaved():
            return event if of.get(event.artifact.execution_id or "") in cells else None
        case FindingMade():
            return event if event.finding.evidence.cell in cells else None
        case AnswerMade():
            return event if any(e.cell in cells for e in event.answer.evidence) else None
    return event if of.get(event.execution_id or "") in cells else None
