"""Which questions a template notebook answers, and with which parameters; each declares itself by `template`.

A template reads its file by itself. What a query does to the rows before goes along as its parameter `steps`: lines of
pandas, as the compiler writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphs.questions.cells import Call, Tables, template
from graphs.questions.expressions import NotComputable, column
from graphs.questions.query import Measure, Query
from graphs.questions.scope import Scope
from graphs.questions.steps import join, prepare

HOW = {"sum": "sum", "mean": "mean", "median": "median", "count": "count", "share": "mean", "distinct": "count"}
"""What a template does with a measure's rows, by the measure's statistic."""


class Asked:
    """A query on its way into a template's parameters: its columns, and the lines that prepare the rows."""

    def __init__(self, query: Query, tables: Tables) -> None:
        self.query, self.scope = query, Scope(tables, query.table)
        for looked_up in query.joins:
            join(looked_up, self.scope)
        for step in query.prepare:
            prepare(step, self.scope)
        if query.where:
            self.scope.add(f"rows = rows[{self.scope.mask(query.where)}]")

    def column(self, expr: str | None) -> str:
        """The column that holds an expression, made first where it is none; empty for nothing."""
        return self.scope.as_column(expr) if expr else ""

    def measure(self, measure: Measure | None = None) -> tuple[str, str]:
        """The column of a measure (the first, if none is given), and how its rows are brought down to one number."""
        measure = measure or next(iter(self.query.measures), None)
        if measure is None:
            return "", ""
        if measure.op == "share" and measure.where:
            name = self.scope.words(measure.where)
            self.scope.add(f"rows[{name!r}] = {self.scope.mask(measure.where)}")
            self.scope.put(name, "truth")
            return name, "mean"
        if measure.where:
            self.scope.add(f"rows = rows[{self.scope.mask(measure.where)}]")
        name = "" if measure.op == "count" else self.column(measure.of)
        return name, HOW.get(measure.op, "")

    def groups(self, but: str = "") -> list[str]:
        """The columns by which there is one answer each."""
        return [c for c in (self.column(g.of) for g in self.query.group_by) if c != but]

    def time(self) -> str:
        """The column of times that is meant: named as such, or one by which periods are cut; empty if none is."""
        cut = next((g.of for g in self.query.group_by if g.grain), "")
        return self.column(self.query.time or cut)

    def grain(self) -> str:
        """The periods that are named: year, quarter, month, week, day or hour; empty if none are."""
        found = next((g.grain for g in self.query.group_by if g.grain), "")
        return found if found in ("year", "quarter", "month", "week", "day", "hour") else ""

    def in_full(self) -> None:
        """Refuse a file of which only a sample is loaded: for a total, all rows are needed."""
        if self.scope.sampled:
            raise NotComputable(
                f"{self.scope.file} is so large that only a sample of it is loaded, and this needs all rows. "
                "Keep the columns or the rows that the question needs in a file of their own."
            )

    def call(self, name: str, **parameters: Any) -> Call:
        """The call of a template; parameters that say nothing are left to their defaults."""
        notes = list(self.scope.notes)
        if self.scope.sampled:
            notes.append(f"{self.scope.file} is so large that this is of a random sample of its rows.")
        given = {"data": self.scope.file, "steps": self.scope.lines, **parameters}
        said = {k: v for k, v in given.items() if v not in ("", [], None, 0)}
        return Call(template=name, parameters=said, notes=(*self.query.notes, *notes))


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


@template("why_changed")
def why_changed(query: Query, tables: Tables) -> Call:
    """What a change between two periods or groups is made of."""
    asked = Asked(query, tables)
    asked.in_full()
    measure, how = asked.measure()
    compare = query.compare
    of = asked.column(compare.of) if compare and compare.of else asked.time()
    sides = {"after": compare.first, "before": compare.second} if compare else {}
    by = asked.groups(but=of)
    return asked.call("why_changed", measure=measure, how=how, of=of, grain=asked.grain(), by=by, **sides)


@template("drivers")
def drivers(query: Query, tables: Tables) -> Call:
    """What an outcome depends on."""
    asked = Asked(query, tables)
    model = query.model
    target = asked.column(model.target) if model and model.target else asked.measure()[0]
    others = [asked.column(m.of) for m in query.measures[1:] if m.of]
    factors = [asked.column(f) for f in model.features] if model else []
    return asked.call("drivers", target=target, factors=[*factors, *asked.groups(but=target), *others])


@template("forecast")
def forecast(query: Query, tables: Tables) -> Call:
    """The next periods of a measure."""
    asked = Asked(query, tables)
    asked.in_full()
    if rest := [g.of for g in query.group_by if not g.grain and asked.column(g.of) != asked.time()]:
        raise NotComputable(f"A forecast is of one series, and not of each {rest[0]}: choose rows of one instead.")
    measure, how = asked.measure()
    how = how if how in ("sum", "mean", "count") else ""
    return asked.call(
        "forecast", measure=measure, how=how, time=asked.time(), periods=query.periods, grain=asked.grain()
    )


@template("experiment")
def experiment(query: Query, tables: Tables) -> Call:
    """Whether the new one of two arms is better."""
    asked = Asked(query, tables)
    outcome, _ = asked.measure()
    compare = query.compare
    arms = asked.column(compare.of) if compare and compare.of else next(iter(asked.groups(but=outcome)), "")
    sides = {"treated": compare.first, "control": compare.second} if compare else {}
    alpha = {"alpha": query.test.alpha} if query.test else {}
    return asked.call("experiment", outcome=outcome, assignment=arms, **sides, **alpha)


