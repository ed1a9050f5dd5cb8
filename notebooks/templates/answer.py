# description: Computes the one number, name or short list that a closed question asks for, with its interval and
#   what was left out.
# tags: [look]
# when: 'A question with one closed answer: a mean, a count, a share, the highest of something, a top five.'
"""# One answer

Computes the one number, name or short list that a closed question asks for, from the rows that meet its conditions,
with its interval where it has one. Values are mended first (codes for missing, mixed units, spellings), no row is left
out, and whatever is missing is counted.
"""

# %% id="answer-01" tags=["parameters"]
data: str = "data.csv"  # the table to answer from
question: str = ""  # the question, as it was put
aggregate: str = "count"  # mean, median, sum, min, max, std, variance, range, quantile 0.9, count, distinct, share, share of sum, ratio, per, change, correlation, difference, quotient, summary, row, columns, missing
measure: str = ""  # the column that the number is of
other: str = ""  # a correlation's second column, what there is one number per (with a grain: times), or what a difference, quotient or change is of: mean, median, sum, count
by: str = ""  # column of the groups, if there are any
grain: str = ""  # for groups of times: year, quarter, month, month of year, week, day, weekday, hour
also_by: str = ""  # a second column of groups, for a number of each pair
also_grain: str = ""  # for a second group of times: as grain
periods: list = []  # for a change: the two times that it is between, such as ["2022", "2023"]
formula: list = []  # a column computed from two: its name, the first, minus or plus or times or divided by, the second
lookups: list = []  # files in which rows are looked up, each [file, column of this table, column of that file]
where: list = []  # conditions that rows must meet, each [column, comparison, value]: ["age", ">", 30], ["day", "in", "2023-05"]
having: list = []  # bounds on the number of each group, for how many groups keep to them: [[">", 10]]
everyone: list = []  # with such bounds, a file and its column that name every group, also those without a row here
hits: list = []  # for a share: the conditions that are counted
order: str = ""  # highest or lowest first; for a difference: what the question takes the first group to be
limit: int = 0  # how many of them; 0 for all
place: int = 0  # with a limit of 1: 2 for the second highest, and so on
named_by: str = ""  # for single rows: the column that names them
notes: list = []  # how the question was read, told beside the answer

# %% id="answer-02" tags=["toolkit"]
import re
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import display

from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.keys import keyed
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.reading import read_columns, read_once
from notebooks.toolkit.sampling import _WHOLE
from notebooks.toolkit.sentinels import _blank_sentinels
from notebooks.toolkit.spellings import _merge_spellings
from notebooks.toolkit.table import Table
from notebooks.toolkit.telling import report
from notebooks.toolkit.units import _one_unit
from notebooks.toolkit.naming import name_and_unit
from notebooks.toolkit.wording import decimals, from_to, number, percent, say, short, signed

# %% [markdown] id="answer-03"
# ## The rows that are meant

# %% id="answer-04"
first = read_once(data)
whole = _WHOLE.get(str(Path(data)))  # of a file too large to load, all rows of the named columns are read
for file, own, theirs in lookups:
    found = read_once(file)
    keys, mine = keyed(found[theirs]), keyed(first[own])
    found = found[[c for c in found if c not in first]].assign(sought=keys).drop_duplicates().dropna(subset="sought")
    found = found.drop_duplicates("sought", keep=False)  # what stands there in two ways is not known
    print(f"{mine.isin(found['sought']).sum():,} of {len(first):,} rows are found in {file} by {own}")
    first = first.assign(sought=mine).merge(found, on="sought", how="left", validate="m:1").drop(columns="sought")
beside = [f[2] for f in [*where, *hits] if str(f[1]).endswith(" column")]
named = [measure, other, by, also_by, named_by, *formula[1::2], *beside, *(f[0] for f in [*where, *hits])]
used = [c for c in dict.fromkeys(named) if c in first]
as_written = first if whole is None else read_columns(data, used)
table = Table(data, as_written[used].copy(), len(as_written))
for step in (_merge_spellings, _blank_sentinels, _one_unit):  # values are mended, no row is left out
    step(table)
df = table.df
if formula:
    made, one, operation, two = formula
    compute = {"minus": pd.Series.sub, "plus": pd.Series.add, "times": pd.Series.mul, "divided by": pd.Series.div}
    df[made] = compute[operation](df[one].astype(float), df[two].astype(float)).replace([np.inf, -np.inf], np.nan)


def spelling(value):
    return re.sub(r"[\W_]+", "", str(value)).casefold() or str(value)


def is_one_of(s, values):
    """Which values of a column are among these, whatever their spelling if none is written in this way."""
    if isinstance(s.dtype, pd.CategoricalDtype):
        levels = pd.Series(s.cat.categories)
        return s.isin(levels[is_one_of(levels, values)])
    if pd.api.types.is_bool_dtype(s):
        return s.isin([str(v).lower() in ("1", "1.0", "yes", "y", "true", "t") for v in values])
    if pd.api.types.is_numeric_dtype(s):
        return s.isin([float(v) for v in values])
    exact = s.astype(str).isin([str(v) for v in values]) & s.notna()
    if exact.any():
        return exact
    return s.map(spelling, na_action="ignore").isin([spelling(v) for v in values]) & s.notna()


def is_in_time(s, op, when):
    """Which times are in, before or after a period such as 2023, 2023-05, 2023-Q2, "month 5" or "months 5-7"."""
    part, _, number_of = str(when).partition(" ")
    if part == "months":
        return s.dt.month.between(*map(int, number_of.split("-")))
    if part == "weekend":
        return s.dt.dayofweek >= 5
    if part in ("month", "quarter", "weekday"):
        return getattr(s.dt, part) == int(number_of)
    period = pd.Period(str(when).replace("-Q", "Q"))
    start, end = period.start_time, period.end_time
    return {
        "in": s.between(start, end),
        "=": s.between(start, end),
        ">=": s >= start,
        ">": s > end,
        "<": s < start,
        "<=": s <= end,
    }[op]


