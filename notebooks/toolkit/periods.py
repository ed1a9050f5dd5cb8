"""Periods of time: which grain a table's times have, which periods are whole, and the rows of a period."""

import re
from typing import Any

import pandas as pd

# The grains from coarse to fine, with pandas' names of them
GRAIN_CODES = {"year": "Y", "quarter": "Q", "month": "M", "week": "W", "day": "D", "hour": "h"}


def in_periods(times: Any, grain: str) -> Any:
    """The period in which each time lies, as pandas has it; weeks begin on Monday."""
    return times.dt.to_period(GRAIN_CODES[grain])


def usual_gap(times: Any) -> pd.Timedelta:
    """How far times lie apart at most as a rule: the 95 % quantile of the gaps between days with rows, or hours."""
    known = times.dropna()
    days = known.dt.floor("D").drop_duplicates().sort_values()
    if len(days) < 3:  # within a day or two
        days = known.dt.floor("h").drop_duplicates().sort_values()
    gaps = days.diff().dropna()
    return pd.Timedelta(gaps.quantile(0.95)) if len(gaps) else pd.Timedelta(0)


def whole_periods(times: Any, grain: str) -> tuple[list[pd.Period], list[pd.Period]]:
    """The periods that the times cover wholly, in order, and those at the ends that they cover in part.

    The first and the last count as whole where the times reach their ends but for a usual gap (a weekend, or a month
    where there is one row each) and three hundredths of the period.
    """
    known = times.dropna()
    if known.empty:
        return [], []
    found = list(pd.period_range(known.min(), known.max(), freq=GRAIN_CODES[grain]))
    gap, partial = usual_gap(known), list[pd.Period]()
    first, last = found[0], found[-1]
    slack = gap + 0.03 * (last.end_time - last.start_time)
    if last.end_time > known.max() + slack:
        partial.append(found.pop())
    if found and known.min() > first.start_time + slack:
        partial.append(found.pop(0))
    return found, partial


def grain_of(times: Any, least: int = 2, within: tuple[str, ...] = tuple(GRAIN_CODES)) -> str:
    """The coarsest of some grains of which the times cover at least so many whole periods; else the finest of them."""
    return next((g for g in within if len(whole_periods(times, g)[0]) >= least), within[-1])


def named_period(text: str) -> pd.Period | None:
    """A period from its name: 2023, 2023-Q2, 2023-05, 2023-W07, 2023-05-14; None for any other text."""
    plain = text.strip()
    if week := re.fullmatch(r"(\d{4})-?W(\d\d?)", plain):
        return pd.Period(pd.Timestamp.fromisocalendar(int(week[1]), int(week[2]), 1), freq="W")
    if not re.fullmatch(r"\d{4}(-?Q[1-4]|-\d\d(-\d\d)?)?", plain):
        return None
    try:
        return pd.Period(plain.replace("-Q", "Q"))
    except ValueError:
        return None


def say_period(period: pd.Period) -> str:
    """A period for a sentence: 2023, Q2 2023, May 2023, the week of 6 May 2024, 14 May 2023."""
    start, grain = period.start_time, period.freqstr[0]
    forms = {"Y": f"{start:%Y}", "Q": f"Q{start.quarter} {start:%Y}", "M": f"{start:%B %Y}"}
    forms |= {"W": f"the week of {start.day} {start:%B %Y}", "D": f"{start.day} {start:%B %Y}"}
    return forms.get(grain, f"{start:%Y-%m-%d %H:%M}")
