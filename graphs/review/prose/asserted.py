"""What a sentence says of a number that carries no query: the queries it can mean, and those next to them.

The columns are those of the cell that printed the number, the statistic is the sentence's own word or, without one,
what that cell computes, and the rows are those that the sentence and the question name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artifacts.types import Execution
from graphs.questions.expressions import in_backticks, kind_of
from graphs.questions.query import Condition, Measure, Query, Statistic
from graphs.questions.reader import lexicon
from graphs.review import units
from graphs.review.answering import Result
from graphs.review.claims import KEEPS_UNIT
from graphs.review.code.syntax import calls, name_of, parsed
from graphs.review.mentions import YEAR, Label, Tables, labels, levels, spoken, time_columns
from graphs.review.near import Neighbour
from graphs.review.prose.figures import Figure
from graphs.review.prose.numbers import printed_numbers

type Table = Mapping[str, Any]
_OPS: tuple[Statistic, ...] = ("mean", "median", "sum", "count", "min", "max", "std", "distinct", "share")
_IN_CODE: dict[str, Statistic] = {
    "mean": "mean", "average": "mean", "median": "median", "sum": "sum", "count": "count", "size": "count",
    "value_counts": "count", "len": "count", "min": "min", "max": "max", "std": "std", "nunique": "distinct",
}  # fmt: skip
_CLOSE = 4
"""Values of a column of words beyond which its shares are not tried."""


@dataclass(frozen=True)
class Asserted:
    """A number of the report, the queries that its sentence can mean, and those next to them."""

    figure: Figure
    right: tuple[Query, ...]
    wrong: tuple[Neighbour, ...]

    def problem(self, right: Sequence[Result], wrong: Sequence[Result]) -> str | None:
        """What is wrong with it, where something is."""
        if any(_tells(self.figure, q, r) for q, r in zip(self.right, right, strict=True)):
            return None
        for query, result in zip(self.right, right, strict=True):
            if _tells(self.figure, query, result, plainly=True):
                measure = query.measures[0]
                return f"{self.figure.text} is in the unit of the column {measure.of}, not in that of the sentence"
        for near, result in zip(self.wrong, wrong, strict=True):
            if _tells(self.figure, near.query, result):
                return f"{self.figure.text} is {near.said}"
        return None


def _tells(figure: Figure, query: Query, result: Result, *, plainly: bool = False) -> bool:
    """Whether a figure is the result's one value, in the unit of its sentence, or `plainly` as the column has it."""
    measure = query.measures[0]
    factor = units.factor((measure.of or "").strip("`"), figure.after) if measure.op in KEEPS_UNIT else None
    if plainly and factor is None:
        return False
    for number in result.numbers():
        if isinstance(number.value, (int, float)):
            value = float(number.value) * (factor if factor is not None and not plainly else 1.0)
            if figure.is_near(value) and (measure.op != "correlation" or figure.negative == (value < 0)):
                return True
    return False


def asserted(text: str, question: str, cells: Sequence[Execution], tables: Tables) -> Iterator[Asserted]:
    """The numbers of a text whose cell is known, with what they can mean."""
    asked = labels(question, tables)
    once = [n for n in asked if len({m.value for m in asked if m.column == n.column}) == 1]
    for s in spoken(text, tables):
        digits = len(re.sub(r"\D", "", s.figure.text).strip("0"))
        cell = next((x for x in reversed(cells) if any(s.figure.tells(v) for v in printed_numbers(x))), None)
        tree = parsed(cell.code) if cell is not None else None
        if tree is None or (digits < 2 and not s.figure.share) or re.search(r"\b[pr]\s*[=<]\s*$", s.figure.before):
            continue
        clause = labels(s.figure.clause, tables)
        alone = [n for n in clause if len({m.value for m in clause if m.column == n.column}) == 1]
        own = {n.column: n for n in (*once, *alone, *s.labels)}
        several = {n.column for n in clause} - {n.column for n in (*alone, *s.labels)}
        if several:
            continue  # of which of them it is said, nobody knows
        for table in tables:
            yield from _of_table(s.figure, tree, table, list(own.values()))


