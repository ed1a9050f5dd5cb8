"""Measures of all rows that are meant or of each group, and the rows themselves: computed, put in order, and told with
their units, what is missing, and the word that the query's rules give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphs.questions import conditions
from graphs.questions.expressions import NotComputable, bare, in_backticks, to_scalar, to_series
from graphs.questions.functions import AS_TIME, Kind
from graphs.questions.measures import PAIRS, beside, by_keys, name_of, of_few, single, with_p
from graphs.questions.query import IN_A_ROW, Grain, Group, Measure, Order, Query, given
from graphs.questions.scope import Scope
from graphs.questions.source import Source, assigned, called, found, literal
from notebooks.toolkit.naming import name_and_unit, readable

_GRAINS: dict[Grain, tuple[str, str, Kind]] = {
    "year": ("year", "{}.dt.year", "number"),
    "month_of_year": ("month of the year",
                      f"pd.Categorical({{}}.dt.month_name(), {literal(conditions.MONTHS)}, ordered=True)", "text"),
    "quarter_of_year": ("quarter of the year", '"Q" + {}.dt.quarter.astype("Int64").astype("string")', "text"),
    "weekday": ("weekday", f"pd.Categorical({{}}.dt.day_name(), {literal(conditions.DAYS)}, ordered=True)", "text"),
    "hour_of_day": ("hour of the day", '{}.dt.strftime("%H:00")', "text"),
    "quarter": ("quarter", '{}.dt.to_period("Q")', "time"), "month": ("month", '{}.dt.to_period("M")', "time"),
    "week": ("week", '{}.dt.to_period("W")', "time"), "day": ("day", '{}.dt.to_period("D")', "time"),
    "hour": ("hour", '{}.dt.to_period("h")', "time"),
}  # fmt: skip
"""What a part of a time is called, its source, and what it holds."""
_COUNT = Measure(op="count")
_ROWS = Source("rows")


def computed(query: Query, scope: Scope, by: str = "") -> tuple[list[str], dict[str, str], dict[str, str]]:
    """Write the lines that compute the measures and formulas, of each group where `by` says what groups are made by.

    Returns their names, the source of each by all names that rules may use, and their units.
    """
    frame, parts, ops, units = "result" if by else "found", dict[str, str](), dict[str, str](), dict[str, str]()
    measures = query.measures or (() if query.formulas else (_COUNT,))
    for n, m in enumerate(measures):
        name, tail = name_of(m, scope), str(n + 1) if len(measures) > 1 else ""
        one = single(m, scope, "groups" if by else "rows", by) if not m.with_p else ""
        parts |= with_p(m, scope, name, tail, by) if m.with_p else {name: one}
        units |= {name: unit(m, scope)}
        ops.setdefault(m.op, found(name, frame))
    if by and any("groups" in source for source in parts.values()):
        scope.add(f"groups = rows.groupby({by})")
    scope.add(assigned(parts, frame, "pd.DataFrame({})" if by else "{}"))
    names = {n: found(n, frame) for n in parts}
    for m in measures:
        if by and m.where and m.of and m.op in ("count", "present", "distinct", "missing"):  # no row is none of them
            column = names[name_of(m, scope)]
            scope.add(f"{column} = {column}.fillna(0).astype(int)")
    for formula in query.formulas:
        source = (to_series if by else to_scalar)(formula.expr, aliases(names, ops))
        names[formula.name] = found(formula.name, frame)
        scope.add(f"{names[formula.name]} = {source}")
        units |= {formula.name: _formula_unit(formula.name, source, units)}
    return list(names), aliases(names, ops), {n: u for n, u in units.items() if u}


def _formula_unit(name: str, source: str, units: Mapping[str, str]) -> str:
    """The unit of a formula: per cent by its name, or that of the measures of which it is a sum or difference."""
    if name.endswith("in per cent"):
        return "%"
    used = {u for n, u in units.items() if u and f"[{literal(n)}]" in source}
    if len(used) != 1 or re.search(r"[*/%(]", re.sub(r'\["[^"]*"\]', "", source)):
        return ""
    return "pp" if used == {"%"} else used.pop()


def singles(query: Query, scope: Scope) -> None:
    """Compute the measures and formulas, and tell them; with an order by `value` or by the statistic that several
    measures are, put in order by what they are."""
    ops = {"value", *(m.op for m in query.measures if len(query.measures) > 1)} - scope.kinds.keys()
    ranked = next((o for o in query.order if re.sub(r"^abs\((\w+)\)$", r"\1", o.by.strip()) in ops), None)
    if query.order and not ranked:
        order_rows(query, scope)
    names, known, units = computed(query, scope)
    if ranked:
        _ranked(query, scope, ranked)
        return
    given = [n for n in (*(m.name for m in query.measures), *(f.name for f in query.formulas)) if n]
    alone = len(query.measures) == len(names) == 1 and not (query.verdicts or query.order)
    few = of_few(query.where, scope)[:1] if alone and query.measures[0].op not in PAIRS else []
    each = {f"by {c}": ("", [Group(of=in_backticks(c))], query.measures[0]) for c in few}
    summary = ""
    if scope.sides and len(query.measures) == 2 and len(query.formulas) <= 2 and not query.verdicts:
        what, *sides = scope.sides
        both = [Source(found(m.name)) for m in query.measures]
        summary = called("compared_text", what, sides, both, unit=units.get(names[0], ""), decimals=query.decimals)
    scope.tell(
        "answer_values", Source("found"), _ROWS, scope.words(query.where), **of_all(query, scope, units), given=given,
        beside=beside(each, units.get(names[0], ""), scope), intervals=_intervals(query, scope),
        verdict=verdict(query, known | {"n": "len(rows)"}), summary=summary,
    )  # fmt: skip


def _intervals(query: Query, scope: Scope) -> dict[str, Source]:
    """Of each of a few correlations, the variable that holds its 95 % interval."""
    related = [m for m in query.measures if m.op == "correlation" and m.method == "pearson" and not m.where]
    told = dict[str, Source]()
    for n, m in enumerate(related if len(related) <= 3 else ()):
        both = literal([scope.sized(c or "", "It") for c in (m.of, m.other)])
        told[name_of(m, scope)] = ends = Source(f"ends{n + 1}" if len(related) > 1 else "ends")
        scope.add(f"{ends} = r_interval(*rows[{both}].dropna().to_numpy(dtype=float).T)")
    return told


def _ranked(query: Query, scope: Scope, order: Order) -> None:
    """Put the measures in order of their values, and tell the first."""
    size = "abs" in order.by
    in_order = f'sort_values(ascending={not order.descending}, kind="stable"{", key=abs" * size})'
    cut = f".iloc[:{query.limit}]" if query.limit is not None else ""
    scope.add(f"found = pd.Series(found).{in_order}{cut}")
    ops, both = {m.op for m in query.measures}, [{m.of, m.other} for m in query.measures]
    shared = set[str | None]().union(*both).intersection(*both)
    what = next(iter(ops)) if len(ops) == 1 else "value"
    related = what in ("correlation", "covariance") and len(shared) == 1 < len(query.measures)
    scope.tell(
        "answer_ranked", Source("found"), len(query.measures), "size" if size else "value",
        what=what if query.limit == 1 else "", decimals=query.decimals,
        of_all=readable(f"{what} with {shared.pop()}".replace("`", ""), scope.kinds) if related else "",
        verdict=verdict(query, dict.fromkeys(("value", what, "r"), "found.iloc[0]")),
        names_only=query.tell == "names",
    )  # fmt: skip


def keys_of(query: Query, scope: Scope) -> list[str]:
    """The columns that the query's groups are made by; rows that miss one are said to be in no group."""
    known, keys = {c["name"]: c for t in scope.tables.values() for c in t["columns"]}, list[str]()
    for group in query.group_by:
        key = name = scope.as_column(group.of)
        if group.grain is not None:
            (said, source, what), of = _GRAINS[group.grain], found(name, "rows")
            if scope.kinds[name] not in ("text", "time"):
                raise NotComputable(f"“{name}” holds no times, so there is no {said} of it.")
            of = of if scope.kinds[name] == "time" else AS_TIME.format(of)
            key = scope.make(f"{said} of {name}", source.format(of), what, missing=True)
        if known.get(bare(group.of), scope.facts.get(key, {})).get("n_missing"):
            scope.say(f"Rows without a value of {key} are in no group.")
        keys.append(key)
    return keys


