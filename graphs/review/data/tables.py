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
    first, second = _numeric(frame[x]), _numeric(frame[y])
    if first is None and second is not None and frame[x].nunique() > 2:
        first = _extremes(frame[x], second)
    if second is None and first is not None and frame[y].nunique() > 2:
        second = _extremes(frame[y], first)
    if first is None or second is None:
        return None
    for by in sorted(set(frame.columns) - {x, y}, key=str):
        groups = frame[by]
        if not 2 <= groups.nunique() <= _LEVELS:
            continue
        known = first.notna() & second.notna() & groups.notna()
        if known.sum() < 2 * _FEWEST:
            continue
        a, b, g = first[known].astype(float), second[known].astype(float), groups[known]
        pooled, strength = _slope(a - a.mean(), b - b.mean(), 2)
        within, force = _slope(
            a - a.groupby(g, observed=True).transform("mean"),
            b - b.groupby(g, observed=True).transform("mean"),
            g.nunique() + 1,
        )
        if pooled * within >= 0 or abs(strength) < 1.5 or abs(force) < 1:
            continue
        slopes = [
            _slope(a[rows] - a[rows].mean(), b[rows] - b[rows].mean(), 2)[0]
            for rows in (g == level for level in sorted(g.unique(), key=str))
            if rows.sum() >= _FEWEST and a[rows].nunique() > 1
        ]
        against = [s for s in slopes if s * pooled < 0]
        if len(slopes) >= 2 and (
            len(against) == len(slopes) or (abs(force) >= 2.5 and len(against) >= 0.6 * len(slopes))
        ):
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
    if column.nunique() > _LEVELS:
        return None
    counts = column.value_counts()
    means = other.groupby(column, observed=True).mean()
    means = means[counts.reindex(means.index) >= _FEWEST]
    if len(means) < 2:
        return None
    return column.map({means.idxmin(): 0.0, means.idxmax(): 1.0}).astype("float64")


def _slope(a: pd.Series[Any], b: pd.Series[Any], used: int) -> tuple[float, float]:
    """The slope of centred values and its t."""
    spread = float((a * a).sum())
    left = len(a) - used
    if spread <= 0 or left <= 0:
        return 0.0, 0.0
    slope = float((a * b).sum()) / spread
    rest = float(((b - slope * a) ** 2).sum()) / left
    return slope, slope / math.sqrt(rest / spread) if rest > 0 else math.copysign(math.inf, slope)


def restates(features: pd.DataFrame, outcome: pd.Series[Any]) -> str | None:
    """The columns that all but say what an outcome is: one that parts its two classes, or what it is the sum of."""
    import numpy as np

    target = _numeric(outcome)
    if target is None or len(features) < 50 or outcome.nunique() < 2:
        return None
    target = target.reset_index(drop=True)
    features = features.reset_index(drop=True)
    numeric = {str(c): v for c in features.columns if (v := _numeric(features[c])) is not None and v.nunique() > 1}
    if target.nunique() == 2:
        classes = target == target.max()
        return next((str(c) for c in features.columns if _parts(features[c], classes)), None)
    for column, values in numeric.items():
        if values.nunique() > 2 and abs(values.corr(target)) >= 0.995:
            return column
    several = [c for c, v in numeric.items() if v.notna().all()][:30]
    if len(several) < 2 or target.isna().any() or len(target) < 5 * len(several):
        return None
    design = np.column_stack([np.ones(len(target)), *(numeric[c] for c in several)])
    weights, *_ = np.linalg.lstsq(design, target, rcond=None)
    left = float(((target - design @ weights) ** 2).sum() / ((target - target.mean()) ** 2).sum())
    if left > 1e-4:
        return None
    shares = {c: abs(w) * float(numeric[c].std()) for c, w in zip(several, weights[1:], strict=True)}
    return " and ".join(sorted(c for c, share in shares.items() if share > 0.02 * float(target.std())))


def _parts(column: pd.Series[Any], classes: pd.Series[Any]) -> bool:
    """Whether a column's values hardly ever stand for both classes: 97 of 100 of each are told by it."""
    import pandas as pd

    known = column.notna() & classes.notna()
    if known.sum() < 50:
        return False
    values, truth = column[known], classes[known].astype(bool)
    if min(truth.sum(), (~truth).sum()) < 10:
        return False
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > 2:
        ranks = values.astype(float).rank()
        ones, zeros = int(truth.sum()), int((~truth).sum())
        area = (float(ranks[truth].sum()) - ones * (ones + 1) / 2) / (ones * zeros)
        return max(area, 1 - area) >= 0.985
    if values.nunique() > min(50, len(values) / 10):
        return False
    levels = values.astype(str)
    told = truth.groupby(levels).transform("mean") >= float(truth.mean())
    return bool(told[truth].mean() >= 0.97 and (~told[~truth]).mean() >= 0.97) or _only_with(levels, truth)


def _only_with(levels: pd.Series[Any], truth: pd.Series[Any]) -> bool:
    """Whether a level stands with one class only, the rarer one, and with much of it: it is noted once that is so."""
    for classes in (truth, ~truth):
        if classes.mean() > 0.6:
            continue
        rows = levels.groupby(levels).transform("size")
        pure = classes.groupby(levels).transform("mean") == 1
        if (pure & (rows >= 30)).sum() >= 0.15 * classes.sum():
            return True
    return False
