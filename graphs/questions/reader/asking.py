"""What a clause asks for: each of its items gets a part in it, by what it can be and what it stands beside.

An item is the end of an order, a group, a condition, a side of a comparison, one of two columns that go together, a
statistic, or what is measured. The parts are given in this order, and what has one is read; what is left is measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from graphs.questions.query import Condition, Grain, Group, Step, Where
from graphs.questions.reader import conditions, grouping, lexicon, made, measuring, sides
from graphs.questions.reader.conditions import Items, Known, expr
from graphs.questions.reader.items import Clause, Item, use
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import root, stem


@dataclass
class Ask:
    """One clause's request, before requests are put together."""

    clause: Clause
    known: Known
    stats: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    apart: list[tuple[list[str], list[str]]] = field(default_factory=list)  # statistics with columns of their own
    pairs: list[tuple[str, str]] = field(default_factory=list)
    relation: str = ""
    counts: bool = False
    groups: list[Group] = field(default_factory=list)
    where: list[Where] = field(default_factory=list)
    share: list[Where] = field(default_factory=list)
    end: str = ""  # "max" or "min", where the first or last are asked for
    of: Column | None = None  # what is named: which country
    names: bool = False
    by: Column | None = None
    sorts: str = ""  # "max" or "min": which of all the groups or rows is told first
    sorted_by: Column | None = None
    limit: int | None = None
    among: bool = False  # what goes with one column: all the others
    per: Column | None = None  # the average revenue per customer, who has several rows
    over: Column | None = None  # the cost per kWh, of which each row has some
    each: bool = False  # of each row by itself
    having: list[Condition] = field(default_factory=list)
    shown: list[Column] = field(default_factory=list)  # that a list tells of each row
    numbered: bool = False  # how many of these groups there are
    steps: list[Step] = field(default_factory=list)  # that make the sides of a comparison
    periods: tuple[str, str] = ("", "")  # two times that are set against each other
    kinds: set[str] = field(default_factory=set)  # letters of what else the clause speaks of

    def divide(self, of: str, *read: Sequence[Item], grain: Grain | None = None) -> None:
        """Have what is asked be told of each side, and items be read."""
        self.groups.append(Group(of=of, grain=grain))
        self.kinds.add("j")
        use(*read)

    @property
    def empty(self) -> bool:
        """Whether nothing is asked here."""
        return not (self.stats or self.relation or self.counts or self.end or self.kinds - {"H"})

    @property
    def codes(self) -> str:
        """The letters of the clause's items, read or not."""
        return "".join(i.code for i in self.clause.items)


def read(clause: Clause, known: Known, earlier: Sequence[Ask]) -> Ask:
    """What a clause asks for; the items that say so are read. `earlier`: what the clauses before it ask for."""
    ask = Ask(clause, known)
    _reworded(ask)
    ask.kinds |= {i.code for i in clause.of("OHFALDWYXg")}
    _ordered(ask)
    grouping.read(ask)
    sides.periods(ask)
    conditions.read(ask)
    grouping.above(ask)
    measuring.flagged(ask)
    sides.against(ask, earlier)
    measuring.related(ask)
    measuring.measured(ask)
    measuring.counted(ask)
    measuring.share(ask)
    flags = [i for i in clause.items if i.code == "C" and not i.sure and i.column.kind == "bool"]
    clause.notes += [f"“{clause.written([i])}” is read as “{i.column.name}”." for i in flags]
    told = [i.means for i in clause.items if i.code == "C"]
    for item in (i for i in clause.items if i.code == "C" and i.also and not set(i.also) & set(told)):
        others = " or ".join(f"“{c.name}”" for c in item.also)
        clause.notes.append(f"“{clause.written([item])}” is read as “{item.column.name}”; it may also mean {others}.")
    use(clause.of("OHFALDWYXgqahoiwdcvpz"))
    return ask


