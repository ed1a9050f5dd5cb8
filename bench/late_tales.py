"""Six stories that were written when the analyst had been mended on the tales, for an honest second figure."""

# ruff: noqa: E501  (a column a line reads worse than a table a glance)
# fmt: off
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from bench import measures
from bench.stories import PAIRED, Columns, Rng, Story
from bench.tales import (
    Frames,
    _alone,
    _ar,
    _bound,
    _dates,
    _drives,
    _faint,
    _holed,
    _pick,
    _repeated,
    _rows,
    _shift,
    _sign,
    _t,
    _turn,
    _worth,
)


def bees(rng: Rng) -> Story:
    """Hives: honey by an optimum of flowers (upside down), two counts together, mites as 0 to 10 with 99 for not looked, grams among kilograms."""
    n = _rows(rng, 600, 3500)
    r, bend = abs(_faint(rng, n, 7, 13)), rng.uniform(0.25, 0.4)

    def grow(g: Rng, n: int) -> Columns:
        flowers, frames = g.standard_normal(n), g.standard_normal(n)
        return {
            "hive": [f"H{v:04d}" for v in g.permutation(n)], "flowers_km2": (34 + 7 * flowers).round(1), "honey_kg": (21 - 3 * bend * (flowers**2 - 1) + 3 * _t(g, n, 6)).round(2),
            "frames": np.clip(np.round(9 + 2.2 * frames), 1, None).astype(int), "brood": g.poisson(np.exp(2.2 + 0.25 * r * frames / 0.25 * 0.9)), "mites": np.clip(g.poisson(2.5, n), 0, 10),
            "sugar_kg": np.exp(1.1 + 0.25 * g.standard_normal(n)).round(3), "breed": _pick(g, n, ("carnica", "buckfast", "ligustica")), "queen_year": g.integers(2018, 2023, n),
        }  # fmt: skip

    s = Story("What matters for the hives?", n, grow, plain=["breed", "queen_year"], ids=["hive"])
    s.effect("nonlinear_association", "honey_kg|flowers_km2", _turn(measures.curve), shape="inverted U")
    s.effect("correlation", "brood|frames", measures.numeric_pair, direction="+")
    s.trap("sentinel_values", "mites", ["outliers", "distribution_shape"])
    s.trap("mixed_units", "sugar_kg", ["outliers", "distribution_shape", "clusters"])

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        grams = g.random(len(frame)) < 0.07
        sugar = frame["sugar_kg"].mask(grams, (frame["sugar_kg"] * 1000).round(0))
        return {"hives.csv": frame.assign(mites=_holed(g, frame["mites"], 0.05, 99).astype(int), sugar_kg=sugar)}

    s.spoil = spoil
    return s


def trams(rng: Rng) -> Story:
    """Days of a tram line, dates as 3-Mar-21: a week's rhythm, a shift, riders that follow fuel prices, a ticket sum of two others."""
    n, lag = int(rng.integers(420, 800)), int(rng.integers(2, 6))
    at, size = int(n * rng.uniform(0.3, 0.7)), float(rng.choice([-1, 1]) * rng.uniform(6, 12))
    when, told = _dates(rng, n, "D", "%d-%b-%y")

    def grow(g: Rng, n: int) -> Columns:
        fuel = _ar(g, n + lag, 0.35)
        week = when.dayofweek.to_numpy()
        single, passes = 300 + 18 * g.standard_normal(n), 120 + 9 * g.standard_normal(n)
        return {
            "Day": told, "Riders": (5200 + 240 * (week < 5) + 260 * _ar(g, n, 0.2)).round(0), "Delay s": (88 + size * (np.arange(n) >= at) + 6 * _ar(g, n, 0.2)).round(1),
            "Fuel": (1.6 + 0.08 * fuel[lag:]).round(3), "Park and ride": (410 + 28 * _bound(g, fuel[:n], 0.6, _ar(g, n, 0.2))).round(0), "Sold": (single + passes).round(1), "Complaints": g.poisson(6, n),
        }  # fmt: skip

    s = Story("What happened on the line?", n, grow, "ts", {"time": "Day"}, flat=["Complaints"])
    s.effect("seasonality", "Riders", known={"period": 7})
    _shift(s, "Delay s", when, at, size, 12)
    s.effect("lag_relation", "Park and ride|Fuel", known={"lag": lag})
    _alone(s, "incomplete_period", "Sold", ["trend", "change_point"], "Sold")

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        frame.loc[len(frame) - 1, "Sold"] = np.round(frame["Sold"].iloc[-1] * g.uniform(0.2, 0.45), 1)
        return {"trams.csv": frame}

    s.spoil = spoil
    return s


