"""What a sentence says of groups beside each other: which is first, in which order, which has more, which way it went,
how far they are apart. It is held against the statistic that the sentence or the question names, computed from the
input files, or, where neither names one, against all that the cells' code computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations
from statistics import median
from typing import Literal

from graphs.review.answering import half
from graphs.review.facts import ALL, FALLS, RISES, TREND, Facts, Given, Kind, Of, computed_in, stands
from graphs.review.mentions import YEAR, Label, columns, flags, is_of, labels, pairs, roots, spoken, yes_and_no
from graphs.review.prose.figures import CHANGES, IS_POINTS, PERCENT, POINTS, Figure, counted, figures, sentences
from graphs.review.prose.printed import numbered
from graphs.review.prose.said import AGAINST, meanings, statistic

_LEADS = re.compile(r"\b(?:leads?|tops?|comes? first|ahead of|largest|number one)\b", re.I)
_PLACE = re.compile(
    r"\b(?:comes?|came|ranks?|is|follows) (?:in )?(second|third)\b(?: place)?(?=[,.;]| (?:with|at|ahead|before)\b)"
)
_AMONG = re.compile(
    r"^\W*of (?:the|those)\b|\b(?:among|except|apart|besides|excluding|without|other than|second|third|next|after)\b|"
    r"\b(?:gap|difference|spread)s? (?:\w+ ){,6}(?:\w+est|most|least)\b|(?:est|most|least) (?:gap|difference|spread)",
    re.I,
)
"""What leaves groups out before one is put first, or puts it first by how far others in it are apart."""
_NO_AMOUNT = re.compile(
    r"\bat (?:least|most)\b|\b(?:most|least) (?!often|by|far|of|expensive|frequent|common|likely|popular|many)"
    r"\w+(?:al|ent|ant|ive|ous|ful|able|ible|ing|ed)\b",
    re.I,
)
"""What is a superlative and no amount: a kiln is "the most reliable"."""
_PARTS = re.compile(r";|,? \b(?:whereas|while|but)\b|, and\b")
_FOLLOWED = re.compile(r"\b(?:followed by|ahead of|then comes?)\b", re.I)
_DOWNWARD = r"\b(?:from (?:the )?(?:highest|largest|most|best)|descending|in (?:falling|decreasing) order)\b"
_UPWARD = r"\b(?:from (?:the )?(?:lowest|smallest|least|worst)|ascending|in (?:rising|increasing) order)\b"
_RANKS = re.compile(r"\b(?:rank\w*|sort\w*|order(?:ed|ing)|order (?:of|by)|in (?:\w+ )?order)\b|^\W*order\b", re.I)
_BESIDE = re.compile(r"\b(?:against|versus|vs|compared|than)\b", re.I)
"""What stands before those with which the first is compared."""
_BEATS = r"(?:beats?|out(?:perform|sell|score|rank|pace)s?|exceeds?|surpass\w*|overtakes?)"
_TIMES = r"(?:[1-9][\d.,]*|two|three|four|five|six|ten) times|twice"
MORE = rf"\b(?:{_BEATS}|{_TIMES}|more|higher|larger|greater|bigger|longer|above|older|better)\b"
_THAN = re.compile(rf"\b(?:than|times|twice|{_BEATS})\b", re.I)
LESS = r"\b(?:less|lower|smaller|fewer|shorter|below|younger|worse)\b"
_GAP = re.compile(rf"\s?(?:{PERCENT}|{POINTS}|points?|p\.?p)\s(?:\w+ ){{0,2}}(?:{MORE}|{LESS})", re.I)
"""What follows a number that tells how far two others are apart."""
_CAVEAT = re.compile(r"\b(?:few|only|just|small|handful|tiny|single|caution\w*|hardly any|sample)\b", re.I)
"""What says that a group is small."""
_HANDFUL = 5
"""Rows that are so few that a mean of them says nothing."""
_TURNED = re.compile(
    r"\b(?:revers\w*|rebound\w*|bounc\w+ back|turn\w* a?round|but then|since then|bottomed|peaked)\b", re.I
)
_SPANS = re.compile(r"quarter|month|week|hour", re.I)
_TO_COME = re.compile(
    r"\b(?:forecast|expect|project(?:ed|ion)|predict|will|would)\w*\b|\bnext (?:day|week|month|quarter|year)", re.I
)
_NOT = re.compile(r"\b(?:not?|never)\b(?!-)|n't", re.I)
_SHARES = {
    "two thirds": (60, 73), "three quarters": (69, 81), "third": (27, 40), "quarter": (19, 31), "half": (41, 59),
    "minority": (0, 50), "major": (50, 100), "most": (50, 100),
}  # fmt: skip
"""Shares in words, by which per cent they can mean."""
_PART = re.compile(
    rf"(?P<than>(?:more|less|fewer) than|over|under|at (?:least|most)|up to|nearly|almost)?(?: an?| one)? ?"
    rf"\b(?<!the )(?P<part>{'|'.join(_SHARES).replace('major', 'majority')})(?P<of> of)?(?: (?:the|our|all))* "
    r"(?P<whom>[^\W\d_]+)"
    r"(?! (?:of|in|on|at|for|from|with|without|by|during|since|before|after|that|who|which|whose)\b)",
    re.I,
)
_NO_ROW = re.compile(r"\b(?:never|none of|not (?:one|a single)|nobody|no)\b", re.I)
_EACH_ROW = re.compile(r"\b(?:always|all(?: of)?|every|each|without exception)\b", re.I)
_NARROWS = re.compile(
    r"\b(?:in|on|at|for|from|with|without|by|during|since|before|after|until|under|over|above|below|than|if|when|where|"
    r"only|but|except|almost|nearly|hardly|practically|virtually|other|others|rest|not all|not every)\b|\d",
    re.I,
)
"""What may say that a sentence is of some rows only, or not quite of all."""
By = dict[str, float]
"""The numbers of one table by the values of one column."""
Way = Literal["up", "down"]


class Statements:
    """The sentences of a text, each held against the numbers by group that it can speak of."""

    def __init__(self, text: str, given: Given, facts: Facts, question: str) -> None:
        self.text, self.given, self.facts, self.question = text, given, facts, question
        self.shares = [f for f in figures(text) if f.share]

    def problems(self) -> Iterator[str]:
        for clause in sentences(self.text):
            for part in _PARTS.split(clause):
                yield from self._ranks(part, [n for n in labels(part, self.given.list) if n.column != YEAR])
            named = labels(clause, self.given.list)
            years = sorted({n.value for n in named if n.column == YEAR})
            named = [n for n in named if n.column != YEAR]
            yield from self._ways(clause, named, years)
            yield from self._apart(clause, named, years)
            yield from self._parts(clause)
            yield from self._places(clause, named)

    # The numbers of which a sentence can speak.

    def _series(self, clause: str, column: str, fixed: Of) -> list[By]:
        """The numbers by each value of a column, of the rows that a sentence names: of the statistic and column that
        are named, else those that cells printed, else those that the code computes."""
        measured = {name: self.given.measured(name) for name in self.given.tables}
        said = columns(f"{clause} {self.question}", self.given.list)
        meant = {name: {*used} & {*said} or {*used} for name, used in measured.items()}
        told = statistic(clause) or statistic(self.question)
        if told == ("count",) and any({*used} & {*said} for used in measured.values()):
            told = ()  # "how many visits they make" is no number of rows
        ops = told or computed_in(self.given.code)
        whole = [k for k in self.facts.values if not k.repeated and k.of != self.given.column(k.table, column)]
        certain = [k for k in whole if k.op in told and k.of and k.of in said]
        used = [k for k in whole if k.op in ops and (k.of in meant[k.table] or k.op == "count")]
        found = list(self.facts.series(column, certain))
        if not found and (shown := [by for name, by in self.given.printed if name == column]):
            return shown
        found = [(rest, by) for rest, by in found or self.facts.series(column, used) if rest <= fixed]
        return [by for rest, by in found if len(rest) == max(len(rest) for rest, _ in found)]

    def _told(self, clause: str, column: str, series: Sequence[By]) -> list[By]:
        """Of these tables, and of those that cells printed, the ones that hold the numbers that a sentence tells; all
        of these where it tells none."""
        said = [(n.value, s.figure) for _, some in spoken(clause, self.given.list) for s in some for n in s.labels]
        if not said:
            return [*series]
        every = [*([by] for by in series), *(table for name, table in self.given.printed_tables if name == column)]
        held = [t for t in every if all(any(by.get(g) is not None and f.tells(by[g]) for by in t) for g, f in said)]
        exact = [f for f in figures(clause) if not f.whole]  # a count beside it tells nothing of what is compared
        found = [by for table in held for by in table]
        return [by for by in found if any(f.tells(by[g]) for f in exact for g, _ in said if g in by)] or found

    # What it says of them.

    def _ranks(self, clause: str, named: Sequence[Label]) -> Iterator[str]:
        """The groups that are called the first or the last, and the lists in an order, that no table shows so."""
        top, way, ranks = (
            superlative(clause, self._meant(clause)),
            way_of(clause, _UPWARD, _DOWNWARD),
            _RANKS.search(clause),
        )
        ordered = way or ranks or _RANKS.search(self.question)
        first = top is not None and not _AMONG.search(clause)
        ends = first and _FOLLOWED.search(clause) is not None
        for column in dict.fromkeys(n.column for n in named) if top or ordered else ():
            said = list(dict.fromkeys(n.value for n in named if n.column == column))
            series = self._told(clause, column, self._series(clause, column, pairs(named, column)))
            either = top == "either"
            leads = [_in_order(by, top == "min", said) for by in series if first]
            leads += [order[::-1] for order in leads] if either else []
            cut = _BESIDE.search(clause)
            before = [n.value for n in named if n.column == column and cut is not None and n.end <= cut.start()]
            heads = {order[0] for order in leads}
            first_named = before if cut is not None else said
            if leads and first_named and not any(h in first_named or _hinted(h, clause, said) for h in heads):
                most = "highest" if top == "max" else "lowest"
                yield f"{first_named[0]} is put first, and of {column} {' or '.join(sorted(heads))} is the {most}"
            elif leads and (few := self._few(clause, column, said[0])):
                yield f"{said[0]} is put first by {few} rows, which is not said"
            elif len(said) > 1 and (ends or (ordered and len(said) > 2)):
                upward = way == "up" or (ends and way is None and top in ("min", "either"))
                every = [_in_order(by, upward, said) for by in series if {*said} <= {*by}]
                every += [o[::-1] for o in every] if either or (way is None and ranks) else []
                right = [[g for g in order if ends or g in said][: len(said)] for order in every]
                if right and said not in right:
                    own = max(right, key=lambda order: (order[0] == said[0], order[-1] == said[-1]))
                    yield f"the order of {column} is told as {', '.join(said)}, and is {', '.join(own)}"

    def _meant(self, clause: str) -> list[str]:
        """The columns of numbers of which a sentence speaks: those that it or the question names, else all."""
        said = columns(f"{clause} {self.question}", self.given.list)
        used = [c for name in self.given.tables for c in self.given.measured(name)]
        return [c for c in used if c in said] or used

    def _places(self, clause: str, named: Sequence[Label]) -> Iterator[str]:
        """The groups that are put second or third, and are not so, from neither end, in any printed column that holds
        what the text tells of several groups."""
        place, own = _PLACE.search(clause), [n for n in named if (m := _PLACE.search(clause)) and n.end <= m.start()]
        if place is None or len(own) != 1 or columns(clause, self.given.list) or _NOT.search(clause):
            return
        (label,), at = own, ("first", "second", "third").index(place[1].lower())
        told = [(n, s.figure) for _, some in spoken(self.text, self.given.list) for s in some for n in s.labels]
        told = [(n, f) for n, f in told if n.column == label.column and f.digits > 2 and not f.whole]
        every = [by for column, by in self.given.printed if column == label.column and label.value in by]
        held = [by for by in every if len({n.value for n, f in told if n.value in by and f.tells(by[n.value])}) > 1]
        ranks = [sorted(by, key=by.__getitem__, reverse=turned) for by in held for turned in (True, False)]
        if ranks and all(len(order) > 3 and order[at] != label.value for order in ranks):
            order = ranks[0]
            yield f"{label.value} is put {place[1]}, and it is {', '.join(order[: at + 1])} in that order"

    def _few(self, clause: str, column: str, group: str) -> int:
        """How many rows a group has, where they are a handful beside those of others, and the text says nothing of it;
        of counts and sums that is no matter."""
        ops = statistic(clause) or statistic(self.question) or computed_in(self.given.code)
        if {*ops} <= {"count", "sum"} or _CAVEAT.search(self.text):
            return 0
        for _, by in self.facts.series(column, (k for k in self.facts.values if k.op == "count" and not k.repeated)):
            many = int(by.get(group, 0))
            told = many in counted(self.text) or any(f.whole and f.value == many for f in figures(self.text))
            if 0 < many <= _HANDFUL < median(by.values()) / 4 and not told:
                return many
        return 0

    def _ways(self, clause: str, named: Sequence[Label], years: Sequence[str]) -> Iterator[str]:
        """That numbers rose that fell over the years, or the other way round; that one group has more than another
        that has less in every table."""
        if _NOT.search(re.sub(r"^\W*no\b\W*[,:;.]", "", clause, flags=re.I)) or _TO_COME.search(clause):
            return
        way, ends = way_of(clause, RISES, FALLS), list[tuple[float, float]]()
        turned = _TURNED.search(clause) is not None and TREND.search(clause) is not None
        every = [by for by in self._series(clause, YEAR, pairs(named)) if len(by) > 2] if turned else []
        if every and all(sorted(v := [by[y] for y in sorted(by)]) in (v, v[::-1]) for by in every):
            yield f"“{clause.strip()[:80]}”: the numbers go one way all along"
        if way is not None and not turned and len([f for f in figures(clause) if f.text not in years]) < 3:
            for by in self._series(clause, YEAR, pairs(named)):
                first, last = (years[0], years[-1]) if len(years) > 1 else (min(by), max(by))
                ends += [(by[first], by[last])] if first in by and last in by and first < last else []
        if way is not None and not turned and not named and not ends:
            ends = list(self._over_time(clause, way))
        if not ends and (than := _compared(clause, named)) is not None:
            way, (column, base, other) = way_of(clause[: named[1].start], MORE, LESS), than
            series = self._series(clause, column, ALL)
            ends = [(by[base], by[other]) for by in series if {base, other} <= {*by} and by[base] != by[other]]
        if way is not None and ends and not any((last > first) == (way == "up") for first, last in ends):
            yield f"“{clause.strip()[:80]}”: the numbers say the opposite"

    def _over_time(self, clause: str, way: Way) -> Iterator[tuple[float, float]]:
        """The first and the last number of printed tables by quarter, month, week or hour of the column that a sentence
        names, where most steps between them go the other way than it says; none where any goes that way."""
        said = columns(clause, self.given.list)
        cells = [x for x in self.given.shown if _SPANS.search(x.code) and any(stands(c, x.code) for c in said)]
        series = [list(by.values()) for table in numbered(cells) for by in table if len(by) > 2]
        steps = [[(b > a) == (way == "up") for a, b in pairwise(s) if a != b] for s in series]
        if all(3 * sum(some) <= len(some) for some in steps):
            yield from ((s[0], s[-1]) for s in series)

    def _parts(self, clause: str) -> Iterator[str]:
        """The shares in words, as "most of the staff", that are not those of the rows."""
        yield from self._without_exception(clause)
        for m in _PART.finditer(clause) if not _NOT.search(clause) else ():
            of = {*pairs([*labels(clause, self.given.list), *flags(clause, self.given.list)])}
            if m["part"].lower() == "most" and not m["of"] and clause[: m.start()].strip():
                continue  # "needs most repairs" may be more than the others do
            if m["part"].lower() == "most" and any(self._leads(*pair) for pair in of):
                continue  # more of them than any other has
            for base in (b for b in self.given.tables if len(of) == 1 and self.given.of_rows(b, f" {m['whom']}")):
                some, every = (self.facts.of(Kind(base, "count"), rows) for rows in (frozenset(of), ALL))
                low, high = next(ends for word, ends in _SHARES.items() if word in m["part"].lower())
                than = (m["than"] or "").lower()
                low = 0 if re.match("less|fewer|under|at most|up", than) else low
                high = 100 if re.match("more|over|at least", than) else high
                if every and some is not None and not low <= 100 * some / every <= high:
                    yield f"“{m[0]}” is said, and it is {100 * some / every:.3g} %"

    def _leads(self, column: str, value: str) -> bool:
        """Whether a value of a column of several has the most rows."""
        counts = (k for k in self.facts.values if k.op == "count" and not k.repeated)
        return any(len(by) > 2 and by.get(value) == max(by.values()) for _, by in self.facts.series(column, counts))

    def _without_exception(self, clause: str) -> Iterator[str]:
        """That none or all of a group's rows are so, where the sentence narrows them by nothing else and the rows say
        otherwise."""
        none, every = _NO_ROW.search(clause), _EACH_ROW.search(clause)
        of, so = ([*some(clause, self.given.list)] for some in (labels, flags))
        if (none is None) == (every is None) or len(of) != 1 or len(so) != 1 or of[0].column == so[0].column:
            return
        spans = sorted(((n.start, n.end) for n in (*of, *so)), reverse=True)
        rest = clause
        for start, end in spans:
            rest = rest[:start] + rest[end:]
        rest = re.sub(r"\b(?:in|by|with|from|at|of) (?:an? |the )?(?= |$)", "", rest)
        yes = next((v for c, v, _ in yes_and_no(self.given.list) if c == so[0].column), so[0].value)
        if _NARROWS.search(rest) or (none is None and _NOT.search(clause)):
            return
        for base in self.given.tables:
            some, whole = (
                self.facts.of(Kind(base, "count"), pairs(of) | more) for more in (frozenset({(so[0].column, yes)}), ALL)
            )
            if whole and some is not None and some != (0 if none else whole):
                said = (none or every or [""])[0]
                rows = f"{so[0].column} is {yes} in {some:.0f} of its {whole:.0f} rows"
                yield f"“{said}” is said of {of[0].value}, and {rows}"

    def _apart(self, clause: str, named: Sequence[Label], years: Sequence[str]) -> Iterator[str]:
        """The changes in per cent that no two numbers show: those that are parts of the wrong one of them, and those
        told in per cent that are in percentage points."""
        pairs_of = list(_from_one_to_other(clause))
        changes = (f for f in figures(clause) if f.share and CHANGES.search(clause))
        values = [f for f in self.shares if not _GAP.match(f.clause[f.end - len(f.unit) :])]  # no changes themselves
        for f in (f for f in changes if not any(f.is_near(100 * (b / a - 1)) for a, b in pairs_of)):
            found = []
            for column, base, other, sure in self._sides(clause, named, years):
                for by in self._series(clause, column, pairs(named, column)):
                    if by.get(base) and by.get(other):
                        found.append(self._change(f, (base, by[base]), (other, by[other]), sure))
            gap = _GAP.match(clause[f.end - len(f.unit) :])  # how far two shares that it tells are apart
            for a, b in permutations(values, 2) if gap else ():
                if b.value:
                    found.append(self._change(f, (b.text, b.value), (a.text, a.value), True))
            if None not in found and any(found):
                yield f"{f.text} is {next(filter(None, found))}"

    def _change(self, f: Figure, base: tuple[str, float], other: tuple[str, float], sure: bool) -> str | None:
        """What a part told of two groups is in place of their change; None where it is that, "" where nothing known.
        Of shares the change may be told in percentage points."""
        (before, first), (after, last) = base, other
        change, points = 100 * (last / first - 1), f.unit == "pp" or IS_POINTS.match(f.after)
        apart, off = abs(last - first), half(first) + half(last)  # the two may have been rounded before
        in_points = f.is_near(apart) or (f.share and abs(apart - f.value) <= f.half + off < 0.3 * apart)
        if f.is_near(first) or f.is_near(last) or (in_points if points else f.is_near(change)):
            return None
        as_part = f"as a part of {before} it is {abs(change):.1f} %"
        if not points and in_points and all(any(s.tells(v) for s in self.shares) for v in (first, last)):
            return f"the difference in percentage points; {as_part}"
        turned = sure and not points and f.is_near(100 * (1 - first / last))
        return f"the change as a part of {after}; {as_part}" if turned else ""

    def _sides(self, clause: str, named: Sequence[Label], years: Sequence[str]) -> Iterator[tuple[str, str, str, bool]]:
        """The column and the two of its values that a sentence compares, the base first, and whether it is sure to be
        that: those that it names, else those of the question, else the two values of a column of two."""
        asked = labels(self.question, self.given.list)
        if (than := _compared(clause, named)) is not None:
            yield (*than, True)
        years = years or sorted({n.value for n in asked if n.column == YEAR})
        if len(years) == 2:
            yield (YEAR, years[0], years[1], True)
        for column in dict.fromkeys(n.column for n in named) if than is None and len(years) != 2 else ():
            two = list(dict.fromkeys(n.value for n in named if n.column == column))
            if len(two) == 2:
                yield from ((column, base, other, False) for base, other in permutations(two))


_ONTO = re.compile(r"[^,;.\d]{0,20}(?:\bto|→|->) [€$£]?$")


def _from_one_to_other(clause: str) -> Iterator[tuple[float, float]]:
    """The pairs of numbers that a sentence puts beside each other, the one from which a change is told first: 58 to 61,
    or 61 against 58."""
    for a, b in pairwise(figures(clause)):
        between = clause[a.end : b.start]
        if a.value and _ONTO.match(between):
            yield a.value, b.value
        elif b.value and AGAINST.search(between) and not re.search(r"[,;]", between):
            yield b.value, a.value


def way_of(clause: str, up: str, down: str) -> Way | None:
    """Which of two ways a sentence speaks of; None where of neither or both."""
    rises, falls = (re.search(words, clause, re.I) is not None for words in (up, down))
    return None if rises == falls else "up" if rises else "down"


def _in_order(by: By, upward: bool, said: Sequence[str]) -> list[str]:
    """The groups from the one that is put first; what stands for no group is none, unless it is spoken of."""
    groups = [*said, *(g for g in by if g not in said)]
    return sorted((g for g in groups if g in by), key=by.__getitem__, reverse=not upward)


def _hinted(group: str, clause: str, said: Sequence[str]) -> bool:
    """Whether a sentence may mean a group by a part of its name that is none of those that it names."""
    own = {root for root in roots(group) if len(root) > 2}
    return not (own - roots(" ".join(said))).isdisjoint(roots(clause))


def _compared(clause: str, named: Sequence[Label]) -> tuple[str, str, str] | None:
    """The column, the base and the other group of "one has more than the other", of which the base stands behind."""
    word = re.search(f"{MORE}|{LESS}", clause, re.I)
    alike = len(named) == 2 and named[0].column == named[1].column and named[0].value != named[1].value
    than = _THAN.search(clause, word.start()) if word is not None else None
    if not alike or than is None or not named[0].end <= than.start() < named[1].start:
        return None
    return None if _AMONG.search(clause[: named[1].start]) else (named[0].column, named[1].value, named[0].value)


def superlative(clause: str, measured: Sequence[str] = ()) -> Literal["max", "min", "either"] | None:
    """Whether a sentence speaks of the greatest, of the least, or of one of them, as "slowest" does unless it is known
    of what: of these columns; None where of neither or of both."""
    found = {m for m in meanings(clause, "M") if " " in m} | meanings(_NO_AMOUNT.sub(" ", clause), "M")
    if not found and _LEADS.search(clause):
        return "max"
    ways = {way for meaning in found for way in _ends(meaning, measured)}
    unsure = all(len(_ends(meaning, measured)) > 1 for meaning in found)
    return None if not ways else "either" if unsure else None if len(ways) > 1 else "max" if "max" in ways else "min"


def _ends(meaning: str, measured: Sequence[str]) -> set[str]:
    """Which end a superlative means of these columns: "max speed -duration" is the least of a duration."""
    way, *dimensions = meaning.split()
    turned = [d for d in dimensions if d.startswith("-")]
    if not turned:
        return {way}
    other = "min" if way == "max" else "max"
    of = [{d.startswith("-") for d in dimensions if is_of(c, d.removeprefix("-"))} for c in measured]
    known = of[0] if of and all(some == of[0] for some in of) else set[bool]()
    return {other if min(known) else way} if len(known) == 1 else {way, other}
