"""Hypothesis tests: which is meant, what it is of, and the call of the toolkit that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graphs.questions.expressions import NotComputable, literal
from graphs.questions.groups import by_keys, keys_of
from graphs.questions.measures import name_of, single
from graphs.questions.query import Condition, Group, Query, Test
from graphs.questions.scope import Scope
from graphs.questions.sentences import aliases, and_list, decimals, found, tell, verdict, where_of
from graphs.questions.steps import listed
from notebooks.toolkit.naming import name_and_unit

type Shape = Literal["one", "two", "many", "pair", "table", "counts", "shares"]


@dataclass(frozen=True)
class Way:
    """A test: its name, what it is of and what it may find. The toolkit's function has the query's name of it.

    `of`: one column; groups of one column (two or many); a pair of columns whose values belong together; a table of
    counts of two columns; the counts of one; shares of two groups. `sided`: it takes an alternative.
    """

    said: str
    of: Shape
    about: str
    sided: bool = False


WAYS: dict[str, Way] = {
    "shapiro": Way("Shapiro-Wilk test", "one", "normality"),
    "dagostino": Way("D'Agostino-Pearson test", "one", "normality"),
    "jarque_bera": Way("Jarque-Bera test", "one", "normality"),
    "anderson": Way("Anderson-Darling test", "one", "normality"),
    "ks_normal": Way("Lilliefors test", "one", "normality"),
    "one_sample_t": Way("one-sample t test", "one", "means", sided=True),
    "binomial": Way("binomial test", "one", "proportions", sided=True),
    "adfuller": Way("augmented Dickey-Fuller test", "one", "stationarity"),
    "ljung_box": Way("Ljung-Box test", "one", "autocorrelation"),
    "t": Way("Student's t test", "two", "means", sided=True),
    "welch": Way("Welch's t test", "two", "means", sided=True),
    "mannwhitney": Way("Mann-Whitney U test", "two", "medians", sided=True),
    "ks_two": Way("two-sample Kolmogorov-Smirnov test", "two", "distributions", sided=True),
    "f_variance": Way("F test of variances", "two", "variances", sided=True),
    "paired_t": Way("paired t test", "pair", "means", sided=True),
    "wilcoxon": Way("Wilcoxon signed-rank test", "pair", "medians", sided=True),
    "pearson": Way("Pearson correlation test", "pair", "correlation", sided=True),
    "spearman": Way("Spearman correlation test", "pair", "correlation", sided=True),
    "kendall": Way("Kendall correlation test", "pair", "correlation", sided=True),
    "anova": Way("one-way ANOVA", "many", "means"),
    "welch_anova": Way("Welch's ANOVA", "many", "means"),
    "kruskal": Way("Kruskal-Wallis test", "many", "medians"),
    "levene": Way("Levene test", "many", "variances"),
    "bartlett": Way("Bartlett test", "many", "variances"),
    "tukey": Way("Tukey's HSD test", "many", "means"),
    "chi2": Way("chi-square test of independence", "table", "independence"),
    "fisher": Way("Fisher's exact test", "table", "independence", sided=True),
    "mcnemar": Way("McNemar's test", "table", "proportions"),
    "chi2_fit": Way("chi-square test of fit", "counts", "fit"),
    "proportions": Way("z test of two proportions", "shares", "proportions", sided=True),
}
WORDS: dict[str, tuple[str, str]] = {
    "normality": ("not normal", "normal"),
    "variances": ("different variances", "no significant difference of variances"),
    "independence": ("significant association", "no significant association"),
    "fit": ("different frequencies", "no significant difference of frequencies"),
    "correlation": ("significant correlation", "no significant correlation"),
    "distributions": ("different distributions", "no significant difference of distributions"),
    "stationarity": ("stationary", "not stationary"),
    "autocorrelation": ("autocorrelated", "no significant autocorrelation"),
}
"""What is told where the null hypothesis is rejected, and where it is not; else of a significant difference."""


def test(query: Query, scope: Scope) -> None:
    """Run the test, and tell its statistic, its p-value and what follows at the level asked for."""
    asked = query.test or Test()
    named = [c for m in query.measures for c in (m.of, m.other) if c]
    if query.compare is not None and not query.compare.of:
        named += [c for c in (query.compare.first, query.compare.second) if c]
    columns = list(dict.fromkeys(named))
    if query.compare is not None and query.compare.of:
        query = _of_two(query, scope)
    keys = keys_of(query, scope)
    name = _chosen(asked, columns, keys, query, scope) if asked.name == "auto" else asked.name
    way = WAYS[name]
    if asked.name == "auto":
        scope.say(f"The {way.said} was chosen for what the columns hold; another test can be asked for by its name.")
    if asked.null is not None and way.of != "one":
        raise NotComputable(f"The {way.said} compares with no given value; a one-sample test does.")
    if way.of == "one":
        samples, of = _values(name, way, columns, keys, scope)
    elif way.of == "pair":
        samples, of = _pair(name, way, columns, scope)
    elif way.of in ("two", "many"):
        samples, of = _groups(way, asked, columns, keys, query, scope)
    else:
        samples, of = (_shares if way.of == "shares" else _counts)(way, columns, keys, query, scope)
    if name == "tukey":
        scope.add(f"pairs = tukey_test({samples})")
        tell(scope, "answer_pairs", "pairs", literal(of), "rows", where_of(query, scope))
        return
    more = [repr(asked.null if asked.null is not None else 0.5 if name == "binomial" else 0.0)] * (
        name in ("one_sample_t", "binomial")
    )
    more += [literal(asked.sides)] * (way.sided and asked.sides != "two")
    function = "correlation_test" if way.about == "correlation" else f"{name}_test"
    called = f"{function}({', '.join([samples, *more])})"
    of, where, alpha = literal(of), where_of(query, scope), f"{asked.alpha:g}" if asked.alpha != 0.05 else ""
    if way.of == "one" and keys:
        scope.add(f"tests = {{name: {called} for name, values in groups.items()}}")
        words = f"{{name: {_word(way, asked, query, {})} for name, tested in tests.items()}}"
        tell(scope, "answer_tests", "tests", words, of, "rows", where, alpha=alpha)
        return
    scope.add(f"tested = {called}")
    beside = _beside(keys, query, scope)
    word = _word(way, asked, query, {k: found(k) for k in beside if not k.startswith("**")})
    if beside:
        entries = (f"    {k[:2] if k.startswith('**') else literal(k) + ': '}{s},\n" for k, s in beside.items())
        scope.add("found = {\n" + "".join(entries) + "}")
    alike = {name_and_unit(c)[1] for c in columns} if way.about in ("means", "medians") else set()
    sample_names = "list(groups)" if way.of == "two" else listed(columns) if name == "paired_t" else ""
    tell(
        scope, "answer_test", "tested", word, of, "rows", where, alpha=alpha, between=sample_names,
        unit=literal(*alike) if len(alike) == 1 and any(alike) else "",
        sides=literal(asked.sides) if way.sided and asked.sides != "two" else "",
        beside="found" if beside else "", decimals=decimals(query) if beside else "",
    )  # fmt: skip


def _of_two(query: Query, scope: Scope) -> Query:
    """A test of two groups by name: of the rows of these two."""
    compare = query.compare
    assert compare is not None
    both = Condition(left=compare.of, op="in", right=(compare.first, compare.second))
    scope.add(f"rows = rows[{scope.mask((both,))}]")
    group = (Group(of=compare.of),)
    return query.model_copy(update={"group_by": group, "compare": None, "where": (*query.where, both)})


def _levels(key: str, query: Query, scope: Scope) -> int | None:
    """How many groups a column makes among the rows that are meant, where that is known."""
    for condition in query.where:
        if isinstance(condition, Condition) and condition.left.strip("`") == key and isinstance(condition.right, tuple):
            return len(condition.right)
    levels = scope.levels(key)
    return 2 if scope.kinds[key] == "truth" else len(levels) if levels is not None else None


def _chosen(asked: Test, columns: list[str], keys: list[str], query: Query, scope: Scope) -> str:
    """The test that suits what is asked about and what the columns hold."""
    kinds = [scope.kind(c) for c in columns]
    two = bool(keys) and _levels(keys[-1], query, scope) == 2
    about: str | None = asked.about
    if about is None:
        if keys and kinds:
            about = "means" if kinds[0] == "number" else "independence"
        elif len(kinds) >= 2:
            about = "correlation" if set(kinds) == {"number"} else "independence"
        else:
            about = "independence" if len(keys) >= 2 else "normality"
    if not keys and about in ("means", "medians"):
        return "wilcoxon" if about == "medians" else "paired_t" if len(columns) == 2 else "one_sample_t"
    choice = {
        "means": "welch" if two else "anova", "medians": "mannwhitney" if two else "kruskal", "variances": "levene",
        "proportions": "proportions" if two else "chi2", "independence": "chi2", "fit": "chi2_fit",
        "correlation": "pearson", "distributions": "ks_two", "stationarity": "adfuller", "normality": "shapiro",
    }  # fmt: skip
    return choice[about]


def _values(name: str, way: Way, columns: list[str], keys: list[str], scope: Scope) -> tuple[str, str]:
    """The values of one column, in each group where groups are named."""
    if len(columns) != 1:
        held = "; several are named" if columns else ", and none is named"
        raise NotComputable(f"The {way.said} is of one column{held}.")
    column = scope.as_column(columns[0]) if name == "binomial" else scope.numbers(columns[0], f"The {way.said}")
    if name == "binomial" and scope.kinds[column] == "text":
        raise NotComputable(f"A binomial test counts what is true: derive a column such as `{column} == '…'` first.")
    if name == "shapiro" and not keys:
        scope.say("With many values the test finds the smallest departure from a normal distribution.")
    if keys:
        scope.add(f"groups = numbers_by(rows, {literal(column)}, {by_keys(keys)})")
    else:
        scope.add(f"values = rows[{literal(column)}].dropna()")
    samples = "int(values.sum()), len(values)" if name == "binomial" else "values"
    return samples, f"{column} by {and_list(keys)}" if keys else column


def _pair(name: str, way: Way, columns: list[str], scope: Scope) -> tuple[str, str]:
    """Two columns whose values belong together."""
    if len(columns) != 2:
        raise NotComputable(f"The {way.said} takes two columns whose values belong together, not {len(columns)}.")
    x, y = (scope.numbers(c, f"The {way.said}") for c in columns)
    method = f", {literal(name)}" if way.about == "correlation" else ""
    return f"rows[{literal(x)}], rows[{literal(y)}]{method}", f"{x} and {y}"


def _groups(
    way: Way, asked: Test, columns: list[str], keys: list[str], query: Query, scope: Scope
) -> tuple[str, str]:  # fmt: skip
    """The groups of one column, or two columns as two groups."""
    if len(keys) == 1 and len(columns) == 1:
        column, key = scope.numbers(columns[0], f"The {way.said}"), keys[0]
        count = _levels(key, query, scope)
        if way.of == "two" and count is not None and count != 2:
            raise NotComputable(
                f"The {way.said} compares two groups; “{key}” has {count}. Name the two, or ask for an ANOVA."
            )
        scope.add(f"groups = numbers_by(rows, {literal(column)}, {literal(key)})")
        of = f"{column} by {key}"
    elif not keys and len(columns) >= 2 and (way.of == "many" or len(columns) == 2):
        named = [scope.numbers(c, f"The {way.said}") for c in columns]
        scope.add(f"groups = {{name: rows[name].dropna() for name in {listed(named)}}}")
        of = and_list(named)
    else:
        raise NotComputable(
            f"The {way.said} compares groups: name one column of numbers and one that makes the groups."
        )
    if way.of == "two" and asked.sides != "two":
        scope.say("The alternative is about the first group against the second, in the order of their names.")
    return "*two_groups(groups)" if way.of == "two" else "groups", of


def _counts(way: Way, columns: list[str], keys: list[str], query: Query, scope: Scope) -> tuple[str, str]:
    """Counts of the values of one column, or of two together."""
    named = list(dict.fromkeys([*(scope.as_column(c) for c in columns), *keys]))
    if len(named) != (2 if way.of == "table" else 1):
        many = "two columns" if way.of == "table" else "one column"
        raise NotComputable(f"The {way.said} takes {many}, not {len(named)}.")
    each = [f"rows[{literal(c)}]" for c in named]
    scope.add(f"counts = pd.crosstab({', '.join(each)})" if way.of == "table" else f"counts = {each[0]}.value_counts()")
    return "counts", and_list(named)


def _shares(way: Way, columns: list[str], keys: list[str], query: Query, scope: Scope) -> tuple[str, str]:
    """What is true, counted in each of two groups."""
    conditions = next((m.where for m in query.measures if m.where), ())
    if len(keys) != 1 or (len(columns) != 1 and not conditions):
        raise NotComputable(
            f"The {way.said} compares the shares of two groups: name a condition and one column of groups."
        )
    if conditions:
        yes, said = scope.mask(conditions), scope.words(conditions)
    else:
        column = scope.as_column(columns[0])
        level: str | None = None
        if scope.kinds[column] == "text":
            levels = scope.levels(column)
            if levels is None or len(levels) != 2:
                raise NotComputable(f"Say which value of “{column}” is counted: give the measure a condition.")
            level = levels[1]
        yes, said = f"rows[{literal(column)}] == {literal(level or 1)}", f"{column} is {level or 1}"
    scope.add(f"meets = ({yes}).groupby(rows[{literal(keys[0])}])")
    return "meets.sum(), meets.size()", f"rows where {said} by {keys[0]}"


def _beside(keys: list[str], query: Query, scope: Scope) -> dict[str, str]:
    """The measures that are asked for beside the test, as entries of a dict."""
    sources: dict[str, str] = {}
    for m in query.measures:
        if m.op in ("value", "values", "correlation"):
            continue
        if not keys:
            sources[name_of(m, scope)] = single(m, scope)
            continue
        by = by_keys(keys)
        name = literal(name_of(m, scope))
        sources[f"**{name}"] = f"named_by({name}, {single(m, scope, f'rows.groupby({by})', by)})"
    return sources


def _word(way: Way, asked: Test, query: Query, names: dict[str, str]) -> str:
    """What the p-value says: by the query's own rules, or in the usual words."""
    if query.verdicts:
        of = {"statistic": "tested.statistic", "p": "tested.p", "p_value": "tested.p", "n": "tested.n"}
        of |= {"r": "tested.statistic", "correlation": "tested.statistic"} if way.about == "correlation" else {}
        return verdict(query, {**aliases(names, {}), **of, "w": "tested.statistic", "alpha": repr(asked.alpha)})
    yes, no = WORDS.get(way.about, ("significant difference", "no significant difference"))
    return f"{literal(yes)} if tested.p < {asked.alpha:g} else {literal(no)}"
