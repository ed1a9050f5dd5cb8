"""The work that agents give to each other, its plan, and what a review holds against it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from artifacts.types.base import Value

TaskStatus = Literal["queued", "running", "waiting", "done", "failed", "cancelled"]
Priority = Literal["high", "normal", "low"]


class Conflict(Value):
    """Something that a task made and that is no part of the run's notebook, since it does not fit in with the rest.

    `what`: a file that others wrote differently, a cell whose output would be another in the notebook, or a name that
    stands for something else there: that the notebook has, and its last cell decides. `name` is that of the file, the
    cell or the name, `others` who made the other (ids of tasks, or "notebook"), `cells` those that were left out.
    """

    what: Literal["file", "cell", "name"]
    name: str
    others: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    text: str = ""


class Task(Value):
    """A piece of work that one agent gives to another; `parent` is the task within which it was given.

    `status`: queued until those in `after` have ended, waiting for a person's answer, else as a run's. `progress` is
    from 0 to 1: the part of its calls that is used, or of its questions that is answered, and 1 at its end. `result` is
    what the agent says at the end, or the sentence of its failure. `cells` are those that it made, `conflicts` what of
    them does not fit in. `budget` is its share of the run's; `turn_id` is the turn in which it was
    given.
    """

    id: str
    title: str
    agent: str
    status: TaskStatus = "queued"
    priority: Priority = "normal"
    progress: float = Field(0.0, ge=0, le=1)
    parent: str | None = None
    result: str = ""
    brief: str = ""
    by: str = ""
    after: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    budget: dict[str, Any] = Field(default_factory=dict)
    turn_id: str | None = None

    @property
    def depth(self) -> int:
        """How many tasks deep it is: 1 for one that is not given within another. Ids say it: t3, t3.1."""
        return self.id.count(".") + 1

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in ("done", "failed", "cancelled")


class PlanStep(Value):
    """One step of a plan, as a person reads it; `template` names the notebook that does it, if one does.

    `part` is the part of the question that it is for, and `query` what that means, of a step that answers it so.
    """

    title: str
    why: str = ""
    part: str = ""
    query: dict[str, Any] | None = None
    template: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    cells: int = 0  # that its template is going to run


class Objection(Value):
    """What the reviewer holds against the work: which cell or finding, what is wrong, and how to mend it."""

    where: str
    problem: str
    mend: str = ""
