"""A query as DuckDB's SQL: the path on which the reviewer computes what the compiler computed with pandas.

The text is made here and runs in a sandbox, over tables that hold their rows' places in `__row`. What SQL cannot say (a
hypothesis test, a fitted model, levels that are not known beforehand) raises NotComputable with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphs.questions import conditions
from graphs.questions.expressions import NotComputable, column, in_backticks, kind, kind_of
from graphs.questions.expressions_in_sql import quoted, to_sql
from graphs.questions.functions import Kind
from graphs.questions.query import (
    AnyOf,
    Condition,
    Convert,
    Derive,
    DropDuplicates,
    DropMissing,
    Formula,
    Group,
    Join,
    Keep,
    Measure,
    Order,
    Query,
    Recode,
    Scalar,
    Step,
    Where,
)
from graphs.review.answering import Asked, measure_name

Tables = Sequence[Mapping[str, Any]]
"""Tables as `look.describe` prints them."""

ROW = "__row"
MOST = 5_000
"""Rows of a result that are looked at."""

_PLAIN = {
    "count": "count({x})", "present": "count({x})", "distinct": "count(DISTINCT {x})", "sum": "sum({x})",
    "mean": "avg({x})", "median": "median({x})", "min": "min({x})", "max": "max({x})", "range": "max({x}) - min({x})",
    "std": "stddev_samp({x})", "var": "var_samp({x})", "sem": "stddev_samp({x}) / sqrt(count({x}))",
    "cv": "stddev_samp({x}) / avg({x})", "quantile": "quantile_cont({x}, {p})", "mad": "mad({x})",
    "iqr": "quantile_cont({x}, 0.75) - quantile_cont({x}, 0.25)", "skewness": "skewness({x})",
    "kurtosis": "kurtosis({x})", "first": "arg_min({x}, {row})", "last": "arg_max({x}, {row})",
    "geometric_mean": "exp(avg(CASE WHEN {x} > 0 THEN ln({x}) END))", "entropy": "entropy({x})",
    "value": "list_sort(list(DISTINCT {x}))", "values": "list_sort(list(DISTINCT {x}))",
    "mode": "list_sort(list_transform(list_filter(map_entries(histogram({x})), lambda e: e.value = "
    "list_max(map_values(histogram({x})))), lambda e: e.key))",
}  # fmt: skip
_BIASED = {
    "skewness": "skewness({x}) * (count({x}) - 2) / sqrt(count({x}) * (count({x}) - 1))",
    "kurtosis": "kurtosis_pop({x})",
}
_POPULATION = {"std": "stddev_pop({x})", "var": "var_pop({x})", "cv": "stddev_pop({x}) / avg({x})"}
_PAIRS = {
    "correlation": "corr({x}, {y})", "covariance": "covar_samp({x}, {y})", "slope": "regr_slope({x}, {y})",
    "r2": "corr({x}, {y}) * corr({x}, {y})",
    "weighted_mean": "sum({x} * {y}) / sum(CASE WHEN {x} IS NOT NULL THEN {y} END)",
}  # fmt: skip
_GRAINS = {
    "year": "strftime({x}, '%Y')", "quarter": "year({x}) || '-Q' || quarter({x})", "month": "strftime({x}, '%Y-%m')",
    "week": "strftime(date_trunc('week', {x}), '%Y-%m-%d')", "day": "strftime({x}, '%Y-%m-%d')",
    "hour": "strftime({x}, '%Y-%m-%d %H:00')", "month_of_year": "monthname({x})",
    "quarter_of_year": "'Q' || quarter({x})", "weekday": "dayname({x})", "hour_of_day": "strftime({x}, '%H:00')",
}  # fmt: skip


def sql(query: Query, tables: Tables) -> tuple[str, Asked]:
    """The SQL that answers a query, and which of its columns are what. Raises NotComputable where there is none."""
    if query.test is not None or query.model is not None or query.outliers is not None:
        what = "a hypothesis test" if query.test else "a fitted model" if query.model else "an outlier rule"
        raise NotComputable(f"{what} is no statistic that SQL computes")
    if query.compare is not None:
        query = _compared(query)
    return _Sql(tables, query.table).answer(query)


_PERIOD = r"weekend|(?:weekday|hour|month|quarter) [\d-]+|\d{4}(?:-Q?\d\d?)?(?:-\d\d)?"


def _compared(query: Query) -> Query:
    """A comparison of two values of a column as groups of that column."""
    assert query.compare is not None
    of, sides = query.compare.of, (query.compare.first, query.compare.second)
    periods = any(re.fullmatch(_PERIOD, side) for side in sides)  # of dates, each of which would be a group
    if not of or not all(sides) or query.group_by or periods:
        raise NotComputable("a comparison of columns or periods is not one table of groups")
    kept = Condition(left=of, op="in", right=sides)
    return query.model_copy(update={"compare": None, "where": (*query.where, kept), "group_by": (Group(of=of),)})


class _Sql:
    """A chain of common table expressions; `kinds` is what the columns of the last one hold."""

    def __init__(self, tables: Tables, file: str) -> None:
        self.tables = {str(t["name"]): t for t in tables}
        if not self.tables:
            raise NotComputable("there is no table")
        self.file = column(file, self.tables, "file") if file else next(iter(self.tables))
        self.kinds = self._kinds(self.file)
        self.parts: list[str] = []
        self.add(f"SELECT * FROM {_q(self.file)}")
        self.whole = self.at

    def _kinds(self, file: str) -> dict[str, Kind]:
        return {str(c["name"]): kind_of(str(c["dtype"])) for c in self.tables[file]["columns"]}

    @property
    def at(self) -> str:
        return f"s{len(self.parts)}"

    def add(self, select: str) -> None:
        """A further step; `{at}` in it is the one before."""
        before = self.at
        self.parts.append(f"s{len(self.parts) + 1} AS ({select.replace('{at}', before)})")

    def expr(self, text: str, given: Mapping[str, str] | None = None) -> str:
        name = text.strip().strip("`")
        known: dict[str, Kind] = {**dict.fromkeys(given or {}, "number"), **self.kinds}
        return to_sql(in_backticks(name) if name in self.kinds else text, known, given=given)

    def where(self, where: Sequence[Where]) -> str:
        """Conditions as SQL that is true or false of a row."""
        given: dict[str, str] = {}

        def named(scalar: Scalar) -> str:
            name = f"bound {len(given)}"
            given[name] = self._scalar(scalar)
            return name

        text = conditions.all_of([self._spelt(w) for w in where], named, lambda left: left in self.kinds)
        return self.expr(text, given) if text else "true"

    def _scalar(self, scalar: Scalar) -> str:
        if len(scalar.query.measures) != 1:
            raise NotComputable("a condition compares with one number")
        (measure,) = scalar.query.measures
        rows = self.where((*scalar.query.where, *(measure.where if measure.op != "share" else ())))
        plain = measure if measure.op == "share" else measure.model_copy(update={"where": ()})
        return f"({scalar.times!r} * (SELECT {self.measure(plain, False)} FROM {self.at} WHERE {rows}))"

    def _spelt(self, where: Where) -> Where:
        """A condition with its values as the column spells them, whatever their case."""
        if isinstance(where, AnyOf):
            each = (tuple(w for c in some if isinstance(w := self._spelt(c), Condition)) for some in where.any_of)
            return AnyOf(any_of=tuple(each))
        left = where.left.strip().strip("`")
        left = column(left, self.kinds) if left not in self.kinds and left.isidentifier() else left
        if left not in self.kinds:
            return where
        fact: Mapping[str, Any] = next((c for c in self.tables[self.file]["columns"] if c["name"] == left), {})
        levels = {str(v).strip().casefold(): v for v in fact.get("values") or ()} if self.kinds[left] == "text" else {}

        def spelt(value: Any) -> Any:
            return levels.get(value.strip().casefold(), value) if isinstance(value, str) else value

        right: Any = where.right
        right = tuple(map(spelt, right)) if isinstance(right, tuple) else spelt(right)
        return where.model_copy(update={"left": left, "right": right})

    # What is done to the table first.

    def join(self, join: Join) -> None:
        file = column(join.file, self.tables, "file")
        theirs = self._kinds(file)
        own, keys = [column(c, self.kinds) for c in join.own], [column(c, theirs) for c in join.theirs]
        new = [c for c in theirs if c not in self.kinds]
        on = " AND ".join(f"a.{_q(a)} = b.{_q(b)}" for a, b in zip(own, keys, strict=True))
        how = {"left": "LEFT", "inner": "INNER", "outer": "FULL"}[join.how]
        columns = ", ".join(["a.*", *(f"b.{_q(c)}" for c in new)])
        self.add(f"SELECT {columns} FROM {{at}} a {how} JOIN {_q(file)} b ON {on}")
        self.kinds |= {c: theirs[c] for c in new}

    def put(self, name: str, source: str, what: Kind) -> None:
        """A column with new values."""
        exclude = f" EXCLUDE ({_q(name)})" if name in self.kinds else ""
        self.add(f"SELECT *{exclude}, {source} AS {_q(name)} FROM {{at}}")
        self.kinds[name] = what

    def prepare(self, step: Step) -> None:
        match step:
            case Keep():
                self.add(f"SELECT * FROM {{at}} WHERE {self.where(step.where)}")
            case DropMissing():
                names = [column(c, self.kinds) for c in step.columns] or list(self.kinds)
                self.add(f"SELECT * FROM {{at}} WHERE {' AND '.join(f'{_q(c)} IS NOT NULL' for c in names)}")
            case DropDuplicates():
                names = [column(c, self.kinds) for c in step.columns] or list(self.kinds)
                by = ", ".join(map(_q, names))
                first = f"row_number() OVER (PARTITION BY {by} ORDER BY {ROW}) = 1"
                self.add(f"SELECT * FROM {{at}} QUALIFY {first}")
            case Derive():
                if step.where_infinite is not None:
                    raise NotComputable("what stands for a division by zero is not told from a missing value")
                self.put(step.name, self.expr(step.expr), kind(step.expr, self.kinds))
            case Recode():
                name = column(step.column, self.kinds)
                cases = " ".join(f"WHEN {quoted(a)} THEN {quoted(b)}" for a, b in step.values)
                other = _q(name) if step.other is None else quoted(step.other)
                numbers = all(isinstance(b, (int, float)) for _, b in step.values)
                self.put(
                    step.name or name, f"CASE {_q(name)} {cases} ELSE {other} END", "number" if numbers else "text"
                )
            case Convert():
                kinds: dict[str, tuple[str, Kind]] = {
                    "number": ("DOUBLE", "number"), "time": ("TIMESTAMP", "time"), "text": ("VARCHAR", "text")
                }  # fmt: skip
                to, what = kinds[step.to]
                for name in (column(c, self.kinds) for c in step.columns):
                    self.put(name, f"TRY_CAST({_q(name)} AS {to})", what)
            case _:  # filled, cut, scaled and encoded values, outliers: as its cell printed it
                raise NotComputable(f"the step {step.do!r} is not written as SQL")

    # What is computed.

    def measure(self, measure: Measure, grouped: bool) -> str:
        """A statistic as an aggregate. A share is told in per cent."""
        op, rows = measure.op, self.where(measure.where)
        only = f" FILTER (WHERE {rows})" if measure.where else ""
        if measure.method == "kendall" or measure.within:
            raise NotComputable("Kendall's tau or a share within groups is no aggregate of SQL")
        x = self.expr(measure.of) if measure.of else None
        if op == "share":
            return self._share(measure, x, only, grouped)
        if op in _PAIRS:
            if x is None or measure.other is None:
                raise NotComputable(f"a {op} takes two columns")
            y = self.expr(measure.other)
            if measure.method == "spearman":
                raise NotComputable("a correlation of ranks is no aggregate of SQL")
            x = f"(CASE WHEN {rows} THEN {x} END)" if only else x
            return f"({_PAIRS[op].format(x=x, y=y)})"
        if op == "duplicates":
            row = x or f"({', '.join(map(quoted, self.kinds))})"
            return f"(count({x or '*'}){only} - count(DISTINCT {row}){only})"
        if x is None:
            if op != "count":
                raise NotComputable(f"a {op} needs a column")
            return f"count(*){only}"
        if op == "missing":
            return f"(count(*){only} - count({x}){only})"
        way = _BIASED.get(op) if measure.biased else _POPULATION.get(op) if measure.ddof == 0 else None
        if measure.ddof not in (None, 0, 1) or (measure.ddof == 0 and way is None and op == "sem"):
            raise NotComputable(f"{measure.ddof} degrees of freedom less are no aggregate of SQL")
        if measure.op in ("sum", "mean", "std", "var") and self.kinds.get((measure.of or "").strip("`")) == "truth":
            x = f"CAST({x} AS INTEGER)"
        p = 0.5 if measure.p is None else measure.p
        if only:  # inside, so that every aggregate of the form sees the same rows
            x = f"(CASE WHEN {rows} THEN {x} END)"
        return "(" + (way or _PLAIN[op]).format(x=x, p=p, row=f"CASE WHEN {rows} THEN {ROW} END") + ")"

    def _share(self, measure: Measure, x: str | None, only: str, grouped: bool) -> str:
        if measure.where and x is None:
            among = f" FILTER (WHERE {self.where(measure.among)})" if measure.among else ""
            part = f" FILTER (WHERE {self.where((*measure.where, *measure.among))})"
            return f"100.0 * count(*){part} / nullif(count(*){among}, 0)"
        if measure.where or not grouped:
            raise NotComputable("a share says of what it is a part: a condition, or groups")
        part = f"sum({x})" if x else "count(*)"
        return f"100.0 * {part} / sum({part}) OVER ()"

    def answer(self, query: Query) -> tuple[str, Asked]:
        for join in query.joins:
            self.join(join)
        for step in query.prepare:
            self.prepare(step)
        if query.where:
            self.add(f"SELECT * FROM {{at}} WHERE {self.where(query.where)}")
        asked = self._grouped(query) if query.measures else self._rows(query)
        tail = self._tail(query.order, asked) if query.measures else f" ORDER BY {self._order(query)}"
        limit = f" LIMIT {min(query.limit or MOST, MOST)} OFFSET {query.offset}"
        shown = ", ".join(_q(c) for c in (*asked.groups, *asked.values))
        source = f"WITH {', '.join(self.parts)} SELECT {shown} FROM {self.at}{tail}{limit}"
        if query.tell == "number":
            source, asked = f"SELECT count(*) AS number FROM ({source})", replace(asked, groups=(), values=("number",))
        return source, asked

    def _rows(self, query: Query) -> Asked:
        """Rows told by some of their columns, in order."""
        shown = [column(c, self.kinds) for c in query.show]
        if not shown or query.group_by or query.formulas:
            raise NotComputable("it names no statistic")
        return Asked((), tuple(shown))

    def _order(self, query: Query) -> str:
        by = (f"{self.expr(o.by)} {'DESC' if o.descending else 'ASC'} NULLS LAST" for o in query.order)
        return ", ".join([*by, ROW])

    def _grouped(self, query: Query) -> Asked:
        keys: dict[str, str] = {}
        for group in query.group_by:
            name = group.of.strip().strip("`")
            x = self.expr(group.of)
            keys[name] = _GRAINS[group.grain].format(x=x) if group.grain else x
        names = [measure_name(m) for m in query.measures]
        measures = [self.measure(m, bool(keys)) for m in query.measures]
        made = [f"{x} AS {_q(n)}" for n, x in (*keys.items(), *zip(names, measures, strict=True))]
        present = " AND ".join(f"({x}) IS NOT NULL" for x in keys.values())
        by = f" WHERE {present} GROUP BY {', '.join(keys.values())}" if keys else ""
        self.add(f"SELECT {', '.join(made)} FROM {{at}}{by}")
        self.kinds = {**dict.fromkeys(keys, "text"), **dict.fromkeys(names, "number")}
        for formula in query.formulas:
            self._formula(formula)
        if query.having:
            having = [h.model_copy(update={"left": self._measure_called(h.left, query)}) for h in query.having]
            self.add(f"SELECT * FROM {{at}} WHERE {self.where(having)}")
        return Asked(
            tuple(keys), (*names, *(f.name for f in query.formulas)), {measure_name(m): m for m in query.measures}
        )

    def _formula(self, formula: Formula) -> None:
        given = {n: _q(n) for n in self.kinds}
        self.put(formula.name, to_sql(formula.expr, dict(self.kinds), given=given), "number")

    def _measure_called(self, name: str, query: Query) -> str:
        plain = name.strip().strip("`")
        if plain in self.kinds:
            return plain
        for measure in query.measures:
            if plain in (f"{measure.op}_{measure.of}", f"{measure.op}({measure.of})", f"{measure.op} {measure.of}"):
                return measure_name(measure)
        of = [m for m in query.measures if plain in (m.of, m.op)]
        return measure_name(of[0]) if len(of) == 1 else column(plain, self.kinds, "measure")

    def _tail(self, order: Sequence[Order], asked: Asked) -> str:
        by = []
        for o in order:
            plain = o.by.strip().strip("`")
            ways = [n for n, m in asked.measures.items() if plain in _ways(m)]
            name = plain if plain in self.kinds else ways[0] if ways else None
            source = _q(name) if name else to_sql(o.by, dict(self.kinds), given={n: _q(n) for n in self.kinds})
            by.append(f"{source} {'DESC' if o.descending else 'ASC'} NULLS LAST")
        return f" ORDER BY {', '.join([*by, *map(_q, asked.groups)])}" if by or asked.groups else ""


def _ways(measure: Measure) -> tuple[str, ...]:
    """The names by which an order or a condition may mean a measure that has none."""
    op, of = measure.op, (measure.of or "").strip("`")
    return (op, f"{op}_{of}", f"{op}({of})", f"{op} {of}", of) if of else (op, "number of rows", "rows", "n")


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
