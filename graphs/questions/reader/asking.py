"""What a clause asks for: statistics of columns, groups, and the order in which they are told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.questions.query import Condition, Cut, Grain, Group, Measure, Step, Where
from graphs.questions.reader import conditions, lexicon, sides
from graphs.questions.reader.conditions import Items, Known, expr
from graphs.questions.reader.items import Clause, Item, use
from graphs.questions.reader.linking import Column
from graphs.questions.reader.rules import Rules
from graphs.questions.reader.text import name_words, stem, words
from graphs.questions.reader.times import timed

_QUARTERS = ("1 (lowest quarter)", "2", "3", "4 (highest quarter)")
_ALIKE = r"\b(?:same|equal|alike|identical|similar|uniform(?:ly)?|even(?:ly)?|consistent)\b"


@dataclass
class Ask:
    """One clause's request, before requests are put together."""

    clause: Clause
    known: Known
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
    each: bool = False  # of each row by itself
    at_row: bool = False  # the value of one column where another is highest
    having: list[Condition] = field(default_factory=list)
    numbered: bool = False  # how many of these groups there are
    steps: list[Step] = field(default_factory=list)  # that make the sides of a comparison
    periods: tuple[str, str] = ("", "")  # two times that are set against each other
    kinds: set[str] = field(default_factory=set)  # letters of what else the clause speaks of

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
    alike.read(ask)
    ask.kinds |= {i.code for i in clause.of("OHFALDWYXg")}
    for rules in (order, groups, conditions.rule):
        rules.read(ask)
    ask.where = conditions.apart(ask.where)
    sides.against(clause, ask, earlier)
    for rules in (relations, statistics):
        rules.read(ask)
    _share(clause, ask)
    flags = [i for i in clause.items if i.code == "C" and not i.sure and i.column.kind == "bool"]
    clause.notes += [f"“{clause.written([i])}” is read as “{i.column.name}”." for i in flags]
    use(clause.of("OHFALDWYXgqahoiwdcvpz"))
    return ask


alike, order, groups, relations, statistics = Rules(), Rules(first=True), Rules(), Rules(first=True), Rules()


@alike("^[ac]*d.*?(i)[oi]*(?=C)", "^[ac]*d.*?(B)")
def _same(ask: Ask, where: Items) -> Any:
    """Is it the same in all species, or uniform across them."""
    if not re.search(_ALIKE, ask.clause.text, re.I) or (where[0].code == "i" and ask.clause.of("B")):
        return None
    where[0].code = "B"
    ask.kinds.add("j")
    return [[i for i in ask.clause.of("U") if re.fullmatch(_ALIKE, ask.clause.written([i]), re.I)]]


@alike("^[ac]*(d)([CE])w.*?(j)(E?)")
def _any(ask: Ask, is_there: Items, which: Items, more: Items, rows: Items) -> Any:
    """Is there an agent who has more than the others: which of them has the most."""
    if not re.search(r"\bthere\b.*\bthan (?:all |any )?(?:the )?others?\b", ask.clause.text, re.I):
        return None
    end = "min" if more[0].means == "more" and ask.clause.written(more).casefold() in lexicon.some("less") else "max"
    is_there[0].code, more[0].code, more[0].means = "q", "M", end + " count" * len(rows)
    return [ask.clause.of("K")]


@alike("(F)")
def _as_before(ask: Ask, ahead: Items) -> None:
    """If things remain as they are: any forecast takes it so."""
    ask.clause.says(lexicon.section("said")["unchanged"])


@alike("(Y)")
def _of_late(ask: Ask, change: Items) -> None:
    """Growing lately: the trend tells it to the last day."""
    ask.clause.says(r"\b(?:lately|recently|these days|nowadays|at the moment)\b")


@alike("(q.*[CEG].*)(S)(?![oi]*[CE])")
def _commonest(ask: Ask, before: Items, stat: Items) -> None:
    """Which product is most common: the most rows, not its own mode; which is returned most often."""
    flags = [i for i in before if i.code == "C" and i.column.kind == "bool"]
    if stat[0].means == "mode" and not ask.clause.of("M"):
        stat[0].code, stat[0].means = "M", "max" if flags else "max count"
        ask.columns = [expr(i.column) for i in flags[:1]]
        use(flags[:1])


