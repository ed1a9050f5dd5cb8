"""Columns that no test should use: constants, identifiers, copies, and sums of others."""

import re
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import is_text, names, tells_times
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.table import Table, trap
from notebooks.toolkit.wording import number, say

_FUNCTIONS: dict[str, Any] = {
    "the square of": np.square,
    "the square root of": np.sqrt,
    "the natural logarithm of": np.log,
    "the logarithm to base 10 of": np.log10,
    "the logarithm of one more than": np.log1p,
    "the reciprocal of": np.reciprocal,
}
"""What an analyst adds a column by, and that tells nothing new: a relation with it would be one with itself."""


_OTHERWISE = re.compile(
    "per|rate|ratio|share|p(er)?ct|percent|mean|avg|average|median|min|max|log|before|previous|prior|last|lag|first|at|"
    "birth|start|initial|base(line)?|pre|old|early"
)
"""Words of a name that say that a number is no part of another: it was measured earlier, or is a rate."""


def _nearly_one(df: pd.DataFrame, numbers: list[str]) -> list[str]:
    """Columns that go with another almost perfectly, each pair in the rows that have both, with a margin of safety."""
    values = df[numbers].to_numpy(dtype=float)
    finite = np.isfinite(values)
    there = finite.astype(float)
    with np.errstate(all="ignore"):
        middles, spreads = np.mean(values, axis=0, where=finite), np.std(values, axis=0, where=finite)
        scaled = np.where(finite, (values - middles) / spreads, 0.0)
        count = there.T @ there
        sums, squares = scaled.T @ there, (scaled**2).T @ there
        spread = squares - sums**2 / count
        spread[spread < 1e-6 * squares] = np.nan  # too little is left to count with
        r = np.abs(scaled.T @ scaled - sums * sums.T / count) / np.sqrt(spread * spread.T)
    np.fill_diagonal(r, 0)
    return [name for name, column in zip(numbers, r, strict=True) if not (column <= 0.999).all()]


def _are_units(table: Table, name: str) -> bool:
    """Whether whole numbers from 0 or 1 on, none left out, say who was measured: at least two other columns have one
    value for each of them, and not in its order (as bands of ages would). Or each was measured once at each time."""
    df, levels = table.df, table.levels(name)
    known = df[name].dropna()
    times = [c for c in names(df) if c != name and levels >= 10 and tells_times(c) and not tells_times(name)]
    if any(levels * table.levels(t) == len(df) and not df.duplicated(subset=[name, t]).any() for t in times):
        return True
    if not 20 <= levels <= len(df) / 2 or known.min() not in (0, 1) or known.max() - known.min() != levels - 1:
        return False
    told = 0
    for other in (c for c in names(df) if c != name and 2 <= table.levels(c) <= len(df) / 2):
        pairs = df[[name, other]].dropna().drop_duplicates()
        if len(pairs) <= levels:
            steps = np.diff(pd.factorize(pairs.sort_values(name)[other], sort=True)[0])
            both_ways = (steps > 0).any() and (steps < 0).any()
            told += int(
                both_ways and (np.sum(steps != 0) >= 1.5 * table.levels(other) or table.levels(other) > levels / 2)
            )
    return told >= 2


def _in_one_order(table: Table, a: str, b: str) -> bool:
    """Whether each value of a number goes with one of another, in its order or against it, as with its logarithm; of
    values that come back, since two that grow over the same time are in one order, too."""
    levels = table.levels(a)
    if levels != table.levels(b) or not 10 <= levels <= 0.5 * len(table.df) or tells_times(a) or tells_times(b):
        return False
    pairs = table.df[[a, b]].dropna().drop_duplicates().sort_values(a)
    return len(pairs) == levels and (pairs[b].is_monotonic_increasing or pairs[b].is_monotonic_decreasing)


