"""Hypothesis tests: which is meant, what it is of, and what its p-value says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graphs.questions.expressions import NotComputable, literal
from graphs.questions.groups import by_keys, keys_of
from graphs.questions.measures import grouped, name_of, single
from graphs.questions.query import Condition, Group, Query, Test
from graphs.questions.scope import Scope
from graphs.questions.sentences import aliases, and_list, braced, found, of_rows, readable, tell, value, verdict
from graphs.questions.steps import listed

type About = Literal["normality", "means", "medians", "variances", "proportions", "independence", "fit", "correlation",
                     "distributions", "stationarity", "autocorrelation"]  # fmt: skip


@dataclass(frozen=True)
class Way:
    """How a test is called and run. `of`: one column; groups of one column (two or many); a pair of columns whose
    values belong together; a table of counts of two columns; the counts of one. `{alt}` is the alternative."""

    said: str
    of: Literal["one", "two", "many", "pair", "table", "counts", "shares"]
    source: str
    symbol: str
    about: About


WAYS: dict[str, Way] = {
    "shapiro": Way("Shapiro-Wilk test", "one", "stats.shapiro({s})", "W", "normality"),
    "dagostino": Way("D'Agostino-Pearson test", "one", "stats.normaltest({s})", "K²", "normality"),
    "jarque_bera": Way("Jarque-Bera test", "one", "stats.jarque_bera({s})", "JB", "normality"),
    "anderson": Way("Anderson-Darling test", "one", "normal_ad({s})", "A²", "normality"),
    "ks_normal": Way("Lilliefors test", "one", "lilliefors({s})", "D", "normality"),
    "one_sample_t": Way("one-sample t-test", "one", "stats.ttest_1samp({s}, {null}{alt})", "t", "means"),
    "adfuller": Way("augmented Dickey-Fuller test", "one", "adfuller({s})[:2]", "ADF", "stationarity"),
    "ljung_box": Way("Ljung-Box test, 10 lags", "one", "acorr_ljungbox({s}, lags=[10]).iloc[0]", "Q",
                     "autocorrelation"),
    "t": Way("Student's t-test", "two", "stats.ttest_ind({groups}{alt})", "t", "means"),
    "welch": Way("Welch's t-test", "two", "stats.ttest_ind({groups}, equal_var=False{alt})", "t", "means"),
    "mannwhitney": Way("Mann-Whitney U test", "two", "stats.mannwhitneyu({groups}{alt})", "U", "medians"),
    "ks_two": Way("two-sample Kolmogorov-Smirnov test", "two", "stats.ks_2samp({groups}{alt})", "D", "distributions"),
    "f_variance": Way("F-test of two variances", "two", "", "F", "variances"),
    "paired_t": Way("paired t-test", "pair", "stats.ttest_rel({x}, {y}{alt})", "t", "means"),
    "wilcoxon": Way("Wilcoxon signed-rank test", "pair", "stats.wilcoxon({x}, {y}{alt})", "W", "medians"),
    "anova": Way("one-way ANOVA", "many", "stats.f_oneway({groups})", "F", "means"),
    "welch_anova": Way("Welch's ANOVA", "many", "stats.f_oneway({groups}, equal_var=False)", "F", "means"),
    "kruskal": Way("Kruskal-Wallis test", "many", "stats.kruskal({groups})", "H", "medians"),
    "levene": Way("Levene's test", "many", "stats.levene({groups})", "W", "variances"),
    "bartlett": Way("Bartlett's test", "many", "stats.bartlett({groups})", "T", "variances"),
    "tukey": Way("Tukey's HSD test", "many", "", "", "means"),
    "chi2": Way("chi-square test of independence", "table", "stats.chi2_contingency(counts)[:2]", "χ²", "independence"),
    "fisher": Way("Fisher's exact test", "table", "stats.fisher_exact(counts)", "odds ratio", "independence"),
    "mcnemar": Way("McNemar's test", "table", "vars(mcnemar(counts)).values()", "χ²",
                   "proportions"),
    "chi2_fit": Way("chi-square test of equal frequencies", "counts", "stats.chisquare(counts)", "χ²", "fit"),
    "proportions": Way("z-test of proportions", "shares", "proportions_ztest(yes, every{z})", "z", "proportions"),
    "binomial": Way("exact binomial test", "one", "", "k", "proportions"),
    "pearson": Way("Pearson correlation", "pair", "stats.pearsonr({x}, {y}{alt})", "r", "correlation"),
    "spearman": Way("Spearman rank correlation", "pair", "stats.spearmanr({x}, {y}{alt})", "ρ", "correlation"),
    "kendall": Way("Kendall rank correlation", "pair", "stats.kendalltau({x}, {y}{alt})", "τ", "correlation"),
}  # fmt: skip
WORDS: dict[About, tuple[str, str]] = {
    "normality": ("not normal", "normal"),
    "means": ("significant difference", "no significant difference"),
    "medians": ("significant difference", "no significant difference"),
    "variances": ("different variances", "no significant difference of variances"),
    "proportions": ("significant difference", "no significant difference"),
    "independence": ("significant association", "no significant association"),
    "fit": ("different frequencies", "no significant difference of frequencies"),
    "correlation": ("significant correlation", "no significant correlation"),
    "distributions": ("different distributions", "no significant difference of distributions"),
    "stationarity": ("stationary", "not stationary"),
    "autocorrelation": ("autocorrelated", "no significant autocorrelation"),
}
"""What is told where the null hypothesis is rejected, and where it is not."""


def test(query: Query, scope: Scope) -> None:
    """Run the test, and tell its statistic, its p-value and what follows at the level asked for."""
    asked = query.test or Test()
    columns = _columns(query)
    if query.compare is not None and query.compare.of:
        query = _of_two(query, scope)
    keys = keys_of(query, scope)
    name = _chosen(asked, columns, keys, query, scope) if asked.name == "auto" else asked.name
    way = WAYS[name]
    if asked.name == "auto":
        scope.say(f"The {way.said} was chosen for what the columns hold; another test can be asked for by its name.")
    if asked.null is not None and way.of != "one":
        raise NotComputable(f"The {way.said} compares with no given value; a one-sample test does.")
    _run(name, way, asked, columns, keys, query, scope)


def _columns(query: Query) -> list[str]:
    """The expressions that the test is of: those of the measures, and a second one where there is."""
    named = [c for m in query.measures for c in (m.of, m.other) if c]
    if query.compare is not None and not query.compare.of:
        named += [c for c in (query.compare.first, query.compare.second) if c]
    return list(dict.fromkeys(named))


def _of_two(query: Query, scope: Scope) -> Query:
    """A test of two groups by name: of the rows of these two."""
    compare = query.compare
    assert compare is not None
    both = Condition(left=compare.of, op="in", right=(compare.first, compare.second))
    scope.add(f"rows = rows[{scope.mask((both,))}]")
    return query.model_copy(
        update={"group_by": (Group(of=compare.of),), "compare": None, "where": (*query.where, both)}
    )


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
    about = asked.about
    if about is None:
        if keys and kinds:
            about = "means" if kinds[0] == "number" else "independence"
        elif len(kinds) >= 2:
            about = "correlation" if set(kinds) == {"number"} else "independence"
        elif len(keys) >= 2:
            about = "independence"
        else:
            about = "normality"
    if about == "normality":
        return "shapiro"
    if about == "means" and not keys:
        return "paired_t" if len(columns) == 2 else "one_sample_t"
    if about == "medians" and not keys:
        return "wilcoxon"
    choice = {
        "means": "welch" if two else "anova", "medians": "mannwhitney" if two else "kruskal", "variances": "levene",
        "proportions": "proportions" if two else "chi2", "independence": "chi2", "fit": "chi2_fit",
        "correlation": "pearson", "distributions": "ks_two", "stationarity": "adfuller",
    }  # fmt: skip
    return choice[about]


def _run(name: str, way: Way, asked: Test, columns: list[str], keys: list[str], query: Query, scope: Scope) -> None:
    """Write the lines of the test; the values are told after those of measures that are asked for beside it."""
    alt = f', alternative="{asked.sides}"' if asked.sides != "two" else ""
    if way.of == "one" and keys:
        _each(way, asked, columns, keys, query, scope)
        return
    sizes = "{n:,} values"
    if way.of == "one":
        column = _one(columns, way, scope)
        scope.add(f"values = rows[{literal(column)}].dropna()")
        of, n = braced(column), "len(values)"
        if name == "binomial":
            _binomial(asked, column, alt, scope)
        else:
            null = "0" if asked.null is None else repr(asked.null)
            scope.add(f"statistic, p = {way.source.format(s='values', null=null, alt=alt)}")
        if name == "shapiro":
            scope.say("With many values the test finds the smallest departure from a normal distribution.")
    elif way.of == "pair":
        x, y = _pair(columns, way, scope)
        scope.add(f"pairs = rows[{listed([x, y])}].dropna()")
        each = {"x": f"pairs[{literal(x)}]", "y": f"pairs[{literal(y)}]"}
        scope.add(f"statistic, p = {way.source.format(**each, alt=alt)}")
        of, n, sizes = braced(f"{x} and {y}"), "len(pairs)", "{n:,} pairs of values"
    elif way.of in ("table", "counts"):
        named = [scope.as_column(c) for c in columns] + keys
        named = list(dict.fromkeys(named))
        if len(named) != (2 if way.of == "table" else 1):
            raise NotComputable(
                f"The {way.said} takes {'two columns' if way.of == 'table' else 'one column'}, not {len(named)}."
            )
        if way.of == "table":
            scope.add(f"counts = pd.crosstab({', '.join(f'rows[{literal(c)}]' for c in named)})")
        else:
            scope.add(f"counts = rows[{literal(named[0])}].value_counts()")
        scope.add(f"statistic, p = {way.source}")
        of, n, sizes = braced(" and ".join(named)), "int(counts.to_numpy().sum())", "{n:,} rows"
    elif way.of == "shares":
        of = _shares(way, asked, columns, keys, query, scope)
        n, sizes = "int(every.sum())", "{n:,} rows"
    else:
        of = _of_groups(name, way, alt, columns, keys, query, scope)
        n = "sum(map(len, groups.values()))"
        if name == "tukey":
            return
    sources = _beside(columns, keys, query, scope)
    symbol = way.symbol
    sources |= {symbol: "statistic", "p-value": "p"}
    scope.add(f"n = {n}")
    scope.add(
        "found = {\n"
        + "".join(f"    {s if k.startswith('**') else literal(k) + ': ' + s},\n" for k, s in sources.items())
        + "}"
    )
    word = _word(way, asked, query, {k: found(k) for k in sources if not k.startswith("**")}, symbol)
    scope.add(f'found["verdict"] = {word}')
    text = [f"{way.said} of {readable(of, scope)} ({sizes}"]
    where = readable(scope.words(query.where), scope) if query.where else ""
    text.append((f" of rows where {braced(where)}" if where else "") + "): ")
    decimals = query.decimals
    text.append(
        f"{symbol} = {value('statistic', None)}, {{chance(p)}}" + (f", {asked.sides} alternative" if alt else "")
    )
    text.append(': {found["verdict"]}' + f" at the {asked.alpha:g} level.")
    if len(sources) > 2:
        text.append(
            " {', '.join(f'{name} {as_text(number"
            + (f", {decimals}" if decimals is not None else "")
            + ")}' for name, number in list(found.items())[:-3])}."
        )
    tell(scope, text, "found")


def _word(way: Way, asked: Test, query: Query, names: dict[str, str], symbol: str) -> str:
    """What the p-value says: by the query's own rules, or in the usual words."""
    if query.verdicts:
        known = {
            **aliases(names, {}),
            "statistic": "statistic",
            "p": "p",
            "p_value": "p",
            "n": "n",
            "alpha": repr(asked.alpha),
        }
        if way.about == "correlation":
            known |= {"r": "statistic", "correlation": "statistic"}
        return verdict(query, known)
    yes, no = WORDS[way.about]
    return f"{literal(yes)} if p < {asked.alpha:g} else {literal(no)}"


