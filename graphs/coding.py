"""The coding agent's nodes: the model decides the next calls, and each call is carried out in a step of its own."""

from __future__ import annotations

import json
from typing import Any

from langgraph.runtime import Runtime

from artifacts.types import ToolCall
from graphs import tools
from graphs.agents import agent_for
from graphs.ask import ask
from graphs.models.base import Message
from graphs.state import MAX_CALLS, Desk, TeamState


async def write(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Ask the coder for the next calls. A reply without one ends its work."""
    desk: Desk = runtime.context
    agent = agent_for("code")
    if state["calls"] >= MAX_CALLS:
        await desk.note(f"The limit of {MAX_CALLS} tool calls is reached; the report is made of what there is.")
        return {"pending": []}
    async with desk.step("write", agent.name, "Decide the next cell") as step_id:
        messages = [Message.model_validate(m) for m in state["messages"]]
        reply = await ask(desk, agent, messages, step_id)
    return {
        "messages": [*state["messages"], reply.message.model_dump()],
        "pending": [c.model_dump() for c in reply.tool_calls],
    }


async def run(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Carry out the first call that waits. What goes wrong in it is a result for the coder to read.

    One call a step: after each the graph is checkpointed, so a run that is taken up again goes on with the next.
    """
    desk: Desk = runtime.context
    agent = agent_for("code")
    first, *rest = state["pending"]
    call, number = ToolCall.model_validate(first), state["calls"]
    asked = tools.read(call, "code")
    title = (isinstance(asked, tools.Action) and asked.title) or call.name
    async with desk.step("run", agent.name, title[:200]) as step_id:
        if number >= MAX_CALLS:
            result = tools.refusal("LimitReached", f"The limit of {MAX_CALLS} tool calls is reached. End your work.")
        elif isinstance(asked, tools.Action):
            result = await asked.use(desk, f"code-{state['round']}-{number}", step_id)
        else:
            result = tools.refusal("BadCall", str(asked))
    told = Message(role="tool", content=json.dumps(result, ensure_ascii=False), tool_call_id=call.id)
    return {"messages": [*state["messages"], told.model_dump()], "pending": rest, "calls": number + 1}
