"""Short questions as a manager types them, without names of columns: who, when, how much of each, against the rest."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Compare, Condition, Group, Measure, Order
from graphs.questions.reader import read
from notebooks.toolkit.naming import name_and_unit
from tests.graphs.test_reader import described, one

type Tables = list[dict[str, Any]]


@pytest.fixture(scope="module")
def visits() -> Tables:
    """A practice's appointments in 2024, the last of them on the last day of November."""
    n = 240
    table = pd.DataFrame(
        {
            "visit_no": [f"V{i:04}" for i in range(n)],
            "date": pd.date_range("2024-01-02", "2024-11-30", periods=n).normalize(),
            "dentist": [("Dr. Ada Okafor", "Dr. Mei Tanaka", "Dr. Lou Rossi")[i % 3] for i in range(n)],
            "patient_id": [f"P{i * 7 % 83:03}" for i in range(n)],
            "patient_age": [6 + i * 5 % 80 for i in range(n)],
            "treatment": [("Check-up", "Filling", "Crown", "Root canal")[i * 3 % 4] for i in range(n)],
            "fee_eur": [40.0 + i * 13 % 97 for i in range(n)],
            "room_rate": [3.0 + i * 11 % 23 for i in range(n)],
            "country": [("Germany", "France", "Italy")[i // 7 % 3] for i in range(n)],
            "no_show": [("yes", "no", "no")[i * 5 % 3] for i in range(n)],
            "rating": [None if i % 9 == 0 else 1 + i % 5 for i in range(n)],
        }
    )
    return [described("visits.csv", table)]


def test_a_period_is_told_with_the_others_of_its_kind(visits: Tables) -> None:
    fees = one("mean fee on mondays versus other days", visits)
    assert fees.group_by == (Group(of="date", grain="weekday"),)
    assert not fees.where
    halves = one("did fees go up in the second half of the year?", visits)
    assert halves.compare == Compare(of="date", first="month 7-12", second="month 1-6")


def test_what_came_after_a_time_says_nothing_of_what_was_before_it(visits: Tables) -> None:
    assert read("did ratings improve after may?", visits).queries == (None,)


def test_this_month_is_not_set_against_itself_where_it_is_whole(visits: Tables) -> None:
    query = one("average rating this month vs last month", visits)
    assert query.compare == Compare(of="date", first="2024-11", second="2024-10")


def test_how_a_month_was_is_told_by_how_many_and_how_much(visits: Tables) -> None:
    for asked in ("how was may?", "what happened in may"):
        assert one(asked, visits).measures == (Measure(op="count"), Measure(op="sum", of="fee_eur"))
    assert one("how was june compared to july", visits).compare is not None


def test_who_is_the_one_column_of_people_that_the_question_leaves(visits: Tables) -> None:
    query = one("who sees the most patients?", visits)
    assert query.group_by == (Group(of="dentist"),)
    assert query.measures == (Measure(op="distinct", of="patient_id"),)


def test_people_are_called_by_a_part_of_their_name(visits: Tables) -> None:
    for asked in ("how many crowns did Dr. Rossi do?", "how many crowns did rossi do?"):
        assert Condition(left="dentist", op="=", right="Dr. Lou Rossi") in one(asked, visits).where
    assert Condition(left="country", op="=", right="Germany") in one("how many germans did we see?", visits).where


def test_an_amount_per_row_is_a_mean_and_per_period_a_total_over_them(visits: Tables) -> None:
    for asked in ("fee per visit", "how much do we make per visit?"):
        assert one(asked, visits).measures == (Measure(op="mean", of="fee_eur"),)
    for asked in ("average number of visits per day", "how many visits do we have a day"):
        (formula,) = one(asked, visits).formulas
        assert formula.name == "rows per day"
    monthly = one("average monthly revenue", visits)
    assert [(m.op, m.of) for m in monthly.measures] == [("sum", "fee_eur"), ("distinct", "month")]


def test_fragments_begin_with_an_end_or_with_the_rows(visits: Tables) -> None:
    busiest = one("busiest month?", visits)
    assert busiest.order == (Order(by="count"),)
    assert one("most expensive visit ever", visits).show == ("visit_no", "fee_eur")
    assert one("visits per dentist", visits).measures == (Measure(op="count"),)
    assert one("worst dentist by rating", visits).order == (Order(by="mean", descending=False),)
    assert one("share of visits by treatment", visits).measures == (Measure(op="share"),)


def test_a_rate_that_is_a_column_is_no_share_and_no_rating(visits: Tables) -> None:
    assert one("average rate by dentist", visits).measures == (Measure(op="mean", of="room_rate"),)
    assert one("which dentist is best?", visits).measures == (Measure(op="mean", of="rating"),)


def test_a_price_per_kg_is_neither_summed_nor_in_kg() -> None:
    table = pd.DataFrame(
        {
            "lot": range(40),
            "price_per_kg": [0.7 + i % 9 / 10 for i in range(40)],
            "paid_eur": [9.0 + i % 7 for i in range(40)],
        }
    )
    lots = [described("lots.csv", table)]
    assert one("how much did we pay?", lots).measures == (Measure(op="sum", of="paid_eur"),)
    assert one("how much is the price per kg?", lots).measures == (Measure(op="mean", of="price_per_kg"),)
    assert name_and_unit("price_per_kg") == ("price per kg", "")


def test_growth_in_a_period_is_against_the_one_before_it_where_the_table_has_that(visits: Tables) -> None:
    assert one("did ratings go up in may 2024?", visits).compare == Compare(
        of="date", first="2024-05", second="2024-04"
    )
    assert one("did ratings go up in 2024?", visits).compare is None
    assert not any(read("which dentist improved most?", visits).queries)  # no order of them by what they are


def test_who_never_came_back_came_once(visits: Tables) -> None:
    once, again = (one(f"how many patients {said}?", visits).having[0] for said in ("never came back", "came back"))
    assert (once.op, once.right) == ("=", 1)
    assert (again.op, again.right) == (">", 1)


def test_a_target_is_met_where_what_came_reaches_it() -> None:
    table = pd.DataFrame(
        {"team": ["a", "b"] * 20, "sales": [i * 7 % 31 for i in range(40)], "sales_target": [20] * 20 + [25] * 20}
    )
    for asked in ("how often do we hit the target?", "success rate by team"):
        query = one(asked, [described("teams.csv", table)])
        assert query.prepare[0].model_dump()["expr"] == "sales >= sales_target"
        assert query.measures[0].op == "share"


@pytest.mark.parametrize(
    ("question", "column"),
    [
        ("Do test scores differ by county?", "testscr"),
        ("What is the average number of hours worked?", "hoursw"),
        ("Which county has the highest test scores?", "testscr"),
    ],
)
def test_a_name_is_met_by_the_words_that_it_is_shortened_from(question: str, column: str) -> None:
    n = 60
    table = pd.DataFrame(
        {
            "county": [("Kern", "Napa", "Yolo")[i % 3] for i in range(n)],
            "testscr": [610.5 + i * 7 % 41 for i in range(n)],
            "hoursw": [20 + i * 5 % 23 for i in range(n)],
        }
    )
    assert one(question, [described("schools.csv", table)]).measures[0].of == column


@pytest.mark.parametrize("who", ["women", "men", "children"])
def test_some_of_the_people_are_not_all_of_them(who: str) -> None:
    table = pd.DataFrame({"customer_id": [f"C{i:03}" for i in range(60)], "city": ["Kern", "Napa", "Yolo"] * 20})
    assert one("How many customers are there?", [described("customers.csv", table)]).measures[0].op == "count"
    assert read(f"How many {who} are there?", [described("customers.csv", table)]).queries == (None,)


def test_a_column_is_met_without_its_unit_and_a_value_behind_equals() -> None:
    table = pd.DataFrame({"vibration mm/s": [3.5, 4.25, 2.75] * 20, "Retour?": ["ja", "nein", "nein"] * 20})
    query = one("mean vibration where Retour = ja", [described("pumps.csv", table)])
    assert query.measures == (Measure(op="mean", of="`vibration mm/s`"),)
    assert query.where == (Condition(left="`Retour?`", op="=", right="ja"),)
