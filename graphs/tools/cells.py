"""The tool that changes a cell which has run: its new source takes its place, and what depends on it runs again."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from graphs.state import Desk
from graphs.tools.base import Action, refusal, tool
from graphs.tools.notebook import result
from notebooks.live.within import change


@tool("edit_cell", job="code")
class EditCell(Action):
    """Give a cell of the notebook other code. It runs in its place, and after it the cells that depend on it. Prefer
    it to a further cell where an earlier one is wrong."""

    cell: str = Field(min_length=1, description="The cell's id, as cell-07")
    code: str = Field(min_length=1, description="All of its new source")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        cell = (await desk.view()).cell(self.cell)
        if cell is None:
            return refusal("NoCell", f"The notebook has no cell {self.cell!r}.")
        if own := {"toolkit", "open"} & set(cell.tags):
            return refusal("NotYours", f"{self.cell} is Gristmill's own ({own.pop()}) and stays as it is.")
        author = desk.agents.for_job("code").name
        changed = await change(desk.session, self.cell, self.code, author=author, step_id=step_id, key=key)
        told = result(await desk.view(), changed.ran)
        if changed.left:
            told["stale"] = list(changed.left)
        if changed.mixed:
            told["note"] = "What the old version left in memory cannot be taken back; the review runs all cells anew."
        return told
