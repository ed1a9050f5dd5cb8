"""A table of counts: one row for each combination of groups."""

import re

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import YES_NO, is_text, names
from notebooks.toolkit.table import Table, trap

COUNT_NAME = re.compile(
    r"(^|[_\s.])(n|freq|frequency|frequencies|counts?|cnt|tally|cases|people|persons|observations)$", re.I
)
WHOLE_NAME = re.compile(
    r"(^|[_\s.]|n)(n|total|all|trials|size|sum|number|attempts|patients|applicants|tested|at_?risk)$", re.I
)


def _grouping(table: Table, name: str) -> bool:
    """Whether a column only divides: a category, or a number of few levels such as a dose or an age group."""
    kind, levels = table.kind(name), table.levels(name)
    return (kind == "category" and levels <= 50) or (kind == "number" and levels <= 8)


def _is_share(df: pd.DataFrame, name: str, a: str, b: str) -> bool:
    """Whether a column is the quotient of two others, as a share or in percent, but for rounding."""
    for rows in (df.iloc[:100], df) if a != b else ():  # what the first rows do not bear out need not be looked at
        share = rows[a] / rows[b]
        near = ((rows[name] - share).abs() < 0.006).all() or ((rows[name] - 100 * share).abs() < 0.6).all()
        if not near or not (rows[b] > 0).all():
            return False
    return a != b


def _weigh(table: Table) -> None:
    """Repeat each row as often as its count says, where a table holds counts: one row for each combination of groups.

    Counts are one column (the number of cases), or two: those with an outcome, beside those without it or all.
    """
    df = table.df
    numeric = [c for c in names(df) if table.kind(c) in ("number", "identifier") and not is_text(df[c])]
    whole = [c for c in numeric if df[c].notna().all() and (df[c] % 1 == 0).all() and df[c].min() >= 0]
    rows = [c for c in names(df) if table.kind(c) == "identifier" and c not in whole]
    rows += [c for c in whole if table.kind(c) == "identifier" and (df[c].diff().iloc[1:] == 1).all()]

    def is_share(name: str) -> bool:
        return name in numeric and name not in whole and any(_is_share(df, name, a, b) for a in whole for b in whole)

    if not all(c in [*rows, *whole] or _grouping(table, c) or is_share(c) for c in names(df)):
        return
    shares = [c for c in names(df) if is_share(c)]
    rest = [c for c in names(df) if c not in rows and c not in shares]

    def cells(counts: list[str]) -> bool:
        groups = [c for c in rest if c not in counts]
        if not groups or not all(_grouping(table, c) for c in groups) or df.duplicated(subset=groups).any():
            return False
        return len(df) >= 0.5 * float(np.prod([table.levels(c) for c in groups])) and len(df) >= 4

    def outcome(a: str, b: str) -> bool:
        """Whether a counts those of b, or of a and b together, who had it."""
        part = bool((df[a] <= df[b]).all() and (df[a] < df[b]).any()) and bool(WHOLE_NAME.search(b))
        return part or any(re.fullmatch(yes, a, re.I) and re.fullmatch(no, b, re.I) for yes, no in YES_NO)

    found: tuple[str, ...] = ()
    for name in whole:
        groups = [c for c in rest if c != name]
        levels = [{str(v).lower() for v in df[c].dropna().unique()} for c in groups if table.levels(c) == 2]
        says_yes = any(
            all(any(re.fullmatch(f"{y}|{n}", v) for v in pair) for pair in levels) for y, n in YES_NO if levels
        )
        if cells([name]) and df[name].sum() > 2 * len(df) and (COUNT_NAME.search(name) or says_yes):
            found = (name,)
    pairs = [(a, b) for a in whole for b in whole if a != b and outcome(a, b) and cells([a, b])]
    if not found and len(pairs) == 1:
        found = pairs[0]
    total = int(df[list(found[-1:])].sum().iloc[0]) if found else 0
    if not found or total > 5_000_000:
        return
    before = len(df)
    if len(found) == 1:
        times, name = df[found[0]], found[0]
        text = f"{name} is a weight: it counts how many cases a row stands for"
    else:
        name, other = found
        without = (
            df[other] - df[name] if bool((df[name] <= df[other]).all() and WHOLE_NAME.search(other)) else df[other]
        )
        times = pd.concat([df[name], without], ignore_index=True)
        df = pd.concat([df.assign(**{name: 1}), df.assign(**{name: 0})], ignore_index=True)
        table.left_out[other] = "a weight"
        text = f"{name} and {other} are weights: they count the cases with {name} and without"
    table.take(df.loc[df.index.repeat(times.astype(int))])
    table.weight = name if len(found) == 1 else other
    table.left_out |= {table.weight: "a weight"} | dict.fromkeys(rows, "identifier") | dict.fromkeys(shares, "a share")
    total = len(table.df)
    text += f", so the {before:,} rows are {total:,} cases, and every test counts cases."
    table.log.append(text)
    told = trap("weights", text, [*found], total, high=True)
    table.traps.append(told | {"type": "descriptive"})
