"""Rows of tables by what they hold, so that they can be known again."""

from __future__ import annotations

import sys
import weakref
from typing import Any

_MOST_ROWS = 100_000
"""Rows beyond which values are not compared, only counted."""
_MOST_COLUMNS = 40


def _array(values: Any) -> Any:
    return sys.modules["numpy"].asarray(values)


def _known(values: Any) -> int:
    """How many values are there and not missing."""
    return int(sys.modules["pandas"].notna(_array(values)).sum()) if "pandas" in sys.modules else len(values)


class _Rows:
    """Rows of features by what they hold: a digest of each row, and of columns that tell rows apart."""

    def __init__(self, rows: Any, columns: list[Any]) -> None:
        self.rows, self.columns = rows, columns

    def within(self, whole: _Rows) -> bool:
        """Whether all of these rows are among those, by their digests or by a column that both have."""
        isin = sys.modules["numpy"].isin
        if isin(self.rows, whole.rows).all():
            return True
        return any(isin(one, other).all() for one in self.columns for other in whole.columns)


class _Fit:
    """A model that was fitted, to what, and which learnt values its features hold."""

    def __init__(self, model: Any, cell: int, features: Any, outcome: Any, learnt: list[_Learnt]) -> None:
        self.model, self.cell, self.rows, self.learnt = weakref.ref(model), cell, _rows(features), learnt
        self.index = getattr(features, "index", None)
        self.columns = {str(c) for c in getattr(features, "columns", ())}
        self.outcome = outcome if getattr(outcome, "ndim", 0) == 1 else None


class _Learnt:
    """What a transformer put out for the very rows that it had learnt from."""

    def __init__(self, by: str, cell: int, rows: _Rows) -> None:
        self.by, self.cell, self.rows = by, cell, rows


def _rows(table: Any) -> _Rows | None:
    pandas, numpy = sys.modules.get("pandas"), sys.modules["numpy"]
    if pandas is None or table is None:
        return None
    if hasattr(table, "tocsr"):
        table = _array(table.sum(axis=1)).reshape(-1, 1)
    held = table if isinstance(table, pandas.DataFrame) else None
    if held is None:
        values = _array(table)
        if values.ndim not in (1, 2) or values.dtype.kind not in "iufbOSU":
            return None
        held = pandas.DataFrame(values)
    if not 8 <= len(held) <= _MOST_ROWS // 2 or not held.shape[1]:
        return None
    held = held.iloc[:, :_MOST_COLUMNS]
    columns: list[Any] = []
    for place in range(held.shape[1]):
        column = held.iloc[:, place]
        if len(columns) < 8 and column.dtype.kind == "f" and column.nunique() > 0.5 * len(column):
            columns.append(numpy.unique(column.dropna().to_numpy().astype(float)))
    numbers = all(k.kind in "iufb" for k in held.dtypes)
    digests = pandas.util.hash_pandas_object(held.astype(float) if numbers else held.astype(str), index=False)
    return _Rows(digests.to_numpy(), columns)
