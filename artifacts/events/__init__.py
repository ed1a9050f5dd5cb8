"""The record: one tagged union of events, and the fold that turns a run's events into what every surface shows.

A run is its events in order. Nothing that a surface shows comes from anywhere else, so a terminal, a browser that
reloads and a replay at night all tell the same story.
"""

from __future__ import annotations

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
from artifacts.events.fold import apply, extend, fold
from artifacts.events.run import (
    Branched,
    Compared,
    Noted,
    RunBegan,
    RunEnded,
    RunQueued,
    RunResumed,
    RunStarted,
    SandboxOpened,
    Undone,
)
from artifacts.events.talk import (
    Answered,
    ApprovalAsked,
    ApprovalGiven,
    Asked,
    Heard,
    ModelReplied,
    Said,
    TextDelta,
    ToolUsed,
    TurnEnded,
    TurnStarted,
)
from artifacts.events.task import PlanMade, ReportMade, Reviewed, StepEnded, StepStarted, TaskChanged
from artifacts.events.union import EVENT, Event
from artifacts.events.view import RunView, Step

__all__ = [
    "EVENT",
    "AnswerMade",
    "Answered",
    "ApprovalAsked",
    "ApprovalGiven",
    "ArtifactSaved",
    "Asked",
    "Branched",
    "CellAdded",
    "CellDeleted",
    "CellEdited",
    "CellMoved",
    "CellsStale",
    "Compared",
    "Event",
    "ExecutionEnded",
    "ExecutionStarted",
    "FindingMade",
    "Heard",
    "ModelReplied",
    "Noted",
    "OutputReceived",
    "OutputUpdated",
    "OutputsCleared",
    "PlanMade",
    "Progressed",
    "ReportMade",
    "Reviewed",
    "RunBegan",
    "RunEnded",
    "RunQueued",
    "RunResumed",
    "RunStarted",
    "RunView",
    "Said",
    "SandboxOpened",
    "Step",
    "StepEnded",
    "StepStarted",
    "TaskChanged",
    "TextDelta",
    "ToolUsed",
    "TurnEnded",
    "TurnStarted",
    "Undone",
    "WidgetsChanged",
    "apply",
    "extend",
    "fold",
]
