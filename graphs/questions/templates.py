"""Which questions a template notebook answers, and with which parameters.

A template reads its file by itself. What a query does to the rows before goes along as its parameter `steps`: lines of
pandas, as the compiler writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

from graphs.questions.expressions import NotComputable, column
from graphs.questions.query import IN_A_ROW, Chart, Compare, Intent, Join, Measure, Model, Query
from graphs.questions.scope import Scope
from graphs.questions.source import Call, Tables
from graphs.questions.steps import prepare

HOW = {"sum": "sum", "mean": "mean", "median": "median", "count": "count", "share": "mean", "distinct": "count"}
"""What a template does with a measure's rows, by the measure's statistic."""


class Asked(Scope):
    """A query on its way into a template's parameters: its columns, and the lines that prepare the rows."""

    def __init__(self, query: Query, tables: Tables) -> None:
        super().__init__(tables, query.table)
        self.query, self.compare, self.model = query, query.compare or Compare(of=""), query.model or Model()
        self.first = next(iter(query.measures), Measure(op="count"))
        prepare(query, self)
        self.keep(query.where)
        if query.where:
            self.say(f"Only rows where {self.words(query.where)}.")

    def held(self, *exprs: str | None, but: Collection[str] = ()) -> list[str]:
        """The columns that hold expressions, made first where there are none, without those for something else."""
        return [c for c in map(self.as_column, filter(None, exprs)) if c not in but]

    def one(self, *exprs: str | None) -> str:
        """The column that holds the first of several expressions that is there; empty for none."""
        return next(iter(self.held(*list(filter(None, exprs))[:1])), "")

    def of_measures(self) -> list[str]:
        """The columns of the measures and those to be shown."""
        return self.held(*(m.of for m in self.query.measures), *self.query.show)

    @cached_property
    def measure(self) -> str:
        """The column of the first measure; empty for none, and for a number of rows."""
        if self.first.op == "share" and self.first.where:
            return self.make(self.words(self.first.where), self.mask(self.first.where), "truth")
        self.keep(self.first.where)
        return "" if self.first.op == "count" else self.one(self.first.of)

    @property
    def how(self) -> str:
        """How the rows of the first measure are brought down to one number."""
        return HOW.get(self.first.op, "") if self.query.measures else ""

    @property
    def target(self) -> str:
        """What is explained or predicted."""
        return self.one(self.model.target) or self.measure

    def groups(self, but: str = "") -> list[str]:
        """The columns by which there is one answer each."""
        return self.held(*(g.of for g in self.query.group_by), but=[but])

    @property
    def time(self) -> str:
        """The column of times that is meant: named as such, or one by which periods are cut; empty if none is."""
        return self.one(self.query.time, *(g.of for g in self.query.group_by if g.grain))

    @property
    def compared(self) -> str:
        """The column whose values, or the times whose periods, are compared; empty if none are."""
        return self.one(self.compare.of) or self.time

    @property
    def grain(self) -> str:
        """The periods that are named: year, quarter, month, week, day or hour; empty if none are."""
        found = next((g.grain for g in self.query.group_by if g.grain), "")
        return found if found in IN_A_ROW else ""


type Parameters = dict[str, Any]


def call(query: Query, tables: Tables) -> Call | None:
    """The call of the template that answers a query; None where there is none. Raises NotComputable."""
    if query.intent not in TEMPLATES:
        return None
    asked = Asked(query, tables)
    parameters = TEMPLATES[query.intent](asked)
    if parameters is None:
        return None
    if asked.sampled and query.intent not in FROM_A_SAMPLE:
        less = "Keep what the question needs in a file of its own."
        raise NotComputable(f"Of {asked.file}, a large file, only a sample is loaded; all rows are needed. {less}")
    if asked.sampled:
        asked.say(f"{asked.file} is so large that this is of a random sample of its rows.")
    given = {"data": asked.file, "steps": asked.lines, **parameters}
    said = {k: v for k, v in given.items() if v is False or v not in ("", [], None, 0)}  # else its default
    return Call(template=query.intent, parameters=said, notes=(*query.notes, *asked.notes))


ROLES = {
    "target": ("target", "outcome", "measure"), "time": ("time", "of"), "unit": ("unit",),
    "assignment": ("assignment",), "allocation": ("allocation",),
}  # fmt: skip
"""The parameters that a run's role fills, the first that there is, where a question leaves them open."""


def with_roles(call: Call, roles: Mapping[str, str], known: frozenset[str]) -> Call:
    """A call with the columns that the run declares in place of what the template would guess.

    `known` are the names of the template's parameters. What the question itself names stays.
    """
    open_ = {next((n for n in names if n in known), ""): roles.get(role) for role, names in ROLES.items()}
    filled: Parameters = {name: column for name, column in open_.items() if name and column}
    if "randomised" in known and roles.get("assignment"):
        filled["randomised"] = True
    return call.model_copy(update={"parameters": {**filled, **call.parameters}})


def forecast(asked: Asked) -> Parameters:
    """The next periods of a measure."""
    if rest := [g.of for g in asked.query.group_by if not g.grain and asked.one(g.of) != asked.time]:
        raise NotComputable(f"A forecast is of one series, and not of each {rest[0]}: choose rows of one instead.")
    how = asked.how if asked.how in ("sum", "mean", "count") else ""
    told = {"time": asked.time, "periods": asked.query.periods, "grain": asked.grain}
    return {"measure": asked.measure, "how": how, **told}


