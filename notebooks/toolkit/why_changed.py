"""Why something changed: the two sets of rows, the change in units, its largest segment and its factors, told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from notebooks.templates.toolkit import (
    YEAR_NAME,
    answer,
    capital,
    effect,
    is_text,
    label,
    number,
    percent,
    report,
    say,
    show,
    with_unit,
)
from notebooks.toolkit.attempts import CannotAnswer, has
from notebooks.toolkit.change import (
    Two,
    cut_short,
    level_names,
    mean_interval,
    most_telling,
    split_change,
    total_of,
    volume_of,
    volume_price_mix,
    waterfall,
)
from notebooks.toolkit.periods import GRAIN_CODES, grain_of, in_periods, named_period, say_period, whole_periods


@dataclass(frozen=True)
class Change:
    """A change of a measure between two sets of rows, and what it is made of."""

    two: Two
    measure: str
    how: str
    before: float
    after: float
    interval: tuple[float, float] | None
    by: str
    parts: pd.DataFrame
    factors: pd.Series | None
    volume: str
    deeper: str


def is_time(s: Any) -> bool:
    """Whether a column holds times."""
    return bool(pd.api.types.is_datetime64_any_dtype(s))


def time_column(df: pd.DataFrame) -> str:
    """The table's first column of times, or else of years; empty where there is none."""
    times = [str(c) for c in df.columns if is_time(df[c])]
    years = [str(c) for c in df.columns if YEAR_NAME.search(str(c)) and not is_text(df[c]) and df[c].nunique() > 1]
    return (times + years + [""])[0]


def two_sets(df: pd.DataFrame, of: str = "", after: str = "", before: str = "", grain: str = "") -> Two:
    """The rows of two periods or two groups: named by `after` and `before`, or found.

    Of a column of times they are the last two whole periods of a grain; of years the last two; of a column with two
    levels these. Raises CannotAnswer where it is open which two are meant.
    """
    has(df, periods=of)
    of = of or time_column(df)
    if not of:
        raise CannotAnswer("No column holds times, so two groups must be named: a column and two of its levels.")
    return _two_periods(df, of, after, before, grain) if is_time(df[of]) else _two_levels(df, of, after, before)


def _two_periods(df: pd.DataFrame, of: str, after: str, before: str, grain: str) -> Two:
    notes = list[str]()
    given = [named_period(text) for text in (after, before)]
    for text, period in zip((after, before), given, strict=True):
        if text and period is None:
            raise CannotAnswer(f"{text!r} is no period that I can read: write 2023, 2023-Q2, 2023-05 or 2023-05-14.")
    late, early = given
    if late is None and early is None:
        grain = grain or grain_of(df[of], 2)
        whole, partial = whole_periods(df[of], grain)
        if len(whole) < 2:
            raise CannotAnswer(f"{say(of)} covers fewer than two whole {grain}s, so nothing can be compared.")
        early, late = whole[-2:]
        left = [p for p in partial if p > late]
        notes += [f"{capital(say_period(p))} is not over in these rows and was left out." for p in left]
        notes.append(f"The last two whole {grain}s were compared, as none were named.")
    elif late is None or early is None:
        known = late if late is not None else early
        assert known is not None
        early, late = (known - 1, known) if early is None else (known, known + 1)
    sets = [df[(df[of] >= p.start_time) & (df[of] <= p.end_time)] for p in (early, late)]
    for p, rows in zip((early, late), sets, strict=True):
        if rows.empty:
            reach = f"{df[of].min():%Y-%m-%d} to {df[of].max():%Y-%m-%d}"
            raise CannotAnswer(f"There are no rows in {say_period(p)}: {say(of)} reaches from {reach}.")
        if p.end_time > df[of].max() and p not in whole_periods(df[of], _grain(p))[0]:
            notes.append(f"{capital(say_period(p))} ends with {df[of].max():%Y-%m-%d} in these rows: it is not whole.")
    return Two(sets[0], sets[1], say_period(early), say_period(late), tuple(notes))


def _grain(period: pd.Period) -> str:
    return next(g for g, code in GRAIN_CODES.items() if code == period.freqstr[0])


