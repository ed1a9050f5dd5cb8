"""The notebook of a run over REST: its cells, edits of them, and what is taken back or branched off."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Body

from artifacts.events import Redone, Undone
from artifacts.threads import in_own_thread
from artifacts.types import Run
from graphs.difference import Difference
from gristmill.local import Local
from gristmill.plain import plain
from gristmill.web import schemas
from notebooks.live.document import rows
from notebooks.live.edits import Edit, Edited

EDIT = Edit(what="edit", cell="cell-05", source="limit = 5.5", based_on=1)
EDITED = Edited(run=schemas.RUN.id, cell="cell-05", version=2, stale=("cell-05", "cell-06"), ran=("cell-05", "cell-06"))


def cells(local: Local) -> APIRouter:
    """The routes, on an open backend; they stand below /api/runs."""
    router = APIRouter()

    @router.get("/{ref}/cells", **schemas.answer(schemas.Cells, {"cells": [schemas.CELL]}))
    async def list_(ref: str) -> dict[str, Any]:
        """The cells of a run's notebook in their order, with what they read and write."""
        run = await local.run(ref)
        return {"cells": plain(await in_own_thread(lambda: rows(local.store.view(run.id))))}

    @router.post("/{ref}/edits", **schemas.answer(Edited, EDITED))
    async def edit(ref: str, edit: Annotated[Edit, Body(examples=[EDIT.model_dump()])]) -> dict[str, Any]:
        """Edit, add, move, delete or run cells, and run what depends on that; answers with what changed.

        An edit that is `based_on` an older version of its cell is refused with 409.
        """
        return cast(dict[str, Any], plain(await local.edit(ref, edit)))

    @router.post("/{ref}/undo", **schemas.answer(Undone, Undone(run_id=schemas.RUN.id, to=41, cell_id="cell-05")))
    async def undo(ref: str) -> Undone:
        """Take back the last turn, or the last edit between turns."""
        return await local.undo(ref)

    @router.post("/{ref}/redo", **schemas.answer(Redone, Redone(run_id=schemas.RUN.id, to=45, cell_id="cell-05")))
    async def redo(ref: str) -> Redone:
        """Put back what was taken back last; refused where something was done since."""
        return await local.redo(ref)

    @router.post("/{ref}/branches", **schemas.answer(Run, schemas.RUN, status=201, description="It is there."))
    async def branch(ref: str, at: str | None = None) -> Run:
        """A new run that shares the past of this one, up to the end of turn `at` or up to now."""
        return await local.branch(ref, at=at)

    example = Difference(a=schemas.RUN.id, b=schemas.RUN.id, shared=None)

    @router.get("/{ref}/diff/{other}", **schemas.answer(Difference, example))
    async def diff(ref: str, other: str) -> dict[str, Any]:
        """How two runs differ: messages, cells, outputs, values, findings and files."""
        return cast(dict[str, Any], plain(await local.diff(ref, other)))

    return router
