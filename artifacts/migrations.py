"""The schema's history: an append-only list of named steps. A step that has been released is never edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from artifacts.errors import StoreNewer

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Step:
    """One change of the schema. `name` is what the table `migrations` remembers; `sql` may hold several statements."""

    name: str
    sql: str


# Times are TIMESTAMP in UTC: DuckDB's TIMESTAMPTZ needs pytz to be read from Python.
# `body` of an event is its JSON less `seq`, which has a column of its own; runs, artifacts and findings are projections
# of events, written in the same transaction, so they can be dropped and made again. Executions are a view of events:
# every cell writes them, and nobody reads them but a person who asks in SQL.
STEPS: tuple[Step, ...] = (
    Step(
        "0001_record",
        """
        CREATE TABLE events (
            run_id VARCHAR NOT NULL, seq INTEGER NOT NULL, kind VARCHAR NOT NULL, step_id VARCHAR,
            made_at TIMESTAMP NOT NULL, body VARCHAR NOT NULL, PRIMARY KEY (run_id, seq));
        CREATE TABLE runs (
            id VARCHAR PRIMARY KEY, goal VARCHAR NOT NULL, agent VARCHAR NOT NULL, model VARCHAR NOT NULL,
            params VARCHAR NOT NULL, status VARCHAR NOT NULL, parent_id VARCHAR, created_at TIMESTAMP NOT NULL,
            ended_at TIMESTAMP, error VARCHAR, answer VARCHAR);
        CREATE TABLE executions (
            id VARCHAR PRIMARY KEY, run_id VARCHAR NOT NULL, seq INTEGER NOT NULL, sandbox_id VARCHAR NOT NULL,
            step_id VARCHAR, key VARCHAR, title VARCHAR NOT NULL, code VARCHAR NOT NULL, status VARCHAR NOT NULL,
            count INTEGER, error VARCHAR, started_at TIMESTAMP NOT NULL, ended_at TIMESTAMP);
        CREATE TABLE artifacts (
            id VARCHAR PRIMARY KEY, sha256 VARCHAR NOT NULL, name VARCHAR NOT NULL, media_type VARCHAR NOT NULL,
            size BIGINT NOT NULL, role VARCHAR NOT NULL, run_id VARCHAR NOT NULL, execution_id VARCHAR,
            parents VARCHAR[] NOT NULL, created_at TIMESTAMP NOT NULL);
        CREATE TABLE findings (
            run_id VARCHAR NOT NULL, id VARCHAR NOT NULL, type VARCHAR NOT NULL, kind VARCHAR NOT NULL,
            columns VARCHAR[] NOT NULL, text VARCHAR NOT NULL, confidence VARCHAR NOT NULL, body VARCHAR NOT NULL,
            PRIMARY KEY (run_id, id));
        """,
    ),
    Step(
        "0002_schedules",
        """
        CREATE TABLE schedules (id VARCHAR PRIMARY KEY, created_at TIMESTAMP NOT NULL, body VARCHAR NOT NULL);
        CREATE TABLE fires (
            schedule_id VARCHAR NOT NULL, due TIMESTAMP NOT NULL, claimed_at TIMESTAMP NOT NULL, run_id VARCHAR,
            PRIMARY KEY (schedule_id, due));
        """,
    ),
    Step(
        "0003_executions",
        """
        DROP TABLE executions;
        CREATE VIEW executions AS
        WITH ends AS (
            SELECT run_id, body->>'$.execution_id' AS id, arg_max(body, seq) AS body, max(made_at) AS ended_at
            FROM events WHERE kind = 'execution_ended' GROUP BY ALL)
        SELECT
            begun.body->>'$.execution.id' AS id,
            begun.run_id,
            (begun.body->>'$.execution.seq')::INTEGER AS seq,
            begun.body->>'$.execution.sandbox_id' AS sandbox_id,
            begun.step_id,
            begun.body->>'$.execution.key' AS key,
            begun.body->>'$.execution.title' AS title,
            begun.body->>'$.execution.code' AS code,
            coalesce(ends.body->>'$.status', 'running') AS status,
            (ends.body->>'$.count')::INTEGER AS count,
            (ends.body->>'$.error.name') || ': ' || (ends.body->>'$.error.value') AS error,
            begun.made_at AS started_at,
            ends.ended_at
        FROM events AS begun
        LEFT JOIN ends ON ends.run_id = begun.run_id AND ends.id = begun.body->>'$.execution.id'
        WHERE begun.kind = 'execution_started';
        """,
    ),
    Step("0004_places", "ALTER TABLE runs ADD COLUMN place INTEGER; ALTER TABLE runs ADD COLUMN began_at TIMESTAMP"),
    # What had fired before was tried once, and its end is the end of its run. A fire whose run was under way, or that
    # never became a run, stays open: the scheduler says what becomes of it. `run_id` of the old table is of no use now.
    Step(
        "0005_attempts",
        """
        CREATE TABLE attempts (
            schedule_id VARCHAR NOT NULL, due TIMESTAMP NOT NULL, number INTEGER NOT NULL, run_id VARCHAR NOT NULL,
            began_at TIMESTAMP NOT NULL, ended_at TIMESTAMP, error VARCHAR, PRIMARY KEY (schedule_id, due, number));
        CREATE TABLE notices (
            schedule_id VARCHAR NOT NULL, due TIMESTAMP NOT NULL, target VARCHAR NOT NULL,
            tries INTEGER NOT NULL DEFAULT 0, tried_at TIMESTAMP, sent_at TIMESTAMP, error VARCHAR,
            PRIMARY KEY (schedule_id, due, target));
        INSERT INTO attempts (schedule_id, due, number, run_id, began_at)
            SELECT schedule_id, due, 1, run_id, claimed_at FROM fires WHERE run_id IS NOT NULL;
        ALTER TABLE fires ADD COLUMN outcome VARCHAR;
        ALTER TABLE fires ADD COLUMN reason VARCHAR;
        ALTER TABLE fires ADD COLUMN ended_at TIMESTAMP;
        """,
    ),
    Step(
        "0006_outcomes",
        """
        UPDATE fires SET outcome = r.status, ended_at = r.ended_at FROM runs r
            WHERE r.id = fires.run_id AND r.status IN ('done', 'failed', 'cancelled', 'interrupted');
        """,
    ),
    # How long a run was worked on, as the fold of its events counts it: from each beginning to the end that follows it.
    Step(
        "0007_worked",
        """
        ALTER TABLE runs ADD COLUMN worked DOUBLE;
        ALTER TABLE runs ADD COLUMN working_at TIMESTAMP;
        UPDATE runs SET worked = spans.seconds FROM (
            SELECT run_id, sum(CASE
                WHEN kind = 'run_ended' AND before IN ('run_started', 'run_began', 'run_resumed') AND why <> 'edit'
                THEN greatest(date_diff('microsecond', since, made_at) / 1e6, 0) ELSE 0 END) AS seconds
            FROM (
                SELECT run_id, kind, made_at, lag(kind) OVER o AS before, lag(made_at) OVER o AS since,
                    coalesce(lag(body->>'$.why') OVER o, '') AS why
                FROM events WHERE kind IN ('run_started', 'run_resumed', 'run_queued', 'run_began', 'run_ended')
                WINDOW o AS (PARTITION BY run_id ORDER BY seq))
            GROUP BY run_id HAVING bool_or(kind = 'run_ended')) AS spans
        WHERE spans.run_id = runs.id;
        """,
    ),
    Step("0008_run_outcomes", "ALTER TABLE runs ADD COLUMN outcome VARCHAR"),
)


def migrate(connection: DuckDBPyConnection, steps: tuple[Step, ...] = STEPS) -> list[str]:
    """Apply the steps that this database has not had, all in one transaction or none; returns their names.

    Raises StoreNewer for a database that has had steps which are not in `steps`: an older program must not write it.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (name VARCHAR PRIMARY KEY, applied_at TIMESTAMP NOT NULL)"
    )
    had = {name for (name,) in connection.execute("SELECT name FROM migrations").fetchall()}
    if unknown := sorted(had - {step.name for step in steps}):
        raise StoreNewer(
            f"This data folder was written by a newer Gristmill (it has the schema step {unknown[-1]}); "
            "update Gristmill, or name another folder with --home."
        )
    todo = [step for step in steps if step.name not in had]
    if todo:
        with connection.cursor() as cursor:  # closed with what is not committed
            cursor.begin()
            for step in todo:
                cursor.execute(step.sql)
                cursor.execute("INSERT INTO migrations VALUES (?, now()::TIMESTAMP)", [step.name])
            cursor.commit()
    return [step.name for step in todo]
