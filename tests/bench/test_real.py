"""The real tables: the facts that are asked of the analyst hold when computed directly, and the marking is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import real
from notebooks.toolkit.reading import read_table


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, real.Table]:
    return {t.name: t for t in real.tables(tmp_path_factory.mktemp("tables"))}


def read(name: str) -> pd.DataFrame:
    folder = Path(real.__file__).parents[1]
    return pd.read_csv(folder / ("examples" if name == "penguins" else "bench/data") / f"{name}.csv")


def test_every_table_is_there_with_truths_and_the_columns_that_its_roles_name(tables):
    assert len(tables) == 31
    for table in tables.values():
        assert set(table.roles.values()) <= set(read_table(table.file).columns), table.name
        assert table.truths, table.name


def test_penguins_bills_turn_about_within_species():
    df = read("penguins")
    bills = ["bill_length_mm", "bill_depth_mm"]
    assert df[bills].corr().iloc[0, 1] == pytest.approx(-0.235, abs=0.001)
    within = [part[bills].corr().iloc[0, 1] for _, part in df.groupby("species")]
    assert min(within) == pytest.approx(0.39, abs=0.005)
    assert max(within) == pytest.approx(0.65, abs=0.005)
    assert df[bills].isna().all(axis=1).sum() == 2
    assert df.groupby("species")["flipper_length_mm"].mean().idxmax() == "Gentoo"


def test_berkeley_reverses_in_four_of_six_departments():
    df = read("berkeley")
    counts = df.pivot_table(index=["Dept", "Gender"], columns="Admit", values="Freq", aggfunc="sum")
    rate = counts["Admitted"] / counts.sum(axis=1)
    overall = counts.groupby("Gender").sum()
    overall = overall["Admitted"] / overall.sum(axis=1)
    assert overall["Male"] == pytest.approx(0.445, abs=0.0005)
    assert overall["Female"] == pytest.approx(0.304, abs=0.0005)
    assert (rate.xs("Female", level="Gender") > rate.xs("Male", level="Gender")).sum() == 4


def test_kidney_stones_reverse_in_both_sizes():
    df = read("stones")
    overall = df.groupby("treatment")["success"].mean()
    by_size = df.groupby(["stone_size", "treatment"])["success"].mean().unstack()
    assert overall["B"] > overall["A"]
    assert (by_size["A"] > by_size["B"]).all()
    large = df[df["stone_size"] == "large"]["treatment"].value_counts(normalize=True)
    assert large["A"] > 0.7


def test_titanic_survival_by_sex_and_the_restated_target():
    df = read("titanic")
    rate = df.groupby("sex")["survived"].mean()
    assert len(df) == 1309
    assert rate["female"] == pytest.approx(0.727, abs=0.0005)
    assert rate["male"] == pytest.approx(0.191, abs=0.0005)
    assert ((df["alive"] == "yes") == (df["survived"] == 1)).all()


def test_mtcars_transmission_vanishes_beside_weight():
    import statsmodels.formula.api as smf

    df = read("mtcars")
    assert len(df) == 32
    assert smf.ols("mpg ~ am", df).fit().pvalues["am"] < 0.001
    assert smf.ols("mpg ~ am + wt", df).fit().pvalues["am"] > 0.9


def test_nile_drops_after_1898():
    df = read("nile").set_index("year")["volume"]
    assert df.loc[:1898].mean() == pytest.approx(1098, abs=1)
    assert df.loc[1899:].mean() == pytest.approx(850, abs=1)


def test_co2_rises_and_peaks_in_may_with_59_gaps():
    df = read("co2")
    when = pd.to_datetime(df["date"])
    years = when.dt.year + (when.dt.dayofyear - 1) / 365.25
    known = df["co2"].notna()
    assert (~known).sum() == 59
    assert np.polyfit(years[known], df["co2"][known], 1)[0] == pytest.approx(1.3, abs=0.05)
    rest = df["co2"] - df["co2"].rolling(52, center=True, min_periods=40).mean()
    assert rest.groupby(when.dt.month).mean().idxmax() == 5


@pytest.mark.parametrize(("name", "sets"), [("anscombe", 4), ("same_moments", 6)])
def test_sets_share_their_moments(name, sets):
    parts = [part for _, part in read(name).groupby("dataset")]
    assert len(parts) == sets
    moments = np.array([[*p[["x", "y"]].mean(), *p[["x", "y"]].std(), p["x"].corr(p["y"])] for p in parts])
    assert np.ptp(moments, axis=0).max() < 0.01


def test_marking_finds_truths_and_wrong_headlines(tables):
    table = tables["penguins"]
    pooled = {
        "type": "claim", "kind": "correlation", "columns": ["bill_length_mm", "bill_depth_mm"], "direction": "-",
        "text": "Longer bills are shallower.", "rank": 1,
    }  # fmt: skip
    flip = {"type": "warning", "kind": "simpsons_paradox", "text": "It turns about.", "rank": 2}
    flip |= {"columns": ["bill_length_mm", "bill_depth_mm", "species"]}
    marks = real.mark(table, real.Told([pooled, flip], "Two birds were not measured."))
    assert len(marks.found) == 3
    assert marks.missed == ("Gentoo have the longest flippers",)
    assert marks.wrong == ("longer bills are shallower",)
    within = pooled | {"segment": "species = Adelie"}
    assert not real.mark(table, real.Told([within], "")).wrong
    assert real.figures([marks])["real_found"] == 0.75


def test_a_headline_is_a_claim_among_the_first_seven(tables):
    table = tables["titanic"]
    leak = {"type": "claim", "kind": "driver", "columns": ["alive", "survived"], "text": "", "params": {}}
    assert real.mark(table, real.Told([leak | {"rank": 7}])).wrong
    others = [{"type": "null", "kind": "driver", "columns": ["x"], "text": "", "rank": i} for i in range(1, 8)]
    assert not real.mark(table, real.Told([*others, leak | {"rank": 8}])).wrong
    assert not real.mark(table, real.Told([leak | {"rank": 1, "type": "null"}])).wrong


@pytest.mark.parametrize(
    ("value", "held"), [(1.31, True), (0.0251, True), (0.109, True), (0.00358, True), (0.3, False), (-1.3, False)]
)
def test_a_slope_is_known_whatever_its_step(tables, value, held):
    table = tables["co2"]
    told = {"type": "claim", "kind": "trend", "columns": ["date", "co2"], "text": "", "effect": {"value": value}}
    assert ("it rises by 1.3 ppm a year" in real.mark(table, real.Told([told])).found) is held


def test_every_truth_can_be_asked_of_an_empty_report(tables):
    for table in tables.values():
        marks = real.mark(table, real.Told([]))
        assert not marks.found, (table.name, marks.found)
        assert not marks.wrong


def test_the_classic_tables_are_as_they_were_printed():
    known = {path.stem: pd.read_csv(path) for path in (Path(real.__file__).parent / "data").glob("*.csv")}
    assert known["hair"]["Freq"].sum() == 592
    survived = known["aboard"].groupby(["sex", "survived"])["n"].sum()
    assert survived["Female", "Yes"] / survived["Female"].sum() == pytest.approx(0.732, abs=0.0005)
    gains = known["sleep"].groupby("group")["extra"].mean()
    assert gains[2] - gains[1] == pytest.approx(1.58)
    assert known["plants"].groupby("group")["weight"].mean().idxmax() == "trt2"
    assert known["teeth"]["len"].mean() == pytest.approx(18.813, abs=0.001)
    assert known["chicks"].groupby("feed")["weight"].mean().idxmin() == "horsebean"
    assert known["sprays"].groupby("spray")["count"].mean().idxmin() == "C"
    assert known["air"]["passengers"].sum() == 40363
    assert known["stops"].corr().iloc[0, 1] == pytest.approx(0.807, abs=0.001)
