"""Plants trends, seasons, shifts and lags in time series, with the traps that time sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from bench.planting import Columns, Draft, Effect
from bench.traps import TWO_COLUMN, Spoiler, trap

CALENDARS = (
    ("D", 7, (90, 1200), ("%Y-%m-%d", "%Y-%m-%d", "%Y/%m/%d", "%d %b %Y", "%d.%m.%Y", "%d/%m/%Y", "%Y%m%d", "epoch")),
    ("D", 7, (420, 900), ("%Y-%m-%d",)),
    ("MS", 12, (72, 300), ("%Y-%m-%d", "%Y-%m", "%b %Y", "%B %Y", "%Y-%m-01T00:00:00")),
    ("W-MON", 52, (210, 330), ("%Y-%m-%d", "%d %b %Y", "%G-W%V")),
    ("h", 24, (300, 1400), ("%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "epoch")),
    ("QS", 4, (60, 140), ("%Y-%m-%d", "quarter")),
    ("YS", 0, (60, 150), ("%Y",)),
)
"""Frequency, season in steps (0: none), bounds of the length in steps, and how the dates may be written."""


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

    def __init__(self, rng: np.random.Generator, seasonal: bool) -> None:
        able = [c for c in CALENDARS if c[1] or not seasonal]
        freq, self.period, (low, high), styles = able[int(rng.integers(len(able)))]
        self.rows = int(rng.integers(low, high))
        years = {"YS": 1850, "QS": 1962}.get(freq, 2009)
        start = pd.Timestamp(f"{years}-01-05") + pd.Timedelta(days=int(rng.integers(0, 2600)))
        self.dates = pd.date_range(start.normalize(), periods=self.rows, freq=freq)
        self.style = str(rng.choice(styles))

    def written(self) -> Any:
        """The dates as the file has them: text, or whole numbers of years, days or seconds."""
        if self.style == "quarter":
            return self.dates.to_period("Q").astype(str)
        if self.style == "epoch":
            return (self.dates - pd.Timestamp(0)) // pd.Timedelta(seconds=1)
        text = self.dates.strftime(self.style)
        return text.astype(int) if self.style in ("%Y", "%Y%m%d") else text

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

    def fitted(c: Columns) -> dict[str, float]:
        return {"slope_per_step": float(np.polyfit(np.arange(len(c[y])), c[y], 1)[0])}

    slope = {"slope_per_step": rise * d.scales[y].spread / clock.rows}
    d.effects.append(Effect("trend", (y,), {"direction": "+" if sign > 0 else "-"}, population=slope, best=fitted))


def seasonality(d: Draft, clock: Clock) -> None:
    y, rho, height = d.number([d.world.time]), _memory(d), d.rng.uniform(0.9, 1.5) * max(1.0, np.sqrt(150 / clock.rows))
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

    def compared(c: Columns) -> dict[str, float]:
        return {"mean_shift": float(c[y][where:].mean() - c[y][:where].mean())}

    shift = {"mean_shift": float(step * d.scales[y].spread)}
    slack = max(2, int(0.02 * clock.rows)) * clock.step_days
    params = {"at_date": str(clock.dates[where].date()), "tolerance_days": max(1, round(slack))}
    d.effects.append(Effect("change_point", (y,), params, population=shift, best=compared))
    d.flat.append(y)


def lag_relation(d: Draft, clock: Clock) -> None:
    x = d.number()
    y, lag = d.number([x]), int(d.rng.integers(2, 9))
    r = float(np.clip(6.5 / np.sqrt(clock.rows), d.rng.uniform(0.5, 0.75), 0.9)) * d.sign()

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
