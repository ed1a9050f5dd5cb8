"""A condition that is added to a question is in its query, or the question is not answered: none is passed over."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Condition
from graphs.questions.reader import read
from graphs.questions.reader.offers import offers
from graphs.questions.templates import call
from tests.graphs.test_reader import described, one
from tests.graphs.test_reader_everyday import dated

ASKED = (
    "How many visits were there",
    "What is the average fee",
    "What share of visits was rebooked",
    "Which coach has the most visits",
    "Which coach takes the most fees, and what is its share of the total",
    "How many values are missing in each column",
    "What percentage of values is missing in each column",
    "Calculate the mean fee, ignoring missing values",
    "Is the fee higher in the hall than in the pool",
    "Did the fee rise over time",
    "Did visits get longer",
    "Does the fee depend on the coach",
    "Plot the fee by coach",
    "Are there outliers in the fee",
    "Give me an overview of the data",
    "What stands out here",
)
ADDED = (
    ("for plus", "plus"), ("excluding plus", "plus"), ("for basic only", "basic"), ("of basic visits", "basic"),
    ("with minutes above 41", "41"), ("since March", "2025-03"), ("in 2024", "2024"), ("on Mondays", "weekday 0"),
    ("with minutes above -3", "-3"), ("without duplicate rows", "drop_duplicates"),
    ("after removing duplicate rows", "drop_duplicates"),
)  # fmt: skip


@pytest.fixture(scope="module")
def visits() -> list[dict[str, Any]]:
    """Visits to a leisure centre over two years, of two kinds of members."""
    n = 240
    table = pd.DataFrame(
        {
            "visit_no": range(5001, 5001 + n),
            "visited": pd.date_range("2024-01-02", periods=n, freq="3D"),
            "coach": [("Ines", "Marek", "Tove")[i % 3] for i in range(n)],
            "area": [("hall", "pool")[i % 7 > 3] for i in range(n)],
            "membership": [("basic", "plus")[i % 5 > 2] for i in range(n)],
            "fee": [None if i % 50 == 3 else 6 + i % 23 for i in range(n)],
            "minutes": [25 + i % 61 for i in range(n)],
            "rebooked": [("yes", "no")[i % 4 > 0] for i in range(n)],
        }
    )
    return dated("visits.csv", table)


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_added_is_in_the_query_or_nothing_is_answered(asked: str, visits: list[dict[str, Any]]) -> None:
    assert any(read(f"{asked}?", visits).queries)
    for added, held in ADDED:
        for query in filter(None, read(f"{asked} {added}?", visits).queries):
            assert held in query.model_dump_json(exclude={"text", "notes"}), (added, query)


def test_repeated_rows_are_left_out_of_what_is_asked(visits: list[dict[str, Any]]) -> None:
    asked = one("What is the total fee after removing duplicate rows?", visits)
    assert [(s.do, s.columns) for s in asked.prepare] == [("drop_duplicates", ())]  # and not fees that repeat
    assert [(m.op, m.of) for m in asked.measures] == [("sum", "fee")]
    again = read("without the duplicates", visits, previous=one("What is the total fee?", visits)).queries[0]
    assert again is not None
    assert (again.measures, again.prepare) == (asked.measures, asked.prepare)


@pytest.mark.parametrize(
    ("asked", "op", "number"),
    [
        ("How many visits have a fee below -6?", "<", -6),
        ("What is the mean fee without -999?", "!=", -999),
        ("How many visits have a fee of -999?", "=", -999),
    ],
)
def test_a_number_below_zero_is_a_number(asked: str, op: str, number: int, visits: list[dict[str, Any]]) -> None:
    assert one(asked, visits).where == (Condition(left="fee", op=op, right=number),)


def test_each_period_of_each_group_is_told(visits: list[dict[str, Any]]) -> None:
    groups = one("monthly average fee by area", visits).group_by
    assert {(g.of, g.grain) for g in groups} == {("area", None), ("visited", "month")}


def test_a_chart_over_time_of_what_was_told_by_group_has_a_line_for_each(visits: list[dict[str, Any]]) -> None:
    first = one("What is the average fee by area in 2024?", visits)
    (query,) = read("as a monthly line chart", visits, previous=first).queries
    assert query is not None
    assert query.chart is not None
    assert (query.chart.kind, query.chart.x, query.chart.colour) == ("line", "visited", "area")
    made = call(query, visits)
    assert made is not None
    assert "Only rows where visited is in 2024." in made.notes


def test_a_number_for_each_of_another_file_is_not_answered(visits: list[dict[str, Any]]) -> None:
    table = pd.DataFrame({"area": ["hall", "pool"], "sqm": [900, 1400]})
    tables = [*visits, described("areas.csv", table)]
    assert read("What is the total fee per sqm of each area?", tables).queries == (None,)


def test_rows_of_one_table_without_times_are_of_no_year() -> None:
    table = described("pupils.csv", pd.DataFrame({"pupil": range(40), "passed": ["yes", "no", "yes", "yes"] * 10}))
    assert any(read("How many pupils passed?", [table]).queries)
    assert not any(read("How many pupils passed this year?", [table]).queries)


def test_since_a_month_is_since_the_last_of_its_name(visits: list[dict[str, Any]]) -> None:
    condition = Condition(left="visited", op=">=", right="2025-03")
    assert one("How many visits were there since March?", visits).where == (condition,)


@pytest.mark.parametrize(
    "asked",
    [
        "Where do we take the most money?",  # no place is asked of a sum
        "Which coach is worst for rebooked visits?",  # whether many are bad is not known
        "What is the average fee by customer?",  # of whom there is no column
    ],
)
def test_what_only_seems_to_be_said_is_not_answered(asked: str, visits: list[dict[str, Any]]) -> None:
    assert not any(read(asked, visits).queries)


@pytest.mark.parametrize(
    ("asked", "condition"),
    [
        ("How many visits cost over €20?", Condition(left="fee", op=">", right=20)),
        ("How many visits lasted more than a quarter of an hour?", Condition(left="minutes", op=">", right=15)),
        ("How many visits came back rebooked?", Condition(left="rebooked", op="=", right="yes")),
    ],
)
def test_a_sum_of_money_a_quarter_and_a_state(asked: str, condition: Condition, visits: list[dict[str, Any]]) -> None:
    assert condition in one(asked, visits).where


def test_no_time_is_told_of_rows_that_have_no_end() -> None:
    days = pd.date_range("2023-01-01", periods=60, freq="5D")
    ended = [d + pd.Timedelta(days=40) if i % 3 else None for i, d in enumerate(days)]
    table = dated("plots.csv", pd.DataFrame({"plot": range(60), "started": days, "left_on": ended}))
    assert any(read("How long did people stay?", table).queries)
    assert not any(read("Which plot that has not left has stayed longest?", table).queries)


def test_offers_keep_what_a_question_denies(visits: list[dict[str, Any]]) -> None:
    offered = offers("How many happy visits were there without Tove?", visits)
    assert offered
    assert all("coach is not Tove" in q for q in offered[:2])
