"""Hypothesis tests: the columns and groups that are meant, and the call of the toolkit that tests them."""

from __future__ import annotations

from graphs.questions.expressions import literal
from graphs.questions.groups import keys_of
from graphs.questions.measures import by_keys, name_of, single
from graphs.questions.query import Condition, Group, Query, Test
from graphs.questions.scope import Scope
from graphs.questions.sentences import aliases, decimals, found, tell, verdict, where_of
from graphs.questions.steps import listed

_OF_A_TEST = {"statistic": "tested.statistic", "w": "tested.statistic", "p": "tested.p", "p_value": "tested.p",
              "n": "tested.n", "r": "tested.statistic", "correlation": "tested.statistic"}  # fmt: skip


def test(query: Query, scope: Scope) -> None:
    """Run the test, and tell its statistic, its p-value and what follows at the level asked for."""
    asked, compare = query.test or Test(), query.compare
    columns = [c for m in query.measures for c in (m.of, m.other) if c]
    if compare is not None and compare.of:
        query = _of_two(query, scope)
    elif compare is not None:
        columns += [c for c in (compare.first, compare.second) if c]
    for met in (m.where for m in query.measures if m.where and (m.op == "share" or not m.of)):
        columns.append(f"`{scope.words(met)}`")
        scope.add(f"rows[{literal(scope.words(met))}] = {scope.mask(met)}")
        scope.put(scope.words(met), "truth", missing=False)
    keys = keys_of(query, scope)
    named = list(dict.fromkeys(map(scope.as_column, columns)))
    beside = _beside(keys, query, scope)
    known = {k: found(k) for k in beside if not k.startswith("**")}
    word = verdict(query, {**aliases(known, {}), **_OF_A_TEST, "alpha": repr(asked.alpha)})
    entries = (f"    {k[:2] if k.startswith('**') else literal(k) + ': '}{s},\n" for k, s in beside.items())
    if beside:
        scope.add("found = {\n" + "".join(entries) + "}")
    given = {n: v for n, v in asked.model_dump().items() if v is not None and v != Test.model_fields[n].default}
    tell(
        scope, "answer_tested", "rows", listed(named), listed(keys) if keys else "",
        **{n: literal(v) for n, v in given.items()}, where=where_of(query, scope), beside="found" if beside else "",
        verdict=f"lambda tested: {word}" if word else "", decimals=decimals(query) if beside else "",
    )  # fmt: skip


def _of_two(query: Query, scope: Scope) -> Query:
    """A test of two groups by name: of the rows of these two."""
    compare = query.compare
    assert compare is not None
    if set(scope.levels(compare.of.strip("`")) or ()) == {compare.first, compare.second}:
        return query.model_copy(update={"group_by": (Group(of=compare.of),), "compare": None})
    both = Condition(left=compare.of, op="in", right=(compare.first, compare.second))
    scope.add(f"rows = rows[{scope.mask((both,))}]")
    group = (Group(of=compare.of),)
    return query.model_copy(update={"group_by": group, "compare": None, "where": (*query.where, both)})


def _beside(keys: list[str], query: Query, scope: Scope) -> dict[str, str]:
    """The measures that are asked for beside the test, as entries of a dict."""
    sources: dict[str, str] = {}
    for m in query.measures:
        if m.op in ("value", "values", "correlation"):
            continue
        if not keys:
            sources[name_of(m, scope)] = single(m, scope)
            continue
        by = by_keys(keys)
        name = literal(name_of(m, scope))
        sources[f"**{name}"] = f"named_by({name}, {single(m, scope, f'rows.groupby({by})', by)})"
    return sources
