"""Measures of all rows that are meant: each gives one value."""

from __future__ import annotations

import re

from graphs.questions.expressions import NotComputable, in_backticks, literal, to_scalar
from graphs.questions.measures import PAIRS, beside, name_of, of_few, single, with_p
from graphs.questions.query import Group, Order, Query
from graphs.questions.scope import Scope
from graphs.questions.sentences import (
    aliases,
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
from graphs.questions.steps import listed, take
from notebooks.toolkit.naming import readable


def singles(query: Query, scope: Scope) -> None:
    """Compute the measures and formulas, and tell them; with an order by `value`, put in order by what they are."""
    ranked = [o for o in query.order if re.search(r"\bvalue\b", o.by) and "value" not in scope.kinds]
    if query.order and not ranked:
        order_rows(query, scope)
    sources, ops, units = dict[str, str](), dict[str, str](), dict[str, str]()
    for n, measure in enumerate(query.measures):
        name = name_of(measure, scope)
        tail = str(n + 1) if len(query.measures) > 1 else ""
        sources |= with_p(measure, scope, name, tail) if measure.with_p else {name: single(measure, scope)}
        ops.setdefault(measure.op, found(name))
        units |= {name: unit(measure, scope)} if unit(measure, scope) else {}
    ends = _intervals(query, scope)
    scope.add(assigned(sources))
    names = {n: found(n) for n in sources}
    for formula in query.formulas:
        source = to_scalar(formula.expr, aliases(names, ops))
        scope.add(f"{found(formula.name)} = {source}")
        names[formula.name] = found(formula.name)
        units |= formula_unit(formula.name, source, units)
    if ranked:
        _ranked(query, scope, ranked[0])
        return
    summary = ""
    if scope.sides and len(query.measures) == 2 and len(query.formulas) <= 2 and not query.verdicts:
        what, *sides = scope.sides
        both = ", ".join(found(m.name) for m in query.measures)
        more = [literal(unit(query.measures[0], scope)), *([str(query.decimals)] * (query.decimals is not None))]
        arguments = [literal(what), f"({', '.join(map(literal, sides))})", f"({both})", *more]
        summary = f"compared_text({', '.join(arguments)})"
    given = [n for n in (*(m.name for m in query.measures), *(f.name for f in query.formulas)) if n]
    alone = len(query.measures) == len(sources) == 1 and not (query.formulas or query.verdicts or query.order)
    few = of_few(query.where, scope) if alone and query.measures[0].op not in PAIRS else []
    by = {f"by {c}": ("", [Group(of=in_backticks(c))], query.measures[0]) for c in few[:1]}
    tell(
        scope, "answer_values", "found", "rows", where_of(query, scope),
        beside=sources_of(beside(by, unit(query.measures[0], scope) if few else "", scope)),
        columns=listed(lacking(query, scope)) if lacking(query, scope) else "", lasting=lasting(query, scope),
        given=listed(given) if given else "", units=mapping(units),
        intervals=f"{{{', '.join(f'{literal(n)}: {e}' for n, e in ends.items())}}}" if ends else "",
        decimals=decimals(query), verdict=verdict(query, {**aliases(names, ops), "n": "len(rows)"}), summary=summary,
    )  # fmt: skip


def _intervals(query: Query, scope: Scope) -> dict[str, str]:
    """Of each of a few correlations, the variable that holds its 95 % interval."""
    related = [m for m in query.measures if m.op == "correlation" and m.method == "pearson" and not m.where]
    told = dict[str, str]()
    for n, m in enumerate(related if len(related) <= 3 and not query.order else ()):
        both = listed([scope.sized(c or "", "It") for c in (m.of, m.other)])
        told[name_of(m, scope)] = ends = f"ends{n + 1}" if len(related) > 1 else "ends"
        scope.add(f"{ends} = r_interval(*rows[{both}].dropna().to_numpy(dtype=float).T)")
    return told


def formula_unit(name: str, source: str, units: dict[str, str]) -> dict[str, str]:
    """The unit of a formula: per cent by its name, or that of the measures of which it is a sum or difference."""
    if name.endswith("in per cent"):
        return {name: "%"}
    used = {u for n, u in units.items() if f"[{literal(n)}]" in source}
    if len(used) != 1 or re.search(r"[*/%(]", re.sub(r'\["[^"]*"\]', "", source)):
        return {}
    return {name: "pp" if used == {"%"} else used.pop()}


def order_rows(query: Query, scope: Scope, to: str = "rows") -> list[str]:
    """Put rows in order and take those that are wanted; the columns of the order."""
    by = [scope.as_column(o.by) for o in query.order]
    if by:
        scope.add(f"{to} = rows.{sorting(list(zip(by, (o.descending for o in query.order), strict=True)))}")
    elif to != "rows":
        scope.add(f"{to} = rows")
    take(query, scope, to, by)
    return by


def sorting(order: list[tuple[str, bool]]) -> str:
    """The call that puts a table in order by columns, each with whether it descends."""
    names = listed([n for n, _ in order]) if len(order) > 1 else literal(order[0][0])
    ascending = [not d for _, d in order]
    return f'sort_values({names}, ascending={ascending if len(set(ascending)) > 1 else ascending[0]}, kind="stable")'


def _ranked(query: Query, scope: Scope, order: Order) -> None:
    """Put the measures in order of their values, and tell the first."""
    size = "abs" in order.by
    in_order = f'sort_values(ascending={not order.descending}, kind="stable"{", key=abs" * size})'
    cut = f".iloc[{query.offset or ''}:{query.offset + query.limit}]" if query.limit is not None else ""
    scope.add(f"found = pd.Series(found).{in_order}{cut}")
    ops = {m.op for m in query.measures}
    both = [{m.of, m.other} for m in query.measures]
    shared = set[str | None]().union(*both).intersection(*both)
    what = next(iter(ops)) if len(ops) == 1 else "value"
    related = what in ("correlation", "covariance") and len(shared) == 1 < len(query.measures)
    of_all = f"{what} with {shared.pop()}".replace("`", "") if related else ""
    tell(
        scope, "answer_ranked", "found", str(len(query.measures)), literal("size" if size else "value"),
        what=literal(what) if query.limit == 1 else "", decimals=decimals(query),
        of_all=literal(readable(of_all, scope.kinds)) if of_all else "",
        verdict=verdict(query, dict.fromkeys(("value", what, "r"), "found.iloc[0]")),
        names_only="True" if query.tell == "names" else "",
    )  # fmt: skip


def rows(query: Query, scope: Scope) -> None:
    """Rows, or the values of columns, in order; or how many."""
    where = where_of(query, scope)
    if query.tell == "number" and not query.show:
        tell(scope, "answer_values", '{"number of rows": len(rows)}', "rows", where)
        return
    order = order_rows(query, scope, "shown")
    show = [scope.column(c) for c in query.show]
    names = list(dict.fromkeys([*show, *(order if query.tell == "all" else [])]))
    if not names:
        raise NotComputable("Say which columns are to be shown of the rows.")
    scope.add(f"shown = shown[{listed(names)}]" + (".drop_duplicates()" if not order and query.limit is None else ""))
    if query.tell == "number":
        tell(scope, "answer_number", "len(shown)", literal(" and ".join(names)), "rows", where)
    else:
        tell(scope, "answer_rows", "shown", "rows", where, tied=scope.tied)


def of_each_row(query: Query, scope: Scope) -> Query | None:
    """A query of groups of one row each as one of rows: the highest paid employee has a salary, and no mean of it."""
    (group, *more), measures = query.group_by, query.measures
    name = group.of.strip().strip("`")
    fact = scope.facts.get(name, {})
    unique = fact.get("n_unique") == scope.tables[scope.file].get("rows") and not fact.get("n_missing")
    plain = not (more or group.grain or query.formulas or query.having or query.verdicts or query.intent == "change")
    of_one = all(m.op in ("mean", "sum", "max", "min", "median", "value") and not m.where for m in measures)
    if not (unique and plain and of_one and measures and query.order and not scope.joined):
        return None
    columns = {name_of(m, scope): scope.as_column(m.of or "") for m in measures}
    known = columns | {str(m.op): c for m, c in zip(measures, columns.values(), strict=True)}
    order = tuple(o.model_copy(update={"by": in_backticks(known.get(o.by.strip("`"), o.by))}) for o in query.order)
    return query.model_copy(update={"show": (name, *columns.values()), "order": order, "group_by": (), "measures": ()})
