"""The REST interface and the stream of events, over HTTP, on a run that really ran."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from artifacts.events import EVENT, Progressed, RunEnded, fold
from tests.gristmill.conftest import serving
from tests.gristmill.door import QUESTION, Server


def stream(server: Server, run_id: str, **headers: str) -> list[tuple[str | None, str, dict[str, object]]]:
    """A run's stream until it ends: id, event and data of each."""
    found, mark, kind = [], None, ""
    with server.client(headers=headers) as client, client.stream("GET", f"/api/runs/{run_id}/events") as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        for line in reply.iter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                mark = value
            elif name == "event":
                kind = value
            elif name == "data":
                found.append((mark, kind, json.loads(value)))
            elif not line:
                mark = None
    return found


def test_a_run_is_what_its_events_say(server: Server, finished: str) -> None:
    told = stream(server, finished)
    kept = [EVENT.validate_python(data) for mark, _, data in told if mark is not None]
    assert [e.seq for e in kept] == list(range(1, len(kept) + 1))
    assert isinstance(kept[-1], RunEnded)
    view = fold(kept)
    with server.client() as client:
        shown = client.get(f"/api/runs/{finished}").json()
    assert shown["run"]["goal"] == QUESTION == view.run.goal
    assert shown["last_seq"] == len(kept)
    assert [f["id"] for f in shown["findings"]] == [f.id for f in view.ranked]
    assert any("length" in f["text"].casefold() for f in shown["findings"])

    assert view.comparison is not None, "it was asked to be run again"
    assert {m.name for m in view.comparison.matches} == {
        *(a.name for a in view.artifacts if a.role == "plot"),
        *(f"{f.id} {f.kind}" for f in view.findings),
        *(x.cell for x in view.executions),
    }
    assert view.comparison.holds
    cells = len(view.executions)
    told = [(e.done, e.of) for e in kept if isinstance(e, Progressed)]
    assert told == [(n, cells) for n in range(cells)][cells - len(told) :], "those that ran beside the run are not told"
    assert "came out the same" in shown["reviews"][-1]["remarks"][-1]
    with server.client() as client:
        assert [r["id"] for r in client.get("/api/runs?agent=reproduce").json()["runs"]] == []


def test_a_stream_goes_on_after_the_last_event_that_came(server: Server, finished: str) -> None:
    whole = stream(server, finished)
    rest = stream(server, finished, **{"Last-Event-ID": "5"})
    assert [m for m, _, _ in rest] == [m for m, _, _ in whole if m is not None and int(m) > 5]
    with server.client() as client:
        asked = client.get(f"/api/runs/{finished}/events?after=5", headers={"Accept": "application/json"}).json()
        assert asked["events"] == [data for _, _, data in rest]
        over = client.get(f"/api/runs/{finished}/events", headers={"Last-Event-ID": str(whole[-1][0])})
        assert over.status_code == 204, "an EventSource stops asking"
        assert client.get(f"/api/runs/{finished}/events", headers={"Last-Event-ID": "-1"}).status_code == 422


def test_the_export_holds_what_the_folder_of_results_would(server: Server, finished: str, flowers: Path) -> None:
    with server.client() as client:
        reply = client.get(f"/api/runs/{finished}/export.zip")
        again = client.get(f"/api/runs/{finished}/export.zip")
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.content == again.content, "the same run gives the same bytes"
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.testzip() is None
        assert {"analysis.ipynb", "findings.json", "report.md", "report.html", "flowers.csv"} <= set(archive.namelist())
        assert archive.read("flowers.csv") == flowers.read_bytes()
        assert not [n for n in archive.namelist() if n.startswith("/") or ".." in n]


def test_artifacts_are_listed_described_and_served_as_they_are(server: Server, finished: str, flowers: Path) -> None:
    with server.client() as client:
        plots = client.get(f"/api/artifacts?run={finished}&role=plot").json()["artifacts"]
        assert plots
        assert {a["role"] for a in plots} == {"plot"}
        told = client.get(f"/api/artifacts/{plots[0]['id']}").json()
        assert told == plots[0]
        reply = client.get(f"/api/artifacts/{told['id']}/content")
        assert reply.content.startswith(b"\x89PNG")
        assert len(reply.content) == told["size"]
        assert reply.headers["content-type"] == "image/png"
        assert reply.headers["content-disposition"].startswith("inline")
        source = client.get(f"/api/artifacts?run={finished}&role=input").json()["artifacts"]
        assert client.get(f"/api/artifacts/{source[0]['id']}/content").content == flowers.read_bytes()


