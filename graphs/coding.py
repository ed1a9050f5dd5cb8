"""The coding agent's nodes: the model decides the next calls, and each call is carried out in a step of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from artifacts.types import ToolCall
from graphs import tools
from graphs.agents import Agent
from graphs.ask import ask, compact, told
from graphs.calls import carried_out, used
from graphs.models.base import Asking, Message
from graphs.state import Desk, TeamState
from graphs.tools.notebook import pictures
from graphs.waiting import within_budget

SAME_FAILURES = 2
"""How often a call may fail in the same words before it is not run again."""
REPEATED = "RepeatedCall"


async def write(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Ask the coder for the next calls. A reply without one ends its work."""
    desk: Desk = await runtime.context.at(state)
    agent = desk.agents.for_job("code")
    if state["calls"] >= desk.most_calls:
        await desk.note(f"The limit of {desk.most_calls} tool calls is reached; the report is made of what there is.")
        return {"pending": []}
    if _goes_round(state["messages"]):
        await desk.note("The coder repeats calls that failed; the report is made of what there is.")
        return {"pending": []}
    async with desk.step("write", agent.name, "Decide the next cell") as step_id:
        said = await desk.heard()
        new = [m for m in said if m.id not in state.get("heard", ())]
        messages = [*map(Message.model_validate, state["messages"]), *told(new)]
        sent = list if desk.model.rule_based else compact  # rules count the results, and reading costs them nothing
        reply = await ask(desk, agent, sent(messages), step_id)
        if (
            not reply.tool_calls
            and not any(m.role == "tool" for m in messages)
            and _meant_a_call(reply.content, desk, agent)
        ):
            messages += [reply.message, Message(role="user", content=_NOT_RUN)]
            reply = await ask(desk, agent, sent(messages), step_id, Asking(force="call"))
    return {
        "messages": [m.model_dump() for m in (*messages, reply.message)],
        "heard": [m.id for m in said],
        "pending": [c.model_dump() for c in reply.tool_calls],
    }


_NOT_RUN = "That was text, and nothing was run. Call the tool, or say in a sentence that there is nothing to do."


def _meant_a_call(text: str, desk: Desk, agent: Agent) -> bool:
    """Whether a reply without a call writes one out: it holds code, or names a tool."""
    return "```" in text or any(t.tool_name in text for t in desk.tools_of(agent))


async def run(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Carry out the first call that waits. What goes wrong in it is a result for the coder to read.

    One call a step: after each the graph is checkpointed, so a run that is taken up again goes on with the next.
    """
    desk: Desk = await runtime.context.at(state)
    agent = desk.agents.for_job("code")
    first, *rest = state["pending"]
    call, number = ToolCall.model_validate(first), state["calls"]
    asked = tools.read(call, desk.tools_of(agent))
    title = (isinstance(asked, tools.Action) and asked.title) or call.name
    async with desk.step("run", agent.name, title[:200]) as step_id:
        result = await _carry_out(desk, state, call, asked, step_id)
        if given := result.get("given"):  # it has its result when the tasks are done
            delegation = {"tasks": given, "call": call.model_dump(), "by": agent.name, "step": step_id}
            return {"pending": rest, "calls": number + 1, "delegation": delegation}
        await desk.emit(used(desk, agent.name, step_id, call, result))
    shown = (*result.pop("images", ()), *pictures(await desk.view(), result.get("cells", ())))
    told = Message(
        role="tool", content=json.dumps(result, ensure_ascii=False), tool_call_id=call.id, images=tuple(shown)
    )
    return {"messages": [*state["messages"], told.model_dump()], "pending": rest, "calls": number + 1}


async def _carry_out(
    desk: Desk, state: TeamState, call: ToolCall, asked: tools.Tool | str, step_id: str
) -> dict[str, Any]:
    """The result of a call: what came of it, or why it was not carried out."""
    key = f"{desk.key}code-{state['round']}-{state['calls']}"
    if state["calls"] >= desk.most_calls:
        return tools.refusal("LimitReached", f"The limit of {desk.most_calls} tool calls is reached. End your work.")
    if not isinstance(asked, tools.Action):
        return tools.refusal("BadCall", str(asked))
    if _failed_before(call, state["messages"]) >= SAME_FAILURES:
        return tools.refusal(
            REPEATED,
            f"This very call has failed {SAME_FAILURES} times, so it was not run again. Read what went wrong then, "
            "and do something else, or end your work.",
        )
    agent = desk.agents.for_job("code")

    async def do(one: tools.Action) -> dict[str, Any]:
        await within_budget(desk, agent)
        return await one.use(desk, key, step_id)

    return await carried_out(desk, agent, call, asked, key, do)


def _failed_before(call: ToolCall, messages: Sequence[Mapping[str, Any]]) -> int:
    """How often the same call, with the same arguments, has been answered with a failure."""
    calls = [c for m in messages for c in m["tool_calls"]]
    results = [_result(m) for m in messages if m["role"] == "tool"]  # one for each call, in their order
    same = (
        r for c, r in zip(calls, results, strict=False) if (c["name"], c["arguments"]) == (call.name, call.arguments)
    )
    return sum(not r.get("ok") for r in same)


def _goes_round(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the newest results are nothing but refusals of calls that had failed before."""
    newest = [_result(m) for m in messages if m["role"] == "tool"][-SAME_FAILURES:]
    return len(newest) == SAME_FAILURES and all((r.get("error") or {}).get("name") == REPEATED for r in newest)


def _result(message: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(message["content"])
    return told
