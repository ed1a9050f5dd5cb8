"""Conditions of a query, as expressions to compute and as words to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from graphs.questions.expressions import NotComputable, bare, in_backticks, text_literal
from graphs.questions.functions import FUNCTIONS
from graphs.questions.query import AnyOf, Column, Condition, Scalar, Where

type Named = Callable[[Scalar], str]
"""Gives a number that is computed first a name that expressions may use."""

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NAMES = {
    "month": ("", *MONTHS), "weekday": DAYS, "quarter": ("", "Q1", "Q2", "Q3", "Q4"),
    "hour": ("midnight", *(f"{hour}:00" for hour in range(1, 24)), "midnight"),
}  # fmt: skip
SIGNS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_WORDS = {
    "=": "is", "!=": "is not", "<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least",
    "in": "is one of", "not in": "is none of", "contains": "contains", "starts": "starts with", "ends": "ends in",
    "matches": "matches", "between": "is from", "missing": "is missing", "present": "is known",
}  # fmt: skip
_OF_TIMES = _WORDS | {"<": "is before", "<=": "is not after", ">": "is after", ">=": "is not before"}


def each(where: Where, change: Callable[[Condition], Condition]) -> Where:
    """A condition with a change to it, or to each of those of which one is enough."""
    if isinstance(where, AnyOf):
        return AnyOf(any_of=tuple(tuple(map(change, some)) for some in where.any_of))
    return change(where)


def expression(where: Where, named: Named, plain: Callable[[str], bool] = lambda text: False) -> str:
    """A condition as an expression. `plain` says which left sides are a column's name as it stands."""
    if isinstance(where, AnyOf):
        ways = [all_of(some, named, plain) for some in where.any_of]
        return " or ".join(f"({way})" for way in ways if way) or "True"
    left = in_backticks(where.left) if plain(where.left) else f"({where.left})"
    if where.op in ("missing", "present"):
        return f"{'not ' * (where.op == 'present')}is_missing({left})"
    right = where.right
    values = [text_literal(v) for v in (right if isinstance(right, tuple) else [right])]
    if right is None or (where.op == "between" and len(values) != 2):
        lacks = "two values" if where.op == "between" else "a value to compare with"
        raise NotComputable(f"The condition on “{where.left}” ({where.op}) takes {lacks}.")
    if where.op == "between":
        return f"{left} >= {values[0]} and {left} <= {values[1]}"
    if where.op in ("in", "not in") or isinstance(right, tuple):
        return f"{left} {'not in' if where.op in ('not in', '!=') else 'in'} [{', '.join(values)}]"
    if where.op in FUNCTIONS:
        return f"{where.op}({left}, {text_literal(str(right))})"
    if isinstance(right, (Scalar, Column)):
        values = [in_backticks(named(right) if isinstance(right, Scalar) else right.column)]
    return f"{left} {SIGNS[where.op]} {values[0]}"


def all_of(where: Sequence[Where], named: Named, plain: Callable[[str], bool] = lambda text: False) -> str:
    """Conditions that must hold together, as one expression; empty where there are none."""
    parts = [expression(w, named, plain) for w in where]
    return parts[0] if len(parts) == 1 else " and ".join(f"({p})" for p in parts)


def in_words(where: Sequence[Where], named: Named) -> str:
    """Conditions as a sentence says them: Sex is male and Fare is above the mean of Fare."""
    return " and ".join(_said(w, named) for w in where)


def _said(where: Where, named: Named) -> str:
    if isinstance(where, AnyOf):
        ways = [in_words(some, named) for some in where.any_of]
        return " or ".join(ways) if len(ways) == 1 else f"({' or '.join(ways)})"
    right, words = where.right, _WORDS
    if where.op in ("during", "missing", "present") or right is None:
        return f"{where.left} {words.get(where.op) or f'is {period(str(right))}'}"
    if isinstance(right, Scalar):
        told = f"the {named(right)}"
    elif isinstance(right, Column):
        told = right.column
    elif isinstance(right, tuple):
        listed = [str(v) for v in right[:5]] + [f"{len(right) - 5} more"] * (len(right) > 5)
        told = (" to " if where.op == "between" else ", ").join(listed)
    else:
        told, words = bare(str(right)), _OF_TIMES if isinstance(right, str) and right[:1].isdigit() else _WORDS
    return f"{where.left} {words[where.op]} {told}"


def period(text: str) -> str:
    """A period of time as a sentence says it, with its preposition: in May 2023, on a Monday, from January to March."""
    if found := re.fullmatch(r"(month|quarter|weekday|hour)s? (\d+)(?:-(\d+))?", text):
        part, first, last = found[1], int(found[2]), int(found[3] or found[2])
        names, end = _NAMES[part], last + (part == "hour")
        if first < end < len(names):
            return f"from {names[first]} to {names[end]}"
        if first < len(names):
            return f"on a {names[first]}" if part == "weekday" else f"in {names[first]}"
    if (found := re.fullmatch(r"(\d{4})-(\d\d?)", text)) and 1 <= int(found[2]) <= 12:
        return f"in {MONTHS[int(found[2]) - 1]} {found[1]}"
    if found := re.fullmatch(r"(\d{4})-?Q(\d)", text):
        return f"in Q{found[2]} of {found[1]}"
    on = re.fullmatch(r"\d{4}-\d\d?-\d\d?|day [\d-]+|weekend", text)
    return f"{'on' if on else 'in'} {'a ' * (text == 'weekend')}{text}"
