"""Messages as OpenAI's wire has them, and what endpoints stream back, put together whatever they leave out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from graphs.models.base import Delta, Message, ToolCallDelta, ToolSpec

_REASONING = ("reasoning_content", "reasoning", "reasoning_details")
"""The names under which endpoints carry what a model thought; they want it back under the name that came."""

_NO_SIGNATURE = {"google": {"thought_signature": "skip_thought_signature_validator"}}
"""Google's own way to send calls that another model made, and that carry no signature."""

_NOT_GOOGLE = ("additionalProperties", "const", "exclusiveMinimum", "exclusiveMaximum", "$defs", "$ref")
"""What Google's endpoint refuses in a tool's schema."""


def is_object(text: str) -> bool:
    """Whether a text is one whole JSON object, as the arguments of a call must be."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def sent(messages: Sequence[Message], *, signed: bool = False, think: bool = False) -> list[dict[str, Any]]:
    """Messages as they go out.

    Arguments that are no JSON object go out as `{}`: llama-server and vLLM would refuse this and every later request.
    The record keeps what came. `signed`: the endpoint wants a signature with calls; `think`: it wants reasoning beside
    calls, an empty one where there is none.
    """
    wired: list[dict[str, Any]] = []
    waiting: list[str] = []  # pictures of results, which go into a message of their own behind all of them
    for message in messages:
        if message.role != "tool" and waiting:
            wired.append({"role": "user", "content": _shown("The plots of these cells:", waiting)})
            waiting = []
        wired.append(_sent(message, signed, think))
        if message.role == "tool":
            waiting += message.images
    if waiting:
        wired.append({"role": "user", "content": _shown("The plots of these cells:", waiting)})
    return wired


def _shown(text: str, images: Iterable[str]) -> list[dict[str, Any]]:
    """A text and pictures as the parts of a user's message, the one role in which every endpoint takes pictures."""
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in images]
    return [{"type": "text", "text": text}, *pictures]


def _sent(message: Message, signed: bool, think: bool) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content, **message.extra}
    if message.images and message.role == "user":
        wire["content"] = _shown(message.content, message.images)
    if message.tool_calls:
        wire["content"] = message.content or None
        wire["tool_calls"] = [
            {
                "id": c.id,
                "type": "function",
                "function": {"name": c.name, "arguments": c.arguments if is_object(c.arguments) else "{}"},
                **c.extra,
            }
            for c in message.tool_calls
        ]
        if signed and "extra_content" not in wire["tool_calls"][0]:
            wire["tool_calls"][0]["extra_content"] = _NO_SIGNATURE
        if think:
            wire.setdefault("reasoning_content", "")
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def offered(tools: Sequence[ToolSpec], *, google: bool = False) -> list[dict[str, Any]]:
    """Tools as they go out; for Google without the words that its endpoint refuses in a schema."""

    def plain(node: Any, names: bool = False) -> Any:
        if isinstance(node, list):
            return [plain(n) for n in node]
        if not isinstance(node, dict):
            return node
        return {k: plain(v, names=k == "properties") for k, v in node.items() if names or k not in _NOT_GOOGLE}

    specs = [t.model_dump() for t in tools]
    return [{"type": "function", "function": plain(s) if google else s} for s in specs]


