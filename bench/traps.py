"""Sets traps in a table in the making: what a careless analyst would fall into, and what a careful one must name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.planting import Columns, Draft, noise
from bench.worlds import Scale

Spoiler = Callable[[np.random.Generator, pd.DataFrame], pd.DataFrame]
TWO_COLUMN = [
    "correlation", "group_difference", "driver", "nonlinear_association", "association", "lag_relation", "ab_effect",
]  # fmt: skip


def trap(d: Draft, kind: str, columns: Sequence[str], bites: Sequence[str] = (), **params: Any) -> None:
    """Note a trap in the truth. `bites` are the kinds of claim that fall into it, on all its first columns."""
    bitten = [{"kinds": list(bites), "columns": list(columns[:2])}] if bites else []
    d.traps.append({"kind": kind, "columns": list(columns), "params": params, "bites": bitten})


def _own_number(d: Draft) -> str:
    """A numeric column that carries nothing else; a third of the time one that already carries an effect."""
    used = [
        c
        for e in d.effects
        if e.kind in ("correlation", "group_difference")
        for c in e.columns
        if c in d.scales and not any(c in t["columns"] for t in d.traps)
    ]
    if used and d.rng.random() < 0.33:
        return str(d.rng.choice(used))
    name = d.number()
    d.add(d.simple_number(name))
    return name


def sentinel_values(d: Draft) -> Spoiler:
    y, share = _own_number(d), d.rng.uniform(0.012, 0.06)
    s = d.scales[y]
    low = [v for v in (-999.0, -99.0, -1.0, -9999.0) if v < s.centre - 9 * s.spread]
    high = [v for v in (999.0, 9999.0, 99999.0) if v > s.centre + 9 * s.spread]
    code = float(d.rng.choice(low + high or [9_999_999.0]))
    trap(d, "sentinel_values", [y], ["outliers", "distribution_shape"])
    if y in d.plain:
        d.plain.remove(y)

    def spoil(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[rng.random(len(frame)) < share, y] = code
        return frame

    return spoil


def mixed_units(d: Draft) -> Spoiler:
    y = d.number()
    d.add(d.simple_number(y))
    s, share = d.scales[y], d.rng.uniform(0.04, 0.2)
    choices = (1000.0, 100.0, 60.0, 25.4, 0.001, 0.01, 2.2046)
    factors = [f for f in choices if abs(f - 1) * s.centre > 9 * s.spread * max(f, 1)]
    factor = float(d.rng.choice(factors or [1000.0]))
    trap(d, "mixed_units", [y], ["outliers", "distribution_shape", "clusters"])

    def spoil(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
        where = rng.random(len(frame)) < share
        told = frame.loc[where, y] * factor
        frame.loc[where, y] = [float(f"{v:.6g}") for v in told]
        return frame

    return spoil


def censored_values(d: Draft) -> Spoiler:
    y, share, floor = _own_number(d), d.rng.uniform(0.06, 0.15), bool(d.rng.random() < 0.4)
    trap(d, "censored_values", [y], ["outliers"])

    def spoil(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
        limit = float(frame[y].quantile(share if floor else 1 - share))
        frame[y] = frame[y].clip(lower=limit) if floor else frame[y].clip(upper=limit)
        return frame

    return spoil


def constant_column(d: Draft) -> Spoiler:
    y = d.label() or d.number()
    levels = d.levels.get(y, (d.scales[y].centre, d.scales[y].centre + 1) if y in d.scales else ())
    strays = int(d.rng.integers(0, 3)) if d.rows >= 500 else 0
    trap(d, "constant_column", [y], TWO_COLUMN)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        out[y] = np.full(n, levels[0], dtype=object)
        out[y][rng.choice(n, strays, replace=False)] = levels[1]

    d.add(make)
    return _same


def identifier_column(d: Draft) -> Spoiler:
    y, kind = d.number(), str(d.rng.choice(["shuffled", "gaps", "text"]))
    name = str(d.rng.choice(["record", "doc_no", "entry", "serial", "ticket", y]))
    d.parents[name] = d.parents.pop(y)
    start = int(d.rng.choice([1, 1000, 40_000, 7_000_000]))
    trap(d, "identifier_column", [name], [*TWO_COLUMN, "outliers", "clusters"])

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        step = rng.integers(1, 5, n) if kind == "gaps" else 1
        numbers = rng.permutation(start + np.cumsum(np.broadcast_to(step, n)))
        prefix = name[:2].upper()
        out[name] = np.array([f"{prefix}-{v:08d}" for v in numbers], dtype=object) if kind == "text" else numbers

    d.add(make)
    return _same


def inconsistent_categories(d: Draft) -> Spoiler | None:
    y = d.label(cased=True)
    if y is None:
        return None
    d.add(d.levels_drawn(y))
    share = d.rng.uniform(0.08, 0.3)
    trap(d, "inconsistent_categories", [y])
    d.traps[-1]["bites"] = [{"kinds": [], "columns": [y]}]
    ways: list[Callable[[str], str]] = [str.upper, str.lower, lambda v: v + " ", lambda v: " " + v, str.title]

    def spoil(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
        where = np.flatnonzero(rng.random(len(frame)) < share)
        told = frame[y].to_numpy(dtype=object).copy()
        for i in where:
            told[i] = ways[int(rng.integers(len(ways)))](str(told[i]))
        frame[y] = told
        return frame

    return spoil


def redundant_columns(d: Draft) -> Spoiler:
    a, b, total = d.number(), d.number(), d.number()
    form = str(d.rng.choice(["sum", "difference", "scaled"]))
    if form == "scaled":
        d.parents[total] = [a]
        trap(d, "redundant_columns", [total, a], TWO_COLUMN)
    else:
        d.parents[total] = [a, b]
        trap(d, "redundant_columns", [total, a, b], TWO_COLUMN)
        d.traps[-1]["bites"][0]["columns"] = [total]
    factor = float(d.rng.choice([1.8, 0.4536, 3.6, 1000.0, 1.21]))
    decimals = max(d.scales[a].decimals, d.scales[b].decimals)
    d.scales[total] = Scale(0, 1, min(decimals + 1, 5))

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        for name in (a, b):
            out[name] = np.round(d.scaled(name, noise(rng, n)), d.scales[name].decimals)
        if form == "scaled":
            out[total] = factor * out[a]
        else:
            out[total] = out[a] + out[b] if form == "sum" else out[a] - out[b]

    d.add(make)
    d.plain += [a, b]
    return _same


def leverage_point(d: Draft) -> Spoiler:
    x, y = d.number(), d.number()
    trap(d, "leverage_point", [x, y], TWO_COLUMN)
    sign = d.sign()

    def spoil(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
        rows = rng.choice(len(frame), 1)
        far = rng.uniform(0.55, 0.75) * np.sqrt(len(frame))
        frame.loc[rows, x] = np.round(d.scaled(x, far), d.scales[x].decimals)
        frame.loc[rows, y] = np.round(d.scaled(y, sign * far), d.scales[y].decimals)
        return frame

    d.add(d.simple_number(x), d.simple_number(y))
    return spoil


def small_sample(d: Draft) -> Spoiler | None:
    g = d.label(3)
    if g is None:
        return None
    y = d.number()
    d.add(d.levels_drawn(g), d.simple_number(y))
    d.plain.append(y)
    rare, rest = d.levels[g][0], d.levels[g][1:]
    many, lift = int(d.rng.integers(3, 6)), d.sign() * d.rng.uniform(1.2, 1.9)
    trap(d, "small_sample", [g], level=rare)
    d.traps[-1]["bites"] = [{"kinds": ["group_difference", "driver"], "columns": [y, g]}]

    def spoil(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
        held = frame[g] == rare
        frame.loc[held, g] = rng.choice(np.array(rest, dtype=object), int(held.sum()))
        rows = rng.choice(len(frame), many, replace=False)
        frame.loc[rows, g] = rare
        s = d.scales[y]
        frame.loc[rows, y] = np.round(frame.loc[rows, y] + lift * s.spread, s.decimals)
        return frame

    return spoil


def simpsons_paradox(d: Draft) -> Spoiler | None:
    g = d.label(3)
    if g is None:
        return None
    k, continuous, sign = len(d.levels[g]), bool(d.rng.random() < 0.5), d.sign()
    x = d.number([g]) if continuous else next((c for c in d.world.labels if c in d._labels), None)
    if x is None:
        return None
    if not continuous:
        d._labels.remove(x)
        d.levels[x], d.parents[x] = ("no", "yes"), [g]
    y = d.number([x, g])
    places = np.linspace(-1, 1, k)[d.rng.permutation(k)]
    draw = d.levels_drawn(g)
    inside = 9 / np.sqrt(d.rows)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        draw(rng, n, out)
        place = pd.Series(out[g]).map(dict(zip(d.levels[g], places, strict=True))).to_numpy(float)
        if continuous:
            within = 0.75 * noise(rng, n)
            out[x] = d.scaled(x, place + within)
            step = within / 0.75
        else:
            yes = rng.random(n) < 0.5 + 0.36 * place
            out[x] = np.where(yes, "yes", "no").astype(object)
            step = 2 * (yes - 0.5)
        r = np.clip(max(inside, 0.25), 0.25, 0.5)
        out[y] = d.scaled(y, sign * (2.2 * place - r * step) / 2 + 0.5 * noise(rng, n))

    d.add(make)
    trap(d, "simpsons_paradox", [x, y, g], TWO_COLUMN, within_direction="-" if sign > 0 else "+")
    return _same


def duplicate_rows(d: Draft) -> Spoiler:
    share = float(d.rng.uniform(0.02, 0.09))
    trap(d, "duplicate_rows", [], fraction=share)

    def spoil(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
        again = frame.iloc[rng.choice(len(frame), max(3, int(share * len(frame))), replace=False)]
        both = pd.concat([frame, again], ignore_index=True)
        return both.iloc[rng.permutation(len(both))].reset_index(drop=True)

    return spoil


def confounding(d: Draft, target: str, driver: str) -> Spoiler:
    z = d.number([driver])
    d.scales[z] = Scale(d.scales[z].centre, d.scales[z].spread, max(d.scales[z].decimals, 2))
    r = d.rng.uniform(0.7, 0.85) * d.sign()

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        s = d.scales[driver]
        told = (out[driver] - s.centre) / s.spread
        out[z] = d.scaled(z, r * told + np.sqrt(1 - r * r) * noise(rng, n))

    d.add(make)
    trap(d, "confounding", [z, target, driver], ["driver"])
    return _same


def target_leakage(d: Draft, target: str) -> Spoiler:
    z, slack, factor = d.number([target]), d.rng.uniform(0.08, 0.15), float(d.rng.choice([10.0, 4.0, -6.0, 2.0]))
    d.scales[z] = Scale(0, 1, 3)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        y = np.asarray(out[target], float)
        out[z] = factor * y + abs(factor) * slack * y.std() * noise(rng, n)

    d.add(make)
    trap(d, "target_leakage", [z, target])
    d.traps[-1]["bites"] = [{"kinds": ["driver"], "columns": [z]}]
    return _same


def split_contamination(d: Draft) -> Spoiler:
    name, levels = (
        ("split", ("train", "test")),
        ("fold", ("train", "holdout")),
        ("partition", ("training", "validation")),
        ("dataset", ("train", "test")),
    )[int(d.rng.integers(4))]
    d.parents[name] = []
    test, leak = d.rng.uniform(0.2, 0.35), d.rng.uniform(0.05, 0.1)
    trap(d, "split_contamination", [name])
    d.natural_duplicates = True

    def spoil(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
        frame[name] = np.where(rng.random(len(frame)) < test, levels[1], levels[0])
        train = frame[frame[name] == levels[0]]
        copies = train.iloc[rng.choice(len(train), int(leak * len(frame)), replace=False)].assign(**{name: levels[1]})
        both = pd.concat([frame, copies], ignore_index=True)
        return both.iloc[rng.permutation(len(both))].reset_index(drop=True)

    return spoil


def _same(rng: np.random.Generator, frame: pd.DataFrame) -> pd.DataFrame:
    return frame


TRAPS: dict[str, Callable[[Draft], Spoiler | None]] = {
    f.__name__: f
    for f in (
        sentinel_values, mixed_units, censored_values, constant_column, identifier_column, inconsistent_categories,
        redundant_columns, leverage_point, small_sample, simpsons_paradox, duplicate_rows,
    )
}  # fmt: skip
"""Each sets one trap of its kind among fresh columns; None when the table has no columns left for it."""
