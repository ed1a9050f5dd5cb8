"""Statistics as pandas source: of all rows, and of each group; and what each is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from graphs.questions.expressions import NotComputable, bare
from graphs.questions.query import Group, Measure, Statistic, Where, compact, given, simple
from graphs.questions.source import Source, assigned, called, literal

if TYPE_CHECKING:
    from graphs.questions.scope import Scope


@dataclass(frozen=True)
class Way:
    """How a statistic is computed: `source` of a series `{s}`, with `{ddof}` and `{p}` where it takes them.

    `of` is what the column must hold. `each`: a group-by has no such method, so it is computed group by group.
    """

    said: str
    source: str
    of: Literal["numbers", "ordered", "any"] = "numbers"
    each: bool = False


WAYS: dict[Statistic, Way] = {
    "count": Way("number of values of", "{s}.count()", "any"),
    "present": Way("number of values of", "{s}.count()", "any"),
    "missing": Way("number of missing values of", "{s}.isna().sum()", "any", each=True),
    "duplicates": Way("number of repeated values of", "{s}.dropna().duplicated().sum()", "any", each=True),
    "distinct": Way("number of different values of", "{s}.nunique()", "any"),
    "sum": Way("sum of", "{s}.sum(min_count=1)"),
    "mean": Way("mean of", "{s}.mean()", "ordered"),
    "median": Way("median of", "{s}.median()", "ordered"),
    "mode": Way("most frequent value of", "one_or_list({s}.mode())", "any", each=True),
    "min": Way("minimum of", "{s}.min()", "ordered"),
    "max": Way("maximum of", "{s}.max()", "ordered"),
    "range": Way("range of", "{s}.max() - {s}.min()"),
    "std": Way("standard deviation of", "{s}.std({ddof})"),
    "var": Way("variance of", "{s}.var({ddof})"),
    "sem": Way("standard error of the mean of", "{s}.sem({ddof})"),
    "cv": Way("coefficient of variation of", "{s}.std({ddof}) / {s}.mean()"),
    "quantile": Way("quantile of", "{s}.quantile({p})", "ordered"),
    "iqr": Way("interquartile range of", "{s}.quantile(0.75) - {s}.quantile(0.25)"),
    "mad": Way("median absolute deviation of", "({s} - {s}.median()).abs().median()", each=True),
    "skewness": Way("skewness of", "{s}.skew()"),
    "kurtosis": Way("kurtosis of", "{s}.kurt()"),
    "first": Way("first value of", "{s}.iloc[0]", "any", each=True),
    "last": Way("last value of", "{s}.iloc[-1]", "any", each=True),
    "value": Way("", "one_or_list({s}.dropna().unique())", "any", each=True),
    "values": Way("values of", "one_or_list(sorted({s}.dropna().unique()))", "any", each=True),
    "geometric_mean": Way("geometric mean of", "np.exp(np.log({s}.where({s} > 0)).mean())", each=True),
    "entropy": Way("entropy in bits of", "stats.entropy({s}.value_counts(), base=2)", "any", each=True),
}
BIASED = {
    "skewness": Way("skewness of", "stats.skew({s}.dropna())", each=True),
    "kurtosis": Way("kurtosis of", "stats.kurtosis({s}.dropna())", each=True),
}
PAIRS: dict[Statistic, tuple[str, str]] = {
    "correlation": ("correlation of {x} and {y}", "{g}[{x}].corr({g}[{y}]{method})"),
    "covariance": ("covariance of {x} and {y}", "{g}[{x}].cov({g}[{y}])"),
    "slope": ("slope of {x} by {y}", "{g}[{x}].cov({g}[{y}]) / {g}.dropna(subset=[{x}])[{y}].var()"),
    "r2": ("R² of {x} by {y}", "{g}[{x}].corr({g}[{y}]) ** 2"),
    "weighted_mean": ("mean of {x} weighted by {y}",
                      "({g}[{x}] * {g}[{y}]).sum() / {g}.dropna(subset=[{x}])[{y}].sum()"),
}  # fmt: skip
_SUMMED = ("sum", "mean", "median", "std", "var", "sem", "share", "weighted_mean")
_QUARTERS = {0.25: "lower quartile of", 0.5: "median of", 0.75: "upper quartile of"}
_METHODS = {"pearson": "", "spearman": "Spearman ", "kendall": "Kendall "}
_OF_ROWS = {
    "count": ("number of rows", "len({})"),
    "missing": ("number of missing values", "{}.isna().sum().sum()"),
    "duplicates": ("number of rows that repeat an earlier one", "{}.duplicated().sum()"),
    "share": ("share", ""),
}
"""Statistics of rows, without a column: what they are called, and how they are computed."""


def way(measure: Measure) -> Way:
    """How a statistic of one column is computed."""
    return BIASED[measure.op] if measure.biased and measure.op in BIASED else WAYS[measure.op]


def name_of(measure: Measure, scope: Scope) -> str:
    """What an answer calls a measure: its own name, or one made of the statistic, the column and its conditions."""
    of, op, p = bare(measure.of or ""), measure.op, 0.5 if measure.p is None else measure.p
    if measure.name:
        return measure.name
    if op in PAIRS:
        name = _METHODS[measure.method] + PAIRS[op][0].format(x=of, y=bare(measure.other or ""))
    elif op in _OF_ROWS and (not of or (op == "share" and measure.where)):
        name = _OF_ROWS[op][0]
    else:
        made = {"share": "share of the sum of", "quantile": _QUARTERS.get(p, f"{100 * p:g} % quantile of")}
        population = "population " * (measure.ddof == 0 and op in ("std", "var"))
        name = f"{population}{made.get(op) or WAYS[op].said} {of}".strip() + " (biased form)" * measure.biased
    return name + (f" where {scope.words(measure.where)}" if measure.where else "")


def check(measure: Measure, scope: Scope) -> str:
    """The column that a measure is of, a new one for an expression; empty for rows. Raises NotComputable."""
    op, of = measure.op, measure.of
    plain = name_of(given(measure, name="", where=()), scope)
    what = plain[:1].upper() + plain[1:]
    if op in PAIRS:
        if not of or not measure.other:
            raise NotComputable(f"A {op} takes two columns: name both, as `of` and `other`.")
        scope.sized(measure.other, what)
        return scope.sized(of, what)
    if op in _SUMMED and of in scope.repeated:
        less = "Join the other way round, or take the other file's rows together first."
        raise NotComputable(f"The join repeats rows of {scope.file}, so the {plain} would count some twice. {less}")
    if not of:
        scope.all_used |= op == "duplicates"
        if op not in _OF_ROWS:
            raise NotComputable(f"Say of which column the {op} is wanted.")
        return ""
    needs = way(measure).of if op != "share" else "any" if measure.where else "numbers"
    name = scope.numbers(of, what) if needs == "numbers" else scope.as_column(of)
    if needs == "ordered" and scope.kinds[name] == "text":
        less = "Convert it to numbers first, or ask for its most frequent value."
        raise NotComputable(f"{what} cannot be computed: “{name}” holds text, no numbers. {less}")
    return name


def _filled(measure: Measure, series: str) -> str:
    ddof = "" if measure.ddof is None or measure.ddof == 1 else f"ddof={measure.ddof}"
    return way(measure).source.format(s=series, ddof=ddof, p=0.5 if measure.p is None else measure.p)


def _of_blanks(measure: Measure, scope: Scope) -> None:
    """Say that rows without a value of the column by which a part is told count in the whole; how many of those that
    are meant have none is not known before the cell has run."""
    for left in (bare(w.left) for w in simple(measure.where, "=", "in")):
        if scope.facts.get(left, {}).get("n_missing"):
            scope.say(f"Rows without a value of {left} count as not so.")


def single(measure: Measure, scope: Scope, frame: str = "rows", keys: str = "") -> str:
    """A measure over the rows of a frame, as source of one value. Shares are in per cent.

    With `keys`, the source of what groups are made by, the frame is of groups, and the source is that of a series.
    """
    name, op = check(measure, scope), measure.op
    if measure.where:
        mask = scope.mask(measure.where)
        if op == "share":
            _of_blanks(measure, scope)
        if op == "share" or (op == "count" and not name):
            counted = f"({mask})" + (f"[{scope.mask(measure.among)}]" if measure.among else "")
            if keys:
                counted = f"({mask}).groupby({f'[rows[k] for k in {keys}]' if keys[0] == '[' else f'rows[{keys}]'})"
            return f"100 * {counted}.mean()" if op == "share" else f"{counted}.sum()"
        frame = f"rows[{mask}].groupby({keys})" if keys else f"{frame}[{mask}]"
    if op == "share":
        if not keys:
            raise NotComputable("A share says of what it is a part: give the measure a condition, or name groups.")
        part = f"{frame}[{literal(name)}].sum()" if name else f"{frame}.size()"
        return f"100 * {part} / {part}.sum()"
    if op in PAIRS:
        x, y = literal(name), literal(scope.sized(measure.other or "", "It"))
        method = "" if measure.method == "pearson" else f', method="{measure.method}"'
        pair = PAIRS[op][1].format(g="g" if keys else frame, x=x, y=y, method=method)
        return f"{frame}[[{x}, {y}]].apply(lambda g: {pair})" if keys else pair
    if not name:
        of_rows = _OF_ROWS[op][1]
        grouped = f"{frame}.size()" if op == "count" else f"{frame}.apply(lambda g: {of_rows.format('g')})"
        return grouped if keys else of_rows.format(frame)
    series = f"{frame}[{literal(name)}]"
    apart = keys and way(measure).each
    return f"{series}.agg(lambda s: {_filled(measure, 's')})" if apart else _filled(measure, series)


def beside(asked: Mapping[str, tuple[str, Sequence[Group], Measure]], unit: str, scope: Scope) -> list[Source]:
    """What is told of other groups beside an answer, as source; empty for nothing.

    `asked` has by what a sentence calls it the word before the names of its values, the groups and the measure.
    """
    if not asked:
        return []
    by = {label: by_keys([scope.as_column(g.of) for g in groups]) for label, (_, groups, _) in asked.items()}
    sources = {label: single(m, scope, f"rows.groupby({by[label]})", by[label]) for label, (*_, m) in asked.items()}
    scope.add(assigned(sources, "further"))
    keys = {label: [{"of": g.of} for g in groups] for label, (_, groups, _) in asked.items()}
    again = [(word, {"measures": [compact(m)], "group_by": keys[label]}) for label, (word, _, m) in asked.items()]
    return [called("beside_groups", Source("further"), again, unit)]


def by_keys(keys: Sequence[str]) -> str:
    """What `groupby` takes."""
    return literal(keys[0] if len(keys) == 1 else keys)


def of_few(where: Sequence[Where], scope: Scope) -> list[str]:
    """The columns of which rows were chosen by a few values that are named: each of these may be meant alone."""
    few = (w for w in simple(where, "in") if isinstance(w.right, tuple) and 1 < len(w.right) <= 6)
    return [w.left for w in few if w.left in scope.kinds]


def with_p(measure: Measure, scope: Scope, name: str, tail: str, keys: str) -> dict[str, str]:
    """A correlation with its p-value, from the rows that have both values; in groups from those of three and more."""
    if measure.op != "correlation" or (keys and measure.where):
        raise NotComputable("A p-value comes with a correlation, in groups of the rows that the query chooses.")
    x, y = literal(check(measure, scope)), literal(scope.sized(measure.other or "", "It"))
    p, method = f"p-value of the {name}" if tail else "p-value", literal(measure.method)
    if keys:
        scope.add(
            f"tested{tail} = {{\n    group: correlation_test(g[{x}], g[{y}], {method})\n"
            f"    for group, g in rows.dropna(subset=[{x}, {y}]).groupby({keys})\n    if len(g) > 2\n}}"
        )
        each = f"pd.Series({{group: t.{{}} for group, t in tested{tail}.items()}})"
        return {name: each.replace("t.{}", "t.statistic"), p: each.replace("t.{}", "t.p")}
    scope.add(f"pairs = {f'rows[{scope.mask(measure.where)}]' if measure.where else 'rows'}[[{x}, {y}]].dropna()")
    scope.add(f"tested{tail} = correlation_test(pairs[{x}], pairs[{y}], {method})")
    return {name: f"tested{tail}.statistic", p: f"tested{tail}.p"}
