"""The functions of the language of expressions: what each takes and gives, and how pandas and SQL write it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Literal

type Kind = Literal["number", "text", "time", "truth"]
"""What a column or an expression holds. Truth counts as 0 and 1 in arithmetic."""


AS_TIME = 'pd.to_datetime({}, format="mixed", errors="coerce")'
"""How a text becomes a time in pandas."""


@dataclass(frozen=True)
class Function:
    """A function of the language. `takes` has a letter per argument: n(umber), s(text), t(ime), b (truth), a(ny), one
    in capitals a constant (Number, Text, text in Lower case, Pattern, pattern with one Group, period of Days); `?` may
    be left out, and `*` takes one or more of the letter before it. `scalar` is of names that stand for single values.
    """

    takes: str
    gives: Kind | Literal["same"]
    pandas: str | Callable[..., str]
    sql: str | Callable[..., str] | None
    scalar: str | Callable[..., str] | None = None


def _called(name: str) -> Callable[..., str]:
    return lambda *args: f"{name}({', '.join(args)})"


def _smallest(how: str, each: str) -> Callable[..., str]:
    """Of one column over all rows, of several in each row."""
    return lambda *args: f"{args[0]}.{how}()" if len(args) == 1 else reduce(lambda a, b: f"{each}({a}, {b})", args)


def _smallest_sql(whole: str, each: str) -> Callable[..., str]:
    return lambda *args: f"{whole}({args[0]}) OVER ()" if len(args) == 1 else f"{each}({', '.join(args)})"


def _part(name: str, sql: str = "") -> Function:
    return Function("t", "number", f"{{0}}.dt.{name}", sql or f"{name}({{0}})")


def _length(size: int) -> Function:
    """The length of a time, b minus a, in units of so many seconds."""
    return Function("tt", "number", f"({{1}} - {{0}}).dt.total_seconds() / {size}", f"epoch({{1}} - {{0}}) / {size}")


def _of_all(how: str, sql: str) -> Function:
    """A statistic of all rows, beside each row."""
    return Function("n", "number", f"{{0}}.{how}()", f"{sql}({{0}}) OVER ()")


_NUMBER = r"-?\\d[\\d,]*\\.?\\d*"
FUNCTIONS: dict[str, Function] = {
    "abs": Function("n", "number", "abs({0})", "abs({0})", "abs({0})"),
    "round": Function("nN?", "number", lambda x, d="0": f"{x}.round({d})", _called("round"), _called("round")),
    "sqrt": Function("n", "number", "np.sqrt({0}.where({0} >= 0))", "CASE WHEN {0} >= 0 THEN sqrt({0}) END"),
    "log": Function("n", "number", "np.log({0}.where({0} > 0))", "CASE WHEN {0} > 0 THEN ln({0}) END"),
    "exp": Function("n", "number", "np.exp({0})", "exp({0})", "np.exp({0})"),
    "len": Function("s", "number", "{0}.str.len()", "length({0})"),
    "lower": Function("s", "text", "{0}.str.lower()", "lower({0})"),
    "upper": Function("s", "text", "{0}.str.upper()", "upper({0})"),
    "strip": Function("s", "text", "{0}.str.strip()", "trim({0})"),
    "year": _part("year"), "quarter": _part("quarter"), "month": _part("month"), "day": _part("day"),
    "hour": _part("hour"), "minute": _part("minute"),
    "weekday": _part("day_of_week", "(isodow({0}) - 1)"),  # 0 is Monday
    "seconds": _length(1), "minutes": _length(60), "hours": _length(3600), "days": _length(86400),
    "weeks": _length(604800), "years": _length(31557600),
    "extract": Function("sG", "text", "{0}.str.extract({1}, expand=False)", "nullif(regexp_extract({0}, {1}, 1), '')"),
    "matches": Function("sP", "truth", "{0}.str.contains({1}, na=False)", "coalesce(regexp_matches({0}, {1}), false)"),
    "contains": Function("sL", "truth", "{0}.str.contains({1}, case=False, regex=False, na=False)",
                         "coalesce(contains(lower({0}), {1}), false)"),
    "starts": Function("sL", "truth", "{0}.str.lower().str.startswith({1}, na=False)",
                       "coalesce(starts_with(lower({0}), {1}), false)"),
    "ends": Function("sL", "truth", "{0}.str.lower().str.endswith({1}, na=False)",
                     "coalesce(ends_with(lower({0}), {1}), false)"),
    "during": Function("tD", "truth", "", ""),  # written by the translator, from comparisons
    "is_missing": Function("a", "truth", "{0}.isna()", "({0} IS NULL)"),
    "coalesce": Function("aa", "same", "{0}.fillna({1})", "coalesce({0}, {1})"),
    "number": Function("s", "number",
                       f'pd.to_numeric({{0}}.str.extract("({_NUMBER})", expand=False).str.replace(",", ""), '
                       'errors="coerce")',
                       "TRY_CAST(replace(regexp_extract({0}, '-?\\d[\\d,]*\\.?\\d*'), ',', '') AS DOUBLE)"),
    "min": Function("n*", "number", _smallest("min", "np.fmin"), _smallest_sql("min", "least"), _called("min")),
    "max": Function("n*", "number", _smallest("max", "np.fmax"), _smallest_sql("max", "greatest"), _called("max")),
    "mean": _of_all("mean", "avg"), "median": _of_all("median", "median"), "total": _of_all("sum", "sum"),
    "std": _of_all("std", "stddev"),
    "cumulative": Function("n", "number", "{0}.cumsum()", None),
    "previous": Function("a", "same", "{0}.shift(1)", None),
    "percent_change": Function("n", "number", "{0}.pct_change(fill_method=None) * 100", None),
    "if_": Function("baa", "same", "pd.Series(np.where({0}, {1}, {2}), index=rows.index)",
                    "CASE WHEN {0} THEN {1} ELSE {2} END", "({1} if {0} else {2})"),
}  # fmt: skip
"""All functions, with how they are written in pandas and in SQL (None: it depends on the order of the rows)."""


def _infix(
    sign: str, sql: str = "", pandas: str | Callable[..., str] = "", gives: Literal["number", "truth"] = "number"
) -> Function:
    plain = f"{{}} {sign} {{}}"
    return Function("nn", gives, pandas or plain, sql or plain, plain)


def _by(sign: str) -> Callable[..., str]:
    """A division, by zero missing."""
    single = r"\.(?:mean|median|sum|std|min|max)\(\)\)*$|^\(?-?[\d.]+\)?$"  # one number of all rows
    return lambda a, b: f"{a} {sign} {b}" if re.search(single, b) else f"{a} {sign} {b}.replace(0, np.nan)"


def _joined(*signs: str) -> Function:
    return Function("b*", "truth", *((lambda *a, sign=sign: f" {sign} ".join(a)) for sign in signs))


OPERATORS: dict[str, Function] = {
    "+": _infix("+"), "-": _infix("-"), "*": _infix("*"), "**": _infix("**", "pow({}, {})"),
    "/": _infix("/", "{} / nullif({}, 0)", _by("/")), "//": _infix("//", "floor({} / nullif({}, 0))", _by("//")),
    "%": _infix("%", "{0} - {1} * floor({0} / nullif({1}, 0))", _by("%")),
    "minus": Function("n", "number", "-{}", "-{}", "-{}"), "not": Function("b", "truth", "~{}", "NOT {}", "not {}"),
    "since": Function("tt", "number", "({0} - {1}).dt.total_seconds() / 86400", "epoch({0} - {1}) / 86400"),
    "attached": Function("ss", "text", "{} + {}", "{} || {}"),
    "and": _joined("&", "AND", "and"), "or": _joined("|", "OR", "or"),
    "==": _infix("==", "coalesce({} = {}, false)", gives="truth"),
    "!=": _infix("!=", "coalesce({} <> {}, false)", "{0}.notna() & ({0} != {1})", "truth"),
    **{sign: _infix(sign, f"coalesce({{}} {sign} {{}}, false)", gives="truth") for sign in ("<", "<=", ">", ">=")},
    "in": _infix("in", "coalesce({} IN {}, false)", "{}.isin({})", "truth"),
    "not in": _infix("not in", "coalesce({} NOT IN {}, false)", "{0}.notna() & ~{0}.isin({1})", "truth"),
}  # fmt: skip
"""The operators in the same way; `since` and `attached` are differences of times and sums of texts."""
