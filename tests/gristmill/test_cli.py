"""The command line against a running server: what it lists, shows, writes and answers to misuse."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from gristmill.cli import main
from tests.gristmill.door import QUESTION, Server, apart, run


@pytest.fixture
def here(server: Server, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command in this process, on the server's data folder: for what is refused, a process each is much."""
    monkeypatch.setenv("GRISTMILL_HOME", str(server.home))
    return CliRunner()


def test_a_run_is_listed_shown_and_followed(server: Server, finished: str) -> None:
    listed = server.json("runs", "list")
    assert finished in [r["id"] for r in listed]
    told = server.cli("runs", "list", "--status", "done")
    assert finished in told.out
    assert QUESTION in told.out
    assert server.json("runs", "list", "--find", "no such question") == []

    shown = server.json("runs", "show", finished)
    assert shown["run"]["id"] == finished
    assert shown["executions"][0]["status"] == "ok"
    ranks = [f["rank"] for f in shown["findings"] if f["rank"] is not None]
    assert ranks == sorted(ranks)
    page = server.cli("runs", "show", finished[:-1]).out
    for words in (QUESTION, "Rule-based", "Plan", "cell-01", "Answer", "Findings", "Reviewer", "Done after"):
        assert words in page
    assert "\x1b" not in page
    assert shown["notes"]
    assert all(note["text"] in " ".join(page.split()) for note in shown["notes"]), "what was told as it ran is kept"

    followed = server.cli("runs", "follow", finished)
    assert followed.status == 0
    assert "fig_01.png" in followed.out
    lines = server.cli("runs", "follow", finished, "--json").out.splitlines()
    assert json.loads(lines[0])["kind"] == "run_started"
    assert json.loads(lines[-1])["kind"] == "run_ended"


def test_artifacts_are_listed_got_and_exported(server: Server, finished: str, flowers: Path, tmp_path: Path) -> None:
    found = server.json("artifacts", "list", "--run", finished)
    source = next(a for a in found if a["role"] == "input")
    assert "flowers.csv" in server.cli("artifacts", "list", "--run", finished, "--role", "input").out

    got = server.cli("artifacts", "get", source["id"], cwd=tmp_path)
    assert (tmp_path / got.out.strip()).read_bytes() == flowers.read_bytes()
    again = server.cli("artifacts", "get", source["id"], cwd=tmp_path)
    assert again.status == 2
    assert "already there" in again.err
    assert server.cli("artifacts", "get", source["id"], "-o", "-").out == flowers.read_text()
    assert server.json("artifacts", "get", source["id"])["sha256"] == source["sha256"]

    assert server.cli("artifacts", "export", finished, "-o", tmp_path / "run.zip").status == 0
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert {"analysis.ipynb", "findings.json", "report.html"} <= set(archive.namelist())
    assert server.cli("artifacts", "export", source["id"], "-o", tmp_path / "one.csv").status == 0
    assert (tmp_path / "one.csv").read_bytes() == flowers.read_bytes()


def test_schedules_are_added_listed_run_and_removed(server: Server, flowers: Path) -> None:
    added = server.json(
        "schedule", "add", "0 7 * * mon-fri", flowers, "--ask", "What separates them?", "--timezone", "Europe/Berlin"
    )
    ref = added["schedule"]["id"]
    assert added["schedule"]["files"] == [str(flowers.resolve())]
    assert "T07:00" in added["next_due"]
    listed = server.cli("schedule", "list").out
    assert ref in listed
    assert "Europe/Berlin" in listed
    with server.client() as client:
        fired = client.post(f"/api/schedules/{ref}/run").json()
        assert fired["goal"] == "What separates them?"
        assert fired["status"] in ("running", "queued"), "it depends on what else is under way"
        assert client.post(f"/api/runs/{fired['id']}/cancel").json()["status"] == "cancelled"
    assert server.cli("schedule", "remove", ref).status == 0
    assert ref not in [s["schedule"]["id"] for s in server.json("schedule", "list")]


def test_a_run_is_cancelled_and_that_is_no_success(server: Server) -> None:
    nap = '{"cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": "import time; time.sleep(600)", '
    nap += '"outputs": [], "execution_count": null}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    with server.client() as client:
        begun = client.post("/api/notebooks/run", files={"notebook": ("nap.ipynb", nap.encode())}).json()["id"]
    assert server.json("runs", "cancel", begun)["status"] == "cancelled"
    assert server.cli("runs", "follow", begun).status == 1


