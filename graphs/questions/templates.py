"""Which questions a template notebook answers, and with which parameters; each declares itself by `template`.

A template reads its file by itself. What a query does to the rows before goes along as its parameter `steps`: lines of
pandas, as the compiler writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from graphs.questions.cells import Call, Tables
from graphs.questions.expressions import NotComputable, column
from graphs.questions.query import Chart, Compare, Intent, Join, Model, Query
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

    def measure(self) -> tuple[str, str]:
        """The column of the first measure, and how its rows are brought down to one number."""
        measure = next(iter(self.query.measures), None)
        if measure is None:
            return "", ""
        if measure.op == "share" and measure.where:
            name = self.scope.words(measure.where)
            self.scope.add(f"rows[{name!r}] = {self.scope.mask(measure.where)}")
            self.scope.put(name, "truth")
            return name, "mean"
        if measure.where:
            self.scope.add(f"rows = rows[{self.scope.mask(measure.where)}]")
        return "" if measure.op == "count" else self.column(measure.of), HOW.get(measure.op, "")

    def groups(self, but: str = "") -> list[str]:
        """The columns by which there is one answer each."""
        return self.columns((g.of for g in self.query.group_by), but=[but])

    def time(self) -> str:
        """The column of times that is meant: named as such, or one by which periods are cut; empty if none is."""
        return self.column(self.query.time or next((g.of for g in self.query.group_by if g.grain), ""))

    def grain(self) -> str:
        """The periods that are named: year, quarter, month, week, day or hour; empty if none are."""
        found = next((g.grain for g in self.query.group_by if g.grain), "")
        return found if found in ("year", "quarter", "month", "week", "day", "hour") else ""

    def call(self, name: str, parameters: Parameters) -> Call:
        """The call of a template; parameters that say nothing are left to their defaults."""
        notes = list(self.scope.notes)
        if self.scope.sampled:
            notes.append(f"{self.scope.file} is so large that this is of a random sample of its rows.")
        given = {"data": self.scope.file, "steps": self.scope.lines, **parameters}
        said = {k: v for k, v in given.items() if v not in ("", [], None, 0)}
        return Call(template=name, parameters=said, notes=(*self.query.notes, *notes))


type Parameters = dict[str, Any]
type Maker = Callable[[Asked], Parameters | None]

TEMPLATES: dict[Intent, tuple[Maker, bool]] = {}
"""What makes the parameters of a template, by the intent that it is called after, and whether it needs all rows."""


def template(intent: Intent, in_full: bool = False) -> Callable[[Maker], Maker]:
    """Declare that a function makes the parameters of the template of an intent; None from it leaves the question to
    the compiler. `in_full`: all rows are needed, as for a total."""

    def declared(maker: Maker) -> Maker:
        TEMPLATES[intent] = maker, in_full
        return maker

    return declared


def call(query: Query, tables: Tables) -> Call | None:
    """The call of the template that answers a query; None where there is none. Raises NotComputable."""
    maker, in_full = TEMPLATES.get(query.intent, (None, False))
    asked = Asked(query, tables) if maker else None
    if maker is None or asked is None or (parameters := maker(asked)) is None:
        return None
    if in_full and asked.scope.sampled:
        raise NotComputable(
            f"{asked.scope.file} is so large that only a sample of it is loaded, and this needs all rows. "
            "Keep the columns or the rows that the question needs in a file of their own."
        )
    return asked.call(query.intent, parameters)


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


@template("why_changed", in_full=True)
def why_changed(asked: Asked) -> Parameters:
    """What a change between two periods or groups is made of."""
    measure, how = asked.measure()
    of = asked.column(asked.compare.of) or asked.time()
    return {
        "measure": measure, "how": how, "of": of, "grain": asked.grain(), "by": asked.groups(but=of),
        "after": asked.compare.first, "before": asked.compare.second,
    }  # fmt: skip


@template("drivers")
def drivers(asked: Asked) -> Parameters:
    """What an outcome depends on."""
    target = asked.column(asked.model.target) or asked.measure()[0]
    others = asked.columns(m.of for m in asked.query.measures[1:])
    return {"target": target, "factors": [*asked.columns(asked.model.features), *asked.groups(but=target), *others]}


@template("forecast", in_full=True)
def forecast(asked: Asked) -> Parameters:
    """The next periods of a measure."""
    if rest := [g.of for g in asked.query.group_by if not g.grain and asked.column(g.of) != asked.time()]:
        raise NotComputable(f"A forecast is of one series, and not of each {rest[0]}: choose rows of one instead.")
    measure, how = asked.measure()
    return {
        "measure": measure, "how": how if how in ("sum", "mean", "count") else "", "time": asked.time(),
        "periods": asked.query.periods, "grain": asked.grain(),
    }  # fmt: skip


@template("experiment")
def experiment(asked: Asked) -> Parameters:
    """Whether the new one of two arms is better."""
    outcome, _ = asked.measure()
    arms = asked.column(asked.compare.of) or next(iter(asked.groups(but=outcome)), "")
    alpha = {"alpha": asked.query.test.alpha} if asked.query.test else {}
    sides = {"treated": asked.compare.first, "control": asked.compare.second}
    return {"outcome": outcome, "assignment": arms, **sides, **alpha}


@template("compare", in_full=True)
def compare(asked: Asked) -> Parameters | None:
    """How two groups or periods differ; columns that are compared are left to the compiler."""
    sides = asked.compare
    if asked.query.compare is not None and not sides.of and not asked.query.time:
        return None
    of = asked.column(sides.of) or asked.time() or next(iter(asked.groups()), "")
    measure, how = asked.measure()
    return {
        "of": of, "measures": [measure] if measure else [], "how": how, "by": asked.groups(but=of),
        "grain": asked.grain(), "first": sides.first, "second": sides.second,
    }  # fmt: skip


@template("test")
def test(asked: Asked) -> Parameters | None:
    """A hypothesis test of columns that are named without a statistic of them."""
    named, groups = asked.query.test, asked.groups()
    of = asked.column(asked.compare.of) or next(iter(groups), "")
    columns = [*asked.of_measures(), *(g for g in groups if g != of)]
    given = named.model_dump(include={"about", "alpha", "sides", "null"}) | {"test": named.name} if named else {}
    levels = [side for side in (asked.compare.first, asked.compare.second) if side]
    return {"columns": columns, "by": of, "levels": levels, **given} if columns or of else None


@template("outliers")
def outliers(asked: Asked) -> Parameters:
    """What is odd in the columns that are named, or in all."""
    return {"columns": asked.columns(asked.query.show) + asked.groups()}


@template("clean", in_full=True)
def clean(asked: Asked) -> Parameters | None:
    """The table cleaned, after the steps that are asked for; figures of it are the compiler's."""
    return None if asked.query.measures else {}


