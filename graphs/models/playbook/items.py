"""What a question is read as, word by word: items, and how the words and the units of names are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

DIMENSIONS: Sequence[Mapping[str, float]] = (
    {"mg": 1e-3, "g": 1, "gram": 1, "kg": 1e3, "kilo": 1e3, "kilogram": 1e3, "tonne": 1e6, "lb": 453.592},
    {"mm": 1, "millimetre": 1, "cm": 10, "centimetre": 10, "m": 1e3, "metre": 1e3, "meter": 1e3, "km": 1e6},
    {"ms": 1e-3, "s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600},
)
LONG_UNITS: Mapping[str, Sequence[str]] = {
    "km": ("kilometre", "kilometres", "kilometer", "kilometers", "kms"),
    "kg": ("kilo", "kilos", "kilogram", "kilograms"),
    "mm": ("millimetres", "millimeters"),
    "cm": ("centimetres", "centimeters"),
}
"""The long forms of units."""
UNITS = frozenset(
    [
        "year",
        "dollar",
        "usd",
        "eur",
        "euro",
        "pound",
        "gbp",
        "percent",
        "pct",
        "ppm",
        "degree",
        "celsius",
        "fahrenheit",
        "c",
        "f",
        "k",
        "mile",
        "mph",
        "unit",
        "point",
    ]
)


@dataclass(frozen=True)
class Item:
    """Some words and what they are. `columns` are those that can be meant, `value` depends on the kind.

    A aggregate, S superlative, Z comparative, C column, Y column of yes and no, V value, N number, R ordinal,
    O comparison, T time, G grain of time, B per, W which, H who or when, E what a row is, X not, M missing, J and,
    D or, P preposition, K is or has, r rate, c columns, p pair of, U not understood.
    """

    kind: str
    text: str
    value: Any = None
    columns: tuple[str, ...] = ()
    sure: int = 0
    unit: str = ""


_ODD = {"men": "man", "women": "woman", "people": "person", "children": "child", "mice": "mous", "feet": "foot"}


@lru_cache(maxsize=65536)  # each word of a question is held against each column and value, and again for each reading
def root(word: str) -> str:
    """What the forms of a word share: penguins, penguin → penguin; delayed, delay → delay; price, pricing → pric."""
    word = re.sub(r"['’]s$", "", word.lower())
    if word in ("species", "series", "sales", "sex", "gas", "bus", "status", "less"):
        return word
    if word in _ODD:
        return _ODD[word]
    for ending, instead in (("ies", "y"), ("ie", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            word = word[: -len(ending)] + instead
            break
    else:
        if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
            word = word[:-1]
    if word.endswith("ission"):
        return word[:-6] + "it"  # readmission, readmitted
    for ending, least in (("ation", 10), ("al", 7)):
        if word.endswith(ending) and len(word) >= least:
            return word[: -len(ending)]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            word = word[: -len(ending)]
            word = word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl" else word
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def parts(name: str) -> list[str]:
    """The words of a name: `billLength_mm` → bill, length, mm."""
    return [t.lower() for t in re.findall(r"[^\W\d_]+|\d+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))]


@lru_cache(maxsize=4096)
def unit_of(column: str) -> str:
    """The unit at the end of a column's name, or nothing."""
    words = parts(column)
    last = words[-1] if len(words) > 1 else ""
    return last if last in UNITS or any(last in d for d in DIMENSIONS) else ""


def measured_as(column: str, kinds: Sequence[str]) -> bool:
    """Whether a column is in a unit of what is said: kilometres of a length, minutes of a duration, grams of a mass."""
    unit, said = unit_of(column), set(kinds)
    masses, lengths, times = DIMENSIONS
    return unit in (
        {*(masses if said & {"mass", "weight"} else ())}
        | {*(lengths if said & {"length", "height", "depth", "width"} else ())}
        | {*(times if "duration" in said else ())}
    )


def plain(word: str) -> str:
    """A word in lower case, with umlauts as two letters: Köln, Koeln → koeln."""
    return re.sub("[äöüß]", lambda m: {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}[m[0]], word.lower())


def _told_unit(column: str) -> str:
    """The only unit that a column's name has written out anywhere: minutes of WaitMinutes, hours of hours_to_close."""
    words = [w.removesuffix("s") for w in parts(column) if len(w) > 3]
    told = [w for w in words if any(w in units for units in DIMENSIONS)]
    return told[0] if len(told) == 1 and len(parts(column)) > 1 else ""


def convert(value: float, unit: str, column: str) -> float | None:
    """A number in the column's own unit; None where its unit is of another kind."""
    own = unit_of(column) or _told_unit(column)
    for units in DIMENSIONS:
        if unit in units and own in units:
            return float(f"{value * units[unit] / units[own]:.12g}")
        if (unit in units and own and own not in units) or (own in units and unit and unit not in units):
            return None
    return value