def meets(rows, conditions):
    """Which rows meet all conditions, each a column, a comparison and a value."""
    held = pd.Series(True, index=rows.index)
    for column, op, value in conditions:
        s = rows[column]
        if op.endswith(" column"):
            held &= {">": s.gt, ">=": s.ge, "<": s.lt, "<=": s.le, "=": s.eq}[op.split()[0]](rows[value])
        elif op in ("missing", "present"):
            held &= s.isna() if op == "missing" else s.notna()
        elif pd.api.types.is_datetime64_any_dtype(s):
            held &= is_in_time(s, op, value)
        elif op in ("=", "in"):
            held &= is_one_of(s, value if isinstance(value, list) else [value])
        elif op in ("!=", "not in"):
            held &= s.notna() & ~is_one_of(s, value if isinstance(value, list) else [value])
        else:
            held &= {">": s.gt, ">=": s.ge, "<": s.lt, "<=": s.le}[op](value)
    return held


chosen = df[meets(df, where)]
told_of = {c for c, *_ in [*where, *hits]}
unknown = int(
    df[[c for c in told_of if not any(f[0] == c and f[1] == "missing" for f in [*where, *hits])]]
    .isna()
    .any(axis=1)
    .sum()
)
print(f"{len(chosen):,} of {len(df):,} rows are meant; {unknown:,} have no value in a column that decides it")
print("\n".join(table.log))

# %% [markdown] id="answer-05"
# ## How numbers are computed, and how they are said

# %% id="answer-06"
from scipy import stats

NAMES = {
    "mean": "mean",
    "sum": "total",
    "median": "median",
    "std": "standard deviation of",
    "variance": "variance of",
    "ratio": "ratio",
    "distinct": "number of different values of",
}
NAMES |= {"quantile 0.25": "lower quartile of", "quantile 0.75": "upper quartile of"}
NAMES |= {"min": "lowest", "max": "highest", "range": "range of", "count": "number of rows", "share": "share"}
COMPARED = {
    "=": "is",
    "in": "is one of",
    "not in": "is not one of",
    "!=": "is not",
    ">": "is above",
    ">=": "is at least",
}
COMPARED |= {"<": "is below", "<=": "is at most"}
AMONG = {"in": "in", "=": "in", ">": "after", ">=": "since", "<": "before", "<=": "until"}


SIGNS = {"minus": "−", "plus": "+", "times": "×", "divided by": "÷"}


def called(column):
    """A column's name in a sentence; a computed one by the names of its two."""
    return f"{say(one)} {SIGNS[operation]} {say(two)}" if formula and column == formula[0] else say(column)


def on_axis(column):
    """A column's name for an axis, with its unit where the name holds one."""
    words = called(column)
    return words[:1].upper() + words[1:] + (f" ({in_unit(column).strip()})" if in_unit(column) else "")


def in_unit(column):
    """The unit in a column's name as it is written behind a number: temp_c is in °C, wind_speed_ms in m/s."""
    if formula and column == formula[0]:
        units = [in_unit(one), in_unit(two)]
        if operation in ("minus", "plus"):
            return units[0] if units[0] == units[1] else ""
        return f"{units[0]} per{units[1]}" if operation == "divided by" and all(units) and units[0] != units[1] else ""
    words, unit = name_and_unit(column)
    if unit.lower() == "ms" and re.search(r"speed|wind|velocity|gust", words, re.I):
        unit = "m/s"
    return f" {unit}" if unit else ""


def exact(x):
    """A number for an answer: whole where it is whole, else five significant digits or two decimals."""
    if isinstance(x, pd.Timestamp):
        return f"{x:%Y-%m-%d}" if x == x.normalize() else f"{x:%Y-%m-%d %H:%M}"
    if abs(x) < 1e15 and x == int(x):
        return f"{int(x):,}".replace("-", "−")
    digits = 0 if abs(x) >= 1e8 else max(2, 4 - int(np.floor(np.log10(abs(x)))))
    return f"{x:,.{digits}f}".replace("-", "−")


def ends_of(low, high):
    """The two ends of an interval, to two significant digits of its width."""
    width = abs(high - low)
    digits = max(0, 1 - int(np.floor(np.log10(width)))) if 0 < width < 1e8 else 0
    said = [f"{x:,.{digits}f}".replace("-", "−") for x in (low, high)]
    return said if width else [exact(low), exact(high)]


def told(conditions):
    """Conditions in words."""
    said = []
    for column, op, value in conditions:
        if op.endswith(" column"):
            said.append(f"{say(column)} {COMPARED[op.split()[0]]} {say(value)}")
        elif op in ("missing", "present"):
            said.append(f"{say(column)} is {'missing' if op == 'missing' else 'there'}")
        elif column in df and pd.api.types.is_datetime64_any_dtype(df[column]):
            part, _, k = str(value).partition(" ")
            if part == "months":
                k = " to ".join(pd.Timestamp(2000, int(m), 1).month_name() for m in k.split("-"))
                said.append(f"{say(column)} is in {k}")
                continue
            if part == "weekend":
                said.append(f"{say(column)} is on a weekend")
                continue
            names_of = (
                {"month": pd.Timestamp(2000, int(k or 1), 1).month_name(), "quarter": f"quarter {k}"}
                if part in ("month", "quarter")
                else {}
            )
            names_of |= (
                {"weekday": (pd.Timestamp(2024, 1, 1) + pd.Timedelta(days=int(k))).day_name()}
                if part == "weekday"
                else {}
            )
            said.append(f"{say(column)} is {AMONG[op]} {names_of.get(part, value)}")
        else:
            shown = (
                " or ".join(map(str, value))
                if isinstance(value, list)
                else f"{value:g}"
                if isinstance(value, float)
                else str(value)
            )
            compared = "is" if op == "in" else "is neither" if op == "not in" else COMPARED[op]
            said.append(f"{say(column)} {compared} {shown.replace(' or ', ' nor ') if op == 'not in' else shown}")
    return " and ".join(said)


