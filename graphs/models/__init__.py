"""Models by name, and the joining of a streamed reply into a whole one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from artifacts.types import ToolCall
from graphs.models.base import (
    USUAL,
    Asking,
    BadKey,
    Delta,
    Message,
    Model,
    ModelBusy,
    ModelReplyCut,
    ModelUnreachable,
    OutOfMoney,
    ToolSpec,
    UnknownModel,
)
from graphs.models.presets import PRESETS
from graphs.models.wire import merged


def resolve(name: str | None, env: Mapping[str, str]) -> Model:
    """The model that `--model NAME` means; without a name, `GRISTMILL_MODEL`, and without that the playbook.

    Errors: `UnknownModel` for a name of no known form, `BadKey` when the endpoint needs a key and none is set.
    Several names with commas between are asked in this order, each where those before it cannot answer. Nothing is
    contacted here.
    """
    name = (name or env.get("GRISTMILL_MODEL") or "playbook").strip()
    if "," in name:
        return Chain([resolve(part, env) for part in name.split(",") if part.strip()])
    if name == "playbook":
        from graphs.models.playbook import Playbook

        return Playbook()
    family, colon, model = name.partition(":")
    preset = PRESETS.get(family)
    if preset is None or not colon or not model.strip():
        known = ", ".join(f"{p}:NAME" for p in PRESETS)
        raise UnknownModel(f"There is no model {name!r}. Say playbook (no key needed), or one of {known}.")

    from graphs.models.openai import OpenAIModel

    own_address = env.get(preset.url_name, "").strip()
    key_name = next((k for k in preset.key_names if env.get(k, "").strip()), preset.key_names[0])
    key = env.get(key_name, "").strip() or None
    if key is None and preset.needs_key and not own_address:
        raise BadKey(f"{preset.title} needs a key: set {key_name}, or use --model playbook, which needs none.")
    return OpenAIModel(
        name,
        model=model.strip(),
        title=preset.title,
        base_url=own_address or preset.base_url,
        key=key,
        key_name=key_name,
        family=preset.name,
        images=preset.images and not own_address,  # what answers at an address of one's own is not known
    )


class Chain:
    """Several models of which the next is asked where one cannot answer: it is down, busy, unknown or out of money.

    A reply that has begun is never begun again elsewhere. `name` is how the chain is asked for again.
    """

    rule_based = False

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = tuple(models)
        self.name = ",".join(m.name for m in models)

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], asking: Asking = USUAL
    ) -> AsyncIterator[Delta]:
        """Stream the reply of the first model that answers. Errors: those of the last, see `Model.complete`."""
        *first, last = self._models
        for model in first:
            begun = False
            try:
                async for delta in model.complete(messages, tools, asking):
                    begun = True
                    yield delta.model_copy(update={"model": model.name})
                return
            except (BadKey, ModelBusy, ModelUnreachable, OutOfMoney, UnknownModel):
                if begun:
                    raise
        async for delta in last.complete(messages, tools, asking):
            yield delta.model_copy(update={"model": last.name})


@dataclass(frozen=True)
class Reply:
    """A whole reply. `tool_calls` carry the argument text as it came; it may not be JSON.

    `finish` is "length" of one that the endpoint cut at its limit: its last call is broken. `model` is who replied
    where several were asked; `extra` goes back with the message.
    """

    content: str
    tool_calls: tuple[ToolCall, ...]
    finish: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    cost: float | None = None
    model: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> Message:
        return Message(role="assistant", content=self.content, tool_calls=self.tool_calls, extra=self.extra)


async def gather(
    stream: AsyncIterator[Delta],
    on_text: Callable[[str], None] = lambda text: None,
    on_call: Callable[[int, str, str], None] = lambda place, name, arguments: None,
) -> Reply:
    """Join a stream into a reply, passing text on as it comes, and of each call its place, its name and its arguments
    so far. A stream without its end raises `ModelReplyCut`: half a reply is never acted on."""
    text: list[str] = []
    calls: dict[int, _Call] = {}
    extra: dict[str, Any] = {}
    finish: str | None = None
    told: dict[str, Any] = {}
    async for delta in stream:
        if delta.text:
            text.append(delta.text)
            on_text(delta.text)
        for piece in delta.tool_calls:
            call = calls.setdefault(piece.index, _Call())
            call.id = call.id or piece.id
            call.name = call.name or piece.name
            call.arguments += piece.arguments
            call.extra |= piece.extra
            on_call(piece.index, call.name or "", call.arguments)
        merged(extra, delta.extra)
        finish = delta.finish or finish
        beside = {n: getattr(delta, n) for n in ("tokens_in", "tokens_out", "tokens_cached", "cost", "model")}
        told |= {name: value for name, value in beside.items() if value is not None}
    if finish is None:
        raise ModelReplyCut("The model's reply broke off in the middle.")
    whole = tuple(
        ToolCall(id=call.id or f"call-{index}", name=call.name or "", arguments=call.arguments, extra=call.extra)
        for index, call in sorted(calls.items())
    )
    return Reply("".join(text), whole, finish, extra=extra, **told)


@dataclass
class _Call:
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
