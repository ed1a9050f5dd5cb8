"""The cells of a notebook, their executions, and what these put out."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from pydantic import Field

from artifacts.types.base import Value, now

PROGRESS_MIME = "application/vnd.gristmill.progress+json"
"""A cell that takes long tells how far it is by displaying `{"what", "done", "of", "unit"}` under this MIME type."""

ExecutionStatus = Literal["running", "ok", "error", "interrupted", "unknown"]
CellState = Literal["fresh", "stale", "running", "failed"]


class Output(Value):
    """One thing a cell put out, in order.

    `data` is a MIME bundle for results and displays. Bytes that became an artifact are not repeated in it: `artifacts`
    maps their MIME type to the artifact's id. `metadata` is Jupyter's, as the width of a picture under its MIME type.
    An output with a `display_id` can be replaced later, by any cell. `figure` is what the artists of a plot say, for
    who cannot see it: titles, labels, series with their extremes. `truncated` says how many characters were dropped,
    never silently.
    """

    kind: Literal["stdout", "stderr", "result", "display"]
    text: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    artifacts: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    display_id: str | None = None
    figure: dict[str, Any] = Field(default_factory=dict)
    truncated: int = 0
    at: datetime = Field(default_factory=now)


class ExecutionError(Value):
    """An exception that the cell's code raised: data, not an exception of ours.

    `shown` is whether it is among what the cell put out: a mistyped magic, say, is told on stderr and nowhere else.
    `at` is how many of the cell's outputs came before it, all if it is None. `died`: the kernel itself has ended.
    `frames` is the traceback as a notebook keeps it, in pieces and with colour codes; empty where that is not known.
    """

    name: str
    value: str
    traceback: str = ""
    frames: tuple[str, ...] = ()
    shown: bool = True
    at: int | None = None
    died: bool = False


class Execution(Value):
    """One version of a cell as it ran. `seq` counts the executions of its run from 1.

    `cell_id` and `version` say of which cell and which version of its source; old records name no cell, and there each
    execution has a cell of its own. `replaces` is the id of the execution of the same cell whose place this one takes.
    `key` makes a repeated request return this one. `status` is the kernel's verdict. A cell whose status is ok may have
    shown an error all the same, which it caught.
    """

    id: str
    run_id: str
    sandbox_id: str
    seq: int
    code: str
    title: str = ""
    tags: tuple[str, ...] = ()
    key: str | None = None
    cell_id: str | None = None
    version: int = 1
    replaces: str | None = None
    step_id: str | None = None
    context_id: str | None = None
    outputs: tuple[Output, ...] = ()
    error: ExecutionError | None = None
    status: ExecutionStatus = "running"
    count: int | None = None
    started_at: datetime = Field(default_factory=now)
    ended_at: datetime | None = None

    @property
    def cell(self) -> str:
        """The id of this execution's cell, in the notebook, too; the same on every run of the same plan."""
        return self.cell_id or f"cell-{self.seq:02d}"

    @property
    def text(self) -> str:
        """All that a reader would see as text, in order: streams and the plain text of results, each ending its line.

        The pieces in which a stream happens to arrive are one: `print` of two values may come in two.
        """
        streams = groupby(self.outputs, lambda o: o.kind if o.kind in ("stdout", "stderr") else id(o))
        texts = ("".join(o.text for o in pieces) for _, pieces in streams)
        return "".join(text if text.endswith("\n") or not text else text + "\n" for text in texts)


class CellVersion(Value):
    """The source of a cell from one edit to the next; `number` counts from 1."""

    number: int
    source: str
    author: str
    turn_id: str | None = None
    task_id: str | None = None
    at: datetime = Field(default_factory=now)


class Cell(Value):
    """A cell of a run's notebook. Its place is that in `RunView.cells`; its id stays, whatever else changes.

    `author` is who added it: "person", the name of an agent, or "notebook" for a cell of a notebook that was run.
    `state`: what its newest version put out still holds (fresh), does not or was never run (stale), is being made
    (running), or broke off (failed). `execution_id` is that of the newest execution of any version, None before one.
    """

    id: str
    versions: tuple[CellVersion, ...]
    title: str = ""
    tags: tuple[str, ...] = ()
    state: CellState = "stale"
    execution_id: str | None = None

    @property
    def source(self) -> str:
        """The source as it now stands."""
        return self.versions[-1].source

    @property
    def version(self) -> int:
        """The number of the newest version."""
        return self.versions[-1].number

    @property
    def author(self) -> str:
        """Who added the cell."""
        return self.versions[0].author

    @property
    def turn_id(self) -> str | None:
        """The turn in which the cell was added."""
        return self.versions[0].turn_id

    @property
    def task_id(self) -> str | None:
        """The task within which the cell was added."""
        return self.versions[0].task_id
