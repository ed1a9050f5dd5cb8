"""Intervals hold the truth as often as they say, for strong effects and for columns of any shape."""

from __future__ import annotations

import numpy as np
import pytest
import scipy

from notebooks.toolkit.intervals import d_interval, eta2_interval, r_interval, v_interval


@pytest.mark.parametrize(("share", "n"), [(0.06, 1_000), (0.06, 100_000), (0.7, 4_000), (0.9, 1_500)])
def test_the_interval_of_explained_variation_covers_however_strong_the_effect(share: float, n: int) -> None:
    degrees = (3, n - 4)
    draws = scipy.stats.ncf(*degrees, share / (1 - share) * n).rvs(400, random_state=1)
    ends = [eta2_interval(f, degrees) for f in draws]
    assert 0.92 <= np.mean([low <= share <= high for low, high in ends]) <= 0.98


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


def test_intervals_hold_for_columns_of_any_shape(random: np.random.Generator) -> None:
    """Of 120 samples nine in ten intervals hold the truth where counts spread with their mean; Fisher's hold fewer."""
    held = {"r": 0, "plain": 0, "d": 0}
    for _ in range(120):
        x = random.gamma(2, 4, 300)
        y = random.poisson(x)  # r is the root of 32 / (32 + 8)
        low, high = r_interval(x, y)
        fisher = scipy.stats.pearsonr(x, y).confidence_interval()
        held["r"] += low <= 0.8**0.5 <= high
        held["plain"] += fisher.low <= 0.8**0.5 <= fisher.high
        many, few = random.normal(0, 1, 400), random.normal(0.5, 3, 60)
        pooled = ((399 * many.var(ddof=1) + 59 * few.var(ddof=1)) / 458) ** 0.5
        low, high = d_interval((few.mean() - many.mean()) / pooled, few, many)
        held["d"] += low <= 0.5 / ((399 + 59 * 9) / 458) ** 0.5 <= high
    assert held["r"] >= 105
    assert held["d"] >= 105
    assert held["r"] > held["plain"]
    low, high = d_interval(0.0, random.normal(size=40_000), random.normal(size=500))  # of which a part is resampled
    assert (high - low) / 2 == pytest.approx(1.96 * (1 / 40_000 + 1 / 500) ** 0.5, rel=0.2)
    x = random.normal(size=40_000)
    low, high = r_interval(x, x + random.normal(size=40_000))
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 200, rel=0.2)


def test_the_interval_of_cramers_v_is_not_above_its_truth() -> None:
    independent = np.outer([200, 300, 500], [0.2, 0.3, 0.1, 0.4]).astype(int)
    assert v_interval(independent)[0] == 0
    low, high = v_interval([[60, 40], [40, 60]])  # chi-square 8, noncentrality 0.75 to 22.9 (Smithson 2003, table B)
    assert low == pytest.approx((0.757 / 200) ** 0.5, abs=0.005)
    assert high == pytest.approx((22.91 / 200) ** 0.5, abs=0.005)
    sparse = np.eye(20, dtype=int) * 2 + np.tile([0, 1], (20, 10))  # of few rows each: V lies above what noise leaves
    for counts in ([[50, 0], [0, 50]], sparse):
        low, high = v_interval(counts)
        assert low <= scipy.stats.contingency.association(np.asarray(counts), method="cramer") <= high
