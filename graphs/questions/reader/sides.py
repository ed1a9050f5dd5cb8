"""The sides of a comparison: a group and the others, or sets of a column's values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphs.questions.query import Condition, Group, Keep, Recode
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.items import Clause
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import name_words, stem

if TYPE_CHECKING:
    from graphs.questions.reader.asking import Ask

AGAINST = r"\b(?:compar\w*|versus|vs|than(?! (?:\d|an?\b|half\b))|differ\w*|against|unlike|also)\b"
_REST = r"\b(?:(?:all |the )?others?|(?:the )?rest|(?:the )?remaining|elsewhere)\b"


def against(clause: Clause, ask: Ask, earlier: Sequence[Ask]) -> None:
    """A group against the others, which may have been named in a clause before, and "do returned orders take longer":
    both sides are told, not one of them."""
    said = [(a, w) for a in (*earlier, ask) for w in a.where if isinstance(w, Condition)]
    chosen = [(a, w) for a, w in said if w.op in ("=", "in") and isinstance(w.right, (str, tuple))]
    chosen = [(a, w) for a, w in chosen if a is ask] or chosen
    rest = re.search(_REST + r"(?:(?: of)?(?: the)? (\w+))?", clause.text, re.I)
    if rest and re.search(AGAINST, clause.text, re.I):
        noun = stem((rest[1] or "").casefold())
        named = [(a, w) for a, w in chosen if noun in {stem(x) for x in name_words(w.left)}]
        if not named and len(chosen) == 1:
            named = chosen
        for whose, condition in named[:1]:
            whose.where.remove(condition)
            whose.groups.append(Group(of=condition.left))
            whose.kinds.add("j")
            clause.mark(rest.start(), rest.end())
            values = [str(v) for v in (condition.right if isinstance(condition.right, tuple) else [condition.right])]
            for item in whose.clause.items:  # the value stands for its column
                if item.code == "V" and expr(item.means[0]) == condition.left:
                    item.code, item.means = "C", item.means[0]
                    if item.means.n_unique > len(values) + 1:
                        ask.steps = [_set(item.means, [values], "others")]
            return
    if not ask.groups and re.search(AGAINST, clause.text, re.I):  # the fare of first and third class
        numbered = [w for a, w in said if a is ask and w.op == "in" and any(i.code in "N1" for i in clause.items)]
        for condition in numbered[:1]:
            ask.groups.append(Group(of=condition.left))
            ask.kinds.add("j")
    flags = [w for w in ask.where if isinstance(w, Condition) and w.op in ("=", "!=")]
    asks = clause.items and clause.items[0].code == "d" and "j" in clause.shape and "KN" not in clause.shape
    if asks and not ask.groups and len(ask.where) == len(flags) == 1:
        ask.where, ask.groups = [], [Group(of=flags[0].left)]
        ask.kinds.add("j")


def _set(column: Column, sets: Sequence[Sequence[str]], other: str | None = None) -> Recode:
    """Several values of a column as one, and all that are not named as another."""
    pairs = tuple((value, " or ".join(some)) for some in sets for value in some)
    return Recode(column=column.name, values=pairs, other=other)


def sets_of(clause: Clause, ask: Ask) -> None:
    """Cash or card against invoice: two sides, of which one is made of several values."""
    for where in [w for w in ask.where if isinstance(w, Condition) and w.op == "in"]:
        items = [i for i in clause.items if i.code == "V" and expr(i.means[0]) == where.left]
        at = [n for n, i in enumerate(clause.items) if re.fullmatch(AGAINST, clause.written([i]), re.I)]
        sets = [[i.means[1] for i in items if (clause.items.index(i) > n) == late] for n in at[:1] for late in (0, 1)]
        joined = any(i.means == "or" for i in clause.items if i.code == "a")
        if joined and sets and all(sets) and sum(map(len, sets)) > 2:
            ask.where.remove(where)
            ask.kinds.add("j")
            ask.groups += [] if where.left in [g.of for g in ask.groups] else [Group(of=where.left)]
            ask.steps += [Keep(where=(where,)), _set(items[0].means[0], sets)]
