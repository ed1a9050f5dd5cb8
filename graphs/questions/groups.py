"""Measures of each group: which groups, in which order, and how they are told."""

from __future__ import annotations

import json
import re

from graphs.questions import conditions
from graphs.questions.expressions import NotComputable, in_backticks, literal, to_series
from graphs.questions.measures import check, grouped, name_of
from graphs.questions.query import Condition, Group, Measure, Query, Scalar
from graphs.questions.scope import Scope
from graphs.questions.sentences import (
    SHOWN,
    aliases,
    and_list,
    backwards,
    braced,
    found,
    of_rows,
    readable,
    tell,
    unit,
    value,
    verdict,
)
from graphs.questions.singles import formula_unit, sorting
from graphs.questions.steps import listed, take

_PARTS = {"year": "year", "month_of_year": "month", "quarter_of_year": "quarter", "hour_of_day": "hour"}
_PERIODS = {"quarter": "Q", "month": "M", "week": "W", "day": "D", "hour": "h"}
_NAMED = {
    "month_of_year": "month of the year",
    "quarter_of_year": "quarter of the year",
    "hour_of_day": "hour of the day",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_IN_A_ROW = ("year", "quarter", "month", "week", "day", "hour")
_SIGNS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def key_of(group: Group, scope: Scope) -> str:
    """The column that groups are made by; a new one for a part of a time."""
    name = scope.as_column(group.of)
    if group.grain is None:
        return name
    of = f"rows[{literal(name)}]"
    if scope.kinds[name] == "text":
        of = f'pd.to_datetime({of}, format="mixed", errors="coerce")'
    elif scope.kinds[name] != "time":
        raise NotComputable(f"“{name}” holds no times, so there is no {group.grain.replace('_', ' ')} of it.")
    if group.grain == "weekday":
        source = f"pd.Categorical({of}.dt.day_name(), {listed(_DAYS)}, ordered=True)"
    elif group.grain in _PARTS:
        source = f"{of}.dt.{_PARTS[group.grain]}"
    else:
        source = f'{of}.dt.to_period("{_PERIODS[group.grain]}")'
    new = f"{_NAMED.get(group.grain, group.grain)} of {name}"
    scope.add(f"rows[{literal(new)}] = {source}")
    scope.put(new, "number" if group.grain in _PARTS else "time")
    return new


def keys_of(query: Query, scope: Scope) -> list[str]:
    """The columns that the query's groups are made by; rows that miss one are said to be in no group."""
    keys = [key_of(g, scope) for g in query.group_by]
    known = {c["name"]: c for t in scope.tables.values() for c in t["columns"]}
    for group, key in zip(query.group_by, keys, strict=True):
        source = known.get(group.of.strip("`"), scope.facts.get(key, {}))
        if source.get("n_missing"):
            scope.say(f"Rows without a value of {key} are in no group.")
    return keys


def by_keys(keys: list[str]) -> str:
    """What `groupby` takes."""
    return literal(keys[0]) if len(keys) == 1 else listed(keys)


def label(keys: list[str], scope: Scope, frame: str = "result") -> None:
    """Make the index of a table of groups the texts that name them."""
    if len(keys) > 1:
        scope.add(f'{frame}.index = [", ".join(map(as_name, key)) for key in {frame}.index]')
    elif scope.kinds[keys[0]] != "text":
        scope.add(f"{frame}.index = {frame}.index.map(as_name)")


def groups(query: Query, scope: Scope) -> None:
    """Compute measures and formulas of each group, put them in order, and tell them."""
    keys = keys_of(query, scope)
    by = by_keys(keys)
    measures = query.measures or (() if query.formulas else (Measure(op="count"),))
    parts = dict[str, str]()
    for m in measures:
        parts |= _with_p(m, scope, by, len(measures)) if m.with_p else {name_of(m, scope): grouped(m, scope, by)}
    bounds = [_bound(c, scope) for c in query.having]
    if any("groups" in source for source in parts.values()):
        scope.add(f"groups = rows.groupby({by})")
    scope.add("result = pd.DataFrame({\n" + "".join(f"    {literal(n)}: {s},\n" for n, s in parts.items()) + "})")
    for m in measures:
        if m.where and m.of and m.op in ("count", "present", "distinct", "missing"):  # no row is none of them
            column = found(name_of(m, scope), "result")
            scope.add(f"{column} = {column}.fillna(0).astype(int)")
    names = {n: found(n, "result") for n in parts}
    units = {name_of(m, scope): unit(m) for m in measures if unit(m)}
    ops: dict[str, str] = {}
    for m in measures:
        ops.setdefault(m.op, names[name_of(m, scope)])
    for formula in query.formulas:
        source = to_series(formula.expr, aliases(names, ops))
        names[formula.name] = found(formula.name, "result")
        units |= formula_unit(formula.name, source, units)
        scope.add(f"{names[formula.name]} = {source}")
    known = aliases(names, ops)
    for condition, bound in zip(query.having, bounds, strict=True):
        left = to_series(in_backticks(condition.left) if condition.left in known else condition.left, known)
        scope.add(f"result = result[{left}{bound}]")
    order = [_order(o.by, o.descending, keys, known, scope) for o in query.order]
    if order:
        scope.add(f"result = result.{sorting(order)}")
    take(query, scope, "result", [] if {n for n, _ in order} & set(keys) else [n for n, _ in order])
    if query.verdicts:
        each = {n: s.replace("result[", "g[", 1) for n, s in known.items()}
        scope.add(f'result["verdict"] = [{verdict(query, each)} for _, g in result.iterrows()]')
        names["verdict"] = found("verdict", "result")
    gap = _gap(query, keys, units, scope)
    period = _followed(query, list(names))
    if period:
        _trend(next(iter(names)), period, units.get(next(iter(names)), ""), keys, query, scope)
    label(keys, scope)
    tell_groups(query, scope, keys, list(names), units, period or gap)


def _with_p(measure: Measure, scope: Scope, by: str, several: int) -> dict[str, str]:
    """A correlation of each group with its p-value, from groups of three rows and more."""
    if measure.op != "correlation" or measure.where:
        raise NotComputable("In groups a p-value comes with a correlation of the rows that the query chooses.")
    name = name_of(measure, scope)
    check(measure, scope)
    x, y = (scope.sized(c or "", "It") for c in (measure.of, measure.other))
    test = {"pearson": "pearsonr", "spearman": "spearmanr", "kendall": "kendalltau"}[measure.method]
    tests = "tests" + str(len(scope.lines)) * (several > 1)
    scope.add(
        f"{tests} = {{\n    group: stats.{test}(g[{literal(x)}], g[{literal(y)}])\n"
        f"    for group, g in rows.dropna(subset={listed([x, y])}).groupby({by})\n    if len(g) > 2\n}}"
    )
    p = "p-value" if several == 1 else f"p-value of the {name}"
    return {
        name: f"pd.Series({{group: t.statistic for group, t in {tests}.items()}})",
        p: f"pd.Series({{group: t.pvalue for group, t in {tests}.items()}})",
    }


def _order(by: str, descending: bool, keys: list[str], known: dict[str, str], scope: Scope) -> tuple[str, bool]:
    """The column of the result that puts it in order; one is made for an expression."""
    plain = by.strip().strip("`")
    if plain in keys:
        return plain, descending
    source = to_series(in_backticks(plain) if plain in known else by, known)
    if name := re.fullmatch(r'result\["([^"]+)"\]', source):
        return name[1], descending
    scope.add(f"{found(by, 'result')} = {source}")
    return by, descending


def _bound(condition: Condition, scope: Scope) -> str:
    """The right side of a condition on a number of each group."""
    right = condition.right
    if condition.op == "between" and isinstance(right, tuple) and len(right) == 2:
        return f".between({right[0]!r}, {right[1]!r})"
    if condition.op not in _SIGNS:
        raise NotComputable(f"A number of a group is compared by = != < <= > >= or between, not by “{condition.op}”.")
    if isinstance(right, Scalar):
        return f" {_SIGNS[condition.op]} {scope.given[scope.named(right)]}"
    if isinstance(right, (int, float)):
        return f" {_SIGNS[condition.op]} {right!r}"
    raise NotComputable(f"“{condition.left}” is a number of each group; compare it with a number.")


def _bounds_said(query: Query, scope: Scope) -> str:
    said = conditions.in_words(query.having, scope.named)
    return f" whose {said}" if said else ""


def _counts_rows(query: Query) -> bool:
    """Whether the groups are told by how many rows they have: each with its share, then."""
    plain = [m for m in query.measures if m.op == "count" and not m.of and not m.where]
    return len(plain) == len(query.measures) and not query.formulas and not any(g.grain for g in query.group_by)


def _gap(query: Query, keys: list[str], units: dict[str, str], scope: Scope) -> str:
    """The line that finds by how much groups differ in a mean or share, where they are compared; empty if not."""
    (measure, *more) = query.measures or (Measure(op="count"),)
    plain = not (more or query.formulas or query.having or query.limit or query.verdicts or len(keys) > 1)
    if query.intent != "compare" or not plain or measure.op not in ("mean", "share") or query.group_by[0].grain:
        return ""
    if (measure.op == "share" and measure.of) or (measure.op == "mean" and measure.where):
        return ""
    of = (
        f"100 * ({scope.mask(measure.where)})"
        if measure.where
        else f"rows[{literal(scope.as_column(measure.of or ''))}]"
    )
    unit = f", {literal(next(iter(units.values())))}" if units else ""
    scope.add(f"gap, differences = group_difference({of}, rows[{literal(keys[0])}]{unit})")
    return "gap"


def _followed(query: Query, names: list[str]) -> str:
    """The period by which one number is followed over time; empty where it is not."""
    grain = query.group_by[0].grain or "year"
    one = query.intent == "change" and len(names) == 1 and not query.order and query.limit is None
    return grain if one and grain in _IN_A_ROW and len(query.group_by) <= 2 else ""


def _trend(name: str, period: str, unit: str, keys: list[str], query: Query, scope: Scope) -> None:
    """Lines that find the trend of a number, or of each group's, from the periods that the rows cover wholly."""
    number, grain = found(name, "result"), query.group_by[0].grain
    flows = all(m.op in ("count", "sum", "missing", "distinct") for m in query.measures)
    empty = ".fillna(0)" * flows
    scope.add(f"by_period = {number}" + (f".unstack(){empty}" if len(keys) > 1 else ""))
    scope.add('partly = ""')
    if grain and flows and scope.kinds[scope.as_column(query.group_by[0].of)] == "time":
        scope.add(
            f"_, partial = whole_periods(rows[{literal(scope.as_column(query.group_by[0].of))}], {literal(grain)})"
        )
        scope.add('by_period = by_period.drop(index=partial, errors="ignore")')
        scope.add(
            'partly = f"; {\' and \'.join(map(str, partial))} only in part, so not in the trend" if partial else ""'
        )
    more = f", {literal(unit)}" if unit else ""
    if len(keys) == 1:
        scope.add("trend = trend_of(by_period)")
        scope.add(f"over = trend_text(trend, {literal(period)}{more})")
        scope.add(f"trends = trend_values(trend, {literal(period)}{more})")
        return
    scope.add("trends, over = {}, []")
    scope.add(
        "for group in by_period:\n    trend = trend_of(by_period[group])\n"
        f"    trends |= trend_values(trend, {literal(period)}, {literal(unit)}, as_name(group))\n"
        f'    over.append(f"{{as_name(group)}} {{trend_text(trend, {literal(period)}{more})}}")'
    )


def tell_groups(
    query: Query, scope: Scope, keys: list[str], told: list[str], units: dict[str, str], period: str = ""
) -> None:
    """Tell how many groups there are, which, or each with its values.

    `period` is that by which a number was followed over time, or `gap` where groups are held against each other.
    """
    by = and_list(keys)
    what = braced(readable(f"{by}{_bounds_said(query, scope)}", scope))
    ends = f" ({of_rows(query, scope)}{backwards(query, scope)})."
    if query.tell == "number":
        text = f"the number of different values of {what} is {{len(result):,}}"
        tell(scope, [text, ends], '{"number": len(result)}')
        return
    if query.tell == "names":
        text = f"{what}: {{', '.join(result.index) or 'none'}}"
        tell(scope, [text, ends], f'{{{literal(by)}: ", ".join(result.index) or "none"}}')
        return
    if query.limit == 1:
        last = {n: f"{found(n, 'result')}.iloc[0]" for n in told}
        said = and_list(
            [f"{braced(readable(n, scope))} {value(s, query.decimals, units.get(n, ''))}" for n, s in last.items()]
        )
        values = ", ".join(
            f"{literal(n)}: " + (f"({s}, {literal(units[n])})" if n in units else s) for n, s in last.items()
        )
        tell(scope, [f"{{', '.join(result.index)}} ({what}): ", said, ends],
             f"{{{literal(by)}: \", \".join(result.index), {values}}}")  # fmt: skip
        return
    if period and len(keys) > 1:
        (name,) = told
        u = units.get(name, "")
        number = f"(number, {literal(u)})" if u else "number"
        text = f"{braced(readable(name, scope))} by {what}: {{'; '.join(over[:{SHOWN}])}}{{partly}}"
        values = f"{{**trends, **{{group: {number} for group, number in {found(name, 'result')}.items()}}}}"
        tell(scope, [text, ends], values, "    fitted=trends,\n")
        return
    scope.add(f'rest = f"; and {{len(result) - {SHOWN}:,}} more" if len(result) > {SHOWN} else ""')
    if len(told) == 1:
        (name,) = told
        u = units.get(name, "")
        items = f"for group, number in {found(name, 'result')}"
        part = " ({percent(number / len(rows), 1)})" if _counts_rows(query) else ""
        scope.add(f'lines = [f"{{group}} {value("number", query.decimals, u)}{part}" {items}.head({SHOWN}).items()]')
        number = f"(number, {literal(u)})" if u else "number"
        values = f"{{group: {number} {items}.items()}}"
        more = ""
        said, each = braced(readable(name, scope)), "{'; '.join(lines) or 'none'}{rest}"
        text = f"{said} by {what}: {each}"
        if period == "gap":
            text, values = f"{text}{{gap}}", f"{{**{values}, **differences}}"
            more = "    fitted=differences,\n"
        elif period:
            text, values = f"{said}: {{over}}{{partly}}. By {what}: {each}", f"{{**trends, **{values}}}"
            more = "    fitted=trends,\n"
        elif query.intent == "describe" and part:
            scope.add(f"spread = evenness({found(name, 'result')})")
            text = f"{text}{{spread}}"
            of_all = f'{{f"share of {{group}}": (100 * number / len(rows), "%") {items}.items()}}'
            scope.add(f"shares = {of_all}")
            values = f"{{**{values}, **shares}}"
            share = {"measures": [{"op": "share"}], "group_by": [{"of": query.group_by[0].of}]}
            more = "    fitted=shares,\n"
            if not scope.missing(keys[0]):
                more = f"    queries=dict.fromkeys(shares, {json.dumps(share)}),\n"
        tell(scope, [text, ends], values, more)
        return
    number = value("number", query.decimals)
    scope.add(
        "lines = [\n"
        f'    f"{{group}}: " + ", ".join(f"{{name}} {number}" for name, number in row.items())\n'
        f"    for group, row in result[{listed(told)}].astype(object).head({SHOWN}).iterrows()\n]"
    )
    given = "result.loc[group, name]"
    if units:
        pairs = ", ".join(f"{literal(n)}: {literal(u)}" for n, u in units.items())
        given = f'({given}, {{{pairs}}}.get(name, ""))'
    names = f"for name in {listed(told)} for group in result.index"
    values = f'{{\n        f"{{name}}, {{group}}": {given}\n        {names}\n    }}'
    tell(scope, [f"by {what}: {{'; '.join(lines) or 'none'}}{{rest}}", ends], values)
