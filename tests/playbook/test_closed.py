"""Closed questions: each is read as what it asks for, or refused; and the answers are those that pandas gives."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from graphs import look
from graphs.models.base import Message
from graphs.models.playbook.closed import Asked, Refused, questions, understand
from graphs.models.playbook.facts import Column, File, read

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def tables() -> dict[str, pd.DataFrame]:
    """Eight tables of different fields, all made up."""
    r = np.random.default_rng(5)
    out = dict[str, pd.DataFrame]()
    n = 600
    sex, grade = r.choice(["male", "female"], n, p=[0.6, 0.4]), r.choice([1, 2, 3], n, p=[0.25, 0.2, 0.55])
    out["titanic"] = pd.DataFrame(
        {
            "PassengerId": range(1, n + 1),
            "Survived": (r.random(n) < np.where(sex == "female", 0.72, 0.2)).astype(int),
            "Pclass": grade,
            "Name": [f"Person {i:03d}" for i in range(n)],
            "Sex": sex,
            "Age": np.where(r.random(n) < 0.2, np.nan, r.integers(1, 80, n)),
            "SibSp": r.integers(0, 4, n),
            "Fare": (r.lognormal(3, 0.6, n) * (4 - grade)).round(2),
            "Embarked": r.choice(["S", "C", "Q"], n),
        }
    )
    n = 900
    city = r.choice(["New York", "Boston", "Chicago", "Denver", "Seattle", "Austin", "Miami"], n)
    quantity, price = r.integers(1, 9, n), r.choice([9.5, 20, 35.25, 80], n)
    east, middle = np.isin(city, ["New York", "Boston", "Miami"]), np.isin(city, ["Chicago", "Austin"])
    out["orders"] = pd.DataFrame(
        {
            "order_id": range(1000, 1000 + n),
            "order_date": pd.to_datetime("2022-01-01") + pd.to_timedelta(r.integers(0, 730, n), "D"),
            "customer_id": r.integers(1, 200, n),
            "region": np.where(east, "East", np.where(middle, "Central", "West")),
            "city": city,
            "category": r.choice(["Office Supplies", "Furniture", "Technology"], n),
            "product": r.choice(["Chair", "Desk", "Paper", "Phone", "Laptop", "Stapler"], n),
            "quantity": quantity,
            "unit_price": price,
            "revenue": (quantity * price).round(2),
            "discount_pct": r.choice([0, 5, 10], n),
            "returned": r.choice(["Yes", "No"], n, p=[0.1, 0.9]),
            "status": r.choice(["shipped", "pending", "cancelled"], n),
        }
    )
    n = 300
    out["employees"] = pd.DataFrame(
        {
            "employee_id": [f"E{i:04d}" for i in range(n)],
            "name": [f"Emp {i}" for i in range(n)],
            "gender": r.choice(["M", "F"], n),
            "age": r.integers(20, 65, n),
            "department": r.choice(["Sales", "Engineering", "HR", "Marketing"], n),
            "job_title": r.choice(["Manager", "Analyst", "Engineer"], n),
            "salary": r.integers(30_000, 150_000, n),
            "hire_date": pd.to_datetime("2010-01-01") + pd.to_timedelta(r.integers(0, 5000, n), "D"),
            "performance_score": r.integers(1, 6, n),
            "remote": r.random(n) < 0.4,
        }
    )
    n = 800
    out["churn"] = pd.DataFrame(
        {
            "customer_id": range(n),
            "region": r.choice(["north", "south", "east", "west"], n),
            "plan": r.choice(["basic", "pro", "enterprise"], n),
            "tenure_months": r.integers(1, 72, n),
            "monthly_charges": r.normal(60, 15, n).round(2),
            "support_calls": r.poisson(2, n),
            "churned": r.choice(["yes", "no"], n, p=[0.25, 0.75]),
            "satisfaction": np.where(r.random(n) < 0.05, np.nan, r.integers(1, 6, n)),
            "senior_citizen": r.integers(0, 2, n),
        }
    )
    days = pd.date_range("2021-01-01", "2023-12-31")
    n = len(days)
    out["weather"] = pd.DataFrame(
        {
            "date": days,
            "station": "A1",
            "temp_c": (12 + 9 * np.sin((days.day_of_year - 110) / 58) + r.normal(0, 3, n)).round(1),
            "rainfall_mm": np.where(r.random(n) < 0.6, 0, r.exponential(5, n)).round(1),
            "wind_kmh": r.gamma(4, 4, n).round(1),
            "condition": r.choice(["sunny", "cloudy", "rainy", "snowy"], n),
        }
    )
    n = 250
    out["movies"] = pd.DataFrame(
        {
            "title": [f"Film {i}" for i in range(n)],
            "director": r.choice(["Nolan", "Scott", "Campion", "Gerwig", "Lee"], n),
            "genre": r.choice(["Drama", "Comedy", "Action", "Horror"], n),
            "release_year": r.integers(1980, 2024, n),
            "runtime_min": r.integers(80, 190, n),
            "rating": r.normal(6.5, 1, n).round(1),
            "votes": r.integers(100, 90_000, n),
            "budget_musd": r.lognormal(3, 1, n).round(1),
            "country": r.choice(["USA", "UK", "France"], n),
        }
    )
    n = 400
    out["houses"] = pd.DataFrame(
        {
            "price": r.integers(90, 900, n) * 1000,
            "living_area_m2": r.integers(40, 300, n),
            "bedrooms": r.integers(1, 6, n),
            "bathrooms": r.integers(1, 4, n),
            "neighborhood": r.choice(["Old Town", "Riverside", "Hillcrest"], n),
            "year_built": r.integers(1900, 2022, n),
            "has_garden": r.choice([True, False], n),
            "condition": r.choice(["poor", "fair", "good"], n),
        }
    )
    n = 300
    out["shop"] = pd.DataFrame(
        {
            "order_date": pd.to_datetime("2021-01-01") + pd.to_timedelta(r.integers(0, 1000, n), "D"),
            "region": r.choice(["North", "South", "West"], n),
            "product": r.choice(["Chair", "Table", "Lamp"], n),
            "buyer": r.choice(["single", "family"], n),
            "price": r.normal(90, 20, n).round(2),
            "discount": r.choice([0, 5, 10], n),
            "returned": r.choice(["yes", "no"], n, p=[0.1, 0.9]),
            "paid": r.choice(["ja", "nein"], n),
        }
    )
    return out


TABLES = tables()


def file_of(name: str, question: str) -> File:
    """What the cell that describes the columns says of a table, read as the playbook reads it."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(look.describe(question), {"tables": {f"{name}.csv": TABLES[name]}})
    return read([Message(role="user", content=f"```json\n{printed.getvalue()}```")]).files[0]