def single(values, kind):
    """One number of a column's values."""
    if kind.startswith("quantile"):
        return float(values.quantile(float(kind.split()[1])))
    if kind == "range":
        return float(values.max() - values.min())
    if kind == "variance":
        return float(values.var())
    found = getattr(values, kind)()
    return found if isinstance(found, pd.Timestamp) else float(found)


def interval(values, kind):
    """A 95 % interval of a mean (Student) or a median (Conover's order statistics); None for other numbers."""
    if kind == "mean" and len(values) >= 2 and values.std() > 0:
        half = stats.t.ppf(0.975, len(values) - 1) * values.std() / len(values) ** 0.5
        return [float(values.mean() - half), float(values.mean() + half)]
    if kind == "median" and len(values) >= 8:
        low, high = stats.quantile_test(values.to_numpy(float), p=0.5).confidence_interval()
        return [float(low), float(high)] if np.isfinite([low, high]).all() else None
    return None


def share_of(hit, n):
    """A share and its 95 % interval (Wilson)."""
    low, high = stats.binomtest(int(hit), int(n)).proportion_ci(method="wilson")
    return hit / n, [float(low), float(high)]


def grouped(rows, column, grain):
    """The group of each row: a column's values, or a period of its times."""
    s = rows[column]
    if not grain:
        return s
    places, times = pd.factorize(s)
    periods_of = period_of(pd.Series(times, dtype=s.dtype), grain)
    names_of = sorted(periods_of.dropna().unique(), key=lambda p: (CALENDAR.get(p, 0), p))
    period = pd.Index(names_of, dtype=object).get_indexer(periods_of)
    codes = np.where(places >= 0, period[places], -1) if len(times) else places
    return pd.Series(pd.Categorical.from_codes(codes, names_of), index=s.index)


CALENDAR = {pd.Timestamp(2024, m, 1).month_name(): m for m in range(1, 13)}
CALENDAR |= {pd.Timestamp(2024, 1, d).day_name(): d for d in range(1, 8)}  # its first day was a Monday


def period_of(s, grain):
    """The period in which each time lies."""
    by_name = {"month of year": s.dt.month_name, "weekday": s.dt.day_name}
    if grain in by_name:
        return by_name[grain]()
    if grain == "quarter of year":
        return ("Q" + s.dt.quarter.astype("Int64").astype("string")).where(s.notna())
    if grain == "hour":
        return s.dt.strftime("%H:00")
    if grain == "year":
        return s.dt.year
    return s.dt.to_period({"month": "M", "quarter": "Q", "week": "W", "day": "D"}[grain]).astype("string")


def interval_text(ci, scale=1, sign="", unit=""):
    if not ci:
        return ""
    if scale == 100:
        digits = 1 if ci[1] - ci[0] >= 0.005 else 2 if ci[1] - ci[0] >= 0.0005 else 3
        return f" (95 % CI {100 * ci[0]:.{digits}f}{sign} to {100 * ci[1]:.{digits}f}{sign}{unit})"
    low, high = ends_of(*ci)
    return f" (95 % CI {low}{sign} to {high}{sign}{unit})"


def ratio_of(rows):
    """The total of a formula's first column by that of its second, and the rows that have both."""
    pairs = rows[[one, two]].dropna().astype(float)
    below = pairs[two].sum()
    return float(pairs[one].sum() / below) if below else float("nan"), pairs


# A column that is hardly ever larger than what it is divided by is a part of it, and their ratio a percentage
is_part = bool(formula) and operation == "divided by" and (df[one] <= df[two])[df[made].notna()].mean() > 0.9


def by_groups(rows, kind):
    """The number of each group, or of each pair of two: value, interval, n; ordered as asked."""
    keys = [grouped(rows, *group) for group in ((by, grain), (also_by, also_grain)) if group[0]]
    found = {}
    for key, part in rows.groupby(keys, sort=True, observed=True):
        key = " · ".join(map(str, key)) if also_by else key[0]
        if kind == "count":
            found[key] = (float(len(part)), None, len(part))
        elif kind == "share":
            decided = (
                part[[f[0] for f in hits]].notna().all(axis=1)
                if not any(f[1] == "missing" for f in hits)
                else meets(part, [])
            )
            n = int(decided.sum())
            if n:
                found[key] = (*share_of(meets(part, hits).sum(), n), n)
        elif kind == "ratio":
            value, pairs = ratio_of(part)
            if np.isfinite(value):
                found[key] = (value, None, len(pairs))
        elif kind == "distinct":
            found[key] = (float(part[measure].nunique()), None, int(part[measure].count()))
        elif part[measure].notna().any():
            values = part[measure].dropna()
            found[key] = (single(values, kind), interval(values, kind), len(values))
    out = pd.DataFrame(
        {
            "value": [v for v, _, _ in found.values()],
            "ci": [c or () for _, c, _ in found.values()],
            "n": [n for _, _, n in found.values()],
        },
        index=pd.Index(list(found), dtype=object),
    )
    return out.sort_values("value", ascending=order == "lowest", kind="stable") if order else out


# %% [markdown] id="answer-06a"
# ## The answer

