"""The units that a column's name and a sentence say, and how one is told in the other."""

from __future__ import annotations

import re
from functools import cache

_TABLE = """
money   | 0.01     | cent cents ct cts pence pennies rappen
money   | 1        | eur euro euros € usd dollar dollars $ gbp pound pounds £ chf francs
money   | 1e3      | keur k€ kusd teur
time    | 1e-3     | ms millisecond milliseconds msec
time    | 1        | s sec secs second seconds
time    | 60       | min mins minute minutes
time    | 3600     | h hr hrs hour hours
time    | 86400    | d day days
time    | 604800   | wk week weeks
time    | 2629800  | month months
time    | 31557600 | yr yrs year years
length  | 1e-3     | mm millimetre millimetres millimeters
length  | 1e-2     | cm centimetre centimetres centimeters
length  | 1        | m metre metres meter meters
length  | 1e3      | km kilometre kilometres kilometers
length  | 1609.344 | mile miles
length  | 0.0254   | inch inches
length  | 0.3048   | ft foot feet
mass    | 1e-3     | mg milligrams
mass    | 1        | g gram grams gramme grammes
mass    | 1e3      | kg kilo kilos kilogram kilograms
mass    | 453.592  | lb lbs
mass    | 1e6      | t ton tons tonne tonnes
area    | 1e4      | ha hectare hectares
volume  | 1e-3     | ml millilitres
volume  | 1        | l litre litres liter liters
energy  | 1        | wh
energy  | 1e3      | kwh
energy  | 1e6      | mwh
"""
_UNITS = {
    name: (dimension.strip(), float(size))
    for dimension, size, named in (line.split("|") for line in _TABLE.strip().splitlines())
    for name in named.split()
}
_ALONE = re.compile(r"^[^\W\d_]$")


def is_unit(word: str) -> bool:
    """Whether a word in small letters is the name of a unit."""
    return word in _UNITS


@cache
def of_column(name: str) -> tuple[str, float] | None:
    """Dimension and size of the unit that a column's name ends in or holds: `amount_cents`, `Weight (kg)`."""
    parts = re.findall(r"[^\W\d_]+|[€$£]", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    known = [
        _UNITS.get(p.lower()) if not _ALONE.match(p) or (p == parts[-1] and len(parts) > 1) else None for p in parts
    ]
    found = [i for i, unit in enumerate(known) if unit is not None]
    while found[1:] and found[-2] == found[-1] - 1 and len(found) < len(parts):  # of `profit_eur_ha` the euros
        found.pop()
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
