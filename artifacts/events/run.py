"""Events of a run as a whole: how it begins, waits, goes on and ends, and the sandboxes that it has."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from artifacts.events.base import Recorded
from artifacts.types import Match, Run, RunOutcome, RunStatus


class RunStarted(Recorded):
    kind: Literal["run_started"] = "run_started"
    run: Run


class RunResumed(Recorded):
    """Work on a run goes on; its status is running again.

    `why`: somebody took up a run that had stopped, a further turn begins, or cells of its notebook are edited and run.
    `params` are those of the run that are different from now on, such as a larger budget.
    """

    kind: Literal["run_resumed"] = "run_resumed"
    why: Literal["resumed", "turn", "edit"] = "resumed"
    params: dict[str, Any] = Field(default_factory=dict)


class RunQueued(Recorded):
    """The run waits for others to end; its inputs are kept. `place` is 1 for the next one, told anew as it changes.

    `since` is when it began to wait, by which its turn is found again after a restart.
    """

    kind: Literal["run_queued"] = "run_queued"
    place: int
    since: datetime


class RunBegan(Recorded):
    """A run that was queued has its turn."""

    kind: Literal["run_began"] = "run_began"


class SandboxOpened(Recorded):
    """The run has a sandbox. `rebuilt`: an earlier one was gone, and `replayed` cells were run again in this one.

    `partial`: for an edit, with only those cells replayed in it, one by one, that it needs.
    """

    kind: Literal["sandbox_opened"] = "sandbox_opened"
    sandbox_id: str
    host: Literal["local", "e2b"]
    isolation: str
    rebuilt: bool = False
    replayed: int = 0
    partial: bool = False

    @property
    def replaces_lost(self) -> bool:
        """Whether it stands for one that was lost. One for an edit was asked for: nothing was lost on the way."""
        return self.rebuilt and not self.partial


class SandboxLeft(Recorded):
    """The program that worked on a run at rest has ended, and left the run's sandbox to the next one, for a while.

    The kernel holds what `cells` leave, each as it ran last, in the notebook's order. `mark` is set in the kernel and
    `files` is a digest of its files: by both the sandbox shows that nothing was run in it since.
    """

    kind: Literal["sandbox_left"] = "sandbox_left"
    sandbox_id: str
    cells: tuple[str, ...]
    mark: str
    files: str


class Noted(Recorded):
    """Something a reader should know that is no finding: how a file was read, a retry, a lost connection."""

    kind: Literal["note"] = "note"
    text: str
    level: Literal["info", "warning"] = "info"


class Compared(Recorded):
    """What a run made has been held, thing by thing, against what its cells make in a fresh sandbox.

    In a run that reproduces another it is the other run that it was held against.
    """

    kind: Literal["compared"] = "compared"
    matches: tuple[Match, ...]

    @property
    def holds(self) -> bool:
        """True when nothing changed and nothing is missing."""
        return all(m.verdict in ("identical", "equal") for m in self.matches)


class RunEnded(Recorded):
    """`error` is one sentence for a person: what happened and what to do next; `outcome` how its questions came out."""

    kind: Literal["run_ended"] = "run_ended"
    status: RunStatus
    error: str | None = None
    outcome: RunOutcome | None = None


AT_REST = (RunEnded, SandboxLeft)
"""The events behind which nothing is to be waited for, as long as nobody begins anything new."""


class Undone(Recorded):
    """The last turn, or the last edit between turns, is taken back: the run stands as it did at event `to`.

    `turn_id` or `cell_id` names what is taken back. The kernel is not: the next cell needs a sandbox rebuilt.
    """

    kind: Literal["undone"] = "undone"
    to: int
    turn_id: str | None = None
    cell_id: str | None = None
    by: str = "person"


class Redone(Recorded):
    """What was taken back last is put back: the run stands as it did at event `to`, just before that.

    `turn_id` or `cell_id` names what is there again. As after taking back, the next cell needs a sandbox rebuilt.
    """

    kind: Literal["redone"] = "redone"
    to: int
    turn_id: str | None = None
    cell_id: str | None = None
    by: str = "person"


class Branched(Recorded):
    """This run begins as a branch: the events before this one are those of run `of` up to its event `to`.

    `turn_id` is the last turn that both share.
    """

    kind: Literal["branched"] = "branched"
    of: str
    to: int
    turn_id: str | None = None
