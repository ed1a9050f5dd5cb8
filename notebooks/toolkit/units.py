"""A column that mixes two units."""

from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import names
from notebooks.toolkit.naming import UNITS
from notebooks.toolkit.table import Table, trap
from notebooks.toolkit.wording import number, percent, say

UNIT_FACTORS = (10, 100, 1000, 1e6, 2.54, 25.4, 2.2046, 1.6093, 3.2808, 12, 60, 3600, 24, 7, 28.35, 4.184, 3.785, 3.6)
DEGREES = ((1.8, 32.0, "degrees Fahrenheit among degrees Celsius"), (1.0, 273.15, "kelvins among degrees Celsius"))


def _one_degree(table: Table, name: str) -> bool:
    """Convert Fahrenheit or kelvins among degrees Celsius (or the other way round), where nothing lies between them."""
    values = table.df[name].dropna().astype(float)
    if len(values) < 100 or table.levels(name) < 20:
        return False
    place = (values - values.min()) / (values.max() - values.min())
    parts = np.bincount((place * 30).astype(int))
    seen = np.cumsum(parts) / len(values)
    if parts[(seen >= 0.01) & (seen <= 0.99)].all():
        return False  # a gap as wide as is asked for below would leave a thirtieth empty, away from the tails
    values = values.sort_values()
    gaps = np.diff(values)
    cut = int(gaps.argmax()) + 1
    low, high = values.iloc[:cut], values.iloc[cut:]
    rare = min((low, high), key=len)
    if not max(8, 0.01 * len(values)) <= len(rare) <= 0.45 * len(values):
        return False
    spreads = [float(part.quantile(0.95) - part.quantile(0.05)) for part in (low, high)]
    for times, more, what in DEGREES:
        off = abs(float(high.median()) - (float(low.median()) * times + more))
        fits = off < 1 + 2 * times * spreads[0] / len(rare) ** 0.5 and off < 0.25 * float(high.median() - low.median())
        alike = 0.5 < spreads[1] / max(times * spreads[0], 1e-9) < 2
        if not (fits and alike and gaps.max() > max(0.5 * max(spreads), 0.2 * float(high.median() - low.median()))):
            continue
        other = table.df[name].index.isin(rare.index)
        if _told_by_others(table, name, other):
            return False
        turned = (table.df[name] - more) / times if rare is high else table.df[name] * times + more
        table.put(name, table.df[name].astype(float).mask(other, turned))
        what = what if rare is high else " among ".join(reversed(what.split(" among ")))
        text = (
            f"{say(name)} mixes two units: {len(rare):,} values ({percent(len(rare) / len(values), 1)}) look like "
            f"{what}, with nothing between, and fit them once converted, as they were for all tests."
        )
        table.log.append(text)
        table.traps.append(trap("mixed_units", text, [name], len(rare), high=True))
        return True
    return False


def _one_unit(table: Table) -> None:
    """Convert values that stand apart by a known factor, or as two scales of temperature do."""
    for name in [c for c in names(table.df) if table.kind(c) == "number"]:
        if _one_degree(table, name):
            continue
        values = table.df[name].dropna().astype(float)
        if len(values) < 100 or table.levels(name) < 30 or (values.min() <= 0 <= values.max()):
            continue
        logs = pd.Series(np.log(values.abs().to_numpy()), index=values.index)
        tenths = np.bincount(np.minimum((logs - logs.min()) / 0.1, 10_000).astype(int))
        seen = np.cumsum(tenths) / len(logs)
        if (tenths[(seen > 0.01) & (seen < 0.99)] > 0.003 * len(logs)).all():
            continue  # no tenth between the tails is empty, or nearly so
        logs = logs.sort_values()
        found = _parted_by_a_factor(logs, int(np.diff(logs).argmax()) + 1, touching=False)
        found = found or _parted_by_a_factor(logs, _best_cut(logs.to_numpy()), touching=True)
        if found is None:
            continue
        rare, factor = found
        other = table.df[name].index.isin(rare.index)
        if _told_by_others(table, name, other):
            continue
        table.put(name, table.df[name].astype(float).mask(other, table.df[name] / factor))
        times = f"{number(factor)} times" if factor > 1 else f"1/{number(1 / factor)} of"
        text = (
            f"{say(name)} mixes two units: {len(rare):,} values ({percent(len(rare) / len(values), 1)}) are about "
            f"{times} the others, with nothing between, and fit them once converted, as they were for all tests."
        )
        table.log.append(text)
        table.traps.append(trap("mixed_units", text, [name], len(rare), high=True))


