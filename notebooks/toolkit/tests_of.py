"""Hypothesis tests, one function each: samples or counts in, a `Tested` out. Missing values are left out.

`sides` is that of the alternative: two, less or greater, of the first sample against the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

SIDED = {"two": "two-sided", "less": "less", "greater": "greater"}


@dataclass(frozen=True)
class Tested:
    """The outcome of a test. `null` is what it may reject, in words; `estimate` the quantity that it is about, with its
    95 % interval where there is one; `checks` what the test supposes, and whether the rows bear it out."""

    name: str
    null: str
    symbol: str
    statistic: float
    p: float
    n: int
    freedom: tuple[float, ...] = ()
    estimate: tuple[str, float, tuple[float, float] | None] | None = None
    checks: tuple[str, ...] = ()


def sample(values: Any) -> Any:
    """The known values of a column as numbers."""
    found = pd.Series(np.asarray(values, dtype=float)).dropna()
    return found[np.isfinite(found)].to_numpy()


def _tested(name: str, null: str, symbol: str, found: Any, n: int, **more: Any) -> Tested:
    return Tested(name, null, symbol, float(found.statistic), float(found.pvalue), n, **more)


def _normal_enough(*samples: Any) -> str:
    """Whether means of these samples are near enough to normal for a t or F test."""
    from scipy.stats import skew

    small = min(map(len, samples))
    bent = max(abs(float(skew(x))) if np.ptp(x) > 0 else 0.0 for x in samples)
    if small >= 30 and bent < 2:
        return f"Normal means: with {small:,} rows or more a sample and moderate skewness, sound."
    if small < 30:
        return f"Normal means: the smallest sample has {small:,} rows, so the values themselves should look normal."
    return f"Normal means: the values are strongly skewed ({bent:.1f}); a rank test beside this one is advised."


def _spreads_alike(*samples: Any) -> str:
    spreads = [float(np.std(x, ddof=1)) for x in samples]
    ratio = max(spreads) / min(spreads) if min(spreads) > 0 else float("inf")
    return f"Equal variances: the largest standard deviation is {ratio:.2f} times the smallest{'.' if ratio < 2 else ', so they are not.'}"


INDEPENDENT = "Independent rows: that lies in how they were collected; no test can tell it."


# Normality


def shapiro_test(values: Any) -> Tested:
    """Shapiro and Wilk's test of normality."""
    from scipy.stats import shapiro

    x = sample(values)
    checks = (INDEPENDENT,) + (("p is approximate beyond 5,000 rows.",) if len(x) > 5000 else ())
    return _tested("Shapiro-Wilk test", "the values come from a normal distribution", "W", shapiro(x), len(x), checks=checks)


def dagostino_test(values: Any) -> Tested:
    """D'Agostino and Pearson's test of normality, by skewness and kurtosis."""
    from scipy.stats import normaltest

    x = sample(values)
    return _tested("D'Agostino-Pearson test", "the values come from a normal distribution", "K²", normaltest(x), len(x), checks=(INDEPENDENT,))


def jarque_bera_test(values: Any) -> Tested:
    """Jarque and Bera's test of normality, by skewness and kurtosis."""
    from scipy.stats import jarque_bera

    x = sample(values)
    return _tested("Jarque-Bera test", "the values come from a normal distribution", "JB", jarque_bera(x), len(x), checks=(INDEPENDENT,))


def anderson_test(values: Any) -> Tested:
    """Anderson and Darling's test of normality, mean and variance estimated."""
    from statsmodels.stats.diagnostic import normal_ad

    x = sample(values)
    statistic, p = normal_ad(x)
    return Tested("Anderson-Darling test", "the values come from a normal distribution", "A²", float(statistic), float(p), len(x), checks=(INDEPENDENT,))


def ks_normal_test(values: Any) -> Tested:
    """Kolmogorov and Smirnov's test against the normal distribution of the sample's own mean and standard deviation."""
    from scipy.stats import kstest

    x = sample(values)
    found = kstest(x, "norm", args=(x.mean(), x.std(ddof=1)))
    lenient = "Its mean and standard deviation are estimated from the same rows, so p is too large (Lilliefors)."
    return _tested("Kolmogorov-Smirnov test", "the values come from a normal distribution", "D", found, len(x), checks=(lenient, INDEPENDENT))


# Means and medians


def _difference(found: Any, a: Any, b: Any) -> tuple[str, float, tuple[float, float] | None]:
    low, high = found.confidence_interval()
    return "difference of means", float(np.mean(a) - np.mean(b)), (float(low), float(high))


