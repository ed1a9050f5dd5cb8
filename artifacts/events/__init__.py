"""The record: one tagged union of events, and the fold that turns a run's events into what every surface shows.

A run is its events in order. Nothing that a surface shows comes from anywhere else, so a terminal, a browser that
reloads and a replay at night all tell the same story.
"""

from __future__ import annotations

from artifacts.events.cell import (
    AnswerMade,
    ArtifactSaved,
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    OutputReceived,
    OutputsCleared,
    OutputUpdated,
    Progressed,
    WidgetsChanged,
)
from artifacts.events.fold import RunView, Step, apply, extend, fold
from artifacts.events.run import Compared, Noted, RunBegan, RunEnded, RunQueued, RunResumed, RunStarted, SandboxOpened
from artifacts.events.talk import ModelReplied, TextDelta, ToolUsed
from artifacts.events.task import PlanMade, ReportMade, Reviewed, StepEnded, StepStarted
from artifacts.events.union import EVENT, Event

__all__ = [
    "EVENT",
    "AnswerMade",
    "ArtifactSaved",
    "Compared",
    "Event",
    "ExecutionEnded",
    "ExecutionStarted",
    "FindingMade",
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
    "SandboxOpened",
    "Step",
    "StepEnded",
    "StepStarted",
    "TextDelta",
    "ToolUsed",
    "WidgetsChanged",
    "apply",
    "extend",
    "fold",
]
