"""What a real table shows by itself: each of these was missed, or told wrongly, of a table seen for the first time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from notebooks.toolkit.twice import measured_twice
from tests.playbook.test_playbook import ask, brief, finding

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def test_a_year_of_days_has_its_season_and_a_walk_has_none(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 4 * 365
    weather = np.zeros(n)
    for i in range(1, n):
        weather[i] = 0.7 * weather[i - 1] + 2 * random.normal()
    df = pd.DataFrame({"day": pd.date_range("2012-01-01", periods=n), "walk": np.cumsum(random.normal(size=n))})
    df["warmth"] = 16 - 9 * np.cos(2 * np.pi * np.arange(n) / 365.25) + weather
    ran = kernel.template("timeseries", data=table("days", df))
    assert ran.error is None
    (season,) = ran.of("seasonality", "claim")
    assert (season.columns, season.params["period"]) == (("warmth",), 365)
    assert season.params["top"] in ("June", "July")


def test_what_grows_ever_faster_grows_however_long_its_memory(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 400
    df = pd.DataFrame({"month": pd.date_range("1970-01-01", periods=n, freq="MS")})
    df["spending"] = 500 * np.exp(0.0075 * np.arange(n) + np.cumsum(0.005 * random.normal(size=n)))
    df["walk"] = np.cumsum(random.normal(size=n))
    ran = kernel.template("timeseries", data=table("growth", df))
    assert ran.error is None
    assert ("spending",) in {f.columns for f in ran.of("trend", "claim")}
    assert all("spending" not in f.columns for f in ran.of("trend", "null"))


def test_many_rows_at_a_few_times_tell_what_rises(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    years = np.repeat(np.arange(1970, 1982), 30)
    df = pd.DataFrame({"year": [f"{y}-01-01" for y in years], "still": random.normal(size=len(years))})
    df["reach"] = 17 + 1.2 * (years - 1970) + random.normal(0, 5, len(years))
    ran = kernel.template("timeseries", data=table("models", df))
    assert ran.error is None
    (trend,) = ran.of("trend", "claim")
    assert (trend.columns, trend.direction) == (("reach", "year"), "+")
    low, high = trend.params["a_year_ci"]
    assert low < 1.2 < high


def test_of_a_few_units_at_a_few_times_each_has_its_own_line(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    years, kinds = np.tile(np.arange(2001, 2016), 3), np.repeat(["coal", "sun", "wind"], 15)
    df = pd.DataFrame({"year": [f"{y}-01-01" for y in years], "kind": kinds, "power": random.normal(50, 2, 45)})
    df.loc[kinds == "sun", "power"] += 4 * (years[kinds == "sun"] - 2001)
    ran = kernel.template("timeseries", data=table("plants", df))
    assert ran.error is None
    (trend,) = ran.of("trend", "claim")
    assert (trend.columns, trend.direction, trend.params["level"]) == (("power", "year", "kind"), "+", "sun")
    assert 3 < trend.params["a_year"]["sun"] < 5
    assert "no steady rise or fall of coal, wind" in trend.text


def test_what_was_asked_is_told_beside_all_other_columns(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 600
    rank, field = random.integers(0, 3, n), random.integers(0, 3, n)
    man = random.random(n) < 0.25 + 0.15 * rank + 0.1 * field
    df = pd.DataFrame({"sex": np.where(man, "m", "f"), "rank": np.array(list("abc"))[rank], "field": field})
    df["pay"] = 80_000 + 20_000 * rank + 12_000 * field + random.normal(0, 15_000, n)
    ran = kernel.template("associations", data=table("pay", df), outcome="pay", factors=["sex"])
    (held,) = ran.of("confounding", "warning")
    assert held.columns[:2] == ("sex", "pay")
    assert abs(held.params["beside"]) < 0.5 * abs(held.params["alone"])

    df["pay"] += 15_000 * man
    ran = kernel.template("associations", data=table("more", df), outcome="pay", factors=["sex"])
    assert not ran.of("confounding", "warning"), "what stands beside all others needs no warning"


def test_a_relation_that_turns_round_beside_another_column_is_told_of_few_rows(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 50
    taking = random.normal(size=n)
    df = pd.DataFrame({"taking": taking, "spending": 0.7 * taking + 0.7 * random.normal(size=n)})
    df["score"] = -taking + 0.35 * df["spending"] + 0.25 * random.normal(size=n)
    ran = kernel.template("associations", data=table("states", df), outcome="score", factors=["spending"])
    (held,) = ran.of("confounding", "warning")
    assert held.roles["stratifier"] == "taking"
    assert held.params["alone"] < 0 < held.params["beside"]
    assert "turns round" in held.text


def test_a_few_far_points_that_hide_a_relation_are_told_and_no_curve_is_made_of_them(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    heat = random.normal(4.4, 0.1, 44)
    df = pd.DataFrame({"heat": [*heat, 3.4, 3.45, 3.5], "light": [*(5 + 3 * (heat - 4.4)), 5.9, 6.1, 6.0]})
    df["light"] += 0.2 * random.normal(size=47)
    ran = kernel.template("associations", data=table("sky", df))
    assert ran.error is None
    (held,) = ran.of("leverage_point", "warning")
    assert held.params["points"] == 3
    assert held.params["with_all"] < 0 < held.effect.value
    assert not [f for f in ran.findings if f.type == "claim"]


def test_relations_of_a_handful_of_values_are_no_interaction(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    town = random.integers(0, 40, 600)
    ring = np.where(town < 2, 8, town % 4)  # a ring of two towns: a line goes through any two
    df = pd.DataFrame({"ring": ring, "tax": random.normal(size=40)[town], "plots": random.normal(size=40)[town]})
    ran = kernel.template("associations", data=table("towns", df))
    assert ran.error is None
    assert all(f.params["level"] != "8" for f in ran.of("interaction", "claim"))


def test_a_level_that_hardly_varies_breaks_nothing(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    sky = random.choice(["sun", "rain"], 800)
    df = pd.DataFrame({"sky": sky, "rain_mm": np.where(sky == "sun", 0.0, random.normal(size=800) ** 3)})
    df.loc[df.index[df["sky"] == "sun"][:3], "rain_mm"] = [0.1, -0.1, 0.2]
    assert kernel.template("associations", data=table("sky", df)).error is None


@pytest.mark.parametrize("asked", [True, False], ids=["of the whole table", "of columns"])
async def test_of_a_whole_table_the_strongest_is_the_answer(asked: bool) -> None:
    step = {"title": "Q", "part": "Q", "query": {"measures": []}, "parameters": {"whole": True} if asked else {}}
    given = {"part": "Q", "status": "answered", "text": "There are 90 rows."}
    claims = [
        finding(1, "claim", "correlation", ["a", "b"], 0.9, "A and b rise together.", evidence={"cell": "cell-09"})
    ]
    _, _, report = await ask(("write_report",), brief(question="Q", plan=[step], findings=claims, answers=[given]))
    (answer,) = report["answers"]
    assert answer.get("text", "") == ("A and b rise together. There are 90 rows." if asked else "")
    hides = finding(
        2, "warning", "leverage_point", ["c", "d"], 0.6, "Far points hide it.", evidence={"cell": "cell-08"}
    )
    _, _, report = await ask(
        ("write_report",), brief(question="Q", plan=[step], findings=[*claims, hides], answers=[given])
    )
    assert ("Far points hide it." in report["answer"]) == asked


async def test_an_interaction_is_as_large_as_the_relations_differ_and_drift_is_told_once() -> None:
    more = finding(1, "claim", "interaction", ["a", "b", "g"], 0.8, "More so in g.", params={"elsewhere": 0.6})
    plain = finding(2, "claim", "correlation", ["c", "d"], 0.4, "C and d rise together.")
    drift = finding(3, "warning", "spurious_trend_correlation", ["x", "y"], 0.0, "They drift.")
    again = drift | {"id": "F4", "columns": ["y", "x"], "text": "Both drift."}
    found = [more, plain, drift, again]
    _, _, report = await ask(("write_report",), brief(question="What matters?", findings=found))
    assert report["findings"].index("F2") < report["findings"].index("F1")
    assert len({"F3", "F4"} & set(report["findings"])) == 1


def test_what_only_rises_all_the_time_is_no_relation(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 300
    same = random.normal(size=n)
    df = pd.DataFrame({"month": pd.date_range("1970-01-01", periods=n, freq="MS")})
    df["people"] = np.cumsum(1 + 2 * random.normal(size=n) + same)
    df["prices"] = np.cumsum(1 + 2 * random.normal(size=n) + same)
    ran = kernel.template("associations", data=table("rise", df))
    assert [set(f.columns) for f in ran.of("spurious_trend_correlation", "warning")] == [{"people", "prices"}]
    assert not ran.of("correlation", "claim")


def test_each_person_at_each_day_is_no_observation_of_its_own(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame({"day": np.tile(np.arange(8), 12), "person": np.repeat(300 + 3 * np.arange(12), 8)})
    df["reaction"] = 250 + 10 * df["day"] + random.normal(0, 20, len(df))
    ran = kernel.template("profile", data=table("sleep", df))
    (grain,) = ran.of("grain", "descriptive")
    assert "each row is one person at one day (a panel): 12 of them" in grain.text


def test_one_point_that_hides_most_of_a_relation_is_told_with_its_name(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame({"name": [f"person {i}" for i in range(120)], "height": random.normal(170, 9, 120)})
    df["weight"] = 66 + 0.9 * (df["height"] - 170) + random.normal(0, 6, 120)
    df.loc[40, ["height", "weight"]] = 57.0, 166.0  # written the wrong way round
    ran = kernel.template("associations", data=table("people", df))
    assert ran.error is None
    (far,) = ran.of("leverage_point", "warning")
    assert {*far.columns} == {"height", "weight"}
    assert far.effect.value > 0.6
    assert "person 40: " in far.text


def test_what_follows_from_other_relations_is_told_after_them(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    place = np.repeat(["north", "south", "west"], 60)
    income = random.normal(0, 0.9, 180) + np.select([place == "north", place == "south"], [2.0, 0.0], 1.0)
    deaths = random.normal(0, 0.8, 180) - income
    ran = kernel.template("associations", data=table("n", pd.DataFrame({"place": place, "i": income, "d": deaths})))
    assert ran.error is None
    told = [({*f.columns}, f.params.get("implied", False)) for f in ran.findings if f.type == "claim"]
    assert told == [({"i", "d"}, False), ({"i", "place"}, False), ({"d", "place"}, True)]


def test_columns_that_divide_the_rows_are_not_tested_against_each_other(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    year = random.integers(1, 4, 150)
    df = pd.DataFrame({f"year_{k}": (year == k).astype(int) for k in (1, 2, 3)} | {"score": random.normal(size=150)})
    df["age"] = 18 + year + random.normal(0, 0.5, 150)
    ran = kernel.template("associations", data=table("years", df))
    assert ran.error is None
    claims = [{*f.columns} for f in ran.findings if f.type == "claim"]
    assert claims
    assert all("age" in columns for columns in claims)
    assert "year 1, year 2, year 3 with each other" in ran.of("not_checked")[0].text


def test_groups_that_do_not_differ_have_their_nearest_difference_told_in_units(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame(random.normal(size=(140, 25)).round(3)).rename(columns=lambda i: f"m{i}")
    df["owner"] = np.tile([0, 1], 70)
    df["grade"] = 3 + 0.4 * df["owner"] + random.normal(0, 1, 140)
    ran = kernel.template("groups", data=table("owners", df), by="owner")
    assert ran.error is None
    (nothing,) = ran.of("group_difference", "null")
    assert "beyond chance once all 26 columns are tested" in nothing.text
    assert "grade, higher where owner is 1 than 0 (mean 3." in nothing.text


async def test_a_point_of_one_group_and_what_follows_stand_after_what_a_table_shows() -> None:
    strong = finding(1, "claim", "correlation", ["income", "deaths"], -0.7, "Deaths fall with income.")
    follows = finding(2, "claim", "correlation", ["age", "place"], 0.9, "It follows.", params={"implied": True})
    point = finding(3, "warning", "leverage_point", ["age", "deaths"], 0.9, "One point.", segment="place = north")
    _, _, report = await ask(("write_report",), brief(question="What stands out?", findings=[point, follows, strong]))
    assert report["findings"][0] == "F1"
    assert {*report["findings"]} == {"F1", "F2", "F3"}


def test_years_before_all_clocks_and_a_total_in_thousands_are_read(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    level = np.cumsum(random.normal(0, 150, 90))  # a walk: it has moved, and no straight trend is sure
    df = pd.DataFrame({"year": np.arange(1600, 1690), "boys": (6000 + level).round()})
    df["girls"] = (0.94 * df["boys"] + random.normal(0, 60, 90)).round()
    df["total"] = (df["boys"] + df["girls"]) / 1000
    name = table("parish", df)
    profile = kernel.template("profile", data=name)
    assert profile.error is None
    (sums,) = profile.of("redundant_columns", "warning")
    assert "total is made up of boys and girls" in sums.text.lower()
    ran = kernel.template("timeseries", data=name, columns=["boys"])
    assert ran.error is None
    (still,) = ran.of("trend", "null")
    assert "Boys drifts, so that no straight trend can be told from chance: from " in still.text
    assert f"highest in {1600 + int(df['boys'].argmax())}" in still.text


def test_what_hardly_adds_to_others_and_what_comes_nearest_is_told(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    tuition = random.normal(size=700)
    df = pd.DataFrame({f"copy_{k}": tuition + random.normal(0, 0.9, 700) for k in range(5)} | {"tuition": tuition})
    df["rate"] = tuition + random.normal(0, 1.2, 700)
    ran = kernel.template("associations", data=table("colleges", df), outcome="rate")
    assert ran.error is None
    assert len(ran.of("confounding", "warning")) == 3
    (rest,) = ran.of("confounding", "descriptive")
    assert rest.text.count("with rate (r = +0.") == 2
    few = pd.DataFrame(random.normal(size=(45, 4)), columns=["a", "b", "c", "spent"])
    few -= few.mean()
    own = few["spent"] - few["a"] * (few["a"] @ few["spent"]) / (few["a"] @ few["a"])
    few["spent"] = 0.37 * few["a"] / few["a"].std() + (1 - 0.37**2) ** 0.5 * own / own.std()  # so r is 0.37
    ran = kernel.template("associations", data=table("few", few), outcome="spent")
    assert ran.error is None
    assert not [f for f in ran.findings if f.type == "claim"]
    assert "Nearest, each tested by itself: a with spent (r = +0." in ran.of("tested")[0].text


def test_a_code_of_few_levels_is_told_by_its_levels(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    df = pd.DataFrame({"grade": random.integers(1, 4, 300), "age": random.normal(50, 10, 300)})
    df["days"] = np.select([df["grade"] == 2], [2600], 1300) + random.normal(0, 700, 300)
    ran = kernel.template("associations", data=table("cases", df))
    assert ran.error is None
    (bent,) = ran.of("nonlinear_association", "claim")
    assert "highest where it is 2 (mean 2,6" in bent.text or "highest where it is 2 (mean 2,5" in bent.text


def test_one_thing_measured_twice_is_compared_row_by_row(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    assert measured_twice(["pretest.1", "post.test.1", "cost_2019", "cost 2021", "cost_2020", "x1", "x2"]) == [
        ("pretest.1", "post.test.1"),
        ("cost_2019", "cost 2021"),
    ]
    line = random.normal(20, 5, 80)
    df = pd.DataFrame({"deaths_85_99": line, "deaths_00_14": line - 2 + random.normal(0, 2, 80)})
    ran = kernel.template("associations", data=table("lines", df))
    assert ran.error is None
    (fell,) = [f for f in ran.findings if f.params.get("twice")]
    assert (fell.columns, fell.direction) == (("deaths_85_99", "deaths_00_14"), "-")
    assert "Deaths 00 14 is lower than deaths 85 99: mean 1" in fell.text


async def test_how_a_thing_changed_comes_before_what_goes_with_it_and_both_are_told() -> None:
    both = ["cost_2019", "cost_2021"]
    rise = finding(1, "claim", "correlation", both, 0.9, "They rise together.")
    fell = finding(2, "claim", "group_difference", both, -0.3, "It fell.", params={"twice": True})
    _, _, report = await ask(("write_report",), brief(question="What stands out?", findings=[rise, fell]))
    assert report["findings"] == ["F2", "F1"]


def test_means_beside_an_uneven_spread_are_told_as_their_interval_has_them(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    marks = np.repeat(["ok", "alarm"], [1480, 20])
    apart = np.where(marks == "alarm", random.normal(4.7, 0.08, 1500), random.normal(3.25, 0.4, 1500))
    around = np.where(marks == "alarm", random.normal(3.25, 0.08, 1500), random.normal(3.25, 0.4, 1500))
    df = pd.DataFrame({"mark": marks, "shake": apart, "hum": around})
    ran = kernel.template("associations", data=table("machines", df.sample(frac=1, random_state=0)))
    assert ran.error is None
    said = {f.columns[0]: f.text for f in ran.of("variance_difference", "claim")}
    assert "around means of 3.2" in said["shake"]
    assert "around means that hardly differ" in said["hum"]


def test_numbers_of_patients_take_no_part_and_a_point_moves_no_line_that_is_none(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 300
    df = pd.DataFrame({"Patient #": random.integers(1, 121, n), "wait": random.gamma(2.2, 9, n).round()})
    df["by"] = random.choice(["GP", "self", "ER"], n)
    df.loc[df.index[df["by"] == "ER"][0], ["Patient #", "wait"]] = [120, 300]
    df["age"] = random.integers(18, 90, n)
    ran = kernel.template("associations", data=table("visits", df), outcome="wait", factors=["age"])
    assert ran.error is None
    assert not ran.of("leverage_point")
    ran = kernel.template("associations", data=table("visits", df))
    assert all("Patient #" not in f.columns for f in ran.findings)
