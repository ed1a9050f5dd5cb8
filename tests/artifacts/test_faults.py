"""What happens to the record when processes are killed, disks are full and files are damaged."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from artifacts import migrations
from artifacts.blobs import Blobs
from artifacts.database import FILE
from artifacts.events import Noted
from artifacts.migrations import Step, migrate
from artifacts.store import Store, StoreDamaged, StoreError, StoreLocked, StoreNewer, StoreUnwritable

APPEND_FOR_EVER = """
import sys
from pathlib import Path
from artifacts.events import Noted, RunStarted
from artifacts.store import Store
from artifacts.types import Run
store = Store.open(Path(sys.argv[1]))
store.append_sync(RunStarted(run_id="run_1", run=Run(id="run_1", goal="")))
while True:
    event = store.append_sync(Noted(run_id="run_1", text="x" * 500))
    print(event.seq, flush=True)
"""

HOLD = """
import sys
from pathlib import Path
from artifacts.store import Store
with Store.open(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""

FILL_THE_DISK = """
import json, resource, signal, sys
from pathlib import Path
from artifacts.events import Noted, RunStarted
from artifacts.store import Store, StoreError
from artifacts.types import Run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store.open(Path(sys.argv[1]))
store.append_sync(RunStarted(run_id="run_1", run=Run(id="run_1", goal="")))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
acknowledged, said = 1, ""
for i in range(500):
    try:
        acknowledged = store.append_sync(Noted(run_id="run_1", text="x" * 20_000)).seq
    except StoreError as error:
        said = str(error)
        break
readable = len(store.events("run_1"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
afterwards = store.append_sync(Noted(run_id="run_1", text="room again")).seq
store.close()
print(json.dumps([acknowledged, said, readable, afterwards]))
"""


@pytest.mark.parametrize("kill_after", [1, 60, 300])
def test_what_was_acknowledged_survives_kill_9(home, python, kill_after):
    process = python(APPEND_FOR_EVER, home)
    for seq in process.stdout:
        if int(seq) > kill_after:
            break
    process.send_signal(signal.SIGKILL)
    acknowledged = [int(seq), *map(int, process.stdout.read().split())][-1]
    process.wait()
    with Store.open(home) as store:
        recorded = [event.seq for event in store.events("run_1")]
        assert recorded == list(range(1, len(recorded) + 1))
        assert len(recorded) >= acknowledged
        assert store.run("run_1").status == "running"
        assert store.append_sync(Noted(run_id="run_1", text="on")).seq == len(recorded) + 1


def test_a_claimed_fire_survives_kill_9(home, python):
    code = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from artifacts.store import Store
assert Store.open(Path(sys.argv[1])).schedules.claim("sch_1", datetime(2026, 1, 1, tzinfo=UTC))
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert python(code, home).wait(300) == -signal.SIGKILL
    with Store.open(home) as store:
        (fire,) = store.schedules.fires("sch_1")
        assert not store.schedules.claim("sch_1", fire.due)


@pytest.mark.parametrize("limit", [400_000, 1_000_000])
def test_a_full_disk_is_told_to_the_appender_and_costs_nothing_that_was_recorded(home, python, limit):
    out, err = python(FILL_THE_DISK, home, limit).communicate(timeout=300)
    assert out, err
    acknowledged, said, readable, afterwards = json.loads(out)
    assert acknowledged > 5
    assert "cannot grow" in said
    assert "make room on the disk" in said
    assert readable == acknowledged
    assert afterwards == acknowledged + 1
    with Store.open(home) as store:
        assert [event.seq for event in store.events("run_1")] == list(range(1, afterwards + 1))


def test_the_store_goes_on_after_the_database_gave_up(store, begin, note):
    run = begin(store)
    store._database.connection.close()
    with pytest.raises(StoreError, match="could not be used"):
        store.append_sync(note(run))
    assert store.append_sync(note(run)).seq == 2
    assert [event.seq for event in store.events(run.id)] == [1, 2]


def test_a_locked_folder_names_the_process_that_has_it(home, python):
    holder = python(HOLD, home)
    assert holder.stdout.readline() == "open\n"
    with pytest.raises(StoreLocked, match=rf"{home} is in use by process {holder.pid}; .*--home") as locked:
        Store.open(home)
    assert locked.value.pid == holder.pid
    holder.stdin.close()
    assert holder.wait(300) == 0
    with Store.open(home) as store, pytest.raises(StoreLocked) as locked:
        Store.open(home)
    assert store.home == home
    assert locked.value.pid == os.getpid()


def test_a_database_held_by_another_program_names_it_too(home, python):
    Store.open(home).close()
    holder = python(
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()", home / FILE
    )
    holder.stdout.readline()
    with pytest.raises(StoreLocked) as locked:
        Store.open(home)
    assert locked.value.pid == holder.pid


def test_a_folder_that_cannot_be_made_or_written_is_a_sentence(tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    for home in (file, file / "below", Path("/proc/gristmill")):
        with pytest.raises(StoreUnwritable, match=rf"The data folder {home} cannot be written \(.+\); .*--home"):
            Store.open(home)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_a_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnwritable, match="Permission denied"):
        Store.open(tmp_path / "home")


def damage_head(data: bytes) -> bytes:
    return b"not a database" + data[14:]


def damage_block(data: bytes) -> bytes:
    return data[:4200] + bytes(byte ^ 0xFF for byte in data[4200:4300]) + data[4300:]


@pytest.mark.parametrize("damage", [damage_head, damage_block, lambda data: data[:5000], lambda data: b""])
def test_a_damaged_database_is_kept_and_the_way_out_is_named(home, begin, note, damage):
    with Store.open(home) as store:
        begin(store)
    path = home / FILE
    path.write_bytes(damage(path.read_bytes()))
    damaged = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreDamaged, match=r"cannot be read .* left as it is.*backup.*move it"):
            Store.open(home)
        assert path.read_bytes() == damaged
    path.rename(home / "aside")
    Store.open(home).close()


