"""How tasks are worked on: a subgraph for each agent that can be given one, and the nodes that send work and join it.

All tasks of a call are sent at once (LangGraph's Send); each begins when what it builds on is done, and at most
`AT_ONCE` work at the same time. What goes wrong in one is a result for who gave it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import wraps
from operator import add
from typing import Annotated, Any, TypedDict

from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send, interrupt

from artifacts.types import ToolCall
from graphs import briefs, coding, tasks
from graphs.agents import Agent, Agents
from graphs.budget import BudgetSpent
from graphs.calls import used
from graphs.direct import answer_question
from graphs.errors import GraphError, OnlyLookedAt
from graphs.models import resolve
from graphs.models.base import Message
from graphs.request import Question
from graphs.state import MAX_DEPTH, Desk, TeamState
from kernel_gateway.client import GatewayError
from notebooks.errors import NotebookError
from notebooks.telling.answers import answers_text

type Node = Callable[[TeamState, Runtime[Desk]], Coroutine[Any, Any, dict[str, Any]]]

_HANDED = ("run_id", "question", "roles", "files", "tables")


class Ended(TypedDict):
    """What a subgraph hands back: the task that it worked on. What came of it is in the record."""

    ended: Annotated[list[str], add]


def whole(node: Node) -> Node:
    """The node in a task of its own, which is cancelled once and then seen to its end.

    LangGraph cancels a node several times over; the second one would tear off the node while it still records how its
    cell and its step ended, and that would be recorded after the run's own end, or not at all.
    """

    @wraps(node)
    async def run_whole(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
        if not isinstance(runtime.context, Desk):
            raise OnlyLookedAt("The graph can be looked at here, but a run needs a sandbox: begin it by `gristmill`.")
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


def _kept(node: Node) -> Node:
    """The node of a task: what goes wrong ends the task with a sentence, and not the run."""

    @wraps(node)
    async def run_kept(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
        try:
            return await node(state, runtime)
        except GraphBubbleUp:
            await tasks.rest(runtime.context, state["task_id"])
            raise
        except BudgetSpent:
            raise
        except (GraphError, GatewayError, NotebookError) as problem:
            return {"failed": str(problem), "pending": []}

    return whole(run_kept)


async def begin(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Wait for the task's turn, open its sandbox, and tell its agent what is to be done."""
    while not await tasks.begun(runtime.context, state["task_id"]):
        interrupt({"task": state["task_id"]})  # the answer that another waits for begins this node again
    mine = next(t for t in (await runtime.context.view()).tasks if t.id == state["task_id"])
    if tasks.over(mine):
        return {"failed": mine.result, "pending": []}
    desk: Desk = await runtime.context.at(state)
    assert desk.task is not None
    agent, task = desk.agents.for_job("code"), desk.task
    others = (await desk.view()).tasks
    earlier = [f"{t.title}: {t.result}" for t in others if t.id in task.after]
    brief = briefs.task_brief(state, desk.templates, task.title, task.brief, earlier)
    talk = [Message(role="system", content=agent.prompt), Message(role="user", content=brief)]
    return {"messages": [m.model_dump() for m in talk], "pending": [], "calls": 0, "round": 0}


