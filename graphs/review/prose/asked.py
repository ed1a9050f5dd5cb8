"""The question itself as a query: what the input files give for it, and whether the answer tells that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphs.questions.query import DropDuplicates, DropMissing, Query, Statistic
from graphs.questions.reader import read
from graphs.review import units
from graphs.review.answering import Result, shown
from graphs.review.mentions import Tables, columns, labels, levels, spoken
from graphs.review.prose.asserted import LEFT_OUT, statistic
from graphs.review.prose.figures import Figure

_OTHER: tuple[Statistic, ...] = ("mean", "median", "sum")


@dataclass(frozen=True)
class Asked:
    """The question's query, and what an honest answer may give in its place: without duplicates, without rows that
    miss a value, by another statistic where the question names none."""

    query: Query
    others: tuple[Query, ...]

    @property
    def queries(self) -> tuple[Query, ...]:
        return (self.query, *self.others)

    def problem(self, text: str, results: Sequence[Result], tables: Tables) -> str | None:
        """What the answer tells in place of what was asked; None where it tells that, or other things altogether."""
        asked, own = self.query, results[0]
        truths = [n.value for r in results for n in r.numbers() if isinstance(n.value, (int, float))]
        every = [(clause, s) for clause, some in spoken(text, tables) for s in some]
        (measure,) = asked.measures
        if not truths or own.why or any(_tells(s.figure, measure.of, t) for _, s in every for t in truths):
            return None
        by = asked.group_by[0].of.strip("`") if len(asked.group_by) == 1 else ""
        if by and asked.limit == 1:
            return self._ranked(text, by, own, tables)
        if LEFT_OUT.search(text):
            return None
        groups = {str(g).casefold() for n in own.numbers() for g in n.group}
        for clause, s in every:
            digits = len(re.sub(r"\D", "", s.figure.text).strip("0"))
            about = statistic(clause) == (measure.op,) or (measure.of or "").strip("`") in columns(clause, tables)
            fits = statistic(clause) in ((), (measure.op,)) and (about or measure.op == "count")
            named = {n.value.casefold() for n in labels(clause, tables)}
            if digits < 2 or not fits or s.figure.in_words or (by and not named & groups):
                continue
            if s.figure.share != (measure.op == "share") or _follows(s.figure, truths):
                continue
            number = next((n for n in own.numbers() if {str(g).casefold() for g in n.group} & named), None)
            told = number or next(iter(own.numbers()))
            group = f" for {', '.join(told.group)}" if told.group else ""
            return (
                f"asked of the input files, the question gives {shown(told.value)}{group}, and {s.figure.text} is told"
            )
        return None

    def _ranked(self, text: str, by: str, result: Result, tables: Tables) -> str | None:
        if not result.rows or by not in {c for c, _ in levels(tables)}:
            return None
        if not any(n.column == by for n in labels(text, tables)):
            return f"the question asks for one {by}, and the answer names none"
        return None


def expected(question: str, tables: Tables, roles: Mapping[str, str]) -> Iterator[Asked]:
    """The question as a query, where it is one that is read without doubt: one part, one statistic, every word used."""
    reading = read(question, tables, roles)
    query = reading.queries[0] if len(reading.queries) == 1 else None
    if query is None or query.unused or len(query.measures) != 1 or query.formulas or query.compare is not None:
        return
    (measure,) = query.measures
    unique = {str(c["name"]) for t in tables for c in t["columns"] if c["n_unique"] == t["rows"]}
    if measure.other or query.test or query.model or query.prepare or query.having:
        return
    if (measure.of or "").strip("`") in unique:
        return
    others = [query.model_copy(update={"prepare": (step,)}) for step in (DropDuplicates(), DropMissing())]
    if any("No statistic" in note for note in query.notes):
        others += [
            query.model_copy(update={"measures": (measure.model_copy(update={"op": op}),), "order": ()})
            for op in _OTHER
            if op != measure.op
        ]
    others += [other for _, _, other in reading.others]
    yield Asked(query, tuple(others))


def _tells(figure: Figure, column: str | None, truth: float) -> bool:
    factor = units.factor((column or "").strip("`"), figure.after)
    return any(figure.tells(truth * times) for times in {1.0, factor or 1.0, *units.conversions(figure.after)})


def _follows(figure: Figure, truths: Sequence[float]) -> bool:
    """Whether a number is the difference, the sum, the ratio or the change of two of the right ones."""
    pairs = ((a, b) for i, a in enumerate(truths[:40]) for b in truths[i + 1 : 40])
    return any(
        figure.is_near(v)
        for a, b in pairs
        for v in (a - b, a + b, *((a / b, b / a, 100 * (a / b - 1), 100 * (b / a - 1)) if a and b else ()))
    )
