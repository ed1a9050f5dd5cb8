"""The conditions of a clause: which rows are meant, and by which column and time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphs.questions.query import AnyOf, Condition, Measure, Query, Scalar, Where
from graphs.questions.query import Column as Other
from graphs.questions.reader import lexicon
from graphs.questions.reader.items import Clause, Item, use
from graphs.questions.reader.linking import Column
from graphs.questions.reader.text import name_words, stem, words
from graphs.questions.reader.times import TO, clock, kind_of, span

_FLIP = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "=": "!=", "!=": "=", "contains": "matches"}
_COMPARED = (
    "(C)[dwoi]*(n?)(K)[oi]*(S)[oid]*([CE]?)",  # a fare greater than the average fare
    "()()(K)(S)(C)",  # above average income
    "(C)[dwoix]*(n?)d*(K)o?(N)()",
    "()(n?)(K)o?(N)U?[oE]?(C)(?![KN])",  # at least 3 rooms
    "(C)[dwoi]*(n?)d*(K)(C)()",
    "()(n?)(K)(N)()",
    "()(n?)(K)(T)()",
)
"""A comparison: what is compared, a denial, the comparison, and with what; the column may stand behind."""


def expr(column: Column | str) -> str:
    """A column as the expression language writes it."""
    name = column.name if isinstance(column, Column) else column
    return name if name.isidentifier() else f"`{name}`"


def plain(number: float) -> int | float:
    """A number as a person writes it: 3 for 3.0."""
    return int(number) if float(number).is_integer() else number


class Conditions:
    """Reads the conditions of one clause; `columns` are those of the tables, `time` the column of times."""

    def __init__(self, columns: Sequence[Column], time: Column | None, before: str = "") -> None:
        self.columns, self.time = columns, time
        self.before = {w.low for w in words(before)}  # of the question that a fragment follows

    def read(self, clause: Clause, flags: bool = True) -> list[Where]:
        """The conditions in the order of their kinds; their items are read. `flags`: also columns of yes and no."""
        readers = [self._absent, self._compared, self._between, self._text, self._listed, self._equal, self._missing,
                   self._valued, *[self._flags] * flags, self._during]  # fmt: skip
        return _apart([condition for reader in readers for condition in reader(clause)])

    def hinted(self, hint: str) -> Column | None:
        """The column of the dimensions that a word such as "older" is about, by the words that their columns have."""
        names = [w for dimension in hint.split() for w in lexicon.columns_of(dimension)]
        if names == ["TIME"]:
            return self.time
        for word in names:
            named = [c for c in self.columns if c.kind in ("number", "time") and not c.label and stem(word) in c.stems]
            if named:  # the one of the shortest name: age, and not age_at_hire
                least = min(len(c.words) for c in named)
                found = {c.name: c for c in named if len(c.words) == least}
                return next(iter(found.values())) if len(found) == 1 else None
        return None

    def amount(self) -> Column | None:
        """The one column of money of the table, by which "the best month" or "the largest orders" are meant."""
        numbers = [c for c in self.columns if c.kind == "number" and not c.label]
        for said in lexicon.section("words")["amounts"]:
            if found := [c for c in numbers if set(said.split()) & set(c.words)]:
                return found[0] if len(found) == 1 else None
        return None

    def names(self, file: str = "") -> list[Column]:
        """The columns of a file that name what a row is about in words."""
        of = [c for c in self.columns if c.kind == "text" and not c.label and (not file or c.file == file)]
        return [c for c in of if "name" in c.words and c.n_unique > 0.5 * c.rows]

    def bare(self, clause: Clause, number: Item) -> Column | None:
        """The column of a number by itself: by its unit, or by what the rows are: a person's age, an event's amount."""
        said = self.before | {w.low for w in clause.words}
        hint = lexicon.dimensions("units", number.unit)
        if not hint and said & lexicon.people():
            hint = "age"
        column = self.hinted(hint) if hint else self.amount() if said & lexicon.some("events") else None
        value = None if column is None else in_units_of(column, number.means, number.unit)
        if column is None or value is None or column.kind != "number" or not within(value, column):
            return None
        clause.notes.append(f"“{clause.written([number])}” is read as a value of “{column.name}”.")
        return column

    def _absent(self, clause: Clause) -> list[Where]:
        """Customers without orders: rows of one file that no row of another has."""
        found: list[Where] = []
        for _, who, no, what in clause.find("([CE])[a-zU]*?(n)[idow]*(E)"):
            said = stem(clause.words[what[0].last].low)
            keys = [c for c in self.columns if c.key and not c.missing]
            there = [c for c in keys if said in c.stems | {stem(w) for w in name_words(c.file)}][:1]
            here = [
                c for c in keys for t in there if who[0].means and c.name == who[0].column.name and c.file != t.file
            ]
            if here and there[0].name not in {c.name for c in self.columns if c.file == here[0].file}:
                found.append(Condition(left=expr(there[0]), op="missing"))
                clause.notes.append(f"These are the rows of {here[0].file} that no row of {there[0].file} names.")
                use(no, what)
        return found

    def _compared(self, clause: Clause) -> list[Where]:
        found: list[Where] = []
        for pattern in _COMPARED:
            for _, left, no, op, right, after in clause.find(pattern):
                sign, _, hint = op[0].means.partition(" ")
                code, follows = right[0].code, clause.shape[clause.items.index(right[0]) + 1 :][:1]
                named = next((i.column for i in (*left, *after) if i.code == "C"), None)
                column = named if named is not None else self.hinted(hint) if hint else None
                if column is None and not hint and code == "N" and follows not in tuple("CEUV#"):
                    column = self.bare(clause, right[0])
                if code == "T" and (span_ := clock(sign, right[0].means)):  # after 6 pm: an hour of any day
                    right[0].means = span_
                    use(op)
                    continue
                column = self.time if code == "T" and column is None else column
                if column is None or (column.kind in ("text", "bool") and code == "N") or (code == "S" and not named):
                    continue
                value: Any = right[0].means
                if code == "S":
                    of = next((i.column for i in after if i.code == "C"), column)
                    value = Scalar(query=Query(measures=(Measure(op=value.split()[0], of=expr(of), p=_p(value)),)))
                elif code == "C":
                    value = Other(column=right[0].column.name)
                elif code == "N":
                    value = in_units_of(column, value, right[0].unit)
                    if value is None:
                        continue
                    value = plain(value)
                else:
                    value = right[0].means = placed(column, value)
                    value, since = _year(column, value), "since" in clause.text.casefold()
                    sign = ">=" if since and sign == ">" else sign
                found.append(Condition(left=expr(column), op=_FLIP[sign] if no else sign, right=value))
                use(left, no, op, right, after if code == "S" or not left else [])
        return found

    def _between(self, clause: Clause) -> list[Where]:
        found: list[Where] = []
        for _, between, low, joined, high, day in clause.find("([bi])(N)([ai]+)(N)i?(T)"):  # 6 and 9 in the evening
            hours = re.match(r"hour (\d+)", day[0].means)
            if hours and max(low[0].means, high[0].means) <= 12:
                noon = 12 if int(hours[1]) >= 12 else 0
                day[0].means = f"hour {int(low[0].means) % 12 + noon}-{int(high[0].means) % 12 + noon - 1}"
                use(between, low, joined, high)
        for _, left, no, between, lead, low, joined, high, after in clause.find(
            "(C?)[dwoi]*(n?)(b?)(i?)(?<=[bi])([NT])([ai]+)([NT])(C?)"
        ):
            if not (between or clause.written(lead).casefold() == "from" or TO & {clause.written([i]) for i in joined}):
                continue  # on Mondays in April; in 2020 and 2022
            named = left or after
            column = named[0].column if named else None
            if column is None and low[0].code == high[0].code == "N":
                column = self.bare(clause, high[0])
            if low[0].code == "T" or (column is None and self.time is not None and low[0].means > 1000):
                column = self.time if column is None or column.kind == "text" else column
            if column is None or low[0].code != high[0].code:
                continue
            if low[0].code == "T" and not str(low[0].means)[:1].isdigit():
                if not no and span(low[0], high[0]):
                    use(named, between)  # from May to July of any year: read with the times
                continue
            unit = high[0].unit
            bounds = tuple(in_units_of(column, i.means, i.unit or unit) if i.code == "N" else _year(column, i.means)
                           for i in (low[0], high[0]))  # fmt: skip
            if None in bounds:
                continue
            bounds = tuple(b if isinstance(b, str) else plain(b or 0) for b in bounds)
            one: Where = Condition(left=expr(column), op="between", right=bounds)
            if no:
                sides = zip(("<", ">"), bounds, strict=True)
                one = AnyOf(any_of=tuple((Condition(left=expr(column), op=op, right=x),) for op, x in sides))
            found.append(one)
            use(named, no, between, low, high)
        return found

    def _text(self, clause: Clause) -> list[Where]:
        found: list[Where] = []
        for _, left, no, op, right in clause.find("(C?)[dwoi]*(n?)d*(k)i?([QVU])"):
            column = left[0].column if left else right[0].means[0] if right[0].code == "V" else None
            if column is None:
                continue
            text = right[0].means[1] if right[0].code == "V" else right[0].means or clause.written(right)
            pattern = f"(?is)^(?!.*{re.escape(text)})" if no else text
            found.append(Condition(left=expr(column), op="matches" if no else op[0].means, right=pattern))
            use(left, no, op, right)
        return found

    def _listed(self, clause: Clause) -> list[Where]:
        """Quoted values of a column whose values the description does not list, as of one that the question makes."""
        found: list[Where] = []
        for _, left, no, right in clause.find("(C)[dwoi]*(n?)[^CVSR]*?((?:Q[ac]*)+)"):
            column = left[0].column
            if column.dtype == "new" or (column.kind == "text" and column.n_unique > len(column.values)):
                found.append(_one(column, [i.means for i in right if i.code == "Q"], bool(no)))
                use(left, no, right)
        return found

    def _equal(self, clause: Clause) -> list[Where]:
        """A number right beside a column of few: class 1, third class, year 1992; or behind "is"."""
        found: list[Where] = []
        for pattern in ("(C)d*(n?)K?([N]+(?:[ac]+N)*)", "()()(1(?:[ac]+1)*)(C)"):
            for _, left, no, right, *behind in clause.find(pattern):
                column = (left or behind[0])[0].column
                numbers = [plain(i.means) for i in right if i.code in "N1"]
                few = {v.removesuffix(".0") for v in column.values}
                shape = clause.shape
                said = left and ("d" in shape[clause.items.index(left[0]) :][:3] or "K" in shape)
                fits = all(str(n) in few for n in numbers) or (said and not few)
                if fits and (column.kind == "number" or (left and (column.kind == "bool" or column.label))):
                    found.append(_one(column, numbers, bool(no)))
                    use(left, no, right, *behind)
        return found

    def _missing(self, clause: Clause) -> list[Where]:
        found: list[Where] = []
        for pattern in ("(C)w?d+(n?)(m)", "d(C)(n?)(m)"):
            for _, left, no, gap in clause.find(pattern):
                found.append(Condition(left=expr(left[0].column), op="present" if no else "missing"))
                use(left, no, gap)
        for _, gap, left in clause.find("(?<=[wi])(m)(C)"):  # penguins with unknown sex
            found.append(Condition(left=expr(left[0].column), op="missing"))
            use(gap, left)
        for _, no, left in clause.find("(?:[wEC]|^)[wdi]*(n)(C)(?![KNVQ])"):  # orders without a channel
            said = clause.words[no[0].first].low
            column = left[0].column
            if said in ("no", "without", "lack", "lacking") and column.kind != "bool":
                none = column.kind == "number" and not column.missing and column.low == 0  # no sale is a sale of 0
                found.append(Condition(left=expr(column), op="=" if none else "missing", right=0 if none else None))
                use(no, left)
        return found

    def _valued(self, clause: Clause) -> list[Where]:
        """Values by themselves; several of one column are alternatives, those of different columns hold together."""
        found: list[Where] = []
        by_column = dict[Column, list[tuple[str, bool]]]()
        named = [i.column for i in clause.items if i.code == "C"]
        for _, sign, no, many in clause.find("(K?)((?:n[ido]*)?)(V(?:[ac]+V)*)"):
            if sign and sign[0].means not in ("=", "!="):
                continue
            no = no or [i for i in sign if i.means == "!="]
            for item in (i for i in many if i.code == "V"):
                column, level = item.means
                if column not in named:
                    column = next((c for c in item.also if c in named), column)
                by_column.setdefault(column, []).append((level, bool(no)))
                if item.also and column not in named:
                    others = " or ".join(f"“{c.name}”" for c in item.also)
                    clause.notes.append(f"“{level}” is looked for in “{column.name}”; it is also in {others}.")
            use(sign, no, many)
        for column, levels in by_column.items():
            yes = [v for v, no in levels if not no]
            if yes:
                found.append(_one(column, yes, False))
            if len(yes) < len(levels):
                found.append(_one(column, [v for v, no in levels if no], True))
            for item in clause.of("C"):
                if item.column == column and not yes[1:]:
                    item.used = True
        return found

    def _flags(self, clause: Clause) -> list[Where]:
        """Columns of yes and no, or of a time that only some rows have, said of the rows: who survived, smokers, not
        married, never returned."""
        found: list[Where] = []
        codes = "".join(i.code for i in clause.items)
        if set("RO") & set(clause.shape) or re.search(r"\bwhether\b|\bor not\b", clause.text, re.I):
            return found
        for n, item in enumerate(clause.items):
            if item.used or item.code not in "CE" or item.means is None or clause.words[item.first].quote:
                continue
            column, word = item.column, clause.words[item.last].low
            dated = column.kind == "time" and column.missing > 0
            if not dated and (column.kind != "bool" or item.code == "E"):
                continue
            before, behind = codes[:n].rstrip("da")[-1:], clause.items[n + 1 : n + 2]
            verbs = [w.low for w in clause.words[item.first : item.last + 1]] if dated else [word]  # picked up
            said = any(v.endswith(("ed", "en", "ing")) for v in verbs) or (dated and word == column.words[0])  # left_on
            noun = before in ("o", "i", "h", "V", "") and word != column.words[-1] and word.endswith("s")
            verb = before in ("w", "E", "n", "V") or clause.shape.strip("dac.") == "C"
            verb = verb or (codes[n - 1 : n] == "d" and n + 1 == len(codes) and "E" in codes[:n])  # were promoted
            whose = (
                bool(behind) and behind[0].code in "EC" and (behind[0].means is None or behind[0].column.kind == "text")
            )
            verb = verb or (whose and said)  # returned orders
            no = before == "n" or (item.first > 0 and clause.words[item.first - 1].low in ("non", "un", "not"))
            if not (noun or verb or no) or (dated and not (said and before in ("w", "E", "n"))):
                continue
            if before == "n":
                clause.items[clause.shape[:n].rindex("n")].used = True
            if dated:
                found.append(Condition(left=expr(column), op="missing" if no else "present"))
            else:
                found.append(Condition(left=expr(column), op="!=" if no else "=", right=column.yes))
            item.used = True
        return found

    def _during(self, clause: Clause) -> list[Where]:
        found: list[Where] = []
        if self.time is None:
            return found
        named = [i.column for i in clause.items if i.code == "C" and i.column.kind == "time"]  # who signed up in 2023
        time = named[0] if len(named) == 1 else self.time
        for item in clause.of("U") if not re.search("|".join(lexicon.listed("ends")), time.name, re.I) else ():
            item.used = bool(clause.of("T")) and stem(clause.words[item.first].low) in (
                "start",
                "begin",
                "began",
                "open",
            )
        alike = dict[str, list[Condition]]()  # on Mondays and Fridays in May: of one kind are alternatives
        for item in clause.of("T"):
            if str(item.means).startswith("hour") and not time.clock:
                continue  # days have no hours
            year = _year(time, item.means)
            one = Condition(left=expr(time), op="=" if isinstance(year, int) else "during", right=year)
            alike.setdefault(kind_of(item.means), []).append(one)
            if (said := clause.written([item]).casefold()).startswith(("last", "this", "previous", "current")):
                clause.notes.append(f"“{said}” is read as {year}, as the data end on {str(time.high)[:10]}.")
            if said in lexicon.section("hours"):
                clause.notes.append(f"“{said}” is read as the hours {item.means.split()[1].replace('-', ' to ')}.")
            item.used = True
        for some in alike.values():
            found.append(some[0] if len(set(some)) == 1 else AnyOf(any_of=tuple((w,) for w in some)))
        return found


def _apart(found: list[Where]) -> list[Where]:
    """Below 30 or above 60: two bounds that no value meets together are alternatives."""
    for low in [w for w in found if isinstance(w, Condition) and w.op in ("<", "<=")]:
        for high in [w for w in found if isinstance(w, Condition) and w.op in (">", ">=") and w.left == low.left]:
            a, b = low.right, high.right
            if isinstance(a, (int, float)) and isinstance(b, (int, float)) and a <= b:
                return [*(w for w in found if w not in (low, high)), AnyOf(any_of=((low,), (high,)))]
    return found


def within(number: float, column: Column) -> bool:
    """Whether a number can be a value of a column, by the least and the largest that it holds."""
    try:
        return float(column.low) <= number <= float(column.high)
    except (TypeError, ValueError):
        return True


def in_units_of(column: Column, number: float, unit: str) -> float | None:
    """A number in the unit of a column: 4 kg for body_mass_g is 4000. None where the column's unit is not known and the
    number as it stands can be none of its values."""
    for scale in lexicon.section("units").values():
        if unit in scale and column.unit in scale:
            return float(number * scale[unit] / scale[column.unit])
        if unit in scale and not column.unit and not (number > 1 and within(number, column)):
            return None
    return number


def _year(column: Column, period: str) -> str | int:
    """A period as a column of plain years holds it."""
    return int(period) if column.kind == "number" and period.isdigit() else period


def placed(column: Column, period: str) -> str:
    """A month or quarter of any year as the one that a table has, where all its times are of one year."""
    years = {str(end or "")[:4] for end in (column.low, column.high)}
    part = re.fullmatch(r"(month|quarter) (\d+)", period)
    if part is None or len(years) > 1 or not (year := years.pop()).isdigit():
        return period
    return f"{year}-{int(part[2]):02d}" if part[1] == "month" else f"{year}-Q{part[2]}"


def _p(means: str) -> float | None:
    return float(means.split()[1]) if " " in means else None


def _one(column: Column, levels: Sequence[Any], no: bool) -> Condition:
    levels = list(dict.fromkeys(levels))
    if len(levels) == 1:
        return Condition(left=expr(column), op="!=" if no else "=", right=levels[0])
    return Condition(left=expr(column), op="not in" if no else "in", right=tuple(levels))


def negated(where: Where) -> list[Where]:
    """The condition that holds where this one does not; of a missing value neither does."""
    if isinstance(where, AnyOf):
        return [Condition(left="1", op="=", right=0)]
    flips = _FLIP | {"in": "not in", "not in": "in", "missing": "present", "present": "missing"}
    if where.op not in flips or where.op == "contains":
        return [where]
    return [Condition(left=where.left, op=flips[where.op], right=where.right)]
