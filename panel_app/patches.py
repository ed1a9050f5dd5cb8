"""What turns the page of one view of a run into the page of a later view: small patches, and only where it changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from artifacts.events import RunView
from panel_app.components.outputs import Sized, text_length, unsized
from panel_app.components.render import part
from panel_app.components.talk import Entry, edits, entries
from panel_app.face import Face, Row, rows
from panel_app.wire import Patch

RUN, FINDINGS = "components/run.html", "components/findings.html"
CELLS, TALK = "components/cells.html", "components/talk.html"


@dataclass(frozen=True)
class Slot:
    """A piece of the page with an id of its own: the template with the macro of its name, and what it is drawn from."""

    template: str
    source: Callable[[RunView], tuple[Any, ...]]


SLOTS = {
    "head": Slot(RUN, lambda v: (v.run, v.sandboxes, v.replies, _last(v), bool(v.executions), _counted(v))),
    "alert": Slot(RUN, lambda v: (v.run.status, v.error)),
    "now": Slot(
        RUN,
        lambda v: (
            (v.run.status, v.run.place, v.sandboxes, v.steps, v.replies, bool(v.executions)),
            (_last(v), v.questions, v.approvals),
        ),
    ),
    "far": Slot(RUN, lambda v: (v.run.status, v.progress, v.plan, len(v.executions), _under_way(v))),
    "heard": Slot(RUN, lambda v: (v.run.status, v.steps, v.questions, _under_way(v), len(v.executions))),
    "answer": Slot(
        FINDINGS, lambda v: (v.run, v.report, v.replies, v.answers, v.reviews, v.artifacts, v.findings, v.plan)
    ),
    "findings": Slot(FINDINGS, lambda v: (v.run.status, v.findings, v.report, v.artifacts, v.answers)),
    "comparison": Slot(FINDINGS, lambda v: (v.run.status, v.comparison)),
    "review": Slot(FINDINGS, lambda v: (v.reviews, v.replies, v.comparison)),
    "plan": Slot(RUN, lambda v: (v.run, v.plan, v.replies)),
    "tasks": Slot(RUN, lambda v: (v.tasks,)),
    "used": Slot(RUN, lambda v: (v.used, len(v.turns), _counted(v))),
    "steps": Slot(RUN, lambda v: (v.steps,)),
    "notes": Slot(RUN, lambda v: (v.notes, v.sandboxes)),
    "files": Slot(RUN, lambda v: (v.run.status, v.artifacts)),
    "bar": Slot(
        CELLS,
        lambda v: (v.run.status, sum(c.state == "stale" for c in v.cells), len(rows(v)), _steps(v)),
    ),
    "typed": Slot(TALK, lambda v: (len(v.replies), _last(v))),
    "composer": Slot(TALK, lambda v: (v.run.status, _last(v))),
    "composer_buttons": Slot(TALK, lambda v: (v.run.status, v.run.place, _last(v))),
}


def _last(view: RunView) -> tuple[str, str]:
    return view.turns[-1].id, view.turns[-1].status


def _counted(view: RunView) -> int:
    """The cells so far, where the run's budget counts them."""
    return view.spent.cells if view.run.params.get("budget") else 0


def _steps(view: RunView) -> tuple[str, str]:
    """What can be taken back, and what put back."""
    face = Face(view)
    return face.undoes, face.redoes


def _under_way(view: RunView) -> str:
    return view.executions[-1].status if view.executions else ""


def changes(before: RunView, after: RunView, sized: Sized = unsized) -> list[Patch]:
    """The patches that turn the page of one view into the page of a later view of the same run.

    Cells mostly grow, so a cell is put once, its outputs are appended and its status is set; a cell whose outputs were
    replaced or taken back has them drawn anew, as has everything else, which is small, when its source has changed.
    """
    patches: list[Patch] = []
    face = Face(after, sized)
    for name, slot in SLOTS.items():
        if slot.source(before) != slot.source(after):
            patches.append(Patch(do="set", id=name.replace("_", "-"), html=part(slot.template, name, face)))
    if _talk_of(before) != _talk_of(after):
        old, now = ({e.id: e for e in entries(v)} for v in (before, after))
        waits = (before.run.status == "waiting") != (after.run.status == "waiting")
        patches += _listed(
            "talk",
            list(old),
            list(now),
            lambda id: part(TALK, "entry", face, now[id]),
            lambda id: old[id] != now[id] or (waits and _open(now[id])),
        )
    if (before.cells, before.executions) != (after.cells, after.executions):
        patches += _notebook(rows(before), face.rows, sized)
    return patches


