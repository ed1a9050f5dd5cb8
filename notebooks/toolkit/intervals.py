"""Intervals of 95 % for effects, by theory where it holds and by resampling where it does not."""

from typing import Any

import numpy as np


def eta2_interval(f: float, degrees: tuple[float, float], groups: Any = None) -> tuple[float, float]:
    """The 95 % interval of η² from an F statistic and its degrees of freedom; `groups` are its samples.

    By the noncentral F distribution, as statsmodels has it. That looks no farther than a noncentrality of 10,000; close
    to it and beyond, the noncentrality is taken for lognormal, its relative variance being 4/λ + 2/df (delta method).
    Both suppose normal groups of one spread and sizes that were chosen. With `groups` the interval is as wide as
    resampling the rows finds it: see `stretched`.
    """
    from statsmodels.stats.oneway import confint_effectsize_oneway

    beyond = degrees[0] * (f - 1)
    if beyond < 8_000:
        with np.errstate(divide="ignore"):  # a lower end of zero
            low, high = np.nan_to_num(confint_effectsize_oneway(f, degrees).eta2)
    else:
        ends = beyond * np.exp(np.array([-1.96, 1.96]) * (4 / beyond + 2 / degrees[1]) ** 0.5)
        low, high = ends / (ends + sum(degrees) + 1)
    if groups is None or not np.isfinite(f):
        return float(low), float(high)
    values = np.concatenate([np.asarray(part, float) for part in groups])
    values, codes = values - values.mean(), np.repeat(np.arange(len(groups)), [len(part) for part in groups])

    def eta(y: Any, level: Any, axis: int) -> Any:
        whole, between = (y**2).sum(axis), -(y.sum(axis) ** 2) / y.shape[axis]
        spread = whole + between
        for k in range(len(groups)):
            inside = level == k
            between = between + (y * inside).sum(axis) ** 2 / np.maximum(inside.sum(axis), 1)
        return np.arctanh(np.sqrt(np.clip(between / spread, 0, 0.9999)))

    made = degrees[0] * (f + 1)  # what resampled rows show: what these do, and as much noise once more
    by_theory = (2 * degrees[0] * (1 + 2 * f) + 2 * made**2 / degrees[1]) ** 0.5
    by_theory /= 2 * (made * (degrees[1] + made)) ** 0.5
    fair = degrees[0] * (f - 1) / (degrees[0] * f + degrees[1])  # without the share that noise takes
    middle, *ends = np.arctanh(np.sqrt(np.clip([fair, low, high], 0, 0.9999)))
    times = resampled_error(eta, values, codes, paired=True) / by_theory
    ends = stretched(np.tanh(middle), middle - ends[0], ends[1] - middle, times)
    return (ends[0] ** 2 if low > 0 else 0.0), ends[1] ** 2


def stretched(root: float, down: float, up: float, times: float) -> tuple[float, float]:
    """An interval around a correlation-like root, its ends so many times as far away, told on Fisher's scale (z).

    A noncentral distribution knows where noise alone would put a small share of variation, but has its spread from a
    theory that holds for normal samples or weak relations; resampling knows the spread, but not the place. `times` is
    the spread that resampling finds over the theory's, as Satorra and Bentler (1994) scale a chi-square.
    """
    middle = float(np.arctanh(min(root, 0.9999)))
    return max(0.0, float(np.tanh(middle - times * down))), float(np.tanh(middle + times * up))


