"""The vocabularies of made-up tables: what the rows are, and how columns of that trade are called and scaled."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Scale:
    """Where a column's numbers lie: centre and spread in the column's unit, and the decimals it is written with."""

    centre: float
    spread: float
    decimals: int


@dataclass(frozen=True)
class World:
    """One trade. `numbers` and `counts` map names to scales, `labels` maps names to their levels."""

    name: str
    key: str
    time: str
    lookup: str
    numbers: dict[str, Scale]
    counts: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]


def _world(name: str, key: str, time: str, lookup: str, numbers: str, counts: str, labels: str) -> World:
    """Read the short form: `name:centre:spread:decimals ...` and `name=level|level ...`."""
    scales = {}
    for word in numbers.split():
        column, centre, spread, decimals = word.split(":")
        scales[column] = Scale(float(centre), float(spread), int(decimals))
    levels = {c: tuple(v.replace("_", " ").split("|")) for c, v in (w.split("=") for w in labels.split())}
    return World(name, key, time, lookup, scales, tuple(counts.split()), levels)


WORLDS = tuple(_world(**trade) for trade in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8")))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(w.capitalize() for w in rest)


NAME_STYLES: tuple[Callable[[str], str], ...] = (
    str,
    str,
    str,
    lambda name: " ".join(w.capitalize() for w in name.split("_")),
    str.upper,
    _camel,
    lambda name: re.sub("_", ".", name),
)
"""How a table writes its headers; one is chosen per table, plain snake case most often."""
