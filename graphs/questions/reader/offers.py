"""Questions to ask in place of one that is not understood: of what it names, and read back before they are offered."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any

from graphs.questions.query import Condition, Query
from graphs.questions.reader import read
from graphs.questions.reader.clauses import split
from graphs.questions.reader.conditions import Known
from graphs.questions.reader.intents import usual
from graphs.questions.reader.items import Clause, Item
from graphs.questions.reader.linking import Column, read_columns

__all__ = ["offers"]

_MOST = 3
"""Questions that are offered."""
_CLASSES = 12
"""Values up to which a column that nobody has named is one to divide rows by."""
_STATISTICS = {"sum": "total", "mean": "average", "median": "median", "min": "lowest", "max": "highest"}
_COMPARED = {"=": "is", "!=": "is not", ">": "is more than", "<": "is less than"} | {
    ">=": "is at least", "<=": "is at most"}  # fmt: skip
_TOTALS = ("sum", "count")
"""What an item means that asks for how much or how many."""


def offers(
    question: str, tables: Sequence[Mapping[str, Any]], roles: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Up to three plain questions near one that was refused, each of which has an answer; tables as `read` takes them."""
    columns = read_columns(tables)
    clauses = split(question, columns, [str(t["name"]) for t in tables])
    items = [item for clause in clauses for item in clause.items]
    left = read(_understandable(question, clauses), tables, roles).queries
    first = _worded(left[0]) if len(left) == 1 and left[0] is not None else ""
    same = first and read(first, tables, roles).queries
    nearest = [first] if same and _asked(same[0]) == _asked(left[0]) else []
    wordings = dict.fromkeys(w for w in _wordings(items, columns, question) if w != first)
    others = islice((w for w in wordings if _understood(w, tables, roles)), _MOST - len(nearest))
    return tuple(f"{w.rstrip('?')}?" for w in (*nearest, *others))  # of a column that is called "Returned?"


def _understandable(question: str, clauses: Sequence[Clause]) -> str:
    """A question without the words that nobody knows; what is counted, and not known, are the rows."""
    unknown = [
        (clause.words[i.first].start, clause.words[i.last].end, bool(n) and clause.items[n - 1].code in "hMj")
        for clause in clauses
        for n, i in enumerate(clause.items)
        if i.code == "U"
    ]
    for start, end, counted in sorted(unknown, reverse=True):
        question = f"{question[:start]}{'rows' if counted else ''}{question[end:]}"
    return " ".join(question.split())


def _asked(query: Query | None) -> Any:
    """What a query asks, whatever the words that it was read from."""
    return query and query.model_dump(exclude={"text", "notes", "unused"})


def _worded(query: Query) -> str:
    """A plain question for a query of one statistic, of some rows, by a group or of the group at an end; else nothing."""
    (measure, *others), groups = query.measures or (None,), [g.of.strip("`") for g in query.group_by]
    rows = [_met(w) for w in query.where if isinstance(w, Condition)]
    if measure is None or others or measure.where or len(rows) < len(query.where) or groups[1:] or "" in rows:
        return ""
    counts, of = measure.op == "count" and not measure.of, (measure.of or "").strip("`")
    statistic, met = _STATISTICS.get(measure.op), " and ".join(r for r in rows if not r.startswith(" in "))
    of_rows = "".join(r for r in rows if r.startswith(" in ")) + (f" where {met}" if met else "")
    if query.intent == "rank" and groups and query.order:
        most, highest = ("most", "highest") if query.order[0].descending else ("fewest", "lowest")
        what = f"{most} rows" if counts else f"{highest} {statistic} {of}" if statistic else ""
        return f"Which {groups[0]} has the {what}{of_rows}?" if what else ""
    by = f" by {groups[0]}" if groups else ""
    if counts:
        return f"How many rows are there{by}{of_rows}?" if by or of_rows else ""
    return f"What is the {statistic} {of}{by}{of_rows}?" if statistic else ""


def _met(condition: Condition) -> str:
    """A condition as a question says it; empty for one that has no plain words."""
    right = {True: "yes", False: "no"}.get(condition.right) if isinstance(condition.right, bool) else condition.right
    if condition.op == "during" and isinstance(right, str):
        number = right.partition("month ")[2]
        named = month_name[int(number)] if number.isdigit() else right
        return f" in {named}" if number.isdigit() or right.isdigit() else ""
    says = _COMPARED.get(condition.op)
    return f"{condition.left.strip('`')} {says} {right}" if says and isinstance(right, (str, int, float)) else ""


def _denial(before: Item, item: Item) -> Item:
    """An item, or the denial before it that is meant of what follows: have not been paid."""
    return before if before.code == "n" and item.code in "ido" else item


def _understood(question: str, tables: Sequence[Mapping[str, Any]], roles: Mapping[str, str] | None) -> bool:
    """Whether all of a question is read."""
    queries = read(question, tables, roles).queries
    return bool(queries) and all(query is not None and not query.unused for query in queries)


def _wordings(items: Sequence[Item], columns: Sequence[Column], question: str) -> Iterator[str]:
    """Questions of what these items name: figures of columns and numbers of rows, of the same rows, by the same groups."""
    named = [i.means for i in items if i.code in "CE" and isinstance(i.means, Column)]
    values = [i.means for i in items if i.code == "V"]
    file = next((c.file for c in (*named, *(c for c, _ in values)) if c.file), columns[0].file)
    there = [c for c in columns if c.file == file]
    spoken = [c for c in there if c in named]
    numbers = [c for c in there if c.kind == "number" and not (c.label or c.key)]
    money = Known(there, None).amount()
    figures = [c for c in numbers if c in spoken] or sorted(numbers, key=lambda c: c != money)
    classes = [c.name for c in there if c.kind == "text" and 1 < c.n_unique <= _CLASSES]
    held = [column for column, _ in values]
    denied = [i.means for i, lead in zip(items[1:], accumulate(items, _denial), strict=False) if lead.code == "n"]
    divides = [c for c in dict.fromkeys(held) if held.count(c) > 1]  # schools or pubs
    divides += [c for c in spoken if c.kind == "text" and c not in held and not (c.key or c.prose)]
    by = [f" by {c.name}" for c in divides[:1]]
    met = [f"{c.name} is {'not ' * ((c, value) in denied)}{value}" for c, value in values if c not in divides]
    met += [f"{c.name} is {'no' if c in denied else 'yes'}" for c in spoken if c.kind == "bool" and c not in held]
    of_rows = f" where {' and '.join(met)}" if met else ""
    totals = any(i.code == "M" or i.means in _TOTALS for i in items) or "how much" in question.casefold()
    both = [c.name for c in figures if c in spoken]
    if len(both) == 2:
        yield f"How is {both[0]} related to {both[1]}?"
    if met:
        yield f"How many rows are there{''.join(by)}{of_rows}?"
    which = by or ([""] if spoken or met else [f" by {c}" for c in classes])
    for figure in figures:
        adds = totals and usual(figure, [], question="the most of it").op == "sum"
        yield from (f"What is the {'total' if adds else 'average'} {figure.name}{some}{of_rows}?" for some in which)
    yield from (f"How many rows are there{some}{of_rows}?" for some in by)
    yield from (f"What is the average {figure.name} by {c}?" for figure in figures for c in classes)
