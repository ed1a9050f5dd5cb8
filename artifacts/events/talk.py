"""Events of the conversation: what a model writes."""

from __future__ import annotations

from typing import Literal

from artifacts.events.base import Recorded
from artifacts.types import ToolCall, Value


class ModelReplied(Recorded):
    """A model's reply. Of `tokens_in`, `tokens_cached` came from the endpoint's cache.

    `cost` is in US dollars; None where neither the endpoint nor the price table says it.
    """

    kind: Literal["model_replied"] = "model_replied"
    agent: str
    model: str
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    rule_based: bool = False
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    cost: float | None = None


class TextDelta(Value):
    """Tokens as a model writes them: shown, never stored, so it carries no seq."""

    kind: Literal["text_delta"] = "text_delta"
    run_id: str
    agent: str
    text: str
