"""A fragment that changes the query before it: "only females", "as a median", "and the lowest?", "is that significant?"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from graphs.questions.query import Chart, Compare, Condition, Measure, Order, Query, RemoveOutliers, Test, given, simple
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.intents import by_group, chart_kind, over
from graphs.questions.reader.times import before

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft


POINTS = re.compile(
    r"\b(?:they|them|their|(?:those|these)(?! (?:who|that|which|with\w*|in|from|on|at|over)\b))\b", re.I
)
"""Words for rows of which a question before told."""


def pointing(draft: Draft) -> str:
    """The word by which a question means rows that it does not name itself: how many of those are late."""
    said = POINTS.search(draft.question[: draft.opening])
    before = draft.question[: said.start()] if said else ""
    items = ((a.clause, i) for a in draft.asks for i in a.clause.items if i.code in "ECVTU")
    named = [clause.written([i]) for clause, i in items if i.code != "C" or i.column.kind == "text"]
    if re.match(r"\W*(?:and|or|but)\b", draft.question, re.I) and not any(
        set("qhSdvMR") & {*a.codes} for a in draft.asks
    ):
        return draft.question.split()[0]
    return "" if said is None or any(re.search(rf"\b{re.escape(n)}\b", before, re.I) for n in named) else said[0]


def of_those(query: Query, previous: Query) -> Query | None:
    """A query of the rows that the one before told of; None where these were a few of them, or groups."""
    if previous.limit or previous.having or previous.outliers or previous.model or previous.compare:
        return None
    (met, *others) = previous.measures or (Measure(op="count"),)
    own = met.where if met.op in ("share", "count") and not others else ()
    steps = (s for s in query.prepare if s not in previous.prepare)
    where = dict.fromkeys((*previous.where, *own, *query.where))
    return given(query, where=tuple(where), prepare=(*previous.prepare, *steps))


def follow(draft: Draft, previous: Query) -> Query | None:
    """The last query with what the fragment says in place of its own; None where the question stands by itself."""
    said, asks, spoken = draft.base(), draft.asks, draft.spoken()
    stats = [s.split() for a in asks for s in a.stats]
    kinds, items = {k for a in asks for k in a.kinds}, [i for a in asks for i in a.clause.items]
    codes = {i.code for i in items}
    whole = codes & set("dvh") or said.group_by or stats or len(spoken) > 1  # what about age?
    if (spoken and whole) or any(a.counts or a.relation for a in asks) or kinds & set("OFAL"):
        return None
    named = [c for c in (draft.named.get(g.of) for g in said.group_by[:1]) if c and c.kind == "number"]
    by, of = named if previous.order else [], tuple(draft.plain([m.of for m in previous.measures if m.of][:1]))
    same = given(previous, text=said.text, unused=said.unused, notes=said.notes)
    steps = (given(s, columns=s.columns or of) if isinstance(s, RemoveOutliers) else s
             for s in said.prepare)  # fmt: skip
    left = [w.left for w in simple(said.where)]
    kept = (w for w in previous.where if not (isinstance(w, Condition) and w.left in left))
    query = given(same, where=(*kept, *said.where), prepare=(*previous.prepare, *steps))
    if said.group_by and not by:
        query = _grouped(query, said)
    if "X" in kinds and draft.time is not None:  # over time
        query = given(query, intent="change", group_by=said.group_by or (over(draft.time),), order=(), limit=None)
    for column in (c for c in [*by, *spoken[:1]] if c.kind == "number"):  # the top 3 by quantity
        query = remeasured(query, of=expr(column))
    for op, *p in stats[:1]:
        query = _shares(query) if op == "share" else remeasured(query, op=op, p=float(p[0]) if p else None)
    ends = [(a.end, a.limit or 1) for a in asks if a.end] or [(i.means.split()[0], 1) for i in items if i.code == "M"]
    if ends and not query.order and [m.op for m in query.measures] in (["min"], ["max"]):
        query = remeasured(query, op=ends[0][0])  # the best, and the worst
    elif ends and (query.order or (query.group_by and len(query.measures) == 1)):
        by_what = query.order[0].by if query.order else query.measures[0].name or query.measures[0].op
        order = (Order(by=by_what, descending=ends[0][0] == "max"),)
        in_order = re.search(r"\bfirst\W*$|\bfrom\b.* to\b", draft.question, re.I)  # highest first: all of them
        limit, intent = None if in_order else ends[0][1], query.intent if query.order else "rank"
        query = given(query, intent=intent, order=order, limit=limit)
    if "g" in kinds:
        if query.group_by[:1] != previous.group_by[:1] and all(g.grain for g in query.group_by):
            query = given(query, group_by=(*query.group_by, *(g for g in previous.group_by[:1] if not g.grain)))
        x, colour = [*(g.of for g in query.group_by[:2]), None, None][:2]  # a line for each group, along the times
        query = given(query, intent="plot", chart=Chart(kind=chart_kind(draft.question), x=x, colour=colour))
    if re.search(r"\bsignifican|\bby chance\b", draft.question, re.I):
        query = _tested(query)
    if "W" in kinds:
        query = _explained(query, draft)
    again = bool(stats) and any(m.op == stats[0][0] for m in query.measures)  # "as a median", of a median
    return query if again or query != same else None


def remeasured(query: Query, **new: Any) -> Query:
    """The query with another statistic, or another column, of its measures; its order follows."""
    measures, order = list[Measure](), query.order
    for m in query.measures:
        if not m.other and (m.of or "of" in new):
            op = new.get("op") or ("mean" if m.op in ("count", "distinct", "share") else m.op)
            order = tuple(given(o, by=op) if o.by in (m.name, m.op) else o for o in order)
            m = m.model_copy(update={**new, "op": op, "where": () if m.op == "share" else m.where, "name": ""})
        measures.append(m)
    return given(query, measures=tuple(measures), order=order)


def _grouped(query: Query, said: Query) -> Query:
    """Other groups of the same query, each told whole. In a chart they stand along the axis, or colour points."""
    of, chart = [g.of for g in said.group_by], query.chart
    if chart is not None and chart.kind == "scatter":
        return given(query, chart=given(chart, colour=of[0]))
    chart = chart and given(chart, x=of[0], colour=of[1] if of[1:] else None)
    where = tuple(w for w in query.where if not (isinstance(w, Condition) and w.left in of and w.op in ("=", "in")))
    return by_group(given(query, group_by=said.group_by, where=where, chart=chart))


def _shares(query: Query) -> Query:
    """Each group's part of the rows, or of the sum."""
    parts = tuple(Measure(op="share", of=m.of if m.op == "sum" else None) for m in query.measures)
    fit = query.group_by and all(m.op in ("count", "sum") for m in query.measures)
    return given(query, measures=parts, order=(), limit=None) if fit else query


