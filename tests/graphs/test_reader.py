"""The English reader: what a question says becomes a query, and what it does not understand is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest

from graphs.questions.compile import compile as compiled
from graphs.questions.expressions import NotComputable
from graphs.questions.query import AnyOf, Condition, DropMissing, Fill, Measure, Query, RemoveOutliers, Scalar
from graphs.questions.reader import read


def described(name: str, table: pd.DataFrame) -> dict[str, Any]:
    """What `look.describe` prints of a table, as far as the reader looks."""
    columns = []
    for column in table.columns:
        values = table[column].dropna()
        numbers = values.dtype.kind in "iufM"
        fact: dict[str, Any] = {"name": str(column), "dtype": str(table[column].dtype), "n_unique": values.nunique()}
        fact |= {"n_missing": int(table[column].isna().sum()), "examples": [str(v) for v in values.unique()[:5]]}
        if values.nunique() <= (12 if numbers else 40):
            fact["values"] = sorted(str(v) for v in values.unique())
        if len(values) and (numbers or "date" in fact["dtype"]):
            low, high = values.min(), values.max()
            fact |= {"min": str(low), "max": str(high)} if "date" in fact["dtype"] else {"min": low, "max": high}
        columns.append(fact)
    return {"name": name, "rows": len(table), "sampled": False, "columns": columns}


@pytest.fixture(scope="module")
def penguins() -> list[dict[str, Any]]:
    return [described("penguins.csv", pd.read_csv("examples/penguins.csv"))]


@pytest.fixture(scope="module")
def shop() -> list[dict[str, Any]]:
    n = 60
    table = pd.DataFrame(
        {
            "order_id": range(1000, 1000 + n),
            "ordered_on": [f"2023-{1 + i % 12:02d}-{1 + i % 27:02d}" for i in range(n)],
            "region": [["North", "South", "West"][i % 3] for i in range(n)],
            "channel": [["web", "phone"][i % 2] for i in range(n)],
            "net_revenue": [100.5 + 7 * i for i in range(n)],
            "unit_cost": [10.25 + i for i in range(n)],
            "returned": [["yes", "no"][i % 2] for i in range(n)],
        }
    )
    return [described("orders.csv", table)]


def one(question: str, tables: Sequence[Mapping[str, Any]]) -> Query:
    """The only query of a question."""
    reading = read(question, tables)
    assert len(reading.queries) == 1, reading
    query = reading.queries[0]
    assert query is not None, reading.why_not
    return query


def told(query: Query) -> set[tuple[str, str | None]]:
    """The statistics of a query and their columns."""
    return {(m.op, m.of) for m in query.measures}


def test_statistics_and_columns_are_multiplied(penguins: list[dict[str, Any]]) -> None:
    query = one("What are the mean and the median of bill length and body mass?", penguins)
    assert told(query) == {(op, of) for op in ("mean", "median") for of in ("bill_length_mm", "body_mass_g")}


def test_a_condition_in_the_second_sentence_counts(shop: list[dict[str, Any]]) -> None:
    query = one("Calculate the average net revenue.\nOnly consider orders in the North with unit cost above 20.", shop)
    assert told(query) == {("mean", "net_revenue")}
    assert set(query.where) == {
        Condition(left="region", op="=", right="North"),
        Condition(left="unit_cost", op=">", right=20),
    }


def test_groups_are_named_by_what_stands_behind_by(shop: list[dict[str, Any]]) -> None:
    query = one("Total net revenue by region and channel", shop)
    assert [g.of for g in query.group_by] == ["region", "channel"]
    assert told(query) == {("sum", "net_revenue")}


def test_an_unknown_word_that_would_change_the_rows_is_not_passed_over(shop: list[dict[str, Any]]) -> None:
    for question, word in [
        ("What is the average net revenue by department?", "department"),
        ("What is the mean salary?", "salary"),
        ("What is the average net revenue of orders that were refunded?", "refunded"),
        ("What is the mean net revenue in Berlin?", "Berlin"),
    ]:
        reading = read(question, shop)
        assert reading.queries == (None,), question
        assert word in reading.why_not[0]


def test_a_rule_for_a_verdict_is_no_condition_of_rows(penguins: list[dict[str, Any]]) -> None:
    query = one(
        "Is there a correlation between bill length and bill depth?\nReport the p-value. If the p-value is less than "
        "0.05 and the absolute value of r is at least 0.5, call it linear. Otherwise, report that there is no clear "
        "relationship.",
        penguins,
    )
    assert query.intent == "relate"
    assert not query.where
    assert [v.when for v in query.verdicts] == ["p_value < 0.05 and abs(r) >= 0.5", ""]
    assert [v.then for v in query.verdicts] == ["linear", "no clear relationship"]
    (measure,) = query.measures
    assert {measure.of, measure.other} == {"bill_length_mm", "bill_depth_mm"}
    assert measure.with_p


def test_a_number_may_be_compared_with_one_that_is_computed_first(shop: list[dict[str, Any]]) -> None:
    query = one("How many orders have a unit cost greater than the average unit cost?", shop)
    (condition,) = query.where
    assert isinstance(condition, Condition)
    assert condition.right == Scalar(query=Query(measures=(Measure(op="mean", of="unit_cost"),)))
    assert told(query) == {("count", None)}


def test_steps_come_in_order_and_are_no_statistics(shop: list[dict[str, Any]]) -> None:
    query = one(
        "Fill the missing values of unit cost with the median. Remove outliers in net revenue by the IQR method. "
        "Then calculate the standard deviation of net revenue.",
        shop,
    )
    fill, outliers = query.prepare
    assert isinstance(fill, Fill)
    assert (fill.columns, fill.how) == (("unit_cost",), "median")
    assert isinstance(outliers, RemoveOutliers)
    assert outliers.columns == ("net_revenue",)
    assert told(query) == {("std", "net_revenue")}


def test_a_column_that_the_question_makes_can_be_asked_for(shop: list[dict[str, Any]]) -> None:
    query = one(
        'Create a new column called "margin" as the difference between net revenue and unit cost. '
        "What is its mean by region?",
        shop,
    )
    (derive,) = query.prepare
    assert derive.model_dump()["expr"] == "net_revenue - unit_cost"
    assert told(query) == {("mean", "margin")}
    written = one('Create a column "cost_share" = unit_cost / net_revenue * 100 and give its mean.', shop)
    assert [s.model_dump()["expr"] for s in written.prepare] == ["unit_cost / net_revenue * 100"]


def test_rows_without_a_value_are_left_out_where_that_is_said(penguins: list[dict[str, Any]]) -> None:
    query = one("Mean body mass per species.\nIgnore rows with missing values in the sex column.", penguins)
    assert query.prepare == (DropMissing(columns=("sex",)),)
    assert told(query) == {("mean", "body_mass_g")}
    assert [g.of for g in query.group_by] == ["species"]


def test_the_first_of_groups_and_the_first_of_rows(shop: list[dict[str, Any]]) -> None:
    groups = one("Which region has the highest average unit cost?", shop)
    assert (groups.limit, groups.order[0].descending) == (1, True)
    assert [g.of for g in groups.group_by] == ["region"]
    assert told(groups) == {("mean", "unit_cost")}


def test_yes_and_no_columns_are_conditions_where_they_are_said_of_rows(shop: list[dict[str, Any]]) -> None:
    query = one("What share of web orders were returned?", shop)
    assert query.where == (Condition(left="channel", op="=", right="web"),)
    (measure,) = query.measures
    assert (measure.op, measure.where) == ("share", (Condition(left="returned", op="=", right="yes"),))


def test_a_length_of_time_is_made_of_its_two_ends(shop: list[dict[str, Any]]) -> None:
    (table,) = shop
    shipped = dict(table["columns"][1], name="shipped_on")
    tables = [{**table, "columns": [*table["columns"], shipped]}]
    for question in ("What is the average delivery time by region?", "How long does shipping take by region?"):
        query = one(question, tables)
        (derive,) = query.prepare
        assert derive.model_dump()["expr"] == "days(ordered_on, shipped_on)"
        (measure,) = query.measures
        assert (measure.op, measure.of) == ("mean", f"`{derive.name}`" if " " in derive.name else derive.name)


def test_a_statistic_that_is_not_named_is_chosen_and_the_other_one_told(shop: list[dict[str, Any]]) -> None:
    reading = read("net revenue by region", shop)
    (query,) = reading.queries
    assert query is not None
    assert told(query) == {("sum", "net_revenue")}
    assert any("sum" in note for note in query.notes)
    ((part, said, other),) = reading.others
    assert part == 0
    assert "mean" in said
    assert told(other) == {("mean", "net_revenue")}


def test_two_values_of_one_column_that_are_compared_are_groups(shop: list[dict[str, Any]]) -> None:
    query = one("Is the return rate higher for web than for phone?", shop)
    assert [g.of for g in query.group_by] == ["channel"]
    assert [m.op for m in query.measures] == ["share"]


def test_why_asks_for_the_change_to_the_period_before(shop: list[dict[str, Any]]) -> None:
    query = one("Why did net revenue fall in March 2023?", shop)
    assert query.intent == "why_changed"
    assert query.compare is not None
    assert (query.compare.first, query.compare.second) == ("2023-03", "2023-02")
    assert not query.where


def test_a_forecast_says_how_many_periods_of_which_length(shop: list[dict[str, Any]]) -> None:
    query = one("What will net revenue be in the next six months?", shop)
    assert (query.intent, query.periods, query.group_by[0].grain) == ("forecast", 6, "month")


def test_a_period_that_cannot_be_placed_is_not_passed_over(shop: list[dict[str, Any]]) -> None:
    reading = read("What was the average net revenue over the last 6 months?", shop)
    assert reading.queries == (None,)
    assert "last 6 months" in reading.why_not[0]


def test_numbers_are_compared_in_the_unit_of_the_column(penguins: list[dict[str, Any]]) -> None:
    query = one("How many penguins are heavier than 4 kg?", penguins)
    assert query.where == (Condition(left="body_mass_g", op=">", right=4000),)


def test_a_model_takes_its_target_split_and_measure_from_all_sentences(shop: list[dict[str, Any]]) -> None:
    query = one(
        "Build a linear regression to predict net revenue based on unit cost.\nUse 70% of the rows for training, 30% "
        "for testing with a random state of 7. Report the MAE.",
        shop,
    )
    assert query.model is not None
    assert (query.model.target, query.model.features) == ("net_revenue", ("unit_cost",))
    assert (query.model.test_size, query.model.seed, query.model.metrics) == (0.3, 7, ("mae",))


def test_a_fragment_changes_the_query_before_it(penguins: list[dict[str, Any]]) -> None:
    first = one("What is the mean body mass of Adelie penguins?", penguins)
    for fragment, check in [
        ("only females", lambda q: Condition(left="sex", op="=", right="female") in q.where and len(q.where) == 2),
        ("what about Gentoo?", lambda q: q.where == (Condition(left="species", op="=", right="Gentoo"),)),
        ("as a median", lambda q: told(q) == {("median", "body_mass_g")} and q.where == first.where),
        ("as a mean", lambda q: (q.measures, q.where) == (first.measures, first.where)),
        ("by island", lambda q: [g.of for g in q.group_by] == ["island"] and q.measures == first.measures),
    ]:
        (query,) = read(fragment, penguins, previous=first).queries
        assert query is not None, fragment
        assert check(query), (fragment, query)


def test_other_groups_of_a_chart_stand_along_its_axis(penguins: list[dict[str, Any]]) -> None:
    (bars,) = read("plot it by species", penguins, previous=one("What is the mean body mass?", penguins)).queries
    (other,) = read("by island", penguins, previous=bars).queries
    assert other
    assert other.chart
    assert (other.chart.x, [g.of for g in other.group_by]) == ("island", ["island"])
    points = one("Plot bill length against bill depth", penguins)
    (coloured,) = read("by island", penguins, previous=points).queries
    assert coloured
    assert coloured.chart
    assert points.chart
    assert (coloured.chart.x, coloured.chart.colour) == (points.chart.x, "island")


def test_a_statistic_of_no_known_column_is_no_number_of_rows(shop: list[dict[str, Any]]) -> None:
    (table,) = shop
    without = [{**table, "columns": [c for c in table["columns"] if c["name"] not in ("net_revenue", "unit_cost")]}]
    assert read("What is the average order value in the North?", without).queries == (None,)
    assert told(one("What is the average order value in the North?", shop)) == {("mean", "net_revenue")}
    assert one("What is the total number of orders in the North?", shop).measures == (Measure(op="count"),)


def test_a_question_of_its_own_does_not_change_the_one_before(penguins: list[dict[str, Any]]) -> None:
    first = one("What is the mean body mass of Adelie penguins?", penguins)
    (query,) = read("What is the median bill length by island?", penguins, previous=first).queries
    assert query is not None
    assert told(query) == {("median", "bill_length_mm")}
    assert not query.where


def test_a_part_that_is_not_understood_leaves_the_others_answered(shop: list[dict[str, Any]]) -> None:
    reading = read("What is the mean unit cost by region? How many orders were refunded?", shop)
    first, second = reading.queries
    assert first is not None
    assert told(first) == {("mean", "unit_cost")}
    assert second is None
    assert "refunded" in reading.why_not[1]


def test_a_part_that_points_back_to_what_is_not_understood_is_not_answered(shop: list[dict[str, Any]]) -> None:
    reading = read("How many orders were refunded? What is their mean unit cost?", shop)
    assert reading.queries == (None,)


ORDERS = [
    {
        "name": "orders.csv",
        "rows": 2878,
        "columns": [
            {"name": "order_id", "dtype": "int64", "n_unique": 2878, "examples": [1, 2, 3], "min": 0, "max": 2999},
            {"name": "order_date", "dtype": "datetime64[us]", "n_unique": 717, "examples": ["2023-01-05"],
             "min": "2023-01-01 00:00:00", "max": "2024-12-30 00:00:00"},
            {"name": "region", "dtype": "str", "n_unique": 3, "values": ["Georgia", "North", "West"]},
            {"name": "weight_g", "dtype": "float64", "n_unique": 900, "examples": [1.5], "min": 1.0, "max": 9000.0},
            {"name": "revenue_eur", "dtype": "float64", "n_unique": 48, "examples": [40.0], "min": 40.0, "max": 1620.0},
            {"name": "returned", "dtype": "str", "n_unique": 2, "values": ["no", "yes"], "examples": ["no"]},
        ],
    }
]  # fmt: skip


def of_orders(question: str):
    (query,) = read(question, ORDERS).queries
    return query


def test_a_unit_s_letter_in_a_name_is_no_beginning_of_a_value():
    query = of_orders("What is the mean weight of Georgia orders?")
    assert [(w.left, w.right) for w in query.where] == [("region", "Georgia")]


@pytest.mark.parametrize(
    "question", ["Which region has the lowest return rate?", "Which region is returned most often?"]
)
def test_a_column_of_yes_and_no_gives_rates(question):
    query = of_orders(question)
    (measure,) = query.measures
    assert (measure.op, measure.where[0].left, measure.where[0].right) == ("share", "returned", "yes")
    assert (query.group_by[0].of, query.limit) == ("region", 1)


def test_a_time_says_which_rows_are_meant_and_not_which_of_them_count():
    query = of_orders("Return rate by region in 2024")
    assert query.measures[0].where[0].left == "returned"
    assert [(w.op, w.right) for w in query.where] == [("during", "2024")]


def test_a_comparative_is_of_its_own_column_or_asks_by_which():
    assert of_orders("Are orders from the North heavier than those from the West?").measures[0].of == "weight_g"
    assert read("Is the North better than the West?", ORDERS).queries == (None,)


def test_two_periods_are_compared():
    query = of_orders("How did revenue change from 2023 to 2024 by region?")
    assert (query.intent, query.compare.second, query.compare.first) == ("compare", "2023", "2024")
    assert [g.of for g in query.group_by] == ["region"]


def test_recent_times_are_counted_from_the_table_s_own_end():
    query = of_orders("total revenue in the last 3 months")
    assert [(w.op, w.right) for w in query.where] == [(">", "2024-09-28")]
    assert "counted from the last day of the table" in query.notes[0]


@pytest.fixture(scope="module")
def customers() -> dict[str, Any]:
    table = pd.DataFrame({"customer_id": range(1, 31), "city": [["Oslo", "Rome"][i % 2] for i in range(30)]})
    return described("customers.csv", table) | {"fits": ["customer_id", "customer_id"]}


@pytest.fixture(scope="module")
def bought(shop: list[dict[str, Any]], customers: dict[str, Any]) -> list[dict[str, Any]]:
    facts = {"name": "customer_id", "dtype": "int64", "n_unique": 30, "n_missing": 0, "examples": ["1", "2"]}
    return [shop[0] | {"columns": [*shop[0]["columns"], facts]}, customers]


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ("What is the average net revenue of returned orders by region?", [("returned", "=", "yes")]),
        ("What share of the orders from the North were returned?", [("region", "=", "North")]),
        ("How many orders have no channel?", [("channel", "missing", None)]),
    ],
)
def test_a_participle_and_a_lack_are_conditions(
    shop: list[dict[str, Any]], question: str, where: list[tuple[str, str, Any]]
) -> None:
    assert [(w.left, w.op, w.right) for w in one(question, shop).where if isinstance(w, Condition)] == where


def test_a_yes_no_question_that_compares_has_both_sides_as_groups(shop: list[dict[str, Any]]) -> None:
    query = one("Do returned orders cost more per unit?", shop)
    assert ([g.of for g in query.group_by], query.where) == (["returned"], ())
    query = one("How does net revenue in the North compare to other regions?", shop)
    assert ([g.of for g in query.group_by], query.where, query.intent) == (["region"], (), "compare")


def test_what_is_named_and_used_by_no_query_leaves_the_question_open(shop: list[dict[str, Any]]) -> None:
    reading = read("What is the mean unit cost by region of the channel?", shop)
    assert reading.queries == (None,)
    assert "“channel”" in reading.why_not[0]


def test_columns_of_another_file_are_looked_up_by_the_key_that_fits(bought: list[dict[str, Any]]) -> None:
    query = one("What is the net revenue by city?", bought)
    assert (query.table, [j.file for j in query.joins]) == ("orders.csv", ["customers.csv"])
    assert any("many to one" in n for n in query.notes)
    assert one("How many customers are there in each city?", bought).table == "customers.csv"
    assert [j.file for j in one("How many orders come from Oslo?", bought).joins] == ["customers.csv"]
    assert one("Join the orders with the customers", bought).intent == "join"


def test_ids_are_counted_and_never_averaged(bought: list[dict[str, Any]]) -> None:
    assert told(one("How many different customers ordered in March 2023?", bought)) == {("distinct", "customer_id")}
    assert told(one("Which month has the most orders?", bought)) == {("count", None)}


def test_rows_that_repeat_are_counted(shop: list[dict[str, Any]]) -> None:
    assert told(one("Are there duplicate rows?", shop)) == {("duplicates", None)}


@pytest.mark.parametrize(
    "question",
    [
        "What is the average salary by age brackets?",
        "What is the salary per age for each department?",
        "Is the average salary above 60?",
    ],
)
def test_what_has_no_form_of_its_own_is_not_answered(staff: list[dict[str, Any]], question: str) -> None:
    assert read(question, staff).queries == (None,), read(question, staff).queries


@pytest.mark.parametrize("question", ["Describe the table", "What stands out here?", "Give me an overview of the data"])
def test_a_question_of_the_whole_table_describes_it(shop: list[dict[str, Any]], question: str) -> None:
    assert one(question, shop).intent == "describe"


def test_how_likely_a_value_is_asks_for_its_share_on_both_sides(penguins: list[dict[str, Any]]) -> None:
    people = pd.DataFrame({"sex": ["female", "male", "male", "female"] * 5, "outcome": ["hired", "rejected"] * 10})
    people["hire"] = people.pop("outcome")
    query = one("Were women less likely to be hired than men?", [described("people.csv", people)])
    assert [m.where for m in query.measures] == [(Condition(left="hire", op="=", right="hired"),)]
    assert [m.op for m in query.measures] == ["share"]
    assert [g.of for g in query.group_by] == ["sex"]


def test_cases_are_counted_where_a_row_stands_for_many() -> None:
    cells = [(a, b, c) for a in ("yes", "no") for b in ("female", "male") for c in ("A", "B", "C")]
    table = pd.DataFrame(cells, columns=["admitted", "sex", "dept"]).assign(Freq=range(7, 19))
    tables = [described("admissions.csv", table)]
    query = one("How many women are there?", tables)
    assert told(query) == {("sum", "Freq")}
    query = one("What is the share of women who were admitted?", tables)
    assert {(m.name, m.of) for m in query.measures} == {("part", "Freq"), ("whole", "Freq")}
    refused = read("Is there a relationship between sex and dept?", tables)  # a test of rows would tell of none
    assert refused.queries == (None,)
    assert "Freq" in refused.why_not[0]


def test_what_goes_with_a_column_asks_for_all_others(penguins: list[dict[str, Any]]) -> None:
    query = one("What goes with body mass?", penguins)
    assert query.intent == "relate"
    assert {m.of for m in query.measures} == {"body_mass_g"}
    assert {"flipper_length_mm", "bill_length_mm", "bill_depth_mm"} <= {m.other for m in query.measures}


def test_what_separates_groups_is_a_part_of_its_own_and_no_figure(penguins: list[dict[str, Any]]) -> None:
    reading = read("Does bill length predict bill depth, and what separates the species?", penguins)
    first, second = reading.queries
    assert first is not None
    assert first.model is not None
    assert first.model.target == "bill_depth_mm"
    assert second is None
    assert "groups apart" in reading.why_not[1]
    reading = read("Which measurements distinguish the species?", penguins)
    assert reading.queries == (None,)


def test_whether_something_recurs_is_not_answered_with_a_trend(shop: list[dict[str, Any]]) -> None:
    reading = read("Is there a cycle in revenue?", shop)
    assert reading.queries == (None,)
    assert "recurs" in reading.why_not[0]


@pytest.fixture(scope="module")
def staff() -> list[dict[str, Any]]:
    n = 40
    table = pd.DataFrame(
        {
            "employee_id": range(1, n + 1),
            "name": [f"Person {i}" for i in range(n)],
            "department": [["Sales", "HR"][i % 2] for i in range(n)],
            "age": [20 + i for i in range(n)],
            "salary": [30_000 + 500 * i for i in range(n)],
        }
    )
    return [described("staff.csv", table)]


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ("How many employees are under 30?", [("age", "<", 30)]),
        ("How many employees are between 30 and 40?", [("age", "between", (30, 40))]),
        ("What is the average salary of people older than 50?", [("age", ">", 50)]),
        ("What is the mean salary except for HR?", [("department", "!=", "HR")]),
        ("How many employees are not in Sales?", [("department", "!=", "Sales")]),
    ],
)
def test_a_number_by_itself_is_of_what_it_can_mean_and_a_denial_reaches_its_value(
    staff: list[dict[str, Any]], question: str, where: list[tuple[str, str, Any]]
) -> None:
    assert [(w.left, w.op, w.right) for w in one(question, staff).where if isinstance(w, Condition)] == where


def test_an_adjective_is_of_the_column_of_its_dimension(staff: list[dict[str, Any]]) -> None:
    query = one("Are older employees paid more?", staff)
    assert [(m.op, m.of, m.other) for m in query.measures] == [("correlation", "salary", "age")]
    assert told(one("How old are the employees on average?", staff)) == {("mean", "age")}
    assert read("How many employees are heavier than 80?", staff).queries == (None,)


def test_the_highest_of_rows_is_a_row_and_of_groups_a_group(staff: list[dict[str, Any]]) -> None:
    query = one("Who is the highest paid employee?", staff)
    assert (query.show, query.order[0].by, query.group_by) == (("employee_id", "name", "salary"), "salary", ())
    query = one("Which department earns the most?", staff)
    assert ([g.of for g in query.group_by], told(query)) == (["department"], {("mean", "salary")})


def test_groups_are_chosen_by_how_many_rows_they_have(bought: list[dict[str, Any]]) -> None:
    for question in ("How many customers bought more than once?", "How many customers have more than 1 order?"):
        query = one(question, bought)
        assert (query.table, [g.of for g in query.group_by], query.tell) == ("orders.csv", ["customer_id"], "number")
        assert [(h.left, h.op, h.right) for h in query.having] == [("count", ">", 1)]
    query = one("Which customers from Oslo ordered at least 3 times?", bought)
    assert (query.table, query.tell, query.having[0].right) == ("orders.csv", "all", 3)


@pytest.mark.parametrize("swapped", [False, True])
def test_rows_of_one_file_that_no_row_of_another_names(bought: list[dict[str, Any]], swapped: bool) -> None:
    tables = bought[::-1] if swapped else bought
    for question in ("How many customers have never ordered?", "customers without an order"):
        query = one(question, tables)
        assert (query.table, [j.file for j in query.joins]) == ("customers.csv", ["orders.csv"])
        assert query.where == (Condition(left="order_id", op="missing"),)
    assert read("How many customers have never complained?", tables).queries == (None,)


def test_an_amount_per_one_who_has_several_rows_is_a_ratio(bought: list[dict[str, Any]]) -> None:
    query = one("How much did the average customer spend?", bought)
    assert ({(m.op, m.of) for m in query.measures}, query.formulas[0].expr) == (
        {("sum", "net_revenue"), ("distinct", "customer_id")},
        "sum / distinct",
    )


def test_the_last_month_is_the_last_whole_one_and_is_told() -> None:
    query = of_orders("What was the total revenue last month?")
    assert [(w.op, w.right) for w in query.where] == [("during", "2024-12")]
    assert any("2024-12" in note and "2024-12-30" in note for note in query.notes)


def test_what_only_names_rows_is_not_averaged(bought: list[dict[str, Any]]) -> None:
    reading = read("What is the mean customer id?", bought)
    assert reading.queries == (None,)


def test_fragments_reorder_test_share_and_explain_the_query_before_them(
    staff: list[dict[str, Any]], penguins: list[dict[str, Any]]
) -> None:
    def after(fragment: str, previous: Query, tables: list[dict[str, Any]] = staff) -> Query:
        (query,) = read(fragment, tables, previous=previous).queries
        assert query is not None, fragment
        return query

    first = one("What is the average salary by department?", staff)
    lowest = after("and the lowest?", first)
    assert (lowest.order[0].descending, lowest.limit) == (False, 1)
    assert after("top 2 instead", lowest).limit == 2
    assert told(after("what about age?", first)) == {("mean", "age")}
    assert after("by age", lowest).order[0].by == "mean"
    tested = after("is that significant?", first)
    assert (tested.intent, tested.test.about if tested.test else "") == ("test", "means")
    assert told(after("as a share", one("How many employees are in each department?", staff))) == {("share", None)}
    assert (after("highest first", first).order[0].descending, after("highest first", first).limit) == (True, None)
    assert after("why?", first).intent == "drivers"
    (step,) = after("without outliers", first).prepare
    assert isinstance(step, RemoveOutliers)
    assert step.columns == ("salary",)
    pair = one("What is the correlation of bill length and bill depth?", penguins)
    assert after("is it significant?", pair, penguins).measures[0].with_p
    women = after("only females", one("What is the mean body mass by species?", penguins), penguins)
    assert after("and by sex?", women, penguins).where == (), "a group that is chosen is no group beside others"


def test_fragments_of_time_change_the_query_before_them(
    penguins: list[dict[str, Any]], shop: list[dict[str, Any]]
) -> None:
    def after(fragment: str, question: str, tables: list[dict[str, Any]]) -> Query:
        (query,) = read(fragment, tables, previous=one(question, tables)).queries
        assert query is not None, fragment
        return query

    mass, revenue = "What is the mean body mass by species?", "What is the mean net revenue by channel?"
    for fragment in ("what about 2008", "only 2008", "and in 2008?"):
        query = after(fragment, mass, penguins)
        assert (query.where, [g.of for g in query.group_by]) == (
            (Condition(left="year", op="=", right=2008),),
            ["species"],
        )
    for fragment in ("by year", "over the years", "over time"):
        query = after(fragment, mass, penguins)
        assert (told(query), [g.of for g in query.group_by]) == ({("mean", "body_mass_g")}, ["year"])
    over = after("over time", revenue, shop)
    assert (over.intent, told(over), over.group_by[0].of) == ("change", {("mean", "net_revenue")}, "ordered_on")
    assert after("over the years", revenue, shop).group_by[0].grain == "year"


def test_by_year_is_a_group_in_every_question(penguins: list[dict[str, Any]], shop: list[dict[str, Any]]) -> None:
    for tables, question, groups in (
        (penguins, "What is the mean body mass by year?", ["year"]),
        (penguins, "How many penguins are there by year and species?", ["year", "species"]),
        (penguins, "What is the trend of body mass by year?", ["year"]),
        (penguins, "What was the mean body mass over the years?", ["year"]),
        (shop, "What is the total net revenue by year and channel?", ["ordered_on", "channel"]),
    ):
        assert [g.of for g in one(question, tables).group_by] == groups, question


def test_all_values_of_a_column_are_groups(staff: list[dict[str, Any]]) -> None:
    query = one("What is the average salary in Sales and HR?", staff)
    assert ([g.of for g in query.group_by], query.where) == (["department"], ())


@pytest.mark.parametrize(
    "question",
    [
        "How many Danish customers are there?",
        "How many customers signed up in 2023?",
        "Which channel was never returned?",
    ],
)
def test_what_would_choose_other_rows_leaves_the_question_open(bought: list[dict[str, Any]], question: str) -> None:
    assert read(question, bought).queries == (None,)


@pytest.fixture(scope="module")
def rides() -> list[dict[str, Any]]:
    n = 60
    table = pd.DataFrame(
        {
            "ride_id": range(n),
            "passenger": [100 + i % 20 for i in range(n)],
            "line": [["Red", "Blue"][i % 2] for i in range(n)],
            "minutes": [5.5 + i % 37 for i in range(n)],
            "amount": [2.5 + i / 10 for i in range(n)],
        }
    )
    return [described("rides.csv", table)]


def test_what_says_its_measure_is_of_no_other_column(rides: list[dict[str, Any]]) -> None:
    assert one("What were the five longest rides?", rides).order[0].by == "minutes"
    assert told(one("How long is the average ride?", rides)) == {("mean", "minutes")}
    unmeasured = [rides[0] | {"columns": [c for c in rides[0]["columns"] if c["name"] != "minutes"]}]
    for question in ("What were the five longest rides?", "How long is the average ride?"):
        assert read(question, unmeasured).queries == (None,), question


@pytest.mark.parametrize(
    ("question", "where"),
    [
        ("How many passengers had two or more Red rides?", [("line", "=", "Red")]),
        ("How many different passengers rode at least twice?", []),
    ],
)
def test_those_with_so_many_rows_are_counted(
    rides: list[dict[str, Any]], question: str, where: list[tuple[str, str, Any]]
) -> None:
    query = one(question, rides)
    assert [(w.left, w.op, w.right) for w in query.where if isinstance(w, Condition)] == where
    assert ([g.of for g in query.group_by], query.having, query.tell) == (
        ["passenger"],
        (Condition(left="count", op=">=", right=2),),
        "number",
    )


@pytest.mark.parametrize("fragment", ["and for Red?", "what about Red?", "only those on Red"])
def test_a_fragment_asks_nothing_by_itself(rides: list[dict[str, Any]], fragment: str) -> None:
    assert read(fragment, rides).queries == (None,)


@pytest.mark.parametrize(
    ("said", "periods"),
    [
        ("on Mondays in April 2023", [["weekday 0"], ["2023-04"]]),
        ("on Mondays and Fridays", [["weekday 0", "weekday 4"]]),
        ("between January and March", [["month 1-3"]]),
        ("from November to February", [["month 11-12", "month 1-2"]]),
        ("in January and March 2023", [["2023-01", "2023-03"]]),
    ],
)
def test_times_of_one_kind_are_alternatives_and_of_two_hold_together(
    shop: list[dict[str, Any]], said: str, periods: list[list[str]]
) -> None:
    where = one(f"How many orders were there {said}?", shop).where
    ways = [[w] if isinstance(w, Condition) else [c for some in w.any_of for c in some] for w in where]
    assert [[c.right for c in some] for some in ways] == periods
    assert {c.op for some in ways for c in some} == {"during"}


def test_what_is_left_out_or_not_between_is_no_part_of_it(shop: list[dict[str, Any]]) -> None:
    query = one("What is the average net revenue, not counting phone orders?", shop)
    assert (told(query), query.where) == (
        {("mean", "net_revenue")},
        (Condition(left="channel", op="!=", right="phone"),),
    )
    (where,) = one("How many orders have a net revenue not between 200 and 300?", shop).where
    assert isinstance(where, AnyOf)
    assert [(c.op, c.right) for (c,) in where.any_of] == [("<", 200), (">", 300)]


@pytest.mark.parametrize(
    "question",
    [
        "What is the average net revenue when something was bought?",
        "How many orders were there on the first Monday of May?",
        "How many orders were placed in the evening?",
        "How many new orders came in March?",
        "How many orders were not placed in March?",
    ],
)
def test_a_condition_that_is_not_read_leaves_the_question_open(shop: list[dict[str, Any]], question: str) -> None:
    assert read(question, shop).queries == (None,)


@pytest.fixture(scope="module")
def visits() -> list[dict[str, Any]]:
    n = 90
    begins = pd.date_range("2024-01-01 06:30", periods=n, freq="5h")
    ends = (begins + pd.to_timedelta([10 + 3 * i for i in range(n)], unit="min")).where([i % 9 > 0 for i in range(n)])
    table = pd.DataFrame(
        {
            "visit_id": range(n),
            "member_id": [500 + i % 20 for i in range(n)],
            "arrived_at": begins,
            "left_at": ends,
            "branch": [["North", "South", "East"][i % 3] for i in range(n)],
            "plan": [["basic", "premium"][i % 2] for i in range(n)],
            "fee": [10 + i % 7 for i in range(n)],
        }
    )
    return [described("visits.csv", table)]


@pytest.mark.parametrize(
    ("said", "made", "limit"),
    [
        ("lasted longer than an hour", "hours(arrived_at, left_at)", 1),
        ("took more than 90 minutes", "minutes(arrived_at, left_at)", 90),
        ("were longer than half an hour", "hours(arrived_at, left_at)", 0.5),
    ],
)
def test_a_length_of_time_is_compared_in_its_unit(
    visits: list[dict[str, Any]], said: str, made: str, limit: float
) -> None:
    query = one(f"How many visits {said}?", visits)
    assert [getattr(s, "expr", "") for s in query.prepare] == [made]
    assert query.where == (Condition(left="duration", op=">", right=limit),)


def test_a_unit_of_a_name_is_converted_and_an_unknown_one_refused(visits: list[dict[str, Any]]) -> None:
    (table,) = visits
    for name, where in [("duration_min", (Condition(left="duration_min", op=">", right=120),)), ("duration", None)]:
        columns = [*table["columns"], {"name": name, "dtype": "int64", "n_unique": 60, "min": 5, "max": 400}]
        (query,) = read("How many visits were longer than 2 hours?", [{**table, "columns": columns}]).queries
        assert (query and query.where) == where or name == "duration"
    (query,) = read("How many visits were longer than an hour?", [{**table, "columns": columns}]).queries
    assert query is None


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        ("after 6 pm", "18-23"),
        ("before 9 am", "0-8"),
        ("in the morning", "6-11"),
    ],
)
def test_hours_of_the_day_are_conditions_where_times_have_hours(
    visits: list[dict[str, Any]], shop: list[dict[str, Any]], said: str, hours: str
) -> None:
    (where,) = one(f"How many visits were there {said}?", visits).where
    assert where == Condition(left="arrived_at", op="during", right=f"hour {hours}")
    assert read(f"How many orders were there {said}?", shop).queries == (None,)


def test_superlatives_of_counts_are_of_rows(visits: list[dict[str, Any]]) -> None:
    for question in (
        "Which branch is busiest?",
        "Which branch is the most popular?",
        "Which branch is visited most often?",
    ):
        query = one(question, visits)
        assert ([g.of for g in query.group_by], told(query), query.limit) == (["branch"], {("count", None)}, 1), (
            question
        )
    assert one("What was the busiest month?", visits).group_by[0].grain == "month"


def test_a_rate_per_entity_divides_by_how_many_there_are(visits: list[dict[str, Any]]) -> None:
    for question in (
        "What is the average number of visits per member?",
        "How many visits does each member make on average?",
    ):
        query = one(question, visits)
        assert told(query) == {("count", None), ("distinct", "member_id")}
        assert query.formulas[0].expr == "count / distinct"


def test_money_that_is_spent_is_a_sum_of_whatever_column_holds_it(visits: list[dict[str, Any]]) -> None:
    query = one("Which 5 members spent the most?", visits)
    assert ([g.of for g in query.group_by], told(query), query.limit) == (["member_id"], {("sum", "fee")}, 5)
    assert told(one("How much money did the North branch take?", visits)) == {("sum", "fee")}


def test_a_time_that_some_rows_lack_says_what_never_happened(visits: list[dict[str, Any]]) -> None:
    assert one("How many visitors never left?", visits).where == (Condition(left="left_at", op="missing"),)
    assert one("How many visitors have left?", visits).where == (Condition(left="left_at", op="present"),)


def test_the_other_side_of_a_comparison_may_be_left_out(visits: list[dict[str, Any]]) -> None:
    query = one("Do premium members pay more?", visits)
    assert ([g.of for g in query.group_by], query.where, query.intent) == (["plan"], (), "compare")


def test_whether_a_difference_is_significant_asks_for_a_test(visits: list[dict[str, Any]]) -> None:
    for question in (
        "What is the average fee by branch? Is the difference significant?",
        "Is there a significant difference in fee between branches?",
    ):
        test = read(question, visits).queries[-1]
        assert test is not None
        assert (test.intent, test.test.about if test.test else "", [g.of for g in test.group_by]) == (
            "test",
            "means",
            ["branch"],
        )


def test_a_beginning_is_not_read_of_a_time_that_is_an_end(visits: list[dict[str, Any]]) -> None:
    question = "How many visits started in the morning?"
    assert one(question, visits).where == (Condition(left="arrived_at", op="during", right="hour 6-11"),)
    ends = [{**visits[0], "columns": [c for c in visits[0]["columns"] if c["name"] != "arrived_at"]}]
    assert read(question, ends).queries == (None,)


def test_an_adverb_at_the_end_that_is_not_read_leaves_the_question_open(visits: list[dict[str, Any]]) -> None:
    for question in ("What is the average fee recently?", "Which branch took the most money lately?"):
        assert read(question, visits).queries == (None,), question


@pytest.fixture(scope="module")
def expenses() -> list[dict[str, Any]]:
    n = 80
    table = pd.DataFrame(
        {
            "expense_id": [f"EXP{i:05d}" for i in range(n)],
            "opened_at": [f"2023-{1 + i % 6:02d}-{1 + i % 20:02d} 08:00:00" for i in range(n)],
            "processed_date": [f"2023-{1 + i % 6:02d}-{3 + i % 20:02d} 09:30:00" for i in range(n)],
            "department": [["IT", "HR", "Sales"][i % 3] for i in range(n)],
            "grade": [1 + i % 3 for i in range(n)],
            "approved": [i % 2 for i in range(n)],
            "amount": [100 + 13 * i for i in range(n)],
        }
    )
    return [described("expenses.csv", table)]


def test_a_noun_in_the_place_of_the_measure_is_no_other_measure(expenses: list[dict[str, Any]]) -> None:
    """A length of time is made of its two ends or refused; it never becomes the amounts."""
    for question in ("average processing time by department", "How do processing times vary by department?"):
        query = one(question, expenses)
        assert [s.model_dump()["expr"] for s in query.prepare] == ["days(opened_at, processed_date)"]
        assert [g.of for g in query.group_by] == ["department"]
        assert "amount" not in {m.of for m in query.measures}
    (table,) = expenses
    no_ends = [{**table, "columns": [c for c in table["columns"] if c["name"] != "opened_at"]}]
    for tables, noun in ((expenses, "delivery"), (no_ends, "processing"), (no_ends, "payment")):
        for question in (f"average {noun} time by department", f"Which department has the highest {noun} time?"):
            reading = read(question, tables)
            assert reading.queries == (None,), question
            assert noun in reading.why_not[0]


def test_two_numbered_classes_of_a_comparison_are_two_sides(expenses: list[dict[str, Any]]) -> None:
    for question in (
        "Compare the amount of first and third grade",
        "Compare the amount of grade 1 and 3",
        "Do first and third grade differ in amount?",
    ):
        query = one(question, expenses)
        assert query.where == (Condition(left="grade", op="in", right=(1, 3)),), question
        assert [g.of for g in query.group_by] == ["grade"], question


def test_a_numbered_class_is_a_group_and_no_value_of_a_row(expenses: list[dict[str, Any]]) -> None:
    approved = (Condition(left="approved", op="=", right=1),)
    for question, measure in (
        ("Which grade has the highest approval rate?", Measure(op="share", where=approved)),
        ("Which grade has the highest amount?", Measure(op="sum", of="amount")),
    ):
        query = one(question, expenses)
        assert [g.of for g in query.group_by] == ["grade"], question
        assert query.measures == (measure,), question
        assert (query.limit, [o.descending for o in query.order]) == (1, [True])


def test_a_quarter_of_a_year_is_one_period_however_it_is_written(expenses: list[dict[str, Any]]) -> None:
    for first, second in (("2023-Q1", "2023-Q2"), ("Q1 2023", "Q2 2023"), ("2023 Q1", "2023 Q2")):
        query = one(f"Compare the total amount in {first} and {second}", expenses)
        assert query.compare is not None
        assert {query.compare.first, query.compare.second} == {"2023-Q1", "2023-Q2"}
    (during,) = one("average amount in 2023-Q2", expenses).where
    assert isinstance(during, Condition)
    assert (during.op, during.right) == ("during", "2023-Q2")


def test_missing_values_are_a_statistic_of_columns_and_not_rows(penguins: list[dict[str, Any]]) -> None:
    names = {c["name"] for c in penguins[0]["columns"]}
    for question in ("How many values are missing in each column?", "How many missing values are there per column?"):
        assert told(one(question, penguins)) == {("missing", name) for name in names}
    assert told(one("How many values are missing in bill length?", penguins)) == {("missing", "bill_length_mm")}
    assert told(one("How many values are missing?", penguins)) == {("missing", None)}
    query = one("Which penguins have missing sex?", penguins)
    assert query.where == (Condition(left="sex", op="missing"),)


def test_a_model_is_made_for_each_group_or_refused(penguins: list[dict[str, Any]]) -> None:
    before = one("Does bill length predict bill depth?", penguins)
    lines = {("slope", "bill_depth_mm"), ("r2", "bill_depth_mm")}
    for reading in (
        read("and by island?", penguins, previous=before),
        read("Does bill length predict bill depth by island?", penguins),
    ):
        (query,) = reading.queries
        assert query is not None
        assert told(query) == lines
        assert [g.of for g in query.group_by] == ["island"]
    forest = one("Predict body mass from bill length and bill depth with a random forest.", penguins)
    (query,) = read("and by island?", penguins, previous=forest).queries
    assert query is not None
    with pytest.raises(NotComputable, match="island"):
        compiled(query, penguins)
    both = one("Predict body mass by bill length and island", penguins)
    assert both.model is not None
    assert (both.model.features, both.group_by) == (("bill_length_mm", "island"), ())


def test_what_a_flag_is_linked_to_are_its_drivers(expenses: list[dict[str, Any]]) -> None:
    for question in ("What are approved expenses linked to?", "What is approval associated with?"):
        query = one(question, expenses)
        assert (query.intent, told(query), query.where) == ("drivers", {("mean", "approved")}, ()), question


def test_a_column_or_rows_may_be_asked_for_without_a_statistic(penguins: list[dict[str, Any]]) -> None:
    assert one("Describe body mass", penguins).show == ("body_mass_g",)
    assert one("Describe the relationship between bill length and bill depth", penguins).intent == "relate"
    rows = one("List the penguins heavier than 6000 g", penguins)
    assert rows.intent == "list"
    assert rows.show[-1] == "body_mass_g"
    spread = one("distribution of species across islands", penguins)
    assert told(spread) == {("count", None)}
    assert [g.of for g in spread.group_by] == ["island", "species"]
    tested = one("Is the body mass the same in all species? Test it at 1 %", penguins)
    assert tested.test is not None
    assert (tested.test.about, tested.test.alpha) == ("means", 0.01)
    alike = one("Is the body mass similar in all species?", penguins)
    assert (alike.intent, [g.of for g in alike.group_by]) == ("compare", ["species"])
