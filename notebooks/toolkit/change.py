"""What a change is made of: each segment's part, and volume, price and mix. The parts sum up to the change exactly."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.drawing import COLOURS, figure
from notebooks.toolkit.phrases import plain_ticks
from notebooks.toolkit.wording import number, tick


@dataclass(frozen=True)
class Two:
    """Two sets of rows that are held against each other: `before` and `after`, what each is called, and whether they
    follow one another in time. `where` are the conditions of both sets as a query has them, where they can be said."""

    before: pd.DataFrame
    after: pd.DataFrame
    first: str
    second: str
    notes: tuple[str, ...] = ()
    periods: bool = True
    where: tuple[Any, Any] = (None, None)

    def queries(self, measure: str, how: str) -> dict[str, Any]:
        """The queries of a measure of both sets, by what each set is called."""
        ops = ("sum", "mean", "median", "count")
        if how not in ops or None in self.where:
            return {}
        of = {"of": measure if measure.isidentifier() else f"`{measure}`"} if how != "count" else {}
        return {
            name: {"measures": [{"op": how, **of}], "where": [where]}
            for name, where in zip((self.first, self.second), self.where, strict=True)
        }


def level_names(rows: pd.DataFrame, by: str) -> Any:
    """The level of each row as text; rows without one are told as such."""
    return rows[by].astype("string").fillna("(missing)").astype(str)


def measure_total(rows: pd.DataFrame, measure: str, how: str) -> float:
    """The sum or mean of a measure, or the number of rows."""
    if how == "count":
        return float(len(rows))
    return float(rows[measure].sum() if how == "sum" else rows[measure].mean())


def split_change(two: Two, by: str, measure: str, how: str) -> pd.DataFrame:
    """The change by levels of a column: `before`, `after` and `part`, which sum up to the whole change.

    Of a mean, a level's part has two: `within`, its own mean's change times its share of the rows, and `mix`, its
    share's change times how far its mean lies from the whole's; each taken at the middle of both sets (Marshall and
    Edgeworth), so that nothing is left over. A level that only one set has is mix altogether.
    """
    sides = [rows.groupby(level_names(rows, by)) for rows in (two.before, two.after)]
    if how != "mean":
        totals = [(s.size() if how == "count" else s[measure].sum()).astype(float) for s in sides]
        out = pd.concat(totals, axis=1, keys=["before", "after"]).fillna(0.0).sort_index()
        return out.assign(part=out["after"] - out["before"])
    counts = pd.concat([s[measure].count() for s in sides], axis=1, keys=[0, 1]).fillna(0.0).sort_index()
    means = pd.concat([s[measure].mean() for s in sides], axis=1, keys=[0, 1]).reindex(counts.index)
    counts = counts[counts.sum(axis=1) > 0]
    means = means.reindex(counts.index)
    own = means.copy()
    means = means.apply(lambda m: m.fillna(means[1 - int(str(m.name))]))
    shares = counts / counts.sum()
    whole = float((shares * means).sum().mean())
    within = shares.mean(axis=1) * (means[1] - means[0])
    mix = (means.mean(axis=1) - whole) * (shares[1] - shares[0])
    return pd.DataFrame({"before": own[0], "after": own[1], "part": within + mix, "within": within, "mix": mix})


def most_telling(two: Two, columns: list[str], measure: str, how: str) -> str:
    """The column by whose levels the change is least even: where parts lie farthest from the levels' old shares of it.

    A column that has nothing to do with the change has parts as large as its levels are. Empty where there is none.
    """
    scores = {}
    for name in columns:
        found = split_change(two, name, measure, how)
        if how == "mean":
            even = found["part"].sum() * level_names(two.before, name).value_counts(normalize=True)
        else:
            even = found["part"].sum() * found["before"] / max(abs(found["before"].sum()), 1e-12)
        if len(found) > 1:
            scores[name] = float((found["part"] - even.reindex(found.index).fillna(0.0)).pow(2).sum() ** 0.5)
    return max(scores, key=lambda c: (scores[c], c)) if scores else ""


def volume_price_mix(two: Two, measure: str, volume: str = "", by: str = "") -> pd.Series:
    """The change of a sum as `volume` (more or fewer units at the old average price), `mix` (the units' shares of
    levels with other prices) and `price` (each level's own change at its new volume); they sum up to it.

    A price is the measure by unit of `volume`, or by row where none is named. A level without units before has no old
    price, so it counts as mix.
    """
    sides = []
    for rows in (two.before, two.after):
        units: Any = rows[volume].where(rows[measure].notna()) if volume else rows[measure].notna()
        levels = level_names(rows, by) if by else pd.Series("all", index=rows.index)
        part = pd.DataFrame({"value": rows[measure], "units": units.astype(float)}).groupby(levels).sum()
        sides.append(part)
    levels = sorted(set(sides[0].index) | set(sides[1].index))
    old, new = (s.reindex(levels).fillna(0.0) for s in sides)
    old_units, new_units = float(old["units"].sum()), float(new["units"].sum())
    old_total, new_total = float(old["value"].sum()), float(new["value"].sum())
    old_price = old_total / old_units
    with np.errstate(all="ignore"):
        prices = (old["value"] / old["units"]).where(old["units"] > 0, new["value"] / new["units"]).fillna(0.0)
    at_old_prices = float((new["units"] * prices).sum())
    factors = {
        "volume": (new_units - old_units) * old_price,
        "price": new_total - at_old_prices,
        "mix": at_old_prices - new_units * old_price,
    }
    return pd.Series(factors if by else {"volume": factors["volume"], "price": factors["price"] + factors["mix"]})


def mean_interval(two: Two, measure: str) -> tuple[float, float] | None:
    """The 95 % interval of the difference of two means (Welch); None where a set has fewer than two rows."""
    from scipy.stats import ttest_ind

    a, b = (rows[measure].dropna().astype(float) for rows in (two.after, two.before))
    if min(len(a), len(b)) < 2 or (a.var() + b.var()) == 0:
        return None
    low, high = ttest_ind(a, b, equal_var=False).confidence_interval()
    return float(low), float(high)


def cut_short(parts: Any, most: int = 8) -> Any:
    """The largest parts, and the sum of all others as one."""
    ordered = parts.loc[parts.abs().sort_values(ascending=False, kind="stable").index]
    if len(ordered) <= most:
        return ordered
    rest = pd.Series({f"{len(ordered) - most + 1} others": ordered.iloc[most - 1 :].sum()})
    return pd.concat([ordered.iloc[: most - 1], rest])


def waterfall(
    title: str, start: tuple[str, float], parts: pd.Series, end: tuple[str, float], xlabel: str, tell: Any
) -> Any:
    """A figure that goes from one total to another by parts; `tell` writes a part, with its sign.

    The first row on top is the old total, then each part from where the last one ended, then the new total.
    """
    names = [start[0], *map(str, parts.index), end[0]]
    fig, ax = figure(title, height=1.5 + 0.46 * len(names))
    at, ends = start[1], [start[1], end[1]]
    places = []
    for value in parts:
        places.append((at, at + value))
        at += value
        ends += [at]
    low, high = min(ends), max(ends)
    floor = 0.0 if low <= 0 or low < 0.5 * high else low - 1.2 * (high - low)
    rows = range(len(names))[::-1]
    for y, (_, value) in ((rows[0], start), (rows[-1], end)):
        ax.barh(y, value - floor, left=floor, color=COLOURS[6], height=0.62)
        ax.text(max(value, floor), y, f" {number(value)}", va="center", fontweight="bold")
    for y, (a, b) in zip(rows[1:-1], places, strict=True):
        ax.barh(y, abs(b - a), left=min(a, b), color=COLOURS[2] if b >= a else COLOURS[1], height=0.62)
        ax.text(max(a, b), y, f" {tell(b - a)}", va="center")
        ax.plot([a, a], [y + 0.31, y + 0.69], color="black", lw=0.8)
    ax.plot([at, at], [rows[-1] + 0.31, rows[-1] + 0.69], color="black", lw=0.8)
    ax.set_yticks(list(rows), [tick(n) for n in names])
    ax.set_xlim(floor if floor else min(0.0, 1.12 * low), high + 0.2 * (high - max(floor, min(low, 0.0))))
    plain_ticks(ax, "x")
    ax.set_xlabel(xlabel + ("; the axis does not begin at 0" if floor else ""))
    ax.grid(axis="y", visible=False)
    return fig
