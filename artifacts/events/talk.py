"""Events of the conversation: what a model writes, and what came of the tools that it used."""

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


class ToolUsed(Recorded):
    """What came of a tool call that a model made, also of one that was refused.

    `call_id` is the call's in the reply that made it. `text` is the result as the model was shown it; of a call that
    ran cells their outputs are the record, so it is empty. `cells` are theirs.
    """

    kind: Literal["tool_used"] = "tool_used"
    call_id: str
    name: str
    ok: bool
    text: str = ""
    error: str | None = None
    cells: tuple[str, ...] = ()


class TextDelta(Value):
    """Tokens as a model writes them: shown, never stored, so it carries no seq."""

    kind: Literal["text_delta"] = "text_delta"
    run_id: str
    agent: str
    text: str
