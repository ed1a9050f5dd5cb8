"""What every door does with runs, whoever carries it out: this process, or a server that is already running."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from artifacts.errors import StoreLocked
from artifacts.events import Event, Redone, RunView, TextDelta, Undone, fold
from artifacts.types import Artifact, ArtifactRole, Decision, Fire, Message, Run, RunStatus, Schedule, Turn
from gristmill.settings import Settings

if TYPE_CHECKING:
    from artifacts.check import Checked
    from artifacts.prune import Pruned
    from artifacts.query import Answer, Form
    from graphs.budget import Budget
    from graphs.difference import Difference
    from graphs.request import Question, Terms
    from gristmill.projects import Projects
    from notebooks.live.edits import Edit, Edited


LOOK_AGAIN = 5.0
"""Seconds for which a data folder that another process holds is tried again."""


class Listed[T](list[T]):
    """Some of what there is, in order; `total` is how many there are in all."""

    def __init__(self, items: Iterable[T], total: int) -> None:
        super().__init__(items)
        self.total = total


@dataclass(frozen=True)
class Scheduled:
    """A schedule with its next time (ISO, in its zone; None while paused) and its latest firings, newest first."""

    schedule: Schedule
    next_due: str | None
    fires: tuple[Fire, ...] = ()


class Backend(Protocol):
    """The operations behind every door. `ref` is an id, a unique prefix of one, or `last`.

    Errors are the families of `gristmill.errors.sentences`. Close it at the end.
    """

    @property
    def projects(self) -> Projects:
        """The projects, and their files."""
        ...

    async def start(
        self,
        question: str,
        files: Sequence[Path],
        *,
        model: str | None = None,
        roles: Mapping[str, str] | None = None,
        rerun: bool | None = None,
        terms: Terms | None = None,
    ) -> Run:
        """Begin to answer a question of some files; returns at once.

        `rerun` says whether the review runs the notebook again in a fresh sandbox; None: as the settings do.
        """
        ...

    async def ask(
        self,
        questions: Sequence[Question],
        files: Sequence[Path],
        *,
        model: str | None = None,
        roles: Mapping[str, str] | None = None,
        terms: Terms | None = None,
    ) -> Run:
        """Begin to answer questions of the same files, and no more than that; returns at once."""
        ...

    async def say(self, ref: str, text: str, *, queue: bool = False, budget: Budget | None = None) -> Turn | Message:
        """Say something to a run; returns at once. See `Workbench.ask`."""
        ...

    async def ask_run(self, ref: str, text: str, *, queue: bool = False, budget: Budget | None = None) -> str:
        """Say something to a run; returns the id of the turn that took it up, once that is over."""
        ...

    async def stop(self, ref: str) -> Run:
        """End the turn that is under way; the run stays open for the next one."""
        ...

    async def start_notebook(self, name_or_path: str, params: Mapping[str, Any], *, project: str | None = None) -> Run:
        """Begin to run a template or a notebook file; a parameter that names a file has it uploaded."""
        ...

    async def reproduce(self, ref: str) -> Run:
        """Begin to run a run's notebook again in a fresh sandbox; the new run's record ends with the comparison."""
        ...

    async def edit(self, ref: str, edit: Edit) -> Edited:
        """Edit the notebook of a run, and run what depends on that; returns when it has run."""
        ...

    async def undo(self, ref: str) -> Undone:
        """Take back the last turn or edit of a run."""
        ...

    async def redo(self, ref: str) -> Redone:
        """Put back what was taken back last."""
        ...

    async def branch(self, ref: str, *, at: str | None = None) -> Run:
        """A new run that shares the past of this one, up to the end of a turn or up to now."""
        ...

    async def diff(self, one: str, other: str) -> Difference:
        """How two runs differ."""
        ...

    async def cancel(self, ref: str) -> Run: ...

    async def resume(self, ref: str, *, budget: Budget | None = None) -> Run:
        """Take up a run that stopped; `budget` is what it may use from now on, where that changes."""
        ...

    async def answer(self, ref: str, text: str, *, question_id: str | None = None) -> Run:
        """Answer what an agent asked, the oldest open question where none is named; the run goes on."""
        ...

    async def decide(
        self,
        ref: str,
        decision: Decision,
        *,
        approval_id: str | None = None,
        edited: str | None = None,
        reason: str = "",
    ) -> Run:
        """Decide on a step that waits for approval, the oldest where none is named; the run goes on."""
        ...

    def follow(self, run_id: str, after: int = 0) -> AsyncIterator[Event | TextDelta]:
        """The events after a seq, then what comes, until the run has ended."""
        ...

    async def events(self, ref: str) -> list[Event]: ...

    async def run(self, ref: str) -> Run: ...

    async def runs(
        self,
        *,
        limit: int = 50,
        offset: int = 0,
        status: RunStatus | None = None,
        text: str | None = None,
        project: str | None = None,
    ) -> Listed[Run]: ...

    async def artifact(self, ref: str) -> Artifact: ...

    async def artifacts(
        self,
        *,
        run: str | None = None,
        role: ArtifactRole | None = None,
        text: str | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> Listed[Artifact]: ...

    async def read(self, artifact: Artifact) -> bytes: ...

    async def write_out(self, ref: str, directory: Path) -> list[Path]:
        """Write a run's notebook, reports, findings, plots and files into a directory; returns what was written."""
        ...

    async def query(self, sql: str, *, form: Form, rows: int, seconds: float) -> Answer:
        """Carry out one SELECT on the record's tables; the answer's bytes are of this form."""
        ...

    def check(self) -> AsyncIterator[Checked]:
        """Read every file of the record through, telling of each."""
        ...

    async def export_record(self, directory: Path) -> list[Path]:
        """Write the record's tables into a directory as Parquet files; returns what was written."""
        ...

    async def backup(self, file: Path) -> None:
        """Write a copy of the record to a file, as tar; whether it is whole its manifest says."""
        ...

    async def prune(self, before: datetime, *, dry_run: bool = False) -> Pruned:
        """Take out the runs that ended before a time, or only tell which."""
        ...

    async def add_schedule(self, schedule: Schedule) -> Scheduled: ...

    async def schedules(self) -> list[Scheduled]: ...

    async def schedule(self, ref: str, *, limit: int = 20) -> Scheduled:
        """A schedule with so many of its firings."""
        ...

    async def change_schedule(self, ref: str, changes: Mapping[str, Any]) -> Scheduled:
        """Give fields of a schedule other values; `paused` pauses and resumes it."""
        ...

    async def fire(self, ref: str) -> Run:
        """Do a schedule's work now, out of turn."""
        ...

    async def remove_schedule(self, ref: str) -> Schedule: ...

    async def close(self) -> None: ...


