"""What the templates must see in tables as real ones are: counts, years, small groups, matched pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from graphs.models.playbook.facts import Facts
from graphs.models.playbook.wishes import wishes
from notebooks.toolkit.cleaning import clean
from notebooks.toolkit.experiment import _experiment_told, compare_arms, two_arms
from notebooks.toolkit.panels import chance_by_unit, panel_of, unit_of_rows
from notebooks.toolkit.reading import read_table
from notebooks.toolkit.trends import trend_of
from tests.playbook.test_first_sight import reading

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]

# Two branches and two clerks; the second clerk does better in each branch and worse in all, by whom each is sent.
CLAIMS = pd.DataFrame(
    [("north", "Ada", 560, 840), ("north", "Bo", 60, 75), ("south", "Ada", 30, 120), ("south", "Bo", 230, 720)],
    columns=["branch", "clerk", "paid", "total"],
)
PASSED = CLAIMS.assign(failed=CLAIMS.total - CLAIMS.paid).rename(columns={"paid": "passed"}).drop(columns="total")


def _counted() -> pd.DataFrame:
    rows = [
        (branch, clerk, settled, n)
        for branch, clerk, paid, total in CLAIMS.itertuples(index=False)
        for settled, n in (("accepted", paid), ("refused", total - paid))
    ]
    return pd.DataFrame(rows, columns=["branch", "clerk", "settled", "cases"])


@pytest.mark.parametrize(
    ("raw", "weight", "outcome"),
    [
        (_counted(), "cases", "settled"),
        (_counted().assign(line=range(1, 9))[["line", "branch", "clerk", "settled", "cases"]], "cases", "settled"),
        (CLAIMS, "total", "paid"),
        (CLAIMS.assign(rate=(CLAIMS.paid / CLAIMS.total).round(3)), "total", "paid"),
        (PASSED, "failed", "passed"),
    ],
    ids=["counts", "numbered", "of-all", "with-a-rate", "with-and-without"],
)  # fmt: skip
def test_a_table_of_counts_is_read_as_cases(raw: pd.DataFrame, weight: str, outcome: str) -> None:
    table = clean(raw)
    assert table.weight == weight
    assert len(table.df) == CLAIMS.total.sum()
    yes = table.df[outcome].isin(["accepted", 1])
    assert yes.groupby(table.df["clerk"]).sum().to_dict() == CLAIMS.groupby("clerk")["paid"].sum().to_dict()
    assert weight in table.left_out
    assert [t["type"] for t in table.traps if t["kind"] == "weights"] == ["descriptive"]


def test_numbers_that_are_measured_are_no_counts(random: np.random.Generator) -> None:
    plots = pd.DataFrame({"block": np.repeat(list("abc"), 4), "seed": list("wxyz") * 3})
    plots["harvest"] = random.integers(30, 90, 12)
    assert clean(plots).weight == ""
    sprays = pd.DataFrame({"spray": np.repeat(list("abc"), 8), "count": random.integers(0, 30, 24)})
    assert clean(sprays).weight == ""


def test_shares_that_turn_about_are_told_in_percent(kernel: Kernel, table: Writer) -> None:
    ran = kernel.template("associations", data=table("claims", _counted()), outcome="clerk", factors=["settled"])
    assert ran.error is None
    (flip,) = ran.of("simpsons_paradox", "warning")
    assert flip.columns == ("clerk", "settled", "branch")
    assert "62.1 %" not in flip.text
    assert f"{(560 + 30) / 960:.1%}".replace("%", " %") in flip.text
    assert f"{(60 + 230) / 795:.1%}".replace("%", " %") in flip.text
    assert "within every branch it is the other way round" in flip.text
    assert not [f for f in ran.findings if f.type == "claim" and set(f.columns) == {"clerk", "settled"}]


@pytest.mark.parametrize(
    ("name", "values", "first", "last"),
    [
        ("year", [*range(1901, 1931)], "1901-01-01", "1930-01-01"),
        ("time", [round(1950 + i / 12, 3) for i in range(48)], "1950-01-01", "1953-12-01"),
        ("time", [1990 + i / 4 for i in range(20)], "1990-01-01", "1994-10-01"),
    ],
)
def test_years_one_a_row_are_dates(tmp_path: Path, name: str, values: list[float], first: str, last: str) -> None:
    path = tmp_path / "years.csv"
    pd.DataFrame({name: values, "level": np.arange(len(values)) * 1.5}).to_csv(path, index=False)
    dates = read_table(path)[name]
    assert (f"{dates.iloc[0]:%Y-%m-%d}", f"{dates.iloc[-1]:%Y-%m-%d}") == (first, last)


def test_each_small_group_is_looked_at_by_itself(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    x = np.arange(12.0)
    rest = random.normal(0, 0.02, 12)
    groups = {
        "line": (x, 3 + x / 2 + random.normal(0, 1, 12)),
        "curve": (x, 8 - 0.2 * (x - 7) ** 2 + rest),
        "stray": (x, 3 + x / 3 + rest + np.where(x == 10, 4, 0)),
        "alone": (np.where(x == 11, 20.0, 5.0), 5 + random.normal(0, 1, 12) + np.where(x == 11, 7, 0)),
    }
    df = pd.concat([pd.DataFrame({"lab": k, "dose": a, "answer": b}) for k, (a, b) in groups.items()])
    ran = kernel.template("associations", data=table("labs", df), outcome="answer", factors=["dose"])
    assert ran.error is None
    assert {f.params["level"]: f.params["without"] is None for f in ran.of("leverage_point", "warning")} == {
        "stray": False,
        "alone": True,
    }
    assert [f.segment for f in ran.of("nonlinear_association", "claim")] == ["lab = curve"]


def test_groups_that_share_their_means_differ_in_shape(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    clouds = {"cloud": random.normal(size=(120, 2)), "ring": np.c_[np.cos(turn), np.sin(turn)] * 2**0.5}
    clouds["other"] = random.normal(size=(120, 2))
    parts = [
        pd.DataFrame((z - z.mean(0)) / z.std(0), columns=["east", "north"]).assign(site=k) for k, z in clouds.items()
    ]
    ran = kernel.template("groups", data=table("sites", pd.concat(parts)), by="site")
    assert ran.error is None
    (shape,) = ran.of("distribution_shape", "claim")
    assert shape.columns == ("east", "north", "site")
    assert not ran.of("group_difference", "claim")
    same = [p for p in parts if p["site"].iloc[0] != "ring"]
    ran = kernel.template("groups", data=table("clouds", pd.concat(same)), by="site")
    assert not ran.of("distribution_shape", "claim"), "two clouds of one kind have one shape"
    same[0].loc[3, "east"] = 200.0
    ran = kernel.template("groups", data=table("slip", pd.concat(same)), by="site")
    assert not ran.of("distribution_shape", "claim"), "a slip in one of them is an outlier and no shape"


def test_what_a_factor_shows_is_another_ones(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    n = 60
    load = random.normal(10, 2, n)
    df = pd.DataFrame({"load": load, "heavy": np.where(load + random.normal(0, 1, n) > 10, "yes", "no")})
    df["range"] = 90 - 4 * load + random.normal(0, 2, n)
    ran = kernel.template("associations", data=table("lorries", df), outcome="range", factors=["heavy"])
    assert ran.error is None
    (stand_in,) = ran.of("confounding", "warning")
    assert stand_in.columns == ("heavy", "range", "load")
    assert not ran.of("group_difference", "claim")


def test_of_counts_that_all_grow_with_one_thing_none_stands_behind_another(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    played = random.uniform(2, 160, 500)
    tries, goals = random.poisson(played), random.poisson(played / 8)
    df = pd.DataFrame({"tries": tries, "goals": goals, "points": 4 * goals + random.poisson(played / 2)})
    ran = kernel.template("associations", data=table("games", df), outcome="goals", factors=["tries"])
    assert ran.error is None
    assert not [f.text for f in ran.of("confounding", "warning") if "only as it goes with points" in f.text]
    assert ran.of("correlation", "claim")


def test_matched_pairs_and_two_factors_at_once(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    people = random.normal(70, 12, 12)
    pairs = pd.DataFrame({"person_id": [*range(1, 13)] * 2, "shoe": ["old"] * 12 + ["new"] * 12})
    pairs["time"] = np.r_[people, people - 2 + random.normal(0, 0.6, 12)]
    ran = kernel.template("associations", data=table("shoes", pairs), outcome="time", factors=["shoe"])
    (claim,) = ran.of("group_difference", "claim")
    assert claim.effect is not None
    assert claim.effect.metric == "mean_diff"
    assert claim.effect.value == pytest.approx(2, abs=0.6)
    assert claim.params["top"] == "old"

    plots = pd.DataFrame({"soil": np.repeat(["clay", "sand"], 30), "water": [1, 2, 4] * 20})
    plots["crop"] = 8 * plots["water"] + np.where(plots["soil"] == "clay", 2.0, 0) + random.normal(0, 1.5, 60)
    ran = kernel.template("associations", data=table("plots", plots), outcome="crop", factors=["soil", "water"])
    beside = [f for f in ran.of("group_difference", "claim") if set(f.columns) == {"soil", "crop"}]
    assert [f.params["top"] for f in beside] == ["clay"]
    assert "held fixed" in beside[0].text
    assert not ran.of("interaction", "claim")


def test_an_outcome_that_was_asked_for_is_no_factor_of_others(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    years = random.uniform(0, 20, 600)
    trips = np.where(random.random(600) < 0.25 + years / 40, np.round(9 / (1 + years), 2), 0.0)
    ran = kernel.template(
        "associations", data=table("travel", pd.DataFrame({"years": years, "trips": trips})), outcome="trips"
    )
    assert ran.error is None
    assert not [f.text for f in ran.findings if f.text.startswith("Years varies with")]


def test_a_far_point_bends_nothing_and_of_twins_neither_stands_in_for_the_other(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    size = random.lognormal(0, 2, 60)
    df = pd.DataFrame({"body": size, "brain": size * random.lognormal(0, 0.35, 60)})
    df["sleep"] = 14 - 1.5 * np.log(df["brain"]) + random.normal(0, 3, 60)
    ran = kernel.template("associations", data=table("beasts", df), outcome="sleep", factors=["body"])
    assert ran.error is None
    assert not ran.of("confounding", "warning"), "which of the two it is these rows cannot tell"
    assert [f.columns for f in ran.of("correlation", "claim")] == [("body", "sleep")]

    x = random.normal(0, 1, 40)
    towns = pd.DataFrame({"school": np.r_[x, 7], "births": np.r_[-0.7 * x + random.normal(0, 0.7, 40), -1.5]})
    ran = kernel.template("associations", data=table("towns", towns), outcome="births", factors=["school"])
    assert not ran.of("nonlinear_association", "claim")


def test_whether_a_time_had_ended_is_told_with_neither_the_time_nor_its_parts(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    joined = np.repeat(np.arange(1990, 2000), 12)
    months = np.minimum(random.exponential(40, 120), (2000 - joined) * 12).round(1) + 1
    alive = np.where(months >= (2000 - joined) * 12, "alive", "dead")
    df = pd.DataFrame({"joined": joined, "survived": alive, "survtime": months, "age": random.normal(50, 9, 120)})
    ran = kernel.template("associations", data=table("patients", df), outcome="survived")
    assert ran.error is None
    assert not [f.text for f in ran.findings if f.type == "claim" and "survtime" in f.columns]
    ran = kernel.template("associations", data=table("patients", df))
    assert not [f.text for f in ran.findings if {"survtime", "survived"} <= set(f.columns)]


def test_groups_whose_order_is_that_of_another_column_are_told_with_it_held_fixed(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    grade = np.repeat(["fair", "good", "ideal"], 120)
    better = np.repeat([0, 1, 2], 120)
    carat = random.lognormal(0, 0.3, 360) * (1.8 - 0.5 * better)
    df = pd.DataFrame(
        {"grade": grade, "carat": carat, "price": 1000 * carat + 150 * better + random.normal(0, 90, 360)}
    )
    ran = kernel.template("associations", data=table("stones", df), outcome="price", factors=["grade"])
    assert ran.error is None
    (told,) = ran.of("confounding", "warning")
    assert told.columns == ("grade", "price", "carat")
    assert "once carat is held fixed, it is highest for ideal" in told.text
    assert told.text.endswith("so it turns round.")
    assert not [f for f in ran.findings if f.type == "claim" and f.columns == ("grade", "price")]


def test_rows_of_the_same_few_are_no_evidence_of_their_own(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    from statsmodels.api import OLS, add_constant

    who, own = np.repeat(np.arange(101, 121), 12), np.repeat(random.normal(0, 3, 20), 12)
    df = pd.DataFrame({"subject": who, "week": np.tile(np.arange(12), 20), "arm": np.repeat([0, 1] * 10, 12)})
    df["score"] = 20 + 0.3 * df["week"] + own + random.normal(0, 0.5, 240)
    df.loc[df["arm"] == 1, "score"] += 1.5 - own.reshape(20, 12)[1::2, 0].mean() + own.reshape(20, 12)[::2, 0].mean()
    fitted = OLS(df["score"], add_constant(df["week"])).fit(cov_type="cluster", cov_kwds={"groups": who}, use_t=True)
    p, units = chance_by_unit(df[["score"]].to_numpy(), df[["week"]].to_numpy(float), df["subject"]) or (0, 0)
    assert units == 20
    assert p == pytest.approx(fitted.pvalues["week"], rel=0.2), "but for how it allows for few rows"
    ran = kernel.template("associations", data=table("weeks", df), outcome="score")
    assert ran.error is None
    told = {f.columns[0]: f for f in ran.findings if f.type == "claim"}
    assert "The 240 rows are of 20 subjects, and with errors that allow for it p < 0.001." in told["week"].caveats
    assert any(c.startswith("It may be chance: the 240 rows are of 20 subjects") for c in told["arm"].caveats)
    assert unit_of_rows(clean(df)) == "subject"
    states = df.rename(columns={"subject": "state", "week": "weeks"})
    assert panel_of(clean(states)) == ("state", "weeks"), "numbers of states are no amounts"


def test_who_is_spoken_of_names_the_sex_and_an_owner_no_outcome() -> None:
    lived = reading("Do women live longer?", 228, time=0, sex=["1", "2"], wtloss=0)
    assert lived == (("sex", "time"), "Does time differ by sex?")
    states = {"state": [f"state {n}" for n in range(20)], "capital": 0, "gsp": 0}
    assert reading("Does capital raise a state's output?", 340, **states)[0] == ("capital", "gsp")


def test_a_likely_question_of_a_table_of_counts_is_answered_in_cases_or_not_at_all() -> None:
    held = {"memory": ["no", "yes"], "attitude": ["moderate", "no"], "age": ["old", "young"]}
    columns = [{"name": c, "dtype": "str", "n_unique": 2, "values": v} for c, v in held.items()]
    columns.append({"name": "Freq", "dtype": "int64", "n_unique": 8, "examples": [3, 40, 7]})
    facts = Facts(question="Do those who remember approve?", files=[{"name": "d.csv", "rows": 8, "columns": columns}])
    (wish,) = wishes(facts)
    assert wish.query is not None
    assert [(m.op, m.of) for m in wish.query.measures] == [("sum", "Freq"), ("sum", "Freq")]


def test_nobody_is_told_to_use_patients_who_are_counted_once_each(random: np.random.Generator) -> None:
    who = np.repeat(np.arange(60), 4)
    df = pd.DataFrame({"subject": [f"s{n}" for n in who], "group": np.where(who % 2, "patient", "control")})
    df["exercise"] = np.where(who % 2, 4.0, 3.0) + random.normal(0, 1, 240)
    text, values, _ = _experiment_told(compare_arms(two_arms(df, "exercise", "group")), False, 0.05, False)
    assert "use patient" not in text
    assert "This is beyond chance (p < 0.001)." in text
    assert values["n"] == 60


def test_a_logarithm_and_a_code_are_no_columns_of_their_own_and_a_unit_is_of_no_size(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    size = np.repeat(random.lognormal(3, 1, 30), 10)
    df = pd.DataFrame(
        {"state": np.repeat([f"st{n}" for n in range(30)], 10), "year": np.tile(np.arange(1990, 2000), 30)}
    )
    df["jobs"] = size * random.lognormal(0, 0.05, 300)
    df["output"] = size * random.lognormal(0, 0.05, 300)
    df["grade"] = random.choice([1, 2, 3, 14, 15, 16], 300)
    df["base"] = np.repeat(random.integers(6, 99, 60), 5)
    df["logbase"] = np.log(df["base"] / 4)
    assert clean(df).left_out["logbase"] == "copy of base"
    shapes = kernel.template("clusters", data=table("states", df)).of("distribution_shape", "claim")
    assert "grade" not in {f.columns[0] for f in shapes}
    ran = kernel.template("associations", data=table("states", df), outcome="output")
    assert ran.error is None
    assert not ran.of("target_leakage"), "large states have more of everything"


def test_a_trend_of_years_that_resemble_their_neighbours_is_told_with_what_that_leaves(
    random: np.random.Generator,
) -> None:
    drift = np.zeros(98)
    for year in range(1, 98):
        drift[year] = 0.9 * drift[year - 1] + random.normal()
    years = pd.Index(range(1875, 1973))
    wide, plain = (trend_of(pd.Series(level, index=years)) for level in (drift, random.permutation(drift)))
    assert np.ptp(wide.ends) > 2 * np.ptp(plain.ends)
    steady = trend_of(pd.Series(0.5 * np.arange(98) + drift, index=years))
    assert (steady.word, steady.p < 1e-6) == ("increasing", True)
