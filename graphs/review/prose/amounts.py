"""What a sentence says of a number: which statistic of which column and group it can mean, and whether it is that.

The columns are those that sentence and question name, else those of the cell that printed the number; the statistic is
the sentence's own word or, without one, what that cell computes; the rows are those that sentence and question name. A
number that is none of these is objected to where it is one of those next to them: of another group, of a condition less
or one that nobody says, another statistic, another unit, rows that are there several times. That it is just any other
proves nothing, as an invented number fits some group in two cases of three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, product

from artifacts.types import Execution
from graphs.questions.query import Condition, Statistic
from graphs.review import units
from graphs.review.facts import ALL, LEFT_OUT, PLAIN, Facts, Given, Kind, Of, computed_in, stands
from graphs.review.mentions import YEAR, Label, columns, flags, keys, labels, pairs, roots, telling
from graphs.review.prose.figures import CHANGES, figures
from graphs.review.prose.said import Said, said_in, statistic, superlative

_SOME_OF = re.compile(r"\s(?:out )?of (?:the|these|those|its|their|our|all|them)\b", re.I)
_PART = re.compile(r"\s(?:out )?of (?:(?:the|all|its|our|their) )?\d", re.I)
_BASE = re.compile(r"\W*(?:out )?(?:of|among)\b[^,]*,", re.I)
"""What begins a sentence that says of whom a share is: "Of those who left, 31 % …"."""
_OF = re.compile(
    r"\s*(?:%|per ?cent)?\s*(?:of|among)\b(?:(?=.*\b(?:who|that|which|whose)\b)|"
    r"(?!.*\b(?:is|are|was|were|be|been|has|have|had|do|does|did)\b))",
    re.I | re.S,
)
"""What stands between a share and a value of those of whom it is, which come before the sentence's verb."""
_OF_ALL = re.compile(r"\s*(?:%|per ?cent)?\s*of (?:all|every|the (?:whole|entire))\b", re.I)
_IS_WHOLE = re.compile(
    r"\b(?:of|from|among|across) (?:(?:the|our|its|all|their|\w+['’]s) )+[€$£]?$|\b(?:overall|total|all)\b[^\d,;.(]*$",
    re.I,
)
_WHOLE_BEHIND = re.compile(r"[^\d,;.(]{0,25}\b(?:overall|across (?:all|the))\b", re.I)
"""What stands before or behind a number of all rows: 34 % "of the shop's" 50,140."""
_WHOLE = re.compile(r"\b(?:all|overall|whole|total|altogether|every|general|both)\b", re.I)

_SPAN = re.compile(r"\b(?P<from>between|from) [€$£]?\d[\d.,]*(?: ?[^\W\d]+| ?%)? (?:and|to) [€$£]?\d[\d.,]*", re.I)
_OTHER_END = re.compile(r"^ ?(?:to|and|or|[-–—]) ?\d[\d.,]*(?<!\.)")
"""What stands between the lower end of a span and what it counts: 36 "to 101" batches."""
_IN_PER_CENT = re.compile(r"%|pct|per_?cent", re.I)
_ONLY = re.compile(
    r"\b(?:in|at|during|for|from|among|over|under|before|after|since|only|left|remaining|on|with|without|that|which|who|whose|when|where)\s"
    r"(?:(?:the|our|an?|all|each|every) )?([^\W\d_]+)",
    re.I,
)


def recomputed(text: str, given: Given, facts: Facts, cells: Sequence[Execution]) -> Iterator[tuple[str, int]]:
    """The numbers of a text, each by its sentence and its place there, that the input files give for what it says."""
    asked = tuple(flags(given.question, given.list))
    for said in (replace(s, flags=s.flags or asked) for s in said_in(text, given, cells)):
        if any(_Amount(said, base, given, facts).is_right() for base in given.tables):
            yield said.clause, said.figure.start


def misstated(text: str, given: Given, facts: Facts, cells: Sequence[Execution]) -> Iterator[str]:
    """What is wrong with the numbers of a text."""
    for said in (s for s in said_in(text, given, cells) if s.printed):
        bases = [base for base in given.tables if all(given.reached(base, n.column) for n in said.labels)]
        every = [_Amount(said, base, given, facts) for base in bases]
        if problem := next(filter(None, (amount.problem() for amount in every)), None):
            yield f"{said.figure.text} is {problem}"


