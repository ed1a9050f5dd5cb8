"""What all events have in common."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from artifacts.types import Value, now


class Recorded(Value):
    """What every event has: its run, its place in the run (given by the store, from 1), its step and its time."""

    run_id: str
    seq: int = 0  # given by the store, from 1 upward within a run
    step_id: str | None = None
    at: datetime = Field(default_factory=now)