# %% id="answer-06b"
sentence, number_is, ci, n, groups, left, chart = "", None, None, len(chosen), None, 0, None
suffix = f" of the {len(chosen):,} rows where {told(where)}" if where else f" of all {len(df):,} rows"
condition = f" where {told(where)}" if where else ""
kind = aggregate
percent_kind = kind in ("share", "share of sum")
if kind in ("columns", "missing", "most missing"):
    gaps = (
        as_written.isna().sum() if whole is None else pd.Series({c: told["missing"] for c, told in whole.told.items()})
    )
    gaps = gaps.sort_values(ascending=False, kind="stable")
    number_is = float({"columns": first.shape[1], "missing": gaps.sum(), "most missing": gaps.iloc[0]}[kind])
    n = len(as_written)
    if kind == "columns":
        sentence = f"The table has {int(number_is):,} columns ({len(df):,} rows)."
    elif kind == "missing" or gaps.iloc[0] == 0:
        sentence = f"{int(gaps.sum()):,} values are missing in the table, in {(gaps > 0).sum():,} of its {len(gaps):,} columns."
    else:
        most = [c for c in gaps.index if gaps[c] == gaps.iloc[0]]
        sentence = f"{' and '.join(most)} {'has' if len(most) == 1 else 'have'} the most missing values: {int(gaps.iloc[0]):,} of {n:,} ({percent(gaps.iloc[0] / n, 1)})."
elif not len(chosen) and not having:
    counted = kind in ("count", "distinct") and not by
    sentence = f"{'0: no' if counted else 'No'} row of {len(df):,} is one where {told(where)}."
    number_is, n = (0.0, len(df)) if counted else (None, 0)
elif kind == "summary":
    values = chosen[measure].dropna().astype(float)
    left, n = len(chosen) - len(values), len(values)
    if n == 0:
        sentence = f"None of the {len(chosen):,} rows{condition} has a value of {called(measure)}."
    else:
        number_is, ci = single(values, "mean"), interval(values, "mean")
        quarters = [exact(single(values, f"quantile {q}")) for q in (0.25, 0.5, 0.75)]
        spread = f", standard deviation {exact(single(values, 'std'))}" if n > 1 else ""
        sentence = (
            f"{called(measure)[:1].upper() + called(measure)[1:]}{condition} is {exact(number_is)}{in_unit(measure)} (one row)."
            if n == 1
            else f"{called(measure)[:1].upper() + called(measure)[1:]} of {n:,} rows{condition}: mean {exact(number_is)}{in_unit(measure)}{interval_text(ci)}, median {quarters[1]}{spread}, quartiles {quarters[0]} and {quarters[2]}, from {exact(values.min())} to {exact(values.max())}."
        )
elif kind == "per":
    owned = chosen.dropna(subset=[c for c in (measure, other) if c])
    left, n, owners = len(chosen) - len(owned), len(owned), int(owned[other].nunique())
    over = f"{owners:,} different values of {called(other)}"
    if grain and n:  # also those in between that have no row
        steps = owned[other].dt.to_period(
            {"year": "Y", "quarter": "Q", "month": "M", "week": "W", "day": "D", "hour": "h"}[grain]
        )
        owners, met = (steps.max() - steps.min()).n + 1, steps.nunique()
        over = f"{owners:,} {grain}s from {steps.min()} to {steps.max()}"
        over += f", {owners - met:,} of them without a row" if met < owners else ""
    total = float(owned[measure].sum()) if measure else float(n)
    number_is = total / owners if owners else None
    what = f"{called(measure) if measure else 'Rows'} per {grain or called(other)}"
    told_as = f"a total of {exact(total)}{in_unit(measure)}" if measure else f"{n:,} rows"
    if owners:
        sentence = (
            f"{what[:1].upper() + what[1:]}{condition}: {exact(number_is)}{in_unit(measure) if measure else ''} on average, which is {told_as} over {over}"
            + (f" ({n:,} rows)." if measure else ".")
        )
    else:
        sentence = f"No row{condition} has both {called(measure)} and {called(other)}."
elif kind == "ratio" and not by:
    number_is, pairs = ratio_of(chosen)
    n, left = len(pairs), len(chosen) - len(pairs)
    if np.isfinite(number_is):
        own = chosen[measure].dropna()
        as_share = f" ({100 * number_is:.2f} %)" if is_part else ""
        sentence = f"{called(measure)[:1].upper() + called(measure)[1:]}{condition} is {exact(number_is)}{in_unit(measure)}{as_share}: a total of {exact(pairs[one].sum())}{in_unit(one)} by one of {exact(pairs[two].sum())}{in_unit(two)} (n = {n:,}). The mean of the rows' own ratios is {exact(own.mean())}."
    else:
        number_is = None
        sentence = f"{called(one)} and {called(two)} stand together in {n:,} rows{condition}, and the second adds up to nothing."
elif kind == "change":
    sides = [chosen[is_in_time(chosen[by], "in", when)] for when in periods]
    numbers = [
        float(len(s)) if other == "count" else single(s[measure].dropna(), other) if s[measure].notna().any() else None
        for s in sides
    ]
    n, left = sum(map(len, sides)), int(sum(s[measure].isna().sum() for s in sides)) if measure else 0
    what = (
        f"{NAMES[other]}{' of ' if other == 'count' and measure else ' '}{called(measure) if measure else ''}".strip()
    )
    if None in numbers or not all(map(len, sides)):
        empty = [when for when, s in zip(periods, sides, strict=True) if not len(s)] or periods
        sentence = f"There is no value in {' or '.join(empty)}{condition}, so there is no change to tell."
    else:
        number_is = numbers[1] - numbers[0]
        unit = in_unit(measure) if measure else ""
        relative = f" ({signed(100 * number_is / abs(numbers[0]), 2)} %)" if numbers[0] else ""
        number_is = 100 * number_is / abs(numbers[0]) if numbers[0] else number_is
        direction = "did not change" if numbers[0] == numbers[1] else "rose" if numbers[1] > numbers[0] else "fell"
        sentence = f"The {what}{condition} {direction} from {exact(numbers[0])}{unit} in {periods[0]} to {exact(numbers[1])}{unit} in {periods[1]}, by {exact(abs(numbers[1] - numbers[0]))}{unit}{relative}; n = {len(sides[0]):,} and {len(sides[1]):,}."
        span = [df[by].min(), df[by].max()]
        ends = [pd.Period(p.replace("-Q", "Q")) for p in periods]
        slack = pd.Timedelta(days=2) if ends[0].freqstr[0] in "QYA" else pd.Timedelta(days=1)
        short_of = [
            p
            for p, e in zip(periods, ends, strict=True)
            if span[0] > e.start_time + slack or span[1] < e.end_time - slack
        ]
        if short_of:
            sentence += f" The table runs from {exact(span[0].normalize())} to {exact(span[1].normalize())}, so {' and '.join(short_of)} may not be whole."
