"""Hypothesis tests of counts, proportions, correlations and series, one function each; see `tests_of`."""

from typing import Any

import numpy as np

from notebooks.toolkit.tested import INDEPENDENT, SIDED, Tested, _pairs, _tested, known_numbers


def chi2_test(counts: Any, correction: bool = True) -> Tested:
    """Pearson's chi-square test of independence of a table of counts; Yates' correction for two by two."""
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association

    table = np.asarray(counts)
    found = chi2_contingency(table, correction=correction)
    few = float((found.expected_freq < 5).mean())
    expected = "Expected counts of 5 or more: " + (
        "all are." if not few else f"{100 * few:.0f} % are below{', so p is rough' if few > 0.2 else ''}."
    )
    size = ("Cramér's V", float(association(table, method="cramer")), None)
    return _tested(
        "chi-square test of independence",
        "the two are independent",
        "χ²",
        found,
        int(table.sum()),
        freedom=(float(found.dof),),
        estimate=size,
        checks=(expected, INDEPENDENT),
    )


def fisher_test(counts: Any, sides: str = "two") -> Tested:
    """Fisher's exact test of a two by two table; the estimate is the odds ratio."""
    from scipy.stats import fisher_exact
    from scipy.stats.contingency import odds_ratio

    table = np.asarray(counts)
    found = fisher_exact(table, alternative=SIDED[sides])
    ends = odds_ratio(table, kind="sample").confidence_interval()
    size = ("odds ratio", float(found.statistic), (float(ends.low), float(ends.high)))
    return _tested(
        "Fisher's exact test",
        "the two are independent",
        "odds ratio",
        found,
        int(table.sum()),
        estimate=size,
        checks=(INDEPENDENT,),
    )


def chi2_fit_test(counts: Any, expected: Any = None) -> Tested:
    """Pearson's chi-square test of fit: counts against expected shares, or equal ones."""
    from scipy.stats import chisquare

    seen = np.asarray(counts, dtype=float)
    shares = np.full(len(seen), 1.0) if expected is None else np.asarray(expected, dtype=float)
    meant = shares / shares.sum() * seen.sum()
    null = "all levels are equally frequent" if expected is None else "the levels are as frequent as expected"
    checks = (f"Expected counts of 5 or more: the smallest is {meant.min():.1f}.", INDEPENDENT)
    return _tested(
        "chi-square test of fit",
        null,
        "χ²",
        chisquare(seen, meant),
        int(seen.sum()),
        freedom=(len(seen) - 1.0,),
        checks=checks,
    )


def proportions_test(hits: Any, rows: Any, sides: str = "two") -> Tested:
    """The z test of two proportions, each so many hits of rows; the estimate is their difference, with Newcombe's
    interval."""
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    hits, rows = tuple(map(int, hits)), tuple(map(int, rows))
    names = {"two": "two-sided", "less": "smaller", "greater": "larger"}
    z, p = proportions_ztest(hits, rows, alternative=names[sides])
    ends = confint_proportions_2indep(hits[0], rows[0], hits[1], rows[1], compare="diff", method="newcomb")
    gap = hits[0] / rows[0] - hits[1] / rows[1]
    least = min(*hits, rows[0] - hits[0], rows[1] - hits[1])
    checks = (
        f"Large samples: the smallest count is {least:,}{'.' if least >= 5 else ', so an exact test is better.'}",
        INDEPENDENT,
    )
    return Tested(
        "z test of two proportions",
        "both proportions are equal",
        "z",
        float(z),
        float(p),
        sum(rows),
        (),
        ("difference of proportions", gap, (float(ends[0]), float(ends[1]))),
        checks,
    )


def binomial_test(hits: int, rows: int, null: float = 0.5, sides: str = "two") -> Tested:
    """The exact test of one proportion, with Wilson's interval."""
    from scipy.stats import binomtest

    found = binomtest(hits, rows, null, alternative=SIDED[sides])
    low, high = binomtest(hits, rows).proportion_ci(method="wilson")
    return Tested(
        "binomial test",
        f"the proportion is {null:g}",
        "k",
        float(hits),
        float(found.pvalue),
        rows,
        (),
        ("proportion", hits / rows, (float(low), float(high))),
        (INDEPENDENT,),
    )


def mcnemar_test(counts: Any) -> Tested:
    """McNemar's test of two paired yes-no answers, exact for under 25 pairs that differ."""
    from statsmodels.stats.contingency_tables import mcnemar

    table = np.asarray(counts)
    apart = int(table[0, 1] + table[1, 0])
    found = mcnemar(table, exact=apart < 25)
    return _tested(
        "McNemar's test",
        "both proportions of the pairs are equal",
        "b" if apart < 25 else "χ²",
        found,
        int(table.sum()),
        checks=(f"{apart:,} pairs differ; only these count.",),
    )


def correlation_test(a: Any, b: Any, method: str = "pearson", sides: str = "two") -> Tested:
    """The test that a correlation is 0: pearson, spearman or kendall, of rows where both are known."""
    from scipy import stats

    x, y = _pairs(a, b)
    found = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}[method](
        x, y, alternative=SIDED[sides]
    )
    symbol = {"pearson": "r", "spearman": "ρ", "kendall": "τ"}[method]
    ends = tuple(map(float, found.confidence_interval())) if method == "pearson" else None
    of = {
        "pearson": "A straight line; far-off points weigh much.",
        "spearman": "A steady rise or fall.",
        "kendall": "A steady rise or fall.",
    }[method]
    return _tested(
        f"{method.capitalize()} correlation test",
        "the correlation is 0",
        symbol,
        found,
        len(x),
        estimate=("correlation", float(found.statistic), ends),
        checks=(of, INDEPENDENT),
    )


def ks_two_test(a: Any, b: Any, sides: str = "two") -> Tested:
    """Kolmogorov and Smirnov's test of two samples."""
    from scipy.stats import ks_2samp

    x, y = known_numbers(a), known_numbers(b)
    return _tested(
        "two-sample Kolmogorov-Smirnov test",
        "both samples have one distribution",
        "D",
        ks_2samp(x, y, alternative=SIDED[sides]),
        len(x) + len(y),
        checks=(INDEPENDENT,),
    )


def adfuller_test(values: Any) -> Tested:
    """The augmented Dickey and Fuller test of a unit root; lags by AIC."""
    from statsmodels.tsa.stattools import adfuller

    x = known_numbers(values)
    statistic, p, lags, n = adfuller(x)[:4]
    return Tested(
        "augmented Dickey-Fuller test",
        "the series has a unit root (is not stationary)",
        "ADF",
        float(statistic),
        float(p),
        int(n),
        checks=(f"{lags} lags, chosen by AIC; a constant, no trend.", "Rows in order of time, in even steps."),
    )


def ljung_box_test(values: Any, lags: int = 10) -> Tested:
    """Ljung and Box's test of autocorrelation up to a lag."""
    from statsmodels.stats.diagnostic import acorr_ljungbox

    x = known_numbers(values)
    found = acorr_ljungbox(x, lags=[min(lags, len(x) // 2 - 1)])
    return Tested(
        "Ljung-Box test",
        "there is no autocorrelation",
        "Q",
        float(found["lb_stat"].iloc[0]),
        float(found["lb_pvalue"].iloc[0]),
        len(x),
        (float(found.index[0]),),
        checks=("Rows in order of time, in even steps.",),
    )
