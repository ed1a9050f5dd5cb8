"""What a sentence says of a number: which statistic of which column and group it can mean, and whether it is that.

The columns are those that sentence and question name, else those of the cell that printed the number; the statistic is
the sentence's own word or, without one, what that cell computes; the rows are those that sentence and question name. A
number that is none of these is objected to where it is one of those next to them: of another group, of a condition less
or one that nobody says, another statistic, another unit, rows that are there several times. That it is just any other
proves nothing, as an invented number fits some group in two cases of three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from artifacts.types import Execution
from graphs.questions.query import Statistic
from graphs.review import units
from graphs.review.answering import shown
from graphs.review.facts import ALL, IN_UNIT, PLAIN, Facts, Given, Kind, Of, computed_in, stands
from graphs.review.mentions import YEAR, Label, columns, flags, is_key, keys, labels, levels
from graphs.review.prose.figures import CHANGES, figures
from graphs.review.prose.orders import superlative
from graphs.review.prose.said import Said, said_in, statistic

_EACH = re.compile(r"\b(?:per|for (?:each|every)|^\W*an?) ([^\W\d_]+)", re.I)
_PART_OF = re.compile(r"\b(?:of|all|total|are)(?: (?:the|our|its|their|all))*\s$", re.I)
_SOME_OF = re.compile(r"\s(?:out )?of (?:the|these|those|its|their|our|all|them)\b", re.I)
_BASE = re.compile(r"\W*(?:out )?(?:of|among)\b[^,]*,", re.I)
"""What begins a sentence that says of whom a share is: "Of those who left, 31 % …"."""
_OF = re.compile(r"\s*(?:%|per ?cent)?\s*(?:of|among)\b(?P<between>.*)", re.I | re.S)
_OF_ALL = re.compile(r"\s*(?:%|per ?cent)?\s*of (?:all|every|the (?:whole|entire))\b", re.I)
_WHOLE = re.compile(r"\b(?:all|overall|whole|total|altogether|every|general|both)\b", re.I)
_TURNS = re.compile(
    r"\b(?:chang\w*|decreas\w*|drop\w*|f[ae]ll\w*|declin\w*|less|fewer|lower|differ\w*|gap|down|los[est]\w*|negativ\w*|"
    r"minus|below|under|back|refund\w*|deficit|debts?|owe\w*|short|cost\w*|worse|behind|invers\w*|earlier)\b",
    re.I,
)
"""Words by which a sentence tells a number below nought without a sign."""
_SIGN = re.compile(r"\b(?:loss\w*|los[est]\w*|profit\w*|gain\w*|positive|negative|zero)\b", re.I)
_LIMITED = re.compile(r"\b(?:that|which|who|whose|where|with|having|known|given|recorded|available|answered)\b", re.I)
"""What says that only some of the things are counted: "344 concerts that were reviewed"."""
_VERB = re.compile(r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did)\b", re.I)
_WHO = re.compile(r"\b(?:who|that|which|whose)\b", re.I)


def recomputed(text: str, given: Given, facts: Facts, cells: Sequence[Execution]) -> Iterator[tuple[str, int]]:
    """The numbers of a text, each by its sentence and its place there, that the input files give for what it says."""
    for said in said_in(text, given, cells):
        if any(_Amount(said, base, given, facts).right() for base in given.tables):
            yield said.clause, said.figure.start


def misstated(text: str, given: Given, facts: Facts, cells: Sequence[Execution]) -> Iterator[str]:
    """What is wrong with the numbers of a text."""
    totals = list[str]()
    for said in (s for s in said_in(text, given, cells) if s.printed):
        bases = [base for base in given.tables if all(given.reached(base, n.column) for n in said.labels)]
        every = [_Amount(said, base, given, facts) for base in bases]
        if problem := next((p for amount in every if (p := amount.problem()) is not None), None):
            yield f"{said.figure.text} is {problem}"
        totals.append(next((p for amount in every if (p := amount.total()) is not None), ""))
    if totals and all(totals):
        yield totals[0]


Near = tuple[Kind, Of, str]
"""A number next to the one that is meant, and what it is."""


class _Amount:
    """A number of a text beside what it can mean of one table."""

    def __init__(self, said: Said, base: str, given: Given, facts: Facts) -> None:
        self.said, self.base, self.given, self.facts = said, base, given, facts
        self.figure = said.figure
        self.named = f"{said.clause} {given.question}"
        self.of = self._columns()

    def problem(self) -> str | None:
        """What is wrong with the number, as it goes on after "N is"; None where nothing is."""
        if self._is_all():
            return None
        right, wrong = self._share() if self.figure.share else self._plain()
        if told := [self._value(kind, of) or 0.0 for kind, of in right if self._tells(kind, of)]:
            lost = max(told) < 0 and not self.figure.negative and not _TURNS.search(self.said.clause)
            return f"told without its sign, and the input files give {shown(told[0])}" if lost else None
        for kind, of in right:
            if self._tells(kind, of, plainly=True):
                return f"in the unit of the column {kind.of}, not in that of the sentence"
        for kind, of, said in wrong:
            if self._tells(kind, of):
                return said
        return self._beyond() or self._certain(right)

    def right(self) -> bool:
        """Whether the number is one that it can mean, of the rows that its sentence names."""
        right, _ = self._share() if self.figure.share else self._plain()
        return any(of >= self.said.own and self._tells(kind, of) for kind, of in right)

    def _is_all(self) -> bool:
        """Whether the number is that of all rows of which others are a part: "347 of the 740 flights"."""
        many = self.facts.of(Kind(self.base, "count"))
        return self.figure.whole and self.figure.value == many and _PART_OF.search(self.figure.before) is not None

    def _ops(self) -> tuple[tuple[Statistic, ...], bool]:
        """The statistics that the number may be, and whether its sentence, or the question alone, names one."""
        said, alone = self.said, len(figures(self.said.text)) == 1  # beside what is asked for another one may stand
        each = any(self.given.of_rows(self.base, f" {m[1]}") for m in _EACH.finditer(said.clause))
        told = statistic(said.part)
        if not told and superlative(said.part):  # the most, on average or in total
            return (*computed_in(said.code), "max", "min"), False
        told = told or statistic(said.clause) or (("mean",) if each else ())
        asked = statistic(self.given.question)
        return told or asked or computed_in(said.code), bool(told or (alone and asked))

    def total(self) -> str | None:
        """That the number is a sum, where the question asks for one a row, or a unit of another column."""
        for each in _EACH.finditer(self.given.question):
            unit = units.of_text(f" {each[1]}")
            others = [c for c in self.given.kinds[self.base] if unit and unit == units.of_column(c)]
            if (unit and unit[0] != "time" and others) or self.given.of_rows(self.base, f" {each[1]}"):
                for of in set(self.of) - {*others}:
                    if self._tells(Kind(self.base, "sum", of), self.said.own):
                        return (
                            f"{self.figure.text} is the sum of {of}, and the question asks for that of each {each[1]}"
                        )
        return None

    def _value(self, kind: Kind, of: Of) -> float | None:
        count = Kind(kind.table, "count")
        if kind.op == "mean" and kind.of[:1] == "\0":  # with missing values as nought
            whole, known, rows = (
                self.facts.of(k, of) or 0.0
                for k in (replace(kind, op="sum", of=kind.of[1:]), replace(kind, op="present", of=kind.of[1:]), count)
            )
            return whole / rows if 0 < known < rows else None
        if kind.op == "mean" and len({c for c, _ in of}) == 1 < len(of):  # of several groups together
            some = [frozenset([one]) for one in of]
            total, many = (sum(self.facts.of(k, g) or 0.0 for g in some) for k in (replace(kind, op="sum"), count))
            return total / many if many else None
        if kind.op != "share":
            return self.facts.of(kind, of)
        if (column := kind.of.removeprefix("\0")) != kind.of:  # a part of a sum
            every, some_of = (self.facts.of(Kind(kind.table, "sum", column), rows_of) for rows_of in (ALL, of))
            return 100 * some_of / every if every and some_of is not None else None
        words = kind.of.split("\0")
        target = frozenset(zip(words[::2], words[1::2], strict=True))
        if not {c for c, _ in target}.isdisjoint(c for c, _ in of):
            return None
        base, part = self.facts.of(count, of), self.facts.of(count, of | target)
        return 100 * part / base if base and part is not None else None

    def _tells(self, kind: Kind, of: Of, *, plainly: bool = False) -> bool:
        """Whether the figure is this number, in the unit of its sentence, or `plainly` as the column has it."""
        factor = units.factor(kind.of, self.figure.told_in) if kind.op in IN_UNIT else None
        if (plainly and factor is None) or (value := self._value(kind, of)) is None:
            return False
        return self.figure.is_near(value * (factor if factor is not None and not plainly else 1.0))

    # Which column, which statistic.

    def _columns(self) -> list[str]:
        """The columns of numbers that the sentence can mean."""
        said, mine, table = self.said, self.given.measured(self.base), self.given.tables[self.base]
        told = units.of_text(self.figure.told_in)
        alike = [c for c in mine if told is None or (units.of_column(c) or told)[0] == told[0]]
        used = [c for c in alike if not is_key(c) and stands(c, said.code)]
        both = set(columns(said.clause, [table])) & set(columns(self.given.question, [table])) - keys(table)
        sure = [c for c in alike if c in both]
        return (sure or used)[:5]

    def _plain(self) -> tuple[list[tuple[Kind, Of]], Iterator[Near]]:
        """Statistics of columns, counts."""
        said, table = self.said, self.given.tables[self.base]
        own, wholes = said.own, [said.own | more for more in said.optional()]
        if (key := self.given.things(self.base, self.figure.after)) is not None:
            near = (Kind(self.base, "count"), own, f"the number of rows, not of {key}")
            return [(Kind(self.base, "distinct", key), of) for of in wholes], iter([near])
        ops, _ = self._ops()
        counted = columns(" ".join(self.figure.after.split()[:2]), [table])
        if ops == ("count",) and not {*counted}.isdisjoint(self.of):  # as many falls as their column adds up to
            ops = ("sum",)
        kinds = [Kind(self.base, op, c) for op in ops if op not in ("count", "share") for c in self.of]
        kinds += [Kind(self.base, "count")] * ("count" in ops)
        right = [(k, of) for k in kinds for of in wholes]
        if self._counts():  # 13 manual cars average 24 mpg
            kinds = [Kind(self.base, "count")]
            right += [(k, of) for k in kinds for of in wholes]
        with_flags = own | _pairs(f for f in said.flags if f.column not in _names(said.labels))
        ofs = dict.fromkeys((own, with_flags))
        return right, (
            n for k in kinds for n in (*self._beside(k, own), *(n for of in ofs for n in self._differing(k, of)))
        )

    def _counts(self) -> bool:
        """Whether a whole number stands before the things that a table has a row of each, or before a group of them."""
        figure = self.figure
        own = (n.end for n in labels(self.said.clause, self.given.list) if n.start == figure.end + 1)
        beside = any(re.match(r"\s[^\W\d_]", self.said.clause[end:]) for end in own)
        alone = figure.whole and figure.scale == 1 and not figure.unit and units.of_text(figure.told_in) is None
        some = _SOME_OF.match(figure.after) is not None
        return alone and (beside or some or self.given.of_rows(self.base, figure.after))

    # What stands next to it.

    def _beside(self, kind: Kind, own: Of) -> Iterator[Near]:
        """Other groups: without a value, of another one, of one that the code names and nobody says."""
        for column, value in own:
            name = self.given.column(self.base, column) or column
            without = f"the value without the condition that {name} is {value}, which is asked for"
            yield kind, own - {(column, value)}, without
            for other in self._levels(column):
                if other != value:
                    yield kind, own - {(column, value)} | {(column, other)}, f"the value of {other}, not of {value}"
        said = self.said
        everything = f"{said.text} {self.given.question}"
        named = {n.column for of in (labels, flags) for n in of(everything, self.given.list)} | {
            kind.of.partition("\0")[0]
        }
        kept: dict[str, list[str]] = {}
        for column, value in levels([self.given.tables[self.base]]):
            if value in self.given.literals and column not in named:
                kept.setdefault(column, []).append(value)
        for column, some in kept.items():  # of which several are let in
            if kind.op in PLAIN and 1 < len(some) < len(self._levels(column)):
                only = f"the value of the rows only whose {column} is {' or '.join(some)}, which is not said"
                yield kind, own | {(column, v) for v in some}, only
        for column, value in levels([self.given.tables[self.base]]):
            spoken_of = column in named or column in columns(self.named, [self.given.tables[self.base]])
            if value in self.given.literals and not spoken_of:
                only = f"the value of the rows only whose {column} is {value}, which is not said"
                yield kind, own | {(column, value)}, only

    def _levels(self, column: str) -> list[str]:
        if column == YEAR:
            return sorted({v for some in self.facts.values.values() for of in some for c, v in of if c == YEAR})
        return [v for c, v in levels(self.given.list) if c == column]

    def _differing(self, kind: Kind, own: Of) -> Iterator[Near]:
        """Another statistic of the column, another column, rows that a join repeats."""
        said_here = self.said.clause
        if self._ops()[1]:
            if kind.op == "mean":
                yield replace(kind, of=f"\0{kind.of}"), own, "the mean with missing values as nought"
            for op in PLAIN if kind.op in PLAIN else ():
                if op != kind.op:
                    yield replace(kind, op=op), own, f"the {op}, not the {kind.op}"
        if kind.op == "count" and self._counts() and not _LIMITED.search(said_here):
            for c in (k.of for k in list(self.facts.values) if k.op == "present" and k.table == self.base):
                if c not in columns(said_here, [self.given.tables[self.base]]):
                    yield (
                        replace(kind, op="present", of=c),
                        own,
                        f"how many rows have a value of {c}, not how many there are",
                    )
        counted = self.given.of_rows(self.base, self.figure.after)
        repeated = {k.repeated for k in self.facts.values if k.table == self.base and k.repeated}
        for file in sorted(repeated) if kind.op == "sum" or (kind.op == "count" and counted) else ():
            what = f"the sum of {kind.of}" if kind.of else f"the number of rows of {self.base}"
            key = self.given.repeats(self.base, file)[0]
            how = f"{what}, counted once for each row of {file} with the same {key}"
            yield replace(kind, repeated=file), own, how

    def _beyond(self) -> str | None:
        """That it is more than a sum or an average can be: than all values together, or the greatest of them."""
        everywhere = {c for base in self.given.tables for c in _Amount(self.said, base, self.given, self.facts).of}
        (ops, _), figure = self._ops(), self.figure
        if len(self.of) != 1 or len(everywhere) != 1 or len(ops) != 1 or is_key(self.of[0]) or figure.share:
            return None
        if self._counts() or CHANGES.search(self.said.clause) or figure.scale != 1:
            return None
        code, (op,), (of,) = computed_in(self.said.code), ops, self.of
        factor = units.factor(of, figure.told_in) or 1.0
        most = self.facts.of(Kind(self.base, "sum", of), self.said.own) if op == "sum" else None
        most = self.facts.of(Kind(self.base, "max", of)) if op != "sum" else most
        least = self.facts.of(Kind(self.base, "min", of))
        if most is None or least is None or figure.value - figure.half <= abs(most) * factor:
            return None
        if op in ("mean", "median", "min", "max") and "sum" not in code:
            return f"more than any {of} that the table holds"
        together = ops == ("sum",) and least >= 0 and (code == ("sum",) or "*" not in self.said.code)
        return f"more than every {of} of these rows together" if together else None

    # Shares.

    def _target(self, *labels: Label) -> Kind:
        """The share of the rows that have all these values."""
        return Kind(self.base, "share", "\0".join(word for n in labels for word in (n.column, n.value)))

    def _share(self) -> tuple[list[tuple[Kind, Of]], Iterator[Near]]:
        """Shares of rows, and parts of a sum. Of whom a share is, its sentence may say first."""
        said, clause, figure = self.said, self.said.clause, self.figure
        pool, here = self._pool()
        first = _BASE.match(clause)
        whom = [n for n in here if first is not None and n.end <= first.end() < figure.start]
        behind = sorted((n for n in here if n.start >= figure.end), key=lambda n: n.start)
        if not whom and len(behind) > 1 and _is_base(clause[figure.end : behind[0].start]):
            whom = behind[:1]  # 31 % of those who left were from Support
        rest = [n for n in (behind if whom == behind[:1] else here) if n not in whom]
        if _OF_ALL.match(clause[figure.end :]) and not whom and len(behind) > 1:
            joint = [(self._target(*some), ALL) for k in range(len(pool)) for some in combinations(pool, k + 1)]
            called = "a share among those of {}, not among all"
            among = ((t, [n for n in behind if n.column != t.column]) for t in behind)
            return joint, (
                (self._target(t), _pairs(of), called.format(", ".join(n.value for n in of))) for t, of in among
            )
        right, wrong = list[tuple[Kind, Of]](), list[Near]()
        if whom and rest:
            right.append((self._target(*rest), _pairs(whom)))
            for target in rest:
                others = _pairs(n for n in pool if n is not target)
                right += [(self._target(target), others), (self._target(target), _pairs(whom))]
                for base in whom:
                    swapped = others - _pairs([base]) | _pairs([target])
                    how = f"the share of {base.value} in {target.column} {target.value}: its base is the wrong one"
                    wrong.append((self._target(base), swapped, how))
                    wider = (
                        f"the share among all, not among those of {base.column} {base.value}: its base is the wrong one"
                    )
                    wrong.append((self._target(target, base), others - _pairs([base]), wider))
            return right, iter(wrong)
        for target in pool:
            others_of = [n for n in pool if n is not target]
            kept = said.own if target in said.flags and not _WHOLE.search(clause) else ALL  # of whom it is
            some = (_pairs(s) for k in range(len(pool)) for s in combinations(others_of, k))
            right += [(self._target(target), of) for of in some if kept <= of | _pairs([target])]
        if len(pool) == 1 and (target := pool[0]).column != YEAR:
            for value in (v for v in self._levels(target.column) if v != target.value):
                how = f"the share whose {target.column} is {value}, not {target.value}"
                wrong.append((self._target(replace(target, value=value)), ALL, how))
        parts = [
            Kind(self.base, "share", f"\0{c}") for c in self.of if said.own and not (said.flags or figure.in_words)
        ]
        right += [(part, said.own) for part in parts]
        wrong += [
            near
            for part in parts
            if part.of[1:] in columns(clause, self.given.list)
            for near in self._beside(part, said.own)
        ]
        for flag in said.flags:
            wrong += self._beside(self._target(flag), frozenset(p for p in said.own if p[0] != flag.column))
        return right, iter(wrong)

    def _certain(self, right: Sequence[tuple[Kind, Of]]) -> str | None:
        """A part told in words, where the sentence names what it is of and can mean nothing else."""
        said, (pool, here) = self.said, self._pool()
        if not self.figure.in_words:
            return None
        if self.figure.half < 1:  # all women survived; no plot made a loss
            subject = min((n.start - self.figure.end for n in here if n.start >= self.figure.end), default=99)
            if subject > 5 and not self.given.of_rows(self.base, self.figure.after):
                return None
            whom = [n for n in pool if n not in said.flags]
            right = [(self._target(said.flags[0]), _pairs(whom))] if len(said.flags) == 1 else []
            for of in self.of if not right and len(self.of) == 1 and _SIGN.search(said.clause) else ():
                low, high = (self.facts.of(Kind(self.base, op, of), said.own) for op in ("min", "max"))
                if low is not None and high is not None and low < 0 < high:
                    return f"said, and the input files give a {of} from {shown(low)} to {shown(high)}"
        elif len(here) != 1 or CHANGES.search(said.clause):
            return None
        value = next((v for kind, of in right if (v := self._value(kind, of)) is not None), None)
        wrong = value is not None and not self.figure.is_near(value)
        return f"said, and the input files give {shown(value)} %" if wrong else None

    def _pool(self) -> tuple[list[Label], list[Label]]:
        """The values that the number may be of, one a column, and those of them that its sentence names."""
        said, named = self.said, _pairs(labels(self.said.clause, self.given.list))
        pool = list({n.column: n for n in (*said.labels, *said.flags)}.values())
        return pool, [n for n in pool if n in said.flags or (n.column, n.value) in named]


def _is_base(between: str) -> bool:
    """Whether what stands between a share and a value leaves that value in "of …", before the sentence's verb."""
    of = _OF.match(between)
    return of is not None and (_WHO.search(of["between"]) is not None or _VERB.search(of["between"]) is None)


def _pairs(some: Iterator[Label] | Sequence[Label]) -> Of:
    return frozenset((n.column, n.value) for n in some)


def _names(some: Sequence[Label]) -> set[str]:
    return {n.column for n in some}
