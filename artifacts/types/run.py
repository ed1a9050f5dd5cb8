"""A run, what it made, and what it has used."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from artifacts.types.answer import RunOutcome
from artifacts.types.base import Value, now

RunStatus = Literal["queued", "running", "waiting", "done", "failed", "cancelled", "interrupted"]
ArtifactRole = Literal["input", "plot", "table", "file", "notebook", "report", "findings"]


class Run(Value):
    """One question, notebook or schedule firing, from start to end. `agent` names what carries it out.

    `place` is that of a run whose status is queued, from 1 for the next one; None for any other. `began_at` is when the
    turn came of a run that was queued; None for one that began as it was created. `worked` are the seconds in which it
    was worked on, up to its last end: not those in which it rested between two turns or waited for a person. `outcome`
    is how its questions had come out by then; None for a run that answers none, and for old records.
    """

    id: str
    goal: str
    agent: Literal["analysis", "ask", "notebook", "reproduce"] = "analysis"
    model: str = "playbook"
    params: dict[str, Any] = Field(default_factory=dict)
    status: RunStatus = "running"
    place: int | None = None
    parent_id: str | None = None
    created_at: datetime = Field(default_factory=now)
    began_at: datetime | None = None
    ended_at: datetime | None = None
    worked: float | None = None
    outcome: RunOutcome | None = None

    @property
    def working_since(self) -> datetime:
        """When the work on it began, or the waiting for it while that lasts."""
        return self.began_at or self.created_at


class Artifact(Value):
    """A file, plot or table somebody can open later. The id is this use of it; `sha256` is the bytes themselves."""

    id: str
    sha256: str
    name: str
    media_type: str
    size: int
    role: ArtifactRole
    run_id: str
    execution_id: str | None = None
    parents: tuple[str, ...] = ()
    created_at: datetime = Field(default_factory=now)


class Match(Value):
    """One thing a run made, beside the same made again; `equal` is within tolerance, `detail` says what differs."""

    name: str
    verdict: Literal["identical", "equal", "changed", "missing"]
    detail: str = ""


class Spent(Value):
    """What a run has used. `usd` counts the replies whose price is known; `unpriced` is the number of the others.

    `minutes` are those in which it was worked on, less the work that is under way: not those in which it rested or
    waited for a person.
    """

    tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
    cells: int = 0
    minutes: float = 0.0


class Used(Value):
    """What one agent has had of one model in one turn. Of `tokens_in`, `tokens_cached` came from the endpoint's cache;
    `usd` counts the replies whose price is known, `unpriced` is the number of the others."""

    turn_id: str
    agent: str
    model: str
    replies: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    usd: float = 0.0
    unpriced: int = 0
    task_id: str | None = None

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.tokens_in + self.tokens_out
