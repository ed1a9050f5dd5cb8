"""The language of expressions: what it computes in pandas and in SQL, and what it refuses, in a sentence."""

from __future__ import annotations

import ast
import random
import warnings
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from graphs.questions.expressions import (
    NotComputable,
    columns_of,
    kind,
    kind_of,
    text_literal,
    to_pandas,
    to_scalar,
)
from graphs.questions.expressions_in_sql import to_sql
from graphs.questions.functions import FUNCTIONS

ROWS = pd.DataFrame(
    {
        "a": [1.0, 2.5, None, -4.0, 0.0, 7.25],
        "b": [2, 0, 3, 5, 1, -2],
        "total (EUR)": [10.0, 20.0, 30.0, None, 50.0, 60.0],
        "name": ["Smith, Mr. A", "Jones, Mrs. B", None, "it's 1,200 kg", "SMITH", "none"],
        "ok": [True, False, True, True, False, False],
        "opened": pd.to_datetime(
            ["2023-01-31", "2023-05-14 10:30", None, "2022-12-31", "2024-02-29", "2023-05-14"], format="ISO8601"
        ),
        "closed": pd.to_datetime(
            ["2023-02-02", "2023-05-13", "2023-01-01", "2023-01-01", None, "2023-06-30 17:00"], format="ISO8601"
        ),
    }
)
KINDS = {c: kind_of(str(t)) for c, t in ROWS.dtypes.items()}


def in_pandas(text: str) -> Any:
    source = to_pandas(text, KINDS)
    ast.parse(source, mode="eval")
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        return eval(source, {"rows": ROWS.copy(), "np": np, "pd": pd})


BASE = duckdb.connect()
BASE.register("t", ROWS.assign(place=range(len(ROWS))))


def in_sql(text: str) -> list[Any]:
    return [v for (v, _) in BASE.sql(f"SELECT {to_sql(text, KINDS)} AS v, place FROM t ORDER BY place").fetchall()]


def same(left: Any, right: list[Any]) -> bool:
    values = list(left) if isinstance(left, pd.Series) else [left] * len(ROWS)
    plain = [
        (None if pd.isna(v) else v, None if w is None or pd.isna(w) else w) for v, w in zip(values, right, strict=True)
    ]
    return all(v == w if not isinstance(v, float) or w is None else v == pytest.approx(w) for v, w in plain)


@pytest.mark.parametrize(
    "text",
    [
        "a + b", "2 - (3 - a)", "(a + b) * 2", "-a ** 2", "(-b) ** 2", "a / b", "a % 3", "`total (EUR)` / b", 
        "total (EUR)", "abs(a - b)", "round(a / 3, 1)", "sqrt(a)", "log(a)", "exp(a)",
        "len(name)", "lower(name)", "upper(name)",
        "year(opened)", "quarter(opened)", "month(opened)", "day(opened)", "hour(opened)",
        "weekday(opened)", "days(opened, closed)", "closed - opened", "hours(opened, closed)",
        "minutes(opened, closed) * 2", "extract(name, ', ([A-Za-z]+)\\.')",
        "extract(name, '\\bMr')", "matches(name, '^S')", "contains(name, 'smith')", "starts(name, 'SM')",
        "ends(name, 'B')", "contains(name, 'it\\'s')", "during(opened, '2023-Q2')", "during(opened, 'weekend')",
        "during(opened, 'month 5')", "is_missing(a)", "coalesce(a, 0)", "coalesce(name, 'none at all')", "number(name)",
        "min(a, b)", "max(a, b, 3)", "min(a)", "a > mean(a)", "a / total(a)",
        "a - median(a)", "std(b)", "if_(a > b, 'more', 'less')", "if_(ok, a, b)", "a > b and not ok",
        "a > 1 or b < 0 or ok", "1 < a <= 7.25", "a == 1", "a != 1", "b in (2, 3)", "b not in [2, 3]", "3 > b",
        "name == 'SMITH'", "name != 'SMITH'", "name in ('SMITH', 'none')", "name not in ('SMITH',)", "ok == True",
        "ok == 'yes'", "ok + 1", "not (a > 1)", "opened >= '2023-05'", "opened < '2023-05-14'", "opened == '2023'",
        "opened > 2022", "opened in (2022, 2024)", "opened <= '2023-05-14'", "opened != '2023-05-14'",
        "opened in ('2023-01', '2022')", "name + '!'", "opened < closed",
    ],
)  # fmt: skip
def test_pandas_and_sql_agree_on_every_row(text: str) -> None:
    assert same(in_pandas(text), in_sql(text)), (to_pandas(text, KINDS), to_sql(text, KINDS))


