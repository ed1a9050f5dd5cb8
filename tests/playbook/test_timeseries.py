"""The template that follows columns over time, on series whose truth is planted here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def test_season_shift_delay_drift_and_the_unfinished_month_are_told_apart(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n, lag = 240, 4
    steps = np.arange(n)
    told = random.normal(size=n + lag)
    df = pd.DataFrame(
        {
            "month": pd.date_range("2001-01-01", periods=n, freq="MS"),
            "warmth": 12 + 4 * np.sin(2 * np.pi * steps / 12) + random.normal(size=n),
            "tariff": 50 + 3.0 * (steps >= 150) + random.normal(size=n),
            "orders": told[lag:],
            "parcels": 0.7 * told[:n] + 0.7 * random.normal(size=n),
            "debt": 30 + 0.05 * steps + np.cumsum(random.normal(size=n)) / 8,
            "moss": 9 - 0.04 * steps + np.cumsum(random.normal(size=n)) / 8,
            "takings": 900 + 40 * random.normal(size=n),
            "still": random.normal(size=n),
        }
    )
    df.loc[n - 1, "takings"] = 300.0
    ran = kernel.template("timeseries", data=table("months", df.sample(frac=1, random_state=0)))
    assert ran.error is None
    (season,) = ran.of("seasonality", "claim")
    assert (season.columns, season.params["period"], season.params["top"]) == (("warmth",), 12, "April")
    (shift,) = ran.of("change_point", "claim")
    assert (shift.columns, shift.direction) == (("tariff",), "+")
    assert abs(pd.Timestamp(shift.params["at_date"]) - df["month"][150]) < pd.Timedelta(days=100)
    assert shift.effect is not None
    assert shift.effect.ci is not None
    assert shift.effect.ci[0] < 3.0 < shift.effect.ci[1]
    (delay,) = ran.of("lag_relation", "claim")
    assert (delay.columns, delay.params["lag"]) == (("orders", "parcels"), lag)
    assert [set(f.columns) for f in ran.of("spurious_trend_correlation", "warning")] == [{"debt", "moss"}]
    (unfinished,) = ran.of("incomplete_period", "warning")
    assert (unfinished.columns, unfinished.params["at_date"]) == (("takings",), "2020-12-01")
    claimed = {c for f in ran.findings if f.type == "claim" for c in f.columns}
    assert not claimed & {"still", "takings"}
    assert all(f.test is not None and f.test.q is not None for f in ran.findings if f.type == "claim")


def test_a_step_beside_a_trend_is_told_and_the_slope_is_given_with_it_apart(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    steps = np.arange(120)
    noise = random.normal(size=(120, 3))
    df = pd.DataFrame(
        {
            "month": pd.date_range("2012-01-01", periods=120, freq="MS"),
            "sales": 150 + 0.9 * steps - 40 * (steps >= 80) + 15 * np.sin(2 * np.pi * steps / 12) + 5 * noise[:, 0],
            "visits": 20 + 0.1 * steps + noise[:, 1],
            "weight": 20 + 12 * (steps / 120) ** 2 + noise[:, 2],
        }
    )
    ran = kernel.template("timeseries", data=table("broken", df))
    assert ran.error is None
    (shift,) = ran.of("change_point", "claim")
    assert (shift.columns, shift.direction) == (("sales",), "-")
    assert abs(pd.Timestamp(shift.params["at_date"]) - df["month"][80]) < pd.Timedelta(days=70)
    assert shift.effect is not None
    assert shift.effect.ci is not None
    assert shift.effect.ci[0] < -40 < shift.effect.ci[1]
    trends = {f.columns[0]: f for f in ran.of("trend", "claim")}
    assert set(trends) == {"sales", "visits", "weight"}
    slope = trends["sales"].effect
    assert slope is not None
    assert slope.ci is not None
    assert slope.ci[0] < 0.9 < slope.ci[1]
    assert "apart" in trends["sales"].text
    straight = {name: any(c.startswith("A straight line") for c in f.caveats) for name, f in trends.items()}
    assert straight == {"sales": False, "visits": True, "weight": False}


def test_a_curve_a_hump_and_stairs_are_told_as_what_they_are_and_what_came_back_is_no_shift(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 150
    steps = np.arange(n) / n
    during = (np.arange(n) >= 60) & (np.arange(n) < 69)
    noise, more = random.normal(size=(n, 7)), random.normal(size=(n, 2))
    df = pd.DataFrame(
        {
            "month": pd.date_range("2009-01-01", periods=n, freq="MS"),
            "cases": 80 * np.exp(3 * steps + 0.07 * noise[:, 0]),
            "reach": 90 - 14 * np.exp(-9 * steps) + noise[:, 1],
            "share": 30 - 12 / (1 + np.exp(-14 * (steps - 0.5))) + noise[:, 2],
            "strike": 70 - 6 * during + noise[:, 3],
            "fair": 40 + 5 * steps + 7 * during + noise[:, 4],
            "spiky": np.exp(1.2 * noise[:, 5]),
            "wander": np.cumsum(noise[:, 6]),
            "fad": 60 + 8 * np.exp(-(((steps - 0.45) / 0.15) ** 2) / 2) + more[:, 0],
            "fee": 12 + 4 * (steps >= 0.3) + 6 * (steps >= 0.7) + more[:, 1],
        }
    )
    ran = kernel.template("timeseries", data=table("curves", df), max_findings=9)
    assert ran.error is None
    trends = {f.columns[0]: f for f in ran.of("trend", "claim")}
    assert {k: f.params.get("shape") for k, f in trends.items()} == {
        "cases": "faster",
        "reach": "level off",
        "share": "S",
        "fair": None,
        "fad": "hump",
    }
    assert abs(pd.Timestamp(trends["fad"].params["top_at"]) - df["month"][67]) < pd.Timedelta(days=300)
    assert "exponential" in trends["cases"].text
    assert "saturating" in trends["reach"].text
    change, (low, high) = trends["reach"].params["change"], trends["reach"].params["change_ci"]
    assert low < 14 < high
    assert low < change < high
    passed = {f.columns[0]: f for f in ran.of("outliers", "claim")}
    assert {k: (f.direction, f.params["from"], f.params["to"]) for k, f in passed.items()} == {
        "strike": ("-", "2014-01", "2014-09"),
        "fair": ("+", "2014-01", "2014-09"),
    }
    (shift,) = ran.of("change_point", "claim")
    assert (shift.columns, shift.direction) == (("fee",), "+")
    assert [
        abs(pd.Timestamp(at) - df["month"][k]) < pd.Timedelta(days=100)
        for at, k in zip(shift.params["all_at"], (45, 105), strict=True)
    ] == [True, True]
    assert "the largest of 2" in shift.text
    told = ran.findings[-1]
    assert (told.type, told.columns) == ("null", ("spiky", "wander"))
    assert "9 columns were tested for a trend, a lasting shift, an episode and a season of one year" in told.text
    assert "over 150 months" in told.text
    assert told.params["not_checked"] in told.caveats
    assert [f.kind for f in ran.findings if f.kind in ("period_covered", "not_checked", "tested")] == []


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_noise_that_remembers_has_no_season_no_trend_and_no_shift(
    kernel: Kernel, table: Writer, random: np.random.Generator, memory: float
) -> None:
    noise = random.normal(size=(400, 8))
    for i in range(1, 400):
        noise[i] += memory * noise[i - 1]
    df = pd.DataFrame(noise + 20, columns=list("abcdefgh"))
    df.insert(0, "day", pd.date_range("2020-03-01", periods=400))
    ran = kernel.template("timeseries", data=table(f"noise{memory:g}", df))
    assert ran.error is None
    assert [f.text for f in ran.findings if f.type in ("claim", "warning")] == []


def test_swings_that_grow_and_cycles_without_a_calendar_are_told_as_such(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    months, years = np.arange(144), np.arange(1700, 1960)
    sales = 100 * np.exp(0.01 * months + 0.2 * np.sin(2 * np.pi * months / 12) + 0.03 * random.normal(size=144))
    cycle = np.zeros(260)
    for i in range(2, 260):
        cycle[i] = 1.65 * cycle[i - 1] - 0.95 * cycle[i - 2] + random.normal()
    memory = pd.Series(random.normal(size=260)).ewm(alpha=0.4).mean()
    shop = table("shop", pd.DataFrame({"month": pd.date_range("1990-01", periods=144, freq="MS"), "sales": sales}))
    ran = kernel.template("timeseries", data=shop)
    (season,) = ran.of("seasonality", "claim")
    assert season.params["multiplicative"]
    assert "%" in season.text
    (forecast,) = ran.of("forecast", "descriptive")
    assert forecast.effect is not None
    assert forecast.effect.value is not None
    assert forecast.effect.value < forecast.params["seasonal_naive"]
    hares = table("hares", pd.DataFrame({"year": years, "caught": 50 + cycle, "still": memory}))
    (turns,) = kernel.template("timeseries", data=hares).of("seasonality", "claim")
    assert turns.columns == ("caught",)
    assert abs(turns.params["period"] - 2 * np.pi / np.arccos(1.65 / 2 / 0.95**0.5)) < 1.5


def test_a_unit_that_joins_late_moves_no_series(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    days = pd.date_range("2020-01-01", periods=200)
    late = {"A": 0, "B": 0, "C": 120}
    parts = [
        pd.DataFrame({"day": days[k:], "store": name, "sold": 300.0 + 200 * (k > 0) + random.normal(size=200 - k)})
        for name, k in late.items()
    ]
    ran = kernel.template("timeseries", data=table("stores", pd.concat(parts)))
    assert ran.of("change_point", "claim") == []
    assert "each of 3 stores" in ran.findings[-1].text


def test_years_written_as_numbers_are_a_time(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    years = np.arange(1880, 1960)
    level = np.where(years < 1910, 100.0, 80.0) + 5 * random.normal(size=len(years))
    name = table("years", pd.DataFrame({"year": years, "level": level}))
    ran = kernel.template("timeseries", data=name, time="year")
    (shift,) = ran.of("change_point", "claim")
    assert abs(int(shift.params["at_date"][:4]) - 1910) <= 1
    assert "fell in 19" in shift.text


def test_a_column_that_is_no_time_is_a_sentence(kernel: Kernel, table: Writer) -> None:
    name = table("untimed", pd.DataFrame({"x": np.arange(30) * 1.5, "word": list("abc") * 10}))
    ran = kernel.template("timeseries", data=name, time="word")
    assert ran.error is not None
    assert "holds no dates that can be read" in ran.error


def test_a_shift_of_one_unit_is_told_of_that_unit_and_not_of_the_mean(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    times = pd.date_range("2025-06-01", periods=400, freq="h")
    pumps = []
    for k, name in enumerate(["A", "B", "C"]):
        warmth = 20 + 2 * k + 3 * np.sin(2 * np.pi * times.hour / 24) + random.normal(0, 0.5, len(times))
        pumps.append(pd.DataFrame({"at": times, "pump": name, "warmth": warmth, "still": random.normal(size=400)}))
    df = pd.concat(pumps)
    df.loc[(df["pump"] == "B") & (df["at"] >= times[250]), "warmth"] += 6
    ran = kernel.template("timeseries", data=table("pumps", df.sample(frac=1, random_state=0)))
    assert ran.error is None
    (shift,) = ran.of("change_point", "claim")
    assert (shift.columns, shift.segment, shift.direction) == (("warmth", "pump"), "pump = B", "+")
    assert abs(pd.Timestamp(shift.params["at_date"]) - times[250]) < pd.Timedelta(hours=8)
    assert shift.effect is not None
    assert shift.effect.ci is not None
    assert shift.effect.ci[0] < 6 < shift.effect.ci[1]
    df.loc[(df["pump"] != "B") & (df["at"] >= times[250]), "warmth"] += 6  # and now of all: then it is no unit's own
    ran = kernel.template("timeseries", data=table("all_pumps", df.sample(frac=1, random_state=0)))
    (shift,) = ran.of("change_point", "claim")
    assert (shift.columns, shift.segment) == (("warmth",), None)
