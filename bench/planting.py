"""Plants true effects in a table in the making, and remembers what was planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bench import measures
from bench.worlds import Scale, World

Columns = dict[str, Any]
Maker = Callable[[np.random.Generator, int, Columns], None]
NOISES = ("normal", "normal", "normal", "t", "laplace", "uniform", "gamma")
POPULATION = 120_000
"""Rows on which an effect's value in the population is taken; its own error is then under 0.003 for a correlation."""


def noise(rng: np.random.Generator, n: int, shape: str = "normal") -> Any:
    """n values with mean 0 and standard deviation 1."""
    if shape == "t":
        return rng.standard_t(7, n) / np.sqrt(7 / 5)
    if shape == "laplace":
        return rng.laplace(0, 1 / np.sqrt(2), n)
    if shape == "uniform":
        return rng.uniform(-np.sqrt(3), np.sqrt(3), n)
    if shape == "gamma":
        return (rng.gamma(6, 1, n) - 6) / np.sqrt(6)
    return rng.standard_normal(n)


@dataclass
class Effect:
    """One planted effect; `measure` takes the columns and gives the figures that its truth records.

    Where the population is known by construction, `best` gives what someone who knows the form would get.
    """

    kind: str
    columns: tuple[str, ...]
    params: dict[str, Any] = field(default_factory=dict)
    measure: Callable[[Columns], measures.Figures] | None = None
    population: dict[str, float] = field(default_factory=dict)
    sample: dict[str, float] = field(default_factory=dict)
    best: Callable[[Columns], measures.Figures] | None = None


class Draft:
    """A table in the making: fresh column names, the makers of its columns, and its truth so far.

    A maker writes columns for any number of rows, so the same maker gives the sample and the population.
    """

    def __init__(self, rng: np.random.Generator, world: World, rows: int) -> None:
        self.rng, self.world, self.rows = rng, world, rows
        self.makers: list[Maker] = []
        self.effects: list[Effect] = []
        self.traps: list[dict[str, Any]] = []
        self.parents: dict[str, list[str]] = {}
        self.scales: dict[str, Scale] = {}
        self.levels: dict[str, tuple[str, ...]] = {}
        self.plain: list[str] = []
        self.flat: list[str] = []
        self.ids: list[str] = []
        self.natural_duplicates = False
        self._numbers = self._shuffled(list(world.numbers))
        self._labels = self._shuffled(list(world.labels))
        self._counts = self._shuffled(list(world.counts))
        self._round = 0

    def _shuffled(self, names: Sequence[str]) -> list[str]:
        return [str(n) for n in self.rng.permutation(list(names))]

    def number(self, parents: Sequence[str] = ()) -> str:
        """A fresh numeric column's name; when the vocabulary is used up it goes on with suffixes."""
        if not self._numbers:
            suffix = ("_prev", "_ref", "_alt", "_target", "_pilot")[self._round]
            self._numbers, self._round = self._shuffled([n + suffix for n in self.world.numbers]), self._round + 1
        name = self._numbers.pop()
        base = next(s for n, s in self.world.numbers.items() if name == n or name.startswith(n + "_"))
        self.scales[name], self.parents[name] = base, list(parents)
        return name

    def label(self, least: int = 2, parents: Sequence[str] = (), cased: bool = False) -> str | None:
        """A fresh label column with at least so many levels (letters only if `cased`), or None."""
        for name in self._labels:
            levels = self.world.labels[name]
            if len(levels) >= least and (not cased or all(v.isalpha() for v in levels)):
                self._labels.remove(name)
                self.levels[name] = tuple(self._shuffled(self.world.labels[name]))
                self.parents[name] = list(parents)
                return name
        return None

    def count(self) -> str | None:
        if not self._counts:
            return None
        name = self._counts.pop()
        self.parents[name] = []
        return name

    def scaled(self, name: str, z: Any) -> Any:
        s = self.scales[name]
        return s.centre + s.spread * z

    def shape(self) -> str:
        return str(self.rng.choice(NOISES))

    def share(self, low: float = 0.02, high: float = 0.42) -> float:
        """A share of variance that stands 7 to 13 standard errors out, within sensible bounds."""
        return float(np.clip(self.rng.uniform(7, 13) ** 2 / self.rows, low, high))

    def sign(self) -> int:
        return int(self.rng.choice([-1, 1]))

    def levels_drawn(self, name: str) -> Maker:
        """The maker of a label column with uneven shares, none under 12 %."""
        k = len(self.levels[name])
        weights = self.rng.dirichlet(np.full(k, 8.0))
        weights = np.maximum(weights, 0.12)
        weights, levels = weights / weights.sum(), np.array(self.levels[name], dtype=object)

        def make(rng: np.random.Generator, n: int, out: Columns) -> None:
            out[name] = levels[rng.choice(k, n, p=weights)]

        return make

    def simple_number(self, name: str, shape: str = "normal") -> Maker:
        def make(rng: np.random.Generator, n: int, out: Columns) -> None:
            out[name] = self.scaled(name, noise(rng, n, shape))

        return make

    def add(self, *makers: Maker) -> None:
        self.makers += makers

    def grow(self, rng: np.random.Generator, rows: int, first: int | None = None) -> Columns:
        """All columns, made afresh for so many rows; or those of the first so many makers only."""
        out: Columns = {}
        for make in self.makers[:first]:
            make(rng, rows, out)
        return out


