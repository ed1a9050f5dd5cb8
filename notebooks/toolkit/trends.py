"""Whether a number rises or falls from period to period, by how much, and how evenly rows are spread over levels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.beside import Beside
from notebooks.toolkit.periods import whole_periods
from notebooks.toolkit.wording import as_name, as_text, chance


@dataclass(frozen=True)
class Trend:
    """How a number went over periods in a row: the slope of the line through them, with its 95 % interval."""

    word: str  # increasing, decreasing, stable or no clear trend
    slope: float
    ends: tuple[float, float]
    p: float
    first: tuple[str, float]
    last: tuple[str, float]


def trend_of(numbers: pd.Series, alpha: float = 0.05) -> Trend:
    """The trend of a number by period, in order; periods without a value are left out, and count as time that passed.

    It rises or falls where the line's slope is significant; else it is stable where the line changes by less than a
    tenth of the mean over all periods, and has no clear trend otherwise.
    """
    from scipy.stats import linregress, t

    known = numbers.astype(float).replace([np.inf, -np.inf], np.nan).dropna()
    names = [as_name(k) for k in known.index]
    if len(known) < 4:
        only = tuple(zip(names, known, strict=True)) or (("", float("nan")),)
        return Trend("too few periods for a trend", np.nan, (np.nan, np.nan), np.nan, only[0], only[-1])
    places = _places(known.index)
    line = linregress(places, known)
    p, slope = (float(line.pvalue), float(line.slope)) if known.nunique() > 1 else (1.0, 0.0)
    error = float(line.stderr) * _inflation(known.to_numpy() - line.intercept - line.slope * places)
    half = float(t.ppf(1 - alpha / 2, len(known) - 2) * error)
    p = float(2 * t.sf(abs(slope) / error, len(known) - 2)) if error > line.stderr else p
    if p < alpha:
        word = "increasing" if slope > 0 else "decreasing"
    else:
        flat = abs(slope) * (np.ptp(places) + 1) < 0.1 * abs(float(known.mean()))
        word = "stable" if flat else "no clear trend"
    return Trend(
        word,
        slope,
        (slope - half, slope + half),
        p,
        (names[0], float(known.iloc[0])),
        (names[-1], float(known.iloc[-1])),
    )


def _inflation(rest: Any) -> float:
    """How many times larger the error of a line is than that of separate values, where what is left of neighbouring
    periods is alike (first-order autocorrelation, beyond chance and of 20 periods or more)."""
    if len(rest) < 20 or float(np.ptp(rest)) < 1e-12:
        return 1.0
    alike = float(rest[1:] @ rest[:-1] / (rest @ rest))
    return float(((1 + alike) / (1 - alike)) ** 0.5) if alike > 2 / len(rest) ** 0.5 else 1.0


def _places(periods: pd.Index) -> Any:
    """Where each period lies, in periods from the first: 0, 1 and 5 for 1990, 1991 and 1995; else one after another."""
    found = pd.to_numeric(pd.Series([getattr(p, "ordinal", p) for p in periods]), errors="coerce").astype(float)
    return (found - found[0]).to_numpy() if found.is_unique and found.notna().all() else np.arange(len(periods)) * 1.0


def trend_text(trend: Trend, period: str, unit: str = "") -> str:
    """A trend as a sentence tells it: increasing by 3.1 EUR a month (95 % interval 1.2 to 5.0), from ... to ..."""
    if np.isnan(trend.p):
        return trend.word
    unit = f" {unit}" * bool(unit)
    low, high = (as_text(e, _digits(trend)) for e in trend.ends)
    slope = f"{as_text(trend.slope, _digits(trend))}{unit} a {period}"
    sure = f"95 % interval {low} to {high}, {chance(trend.p)}"
    ends = f"from {as_text(trend.first[1])} in {trend.first[0]} to {as_text(trend.last[1])} in {trend.last[0]}"
    clear = trend.word in ("increasing", "decreasing")
    return f"{trend.word} by {slope} ({sure}), {ends}" if clear else f"{trend.word} ({slope}, {sure}), {ends}"


def _digits(trend: Trend) -> int:
    """How many decimals show a slope and its interval to two digits."""
    size = max(abs(trend.slope), 0.3 * (trend.ends[1] - trend.ends[0]), 1e-9)
    return int(min(8, max(0, 1 - np.floor(np.log10(size)))))


def trend_values(trend: Trend, period: str, unit: str = "", of: str = "") -> dict[str, Any]:
    """A trend as values of an answer; `of` is whose it is, where there are several."""
    tail = f" of {of}" * bool(of)
    told: dict[str, Any] = {f"trend{tail}": trend.word}
    if not np.isnan(trend.p):
        told[f"change a {period}{tail}"] = (trend.slope, unit, trend.ends)
    return told


def trends_by(
    numbers: pd.Series, period: str, unit: str = "", flows: bool = False, quiet: bool = False, times: Any = None
) -> Beside:
    """The trend of a number by period, or of each group's where the index has a second level, in place of its numbers.

    Of `flows` (numbers of rows, sums) a group without rows in a period has 0 there, and periods that the `times` of the
    rows cover in part only are left out. `quiet` says nothing where there are too few periods for a trend.
    """
    by_period: Any = numbers.unstack(fill_value=0 if flows else None) if numbers.index.nlevels > 1 else numbers
    ends = {str(p) for p in whole_periods(times, period)[1]} if times is not None else {}
    partial = [k for k in by_period.index if str(k) in ends]
    by_period = by_period.drop(index=partial)
    if quiet and len(by_period) < 4:
        return Beside()
    partly = f"; {' and '.join(map(str, partial))} only in part, so not in the trend" if partial else ""
    if isinstance(by_period, pd.Series):
        trend = trend_of(by_period)
        return Beside(trend_text(trend, period, unit) + partly, "", trend_values(trend, period, unit))
    trends = {as_name(group): trend_of(by_period[group]) for group in by_period}
    words = [trend.word for trend in trends.values()]
    of = [f"{w} in {words.count(w)} of {len(words)}" for w in ("increasing", "decreasing") if w in words]
    lead = " and ".join(of) or f"increasing or decreasing in none of {len(words)}"
    said = [f"{group} {trend_text(trend, period, unit)}" for group, trend in trends.items()][:12]
    values = [trend_values(trend, period, unit, group) for group, trend in trends.items()]
    told = {name: x for some in values for name, x in some.items()}
    return Beside(f"{lead}: {'; '.join(said)}{partly}", "", told, brief=True)


def evenness(counts: pd.Series, rows: int, query: dict[str, Any] | None = None) -> Beside:
    """How evenly rows are spread over levels, by the chi-square test of equal numbers; each one's share, which `query`
    gives, and the number of rows."""
    from scipy.stats import chisquare

    shares = {f"share of {as_name(k)}": (100 * n / rows, "%") for k, n in counts.items()}
    queries = {"all rows": {"measures": [{"op": "count"}]}, **(dict.fromkeys(shares, query) if query else {})}
    if len(counts) < 2 or counts.sum() < 5 * len(counts):
        said = ""
    elif (counts == counts.iloc[0]).all():
        said = "; evenly distributed"
    else:
        p, most = float(chisquare(counts.astype(float)).pvalue), as_name(counts.idxmax())
        uneven = f"; {most} has the most, unevenly distributed"
        said = uneven if p < 0.05 else f"; evenly distributed but for chance, {most} has the most ({chance(p)})"
    return Beside("", said, {**shares, "all rows": rows}, queries)
