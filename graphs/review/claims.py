"""What was asked, against what was answered: whether a value's query has the conditions that the question and the
sentence name, and whether a sentence gives each number to the group that it is of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from artifacts.types import Answer, AnswerValue, Execution
from graphs.questions.expressions import NotComputable, columns_of
from graphs.questions.query import AnyOf, Condition, Keep, Measure, Query, Scalar, Where
from graphs.review import units
from graphs.review.answering import Cell, Result, shown
from graphs.review.code.syntax import words
from graphs.review.mentions import YEAR, Label, Tables, columns, labels, levels, spoken, telling, time_columns
from graphs.review.prose.figures import Figure
from graphs.review.prose.tables import tables as printed_tables

KEEPS_UNIT = words(
    """
    sum mean median mode min max range std sem quantile iqr mad first last value weighted_mean geometric_mean
    """
)
"""The statistics that are in the unit of their column."""


# What a query is about.


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


def measured(query: Query, names: Sequence[str]) -> set[str]:
    """The columns that a query computes with."""
    found: set[str] = set()
    for measure in query.measures:
        for text in filter(None, (measure.of, measure.other)):
            try:
                found |= {text.strip("`")} & set(names) or set(columns_of(text, names))
            except NotComputable:
                continue
    return found


def bare(query: Query) -> Measure | None:
    """The one measure of a query whose value is in its column's own unit."""
    if len(query.measures) != 1 or query.formulas or query.prepare:
        return None
    (measure,) = query.measures
    plain = re.fullmatch(r"\w+|`[^`]+`", measure.of or "")
    return measure if measure.op in KEEPS_UNIT and plain else None


def in_unit(query: Query, unit: str) -> float | None:
    """What the computed number is to be multiplied by to be told in a unit; None where nothing says so."""
    measure = bare(query)
    return units.factor(str(measure.of), unit) if measure is not None else None


# Whether it has what was asked for.


def lacking(query: Query, value: AnswerValue, answer: Answer, question: str, tables: Tables) -> Iterator[str]:
    """What the question or the sentence names and a value's query lacks, and what the query has that nobody says."""
    by = held(query)
    name, said = value.name, _about(value, answer, tables)
    sentence = " ".join((value.name, answer.text, answer.part, question))
    wanted = [*labels(name, tables)] or said
    named = {n.column for n in wanted}
    once = [n for n in labels(question, tables) if n.column not in named and n.column not in {s.column for s in said}]
    several = {n.column for n in once if len({m.value for m in once if m.column == n.column}) > 1}
    for label in [*wanted, *(n for n in once if n.column not in several)]:
        places = time_columns(tables) if label.column == YEAR else _columns_of(label.value, tables)
        if not set(places) & set(by):
            yield (
                f"{name!r}: {label.value} is named, and no condition of its query is on "
                f"{' or '.join(map(repr, places[:3]))}, so that it is of all rows"
            )
            return
        times = [v for c in places for v in by.get(c, ()) if re.match(r"(?:19|20)\d\d", v)]
        if label.column == YEAR and times and not any(label.value in v for v in times):
            yield f"{name!r}: its query is of another time than {label.value}"
            return
    for where in query.where:
        if isinstance(where, Condition) and where.op in ("=", "in") and isinstance(where.right, str):
            column = where.left.strip("`")
            spelt = where.right.casefold() in sentence.casefold() or telling(column) <= set(telling_words(sentence))
            if not spelt and where.right in {v for c, v in levels(tables) if c == column}:
                yield (
                    f"{name!r} is of the rows only whose {column} is {where.right}, which neither the question nor the "
                    "sentence says"
                )
                return
    names = [str(c["name"]) for t in tables for c in t["columns"]]
    numbers = {
        str(c["name"]) for t in tables for c in t["columns"] if str(c["dtype"]).lower().startswith(("int", "float"))
    }
    asked = set(columns(question, tables)) & numbers
    uses = measured(query, names)
    if asked and uses and not (asked & (uses | set(by))) and not uses & set(columns(f"{name} {answer.text}", tables)):
        of, instead = (" and ".join(sorted(some)) for some in (asked, uses))
        yield f"the question asks of {of}, and {name!r} is computed of {instead}"