def test_what_could_act_in_a_browser_is_a_download_and_a_sandboxed_preview(server: Server, finished: str) -> None:
    with server.client() as client:
        reports = client.get(f"/api/artifacts?run={finished}&role=report").json()["artifacts"]
        page = next(a for a in reports if a["name"] == "report.html")
        plain = client.get(f"/api/artifacts/{page['id']}/content")
        assert plain.headers["content-disposition"].startswith("attachment")
        preview = client.get(f"/api/artifacts/{page['id']}/content?preview=1")
        assert preview.headers["content-disposition"].startswith("inline")
        for reply in (plain, preview):
            policy = reply.headers["content-security-policy"]
            assert policy.startswith("sandbox;")
            assert "allow-scripts" not in policy
            assert "default-src 'none'" in policy
            assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/runs/nosuch", 404),
        ("GET", "/api/runs/nosuch/events", 404),
        ("GET", "/api/runs/nosuch/export.zip", 404),
        ("POST", "/api/runs/nosuch/cancel", 404),
        ("POST", "/api/runs/nosuch/resume", 404),
        ("POST", "/api/runs/nosuch/reproduce", 404),
        ("GET", "/api/artifacts/nosuch/content", 404),
        ("DELETE", "/api/schedules/nosuch", 404),
        ("GET", "/api/runs?limit=0", 422),
        ("GET", "/api/runs?status=odd", 422),
        ("GET", "/api/runs?offset=99999999999999999999", 422),
        ("POST", "/api/schedules", 422),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(server: Server, method: str, path: str, status: int) -> None:
    with server.client() as client:
        reply = client.request(method, path)
    assert reply.status_code == status
    assert len(reply.json()["error"]["message"]) > 15


def test_a_bad_upload_is_told_by_its_own_name_and_leaves_nothing(server: Server) -> None:
    with server.client() as client:
        empty = client.post("/api/runs", data={"question": "What?"}, files={"files": ("../../no thing.csv", b"")})
        assert empty.status_code == 422
        assert "no thing.csv" in empty.json()["error"]["message"]
        assert str(server.home) not in empty.text
        nothing = client.post("/api/runs", data={"question": " "}, files={"files": ("a.csv", b"a\n1\n")})
        assert nothing.status_code == 422
        assert "question" in nothing.json()["error"]["message"].lower()
        for odd in ("[1", '{"target": {"a": 1}}'):
            roles = client.post(
                "/api/runs", data={"question": "x", "roles": odd}, files={"files": ("a.csv", b"a\n1\n")}
            )
            assert roles.status_code == 422
    assert list((server.home / "uploads").iterdir()) == []
    assert not (server.home.parent / "no thing.csv").exists()


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ({"kind": "question", "goal": " ", "files": ["a.csv"]}, "question is empty"),
        ({"kind": "question", "goal": "What?"}, "asked of files"),
        ({"kind": "question", "goal": "What?", "files": ["a.csv"], "notify": ["ops"]}, "no target 'ops'"),
        ({"kind": "question", "goal": "What?", "files": ["a.csv"], "retries": 99}, "retries"),
        ({"kind": "notebook"}, "Name the notebook"),
        ({"kind": "notebook", "template": "profil"}, "Did you mean profile"),
        ({"kind": "notebook", "template": "profile", "params": {"a b": 1}}, "cannot be a parameter"),
    ],
)
def test_a_schedule_that_could_never_run_is_refused(server: Server, schedule: dict[str, object], says: str) -> None:
    with server.client() as client:
        before = client.get("/api/schedules").json()
        reply = client.post("/api/schedules", json={"cron": "0 7 * * *", "timezone": "UTC", "goal": ""} | schedule)
        assert reply.status_code == 422
        assert says in reply.json()["error"]["message"]
        assert client.get("/api/schedules").json() == before


