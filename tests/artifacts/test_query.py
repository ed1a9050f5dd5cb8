"""SQL of anybody's: it reads the documented tables, writes nothing, and ends however much it asks for."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from artifacts.errors import QueryError
from artifacts.events import (
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    Noted,
    ReportMade,
    RunEnded,
)
from artifacts.tables import TABLES
from artifacts.types import Effect, Evidence, Execution, Finding, Schedule, Test, now

DOCS = Path(__file__).parents[2] / "docs" / "record.md"


@pytest.fixture
async def full(store, begin, fired):
    """A store with a row or more in every table."""
    run = begin(store, "What drives the returns?", id="run_1")
    cell = Execution(id="ex_1", run_id=run.id, sandbox_id="sbx", seq=1, code="1 + 1", title="Add")
    await store.append(ExecutionStarted(run_id=run.id, execution=cell))
    await store.append(ExecutionEnded(run_id=run.id, execution_id="ex_1", status="ok", count=1))
    raw = await store.put(b"a\n1\n", name="a.csv", media_type="text/csv", role="input", run_id=run.id)
    await store.put(b"b", name="b.csv", media_type="text/csv", role="table", run_id=run.id, parents=[raw.id])
    finding = Finding(
        id="f1",
        type="claim",
        kind="correlation",
        columns=("x", "y"),
        effect=Effect(metric="pearson_r", value=0.5, ci=(0.25, None)),
        test=Test(name="t", p=0.01),
        n=40,
        text="x and y rise together.",
        evidence=Evidence(cell="cell-01"),
    )
    await store.append(FindingMade(run_id=run.id, finding=finding))
    await store.append(ReportMade(run_id=run.id, answer="They rise.", order=("f1",)))
    await store.append(RunEnded(run_id=run.id, status="done"))
    schedule = Schedule(cron="0 7 * * *", kind="question", goal="Again?", files=("a.csv",))
    store.schedules.add(schedule)
    fired(store, schedule.id, now(), run.id)
    return store


def queries() -> list[psutil.Process]:
    """The processes of queries that this one has; other tests have other children."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if "query_process.py" in " ".join(child.cmdline()):
                found.append(child)
    return found


async def ask(store, sql: str, **more):
    told = json.loads((await store.query(sql, **more)).data)
    return told["rows"]


async def test_every_table_has_its_documented_columns_and_what_was_recorded(full):
    assert await ask(full, "SELECT id, goal, status, answer, error FROM runs") == [
        ["run_1", "What drives the returns?", "done", "They rise.", None]
    ]
    assert await ask(full, "SELECT seq, title, status FROM executions") == [[1, "Add", "ok"]]
    assert await ask(full, "SELECT name, size FROM artifacts ORDER BY name") == [["a.csv", 4], ["b.csv", 1]]
    made = (
        "SELECT a.name, b.name FROM lineage JOIN artifacts a ON a.id = artifact_id JOIN artifacts b ON b.id = parent_id"
    )
    assert await ask(full, made) == [["b.csv", "a.csv"]]
    assert await ask(full, "SELECT columns, metric, value, low, high, p, q, n, cell FROM findings") == [
        [["x", "y"], "pearson_r", 0.5, 0.25, None, 0.01, None, 40, "cell-01"]
    ]
    assert await ask(full, "SELECT body->>'$.answer' FROM events WHERE kind = 'report'") == [["They rise."]]
    fires = "SELECT s.cron, f.outcome, a.run_id FROM fires f JOIN attempts a USING (schedule_id, due)"
    assert await ask(full, f"{fires} JOIN schedules s ON s.id = f.schedule_id") == [["0 7 * * *", "done", "run_1"]]
    assert await ask(full, "SHOW TABLES") == [[name] for name in sorted(t.name for t in TABLES)]
    columns = (
        "SELECT table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns GROUP BY 1"
    )
    assert dict(await ask(full, columns)) == {table.name: list(table.columns) for table in TABLES}


def test_the_docs_tell_of_every_table_and_column_in_order():
    told = re.split(r"^### ", DOCS.read_text(), flags=re.M)[1:]
    assert [part.split("\n")[0].strip("`") for part in told] == [t.name for t in TABLES]
    for part, table in zip(told, TABLES, strict=True):
        rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", part, flags=re.M)
        assert dict(rows) == table.columns
        assert table.about in part


async def test_an_answer_comes_in_three_forms_and_says_when_there_is_more(full):
    sql = "SELECT i, 'ü,' || i AS t FROM range(5) r(i)"
    answer = await full.query(sql, form="csv", rows=3)
    assert (answer.data.decode(), answer.rows, answer.more) == ('i,t\n0,"ü,0"\n1,"ü,1"\n2,"ü,2"\n', 3, True)
    answer = await full.query(sql, form="json", rows=5)
    assert json.loads(answer.data) == {
        "columns": [{"name": "i", "type": "BIGINT"}, {"name": "t", "type": "VARCHAR"}],
        "rows": [[i, f"ü,{i}"] for i in range(5)],
        "more": False,
    }
    for rows, more in ((4, True), (5, False)):
        answer = await full.query(sql, form="parquet", rows=rows)
        assert (pq.read_table(io.BytesIO(answer.data)).num_rows, answer.more) == (rows, more)
    answer = await full.query("SELECT i FROM range(10000) r(i)", rows=5000)
    assert [row[0] for row in json.loads(answer.data)["rows"]] == list(range(5000))
    odd = "SELECT 'nan'::DOUBLE, '2020-01-02'::DATE, 1.50::DECIMAL(4,2), {'a': [1]}, '\\x00'::BLOB, INTERVAL 1 HOUR"
    assert await ask(full, odd) == [[None, "2020-01-02", "1.50", {"a": [1]}, "00", 3600.0]]