def _one(columns: list[str], way: Way, scope: Scope) -> str:
    if len(columns) != 1:
        raise NotComputable(
            f"The {way.said} is of one column{'; several are named' if columns else ', and none is named'}."
        )
    return scope.as_column(columns[0]) if way.about == "proportions" else scope.numbers(columns[0], f"The {way.said}")


def _pair(columns: list[str], way: Way, scope: Scope) -> tuple[str, str]:
    if len(columns) != 2:
        raise NotComputable(f"The {way.said} takes two columns whose values belong together, not {len(columns)}.")
    x, y = (scope.numbers(c, f"The {way.said}") for c in columns)
    return x, y


def _binomial(asked: Test, column: str, alt: str, scope: Scope) -> None:
    """How many of the values say yes, against the share that is expected."""
    if scope.kinds[column] == "text":
        raise NotComputable(f"A binomial test counts what is true: derive a column such as `{column} == '…'` first.")
    null = 0.5 if asked.null is None else asked.null
    scope.add("statistic = int(values.sum())")
    scope.add(f"p = stats.binomtest(statistic, len(values), {null}{alt}).pvalue")


def _of_groups(name: str, way: Way, alt: str, columns: list[str], keys: list[str], query: Query, scope: Scope) -> str:
    """Lines that compare the groups of one column, or two columns as two groups."""
    if len(keys) == 1 and len(columns) == 1:
        column, key = scope.numbers(columns[0], f"The {way.said}"), keys[0]
        count = _levels(key, query, scope)
        if way.of == "two" and count is not None and count != 2:
            raise NotComputable(
                f"The {way.said} compares two groups; “{key}” has {count}. Name the two, or ask for an ANOVA."
            )
        parts = f"rows.dropna(subset=[{literal(column)}]).groupby({literal(key)})[{literal(column)}]"
        source = f"{{as_name(group): part for group, part in {parts}}}"
        said = f"{column} by {key}"
    elif not keys and len(columns) >= 2 and (way.of == "many" or len(columns) == 2):
        named = [scope.numbers(c, f"The {way.said}") for c in columns]
        source = f"{{name: rows[name].dropna() for name in {listed(named)}}}"
        said = and_list(named)
    else:
        raise NotComputable(
            f"The {way.said} compares groups: name one column of numbers and one that makes the groups."
        )
    scope.add(f"groups = {source}")
    if name == "f_variance":
        scope.add("(a, b) = groups.values()")
        scope.add("statistic = a.var() / b.var()")
        scope.add("tail = stats.f.sf(statistic, len(a) - 1, len(b) - 1)")
        scope.add("p = 2 * min(tail, 1 - tail)")
    elif name == "tukey":
        _tukey(said, query, scope)
    else:
        scope.add(f"statistic, p = {way.source.format(groups='*groups.values()', alt=alt)}")
    if way.of == "two" and alt:
        scope.say("The alternative is about the first group against the second, in the order of their names.")
    return braced(said)


