"""Events of cells: how the notebook changes, what ran, what it put out, and what came of it."""

from __future__ import annotations

from typing import Any, Literal

from artifacts.events.base import Recorded
from artifacts.types import Answer, Artifact, Execution, ExecutionError, ExecutionStatus, Finding, Output


class CellAdded(Recorded):
    """A cell that has not run stands behind cell `after` (None: first). What runs code adds its cell by that."""

    kind: Literal["cell_added"] = "cell_added"
    cell_id: str
    after: str | None
    source: str
    title: str = ""
    tags: tuple[str, ...] = ()
    author: str = "person"


class CellEdited(Recorded):
    """A cell has a new version. It is stale until that has run."""

    kind: Literal["cell_edited"] = "cell_edited"
    cell_id: str
    version: int
    source: str
    author: str = "person"


class CellMoved(Recorded):
    """A cell stands behind cell `after` now (None: first)."""

    kind: Literal["cell_moved"] = "cell_moved"
    cell_id: str
    after: str | None
    author: str = "person"


class CellDeleted(Recorded):
    """A cell is no part of the notebook any more, and nor is what it made."""

    kind: Literal["cell_deleted"] = "cell_deleted"
    cell_id: str
    author: str = "person"


class CellsStale(Recorded):
    """What these cells put out does not hold any more, since cell `cause` changed."""

    kind: Literal["cells_stale"] = "cells_stale"
    cells: tuple[str, ...]
    cause: str


class CellsReplayed(Recorded):
    """These cells, which tasks ran in sandboxes of their own, were run again in the notebook's, for what they leave."""

    kind: Literal["cells_replayed"] = "cells_replayed"
    cells: tuple[str, ...]


class ExecutionStarted(Recorded):
    """A cell runs. One that the notebook does not have is added at its end."""

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
