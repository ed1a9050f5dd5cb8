"""Closed questions as people type them, of tables that no rule was made for: the number, or no answer."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from graphs import look
from graphs.models.base import Message
from graphs.models.playbook.closed import Asked, Refused, understand
from graphs.models.playbook.facts import Column, Facts, File, read
from graphs.models.playbook.planning import make_plan

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel


def tables() -> dict[str, pd.DataFrame]:
    """A help desk, a hotel, a school with German names, weather stations, and parts with their suppliers."""
    r = np.random.default_rng(11)
    n = 300
    tickets = pd.DataFrame(
        {
            "ticket_id": np.arange(n) + 500,
            "opened_at": pd.Timestamp("2022-03-01") + pd.to_timedelta(r.integers(0, 660, n), "D"),
            "team": r.choice(["Billing", "Network", "Hardware"], n),
            "priority": r.choice(["low", "high", "urgent"], n),
            "status": r.choice(["open", "closed"], n),
            "customer_id": r.integers(1, 90, n),
            "list_price": r.choice([40.0, 60.0, 90.0], n),
            "revenue": r.gamma(2, 60, n).round(2),
            "satisfaction": np.where(r.random(n) < 0.4, np.nan, r.integers(1, 6, n)),
        }
    )
    tickets["cost"] = (tickets["revenue"] * r.uniform(0.4, 0.8, n)).round(2)
    tickets["sale_price"] = tickets["list_price"] - r.choice([0, 5], n)
    stays = pd.DataFrame(
        {
            "Hotel": r.choice(["Seaview", "City Inn"], n),
            "roomType": r.choice(["Single", "Suite"], n),
            "guestCountry": r.choice(["UK", "Italy", "USA"], n),
            "ratePerNight": r.normal(110, 20, n).round(2),
            "cancelled": r.choice([0, 1], n),
            "voucherCode": r.choice(["SPRING", "VIP", None], n),
            "Residents": r.integers(1, 7, n),
            "Electricity kWh": r.gamma(6, 500, n).round(0),
        }
    )
    pupils = pd.DataFrame(
        {
            "Schueler_Nr": range(1, n + 1),
            "Geschlecht": r.choice(["m", "w"], n),
            "Schulform": r.choice(["Gymnasium", "Realschule"], n),
            "Mathe_Note": r.normal(2.8, 0.7, n).round(1),
            "Fehltage": r.poisson(2, n),
            "Wohnort": r.choice(["Köln", "Bonn"], n),
        }
    )
    weather = pd.DataFrame(
        {
            "time": pd.date_range("2023-01-01", periods=n, freq="D"),
            "station": r.choice(["Harbour", "Hilltop"], n),
            "temp_c": r.normal(9, 4, n).round(1),
            "wind_speed_ms": r.gamma(2, 2, n).round(1),
        }
    )
    parts = pd.DataFrame(
        {"sku": [f"S{i}" for i in range(90)], "supplier_id": r.integers(1, 7, 90), "stock": r.integers(0, 200, 90)}
    )
    suppliers = pd.DataFrame({"supplier_id": range(1, 7), "country": ["Poland", "Chile", "Spain"] * 2})
    told = {"tickets": tickets, "stays": stays, "pupils": pupils, "weather": weather}
    return told | {"parts": parts, "suppliers": suppliers}


TABLES = tables()


def file_of(name: str, question: str) -> File:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(look.describe(question), {"tables": {f"{name}.csv": TABLES[name]}})
    return read([Message(role="user", content=f"```json\n{printed.getvalue()}```")]).files[0]


def asked(table: str, question: str) -> Asked | Refused | None:
    return understand(question, file_of(table, question))


@pytest.mark.parametrize(
    ("table", "question"),
    [
        ("stays", "price per guest"),  # guestCountry is no guest
        ("stays", "average rate per guest"),
        ("stays", "how many stays were booked by phone"),
        ("tickets", "how many tickets used a voucher"),
        ("tickets", "tickets of customers with a warranty"),
        ("tickets", "what was the mean price"),  # of two prices
        ("tickets", "which team and priority"),
        ("tickets", "revenue growth"),  # from when to when?
        ("tickets", "what will the total revenue be next year?"),
        ("tickets", "mean satisfaction in the last month"),
        ("tickets", "why did revenue fall"),
        ("tickets", "does the priority change the satisfaction?"),
        ("tickets", "who should we promote?"),
        ("tickets", "average hight"),
        ("pupils", "how many teachers are there"),
        ("tickets", "profit margin by country"),
        ("weather", "how many storms were there in March"),
        ("weather", "what is the average pressure by station"),
    ],
)
def test_what_the_table_does_not_hold_or_the_words_leave_open_gets_no_number(table: str, question: str) -> None:
    assert not isinstance(asked(table, question), Asked)


def test_a_value_comes_before_another_form_of_a_column() -> None:
    got = asked("tickets", "open tickets by team and priority")
    assert isinstance(got, Asked)
    assert (got.where, got.by, got.also_by) == ([["status", "=", "open"]], "team", "priority")


@pytest.mark.parametrize("band", ["18-25", "26 - 40", "65+", "under 18"])
def test_a_band_that_is_a_value_is_no_range_of_numbers(band: str) -> None:
    bands = Column("band", "str", 4, values=("18-25", "26 - 40", "65+", "under 18"))
    got = understand(f"mean spend of the {band} band", File("visits.csv", 90, (bands, Column("spend", "float64", 80))))
    assert isinstance(got, Asked), got
    assert got.where == [["band", "=", band]]


@pytest.mark.parametrize(
    ("word", "told"),
    [("salry", False), ("satsifaction", True), ("satisfction", True), ("avrage", True), ("heigth", False)],
)
def test_a_slip_of_the_fingers_is_read_and_told(word: str, told: bool) -> None:
    question = f"{word} satisfaction by team" if word == "avrage" else f"average {word} by team"
    got = asked("tickets", question)
    assert isinstance(got, Asked) is told
    if isinstance(got, Asked):
        assert f"“{word}” is read as" in got.notes[0]


def test_a_word_that_only_looks_like_a_column_is_no_slip() -> None:
    columns = tuple(replace(c, name="country") if c.name == "team" else c for c in file_of("tickets", "x").columns)
    got = understand("total revenue by county", File("sales.csv", 300, columns))
    assert isinstance(got, Refused)  # county is a word of its own


T, S, P, W = (TABLES[name] for name in ("tickets", "stays", "pupils", "weather"))
YEAR = T["opened_at"].dt.year
ANSWERS: list[tuple[str, str, Callable[[], float], str]] = [
    ("tickets", "total profit by team", lambda: _profit(T[T.team == "Billing"]), "revenue − cost by team"),
    ("tickets", "ratio of cost to revenue", lambda: T.cost.sum() / T.revenue.sum(), "%"),
    ("tickets", "difference between list and sale price", lambda: (T.list_price - T.sale_price).mean(), "mean"),
    ("tickets", "average revenue per customer", lambda: T.revenue.sum() / T.customer_id.nunique(), "different values"),
    ("tickets", "growth of total revenue from 2022 to 2023", lambda: _growth(), "may not be whole"),
    ("tickets", "avg satisfaction by team and priority", lambda: _pairs("team", "priority"), "Billing · high"),
    ("tickets", "min, max and mean of satisfaction", lambda: T.satisfaction.mean(), "from 1 to 5"),
    ("tickets", "revenue by month", lambda: T[T.opened_at.dt.to_period("M") == "2022-05"].revenue.sum(), "by month"),
    ("stays", "how many stays used a voucher", lambda: S.voucherCode.notna().sum(), "voucherCode is there"),
    ("stays", "electricity per resident", lambda: S["Electricity kWh"].sum() / S.Residents.sum(), "own ratios"),
    ("pupils", "number of pupils with more than 3 Fehltage", lambda: (P.Fehltage > 3).sum(), "Fehltage is above 3"),
    ("pupils", "mean mathe note in Koeln", lambda: P[P.Wohnort == "Köln"].Mathe_Note.mean(), "Wohnort is Köln"),
    ("weather", "is hilltop windier than harbour?", lambda: _apart(), "m/s higher for"),
]


def _profit(rows: pd.DataFrame) -> float:
    return float((rows["revenue"] - rows["cost"]).sum())


def _growth() -> float:
    before, after = (T[year == YEAR]["revenue"].sum() for year in (2022, 2023))
    return float(100 * (after / before - 1))


def _pairs(*by: str) -> float:
    return float(T.groupby(list(by))["satisfaction"].mean().loc[("Billing", "high")])


def _apart() -> float:
    means = W.groupby("station")["wind_speed_ms"].mean()
    return float(abs(means["Hilltop"] - means["Harbour"]))


def test_answers_are_those_that_pandas_gives(kernel: Kernel, folder: Path) -> None:
    for name in ("tickets", "stays", "pupils", "weather"):
        TABLES[name].to_csv(folder / f"{name}.csv", index=False)
    for table, question, value, words in ANSWERS:
        got = asked(table, question)
        assert isinstance(got, Asked), (question, got)
        ran = kernel.template("answer", data=f"{table}.csv", question=question, **vars(got))
        assert ran.error is None, (question, ran.error)
        (answer,) = ran.of("answer", "descriptive")
        told = [answer.params["value"], *answer.params["groups"].values()]
        assert any(t == pytest.approx(float(value()), rel=1e-5) for t in told if t is not None), (question, answer.text)
        assert words in answer.text, answer.text


def test_rows_are_looked_up_in_another_file_for_an_answer(kernel: Kernel, folder: Path) -> None:
    question = "total stock by country"
    for name in ("parts", "suppliers"):
        TABLES[name].to_csv(folder / f"{name}.csv", index=False)
    known: dict[str, Any] = {
        "answer": frozenset(("data", "question", "lookups", "aggregate", "measure", "by", "order"))
    }
    files = file_of("parts", question), replace(file_of("suppliers", question), fits=("supplier_id", "supplier_id"))
    (step,) = [s for s in make_plan(Facts(question, files, templates=known)).steps if s["template"] == "answer"]
    assert step["parameters"]["lookups"] == [["suppliers.csv", "supplier_id", "supplier_id"]]
    ran = kernel.template("answer", **step["parameters"])
    assert ran.error is None, ran.error
    (answer,) = ran.of("answer", "descriptive")
    wanted = TABLES["parts"].merge(TABLES["suppliers"], on="supplier_id").groupby("country")["stock"].sum()
    assert answer.params["groups"] == {k: float(v) for k, v in wanted.sort_values(ascending=False).items()}


DESK = File(
    "calls.csv",
    400,
    (
        Column("opened", "datetime64[us]", 390, low="2024-01-01", high="2024-06-30"),
        Column("agent", "str", 6, values=("Ana", "Bo", "Cy", "Dee", "Eli", "Fay")),
        Column("priority", "str", 3, values=("low", "high", "urgent")),
        Column("hours_to_close", "float64", 300, low=0.1, high=90.0),
        Column("amount", "float64", 390, low=1.0, high=900.0),
        Column("age", "int64", 60, low=18, high=90),
        Column("satisfaction", "int64", 5, low=1, high=5),
    ),
)


@pytest.mark.parametrize(
    "question",
    [
        "How many agents had only urgent calls?",
        "How many different agents had urgent and high calls?",
        "Number of agents with satisfaction below 2",  # each value, or the mean
        "How many hours was the satisfaction below 2?",
        "amount of the last call",
        "highest amount of the oldest",
        "urgent vs low satisfaction",
        "calls with an amount faster than 20",
        "calls on Monday mornings",
        "calls on Mondays and Fridays",
        "average amount of all but Ana",
        "median amount for each satisfaction except 5",
    ],
)
def test_a_word_that_turns_the_meaning_is_not_read_past(question: str) -> None:
    assert not isinstance(understand(question, DESK), Asked)


@pytest.mark.parametrize(
    ("question", "order", "where", "by"),
    [
        ("Which agent is the fastest at closing?", "lowest", [], "agent"),
        ("Which agent is slowest at closing?", "highest", [], "agent"),
        ("Which agent has the highest hours to close?", "highest", [], "agent"),
        ("total amount urgent vs low", None, [["priority", "in", ["urgent", "low"]]], "priority"),
        ("How many agents had urgent calls?", None, [["priority", "=", "urgent"]], ""),
    ],
)
def test_the_fastest_has_the_least_hours_and_versus_makes_groups(
    question: str, order: str | None, where: list[list[str]], by: str
) -> None:
    got = understand(question, DESK)
    assert isinstance(got, Asked), got
    assert (got.where, got.by) == (where, by)
    assert order is None or got.order == order


@pytest.mark.parametrize(
    ("question", "where", "having"),
    [
        ("How many agents took fewer than 80 calls?", [], [["<", 80.0]]),  # calls, and not hours to close
        ("How many different agents had no urgent call?", [["priority", "=", "urgent"]], [["=", 0.0]]),
        ("Which agents had between 5 and 9 calls in May?", [["opened", "in", "month 5"]], [[">=", 5.0], ["<=", 9.0]]),
    ],
)
def test_groups_are_limited_by_the_number_of_their_rows(
    question: str, where: list[object], having: list[object]
) -> None:
    got = understand(question, DESK)
    assert isinstance(got, Asked), got
    assert (got.aggregate, got.by, got.where, got.having) == ("count", "agent", where, having)


@pytest.mark.parametrize(
    "question",
    [
        "Is Ana a better agent than Bo?",
        "Is it raining more when people call less?",
        "Are urgent calls dearer than low ones, and by how much?",
        "Which agent would save most with a robot?",
    ],
)
def test_what_the_tests_cannot_answer_is_refused_and_not_left_to_them(question: str) -> None:
    assert isinstance(understand(question, DESK), Refused)


@pytest.mark.parametrize("question", ["Does the priority matter for the amount?", "Do urgent calls have more hours?"])
def test_whether_columns_go_together_is_left_to_the_tests_or_told_as_a_number(question: str) -> None:
    assert not isinstance(understand(question, DESK), Refused)


SENT = File(
    "orders.csv",
    400,
    (
        Column("order_date", "datetime64[us]", 390, low="2024-01-01", high="2024-06-30"),
        Column("delivery_date", "datetime64[us]", 390, low="2024-01-05", high="2024-07-30"),
        Column("status", "str", 3, values=("delivered", "open", "returned")),
    ),
)


def test_rows_are_dated_by_their_own_time_unless_what_is_said_has_another() -> None:
    got = understand("How many orders were returned in March 2024?", SENT)
    assert isinstance(got, Asked), got
    assert ["order_date", "in", "2024-03"] in got.where
    assert isinstance(understand("How many orders were delivered in March 2024?", SENT), Refused)


LESSONS = File(
    "pupils.csv",
    400,
    (
        Column("lesson_id", "int64", 400, low=1000, high=1399),
        Column("held", "datetime64[us]", 390, low="2021-01-01", high="2023-06-30"),
        Column("Subject", "str", 3, values=("Art", "Maths", "Music")),
        Column("Age", "int64", 40, low=6, high=50),
        Column("Study Hours per Week", "float64", 80, low=0.0, high=9.0),
        Column("score", "float64", 300, low=0.0, high=100.0),
    ),
)


@pytest.mark.parametrize(
    ("question", "aggregate", "measure", "where", "periods"),
    [
        ("hello, mean study hours in Art, thanks", "mean", "Study Hours per Week", [["Subject", "=", "Art"]], []),
        ("score of lesson 1042", "summary", "score", [["lesson_id", "=", 1042.0]], []),
        ("mean age where score is above 4 but below 6", "mean", "Age", [["score", ">", 4.0], ["score", "<", 6.0]], []),
        ("mean score in 2022 vs 2021", "change", "score", [], ["2021", "2022"]),
        ("mean age with study hours per week over 90 minutes", "mean", "Age", [["Study Hours per Week", ">", 1.5]], []),
        ("mean score of students over 20 years", "mean", "score", [["Age", ">", 20.0]], []),
    ],
)
def test_rows_by_their_number_bounds_on_both_sides_and_two_years_are_read(
    question: str, aggregate: str, measure: str, where: list[list[object]], periods: list[str]
) -> None:
    got = understand(question, LESSONS)
    assert isinstance(got, Asked), got
    assert (got.aggregate, got.measure, got.where, got.periods) == (aggregate, measure, where, periods)


@pytest.mark.parametrize(
    "question",
    [
        "total study hours",  # hours a week add up to no total
        "mean score of lesson 9",  # there is none
        "mean score above 60 but below 40",
        "mean score by subject in 2022 vs 2021",
        "mean score in 2021 vs 2022 vs 2023",
        "whose lessons score the most",
        "mean score before 2022 vs 2023",
        "how many lessons before lesson 1042",
        "mean score of lessons in Art, not Music",
        "how many lessons can Art hold",
        "mean score of lessons over 20 years",
    ],
)
def test_what_may_mean_something_else_is_still_refused(question: str) -> None:
    assert not isinstance(understand(question, LESSONS), Asked)