@dataclass(frozen=True)
class _Value:
    """A number that the input files give, of these rows, and the column in whose unit it is."""

    number: float
    rows: Of
    column: str = ""


Near = tuple[_Value, str]
"""A number next to the one that is meant, and what it is."""


class _Amount:
    """A number of a text beside what it can mean of one table."""

    def __init__(self, said: Said, base: str, given: Given, facts: Facts) -> None:
        self.said, self.base, self.given, self.facts = said, base, given, facts
        self.figure, self.table, self.count = said.figure, given.tables[base], Kind(base, "count")
        self.of = self._columns(base)
        self.right, self.near = self._shares() if self.figure.share else self._plain()
        if self.figure.share and any(_IN_PER_CENT.search(c) for c in self.of):  # of rates a mean is told in per cent
            right, self.near = self._plain()
            self.right = [*self.right, *right]

    def problem(self) -> str | None:
        """What is wrong with the number, as it goes on after "N is"; None where nothing is."""
        figure = self.figure
        if any(map(self._tells, self.right)):
            return None
        for v in self.right:
            if self._factor(v.column) != 1 and figure.is_near(v.number):
                return f"in the unit of the column {v.column}, not in that of the sentence"
        return next((what for v, what in self.near if self._tells(v)), None)

    def is_right(self) -> bool:
        """Whether the number is one that it can mean, or one of three digits, of the rows that its sentence names."""
        ops, named = self._ops()
        every = (k for k in self.facts.values if k.table == self.base and not k.repeated)
        known = self._values((k for k in every if not named or k.op in ops), [self.said.own])
        exact = self.figure.digits > 2 and any(map(self._tells, known))
        return exact or any(v.rows >= self.said.own and self._tells(v) for v in self.right)

    def _factor(self, column: str) -> float:
        """By what a number in a column's unit is multiplied to be told in that of the sentence."""
        return units.factor(column, self.figure.told_in) or 1.0

    def _tells(self, v: _Value) -> bool:
        return self.figure.is_near(v.number * self._factor(v.column))

    # What is known.

    def _values(self, kinds: Iterable[Kind], every: Iterable[Of], kept: tuple[Condition, ...] = ()) -> list[_Value]:
        """The statistics of these rows that are known."""
        found = []
        for kind, of in product(kinds, every):
            number = self.facts.of(kind, of, kept)
            if number is not None:
                found.append(_Value(number, of, kind.of if kind.op in units.IN_UNIT else ""))
        return found

    def _part(self, target: Of, of: Of) -> list[_Value]:
        """The share, in per cent, of these rows that have the target's values too."""
        base, part = self.facts.of(self.count, of), self.facts.of(self.count, of | target)
        apart = {c for c, _ in target}.isdisjoint(c for c, _ in of)
        return [_Value(100 * part / base, of | target)] if apart and base and part is not None else []

    # Which column, which statistic.

    def _columns(self, base: str) -> list[str]:
        """The columns of numbers that the sentence can mean."""
        said, table, told = self.said, self.given.tables[base], units.of_text(self.figure.told_in)
        mine = [c for c in self.given.measured(base) if told is None or (units.of_column(c) or told)[0] == told[0]]
        both = set(columns(said.clause, [table])) & set(columns(self.given.question, [table])) - keys(table)
        used = [c for c in mine if stands(c, said.code)] or mine
        return ([c for c in used if c in both] or [c for c in used if stands(c, said.code)])[:5]

    def _ops(self) -> tuple[tuple[Statistic, ...], bool]:
        """The statistics that the number may be, and whether its sentence, or the question alone, names one."""
        said, alone = self.said, len(figures(self.said.text)) == 1  # beside what is asked for another one may stand
        told = statistic(said.part)
        made, asked = (
            tuple(op for op in some if op != "share" and (self.figure.whole or op not in ("count", "distinct")))
            for some in (computed_in(said.code), statistic(self.given.question))
        )
        if not told and superlative(said.part):  # the most, on average or in total
            return (*made, "max", "min"), False
        end = max(f.end for f in (self.figure, *figures(said.clause)))  # what stands between may be another one's
        behind = said.clause[end:] if said.labels or end == self.figure.end else ""  # of an aside it says nothing
        told = told or statistic(self.figure.before) or statistic(behind)
        ends: tuple[Statistic, ...] = ("min", "max") if self._is_end() else ()
        return (*(told or asked or made), *ends), bool(told or (alone and asked))

    def _is_end(self) -> bool:
        """Whether the number is one end of a span that is told: between 18 and 27."""
        spans = (m for m in _SPAN.finditer(self.said.clause) if m["from"] == "between" or not CHANGES.search(m.string))
        return any(m.start() < self.figure.start < m.end() for m in spans)

    def _plain(self) -> tuple[list[_Value], Iterator[Near]]:
        """Statistics of columns, and counts."""
        wholes = [self.said.own | more for more in self.said.optional()]
        ops, _ = self._ops()
        counted = columns(" ".join(self.figure.after.split()[:2]), [self.table])
        if ops == ("count",) and not {*counted}.isdisjoint(self.of):  # as many falls as their column adds up to
            ops = ("sum",)
        kinds = [Kind(self.base, op, c) for op in ops if op not in ("count", "share") for c in self.of]
        kinds += [self.count] * ("count" in ops)
        meant = [self.count] if self._counts() else kinds  # 13 manual cars average 24 mpg
        return self._values(dict.fromkeys([*kinds, *meant]), wholes), self._near(meant)

    def _counts(self) -> bool:
        """Whether a whole number stands before the things that a table has a row of each, or before a group of them."""
        figure = self.figure
        after = _OTHER_END.sub("", figure.after)
        own = (n.end for n in labels(self.said.clause, self.given.list) if n.start == figure.end + 1)
        beside = any(re.match(r"\s[^\W\d_]", self.said.clause[end:]) for end in own)
        alone = figure.whole and figure.scale == 1 and not figure.unit and units.of_text(figure.told_in) is None
        some = _SOME_OF.match(figure.after) is not None
        return alone and (beside or some or self.given.of_rows(self.base, after))

    def _kept(self, column: str) -> list[tuple[Condition, ...]]:
        """The conditions that cells set and nobody says; what a limit counts is seldom named after its column."""
        everything = f"{self.said.text} {self.given.question}"
        if LEFT_OUT.search(self.said.text):
            return []
        told = {column, *(n.column for of in (labels, flags) for n in of(everything, self.given.list))}
        told.update(columns(f"{self.said.clause} {self.given.question}", [self.table]))
        every = self.given.kept(self.base)
        every = [kept for kept in every if column or all(isinstance(c.right, (str, tuple)) for c in kept)]
        every = [
            kept for kept in every if not any(isinstance(c.right, str) and len(c.right) < 3 for c in kept)
        ]  # f of sex
        known = roots("average total mean all us them it data whole").union(*map(telling, self.given.kinds[self.base]))
        for m in _ONLY.finditer(self.said.clause):  # of some rows in words of its own: in the high season
            if not any(w[:4] == k[:4] for w in roots(m[1]) for k in known) and not self.given.of_rows(
                self.base, f" {m[1]}"
            ):
                return []
        return [kept for kept in every if told.isdisjoint(c.left.strip("`") for c in kept)]

    # What stands next to it.

    def _near(self, kinds: Sequence[Kind]) -> Iterator[Near]:
        """The same of other rows or of the rows only that a cell keeps, another statistic, rows that a join repeats."""
        if not (self.figure.whole and _PART.match(self.figure.after)):  # 520 of all 960 stays are some for any reason
            every = [self.said.own | more for more in self.said.optional()]
            near = (near for own in every for meant in kinds for near in self._beside(meant, own))
            for kind, of, kept, what in near:
                yield from ((v, what) for v in self._values([kind], [of], kept))

    def _beside(self, kind: Kind, own: Of) -> Iterator[tuple[Kind, Of, tuple[Condition, ...], str]]:
        figure, asked = self.figure, pairs(labels(self.given.question, self.given.list))
        of_all = _WHOLE_BEHIND.match(figure.after) or _IS_WHOLE.search(figure.before)
        for column, value in self.said.own:
            rest, name = own - {(column, value)}, self.given.column(self.base, column) or column
            if (column == YEAR or (column, value) in asked) and not of_all:
                yield kind, rest, (), f"the value without the condition that {name} is {value}, which is asked for"
            others = {v for some in self.facts.values.values() for of in some for c, v in of if c == column} - {value}
            for other in sorted(others):
                yield kind, rest | {(column, other)}, (), f"the value of {other}, not of {value}"
        for kept in self._kept(kind.of):
            by = " and ".join(sorted({c.left.strip("`") for c in kept}))
            yield kind, own, kept, f"the value of the rows only that a cell keeps by {by}, which is not said"
        beside = [of for of in self.facts.values.get(kind, ()) if all(stands(c, self.said.code) for c, _ in of)]
        is_another = any(map(self._tells, self._values([kind], beside)))  # 161.6 cm against 159.5 of those left dry
        for op in PLAIN if self._ops()[1] and kind.op in PLAIN and not is_another else ():
            if op != kind.op:
                yield replace(kind, op=op), own, (), f"the {op}, not the {kind.op}"
        told = [f.value for f in figures(self.said.clause) if f.value not in (1, figure.value)]
        product_of = any(figure.is_near(a * b) for a, b in combinations(told, 2))  # 117 at €180 are €21,060
        added = kind.op == "sum" or (kind.op == "count" and self.given.of_rows(self.base, figure.after))
        for file in self.given.tables if added and not product_of else ():
            what = f"the sum of {kind.of}" if kind.of else f"the number of rows of {self.base}"
            for key in self.given.repeats(self.base, file)[:1] if file != self.base else ():
                how = f"{what}, counted once for each row of {file} with the same {key}"
                yield replace(kind, repeated=file), own, (), how

    # Shares.

    def _shares(self) -> tuple[list[_Value], Iterator[Near]]:
        """Shares of rows, and parts of a sum."""
        said, named = self.said, pairs(labels(self.said.clause, self.given.list))
        pool = list({n.column: n for n in (*said.labels, *said.flags)}.values())  # one value a column
        here = [n for n in pool if n in said.flags or (n.column, n.value) in named]
        right, near = list[_Value](), list[Near]()
        if (whom := self._whom(here)) is not None:
            for some in _subsets(pool):
                for of in _subsets([n for n in pool if n not in some]) if some else ():
                    values = self._part(pairs(some), pairs(of))
                    if {*whom} <= {*of} and (whom or not of):
                        right += values
                    elif {*some} <= {*here}:
                        what = f"the share of {_spelt(some)} among {_spelt(of)}, not among {_spelt(whom)}"
                        near += [(v, f"{what}: its base is the wrong one") for v in values]
            return right, iter(near)
        for target in pool:
            own = frozenset([(target.column, target.value)])
            kept = said.own if target in said.flags and not _WHOLE.search(said.clause) else ALL  # of whom it is
            every = map(pairs, _subsets([n for n in pool if n is not target]))
            right += [v for of in every if kept <= of | own for v in self._part(own, of)]
        return right, iter(())

    def _whom(self, here: Sequence[Label]) -> list[Label] | None:
        """The values of those of whom a share is, where the order of the sentence says that; none of all rows."""
        clause, figure, first = self.said.clause, self.figure, _BASE.match(self.said.clause)
        behind = sorted((n for n in here if n.start >= figure.end), key=lambda n: n.start)
        whom = [n for n in here if first is not None and n.end <= first.end() < figure.start]
        if not whom and len(behind) > 1:
            if _OF.match(clause[figure.end : behind[0].start]):  # 31 % of those who left were from Support
                return behind[:1]
            return [] if _OF_ALL.match(clause[figure.end :]) else None
        return whom if whom and len(whom) < len(here) else None


def _subsets(some: Sequence[Label]) -> Iterator[tuple[Label, ...]]:
    return chain.from_iterable(combinations(some, many) for many in range(len(some) + 1))


def _spelt(some: Sequence[Label]) -> str:
    return f"those of {' and '.join(f'{n.column} {n.value}' for n in some)}" if some else "all"
