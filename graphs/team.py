"""The whole team as one graph: open → plan → write ⇄ run → interpret → review → again, or report."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from graphs.analysis import interpret, make_plan, open_files
from graphs.coding import run, write
from graphs.errors import RunFailed
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


type Node = Callable[[TeamState, Runtime[Desk]], Coroutine[Any, Any, dict[str, Any]]]


def whole(node: Node) -> Node:
    """The node in a task of its own, which is cancelled once and then seen to its end.

    LangGraph cancels a node several times over; the second one would tear off the node while it still records how its
    cell and its step ended, and that would be recorded after the run's own end, or not at all.
    """

    @wraps(node)
    async def run_whole(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
        if not isinstance(runtime.context, Desk):
            raise RunFailed("The graph can be looked at here, but a run needs a sandbox: start it with `gristmill`.")
        work = asyncio.create_task(node(state, runtime))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            while not work.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([work])
            raise

    return run_whole


def _after_write(state: TeamState) -> str:
    return "run" if state["pending"] else "interpret"


def _after_run(state: TeamState) -> str:
    return "run" if state["pending"] else "write"


def _after_interpret(state: TeamState) -> str:
    return "write" if state["again"] else "review"


def _after_review(state: TeamState) -> str:
    return "write" if state["verdict"] == "fail" and state["round"] < MAX_ROUNDS else "report"


def build(checkpointer: BaseCheckpointSaver[str] | None = None) -> Team:
    """The compiled graph. It needs neither a key nor a network; a run gives it a `Desk` as its context."""
    graph = StateGraph(TeamState)  # the Desk is no `context_schema`: LangGraph's tools would want it as JSON schema
    graph.add_node("open", whole(open_files))
    graph.add_node("plan", whole(make_plan))
    graph.add_node("write", whole(write))
    graph.add_node("run", whole(run))
    graph.add_node("interpret", whole(interpret))
    graph.add_node("review", whole(review))
    graph.add_node("report", whole(report))
    graph.add_edge(START, "open")
    graph.add_edge("open", "plan")
    graph.add_edge("plan", "write")
    graph.add_conditional_edges("write", _after_write, ["run", "interpret"])
    graph.add_conditional_edges("run", _after_run, ["run", "write"])
    graph.add_conditional_edges("interpret", _after_interpret, ["write", "review"])
    graph.add_conditional_edges("review", _after_review, ["write", "report"])
    graph.add_edge("report", END)
    team: Team = graph.compile(checkpointer=checkpointer, name="gristmill")
    return team


def entry() -> Team:
    """What `langgraph.json` names. LangGraph's server calls it without arguments and adds its own checkpointer."""
    return build()


def begin(run_id: str, question: str, files: list[str], roles: dict[str, str]) -> TeamState:
    """The state with which a run enters the graph."""
    return TeamState(
        run_id=run_id, question=question, files=files, roles=roles, calls=0, round=0, follow_ups=0, reviewed={}
    )


def mermaid() -> str:
    """The graph as a Mermaid drawing."""
    drawing: str = build().get_graph().draw_mermaid()
    return drawing