def resampled_error(statistic: Any, *samples: Any, paired: bool = False) -> float:
    """The standard error of a statistic of one or more samples, by 200 bootstrap resamples with a fixed seed.

    It asks nothing of the samples' shape. Of long samples a part is resampled, of each the same share, and the error is
    scaled. `statistic(*samples, axis)` works along an axis; the values of paired samples stay together.
    """
    from scipy.stats import bootstrap

    random, sizes = np.random.default_rng(0), [len(v) for v in samples]
    share = max(1, min(max(sizes) // 4_000, min(sizes) // 300))
    order = [random.permutation(n)[: n // share] for n in (sizes[:1] if paired else sizes)]
    some = [np.asarray(v)[order[0 if paired else i]] for i, v in enumerate(samples)]
    found = bootstrap(
        some, statistic, paired=paired, n_resamples=200, batch=25, method="percentile", rng=np.random.default_rng(0)
    )
    return float(found.standard_error / share**0.5)


def r_interval(x: Any, y: Any) -> tuple[float, float]:
    """The 95 % interval of a correlation: Fisher's z, with its standard error from resampling.

    Fisher's own error holds for normal columns only; counts, skewed columns and spreads that grow make it too small.
    For under 30 rows, or points on a line, it is taken all the same.
    """
    from scipy.stats import pearsonr, t

    plain = pearsonr(x, y)
    if len(x) < 30 or abs(plain.statistic) > 0.9999:
        low, high = plain.confidence_interval()
        return float(low), float(high)
    error = resampled_error(lambda a, b, axis: np.arctanh(pearsonr(a, b, axis=axis).statistic), x, y, paired=True)
    middle, half = np.arctanh(plain.statistic), t.ppf(0.975, len(x) - 2) * error
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))


def parabola_interval(x: Any, y: Any) -> tuple[float, float]:
    """The 95 % interval of the share of y's variation that a parabola in x explains: of its root, as `r_interval`."""
    from scipy.stats import t

    x = (x - x.mean()) / x.std()

    def root(x: Any, y: Any, axis: int) -> Any:
        def moment(a: Any, b: Any) -> Any:
            return ((a - a.mean(axis, keepdims=True)) * (b - b.mean(axis, keepdims=True))).sum(axis)

        square = x * x
        xx, ss, xs, xy, sy = moment(x, x), moment(square, square), moment(x, square), moment(x, y), moment(square, y)
        told = (xy**2 * ss - 2 * xy * sy * xs + sy**2 * xx) / ((xx * ss - xs**2) * moment(y, y))
        return np.arctanh(np.sqrt(np.clip(told, 0, 0.9999)))

    half = t.ppf(0.975, len(x) - 3) * resampled_error(root, x, y, paired=True)
    middle = float(root(x, y, 0))
    return float(np.tanh(max(0.0, middle - half)) ** 2), float(np.tanh(middle + half) ** 2)


def d_interval(d: float, high: Any, low: Any) -> tuple[float, float]:
    """The 95 % interval of Cohen's d of two samples, with its standard error from resampling.

    Resampled, a sample of n has (n − 1)/n of its variance, so the error is widened by that, each sample's part of it
    as large as its part of the difference's variance; and its quantile is Student's t of Welch's degrees of freedom.
    """
    from scipy.stats import t

    def cohens_d(a: Any, b: Any, axis: int) -> Any:
        n, m = a.shape[axis], b.shape[axis]
        pooled = ((n - 1) * np.var(a, axis=axis, ddof=1) + (m - 1) * np.var(b, axis=axis, ddof=1)) / (n + m - 2)
        return (np.mean(a, axis=axis) - np.mean(b, axis=axis)) / np.sqrt(pooled)

    sizes = np.array([len(high), len(low)])
    parts = np.array([np.var(high, ddof=1), np.var(low, ddof=1)]) / sizes
    parts = parts / parts.sum() if parts.sum() > 0 else np.array([0.5, 0.5])
    wider = float((parts * sizes / (sizes - 1)).sum()) ** 0.5
    half = float(t.ppf(0.975, 1 / (parts**2 / (sizes - 1)).sum())) * wider * resampled_error(cohens_d, high, low)
    return d - half, d + half


def spread_interval(parts: list[Any]) -> tuple[float, float]:
    """The 95 % interval of the largest standard deviation of several samples over the smallest, chosen for that.

    Each logarithm of a standard deviation has its error from resampling. The largest and the smallest of several that
    are alike lie farther apart than any two of them do, so the lower end allows for the choice: levels that lie within
    1.5 errors of an end are taken for tied with it (as Andrews and Soares, 2010, select moments), and how far such ties
    drift apart is drawn.
    """
    logs = np.array([np.log(np.std(part, ddof=1)) for part in parts])
    errors = np.array([resampled_error(lambda v, axis: np.log(np.std(v, axis=axis, ddof=1)), v) for v in parts])
    top, low = int(logs.argmax()), int(logs.argmin())
    gap = float(logs[top] - logs[low])
    upper = (logs[top] - logs <= 1.5 * np.hypot(errors, errors[top])) & (logs - logs[low] > gap / 2)
    lower = (logs - logs[low] <= 1.5 * np.hypot(errors, errors[low])) & (logs - logs[low] <= gap / 2)
    tied = logs.copy()
    for near in (upper, lower):
        tied[near] = np.average(logs[near], weights=1 / errors[near] ** 2)
    drawn = tied + errors * np.random.default_rng(0).standard_normal((2_000, len(logs)))
    drift = float(np.quantile(np.ptp(drawn, axis=1) - np.ptp(tied), 0.975))
    half = 1.96 * float(np.hypot(errors[top], errors[low]))
    return float(np.exp(gap - max(drift, half))), float(np.exp(gap + half))


def v_interval(counts: Any) -> tuple[float, float]:
    """The 95 % interval of Cramér's V of a table of counts, by the noncentral chi-square distribution.

    See Smithson (2003), Confidence Intervals. That distribution holds for weak relations; in strong ones and where a
    level is rare V spreads otherwise, so the interval is as wide as resampling the rows finds it: see `stretched`.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2_contingency, ncx2

    counts = np.asarray(counts)
    found = chi2_contingency(counts, correction=False)
    rows, freedom = int(counts.sum()), int(found.dof)
    chi2, scale = float(found.statistic), rows * (min(counts.shape) - 1)
    ends = []
    for level in (0.975, 0.025):

        def off(noncentrality: float, level: float = level) -> float:
            return float(ncx2.cdf(chi2, freedom, noncentrality)) - level

        ends.append(brentq(off, 1e-9, 2 * chi2 + 100) if off(1e-9) > 0 else 0.0)
    drawn = np.random.default_rng(0).multinomial(rows, counts.ravel() / rows, 400).reshape(-1, *counts.shape)
    expected = drawn.sum(2, keepdims=True) * drawn.sum(1, keepdims=True) / rows
    again = ((drawn - expected) ** 2 / np.maximum(expected, 1e-9)).sum((1, 2)) / scale
    by_theory = ((2 * freedom + 4 * chi2) / (4 * (chi2 + freedom)) / scale) ** 0.5
    times = float(np.std(np.sqrt(again), ddof=1)) / by_theory
    root, low, high = np.sqrt(np.array([max(0.0, chi2 - freedom), *ends]) / scale)
    slope = 1 / max(1 - root**2, 1e-3)
    moved = stretched(root, (root - low) * slope, (high - root) * slope, times)
    # Of many levels of few rows each, V itself lies above what noise leaves of it
    told = min(1.0, (chi2 / scale) ** 0.5)
    return (min(told, moved[0]) if low > 0 else 0.0), max(told, moved[1])
