"""Events of the agents' work: steps, plan, review and report."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from artifacts.events.base import Recorded
from artifacts.events.cell import (
    AnswerMade,
    ArtifactSaved,
    CellAdded,
    CellDeleted,
    CellEdited,
    CellMoved,
    CellsStale,
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    OutputReceived,
    OutputsCleared,
    OutputUpdated,
    Progressed,
    WidgetsChanged,
)
from artifacts.events.run import SandboxOpened
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


class TaskBranched(Recorded):
    """A task has a notebook of its own from here on: as the run's stands, or that of the task `of` within which it is.

    Its new cells, plots and findings have numbers above `numbered`, so that they can stay as they are in the run's.
    """

    kind: Literal["task_branched"] = "task_branched"
    task_id: str
    numbered: int
    of: str | None = None


Work = Annotated[
    SandboxOpened
    | CellAdded
    | CellEdited
    | CellMoved
    | CellDeleted
    | CellsStale
    | ExecutionStarted
    | OutputReceived
    | OutputUpdated
    | OutputsCleared
    | WidgetsChanged
    | Progressed
    | ExecutionEnded
    | ArtifactSaved
    | FindingMade
    | AnswerMade,
    Field(discriminator="kind"),
]
"""What can happen to the notebook of a task."""
WORK: tuple[type[Recorded], ...] = get_args(get_args(Work)[0])


class TaskWorked(Recorded):
    """Something happened to the notebook of a task. What of it fits in is recorded again, as it is, at the task's end:
    from then on it is part of the run's."""

    kind: Literal["task_worked"] = "task_worked"
    task_id: str
    event: Work


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

    `answers` has one for each part of the question; `answer` is all of it as text, for old records the only form. Of a
    further turn, `turn_id`, the answers are recorded by themselves, and `answer` is the text that it adds.
    """

    kind: Literal["report"] = "report"
    answer: str
    turn_id: str | None = None
    answers: tuple[Answer, ...] = ()
    order: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()


class StepEnded(Recorded):
    kind: Literal["step_ended"] = "step_ended"
    status: Literal["done", "failed", "cancelled"] = "done"
