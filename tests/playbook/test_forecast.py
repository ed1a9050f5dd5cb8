"""The template on forecasts: a series that is known goes on as it must, and its error stands beside the naive one's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def orders(random: np.random.Generator) -> pd.DataFrame:
    """Orders by day from 2020 to 10 March 2024, rising by 5 a month, twice as many in December."""
    days = pd.date_range("2020-01-01", "2024-03-10")
    months = (days.year - 2020) * 12 + days.month - 1
    level = (300 + 5 * months) * np.where(days.month == 12, 2, 1) / days.days_in_month
    return pd.DataFrame({"day": days, "sales_eur": level + random.normal(0, 1, len(days))})


def test_flows_are_summed_and_the_season_and_trend_go_on(
    kernel: Kernel, table: Writer, random: np.random.Generator, folder: Path
) -> None:
    ran = kernel.template("forecast", data=table("orders_ahead", orders(random)), periods=12, grain="month")
    assert ran.error is None
    values = ran.answer["values"]
    first, last = 300 + 5 * 50, 2 * (300 + 5 * 59)  # March and December 2024
    assert values["2024-03"][0] == pytest.approx(first, rel=0.05)
    assert values["2024-12"][0] == pytest.approx(last, rel=0.05)
    low, high = values["2024-12"][2]
    assert low < last < high
    assert values["held-out error"][0] < values["held-out error of seasonal naive"][0]
    assert values["2024-03"][1] == "EUR"
    assert "March 2024 is not covered wholly by these rows and was left out." in ran.answer["notes"]
    written = pd.read_csv(folder / "forecast.csv")
    assert written["value"].sum() == pytest.approx(values["total"][0])
    assert len(ran.plots) == 2


def test_the_naive_error_is_that_of_the_season_before(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = orders(random)
    ran = kernel.template("forecast", data=table("orders_ahead", df), periods=6, grain="month")
    sums = df.set_index("day")["sales_eur"].resample("MS").sum()[:-1]
    naive = (sums.iloc[-6:].to_numpy() - sums.iloc[-18:-12].to_numpy()).__abs__().mean()
    assert ran.answer["values"]["held-out error of seasonal naive"][0] == pytest.approx(naive)


def test_levels_are_averaged(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    days = pd.date_range("2022-01-01", "2023-12-31")
    df = pd.DataFrame({"day": days, "temp_c": 10 - 8 * np.cos(days.dayofyear / 365 * 2 * np.pi)})
    ran = kernel.template("forecast", data=table("warmth", df), grain="month", periods=3)
    assert "total" not in ran.answer["values"]
    assert ran.answer["values"]["2024-01"][0] == pytest.approx(2.3, abs=1)
    assert ran.answer["notes"][0] == "Rows were averaged by month; 24 whole months were used."


@pytest.mark.parametrize(
    ("df", "why"),
    [
        (pd.DataFrame({"day": pd.date_range("2024-01-01", periods=5), "n": range(5)}), "needs at least 8"),
        (pd.DataFrame({"n": range(20), "m": range(20)}), "needs a column of times"),
    ],
)
def test_too_little_is_not_answered(kernel: Kernel, table: Writer, df: pd.DataFrame, why: str) -> None:
    ran = kernel.template("forecast", data=table("little", df))
    assert (ran.error, ran.answer["status"]) == (None, "not_answered")
    assert why in ran.answer["why"]
