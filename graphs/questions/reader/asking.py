"""What a clause asks for: statistics of columns, groups, and the order in which they are told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from graphs.questions.query import Condition, Grain, Group, Measure, Step, Where
from graphs.questions.reader import lexicon, sides
from graphs.questions.reader.conditions import Conditions, expr
from graphs.questions.reader.items import Clause, Item, use
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import name_words, stem, words
from graphs.questions.reader.times import timed

_ALIKE = r"\b(?:same|equal|alike|identical|similar)\b"


@dataclass
class Ask:
    """One clause's request, before requests are put together."""

    clause: Clause
    stats: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
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
    limit: int | None = None
    among: bool = False  # what goes with one column: all the others
    per: Column | None = None  # the average revenue per customer, who has several rows
    over: Column | None = None  # cost per kWh: of two numbers
    each_row: bool = False  # per order, where a row is one
    at_row: bool = False  # the value of one column where another is highest
    having: list[Condition] = field(default_factory=list)
    numbered: bool = False  # how many of these groups there are
    periods: tuple[str, str] = ("", "")  # two times that are set against each other
    steps: list[Step] = field(default_factory=list)  # that make the sides of a comparison
    kinds: set[str] = field(default_factory=set)  # letters of what else the clause speaks of

    @property
    def empty(self) -> bool:
        """Whether nothing is asked here."""
        return not (self.stats or self.relation or self.counts or self.end or self.kinds - {"H"})


def read(clause: Clause, conditions: Conditions, columns: Sequence[Column], rows: int, earlier: Sequence[Ask]) -> Ask:
    """What a clause asks for; the items that say so are read. `earlier`: what the clauses before it ask for."""
    ask = Ask(clause)
    if re.search(r"\bsignifican", clause.text, re.I) and re.match("[ac]*[dqv]", clause.shape):
        for item in clause.of("Jj"):  # whether a difference is significant, however that is said
            if stem(clause.words[item.first].low) == "differ":
                item.code, item.means = "H", "significance"
    if clause.shape[:1] == "d" and re.search(_ALIKE, clause.text, re.I):  # is it the same in all species
        for _, where, _what in clause.find("(i)[oi]*(C)"):
            where[0].code = "B"
            ask.kinds.add("j")
            use([i for i in clause.of("U") if re.fullmatch(_ALIKE, clause.written([i]), re.I)])
    ask.kinds |= {i.code for i in clause.of("OHFALDWYXg")}
    _order(clause, ask, conditions)
    _groups(clause, ask, conditions.time, rows)
    _having(clause, ask)
    if set("Yj") & set(clause.shape):
        for _, between, first, joined, second in clause.find("([bKio]?)(T)([aio]+|K)(T)"):
            ask.periods = (first[0].means, second[0].means)
            use(between, first, joined, second)
    ask.where = conditions.read(clause, flags=not ask.kinds & {"L", "A"})
    sides.against(clause, ask, earlier)
    sides.sets_of(clause, ask)
    _relations(clause, ask, conditions)
    _statistics(clause, ask, conditions)
    _counts(clause, ask)
    _share(clause, ask)
    use(clause.of("OHFALDWYXgqahoiwdcvpz"))
    return ask


def _having(clause: Clause, ask: Ask) -> None:
    """Customers with at least 3 orders, who bought more than once: groups by how many rows they have."""
    for pattern in (
        "([hS]?)([CE])(?:(?![CKN])[A-Za-z])*?[wd](K?)(N)([EV])",
        "([hS]?)([CE])(?:(?![CKN])[A-Za-z])*?(K?)(#)()",
    ):
        for _, how, of, op, number, rows in clause.find(pattern):
            who = of[0].means
            how = [i for i in how if i.code == "h" or i.means == "distinct"]
            rows = [i for i in rows if i.code == "E"]  # two no-shows: the value is a condition of its own
            single = who is None or who.key or (who.kind == "number" and not who.label)
            if single or (rows and rows[0].means and not rows[0].column.key):
                continue
            sign = op[0].means.split()[0] if op else "="
            ask.having.append(Condition(left="count", op=sign, right=int(number[0].means)))
            ask.groups += [] if ask.end else [Group(of=expr(who))]
            ask.numbered = bool(how)
            use(how, of, op, number, rows)


