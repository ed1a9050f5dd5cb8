"""What is told beside the numbers that an answer is of: a lead, a tail, and values with the queries that give them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Beside:
    """A `lead` stands before the numbers, or in their place where it is `brief`, a `tail` behind them."""

    lead: str = ""
    tail: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    queries: dict[str, Any] = field(default_factory=dict)
    brief: bool = False


def all_beside(some: Iterable[Beside]) -> Beside:
    """Several as one: the first lead, the tails in their order, and all values."""
    each, values, queries = list(some), dict[str, Any](), dict[str, Any]()
    for one in each:
        values |= one.values
        queries |= one.queries
    lead = next((b.lead for b in each if b.lead), "")
    return Beside(lead, "".join(b.tail for b in each), values, queries, any(b.brief for b in each))
