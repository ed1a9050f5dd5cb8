"""Old runs and all that is theirs, taken out of the record; what a run that stays refers to stays as well."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from artifacts.blobs import Blobs
from artifacts.database import Database
from artifacts.errors import StoreError
from artifacts.projections import utc
from artifacts.writer import Writer

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Pruned:
    """What pruning takes out, or has taken out: ids of runs, numbers of events and artifacts, files and their bytes.

    `cited` counts the runs that are old enough and stay, as a run that stays or a schedule refers to them. `bytes` is
    of artifacts' files and, once it is done, also what the database has shrunk by.
    """

    runs: tuple[str, ...]
    cited: int
    events: int
    artifacts: int
    files: int
    bytes: int


_OLD = """
    WITH RECURSIVE
    old AS (SELECT id FROM runs WHERE status NOT IN ('queued', 'running') AND coalesce(ended_at, created_at) < ?),
    cites AS (
        SELECT id AS run_id, parent_id AS cited FROM runs WHERE parent_id IS NOT NULL
        UNION
        SELECT a.run_id, b.run_id FROM (SELECT run_id, unnest(parents) AS parent FROM artifacts) a
        JOIN artifacts b ON b.id = a.parent),
    kept AS (
        SELECT id FROM runs WHERE id NOT IN (FROM old)
        UNION
        SELECT a.run_id FROM attempts AS a JOIN fires USING (schedule_id, due)
        WHERE schedule_id IN (SELECT id FROM schedules)
        AND (outcome IS NULL OR due = (SELECT max(due) FROM attempts WHERE schedule_id = a.schedule_id))
        UNION
        SELECT cited FROM kept JOIN cites ON cites.run_id = kept.id)
    SELECT id, id IN (FROM kept) FROM old ORDER BY id
"""
_AMONG = "IN (SELECT unnest(?::VARCHAR[]))"


def look(read: DuckDBPyConnection, before: datetime) -> Pruned:
    """What would be taken out: runs that ended before a time and that nothing which stays refers to."""
    old: list[tuple[str, bool]] = read.execute(_OLD, [utc(before)]).fetchall()
    runs = [id for id, cited in old if not cited]
    (events,) = read.execute(f"SELECT count(*) FROM events WHERE run_id {_AMONG}", [runs]).fetchall()[0]
    (artifacts,) = read.execute(f"SELECT count(*) FROM artifacts WHERE run_id {_AMONG}", [runs]).fetchall()[0]
    files, size = read.execute(
        "SELECT count(*), coalesce(sum(size), 0)::BIGINT FROM"
        f" (SELECT sha256, any_value(size) AS size FROM artifacts GROUP BY sha256 HAVING bool_and(run_id {_AMONG}))",
        [runs],
    ).fetchall()[0]
    return Pruned(tuple(runs), len(old) - len(runs), events, artifacts, files, size)


def prune(database: Database, writer: Writer, blobs: Blobs, before: datetime) -> Pruned:
    """Take out what `look` names, in one transaction, then the files that no artifact has any more."""
    before_bytes = database.bytes()

    def remove(write: DuckDBPyConnection) -> Pruned:
        found = look(write, before)
        if found.runs:
            writer.forget(found.runs)
            for (table,) in write.execute(_OF_RUNS).fetchall():
                write.execute(f'DELETE FROM "{table}" WHERE run_id {_AMONG}', [found.runs])
            write.execute(f"DELETE FROM runs WHERE id {_AMONG}", [found.runs])
            # The mark must never be ahead of the database, so it goes down before what it counts does.
            database.mark(database.size(write), safely=True)
        return found

    found: Pruned = writer.run(remove)
    files, freed = blobs.remove(lambda: _digests(database))
    if found.runs:
        with contextlib.suppress(StoreError):  # a disk without room for a copy: what is deleted is deleted all the same
            writer.between(database.shrink)
    shrunk = max(0, before_bytes - database.bytes())
    return Pruned(found.runs, found.cited, found.events, found.artifacts, files, freed + shrunk)


_OF_RUNS = """
    SELECT table_name FROM duckdb_columns() JOIN duckdb_tables() USING (table_name)
    WHERE column_name = 'run_id' ORDER BY table_name"""


def _digests(database: Database) -> set[str]:
    with database.cursor() as read:
        return {sha256 for (sha256,) in read.execute("SELECT DISTINCT sha256 FROM artifacts").fetchall()}