_LIMITED = (
    "(N)(M)(C)([CE])",  # the five best paid employees
    "(N)(M)()([CE]?)",
    "()(M)()(N)([CE]?)",  # the top 5 products
    "[qv][dw]*(N)()()([CE])(?=.*M)",  # which 5 customers spent the most
)


def _order(clause: Clause, ask: Ask, conditions: Conditions) -> None:
    """The 5 largest C by C; the value of C where C is highest; which C has the highest C, or the most rows."""
    most = next(iter(clause.of("M")), None)
    for item in clause.of("S") if most is None else ():  # which product is most common: the most rows, not its own mode
        after, before = clause.shape[clause.items.index(item) + 1 :], clause.shape[: clause.items.index(item)]
        if item.means == "mode" and re.search("q.*[CEG]", before) and not re.match("[oi]*[CE]", after):
            flags = [i for i in clause.of("C") if i.column.kind == "bool" and i.first < item.first]
            item.code, item.means, most = "M", "max" if flags else "max count", item
            ask.columns = [expr(i.column) for i in flags[:1]]  # which product is returned most often
            use(flags[:1])
    if most is None:
        return
    for pattern in _LIMITED:
        for _, number, _most, by, *ends in clause.find(pattern):
            number, nouns = number or ends[0], [i for some in (by, *ends) for i in some if i.code in "CE"]
            if by and not (by[0].column.kind == "number" and nouns[-1].means is not None):
                continue
            ask.limit, ask.of = int(number[0].means), nouns[-1].means if nouns else None
            ask.columns = [expr(by[0].column)] if by else []
            _ends(ask, most, conditions)
            use(number, [most], nouns)
            return
    for _, what, top, by in clause.find("[qv]d*M?(C)[dwoiUE]*E?[wi](M)(C)(?!S)"):
        if what[0].means != by[0].means and what[0].column.kind == "number" and not what[0].column.divides:
            _ends(ask, top[0], conditions)
            ask.limit, ask.columns, ask.by, ask.at_row = 1, [expr(what[0].column)], by[0].column, True
            use(what, top, by, clause.of("UE"))
            return
    for _, what, top in clause.find("(C)o(M)(?:[CE]|$)"):  # the salary of the oldest
        if " " in top[0].means and what[0].column.kind == "number":
            _ends(ask, top[0], conditions)
            ask.limit, ask.columns, ask.at_row = 1, [expr(what[0].column)], ask.by is not None
            use(what, top, clause.of("E"))
            return
    for _, which, top, named in clause.find("(q|v)d*(M)([CEG])(?!S)"):  # who is the best customer, the busiest month
        noun, word = named[0].means, clause.written(top).casefold()
        event = clause.words[named[0].last].low in lexicon.some("events")
        sold = word in ("best", "worst", "top") or " " in top[0].means or event
        if named[0].code == "G" and which[0].code == "q":
            _periodic(ask, named[0], conditions.time)
        elif not sold or (named[0].code == "C" and noun.kind != "text") or named[0].code == "G":
            continue
        else:
            ask.of = noun
        _ends(ask, top[0], conditions)
        ask.names, ask.limit = True, 1
        use(which, top, named)
        return
    for _, which, named, top in clause.find("(q|v)o?((?:[CEG][oi]?)*).*?(M)"):
        run = [i for n, i in enumerate(named) if i.code in "CEG" and not any(k.code in "oi" for k in named[:n])]
        things = [i for i in run if i.code in "EG" or i.column.kind != "number"]
        things = things or [i for i in run[:1] if i.column.divides]
        if not things and not (which[0].code == "q" and clause.words[which[0].first].low == "who"):
            continue
        _ends(ask, top[0], conditions)
        ask.names, ask.limit = True, 1
        ask.of = next((i.means for i in reversed(things) if isinstance(i.means, Column)), None)
        ask.columns += [expr(i.column) for i in run if i not in things]
        if things and things[0].code == "G":
            _periodic(ask, things[0], conditions.time)
        use(which, run, top)
        return


