"""Bytes that were changed or deleted behind the record's back: no door gives them out, each says what to do."""

from __future__ import annotations

import asyncio
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from artifacts.events import RunEnded, RunStarted
from artifacts.store import ArtifactDamaged, Store
from artifacts.types import Artifact, Run
from gristmill.backend import connect
from gristmill.settings import load
from tests.gristmill.conftest import serving
from tests.gristmill.door import Server, run

BIG = os.urandom(1 << 20) * 20
WHOLE = BIG[::-1]
RUN = "run_1m7damaged0001"


async def fill(home: Path) -> dict[str, Artifact]:
    """A record of one run: its artifacts by name."""
    with Store.open(home) as store:
        await store.append(RunStarted(run_id=RUN, run=Run(id=RUN, goal="What is in it?")))
        made = [
            await store.put(data, name=name, media_type=kind, role=role, run_id=RUN)
            for name, kind, role, data in (
                ("birds.csv", "text/csv", "input", b"a,b\n1,2\n"),
                ("table.csv", "text/csv", "table", b"x\n12345\n"),
                ("gone.csv", "text/csv", "table", b"x\n54321\n"),
                ("report.html", "text/html", "report", b"<p>As it was</p>"),
                ("big.bin", "application/octet-stream", "file", BIG),
                ("fine.csv", "text/csv", "table", b"x\n1\n"),
                ("whole.bin", "application/octet-stream", "file", WHOLE),
            )
        ]
        await store.append(RunEnded(run_id=RUN, status="done"))
    return {artifact.name: artifact for artifact in made}


def blob(home: Path, artifact: Artifact) -> Path:
    return home / "blobs" / artifact.sha256[:2] / artifact.sha256


def spoil(home: Path, made: dict[str, Artifact]) -> None:
    """One byte of each changed, gone.csv deleted, fine.csv and whole.bin left alone."""
    for name, artifact in made.items():
        path = blob(home, artifact)
        if name == "gone.csv":
            path.unlink()
        elif name not in ("fine.csv", "whole.bin"):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)


@pytest.fixture(scope="module")
def spoilt(
    with_gateway: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, dict[str, Artifact]]]:
    """A server whose record was damaged while it ran."""
    home = with_gateway(tmp_path_factory.mktemp("spoilt") / "home")
    made = asyncio.run(fill(home))
    with serving(home) as (server, _):
        with server.client() as client:
            for artifact in (a for name, a in made.items() if name != "whole.bin"):
                assert len(client.get(f"/api/artifacts/{artifact.id}/content").content) == artifact.size
        spoil(home, made)
        yield server, made


def says(text: str, artifact: Artifact) -> bool:
    what = "are missing" if artifact.name == "gone.csv" else "are not those that were stored"
    return f"The bytes of {artifact.name} ({artifact.id}) {what}." in text


DAMAGED = ("birds.csv", "table.csv", "gone.csv", "report.html", "big.bin")


@pytest.mark.parametrize("name", DAMAGED)
def test_rest_answers_with_a_sentence_in_its_own_terms(spoilt: tuple[Server, dict[str, Artifact]], name: str) -> None:
    server, made = spoilt
    artifact = made[name]
    with server.client() as client:
        for headers in ({"Range": "bytes=0-3"}, *([{}] if name != "big.bin" else [])):
            reply = client.get(f"/api/artifacts/{artifact.id}/content", headers=headers)
            assert reply.status_code == 500
            error = reply.json()["error"]
            assert error["kind"] == "ArtifactDamaged"
            assert says(error["message"], artifact)
            assert RUN in error["message"]
            assert "gristmill" not in error["message"]
            assert error["artifact"]["id"] == artifact.id
            assert "immutable" not in reply.headers.get("cache-control", "")
        for query in ("?preview=1", "?download=1"):
            if name != "big.bin":
                assert client.get(f"/api/artifacts/{artifact.id}/content{query}").status_code == 500
        assert client.get(f"/api/artifacts/{made['fine.csv'].id}/content").content == b"x\n1\n"


