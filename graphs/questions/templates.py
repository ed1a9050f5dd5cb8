"""Which questions a template notebook answers, and with which parameters; each declares itself by `template`.

A template reads its file by itself. What a query does to the rows before goes along as its parameter `steps`: lines of
pandas, as the compiler writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphs.questions.cells import Call, Tables, template
from graphs.questions.expressions import NotComputable
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
