"""A conversation with a run that has ended: each further question is a turn of it, through every door."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import gristmill
from tests.gristmill.door import REPOSITORY, Server, run

PENGUINS = REPOSITORY / "examples" / "penguins.csv"


def truth() -> pd.DataFrame:
    return pd.read_csv(PENGUINS)


def asked(home: Path, *arguments: str | Path, status: int = 0) -> dict:
    done = run(home, "ask", *arguments, "--json")
    assert done.status == status, done.err + done.out
    return json.loads(done.out)


def numbers(told: dict) -> list[float]:
    values = [v["value"] for a in told["answers"] for v in a["values"]]
    return sorted(round(v, 4) for v in values if isinstance(v, int | float))


def test_follow_ups_change_the_last_question_and_go_on_in_one_sandbox(server: Server) -> None:
    df = truth()
    first = asked(server.home, "What is the mean body mass?", PENGUINS)
    assert numbers(first) == [round(df["body_mass_g"].mean(), 4)]

    second = asked(server.home, "--run", first["run"], "only Gentoo")
    assert list(second) == ["run", "turn", "status", "text", "answers", "cells"]
    assert (second["run"], second["turn"], second["status"]) == (first["run"], "turn-02", "answered")
    gentoo = df[df["species"] == "Gentoo"]
    assert numbers(second) == [round(gentoo["body_mass_g"].mean(), 4)]

    third = asked(server.home, "--run", first["run"], "and by sex?")
    assert numbers(third) == sorted(gentoo.groupby("sex")["body_mass_g"].mean().round(4))
    fourth = asked(server.home, "--run", first["run"], "as a median")
    assert numbers(fourth) == sorted(gentoo.groupby("sex")["body_mass_g"].median().round(4))

    view = server.json("runs", "show", first["run"])
    assert [t["message"] for t in view["turns"]] == [
        "What is the mean body mass?", "only Gentoo", "and by sex?", "as a median"
    ]  # fmt: skip
    assert {t["status"] for t in view["turns"]} == {"done"}
    assert [t["cells"] for t in view["turns"][1:]] == [second["cells"], third["cells"], fourth["cells"]]
    assert [len(t["answers"]) for t in view["turns"]] == [1, 1, 1, 1]
    assert view["turns"][1]["answers"] == second["answers"]
    assert (view["run"]["status"], view["parent"], view["branches"]) == ("done", None, [])
    assert [s["rebuilt"] for s in view["sandboxes"]] == [False], "every follow-up found it living"
    assert len(third["cells"]) == 1, "what is read and described is not read and described again"
    with server.client() as client:
        headers = {"Accept": "application/json"}
        events = client.get(f"/api/runs/{first['run']}/events", headers=headers).json()["events"]
    again = [len(e["answers"]) for e in events if e["kind"] == "report"]
    assert again == [1, 0, 0, 0], "a long conversation does not record all its answers with each turn"

    undone = server.json("runs", "undo", first["run"])
    assert undone["turn_id"] == "turn-04"
    again = asked(server.home, "--run", first["run"], "as a maximum")
    assert (again["turn"], numbers(again)) == ("turn-05", sorted(gentoo.groupby("sex")["body_mass_g"].max()))
    branch = server.json("runs", "branch", first["run"])
    assert server.json("runs", "show", first["run"])["branches"] == [branch["id"]]
    shown = server.cli("runs", "show", branch["id"]).out
    assert f"  {first['run']}\n    {branch['id']}  this run\n" in shown, "the tree of branches"
    assert shown.index("turn-02 only Gentoo") < shown.index("5,076 g") < shown.index("turn-03 and by sex?")
    assert asked(server.home, "--run", branch["id"], "only females")["turn"] == "turn-06"


def test_an_edited_cell_answers_its_own_turn_and_a_follow_up_goes_on_from_the_last_question(
    server: Server, tmp_path: Path
) -> None:
    first = asked(server.home, "What is the mean body mass by species?", PENGUINS)
    second = asked(server.home, "--run", first["run"], "only females")
    code = tmp_path / "more.py"

    def edit(cell: str) -> list[int]:
        source = server.json("cells", "show", first["run"], cell)["source"]
        code.write_text(f"{source}\nprint('by hand')\n")
        server.json("cells", "edit", first["run"], cell, "--code", code)
        return [len(t["answers"]) for t in server.json("runs", "show", first["run"])["turns"]]

    assert edit(first["answers"][0]["evidence"][0]["cell"]) == [1, 1]
    third = asked(server.home, "--run", first["run"], "as a median")
    females = truth().query("sex == 'female'").groupby("species")["body_mass_g"].median()
    assert numbers(third) == sorted(females.round(4))
    server.json("runs", "undo", first["run"])
    assert edit(second["cells"][-1]) == [1, 1]
    asked(server.home, "--run", first["run"], "as a median", status=3)  # what the person's code computes is not known


def test_what_cannot_be_read_is_said_and_the_conversation_goes_on(server: Server) -> None:
    first = asked(server.home, "What is the mean body mass?", PENGUINS)
    unread = asked(server.home, "--run", first["run"], "and by wing colour?", status=3)
    assert (unread["status"], unread["cells"]) == ("not_answered", [])
    assert "colour" in unread["answers"][0]["why"]
    assert "bill_length_mm" in unread["text"].partition("You could ask: ")[2]
    those = asked(server.home, "--run", first["run"], "what is their mean flipper length?", status=3)
    assert "which rows are meant" in those["answers"][0]["why"]
    shown = run(server.home, "ask", "--run", first["run"], "by island")
    assert shown.status == 0, shown.err
    assert "Biscoe" in shown.out
    assert (
        "goes on from “What is the mean body mass?”, since “what is their mean flipper length?” has no answer"
        in " ".join(shown.out.split())
    )
    median = asked(server.home, "--run", first["run"], "as a median")
    assert "goes on from" not in median["text"], "the question before has an answer"
    misused = run(server.home, "ask", "--run", first["run"], "by island", PENGUINS)
    assert misused.status == 2


def test_over_rest_a_turn_is_answered_or_refused(server: Server, tmp_path: Path) -> None:
    first = asked(server.home, "How many penguins are there per island?", PENGUINS)
    with server.client() as client:
        told = client.post(f"/api/runs/{first['run']}/ask", data={"text": "only Adelie"})
        assert told.status_code == 200, told.text
        df = truth()
        assert numbers(told.json()) == sorted(df[df["species"] == "Adelie"].groupby("island").size())
        assert client.post(f"/api/runs/{first['run']}/ask", data={"text": " "}).status_code == 422
        also = client.post(f"/api/runs/{first['run']}/ask", json={"text": "only Gentoo", "queue": False})
        assert numbers(also.json()) == sorted(df[df["species"] == "Gentoo"].groupby("island").size())
        for wrong in ({"json": {"question": "by sex"}}, {"data": {"question": "by sex"}}):
            for way in ("ask", "say"):
                refused = client.post(f"/api/runs/{first['run']}/{way}", **wrong)
                assert refused.status_code == 422
                assert "no field 'question' here; there are: text, queue, budget" in refused.text
        assert "The body is not a JSON object" in client.post(f"/api/runs/{first['run']}/ask", json=["by sex"]).text
        bounded = client.post(f"/api/runs/{first['run']}/say", json={"text": "by sex", "budget": "hours=2"})
        assert "no budget" in bounded.text
        files = {"param:data": ("penguins.csv", PENGUINS.read_bytes())}
        notebook = client.post("/api/notebooks/run", data={"name": "profile"}, files=files).json()["id"]
        client.post(f"/api/runs/{notebook}/cancel")
        refused = client.post(f"/api/runs/{notebook}/ask", data={"text": "by island"})
        assert (refused.status_code, refused.json()["error"]["kind"]) == (422, "InputError")


def test_an_analysis_is_asked_further_and_keeps_its_report(server: Server, tmp_path: Path) -> None:
    done = run(
        server.home, "analyze", PENGUINS, "--ask", "What is the mean body mass?", "--out", tmp_path / "o", "--json"
    )
    assert done.status == 0, done.err
    before = json.loads(done.out)
    told = asked(server.home, "--run", before["run"]["id"], "What is the median bill length by species?")
    assert numbers(told) == sorted(truth().groupby("species")["bill_length_mm"].median().round(4))
    after = server.json("runs", "show", before["run"]["id"])
    assert after["report"] == before["report"]
    assert [f["id"] for f in after["findings"]] == [f["id"] for f in before["findings"]]
    assert [t["id"] for t in after["turns"]] == ["turn-01", "turn-02"]
    assert asked(server.home, "--run", before["run"]["id"], "only females")["turn"] == "turn-03"


def test_without_a_server_the_sandbox_is_rebuilt_for_each_turn(ready: Path, monkeypatch) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(ready))
    df = truth()
    first = gristmill.ask(df, "What is the mean body mass?", progress=False)
    second = first.ask("and by island?")
    assert sorted(second.values.values()) == pytest.approx(sorted(df.groupby("island")["body_mass_g"].mean()))
    assert (second.turn, second.status, first.value) == ("turn-02", "answered", pytest.approx(df["body_mass_g"].mean()))
    third = asked(ready, "--run", "last", "only females")
    female = df[df["sex"] == "female"]
    assert numbers(third) == sorted(female.groupby("island")["body_mass_g"].mean().round(4))
    view = json.loads(run(ready, "runs", "show", "last", "--json").out)
    assert [s["rebuilt"] for s in view["sandboxes"]] == [False, True, True]


def chat(home: Path, lines: str, *arguments: str | Path) -> str:
    done = run(home, "chat", *arguments, lines=lines)
    assert done.status == 0, done.err
    return done.out


def test_a_chat_takes_lines_and_tells_answers_with_and_without_a_server(server: Server, ready: Path) -> None:
    gentoo = truth().query("species == 'Gentoo'")["body_mass_g"]
    lines = (
        "What is the mean body mass?\nonly Gentoo\n/run print(len(df))\n/undo\n/nosuch\n/agents\n/budget\n"
        "as a median\n/quit\n"
    )
    for home in (ready, server.home):
        told = chat(home, lines, PENGUINS)
        assert f"{gentoo.mean():,.0f}" in told
        assert "\n344\n" in told, "a cell of the person's own puts out what it prints"
        assert "Taken back: cell-" in told
        assert "no command /nosuch" in told
        assert told.count("\nanalyst ") == 1, "an agent of several jobs is told once"
        assert f"{gentoo.median():,.0f}" in told.rpartition("/nosuch")[2]
        again = chat(home, "as a maximum\n", "--run", "last")
        assert f"{gentoo.max():,.0f}" in again
    view = server.json("runs", "show", "last")
    assert [t["message"] for t in view["turns"]][1:] == ["only Gentoo", "as a median", "as a maximum"]
