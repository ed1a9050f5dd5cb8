"""A typed question: what the fields of the first page's form say, as a query that needs no reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from graphs.errors import InputError
from graphs.questions.conditions import in_words
from graphs.questions.query import Condition, Group, Measure, Operator, Query, Statistic

NAMES: dict[Statistic, str] = {
    "count": "number of rows", "mean": "mean", "median": "median", "sum": "sum", "min": "smallest", "max": "largest",
    "range": "range", "std": "standard deviation", "var": "variance", "sem": "standard error of the mean",
    "cv": "coefficient of variation", "quantile": "quantile", "iqr": "interquartile range",
    "mad": "median absolute deviation", "skewness": "skewness", "kurtosis": "kurtosis", "share": "share of the rows",
    "distinct": "number of different values", "mode": "most frequent value", "missing": "number of missing values",
    "present": "number of known values", "duplicates": "number of repeated rows", "values": "all different values",
    "entropy": "entropy", "correlation": "correlation", "covariance": "covariance", "slope": "slope", "r2": "R²",
    "weighted_mean": "weighted mean",
}  # fmt: skip
"""What the form calls the statistics that it offers."""

PAIRS = ("correlation", "covariance", "slope", "r2", "weighted_mean")
"""Those of two columns; the second is the other one, or the weights."""

OF_ROWS = ("count", "share", "missing", "duplicates")
"""Those that need no column."""

_BARE = ("missing", "present")
_SEVERAL = ("in", "not in", "between")


def typed_query(form: Mapping[str, Any], question: str = "") -> Query | None:
    """The query that the form's fields mean; None where all are empty. Raises InputError, naming what is lacking.

    Fields: `op`, `of`, `other`, `p`, `left`, `operator`, `right`, `group`, `table`. Without a `question` the query's
    text is made from what it asks.
    """
    told = {name: str(value).strip() for name, value in form.items()}
    if not any(told.get(name) for name in ("op", "of", "other", "left", "right", "group")):
        return None
    where = _condition(told)
    measure = _measure(told, where)
    groups = (Group(of=told["group"]),) if told.get("group") else ()
    return Query(
        text=question or _words(measure, where, told.get("group", "")),
        table=told.get("table", ""),
        where=where if measure.op != "share" else (),
        measures=(measure,),
        group_by=groups,
    )


def _measure(told: Mapping[str, str], where: tuple[Condition, ...]) -> Measure:
    op = next((name for name in NAMES if name == told.get("op")), None)
    if op is None:
        raise InputError("The typed question has no statistic. Choose one, or empty its other fields.")
    of, other = told.get("of") or None, told.get("other") or None
    if of is None and op not in OF_ROWS:
        raise InputError(f"The typed question does not say of which column the {NAMES[op]} is wanted. Name one.")
    if op in PAIRS and other is None:
        raise InputError(f"The typed question has one column, and the {NAMES[op]} takes two. Name the second.")
    if op == "share" and not where:
        raise InputError("The typed question wants a share and has no condition. Say which rows are to be counted.")
    return Measure(
        op=op,
        of=of if op != "share" else None,
        other=other if op in PAIRS else None,
        where=where if op == "share" else (),
        p=_quantile(told.get("p", "")) if op == "quantile" else None,
    )


def _quantile(text: str) -> float:
    value = _value(text)
    if isinstance(value, str | bool) or not 0 <= value <= 1:
        raise InputError("The typed question needs a number from 0 to 1 for its quantile, such as 0.9.")
    return float(value)


def _condition(told: Mapping[str, str]) -> tuple[Condition, ...]:
    left, right = told.get("left", ""), told.get("right", "")
    operator: Operator = next((o for o in get_args(Operator) if o == told.get("operator")), "=")
    if not left and right:
        raise InputError(f"The condition of the typed question compares with {right!r} and names no column. Name it.")
    if not left:
        return ()
    if operator in _BARE:
        return (Condition(left=left, op=operator),)
    if not right:
        raise InputError(f"The condition of the typed question says nothing to compare {left!r} with. Give a value.")
    if operator not in _SEVERAL:
        return (Condition(left=left, op=operator, right=_value(right)),)
    values = tuple(_value(part) for part in right.split(",") if part.strip())
    if operator == "between" and len(values) != 2:
        raise InputError("Between takes two values with a comma, such as 10, 20.")
    return (Condition(left=left, op=operator, right=values),)


def _value(text: str) -> str | bool | int | float:
    """A number, true or false where it reads as one, else text. In quotes it is text in any case."""
    plain = text.strip()
    if len(plain) > 1 and plain[0] == plain[-1] and plain[0] in "'\"":
        return plain[1:-1]
    if plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    for kind in (int, float):
        try:
            return kind(plain)
        except ValueError:
            continue
    return plain


def _words(measure: Measure, where: tuple[Condition, ...], group: str) -> str:
    of = " and ".join(name for name in (measure.of, measure.other) if name)
    told = NAMES[measure.op] + (f" {measure.p:g}" if measure.p is not None else "") + (f" of {of}" if of else "")
    told += f" where {in_words(where, lambda scalar: scalar.query.text)}" if where else ""
    return told[:1].upper() + told[1:] + (f", for each {group}" if group else "")
