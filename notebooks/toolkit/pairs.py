"""How any two columns go together: the test that fits their kinds, its effect and its interval."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.stats.contingency import association as contingency
from statsmodels.stats.meta_analysis import effectsize_smd
from statsmodels.stats.oneway import anova_oneway

from notebooks.toolkit.columns import names, yes_level
from notebooks.toolkit.intervals import d_interval, eta2_interval, parabola_interval, r_interval, v_interval
from notebooks.toolkit.table import Table
from notebooks.toolkit.unseen import as_design, gain_in_unseen

FLOOR = {
    "pearson_r": 0.07,
    "spearman_r": 0.07,
    "r2": 0.02,
    "cohens_d": 0.15,
    "eta2": 0.005,
    "cramers_v": 0.07,
    "mean_diff": 0,
}
"""The least effect of each metric that is worth telling."""

SURE = 1.0
"""Standard errors by which what is found must tell more of rows that were left out of the fit."""

Found = dict[str, Any]


def as_level(level: Any) -> str:
    """The name of a level: 3, and not 3.0 as where a value is missing."""
    return f"{level:.12g}" if isinstance(level, float) else str(level)


def strength(found: Found) -> float:
    """An effect on the scale of a correlation."""
    size = abs(found["shift"] if found["metric"] == "mean_diff" else found["value"])
    match found["metric"]:
        case "mean_diff" | "cohens_d":
            return float(size / (size * size + 4) ** 0.5)
        case "eta2" | "r2":
            return float(size**0.5)
    return float(size)


def parabola(x: Any, y: Any) -> float:
    """The share of y's variation that a parabola in x explains."""
    fit = np.polynomial.Polynomial.fit(x, y, 2)
    return float(1 - np.var(y - fit(x)) / np.var(y))


def by_fifths(cut: Any, v: Any) -> tuple[float, float, float, tuple[int, int]] | None:
    """The F test of a column's means in five parts, from their sums: F, p, the share of its variation and the degrees
    of freedom; None where there are too few parts, rows or values for it."""
    off = v - v.mean()
    n = np.bincount(cut, minlength=5).astype(float)
    sums = np.bincount(cut, off, minlength=5)[n > 0]
    n = n[n > 0]
    degrees = len(n) - 1, int(n.sum()) - len(n)
    total, between = float(off @ off), float((sums**2 / n).sum())
    within = total - between
    if len(n) < 3 or n.min() < 3 or within <= 1e-12 * total:
        return None
    f = between / degrees[0] / (within / degrees[1])
    return f, float(stats.f.sf(f, *degrees)), between / total, degrees


