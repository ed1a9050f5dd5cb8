"""The next periods of a series: candidates tried on held-out periods, beside the seasonal naive one, with intervals."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.guesses import is_numeric, is_time, measure_of, sums_up, time_column
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.periods import in_periods, say_period, whole_periods
from notebooks.toolkit.phrases import plain_ticks, several, unit_of
from notebooks.toolkit.telling import answer, report
from notebooks.toolkit.wording import capital, label, measured_text, number, percent, say

SEASON_LENGTHS = {"hour": 24, "day": 7, "week": 52, "month": 12, "quarter": 4, "year": 1}  # periods


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
    notes = [f"{capital(say_period(p))} is not covered wholly by these rows and was left out." for p in partial]
    groups = known.groupby(in_periods(known[time], grain))
    values = groups.size() if how == "count" else groups[measure].agg(how)
    values = values.astype(float).reindex(pd.PeriodIndex(whole))
    empty = int(values.isna().sum())
    if empty:
        filled = "0" if how in ("sum", "count") else "a value on the line between their neighbours"
        notes.append(f"{several(empty, grain)} without a row: given {filled}.")
    return (values.fillna(0.0) if how in ("sum", "count") else values.interpolate()), notes


def seasonal_naive(y: Any, ahead: int, season: int) -> Any:
    """Each period as it was a season before."""
    return np.array([y[len(y) - season + k % season] for k in range(ahead)])


def drift_line(y: Any, ahead: int, season: int) -> Any:
    """The straight line through the first and the last value, going on."""
    return y[-1] + (y[-1] - y[0]) / (len(y) - 1) * np.arange(1, ahead + 1)


def trend_and_season(y: Any, ahead: int, season: int) -> Any:
    """Least squares on time and the place in the season."""
    t = np.arange(len(y) + ahead)
    columns = [np.ones(len(t)), t / len(y)] + [(t % season == k).astype(float) for k in range(1, season)]
    design = np.column_stack(columns)
    found = np.linalg.lstsq(design[: len(y)], y, rcond=None)[0]
    return design[len(y) :] @ found


def multiplied_season(y: Any, ahead: int, season: int) -> Any:
    """A straight line in time, multiplied by a factor for each place in the season; each fitted in turn."""
    t = np.arange(len(y) + ahead)
    place, factors = t % season, np.ones(season)
    for _ in range(5):
        line = np.polyval(np.polyfit(t[: len(y)], y / factors[place[: len(y)]], 1), t)
        if line.min() <= 0:
            return trend_and_season(y, ahead, season)
        ratios = y / line[: len(y)]
        factors = np.array([ratios[place[: len(y)] == k].mean() for k in range(season)])
        factors = np.maximum(factors / factors.mean(), 1e-6)
    return line[len(y) :] * factors[place[len(y) :]]


def damped_smoothing(y: Any, ahead: int, season: int) -> Any:
    """Exponential smoothing with a damped trend and, where there are two seasons, an additive season."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    season = season if season > 1 and len(y) >= 2 * season else 0
    kind: dict[str, Any] = {"seasonal": "add", "seasonal_periods": season} if season else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ExponentialSmoothing(y, trend="add", damped_trend=True, initialization_method="estimated", **kind)
        return model.fit().forecast(ahead)


FORECAST_METHODS = {
    "seasonal naive": seasonal_naive,
    "drift": drift_line,
    "trend and season": trend_and_season,
    "trend times season": multiplied_season,
    "exponential smoothing": damped_smoothing,
}


def held_out_errors(y: Any, method: Any, ahead: int, season: int, starts: list[int]) -> Any:
    """The errors (actual − forecast) of a method that knew the values before each start, one row a start; what lies
    beyond the series is missing."""
    rows = []
    for start in starts:
        said = method(y[:start], ahead, season)
        actual = np.full(ahead, np.nan)
        actual[: len(y) - start] = y[start : start + ahead]
        rows.append(actual - said)
    return np.array(rows)


