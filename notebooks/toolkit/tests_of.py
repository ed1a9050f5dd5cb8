"""Hypothesis tests of samples, one function each: normality, means, medians and variances.

Samples in, a `Tested` out; missing values are left out. `sides` is that of the alternative (two, less, greater), of the
first sample against the second. Tests of counts, correlations and series are in `tests_of_pairs`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.tested import (
    INDEPENDENT,
    SIDED,
    Tested,
    _normal_enough,
    _pairs,
    _spreads_alike,
    _tested,
    known_numbers,
)


def shapiro_test(values: Any) -> Tested:
    """Shapiro and Wilk's test of normality."""
    from scipy.stats import shapiro

    x = known_numbers(values)
    checks = (INDEPENDENT,) + (("p is approximate beyond 5,000 rows.",) if len(x) > 5000 else ())
    return _tested(
        "Shapiro-Wilk test", "the values come from a normal distribution", "W", shapiro(x), len(x), checks=checks
    )


def dagostino_test(values: Any) -> Tested:
    """D'Agostino and Pearson's test of normality, by skewness and kurtosis."""
    from scipy.stats import normaltest

    x = known_numbers(values)
    return _tested(
        "D'Agostino-Pearson test",
        "the values come from a normal distribution",
        "K²",
        normaltest(x),
        len(x),
        checks=(INDEPENDENT,),
    )


def jarque_bera_test(values: Any) -> Tested:
    """Jarque and Bera's test of normality, by skewness and kurtosis."""
    from scipy.stats import jarque_bera

    x = known_numbers(values)
    return _tested(
        "Jarque-Bera test",
        "the values come from a normal distribution",
        "JB",
        jarque_bera(x),
        len(x),
        checks=(INDEPENDENT,),
    )


def anderson_test(values: Any) -> Tested:
    """Anderson and Darling's test of normality, mean and variance estimated."""
    from statsmodels.stats.diagnostic import normal_ad

    x = known_numbers(values)
    statistic, p = normal_ad(x)
    return Tested(
        "Anderson-Darling test",
        "the values come from a normal distribution",
        "A²",
        float(statistic),
        float(p),
        len(x),
        checks=(INDEPENDENT,),
    )


def ks_normal_test(values: Any) -> Tested:
    """Lilliefors' test of normality: Kolmogorov and Smirnov's with mean and standard deviation from the sample."""
    from statsmodels.stats.diagnostic import lilliefors

    x = known_numbers(values)
    statistic, p = lilliefors(x)
    return Tested(
        "Lilliefors test",
        "the values come from a normal distribution",
        "D",
        float(statistic),
        float(p),
        len(x),
        checks=("Kolmogorov and Smirnov's, with mean and standard deviation from the same rows.", INDEPENDENT),
    )


def t_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Student's t test of two independent samples of one variance."""
    from scipy.stats import ttest_ind

    x, y = known_numbers(a), known_numbers(b)
    found = ttest_ind(x, y, alternative=SIDED[sides])
    checks = (_normal_enough(x, y), _spreads_alike(x, y), INDEPENDENT)
    return _tested(
        "Student's t test",
        "both means are equal",
        "t",
        found,
        len(x) + len(y),
        freedom=(float(found.df),),
        estimate=_difference(found, x, y),
        checks=checks,
    )


def welch_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Welch's t test of two independent samples, whose variances may differ."""
    from scipy.stats import ttest_ind

    x, y = known_numbers(a), known_numbers(b)
    found = ttest_ind(x, y, equal_var=False, alternative=SIDED[sides])
    return _tested(
        "Welch's t test",
        "both means are equal",
        "t",
        found,
        len(x) + len(y),
        freedom=(float(found.df),),
        estimate=_difference(found, x, y),
        checks=(_normal_enough(x, y), INDEPENDENT),
    )


def paired_t_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Student's t test of pairs: rows where both are known."""
    from scipy.stats import ttest_rel

    x, y = _pairs(a, b)
    found = ttest_rel(x, y, alternative=SIDED[sides])
    return _tested(
        "paired t test",
        "the mean of the pairs' differences is 0",
        "t",
        found,
        len(x),
        freedom=(float(found.df),),
        estimate=_difference(found, x, y),
        checks=(_normal_enough(x - y), "Independent pairs."),
    )


def one_sample_t_test(values: Any, null: float = 0.0, sides: str = "two") -> Tested:
    """Student's t test of one mean."""
    from scipy.stats import ttest_1samp

    x = known_numbers(values)
    found = ttest_1samp(x, null, alternative=SIDED[sides])
    low, high = found.confidence_interval()
    return _tested(
        "one-sample t test",
        f"the mean is {null:g}",
        "t",
        found,
        len(x),
        freedom=(float(found.df),),
        estimate=("mean", float(x.mean()), (float(low), float(high))),
        checks=(_normal_enough(x), INDEPENDENT),
    )


def mannwhitney_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Mann and Whitney's rank test of two independent samples; the estimate is P(first > second), ties counted half."""
    from scipy.stats import mannwhitneyu

    x, y = known_numbers(a), known_numbers(b)
    found = mannwhitneyu(x, y, alternative=SIDED[sides])
    share = float(found.statistic) / (len(x) * len(y))
    return _tested(
        "Mann-Whitney U test",
        "neither sample tends to be larger",
        "U",
        found,
        len(x) + len(y),
        estimate=("chance that the first is larger", share, None),
        checks=("It compares medians only where both samples have the same shape.", INDEPENDENT),
    )


