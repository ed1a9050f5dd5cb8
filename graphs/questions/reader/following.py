"""A fragment that changes the query before it: "only females", "as a median", "and the lowest?", "is that significant?"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from graphs.questions.query import Chart, Compare, Condition, Group, Measure, Order, Query, RemoveOutliers, Test
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.intents import before, given, over
from graphs.questions.reader.parts import by_group

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft


def follow(draft: Draft, previous: Query) -> Query | None:
    """The last query as the fragment changes it; None where the question stands by itself."""
    base, asks, spoken = draft.base(), draft.asks, draft.spoken()
    stats = [s.split() for a in asks for s in a.stats]
    kinds, items = {k for a in asks for k in a.kinds}, [i for a in asks for i in a.clause.items]
    codes = {i.code for i in items}
    whole = codes & set("dvh") or base.group_by or stats or len(spoken) > 1  # what about age?
    if (spoken and whole) or any(a.counts or a.relation for a in asks) or kinds & set("OFAL"):
        return None
    same = changed = given(previous, text=base.text, unused=base.unused, notes=base.notes)
    if base.where:
        said = {w.left for w in base.where if isinstance(w, Condition)}
        kept = [w for w in changed.where if not (isinstance(w, Condition) and w.left in said)]
        changed = given(changed, where=(*kept, *base.where))
    if base.prepare:
        of = tuple(draft.plain([m.of for m in previous.measures if m.of][:1]))
        steps = [s.model_copy(update={"columns": s.columns or of}) if isinstance(s, RemoveOutliers) else s
                 for s in base.prepare]  # fmt: skip
        changed = given(changed, prepare=(*changed.prepare, *steps))
    by = draft.named.get(base.group_by[0].of) if base.group_by and changed.order else None
    if by is not None and by.kind == "number":  # the top 3 by quantity
        changed = remeasured(changed, of=expr(by))
    elif base.group_by:
        changed = by_group(_grouped(base.group_by, changed))
    if "X" in kinds and draft.time is not None:  # over time
        changed = given(changed, intent="change", group_by=base.group_by or (over(draft.time),), order=(), limit=None)
    if spoken and spoken[0].kind == "number":
        changed = remeasured(changed, of=expr(spoken[0]))
    if stats:
        op, *p = stats[0]
        changed = _shares(changed) if op == "share" else remeasured(changed, op=op, p=float(p[0]) if p else None)
    if (method := draft.methods.correlation) != "pearson":
        changed = given(changed, measures=tuple(m.model_copy(update={"method": method}) for m in changed.measures))
    if "r" in codes:
        changed = _turned(changed)
    ends = [(a.end, a.limit or 1) for a in asks if a.end] or [(i.means.split()[0], 1) for i in items if i.code == "M"]
    if ends:
        all_of_them = re.search(r"\bfirst\W*$|\bfrom\b.* to\b", draft.question, re.I)  # highest first
        changed = _ordered(changed, ends[0][0] == "max", None if all_of_them else ends[0][1])
    if "g" in kinds:
        across = changed.group_by[0].of if changed.group_by else None
        changed = given(changed, intent="plot", chart=Chart(x=across))
    if re.search(r"\bsignifican|\bby chance\b", draft.question, re.I):
        changed = _tested(changed)
    if "W" in kinds:
        changed = _explained(changed, draft)
    again = bool(stats) and any(m.op == stats[0][0] for m in changed.measures)  # "as a median", of a median
    return changed if again or changed != same else None


def remeasured(query: Query, **new: Any) -> Query:
    """The query with another statistic, or another column, of its measures; its order follows."""
    measures, order = list[Measure](), query.order
    for m in query.measures:
        if m.other or (not m.of and "of" not in new):
            measures.append(m)
            continue
        new["op"] = new.get("op") or ("mean" if m.op in ("count", "distinct", "share") else m.op)
        one = m.model_copy(update={**new, "where": () if m.op == "share" else m.where, "name": ""})
        order = tuple(o.model_copy(update={"by": one.op}) if o.by in (m.name, m.op) else o for o in order)
        measures.append(one)
    return given(query, measures=tuple(measures), order=order)


def _grouped(groups: tuple[Group, ...], query: Query) -> Query:
    """Other groups of the same query, each told whole. In a chart they stand along the axis, or colour points."""
    of, chart = [g.of for g in groups], query.chart
    where = tuple(w for w in query.where if not (isinstance(w, Condition) and w.left in of and w.op in ("=", "in")))
    if chart is not None and chart.kind == "scatter":
        return given(query, chart=chart.model_copy(update={"colour": of[0]}))
    if chart is not None:
        chart = chart.model_copy(update={"x": of[0], "colour": of[1] if of[1:] else None})
    return given(query, group_by=groups, where=where, chart=chart)


def _shares(query: Query) -> Query:
    """Each group's part of the rows, or of the sum."""
    parts = tuple(Measure(op="share", of=m.of if m.op == "sum" else None) for m in query.measures)
    fit = query.group_by and all(m.op in ("count", "sum") for m in query.measures)
    return given(query, measures=parts, order=(), limit=None) if fit else query


