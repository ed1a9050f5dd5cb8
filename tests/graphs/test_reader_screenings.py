"""Questions of a cinema's screenings: merits that no column has, and people and tickets that are no rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Order
from graphs.questions.reader import read
from tests.graphs.test_reader import one, told
from tests.graphs.test_reader_everyday import dated


@pytest.fixture(scope="module")
def screenings() -> list[dict[str, Any]]:
    """Screenings of films, with what they took and how late they began."""
    n = 180
    table = pd.DataFrame(
        {
            "Screening ID": [f"S{1000 + i}" for i in range(n)],
            "Screening Date": pd.date_range("2025-01-03", periods=n, freq="2D"),
            "Film": [("Orchard Road", "The Quiet Floor", "Ashes")[i % 3] for i in range(n)],
            "Attendance": [10 + i % 83 for i in range(n)],
            "Ticket Sales": [80.5 + i % 71 for i in range(n)],
            "Snack Sales": [20.25 + i % 37 for i in range(n)],
            "Subtitled": [("Yes", "No")[i % 4 > 0] for i in range(n)],
            "Delay (min)": [i % 19 for i in range(n)],
        }
    )
    return dated("cinema.csv", table)


@pytest.mark.parametrize(
    "asked",
    [
        "What was our best film?",
        "Are weekends better than weekdays?",
        "How many members have we got?",
        "Do subtitled screenings draw fewer people?",
        "How much did Ashes take in tickets and snacks together?",
    ],
)
def test_what_no_column_says_is_not_told_by_another(asked: str, screenings: list[dict[str, Any]]) -> None:
    assert read(asked, screenings).queries == (None,)


def test_the_worst_of_a_fault_that_is_named_is_the_most_of_it(screenings: list[dict[str, Any]]) -> None:
    query = one("Which film has the worst delay?", screenings)
    assert (told(query), query.order) == ({("mean", "`Delay (min)`")}, (Order(by="mean"),))


def test_the_best_per_visit_is_ordered_by_what_is_told_of_each(screenings: list[dict[str, Any]]) -> None:
    query = one("Which film sells the most snacks per screening?", screenings)
    assert [o.by for o in query.order] == [m.op for m in query.measures] == ["mean"]
