"""Tables whose rows are units measured again and again: which column names the units, and what holds within them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from notebooks.toolkit.columns import UNIT_NAME, is_text, names, tells_times
from notebooks.toolkit.naming import ID_NAME, WHO_NAME
from notebooks.toolkit.table import Table


def panel_of(table: Table) -> tuple[str, str]:
    """The columns of a panel's units and times, where no unit has two rows at one time; empty where there are none."""
    df = table.df
    units = [
        c
        for c in names(df)
        if table.kind(c) in ("identifier", "category", "text") and 1 < table.levels(c) <= len(df) / 2
    ]
    steps = [c for c in names(df) if table.kind(c) == "time"]
    counted = [c for c in table.of("number", "category") if tells_times(c) and not is_text(df[c])]
    steps += [c for c in counted if (df[c].dropna() % 1 == 0).all()]
    pairs = ((u, t) for t in steps for u in units if not df.duplicated(subset=[u, t]).any())
    return next(pairs, ("", ""))


def unit_of_rows(table: Table) -> str:
    """The column of those of whom each has several rows, by its name; empty where there is none."""
    df = table.df
    named = [c for c in names(df) if UNIT_NAME.search(c) or ID_NAME.search(c) or WHO_NAME.fullmatch(c)]
    return next((c for c in named if 5 <= table.levels(c) <= 0.7 * len(df) and not df[c].is_unique), "")


@dataclass(frozen=True)
class Repeated:
    """A column of units that rows repeat: how many there are, whether each has the same mean of the outcome, and the
    column of dates or years of which each unit has one row each, if there is one."""

    name: str
    count: int
    even: bool
    calendar: str


def repeated_units(df: pd.DataFrame, unit: str, outcome: str) -> Repeated | None:
    """The units that rows of a table repeat, the named ones or those found; None of fewer than 5, or in a table so long
    that looking for them takes long."""
    time = ""
    if not unit and len(df) <= 100_000:
        table = Table("", df, len(df))
        unit, time = panel_of(table)
        named = unit_of_rows(table)
        unit = unit or (named if named and table.kind(named) != "number" else "")  # years of school are no schools
    if not unit or unit == outcome or not 5 <= df[unit].nunique() <= 0.7 * len(df):
        return None
    means = pd.Series(pd.factorize(df[outcome], sort=True)[0], df.index).groupby(df[unit]).mean()
    dated = bool(time) and (not pd.api.types.is_numeric_dtype(df[time]) or bool(df[time].between(1800, 2200).all()))
    calendar = time if dated and df[time].nunique() <= 40 else ""
    return Repeated(unit, int(df[unit].nunique()), bool(np.ptp(means) < 1e-9), calendar)


def numbering(df: pd.DataFrame, unit: str, name: str) -> bool:
    """Whether a column only numbers the rows of each unit, from 1 on, and is no time."""
    s: Any = df[name]
    if is_text(s) or tells_times(name) or not pd.api.types.is_numeric_dtype(s) or s.nunique() < 3:
        return False
    of = df[unit]
    if of.value_counts().nunique() == 1:  # each has a row of each: what is compared, and no numbering
        return False
    counted = s.groupby(of).rank(method="first")
    return bool((counted == s)[of.notna()].mean() > 0.98)


def chance_by_unit(y: Any, x: Any, unit: pd.Series) -> tuple[float, int] | None:
    """The p of columns x telling something of y, with standard errors that allow for what the rows of a unit share (the
    sandwich of Liang and Zeger, 1986), and the number of units. None of fewer than 5 units more than columns."""
    rows = ~np.isnan(np.column_stack([y, x])).any(axis=1) & unit.notna().to_numpy()
    y, x, codes = y[rows].ravel(), x[rows], pd.factorize(unit[rows])[0]
    count, k = int(codes.max(initial=-1)) + 1, x.shape[1]
    if count < k + 5 or np.ptp(y) == 0:
        return None
    x = x - x.mean(axis=0)
    bread = np.linalg.pinv(x.T @ x)
    weights = bread @ x.T @ (y - y.mean())
    scores = x * (y - y.mean() - x @ weights)[:, None]
    sums = np.zeros((count, k))
    np.add.at(sums, codes, scores)
    spread = bread @ (sums.T @ sums) @ bread * count / (count - 1)
    f = float(weights @ np.linalg.pinv(spread) @ weights) / k
    return float(stats.f.sf(f, k, count - 1)), count


@dataclass(frozen=True)
class Within:
    """How one column goes with another once each unit's and each time's own level is taken out: the slope with its
    95 % interval (standard errors by unit), its p, r, and how many rows and units there were."""

    slope: float
    low: float
    high: float
    p: float
    r: float
    n: int
    units: int


def within_units(x: pd.Series, y: pd.Series, unit: pd.Series, time: pd.Series, least: float = 0.02) -> Within | None:
    """The slope of y on x within units and times, with standard errors that allow for what the rows of a unit share.

    None of fewer than 10 units, or where less than a share `least` of the variation of x is left. Source: Arellano
    (1987).
    """
    rows = pd.DataFrame({"x": x.astype(float), "y": y.astype(float), "unit": unit, "time": time}).dropna()
    count = rows["unit"].nunique()
    if count < 10 or rows["x"].nunique() < 2 or rows["y"].nunique() < 2:
        return None
    left = rows[["x", "y"]] - rows[["x", "y"]].mean()
    for _ in range(20):  # units and times in turn: at once where each unit has a row at each time
        before = left
        for by in ("unit", "time"):
            left = left - left.groupby(rows[by]).transform("mean")
        if (before - left).abs().max(axis=None) <= 1e-6 * rows[["x", "y"]].std().max():
            break
    squares = float((left["x"] ** 2).sum())
    if squares < least * float(((rows["x"] - rows["x"].mean()) ** 2).sum()) or float((left["y"] ** 2).sum()) < 1e-12:
        return None
    slope = float((left["x"] * left["y"]).sum()) / squares
    scores = (left["x"] * (left["y"] - slope * left["x"])).groupby(rows["unit"]).sum()
    error = float(np.sqrt((scores**2).sum() * count / (count - 1))) / squares
    reach = float(stats.t.ppf(0.975, count - 1)) * error
    p = float(2 * stats.t.sf(abs(slope) / max(error, 1e-300), count - 1))
    r = float(stats.pearsonr(left["x"], left["y"]).statistic)
    return Within(slope, slope - reach, slope + reach, p, r, len(rows), count)
