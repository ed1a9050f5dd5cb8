"""Numbers that stand for something else: in a table of counts for so many cases, and codes for what is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from graphs.questions.query import Condition, Formula, Measure, Query, Reading
from graphs.questions.reader.conditions import expr, plain
from graphs.questions.reader.linking import Column

_NAME = re.compile(r"(?:^|[_\s.])(?:n|freq|frequency|frequencies|counts?|cnt|tally|cases|people|persons)$", re.I)
_OF_ROWS = ("count", "present", "missing", "distinct", "duplicates", "mode")


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


def without_codes(query: Query, columns: Sequence[Column]) -> Query:
    """The query without the rows whose value of what it computes or compares is such a number, with a note; as it is
    where it computes several columns, of which a row may have one and not the other."""
    used = {e for m in query.measures if m.op not in _OF_ROWS for e in (m.of, m.other) if e}
    if (len(query.measures) > 1 and len(used) > 1) or query.outliers is not None:
        return query
    met = [w for w in _conditions(query) if not (w.op == "=" or w.op == "in")]
    used |= {w.left for w in met} | {o.by for o in query.order if not query.measures}
    named = {(w.left, w.right) for w in _conditions(query)}
    coded = [c for c in columns if c.code is not None and expr(c) in used and (expr(c), c.code) not in named]
    where = tuple(Condition(left=expr(c), op="!=", right=plain(c.code or 0.0)) for c in coded)
    notes = (f"“{c.name}” is {c.code:,g} where it is not known: such rows are left out." for c in coded)
    return query.model_copy(update={"where": (*query.where, *where), "notes": (*query.notes, *notes)})


def _conditions(query: Query) -> Iterator[Condition]:
    yield from (
        w for some in (query.where, *(m.where for m in query.measures)) for w in some if isinstance(w, Condition)
    )
