"""Questions that are answered by more than statistics of columns: why, what next, what drives it, charts, and others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from graphs.questions import query as q
from graphs.questions.query import given, simple
from graphs.questions.reader import lexicon
from graphs.questions.reader.asking import Ask
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.linking import Column
from graphs.questions.reader.measuring import flows
from graphs.questions.reader.times import before, kind_of

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft


def usual(column: Column, notes: list[str], each: bool = False, question: str = "") -> q.Measure:
    """The statistic that is meant where none is said: a sum of what adds up, or is spent or sold, else, or where `each`
    row is meant, a mean."""
    if column.kind == "bool":
        notes.append(f"The share of rows with “{column.name}” is meant.")
        return q.Measure(op="share", where=(q.Condition(left=expr(column), op="=", right=column.yes),))
    several = any(w.endswith("s") and w not in lexicon.some("units") for w in column.words)  # the most tickets
    told = re.search(r"\b(?:most|fewest|worst)\b|^\W*why\b", question, re.I)
    most = several and "int" in column.dtype.casefold() and told
    scales = lexicon.section("units")
    masses = {*scales["mass"], *scales["volume"], *(u for u, size in scales["length"].items() if size >= 1000)}
    most = most or (column.unit in masses and re.search(r"\bthe most (?!\w+(?:ed|ing|ive)\b)", question, re.I))
    flow = (most or flows(question, column)) and not each and "per" not in column.words  # no sum of prices per kg
    notes.append(f"No statistic is named; the {'sum' if flow else 'mean'} of “{column.name}” is taken.")
    return q.Measure(op="sum" if flow else "mean", of=expr(column))


def other(draft: Draft, base: q.Query) -> q.Query | None:
    """The query of a question that is no closed one; None where it is none of these."""
    text, kinds, time = draft.question, {k for a in draft.asks for k in a.kinds}, draft.time
    named, stats, grouped = draft.spoken(), [s for a in draft.asks for s in a.stats], [g.of for g in base.group_by]
    numbers = [c for c in named if c.kind in ("number", "bool") and expr(c) not in grouped]
    between = next((a.periods for a in draft.asks if a.periods[0]), None)
    speaks = "YK" if between else "Y"
    hints = [h for a in draft.asks for i in a.clause.items if i.code in speaks and (h := i.means.partition(" ")[2])]
    if hints and not numbers and hints[0] != "count":  # getting slower, improving
        numbers = [c for c in [draft.known.hinted(hints[0])] if c is not None and c.kind == "number"]
        if not numbers and not between:
            return None
    if "A" in kinds and not numbers and any(re.search("E[di]*j", a.codes) for a in draft.asks):
        numbers = [c for c in [draft.known.amount()] if c is not None]  # what makes an order larger
        named += numbers
    counted = "count" in hints[:1] or any("jE" in a.codes for a in draft.asks)
    counted = counted or bool(re.search(r"\bhow many|\bnumber of", text, re.I))
    ordered, notes = any(a.end for a in draft.asks), list[str]()
    op: Any = next((s.split()[0] for s in stats), "share")
    part = next((tuple(a.share) for a in draft.asks if a.share), ())
    measure = q.Measure(op="share", where=part) if part else q.Measure(op="count")
    each = between is not None and re.match("week|hour", between[0]) is not None  # of unlike lengths
    if numbers:
        measure = usual(numbers[0], notes, each, text) if op == "share" else q.Measure(op=op, of=expr(numbers[0]))
    noted = given(base, measures=(measure,), notes=(*base.notes, *notes))
    during = simple(base.where, "during")
    rest = tuple(w for w in base.where if w not in during)
    flags = {expr(c) for c in draft.columns if c.kind == "bool"}
    counted = counted or bool({w.left for w in simple(rest)} & flags)  # did returns go up
    money = draft.known.amount()
    whole = (measure, *([q.Measure(op="sum", of=expr(money))] if money is not None else []))
    bare = len(during) == 1 == len(base.where) and not (numbers or stats or grouped or kinds)
    if bare and lexicon.found("went", text):
        return given(base, measures=whole)
    ahead = lexicon.found("ahead", text)
    if "F" in kinds or (ahead and re.search(r"\bwill\b|\bexpect", text, re.I)):
        grain: Any = ahead[2].lower() if ahead else next((str(i) for i in draft.said("G")), None)
        cut = (q.Group(of=expr(time), grain=grain),) if grain and time else ()
        periods = lexicon.number(ahead[1]) if ahead else None
        return given(noted, intent="forecast", time=time.name, periods=periods, group_by=cut) if time else None
    chosen = [w.left for w in simple(base.where, "=")]
    if kinds >= {"W", "D"} and len(chosen) == len(base.where) == 1:  # why most are of a kind: first whether they are
        reason = "Why that is so is told by no count: these are the numbers of which it is said."
        by, told, counts = (q.Group(of=chosen[0]),), (*base.notes, reason), (q.Measure(op="count"),)
        return given(base, intent="describe", where=(), measures=counts, group_by=by, notes=told)
    if "W" in kinds and time is not None and ("Y" in kinds or between or during):
        after = max(between) if between else str(during[0].right) if during else ""
        month = re.fullmatch(r"month (\d+)", after)  # of the one year that there is
        if month and str(time.low)[:4] == str(time.high)[:4]:
            after = f"{str(time.low)[:4]}-{int(month[1]):02d}"
        second = min(between) if between else before(after)
        of = expr(time) if between and time else during[0].left if during else ""
        compare = q.Compare(of=of, first=after, second=second) if of and second else None
        why = given(noted, intent="why_changed", compare=compare, where=rest, time=time.name if time else "")
        return why if numbers or "Y" in kinds else None
    if (tested := _experiment(draft, base, numbers)) is not None:
        return tested
    sides = during if len(during) == 2 and len({(kind_of(str(w.right)), w.left) for w in during}) == 1 else []
    if (between and time is not None) or sides:  # Mondays in May are no two sides
        if not (numbers or counted):
            if each or ((hints or set(stats) - {"share"}) and money is None):  # of five days and of two no sums
                return None
            notes += [f"It is not said by which column; “{money.name}” is taken."] if money is not None else []
            noted = given(noted, measures=whole)
        elif each and not numbers:
            notes.append("One has more days than the other: these are totals, and not per day.")
        first, second = (max(between), min(between)) if between and time else [str(w.right) for w in sides]
        compare = q.Compare(of=expr(time or "") if between else sides[0].left, first=first, second=second)
        where, told = base.where if between else rest, (*base.notes, *notes)
        return given(noted, intent="compare", compare=compare, where=where, notes=told)
    rate = stats == ["share"] and [c.kind for c in numbers[:1]] == ["bool"]
    if kinds & {"A", "W"} and numbers and (rate or not stats):
        whose, own = [c for c in named if c.label], [c for c in named if not c.label]
        draft.counted += whose
        base = given(base, notes=(*base.notes, *(f"Each row counts, and not each “{c.name}” once." for c in whose)))
        unread = len(named) == 1 and base.unused and re.match(r"\W*(?:do|does|did)\b", text, re.I)
        if unread or len(own) not in (1, 2):
            return None
        drivers = given(base, intent="drivers", measures=(q.Measure(op="mean", of=expr(numbers[0])),), group_by=())
        return _paired(base, own, notes) if len(own) == 2 else drivers
    if "g" in kinds and (named or base.group_by):
        return _chart(draft, noted, named, numbers)
    if re.search(r"\bclean(?:s|ed|ing)?\b", text, re.I) and not (named or stats or counted):
        return given(base, intent="clean", unused=tuple(w for w in base.unused if w.casefold()[:5] != "clean"))
    timed = time is not None and "X" in kinds
    if "D" in kinds and not stats and not timed and len(named) < 2:
        if named and named[0].kind == "number" and not base.group_by:
            return given(base, intent="distribution", measures=(q.Measure(op="values", of=expr(named[0])),))
        divides = [c for c in named if c.kind in ("text", "bool") or not base.group_by]
        across = (*base.group_by, *(q.Group(of=expr(c)) for c in divides))
        if across and divides == named:  # of species across islands
            return given(base, intent="describe", measures=(q.Measure(op="count"),), group_by=across)
    describes = re.match(r"\W*(?:describe|summari[sz]e|(?:a )?(?:summary|overview) of|tell me about)\b", text, re.I)
    others = stats or kinds or ordered or grouped or any(a.counts or a.relation for a in draft.asks)
    if describes and named and not others:
        return given(base, intent="describe", show=tuple(c.name for c in named))
    since = any(w.op == ">" and w.left == expr(time or "") for w in simple(base.where))
    if since and "Y" in kinds and re.match(r"\W*(?:did|has|have|is|are)\b", text, re.I):
        return None  # did it improve after May
    each = len(base.group_by) == 1 and not base.group_by[0].grain and ("X" in kinds or kinds >= {"Y", "j"})
    alone = kinds & {"X", "Y"} and not base.group_by and not ordered
    two = [w.left for w in simple(base.where, "in") if len(w.right) == 2]  # type: ignore[arg-type]
    if (
        (alone or each) and two and "X" not in kinds and re.search(r"\b(?:between|from)\b", text, re.I)
    ):  # from the first term to the last
        return given(noted, intent="compare", group_by=(q.Group(of=two[0]),))
    if time is None or not (each or alone):
        return None
    return given(noted, intent="change", group_by=tuple(dict.fromkeys((over(time), *base.group_by))))


def _experiment(draft: Draft, base: q.Query, numbers: Sequence[Column]) -> q.Query | None:
    """Two arms and an outcome, where the question asks which is better or whether one changes something."""
    named = {c for a in draft.asks for i in a.clause.items
             for c in ([i.means[0]] if i.code == "V" else [i.means] if i.code == "C" else [])}  # fmt: skip
    tried = [c for c in draft.columns if c in named and 2 <= c.n_unique <= 4
             and (set(c.words) & lexicon.some("arms") or {v.casefold() for v in c.values} & lexicon.some("levels"))]  # fmt: skip
    yes = [c for c in draft.columns if c.kind == "bool" and c not in tried and not base.unused]
    outcome = numbers or (yes if not any(a.stats for a in draft.asks) else [])
    if len(tried) != 1 or len(outcome) != 1 or not lexicon.found("better", draft.question):
        return None
    (arms,) = tried
    said = [str(i.means[1]) for a in draft.asks for i in a.clause.items if i.code == "V" and i.means[0] == arms]
    said += [v for v in arms.values if v not in said] if len(said) == 1 and arms.n_unique == 2 else []
    both = q.Compare(of=expr(arms), first=said[0], second=said[1]) if len(said) == 2 else None
    where = tuple(w for w in base.where if not (isinstance(w, q.Condition) and w.left == expr(arms)))
    unused = tuple(word for word in base.unused if word.casefold() not in ("better", "higher", "lower"))
    ends, by = (q.Measure(op="mean", of=expr(outcome[0])),), (q.Group(of=expr(arms)),)
    return given(base, intent="experiment", measures=ends, compare=both, where=where, unused=unused, group_by=by)


def _paired(base: q.Query, both: Sequence[Column], notes: list[str]) -> q.Query | None:
    """How two columns go together: a correlation, or a mean or share by the one that divides."""
    divides = [c for c in both if c.kind == "text" and c.n_unique <= 40] or [c for c in both if c.kind == "bool"]
    (rest, *more) = [c for c in both if c not in divides[:1]]
    if more and all(c.kind == "number" for c in both):
        pair = q.Measure(op="correlation", of=expr(both[0]), other=expr(both[1]), with_p=True)
        return given(base, intent="relate", measures=(pair,))
    if more or rest.kind == "text":
        return None
    measure = usual(rest, notes) if rest.kind == "bool" else q.Measure(op="mean", of=expr(rest))
    return given(base, intent="relate", measures=(measure,), group_by=(q.Group(of=expr(divides[0])),))


def _chart(draft: Draft, noted: q.Query, named: Sequence[Column], numbers: Sequence[Column]) -> q.Query:
    """The chart that is asked for, of two numbers as points, else along the groups or the times."""
    kind, groups = chart_kind(draft.question), [g.of for g in noted.group_by]
    if kind == "histogram" and groups and any(a.stats for a in draft.asks):
        kind = "bar"  # the average of each group
    if len(numbers) == 2 and kind in ("auto", "scatter"):  # y against x
        upward, across = (expr(c) for c in numbers)
        chart = q.Chart(kind="scatter", x=across, y=(upward,), colour=next(iter(groups), None))
        return given(noted, intent="plot", chart=chart, measures=(), group_by=())
    x = groups[0] if groups else expr(named[0])
    y = tuple(expr(c) for c in numbers if expr(c) != x)
    chart = q.Chart(kind=kind, x=x, y=y, colour=groups[1] if groups[1:] else None)
    return given(noted, intent="plot", chart=chart, measures=noted.measures if y and groups else ())


def chart_kind(text: str) -> Any:
    """The kind of chart that a text names."""
    said = (k for k in lexicon.listed("charts") if re.search(rf"\b{k.removesuffix('map')}", text, re.I))
    return next(said, "auto")


def untold(ask: Ask) -> str:
    """Why what a clause asks for is no figure of a query, where other tests of the table tell it; empty where it is one."""
    said = {i.means for i in ask.clause.items if i.code in "AX"}
    outcome = any(i.code == "C" and i.column.kind in ("number", "bool") for i in ask.clause.items)
    if "groups" in said and not outcome:
        return UNTOLD[0]
    return UNTOLD[1] if "cycle" in said else ""


UNTOLD = (
    "What tells groups apart is no single figure: a whole analysis tests every column for it.",
    "Whether something recurs is no single figure: a whole analysis tests it over time.",
)
"""Why what was understood is no figure of a query."""


def over(time: Column) -> q.Group:
    """A time cut into periods of which its span has a dozen or more; plain years as they are."""
    if time.kind == "number":
        return q.Group(of=expr(time))
    ends = [re.match(r"\d{4}-\d\d-\d\d", str(e or "")) for e in (time.low, time.high)]
    days = (date.fromisoformat(ends[1][0]) - date.fromisoformat(ends[0][0])).days if ends[0] and ends[1] else 365
    grains: tuple[tuple[int, q.Grain], ...] = ((21, "day"), (120, "week"), (4 * 366, "month"), (12 * 366, "quarter"))
    return q.Group(of=expr(time), grain=next((g for most, g in grains if days <= most), "year"))


def modelled(draft: Draft, base: q.Query) -> q.Query | None:
    """A fitted model: what is predicted, from what, and how it is measured."""
    how, target, features, by = draft.methods, "", list[str](), [g.of for g in base.group_by]
    for ask in draft.asks:
        text, start = ask.clause.text, ask.clause.words[0].start
        aim = lexicon.found("predicts", text)
        on = r"|\bon\b" if aim and aim[0].casefold() == "regression of" else ""
        means = re.search(lexicon.form("by_what") + on, text[aim.end() :] if aim else text, re.I)
        cut = (aim.end() + means.start() if means else len(text)) if aim else 0
        named = [i for i in ask.clause.items if i.code == "C" and (aim or means)]
        places = [ask.clause.words[i.first].start - start for i in named]
        for item, at in zip(named, places, strict=True):
            near = aim is not None and aim.start() <= at <= cut + 2
            if near and not target:
                target = expr(item.column)
            elif not near and not (aim and places[0] < aim.start() and at > cut > 0 and expr(item.column) in by):
                features.append(expr(item.column))  # and not one by which groups are told
    if not target:
        return None
    features += [expr(c) for s in draft.steps if isinstance(s, q.Encode | q.Scale) for c in s.columns]
    column, metrics = draft.named.get(target), tuple(how.metrics)
    few = column is not None and (column.kind in ("text", "bool") or (column.n_unique <= 10 and "accuracy" in metrics))
    if {"mse", "rmse", "mae", "r2"} & {*metrics}:
        metrics = tuple(m for m in metrics if m != "accuracy")  # of a regression, in everyday words
    kind: Any = how.model or ("logistic" if few else "linear")
    classify = kind == "logistic" or (few and "regress" not in draft.question.casefold())
    model = q.Model(
        kind=kind, target=target, features=tuple(f for f in dict.fromkeys(features) if f != target), seed=how.seed,
        task="classification" if classify else "regression", test_size=how.test_size, folds=how.folds,
        stratify=how.stratify, options=how.options, metrics=metrics,
    )  # fmt: skip
    return by_group(given(base, intent="predict", model=model))


def by_group(query: q.Query) -> q.Query:
    """A straight line by one column, with one for each group: its slope and R². Of other models there is but one."""
    if (model := query.model) is None:
        return query
    grouped = tuple(g for g in query.group_by if g.of not in (model.target, *model.features))
    line = model.kind == "linear" and len(model.features) == 1 and not (model.metrics or model.test_size or model.folds)
    lines = tuple(q.Measure(op=op, of=model.target, other=f) for f in model.features for op in ("slope", "r2"))
    told = {"intent": "relate", "model": None, "measures": lines} if grouped and line else {}
    return given(query, group_by=grouped, **told)
