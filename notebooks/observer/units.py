"""Rows of one unit that stand for several."""

from __future__ import annotations

import re
import sys
from typing import Any

from notebooks.observer.rows import _MOST_COLUMNS

_CALLED_ID = re.compile(
    r"(^|_)(id|no|nr|num|number|code|key|subject|patient|person|participant|user|customer|client|member|student|pupil|"
    r"serial|unit|specimen|household|animal|site|batch|plot|cluster|machine|device|station|sensor|player|runner|home|well|tree)(_|$)|id$",
    re.I,
)


def _repeating(table: Any, places: Any, factor: Any, outcome: Any) -> list[dict[str, Any]]:
    pandas = sys.modules["pandas"]
    rows = table.iloc[places].reset_index(drop=True)
    of, y = pandas.Series(factor), pandas.Series(outcome)
    found = []
    for unit in rows.columns[:_MOST_COLUMNS]:
        column = rows[unit]
        levels = column.nunique()
        if column.dtype.kind in "fMm" or not of.nunique() < levels <= len(rows) / 3:
            continue
        if of.groupby(column, observed=True).nunique().max() > 1 or _in_order(column, of):
            continue
        if column.groupby(of.to_numpy(), observed=True).nunique().min() < (2 if of.nunique() <= 8 else 1):
            continue
        if _alike(y, column, of):
            found.append({"column": str(unit), "levels": int(levels), "rows": len(rows)})
    return found[:5]


def _in_order(column: Any, of: Any) -> bool:
    """Whether a column of numbers only says more finely what the factor says: ages within bands of age."""
    if column.dtype.kind not in "iub":
        return False
    ends = column.groupby(of.to_numpy()).agg(["min", "max"]).sort_values("min")
    in_blocks = bool((ends["min"].to_numpy()[1:] > ends["max"].to_numpy()[:-1]).all())
    counts = column.value_counts()
    return in_blocks and not bool(counts.min() == counts.max())


def _alike(y: Any, unit: Any, factor: Any) -> bool:
    """Whether values differ more between the units of a level than within units: F with p < 0.001."""
    from scipy.special import fdtrc

    known = y.notna() & unit.notna() & factor.notna()
    y, unit, factor = y[known], unit[known], factor[known]
    means = y.groupby(unit, observed=True).transform("mean")
    between = float(((means - y.groupby(factor, observed=True).transform("mean")) ** 2).sum())
    inside = float(((y - means) ** 2).sum())
    degrees, left = unit.nunique() - factor.nunique(), len(y) - unit.nunique()
    if degrees <= 0 or left <= 0 or inside <= 0:
        return False
    return bool(fdtrc(degrees, left, between / degrees / (inside / left)) < 0.001)


def _has_own(table: Any, unit: Any, levels: int) -> bool:
    """Whether some measure is the same in all rows of a unit, as a person's height is."""
    groups = table.groupby(unit, observed=True)
    rich = (c for c in table.columns[:_MOST_COLUMNS] if c != unit and table[c].nunique() >= max(5, levels / 4))
    return any(groups[c].nunique().max() == 1 for c in rich)
