"""What cells printed of groups: the numbers that stand behind the values of a column, table by table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from artifacts.types import Execution
from graphs.review.mentions import YEAR, Tables, levels

_NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?"
_BEHIND = rf"(?:[ \t]+|['\"]?\s*[:=]\s*(?:np\.\w+\()?)({_NUMBER}(?:[ \t]+{_NUMBER})*)"


By = dict[str, float]
"""The numbers of one printed column by the values behind which they stand."""


def printed_tables(cells: Sequence[Execution], tables: Tables) -> Iterator[tuple[str, list[By]]]:
    """Each column of text, or of years, with the numbers that cells printed by its values, two values or more, the
    columns of one printed table together."""
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
        blocks = list[dict[int, list[float]]]()
        for m in _LINE.finditer(cell.text):
            if not blocks or int(m[1]) in blocks[-1]:  # each stands once in a table, in any order
                blocks.append({})
            blocks[-1][int(m[1])] = [float(n.replace(",", "")) for n in m[2].split()]
        for block in (b for b in blocks if len(b) > 1):
            yield [dict(zip(block, column, strict=True)) for column in zip(*block.values(), strict=False)]
