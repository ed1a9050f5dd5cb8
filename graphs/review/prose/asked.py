"""The question itself as a query: what the input files give for it, and whether the answer tells that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from artifacts.types import Execution
from graphs.questions.expressions import bare
from graphs.questions.query import Condition, DropDuplicates, DropMissing, Measure, Query, Statistic, simple
from graphs.questions.reader import lexicon, read
from graphs.review import units
from graphs.review.answering import Number, Result, shown
from graphs.review.facts import LEFT_OUT, Given, stands
from graphs.review.mentions import (
    YEAR,
    Tables,
    columns,
    keys,
    labels,
    repeated_in,
    roots,
    spoken,
    telling,
    time_columns,
)
from graphs.review.prose.figures import Figure
from graphs.review.prose.said import meanings, statistic

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
            return None  # which group is first, the statements tell
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
        of = (measure.of or "").strip("`")
        if every and of and not measure.where and not telling(of) & roots(text):
            return f"the question asks for {of}, and the answer tells of something else"
        return None


def expected(question: str, tables: Tables, roles: Mapping[str, str], code: str = "") -> Iterator[Asked]:
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
    for own, other in _other_times(query, question, tables):
        renamed = Query.model_validate_json(_renamed(query.model_dump_json(), own, other))
        query, renamed = (renamed, query) if stands(other, code) and not stands(own, code) else (query, renamed)
        others.append(renamed)
    yield Asked(query, tuple(others))


def _other_times(query: Query, question: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """The columns of times by which a query goes although the question names none of them, each with the others of
    their tables that may be meant as well."""
    for table in tables:
        times = [c for c in time_columns([table]) if not {c} & {*columns(question, [table])}]
        yield from ((own, other) for own, other in permutations(times, 2) if stands(own, _spelt(query)))


def _renamed(text: str, own: str, other: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(own)}(?!\w)", other, text)


def passed_over(question: str, tables: Tables, roles: Mapping[str, str], cells: Sequence[Execution]) -> Iterator[str]:
    """The columns that a question is read to ask for, without doubt, and of which no cell and no output speaks."""
    reading, seen = read(question, tables, roles), "\n".join(f"{x.code}\n{x.text}" for x in cells)
    if not cells or None in reading.queries or any(q.unused for q in reading.queries if q):
        return
    things = set[str]().union(*map(keys, tables))
    queries = [q for q in reading.queries if q is not None]
    asked = [m for q in queries for m in q.measures if m.op not in ("count", "distinct", "present")]
    measured = {bare(name or "") for m in asked for name in (m.of, m.other)}
    measured = {c for c in measured - things if roots(question) & telling(c)}
    groups = {bare(g.of) for q in queries for g in q.group_by} & {*columns(question, tables)} - things
    words = {*re.findall(r"[^\W\d_]+?(?=s?\b)", question.casefold())}  # of "roasting time" no "roast" is asked for
    wanted = measured | {c for c in groups if words & {*re.findall(r"[^\W\d_]+?(?=s?(?:\b|_))", c.casefold())}}
    times = [c for c in time_columns(tables) if c not in columns(question, tables)]
    unnamed = times if any(stands(c, seen) for c in times) else []  # of several any may be meant
    for column in sorted(c for c in wanted if not stands(c, seen)):
        yield f"the question asks for {column}, and no cell looks at it"
    every = simple([w for q in queries for where in (q.where, *(m.where for m in q.measures)) for w in where])
    kept = {bare(w.left): w.right for w in every if bare(w.left) not in wanted}
    for column, value in kept.items():  # a column that cells group by tells of each of its values
        values = value if isinstance(value, tuple) else (value,)
        if column not in unnamed and not stands(column, seen) and not any(str(v) in seen for v in values):
            yield f"the question asks for rows by their {column}, and no cell looks at it"


def other_than_asked(question: str, text: str, given: Given) -> Iterator[str]:
    """That no cell looks at what the question's superlative is of, as "longest" is of time, although a column holds it,
    and all that cells look at is measured in another kind of unit."""
    yield from _in_its_place(question, text, given)
    (asked, *more), told = sorted(meanings(question, "M")) or [""], meanings(text, "M")
    dimension = asked.partition(" ")[2]
    words = str(lexicon.section("dimensions").get(dimension, {}).get("units", "")).split()
    kind = next((u[0] for w in words if (u := units.of_text(w)) is not None), None)
    if more or kind is None or asked not in told:
        return
    held = {
        c: u[0] for own in given.kinds.values() for c, k in own.items() if k == "number" and (u := units.of_column(c))
    }
    measured = {c for name in given.tables for c in given.measured(name) if stands(c, given.code)}
    lacking = [c for c, of in held.items() if of == kind]
    times = any(stands(c, given.code) for c in time_columns(given.list))
    if lacking and measured and not times and all(held.get(c, kind) not in (kind, "length") for c in measured):
        yield f"the question asks for the most or least of {' or '.join(lacking)}, and no cell looks at it"


def _in_its_place(question: str, text: str, given: Given) -> Iterator[str]:
    """That question and answer speak of a column at which no cell looks, while the cells look at another one in its
    unit of which neither speaks."""
    said = {*columns(f"{question} {text}", given.list)}
    both = {*columns(question, given.list)} & {*columns(text, given.list)}
    seen = "\n".join([given.code, *(x.text for x in given.shown)])
    for own in given.kinds.values():
        unit = {c: units.of_column(c) for c, kind in own.items() if kind == "number"}
        used = [c for c, of in unit.items() if of is not None and c not in said and stands(c, given.code)]
        for column in (c for c, of in unit.items() if of is not None and c in both and not stands(c, seen)):
            for other in [c for c in used if unit[c] == unit[column]][:1]:
                yield f"the question asks for {column}, and the cells look at {other} in its place"


def _spelt(query: Query) -> str:
    """A query as it is written, without the words that it was read from."""
    return query.model_copy(update={"text": "", "notes": (), "unused": ()}).model_dump_json().casefold()
