"""Codes for "not known", and limits at which values were cut off."""

import re

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import names
from notebooks.toolkit.table import Table, trap
from notebooks.toolkit.units import _told_by_others
from notebooks.toolkit.wording import number, percent, say

CODE = re.compile(r"-?(9{2,}|8{3,})|-[1-9]")


def missing_code(values: pd.Series) -> float | None:
    """The smallest or largest of numbers where it may stand for missing: one that analyses treat so, or three nines and
    more so far from all others that one of them is enough; None where neither does."""
    for code in (values.min(), values.max()) if len(values) else ():
        if not CODE.fullmatch(f"{code:.12g}"):
            continue
        counts = values.value_counts()
        if len(counts) <= 5:
            return None
        rest = counts.drop(code).index.to_numpy(dtype=float)
        far = float(np.abs(rest - code).min()) > 5 * float(np.ptp(rest)) and abs(code) >= 999
        if far or _is_code(code, counts):
            return float(code)
    return None


def _is_code(code: float, counts: pd.Series) -> bool:
    """Whether a column's smallest or largest value is a code for "not known": repeated, and with nothing near it.

    Nines, and −1 to −9 where nothing else is negative, need less of a gap than any other number; a 9 counts where a
    scale of few whole numbers ends well below it. `counts` are those of all values.
    """
    others = counts.drop(code).sort_index()
    rest = others.index.to_numpy(dtype=float)
    share = counts[code] / counts.sum()
    if counts[code] < 3 or share < 0.002 or len(rest) < 5:
        return False
    gap, spread = float(np.abs(rest - code).min()), float(np.quantile(rest, 0.95) - np.quantile(rest, 0.05))
    if re.fullmatch(r"-?(9{2,}|8{3,})(\.0*)?", f"{code:.12g}") and (gap > spread or code < 0 <= rest.min()):
        return True
    if code in range(-9, 0) and rest.min() >= 0:
        # The last value of a tail would be rarer than those beside it, and as near to them as they are to each other
        tail = max(3, len(others) // 10)
        apart = gap > 5 * float(np.median(np.diff(rest[: tail + 1])))
        alone = apart or counts[code] > 3 * others.iloc[:tail].max() or counts[code] > 3 * others.max()
        return bool(alone or (code == -1 and rest[0] == 0 and np.all(rest % 1 == 0) and counts[code] > others.iloc[0]))
    scale = np.array_equal(rest, np.arange(rest[0], rest[0] + len(rest))) and rest[0] in (0, 1) and rest[-1] <= 7
    if code == 9 and scale:
        return bool(others.iloc[-1] >= 0.03 * others.sum())
    if code == 0 and rest.min() > 0:  # often the count of nothing
        low, high = np.quantile(np.repeat(rest, others.to_numpy()), [0.05, 0.95])
        return bool(gap > high - low and gap > 2 * float(np.diff(rest).max()) and share <= 0.2)
    return bool(gap > 2 * spread and counts[code] >= max(5, 0.005 * counts.sum()) and share <= 0.3)


def _blank_sentinels(table: Table) -> None:
    """Make codes for "not known" missing: a number or a day that is repeated far from all else in the column."""
    for name in [c for c in names(table.df) if table.kind(c) == "time"]:
        since = (table.df[name] - pd.Timestamp("1970-01-01")).dt.total_seconds()
        for code in sorted({since.min(), since.max()}):
            often = int((since == code).sum())
            if often >= 3 and table.levels(name) > 5 and _is_code(code, since.value_counts()):
                text = (
                    f"{say(name)} holds {pd.Timestamp(code, unit='s'):%Y-%m-%d} in {often:,} rows "
                    f"({percent(often / since.count(), 1)}), far from all its other days: a code for missing, "
                    "and treated so."
                )
                table.put(name, table.df[name].mask(since == code))
                table.log.append(text)
                table.traps.append(trap("sentinel_values", text, [name], often, high=True))
    for name in [c for c in names(table.df) if table.kind(c) == "number"]:
        values, levels = table.df[name].dropna(), table.levels(name)
        for code in sorted({values.min(), values.max()}):
            often = int((values == code).sum())
            share = often / len(values)
            if often >= 3 and share >= 0.002 and levels > 5 and _is_code(code, values.value_counts()):
                if not str(abs(code)).startswith("99") and _told_by_others(table, name, table.df[name] == code):
                    continue  # rows of another kind, which their other columns tell as well
                table.put(name, table.df[name].mask(table.df[name] == code))
                text = (
                    f"{say(name)} holds {number(code)} in {often:,} rows ({percent(share, 1)}), far from "
                    "all its other values: a code for missing, and treated so."
                )
                table.log.append(text)
                table.traps.append(trap("sentinel_values", text, [name], often, high=True))


def _see_caps(table: Table) -> None:
    """Note columns whose smallest or largest value is a limit at which many values were cut off."""
    for name in [c for c in names(table.df) if table.kind(c) == "number"]:
        values = table.df[name].dropna()
        if len(values) < 100 or table.levels(name) < 50:
            continue
        for end, limit in (("largest", values.max()), ("smallest", values.min())):
            at = int((values == limit).sum())
            # A nought at the end is a count of nothing, not a limit
            if limit == 0 or at < max(10, 0.02 * len(values)):
                continue
            near = abs(values - limit) <= 0.05 * (values.max() - values.min())
            most = values.value_counts().drop(limit).max()
            # Where a tail thins out, no value holds more rows than those before it, or than any other
            piled = at > 2 * (near.sum() - at) and at >= 1.5 * most
            if piled or at > 8 * most:
                share = percent(at / len(values), 1)
                text = (
                    f"{say(name)} ends at {number(limit)} as if cut off there: {at:,} rows ({share}) share this {end} "
                    "value, so whatever lay beyond is not known, and its mean and spread are understated."
                )
                table.log.append(text)
                table.traps.append(trap("censored_values", text, [name], at, high=True))
