"""Bytes that are not what was stored are noticed at every read; a file that stays as it is is read through once."""

from __future__ import annotations

import os

import pytest

from artifacts import blobs
from artifacts.check import check
from artifacts.store import ArtifactDamaged, Store
from artifacts.types import Artifact

BIG = os.urandom(3 << 20)


@pytest.fixture
def keep(store, begin):
    run = begin(store)

    async def keep(data: bytes = b"12345", name: str = "x.csv", role: str = "table") -> Artifact:
        return await store.put(data, name=name, media_type="text/csv", role=role, run_id=run.id)

    return keep


def flip(store: Store, artifact: Artifact, at: int = -1) -> None:
    """Change one byte of an artifact where it lies, its size unchanged."""
    path = store.home / "blobs" / artifact.sha256[:2] / artifact.sha256
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def read(store: Store, artifact: Artifact) -> bytes:
    return store.read(artifact)


def path(store: Store, artifact: Artifact) -> bytes:
    return store.path(artifact).read_bytes()


def pieces(store: Store, artifact: Artifact) -> bytes:
    return b"".join(store.pieces(artifact))


READS = (read, path, pieces)


@pytest.mark.parametrize("get", READS)
@pytest.mark.parametrize("data", [b"", b"12345", BIG])
async def test_bytes_come_back_as_they_were_stored(store, keep, get, data):
    artifact = await keep(data)
    assert [get(store, artifact), get(store, artifact)] == [data, data]


@pytest.mark.parametrize("get", READS)
@pytest.mark.parametrize(("data", "at"), [(b"12345", 0), (BIG, 0), (BIG, 1 << 20), (BIG, -1)])
async def test_one_byte_changed_is_noticed_however_it_is_read(store, keep, get, data, at, monkeypatch):
    monkeypatch.setattr(blobs, "_SETTLED", 0)  # so that it was remembered as right before it changed
    artifact = await keep(data)
    assert get(store, artifact) == data
    flip(store, artifact, at)
    for _ in range(2):
        with pytest.raises(ArtifactDamaged, match="not those that were stored") as damaged:
            get(store, artifact)
        assert (damaged.value.artifact, damaged.value.why) == (artifact, "changed")


@pytest.mark.parametrize("get", READS)
async def test_a_file_that_is_gone_or_cut_short_or_no_file_is_noticed(store, keep, get):
    artifact = await keep(BIG)
    where = store.path(artifact)
    where.write_bytes(BIG[:-1])
    with pytest.raises(ArtifactDamaged, match="not those"):
        get(store, artifact)
    where.unlink()
    with pytest.raises(ArtifactDamaged, match="are missing"):
        get(store, artifact)
    where.mkdir()
    with pytest.raises(ArtifactDamaged, match="cannot be read"):
        get(store, artifact)


async def test_of_a_wrong_file_the_last_piece_never_comes(store, keep):
    artifact = await keep(BIG)
    flip(store, artifact, 0)
    came: list[bytes] = []
    with pytest.raises(ArtifactDamaged):
        came.extend(store.pieces(artifact))  # what came before the fault stays in the list
    assert 0 < len(b"".join(came)) < len(BIG)


async def test_a_file_that_stays_as_it_is_is_read_through_once(store, keep, monkeypatch):
    monkeypatch.setattr(blobs, "_SETTLED", 0)
    artifact, other = await keep(BIG), await keep(b"12345")
    read_through = []
    chunks = blobs._chunks
    monkeypatch.setattr(blobs, "_chunks", lambda data: read_through.append(data) or chunks(data))
    assert not store.checked(artifact)
    first = store.path(artifact)
    assert store.checked(artifact)
    assert [store.path(artifact), store.path(artifact), store.path(other)] == [first, first, store.path(other)]
    assert read_through == [first, store.path(other)]
    os.utime(first, ns=(1, 1))
    assert not store.checked(artifact), "who changes a file and sets its times back changes its ctime"
    store.path(artifact)
    assert read_through.count(first) == 2


async def test_a_file_of_this_very_moment_is_not_remembered(store, keep):
    """A second write within one tick of the file system's clock would leave all its times as they are."""
    artifact = await keep()
    store.path(artifact)
    assert not store.checked(artifact)


@pytest.mark.parametrize(
    ("name", "role", "remedy"),
    [
        ("fig_01.png", "plot", "`gristmill runs reproduce {run}` makes them again"),
        ("report.html", "report", "`gristmill artifacts export {run}` writes this file anew"),
        ("analysis.ipynb", "notebook", "`gristmill artifacts export {run}` writes this file anew"),
        ("birds.csv", "input", "ask a question of the same birds.csv again"),
    ],
)
async def test_what_is_damaged_says_what_brings_it_back(store, keep, name, role, remedy):
    artifact = await keep(name=name, role=role)
    flip(store, artifact)
    with pytest.raises(ArtifactDamaged) as damaged:
        store.read(artifact)
    assert f"{name} ({artifact.id})" in str(damaged.value)
    assert remedy.format(run=artifact.run_id) in str(damaged.value)


async def test_a_check_finds_every_use_of_every_damaged_file(store, keep, monkeypatch):
    monkeypatch.setattr(blobs, "_SETTLED", 0)
    good, bad, gone = await keep(b"good"), await keep(b"bad"), await keep(b"gone")
    again = await keep(b"bad", name="again.csv")
    store.path(bad)
    where = store.path(gone)
    flip(store, bad)
    where.unlink()
    steps = list(check(store))
    assert [(s.done, s.of) for s in steps] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [[(e.artifact, e.why) for e in s.damaged] for s in steps] == [
        [],
        [],
        [(bad, "changed"), (again, "changed")],
        [(gone, "missing")],
    ]
    await keep(b"bad")
    await keep(b"gone")
    assert all(not s.damaged for s in check(store)), "the same bytes stored again mend what had them"
    assert store.read(good) == b"good"