def donors(rng: Rng) -> Story:
    """Who gives again: a rare yes in words, driven by age and by channel; giving_cents restates what came of it; some letters went out twice."""
    n = _rows(rng, 7000, 12_000)
    a1, gap = rng.uniform(0.55, 0.8), rng.uniform(0.7, 1.0)

    def grow(g: Rng, n: int) -> Columns:
        z, how = g.standard_normal(n), _pick(g, n, ("letter", "mail", "street"), (3, 3, 2))
        again = g.random(n) < 1 / (1 + np.exp(4.6 - a1 * z - gap * (how == "street")))
        walk = _bound(g, z, 0.8, g.standard_normal(n))
        return {
            "age": (55 + 12 * z).round(0), "channel": how, "walk_min": (18 + 5 * walk).round(1), "household": 1 + g.poisson(1.1, n), "opened": g.integers(0, 12, n), "first_gift": np.exp(3 + 0.7 * g.standard_normal(n)).round(0), "gave": again.astype(int),
            "gift_cents": np.where(again, g.gamma(4, 600, n) + 200, 0).round(0),
        }  # fmt: skip

    s = Story("What drives gave?", n, grow, "driver", {"target": "gave"}, plain=["household", "opened"])
    _drives(s, "age", "gave", measures.binary_target, direction="+")
    _drives(s, "channel", "gave", _turn(measures.groups), top="street")
    s.trap("class_imbalance", "gave")
    _alone(s, "target_leakage", "gift_cents|gave", ["driver"], "gift_cents")
    s.trap("confounding", "walk_min|gave|age", ["driver"])
    s.trap("duplicate_rows")
    s.parents |= {"gift_cents": ["gave"], "walk_min": ["age"]}
    s.spoil = lambda g, frame: {"donors.csv": _repeated(g, frame, 0.02)}
    return s


def vineyards(rng: Rng) -> Story:
    """Slopes: sugar falls with height over all, as the cool valley lies high; within each valley it rises; three rare sites; acidity spreads more in one."""
    n = _rows(rng, 700, 3000)
    valleys, loud, tilt = {"Adda": -1.3, "Brenta": 0.0, "Chiese": 1.4}, rng.uniform(1.5, 2.0), rng.uniform(0.35, 0.55)

    def grow(g: Rng, n: int) -> Columns:
        valley, press = _pick(g, n, list(valleys)), _pick(g, n, ("basket", "air"))
        middle = _worth(valley, valleys)
        height = -1.2 * middle + g.standard_normal(n)
        return {
            "valley": valley, "height_m": (410 + 70 * height).round(0), "brix": (22 + 1.5 * (1.3 * middle + tilt * (height + 1.2 * middle) + 0.8 * g.standard_normal(n))).round(1), "press": press,
            "acid": (6.4 + 0.5 * np.where(press == "air", loud, 1.0) * g.standard_normal(n)).round(2), "rows_n": g.integers(8, 60, n), "stones": (14 + 4 * g.standard_normal(n)).round(1), "lees": (3 + 0.6 * g.standard_normal(n)).round(2), "cask": _pick(g, n, ("oak", "steel", "clay")),
        }  # fmt: skip

    s = Story("What matters in these vineyards?", n, grow, plain=["rows_n"])
    s.effect("variance_difference", "acid|press", measures.spreads)
    s.trap("simpsons_paradox", "height_m|brix|valley", PAIRED, within_direction="+")
    s.trap("leverage_point", "stones|lees", PAIRED)
    _alone(s, "small_sample", "cask", ["group_difference", "driver"], "rows_n|cask", level="acacia")
    s.parents |= {"height_m": ["valley"], "brix": ["valley", "height_m"]}

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        frame.loc[g.choice(len(frame), 5, replace=False), "cask"] = "acacia"
        frame.loc[int(g.integers(len(frame))), ["stones", "lees"]] = [14 + 4 * 27.0, 3 + 0.6 * 25]
        return {"vineyards.csv": frame}

    s.spoil = spoil
    return s