@alike("([MS])(?:E?o)?(C)(?=.*Bo?[CEG])", "(S)(C)")
def _usual(ask: Ask, most: Items, what: Items) -> None:
    """The most common fault of each bike, the usual fault: the value that most rows have."""
    said = ask.clause.written(most).casefold()
    common = most[0].means == "max count" or said in ("typical", "usual")
    if common and what[0].column.kind in ("text", "bool") and not (what[0].column.label or what[0].column.key):
        most[0].code, most[0].means = "S", "mode"


@alike("(W)")
def _driven(ask: Ask, why: Items) -> None:
    """Why do members cancel: what yes or no depends on, and no change over time."""
    if any(i.column.kind == "bool" for i in ask.clause.of("C")) and not set("YTj") & set(ask.clause.shape):
        why[0].code = "A"


@alike("(M)")
def _judged(ask: Ask, most: Items) -> None:
    """Which end of which column "best", "worst" or "fastest" means: of the one that is named, else the likeliest."""
    end, _, hint = most[0].means.partition(" ")
    if hint in ("", "count", "time"):
        return
    known, items = ask.known, [i for i in ask.clause.items if i.code in "CEG"]
    named = [i.column for i in items if i.code == "C" and i.column.kind == "number" and not i.column.label]
    flags = [i.column for i in items if i.code == "C" and i.column.kind == "bool"]
    column = next((c for c in [*named, *flags] if known.sense(hint, c)), None) or (
        known.hinted(hint) if not flags else None
    )
    whose = any(i.code == "G" or stem(ask.clause.words[i.last].low) in lexicon.some("payers") for i in items)
    other = named and column not in named  # the best price
    if "quality" in hint.split() and flags and not named and column is None:
        most[0].code = "U"  # the worst return rate: whether more or less of it is worse is not known
    elif "quality" in hint.split() and (other or column is None or (whose and known.amount() is not None)):
        most[0].means = end
    elif "-" in hint:
        end = {"min": "max", "max": "min"}[end] if known.sense(hint, column)[:1] == "-" else end
        most[0].means = end if column in [*named, *flags] else f"{end} {hint}"


@order("(N)(M)(C)([CE])()", "(N)(M)()([CE]?)()", "()(M)()(N)([CE]?)", "[qv][dw]*(N)()()([CE])()(?=.*M)")
def _limited(ask: Ask, *groups: Items) -> Any:
    """The five best paid employees, the top 5 products, which 5 customers spent the most."""
    found = [i for some in groups for i in some]
    number, nouns = next(i for i in found if i.code == "N"), [i for i in found if i.code in "CE"]
    by = groups[2]
    if by and not (by[0].column.kind == "number" and nouns[-1].means is not None):
        return None
    ask.limit, ask.of = int(number.means), nouns[-1].means if nouns else None
    ask.columns = [expr(by[0].column)] if by else []
    return [*groups, [_ends(ask, ask.clause.of("M")[0])]]


@order("[qv]d*M?(C)[dwoiUE]*E?[wi](M)(C)(?!S)", "(C)o(M)()(?:[CE]|$)")
def _at_row(ask: Ask, what: Items, top: Items, by: Items) -> Any:
    """The value of one column where another is highest; the salary of the oldest."""
    column = what[0].column
    fits = not column.divides and column != by[0].means if by else " " in top[0].means
    if column.kind != "number" or not fits:
        return None
    _ends(ask, top[0])
    ask.limit, ask.columns, ask.by = 1, [expr(column)], by[0].column if by else ask.by
    ask.at_row = ask.by is not None
    return what, top, by, ask.clause.of("UE" if by else "E")


@order("(q|v)d*(M)([CEG])(?!S)")
def _best(ask: Ask, which: Items, top: Items, named: Items) -> Any:
    """Who is the best customer, the busiest month."""
    noun, clause, item = named[0].means, ask.clause, named[0]
    word, last = clause.written(top).casefold(), clause.words[item.last].low
    says = word in ("best", "worst", "top") or " " in top[0].means or last in lexicon.some("events")
    if which[0].code != "q" if item.code == "G" else not says or (item.code == "C" and noun.kind != "text"):
        return None
    if clause.words[which[0].first].low == "who" and item.code == "E" and any(c.person for c in ask.known.columns):
        return None  # who takes the most bookings
    return _named(ask, top[0], item) and True


