"""The next periods of a series: candidates tried on held-out periods, beside the seasonal naive one, with intervals."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.templates.toolkit import COLOURS, answer, effect, figure, is_text, label, number, percent, report, say, show, with_unit
from notebooks.toolkit.attempts import CannotAnswer, has
from notebooks.toolkit.periods import grain_of, in_periods, say_period, whole_periods
from notebooks.toolkit.why_changed import is_rate, is_time, measure_of, time_column, unit_of

SEASONS = {"hour": 24, "day": 7, "week": 52, "month": 12, "quarter": 4, "year": 1}
"""How many periods a season has."""


@dataclass(frozen=True)
class Forecast:
    """The next periods: `ahead` has `value`, `low`, `high` by period; `errors` the mean absolute held-out error by
    method, in the measure's units, over the `tested` last periods; `total` is the sum ahead with its interval."""

    measure: str
    how: str
    grain: str
    series: pd.Series
    ahead: pd.DataFrame
    method: str
    errors: dict[str, float]
    tested: int
    total: tuple[float, float, float] | None
    notes: tuple[str, ...]


def series_of(df: pd.DataFrame, time: str, measure: str, how: str, grain: str) -> tuple[pd.Series, list[str]]:
    """One value a whole period, and what was left out or filled in. Flows are summed, levels averaged, rows counted.

    Periods without a row are 0 for sums and counts, and lie on a straight line between their neighbours for means.
    """
    known = df.dropna(subset=[time] + ([measure] if measure else []))
    whole, partial = whole_periods(known[time], grain)
    notes = [f"{say_period(p)} is not covered wholly by these rows and was left out." for p in partial]
    groups = known.groupby(in_periods(known[time], grain))
    values = groups.size() if how == "count" else groups[measure].agg(how)
    values = values.astype(float).reindex(pd.PeriodIndex(whole))
    empty = int(values.isna().sum())
    if empty:
        filled = "0" if how in ("sum", "count") else "a value on the line between their neighbours"
        notes.append(f"{empty} {grain}s without a row were given {filled}.")
    return (values.fillna(0.0) if how in ("sum", "count") else values.interpolate()), notes


def seasonal_naive(y: Any, ahead: int, season: int) -> Any:
    """Each period as it was a season before."""
    return np.array([y[len(y) - season + k % season] for k in range(ahead)])


def drift(y: Any, ahead: int, season: int) -> Any:
    """The straight line through the first and the last value, going on."""
    return y[-1] + (y[-1] - y[0]) / (len(y) - 1) * np.arange(1, ahead + 1)


def trend_and_season(y: Any, ahead: int, season: int) -> Any:
    """Least squares on time and the place in the season."""
    t = np.arange(len(y) + ahead)
    columns = [np.ones(len(t)), t / len(y)] + [(t % season == k).astype(float) for k in range(1, season)]
    design = np.column_stack(columns)
    found = np.linalg.lstsq(design[: len(y)], y, rcond=None)[0]
    return design[len(y) :] @ found


