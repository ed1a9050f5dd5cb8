"""The record as a whole at the doors: asked in SQL, exported, backed up and pruned, with a server and without."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import pyarrow.parquet as pq
import pytest

from artifacts.events import RunEnded, RunStarted
from artifacts.store import Store
from artifacts.tables import TABLES
from artifacts.types import Run
from tests.gristmill.conftest import serving
from tests.gristmill.door import Done, Server, run

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t"


async def fill(home: Path) -> None:
    """Seven runs with an artifact each: five of long ago, two of today of which one was made from the first."""
    with Store.open(home) as store:
        first = ""
        for n in range(7):
            at = LONG_AGO + timedelta(days=n) if n < 5 else datetime.now(UTC)
            ran = Run(id=f"run_1m7aaaaaaaaa{n}", goal=f"Question {n % 2}", created_at=at)
            await store.append(RunStarted(run_id=ran.id, run=ran))
            made = await store.put(
                f"bytes of {n}".encode(),
                name=f"{n}.txt",
                media_type="text/plain",
                role="table" if n % 2 else "file",
                run_id=ran.id,
                parents=[first] if n == 6 else [],
            )
            first = first or made.id
            await store.append(RunEnded(run_id=ran.id, status="done", at=at))


class Place:
    """A data folder, with a server or without: what the commands do must be the same."""

    def __init__(self, home: Path, server: Server | None) -> None:
        self.home, self.server = home, server

    def cli(self, *arguments: str | Path) -> Done:
        return run(self.home, *arguments)


@pytest.fixture(scope="module", params=["served", "alone"])
def place(
    request: pytest.FixtureRequest, with_gateway: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """One for all tests that look, and the last one deletes."""
    home = tmp_path_factory.mktemp(request.param) / "home"
    if request.param == "alone":
        asyncio.run(fill(home))
        yield Place(home, None)
        return
    asyncio.run(fill(with_gateway(home)))
    with serving(home) as (server, _):
        yield Place(home, server)


def test_a_query_is_a_table_csv_json_or_parquet(place: Place, tmp_path: Path) -> None:
    counts = "SELECT goal, count(*) AS n FROM runs GROUP BY ALL ORDER BY goal"
    done = place.cli("sql", counts)
    assert done.status == 0, done.err
    assert [line.split() for line in done.out.splitlines()] == [
        ["goal", "n"],
        ["Question", "0", "4"],
        ["Question", "1", "3"],
    ]
    wide = "SELECT id, repeat('ripe oats ', 60) AS note, '' AS rest, repeat('x', 90) AS code FROM runs LIMIT 2"
    told = [line.split() for line in place.cli("sql", wide).out.splitlines()]
    heads = ["id", "note", "rest", "code"]
    assert [line[0] for line in told if line and line[0] in heads] == 2 * heads, "row by row, where columns do not fit"
    assert {word for line in told for word in line if word.startswith(("ri", "oa"))} <= {"ripe", "oats", "oats…"}
    assert place.cli("sql", counts, "--format", "csv").out == "goal,n\nQuestion 0,4\nQuestion 1,3\n"
    assert json.loads(place.cli("sql", counts, "--format", "json").out)["rows"] == [
        ["Question 0", 4],
        ["Question 1", 3],
    ]
    done = place.cli("sql", counts, "-o", tmp_path / "counts.parquet")
    assert done.status == 0, done.err
    assert pq.read_table(tmp_path / "counts.parquet").to_pydict() == {"goal": ["Question 0", "Question 1"], "n": [4, 3]}
    done = place.cli("sql", "FROM range(10)", "--limit", "3", "--format", "csv")
    assert done.out == "range\n0\n1\n2\n"
    assert "There are more: these are the first 3 rows" in done.err


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM runs", "Only SELECT reads the record"),
        ("SELECT * FROM read_text('/etc/passwd')", "disabled by configuration"),
        ("SELECT * FROM run", "the tables are artifacts"),
    ],
)
def test_a_statement_that_cannot_be_is_misuse(place: Place, sql: str, says: str) -> None:
    done = place.cli("sql", sql)
    assert (done.status, done.out) == (2, "")
    assert says in done.err


def test_lists_say_how_many_there_are_and_pass_over_the_newest(place: Place) -> None:
    done = place.cli("runs", "list", "--limit", "3")
    assert done.out.splitlines()[-1] == "3 of 7; --limit and --offset show others."
    done = place.cli("runs", "list", "--find", "question 0", "--limit", "2", "--offset", "1")
    assert "run_1m7aaaaaaaaa4" in done.out
    assert done.out.splitlines()[-1] == "2 to 3 of 4; --limit and --offset show others."
    assert "of 7" not in place.cli("runs", "list").out
    assert place.cli("runs", "list", "--offset", "9").out == "No runs after the first 7.\n"
    done = place.cli("artifacts", "list", "--role", "table", "--limit", "1", "--offset", "2")
    assert "1.txt" in done.out
    assert done.out.splitlines()[-1] == "3 to 3 of 3; --limit and --offset show others."
    assert [a["name"] for a in json.loads(place.cli("artifacts", "list", "--limit", "2", "--json").out)] == [
        "6.txt",
        "5.txt",
    ]


def test_an_export_has_a_file_for_each_table(place: Place, tmp_path: Path) -> None:
    done = place.cli("record", "export", tmp_path / "out")
    assert done.status == 0, done.err
    assert {p.name for p in (tmp_path / "out").iterdir()} == {*(f"{t.name}.parquet" for t in TABLES), "README.md"}
    assert pq.read_table(tmp_path / "out" / "runs.parquet").num_rows == 7
    assert not list(place.home.glob(".scratch-*"))


def test_a_backup_is_a_folder_or_a_file_and_opens_when_it_is_restored(place: Place, tmp_path: Path) -> None:
    assert place.cli("record", "backup", tmp_path / "copy").status == 0
    assert place.cli("record", "backup", tmp_path / "deep" / "copy.tar").status == 0
    told = json.loads(place.cli("record", "backup", tmp_path / "told.tar", "--json").out)
    assert (told["runs"], told["artifacts"], told["damaged"]) == (7, 7, [])
    (tmp_path / "unpacked").mkdir()
    with tarfile.open(tmp_path / "deep" / "copy.tar") as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    for home in (tmp_path / "copy", tmp_path / "unpacked"):
        assert len(json.loads(run(home, "runs", "list", "--json").out)) == 7
        assert "7 files, each as it was stored" in run(home, "doctor", "--record").out
    done = place.cli("record", "backup", tmp_path / "copy")
    assert done.status == 2
    assert "already there" in done.err
    assert {p.name for p in tmp_path.iterdir()} == {"copy", "deep", "told.tar", "unpacked"}


def test_pruning_shows_asks_and_then_deletes(place: Place) -> None:
    dry = place.cli("record", "prune", "--older-than", "90d", "--dry-run")
    assert dry.status == 0
    assert dry.out.startswith("4 runs ended before ")
    assert "12 events and 4 artifacts; 4 files of 40 B belong to them alone" in dry.out
    assert "1 more are as old and stay" in dry.out
    asked = place.cli("record", "prune", "--older-than", "90d")
    assert asked.status == 2
    assert "Nothing was deleted" in asked.err
    assert len(json.loads(place.cli("runs", "list", "--json").out)) == 7
    assert place.cli("record", "prune", "--older-than", "soon", "--yes").status == 2
    done = place.cli("record", "prune", "--older-than", "90d", "--yes")
    assert done.status == 0, done.err
    assert "Deleted 4 runs and 4 files" in done.out
    left = json.loads(place.cli("runs", "list", "--json").out)
    assert [r["id"][-1] for r in left] == ["6", "5", "0"]
    assert len(list((place.home / "blobs").glob("*/*"))) == 3
    assert place.cli("doctor", "--record").status == 0
    assert "No run that ended before" in place.cli("record", "prune", "--older-than", "12w", "--yes").out
    assert run(place.home, "record", "prune", "--older-than", "90d", "--yes", "--json").status == 0


def test_rest_counts_pages_and_answers_queries(server: Server, finished: str) -> None:
    with server.client() as client:
        every = client.get(f"/api/artifacts?run={finished}").json()
        assert every["total"] == len(every["artifacts"]) > 3
        page = client.get(f"/api/artifacts?run={finished}&limit=2&offset=1").json()
        assert page == {"artifacts": every["artifacts"][1:3], "total": every["total"]}
        runs = client.get("/api/runs?limit=1&offset=0&text=separates").json()
        assert len(runs["runs"]) == 1
        assert runs["total"] == len(client.get("/api/runs?limit=1000&text=separates").json()["runs"])
        sql = f"SELECT count(*) AS n FROM artifacts WHERE run_id = '{finished}'"
        reply = client.post("/api/record/sql", json={"sql": sql})
        assert reply.json()["rows"] == [[every["total"]]]
        assert (reply.headers["x-rows"], reply.headers["x-more"]) == ("1", "false")
        reply = client.post("/api/record/sql", json={"sql": sql, "format": "csv"})
        assert reply.text == f"n\n{every['total']}\n"
        assert reply.headers["content-type"].startswith("text/csv")
        reply = client.post("/api/record/sql", json={"sql": sql, "format": "parquet"})
        assert pq.read_table(io.BytesIO(reply.content)).to_pydict() == {"n": [every["total"]]}
        reply = client.post("/api/record/sql", json={"sql": "DROP TABLE runs"})
        assert (reply.status_code, reply.json()["error"]["kind"]) == (422, "QueryError")
    assert httpx.post(f"{server.url}/api/record/sql", json={"sql": "SELECT 1"}).status_code == 401
    assert httpx.get(f"{server.url}/api/record/backup.tar").status_code == 401


def test_a_query_ends_when_its_asker_hangs_up_and_others_are_answered_meanwhile(server: Server) -> None:
    def asking() -> bool:
        known = (p.info for p in psutil.process_iter(["cmdline", "ppid"]))
        return any(p["ppid"] == server.pid and "query_process" in " ".join(p["cmdline"] or ()) for p in known)

    impatient = httpx.Timeout(60, read=2)
    with server.client() as client, pytest.raises(httpx.ReadTimeout):
        client.post("/api/record/sql", json={"sql": ENDLESS, "seconds": 600}, timeout=impatient)
    deadline = time.monotonic() + 300
    while asking():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with server.client() as client:
        assert client.post("/api/record/sql", json={"sql": "SELECT 1"}).json()["rows"] == [[1]]
        assert client.get("/api/runs").status_code == 200
