"""What the given tables themselves say of a claim: whether it turns about within groups, and what its rows repeat.

The tables are only read, never run. A check that looks at them can object to what a notebook did not even look at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = 200 * 2**20
_ROWS = 100_000
"""Rows of a table that are looked at: what holds of a hundred thousand holds of all."""
_LEVELS = 8
_FEWEST = 15
"""Rows that a group must have to count."""


def read(tables: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """The given tables by name, their first rows at most; those that cannot be read plainly are left out."""
    import pandas as pd

    found = {}
    for name, path in tables.items():
        suffix = Path(name).suffix.lower()
        try:
            if path.stat().st_size > _LARGEST:
                continue
            if suffix == ".parquet":
                found[name] = pd.read_parquet(path).head(_ROWS)
            elif suffix in (".csv", ".tsv", ".txt"):
                with path.open(encoding="utf-8", errors="replace") as file:
                    head = file.readline()
                mark = max("\t;,|", key=head.count)
                found[name] = pd.read_csv(path, sep=mark, nrows=_ROWS, encoding_errors="replace", low_memory=False)
        except (OSError, ValueError, ImportError, OverflowError):  # not what its name says
            continue
    return found


def described(name: str, frame: pd.DataFrame) -> dict[str, Any]:
    """What a table holds, in the shape that `graphs.look.describe` prints."""
    columns: list[dict[str, Any]] = []
    for column in frame.columns:
        values = frame[column].dropna()
        fact = {"name": str(column), "dtype": str(frame[column].dtype), "n_missing": len(frame) - len(values)}
        levels = values.astype(str).unique()
        fact |= {"n_unique": len(levels)} | ({"values": sorted(levels)} if len(levels) <= 40 else {})
        if values.dtype.kind in "iuf" and len(values):
            fact |= {"min": values.min().item(), "max": values.max().item()}
        columns.append(fact)
    return {"name": name, "rows": len(frame), "columns": columns}


@dataclass(frozen=True)
class Turn:
    """A relation of `x` and `y` that turns about within the levels of `by`. The effects are signed alike."""

    x: str
    y: str
    by: str
    pooled: float
    within: float


def turned(frame: pd.DataFrame, x: str, y: str) -> Turn | None:
    """The column within whose levels the relation of two others turns about, where the table has one.

    It does so when the slope within the levels (their intercepts apart) has the other sign than the pooled one, both
    are more than noise, and so have most levels.
    """
    import pandas as pd

    first, second = _numeric(frame[x], frame[y]), _numeric(frame[y], frame[x])
    for by in sorted(set(frame.columns) - {x, y}, key=str) if first is not None and second is not None else ():
        known = pd.DataFrame({"x": first, "y": second, "by": frame[by]}).dropna()
        known = known[known.groupby("by")["x"].transform("size") >= _FEWEST]
        levels = known.groupby("by", observed=True)[["x", "y"]]
        if not 2 <= levels.ngroups <= _LEVELS:
            continue
        pair = known[["x", "y"]]
        (pooled, strength), (within, force) = (_slope(pair - m) for m in (pair.mean(), levels.transform("mean")))
        slopes = [_slope(group - group.mean())[0] for _, group in levels]
        most = (0.6 if abs(force) >= 2.5 else 1.0) * len(slopes)
        against = sum(s * pooled < 0 for s in slopes) >= most
        if pooled * within < 0 and abs(strength) >= 1.5 and abs(force) >= 1 and against:
            return Turn(x, y, str(by), pooled, within)
    return None


def _numeric(column: pd.Series[Any], other: pd.Series[Any]) -> pd.Series[Any] | None:
    """A column as numbers: as it is, or its two values, or those with the lowest and the highest mean of another
    column, as 0 and 1; None where that one is no number either."""
    import pandas as pd

    if column.nunique() != 2 and pd.api.types.is_numeric_dtype(column):
        return column.astype("float64")
    ends = sorted(column.dropna().unique(), key=str)
    if len(ends) > 2 and (not pd.api.types.is_numeric_dtype(other) or len(ends) > _LEVELS):
        return None
    if len(ends) > 2:
        ends = list(other.groupby(column, observed=True).mean().sort_values().index)
    return column.map({ends[0]: 0.0, ends[-1]: 1.0}).astype("float64") if len(ends) > 1 else None


def _slope(pair: pd.DataFrame) -> tuple[float, float]:
    """The slope of centred values of `y` on those of `x`, and its t."""
    a, b, left = pair["x"], pair["y"], len(pair) - 2
    if (spread := float((a * a).sum())) <= 0 or left <= 0:
        return 0.0, 0.0
    slope = float((a * b).sum()) / spread
    rest = float(((b - slope * a) ** 2).sum()) / left
    return slope, slope / math.sqrt(rest / spread) if rest > 0 else math.copysign(math.inf, slope)