elif kind == "count" and not by:
    number_is, n = float(len(chosen)), len(df)
    sentence = f"{len(chosen):,} rows{condition}" + (
        f", of {len(df):,} ({percent(len(chosen) / len(df), 1)})." if where else " are in the table."
    )
elif kind == "distinct":
    values = grouped(chosen, measure, grain).dropna() if grain else chosen[measure].dropna()
    levels = values.value_counts()
    number_is, n, left = float(len(levels)), len(values), int(chosen[measure].isna().sum())
    listed = f": {', '.join(map(str, sorted(levels.index, key=str)))}" if len(levels) <= 12 else ""
    sentence = f"{len(levels):,} different values of {grain or called(measure)} in {n:,} rows{condition}{listed}."
elif kind == "share of sum" and not by:
    hit = meets(chosen, hits)
    part, whole = float(chosen.loc[hit, measure].sum()), float(chosen[measure].sum())
    left = int(chosen[measure].isna().sum())
    number_is = part / whole
    sentence = f"{100 * number_is:.2f} % of the total {called(measure)} is that of the {int(hit.sum()):,} rows where {told(hits)}: {exact(part)} of {exact(whole)}{in_unit(measure)}."
elif kind == "share" and not by:
    decided = chosen if any(f[1] == "missing" for f in hits) else chosen.dropna(subset=[f[0] for f in hits])
    hit, n, left = int(meets(decided, hits).sum()), len(decided), len(chosen) - len(decided)
    if n:
        number_is, ci = share_of(hit, n)
        sentence = f"{100 * number_is:.2f} %{interval_text(ci, 100, ' %')} of the {n:,} rows{condition}: in {hit:,} of them {told(hits)}."
    else:
        sentence = f"None of the {len(chosen):,} rows{condition} has a value of {called(hits[0][0])}."
elif kind == "correlation":
    pairs = chosen[[measure, other]].dropna().astype(float)
    n, left = len(pairs), len(chosen) - len(pairs)
    if n >= 4 and pairs.std().gt(0).all():
        r = stats.pearsonr(pairs[measure], pairs[other])
        number_is, ci = float(r.statistic), list(map(float, r.confidence_interval()))
        rho = float(stats.spearmanr(pairs[measure], pairs[other]).statistic)
        sentence = f"The correlation of {called(measure)} and {called(other)} is r = {signed(number_is, decimals(ci, 3))} (95 % CI {from_to(ci, 3)}; by rank ρ = {signed(rho, 3)}; {len(chosen):,} rows{condition})."
    else:
        sentence = f"{called(measure)} and {called(other)} stand together in {n} rows{condition}, too few or too much alike for a correlation."
elif kind in ("difference", "quotient"):
    levels = next(v for c, op, v in where if c == by and op == "in")
    rows_of = [chosen[meets(chosen, [[by, "=", level]])] for level in levels]
    sides = [(r[measure].dropna() if measure else pd.Series(1, r.index)).astype(float) for r in rows_of]
    left, n = int(chosen[measure].isna().sum()) if measure else 0, sum(map(len, sides))
    what = f"{NAMES[other]} {called(measure)}" if measure else NAMES[other]
    if min(map(len, sides)) >= (1 if other in ("sum", "count") else 2):
        higher, lower = (single(s, "sum" if other == "count" else other) for s in sides)
        number_is = higher - lower
        if other == "mean":
            ci = list(map(float, stats.ttest_ind(*sides, equal_var=False).confidence_interval()))
        unit = in_unit(measure) if measure else ""
        held = (number_is > 0) == (order == "highest") and number_is != 0
        if kind == "quotient":
            number_is, ci = higher / lower if lower else None, None
        elif number_is < 0:  # told from the higher side
            levels, sides, higher, lower = levels[::-1], sides[::-1], lower, higher
            number_is, ci = -number_is, None if ci is None else [-ci[1], -ci[0]]
        sizes_of = [f" ({len(s):,} rows)" if measure else "" for s in sides]
        against = f"{exact(higher)}{sizes_of[0]} against {exact(lower)}{sizes_of[1]}."
        if kind == "difference":
            sentence = f"The {what} is {exact(number_is)}{unit} higher for {levels[0]} than for {levels[1]}{interval_text(ci, unit=unit)}: {against}"
        else:
            shown = exact(number_is) if lower else "not to be told"
            sentence = f"The ratio of the {what} for {levels[0]} to that for {levels[1]} is {shown}: {against}"
        if order:  # the question takes one side to be higher
            clear = ci is None or ci[0] > 0 or ci[1] < 0
            sure = "" if clear else ", but not clearly, since the interval holds 0"
            sentence = f"{'Yes' if held else 'No'}{sure}: t{sentence[1:]}"
    else:
        sentence = f"One of the two groups has too few values{f' of {called(measure)}' if measure else ''}, so there is nothing to compare."
