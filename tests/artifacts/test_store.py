"""Appending, finding and keeping: what was acknowledged is there, in order, whoever asks and whatever went wrong."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from artifacts import store as store_module
from artifacts.blobs import Blobs
from artifacts.events import (
    ArtifactSaved,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    Noted,
    ReportMade,
    RunBegan,
    RunEnded,
    RunQueued,
    RunResumed,
    RunStarted,
    fold,
)
from artifacts.lineage import ancestors, descendants
from artifacts.migrations import STEPS
from artifacts.store import ArtifactDamaged, NotFound, Put, Store, StoreError
from artifacts.types import Artifact, Evidence, Execution, ExecutionError, Finding, Run, new_id, now


def seqs(events: list[Event]) -> list[int]:
    return [event.seq for event in events]


async def test_what_is_to_follow_files_is_recorded_with_them_or_nothing_is(store, begin, note):
    run = begin(store)
    files = [Put(f"bytes {n}".encode(), f"{n}.txt", "text/plain", "file") for n in range(12)]
    kept = await store.put_all(files, run_id=run.id, then=[note(run, "after them")])
    assert [event.kind for event in store.events(run.id)] == ["run_started", *["artifact_saved"] * 12, "note"]
    assert {(a.id, a.name) for a in store.artifacts(run_id=run.id)} == {(a.id, f"{n}.txt") for n, a in enumerate(kept)}
    with pytest.raises(NotFound):
        await store.put_all(files, run_id=run.id, then=[Noted(run_id="run_of_nobody", text="lost")])
    assert len(store.events(run.id)) == 14
    assert len(store.artifacts(run_id=run.id)) == 12


async def test_seq_counts_from_one_without_gap_in_each_run_whoever_appends(store, begin, note):
    runs = [begin(store) for _ in range(3)]

    def appender(k: int) -> None:
        for i in range(40):
            store.append_sync(note(runs[i % 3], f"{k}/{i}"))

    def loop_of_its_own() -> None:
        async def many() -> None:
            await asyncio.gather(*(store.append(note(run, "crowd")) for run in runs * 40))

        asyncio.run(many())

    with ThreadPoolExecutor(8) as pool:
        for done in [*[pool.submit(appender, k) for k in range(5)], *[pool.submit(loop_of_its_own) for _ in range(3)]]:
            await asyncio.wrap_future(done)
    recorded = [store.events(run.id) for run in runs]
    assert sum(map(len, recorded)) == 3 + 5 * 40 + 3 * 3 * 40
    for events in recorded:
        assert seqs(events) == list(range(1, len(events) + 1))
        for k in range(5):
            mine = [int(e.text.split("/")[1]) for e in events if isinstance(e, Noted) and e.text.startswith(f"{k}/")]
            assert mine == sorted(mine), "one appender's events keep their order"


async def test_an_event_is_read_back_as_it_was_appended(home, store, begin):
    run = begin(store, "Größe → Preis?", params={"files": ["a b.csv"], "n": 3})
    given = Noted(run_id=run.id, step_id="st_1", text='"quoted", \u2028, \x00 and 🐧', level="warning")
    recorded = await store.append(given)
    assert recorded == given.model_copy(update={"seq": 2})
    assert store.events(run.id, after=1) == [recorded]
    store.close()
    with Store.open(home) as again:
        assert again.events(run.id, after=1) == [recorded]
        assert again.run(run.id) == run
        assert again.view(run.id).notes == (recorded,)
        assert again.append_sync(given).seq == 3


async def test_the_list_says_of_a_run_what_its_events_say(store, begin):
    run = begin(store)
    for event in (
        RunQueued(run_id=run.id, place=2, since=now()),
        RunQueued(run_id=run.id, place=1, since=now()),
        RunBegan(run_id=run.id),
        RunEnded(run_id=run.id, status="interrupted"),
        RunResumed(run_id=run.id),
        RunQueued(run_id=run.id, place=7, since=now()),
        RunEnded(run_id=run.id, status="cancelled"),
    ):
        await store.append(event)
        assert store.run(run.id) == store.view(run.id).run, event.kind
        assert [r.id for r in store.runs(status="queued")] == ([run.id] if isinstance(event, RunQueued) else [])


async def test_half_a_surrogate_pair_is_recorded_as_a_question_mark(store, begin, note):
    run = begin(store)
    recorded = await store.append(note(run, "before \ud83d after"))
    assert recorded.text == "before ? after"
    assert store.events(run.id)[-1] == recorded


async def test_only_the_appender_at_fault_hears_of_it(store, begin, note):
    run = begin(store)
    artifact = await store.put(b"x", name="x.txt", media_type="text/plain", role="file", run_id=run.id)
    outcomes = await asyncio.gather(
        store.append(note(run)),
        store.append(ArtifactSaved(run_id=run.id, artifact=artifact.model_copy(update={"sha256": "0" * 64}))),
        store.append(note(Run(id="run_unknown", goal=""))),
        store.append(RunStarted(run_id=run.id, run=run)),
        store.append(note(run)),
        return_exceptions=True,
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Noted, StoreError, NotFound, StoreError, Noted]
    assert "in the record already" in str(outcomes[1])
    assert str(outcomes[2]) == "There is no run run_unknown to record a note in."
    assert "cannot begin twice" in str(outcomes[3])
    assert seqs(store.events(run.id)) == [1, 2, 3, 4]


async def test_several_events_are_recorded_together_or_not_at_all(store, begin, note):
    run = begin(store)
    assert seqs(await store.append_all([note(run), note(run)])) == [2, 3]
    with pytest.raises(NotFound):
        await store.append_all([note(run), note(Run(id="run_unknown", goal="")), note(run)])
    assert seqs(store.events(run.id)) == [1, 2, 3]
    assert store.append_sync(note(run)).seq == 4


async def test_a_caller_that_gives_up_does_not_disturb_the_others(store, begin, note):
    run = begin(store)
    tasks = [asyncio.create_task(store.append(note(run, str(i)))) for i in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, Noted) for outcome in outcomes[1::2])
    recorded = store.events(run.id)
    assert seqs(recorded) == list(range(1, len(recorded) + 1))
    assert {e.text for e in recorded if isinstance(e, Noted)} >= {str(i) for i in range(1, 50, 2)}


async def test_a_reader_in_the_middle_of_a_query_does_not_hold_up_the_writer(store, begin, note):
    run = begin(store)
    await store.append_all([note(run) for _ in range(3000)])
    with store._database.cursor() as read:
        read.execute("SELECT seq FROM events ORDER BY seq")
        assert read.fetchone() == (1,)
        async with asyncio.timeout(300):
            recorded = await store.append(note(run))
        rest = read.fetchall()
    assert len(rest) == 3000, "the reader sees the record as it was when it asked"
    assert store.events(run.id)[-1] == recorded


async def test_the_rows_say_what_the_fold_says(home, store, begin):
    run = begin(store)
    for n, error in ((1, None), (2, ExecutionError(name="KeyError", value="'x'"))):
        cell = Execution(id=f"ex_{n}", run_id=run.id, sandbox_id="sbx", seq=n, code=f"print({n})", title="Look")
        await store.append(ExecutionStarted(run_id=run.id, execution=cell))
        await store.append(
            ExecutionEnded(run_id=run.id, execution_id=cell.id, status="error" if error else "ok", error=error, count=n)
        )
    finding = Finding(id="F1", type="claim", kind="correlation", text="draft", evidence=Evidence(cell="cell-01"))
    await store.append(FindingMade(run_id=run.id, finding=finding))
    await store.append(
        FindingMade(run_id=run.id, finding=finding.model_copy(update={"text": "a ~ b", "columns": ("a", "b")}))
    )
    await store.append(ReportMade(run_id=run.id, answer="They differ.", order=("F1",)))
    await store.append(RunEnded(run_id=run.id, status="interrupted", error="stopped"))
    await store.append(RunResumed(run_id=run.id))
    assert store.run(run.id) == store.view(run.id).run
    await store.append(RunEnded(run_id=run.id, status="failed", error="The model is down."))
    view = store.view(run.id)
    assert store.run(run.id) == view.run
    store.close()
    with duckdb.connect(str(home / "gristmill.duckdb"), read_only=True) as plain:
        cells = plain.execute("SELECT id, status, count, error, ended_at FROM executions ORDER BY seq").fetchall()
        assert cells == [
            (x.id, x.status, x.count, "KeyError: 'x'" if x.error else None, x.ended_at.replace(tzinfo=None))
            for x in view.executions
        ]
        assert plain.execute("SELECT id, columns, text FROM findings").fetchall() == [("F1", ["a", "b"], "a ~ b")]
        assert plain.execute("SELECT status, error, answer FROM runs").fetchall() == [
            ("failed", "The model is down.", "They differ.")
        ]


async def test_a_view_that_only_reads_what_is_new_is_the_fold_of_all(store, begin, note):
    runs = [begin(store) for _ in range(store_module._VIEWS + 2)]
    for round in range(3):
        for run in runs:
            await store.append(note(run, f"note {round}"))
            known = await asyncio.gather(*(asyncio.to_thread(store.view, run.id) for _ in range(3)))
            assert known == [fold(store.events(run.id))] * 3
    assert len(store._views) <= store_module._VIEWS
    await store.append(RunEnded(run_id=runs[-1].id, status="done"))
    assert store.view(runs[-1].id).run.status == "done"
    store.upkeep.prune(now() + timedelta(days=1))
    with pytest.raises(NotFound):
        store.view(runs[-1].id)
    assert store.view(runs[-2].id).notes[-1].text == "note 2", "one that has not ended stays"


def test_runs_are_listed_newest_first_and_searched_in_any_case(store, begin):
    first = begin(store, "Is Größe related to price?")
    second = begin(store, "Churn by region", agent="notebook")
    third = begin(store, "Churn again", parent_id=second.id)
    assert store.runs() == [third, second, first]
    assert store.runs(limit=1, offset=1) == [second]
    assert store.runs(agent="notebook") == [second]
    assert store.runs(text="GRÖSSE") == []
    assert store.runs(text="GRÖßE") == [first]
    assert store.runs(text="churn") == [third, second]
    assert store.runs(text="100%") == store.runs(text="_hurn") == [], "text is no pattern"
    finding = Finding(
        id="F1", type="claim", kind="groups", text="The NORTH loses most", evidence=Evidence(cell="cell-01")
    )
    store.append_sync(FindingMade(run_id=second.id, finding=finding))
    store.append_sync(ReportMade(run_id=third.id, answer="Mostly the north."))
    assert store.runs(text="north") == [third, second]
    store.append_sync(ReportMade(run_id=third.id, turn_id="turn-02", answer="In the “deep” south."))
    assert store.runs(text="“DEEP”") == [third], "further turns are searched, too"
    report = store.view(third.id).report
    assert report is not None
    assert report.answer == "Mostly the north.\n\nIn the “deep” south."
    store.append_sync(RunEnded(run_id=first.id, status="done"))
    assert [run.id for run in store.runs(status="done")] == [first.id]
    assert store.runs(status="done", text="churn") == []


def test_a_run_answers_to_a_part_of_its_id(store, begin):
    with pytest.raises(NotFound, match="There is no run yet"):
        store.run("last")
    ids = ["run_1m7aaaaaaaaaa1", "run_1m7aaaaabbbbb2", "run_1m7bbbbbbbbbb3"]
    for id in ids:
        run = Run(id=id, goal="")
        store.append_sync(RunStarted(run_id=id, run=run))
    found = {ref: store.run(ref).id for ref in (ids[0], "run_1m7b", "1m7B", "bbb2", "1m7aaaaab", "last")}
    assert list(found.values()) == [ids[0], ids[2], ids[2], ids[1], ids[1], ids[2]]
    with pytest.raises(NotFound, match=r"Several runs answer to '1m7aaaa' \(.*run_1m7aaaaaaaaaa1.*give more of the id"):
        store.run("1m7aaaa")
    with pytest.raises(NotFound, match=r"There is no run 'run_1m7bbbbbbbbbb4'; near it: run_1m7bbbbbbbbbb3"):
        store.run("run_1m7bbbbbbbbbb4")
    for short in ("", "bb3", "1m7"):
        with pytest.raises(NotFound, match="There is no run"):
            store.run(short)
    with pytest.raises(NotFound, match="no run run_nowhere"):
        store.view("run_nowhere")


async def test_bytes_and_files_are_kept_once_and_known_by_each_use(store, begin, tmp_path):
    run = begin(store, "Penguins")
    file = tmp_path / "data.csv"
    file.write_bytes(b"a,b\n1,2\n")
    first = await store.put(file, name="data.csv", media_type="text/csv", role="input", run_id=run.id)
    second = await store.put(
        b"a,b\n1,2\n", name="copy.csv", media_type="text/csv", role="table", run_id=run.id, parents=[first.id]
    )
    assert first.id != second.id
    assert first.sha256 == second.sha256
    assert first.size == 8
    file.write_bytes(b"changed since")
    assert store.read(first) == store.path(second).read_bytes() == b"a,b\n1,2\n"
    assert store.artifact(first.id) == first
    assert store.artifact(second.id[-5:]) == second
    assert store.artifacts() == [second, first]
    assert store.artifacts(role="input") == store.artifacts(text="DATA.CSV") == [first]
    assert store.artifacts(text="penguin", limit=1) == [second]
    assert store.artifacts(run_id="run_other") == []
    assert store.view(run.id).artifacts == (first, second)
    with pytest.raises(NotFound, match="There is no artifact 'art_x'"):
        store.artifact("art_x")
    with pytest.raises(NotFound, match="no run run_other"):
        await store.put(b"", name="x", media_type="text/plain", role="file", run_id="run_other")


async def test_a_path_that_is_no_regular_file_is_refused(store, begin, tmp_path):
    run = begin(store)
    os.mkfifo(tmp_path / "plot.png")
    for path, words in ((tmp_path / "plot.png", "not a regular file"), (tmp_path / "missing", "No such file")):
        with pytest.raises(StoreError, match=words):
            await store.put(path, name="plot.png", media_type="image/png", role="plot", run_id=run.id)
    assert store.artifacts() == []
    assert not list((store.home / "blobs").glob(".incoming-*"))


async def test_changed_or_missing_bytes_are_noticed_and_mended_by_storing_them_again(store, begin):
    run = begin(store)

    async def put() -> Artifact:
        return await store.put(b"12345", name="x.bin", media_type="application/x", role="file", run_id=run.id)

    artifact = await put()
    assert store.verify(artifact)
    path = store.path(artifact)
    path.write_bytes(b"12346")
    assert not store.verify(artifact)
    with pytest.raises(
        ArtifactDamaged, match=rf"x\.bin \({artifact.id}\) are not those that were stored.*reproduce {run.id}"
    ):
        store.read(artifact)
    await put()
    assert store.read(artifact) == b"12345"
    path.unlink()
    assert not store.verify(artifact)
    with pytest.raises(ArtifactDamaged, match=r"x\.bin .* are missing"):
        store.read(artifact)


def test_the_same_bytes_written_at_once_are_one_whole_file(tmp_path):
    blobs, data = Blobs(tmp_path), os.urandom(300_000)
    with ThreadPoolExecutor(8) as pool:
        written = set(pool.map(lambda _: blobs.put(data), range(32)))
    (blob,) = written
    assert blobs.read(blob.sha256) == data
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [blob.sha256]


async def test_lineage_goes_both_ways_nearest_first_and_ends(store, begin):
    run = begin(store)

    async def made(name: str, *parents: Artifact) -> Artifact:
        return await store.put(
            name.encode(),
            name=name,
            media_type="text/plain",
            role="file",
            run_id=run.id,
            parents=[p.id for p in parents],
        )

    raw = await made("raw")
    clean = await made("clean", raw)
    plot = await made("plot", clean)
    report = await made("report", plot, raw)
    await made("unrelated")
    assert [a.name for a in ancestors(store, report.id)] == ["plot", "raw", "clean"]
    assert [a.name for a in descendants(store, raw.id)] == ["report", "clean", "plot"]
    assert ancestors(store, raw.id) == descendants(store, report.id) == []
    circle = raw.model_copy(update={"id": new_id("art"), "name": "circle", "parents": (report.id,)})
    loop = raw.model_copy(update={"id": new_id("art"), "name": "loop", "parents": (circle.id,)})
    knot = circle.model_copy(update={"id": new_id("art"), "name": "knot", "parents": (loop.id, circle.id)})
    for artifact in (circle, loop, knot):
        await store.append(ArtifactSaved(run_id=run.id, artifact=artifact))
    assert {a.name for a in ancestors(store, knot.id)} == {"loop", "circle", "report", "plot", "clean", "raw"}


def test_a_closed_store_says_so(home, store, begin, note):
    run = begin(store)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed; open it again to write"):
        store.append_sync(note(run))
    with pytest.raises(StoreError, match="closed; open it again to read"):
        store.events(run.id)


def test_the_data_folder_is_for_its_owner_alone(home: Path, begin, note):
    with Store.open(home) as store:
        run = begin(store)
        asyncio.run(store.put(b"x", name="x", media_type="text/plain", role="file", run_id=run.id))
        store._database.connection.execute("CHECKPOINT")
        store.append_sync(note(run))
        assert (home / "gristmill.duckdb.wal").exists()
        modes = {p.name: oct(p.stat().st_mode & 0o777) for p in [home, *home.rglob("*")]}
        folders = {p.name for p in [home, *home.rglob("*")] if p.is_dir()}
    assert {name: mode for name, mode in modes.items() if mode != ("0o700" if name in folders else "0o600")} == {}


def test_a_run_took_what_it_was_worked_on_and_an_old_record_says_so_too(store, begin):
    """Not the hour between two turns, nor what stands after an edit."""
    run, hour = begin(store), timedelta(hours=1)
    began = store.run(run.id).created_at
    assert store.run(run.id).worked is None
    steps = [
        RunEnded(run_id=run.id, status="done", at=began + timedelta(seconds=3)),
        RunResumed(run_id=run.id, why="turn", at=began + hour),
        RunEnded(run_id=run.id, status="waiting", at=began + hour + timedelta(seconds=4)),
        RunResumed(run_id=run.id, why="edit", at=began + 2 * hour),
        RunEnded(run_id=run.id, status="done", at=began + 3 * hour),
    ]
    for step in steps:
        store.append_sync(step)
    assert store.run(run.id).worked == fold(store.events(run.id)).run.worked == 7
    forget = "ALTER TABLE runs DROP COLUMN worked; ALTER TABLE runs DROP COLUMN working_at"
    (made,) = (step.sql for step in STEPS if step.name == "0007_worked")
    store._writer.run(lambda write: write.execute(f"{forget}; {made}") and None)
    assert store.run(run.id).worked == pytest.approx(7, abs=0.1)
