"""Plants trends, seasons, shifts and lags in time series, with the traps that time sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from bench.planting import Columns, Draft, Effect
from bench.traps import TWO_COLUMN, Spoiler, trap

CALENDARS = (("D", 7, (420, 900)), ("MS", 12, (180, 300)), ("W-MON", 52, (210, 330)), ("h", 24, (500, 1100)))
"""Frequency, season in steps, and bounds of the length in steps."""


def drifting_noise(rng: np.random.Generator, n: int, rho: float) -> Any:
    """n values of an autoregressive series of order one, with mean 0 and standard deviation 1."""
    steps = rng.standard_normal(n + 50)
    out = np.empty(n + 50)
    out[0] = steps[0]
    for i in range(1, n + 50):
        out[i] = rho * out[i - 1] + np.sqrt(1 - rho * rho) * steps[i]
    return out[50:]


class Clock:
    """The dates of a table and how they are written."""

    def __init__(self, rng: np.random.Generator, hourly: bool = True) -> None:
        freq, self.period, (low, high) = CALENDARS[int(rng.integers(4 if hourly else 3))]
        self.rows = int(rng.integers(low, high))
        start = pd.Timestamp("2009-01-05") + pd.Timedelta(days=int(rng.integers(0, 2600)))
        self.dates = pd.date_range(start.normalize(), periods=self.rows, freq=freq)
        self.hourly = freq == "h"
        self.style = (
            "%Y-%m-%d %H:%M" if self.hourly else str(rng.choice(["%Y-%m-%d", "%Y-%m-%d", "%Y/%m/%d", "%d %b %Y"]))
        )

    @property
    def step_days(self) -> float:
        return float((self.dates[-1] - self.dates[0]) / pd.Timedelta(days=1) / (self.rows - 1))


def _memory(d: Draft) -> float:
    return float(d.rng.uniform(0, 0.4))


def trend(d: Draft, clock: Clock) -> None:
    y, sign, rho = d.number([d.world.time]), d.sign(), _memory(d)
    wide = np.sqrt((1 + rho) / (1 - rho))
    rise = float(d.rng.uniform(9, 15) * wide * np.sqrt(12 / clock.rows)) * sign

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        out[y] = d.scaled(y, rise * (np.arange(n) / n - 0.5) + drifting_noise(rng, n, rho))

    d.add(make)
    slope = {"slope_per_step": rise * d.scales[y].spread / clock.rows}
    d.effects.append(Effect("trend", (y,), {"direction": "+" if sign > 0 else "-"}, None, dict(slope), dict(slope)))


def seasonality(d: Draft, clock: Clock) -> None:
    y, rho, height = d.number([d.world.time]), _memory(d), d.rng.uniform(0.9, 1.5)
    phase, second = d.rng.uniform(0, 2 * np.pi), d.rng.uniform(0, 0.4)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        turn = 2 * np.pi * np.arange(n) / clock.period + phase
        out[y] = d.scaled(y, height * (np.sin(turn) + second * np.sin(2 * turn)) + drifting_noise(rng, n, rho))

    d.add(make)
    period = {"period": clock.period}
    d.effects.append(Effect("seasonality", (y,), {}, None, dict(period), dict(period)))
    d.flat.append(y)


def change_point(d: Draft, clock: Clock) -> None:
    y, rho, step = d.number([d.world.time]), float(d.rng.uniform(0, 0.25)), d.rng.uniform(1.7, 2.8) * d.sign()
    where = int(clock.rows * d.rng.uniform(0.25, 0.75))

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        out[y] = d.scaled(y, step * (np.arange(n) >= where) + drifting_noise(rng, n, rho))

    d.add(make)
    shift = {"mean_shift": float(step * d.scales[y].spread)}
    slack = max(2, int(0.02 * clock.rows)) * clock.step_days
    params = {"at_date": str(clock.dates[where].date()), "tolerance_days": max(1, round(slack))}
    d.effects.append(Effect("change_point", (y,), params, None, dict(shift), dict(shift)))
    d.flat.append(y)


def lag_relation(d: Draft, clock: Clock) -> None:
    x = d.number()
    y, lag, r = d.number([x]), int(d.rng.integers(2, 9)), d.rng.uniform(0.5, 0.75) * d.sign()

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        told = rng.standard_normal(n + lag)
        out[x] = d.scaled(x, told[lag:])
        out[y] = d.scaled(y, r * told[:n] + np.sqrt(1 - r * r) * rng.standard_normal(n))

    d.add(make)
    d.effects.append(Effect("lag_relation", (x, y), {}, None, {"lag": lag}, {"lag": lag}))
    d.flat.append(y)


def spurious_trend_correlation(d: Draft, clock: Clock) -> Spoiler | None:
    """Two wanderers that have nothing to do with one another and correlate all the same, past 0.75."""
    x, y, walk = d.number(), d.number(), bool(d.rng.random() < 0.6)

    def path(rng: np.random.Generator, n: int) -> Any:
        drift = rng.choice([-1, 1]) * rng.uniform(3, 5) * np.arange(n) / n
        return drift + (np.cumsum(rng.standard_normal(n)) / np.sqrt(n) if walk else 0) + 0.25 * rng.standard_normal(n)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        while True:
            a, b = path(rng, n), path(rng, n)
            if (
                abs(np.corrcoef(a, b)[0, 1]) > 0.75
                and abs(np.corrcoef(np.diff(a), np.diff(b))[0, 1]) * np.sqrt(n) < 1.6
            ):
                break
        out[x], out[y] = d.scaled(x, a), d.scaled(y, b)

    d.add(make)
    trap(d, "spurious_trend_correlation", [x, y], TWO_COLUMN)
    return None


def incomplete_period(d: Draft, clock: Clock) -> Spoiler | None:
    """A sum over a period that has not ended: the last value is a fraction of the others."""
    y, part, rho = d.number(), d.rng.uniform(0.15, 0.5), _memory(d)
    centre = d.scales[y].centre

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        out[y] = np.abs(centre) * (1 + 0.05 * drifting_noise(rng, n, rho))
        out[y][-1] *= part

    d.add(make)
    trap(d, "incomplete_period", [y], ["change_point", "trend"])
    return None


def idle(d: Draft, clock: Clock) -> None:
    """A series in which nothing happens, though it remembers a little."""
    y, rho = d.number(), _memory(d)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        out[y] = d.scaled(y, drifting_noise(rng, n, rho))

    d.add(make)
    d.flat.append(y)


EFFECTS: dict[str, Callable[[Draft, Clock], None]] = {
    f.__name__: f for f in (trend, seasonality, change_point, lag_relation)
}
TRAPS: dict[str, Callable[[Draft, Clock], Spoiler | None]] = {
    f.__name__: f for f in (spurious_trend_correlation, incomplete_period)
}
