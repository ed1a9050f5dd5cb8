"""The analyst's tool for planning."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from artifacts.events import RunView
from artifacts.types import PlanStep
from graphs.state import Desk
from graphs.tools.base import Tool, tool


class Step(BaseModel):
    """One step of a plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str = Field(min_length=1, description="What will be done, in a few words")
    why: str = Field("", description="What it decides about the question")
    template: str | None = Field(None, description="The template notebook that does it, if one does")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Parameters for the template")


def unknown_template(steps: tuple[Step, ...], desk: Desk) -> str | None:
    """A sentence about the first step whose template there is not; None if there is none such."""
    known = [t.name for t in desk.templates]
    wrong = [s.template for s in steps if s.template is not None and s.template not in known]
    return f"There is no template {wrong[0]!r}. There are: {', '.join(known)}; or leave it null." if wrong else None


def plan_steps(steps: tuple[Step, ...]) -> list[PlanStep]:
    """The steps as the record keeps them."""
    return [PlanStep(**s.model_dump()) for s in steps]


@tool("make_plan", job="plan")
class MakePlan(Tool):
    """Lay out the analysis: the steps in the order in which they will be carried out."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=20)

    def problem(self, desk: Desk, view: RunView) -> str | None:
        return unknown_template(self.steps, desk)
