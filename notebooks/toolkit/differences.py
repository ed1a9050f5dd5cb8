"""By how much groups differ in a mean or a share, and whether chance could explain it."""

import numpy as np
import pandas as pd

from notebooks.toolkit.answers import group_names
from notebooks.toolkit.beside import Beside
from notebooks.toolkit.tests_of import welch_anova_test
from notebooks.toolkit.wording import as_text, chance


def group_difference(values: pd.Series, groups: pd.Series, unit: str = "") -> Beside:
    """How groups differ in the mean of their values, with units and intervals.

    Two groups are told by their difference with Welch's interval (of shares in per cent: in percentage points), more by
    Welch's analysis of variance. Groups of fewer than two values are left out; of one group nothing is said.
    """
    from scipy.stats import ttest_ind

    known = pd.DataFrame({"value": values.astype(float), "group": groups}).dropna()
    each = {k: v["value"] for k, v in known.groupby("group", observed=True) if len(v) > 1}
    parts = dict(zip(group_names(pd.Index(list(each), name=groups.name)), each.values(), strict=True))
    if len(parts) < 2 or known["value"].nunique() < 2:
        return Beside()
    means = pd.Series({k: v.mean() for k, v in parts.items()}).sort_values()
    low, high = means.index[0], means.index[-1]
    unit = {"%": "pp"}.get(unit, unit)
    tail = f" {unit}" * bool(unit)
    if len(parts) > 2:
        p = welch_anova_test(parts).p
        sure = "more than chance would explain" if p < 0.05 else "no more than chance could explain"
        apart = f"{high} is highest and {low} lowest, {as_text(means[high] - means[low], _few(means))}{tail} apart"
        return Beside(f"{apart}, and the groups differ {sure} ({chance(p)})", "", {"p-value": p})
    test = ttest_ind(parts[high], parts[low], equal_var=False)
    ends = tuple(float(e) for e in test.confidence_interval())
    gap = float(means[high] - means[low])
    digits = _few(means)
    ends_said = f"{as_text(ends[0], digits)} to {as_text(ends[1], digits)}{tail}"
    sure = f"95 % interval {ends_said}, {chance(float(test.pvalue))}"
    clear = "" if test.pvalue < 0.05 else ", which chance alone could explain"
    said = f"{high} is {as_text(gap, digits)}{tail} above {low} ({sure}){clear}"
    return Beside(said, "", {f"difference, {high} less {low}": (gap, unit, ends), "p-value": float(test.pvalue)})


def _few(means: pd.Series) -> int:
    """How many decimals tell a difference of these means to two or three digits."""
    size = max(float(means.max() - means.min()), 1e-9)
    return int(min(6, max(0, 1 - np.floor(np.log10(size)))))
