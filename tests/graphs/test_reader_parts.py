"""Short questions in whatever order of words: each item finds its part, or there is no answer."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Condition, Group, Measure
from graphs.questions.reader import read
from tests.graphs.test_reader import described, one


@pytest.fixture(scope="module")
def pupils() -> list[dict[str, Any]]:
    """Pupils of three schools, with a test's score and what they pay for lunch."""
    n = 240
    table = pd.DataFrame(
        {
            "pupil_id": [f"P{i:04}" for i in range(n)],
            "school": [("Hill", "Lake", "Park")[i % 3] for i in range(n)],
            "gender": [("female", "male")[i % 2] for i in range(n)],
            "age": [8 + i % 9 for i in range(n)],
            "swimmer": [("yes", "no")[i % 4 > 0] for i in range(n)],
            "passed": [("yes", "no")[i % 7 > 4] for i in range(n)],
            "score": [40 + i % 53 + i / 1000 for i in range(n)],
            "lunch_fee": [1.5 + i % 5 + i / 1000 for i in range(n)],
        }
    )
    return [described("pupils.csv", table)]


PASSED = Condition(left="passed", op="=", right="yes")
SWIMMER = Condition(left="swimmer", op="=", right="yes")
GIRLS = Condition(left="gender", op="=", right="female")


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ("How many girls at Hill passed?", {GIRLS, PASSED, Condition(left="school", op="=", right="Hill")}),
        ("How many girls older than 12 passed?", {GIRLS, PASSED, Condition(left="age", op=">", right=12)}),
        ("Are there swimmers older than 15?", {SWIMMER, Condition(left="age", op=">", right=15)}),
    ],
)
def test_what_is_counted_meets_all_that_is_said(
    question: str, where: set[Condition], pupils: list[dict[str, Any]]
) -> None:
    query = one(question, pupils)
    assert set(query.where) == where
    assert [m.op for m in query.measures] == ["count"]


@pytest.mark.parametrize(
    ("question", "side", "measure"),
    [
        ("Did girls pass more often than boys?", "gender", Measure(op="share", where=(PASSED,))),
        ("Are boys more often swimmers than girls?", "gender", Measure(op="share", where=(SWIMMER,))),
        ("Is the score higher at Lake?", "school", Measure(op="mean", of="score")),
        ("How much more do swimmers pay?", "swimmer", Measure(op="mean", of="lunch_fee")),
        ("How does the score differ between schools?", "school", Measure(op="mean", of="score")),
    ],
)
def test_sides_are_set_against_each_other_by_what_is_left(
    question: str, side: str, measure: Measure, pupils: list[dict[str, Any]]
) -> None:
    query = one(question, pupils)
    assert query.intent == "compare"
    assert query.group_by == (Group(of=side),)
    assert query.measures == (measure,)


def test_two_columns_go_together_where_adjectives_name_them(pupils: list[dict[str, Any]]) -> None:
    query = one("Do older pupils pay more?", pupils)
    assert query.measures == (Measure(op="correlation", of="lunch_fee", other="age"),)
    assert one("Are older pupils more likely to pass?", pupils).group_by == (Group(of="passed"),)


def test_two_groups_are_compared_in_all_that_is_known_of_them(pupils: list[dict[str, Any]]) -> None:
    query = one("Compare Hill and Lake", pupils)
    assert query.intent == "compare"
    assert query.group_by == (Group(of="school"),)
    assert {m.of for m in query.measures} >= {None, "age", "score", "lunch_fee"}
    assert not any(m.where == (SWIMMER,) for m in one("Compare swimmers and non-swimmers", pupils).measures)


def test_which_group_is_ahead(pupils: list[dict[str, Any]]) -> None:
    query = one("Which school pays more?", pupils)
    assert (query.intent, query.limit) == ("rank", 1)
    assert query.measures == (Measure(op="sum", of="lunch_fee"),)


def test_the_rows_of_a_share_are_not_those_that_count(pupils: list[dict[str, Any]]) -> None:
    query = one("What is the chance that a girl passes?", pupils)
    assert query.where == (GIRLS,)
    assert query.measures == (Measure(op="share", where=(PASSED,)),)


