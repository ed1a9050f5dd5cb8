"""The record: append an event, follow a run, keep bytes, and find any of it again."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from artifacts import search
from artifacts.blobs import Blob, Blobs, damage
from artifacts.database import Database
from artifacts.errors import (
    ArtifactDamaged,
    NotFound,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreNewer,
    StoreUnwritable,
)
from artifacts.events import AT_REST, ArtifactSaved, Event, RunView, TaskWorked, TextDelta, extend
from artifacts.followers import Followers, Live
from artifacts.projections import read_artifact, read_body, read_run
from artifacts.query import AT_ONCE, ROWS, SECONDS, Answer, Form, query
from artifacts.schedules import Schedules
from artifacts.threads import in_own_thread
from artifacts.types import Artifact, ArtifactRole, Run, RunStatus, new_id
from artifacts.upkeep import Upkeep
from artifacts.writer import Writer

__all__ = [
    "ArtifactDamaged",
    "NotFound",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreLocked",
    "StoreNewer",
    "StoreUnwritable",
]

_PAGE = 500  # events read at once in a replay, so that the first are shown while the rest are read
_AT_REST = {str(one.model_fields["kind"].default) for one in AT_REST}
_VIEWS = 8  # runs whose newest view is kept


@dataclass(frozen=True)
class Put:
    """Bytes, or a file to copy, that are to be an artifact."""

    data: bytes | Path
    name: str
    media_type: str
    role: ArtifactRole


class Store:
    """A data folder, open in this process alone: gristmill.duckdb for the record, blobs/ for the bytes.

    Every method may be called from any thread. What is not a coroutine touches the disk for a few milliseconds.
    """

    def __init__(self, database: Database) -> None:
        self.home = database.home
        self._database = database
        self._blobs = Blobs(database.home / "blobs")
        self._blobs.sweep()
        self._followers = Followers()
        self._writer = Writer(database, self._followers.notify)
        self.schedules = Schedules(database, self._writer)
        self._asking = asyncio.Semaphore(AT_ONCE)
        self.upkeep = Upkeep(database, self._writer, self._blobs)
        self._views, self._viewing = dict[str, RunView](), threading.Lock()
        self._owner = os.getpid()
        atexit.register(self.close)

    @classmethod
    def open(cls, home: Path) -> Store:
        """Open a data folder, making it (mode 0700) if need be.

        Raises StoreLocked (naming the process that has it), StoreUnwritable, StoreDamaged or StoreNewer.
        """
        return cls(Database(Path(home).expanduser().absolute()))

    def close(self) -> None:
        """Write what is queued, let the followers end, and give the folder free. A second call does nothing.

        A store that nobody closed is closed when the program ends.
        """
        atexit.unregister(self.close)
        if os.getpid() != self._owner:
            return  # a fork has a copy of this object, but the folder belongs to its parent
        self._writer.close()
        self._followers.close()
        self._database.close()

    async def check(self) -> None:
        """Read, and go through the writer, as any caller does. Returns when both answered; raises StoreError."""
        await self.append_all([])
        await asyncio.to_thread(self.runs, limit=1)

    def announce(self) -> None:
        """Let those who listen for events of whatever run (`artifacts.listeners`) hear of this record, too."""
        self._followers.announced = True

    def release(self) -> None:
        """Let every follower end with what it has: no run is being worked on any more."""
        self._followers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def append(self, event: Event) -> Event:
        """Record an event; returns it with its seq (1, 2, 3 ... within its run), after the commit.

        Once it returns, the event survives a crash. Raises StoreError, with nothing recorded, when the disk cannot take
        it or its run has not begun. A caller that is cancelled while it waits may find the event recorded.
        """
        (recorded,) = await self.append_all([event])
        return recorded

    async def append_all(self, events: Sequence[Event]) -> list[Event]:
        """`append` for several events at once: all of them are recorded, in this order, or none."""
        return await self.submit(events, awaited=True)

    def submit(self, events: Sequence[Event], *, awaited: bool = False) -> asyncio.Future[list[Event]]:
        """`append_all` for a caller that goes on meanwhile: what is submitted earlier is recorded earlier.

        Unless it is `awaited`, it may wait 20 ms for company; `hurry` is for who cannot wait any more.
        """
        future: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
        self._writer.append(events, future, awaited=awaited)
        return future

    def hurry(self) -> None:
        """Have what was submitted recorded now."""
        self._writer.hurry()

    def append_sync(self, event: Event) -> Event:
        """`append` for a thread without an event loop."""
        future: concurrent.futures.Future[list[Event]] = concurrent.futures.Future()
        self._writer.append([event], future)
        (recorded,) = future.result()
        return recorded

    def publish(self, delta: TextDelta) -> None:
        """Show a piece of text to those who follow its run now. It is not recorded."""
        self._followers.publish(delta, self._writer.head(delta.run_id) or sys.maxsize)

    async def follow(self, run_id: str, after: int = 0, *, stay: bool = False) -> AsyncIterator[Event | TextDelta]:
        """Every event of the run past seq `after`, in order, without gap or duplicate; then each new one as it comes.

        Text deltas arrive between the events, to those who are there when they are published. Ends after a run_ended
        with nothing behind it unless `stay`, for somebody who waits for a further turn or an edit, and when the store
        closes. An `after` that the run has not reached yet is waited for.
        Raises NotFound for a run that has not begun.
        """
        follower = self._followers.add(run_id)
        try:
            newest, kind = await asyncio.to_thread(self._newest, run_id)
            last, behind = min(after, newest), True
            ended = last == newest and kind in _AT_REST  # no more is to be waited for
            while True:
                while behind and (page := await asyncio.to_thread(self._events, run_id, last, _PAGE)):
                    for event in page:
                        last, ended = event.seq, isinstance(event, AT_REST)
                        if last > after:
                            yield event
                items, behind = follower.take()
                for item in items:
                    if isinstance(item, Live):
                        if item.after >= last:
                            yield item.delta
                    elif item.seq > last:
                        last, ended = item.seq, isinstance(item, AT_REST)
                        if last > after:
                            yield item
                if items or behind:
                    continue
                if (ended and not stay) or follower.closed:
                    return
                await follower.wait()
        except StoreError:
            if not follower.closed:  # closing in the middle of a replay is an end like any other
                raise
        finally:
            self._followers.remove(run_id, follower)

    def events(self, run_id: str, after: int = 0) -> list[Event]:
        """The events of a run past seq `after`, in order; none for a run that has not begun."""
        return self._events(run_id, after, None)

    def view(self, run_id: str) -> RunView:
        """All that is known of a run. Raises NotFound for one that has not begun.

        The newest views are kept, so that a look at a long conversation reads no more than what is new in it.
        """
        with self._viewing:
            known = self._views.get(run_id)
        last = known.last_seq if known is not None else 0
        events = self.events(run_id, max(0, last - 1))  # the last one known, too: a run that was pruned has none
        if not events:
            raise NotFound(f"There is no run {run_id}.")
        view = extend(known, (e for e in events if e.seq > last))
        assert view is not None
        with self._viewing:
            if (other := self._views.pop(run_id, None)) is not None and other.last_seq > view.last_seq:
                self._views[run_id] = other  # somebody else was quicker
            else:
                self._views[run_id] = view
            while len(self._views) > _VIEWS:
                del self._views[next(iter(self._views))]
        return view

    def run(self, ref: str) -> Run:
        """A run by its id, by four characters or more of its beginning or end, or the newest by "last".

        The id may be without its "run_". "last" passes over runs that only run another's notebook again.
        Raises NotFound when none or several answer to it; the message says what is near.
        """
        if ref == "last":
            newest = self.runs(limit=50)
            if not newest:
                raise NotFound("There is no run yet.")
            return next((r for r in newest if r.agent != "reproduce"), newest[0])
        return read_run(search.one(self._database, "runs", ref))

    def runs(
        self,
        *,
        limit: int = 50,
        offset: int = 0,
        status: RunStatus | None = None,
        agent: str | None = None,
        text: str | None = None,
        project: str | None = None,
    ) -> list[Run]:
        """Runs, newest first. `text` is looked for, in any case, in question, answer, findings and id."""
        rows = search.find(self._database, "runs", search.of_runs(status, agent, text, project), limit, offset)
        return [read_run(row) for row in rows]

    def count_runs(
        self,
        *,
        status: RunStatus | None = None,
        agent: str | None = None,
        text: str | None = None,
        project: str | None = None,
    ) -> int:
        """How many runs `runs` would give without a limit."""
        return search.count(self._database, "runs", search.of_runs(status, agent, text, project))

    async def put(
        self,
        data: bytes | Path,
        *,
        name: str,
        media_type: str,
        role: ArtifactRole,
        run_id: str,
        execution_id: str | None = None,
        parents: Sequence[str] = (),
        step_id: str | None = None,
        task_id: str | None = None,
    ) -> Artifact:
        """Keep bytes, or a copy of a file, as an artifact of a run; returns it once bytes and record are both safe.

        With `task_id` it is recorded as part of that task's notebook.
        Raises StoreError when the file cannot be read, the disk cannot take it or the run has not begun.
        """
        (artifact,) = await self.put_all(
            [Put(data, name, media_type, role)],
            run_id=run_id,
            execution_id=execution_id,
            parents=parents,
            step_id=step_id,
            task_id=task_id,
        )
        return artifact

    async def put_all(
        self,
        files: Sequence[Put],
        *,
        run_id: str,
        execution_id: str | None = None,
        parents: Sequence[str] = (),
        step_id: str | None = None,
        task_id: str | None = None,
        first: Sequence[Event] = (),
        then: Sequence[Event] = (),
    ) -> list[Artifact]:
        """`put` for several at once, what is `first` to be recorded and what `then`: all, in this order, or none."""
        kept = await asyncio.gather(*(self._keep(file.data) for file in files), return_exceptions=True)
        blobs = [one for one in kept if isinstance(one, Blob)]
        try:
            if (failure := next((one for one in kept if isinstance(one, BaseException)), None)) is not None:
                raise failure
            artifacts = [
                Artifact(
                    id=new_id("art"),
                    sha256=blob.sha256,
                    name=file.name,
                    media_type=file.media_type,
                    size=blob.size,
                    role=file.role,
                    run_id=run_id,
                    execution_id=execution_id,
                    parents=tuple(parents),
                )
                for file, blob in zip(files, blobs, strict=True)
            ]
            saved: list[Event] = [ArtifactSaved(run_id=run_id, step_id=step_id, artifact=one) for one in artifacts]
            saved = [TaskWorked(run_id=run_id, task_id=task_id, event=one) for one in saved] if task_id else saved
            await self.append_all([*first, *saved, *then])
        finally:
            for blob in blobs:
                self._blobs.recorded(blob)
        return artifacts

    def artifact(self, ref: str) -> Artifact:
        """An artifact by its id, or by the beginning or the end of it, as `run` finds one. Raises NotFound."""
        return read_artifact(search.one(self._database, "artifacts", ref))

    def artifacts(
        self,
        *,
        run_id: str | None = None,
        role: ArtifactRole | None = None,
        text: str | None = None,
        ids: Sequence[str] | None = None,
        made_from: Sequence[str] | None = None,
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[Artifact]:
        """Artifacts, newest first. `text` is looked for, in any case, in name, media type, id and the run's question.

        `ids` keeps those with one of these ids, `made_from` those that name one of these artifacts as a parent.
        """
        where = search.of_artifacts(run_id, role, text)
        where.add("id IN (SELECT unnest(?::VARCHAR[]))", None if ids is None else list(ids))
        where.add("list_has_any(parents, ?::VARCHAR[])", None if made_from is None else list(made_from))
        return [read_artifact(row) for row in search.find(self._database, "artifacts", where, limit, offset)]

    def count_artifacts(
        self, *, run_id: str | None = None, role: ArtifactRole | None = None, text: str | None = None
    ) -> int:
        """How many artifacts `artifacts` would give without a limit."""
        return search.count(self._database, "artifacts", search.of_artifacts(run_id, role, text))

    def read(self, artifact: Artifact) -> bytes:
        """The artifact's bytes. Raises ArtifactDamaged when they are gone or are not those that were stored."""
        with damage(artifact):
            return self._blobs.read(artifact.sha256)

    def path(self, artifact: Artifact) -> Path:
        """The file that holds the artifact's bytes, checked (a gigabyte takes a second, once). Read it; never write it.

        Raises ArtifactDamaged as `read` does.
        """
        with damage(artifact):
            return self._blobs.checked(artifact.sha256)

    def checked(self, artifact: Artifact) -> bool:
        """Whether `path` has nothing to do: the bytes were found right, and their file has not changed since.

        Raises ArtifactDamaged for a file that is missing or of another size.
        """
        with damage(artifact):
            return self._blobs.known(artifact.sha256, artifact.size)

    def pieces(self, artifact: Artifact) -> Iterator[bytes]:
        """The artifact's bytes, piece by piece, checked on the way: the last comes only when all were right.

        Raises ArtifactDamaged as `read` does, in the place of the last piece.
        """
        with damage(artifact):
            yield from self._blobs.pieces(artifact.sha256)

    def verify(self, artifact: Artifact) -> bool:
        """Whether the artifact's bytes are there and are those that were stored. Reads them all."""
        return self._blobs.verify(artifact.sha256)

    async def query(self, sql: str, *, form: Form = "json", rows: int = ROWS, seconds: float = SECONDS) -> Answer:
        """Carry out one SELECT on the tables of `artifacts.tables`; `form` is that of the answer's bytes.

        Raises QueryError, with a sentence, for anything that is no SELECT, or takes too long or too much.
        """
        return await query(self._database, sql, self._asking, form=form, rows=rows, seconds=seconds)

    async def _keep(self, data: bytes | Path) -> Blob:
        in_thread = in_own_thread if isinstance(data, Path) else asyncio.to_thread  # a file may be very large
        try:
            return await in_thread(self._blobs.put, data)
        except OSError as error:
            raise StoreError(f"These bytes could not be stored: {error}. Nothing was recorded.") from error

    def _events(self, run_id: str, after: int, limit: int | None) -> list[Event]:
        query = "SELECT seq, body FROM events WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?"
        with self._database.cursor() as read:
            rows = read.execute(query, [run_id, after, limit]).fetchall()
        return [read_body(seq, body) for seq, body in rows]

    def _newest(self, run_id: str) -> tuple[int, str]:
        query = "SELECT seq, kind FROM events WHERE run_id = ? ORDER BY seq DESC LIMIT 1"
        with self._database.cursor() as read:
            row = read.execute(query, [run_id]).fetchone()
        if row is None:
            raise NotFound(f"There is no run {run_id}.")
        return row
