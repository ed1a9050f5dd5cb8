"""Questions to ask in place of one that is not understood: of what it names, and read back before they are offered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any

from graphs.questions.reader import lexicon, read
from graphs.questions.reader.clauses import split
from graphs.questions.reader.conditions import Known
from graphs.questions.reader.items import Item
from graphs.questions.reader.linking import Column, read_columns

__all__ = ["offers"]

_MOST = 3
"""Questions that are offered."""
_CLASSES = 12
"""Values up to which a column that nobody has named is one to divide rows by."""
_TOTALS = ("sum", "count")
"""What an item means that asks for how much or how many."""


def offers(
    question: str, tables: Sequence[Mapping[str, Any]], roles: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Up to three plain questions near one that was refused, each of which has an answer; tables as `read` takes them."""
    columns = read_columns(tables)
    items = [item for clause in split(question, columns, [str(t["name"]) for t in tables]) for item in clause.items]
    wordings = dict.fromkeys(_wordings(items, columns, question))
    return tuple(islice((w for w in wordings if _understood(w, tables, roles)), _MOST))


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
        adds = totals and not lexicon.some("levelled") & set(figure.words)
        yield from (f"What is the {'total' if adds else 'average'} {figure.name}{some}{of_rows}?" for some in which)
    yield from (f"How many rows are there{some}{of_rows}?" for some in by)
    yield from (f"What is the average {figure.name} by {c}?" for figure in figures for c in classes)
