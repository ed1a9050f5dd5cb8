"""Edits of notebooks that people began on a page, and what the last one changed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass

from artifacts.events import RunView
from artifacts.store import Store
from notebooks.live.changes import Change, broken_sentences, changes


class Edits:
    """What is under way, by run. It goes on when the page that began it is closed, and any page can stop it."""

    def __init__(self) -> None:
        self._under_way: dict[str, set[asyncio.Task[object]]] = {}

    async def carry_out[T](self, run_id: str, job: Coroutine[object, object, T]) -> T | None:
        """What comes of it; None if somebody stopped it."""
        task = asyncio.ensure_future(job)
        mine = self._under_way.setdefault(run_id, set())
        mine.add(task)
        task.add_done_callback(mine.discard)
        with suppress(asyncio.CancelledError):
            return await asyncio.shield(task)
        if not task.cancelled():  # it is this page that ends
            raise asyncio.CancelledError
        return None

    def stop(self, run_id: str) -> None:
        """Stop what is under way of a run. The cells that have not run stay stale."""
        for task in list(self._under_way.get(run_id, ())):
            task.cancel()


@dataclass(frozen=True)
class Changed:
    """What the last edit of a run changed: its cells, what they show, what the report says wrongly since, and how many
    cells are stale."""

    cells: tuple[str, ...]
    changes: tuple[Change, ...]
    broken: tuple[str, ...]
    stale: int


def last_edit(store: Store, view: RunView) -> Changed | None:
    """What changed by the last edit of a run; None where a turn came last. Folded, so every page says the same.

    Reads the pictures that were made anew, to tell whether they show the same.
    """
    past = view.previous
    if past is None or len(past.turns) != len(view.turns):
        return None
    had, has = ({c.id: (place, c.source) for place, c in enumerate(v.cells)} for v in (past, view))
    edited = [id for id in has if id not in had or had[id][1] != has[id][1]]
    gone = any(id not in has for id in had)
    if not edited and not gone and list(had) == list(has):
        return None
    ran = gone or {x.id for x in past.executions} != {x.id for x in view.executions}
    stale = sum(c.state == "stale" for c in view.cells)
    broken = broken_sentences(past, view) if ran else []
    return Changed(tuple(edited), tuple(changes(store, past, view)), tuple(broken), stale)
