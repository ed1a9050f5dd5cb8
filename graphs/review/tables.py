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
    are more than noise, and so have nearly all levels.
    """
    import pandas as pd

    first, second = _numeric(frame[x]), _numeric(frame[y])
    if first is None and second is not None:
        first = _extremes(frame[x], second)
    if second is None and first is not None:
        second = _extremes(frame[y], first)
    for by in sorted(set(frame.columns) - {x, y}, key=str) if first is not None and second is not None else ():
        known = pd.DataFrame({"x": first, "y": second, "by": frame[by]}).dropna()
        if not 2 <= known["by"].nunique() <= _LEVELS or len(known) < 2 * _FEWEST:
            continue
        levels = known.groupby("by", observed=True)
        pair, apart = known[["x", "y"]], levels[["x", "y"]].transform("mean")
        pooled, strength = _slope(pair - pair.mean(), 2)
        within, force = _slope(pair - apart, known["by"].nunique() + 1)
        large = levels["x"].transform("size") >= _FEWEST
        groups = (pair - apart)[large & (levels["x"].transform("nunique") > 1)].groupby(known["by"], observed=True)
        slopes = [_slope(group, 2)[0] for _, group in groups]
        most = (0.6 if abs(force) >= 2.5 else 1.0) * len(slopes)
        against = len(slopes) >= 2 and sum(s * pooled < 0 for s in slopes) >= most
        if pooled * within < 0 and abs(strength) >= 1.5 and abs(force) >= 1 and against:
            return Turn(x, y, str(by), pooled, within)
    return None


def _numeric(column: pd.Series[Any]) -> pd.Series[Any] | None:
    """A column as numbers: as it is, or its two values as 0 and 1; None for others."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column) or column.nunique() == 2:
        levels = sorted(column.dropna().unique(), key=str)
        return column.map({level: float(i) for i, level in enumerate(levels)}).astype("float64")
    return column.astype("float64") if pd.api.types.is_numeric_dtype(column) else None


def _extremes(column: pd.Series[Any], other: pd.Series[Any]) -> pd.Series[Any] | None:
    """The levels with the lowest and the highest mean of another column as 0 and 1, the rest as missing."""
    groups = other.groupby(column, observed=True)
    means = groups.mean()[groups.size() >= _FEWEST]
    if len(means) < 2 or not 2 < column.nunique() <= _LEVELS:
        return None
    return column.map({means.idxmin(): 0.0, means.idxmax(): 1.0}).astype("float64")


def _slope(pair: pd.DataFrame, used: int) -> tuple[float, float]:
    """The slope of centred values of `y` on those of `x`, and its t."""
    a, b, left = pair["x"], pair["y"], len(pair) - used
    spread = float((a * a).sum())
    if spread <= 0 or left <= 0:
        return 0.0, 0.0
    slope = float((a * b).sum()) / spread
    rest = float(((b - slope * a) ** 2).sum()) / left
    return slope, slope / math.sqrt(rest / spread) if rest > 0 else math.copysign(math.inf, slope)