def _reworded(ask: Ask) -> None:
    """Items that stand for others where they stand: the same in all species, which of them pays more, why do they leave."""
    clause = ask.clause
    for _, verb, by, way in clause.find("(?<=.)([UvE])B(C)([MU]?)1?$"):
        if clause.words[verb[0].first].low in ("sorted", "ordered") and by[0].means is not None:
            down = way and (way[0].code == "M" or clause.written(way).casefold().startswith("desc"))
            ask.sorts, ask.sorted_by = "max" if down else "min", by[0].column  # sorted by date
            clause.items = [i for i in clause.items if i.last < verb[0].first]
    for _, edge, first in clause.find("(?<=.)(M)(1)$"):
        if clause.written(first).casefold() == "first":  # by breed, highest first
            ask.sorts = edge[0].means.split()[0]
            clause.items = clause.items[:-2]
    if re.match("Sd+V", ask.codes) and clause.written(clause.items[:1]).casefold() == "how often":
        clause.items[0].code, clause.items[0].means = "h", "count"  # how often was Blue Fork inspected
    if ask.codes[:1] == "q" and clause.words[0].low == "when" and ask.known.time is not None:
        for place in (i for i in clause.of("1U") if clause.written([i]).casefold() in ("first", "last")):
            ask.stats, ask.columns = ["min" if place.code == "1" else "max"], [expr(ask.known.time)]
            use([clause.items[0], place], clause.of("E"))  # when was the last order
    for _, one, unlike, other in clause.find("(V)[^VK]*(K)(V)"):
        if unlike[0].means == "!=" and one[0].means[0] == other[0].means[0]:
            unlike[0].code, unlike[0].means = "j", "more"  # is that of caffeine different from that of water
    times = [c for c in ask.known.columns if c.kind == "time"]
    for _, verb, than, when in clause.find("(V)(K)(C)"):  # paid after the due date, where one tells when it was paid
        own = [c for c in times if root(clause.words[verb[0].last].low) in map(root, c.words)]
        if own and "time" in than[0].means and when[0].column.kind == "time":
            verb[0].code, verb[0].means = "C", own[0]
    stats = {i.means for i in clause.of("S")}
    money = None if set("hjwM") & set(ask.codes) or stats & {"duplicates", "missing"} else ask.known.amount()
    spent = lexicon.says("sales") if "sum" in stats else {"sales"}  # are sales going up, how much did Ana sell
    sold = [i for i in clause.of("EC") if {word := clause.written([i]).casefold(), stem(word)} & spent]
    sold = [i for i in sold if i.code == "E" or (word == "sales" and not {stem(word), word} & {*i.column.words})]
    if money is not None and sold:  # in money, where it is known
        ask.stats += [] if "S" in ask.codes else ["sum"] * len(sold)
        clause.notes += [f"“{clause.written([i])}” is read as “{money.name}”." for i in sold]
        for item in sold:
            item.code, item.means = "C", money
    for _, whose, does, what in clause.find("^[ac]*d(C)(Y)(C)"):  # does a newsletter raise the revenue
        if whose[0].column.kind != "time" and what[0].column.kind == "number":
            does[0].code, does[0].means = "R", "correlation"
    if ask.codes[:1] == "d" and clause.items[-1].code == "U" and clause.words[-1].low in ("up", "down"):
        clause.items[-1].code, clause.items[-1].means = "Y", "change"  # are cancellations up
    if re.match("[aci]*hE?dY|S[CE]Y", ask.codes):
        clause.of("Y")[0].code = "d" if ask.codes[0] == "S" else "U"  # how much rain fell; how many were dropped
    if "Y" in ask.codes:
        clause.says(r"\b(?:lately|recently|these days|nowadays)\b")  # a trend is told to the last day
    if lexicon.found("alike", clause.text) and re.match("[ac]*d", ask.codes):
        for _, by in list(clause.find("(B)"))[:1] or list(clause.find("(i)[oi]*(?=C)"))[:1]:
            by[0].code = "B"
            ask.kinds.add("j")
            use([i for i in clause.of("U") if re.fullmatch(lexicon.form("alike"), clause.written([i]), re.I)])
    for _, which, stat in clause.find("(q.*[CEG].*)(S)(?![oi]*[CE])"):  # the most rows, and not its own mode
        flags = [i for i in which if i.code == "C" and i.column.kind == "bool"]
        if stat[0].means == "mode" and "M" not in ask.codes:
            stat[0].code, stat[0].means = "M", "max" if flags else "max count"
            ask.columns = [expr(i.column) for i in flags[:1]]
            use(flags[:1])
    top = clause.items[-1]  # which glaze is used most, when do we release most, who ships most often: by their rows
    frequent = ("mode", "max count", *["max"] * ("E" in ask.codes))
    often = re.fullmatch("qU+[SM]|qCE[SM]", ask.codes) and top.means in frequent
    done = re.fullmatch("[aci]*q[CG]d?[UE]*M", ask.codes) and clause.written([top]).casefold() in ("most", "the most")
    passive = clause.words[top.first - 1].low.endswith("ed") and "U" not in ask.codes
    done = done and (passive or ("d" in ask.codes and ask.known.amount() is None))
    if often or done:
        top.code, top.means = "M", "max count"
    for _, usual, what in (f for shape in ("([MS])(?:E?o)?(C)(?=.*Bo?[CEG])", "(S)(C)") for f in clause.find(shape)):
        said = usual[0].means == "max count" or clause.written(usual).casefold() in ("typical", "usual")
        if said and what[0].column.kind in ("text", "bool") and not (what[0].column.label or what[0].column.key):
            usual[0].code, usual[0].means = "S", "mode"
    for _, rate in clause.find("S[oi]*C(S)"):
        if clause.written(rate).casefold() == "rate":
            rate[0].code, rate[0].means = "E", None  # the mean pulse rate
    for item, behind in zip(clause.items, [*clause.items[1:], None], strict=True):
        said = clause.written([item]).casefold()
        if item.code == "K" and said.endswith(" than") and (behind is None or behind.code in "VE"):
            item.code, item.means = "j", item.means.partition(" ")[2] or "more"  # more than women, not than 30
        differs = behind and (behind.code == "j" or re.search("Sdj$", ask.codes))
        if item.code == "S" and said == "how much" and (differs or ask.codes.count("S") > 1):
            item.used = True  # how much more: what the difference is; how much do we bill on average
        rest = ask.codes[clause.items.index(item) + 1 :]
        if item.code == "v" and said in ("get", "become") and behind and re.match("j(?:[inoTX]|$)", rest):
            behind.code, behind.means = "Y", f"change {sides.hints(behind)}".strip()  # did they get heavier
        if item.code == "H" and said == "normal" and item.first and clause.words[item.first - 1].low == "a":
            item.code, item.means = "S", "mean"  # a normal fare is a usual one
        flag = behind and behind.code == "C" and behind.column.kind == "bool"
        if item.means == "again" and (ask.codes[:2] == "qC" or flag or (behind and behind.code in "VU")):
            item.code = "d"  # came back damaged; what duration until it goes again
        once = item.code == "C" and item.column.kind == "time" and said.endswith("ed") and re.match("w?#", rest)
        quotes = item.code == "U" and behind and behind.code == "V" and clause.words[behind.first].quote
        if once or quotes:
            item.code = "d"  # borrowed only once; who said “too slow”
        if item.code == "i" and said == "within" and behind and behind.code == "N" and behind.unit:
            item.code, item.means = "K", "<= duration"  # within two days
    for _, opens, which, more, rows in clause.find("^[ac]*(q|d)(?!.*[VKT])[^jd]*([CE])[^j]*(j)(E?)"):
        there = re.search(r"\bthere\b.*\bothers?\b", clause.text, re.I)
        if which[0].means is not None and (opens[0].code == "q" or there):  # which of them pays more
            end = "min" if clause.written(more).casefold() in lexicon.some("less") else "max"
            hint = sides.hints(more[0])
            opens[0].code, more[0].code, more[0].means = "q", "M", f"{end} {hint or 'count' * len(rows)}".strip()
    for _, first, ended in clause.find("(M)(C)"):
        if ended[0].column.kind == "time" and ended[0].column.missing and " " not in first[0].means:
            ask.where.append(Condition(left=expr(ended[0].column), op="present"))  # the most cancellations
            first[0].means += " count"
            use(ended)
    for shape in ("M(V)(?!d*[CE])", "^[ac]*q(V)d*M"):
        for _, kind in clause.find(shape):  # the tallest ash, which ash is the tallest
            column = kind[0].means[0]
            if column.kind == "text" and not (column.person or set("EC") & {*ask.codes}):
                clause.items.insert(clause.items.index(kind[0]), Item("E", kind[0].first, kind[0].first))
                break
    for _, over, half in clause.find("(K)(U)"):
        if clause.written(half).casefold() == "half":  # did more than half bring one: how many did is told
            over[0].code, over[0].means = "S", "share"
            use(half)
    sided = re.fullmatch("[aci]*jV[ac]+V", ask.codes) and clause.written(clause.of("j")).casefold()
    if sided in ("more", "fewer"):  # boys or girls
        clause.items.insert(0, Item("d", clause.items[0].first, clause.items[0].first))
        ask.counts = True
    for _, below, whose in clause.find("(K)(C)"):
        if whose[0].column.flag and below[0].means in ("<", ">"):
            below[0].code = "i"  # under warranty
    for _, general, _, end_of in clause.find("(M)(N)(M)"):
        if clause.written(general).casefold() == "top" and " " in end_of[0].means:
            use(general)  # top 3 heaviest
    for most in clause.of("M"):
        if most.first and clause.words[most.first - 1].stem in ("vari", "differ", "fluctuat"):
            ask.stats.append("std")  # which varies the most
        _judged(ask, most)
    if any(i.column.kind == "bool" for i in clause.of("C")) and not set("YTj") & set(clause.shape):
        for why in clause.of("W"):  # why do members cancel: what yes or no depends on
            why.code = "A"


