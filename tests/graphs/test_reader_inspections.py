"""Questions of inspections: who did them, what they brought in, and which words must not be lost."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Condition, Group
from graphs.questions.reader import read
from tests.graphs.test_reader import one, told
from tests.graphs.test_reader_everyday import dated


@pytest.fixture(scope="module")
def hives() -> list[dict[str, Any]]:
    """Inspections of bee hives, whose key is numbered on from 7001."""
    n = 200
    table = pd.DataFrame(
        {
            "Inspection": range(7001, 7001 + n),
            "Date": pd.date_range("2023-04-02", periods=n, freq="3D"),
            "Hive": [f"H{i % 9}" for i in range(n)],
            "Beekeeper": [("Agnes Holt", "Beata Lis", "Winston Roe")[i % 5 % 3] for i in range(n)],
            "Mite Count": [i % 37 for i in range(n)],
            "Honey kg": [i % 11 / 2 for i in range(n)],
            "Treatment": [("None", "Apivar", "Thymol", "Oxalic acid")[i % 4] for i in range(n)],
            "Temper": [("Calm", "Nervous", "Aggressive")[i % 3] for i in range(n)],
        }
    )
    return dated("hives.csv", table)


def test_who_does_the_most_is_a_person_and_a_running_number_no_amount(hives: list[dict[str, Any]]) -> None:
    query = one("Who does the most inspections?", hives)
    assert query.group_by == (Group(of="Beekeeper"),)
    assert told(query) == {("count", None)}
    (condition,) = one("How many inspections did Beata do?", hives).where
    assert condition == Condition(left="Beekeeper", op="=", right="Beata Lis")


def test_the_most_of_what_is_weighed_is_a_sum(hives: list[dict[str, Any]]) -> None:
    assert told(one("Which hive gave the most honey?", hives)) == {("sum", "`Honey kg`")}


def test_a_share_of_rows_may_be_those_of_a_time(hives: list[dict[str, Any]]) -> None:
    query = one("What share of Apivar inspections were at weekends?", hives)
    assert query.where == (Condition(left="Treatment", op="=", right="Apivar"),)
    assert query.measures[0].where == (Condition(left="Date", op="during", right="weekend"),)


def test_this_year_and_last_are_told_each(hives: list[dict[str, Any]]) -> None:
    query = one("How much honey did we get this year and last year?", hives)
    assert query.group_by == (Group(of="Date", grain="year"),)


def test_a_value_of_a_comparison_is_not_lost_among_the_others(hives: list[dict[str, Any]]) -> None:
    reading = read("Is the mite count lower after Apivar than with no treatment?", hives)
    assert reading.queries == (None,)
    assert "“Apivar”" in reading.why_not[0]


def test_a_second_question_that_is_not_understood_is_told(hives: list[dict[str, Any]]) -> None:
    reading = read("What was the highest mite count and who did it?", hives)
    assert [query is None for query in reading.queries] == [False, True]
    assert "“who did it”" in reading.why_not[1]
