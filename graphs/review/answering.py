"""Holds a value of an answer against what its query gives: which number of the result it means, and if it is that."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from graphs.questions import conditions
from graphs.questions.query import Measure

Cell = float | int | bool | str | None


@dataclass(frozen=True)
class Asked:
    """Which columns of a result are groups and which are values; `measures` are those of them that are statistics."""

    groups: tuple[str, ...]
    values: tuple[str, ...]
    measures: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True)
class Number:
    """One value of a result, with the group that it is of."""

    group: tuple[str, ...]
    name: str
    value: Any
    share: bool = False


@dataclass(frozen=True)
class Result:
    """What a query gave: rows of groups and values; or `why` it could not be computed."""

    asked: Asked = Asked((), ())
    rows: tuple[tuple[Any, ...], ...] = ()
    why: str = ""

    @cached_property
    def every(self) -> tuple[Number, ...]:
        """Its numbers, row by row."""
        return tuple(self.numbers())

    @cached_property
    def labelled(self) -> dict[str, list[int]]:
        """The places in `every` of the numbers of each label of a group, by the words that name it."""
        places: dict[str, list[int]] = {}
        for place, number in enumerate(self.every):
            for words in set[str]().union(*map(_spelt, number.group)):
                places.setdefault(words, []).append(place)
        return places

    def numbers(self) -> Iterator[Number]:
        many = len(self.asked.groups)
        for row in self.rows:
            group = tuple(map(str, row[:many]))
            for name, value in zip(self.asked.values, row[many:], strict=True):
                measure = self.asked.measures.get(name)
                yield Number(group, name, value, measure is not None and measure.op == "share")


def measure_name(measure: Measure) -> str:
    """A name for a measure that has none, which no other measure of a query shares."""
    of = " ".join(filter(None, (measure.op, measure.of, measure.other)))
    p = f" {measure.p}" if measure.p is not None else ""
    return measure.name or of + p + (
        f" where {conditions.in_words(measure.where, lambda s: 'a number')}" if measure.where else ""
    )


_QUARTER = re.compile(r"\b(?:(\d{4})[ -]?q([1-4])|q([1-4])[ -](\d{4}))\b")
"""A quarter of a year as pandas, SQL and people write it: 2023Q4, 2023-Q4, Q4 2023."""


@lru_cache(maxsize=20_000)  # a long list that is told is held against each of many rows
def plain(text: str) -> str:
    """A text as single words of letters and digits in lower case, with a blank at both ends; quarters in one form."""
    alike = _QUARTER.sub(lambda m: f"{m[1] or m[4]} q{m[2] or m[3]}", text.casefold())
    return f" {' '.join(re.findall(r'[^\W_]+', alike))} "


def _spelt(label: str) -> set[str]:
    """The words that name a label: its own, and those by which an answer tells yes and no."""
    alias = {"1": "yes", "true": "yes", "0": "no", "false": "no"}.get(label.casefold(), label)
    return {plain(label), plain(alias)} - {plain("")}


def names(label: str, text: str) -> bool:
    """Whether a text names a label, as whole words."""
    return any(words in plain(text) for words in _spelt(label))


def meant(name: str, result: Result) -> list[Number]:
    """The numbers of a result that a value of this name can mean: of the groups that it names, "very good" before
    "good", those whose own names are most like it; all of them where it does not say which."""
    near = _named(name, result)
    scored = []
    for number in near or result.every:
        said = [label for label in number.group if names(label, name)] if near else []
        scored.append(((len(said) == len(number.group), sum(map(len, said)), _alike(name, number.name)), number))
    best = max((score for score, _ in scored), default=None)
    return [number for score, number in scored if score == best]


def _named(name: str, result: Result) -> list[Number]:
    """The numbers of groups a label of which a name holds: looked up by the name's words, since a result of many rows
    is asked for as many names."""
    words = plain(name).split()
    held = (f" {' '.join(words[at:end])} " for at in range(len(words)) for end in range(at + 1, len(words) + 1))
    return [result.every[place] for place in sorted({p for some in held for p in result.labelled.get(some, ())})]


@lru_cache(maxsize=20_000)
def _alike(name: str, other: str) -> int:
    """How many words two names share."""
    return len({*plain(name).split()} & {*plain("number of rows" if other == "count" else other).split()})


def half(value: float) -> float:
    """Half a unit of the last digit told, with a hair more for the way in which floats are kept."""
    places = Decimal(str(value).removesuffix(".0")).as_tuple().exponent
    return max(0.5 * 10.0**places * 1.0001, 1e-9 * abs(value)) if isinstance(places, int) else 0.5


_MIDNIGHT = " 00:00:00"
_WEEK = re.compile(r"^(\d{4}-\d\d-\d\d)/\d{4}-\d\d-\d\d$")
"""A week by its first and last day, which SQL tells by its first."""
"""What a day is written with where it was read as a time."""


def equal(told: Cell, number: Number, unit: str = "") -> bool:
    """Whether a value is the number that was computed: within half a unit of the last digit told, a share in per cent
    or as a part of one."""
    got = number.value
    if isinstance(got, (list, tuple)):
        return any(equal(told, replace(number, value=v), unit) for v in (*got, ", ".join(map(str, got))))
    if told is None or got is None:
        return told is None and got is None
    if isinstance(told, str) or isinstance(got, str):
        said = plain(_WEEK.sub(r"\1", str(told)).removesuffix(_MIDNIGHT))
        return said == plain(str(got).removesuffix(_MIDNIGHT)) or any(said == plain(g) for g in number.group)
    if isinstance(told, bool) or isinstance(got, bool):
        return bool(told) == bool(got)
    if math.isnan(told) or math.isnan(got):
        return math.isnan(told) and math.isnan(got)
    if number.share:
        scales = (1.0,) if unit == "%" and abs(told) > 1 else (1.0, 0.01)
    else:
        scales = (1.0, 100.0) if unit in ("%", "pp") else (1.0,)
    return any(abs(told - got * scale) <= max(half(told), 1e-12) for scale in scales)


def listed(told: str, result: Result) -> bool | None:
    """Whether a text of several values, with commas between them, holds those of a column of the rows, in any order.
    None where it holds them and more, as one does that is longer than what is computed."""
    said = {_listed(item) for item in told.split(", ")}
    columns = [
        {_listed(_text(item)) for v in column for item in (v if isinstance(v, (list, tuple)) else (v,))}
        for column in zip(*result.rows, strict=True)
    ]
    return True if said in columns else None if any(of < said for of in columns) else False


def _text(value: Any) -> str:
    """A value as a list of them tells it."""
    if value is None or isinstance(value, bool):
        return "missing" if value is None else "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _listed(text: str) -> str:
    """A time without what says that it is no later: midnight, seconds. A fraction without what only floats tell."""
    if re.fullmatch(r"-?\d+\.\d{9,}", text):
        return f"{float(text):.9g}"
    return re.sub(r"^(\d{4}-\d\d-\d\d)(?:[ T](?:00:00|(\d\d:\d\d))(?::\d\d(?:\.\d+)?)?)?$", r"\1 \2", text).strip()


def shown(value: Any) -> str:
    """A computed value as an objection tells it."""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.2f}"
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text if len(text) <= 200 else f"{text[:200]} …"
