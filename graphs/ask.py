"""Asking a model: the record of what it said, a second try after a cut, and insisting on an answer by tool call."""

from __future__ import annotations

import json
from collections.abc import Sequence

from artifacts.events import ModelReplied
from graphs import tools
from graphs.agents import Agent
from graphs.errors import RunFailed
from graphs.models import Reply, gather
from graphs.models.base import ContextOverflow, Message, ModelReplyCut
from graphs.state import Desk

CUT_RETRIES = 2
"""How often a reply that broke off is asked for again, whole."""
TRIES = 3
"""How often a model may fail to answer by a well-formed tool call before the run gives up on it."""

_KEPT_RESULTS = 2  # tool results that stay whole when a conversation must shrink
_SHORT = 600


async def ask(desk: Desk, agent: Agent, messages: Sequence[Message], step_id: str) -> Reply:
    """One whole reply of the model, recorded. Raises ModelError when there is none to be had."""
    cuts, shortened = 0, False
    while True:
        try:
            stream = desk.model.complete(messages, tools.specs(agent.job))
            reply = await gather(stream, lambda text: desk.say(agent.name, text))
            break
        except ModelReplyCut as error:
            cuts += 1
            if cuts > CUT_RETRIES:
                raise ModelReplyCut(f"{error} It did so {cuts} times in a row. Resume the run to try again.") from None
            await desk.note(
                f"{error} The whole reply is asked for again ({cuts} of {CUT_RETRIES}).", step_id, "warning"
            )
        except ContextOverflow as error:
            shorter = shorten(messages)
            if shortened or shorter == list(messages):
                raise ContextOverflow(
                    f"{error} Ask a narrower question, or use a model with a longer context."
                ) from None
            messages, shortened = shorter, True
            await desk.note(f"{error} The results of older cells were shortened for it.", step_id, "warning")
    await desk.emit(
        ModelReplied(
            run_id=desk.run_id,
            step_id=step_id,
            agent=agent.name,
            model=desk.model.name,
            content=reply.content,
            tool_calls=reply.tool_calls,
            rule_based=desk.model.rule_based,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
        )
    )
    return reply


async def insist[T: tools.Tool](
    desk: Desk, agent: Agent, messages: Sequence[Message], step_id: str, *kinds: type[T]
) -> T:
    """The model's answer as one of the tools `kinds`, well formed. What it gets wrong is told to it, `TRIES` times."""
    talk = list(messages)
    names = " or ".join(k.tool_name for k in kinds)
    for _ in range(TRIES):
        reply = await ask(desk, agent, talk, step_id)
        talk.append(reply.message)
        if not reply.tool_calls:
            talk.append(Message(role="user", content=f"Answer by calling {names}."))
            continue
        first, *others = reply.tool_calls
        answer = tools.read(first, agent.job)
        problem = answer if isinstance(answer, str) else answer.problem(desk, await desk.view())
        if problem is None and isinstance(answer, kinds):
            return answer
        talk.append(_result(first.id, problem or f"Call {names}."))
        talk += [_result(o.id, "Not read: one call at a time, please.") for o in others]
    raise RunFailed(
        f"{desk.model.name} gave no usable answer by calling {names} in {TRIES} tries. "
        "Use a model that is good at tool calls, or --model playbook."
    )


def _result(call_id: str, problem: str) -> Message:
    return Message(role="tool", content=json.dumps({"ok": False, "error": problem}), tool_call_id=call_id)


def shorten(messages: Sequence[Message]) -> list[Message]:
    """The same conversation with all but the newest tool results cut short."""
    results = [i for i, m in enumerate(messages) if m.role == "tool"]
    old = set(results[:-_KEPT_RESULTS])
    return [
        m.model_copy(update={"content": m.content[:_SHORT] + " … (shortened)"})
        if i in old and len(m.content) > _SHORT
        else m
        for i, m in enumerate(messages)
    ]