def _two_levels(df: pd.DataFrame, of: str, after: str, before: str) -> Two:
    names = level_names(df, of)
    names = names.str.replace(r"\.0$", "", regex=True) if not is_text(df[of]) else names
    levels, notes = sorted(df[of].dropna().unique(), key=lambda v: (isinstance(v, str), v)), list[str]()
    said = [str(v).removesuffix(".0") if not isinstance(v, str) else v for v in levels]
    folded = {v.casefold(): v for v in said}
    chosen = []
    for text in (before, after):
        if text and text.casefold() not in folded:
            raise CannotAnswer(f"{say(of)} has no {text!r}; it has {', '.join(said[:12])}.")
        chosen.append(folded.get(text.casefold(), ""))
    rest = [v for v in said if v not in chosen]
    if not all(chosen):
        ordered = YEAR_NAME.search(of) is not None and not is_text(df[of])
        if not (ordered or len(said) == 2) or len(rest) < chosen.count(""):
            raise CannotAnswer(f"{say(of)} has {len(said)} levels: name the two to compare ({', '.join(said[:8])}).")
        if not any(chosen):
            chosen = rest[-2:]
            notes.append(f"The {'last two' if ordered else 'two levels'} of {say(of)} were compared, as none were named.")
        elif ordered:
            known = said.index(chosen[0] or chosen[1])
            chosen = [said[max(0, known - 1)], said[known]] if chosen[1] else [said[known], said[min(known + 1, len(said) - 1)]]
        else:
            chosen = [c or rest[0] for c in chosen]
    first, second = chosen
    return Two(df[names == first], df[names == second], first, second, tuple(notes))


def segments_of(df: pd.DataFrame, but: list[str], most: int = 30) -> list[str]:
    """The columns that may divide a change: text or truth values, or numbers of few levels, of 2 to `most` levels."""
    found = []
    for name in map(str, df.columns):
        if name in but or is_time(df[name]):
            continue
        levels = df[name].nunique()
        if 2 <= levels <= (most if is_text(df[name]) else 12) and levels < 0.5 * len(df):
            found.append(name)
    return found


def measure_of(df: pd.DataFrame, but: list[str]) -> str:
    """The measure that is meant where none is named: the one column of amounts; empty where there are none or more."""
    numbers = [str(c) for c in df.columns if not is_text(df[c]) and not is_time(df[c]) and str(c) not in but]
    numbers = [c for c in numbers if df[c].nunique() > 12 and not _numbers_rows(df[c])]
    products = [c for c in numbers if volume_of(df, c)]
    return numbers[0] if len(numbers) == 1 else products[0] if len(products) == 1 else ""


def _numbers_rows(s: Any) -> bool:
    from notebooks.templates.toolkit import ID_NAME

    return bool(ID_NAME.search(str(s.name)))


def why_changed(
    df: pd.DataFrame,
    measure: str = "",
    how: str = "",
    of: str = "",
    after: str = "",
    before: str = "",
    grain: str = "",
    by: list[str] | None = None,
    volume: str = "",
) -> Change:
    """The change of a measure's sum, mean or of the number of rows from `before` to `after`, and what it is made of.

    `by` are the columns whose levels may have made it (empty: all that divide the rows into few); of them the one is
    told by which it is least even. Raises CannotAnswer where no two sets or no measure are there to compare.
    """
    has(df, measure=measure, segments=by or [], volume=volume)
    two = two_sets(df, of, after, before, grain)
    of = of or time_column(df)
    if not measure and how != "count":
        measure = measure_of(df, [of])
        how = how if measure else "count"
    how = how or ("mean" if is_rate(df, measure) else "sum")
    if how != "count" and (is_text(df[measure]) or is_time(df[measure])):
        raise CannotAnswer(f"{say(measure)} holds no numbers, so it has no {how} that could change.")
    start, end = (total_of(rows, measure, how) for rows in (two.before, two.after))
    price = ""
    if how == "sum" and not volume:
        volume, price = volume_of(pd.concat([two.before, two.after]), measure) or ("", "")
    columns = by or segments_of(df, [of, measure, volume, price])
    chosen = most_telling(two, columns, measure, how)
    parts = split_change(two, chosen, measure, how) if chosen else pd.DataFrame()
    factors = volume_price_mix(two, measure, volume, chosen) if how == "sum" else None
    ends = mean_interval(two, measure) if how == "mean" else None
    deeper = ""
    if chosen:
        top = str(parts["part"].abs().idxmax())
        inner = Two(*(rows[level_names(rows, chosen) == top] for rows in (two.before, two.after)), two.first, two.second)
        next_by = most_telling(inner, [c for c in columns if c != chosen], measure, how) if how != "mean" else ""
        if next_by:
            inside = split_change(inner, next_by, measure, how)["part"]
            most = str(inside.abs().idxmax())
            deeper = f"Look first at {next_by} {most} within {top}: {_written(measure, how)(inside[most])}."
    return Change(two, measure, how, start, end, ends, chosen, parts, factors, volume, deeper)