@order("(q|v)o?((?:[CEG][oi]?)*).*?(M)")
def _which(ask: Ask, which: Items, named: Items, top: Items) -> Any:
    """Which C has the highest C, or the most rows."""
    run = [i for n, i in enumerate(named) if i.code in "CEG" and not any(k.code in "oi" for k in named[:n])]
    things = [i for i in run if i.code in "EG" or i.column.kind != "number"]
    things = things or [i for i in run[:1] if i.column.divides]
    who = which[0].code == "q" and ask.clause.words[which[0].first].low == "who"
    people = [c for c in ask.known.columns if c.person]
    others = [c for c in people if c not in [i.means for i in ask.clause.items]]
    if not things and (not who or (people and len(others) != 1)):
        return None
    ask.of = others[0] if others and not things else None  # who sees the most patients: which dentist
    ask.columns += [expr(i.column) for i in run if i not in things]
    return which, run, _named(ask, top[0], *things)


def _named(ask: Ask, top: Item, *things: Item) -> Items:
    """Have things be named by which end they are at: columns, or periods."""
    ask.names, ask.limit = True, 1
    ask.of = next((i.means for i in reversed(things) if isinstance(i.means, Column)), ask.of)
    if things and things[0].code == "G":
        _periodic(ask, things[0])
    return [_ends(ask, top)]


def _ends(ask: Ask, most: Item) -> Item:
    """Which end of the order is asked for, and by which column where the word says so itself: the cheapest."""
    ask.end, _, hint = most.means.partition(" ")
    ask.counts = hint == "count"
    ask.by = ask.known.hinted(hint) if hint else None
    if ask.by is None and "price" in hint.split() and "E" in ask.clause.shape and "C" not in ask.clause.shape:
        ask.by = ask.known.amount()  # the most expensive booking
    return most


def _periodic(ask: Ask, item: Item) -> bool:
    """A group for each month, or whichever part of the table's times; plain years are groups as they are."""
    time, hourly = ask.known.time, item.means in ("hour", "hour_of_day")
    if time is None or (hourly and not time.clock):
        return False
    grain: Grain = item.means
    ask.groups.append(Group(of=expr(time), grain=None if time.kind == "number" else grain))
    return True


@groups("((?:B|Z)[oi]?|b(?=G))(?:E(?=C))?([CEG])((?:[ac]+[CG](?![dn]*K))*)")
def _by(ask: Ask, by: Items, first: Items, rest: Items) -> Any:
    clause, word = ask.clause, ask.clause.words[by[0].first].low
    means = any(i.means == "mean" for i in clause.items if i.code == "S")
    whole = [i for i in clause.of("B") if re.match(r"(?:across|for) all\b", clause.written([i]), re.I)]
    others = "F" in ask.kinds or any(i.code == "B" and i not in whole for i in clause.items)
    if by[0] in whole and first[0].code == "C" and others:  # by category, across all departments: one for all of them
        first[0].code = "E"
        return by, first
    before = clause.items[: clause.items.index(by[0])][-1:]  # told per kWh, and not "cost more per unit"
    for item in [first[0], *(r for r in rest if r.code in "CG")]:
        column: Column | None = item.means
        if item.code == "G":
            _periodic(ask, item)
        elif column is None:
            ask.each = ask.each or word == "per"  # the revenue per booking: of each row by itself
        elif item.code == "C" and column.kind == "number" and column.n_unique > max(30, 0.1 * ask.known.rows):
            if word == "per" and not column.label and any(i.code in "CEU" for i in before):
                ask.over = column  # else each row: "each fare"
            behind = [i for i in clause.items if i.code == "U" and i.first == item.last + 1]
            if behind and stem(clause.words[behind[0].first].low) in lexicon.some("brackets"):
                name = f"{clause.written([item])} bracket"
                clause.notes.append(f"“{name}” is a quarter of the rows each, in the order of {expr(column)}.")
                ask.steps.append(Cut(name=name, of=expr(column), labels=_QUARTERS, quantiles=4))
                ask.groups.append(Group(of=expr(name)))
                use(behind)
        elif column.rows == ask.known.rows and column.key:
            ask.each = ask.each or word == "per"
        elif means and word in ("per", "each", "every") and column.kind == "text" and \
                (column.label or column.n_unique > 40):  # fmt: skip
            ask.per = column
        else:
            ask.groups.append(Group(of=expr(column), grain="day" if column.kind == "time" else None))
    return True


