"""The template on drivers: planted effects come back in the outcome's units, parts of the target do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from notebooks.toolkit.drivers import find_drivers
from notebooks.toolkit.drivers_told import _drivers_told
from notebooks.toolkit.joint_model import (
    held_out_fit,
    independent_columns,
    model_effects,
    smaller_logistic_models,
    smaller_models,
)
from notebooks.toolkit.survival import followed

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def flats(random: np.random.Generator, n: int = 900) -> pd.DataFrame:
    """Rents: 11 EUR a square metre, 120 more with a balcony, 9 less for each year; size and age go together."""
    age = random.integers(0, 40, n).astype(float)
    df = pd.DataFrame({"age_years": age, "size_m2": random.normal(70, 15, n) - 0.6 * age})
    df["balcony"] = random.choice(["yes", "no"], n)
    df["lift"] = "yes"
    df["floor"] = random.choice(["ground", "first", "top"], n)
    df["rent_eur"] = 200 + 11 * df["size_m2"] - 9 * age + 120 * (df["balcony"] == "yes") + random.normal(0, 60, n)
    return df


def test_joint_effects_are_told_in_the_outcomes_units(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    from sklearn.linear_model import LinearRegression

    df = flats(random)
    ran = kernel.template("drivers", data=table("flats", df), target="rent_eur")
    assert ran.error is None
    x = df[["age_years", "size_m2"]].assign(
        balcony=df["balcony"] == "yes", first=df["floor"] == "first", top=df["floor"] == "top"
    )
    known = dict(zip(x, LinearRegression().fit(x.astype(float), df["rent_eur"]).coef_, strict=True))
    values = ran.answer["values"]
    assert values["each m² of size"][:2] == (pytest.approx(known["size_m2"]), "EUR")
    assert values["balcony yes instead of no"][0] == pytest.approx(known["balcony"])
    low, high = values["each unit of age years"][2]
    assert low < -9 < high
    assert not any("floor" in name for name in values)
    assert 0.8 < values["held-out R²"][0] < 0.99
    assert "Lift was left out: it is the same in all rows." in ran.answer["notes"]
    assert "Rent depends most on size. Other things equal, each m² of size adds" in ran.answer["text"]
    assert len(ran.plots) == 1


def test_parts_of_the_target_are_left_out_by_name_and_the_target_stays(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 500
    warmth = random.normal(15, 6, n)
    df = pd.DataFrame(
        {"casual": random.poisson(60, n) + warmth.round(), "registered": random.poisson(300, n), "temp_c": warmth}
    )
    df["rides"] = df["casual"] + df["registered"]
    ran = kernel.template("drivers", data=table("rides", df), target="rides")
    assert list(ran.answer["values"]) == ["each °C of temp", "held-out R²"]
    assert sum("rides is made up of casual and registered" in note for note in ran.answer["notes"]) == 2


def test_what_is_computed_from_the_target_by_a_rate_of_each_group_is_no_factor(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 1200
    member = random.random(n) < 0.6
    minutes = np.where(member, random.gamma(4, 3, n), random.gamma(5, 6, n)).round(1)
    fee = np.where(member, 0, 1.5 + 0.15 * minutes).round(2)
    df = pd.DataFrame({"minutes": minutes, "user": np.where(member, "member", "casual"), "fee_eur": fee})
    name = table("rides", df)
    ran = kernel.template("drivers", data=name, target="minutes")
    assert list(ran.answer["values"]) == ["user member instead of casual", "held-out R²"]
    assert any("within each user fee_eur is made up of minutes" in note for note in ran.answer["notes"])
    fees = kernel.template("drivers", data=name, target="fee_eur")
    assert list(fees.answer["values"]) == ["user member instead of casual", "held-out R²"]
    (made,) = kernel.template("profile", data=name).of("redundant_columns", "warning")
    assert "Fee is made up of minutes within each user" in made.text


def test_an_outcome_of_two_levels_is_told_in_percentage_points_even_with_a_level_that_never_varies(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 1500
    df = pd.DataFrame(
        {"plan": random.choice(["basic", "plus", "trial"], n, p=[0.5, 0.4, 0.1]), "calls": random.poisson(2, n)}
    )
    chance = np.where(df["plan"] == "trial", 0.0, 0.15 + 0.08 * df["calls"])
    df["left"] = np.where(random.random(n) < np.clip(chance, 0, 0.95), "yes", "no")
    ran = kernel.template("drivers", data=table("leavers", df), target="left")
    assert ran.error is None
    value, unit, (low, high) = ran.answer["values"]["each unit of calls"]
    assert unit == "pp"
    assert low < value < high
    assert 5 < value < 9
    assert any(name.startswith("plan trial") for name in ran.answer["values"])
    assert 0.6 < ran.answer["values"]["held-out AUC"][0] < 0.9


def test_some_fifty_rows_are_enough_for_five_effects_and_thirty_are_not(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame(random.normal(size=(48, 5)), columns=list("abcde"))
    df["births"] = 70 - 4 * df["a"] + 3 * df["b"] + 2 * random.normal(size=48)
    ran = kernel.template("drivers", data=table("towns", df), target="births")
    assert {"each unit of a", "each unit of b"} <= set(ran.answer["values"])
    ran = kernel.template("drivers", data=table("few", df[:30]), target="births")
    assert "too few" in ran.answer["why"]


def test_a_factor_of_many_orders_of_magnitude_is_told_in_doublings(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame({"weight": 10 ** random.uniform(-2, 3, 120), "age": random.uniform(1, 9, 120)})
    df["litters"] = random.choice([1, 1, 1, 1, 1, 1, 2, 3], 120)
    df["hours"] = 12 - 0.5 * np.log2(df["weight"]) + 0.3 * df["age"] + 2 * df["litters"] + random.normal(size=120)
    ran = kernel.template("drivers", data=table("animals", df), target="hours")
    value, _, (low, high) = ran.answer["values"]["each doubling of weight"]
    assert low < value < high < 0
    assert -0.65 < value < -0.35
    assert {"each unit of age", "each unit of litters"} <= set(ran.answer["values"]), (
        "what spans less, in its own units"
    )


def test_an_outcome_that_nothing_explains_is_told_so(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame(random.normal(size=(400, 4)), columns=list("wxyz"))
    ran = kernel.template("drivers", data=table("noise", df), target="z")
    assert "None of 3 factors goes with z beyond chance" in ran.answer["text"]
    assert ran.findings == []


def test_the_joint_model_is_what_statsmodels_and_sklearn_say(random: np.random.Generator) -> None:
    import statsmodels.api as sm
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold, cross_val_predict

    df = flats(random).drop(columns=["balcony", "lift", "floor"])
    x, y = df[["age_years", "size_m2"]].assign(scale=1e6 * random.random(len(df))), df["rent_eur"]
    columns = x.assign(same=3.0, both=x["age_years"] - 2 * x["size_m2"])[["same", *x, "both"]]
    assert independent_columns(columns) == list(x)
    table, fit = model_effects(y, x, False)
    known = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC3")
    assert table["effect"].to_dict() == pytest.approx(known.params.drop("const").to_dict())
    assert table["p"].to_dict() == pytest.approx(known.pvalues.drop("const").to_dict())
    assert table[["low", "high"]].to_numpy() == pytest.approx(known.conf_int().drop("const").to_numpy())
    assert fit == pytest.approx(known.rsquared)
    effects, share = smaller_models(y, x)(["size_m2"])
    alone = sm.OLS(y, sm.add_constant(x[["size_m2"]])).fit()
    assert (effects["size_m2"], share) == pytest.approx((alone.params["size_m2"], alone.rsquared))
    said = cross_val_predict(LinearRegression(), x, y, cv=KFold(5, shuffle=True, random_state=0))
    assert held_out_fit(y, x, False) == pytest.approx(r2_score(y, said))


def test_the_joint_logistic_model_is_what_statsmodels_says(random: np.random.Generator) -> None:
    import statsmodels.api as sm

    x = pd.DataFrame(random.normal(size=(900, 4)) * [1, 10, 0.01, 3] + [0, 2000, 5, 0], columns=list("abcd"))
    x = x.assign(d=x["d"] + x["a"], rare=(random.random(900) < 0.05).astype(float))
    chance = 1 / (1 + np.exp(-(0.8 * x["a"] - 0.05 * (x["b"] - 2000) + 0.3 * x["d"] + x["rare"])))
    y = pd.Series((random.random(900) < chance).astype(float))
    for names in (["a"], ["b", "rare"], list(x)):
        table, fit = model_effects(y, x[names], True)
        centred = x[names] - x[names].mean()  # the same model, which statsmodels solves more exactly
        known = sm.Logit(y, sm.add_constant(centred)).fit(disp=0, tol=1e-13, method="newton")
        margins = known.get_margeff()
        ends = 100 * margins.conf_int()
        assert table["effect"].to_numpy() == pytest.approx(100 * margins.margeff, rel=1e-8, abs=1e-8)
        assert table[["low", "high"]].to_numpy() == pytest.approx(ends, rel=1e-8, abs=1e-8)
        assert table["p"].to_numpy() == pytest.approx(margins.pvalues, rel=1e-8, abs=1e-8)
        assert fit == pytest.approx(known.prsquared, rel=1e-8)


def test_smaller_logistic_models_are_what_statsmodels_says(random: np.random.Generator) -> None:
    import statsmodels.api as sm

    x = pd.DataFrame(random.normal(size=(900, 4)) * [1, 10, 0.01, 3], columns=list("abcd"))
    x = x.assign(d=x["d"] + x["a"], rare=(random.random(900) < 0.05).astype(float))
    chance = 1 / (1 + np.exp(-(0.8 * x["a"] - 0.05 * x["b"] + 0.3 * x["d"] + x["rare"])))
    y = pd.Series((random.random(900) < chance).astype(float))
    model = smaller_logistic_models(y, x)
    for names in (["a"], ["c"], ["b", "rare"], ["b", "c", "d", "rare"], list(x)):
        effects, fit = model(names)
        known = sm.Logit(y, sm.add_constant(x[names])).fit(disp=0, tol=1e-13)
        margins = 100 * known.get_margeff().margeff
        assert effects.to_numpy() == pytest.approx(margins, rel=1e-8, abs=1e-8)
        assert fit == pytest.approx(known.prsquared, rel=1e-8, abs=1e-8)


def test_a_level_that_tells_the_outcome_alone_is_fitted_as_the_joint_model_is() -> None:
    y = pd.Series(np.r_[np.zeros(50), np.ones(50)])
    x = pd.DataFrame({"a": np.arange(100.0), "b": np.tile([0.0, 1.0, 3.0, 1.0], 25)})
    model = smaller_logistic_models(y, x)
    for names in (["a"], ["b"]):
        table, known = model_effects(y, x[names], True)
        effects, fit = model(names)
        assert effects.to_numpy() == pytest.approx(table["effect"].to_numpy())
        assert fit == pytest.approx(known)


def test_what_restates_the_outcome_or_a_factor_is_left_out_by_name(random: np.random.Generator) -> None:
    df = pd.DataFrame({"school": random.integers(6, 19, 500), "years": random.integers(1, 40, 500)})
    df["pay"] = np.exp(0.08 * df["school"] + 0.01 * df["years"] + 0.3 * random.normal(size=500))
    df["log_pay"], df["years_squared"] = np.log(df["pay"]).round(4), df["years"] ** 2
    df["poor"] = (df["pay"] < df["pay"].median()).astype(int)
    found = find_drivers(df, "pay")
    assert set(found.left_out) == {"log_pay", "years_squared", "poor"}
    assert found.weights.index[0] == "school"


def test_the_rows_own_numbers_are_no_factor(random: np.random.Generator) -> None:
    df = flats(random).reset_index().rename(columns={"index": "Unnamed: 0"})
    found = find_drivers(df, "rent_eur")
    assert found.left_out["Unnamed: 0"] == "it only names the rows"


def test_numbers_that_only_say_who_are_no_factor(random: np.random.Generator) -> None:
    table = pd.DataFrame({"day": np.tile(np.arange(10), 12), "Subject": np.repeat(np.arange(300, 312), 10)})
    table["grip"] = 40 + 2 * table["day"] + 0.3 * table["Subject"] + random.normal(size=120)
    found = find_drivers(table, "grip")
    assert found.units == "Subject"
    assert list(found.weights.index) == ["day"]


def test_factors_that_go_together_too_closely_are_told_as_one(random: np.random.Generator) -> None:
    career = random.normal(size=200)
    df = pd.DataFrame({name: career + random.normal(0, 0.2, 200) for name in ("hits", "runs", "walks")})
    df["catches"] = random.normal(size=200)
    df["pay"] = 10 * career + 2 * df["catches"] + random.normal(0, 8, 200)
    found = find_drivers(df, "pay")
    assert list(found.together) == [("hits", "runs", "walks")]
    assert found.together["hits", "runs", "walks"] > found.weights.max()
    text = _drivers_told(found)[0]
    assert text.startswith(
        "pay depends most on hits, runs and walks: it rises with each of them by itself, but they go"
    )
    assert "each unit of catches adds" in text
    df["pay"] = random.normal(size=200)
    assert not find_drivers(df, "pay").together


def pumps(random: np.random.Generator, n: int = 400) -> pd.DataFrame:
    """Hours until a pump fails, shorter by heat and by make; the watch ends early for some."""
    df = pd.DataFrame({"heat": random.normal(60, 10, n), "make": random.choice(["Alto", "Brio"], n)})
    hours = random.exponential(1, n) * 900 * np.exp(-0.05 * (df["heat"] - 60) - 0.7 * (df["make"] == "Brio"))
    watched = random.uniform(100, 1800, n)
    df["time"], df["status"] = np.minimum(hours, watched).round(1), np.where(hours <= watched, 2, 1)
    return df


def test_times_that_had_not_ended_are_told_by_hazards_and_medians(random: np.random.Generator) -> None:
    from statsmodels.duration.api import PHReg, SurvfuncRight

    df = pumps(random)
    found = find_drivers(df, "time")
    text, values, notes = _drivers_told(found)
    x = pd.DataFrame({"heat": df["heat"], "make": (df["make"] == "Brio").astype(float)})
    known = PHReg(df["time"], x, status=(df["status"] == 2).astype(int), ties="efron").fit().params
    step = found.effects.loc["heat", "joint"] / 1.0
    assert step == pytest.approx(known[0])
    assert values["hazard ratio, make Brio instead of Alto"][0] == pytest.approx(np.exp(known[1]))
    still = int((df["status"] == 1).sum())
    assert f"{still:,} of 400 times had not ended (status 1)" in text
    middle = SurvfuncRight(df["time"], df["status"] == 2).quantile(0.5)
    assert f"half last {middle:.0f}" in text.replace(",", "")
    assert "status" not in found.weights.index
    assert notes[0].startswith("A Cox model of 400 rows")


def test_a_mark_of_censoring_is_read_by_the_longest_times_where_its_name_leaves_it_open(
    random: np.random.Generator,
) -> None:
    df = pumps(random).rename(columns={"time": "survival"})
    df["censored"] = (df.pop("status") == 2).astype(int)  # 1: the end was seen
    df.loc[df["censored"] == 0, "survival"] += 2000
    of = followed(df, "survival")
    assert of is not None
    assert (of.over, of.open, of.unsure) == (1, 0, True)
    assert followed(df.rename(columns={"survival": "price"}), "price") is None
    assert followed(df.assign(censored=random.integers(0, 4, 400)), "survival") is None


def test_effects_within_units_are_told_where_rows_repeat_them(random: np.random.Generator) -> None:
    firm, year = np.repeat([f"firm {i}" for i in range(20)], 8), np.tile(np.arange(2001, 2009), 20)
    level = np.repeat(random.normal(0, 10, 20), 8)
    df = pd.DataFrame({"firm": firm, "year": year, "price": 50 + 2 * level + random.normal(0, 2, 160)})
    df["sales"] = 300 + 10 * level - 3 * df["price"] + 4 * (df["year"] - 2000) + random.normal(0, 3, 160)
    found = find_drivers(df, "sales")
    text, _, notes = _drivers_told(found)
    row = found.effects.loc["price"]
    assert row["step"] == "each unit of price"
    assert row["low"] < -3 < row["high"]
    assert row["alone"] > 0
    assert (found.units, found.calendar) == ("firm", "year")
    assert "within the same firm at the same year" in text
    assert any(note.startswith("Over all rows") and "the other way" in note for note in notes)
    of_firms = find_drivers(df.assign(sales=df.groupby("firm")["sales"].transform("mean").round(1)), "sales")
    assert of_firms.units == ""
    assert of_firms.notes[0].startswith("Each firm has one value of sales")
    uneven = df[random.random(160) < 0.8].drop(columns="year").sort_values(["firm", "price"])
    uneven["order"] = uneven.groupby("firm").cumcount() + 1
    assert find_drivers(uneven, "sales").left_out["order"] == "it only numbers the rows of each firm"


def test_units_that_differ_in_a_slope_are_told(random: np.random.Generator) -> None:
    table = pd.DataFrame({"day": np.tile(np.arange(10), 12), "Subject": np.repeat(np.arange(300, 312), 10)})
    slopes = np.repeat(np.linspace(-1, 6, 12), 10)
    table["grip"] = 40 + slopes * table["day"] + random.normal(size=120)
    assert any(
        "The 12 Subjects differ in it: by itself, each unit of day" in n for n in find_drivers(table, "grip").notes
    )


def test_numbers_that_stand_for_kinds_are_told_level_by_level(random: np.random.Generator) -> None:
    df = pd.DataFrame({"region": random.integers(1, 4, 300), "wing": random.integers(1, 5, 300)})
    df["rank"] = random.integers(1, 5, 300)
    df["cost"] = 10 * df["wing"].map({1: 0, 2: 5, 3: -5, 4: 4}) + 8 * df["rank"] + random.normal(0, 10, 300)
    steps = find_drivers(df, "cost").effects.groupby("factor")["step"].agg(list)
    assert [len(steps[c]) for c in ("region", "wing", "rank")] == [2, 3, 1]
    assert all(" instead of " in step for step in [*steps["region"], *steps["wing"]])


def test_a_factor_that_turns_is_told_on_both_sides(random: np.random.Generator) -> None:
    df = pd.DataFrame({"depth": random.uniform(0, 100, 600), "salt": random.normal(0, 1, 600)})
    df["catch"] = 3 * df["depth"].clip(upper=50) - 2 * (df["depth"] - 50).clip(lower=0) + random.normal(0, 20, 600)
    _, _, notes = _drivers_told(find_drivers(df, "catch"))
    assert notes[0].startswith("Catch follows no straight line of depth: ")
    assert "beyond 5" in notes[0] or "beyond 4" in notes[0]


def test_parts_and_ratios_of_the_outcome_are_left_out_by_name(random: np.random.Generator) -> None:
    df = pd.DataFrame({"thefts": random.poisson(300, 200), "people": random.integers(20_000, 90_000, 200)})
    df["theft_rate"] = (df["thefts"] / df["people"] * 1000).round(3)
    df["poverty"] = df["theft_rate"] + random.normal(0, 1, 200)
    assert set(find_drivers(df, "theft_rate").left_out) == {"thefts", "people"}
    df["theftsSolved"] = (df["thefts"] * random.uniform(0.2, 0.6, 200)).astype(int)
    df["thefts_before"] = df["thefts"] - 40
    found = find_drivers(df[["thefts", "theftsSolved", "poverty"]], "thefts")
    assert found.left_out == {"theftsSolved": "it is a part of thefts"}


def test_comparisons_of_unlike_sides_and_of_open_times_say_so(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 600
    frail = random.random(n) < 0.4
    df = pd.DataFrame({"nurse": (random.random(n) < np.where(frail, 0.8, 0.2)).astype(int), "frailty": frail * 5.0})
    df["frailty"] += random.normal(0, 1, n)
    df["steps"] = 5000 + 900 * df["nurse"] - 300 * df["frailty"] + random.normal(0, 800, n)
    ran = kernel.template("associations", data=table("walks", df), outcome="steps", factors=["nurse"])
    assert ran.error is None
    (found,) = ran.of("confounding", "warning")
    assert found.params["turned"] is True or abs(found.params["beside"]) > abs(found.params["alone"])
    assert "differ most in frailty" in found.text
    assert not [f.text for f in ran.findings if f.type == "null"], "what misleads by itself is no finding of nothing"
    ran = kernel.template("associations", data=table("pumps", pumps(random)), outcome="time", factors=["make"])
    assert ran.error is None
    plain, asked = ran.of("censored_times", "warning")
    assert (plain.columns, asked.columns) == (("time", "status"), ("make", "time"))
    assert "By Kaplan and Meier half last" in asked.text
    assert asked.effect is not None
    assert (asked.effect.value or 0) > 1
    ran = kernel.template("associations", data=table("pumps", pumps(random)), outcome="time")
    assert {f.columns[0] for f in ran.of("driver", "claim")} == {"heat", "make"}


def test_what_shows_only_beside_the_others_is_not_called_unrelated(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 400
    df = pd.DataFrame({"light": random.normal(0, 1, n)})
    df["shade"] = df["light"] + random.normal(0, 0.5, n)
    df["growth"] = 4 * df["light"] - 3.2 * df["shade"] + random.normal(0, 0.6, n)
    ran = kernel.template("associations", data=table("ferns", df), outcome="growth")
    assert ran.error is None
    unrelated = " ".join(str(f.params.get("not_found") or f.text) for f in ran.findings)
    assert not re.search(r"No relation with growth[^.]*: [^.]*shade", unrelated)


def test_a_part_that_is_asked_about_beside_a_factor_is_no_finding(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame({"fines": random.poisson(200, 150), "camera": random.integers(0, 2, 150)})
    df["fines"] -= 20 * df["camera"]
    df["fines_paid"] = (df["fines"] * random.uniform(0.3, 0.5, 150)).astype(int)
    name = table("fines", df)
    ran = kernel.template("associations", data=name, outcome="fines", factors=["camera", "fines_paid"])
    assert ran.error is None
    assert [f.columns for f in ran.findings if f.type == "claim"] == [("camera", "fines")]
    assert any("fines paid (it is a part of fines)" in f.text for f in ran.of("not_checked", "descriptive"))
    ran = kernel.template("associations", data=name)
    assert ("fines", "fines_paid") not in [f.columns for f in ran.findings]