def is_rate(df: pd.DataFrame, measure: str) -> bool:
    """Whether adding a measure up over rows means nothing, so that its mean is meant: a rate, a score, a price of one."""
    import re

    rates = r"(rate|ratio|share|pct|percent|prob\w*|score|rating|temp\w*|avg|average|mean|index|grade|price|age|duration|days|hours|minutes|time)"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", measure).lower()
    return measure in df and bool(re.search(rf"(^|[^a-z]){rates}s?([^a-z]|$)", words))


def _written(measure: str, how: str) -> Any:
    """How a part of the change is written: with its sign and unit."""

    def write(x: float) -> str:
        told = f"{number(abs(x))} rows" if how == "count" else with_unit(abs(x), measure)
        return f"{'+' if x >= 0 else '−'}{told}"

    return write


def unit_of(measure: str) -> str:
    """The unit that a column's name gives, or nothing."""
    return with_unit(1, measure).partition(" ")[2]


def tell_change(change: Change) -> None:
    """Answer with the change, its largest segment and factor, and where to look next; and report it."""
    two, gap, write = change.two, change.after - change.before, _written(change.measure, change.how)
    what = {"sum": say(change.measure), "mean": f"the mean {say(change.measure)}", "count": "the number of rows"}[change.how]
    went = "rose" if gap > 0 else "fell" if gap < 0 else "did not change"
    rate = f" ({percent(gap / abs(change.before), 1)})".replace("(", "(+" if gap > 0 else "(") if change.before else ""
    plain = (lambda x: f"{number(x)}") if change.how == "count" else (lambda x: with_unit(x, change.measure))
    ends = f"; 95 % CI {write(change.interval[0])} to {write(change.interval[1])}" if change.interval else ""
    unit = "rows" if change.how == "count" else unit_of(change.measure)
    text = f"{what} {went}" + (f" by {write(gap)[1:]}{rate}" if gap else "")
    text += f", from {plain(change.before)} in {two.first} to {plain(change.after)} in {two.second}{ends}."
    values: dict[str, Any] = {
        "change": (gap, unit, change.interval),
        two.first: (change.before, unit),
        two.second: (change.after, unit),
    }
    if change.before:
        values["change in %"] = (100 * gap / abs(change.before), "%")
    if change.by:
        top = str(change.parts["part"].abs().idxmax())
        part = float(change.parts.loc[top, "part"])
        of_it = f" ({percent(part / gap)} of the change)" if gap and 0 < part / gap <= 3 else ""
        text += f" The largest part by {say(change.by)} is {top}: {write(part)}{of_it}"
        values[f"{change.by}: {top}"] = (part, unit)
        if change.factors is not None:
            factor = str(change.factors.abs().idxmax())
            told = ", ".join(f"{name} {write(value)}" for name, value in change.factors.items())
            text += f"; by factor it is {factor} ({told})"
        text += "."
    if change.factors is not None:
        values |= {name: (float(value), unit) for name, value in change.factors.items()}
    text += f" {change.deeper}" if change.deeper else ""
    notes = list(two.notes)
    if change.factors is not None:
        units = say(change.volume) if change.volume else "the number of rows"
        notes.append(f"Volume is {units}, price the {say(change.measure)} per {'unit' if change.volume else 'row'}; the factors sum up to the change.")
    if change.how == "sum":
        notes.append("These are totals of all rows, so they have no interval.")
    notes.append("This says where the change lies, not what caused it.")
    answer(text, values, notes=notes)
    report(
        "descriptive",
        "change",
        text,
        [c for c in (change.measure, change.by) if c],
        effect=effect("mean_diff", gap, change.interval),
        n=len(two.before) + len(two.after),
        params={"parts": {str(k): float(v) for k, v in cut_short(change.parts["part"]).items()}} if change.by else {},
        caveats=notes,
        confidence="high",
    )


def draw_change(change: Change) -> None:
    """Waterfalls: by segments, and by factors where there are any."""
    start, end = (change.two.first, change.before), (change.two.second, change.after)
    what = "the number of rows" if change.how == "count" else say(change.measure)
    axis = "Rows" if change.how == "count" else f"{'Mean ' if change.how == 'mean' else ''}{label(change.measure)}"
    write = _written(change.measure, change.how)
    if change.by:
        fig = waterfall(f"{what} by {say(change.by)}", start, cut_short(change.parts["part"]), end, axis, write)
        show(fig, f"Waterfall: {what} from {start[0]} to {end[0]}, by {say(change.by)}")
    if change.factors is not None:
        fig = waterfall(f"{what} by factor", start, change.factors, end, axis, write)
        show(fig, f"Waterfall: {what} from {start[0]} to {end[0]}, by volume, price and mix")
