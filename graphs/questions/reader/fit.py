"""Whether what was read is of the kind that a question asks for: a yes or no is no mean, and a time is no list of rows.

However well each word was read, an answer of another kind is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from graphs.questions.query import Condition, Query, Where

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft

_BEGIN = r"^\W*(?:(?:and|but|so|then|also|please|in general|overall|on average)\b\W*)*"
_PLAIN = ("compute", "list", "rank", "describe", "distribution")
_TIMES = {"time", "hour", "day", "weekday", "date", "week", "month", "quarter", "season", "year", "period", "when"}


def unfit(draft: Draft, queries: Sequence[Query]) -> str:
    """Why no query is of the kind that is asked for; empty where one is."""
    opening = draft.question[: draft.opening]
    for pattern, fits, why in _KINDS:
        if (said := re.search(_BEGIN + pattern, opening, re.I)) and not any(fits(draft, q) for q in queries):
            return why.format(said[said.lastindex or 0].strip().casefold())
    if any(_by_row(draft, q) for q in queries):
        return "Each row would be a group by itself: it is not clear what is to be counted by what."
    if any(m.op == "share" and m.where and _certain(q, m.where) for q in queries for m in q.measures):
        return "It is not clear of which rows a share is asked for."
    compared = [a.clause.written([i]) for a in draft.asks for i in a.clause.items
                if i.code == "j" and a.clause.words[i.first].start < draft.opening]  # fmt: skip
    if compared and not any(_decides(draft, q) for q in queries):
        return f"It is not clear what is to be compared by “{compared[0]}”."
    return ""


def _decides(draft: Draft, query: Query) -> bool:
    """Whether a query tells a yes from a no: it sets something against something else."""
    measured = {m.op for m in query.measures}
    return bool(
        query.intent not in _PLAIN
        or query.compare
        or (query.group_by and query.intent != "list")
        or query.having
        or query.verdicts
        or query.formulas
        or any(m.other for m in query.measures)
        or len(query.measures) > 1
        or measured & {"duplicates", "missing", "skewness", "kurtosis"}
    )


def _there(draft: Draft, query: Query) -> bool:
    """Whether a query tells if there is something."""
    return _decides(draft, query) or bool(query.where) or query.intent == "list"


def _timed(draft: Draft, query: Query) -> bool:
    """Whether a query tells a time."""
    told = [*(g.of for g in query.group_by), *(m.of for m in query.measures), *query.show, *(o.by for o in query.order)]
    columns = [c for c in draft.columns if c.name in [str(name).strip("`") for name in told]]
    return (
        any(g.grain for g in query.group_by)
        or any(c.kind == "time" or set(c.words) & _TIMES for c in columns)
        or query.intent in ("change", "forecast", "plot", "why_changed", "compare")
    )


def _explains(draft: Draft, query: Query) -> bool:
    return query.intent not in _PLAIN


def _part(draft: Draft, query: Query) -> bool:
    """Whether a query tells a part of a whole."""
    return query.intent not in ("compute", "list") or bool(query.formulas) or any(
        m.op in ("share", "mean") for m in query.measures
    )  # fmt: skip


type _Fits = Callable[[Draft, Query], bool]

_KINDS: tuple[tuple[str, _Fits, str], ...] = (
    (
        r"(?:is|are|was|were|do|does|did|has|have|had)\b(?=.*\b(?:there|any|anyone|anybody|ever)\b)",
        _there,
        "A yes or no is asked for, and it is not clear of what.",
    ),
    (
        r"(?:is|are|was|were|do|does|did|has|have|had)\b(?!.*\b(?:there|any|anyone|anybody|ever)\b)",
        _decides,
        "A yes or no is asked for, and it is not clear what is to be compared with what.",
    ),
    (
        rf"(?:at|on|in|during)?\s*(when|(?:what|which) (?:{'|'.join(sorted(_TIMES))})s?)\b(?! columns?\b)",
        _timed,
        "A time is asked for, and it is not clear what “{}” means in this question.",
    ),
    (r"(why)\b", _explains, "A reason is asked for, and it is not clear for what."),
    (
        r"(?:what|which) (share|percentage|percent|proportion|fraction)\b",
        _part,
        "A {} is asked for, and it is not clear of what.",
    ),
)
"""How a question of a kind begins, which queries tell it, and what is said where none does."""


def _certain(query: Query, share: Sequence[Where]) -> bool:
    """Whether every row that is looked at, or each group as a whole, meets what a share is of."""
    groups = {g.of for g in query.group_by}
    return all(w in query.where or (isinstance(w, Condition) and w.left in groups and w.op == "=") for w in share)


def _by_row(draft: Draft, query: Query) -> bool:
    """Whether rows are counted by what stands in one row each."""
    groups = [draft.named.get(g.of) for g in query.group_by if not g.grain]
    counted = bool(query.measures) and all(m.op == "count" and not m.where for m in query.measures)
    return counted and len(groups) == 1 == len(query.group_by) and groups[0] is not None and groups[0].key
