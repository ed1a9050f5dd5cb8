"""The reviewer's tool."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from graphs.tools.base import Tool, tool


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