def test_the_interface_describes_itself(server: Server) -> None:
    with server.client() as client:
        paths = client.get("/api/openapi.json").json()["paths"]
        for method, path, status in (("GET", "/api/nosuch", 404), ("PUT", "/api/runs", 405)):
            reply = client.request(method, path)
            assert reply.status_code == status
            assert reply.json()["error"]["message"]
    assert {"/api/runs", "/api/runs/{ref}/events", "/api/artifacts/{ref}/content", "/api/schedules"} <= set(paths)


def test_a_request_takes_every_field_that_the_interface_describes(server: Server) -> None:
    with server.client() as client:
        described = client.get("/api/openapi.json").json()
        for path in ("/api/runs", "/api/ask"):
            content = described["paths"][path]["post"]["requestBody"]["content"]
            [form] = [c["schema"]["$ref"] for kind, c in content.items() if "form" in kind]
            fields = described["components"]["schemas"][form.rpartition("/")[2]]["properties"]
            assert {"approve", "budget", "question"} <= set(fields)
            for field in set(fields) - {"files"}:  # the question is missing, or something is no such value
                reply = client.post(path, data={field: ""})
                assert reply.status_code == 422, reply.text
                assert "There is no field" not in reply.json()["error"]["message"], field


def test_an_upload_that_is_too_large_is_told_before_it_fills_the_disk(ready: Path) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\n'
    large = head + b"1\n" * 600_000 + b"\r\n--x--\r\n"
    with serving(ready, GRISTMILL_MAX_UPLOAD_MB="1") as (small, _), small.client() as client:
        for body in (large, iter([large[:500_000], large[500_000:]])):  # with its length told, and without
            form = {"Content-Type": "multipart/form-data; boundary=x"}
            reply = client.post("/api/runs", content=body, headers=form)
            assert reply.status_code == 413
            assert "GRISTMILL_MAX_UPLOAD_MB" in reply.json()["error"]["message"]
        assert client.get("/api/runs").json() == {"runs": [], "total": 0}
    assert "Traceback" not in small.log.read_text()


def test_a_request_for_a_notebook_reads_no_file_of_the_servers(server: Server, flowers: Path, tmp_path: Path) -> None:
    notebook = {
        "cells": [
            {"cell_type": "code", "id": i, "metadata": {"tags": t}, "source": s, "outputs": [], "execution_count": None}
            for i, t, s in (
                ("a", ["parameters"], "paths: list = []\nother: str = ''"),
                ("b", [], "print([len(open(p).readlines()) for p in paths], other)"),
            )
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = tmp_path / "count.ipynb"
    path.write_text(json.dumps(notebook))
    with server.client() as client:
        for name, params, words in (
            ("profile", {"data": str(flowers)}, "was not uploaded; send the file as param:data"),
            ("profile", {"data": "/no/such/file.csv"}, "was not uploaded; send the file as param:data"),
            (str(path), {}, "There is no notebook called"),
        ):
            reply = client.post("/api/notebooks/run", data={"name": name, "params": json.dumps(params)})
            assert reply.status_code == 422, reply.text
            assert words in reply.json()["error"]["message"]
        for field, words in (
            ("parameters", "There is no field 'parameters'"),
            ("param:paths", "param:paths takes a file"),
            ("file:a.csv", "file:a.csv takes a file"),
        ):
            upload = {"notebook": ("count.ipynb", path.read_bytes())}
            reply = client.post("/api/notebooks/run", data={field: "{}"}, files=upload)
            assert reply.status_code == 422, reply.text
            assert words in reply.json()["error"]["message"]
        files = [
            ("notebook", ("count.ipynb", path.read_bytes())),
            ("param:paths", ("one.csv", b"a\n1\n")),
            ("param:paths", ("two.csv", b"a\n1\n2\n")),
        ]
        params = json.dumps({"paths": [], "other": str(flowers)})
        begun = client.post("/api/notebooks/run", data={"params": params}, files=files).json()["id"]
        server.cli("runs", "follow", begun)
        shown = client.get(f"/api/runs/{begun}").json()
    assert "[2, 3]" in json.dumps(shown["executions"])
    assert sorted(a["name"] for a in shown["artifacts"] if a["role"] == "input") == ["one.csv", "two.csv"]
    done = server.cli("notebook", "run", path, "-p", f'paths=["{flowers}"]')
    assert "[41]" in done.out, done.out + done.err
