"""The cells of a run as their dependencies need them, and as a reader of a list sees them."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from dataclasses import dataclass

from artifacts.events import RunView
from artifacts.types import Cell, CellState, Execution
from notebooks.live.reading import LOCAL
from notebooks.live.reading.parsing import mentioned
from notebooks.live.state import Item, State
from notebooks.toolkit.limits import LARGE


@dataclass(frozen=True)
class Row:
    """A cell in a list of the notebook. `reads`, `writes`: names that it uses itself, and files as `file:NAME`."""

    id: str
    place: int
    title: str
    source: str
    version: int
    state: CellState
    author: str
    turn: str | None
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def items(view: RunView) -> list[Item]:
    """The notebook as it stands, in order."""
    large = _large(view)
    return [_item(view, cell, cell.source, large) for cell in view.cells]


def as_shown(view: RunView) -> list[Item]:
    """The notebook of which the outputs are shown: of each cell that ran, the source that ran last."""
    ran, large = executions(view), _large(view)
    return [_item(view, cell, ran[cell.id].code, large) for cell in view.cells if cell.id in ran]


def executions(view: RunView) -> dict[str, Execution]:
    """The newest execution of each cell that has run, by the cell's id."""
    return {x.cell: x for x in view.executions}


def rows(view: RunView) -> list[Row]:
    """The notebook as a list, in its order."""
    state, told = State(), []
    for place, (cell, item) in enumerate(zip(view.cells, items(view), strict=True), 1):
        needs, known = state.needs(item), set(state.keys)
        state.run(item)
        words = mentioned(cell.source)
        code = state.names.functions.keys() | state.names.origins.keys()
        changed = {n for n in needs.changed if (n in words and n not in code) or n.startswith("file:")}
        told.append(
            Row(
                id=cell.id,
                place=place,
                title=cell.title,
                source=cell.source,
                version=cell.version,
                state=cell.state,
                author=cell.author,
                turn=cell.turn_id,
                reads=_names(
                    n
                    for n in needs.needed
                    if (n in known or not (n.startswith("file:") or hasattr(builtins, n)))
                    and (n in words or n.startswith("file:"))
                ),
                writes=_names(needs.bound | needs.perhaps | changed),
            )
        )
    return told


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(n for n in names if not n.startswith(("~", "*")) and LOCAL not in n))


def _large(view: RunView) -> bool:
    """Whether the toolkit reads a sample of a file: of a packed one it does so from a quarter of the size on."""
    return any(a.size > LARGE // 4 for a in view.artifacts)


def _item(view: RunView, cell: Cell, source: str, large: bool) -> Item:
    execution = next((x for x in view.executions if x.cell == cell.id), None)
    if execution is None or execution.code != source or execution.status == "running":
        return Item(cell.id, source, sampled=large)
    wrote = frozenset(a.name for a in view.artifacts if a.execution_id == execution.id)
    return Item(cell.id, source, failed=execution.status != "ok", wrote=wrote, sampled=large)
