"""Tables of counts: a row stands for as many cases as one of its columns says, and is no case itself."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from graphs.questions.query import Formula, Measure, Query, Reading
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.linking import Column

_NAME = re.compile(r"(?:^|[_\s.])(?:n|freq|frequency|frequencies|counts?|cnt|tally|cases|people|persons)$", re.I)


def weights(columns: Sequence[Column]) -> Column | None:
    """The column of the counts, where all others only divide and most combinations of them have one row."""
    named = [c for c in columns if _NAME.search(c.name) and "int" in c.dtype.casefold()]
    rest = [c for c in columns if c not in named and c.dtype != "new"]
    if len(named) != 1 or not rest or len({c.file for c in columns if c.dtype != "new"}) > 1:
        return None
    divide = all(c.n_unique <= (8 if c.kind == "number" else 50) and c.kind != "time" for c in rest)
    cells = math.prod(c.n_unique for c in rest)
    return named[0] if divide and 4 <= named[0].rows <= cells <= 2 * named[0].rows else None


def by_case(reading: Reading, columns: Sequence[Column]) -> Reading:
    """A reading of such a table, in cases."""
    if (by := weights(columns)) is None:
        return reading
    cases = tuple(q and of_cases(q, by) for q in reading.queries)
    none = f"A row stands for as many cases as “{by.name}” says, and this is no count or share of them."
    why_not = tuple(none if q and not c else w for q, c, w in zip(reading.queries, cases, reading.why_not, strict=True))
    return reading.model_copy(update={"queries": cases, "why_not": why_not})


def of_cases(query: Query, by: Column) -> Query | None:
    """The query with cases counted in place of rows; None where a figure of rows would be told as one of cases."""
    note = f"A row stands for as many cases as “{by.name}” says."
    measures, formulas = list[Measure](), list(query.formulas)
    if query.model is not None:
        return None
    for m in query.measures:
        if m.op == "count" and not m.of:
            measures.append(Measure(op="sum", of=expr(by), where=m.where, name=m.name or "number of cases"))
        elif m.op == "share" and not m.of and len(query.measures) == 1:
            part = Measure(op="sum", of=expr(by), where=m.where, name="part")
            measures += [part, Measure(op="sum", of=expr(by), name="whole")]
            formulas.append(Formula(name=m.name or "share in per cent", expr="100 * part / whole"))
        else:
            return None
    update = {"measures": tuple(measures), "formulas": tuple(formulas), "notes": (*query.notes, note)}
    return query.model_copy(update=update if query.measures else {})