def t_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Student's t test of two independent samples of one variance."""
    from scipy.stats import ttest_ind

    x, y = sample(a), sample(b)
    found = ttest_ind(x, y, alternative=SIDED[sides])
    checks = (_normal_enough(x, y), _spreads_alike(x, y), INDEPENDENT)
    return _tested("Student's t test", "both means are equal", "t", found, len(x) + len(y), freedom=(float(found.df),), estimate=_difference(found, x, y), checks=checks)


def welch_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Welch's t test of two independent samples, whose variances may differ."""
    from scipy.stats import ttest_ind

    x, y = sample(a), sample(b)
    found = ttest_ind(x, y, equal_var=False, alternative=SIDED[sides])
    return _tested("Welch's t test", "both means are equal", "t", found, len(x) + len(y), freedom=(float(found.df),), estimate=_difference(found, x, y), checks=(_normal_enough(x, y), INDEPENDENT))


def paired_t_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Student's t test of pairs: rows where both are known."""
    from scipy.stats import ttest_rel

    x, y = _pairs(a, b)
    found = ttest_rel(x, y, alternative=SIDED[sides])
    return _tested("paired t test", "the mean of the pairs' differences is 0", "t", found, len(x), freedom=(float(found.df),), estimate=_difference(found, x, y), checks=(_normal_enough(x - y), "Independent pairs."))


def one_sample_t_test(values: Any, null: float = 0.0, sides: str = "two") -> Tested:
    """Student's t test of one mean."""
    from scipy.stats import ttest_1samp

    x = sample(values)
    found = ttest_1samp(x, null, alternative=SIDED[sides])
    low, high = found.confidence_interval()
    return _tested("one-sample t test", f"the mean is {null:g}", "t", found, len(x), freedom=(float(found.df),), estimate=("mean", float(x.mean()), (float(low), float(high))), checks=(_normal_enough(x), INDEPENDENT))


def mannwhitney_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Mann and Whitney's rank test of two independent samples; the estimate is P(first > second), ties counted half."""
    from scipy.stats import mannwhitneyu

    x, y = sample(a), sample(b)
    found = mannwhitneyu(x, y, alternative=SIDED[sides])
    share = float(found.statistic) / (len(x) * len(y))
    return _tested("Mann-Whitney U test", "neither sample tends to be larger", "U", found, len(x) + len(y), estimate=("chance that the first is larger", share, None), checks=("It compares medians only where both samples have the same shape.", INDEPENDENT))


def wilcoxon_test(a: Any, b: Any = None, sides: str = "two") -> Tested:
    """Wilcoxon's signed-rank test of pairs, or of one sample around 0."""
    from scipy.stats import wilcoxon

    gaps = sample(a) if b is None else np.subtract(*_pairs(a, b))
    found = wilcoxon(gaps, alternative=SIDED[sides])
    return _tested("Wilcoxon signed-rank test", "the differences lie symmetrically around 0", "W", found, len(gaps), estimate=("median difference", float(np.median(gaps)), None), checks=("Symmetric differences, independent pairs.",))


def anova_test(samples: Mapping[str, Any]) -> Tested:
    """One-way analysis of variance."""
    from scipy.stats import f_oneway

    parts = [sample(x) for x in samples.values()]
    n = sum(map(len, parts))
    return _tested("one-way ANOVA", "all means are equal", "F", f_oneway(*parts), n, freedom=(len(parts) - 1.0, float(n - len(parts))), estimate=_eta2(parts), checks=(_normal_enough(*parts), _spreads_alike(*parts), INDEPENDENT))


def welch_anova_test(samples: Mapping[str, Any]) -> Tested:
    """Welch's analysis of variance, for groups whose variances differ. A group without variance is not in it."""
    from statsmodels.stats.oneway import anova_oneway

    parts = [x for x in map(sample, samples.values()) if len(x) > 1 and np.ptp(x) > 0]
    found = anova_oneway(parts, use_var="unequal")
    freedom = (float(found.df_num), float(found.df_denom))
    return _tested("Welch's ANOVA", "all means are equal", "F", found, sum(map(len, parts)), freedom=freedom, estimate=_eta2(parts), checks=(_normal_enough(*parts), INDEPENDENT))


def kruskal_test(samples: Mapping[str, Any]) -> Tested:
    """Kruskal and Wallis' rank test of several samples."""
    from scipy.stats import kruskal

    parts = [sample(x) for x in samples.values()]
    return _tested("Kruskal-Wallis test", "no group tends to be larger", "H", kruskal(*parts), sum(map(len, parts)), freedom=(len(parts) - 1.0,), checks=("It compares medians only where all groups have the same shape.", INDEPENDENT))