elif kind == "row":
    rows = chosen.dropna(subset=[measure]).sort_values(measure, ascending=order == "lowest", kind="stable")
    left, n = len(chosen) - len(rows), len(rows)
    limit_at = rows[measure].iloc[min(max(limit, place), n) - 1] if n else None
    beyond = rows[measure] >= limit_at if order == "highest" else rows[measure] <= limit_at
    rows = rows[rows[measure] == limit_at if place else beyond]
    ties = int((rows[measure] == limit_at).sum()) if len(rows) > limit else 0
    shown_rows = [
        f"{exact(v) if isinstance(v, pd.Timestamp) else v} ({exact(m)}{in_unit(measure)})"
        for v, m in zip(rows[named_by][: limit + 8], rows[measure][: limit + 8], strict=True)
    ]
    number_is = float(rows[measure].iloc[0]) if n else None
    ranked = f"The {order} {called(measure)}" + (f" in place {place}" if place else "")
    sentence = f"{ranked}{condition}: {'; '.join(shown_rows)}, of {n:,} rows."
    sentence += f" {ties:,} rows share the last place." if ties > 0 else ""
elif having:
    # Conditions on what is always the same within a group say which groups are meant, all others which rows are counted
    steady = [f for f in where if df.groupby(by)[f[0]].nunique().max() <= 1]
    groups = by_groups(chosen, kind)
    adds_up = kind in ("count", "sum", "distinct")
    if adds_up and not grain:
        meant = pd.Index(df.loc[meets(df, steady), by].dropna().unique())
        groups = groups.reindex(meant).assign(
            value=lambda g: g["value"].fillna(0), n=lambda g: g["n"].fillna(0).astype(int)
        )
        groups["ci"] = [()] * len(groups)
    known = read_once(everyone[0]) if everyone and not grain else pd.DataFrame()
    all_known = everyone and all(f[0] in known for f in steady if f[0] != by)
    if adds_up and all_known:
        known = known[meets(known, [f for f in steady if f[0] != by])][everyone[1]].dropna().drop_duplicates()
        none_of = known[~keyed(known).isin(keyed(df[by]))]
        groups = pd.concat(
            [groups, pd.DataFrame({"value": 0.0, "ci": [()] * len(none_of), "n": 0}, index=pd.Index(none_of))]
        )
    held = np.logical_and.reduce(
        [
            {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "=": np.equal}[op](
                groups["value"], bound
            )
            for op, bound in having
        ]
    )
    of_all, groups = len(groups), groups[held].sort_values("value", ascending=False, kind="stable")
    groups.index = groups.index.map(str)
    number_is, n, left, name_of = float(len(groups)), len(chosen), 0, called(by)
    what = f"{NAMES[kind]}{' ' + called(measure) if measure else ''}"
    bounds = " and ".join(f"{COMPARED[op].removeprefix('is ').replace('is', 'of')} {bound:g}" for op, bound in having)
    sentence = f"{len(groups):,} of {of_all:,} different values of {called(by)}"
    sentence += f" ({percent(len(groups) / of_all, 2)})" if of_all else ""
    sentence += f" have a {what} {bounds}{condition}"
    if 0 < len(groups) <= 20:
        sentence += ": " + "; ".join(
            str(k) if not v else f"{k} ({exact(v)}{in_unit(measure) if measure else ''})"
            for k, v in groups["value"].items()
        )
    sentence += "."
    if adds_up and not all_known and not grain and having[0][0] in ("<", "<=", "="):
        sentence += " Those without a row in the table are not known."
