"""Why something changed: the change in units, its largest segment and its factors, told and drawn."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.change import (
    Two,
    cut_short,
    level_names,
    mean_interval,
    measure_total,
    most_telling,
    split_change,
    volume_price_mix,
    waterfall,
)
from notebooks.toolkit.columns import yes_level
from notebooks.toolkit.dates import YEAR_NAME
from notebooks.toolkit.drawing import show
from notebooks.toolkit.guesses import is_numeric, is_time, measure_of, segments_of, sums_up, time_column, volume_of
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.naming import name_and_unit
from notebooks.toolkit.phrases import signed_number, unit_of
from notebooks.toolkit.telling import answer, report
from notebooks.toolkit.two_sets import two_sets
from notebooks.toolkit.wording import capital, label, measured_text, number, percent, say, signed, with_unit


@dataclass(frozen=True)
class Change:
    """A change of a measure's sum, mean or of the number of rows between two sets of rows, and what it is made of.

    `yes` is the level whose share is meant, in percent, of a measure of two levels. `parts` are those of the levels of
    `by`, `factors` volume, price and mix of a sum, or what happened within the levels and between them, of a mean; both
    sum up to the change. `deeper` says where in the largest part to look.
    """

    two: Two
    measure: str
    how: str
    yes: str
    before: float
    after: float
    interval: tuple[float, float] | None
    by: str
    parts: pd.DataFrame
    factors: pd.Series | None
    volume: str
    deeper: str

    @property
    def unit(self) -> str:
        """The unit of the change."""
        return "pp" if self.yes else "rows" if self.how == "count" else unit_of(self.measure)

    @property
    def what(self) -> str:
        """What changed, in a sentence's words."""
        if self.yes:
            return f"the share of {say(self.measure)} {self.yes}"
        return {"count": "the number of rows", "mean": f"the mean {say(self.measure)}"}.get(self.how, say(self.measure))

    def tell(self, x: float) -> str:
        """A value of what changed."""
        return f"{x:.1f} %" if self.yes else number(x) if self.how == "count" else with_unit(x, self.measure)

    def tell_part(self, x: float) -> str:
        """A part of the change."""
        return signed_number(x, self.unit)


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
    check_columns(df, measure=measure, segments=by or [], volume=volume)
    two, of = two_sets(df, of, after, before, grain), of or time_column(df)
    measure = measure or ("" if how == "count" else measure_of(df, [of]))
    yes = ""
    if not measure:
        how = "count"
    elif df[measure].nunique() == 2 and how != "sum":
        level = yes_level(df[measure].dropna().unique())
        yes, how = str(level), "mean"
        sides = [rows.assign(**{measure: share_in_percent(rows[measure], level)}) for rows in (two.before, two.after)]
        two = replace(two, before=sides[0], after=sides[1])
    elif not is_numeric(df[measure]):
        raise CannotAnswer(f"{say(measure)} holds no numbers, so it has no sum or mean that could change.")
    in_time = is_time(df[of]) or YEAR_NAME.search(of) is not None
    how = how or ("sum" if in_time and sums_up(df, measure) else "mean")
    start, end = (measure_total(rows, measure, how) for rows in (two.before, two.after))
    for name, value in ((two.first, start), (two.second, end)):
        if pd.isna(value):
            raise CannotAnswer(f"{say(measure)} is missing in all rows of {name}.")
    price = ""
    if how == "sum" and not volume:
        volume, price = volume_of(pd.concat([two.before, two.after]), measure) or ("", "")
    columns = by or segments_of(df, [of, measure, volume, price])
    chosen = most_telling(two, columns, measure, how)
    parts = split_change(two, chosen, measure, how) if chosen else pd.DataFrame()
    factors = None
    if how == "sum":
        factors = volume_price_mix(two, measure, volume, chosen)
    elif how == "mean" and chosen:
        factors = pd.Series({f"within each {say(chosen)}": parts["within"].sum(), "mix": parts["mix"].sum()})
    ends = mean_interval(two, measure) if how == "mean" else None
    found = Change(two, measure, how, yes, start, end, ends, chosen, parts, factors, volume, "")
    return replace(found, deeper=_look_deeper(found, columns)) if chosen and how != "mean" else found


def share_in_percent(s: Any, level: Any) -> Any:
    """100 where a column has a level, 0 where it has another, so that its mean is a share in percent."""
    return (s == level).astype(float).where(s.notna()) * 100


def _look_deeper(change: Change, columns: list[str]) -> str:
    """Within the largest part, the column and level that made most of it."""
    two, top = change.two, str(change.parts["part"].abs().idxmax())
    sides = [rows[level_names(rows, change.by) == top] for rows in (two.before, two.after)]
    inner = replace(two, before=sides[0], after=sides[1])
    by = most_telling(inner, [c for c in columns if c != change.by], change.measure, change.how)
    if not by:
        return ""
    inside = split_change(inner, by, change.measure, change.how)["part"]
    most = str(inside.abs().idxmax())
    return f"Look first at {say(by)} {most} within {top}: {change.tell_part(float(inside[most]))}."