def _leave_out(table: Table) -> None:
    """Mark constants, identifiers and copies of an earlier column."""
    df, n = table.df, len(table.df)
    r: Any
    for name in table.of("number"):
        if (df[name].dropna() % 1 == 0).all() and _are_units(table, name):
            table.kinds[name] = "identifier"
    for name in names(df):
        kind = table.kind(name)
        if kind == "constant":
            often = df[name].mode()
            text = f"{say(name)} is empty" if often.empty else f"{say(name)} is {often.iloc[0]} in "
            others = 0 if often.empty else int((df[name] != often.iloc[0]).sum())
            text += "" if often.empty else f"all but {others:,} of {n:,} rows" if others else f"all {n:,} rows"
            table.traps.append(trap("constant_column", f"{text}: it can explain nothing.", [name], n, high=True))
        elif kind == "identifier" and not is_text(df[name]) and list(df[name]) in ([*range(n)], [*range(1, n + 1)]):
            table.left_out[name] = "the rows' own numbers"
        elif kind == "identifier" and df[name].dropna().is_unique:
            text = f"{say(name)} differs in every row, as an identifier does: it is left out of all tests."
            table.traps.append(trap("identifier_column", text, [name], n))
        if kind in ("constant", "identifier", "text"):
            table.left_out.setdefault(name, kind)
    numbers = table.of("number")
    r = df[_nearly_one(df, numbers)].corr(min_periods=20).abs() if n >= 20 and len(numbers) > 1 else pd.DataFrame()
    for i, b in enumerate(numbers):
        near = [a for a in numbers[:i] if a not in table.left_out]
        twin = next((a for a in near if a in r and b in r and r.loc[a, b] > 0.9995), None)
        twin = twin or next((a for a in near if _in_one_order(table, a, b)), None)
        near = [a for a in near if n >= 5 and df[a].iloc[:50].equals(df[b].iloc[:50])]
        same = next((a for a in near if df[a].equals(df[b])), None)
        if same is not None:
            text = f"{say(b)} is the same as {say(same)} in every row: only {say(same)} is tested."
            table.traps.append(trap("redundant_columns", text, [same, b], n, effect("pearson_r", 1.0), high=True))
            table.left_out[b] = f"copy of {same}"
        elif twin is not None:
            one, other = (say(c) if say(b) != say(twin) else c for c in (b, twin))
            close = abs(float(df[twin].corr(df[b])))
            text = f"{one} carries the same information as {other} (r = {close:.4f}): "
            table.traps.append(
                trap(
                    "redundant_columns",
                    text + "only the first is tested.",
                    [twin, b],
                    n,
                    effect("pearson_r", close),
                )
            )
            table.left_out[b] = f"copy of {twin}"
    _leave_functions_out(table)
    texts = [c for c in names(df) if is_text(df[c]) and 3 <= table.levels(c) <= n / 2]
    for b in table.of("number"):
        alike = [a for a in texts if table.levels(a) == table.levels(b)]
        twin = next((a for a in alike if len(df[[a, b]].dropna().drop_duplicates()) == table.levels(b)), None)
        if twin is not None:
            table.left_out[b] = f"{'code' if table.levels(b) >= 10 else 'copy'} of {twin}"
    categories = [c for c in table.of("category") if 2 <= table.levels(c) <= 200]
    for i, b in enumerate(categories):
        for a in (c for c in categories[:i] if c not in table.left_out and table.levels(c) == table.levels(b)):
            if n >= 20 and len(df[[a, b]].dropna().drop_duplicates()) == table.levels(a):
                text = f"{say(b)} says the same as {say(a)} in other words: only {say(a)} is tested."
                table.traps.append(trap("redundant_columns", text, [a, b], n))
                table.left_out[b] = f"copy of {a}"
                break
    for b in (c for c in categories if table.levels(c) == 2 and c not in table.left_out and n >= 20):
        for a in (c for c in categories if 3 <= table.levels(c) <= 8 and c not in table.left_out):
            each = df[[a, b]].dropna().drop_duplicates()
            if len(each) == table.levels(a) and (alone := each[b].value_counts()).min() == 1:
                level = each.loc[each[b] == alone.index[-1], a].iloc[0]
                text = f"{say(b)} only says whether {say(a)} is {level}: only {say(a)} is tested."
                table.traps.append(trap("redundant_columns", text, [a, b], n))
                table.left_out[b] = f"copy of {a}"
                break


def _leave_functions_out(table: Table) -> None:
    """Mark a column that is another one's square, root, logarithm or reciprocal in every row."""
    numbers = [c for c in table.of("number") if table.levels(c) > 10]
    values = table.df[numbers].to_numpy(dtype=float)
    for said, function in _FUNCTIONS.items() if len(values) >= 20 else ():
        with np.errstate(all="ignore"):
            made = function(np.where(values >= 0, values, np.nan))  # below zero a square tells less than its root
        alike = np.isclose(made[:50, :, None], values[:50, None, :], rtol=1e-3, equal_nan=True).all(axis=0)
        for a, b in ((numbers[i], numbers[j]) for i, j in np.argwhere(alike) if i != j):
            whole = np.allclose(made[:, numbers.index(a)], values[:, numbers.index(b)], rtol=1e-3, equal_nan=True)
            if whole and not {a, b} & set(table.left_out):
                text = f"{say(b)} is {said} {say(a)} and carries the same information: only {say(a)} is tested."
                table.traps.append(trap("redundant_columns", text, [a, b], len(values)))
                table.left_out[b] = f"copy of {a}"