@template("join", in_full=True)
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


@template("rank", in_full=True)
def rank(asked: Asked) -> Parameters:
    """Rows or groups in order of a score; what names measures is computed by the compiler."""
    order = asked.query.order
    return {
        "by": asked.columns(o.by for o in order), "ascending": asked.columns(o.by for o in order if not o.descending),
        "of": next(iter(asked.groups()), ""), "target": asked.column(asked.model.target), "limit": asked.query.limit,
    }  # fmt: skip


@template("list", in_full=True)
def listing(asked: Asked) -> Parameters:
    """The rows that meet the conditions, as a file."""
    order = next(iter(asked.query.order), None)
    by = {"order": asked.column(order.by), "descending": order.descending} if order else {}
    return {"columns": asked.columns(asked.query.show), "limit": asked.query.limit, **by}


@template("predict")
def predict(asked: Asked) -> Parameters:
    """A model of a column, where neither its kind nor its figures are named."""
    target = asked.column(asked.model.target) or asked.measure()[0]
    features = asked.columns(asked.model.features) if asked.query.model else asked.groups(but=target)
    return {"target": target, "features": features, "time": asked.time(), "test_size": asked.model.test_size}


@template("plot")
def plot(asked: Asked) -> Parameters:
    """The chart that is asked for."""
    chart, groups, measures = asked.query.chart or Chart(), asked.groups(), asked.query.measures
    x = asked.column(chart.x) or asked.time() or next(iter(groups), "")
    y = asked.columns(chart.y) or asked.columns((m.of for m in measures), but=[x])
    y = y or asked.columns(asked.query.show, but=[x])
    colour = asked.column(chart.colour) or next((g for g in groups if g != x and g not in y), "")
    how = HOW.get(measures[0].op, "") if measures else ""
    named = {"kind": chart.kind, "title": chart.title} if asked.query.chart else {}
    return {"x": x, "y": y, "colour": colour, "how": how, "grain": asked.grain(), **named}


@template("distribution")
def distribution(asked: Asked) -> Parameters | None:
    """How the values of a column are spread."""
    groups = asked.groups()
    of = next(iter([*asked.of_measures(), *groups]), "")
    return {"column": of, "by": next((g for g in groups if g != of), "")} if of else None
