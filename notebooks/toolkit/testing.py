"""A hypothesis test by name or by what it decides: the samples found in the table, the test chosen and run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.columns import is_text, yes_level
from notebooks.toolkit.guesses import is_time, time_column
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
from notebooks.toolkit.wording import as_name, say


@dataclass(frozen=True)
class TestWay:
    """A test: what runs it, on which samples, what it is about, and whether it takes a one-sided alternative.

    `of`: one column; a series in order; yes or no; groups of one column (two or many); a pair of columns whose values
    belong together; a table of counts of two columns (two by two); the counts of one.
    """

    run: Callable[..., Tested]
    of: Literal["one", "series", "yes", "two", "many", "pair", "table", "square", "counts"]
    about: str
    sided: bool = False


TEST_WAYS = {
    "shapiro": TestWay(shapiro_test, "one", "normality"),
    "dagostino": TestWay(dagostino_test, "one", "normality"),
    "jarque_bera": TestWay(jarque_bera_test, "one", "normality"),
    "anderson": TestWay(anderson_test, "one", "normality"),
    "ks_normal": TestWay(ks_normal_test, "one", "normality"),
    "one_sample_t": TestWay(one_sample_t_test, "one", "means", sided=True),
    "adfuller": TestWay(adfuller_test, "series", "stationarity"),
    "ljung_box": TestWay(ljung_box_test, "series", "autocorrelation"),
    "binomial": TestWay(binomial_test, "yes", "proportions", sided=True),
    "t": TestWay(t_test, "two", "means", sided=True),
    "welch": TestWay(welch_test, "two", "means", sided=True),
    "mannwhitney": TestWay(mannwhitney_test, "two", "medians", sided=True),
    "ks_two": TestWay(ks_two_test, "two", "distributions", sided=True),
    "f_variance": TestWay(f_variance_test, "two", "variances", sided=True),
    "anova": TestWay(anova_test, "many", "means"),
    "welch_anova": TestWay(welch_anova_test, "many", "means"),
    "kruskal": TestWay(kruskal_test, "many", "medians"),
    "levene": TestWay(levene_test, "many", "variances"),
    "bartlett": TestWay(bartlett_test, "many", "variances"),
    "tukey": TestWay(anova_test, "many", "means"),
    "paired_t": TestWay(paired_t_test, "pair", "means", sided=True),
    "wilcoxon": TestWay(wilcoxon_test, "pair", "medians", sided=True),
    "pearson": TestWay(correlation_test, "pair", "correlation", sided=True),
    "spearman": TestWay(correlation_test, "pair", "correlation", sided=True),
    "kendall": TestWay(correlation_test, "pair", "correlation", sided=True),
    "chi2": TestWay(chi2_test, "table", "independence"),
    "fisher": TestWay(fisher_test, "square", "independence", sided=True),
    "mcnemar": TestWay(mcnemar_test, "square", "proportions"),
    "proportions": TestWay(proportions_test, "square", "proportions", sided=True),
    "chi2_fit": TestWay(chi2_fit_test, "counts", "fit"),
}


@dataclass(frozen=True)
class Decided:
    """A test that was run: on which columns, on which samples, and what is to be said of the choice.

    `tests` has one test, or one for each group where the test is of a single sample and groups were named.
    """

    name: str
    columns: tuple[str, ...]
    tests: dict[str, Tested]
    samples: dict[str, Any] = field(default_factory=dict)
    counts: pd.DataFrame | None = None
    pairs: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    each: bool = False

    @property
    def tested(self) -> Tested:
        return next(iter(self.tests.values()))

    @property
    def about(self) -> str:
        """What the test decides: normality, means, medians …"""
        return TEST_WAYS[self.name].about


def default_test(about: str, columns: int, groups: int, n: int) -> str:
    """The test of a question where none is named: the one that supposes least and is standard.

    `groups` is their number, 0 where none are named; two columns without groups are pairs of values of one row.
    """
    of_means = {0: "paired_t" if columns == 2 else "one_sample_t", 2: "welch"}
    of_medians = {0: "wilcoxon", 2: "mannwhitney"}
    usual = {
        "normality": "shapiro" if n <= 5000 else "dagostino",
        "means": of_means.get(groups, "welch_anova"),
        "medians": of_medians.get(groups, "kruskal"),
        "variances": "levene",
        "proportions": {0: "binomial", 2: "proportions"}.get(groups, "chi2"),
        "independence": "chi2",
        "fit": "chi2_fit",
        "correlation": "pearson",
        "distributions": "ks_two",
        "stationarity": "adfuller",
    }
    return usual[about]


def _asked_about(df: pd.DataFrame, columns: list[str], keys: list[str], null: float | None) -> str:
    """What a test of these columns is about, where nobody says."""
    levels = [is_text(df[c]) or df[c].nunique() == 2 for c in columns]
    if keys:
        return "independence" if all(levels) else "means"
    if len(columns) > 1:
        return "independence" if any(is_text(df[c]) for c in columns) or all(levels) else "correlation"
    return "fit" if is_text(df[columns[0]]) else "normality" if null is None else "means"


def numbers_by(rows: pd.DataFrame, column: str, keys: Any) -> dict[str, Any]:
    """The known numbers of a column in each group that one or several other columns make, in order."""
    groups = rows.dropna(subset=[column]).groupby(keys)[column]
    return {", ".join(map(as_name, k)) if isinstance(k, tuple) else as_name(k): known_numbers(v) for k, v in groups}


def run_test(
    df: pd.DataFrame,
    columns: list[str],
    by: Any = "",
    levels: Any = (),
    name: str = "auto",
    about: str = "",
    sides: str = "two",
    null: float | None = None,
) -> Decided:
    """Run the test of a name, or that of a question (`about`), on columns, by one or more others, or of two columns.

    `levels` are the groups that are meant. Raises CannotAnswer where the columns do not give the samples that it needs.
    """
    keys = [k for k in ([by] if isinstance(by, str) else by) if k]
    check_columns(df, test=columns, groups=keys)
    if not columns and not keys:
        raise CannotAnswer("A test needs a column, and none was named.")
    if levels and keys:
        df = df[df[keys[-1]].astype("string").str.removesuffix(".0").isin(levels)]
    notes, chosen = list[str](), name == "auto"
    if chosen:
        known = int(df[columns[0]].notna().sum()) if columns else 0
        about = about or _asked_about(df, columns, keys, null)
        name = default_test(about, len(columns), len(df[keys].drop_duplicates().dropna()) if keys else 0, known)
    way = TEST_WAYS[name]
    if null is not None and name not in ("one_sample_t", "binomial"):
        raise CannotAnswer(
            f"The {name} test compares with no given value; a one-sample t test or a binomial test does."
        )
    more: list[Any] = [(0.5 if name == "binomial" else 0.0) if null is None else null] * (way.run in (
        one_sample_t_test, binomial_test))  # fmt: skip
    more += [name] * (way.about == "correlation") + [sides] * way.sided
    samples, counts, each = dict[str, Any](), None, False
    if way.of in ("table", "square", "counts", "yes"):
        counts, arguments, note = _counts_of(df, [*columns, *keys], way)
        notes += [note] * bool(note)
    else:
        samples = _samples(df, columns, keys, way, notes)
        each = way.of == "one" and bool(keys)
        arguments = [samples] if way.of == "many" else list(samples.values())
    runs = {group: [values] for group, values in samples.items()} if each else {"": arguments}
    tests = {group: way.run(*given, *more) for group, given in runs.items()}
    tested = next(iter(tests.values()))
    if chosen:
        notes.append(f"The {tested.name} was chosen for what the columns hold; name another test to have that.")
    if name == "shapiro" and tested.n >= 1000:
        notes.append("With so many values the test finds the smallest departure from a normal distribution.")
    if way.of == "two" and sides != "two":
        notes.append(f"The alternative is about {' against '.join(samples)}.")
    pairs = tukey_test(samples) if name == "tukey" else None
    return Decided(name, (*columns, *keys), tests, samples, counts, pairs, tuple(notes), each)


def _samples(df: pd.DataFrame, columns: list[str], keys: list[str], way: TestWay, notes: list[str]) -> dict[str, Any]:
    """The samples of numbers that a test takes, by their names."""
    if odd := next((c for c in columns if is_text(df[c]) or is_time(df[c])), None):
        raise CannotAnswer(f"{say(odd)} holds text or times, no numbers to test.")
    if way.of in ("one", "series") and len(columns) != 1:
        raise CannotAnswer(f"The test is of one column, and {len(columns) or 'none'} are named.")
    if way.of == "pair":
        if len(columns) != 2:
            raise CannotAnswer("The test takes two columns whose values belong together: name both.")
        both = df[columns].dropna().astype(float)
        return {c: both[c].to_numpy() for c in columns}
    if way.of == "series":
        time = time_column(df)
        notes.append(f"Rows in order of {say(time)}." if time else "Rows in the order of the file.")
        return {columns[0]: known_numbers((df.sort_values(time) if time else df)[columns[0]])}
    if keys and len(columns) == 1:
        samples = numbers_by(df, columns[0], keys[0] if len(keys) == 1 else keys)
    elif way.of == "one" or (len(columns) > 1 and not keys):
        samples = {c: known_numbers(df[c]) for c in columns}
    else:
        raise CannotAnswer("The test compares groups: name one column of numbers and one that makes the groups.")
    if way.of == "two" and len(samples) != 2:
        raise CannotAnswer(
            f"The test compares two groups, and there are {len(samples)}: name two of {', '.join(samples) or 'them'}."
        )
    few = 8 if way.run is dagostino_test else 3 if way.of == "one" else 2
    small = [k for k, x in samples.items() if len(x) < few]
    notes += [f"Groups of fewer than {few} values are left out: {', '.join(small)}."] * bool(small)
    if small and len(samples) - len(small) < {"one": 1}.get(way.of, 2):
        raise CannotAnswer(f"{say(small[0])} has {len(samples[small[0]])} numbers; the test needs at least {few}.")
    return {k: x for k, x in samples.items() if k not in small}


def _counts_of(df: pd.DataFrame, columns: list[str], way: TestWay) -> tuple[pd.DataFrame, list[Any], str]:
    """The counts that a test takes: shown as a table, as the test's arguments, and a note on what was counted."""
    first, columns = columns[0], list(dict.fromkeys(columns))
    if len(columns) != (2 if way.of in ("table", "square") else 1):
        many = "two columns of levels" if way.of in ("table", "square") else "one column"
        raise CannotAnswer(f"The test takes {many}, and {len(columns)} are named.")
    answers: Any = df[first].dropna()
    counts = answers.astype("string").value_counts().sort_index().to_frame("rows")
    if way.of == "counts":
        return counts, [counts["rows"].to_numpy()], ""
    if way.of == "yes":
        if answers.nunique() != 2:
            raise CannotAnswer(f"{say(first)} has {answers.nunique()} levels; the test needs two.")
        yes = yes_level(answers.unique())
        return counts, [int((answers == yes).sum()), len(answers)], f"The proportion is that of {as_name(yes)}."
    counts = pd.crosstab(df[columns[1]].astype("string"), df[first].astype("string"))
    if min(counts.shape) < 2:
        both = " and ".join(map(say, columns))
        raise CannotAnswer(f"{both} do not both have two levels in the rows that have both.")
    if way.of == "square" and counts.shape != (2, 2):
        size = " by ".join(map(str, counts.shape))
        raise CannotAnswer(f"The test needs two levels by two, and these are {size}; a chi-square test takes more.")
    if way.run is not proportions_test:
        return counts, [counts], ""
    return counts, [counts[str(yes_level(answers.unique()))], counts.sum(axis=1)], ""
