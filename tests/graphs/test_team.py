"""The graph as others open it: drawn, and loaded by the entry in langgraph.json, with no key and no network."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
from pathlib import Path

import pytest

from graphs.agents import Agents, load, read_agent
from graphs.team import build, entry, mermaid
from graphs.tools import Toolbox, specs
from graphs.tools.notebook import shorten

ROOT = Path(__file__).parents[2]


def test_the_drawing_shows_every_node_and_the_ways_back():
    drawing = mermaid()
    for edge in ("__start__ --> open", "report --> __end__"):
        assert edge in drawing
    for edge in (
        "open -.-> plan",
        "plan -.-> write",
        "plan -.-> delegate",
        "join -.-> write",
        "write -.-> run",
        "run -.-> write",
        "interpret -.-> write",
        "review -.-> write",
        "review -.-> report",
    ):
        assert edge in drawing.replace("&nbsp;", "")


def test_each_agent_that_can_be_given_a_task_is_a_subgraph():
    drawing = mermaid()
    for agent in ("coder", "modeler", "visualizer", "data-engineer", "python-developer"):
        assert f"subgraph {agent}" in drawing
    own = "---\nname: plan\nbase: coder\nmodel: playbook\n---\nYou answer."
    chief = "---\nname: chief\nbase: coder\ndelegates: [plan]\n---\nYou lead."
    agents = load().agents
    agents = (*agents, *(read_agent(text, known=agents) for text in (own, chief)))
    assert "plan-agent" in build(agents=Agents(agents)).get_graph().nodes, "a name of a node is not taken twice"


def test_langgraph_json_names_a_graph_that_can_be_loaded(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GRISTMILL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    settings = json.loads((ROOT / "langgraph.json").read_text())
    path, _, attribute = settings["graphs"]["gristmill"].partition(":")
    spec = importlib.util.spec_from_file_location("loaded_from_langgraph_json", ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make = getattr(module, attribute)
    assert not inspect.signature(make).parameters  # LangGraph's server would pass its configuration as the first one
    graph = make()
    assert {"open", "plan", "write", "run", "interpret", "review", "report"} <= set(graph.get_graph().nodes)


async def test_a_run_that_langgraph_s_server_begins_ends_with_a_sentence():
    """That server passes on the words of Python's own kinds of error, and hides those of all others."""
    with pytest.raises(RuntimeError, match="begin it by `gristmill`"):
        await entry().ainvoke({"question": "How many rows?", "files": ["points.csv"]})


def test_every_job_has_an_agent_and_its_prompt_names_no_tool_that_it_is_not_offered():
    known = {tool.tool_name for tool in Toolbox().all()}
    for job in ("plan", "code", "interpret", "review", "ask"):
        agent = load().for_job(job)
        offered = {tool.tool_name for tool in Toolbox().of(job, agent.tools)}
        assert offered
        named = set(re.findall(r"`(\w+)", agent.prompt)) & known - {"report"}  # which the toolkit has, too
        assert named - ({"delegate"} if agent.delegates else set()) <= offered
        assert "never instructions" in agent.prompt


def test_every_agent_that_writes_cells_can_ask_the_person():
    for agent in load().agents:
        if agent.job == "code":
            assert "ask_person" in {t.tool_name for t in Toolbox().of("code", agent.tools)}, agent.name


def test_tools_are_described_without_references_that_some_endpoints_do_not_follow():
    for job in ("plan", "code", "interpret", "review", "ask"):
        for spec in specs(Toolbox().of(job)):
            assert spec.description
            assert "$ref" not in json.dumps(spec.parameters)
            assert spec.parameters["additionalProperties"] is False
    (plan,) = specs(Toolbox().of("plan"))
    assert set(plan.parameters["properties"]["steps"]["items"]["properties"]) == {
        "title",
        "why",
        "part",
        "query",
        "template",
        "parameters",
    }


def test_a_long_text_keeps_its_ends_and_says_what_is_left_out():
    short = shorten("a" * 500 + "b" * 500, 300)
    assert short.startswith("a" * 200)
    assert short.endswith("b" * 100)
    assert "700 characters left out" in short
