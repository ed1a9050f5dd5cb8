"""Which columns may explain an outcome, and which are parts of it, computed from it, or another form of it."""

from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import GROUP_NAME, is_text, kind_of
from notebooks.toolkit.guesses import is_time
from notebooks.toolkit.naming import ID_NAME, PERSON_NAME
from notebooks.toolkit.redundant import computed_within, parts_by_name
from notebooks.toolkit.wording import percent


def usable_factors(df: pd.DataFrame, target: str, named: list[str]) -> tuple[list[str], dict[str, str]]:
    """The columns that may explain the target, and those that may not, with why."""
    kept, out = list[str](), dict[str, str]()
    for name in named or [str(c) for c in df.columns if c != target]:
        s, levels = df[name], df[name].nunique()
        if levels < 2:
            out[name] = "it is the same in all rows"
        elif s.notna().mean() < 0.6:
            out[name] = f"it is missing in {percent(float(s.isna().mean()))} of the rows"
        elif name not in named and levels > 20 and (ID_NAME.search(name) or kind_of(s, levels) == "identifier"):
            out[name] = "it only names the rows"
        elif name not in named and levels > 5 and PERSON_NAME.fullmatch(name) and pd.api.types.is_integer_dtype(s):
            out[name] = "its numbers only say who"
        elif name not in named and levels > 8 and GROUP_NAME.search(name) and pd.api.types.is_numeric_dtype(s):
            out[name] = f"its numbers only stand for {levels} groups"
        elif is_text(s) and levels > min(50, 0.2 * len(df)):
            out[name] = f"it has {levels:,} different texts"
        else:
            kept.append(name)
    numbers = [c for c in kept if pd.api.types.is_numeric_dtype(df[c]) and c not in named]
    some = df.iloc[:: max(1, len(df) // 2000)]
    for i, name in enumerate(numbers):  # beside its own square a column has no effect that could be told
        other = next((c for c in numbers[:i] if c not in out and _is_function(some[[c, name]].dropna())), "")
        if other:
            out[name] = f"it orders the rows as {other} does"
    return [c for c in kept if c not in out], out


def parts_of_target(df: pd.DataFrame, target: str, factors: list[str], yes: Any = None) -> dict[str, str]:
    """The factors that the target is made of, or that restate it: they say nothing of what it depends on.

    Numbers whose weighted sum, or whose product or ratio with another, is the target in all but rounding; numbers that
    are a part of it by their names; columns that go with it almost perfectly or order the rows just as it does (its
    logarithm); groups that it is cut into; for a target of yes and no, levels or thresholds that tell it in more than
    99.5 % of the rows.
    """
    y = (df[target] == yes).astype(float) if yes is not None else df[target].astype(float)
    numbers = [c for c in factors if not is_text(df[c]) and not is_time(df[c]) and df[c].nunique() > 2]
    found = dict[str, str]()
    for name in factors:
        both = pd.DataFrame({"x": df[name], "y": y}).dropna()
        if len(both) < 20 or both["y"].nunique() < 2:
            continue
        if name in numbers and yes is None and abs(both["x"].astype(float).corr(both["y"])) > 0.999:
            found[name] = f"it restates {target}"
        elif name in numbers and yes is None and _is_function(both):
            found[name] = f"it restates {target} on another scale"
        elif yes is None and _divides(both):
            found[name] = f"it says which values of {target} are large"
        elif yes is not None and _tells(both) > 0.995:
            found[name] = f"it tells {target} in nearly every row"
    if yes is None:
        groups = [c for c in factors if 2 <= df[c].nunique() <= 10]
        for made, (of, by) in computed_within(df, [target, *numbers], groups).items():
            if target in (made, of):
                found[of if made == target else made] = f"within each {by} {made} is made up of {of}"
        found |= {c: why for c, why in parts_by_name(df, target, numbers).items() if c not in found}
    rest = [c for c in numbers if c not in found]
    rows = df[rest].assign(**{"\0y": y}).dropna().astype(float)
    if yes is None and len(rows) > 2 * len(rest) + 15 and rest:
        standard = (rows[rest] - rows[rest].mean()) / rows[rest].std().replace(0, 1)
        target_z = (rows["\0y"] - rows["\0y"].mean()) / (rows["\0y"].std() or 1)
        weights = np.linalg.lstsq(standard.to_numpy(), target_z.to_numpy(), rcond=None)[0]
        if float(((target_z - standard.to_numpy() @ weights) ** 2).mean()) < 1e-4:
            parts = [c for c, w in zip(rest, weights, strict=True) if abs(w) > 0.02]
            found |= {c: f"{target} is made up of {' and '.join(parts)}" for c in parts}
        for i, a in enumerate(rest):
            for b in rest[i + 1 :]:
                near = (rows[a] * rows[b] - rows["\0y"]).abs() <= 0.01 * rows["\0y"].abs() + 0.011
                if near.mean() > 0.98:
                    found |= {c: f"{target} is {a} times {b}" for c in (a, b)}
                for over, under in ((a, b), (b, a)):
                    if _is_ratio(rows["\0y"], rows[over], rows[under]):
                        found |= {c: f"{target} is {over} by {under}" for c in (a, b)}
    return found


def _is_ratio(y: pd.Series, over: pd.Series, under: pd.Series) -> bool:
    """Whether y is one column by another, in all but rounding and the unit."""
    some = (
        (y.abs() > 1e-3 * y.abs().max()) & (under != 0) & (over != 0)
    )  # of what is rounded to next to nothing nothing is told
    if some.mean() < 0.8 or min(over.nunique(), under.nunique()) < 10:
        return False
    rate = y[some] * under[some] / over[some]
    middle = float(rate.median())
    return bool(middle and ((rate / middle - 1).abs() <= 0.01).mean() > 0.98)


def _is_function(both: pd.DataFrame) -> bool:
    """Whether one of two columns orders the rows just as the other does, or just the other way round, as its
    logarithm would."""
    both = both.iloc[:: max(1, len(both) // 5000)]
    one, other = (both[c].rank() for c in both)
    return min(one.nunique(), other.nunique()) >= 20 and abs(float(one.corr(other))) > 0.9999


def _divides(both: pd.DataFrame) -> bool:
    """Whether y is cut into the few levels of x: above all values of one level lie all those of the next."""
    if both["x"].head(1000).nunique() > 10 or not 2 <= both["x"].nunique() <= 10:
        return False
    groups = both.groupby("x")["y"]
    if groups.size().min() < 10 or groups.nunique().min() < 2 or both["y"].nunique() < 10 * groups.ngroups:
        return False
    ends = groups.agg(["min", "max"]).sort_values("min")
    return bool((ends["min"].iloc[1:].to_numpy() > ends["max"].iloc[:-1].to_numpy()).all())


def _tells(both: pd.DataFrame) -> float:
    """How often the best level, or the best threshold, of x tells y of 0 and 1."""
    if is_text(both["x"]) or both["x"].nunique() <= 2:
        if both["x"].nunique() > 20:
            return 0.0
        return float(both.groupby("x")["y"].agg(lambda v: max(v.sum(), len(v) - v.sum())).sum() / len(both))
    ordered = both.sort_values("x")["y"].to_numpy()
    hits = np.cumsum(ordered)
    n, ones = len(ordered), int(ordered.sum())
    right = (np.arange(1, n + 1) - hits) + (ones - hits)
    return float(max(right.max(), (n - right).max()) / n)