@template("compare")
def compare(query: Query, tables: Tables) -> Call | None:
    """How two groups or periods differ; columns that are compared are left to the compiler."""
    asked, sides = Asked(query, tables), query.compare
    if sides is not None and not sides.of and not query.time:
        return None
    asked.in_full()
    of = asked.column(sides.of) if sides and sides.of else asked.time() or next(iter(asked.groups()), "")
    named = {"first": sides.first, "second": sides.second} if sides else {}
    measure, how = asked.measure()
    measures = [measure] if measure else []
    return asked.call(
        "compare", of=of, measures=measures, how=how, by=asked.groups(but=of), grain=asked.grain(), **named
    )


@template("test")
def test(query: Query, tables: Tables) -> Call | None:
    """A hypothesis test of columns that are named without a statistic of them."""
    asked, named = Asked(query, tables), query.test
    groups = asked.groups()
    sides = [query.compare.first, query.compare.second] if query.compare else []
    of = asked.column(query.compare.of) if query.compare and query.compare.of else next(iter(groups), "")
    columns = [c for c in (asked.column(m.of) for m in query.measures if m.of) if c]
    columns += [asked.column(c) for c in query.show] + [g for g in groups if g != of]
    if not columns and not of:
        return None
    given = named.model_dump(include={"about", "alpha", "sides", "null"}) | {"test": named.name} if named else {}
    return asked.call("test", columns=columns, by=of, levels=[s for s in sides if s], **given)


@template("outliers")
def outliers(query: Query, tables: Tables) -> Call:
    """What is odd in the columns that are named, or in all."""
    asked = Asked(query, tables)
    return asked.call("outliers", columns=[asked.column(c) for c in query.show] + asked.groups())


@template("clean")
def clean(query: Query, tables: Tables) -> Call | None:
    """The table cleaned, after the steps that are asked for; figures of it are the compiler's."""
    if query.measures:
        return None
    asked = Asked(query, tables)
    asked.in_full()
    return asked.call("clean")


@template("join")
def joined(query: Query, tables: Tables) -> Call | None:
    """Two files as one: the one that is named with its keys, or the only other."""
    if len(query.joins) > 1 or query.measures:
        return None
    looked_up = next(iter(query.joins), None)
    asked = Asked(query.model_copy(update={"joins": ()}), tables)
    asked.in_full()
    others = [str(t["name"]) for t in tables if t["name"] != asked.scope.file]
    if looked_up is None and len(others) != 1:
        raise NotComputable(f"A join needs two files, and there are {len(others) + 1}: name the second and its key.")
    other = column(looked_up.file, others, "file") if looked_up else others[0]
    keys = {}
    if looked_up is not None and looked_up.own:
        theirs = [str(c["name"]) for t in tables if t["name"] == other for c in t["columns"]]
        if len(looked_up.own) > 1:
            return None
        keys = {"own": asked.column(looked_up.own[0]), "theirs": column(looked_up.theirs[0], theirs)}
    return asked.call("join", other=other, how=looked_up.how if looked_up else "left", **keys)


@template("rank")
def rank(query: Query, tables: Tables) -> Call | None:
    """Rows or groups in order of a score; what names measures is computed by the compiler."""
    asked = Asked(query, tables)
    asked.in_full()
    by = [asked.column(o.by) for o in query.order]
    lower = [asked.column(o.by) for o in query.order if not o.descending]
    target = asked.column(query.model.target) if query.model and query.model.target else ""
    of = next(iter(asked.groups()), "")
    return asked.call("rank", by=by, ascending=lower, of=of, target=target, limit=query.limit)


@template("list")
def listing(query: Query, tables: Tables) -> Call:
    """The rows that meet the conditions, as a file."""
    asked = Asked(query, tables)
    asked.in_full()
    order = next(iter(query.order), None)
    by = {"order": asked.column(order.by), "descending": order.descending} if order else {}
    return asked.call("list", columns=[asked.column(c) for c in query.show], limit=query.limit, **by)


@template("predict")
def predict(query: Query, tables: Tables) -> Call:
    """A model of a column, where neither its kind nor its figures are named."""
    asked, model = Asked(query, tables), query.model
    target = asked.column(model.target) if model and model.target else asked.measure()[0]
    features = [asked.column(f) for f in model.features] if model else asked.groups(but=target)
    return asked.call(
        "predict", target=target, features=features, time=asked.time(), test_size=model.test_size if model else None
    )


@template("plot")
def plot(query: Query, tables: Tables) -> Call:
    """The chart that is asked for."""
    asked, chart = Asked(query, tables), query.chart
    groups, measures = asked.groups(), query.measures
    x = asked.column(chart.x) if chart and chart.x else asked.time() or next(iter(groups), "")
    y = [asked.column(c) for c in chart.y] if chart and chart.y else []
    y = y or [c for c in (asked.column(m.of) for m in measures) if c and c != x]
    y = y or [c for c in (asked.column(c) for c in query.show) if c != x]
    rest = next((g for g in groups if g != x and g not in y), "")
    colour = asked.column(chart.colour) if chart and chart.colour else rest
    how = HOW.get(measures[0].op, "") if measures and measures[0].op in HOW else ""
    named = {"kind": chart.kind, "title": chart.title} if chart else {}
    return asked.call("plot", x=x, y=y, colour=colour, how=how, grain=asked.grain(), **named)


@template("distribution")
def distribution(query: Query, tables: Tables) -> Call | None:
    """How the values of a column are spread."""
    asked = Asked(query, tables)
    named = [asked.column(m.of) for m in query.measures if m.of] + [asked.column(c) for c in query.show]
    groups = asked.groups()
    of = next(iter([*named, *groups]), "")
    if not of:
        return None
    return asked.call("distribution", column=of, by=next((g for g in groups if g != of), ""))
