"""The reader is compositional: every statistic goes with every group, condition and order, whatever stands between."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from graphs.questions.query import Query, simple
from graphs.questions.reader import read
from tests.graphs.test_reader import described

TIME = "`Sent on`"
STATISTICS = [
    ("average Weight", ("mean", "Weight")), ("total Weight", ("sum", "Weight")),
    ("median Postage", ("median", "Postage")), ("highest Postage", ("max", "Postage")),
    ("number of parcels", ("count", None)),
]  # fmt: skip
GROUPS = [
    ("", []), (" by Depot", [("Depot", None)]), (" per Carrier", [("Carrier", None)]),
    (" for each Depot", [("Depot", None)]), (" by Depot and Carrier", [("Depot", None), ("Carrier", None)]),
    (" by month", [(TIME, "month")]), (" per quarter", [(TIME, "quarter")]),
]  # fmt: skip
CONDITIONS = [
    ("", []), (" where State is lost", [("State", "=", "lost")]), (" for lost parcels", [("State", "=", "lost")]),
    (" that are not lost", [("State", "!=", "lost")]), (" excluding lost", [("State", "!=", "lost")]),
    (" in 2024", [(TIME, "during", "2024")]), (" since March 2024", [(TIME, ">=", "2024-03")]),
    (" with Weight over 20", [("Weight", ">", 20)]), (" with at least 5 Weight", [("Weight", ">=", 5)]),
    (" with Weight between 10 and 30", [("Weight", "between", (10, 30))]),
    (" in 2024 for Hull", [(TIME, "during", "2024"), ("Depot", "=", "Hull")]),
    (" between 1 January 2024 and 31 March 2024", [(TIME, "between", ("2024-01-01", "2024-03-31"))]),
    (" where Carrier is van and Weight is above 20", [("Carrier", "=", "van"), ("Weight", ">", 20)]),
]  # fmt: skip
FRAMES = ["{}", "What is the {}?", "show me the {}", "what was the {}"]


@pytest.fixture(scope="module")
def parcels() -> list[dict[str, Any]]:
    n = 240
    table = pd.DataFrame(
        {
            "Parcel": [f"X{2000 + i}" for i in range(n)],
            "Ordered on": pd.date_range("2023-07-01", periods=n, freq="2D"),
            "Sent on": pd.date_range("2023-07-04", periods=n, freq="2D"),
            "Depot": [["Hull", "Leeds", "York"][i % 3] for i in range(n)],
            "Carrier": [["van", "bike", "train", "boat"][i % 4] for i in range(n)],
            "State": [["lost", "delivered", "returned"][i % 5 % 3] for i in range(n)],
            "Weight": [1.5 + i % 40 for i in range(n)],
            "Postage": [None if i % 9 == 0 else 2.25 + i % 30 for i in range(n)],
        }
    )
    return [described("sent_parcels.csv", table)]


Check = Callable[[Query], bool]


def _conditions(query: Query) -> set[tuple[Any, ...]]:
    return {(w.left, w.op, w.right) for w in simple(query.where)}


def _is(measures: list[Any], groups: list[Any], where: list[Any]) -> Check:
    """That a query is of just these measures, groups and conditions."""

    def holds(query: Query) -> bool:
        own = {(m.op, m.of) for m in query.measures}, {(g.of, g.grain) for g in query.group_by}, _conditions(query)
        return own == ({*measures}, {*groups}, {*where})

    return holds


def _tables() -> Iterator[tuple[str, Check]]:
    frames = itertools.cycle(FRAMES)
    for (stat, measure), (by, groups), (if_, where) in itertools.product(STATISTICS, GROUPS, CONDITIONS):
        yield next(frames).format(f"{stat}{by}{if_}"), _is([measure], groups, where)
        if by and if_:
            yield next(frames).format(f"{stat}{if_}{by}"), _is([measure], groups, where)


def _orders() -> Iterator[tuple[str, Check]]:
    for (stat, measure), (if_, where), (end, down) in itertools.product(
        STATISTICS, CONDITIONS, [("highest", True), ("lowest", False)]
    ):
        told = _is([measure], [("Depot", None)], where)
        yield f"{stat} by Depot{if_}, {end} first", lambda q, t=told, d=down: t(q) and q.order[0].descending is d
        if stat.startswith(("average", "total")):
            yield f"Which Depot has the {end} {stat}{if_}?", lambda q, t=told, d=down: t(q) and q.limit == 1
            yield f"Which 2 Depots have the {end} {stat}{if_}", lambda q, t=told, d=down: t(q) and q.limit == 2
    for if_, where in CONDITIONS:
        rows = _is([], [], where)
        for asked in (
            "the 4 parcels with the highest Weight",
            "Which 4 parcels have the highest Weight",
            "top 4 parcels by Weight",
        ):
            yield f"{asked}{if_}", lambda q, t=rows: t(q) and q.limit == 4 and q.order[0].by == "Weight"


def _several() -> Iterator[tuple[str, Check]]:
    for if_, where in CONDITIONS:
        by = [("Depot", None)]
        yield (
            f"average Weight and total Postage by Depot{if_}",
            _is([("mean", "Weight"), ("sum", "Postage")], by, where),
        )
        yield f"mean and median Weight per Depot{if_}", _is([("mean", "Weight"), ("median", "Weight")], by, where)
        yield (
            f"number of parcels and average Weight by Depot{if_}",
            _is([("count", None), ("mean", "Weight")], by, where),
        )
        yield f"number of parcels by Depot and month{if_}", _is([("count", None)], [*by, (TIME, "month")], where)
        yield f"monthly total Weight{if_}", _is([("sum", "Weight")], [(TIME, "month")], where)
        yield f"how many parcels{if_}", _is([("count", None)], [], where)


def _lists() -> Iterator[tuple[str, Check]]:
    for if_, where in CONDITIONS[1:]:
        rows = _is([], [], where)
        for asked in ("list the parcels", "show me all parcels", "which parcels are there"):
            yield f"{asked}{if_}", lambda q, t=rows: t(q) and q.intent == "list"

    def shown(query: Query) -> bool:
        return query.show[:1] == ("Parcel",) and {"Depot", "Weight"} <= {*query.show}

    yield "list the lost parcels with their Depot and Weight", shown
    yield "show Depot and Weight for lost parcels", shown
    yield "give me the parcels with Weight over 20 sorted by Depot", shown


def _chosen() -> Iterator[tuple[str, Check]]:
    for depots in ("Depots with an average Weight over 5", "which Depots have an average Weight over 5"):
        yield depots, lambda q: [(h.left, h.op) for h in q.having] == [("mean", ">")] and q.group_by[0].of == "Depot"
    yield (
        "Depot with the lowest total Weight",
        lambda q: q.limit == 1 and _is([("sum", "Weight")], [("Depot", None)], [])(q),
    )
    yield (
        "which parcels have no Postage",
        lambda q: q.intent == "list" and _is([], [], [("Postage", "missing", None)])(q),
    )


_EVERY = {"_tables": 5, "_orders": 2}
"""Of many, one in so many is read: all of them take a quarter of a minute."""


@pytest.mark.parametrize("forms", [_tables, _orders, _several, _lists, _chosen])
def test_what_is_composed_is_read_as_it_is_composed(
    parcels: list[dict[str, Any]], forms: Callable[[], Iterator[tuple[str, Check]]]
) -> None:
    missed = []
    for question, holds in itertools.islice(forms(), 0, None, _EVERY.get(forms.__name__, 1)):
        reading = read(question, parcels)
        query = reading.queries[0] if len(reading.queries) == 1 else None
        if query is None or not holds(query):
            missed.append((question, reading.why_not[0] if query is None else query))
    assert missed == []


def test_a_total_that_runs_is_no_total(parcels: list[dict[str, Any]]) -> None:
    for question in (
        "running total of Weight by month",
        "weighted average Postage",
        "rolling average of Weight by month",
    ):
        assert read(question, parcels).queries == (None,)