def pages(rng: Rng) -> Story:
    """A web test in which people stay longer on one of two pages; who they are is known by a number, as some came twice."""
    n = _rows(rng, 4000, 12_000)
    gain = rng.uniform(0.15, 0.25)

    def grow(g: Rng, n: int) -> Columns:
        arm, before = _pick(g, n, ("control", "redesign")), g.standard_normal(n)
        return {
            "cookie": [f"{v:08x}" for v in g.choice(2**31, n, replace=False)], "cell": arm, "stay_before_s": (44 + 11 * before).round(1), "stay_s": (52 + 13 * (_bound(g, before, 0.5, g.standard_normal(n)) + gain * (arm == "redesign"))).round(1), "os": _pick(g, n, ("ios", "win", "mac")),
        }  # fmt: skip

    task = {"target": "stay_s", "assignment": "cell", "allocation": [0.5, 0.5]}
    s = Story("Did the redesign change stay_s?", n, grow, "ab", task, ids=["cookie"])
    s.effect("ab_effect", "cell|stay_s", _turn(measures.groups), top="redesign")
    s.parents = {"stay_s": ["cell", "stay_before_s"]}
    return s


def kilns(rng: Rng) -> Story:
    """Firings in three families over three measures; gloss goes with ash by ranks; last column is the first in other units; a day unknown as 1900."""
    n, k = _rows(rng, 700, 2500), 3
    middles = np.array([[-2.6, 0, 1.5], [2.4, 2.2, -1], [1.2, -2.8, 2.0]])[rng.permutation(3)] * rng.uniform(0.95, 1.15)
    r = _faint(rng, n, 8, 15)

    def grow(g: Rng, n: int) -> Columns:
        x = middles[g.integers(0, k, n)] + 0.8 * g.standard_normal((n, 3))
        ash = g.standard_normal(n)
        return {
            "fired": (pd.Timestamp(2019, 1, 1) + pd.to_timedelta(g.integers(0, 1000, n), unit="D")).strftime("%d.%m.%Y"), "peak_c": (1180 + 22 * x[:, 0]).round(0), "hold_min": (95 + 9 * x[:, 1]).round(0), "draught": (14 + 1.4 * x[:, 2]).round(1),
            "ash_pct": np.exp(1 + 0.5 * ash).round(2), "gloss": (61 + 8 * _bound(g, ash, r, _t(g, n, 6))).round(1), "potter": _pick(g, n, ("Ana", "Bo", "Cy", "Di")), "shelf": g.integers(1, 9, n),
        }  # fmt: skip

    s = Story("What do you see in our firings?", n, grow, plain=["potter", "shelf"])
    s.effect("clusters", "peak_c|hold_min|draught", known={"k": k})
    s.effect("correlation", "gloss|ash_pct", measures.numeric_pair, direction=_sign(r))
    s.trap("redundant_columns", "peak_c|peak_f", PAIRED)
    s.trap("sentinel_values", "fired", [])
    for name in ("peak_c", "hold_min", "draught"):
        s.parents[name] = ["family"]
    s.parents["peak_f"] = ["peak_c"]

    def spoil(g: Rng, frame: pd.DataFrame) -> Frames:
        return {"kilns.csv": frame.assign(peak_f=(frame["peak_c"] * 1.8 + 32).round(0), fired=_holed(g, frame["fired"], 0.04, "01.01.1900"))}

    s.spoil = spoil
    return s


LATE: tuple[Callable[[Rng], Story], ...] = (bees, trams, donors, vineyards, pages, kilns)