def _tukey(said: str, query: Query, scope: Scope) -> None:
    """Each pair of groups with its p-value."""
    scope.add("pvalues = stats.tukey_hsd(*groups.values()).pvalue")
    scope.add("labels = list(groups)")
    scope.add(
        "found = {\n"
        '    f"p-value of {labels[i]} and {labels[j]}": pvalues[i, j]\n'
        "    for i in range(len(labels)) for j in range(i + 1, len(labels))\n}"
    )
    text = (
        f"Tukey's HSD test of {braced(said)}: {{'; '.join(f'{{name}} {{as_text(p, 4)}}' for name, p in found.items())}}"
    )
    tell(scope, [text, f" ({of_rows(query, scope)})."], "found")


def _shares(way: Way, asked: Test, columns: list[str], keys: list[str], query: Query, scope: Scope) -> str:
    """Lines that count what is true in each of two groups."""
    conditions = next((m.where for m in query.measures if m.where), ())
    if len(keys) != 1 or (len(columns) != 1 and not conditions):
        raise NotComputable(
            f"The {way.said} compares the shares of two groups: name a condition and one column of groups."
        )
    if conditions:
        yes, said = scope.mask(conditions), scope.words(conditions)
    else:
        column = scope.as_column(columns[0])
        if scope.kinds[column] == "text":
            levels = scope.levels(column)
            if levels is None or len(levels) != 2:
                raise NotComputable(f"Say which value of “{column}” is counted: give the measure a condition.")
            yes, said = f"rows[{literal(column)}] == {literal(levels[1])}", f"{column} is {levels[1]}"
        else:
            yes, said = f"rows[{literal(column)}] == 1", f"{column} is 1"
    scope.add(f"meets = ({yes}).groupby(rows[{literal(keys[0])}])")
    scope.add("yes, every = meets.sum(), meets.size()")
    z = {"two": "", "less": ', alternative="smaller"', "greater": ', alternative="larger"'}[asked.sides]
    scope.add(f"statistic, p = {way.source.format(z=z)}")
    return braced(f"rows where {said} by {keys[0]}")