def _judged(ask: Ask, most: Item) -> None:
    """Which end of which column "best", "worst" or "fastest" means: of the one that is named, else the likeliest."""
    end, _, hint = most.means.partition(" ")
    liked = most.first > 0 and ask.clause.words[most.first - 1].low in ("like", "likes", "liked")
    if liked and "quality" not in hint:  # what visitors like most: nothing but a rating tells it
        hint = "quality"
        most.means, most.code = f"{end} {hint}", "M" if ask.known.hinted(hint) else "U"
    if hint in ("", "count", "time"):
        return
    known, items = ask.known, [i for i in ask.clause.items if i.code in "CEG"]
    named = [i.column for i in items if i.code == "C" and i.column.kind == "number" and not i.column.label]
    flags = [i.column for i in items if i.code == "C" and i.column.kind == "bool"]
    column = next((c for c in [*named, *flags] if known.sense(hint, c)), None)
    column = column or (None if flags else known.hinted(hint))
    whose = any(i.code == "G" or stem(ask.clause.words[i.last].low) in lexicon.some("payers") for i in items)
    quality = "quality" in hint.split()
    lasts = any(known.sense("-duration", c) for c in named)
    if quality and not named and re.search("M[di]*i[od]*V", ask.codes):
        most.code = "U"  # worst for breakdowns: whether many or few of them are bad is not known
        return
    if quality and (lasts and column not in named if named else flags and column is None):
        most.code = "U"  # the worst return rate, the best wait: whether more or less of it is worse is not known
    elif quality and column not in named and (named or column is None or (whose and known.amount() is not None)):
        period = "G" in ask.codes and "C" not in ask.codes
        told = period or (whose and not named)  # the best month and customer are told in money; the best price
        most.means = f"{end} money" if told else end
    elif "-" in hint or column in named:
        end = {"min": "max", "max": "min"}[end] if known.sense(hint, column)[:1] == "-" else end
        most.means = end if column in [*named, *flags] else f"{end} {hint}"


