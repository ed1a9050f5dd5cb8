"""Asking a model: the record of what it said, a second try after a cut, and insisting on an answer by tool call."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import takewhile
from typing import Any, Literal

from pydantic_core import from_json

from artifacts import types as artifacts
from artifacts.events import ModelReplied
from artifacts.store import StoreError
from artifacts.threads import in_own_thread
from artifacts.types import ToolCall
from graphs import tools
from graphs.agents import Agent
from graphs.calls import carried_out, used
from graphs.errors import RunFailed
from graphs.models import Reply, gather, resolve
from graphs.models.base import USUAL, Asking, ContextOverflow, Message, Model, ModelRefused, ModelReplyCut
from graphs.models.prices import price
from graphs.models.wire import is_object
from graphs.state import Desk
from graphs.waiting import within_budget

CUT_RETRIES = 2
"""How often a reply that broke off is asked for again, whole."""
TRIES = 3
"""How often a model may fail to answer by a well-formed tool call before the run gives up on it."""
LOOKS = 6
"""How often a model may look something up before it answers."""
PICTURES = 4
"""Plots that a model is shown at a time, the newest."""
PICTURE = 3_500_000
"""Bytes of one; the strictest endpoint takes 5 MiB of base64."""
FORCE: tuple[Literal["no", "call", "json"], ...] = ("no", "call", "json")
"""How it is asked once it has failed to call a tool at all: as it likes, made to call, made to write a call as JSON."""

_KEPT_RESULTS = 2  # tool results that stay whole when a conversation must shrink
_SHORT = 600
_WHOLE, _STEP, _NAMED = 2, 3, 80  # results that are sent whole at the least; how many are cut at once, to what length


async def ask(desk: Desk, agent: Agent, messages: Sequence[Message], step_id: str, asking: Asking = USUAL) -> Reply:
    """One whole reply of the model, recorded. Raises ModelError when there is none to be had.

    A call that the endpoint cut at its limit of tokens is not acted on: the model is asked to say it in less.
    """
    model = desk.model if agent.model is None else resolve(agent.model, os.environ)
    if asking.temperature is None and agent.temperature is not None:
        asking = asking.model_copy(update={"temperature": agent.temperature})
    if desk.images is not None:
        asking = asking.model_copy(update={"images": desk.images})
    messages = await in_own_thread(illustrated, desk, messages)
    talk, cuts, shortened = list(messages), 0, False

    def say(text: str) -> None:
        desk.say(agent.name, text)

    while True:
        await within_budget(desk, agent)
        try:
            offered = desk.tools_of(agent)
            stream = model.complete(talk, tools.specs(offered), asking)
            aloud = _silent if model.rule_based else Aloud(offered, say)
            reply = await gather(stream, say, aloud)
        except ModelReplyCut as error:
            cuts += 1
            if cuts > CUT_RETRIES:
                raise ModelReplyCut(f"{error} It did so {cuts} times in a row. Resume the run to try again.") from None
            await desk.note(
                f"{error} The whole reply is asked for again ({cuts} of {CUT_RETRIES}).", step_id, "warning"
            )
            continue
        except ContextOverflow as error:
            shorter = shorten(talk)
            if shortened or shorter == talk:
                raise ContextOverflow(
                    f"{error} Ask a narrower question, or use a model with a longer context."
                ) from None
            talk, shortened = shorter, True
            await desk.note(f"{error} The results of older cells were shortened for it.", step_id, "warning")
            continue
        await _record(desk, agent, model, reply, step_id)
        if reply.finish == "content_filter":
            raise ModelRefused(f"The endpoint's filter stopped the reply of {model.name}. Word the question anew.")
        if reply.finish != "length":
            return reply
        cuts += 1
        if cuts > CUT_RETRIES:
            if not reply.tool_calls:
                return reply
            raise ModelReplyCut(
                f"{model.name} may not write enough at a time for what it wants to do ({cuts} tries). "
                "Raise its limit of tokens for a reply, or use another model."
            )
        await desk.note("The reply was cut at the endpoint's limit of tokens; a shorter one is asked for.", step_id)
        talk += [Message(role="assistant", content=reply.content or "…"), Message(role="user", content=_SHORTER)]


class Aloud:
    """Says what a call tells the person as its arguments come: the field that its tool has `aloud`."""

    def __init__(self, offered: Sequence[type[tools.Tool]], say: Callable[[str], None]) -> None:
        self._fields = {tool.tool_name: tool.aloud for tool in offered if tool.aloud}
        self._say, self._said = say, dict[int, str]()

    def __call__(self, place: int, name: str, arguments: str) -> None:
        if (field := self._fields.get(name)) is None:
            return
        try:
            so_far = from_json(arguments, allow_partial="trailing-strings")
        except ValueError:
            return
        text = so_far.get(field) if isinstance(so_far, dict) else None
        before = self._said.get(place, "")
        if isinstance(text, str) and len(text) > len(before) and text.startswith(before):
            self._say(text[len(before) :])
            self._said[place] = text


def _silent(place: int, name: str, arguments: str) -> None: ...


def illustrated(desk: Desk, messages: Sequence[Message]) -> list[Message]:
    """The messages with their newest pictures as data URLs, in place of the ids of artifacts.

    A plot that is not in the record any more, or that is too large, is left to what its artists say.
    """
    left, shown = PICTURES, list[Message]()
    for message in reversed(messages):
        urls = [url for id in reversed(message.images[-left:] if left else ()) if (url := _url(desk, id))]
        left -= len(urls)
        shown.append(message.model_copy(update={"images": tuple(reversed(urls))}) if message.images else message)
    return shown[::-1]


def _url(desk: Desk, id: str) -> str | None:
    try:
        artifact = desk.store.artifact(id)
        data = desk.store.read(artifact) if artifact.size <= PICTURE else b""
    except StoreError:
        return None
    return f"data:{artifact.media_type};base64,{base64.b64encode(data).decode()}" if data else None


_SHORTER = (
    "Your reply was cut at the limit of tokens, and nothing of it was run. Say it in less: shorter text, or a smaller "
    "cell and the rest in the next one."
)


async def _record(desk: Desk, agent: Agent, model: Model, reply: Reply, step_id: str) -> None:
    name = reply.model or model.name
    cost = reply.cost
    if cost is None and not model.rule_based:
        cost = await in_own_thread(price, name, reply)
    await desk.emit(
        ModelReplied(
            run_id=desk.run_id,
            step_id=step_id,
            agent=agent.name,
            model=name,
            content=reply.content,
            tool_calls=reply.tool_calls,
            rule_based=model.rule_based,
            tokens_in=reply.tokens_in,
            tokens_out=reply.tokens_out,
            tokens_cached=reply.tokens_cached,
            cost=cost,
            cut=reply.finish == "length",
        )
    )


async def insist[T: tools.Tool](
    desk: Desk, agent: Agent, messages: Sequence[Message], step_id: str, *kinds: type[T]
) -> T:
    """The model's answer as one of the tools `kinds`, well formed. What it gets wrong is told to it, `TRIES` times.

    Before it answers it may use the other tools that it is offered, `LOOKS` times. A call that waits for approval
    breaks the node off; begun again, it goes on from what the model has said.
    """
    talk = list(messages)
    names = " or ".join(k.tool_name for k in kinds)
    silent = wrong = looks = told = 0
    begun, steps = await _begun(desk, step_id)
    given, told_before = await replied_in(desk, steps)

    async def do(look: tools.Action) -> dict[str, Any]:
        await within_budget(desk, agent)
        return await look.use(desk, f"{begun}-look-{looks}", step_id)

    async def tell(call: ToolCall, result: Mapping[str, Any]) -> None:
        nonlocal told
        told += 1
        if told > told_before:
            await desk.emit(used(desk, agent.name, step_id, call, result))

    while wrong < TRIES:
        reply = given.pop(0) if given else await ask(desk, agent, talk, step_id, Asking(force=FORCE[silent]))
        talk.append(reply.message)
        if not reply.tool_calls:
            silent, wrong = silent + 1, wrong + 1
            talk.append(Message(role="user", content=f"Answer by calling {names}."))
            continue
        first, *others = reply.tool_calls
        answer = tools.read(first, desk.tools_of(agent))
        if isinstance(answer, tools.Action) and not isinstance(answer, kinds) and looks < LOOKS:
            looks += 1
            seen = await carried_out(desk, agent, first, answer, f"{begun}-look-{looks}", do)
            await tell(first, seen)
            talk.append(Message(role="tool", content=json.dumps(seen, ensure_ascii=False), tool_call_id=first.id))
            talk += [_result(o.id, _ONE) for o in others]
            continue
        wrong += 1
        problem = answer if isinstance(answer, str) else answer.problem(desk, await desk.view())
        if problem is None and isinstance(answer, kinds):
            return answer
        for call, fault in ((first, problem or f"Call {names}."), *((o, _ONE) for o in others)):
            talk.append(_result(call.id, fault))
            await tell(call, tools.refusal("BadCall", fault))
    raise RunFailed(
        f"{desk.model.name} gave no usable answer by calling {names} in {TRIES} tries. "
        "Use a model that is good at tool calls, or --model playbook."
    )


async def _begun(desk: Desk, step_id: str) -> tuple[str, set[str]]:
    """The step in which the work of this one began, which names its calls for ever, and all steps from there on: it is
    another one where a call waited for approval meanwhile."""
    view = await desk.view()
    name = next(s.name for s in view.steps if s.id == step_id)
    mine = [s.id for s in takewhile(lambda s: s.name == name, reversed(view.steps))]
    waited = (id for id in mine if any(a.id.startswith(f"approve_{id}-look-") for a in view.approvals))
    begun = next(waited, step_id)
    return begun, set(mine[: mine.index(begun) + 1])


async def replied_in(desk: Desk, steps: Collection[str]) -> tuple[list[Reply], int]:
    """What the model replied in these steps before their work was broken off: it is not asked for that again. And of
    how many calls the record tells what came of them."""
    view = await desk.view()
    replies = (r for r in view.replies if r.step_id in steps and not r.cut)
    told = sum(u.step_id in steps for u in view.tools_used)
    return [Reply(content=r.content, tool_calls=r.tool_calls, finish="") for r in replies], told


_ONE = "Not read: one call at a time, please."


def _result(call_id: str, problem: str) -> Message:
    return Message(role="tool", content=json.dumps({"ok": False, "error": problem}), tool_call_id=call_id)


def told(said: Sequence[artifacts.Message]) -> list[Message]:
    """What people said while the agents work, as a model is told it."""
    return [Message(role="user", content=f"While you work, the {m.by} says: {m.text}") for m in said]


def shorten(messages: Sequence[Message], kept: int = _KEPT_RESULTS, length: int = _SHORT) -> list[Message]:
    """The same conversation with all but the newest `kept` tool results cut to `length` characters."""
    results = [i for i, m in enumerate(messages) if m.role == "tool"]
    old = set(results[: max(0, len(results) - kept)])
    return [
        m.model_copy(update={"content": m.content[:length] + " … (shortened; the cell has all of it)"})
        if i in old and len(m.content) > length
        else m
        for i, m in enumerate(messages)
    ]


def compact(messages: Sequence[Message]) -> list[Message]:
    """The conversation as it is sent: of older calls a line each, since the notebook has the cells and their outputs.

    It is cut in steps of several results, so that the beginning stays the same from request to request and an
    endpoint's cache can serve it.
    """
    results = [i for i, m in enumerate(messages) if m.role == "tool"]
    settled = max(0, len(results) - _WHOLE) // _STEP * _STEP
    if not settled:
        return list(messages)
    end = results[settled - 1] + 1
    while end < len(messages) and messages[end].role == "tool":  # the results of one reply stay together
        end += 1
    begin = next(i for i, m in enumerate(messages) if m.role == "assistant")
    titles = {c.id: c for m in messages[begin:end] for c in m.tool_calls}
    lines = [_line(titles.get(m.tool_call_id or ""), m) for m in messages[begin:end] if m.role == "tool"]
    told = Message(role="user", content="# What was done so far, a line for each call\n" + "\n".join(lines))
    kept = [m for m in messages[begin:end] if m.role == "user"]
    return [*messages[:begin], told, *kept, *messages[end:]]


def _line(call: ToolCall | None, result: Message) -> str:
    """One call and what came of it, in a line: its cells, its title, and the beginning of what it put out."""
    told = json.loads(result.content)
    title = ""
    if call is not None and is_object(call.arguments):
        title = str(json.loads(call.arguments).get("title") or call.name)
    error = told.get("error") or {}
    came = f"failed: {error.get('name')}: {error.get('value')}" if error else str(told.get("text") or "")
    found = [f["id"] for f in told.get("findings") or ()]
    cells = ", ".join(told.get("cells") or ())
    beside = f" [{', '.join(found)}]" if found else ""
    return f"- {cells or 'no cell'}: {title[:80]}{beside}: {' '.join(came.split())[:_NAMED]}"
