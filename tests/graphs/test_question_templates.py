"""Queries that a template notebook answers: its parameters, the steps before it, and what is refused beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from graphs.questions import templates
from graphs.questions.compile import compile
from graphs.questions.expressions import NotComputable
from graphs.questions.query import Chart, Compare, Condition, Group, Measure, Model, Order, Query, Test
from graphs.questions.source import Call
from graphs.questions.templates import with_roles
from notebooks.catalog import find
from notebooks.parameters import check

SALES: dict[str, Any] = {
    "name": "sales.csv",
    "rows": 900,
    "sampled": False,
    "columns": [
        {"name": "day", "dtype": "datetime64[us]", "n_missing": 0, "n_unique": 300},
        {"name": "city", "dtype": "str", "n_missing": 0, "n_unique": 2, "values": ["Lyon", "Nantes"]},
        {"name": "revenue_eur", "dtype": "float64", "n_missing": 0, "n_unique": 800},
        {"name": "pieces", "dtype": "int64", "n_missing": 0, "n_unique": 9},
        {"name": "returned", "dtype": "str", "n_missing": 0, "n_unique": 2, "values": ["no", "yes"]},
    ],
}
REVENUE = Measure(op="sum", of="revenue_eur")


def called(query: Query) -> Call:
    """The call that a query compiles to, its parameters being ones that the template takes."""
    call = compile(query, [SALES])
    assert isinstance(call, Call)
    check(find(call.template).parameters, call.parameters)
    return call


def test_why_it_changed_takes_the_periods_the_segments_and_the_rows_that_are_meant() -> None:
    query = Query(
        intent="why_changed",
        measures=(REVENUE,),
        compare=Compare(of="day", first="2023", second="2022"),
        group_by=(Group(of="city"),),
        where=(Condition(left="returned", op="=", right="NO"),),
    )
    assert called(query).parameters == {
        "data": "sales.csv",
        "measure": "revenue_eur",
        "how": "sum",
        "of": "day",
        "after": "2023",
        "before": "2022",
        "by": ["city"],
        "steps": called(query).parameters["steps"],
    }
    (step,) = called(query).parameters["steps"]
    assert "no" in step
    assert "NO" not in step


def test_a_derived_measure_is_made_by_a_step_and_a_share_is_a_column_of_truth() -> None:
    call = called(Query(intent="why_changed", measures=(Measure(op="mean", of="revenue_eur / pieces"),)))
    assert call.parameters["measure"] == "revenue_eur / pieces"
    assert len(call.parameters["steps"]) == 1
    share = Measure(op="share", where=(Condition(left="returned", op="=", right="yes"),))
    call = called(Query(intent="why_changed", measures=(share,), time="day"))
    assert (call.parameters["measure"], call.parameters["how"]) == ("returned is yes", "mean")


def test_drivers_take_their_target_and_factors_from_the_model_or_the_measures() -> None:
    by_model = Query(intent="drivers", model=Model(target="revenue_eur", features=("pieces", "city")))
    by_measure = Query(
        intent="drivers", measures=(REVENUE, Measure(op="mean", of="pieces")), group_by=(Group(of="city"),)
    )
    assert called(by_model).parameters["factors"] == ["pieces", "city"]
    assert called(by_measure).parameters["target"] == "revenue_eur"
    assert sorted(called(by_measure).parameters["factors"]) == ["city", "pieces"]


def test_a_forecast_takes_how_far_and_in_which_steps() -> None:
    call = called(Query(intent="forecast", measures=(REVENUE,), periods=6, group_by=(Group(of="day", grain="month"),)))
    assert call.parameters["periods"] == 6
    assert (call.parameters["time"], call.parameters["grain"]) == ("day", "month")


def test_a_column_that_is_not_there_is_refused_before_any_cell_runs() -> None:
    with pytest.raises(NotComputable, match="revenue_eur"):
        compile(Query(intent="drivers", measures=(Measure(op="mean", of="revenue"),)), [SALES])
    with pytest.raises(NotComputable, match="only a sample"):
        compile(Query(intent="forecast", measures=(REVENUE,)), [{**SALES, "sampled": True}])


def test_every_intent_without_particulars_calls_a_template_that_takes_its_parameters() -> None:
    two = [SALES, {**SALES, "name": "shops.csv"}]
    named = {
        "test": Query(intent="test", test=Test(about="normality"), show=("pieces",)),
        "outliers": Query(intent="outliers"),
        "clean": Query(intent="clean"),
        "experiment": Query(intent="experiment", measures=(Measure(op="share", of="returned"),)),
        "rank": Query(intent="rank", order=(Order(by="pieces", descending=False),)),
        "list": Query(intent="list", order=(Order(by="pieces"),), limit=5),
        "predict": Query(intent="predict", model=Model(target="pieces")),
        "plot": Query(intent="plot", chart=Chart(kind="bar", x="city", y=("revenue_eur",))),
        "distribution": Query(intent="distribution", measures=(Measure(op="mean", of="pieces"),)),
        "compare": Query(intent="compare", compare=Compare(of="city", first="Lyon", second="Nantes")),
        "join": Query(intent="join"),
    }
    for intent, query in named.items():
        call = templates.call(query, two if intent == "join" else [SALES])
        assert call is not None
        assert call.template == intent
        check(find(intent).parameters, call.parameters)
    assert templates.call(named["rank"], [SALES]).parameters["ascending"] == ["pieces"]  # type: ignore[union-attr]
    upwards = Query(intent="list", order=(Order(by="pieces", descending=False),))
    assert templates.call(upwards, [SALES]).parameters["descending"] is False  # type: ignore[union-attr]
    assert templates.call(named["join"], two).parameters["other"] == "shops.csv"  # type: ignore[union-attr]
    highest = Query(intent="plot", chart=Chart(x="city"), measures=(Measure(op="max", of="pieces"),))
    assert templates.call(highest, [SALES]).parameters["how"] == "max"  # type: ignore[union-attr]
    with pytest.raises(NotComputable, match="A join needs two files"):
        templates.call(named["join"], [SALES])


def test_roles_fill_what_the_question_leaves_open_and_nothing_else() -> None:
    call = called(Query(intent="drivers", measures=(REVENUE,)))
    known = frozenset(p.name for p in find("drivers").parameters)
    filled = with_roles(call, {"target": "pieces", "unit": "city"}, known)
    assert (filled.parameters["target"], filled.parameters["unit"]) == ("revenue_eur", "city")
    assert with_roles(called(Query(intent="drivers")), {"target": "pieces"}, known).parameters["target"] == "pieces"