def _leave_cuts_out(table: Table) -> None:
    """Mark a column of two levels that only says which values of a number are high: each value has one level of it.

    Two kinds of things may lie apart by nature, too; then there is a gap between them, and a cut leaves none.
    """
    df, numbers = table.df, [c for c in table.of("number") if table.levels(c) >= 3]
    for two in [c for c in table.of("number", "category") if table.levels(c) == 2]:
        for scale in [c for c in numbers if c not in table.left_out and c != two and len(df) >= 50]:
            rows = df[[scale, two]].dropna()
            each = rows.drop_duplicates().sort_values(scale)
            ends = np.flatnonzero((each[two] != each[two].shift()).to_numpy()[1:])
            if len(each) != rows[scale].nunique() or len(ends) != 1 or rows[two].value_counts().min() < 5:
                continue
            steps = np.diff(each[scale].to_numpy(dtype=float))
            near = steps[max(0, ends[0] - 10) : ends[0] + 11]
            if len(each) > 10 and steps[ends[0]] > 3 * np.median(near):
                continue
            sides = ""
            if len(each) > 10:
                low, high = (number(each[scale].iloc[ends[0] + k]) for k in (0, 1))
                sides = f", {each[two].iloc[0]} up to {low} and {each[two].iloc[-1]} from {high} on"
            text = f"{say(two)} only says which values of {say(scale)} are high{sides}: only {say(scale)} is tested."
            table.traps.append(trap("redundant_columns", text, [scale, two], len(rows)))
            table.left_out[two] = f"copy of {scale}"
            break


def _adds_up(turned: dict[str, Any], whole: str, columns: list[str]) -> bool:
    """Whether a column grows with each of the others that make it up."""
    base = np.column_stack([turned[c] for c in columns if c != whole])
    return bool((np.linalg.lstsq(base, turned[whole], rcond=None)[0] > 0).all())