def _tested(query: Query) -> Query:
    """Whether chance alone could give the differences or the relation that was told."""
    if any(m.other for m in query.measures):
        return given(query, measures=tuple(given(m, with_p=True) for m in query.measures))
    abouts: dict[str, Any] = {"mean": "means", "median": "medians", "share": "independence"}
    for m in query.measures if len(query.measures) == 1 and query.group_by and not query.group_by[0].grain else ():
        of = m.of or next((w.left for w in simple(m.where)), None)
        if of and m.op in abouts:
            test, values = Test(about=abouts[m.op]), (Measure(op="values", of=of),)
            groups = query.group_by[:1]
            return given(query, intent="test", test=test, measures=values, order=(), limit=None, group_by=groups)
    return query


def _explained(query: Query, draft: Draft) -> Query:
    """What a change is made of, where times were compared; else what the measure depends on."""
    numbers = tuple(m for m in query.measures if m.of and not m.other)[:1]
    during = simple(query.where, "during")[:1]
    earlier = [(w.left, str(w.right), before(str(w.right))) for w in during]
    compare = query.compare or next((Compare(of=of, first=a, second=b) for of, a, b in earlier if b), None)
    plain = given(query, measures=numbers, group_by=(), order=(), limit=None)
    if not numbers:
        return query
    if draft.time is None or (compare is None and query.intent != "change"):
        return given(plain, intent="drivers")
    rest = tuple(w for w in query.where if w not in during)
    return given(plain, intent="why_changed", compare=compare, where=rest, time=draft.time.name)
