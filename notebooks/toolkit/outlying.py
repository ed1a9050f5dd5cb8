"""Outliers by a rule: the limits beyond which a value is one, and how they are told."""

from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.answers import amount_text, and_list, listing, of_rows
from notebooks.toolkit.naming import readable
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import as_name, as_text, one_or_list


def outlier_limits(values: pd.Series, rule: str = "iqr", k: float = 1.5, ddof: int = 0) -> tuple[float, float]:
    """The values below and above which a rule calls values outliers.

    iqr: `k` interquartile ranges from the quartiles; z: `k` standard deviations (with `ddof`) from the mean; mad: `k`
    median absolute deviations from the median, scaled by 1.4826; percentile: the outer `k` per cent at each end.
    """
    if rule == "percentile":
        return float(values.quantile(k / 100)), float(values.quantile(1 - k / 100))
    if rule == "iqr":
        low, high = float(values.quantile(0.25)), float(values.quantile(0.75))
        width = high - low
    elif rule == "z":
        low = high = float(values.mean())
        width = float(values.std(ddof=ddof))
    else:
        low = high = float(values.median())
        width = 1.4826 * float((values - low).abs().median())
    return low - k * width, high + k * width


def outside_limits(values: pd.Series, limits: tuple[float, float], sides: str = "both") -> Any:
    """Which values lie beyond limits: above the upper one (high), below the lower one (low), or either."""
    low, high = limits
    return (values < (-np.inf if sides == "high" else low)) | (values > (np.inf if sides == "low" else high))


def answer_outliers(
    outlying: pd.DataFrame,
    column: str,
    rows: pd.DataFrame,
    limits: tuple[float, float],
    how: str,
    where: str = "",
    *,
    sides: str = "both",
    found: dict[str, Any] | None = None,
    show: Any = (),
    tell: str = "all",
    verdict: str = "",
    decimals: int | None = None,
    notes: Any = (),
) -> None:
    """Answer with the outlying rows of a column: how many, statistics of them, and the columns that are to be shown."""
    found = found or {}
    ends = {"low": f"below {as_text(limits[0])}", "high": f"above {as_text(limits[1])}"}
    side = ends.get(sides, f"{ends['low']} or {ends['high']}")
    text = f"outliers of {readable(column, rows)} ({how}: {side}): "
    text += f"{len(outlying):,} of {rows[column].count():,} values"
    told = [f"the {name} is {amount_text(x, '', decimals)}" for name, x in found.items()]
    told += [f"the verdict is {verdict}"] if verdict else []
    text += f"; {and_list(told)}" * bool(told)
    values: dict[str, Any] = {} if tell == "names" else {"number of outliers": len(outlying), **found}
    values |= {"lower limit": limits[0], "upper limit": limits[1]} if tell == "all" and not show else {}
    if show:
        text += f". {listing(outlying[list(show)])}"
        values |= {str(c): one_or_list(outlying[c]) if len(outlying) else "none" for c in show}
    text += f" ({of_rows(rows, where)})" if where else ""
    answer(f"{text}.", {**values, "verdict": verdict} if verdict else values, notes=notes)


def answer_outlier_counts(
    counts: dict[Any, Any], of: str, how: str, rows: pd.DataFrame, where: str = "", *, notes: Any = ()
) -> None:
    """Answer with the number of outliers of each of several columns or groups."""
    names = (", ".join(map(as_name, k)) if isinstance(k, tuple) else as_name(k) for k in counts)
    told = dict(zip(names, map(int, counts.values()), strict=True))
    each = ", ".join(f"{name} {n:,}" for name, n in told.items())
    answer(f"number of outliers{of}: {each}; outliers are values {how} ({of_rows(rows, where)}).", told, notes=notes)