REFUSED = (
    ("", "one statement"),
    ("SELECT 1; SELECT 2", "one statement; these are 2"),
    ("SELEC 1", 'syntax error at or near "SELEC"'),
    ("SELECT * FROM nothing", r"no table “nothing”; the tables are artifacts, .*events, .*runs"),
    ("COPY runs TO 'out.csv'", "Only SELECT.*COPY"),
    ("ATTACH 'other.db'", "Only SELECT.*ATTACH"),
    ("PRAGMA database_list", "Only SELECT.*PRAGMA|does not exist"),
    ("SET enable_external_access = true", "Only SELECT.*SET"),
    ("DELETE FROM runs", "Only SELECT.*DELETE"),
    ("PREPARE p AS DELETE FROM runs", "Only SELECT.*PREPARE"),
    ("WITH gone AS (DELETE FROM runs RETURNING *) SELECT * FROM gone", "base table"),
    ("PIVOT runs ON status", r"Only SELECT.*IN \(\.\.\.\)"),
    ("SELECT * FROM read_csv('/etc/passwd')", "disabled by configuration"),
    ("SELECT * FROM read_text('/proc/self/environ')", "disabled by configuration"),
    ("SELECT * FROM read_blob('gristmill.duckdb')", "disabled by configuration"),
    ("SELECT * FROM '/etc/passwd'", "no table “/etc/passwd”"),
    ("SELECT * FROM glob('/*')", "disabled by configuration"),
    ("SELECT getenv('HOME')", "does not exist"),
    ("SELECT now()", "cast it to TIMESTAMP"),
    ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "depth"),
)


async def test_what_is_no_reading_of_the_record_is_refused_in_a_sentence(full, home):
    before = {path.name for path in home.iterdir()}
    for sql, says in REFUSED:
        with pytest.raises(QueryError, match=says) as refused:
            await full.query(sql)
        assert "\n" not in str(refused.value), sql
        assert {path.name for path in home.iterdir()} == before, sql
        assert full.count_runs() == 1, sql


@pytest.mark.parametrize(
    ("sql", "seconds", "says"),
    [
        ("SELECT repeat('x', 4000000000)", 120, "more .*memory"),
        ("SELECT range(2000000000)", 120, "more .*memory"),
        ("WITH RECURSIVE t(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM t) FROM t", 120, "more .*memory"),
        ("SELECT repeat('x', 1000) FROM range(1000000)", 120, "larger than"),
        (
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
            2,
            "longer than 2 s",
        ),
        ("SELECT count(*) FROM range(10000000000000)", 2, "longer than 2 s"),
    ],
)
async def test_what_asks_too_much_is_ended_and_others_go_on(full, home, note, sql, seconds, says):
    """The writer writes and readers read meanwhile; nothing runs on or is left behind."""
    before, run = {path.name for path in home.iterdir()}, full.run("run_1")
    asking = asyncio.create_task(full.query(sql, seconds=seconds))
    written = 0
    while not asking.done():
        written = (await full.append(note(run))).seq
        assert full.run("run_1") == run
        await asyncio.wait({asking}, timeout=0.1)
    with pytest.raises(QueryError, match=says):
        await asking
    assert written > 1
    assert {path.name for path in home.iterdir()} == before
    assert queries() == []


async def test_a_query_that_nobody_waits_for_any_more_is_ended(full, home):
    endless = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"
    asking = [asyncio.create_task(full.query(endless)) for _ in range(4)]
    while len(queries()) < 2:
        await asyncio.wait(asking, timeout=0.01)
    assert len(queries()) == 2, "two at once, the others wait"
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    assert queries() == []
    assert not list(home.glob(".scratch-*"))
    assert await ask(full, "SELECT 1") == [[1]], "and the turns are free again"


async def test_a_query_sees_one_moment_of_the_record(full):
    """Counts of two tables that grow together agree."""
    run = full.run("run_1")

    async def grow() -> None:
        while True:
            await full.append_all([Noted(run_id=run.id, text="x"), Noted(run_id=run.id, text="y")])

    growing = asyncio.create_task(grow())
    for _ in range(3):
        ((x, y),) = await ask(
            full, "SELECT count(*) FILTER (body LIKE '%\"x\"%'), count(*) FILTER (body LIKE '%\"y\"%') FROM events"
        )
        assert x == y
    growing.cancel()
    await asyncio.wait({growing})


async def test_the_process_knows_no_secret_of_its_parent(full, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    asking = asyncio.create_task(full.query("SELECT count(*) FROM range(10000000000000)", seconds=5))
    seen: dict[str, str] = {}
    while not asking.done() and not seen:
        for child in queries():
            seen = child.environ()
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.wait({asking})
    assert "sk-secret" in os.environ.values()
    assert set(seen) <= {"PATH", "LANG", "TZ"}
    assert seen
