"""Periods that a table has in part only: they are not held against whole ones."""

from __future__ import annotations

import re

from graphs.questions.query import Condition, Query
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.linking import Column
from graphs.questions.reader.times import begins, latest, timed


def in_whole(query: Query, time: Column | None) -> Query:
    """The query with a comparison of years in the months that both have, and no lowest period that is not whole."""
    ends = [str(e)[:10] for e in (time.low, time.high)] if time is not None else []
    if time is None or not all(re.fullmatch(r"\d{4}-\d\d-\d\d", e) for e in ends):
        return query
    compare, of = query.compare, expr(time)
    if compare is not None and compare.of == of:
        last, months = latest(compare.first, ends[1])
        if not months or last != max(compare.first, compare.second) or any(map(timed, query.where)):
            return query
        note = f"The data end on {ends[1]}: of both years, only the months {months.removeprefix('month ')} count."
        where = [Condition(left=of, op="during", right=months)]
    else:
        grain = next((g.grain for g in query.group_by if g.of == of), None)
        lowest = query.limit is not None and query.order and not query.order[0].descending
        if not lowest or grain not in ("year", "quarter", "month") or {m.op for m in query.measures} - {"count", "sum"}:
            return query
        first, last = (_period(end, grain) for end in ends)
        where = [Condition(left=of, op=">", right=first)] * (begins(first) != ends[0][:7] or int(ends[0][8:]) > 3)
        whole = not latest(last, ends[1])[1] if grain == "year" else latest(last, ends[1])[0]
        where += [Condition(left=of, op="<", right=last)] * (not whole)
        if not where:
            return query
        note = f"The rows reach from {ends[0]} to {ends[1]}: a {grain} that is not whole is left out."
    return query.model_copy(update={"where": (*query.where, *where), "notes": (*query.notes, note)})


def _period(day: str, grain: str) -> str:
    """The year, quarter or month in which a day lies."""
    quarter = f"{day[:4]}-Q{(int(day[5:7]) + 2) // 3}"
    return {"year": day[:4], "quarter": quarter}.get(grain, day[:7])