def test_a_log_without_its_database_is_not_mixed_with_a_new_one(home, begin, note):
    with Store.open(home) as store:
        store.append_sync(note(begin(store)))
        log = (home / f"{FILE}.wal").read_bytes()
    (home / FILE).unlink()
    (home / f"{FILE}.wal").write_bytes(log)
    with pytest.raises(StoreDamaged, match="missing while its write-ahead log"):
        Store.open(home)
    assert (home / f"{FILE}.wal").read_bytes() == log


@pytest.fixture
def crashed(home, begin, note) -> Path:
    """A data folder as a crash leaves it: most of the record in the database, the newest of it only in the log."""
    with Store.open(home) as store:
        run = begin(store, id="run_1")
        asyncio.run(store.append_all([note(run, f"{i}" * 60) for i in range(2000)]))
    with Store.open(home) as store:
        for i in range(30):
            store.append_sync(note(run, f"late {i}"))
        shutil.copytree(home, home.with_name("crashed"))
    return home.with_name("crashed")


def test_an_entry_that_a_crash_cut_short_costs_nothing_that_was_acknowledged(crashed):
    log = crashed / f"{FILE}.wal"
    whole = log.read_bytes()
    log.write_bytes(whole + whole[-200:-100])
    with Store.open(crashed) as store:
        assert [event.seq for event in store.events("run_1")] == list(range(1, 2032))


@pytest.mark.parametrize("name", [FILE, f"{FILE}.wal"])
@pytest.mark.parametrize("how", ["flipped", "cut"])
def test_wherever_a_file_is_damaged_the_record_is_whole_or_refused_and_kept(crashed, tmp_path, name, how):
    with Store.open(shutil.copytree(crashed, tmp_path / "whole")) as store:
        whole = store.events("run_1")
    data = (crashed / name).read_bytes()
    refused = 0
    for k in range(16):
        at = len(data) * k // 16 + k
        bad = data[:at] + (bytes([data[at] ^ 0xFF]) + data[at + 1 :] if how == "flipped" else b"")
        trial = shutil.copytree(crashed, tmp_path / f"{k}")
        (trial / name).write_bytes(bad)
        before = {path: path.read_bytes() for path in trial.glob(f"{FILE}*")}
        try:
            store = Store.open(trial)
        except StoreDamaged:
            refused += 1
            assert {path: path.read_bytes() for path in trial.glob(f"{FILE}*")} == before
        else:
            with store:
                try:
                    assert store.events("run_1") == whole, f"at byte {at} of {len(data)}"
                except StoreDamaged:
                    refused += 1
        shutil.rmtree(trial)
    assert refused > 9


