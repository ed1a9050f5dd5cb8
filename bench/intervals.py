"""How often the 95 % intervals cover what is true: `python -m bench.intervals [--draws 400] [--only WORD ...]`.

Draws samples of known populations, the awkward ones among them (skewed, of unequal spread, with a rare level, a strong
relation, the extremes of several levels), asks the toolkit for the interval of each and counts how often it holds the
population's value. A share of 400 draws is itself known to about ±0.02. The same seed gives the same counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy

from notebooks.toolkit import intervals

Random = np.random.Generator
SEED, MANY = 11, 1_000_000
"""The seed of the draws, and the rows of a sample that stands for its population."""


@dataclass(frozen=True)
class Scene:
    """A population: `draw(random, n)` gives a sample, `size` an effect's value in one, `interval` its interval."""

    metric: str
    name: str
    n: int
    draw: Callable[[Random, int], Any]
    size: Callable[[Any], float]
    interval: Callable[[Any], tuple[float, float]]

    def covers(self, draws: int) -> tuple[float, float, float]:
        """The shares of draws whose interval holds the population's value, lies below it and lies above it."""
        truth = self.size(self.draw(np.random.default_rng(SEED + 1), MANY))
        random = np.random.default_rng(SEED)
        ends = np.array([self.interval(self.draw(random, self.n)) for _ in range(draws)])
        below, above = float(np.mean(ends[:, 1] < truth)), float(np.mean(ends[:, 0] > truth))
        return 1 - below - above, below, above


def _noise(random: Random, n: int, shape: str) -> Any:
    """So many values with mean 0 and standard deviation 1."""
    if shape == "skewed":
        return random.exponential(1, n) - 1
    if shape == "lognormal":
        return (np.exp(random.standard_normal(n)) - np.exp(0.5)) / ((np.e - 1) * np.e) ** 0.5
    return random.standard_normal(n)


def _levels(
    random: Random, n: int, *, shares: Sequence[float], means: Sequence[float], sds: Sequence[float], shape: str = ""
) -> list[Any]:
    """A sample for each level, as many rows in it as chance gives."""
    sizes = random.multinomial(n, np.array(shares) / sum(shares))
    return [mean + sd * _noise(random, k, shape) for k, mean, sd in zip(sizes, means, sds, strict=True)]


def _eta2(groups: list[Any]) -> tuple[float, float, tuple[int, int]]:
    f = float(scipy.stats.f_oneway(*groups).statistic)
    degrees = len(groups) - 1, sum(map(len, groups)) - len(groups)
    return degrees[0] * f / (degrees[0] * f + degrees[1]), f, degrees


def _d(pair: Sequence[Any]) -> float:
    a, b = pair
    pooled = ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2)
    return float((a.mean() - b.mean()) / pooled**0.5)


def _eta2_interval(groups: list[Any]) -> tuple[float, float]:
    return intervals.eta2_interval(*_eta2(groups)[1:], groups)


def _d_interval(pair: Sequence[Any]) -> tuple[float, float]:
    return intervals.d_interval(_d(pair), *pair)


def _v(counts: Any) -> float:
    chi2 = scipy.stats.chi2_contingency(counts, correction=False).statistic
    return float((chi2 / counts.sum() / (min(counts.shape) - 1)) ** 0.5)


def _table(random: Random, n: int, *, cells: Any) -> Any:
    shares = np.array(cells, float)
    return random.multinomial(n, shares.ravel() / shares.sum()).reshape(shares.shape)


def _curve(random: Random, n: int, *, share: float) -> tuple[Any, Any]:
    x = random.standard_normal(n)
    return x, (share / 2) ** 0.5 * (x * x - 1) + (1 - share) ** 0.5 * random.standard_normal(n)


def _parabola(xy: tuple[Any, Any]) -> float:
    x, y = xy
    return float(1 - np.var(y - np.polyval(np.polyfit(x, y, 2), x)) / np.var(y))


def _counts(random: Random, n: int) -> tuple[Any, Any]:
    x, y = (random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n, method="cholesky")).T
    return random.poisson(np.exp(0.5 * x)), random.poisson(np.exp(0.5 * y))


def _gone(random: Random, n: int) -> list[Any]:
    """A skewed column where another is missing, which it is more often where this is high, and where it is not."""
    x = _noise(random, n, "skewed")
    missing = random.random(n) < 1 / (1 + np.exp(1.73 - 0.8 * x))
    return [x[missing], x[~missing]]


def _range(parts: Sequence[Any]) -> float:
    spreads = [float(np.std(part, ddof=1)) for part in parts]
    return max(spreads) / min(spreads)


def scenes() -> Iterator[Scene]:
    """The populations, by metric."""
    plain, uneven = {"shares": (5, 4, 1), "means": (0, 0.3, 1.2)}, {"shares": (4, 3, 2, 1), "means": (0, 0.3, 0.6, 0.9)}
    for name, told in (
        ("normal groups", plain | {"sds": (1, 1, 1)}),
        ("a rare group that spreads most", plain | {"sds": (1, 1, 2)}),
        ("lognormal groups", uneven | {"sds": (1, 1, 1, 1), "shape": "lognormal"}),
    ):
        yield Scene("eta2", name, 400, partial(_levels, **told), lambda g: _eta2(g)[0], _eta2_interval)
    for name, cells in (
        ("weak", ((3, 2), (2, 3))),
        ("strong", ((4, 1), (1, 4))),
        ("rare levels", ((85, 5), (6, 4))),
        ("four by four", np.ones((4, 4)) + 4 * np.eye(4)),
    ):
        yield Scene("cramers_v", name, 400, partial(_table, cells=cells), _v, intervals.v_interval)
    for n, share in ((100, 0.06), (500, 0.3)):
        draw = partial(_curve, share=share)
        yield Scene("r2", f"a parabola, {share:g}", n, draw, _parabola, lambda xy: intervals.parabola_interval(*xy))
    for shape in ("normal", "skewed"):
        rare = partial(_levels, shares=(1, 20), means=(0.5, 0), sds=(1, 1), shape=shape)
        yield Scene("cohens_d", f"{shape}, one row of 21 in a class", 420, rare, _d, _d_interval)
    yield Scene("cohens_d", "skewed, where another is missing", 500, _gone, _d, _d_interval)
    yield Scene(
        "pearson_r",
        "counts",
        150,
        _counts,
        lambda xy: float(scipy.stats.pearsonr(*xy)[0]),
        lambda xy: intervals.r_interval(*xy),
    )
    for k in (2, 6):
        apart = partial(_levels, shares=(1,) * k, means=(0,) * k, sds=(1.7, *(1,) * (k - 1)))
        yield Scene("sd_ratio", f"the extremes of {k} levels", 200 * k, apart, _range, intervals.spread_interval)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=400, help="samples of each population (400)")
    parser.add_argument("--only", nargs="*", default=[], help="words that the metric or the name must contain")
    options = parser.parse_args()
    print(f"{'metric':<12}{'population':<38}{'n':>6}{'cover':>8}{'below':>8}{'above':>8}")
    for scene in scenes():
        if all(word in f"{scene.metric} {scene.name}" for word in options.only):
            shares = "".join(f"{share:8.3f}" for share in scene.covers(options.draws))
            print(f"{scene.metric:<12}{scene.name:<38}{scene.n:>6}{shares}", flush=True)


if __name__ == "__main__":
    main()
