"""Questions of orders, fines and runs: what rows bring in, who is meant by a noun, and what is rather not answered."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Condition, Derive, Group, Measure
from graphs.questions.reader import read
from tests.graphs.test_reader import described, one, told
from tests.graphs.test_reader_everyday import dated


@pytest.fixture(scope="module")
def orders() -> list[dict[str, Any]]:
    """Orders of a bakery with the price of one piece, over two years."""
    n = 90
    table = pd.DataFrame(
        {
            "order_no": [f"B{1000 + i}" for i in range(n)],
            "ordered_on": pd.date_range("2024-01-03", periods=n, freq="8D"),
            "shop": [("Harbour", "Old Town", "Station")[i % 3] for i in range(n)],
            "product": [("Rye loaf", "Bagel", "Focaccia", "Croissant")[i % 4] for i in range(n)],
            "quantity": [1 + i % 29 for i in range(n)],
            "unit_price_eur": [1.5 + i % 31 for i in range(n)],
            "channel": [("counter", "phone", "web")[i % 5 % 3] for i in range(n)],
            "collected": [("yes", "no")[i % 7 == 0] for i in range(n)],
        }
    )
    return dated("orders.csv", table)


@pytest.fixture(scope="module")
def fines() -> list[dict[str, Any]]:
    """Parking fines, of which some are paid and some appealed."""
    n = 120
    table = pd.DataFrame(
        {
            "fine_id": range(50001, 50001 + n),
            "issued_at": pd.date_range("2023-02-01 07:30", periods=n, freq="55h"),
            "zone": ["ABCD"[i % 4] for i in range(n)],
            "amount": [(25, 40, 70, 120)[i % 4] + i % 23 for i in range(n)],
            "paid": ["YN"[i % 3 == 0] for i in range(n)],
            "days_to_pay": [None if i % 3 == 0 else 1.0 + i % 41 for i in range(n)],
            "appeal_outcome": [("upheld", "rejected", None)[min(i % 9, 2)] for i in range(n)],
            "officer": [("Berg", "Dube", "Eriksen")[i % 3] for i in range(n)],
            "plate_country": [("DE", "NL", "PL", "FR")[i % 4] for i in range(n)],
        }
    )
    return dated("fines.csv", table)


@pytest.fixture(scope="module")
def parcels() -> list[dict[str, Any]]:
    """Parcels of a web shop, with the value of the order in them."""
    n = 100
    table = pd.DataFrame(
        {
            "parcel": [f"P-{i:05}" for i in range(n)],
            "shipped": pd.date_range("2025-01-02", periods=n, freq="2D"),
            "category": [("Shoes", "Coats", "Bags")[i % 3] for i in range(n)],
            "country": [("Austria", "Belgium")[i % 2] for i in range(n)],
            "order_value": [20.5 + i % 47 for i in range(n)],
            "returned": [i % 4 == 0 for i in range(n)],
            "return_reason": [("too small", "damaged")[i % 8 == 0] if i % 4 == 0 else None for i in range(n)],
            "delivery_days": [1 + i % 23 for i in range(n)],
            "rating": [None if i % 5 == 0 else float(1 + i % 5) for i in range(n)],
        }
    )
    return dated("parcels.csv", table)


@pytest.fixture(scope="module")
def runs() -> list[dict[str, Any]]:
    """Runners of a marathon in three plain years."""
    n = 90
    table = pd.DataFrame(
        {
            "bib": range(1, n + 1),
            "runner": [f"Runner {i}" for i in range(1, n + 1)],
            "age": [18 + i % 53 for i in range(n)],
            "club": [("Night Owls", "TV Hof", "Lakeside")[i % 3] for i in range(n)],
            "finish_min": [None if i % 11 == 0 else 180.5 + i for i in range(n)],
            "year": [2022 + i % 3 for i in range(n)],
        }
    )
    return [described("runs.csv", table)]


@pytest.fixture(scope="module")
def applications() -> list[dict[str, Any]]:
    """Applications for jobs, with when they came and when they were decided."""
    n = 120
    applied = pd.date_range("2024-01-02", periods=n, freq="4D")
    table = pd.DataFrame(
        {
            "application_id": range(n),
            "applied": applied,
            "decided": applied + pd.to_timedelta([3 + i % 37 for i in range(n)], unit="D"),
            "position": [("Data Analyst", "Nurse", "Driver")[i % 3] for i in range(n)],
            "source": [("referral", "website", "agency")[i % 7 % 3] for i in range(n)],
            "status": [("hired", "rejected")[i % 5 > 0] for i in range(n)],
            "gender": ["FMX"[i % 3] for i in range(n)],
            "expected_salary": [31_000 + 500 * (i % 43) for i in range(n)],
        }
    )
    return dated("applications.csv", table)


@pytest.fixture(scope="module")
def houses() -> list[dict[str, Any]]:
    """Houses sold, each with its type and how long it was for sale."""
    n = 90
    table = pd.DataFrame(
        {
            "listing": [f"L{i}" for i in range(n)],
            "sold_on": pd.date_range("2022-01-10", periods=n, freq="11D"),
            "sale_price": [180_000 + 7_000 * (i % 61) for i in range(n)],
            "rooms": [1 + i % 7 for i in range(n)],
            "house_type": [("flat", "terraced", "detached")[i % 3] for i in range(n)],
            "days_on_market": [5 + i % 83 for i in range(n)],
            "agent": [("Hart", "Iqbal", "Jansen")[i % 4 % 3] for i in range(n)],
        }
    )
    return dated("houses.csv", table)


@pytest.fixture(scope="module")
def members() -> list[dict[str, Any]]:
    """Members of a gym, of whom some left."""
    n = 90
    joined = pd.date_range("2021-01-04", periods=n // 2, freq="24D").repeat(2)
    left = [when + pd.Timedelta(days=30 + i % 50) if i % 3 == 0 else None for i, when in enumerate(joined)]
    table = pd.DataFrame(
        {
            "member_no": range(7001, 7001 + n),
            "joined": joined,
            "left_on": pd.to_datetime(pd.Series(left)),
            "sex": ["fm"[i % 2] for i in range(n)],
            "plan": [("Basic", "Plus", "Premium")[i % 3] for i in range(n)],
        }
    )
    return dated("members.csv", table)


@pytest.fixture(scope="module")
def flats() -> list[dict[str, Any]]:
    """Flats to let, of which some are rented."""
    n = 90
    table = pd.DataFrame(
        {
            "flat_no": range(1, n + 1),
            "available_from": pd.date_range("2023-06-01", periods=n // 2, freq="9D").repeat(2),
            "district": [("Nordend", "Altstadt")[i % 2] for i in range(n)],
            "monthly_rent": [600 + 10 * (i % 47) for i in range(n)],
            "balcony": ["yn"[i % 2] for i in range(n)],
            "rented": [int(i % 5 > 0) for i in range(n)],
            "damaged_sqm": [round(i % 17 / 10, 1) for i in range(n)],
        }
    )
    return dated("flats.csv", table)


def why(question: str, tables: list[dict[str, Any]]) -> str:
    """Why a question is not answered."""
    reading = read(question, tables)
    assert reading.queries == (None,), reading.queries
    return reading.why_not[0]


REVENUE = Derive(name="revenue", expr="quantity * unit_price_eur")


@pytest.mark.parametrize(
    ("question", "statistic"),
    [
        ("How much money did we take in 2024?", "sum"),
        ("Which shop brings in the most?", "sum"),
        ("What does an average order come to?", "mean"),
        ("Which month had the highest revenue?", "sum"),
    ],
)
def test_rows_bring_in_quantity_times_unit_price(question: str, statistic: str, orders: list[dict[str, Any]]) -> None:
    query = one(question, orders)
    assert REVENUE in query.prepare
    assert told(query) == {(statistic, "revenue")}
    assert "“revenue” is read as quantity * unit_price_eur." in query.notes


def test_how_many_were_sold_is_a_number_of_pieces(orders: list[dict[str, Any]]) -> None:
    for asked in ("How many bagels did we sell?", "How many bagels were sold?"):
        query = one(asked, orders)
        assert (told(query), query.prepare) == ({("sum", "quantity")}, ())


@pytest.mark.parametrize("asked", ["How did 2024 compare with 2023?", "How did 2024 go compared to 2023?"])
def test_a_year_is_set_against_another(asked: str, fines: list[dict[str, Any]]) -> None:
    query = one(asked, fines)
    assert query.compare is not None
    assert (query.compare.first, query.compare.second) == ("2024", "2023")
    assert told(query) == {("count", None), ("sum", "amount")}


def test_what_orders_are_worth_is_their_revenue(orders: list[dict[str, Any]]) -> None:
    assert one("How many orders were worth more than 50 euros?", orders).where == (
        Condition(left="revenue", op=">", right=50),
    )


def test_a_price_is_that_of_one_piece_and_nothing_is_made(orders: list[dict[str, Any]]) -> None:
    query = one("What's the average price of a bagel at Harbour?", orders)
    assert query.prepare == ()
    assert told(query) == {("mean", "unit_price_eur")}


def test_a_date_may_begin_with_its_day(orders: list[dict[str, Any]]) -> None:
    wanted = (Condition(left="ordered_on", op=">", right="2025-10-01"),)
    for said in ("1 October 2025", "1st of October 2025", "October 1, 2025"):
        assert one(f"How many orders were placed after {said}?", orders).where == wanted


def test_the_last_quarter_of_a_year_is_its_fourth(orders: list[dict[str, Any]]) -> None:
    query = one("What was the revenue in the last quarter of 2024?", orders)
    assert query.where == (Condition(left="ordered_on", op="during", right="2024-Q4"),)


def test_two_places_set_against_each_other_are_groups_of_a_share(orders: list[dict[str, Any]]) -> None:
    query = one("What's the share of phone orders at Harbour versus Station?", orders)
    assert query.measures[0].where == (Condition(left="channel", op="=", right="phone"),)
    assert query.group_by == (Group(of="shop"),)


def test_a_weekday_is_named_by_the_orders_that_come_in_on_it(orders: list[dict[str, Any]]) -> None:
    query = one("On which weekday do we get the fewest orders?", orders)
    assert query.group_by == (Group(of="ordered_on", grain="weekday"),)
    assert told(query) == {("count", None)}


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ("How many fines over 50 euros were issued?", Condition(left="amount", op=">", right=50)),
        ("How many fines were never appealed?", Condition(left="appeal_outcome", op="missing")),
        ("How many fines are still unpaid?", Condition(left="paid", op="!=", right="Y")),
        ("How many fines are from Poland?", Condition(left="plate_country", op="=", right="PL")),
    ],
)
def test_rows_are_those_that_are_spoken_of(question: str, where: Condition, fines: list[dict[str, Any]]) -> None:
    query = one(question, fines)
    assert told(query) == {("count", None)}
    assert query.where == (where,)


def test_paid_within_two_weeks_is_paid_and_that_soon(fines: list[dict[str, Any]]) -> None:
    share = one("What share of fines is paid within two weeks?", fines)
    paid, soon = Condition(left="paid", op="=", right="Y"), Condition(left="days_to_pay", op="<=", right=14)
    assert (share.where, share.measures[0].where) == ((), (paid, soon))


def test_orders_are_rows_where_each_has_an_order_value(parcels: list[dict[str, Any]]) -> None:
    share = one("What share of orders goes to Belgium?", parcels)
    assert share.measures[0].where == (Condition(left="country", op="=", right="Belgium"),)
    assert "“orders” is read as the rows of the table." in share.notes
    assert told(one("How many orders were shipped each month?", parcels)) == {("count", None)}
    assert one("How many orders were worth more than 60 euros?", parcels).where[0] == Condition(
        left="order_value", op=">", right=60
    )


def test_a_reason_that_is_a_column_is_no_why(parcels: list[dict[str, Any]]) -> None:
    query = one("Which reason is most frequent for shoes?", parcels)
    assert query.group_by == (Group(of="return_reason"),)


def test_a_bare_number_behind_runners_is_their_age(runs: list[dict[str, Any]]) -> None:
    query = one("How many TV Hof runners are under 30?", runs)
    assert Condition(left="age", op="<", right=30) in query.where
    missing = Condition(left="finish_min", op="missing")
    assert one("How many runners didn't finish?", runs).where == (missing,)


def test_a_value_is_rather_meant_than_a_word_for_causes(applications: list[dict[str, Any]]) -> None:
    query = one("What's the average expected salary of hired drivers?", applications)
    assert set(query.where) == {
        Condition(left="status", op="=", right="hired"),
        Condition(left="position", op="=", right="Driver"),
    }


def test_how_often_something_was_done_is_a_number_of_rows(applications: list[dict[str, Any]]) -> None:
    query = one("How often was Data Analyst applied for?", applications)
    assert told(query) == {("count", None)}
    assert query.where == (Condition(left="position", op="=", right="Data Analyst"),)


def test_when_the_first_came_is_the_first_of_the_times(orders: list[dict[str, Any]]) -> None:
    assert told(one("When did we take our first order?", orders)) == {("min", "ordered_on")}


def test_who_sold_the_most_is_a_person_and_no_day(houses: list[dict[str, Any]]) -> None:
    query = one("Who sold the most houses?", houses)
    assert query.group_by == (Group(of="agent"),)
    assert told(query) == {("count", None)}


def test_houses_of_a_file_of_houses_are_its_rows(houses: list[dict[str, Any]]) -> None:
    assert told(one("How many rooms does a typical house have?", houses)) == {("median", "rooms")}


def test_months_are_told_in_the_unit_of_their_column(houses: list[dict[str, Any]]) -> None:
    query = one("How many houses were on the market for more than two months?", houses)
    assert query.where == (Condition(left="days_on_market", op=">", right=60.875),)


def test_those_who_left_in_a_year_are_dated_by_when_they_left(members: list[dict[str, Any]]) -> None:
    query = one("How many members left in 2023?", members)
    assert Condition(left="left_on", op="during", right="2023") in query.where
    rate = one("What's our churn rate?", members)
    assert rate.measures[0].where == (Condition(left="left_on", op="present"),)


def test_a_word_is_the_column_that_it_stands_in_and_no_other_of_its_stem(flats: list[dict[str, Any]]) -> None:
    assert told(one("What's the average rent in Nordend?", flats)) == {("mean", "monthly_rent")}
    assert one("How many flats are rented?", flats).where == (Condition(left="rented", op="=", right=1),)


def test_how_many_there_are_per_day_is_one_number(applications: list[dict[str, Any]]) -> None:
    query = one("How many applications are there per day?", applications)
    assert query.formulas[0].expr == "count / distinct"


def test_the_first_quarter_of_a_year_is_a_time(applications: list[dict[str, Any]]) -> None:
    query = one("How many applications came through agencies in the first quarter of 2025?", applications)
    assert Condition(left="source", op="=", right="agency") in query.where
    assert Condition(left="applied", op="during", right="quarter 1") in query.where


def test_how_long_a_decision_takes_is_the_time_from_the_application_to_it(applications: list[dict[str, Any]]) -> None:
    query = one("How long does it take us to decide?", applications)
    assert query.prepare == (Derive(name="duration", expr="days(applied, decided)"),)


@pytest.mark.parametrize(
    ("table", "question", "word"),
    [
        ("orders", "What is the cheapest thing we sell?", "cheapest"),
        ("orders", "What is the average number of items per order?", "average"),
        ("orders", "Did we sell more in the second half of 2024 than in the first?", "first"),
        ("orders", "How many orders did we make in time?", "time"),
        ("applications", "What's the most expensive position?", "expensive"),
        ("orders", "How many litres did we sell?", "litres"),
        ("houses", "What's the average discount from the sale price?", "discount"),
        ("houses", "How many flats were sold for less than 300,000?", "less than"),
        ("members", "What proportion of men and women do we have?", "share"),
        ("members", "How many days had women?", "days"),
        ("flats", "How much more does a flat with a balcony cost?", "cost"),
        ("flats", "What's the damage rate?", "share"),
        ("fines", "Do higher fines take longer to be paid?", "higher"),
        ("parcels", "How many one-star ratings did we get?", "star"),
        ("parcels", "What is the net revenue after returns?", "after"),
        ("parcels", "What is the value of everything that was returned?", "value"),
        ("runs", "How many runners over 65 finished?", "over"),
        ("runs", "Which club had the most finishers in 2023?", "finishers"),
        ("runs", "Who ran the fastest first half?", "first half"),
    ],
)
def test_what_no_query_has_is_named_and_not_answered(
    table: str, question: str, word: str, request: pytest.FixtureRequest
) -> None:
    assert word in why(question, request.getfixturevalue(table))


@pytest.mark.parametrize(
    "question",
    ["Compare revenue in 2025 with 2024", "How did revenue change this year?", "Why did revenue fall in 2025?"],
)
def test_a_year_that_is_not_over_is_held_against_the_same_months(orders: list[dict[str, Any]], question: str) -> None:
    query = one(question, orders)
    assert Condition(left="ordered_on", op="during", right="month 1-11") in query.where
    assert any("end on 2025-12-15" in note for note in query.notes)


def test_rows_that_are_called_by_a_yes_are_counted_and_not_summed(orders: list[dict[str, Any]]) -> None:
    assert [m.op for m in one("Did uncollected orders go up in 2025?", orders).measures] == ["count"]


def test_what_is_sold_is_not_by_whom_and_a_last_month_in_part_is_not_the_worst() -> None:
    n = 300
    table = pd.DataFrame(
        {
            "sale_id": range(1, n + 1),
            "date": pd.date_range("2024-01-02", periods=n, freq="2D"),
            "item": [("Bike", "Helmet", "Lamp")[i % 3] for i in range(n)],
            "amount": [10.5 + i % 97 for i in range(n)],
            "sold_by": [("Ana", "Bo", "Cas", "Dee")[i % 4] for i in range(n)],
        }
    )
    table = dated("sales.csv", table)
    assert one("How many bikes did we sell?", table).measures == (Measure(op="count"),)
    sold = one("How much did Ana sell in total?", table)
    assert (sold.measures, sold.where[0].right) == ((Measure(op="sum", of="amount"),), "Ana")
    assert [m.op for m in one("Are there any duplicate sales?", table).measures] == ["duplicates"]
    assert one("What was our worst month?", table).where == (Condition(left="date", op="<", right="2025-08"),)
    assert one("What was our best month?", table).where == ()


@pytest.fixture(scope="module")
def accounts() -> list[dict[str, Any]]:
    """Accounts of a service, a row each, of which some have been cancelled."""
    n = 200
    began = pd.Series(pd.date_range("2023-01-02", periods=n, freq="4D"))
    table = pd.DataFrame(
        {
            "account_id": [f"A{1000 + i}" for i in range(n)],
            "plan": [("Starter", "Team", "Business")[i % 3] for i in range(n)],
            "mrr_usd": [19.0 + i % 71 for i in range(n)],
            "signed_up": began,
            "cancelled_at": (began + pd.to_timedelta([30 + i % 90 for i in range(n)], unit="D")).where(
                began.index % 5 > 0
            ),
        }
    )
    return dated("accounts.csv", table)


def test_accounts_are_customers_and_begin_and_end_by_their_two_times(accounts: list[dict[str, Any]]) -> None:
    count = (Measure(op="count"),)
    assert (one("How many customers do we have?", accounts).measures) == count
    active = one("How many active accounts are there right now?", accounts)
    assert (active.measures, active.where) == (count, (Condition(left="cancelled_at", op="missing"),))
    new = one("How many new customers did we get in 2024?", accounts)
    assert new.where == (Condition(left="signed_up", op="during", right="2024"),)
    assert one("How many signups in May 2024?", accounts).where[0].left == "signed_up"
    assert [m.op for m in one("What is our current MRR?", accounts).measures] == ["sum"]
    assert any("no length yet" in note for note in one("How long do customers stay?", accounts).notes)


def test_the_most_of_what_only_some_rows_have_counts_these_rows(accounts: list[dict[str, Any]]) -> None:
    query = one("Which plan has the most cancellations?", accounts)
    assert (query.measures, query.where) == (
        (Measure(op="count"),),
        (Condition(left="cancelled_at", op="present"),),
    )


def test_a_row_is_told_by_when_and_whose_it_is_and_never_by_a_number(accounts: list[dict[str, Any]]) -> None:
    n = 120
    table = pd.DataFrame(
        {
            "match_date": pd.date_range("2024-08-16", periods=n, freq="D").repeat(2)[:n],
            "home_team": [("Rovers", "United", "City")[i % 3] for i in range(n)],
            "away_team": [("City", "Rovers", "United")[i % 3] for i in range(n)],
            "attendance": [9000 + 37 * i for i in range(n)],
            "yellow_cards": [i % 7 for i in range(n)],
        }
    )
    matches = dated("matches.csv", table)
    named = ("match_date", "home_team", "away_team", "yellow_cards")
    assert one("List all matches with more than 5 yellow cards", matches).show == named
    assert one("Which match had the most yellow cards?", matches).show == named
    assert read("What was the highest scoring match?", matches).queries == (None,)


def test_a_share_of_those_who_say_yes_is_no_share_of_yes(orders: list[dict[str, Any]]) -> None:
    query = one("What share of collected orders is over 20?", orders)
    assert [w.left for w in query.measures[0].where] != ["collected"]
    assert Condition(left="collected", op="=", right="yes") in query.where


def test_a_price_per_kg_is_no_weight_and_two_kinds_of_days_are_no_rate() -> None:
    n = 120
    table = pd.DataFrame(
        {
            "lot": [f"L{i:03}" for i in range(n)],
            "picked": pd.date_range("2024-01-02", periods=n, freq="D"),
            "score": [80 + i % 9 for i in range(n)],
            "weight_kg": [20.5 + i % 41 for i in range(n)],
            "price_per_kg": [4.5 + i % 13 for i in range(n)],
        }
    )
    lots = dated("lots.csv", table)
    query = one("What drives price_per_kg?", lots)
    assert (query.intent, query.measures[0].of) == ("drivers", "price_per_kg")
    assert any("not per day" in note for note in one("Are weekends busier than weekdays?", lots).notes)
    assert read("Do heavier lots at a newer score get worse more often?", lots).queries == (None,)