def wilcoxon_test(a: Any, b: Any = None, sides: str = "two") -> Tested:
    """Wilcoxon's signed-rank test of pairs, or of one sample around 0."""
    from scipy.stats import wilcoxon

    gaps = known_numbers(a) if b is None else np.subtract(*_pairs(a, b))
    found = wilcoxon(gaps, alternative=SIDED[sides])
    return _tested(
        "Wilcoxon signed-rank test",
        "the differences lie symmetrically around 0",
        "W",
        found,
        len(gaps),
        estimate=("median difference", float(np.median(gaps)), None),
        checks=("Symmetric differences, independent pairs.",),
    )


def anova_test(samples: Mapping[str, Any]) -> Tested:
    """One-way analysis of variance."""
    from scipy.stats import f_oneway

    parts = [known_numbers(x) for x in samples.values()]
    n = sum(map(len, parts))
    return _tested(
        "one-way ANOVA",
        "all means are equal",
        "F",
        f_oneway(*parts),
        n,
        freedom=(len(parts) - 1.0, float(n - len(parts))),
        estimate=_eta2(parts),
        checks=(_normal_enough(*parts), _spreads_alike(*parts), INDEPENDENT),
    )


def welch_anova_test(samples: Mapping[str, Any]) -> Tested:
    """Welch's analysis of variance, for groups whose variances differ. A group without variance is not in it."""
    from statsmodels.stats.oneway import anova_oneway

    parts = [x for x in map(known_numbers, samples.values()) if len(x) > 1 and np.ptp(x) > 0]
    found = anova_oneway(parts, use_var="unequal")
    freedom = (float(found.df_num), float(found.df_denom))
    return _tested(
        "Welch's ANOVA",
        "all means are equal",
        "F",
        found,
        sum(map(len, parts)),
        freedom=freedom,
        estimate=_eta2(parts),
        checks=(_normal_enough(*parts), INDEPENDENT),
    )


def kruskal_test(samples: Mapping[str, Any]) -> Tested:
    """Kruskal and Wallis' rank test of several samples."""
    from scipy.stats import kruskal

    parts = [known_numbers(x) for x in samples.values()]
    return _tested(
        "Kruskal-Wallis test",
        "no group tends to be larger",
        "H",
        kruskal(*parts),
        sum(map(len, parts)),
        freedom=(len(parts) - 1.0,),
        checks=("It compares medians only where all groups have the same shape.", INDEPENDENT),
    )


def tukey_test(samples: Mapping[str, Any]) -> pd.DataFrame:
    """Tukey's honest differences of all pairs of groups: `first`, `second`, `difference` (first − second), its 95 %
    interval `low`, `high`, and `p`, corrected for the number of pairs."""
    from scipy.stats import tukey_hsd

    names, parts = list(samples), [known_numbers(x) for x in samples.values()]
    found = tukey_hsd(*parts)
    ends = found.confidence_interval()
    return pd.DataFrame(
        [
            {
                "first": names[i],
                "second": names[j],
                "difference": parts[i].mean() - parts[j].mean(),
                "low": ends.low[i, j],
                "high": ends.high[i, j],
                "p": found.pvalue[i, j],
            }
            for i in range(len(parts))
            for j in range(i + 1, len(parts))
        ]
    )


def levene_test(samples: Mapping[str, Any]) -> Tested:
    """Levene's test around the medians (Brown and Forsythe)."""
    from scipy.stats import levene

    parts = [known_numbers(x) for x in samples.values()]
    return _tested(
        "Levene test",
        "all variances are equal",
        "W",
        levene(*parts),
        sum(map(len, parts)),
        estimate=_sd_ratio(parts),
        checks=("Measured around the medians, so it stands skewed values.", INDEPENDENT),
    )


def bartlett_test(samples: Mapping[str, Any]) -> Tested:
    """Bartlett's test, for normal samples."""
    from scipy.stats import bartlett

    parts = [known_numbers(x) for x in samples.values()]
    return _tested(
        "Bartlett test",
        "all variances are equal",
        "T",
        bartlett(*parts),
        sum(map(len, parts)),
        estimate=_sd_ratio(parts),
        checks=("It needs normal values; Levene's test does not.", INDEPENDENT),
    )


def f_variance_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """The F test of two variances, for normal samples; the estimate is their ratio."""
    from scipy.stats import f

    x, y = known_numbers(a), known_numbers(b)
    freedom = (len(x) - 1.0, len(y) - 1.0)
    ratio = float(np.var(x, ddof=1) / np.var(y, ddof=1))
    below, above = float(f.cdf(ratio, *freedom)), float(f.sf(ratio, *freedom))
    p = {"less": below, "greater": above, "two": min(1.0, 2 * min(below, above))}[sides]
    ends = (ratio / float(f.ppf(0.975, *freedom)), ratio / float(f.ppf(0.025, *freedom)))
    return Tested(
        "F test of variances",
        "both variances are equal",
        "F",
        ratio,
        p,
        len(x) + len(y),
        freedom,
        ("ratio of variances", ratio, ends),
        ("It needs normal values; Levene's test does not.", INDEPENDENT),
    )


def _difference(found: Any, a: Any, b: Any) -> tuple[str, float, tuple[float, float] | None]:
    low, high = found.confidence_interval()
    return "difference of means", float(np.mean(a) - np.mean(b)), (float(low), float(high))


def _eta2(parts: list[Any]) -> tuple[str, float, None]:
    every = np.concatenate(parts)
    between = sum(len(x) * (x.mean() - every.mean()) ** 2 for x in parts)
    return "η² (share of variance between groups)", float(between / ((every - every.mean()) ** 2).sum()), None


def _sd_ratio(parts: list[Any]) -> tuple[str, float, None]:
    spreads = sorted(float(np.std(x, ddof=1)) for x in parts)
    return (
        "ratio of the largest to the smallest standard deviation",
        spreads[-1] / spreads[0] if spreads[0] else float("inf"),
        None,
    )