def test_a_schedule_of_a_notebook_is_run_now_and_watched(server: Server, flowers: Path, tmp_path: Path) -> None:
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": "a",
                "metadata": {"tags": ["parameters"]},
                "source": "data: str = ''  # file",
                "outputs": [],
                "execution_count": None,
            },
            {
                "cell_type": "code",
                "id": "b",
                "metadata": {},
                "source": "print(len(open(data).readlines()), 'lines')",
                "outputs": [],
                "execution_count": None,
            },
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (tmp_path / "count.ipynb").write_text(json.dumps(notebook))
    added = server.json(
        "schedule", "add", "30 6 1 * *", "--notebook", tmp_path / "count.ipynb", "-p", f"data={flowers}"
    )
    done = server.cli("schedule", "run", added["schedule"]["id"])
    assert done.status == 0, done.out + done.err
    assert "41 lines" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["61 7 * * *", "FILE", "--ask", "x"], "61 7 * * *"),
        (["0 0 30 2 *", "FILE", "--ask", "x"], "never comes"),
        (["0 7 * * *", "FILE", "--ask", "x", "--timezone", "Mars/Olympus"], "Mars/Olympus"),
        (["0 7 * * *", "FILE"], "--ask"),
        (["0 7 * * *", "--ask", "x"], "FILES"),
        (["0 7 * * *", "nosuch.csv", "--ask", "x"], "nosuch.csv"),
        (["0 7 * * *", "--notebook", "profile", "-p", "novalue"], "NAME=VALUE"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_misuse(
    here: CliRunner, flowers: Path, arguments: list[str], words: str
) -> None:
    done = here.invoke(main, ["schedule", "add", *[str(flowers) if a == "FILE" else a for a in arguments]])
    assert done.exit_code == 2
    assert words in done.stderr
    assert isinstance(done.exception, SystemExit), "a sentence, not a fault"


def test_templates_are_listed_and_run_with_parameters(server: Server, flowers: Path, tmp_path: Path) -> None:
    names = [t["name"] for t in server.json("notebook", "list")]
    assert "profile" in names
    assert "-p data=" in server.cli("notebook", "list").out
    done = server.cli("notebook", "run", "profile", "-p", f"data={flowers}", "-o", tmp_path / "out.ipynb")
    assert done.status == 0, done.out + done.err
    notebook = json.loads((tmp_path / "out.ipynb").read_text())
    assert any(c["cell_type"] == "code" and c["outputs"] for c in notebook["cells"])


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["analyze", "nosuch.csv", "--ask", "x"], 2, "nosuch.csv"),
        (["analyze", ".", "--ask", "x"], 2, "."),
        (["analyze", "FILE", "--ask", "  "], 2, "question"),
        (["analyze", "FILE"], 2, "--ask"),
        (["analyze", "--ask", "x"], 2, "FILES"),
        (["analyze", "FILE", "--ask", "x", "--role", "colour=a"], 2, "colour"),
        (["analyze", "FILE", "--ask", "x", "--role", "target"], 2, "ROLE=COLUMN"),
        (["analyze", "FILE", "--ask", "x", "--role", "allocation=half"], 2, "planned shares"),
        (["analyze", "nosuch.csv", "--ask", "x", "--role", "allocation=0.5,0.5"], 2, "nosuch.csv"),
        (["analyze", "FILE", "--ask", "x", "--model", "nosuch:thing"], 2, "nosuch:thing"),
        (["analyze", "FILE", "--ask", "x", "--out", "FILE"], 2, "--out"),
        (["runs", "show", "nosuch"], 1, "nosuch"),
        (["runs", "cancel", "nosuch"], 1, "nosuch"),
        (["artifacts", "get", "nosuch"], 1, "nosuch"),
        (["notebook", "run", "nosuch"], 2, "nosuch"),
        (["notebook", "run", "profile", "-p", "a-b=1"], 2, "a-b"),
        (["rnus"], 2, "runs"),
        (["runs", "lsit"], 2, "lsit"),
    ],
)
def test_misuse_and_failure_get_a_sentence_and_their_status(
    here: CliRunner, flowers: Path, arguments: list[str], status: int, words: str
) -> None:
    done = here.invoke(main, [str(flowers) if a == "FILE" else a for a in arguments])
    assert done.exit_code == status, done.stderr
    assert words in done.stderr
    assert isinstance(done.exception, SystemExit), "a sentence, not a fault"


def test_the_help_and_the_version_need_no_data_folder(home: Path) -> None:
    assert apart(home, "--version").out.startswith("gristmill 0.")
    assert "analyze" in run(home, "--help").out
    assert not home.exists()


def test_the_graph_is_drawn_as_mermaid(home: Path) -> None:
    drawing = run(home, "graph").out
    assert "graph TD" in drawing
    assert "review" in drawing
    assert not home.exists()
