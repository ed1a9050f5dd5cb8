"""Any event: one tagged union, and how one is read and written as JSON."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

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
from artifacts.events.run import Compared, Noted, RunBegan, RunEnded, RunQueued, RunResumed, RunStarted, SandboxOpened
from artifacts.events.talk import ModelReplied, ToolUsed
from artifacts.events.task import PlanMade, ReportMade, Reviewed, StepEnded, StepStarted

Event = Annotated[
    RunStarted
    | RunResumed
    | RunQueued
    | RunBegan
    | SandboxOpened
    | StepStarted
    | ModelReplied
    | ToolUsed
    | PlanMade
    | ExecutionStarted
    | OutputReceived
    | OutputUpdated
    | OutputsCleared
    | WidgetsChanged
    | Progressed
    | ExecutionEnded
    | ArtifactSaved
    | FindingMade
    | AnswerMade
    | Reviewed
    | ReportMade
    | Compared
    | Noted
    | StepEnded
    | RunEnded,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes one event as JSON: `EVENT.validate_json(text)`, `event.model_dump_json()`."""
