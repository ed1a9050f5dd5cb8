"""Questions of groups that the table does not have, and of the group or row that another clause names."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.compile import compile as compiled
from graphs.questions.query import AnyOf, Condition, Cut
from graphs.questions.reader import read
from graphs.questions.reader.conditions import negated
from tests.graphs.test_reader import described, one


@pytest.fixture(scope="module")
def lessons() -> list[dict[str, Any]]:
    n = 120
    table = pd.DataFrame(
        {
            "Lesson No": range(5001, 5001 + n),
            "Lesson Date": [f"2024-{1 + i % 12:02d}-{1 + i % 27:02d}" for i in range(n)],
            "Teacher": [["Adler", "Boyd", "Chen"][i % 3] for i in range(n)],
            "Instrument": [["Piano", "Guitar", "Violin", "Drums"][i % 4] for i in range(n)],
            "Pupil Age (years)": [5 + (7 * i) % 60 for i in range(n)],
            "Duration (min)": [[30, 45, 60][i % 3] for i in range(n)],
            "Fee (GBP)": [20.5 + i % 37 for i in range(n)],
            "Exam Score (%)": [40 + (11 * i) % 61 for i in range(n)],
            "Online": [["yes", "no"][i % 2] for i in range(n)],
            "dpth_m": [0.5 + i for i in range(n)],
        }
    )
    return [described("lessons.csv", table)]


def test_an_amount_per_unit_is_a_ratio_of_sums(lessons: list[dict[str, Any]]) -> None:
    query = one("what do we earn per minute of teaching?", lessons)
    assert [(m.op, m.of) for m in query.measures] == [("sum", "`Fee (GBP)`"), ("sum", "`Duration (min)`")]


@pytest.mark.parametrize(
    ("question", "edges", "labels"),
    [
        ("mean fee by pupil age: under 20, 20 to 40, over 40", (None, 20, 41, None), "under 20,20 to 40,over 40"),
        ("Put pupils into age bands (5-17, 18+) and give the mean fee of each band.", (5, 18, None), "5-17,18+"),
    ],
)  # fmt: skip
def test_classes_that_a_question_bounds_are_groups(
    lessons: list[dict[str, Any]], question: str, edges: tuple[Any, ...], labels: str
) -> None:
    query = one(question, lessons)
    (cut,) = query.prepare
    assert isinstance(cut, Cut)
    assert (cut.edges, ",".join(cut.labels)) == (edges, labels)
    assert [g.of for g in query.group_by] == [f"`{cut.name}`"]
    assert [(m.op, m.of) for m in query.measures] == [("mean", "`Fee (GBP)`")]


@pytest.mark.parametrize(
    "question",
    [
        "Of the teacher with the highest mean exam score, what is the median fee?",
        "What is the median fee for the teacher who has the highest mean exam score?",
    ],
)
def test_the_group_that_a_clause_names_is_told_with_what_the_other_asks(
    lessons: list[dict[str, Any]], question: str
) -> None:
    query = one(question, lessons)
    assert (query.intent, query.limit, [g.of for g in query.group_by]) == ("rank", 1, ["Teacher"])
    assert [(m.op, m.of) for m in query.measures] == [("mean", "`Exam Score (%)`"), ("median", "`Fee (GBP)`")]


def test_conditions_on_the_group_that_was_named_do_not_choose_it(lessons: list[dict[str, Any]]) -> None:
    best, online = read("Who has the best exam scores, and how many online lessons does he give?", lessons).queries
    assert best is not None
    assert (best.where, online) == ((), None)


def test_the_value_of_an_extreme_row_is_told_with_it(lessons: list[dict[str, Any]]) -> None:
    assert read("What is the fee of the oldest pupil?", lessons).queries == (None,)
    assert one("who was our oldest pupil", lessons).group_by == ()  # a pupil is no teacher


def test_groups_are_held_against_the_average_of_all_rows(lessons: list[dict[str, Any]]) -> None:
    query = one("which instruments are above the average exam score", lessons)
    assert [g.of for g in query.group_by] == ["Instrument"]
    assert (query.having[0].left, query.having[0].op) == ("mean", ">")


def test_bounds_joined_by_or_are_alternatives(lessons: list[dict[str, Any]]) -> None:
    either = one("how many lessons were for pupils younger than 12 or older than 50?", lessons)
    assert isinstance(either.where[0], AnyOf)
    assert read("what is the average fee of kids under 12", lessons).unknown == ("kids",)


def test_what_is_left_out_by_alternatives_meets_none_of_them() -> None:
    low, high, odd = (Condition(left="fee", op=op, right=n) for op, n in (("<", 5), (">", 50), ("=", 13)))
    assert negated(AnyOf(any_of=((low,), (high, odd)))) == [
        Condition(left="fee", op=">=", right=5),
        AnyOf(any_of=((Condition(left="fee", op="<=", right=50),), (Condition(left="fee", op="!=", right=13),))),
    ]


def test_a_second_value_that_it_is_compared_with_is_a_side(lessons: list[dict[str, Any]]) -> None:
    question = "What is the average exam score of Violin pupils, and how does it compare with that of Guitar pupils?"
    query = one(question, lessons)
    assert query.where[0].right == ("Violin", "Guitar")
    assert query.prepare == ()
    without = one("average fee of online lessons and those that are not", lessons)
    assert [g.of for g in without.group_by] == ["Online"]


def test_gaps_that_a_request_leaves_out_do_not_spend_it(lessons: list[dict[str, Any]]) -> None:
    query = one("Calculate the mean and population standard deviation of the fee, ignoring missing values.", lessons)
    assert [(m.op, m.ddof) for m in query.measures] == [("mean", None), ("std", 0)]
    both = read("Identify outliers of the fee by the IQR. How many outliers are there, and what is the mean fee "
                "once they are removed?", lessons).queries  # fmt: skip
    assert [q.intent for q in both if q] == ["outliers", "compute"]


def test_what_we_take_is_the_amount_that_is_named_or_all(lessons: list[dict[str, Any]]) -> None:
    for question in ("What did we take in March?", "How much did we bill per minute?"):
        assert one(question, lessons).measures[0].of == "`Fee (GBP)`"
    assert one("How much do we take in fees a month?", lessons).formulas[0].expr == "sum / distinct"


def test_two_months_are_of_the_year_that_is_named_and_compared_for_any_name(lessons: list[dict[str, Any]]) -> None:
    query = one("was june better than may 2024 for fees", lessons)
    assert query.compare is not None
    assert (query.compare.first, query.compare.second) == ("2024-06", "2024-05")
    assert "mean of Fee (GBP) for 2024-06" in str(compiled(query, lessons))
