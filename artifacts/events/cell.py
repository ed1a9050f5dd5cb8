"""Events of cells: what ran, what it put out, and what came of it."""

from __future__ import annotations

from typing import Any, Literal

from artifacts.events.base import Recorded
from artifacts.types import Answer, Artifact, Execution, ExecutionError, ExecutionStatus, Finding, Output


class ExecutionStarted(Recorded):
    kind: Literal["execution_started"] = "execution_started"
    execution: Execution


class OutputReceived(Recorded):
    kind: Literal["output"] = "output"
    execution_id: str
    output: Output


class OutputUpdated(Recorded):
    """A cell replaced what had been displayed under `output.display_id`, in whichever cells that is."""

    kind: Literal["output_updated"] = "output_updated"
    execution_id: str
    output: Output


class OutputsCleared(Recorded):
    """A cell took back all that it had put out so far."""

    kind: Literal["outputs_cleared"] = "outputs_cleared"
    execution_id: str


class WidgetsChanged(Recorded):
    """What the widgets of a cell hold, by the widget's id: all of a new one, and what changed of another."""

    kind: Literal["widgets_changed"] = "widgets_changed"
    execution_id: str
    widgets: dict[str, dict[str, Any]]


class Progressed(Recorded):
    """Something that takes long says how far it has come: a cell so many of all rows, or a step, without a cell."""

    kind: Literal["progress"] = "progress"
    execution_id: str | None = None
    what: str
    done: int
    of: int
    unit: str = "rows"


class ExecutionEnded(Recorded):
    kind: Literal["execution_ended"] = "execution_ended"
    execution_id: str
    status: ExecutionStatus
    error: ExecutionError | None = None
    count: int | None = None


class ArtifactSaved(Recorded):
    kind: Literal["artifact_saved"] = "artifact_saved"
    artifact: Artifact


class FindingMade(Recorded):
    kind: Literal["finding"] = "finding"
    finding: Finding


class AnswerMade(Recorded):
    """A part of the question has its answer, before the report is made. One of the same part takes its place."""

    kind: Literal["answer"] = "answer"
    answer: Answer
