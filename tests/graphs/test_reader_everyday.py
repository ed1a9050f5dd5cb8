"""Everyday questions of two small tables, as people ask them: times of day, sides, sums, durations and gaps."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import AnyOf, Compare, Condition, Derive, Group, Keep, Measure, Recode
from graphs.questions.reader import read
from graphs.questions.reader.text import name_words
from tests.graphs.test_reader import described, one

DESKS = ["front", "back", "roof", "yard"]


def dated(name: str, table: pd.DataFrame) -> list[dict[str, Any]]:
    """A table as it is described, with the first and last of its times."""
    facts = described(name, table)
    for fact in facts["columns"]:
        if "datetime" in fact["dtype"]:
            fact |= {"min": str(table[fact["name"]].min()), "max": str(table[fact["name"]].max())}
    return [facts]


@pytest.fixture(scope="module")
def hires() -> list[dict[str, Any]]:
    """Boats hired out by the hour, from March to August 2024."""
    n = 80
    out = pd.date_range("2024-03-04 06:10", periods=n, freq="49h")
    table = pd.DataFrame(
        {
            "hire_id": [f"H{i:04}" for i in range(n)],
            "taken_out_at": out,
            "brought_back_at": out + pd.to_timedelta([40 + 7 * (i % 20) for i in range(n)], unit="min"),
            "site": [DESKS[i % 4] for i in range(n)],
            "boat_type": [("canoe", "rowing boat", "pedalo")[i % 3] for i in range(n)],
            "driver_id": [f"D{i % 23:03}" for i in range(n)],
            "tariff": [("monthly", "single", "club")[i % 3] for i in range(n)],
            "fare_eur": [9.5 + i % 31 + i / 100 for i in range(n)],
            "deposit_eur": [20.0 + i % 37 + i / 100 for i in range(n)],
            "charge_kwh": [1.5 + i % 33 + i / 100 for i in range(n)],
            "rating": [None if i % 9 == 0 else 1 + i % 5 for i in range(n)],
        }
    )
    return [described("hires.csv", table)]


def test_a_range_of_hours_is_whole_beside_two_places_and_ends_when_its_last_hour_begins(
    hires: list[dict[str, Any]],
) -> None:
    query = one("How many hires started between 10 pm and 6 am at the front or the back?", hires)
    during = [Condition(left="taken_out_at", op="during", right=f"hour {hours}") for hours in ("22-23", "0-5")]
    assert AnyOf(any_of=tuple((w,) for w in during)) in query.where
    assert query.group_by == ()
    assert query.measures == (Measure(op="count"),)
    assert one("How many hires started between 9 am and 5 pm?", hires).where[0].right == "hour 9-16"


def test_half_past_is_not_read_as_the_full_hour(hires: list[dict[str, Any]]) -> None:
    where = [w for q in read("How many hires were there after 10:30 pm?", hires).queries if q for w in q.where]
    assert not any(w.right in ("hour 22", "hour 22-23") for w in where)


def test_first_letters_across_small_words_are_no_name(hires: list[dict[str, Any]]) -> None:
    query = one("How many hires in the evening?", hires)  # s, i, t, e: sessions in the evening
    assert [w.right for w in query.where] == ["hour 18-22"]
    assert one("How many sites in the evening?", hires).measures == (Measure(op="distinct", of="site"),)


def test_a_unit_in_mixed_letters_is_one_word() -> None:
    assert name_words("energy in kWh") == ("energy", "in", "kwh")
    assert name_words("SibSp maxWind") == ("sib", "sp", "max", "wind")


def test_a_group_against_the_others_is_two_sides_also_in_a_clause_of_its_own(hires: list[dict[str, Any]]) -> None:
    recode = Recode(column="site", values=(("roof", "roof"),), other="others")
    asked = "What is the average fare at the roof, and is it more than at the other sites?"
    for question in (asked, "Is the average fare at the roof higher than at the other sites?"):
        query = one(question, hires)
        assert query.prepare == (recode,)
        assert [g.of for g in query.group_by] == ["site"]
        assert not query.where


def test_a_number_to_compare_with_is_no_comparison_of_two_places(hires: list[dict[str, Any]]) -> None:
    query = one("How many hires at the front or the back used more than 20 kWh?", hires)
    assert query.group_by == ()
    assert {w.left for w in query.where} == {"site", "charge_kwh"}


def test_a_value_that_is_also_a_common_word_counts_beside_another_value(hires: list[dict[str, Any]]) -> None:
    query = one("What is the average fare for club and monthly?", hires)
    assert query.where[0].right == ("club", "monthly")


def test_two_sums_are_told_each_and_an_amount_per_another_is_their_ratio(hires: list[dict[str, Any]]) -> None:
    query = one("How much is the fare and the deposit together?", hires)
    assert [(m.op, m.of) for m in query.measures] == [("sum", "fare_eur"), ("sum", "deposit_eur")]
    query = one("What is the fare per kWh for each tariff?", hires)
    assert [m.of for m in query.measures] == ["fare_eur", "charge_kwh"]
    assert query.formulas[0].expr == "`sum of fare_eur` / `sum of charge_kwh`"
    assert [g.of for g in query.group_by] == ["tariff"]
    assert read("Did the weather per kWh go up in April?", hires).queries == (None,)


def test_a_share_that_points_back_is_of_the_first(hires: list[dict[str, Any]]) -> None:
    query = one("Which site sells the most kWh, and what is its share of the total?", hires)
    assert query.measures == (Measure(op="sum", of="charge_kwh"), Measure(op="share", of="charge_kwh"))
    parts = read("Which site has the highest average fare? What is the median?", hires)
    assert parts.queries[1] is None
    assert parts.why_not[1]


def test_a_thing_is_no_type_of_it(hires: list[dict[str, Any]]) -> None:
    assert one("How many boats were at the roof?", hires).measures == (Measure(op="count"),)
    assert one("How many boat types are there?", hires).measures == (Measure(op="distinct", of="boat_type"),)


def test_people_who_are_a_column_drive_nothing(hires: list[dict[str, Any]]) -> None:
    query = one("How many different drivers came at least five times?", hires)
    assert [g.of for g in query.group_by] == ["driver_id"]
    assert query.tell == "number"
    assert one("What drives the fare?", hires).intent == "drivers"
    assert one("What is the average fare by site for club drivers?", hires).where[0].right == "club"


def test_a_length_is_made_of_two_times_of_which_one_comes_first_throughout(hires: list[dict[str, Any]]) -> None:
    query = one("How many hires lasted more than 2 hours?", hires)
    assert query.prepare[0].expr == "hours(taken_out_at, brought_back_at)"
    assert query.where == (Condition(left="duration", op=">", right=2),)


def test_people_who_wait_longer_are_rows_with_a_longer_duration(hires: list[dict[str, Any]]) -> None:
    query = one("Do drivers who wait longer give worse ratings?", hires)
    assert [(m.op, m.of, m.other) for m in query.measures] == [("correlation", "rating", "duration")]


def test_a_gap_is_asked_for_in_either_order_and_never_passed_over(hires: list[dict[str, Any]]) -> None:
    gap = (Condition(left="rating", op="missing"),)
    assert one("For how many hires is the rating missing?", hires).where == gap
    for query in read("For how many hires is the weather not missing?", hires).queries:
        assert query is None or query.where


def test_a_month_is_of_the_only_year_that_a_table_has(hires: list[dict[str, Any]]) -> None:
    query = one("How many hires were there before June?", hires)
    assert query.where == (Condition(left="taken_out_at", op="<", right="2024-06"),)


def test_an_average_of_two_places_is_told_of_each_and_of_one_or_the_other_of_both(hires: list[dict[str, Any]]) -> None:
    each = one("What is the average fare at the roof and the yard?", hires)
    both = one("What is the average fare at the roof or the yard?", hires)
    assert ([g.of for g in each.group_by], both.group_by) == (["site"], ())
    assert each.where == both.where == (Condition(left="site", op="in", right=("roof", "yard")),)


def test_weekends_are_set_against_the_other_days_by_what_is_counted(hires: list[dict[str, Any]]) -> None:
    query = one("Are there more hires at weekends than on weekdays?", hires)
    assert query.measures == (Measure(op="count"),)
    assert query.compare is not None
    assert (query.compare.first, query.compare.second) == ("weekend", "weekday 0-4")
    assert one("What is the average fare by weekday?", hires).group_by[0].grain == "weekday"


def test_the_share_of_missing_values_is_told_column_by_column(hires: list[dict[str, Any]]) -> None:
    query = one("What percentage of values is missing in each column?", hires)
    gap = Condition(left="rating", op="missing")
    assert Measure(op="share", where=(gap,), name="rating") in query.measures
    assert {m.op for m in query.measures} == {"share"}


def test_what_changed_is_named_as_unknown_where_no_column_has_it(hires: list[dict[str, Any]]) -> None:
    for question in ("Why did footfall drop in June?", "How did footfall develop over time?"):
        reading = read(question, hires)
        assert reading.queries == (None,)
        assert "footfall" in reading.why_not[0]
        assert reading.unknown == ("footfall",)


def test_rows_that_are_dropped_are_left_out_and_no_fall_is_asked_for(hires: list[dict[str, Any]]) -> None:
    query = one("Drop the hires at the roof, then give the median fare.", hires)
    assert query.prepare == (Keep(where=(Condition(left="site", op="!=", right="roof"),)),)
    assert ([m.op for m in query.measures], query.intent, query.where) == (["median"], "compute", ())


@pytest.fixture(scope="module")
def workshop() -> list[dict[str, Any]]:
    """Jobs of a workshop: how long each took, what it brought in and cost, and how it was rated."""
    n = 80
    table = pd.DataFrame(
        {
            "job_no": range(1, n + 1),
            "received": pd.date_range("2023-01-02", periods=n, freq="9D"),
            "site": [DESKS[i % 4] for i in range(n)],
            "worker": [("Ana", "Bo", "Cy")[i % 3] for i in range(n)],
            "hours": [0.5 + i % 13 + i / 100 for i in range(n)],
            "parts_eur": [3.5 + i % 17 + i / 100 for i in range(n)],
            "price_eur": [40.5 + i % 31 + i / 100 for i in range(n)],
            "rating": [1 + i % 5 for i in range(n)],
            "defects": [i % 14 for i in range(n)],
        }
    )
    return dated("jobs.csv", table)


@pytest.mark.parametrize(
    ("question", "of", "descending"),
    [
        ("Who is our fastest worker?", "hours", False),
        ("Which worker is the slowest?", "hours", True),
        ("Which site is rated best?", "rating", True),
        ("Who is the worst worker?", "rating", False),
        ("Which site has the worst defects?", "defects", True),
        ("Which site has the best defects?", "defects", False),
        ("Which site brings in the most money?", "price_eur", True),
    ],
)
def test_an_adjective_says_which_column_is_meant_and_which_end_of_it(
    workshop: list[dict[str, Any]], question: str, of: str, descending: bool
) -> None:
    query = one(question, workshop)
    assert (query.intent, query.limit, query.measures[0].of, query.order[0].descending) == ("rank", 1, of, descending)


@pytest.mark.parametrize(
    ("question", "of", "other"),
    [
        ("Do longer jobs get worse ratings?", "rating", "hours"),
        ("Do dearer jobs take longer?", "hours", "price_eur"),
    ],
)
def test_two_adjectives_relate_their_two_columns(
    workshop: list[dict[str, Any]], question: str, of: str, other: str
) -> None:
    (measure,) = one(question, workshop).measures
    assert (measure.op, measure.of, measure.other) == ("correlation", of, other)


@pytest.mark.parametrize(
    ("question", "op", "of"),
    [
        ("Are we getting busier?", "count", None),
        ("Are we getting slower?", "mean", "hours"),
        ("Are we improving?", "mean", "rating"),
        ("Is revenue going up or down?", "sum", "price_eur"),
    ],
)
def test_getting_more_of_something_is_its_change_over_time(
    workshop: list[dict[str, Any]], question: str, op: str, of: str | None
) -> None:
    query = one(question, workshop)
    assert (query.intent, query.measures[0].op, query.measures[0].of) == ("change", op, of)
    assert query.unused == ()


def test_money_that_comes_in_is_not_money_that_goes_out(workshop: list[dict[str, Any]]) -> None:
    for question, of in (
        ("How much do we spend on parts per site?", "parts_eur"),
        ("What did we spend in 2024?", "parts_eur"),
        ("What did we earn in 2024?", "price_eur"),
        ("Total revenue by site", "price_eur"),
    ):
        query = one(question, workshop)
        assert [(m.op, m.of) for m in query.measures] == [("sum", of)], question
    ahead = one("What will we earn in the next three months?", workshop)
    assert (ahead.intent, ahead.periods, ahead.measures[0].op, ahead.measures[0].of) == (
        "forecast",
        3,
        "sum",
        "price_eur",
    )
    why = one("Why did revenue change from 2023 to 2024?", workshop)
    assert why.compare is not None
    assert (why.intent, why.measures[0].of, why.compare.first, why.compare.second) == (
        "why_changed", "price_eur", "2024", "2023",
    )  # fmt: skip


def test_rows_are_not_counted_in_the_place_of_what_is_asked_for(hires: list[dict[str, Any]]) -> None:
    for question in (
        "How many drivers did we lose in June?",
        "How many hires went wrong in June?",
        "What will footfall be next month?",
    ):
        assert read(question, hires).queries == (None,), question


def test_money_is_asked_of_no_table_without_any(workshop: list[dict[str, Any]]) -> None:
    (jobs,) = workshop
    free = [{**jobs, "columns": [c for c in jobs["columns"] if "eur" not in c["name"]]}]
    for question in (
        "What will we earn next month?",
        "How did revenue develop?",
        "What will we spend on defects next month?",
    ):
        reading = read(question, free)
        assert reading.queries == (None,), (question, reading)


@pytest.fixture(scope="module")
def tickets() -> list[dict[str, Any]]:
    """Tickets of a help desk, with a text each, who has them, and a state that is also a date."""
    n = 90
    opened = pd.date_range("2023-01-02 08:00", periods=n, freq="97h")
    words = ["The {} in room 4 is out of order", "No {} after the update", "A new {} is needed by Monday"]
    table = pd.DataFrame(
        {
            "number": [f"INC{i:07}" for i in range(n)],
            "opened_at": opened,
            "closed_at": opened + pd.to_timedelta([20 + 3 * (i % 17) for i in range(n)], unit="h"),
            "shipped_on": opened,
            "state": [("Open", "Shipped", "Declined")[i % 3] for i in range(n)],
            "assigned_to": [("Ann Lee", "Bo Falk", "Cy Dunn", "Di Roth")[i * i % 4] for i in range(n)],
            "closed_by": [("Ann Lee", "Bo Falk", "Cy Dunn")[i % 3] for i in range(n)],
            "team": [("Lab", "Shop")[i % 2] for i in range(n)],
            "short_description": [words[i % 3].format(f"scanner {i}") for i in range(n)],
            "repair_time_hours": [1.5 + i % 7 for i in range(n)],
        }
    )
    return dated("tickets.csv", table)


def test_all_of_them_beside_another_group_are_no_groups(tickets: list[dict[str, Any]]) -> None:
    query = one("What is the mean repair time by team across all states?", tickets)
    assert [g.of for g in query.group_by] == ["team"]
    assert query.measures == (Measure(op="mean", of="repair_time_hours"),)
    assert [g.of for g in one("What is the mean repair time across all states?", tickets).group_by] == ["state"]


def test_a_state_that_is_also_a_date_is_the_state(tickets: list[dict[str, Any]]) -> None:
    query = one("How many tickets have been shipped by each team?", tickets)
    assert query.where == (Condition(left="state", op="=", right="Shipped"),)


@pytest.mark.parametrize("question", ["How many tickets are open?", "How many are still open?"])
def test_a_state_that_is_the_stem_of_a_date_is_the_state(tickets: list[dict[str, Any]], question: str) -> None:
    assert one(question, tickets).where == (Condition(left="state", op="=", right="Open"),)


def test_a_bound_that_nothing_has_read_is_not_passed_over(tickets: list[dict[str, Any]]) -> None:
    assert one("How many have a repair time of at least one?", tickets).where == (
        Condition(left="repair_time_hours", op=">=", right=1),
    )
    for question in ("How many tickets have at most the team?", "How many tickets were opened on the same day?"):
        assert read(question, tickets).queries == (None,), question


def test_a_word_is_looked_for_in_the_only_column_of_sentences(tickets: list[dict[str, Any]]) -> None:
    query = one("How many tickets mention the word scanner?", tickets)
    assert query.where == (Condition(left="short_description", op="contains", right="scanner"),)


def test_agents_are_those_who_do_what_is_said(tickets: list[dict[str, Any]]) -> None:
    for question, column in [
        ("What is the distribution of tickets assigned to each agent?", "assigned_to"),
        ("Is the distribution of tickets closed by agents uniform across all agents?", "closed_by"),
    ]:
        assert [g.of for g in one(question, tickets).group_by] == [column]


def test_whether_one_has_more_than_the_others_asks_which_has_the_most(tickets: list[dict[str, Any]]) -> None:
    query = one("Is there an agent who is assigned more tickets than others?", tickets)
    assert (query.intent, query.limit, [g.of for g in query.group_by]) == ("rank", 1, ["assigned_to"])
    assert query.measures == (Measure(op="count"),)


def test_an_increase_that_may_be_uniform_is_told_of_each_group(tickets: list[dict[str, Any]]) -> None:
    asked = "Is the increase in repair time uniform across all teams or is it more pronounced in a specific team?"
    query = one(asked, tickets)
    assert (query.intent, [g.of for g in query.group_by]) == ("change", ["opened_at", "team"])


def test_a_statistic_and_a_number_of_rows_are_both_told(tickets: list[dict[str, Any]]) -> None:
    query = one("Report the total number of tickets and the median repair time.", tickets)
    assert set(query.measures) == {Measure(op="count"), Measure(op="median", of="repair_time_hours")}


def test_gaps_filled_by_a_model_are_not_filled_with_the_mean(hires: list[dict[str, Any]]) -> None:
    asked = "Impute the missing values of rating using nearest neighbors. What is the mean rating?"
    reading = read(asked, hires)
    assert reading.queries == (None,)
    assert "nearest neighbors" in reading.why_not[0]


def test_a_coefficient_by_its_full_name_is_asked_for(hires: list[dict[str, Any]]) -> None:
    query = one("Calculate the Pearson correlation coefficient between the fare and the deposit.", hires)
    assert [(m.op, m.of, m.other) for m in query.measures] == [("correlation", "fare_eur", "deposit_eur")]


@pytest.fixture(scope="module")
def lessons() -> list[dict[str, Any]]:
    """Lessons of a sailing school: days without hours, lengths in hours, and a column of who came back."""
    n = 60
    table = pd.DataFrame(
        {
            "bookingRef": [f"BK-{i}" for i in range(n)],
            "instructor": [("Ann Lee", "Bo Falk", "Cy Dunn")[i % 3] for i in range(n)],
            "lessonType": [("race", "kids", "beginner")[i * i % 3] for i in range(n)],
            "lessonDate": pd.date_range("2024-03-01", periods=n, freq="9D"),
            "hours": [1.0 + i % 3 for i in range(n)],
            "clientAge": [9 + i % 50 for i in range(n)],
            "cancelled": ["Y" if i % 7 == 0 else "N" for i in range(n)],
            "repeatClient": ["Y" if i % 2 else "N" for i in range(n)],
            "totalPaid": [40.0 + i % 11 for i in range(n)],
        }
    )
    return dated("lessons.csv", table)


def test_what_is_cancelled_says_which_rows_and_clients_are_no_repeat_clients(lessons: list[dict[str, Any]]) -> None:
    for question in ("Show the cancelled lessons", "List cancelled race lessons"):
        query = one(question, lessons)
        assert query.intent == "list"
        assert Condition(left="cancelled", op="=", right="Y") in query.where
    assert one("What is the average age of kids lesson clients?", lessons).where == (
        Condition(left="lessonType", op="=", right="kids"),
    )


def test_a_season_of_two_years_is_set_against_itself(lessons: list[dict[str, Any]]) -> None:
    query = one("How did revenue change from spring 2024 to spring 2025?", lessons)
    assert query.where == (Condition(left="lessonDate", op="during", right="month 3-5"),)
    assert query.compare == Compare(of="lessonDate", first="2025", second="2024")


def test_days_have_no_hours_and_work_is_no_money(lessons: list[dict[str, Any]]) -> None:
    assert one("What is the median length of race lessons?", lessons).measures == (Measure(op="median", of="hours"),)
    for question in ("Show revenue by hour of the day", "Which instructor works most on weekends?"):
        assert read(question, lessons).queries == (None,), question


@pytest.fixture(scope="module")
def meters() -> list[dict[str, Any]]:
    """Readings of meters, which are only called so by their date."""
    n = 72
    table = pd.DataFrame(
        {
            "Reading Date": pd.date_range("2023-01-31", periods=24, freq="ME").repeat(3),
            "Site": ["Town Hall", "Library", "Depot"] * 24,
            "Energy (kWh)": [400.0 + 7 * (i % 31) for i in range(n)],
            "Tariff": [("day", "night", "flat")[i * i % 3] for i in range(n)],
            "Cost (£)": [90.5 + i % 17 for i in range(n)],
            "Estimated?": ["Yes" if i % 9 == 0 else "No" for i in range(n)],
        }
    )
    return dated("meters.csv", table)


def test_readings_are_the_rows_and_not_their_reading_date(meters: list[dict[str, Any]]) -> None:
    query = one("How many readings were estimated?", meters)
    assert query.where == (Condition(left="`Estimated?`", op="=", right="Yes"),)
    assert query.measures == (Measure(op="count"),)


def test_a_month_is_set_against_the_one_that_the_next_clause_names(meters: list[dict[str, Any]]) -> None:
    text = "What did the library cost in December 2024 and how does that compare to December 2023?"
    query = one(text, meters)
    assert query.compare == Compare(of="`Reading Date`", first="2024-12", second="2023-12")
    assert query.where == (Condition(left="Site", op="=", right="Library"),)


def test_what_is_cheaper_is_so_on_average_and_no_second_side_is_passed_over(meters: list[dict[str, Any]]) -> None:
    assert [m.op for m in one("Are night tariff readings cheaper?", meters).measures] == ["mean"]
    for question in (
        "What is the average monthly cost per site?",
        "What is the median cost of estimated readings versus actual ones?",
    ):
        assert read(question, meters).queries == (None,), question


@pytest.fixture(scope="module")
def claims() -> list[dict[str, Any]]:
    """Claims whose amounts are called so in short, and classes that are called like their column."""
    n = 60
    table = pd.DataFrame(
        {
            "claim_no": [f"C{i}" for i in range(n)],
            "filed": pd.date_range("2022-01-03", periods=n, freq="9D"),
            "region": [("NE", "SW")[i % 2] for i in range(n)],
            "claim_amt": [100.5 + 13 * (i % 19) for i in range(n)],
            "approved_amt": [80.5 + 11 * (i % 17) for i in range(n)],
            "severity": [("minor", "moderate", "severe")[i % 3] for i in range(n)],
            "days_to_close": [3 + i % 23 for i in range(n)],
        }
    )
    return dated("claims.csv", table)


def test_a_value_counts_before_a_column_of_the_same_stem(claims: list[dict[str, Any]]) -> None:
    query = one("Is there a correlation between claim amount and days to close among severe claims?", claims)
    assert query.where == (Condition(left="severity", op="=", right="severe"),)
    assert [(m.op, m.of, m.other) for m in query.measures] == [("correlation", "claim_amt", "days_to_close")]


def test_a_word_in_short_is_the_whole_word(claims: list[dict[str, Any]]) -> None:
    query = one("What is the standard deviation of claim amounts for each region?", claims)
    assert query.measures == (Measure(op="std", of="claim_amt"),)


def test_no_part_of_a_sum_is_passed_over_and_no_rate_made_of_an_amount(claims: list[dict[str, Any]]) -> None:
    for question in ("How much was claimed and how much was approved in 2023?", "What is the approval rate?"):
        assert read(question, claims).queries == (None,), question


@pytest.fixture(scope="module")
def admissions() -> list[dict[str, Any]]:
    """Stays in a hospital by their two times; of some patients it is said that they have no insurance."""
    n = 60
    admitted = pd.date_range("2024-01-01 05:30", periods=n, freq="97h")
    table = pd.DataFrame(
        {
            "Patient ID": [1000 + i * i % 41 for i in range(n)],
            "Admitted": admitted,
            "Discharged": admitted + pd.to_timedelta([7 + 11 * (i % 23) for i in range(n)], unit="h"),
            "Ward": [("Cardiology", "Maternity", "General")[i % 3] for i in range(n)],
            "Readmitted within 30 days": ["Yes" if i % 8 == 0 else "No" for i in range(n)],
            "Satisfaction (1-5)": [1.0 + i % 5 for i in range(n)],
            "Insurance": [("public", "private", "none")[i * 7 % 3] for i in range(n)],
        }
    )
    return dated("admissions.csv", table)


def test_a_length_of_something_is_its_duration_and_a_difference_is_told_of_each_group(
    admissions: list[dict[str, Any]],
) -> None:
    query = one("Is there a difference in length of stay between the wards?", admissions)
    assert query.prepare == (Derive(name="duration", expr="days(Admitted, Discharged)"),)
    assert (query.measures, query.group_by) == ((Measure(op="mean", of="duration"),), (Group(of="Ward"),))


def test_the_first_word_of_a_yes_or_no_says_it_and_none_is_a_value(admissions: list[dict[str, Any]]) -> None:
    query = one("What is the average satisfaction of readmitted patients?", admissions)
    assert query.where == (Condition(left="`Readmitted within 30 days`", op="=", right="Yes"),)
    assert one("How many stays have no insurance?", admissions).where == (
        Condition(left="Insurance", op="=", right="none"),
    )


def test_two_times_are_not_passed_over(admissions: list[dict[str, Any]]) -> None:
    for question in ("How many patients were discharged on the day they were admitted?", "What share is Patient ID?"):
        assert read(question, admissions).queries == (None,), question


def test_what_the_rows_are_may_stand_before_what_is_measured_of_them() -> None:
    trips = pd.DataFrame(
        {
            "trip_id": range(1001, 1081),
            "bike": ["city", "cargo"] * 40,
            "duration_min": [5.5 + i % 40 for i in range(80)],
        }
    )
    facts = dated("trips.csv", trips)
    of = "duration_min"
    assert one("Average trip duration", facts).measures == (Measure(op="mean", of=of),)
    shortest = one("shortest trip duration by bike", facts)
    assert (shortest.measures, shortest.group_by) == ((Measure(op="min", of=of),), (Group(of="bike"),))
    assert one("What drives trip duration?", facts).intent == "drivers"


@pytest.fixture(scope="module")
def exams() -> list[dict[str, Any]]:
    """Marks of three terms, 999 where there is none, in a table of two kinds of people and two dates."""
    n = 60
    booked = pd.date_range("2024-01-08", periods=n, freq="3D")
    table = pd.DataFrame(
        {
            "exam_id": [f"X{i:03}" for i in range(n)],
            "Booked On": booked,
            "Exam Date": booked + pd.to_timedelta([5 + i % 30 for i in range(n)], unit="D"),
            "term": [("autumn", "spring", "summer")[i % 3] for i in range(n)],
            "pupil": [f"P{i % 25:02}" for i in range(n)],
            "teacher": [("Bell", "Lind", "Roux")[i * 7 % 3] for i in range(n)],
            "tutor room": [None if i % 4 == 0 else "R1" if i % 4 == 1 else "R2" for i in range(n)],
            "score": [999 if i % 12 == 0 else 40 + i % 51 for i in range(n)],
            "weekly_fee": [12.5 + i % 40 for i in range(n)],
            "late": [("yes", "no")[i % 5 > 0] for i in range(n)],
        }
    )
    tables = dated("exams.csv", table)
    next(c for c in tables[0]["columns"] if c["name"] == "score")["code"] = 999.0
    return tables


def test_those_are_the_rows_of_the_question_before(exams: list[dict[str, Any]]) -> None:
    first = one("How many exams of Bell were late?", exams)
    assert len(first.where) == 2
    (query,) = read("How many of those were in the spring term?", exams, previous=first).queries
    assert query is not None
    assert query.where == (*first.where, Condition(left="term", op="=", right="spring"))
    (paid,) = read("What is their average weekly fee?", exams, previous=first).queries
    assert paid is not None
    assert paid.where == first.where
    share = one("What share of the exams was late?", exams)
    (of_late,) = read("How many of them were in spring?", exams, previous=share).queries
    assert of_late is not None
    assert Condition(left="late", op="=", right="yes") in of_late.where
    top = one("Which teacher has the most exams?", exams)
    for before in (None, top):  # nothing was told, or one group of several
        assert read("How many of those were late?", exams, previous=before).queries == (None,)
    alone = "Of those who were late, how many were in the spring term?"
    assert "Bell" not in str(read(alone, exams, previous=first).queries)


def test_the_best_and_then_the_worst(exams: list[dict[str, Any]]) -> None:
    best = one("What is the best score in spring?", exams)
    (worst,) = read("and the worst?", exams, previous=best).queries
    assert worst is not None
    assert (worst.measures[0].op, worst.where) == ("min", best.where)


def test_nothing_is_computed_of_a_code_for_missing(exams: list[dict[str, Any]]) -> None:
    known = Condition(left="score", op="!=", right=999)
    for question in (
        "What is the mean score?",
        "How many exams have a score above 80?",
        "Which exam has the best score?",
    ):
        query = one(question, exams)
        assert known in query.where, question
        assert any("999" in note for note in query.notes)
    assert one("How many exams have a score of 999?", exams).where == (Condition(left="score", op="=", right=999),)
    assert one("What is the mean weekly fee?", exams).where == ()
    full = "Calculate the mean of the score column of the dataset. Round the result to two decimals and report it."
    assert one(f"{full} Use the pandas method with all of its default settings for this.", exams).where == ()


def test_a_time_is_that_of_what_was_done_or_of_what_the_rows_are(exams: list[dict[str, Any]]) -> None:
    assert one("How many exams were there in June?", exams).where[0].left == "`Exam Date`"
    assert one("How many exams were booked in June?", exams).where[0].left == "`Booked On`"


def test_values_of_a_column_are_no_seasons(exams: list[dict[str, Any]]) -> None:
    query = one("Did the average score go up between autumn and summer?", exams)
    assert (query.intent, [g.of for g in query.group_by]) == ("compare", ["term"])


def test_who_has_the_most_is_not_guessed_among_two_kinds_of_people(exams: list[dict[str, Any]]) -> None:
    assert read("Who got the highest score?", exams).queries == (None,)
    assert one("Who is the teacher with the most exams?", exams).group_by == (Group(of="teacher"),)


def test_girls_are_not_all_rows_and_none_is_a_gap(exams: list[dict[str, Any]]) -> None:
    assert read("How many girls were late?", exams).queries == (None,)
    assert one("How many exams don't have a tutor room?", exams).where[0].op == "missing"


def test_a_fee_of_each_week_is_no_sum_of_the_weeks_of_a_date(exams: list[dict[str, Any]]) -> None:
    query = one("How much do we take in fees every week?", exams)
    assert (query.measures, query.group_by) == ((Measure(op="sum", of="weekly_fee"),), ())


def test_words_of_a_name_may_be_written_together() -> None:
    flats = pd.DataFrame({"Flat": [f"F{i}" for i in range(40)], "Sq m": [40.5 + i for i in range(40)]})
    assert one("total sqm", dated("flats.csv", flats)).measures == (Measure(op="sum", of="`Sq m`"),)


@pytest.fixture(scope="module")
def lot() -> list[dict[str, Any]]:
    """Cars of a dealer, of which some are not sold yet."""
    n = 80
    came = pd.date_range("2023-01-09", periods=n, freq="8D")
    unsold = [i % 5 == 0 for i in range(n)]
    sold = pd.Series(came + pd.to_timedelta([3 + i % 40 for i in range(n)], unit="D")).mask(unsold)
    table = pd.DataFrame(
        {
            "Stock No": [f"S{i}" for i in range(n)],
            "Make": [("Ford", "Skoda", "BMW")[i % 3] for i in range(n)],
            "Year": [2010 + i % 14 for i in range(n)],
            "Came In": came,
            "Sold On": sold,
            "Sold For": pd.Series([9000.5 + 170 * i for i in range(n)]).mask(unsold),
            "Warranty": [("yes", "no")[i % 4 > 0] for i in range(n)],
            "Salesperson": pd.Series([("Dana", "Rick", "Sol")[i * 7 % 3] for i in range(n)]).mask(unsold),
        }
    )
    return dated("cars.csv", table)


_FORD = Condition(left="Make", op="=", right="Ford")


def test_cars_older_than_a_year_are_no_two_periods(lot: list[dict[str, Any]]) -> None:
    older = Condition(left="Year", op="<", right=2015)
    assert set(one("How many Fords are older than 2015?", lot).where) == {_FORD, older}
    assert one("How many cars are newer than 2015?", lot).where == (Condition(left="Year", op=">", right=2015),)
    facts = [{**lot[0], "columns": [c for c in lot[0]["columns"] if c["name"] != "Year"]}]
    assert read("How many cars are newer than 2015?", facts).queries == (None,)


def test_what_is_sold_is_counted_by_cars_and_sells_for_a_price(lot: list[dict[str, Any]]) -> None:
    assert one("Which salesperson sold the most cars?", lot).measures == (Measure(op="count"),)
    assert one("Do Fords sell for more than Skodas?", lot).measures == (Measure(op="mean", of="`Sold For`"),)
    assert one("How many cars were sold in 2024?", lot).where[0].left == "`Sold On`"


def test_what_stands_behind_and_goes_on_from_something(lot: list[dict[str, Any]]) -> None:
    first = one("How many cars came in in 2023?", lot)
    (query,) = read("and no warranty?", lot, previous=first).queries
    assert query is not None
    assert query.where == (*first.where, Condition(left="Warranty", op="!=", right="yes"))
    assert read("and no warranty?", lot).queries == (None,)
    missing = one("How many cars dont have a salesperson?", lot).where
    assert missing == (Condition(left="Salesperson", op="missing"),)


def test_a_time_to_close_is_no_hours_billed_and_no_mean_of_dates() -> None:
    opened = pd.date_range("2024-01-08 07:30", periods=120, freq="13h")
    jobs = pd.DataFrame(
        {
            "ticket": range(9001, 9121),
            "opened": opened,
            "closed": opened + pd.to_timedelta([2 + i % 30 for i in range(120)], unit="h"),
            "engineer": [("Khan", "Shaw", "Obi")[i % 3] for i in range(120)],
            "hours_billed": [0.5 + i % 7 for i in range(120)],
        }
    )
    facts = dated("jobs.csv", jobs)
    assert one("average time to close a ticket", facts).prepare[0].expr == "days(opened, closed)"  # type: ignore[union-attr]
    assert one("mean hours billed", facts).measures == (Measure(op="mean", of="hours_billed"),)
    assert read("what is the average closed", facts).queries == (None,)
    assert read("How many complaints about Obi?", facts).queries == (None,)


def test_a_table_of_days_has_no_people_and_a_unit_price_is_no_sale() -> None:
    days = [d for d in pd.date_range("2024-02-01", periods=40) for _ in range(2)]
    table = pd.DataFrame(
        {
            "date": days,
            "shop": ["Old Town", "Harbour"] * 40,
            "baked": [20 + i * 7 % 50 for i in range(80)],
            "unit_price": [2.1 + i % 3 for i in range(80)],
            "weather": [("sunny", "rain")[i // 2 % 2] for i in range(80)],
        }
    )
    facts = dated("bakery.csv", table)
    for question in ("How many customers came to Old Town?", "Do we sell less when it rains?"):
        assert read(question, facts).queries == (None,), question


def test_words_beside_the_table_are_read_as_what_it_has_for_them() -> None:
    days = pd.date_range("2024-01-01", periods=40).strftime("%Y-%m-%d")
    table = pd.DataFrame(
        {
            "job_no": [f"J{i:02}" for i in range(40)],
            "opened_on": days,
            "closed_on": [None if i % 5 == 0 else day for i, day in enumerate(days)],
            "status": [("Rejected", "Approved", "On hold")[i % 3] for i in range(40)],
            "price": [50.0 + i for i in range(40)],
        }
    )
    jobs = [described("jobs.csv", table)]
    turned, gap = one("How many jobs did we turn down?", jobs), one("How many jobs are still open?", jobs)
    assert turned.where == (Condition(left="status", op="=", right="Rejected"),)
    assert gap.where == (Condition(left="closed_on", op="missing"),)
    assert turned.notes[0] == "“turn down” is read as “Rejected”."
    assert one("What is the avreage price?", jobs).measures == (Measure(op="mean", of="price"),)
    assert read("What is the avarage prize?", jobs).queries == (None,)
