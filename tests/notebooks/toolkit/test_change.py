"""Two sets of rows, and what the change between them is made of: against sums done by hand, and summing up exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from notebooks.toolkit.attempts import CannotAnswer
from notebooks.toolkit.change import Two, split_change, volume_price_mix
from notebooks.toolkit.guesses import sums_up, volume_of
from notebooks.toolkit.periods import named_period, say_period, whole_periods
from notebooks.toolkit.two_sets import two_sets
from notebooks.toolkit.why_changed import why_changed

BEFORE = pd.DataFrame({"shop": ["A", "A", "B"], "pieces": [10, 10, 5], "price": [2.0, 2.0, 8.0]})
AFTER = pd.DataFrame({"shop": ["A", "B", "B"], "pieces": [10, 10, 10], "price": [3.0, 8.0, 8.0]})
SALES = Two(*(d.assign(revenue=d["pieces"] * d["price"]) for d in (BEFORE, AFTER)), "2022", "2023")


def test_the_segments_parts_are_their_totals_differences() -> None:
    found = split_change(SALES, "shop", "revenue", "sum")
    assert found["part"].to_dict() == {"A": 30 - 40, "B": 160 - 40}


def test_volume_price_and_mix_are_those_done_by_hand() -> None:
    # 25 pieces for 80 become 30 for 190; at the old prices (A 2, B 8) they would have been 10 × 2 + 20 × 8 = 180
    found = volume_price_mix(SALES, "revenue", "pieces", "shop")
    by_hand = {"volume": 5 * 80 / 25, "price": 190 - 180, "mix": 180 - 30 * 80 / 25}
    assert found.to_dict() == pytest.approx(by_hand)
    assert found.sum() == pytest.approx(190 - 80)


def test_a_new_segment_is_mix_and_not_price() -> None:
    two = Two(SALES.before, pd.concat([SALES.before, SALES.after[SALES.after["shop"] == "B"].assign(shop="C")]), "", "")
    found = volume_price_mix(two, "revenue", "pieces", "shop")
    assert found["price"] == pytest.approx(0)
    assert found.sum() == pytest.approx(two.after["revenue"].sum() - two.before["revenue"].sum())


@pytest.mark.parametrize("how", ["sum", "mean", "count"])
def test_parts_sum_up_to_the_change_whatever_the_segments(how: str) -> None:
    random = np.random.default_rng(3)
    sides = [
        pd.DataFrame({"kind": random.choice(levels, n), "size": random.normal(5, 2, n)})
        for levels, n in ((["a", "b", None], 90), (["b", "c"], 140))
    ]
    found = split_change(Two(*sides, "", ""), "kind", "size", how)
    totals = [len(s) if how == "count" else s["size"].agg(how) for s in sides]
    assert found["part"].sum() == pytest.approx(totals[1] - totals[0])


def test_the_volume_and_price_of_a_measure_are_found_by_their_product() -> None:
    rows = pd.concat([SALES.before, SALES.after] * 3, ignore_index=True)
    assert volume_of(rows, "revenue") == ("pieces", "price")
    assert volume_of(rows.assign(revenue=range(18)), "revenue") is None


@pytest.mark.parametrize(
    ("name", "adds"),
    [("revenue", True), ("units_sold", True), ("amount_eur", True), ("unit_price", False), ("temp_c", False),
     ("bill_length_mm", False), ("completionRate", False), ("stock", False)],
)  # fmt: skip
def test_what_adds_up_is_told_by_its_name(name: str, adds: bool) -> None:
    assert sums_up(pd.DataFrame({name: [3.0, 40, 5]}), name) is adds


def test_periods_are_whole_where_the_times_reach_their_ends() -> None:
    days = pd.Series(pd.date_range("2023-02-10", "2024-03-20"))
    whole, partial = whole_periods(days, "month")
    assert [str(p) for p in (whole[0], whole[-1], *partial)] == ["2023-03", "2024-02", "2024-03", "2023-02"]
    working = days[days.dt.dayofweek < 5]
    assert str(whole_periods(working[working < "2024-03-01"], "month")[0][-1]) == "2024-02"
    monthly = pd.Series(pd.date_range("2022-01-01", "2023-12-01", freq="MS"))
    assert [str(p) for p in whole_periods(monthly, "year")[0]] == ["2022", "2023"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("2023", "2023"), ("2023-Q2", "Q2 2023"), ("2023-05", "May 2023"), ("2023-W07", "the week of 13 February 2023"),
     ("2023-05-14", "14 May 2023"), ("spring", None), ("2023-13", None)],
)  # fmt: skip
def test_a_period_is_read_from_its_name(text: str, said: str | None) -> None:
    period = named_period(text)
    assert (say_period(period) if period is not None else None) == said


def test_periods_that_are_not_named_are_the_last_two_whole_ones() -> None:
    days = pd.DataFrame({"day": pd.date_range("2021-01-01", "2024-03-20")})
    two = two_sets(days)
    assert (two.first, two.second, len(two.before), len(two.after)) == ("2022", "2023", 365, 365)
    assert "2024 is not over" in two.notes[0]
    named = two_sets(days, after="2023-05")
    assert (named.first, named.second) == ("April 2023", "May 2023")


def test_two_groups_are_found_where_a_column_has_two_levels_and_else_asked_for() -> None:
    df = pd.DataFrame({"team": list("aabbc"), "plan": list("xxyyy"), "n": range(5)})
    assert (two_sets(df, "plan").first, two_sets(df, "plan").second) == ("x", "y")
    assert (two_sets(df, "team", "B", "a").second, two_sets(df, "team", "b", "A").first) == ("b", "a")
    with pytest.raises(CannotAnswer, match="has 3 levels: name the two"):
        two_sets(df, "team")
    with pytest.raises(CannotAnswer, match="has no 'z'; it has a, b, c"):
        two_sets(df, "team", "z")
    with pytest.raises(CannotAnswer, match="No column holds times"):
        two_sets(df)
    years = pd.DataFrame({"year": [2020, 2021, 2021, 2022], "n": 1})
    assert (two_sets(years, "year", "2021").first, two_sets(years).second) == ("2020", "2022")


def test_a_share_is_told_in_percent_and_changes_in_points() -> None:
    df = pd.DataFrame(
        {"half": ["h1"] * 100 + ["h2"] * 100, "left": ["no"] * 90 + ["yes"] * 10 + ["no"] * 75 + ["yes"] * 25}
    )
    change = why_changed(df, "left", of="half")
    assert (change.before, change.after, change.unit, change.tell(change.after)) == (10, 25, "pp", "25.0 %")
