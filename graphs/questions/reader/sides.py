"""The sides of a comparison: a group and the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphs.questions.query import Condition, Group, Recode
from graphs.questions.reader.conditions import Items, expr
from graphs.questions.reader.items import Clause, use
from graphs.questions.reader.text import name_words, stem
from graphs.questions.reader.times import GRAINS, OTHERS, before, kind_of, latest

if TYPE_CHECKING:
    from graphs.questions.reader.asking import Ask

AGAINST = r"\b(?:compar\w*|versus|vs|than(?! (?:\d|an?\b|half\b))|differ\w*|against|unlike|also)\b"
_REST = r"\b(?:(?:all |the )?others?|(?:the )?rest|(?:the )?remaining|elsewhere)\b"


def against(clause: Clause, ask: Ask, earlier: Sequence[Ask]) -> None:
    """A group against the others, which may have been named in a clause before, the fare of first and third class, and
    "do returned orders take longer": both sides are told, not one of them."""
    said = [(a, w) for a in (*earlier, ask) for w in a.where if isinstance(w, Condition)]
    chosen = [(a, w) for a, w in said if w.op in ("=", "in") and isinstance(w.right, (str, tuple))]
    chosen = [(a, w) for a, w in chosen if a is ask] or chosen
    compares = re.search(AGAINST, clause.text, re.I)
    rest = re.search(_REST + r"(?:(?: of)?(?: the)? (\w+))?", clause.text, re.I)
    if rest and compares:
        noun = stem((rest[1] or "").casefold())
        named = [(a, w) for a, w in chosen if noun in {stem(x) for x in name_words(w.left)} or len(chosen) == 1]
        for whose, condition in named[:1]:
            _set_against(whose, condition)
            use([i for i in clause.of("j") if i.means == "more"])  # the answer says which side is higher
            use([i for i in clause.of("K") if re.search(r"\bthan$", clause.written([i]))])
            clause.mark(rest.start(), rest.end())
            right = condition.right if isinstance(condition.right, tuple) else (condition.right,)
            values = [str(v) for v in right]
            for item in (i for i in whose.clause.items if i.code == "V" and expr(i.means[0]) == condition.left):
                item.code, item.means = "C", item.means[0]  # the value stands for its column
                if item.means.n_unique > len(values) + 1:
                    pairs = tuple((v, " or ".join(values)) for v in values)
                    ask.steps = [Recode(column=item.means.name, values=pairs, other="others")]
            return
    own = [w for a, w in said if a is ask]
    when = [w for w in own if w.op == "during" and kind_of(str(w.right)) in GRAINS]
    grew = re.match("d.*Y", clause.shape) and kind_of(str(when[0].right)) != "7" if when else False
    alone = len(own) == 1 and ((rest and compares) or re.match("d.*j", clause.shape))
    if len(when) == 1 and not ask.groups and (alone or grew):
        ask.where.remove(when[0])
        ask.counts = ask.counts or any(i.means == "count" for i in clause.of("j"))
        if (other := OTHERS.get(str(when[0].right))) and not (ask.counts and other == "weekday 0-4"):
            ask.periods = (str(when[0].right), other)
        else:
            ask.groups.append(of_its_kind(when[0]))
            ask.kinds.add("j")
        return
    several = [w for w in own if w.op == "in"]
    levels = {i.means for i in clause.items if i.code == "S"} & {"mean", "median"} and " or " not in clause.text
    apart = levels or (compares and any(i.code in "N1" for i in clause.items))
    flags = [w for w in own if w.op in ("=", "!=")]
    asks = clause.items and clause.items[0].code == "d" and "j" in clause.shape and "KN" not in clause.shape
    if not ask.groups and apart and several:  # an average of two classes tells neither
        ask.groups.append(Group(of=several[0].left))
        ask.kinds.add("j")
    elif asks and not ask.groups and len(ask.where) == len(flags) == 1:
        _set_against(ask, flags[0])


def _set_against(ask: Ask, condition: Condition) -> None:
    """Have the rows that meet a condition be one group of several."""
    ask.where.remove(condition)
    ask.groups.append(Group(of=condition.left))
    ask.kinds.add("j")


def of_its_kind(when: Condition) -> Group:
    """The groups by which a period is told with the others of its kind: Mondays with all other days of the week."""
    return Group(of=when.left, grain=GRAINS[kind_of(str(when.right))])


def periods(ask: Ask, between: Items, first: Items, joined: Items, second: Items) -> bool:
    """Two times that are set against each other."""
    than = ask.clause.written(joined).endswith("than")
    against = re.search(AGAINST, ask.clause.written(joined), re.I)
    compares = than or bool(set("Yj") & set(ask.clause.shape) or against)
    return compares and _of_both(ask, first[0].means, second[0].means, than)


def than(ask: Ask, more: Items, there: Items) -> bool:
    """Better than last year: that, and the period in which the table ends."""
    clause, time, then = ask.clause, ask.known.time, there[0].means
    than = "than" in (clause.words[more[0].last].low, clause.words[there[0].first - 1].low)
    if not than or time is None or "time" in more[0].means.split() or ask.periods[0]:
        return False
    now, _ = latest(then, str(time.high))
    then = before(now) if now == then else then
    clause.notes += [f"{now} is set against {then}, as the data end on {str(time.high)[:10]}."] * (then < now)
    return then < now and _of_both(ask, now, then, True)


def _of_both(ask: Ask, now: str, then: str, fair: bool) -> bool:
    """Have two periods be compared: where one is a year that the table does not have in whole, the months that it has."""
    time, ask.periods = ask.known.time, (now, then)
    whole, months = latest(now, str(time.high)) if time is not None else ("", "")
    if time is not None and fair and months and whole == now:
        ask.where.append(Condition(left=expr(time), op="during", right=months))
        ask.clause.notes.append(f"Of both years, only the months {months.removeprefix('month ')} count.")
    return True
