"""What a row is about: when it began and ended, who it befell, and what happened there how often."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Condition, Group
from graphs.questions.reader import read
from tests.graphs.test_reader import one
from tests.graphs.test_reader_everyday import dated

Tables = list[dict[str, Any]]


@pytest.fixture(scope="module")
def faults() -> Tables:
    """Faults of pumps, each with when the pump stopped and when it ran again."""
    n = 90
    stopped = pd.Series(pd.date_range("2024-01-03 05:10", periods=n, freq="4D"))
    table = pd.DataFrame(
        {
            "Fault No": [f"F-{i}" for i in range(n)],
            "Pump": [("North", "South", "West")[i % 3] for i in range(n)],
            "Stopped At": stopped,
            "Restarted At": stopped + pd.to_timedelta([3 + i % 40 for i in range(n)], "h"),
            "Cause": [("Bearing", "Power", "Seal")[i % 5 % 3] for i in range(n)],
            "Leaks Lost": [i % 4 for i in range(n)],
            "Unit Price": [10 + i % 7 for i in range(n)],
        }
    )
    return dated("faults.csv", table)


@pytest.fixture(scope="module")
def permits() -> Tables:
    """Requests to build, of listed houses and others, with what became of them."""
    n = 120
    table = pd.DataFrame(
        {
            "Burial Dt": pd.date_range("2024-02-01", periods=n, freq="2D"),
            "Ref": [f"P{i}" for i in range(n)],
            "Death Dt": pd.date_range("2024-01-20", periods=n, freq="2D"),
            "kind": [("Developer", "Owner", "Council")[i % 3] for i in range(n)],
            "listed": [("Yes", "No")[i % 6 > 0] for i in range(n)],
            "status": [("Granted", "Refused", "Pending")[i % 4 % 3] for i in range(n)],
            "guests": [20 + i for i in range(n)],
        }
    )
    return dated("permits.csv", table)


@pytest.mark.parametrize("asked", ["How long does a fault last on average?", "Which pump is the slowest?",
                                   "How long does it take to get going again on average?"])  # fmt: skip
def test_nothing_ends_before_it_begins_whatever_the_names_hold(asked: str, faults: Tables) -> None:
    (step,) = one(asked, faults).prepare
    assert getattr(step, "expr", "").endswith("(`Stopped At`, `Restarted At`)")


@pytest.mark.parametrize(
    "asked", ["Which pump stopped most often?", "Which pump stopped the most?", "Which pump has the most rows?"]
)
def test_what_happened_most_often_is_counted(asked: str, faults: Tables) -> None:
    query = one(asked, faults)
    assert ([m.op for m in query.measures], [g.of for g in query.group_by], query.limit) == (["count"], ["Pump"], 1)


def test_the_worst_of_a_loss_is_the_most_of_it(faults: Tables) -> None:
    query = one("What was the worst week for leaks lost?", faults)
    assert ([m.op for m in query.measures], query.order[0].descending) == (["sum"], True)


@pytest.mark.parametrize(
    "asked", ["What was our best day for tonnage?", "How many were of the cause seal, and by whom?"]
)
def test_by_what_and_by_whom_are_not_left_aside(asked: str, faults: Tables) -> None:
    assert None in read(asked, faults).queries


@pytest.mark.parametrize(
    "asked",
    [
        "Do listed ones get refused more often than the rest?",
        "Are listed ones refused less often?",
        "Are listed ones more likely to be refused?",
    ],
)
def test_the_share_is_of_what_is_said_and_not_of_whom(asked: str, permits: Tables) -> None:
    query = one(asked, permits)
    assert [g.of for g in query.group_by] == ["listed"]
    assert query.measures[0].where == (Condition(left="status", op="=", right="Refused"),)


def test_a_value_is_set_against_the_others_by_what_is_said_of_it(permits: Tables) -> None:
    query = one("Do developers get refused more often?", permits)
    assert ([g.of for g in query.group_by], query.measures[0].op) == (["kind"], "share")


def test_times_are_those_of_what_is_counted(permits: Tables) -> None:
    assert one("How many deaths in March?", permits).where[0].left == "`Death Dt`"  # type: ignore[union-attr]
    compare = one("Were there more deaths in March or in April?", permits).compare
    assert compare is not None
    assert compare.of == "`Death Dt`"
    query = one("How many burials had more than 100 guests?", permits)
    assert query.where == (Condition(left="guests", op=">", right=100),)


@pytest.fixture(scope="module")
def heats() -> Tables:
    """Times of swimmers in the heats of some meets."""
    n = 80
    table = pd.DataFrame(
        {
            "Meet": [("Spring Cup", "Open", "Finals")[i % 3] for i in range(n)],
            "Swimmer": [("Ayla", "Boris", "Cem", "Dunja", "Eve")[i % 5] for i in range(n)],
            "Time (s)": [30 + i % 17 + 0.25 for i in range(n)],
            "Place": [1 + i % 8 for i in range(n)],
            "Stroke": [("Back", "Half Back", "Free")[i % 3] for i in range(n)],
        }
    )
    return dated("heats.csv", table)


@pytest.mark.parametrize(
    ("asked", "op", "of"),
    [
        ("What is the fastest time?", "min", "`Time (s)`"),
        ("What is the slowest time of Boris?", "max", "`Time (s)`"),
        ("What was the worst place of Boris?", "max", "Place"),
        ("What is the best place of Cem?", "min", "Place"),
    ],
)
def test_the_best_time_and_place_are_the_least(asked: str, op: str, of: str, heats: Tables) -> None:
    assert [(m.op, m.of) for m in one(asked, heats).measures] == [(op, of)]


def test_who_is_counted_once_in_each_group(heats: Tables) -> None:
    query = one("How many swimmers were there at each meet?", heats)
    assert ([(m.op, m.of) for m in query.measures], query.group_by[0].of) == ([("distinct", "Swimmer")], "Meet")


def test_a_value_is_not_a_longer_one_that_ends_with_it(heats: Tables) -> None:
    for asked, stroke in (("where Stroke is Back", "Back"), ("for Back", "Back"), ("in half back", "Half Back")):
        assert one(f"What is the average Place {asked}?", heats).where[0].right == stroke  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("asked", "during"),
    [
        ("March to May 2024", ("2024-03", "2024-05")),
        ("Mar-May 2024", ("2024-03", "2024-05")),
        ("Feb 2024 through May 2024", ("2024-02", "2024-05")),
        ("2024-2025", ("2024", "2025")),
        ("Monday to Friday", "weekday 0-4"),
        ("Mon–Fri", "weekday 0-4"),
    ],
)
def test_what_lies_between_two_times_is_in_it_also_without_from(
    asked: str, during: str | tuple[str, ...], faults: Tables
) -> None:
    (condition,) = one(f"How many faults {asked}?", faults).where
    assert isinstance(condition, Condition)
    assert condition.right == during


@pytest.mark.parametrize(
    "asked",
    [
        "Which pumps have we not seen since the start of 2024?",
        "What is the median unit price when leaks were actually used?",
        "How many pumps came back late?",
    ],
)
def test_no_condition_at_the_end_is_passed_over(asked: str, faults: Tables) -> None:
    assert None in read(asked, faults).queries


def test_what_the_key_numbers_are_the_rows_and_no_amount_of_like_name() -> None:
    n = 60
    claims = pd.DataFrame(
        {
            "claimRef": [f"CLM-{7000 + i}" for i in range(n)],
            "lossDate": pd.date_range("2023-01-04", periods=n, freq="9D"),
            "region": [("North", "Borders", "Fife")[i % 3] for i in range(n)],
            "amtClaimed": [500.5 + i for i in range(n)],
        }
    )
    query = one("Which region has the most claims?", dated("claims.csv", claims))
    assert [m.op for m in query.measures] == ["count"]


@pytest.mark.parametrize(
    ("asked", "noun"),
    [
        ("How many stoppages were caused by Power?", "stoppages"),
        ("What share of stoppages were Power?", "stoppages"),
        ("What is the average Unit Price of a stoppage in North?", "stoppage"),
        ("What is the average Unit Price of stoppages that were Seal?", "stoppages"),
    ],
)
def test_the_one_noun_that_nobody_knows_is_the_rows_and_is_named(asked: str, noun: str, faults: Tables) -> None:
    query = one(asked, faults)
    assert f"The table has no word “{noun}”: each row is taken for one." in query.notes
    assert query.where or query.measures[0].where


def test_what_there_is_per_row_is_so_where_the_table_counts_nothing_else(permits: Tables, faults: Tables) -> None:
    query = one("What are the average guests per ceremony in 2024?", permits)
    assert [(m.op, m.of) for m in query.measures] == [("mean", "guests")]
    assert read("What is the average Unit Price per leakage?", faults).queries == (None,)


@pytest.mark.parametrize(
    "asked",
    [
        "How many puddles did North have?",  # of which a row may count some
        "How many stoppages did we log?",  # nothing of the table is said
        "How many hydraulic stoppages were caused by Power?",
        "How many fitters were caused by Power?",
        "How many litres did North take?",
    ],
)
def test_a_noun_that_may_be_something_else_is_refused(asked: str, faults: Tables) -> None:
    assert read(asked, faults).queries == (None,)


def test_some_of_the_people_are_not_read_as_all_of_them(heats: Tables) -> None:
    swimmers = [t | {"name": "swimmers.csv"} for t in heats]
    assert read("How many vegetarians were Back?", swimmers).queries == (None,)


@pytest.mark.parametrize(
    ("asked", "op", "of"),
    [
        ("Which pump clocked up the most faults?", "count", None),
        ("Which pump racks up the most Leaks Lost?", "sum", "`Leaks Lost`"),
        ("How many leaks lost did North clock up in 2024?", "sum", "`Leaks Lost`"),
        ("Which pump is used most?", "count", None),
    ],
)
def test_a_verb_that_says_no_more_is_named_as_unread(asked: str, op: str, of: str | None, faults: Tables) -> None:
    (measure,) = one(asked, faults).measures
    assert (measure.op, measure.of) == (op, of)


def test_when_most_is_done_is_when_most_rows_are(permits: Tables) -> None:
    query = one("On which weekday do we tinker most?", permits)
    assert ([m.op for m in query.measures], query.group_by[0].grain, query.unused) == (
        ["count"],
        "weekday",
        ("tinker",),
    )


@pytest.mark.parametrize("verb", ["missed", "turned down", "cancelled", "skipped"])
def test_a_verb_that_may_choose_rows_is_refused(verb: str, faults: Tables) -> None:
    assert read(f"Which pump {verb} the most faults?", faults).queries == (None,)


def test_a_denial_within_a_column_s_words_is_one() -> None:
    n = 40
    table = pd.DataFrame({"hive": [f"H{i % 9}" for i in range(n)],
                          "queen_seen": [("yes", "no")[i % 3 > 1] for i in range(n)],
                          "duration_s": [60 + i for i in range(n)]})  # fmt: skip
    (where,) = one("In how many rows was the queen not seen?", dated("hives.csv", table)).where
    assert where == Condition(left="queen_seen", op="!=", right="yes")
    (where,) = one("How many rows took more than 1.5 minutes?", dated("hives.csv", table)).where
    assert where == Condition(left="duration_s", op=">", right=90)


def test_a_share_of_one_number_that_another_counts_is_their_ratio() -> None:
    table = pd.DataFrame({"kiln": list("ABC") * 20, "Pieces": range(20, 80), "Cracked": range(60)})
    query = one("What share of the pieces cracked?", dated("firings.csv", table))
    assert [(m.op, m.of) for m in query.measures] == [("sum", "Cracked"), ("sum", "Pieces")]


@pytest.mark.parametrize(("asked", "pools"), [("in March", True), ("in March 2024", False), ("in 2024", False)])
def test_a_month_of_several_years_is_said_to_be_that_of_each(asked: str, pools: bool) -> None:
    table = pd.DataFrame({"stopped": pd.date_range("2023-02-01", periods=60, freq="9D"), "pump": list("ABC") * 20})
    query = one(f"How many rows are there {asked} by pump?", dated("stops.csv", table))
    assert ("The month is taken of each year from 2023 to 2024 together." in query.notes) is pools


@pytest.fixture(scope="module")
def baked() -> list[dict[str, Any]]:
    """What a bakery sold, a row for each product of a day; and of whom: nobody."""
    n = 240
    table = pd.DataFrame(
        {
            "date": pd.date_range("2024-01-01", periods=n // 2).repeat(2),
            "product": ["Croissant", "Muffin"] * (n // 2),
            "sold": [20 + i % 37 for i in range(n)],
            "rain": [("yes", "no", "no")[i // 2 % 3] for i in range(n)],
            "queue_last_month": [i % 9 for i in range(n)],
        }
    )
    return dated("baked.csv", table)


def test_days_are_counted_once_and_not_by_their_rows(baked: Any) -> None:
    query = one("How many rainy days were there?", baked)
    assert ([(m.op, m.of) for m in query.measures], query.where) == (
        [("distinct", "day")],
        (Condition(left="rain", op="=", right="yes"),),
    )
    assert read("On how many days did we sell more than 40 muffins?", baked).queries == (None,)


def test_what_is_sold_on_rainy_days_and_others_is_compared_by_means(baked: Any) -> None:
    assert one("Do we sell less when it rains?", baked).measures[0].op == "mean"
    assert one("How many croissants did we sell in March?", baked).measures[0].op == "sum"


def test_one_day_against_all_others_is_no_list_of_days(baked: Any) -> None:
    assert read("How much more do we sell on Saturdays than on other days?", baked).queries == (None,)


def test_a_month_of_a_columns_name_is_no_unit_of_it(baked: Any) -> None:
    assert one("How many croissants were sold per month?", baked).group_by == (Group(of="date", grain="month"),)


def test_a_fall_within_the_only_year_is_held_against_the_month_before(baked: Any) -> None:
    query = one("Why did sales fall in March?", baked)
    assert query.compare is not None
    assert (query.compare.first, query.compare.second) == ("2024-03", "2024-02")


@pytest.fixture(scope="module")
def absences() -> list[dict[str, Any]]:
    """Absences of pupils at a school, several of each, with what their lessons cost to catch up."""
    n = 200
    table = pd.DataFrame(
        {
            "absence": range(1, n + 1),
            "date": pd.date_range("2024-01-08", periods=n, freq="2D"),
            "pupil_id": [1 + i % 61 for i in range(n)],
            "reason": [("illness", "family", "doctor")[i % 3] for i in range(n)],
            "hours_missed": [1 + i % 7 for i in range(n)],
            "quantity": [2 + i % 19 for i in range(n)],
            "unit_cost": [4.5 + i % 23 for i in range(n)],
            "excused": [("yes", "no")[i % 5 == 0] for i in range(n)],
        }
    )
    return dated("absences.csv", table)


def test_what_no_row_reaches_is_held_against_the_sum_of_rows(absences: Any) -> None:
    query = one("How many pupils missed more than 20 hours?", absences)
    assert (query.tell, query.having) == ("number", (Condition(left="sum", op=">", right=20),))


def test_a_number_beside_whom_it_names_is_that_one(absences: Any) -> None:
    query = one("How many absences did pupil 42 have?", absences)
    assert (query.where, query.measures[0].op) == ((Condition(left="pupil_id", op="=", right=42),), "count")


def test_numbers_of_rows_are_not_added_up_for_a_share(absences: Any) -> None:
    assert [m.op for m in one("What share of absences was excused?", absences).measures] == ["share"]


def test_units_are_a_quantity_and_not_the_cost_of_one(absences: Any) -> None:
    assert [m.of for m in one("How many units were due to illness?", absences).measures] == ["quantity"]


def test_better_without_a_measure_is_no_share_of_the_only_outcome(absences: Any) -> None:
    assert read("Is illness better than family?", absences).queries == (None,)