def tukey_test(samples: Mapping[str, Any]) -> pd.DataFrame:
    """Tukey's honest differences of all pairs of groups: `first`, `second`, `difference` (first − second), its 95 %
    interval `low`, `high`, and `p`, corrected for the number of pairs."""
    from scipy.stats import tukey_hsd

    names, parts = list(samples), [sample(x) for x in samples.values()]
    found = tukey_hsd(*parts)
    ends = found.confidence_interval()
    return pd.DataFrame(
        [
            {"first": names[i], "second": names[j], "difference": parts[i].mean() - parts[j].mean(), "low": ends.low[i, j], "high": ends.high[i, j], "p": found.pvalue[i, j]}
            for i in range(len(parts))
            for j in range(i + 1, len(parts))
        ]
    )


# Variances


def levene_test(samples: Mapping[str, Any]) -> Tested:
    """Levene's test around the medians (Brown and Forsythe)."""
    from scipy.stats import levene

    parts = [sample(x) for x in samples.values()]
    return _tested("Levene test", "all variances are equal", "W", levene(*parts), sum(map(len, parts)), estimate=_sd_ratio(parts), checks=("Measured around the medians, so it stands skewed values.", INDEPENDENT))


def bartlett_test(samples: Mapping[str, Any]) -> Tested:
    """Bartlett's test, for normal samples."""
    from scipy.stats import bartlett

    parts = [sample(x) for x in samples.values()]
    return _tested("Bartlett test", "all variances are equal", "T", bartlett(*parts), sum(map(len, parts)), estimate=_sd_ratio(parts), checks=("It needs normal values; Levene's test does not.", INDEPENDENT))


def f_variance_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """The F test of two variances, for normal samples; the estimate is their ratio."""
    from scipy.stats import f

    x, y = sample(a), sample(b)
    freedom = (len(x) - 1.0, len(y) - 1.0)
    ratio = float(np.var(x, ddof=1) / np.var(y, ddof=1))
    below, above = float(f.cdf(ratio, *freedom)), float(f.sf(ratio, *freedom))
    p = {"less": below, "greater": above, "two": min(1.0, 2 * min(below, above))}[sides]
    ends = (ratio / float(f.ppf(0.975, *freedom)), ratio / float(f.ppf(0.025, *freedom)))
    return Tested("F test of variances", "both variances are equal", "F", ratio, p, len(x) + len(y), freedom, ("ratio of variances", ratio, ends), ("It needs normal values; Levene's test does not.", INDEPENDENT))


# Proportions, independence, fit


def chi2_test(counts: Any, correction: bool = True) -> Tested:
    """Pearson's chi-square test of independence of a table of counts; Yates' correction for two by two."""
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association

    table = np.asarray(counts)
    found = chi2_contingency(table, correction=correction)
    few = float((found.expected_freq < 5).mean())
    expected = "Expected counts of 5 or more: " + ("all are." if not few else f"{100 * few:.0f} % are below{', so p is rough' if few > 0.2 else ''}.")
    size = ("Cramér's V", float(association(table, method="cramer")), None)
    return _tested("chi-square test of independence", "the two are independent", "χ²", found, int(table.sum()), freedom=(float(found.dof),), estimate=size, checks=(expected, INDEPENDENT))


def fisher_test(counts: Any, sides: str = "two") -> Tested:
    """Fisher's exact test of a two by two table; the estimate is the odds ratio."""
    from scipy.stats import fisher_exact
    from scipy.stats.contingency import odds_ratio

    table = np.asarray(counts)
    found = fisher_exact(table, alternative=SIDED[sides])
    ends = odds_ratio(table, kind="sample").confidence_interval()
    size = ("odds ratio", float(found.statistic), (float(ends.low), float(ends.high)))
    return _tested("Fisher's exact test", "the two are independent", "odds ratio", found, int(table.sum()), estimate=size, checks=(INDEPENDENT,))


def chi2_fit_test(counts: Any, expected: Any = None) -> Tested:
    """Pearson's chi-square test of fit: counts against expected shares, or equal ones."""
    from scipy.stats import chisquare

    seen = np.asarray(counts, dtype=float)
    shares = np.full(len(seen), 1.0) if expected is None else np.asarray(expected, dtype=float)
    meant = shares / shares.sum() * seen.sum()
    null = "all levels are equally frequent" if expected is None else "the levels are as frequent as expected"
    checks = (f"Expected counts of 5 or more: the smallest is {meant.min():.1f}.", INDEPENDENT)
    return _tested("chi-square test of fit", null, "χ²", chisquare(seen, meant), int(seen.sum()), freedom=(len(seen) - 1.0,), checks=checks)


