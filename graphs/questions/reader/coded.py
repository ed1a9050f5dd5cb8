"""Numbers that stand for missing: nothing is computed of them, unless the question names them itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphs.questions.query import Condition, Query
from graphs.questions.reader.conditions import expr, plain
from graphs.questions.reader.linking import Column

_OF_ROWS = ("count", "present", "missing", "distinct", "duplicates", "mode")


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
