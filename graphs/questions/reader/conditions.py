"""The conditions of a clause: which rows are meant, and by which column and time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graphs.questions.query import AnyOf, Condition, Group, Measure, Query, Scalar, Where, given, simple
from graphs.questions.query import Column as Other
from graphs.questions.reader import lexicon
from graphs.questions.reader.items import Item, use
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import name_words, stem, words
from graphs.questions.reader.times import TO, begins, clock, kind_of, span

if TYPE_CHECKING:
    from graphs.questions.reader.asking import Ask

type Items = list[Item]

_FLIP = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "=": "!=", "!=": "=", "contains": "matches"}
_TURNED = {">": "<", "<": ">"}


def expr(column: Column | str) -> str:
    """A column as the expression language writes it."""
    name = column.name if isinstance(column, Column) else column
    return name if name.isidentifier() else f"`{name}`"


def plain(number: float) -> int | float:
    """A number as a person writes it: 3 for 3.0."""
    return int(number) if float(number).is_integer() else number


class Known:
    """What is known of the tables; `time` is the column of times, `before` the question that a fragment follows."""

    def __init__(self, columns: Sequence[Column], time: Column | None, before: str = "") -> None:
        self.columns, self.time = columns, time
        self.rows = max((c.rows for c in columns), default=0)
        self.before = {w.low for w in words(before)}

    def hinted(self, hint: str) -> Column | None:
        """The column of the dimensions that a word such as "older" is about, by the words that their columns have."""
        merits = "quality" in hint  # the best is not the one of least delay
        meant = [d for d in hint.split() if not (merits and d.endswith("faults"))]
        names = [(d, w) for d in meant for w in lexicon.columns_of(d)]
        if [w for _, w in names] == ["TIME"]:
            return self.time
        fit = [c for c in self.columns if c.kind in ("number", "time") and not c.label]
        for dimension, word in names:
            named = [c for c in fit if stem(word) in c.stems and lexicon.holds(dimension, c.words)]
            if named:  # the one of the shortest name: age, and not age_at_hire
                first = min(named, key=lambda c: len(c.words))
                alone = all(c.name == first.name or len(c.words) > len(first.words) for c in named)
                bare = [c for c in fit if {*c.words} <= lexicon.some("lengths") and "duration" in dimension]
                return bare[0] if len(bare) == 1 else first if alone else None  # nights, and no engine hours
        return self.amount() if hint == "sales" else None

    def sense(self, hint: str, column: Column | None) -> str:
        """The dimension in which a word is meant of a column, empty for none. It begins with "-" where the other end is
        meant: the fastest has the least duration, the worst the most faults."""
        stems = column.stems if column is not None else frozenset()
        timed = column is not None and column.unit in lexicon.section("units")["time"]  # the fastest time, in seconds
        words = column.words if column is not None else ()
        fit = [d for d in hint.split() if lexicon.holds(d, words)]
        meant = [d for d in fit if stems & {stem(w) for w in lexicon.columns_of(d)}]
        return next(iter(meant), next((d for d in hint.split() if timed and d.endswith("duration")), ""))

    def amount(self) -> Column | None:
        """The one column of money of the table, by which "the best month" or "the largest orders" are meant."""
        numbers = [c for c in self.columns if c.kind == "number" and not (c.label or {"per", "unit"} & set(c.words))]
        for said in lexicon.section("words")["amounts"].split(";"):
            if found := [c for c in numbers if set(said.split()) & set(c.words)]:
                return found[0] if len(found) == 1 else None
        paid = [c for c in numbers if c.money]
        return paid[0] if len(paid) == 1 else None

    def names(self, file: str = "") -> list[Column]:
        """The columns of a file that name what a row is about in words."""
        of = [c for c in self.columns if c.kind == "text" and not c.label and (not file or c.file == file)]
        return [c for c in of if "name" in c.words and c.n_unique > 0.5 * c.rows]


def read(ask: Ask) -> None:
    """Take the conditions of a clause, in the order of their kinds."""
    for does in _KINDS:
        for _, *groups in (g for shape in lexicon.section("conditions")[does.__name__] for g in ask.clause.find(shape)):
            met: Any = does(ask, *groups)
            use(*(groups if met is True else met or ()))
    _valued(ask)
    _during(ask)
    either = [i for i in ask.clause.of("a") if i.means == "or"]
    if len(either) == 1 and len(ask.where) == 2 and ask.codes.count("K") == 2:
        ask.where = [AnyOf(any_of=tuple((w,) for w in simple(ask.where)))]


def bare(ask: Ask, number: Item) -> Column | None:
    """The column of a number by itself: by its unit, or by what the rows are: a person's age, an event's amount."""
    known, said = ask.known, ask.known.before | {w.low for w in ask.clause.words}
    who = [i for i in ask.clause.items if i.code == "E" or (i.code == "C" and i.column.label)]
    doing = any(ask.clause.words[i.last].low.removesuffix("s").endswith(("er", "or")) for i in who)
    someone = said & (lexicon.people() | lexicon.some("ages")) or (doing and known.hinted("age"))
    old = [w.low for w in ask.clause.words[number.last + 1 : number.last + 2]] == ["old"]
    hint = "age" if old else lexicon.dimensions("units", number.unit) or ("age" if someone and not number.unit else "")
    paid = number.unit in lexicon.section("units")["money"] or said & lexicon.some("events")
    column = known.hinted(hint) if hint else known.amount() if paid else None
    value = None if column is None else in_units_of(column, number.means, number.unit)
    if column is None or value is None or not within(value, column):
        return None
    ask.clause.notes.append(f"“{ask.clause.written([number])}” is read as a value of “{column.name}”.")
    return column


def _absent(ask: Ask, who: Items, no: Items, what: Items) -> Any:
    """Customers without orders: rows of one file that no row of another has."""
    said = stem(ask.clause.words[what[0].last].low)
    keys = [c for c in ask.known.columns if c.key and not c.missing]
    there = [c for c in keys if said in c.stems | {stem(w) for w in name_words(c.file)}][:1]
    here = [c for c in keys for t in there if who[0].means and c.name == who[0].column.name and c.file != t.file]
    if not here:
        return None
    ask.where.append(Condition(left=expr(there[0]), op="missing"))
    ask.clause.notes.append(f"These are the rows of {here[0].file} that no row of {there[0].file} names.")
    return no, what


def _compared(ask: Ask, left: Items, no: Items, op: Items, right: Items, after: Items) -> Any:
    """A comparison: what is compared, a denial, the comparison, and with what; the column may stand behind."""
    clause, known, (sign, _, hint), code = ask.clause, ask.known, op[0].means.partition(" "), right[0].code
    named = next((i.column for i in (*left, *after) if i.code == "C"), None)
    hinted, number = known.hinted(hint) if hint else None, named is not None and named.kind == "number"
    fits = named is None or (number and hinted != known.time and not known.sense(hint, named))  # days hotter than 30
    column, value = (hinted if fits else None) or named, right[0].means
    sign = _TURNED.get(sign, sign) if known.sense(hint, column)[:1] == "-" else sign
    follows = clause.shape[clause.items.index(right[0]) + 1 :][:1]
    if column is None and not hint and code == "N" and follows not in tuple("CEUV#"):
        column = bare(ask, right[0])
    if code == "T" and (hours := clock(sign, value)):  # after 6 pm: an hour of any day
        right[0].means = hours
        return [op]
    if code == "T" and named is not None and not ("year" in named.words and named.kind == "number" and value.isdigit()):
        return None  # the fee since March
    column = known.time if code == "T" and column is None else column
    dated = column is not None and column.kind == "time" and not 1500 < float(value if code == "N" else 2000) < 2100
    if column is None or dated or (column.kind in ("text", "bool") and code == "N") or (code == "S" and not named):
        return None
    verb = clause.words[after[0].last].low if after and not left else ""
    if code == "N" and not right[0].unit and verb.endswith("ed") and verb not in column.words:
        return None  # how many runners over 65 finished
    if code == "N" and follows == "S" and not after:
        return None  # more than two standard deviations above
    if code == "C" and (right[0].means is None or right[0].column.kind != column.kind):
        return None  # the revenue after returns
    compared: Any
    if code == "S":
        of, (stat, _, p) = next((i.column for i in after if i.code == "C"), column), value.partition(" ")
        compared = Scalar(query=Query(measures=(Measure(op=stat, of=expr(of), p=float(p) if p else None),)))
    else:
        compared = Other(column=right[0].column.name) if code == "C" else _value(column, right[0], since=sign[0] == ">")
    if compared is None:
        return None
    ask.where.append(Condition(left=expr(column), op=_FLIP[sign] if no else sign, right=compared))
    return left, no, op, right, after if code == "S" or not left else []


def _between(ask: Ask, left: Items, no: Items, between: Items, lead: Items, low: Items, joined: Items, high: Items,
             after: Items) -> Any:  # fmt: skip
    """From one number or time to another."""
    clause, named, ends, code = ask.clause, left or after, (low[0], high[0]), low[0].code
    ranges = between or clause.written(lead).casefold() == "from" or TO & {clause.written([i]) for i in joined}
    if not ranges or code != high[0].code:
        return None  # on Mondays in April; in 2020 and 2022
    column = named[0].column if named else None
    if code == "T":
        years = [float(i.means) for i in ends if str(i.means).isdigit()] if column and column.kind == "number" else []
        beyond = column != ask.known.time and any(not within(year, column) for year in years if column)  # no counts
        beyond = beyond or (column is not None and column.kind == "number" and len(years) != 2)
        column = ask.known.time if column is None or column.kind == "text" or beyond else column
        named = named if named and named[0].column == column else []
    elif column is None and not clause.of("T"):
        column = bare(ask, high[0])
    if column is None:
        return None
    if code == "T" and not str(low[0].means)[:1].isdigit():
        return (named, between) if span(*ends) else None  # from May to July: read with the times
    bounds = [_value(column, i, high[0].unit) for i in ends]
    if None in bounds:
        return None
    outside = tuple((Condition(left=expr(column), op=op, right=x),) for op, x in zip("<>", bounds, strict=True))
    inside = Condition(left=expr(column), op="between", right=tuple(bounds))
    ask.where.append(AnyOf(any_of=outside) if no else inside)
    return named, no, between, low, high


def _text(ask: Ask, left: Items, no: Items, op: Items, right: Items) -> Any:
    """A word within a text: of the column beside it, or of the only one that holds sentences."""
    found = [i.column for i in left] or [c for c in ask.known.columns if c.prose]
    if len(found) != 1:
        return None
    text = right[0].means[1] if right[0].code == "V" else right[0].means or ask.clause.written(right)
    pattern = f"(?is)^(?!.*{re.escape(text)})" if no else text
    ask.where.append(Condition(left=expr(found[0]), op="matches" if no else op[0].means, right=pattern))
    return True


def _listed(ask: Ask, left: Items, no: Items, right: Items) -> Any:
    """Quoted values of a column whose values the description does not list, as of one that the question makes."""
    column = left[0].column
    if column.dtype != "new" and not (column.kind == "text" and column.n_unique > len(column.values)):
        return None
    ask.where.append(_one(column, [i.means for i in right if i.code == "Q"], bool(no)))
    return True


def _equal(ask: Ask, left: Items, no: Items, right: Items, behind: Items) -> Any:
    """A number right beside a column of few: class 1, third class, year 1992; or behind "is"."""
    column, numbers = (left or behind)[0].column, [plain(i.means) for i in right if i.code in "N1"]
    few = {v.removesuffix(".0") for v in column.values}
    said = left and not few and re.match("C[do]*[don]", ask.clause.shape[ask.clause.items.index(left[0]) :])
    named = left and column.label and left[0].last + 1 == right[0].first and within(numbers[0], column)  # donor 77
    fits = said or named or all(str(n) in few for n in numbers)
    if not fits or not (column.kind in ("number", "bool") or column.label):
        return None
    ask.where.append(_one(column, numbers, bool(no)))
    return True


def _missing(ask: Ask, left: Items, no: Items, behind: Items) -> Any:
    """Where age is missing, penguins with unknown sex, orders without a channel, runners who did not finish."""
    column, lacks = (left or behind)[0].column, bool(behind and no)
    zero, denial = column.kind == "number" and column.low == 0 and not column.missing, no[0] if no else None
    if lacks and denial and ask.clause.words[denial.first].low not in lexicon.some("lacks"):
        lead = ask.clause.words[max(denial.first - 1, 0)].low
        helps = re.fullmatch("(?:did|do|does|have|has)n?", lead) or ask.clause.words[denial.first].low.endswith("nt")
        rated = column.missing and (helps or ask.clause.words[behind[0].last].low.endswith("ed"))  # did not finish
        lacks = denial.means == "not" and bool(rated or zero)
        if not lacks:
            return None
    if lacks and column.kind == "bool":
        return None
    use(ask.clause.of("m"))
    levels = [v for v in column.values if v.casefold() in ("none", "no", "nothing") and column.kind == "text"]
    if no and levels:
        condition = Condition(left=expr(column), op="=", right=levels[0])
    elif lacks and zero:
        condition = Condition(left=expr(column), op="=", right=0)  # no sale is a sale of 0
    else:
        condition = Condition(left=expr(column), op="present" if no and not lacks else "missing")
    ask.where.append(condition)
    return True


def _valued(ask: Ask) -> None:
    """Values by themselves; several of one column are alternatives, those of different columns hold together."""
    clause, by_column = ask.clause, dict[Column, list[tuple[str, bool]]]()
    named = [i.column for i in clause.items if i.code == "C"]
    for _, way, place in clause.find("(i)(V)"):  # from Bern to Basel, which are both in either column
        ends = {"from": "origins", "to": "destinations"}.get(clause.written(way).casefold())
        columns = (c for c in (place[0].means[0], *place[0].also) if ends and lexicon.some(ends) & {*c.words})
        if place[0].also and (column := next(columns, None)) is not None:
            place[0].means, place[0].also = (column, place[0].means[1]), ()
    for _, done, by, how in clause.find("(?<=n)(V)(B)(V)"):
        if clause.written(by).casefold() == "by" and done[0].means[0] != how[0].means[0]:  # not paid by card
            clause.items = [i for i in clause.items if i not in (*done, *by)]
    for _, sign, no, many in clause.find("(K?)((?:n[ido]*)?)(V(?:[ac]+V)*)"):
        if sign and sign[0].means not in ("=", "!="):
            continue
        denied = bool(no or (sign and sign[0].means == "!="))
        for item in (i for i in many if i.code == "V"):
            column, level = item.means
            column = next((c for c in (column, *item.also) if c in named), column)
            by_column.setdefault(column, []).append((level, denied))
            if item.also and column not in named:
                others = " or ".join(f"“{c.name}”" for c in item.also)
                clause.notes.append(f"“{level}” is looked for in “{column.name}”; it is also in {others}.")
        use(sign, no, many)
    for column, levels in by_column.items():
        sets = {denied: [v for v, no in levels if no == denied] for denied in (False, True)}
        ask.where += [_one(column, some, denied) for denied, some in sets.items() if some]
        use([i for i in clause.of("C") if i.column == column and not sets[False][1:]])


def _during(ask: Ask) -> None:
    clause, time = ask.clause, ask.known.time
    if time is None:
        return
    named = [i.column for i in clause.items if i.code == "C" and i.column.kind == "time"]  # who signed up in 2023
    time = named[0] if len(named) == 1 else time
    if clause.of("T") and not re.search("|".join(lexicon.listed("ends")), time.name, re.I):
        use([i for i in clause.of("U") if stem(clause.words[i.first].low) in ("start", "begin", "began", "open")])
    alike = dict[str, list[Condition]]()  # on Mondays and Fridays in May: of one kind are alternatives
    for item in clause.of("T"):
        if str(item.means).startswith("hour") and not time.clock:
            continue  # days have no hours
        year = _year(time, item.means.removeprefix("> "))
        if time.kind == "number" and not isinstance(year, int):
            continue  # years have no months
        since: Any = ">" if item.means.startswith(">") else "=" if isinstance(year, int) else "during"
        alike.setdefault(kind_of(item.means), []).append(Condition(left=expr(time), op=since, right=year))
        said = clause.written([item]).casefold()
        if since == ">":
            clause.notes.append(f"“{said}” is counted from the last day of the table: after {year}.")
        elif said.startswith(("last", "this", "previous", "current")):
            clause.notes.append(f"“{said}” is read as {year}, as the data end on {str(time.high)[:10]}.")
        if said in lexicon.section("hours"):
            clause.notes.append(f"“{said}” is read as the hours {item.means.split()[1].replace('-', ' to ')}.")
        item.used = True
    both = re.search(r"\b(?:this|last) (year|month|quarter) and (?:the )?(?:this|last)\b", clause.text, re.I)
    if both and time.kind == "time" and not ask.groups:  # each of them, and not their sum
        ask.groups.append(Group.model_validate({"of": expr(time), "grain": both[1].casefold()}))
    several = [s for s in alike.values() if len(s) > 1 and kind_of(str(s[0].right)) == "4"]
    rates = {"share", "mean", "median"} & {i.means for i in clause.items if i.code == "S"}
    joined = len(several) == 1 and re.search(r"\d and\b", clause.text) and not lexicon.found("against", clause.text)
    if rates and joined and time.kind == "time" and not ask.groups:
        ask.groups.append(Group(of=expr(time), grain="year"))  # in 2023 and in 2024: of each year
    for some in alike.values():
        ask.where.append(some[0] if len(set(some)) == 1 else AnyOf(any_of=tuple((w,) for w in some)))


def within(number: float, column: Column) -> bool:
    """Whether a number can be a value of a column, by the least and the largest that it holds."""
    try:
        return float(column.low) <= number <= float(column.high)
    except (TypeError, ValueError):
        return True


def in_units_of(column: Column, number: float, unit: str) -> float | None:
    """A number in the unit of a column: 4 kg for body_mass_g is 4000. None where the column's unit is of another kind, or
    is not known and the number as it stands can be none of its values."""
    scales = list(lexicon.section("units").values())
    for scale in scales:
        if unit in scale and column.unit in scale:
            return float(number * scale[unit] / scale[column.unit])
        if unit in scale and any(column.unit in other for other in scales):
            return None  # two weeks are no length in metres
        if unit in scale and not column.unit and not (number > 1 and within(number, column)):
            return None
    return number


def _value(column: Column, item: Item, unit: str = "", since: bool = False) -> Any:
    """A number in the unit of a column, or a time as it holds it; None where it can be none of its values. `since`: a
    month is the last of its name."""
    if item.code == "N":
        number = in_units_of(column, item.means, item.unit or unit)
        return None if number is None else plain(number)
    item.means = placed(column, item.means, since)
    return _year(column, item.means)


def _year(column: Column, period: str) -> str | int:
    """A period as a column of plain years holds it."""
    return int(period) if column.kind == "number" and period.isdigit() else period


def placed(column: Column, period: str, since: bool = False) -> str:
    """A month or quarter of any year as the one that a table has, where all its times are of one year, or as the last
    that it has."""
    first, last = (str(end or "")[:4] for end in (column.low, column.high))
    part = re.fullmatch(r"(month|quarter) (\d+)", period)
    if part is None or not last.isdigit() or (first != last and not since):
        return period
    within = f"{int(part[2]):02d}" if part[1] == "month" else f"Q{part[2]}"
    written = (f"{year}-{within}" for year in (last, int(last) - 1))
    return next((when for when in written if first == last or begins(when) <= str(column.high)), period)


def _one(column: Column, levels: Sequence[Any], no: bool) -> Condition:
    levels = list(dict.fromkeys(levels))
    if len(levels) == 1:
        return Condition(left=expr(column), op="!=" if no else "=", right=levels[0])
    return Condition(left=expr(column), op="not in" if no else "in", right=tuple(levels))


def negated(where: Where) -> list[Where]:
    """The conditions that hold where this one does not; of a missing value neither does."""
    if isinstance(where, Condition):
        return [_flipped(where)]
    every = [tuple((_flipped(one),) for one in some) for some in where.any_of]
    return [some[0][0] if len(some) == 1 else AnyOf(any_of=some) for some in every]


def _flipped(where: Condition) -> Condition:
    flips = _FLIP | {"in": "not in", "not in": "in", "missing": "present", "present": "missing"}
    return given(where, op=flips.get(where.op, where.op))


_KINDS = (_absent, _compared, _between, _text, _listed, _equal, _missing)
"""In the order of trying; the lexicon has their shapes. What one returns is read: items, or True for all."""