def _ends(ask: Ask, most: Item, conditions: Conditions) -> None:
    """Which end of the order is asked for, and by which column where the word says so itself: the cheapest."""
    ask.end, _, hint = most.means.partition(" ")
    ask.counts = hint == "count"
    ask.by = conditions.hinted(hint) if hint else None


def _periodic(ask: Ask, item: Item, time: Column | None) -> None:
    """A group for each month, or whichever part of the table's times; plain years are groups as they are."""
    hourly = item.means in ("hour", "hour_of_day")
    if time is not None and (time.clock or not hourly):
        grain: Grain = item.means
        ask.groups.append(Group(of=expr(time), grain=None if time.kind == "number" else grain))


def _groups(clause: Clause, ask: Ask, time: Column | None, rows: int) -> None:
    said = {str(i.means) for i in clause.items if i.code == "S"}
    for _, by, first, rest in clause.find("((?:B|Z)[oi]?|b(?=G))(?:E(?=C))?([CEG])((?:[ac]+[CG](?![dn]*K))*)"):
        for item in [first[0], *(r for r in rest if r.code in "CG")]:
            if item.code == "G":
                _periodic(ask, item, time)
                continue
            column: Column | None = item.means
            number = item.code == "C" and item.column.kind == "number" and item.column.n_unique > max(30, 0.1 * rows)
            before = clause.items[: clause.items.index(by[0])][
                -1:
            ]  # what is told per kWh, and not "cost more per unit"
            ratio = clause.words[by[0].first].low == "per" and any(i.code in "CEU" for i in before)
            if number and ratio and not item.column.label:
                ask.over = item.column
                continue
            if column is None or (column.rows == rows and column.key):
                ask.each_row = by[0].means == "by"
                continue  # each row by itself
            if number:
                continue  # "each fare" is each row
            single = clause.words[by[0].first].low in ("per", "each", "every", "a")
            if "mean" in said and single and column.kind == "text" and (column.label or column.n_unique > 40):
                ask.per = column
                continue
            ask.groups.append(Group(of=expr(column), grain="day" if column.kind == "time" else None))
        use(by, first, rest)
    levels = clause.of("V")
    several = len(levels) > 1 and len({i.means[0] for i in levels}) == 1 and not ask.groups
    if several and (re.search("[ZYjJ]|[bK][dwoi]*[CE]?V", clause.shape) or re.search(sides.AGAINST, clause.text, re.I)):
        ask.groups.append(Group(of=expr(levels[0].means[0])))
        ask.kinds.add("j")
        use(clause.of("j"), *[found[1] for found in clause.find("([bK])[dwoi]*[CE]?V")])
    for item in clause.of("G"):
        adverb = clause.words[item.first].low.endswith("ly") and "S" not in clause.shape  # the monthly revenue
        if not ask.groups and (adverb or re.search("[XY]", clause.shape)):
            _periodic(ask, item, time)
            item.used = bool(ask.groups)


def _relations(clause: Clause, ask: Ask, conditions: Conditions) -> None:
    for pattern in ("d(j)([CE])(C)", "d(?=[CE]w(j))([CE])wjv?j?(C)"):  # are older employees paid more
        for _, adjective, _rows, what in clause.find(pattern):  # do customers who wait longer give worse ratings
            column = conditions.hinted(adjective[0].means)
            if column is not None and what[0].column.kind == "number":
                ask.relation, ask.pairs = "correlation", [(expr(what[0].column), expr(column))]
                ask.columns = list(ask.pairs[0])
                if _rows[0].code == "C":
                    clause.notes.append(f"Each row counts, and not each “{_rows[0].column.name}” once.")
                    _rows[0].code = "E"
                use(adjective, _rows, what, clause.of("j"))
                return
    said, named = clause.of("R"), clause.of("C")
    if not said:
        return
    ask.relation = next((way for way in ("r2", "slope") if any(i.means == way for i in said)), "correlation")
    names = list(dict.fromkeys(expr(i.column) for i in named))
    ask.columns = list(names)
    if len(names) == 2:
        ask.pairs = [(names[0], names[1])]
    elif len(names) > 2:
        every = re.search(r"\b(all|pairs?|pairwise|each other|matrix|among|variables)\b", clause.text, re.I)
        ask.pairs = [(a, b) for n, a in enumerate(names) for b in names[n + 1 :] if every or n == 0]
    asks_what = "[ac]*q[Edwoi]*(?:R[wioa]*CE?|CE?d?R[wioa]*)[ac]*"
    ask.among = len(names) == 1 and bool(re.fullmatch(asks_what, clause.shape))
    if ask.among and named[0].column.kind == "bool":  # what are returned orders linked to
        ask.relation, ask.kinds = "", ask.kinds | {"A"}
    use(said, named, clause.of("MbaioS"))
    if any(i.code == "M" for i in clause.items):
        ask.end = next(i.means for i in clause.items if i.code == "M").split()[0]


