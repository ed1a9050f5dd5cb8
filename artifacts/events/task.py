"""Events of the agents' work: steps, plan, review and report."""

from __future__ import annotations

from typing import Literal

from artifacts.events.base import Recorded
from artifacts.types import Answer, Objection, PlanStep, Recomputation, Task


class StepStarted(Recorded):
    """A node of the graph began. `step_id` is set; `agent` is who works, or system. `task_id`: as a part of a task."""

    kind: Literal["step_started"] = "step_started"
    name: str
    agent: str
    title: str
    task_id: str | None = None


class TaskChanged(Recorded):
    """A task was given, or stands differently from before; the newest of its id is how it stands."""

    kind: Literal["task_changed"] = "task_changed"
    task: Task


class PlanMade(Recorded):
    kind: Literal["plan_made"] = "plan_made"
    steps: tuple[PlanStep, ...]


class Reviewed(Recorded):
    """One round of review. `checks` counts the deterministic checks that ran."""

    kind: Literal["review"] = "review"
    round: int
    verdict: Literal["pass", "pass_with_remarks", "fail"]
    objections: tuple[Objection, ...] = ()
    remarks: tuple[str, ...] = ()
    checks: int = 0
    recomputed: tuple[Recomputation, ...] = ()


class ReportMade(Recorded):
    """The answer, and the findings in the order in which a reader should meet them.

    `answers` has one for each part of the question; `answer` is all of it as text, for old records the only form.
    """

    kind: Literal["report"] = "report"
    answer: str
    answers: tuple[Answer, ...] = ()
    order: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()


class StepEnded(Recorded):
    kind: Literal["step_ended"] = "step_ended"
    status: Literal["done", "failed", "cancelled"] = "done"
