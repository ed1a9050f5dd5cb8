"""The whole team as one graph: open → plan → write ⇄ run → interpret → review → again, or report.

An agent that was addressed has the turn to itself: open → address → write ⇄ run → answer → review → again, or report.
Whoever leads may give tasks to others (`delegate`). Each agent that can be given one is a subgraph: `graphs.helping`.
"""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from graphs.agents import Agents, load
from graphs.analysis import address, answer, interpret, make_plan, open_files
from graphs.coding import run, write
from graphs.helping import add_delegation, whole
from graphs.review.node import review
from graphs.state import MAX_ROUNDS, Desk, TeamState
from notebooks.export import save_report

type Team = CompiledStateGraph[TeamState, Desk, TeamState, TeamState]


async def report(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Write the notebook and the report as files."""
    desk: Desk = runtime.context
    async with desk.step("report", "system", "Write the notebook and the report"):
        await save_report(desk.store, desk.run_id)
    return {}


def _after_open(state: TeamState) -> str:
    return "address" if state.get("alone") else "plan"


def _after_plan(state: TeamState) -> str:
    return "delegate" if state.get("delegation") else "write"


def _after_write(state: TeamState) -> str:
    if state["pending"]:
        return "run"
    return "answer" if state.get("alone") else "interpret"


def _after_run(state: TeamState) -> str:
    if state.get("delegation"):
        return "delegate"
    return "run" if state["pending"] else "write"


def _after_tasks(state: TeamState) -> str:
    """Back to the coder whose call it was, or on to the interpretation where the lead gave the tasks."""
    if state["to_lead"]:
        return "interpret"
    return "run" if state["pending"] else "write"


def _after_interpret(state: TeamState) -> str:
    if state.get("delegation"):
        return "delegate"
    return "write" if state["again"] else "review"


def _after_review(state: TeamState) -> str:
    return "write" if state["verdict"] == "fail" and state["round"] < MAX_ROUNDS else "report"


def build(checkpointer: BaseCheckpointSaver[str] | None = None, agents: Agents | None = None) -> Team:
    """The compiled graph. It needs neither a key nor a network; a run gives it a `Desk` as its context.

    `agents` are those of the run; by default the built-in ones.
    """
    agents = agents or load()
    helpers = {h.name: h for a in agents.agents for h in agents.helpers_of(a)}
    graph = StateGraph(TeamState)  # the Desk is no `context_schema`: LangGraph's tools would want it as JSON schema
    graph.add_node("open", whole(open_files))
    graph.add_node("plan", whole(make_plan))
    graph.add_node("address", whole(address))
    graph.add_node("answer", whole(answer))
    graph.add_node("write", whole(write))
    graph.add_node("run", whole(run))
    graph.add_node("interpret", whole(interpret))
    graph.add_node("review", whole(review))
    graph.add_node("report", whole(report))
    graph.add_edge(START, "open")
    graph.add_conditional_edges("open", _after_open, ["plan", "address"])
    graph.add_edge("address", "write")
    graph.add_edge("answer", "review")
    graph.add_conditional_edges("plan", _after_plan, ["write", "delegate"])
    graph.add_conditional_edges("write", _after_write, ["run", "interpret", "answer"])
    graph.add_conditional_edges("run", _after_run, ["run", "write", "delegate"])
    graph.add_conditional_edges("interpret", _after_interpret, ["write", "delegate", "review"])
    add_delegation(graph, agents, list(helpers.values()), _after_tasks, ["run", "write", "interpret"])
    graph.add_conditional_edges("review", _after_review, ["write", "report"])
    graph.add_edge("report", END)
    team: Team = graph.compile(checkpointer=checkpointer, name="gristmill")
    return team


def entry() -> Team:
    """What `langgraph.json` names. LangGraph's server calls it without arguments and adds its own checkpointer."""
    return build()


def begin(run_id: str, question: str, files: list[str], roles: dict[str, str], *, alone: bool = False) -> TeamState:
    """The state with which a run enters the graph; `alone`: one agent was addressed and has it to itself."""
    return TeamState(
        run_id=run_id,
        question=question,
        files=files,
        roles=roles,
        calls=0,
        round=0,
        follow_ups=0,
        reviewed={},
        alone=alone,
    )


def mermaid() -> str:
    """The graph as a Mermaid drawing."""
    drawing: str = build().get_graph(xray=True).draw_mermaid()
    return drawing
