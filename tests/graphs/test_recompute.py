"""What a query gives on the reviewer's own path, in DuckDB's SQL, beside the same in pandas."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from artifacts.types import Answer, AnswerValue
from bench.scenario_tables import orders, patients, payments
from graphs.questions.expressions import NotComputable
from graphs.questions.query import Query
from graphs.review.answering import Result, equal, meant
from graphs.review.claims import lacking, misplaced, of_result
from graphs.review.data.tables import described
from graphs.review.near import neighbours
from graphs.review.sql import sql

O, P = orders().assign(order_date=lambda t: pd.to_datetime(t["order_date"])), patients()  # noqa: E741
FRAMES = {"orders.csv": O, "patients.csv": P, "payments.csv": payments()}
FACTS = [described(name, frame) for name, frame in FRAMES.items()]
IN_2022 = O[O["order_date"].dt.year == 2022]

WAYS = {
    **{op: op for op in ("mean", "median", "std", "var", "sem", "min", "max", "sum", "count")},
    **{"skewness": "skew", "kurtosis": "kurt", "distinct": "nunique"},
}


def computed(query: Query) -> Result:
    text, asked = sql(query, FACTS)
    with duckdb.connect() as base:
        for name, frame in FRAMES.items():
            base.register(name, frame.assign(__row=range(len(frame))))
        return Result(asked, tuple(base.execute(text).fetchall()))


def only(**query) -> object:
    ((*_, value),) = computed(Query.model_validate(query)).rows
    return value


def of(op: str, column: str = "days", **more) -> dict:
    return {"table": "patients.csv", "measures": [{"op": op, "of": column, **more}]}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        *(
            (of(op), getattr(P["days"], how)())
            for op, how in WAYS.items()
        ),
        (of("std", ddof=0), P["days"].std(ddof=0)),
        (of("quantile", p=0.9), P["days"].quantile(0.9)),
        (of("mad"), (P["days"] - P["days"].median()).abs().median()),
        (of("skewness", biased=True), ((P["days"] - P["days"].mean()) ** 3).mean() / P["days"].std(ddof=0) ** 3),
        (of("correlation", "age", other="exercise"), P["age"].corr(P["exercise"])),
        (of("slope", other="age"), P["age"].cov(P["days"]) / P["age"].var()),
        (of("mean", where=[{"left": "ward", "op": "=", "right": "cedar"}]), P.loc[P["ward"] == "Cedar", "days"].mean()),
        ({**of("mean"), "prepare": [{"do": "drop_duplicates"}]}, P.drop_duplicates()["days"].mean()),
        (
            {"measures": [{"op": "share", "where": [{"left": "returned", "op": "=", "right": "yes"}]}],
             "where": [{"left": "order_date", "op": "during", "right": "2022"}]},
            100 * (IN_2022["returned"] == "yes").mean(),
        ),
        (
            {"measures": [{"op": "count"}],
             "where": [{"left": "items", "op": ">",
                        "right": {"query": {"measures": [{"op": "mean", "of": "items"}]}}}]},
            (O["items"] > O["items"].mean()).sum(),
        ),
        (
            {"measures": [{"op": "sum", "of": "fee"}], "where": [{"left": "city", "op": "=", "right": "Ulm"}],
             "joins": [{"file": "payments.csv", "own": ["order_id"], "theirs": ["order_id"]}]},
            O.merge(FRAMES["payments.csv"]).loc[lambda t: t["city"] == "Ulm", "fee"].sum(),
        ),
        (
            {"measures": [{"op": "count", "name": name, "where": [{"left": "channel", "op": "=", "right": name}]}
                          for name in ("web", "shop")], "formulas": [{"name": "ratio", "expr": "web / shop"}]},
            (O["channel"] == "web").sum() / (O["channel"] == "shop").sum(),
        ),
        ({"measures": [{"op": "count"}], "group_by": [{"of": "city"}], "tell": "number"}, 4),
    ],
)  # fmt: skip
def test_a_query_gives_in_sql_what_it_gives_in_pandas(query, value):
    assert only(**query) == pytest.approx(value, rel=1e-9)


def test_groups_are_told_with_their_names_and_in_their_order():
    asked = {"measures": [{"op": "mean", "of": "items"}], "order": [{"by": "mean_items"}]}
    got = computed(Query.model_validate(asked | {"group_by": [{"of": "city"}]}))
    means = O.groupby("city")["items"].mean().sort_values(ascending=False)
    assert [row[0] for row in got.rows] == list(means.index)
    ulm = meant("mean items in Ulm", got)
    assert [n.group for n in ulm] == [("Ulm",)]
    assert equal(round(means["Ulm"], 2), ulm[0])
    years = computed(Query.model_validate(asked | {"group_by": [{"of": "order_date", "grain": "year"}]}))
    assert {row[0] for row in years.rows} == {"2022", "2023", "2024"}


@pytest.mark.parametrize(
    "more",
    [
        {"prepare": [{"do": "fill", "columns": ["days"], "how": "mean"}]},
        {"test": {"name": "t"}},
        {"model": {"kind": "linear"}},
        {"measures": []},
    ],
)
def test_what_sql_cannot_say_is_said_to_be_so(more):
    with pytest.raises(NotComputable):
        sql(Query.model_validate({"measures": [{"op": "mean", "of": "items"}], **more}), FACTS)


def test_the_question_beside_it_is_tried_where_a_value_is_wrong():
    asked = Query.model_validate({**of("mean"), "where": [{"left": "ward", "op": "=", "right": "Aster"}]})
    said = {n.said: next(computed(n.query).numbers()).value for n in neighbours(asked, FACTS)}
    assert said["the value of Cedar, not of Aster"] == pytest.approx(P.loc[P["ward"] == "Cedar", "days"].mean())
    assert said["the value without the condition that ward is Aster"] == pytest.approx(P["days"].mean())
    assert said["the median, not the mean"] == P.loc[P["ward"] == "Aster", "days"].median()


@pytest.mark.parametrize(
    ("question", "name", "where", "problem"),
    [
        ("Mean items in 2023?", "mean items", [], "2023 is named"),
        ("Mean items in 2023?", "mean items", [{"left": "order_date", "op": "during", "right": "2023"}], None),
        ("Mean items in Kiel?", "mean items in Kiel", [], "Kiel is named"),
        ("Mean items?", "mean items", [{"left": "channel", "op": "=", "right": "web"}], "only whose channel is web"),
        ("Mean items on the web?", "mean items", [{"left": "channel", "op": "=", "right": "web"}], None),
    ],
)  # fmt: skip
def test_what_the_question_names_and_the_query_lacks_is_said(question, name, where, problem):
    query = Query.model_validate({"measures": [{"op": "mean", "of": "items"}], "where": where})
    value = AnswerValue(name=name, value=4.5)
    answer = Answer(part=question, status="answered", text="It is 4.5.", values=(value,))
    found = list(lacking(query, value, answer, question, FACTS[:1]))
    assert (found == []) if problem is None else (problem in found[0])


def test_a_number_is_given_to_the_group_that_it_is_of():
    asked = Query.model_validate({**of("mean"), "group_by": [{"of": "ward"}]})
    known = list(of_result(asked, computed(asked), "mean"))
    days = P.groupby("ward")["days"].mean().round(1)
    right = f"Aster keeps them {days['Aster']} days, Cedar {days['Cedar']}."
    swapped = f"Aster keeps them {days['Cedar']} days, Cedar {days['Aster']}."
    assert list(misplaced(right, known, FACTS)) == []
    assert f"{days['Cedar']} is the value of Cedar, not of Aster" in next(misplaced(swapped, known, FACTS))
