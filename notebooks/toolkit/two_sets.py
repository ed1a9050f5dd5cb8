"""Two sets of rows to hold against each other: two periods, or two groups, named or found."""

import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.change import Two, level_names
from notebooks.toolkit.columns import is_text
from notebooks.toolkit.dates import YEAR_NAME
from notebooks.toolkit.guesses import is_numeric, is_time, time_column
from notebooks.toolkit.periods import GRAIN_CODES, grain_of, named_period, say_period, whole_periods
from notebooks.toolkit.wording import capital, say


def two_sets(df: pd.DataFrame, of: str = "", after: str = "", before: str = "", grain: str = "") -> Two:
    """The rows of two periods or two groups: named by `after` and `before`, or found.

    Of a column of times they are the last two whole periods of a grain; of years the last two; of a column with two
    levels these. Raises CannotAnswer where it is open which two are meant.
    """
    check_columns(df, periods=of)
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
        in_full = early.end_time - sets[0][of].max() < 0.03 * (early.end_time - early.start_time)
        if p.end_time > df[of].max() and in_full and p not in whole_periods(df[of], _grain(p))[0]:
            notes.append(f"{capital(say_period(p))} ends with {df[of].max():%Y-%m-%d} in these rows: it is not whole.")
    name = of if of.isidentifier() else f"`{of}`"
    where = [
        None if p.freqstr[0] == "W" else {"left": name, "op": "during", "right": str(p).replace("Q", "-Q")}
        for p in (early, late)
    ]
    return Two(sets[0], sets[1], say_period(early), say_period(late), tuple(notes), where=(where[0], where[1]))


def _grain(period: pd.Period) -> str:
    return next(g for g, code in GRAIN_CODES.items() if code == period.freqstr[0])


def _two_levels(df: pd.DataFrame, of: str, after: str, before: str) -> Two:
    text = level_names(df, of)
    text = text.str.replace(r"\.0$", "", regex=True) if not is_text(df[of]) else text
    levels, notes = sorted(df[of].dropna().unique(), key=lambda v: (isinstance(v, str), v)), list[str]()
    said = [str(v).removesuffix(".0") if not isinstance(v, str) else v for v in levels]
    folded = {v.casefold(): v for v in said}
    chosen = []
    for name in (before, after):
        if name and name.casefold() not in folded:
            raise CannotAnswer(f"{say(of)} has no {name!r}; it has {', '.join(said[:12])}.")
        chosen.append(folded.get(name.casefold(), ""))
    rest = [v for v in said if v not in chosen]
    if not all(chosen):
        ordered = YEAR_NAME.search(of) is not None and is_numeric(df[of])
        if not (ordered or len(said) == 2) or len(rest) < chosen.count(""):
            raise CannotAnswer(f"{say(of)} has {len(said)} levels: name the two to compare ({', '.join(said[:8])}).")
        if not any(chosen):
            chosen = rest[-2:]
            notes.append(
                f"The {'last two' if ordered else 'two levels'} of {say(of)} were compared, as none were named."
            )
        elif ordered:
            known = said.index(chosen[0] or chosen[1])
            chosen = (
                [said[max(0, known - 1)], said[known]]
                if chosen[1]
                else [said[known], said[min(known + 1, len(said) - 1)]]
            )
        else:
            chosen = [c or rest[0] for c in chosen]
    first, second = chosen
    in_time = YEAR_NAME.search(of) is not None and is_numeric(df[of])
    name = of if of.isidentifier() else f"`{of}`"
    by_name = dict(zip(said, (v.item() if hasattr(v, "item") else v for v in levels), strict=True))
    where = tuple({"left": name, "op": "=", "right": by_name[v]} if v in by_name else None for v in chosen)
    return Two(df[text == first], df[text == second], first, second, tuple(notes), in_time, where=(where[0], where[1]))
