"""Outliers by a rule: how many, which rows, and statistics of them."""

from __future__ import annotations

from graphs.questions.expressions import NotComputable, literal
from graphs.questions.groups import keys_of
from graphs.questions.measures import by_keys, name_of, single
from graphs.questions.query import Query, Rule
from graphs.questions.scope import Scope
from graphs.questions.sentences import aliases, and_list, assigned, decimals, found, tell, verdict, where_of
from graphs.questions.steps import beyond, limits, listed

_NONE_OF_ALL = ("value", "values", "count")


def outliers(query: Query, scope: Scope) -> None:
    """Tell the outliers of the measures' columns; measures other than a count are computed of the outlying rows."""
    rule, where = query.outliers or Rule(), where_of(query, scope)
    columns = list(dict.fromkeys(scope.numbers(m.of, "Outliers") for m in query.measures if m.of))
    if not columns:
        raise NotComputable("Say in which column outliers are looked for: a measure names it.")
    column, sides = columns[0], literal(rule.sides) if rule.sides != "both" else ""
    if query.group_by or len(columns) > 1:
        keys = keys_of(query, scope)
        each = f"group: {{}} for group, part in rows.groupby({by_keys(keys)})[{literal(column)}]" if keys else ""
        each = each or f"name: {{}} for name in {listed(columns)}"
        of = "part" if keys else "rows[name]"
        source, said = limits(rule, of)
        scope.add(f"found = {{{each.format(f'{beyond(rule, of, source)}.sum()')}}}")
        said += " in their own group" * bool(keys)
        what = f" of {column} by {and_list(keys)}" if keys else ""
        tell(scope, "answer_outlier_counts", "found", literal(what), literal(said), "rows", where)
        return
    show = [scope.column(c) for c in query.show] or [column] * (query.tell == "names")
    of = f"rows[{literal(column)}]"
    source, said = limits(rule, of)
    scope.add(f"limits = {source}")
    scope.add(f"outlying = rows[{beyond(rule, of, 'limits')}]")
    of_them = [m for m in query.measures if m.op not in _NONE_OF_ALL] if query.tell == "all" else []
    sources = {f"{name_of(m, scope)} among the outliers": single(m, scope, "outlying") for m in of_them}
    if sources:
        scope.add(assigned(sources))
    known = aliases({n: found(n) for n in sources}, {})
    counts = dict.fromkeys(("count", "number_of_outliers", "number of outliers"), "len(outlying)")
    tell(
        scope, "answer_outliers", "outlying", literal(column), "rows", "limits", literal(said), where, sides=sides,
        found="found" if sources else "", show=listed(show) if show and query.tell != "number" else "",
        tell=literal(query.tell) if query.tell != "all" else "", verdict=verdict(query, {**known, **counts}),
        decimals=decimals(query),
    )  # fmt: skip