def groups(query: Query, scope: Scope) -> None:
    """Compute measures and formulas of each group, put them in order, and tell them."""
    keys = keys_of(query, scope)
    names, known, units = computed(query, scope, by_keys(keys))
    for condition in query.having:
        text = conditions.expression(condition, scope.named, known.__contains__)
        scope.add(f"result = result[{to_series(text, {**known, **scope.given})}]")
    order = [(_order(o.by, keys, known, scope), o.descending) for o in query.order]
    by = [name for name, _ in order]
    if order:
        scope.add(f"result = result.{sorting(order)}")
    take(query, scope, "result", [] if {*by} & {*keys} else by)
    if query.verdicts:
        each = {n: s.replace("result[", "g[", 1) for n, s in known.items()}
        scope.add(f'result["verdict"] = [{verdict(query, each)} for _, g in result.iterrows()]')
    whose = conditions.in_words(query.having, scope.named)
    for measure in query.measures:  # as the answer calls it: the sum of fees
        name = readable(name_of(measure, scope), scope.kinds)
        whose = re.sub(rf"\b{measure.op}\b", name.replace("\\", r"\\"), whose)
    what, whose, where = and_list(keys), f" whose {whose}" * bool(whose), scope.words(query.where)
    if query.tell == "number":
        scope.tell("answer_number", Source("len(result)"), what + whose, _ROWS, where)
        return
    if others := [n for n in by if n not in names and n not in keys]:
        scope.add(f"result = result.drop(columns={literal(others)})")
    told: str = query.tell
    if told != "names" and query.limit == 1:  # the first, which is the highest or the lowest of one number
        by_number = len(names) == 1 and order and order[0][0] in names
        told = ("highest" if order[0][1] else "lowest") if by_number else "first"
    more = _beside(query, names, keys, units, scope) if told == "all" else []
    scope.tell(
        "answer_groups", Source("result"), what, _ROWS, where, whose=whose, **of_all(query, scope, units), tell=told,
        tied=scope.tied, beside=more,
        shares=told == "all" and len(names) == 1 and not query.verdicts and _counts_rows(query),
    )  # fmt: skip


