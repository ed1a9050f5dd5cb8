"""Holds a value of an answer against what its query gives: which number of the result it means, and if it is that."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
            for label in dict.fromkeys(number.group):
                for words in {plain(label), plain(_alias(label) or label)} - {plain("")}:
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


@lru_cache(maxsize=20_000)  # a long list that is told is held against each of many rows
def plain(text: str) -> str:
    """A text as single words of letters and digits in lower case, with a blank at both ends."""
    return f" {' '.join(re.findall(r'[^\W_]+', text.casefold()))} "


def _alias(label: str) -> str:
    """The word by which an answer tells a label of yes or no; "" for others."""
    return {"1": "yes", "true": "yes", "0": "no", "false": "no"}.get(label.casefold(), "")


def names(label: str, text: str) -> bool:
    """Whether a text names a label, as whole words."""
    word = _alias(label)
    return bool(plain(label).strip()) and (plain(label) in plain(text) or (bool(word) and plain(word) in plain(text)))


def meant(name: str, result: Result) -> list[Number]:
    """The numbers of a result that a value of this name can mean: all of them where it does not say which."""
    near = _named(name, result)
    groups = [n for n in near if all(names(g, name) for g in n.group)]
    if groups:
        longest = max(sum(map(len, n.group)) for n in groups)  # "very good" and not "good"
        scored = [(_alike(name, n.name), n) for n in groups if sum(map(len, n.group)) == longest]
    elif near:
        scored = [(sum(len(g) for g in n.group if names(g, name)) * 100 + _alike(name, n.name), n) for n in near]
    else:
        alike = {other: _alike(name, other) for other in {n.name for n in result.every}}
        scored = [(alike[n.name], n) for n in result.every]
    best = max((s for s, _ in scored), default=0)
    return [n for s, n in scored if s == best]


def _named(name: str, result: Result) -> list[Number]:
    """The numbers of groups a label of which a name holds, or that have none: looked up by the name's words, since a
    result of many rows is asked for as many names."""
    if not result.asked.groups:
        return list(result.every)
    words = plain(name).split()
    held = (f" {' '.join(words[at:end])} " for at in range(len(words)) for end in range(at + 1, len(words) + 1))
    return [result.every[place] for place in sorted({p for some in held for p in result.labelled.get(some, ())})]


def _alike(name: str, other: str) -> int:
    other = re.sub(r"^count$", "number of rows", other)
    said, known = set(plain(name).split()), set(plain(other).split())
    return len(said & known)


def half(value: float) -> float:
    """Half a unit of the last digit told, with a hair more for the way in which floats are kept."""
    text = repr(float(value) if isinstance(value, float) else value)
    if "e" in text:
        mantissa, _, power = text.partition("e")
        return 0.5 * 10.0 ** (int(power) - len(mantissa.partition(".")[2])) * 1.0001
    digits = len(text.partition(".")[2]) if isinstance(value, float) and not text.endswith(".0") else 0
    return max(0.5 * 10.0**-digits * 1.0001, 1e-9 * abs(value))


def equal(told: Cell, number: Number, unit: str = "") -> bool:
    """Whether a value is the number that was computed: within half a unit of the last digit told, a share in per cent
    or as a part of one."""
    got = number.value
    if isinstance(got, (list, tuple)):
        return any(equal(told, Number(number.group, number.name, g), unit) for g in got) or equal(
            told, Number(number.group, number.name, ", ".join(map(str, got))), unit
        )
    if told is None or got is None:
        return told is None and got is None
    if isinstance(told, str) or isinstance(got, str):
        return plain(str(told)) == plain(str(got)) or any(plain(str(told)) == plain(g) for g in number.group)
    if isinstance(told, bool) or isinstance(got, bool):
        return bool(told) == bool(got)
    scales = {1.0}
    if number.share:
        scales = {1.0, 0.01} if unit != "%" or abs(told) <= 1 else {1.0}
    elif unit in ("%", "pp"):
        scales = {1.0, 100.0}
    return any(near(float(told), float(got) * scale, half(told)) for scale in scales)


def near(told: float, got: float, within: float) -> bool:
    """Whether two numbers are as near as that; what is not a number is near to its like."""
    if math.isnan(told) or math.isnan(got):
        return math.isnan(told) and math.isnan(got)
    return abs(told - got) <= max(within, 1e-12)


def listed(told: str, result: Result) -> bool | None:
    """Whether a text of several values, with commas between them, holds those of a column of the rows, in any order.
    None where it holds them and more, as one does that is longer than what is computed."""
    said = {_listed(item) for item in told.split(", ")}
    columns = [
        {
            _listed(item)
            for v in column
            for item in ", ".join(map(_text, v if isinstance(v, (list, tuple)) else [v])).split(", ")
        }
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
    return text if len(text) <= _LONG else f"{text[:_LONG]} …"


_LONG = 200
"""Characters of a value that an objection tells."""
