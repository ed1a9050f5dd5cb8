"""A question answered by a model: it says what is to be computed as queries, and computes nothing itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from graphs import answering, tools
from graphs.answering import Part
from graphs.ask import FORCE, TRIES, ask, replied_in, told
from graphs.briefs import ask_brief
from graphs.calls import carried_out
from graphs.calls import used as came_of
from graphs.models import Reply
from graphs.models.base import Asking, Message
from graphs.request import Question
from graphs.state import Desk
from graphs.tools.table import AskTable, CannotAnswer

MOST_CALLS = 20
"""Calls that a model may make to answer one question."""


async def by_model(
    desk: Desk,
    question: Question,
    tables: Sequence[dict[str, Any]],
    roles: Mapping[str, str],
    key: str,
    step_id: str,
) -> None:
    """Have a model answer by queries, which are carried out as everybody's are, or say that it cannot."""
    agent = desk.agents.for_job("ask")
    talk = [
        Message(role="system", content=agent.prompt),
        Message(role="user", content=ask_brief(question.text, tables, roles)),
    ]
    used, silent, fault = 0, 0, ""
    heard: set[str] = set()
    given, told_before = await _given_before(desk, step_id)
    while used < MOST_CALLS and silent < TRIES:
        said = [m for m in await desk.heard() if m.id not in heard]
        heard |= {m.id for m in said}
        talk += told(said)
        reply = given.pop(0) if given else await ask(desk, agent, talk, step_id, Asking(force=FORCE[silent]))
        talk.append(reply.message)
        if not reply.tool_calls:
            if used:
                break
            silent += 1
            talk.append(Message(role="user", content="Answer by calling ask_table or cannot_answer."))
        for call in reply.tool_calls:
            asked = tools.read(call, desk.tools_of(agent))
            name = f"{key}-{used}"
            used += 1
            if isinstance(asked, tools.Action):
                result = await carried_out(desk, agent, call, asked, name, partial(_do, desk, question, name, step_id))
            else:
                fault = str(asked)
                result = tools.refusal("BadCall", fault)
            if used > told_before:
                await desk.emit(came_of(desk, agent.name, step_id, call, result))
            talk.append(Message(role="tool", content=json.dumps(result, ensure_ascii=False), tool_call_id=call.id))
    answers = (await desk.view()).answers
    if not any(a.question == str(question.id) for a in answers):
        why = f"{desk.model.name} gave no query that answers it{f': {fault}' if fault else ', and did not say why.'}"
        await answering.refuse(desk, Part(question.text, None, (), str(question.id)), why, step_id)


async def _do(desk: Desk, question: Question, key: str, step_id: str, asked: tools.Action) -> dict[str, Any]:
    """Carry out a call, whose answer is one to this question."""
    match asked:
        case AskTable():
            return await asked.answered(desk, asked.asked(str(question.id)), key, step_id)
        case CannotAnswer():
            return await asked.refused(desk, Part(asked.part, None, (), str(question.id)), step_id)
        case _:
            return await asked.use(desk, key, step_id)


async def _given_before(desk: Desk, step_id: str) -> tuple[list[Reply], int]:
    """What the model replied before the work on this question was broken off: it is not asked for that again. And of
    how many calls the record tells what came of them.

    The cells of these replies have the same keys as before, so that they do not run a second time either.
    """
    steps = (await desk.view()).steps
    name = next(s.name for s in steps if s.id == step_id)
    return await replied_in(desk, {s.id for s in steps if s.name == name})