def z_of(d: Draft, name: str, values: Any) -> Any:
    s = d.scales[name]
    return (values - s.centre) / s.spread


def related(d: Draft, x: str, y: str, share: float, sign: int, form: Callable[[Any], Any]) -> None:
    """Make x, and y = form(x) plus noise such that the form explains `share` of y's variance."""
    x_shape, y_shape = str(d.rng.choice(["normal", "normal", "uniform", "t"])), d.shape()
    probe = form(noise(np.random.default_rng(1), 200_000, x_shape))
    centre, spread = float(probe.mean()), float(probe.std())

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        z = noise(rng, n, x_shape)
        told = sign * (form(z) - centre) / spread
        out[x] = d.scaled(x, z)
        out[y] = d.scaled(y, np.sqrt(share) * told + np.sqrt(1 - share) * noise(rng, n, y_shape))

    d.add(make)


def correlation(d: Draft) -> bool:
    x = d.number()
    y = d.number([x])
    monotone, sign = bool(d.rng.random() < 0.35), d.sign()
    related(d, x, y, d.share(), sign, (lambda z: np.exp(0.9 * z)) if monotone else (lambda z: z))
    params = {"direction": "+" if sign > 0 else "-", "monotone": monotone}
    d.effects.append(Effect("correlation", (x, y), params, lambda c: measures.numeric_pair(c[x], c[y])))
    return True


def nonlinear_association(d: Draft) -> bool:
    x = d.number()
    y = d.number([x])
    sign = d.sign()
    related(d, x, y, d.share(0.05), sign, (lambda z: z * z) if d.rng.random() < 0.7 else np.abs)
    params = {"shape": "U" if sign > 0 else "inverted U"}
    d.effects.append(Effect("nonlinear_association", (x, y), params, lambda c: measures.curve(c[x], c[y])))
    return True


def group_difference(d: Draft) -> bool:
    g = d.label()
    if g is None:
        return False
    y = d.number([g])
    k, share, shape = len(d.levels[g]), d.share(), d.shape()
    means = np.append(d.rng.uniform(-0.3, 0.3, k - 1), 1.0)
    order = d.rng.permutation(k)
    means = means[order]
    top = d.levels[g][int(np.argmax(means))]
    draw = d.levels_drawn(g)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        draw(rng, n, out)
        lift = pd.Series(out[g]).map(dict(zip(d.levels[g], means, strict=True))).to_numpy(float)
        spread = lift.std() or 1.0
        told = (lift - lift.mean()) / spread
        out[y] = d.scaled(y, np.sqrt(share) * told + np.sqrt(1 - share) * noise(rng, n, shape))

    d.add(make)
    d.effects.append(Effect("group_difference", (y, g), {"top": top}, lambda c: measures.groups(c[y], c[g])))
    return True


def variance_difference(d: Draft) -> bool:
    g = d.label()
    if g is None:
        return False
    y = d.number([g])
    k = len(d.levels[g])
    wide = int(d.rng.integers(k))
    ratio = float(np.clip(1 + d.rng.uniform(9, 14) / np.sqrt(d.rows), 1.35, 2.4))
    draw, top = d.levels_drawn(g), d.levels[g][wide]

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        draw(rng, n, out)
        out[y] = d.scaled(y, noise(rng, n) * np.where(out[g] == top, ratio, 1.0) / np.sqrt(ratio))

    d.add(make)
    found = Effect("variance_difference", (y, g), {"top": top}, lambda c: measures.spreads(c[y], c[g]))
    d.effects.append(found)
    return True