elif by:
    groups = by_groups(chosen, "sum" if kind == "share of sum" else kind)
    if kind == "share of sum":
        groups["value"], groups["ci"] = groups["value"] / chosen[measure].sum(), [()] * len(groups)
    missing_group = int(grouped(chosen, by, grain).isna().sum())
    left = int(chosen[measure].isna().sum()) if measure else 0
    scale, sign = (100, " %") if percent_kind else (1, in_unit(measure) if measure else "")

    def shown_as(x):
        in_percent = percent_kind or (kind == "ratio" and is_part)
        return f"{100 * x:.2f} %" if in_percent else f"{exact(x)}{sign}"

    NAMES |= {"min": "single", "max": "single"} if limit else {}
    what = f"{'share of the total ' + called(measure) if kind == 'share of sum' else 'share of rows where ' + told(hits) if percent_kind else called(measure) if kind == 'ratio' else NAMES.get(kind, f'quantile at {kind.split()[-1]} of') + (' ' + called(measure) if measure else '')}"
    name_of = grain or called(by)
    if also_by:
        name_of = f"{name_of} and {also_grain or called(also_by)}"
    n = int(groups["n"].sum())
    if not len(groups):
        sentence = f"No {name_of} has a value of {called(measure or by)}."
    elif limit:
        ordered = list(groups.itertuples())
        last = ordered[min(max(limit, place), len(ordered)) - 1].value
        top = [g for g in ordered if (g.value >= last if order == "highest" else g.value <= last)]
        top = [g for g in top if g.value == last] if place else top
        lines = [
            f"{g.Index} ({shown_as(g.value)}{interval_text(g.ci, scale)[:-1].replace(' (', ', ') if g.ci else ''}{'' if kind == 'count' else f', n = {g.n:,}'})"
            for g in top[: limit + 8]
        ]
        number_is, ci = float(top[0].value), top[0].ci or None
        head = (
            f"{name_of[:1].upper() + name_of[1:]} with the {order} {what}{f' in place {place}' if place else ''}"
            if limit == 1
            else f"The {limit} with the {order} {what} by {name_of}"
        )
        sentence = f"{head}{condition}, of {len(ordered):,}: {'; '.join(lines)}."
        rest = [] if place else ordered[len(top) :]
        if rest and limit == 1:
            sentence += f" Next is {rest[0].Index} with {shown_as(rest[0].value)}."
        if len(top) > limit:
            sentence += f" {sum(g.value == last for g in top):,} share the last place."
        if kind == "mean" and len(top) == 1 and rest and min(top[0].n, rest[0].n) >= 2:
            keys = grouped(chosen, by, grain).astype(str)
            if also_by:
                keys = keys + " · " + grouped(chosen, also_by, also_grain).astype(str)
            pair = [chosen.loc[keys == str(g.Index), measure].dropna().astype(float) for g in (top[0], rest[0])]
            apart = (
                stats.ttest_ind(*pair, equal_var=False).confidence_interval()
                if max(p.std() for p in pair) > 0
                else None
            )
            if apart is not None and apart.low <= 0 <= apart.high:
                sentence += f" The first two are not clearly apart: their difference may be {' to '.join(ends_of(*map(float, apart)))}{sign} (95 % CI)."
        single_kinds = {"sum": "mean", "mean": "max"}
        if any("does not say which" in note for note in notes) and kind in single_kinds and len(groups) > 1:
            rival = by_groups(chosen, single_kinds[kind])
            if len(top) == 1 and rival.index[0] != top[0].Index:
                what_else = "the mean" if kind == "sum" else f"the {order} single value"
                rival = by_groups(chosen, "min" if kind == "mean" and order == "lowest" else single_kinds[kind])
                if rival.index[0] != top[0].Index:
                    sentence += f" By {what_else} it would be {rival.index[0]} ({exact(rival['value'].iloc[0])}{sign})."
        if grain in ("month of year", "quarter of year"):
            whole_grain, grain = grain, grain.split()[0]
            one = by_groups(chosen, kind)
            sentence += (
                f" The single {grain} with the {order} {what} is {one.index[0]} ({shown_as(one['value'].iloc[0])})."
            )
            grain = whole_grain
    else:
        ends = len(groups) > (
            24 if grain == "hour" and not order else 12
        )  # too many for a sentence; a day has an order
        ranked = groups.sort_values("value", ascending=False, kind="stable")
        lines = [
            f"{g.Index} {shown_as(g.value)}{'' if kind == 'count' else f' (n = {g.n:,})'}"
            for g in (pd.concat([ranked.head(3), ranked.tail(2)]) if ends else groups).itertuples()
        ]
        if ends:
            lines = [
                f"highest {lines[0]}",
                *lines[1:3],
                f"lowest {lines[4]}",
                f"{lines[3]}; the table has all {len(groups):,}",
            ]
        sentence = f"{what[:1].upper() + what[1:]} by {name_of}{condition}: {'; '.join(lines)}."
        if any(c == by and op == "in" for c, op, _ in where) and kind in (
            "mean",
            "median",
            "sum",
            "count",
            "share",
        ):
            if kind == "count":
                sentence += f" Together {len(chosen):,}."
            elif kind == "share":
                decided = chosen.dropna(subset=[f[0] for f in hits])
                sentence += f" Together {shown_as(meets(decided, hits).mean())} (n = {len(decided):,})."
            else:
                sentence += (
                    f" Together {shown_as(single(chosen[measure].dropna(), kind))} (n = {chosen[measure].count():,})."
                )
    if missing_group:
        sentence += f" {missing_group:,} rows have no {called(by)} and are left out."
else:
    values = chosen[measure].dropna()
    n, left = len(values), len(chosen) - len(values)
    if n == 0:
        sentence = f"None of the {len(chosen):,} rows{condition} has a value of {called(measure)}."
    else:
        values = values.astype(float) if pd.api.types.is_bool_dtype(values) else values
        number_is, ci = single(values, kind), interval(values, kind)
        name_of = NAMES.get(kind, f"quantile at {kind.split()[-1]} of")
        sentence = (
            f"The {name_of} {called(measure)}{suffix} is {exact(number_is)}{in_unit(measure)}{interval_text(ci)}."
        )
        at = int((values == number_is).sum()) if kind in ("min", "max") else 0
        sentence += f" {at:,} rows share it." if at > 1 else ""
if left and kind != "count":
    sentence += f" {left:,} {'row has' if left == 1 else 'rows have'} no value there and {'is' if left == 1 else 'are'} left out."
sentence = " ".join([sentence, *notes])
if groups is not None and also_by and len(groups):
    pairs_of = pd.MultiIndex.from_tuples([str(k).split(" · ", 1) for k in groups.index])
    wide = pd.Series(groups["value"].to_numpy(), pairs_of).unstack()
    display(wide.reindex(index=pairs_of.levels[0], columns=pairs_of.levels[1]))
elif groups is not None:
    display(groups.head(50))
elif kind in ("row", "min", "max") and number_is is not None and whole is None:
    display(first.loc[chosen.index[chosen[measure] == number_is]].head())
print(sentence)

# %% [markdown] id="answer-07"
# ## What to keep in mind, and a chart

# %% id="answer-08"
caveats = []
if unknown and kind not in ("columns", "missing", "most missing") and not (kind == "share" and left):
    known_of = " or ".join(sorted(called(c) for c in told_of if df[c].isna().any()))
    caveats.append(f"{unknown:,} rows have no {known_of}, so they are not among those that are meant.")
caveats += [f"Before that, {line}" for line in table.log]
copies = int(as_written.duplicated().sum()) if whole is None else 0
if copies and kind not in ("columns", "most missing", "distinct", "min", "max", "range", "row"):
    caveats.append(f"{copies:,} rows of the file repeat another in every column, and each is counted here.")
if ci is not None:
    caveats.append("The interval takes the rows for an independent sample of what they stand for.")
sizes = {
    "count": ("count", number_is),
    "distinct": ("count", number_is),
    "correlation": ("pearson_r", number_is),
    "difference": ("mean_diff", number_is),
}
size = sizes.get(kind) if not by or kind == "difference" else None
if size and kind == "difference" and other != "mean":
    size = None