def _beside(columns: list[str], keys: list[str], query: Query, scope: Scope) -> dict[str, str]:
    """The measures that are asked for beside the test, as entries of a dict."""
    sources: dict[str, str] = {}
    for m in query.measures:
        if m.op in ("value", "values", "correlation"):
            continue
        if keys:
            by = by_keys(keys)
            source = grouped(m, scope, by)
            scope.lines += [f"groups_of = rows.groupby({by})"] * ("groups[" in source or "groups." in source)
            source = source.replace("groups[", "groups_of[").replace("groups.", "groups_of.")
            name = "{as_name(group)}" if len(keys) == 1 else '{", ".join(map(as_name, group))}'
            source = f'**{{f"{braced(name_of(m, scope))}, {name}": v for group, v in ({source}).items()}}'
            sources[f"**{name_of(m, scope)}"] = source
        else:
            sources[name_of(m, scope)] = single(m, scope)
    return sources


def _each(way: Way, asked: Test, columns: list[str], keys: list[str], query: Query, scope: Scope) -> None:
    """A test of one column in each group; told are the p-values, and what each says."""
    column = _one(columns, way, scope)
    if not way.source:
        raise NotComputable(f"The {way.said} cannot be run in each group; choose the rows of one.")
    null = "0" if asked.null is None else repr(asked.null)
    scope.add("found, said = {}, []")
    name = "as_name(group)" if len(keys) == 1 else '", ".join(map(as_name, group))'
    word = _word(way, asked, query, {}, way.symbol)
    scope.add(
        f"for group, part in rows.groupby({by_keys(keys)})[{literal(column)}]:\n"
        f"    values, name = part.dropna(), {name}\n"
        "    n = len(values)\n"
        f"    statistic, p = {way.source.format(s='values', null=null, alt='')}\n"
        '    found[f"p-value, {name}"] = p\n'
        f"    verdict = {word}\n"
        f'    result = f"{way.symbol} = {{as_text(statistic)}}, {{chance(p)}}"\n'
        '    said.append(f"{name}: {result} (n = {n:,}), {verdict}")'
    )
    text = f"{way.said} of {braced(readable(f'{column} by {and_list(keys)}', scope))}: {{'; '.join(said)}}"
    tell(scope, [text, f", at the {asked.alpha:g} level."], "found")
