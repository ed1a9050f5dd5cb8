"""The record as a whole: exported, copied while it is written to, and rid of what is old and nobody needs."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from artifacts.backup import manifest, unpack
from artifacts.database import FILE, Database
from artifacts.errors import NotFound, StoreDamaged, StoreError
from artifacts.events import Noted, RunEnded, RunResumed
from artifacts.store import Store
from artifacts.tables import TABLES
from artifacts.types import Schedule

OLD, CUT = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def ended(store, begin, note):
    """A run that ended at a time, with a note and files of these contents."""

    async def ended(*contents: bytes, at: datetime = OLD, status: str = "done", parents=(), **fields: object):
        run = begin(store, created_at=at, **fields)
        made = [
            await store.put(c, name=f"{c!r}.txt", media_type="text/plain", role="file", run_id=run.id, parents=parents)
            for c in contents
        ]
        await store.append(note(run))
        await store.append(RunEnded(run_id=run.id, status=status, at=at + timedelta(minutes=5)))
        return store.run(run.id), made

    return ended


def blobs(home) -> set[str]:
    return {path.name for path in (home / "blobs").glob("*/*")}


async def test_an_export_holds_every_table_and_the_same_record_gives_the_same_bytes(store, ended, tmp_path):
    first, (made,) = await ended(b"one")
    await ended(b"two", parents=[made.id])
    written = store.upkeep.export(tmp_path / "one")
    assert [path.name for path in written] == [*(f"{t.name}.parquet" for t in TABLES), "README.md"]
    assert sorted(written) == sorted((tmp_path / "one").iterdir())
    for table in TABLES:
        assert pq.read_table(tmp_path / "one" / f"{table.name}.parquet").column_names == list(table.columns)
        assert all(f"| `{column}` |" in (tmp_path / "one" / "README.md").read_text() for column in table.columns)
    events = pq.read_table(tmp_path / "one" / "events.parquet").to_pylist()
    assert [e["seq"] for e in events if e["run_id"] == first.id] == [e.seq for e in store.events(first.id)]
    again = store.upkeep.export(tmp_path / "two")
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file cannot be written"):
        store.upkeep.export(tmp_path / "file")


async def test_a_backup_made_while_others_write_is_a_record_of_one_moment(store, home, begin, ended, fired, tmp_path):
    run, (made,) = await ended(b"x" * 3_000_000)
    busy = begin(store)
    schedule = Schedule(cron="0 7 * * *", kind="question", goal="Again?", files=("a.csv",))
    store.schedules.add(schedule)
    fired(store, schedule.id, OLD, run.id)
    with closing(sqlite3.connect(home / "checkpoints.sqlite")) as checkpoints:
        checkpoints.execute("CREATE TABLE kept (n)")
        checkpoints.commit()
    done = threading.Event()

    async def write() -> None:
        n = 0
        while not done.is_set():
            n += 1
            await store.put(f"{n}".encode(), name=f"{n}", media_type="text/plain", role="file", run_id=busy.id)

    writing = asyncio.create_task(write())
    file = tmp_path / "backup.tar"
    pieces = store.upkeep.backup()
    with file.open("wb") as out:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            out.write(piece)
    done.set()
    await writing
    counts, damaged = manifest(file)
    assert damaged == []
    unpack(file, tmp_path / "restored")
    assert {p.name for p in (tmp_path / "restored").iterdir()} == {
        "blobs",
        FILE,
        "store.mark",
        "checkpoints.sqlite",
        "backup.json",
    }
    assert not list(home.glob(".scratch-*"))
    with Store.open(tmp_path / "restored") as restored:
        assert restored.view(run.id) == store.view(run.id)
        assert restored.read(made) == b"x" * 3_000_000
        kept = restored.artifacts(limit=None)
        assert all(restored.verify(artifact) for artifact in kept)
        assert counts["artifacts"] == len(kept)
        mine = restored.events(busy.id)
        assert mine == store.events(busy.id)[: len(mine)], "what was there when it began, without a gap"
        assert restored.schedules.all() == store.schedules.all()
        assert restored.schedules.fires(schedule.id) == store.schedules.fires(schedule.id)
        assert restored.append_sync(Noted(run_id=busy.id, text="on")).seq == len(mine) + 1
    with closing(sqlite3.connect(tmp_path / "restored" / "checkpoints.sqlite")) as checkpoints:
        assert checkpoints.execute("SELECT count(*) FROM kept").fetchone() == (0,)


async def test_a_backup_leaves_out_what_is_damaged_and_names_it(store, ended, tmp_path):
    _, (good, bad) = await ended(b"good", b"bad")
    store.path(bad).write_bytes(b"BAD")
    file = tmp_path / "backup.tar"
    file.write_bytes(b"".join(store.upkeep.backup()))
    _, damaged = manifest(file)
    assert [(e.artifact, e.why) for e in damaged] == [(bad, "changed")]
    unpack(file, tmp_path / "restored")
    assert blobs(tmp_path / "restored") == {good.sha256}
    assert oct((tmp_path / "restored" / FILE).stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("cut", [0, 600, 4000, -1, -2000])
async def test_a_backup_that_was_cut_off_is_known_for_it(store, ended, tmp_path, cut):
    await ended(b"x" * 5000)
    whole = b"".join(store.upkeep.backup())
    (tmp_path / "whole.tar").write_bytes(whole)
    end = manifest(tmp_path / "whole.tar")
    assert end is not None
    (tmp_path / "cut.tar").write_bytes(whole[: whole.rindex(b"backup.json") + cut] if cut < 0 else whole[:cut])
    assert manifest(tmp_path / "cut.tar") is None


async def test_a_restored_record_that_lost_events_is_refused(store, ended, tmp_path):
    await ended(b"x")
    (tmp_path / "backup.tar").write_bytes(b"".join(store.upkeep.backup()))
    unpack(tmp_path / "backup.tar", tmp_path / "restored")
    Store.open(tmp_path / "empty").close()
    (tmp_path / "empty" / FILE).replace(tmp_path / "restored" / FILE)
    with pytest.raises(StoreDamaged, match="holds 0 of 4"):
        Store.open(tmp_path / "restored")


async def test_pruning_takes_what_is_old_and_leaves_no_trace_of_it(store, home, ended):
    gone, (own, shared) = await ended(b"own", b"shared")
    failed, _ = await ended(status="failed")
    young, (same, other) = await ended(b"shared", b"other", at=CUT)
    dry = store.upkeep.prune(CUT, dry_run=True)
    assert set(dry.runs) == {gone.id, failed.id}
    assert (dry.cited, dry.events, dry.artifacts, dry.files, dry.bytes) == (0, 8, 2, 1, 3)
    assert store.count_runs() == 3
    assert blobs(home) == {own.sha256, shared.sha256, other.sha256}
    done = store.upkeep.prune(CUT)
    assert (done.runs, done.files) == (dry.runs, 1)
    assert done.bytes >= 3
    assert store.runs() == [young]
    assert store.artifacts(limit=None) == [other, same]
    assert blobs(home) == {same.sha256, other.sha256}
    assert store.read(same) == b"shared"
    with pytest.raises(NotFound):
        store.view(gone.id)
    with pytest.raises(NotFound, match="to record a note in"):
        await store.append(Noted(run_id=gone.id, text="too late"))
    for table in TABLES:
        for column in {"run_id"} & set(table.columns):
            left = (await store.query(f"SELECT count(*) FROM {table.name} WHERE {column} = '{gone.id}'")).data
            assert b'"rows": [[0]]' in left
    assert store.upkeep.prune(CUT).runs == ()
    store.close()
    with Store.open(home) as again:
        assert again.runs() == [young]
        assert again.append_sync(Noted(run_id=young.id, text="on")).seq == 6


def size_of(home) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())


async def test_what_is_pruned_is_free_on_the_disk_and_told(store, home, ended):
    for n in range(60):
        run, _ = await ended(f"{n}".encode() * 1000)
        texts = [random.Random(n * 1000 + k).randbytes(900).hex() for k in range(50)]
        await store.append_all([Noted(run_id=run.id, text=text) for text in texts])
    young, (kept,) = await ended(b"kept", at=CUT)
    store.close()
    before = size_of(home)
    with Store.open(home) as again:
        opened = size_of(home)
        reading = again.events(young.id)
        done = again.upkeep.prune(CUT)
        assert opened - size_of(home) == pytest.approx(done.bytes, abs=100_000)
        assert size_of(home) < before / 2
        assert again.events(young.id) == reading
        assert again.append_sync(Noted(run_id=young.id, text="on")).seq == len(reading) + 1
        assert not list(home.glob(".scratch-*"))
        assert (home / FILE).stat().st_mode & 0o777 == 0o600
    with Store.open(home) as again:
        assert again.read(kept) == b"kept"
        assert len(again.events(young.id)) == len(reading) + 1


async def test_what_others_read_and_write_meanwhile_is_not_lost(store, ended):
    await ended(*(f"{n}".encode() for n in range(5)))
    young, _ = await ended(b"kept", at=CUT)
    done = threading.Event()

    def read() -> int:
        times = 0
        while not done.is_set():
            assert store.view(young.id).run.id == young.id
            times += 1
        return times

    async def write() -> int:
        newest = 0
        while not done.is_set():
            newest = (await store.append(Noted(run_id=young.id, text="on"))).seq
        return newest

    reading, writing = asyncio.create_task(asyncio.to_thread(read)), asyncio.create_task(write())
    pruned = await asyncio.to_thread(store.upkeep.prune, CUT)
    done.set()
    assert len(pruned.runs) == 1
    assert await reading
    newest = await writing  # before the record is read: an event may still be on its way
    assert [e.seq for e in store.events(young.id)] == [*range(1, newest + 1)]


async def test_without_room_for_a_copy_the_runs_go_all_the_same(store, home, ended, monkeypatch):
    await ended(b"x")
    young, _ = await ended(b"kept", at=CUT)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Database, "copy", full)
    assert len(store.upkeep.prune(CUT).runs) == 1
    assert store.runs() == [young]
    assert await store.append(Noted(run_id=young.id, text="on"))


async def test_what_a_run_that_stays_refers_to_stays_however_old(store, begin, ended, fired):
    root, (raw,) = await ended(b"raw")
    middle, (clean,) = await ended(b"clean", parents=[raw.id])
    original, _ = await ended(b"original")
    again, _ = await ended(agent="reproduce", parent_id=original.id)
    young, _ = await ended(b"plot", at=CUT, parents=[clean.id], parent_id=again.id)
    first, _ = await ended()
    last, _ = await ended()
    orphan, _ = await ended()
    lone, _ = await ended()
    schedule = Schedule(cron="0 7 * * *", kind="question", goal="Again?", files=("a.csv",))
    removed = Schedule(cron="0 8 * * *", kind="question", goal="Again?", files=("a.csv",))
    for one, run, day in ((schedule, first, 1), (schedule, last, 2), (removed, orphan, 1)):
        if day == 1:
            store.schedules.add(one)
        fired(store, one.id, OLD + timedelta(days=day), run.id)
    store.schedules.claim(schedule.id, OLD + timedelta(days=3))  # and came to nothing
    store.schedules.remove(removed.id)
    running = begin(store, created_at=OLD)
    queued = begin(store, created_at=OLD, status="queued")
    resumed, _ = await ended(status="interrupted")
    await store.append(RunResumed(run_id=resumed.id))
    done = store.upkeep.prune(CUT)
    assert set(done.runs) == {first.id, orphan.id, lone.id}
    assert done.cited == 5
    left = {run.id for run in store.runs()}
    assert left == {r.id for r in (root, middle, original, again, young, last, running, queued, resumed)}
    assert store.verify(raw)
    tries = [[attempt.run_id for attempt in fire.attempts] for fire in store.schedules.fires(schedule.id)]
    assert tries == [[], [last.id], []]
    assert store.upkeep.prune(CUT + timedelta(days=1)).runs == tuple(
        sorted((root.id, middle.id, original.id, again.id, young.id))
    )


async def test_bytes_that_are_stored_again_while_they_are_pruned_are_there(store, home, begin, ended):
    """However the two meet, what `put` has returned can be read."""
    run = begin(store)
    for n in range(12):
        content = f"{n}".encode()
        await ended(content)

        async def put(content: bytes = content):
            return await store.put(content, name="x", media_type="text/plain", role="file", run_id=run.id)

        artifact, _ = await asyncio.gather(put(), asyncio.to_thread(store.upkeep.prune, CUT))
        assert store.read(artifact) == content
    assert blobs(home) == {a.sha256 for a in store.artifacts(limit=None)}


async def test_files_that_no_artifact_has_go_and_foreign_ones_stay(store, home, ended):
    _, (made,) = await ended(b"kept", at=CUT)
    lost = store._blobs.put(b"a process ended before it was recorded")
    store._blobs.recorded(lost)
    foreign = home / "blobs" / lost.sha256[:2] / "notes.txt"
    foreign.write_text("somebody's")
    assert store.upkeep.prune(CUT).files == 1
    assert blobs(home) == {made.sha256, "notes.txt"}


async def test_a_kill_in_the_middle_of_pruning_costs_nothing_that_stays(home, ended, store, python):
    """The mark that counts what was acknowledged goes down before the rows do, so the record opens again."""
    for _ in range(3):
        await ended(b"x")
    young, (kept,) = await ended(b"y", at=CUT)
    store.close()
    code = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from artifacts.database import Database
from artifacts.store import Store
mark = Database.mark
def cut(self, size, *, safely=False):
    mark(self, size, safely=safely)
    if safely == (sys.argv[2] == "before"):
        os.kill(os.getpid(), signal.SIGKILL)
Database.mark = cut
Store.open(Path(sys.argv[1])).upkeep.prune(datetime(2026, 6, 1, tzinfo=UTC))
"""
    for moment, left in (("before", 4), ("after", 1)):
        assert python(code, home, moment).wait(300) == -9
        with Store.open(home) as again:
            assert again.count_runs() == left
            assert again.read(kept) == b"y"
            assert again.runs()[0] == young