plain = number_is if not isinstance(number_is, pd.Timestamp) else exact(number_is)
report(
    "descriptive",
    "answer",
    sentence,
    used,
    roles={"outcome": measure} | ({"factor": by} if by else {}) if measure in first else {},
    effect=effect(size[0], size[1], ci) if size and size[1] is not None else None,
    n=n,
    params={
        "question": question,
        "aggregate": aggregate,
        "value": plain,
        "ci": ci,
        "groups": {str(g.Index): g.value for g in groups.head(20).itertuples()} if groups is not None else {},
    },
    caveats=[" ".join(caveats)] if caveats else [],
    confidence="high",
    of_all_rows=whole is not None,
)
if groups is not None and len(groups) > 1 and not having:
    shown = groups.head(24 if also_by or grain else 12)[::-1] * 1
    shown = shown.sort_index(ascending=False) if grain == "hour" and not also_by else shown
    scale = 100 if percent_kind else 1
    # A bar stands for all that it is as long as; what only has a place, such as a mean, is a dot with its interval
    dots = kind not in ("sum", "count", "share", "share of sum", "distinct")
    fig, ax = figure(question or "The answer", height=1.6 + 0.42 * len(shown))
    firsts = list(groups.index[: max(limit, 0)])
    for i, g in enumerate(shown.itertuples()):
        colour = COLOURS[0] if g.Index in firsts or not limit else "#6b7682"
        if dots:
            ax.plot(g.value * scale, i, "o", color=colour, ms=9)
        else:
            ax.barh(i, g.value * scale, color=colour if colour == COLOURS[0] else "#9AA5B1")
        if g.ci:
            ax.plot(
                [g.ci[0] * scale, g.ci[1] * scale], [i, i], color=colour if dots else "black", lw=2.4 if dots else 1.6
            )
        end = max(g.value, g.ci[1] if g.ci else g.value) * scale
        ax.text(
            end if dots else max(end, 0),
            i,
            f"  {f'{100 * g.value:.1f} %' if percent_kind else number(g.value)}",
            va="center",
        )
    ax.set_yticks(range(len(shown)), [short(k) for k in shown.index])
    ax.set_xlabel(
        f"{what[:60]}{' (%)' if percent_kind else ''}"
        if not measure
        else f"{NAMES.get(kind, kind).capitalize()} of {on_axis(measure)}"
    )
    ax.margins(x=0.24)
    ax.set_ylim(-0.6, len(shown) - 0.4)
    ax.grid(axis="y", visible=False)
    show(fig, f"{'Dots' if dots else 'Bars'}: {what} by {name_of}; lines are 95 % intervals")
elif kind in ("mean", "median", "summary") and number_is is not None and n >= 8:
    fig, ax = figure(question or "The answer", height=3.4)
    ax.hist(values.astype(float), bins=min(40, max(8, int(n**0.5))), color="#9AA5B1")
    ax.axvline(number_is, color=COLOURS[1], lw=2.5)
    if ci is not None:
        ax.axvspan(*ci, color=COLOURS[1], alpha=0.2, lw=0)
    ax.annotate(
        f" {'mean' if kind == 'summary' else kind} {exact(number_is)}",
        (number_is, 0.97),
        xycoords=("data", "axes fraction"),
        color=COLOURS[1],
        va="top",
        fontweight="bold",
    )
    ax.set_xlabel(on_axis(measure))
    ax.set_ylabel("rows")
    show(fig, f"Histogram of {called(measure)} with its {kind}; the band is its 95 % interval")
elif kind == "share" and number_is is not None:
    fig, ax = figure(question or "The answer", height=1.9)
    ax.barh([0], [100], color="#dfe3e8")
    ax.barh([0], [100 * number_is], color=COLOURS[0])
    if ci is not None:
        ax.plot([100 * ci[0], 100 * ci[1]], [0, 0], color="black", lw=1.6)
    ax.text(
        min(100 * max(number_is, ci[1]) + 1, 86),
        0,
        f"{100 * number_is:.1f} %",
        va="center",
        fontweight="bold",
    )
    ax.set_yticks([])
    ax.set_xlim(0, 100)
    ax.set_xlabel(f"rows (%) where {told(hits)}")
    show(fig, "Bar: the share; the line is its 95 % interval")
elif kind == "correlation" and number_is is not None:
    fig, ax = figure(question or "The answer", height=4)
    dots = pairs.iloc[:: max(1, len(pairs) // 3000)]
    ax.scatter(dots[measure], dots[other], s=14, alpha=0.5, color=COLOURS[0], lw=0)
    ax.set_xlabel(on_axis(measure))
    ax.set_ylabel(on_axis(other))
    ax.set_title(f"r = {signed(number_is, 3)}, n = {n:,}", loc="left")
    show(fig, f"Points: {called(other)} against {called(measure)}")
elif kind == "difference" and number_is is not None and measure:
    fig, ax = figure(question or "The answer", height=2.6)
    for i, s in enumerate(sides):
        around = interval(s, other) or [single(s, other)] * 2
        ax.plot(around, [i, i], color=COLOURS[i], lw=2)
        ax.plot(single(s, other), i, "o", color=COLOURS[i], ms=9)
        ax.annotate(
            f"{exact(single(s, other))}",
            (single(s, other), i),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center",
        )
    ax.set_yticks(range(2), [str(v) for v in levels])
    ax.set_ylim(-0.6, 1.8)
    ax.margins(x=0.25)
    ax.set_xlabel(f"{NAMES[other].capitalize()} of {on_axis(measure)}, 95 % interval")
    show(fig, f"Points: {other} {called(measure)} of both groups with 95 % intervals")