async def write(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Ask the task's agent for the next calls."""
    await tasks.change(runtime.context, state["task_id"], status="running")
    return await coding.write(state, runtime)


async def run(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Carry out the next call, and say how far the task is."""
    await tasks.change(runtime.context, state["task_id"], status="running")
    done = await coding.run(state, runtime)
    desk: Desk = await runtime.context.at(state)
    await tasks.change(desk, state["task_id"], progress=round(min(0.95, done["calls"] / desk.most_calls), 3))
    return done


async def answer(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Answer the task as a question, by the rules that read questions: for an agent whose model is the playbook."""
    desk: Desk = await runtime.context.at(state)
    task = desk.task
    assert task is not None
    ruled = replace(desk, model=resolve("playbook", {}))
    async with desk.step("answer", task.agent, task.title) as step_id:
        question = Question(text=task.brief or task.title, id=task.id)
        await answer_question(ruled, question, state["tables"], state["roles"], task.id, step_id)
    said = answers_text([a for a in (await desk.view()).given if a.question == task.id])
    return {"messages": [Message(role="assistant", content=said).model_dump()]}


async def finish(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Record how the task ended, and tell who gave it."""
    desk: Desk = runtime.context
    failed, id = state.get("failed"), state["task_id"]
    task = next(t for t in (await desk.view()).tasks if t.id == id)
    if not tasks.over(task):
        said = failed or tasks.closing(state.get("messages", []))
        task = await tasks.end(desk, id, status="failed" if failed else "done", progress=1.0, result=said)
    await tasks.say(desk, f"msg_{id}_result", task.result, task.agent, task.by, id)
    return {"ended": [id]}


async def delegate(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Find out who works on the tasks that were given."""
    given = state["delegation"]
    assert given is not None
    agents = {t.id: t.agent for t in (await runtime.context.view()).tasks if t.id in given["tasks"]}
    return {"delegation": {**given, "agents": agents}}


async def join(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Make what the tasks made part of the notebook, in the order in which they were given where none builds on
    another, and tell who gave them what came of them."""
    desk: Desk = await runtime.context.at(state)
    given = state["delegation"]
    assert given is not None
    for id in given["tasks"]:
        await tasks.take_in(desk, id)
    told = tasks.result(await desk.view(), given["tasks"])
    if given.get("call") is None:
        return {"delegation": None, "to_lead": True}
    call = ToolCall.model_validate(given["call"])
    await desk.emit(used(desk, given["by"], given["step"], call, told))
    heard = Message(role="tool", content=tasks.as_text(told), tool_call_id=call.id)
    return {"delegation": None, "to_lead": False, "messages": [*state["messages"], heard.model_dump()]}


def add_delegation(
    graph: StateGraph[TeamState, Any, Any, Any],
    agents: Agents,
    helpers: Sequence[Agent],
    back: Callable[[TeamState], str],
    ways: list[str],
    depth: int = 1,
) -> None:
    """Give a graph the node `delegate`, a subgraph for each of these agents, and `join`; `back` says where it goes on
    when the tasks are done, which is one of `ways`."""
    nodes = {agent.name: node_of(agent.name) for agent in helpers}
    node = whole if depth == 1 else _kept

    def send(state: TeamState) -> list[Send]:
        given = state["delegation"]
        assert given is not None
        handed = {name: state[name] for name in _HANDED if name in state}  # type: ignore[literal-required]
        return [Send(nodes[agent], {**handed, "task_id": id}) for id, agent in given["agents"].items()]

    graph.add_node("delegate", node(delegate))
    graph.add_node("join", node(join))
    for agent in helpers:
        graph.add_node(nodes[agent.name], helper(agents, agent, depth))
        graph.add_edge(nodes[agent.name], "join")
    graph.add_conditional_edges("delegate", send, list(nodes.values()))
    graph.add_conditional_edges("join", back, ways)


def node_of(agent: str) -> str:
    """The name of the node that works on an agent's tasks: its own, unless a node of the work is called so."""
    work = ("open", "plan", "write", "run", "interpret", "review", "report", "lead", "check")
    taken = (*work, "delegate", "join", "begin", "finish")
    return f"{agent}-agent" if agent in taken else agent


def helper(agents: Agents, agent: Agent, depth: int) -> Any:
    """The subgraph that works on one task of an agent's."""
    graph = StateGraph(TeamState, output_schema=Ended)
    graph.add_node("begin", _kept(begin))
    graph.add_node("finish", whole(finish))
    graph.add_edge(START, "begin")
    graph.add_edge("finish", END)
    if agent.model == "playbook":
        graph.add_node("answer", _kept(answer))
        graph.add_conditional_edges("begin", _unless_failed("answer"), ["answer", "finish"])
        graph.add_edge("answer", "finish")
        return graph.compile(name=agent.name)
    below = agents.helpers_of(agent) if depth < MAX_DEPTH else ()
    graph.add_node("write", _kept(write))
    graph.add_node("run", _kept(run))

    def after(state: TeamState) -> str:
        if state.get("failed"):
            return "finish"
        if state.get("delegation"):
            return "delegate"
        return "run" if state["pending"] else "write"

    graph.add_conditional_edges("begin", _unless_failed("write"), ["write", "finish"])
    graph.add_conditional_edges(
        "write", lambda state: "run" if state["pending"] and not state.get("failed") else "finish", ["run", "finish"]
    )
    graph.add_conditional_edges("run", after, ["run", "write", "finish", *(["delegate"] if below else [])])
    if below:
        add_delegation(graph, agents, below, after, ["run", "write", "finish"], depth + 1)
    return graph.compile(name=agent.name)


def _unless_failed(node: str) -> Callable[[TeamState], str]:
    return lambda state: "finish" if state.get("failed") else node