_VALUES = r"\b(?:values?|entries|cells|columns?|fields?|variables?)\b"


def _statistics(clause: Clause, ask: Ask, conditions: Conditions) -> None:
    for _, stat, whose in clause.find("(S)([CE])"):  # the average order value, what the average customer spends
        if not whose[0].sure and whose[0].means is None:
            continue  # a word of some column, and no name of the rows
        whom, numbers = whose[0].means, [i.column for i in clause.of("C") if i.column.kind == "number"]
        flow = numbers[0] if numbers else conditions.amount()
        adds = flow is not None and (bool(lexicon.some("flows") & set(flow.words)) or flows(clause.text, flow))
        whole = whom is not None and len(name_words(clause.written(whose))) >= len(whom.words) > 1  # its ids
        one = whom is None or whom.label or whom.key
        if stat[0].means == "mean" and flow and (adds or not numbers) and one and not whole:
            ask.columns = [expr(flow)]
            ask.per = whom if whom is not None and not whom.key else None
            clause.notes.append(f"The amounts are taken from “{flow.name}”.")
            ask.stats.append("mean")
            use(stat, whose, [i for i in clause.of("C") if i.means == flow])
    if re.search(_VALUES, clause.text, re.I):  # how many values are missing: counted column by column, and not rows
        for _, how, gap in clause.find("(h?)[od]*(m)"):
            gap[0].code, gap[0].means = "S", "missing"
            use(how)
    for pattern in ("(S(?:[ac]*S)*)([oiUEh]*)(C(?:[ac]+o?C)*)", "(C(?:[ac]+C)*)(d*)(S(?:[ac]+S)*)"):
        for _, left, between, right in clause.find(pattern):
            if ask.relation and not ask.stats and "R" in "".join(i.code for i in clause.items):
                break
            ask.stats += [i.means for i in (*left, *right) if i.code == "S"]
            ask.columns += [expr(i.column) for i in (*left, *right) if i.code == "C"]
            use(left, between, right)
    for _, most, _between, named in clause.find("(M)([oiU]*)(C)"):
        if ask.relation or not isinstance(named[0].means, Column):
            continue
        ask.columns.append(expr(named[0].column))
        ask.stats += [] if (ask.end and ask.names) or ask.limit else [most[0].means.split()[0]]
        use(most, _between, named)
    for item in clause.of("S"):
        ask.stats.append(item.means)
        item.used = True
    if ask.end and not ask.columns and ask.by is not None:
        ask.columns.append(expr(ask.by))
    if ask.end and ask.names and not ask.columns and not ask.stats:
        for item in clause.of("CE"):
            if item.means is not None and item.means != ask.of:
                if item.column.label and not item.column.key:
                    ask.stats, ask.columns = ["distinct"], [expr(item.column)]  # the most customers
                elif item.column.kind == "number":
                    ask.columns.append(expr(item.column))
                item.used = True
        shape = "".join(i.code for i in clause.items)
        counted = re.search(r"\b(?:most|fewest|least|(?:highest|largest|lowest|smallest) number)\b", clause.text, re.I)
        counted = counted if re.search("M[oih]*[CEV]", shape) else None
        ask.counts = ask.counts or bool(counted and not ask.columns and not ask.kinds & {"Y"})
    if ask.each_row and not ask.stats and len(set(ask.columns)) == 1 and ask.end:
        ask.stats.append("mean")  # the most revenue per order