async def test_a_kill_while_the_database_is_replaced_costs_nothing(home, begin, ended, store, python):
    for _ in range(3):
        await ended(b"x")
    young, (kept,) = await ended(b"y", at=CUT)
    store.close()
    code = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from artifacts.store import Store
replace = os.replace
def cut(source, target):
    if sys.argv[2] == "after":
        replace(source, target)
    os.kill(os.getpid(), signal.SIGKILL)
store = Store.open(Path(sys.argv[1]))
os.replace = cut
store.upkeep.prune(datetime(2026, 6, 1, tzinfo=UTC))
"""
    for moment in ("before", "after"):
        with Store.open(home) as again:
            again.append_sync(Noted(run_id=young.id, text=moment))
            gone = begin(again, created_at=OLD)
            again.append_sync(RunEnded(run_id=gone.id, status="done", at=OLD))
        assert python(code, home, moment).wait(300) == -9
        with Store.open(home) as again:
            assert [run.id for run in again.runs()] == [young.id]
            assert again.read(kept) == b"y"
            assert isinstance(last := again.events(young.id)[-1], Noted)
            assert last.text == moment
            assert not list(home.glob(".scratch-*"))


async def test_a_backup_and_pruning_keep_out_of_each_others_way(store, ended):
    await ended(b"x")
    pieces = store.upkeep.backup()
    next(pieces)
    with pytest.raises(StoreError, match="try again when that has ended"):
        store.upkeep.prune(CUT)
    assert len(store.upkeep.prune(CUT, dry_run=True).runs) == 1
    pieces.close()
    assert len(store.upkeep.prune(CUT).runs) == 1
