"""The tables that a person may rely on in SQL and in an export: what they are made of, and what each column means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table as people see it: `select` makes it from the record's own, `order` puts it in a fixed order."""

    name: str
    about: str
    select: str
    order: str
    columns: dict[str, str]

    @property
    def ordered(self) -> str:
        """The query for all its rows, always in the same order."""
        return f"{self.select} ORDER BY {self.order}"

    @property
    def empty(self) -> str:
        """The query for its columns, without a row."""
        return f"{self.select} LIMIT 0"


def _number(path: str) -> str:
    return f"TRY_CAST(json_extract_string(body, '$.{path}') AS DOUBLE)"


TABLES: tuple[Table, ...] = (
    Table(
        "runs",
        "One row for each question, notebook or reproduction.",
        "SELECT id, goal, agent, model, params, status, parent_id, created_at, began_at, ended_at, error,"
        " outcome, answer FROM runs",
        "created_at, id",
        {
            "id": "the run's id",
            "goal": "the question, or the title of the notebook",
            "agent": "analysis, notebook or reproduce",
            "model": "the model that took part; playbook for the rules alone",
            "params": "what it was given (files, roles, parameters), as JSON",
            "status": "queued, running, done, failed, cancelled or interrupted",
            "parent_id": "the run that it reproduces or follows",
            "created_at": "when it was asked (UTC)",
            "began_at": "when its turn came, if it was queued (UTC)",
            "ended_at": "when it ended (UTC)",
            "error": "why it did not reach its end, in a sentence",
            "outcome": "answered, unconfirmed (a value came out otherwise when computed again), partly or not_answered",
            "answer": "the answer to its question, without those of further turns",
        },
    ),
    Table(
        "executions",
        "One row for each cell as it ran.",
        "SELECT id, run_id, seq, title, code, status, count, error, started_at, ended_at, step_id, sandbox_id"
        " FROM executions",
        "started_at, id",
        {
            "id": "the execution's id",
            "run_id": "its run",
            "seq": "its place among the cells of its run, from 1",
            "title": "its heading",
            "code": "its code",
            "status": "running, ok, error, interrupted or unknown",
            "count": "Jupyter's execution count",
            "error": "name and text of the exception that it raised",
            "started_at": "when it began (UTC)",
            "ended_at": "when it ended (UTC)",
            "step_id": "the step of the agents' work that it belongs to",
            "sandbox_id": "the sandbox that it ran in",
        },
    ),
    Table(
        "artifacts",
        "One row for each plot, table, file, notebook, report or input.",
        "SELECT id, run_id, execution_id, name, role, media_type, size, sha256, created_at FROM artifacts",
        "created_at, id",
        {
            "id": "the artifact's id",
            "run_id": "the run that made or was given it",
            "execution_id": "the cell that made it",
            "name": "its file name",
            "role": "input, plot, table, file, notebook, report or findings",
            "media_type": "its media type",
            "size": "its size in bytes",
            "sha256": "the SHA-256 of its bytes; the same bytes are kept once",
            "created_at": "when it was stored (UTC)",
        },
    ),
    Table(
        "lineage",
        "One row for each artifact and each artifact that it was made from.",
        "SELECT id AS artifact_id, unnest(parents) AS parent_id FROM artifacts",
        "artifact_id, parent_id",
        {"artifact_id": "what was made", "parent_id": "the artifact that it was made from"},
    ),
    Table(
        "findings",
        "One row for each finding, whether the report tells it or not.",
        "SELECT run_id, id, type, kind, columns, text, confidence, json_extract_string(body, '$.effect.metric') AS"
        f" metric, {_number('effect.value')} AS value, {_number('effect.ci[0]')} AS low,"
        f" {_number('effect.ci[1]')} AS high, {_number('test.p')} AS p, {_number('test.q')} AS q,"
        " TRY_CAST(json_extract_string(body, '$.n') AS BIGINT) AS n,"
        " json_extract_string(body, '$.evidence.cell') AS cell FROM findings",
        "run_id, id",
        {
            "run_id": "its run",
            "id": "its id within the run",
            "type": "claim, warning, null or descriptive",
            "kind": "what kind of finding, as in findings.json",
            "columns": "the columns that it is about, as a list",
            "text": "the finding in a sentence",
            "confidence": "high, medium or low",
            "metric": "the name of the effect's measure",
            "value": "the effect",
            "low": "the lower end of its interval",
            "high": "the upper end of its interval",
            "p": "the p-value of its test",
            "q": "that p-value corrected within its family of tests",
            "n": "the number of rows behind it",
            "cell": "the cell of the notebook that shows it",
        },
    ),
    Table(
        "events",
        "One row for each event: all that is known of a run, in order.",
        "SELECT run_id, seq, kind, step_id, made_at AS at, body FROM events",
        "run_id, seq",
        {
            "run_id": "its run",
            "seq": "its place within the run, from 1",
            "kind": "run_started, execution_started, output, artifact_saved, finding, report, run_ended ...",
            "step_id": "the step of the agents' work that it belongs to",
            "at": "when it happened (UTC)",
            "body": "the whole event as JSON, less seq; `body->>'$.text'` reads one field",
        },
    ),
    Table(
        "schedules",
        "One row for each schedule.",
        "SELECT id, json_extract_string(body, '$.kind') AS kind, json_extract_string(body, '$.cron') AS cron,"
        " json_extract_string(body, '$.timezone') AS timezone, json_extract_string(body, '$.goal') AS goal,"
        " json_extract_string(body, '$.template') AS template, json_extract_string(body, '$.model') AS model,"
        " created_at FROM schedules",
        "created_at, id",
        {
            "id": "the schedule's id",
            "kind": "question or notebook",
            "cron": "when, as a cron line",
            "timezone": "the time zone of the cron line",
            "goal": "the question",
            "template": "the notebook",
            "model": "the model that it names",
            "created_at": "when it was added (UTC)",
        },
    ),
    Table(
        "fires",
        "One row for each time that a schedule was due and was fired.",
        "SELECT schedule_id, due, claimed_at, outcome, reason, ended_at FROM fires",
        "schedule_id, due",
        {
            "schedule_id": "the schedule",
            "due": "the time that was due (UTC)",
            "claimed_at": "when it was fired (UTC)",
            "outcome": "what came of it; empty while it is open",
            "reason": "why, in a sentence",
            "ended_at": "when that was settled (UTC)",
        },
    ),
    Table(
        "attempts",
        "One row for each run that a fire was tried with.",
        "SELECT schedule_id, due, number, run_id, began_at FROM attempts",
        "schedule_id, due, number",
        {
            "schedule_id": "the schedule",
            "due": "the time that was due (UTC)",
            "number": "which attempt it was, from 1",
            "run_id": "the run that came of it",
            "began_at": "when it was begun (UTC)",
        },
    ),
)