def _change_told(change: Change) -> tuple[str, dict[str, Any], list[str]]:
    """The answer in words, its values, and what to keep in mind."""
    two, gap, write = change.two, change.after - change.before, change.tell_part
    unit, level = change.unit, "%" if change.yes else change.unit
    share = gap / abs(change.before) if change.before else 0.0
    text = f"{change.what} did not change: {change.tell(change.after)} in {two.first} and in {two.second}."
    if gap:
        size = measured_text(number(abs(gap)), "percentage points" if change.yes else unit)
        rate = f" ({signed(100 * share, 1)} %)" if share and not change.yes else ""
        ends = f" (95 % CI {write(change.interval[0])} to {write(change.interval[1])})" if change.interval else ""
        old, new = change.tell(change.before), change.tell(change.after)
        if two.periods:
            text = f"{change.what} {'rose' if gap > 0 else 'fell'} by {size}{rate}, "
            text += f"from {old} in {two.first} to {new} in {two.second}{ends}."
        else:
            text = f"{change.what} is {size}{rate} {'higher' if gap > 0 else 'lower'} in {two.second} ({new}) than in "
            text += f"{two.first} ({old}){ends}."
    values: dict[str, Any] = {
        "change": (gap, unit, change.interval),
        two.first: (change.before, level),
        two.second: (change.after, level),
    }
    if share and not change.yes:
        values["change in %"] = (100 * share, "%")
    if change.by:
        top = str(change.parts["part"].abs().idxmax())
        part = float(change.parts["part"][top])
        of_it = f" ({percent(part / gap)} of the change)" if gap and 0 < part / gap <= 1 else ""
        text += f" The largest part by {say(change.by)} is {top}: {write(part)}{of_it}"
        values[f"{change.by}: {top}"] = (part, unit)
        if change.factors is not None:
            told = ", ".join(f"{name} {write(float(value))}" for name, value in change.factors.items())
            text += f"; by factor it is {change.factors.abs().idxmax()} ({told})"
        text += "."
    if change.factors is not None:
        values |= {str(name): (float(value), unit) for name, value in change.factors.items()}
    text += f" {change.deeper}" if change.deeper else ""
    return text, values, [*two.notes, *_notes_of(change)]


def tell_change(change: Change) -> None:
    """Answer with the change, its largest segment and factor, and where to look next."""
    text, values, notes = _change_told(change)
    told = "" if change.yes else change.how
    answer(text, values, notes=notes, queries=change.two.queries(change.measure, told))


def report_change(change: Change) -> None:
    """Report the change with what to keep in mind."""
    text, _, notes = _change_told(change)
    parts = {str(k): float(v) for k, v in cut_short(change.parts["part"]).items()} if change.by else {}
    report(
        "descriptive",
        "change",
        text,
        [c for c in (change.measure, change.by) if c],
        effect=effect("mean_diff", change.after - change.before, change.interval),
        unit="pp" if change.yes else name_and_unit(change.measure)[1],
        n=len(change.two.before) + len(change.two.after),
        params={"parts": parts},
        caveats=notes,
        confidence="high",
    )


def _notes_of(change: Change) -> list[str]:
    """How the change was taken apart, and what it does not say."""
    notes = []
    if change.how == "sum":
        units = say(change.volume) if change.volume else "the number of rows"
        one = "unit" if change.volume else "row"
        notes.append(f"Volume is {units}, price the {say(change.measure)} per {one}; the factors sum up to the change.")
        notes.append("These are totals of all rows, so they have no interval.")
    elif change.factors is not None:
        notes.append(f"Mix is that the shares of the levels of {say(change.by)} changed.")
    return [*notes, "This says where the change lies, not what caused it."]


def draw_change(change: Change) -> None:
    """Waterfalls: by segments, and by factors where there are any."""
    start, end = (change.two.first, change.before), (change.two.second, change.after)
    mean = "Mean " if change.how == "mean" and not change.yes else ""
    axis = "Rows" if change.how == "count" else f"{label(change.measure)} {change.yes} (%)" if change.yes else ""
    axis = axis or capital(f"{mean}{label(change.measure) if not mean else label(change.measure).lower()}")
    if change.by:
        parts = cut_short(change.parts["part"])
        fig = waterfall(f"{change.what} by {say(change.by)}", start, parts, end, axis, change.tell_part)
        show(fig, f"Waterfall: {change.what} from {start[0]} to {end[0]}, by {say(change.by)}")
    if change.factors is not None:
        fig = waterfall(f"{change.what} by factor", start, change.factors, end, axis, change.tell_part)
        show(fig, f"Waterfall: {change.what} from {start[0]} to {end[0]}, by factor")