def proportions_test(hits: tuple[int, int], rows: tuple[int, int], sides: str = "two") -> Tested:
    """The z test of two proportions; the estimate is their difference, with Newcombe's interval."""
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    names = {"two": "two-sided", "less": "smaller", "greater": "larger"}
    z, p = proportions_ztest(hits, rows, alternative=names[sides])
    ends = confint_proportions_2indep(hits[0], rows[0], hits[1], rows[1], compare="diff", method="newcomb")
    gap = hits[0] / rows[0] - hits[1] / rows[1]
    least = min(*hits, rows[0] - hits[0], rows[1] - hits[1])
    checks = (f"Large samples: the smallest count is {least:,}{'.' if least >= 5 else ', so an exact test is better.'}", INDEPENDENT)
    return Tested("z test of two proportions", "both proportions are equal", "z", float(z), float(p), sum(rows), (), ("difference of proportions", gap, (float(ends[0]), float(ends[1]))), checks)


def binomial_test(hits: int, rows: int, null: float = 0.5, sides: str = "two") -> Tested:
    """The exact test of one proportion, with Wilson's interval."""
    from scipy.stats import binomtest

    found = binomtest(hits, rows, null, alternative=SIDED[sides])
    low, high = binomtest(hits, rows).proportion_ci(method="wilson")
    return Tested("binomial test", f"the proportion is {null:g}", "k", float(hits), float(found.pvalue), rows, (), ("proportion", hits / rows, (float(low), float(high))), (INDEPENDENT,))


def mcnemar_test(counts: Any) -> Tested:
    """McNemar's test of two paired yes-no answers, exact for under 25 pairs that differ."""
    from statsmodels.stats.contingency_tables import mcnemar

    table = np.asarray(counts)
    apart = int(table[0, 1] + table[1, 0])
    found = mcnemar(table, exact=apart < 25)
    return _tested("McNemar's test", "both proportions of the pairs are equal", "b" if apart < 25 else "χ²", found, int(table.sum()), checks=(f"{apart:,} pairs differ; only these count.",))


# Correlation, distributions, time


def correlation_test(a: Any, b: Any, method: str = "pearson", sides: str = "two") -> Tested:
    """The test that a correlation is 0: pearson, spearman or kendall, of rows where both are known."""
    from scipy import stats

    x, y = _pairs(a, b)
    found = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}[method](x, y, alternative=SIDED[sides])
    symbol = {"pearson": "r", "spearman": "ρ", "kendall": "τ"}[method]
    ends = tuple(map(float, found.confidence_interval())) if method == "pearson" else None
    of = {"pearson": "A straight line; far-off points weigh much.", "spearman": "A steady rise or fall.", "kendall": "A steady rise or fall."}[method]
    return _tested(f"{method.capitalize()} correlation test", "the correlation is 0", symbol, found, len(x), estimate=("correlation", float(found.statistic), ends), checks=(of, INDEPENDENT))  # type: ignore[arg-type]


def ks_two_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Kolmogorov and Smirnov's test of two samples."""
    from scipy.stats import ks_2samp

    x, y = sample(a), sample(b)
    return _tested("two-sample Kolmogorov-Smirnov test", "both samples have one distribution", "D", ks_2samp(x, y, alternative=SIDED[sides]), len(x) + len(y), checks=(INDEPENDENT,))


def adfuller_test(values: Any) -> Tested:
    """The augmented Dickey and Fuller test of a unit root; lags by AIC."""
    from statsmodels.tsa.stattools import adfuller

    x = sample(values)
    statistic, p, lags, n = adfuller(x)[:4]
    return Tested("augmented Dickey-Fuller test", "the series has a unit root (is not stationary)", "ADF", float(statistic), float(p), int(n), checks=(f"{lags} lags, chosen by AIC; a constant, no trend.", "Rows in order of time, in even steps."))


def ljung_box_test(values: Any, lags: int = 10) -> Tested:
    """Ljung and Box's test of autocorrelation up to a lag."""
    from statsmodels.stats.diagnostic import acorr_ljungbox

    x = sample(values)
    found = acorr_ljungbox(x, lags=[min(lags, len(x) // 2 - 1)])
    return Tested("Ljung-Box test", "there is no autocorrelation", "Q", float(found["lb_stat"].iloc[0]), float(found["lb_pvalue"].iloc[0]), len(x), (float(found.index[0]),), checks=("Rows in order of time, in even steps.",))


def _pairs(a: Any, b: Any) -> tuple[Any, Any]:
    both = pd.DataFrame({"a": np.asarray(a, float), "b": np.asarray(b, float)}).dropna()
    return both["a"].to_numpy(), both["b"].to_numpy()


def _eta2(parts: list[Any]) -> tuple[str, float, None]:
    every = np.concatenate(parts)
    between = sum(len(x) * (x.mean() - every.mean()) ** 2 for x in parts)
    return "η² (share of variance between groups)", float(between / ((every - every.mean()) ** 2).sum()), None


def _sd_ratio(parts: list[Any]) -> tuple[str, float, None]:
    spreads = sorted(float(np.std(x, ddof=1)) for x in parts)
    return "ratio of the largest to the smallest standard deviation", spreads[-1] / spreads[0] if spreads[0] else float("inf"), None
