"""A run that waits for a person, through a server's command line and REST: asked, approved, and bounded by a budget."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import gristmill
from graphs.errors import InputError
from gristmill.errors import Failed
from tests.graphs.conftest import Answer, Team, Wire, call
from tests.gristmill.conftest import serving
from tests.gristmill.door import Server
from tests.gristmill.test_api import stream

ASK = call("ask_person", question="Which year is meant?", choices=["2024", "2025"], default="2025")


@pytest.fixture
def team() -> Iterator[Team]:
    wire = Wire()
    wire.answer = Team(Answer)
    wire.answer.env = wire  # type: ignore[attr-defined]  # where it listens
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(wire.handle, "127.0.0.1", 0))
    wire.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield wire.answer
    loop.call_soon_threadsafe(listening.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_run_that_waits_is_answered_and_approved_at_any_door(team: Team, ready: Path, tmp_path: Path) -> None:
    table = tmp_path / "points.csv"
    table.write_text("x,y\n" + "".join(f"{i},{i * 2 + i % 3}\n" for i in range(40)))
    ask = ("analyze", table, "--ask", "Do x and y rise together?", "--model", "openai:test", "--out", tmp_path / "out")
    with serving(ready, **team.env.env) as (server, _):  # type: ignore[attr-defined]
        _answer_by_command(team, server, ask)
        _approve_by_rest(team, server, table)
        _spend(team, server, ask)
        _hear_of_tasks(team, server, table)


def _answer_by_command(team: Team, server: Server, ask: tuple[str | Path, ...]) -> None:
    team.code = [Answer(calls=[ASK])]
    asked = server.cli(*ask)
    assert asked.status == 1
    assert "Which year is meant? (2024, 2025) [2025]" in asked.out
    run_id = server.json("runs", "list", "--status", "waiting")[0]["id"]
    assert f"gristmill runs answer {run_id}" in asked.out
    out = server.home.parent / "answered"
    answered = server.cli("runs", "answer", run_id, "2024", "--out", out)
    assert answered.status == 0, answered.err
    again = server.cli("runs", "answer", run_id, "2025")
    assert again.status == 2
    assert "asks nothing" in again.err


def _approve_by_rest(team: Team, server: Server, table: Path) -> None:
    team.code = [Answer(calls=[call("run_code", code="print('as it was')")])]

    def begin() -> str:
        form = {"question": "Do x and y rise together?", "model": "openai:test", "approve": "ask"}
        with server.client() as client, table.open("rb") as file:
            made = client.post("/api/runs", data=form, files={"files": ("points.csv", file)})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def ended(run_id: str) -> dict[str, object]:
        with server.client() as client:
            with client.stream("GET", f"/api/runs/{run_id}/events") as reply:
                for _ in reply.iter_lines():
                    pass
            return dict(client.get(f"/api/runs/{run_id}").json())

    def decide(run_id: str, **form: str) -> tuple[int, str]:
        with server.client() as client:
            reply = client.post(f"/api/runs/{run_id}/decide", data=form)
        return reply.status_code, reply.text

    run_id = begin()
    waiting = ended(run_id)
    assert waiting["run"]["status"] == "waiting"  # type: ignore[index]
    assert [a["tool"] for a in waiting["approvals"]] == ["run_code"]  # type: ignore[index, union-attr]
    assert (decide(run_id, decision="edited", edited="[1]"))[0] == 422
    edited = json.dumps({"code": "print('as it is')"})
    assert (decide(run_id, decision="edited", edited=edited))[0] == 200
    done = ended(run_id)
    assert done["run"]["status"] == "done"  # type: ignore[index]
    assert [x["code"] for x in done["executions"] if "code" in x["tags"]] == ["print('as it is')"]  # type: ignore[index, union-attr]
    assert (decide(run_id, decision="accepted"))[0] == 422


def _hear_of_tasks(team: Team, server: Server, table: Path) -> None:
    """Tasks are events of the stream as they change, and listed alike by the command and over REST."""
    slope = {"title": "Slope", "agent": "coder", "brief": "How steep is it?"}
    both = {"title": "Both", "agent": "modeler", "brief": "Both.", "priority": "high", "after": ["Slope"]}
    team.plan = [Answer(calls=[call("delegate", tasks=[slope, both])])]
    with server.client() as client, table.open("rb") as file:
        form = {"question": "Do x and y rise together?", "model": "openai:test"}
        run_id = client.post("/api/runs", data=form, files={"files": ("points.csv", file)}).json()["id"]
    changed = [data["task"] for _, kind, data in stream(server, run_id) if kind == "task_changed"]
    stood: dict[str, list[str]] = {}
    for task in changed:
        stood.setdefault(task["id"], []).append(task["status"])  # type: ignore[index]
    assert {id: list(dict.fromkeys(told)) for id, told in stood.items()} == {
        "t1": ["queued", "running", "done"],
        "t2": ["queued", "running", "done"],
    }
    listed = server.json("tasks", "list", run_id)
    for task in listed:
        assert list(task)[:7] == ["id", "title", "agent", "status", "priority", "progress", "parent"]
    assert [[task[name] for name in list(task)[:7]] for task in listed] == [
        ["t1", "Slope", "coder", "done", "normal", 1.0, None],
        ["t2", "Both", "modeler", "done", "high", 1.0, None],
    ]
    with server.client() as client:
        assert client.get(f"/api/runs/{run_id}/tasks").json()["tasks"] == listed


def _spend(team: Team, server: Server, ask: tuple[str | Path, ...]) -> None:
    refused = server.cli(*ask, "--budget", "hours=2")
    assert refused.status == 2
    assert "no budget" in refused.err
    refused = server.cli(*ask, "--agent", "nobody")
    assert refused.status == 2
    assert "no agent 'nobody'" in refused.err
    team.code = [Answer(calls=[call("run_code", code="print(1)")])]
    out = server.home.parent / "resumed"
    spent = server.cli(*ask, "--budget", "tokens=30", "--unattended", "--out", out)
    assert spent.status == 1
    assert "The budget of 30 tokens is spent" in " ".join(spent.out.split())
    run_id = server.json("runs", "list", "--status", "interrupted")[0]["id"]
    stopped = (out / "report.md").read_text()
    resumed = server.cli("runs", "resume", run_id, "--budget", "tokens=500")
    assert resumed.status == 0, resumed.err
    assert (out / "report.md").read_text() != stopped, "it goes on in the folder in which it began"


def test_python_takes_the_terms_of_a_run_and_says_what_one_waits_for(
    team: Team, ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "points.csv"
    table.write_text("x,y\n" + "".join(f"{i},{i * 2 + i % 3}\n" for i in range(40)))
    monkeypatch.setenv("GRISTMILL_HOME", str(ready))
    for name, value in team.env.env.items():  # type: ignore[attr-defined]
        monkeypatch.setenv(name, value)
    how = {"model": "openai:test", "rerun": False, "out": tmp_path / "out"}
    why = "Do x and y rise together?"
    team.code = [Answer(calls=[call("run_code", code="1 + 1")])]
    with pytest.raises(Failed, match=r"waits for your consent to run_code: `gristmill runs approve run_"):
        gristmill.analyze(table, why, approve="ask", **how)
    team.code = [Answer(calls=[ASK])]
    with pytest.raises(Failed, match=r"waits for an answer: Which year is meant\? `gristmill runs answer run_"):
        gristmill.analyze(table, why, **how)
    team.code = [Answer(calls=[ASK, call("run_code", code="1 + 1")])]
    (ready / "agents").mkdir()
    (ready / "agents" / "careful.md").write_text("---\nname: careful\nbase: coder\n---\nYou look twice.\n")
    done = gristmill.analyze(table, why, agent="careful", budget="cells=20", unattended=True, **how)
    assert next((u.name, u.text) for u in done.view.tools_used) == ("ask_person", "2025")
    params = done.run.params
    assert (params["agent"], params["budget"], params["unattended"]) == ("careful", {"cells": 20}, True)
    with pytest.raises(InputError, match="'much' is no budget"):
        gristmill.ask(table, why, budget="much")
    with pytest.raises(InputError, match="approve"):
        gristmill.ask(table, why, approve="perhaps")  # type: ignore[arg-type]