def _ordered(ask: Ask) -> None:
    """The end of an order: which C has the most, who is the best customer, the five longest rides."""
    clause = ask.clause
    if "R" in ask.codes and ask.codes.count("C") > 2:
        return  # which of these has the highest correlation with that
    for _, lead, told in clause.find("^v.*(w)(C(?:[ac]+C)*)$"):
        if clause.written(lead).casefold() == "with" and lexicon.found("lists", clause.text):
            ask.shown = [i.column for i in told if i.code == "C"]
            clause.items = [i for i in clause.items if i.last < lead[0].first]  # list late rides with their driver
    for _, told in clause.find("^(?:v|qd)(C(?:[ac]+C)+)[io](?=[VE])"):
        if not set("SMhB") & {*ask.codes}:  # show the driver and the fare for late rides
            ask.shown = [i.column for i in told if i.code == "C"]
            clause.items = [i for i in clause.items if i not in told]
    for _, _, common in clause.find("(N)(S)(?=[CE])"):
        if common[0].means == "mode":  # the 10 most common names
            common[0].code, common[0].means = "M", "max count"
    for _, top, many, period in clause.find("(M)(N)(G)"):
        if grouping.periodic(ask, period[0]):  # the top 3 months
            ask.limit = int(many[0].means)
            return use(many, period, [_ends(ask, top[0])])
    for shape in (
        "(N)(M)(C)([CE])()",
        "(N)(M)()([CE]?)()",
        "()(M)()(N)([CE]?)",
        "(?:^|[qv])[dw]*(N)()()([CE])()(?=.*M)",
    ):
        for _, *groups in clause.find(shape):
            found, by = [i for some in groups for i in some], groups[2]
            number, nouns = next(i for i in found if i.code == "N"), [i for i in found if i.code in "CE"]
            if not by or (by[0].column.kind == "number" and nouns[-1].means is not None):
                ask.limit, ask.of = int(number.means), nouns[-1].means if nouns else None
                highest = [i for _, what in clause.find("M(C)") for i in what if i.column.kind == "number"]
                ask.columns = [expr(i.column) for i in (by or highest)[:1]]
                return use(*groups, [_ends(ask, clause.of("M")[0])])
    for shape in ("^(q)d*(M)(C)", "^(q)d*(C)(M)"):  # when was the load highest
        for _, when, one, other in clause.find(shape):
            end, of = (one[0], other[0]) if one[0].code == "M" else (other[0], one[0])
            if clause.words[0].low == "when" and (time := ask.known.time) is not None and of.column.kind == "number":
                ask.names, ask.limit, ask.of, ask.columns = True, 1, time, [expr(of.column)]
                return use(when, [of, _ends(ask, end)])
    for _, which, top, named in clause.find("(q|v)d*(M)V*([CEG])(?!S)"):
        item, last = named[0], clause.words[named[0].last].low
        if which[0].code == "v" and "q" in ask.codes[: clause.items.index(which[0])]:
            continue  # on which day do we get the most orders
        says = clause.written(top).casefold() in ("best", "worst", "top") or " " in top[0].means
        says = says or last in lexicon.some("events")
        if which[0].code == "q" if item.code == "G" else says and (item.code == "E" or item.column.kind == "text"):
            return use(which, named, _named(ask, top[0], item))
    for _, which, run, top in clause.find("(q|v)d*o?((?:[CEG][oi]?)*).*?(M)"):
        run = [i for n, i in enumerate(run) if i.code in "CEG" and not any(k.code in "oi" for k in run[:n])]
        things = [i for i in run if i.code in "EG" or i.column.kind not in ("number", "bool")]
        if re.match("[ac]*qCEM", ask.codes):
            things = run = run[:1]  # which potter fired the most pieces
        who = which[0].code == "q" and clause.words[which[0].first].low == "who"
        if who:
            things = [i for i in things if i.means is None or i.code == "G" or i.column.kind != "time"]  # who sold most
        things = things or [i for i in run[:1] if i.column.divides and i.column.kind == "number" and not who]
        most = ask.known.hinted(top[0].means.partition(" ")[2])
        whose = most.owner if most is not None else ""
        able = [c for c in ask.known.columns if who and not things and (c.person or c.named)]
        people = [c for c in able if whose in ("", c.noun)]
        others = [c for c in people if c not in [i.means for i in clause.items]]
        of_one = ask.codes == "qM" and " " in top[0].means  # the salary of the oldest
        if things or of_one or (who and len(others) == bool(people)):  # who sees the most patients: which dentist
            ask.of = next(iter(others), None)
            rows = re.search(r"\b(?:most|fewest)$", clause.written(top), re.I) and clause.find("ME")
            counted = bool(rows) and any(top[0] in found for found, *_ in rows or ())  # who sold the most cars
            ask.counts |= counted
            sums = () if counted else (i for i in run if i not in things and i.column.kind != "time")
            ask.columns += [expr(i.column) for i in sums]
            return use(which, run, _named(ask, top[0], *things))


