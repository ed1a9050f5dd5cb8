"""Carrying out a model's call as a person approves of it, and the event that tells what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from artifacts.events import ToolUsed
from artifacts.types import ToolCall
from graphs import tools
from graphs.agents import Agent
from graphs.state import Desk
from graphs.waiting import approved


async def carried_out(
    desk: Desk,
    agent: Agent,
    call: ToolCall,
    asked: tools.Action,
    key: str,
    do: Callable[[tools.Action], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """What `do` gives for a call, as the model is told it; why it was not carried out where a person was against it.

    `do` gets the call as the person has left it. `key` names the call for ever.
    """
    decided = await approved(desk, key, call, asked)
    if decided is not None and decided.decision == "rejected":
        return tools.refusal("NotApproved", f"The person did not approve of this call. {decided.reason}".strip())
    note = {}
    if decided is not None and decided.edited is not None:
        edited = tools.read(call.model_copy(update={"arguments": decided.edited}), desk.tools_of(agent))
        if not isinstance(edited, tools.Action):
            return tools.refusal("BadCall", f"The person put other arguments in place of yours. {edited}")
        asked = edited
        note = {"note": f"The person changed the arguments before it was run: {decided.edited}"}
    return {**await do(asked), **note}


def used(desk: Desk, agent: str, step_id: str, call: ToolCall, result: Mapping[str, Any]) -> ToolUsed:
    """What came of a call, for the record, which holds the outputs of cells already."""
    error = result.get("error")
    return ToolUsed(
        run_id=desk.run_id,
        step_id=step_id,
        call_id=call.id,
        name=call.name,
        ok=bool(result.get("ok")),
        text="" if result.get("cells") else str(result.get("text", "")),
        error=f"{error['name']}: {error['value']}" if error else None,
        cells=tuple(result.get("cells", ())),
        agent=agent,
    )
