"""Which columns are meant where a question names none: times, the measure, what divides the rows; what adds up."""

import re
from typing import Any

import pandas as pd

from notebooks.toolkit.columns import is_text, names
from notebooks.toolkit.dates import YEAR_NAME
from notebooks.toolkit.naming import ID_NAME
from notebooks.toolkit.phrases import unit_of

RATE_NAME = re.compile(
    r"rates?|ratios?|share|p(er)?ct|percent\w*|proportions?|prob\w*|per|scores?|ratings?|temp\w*|avg|averages?|means?|"
    r"medians?|index|rank|grades?|prices?|ages?|duration|days|hours|minutes|seconds|speed|density|lat\w*|lon\w*|year"
)
LEVEL_NAME = re.compile(
    r"levels?|stock|balance|inventory|population|ppm|co2|pressure|humidity|degrees?|value|close|open|high|low|users|"
    r"members|customers|staff|headcount|employees"
)
MONEY_UNITS = ("USD", "EUR", "GBP", "CHF", "$", "€", "£", "¥")


def is_time(s: Any) -> bool:
    """Whether a column holds times."""
    return bool(pd.api.types.is_datetime64_any_dtype(s))


def is_numeric(s: Any) -> bool:
    """Whether a column holds numbers, and not truth values."""
    return not (is_text(s) or is_time(s) or pd.api.types.is_bool_dtype(s))


def time_column(df: pd.DataFrame) -> str:
    """The table's first column of times, or else of years; empty where there is none."""
    times = [c for c in names(df) if is_time(df[c])]
    years = [c for c in names(df) if YEAR_NAME.search(c) and is_numeric(df[c]) and df[c].nunique() > 1]
    return (times + years + [""])[0]


def sums_up(df: pd.DataFrame, measure: str) -> bool:
    """Whether the sum of a measure over rows means something: of amounts and counts, and of no rate, score, price,
    temperature, length of time or stock."""
    if not is_numeric(df[measure]):
        return False
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", measure).lower())
    if any(RATE_NAME.fullmatch(w) or LEVEL_NAME.fullmatch(w) for w in words):
        return False
    unit = unit_of(measure)
    known = df[measure].dropna()
    fractions = bool(known.between(0, 1).all() and (known % 1 != 0).any())
    return not fractions and (not unit or unit.upper().removeprefix("K") in MONEY_UNITS or unit in ("kWh", "kg", "l"))


def measure_of(df: pd.DataFrame, but: list[str]) -> str:
    """The measure that is meant where none is named: the one column of numbers, or the one that two others multiply to;
    empty where that is open."""
    numbers = [c for c in names(df) if is_numeric(df[c]) and c not in but and df[c].nunique() > 12]
    numbers = [c for c in numbers if not ID_NAME.search(c)]
    products = [c for c in numbers if volume_of(df, c)]
    return numbers[0] if len(numbers) == 1 else products[0] if len(products) == 1 else ""


def segments_of(df: pd.DataFrame, but: list[str], most: int = 30) -> list[str]:
    """The columns that may divide the rows: texts and truth values of up to `most` levels, numbers of up to 12."""
    found = []
    for name in names(df):
        if name in but or is_time(df[name]):
            continue
        levels = df[name].nunique()
        if 2 <= levels <= (12 if is_numeric(df[name]) else most) and levels < 0.5 * len(df):
            found.append(name)
    return found


def volume_of(rows: pd.DataFrame, measure: str) -> tuple[str, str] | None:
    """The columns of volume and price that make up a measure: their product is its value in nearly every row."""
    numbers = [c for c in names(rows) if is_numeric(rows[c])]
    some = rows[numbers].dropna()
    numbers = [c for c in numbers if c != measure and some[c].nunique() > 1]
    if len(some) < 10 or measure not in some:
        return None
    value = some[measure].astype(float)
    found = list[tuple[bool, str, str]]()
    for i, a in enumerate(numbers):
        for b in numbers[i + 1 :]:
            near = (some[a] * some[b] - value).abs() <= 0.01 * value.abs() + 0.011
            if near.mean() > 0.98:
                whole = [bool((some[c] % 1 == 0).all()) for c in (a, b)]
                priced = bool(re.search("price|rate|cost", a, re.I)) or (whole[1] and not whole[0])
                found.append((not any(whole), *((b, a) if priced else (a, b))))
    return min(found)[1:] if found else None
