"""`Query`: one question of a table as a value.

A reader, a model, a form or a file fills it, and one compiler carries it out.

Columns are named as they stand in the table. An expression is a short text in the language of `expressions.py`: column
names (in backticks where they are no Python name), numbers, quoted texts, + - * / % **, comparisons, `and`, `or`, `not`
and a closed list of functions such as `days(a, b)`, `year(a)`, `log(a)`, `len(a)`, `extract(a, 'pattern')`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from artifacts.types import Value

type Expr = str
"""A column or an expression over columns, as text."""

Intent = Literal[
    "describe", "compute", "list", "rank", "compare", "relate", "test", "change", "why_changed", "experiment",
    "drivers", "predict", "forecast", "outliers", "clean", "join", "plot", "distribution",
]  # fmt: skip
"""What is wanted: `compute` one number, word or list, or one per group; `list` rows, or the values of a column; `rank`
them in order of a score; `relate` two columns; `test` a hypothesis; `change` of a number over time, `why_changed` what
it is made of; `experiment` which of two arms is better; `drivers` what an outcome depends on; `predict` a fitted model
and its error on held-out rows; `forecast` the next periods; `clean` the table mended; `join` several tables as one."""

Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "in", "not in", "between", "contains", "starts", "ends", "matches",
    "missing", "present", "during",
]  # fmt: skip
"""How a condition compares. `between` includes both ends and takes two values. `contains`, `starts` and `ends` look at
the text whatever its case, `matches` takes a regular expression. `during` takes a period of time: "2023", "2023-05",
"2023-Q2", "2023-05-14", "month 5", "weekday 0" (Monday), "hour 17", "quarter 2", "weekend"."""

Statistic = Literal[
    "count", "distinct", "missing", "present", "sum", "mean", "median", "mode", "min", "max", "range", "std", "var",
    "sem", "cv", "quantile", "iqr", "mad", "skewness", "kurtosis", "share", "first", "last", "value", "values",
    "correlation", "covariance", "slope", "r2", "weighted_mean", "geometric_mean", "entropy", "duplicates",
]  # fmt: skip
"""What is computed of rows. `count` without a column counts rows; `share` is the part of the rows that meet the
measure's own `where`, or of a sum; `value` is the one that the rows have, `values` all different ones; `duplicates` are
the rows, or values, that repeat an earlier one."""

Grain = Literal[
    "year", "quarter", "month", "week", "day", "hour", "month_of_year", "quarter_of_year", "weekday", "hour_of_day"
]
IN_A_ROW = ("year", "quarter", "month", "week", "day", "hour")
"""Of these the periods that follow each other, and do not come again."""


class Column(Value):
    """Another column, as the right side of a condition."""

    column: str


class Scalar(Value):
    """A number computed first, from all rows or those of its own conditions: "above the mean age"."""

    query: Query
    times: float = 1.0


class Condition(Value):
    """One condition that a row must meet: `left op right`."""

    left: Expr
    op: Operator
    right: str | bool | int | float | tuple[str | bool | int | float, ...] | Column | Scalar | None = None


class AnyOf(Value):
    """Conditions of which one is enough; each of `any_of` is a list of conditions that must hold together."""

    any_of: tuple[tuple[Condition, ...], ...]


type Where = Condition | AnyOf


class Measure(Value):
    """One statistic that is wanted, of `of`, from the rows that meet the query's conditions and its own `where`."""

    op: Statistic
    of: Expr | None = None
    other: Expr | None = None  # the second column of a pair, or the weights of a weighted mean
    where: tuple[Where, ...] = ()
    p: float | None = None  # of a quantile, 0 to 1
    ddof: int | None = None  # of std, var and sem; None: 1
    biased: bool = False  # the form of skewness and kurtosis
    method: Literal["pearson", "spearman", "kendall"] = "pearson"
    among: tuple[Where, ...] = ()  # of a share with a condition: the rows of which it is a part, instead of all
    with_p: bool = False  # the p-value of a correlation is wanted, too
    name: str = ""  # what the answer calls it; empty: made from the statistic and the column


class Formula(Value):
    """A number made of measures by their names: "mean_2008 - mean_2007"."""

    name: str
    expr: Expr


class Group(Value):
    """What there is one answer for each of: a column or an expression, times cut by `grain`."""

    of: Expr
    grain: Grain | None = None


class Order(Value):
    """By which measure, formula or column answers are put in order."""

    by: Expr
    descending: bool = True


