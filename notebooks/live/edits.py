"""An edit of a run's notebook: what is to be done, what came of it, and how it is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from artifacts.events import CellAdded, CellDeleted, CellEdited, CellMoved, Event, RunView
from artifacts.store import Store
from artifacts.types import Value
from notebooks.errors import EditError, Outdated
from notebooks.live.changes import Change


class Edit(Value):
    """What is to be done with the notebook of a run.

    edit: cell `cell` gets the source `source`; `based_on` is the version that its author saw, None for any.
    add: a new cell with `source` stands behind cell `after` (None: last; "": first). move: `cell` goes there.
    delete: `cell` goes. run: `cell` runs with what it needs and what depends on it; None: all that is stale.
    restart: all cells run in a fresh sandbox. With `run` false what became stale stays so.
    """

    what: Literal["edit", "add", "move", "delete", "run", "restart"]
    cell: str | None = None
    source: str = ""
    title: str = ""
    after: str | None = None
    based_on: int | None = None
    run: bool = True
    by: str = "person"


class Edited(Value):
    """What came of an edit. `stale` are the cells that it made stale, `ran` those that ran, both in order.

    `still_stale` are stale after it; `seconds` is how long the cells took themselves, and all of it.
    """

    run: str
    cell: str | None
    version: int | None = None
    stale: tuple[str, ...] = ()
    ran: tuple[str, ...] = ()
    still_stale: tuple[str, ...] = ()
    replayed: int = 0
    changed: tuple[Change, ...] = ()
    findings_changed: tuple[str, ...] = ()
    broken_sentences: tuple[str, ...] = ()
    seconds: tuple[float, float] = (0.0, 0.0)


def recorded_of(view: RunView, edit: Edit) -> tuple[list[Event], str | None]:
    """What is recorded of an edit, and its cell. Raises EditError or Outdated."""
    run_id = view.run.id
    if view.run.status in ("running", "queued", "waiting"):
        raise EditError(f"{run_id} is being worked on. Wait for its end, or stop it: `gristmill runs cancel {run_id}`.")
    cell = view.cell(edit.cell) if edit.cell is not None else None
    if edit.cell is not None and cell is None:
        raise EditError(f"{run_id} has no cell {edit.cell}; `gristmill cells list {run_id}` shows its cells.")
    if cell is None and edit.what in ("edit", "move", "delete"):
        raise EditError("Name the cell that is meant.")
    if edit.what in ("edit", "add") and not edit.source.strip():
        raise EditError("The cell has no code. To take a cell out of the notebook, delete it.")
    if not view.cells and edit.what != "add":
        raise EditError(f"{run_id} has no cell yet.")
    after = _after(view, edit)
    if edit.what == "add":
        new = view.next_cell
        return [
            CellAdded(run_id=run_id, cell_id=new, after=after, source=edit.source, title=edit.title, author=edit.by)
        ], new
    if cell is None:
        return [], None
    if edit.what == "edit":
        if edit.based_on is not None and edit.based_on != cell.version:
            raise Outdated(
                f"{cell.id} was edited meanwhile: your edit is based on version {edit.based_on}, and the cell is at "
                f"version {cell.version}. Look at how it stands now, and edit that; "
                f"`gristmill cells show {run_id} {cell.id}` shows it.",
                version=cell.version,
                source=cell.source,
            )
        if edit.source == cell.source:
            return [], cell.id
        version = cell.version + 1
        return [
            CellEdited(run_id=run_id, cell_id=cell.id, version=version, source=edit.source, author=edit.by)
        ], cell.id
    if edit.what == "move":
        if after == cell.id:
            raise EditError(f"{cell.id} cannot stand behind itself.")
        return [CellMoved(run_id=run_id, cell_id=cell.id, after=after, author=edit.by)], cell.id
    if edit.what == "delete":
        return [CellDeleted(run_id=run_id, cell_id=cell.id, author=edit.by)], cell.id
    return [], cell.id


def _after(view: RunView, edit: Edit) -> str | None:
    """The cell behind which an added or moved cell is to stand; None: first."""
    if edit.after == "":
        return None
    if edit.after is None:
        return next((c.id for c in reversed(view.cells) if c.id != edit.cell), None)
    if view.cell(edit.after) is None:
        raise EditError(f"{view.run.id} has no cell {edit.after} to stand behind.")
    return edit.after


def last_step(store: Store, view: RunView, past: RunView) -> tuple[str | None, str | None]:
    """The turn, or else the cell of the edit, by which a run came from how it stood before to how it stands."""
    if len(view.turns) > len(past.turns):
        return view.turns[-1].id, None
    kinds = (CellAdded, CellEdited, CellMoved, CellDeleted)
    edited = (e.cell_id for e in store.events(view.run.id, past.last_seq) if isinstance(e, kinds))
    return None, next(edited, None)


def dropping(names: Iterable[str]) -> str:
    """Code that deletes names and files, and says nothing where they are gone already."""
    plain = [n for n in names if not n.startswith("file:")]
    files = [n.removeprefix("file:") for n in names if n.startswith("file:")]
    return (
        f"for _name in {plain!r}:\n    globals().pop(_name, None)\n"
        f"import os as _os\nfor _name in {files!r}:\n"
        "    _ = _os.path.isfile(_name) and _os.remove(_name)\n"
        "del _name, _os\n"
    )
