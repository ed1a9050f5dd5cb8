"""Which questions a template notebook answers, and with which parameters.

A template reads its file by itself. What a query does to the rows before goes along as its parameter `steps`: lines of
pandas, as the compiler writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

from graphs.questions.cells import Call, Tables
from graphs.questions.expressions import NotComputable, column
from graphs.questions.query import IN_A_ROW, Chart, Compare, Intent, Join, Measure, Model, Query
from graphs.questions.scope import Scope
from graphs.questions.steps import join, prepare

HOW = {"sum": "sum", "mean": "mean", "median": "median", "count": "count", "share": "mean", "distinct": "count"}
"""What a template does with a measure's rows, by the measure's statistic."""


class Asked:
    """A query on its way into a template's parameters: its columns, and the lines that prepare the rows."""

    def __init__(self, query: Query, tables: Tables) -> None:
        self.query, self.scope = query, Scope(tables, query.table)
        self.compare = query.compare or Compare()
        self.model = query.model or Model()
        for looked_up in query.joins if query.intent != "join" else ():
            join(looked_up, self.scope)
        for step in query.prepare:
            prepare(step, self.scope)
        if query.where:
            self.scope.add(f"rows = rows[{self.scope.mask(query.where)}]")

    def column(self, expr: str | None) -> str:
        """The column that holds an expression, made first where it is none; empty for nothing."""
        return self.scope.as_column(expr) if expr else ""

    def columns(self, exprs: Iterable[str | None], but: Collection[str] = ()) -> list[str]:
        """The columns that hold expressions, without those that are `but` for something else."""
        return [c for c in map(self.column, exprs) if c and c not in but]

    def of_measures(self) -> list[str]:
        """The columns of the measures and those to be shown."""
        return self.columns([*(m.of for m in self.query.measures), *self.query.show])

    @cached_property
    def measure(self) -> str:
        """The column of the first measure; empty for none, and for a number of rows."""
        measure = next(iter(self.query.measures), Measure(op="count"))
        if measure.op == "share" and measure.where:
            return self.scope.make(self.scope.words(measure.where), self.scope.mask(measure.where), "truth")
        if measure.where:
            self.scope.add(f"rows = rows[{self.scope.mask(measure.where)}]")
        return "" if measure.op == "count" else self.column(measure.of)

    @property
    def how(self) -> str:
        """How the rows of the first measure are brought down to one number."""
        return HOW.get(next((m.op for m in self.query.measures), ""), "")

    @property
    def target(self) -> str:
        """What is explained or predicted."""
        return self.column(self.model.target) or self.measure

    def groups(self, but: str = "") -> list[str]:
        """The columns by which there is one answer each."""
        return self.columns((g.of for g in self.query.group_by), but=[but])

    @property
    def time(self) -> str:
        """The column of times that is meant: named as such, or one by which periods are cut; empty if none is."""
        return self.column(self.query.time or next((g.of for g in self.query.group_by if g.grain), ""))

    @property
    def compared(self) -> str:
        """The column whose values, or the times whose periods, are compared; empty if none are."""
        return self.column(self.compare.of) or self.time

    @property
    def grain(self) -> str:
        """The periods that are named: year, quarter, month, week, day or hour; empty if none are."""
        found = next((g.grain for g in self.query.group_by if g.grain), "")
        return found if found in IN_A_ROW else ""


type Parameters = dict[str, Any]


def call(query: Query, tables: Tables) -> Call | None:
    """The call of the template that answers a query; None where there is none. Raises NotComputable."""
    asked = Asked(query, tables) if query.intent in TEMPLATES else None
    parameters = TEMPLATES[query.intent](asked) if asked else None
    if asked is None or parameters is None:
        return None
    if asked.scope.sampled and query.intent not in FROM_A_SAMPLE:
        raise NotComputable(
            f"{asked.scope.file} is so large that only a sample of it is loaded, and this needs all rows. "
            "Keep the columns or the rows that the question needs in a file of their own."
        )
    notes = [*query.notes, *asked.scope.notes]
    if asked.scope.sampled:
        notes.append(f"{asked.scope.file} is so large that this is of a random sample of its rows.")
    given = {"data": asked.scope.file, "steps": asked.scope.lines, **parameters}
    said = {k: v for k, v in given.items() if v not in ("", [], None, 0)}  # else its default
    return Call(template=query.intent, parameters=said, notes=tuple(notes))


ROLES = {
    "target": ("target", "outcome", "measure"),
    "time": ("time", "of"),
    "unit": ("unit",),
    "assignment": ("assignment",),
    "allocation": ("allocation",),
}
"""The parameters that a run's role fills, where a question leaves them open."""


def with_roles(call: Call, roles: Mapping[str, str], known: frozenset[str]) -> Call:
    """A call with the columns that the run declares in place of what the template would guess.

    `known` are the names of the template's parameters. What the question itself names stays.
    """
    given = dict(call.parameters)
    for role, names in ROLES.items():
        name = next((n for n in names if n in known), None)
        if name and roles.get(role) and name not in given:
            given[name] = roles[role]
    if "randomised" in known and roles.get("assignment"):
        given.setdefault("randomised", True)
    return call.model_copy(update={"parameters": given})