def _named(ask: Ask, top: Item, *things: Item) -> Items:
    """Have things be named by which end they are at: columns, or periods."""
    ask.names, ask.limit = True, 1
    for _, nth, most in ask.clause.find("(1)(M)"):
        if most == [top]:  # the second highest
            ask.limit = int(nth[0].means)
            ask.clause.notes.append("The last of these is the one that was asked for.")
            use(nth)
    ask.of = next((i.means for i in reversed(things) if isinstance(i.means, Column)), ask.of)
    if things and things[0].code == "G":
        grouping.periodic(ask, things[0])
    return [_ends(ask, top)]


def _ends(ask: Ask, most: Item) -> Item:
    """Which end of the order is asked for, and by which column where the word says so itself: the cheapest."""
    ask.end, _, hint = most.means.partition(" ")
    ask.counts = hint == "count" or bool(re.search(r"\b(?:most|fewest) (?:rows|records)\b", ask.clause.text, re.I))
    ask.by = ask.known.hinted(hint) if hint not in ("", "money") else None
    spoken = {w.stem for w in ask.clause.words}
    if ask.by is not None and "duration" in hint and ask.by.kind == "number" and not made.length_of(ask.by, spoken):
        ask.by = None  # the longest trip is not the one of most delay
    large = ask.clause.written([most]).casefold().endswith(("largest", "smallest"))
    row = ({"price", "size"} & {*hint.split()} or (large and not hint)) and "E" in ask.codes and "C" not in ask.codes
    if hint == "money" or (row and ask.by is None):  # the best month, the biggest order, the most expensive campaign
        spent = ask.known.hinted("outgoings") if "price" in hint else None
        ask.by = spent or ask.known.amount()
    return most
