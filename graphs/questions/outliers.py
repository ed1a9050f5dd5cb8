"""Outliers by a rule: how many, which rows, and statistics of them."""

from __future__ import annotations

from graphs.questions.expressions import NotComputable, literal
from graphs.questions.groups import by_keys, keys_of
from graphs.questions.measures import name_of, single
from graphs.questions.query import Query, Rule
from graphs.questions.scope import Scope
from graphs.questions.sentences import SHOWN, aliases, and_list, braced, found, of_rows, readable, tell, value, verdict
from graphs.questions.steps import beyond, limits, listed

_NONE_OF_ALL = ("value", "values", "count")


def outliers(query: Query, scope: Scope) -> None:
    """Tell the outliers of the measures' columns; measures other than a count are computed of the outlying rows."""
    rule = query.outliers or Rule()
    columns = list(dict.fromkeys(scope.numbers(m.of, "Outliers") for m in query.measures if m.of))
    if not columns:
        raise NotComputable("Say in which column outliers are looked for: a measure names it.")
    if query.group_by:
        _by_group(query, scope, rule, columns[0])
        return
    show = [scope.column(c) for c in query.show]
    if len(columns) > 1:
        _of_several(query, scope, rule, columns)
        return
    (column,) = columns
    show = show or [column] * (query.tell == "names")
    lines, said = limits(rule, f"rows[{literal(column)}]", scope)
    scope.lines += lines.split("\n")
    scope.add(f"outlying = rows[{beyond(rule, f'rows[{literal(column)}]')}]")
    sources = {} if query.tell == "names" else {"number of outliers": "len(outlying)"}
    of_them = [m for m in query.measures if m.op not in _NONE_OF_ALL] if query.tell == "all" else []
    sources |= {f"{name_of(m, scope)} among the outliers": single(m, scope, "outlying") for m in of_them}
    told = [f"the {braced(n)} is {value(found(n), query.decimals)}" for n in list(sources)[1:]]
    if query.tell != "number":
        sources |= {name: f'one_or_list(outlying[{literal(name)}]) if len(outlying) else "none"' for name in show}
    scope.add("found = {\n" + "".join(f"    {literal(n)}: {s},\n" for n, s in sources.items()) + "}")
    if query.verdicts:
        known = {**aliases({n: found(n) for n in sources}, {}), "count": "len(outlying)"}
        scope.add(f'found["verdict"] = {verdict(query, known)}')
        told.append('the verdict is {found["verdict"]}')
    text = [f"outliers of {braced(readable(column, scope))} ({said}:"]
    below, above = "below {as_text(low)}", "above {as_text(high)}"
    text.append({"both": f" {below} or {above}", "high": f" {above}", "low": f" {below}"}[rule.sides])
    text.append(f"): {{len(outlying):,}} of {{rows[{literal(column)}].count():,}} values")
    text += [f"; {and_list(told)}" for _ in told[:1]]
    if show and query.tell != "number":
        each = f'", ".join(map(as_name, row)) for row in outlying[{listed(show)}].head({SHOWN}).itertuples(index=False)'
        scope.add(f"lines = [{each}]")
        scope.add(f'rest = f"; and {{len(outlying) - {SHOWN}:,}} more" if len(outlying) > {SHOWN} else ""')
        text.append(". {'; '.join(lines)}{rest}")
    if query.where:
        text.append(f" ({of_rows(query, scope)})")
    tell(scope, [*text, "."], "found")


def _of_several(query: Query, scope: Scope, rule: Rule, columns: list[str]) -> None:
    """The number of outliers of each of several columns."""
    lines, said = limits(rule, "rows[name]", scope)
    body = "\n".join(f"    {line}" for line in lines.split("\n"))
    scope.add("found = {}")
    scope.add(f"for name in {listed(columns)}:\n{body}\n    found[name] = int(({beyond(rule, 'rows[name]')}).sum())")
    text = "number of outliers: {', '.join(f'{name} {count:,}' for name, count in found.items())}"
    tell(scope, [f"{text}; outliers are values {said} ({of_rows(query, scope)})."], "found")


def _by_group(query: Query, scope: Scope, rule: Rule, column: str) -> None:
    """The number of outliers in each group, by the group's own limits."""
    keys = keys_of(query, scope)
    of = f"part[{literal(column)}]"
    lines, said = limits(rule, of, scope)
    body = "\n".join(f"    {line}" for line in lines.split("\n"))
    name = "as_name(group)" if len(keys) == 1 else '", ".join(map(as_name, group))'
    scope.add("found = {}")
    body += f"\n    found[{name}] = int(({beyond(rule, of)}).sum())"
    scope.add(f"for group, part in rows.groupby({by_keys(keys)}):\n{body}")
    text = f"number of outliers of {braced(column)} by {braced(and_list(keys))}: "
    text += "{', '.join(f'{group} {count:,}' for group, count in found.items())}"
    ends = f"; outliers are values {said} in their own group ({of_rows(query, scope)})."
    tell(scope, [text, ends], "found")
