"""The templates of the other question kinds: each run once in a kernel, its values held against independent ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import scipy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def trees(random: np.random.Generator, n: int = 240) -> pd.DataFrame:
    df = pd.DataFrame({"kind": random.choice(["oak", "elm", "fir"], n), "wet": random.choice(["yes", "no"], n)})
    df["height_m"] = random.normal(18, 3, n) + 4 * (df["kind"] == "fir")
    return df.assign(girth_cm=6 * df["height_m"] + random.normal(0, 5, n))


def test_a_test_gives_statistic_p_and_the_pairs(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    df = trees(random)
    name = table("trees_tested", df)
    ran = kernel.template("test", data=name, columns=["height_m"], by="kind", test="anova", alpha=0.01)
    known = scipy.stats.f_oneway(*(part["height_m"] for _, part in df.groupby("kind")))
    values = ran.answer["values"]
    assert (values["statistic"][0], values["p_value"][0]) == pytest.approx((known.statistic, known.pvalue))
    assert "2 of 3 pairs differ (Tukey)" in ran.answer["text"]
    assert len(ran.plots) == 1
    normal = kernel.template("test", data=name, columns=["girth_cm"], about="normality")
    assert normal.answer["values"]["p_value"][0] == pytest.approx(scipy.stats.shapiro(df["girth_cm"]).pvalue)
    asked = kernel.template("test", data=name, columns=["height_m"], by="kind", test="t")
    assert "name two of elm, fir, oak" in asked.answer["why"]


def test_odd_values_are_told_row_by_row(
    kernel: Kernel, table: Writer, random: np.random.Generator, folder: Path
) -> None:
    df = trees(random).assign(age=random.integers(10, 90, 240))
    df.loc[6, "age"] = 190
    df.loc[11, "girth_cm"] = 900
    ran = kernel.template("outliers", data=table("trees_odd", df))
    assert ran.error is None
    listed = pd.read_csv(folder / "outliers.csv")
    assert set(map(tuple, listed[["row", "column", "kind"]].to_numpy())) >= {
        (7, "age", "impossible"),
        (12, "girth_cm", "isolated"),
    }
    assert "190 is outside 0 to 120, which an age cannot be" in ran.answer["text"]
    assert set(listed["row"]) == {7, 12}
    assert len(ran.plots) == 1


def test_a_table_without_oddities_is_told_so(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    ran = kernel.template("outliers", data=table("trees_plain", trees(random)))
    assert ran.answer["text"] == "No value is impossible, isolated or influential in 240 rows."


def test_a_table_is_cleaned_with_its_log(
    kernel: Kernel, table: Writer, random: np.random.Generator, folder: Path
) -> None:
    df = trees(random)
    df["girth_cm"] = df["girth_cm"].round(2)
    df.loc[[3, 40, 80, 120], "height_m"] = -999
    df.loc[[5, 6], "kind"] = "Oak "
    df = pd.concat([df, df.iloc[[10, 20, 30]]], ignore_index=True)
    ran = kernel.template("clean", data=table("trees_dirty", df))
    assert ran.error is None
    cleaned, log = pd.read_parquet(folder / "cleaned.parquet"), pd.read_csv(folder / "cleaning_log.csv")
    assert (len(cleaned), cleaned["height_m"].isna().sum(), sorted(cleaned["kind"].unique())) == (
        240,
        4,
        ["elm", "fir", "oak"],
    )
    assert ran.answer["values"]["values changed"][0] == 4 + 2
    assert len(log) == 3
    assert pd.read_csv(folder / "cleaned.csv").shape == cleaned.shape


def test_files_are_joined_without_repeating_a_row(kernel: Kernel, table: Writer, folder: Path) -> None:
    orders = pd.DataFrame({"order": range(1, 31), "client_id": [k % 8 + 1 for k in range(30)], "sum_eur": 10.0})
    clients = pd.DataFrame({"client_id": [1, 2, 3, 4, 5, 5, 6, 9], "town": list("abcdefgh")})
    table("clients_joined", clients)
    ran = kernel.template("join", data=table("orders_joined", orders), other="clients_joined.csv")
    assert ran.error is None
    written = pd.read_csv(folder / "joined.csv")
    assert (len(written), written["sum_eur"].sum()) == (30, 300)
    once = orders["client_id"].isin([1, 2, 3, 4, 6])
    assert ran.answer["values"]["with match"][0] == once.sum() == written["town"].notna().sum()
    assert ran.answer["values"]["unused rows"][0] == 1
    assert ran.answer["status"] == "partly"
    extra = len(orders.merge(clients, how="left")) - 30
    assert f"would make {extra} rows too many" in ran.answer["why"]


def test_groups_are_ranked_by_their_mean_and_rows_by_several_columns(
    kernel: Kernel, table: Writer, random: np.random.Generator, folder: Path
) -> None:
    df = trees(random)
    name = table("trees_ranked", df)
    ran = kernel.template("rank", data=name, by=["height_m"], of="kind")
    means = df.groupby("kind")["height_m"].mean().sort_values(ascending=False)
    assert list(ran.answer["values"]) == list(means.index)
    assert [v[0] for v in ran.answer["values"].values()] == pytest.approx(list(means))
    rows = kernel.template("rank", data=name, by=["height_m", "girth_cm"], ascending=["girth_cm"], limit=3)
    score = 50 * (df["height_m"].rank(pct=True) + df["girth_cm"].rank(pct=True, ascending=False))
    assert next(iter(rows.answer["values"].values()))[0] == pytest.approx(score.max())
    assert len(pd.read_csv(folder / "ranking.csv")) == 240
    tall = kernel.template("rank", data=name, by=["height_m"], steps=["rows = rows[rows['kind'] == 'elm']"], limit=1)
    top = df.loc[df["kind"] == "elm", "height_m"].idxmax() + 1
    assert list(tall.answer["values"]) == [f"row {top}"], "the row of the file, not of what is left of it"
    asked = kernel.template("rank", data=name)
    assert "open what decides the order" in asked.answer["why"]


def test_a_list_goes_into_a_file(kernel: Kernel, table: Writer, random: np.random.Generator, folder: Path) -> None:
    df = trees(random)
    step = "rows = rows[rows['height_m'] > 22]"
    ran = kernel.template("list", data=table("trees_listed", df), steps=[step], order="height_m")
    tall = df.loc[df["height_m"] > 22, "height_m"].sort_values(ascending=False)
    assert ran.answer["values"]["rows"][0] == len(tall)
    assert list(pd.read_csv(folder / "list.csv")["height_m"]) == pytest.approx(list(tall))


def test_a_model_is_held_against_the_simplest_guess_and_saved_with_a_card(
    kernel: Kernel, table: Writer, random: np.random.Generator, folder: Path
) -> None:
    df = trees(random, 400).assign(double_m=lambda d: 2 * d["height_m"])
    ran = kernel.template("predict", data=table("trees_predicted", df), target="height_m")
    assert ran.error is None
    values = ran.answer["values"]
    assert values["held-out error"][0] < values["error of the simplest guess"][0] / 2
    assert values["held-out error"][1] == "m"
    assert "Double m was left out: it restates height_m." in ran.answer["notes"] or any(
        "restates height_m" in n for n in ran.answer["notes"]
    )
    assert ran.answer["files"] == ["model.joblib", "model_card.md"]
    assert "must not be used for" in (folder / "model_card.md").read_text()
    assert len(ran.plots) == 2


def test_charts_are_drawn_and_read(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    df = trees(random)
    name = table("trees_drawn", df)
    bars = kernel.template("plot", data=name, x="kind")
    assert {k: v[0] for k, v in bars.answer["values"].items()} == df["kind"].value_counts().to_dict()
    points = kernel.template("plot", data=name, x="height_m", y=["girth_cm"], colour="kind")
    assert points.answer["values"]["correlation"][0] == pytest.approx(df["height_m"].corr(df["girth_cm"]))
    for kind in ("box", "violin", "histogram", "pie", "heatmap", "density"):
        given = (
            {"x": "kind", "y": ["height_m"]}
            if kind not in ("heatmap", "pie")
            else {"x": "kind"}
            if kind == "pie"
            else {}
        )
        ran = kernel.template("plot", data=name, kind=kind, **given)
        assert (ran.error, len(ran.plots)) == (None, 1), kind
    texts = kernel.template("plot", data=name, kind="line", x="height_m", y=["kind"])
    assert "holds texts" in texts.answer["why"]


def test_a_distribution_is_told_by_its_quantiles(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    df = trees(random)
    ran = kernel.template("distribution", data=table("trees_spread", df), column="height_m", by="kind")
    values = {k: v[0] for k, v in ran.answer["values"].items()}
    assert values["median"] == pytest.approx(df["height_m"].median())
    assert values["skewness"] == pytest.approx(df["height_m"].skew())
    assert values["median of fir"] == pytest.approx(df.loc[df["kind"] == "fir", "height_m"].median())
    assert len(ran.plots) == 1


def test_no_direction_is_told_where_the_ranks_go_against_the_line(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    load = random.uniform(0, 1, 300)
    df = pd.DataFrame({"load": load, "rest": -2 * load + random.normal(0, 0.3, 300)})
    df.loc[:11, ["load", "rest"]] = random.uniform(4, 5, (12, 2)).round(3)
    assert scipy.stats.pearsonr(df["load"], df["rest"]).statistic > 0.3
    assert scipy.stats.spearmanr(df["load"], df["rest"]).statistic < -0.3
    ran = kernel.template("associations", data=table("turning", df))
    assert ran.error is None
    (claim,) = [f for f in ran.findings if set(f.columns) == {"load", "rest"} and f.type == "claim"]
    assert "not in one direction: r = +" in claim.text
    assert "Spearman's rank correlation = −" in claim.text
    assert claim.direction is None
    steady = table("steady", df.iloc[12:])
    (claim,) = [f for f in kernel.template("associations", data=steady).findings if f.type == "claim"]
    assert "move in opposite directions" in claim.text
    assert claim.direction == "-"