def flows(question: str, column: Column) -> bool:
    """Whether a question says that what a column holds was spent or sold, so that it adds up."""
    said = {w.stem for w in words(question)}
    some = [(n, d) for n, d in lexicon.section("dimensions").items() if d.get("flow")]
    return any(
        said & {stem(w) for w in d["says"].split()} and set(lexicon.columns_of(n)) & set(column.words) for n, d in some
    )


def lacks(ask: Ask) -> bool:
    """Whether a statistic is asked for, of a column that is not known. A total of what is counted is their number."""
    counts = {"count", "distinct", "duplicates"} | ({"sum"} if ask.counts else set())
    return any(s.split()[0] not in counts for s in ask.stats)


def _counts(clause: Clause, ask: Ask) -> None:
    if ask.relation:
        return
    for _, how, named in clause.find("(h)[oi]*U?((?:[CE])?)"):
        column = named[0].means if named else None
        if ask.stats and not named:
            how[0].used = True
            continue
        if column is None or column.key or clause.typed(named[0]):
            ask.counts = True
        elif column.label and not ask.stats:
            ask.stats, ask.columns = ["distinct"], [expr(column)]
        elif column.kind == "number" and column.n_unique > 20 and not ask.columns and how[0].means != "count":
            ask.stats, ask.columns = ["sum"], [expr(column)]
        elif ask.stats and column.kind == "number":
            ask.columns.append(expr(column))
        elif column.kind == "text" and not ask.groups:
            ask.stats, ask.columns = [*ask.stats, "distinct"], [*ask.columns, expr(column)]
        elif column.kind == "number":
            ask.stats, ask.columns = [*ask.stats, "sum"], [*ask.columns, expr(column)]
        else:
            ask.counts = True
        use(how, named)


def _says(clause: Clause, item: Item, level: str) -> bool:
    """Whether the word by which a column is named is one of its values: "admitted", of the column Admit."""
    return {stem(w) for w in name_words(clause.written([item]))} == {stem(w) for w in name_words(level)}


def _share(clause: Clause, ask: Ask) -> None:
    """A share's own condition is what is said behind the rows: the share of women who survived."""
    if "share" not in ask.stats:
        return
    chance = next(
        (i for i in clause.items if i.code == "S" and clause.written([i]).casefold() in lexicon.some("chances")), None
    )
    named = [i for i in clause.items if i.code == "C" and expr(i.column) not in [g.of for g in ask.groups]]
    behind = [i for i in named if chance is not None and i.first > chance.first]
    said = [(i, v) for i in named for v in i.column.values if i.column.kind == "text" and _says(clause, i, v)]
    if said and (said[0][0] in behind or expr(said[0][0].column) in ask.columns) and not ask.share:
        item, level = said[0]  # likely to be admitted, of a column of the admitted and the rejected
        ask.share, ask.columns = [Condition(left=expr(item.column), op="=", right=level)], []
        return
    flags = [i for i in named if i.column.kind == "bool" and (expr(i.column) in ask.columns or i in behind)]
    if flags and not ask.share:  # the return rate
        ask.share = [Condition(left=expr(flags[0].column), op="=", right=flags[0].column.yes)]
        ask.columns = []
        return
    lacking = [c for _, _, c in clause.find("(n)[d]*(C)") if c[0].means is not None and not c[0].used]
    if lacking:  # the share that has no region
        ask.share, ask.columns = [Condition(left=expr(c[0].column), op="missing") for c in lacking], []
        ask.stats = ["share"]
        return
    own = [w for w in ask.where if not timed(w)] or ask.where
    if own:  # a time says which rows, not which of them count
        ask.share, ask.where = own[-1:], [w for w in ask.where if w is not own[-1]]


def measures(stats: Sequence[str], columns: Sequence[str], ddof: int | None, biased: bool) -> list[Measure]:
    """The product of statistics and columns."""
    found = []
    for column in dict.fromkeys(columns):
        for stat in dict.fromkeys(stats):
            op, _, p = stat.partition(" ")
            spread = op in ("std", "var", "sem")
            found.append(Measure(op=op, of=column, p=float(p) if p else None, ddof=ddof if spread else None,
                                 biased=biased and op in ("skewness", "kurtosis")))  # fmt: skip
    return found