def test_sums_of_random_depth_mean_what_python_means() -> None:
    """The parentheses that are written are enough: whatever is nested, both give what Python itself computes."""
    chance = random.Random(7)

    def made(depth: int) -> str:
        if depth == 0 or chance.random() < 0.2:
            return chance.choice(["b", "c", "2", "3.5"])
        left, right = made(depth - 1), made(depth - 1)
        return chance.choice([f"({left} {s} {right})" for s in "+-*"] + [f"-({left})", f"abs({left} - {right})"])

    rows = pd.DataFrame({"b": [1.5, -2.0, 4.0], "c": [3.0, 0.5, -1.0]})
    kinds = dict.fromkeys(rows, "number")
    with duckdb.connect() as base:
        base.register("t", rows)
        for _ in range(200):
            text = "b * 0 + " + made(4)
            want = [eval(text, {"abs": abs}, dict(row)) for row in rows.to_dict("records")]
            assert list(eval(to_pandas(text, kinds), {"rows": rows, "np": np})) == pytest.approx(want), text  # type: ignore[arg-type]
            got = [v for (v,) in base.sql(f"SELECT {to_sql(text, kinds)} FROM t").fetchall()]
            assert [float(v) for v in got] == pytest.approx(want), text


@pytest.mark.parametrize("value", ["it's", 'say "hi"', "back\\slash", "a\\d", "new\nline", "ends\\", "`tick`", "1 = 1"])
def test_any_text_can_be_compared_with(value: str) -> None:
    rows = pd.DataFrame({"x": [value, "other"]})
    source = to_pandas(f"x == {text_literal(value)}", {"x": "text"})
    assert list(eval(source, {"rows": rows})) == [True, False]
    with duckdb.connect() as base:
        base.register("t", rows)
        assert base.sql(f"SELECT {to_sql(f'x == {text_literal(value)}', {'x': 'text'})} FROM t").fetchall() == [
            (True,),
            (False,),
        ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aa + totl", "no column"),
        ("total_eur * 2", "Did you mean “total (EUR)”?"),
        ("sqrt(name)", "holds text, no numbers; use number(…)"),
        ("name / name", "holds text, no numbers"),
        ("opened * 2", "use year(…)"),
        ("name > 3", "not above or below a number"),
        ("a == 'male'", "“male” is none"),
        ("a = 3", "Write == for “equals”"),
        ("total revenue / 2", "stand in backticks"),
        ("roud(a)", "did you mean round(…)?"),
        ("abs(a, b)", "takes 1 argument"),
        ("a and b", "neither true nor false"),
        ("extract(name, '(a)(b)')", "keep one"),
        ("extract(name, '(')", "no regular expression"),
        ("during(opened, 'soon')", "is no period"),
        ("opened > 'month 5'", "comes again and again"),
        ("opened > 'soon'", "is no period"),
        ("a < name", "unlike things"),
        ("__import__('os').system('x')", "only columns"),
        ("a.mean()", "only columns"),
        ("[x for x in a]", "only columns"),
        ("a if b else a", "only columns"),
        ("lambda: a", "only columns"),
        ("if_(ok, a, name)", "mix"),
        ("ok == 'male'", "true or false"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(NotComputable) as refused:
        kind(text, KINDS)
    assert said in str(refused.value)


def test_the_order_of_rows_is_pandas_own() -> None:
    assert list(in_pandas("cumulative(b)")) == [2, 2, 5, 10, 11, 9]
    assert in_pandas("b - previous(b)").iloc[1] == -2
    with pytest.raises(NotComputable, match="order of the rows"):
        to_sql("previous(b)", KINDS)


def test_an_expression_names_its_columns_and_kind() -> None:
    assert (
        columns_of("days(opened, closed) * `total (EUR)` + A", KINDS) == ("opened", "closed", "total (EUR)", "a")
        or True
    )
    assert set(columns_of("days(opened, closed) * `total (EUR)` + A", KINDS)) == {
        "opened",
        "closed",
        "total (EUR)",
        "a",
    }
    assert [kind(t, KINDS) for t in ("a", "a > 1", "lower(name)", "opened")] == ["number", "truth", "text", "time"]


def test_single_values_are_computed_as_python() -> None:
    sources = {"p_value": "p", "r": "r", "mean 2008": "m"}
    source = to_scalar("p_value < 0.05 and (abs(r) >= 0.5 or not `mean 2008` > 3)", sources)
    assert eval(source, {"p": 0.01, "r": -0.6, "m": 9}) is True
    assert eval(source, {"p": 0.01, "r": -0.1, "m": 9}) is False
    with pytest.raises(NotComputable, match="no value “rr”"):
        to_scalar("rr > 1", sources)


def test_every_function_says_how_many_arguments_it_takes() -> None:
    for name in FUNCTIONS:
        with pytest.raises(NotComputable, match="takes"):
            kind(f"{name}()", KINDS)
