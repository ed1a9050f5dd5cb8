"""Whether what was read is of the kind that a question asks for: a yes or no is no mean, and a time is no list of rows.

However well each word was read, an answer of another kind is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from graphs.questions.query import Condition, Query, Where
from graphs.questions.reader import unread
from graphs.questions.reader.conditions import plain

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft

_BEGIN = r"^\W*(?:(?:and|but|so|then|also|please|in general|overall|on average)\b\W*)*"
_SHORT = 14
"""Words up to which a question has no rules or settings, so that each of its numbers is one of the table's."""
_TURNS = {"nothing", "nobody", "none", "never", "hardly", "neither", "nor", "zero", "twice", "half"}
_PLAIN = ("compute", "list", "rank", "describe", "distribution")
_TIMES = {"time", "hour", "day", "weekday", "date", "week", "month", "quarter", "season", "year", "period", "when"}


def unfit(draft: Draft, queries: Sequence[Query]) -> str:
    """Why no query is of the kind that is asked for; empty where one is."""
    opening = draft.question[: draft.opening]
    for pattern, fits, why in _KINDS:
        if (begins := re.search(_BEGIN + pattern, opening, re.I)) and not any(fits(draft, q) for q in queries):
            return why.format(begins[begins.lastindex or 0].strip().casefold())
    if any(_by_row(draft, q) for q in queries):
        return "Each row would be a group by itself: it is not clear what is to be counted by what."
    if any(m.op == "share" and m.where and _certain(q, m.where) for q in queries for m in q.measures):
        return "It is not clear of which rows a share is asked for."
    if re.search(r"\b(?:or|either|neither|nor)\b", opening, re.I) and any(_crossed(q) for q in queries):
        return "It is not clear which of its conditions must hold together."
    compared = [a.clause.written([i]) for a in draft.asks for i in a.clause.items
                if i.code == "j" and a.clause.words[i.first].start < draft.opening]  # fmt: skip
    if compared and not any(_decides(draft, q) for q in queries):
        return f"It is not clear what is to be compared by “{compared[0]}”."
    return _unsaid(draft, queries) if len(draft.question.split()) <= _SHORT else ""


def _unsaid(draft: Draft, queries: Sequence[Query]) -> str:
    """Why a short question is not answered: it has a name or a number that no query has."""
    unused = [w for q in queries for w in q.unused]
    names = [w for w in unused if (w[:1].isupper() and not draft.question.lstrip().startswith(w)) or w in _TURNS]
    said = " ".join(q.model_dump_json(exclude={"text", "notes", "unused"}) for q in queries)
    numbers = [str(plain(i.means)) for a in draft.asks for i in a.clause.of("N")]
    left = [n for n in numbers if not re.search(rf"\b{re.escape(n)}\b", said)]
    return unread.unknown(names) if names else unread.unclear(left) if left else ""


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


def _named(draft: Draft, query: Query) -> bool:
    """Whether a query tells which rows, groups or values."""
    several = query.group_by or query.show or query.order or len(query.measures) > 1
    return bool(
        several or query.intent not in _PLAIN or any(m.op in ("values", "mode", "count") for m in query.measures)
    )


def _counted(draft: Draft, query: Query) -> bool:
    """Whether a query tells how many there are."""
    counts = any(m.op in ("count", "distinct", "missing", "present", "duplicates") for m in query.measures)
    return counts or query.intent not in ("compute", "list") or query.tell == "number"


def _foretold(draft: Draft, query: Query) -> bool:
    """Whether a query looks ahead of the last day, and not into a time of the table."""
    of_times = [w for w in query.where if isinstance(w, Condition) and w.op == "during"]
    return query.intent in ("forecast", "predict") and not of_times


def _is_no_list(draft: Draft, query: Query) -> bool:
    return query.intent != "list"


def _set_apart(draft: Draft, query: Query) -> bool:
    """Whether a query tells how far two numbers lie apart."""
    return _decides(draft, query) or any(m.op in ("range", "iqr") for m in query.measures)


def _none(draft: Draft, query: Query) -> bool:
    """What no query tells."""
    return query.test is not None or bool(query.verdicts)


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
        r"(?:is|are|was|were|do|does|did|has|have|had) (every|all|each|no|none|nobody|only|both)\b",
        _none,
        "Whether something holds of “{}” of them is not told by a statistic.",
    ),
    (
        r"what (drives|makes|affects|influences|causes|determines|explains|leads)\b",
        _explains,
        "It is not clear what “{}” means in this question.",
    ),
    (r"what (?:did|do|does|have|has)\b", _is_no_list, "It is not clear which figure is asked for."),
    (
        r"(?:what|how|which|who|when|will|where)\b.* ?(?=\bwill\b|\bexpect\b|\bgoing to\b)",
        _foretold,
        "What is to come is asked for, and this would tell of what has been.",
    ),
    (
        r"how many (?:people|persons|customers|orders|of (?:them|us))\b",
        _counted,
        "It is not clear what is to be counted.",
    ),
    (r"(which|who)\b", _named, "It is not clear what is to be told of “{}”."),
    (r".*\b(difference|gap)\b", _set_apart, "It is not clear which {} is meant."),
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


def _crossed(query: Query) -> bool:
    """Whether conditions on several columns must hold together, and none of them is a choice."""
    plain_ones = [w for w in query.where if isinstance(w, Condition)]
    chosen = len(plain_ones) < len(query.where) or any(w.op in ("in", "not in") for w in plain_ones)
    return len({w.left for w in plain_ones}) > 1 and not (chosen or query.group_by)


def _certain(query: Query, share: Sequence[Where]) -> bool:
    """Whether every row that is looked at, or each group as a whole, meets what a share is of."""
    groups = {g.of for g in query.group_by}
    return all(w in query.where or (isinstance(w, Condition) and w.left in groups and w.op == "=") for w in share)


def _by_row(draft: Draft, query: Query) -> bool:
    """Whether rows are counted by what stands in one row each."""
    groups = [draft.named.get(g.of) for g in query.group_by if not g.grain]
    counted = bool(query.measures) and all(m.op == "count" and not m.where for m in query.measures)
    return counted and len(groups) == 1 == len(query.group_by) and groups[0] is not None and groups[0].key