def telling_words(text: str) -> set[str]:
    """The words of a text, as those of columns' names are compared."""
    return telling(" ".join(re.findall(r"\w+", text)))


def _columns_of(value: str, tables: Tables) -> list[str]:
    return list(dict.fromkeys(c for c, v in levels(tables) if v == value))


def _about(value: AnswerValue, answer: Answer, tables: Tables) -> list[Label]:
    """What the sentence says the value is of, where the value stands in it."""
    if isinstance(value.value, bool) or not isinstance(value.value, (int, float)):
        return []
    for s in (s for _, every in spoken(answer.text, tables) for s in every):
        if s.figure.tells(float(value.value)):
            return list(s.labels)
    return []


# Whether each number is given to what it is of.


@dataclass(frozen=True)
class Known:
    """A number that is known to be of certain values of columns. `what` it is: the same for all groups of one table."""

    labels: frozenset[tuple[str, str]]
    what: str
    value: float

    def of(self, column: str) -> str | None:
        """Its value of a column; None where it has none."""
        return next((v for c, v in self.labels if c == column), None)

    def but(self, column: str) -> frozenset[tuple[str, str]]:
        """Its labels without those of a column."""
        return frozenset(pair for pair in self.labels if pair[0] != column)


def of_result(query: Query, result: Result, what: str) -> Iterator[Known]:
    """The numbers of a result, each with the values of its conditions and its group."""
    fixed = frozenset(
        (w.left.strip("`"), w.right)
        for w in query.where
        if isinstance(w, Condition) and w.op == "=" and isinstance(w.right, str)
    )
    for number in result.numbers():
        if isinstance(number.value, (int, float)) and not isinstance(number.value, bool):
            groups = frozenset(zip((g.strip("`") for g in result.asked.groups), number.group, strict=True))
            yield Known(fixed | groups, f"{what}{number.name}", float(number.value))


def of_prints(cells: Sequence[Execution], tables: Tables) -> Iterator[Known]:
    """The numbers of the tables that cells printed, each with the values of columns that label it."""
    of: dict[str, list[str]] = {}
    for column, value in levels(tables):
        of.setdefault(value, []).append(column)

    def label(text: str) -> frozenset[tuple[str, str]]:
        plain = text.strip(":,()'\"")
        if re.fullmatch(r"(?:19|20)\d\d", plain):
            return frozenset([(YEAR, plain)])
        return frozenset((c, plain) for c in of.get(plain, ()))

    for cell in cells:
        for place, rows in enumerate(printed_tables(cell.text)):
            for row in rows:
                down = frozenset[tuple[str, str]]().union(*map(label, (*row.labels, " ".join(row.labels))))
                for i, number in enumerate(row.numbers):
                    head = row.heads[i] if i < len(row.heads) else ""
                    across = label(head)
                    what = f"{cell.cell} {place} {'' if across else i}"
                    if down or across:
                        yield Known(down | across, what, number)


def misplaced(text: str, known: Sequence[Known], tables: Tables, names: Sequence[str] = ()) -> Iterator[str]:
    """The numbers of a text that are known to be of another group than the sentence says."""
    for s in (s for _, every in spoken(text, tables, names) for s in every):
        digits = len(re.sub(r"\D", "", s.figure.text).strip("0"))
        if digits < 2 and not s.figure.share:
            continue
        said = {n.column: n.value for n in s.labels}
        for column, value in said.items():
            same = [k for k in known if all(k.of(c) in (None, v) for c, v in said.items())]
            if any(_tells(s.figure, k) for k in same):
                break
            own = (
                (other, mine)
                for other in known
                if other.of(column) not in (None, value) and _tells(s.figure, other) and _fits(other, said, column)
                for mine in same
                if mine.of(column) == value and mine.what == other.what and mine.but(column) == other.but(column)
            )
            if (found := next(own, None)) is not None:
                other, right = found
                yield (
                    f"{s.figure.text} is the value of {other.of(column)}, not of {value}, for which it is "
                    f"{shown(right.value)}"
                )
                break


def _fits(known: Known, said: dict[str, str], but: str) -> bool:
    return all(c == but or known.of(c) in (None, v) for c, v in said.items())


def _tells(figure: Figure, known: Known) -> bool:
    return figure.tells(known.value)
