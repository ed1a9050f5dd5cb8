"""Nouns, verbs and lengths that managers say of their tables: which words belong together, and what a verb names."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Condition, Derive, Group, Measure, Recode
from graphs.questions.reader import read
from tests.graphs.test_reader import described, one


@pytest.fixture(scope="module")
def stays() -> list[dict[str, Any]]:
    """Stays in four guest houses, from January to June 2024."""
    n = 120
    arrival = pd.date_range("2024-01-02", periods=n, freq="36h").normalize()
    table = pd.DataFrame(
        {
            "stay_no": range(1, n + 1),
            "guest": [100 + i * 7 % 53 for i in range(n)],
            "arrival": arrival,
            "departure": arrival + pd.to_timedelta([1 + i % 6 for i in range(n)], unit="D"),
            "house": [("Mill", "Abbey", "Forge", "Quay")[i % 4] for i in range(n)],
            "room_type": [("single", "double", "suite")[i // 2 % 3] for i in range(n)],
            "tariff": [("basic", "plus")[i % 2] for i in range(n)],
            "nightly_eur": [80.5 + i % 41 for i in range(n)],
            "visits_last_year": [i % 5 for i in range(n)],
            "birth_year": [1950 + i % 50 for i in range(n)],
            "cancelled": [["yes", "no", "no"][i % 3] for i in range(n)],
            "came_back": [["yes", "no"][i % 2] for i in range(n)],
        }
    )
    return [described("stays.csv", table)]


@pytest.mark.parametrize(
    ("question", "left", "right"),
    [
        ("How many stays were on the plus tariff?", "tariff", "plus"),
        ("How many guests stayed at the Mill house?", "house", "Mill"),
        ("How many suite problems did we have?", "room_type", "suite"),
        ("How many problems with the Forge did we have?", "house", "Forge"),
    ],
)
def test_a_value_and_its_noun_are_one_condition(
    stays: list[dict[str, Any]], question: str, left: str, right: str
) -> None:
    assert one(question, stays).where == (Condition(left=left, op="=", right=right),)


@pytest.mark.parametrize("words", ["most common", "most frequent", "usual"])
def test_the_most_common_value_for_each_group_is_its_mode(stays: list[dict[str, Any]], words: str) -> None:
    query = one(f"What is the {words} tariff for each type of room?", stays)
    assert query.measures == (Measure(op="mode", of="tariff"),)
    assert query.group_by == (Group(of="room_type"),)


def test_a_nightly_rate_is_no_share(stays: list[dict[str, Any]]) -> None:
    assert one("What is the average nightly rate?", stays).measures == (Measure(op="mean", of="nightly_eur"),)


@pytest.mark.parametrize("question", ["How long do guests stay?", "How long did guests wait for their room?"])
def test_a_length_lies_between_the_two_dates_and_says_so(stays: list[dict[str, Any]], question: str) -> None:
    query = one(question, stays)
    assert query.prepare == (Derive(name="duration", expr="days(arrival, departure)"),)
    assert query.measures == (Measure(op="mean", of="duration"),)
    assert "“duration” is read as days(arrival, departure), in days." in query.notes


def test_what_happens_within_a_time_has_a_length_of_at_most_that(stays: list[dict[str, Any]]) -> None:
    query = one("What share of stays had their departure within three days?", stays)
    assert query.prepare == (Derive(name="duration", expr="days(arrival, departure)"),)
    assert [m.where for m in query.measures] == [(Condition(left="duration", op="<=", right=3),)]


def test_how_long_somebody_has_been_there_is_no_other_length(stays: list[dict[str, Any]]) -> None:
    assert read("How long have guests been with us?", stays).queries == (None,)


@pytest.mark.parametrize(
    "question",
    [
        "What makes guests cancel?",
        "Why do guests cancel?",
        "What leads to cancellations?",
        "What drives cancellations?",
    ],
)
def test_a_verb_names_the_outcome_of_which_the_drivers_are_asked(stays: list[dict[str, Any]], question: str) -> None:
    query = one(question, stays)
    assert (query.intent, [m.of for m in query.measures]) == ("drivers", ["cancelled"])


@pytest.mark.parametrize("verb", ["come back", "came back"])
def test_an_irregular_verb_names_the_column(stays: list[dict[str, Any]], verb: str) -> None:
    assert "came_back" in str(one(f"How many guests {verb}?", stays).where)


@pytest.mark.parametrize("said", ["did not visit at all last year", "never visited", "had no visits last year"])
def test_never_is_zero_of_a_number_that_counts(stays: list[dict[str, Any]], said: str) -> None:
    assert one(f"How many guests {said}?", stays).where == (Condition(left="visits_last_year", op="=", right=0),)


def test_where_guests_come_from_is_no_visit(stays: list[dict[str, Any]]) -> None:
    assert "visits" not in str(read("How many guests come from Malta?", stays).queries)


def test_a_group_against_elsewhere_is_two_sides(stays: list[dict[str, Any]]) -> None:
    query = one("Is the nightly rate at the Mill house lower than elsewhere?", stays)
    assert query.prepare == (Recode(column="house", values=(("Mill", "Mill"),), other="others"),)
    assert query.measures == (Measure(op="mean", of="nightly_eur"),)


@pytest.mark.parametrize("noun", ["complaints", "orders", "women"])
def test_rows_that_are_called_something_else_are_not_counted_as_that(stays: list[dict[str, Any]], noun: str) -> None:
    reading = read(f"How many {noun} were there in March 2024?", stays)
    assert reading.queries == (None,)
    assert noun in reading.why_not[0]


def test_what_a_column_depends_on_is_no_statistic_of_it(stays: list[dict[str, Any]]) -> None:
    assert one("What does the cancellation rate depend on?", stays).intent == "drivers"
    by_house = one("Does the nightly rate depend on the house?", stays)
    assert (by_house.intent, by_house.group_by) == ("relate", (Group(of="house"),))


def test_who_came_again_is_who_has_more_than_one_row(stays: list[dict[str, Any]]) -> None:
    (facts,) = stays
    known = [facts | {"columns": [c for c in facts["columns"] if c["name"] != "came_back"]}]
    again = one("How many guests came back?", known)
    assert again.having == (Condition(left="count", op=">", right=1),)
    assert (again.group_by, again.tell) == ((Group(of="guest"),), "number")
    assert read("What share of guests came back?", known).queries == (None,)


def test_better_than_last_year_sets_the_same_months_of_two_years_against_each_other(
    stays: list[dict[str, Any]],
) -> None:
    query = one("Was the nightly rate higher than last year?", stays)
    assert query.compare is not None
    assert (query.compare.first, query.compare.second) == ("2024", "2023")
    assert query.where == (Condition(left="arrival", op="during", right="month 1-6"),)


def test_whom_to_call_first_is_not_said(stays: list[dict[str, Any]]) -> None:
    reading = read("Which guests should we call first?", stays)
    assert reading.queries == (None,)
    assert "first" in reading.why_not[0]


def test_a_question_that_names_nothing_is_refused(stays: list[dict[str, Any]]) -> None:
    assert read("Look.", stays).queries == (None,)