def computed_within(df: pd.DataFrame, numbers: list[str], groups: list[str]) -> dict[str, tuple[str, str]]:
    """Columns that another makes in each group, by a rate of the group's own: a fare, of the minutes for each tariff.

    Each with the column that makes it and the groups' column. In every group of at least 20 rows it is a straight line
    of the other, in all but rounding and one row in fifty, or the same throughout, as it is in at least one: without
    that, it could be the other in another unit.
    """
    rows = df[[*dict.fromkeys([*numbers, *groups])]].dropna()
    rows = rows.iloc[:: max(1, len(rows) // 4000)]
    found = dict[str, tuple[str, str]]()
    for by in groups if len(numbers) > 1 else ():
        parts = [part[numbers] for _, part in rows.groupby(by, observed=True) if len(part) >= 20]
        if sum(map(len, parts)) < max(50, 0.9 * len(rows)) or not 2 <= len(parts) <= 10:
            continue
        still = [part.nunique() == 1 for part in parts]
        varied = [c for c in numbers if c != by and not any(one[c] for one in still)]
        for made in (c for c in numbers if c not in (by, *varied) and not all(one[c] for one in still)):
            lines = [part for part, same in zip(parts, still, strict=True) if not same[made]]
            near = [part[varied].corrwith(part[made], method="spearman").abs() > 0.9 for part in lines]
            for of in (c for c in varied if all(one[c] for one in near)):
                if all(_is_line(part[of].to_numpy(float), part[made].to_numpy(float)) for part in lines):
                    found.setdefault(made, (of, by))
    return found


def parts_by_name(df: pd.DataFrame, whole: str, numbers: list[str]) -> dict[str, str]:
    """Numbers that are a part of one, or that it is a part of, with why: the words of the one name are among those of
    the other, and it is the larger in every row: drivers, and drivers killed."""

    def words(name: str) -> set[str]:
        apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
        return {w.removesuffix("s") for w in re.split(r"[^a-z0-9]+", apart) if w}

    found, mine = dict[str, str](), words(whole)
    for name in (c for c in numbers if c != whole):
        theirs, both = words(name), df[[name, whole]].dropna().astype(float)
        if (
            mine == theirs
            or not mine
            or any(map(_OTHERWISE.fullmatch, theirs ^ mine))
            or len(both) < 20
            or bool((both < 0).any(axis=None))
        ):
            continue
        low, high = ((name, whole) if mine < theirs else (whole, name)) if mine < theirs or theirs < mine else ("", "")
        if low and (both[low] <= both[high]).all() and both[low].mean() < 0.95 * both[high].mean():
            found[name] = f"it is a part of {whole}" if low == name else f"{whole} is a part of it"
    return found


def _is_line(x: Any, y: Any) -> bool:
    """Whether y is a straight line of x in all but rounding and one row in fifty, which may be codes or slips."""
    low, high = np.quantile(x, [0.1, 0.9])
    middle = (x >= low) & (x <= high)
    if high == low or middle.sum() < 10:
        return False
    line = np.polyfit(x[middle], y[middle], 1)
    return bool(np.mean(np.abs(y - np.polyval(line, x)) <= 0.005 * np.ptp(y[middle])) >= 0.98)


def _leave_computed_out(table: Table) -> None:
    """Mark a column that another makes within each group."""
    groups = [c for c in table.of("category", "number") if 2 <= table.levels(c) <= 10]
    numbers = [c for c in table.of("number") if table.levels(c) > 10 and table.df[c].notna().mean() > 0.8]
    for made, (of, by) in computed_within(table.df, numbers, groups).items():
        text = (
            f"{say(made)} is made up of {say(of)} within each {say(by)}, by a rate of its own or not at all: only "
            f"{say(of)} and {say(by)} are tested, unless it is what is asked about."
        )
        table.traps.append(trap("redundant_columns", text, [made, of], len(table.df), high=True))
        table.left_out[made] = f"made up of {of} within each {by}"


def _leave_sums_out(table: Table) -> None:
    """Mark a column that other columns make up exactly, as a total is made up of its parts."""
    numbers = table.of("number")
    rows = table.df[[c for c in numbers if table.df[c].notna().mean() > 0.8]].dropna().astype(float)
    rows = rows.iloc[:: max(1, len(rows) // 4000)]
    if len(rows) >= 50 and len(rows) > 5 * rows.shape[1]:
        standard = ((rows - rows.mean()) / rows.std()).to_numpy()
        turned = dict(zip(names(rows), np.linalg.qr(standard, mode="r").T, strict=True))  # as good, and far fewer rows
        kept = list[str]()
        for name in names(rows):
            if kept:
                base = np.column_stack([turned[c] for c in kept])
                found = np.linalg.lstsq(base, turned[name], rcond=None)[0]
                rest = float(np.sum((turned[name] - base @ found) ** 2)) / (len(rows) - 1)  # variance, of 1
                parts = [c for c, weight in zip(kept, found, strict=True) if abs(weight) > 0.02]
                if rest < 1e-4 and 2 <= len(parts) <= 6:
                    # The total is made up of its parts, and no part of it less another; it varies most
                    whole = max([name, *parts], key=lambda c: (_adds_up(turned, c, [name, *parts]), rows[c].std(), c))
                    others = [c for c in [name, *parts] if c != whole]
                    text = (
                        f"{say(whole)} is made up of {', '.join(say(c) for c in others[:-1])} and {say(others[-1])}: "
                        "they tell it exactly, so only they are tested, unless it is what is asked about."
                    )
                    share = effect("r2", 1 - rest)
                    table.traps.append(
                        trap("redundant_columns", text, [whole, *others], len(table.df), share, high=True)
                    )
                    table.left_out[whole] = f"made up of {', '.join(others)}"
                    kept = [c for c in [*kept, name] if c != whole]
                    continue
            kept.append(name)
    table.log += [f"{c}: left out of tests ({why})" for c, why in table.left_out.items()]


def divisions(df: pd.DataFrame) -> list[list[str]]:
    """Sets of columns of 0 and 1 that divide the rows: no row is 1 in two of a set, though by chance 5 and more would
    be. How two of them go together is how they were made."""
    yes = {c: df[c] == 1 for c in names(df) if set(df[c].dropna().unique()) == {0, 1}}
    sets = list[list[str]]()
    for name, one in yes.items():
        for others in sets:
            met = [(one & yes[c]).sum() == 0 for c in others]
            expected = max(float(one.mean() * yes[c].sum()) for c in others)
            if all(met) and expected >= 5:
                others.append(name)
                break
        else:
            sets.append([name])
    return [one for one in sets if len(one) > 1]
