"""Tests, models and outliers: the columns and groups that are meant, and the call of the toolkit that does the work."""

from __future__ import annotations

from graphs.questions.expressions import NotComputable, bare
from graphs.questions.measures import by_keys, name_of, single
from graphs.questions.query import Condition, Group, Model, Query, Rule, Test, given
from graphs.questions.scope import Scope
from graphs.questions.source import Source, assigned, found, literal
from graphs.questions.steps import beyond, limits
from graphs.questions.values import aliases, and_list, keys_of, verdict
from notebooks.toolkit.metrics import METRIC_NAMES

_ROWS = Source("rows")
_OF_A_TEST = dict.fromkeys(("statistic", "w", "r", "correlation"), "tested.statistic")
_OF_A_TEST |= {"p": "tested.p", "p_value": "tested.p", "n": "tested.n"}


def test(query: Query, scope: Scope) -> None:
    """Run the test, and tell its statistic, its p-value and what follows at the level asked for."""
    asked, columns = query.test or Test(), [c for m in query.measures for c in (m.of, m.other) if c]
    if compare := query.compare:
        sides = (compare.first, compare.second)
        both = Condition(left=compare.of, op="in", right=sides)
        where = (both,) if {*(scope.levels(bare(compare.of)) or ())} != {*sides} else ()
        scope.keep(where)
        query = given(query, group_by=(Group(of=compare.of),), where=(*query.where, *where))
    for met in (m.where for m in query.measures if m.where and (m.op == "share" or not m.of)):
        columns.append(f"`{scope.make(scope.words(met), scope.mask(met), 'truth', missing=False)}`")
    keys = keys_of(query, scope)
    named = list(dict.fromkeys(map(scope.as_column, columns)))
    beside = _beside(keys, query, scope)
    if beside:
        scope.add(assigned(beside))
    known = {**aliases({k: found(k) for k in beside}), **_OF_A_TEST, "alpha": repr(asked.alpha)}
    settings = {n: v for n, v in asked if v != Test.model_fields[n].default}
    scope.tell(
        "answer_tested", _ROWS, Source(literal(named)), keys, **settings, where=scope.words(query.where),
        beside=Source("found") if beside else "", verdict=verdict(query, known, "tested"),
        decimals=query.decimals if beside else None,
    )  # fmt: skip


def _beside(keys: list[str], query: Query, scope: Scope) -> dict[str, str]:
    """The measures that are asked for beside the test, as entries of a dict."""
    asked = {name_of(m, scope): m for m in query.measures if m.op not in ("value", "values", "correlation")}
    if not keys:
        return {name: single(m, scope) for name, m in asked.items()}
    by = by_keys(keys)
    each = {literal(name): single(m, scope, f"rows.groupby({by})", by) for name, m in asked.items()}
    return {f"**{name}": f"named_by({name}, {source})" for name, source in each.items()}


def fit(query: Query, scope: Scope) -> None:
    """Fit the model and tell the metrics asked for."""
    model = query.model or Model()
    if query.group_by:
        by = query.group_by[0].of
        raise NotComputable(f"One model is fitted to all rows, and not one for each {by}: choose rows of one instead.")
    features = [c for f in model.features for name in [scope.as_column(f)] for c in scope.dummies.get(name, [name])]
    if not features or not (model.target or model.kind == "kmeans"):
        raise NotComputable("Say what the model is to predict, and from which columns.")
    target = scope.as_column(model.target) if model.target else ""
    if target in features:
        raise NotComputable(f"“{target}” cannot be predicted from itself; leave it out of the features.")
    if model.test_size is not None and not 0 < model.test_size < 1:
        raise NotComputable("The part held out for testing lies between 0 and 1.")
    left_out = ("kind", "target", "features", *(("test_size",) if model.folds else ()))
    settings = {k: v for k, v in model if k not in left_out and v != Model.model_fields[k].default}
    names = {m: METRIC_NAMES[m] for m in model.metrics or METRIC_NAMES if m in METRIC_NAMES}
    known = aliases({n: found(n) for n in names.values()}, {m: found(n) for m, n in names.items()})
    scope.tell(
        "answer_model", _ROWS, model.kind, features, target, **settings, verdict=verdict(query, known, "found"),
        decimals=query.decimals,
    )  # fmt: skip


def outliers(query: Query, scope: Scope) -> None:
    """Tell the outliers of the measures' columns; measures other than a count are computed of the outlying rows."""
    rule, where = query.outliers or Rule(), scope.words(query.where)
    columns = list(dict.fromkeys(scope.numbers(m.of, "Outliers") for m in query.measures if m.of))
    if not columns:
        raise NotComputable("Say in which column outliers are looked for: a measure names it.")
    column, of = columns[0], f"rows[{literal(columns[0])}]"
    if query.group_by or len(columns) > 1:
        name, part, each, what = "name", "rows[name]", f"name in {literal(columns)}", ""
        if keys := keys_of(query, scope):
            name, part, what = "group", "part", f" of {column} by {and_list(keys)}"
            each = f"group, part in rows.groupby({by_keys(keys)})[{literal(column)}]"
        source, said = limits(rule, part)
        said += " in their own group" * bool(keys)
        scope.add(f"found = {{{name}: {beyond(rule, part, source)}.sum() for {each}}}")
        scope.tell("answer_outlier_counts", Source("found"), Source(literal(what)), said, _ROWS, where)
        return
    show = [scope.column(c) for c in query.show] or [column] * (query.tell == "names")
    source, said = limits(rule, of)
    scope.add(f"limits = {source}")
    scope.add(f"outlying = rows[{beyond(rule, of, 'limits')}]")
    of_them = [m for m in query.measures if m.op not in ("value", "values", "count") and query.tell == "all"]
    sources = {f"{name_of(m, scope)} among the outliers": single(m, scope, "outlying") for m in of_them}
    if sources:
        scope.add(assigned(sources))
    known = aliases({n: found(n) for n in sources})
    known |= dict.fromkeys(("count", "number_of_outliers", "number of outliers"), "len(outlying)")
    scope.tell(
        "answer_outliers", Source("outlying"), column, _ROWS, Source("limits"), said, where,
        sides=rule.sides if rule.sides != "both" else "", found=Source("found") if sources else "",
        show=show if query.tell != "number" else [], tell=query.tell if query.tell != "all" else "",
        verdict=verdict(query, known), decimals=query.decimals,
    )  # fmt: skip