def short(asked: Asked) -> str:
    """A question understood, as one line."""

    def told(conditions: list[list[Any]]) -> str:
        return "; ".join(f"{column} {op} {value}" for column, op, value in conditions)

    parts = [
        asked.aggregate,
        asked.measure,
        asked.other and f"~{asked.other}",
        asked.by and f"by {asked.by}{asked.grain and f':{asked.grain}'}",
        asked.also_by and f"and {asked.also_by}{asked.also_grain and f':{asked.also_grain}'}",
        asked.periods and f"from {' to '.join(asked.periods)}",
        "" if asked.by else asked.grain and f":{asked.grain}",
        asked.hits and f"hits[{told(asked.hits)}]",
        asked.where and f"where[{told(asked.where)}]",
        asked.having and f"having[{told([['', *limit] for limit in asked.having])}]",
        asked.order,
        asked.limit and str(asked.limit),
        asked.place and f"place {asked.place}",
        asked.named_by and f"show {asked.named_by}",
    ]
    return " ".join(p for p in parts if p)


def cases() -> list[tuple[str, str, str]]:
    """The table, the question and what is to be computed, from the text beside this file."""
    found, table = list[tuple[str, str, str]](), ""
    for line in Path(__file__).with_name("closed.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            table = line[1:]
        elif " => " in line:
            question, wanted = line.split(" => ")
            found.append((table, question, wanted))
    return found


def test_questions_are_read_as_what_they_ask_or_refused() -> None:
    wrong, answered, refused = list[str](), 0, 0
    for table, question, wanted in cases():
        got = understand(question, file_of(table, question))
        said = short(got) if isinstance(got, Asked) else "–"
        answered, refused = answered + (said != "–"), refused + (said == "–")
        if said != wanted:
            wrong.append(f"{table}: {question}\n  wanted {wanted}\n  got    {said}")
    assert not wrong, "\n".join(wrong)
    assert answered >= 80
    assert refused >= 40


@pytest.mark.parametrize(
    "question",
    [
        "Does age predict fare?",
        "Why did women survive more often?",
        "Which factors matter most for survival?",
        "What drives the fare?",
        "How could the mean fare change?",
    ],
)
def test_open_questions_are_left_to_the_tests(question: str) -> None:
    assert understand(question, file_of("titanic", question)) is None


def test_a_refusal_names_what_is_not_clear() -> None:
    for table, question, reason in (
        ("titanic", "What is the mean cabin of women?", "“cabin” is no column or value of this table"),
        ("movies", "What is the average of the horror?", "not this way of putting them together"),
        ("employees", "median age of engineers", "“engineers” is a value of department or job_title"),
        ("orders", "What percentage of customers returned an order?", "several rows"),
        ("shop", "Wat is the avrage price in the North?", "“What is the average price in the North” may be meant"),
        ("shop", "what is the profit margin by region?", "“profit” is no column"),
        ("shop", "what will the mean price be next year?", "what is still to come"),
        ("shop", "Durchschnittlicher price je region", "in English only"),
        ("shop", "mean price last year", "“last year” is counted from today"),
        ("shop", "is the average price above 50?", "ask for the number itself"),
    ):
        got = understand(question, file_of(table, question))
        assert isinstance(got, Refused)
        assert reason in got.why


def test_a_word_that_points_back_to_another_answer_is_not_taken_for_the_table() -> None:
    question = "how many orders does it have"
    file = file_of("shop", question)
    assert isinstance(understand(question, file), Asked)
    got = understand(question, file, follows=True)
    assert isinstance(got, Refused)
    assert "“it”" in got.why


def test_a_compound_question_is_taken_apart_where_a_question_begins() -> None:
    assert questions("What is the mean fare of men and women in first class, and why? How many rows are there?") == [
        "What is the mean fare of men and women in first class",
        "why",
        "How many rows are there",
    ]
    assert questions("How many passengers survived and were in first class?") == [
        "How many passengers survived and were in first class"
    ]


def test_answers_are_those_that_pandas_gives(kernel: Kernel, table: Writer) -> None:
    titanic, orders, weather = TABLES["titanic"], TABLES["orders"], TABLES["weather"]
    women = titanic[titanic.Sex == "female"]
    by_city = orders.groupby("city")["revenue"].sum().sort_values(ascending=False)
    apart = women["Fare"].mean() - titanic[titanic.Sex == "male"]["Fare"].mean()
    wanted: list[tuple[str, str, float | None, str]] = [
        ("titanic", "mean fare of women in first class", women[women.Pclass == 1]["Fare"].mean(), "95 % CI"),
        ("titanic", "What percentage of women survived?", women["Survived"].mean(), "of the 213 rows"),
        ("titanic", "What is the difference in average fare between women and men?", apart, "for female than for male"),
        ("titanic", "correlation between age and fare", titanic["Age"].corr(titanic["Fare"]), "have no value there"),
        ("titanic", "Who is the youngest passenger?", titanic["Age"].min(), "share the last place"),
        ("orders", "top 5 cities by total revenue", by_city.iloc[0], f"{by_city.index[0]} ("),
        (
            "orders",
            "what is the median quantity sold in Boston in 2022",
            None,
            "where city is Boston and order date is in",
        ),
        ("orders", "What share of revenue comes from the West?", None, "of the total revenue"),
        ("orders", "How many orders were placed in March?", (orders.order_date.dt.month == 3).sum(), "8."),
        ("orders", "total revenue in 2031", None, "No row of 900"),
        ("weather", "which month has the highest average temperature", None, "July ("),
        ("weather", "How many days did the temperature exceed 25?", (weather.temp_c > 25).sum(), "different values"),
    ]
    files = {name: table(name, TABLES[name]) for name in ("titanic", "orders", "weather")}
    for name, question, value, words in wanted:
        asked = understand(question, file_of(name, question))
        assert isinstance(asked, Asked), question
        ran = kernel.template("answer", data=files[name], question=question, **vars(asked))
        assert ran.error is None, (question, ran.error)
        (answer,) = ran.of("answer", "descriptive")
        assert words in answer.text, answer.text
        if value is not None:
            assert answer.params["value"] == pytest.approx(value, rel=1e-5), (question, answer.text)


@pytest.mark.parametrize(
    ("said", "column"), [("co2", "co2"), ("CO2", "co2"), ("x1", "x1"), ("pm25 level", "pm25_level")]
)
def test_a_name_that_ends_in_digits_is_a_name(said: str, column: str) -> None:
    numbers = [Column(name, "float64", 90, low=0.0, high=9.0) for name in ("co2", "x1", "x2", "pm25_level")]
    days = Column("date", "datetime64[us]", 90, low="2001-01-01", high="2001-03-31")
    asked = understand(f"Which month has the highest average {said}?", File("air.csv", 90, (days, *numbers)))
    assert isinstance(asked, Asked), asked
    assert (asked.measure, asked.by, asked.aggregate) == (column, "date", "mean")