def _of_table(figure: Figure, tree: ast.Module, table: Table, named: list[Label]) -> Iterator[Asserted]:
    kinds = {str(c["name"]): kind_of(str(c["dtype"])) for c in table["columns"]}
    source = ast.unparse(tree)
    used = [c for c in kinds if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", source)]
    conditions: dict[str, Condition] = {}
    for label in named:
        column = label.column
        if column == YEAR:
            times = [c for c in time_columns([table]) if kinds[c] in ("time", "number")]
            if not times:
                return
            left = in_backticks(column := times[0])
            timed = Condition(left=left, op="during", right=label.value)
            conditions[column] = (
                timed if kinds[column] == "time" else Condition(left=left, op="=", right=int(label.value))
            )
        elif column in kinds:
            conditions[column] = Condition(left=in_backticks(column), op="=", right=label.value)
        else:
            return
    ops = _said(figure) or tuple({_IN_CODE[n] for c in calls(tree) if (n := name_of(c)) in _IN_CODE})
    measures = list(_measures(figure, ops, used, kinds, set(conditions), table))
    if not measures:
        return
    file = str(table["name"])

    def query(measure: Measure, where: dict[str, Condition]) -> Query:
        return Query(table=file, measures=(measure,), where=tuple(where.values()))

    right = tuple(query(m, conditions) for m in measures)
    wrong = list[Neighbour]()
    for column, condition in conditions.items():
        rest = {c: w for c, w in conditions.items() if c != column}
        said = f"the value without the condition that {column} is {condition.right}, which is asked for"
        wrong += [Neighbour(query(m, rest), said) for m in measures]
        for other in (v for c, v in levels([table]) if c == column and v != condition.right):
            instead = {**conditions, column: condition.model_copy(update={"right": other})}
            wrong += [Neighbour(query(m, instead), f"the value of {other}, not of {condition.right}") for m in measures]
    literals = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    shared = {c for m in measures for w in m.where for c in kinds if isinstance(w, Condition) and c in w.left}
    for column, value in levels([table]):
        if value in literals and column not in conditions and column not in shared:
            more = {**conditions, column: Condition(left=in_backticks(column), op="=", right=value)}
            said = f"the value of the rows only whose {column} is {value}, which is not said"
            wrong += [Neighbour(query(m, more), said) for m in measures]
    for measure in measures if _said(figure) else ():
        for op in ("mean", "median", "sum"):
            if measure.of and op != measure.op and measure.op in ("mean", "median", "sum"):
                other_measure = measure.model_copy(update={"op": op})
                wrong.append(Neighbour(query(other_measure, conditions), f"the {op}, not the {measure.op}"))
    yield Asserted(figure, right, tuple(wrong))


def _said(figure: Figure) -> tuple[Statistic, ...]:
    """The statistic that a sentence names, where it names one."""
    if figure.share:
        return ("share",)
    exact, _ = lexicon.phrases()
    found = {
        meaning.split()[0]
        for phrase, (code, meaning) in exact.items()
        if code in ("S", "h") and re.search(rf"\b{' '.join(map(re.escape, phrase))}\b", figure.clause, re.I)
    }
    ops = tuple(op for op in _OPS if op in found)
    return ops if len(ops) == 1 else ()


def _measures(
    figure: Figure,
    ops: Sequence[Statistic],
    used: Sequence[str],
    kinds: Mapping[str, str],
    fixed: set[str],
    table: Table,
) -> Iterator[Measure]:
    """What a sentence can mean: its statistic of the columns of numbers that the cell works with, shares of values."""
    for op in ops:
        if op == "count":
            yield Measure(op="count")
        elif op == "share":
            for column, value in levels([table]):
                facts = next(c for c in table["columns"] if c["name"] == column)
                if column in used and column not in fixed and facts["n_unique"] <= _CLOSE:
                    yield Measure(op="share", where=(Condition(left=in_backticks(column), op="=", right=value),))
        else:
            numeric = [c for c in used if kinds[c] == "number" or (op == "distinct" and c not in fixed)]
            yield from (Measure(op=op, of=in_backticks(c)) for c in numeric[:5])