@groups()
def _levels(ask: Ask) -> None:
    """Values of one column that are set against each other."""
    clause, levels = ask.clause, ask.clause.of("V")
    several = len(levels) > 1 and len({i.means[0] for i in levels}) == 1 and not ask.groups
    if several and (re.search("[ZYjJ]|[bK][dwoi]*[CE]?V", clause.shape) or re.search(sides.AGAINST, clause.text, re.I)):
        ask.groups.append(Group(of=expr(levels[0].means[0])))
        ask.kinds.add("j")
        use(clause.of("j"), *[found[1] for found in clause.find("([bK])[dwoi]*[CE]?V")])


@groups("(G)")
def _monthly(ask: Ask, period: Items) -> bool:
    """The monthly revenue, the trend by month, the mean price over the years."""
    first = ask.clause.words[period[0].first].low
    adverb = first.endswith("ly") and "S" not in ask.clause.shape
    told = adverb or first in ("over", "through") or bool(re.search("[XY]", ask.clause.shape))
    return not ask.groups and told and _periodic(ask, period[0])


@groups("([hS]?)([CE])(?:(?![CKN])[A-Za-z])*?[wd](K?)(N)([EV])", "([hS]?)([CE])(?:(?![CKN])[A-Za-z])*?(K?)(#)()")
def _having(ask: Ask, how: Items, of: Items, op: Items, number: Items, rows: Items) -> Any:
    """Customers with at least 3 orders, who bought more than once: groups by how many rows they have."""
    who = of[0].means
    rows = [i for i in rows if i.code == "E"]  # two no-shows: the value is a condition of its own
    single = who is None or who.key or (who.kind == "number" and not who.label)
    shares = any(i.code == "S" and i.means == "share" for i in ask.clause.items)
    if single or shares or (rows and rows[0].means and not rows[0].column.key):
        return None
    again = number[0].means == "again"  # who came back
    sign = op[0].means.split()[0] if op else ">" if again else "="
    ask.having.append(Condition(left="count", op=sign, right=1 if again else int(number[0].means)))
    ask.groups += [] if ask.end else [Group(of=expr(who))]
    how = [i for i in how if i.code == "h" or i.means == "distinct"]
    ask.numbered = bool(how)
    return how, of, op, number, rows


groups("([bKio]?)(T)([aioj]+|K)(T)")(sides.periods)
groups("([jKY])[^TCEVN]*(T)")(sides.than)


@relations("d(j)([CE])[dv]*j?(C)", "d(?=[CE]w(j))([CE])wjv?j?(C)", "d(j)([CE])[dv]*(j)")
def _compared(ask: Ask, adjective: Items, rows: Items, what: Items) -> Any:
    """Are older employees paid more; do customers who wait longer give worse ratings; do bigger orders take longer."""
    column = ask.known.hinted(adjective[0].means)
    other = what[0].column if what[0].code == "C" else ask.known.hinted(what[0].means)
    if column is None or other is None or other.kind != "number" or other == column:
        return None
    ask.relation, ask.pairs = "correlation", [(expr(other), expr(column))]
    ask.columns = list(ask.pairs[0])
    if rows[0].code == "C":
        ask.clause.notes.append(f"Each row counts, and not each “{rows[0].column.name}” once.")
        rows[0].code = "E"
    return adjective, rows, what, ask.clause.of("j")