async def view(backend: Backend, ref: str) -> RunView:
    """A run as its events tell it."""
    return fold(await backend.events(ref))


async def branches_of(backend: Backend, run: Run) -> list[str]:
    """The ids of the runs that began as branches of this one, the oldest first."""
    others = await backend.runs(limit=10_000)
    return [r.id for r in reversed(others) if r.parent_id == run.id and r.agent == run.agent]


async def family_of(backend: Backend, run: Run) -> list[tuple[int, Run]]:
    """The runs that share a past with this one, itself among them: each with its depth, before its branches."""
    runs = {r.id: r for r in reversed(await backend.runs(limit=10_000)) if r.agent == run.agent}
    root = run
    while (above := runs.get(root.parent_id or "")) is not None:
        root = above
    found, left = list[tuple[int, Run]](), [(0, root)]
    while left:
        depth, one = left.pop()
        found.append((depth, one))
        left += [(depth + 1, r) for r in reversed(list(runs.values())) if r.parent_id == one.id]
    return found


async def connect(settings: Settings, *, leaves: bool = False) -> Backend:
    """The running server of this data folder if there is one, else the data folder itself, opened by this process.

    With `leaves` the next process goes on in the sandboxes of runs that are edited, if it comes soon. A folder that
    another process holds may be a server's that has only begun, or a command's that is about to end: we look again for
    `LOOK_AGAIN` seconds. Raises StoreLocked after that, and StoreUnwritable.
    """
    from gristmill.discovery import find_server

    until = time.monotonic() + LOOK_AGAIN
    while True:
        server = await find_server(settings.home)
        if server is not None:
            from gristmill.remote import Remote

            return Remote(server.url, server.token)
        from gristmill.local import Local

        try:
            return Local.open(settings, leaves=leaves)
        except StoreLocked:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(0.1)
