"""Questions of orders with their customers, of tickets and of staff: what a row comes to, who is there, how long."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Condition, Derive, Group
from graphs.questions.reader import read
from tests.graphs.test_reader import one
from tests.graphs.test_reader_everyday import dated


@pytest.fixture(scope="module")
def orders() -> list[dict[str, Any]]:
    """Orders, several of a customer, over two years; the amount is called as a statistic is."""
    n = 240
    table = pd.DataFrame(
        {
            "order_id": range(50001, 50001 + n),
            "ordered_on": pd.date_range("2023-01-03", periods=n, freq="3D"),
            "customer": [1000 + i % 37 for i in range(n)],
            "category": [("Coffee", "Tea", "Machines")[i % 3] for i in range(n)],
            "total": [9.5 + i % 83 for i in range(n)],
            "free_shipping": ["YN"[i % 2] for i in range(n)],
        }
    )
    return dated("orders.csv", table)


@pytest.fixture(scope="module")
def tickets() -> list[dict[str, Any]]:
    """Tickets of a help desk, of which some are open."""
    n = 120
    opened = pd.Series(pd.date_range("2024-03-01 08:00", periods=n, freq="31h"))
    table = pd.DataFrame(
        {
            "ticket_id": range(7001, 7001 + n),
            "opened_at": opened,
            "closed_at": (opened + pd.to_timedelta([5 + i % 70 for i in range(n)], unit="h")).where(
                opened.index % 9 > 0
            ),
            "priority": [("low", "high", "urgent")[i % 3] for i in range(n)],
            "status": ["open" if i % 9 == 0 else "closed" for i in range(n)],
        }
    )
    return dated("tickets.csv", table)


@pytest.fixture(scope="module")
def staff() -> list[dict[str, Any]]:
    """Employees, of whom some have left."""
    n = 90
    hired = pd.Series(pd.date_range("2014-01-06", periods=n, freq="37D"))
    table = pd.DataFrame(
        {
            "employee_no": range(100, 100 + n),
            "department": [("Sales", "Support", "Finance")[i % 3] for i in range(n)],
            "hire_date": hired,
            "exit_date": (hired + pd.to_timedelta([400 + 7 * i for i in range(n)], unit="D")).where(
                hired.index % 4 == 0
            ),
            "outdoor_temp_c": [15.5 + i % 9 for i in range(n)],
            "sick_days": [i % 11 for i in range(n)],
            "engagement": [2 + i % 31 / 10 for i in range(n)],
        }
    )
    return dated("staff.csv", table)


@pytest.mark.parametrize(
    ("question", "statistic"),
    [("What is the median order value of tea?", "median"), ("What is the largest order amount of tea?", "max")],
)
def test_the_value_of_an_order_is_the_amount_of_its_row(orders: Any, question: str, statistic: str) -> None:
    query = one(question, orders)
    assert [(m.op, m.of) for m in query.measures] == [(statistic, "total")]
    assert query.where == (Condition(left="category", op="=", right="Tea"),)


def test_what_raises_an_amount_is_compared_and_not_followed_over_time(orders: Any) -> None:
    query = one("Does free shipping increase the order value?", orders)
    assert (query.intent, query.group_by) == ("compare", (Group(of="free_shipping"),))
    assert [(m.op, m.of) for m in query.measures] == [("mean", "total")]


def test_months_from_one_year_to_another_are_one_series(orders: Any) -> None:
    query = one("How did revenue per month develop from 2023 to 2024?", orders)
    assert (query.compare, query.group_by) == (None, (Group(of="ordered_on", grain="month"),))


@pytest.mark.parametrize(("question", "tell"), [("Which", "all"), ("How many", "number")])
def test_who_spent_more_is_told_by_what_all_their_orders_add_up_to(orders: Any, question: str, tell: str) -> None:
    query = one(f"{question} customers spent more than 200?", orders)
    assert (query.where, query.tell, query.group_by) == ((), tell, (Group(of="customer"),))
    assert query.having == (Condition(left="sum", op=">", right=200),)


def test_who_did_it_is_no_group_where_it_is_said_which(orders: Any) -> None:
    query = one("How many orders were placed by customers with free shipping?", orders)
    assert (query.group_by, [m.op for m in query.measures]) == ((), ["count"])


def test_a_time_of_the_rows_is_no_value_of_another_column(tickets: Any) -> None:
    query = one("On which weekday were most tickets opened?", tickets)
    assert (query.where, query.group_by) == ((), (Group(of="opened_at", grain="weekday"),))


def test_a_share_within_a_time_is_of_all_rows_that_are_meant(tickets: Any) -> None:
    query = one("What share of urgent tickets was closed within 12 hours?", tickets)
    assert query.where == (Condition(left="priority", op="=", right="urgent"),)
    assert [w.op for w in query.measures[0].where if isinstance(w, Condition)] == ["=", "<="]


def test_how_long_people_stay_is_not_how_long_they_were_ill(staff: Any) -> None:
    query = one("How long do employees stay on average?", staff)
    assert [(m.op, m.of) for m in query.measures] == [("mean", "duration")]
    assert query.prepare == (Derive(name="duration", expr="days(hire_date, exit_date)"),)


@pytest.mark.parametrize("question", ["How many employees do we have now?", "How many people currently work here?"])
def test_who_is_there_now_has_not_left(staff: Any, question: str) -> None:
    assert one(question, staff).where == (Condition(left="exit_date", op="missing"),)


def test_a_group_below_a_number_is_so_on_average(staff: Any) -> None:
    query = one("Which departments have an engagement below 3?", staff)
    assert (query.where, query.group_by) == ((), (Group(of="department"),))
    assert query.having == (Condition(left="mean", op="<", right=3),)


def test_a_column_in_short_with_a_unit_is_found_by_its_word(staff: Any) -> None:
    assert one("What is the average temperature?", staff).measures[0].of == "outdoor_temp_c"


def test_weekdays_and_weekends_are_two_sides(orders: Any) -> None:
    query = one("What is the average revenue on weekdays and weekends?", orders)
    assert query.compare is not None
    assert re.fullmatch("weekday 0-4|weekend", query.compare.first)
    assert query.where == ()


def test_subscribers_are_not_read_as_the_day_on_which_they_joined() -> None:
    table = pd.DataFrame({"customer": range(40), "joined": pd.date_range("2023-01-01", periods=40), "spent": range(40)})
    assert read("How many subscribers spent more than 9 in 2023?", dated("c.csv", table)).queries == (None,)


def test_when_a_number_was_highest_is_the_time_of_its_row(staff: Any) -> None:
    query = one("When was the temperature highest?", staff)
    assert (query.intent, query.limit, query.show) == ("rank", 1, ("hire_date", "outdoor_temp_c"))


def test_a_trend_in_what_the_rows_are_counts_them(tickets: Any) -> None:
    query = one("What is the trend in tickets per month?", tickets)
    assert ([m.op for m in query.measures], query.group_by) == (["count"], (Group(of="opened_at", grain="month"),))


@pytest.fixture(scope="module")
def trial() -> list[dict[str, Any]]:
    """A trial of a drug, with a third level of who smokes."""
    n = 90
    table = pd.DataFrame(
        {
            "Patient ID": [f"P{i:04}" for i in range(n)],
            "Age": [22 + i % 61 for i in range(n)],
            "Group": [("Drug", "Placebo")[i % 2] for i in range(n)],
            "Smoker": [("Yes", "No", "Former")[i % 3] for i in range(n)],
            "Adverse event": [int(i % 7 == 0) for i in range(n)],
            "BP week 12": [None if i % 9 == 0 else 120.0 + i % 40 for i in range(n)],
        }
    )
    return dated("trial.csv", table)


def test_an_outcome_that_is_not_known_is_no_other_outcome(trial: Any) -> None:
    assert read("Does the drug lower blood pressure more than placebo?", trial).queries == (None,)


def test_who_says_yes_is_meant_beside_a_third_level(trial: Any) -> None:
    query = one("How many smokers are in each group?", trial)
    assert query.where == (Condition(left="Smoker", op="=", right="Yes"),)
    assert ([m.op for m in query.measures], query.group_by) == (["count"], (Group(of="Group"),))


def test_both_ends_are_told_where_both_are_asked_for(trial: Any) -> None:
    assert [m.op for m in one("What is the youngest and oldest age?", trial).measures] == ["min", "max"]


def test_groups_of_unlike_sizes_are_compared_by_shares(trial: Any) -> None:
    query = one("Do smokers have more adverse events?", trial)
    assert ([m.op for m in query.measures], query.group_by) == (["share"], (Group(of="Smoker"),))


def test_a_part_that_is_not_read_is_told_beside_the_one_that_is(orders: Any) -> None:
    reading = read("What makes an order larger, and are we losing customers?", orders)
    drivers, lost = reading.queries
    assert drivers is not None
    assert (drivers.intent, drivers.measures[0].of) == ("drivers", "total")
    assert lost is None
    assert reading.parts == ("What makes an order larger", "are we losing customers")
    assert drivers.unused == ()


def test_the_best_month_and_the_biggest_order_are_told_in_money(orders: Any) -> None:
    query = one("What was our best month?", orders)
    assert ([(m.op, m.of) for m in query.measures], query.group_by[0].grain) == ([("sum", "total")], "month")
    assert [o.by for o in one("What was the biggest order ever?", orders).order] == ["total"]


def test_the_best_month_of_a_rating_is_told_by_its_mean(staff: Any) -> None:
    renamed = [
        {**t, "columns": [{**c, "name": "rating"} if c["name"] == "engagement" else c for c in t["columns"]]}
        for t in staff
    ]
    assert [(m.op, m.of) for m in one("Which year has the best rating?", renamed).measures] == [("mean", "rating")]


@pytest.fixture(scope="module")
def flats() -> list[dict[str, Any]]:
    """Flats to let: the rent, whether they were rented, and the year in which they were built."""
    n = 90
    table = pd.DataFrame(
        {
            "listing": range(1, n + 1),
            "sqm": [25 + i % 73 for i in range(n)],
            "year_built": [1905 + i % 89 for i in range(n)],
            "listed_on": pd.date_range("2024-01-03", periods=n, freq="6D"),
            "rent": [400.0 + 11 * i for i in range(n)],
            "days_online": [1 + i % 41 for i in range(n)],
            "rented": [("yes", "no")[i % 5 == 0] for i in range(n)],
        }
    )
    return dated("flats.csv", table)


def test_a_word_that_is_one_column_is_no_other_of_its_stem(flats: Any) -> None:
    query = one("What share of flats was rented within 14 days?", flats)
    assert [(w.left, w.op) for w in query.measures[0].where if isinstance(w, Condition)] == [
        ("rented", "="),
        ("days_online", "<="),
    ]


def test_what_was_built_before_a_year_is_told_by_its_own_year(flats: Any) -> None:
    assert one("How many flats were built before 1950?", flats).where == (
        Condition(left="year_built", op="<", right=1950),
    )


def test_square_metres_are_the_column_of_their_unit(flats: Any) -> None:
    assert one("How many flats are bigger than 80 square metres?", flats).where == (
        Condition(left="sqm", op=">", right=80),
    )


@pytest.fixture(scope="module")
def visits() -> list[dict[str, Any]]:
    """Visits of courses, and whether those who booked them came."""
    n = 80
    table = pd.DataFrame(
        {
            "date": pd.date_range("2023-03-01", periods=n, freq="7D"),
            "trainer": [("Lena", "Omar")[i % 2] for i in range(n)],
            "attended": [int(i % 6 > 0) for i in range(n)],
            "price": [12.0 + i % 3 for i in range(n)],
        }
    )
    return dated("visits.csv", table)


def test_no_show_is_not_dropped(visits: Any) -> None:
    assert read("What is the no-show rate by trainer?", visits).queries == (None,)


def test_a_visit_is_a_row_and_not_whether_one_attended(visits: Any) -> None:
    assert one("What is the revenue per visit by trainer?", visits).group_by == (Group(of="trainer"),)


@pytest.fixture(scope="module")
def invoices() -> list[dict[str, Any]]:
    """Invoices, of which some are not paid, and the trips of their goods."""
    n = 120
    issued = pd.Series(pd.date_range("2024-01-05", periods=n, freq="5D"))
    table = pd.DataFrame(
        {
            "Invoice": range(3001, 3001 + n),
            "Issued": issued,
            "Amount": [120.5 + 13 * (i % 29) for i in range(n)],
            "Paid on": (issued + pd.to_timedelta([9 + i % 30 for i in range(n)], unit="D")).where(issued.index % 6 > 0),
            "origin": [("Bern", "Basel", "Zug")[i % 3] for i in range(n)],
            "destination": [("Bern", "Basel", "Zug")[i % 7 % 3] for i in range(n)],
            "delay_min": [i % 41 for i in range(n)],
        }
    )
    return dated("invoices.csv", table)


@pytest.mark.parametrize(
    "question", ["How much money is still outstanding?", "What is the total amount of unpaid invoices?"]
)
def test_what_is_outstanding_was_not_paid(invoices: Any, question: str) -> None:
    query = one(question, invoices)
    assert [(m.op, m.of) for m in query.measures] == [("sum", "Amount")]
    assert query.where == (Condition(left="`Paid on`", op="missing"),)


def test_what_was_not_paid_cannot_be_chosen_by_the_day_of_payment(invoices: Any) -> None:
    assert read("How many invoices were unpaid in March 2024?", invoices).queries == (None,)


def test_from_one_place_to_another_is_told_by_both_columns(invoices: Any) -> None:
    query = one("How many invoices from Bern to Basel are there?", invoices)
    assert query.where == (
        Condition(left="origin", op="=", right="Bern"),
        Condition(left="destination", op="=", right="Basel"),
    )


def test_the_largest_row_is_told_in_money_and_the_longest_not_by_its_delay(invoices: Any) -> None:
    assert [o.by for o in one("What was the largest invoice?", invoices).order] == ["Amount"]
    undated = [{**t, "columns": [c for c in t["columns"] if c["name"] != "Paid on"]} for t in invoices]
    assert read("What was the longest invoice?", undated).queries == (None,)


def test_rows_with_some_of_an_amount_are_counted_and_it_is_not_added_up(invoices: Any) -> None:
    for question in ("How many delayed invoices are there?", "How many invoices were delayed?"):
        query = one(question, invoices)
        assert ([m.op for m in query.measures], query.where) == (
            ["count"],
            (Condition(left="delay_min", op=">", right=0),),
        )
    fewest = one("Which origin has the fewest delays?", invoices)
    assert (fewest.measures[0].op, fewest.where) == ("count", (Condition(left="delay_min", op=">", right=0),))


def test_each_of_two_counts_has_its_own_rows(invoices: Any) -> None:
    first, second = read("How many invoices are from Bern and how many were delayed?", invoices).queries
    assert first is not None
    assert first.where == (Condition(left="origin", op="=", right="Bern"),)
    assert second is not None
    assert second.where == (*first.where, Condition(left="delay_min", op=">", right=0))


def test_why_it_is_so_is_no_change(invoices: Any) -> None:
    assert one("Why are delays so long?", invoices).intent == "drivers"


def test_what_is_typical_is_the_median(flats: Any) -> None:
    assert [(m.op, m.of) for m in one("What is the typical rent?", flats).measures] == [("median", "rent")]


@pytest.mark.parametrize("question", ["How many active employees do we have?", "How many employees are active?"])
def test_who_is_active_has_not_left(staff: Any, question: str) -> None:
    assert one(question, staff).where == (Condition(left="exit_date", op="missing"),)


def test_an_adjective_without_a_column_is_not_dropped(staff: Any) -> None:
    assert read("How old is the average employee?", staff).queries == (None,)


def test_what_drives_a_number_the_most_is_told_with_all_that_do(staff: Any) -> None:
    assert one("What influences engagement the most?", staff).intent == "drivers"
