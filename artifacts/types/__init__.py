"""The values that travel between rooms: runs, executions, outputs, artifacts and findings. All are frozen."""

from __future__ import annotations

from artifacts.types.answer import (
    ANSWER_MIME,
    Answer,
    AnswerStatus,
    AnswerValue,
    Recomputation,
    RunOutcome,
    marked,
    outcome,
    run_outcome,
)
from artifacts.types.base import Value, new_id, now
from artifacts.types.cell import (
    PROGRESS_MIME,
    Cell,
    CellState,
    CellVersion,
    Execution,
    ExecutionError,
    ExecutionStatus,
    Output,
)
from artifacts.types.finding import FINDING_MIME, Effect, Evidence, Finding, FindingType, Test
from artifacts.types.run import Artifact, ArtifactRole, Match, Run, RunStatus, Spent, Used
from artifacts.types.schedule import Attempt, CatchUp, Fire, FireOutcome, Notice, NotifyOn, Overlap, Schedule
from artifacts.types.talk import FIRST_TURN, Approval, Decision, Message, Question, ToolCall, Turn, TurnStatus
from artifacts.types.task import Conflict, Objection, PlanStep, Priority, Task, TaskStatus

__all__ = [
    "ANSWER_MIME",
    "FINDING_MIME",
    "FIRST_TURN",
    "PROGRESS_MIME",
    "Answer",
    "AnswerStatus",
    "AnswerValue",
    "Approval",
    "Artifact",
    "ArtifactRole",
    "Attempt",
    "CatchUp",
    "Cell",
    "CellState",
    "CellVersion",
    "Conflict",
    "Decision",
    "Effect",
    "Evidence",
    "Execution",
    "ExecutionError",
    "ExecutionStatus",
    "Finding",
    "FindingType",
    "Fire",
    "FireOutcome",
    "Match",
    "Message",
    "Notice",
    "NotifyOn",
    "Objection",
    "Output",
    "Overlap",
    "PlanStep",
    "Priority",
    "Question",
    "Recomputation",
    "Run",
    "RunOutcome",
    "RunStatus",
    "Schedule",
    "Spent",
    "Task",
    "TaskStatus",
    "Test",
    "ToolCall",
    "Turn",
    "TurnStatus",
    "Used",
    "Value",
    "marked",
    "new_id",
    "now",
    "outcome",
    "run_outcome",
]