def test_a_share_is_of_what_is_said_of_the_rows(pupils: list[dict[str, Any]]) -> None:
    for question, rows, part in (
        ("What share of swimmers are girls?", SWIMMER, GIRLS),
        ("What share of girls are swimmers?", GIRLS, SWIMMER),
        ("What percentage of pupils at the Lake passed?", Condition(left="school", op="=", right="Lake"), PASSED),
    ):
        query = one(question, pupils)
        assert (query.where, query.measures) == ((rows,), (Measure(op="share", where=(part,)),)), question


def test_more_of_them_is_a_number_and_more_often_a_share(pupils: list[dict[str, Any]]) -> None:
    more = one("Are there more swimmers at Hill than at Lake?", pupils)
    assert more.measures == (Measure(op="count", where=(SWIMMER,)),)
    assert one("Which school has fewer swimmers?", pupils).measures == more.measures
    assert one("Do pupils at Hill pass more often than at Lake?", pupils).measures[0].op == "share"


def test_a_list_is_no_number(pupils: list[dict[str, Any]]) -> None:
    assert one("List the swimmers at Hill", pupils).intent == "list"
    assert one("Which swimmers are at Hill?", pupils).measures == (Measure(op="count"),)


def test_a_statistic_is_of_the_rows_that_are_named(pupils: list[dict[str, Any]]) -> None:
    query = one("What do swimmers at Park pay on average?", pupils)
    assert set(query.where) == {SWIMMER, Condition(left="school", op="=", right="Park")}
    assert query.measures == (Measure(op="mean", of="lunch_fee"),)


@pytest.mark.parametrize(
    "question",
    [
        "Are tall girls better than boys?",
        "Do left-handed swimmers pay more?",
        "How many twins passed?",
        "Which pupils passed more than 3 times?",
        "What is the second highest score?",
        "Who passes most?",
        "What is the average score of the 5 oldest pupils?",
    ],
)
def test_what_finds_no_part_is_not_answered(question: str, pupils: list[dict[str, Any]]) -> None:
    assert not any(read(question, pupils).queries), read(question, pupils).queries


@pytest.fixture(scope="module")
def seals() -> list[dict[str, Any]]:
    """Seals of three colonies, weighed over four years."""
    n = 80
    table = pd.DataFrame(
        {
            "colony": [("Berrie", "Skerrow", "Holm")[i % 3] for i in range(n)],
            "species": [("grey", "harp")[i % 2] for i in range(n)],
            "sex": [("male", "female")[i // 2 % 2] for i in range(n)],
            "weight_kg": [90 + i * 7 % 61 + i / 10 for i in range(n)],
            "year": [2019 + i % 4 for i in range(n)],
        }
    )
    return [described("seals.csv", table)]


@pytest.mark.parametrize(
    "asked", ["compare the colonies", "How do the colonies differ?", "How do berries compare to skerrows?"]
)
def test_classes_are_compared_by_all_that_is_measured(asked: str, seals: list[dict[str, Any]]) -> None:
    query = one(asked, seals)
    assert [g.of for g in query.group_by] == ["colony"]
    assert query.measures == (Measure(op="count"), Measure(op="mean", of="weight_kg"))


def test_whether_there_are_more_of_one_class_is_told_by_counts(seals: list[dict[str, Any]]) -> None:
    query = one("Are there more males or females?", seals)
    assert ([g.of for g in query.group_by], query.measures) == (["sex"], (Measure(op="count"),))


def test_what_gets_heavier_changes_over_time(seals: list[dict[str, Any]]) -> None:
    query = one("Did the seals get heavier?", seals)
    assert (query.intent, [g.of for g in query.group_by]) == ("change", ["year"])
    assert query.measures == (Measure(op="mean", of="weight_kg"),)


def test_a_word_that_begins_like_a_columns_stem_is_not_that_column(seals: list[dict[str, Any]]) -> None:
    reading = read("What is special about berries?", seals)
    assert reading.queries == (None,)
    assert "special" in reading.why_not[0]
