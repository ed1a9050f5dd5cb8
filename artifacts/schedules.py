"""Schedules and what came of their times: fires, attempts and notices. `Store.schedules` is one of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from artifacts import search
from artifacts.database import Database
from artifacts.errors import NotFound
from artifacts.projections import utc
from artifacts.types import Attempt, Fire, FireOutcome, Notice, Schedule, new_id, now
from artifacts.writer import Job, Writer

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ATTEMPTS = """
    SELECT a.due, a.number, a.run_id, a.began_at, coalesce(r.ended_at, a.ended_at), r.status, coalesce(r.error, a.error)
    FROM attempts a LEFT JOIN runs r ON r.id = a.run_id
    WHERE a.schedule_id = ? AND list_contains(?::TIMESTAMP[], a.due) ORDER BY a.number"""
_NOTICES = """
    SELECT due, target, tries, tried_at, sent_at, error FROM notices
    WHERE schedule_id = ? AND list_contains(?::TIMESTAMP[], due) ORDER BY target"""


class Schedules:
    """The part of a store that holds schedules. Every method may be called from any thread."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database, self._writer = database, writer
        self._starting: set[str] = set()  # runs that somebody here is about to begin
        self._watchers: list[Callable[[], object]] = []

    def watch(self, changed: Callable[[], object]) -> Callable[[], None]:
        """Have `changed` called, in whichever thread, after a schedule was added, changed or removed.

        Returns the function that ends this.
        """
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def add(self, schedule: Schedule) -> None:
        """Keep a schedule. Raises StoreError when there is one of this id."""
        row = [schedule.id, utc(schedule.created_at), schedule.model_dump_json()]
        self._change(lambda write: write.execute("INSERT INTO schedules VALUES (?, ?, ?)", row) and None)

    def replace(self, schedule: Schedule) -> None:
        """Keep a schedule instead of the one of the same id. Raises NotFound."""

        def replace(write: DuckDBPyConnection) -> None:
            update = "UPDATE schedules SET body = ? WHERE id = ? RETURNING id"
            if not write.execute(update, [schedule.model_dump_json(), schedule.id]).fetchone():
                raise NotFound(f"There is no schedule {schedule.id}.")

        self._change(replace)

    def remove(self, id: str) -> None:
        """Forget a schedule; its fires stay. Raises NotFound."""

        def remove(write: DuckDBPyConnection) -> None:
            if not write.execute("DELETE FROM schedules WHERE id = ? RETURNING id", [id]).fetchone():
                raise NotFound(f"There is no schedule {id}.")

        self._change(remove)

    def all(self) -> list[Schedule]:
        """All schedules, oldest first."""
        with self._database.cursor() as read:
            rows = read.execute("SELECT body FROM schedules ORDER BY created_at, id").fetchall()
        return [Schedule.model_validate_json(body) for (body,) in rows]

    def get(self, ref: str) -> Schedule:
        """A schedule by its id, or by the beginning or the end of it. Raises NotFound."""
        return Schedule.model_validate_json(search.one(self._database, "schedules", ref)[0])

    def claim(self, schedule_id: str, due: datetime, at: datetime | None = None) -> bool:
        """Whether the caller is the one to fire this schedule for this time: True exactly once, and durably."""
        row = [schedule_id, utc(due), utc(at or now())]
        claim = """
            INSERT INTO fires (schedule_id, due, claimed_at) VALUES (?, ?, ?)
            ON CONFLICT DO NOTHING RETURNING schedule_id"""
        return bool(self._writer.run(lambda write: write.execute(claim, row).fetchone()))

    def attempt(self, fire: Fire, number: int, at: datetime | None = None) -> str | None:
        """The id that the run of this attempt is to have, for the one caller that is to begin it; None for all others.

        The id is recorded before there is a run. If the process ends in between, the attempt reads as "lost".
        """
        run_id = new_id("run")
        row = [fire.schedule_id, utc(fire.due), number, run_id, utc(at or now())]
        begin = """
            INSERT INTO attempts (schedule_id, due, number, run_id, began_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING RETURNING run_id"""
        self._starting.add(run_id)  # before a reader can see it
        if self._writer.run(lambda write: write.execute(begin, row).fetchone()):
            return run_id
        self._starting.discard(run_id)
        return None

    def attempt_failed(self, run_id: str, error: str, at: datetime | None = None) -> None:
        """Say why an attempt never became a run."""
        update = "UPDATE attempts SET error = ?, ended_at = ? WHERE run_id = ?"
        row = [error, utc(at or now()), run_id]
        try:
            self._writer.run(lambda write: write.execute(update, row) and None)
        finally:
            self._starting.discard(run_id)  # if this cannot be recorded, it reads as lost

    def end(
        self,
        fire: Fire,
        outcome: FireOutcome,
        reason: str | None = None,
        *,
        notify: Sequence[str] = (),
        at: datetime | None = None,
    ) -> bool:
        """Say what came of a fire, once and for all, and whom to tell; True for the one caller that did it."""
        key = [fire.schedule_id, utc(fire.due)]

        def end(write: DuckDBPyConnection) -> bool:
            update = """
                UPDATE fires SET outcome = ?, reason = ?, ended_at = ?
                WHERE schedule_id = ? AND due = ? AND outcome IS NULL RETURNING due"""
            if not write.execute(update, [outcome, reason, utc(at or now()), *key]).fetchone():
                return False
            for target in dict.fromkeys(notify):
                write.execute("INSERT INTO notices (schedule_id, due, target) VALUES (?, ?, ?)", [*key, target])
            return True

        return bool(self._writer.run(end))

    def try_notice(self, fire: Fire, notice: Notice, at: datetime | None = None) -> bool:
        """Whether the caller is the one to send this notice now: counts the try before it is made."""
        update = """
            UPDATE notices SET tries = tries + 1, tried_at = ?
            WHERE schedule_id = ? AND due = ? AND target = ? AND tries = ? AND sent_at IS NULL RETURNING target"""
        row = [utc(at or now()), fire.schedule_id, utc(fire.due), notice.target, notice.tries]
        return bool(self._writer.run(lambda write: write.execute(update, row).fetchone()))

    def record_notice(self, fire: Fire, target: str, error: str | None, at: datetime | None = None) -> None:
        """Say what came of a try: sent (`error` is None), or why not."""
        update = "UPDATE notices SET error = ?, sent_at = ? WHERE schedule_id = ? AND due = ? AND target = ?"
        row = [error, None if error else utc(at or now()), fire.schedule_id, utc(fire.due), target]
        self._writer.run(lambda write: write.execute(update, row) and None)

    def fires(self, schedule_id: str, *, limit: int | None = None) -> list[Fire]:
        """The fires of a schedule with their attempts and notices, newest first."""
        return self._fires("schedule_id = ? ORDER BY due DESC LIMIT ?", schedule_id, limit)

    def pending(self, schedule_id: str, tries: int) -> list[Fire]:
        """The fires with something left to do, oldest first: no outcome yet, or a notice not sent in so many tries."""
        where = """
            schedule_id = ? AND (outcome IS NULL OR due IN (
                SELECT due FROM notices n WHERE n.schedule_id = fires.schedule_id AND sent_at IS NULL AND tries < ?))
            ORDER BY due"""
        return self._fires(where, schedule_id, tries)

    def newest(self, schedule_id: str, until: datetime) -> datetime | None:
        """The latest time up to `until` for which a schedule was claimed."""
        query = "SELECT max(due) FROM fires WHERE schedule_id = ? AND due <= ?"
        with self._database.cursor() as read:
            row = read.execute(query, [schedule_id, utc(until)]).fetchone()
        return row[0].replace(tzinfo=UTC) if row and row[0] else None

    def _fires(self, where: str, schedule_id: str, *values: object) -> list[Fire]:
        found = self._read(where, schedule_id, *values)
        if any(a.status == "lost" for fire in found for a in fire.attempts):
            # a run that came up between the reading and the look at who is to begin it is not lost: it is there now
            found = self._read(where, schedule_id, *values)
        return found

    def _read(self, where: str, schedule_id: str, *values: object) -> list[Fire]:
        query = f"SELECT due, claimed_at, outcome, reason, ended_at FROM fires WHERE {where}"
        with self._database.cursor() as read:
            fires = read.execute(query, [schedule_id, *values]).fetchall()
            dues = [due for due, *_ in fires]
            attempts = read.execute(_ATTEMPTS, [schedule_id, dues]).fetchall() if dues else []
            notices = read.execute(_NOTICES, [schedule_id, dues]).fetchall() if dues else []
        return [
            Fire(
                schedule_id=schedule_id,
                due=_aware(due),
                claimed_at=_aware(claimed_at),
                outcome=outcome,
                reason=reason,
                ended_at=ended_at and _aware(ended_at),
                attempts=tuple(self._attempt(*row[1:]) for row in attempts if row[0] == due),
                notices=tuple(_notice(*row[1:]) for row in notices if row[0] == due),
            )
            for due, claimed_at, outcome, reason, ended_at in fires
        ]

    def _attempt(
        self,
        number: int,
        run_id: str,
        began_at: datetime,
        ended_at: datetime | None,
        status: Any,
        error: str | None,
    ) -> Attempt:
        if status is None:
            status = "refused" if error else "starting" if run_id in self._starting else "lost"
        else:
            self._starting.discard(run_id)
        return Attempt(
            number=number,
            run_id=run_id,
            began_at=_aware(began_at),
            ended_at=ended_at and _aware(ended_at),
            status=status,
            error=error,
        )

    def _change(self, job: Job) -> None:
        self._writer.run(job)
        for changed in list(self._watchers):
            changed()


def _notice(target: str, tries: int, tried_at: datetime | None, sent_at: datetime | None, error: str | None) -> Notice:
    tried, sent = tried_at and _aware(tried_at), sent_at and _aware(sent_at)
    return Notice(target=target, tries=tries, tried_at=tried, sent_at=sent, error=error)


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
