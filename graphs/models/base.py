"""The seam that every model fits: messages and tools in, a stream of deltas out, in the shape of OpenAI's chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, Protocol

from pydantic import Field

from artifacts.types import ToolCall, Value
from graphs.errors import GraphError


class Message(Value):
    """One message of a conversation. `tool_calls` belong to an assistant, `tool_call_id` to a tool's result.

    `extra` is what an endpoint sent beside its reply, such as reasoning, and wants back as it was. `images` are the ids
    of artifacts, or, on the way to a model, data URLs; a model that reads none is sent the text alone.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    images: tuple[str, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict)


class ToolSpec(Value):
    """A tool as a model sees it; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]


class ToolCallDelta(Value):
    """A piece of a tool call. Pieces of one call share `index`; `arguments` are to be joined in order."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    extra: dict[str, Any] = Field(default_factory=dict)


class Delta(Value):
    """A piece of a reply. `finish` comes once, in the last piece that carries text or calls: a reply without it was
    cut. Token counts may come after it: of `tokens_in`, `tokens_cached` came from the endpoint's cache; `cost` is in US
    dollars, where the endpoint says it. `extra` goes back with the message; `model` is who replied, where that is not
    the model that was asked."""

    text: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    cost: float | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    model: str | None = None


class Asking(Value):
    """How a reply is asked for.

    `force`: "no" leaves it to the model whether it calls a tool; "call" makes it call one, as far as the endpoint knows
    how; "json" takes a call written as a JSON object, for models that write no calls. `images`: whether pictures are
    sent; None: where the model is known to read them.
    """

    temperature: float | None = None
    seed: int | None = None
    force: Literal["no", "call", "json"] = "no"
    images: bool | None = None


USUAL = Asking()


class Model(Protocol):
    """Whatever answers. `rule_based` is true of the built-in playbook and is shown wherever it speaks."""

    @property
    def name(self) -> str: ...

    @property
    def rule_based(self) -> bool: ...

    def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], asking: Asking = USUAL
    ) -> AsyncIterator[Delta]:
        """Stream one reply to `messages`, which may call any of `tools`.

        Errors: `BadKey`, `UnknownModel`, `OutOfMoney`, `ModelUnreachable`, `ModelBusy`, `ModelRefused` before the first
        delta, where asking again is the model's own affair; `ModelReplyCut` after it, where the caller may ask for the
        whole reply again; `ContextOverflow` when the conversation is too long for the model.
        """
        ...


class ModelError(GraphError):
    """A model gave no usable answer."""


class BadKey(ModelError):
    """The endpoint does not accept the key, or there is none."""


class UnknownModel(ModelError):
    """No endpoint, or no model, of that name."""


class ModelUnreachable(ModelError):
    """Nobody answers at that address."""


class ModelBusy(ModelError):
    """The endpoint still turned us away, or failed, after several tries."""


class ModelRefused(ModelError):
    """The endpoint answered that the request itself is not acceptable to it."""


class OutOfMoney(ModelError):
    """The account at the endpoint has no credit left; waiting does not help."""


class ModelReplyCut(ModelError):
    """The reply broke off before its end."""


class ContextOverflow(ModelError):
    """The conversation is longer than the model can read."""
