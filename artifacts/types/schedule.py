"""Schedules, their firings, and the attempts at each."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from artifacts.types.base import Value, new_id, now
from artifacts.types.run import RunStatus

FireOutcome = Literal["done", "failed", "cancelled", "interrupted", "skipped", "missed"]
Overlap = Literal["allow", "skip", "queue", "replace"]
CatchUp = Literal["none", "latest", "all"]
NotifyOn = Literal["failure", "end"]


class Schedule(Value):
    """When to do what: a cron line in a time zone, and a question about files or a notebook with parameters.

    `goal` is the question (kind "question"), `template` the notebook's name or path (kind "notebook").

    `retries` is how many more attempts follow one that failed or was interrupted, the first of them `backoff` seconds
    after its end and each further one after twice as long. `overlap` says what a time does that comes while the run of
    an earlier one goes on: begin beside it, be skipped, wait, or cancel it. `catch_up` says which times that passed
    while no server ran are made up for, and `window` by how many seconds the first attempt of a time may be late.
    `notify` names targets of the operator's (GRISTMILL_NOTIFY), told on failure or on each end.
    Times up to `active_from` are never made up for: it is when the schedule was resumed or given other times.
    """

    id: str = Field(default_factory=lambda: new_id("sch"))
    cron: str
    timezone: str = "UTC"
    kind: Literal["question", "notebook"]
    goal: str = ""
    files: tuple[str, ...] = ()
    template: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    model: str | None = None
    created_at: datetime = Field(default_factory=now)
    retries: int = Field(default=0, ge=0, le=20)
    backoff: float = Field(default=300.0, ge=1, le=86_400)
    overlap: Overlap = "allow"
    catch_up: CatchUp = "latest"
    window: float = Field(default=3600.0, ge=60, le=30 * 86_400)
    notify: tuple[str, ...] = ()
    notify_on: NotifyOn = "failure"
    paused: bool = False
    active_from: datetime | None = None


class Attempt(Value):
    """One try at the work of a fire, and how its run stands; `error` is what is told of a failure.

    There is no run yet ("starting"), the process ended before there was one ("lost"), or the work could not be begun,
    as when a file is missing ("refused"); otherwise the status is that of the run `run_id`.
    """

    number: int
    run_id: str
    began_at: datetime
    status: Literal["starting", "lost", "refused"] | RunStatus
    ended_at: datetime | None = None
    error: str | None = None

    @property
    def has_run(self) -> bool:
        """Whether there is a run to look at."""
        return self.status not in ("starting", "lost", "refused")

    @property
    def active(self) -> bool:
        """Whether it may still come to something by itself."""
        return self.status in ("starting", "queued", "running")


class Notice(Value):
    """What is to be told to one target about the end of a fire, and what came of telling it."""

    target: str
    tries: int = 0
    tried_at: datetime | None = None
    sent_at: datetime | None = None
    error: str | None = None


class Fire(Value):
    """One firing of a schedule, claimed before its work starts. `outcome` is None until no attempt will follow.

    "skipped": an earlier run went on, or the schedule was paused. "missed": no attempt could begin in time.
    """

    schedule_id: str
    due: datetime
    claimed_at: datetime
    outcome: FireOutcome | None = None
    reason: str | None = None
    ended_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def state(self) -> Literal["waiting", "retrying", "queued", "running"] | FireOutcome:
        """How it stands: its outcome, or what it waits for. A run that somebody resumed and that is done, counts."""
        if any(a.status == "done" for a in self.attempts):
            return "done"
        if self.outcome is not None:
            return self.outcome
        if active := [a.status for a in self.attempts if a.active]:
            return "queued" if active[-1] == "queued" else "running"
        return "retrying" if any(a.status != "lost" for a in self.attempts) else "waiting"

    @property
    def run_id(self) -> str | None:
        """The run of the last attempt that has one."""
        return next((a.run_id for a in reversed(self.attempts) if a.has_run), None)