def experiment(asked: Asked) -> Parameters:
    """Whether the new one of two arms is better."""
    arms = asked.one(asked.compare.of) or next(iter(asked.groups(but=asked.measure)), "")
    sides = {"treated": asked.compare.first, "control": asked.compare.second}
    alpha = {"alpha": asked.query.test.alpha} if asked.query.test else {}
    return {"outcome": asked.measure, "assignment": arms, **sides, **alpha}


def compare(asked: Asked) -> Parameters:
    """How two groups or periods differ."""
    sides, of = asked.compare, asked.compared or next(iter(asked.groups()), "")
    return {
        "of": of, "measures": [asked.measure] if asked.measure else [], "how": asked.how, "by": asked.groups(but=of),
        "grain": asked.grain, "first": sides.first, "second": sides.second,
    }  # fmt: skip


def test(asked: Asked) -> Parameters | None:
    """A hypothesis test of columns that are named without a statistic of them."""
    named, sides = asked.query.test, asked.compare
    of = asked.one(sides.of) or next(iter(asked.groups()), "")
    columns = [*asked.of_measures(), *asked.groups(but=of)]
    given = named.model_dump(include={"about", "alpha", "sides", "null"}) | {"test": named.name} if named else {}
    levels = list(filter(None, (sides.first, sides.second)))
    return {"columns": columns, "by": of, "levels": levels, **given} if columns or of else None


def joined(asked: Asked) -> Parameters | None:
    """Two files as one: the one that is named with its keys, or the only other."""
    others = [name for name in asked.tables if name != asked.file]
    if len(asked.query.joins) > 1 or asked.query.measures or any(len(j.own) > 1 for j in asked.query.joins):
        return None
    if not asked.query.joins and len(others) != 1:
        raise NotComputable(f"A join needs two files, and there are {len(others) + 1}: name the second and its key.")
    (looked_up,) = asked.query.joins or (Join(file=others[0], own=(), theirs=()),)
    other = column(looked_up.file, others, "file")
    theirs = [str(c["name"]) for c in asked.tables[other]["columns"]]
    keys = {"own": asked.one(*looked_up.own), "theirs": next((column(k, theirs) for k in looked_up.theirs), "")}
    return {"other": other, "how": looked_up.how, **keys}


def plot(asked: Asked) -> Parameters:
    """The chart that is asked for."""
    chart, groups = asked.query.chart or Chart(), asked.groups()
    x = asked.one(chart.x) or asked.time or next(iter(groups), "")
    y = asked.held(*chart.y) or asked.held(*(m.of for m in asked.query.measures), but=[x])
    y = y or asked.held(*asked.query.show, but=[x])
    colour = asked.one(chart.colour) or next((g for g in groups if g != x and g not in y), "")
    how = asked.how or asked.first.op * (asked.first.op in ("min", "max", "std"))  # as pandas calls them, too
    return {"x": x, "y": y, "colour": colour, "how": how, "grain": asked.grain, "kind": chart.kind}


def distribution(asked: Asked) -> Parameters | None:
    """How the values of a column are spread."""
    of = next(iter([*asked.of_measures(), *asked.groups()]), "")
    return {"column": of, "by": next(iter(asked.groups(but=of)), "")} if of else None


# fmt: off
TEMPLATES: dict[Intent, Callable[[Asked], Parameters | None]] = {
    "forecast": forecast, "experiment": experiment, "compare": compare, "test": test, "join": joined, "plot": plot,
    "distribution": distribution, "clean": lambda a: None if a.query.measures else {},
    "outliers": lambda a: {"columns": a.held(*a.query.show) + a.groups()},
    "why_changed": lambda a: {
        "measure": a.measure, "how": a.how, "of": a.compared, "grain": a.grain, "by": a.groups(but=a.compared),
        "after": a.compare.first, "before": a.compare.second,
    },
    "drivers": lambda a: {
        "target": a.target, "factors": [*a.held(*a.model.features), *a.groups(but=a.target),
                                        *a.held(*(m.of for m in a.query.measures[1:]))],
    },
    "predict": lambda a: {
        "target": a.target, "features": a.held(*a.model.features) if a.query.model else a.groups(but=a.target),
        "time": a.time, "test_size": a.model.test_size,
    },
    "rank": lambda a: {
        "by": a.held(*(o.by for o in a.query.order)),
        "ascending": a.held(*(o.by for o in a.query.order if not o.descending)),
        "of": next(iter(a.groups()), ""), "target": a.one(a.model.target), "limit": a.query.limit,
    },
    "list": lambda a: {
        "columns": a.held(*a.query.show), "limit": a.query.limit, "order": a.one(*(o.by for o in a.query.order)),
        "descending": None if all(o.descending for o in a.query.order[:1]) else False,
    },
}
# fmt: on
"""What makes the parameters of a template, by the intent that it is called after; None from it leaves the question to
the compiler."""
FROM_A_SAMPLE = ("drivers", "experiment", "test", "outliers", "predict", "plot", "distribution")
"""Those that do not need all rows, as a total does."""
