"""The analyst's tool for planning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from artifacts.events import RunView
from artifacts.types import PlanStep
from graphs.state import Desk
from graphs.tools.base import Tool, tool
from notebooks.catalog import Template, read


class Step(BaseModel):
    """One step of a plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str = Field(min_length=1, description="What will be done, in a few words")
    why: str = Field("", description="What it decides about the question")
    part: str = Field("", description="The part of the question that it is for, in its own words")
    query: dict[str, Any] | None = Field(None, description="The query that answers the part, as ask_table takes it")
    template: str | None = Field(None, description="The template notebook that does it, if one does")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Parameters for the template")


def unknown_template(steps: tuple[Step, ...], desk: Desk) -> str | None:
    """A sentence about the first step whose template there is not; None if there is none such."""
    known = [t.name for t in desk.templates]
    wrong = [s.template for s in steps if s.template is not None and s.template not in known]
    return f"There is no template {wrong[0]!r}. There are: {', '.join(known)}; or leave it null." if wrong else None


def plan_steps(steps: tuple[Step, ...], templates: Sequence[Template]) -> list[PlanStep]:
    """The steps as the record keeps them, with the number of cells that each is going to run."""
    paths = {t.name: t.path for t in templates}
    return [PlanStep(**s.model_dump(), cells=_cells(paths[s.template]) if s.template in paths else 0) for s in steps]


def _cells(path: Path) -> int:
    """The cells that a template runs, but for the toolkit's, which has run before."""
    code = [c for c in read(path).cells if c.cell_type == "code" and c.source.strip()]
    return sum("toolkit" not in c.metadata.get("tags", ()) for c in code)


@tool("make_plan", job="plan")
class MakePlan(Tool):
    """Lay out the analysis: the steps in the order in which they will be carried out."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=20)

    def problem(self, desk: Desk, view: RunView) -> str | None:
        return unknown_template(self.steps, desk)
