"""Whether what was read is of the kind that a question asks for: a yes or no is no mean, and a time is no list of rows.

However well each word was read, an answer of another kind is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphs.questions.query import Condition, Query, Where
from graphs.questions.reader import lexicon
from graphs.questions.reader.linking import Column

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft

_PLAIN = ("compute", "list", "rank", "describe", "distribution")


def unfit(draft: Draft, queries: Sequence[Query]) -> str:
    """Why no query is of the kind that is asked for; empty where one is."""
    opening = draft.question[: draft.opening]
    told = set[str]().union(*(_tells(draft, q) for q in queries))
    people = "|".join(sorted(lexicon.some("people", "events")))
    for kind, opens, why in lexicon.section("questions")["kinds"]:
        begins = re.search(lexicon.form("begin") + opens.replace("PEOPLE", people), opening, re.I)
        if begins and kind not in told:
            return str(why).format(begins[begins.lastindex or 0].strip().casefold())
    hours = re.compile(r'"hour \d|"grain":"hour')
    if draft.time and not draft.time.clock and any(hours.search(q.model_dump_json(exclude={"text"})) for q in queries):
        return f"The times of “{draft.time.name}” have no hours."
    gaps = {w.left for q in queries for w in q.where if isinstance(w, Condition) and w.op == "missing"}
    held = {w.left for q in queries for w in q.where if isinstance(w, Condition) and w.op != "missing"}
    if both := sorted(gaps & held):  # what was not paid in March has no day on which it was paid
        return f"Rows without a value of “{both[0].strip('`')}” are meant, which cannot be chosen by it."
    if by := next(filter(None, (_by_row(draft, q) for q in queries)), None):
        return f"Each row has a “{by.name}” of its own: it is not clear what is to be counted by it."
    for query, m in ((q, m) for q in queries for m in q.measures):
        if m.of in [g.of for g in query.group_by if not g.grain] and m.op not in ("count", "share"):
            return f"“{m.of}” is one and the same in each of its own groups: it is not clear what is meant by it."
        of = draft.named.get(m.of or "")
        dates = re.search(r"\b(?:dates?|when|days?|timestamps?)\b", opening, re.I)
        if of and of.kind == "time" and m.op in ("mean", "median", "sum") and not dates:
            return f"“{of.name}” is a time: it is not clear which number is asked for."
        alone = of and not query.group_by and (of.kind == "number" or of.label)
        if m.op == "share" and (alone or (m.where and _certain(draft, query, m.where))):
            return "It is not clear of which rows a share is asked for."
    if re.search(r"\b(?:or|either|neither|nor)\b", opening, re.I) and any(_crossed(q) for q in queries):
        return "It is not clear which of its conditions must hold together."
    compared = [a.clause.written([i]) for a in draft.asks for i in a.clause.items if i.code == "j"]
    compared += re.findall(r"\b(?:versus|vs)\b", opening, re.I)
    if compared and "yes or no" not in told and not queries[1:]:
        return f"It is not clear what is to be compared by “{compared[0]}”."
    return ""


def _tells(draft: Draft, query: Query) -> set[str]:
    """The kinds of what a query tells, as the lexicon's kinds of questions name them."""
    intent, measured, groups = query.intent, {m.op for m in query.measures}, query.group_by
    told = [*(g.of for g in groups), *(m.of for m in query.measures), *query.show, *(o.by for o in query.order)]
    columns = [c for c in draft.columns if c.name in [str(name).strip("`") for name in told]]
    several, times = len(query.measures) > 1, lexicon.some("times")
    decides = bool(
        (intent != "plot" and (intent not in _PLAIN or groups)) or query.verdicts or query.formulas or several
        or measured & {"duplicates", "missing", "skewness", "kurtosis", "correlation"}
    )  # fmt: skip
    kinds = {
        "every": query.test is not None or query.verdicts,
        "reason": intent not in _PLAIN,
        "periods": not measured <= {"count"} or groups or draft.time is None or draft.time.key,
        "amount": bool(groups) or not measured <= {"count"},
        "figure": intent != "list" and measured != {"values"},
        "future": intent in ("forecast", "predict"),
        "number": intent not in ("compute", "list") or query.tell == "number"
        or measured & {"count", "distinct", "missing", "present", "duplicates"},
        "names": groups or query.show or query.order or several or intent not in _PLAIN
        or measured & {"values", "mode", "count"},
        "gap": decides and measured != {"min", "max"},
        "some": decides or (query.where and not measured & {"mean", "median", "sum"}),
        "yes or no": decides,
        "time": any(g.grain for g in groups) or any(c.kind == "time" or times & set(c.words) for c in columns)
        or intent in ("change", "forecast", "plot", "why_changed", "compare"),
        "part": (intent not in ("compute", "list") and (query.limit or 1) == 1) or query.formulas or measured & {"share", "mean"},
    }  # fmt: skip
    return {kind for kind, tells in kinds.items() if tells}


def _crossed(query: Query) -> bool:
    """Whether several conditions must hold together, and none of them is a choice."""
    single = [w for w in query.where if isinstance(w, Condition) and w.op not in ("in", "not in")]
    return 1 < len(single) == len(query.where)


def _certain(draft: Draft, query: Query, share: Sequence[Where]) -> bool:
    """Whether every row that is looked at, or each group as a whole, meets what a share is of."""
    groups, own = {g.of for g in query.group_by}, [w for w in share if isinstance(w, Condition)]
    every = [w for w in own if w.op == "in" and isinstance(w.right, tuple) and w.left in draft.named
             and len(w.right) == draft.named[w.left].n_unique]  # fmt: skip
    return all(w in query.where or w in every or (w in own and w.left in groups and w.op == "=") for w in share)


def _by_row(draft: Draft, query: Query) -> Column | None:
    """By which column rows are counted that have a value of it each; of days their periods, where nothing else is a row."""
    counted = bool(query.measures) and all(m.op == "count" and not m.where for m in query.measures)
    by = draft.named.get(query.group_by[0].of) if counted and len(query.group_by) == 1 else None
    if by is None or not by.key:
        return None
    events = by.clock or query.where or any(c.key and (c.label or c.kind == "text") for c in draft.columns)
    return None if query.group_by[0].grain and events else by