@relations()
def _related(ask: Ask) -> Any:
    clause, said, named = ask.clause, ask.clause.of("R"), ask.clause.of("C")
    if not said:
        return None
    ask.relation = next((way for way in ("r2", "slope") if any(i.means == way for i in said)), "correlation")
    ask.columns = names = list(dict.fromkeys(expr(i.column) for i in named))
    if len(names) > 1:
        every = re.search(r"\b(all|pairs?|pairwise|each other|matrix|among|variables)\b", clause.text, re.I)
        ask.pairs = [(a, b) for n, a in enumerate(names) for b in names[n + 1 :] if every or n == 0]
    asks_what = "[ac]*q[Edwoi]*(?:R[wioa]*CE?|CE?d?R[wioa]*)[ac]*"
    ask.among = len(names) == 1 and bool(re.fullmatch(asks_what, clause.shape))
    if ask.among and named[0].column.kind == "bool":  # what are returned orders linked to
        ask.relation, ask.kinds = "", ask.kinds | {"A"}
    ask.end = next((i.means.split()[0] for i in clause.items if i.code == "M"), ask.end)
    return said, named, clause.of("MbaioS")


_VALUES = r"\b(?:values?|entries|cells|columns?|fields?|variables?)\b"


@statistics("(S)([CE])")
def _of_each(ask: Ask, stat: Items, whose: Items) -> Any:
    """The average order value, what the average customer spends."""
    clause, whom = ask.clause, whose[0].means
    if stat[0].means != "mean" or (whom is None and not whose[0].sure):
        return None  # a word of some column, and no name of the rows
    numbers = [i.column for i in clause.of("C") if i.column.kind == "number"]
    flow = numbers[0] if numbers else ask.known.amount()
    adds = flow is not None and (bool(lexicon.some("flows") & set(flow.words)) or flows(clause.text, flow))
    whole = whom is not None and len(name_words(clause.written(whose))) >= len(whom.words) > 1  # its ids
    if not flow or not (adds or not numbers) or whole or not (whom is None or whom.label or whom.key):
        return None
    ask.columns, ask.stats = [expr(flow)], [*ask.stats, "mean"]
    ask.per = whom if whom is not None and not whom.key else None
    clause.notes.append(f"The amounts are taken from “{flow.name}”.")
    return stat, whose, [i for i in clause.of("C") if i.means == flow]


@statistics("(h?)[od]*(m)")
def _gaps(ask: Ask, how: Items, gap: Items) -> Any:
    """How many values are missing: counted column by column, and not rows."""
    if not re.search(_VALUES, ask.clause.text, re.I):
        return None
    gap[0].code, gap[0].means = "S", "missing"
    return [how]


@statistics("(S(?:[ac]*S)*)([oiUEh]*)(C(?:[ac]+o?C)*)", "(C(?:[ac]+C)*)(d*)(S(?:[ac]+S)*)")
def _of_columns(ask: Ask, left: Items, between: Items, right: Items) -> Any:
    if ask.relation and not ask.stats and "R" in ask.codes:
        return None
    ask.stats += [i.means for i in (*left, *right) if i.code == "S"]
    numbers = [i for i in ask.clause.of("C") if i.column.kind == "number"]
    if (
        numbers
        and {"mean", "median"} & set(ask.stats)
        and all(i.column.label for i in (*left, *right) if i.code == "C")
    ):
        ask.columns += [expr(i.column) for i in numbers]  # how old guests are on average
        return [i for i in (*left, *right) if i.code == "S"], numbers
    ask.columns += [expr(i.column) for i in (*left, *right) if i.code == "C"]
    return True


@statistics("(M)([oiU]*)(C)")
def _highest(ask: Ask, most: Items, between: Items, named: Items) -> Any:
    if ask.relation:
        return None
    ask.columns.append(expr(named[0].column))
    ask.stats += [] if (ask.end and ask.names) or ask.limit else [most[0].means.split()[0]]
    return True


@statistics("(S)")
def _alone(ask: Ask, stat: Items) -> bool:
    ask.stats.append(stat[0].means)
    return True


