"""What cells printed of groups: the numbers that stand behind the values of a column, table by table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from artifacts.types import Execution
from graphs.review.mentions import YEAR, Tables, levels

_NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?"
_BEHIND = rf"(?:[ \t]+|['\"]?\s*[:=]\s*(?:np\.\w+\()?)({_NUMBER}(?:[ \t]+{_NUMBER})*)"


def printed(cells: Sequence[Execution], tables: Tables) -> Iterator[tuple[str, dict[str, float]]]:
    """Each column of text, or of years, with the numbers by its values that a cell printed, two values or more."""
    known: dict[str, dict[str, str]] = {YEAR: {}}
    for column, value in levels(tables):
        known.setdefault(column, {})[value.casefold()] = value
    for column, values in known.items():
        spelt = "|".join(map(re.escape, sorted(values, key=len, reverse=True))) or r"(?:19|20)\d\d"
        row = re.compile(rf"(?<!\w)({spelt}){_BEHIND}", re.I)
        for cell in cells if not {*values} <= {"yes", "no"} or column == YEAR else ():
            found, seen = dict[tuple[int, int], dict[str, float]](), Counter[str]()
            for m in row.finditer(cell.text):
                value = values.get(m[1].casefold(), m[1])
                for place, number in enumerate(m[2].split()):
                    by = found.setdefault((seen[value], place), {})
                    by[value] = float(number.rstrip("%").replace(",", ""))
                seen[value] += 1
            yield from ((column, by) for by in found.values() if len(by) > 1)
