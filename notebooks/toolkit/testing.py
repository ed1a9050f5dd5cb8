"""A hypothesis test by name or by what it decides: the samples found in the table, the test chosen and told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.answers_of_tests import estimate_text
from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.columns import is_text, yes_level
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.guesses import is_time, time_column
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.phrases import several
from notebooks.toolkit.telling import answer
from notebooks.toolkit.tested import Tested, known_numbers
from notebooks.toolkit.tests_of import (
    anderson_test,
    anova_test,
    bartlett_test,
    dagostino_test,
    f_variance_test,
    jarque_bera_test,
    kruskal_test,
    ks_normal_test,
    levene_test,
    mannwhitney_test,
    one_sample_t_test,
    paired_t_test,
    shapiro_test,
    t_test,
    tukey_test,
    welch_anova_test,
    welch_test,
    wilcoxon_test,
)
from notebooks.toolkit.tests_of_pairs import (
    adfuller_test,
    binomial_test,
    chi2_fit_test,
    chi2_test,
    correlation_test,
    fisher_test,
    ks_two_test,
    ljung_box_test,
    mcnemar_test,
    proportions_test,
)
from notebooks.toolkit.wording import chance, label, number, say, tick

TESTS_OF_ONE = {
    "shapiro": shapiro_test,
    "dagostino": dagostino_test,
    "jarque_bera": jarque_bera_test,
    "anderson": anderson_test,
    "ks_normal": ks_normal_test,
}
TESTS_OF_TWO: dict[str, Callable[[Any, Any, str], Tested]] = {
    "t": t_test,
    "welch": welch_test,
    "mannwhitney": mannwhitney_test,
    "ks_two": ks_two_test,
    "f_variance": f_variance_test,
}
TESTS_OF_PAIRS = {"paired_t": paired_t_test, "wilcoxon": wilcoxon_test}
TESTS_OF_GROUPS = {
    "anova": anova_test,
    "welch_anova": welch_anova_test,
    "kruskal": kruskal_test,
    "levene": levene_test,
    "bartlett": bartlett_test,
}
CORRELATIONS = ("pearson", "spearman", "kendall")
TESTS_OF_SERIES = {"adfuller": adfuller_test, "ljung_box": ljung_box_test}


@dataclass(frozen=True)
class Decided:
    """A test that was run: on which columns, on which samples, at which level, and the choice of the test in words."""

    tested: Tested
    columns: tuple[str, ...]
    samples: dict[str, Any]
    counts: pd.DataFrame | None
    alpha: float
    pairs: pd.DataFrame | None
    notes: tuple[str, ...]


def default_test(about: str, columns: int, groups: int, n: int) -> str:
    """The test of a question where none is named: the one that supposes least and is standard."""
    if about == "normality":
        return "shapiro" if n <= 5000 else "dagostino"
    if about == "fit":
        return "chi2_fit"
    if about in ("independence", "proportions"):
        return "chi2" if about == "independence" or groups > 2 else "proportions" if groups == 2 else "binomial"
    if about == "correlation":
        return "pearson"
    if about == "variances":
        return "levene"
    if about == "stationarity":
        return "adfuller"
    if about == "distributions":
        return "ks_two"
    if about == "medians":
        return "mannwhitney" if groups == 2 else "kruskal"
    return "one_sample_t" if groups < 2 and columns < 2 else "welch" if groups == 2 or columns == 2 else "welch_anova"


def groups_of(df: pd.DataFrame, column: str, by: str, levels: list[str], least: int = 2) -> dict[str, Any]:
    """The known numbers of a column by level of another, those levels only where some are named."""
    if is_text(df[column]) or is_time(df[column]):
        raise CannotAnswer(f"{say(column)} holds no numbers to test.")
    names = df[by].astype("string").str.removesuffix(".0") if not is_text(df[by]) else df[by].astype("string")
    parts = {
        str(k): known_numbers(df.loc[names == k, column])
        for k in sorted(names.dropna().unique())
        if not levels or str(k) in levels
    }
    parts = {k: v for k, v in parts.items() if len(v) >= least}
    if len(parts) < 2:
        raise CannotAnswer(f"{say(by)} has fewer than two groups with {least} rows of {say(column)} or more.")
    return parts


def run_test(
    df: pd.DataFrame,
    columns: list[str],
    by: str = "",
    levels: list[str] | None = None,
    name: str = "auto",
    about: str = "",
    alpha: float = 0.05,
    sides: str = "two",
    null: float | None = None,
) -> Decided:
    """Run the test of a name, or that of a question (`about`), on columns, by the levels of another or of two columns.

    Raises CannotAnswer where the columns do not give the samples that it needs.
    """
    check_columns(df, test=columns, groups=by)
    if not columns and not by:
        raise CannotAnswer("A test needs a column, and none was named.")
    kinds = {c: is_text(df[c]) or df[c].nunique() == 2 for c in columns}
    notes = list[str]()
    if not about and name == "auto":
        about = (
            "independence"
            if columns and all(kinds.values()) and (by or len(columns) > 1)
            else "correlation"
            if len(columns) == 2 and not by
            else "means"
        )
    groups = len(levels) if levels else int(df[by].nunique()) if by else 0
    if name == "auto":
        known = int(df[columns[0]].notna().sum()) if columns else 0
        name = default_test(about, len(columns), groups, known)
        notes.append("The test was not named; this is the usual one here, as it supposes least.")
    given = (*columns, *([by] if by else []))
    first = columns[0] if columns else by
    samples, counts, pairs = dict[str, Any](), None, None
    if name in TESTS_OF_ONE or name == "one_sample_t":
        if kinds.get(first) and is_text(df[first]):
            raise CannotAnswer(f"{say(first)} holds no numbers to test.")
        samples = {first: known_numbers(df[first])}
        if len(samples[first]) < 8:
            raise CannotAnswer(f"{say(first)} has {len(samples[first])} numbers; the test needs at least 8.")
        tested = (
            TESTS_OF_ONE[name](samples[first])
            if name in TESTS_OF_ONE
            else one_sample_t_test(samples[first], null or 0.0, sides)
        )
    elif name in TESTS_OF_TWO or name in TESTS_OF_GROUPS or name == "tukey":
        if by:
            samples = groups_of(df, first, by, levels or [])
        elif len(columns) > 1:
            samples = {c: known_numbers(df[c]) for c in columns}
        else:
            raise CannotAnswer("The test compares groups: name the column that divides the rows into them.")
        if name in TESTS_OF_TWO:
            if len(samples) != 2:
                raise CannotAnswer(
                    f"The test compares two groups, and {say(by)} has {len(samples)}: name two of {', '.join(samples)}."
                )
            one, two = samples.values()
            tested = TESTS_OF_TWO[name](one, two, sides)
        else:
            tested = TESTS_OF_GROUPS["anova" if name == "tukey" else name](samples)
            if 2 < len(samples) <= 12 and name in ("anova", "welch_anova", "tukey"):
                pairs = tukey_test(samples)
    elif name in TESTS_OF_PAIRS or name in CORRELATIONS:
        if len(columns) < 2:
            raise CannotAnswer("The test compares two columns row by row: name both.")
        if any(is_text(df[c]) for c in columns[:2]):
            raise CannotAnswer(f"{say(next(c for c in columns if is_text(df[c])))} holds no numbers to test.")
        both = df[columns[:2]].dropna().astype(float)
        samples = {c: both[c].to_numpy() for c in columns[:2]}
        one, two = samples.values()
        tested = (
            TESTS_OF_PAIRS[name](one, two, sides) if name in TESTS_OF_PAIRS else correlation_test(one, two, name, sides)
        )
    elif name in TESTS_OF_SERIES:
        time = time_column(df)
        rows = df.sort_values(time) if time else df
        samples = {first: known_numbers(rows[first])}
        tested = TESTS_OF_SERIES[name](samples[first])
        notes.append(f"Rows in order of {say(time)}." if time else "Rows in the order of the file.")
    elif name == "chi2_fit":
        found = df[first].astype("string").value_counts().sort_index()
        counts = found.to_frame("rows")
        tested = chi2_fit_test(found.to_numpy())
    elif name == "binomial":
        answers: Any = df[first].dropna()
        if answers.nunique() != 2:
            raise CannotAnswer(f"{say(first)} has {answers.nunique()} levels; a binomial test needs two.")
        yes = yes_level(answers.unique())
        counts = answers.astype("string").value_counts().sort_index().to_frame("rows")
        tested = binomial_test(int((answers == yes).sum()), len(answers), 0.5 if null is None else null, sides)
        notes.append(f"The proportion is that of {yes}.")
    else:
        other = by or (columns[1] if len(columns) > 1 else "")
        if not other:
            raise CannotAnswer("The test needs two columns of levels: name both.")
        given = (first, other)
        rows = df[df[other].astype("string").isin(levels)] if levels else df
        counts = pd.crosstab(rows[other].astype("string"), rows[first].astype("string"))
        if min(counts.shape) < 2:
            raise CannotAnswer(f"{say(first)} and {say(other)} do not both have two levels in the rows that have both.")
        tested = _of_counts(counts, name, first, rows, sides)
    return Decided(tested, given, samples, counts, alpha, pairs, tuple(notes))


def _of_counts(counts: pd.DataFrame, name: str, first: str, rows: pd.DataFrame, sides: str) -> Tested:
    """A test of a table of counts: levels of the groups down, of the column across."""
    if name == "chi2":
        return chi2_test(counts)
    if counts.shape != (2, 2):
        raise CannotAnswer(
            f"The test needs two levels by two, and these are {counts.shape[0]} "
            f"by {counts.shape[1]}; a chi-square test takes more."
        )
    if name == "fisher":
        return fisher_test(counts, sides)
    if name == "mcnemar":
        return mcnemar_test(counts)
    yes = str(yes_level(rows[first].dropna().unique()))
    return proportions_test(
        (int(counts[yes].iloc[0]), int(counts[yes].iloc[1])),
        (int(counts.iloc[0].sum()), int(counts.iloc[1].sum())),
        sides,
    )


def tell_test(found: Decided) -> dict[str, Any]:
    """Answer with the decision at the level asked for, the statistic, p and the size of what was tested."""
    t = found.tested
    against = t.p < found.alpha
    listed = " and ".join(say(c) for c in found.columns[:2])
    free = f"({', '.join(number(d) for d in t.freedom)})" if t.freedom else ""
    told = f"{t.symbol}{free} = {t.statistic:.4g}, {chance(t.p)}, n = {t.n:,}".replace("-", "−")
    decided = f"the hypothesis that {t.null} is rejected" if against else f"nothing speaks against it that {t.null}"
    text = f"{listed}: {decided}, at the {100 * found.alpha:g} % level ({t.name}, {told})."
    values: dict[str, Any] = {"statistic": t.statistic, "p_value": t.p, "rejected": against, "n": t.n}
    if t.estimate is not None:
        name, size, ends = t.estimate
        values[name] = (size, "", ends)
        text += f" {estimate_text(t)}"
    if not against and "normal" not in t.null:
        text += " That is no proof that it holds: a small sample may not show it."
    if found.pairs is not None:
        clear = found.pairs[found.pairs["p"] < found.alpha]
        if against and len(clear):
            most = clear.iloc[int(np.argmax(clear["difference"].abs()))]
            text += f" {len(clear)} of {several(len(found.pairs), 'pair')} differ (Tukey), most {most['first']} and "
            text += f"{most['second']}."
    notes = [*found.notes, *t.checks]
    answer(text, values, notes=notes)
    ledger.add("asked", f"{t.name}: {listed}", t.p)
    return dict(
        type="descriptive",
        kind="test",
        text=text,
        columns=list(found.columns),
        effect=effect("count", t.n),
        test=ledger.test(t.name, "asked", f"{t.name}: {listed}"),
        n=t.n,
        params={"statistic": t.statistic, "alpha": found.alpha, "rejected": against},
        caveats=notes,
        confidence="high",
    )


def draw_test(found: Decided) -> None:
    """What the test looked at: a sample beside the normal curve and its quantiles, groups as dots, counts as shares."""
    from scipy import stats

    t = found.tested
    title = " and ".join(say(c) for c in found.columns[:2])
    if found.counts is not None:
        shares = (
            found.counts.div(found.counts.sum(axis=1), axis=0) * 100
            if found.counts.shape[1] > 1
            else found.counts / found.counts.sum() * 100
        )
        shares, counts = shares.iloc[:12, :8], found.counts
        fig, ax = figure(title, height=2.0 + 0.5 * len(shares))
        left = np.zeros(len(shares))
        for i, name in enumerate(shares.columns):
            colour = COLOURS[i % 7]
            ax.barh(range(len(shares)), shares[name], left=left, color=colour, label=str(name), edgecolor="white")
            for k, v in enumerate(shares[name]):
                if v >= 7 or shares.shape[1] == 1:
                    ax.text(
                        left[k] + v / 2,
                        k,
                        f"{v:.0f} %",
                        ha="center",
                        va="center",
                        color="white" if colour in (COLOURS[0], COLOURS[6], COLOURS[2], COLOURS[1]) else "black",
                    )
            left += shares[name].to_numpy()
        sizes = counts.sum(axis=1)
        ax.set_yticks(range(len(shares)), [f"{tick(k)} ({int(sizes[k]):,})" for k in shares.index])
        ax.set_xlabel(f"{label(found.columns[0])} (% of rows)")
        ax.grid(axis="y", visible=False)
        if shares.shape[1] > 1:
            fig.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=13)
        show(fig, f"Bars: the shares of {say(found.columns[0])} in each group")
        return
    names = list(found.samples)
    if t.symbol in ("r", "ρ", "τ") and len(names) == 2:
        x, y = found.samples.values()
        step = max(1, len(x) // 3000)
        fig, ax = figure(title, height=4.4)
        ax.scatter(x[::step], y[::step], s=24, alpha=0.5, color=COLOURS[0], lw=0)
        ax.set(xlabel=label(names[0]), ylabel=label(names[1]))
        show(fig, f"Points: {title}")
        return
    if len(names) == 1:
        x = found.samples[names[0]]
        fig, axes = figure(title, width=8.4, height=3.9, columns=2)
        axes[0].hist(x, bins=min(40, max(8, int(len(x) ** 0.5))), density=True, color=COLOURS[6], alpha=0.75)
        grid = np.linspace(x.min(), x.max(), 200)
        axes[0].plot(grid, stats.norm.pdf(grid, x.mean(), x.std(ddof=1)), color=COLOURS[1], lw=2.4)
        axes[0].set(xlabel=label(names[0]), ylabel="density; line: normal")
        (theory, ordered), (slope, middle, _) = stats.probplot(x)
        axes[1].scatter(theory, ordered, s=14, color=COLOURS[0], lw=0)
        axes[1].plot(theory, middle + slope * theory, color=COLOURS[1], lw=2)
        axes[1].set(xlabel="normal quantiles", ylabel="values")
        show(fig, f"Histogram and normal quantile plot of {title}")
        return
    shown = names[:14][::-1]
    fig, ax = figure(title, height=1.7 + 0.5 * len(shown))
    for i, level in enumerate(shown):
        part = found.samples[level]
        some = part[:: max(1, len(part) // 500)]
        ax.scatter(
            some, i + np.random.default_rng(i).uniform(-0.26, 0.26, len(some)), s=10, alpha=0.35, color=COLOURS[0], lw=0
        )
        half = stats.sem(part) * stats.t.ppf(0.975, len(part) - 1) if len(part) > 1 else 0.0
        ax.errorbar(part.mean(), i, xerr=half, fmt="o", color=COLOURS[1], capsize=4, ms=8)
    ax.set_yticks(range(len(shown)), [tick(v) for v in shown])
    ax.set(xlabel=f"{label(found.columns[0])}; large dot: mean, 95 % CI", ylim=(-0.6, len(shown) - 0.4))
    show(fig, f"Dots: {title}, each value and the means with 95 % intervals")
