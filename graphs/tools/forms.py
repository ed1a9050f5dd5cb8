"""How a model writes a query: the schema in short, other usual forms of the same, and what does not fit it."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, TypeAliasType, get_args, get_origin

from pydantic import ValidationError

from artifacts.types import Value
from graphs.questions.functions import FUNCTIONS
from graphs.questions.query import Query

SCHEMA = f"""\
JSON; leave out what is not needed. Columns by name, in an expression in backticks where they are no plain word. \
Expressions: + - * / % ** == != < <= > >= in and or not, and {" ".join(FUNCTIONS)}, as in days(a, b), if_(c, a, b), \
extract(s, 'pattern'); mean median total std min max of a whole column stand beside each row.
measures: [{{op, of, other, where, p, ddof, biased, method, with_p, among, name}}], op: count distinct missing \
present duplicates sum mean median mode min max range std var sem cv quantile iqr mad skewness kurtosis \
geometric_mean entropy share first last value values; with other: correlation (method pearson spearman kendall; \
with_p: its p-value) covariance slope r2 weighted_mean. A share is the part of the rows that meet the measure's own \
where, of those that meet among. ddof 0: of the population (std is of a sample). biased: skewness and kurtosis as in \
scipy, not pandas.
where: [{{left, op, right}}], op: = != < <= > >= in "not in" between (both ends) contains starts ends matches missing \
present during ("2023", "2023-05", "2023-Q2", "month 5", "weekday 0", "weekend"); right: a value, a list, an \
expression ("mean(fare)"), {{column}}, {{query, times}} for a number computed first; {{any_of: [[...], [...]]}} for \
or.
group_by: [{{of, grain}}], grain: year quarter month week day hour month_of_year quarter_of_year weekday hour_of_day. \
formulas: [{{name, expr}}] over measures by name, also words: if_(abs(skew) < 1, 'even', 'skewed'). having; order: \
[{{by, descending}}], of several measures by value or abs(value); limit. tell: all names number. \
show: columns of rows. decimals.
prepare, in order: {{do: keep, where}} {{do: drop_missing, columns}} {{do: drop_duplicates, columns}} {{do: fill, \
columns, how: mean median mode value, value}} {{do: derive, name, expr}} {{do: cut, name, of, edges (null: open), \
labels, right (true: an edge belongs to the class below it), equal (so many of equal width)}} {{do: recode, column, \
values: [[from, to]], other, name}} {{do: remove_outliers, columns, rule}} {{do: scale, columns, how: z minmax, \
ddof}} {{do: encode, columns, how: onehot label}} {{do: convert, columns, to: number time text}}. rule: {{rule: iqr z \
mad, k, sides: both high low, ddof}}.
table; joins: [{{file, own, theirs, how: left inner outer}}]. outliers: a rule, of the measure's column; show tells \
them. compare: {{of, first, second (empty: the others)}}. time: a column. periods: of a forecast.
test: {{name, about, alpha, sides: two less greater, null}}, of the measures' columns (op value: tell none beside) by \
group_by; of two columns of words group_by has both, and there is no measure; name: auto shapiro dagostino \
jarque_bera anderson ks_normal ks_two t welch paired_t one_sample_t mannwhitney wilcoxon anova welch_anova kruskal \
tukey levene bartlett f_variance chi2 chi2_fit fisher mcnemar proportions binomial pearson spearman kendall adfuller \
ljung_box; about, for auto: normality means medians variances proportions independence fit correlation distributions \
stationarity.
model: {{kind, target, features, task, test_size (part held out), folds, seed, stratify, metrics, options \
(scikit-learn's)}}, kind: linear ridge lasso logistic tree forest boosting knn svm naive_bayes kmeans; task: \
regression classification clustering; metrics: r2 mse rmse mae mape accuracy precision recall f1 auc confusion \
coefficients intercept p_values correlation importances silhouette.
verdicts: [{{when, then}}], the question's own word for each outcome, by the first rule that holds: of measures by \
name, p_value, r, statistic, n. \
chart: {{kind, x, y, colour}}, kind: bar line scatter histogram box violin pie heatmap area density waterfall.
intent: compute list rank describe compare relate test change why_changed experiment drivers predict forecast \
outliers clean join plot distribution.\
"""
"""All that a query may have: its fields and their words, which a test holds against `Query`."""

BRIEF = """\
JSON; leave out what is not needed. Columns by name, in an expression in backticks where they are no plain word. \
Expressions: + - * / % ** == < in and or not, year(a) days(a, b) if_(c, a, b).
measures: [{op, of, other, where, p, name}], op: count distinct missing sum mean median mode min max range std var \
quantile iqr skewness kurtosis share value values correlation slope r2 weighted_mean; a share is the part of the rows \
that meet the measure's own where.
where: [{left, op, right}], op: = != < <= > >= in "not in" between contains starts matches missing present during \
("2023", "2023-05", "2023-Q2"); {any_of: [[...], [...]]} for or.
group_by: [{of, grain}], grain: year quarter month week day weekday. formulas: [{name, expr}] over measures by name. \
having; order: [{by, descending}]; limit. tell: all names number. show: columns of rows.
prepare, in order: {do: keep, where} {do: drop_missing, columns} {do: drop_duplicates} {do: fill, columns, how} {do: \
derive, name, expr} {do: cut, name, of, edges, labels} {do: recode, column, values: [[from, to]]} {do: \
remove_outliers, columns, rule: {rule: iqr z mad, k}} {do: scale, columns, how: z minmax} {do: encode, columns} {do: \
convert, columns, to: number time text}.
table; joins: [{file, own, theirs, how}]. test: {name, alpha}, of the measures' columns by group_by, name: auto \
shapiro t welch mannwhitney anova levene chi2 fisher pearson. model: {kind, target, features}. outliers: a rule. \
compare: {of, first, second (empty: the others)}. chart: {kind, x, y}. periods: of a forecast.
intent: compute list rank compare relate test change why_changed experiment drivers predict forecast outliers clean \
join plot distribution.\
"""
"""What is asked for most, for who can write a cell instead: it is sent with every request of a long run."""


def read(written: Any) -> Query:
    """The query that a model wrote. Raises ValueError, with all that does not fit and what would.

    One in place of a list is a list of one, a text in place of an object is its first field, and a mapping in place of
    a list of pairs is its pairs.
    """
    faults: list[str] = []
    query = _read(written, Query, "query", faults)
    if faults:
        raise ValueError("; ".join(faults[:5]))
    assert isinstance(query, Query)
    return query


def _read(value: Any, wanted: Any, path: str, faults: list[str]) -> Any:
    """A value as what is wanted there; what does not fit is added to the faults."""
    if isinstance(wanted, TypeAliasType):
        wanted = wanted.__value__
    if get_origin(wanted) is Annotated:  # steps, which are told apart by what they do
        wanted = get_args(wanted)[0]
    return _one_of(value, get_args(wanted) if get_origin(wanted) is UnionType else (wanted,), path, faults)


def _one_of(value: Any, kinds: tuple[Any, ...], path: str, faults: list[str]) -> Any:
    """A value as the one of several kinds that it is."""
    if lists := [k for k in kinds if get_origin(k) is tuple]:
        others = tuple(k for k in kinds if k not in lists)
        if not others or isinstance(value, (list, tuple)):
            return _listed(value, get_args(lists[0]), path, faults)
        kinds = others
    objects = [k for k in kinds if isinstance(k, type) and issubclass(k, Value)]
    if isinstance(value, str) and len(objects) == 1 and str not in kinds:
        value = {next(iter(objects[0].model_fields)): value}
    if not objects or not isinstance(value, Mapping):
        return value
    if (meant := _meant(value, objects)) is None:
        known = ", ".join(k.model_fields["do"].default for k in objects)
        faults.append(f"{path}.do: {value.get('do')!r} is no step; there are {known}")
        return None
    return _filled(value, meant, path, faults)


def _listed(value: Any, of: tuple[Any, ...], path: str, faults: list[str]) -> Any:
    each, *more = of
    if isinstance(value, Mapping) and get_origin(each) is tuple:
        value = list(value.items())
    if isinstance(value, (str, Mapping)) and more == [...]:
        value = [value]
    if not isinstance(value, (list, tuple)):
        return value
    wanted = [each] * len(value) if more == [...] else of[: len(value)] + of[-1:] * (len(value) - len(of))
    return tuple(_read(v, t, f"{path}.{n}", faults) for n, (v, t) in enumerate(zip(value, wanted, strict=True)))


def _meant(value: Mapping[str, Any], objects: list[type[Value]]) -> type[Value] | None:
    """Of several kinds of objects the one that this is: a step by what it does, another by its fields."""
    if "do" in objects[0].model_fields:
        return next((k for k in objects if k.model_fields["do"].default == value.get("do")), None)
    return max(objects, key=lambda k: len(k.model_fields.keys() & value.keys()))


def _filled(value: Mapping[str, Any], kind: type[Value], path: str, faults: list[str]) -> Any:
    fields, before = kind.model_fields, len(faults)
    if strange := [k for k in value if k not in fields]:
        faults.append(f"{path} has no {' or '.join(map(str, strange))}; it may have {', '.join(fields)}")
    own = {k: _read(v, fields[k].annotation, f"{path}.{k}", faults) for k, v in value.items() if k in fields}
    if len(faults) > before:
        return None
    try:
        return kind.model_validate(own)
    except ValidationError as error:
        faults += [f"{'.'.join(map(str, (path, *e['loc'])))}: {e['msg']}" for e in error.errors()]
        return None
