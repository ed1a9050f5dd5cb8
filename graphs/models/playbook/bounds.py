"""Groups limited by a number of their own: customers with more than 3 orders, products with a mean price above 50."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graphs.models.playbook.items import Item
from graphs.models.playbook.table import Table

NUMBERS = ("mean", "median", "sum", "min", "max")
_NONE = {"no": "x", "without": "x", "never": "v"}


@dataclass(frozen=True)
class Bound:
    """What each group is measured by, and the comparisons that its number must meet; `text` is what was said."""

    aggregate: str
    measure: Item | None
    limits: list[tuple[str, float]]
    text: str


def take_bound(items: Sequence[Item], table: Table) -> tuple[list[Item], Bound | None]:
    """The items without a bound on the number of a group, and that bound; at most one.

    A bound counts rows ("more than 3 orders", "at least twice", "no orders") or is on an aggregate ("an average score
    above 80"). It stands behind the noun of the groups, which is no noun of the rows.
    """
    kinds = "".join(_symbol(i, table) for i in items)
    for shape in _SHAPES:
        match = re.search(shape, kinds)
        if match is None or not _HEAD.fullmatch(kinds, 0, match.start()):
            continue
        found = match.groupdict()
        numbers = [float(i.value) for i in items[match.start() : match.end()] if i.kind == "N"]
        compared = [i for i in items[match.start() : match.end()] if i.kind == "O"]
        op = str(compared[0].value[0]) if compared else "="
        if any(i.value[1] for i in compared) or (op == "between") != (len(numbers) == 2):
            continue
        ends = [(">=", min(numbers)), ("<=", max(numbers))] if op == "between" else []
        limits = ends or [(op, numbers[0] if numbers else 0.0)]
        measure = items[match.start("c")] if found.get("c") else None
        said = str(items[match.start("a")].value) if found.get("a") else "distinct" if measure else "count"
        kept = items[match.start("kept") : match.end("kept")] if found.get("kept") else []
        text = " ".join(i.text for i in items[match.start() : match.end()])
        return [*items[: match.start()], *kept, *items[match.end() :]], Bound(said, measure, limits, text)
    return list(items), None


def _symbol(item: Item, table: Table) -> str:
    """An item's kind; of aggregates which number, of nouns whether they are of rows (E) or of what rows repeat (e)."""
    if item.kind == "A":
        named = {"count": "n", "distinct": "d", "share": "q", **dict.fromkeys(NUMBERS, "a")}
        return named.get(str(item.value), "A")
    if item.kind == "X":
        return _NONE.get(item.text.lower(), "X")
    if item.kind == "E" and item.columns and not all(table.is_row_name(c) for c in item.columns):
        return "e"
    return "t" if item.kind == "Q" and item.text.lower() == "times" else item.kind


_HEAD = re.compile(r"P*(?:[nqW][^aSZ]*[CeG]|e)[^aSZ]*")
"""What stands before a bound: that groups are counted or asked for, and which."""
_SHAPES = (
    r"OP*N(?:JN)?dP*(?P<c>[Ce])",
    r"OP*N(?:JN)?(?:(?P<kept>[VY])?E|t)",
    r"(?<=[KP])(?P<a>a)P*(?P<c>C)[KP]*OP*N(?:JN)?",
    r"(?P<c>C)[KP]*OP*N(?:JN)?(?P<a>a)$",
    r"[xv]K*(?P<kept>[VY])?E",
    r"vK*(?P<kept>[VY])(?![CEVYJD])",
)
