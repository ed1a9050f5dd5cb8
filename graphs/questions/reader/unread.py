"""What a question says and no query has: words that are told as unused, and those without which it is not answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from graphs.questions.query import Query
from graphs.questions.reader import intents, lexicon
from graphs.questions.reader.asking import Ask
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.items import Clause, Item
from graphs.questions.reader.linking import Column

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft

_FIT = {"count", "distinct", "missing", "present", "mode", "value", "values", "first", "last", "duplicates", "share"}
_TOLD = r"C_|CEw?_|(?<![wn])_C|UB_"
"""Where an unread word only says more of a column: "the fare paid", "the trading volume", "caused by"."""
_MEANT = r"(?:[EVSC]d?[oi]+|[wnBqM]|ho?|[SRD]o?|KN|[EVh]|[EVSCNT]o?i)_|_E"
"""Where it says which rows, groups or columns are meant: behind "by", "who", "in", a statistic, or a noun."""


def unread(clause: Clause, opening: bool, stepped: bool) -> Iterator[tuple[str, bool]]:
    """The words that nothing has read, each with whether it would change what is meant."""
    codes = "".join(i.code for i in clause.items)
    for n, item in enumerate(clause.items):
        word, follows = clause.written([item]), codes[n + 1 :]
        if (
            item.code not in "UQKVTbkjmn#1"
            or item.used
            or (stepped and word.casefold() in ("left", "remaining", "remain"))
        ):
            continue
        timed = item.code == "b" or "time" in str(item.means)
        silent = {
            "1": not re.match("[ac]*[TG]", follows),  # the first quarter, the first Monday, and not "first, find"
            "j": word.casefold() not in ("higher", "lower", "better", "worse"),
            "n": not opening or not re.match("[idwohSv]*[CEVUQT]", follows),
            "m": not opening or not re.search("[dn]$", codes[:n]),
            "K": not follows or follows[0] not in ("NT" if timed else "NTCUV"),
            "b": not follows or follows[0] not in "NT",
        }
        if not silent.get(item.code, False):
            yield word, _changes(re.sub("U+$", "", codes[:n]).rstrip("d"), follows.lstrip("U"), clause, item)


def _changes(before: str, after: str, clause: Clause, item: Item) -> bool:
    """Whether an unread word stands where it would change which rows, columns or groups are meant."""
    word, shape = clause.words[item.first], f"{before}_{after}"
    if item.code in "QKVTbkjmn#1" or word.low in ("twice", "double", "half", "first", "last"):
        return True
    if item.first and clause.words[item.first - 1].low == "how":
        return True  # "how long is the average visit", where no column is a length
    numbers = {i.first for i in clause.items if i.code == "C" and i.column.kind == "number"}
    behind = clause.items[clause.items.index(item) + 2 :][:1]  # "sells the most energy": the verb says no more
    if (after[:1] == "M" and not (behind and behind[0].first in numbers)) or (
        after[:1] == "S" and re.search(r"\brates?\b", clause.text, re.I)
    ):
        return True  # "which region sold the most", "the rejection rate"
    if word.low.endswith("ly") and item is clause.items[-1]:
        return True  # "which region sold the most recently"
    near = clause.items[clause.items.index(item) - 1 :][:3]  # German customers, customers who complained
    if any(i.code == "C" and i.column.label for i in near):
        return True
    if re.search(_TOLD, shape) or (re.search("[EC]_K?[TN]", shape) and word.low.endswith("ed")):
        return False  # "orders placed after June"
    return bool(re.search(_MEANT, shape)) or (before[-1:] == "i" and word.text[:1].isupper())


def dropped(draft: Draft, queries: Sequence[Query]) -> list[str]:
    """The columns, values, times and numbers that the question names and none of its queries has."""
    told = [q.model_dump(mode="json", exclude={"text", "notes", "unused"}) for q in queries]
    for step in (s for q in told for s in q["prepare"] if s["do"] in ("derive", "cut")):
        del step["name"]  # a column that is made, and of which nothing is computed
    said = json.dumps(told, ensure_ascii=False)
    asks = [a for a in draft.asks if a not in draft.left]
    return list(dict.fromkeys(
        ask.clause.written([item]) for ask in asks for n, item in enumerate(ask.clause.items)
        if ask.clause.words[item.first].start < draft.opening and not _kept(draft, ask, n, queries, said)
    ))  # fmt: skip


def _kept(draft: Draft, ask: Ask, n: int, queries: Sequence[Query], said: str) -> bool:
    """Whether the queries have what an item means; `said` is their text."""
    item, items = ask.clause.items[n], ask.clause.items
    if item.code == "j" and item.means != "more":
        column = draft.hinted(item.means.partition("> ")[2] or item.means)
        return column is None or column.name in said
    if item.code == "C":
        named = any(c.name in said for c in (item.column, *item.also))
        known = item.column.key or item.column in draft.counted or _of_its_own(draft, item.column, queries)
        whose = ask.over is not None or (n and items[n - 1].code == "V")  # what drivers pay per kWh, fleet drivers
        pays = whose and item.column.words[-1] == "id"
        typed = ask.counts and ask.clause.typed(item)
        return known or named or pays or typed or _participle(ask.clause, item)
    if item.code == "U":
        return item.used or not ask.share  # a verb that is not read says which share
    if item.code == "V":
        grouped = any(g.of == expr(item.means[0]) for q in queries for g in q.group_by)
        return grouped or str(item.means[1]) in said
    if item.code == "T":
        return str(item.means) in said
    if item.code == "M":
        ends = {"min", "max", "mode"}
        ordered = [
            q.order or q.intent in ("rank", "outliers", "predict") or {m.op for m in q.measures} & ends for q in queries
        ]
        return any(ordered)
    return item.code != "N" or item.used or not n or items[n - 1].code != "K"


def _of_its_own(draft: Draft, column: Column, queries: Sequence[Query]) -> bool:
    """Whether all that is computed belongs to the file where each of these stands once: the age of customers."""
    files = {c.file for c in draft.columns if c.label and c.key and c.name == column.name}
    of = [m.of for q in queries for m in q.measures]
    return bool(files) and all(any(c.file in files and expr(c) == o for c in draft.columns) for o in of)


def _participle(clause: Clause, item: Item) -> bool:
    """Whether a column of times stands there as a verb ("hired", of hire_date), which says nothing more of the rows."""
    word, column = clause.words[item.last].low, item.column
    return column.kind == "time" and not column.missing and word.endswith("ed") and word not in column.words


def labels(draft: Draft, queries: Sequence[Query]) -> list[str]:
    """The columns that only name rows, and of which a query would compute more than their number."""
    of = [m.of for q in queries for m in q.measures if m.of and m.op not in _FIT]
    return [draft.named[c].name for c in of if c in draft.named and draft.named[c].label]


@cache
def _known() -> frozenset[str]:
    """The phrases of the lexicon, which no column needs to hold."""
    return frozenset(" ".join(phrase) for phrase in lexicon.phrases()[0])


def unclear(words: Sequence[str]) -> str:
    """The sentence that names what is known, and not how it belongs to what is asked."""
    listed = " and ".join(f"“{w}”" for w in words)
    return f"It is not clear what {listed} {'mean' if words[1:] else 'means'} in this question."


def unknown(words: Sequence[str]) -> str:
    """The sentence that names what no column is called or holds."""
    if not any(w[:1].isupper() or w.casefold() not in _known() for w in words):
        return unclear(list(dict.fromkeys(words)))
    return f"No column is called or holds {' or '.join(f'“{w}”' for w in dict.fromkeys(words))}."


def recent(period: str, time: Column | None) -> str:
    """The day after which "the last two years" of a table begin; empty where that cannot be said."""
    told = re.fullmatch(
        r"(?:\w+ (?:the )?)?(?:last|past|recent)(?: (\w+))? (day|week|month|quarter|year)s?", period, re.I
    )
    ends = (
        re.match(r"(\d{4})-(\d\d)-(\d\d)", str(time.high or "")) if time is not None and time.kind == "time" else None
    )
    if told is None or ends is None:
        return ""
    many = intents.number(told[1])
    if told[2] in ("day", "week"):
        last = date(int(ends[1]), int(ends[2]), int(ends[3]))
        return str(last - timedelta(days=many * (7 if told[2] == "week" else 1)))
    months = int(ends[1]) * 12 + int(ends[2]) - 1 - many * {"month": 1, "quarter": 3, "year": 12}[told[2]]
    return f"{months // 12}-{months % 12 + 1:02d}-{min(int(ends[3]), 28):02d}"