def _order(by: str, keys: Sequence[str], known: Mapping[str, str], scope: Scope) -> str:
    """The column of the result that puts it in order; one is made for an expression."""
    plain = bare(by)
    known = {**known, **{key: found(key, "result") for key in keys}}
    source = to_series(in_backticks(plain) if plain in known else by, known)
    name = re.fullmatch(r'result\["([^"]+)"\]', source)
    if name is None:
        scope.add(f"{found(by, 'result')} = {source}")
    return name[1] if name else by


def _counts_rows(query: Query) -> bool:
    """Whether the groups are told by how many rows they have: each with its share, then."""
    plain = all(m.op == "count" and not m.of and not m.where for m in query.measures)
    return plain and not query.formulas and not any(g.grain for g in query.group_by)


def _beside(
    query: Query, names: Sequence[str], keys: Sequence[str], units: Mapping[str, str], scope: Scope
) -> list[Source]:
    """What is told of one number beside its groups: its trend, by how much groups differ, or how even they are.

    Of groups that are described or compared also the number by each of two columns alone, the medians of what is
    described by its means, and, of rows that were chosen for one of a few values of a column, that of each of these.
    """
    if len(names) != 1 or query.verdicts:
        return []
    number, unit, intent = Source(found(names[0], "result")), units.get(names[0], ""), query.intent
    (measure, *_), (group, *others) = query.measures or (_COUNT,), query.group_by
    grain, uncut = group.grain or ("year" if intent == "change" else ""), not query.order and query.limit is None
    if grain in IN_A_ROW and uncut and len(keys) <= 1 + (intent == "change"):
        flows = all(m.op in ("count", "sum", "missing", "distinct") for m in query.measures)
        of = scope.as_column(group.of)
        times = Source(found(of, "rows") if flows and group.grain and scope.kinds[of] == "time" else "")
        return [called("trends_by", number, grain, unit=unit, flows=flows, quiet=intent != "change", times=times)]
    told, chosen = list[Source](), query.formulas or query.having
    averaged = (measure.op, bool(measure.where)) in (("share", True), ("mean", False))
    if averaged and intent in ("compare", "describe") and not (others or group.grain or chosen or query.limit):
        of = scope.as_column(measure.of) if measure.of else ""
        source = f"100 * ({scope.mask(measure.where)})" if measure.where else found(of, "rows")
        told.append(called("group_difference", Source(source), Source(found(keys[0], "rows")), unit))
    if intent == "describe" and _counts_rows(query) and not others:
        share = {"measures": [{"op": "share"}], "group_by": [{"of": group.of}]} if not scope.missing(keys[0]) else {}
        told.append(called("evenness", number, Source("len(rows)"), share))
    if intent not in ("describe", "distribution", "compare") or chosen or not uncut or measure.with_p:
        return told  # else they are values that nobody asked for
    asked = dict[str, tuple[str, list[Group], Measure]]()
    if len(keys) == 2 and all((scope.facts.get(k, {}).get("n_unique") or 13) <= 12 for k in keys):
        asked |= {f"by {k} alone": ("overall", [g], measure) for k, g in zip(keys, query.group_by, strict=True)}
    if not others and measure.op == "mean" and not measure.where and intent != "compare":
        asked["medians"] = "median", [group], given(measure, op="median")
    if not others and measure.op == "count" and not measure.where:
        few = [c for c in of_few(query.where, scope) if c != keys[0]]
        asked |= {f"by {c}": ("", [Group(of=in_backticks(c)), group], measure) for c in few}
    return told + beside(asked, unit, scope)