class _Step(Value):
    """What is done to the rows; it is told with its name, though that is a default."""

    do: str

    @model_serializer(mode="wrap")
    def _with_its_name(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"do": self.do, **rest(self)}


class Keep(_Step):
    """Go on with the rows that meet the conditions."""

    do: Literal["keep"] = "keep"
    where: tuple[Where, ...]


class DropMissing(_Step):
    """Leave out rows that miss a value in any of these columns; in any column at all where none is named."""

    do: Literal["drop_missing"] = "drop_missing"
    columns: tuple[str, ...] = ()


class DropDuplicates(_Step):
    """Leave out rows that repeat an earlier one, in these columns where any are named."""

    do: Literal["drop_duplicates"] = "drop_duplicates"
    columns: tuple[str, ...] = ()


class Fill(_Step):
    """Put something where values are missing: the mean, median or mode of those that are there, or a value."""

    do: Literal["fill"] = "fill"
    columns: tuple[str, ...]
    how: Literal["mean", "median", "mode", "value"]
    value: str | float | None = None


class Derive(_Step):
    """A new column from an expression."""

    do: Literal["derive"] = "derive"
    name: str
    expr: Expr


class Cut(_Step):
    """A new column of named classes."""

    do: Literal["cut"] = "cut"
    name: str
    of: Expr
    edges: tuple[float | None, ...] = ()  # n + 1 for n labels; None: open
    labels: tuple[str, ...] = ()
    right: bool = False  # a value on an edge belongs below it, and not above
    equal: int | None = None  # into so many classes of equal width


class Recode(_Step):
    """Values replaced by others: pairs of from and to, the rest kept, or `other` where that is given."""

    do: Literal["recode"] = "recode"
    column: str
    values: tuple[tuple[str | float, str | float], ...]
    other: str | float | None = None
    name: str = ""  # of the new column; empty: the column itself


class Rule(Value):
    """How outliers are told."""

    rule: Literal["iqr", "z", "mad"] = "iqr"
    k: float | None = None  # the multiple of the IQR, or the number of standard deviations; None: 1.5, 3
    sides: Literal["both", "high", "low"] = "both"
    ddof: int = 0  # of the z-score's standard deviation


class RemoveOutliers(_Step):
    """Leave out the rows whose values a rule calls outliers."""

    do: Literal["remove_outliers"] = "remove_outliers"
    columns: tuple[str, ...]
    rule: Rule = Rule()


class Scale(_Step):
    """Columns brought to one scale. z: (x - mean) / std; minmax: from 0 to 1."""

    do: Literal["scale"] = "scale"
    columns: tuple[str, ...]
    how: Literal["z", "minmax"]
    ddof: int = 0


class Encode(_Step):
    """Words as numbers: one column of 0 and 1 per level, or codes in the levels' order."""

    do: Literal["encode"] = "encode"
    columns: tuple[str, ...]
    how: Literal["onehot", "label"] = "onehot"


class Convert(_Step):
    """A column read as numbers, times or text; what cannot be read is missing."""

    do: Literal["convert"] = "convert"
    columns: tuple[str, ...]
    to: Literal["number", "time", "text"]


Step = Annotated[
    Keep | DropMissing | DropDuplicates | Fill | Derive | Cut | Recode | RemoveOutliers | Scale | Encode | Convert,
    Field(discriminator="do"),
]
"""What is done to the table before anything is computed, in order."""


class Join(Value):
    """Rows of `file` looked up: `own` columns here equal `theirs` there."""

    file: str
    own: tuple[str, ...]
    theirs: tuple[str, ...]
    how: Literal["left", "inner", "outer"] = "left"


class Test(Value):
    """A hypothesis test of the measures' `of` by the query's groups; `auto` leaves the choice, and says which it is."""

    __test__: ClassVar[bool] = False  # pytest takes every class of this name for its own

    name: Literal[
        "auto", "shapiro", "dagostino", "jarque_bera", "anderson", "ks_normal", "ks_two", "t", "welch", "paired_t",
        "one_sample_t", "mannwhitney", "wilcoxon", "anova", "welch_anova", "kruskal", "levene", "bartlett",
        "f_variance", "chi2", "chi2_fit", "fisher", "mcnemar", "proportions", "binomial", "pearson", "spearman",
        "kendall", "adfuller", "ljung_box", "tukey",
    ] = "auto"  # fmt: skip
    about: Literal["normality", "means", "medians", "variances", "proportions", "independence", "fit", "correlation",
                   "distributions", "stationarity"] | None = None  # fmt: skip
    alpha: float = 0.05
    sides: Literal["two", "less", "greater"] = "two"
    null: float | None = None  # the value of a one-sample test


