"""The question itself as a query: what the input files give for it, and whether the answer tells that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphs.questions.expressions import in_backticks
from graphs.questions.query import (
    AnyOf,
    DropDuplicates,
    DropMissing,
    Formula,
    Keep,
    Measure,
    Query,
    Scalar,
    Statistic,
    Where,
)
from graphs.questions.reader import read
from graphs.review import units
from graphs.review.answering import Cell, Result, shown
from graphs.review.facts import LEFT_OUT
from graphs.review.mentions import YEAR, Tables, columns, entity, keys, labels, levels, spoken, time_columns
from graphs.review.prose.amounts import statistic
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
        only = slice(-1, None) if asked.formulas else slice(None)  # the last is asked for, the others lead to it
        truths = [n.value for r in results for n in list(r.numbers())[only] if isinstance(n.value, (int, float))]
        every = [(clause, s) for clause, some in spoken(text, tables) for s in some]
        measure = asked.measures[0]
        if asked.formulas:
            measure = measure.model_copy(update={"op": "mean"})
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
            meant = {str(v).casefold() for some in held(asked).values() for v in some} | groups
            if digits < 2 or not fits or s.figure.in_words or (by and not named & groups) or named - meant:
                continue
            if s.figure.share != (measure.op == "share") or _follows(s.figure, truths):
                continue
            number = next((n for n in own.numbers() if {str(g).casefold() for g in n.group} & named), None)
            told = number or list(own.numbers())[-1 if asked.formulas else 0]
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
    reading, each = read(question, tables, roles), _EACH.search(question)
    key = entity(each[1], tables[0]) if each is not None and tables else None
    if key is not None and each is not None and reading.queries[:1] == (None,):
        reading = read(question.replace(each[0], ""), tables, roles)
    query = reading.queries[0] if len(reading.queries) == 1 else None
    if query is not None and key is not None and len(query.measures) == 1:
        query = _per(query, key)
    if query is None or query.unused or query.compare is not None:
        return
    if query.formulas:
        yield Asked(query, ())
    if len(query.measures) != 1 or query.formulas:
        return
    (measure,) = query.measures
    if measure.other or query.test or query.model or query.prepare or query.having:
        return
    named = labels(question, tables)
    by = {c for c, values in held(query).items() if values or c in {g.of.strip("`") for g in query.group_by}}
    several = {n.column for n in named if len({m.value for m in named if m.column == n.column}) > 1}
    if any(n.column == YEAR for n in named) and not by & set(time_columns(tables)):
        return
    if several - {g.of.strip("`") for g in query.group_by} or {n.column for n in named if n.column != YEAR} - by:
        return  # rows that the question names, and its query does not
    if any((measure.of or "").strip("`") in keys(t) for t in tables):
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


_EACH = re.compile(r"\b(?:per|each|every|for each) ([^\W\d_]+)", re.I)


def _per(query: Query, key: str) -> Query:
    """A mean or a number of rows for each of several things: the whole, shared among as many as there are."""
    (measure,) = query.measures
    if measure.op not in ("mean", "count") or query.group_by:
        return query
    whole = measure.model_copy(update={"op": "sum" if measure.of else "count", "name": "whole"})
    many = Measure(op="distinct", of=in_backticks(key), name="many")
    return query.model_copy(
        update={"measures": (whole, many), "formulas": (Formula(name="each", expr="whole / many"),), "order": ()}
    )


def _tells(figure: Figure, column: str | None, truth: float) -> bool:
    factor = units.factor((column or "").strip("`"), figure.told_in)
    return any(figure.tells(truth * times) for times in {1.0, factor or 1.0, *units.conversions(figure.told_in)})


def _follows(figure: Figure, truths: Sequence[float]) -> bool:
    """Whether a number is the difference, the sum, the ratio or the change of two of the right ones."""
    pairs = ((a, b) for i, a in enumerate(truths[:40]) for b in truths[i + 1 : 40])
    return any(
        figure.is_near(v)
        for a, b in pairs
        for v in (a - b, a + b, *((a / b, b / a, 100 * (a / b - 1), 100 * (b / a - 1)) if a and b else ()))
    )


def held(query: Query) -> dict[str, set[str]]:
    """The columns by which a query tells rows apart, with the values that it asks for, as text."""
    found: dict[str, set[str]] = {}

    def add(text: str, values: Cell | tuple[Cell, ...] | object) -> None:
        several = values if isinstance(values, tuple) else (values,)
        for name in _named(text):
            found.setdefault(name, set()).update(str(v) for v in several if isinstance(v, (str, int, float)))

    def conditions(where: Sequence[Where]) -> None:
        for w in where:
            if isinstance(w, AnyOf):
                for some in w.any_of:
                    conditions(some)
            else:
                add(w.left, w.right)
                if isinstance(w.right, Scalar):
                    conditions(w.right.query.where)

    conditions(query.where)
    for measure in query.measures:
        conditions(measure.where)
    for step in query.prepare:
        if isinstance(step, Keep):
            conditions(step.where)
        for made in (getattr(step, "expr", None), getattr(step, "of", None)):
            if isinstance(made, str):
                add(made, ())
    for group in query.group_by:
        add(group.of, ())
    if query.compare is not None:
        add(query.compare.of, (query.compare.first, query.compare.second))
    for chosen in query.show:
        add(chosen, ())
    return found


def _named(text: str) -> list[str]:
    """The names in an expression."""
    ticked = re.findall(r"`([^`]+)`", text)
    plain = re.sub(r"`[^`]+`|'[^']*'|\"[^\"]*\"", " ", text)
    return [*ticked, text.strip("`"), *re.findall(r"[^\W\d]\w*(?!\w|\()", plain)]
