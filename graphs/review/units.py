"""The units that a column's name and a sentence say, and how one is told in the other."""

from __future__ import annotations

import re
from functools import cache

from graphs.questions.reader import lexicon
from graphs.questions.values import IN_ITS_UNIT

IN_UNIT = (*IN_ITS_UNIT, "mode")
"""The statistics that are in the unit of their column."""
_UNITS = {
    name: (dimension, float(size))
    for dimension, sizes in lexicon.section("units").items()
    for name, size in sizes.items()
}
_ALONE = re.compile(r"^[^\W\d_]$")


def is_unit(word: str) -> bool:
    """Whether a word in small letters is the name of a unit."""
    return word in _UNITS


@cache
def of_column(name: str) -> tuple[str, float] | None:
    """Dimension and size of the unit that a column's name ends in or holds: `amount_cents`, `Weight (kg)`."""
    parts = re.findall(r"[^\W\d_]+|[€$£]", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    units = [_UNITS.get(part.lower()) for part in parts]  # a single letter is one at the end, before units only
    known = [None if _ALONE.match(p) and (i == 0 or None in units[i:]) else units[i] for i, p in enumerate(parts)]
    found = [i for i, unit in enumerate(known) if unit is not None]
    return known[found[-1]] if found else None


def of_text(text: str) -> tuple[str, float] | None:
    """Dimension and size of the unit that a text begins with, as it follows a number: " euros on average"."""
    match = re.match(r"\s?(?:(?:thousand|million|billion) )?\(?([^\W\d_]+|[€$£])(?!\w)", text)
    return _UNITS.get(match[1].lower()) if match else None


def conversions(after: str) -> set[float]:
    """By what numbers in other units of its dimension are multiplied to be told in the unit that a text begins with."""
    told = of_text(after)
    return {size / told[1] for d, size in _UNITS.values() if told is not None and d == told[0] and size != told[1]}


def factor(column: str, unit: str) -> float | None:
    """What a number in a column's unit is multiplied by to be told in another one; None where they are the same, or
    nothing is known."""
    own, told = of_column(column), of_text(unit)
    if own is None or told is None or own[0] != told[0] or own[1] == told[1]:
        return None
    return own[1] / told[1]
