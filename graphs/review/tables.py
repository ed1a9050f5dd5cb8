"""What the given tables themselves say of a claim: whether it turns about within groups, and what its rows repeat.

The tables are only read, never run. A check that looks at them can object to what a notebook did not even look at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
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
        with suppress(OSError, ValueError, ImportError, OverflowError):  # not what its name says
            suffix, small = Path(name).suffix.lower(), path.stat().st_size <= _LARGEST
            if suffix == ".parquet" and small:
                found[name] = pd.read_parquet(path).head(_ROWS)
            elif suffix in (".csv", ".tsv", ".txt") and small:
                with path.open(encoding="utf-8", errors="replace") as file:
                    mark = max("\t;,|", key=file.readline().count)
                found[name] = pd.read_csv(path, sep=mark, nrows=_ROWS, encoding_errors="replace", low_memory=False)
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
    """A relation of `x` and `y` that turns about within the levels of `by`; the effects are correlations."""

    x: str
    y: str
    by: str
    pooled: float
    within: float


def turned(frame: pd.DataFrame, x: str, y: str) -> Turn | None:
    """The column within whose levels the relation of two others turns about, where the table has one.

    It does so when the relation within the levels (their means apart) has the other sign than the pooled one, both are
    more than noise, and so have most levels.
    """
    first, second = _numeric(frame[x], frame[y]), _numeric(frame[y], frame[x])
    for by in sorted(set(frame.columns) - {x, y}, key=str) if first is not None and second is not None else ():
        known = frame.assign(**{x: first, y: second})[[x, y, by]].dropna()
        known = known[known.groupby(by)[x].transform("size") >= _FEWEST]
        levels = known.groupby(by, observed=True)[[x, y]]
        if not 2 <= levels.ngroups <= _LEVELS:
            continue
        rest = known[[x, y]] - levels.transform("mean")
        pooled, within, *each = (pair[x].corr(pair[y]) for pair in (known[[x, y]], rest, *(own for _, own in levels)))
        against = sum(r * pooled < 0 for r in each) >= 0.6 * len(each)
        clear = min(1.5 * abs(within), abs(pooled)) * math.sqrt(len(known)) >= 1.5
        if pooled * within < 0 and clear and against:
            return Turn(x, y, str(by), pooled, within)
    return None


@dataclass(frozen=True)
class Parted:
    """A last year that breaks off earlier than the one before it, the last first; its last day; and the numbers of rows
    and the sums of columns in both."""

    years: tuple[int, int]
    end: str
    totals: tuple[tuple[float, float], ...]


def cut_short(frame: pd.DataFrame, column: str) -> Parted | None:
    """The last year of a column of times, where it ends six weeks or more before the year before it does."""
    import pandas as pd

    kind = frame[column].dtype.kind
    times = pd.to_datetime(frame[column], errors="coerce", format="ISO8601") if kind in "OM" else None
    if times is None or times.isna().mean() > 0.5:
        return None
    year = times.dt.year
    ends = times.groupby(year).max()
    last = int(ends.index[-1])
    if last - 1 not in ends.index or ends[last - 1].dayofyear - ends[last].dayofyear < 42:
        return None
    every = [year.value_counts(), *(frame[c].groupby(year).sum() for c in frame if frame[c].dtype.kind in "iuf")]
    totals = tuple((float(by[last]), float(by[last - 1])) for by in every)
    return Parted((last, last - 1), str(ends[last].date()), totals)


def _numeric(column: pd.Series[Any], other: pd.Series[Any]) -> pd.Series[Any] | None:
    """A column as numbers: as it is, or its two values, or those with the lowest and the highest mean of another
    column, as 0 and 1; None where that one is no number either."""
    import pandas as pd

    number, ends = pd.api.types.is_numeric_dtype, sorted(column.dropna().unique(), key=str)
    if len(ends) > 2 and number(column):
        return column.astype("float64")
    if len(ends) > 2 and number(other) and len(ends) <= _LEVELS:
        ends = list(other.groupby(column, observed=True).mean().sort_values().index)
    elif len(ends) != 2:
        return None
    return column.map({ends[0]: 0.0, ends[-1]: 1.0}).astype("float64")
