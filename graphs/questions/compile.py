"""The compiler: a `Query` becomes cells that a person can read, or the call of a template notebook.

What cannot be computed is refused here, with a sentence, before any cell runs. The cells compute from all rows of the
file; `df` and `tables` are in the kernel as `look.load` put them there, and so is the toolkit.
"""

from __future__ import annotations

import re

from graphs.questions import conditions, templates
from graphs.questions.expressions import NotComputable, bare, in_backticks
from graphs.questions.functions import Kind
from graphs.questions.measures import by_keys, name_of, single
from graphs.questions.query import (
    AnyOf,
    Compare,
    Condition,
    Formula,
    Group,
    Measure,
    Model,
    Query,
    Recode,
    Rule,
    Statistic,
    Test,
    Where,
    given,
)
from graphs.questions.scope import Scope
from graphs.questions.source import Call, Cells, Source, Tables, assigned, called, found, literal
from graphs.questions.steps import beyond, limits, prepare
from graphs.questions.values import aliases, and_list, groups, keys_of, rows, singles, verdict
from notebooks.toolkit.metrics import METRIC_NAMES
from notebooks.toolkit.naming import ROW_NAME, readable

NOTEBOOKS = {"why_changed", "experiment", "drivers", "forecast", "clean", "join", "plot", "distribution"}
"""Intents whose answer is a notebook of its own. The others have one where they ask for nothing in particular."""


def compile(query: Query, tables: Tables) -> Cells | Call:
    """The cells that answer a query of these tables, or the template that does. Raises NotComputable."""
    query = against_the_others(query, tables)
    particular = query.measures or query.formulas or query.show or query.tell == "number"
    closed = particular or query.test or query.model or query.outliers
    if (query.intent in NOTEBOOKS or not closed) and (call := templates.call(query, tables)) is not None:
        return call
    scope = Scope(tables, query.table)
    prepare(query, scope)
    of_sides = both_sides(query.compare, scope) if query.compare and not query.model else ()
    query = compared(described(query, scope), scope)
    for measure in query.measures if query.where or of_sides else ():
        scope.words(measure.where)  # a number to compare with is computed from all rows, before they are chosen
    scope.keep((*query.where, *of_sides))
    if query.model is not None:
        fit(query, scope)
    elif query.test is not None or (query.intent == "test" and query.measures):
        test(query, scope)
    elif query.outliers is not None:
        outliers(query, scope)
    elif query.group_by:
        groups(query, scope)
    elif query.measures or query.formulas or (query.tell == "number" and not query.show):
        singles(query, scope)
    elif query.show:
        rows(query, scope)
    else:
        raise NotComputable("The query does not say what is wanted: name a measure, columns, a test or a model.")
    return _written(query, scope)


def _written(query: Query, scope: Scope) -> Cells:
    start = f"rows = tables[{literal(scope.file)}]" if len(scope.tables) > 1 else "rows = df"
    if scope.sampled and (scope.all_used or scope.joined):
        raise NotComputable(f"{scope.file} is too large for a step that takes all of its columns. Name those it needs.")
    if scope.sampled:
        names = [c["name"] for c in scope.tables[scope.file]["columns"] if c["name"] in scope.used]
        start = f"rows = read_columns({literal(scope.file)}, {literal(names)})  # all rows"
    elif any(line.startswith("rows[") for line in scope.lines):
        start += ".copy()"
    notes = (*query.notes, *scope.notes, *_of_rows(query, scope))
    told = [f"notes=[\n{''.join(f'        {literal(n)},\n' for n in notes)}    ]"] if notes else []
    function, arguments = scope.end[0], [*scope.end[1], *told]
    end = f"{function}({', '.join(arguments)})"
    if len(end) > 100 or "\n" in end:
        end = f"{function}(\n" + "".join(f"    {a},\n" for a in arguments) + ")"
    text = "\n".join([start, *scope.lines, end])
    head = "from scipy import stats\n\n" if re.search(r"\bstats\b", text) else ""
    cells = ((query.text or "Answer", head + text),)
    return Cells(cells=cells, notes=tuple(n for n in notes if not isinstance(n, Source)))


def _of_rows(query: Query, scope: Scope) -> list[str]:
    """What is to be known of the rows: which have no partner, values that may stand for missing, and repeated rows."""
    again, joins = scope.tables[scope.file].get("repeats", 0), zip(scope.joined, query.joins, strict=False)
    notes: list[str] = [
        called("partner_note", Source("tables"), [scope.file, f], j.own, j.theirs, j.how) for f, j in joins
    ]
    several = "Several columns are called “{}”: the first is taken; ask for “{}” to have another."
    renamed = {c: scope.facts.get(c, {}).get("renamed", ()) for c in sorted(scope.used)}
    notes += [several.format(name, "” or “".join(others)) for name, others in renamed.items() if others]
    coded = [c for c in scope.codes if c in scope.used]
    notes += [called("code_note", Source("rows"), c, scope.codes[c]) for c in coded]
    done = [*(s.do for s in query.prepare), *(m.op for m in query.measures)]
    seen = query.show or any("duplicates" in name for name in done)
    repeat = f"{again:,} row{'s repeat' if again != 1 else ' repeats'} an earlier one, counted in this answer."
    return [*notes, repeat] if again and not seen else [*notes]


