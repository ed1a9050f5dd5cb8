"""A query as DuckDB's SQL: the path on which the reviewer computes what the compiler computed with pandas.

The text is made here and runs in a sandbox, over tables that hold their rows' places in `__row`. What SQL cannot say (a
hypothesis test, a fitted model, levels that are not known beforehand) raises NotComputable with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphs.questions import conditions
from graphs.questions.expressions import NotComputable, bare, column, in_backticks, kind, kind_of
from graphs.questions.expressions_in_sql import quoted, to_sql
from graphs.questions.functions import Kind
from graphs.questions.query import Condition, Join, Measure, Query, Scalar, Step, Where
from graphs.review.answering import Asked, measure_name

Tables = Sequence[Mapping[str, Any]]
"""Tables as `look.describe` prints them."""

ROW = "__row"
MOST = 5_000
"""Rows of a result that are looked at."""

_FORMS = {
    "count": "count({x})", "present": "count({x})", "distinct": "count(DISTINCT {x})", "sum": "sum({x})",
    "missing": "count({rows}) - count({x})", "duplicates": "count({rows}) - count(DISTINCT {x})",
    "mean": "avg({x})", "median": "median({x})", "min": "min({x})", "max": "max({x})", "range": "max({x}) - min({x})",
    "std": "stddev_samp({x})", "var": "var_samp({x})", "sem": "stddev_samp({x}) / sqrt(count({x}))",
    "cv": "stddev_samp({x}) / avg({x})", "quantile": "quantile_cont({x}, {p})", "mad": "mad({x})",
    "iqr": "quantile_cont({x}, 0.75) - quantile_cont({x}, 0.25)", "skewness": "skewness({x})",
    "kurtosis": "kurtosis({x})", "first": f"arg_min({{x}}, {ROW})", "last": f"arg_max({{x}}, {ROW})",
    "geometric_mean": "exp(avg(CASE WHEN {x} > 0 THEN ln({x}) END))", "entropy": "entropy({x})",
    "value": "list_sort(list(DISTINCT {x}))", "values": "list_sort(list(DISTINCT {x}))",
    "mode": "list_sort(list_transform(list_filter(map_entries(histogram({x})), lambda e: e.value = "
    "list_max(map_values(histogram({x})))), lambda e: e.key))",
    "std 0": "stddev_pop({x})", "var 0": "var_pop({x})", "cv 0": "stddev_pop({x}) / avg({x})",
    "sem 0": "stddev_pop({x}) / sqrt(count({x}))",
    "skewness biased": "skewness({x}) * (count({x}) - 2) / sqrt(count({x}) * (count({x}) - 1))",
    "kurtosis biased": "kurtosis_pop({x})",
    "correlation": "corr({x}, {y})", "covariance": "covar_samp({x}, {y})", "slope": "regr_slope({x}, {y})",
    "r2": "corr({x}, {y}) * corr({x}, {y})",
    "weighted_mean": "sum({x} * {y}) / sum(CASE WHEN {x} IS NOT NULL THEN {y} END)",
}  # fmt: skip
"""Statistics of `x`, and of `y` beside it; with the degrees of freedom, or as the form of all rows."""
_GRAINS = {
    "year": "strftime({x}, '%Y')", "quarter": "year({x}) || '-Q' || quarter({x})", "month": "strftime({x}, '%Y-%m')",
    "week": "strftime(date_trunc('week', {x}), '%Y-%m-%d')", "day": "strftime({x}, '%Y-%m-%d')",
    "hour": "strftime({x}, '%Y-%m-%d %H:00')", "month_of_year": "monthname({x})",
    "quarter_of_year": "'Q' || quarter({x})", "weekday": "dayname({x})", "hour_of_day": "strftime({x}, '%H:00')",
}  # fmt: skip


def sql(query: Query, tables: Tables) -> tuple[str, Asked]:
    """The SQL that answers a query, and which of its columns are what. Raises NotComputable where there is none."""
    others = {"a hypothesis test": query.test, "a fitted model": query.model, "an outlier rule": query.outliers,
              "a comparison": query.compare}  # fmt: skip
    if what := next((name for name, asked in others.items() if asked is not None), ""):
        raise NotComputable(f"{what} is no statistic that SQL computes")
    return _Sql(tables, query.table).answer(query)


class _Sql:
    """A chain of common table expressions; `kinds` is what the columns of the last one hold."""

    def __init__(self, tables: Tables, file: str) -> None:
        self.tables = {str(t["name"]): t for t in tables}
        self.file = column(file or next(iter(self.tables), ""), self.tables, "file")
        self.kinds = self._kinds(self.file)
        self.parts = [f"s0 AS (SELECT * FROM {_q(self.file)})"]

    def _kinds(self, file: str) -> dict[str, Kind]:
        return {str(c["name"]): kind_of(str(c["dtype"])) for c in self.tables[file]["columns"]}

    @property
    def at(self) -> str:
        return f"s{len(self.parts) - 1}"

    def add(self, select: str, rest: str = "") -> None:
        """A further step: what is selected of the one before, and the rest of the sentence."""
        self.parts.append(f"s{len(self.parts)} AS (SELECT {select} FROM {self.at} {rest})")

    def put(self, name: str, source: str, what: Kind) -> None:
        """A column with new values."""
        exclude = f" EXCLUDE ({_q(name)})" if name in self.kinds else ""
        self.add(f"*{exclude}, {source} AS {_q(name)}")
        self.kinds[name] = what

    def expr(self, text: str, given: Mapping[str, str] | None = None) -> str:
        known: dict[str, Kind] = {**dict.fromkeys(given or {}, "number"), **self.kinds}
        return to_sql(in_backticks(bare(text)) if bare(text) in self.kinds else text, known, given=given)

    def where(self, where: Sequence[Where]) -> str:
        """Conditions as SQL that is true or false of a row."""
        given: dict[str, str] = {}

        def named(scalar: Scalar) -> str:
            name = f"bound {len(given)}"
            given[name] = self._scalar(scalar)
            return name

        spelt = [conditions.each(w, self._spelt) for w in where]
        text = conditions.all_of(spelt, named, lambda left: left in self.kinds)
        source = self.expr(text, given) if text else "true"
        if " OVER (" not in source:
            return source
        self.put(met := f"met {len(self.parts)}", source, "truth")  # SQL takes no window in a condition
        return _q(met)

    def _scalar(self, scalar: Scalar) -> str:
        if len(scalar.query.measures) != 1:
            raise NotComputable("a condition compares with one number")
        value, where = self.measure(scalar.query.measures[0], False), self.where(scalar.query.where)
        return f"({scalar.times!r} * (SELECT {value} FROM {self.at} WHERE {where}))"

    def _spelt(self, condition: Condition) -> Condition:
        """A condition with its values as the column spells them, whatever their case."""
        left = bare(condition.left)
        left = column(left, self.kinds) if left.isidentifier() else left
        if self.kinds.get(left) != "text":
            return condition.model_copy(update={"left": left if left in self.kinds else condition.left})
        fact: Mapping[str, Any] = next((c for c in self.tables[self.file]["columns"] if c["name"] == left), {})
        levels = {str(v).strip().casefold(): v for v in fact.get("values") or ()}

        def spelt(value: Any) -> Any:
            return levels.get(value.strip().casefold(), value) if isinstance(value, str) else value

        right = condition.right
        spelling = tuple(map(spelt, right)) if isinstance(right, tuple) else spelt(right)
        return condition.model_copy(update={"left": left, "right": spelling})

    # What is done to the table first.

    def join(self, join: Join) -> None:
        file = column(join.file, self.tables, "file")
        theirs = self._kinds(file)
        own, keys = [column(c, self.kinds) for c in join.own], [column(c, theirs) for c in join.theirs]
        new = {c: what for c, what in theirs.items() if c not in self.kinds}
        on = " AND ".join(f"{self.at}.{_q(a)} = b.{_q(b)}" for a, b in zip(own, keys, strict=True))
        how = {"left": "LEFT", "inner": "INNER", "outer": "FULL"}[join.how]
        self.add(", ".join([f"{self.at}.*", *(f"b.{_q(c)}" for c in new)]), f"{how} JOIN {_q(file)} b ON {on}")
        self.kinds |= new

    def prepare(self, step: Step) -> None:
        if step.do == "keep":
            self.add("*", f"WHERE {self.where(step.where)}")
        elif step.do == "drop_missing":
            names = [column(c, self.kinds) for c in step.columns] or list(self.kinds)
            self.add("*", f"WHERE {' AND '.join(f'{_q(c)} IS NOT NULL' for c in names)}")
        elif step.do == "drop_duplicates":
            by = ", ".join(_q(column(c, self.kinds)) for c in step.columns or self.kinds)
            self.add("*", f"QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY {ROW}) = 1")
        elif step.do == "derive":
            self.put(step.name, self.expr(step.expr), kind(step.expr, self.kinds))
        elif step.do == "recode":
            name = column(step.column, self.kinds)
            cases = " ".join(f"WHEN {quoted(a)} THEN {quoted(b)}" for a, b in step.values)
            other = _q(name) if step.other is None else quoted(step.other)
            numbers = all(isinstance(b, (int, float)) for _, b in step.values)
            what: Kind = "number" if numbers else "text"
            self.put(step.name or name, f"CASE {_q(name)} {cases} ELSE {other} END", what)
        else:  # filled, cut, scaled, encoded, converted values, outliers: as its cell printed it
            raise NotComputable(f"the step {step.do!r} is not written as SQL")

    # What is computed.

    def measure(self, measure: Measure, grouped: bool) -> str:
        """A statistic as an aggregate; a condition of its own stands inside, so that each part sees the same rows."""
        op, only = measure.op, f"CASE WHEN {self.where(measure.where)} THEN {{}} END" if measure.where else "{}"
        if measure.method != "pearson" or measure.ddof not in (None, 0, 1):
            raise NotComputable("a correlation of ranks or another ddof is no aggregate of SQL")
        x = self.expr(measure.of) if measure.of else None
        if op == "share":
            return self._share(measure, x, grouped)
        if op in ("sum", "mean", "std", "var") and self.kinds.get(bare(measure.of or "")) == "truth":
            x = f"CAST({x} AS INTEGER)"
        rows = only.format("1") if measure.where else "*"
        if op == "duplicates" and x is None:
            x = f"({', '.join(map(_q, self.kinds))})"
        form = _FORMS.get(f"{op} {'biased' if measure.biased else measure.ddof}") or _FORMS[op]
        if (x is None and op != "count") or ("{y}" in form and not measure.other):
            raise NotComputable(f"a {op} needs a column, or two")
        y = self.expr(measure.other) if measure.other else ""
        p = 0.5 if measure.p is None else measure.p
        return "(" + form.format(x=only.format(x) if x else rows, y=y, p=p, rows=rows) + ")"

    def _share(self, measure: Measure, x: str | None, grouped: bool) -> str:
        """A share, in per cent: of the rows that meet a condition, or of each group in the whole."""
        if measure.where and x is None:
            part, among = self.where((*measure.where, *measure.among)), self.where(measure.among)
            return f"100.0 * count(*) FILTER (WHERE {part}) / nullif(count(*) FILTER (WHERE {among}), 0)"
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
            self.add("*", f"WHERE {self.where(query.where)}")
        asked = self._grouped(query) if query.measures else self._rows(query)
        by = [f"{self.expr(_called(o.by, asked))} {'DESC' if o.descending else 'ASC'} NULLS LAST" for o in query.order]
        by += map(_q, asked.groups) if query.measures else [ROW]
        order = f" ORDER BY {', '.join(by)}" if by else ""
        limit = f" LIMIT {min(query.limit or MOST, MOST)}"
        told = ", ".join(_q(c) for c in (*asked.groups, *asked.values))
        source = f"WITH {', '.join(self.parts)} SELECT {told} FROM {self.at}{order}{limit}"
        if query.tell == "number":
            source, asked = f"SELECT count(*) AS number FROM ({source})", replace(asked, groups=(), values=("number",))
        return source, asked

    def _rows(self, query: Query) -> Asked:
        """Rows told by some of their columns, in order."""
        if not query.show or query.group_by or query.formulas:
            raise NotComputable("it names no statistic")
        return Asked((), tuple(column(c, self.kinds) for c in query.show))

    def _grouped(self, query: Query) -> Asked:
        keys: dict[str, str] = {}
        for group in query.group_by:
            x = self.expr(group.of)
            keys[bare(group.of)] = _GRAINS[group.grain].format(x=x) if group.grain else x
        measures = {measure_name(m): m for m in query.measures}
        made = keys | {name: self.measure(m, bool(keys)) for name, m in measures.items()}
        present = " AND ".join(f"({x}) IS NOT NULL" for x in keys.values())
        by = f"WHERE {present} GROUP BY {', '.join(keys.values())}" if keys else ""
        self.add(", ".join(f"{x} AS {_q(name)}" for name, x in made.items()), by)
        self.kinds = {**dict.fromkeys(keys, "text"), **dict.fromkeys(measures, "number")}
        for formula in query.formulas:
            self.put(formula.name, self.expr(formula.expr), "number")
        asked = Asked(tuple(keys), (*measures, *(f.name for f in query.formulas)), measures)
        if query.having:
            having = [h.model_copy(update={"left": _called(h.left, asked)}) for h in query.having]
            self.add("*", f"WHERE {self.where(having)}")
        return asked


def _called(name: str, asked: Asked) -> str:
    """The measure that an order or a condition means by its statistic or its column; otherwise the name as it is."""
    plain = bare(name)
    ways = (n for n, m in asked.measures.items() if plain in _ways(m))
    return plain if plain in (*asked.groups, *asked.values) else next(ways, name)


def _ways(measure: Measure) -> tuple[str, ...]:
    op, of = measure.op, bare(measure.of or "")
    return (op, f"{op}_{of}", f"{op}({of})", f"{op} {of}", of) if of else (op, "number of rows", "rows", "n")


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