def forecast_periods(
    df: pd.DataFrame, measure: str = "", time: str = "", periods: int = 0, grain: str = "", how: str = ""
) -> Forecast:
    """The next `periods` of a measure by `grain`, by the method with the least error on periods that it had not seen.

    Methods are chosen on starts before the last `periods`, and the error that is told is that of the last ones, where
    there are enough. Raises CannotAnswer where there are too few whole periods.
    """
    check_columns(df, measure=measure, time=time)
    time = time or time_column(df)
    if not time or not is_time(df[time]):
        raise CannotAnswer("A forecast needs a column of times, and no column holds any.")
    measure = measure or ("" if how == "count" else measure_of(df, [time]))
    if measure and not is_numeric(df[measure]):
        raise CannotAnswer(f"{say(measure)} holds no numbers that could be forecast.")
    how = how or ("count" if not measure else "sum" if sums_up(df, measure) else "mean")
    grain = grain or natural_grain(df[time])
    series, notes = series_of(df, time, measure, how, grain)
    y, season = series.to_numpy(), SEASON_LENGTHS[grain]
    if len(y) < 8:
        raise CannotAnswer(f"There are {several(len(y), f'whole {grain}')}; a forecast needs at least 8.")
    if len(y) < season + 8:
        season = 1
        notes.append(f"The {grain}s are fewer than a season and a half, so no season is in the forecast.")
    ahead = periods or min(season if 1 < season <= 12 else 6, max(1, len(y) // 4))
    least = season + 4
    last = max(least, len(y) - ahead)
    earlier = list(range(max(least, last - 3 * max(ahead, season)), last))
    if enough := len(earlier) >= 8:
        earlier = earlier[:: -(len(earlier) // 8)][::-1]
        tried, told = _errors_by_method(y[:last], ahead, season, earlier), [last]
    else:  # all periods that can be held out serve for both
        told = list(range(min(least, last), len(y)))
        tried = _errors_by_method(y, ahead, season, told)
        notes.append("The periods are so few that the method was chosen on those on which its error is told.")
    scores = {name: float(np.nanmean(np.abs(e))) for name, e in tried.items()}
    best = min(scores, key=lambda name: (scores[name], name))
    ends = _errors_by_method(y, ahead, season, told)
    errors = {name: float(np.nanmean(np.abs(e))) for name, e in ends.items()}
    every = np.vstack([tried[best], ends[best]]) if enough else ends[best]
    value, spread = FORECAST_METHODS[best](y, ahead, season), _spread(every)
    low, high = value - 1.96 * spread, value + 1.96 * spread
    if y.min() >= 0:
        value, low = np.maximum(value, 0), np.maximum(low, 0)
    whole = [row.sum() for row in every if np.isfinite(row).all()]
    total = None
    if how != "mean" and ahead > 1:
        half = 1.96 * float(np.sqrt(np.mean(np.square(whole)) if len(whole) >= 8 else ahead * spread.max() ** 2))
        lowest = 0.0 if y.min() >= 0 else -np.inf
        total = (float(value.sum()), max(float(value.sum()) - half, lowest), float(value.sum()) + half)
    index = pd.period_range(series.index[-1] + 1, periods=ahead)
    table = pd.DataFrame({"value": value, "low": low, "high": high}, index=index)
    return Forecast(measure, how, grain, series, table, best, errors, len(y) - told[0], total, tuple(notes))


def _errors_by_method(y: Any, ahead: int, season: int, starts: list[int]) -> dict[str, Any]:
    """The held-out errors of each method."""
    return {name: held_out_errors(y, method, ahead, season, starts) for name, method in FORECAST_METHODS.items()}


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
    """The grain at which to forecast where none is named: the times' own where they lie a week or more apart; else
    months or weeks where there are 24 and 26 whole ones; else days, or hours within a few days."""
    apart = times.dropna().drop_duplicates().sort_values().diff().median()
    for grain, days in (("year", 300), ("quarter", 80), ("month", 27), ("week", 6.5)):
        if apart >= pd.Timedelta(days=days):
            return grain
    for grain, least in (("month", 24), ("week", 26), ("day", 14)):
        if len(whole_periods(times, grain)[0]) >= least:
            return grain
    return "day" if apart >= pd.Timedelta(hours=20) else "hour"


def _forecast_told(found: Forecast) -> tuple[str, dict[str, Any], list[str]]:
    """The answer in words, its values, and what to keep in mind."""
    kinds = {"mean": f"the mean {say(found.measure)}", "count": "the number of rows"}
    what = kinds.get(found.how, say(found.measure))
    unit = "rows" if found.how == "count" else unit_of(found.measure)

    def write(x: float) -> str:
        return measured_text(number(x), unit)

    def span(low: float, high: float) -> str:
        return f"95 % interval {number(low)} to {number(high)}"

    rows = [(str(p), say_period(p), *v) for p, v in zip(found.ahead.index, found.ahead.to_numpy(), strict=True)]
    _, name, value, low, high = rows[0]
    text = f"{what} is forecast at {write(value)} for {name} ({span(low, high)})"
    values: dict[str, Any] = {period: (v, unit, (a, b)) for period, _, v, a, b in rows[:12]}
    if found.total is not None:
        text += f", and at {write(found.total[0])} ({span(*found.total[1:])}) in all over {len(rows)} {found.grain}s"
        values["total"] = (found.total[0], unit, found.total[1:])
    elif len(rows) > 1:
        _, name, value, low, high = rows[-1]
        text += f", and at {write(value)} ({span(low, high)}) for {name}"
    own, naive = found.errors[found.method], found.errors["seasonal naive"]
    values |= {"held-out error": (own, unit), "held-out error of seasonal naive": (naive, unit)}
    usual = float(found.series.iloc[-found.tested :].abs().mean()) or 1.0
    text += f". On the last {several(found.tested, found.grain)}, held out, {found.method} was off by {write(own)} on "
    text += f"average ({percent(own / usual, 1)})"
    if found.method == "seasonal naive":
        text += ": no method was better than repeating the last season."
    else:
        text += f"; repeating the last season, by {write(naive)} ({percent(naive / usual, 1)})."
        text += " That was no worse there, so take the forecast with care." if own >= naive else ""
    kind = {"sum": "summed", "mean": "averaged", "count": "counted"}[found.how]
    notes = [f"Rows were {kind} by {found.grain}; {several(len(found.series), f'whole {found.grain}')} were used."]
    notes += [
        *found.notes,
        "Intervals come from errors on held-out periods: they suppose that what was at work goes on.",
    ]
    return text, values, notes


def tell_forecast(found: Forecast) -> None:
    """Answer with the next period, the sum of all, and the held-out error beside the seasonal naive one; the forecast
    goes into a file."""
    text, values, notes = _forecast_told(found)
    found.ahead.rename_axis("period").to_csv("forecast.csv")
    answer(text, values, notes=notes, files=["forecast.csv"])


def report_forecast(found: Forecast) -> None:
    """Report the forecast with what to keep in mind."""
    text, _, notes = _forecast_told(found)
    value, low, high = (float(found.ahead[c].iloc[0]) for c in ("value", "low", "high"))
    report(
        "descriptive",
        "forecast",
        text,
        [found.measure] if found.measure else [],
        effect=effect("mean_diff", value, (low, high)),
        n=len(found.series),
        params={"method": found.method, "errors": found.errors},
        caveats=notes,
    )


def draw_forecast(found: Forecast) -> None:
    """The series and the forecast with its band, and the held-out errors of all methods."""
    what = "the number of rows" if found.how == "count" else say(found.measure)
    fig, ax = figure(f"{what} by {found.grain}, and what comes next", width=8.2)
    shown = found.series.iloc[-max(6 * len(found.ahead), 48) :]
    times, last = [p.start_time for p in shown.index], shown.iloc[-1]
    joined = [times[-1], *(p.start_time for p in found.ahead.index)]
    marks: dict[str, Any] = {"marker": "o", "ms": 4} if len(shown) < 60 else {}
    ax.plot(times, shown, color=COLOURS[0], lw=2, **marks)
    band = [last, *found.ahead["low"]], [last, *found.ahead["high"]]
    ax.fill_between(joined, *band, color=COLOURS[1], alpha=0.18, lw=0)
    ax.plot(joined, [last, *found.ahead["value"]], color=COLOURS[1], lw=2.2, **marks)
    plain_ticks(ax, "y")
    ax.set(ylabel="Rows" if found.how == "count" else label(found.measure), xlabel="orange: forecast, 95 % interval")
    show(fig, f"Line: {what} by {found.grain}, then the forecast with its 95 % band")
    fig, ax = figure("Mean error on held-out periods", height=1.5 + 0.45 * len(found.errors))
    order = sorted(found.errors, key=lambda m: (-found.errors[m], m))
    for i, name in enumerate(order):
        ax.barh(i, found.errors[name], color=COLOURS[1] if name == found.method else COLOURS[6])
        ax.text(found.errors[name], i, f" {number(found.errors[name])}", va="center")
    ax.set_yticks(range(len(order)), order)
    ax.margins(x=0.18)
    plain_ticks(ax, "x")
    ax.set_xlabel(f"Mean absolute error, last {several(found.tested, found.grain)}")
    ax.grid(axis="y", visible=False)
    show(fig, "Bars: the held-out error of each method; orange is the one used")