def smoothing(y: Any, ahead: int, season: int) -> Any:
    """Exponential smoothing with a damped trend and, where there are two seasons, an additive season."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    seasonal = season > 1 and len(y) >= 2 * season
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ExponentialSmoothing(
            y, trend="add", damped_trend=True, seasonal="add" if seasonal else None,
            seasonal_periods=season if seasonal else None, initialization_method="estimated",
        )  # fmt: skip
        return model.fit().forecast(ahead)


METHODS = {
    "seasonal naive": seasonal_naive,
    "drift": drift,
    "trend and season": trend_and_season,
    "exponential smoothing": smoothing,
}


def held_out(y: Any, method: Any, ahead: int, season: int, starts: list[int]) -> Any:
    """The errors (actual − forecast) of a method that knew the values before each start, one row a start; what lies
    beyond the series is missing."""
    rows = []
    for start in starts:
        said = method(y[:start], ahead, season)
        actual = np.full(ahead, np.nan)
        actual[: len(y) - start] = y[start : start + ahead]
        rows.append(actual - said)
    return np.array(rows)


def forecast(
    df: pd.DataFrame, measure: str = "", time: str = "", periods: int = 0, grain: str = "", how: str = ""
) -> Forecast:
    """The next `periods` of a measure by `grain`, by the method with the least error on periods that it had not seen.

    Methods are chosen on starts before the last `periods`, and the error that is told is that of the last ones, where
    there are enough. Raises CannotAnswer where there are too few whole periods.
    """
    has(df, measure=measure, time=time)
    time = time or time_column(df)
    if not time or not is_time(df[time]):
        raise CannotAnswer("A forecast needs a column of times, and no column holds any.")
    measure = measure or ("" if how == "count" else measure_of(df, [time]))
    if measure and (is_text(df[measure]) or is_time(df[measure])):
        raise CannotAnswer(f"{say(measure)} holds no numbers that could be forecast.")
    how = how or ("count" if not measure else "mean" if is_level(df, measure) else "sum")
    grain = grain or natural_grain(df[time])
    series, notes = series_of(df, time, measure, how, grain)
    y, season = series.to_numpy(), SEASONS[grain]
    if len(y) < 8:
        raise CannotAnswer(f"There are {len(y)} whole {grain}s; a forecast needs at least 8.")
    if len(y) < 2 * season + 2:
        season = 1
        notes.append(f"There are fewer than two seasons of {grain}s, so no season is in the forecast.")
    ahead = periods or min(season if 1 < season <= 12 else 6, max(1, len(y) // 4))
    least = max(6, 2 * season + 1 if season > 1 else 6)
    last = max(least, len(y) - ahead)
    earlier = list(range(max(least, last - 3 * max(ahead, season)), last))
    step = max(1, len(earlier) // 12)
    earlier = earlier[::-1][::step][::-1]
    chosen_on = earlier or [last]
    tries = {name: held_out(y[:last] if earlier else y, m, ahead, season, chosen_on) for name, m in METHODS.items()}
    scores = {name: float(np.nanmean(np.abs(e))) for name, e in tries.items()}
    best = min(scores, key=lambda name: (scores[name], name))
    errors = {name: float(np.nanmean(np.abs(held_out(y, METHODS[name], ahead, season, [last])))) for name in METHODS}
    every = np.vstack([tries[best], held_out(y, METHODS[best], ahead, season, [last])])
    value = METHODS[best](y, ahead, season)
    spread = _spread(every)
    low, high = value - 1.96 * spread, value + 1.96 * spread
    if how in ("sum", "count") and y.min() >= 0:
        value, low = np.maximum(value, 0), np.maximum(low, 0)
    index = pd.period_range(series.index[-1] + 1, periods=ahead, freq=series.index.freq)
    whole = [row.sum() for row in every if np.isfinite(row).all()]
    total = None
    if how != "mean" and ahead > 1:
        sd = float(np.sqrt(np.mean(np.square(whole)))) if len(whole) >= 8 else float(np.sqrt(ahead) * spread.max())
        total = (float(value.sum()), max(0.0, float(value.sum() - 1.96 * sd)), float(value.sum() + 1.96 * sd))
    if not earlier:
        notes.append("The periods are so few that the method was chosen on those on which its error is told.")
    table = pd.DataFrame({"value": value, "low": low, "high": high}, index=index)
    return Forecast(measure, how, grain, series, table, best, errors, len(y) - last, total, tuple(notes))


def _spread(errors: Any) -> Any:
    """The standard error of each step ahead from held-out errors: never falling, and pooled where there are few."""
    steps = np.arange(1, errors.shape[1] + 1)
    counts = np.isfinite(errors).sum(axis=0)
    pooled = float(np.sqrt(np.nanmean(errors**2)))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = np.sqrt(np.nanmean(errors**2, axis=0))
    few = pooled * np.sqrt(steps / max(1.0, float(steps.mean())))
    return np.maximum.accumulate(np.where(counts >= 5, own, few))


def natural_grain(times: Any) -> str:
    """The grain at which to forecast where none is named: the times' own where they lie a week or more apart; else the
    coarsest with enough whole periods: 24 months, 26 weeks; else days, or hours within days."""
    apart = times.dropna().drop_duplicates().sort_values().diff().median()
    for grain, days in (("year", 300), ("quarter", 80), ("month", 27), ("week", 6.5)):
        if apart >= pd.Timedelta(days=days):
            return grain
    if len(whole_periods(times, "month")[0]) >= 24:
        return "month"
    if len(whole_periods(times, "week")[0]) >= 26:
        return "week"
    return grain_of(times, 14, ("day", "hour"))


def is_level(df: pd.DataFrame, measure: str) -> bool:
    """Whether a measure is the state of something (a stock, a temperature, a rate), which is averaged and not summed."""
    states = r"(level|stock|balance|inventory|population|ppm|co2|pressure|humidity|degrees?|speed|value|close|open|high|low|users|members|customers|staff|headcount)"
    return is_rate(df, measure) or bool(re.search(rf"(^|[^a-z]){states}([^a-z]|$)", measure.lower()))


def tell_forecast(found: Forecast) -> None:
    """Answer with the next period, the sum of all, and the held-out error beside the seasonal naive one."""
    what = {"sum": say(found.measure), "mean": f"the mean {say(found.measure)}", "count": "the number of rows"}[found.how]
    write = number if found.how == "count" else (lambda x: with_unit(x, found.measure))
    first, unit = found.ahead.iloc[0], "rows" if found.how == "count" else unit_of(found.measure)
    name = say_period(found.ahead.index[0])
    text = f"{what} is forecast at {write(first['value'])} for {name} (95 % interval {write(first['low'])} to {write(first['high'])})"
    values: dict[str, Any] = {}
    if found.total is not None:
        text += f", and {write(found.total[0])} ({write(found.total[1])} to {write(found.total[2])}) in all over the next {len(found.ahead)} {found.grain}s"
    elif len(found.ahead) > 1:
        last = found.ahead.iloc[-1]
        text += f", and at {write(last['value'])} ({write(last['low'])} to {write(last['high'])}) for {say_period(found.ahead.index[-1])}"
    for period, row in found.ahead.head(12).iterrows():
        values[str(period)] = (row["value"], unit, (row["low"], row["high"]))
    if found.total is not None:
        values["total"] = (found.total[0], unit, found.total[1:])
    own, naive = found.errors[found.method], found.errors["seasonal naive"]
    values |= {"held-out error": (own, unit), "held-out error of seasonal naive": (naive, unit)}
    usual = float(found.series.iloc[-found.tested :].abs().mean()) or 1.0
    text += f". On the last {found.tested} {found.grain}s, held out, {found.method} was off by {write(own)} on average ({percent(own / usual, 1)})"
    if found.method == "seasonal naive":
        text += ": no method was better than repeating the last season."
    else:
        text += f"; repeating the last season, by {write(naive)} ({percent(naive / usual, 1)})."
        if own >= naive:
            text += " On these periods that would have been no worse, so take the forecast with care."
    kind = {"sum": "summed", "mean": "averaged", "count": "counted"}[found.how]
    notes = [f"Rows were {kind} by {found.grain}; {len(found.series)} whole {found.grain}s were used.", *found.notes]
    notes.append("Intervals come from the errors on held-out periods, and suppose that what moved the past goes on.")
    file = "forecast.csv"
    found.ahead.rename_axis("period").to_csv(file)
    answer(text, values, notes=notes, files=[file])
    report("descriptive", "forecast", text, [c for c in (found.measure,) if c], effect=effect("mean_diff", first["value"], (first["low"], first["high"])), n=len(found.series), params={"method": found.method, "errors": found.errors}, caveats=notes, confidence="medium")


def draw_forecast(found: Forecast) -> None:
    """The series, the forecast with its band, and the errors of all methods."""
    what = "the number of rows" if found.how == "count" else say(found.measure)
    fig, ax = figure(f"{what} by {found.grain}, and what comes next", width=8.2)
    shown = found.series.iloc[-max(6 * len(found.ahead), 48) :]
    times, after = shown.index.to_timestamp(), found.ahead.index.to_timestamp()
    ax.plot(times, shown, color=COLOURS[0], lw=2, marker="o" if len(shown) < 40 else None, ms=4)
    joined = [times[-1], *after]
    ax.fill_between(joined, [shown.iloc[-1], *found.ahead["low"]], [shown.iloc[-1], *found.ahead["high"]], color=COLOURS[1], alpha=0.18, lw=0)
    ax.plot(joined, [shown.iloc[-1], *found.ahead["value"]], color=COLOURS[1], lw=2.2, marker="o" if len(after) < 20 else None, ms=4)
    ax.set_ylabel("Rows" if found.how == "count" else label(found.measure))
    ax.set_xlabel("orange: forecast with 95 % interval")
    show(fig, f"Line: {what} by {found.grain}, then the forecast with its 95 % band")
    fig, ax = figure("Mean error on held-out periods", height=1.5 + 0.45 * len(found.errors))
    order = sorted(found.errors, key=lambda m: (-found.errors[m], m))
    for i, name in enumerate(order):
        ax.barh(i, found.errors[name], color=COLOURS[1] if name == found.method else COLOURS[6])
        ax.text(found.errors[name], i, f" {number(found.errors[name])}", va="center")
    ax.set_yticks(range(len(order)), order)
    ax.margins(x=0.18)
    ax.set_xlabel(f"Mean absolute error, last {found.tested} {found.grain}s")
    ax.grid(axis="y", visible=False)
    show(fig, "Bars: the held-out error of each method; orange is the one used")
