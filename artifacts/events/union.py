"""Any event: one tagged union, which is the list of all kinds, and how one is read and written as JSON."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from artifacts.events import cell, run, talk, task

Event = Annotated[
    run.RunStarted
    | run.RunResumed
    | run.RunQueued
    | run.RunBegan
    | run.SandboxOpened
    | run.SandboxLeft
    | run.Undone
    | run.Redone
    | run.Branched
    | talk.Said
    | talk.Heard
    | talk.TurnStarted
    | talk.TurnEnded
    | talk.Asked
    | talk.Answered
    | talk.ApprovalAsked
    | talk.ApprovalGiven
    | task.StepStarted
    | task.TaskChanged
    | task.TaskBranched
    | task.TaskWorked
    | talk.ModelReplied
    | talk.ToolUsed
    | task.PlanMade
    | cell.CellAdded
    | cell.CellEdited
    | cell.CellMoved
    | cell.CellDeleted
    | cell.CellsStale
    | cell.CellsReplayed
    | cell.ExecutionStarted
    | cell.OutputReceived
    | cell.OutputUpdated
    | cell.OutputsCleared
    | cell.WidgetsChanged
    | cell.Progressed
    | cell.ExecutionEnded
    | cell.ArtifactSaved
    | cell.FindingMade
    | cell.AnswerMade
    | task.Reviewed
    | task.ReportMade
    | run.Compared
    | run.Noted
    | task.StepEnded
    | run.RunEnded,
    Field(discriminator="kind"),
]
EVENT_KINDS = frozenset(str(one.model_fields["kind"].default) for one in get_args(get_args(Event)[0]))
"""What `kind` an event can be of."""
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes one event as JSON: `EVENT.validate_json(text)`, `event.model_dump_json()`."""
