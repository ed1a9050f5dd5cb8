"""Rows and values: what an event changes in the tables, and how a row is read back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from artifacts.errors import StoreDamaged
from artifacts.events import (
    EVENT,
    ArtifactSaved,
    CellDeleted,
    Event,
    ExecutionStarted,
    FindingMade,
    ReportMade,
    RunBegan,
    RunEnded,
    RunQueued,
    RunResumed,
    RunStarted,
    TaskWorked,
)
from artifacts.types import Artifact, Run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RUN = "id, goal, agent, model, params, status, place, parent_id, created_at, began_at, ended_at, worked, outcome"
ARTIFACT = "id, sha256, name, media_type, size, role, run_id, execution_id, parents, created_at"

_WORKED = (
    "UPDATE runs SET worked = coalesce(worked, 0)"
    " + greatest(coalesce(date_diff('microsecond', working_at, ?) / 1e6, 0), 0) WHERE id = ?"
)
_FINDINGS_OF_CELL = "DELETE FROM findings WHERE run_id = ? AND body->>'$.evidence.cell' = ?"


def utc(at: datetime) -> datetime:
    """A time as the tables hold it: UTC, without saying so. A time without a zone is taken for UTC."""
    return (at if at.tzinfo is None else at.astimezone(UTC)).replace(tzinfo=None)


def write_body(event: Event) -> tuple[Event, str]:
    """The event as it will be read back, and its JSON less `seq`.

    They differ from what was given in one case: half a surrogate pair (a program may print one) has no UTF-8 and
    becomes a question mark.
    """
    try:
        return event, event.model_dump_json(exclude={"seq"})
    except PydanticSerializationError:
        text = json.dumps(event.model_dump(), ensure_ascii=False, default=_plain).encode("utf-8", "replace").decode()
        event = EVENT.validate_json(text)
        return event, event.model_dump_json(exclude={"seq"})


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"an event cannot hold a {type(value).__name__}")


def read_body(seq: int, body: str) -> Event:
    """The event behind a row. Raises StoreDamaged when it cannot be understood."""
    try:
        return EVENT.validate_json(f'{{"seq":{seq},{body[1:]}')
    except ValidationError as error:
        raise StoreDamaged(
            f"Event {seq} of a run cannot be read: {error.errors()[0]['msg']}. It is kept as it is."
        ) from error


def project(write: DuckDBPyConnection, events: Sequence[Event]) -> None:
    """Change the tables as these events say. Outputs and the like change none: they are read from the events."""
    for event in events:
        _project(write, event)
    parts = (event.event if isinstance(event, TaskWorked) else event for event in events)
    if saved := [part.artifact for part in parts if isinstance(part, ArtifactSaved)]:
        _save(write, saved)


def _project(write: DuckDBPyConnection, event: Event) -> None:
    match event:
        case RunStarted(run=run):
            values = run.model_dump(exclude={"params", "created_at", "began_at", "ended_at"})
            times = {"created_at": run.created_at, "began_at": run.began_at, "ended_at": run.ended_at}
            moments = {name: utc(at) if at else None for name, at in times.items()} | {
                "working_at": utc(run.created_at)
            }
            _insert(write, "runs", **values, **moments, params=to_json(run.params).decode())
        case RunResumed():
            since = None if event.why == "edit" else utc(event.at)
            _update(
                write, "runs", event.run_id, status="running", place=None, ended_at=None, error=None, working_at=since
            )
            if event.params:
                known = write.execute("SELECT params FROM runs WHERE id = ?", [event.run_id]).fetchall()
                params = {**json.loads(known[0][0]), **event.params}
                _update(write, "runs", event.run_id, params=to_json(params).decode())
        case RunQueued(place=place):
            _update(write, "runs", event.run_id, status="queued", place=place, working_at=None)
        case RunBegan():
            begun = {"began_at": utc(event.at), "working_at": utc(event.at)}
            _update(write, "runs", event.run_id, status="running", place=None, **begun)
        case RunEnded():
            ended = {"status": event.status, "place": None, "ended_at": utc(event.at), "error": event.error}
            ended |= {"outcome": event.outcome}
            write.execute(_WORKED, [utc(event.at), event.run_id])
            _update(write, "runs", event.run_id, **ended, working_at=None)
        case ExecutionStarted(execution=execution) if execution.replaces is not None:
            write.execute(_FINDINGS_OF_CELL, [event.run_id, execution.cell])
        case CellDeleted(cell_id=cell_id):
            write.execute(_FINDINGS_OF_CELL, [event.run_id, cell_id])
        case ReportMade(turn_id=None):  # those of further turns are found in the events
            _update(write, "runs", event.run_id, answer=event.answer)
        case FindingMade(finding=finding):
            write.execute("DELETE FROM findings WHERE run_id = ? AND id = ?", [event.run_id, finding.id])
            values = finding.model_dump(include={"id", "type", "kind", "text", "confidence"})
            columns, body = list(finding.columns), finding.model_dump_json()
            _insert(write, "findings", **values, run_id=event.run_id, columns=columns, body=body)


def _save(write: DuckDBPyConnection, artifacts: Sequence[Artifact]) -> None:
    """Add artifacts, in one statement: each costs a millisecond."""
    # One that a task made is recorded again, as it is, when it becomes part of the run; another is a fault.
    marks = ", ".join("?" * len(artifacts))
    same = f"SELECT id, sha256, name, run_id FROM artifacts WHERE id IN ({marks})"
    known = set(write.execute(same, [artifact.id for artifact in artifacts]).fetchall())
    new = {key: a for a in artifacts if (key := (a.id, a.sha256, a.name, a.run_id)) not in known}
    if new:
        rows = [a.model_dump() | {"parents": list(a.parents), "created_at": utc(a.created_at)} for a in new.values()]
        names, marks = ", ".join(rows[0]), ", ".join("?" * len(rows[0]))
        values = [value for row in rows for value in row.values()]
        write.execute(f"INSERT INTO artifacts ({names}) VALUES {', '.join([f'({marks})'] * len(rows))}", values)


def _insert(write: DuckDBPyConnection, table: str, **values: object) -> None:
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    write.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


def _update(write: DuckDBPyConnection, table: str, id: str, **values: object) -> None:
    changes = ", ".join(f'"{name}" = ?' for name in values)
    write.execute(f"UPDATE {table} SET {changes} WHERE id = ?", [*values.values(), id])


def read_run(row: tuple[Any, ...]) -> Run:
    """A row of `RUN`."""
    id, goal, agent, model, params, status, place, parent_id, created_at, began_at, ended_at, worked, outcome = row
    return Run(
        id=id,
        goal=goal,
        agent=agent,
        model=model,
        params=json.loads(params),
        status=status,
        place=place,
        parent_id=parent_id,
        created_at=created_at.replace(tzinfo=UTC),
        began_at=began_at.replace(tzinfo=UTC) if began_at else None,
        ended_at=ended_at.replace(tzinfo=UTC) if ended_at else None,
        worked=worked,
        outcome=outcome,
    )


def read_artifact(row: tuple[Any, ...]) -> Artifact:
    """A row of `ARTIFACT`."""
    id, sha256, name, media_type, size, role, run_id, execution_id, parents, created_at = row
    return Artifact(
        id=id,
        sha256=sha256,
        name=name,
        media_type=media_type,
        size=size,
        role=role,
        run_id=run_id,
        execution_id=execution_id,
        parents=tuple(parents),
        created_at=created_at.replace(tzinfo=UTC),
    )
