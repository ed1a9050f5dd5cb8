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
            "Fee": [30.0 + i % 13 for i in range(n)],
            "Payment": [("Cash", "Card", "Transfer")[i % 3] for i in range(n)],
            "length_m": [5 + i % 9 for i in range(n)],
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


@pytest.mark.parametrize("asked", ["Show me takings month by month", "What did we take, month by month?"])
def test_month_by_month_is_a_group_of_each_and_takings_a_sum(asked: str, hives: list[dict[str, Any]]) -> None:
    query = one(asked, hives)
    assert (query.group_by, told(query)) == ((Group(of="Date", grain="month"),), {("sum", "Fee")})


def test_what_we_make_is_money_and_not_how_it_is_paid(hives: list[dict[str, Any]]) -> None:
    query = one("How much did we make in 2024 compared with 2023?", hives)
    assert told(query) == {("sum", "Fee")}
    assert query.compare is not None


def test_the_best_month_is_that_of_the_largest_sum(hives: list[dict[str, Any]]) -> None:
    assert told(one("Which month was the best for fees?", hives)) == {("sum", "Fee")}


def test_an_amount_per_one_of_what_is_counted_is_a_ratio(hives: list[dict[str, Any]]) -> None:
    named = [{**c, "name": c["name"].replace("Mite Count", "Mites")} for c in hives[0]["columns"]]
    query = one("What is the honey per mite?", [{**hives[0], "columns": named}])
    assert [f.name for f in query.formulas] == ["Honey kg per Mites"]


def test_sales_that_go_up_are_money_where_it_is_known(hives: list[dict[str, Any]]) -> None:
    assert told(one("Are sales going up or down?", hives)) == {("sum", "Fee")}
    assert told(one("How many sales were there in 2023?", hives)) == {("count", None)}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("Mornings or afternoons: when do we do more inspections?", "have no hours"),
        ("Which hives are longer than two weeks?", "“longer than”"),
        ("Is anyone still paying cash?", "A yes or no is asked for"),
        ("What do most people pay with?", "“people”"),
    ],
)
def test_what_would_be_answered_beside_the_point_is_not(asked: str, why: str, hives: list[dict[str, Any]]) -> None:
    reading = read(asked, hives)
    assert reading.queries == (None,)
    assert why in reading.why_not[0]


def test_a_refusal_names_the_words_of_the_question(hives: list[dict[str, Any]]) -> None:
    without = [{**t, "columns": [c for c in t["columns"] if c["name"] != "Fee"]} for t in hives]
    why = read("How much did we make in 2024?", without).why_not[0]
    assert "revenue" not in why
    assert "How much did we make" in why
