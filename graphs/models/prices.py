"""What a reply costs in US dollars, from a table that is a package's data: nothing is looked up on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphs.models import Reply

FREE = frozenset({"playbook", "ollama", "vllm", "lmstudio"})
"""Families of models that run on a person's own machines: a reply costs nothing there."""


def price(model: str, reply: Reply) -> float | None:
    """The price of one reply of the model that the record calls `family:name`; None where that is not known."""
    family, _, name = model.partition(":")
    if family.partition("/")[0] in FREE:
        return 0.0
    if reply.tokens_in is None or reply.tokens_out is None:
        return None
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=reply.tokens_in, output_tokens=reply.tokens_out, cache_read_tokens=reply.tokens_cached)
    try:
        return float(calc_price(usage, model_ref=name, provider_id=family).total_price)
    except LookupError:
        return None