def test_a_record_that_lost_its_log_can_be_gone_on_with_knowingly(crashed):
    (crashed / f"{FILE}.wal").unlink()
    before = {path: path.read_bytes() for path in crashed.glob(f"{FILE}*")}
    with pytest.raises(StoreDamaged, match=r"holds 2001 of 2031 recorded events.*delete .*store\.mark to go on"):
        Store.open(crashed)
    assert {path: path.read_bytes() for path in crashed.glob(f"{FILE}*")} == before
    (crashed / "store.mark").unlink()
    with Store.open(crashed) as store:
        assert store.append_sync(Noted(run_id="run_1", text="on")).seq == 2002


def test_what_a_kill_left_half_made_is_cleared_away(home):
    home.mkdir()
    (home / f"{FILE}.new").write_bytes(b"half a database")
    (home / "blobs").mkdir()
    (home / "blobs" / ".incoming-abc").write_bytes(b"half a blob")
    with Store.open(home) as store:
        assert store.runs() == []
    assert sorted(path.name for path in home.rglob("*")) == ["blobs", FILE, "store.lock", "store.mark"]


def test_a_folder_that_is_not_ours_keeps_its_mode(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    (shared / "other.txt").write_text("somebody's")
    Store.open(shared).close()
    assert oct(shared.stat().st_mode & 0o777) == "0o755"
    assert oct((shared / FILE).stat().st_mode & 0o777) == "0o600"


def test_an_older_database_is_brought_up_to_date_once(tmp_path):
    with duckdb.connect(str(tmp_path / "old.duckdb")) as old:
        assert migrate(old, migrations.STEPS[:1]) == ["0001_record"]
        old.execute("INSERT INTO runs VALUES ('run_1', '', '', '', '{}', 'done', NULL, now(), NULL, NULL, NULL)")
        assert migrate(old) == [step.name for step in migrations.STEPS[1:]]
        assert migrate(old) == []
        assert old.execute("SELECT id FROM runs").fetchall() == [("run_1",)]


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path):
    steps = (*migrations.STEPS, Step("9998_half", "CREATE TABLE half (a INT); SELECT nonsense"))
    names = "SELECT table_name, sql FROM duckdb_tables() UNION SELECT name, NULL FROM migrations ORDER BY ALL"
    with duckdb.connect(str(tmp_path / "old.duckdb")) as old:
        migrate(old, migrations.STEPS[:3])
        had = old.execute(names).fetchall()
        with pytest.raises(duckdb.Error, match="nonsense"):
            migrate(old, steps)
        assert old.execute(names).fetchall() == had
        assert migrate(old) == [step.name for step in migrations.STEPS[3:]]


def test_a_newer_database_is_refused_untouched(home):
    Store.open(home).close()
    with duckdb.connect(str(home / FILE)) as newer:
        newer.execute("INSERT INTO migrations VALUES ('9999_tomorrow', now()::TIMESTAMP)")
    before = (home / FILE).read_bytes()
    with pytest.raises(StoreNewer, match=r"newer Gristmill .*9999_tomorrow.*update Gristmill"):
        Store.open(home)
    assert (home / FILE).read_bytes() == before


def test_released_steps_are_never_edited():
    """Data folders out there have had these steps as they are here. Add a line for a new step; change none."""
    released = {
        "0001_record": "72cfb01b5f8a5cc9",
        "0002_schedules": "064653507b3057cb",
        "0003_executions": "0705a01d24d87b82",
        "0004_places": "86a63523485c432c",
        "0005_attempts": "cca0b2f9b1b823b5",
        "0006_outcomes": "b356867fad14fcc9",
        "0007_worked": "60a7d9f235fde237",
        "0008_run_outcomes": "3972662dfb71ad17",
    }
    digests = {step.name: hashlib.sha256(step.sql.encode()).hexdigest()[:16] for step in migrations.STEPS}
    assert digests == released


def test_a_store_that_nobody_closed_is_closed_when_the_program_ends(home, python):
    code = """
import sys
from pathlib import Path
from artifacts.events import RunStarted
from artifacts.store import Store
from artifacts.types import Run
store = Store.open(Path(sys.argv[1]))
store.append_sync(RunStarted(run_id="run_1", run=Run(id="run_1", goal="")))
"""
    out, err = python(code, home).communicate(timeout=300)
    assert (out, err) == ("", "")
    assert not (home / f"{FILE}.wal").exists()


def test_bytes_cut_off_by_a_full_disk_leave_nothing_behind(tmp_path):
    code = """
import resource, signal, sys
from pathlib import Path
from artifacts.blobs import Blobs
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    Blobs(Path(sys.argv[1])).put(b"x" * 200_000)
except OSError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=300)
    assert "File too large" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []
    assert Blobs(tmp_path).put(b"x").size == 1
