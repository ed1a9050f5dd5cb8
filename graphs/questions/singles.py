"""Measures of all rows that are meant: each gives one value."""

from __future__ import annotations

import re

from graphs.questions.expressions import NotComputable, literal, to_scalar
from graphs.questions.measures import check, name_of, single
from graphs.questions.query import Measure, Order, Query
from graphs.questions.scope import Scope
from graphs.questions.sentences import (
    SHOWN,
    aliases,
    and_list,
    backwards,
    braced,
    found,
    lacking,
    of_rows,
    readable,
    tell,
    unit,
    value,
    verdict,
)
from graphs.questions.steps import listed, take


def singles(query: Query, scope: Scope) -> None:
    """Compute the measures and formulas, and tell them; with an order by `value`, put in order by what they are."""
    ranked = [o for o in query.order if re.search(r"\bvalue\b", o.by) and "value" not in scope.kinds]
    if query.order and not ranked:
        order_rows(query, scope)
    sources: dict[str, str] = {}
    ops: dict[str, str] = {}
    units: dict[str, str] = {}
    for measure in query.measures:
        name = name_of(measure, scope)
        sources |= _with_p(measure, scope, name, len(query.measures) > 1) if measure.with_p else {}
        sources.setdefault(name, "") or sources.update({name: single(measure, scope)})
        ops.setdefault(measure.op, found(name))
        units |= {name: unit(measure)} if unit(measure) else {}
    ends = _intervals(query, scope)
    scope.add("found = {\n" + "".join(f"    {literal(n)}: {s},\n" for n, s in sources.items()) + "}")
    names = {n: found(n) for n in sources}
    for formula in query.formulas:
        source = to_scalar(formula.expr, aliases(names, ops))
        scope.add(f"{found(formula.name)} = {source}")
        names[formula.name] = found(formula.name)
        units |= formula_unit(formula.name, source, units)
    if ranked:
        _ranked(query, scope, ranked[0])
        return
    given = {m.name for m in query.measures} | {f.name for f in query.formulas}
    said = [
        _said(n, s, n in given, query, scope, units.get(n, "")) + ends.get(n, ("", ""))[1] for n, s in names.items()
    ]
    result = ""
    if query.verdicts:
        scope.add(f'found["verdict"] = {verdict(query, {**aliases(names, ops), "n": "len(rows)"})}')
        result = ': {found["verdict"]}'
    with_units = "".join(f", {literal(n)}: ({found(n)}, {literal(u)})" for n, u in units.items())
    with_units += "".join(f', {literal(n)}: ({found(n)}, "", {name})' for n, (name, _) in ends.items())
    rows = f" ({of_rows(query, scope)}{lacking(query, scope)}{backwards(query, scope)})"
    if list(names) == ["number of rows"]:  # and what would stand in brackets says it again
        said = [f"the number of rows{_where(query, scope)} is {value(names['number of rows'], query.decimals)}"]
        rows = ""
    pieces = [
        f"{part}{', ' if i < len(said) - 2 else ' and ' if i == len(said) - 2 else ''}" for i, part in enumerate(said)
    ]
    tell(scope, [*pieces, f"{rows}{result}."], "found" if not with_units else f"{{**found{with_units}}}")


def _intervals(query: Query, scope: Scope) -> dict[str, tuple[str, str]]:
    """Of each of a few correlations, the variable that holds its 95 % interval, and how the sentence says that."""
    related = [m for m in query.measures if m.op == "correlation" and m.method == "pearson" and not m.where]
    told = dict[str, tuple[str, str]]()
    for n, m in enumerate(related if len(related) <= 3 and not query.order else ()):
        both = listed([scope.sized(c or "", "It") for c in (m.of, m.other)])
        ends = f"ends{n + 1}" if len(related) > 1 else "ends"
        scope.add(f"{ends} = r_interval(*rows[{both}].dropna().to_numpy(dtype=float).T)")
        said = f" (95 % interval {{as_text({ends}[0], 2)}} to {{as_text({ends}[1], 2)}})"
        told[name_of(m, scope)] = ends, said
    return told


def formula_unit(name: str, source: str, units: dict[str, str]) -> dict[str, str]:
    """The unit of a formula: per cent by its name, or that of the measures of which it is a sum or difference."""
    if name.endswith("in per cent"):
        return {name: "%"}
    used = {u for n, u in units.items() if f"[{literal(n)}]" in source}
    if len(used) != 1 or re.search(r"[*/%(]", re.sub(r'\["[^"]*"\]', "", source)):
        return {}
    return {name: "pp" if used == {"%"} else used.pop()}


def _said(name: str, source: str, given: bool, query: Query, scope: Scope, unit: str) -> str:
    """One value in the sentence of the answer; a name that was given stands as it is."""
    if name == "p-value":
        return f"{{chance({source})}}"
    told = value(source, query.decimals, unit)
    return f"{braced(name)} {told}" if given else f"the {braced(readable(name, scope))} is {told}"