def test_a_large_file_breaks_off_so_that_nobody_takes_it_for_whole(spoilt: tuple[Server, dict[str, Artifact]]) -> None:
    server, made = spoilt
    came: list[bytes] = []
    path = f"/api/artifacts/{made['big.bin'].id}/content"
    with (
        server.client() as client,
        client.stream("GET", path) as reply,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        came.extend(reply.iter_raw())
    assert int(reply.headers["content-length"]) == len(BIG) > len(b"".join(came)) > 0
    log = server.log.read_text()
    assert "big.bin" in log
    assert "Traceback" not in log


def test_a_large_file_that_is_right_comes_whole_and_in_parts(spoilt: tuple[Server, dict[str, Artifact]]) -> None:
    server, made = spoilt
    path = f"/api/artifacts/{made['whole.bin'].id}/content"
    with server.client() as client:
        for _ in range(2):  # checked on its way, then known
            reply = client.get(path)
            assert (reply.status_code, reply.headers["content-length"]) == (200, str(len(WHOLE)))
            assert reply.content == WHOLE
        part = client.get(path, headers={"Range": "bytes=5-9"})
        assert (part.status_code, part.content) == (206, WHOLE[5:10])


@pytest.mark.parametrize("name", DAMAGED)
def test_the_command_fails_in_a_sentence_beside_a_server_and_leaves_no_file(
    spoilt: tuple[Server, dict[str, Artifact]], name: str, tmp_path: Path
) -> None:
    server, made = spoilt
    for command in (("get", made[name].id), ("export", made[name].id)):
        done = server.cli("artifacts", *command, "-o", tmp_path / "out")
        assert done.status == 1
        assert says(done.err, made[name])
        assert f"`gristmill artifacts export {RUN}`" in done.err if name == "report.html" else RUN in done.err
        assert list(tmp_path.iterdir()) == []
    assert server.cli("artifacts", "get", made["fine.csv"].id, "-o", "-").out == "x\n1\n"


def test_an_export_of_the_run_is_made_of_the_rest_and_says_what_is_missing(
    spoilt: tuple[Server, dict[str, Artifact]], tmp_path: Path
) -> None:
    server, made = spoilt
    lost = [made[name] for name in DAMAGED if name != "report.html"]  # which is written anew
    done = server.cli("artifacts", "export", RUN, "-o", tmp_path / "run.zip")
    assert done.status == 1
    assert all(says(done.err, artifact) for artifact in lost)
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        told = packed.read("MISSING.txt").decode()
        assert packed.read("fine.csv") == b"x\n1\n"
        assert {"analysis.ipynb", "report.html"} <= set(packed.namelist())
        assert not {artifact.name for artifact in lost} & set(packed.namelist())
    assert all(says(told, artifact) for artifact in lost)
    assert len(told.splitlines()) == len(lost)


def test_doctor_lists_all_that_is_damaged_through_the_server(spoilt: tuple[Server, dict[str, Artifact]]) -> None:
    server, made = spoilt
    done = server.cli("doctor", "--record")
    assert done.status == 1
    assert all(says(done.out, made[name]) for name in DAMAGED)
    assert "fine.csv" not in done.out
    assert "Damaged: 5 artifacts. Read: 7 files." in done.out
    told = json.loads(server.cli("doctor", "--record", "--json").out)
    assert {d["artifact"]["name"]: d["why"] for d in told["damaged"]} == {
        name: "missing" if name == "gone.csv" else "changed" for name in DAMAGED
    }
    with server.client() as client:
        steps = [json.loads(line) for line in client.get("/api/record/check").text.splitlines()]
    assert [(s["done"], s["of"]) for s in steps] == [(n, 7) for n in range(8)]


def test_a_backup_through_the_server_is_made_of_the_rest_and_says_so(
    spoilt: tuple[Server, dict[str, Artifact]], tmp_path: Path
) -> None:
    server, made = spoilt
    done = server.cli("record", "backup", tmp_path / "copy")
    assert done.status == 1
    assert all(says(done.err, made[name]) for name in DAMAGED)
    assert run(tmp_path / "copy", "artifacts", "get", made["fine.csv"].id, "-o", "-").out == "x\n1\n"


async def test_python_gets_an_error_that_says_which(
    spoilt: tuple[Server, dict[str, Artifact]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, made = spoilt
    monkeypatch.setenv("GRISTMILL_HOME", str(server.home))
    backend = await connect(load())
    try:
        for name in DAMAGED:
            with pytest.raises(ArtifactDamaged) as damaged:
                await backend.read(made[name])
            assert damaged.value.artifact == made[name]
        assert "MISSING.txt" in {path.name for path in await backend.write_out(RUN, tmp_path / "out")}
    finally:
        await backend.close()


def test_without_a_server_the_same_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = asyncio.run(fill(home))
    assert run(home, "doctor", "--record").status == 0
    spoil(home, made)
    for name in DAMAGED:
        done = run(home, "artifacts", "get", made[name].id, "-o", tmp_path / "out")
        assert done.status == 1
        assert says(done.err, made[name])
        assert not (tmp_path / "out").exists()
    done = run(home, "doctor", "--record")
    assert done.status == 1
    assert all(says(done.out, made[name]) for name in DAMAGED)
    done = run(home, "runs", "reproduce", RUN)
    assert done.status != 0
