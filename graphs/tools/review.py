"""The reviewer's tools: read cells, compute something on its own, give the verdict."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from artifacts.store import StoreError
from graphs import look
from graphs.state import Desk
from graphs.tools.base import Action, Tool, refusal, said, tool
from graphs.tools.notebook import result, shorten
from kernel_gateway.client import GatewayError
from notebooks.again import fresh
from notebooks.errors import NotebookError


class Held(BaseModel):
    """One objection."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    where: str = Field(description="The finding (F2), the cell (cell-07) or the part of the report that it concerns")
    problem: str = Field(min_length=1, description="What is wrong, in one sentence")
    mend: str = Field("", description="What would put it right")


@tool("give_review", job="review")
class GiveReview(Tool):
    """Give the verdict on the work: `fail` sends it back with the objections, `pass_with_remarks` lets it through and
    tells the reader what to keep in mind, `pass` is for work that you would sign."""

    verdict: Literal["pass", "pass_with_remarks", "fail"]
    remarks: tuple[str, ...] = Field((), description="What the reader should keep in mind, one sentence each")
    objections: tuple[Held, ...] = Field((), description="What must be mended; needed when the verdict is fail")


@tool("read_cells", job="interpret", also=("review",))
class ReadCells(Action):
    """Read the code of cells and all that they printed."""

    cells: tuple[str, ...] = Field(min_length=1, max_length=10, description="Their ids: cell-07")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        known = {x.cell: x for x in (await desk.view()).executions}
        if missing := [c for c in self.cells if c not in known]:
            return refusal("NoCell", f"The notebook has no cell {missing[0]!r}.")
        found = (known[c] for c in self.cells)
        return said(shorten("\n\n".join(f"# {x.cell} {x.title}\n{x.code}\n# put out:\n{x.text}" for x in found)))


@tool("try_code", job="review")
class TryCode(Action):
    """Compute something yourself, in a fresh sandbox that holds the given files and in which none of the cells has run:
    `df` and `tables` are there as read. It does not enter the notebook."""

    code: str = Field(min_length=1, description="Python source; print what you want to see")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        view = await desk.view()
        opening = look.load(view.run.params.get("files", ()))
        try:
            async with fresh(desk.store, desk.session.host, view) as (own, session):
                for code in (look.toolkit(f"{opening}\n{self.code}"), opening):
                    await session.run(code, tags=("open",))
                done = await session.run(self.code, tags=("code",))
                told = result(own.view(session.run_id), [done])
        except (GatewayError, NotebookError, StoreError) as error:
            return refusal(type(error).__name__, str(error))
        return {k: v for k, v in told.items() if k in ("ok", "text", "error")}
