"""What a text names of the given tables: columns, values of columns, years; and which number it says of which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphs.review.code.syntax import words
from graphs.review.prose.figures import Figure, figures, sentences

Tables = Sequence[Mapping[str, Any]]
YEAR = "year"
"""The column that a year in a text stands for."""

_COMMON = words(
    """
    yes no true false other others unknown none all any new old high low good bad a b c an the in on is as or and not
    mr mrs day week month year total mean count one two three first second
    """
)
"""Values that stand in sentences without being spoken of."""
_UNIT_WORDS = words("mm cm km kg g mg pct percent usd eur cents cent ms sec min id the and for per num no nr")
_YEAR = re.compile(r"(?<![\w.,-])((?:19|20)\d\d)(?![\w%]|[.,]\d|-\d)")

_TIMES = re.compile(
    r"\s?(?:times|-?fold|×|(?:%|per cent|points)? ?(?:more|less|fewer|higher|lower|longer|shorter))\b", re.I
)
"""What stands behind a number that compares two groups and is of neither."""


@dataclass(frozen=True)
class Label:
    """A value of a column where a text names it."""

    column: str
    value: str
    start: int
    end: int


def levels(tables: Tables, most: int = 200) -> Iterator[tuple[str, str]]:
    """The values, as text, of the columns of text of which all or some are known, with their columns."""
    for table in tables:
        for column in table["columns"]:
            if column.get("dtype") in ("str", "object", "string", "category", "bool"):
                for value in (column.get("values") or ())[:most]:
                    yield str(column["name"]), str(value)


def time_columns(tables: Tables) -> list[str]:
    """The columns that hold times, or years."""
    return [
        str(c["name"])
        for t in tables
        for c in t["columns"]
        if str(c.get("dtype")).startswith(("datetime", "timestamp"))
        or (re.search(r"(?:^|_)(?:year|yr|date|day|month)(?:_|$)", str(c["name"]), re.I) and c["n_unique"] > 1)
    ]


def labels(text: str, tables: Tables) -> list[Label]:
    """The values that a text names, as whole words, the longest first where one holds another; and its years."""
    return list(_labels(text, tuple(dict.fromkeys(levels(tables))), bool(time_columns(tables))))


@lru_cache(maxsize=512)
def _labels(text: str, known: tuple[tuple[str, str], ...], timed: bool) -> tuple[Label, ...]:
    found: list[Label] = []
    for column, value in sorted(known, key=lambda pair: -len(pair[1])):
        if len(value) < 2 or value.casefold() in _COMMON or value.isdigit():
            continue
        flags = re.I if len(value) >= 4 else 0
        ending = "(?:s|es)?" if value.isalpha() and len(value) >= 4 else ""
        for m in re.finditer(rf"(?<![\w]){re.escape(value)}{ending}(?!\w)", text, flags):
            inside = any(f.start <= m.start() and m.end() <= f.end and f.value != value for f in found)
            if not inside:
                found.append(Label(column, value, m.start(), m.end()))
    if timed:
        found += [Label(YEAR, m[1], m.start(), m.end()) for m in _YEAR.finditer(text)]
    return tuple(sorted(found, key=lambda f: f.start))


def columns(text: str, tables: Tables) -> list[str]:
    """The columns all of whose telling words stand in a text."""
    said = {_stem(w) for w in re.findall(r"[^\W\d_]+", text.casefold())}
    return [n for t in tables for c in t["columns"] if (w := telling(n := str(c["name"]))) and w <= said]


def telling(column: str) -> set[str]:
    """The words of a column's name that are no unit."""
    parts = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column))
    return {_stem(p.casefold()) for p in parts if p.casefold() not in _UNIT_WORDS and len(p) > 1}


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@dataclass(frozen=True)
class Spoken:
    """A number of a text, and the values that the text says it is of."""

    figure: Figure
    labels: tuple[Label, ...]


def spoken(text: str, tables: Tables, names: Sequence[str] = ()) -> list[Spoken]:
    """Each number of a text with the values, at most one a column, that its sentence binds it to."""
    found = []
    for clause in sentences(text, names):
        inside = [f for f in figures(clause) if not _YEAR.fullmatch(f.text) and not _TIMES.match(f.after)]
        named = labels(clause, tables)
        bound = {id(f): list[Label]() for f in inside}
        for column in dict.fromkeys(n.column for n in named):
            for label, figure in _pairs([n for n in named if n.column == column], inside):
                bound[id(figure)].append(label)
        found += [Spoken(f, tuple(bound[id(f)])) for f in inside]
    return found


def _pairs(named: list[Label], inside: list[Figure]) -> Iterator[tuple[Label, Figure]]:
    """Which label belongs to which number: one before or behind each, or as many of both in their order."""
    order = sorted([*((n.start, "L", n) for n in named), *((f.start, "F", f) for f in inside)], key=lambda x: x[0])
    pattern = "".join(kind for _, kind, _ in order)
    many = len(named)
    if re.fullmatch(r"(?:LF)+F*", pattern):
        yield from ((order[2 * i][2], order[2 * i + 1][2]) for i in range(many))  # type: ignore[misc]
    elif re.fullmatch(r"(?:FL)+F*", pattern):
        yield from ((order[2 * i + 1][2], order[2 * i][2]) for i in range(many))  # type: ignore[misc]
    elif re.fullmatch(r"L+F+", pattern) and many == len(inside):
        yield from zip(named, inside, strict=True)
    elif re.fullmatch(r"F+L", pattern):
        yield named[0], inside[-1]
