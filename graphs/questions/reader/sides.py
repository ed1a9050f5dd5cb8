"""The sides of a comparison: a group and the others, two values of a column, two times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphs.questions.query import IN_A_ROW, Condition, Operator, Recode, simple
from graphs.questions.reader import lexicon
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.items import Clause, Item, use
from graphs.questions.reader.text import name_words, stem
from graphs.questions.reader.times import GRAINS, OTHERS, before, begins, kind_of, latest, timed

if TYPE_CHECKING:
    from graphs.questions.reader.asking import Ask


def against(ask: Ask, earlier: Sequence[Ask]) -> None:
    """A group against the others, which may have been named in a clause before, the fare of first and third class, and
    "do returned orders take longer": both sides are told, not one of them."""
    clause, codes = ask.clause, ask.codes
    compares = lexicon.found("against", clause.text)
    rest = re.search(lexicon.form("rest") + r"(?:(?: of)?(?: the)? (\w+))?", clause.text, re.I)
    when = [w for w in simple(ask.where, "during") if kind_of(str(w.right)) in GRAINS]
    named = [(a, w) for a in earlier for w in simple(a.where, "during")]
    if compares and len(when) == len(named) == 1 and kind_of(str(named[0][1].right)) == kind_of(str(when[0].right)):
        whose, now = named[0]  # and how does that compare with the year before
        ask.where.remove(when[0])
        whose.where.remove(now)
        return _set_against(whose, str(now.right), str(when[0].right))
    if _more_often(ask):
        return
    counts = "jV" in codes and "C" not in codes and len(ask.where) == 2  # more complaints on Mondays
    ask.counts = ask.counts or (counts and len(when) == 1)
    sided = (rest and compares) or re.match("d.*j", clause.shape)
    alone = len(when) == 1 and (counts or len(ask.where) == 1) and sided and not re.match("[Sh]j", ask.codes)
    grew = len(when) == 1 and re.match("d(?!.*X).*Y", clause.shape) and not ask.periods[0]
    grew = grew and str(when[0].right)[:1].isalpha()
    dated = [w for w in simple(ask.where, "during") if before(str(w.right))]
    if len(dated) == 1 and re.match("d.*Y", clause.shape) and not (ask.groups or ask.periods[0]):
        then, time = before(str(dated[0].right)), ask.known.time
        if time is not None and str(time.low)[:7] <= begins(then):  # did it go up in 2022: against the year before
            ask.where.remove(dated[0])
            ask.periods = (str(dated[0].right), then)
            return
    ask.counts = ask.counts or bool(grew and "V" in ask.codes and "C" not in ask.codes)
    if (alone or grew) and not ask.groups:
        return _of_its_kind(ask, when[0])
    if rest and compares:
        said = [(a, w) for a in (*earlier, ask) for w in simple(a.where, "=", "in")]
        chosen = [(a, w) for a, w in said if isinstance(w.right, (str, tuple))]
        chosen = [(a, w) for a, w in chosen if a is ask] or chosen
        noun = stem((rest[1] or "").casefold())
        named = [(a, w) for a, w in chosen if noun in {stem(x) for x in name_words(w.left)} or len(chosen) == 1]
        for whose, condition in named[:1]:
            clause.mark(rest.start(), rest.end())
            _set_apart(ask, whose, condition)
        return
    if ask.groups or ask.kinds & set("AFLW"):
        return
    own = [w for w in simple(ask.where, "=", "!=", "in") if not timed(w)]
    several = [w for w in own if w.op == "in" or len({x.op for x in own if x.left == w.left}) > 1]  # smokers and others
    averaged = {i.means for i in clause.items if i.code == "S"} & {"mean", "median"} and " or " not in clause.text
    apart = averaged or compares or re.search("[ZYjJ]|[bK][dwoi]*[CE]?V", ask.codes)
    if several and apart:  # of two classes tells neither
        ask.divide(several[0].left, clause.of("jb"))
        ask.where = [w for w in ask.where if w not in several or several[0].op == "in"]
    elif own and (clause.says(lexicon.form("without")) or ("j" in clause.shape and re.match("[ac]*(?:d|S?j)", codes))):
        flags = [expr(i.column) for i in clause.items if i.code == "C" and i.column.kind == "bool"]
        subject = next((w for w in own if w.left in flags), own[0])
        known = any(w.left == subject.left for a in earlier for w in simple(a.where))
        if known and subject.left not in flags:  # and how does it compare with that of the others: both are groups
            ask.kinds.add("j")
            use(clause.of("j"))
        elif len(own) == 1 or subject.left in flags:
            _set_apart(ask, ask, subject)


def _more_often(ask: Ask) -> bool:
    """Whether it is asked of whom something is true more often: are listed buildings refused more often, are they more
    likely to be. Who stands first is the group, and what is said of them the share."""
    clause = ask.clause
    said = re.match("d[wdi]*([CV])[vdi]*(?:jS[id]*|j)?[vd]*(V)[aioj]*$", ask.codes)
    often = re.search(r"\b(?:more|less) (?:often|frequently)\b", clause.text, re.I)
    if not said or ask.groups or not (often or "share" in [i.means for i in clause.of("S")]):
        return False
    whom, what = clause.items[said.start(1)], clause.items[said.start(2)]
    column, outcome = whom.column if whom.code == "C" else whom.means[0], what.means[0]
    own = {w.left: w for w in simple(ask.where, "=", "in")}
    if column == outcome or expr(outcome) not in own or not (whom.code == "V" or column.kind == "bool"):
        return False
    ask.share, ask.stats = [own[expr(outcome)]], ["share"]
    ask.where.remove(own[expr(outcome)])
    if whom.code == "V" and expr(column) in own:
        _set_apart(ask, ask, own[expr(column)])
    else:
        ask.divide(expr(column))
    use(clause.of("jS"), [whom, what])
    if rest := lexicon.found("rest", clause.text):
        clause.mark(rest.start(), rest.end())
    return True


def _set_apart(ask: Ask, whose: Ask, condition: Condition) -> None:
    """Have the rows that meet a condition be one group of several, all else another where it is told so."""
    whose.where.remove(condition)
    than = [i for i in ask.clause.of("K") if re.search(r"\bthan$", ask.clause.written([i]))]
    whose.divide(condition.left, than, [i for i in ask.clause.of("j") if i.means == "more"])  # the answer says which
    values = [str(v) for v in (condition.right if isinstance(condition.right, tuple) else (condition.right,))]
    for item in (i for i in whose.clause.items if i.code == "V" and expr(i.means[0]) == condition.left):
        if str(item.means[1]) not in values:
            continue  # it is told as one of the others, if it is told at all
        item.code, item.means = "C", item.means[0]  # the value stands for its column
        if item.means.n_unique > len(values) + 1:
            pairs = tuple((v, " or ".join(values)) for v in values)
            ask.steps = [Recode(column=item.means.name, values=pairs, other="others")]


def _of_its_kind(ask: Ask, when: Condition) -> None:
    """Have a period be told with the others of its kind: Mondays with all other days of the week."""
    ask.where.remove(when)
    ask.counts = ask.counts or any(i.means == "count" for i in ask.clause.of("j"))
    use([i for i in ask.clause.of("j") if i.means == "more"])
    if (other := OTHERS.get(str(when.right))) and not (ask.counts and other == "weekday 0-4"):
        ask.periods = (str(when.right), other)
    else:
        ask.divide(when.left, grain=GRAINS[kind_of(str(when.right))])


def hints(item: Item) -> str:
    """The dimensions that an adjective speaks of."""
    said = str(item.means)
    return said.removeprefix("more").strip() if item.code == "j" else said.partition(" ")[2]


def noun(clause: Clause, item: Item) -> bool:
    """Whether a column of yes and no names those who are: smokers, returned orders."""
    at, word = clause.items.index(item), clause.words[item.last].low
    before, behind = clause.items[:at][-1:], clause.items[at + 1 : at + 2]
    verb = item.first and clause.words[item.first - 1].low == "to"
    plural = word.endswith("s") and not word.endswith("ss") and not verb
    plural = plural and not (before and before[0].code in "EVC")
    after = clause.words[item.last + 1 : item.last + 2]  # cancelled lessons, cancelled race lessons
    of_what = word.endswith("ed") and after and after[0].content and after[0].low not in lexicon.some("stop")
    of_what = of_what and (not behind or behind[0].first > item.last + 1 or behind[0].code == "V")
    rows = any(i.code == "E" or (i.code == "C" and i.column.label) for i in behind)
    return plural or bool(of_what) or rows or stem(word) in lexicon.some("people")


def periods(ask: Ask) -> None:
    """Two times that are set against each other; or one, "better than last year", and that in which the table ends."""
    clause, time = ask.clause, ask.known.time
    built = [c for c in ask.known.columns if c.kind == "number" and "year" in c.words and c != time]
    for _, older, year in clause.find("(K)(T)"):
        said = clause.written(older).split()[0].casefold()
        if said not in ("older", "newer", "younger"):
            continue
        if built and year[0].means.isdigit():
            op: Operator = "<" if said == "older" else ">"
            ask.where.append(Condition(left=expr(built[0]), op=op, right=int(year[0].means)))
            use(older, year)
        else:
            older[0].code = "U"  # no time of the rows
    for found, part, first, _, again, second in clause.find("(T)(T)([aioj]+|K)(T)(T)"):
        if time is not None and part[0].means == again[0].means and not part[0].means[:1].isdigit():
            ask.where.append(Condition(left=expr(time), op="during", right=part[0].means))  # summer 2024 to summer 2025
            _set_against(ask, second[0].means, first[0].means)
            use(found)
    for found, _, first, joined, second in clause.find("([bKio]?)(T)([aiojw]+|K|)(T)"):
        than = clause.words[second[0].first - 1].low == "than"
        if clause.written(joined) == "of" or not (joined or than):
            continue  # the second half of 2024
        turns = set("Yj") & set(clause.shape) and not any(g.grain in IN_A_ROW for g in ask.groups)  # month after month
        sides = (first[0].means, second[0].means)
        opposite = OTHERS.get(sides[0]) == sides[1] or OTHERS.get(sides[1]) == sides[0]
        if than or turns or opposite or lexicon.found("against", clause.written(joined)):
            _set_against(ask, first[0].means, second[0].means)
            use(found)
    for _, more, there in clause.find("([jKY])[^TCEVN]*(T)"):
        than = "than" in (clause.words[more[0].last].low, clause.words[there[0].first - 1].low)
        if not than or time is None or "time" in more[0].means.split() or ask.periods[0]:
            continue
        (now, _), then = latest(there[0].means, str(time.high)), there[0].means
        earlier = [i for i in clause.of("T") if i.last < more[0].first and kind_of(i.means) == kind_of(then)]
        if earlier and earlier[0].means != then:  # was 2024 a worse year than 2022
            ask.periods = (earlier[0].means, then)
            use(earlier, more, there)
            continue
        then = before(now) if now == then else then
        if then < now:
            clause.notes.append(f"{now} is set against {then}, as the data end on {str(time.high)[:10]}.")
            ask.periods = (now, then)
            use(more, there)


def _set_against(ask: Ask, now: str, then: str) -> None:
    """Have two periods be compared; this month and the last, which are one where it is whole."""
    ask.periods = (now, before(now) if now == then else then)