def _turned(query: Query) -> Query:
    """The other end of an order, or two columns in each other's place."""
    if (chart := query.chart) is not None and chart.kind == "scatter" and chart.x and len(chart.y) == 1:
        return given(query, chart=chart.model_copy(update={"x": chart.y[0], "y": (chart.x,)}))
    pairs = tuple(m.model_copy(update={"of": m.other, "other": m.of}) if m.other else m for m in query.measures)
    order = tuple(Order(by=o.by, descending=not o.descending) for o in query.order)
    return given(query, order=order, measures=pairs, group_by=query.group_by if order else query.group_by[::-1])


def _ordered(query: Query, descending: bool, limit: int | None) -> Query:
    """The first or last of the query's groups or rows; all in that order without a limit."""
    if query.order:
        return given(query, order=(Order(by=query.order[0].by, descending=descending),), limit=limit)
    if not query.group_by or len(query.measures) != 1:
        return query
    (m,) = query.measures
    return given(query, intent="rank", order=(Order(by=m.name or m.op, descending=descending),), limit=limit)


def _tested(query: Query) -> Query:
    """Whether chance alone could give the differences or the relation that was told."""
    if any(m.other for m in query.measures):
        return given(query, measures=tuple(m.model_copy(update={"with_p": True}) for m in query.measures))
    (m, *more) = query.measures or (None,)
    if m is None or more or not query.group_by or query.group_by[0].grain or m.op not in ("mean", "median", "share"):
        return query
    about: Any = {"mean": "means", "median": "medians"}.get(m.op, "independence")
    of = m.of or next((w.left for w in m.where if isinstance(w, Condition)), None)
    tested: dict[str, Any] = {"intent": "test", "test": Test(about=about), "measures": (Measure(op="values", of=of),)}
    return given(query, **tested, order=(), limit=None, group_by=query.group_by[:1]) if of else query


def _explained(query: Query, draft: Draft) -> Query:
    """What a change is made of, where times were compared; else what the measure depends on."""
    numbers = tuple(m for m in query.measures if m.of and not m.other)[:1]
    during = next((w for w in query.where if isinstance(w, Condition) and w.op == "during"), None)
    compare = query.compare
    if compare is None and during is not None and (earlier := before(str(during.right))):
        compare = Compare(of=during.left, first=str(during.right), second=earlier)
    plain = given(query, measures=numbers, group_by=(), order=(), limit=None)
    if not numbers:
        return query
    if draft.time is None or (compare is None and query.intent != "change"):
        return given(plain, intent="drivers")
    rest = tuple(w for w in query.where if w != during)
    return given(plain, intent="why_changed", compare=compare, where=rest, time=draft.time.name)
