"""Any event: one tagged union, and how one is read and written as JSON."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from artifacts.events.cell import (
    AnswerMade,
    ArtifactSaved,
    CellAdded,
    CellDeleted,
    CellEdited,
    CellMoved,
    CellsReplayed,
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
from artifacts.events.run import (
    Branched,
    Compared,
    Noted,
    Redone,
    RunBegan,
    RunEnded,
    RunQueued,
    RunResumed,
    RunStarted,
    SandboxLeft,
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
    ToolUsed,
    TurnEnded,
    TurnStarted,
)
from artifacts.events.task import (
    PlanMade,
    ReportMade,
    Reviewed,
    StepEnded,
    StepStarted,
    TaskBranched,
    TaskChanged,
    TaskWorked,
)

Event = Annotated[
    RunStarted
    | RunResumed
    | RunQueued
    | RunBegan
    | SandboxOpened
    | SandboxLeft
    | Undone
    | Redone
    | Branched
    | Said
    | Heard
    | TurnStarted
    | TurnEnded
    | Asked
    | Answered
    | ApprovalAsked
    | ApprovalGiven
    | StepStarted
    | TaskChanged
    | TaskBranched
    | TaskWorked
    | ModelReplied
    | ToolUsed
    | PlanMade
    | CellAdded
    | CellEdited
    | CellMoved
    | CellDeleted
    | CellsStale
    | CellsReplayed
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
EVENT_KINDS = frozenset(str(one.model_fields["kind"].default) for one in get_args(get_args(Event)[0]))
"""What `kind` an event can be of."""
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes one event as JSON: `EVENT.validate_json(text)`, `event.model_dump_json()`."""
