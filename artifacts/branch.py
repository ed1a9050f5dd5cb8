"""A branch of a run: a new run whose record begins with the events of another, up to one of them."""

from __future__ import annotations

from collections.abc import Sequence

from artifacts.events import ArtifactSaved, Branched, Event, RunEnded, RunStarted, TaskWorked, extend
from artifacts.types import Run, new_id, now


def branch(events: Sequence[Event], run: Run, *, turn_id: str | None = None) -> list[Event]:
    """The events with which a run begins that shares these with their run.

    Artifacts get ids of their own, since an id is one use of bytes; the bytes are shared. The run is at rest.
    """
    work = [e.event if isinstance(e, TaskWorked) else e for e in events]
    ids: dict[str, str] = {e.artifact.id: new_id("art") for e in work if isinstance(e, ArtifactSaved)}
    first = events[0]
    assert isinstance(first, RunStarted), "a run begins with its beginning"
    copied: list[Event] = [RunStarted(run_id=run.id, run=run)]
    for event in events[1:]:
        text = event.model_dump_json()
        for old, new in ids.items():
            if old in text:
                text = text.replace(old, new)
        text = text.replace(first.run_id, run.id)
        copied.append(type(event).model_validate_json(text).model_copy(update={"seq": 0}))
    copied.append(Branched(run_id=run.id, of=first.run_id, to=events[-1].seq, turn_id=turn_id))
    view = extend(None, copied)
    assert view is not None
    if view.run.status in ("running", "queued", "waiting"):
        copied.append(RunEnded(run_id=run.id, status="done", outcome=view.outcome))
    return copied


def begun(parent: Run, run_id: str) -> Run:
    """The run that a branch of another is."""
    return parent.model_copy(
        update={
            "id": run_id,
            "parent_id": parent.id,
            "status": "running",
            "place": None,
            "created_at": now(),
            "began_at": None,
            "ended_at": None,
            "worked": None,
            "outcome": None,
        }
    )
