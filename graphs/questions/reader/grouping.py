"""What there is one answer for each of: groups by columns and by periods, and those that a number chooses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from graphs.questions.query import Condition, Derive, Grain, Group, Scalar, given, simple
from graphs.questions.reader import lexicon, measuring
from graphs.questions.reader.conditions import Items, expr, within
from graphs.questions.reader.items import Item, use
from graphs.questions.reader.linking import Column

if TYPE_CHECKING:
    from graphs.questions.reader.asking import Ask


def read(ask: Ask) -> None:
    """What there is one answer for each of: behind "by" and "per", a period, those who have so many rows."""
    clause = ask.clause
    for _, by, first, rest in clause.find("((?:B|Z)[oi]?|b(?=G))(?:[EU](?=C))?([CEG])((?:[ac]+[CG](?![dn]*KN))*)"):
        again = "F" in ask.kinds or any(i.code == "B" for i in clause.items if i not in by)
        if again and first[0].code == "C" and re.match(r"(?:across|for) all\b", clause.written(by), re.I):
            first[0].code = "E"  # by category, across all departments: one for all of them
        else:
            for item in (first[0], *(r for r in rest if r.code in "CG")):
                _by(ask, by[0], item)
        use(by, [i for i in (*first, *rest) if i.code != "U"])
    for shape in (
        "(J)[oi]*C?b?(C)$",
        "^[ac]*(j)(C)$",
        "^[ac]*(d)(C)j$",
        "^[ac]*(d)Cb(C)$",
    ):  # a difference in cost between the wards
        for _, apart, by in clause.find(shape):
            numbers = any(i.column.kind == "number" for i in clause.of("C"))
            whole = bool(re.match(lexicon.form("apart"), clause.text, re.I))  # how do the islands differ
            if by[0].column.kind in ("text", "bool") and (numbers if apart[0].code == "J" else whole):
                ask.divide(expr(by[0].column), apart, by, clause.of("bj"))
    for _, period in clause.find("(G)"):  # the monthly revenue, the trend by month, the mean price over the years
        said = clause.words[period[0].first].low
        if said.endswith("ly") and not ask.groups and _each_period(ask, period[0], period[0]):
            use(period)
            continue
        leads = said.endswith("ly") and "GS" in clause.shape  # the monthly mean of each station
        told = leads or (said.endswith("ly") and "S" not in clause.shape) or said in ("over", "through")
        told = told or " by " in clause.written(period)  # month by month
        if (leads or not ask.groups) and (told or re.search("[XY]", clause.shape)) and periodic(ask, period[0]):
            use(period)
    many = "([hS]?)([CE])(?:(?![CKN])[A-Za-z])*?"
    for shape in (many + "[wd](K?)(N)([EV])", many + "(K?)(#)()"):
        for _, how, of, op, number, rows in clause.find(shape):
            use(_having(ask, how, of[0], op, number[0], rows))


_FEW = 30
"""Rows up to which a table is told row by row."""


def _by(ask: Ask, by: Item, item: Item) -> None:
    """A group for each of what stands behind "by"; or of whom an average is told, or per which number."""
    clause, known, column, word = ask.clause, ask.known, item.means, ask.clause.words[by.first].low
    if item.code == "G" and word != "by" and any(_of_each(item.means, i.column) for i in clause.of("C")):
        return  # fees every month, of a monthly fee
    lead = ask.codes[: clause.items.index(by)] if by in clause.items else ""
    per_number = word == "per" and isinstance(column, Column) and column.kind == "number"
    if item.code == "G":
        if not (_each_period(ask, by, item) or periodic(ask, item)) and word in ("per", "by"):
            item.code = "U"  # no hour of a table of days
    elif word == "by" and column is not None and column.kind == "time" and any(g.grain for g in ask.groups):
        ask.groups = [given(g, of=expr(column)) if g.grain else g for g in ask.groups]  # the best month by its date
    elif ask.end and word == "by" and column is not None and column.kind == "number" and not column.label:
        ask.columns = [expr(column)]  # the best agent by rating
    elif column is not None and item.code == "C" and _doers(ask, by, item):
        item.code = "E"
    elif column is None and word == "by" and by.last + 1 == item.first and re.search("[CS]$", lead):
        item.code = "U"  # the average fee by customers, of whom there is no column
    elif column and column.key and column.kind == "text" and word in ("each", "every") and known.rows <= _FEW:
        ask.groups.append(Group(of=expr(column)))
    elif column is None or (column.key and column.rows == known.rows and column.kind != "number"):
        ask.each = ask.each or word == "per"  # the revenue per booking: of each row by itself
    elif item.unit == "per" or (per_number and f"{clause.words[item.last].low}s" == column.words[-1]):
        ask.over = column  # the fee per flue, of how many flues there are
    elif item.code == "C" and column.kind == "number" and column.n_unique > max(30, 0.1 * known.rows):
        behind = {w.stem for w in clause.words[item.last + 1 : item.last + 4]}
        levels = bool(lexicon.some("levelled") & set(column.words))  # of ages there is no sum
        before = clause.items[: clause.items.index(by)][-1:]  # and not "cost more per unit"
        if behind & lexicon.some("brackets") or (word == "per" and ("L" in ask.kinds or levels)):
            item.code = "U"  # by brackets, and not of each row
        elif word == "per" and before and before[0].code in "CEU":
            ask.over = column
    elif word in ("per", "each", "every") and column.kind == "text" and (column.label or column.n_unique > 40) and \
            any(i.means == "mean" for i in clause.items if i.code == "S"):  # fmt: skip
        ask.per = column
    elif not (column.key and column.rows == known.rows):
        ask.groups.append(Group(of=expr(column), grain="day" if column.kind == "time" else None))


def _doers(ask: Ask, by: Item, item: Item) -> bool:
    """Whether those behind "by" are who did it, of whom it is said which: orders placed by customers from Austria."""
    done = ask.clause.words[max(by.first - 1, 0)].low.endswith("ed") and ask.clause.words[by.first].low == "by"
    return done and bool(re.match("[wi][oi]*[VKTC]", ask.codes[ask.clause.items.index(item) + 1 :]))


def _of_each(period: str, column: Column) -> bool:
    """Whether a price or a pay is that of each such period, by its name: the rent of a month, of monthly_rent."""
    rates = {*lexicon.columns_of("price"), *lexicon.columns_of("income")} - {"amount"}
    phrases = lexicon.phrases()[0]
    return bool(rates & set(column.words)) and ("G", period) in [phrases.get((w,)) for w in column.words]


def _having(ask: Ask, how: Items, of: Item, op: Items, number: Item, rows: Items) -> Items:
    """Customers with at least 3 orders, who bought more than once: groups by how many rows they have."""
    who = of.means
    rows = [i for i in rows if i.code == "E"]  # two no-shows: the value is a condition of its own
    single = who is None or who.key or who.kind == "bool" or (who.kind == "number" and not who.label)
    shares = any(i.code == "S" and i.means == "share" for i in ask.clause.items)
    if single or shares or (rows and rows[0].means and not rows[0].column.key):
        return []
    again = number.means == "again"  # who came back
    never = again and any(i.code == "n" for i in ask.clause.items)
    sign = op[0].means.split()[0] if op else ">" if again and not never else "="
    ask.having.append(Condition(left="count", op=sign, right=1 if again else int(number.means)))
    ask.groups += [] if ask.end else [Group(of=expr(who))]
    how = [i for i in how if i.code == "h" or i.means == "distinct"]
    ask.numbered = bool(how)
    return [*how, of, *op, number, *rows]


def above(ask: Ask) -> None:
    """Which ports are above average, which customers spent more than 1,000, which departments have a rating below 3: of
    each group its own average is held against that of all rows, or what its rows add up to or are on average against
    a number."""
    flows = {expr(c) for c in ask.known.columns if c.kind == "number" and measuring.flows(ask.clause.text, c)}
    whole = [w for w in simple(ask.where) if w.op[0] in "<>"]
    which = next((i for i in ask.clause.items if i.code == "C" and re.match("[qh]C|Cw", ask.codes)), None)
    if len(whole) != 1 or which is None or which.column.kind not in ("text", "bool") or which.column.key:
        return
    (bound,) = whole
    many, scalar = 2 * which.column.n_unique < ask.known.rows, isinstance(bound.right, Scalar)
    of = next((c for c in ask.known.columns if expr(c) == bound.left), None)
    beyond = bound.op[0] == ">" and of and isinstance(bound.right, int | float) and not within(bound.right, of)
    adds = (bound.left in flows or beyond) and "E" not in ask.codes  # no row has so many hours
    fits = ask.codes[0] == "q" if scalar else many and "M" not in ask.codes and (adds or which.column.divides)
    if not fits:
        return
    ask.numbered = ask.codes[0] == "h"
    said = [i for i in ask.clause.of("S") if i.means in ("mean", "median", "sum", "min", "max")]
    op: Any = said[0].means if said else "sum" if adds else "mean"
    if isinstance(bound.right, Scalar):
        op = bound.right.query.measures[0].op
    ask.where.remove(bound)
    ask.groups.append(Group(of=expr(which.column)))
    ask.having.append(given(bound, left=op))
    ask.stats, ask.columns = [op], [bound.left]
    use(ask.clause.items[:2], said)


def periodic(ask: Ask, item: Item) -> bool:
    """A group for each month, or whichever part of the table's times; plain years are groups as they are."""
    time, hourly = ask.known.time, item.means in ("hour", "hour_of_day")
    if time is None or (hourly and not time.clock):
        return False
    within = item.means == "year" and str(time.low)[:4] == str(time.high)[:4] and set("XY") & set(ask.codes)
    grain: Grain = "month" if within else item.means  # over the year, of which there is one
    ask.groups.append(Group(of=expr(time), grain=None if time.kind == "number" else grain))
    return True


