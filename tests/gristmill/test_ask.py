"""`gristmill ask` and its like in REST and Python: the answer, how it came out, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import gristmill
from gristmill.errors import Failed
from tests.gristmill.door import REPOSITORY, Server, run

PENGUINS = REPOSITORY / "examples" / "penguins.csv"
MEAN = {
    "text": "How long are the bills of Gentoo penguins?",
    "measures": [{"op": "mean", "of": "bill_length_mm", "name": "mean bill length"}],
    "where": [{"left": "species", "op": "=", "right": "Gentoo"}],
}
COUNT = {"measures": [{"op": "count"}], "group_by": [{"of": "island"}]}
UNKNOWN = {"measures": [{"op": "mean", "of": "wing_span"}]}


def table() -> pd.DataFrame:
    return pd.read_csv(PENGUINS)


def truth() -> float:
    df = table()
    return float(df.loc[df["species"] == "Gentoo", "bill_length_mm"].mean())


def written(folder: Path, query: Any) -> Path:
    file = folder / "query.json"
    file.write_text(json.dumps(query))
    return file


def test_a_question_is_answered_as_data_by_a_running_server(server: Server, tmp_path: Path) -> None:
    done = server.cli("ask", "Bills?", PENGUINS, "--query", written(tmp_path, MEAN), "--json", "--out", tmp_path / "o")
    assert (done.status, done.complaints) == (0, "")
    told = json.loads(done.out)
    assert list(told) == ["run", "status", "text", "answers"]
    assert told["status"] == "answered"
    (answer,) = told["answers"]
    assert list(answer) == ["part", "status", "text", "values", "evidence", "why", "offers"]
    assert (answer["part"], answer["status"], answer["why"]) == (MEAN["text"], "answered", "")
    (value,) = answer["values"]
    assert list(value) == ["name", "value", "unit", "recomputed"]
    assert value["recomputed"] == "equal"
    assert value["value"] == pytest.approx(truth(), rel=1e-9)
    assert answer["text"] in told["text"]
    made = json.loads((tmp_path / "o" / "analysis.ipynb").read_text())
    cell = next(c for c in made["cells"] if c["id"] == answer["evidence"][0]["cell"])
    assert "answer_values(" in "".join(cell["source"])

    view = server.json("runs", "show", told["run"])
    assert (view["run"]["agent"], view["run"]["status"], view["findings"]) == ("ask", "done", [])
    assert len(view["sandboxes"]) == 1
    assert view["answers"][0]["query"]["where"][0]["right"] == "Gentoo", "the record says how it was read"
    shown = server.cli("runs", "show", told["run"]).out
    assert "Answered: " in shown
    assert answer["text"][:30] in shown.replace("\n", " ")


def test_what_cannot_be_answered_is_said_before_a_cell_computes_it(server: Server, tmp_path: Path) -> None:
    query = written(tmp_path, UNKNOWN)
    done = server.cli("ask", "How wide are the wings?", PENGUINS, "--query", query, "--json")
    assert done.status == 3
    told = json.loads(done.out)
    assert (told["status"], told["answers"][0]["status"]) == ("not_answered", "not_answered")
    assert "wing_span" in told["answers"][0]["why"]
    assert told["answers"][0]["values"] == []
    view = server.json("runs", "show", told["run"])
    assert [x["title"] for x in view["executions"]] == ["Toolkit", "Read the files", "What each column holds"]
    plain = server.cli("ask", "How wide are the wings?", PENGUINS, "--query", query)
    assert plain.status == 3
    assert plain.out.lstrip().startswith("Not answered: ")


def test_many_questions_share_one_sandbox_and_each_has_its_line(server: Server, tmp_path: Path) -> None:
    asked = [
        {"id": 7, "question": "Bills?", "query": MEAN},
        {"id": "no", "question": "Wings?", "query": UNKNOWN},
        {"id": "per island", "question": "How many?", "query": [COUNT, MEAN]},
    ]
    lines = tmp_path / "q.jsonl"
    lines.write_text("".join(json.dumps(line) + "\n" for line in asked))
    done = server.cli("ask", "--questions", lines, PENGUINS, "--json")
    assert (done.status, done.complaints) == (0, "")
    told = [json.loads(line) for line in done.out.splitlines()]
    assert [(t["id"], t["status"]) for t in told] == [
        (7, "answered"),
        ("no", "not_answered"),
        ("per island", "answered"),
    ]
    assert len({t["run"] for t in told}) == 1
    assert told[0]["answers"][0]["values"][0]["value"] == pytest.approx(truth(), rel=1e-9)
    assert len(told[2]["answers"]) == 2
    values = {v["value"] for v in told[2]["answers"][0]["values"]}
    assert set(table()["island"].value_counts()) <= values
    view = server.json("runs", "show", told[0]["run"])
    assert len(view["sandboxes"]) == 1
    assert [s["title"] for s in view["steps"]] == ["Read the files", "Bills?", "Wings?", "How many?"]
    with server.client() as client:
        one = client.get(f"/api/runs/{told[0]['run']}/answers", params={"question": "7"}).json()
    assert one == {k: v for k, v in told[0].items() if k != "id"}


def test_a_question_is_asked_over_rest_and_its_answer_comes_as_an_event(server: Server) -> None:
    with server.client() as client:
        form = {"question": "How long are their bills?", "query": json.dumps(MEAN)}
        begun = client.post("/api/ask", data=form, files={"files": ("p.csv", PENGUINS.read_bytes())})
        assert (begun.status_code, begun.json()["agent"]) == (201, "ask")
        ref = begun.json()["id"]
        stream = client.get(f"/api/runs/{ref}/events", headers={"Accept": "text/event-stream"}).text
        kinds = [line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")]
        assert kinds.index("answer") < kinds.index("report") < kinds.index("run_ended")
        told = client.get(f"/api/runs/{ref}/answers").json()
        assert told["status"] == "answered"
        assert told["answers"][0]["values"][0]["value"] == pytest.approx(truth(), rel=1e-9)
        for wrong in ({"question": " "}, {"question": "x", "query": "{"}, {"questions": '{"id": 1}'}):
            refused = client.post("/api/ask", data=wrong, files={"files": ("p.csv", PENGUINS.read_bytes())})
            assert refused.status_code == 422, refused.text


def test_a_question_is_answered_without_a_server(ready: Path, tmp_path: Path) -> None:
    done = run(ready, "ask", PENGUINS, "--query", written(tmp_path, MEAN))
    assert (done.status, done.complaints) == (0, "")
    assert done.out.startswith("  Answered: ")
    assert "45.5" not in done.out or "Gentoo" in done.out


async def test_a_question_is_answered_in_python(
    ready: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(ready))
    answered = await gristmill.ask_async(table(), query=MEAN, out=tmp_path / "made")
    assert answered.status == "answered"
    assert answered.value == pytest.approx(truth(), rel=1e-9)
    assert str(answered) == answered.answer == answered.answers[0].text
    assert (tmp_path / "made" / "analysis.ipynb").exists()
    refused = gristmill.ask(table(), "How wide are the wings?", query=UNKNOWN)
    assert refused.status == "not_answered"
    assert "wing_span" in refused.answer
    with pytest.raises(ValueError, match="0 values"):
        _ = refused.value
    with pytest.raises(Failed, match="There is no column 'wings'"):
        gristmill.ask(table(), "How wide?", query=MEAN, roles={"target": "wings"})
    assert not (ready / "results").exists(), "nothing is written that nobody asked for"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "There is no question in"),
        ('{"id": 1}', "There is no question in line 1 of"),
        ('{"question": "a"}\n{"question": "b", "id": 1}', "The id in line 2 of"),
        ('{"question": "a", "constraints": "b"}', "There is a field 'constraints' in line 1 of"),
        ('\n{"question"', "This is not JSON: line 2 of"),
        ('{"question": "a", "query": {"measures": [{"op": "mode of"}]}}', "This is no query: line 1 of"),
    ],
    ids=["empty", "no question", "same id", "another field", "no JSON", "no query"],
)
def test_questions_that_are_none_are_refused_by_line(server: Server, tmp_path: Path, lines: str, said: str) -> None:
    (tmp_path / "q.jsonl").write_text(lines)
    done = server.cli("ask", "--questions", tmp_path / "q.jsonl", PENGUINS)
    assert done.status == 2
    assert said in done.err


def test_a_misuse_is_a_sentence(server: Server, tmp_path: Path) -> None:
    for arguments in (["  ", PENGUINS], ["What is the mean?"], ["What?", PENGUINS, "--role", "target"]):
        done = server.cli("ask", *arguments)
        assert done.status == 2, done.out
        assert done.err.startswith("Usage")
    missing = server.cli("ask", "What?", PENGUINS, "--query", tmp_path / "none.json")
    assert missing.status == 2
    assert "none.json cannot be read" in missing.err