def forecast(asked: Asked) -> Parameters:
    """The next periods of a measure."""
    if rest := [g.of for g in asked.query.group_by if not g.grain and asked.column(g.of) != asked.time]:
        raise NotComputable(f"A forecast is of one series, and not of each {rest[0]}: choose rows of one instead.")
    how = {"how": asked.how if asked.how in ("sum", "mean", "count") else ""}
    return {"measure": asked.measure, **how, "time": asked.time, "periods": asked.query.periods, "grain": asked.grain}


def experiment(asked: Asked) -> Parameters:
    """Whether the new one of two arms is better."""
    arms = asked.column(asked.compare.of) or next(iter(asked.groups(but=asked.measure)), "")
    sides = {"treated": asked.compare.first, "control": asked.compare.second}
    alpha = {"alpha": asked.query.test.alpha} if asked.query.test else {}
    return {"outcome": asked.measure, "assignment": arms, **sides, **alpha}


def compare(asked: Asked) -> Parameters | None:
    """How two groups or periods differ; columns that are compared are left to the compiler."""
    sides = asked.compare
    if asked.query.compare is not None and not sides.of and not asked.query.time:
        return None
    of = asked.compared or next(iter(asked.groups()), "")
    return {
        "of": of, "measures": [asked.measure] if asked.measure else [], "how": asked.how, "by": asked.groups(but=of),
        "grain": asked.grain, "first": sides.first, "second": sides.second,
    }  # fmt: skip


def test(asked: Asked) -> Parameters | None:
    """A hypothesis test of columns that are named without a statistic of them."""
    named, groups = asked.query.test, asked.groups()
    of = asked.column(asked.compare.of) or next(iter(groups), "")
    columns = [*asked.of_measures(), *(g for g in groups if g != of)]
    given = named.model_dump(include={"about", "alpha", "sides", "null"}) | {"test": named.name} if named else {}
    levels = [side for side in (asked.compare.first, asked.compare.second) if side]
    return {"columns": columns, "by": of, "levels": levels, **given} if columns or of else None


def joined(asked: Asked) -> Parameters | None:
    """Two files as one: the one that is named with its keys, or the only other."""
    joins, tables = asked.query.joins, asked.scope.tables
    others = [name for name in tables if name != asked.scope.file]
    if len(joins) > 1 or asked.query.measures or (joins and len(joins[0].own) > 1):
        return None
    if not joins and len(others) != 1:
        raise NotComputable(f"A join needs two files, and there are {len(others) + 1}: name the second and its key.")
    looked_up = joins[0] if joins else Join(file=others[0], own=(), theirs=())
    other = column(looked_up.file, others, "file")
    theirs = [str(c["name"]) for c in tables[other]["columns"]]
    keys = [("own", asked.column(own)) for own in looked_up.own]
    keys += [("theirs", column(key, theirs)) for key in looked_up.theirs]
    return {"other": other, "how": looked_up.how, **dict(keys)}


def plot(asked: Asked) -> Parameters:
    """The chart that is asked for."""
    chart, groups, measures = asked.query.chart or Chart(), asked.groups(), asked.query.measures
    x = asked.column(chart.x) or asked.time or next(iter(groups), "")
    y = asked.columns(chart.y) or asked.columns((m.of for m in measures), but=[x])
    y = y or asked.columns(asked.query.show, but=[x])
    colour = asked.column(chart.colour) or next((g for g in groups if g != x and g not in y), "")
    named = {"kind": chart.kind, "title": chart.title} if asked.query.chart else {}
    return {"x": x, "y": y, "colour": colour, "how": asked.how, "grain": asked.grain, **named}


def distribution(asked: Asked) -> Parameters | None:
    """How the values of a column are spread."""
    groups = asked.groups()
    of = next(iter([*asked.of_measures(), *groups]), "")
    return {"column": of, "by": next((g for g in groups if g != of), "")} if of else None


# fmt: off
TEMPLATES: dict[Intent, Callable[[Asked], Parameters | None]] = {
    "forecast": forecast, "experiment": experiment, "compare": compare, "test": test, "join": joined, "plot": plot,
    "distribution": distribution,
    "why_changed": lambda a: {
        "measure": a.measure, "how": a.how, "of": a.compared, "grain": a.grain, "by": a.groups(but=a.compared),
        "after": a.compare.first, "before": a.compare.second,
    },
    "drivers": lambda a: {
        "target": a.target, "factors": [*a.columns(a.model.features), *a.groups(but=a.target),
                                        *a.columns(m.of for m in a.query.measures[1:])],
    },
    "predict": lambda a: {
        "target": a.target, "features": a.columns(a.model.features) if a.query.model else a.groups(but=a.target),
        "time": a.time, "test_size": a.model.test_size,
    },
    "rank": lambda a: {
        "by": a.columns(o.by for o in a.query.order),
        "ascending": a.columns(o.by for o in a.query.order if not o.descending),
        "of": next(iter(a.groups()), ""), "target": a.column(a.model.target), "limit": a.query.limit,
    },
    "list": lambda a: {
        "columns": a.columns(a.query.show), "limit": a.query.limit,
        **{k: v for o in a.query.order[:1] for k, v in (("order", a.column(o.by)), ("descending", o.descending))},
    },
    "outliers": lambda a: {"columns": a.columns(a.query.show) + a.groups()},
    "clean": lambda a: None if a.query.measures else {},
}
# fmt: on
"""What makes the parameters of a template, by the intent that it is called after; None from it leaves the question to
the compiler."""
FROM_A_SAMPLE = ("drivers", "experiment", "test", "outliers", "predict", "plot", "distribution")
"""Those that do not need all rows, as a total does."""