def association(d: Draft) -> bool:
    a, b = d.label(), None
    if a is not None:
        b = d.label(parents=[a])
    if a is None or b is None:
        return False
    weight = float(np.clip(d.rng.uniform(8, 13) / np.sqrt(d.rows), 0.16, 0.6))
    draw_a, draw_b = d.levels_drawn(a), d.levels_drawn(b)
    partner = {level: d.levels[b][i % len(d.levels[b])] for i, level in enumerate(d.levels[a])}

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        draw_a(rng, n, out)
        draw_b(rng, n, out)
        follow = rng.random(n) < weight
        out[b] = np.where(follow, np.array([partner[v] for v in out[a]], dtype=object), out[b])

    d.add(make)
    d.effects.append(Effect("association", (a, b), {}, lambda c: measures.labels(c[a], c[b])))
    return True


def interaction(d: Draft) -> bool:
    g = d.label()
    if g is None:
        return False
    x = d.number()
    y = d.number([x, g])
    where = d.levels[g][int(d.rng.integers(len(d.levels[g])))]
    r = float(np.clip(d.rng.uniform(10, 15) / np.sqrt(d.rows / len(d.levels[g])), 0.35, 0.75)) * d.sign()
    draw = d.levels_drawn(g)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        draw(rng, n, out)
        z, here = noise(rng, n), out[g] == where
        told = np.where(here, r * z, 0) + np.where(here, np.sqrt(1 - r * r), 1) * noise(rng, n)
        out[x], out[y] = d.scaled(x, z), d.scaled(y, told)

    d.add(make)
    d.effects.append(Effect("interaction", (x, y, g), {"level": where}))
    return True


def distribution_shape(d: Draft) -> bool:
    y = d.number()
    shape = str(d.rng.choice(["bimodal", "skewed"]))
    apart, part, sigma = d.rng.uniform(2.2, 2.9), d.rng.uniform(0.35, 0.65), d.rng.uniform(0.75, 1.0)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        if shape == "bimodal":
            told = noise(rng, n) + np.where(rng.random(n) < part, apart, -apart)
            told = told / np.hypot(1, apart)
        else:
            told = np.exp(sigma * noise(rng, n)) - 1
        out[y] = d.scaled(y, told)

    d.add(make)
    d.effects.append(Effect("distribution_shape", (y,), {"shape": shape}))
    return True


def outliers(d: Draft) -> bool:
    y = d.number()
    many, side = int(d.rng.integers(4, 13)), int(d.rng.choice([-1, 0, 1]))

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        told = noise(rng, n)
        far = rng.uniform(8, 16, many) * (side or rng.choice([-1, 1], many))
        told[rng.choice(n, many, replace=False)] = far
        out[y] = d.scaled(y, told)

    d.add(make)
    count = {"count": many}
    d.effects.append(Effect("outliers", (y,), population=dict(count), sample=dict(count)))
    return True


def clusters(d: Draft) -> bool:
    k, width = int(d.rng.integers(3, 6)), int(d.rng.integers(3, 5))
    names = [d.number(["_cluster"]) for _ in range(width)]
    centres = d.rng.uniform(-1, 1, (k, width))
    while min(np.linalg.norm(a - b) for i, a in enumerate(centres) for b in centres[:i]) < 0.8:
        centres = d.rng.uniform(-1, 1, (k, width))
    within = 0.8 / d.rng.uniform(6.5, 8)
    weights = np.maximum(d.rng.dirichlet(np.full(k, 9.0)), 0.12)
    weights = weights / weights.sum()

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        which = rng.choice(k, n, p=weights)
        for j, name in enumerate(names):
            out[name] = d.scaled(name, 1.6 * (centres[which, j] + within * noise(rng, n)))

    d.add(make)
    d.effects.append(Effect("clusters", tuple(names), population={"k": k}, sample={"k": k}))
    return True


def missing_pattern(d: Draft) -> bool:
    y, x = d.number(), d.number()
    sign, rate = d.sign(), d.rng.uniform(-2.2, -1.5)
    slope = sign * max(0.9, 9 / np.sqrt(d.rows) * 3)

    def make(rng: np.random.Generator, n: int, out: Columns) -> None:
        z = noise(rng, n)
        out[x], out[y] = d.scaled(x, z), d.scaled(y, noise(rng, n))
        out[y][rng.random(n) < 1 / (1 + np.exp(-(rate + slope * z)))] = np.nan

    d.add(make)
    d.effects.append(Effect("missing_pattern", (y, x), {"direction": "+" if sign > 0 else "-"}))
    d.plain += [y, x]
    return True


EFFECTS: dict[str, Callable[[Draft], bool]] = {
    f.__name__: f
    for f in (
        correlation, group_difference, nonlinear_association, association, interaction, variance_difference,
        distribution_shape, outliers, clusters, missing_pattern,
    )
}  # fmt: skip
"""Each plants one effect of its kind among fresh columns; False when the table has no columns left for it."""
