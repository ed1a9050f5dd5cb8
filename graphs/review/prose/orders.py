"""What a sentence says of groups in words: which is first, in which order, which has more, which way it went, how many
times as much. It is held against the statistic that the sentence or the question names, computed from the input files,
or, where neither names one, against all tables that cells printed and drew or that their code computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from graphs.questions.reader import lexicon
from graphs.review.facts import LEFT_OUT, Facts, Given, Kind, Of, Rows, computed_in
from graphs.review.mentions import YEAR, Label, columns, labels
from graphs.review.prose.amounts import statistic
from graphs.review.prose.figures import CHANGES, IS_POINTS, Figure, counted, figures, sentences

_HANDFUL = 12
"""Rows below which a group that is put first has to be said to have few."""
_FEW = re.compile(
    r"\b(small|few|only|tiny|limited|n\s*=|low power|underpowered|wide interval|nur\b|wenige?\b|s[oó]lo\b|poc[oa]s\b|"
    r"seulement|peu de|pochi\b)",
    re.I,
)
_LEADS = re.compile(r"\b(?:leads?|tops?|comes? first|ahead of|largest|number one)\b", re.I)
_AMONG = re.compile(r"\b(?:among|except|apart|besides|excluding|without|other than|second|third|next|after)\b", re.I)
"""What leaves groups out before one is put first."""
_DOWNWARD = r"\b(?:from (?:the )?(?:highest|largest|most|best)|descending|in (?:falling|decreasing) order)\b"
_UPWARD = r"\b(?:from (?:the )?(?:lowest|smallest|least|worst)|ascending|in (?:rising|increasing) order)\b"
_RANKS = re.compile(r"\b(?:rank\w*|order\w*|sort\w*)\b", re.I)
_RISES = r"\b(?:ris(?:es?|en|ing)|rose|increas\w+|gr[eo]w\w*|grown|climb\w*|went up|goes up)\b"
_FALLS = r"\b(?:f[ae]ll(?:s|en|ing)?|decreas\w+|declin\w+|dropp?\w*|shr[aiu]nk\w*|went down|goes down)\b"
_MORE = r"\b(?:more|higher|larger|greater|bigger|longer|above|older|better)\b(?=.*\bthan\b)"
_LESS = r"\b(?:less|lower|smaller|fewer|shorter|below|younger|worse)\b(?=.*\bthan\b)"
_PER = re.compile(r"\b(?:older|younger|more|less|longer|shorter|share|rate)\b", re.I)
_NOT = re.compile(r"\b(?:not?|never)\b|n't", re.I)
_TIMES = re.compile(
    r"\b(?:(?P<many>twice|two|three|four|five|six|ten)(?:\s?times| as)|(?P<verb>doubl(?:ed|es)|tripl(?:ed|es)))\b", re.I
)
_MANY = {"twice": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10, "doub": 2, "trip": 3}


def _way(clause: str, up: str, down: str) -> Literal["up", "down"] | None:
    """Which of two ways a sentence speaks of; None where of neither or both."""
    ways: list[Literal["up", "down"]] = ["up"] * bool(re.search(up, clause, re.I))
    ways += ["down"] * bool(re.search(down, clause, re.I))
    return ways[0] if len(ways) == 1 else None


class Statements:
    """The sentences of a text, each held against the numbers by group that it can speak of."""

    def __init__(self, text: str, given: Given, facts: Facts, question: str) -> None:
        self.text, self.given, self.facts, self.question = text, given, facts, question

    def problems(self) -> Iterator[str]:
        for clause in sentences(self.text):
            every = labels(clause, self.given.list)
            named = [n for n in every if n.column != YEAR]
            years = sorted({n.value for n in every if n.column == YEAR})
            yield from self._first(clause, named)
            yield from self._order(clause, named)
            yield from self._direction(clause, named, years)
            yield from self._multiple(clause)
            yield from self._change(clause, named, years)

    def _series(self, clause: str, column: str) -> list[tuple[Of, dict[str, float]]]:
        """The numbers by each value of a column of which a sentence can speak."""
        said, facts = f"{clause} {self.question}", self.facts
        told = statistic(clause) or statistic(self.question)
        named = set(columns(said, self.given.list))
        whole = [k for k in facts.values if k.op is not None and not k.rows.how]
        whole = [k for k in whole if k.of != self.given.column(k.rows.table, column)]
        sure = [k for k in whole if k.op in told and (k.of in named or k.op == "count")]
        if sure and not LEFT_OUT.search(self.text) and (found := list(facts.series(column, sure))):
            return found
        shown = list(facts.series(column, [k for k in facts.values if k.op is None]))
        if shown:
            return shown
        ops = told or computed_in(self.given.code)
        used = [k for k in whole if k.op in ops and (k.of in self._meant(k.rows, said) or k.op == "count")]
        return list(facts.series(column, used))

    def _meant(self, rows: Rows, said: str) -> list[str]:
        used = self.given.measured(rows.table)
        return [c for c in used if c in columns(said, [self.given.tables[rows.table]])] or used

    def _first(self, clause: str, named: list[Label]) -> Iterator[str]:
        """The groups that are called the first or the last and that no table of all groups shows so."""
        way = superlative(clause) if not _AMONG.search(clause) else None
        for column in dict.fromkeys(n.column for n in named) if way else ():
            here = {n.value for n in named if n.column == column}
            fixed = {(n.column, n.value) for n in named if n.column != column}
            series = [(rest, by) for rest, by in self._series(clause, column) if {*rest} <= fixed]
            deep = max((len(rest) for rest, _ in series), default=0)
            ends = {(max if way == "max" else min)(by, key=by.__getitem__) for rest, by in series if len(rest) == deep}
            if ends and not ends & here:
                most = "highest" if way == "max" else "lowest"
                said = next(n.value for n in named if n.column == column)
                yield f"{said} is put first, and of {column} {' or '.join(sorted(ends))} is the {most}"

    def _order(self, clause: str, named: list[Label]) -> Iterator[str]:
        """The lists of groups that are said to be in an order, and that no table of them is in."""
        way, ranks = _way(clause, _UPWARD, _DOWNWARD), _RANKS.search(clause)
        ordered = way or ranks or _RANKS.search(self.question)
        for column in dict.fromkeys(n.column for n in named) if ordered else ():
            said = list(dict.fromkeys(n.value for n in named if n.column == column))
            series = [by for rest, by in self._series(clause, column) if not rest and {*said} <= {*by}]
            orders = [sorted(said, key=by.__getitem__, reverse=True) for by in series if len(said) > 2]
            right = [o[::-1] if way == "up" else o for o in orders]
            either = [o[::-1] for o in orders] if way is None and ranks else []
            if orders and said not in right + either:
                yield f"the order of {column} is told as {', '.join(said)}, and is {', '.join(right[0])}"

    def _direction(self, clause: str, named: list[Label], years: list[str]) -> Iterator[str]:
        """That numbers rose that fell over the years, or the other way round; that one group has more than another
        that has less in every table."""
        if _NOT.search(clause):
            return
        way, fixed = _way(clause, _RISES, _FALLS), {(n.column, n.value) for n in named}
        ends = list[tuple[float, float]]()
        if way is not None and not _PER.search(clause):
            for rest, by in self._series(clause, YEAR):
                first, last = (years[0], years[-1]) if len(years) > 1 else (min(by), max(by))
                if {*rest} <= fixed and first in by and last in by and first < last:
                    ends.append((by[first], by[last]))
        word = re.search(f"{_MORE}|{_LESS}", clause, re.I)
        pair = len(named) == 2 and named[0].column == named[1].column and not _AMONG.search(clause)
        if not ends and word is not None and pair and named[0].end <= word.start() < named[1].start:
            way, (one, other) = _way(clause, _MORE, _LESS), named
            tables = [by for _, by in self._series(clause, one.column) if {one.value, other.value} <= {*by}]
            ends = [(by[other.value], by[one.value]) for by in tables if by[other.value] != by[one.value]]
        if way is not None and ends and not any((last > first) == (way == "up") for first, last in ends):
            yield f"“{clause.strip()[:80]}”: the numbers say the opposite"

    def _multiple(self, clause: str) -> Iterator[str]:
        """The multiples told in words that no two numbers of a table are apart."""
        for m in _TIMES.finditer(clause):
            many = _MANY[(m["many"] or m["verb"][:4]).casefold()]
            tables = [list(some.values()) for k, some in self.facts.values.items() if k.op is None]
            pairs = [(a, b) for some in tables for i, a in enumerate(some) for b in some[i + 1 :] if a and b]
            apart = [max(abs(a / b), abs(b / a)) for a, b in pairs]
            if apart and not any(abs(r - many) <= 0.2 * many for r in apart):
                nearest = min(apart, key=lambda r: abs(r - many))
                yield f"“{m[0]}” is said, and what the cells print is {nearest:.1f} times as much"

    def _change(self, clause: str, named: list[Label], years: list[str]) -> Iterator[str]:
        """The changes in per cent, between two years or from one group to another, that are parts of the wrong one."""
        shares = [f for f in figures(clause) if f.share and not IS_POINTS.match(f.after) and f.unit != "pp"]
        pair = years or sorted({n.value for n in labels(self.question, self.given.list) if n.column == YEAR})
        ways = [(YEAR, pair[0], pair[1])] if len(pair) == 2 and CHANGES.search(clause) else []
        if (than := _compared(clause, named)) is not None:
            ways.append(than)
        fixed = {(n.column, n.value) for n in named}
        for column, base, other in ways if shares else ():
            series = [(rest, by) for rest, by in self._series(clause, column) if by.get(base) and by.get(other)]
            for f in shares:
                right = any(f.is_near(100 * (by[other] / by[base] - 1)) for _, by in series)
                near = [
                    by for rest, by in series if (column == YEAR or {*rest} <= fixed) and _turned(f, by, base, other)
                ]
                if near and not right:
                    true = 100 * abs(near[0][other] / near[0][base] - 1)
                    yield f"{f.text} is the change as a part of {other}; as a part of {base} it is {true:.1f} %"


def _turned(figure: Figure, by: Mapping[str, float], base: str, other: str) -> bool:
    return figure.is_near(100 * (1 - by[base] / by[other]))


def _compared(clause: str, named: list[Label]) -> tuple[str, str, str] | None:
    """The column, the base and the other group of "one has more than the other", of which the base stands behind."""
    word = re.search(f"{_MORE}|{_LESS}", clause, re.I)
    alike = len(named) == 2 and named[0].column == named[1].column and named[0].value != named[1].value
    than = re.compile(r"\bthan\b", re.I).search(clause, word.end()) if word is not None else None
    if not alike or than is None or _AMONG.search(clause) or not named[0].end <= than.start() < named[1].start:
        return None
    return named[0].column, named[1].value, named[0].value


def superlative(clause: str) -> Literal["max", "min"] | None:
    """Whether a sentence speaks of the greatest or of the least; None where of neither or both."""
    exact, _ = lexicon.phrases()
    clause = re.sub(r"\bat (?:least|most)\b", " ", clause, flags=re.I)
    ways = {
        meaning.split()[0]
        for phrase, (code, meaning) in exact.items()
        if code == "M" and re.search(rf"\b{' '.join(map(re.escape, phrase))}\b", clause, re.I)
    }
    if re.search(r"\b(?:slow|fast|quick)est\b", clause, re.I):  # tables hold how long things take
        ways = {"min" if way == "max" else "max" for way in ways}
    if not ways and _LEADS.search(clause):
        ways = {"max"}
    return ("max" if "max" in ways else "min") if len(ways) == 1 else None


def handful_first(text: str, given: Given, facts: Facts) -> Iterator[str]:
    """The groups of a handful of rows that a text puts first or last by an average, and does not say so."""
    for clause in sentences(text):
        named = [n for n in labels(clause, given.list) if n.column != YEAR]
        if len(named) != 1 or not superlative(clause) or statistic(clause) in (("sum",), ("count",)):
            continue
        for base in given.tables:
            if given.column(base, named[0].column) is not None:
                many = facts.of(Kind(Rows(base), "count"), frozenset([(named[0].column, named[0].value)])) or 0
                told = many in counted(text) or any(f.value == many for f in figures(text)) or _FEW.search(text)
                if 0 < many < _HANDFUL and not told:
                    yield f"{named[0].value} is put first, and has a handful of rows, {many:.0f}, which is not said"
