"""A short question read by what its words can be, in whatever order they stand.

Every item of one sentence has a part in it: what is computed, of which rows, and what is set against what. Values,
numbers and times say which rows; what is left is measured or compared, and the form of the question tells which. There
is a query only where each item has found its part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from graphs.questions.query import Condition, Formula, Group, Measure, Order, Query, Recode, Verdict, Where
from graphs.questions.reader import conditions, intents, lexicon, sides
from graphs.questions.reader.asking import Ask
from graphs.questions.reader.conditions import Known, expr
from graphs.questions.reader.items import Clause, Item, use
from graphs.questions.reader.text import stem
from graphs.questions.reader.times import GRAINS, kind_of

_MANY = ("more", "less", "fewer", "most", "the most", "fewest", "the fewest", "least", "the least")


@dataclass
class Slots:
    """One sentence, and the parts that its items have found."""

    clause: Clause
    known: Known
    where: list[Where] = field(default_factory=list)
    sides: list[Group] = field(default_factory=list)
    steps: list[Recode] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Item]:
        """The columns of these kinds that have no part yet, numbers that only name something left out."""
        return [i for i in self.clause.of("C") if i.column.kind in kinds and not i.column.label]


def read(clause: Clause, known: Known) -> Query | None:
    """The query of a sentence, or None where an item of it has no part."""
    if not clause.items:
        return None
    slots, ask = Slots(clause, known), Ask(clause, known)
    rows = [i for _, more, what in clause.find("([jM])([EVC])") if what[0].code != "C" or what[0].column.kind == "bool"
            for i in more if what[0].code != "C" or _noun(clause, what[0])]  # fmt: skip
    many = any(clause.written([i]).casefold() in _MANY for i in rows)  # more men, not more often
    if clause.words[0].low == "who" and set("MS") & set(clause.shape):
        return None  # the one who has it, and not how much that is
    tail = re.search("w[dai]*$", clause.shape)
    if tail and clause.written([clause.items[tail.start()]]).casefold() in ("when", "if", "where", "while"):
        return None  # when something happened: of that nothing is read
    for item, behind in zip(clause.items, [*clause.items[1:], None], strict=True):
        written = clause.written([item]).casefold()
        if item.code == "K" and written.endswith(" than") and not (behind and behind.code in "NTS1#"):
            item.code, item.means = "j", item.means.partition(" ")[2] or "more"  # more than women, not than 30
        if item.code == "S" and written == "how much" and behind and behind.code == "j":
            item.used = True  # how much more: what the difference is
        if item.code == "J" and written.startswith("differ"):
            item.code, item.means = "B", "differ"
    verdicts = _threshold(slots)
    conditions.rows.read(ask)
    slots.where, slots.notes = conditions.apart(ask.where), clause.notes
    ranked = _ranked(slots)
    many = many or bool(ranked and not slots.of("number", "bool") and not _hint(ranked[2]))
    compares, trend = bool(clause.of("j")), clause.of("Y") if known.time is not None and not clause.of("T") else []
    _set_apart(slots, compares)
    grouped = _groups(slots)
    related = _related(slots) if compares and not slots.sides else None
    made = related or _part(slots) or _measure(slots, bool(compares or grouped or ranked or trend), many)
    if made is None:
        return None
    for item in slots.of("bool"):  # who cancelled: what is left says which rows
        slots.where.append(_yes(slots, item))
    use(clause.of("dvaciowEzpqh"), clause.of("j") if slots.sides or related else [], trend)
    if clause.shape.strip(".") or (compares and not (slots.sides or related)):
        return None
    measures, formulas = made
    if formulas:
        measures = [measures[0].model_copy(update={"where": tuple(slots.where)}), *measures[1:]]
        slots.where = []
    over = [intents.over(known.time)] if trend and known.time is not None else []
    flag = [Group(of=m.other) for m in measures if m.op == "mean" and m.other]  # whether the older ones survive
    measures = [m.model_copy(update={"other": None}) if flag else m for m in measures]
    intent: Any = "compare" if slots.sides or any(i.means == "differ" for i in clause.items) else "compute"
    query = Query(
        intent="relate" if related else "change" if over else "rank" if ranked else intent, text=clause.text,
        prepare=tuple(slots.steps), where=tuple(dict.fromkeys(slots.where)), measures=tuple(measures),
        group_by=tuple(dict.fromkeys([*over, *flag, *ranked[:1], *slots.sides, *grouped])), formulas=tuple(formulas),
        verdicts=verdicts, notes=tuple(dict.fromkeys(slots.notes)),
    )  # fmt: skip
    if not ranked:
        return query
    order = (Order(by=measures[0].op, descending=ranked[1] == "max"),)
    return query.model_copy(update={"order": order, "limit": 1})


def _threshold(slots: Slots) -> tuple[Verdict, ...]:
    """Is the average fee above 12: a statistic that is held against a number."""
    clause = slots.clause
    found = next(clause.find("^d(S)[oi]*C[^KN]*(K)(N)$"), None)
    if found is None or found[1][0].means not in _OPS or (sign := found[2][0].means) not in ("<", "<=", ">", ">="):
        return ()
    use(found[2], found[3])
    rule = f"{found[1][0].means} {sign} {conditions.plain(found[3][0].means)}"
    return (Verdict(when=rule, then="yes"), Verdict(then="no"))


def _related(slots: Slots) -> tuple[list[Measure], list[Formula]] | None:
    """Do older people pay more, do bigger orders get bigger tips: how two columns go together."""
    clause, known, pays = slots.clause, slots.known, _pays(slots.clause)
    meant = [i.column for i in slots.of("number", "bool")]
    for item, behind in zip(clause.items, [*clause.items[1:], None], strict=True):
        if item.code == "j" and (hint := _hint(item)) and not (behind and behind.code == "C"):
            noun = stem(clause.words[behind.last].low) if behind and "size" in hint.split() else ""
            sized = [c for c in known.columns if noun in c.stems and c.kind == "number" and not c.label]
            column = known.hinted(hint) or (sized[0] if len(sized) == 1 else None)
            if column is None:
                return None
            meant.append(column)
    if pays and (money := known.hinted("spending")) is not None:
        meant.append(money)
    both = list(dict.fromkeys(meant))
    flags, numbers = ([c for c in both if c.kind == kind] for kind in ("bool", "number"))
    if len(both) != 2 or not numbers:
        return None
    use(slots.of("number", "bool"), pays, [i for i in clause.of("S") if i.means == "share" and flags])
    slots.notes.append("Each row counts once.")
    op: Any = "mean" if flags else "correlation"
    return [Measure(op=op, of=expr(numbers[0]), other=expr((flags or numbers[1:])[0]))], []


def _set_apart(slots: Slots, compares: bool) -> None:
    """The sides of a comparison: two values of a column, one value and all others, or those who are something and those
    who are not."""
    clause = slots.clause
    averaged = {"mean", "median"} & {i.means for i in clause.of("S")} and " or " not in clause.text
    if not compares and not (averaged and any(isinstance(w, Condition) and w.op == "in" for w in slots.where)):
        return  # an average of two classes tells neither
    equal = [w for w in slots.where if isinstance(w, Condition) and w.op in ("=", "in") and not _timed(slots, w)]
    several = [w for w in equal if w.op == "in" or [x.left for x in equal].count(w.left) > 1]
    when = [w for w in slots.where if isinstance(w, Condition) and w.op == "during" and kind_of(str(w.right)) in GRAINS]
    if compares and len(when) == len(slots.where) == 1:  # are Mondays worse for no-shows
        slots.where, slots.sides = [], [sides.of_its_kind(when[0])]
        return
    subject = next((i for i in slots.of("bool") if _noun(clause, i)), None)
    flags, others = slots.of("bool"), slots.of("number") or [i for i in clause.of("j") if _hint(i) not in ("", "count")]
    if len(flags) == 1 and len(equal) == 1 and not (others or _pays(clause)):
        subject = None  # complaints are more common in snow
    if several:
        left = several[0].left
        if [w for w in several if w.left != left]:
            return
        levels = [v for w in several for v in (w.right if isinstance(w.right, tuple) else (w.right,))]
        slots.where = [w for w in slots.where if w not in several]
        column = next((c for c in slots.known.columns if expr(c) == left), None)
        if column is None or len(levels) < column.n_unique:
            slots.where.append(Condition(left=left, op="in", right=tuple(levels)))
        slots.sides = [Group(of=left)]
    elif subject is not None:
        same = [i for i in slots.of("bool") if i.column == subject.column]  # smokers and non-smokers
        use(same, [i for i in clause.of("n") if any(_before(clause, s) == i for s in same)])
        slots.sides = [Group(of=expr(subject.column))]
        slots.notes.append(f"“{clause.written([subject])}” are the rows where {subject.column.name} is "
                           f"{subject.column.yes}; they are set against the others.")  # fmt: skip
    elif len(equal) == 1:
        (one,) = equal
        slots.where.remove(one)
        slots.sides = [Group(of=one.left)]
        column = next((c for c in slots.known.columns if expr(c) == one.left), None)
        if column is not None and column.n_unique > 2:
            slots.steps = [Recode(column=column.name, values=((str(one.right), str(one.right)),), other="others")]
    if slots.sides:
        use([i for i in clause.of("K") if clause.written([i]).casefold().endswith(" than")])


def _part(slots: Slots) -> tuple[list[Measure], list[Formula]] | None:
    """The share of an amount: what smokers pay of all charges."""
    found = next(slots.clause.find("(S)o?(C)"), None)
    if found is None or found[1][0].means != "share" or found[2][0].column.kind != "number":
        return None
    column = found[2][0].column
    use(found[1], [i for i in slots.of("number") if i.column == column])
    sums = [Measure(op="sum", of=expr(column), name=name) for name in ("part", "whole")]
    return sums, [Formula(name="share in per cent", expr="100 * part / whole")]


def _ranked(slots: Slots) -> tuple[Group, str, Item] | tuple[()]:
    """The column of words whose highest or lowest is asked for, and which of the ends: our fastest courier."""
    clause = slots.clause
    for shape in ("(q)(C)(?=.*(M))", "(q).*?(?=(M))M(C)", "(q)(C)(?=.*(j))"):
        for _, which, one, two in clause.find(shape):
            named, most = (one, two) if one[0].code == "C" else (two, one)
            if most[0].code == "j":  # which of them pays more
                less = clause.written(most).casefold() in ("less", "fewer", "lower", "smaller", "worse")
                most[0].means = f"{'min' if less else 'max'} {_hint(most[0])}".strip()
            column = named[0].column
            classes = column.kind == "text" or column.divides or column.words[-1] in ("year", "month", "week", "day")
            if classes and not column.key:
                end, _, hint = most[0].means.partition(" ")
                senses = [slots.known.sense(hint, i.column) for i in slots.of("number", "bool")]
                senses = senses or [slots.known.sense(hint, slots.known.hinted(hint))]
                sense = next(filter(None, senses), "")
                if "quality" in hint and not sense:
                    return ()  # whether more of it is better is not known
                turned = sense[:1] == "-"
                most[0].code, most[0].means = "j", hint or "more"
                use(which, named, most)
                return Group(of=expr(column)), {"max": "min", "min": "max"}[end] if turned else end, most[0]
    return ()


def _measure(slots: Slots, compares: bool, many: bool) -> tuple[list[Measure], list[Formula]] | None:
    """What is computed: what a statistic, "how many" or an adjective names, or the only column that is left."""
    clause, stats, count = slots.clause, slots.clause.of("S"), slots.clause.of("h")
    ends, flags, numbers = clause.of("M"), slots.of("bool"), slots.of("number")
    if clause.words[0].low == "compare" and slots.sides and not (stats or count or numbers or flags):
        return [Measure(op="count"), *_described(slots)], []
    if len(stats) + len(count) + len(ends) > 1 or len({i.column for i in numbers}) > 1:
        return None
    if not numbers and (count or many):
        return [Measure(op="count")], []
    if ends and not _hint(ends[0]) and not next(clause.find("(M)[oi]*C"), None):
        return None
    hints = [h for i in clause.items if i.code in "jM" and (h := _hint(i)) and h != "count"]
    if flags and re.search(r"[jK].*i\.?$", "".join(i.code for i in clause.items[: clause.items.index(flags[0])])):
        hints = []  # worse for cancellations
    pays = _pays(clause)
    hinted = next((c for h in hints if (c := slots.known.hinted(h))), None)
    money = slots.known.hinted("spending") if pays else None
    column = numbers[0].column if numbers else hinted or money
    share = bool(stats) and stats[0].means == "share"
    if column is not None and column.kind == "number" and not share and not count:
        if hints and hinted not in (None, column):
            return None
        use(numbers, stats, pays, ends)
        op: Any = (stats or ends)[0].means.split()[0] if stats or ends else ""
        if op in _OPS:
            return [Measure(op=op, of=expr(column))], []
        sided = slots.sides and not re.search(r"\bcompar", clause.text, re.I)
        trend = any(i.code == "Y" for i in clause.items)
        each = bool(sided or intents.EACH.search(clause.text)) and not trend
        return ([intents.usual(column, slots.notes, each, clause.text)], []) if compares and not op else None
    if len(flags) == 1 and (share or compares) and not ends:
        use(stats)
        return [Measure(op="share", where=(_yes(slots, flags[0]),))], []
    there = re.search(r"\b(?:there|any|anyone|anybody|have we|we have|we had)\b", clause.text, re.I)
    bare = not (numbers or stats or compares or ends or count)
    return ([Measure(op="count")], []) if bare and there and clause.shape[:1] in ("d", "w") else None


def _described(slots: Slots) -> list[Measure]:
    """What tells two sides apart at a glance: the means of the numbers, and the shares of those who say yes."""
    sides = [g.of for g in slots.sides]
    columns = [c for c in slots.known.columns if not c.label and c.dtype != "new" and expr(c) not in sides]
    means = [Measure(op="mean", of=expr(c)) for c in columns if c.kind == "number"]
    yes = [Condition(left=expr(c), op="=", right=c.yes) for c in columns if c.kind == "bool"]
    return [*means, *(Measure(op="share", where=(w,), name=w.left.strip("`")) for w in yes)][:6]


_OPS = ("mean", "median", "sum", "min", "max", "std")


def _groups(slots: Slots) -> list[Group]:
    """By which columns of words the measure is told: those behind "by", "between" or "across"."""
    found = []
    for item in slots.of("text"):
        before = [w.low for w in slots.clause.words[max(0, item.first - 3) : item.first]]
        if {"by", "between", "across", "among"} & set(before):
            found.append(Group(of=expr(item.column)))
            use([item], slots.clause.of("BZ"))
    return found


def _noun(clause: Clause, item: Item) -> bool:
    """Whether a column of yes and no names those who are: smokers, returned orders."""
    word, behind = clause.words[item.last].low, [i for i in clause.items if i.first == item.last + 1]
    before, verb = _before(clause, item), clause.words[item.first - 1].low == "to" if item.first else False
    plural = (
        word.endswith("s") and not word.endswith("ss") and not verb and (before is None or before.code not in "EVC")
    )
    return plural or bool(behind and behind[0].code == "E") or stem(word) in lexicon.some("people")


def _hint(item: Item) -> str:
    """The dimensions that an adjective speaks of."""
    if item.code == "j":
        return str(item.means).removeprefix("more").strip()
    return str(item.means).partition(" ")[2]


def _pays(clause: Clause) -> list[Item]:
    """The verbs of money: what people pay or spend."""
    return [
        i for i in clause.of("U") if {w.stem for w in clause.words[i.first : i.last + 1]} <= lexicon.says("spending")
    ]


def _timed(slots: Slots, where: Condition) -> bool:
    return slots.known.time is not None and where.left == expr(slots.known.time)


def _yes(slots: Slots, item: Item) -> Condition:
    """What a column of yes and no says of the rows, or denies behind "not"."""
    before = _before(slots.clause, item)
    no = before is not None and before.code == "n"
    use([item], [before] if before is not None and no else [])
    return Condition(left=expr(item.column), op="!=" if no else "=", right=item.column.yes)


def _before(clause: Clause, item: Item) -> Item | None:
    """The item before another."""
    at = next(n for n, i in enumerate(clause.items) if i is item)
    return clause.items[at - 1] if at else None
