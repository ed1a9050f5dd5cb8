"""What cells printed of groups: the numbers that stand behind the values of a column, table by table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from artifacts.types import Execution
from graphs.review.mentions import YEAR, Tables, levels

_NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?"
_BEHIND = rf"(?:[ \t]+|['\"]?\s*[:=]\s*(?:np\.\w+\()?)({_NUMBER}(?:[ \t]+{_NUMBER})*)"


By = dict[str, float]
"""The numbers of one printed column by the values behind which they stand."""


def printed(cells: Sequence[Execution], tables: Tables) -> Iterator[tuple[str, By]]:
    """Each column of text, or of years, with the numbers by its values that a cell printed, two values or more."""
    return ((column, by) for column, table in printed_tables(cells, tables) for by in table)


def printed_tables(cells: Sequence[Execution], tables: Tables) -> Iterator[tuple[str, list[By]]]:
    """The same, the columns of one printed table together."""
    known: dict[str, dict[str, str]] = {YEAR: {}}
    for column, value in levels(tables):
        known.setdefault(column, {})[value.casefold()] = value
    for column, values in known.items():
        spelt = "|".join(map(re.escape, sorted(values, key=len, reverse=True))) or r"(?:19|20)\d\d"
        row = re.compile(rf"(?<!\w)({spelt}){_BEHIND}", re.I)
        for cell in cells if not {*values} <= {"yes", "no"} or column == YEAR else ():
            found, seen = dict[int, dict[int, By]](), Counter[str]()
            for m in row.finditer(cell.text):
                value = values.get(m[1].casefold(), m[1])
                for place, number in enumerate(m[2].split()):
                    by = found.setdefault(seen[value], {}).setdefault(place, {})
                    by[value] = float(number.rstrip("%").replace(",", ""))
                seen[value] += 1
            yield from ((column, [by for by in table.values() if len(by) > 1]) for table in found.values())


_LINE = re.compile(r"^ *(\d+)(?:\.0)?((?:[ \t]+-?\d[\d,]*(?:\.\d+)?)+) *$", re.M)


def numbered(cells: Sequence[Execution]) -> Iterator[list[dict[int, float]]]:
    """The printed tables whose lines begin with whole numbers, as those of ratings or months do: their columns by
    those numbers."""
    for cell in cells:
        lines = [(int(m[1]), [float(n.replace(",", "")) for n in m[2].split()]) for m in _LINE.finditer(cell.text)]
        starts = [at for at, (n, _) in enumerate(lines) if at == 0 or n <= lines[at - 1][0]]
        for start, end in pairwise([*starts, len(lines)]):
            block = dict(lines[start:end])
            columns = list(zip(*block.values(), strict=False))
            if len(block) > 1:
                yield [dict(zip(block, column, strict=True)) for column in columns]


_PERIOD = re.compile(
    r"^ *((?:19|20)\d\d(?:[-/ ]?[Q\d][-\dQ]*)?)((?:[ \t]+(?:-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?|NaN))+) *$", re.M
)


def by_period(cells: Sequence[Execution], step: str) -> Iterator[list[float | None]]:
    """The columns of printed tables whose lines begin with years, quarters, months or weeks in their order."""
    other = re.compile({"year": r"\d{4}.", "quarter": r"\d{4}[-/ ]?\d\d?$"}.get(step, r"\d{4}$|.*Q"))
    much = 10 if step == "week" else 7  # of two days of one month the later one is no later month
    for cell in cells:
        rows = [(m[1][:much], m[2].split()) for m in _PERIOD.finditer(cell.text) if not other.match(m[1])]
        breaks = [at for at, (a, b) in enumerate(pairwise(rows), 1) if a[0] >= b[0] or len(a[1]) != len(b[1])]
        for start, end in pairwise([0, *breaks, len(rows)]):
            for column in zip(*(of for _, of in rows[start:end]), strict=True):
                yield [None if n == "NaN" else float(n.replace(",", "")) for n in column]
