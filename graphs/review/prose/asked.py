"""The question itself as a query: what the input files give for it, and whether the answer tells that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from graphs.questions.query import Condition, DropDuplicates, DropMissing, Measure, Query, Statistic
from graphs.questions.reader import read
from graphs.review import units
from graphs.review.answering import Number, Result, shown
from graphs.review.facts import LEFT_OUT, stands
from graphs.review.mentions import (
    YEAR,
    Tables,
    columns,
    keys,
    labels,
    repeated_in,
    spoken,
    time_columns,
)
from graphs.review.prose.figures import Figure
from graphs.review.prose.said import statistic

_OTHER: tuple[Statistic, ...] = ("mean", "median", "sum")
_EXPLAINS = ("drivers", "why_changed")
"""What asks for reasons: its measure is what is explained, and no number that an answer must tell."""


@dataclass(frozen=True)
class Asked:
    """The question's query, and what an honest answer may give in its place: without duplicates, without rows that
    miss a value, by another statistic where the question names none."""

    query: Query
    others: tuple[Query, ...] = ()

    @property
    def queries(self) -> tuple[Query, ...]:
        return (self.query, *self.others)

    @property
    def measure(self) -> Measure:
        first = self.query.measures[0]
        return first.model_copy(update={"op": "mean"}) if self.query.formulas else first

    def answers(self, results: Sequence[Result]) -> list[Number]:
        """The numbers that may be told, of a formula the last only: the others lead to it."""
        only = slice(-1, None) if self.query.formulas else slice(None)
        numbers = [n for r in results for n in list(r.numbers())[only]]
        return [n for n in numbers if isinstance(n.value, (int, float))] if not results[0].why else []

    def tells(self, figure: Figure, numbers: Sequence[Number]) -> bool:
        """Whether a number is one of these, in the unit of its sentence."""
        name = (self.measure.of or "").strip("`")
        factors = {1.0, units.factor(name, figure.told_in) or 1.0}
        factors |= units.conversions(figure.told_in) if units.of_column(name) is None else set()
        return any(figure.tells(n.value * factor) for n in numbers for factor in factors)

    def problem(self, text: str, results: Sequence[Result], tables: Tables) -> str | None:
        """What the answer tells in place of what was asked; None where it tells that, or other things altogether."""
        asked, measure, right = self.query, self.measure, self.answers(results)
        if len(asked.group_by) == 1 and asked.limit and asked.order and not asked.formulas:
            return None  # which group is first is told without its number
        every = [(clause, s.figure) for clause, some in spoken(text, tables) for s in some]
        if not right or LEFT_OUT.search(text) or any(self.tells(figure, right) for _, figure in every):
            return None
        meant = {
            (measure.of or "").strip("`"),
            *(c.left.strip("`") for c in (*measure.where, *asked.where) if isinstance(c, Condition)),
        }
        groups = {str(g).casefold() for n in results[0].numbers() for g in n.group}
        for clause, figure in every:
            named = {n.value.casefold() for n in labels(clause, tables)}
            spoken_of = {*columns(clause, tables), *(n.column for n in labels(clause, tables))}
            about = statistic(clause) == (measure.op,) or not meant.isdisjoint(spoken_of)
            others = any(v not in _spelt(asked) for v in named - groups) or (groups and not named & groups)
            alike = figure.share == (measure.op == "share") and figure.digits > 1
            alike = alike and (figure.whole or measure.op not in ("count", "distinct"))
            if not alike or not (about or measure.op == "count") or others:
                continue
            own = next((n for n in right if {str(g).casefold() for g in n.group} & named), right[0])
            of = f" for {', '.join(own.group)}" if own.group else ""
            return f"asked of the input files, the question gives {shown(own.value)}{of}, and {figure.text} is told"
        return None


def expected(question: str, tables: Tables, roles: Mapping[str, str]) -> Iterator[Asked]:
    """The question as a query, where it is one that is read without doubt: one part, one statistic, every word used."""
    reading = read(question, tables, roles)
    query = reading.queries[0] if len(reading.queries) == 1 else None
    if query is None or query.unused or query.compare is not None or query.intent in _EXPLAINS:
        return
    if query.formulas:
        yield Asked(query)
    if len(query.measures) != 1 or query.formulas or query.test or query.model or query.prepare or query.having:
        return
    (measure,), named, spelt = query.measures, labels(question, tables), _spelt(query)
    # rows that the question names, and its query does not
    places = [time_columns(tables) if n.column == YEAR else [n.column, n.value] for n in named]
    unnamed = {*time_columns(tables)} - {*columns(question, tables)}
    if len(unnamed) > 1 and any(stands(c, spelt) for c in unnamed):
        return  # of several days any may be meant
    unsaid = any(not any(p.casefold() in spelt for p in place) for place in places)
    several = {a.column for a, b in combinations(named, 2) if a.column == b.column and a.value != b.value}
    if unsaid or several - {g.of.strip("`") for g in query.group_by}:
        return
    if measure.other or any((measure.of or "").strip("`") in keys(t) for t in tables):
        return
    if measure.op != "count" and repeated_in(question, tables):
        return  # what a customer spends may be the mean of customers or of orders
    others = [query.model_copy(update={"prepare": (step,)}) for step in (DropDuplicates(), DropMissing())]
    if any("No statistic" in note for note in query.notes) or (measure.op == "sum" and not statistic(question)):
        ops = (op for op in _OTHER if op != measure.op)
        each_other = (measure.model_copy(update={"op": op}) for op in ops)
        others += [query.model_copy(update={"measures": (other,), "order": ()}) for other in each_other]
    others += [other for _, _, other in reading.others]
    yield Asked(query, tuple(others))


def _spelt(query: Query) -> str:
    """A query as it is written, without the words that it was read from."""
    return query.model_copy(update={"text": "", "notes": (), "unused": ()}).model_dump_json().casefold()
