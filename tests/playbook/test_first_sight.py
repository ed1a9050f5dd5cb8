"""What is asked about is told of every table, in its own units, whatever else the question says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import scipy

from graphs.models.playbook.facts import Facts
from graphs.models.playbook.wishes import wishes
from notebooks.toolkit.trends import trend_of
from notebooks.toolkit.twice import measured_twice
from tests.playbook.test_playbook import ask, brief, finding
from tests.playbook.test_screening import Writer

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel


def test_a_total_that_is_asked_about_is_tested_and_its_parts_are_not(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame(random.normal(650, 20, (300, 2)).round(1), columns=["math", "reading"])
    df["score"] = df["math"] + df["reading"]
    df["income"] = (15 + 0.1 * (df["score"] - 1300) + random.normal(0, 2, 300)).round(3)
    name = table("schools", df)
    parts = kernel.template("associations", data=name)
    assert {"math", "income"} in [set(f.columns) for f in parts.of("correlation", "claim")]
    ran = kernel.template("associations", data=name, outcome="score")
    assert ran.error is None
    assert not ran.of("not_checked")
    (told,) = ran.of("driver", "claim")
    assert told.columns == ("income", "score")
    slope = np.polyfit(df["income"], df["score"], 1)[0]
    assert f": each unit of income goes with {slope:.2f} more (95 % CI " in told.text


def test_of_two_copies_the_one_that_is_asked_about_is_tested(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    year = np.sort(random.choice(np.arange(1900, 2020), 50, replace=False))
    df = pd.DataFrame({"started": year, "year": year + 0.01 * random.random(50)})
    df["time"] = 300 - 0.5 * (year - 1900) + random.normal(0, 1, 50)
    ran = kernel.template("associations", data=table("records", df), outcome="time", factors=["year"])
    assert ran.error is None
    (fell,) = ran.of("correlation", "claim")
    assert (fell.columns, fell.direction) == (("year", "time"), "-")


def test_a_far_value_is_told_with_the_name_of_its_row(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame({"state": [f"state {chr(97 + i)}{chr(97 + k)}" for i in range(6) for k in range(10)]})
    df["careful"] = random.normal(88, 3, 60).round(1)
    df.loc[17, "careful"] = 10.0
    ran = kernel.template("profile", data=table("states", df))
    assert ran.error is None
    assert "(10 for state bh, where the median is " in ran.of("outliers")[0].text


def test_what_does_not_differ_is_told_with_its_means(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame({"sex": np.tile([1.0, 2.0], 150), "age": random.normal(50, 10, 300)})
    drawn = pd.Series(random.normal(0, 20, 300))
    df["score"] = 150 + 2 * df["sex"] + drawn - drawn.groupby(df["sex"]).transform("mean")
    df.loc[299, "sex"] = np.nan
    ran = kernel.template("associations", data=table("nobody", df), outcome="score", factors=["sex"])
    assert ran.error is None
    low, high = sorted(df.groupby("sex")["score"].mean())
    (none,) = ran.of("group_difference", "null")
    assert f"between sex and score: mean {high:.0f} for " in none.text
    assert ".0," not in none.text.split("(")[0], "a level is 1, and not 1.0"
    assert f"{low:.0f} for " in none.text


def part(*columns: str) -> dict[str, object]:
    why = "No column is called or holds “disease”."
    asked = "Does disease progression differ by sex?"
    return {"title": "Q", "part": asked, "query": None, "why": why, "template": None,
            "parameters": {"columns": list(columns), "unknown": ["disease"]}}  # fmt: skip


async def test_what_is_not_understood_is_not_answered_and_what_is_named_is_told() -> None:
    none = finding(1, "null", "group_difference", ["sex", "progression"], 0.08, "No relation of sex and progression.")
    other = finding(2, "claim", "correlation", ["bmi", "progression"], 0.6, "Bmi and progression rise together.")
    for findings, known in (([none, other], none), ([other], other)):
        facts = brief(question="Q?", findings=findings, plan=[part("progression", "sex")])
        (said,) = (await ask(("write_report",), facts))[2]["answers"]
        assert said["status"] == "not_answered"
        assert said["why"] == f"What is known of progression and sex: {known['text']} {part()['why']}"
    facts = brief(question="Q?", findings=[other], plan=[part("sex")])
    assert (await ask(("write_report",), facts))[2]["answers"][0]["why"] == "No column is called or holds “disease”."


async def test_what_turns_round_only_a_weak_relation_stands_after_the_strong_drivers() -> None:
    driver = finding(1, "claim", "driver", ["meals", "score"], -0.87, "Meals lower it.")
    turns = finding(2, "warning", "confounding", ["teachers", "score", "size"], 0.1, "Teachers.", params={"alone": 0.2})
    strong = turns | {"id": "F3", "columns": ["income", "score", "meals"], "params": {"alone": 0.95}}
    asked = part("score") | {"why": "It is not clear what is meant."}
    _, _, report = await ask(("write_report",), brief(question="Q?", findings=[turns, driver, strong], plan=[asked]))
    assert report["findings"] == ["F3", "F1", "F2"]


@pytest.mark.parametrize("text", [False, True], ids=["plain years", "quarters"])
def test_a_trend_is_told_by_the_time_that_passed_and_not_by_the_rows(text: bool) -> None:
    years = pd.Index([1900, 1910, 1911, 1950, 1961, 1990, 1992])
    line = pd.Series(300.0 - (years - 1900), index=years)
    if text:
        line.index = pd.PeriodIndex([pd.Period(year=y, quarter=1, freq="Q") for y in years])
    assert trend_of(line).slope == pytest.approx(-0.25 if text else -1.0)
    assert trend_of(line.set_axis(list("abcdefg"))).slope == pytest.approx(-92 / 6, rel=0.2), "one after another"


def test_a_flag_that_says_which_values_are_high_is_told_as_such_and_one_of_two_kinds_is_not(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame({"weight": random.normal(2900, 700, 200).round()})
    df["low"] = (df["weight"] < 2500).astype(int)
    df["kind"] = np.tile(["a", "b"], 100)
    df["petal"] = random.normal(0, 0.3, 200).round(2) + np.where(df["kind"] == "a", 1.5, 5.0)
    ran = kernel.template("associations", data=table("births", df))
    assert ran.error is None
    assert {"low", "weight"} not in [set(f.columns) for f in ran.findings if f.type == "claim"]
    assert {"kind", "petal"} in [set(f.columns) for f in ran.of("group_difference", "claim")]
    (told,) = kernel.template("profile", data="births.csv").of("redundant_columns")
    assert "Low only says which values of weight are high, 1 up to 2,4" in told.text


def test_a_season_tells_which_other_columns_have_one(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    days = pd.date_range("2015-01-01", periods=1461)
    turn = np.cos(2 * np.pi * (days.dayofyear - 197) / 365.25)
    df = pd.DataFrame({"day": days, "warm": 10 + 8 * turn + random.normal(0, 2, 1461)})
    df["rain"] = random.normal(3, 1, 1461) * (1.2 - turn)
    ran = kernel.template("timeseries", data=table("weather", df))
    assert ran.error is None
    first, second = ran.of("seasonality", "claim")
    assert "Such a season is also seen in rain (" in first.text
    assert "highest January" in first.text
    assert "also" not in second.text


async def test_what_else_goes_with_an_outcome_stands_behind_what_was_asked_of_it() -> None:
    rank = finding(1, "claim", "driver", ["rank", "salary"], 0.6, "Rank.")
    turns = finding(
        2, "warning", "simpsons_paradox", ["years", "salary", "rank"], 0.5, "Years.", roles={"stratifier": "rank"}
    )
    pair = finding(3, "claim", "group_difference", ["sex", "salary"], 0.1, "Sex.")
    asked = part("sex", "salary")
    _, _, report = await ask(("write_report",), brief(question="Q?", findings=[rank, turns, pair], plan=[asked]))
    assert report["findings"] == ["F3", "F1", "F2"]
    assert report["answers"][0]["why"].startswith("What is known of sex and salary: Sex.")


@pytest.fixture
def panel(random: np.random.Generator) -> pd.DataFrame:
    """40 states in 12 years: states with the law have less of it all along, and in none does the law change it."""
    df = pd.DataFrame(
        {"state": np.repeat([f"S{i + 10}" for i in range(40)], 12), "year": np.tile(range(1980, 1992), 40)}
    )
    since = np.repeat(random.integers(1978, 1998, 40), 12)
    df["law"] = np.where(df["year"] >= since, "yes", "no")
    df["violent"] = (400 + 20 * (since - 1988) + random.normal(0, 20, 480)).round(1)
    df["robbery"] = (0.4 * df["violent"] + random.normal(0, 4, 480)).round(1)
    return df


def test_a_relation_of_units_measured_again_and_again_is_looked_at_within_them(
    kernel: Kernel, table: Writer, panel: pd.DataFrame
) -> None:
    name = table("crime", panel)
    ran = kernel.template("associations", data=table("law", panel.iloc[:, :4]), outcome="violent", factors=["law"])
    assert ran.error is None
    (between,) = [f for f in ran.of("confounding", "warning") if "state" in f.columns]
    assert between.columns == ("law", "violent", "state")
    assert between.effect is not None
    low, high = between.effect.ci or (None, None)
    assert low is not None
    assert high is not None
    assert -25 < low < 0 < high < 25
    (pooled,) = ran.of("group_difference", "claim")
    assert any(c.startswith("Within states it is not beyond chance") for c in pooled.caveats)
    ran = kernel.template("associations", data=name, outcome="violent", factors=["robbery"])
    assert not ran.of("confounding", "warning"), "what holds within the states, too"
    assert any("Within states it holds" in c for c in ran.of("correlation", "claim")[0].caveats)
    own = panel["violent"] - panel.groupby("state")["violent"].transform("mean")
    turned = panel[["state", "year", "violent"]].assign(police=(panel["violent"] - 2 * own).round(1))
    ran = kernel.template("associations", data=table("police", turned))
    assert [f.columns for f in ran.of("confounding", "warning")] == [("violent", "police", "state")]
    assert not [f for f in ran.findings if f.type == "claim" and {"violent", "police"} <= {*f.columns}]


def test_groups_are_told_apart_in_the_units_of_what_was_measured(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame({"sex": np.repeat(["f", "m"], 200), "pay": random.normal(100, 10, 400)})
    df.loc[df["sex"] == "m", "pay"] += 8
    ran = kernel.template("associations", data=table("pay", df), outcome="pay", factors=["sex"])
    gap = df.groupby("sex")["pay"].mean().diff().iloc[-1]
    assert f", {gap:.2f} apart (95 % CI " in ran.of("group_difference", "claim")[0].text


def test_moderate_relations_of_few_rows_are_told_and_chance_is_not(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame(random.normal(size=(50, 6)), columns=list("abcdef"))
    ran = kernel.template("associations", data=table("chance", df))
    assert not [f for f in ran.findings if f.type == "claim"]
    rest = df["b"] - scipy.stats.linregress(df["a"], df["b"]).slope * df["a"]
    df["b"] = 0.46 * scipy.stats.zscore(df["a"]) + (1 - 0.46**2) ** 0.5 * scipy.stats.zscore(rest)  # so r is 0.46
    ran = kernel.template("associations", data=table("few", df))
    assert [f.columns for f in ran.findings if f.type == "claim"] == [("a", "b")]


def about(question: str, *columns: str) -> tuple[str, ...]:
    """What a question that cannot be read is taken to be about, in a table of these columns of amounts."""
    held = [{"name": c, "dtype": "float64", "n_unique": 40, "examples": [1.5]} for c in columns]
    facts = Facts(question=question, files=[{"name": "data.csv", "rows": 47, "columns": held}])
    return next(wish.columns for wish in wishes(facts) if wish.unread)


def test_what_an_unread_question_may_be_about_is_looked_at_first() -> None:
    swiss = ("Agriculture", "Education", "Fertility")
    assert about("Did better-schooled provinces have fewer children?", *swiss) == ("Education", "Fertility")
    assert about("Are deep earthquakes any weaker?", "depth", "mag", "stations") == ("depth", "mag")


async def test_of_a_paradox_beside_the_question_its_other_column_is_told_all_the_same() -> None:
    rank = finding(1, "claim", "driver", ["rank", "salary"], 0.6, "Rank.")
    years = finding(
        2, "warning", "simpsons_paradox", ["years", "salary", "rank"], 0.5, "Years.", roles={"stratifier": "rank"}
    )
    service = finding(3, "claim", "correlation", ["sex", "years"], 0.8, "Service.")
    copy = finding(4, "warning", "redundant_columns", ["pay", "salary"], 1.0, "A copy.")
    leak = copy | {"id": "F5", "kind": "target_leakage", "text": "A leak."}
    found = [rank, years, service, copy, leak]
    _, _, report = await ask(("write_report",), brief(question="Q?", findings=found, plan=[part("sex", "salary")]))
    assert report["findings"].index("F1") < report["findings"].index("F3")
    assert "F4" not in report["findings"], "told once, as what gives the outcome away"


def test_a_line_far_beyond_the_values_is_no_change_over_time(kernel: Kernel, table: Writer) -> None:
    from statsmodels.datasets import macrodata

    income = macrodata.load_pandas().data["realdpi"]  # from 1,887 to 10,041, faster and faster
    df = pd.DataFrame({"quarter": pd.date_range("1959-01-01", periods=len(income), freq="QS"), "income": income})
    ran = kernel.template("timeseries", data=table("income", df))
    assert ran.error is None
    (trend,) = ran.of("trend", "claim")
    assert "rises over time from 1,887 in 1959-01 to 10,041 in 2009-07, but along no straight line" in trend.text


async def test_of_two_alike_the_one_of_what_was_asked_is_told_and_a_point_that_changes_little_is_not_first() -> None:
    plain = finding(1, "claim", "correlation", ["wage", "education"], 0.4, "They rise together.")
    units = finding(2, "claim", "correlation", ["education", "wage"], 0.4, "In dollars.", roles={"outcome": "wage"})
    point = finding(
        3, "warning", "leverage_point", ["education", "wage", "job"], 0.36, "One point.", segment="job = boss",
        params={"without": 0.47},
    )  # fmt: skip
    found = [plain, units, point]
    _, _, report = await ask(("write_report",), brief(question="Q?", findings=found, plan=[part("education", "wage")]))
    assert report["findings"] == ["F2", "F3"]


async def test_what_rows_left_out_do_not_show_is_told_last() -> None:
    unsure = finding(1, "claim", "correlation", ["age", "rent"], 0.5, "Age.", params={"doubt": True})
    found = [
        unsure,
        finding(2, "claim", "correlation", ["size", "rent"], 0.4, "Size."),
    ]
    _, _, report = await ask(("write_report",), brief(question="Q?", findings=found, plan=[part("age", "rent")]))
    assert report["findings"] == ["F2", "F1"]


async def test_of_warnings_of_a_kind_the_first_says_what_to_look_for_and_the_rest_come_last() -> None:
    copies = [finding(i, "warning", "redundant_columns", [f"log{i}", f"raw{i}"], 1.0, f"Copy {i}.") for i in (1, 2)]
    found = [*copies, finding(3, "claim", "correlation", ["size", "rent"], 0.4, "Size.")]
    _, _, report = await ask(("write_report",), brief(question="Q?", findings=found, plan=[]))
    assert report["findings"] == ["F1", "F3", "F2"]


def reading(question: str, rows: int, **columns: object) -> tuple[tuple[str, ...], str]:
    """The columns that a question beside their names is about, and as which plain question it is read."""
    numbers: dict[str, object] = {"dtype": "float64", "n_unique": 40, "examples": [1.5]}
    levels = {c: {"dtype": "str", "n_unique": len(v), "values": v} for c, v in columns.items() if isinstance(v, list)}
    held = [{"name": c, **levels.get(c, numbers)} for c in columns]
    (wish,) = wishes(Facts(question=question, files=[{"name": "data.csv", "rows": rows, "columns": held}]))
    return wish.columns, wish.query.read_as if wish.query else ""


def test_a_question_beside_the_columns_is_read_as_the_likeliest_plain_one() -> None:
    trial = {"Treatment": ["Placebo", "Treated"], "Sex": ["F", "M"], "Improved": ["Marked", "None", "Some"]}
    told = "How often is Improved Marked or None or Some, by Treatment?"
    assert reading("Does the new drug help?", 84, **trial, Age=0) == (("Treatment", "Improved"), told)
    assert reading("Are women professors paid less?", 90, sex=["Female", "Male"], age=0, salary=0)[1] == (
        "Does salary differ by sex?"
    )
    factor_last = reading("Is there more smog when it's hot?", 111, ozone=0, radiation=0, temperature=0)
    assert factor_last == (("temperature", "ozone"), "Is ozone related to temperature?")
    heights = reading("Do tall parents have tall children?", 900, children=0, midparentHeight=0, childHeight=0)
    assert heights[0] == ("midparentHeight", "childHeight"), "and not the number of children"
    assert reading("Have computers become cheaper over time?", 90, price=0, speed=0) == (("price",), "")


def test_a_value_that_several_columns_hold_names_the_one_that_is_spoken_of() -> None:
    both = ["Minority", "White"]
    races = {"Convicted": ["No", "Yes"], "IndWhiteDefendant": ["0", "1"], "VictimRace": both, "DefendantRace": both}
    asked = "Are white defendants convicted more often than minority defendants?"
    told = (("DefendantRace", "Convicted"), "How often is Convicted Yes, by DefendantRace?")
    assert reading(asked, 220, **races) == told


def test_words_that_tell_two_columns_apart_no_more_and_kinds_that_are_no_amount_make_no_reading() -> None:
    assert reading("Do good marks at school promise good marks in college?", 99, sat_v=0, sat_m=0, hs_gpa=0)[1] == ""
    school = reading("Do girls miss more school?", 154, sex=["F", "M"], school=["F0", "F1", "F2"], absent=0)
    assert school == (("sex", "absent"), "Does absent differ by sex?")
    grown = {"childid": 0, "age2": 0, "vsae": 0}
    about = reading("Do children grow more able as they get older?", 600, **grown)[0]
    assert {*about} == {"age2", "vsae"}, "a child's id is no amount"


def test_a_phrase_that_is_one_column_is_not_taken_apart_and_the_rows_are_no_column() -> None:
    lands = {"literacyFemale": 0, "lifeMale": 0, "lifeFemale": 0, "wealth": 0}
    assert reading("Do women live longer in bigger countries?", 207, **lands) == (("lifeFemale",), "")
    cars = {"Kind": ["estate", "saloon", "van"], "Price": 0, "Mileage": 0, "Car": 0}
    told = reading("Do cars with more miles on them cost less?", 90, **cars)
    assert told == (("Mileage", "Price"), "Is Price related to Mileage?")


def test_what_asks_for_some_rows_or_a_figure_is_not_read_as_a_relation() -> None:
    shop = {"city": ["Berlin", "Ulm", "Bonn"], "staff": 0, "income": 0, "noise": 0}
    for question in (
        "Which workers are the richest?",
        "Do the rich make noise in Berlin?",
        "Did the poor never have staff?",
    ):
        assert reading(question, 90, **shop)[1] == "", question


def test_nothing_in_the_same_rows_stands_behind_a_law(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    law = np.repeat([0, 1], [100, 40])
    season = 10 * np.sin(np.arange(140) * np.pi / 6)
    front = 60 - 25 * law + season + random.normal(0, 4, 140)
    killed = 100 - 20 * law + season + 0.8 * (front - 60 + 25 * law) + random.normal(0, 3, 140)
    month = pd.date_range("2000-01-01", periods=140, freq="MS")
    df = pd.DataFrame({"month": month, "killed": killed.round(1), "front": front.round(1), "law": law})
    ran = kernel.template("associations", data=table("roads", df), outcome="killed", factors=["law"])
    assert ran.error is None
    assert not ran.of("confounding", "warning")
    assert ran.of("group_difference", "claim")[0].columns == ("law", "killed")


def test_numbers_that_grow_by_factors_are_told_on_logarithms(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    body = np.exp(random.normal(1, 2.5, 60))
    df = pd.DataFrame({"body": body, "brain": 9 * body**0.75 * np.exp(random.normal(0, 0.5, 60))})
    ran = kernel.template("associations", data=table("animals", df), outcome="brain", factors=["body"])
    assert ran.error is None
    (told,) = [f.text for f in ran.findings if f.type == "claim" and f.columns == ("body", "brain")]
    assert "on logarithms r = +0.9" in told
    assert "and 1 % more of body goes with 0.7" in told


def test_of_a_panel_the_asked_relation_is_looked_at_within_its_units_though_all_rows_show_none(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    units, times = 40, 8
    level = random.normal(0, 1, units)
    tax = (np.repeat(level, times) + random.normal(0, 0.5, units * times)).round(3)
    deaths = np.repeat(1.3 * level, times) * 1.2 - 1.2 * (tax - np.repeat(level, times)) - 0.45 * tax
    deaths += random.normal(0, 0.3, units * times) - np.polyval(np.polyfit(tax, deaths, 1), tax)
    df = pd.DataFrame({
        "state": np.repeat([f"s{chr(97 + i // 10)}{chr(97 + i % 10)}" for i in range(units)], times),
        "year": np.tile(np.arange(1990, 1990 + times), units), "tax": tax,
        "deaths": deaths.round(3),
    })  # fmt: skip
    ran = kernel.template("associations", data=table("roads", df), outcome="deaths", factors=["tax"])
    assert ran.error is None
    (found,) = [f for f in ran.findings if f.kind == "confounding" and "state" in f.columns]
    assert "mostly as the states differ" in found.text


def test_what_came_out_is_told_by_what_was_tried_however_many_levels_it_has(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    tried = np.repeat(["Placebo", "Treated"], 60)
    came = [
        random.choice(["Marked", "None", "Some"], p=[0.1, 0.7, 0.2] if t == "Placebo" else [0.5, 0.3, 0.2])
        for t in tried
    ]
    df = pd.DataFrame({"Treatment": tried, "Improved": came})
    ran = kernel.template("associations", data=table("trial", df), outcome="Improved", factors=["Treatment"])
    assert ran.error is None
    assert "Improved is None in 68 % of those with Treatment Placebo" in ran.of("association", "claim")[0].text


async def test_groups_of_rows_hide_no_correlation_and_few_points_and_repeats_do_not_come_first() -> None:
    groups = finding(1, "claim", "clusters", ["eruptions", "waiting"], 0.75, "Two groups.")
    line = finding(2, "claim", "correlation", ["eruptions", "waiting"], 0.9, "They rise together.")
    points = [
        finding(n, "warning", "leverage_point", ["eruptions", "waiting", "kind"], 0.4, f"Point {n}.",
                segment=f"kind = {n}", params={"without": -0.4})
        for n in (3, 4)
    ]  # fmt: skip
    repeats = finding(5, "warning", "duplicate_rows", [], 1.0, "Two rows repeat another.") | {"n": 400}
    facts = brief(question="Q?", findings=[repeats, groups, line, *points], plan=[part("eruptions", "waiting")])
    _, _, report = await ask(("write_report",), facts)
    assert {"F1", "F2"} < {*report["findings"]}
    assert len({"F3", "F4"} & {*report["findings"]}) == 1
    assert report["findings"][-1] == "F5"


def test_a_time_of_survival_is_not_held_against_whether_it_had_ended(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    time = random.exponential(5, 120)
    df = pd.DataFrame({"stage": random.integers(1, 5, 120), "time": time.clip(max=6).round(2), "delta": (time < 6) * 1})
    ran = kernel.template("associations", data=table("tumours", df))
    assert ran.error is None
    assert not [f for f in ran.findings if f.type == "claim" and {*f.columns} == {"time", "delta"}]
    assert any("which says whether it had ended" in f.text for f in ran.of("not_checked"))


def test_numbers_in_a_name_before_a_year_are_no_span_of_years() -> None:
    assert measured_twice(["dx70_1948", "dx70_2018", "dx90_1948", "dx90_2018"]) == [
        ("dx70_1948", "dx70_2018"), ("dx90_1948", "dx90_2018"),
    ]  # fmt: skip


async def test_of_three_columns_that_were_named_what_two_have_to_do_with_each_other_is_no_answer() -> None:
    races = finding(1, "claim", "association", ["VictimRace", "DefendantRace"], 0.5, "Mostly of one race.")
    plan = [part("VictimRace", "DefendantRace", "Convicted")]
    _, _, report = await ask(("write_report",), brief(question="Q?", findings=[races], plan=plan))
    assert report["answers"][0].get("status") == "not_answered"