def _best_cut(ordered: Any) -> int:
    """Where ordered values part into two lots that vary least (Otsu's threshold): the place of the first upper one."""
    count = np.arange(1, len(ordered))
    below, whole = np.cumsum(ordered)[:-1], ordered.sum()
    between = (below / count - (whole - below) / (len(ordered) - count)) ** 2 * count * (len(ordered) - count)
    return int(between.argmax()) + 1


def _parted_by_a_factor(logs: pd.Series, cut: int, *, touching: bool) -> tuple[pd.Series, float] | None:
    """The rarer of two lots of ordered logarithms, and by which unit's factor it differs from the other; or None.

    Nothing lies between them; or, where their tails are `touching`, hardly anything, and they spread alike on this
    scale, as two kinds of thing would not.
    """
    low, high = logs.iloc[:cut], logs.iloc[cut:]
    rare, main = sorted((low, high), key=len)
    if not max(8, 0.01 * len(logs)) <= len(rare) <= (0.3 if touching else 0.45) * len(logs):
        return None
    shift = float(rare.median() - main.median())
    factor = min((f for u in UNIT_FACTORS for f in (u, 1 / u)), key=lambda f: abs(np.log(f) - shift))
    spread = float(main.quantile(0.95) - main.quantile(0.05))
    ratio = float(rare.quantile(0.95) - rare.quantile(0.05)) / max(spread, 1e-9)
    # Factors of ten and more are far from one another, so few values may lie farther off
    most = 0.2 if abs(shift) > np.log(50) else 0.05
    if abs(np.log(factor) - shift) >= max(0.01, min(most, 1.5 * spread / len(rare) ** 0.5)):
        return None
    if touching:
        middle = (low.iloc[-1] + high.iloc[0]) / 2
        between = int((abs(logs - middle) < 0.12 * abs(shift)).sum())
        apart = len(rare) >= 30 and 0.7 < ratio < 1.4 and between <= 0.01 * len(logs) and between <= 0.1 * len(rare)
    else:
        alike = 1.7 if len(rare) >= 30 else 2.5
        apart = 1 / alike < ratio < alike and float(high.iloc[0] - low.iloc[-1]) > max(0.5 * spread, 0.2)
    return (rare, factor) if apart else None


def _told_by_others(table: Table, name: str, apart: Any, kinds: Any = ("category", "number")) -> bool:
    """Whether a column of these kinds tells which values stand apart, as where they are another kind of thing."""
    for other in [c for c in names(table.df) if c != name]:
        values = table.df[other]
        if table.kind(other) not in kinds:
            continue
        if table.kind(other) == "category":
            levels = {str(v).lower() for v in values.dropna().unique()}
            shares = pd.Series(apart, index=values.index).groupby(values.to_numpy()).mean()
            if not all(UNITS.fullmatch(v) for v in levels) and shares.max() > 0.9 and shares.min() < 0.1:
                return True
        elif table.kind(other) == "number" and min(values[apart].count(), values[~apart].count()) >= 8:
            here, there = values[apart].count(), values[~apart].count()
            area = float(values.rank()[apart].mean() - (here + 1) / 2) / there  # how often it is the larger of the two
            if max(area, 1 - area) > 0.9:
                return True
    return False