def rows(query: Query, scope: Scope) -> None:
    """Rows, or the values of columns, in order; or how many."""
    where, of = scope.words(query.where), Source("rows")
    order = order_rows(query, scope, "shown")
    show = [scope.column(c) for c in query.show]
    names = list(dict.fromkeys([*show, *(order if query.tell == "all" else [])]))
    if not names:
        raise NotComputable("Say which columns are to be shown of the rows.")
    once = ".drop_duplicates()" * (not order and query.limit is None)
    scope.add(f"shown = shown[{literal(names)}]{once}")
    if query.tell == "number":
        scope.tell("answer_number", Source("len(shown)"), and_list(names), of, where)
    else:
        scope.tell("answer_rows", Source("shown"), of, where, tied=scope.tied)


def order_rows(query: Query, scope: Scope, to: str = "rows") -> list[str]:
    """Put rows in order and take those that are wanted; the columns of the order."""
    by = [scope.as_column(o.by) for o in query.order]
    if by:
        scope.add(f"{to} = rows.{sorting(list(zip(by, (o.descending for o in query.order), strict=True)))}")
    elif to != "rows":
        scope.add(f"{to} = rows")
    take(query, scope, to, by)
    return by


def sorting(order: Sequence[tuple[str, bool]]) -> str:
    """The call that puts a table in order by columns, each with whether it descends."""
    (name, descending), *more = order
    ascending = [not d for _, d in order] if len({d for _, d in order}) > 1 else not descending
    return f'sort_values({literal([n for n, _ in order] if more else name)}, ascending={ascending}, kind="stable")'


def take(query: Query, scope: Scope, frame: str, by: Sequence[str]) -> None:
    """Keep the first of what stands in order; where one is wanted, with all that share its place."""
    if query.limit is None:
        return
    columns, end = literal(by), query.limit
    if query.limit == 1 and by:
        scope.add(f"first = {frame}[{columns}].iloc[:1]")
        scope.add(f'{frame} = {frame}[{frame}[{columns}].isin(first.to_dict("list")).all(axis=1)]  # with its ties')
        return
    if by and frame != "rows":
        scope.tied = Source("tied")
        scope.add(f"tied = tied_rows({frame}[{columns}], {end})")
    scope.add(f"{frame} = {frame}.iloc[:{end}]")


IN_ITS_UNIT = ("sum", "mean", "median", "min", "max", "range", "std", "sem", "quantile", "iqr", "mad", "first", "last",
               "geometric_mean", "weighted_mean", "value")  # fmt: skip


def and_list(parts: list[str]) -> str:
    """Parts of a sentence as a list."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def of_all(query: Query, scope: Scope, units: Mapping[str, str]) -> dict[str, Any]:
    """What is told of all numbers of an answer, as arguments of its call.

    It has the columns that all is computed of, where they may lack values, and the one of lengths of time.
    """
    skipped = ("missing", "count", "share", "present")
    used = {(m.of, m.other) for m in query.measures if m.of and m.op not in skipped and not m.where}
    names = [bare(n) if bare(n) in scope.kinds else n for n in next(iter(used), ()) if n]
    lacking = len(used) == 1 and all(n in scope.kinds for n in names) and any(map(scope.missing, names))
    lasting = (bare(m.of) for m in query.measures if m.of and m.op not in ("min", "max", "correlation"))
    return {
        "columns": names if lacking else [], "lasting": next((n for n in lasting if n in scope.lasting), ""),
        "units": units, "decimals": query.decimals,
    }  # fmt: skip


def unit(measure: Measure, scope: Scope) -> str:
    """The unit of a measure: per cent of a share, else the one that its column's name or values, or a length of time,
    give."""
    if measure.op == "share":
        return "%"
    if measure.op not in IN_ITS_UNIT or not measure.of:
        return ""
    of = bare(measure.of)
    return scope.lasting.get(of) or name_and_unit(of)[1] or str(scope.facts.get(of, {}).get("unit", ""))


def aliases(names: Mapping[str, str], ops: Mapping[str, str] | None = None) -> dict[str, str]:
    """Names with the source of their values, as formulas and verdicts may write them.

    These are the names as they are, written without spaces, the statistic alone where one measure has it, `r` for a
    correlation and `p` for a p-value.
    """
    known = {**(ops or {}), **{re.sub(r"\W+", "_", n.casefold()).strip("_"): s for n, s in names.items()}, **names}
    for short, long in (("r", "correlation"), ("p", "p_value"), ("w", "statistic")):
        if long in known:
            known.setdefault(short, known[long])
    return known


def verdict(query: Query, known: Mapping[str, str], of: str = "") -> Source:
    """The word that the query's rules give, as source; the first rule that holds decides; empty without rules.

    `of` is the argument that the word is a function of, where it is one.
    """
    text = ""
    for rule in reversed(query.verdicts):
        rest = text or '"none of the rules holds"'
        text = literal(rule.then) + (f" if {to_scalar(rule.when, known)} else {rest}" if rule.when.strip() else "")
    return Source(f"lambda {of}: {text}" if of and text else text)