@statistics()
def _ordered(ask: Ask) -> None:
    """By what is ordered, where no statistic says so: the column of the adjective, a number, or how many there are."""
    clause = ask.clause
    if ask.end and not ask.columns and ask.by is not None:
        ask.columns.append(expr(ask.by))
    if not (ask.end and ask.names) or ask.columns or ask.stats:
        return
    for item in (i for i in clause.of("CE") if i.means is not None and i.means != ask.of):
        if (item.column.label or item.column.person) and not item.column.key:
            ask.stats, ask.columns = ["distinct"], [expr(item.column)]  # the most customers
        elif item.column.kind == "number":
            ask.columns.append(expr(item.column))
        item.used = True
    counted = re.search(r"\b(?:most|fewest|least|(?:highest|largest|lowest|smallest) number)\b", clause.text, re.I)
    counted = counted if re.search("M[oih]*[CEV]", ask.codes) else None
    ask.counts = ask.counts or bool(counted and not ask.columns and not ask.kinds & {"Y"})


@statistics("(h)[oi]*U?((?:[CE])?)")
def _counts(ask: Ask, how: Items, named: Items) -> Any:
    column = named[0].means if named else None
    if ask.relation:
        return None
    if ask.stats and not named:
        return True
    if column is None or column.key or ask.clause.typed(named[0]):
        ask.counts = True
    elif column.label and not ask.stats:
        ask.stats, ask.columns = ["distinct"], [expr(column)]
    elif column.kind == "number" and column.n_unique > 20 and not ask.columns and how[0].means != "count":
        ask.stats, ask.columns = ["sum"], [expr(column)]
    elif column.kind == "number":
        ask.stats, ask.columns = ask.stats or ["sum"], [*ask.columns, expr(column)]
    elif column.kind == "text" and not ask.groups:
        ask.stats, ask.columns = [*ask.stats, "distinct"], [*ask.columns, expr(column)]
    else:
        ask.counts = True
    return True


def flows(question: str, column: Column) -> bool:
    """Whether a question says that what a column holds was spent or sold, so that it adds up."""
    said = {w.stem for w in words(question)}
    some = [n for n, d in lexicon.section("dimensions").items() if d.get("flow")]
    return any(said & lexicon.says(n) and set(lexicon.columns_of(n)) & set(column.words) for n in some)


def lacks(ask: Ask) -> bool:
    """Whether a statistic is asked for, of a column that is not known. A total of what is counted is their number."""
    counts = {"count", "distinct", "duplicates"} | ({"sum"} if ask.counts else set())
    return any(s.split()[0] not in counts for s in ask.stats)


def _share(clause: Clause, ask: Ask) -> None:
    """A share's own condition is what is said behind the rows: the share of women who survived."""
    if "share" not in ask.stats:
        return
    chance = next((i.first for i in clause.items if i.code == "S" and clause.written([i]).casefold()
                   in lexicon.some("chances")), None)  # fmt: skip
    for item in (i for i in clause.items if i.code == "C" and expr(i.column) not in [g.of for g in ask.groups]):
        column, said = item.column, {stem(w) for w in name_words(clause.written([item]))}
        meant = expr(column) in ask.columns or (chance is not None and item.first > chance)
        levels = [v for v in column.values if column.kind == "text" and {stem(w) for w in name_words(v)} == said]
        if meant and (levels or column.kind == "bool"):  # likely to be admitted; the return rate
            ask.share = [Condition(left=expr(column), op="=", right=levels[0] if levels else column.yes)]
            ask.columns = []
            return
    own = [w for w in ask.where if not timed(w)] or ask.where
    if own:  # a time says which rows, not which of them count
        ask.share, ask.where = own[-1:], [w for w in ask.where if w is not own[-1]]


def measures(stats: Sequence[str], columns: Sequence[str], ddof: int | None, biased: bool) -> list[Measure]:
    """The product of statistics and columns."""
    found = []
    for column in dict.fromkeys(columns):
        if {"share", "missing"} <= set(stats):  # the share of its values that are missing
            gap = Condition(left=column, op="missing")
            found.append(Measure(op="share", where=(gap,), name=column.strip("`")))
            continue
        for stat in dict.fromkeys(stats):
            op, _, p = stat.partition(" ")
            spread = op in ("std", "var", "sem")
            found.append(Measure(op=op, of=column, p=float(p) if p else None, ddof=ddof if spread else None,
                                 biased=biased and op in ("skewness", "kurtosis")))  # fmt: skip
    return found