def _with_p(measure: Measure, scope: Scope, name: str, several: bool) -> dict[str, str]:
    """A correlation or slope with its p-value, from the rows that have both values."""
    if measure.op not in ("correlation", "slope", "r2"):
        raise NotComputable(f"A p-value comes with a correlation, a slope or R², not with a {measure.op}; name a test.")
    check(measure, scope)
    x, y = scope.sized(measure.of or "", "It"), scope.sized(measure.other or "", "It")
    where = f"rows[{scope.mask(measure.where)}]" if measure.where else "rows"
    n = sum("stats." in line for line in scope.lines) + 1
    tail = str(n) if several else ""
    scope.add(f"pairs = {where}[{listed([x, y])}].dropna()")
    p_name = f"p-value of the {name}" if several else "p-value"
    if measure.op != "correlation":
        scope.add(f"line{tail} = stats.linregress(pairs[{literal(y)}], pairs[{literal(x)}])")
        size = f"line{tail}.slope" if measure.op == "slope" else f"line{tail}.rvalue ** 2"
        return {name: size, p_name: f"line{tail}.pvalue"}
    test = {"pearson": "pearsonr", "spearman": "spearmanr", "kendall": "kendalltau"}[measure.method]
    scope.add(f"r{tail}, p{tail} = stats.{test}(pairs[{literal(x)}], pairs[{literal(y)}])")
    return {name: f"r{tail}", p_name: f"p{tail}"}


def order_rows(query: Query, scope: Scope) -> list[str]:
    """Put rows in order and take those that are wanted; the columns of the order."""
    by = [scope.as_column(o.by) for o in query.order]
    if by:
        scope.add(f"rows = rows.{sorting(list(zip(by, (o.descending for o in query.order), strict=True)))}")
    take(query, scope, "rows", by)
    return by


def sorting(order: list[tuple[str, bool]]) -> str:
    """The call that puts a table in order by columns, each with whether it descends."""
    names = listed([n for n, _ in order]) if len(order) > 1 else literal(order[0][0])
    ascending = [not d for _, d in order]
    return f'sort_values({names}, ascending={ascending if len(set(ascending)) > 1 else ascending[0]}, kind="stable")'


def _ranked(query: Query, scope: Scope, order: Order) -> None:
    """Put the measures in order of their values, and tell the first."""
    size = "abs" in order.by
    scope.add("found = pd.Series(found)")
    scope.add(f'found = found.sort_values(ascending={not order.descending}, kind="stable"{", key=abs" * size})')
    if query.limit is not None:
        scope.add(f"found = found.iloc[{query.offset or ''}:{query.offset + query.limit}]")
    ops = {m.op for m in query.measures}
    what = next(iter(ops)) if len(ops) == 1 else "value"
    ends = f" ({'the first of ' if query.limit else ''}{len(query.measures)}, by {'size' if size else 'value'})"
    scope.add(f'lines = [f"{{name}}: {value("number", query.decimals)}" for name, number in found.items()]')
    told = "found.to_dict()"
    if query.tell == "names":
        told = '{"name": ", ".join(found.index)}'
    elif query.limit == 1:
        told = f'{{"name": found.index[0], {literal(what)}: found.iloc[0]}}'
        if query.verdicts:
            known = dict.fromkeys(("value", what, "r"), "found.iloc[0]")
            scope.add(f"verdict = {verdict(query, known)}")
            told = f'{told[:-1]}, "verdict": verdict}}'
            ends += ": {verdict}"
    tell(scope, ["{'; '.join(lines)}" + ends + "."], told)


def rows(query: Query, scope: Scope) -> None:
    """Rows, or the values of columns, in order; or how many."""
    if query.tell == "number" and not query.show:
        tell(scope, [f"the number of rows is {{len(rows):,}}{_where(query, scope)}."], '{"number of rows": len(rows)}')
        return
    order = order_rows(query, scope)
    show = [scope.column(c) for c in query.show]
    names = list(dict.fromkeys([*show, *(order if query.tell == "all" else [])]))
    if not names:
        raise NotComputable("Say which columns are to be shown of the rows.")
    scope.add(f"shown = rows[{listed(names)}]" + (".drop_duplicates()" if not order and query.limit is None else ""))
    if query.tell == "number":
        what = braced(and_list(names))
        text = f"the number of different values of {what} is {{len(shown):,}} ({of_rows(query, scope)})."
        tell(scope, [text], '{"number": len(shown)}')
        return
    scope.add(f'lines = [", ".join(map(as_name, row)) for row in shown.head({SHOWN}).itertuples(index=False)]')
    scope.add(f'rest = f"; and {{len(shown) - {SHOWN}:,}} more" if len(shown) > {SHOWN} else ""')
    text = f"{braced(', '.join(names))}: {{'; '.join(lines) or 'none'}}{{rest}}"
    tell(scope, [text, f" ({of_rows(query, scope)})."], "{name: one_or_list(shown[name]) for name in shown}")


def _where(query: Query, scope: Scope) -> str:
    return f" where {braced(readable(scope.words(query.where), scope))}" if query.where else ""
