"""Models by name, and the joining of a streamed reply into a whole one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from artifacts.types import ToolCall
from graphs.models.base import BadKey, Delta, Message, Model, ModelReplyCut, UnknownModel
from graphs.models.presets import PRESETS


def resolve(name: str | None, env: Mapping[str, str]) -> Model:
    """The model that `--model NAME` means; without a name, `GRISTMILL_MODEL`, and without that the playbook.

    Errors: `UnknownModel` for a name of no known form, `BadKey` when the endpoint needs a key and none is set.
    Nothing is contacted here.
    """
    name = (name or env.get("GRISTMILL_MODEL") or "playbook").strip()
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
    )


@dataclass(frozen=True)
class Reply:
    """A whole reply. `tool_calls` carry the argument text as it came; it may not be JSON."""

    content: str
    tool_calls: tuple[ToolCall, ...]
    finish: str
    tokens_in: int | None = None
    tokens_out: int | None = None

    @property
    def message(self) -> Message:
        return Message(role="assistant", content=self.content, tool_calls=self.tool_calls)


async def gather(stream: AsyncIterator[Delta], on_text: Callable[[str], None] = lambda text: None) -> Reply:
    """Join a stream into a reply, passing text on as it comes. A stream without its end raises `ModelReplyCut`:
    half a reply is never acted on."""
    text: list[str] = []
    calls: dict[int, _Call] = {}
    finish: str | None = None
    tokens_in = tokens_out = None
    async for delta in stream:
        if delta.text:
            text.append(delta.text)
            on_text(delta.text)
        for piece in delta.tool_calls:
            call = calls.setdefault(piece.index, _Call())
            call.id = call.id or piece.id
            call.name = call.name or piece.name
            call.arguments += piece.arguments
        finish = delta.finish or finish
        tokens_in = delta.tokens_in if delta.tokens_in is not None else tokens_in
        tokens_out = delta.tokens_out if delta.tokens_out is not None else tokens_out
    if finish is None:
        raise ModelReplyCut("The model's reply broke off in the middle.")
    whole = tuple(
        ToolCall(id=call.id or f"call-{index}", name=call.name or "", arguments=call.arguments)
        for index, call in sorted(calls.items())
    )
    return Reply("".join(text), whole, finish, tokens_in, tokens_out)


@dataclass
class _Call:
    id: str | None = None
    name: str | None = None
    arguments: str = ""