class Stream:
    """Puts the chunks of one reply together: which call a piece belongs to is told by its id before its index.

    `turn` makes the ids of calls that come without one: nine letters and digits, as the strictest endpoint wants them.
    """

    def __init__(self, turn: int) -> None:
        self._turn = turn
        self._ids: list[str | None] = []
        self._texts: list[str] = []
        self._names: list[str] = []
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, int] = {}

    def read(self, chunk: Any) -> Iterable[Delta]:
        """The pieces of one chunk. Compatible endpoints leave out what they please: nothing is taken for granted."""
        for choice in chunk.choices or ():
            delta = choice.delta
            calls = tuple(self._piece(c) for c in (delta.tool_calls if delta else None) or ())
            text = _text(delta.content if delta else None)
            beside = (delta.model_extra or {}) if delta else {}
            extra = {name: beside[name] for name in _REASONING if beside.get(name)}
            if text or calls or extra or choice.finish_reason:
                yield Delta(text=text, tool_calls=calls, finish=choice.finish_reason, extra=extra)
        if chunk.usage is not None:
            yield used(chunk.usage)

    def whole(self, reply: Any) -> Iterable[Delta]:
        """The pieces of a reply that came at once, from an endpoint that does not stream."""
        for choice in reply.choices or ():
            message = choice.message
            beside = message.model_extra or {}
            yield Delta(
                text=_text(message.content),
                tool_calls=tuple(self._piece(c) for c in message.tool_calls or ()),
                finish=choice.finish_reason or "stop",
                extra={name: beside[name] for name in _REASONING if beside.get(name)},
            )
        if reply.usage is not None:
            yield used(reply.usage)

    def _piece(self, call: Any) -> ToolCallDelta:
        name = (call.function.name or "") if call.function else ""
        arguments = call.function.arguments if call.function else None
        text = arguments if isinstance(arguments, str) else "" if arguments is None else json.dumps(arguments)
        index = getattr(call, "index", None)
        place = self._place(call.id or None, index, name, text)
        if place is None:
            place = len(self._texts)
            given = (
                call.id if call.id and call.id not in self._by_id else f"c{self._turn % 10**5:05d}{place % 1000:03d}"
            )
            self._ids.append(given)
            self._texts.append("")
            self._names.append("")
            self._by_id[given] = place
        if index is not None:
            self._by_index[index] = place
        self._texts[place] += text
        self._names[place] = self._names[place] or name
        beside = call.model_extra or {}
        extra = {k: beside[k] for k in ("extra_content",) if k in beside}
        return ToolCallDelta(index=place, id=self._ids[place], name=name or None, arguments=text, extra=extra)

    def _place(self, id: str | None, index: int | None, name: str, text: str) -> int | None:
        """The call that a piece goes on with; None: it begins another.

        A new id always begins a call. Where id and index repeat, a call that is whole and gets a further object, or
        a name and no id beside another call, has ended.
        """
        if id is not None and id not in self._by_id:
            return None
        if id is not None:
            place = self._by_id[id]
        elif index is not None:
            if index not in self._by_index:
                return None
            place = self._by_index[index]
        else:
            if name or not self._texts:
                return None
            place = len(self._texts) - 1
        ended = is_object(self._texts[place])
        begins = text.lstrip().startswith("{") or (id is None and bool(name))
        return None if ended and begins else place


def _text(content: Any) -> str:
    """The text of a content that may be a list of parts, of which those that hold thinking are none."""
    if isinstance(content, list):
        parts = (p.get("text") if isinstance(p, dict) and p.get("type", "text") == "text" else None for p in content)
        return "".join(p for p in parts if isinstance(p, str))
    return content or ""


def used(usage: Any) -> Delta:
    """What a reply cost in tokens, those from a cache told apart. The last told of a stream counts."""
    beside = usage.model_extra or {}
    details = usage.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or beside.get("prompt_cache_hit_tokens")
    cost = beside.get("cost")
    return Delta(
        tokens_in=usage.prompt_tokens,
        tokens_out=usage.completion_tokens,
        tokens_cached=cached,
        cost=float(cost) if isinstance(cost, (int, float)) else None,
    )


def merged(extra: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """What comes beside a reply, put together: texts are joined, pieces of a list by their index."""
    for name, value in more.items():
        if isinstance(value, str):
            extra[name] = (extra.get(name) or "") + value
        elif isinstance(value, list):
            kept = extra.setdefault(name, [])
            for piece in value:
                _add_piece(kept, piece)
        else:
            extra[name] = value
    return extra


def _add_piece(kept: list[Any], piece: Any) -> None:
    index = piece.get("index") if isinstance(piece, dict) else None
    known = next((k for k in kept if isinstance(k, dict) and index is not None and k.get("index") == index), None)
    if known is None:
        kept.append(dict(piece) if isinstance(piece, dict) else piece)
        return
    for name, value in piece.items():
        joined = name in ("text", "summary") and isinstance(value, str) and isinstance(known.get(name), str)
        known[name] = known[name] + value if joined else (value if value is not None else known.get(name))
