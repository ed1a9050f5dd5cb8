"""What is offered in place of a question that was not understood: near it, and each with an answer."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.reader import read
from graphs.questions.reader.linking import read_columns
from graphs.questions.reader.offers import likely, offers
from tests.graphs.test_reader import described
from tests.graphs.test_reader_everyday import dated


@pytest.fixture(scope="module")
def rounds() -> list[dict[str, Any]]:
    """Rounds of a waste collector."""
    n = 120
    table = pd.DataFrame(
        {
            "round_id": [f"R{1000 + i}" for i in range(n)],
            "day": pd.date_range("2023-01-02", periods=n, freq="5D"),
            "route": [("North", "South", "Harbour")[i % 3] for i in range(n)],
            "material": [("glass", "paper", "metal", "plastic")[i % 4] for i in range(n)],
            "weight_kg": [200 + 13 * (i % 31) for i in range(n)],
            "distance_km": [20 + i % 17 for i in range(n)],
            "satisfaction": [1 + i % 5 for i in range(n)],
            "late": [("yes", "no")[i % 7 > 0] for i in range(n)],
        }
    )
    return dated("rounds.csv", table)


@pytest.mark.parametrize(
    ("question", "offered"),
    [
        ("How much does each route shovel?", "What is the total weight_kg by route?"),
        ("How much glass did we shovel?", "What is the total weight_kg where material is glass?"),
        ("How glad is satisfaction in winterish rounds?", "What is the average satisfaction?"),
        ("Which shovelled the most, glass or paper?", "What is the total weight_kg by material?"),
        ("Is weight_kg gladdened by distance_km?", "How is weight_kg related to distance_km?"),
        ("Who shovels?", "What is the average weight_kg?"),
    ],
)
def test_what_is_offered_speaks_of_what_was_named(question: str, offered: str, rounds: list[dict[str, Any]]) -> None:
    assert read(question, rounds).queries[0] is None
    assert offered in offers(question, rounds)


@pytest.mark.parametrize(
    ("question", "offered"),
    [
        ("How many wagons drew more than 300 weight_kg?", "How many rows are there where weight_kg is above 300?"),
        (
            "How many wagons drew glass in March?",
            "How many rows are there where material is glass and day is in March?",
        ),
        ("Which route gave us the most grief?", "Which route has the most rows?"),
        ("Which route gave us the most grief for late rounds?", "Which route has the most rows where late is yes?"),
    ],
)
def test_first_comes_what_is_left_without_the_words_nobody_knows(
    question: str, offered: str, rounds: list[dict[str, Any]]
) -> None:
    assert None in read(question, rounds).queries
    assert offers(question, rounds)[0] == offered


@pytest.mark.parametrize("question", ["Who shovels?", "Why are the late ones gladder?", "glass paper shovels"])
def test_whatever_is_offered_is_understood_in_whole(question: str, rounds: list[dict[str, Any]]) -> None:
    instead = offers(question, rounds)
    assert instead
    for offered in instead:
        (query,) = read(offered, rounds).queries
        assert query is not None
        assert not query.unused


def test_a_sum_that_means_nothing_is_not_offered() -> None:
    boats = pd.DataFrame({"boat": [f"B{i}" for i in range(60)], "rig": list("ABC") * 20, "LOA (ft)": range(20, 80),
                          "wind_ms": [0.5 + i % 9 for i in range(60)]})  # fmt: skip
    offered = offers("Which rig grumbles the most?", dated("boats.csv", boats))
    assert offered
    assert not [o for o in offered if "total" in o]


def test_an_offer_ends_in_one_question_mark(rounds: list[dict[str, Any]]) -> None:
    facts = [
        {**rounds[0], "columns": [{**c, "name": c["name"].replace("route", "Returned?")} for c in rounds[0]["columns"]]}
    ]
    offered = offers("How much does each returned shovel?", facts)
    assert [o for o in offered if o.endswith("Returned?")]
    assert not [o for o in offered if o.endswith("??")]


def test_a_name_in_pieces_or_written_together_is_the_whole_column() -> None:
    n = 60
    table = pd.DataFrame(
        {
            "mark61": [100.0 + i for i in range(n)],
            "mark64": [90.0 + i * 7 % 50 for i in range(n)],
            "windtax": [1.0 + i % 9 for i in range(n)],
            "course": [("yes", "no")[i % 2] for i in range(n)],
        }
    )
    columns = read_columns([described("staff.csv", table)])
    columns_of, query = likely("Did the course (course) help people in 1964 (mark64)?", columns)
    assert [c.name for c in columns_of] == ["course", "mark64"]
    assert query is not None
    columns_of, _ = likely("Does the wind tax reduce what people get (mark61)?", columns)
    assert {c.name for c in columns_of} == {"windtax", "mark61"}