def against_the_others(query: Query, tables: Tables) -> Query:
    """A comparison that names one value alone, as one with all other values of its column together."""
    compare, scope, others = query.compare, Scope(tables, query.table), "the others"
    if compare is None or not compare.first or compare.second or scope.kinds.get(bare(compare.of)) != "text":
        return query
    column = bare(compare.of)
    first = scope.level(column, compare.first)
    two = Recode(column=column, values=((first, first),), other=others, name=f"{column} ({first} or others)")
    against = Compare(of=in_backticks(two.name), first=first, second=others)
    return given(query, prepare=(*query.prepare, two), compare=against)


_OF_NUMBERS: tuple[Statistic, ...] = ("mean", "median", "std", "min", "max")
_OF_A_COLUMN: dict[Kind, tuple[Statistic, ...]] = {"number": _OF_NUMBERS, "time": ("min", "max", "distinct")}


def described(query: Query, scope: Scope) -> Query:
    """What columns or a table are like, as measures, where a description asks for none in particular.

    Of a table these are its rows, gaps (in all, and where most are) and copies, the time that it covers, and the means
    of its first numbers.
    """
    if query.measures or query.intent not in ("describe", "distribution"):
        return query
    asked = list[tuple[Statistic, str]]()
    for name in map(scope.column, query.show):
        ops = "present", "missing", *_OF_A_COLUMN.get(scope.kinds[name], ("distinct", "mode"))
        asked += [(op, name) for op in ops]
    if not query.show and query.intent == "describe":
        named = [n for n in scope.kinds if not ROW_NAME.search(n)]
        times, numbers = ([n for n in named if scope.kinds[n] == kind] for kind in ("time", "number"))
        missing = {n: int(scope.facts.get(n, {}).get("n_missing") or 0) for n in named}
        gaps = sorted((n for n in named if missing[n]), key=lambda n: -missing[n])[:3]
        asked = [("count", ""), ("missing", ""), *(("missing", n) for n in gaps), ("duplicates", "")]
        asked += [(op, n) for n in times[:1] for op in ("min", "max")] + [("mean", n) for n in numbers[:3]]
    measures = tuple(Measure(op=op, of=in_backticks(name) if name else None) for op, name in asked)
    return given(query, measures=measures, show=())


def compared(query: Query, scope: Scope) -> Query:
    """A comparison as the measures of both sides, their difference, and this in per cent of the second."""
    compare = query.compare
    if compare is None or not query.measures or query.test is not None or query.model is not None:
        return query
    measures, formulas = list[Measure](), list(query.formulas)
    for measure in query.measures:
        first, second = (_side(measure, compare, side, scope) for side in (compare.first, compare.second))
        measures += [first, second]
        a, b = in_backticks(first.name), in_backticks(second.name)
        tail = f" of {measure.name or _brief(measure)}" if len(query.measures) > 1 else ""
        formulas.append(Formula(name=f"difference{tail}", expr=f"{a} - {b}"))
        if measure.op not in ("share", "correlation", "min", "max"):
            formulas.append(Formula(name=f"difference{tail} in per cent", expr=f"100 * ({a} - {b}) / {b}"))
    (measure, *_) = query.measures
    what = measure.name or _brief(measure)
    what += f" where {scope.words(measure.where)}" if measure.where and not measure.name else ""
    sides = (readable(_at(compare, side, scope), scope.kinds) for side in (compare.first, compare.second))
    scope.sides = readable(f"the {what}", scope.kinds), *sides
    return given(query, measures=tuple(measures), formulas=tuple(formulas), compare=None)


def both_sides(compare: Compare, scope: Scope) -> tuple[Where, ...]:
    """The condition that a row is of one of the two sides; none where no row is of neither."""
    sides, column = (compare.first, compare.second), bare(compare.of)
    if scope.kind(compare.of) == "time":
        return (AnyOf(any_of=tuple((Condition(left=compare.of, op="during", right=side),) for side in sides)),)
    if {*(scope.levels(column) or ())} == {*sides} and not scope.missing(column):
        return ()
    return (Condition(left=compare.of, op="in", right=sides),)


def _side(measure: Measure, compare: Compare, side: str, scope: Scope) -> Measure:
    op = "during" if scope.kind(compare.of) == "time" else "="
    field = "among" if measure.op == "share" and measure.where else "where"
    where = (*getattr(measure, field), Condition(left=compare.of, op=op, right=side))
    name = f"{measure.name or _brief(measure)} {_at(compare, side, scope)}"
    return measure.model_copy(update={field: where, "name": name})


def _at(compare: Compare, side: str, scope: Scope) -> str:
    """One of two sides as a sentence says it: in May 2023, for Gentoo."""
    return conditions.period(side) if scope.kind(compare.of) == "time" else f"for {side}"


def _brief(measure: Measure) -> str:
    of = (measure.of or "").replace("`", "")
    return f"{measure.op} of {of}" if of else {"count": "number of rows"}.get(measure.op, measure.op)


_ROWS = Source("rows")
_OF_A_TEST = dict.fromkeys(("statistic", "w", "r", "correlation"), "tested.statistic")
_OF_A_TEST |= {"p": "tested.p", "p_value": "tested.p", "n": "tested.n"}


def test(query: Query, scope: Scope) -> None:
    """Run the test, and tell its statistic, its p-value and what follows at the level asked for."""
    asked, columns = query.test or Test(), [c for m in query.measures for c in (m.of, m.other) if c]
    if compare := query.compare:
        query = given(query, group_by=(Group(of=compare.of),), where=(*query.where, *both_sides(compare, scope)))
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
