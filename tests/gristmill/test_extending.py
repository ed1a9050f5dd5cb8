"""The commands of agents and tools, and the examples of docs/extending.md as they stand there."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner, Result

from graphs.errors import InputError
from gristmill.cli import main
from tests.gristmill.door import REPOSITORY

PAGE = (REPOSITORY / "docs" / "extending.md").read_text()
AGENT, TOOL = (re.search(rf"```{kind}\n(.*?)```", PAGE, re.S)[1] for kind in ("markdown", "python"))


BUILT_IN = {
    "run_code",
    "run_template",
    "ask_table",
    "edit_cell",
    "run_command",
    "read_file",
    "write_file",
    "edit_file",
    "list_files",
    "search",
    "git",
    "install_packages",
    "start_service",
    "stop_service",
    "list_services",
    "system_info",
    "create_environment",
    "ask_person",
    "delegate",
    "report",
    "read_cells",
    "try_code",
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GRISTMILL_HOME", str(tmp_path))
    return tmp_path


def gristmill(*arguments: str, say: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=say)


def test_the_agent_of_the_page_is_listed_checked_and_shown(home):
    (home / "agents").mkdir()
    (home / "agents" / "economist.md").write_text(AGENT)
    assert len(AGENT.splitlines()) <= 10
    told = {a["name"]: a for a in json.loads(gristmill("agents", "list", "--json").stdout)}
    assert told["economist"]["role"] == "Reads tables as an economist does."
    assert told["economist"]["source"].endswith("economist.md")
    assert len(told) == 9
    assert all(list(a) == ["name", "role", "capabilities", "tools", "model", "source"] for a in told.values())
    assert "give_review" in told["reviewer"]["tools"], "also of an agent whose file names none"
    checked = gristmill("agents", "check")
    assert (checked.exit_code, checked.stdout.split(": ")[-1]) == (0, "ok\n")
    assert "Deflate money" in gristmill("agents", "show", "economist").stdout


def test_the_tool_of_the_page_is_listed_with_its_arguments_and_who_has_it(home):
    (home / "tools").mkdir()
    (home / "tools" / "rates.py").write_text(TOOL)
    assert len(TOOL.splitlines()) <= 12
    told = {t["name"]: t for t in json.loads(gristmill("tools", "list", "--json").stdout)}
    for one in told.values():
        assert list(one) == ["name", "description", "parameters", "agents", "source", "approval"]
        assert one["description"], one["name"]
        assert one["parameters"]["type"] == "object"
        assert one["agents"], one["name"]
        assert one["approval"] in ("allow", "ask", "deny")
    assert BUILT_IN.issubset(name for name, one in told.items() if one["source"] == "built-in")
    assert told["exchange_rate"]["source"].endswith("rates.py")
    assert told["exchange_rate"]["parameters"]["required"] == ["currency", "year"]
    assert "coder" in told["exchange_rate"]["agents"]
    assert "minimal" not in told["exchange_rate"]["agents"]


def test_a_new_agent_is_begun_once_and_a_faulty_one_fails_the_check(home):
    assert gristmill("agents", "new", "My Agent").exit_code == 2
    assert gristmill("agents", "new", "mine").exit_code == 0
    again = gristmill("agents", "new", "mine")
    assert again.exit_code == 1
    assert "left as it is" in again.output
    path = home / "agents" / "mine.md"
    path.write_text(path.read_text().replace("run_template", "run_everything"))
    checked = gristmill("agents", "check")
    assert checked.exit_code == 1
    assert "no tool 'run_everything'" in checked.output
    head = "---\nname: mine\nbase: coder\n{}\n---\nP\n"
    for key, fault in (
        ("model: gpt-9", "model: There is no model 'gpt-9'"),
        ("approval: {send: ask}", "approval: there is no tool 'send'"),
        ("approval: {git: perhaps}", "approval.git"),
        ("temperature: 3", "temperature"),
    ):
        path.write_text(head.format(key))
        assert fault in gristmill("agents", "check").output, key
    path.write_text(head.format("model: openai:gpt-5,ollama:qwen3\ntemperature: 0.2\napproval: {run_*: ask}"))
    assert gristmill("agents", "check").exit_code == 0
    assert "approval: run_*: ask" in gristmill("agents", "show", "mine").stdout
    assert gristmill("agents", "list", "--project", "nobody").exit_code == 2


def test_a_project_is_made_filled_asked_and_deleted_in_the_terminal(ready, monkeypatch, tmp_path):
    monkeypatch.setenv("GRISTMILL_HOME", str(ready))
    table = tmp_path / "sales.csv"
    table.write_text("region,amount\n" + "".join(f"{'ns'[i % 2]},{i}\n" for i in range(40)))
    assert gristmill("project", "create", "till", "--about", "Figures").exit_code == 0
    assert gristmill("project", "put", "till", str(table)).exit_code == 0
    answered = gristmill("analyze", "--project", "till", "--ask", "What is the mean amount?", "--no-rerun",
                         "--json", "--out", str(tmp_path / "out"))  # fmt: skip
    assert answered.exit_code == 0, answered.output
    shown = json.loads(gristmill("project", "show", "till", "--json").stdout)
    assert (shown["runs"], list(shown["files"])) == (1, ["sales.csv"])
    listed = json.loads(gristmill("runs", "list", "--project", "till", "--json").stdout)
    assert [r["params"]["project"] for r in listed] == ["till"]
    assert json.loads(gristmill("runs", "list", "--project", "default", "--json").stdout) == []
    refused = gristmill("project", "delete", "till", say="n\n")
    assert refused.exit_code == 1
    assert "With till goes: 1 file" in refused.output
    assert "1 run of it in the record" in refused.output
    assert gristmill("project", "show", "till").exit_code == 0, "it is still there"
    deleted = gristmill("project", "delete", "till", say="y\n")
    assert deleted.exit_code == 0, deleted.output
    assert "With till goes: 1 file" in deleted.output
    assert gristmill("project", "show", "till").exit_code == 2


def test_a_project_is_filled_and_read_in_python(ready, tmp_path, monkeypatch):
    import gristmill as product

    monkeypatch.setenv("GRISTMILL_HOME", str(ready))

    file = tmp_path / "notes.txt"
    file.write_text("kept")
    desk = product.project("desk", about="Figures", budget="tokens=5")
    desk.put(file, "texts/notes.txt")
    again = product.project("desk", about="Others")
    assert again.files == {"texts/notes.txt": 4}
    assert (again.show().about, again.show().settings) == ("Figures", {"budget": "tokens=5"}), "it stays as it was"
    assert again.read("texts/notes.txt") == b"kept"
    again.remove("texts/notes.txt")
    assert desk.delete().files == {}
    with pytest.raises(InputError, match="no budget"):
        product.project("other", budget="much")
