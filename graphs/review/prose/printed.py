"""What cells printed of groups: tables whose rows begin with the values of a column, and numbers behind their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from artifacts.types import Execution
from graphs.review.mentions import YEAR, Tables, levels

_NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
_NAMED = rf"['\"]?\s*[:=]\s*(?:np\.\w+\()?({_NUMBER})"


Named = list[tuple[str, str]]
"""The columns that have a value, with it."""


@dataclass(frozen=True)
class Series:
    """The numbers that a cell printed beside the values of a column, under this heading."""

    column: str
    head: str
    by: dict[str, float]


def printed(cells: Sequence[Execution], tables: Tables) -> list[Series]:
    """The numbers by group that cells printed, of columns of text and of years, two groups or more."""
    known: dict[str, Named] = {}
    for column, value in levels(tables):
        known.setdefault(value.casefold(), []).append((column, value))
    found = [s for x in cells for s in (*_tables(x.text, known), *_named(x.text, known))]
    return [s for s in found if len(s.by) > 1]


def _tables(text: str, known: Mapping[str, Named]) -> Iterator[Series]:
    rows: list[tuple[Named, list[float]]] = []
    head: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        labels, numbers = _row(line.split(), known)
        if rows and (not labels or len(numbers) != len(rows[0][1])):
            yield from _columns(rows, head, line, known)
            rows, head = [], []
        if labels:
            rows.append((labels, numbers))
        else:
            head = [*head, line.split()][-2:]


def _row(words: list[str], known: Mapping[str, Named]) -> tuple[Named, list[float]]:
    """The values that a line begins with, behind the number of its row if it has one, and the numbers after them."""
    for start in (0, 1) if words[:1] and words[0].isdigit() else (0,):
        for end in range(len(words) - 1, start, -1):
            labels = _labels(" ".join(words[start:end]), known)
            rest = [w.rstrip("%") for w in words[end:]]
            if labels and all(re.fullmatch(f"{_NUMBER}|NaN", w) for w in rest):
                return labels, [float(w.replace(",", "")) for w in rest]
    return [], []


def _labels(text: str, known: Mapping[str, Named]) -> Named:
    text = text.casefold()
    return known.get(text) or ([(YEAR, text)] if re.fullmatch(r"(?:19|20)\d\d", text) else [])


def _columns(
    rows: Sequence[tuple[Named, list[float]]], head: Sequence[list[str]], foot: str, known: Mapping[str, Named]
) -> Iterator[Series]:
    many = len(rows[0][1])
    name = re.match(r"Name: ([^,]+)", foot)
    heads = next((h for h in reversed(head) if len(h) in (many, many + 1)), [])[-many:] or [""] * many
    heads = [name[1]] if name is not None and many == 1 else heads
    for column in dict.fromkeys(c for labels, _ in rows for c, _ in labels):
        own = [(v, numbers) for labels, numbers in rows for c, v in labels if c == column]
        yield from (Series(column, heads[i], {v: numbers[i] for v, numbers in own}) for i in range(many))
    across = [_labels(h, known) for h in heads]
    for labels, numbers in rows if all(across) else ():  # a table of one column by another
        of = dict(zip((a[0][1] for a in across), numbers, strict=True))
        yield Series(across[0][0][0], labels[0][1], of)


def _named(text: str, known: Mapping[str, Named]) -> Iterator[Series]:
    """Of `{'yes': 16.2, 'no': 8.6}`, and of lines such as "yes: 16.2"."""
    found: dict[str, dict[str, float]] = {}
    for label, of in known.items():
        for m in re.finditer(rf"(?<!\w){re.escape(label)}{_NAMED}", text, re.I):
            for column, value in of:
                found.setdefault(column, {})[value] = float(m[1].replace(",", ""))
    yield from (Series(column, "", by) for column, by in found.items())
