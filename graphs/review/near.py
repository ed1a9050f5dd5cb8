"""The questions next to a question: those that a wrong value is often the answer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphs.questions import conditions
from graphs.questions.query import Condition, Measure, Query, Statistic
from graphs.review.sql import Tables

_LEVELS = 25
"""Values of a column beyond which its groups are not tried one by one."""
_OTHERS: tuple[Statistic, ...] = ("mean", "median", "sum", "count", "max", "min")
_SAID = {
    "mean": "the mean", "median": "the median", "sum": "the sum", "count": "how many there are",
    "max": "the greatest", "min": "the least",
}  # fmt: skip


@dataclass(frozen=True)
class Neighbour:
    """A question and what its value is, seen from the first one: "the value of B, not of A". A `bound` is what no
    right value can exceed."""

    query: Query
    said: str
    bound: bool = False


def neighbours(query: Query, tables: Tables) -> Iterator[Neighbour]:
    """Other groups, a condition less or more, another statistic, the table as it was before it was prepared."""
    levels = levels_of(query.table, tables)
    for i, where in enumerate(query.where):
        rest = (*query.where[:i], *query.where[i + 1 :])
        said = conditions.in_words([where], lambda s: "a number")
        yield Neighbour(query.model_copy(update={"where": rest}), f"the value without the condition that {said}")
        if not isinstance(where, Condition) or where.op != "=" or not isinstance(where.right, str):
            continue
        for level in levels.get(where.left.strip("`"), ()):
            if level != where.right:
                other = where.model_copy(update={"right": level})
                yield Neighbour(
                    query.model_copy(update={"where": (*rest, other)}), f"the value of {level}, not of {where.right}"
                )
    if len(query.measures) == 1 and not query.formulas:
        (measure,) = query.measures
        for op in _OTHERS if measure.op in _OTHERS and measure.of else ():
            if op != measure.op:
                instead: Measure = measure.model_copy(update={"op": op})
                yield Neighbour(
                    query.model_copy(update={"measures": (instead,), "order": ()}),
                    f"{_SAID[op]}, not {_SAID[measure.op]}",
                )
    if query.prepare:
        yield Neighbour(query.model_copy(update={"prepare": ()}), "the value before the table was prepared so")
    held = {w.left.strip("`") for w in query.where if isinstance(w, Condition)} | {g.of for g in query.group_by}
    for column, values in levels.items():
        for level in values if column not in held and not query.group_by else ():
            more = (*query.where, Condition(left=f"`{column}`", op="=", right=level))
            yield Neighbour(
                query.model_copy(update={"where": more}), f"the value of the rows only whose {column} is {level}"
            )


def levels_of(file: str, tables: Tables) -> Mapping[str, list[Any]]:
    """The values of the columns that have few, texts only."""
    table = next((t for t in tables if t["name"] == file), tables[0] if tables else {"columns": ()})
    return {
        str(c["name"]): list(c["values"])
        for c in table["columns"]
        if 2 <= len(c.get("values") or ()) <= _LEVELS and c["n_unique"] == len(c["values"]) and c["dtype"] in _TEXT
    }


_TEXT = ("str", "object", "string", "category")