def _each_period(ask: Ask, by: Item, item: Item) -> bool:
    """The average number of calls per day, monthly revenue on average, bookings a month: of each such period in whole."""
    clause, time, count = ask.clause, ask.known.time, ask.clause.of("h")
    mean, sums = ([i for i in clause.of("S") if i.means == op] for op in ("mean", "sum"))
    numbers = [i.column for i in clause.of("C") if i.column.kind == "number"]
    much = any(i.used and i.means == "sum" for i in clause.items)  # how much milk we get per day on average
    adds = count or sums or much or any(measuring.flows(clause.text, c) for c in numbers)
    word, days = clause.words[by.first].low, _DAYS.get(item.means)
    said = word in ("a", "an") or (word == "per" and item.means == "day" and ask.codes[:1] == "h")
    joined = bool(count) and ask.codes.rfind("a", 0, ask.codes.find("S") + 1) > ask.codes.find("h")  # and the average
    if time is None or time.kind != "time" or days is None or joined or not (adds and (mean or said)):
        return False
    ask.per = _period(ask, item, time, days)
    use(mean, sums, count)
    return True


def _period(ask: Ask, item: Item, time: Column, days: str) -> Column:
    """A column of the periods of the table's time, each with a number of its own."""
    name = f"{item.means} of {time.name}" if item.means in {c.name for c in ask.known.columns} else item.means
    ask.steps.append(Derive(name=name, expr=days.replace("TIME", expr(time))))
    ask.clause.notes.append(f"Each {item.means} of “{time.name}” counts that has a row.")
    return Column(name, "", "float64", 99, ask.known.rows)


def told_apart(ask: Ask, item: Item) -> bool:
    """Count the different days, weeks or months of the rows."""
    time, days = ask.known.time, _DAYS.get(item.means)
    if time is None or time.kind != "time" or days is None:
        return False
    ask.stats, ask.columns = ["distinct"], [expr(_period(ask, item, time, days))]
    return True


def counts_periods(ask: Ask, item: Item, bounds: list[Condition]) -> bool:
    """Count the days, weeks or months of the rows that are meant: rainy days. Bounds are of rows, and not of what the
    rows of a day add up to."""
    time, days = ask.known.time, _DAYS.get(item.means)
    if time is None or time.kind != "time" or days is None or not lexicon.some("times") & set(time.words):
        return False
    if time.key and item.means == "day":
        ask.counts = True
        return True
    return not bounds and told_apart(ask, item)


_DAYS = {
    "day": "400 * year(TIME) + 31 * month(TIME) + day(TIME)", "month": "12 * year(TIME) + month(TIME)",
    "quarter": "4 * year(TIME) + quarter(TIME)", "year": "year(TIME)",
}  # fmt: skip
"""Periods as numbers, of which each has its own."""
