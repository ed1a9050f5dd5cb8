"""Editing a cell while its run goes on, in the kernel in which the cells have run."""

from __future__ import annotations

from dataclasses import dataclass

from artifacts.events import CellEdited, CellsStale
from artifacts.types import Execution
from notebooks.live.dependencies import Catching, clean, signatures, stale_after
from notebooks.live.document import as_shown, executions, items
from notebooks.live.edits import dropping
from notebooks.session import Session


@dataclass(frozen=True)
class Changed:
    """The cells that ran for an edit, in order, those that are still stale, and whether the kernel holds old values
    that could not be taken back."""

    ran: list[Execution]
    left: tuple[str, ...]
    mixed: bool = False


async def change(session: Session, cell: str, source: str, *, author: str, step_id: str, key: str) -> Changed:
    """Give a cell another source, run it, and then what became stale by that, up to the first that fails.

    The same `key` after a restart goes on where it stopped. Raises SandboxGone.
    """
    await session.catch_up()
    before = session.view
    old = before.cell(cell)
    assert old is not None, "the caller has found it"
    if old.source != source:
        version = old.version + 1
        edited = CellEdited(run_id=session.run_id, cell_id=cell, version=version, source=source, author=author)
        await session.record(edited.model_copy(update={"step_id": step_id}))
    shown, now = as_shown(before), items(session.view)
    stale = {cell, *stale_after(shown, now), *(c.id for c in session.view.cells if c.state == "stale")}
    fresh = tuple(c.id for c in session.view.cells if c.id in stale and c.state == "fresh" and c.id != cell)
    if fresh:
        await session.record(CellsStale(run_id=session.run_id, step_id=step_id, cells=fresh, cause=cell))
    held = {id: told for id, told in signatures(now).items() if id not in stale}
    catching = Catching(now, held, clean(shown), whole=False)
    ran: list[Execution] = []
    mixed = False
    while (step := catching.next(only=stale)) is not None:
        mixed |= step.fresh
        if step.drops:
            await session.aside(dropping(step.drops))
        if step.cell is None:
            continue
        one, known = session.view.cell(step.cell), executions(session.view).get(step.cell)
        assert one is not None
        if step.cell not in stale:  # it runs for what it leaves to others, of which there is no fresh kernel to have it
            assert known is not None
            if not mixed:
                await session.replay(known)
            item = next(c for c in catching.cells if c.id == step.cell)
            catching.ran(step.cell, failed=item.failed, wrote=item.wrote or ())
            continue
        done = await session.run(
            one.source, title=one.title, tags=one.tags, cell=one.id, step_id=step_id, key=f"{key}-{one.id}"
        )
        ran.append(done)
        wrote = [a.name for a in session.view.artifacts if a.execution_id == done.id]
        catching.ran(one.id, failed=done.status != "ok", wrote=wrote)
        if done.status != "ok":
            break
    left = tuple(c.id for c in session.view.cells if c.state == "stale")
    return Changed(ran, left, mixed)
