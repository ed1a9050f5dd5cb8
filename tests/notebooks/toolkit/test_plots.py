"""What a chart says of itself in words."""

from __future__ import annotations

import pandas as pd
import pytest

from notebooks.toolkit.plots import make_plot


@pytest.mark.parametrize(
    ("how", "shares"), [("sum", True), ("count", True), ("mean", False), ("median", False), ("max", False)]
)
def test_only_what_adds_up_is_a_share_of_all(how: str, shares: bool) -> None:
    table = pd.DataFrame({"team": ["a", "a", "b", "b"], "pay": [1.0, 3.0, 5.0, 9.0]})
    assert ("of all" in make_plot(table, x="team", y=["pay"], how=how).told) is shares


def test_each_line_of_a_chart_is_told() -> None:
    days = pd.date_range("2025-03-01", periods=4)
    table = pd.DataFrame({"day": [*days, *days], "pump": ["a"] * 4 + ["b"] * 4, "temp": [1, 1, 2, 2, 5, 5, 9, 8.0]})
    plot = make_plot(table, x="day", y=["temp"], colour="pump", kind="line", how="mean", grain="day")
    assert "a went from 1 (2025-03-01) to 2 (2025-03-04)" in plot.told
    assert "b went from 5 (2025-03-01) to 8 (2025-03-04); highest 9, lowest 5." in plot.told
    assert plot.values["last of b"] == 8


def test_a_line_has_the_periods_that_are_asked_for_though_no_two_rows_share_a_time():
    times = pd.date_range("2024-03-04", periods=84, freq="4h")  # two weeks from a Monday
    table = pd.DataFrame({"sold": times, "amount": 2.0})
    plot = make_plot(table, x="sold", y=["amount"], kind="line", how="sum", grain="week")
    assert list(plot.data["amount"]) == [84, 84]
    assert len(make_plot(table, x="sold", y=["amount"], kind="line").data) == 84