def _talk_of(view: RunView) -> tuple[Any, ...]:
    """What the conversation is drawn from. The cells of a turn are told once it has ended."""
    said = (view.turns, view.messages, view.undelivered, view.questions, view.approvals)
    return (*said, view.replies, view.answers, view.report, view.run.status, list(edits(view)))


def _open(entry: Entry) -> bool:
    """Whether it waits for somebody, which it does only while the run does."""
    kinds = {"question": "answer", "approval": "decision"}
    return entry.kind in kinds and getattr(entry.what, kinds[entry.kind]) is None


def _listed(
    into: str, old: Sequence[str], now: Sequence[str], draw: Callable[[str], str], differs: Callable[[str], bool]
) -> list[Patch]:
    """Brings a list of elements up to date, one by one, so that what has not changed stays where a reader sees it."""
    patches = [Patch(do="drop", id=id) for id in old if id not in set(now)]
    known = set(old)
    after = ""
    for id in now:
        if id not in known:
            patches.append(Patch(do="put", id=id, into=into, after=after, html=draw(id)))
        elif differs(id):
            patches.append(Patch(do="put", id=id, into=into, html=draw(id)))
        after = id
    both = set(now) & known
    if [i for i in old if i in both] != [i for i in now if i in both]:
        patches.append(Patch(do="order", id=into, ids=list(now)))
    return patches


def _notebook(before: Sequence[Row], after: Sequence[Row], sized: Sized) -> list[Patch]:
    old, now = {r.id: r for r in before}, {r.id: r for r in after}
    patches = _listed(
        "cells",
        list(old),
        list(now),
        lambda id: part(CELLS, "cell", now[id], sized),
        lambda id: (old[id].cell is None) != (now[id].cell is None),
    )
    for id, row in now.items():
        if id in old and (old[id].cell is not row.cell or old[id].ran is not row.ran):
            patches += _cell(old[id], row, sized)
    return patches


def _cell(old: Row, now: Row, sized: Sized) -> list[Patch]:
    patches: list[Patch] = []
    if (old.source, old.version, old.title) != (now.source, now.version, now.title):
        patches.append(Patch(do="version", id=now.id, text=str(now.version)))
        patches.append(Patch(do="set", id=f"{now.id}-source", html=part(CELLS, "source", now)))
        patches.append(Patch(do="set", id=f"{now.id}-past", html=""))
    if now.ran is not None:
        patches += _outputs(old, now, sized)
    elif old.ran is not None:
        patches.append(Patch(do="set", id=f"{now.id}-out", html=""))
    if _stands(old) != _stands(now):
        patches.append(Patch(do="set", id=f"{now.id}-state", html=part(CELLS, "cell_state", now)))
        patches.append(Patch(do="set", id=f"{now.id}-error", html=part(CELLS, "cell_error", now)))
    return patches


def _outputs(old: Row, now: Row, sized: Sized) -> list[Patch]:
    """What a cell shows anew. While a cell runs again, what it had shown stays until there is something else."""
    assert now.ran is not None
    had = old.ran.outputs if old.ran is not None and old.ran.id == now.ran.id else ()
    shows, id = now.ran.outputs, f"{now.id}-out"
    begins = not had and (bool(shows) or now.ran.status != "running")
    again = old.ran is None or old.ran.id != now.ran.id or old.ran.status == "running" or bool(shows)
    if shows[: len(had)] != had or (begins and again):
        return [Patch(do="set", id=id, html=part(CELLS, "more", shows, 0, sized))]
    if len(shows) > len(had):
        return [Patch(do="append", id=id, html=part(CELLS, "more", shows[len(had) :], text_length(had), sized))]
    return []


def _stands(row: Row) -> tuple[Any, ...]:
    ran = (row.ran.id, row.ran.status, row.ran.error, row.ran.count) if row.ran else ()
    return (*ran, row.state, row.edited_by)
