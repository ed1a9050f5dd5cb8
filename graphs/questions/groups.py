"""Measures of each group: which groups, in which order, and how they are told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from graphs.questions import conditions
from graphs.questions.expressions import NotComputable, in_backticks, literal, to_series
from graphs.questions.measures import beside, by_keys, check, name_of, of_few, single
from graphs.questions.query import Condition, Group, Measure, Query, Scalar
from graphs.questions.scope import Scope
from graphs.questions.sentences import (
    aliases,
    and_list,
    assigned,
    decimals,
    found,
    lacking,
    lasting,
    mapping,
    sources_of,
    tell,
    unit,
    verdict,
    where_of,
)
from graphs.questions.singles import formula_unit, sorting
from graphs.questions.steps import listed, take

_PERIODS = {"quarter": "Q", "month": "M", "week": "W", "day": "D", "hour": "h"}
_NAMED = {
    "month_of_year": "month of the year",
    "quarter_of_year": "quarter of the year",
    "hour_of_day": "hour of the day",
}
_PARTS = {
    "year": "{of}.dt.year",
    "month_of_year": f"pd.Categorical({{of}}.dt.month_name(), {listed(conditions.MONTHS)}, ordered=True)",
    "quarter_of_year": '"Q" + {of}.dt.quarter.astype("Int64").astype("string")',
    "weekday": f"pd.Categorical({{of}}.dt.day_name(), {listed(conditions.DAYS)}, ordered=True)",
    "hour_of_day": '{of}.dt.strftime("%H:00")',
}
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
    period = f'{of}.dt.to_period("{_PERIODS.get(group.grain)}")'
    source = _PARTS[group.grain].format(of=of) if group.grain in _PARTS else period
    new = f"{_NAMED.get(group.grain, group.grain)} of {name}"
    scope.add(f"rows[{literal(new)}] = {source}")
    scope.put(new, "number" if group.grain == "year" else "text" if group.grain in _PARTS else "time")
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


def groups(query: Query, scope: Scope) -> None:
    """Compute measures and formulas of each group, put them in order, and tell them."""
    keys = keys_of(query, scope)
    by = by_keys(keys)
    measures = query.measures or (() if query.formulas else (Measure(op="count"),))
    parts, units, ops = dict[str, str](), dict[str, str](), dict[str, str]()
    for n, m in enumerate(measures):
        name = name_of(m, scope)
        tail = str(n + 1) if len(measures) > 1 else ""
        parts |= _with_p(m, scope, by, name, tail) if m.with_p else {name: single(m, scope, "groups", by)}
        units |= {name: unit(m, scope)} if unit(m, scope) else {}
        ops.setdefault(m.op, found(name, "result"))
    bounds = [_bound(c, scope) for c in query.having]
    if any("groups" in source for source in parts.values()):
        scope.add(f"groups = rows.groupby({by})")
    scope.add(assigned(parts, "result", "pd.DataFrame({})"))
    for m in measures:
        if m.where and m.of and m.op in ("count", "present", "distinct", "missing"):  # no row is none of them
            column = found(name_of(m, scope), "result")
            scope.add(f"{column} = {column}.fillna(0).astype(int)")
    names = {n: found(n, "result") for n in parts}
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
    what, where = and_list(keys), where_of(query, scope)
    counts = {"count": "number of rows"} if "count" in ops and "number of rows" in parts else {}
    having = [c.model_copy(update={"left": counts.get(c.left, c.left)}) for c in query.having]
    whose = conditions.in_words(having, scope.named)
    whose = literal(f" whose {whose}") if whose else ""
    if query.tell == "number":
        tell(scope, "answer_number", "len(result)", literal(f"{what}{whose[1:-1]}"), "rows", where)
        return
    if others := [n for n, _ in order if n not in names and n not in keys]:
        scope.add(f"result = result.drop(columns={listed(others)})")
    told = _told(query, names, order)
    more = _beside(query, list(names), keys, units, scope) if told == "all" else []
    alone = told == "all" and len(names) == 1 and not query.verdicts
    tell(
        scope, "answer_groups", "result", literal(what), "rows", where, whose=whose,
        columns=listed(lacking(query, scope)) if lacking(query, scope) else "", lasting=lasting(query, scope),
        units=mapping(units), decimals=decimals(query),
        tell=literal(told), tied=scope.tied, beside=sources_of(more),
        shares="True" if alone and _counts_rows(query) else "",
    )  # fmt: skip


def _told(query: Query, names: Mapping[str, str], order: Sequence[tuple[str, bool]]) -> str:
    """What is told of the groups: all, their names, or the first, which is the highest or the lowest of one number."""
    if query.tell == "names" or query.limit != 1:
        return "names" if query.tell == "names" else "all"
    by_number = len(names) == 1 and not query.offset and order and order[0][0] in names
    return ("highest" if order[0][1] else "lowest") if by_number else "first"


def _with_p(measure: Measure, scope: Scope, by: str, name: str, tail: str) -> dict[str, str]:
    """A correlation of each group with its p-value, from groups of three rows and more."""
    if measure.op != "correlation" or measure.where:
        raise NotComputable("In groups a p-value comes with a correlation of the rows that the query chooses.")
    check(measure, scope)
    x, y = (scope.sized(c or "", "It") for c in (measure.of, measure.other))
    scope.add(
        f"tested{tail} = {{\n    group: correlation_test(g[{literal(x)}], g[{literal(y)}], {literal(measure.method)})\n"
        f"    for group, g in rows.dropna(subset={listed([x, y])}).groupby({by})\n    if len(g) > 2\n}}"
    )
    p = f"p-value of the {name}" if tail else "p-value"
    sizes = f"pd.Series({{group: t.{{}} for group, t in tested{tail}.items()}})"
    return {name: sizes.replace("t.{}", "t.statistic"), p: sizes.replace("t.{}", "t.p")}


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


def _counts_rows(query: Query) -> bool:
    """Whether the groups are told by how many rows they have: each with its share, then."""
    plain = [m for m in query.measures if m.op == "count" and not m.of and not m.where]
    return len(plain) == len(query.measures) and not query.formulas and not any(g.grain for g in query.group_by)


def _beside(query: Query, names: list[str], keys: list[str], units: dict[str, str], scope: Scope) -> list[str]:
    """What is told of one number beside its groups: its trend, by how much groups differ, or how even they are."""
    if len(names) != 1 or query.verdicts:
        return []
    number, unit = found(names[0], "result"), units.get(names[0], "")
    grain = query.group_by[0].grain or ("year" if query.intent == "change" else "")
    if grain in _IN_A_ROW and not query.order and query.limit is None and len(keys) <= 1 + (query.intent == "change"):
        return [_trend(number, grain, unit, query, scope)]
    told = _gap(query, keys, unit, scope)
    if query.intent == "describe" and _counts_rows(query) and len(keys) == 1:
        share = {"measures": [{"op": "share"}], "group_by": [{"of": query.group_by[0].of}]}
        told.append(f"evenness({number}, len(rows){f', {json.dumps(share)}' * (not scope.missing(keys[0]))})")
    return told + _further(query, keys, unit, scope)


def _further(query: Query, keys: list[str], unit: str, scope: Scope) -> list[str]:
    """More numbers that are told of groups that are described or compared.

    They are the number by each of two columns alone, the medians of what is described by its means, and, of rows that
    were chosen for one of a few values of a column, the number of each of these.
    """
    (measure, *_), group = query.measures or (Measure(op="count"),), query.group_by[0]
    cut = query.formulas or query.having or query.order or query.limit is not None
    if query.intent not in ("describe", "distribution", "compare") or cut or measure.within or measure.with_p:
        return []  # else they are values that nobody asked for
    known = [scope.facts.get(k, {}).get("n_unique") for k in keys]
    asked = dict[str, tuple[str, list[Group], Measure]]()
    if len(keys) == 2 and all(n and n <= 12 for n in known):
        asked |= {f"by {k} alone": ("overall", [g], measure) for k, g in zip(keys, query.group_by, strict=True)}
    if len(keys) == 1 and measure.op == "mean" and not measure.where and query.intent != "compare":
        asked["medians"] = "median", [group], measure.model_copy(update={"op": "median"})
    if len(keys) == 1 and measure.op == "count" and not measure.where:
        few = [c for c in of_few(query.where, scope) if c != keys[0]]
        asked |= {f"by {c}": ("", [Group(of=in_backticks(c)), group], measure) for c in few}
    return beside(asked, unit, scope)


def _gap(query: Query, keys: list[str], unit: str, scope: Scope) -> list[str]:
    """By how much groups differ in a mean or share, where they are compared."""
    (measure, *more), (group, *others) = query.measures or (Measure(op="count"),), query.group_by
    cut = more or others or group.grain or query.formulas or query.having or query.limit
    if query.intent not in ("compare", "describe") or cut:
        return []
    if measure.op == "share" and measure.where and not measure.of:
        of = f"100 * ({scope.mask(measure.where)})"
    elif measure.op == "mean" and not measure.where:
        of = f"rows[{literal(scope.as_column(measure.of or ''))}]"
    else:
        return []
    return [f"group_difference({of}, rows[{literal(keys[0])}]{f', {literal(unit)}' * bool(unit)})"]


def _trend(number: str, grain: str, unit: str, query: Query, scope: Scope) -> str:
    """The trend of a number, or of each group's, from the periods that the rows cover wholly."""
    flows = all(m.op in ("count", "sum", "missing", "distinct") for m in query.measures)
    of = scope.as_column(query.group_by[0].of)
    times = f", times=rows[{literal(of)}]" if flows and query.group_by[0].grain and scope.kinds[of] == "time" else ""
    told = f", unit={literal(unit)}" * bool(unit) + ", flows=True" * flows + ", quiet=True" * (query.intent != "change")
    return f"trends_by({number}, {literal(grain)}{told}{times})"
