"""In which order a sentence puts groups, and which way it says that numbers went, held against the tables that cells
printed, what charts show and the results of queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from graphs.questions.expressions import in_backticks, kind_of
from graphs.questions.query import Condition, Group, Measure, Query, Statistic
from graphs.questions.reader import lexicon
from graphs.review.answering import Result
from graphs.review.claims import Known
from graphs.review.mentions import YEAR, Label, Tables, columns, is_key, labels, time_columns
from graphs.review.prose.asserted import computed_in, stands, statistic
from graphs.review.prose.evidence import HANDFUL, SMALL_WORDS
from graphs.review.prose.figures import counted, figures, sentences

_LEADS = re.compile(r"\b(?:leads?|tops?|comes? first|ahead of|largest|number one)\b", re.I)
_AMONG = re.compile(r"\b(?:among|except|apart|besides|excluding|without|other than|second|third|next|after)\b", re.I)
"""What leaves groups out before one is put first."""
_DOWNWARD = re.compile(
    r"\b(?:from (?:the )?(?:highest|largest|most|best)|descending|in (?:falling|decreasing) order)\b", re.I
)
_UPWARD = re.compile(
    r"\b(?:from (?:the )?(?:lowest|smallest|least|worst)|ascending|in (?:rising|increasing) order)\b", re.I
)
_RANKS = re.compile(r"\b(?:rank\w*|order\w*|sort\w*)\b", re.I)
_RISES = re.compile(r"\b(?:ris(?:es?|en|ing)|rose|increas\w+|gr[eo]w\w*|grown|climb\w*|went up|goes up)\b", re.I)
_FALLS = re.compile(
    r"\b(?:f[ae]ll(?:s|en|ing)?|decreas\w+|declin\w+|dropp?\w*|shr[aiu]nk\w*|went down|goes down)\b", re.I
)


def misranked(text: str, known: Sequence[Known], tables: Tables, names: Sequence[str] = ()) -> Iterator[str]:
    """The groups that a sentence calls the first or the last and that no table of all groups shows so."""
    for clause in sentences(text, names):
        named = [n for n in labels(clause, tables) if n.column != YEAR]
        way = _superlative(clause) if not _AMONG.search(clause) else None
        for column in dict.fromkeys(n.column for n in named) if way else ():
            here = [n for n in named if n.column == column]
            fixed = {(n.column, n.value) for n in named if n.column != column}
            ends = set[str]()
            for what in dict.fromkeys(k.what for k in known):
                rows = [k for k in known if k.what == what and k.of(column) is not None]
                rows = [k for k in rows if not fixed or fixed & k.labels or not k.but(column)]
                if len({k.of(column) for k in rows}) >= 2 and len({k.but(column) for k in rows}) == 1:
                    first = (max if way == "max" else min)(rows, key=lambda k: k.value)
                    ends.add(str(first.of(column)))
            if ends and not ends & {n.value for n in here}:
                most = "highest" if way == "max" else "lowest"
                yield f"{here[0].value} is put first, and of {column} {' or '.join(sorted(ends))} is the {most}"


def _superlative(clause: str) -> Literal["max", "min"] | None:
    """Whether a sentence speaks of the greatest or of the least; None where of neither or both."""
    exact, _ = lexicon.phrases()
    clause = re.sub(r"\bat (?:least|most)\b", " ", clause, flags=re.I)
    ways = {
        meaning.split()[0]
        for phrase, (code, meaning) in exact.items()
        if code == "M" and re.search(rf"\b{' '.join(map(re.escape, phrase))}\b", clause, re.I)
    }
    if not ways and _LEADS.search(clause):
        ways = {"max"}
    return ("max" if "max" in ways else "min") if len(ways) == 1 else None


def misordered(text: str, question: str, known: Sequence[Known], tables: Tables) -> Iterator[str]:
    """The lists of groups that are said to be in an order, and that no table of them is in."""
    for clause in sentences(text):
        named = [n for n in labels(clause, tables) if n.column != YEAR]
        down, up = _DOWNWARD.search(clause), _UPWARD.search(clause)
        ranked = down or up or _RANKS.search(f"{clause} {question}")
        for column in dict.fromkeys(n.column for n in named) if ranked else ():
            said = list(dict.fromkeys(n.value for n in named if n.column == column))
            orders = [[v for v in _ordered(rows, column) if v in said] for rows in _tables_of(known, column)]
            orders = [o for o in orders if len(o) == len(said) > 2]
            right = [o[::-1] if up and not down else o for o in orders]
            either = [] if down or up else [o[::-1] for o in orders if _RANKS.search(clause)]
            if orders and said not in right + either:
                yield f"the order of {column} is told as {', '.join(said)}, and is {', '.join(right[0])}"


def misdirected(text: str, known: Sequence[Known], tables: Tables) -> Iterator[str]:
    """The sentences by which numbers rose that fell over the years, or the other way round."""
    every = [k for k in known if k.of(YEAR) is not None]
    for clause in sentences(text):
        rises, falls = bool(_RISES.search(clause)), bool(_FALLS.search(clause))
        years = sorted({n.value for n in labels(clause, tables) if n.column == YEAR})
        named = {n.value for n in labels(clause, tables) if n.column != YEAR}
        if rises == falls or re.search(r"\b(?:not|no|never|share|rate)\b|n't", clause) or _PER.search(clause):
            continue
        ways = list[bool]()
        for rows in _tables_of(every, YEAR):
            rows = [k for k in rows if {v for _, v in k.but(YEAR)} <= named]
            at = {str(k.of(YEAR)): k.value for k in rows}
            first, last = (years[0], years[-1]) if len(years) > 1 else (min(at, default=""), max(at, default=""))
            if first in at and last in at and first < last and len(at) == len(rows):
                ways.append(at[last] > at[first])
        if ways and not any(way == rises for way in ways):
            yield f"“{clause.strip()[:80]}”: over the years the cells print the opposite"


@dataclass(frozen=True)
class First:
    """A group that a sentence puts first or last, and how many rows it has."""

    label: Label
    query: Query

    def problem(self, text: str, result: Result) -> str | None:
        """That it has a handful of rows, where the text does not say so."""
        many = next((int(n.value) for n in result.numbers() if isinstance(n.value, int)), 0)
        told = many in counted(text) or any(f.value == many for f in figures(text)) or SMALL_WORDS.search(text)
        if not 0 < many < HANDFUL or told:
            return None
        return f"{self.label.value} is put first, and has a handful of rows, {many}, which is not said"


def put_first(text: str, tables: Tables) -> Iterator[First]:
    """The groups that a text puts first or last, where the number that it tells of them is an average."""
    for clause in sentences(text):
        named = [n for n in labels(clause, tables) if n.column != YEAR]
        if len(named) != 1 or not _superlative(clause) or statistic(clause) in (("sum",), ("count",)):
            continue
        for table in tables:
            if any(c["name"] == named[0].column for c in table["columns"]):
                where = (Condition(left=in_backticks(named[0].column), op="=", right=named[0].value),)
                count = Query(table=str(table["name"]), measures=(Measure(op="count"),), where=where)
                yield First(named[0], count)


def miscompared(text: str, known: Sequence[Known], tables: Tables) -> Iterator[str]:
    """The sentences by which one group has more than another that has less in every table."""
    for clause in sentences(text):
        named = [n for n in labels(clause, tables) if n.column != YEAR]
        more, less = _MORE.search(clause), _LESS.search(clause)
        if len(named) != 2 or named[0].column != named[1].column or bool(more) == bool(less) or _AMONG.search(clause):
            continue
        word = more or less
        if (
            word is None
            or not named[0].end <= word.start() < named[1].start
            or re.search(r"\b(?:not?|never)\b", clause)
        ):
            continue
        column, pair = named[0].column, (named[0].value, named[1].value)
        ways = []
        for rows in _tables_of(known, column):
            at = {str(k.of(column)): k.value for k in rows}
            if set(pair) <= set(at) and at[pair[0]] != at[pair[1]]:
                ways.append(at[pair[0]] > at[pair[1]])
        if ways and not any(way == bool(more) for way in ways):
            yield f"“{clause.strip()[:80]}”: every table that has both says the opposite"


_MORE = re.compile(r"\b(?:more|higher|larger|greater|bigger|longer|above|older|better)\b(?=.*\bthan\b)", re.I)
_LESS = re.compile(r"\b(?:less|lower|smaller|fewer|shorter|below|younger|worse)\b(?=.*\bthan\b)", re.I)
_PER = re.compile(r"\b(?:older|younger|more|less|longer|shorter)\b", re.I)


def grouped(texts: Sequence[str], question: str, code: str, known: Sequence[Known], tables: Tables) -> Iterator[Query]:
    """The tables of groups of which texts speak and which no cell printed as one: by each column whose values are
    named, what the code computes of the columns that it uses."""
    said = " ".join([*texts, question])
    named = {n.column for n in labels(said, tables)} - {column for k in known for column, _ in k.labels}
    told = statistic(question) or computed_in(code)
    for table in tables:
        kinds = {str(c["name"]): kind_of(str(c["dtype"])) for c in table["columns"]}
        used = [c for c, kind in kinds.items() if kind == "number" and not is_key(c) and stands(c, code)]
        meant = [c for c in used if c in columns(said, [table])] or used
        measures = [Measure(op=op, of=in_backticks(c)) for op in told if op in _AVERAGES for c in meant[:3]]
        measures += [Measure(op="count")] * ("count" in told)
        times = [c for c in time_columns([table]) if kinds[c] == "time"][:1] if YEAR in named else []
        groups = [Group(of=in_backticks(c)) for c in sorted(named) if c in kinds]
        for group in [*groups, *(Group(of=in_backticks(c), grain="year") for c in times)]:
            yield from (Query(table=str(table["name"]), measures=(measure,), group_by=(group,)) for measure in measures)


_AVERAGES: tuple[Statistic, ...] = ("mean", "median", "sum", "min", "max")


def of_groups(query: Query, result: Result) -> Iterator[Known]:
    """The numbers of such a table."""
    (group,) = query.group_by
    column = YEAR if group.grain else group.of.strip("`")
    for number in result.numbers():
        if isinstance(number.value, (int, float)):
            yield Known(frozenset([(column, number.group[0])]), str(query), float(number.value))


def statements(text: str, question: str, known: Sequence[Known], tables: Tables) -> Iterator[str]:
    """What a text says of groups in words, and no table of them bears out."""
    yield from misranked(text, known, tables)
    yield from misordered(text, question, known, tables)
    yield from misdirected(text, known, tables)
    yield from miscompared(text, known, tables)


def _tables_of(known: Sequence[Known], column: str) -> Iterator[list[Known]]:
    """The columns of tables, each as its numbers by the values of a column."""
    for what in dict.fromkeys(k.what for k in known):
        rows = [k for k in known if k.what == what and k.of(column) is not None]
        if len({k.of(column) for k in rows}) == len(rows) > 1:
            yield rows


def _ordered(rows: Sequence[Known], column: str) -> list[str]:
    return [str(k.of(column)) for k in sorted(rows, key=lambda k: -k.value)]
