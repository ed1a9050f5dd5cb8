"""The one thread that writes: what arrives while a commit is under way goes into the next one, together."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from artifacts.database import Database, explain
from artifacts.errors import NotFound, StoreError
from artifacts.events import Event, RunStarted
from artifacts.projections import project, utc, write_body

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BATCH = 5000
_PATIENCE = 0.02  # seconds that what nobody waits for may lie in the queue
_FEW = 6  # for so few rows, one statement is quicker than setting up an appender

type _Future = asyncio.Future[Any] | concurrent.futures.Future[Any]
type Job = Callable[[DuckDBPyConnection], Any]


@dataclass(slots=True, eq=False)
class _Entry:
    """One thing to write, whole or not at all, and the future of whoever waits: events with their JSON, or a job.

    `alone` is what is done between two commits instead.
    """

    future: _Future
    events: Sequence[tuple[Event, str]] = ()
    job: Job | None = None
    alone: Callable[[], None] | None = None


class Writer:
    """Group commit. A lone event is committed at once (about a millisecond); a crowd of them shares its commits.

    Waiting a fixed time for company, as group commit is often done, would make a caller that appends one event after
    another wait that long each time. Here the disk sets the pace: batches grow as load does. What nobody waits for
    goes with the next that somebody does wait for, or after 20 ms.
    """

    def __init__(self, database: Database, committed: Callable[[Sequence[Event]], None]) -> None:
        """`committed` is told, in this thread and in order, of the events of each commit before their appenders are."""
        self._database = database
        self._committed = committed
        self._heads: dict[str, int] = {}
        self._numbered: dict[str, int] = {}  # the same in the batch that is being written
        self._size = database.size()
        self._queue: list[_Entry] = []
        self._ready = threading.Condition()
        self._awaited = False
        self._open = True
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def append(self, events: Sequence[Event], future: _Future, *, awaited: bool = True) -> None:
        """Queue events; the future gets them with their seq after the commit, or the reason why none was recorded."""
        self._put(_Entry(future, [write_body(event) for event in events]), awaited)

    def hurry(self) -> None:
        """Somebody waits for what is queued, after all."""
        with self._ready:
            self._awaited = True
            self._ready.notify()

    def run(self, job: Job) -> Any:
        """Carry out a job inside the next transaction and wait for its commit. It checks before it writes."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._put(_Entry(future, job=job))
        return future.result()

    def between(self, work: Callable[[], None]) -> None:
        """Do something while nothing is written, and wait for its end. Raises the StoreError that it raises."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._put(_Entry(future, alone=work))
        future.result()

    def head(self, run_id: str) -> int | None:
        """The newest committed seq of a run that was written to since the store was opened."""
        return self._heads.get(run_id)

    def forget(self, run_ids: Iterable[str]) -> None:
        """These runs are being taken out. For a job, in whose transaction they go."""
        for run_id in run_ids:
            self._heads.pop(run_id, None)
            self._numbered.pop(run_id, None)

    def close(self) -> None:
        """Write what is queued, then end the thread."""
        with self._ready:
            self._open = False
            self._ready.notify()
        self._thread.join()

    def _put(self, entry: _Entry, awaited: bool = True) -> None:
        with self._ready:
            if not self._open:
                raise StoreError("The record is closed; open it again to write.")
            self._queue.append(entry)
            if len(self._queue) == 1 or (awaited and not self._awaited):
                self._ready.notify()
            self._awaited = self._awaited or awaited

    def _run(self) -> None:
        batch: list[_Entry] = []
        try:
            while batch := self._next():
                if written := [entry for entry in batch if entry.alone is None]:
                    self._commit(written)
                for entry in batch:
                    if entry.alone is not None:
                        _settle([(entry.future, _outcome(entry.alone))])
        except BaseException as error:
            # A fault of ours: whoever waits must hear of it rather than wait for ever.
            with self._ready:
                self._open = False
                batch += self._queue
            _settle([(entry.future, StoreError(f"The record's writer stopped: {error!r}")) for entry in batch])
            raise

    def _next(self) -> list[_Entry]:
        with self._ready:
            while self._open and not self._queue:
                self._ready.wait()
            self._ready.wait_for(lambda: self._awaited or not self._open, _PATIENCE)
            batch, self._queue = self._queue[:_BATCH], self._queue[_BATCH:]
            self._awaited = bool(self._queue)
            return batch

    def _commit(self, batch: list[_Entry]) -> None:
        write = self._database.connection
        heads = self._numbered = dict[str, int]()
        outcomes: list[tuple[_Future, Any]] = []
        events: list[Event] = []
        rows: list[tuple[Any, ...]] = []
        try:
            write.begin()
            for entry in batch:
                try:
                    if entry.job:
                        outcomes.append((entry.future, entry.job(write)))
                        continue
                    numbered = self._number(write, [event for event, _ in entry.events], heads)
                except StoreError as refusal:
                    outcomes.append((entry.future, refusal))
                    continue
                project(write, numbered)
                for event, (_, body) in zip(numbered, entry.events, strict=True):
                    rows.append((event.run_id, event.seq, event.kind, event.step_id, utc(event.at), body))
                events += numbered
                outcomes.append((entry.future, numbered))
            _insert(write, rows)
            write.commit()
        except duckdb.ConstraintException as error:
            self._recover()
            if len(batch) > 1:  # one of them is at fault, and only that one shall hear of it
                for entry in batch:
                    self._commit([entry])
            else:
                _settle([(batch[0].future, StoreError(f"This is in the record already: {error}"))])
            return
        except duckdb.Error as error:
            reason = explain(error, self._database.path)
            if not self._landed(heads):
                _settle([(entry.future, reason) for entry in batch])
                return
        self._heads |= heads
        jobs = any(entry.job for entry in batch)
        self._size = self._database.size() if jobs else self._size + len(events)
        self._database.mark(self._size)
        self._database.keep_private()
        self._committed(events)
        _settle(outcomes)

    def _number(self, write: DuckDBPyConnection, events: Sequence[Event], heads: dict[str, int]) -> list[Event]:
        """The events with their seq; `heads` moves on only if all of them may be recorded."""
        mine: dict[str, int] = {}
        numbered: list[Event] = []
        for event in events:
            run_id = event.run_id
            head = mine.get(run_id) or heads.get(run_id) or self._heads.get(run_id) or _head(write, run_id)
            if isinstance(event, RunStarted) and head:
                raise StoreError(f"Run {run_id} has begun already; it cannot begin twice.")
            if not isinstance(event, RunStarted) and not head:
                raise NotFound(f"There is no run {run_id} to record a {event.kind} in.")
            mine[run_id] = head + 1
            numbered.append(event.model_copy(update={"seq": head + 1}))
        heads |= mine
        return numbered

    def _landed(self, heads: dict[str, int]) -> bool:
        """Whether the batch is in the record although its commit reported a fault: it is there whole or not at all."""
        try:
            self._recover()
            return bool(heads) and all(_head(self._database.connection, run) == seq for run, seq in heads.items())
        except (StoreError, duckdb.Error):
            return False  # the database cannot be used now; the next write tries to open it anew

    def _recover(self) -> None:
        write = self._database.connection
        with contextlib.suppress(duckdb.Error):
            write.rollback()
        try:
            write.execute("SELECT 1")
        except duckdb.Error:
            self._database.reconnect()


def _head(read: DuckDBPyConnection, run_id: str) -> int:
    """The newest seq of a run, 0 for one that has not begun. The table of runs has an index, events are scanned."""
    if not read.execute("SELECT 1 FROM runs WHERE id = ?", [run_id]).fetchone():
        return 0
    newest = read.execute("SELECT max(seq) FROM events WHERE run_id = ?", [run_id]).fetchone()
    return newest[0] or 0 if newest else 0


def _outcome(work: Callable[[], None]) -> StoreError | None:
    try:
        work()
    except StoreError as refusal:
        return refusal
    return None


def _insert(write: DuckDBPyConnection, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    if len(rows) <= _FEW:
        marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows))
        write.execute(f"INSERT INTO events VALUES {marks}", [value for row in rows for value in row])
        return
    with write.appender("events") as appender:
        appender.append_rows(rows)


def _settle(outcomes: Sequence[tuple[_Future, Any]]) -> None:
    """Give each waiting caller its result or error; one wake-up for each event loop, however many wait there."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Future, Any]]] = {}
    for future, outcome in outcomes:
        if isinstance(future, asyncio.Future):
            by_loop.setdefault(future.get_loop(), []).append((future, outcome))
        else:
            _resolve([(future, outcome)])
    for loop, settled in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_resolve, settled)


def _resolve(outcomes: Sequence[tuple[_Future, Any]]) -> None:
    for future, outcome in outcomes:
        if future.done():  # its caller was cancelled
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