class Pairs:
    """The pairs of a table's columns: `measure` tests one, `interval` says how sure its effect is.

    Where an outcome is given, it is what depends on the other column; what was `asked` for by name may be compared
    within units that were measured twice. With more than 1,000 rows 40 % of them can be looked at by themselves.
    """

    def __init__(self, table: Table, outcome: str = "", asked: bool = False) -> None:
        self.table, self.df, self.outcome, self.asked = table, table.df, outcome, asked
        draw = np.random.default_rng(0).random(len(self.df)) < 0.6
        self.parts = {"all": np.ones(len(self.df), bool), "confirm": ~draw}
        self.present = {c: self.df[c].notna().to_numpy() for c in table.of("number", "category")}
        for name in ("values", "levels", "ranks", "fifths", "far_values", "few_whole", "are_codes"):
            setattr(self, name, cache(getattr(self, name)))

    def values(self, name: str) -> Any:
        """A column of numbers as an array."""
        return self.df[name].to_numpy(dtype=float, na_value=np.nan)

    def levels(self, name: str) -> tuple[Any, Any]:
        """A category as codes (−1 for missing) and its levels in order."""
        return pd.factorize(self.df[name], sort=True)

    def ranks(self, name: str, part: str) -> Any:
        """The ranks of a column within a part of the rows, or None where some of them have no value."""
        inside = self.parts[part]
        return stats.rankdata(self.values(name)[inside]) if self.present[name][inside].all() else None

    def fifths(self, name: str, part: str) -> Any:
        """For each row of a part, which fifth of the column it falls into; −1 without a value."""
        inside = self.values(name)[self.parts[part]]
        fifth = np.full(len(inside), -1)
        known = ~np.isnan(inside)
        # Equal values stay together: split by the order of the rows, they would tell of whatever the rows are sorted by
        fifth[known] = (stats.rankdata(inside[known]) - 1) * 5 // known.sum()
        return fifth

    def far_values(self, name: str) -> bool:
        """Whether a column has such far values that they drown differences of means, but not of ranks (kurtosis).

        It looks at the column alone, so the choice of the test costs nothing.
        """
        return bool(stats.kurtosis(self.values(name)[self.present[name]]) > 3)

    def few_whole(self, name: str) -> bool:
        """Whether a column of numbers has 3 to 8 whole values, as codes of groups have (and counts, and grades)."""
        known = self.values(name)[self.present[name]]
        return bool(3 <= self.df[name].nunique() <= 8 and (known == np.floor(known)).all())

    def are_codes(self, name: str, other: str) -> bool:
        """Whether whole numbers only name groups: the other column's means jump about where a line through them would
        go, or a parabola, where neither is the outcome and either may be what depends.

        The F test for lack of fit, of a number or of two levels taken as 0 and 1; strict, as it is tried on many pairs.
        """
        both = self.present[name] & self.present[other]
        kind, many = self.table.kind(other), self.df[other].nunique()
        if kind not in ("number", "category") or (kind == "category" and many != 2) or not self.few_whole(name):
            return False
        degree = 1 if self.outcome in (name, other) else 2
        if degree == 2 and (kind != "number" or many <= 20):
            return False
        x = self.values(name)[both]
        y = self.values(other)[both] if kind == "number" else self.levels(other)[0][both].astype(float)
        groups = [y[x == level] for level in np.unique(x)]
        within = sum(((v - v.mean()) ** 2).sum() for v in groups)
        bends, rest = len(groups) - 1 - degree, len(y) - len(groups)
        if min(map(len, groups)) < 5 or within == 0 or np.ptp(y) == 0 or bends < 1:
            return False
        total = ((y - y.mean()) ** 2).sum()
        smooth = np.polynomial.Polynomial.fit(x, y, degree)
        lack = ((y - smooth(x)) ** 2).sum() - within
        return bool(stats.f.sf(lack / bends / (within / rest), bends, rest) < 1e-5 and lack / total >= 0.005)

    def by_ranks(self, name: str, part: str, both: Any, groups: list[Any]) -> float:
        """The p-value of groups' differing in the ranks of a column (Conover and Iman's form of Kruskal and Wallis's
        test)."""
        whole = self.ranks(name, part)
        placed = whole[both[self.parts[part]]] if whole is not None else stats.rankdata(self.values(name)[both])
        parts = [placed[inside] for inside in groups]
        return float(stats.f_oneway(*parts).pvalue) if max(map(np.ptp, parts)) > 0 else 1.0

    def measure(self, a: str, b: str, part: str = "all", like: Found | None = None) -> Found | None:
        """The test that fits two columns, on those rows of a part that have both; None where there is nothing to test.

        What was found before is looked at again in its own form only (`like`).
        """
        both = self.parts[part] & self.present[a] & self.present[b]
        numeric = [self.table.kind(c) == "number" for c in (a, b)]
        enough = both.sum() >= max(6, 0.5 * len(self.df)) and len(self.df) < 20
        if both.sum() < 10 and not (all(numeric) and enough):
            return None
        others = zip(numeric, (a, b), (b, a), strict=True)
        numeric = [n and not (c != self.outcome and self.are_codes(c, other)) for n, c, other in others]
        if all(numeric):
            found = self._numbers(a, b, part, both, like)
        elif any(numeric):
            found = self._number_by_category(*((a, b) if numeric[0] else (b, a)), both, part)
        else:
            found = self._categories(a, b, both)
        return found and found | {"n": int(both.sum()), "a": a, "b": b}

    def _numbers(self, a: str, b: str, part: str, both: Any, like: Found | None) -> Found | None:
        """Pearson's r, unless only the ranks or a curve show the relation; `bent` is the column that depends on the
        other."""
        x, y = self.values(a)[both], self.values(b)[both]
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            return None
        form = like["metric"] if like and len(x) >= 10 else ""
        found: Found = {"metric": "pearson_r", "value": 0.0, "p": 1.0, "test": "pearson"}
        if form != "r2":
            places = [self.ranks(c, part) for c in (a, b)] if form != "pearson_r" else []
            ordered = bool(places) and all(one is not None for one in places)
            r: Any = None if form == "spearman_r" else stats.pearsonr(x, y)
            rho: Any = None
            if form != "pearson_r":
                rho = stats.pearsonr(*places) if ordered else stats.spearmanr(x, y)
            straight = r or rho
            found |= {"value": straight.statistic, "p": straight.pvalue}
            if r and rho and r.statistic * rho.statistic < 0:  # far values say one thing, the order of all another
                found["turns"] = {"r": r.statistic, "Spearman's rank correlation": rho.statistic}
        if form in ("pearson_r", "spearman_r"):
            return found
        if len(x) < 10:  # a single far point makes a line of few rows, but no order
            same = r.statistic * rho.statistic > 0
            return found | {"p": min(1.0, 3 * max(r.pvalue, rho.pvalue)) if same else 1.0}
        if not like and abs(rho.statistic) > abs(r.statistic) + 0.05:
            found |= {"metric": "spearman_r", "value": rho.statistic, "p": rho.pvalue, "test": "spearman"}
        if len(x) >= 20 and abs(found["value"]) < 0.5:
            inside = both[self.parts[part]]
            for other, bent in ((a, b), (b, a)):
                if bent != (like["bent"] if like else self.outcome if self.outcome in (a, b) else bent):
                    continue
                v, cut = y if bent == b else x, self.fifths(other, part)[inside]
                curve = self._curve(x if bent == b else y, v, cut, bent, part, both, found, like)
                if like and curve:
                    return curve
                found |= curve or {}
        return None if like and like["metric"] == "r2" else found | {"p": min(1.0, 3 * found["p"])}

    def _curve(
        self, x: Any, v: Any, cut: Any, bent: str, part: str, both: Any, found: Found, like: Found | None
    ) -> Found | None:
        """What a curve tells of a column, by fifths of another or as a parabola in it; None where that is no more than
        a line tells."""
        if (tested := by_fifths(cut, v)) is None:
            return None
        f, p, share, degrees = tested
        far = self.far_values(bent)
        if far:
            p = self.by_ranks(bent, part, both, [cut == k for k in range(5) if (cut == k).any()])
        if like:
            return {"value": share, "p": p}
        # A curve that keeps rising is told by its ranks
        straight = found["value"] ** 2
        least = found["share"] if found["metric"] == "r2" else max(2 * straight, straight + 0.012)
        if share <= least or p >= found["p"]:
            return None
        bow = parabola(x, v)
        if bow < share < max(0.03, straight + 0.02):  # a weak one must at least be smooth
            return None
        line, bend = as_design(pd.Series(x), True), as_design(pd.Series(x), True, bend=True)
        way = bend if bow >= share else as_design(pd.Series(cut), False)
        if gain_in_unseen(stats.rankdata(v), line, np.column_stack([line, way]))[1] < SURE:
            return None
        return {
            "metric": "r2",
            "value": max(bow, share),
            "form": "parabola" if bow >= share else "fifths",
            "share": share,
            "p": p,
            "test": "rank_anova_fifths" if far else "anova_fifths",
            "f": f,
            "degrees": degrees,
            "bent": bent,
        }

    def _matched(self, value: str, group: str, both: Any) -> Found | None:
        """Two measurements of the same units, one under each level: their mean difference; None where rows are not
        matched."""
        _, levels = self.levels(group)
        df = self.df
        units = [c for c in names(df) if self.table.kind(c) == "identifier" and not df[c].is_unique and c != group]
        if len(levels) != 2 or not both.all():
            return None
        for unit in units:
            rows = df[[unit, group]].dropna()
            if len(rows) == 2 * rows[unit].nunique() and not rows.duplicated().any():  # each once under each level
                wide = df.pivot(index=unit, columns=group, values=value)
                test = stats.ttest_rel(wide[levels[1]], wide[levels[0]])
                means = {as_level(level): float(wide[level].mean()) for level in levels}
                return {
                    "metric": "mean_diff",
                    "value": abs(means[str(levels[1])] - means[str(levels[0])]),
                    "ci": tuple(sorted(np.sign(test.statistic) * np.array(test.confidence_interval()))),
                    "p": test.pvalue,
                    "test": "paired_t",
                    "shift": abs(test.statistic) / len(wide) ** 0.5,
                    "units": (unit, len(wide)),
                    "top": max(means, key=means.__getitem__),
                    "means": means,
                    "number": value,
                    "group": group,
                }
        return None

    def _number_by_category(self, value: str, group: str, both: Any, part: str) -> Found | None:
        """Welch's t and Cohen's d for two groups, Welch's analysis of variance and eta squared for more.

        Where far values drown the means, the ranks are tested, if the same group is highest in both.
        """
        least = 10 if both.sum() >= 200 else 5
        codes, levels = self.levels(group)
        groups = {as_level(level): self.values(value)[both & (codes == k)] for k, level in enumerate(levels)}
        groups = {level: v for level, v in groups.items() if len(v) >= least}
        spans = [np.ptp(v) for v in groups.values()]
        if len(groups) < 2 or (min(spans) == 0 and (group != self.outcome or len(groups) > 2 or max(spans) == 0)):
            return None  # but what is always the same before an outcome, and varies after it, gives it away
        means = {level: v.mean() for level, v in groups.items()}
        if self.asked and (paired := self._matched(value, group, both)):
            return paired
        found: Found = {"top": max(means, key=means.__getitem__), "means": means, "number": value, "group": group}
        middles = {level: np.median(v) for level, v in groups.items()} if self.far_values(value) else {}
        ranked = None
        if middles and middles[found["top"]] == max(middles.values()):
            places = [(codes == k)[both] for k, level in enumerate(levels) if as_level(level) in groups]
            ranked = self.by_ranks(value, part, both, places)
        if group == self.outcome and len(groups) == 2:
            found["direction"] = "+" if found["top"] == list(groups)[1] else "-"
        if len(groups) == 2:
            low, high = sorted(groups.values(), key=np.mean)
            d, _ = effectsize_smd(high.mean(), high.std(ddof=1), len(high), low.mean(), low.std(ddof=1), len(low))
            p = stats.ttest_ind(high, low, equal_var=False).pvalue if ranked is None else ranked
            test = "welch_t" if ranked is None else "rank_anova"
            return found | {"metric": "cohens_d", "value": d, "p": p, "test": test, "halves": (high, low)}
        p = anova_oneway(list(groups.values()), use_var="unequal").pvalue if ranked is None else ranked
        test = "welch_anova" if ranked is None else "rank_anova"
        return found | _share_between(list(groups.values())) | {"p": p, "test": test}

    def _categories(self, a: str, b: str, both: Any) -> Found | None:
        """Chi-square and Cramér's V; how often an outcome of two levels has the second of them."""
        (x, rows), (y, columns) = self.levels(a), self.levels(b)
        counted = np.bincount(x[both] * len(columns) + y[both], minlength=len(rows) * len(columns))
        counts = pd.DataFrame(counted.reshape(len(rows), len(columns)), index=rows, columns=columns)
        counts = counts.loc[counts.sum(axis=1) > 0, counts.sum() > 0]
        if min(counts.shape) < 2:
            return None
        chi = stats.chi2_contingency(counts)
        if b == self.outcome and len(columns) == 2:
            said = int(list(columns).index(yes_level(columns)))
            return self._yes_by_level(x[both], (y[both] == said).astype(int), rows, chi.pvalue)
        value, thin = contingency(counts.to_numpy(), method="cramer"), chi.expected_freq.min()
        return {"metric": "cramers_v", "value": value, "p": chi.pvalue, "test": "chi2", "counts": counts, "thin": thin}

    def _yes_by_level(self, x: Any, y: Any, levels: Any, p: float) -> Found | None:
        """Eta squared of an outcome with two levels, and how often it has the second of them at each level of a
        factor."""
        parts = {as_level(level): y[x == k] for k, level in enumerate(levels)}
        parts = {level: v for level, v in parts.items() if len(v) >= (10 if len(x) >= 200 else 5)}
        if len(parts) < 2 or max(map(np.ptp, parts.values())) == 0:
            return None
        rates = {level: v.mean() for level, v in parts.items()}
        counts = pd.DataFrame({level: np.bincount(v, minlength=2) for level, v in parts.items()}).T
        of = self.levels(self.outcome)[1]
        yes = yes_level(of)
        counts.columns = pd.Index([v for v in of if v != yes] + [yes])
        told = {"p": p, "test": "chi2", "top": max(rates, key=rates.__getitem__), "rates": rates, "counts": counts}
        return _share_between(list(parts.values())) | told

    def interval(self, found: Found) -> tuple[float, float]:
        """The 95 % interval of an effect."""
        a, b = found["a"], found["b"]
        rows = self.df[[a, b]].dropna()
        match found["metric"]:
            case "pearson_r":
                return r_interval(rows[a].to_numpy(float), rows[b].to_numpy(float))
            case "spearman_r":
                return r_interval(rows[a].rank().to_numpy(), rows[b].rank().to_numpy())
            case "mean_diff":
                low, high = found["ci"]
                return low, high
            case "cohens_d":
                return d_interval(found["value"], *found["halves"])
            case "r2" if found["form"] == "parabola":
                of = b if found["bent"] == a else a
                return parabola_interval(rows[of].to_numpy(float), rows[found["bent"]].to_numpy(float))
            case "cramers_v":
                return v_interval(found["counts"])
        return eta2_interval(found["f"], found["degrees"], self._samples(found))

    def _samples(self, found: Found) -> list[Any]:
        """The samples whose means a share of variation compares."""
        a, b = found["a"], found["b"]
        both = self.present[a] & self.present[b]
        if "bent" in found:
            cut = self.fifths(a if found["bent"] == b else b, "all")[both]
            y, parts = self.values(found["bent"])[both], [cut == k for k in range(5)]
        else:
            codes, levels = self.levels(a if "rates" in found else found["group"])
            y = self.levels(b)[0].astype(float) if "rates" in found else self.values(found["number"])
            y, compared = y[both], found.get("rates") or found["means"]
            parts = [(codes == k)[both] for k, level in enumerate(levels) if as_level(level) in compared]
        return [y[inside] for inside in parts if inside.any()]


def _share_between(groups: list[Any]) -> Found:
    """The share of variation that lies between groups, with its F and degrees of freedom."""
    f = stats.f_oneway(*groups).statistic
    degrees = (len(groups) - 1, sum(map(len, groups)) - len(groups))
    share = f * degrees[0] / (f * degrees[0] + degrees[1])
    return {"metric": "eta2", "value": share, "f": f, "degrees": degrees}