class Model(Value):
    """A model of `target` by `features`, to be fitted and measured."""

    kind: Literal[
        "linear", "ridge", "lasso", "logistic", "tree", "forest", "boosting", "knn", "svm", "naive_bayes", "kmeans"
    ] = "linear"
    target: Expr = ""
    features: tuple[Expr, ...] = ()
    task: Literal["regression", "classification", "clustering"] | None = None
    test_size: float | None = None  # None: measured on the rows that it is fitted to
    folds: int | None = None
    seed: int = 42
    stratify: bool = False
    metrics: tuple[
        Literal["r2", "mse", "rmse", "mae", "mape", "accuracy", "precision", "recall", "f1", "auc", "confusion",
                "coefficients", "intercept", "p_values", "correlation", "importances", "silhouette"], ...
    ] = ()  # fmt: skip
    options: dict[str, Any] = Field(default_factory=dict)  # scikit-learn's own parameters


class Verdict(Value):
    """A word that a rule gives: "p_value < 0.05 and abs(r) >= 0.5". The first that holds of the values is told."""

    when: Expr = ""  # empty holds always
    then: str = ""


class Chart(Value):
    """The chart that is asked for."""

    kind: Literal[
        "auto", "bar", "line", "scatter", "histogram", "box", "violin", "pie", "heatmap", "area", "density", "waterfall"
    ] = "auto"
    x: Expr | None = None
    y: tuple[Expr, ...] = ()
    colour: Expr | None = None


class Compare(Value):
    """Two things set against each other: values of a column, or periods of a time."""

    of: Expr
    first: str = ""  # what the question speaks of: this year
    second: str = ""  # what it is compared with: last year; empty: all other values of the column together


class Query(Value):
    """One question. What is left out keeps a default that the compiler states in the answer where it matters.

    They work in this order: joins, prepare, where, groups, measures, formulas, having, order, limit, verdicts.
    """

    intent: Intent = "compute"
    text: str = ""  # the part of the question that this reads
    table: str = ""  # the file; empty where there is one
    joins: tuple[Join, ...] = ()
    prepare: tuple[Step, ...] = ()
    where: tuple[Where, ...] = ()
    measures: tuple[Measure, ...] = ()
    formulas: tuple[Formula, ...] = ()
    group_by: tuple[Group, ...] = ()
    having: tuple[Condition, ...] = ()  # left: a measure's or formula's name
    time: str = ""  # the column of times, where one is meant
    compare: Compare | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    tell: Literal["all", "names", "number"] = "all"  # of groups or rows: names and values, names alone, or how many
    show: tuple[str, ...] = ()  # columns that are told of rows
    outliers: Rule | None = None
    test: Test | None = None
    model: Model | None = None
    chart: Chart | None = None
    periods: int | None = None  # of a forecast
    verdicts: tuple[Verdict, ...] = ()
    decimals: int | None = None  # of the sentence; values are always told in full
    notes: tuple[str, ...] = ()  # how it was read, where a reader should know it
    unused: tuple[str, ...] = ()  # the words of `text` that were not understood
    read_as: str = ""  # the plain question that this answers, where `text` was not read and this is likely meant


class Reading(Value):
    """What a reader made of a question: its parts in order, and, where a part could mean something else, that, too."""

    parts: tuple[str, ...]
    queries: tuple[Query | None, ...]
    why_not: tuple[str, ...] = ()  # by part, why there is no query
    unknown: tuple[str, ...] = ()  # the words for which there is none, as no column is called so or holds them
    others: tuple[tuple[int, str, Query], ...] = ()  # other readings of parts, with what each would mean
    follows: bool = False  # it is the query before, changed


Scalar.model_rebuild()


def given[T: Value](base: T, **fields: Any) -> T:
    """A query, or a part of one, with some of its fields set."""
    return base.model_copy(update=fields)


def simple(where: Sequence[Where], *ops: Operator) -> list[Condition]:
    """The conditions that are no choice of several, of these operators where any are named."""
    return [w for w in where if isinstance(w, Condition) and (not ops or w.op in ops)]


def compact(query: Value) -> dict[str, Any]:
    """A query, or a part of one, as JSON without what is left at its default; `model_validate` reads it back."""
    return query.model_dump(mode="json", exclude_defaults=True)
