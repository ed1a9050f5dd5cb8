"""What an effect measures on a table: the figures that a truth records, and how many standard errors it stands out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy

Figures = dict[str, float]


def numeric_pair(x: Any, y: Any) -> Figures:
    """Pearson's and Spearman's r, and the share of variance a line explains."""
    r = float(np.corrcoef(x, y)[0, 1])
    return {"pearson_r": r, "spearman_r": float(scipy.stats.spearmanr(x, y).statistic), "r2": r * r}


def curve(x: Any, y: Any) -> Figures:
    """As `numeric_pair`, with r2 of a parabola."""
    found = numeric_pair(x, y)
    fit = np.polynomial.Polynomial.fit(x, y, 2)
    return found | {"r2": float(1 - np.var(y - fit(np.asarray(x))) / np.var(y))}


def binary_target(x: Any, y: Any) -> Figures:
    """What separates x between the rows where y is 1 and where it is 0."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    ones, zeros = x[y == 1], x[y == 0]
    pooled = np.sqrt(((len(ones) - 1) * ones.var(ddof=1) + (len(zeros) - 1) * zeros.var(ddof=1)) / (len(x) - 2))
    gap = float(ones.mean() - zeros.mean())
    auc = (scipy.stats.rankdata(x)[y == 1].sum() - len(ones) * (len(ones) + 1) / 2) / (len(ones) * len(zeros))
    return numeric_pair(x, y) | {"cohens_d": gap / float(pooled), "mean_diff": gap, "auc": float(auc)}


def groups(y: Any, g: Any) -> Figures:
    """Eta squared; with two levels also what compares two means and two spreads (the second level less the first)."""
    y = np.asarray(y, float)
    parts = [y[g == level] for level in sorted(set(g))]
    between = sum(len(p) * (p.mean() - y.mean()) ** 2 for p in parts)
    found = {"eta2": float(between / ((y - y.mean()) ** 2).sum())}
    if len(parts) != 2:
        return found
    a, b = parts
    pooled = np.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(y) - 2))
    gap = float(b.mean() - a.mean())
    return found | {
        "mean_diff": gap,
        "cohens_d": gap / float(pooled),
        "lift_rel": gap / float(a.mean()),
        "sd_ratio": float(b.std(ddof=1) / a.std(ddof=1)),
    }


def spreads(y: Any, g: Any) -> Figures:
    """The largest standard deviation of a level over the smallest."""
    sds = [np.std(np.asarray(y, float)[g == level], ddof=1) for level in sorted(set(g))]
    return {"sd_ratio": float(max(sds) / min(sds))}


def labels(a: Any, b: Any) -> Figures:
    """Cramér's V, without a correction for bias."""
    table = pd.crosstab(np.asarray(a), np.asarray(b))
    chi2 = scipy.stats.chi2_contingency(table, correction=False).statistic
    return {"cramers_v": float(np.sqrt(chi2 / (table.to_numpy().sum() * (min(table.shape) - 1))))}


def _z(p: float) -> float:
    return float(scipy.stats.norm.isf(max(p, 1e-300) / 2))


def standing_out(kind: str, columns: Sequence[str], frame: pd.DataFrame) -> float | None:
    """Standard errors by which a planted effect differs from none; None for kinds that no single test decides."""
    if len(columns) < 2:
        return None
    first, second = frame[columns[0]], frame[columns[1]]
    if kind == "nonlinear_association":
        x, y = np.asarray(first, float), np.asarray(second, float)
        r2 = curve(x, y)["r2"]
        return _z(float(scipy.stats.f.sf(r2 / 2 / ((1 - r2) / (len(x) - 3)), 2, len(x) - 3)))
    if kind == "association":
        return _z(float(scipy.stats.chi2_contingency(pd.crosstab(first, second)).pvalue))
    if kind == "missing_pattern":
        gone = first.isna()
        return _z(float(scipy.stats.ttest_ind(second[gone], second[~gone], equal_var=False).pvalue))
    if kind == "variance_difference":
        return _z(float(scipy.stats.levene(*[g for _, g in first.groupby(second)], center="median").pvalue))
    if kind == "interaction":
        return _interaction(frame, columns)
    if kind in ("correlation", "group_difference", "driver", "ab_effect"):
        if pd.api.types.is_numeric_dtype(first) and pd.api.types.is_numeric_dtype(second):
            r = scipy.stats.pearsonr(first, second).statistic, scipy.stats.spearmanr(first, second).statistic
            return float(max(map(abs, r)) * np.sqrt(len(first)))
        numeric = pd.api.types.is_numeric_dtype(first)
        outcome, factor = columns[:2] if numeric else (columns[1], columns[0])
        return _z(float(scipy.stats.f_oneway(*[part for _, part in frame.groupby(factor)[outcome]]).pvalue))
    return None


def _interaction(frame: pd.DataFrame, columns: Sequence[str]) -> float:
    """The steepest level's slope against the slope of all others, in standard errors of their difference."""
    x, y, g = (frame[c] for c in columns)
    fits = []
    for level in sorted(set(g)):
        inside = [scipy.stats.linregress(x[mask], y[mask]) for mask in (g == level, g != level)]
        fits.append(abs(inside[0].slope - inside[1].slope) / np.hypot(inside[0].stderr, inside[1].stderr))
    return float(max(fits))
