"""The small language of expressions over columns: checked, and translated to pandas and to DuckDB's SQL.

`SibSp + Parch`, `days(opened, closed)`, "`Total revenue` / orders > 3 and region in ('North', 'South')". It is a part
of Python's own grammar, read by `ast`; names are columns, in backticks where they are no Python name. Of missing
values: a comparison with one is false, also `!=`; arithmetic with one is missing; `a / b` is missing where b is 0.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any, Literal

from rapidfuzz import fuzz, process, utils

from graphs.errors import GraphError

type Kind = Literal["number", "text", "time", "truth"]
"""What a column or an expression holds. Truth counts as 0 and 1 in arithmetic."""

type Kinds = Mapping[str, Kind]


class NotComputable(GraphError):
    """A query that cannot be carried out, with a sentence that says why and what would do."""


def kind_of(dtype: str) -> Kind:
    """What a pandas dtype, as text, holds."""
    if re.match(r"u?int|float|double|decimal", dtype, re.I):
        return "number"
    if dtype.startswith("bool"):
        return "truth"
    return "time" if dtype.startswith(("datetime", "date32", "timestamp")) else "text"


def nearest(name: str, names: Collection[str]) -> str | None:
    """The name that is spelt most like this one, if one comes near."""
    found = process.extractOne(
        name, list(names), scorer=fuzz.token_sort_ratio, processor=utils.default_process, score_cutoff=60
    )
    return str(found[0]) if found else None


def column(name: str, names: Collection[str], what: str = "column") -> str:
    """The column of that name, whatever its case. Raises NotComputable, naming the nearest, where there is none."""
    if name in names:
        return name
    alike = [n for n in names if n.casefold() == name.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    near = nearest(name, names)
    some = ", ".join(f"“{n}”" for n in list(names)[:8]) + (" …" if len(names) > 8 else "")
    hint = f"Did you mean “{near}”?" if near else f"There are {some}." if names else ""
    raise NotComputable(f"There is no {what} “{name}”. {hint}".strip())


@dataclass(frozen=True)
class Function:
    """A function of the language. `takes` has a letter per argument: n(umber), s(text), t(ime), b (truth), a(ny), one
    in capitals a constant; `?` may be left out, and `*` takes one or more of the letter before it."""

    takes: str
    gives: Kind | Literal["same"]
    pandas: str | Callable[..., str]
    sql: str | Callable[..., str] | None
    scalar: str | Callable[..., str] | None = None  # where names stand for single values


def _over(how: str) -> Callable[..., str]:
    """Of several columns of a row, those that are there."""

    def source(*args: str) -> str:
        plain = [re.fullmatch(r'rows\[("[^"]*")\]', a) for a in args]
        several = f"rows[[{', '.join(p[1] for p in plain if p)}]]"
        table = several if all(plain) else f"pd.concat([{', '.join(args)}], axis=1)"
        return f"{table}.{how}(axis=1{', min_count=1' * (how == 'sum')})"

    return source


def _smallest(how: str, each: str) -> Callable[..., str]:
    """Of one column over all rows, of several in each row."""
    return lambda *args: f"{args[0]}.{how}()" if len(args) == 1 else reduce(lambda a, b: f"{each}({a}, {b})", args)


def _smallest_sql(whole: str, each: str) -> Callable[..., str]:
    return lambda *args: f"{whole}({args[0]}) OVER ()" if len(args) == 1 else f"{each}({', '.join(args)})"


def _part(name: str, sql: str | None = None) -> Function:
    return Function("t", "number", f"{{0}}.dt.{name}", sql or f"{name}({{0}})")


def _length(size: int) -> Function:
    """The length of a time, b minus a, in units of so many seconds."""
    return Function("tt", "number", f"({{1}} - {{0}}).dt.total_seconds() / {size}", f"epoch({{1}} - {{0}}) / {size}")


def _pattern(text: str) -> str:
    """A pattern with one group, as a Python literal."""
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise NotComputable(f"The pattern {text!r} is no regular expression: {error}.") from None
    if groups > 1:
        raise NotComputable(f"The pattern {text!r} has {groups} groups; keep one, and write the others as (?:…).")
    return text if groups else f"({text})"


FUNCTIONS: dict[str, Function] = {
    "abs": Function("n", "number", "abs({0})", "abs({0})", "abs({0})"),
    "round": Function(
        "nN?",
        "number",
        lambda x, d="0": f"{x}.round({d})",
        lambda x, d="0": f"round({x}, {d})",
        lambda *a: f"round({', '.join(a)})",
    ),
    "floor": Function("n", "number", "np.floor({0})", "floor({0})", "np.floor({0})"),
    "sqrt": Function("n", "number", "np.sqrt({0}.where({0} >= 0))", "CASE WHEN {0} >= 0 THEN sqrt({0}) END"),
    "log": Function("n", "number", "np.log({0}.where({0} > 0))", "CASE WHEN {0} > 0 THEN ln({0}) END"),
    "log10": Function("n", "number", "np.log10({0}.where({0} > 0))", "CASE WHEN {0} > 0 THEN log10({0}) END"),
    "exp": Function("n", "number", "np.exp({0})", "exp({0})", "np.exp({0})"),
    "len": Function("s", "number", "{0}.str.len()", "length({0})"),
    "lower": Function("s", "text", "{0}.str.lower()", "lower({0})"),
    "upper": Function("s", "text", "{0}.str.upper()", "upper({0})"),
    "strip": Function("s", "text", "{0}.str.strip()", "trim({0})"),
    "year": _part("year"),
    "quarter": _part("quarter"),
    "month": _part("month"),
    "day": _part("day"),
    "hour": _part("hour"),
    "minute": _part("minute"),
    "weekday": _part("dayofweek", "(isodow({0}) - 1)"),  # 0 is Monday
    "seconds": _length(1),
    "minutes": _length(60),
    "hours": _length(3600),
    "days": _length(86400),
    "weeks": _length(604800),
    "months": Function(
        "tt",
        "number",
        "({1}.dt.year - {0}.dt.year) * 12 + {1}.dt.month - {0}.dt.month",
        "(year({1}) - year({0})) * 12 + month({1}) - month({0})",
    ),
    "years": Function("tt", "number", "({1} - {0}).dt.total_seconds() / 31557600", "epoch({1} - {0}) / 31557600"),
    "extract": Function(
        "sS",
        "text",
        lambda x, p: f"{x}.str.extract({literal(_pattern(p))}, expand=False)",
        lambda x, p: f"nullif(regexp_extract({x}, {quoted(_pattern(p))}, 1), '')",
    ),
    "matches": Function(
        "sS",
        "truth",
        lambda x, p: f"{x}.str.contains({literal(p)}, na=False)" if _pattern(p) else "",
        lambda x, p: f"coalesce(regexp_matches({x}, {quoted(p)}), false)",
    ),
    "contains": Function(
        "sS",
        "truth",
        lambda x, p: f"{x}.str.contains({literal(p)}, case=False, regex=False, na=False)",
        lambda x, p: f"coalesce(contains(lower({x}), {quoted(p.lower())}), false)",
    ),
    "starts": Function(
        "sS",
        "truth",
        lambda x, p: f"{x}.str.lower().str.startswith({literal(p.lower())}, na=False)",
        lambda x, p: f"coalesce(starts_with(lower({x}), {quoted(p.lower())}), false)",
    ),
    "ends": Function(
        "sS",
        "truth",
        lambda x, p: f"{x}.str.lower().str.endswith({literal(p.lower())}, na=False)",
        lambda x, p: f"coalesce(ends_with(lower({x}), {quoted(p.lower())}), false)",
    ),
    "during": Function("tS", "truth", lambda x, p: during(x, p), lambda x, p: during(x, p, sql=True)),
    "is_missing": Function("a", "truth", "{0}.isna()", "({0} IS NULL)"),
    "coalesce": Function("aa", "same", "{0}.fillna({1})", "coalesce({0}, {1})"),
    "number": Function(
        "s",
        "number",
        'pd.to_numeric({0}.str.extract(r"(-?\\d[\\d,]*\\.?\\d*)", expand=False).str.replace(",", ""), errors="coerce")',
        "TRY_CAST(replace(regexp_extract({0}, '-?\\d[\\d,]*\\.?\\d*'), ',', '') AS DOUBLE)",
    ),
    "min": Function("n*", "number", _smallest("min", "np.fmin"), _smallest_sql("min", "least"), "min({0})"),
    "max": Function("n*", "number", _smallest("max", "np.fmax"), _smallest_sql("max", "greatest"), "max({0})"),
    "row_mean": Function("n*", "number", _over("mean"), lambda *a: f"list_avg([{', '.join(a)}])"),
    "row_sum": Function("n*", "number", _over("sum"), lambda *a: f"list_sum([{', '.join(a)}])"),
    "mean": Function("n", "number", "{0}.mean()", "avg({0}) OVER ()"),
    "median": Function("n", "number", "{0}.median()", "median({0}) OVER ()"),
    "total": Function("n", "number", "{0}.sum()", "sum({0}) OVER ()"),
    "std": Function("n", "number", "{0}.std()", "stddev({0}) OVER ()"),
    "cumulative": Function("n", "number", "{0}.cumsum()", None),
    "previous": Function("a", "same", "{0}.shift(1)", None),
    "percent_change": Function("n", "number", "{0}.pct_change(fill_method=None) * 100", None),
    "rank": Function(
        "n",
        "number",
        '{0}.rank(ascending=False, method="min")',
        "CASE WHEN {0} IS NOT NULL THEN rank() OVER (ORDER BY {0} DESC NULLS LAST) END",
    ),
    "if_": Function(
        "baa",
        "same",
        "pd.Series(np.where({0}, {1}, {2}), index=rows.index)",
        "CASE WHEN {0} THEN {1} ELSE {2} END",
        "({1} if {0} else {2})",
    ),
}
"""All functions, with how they are written in pandas and in SQL (None: it depends on the order of the rows)."""

_OPERATORS: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", 6), ast.Sub: ("-", 6), ast.Mult: ("*", 7), ast.Div: ("/", 7), ast.FloorDiv: ("//", 7),
    ast.Mod: ("%", 7), ast.Pow: ("**", 9),
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in",
    ast.NotIn: "not in",
}  # fmt: skip
_ATOM = 12
_SAID: dict[Kind, str] = {"number": "numbers", "text": "text", "time": "times", "truth": "true or false"}
_WANTED: dict[str, Kind] = {"n": "number", "s": "text", "t": "time", "b": "truth"}


def literal(value: Any) -> str:
    """A value as Python writes it, texts in double quotes."""
    if not isinstance(value, str):
        return repr(value)
    if "\\" in value and not re.search(r'"|\n|\\$', value):
        return f'r"{value}"'
    plain = (
        value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    return f'"{plain}"'


def quoted(value: Any) -> str:
    """A value as SQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    return repr(value) if isinstance(value, (int, float)) else "'" + str(value).replace("'", "''") + "'"


def text_literal(value: Any) -> str:
    """A value as an expression writes it."""
    if not isinstance(value, str):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def in_backticks(name: str) -> str:
    """A column's name as an expression writes it."""
    plain = name.isidentifier() and name not in ("and", "or", "not", "in", "is", "if", "else", "True", "False", "None")
    return name if plain else f"`{name}`"


@cache
def _read(text: str) -> tuple[ast.expr, tuple[str, ...]]:
    """An expression's tree, in which names in backticks are `_0_`, `_1_` …, and these names."""
    ticked: list[str] = []

    def take(found: re.Match[str]) -> str:
        if found[1] is None:  # a backslash is meant as such, before all but a quote and another one
            return re.sub(r"\\(.)", lambda m: m[0] if m[1] in "'\"\\nrt" else f"\\{m[0]}", found[0])
        ticked.append(found[1])
        return f"_{len(ticked) - 1}_"

    plain = re.sub(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`([^`]+)`""", take, text.strip())
    try:
        return ast.parse(plain, mode="eval").body, tuple(ticked)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        hint = " Names with spaces or signs stand in backticks."
        if re.search(r"(?<![<>=!])=(?!=)", plain):
            hint = " Write == for “equals”."
        raise NotComputable(f"The expression “{text}” cannot be read.{hint}") from None


def columns_of(text: str, names: Collection[str]) -> tuple[str, ...]:
    """The columns that an expression names, in its order. Raises NotComputable for one that is not there."""
    return tuple(dict.fromkeys(_Pandas(text, dict.fromkeys(names, "number")).names()))


def kind(text: str, kinds: Kinds) -> Kind:
    """What an expression gives, having checked all of it. Raises NotComputable with a sentence to mend it by."""
    return _Pandas(text, kinds).translated()[2]


def to_pandas(text: str, kinds: Kinds, *, frame: str = "rows", given: Mapping[str, str] | None = None) -> str:
    """The expression as pandas source over the columns of `frame`. `given` are names that stand for other source.

    An expression of constants alone gives that constant. Raises NotComputable.
    """
    return _Pandas(text, kinds, frame=frame, given=given).translated()[0]


def to_scalar(text: str, sources: Mapping[str, str]) -> str:
    """An expression over single values, by their names, as Python source: for formulas and verdicts."""
    return _Pandas(text, dict.fromkeys(sources, "number"), given=sources, scalar=True, what="value").translated()[0]


def to_series(text: str, sources: Mapping[str, str]) -> str:
    """An expression over columns of results, by their names, as pandas source: for formulas of each group."""
    return _Pandas(text, dict.fromkeys(sources, "number"), given=sources, what="value").translated()[0]


def to_sql(text: str, kinds: Kinds | None = None, *, given: Mapping[str, str] | None = None) -> str:
    """The expression as an expression of DuckDB's SQL over columns of these names.

    Without `kinds` columns are not looked up, and a comparison takes them to hold what they are compared with. `given`
    are names that stand for other SQL. Raises NotComputable for what depends on the order of rows.
    """
    return _Sql(text, kinds, given).translated()[0]


class _Pandas:
    """One expression on its way to pandas: each part becomes its source, how tightly that binds, and its kind."""

    def __init__(
        self,
        text: str,
        kinds: Kinds,
        *,
        frame: str = "rows",
        given: Mapping[str, str] | None = None,
        scalar: bool = False,
        what: str = "column",
    ) -> None:
        self.text, self.kinds, self.frame, self.given, self.scalar = text, kinds, frame, given or {}, scalar
        self.what = what
        whole = text.strip().strip("`")
        self.whole = whole if whole in kinds else None

    def names(self) -> list[str]:
        if self.whole:
            return [self.whole]
        tree, ticked = _read(self.text)
        called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
        return [
            self.name(n.id, ticked) for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called
        ]  # fmt: skip

    def name(self, written: str, ticked: tuple[str, ...]) -> str:
        ours = re.fullmatch(r"_(\d+)_", written)
        name = ticked[int(ours[1])] if ours and int(ours[1]) < len(ticked) else written
        return name if name in self.given else self.found(name)

    def found(self, name: str) -> str:
        return column(name, self.kinds, self.what)

    def translated(self) -> tuple[str, int, Kind]:
        if self.whole:
            return self.of_column(self.whole)
        self.tree, self.ticked = _read(self.text)
        try:
            return self.part(self.tree)
        except RecursionError:
            raise self.wrong("it is nested too deeply") from None

    def wrong(self, why: str) -> NotComputable:
        return NotComputable(f"“{self.text}” cannot be computed: {why}.")

    # what each way of writing differs in

    def of_column(self, name: str) -> tuple[str, int, Kind]:
        if name in self.given:
            return self.given[name], _ATOM, self.kinds.get(name, "number")
        return f"{self.frame}[{literal(name)}]", _ATOM, self.kinds[name]

    def constant(self, value: Any) -> str:
        return literal(value)

    def function(self, f: Function, args: list[str]) -> str:
        if self.scalar and f.scalar is None:
            raise self.wrong("of single values only abs, round, floor, exp, min, max and if_ can be taken")
        how = f.scalar if self.scalar and f.scalar else f.pandas
        args = [", ".join(args)] if self.scalar and "*" in f.takes else args
        return how(*args) if callable(how) else how.format(*args)

    def binding(self, source: str) -> int:
        """How tightly the source's outermost operator binds."""
        match ast.parse(source, mode="eval").body:
            case ast.BinOp(op=op):
                return _OPERATORS.get(type(op), ("&", 5))[1]
            case ast.Compare():
                return 4
            case ast.UnaryOp():
                return 8
        return _ATOM

    def arithmetic(self, sign: str, left: str, right: str, divisor: ast.expr) -> str:
        single = isinstance(divisor, ast.Constant) or (isinstance(divisor, ast.Call) and right.endswith("()"))
        if sign in ("/", "//", "%") and not single and not self.scalar:
            right = f"{self.atom(right)}.replace(0, np.nan)"
        return f"{left} {sign} {right}"

    def joined(self, words: bool, parts: list[str]) -> tuple[str, int]:
        if self.scalar:
            return (" and " if words else " or ").join(parts), 3 if words else 2
        return (" & " if words else " | ").join(parts), 5

    def negated(self, source: str) -> tuple[str, int]:
        return (f"not {source}", 3) if self.scalar else (f"~{source}", 10)

    def compared(self, left: str, sign: str, right: str) -> tuple[str, int]:
        if sign == "!=" and not self.scalar and self.atom(left) == left:
            return f"{left}.notna() & ({left} != {right})", 5
        return f"{left} {sign} {right}", 4

    def among(self, left: str, values: list[Any], negative: bool) -> tuple[str, int]:
        listed = f"[{', '.join(map(literal, values))}]"
        if self.scalar:
            return f"{left} {'not in' if negative else 'in'} {listed}", 4
        return (f"{left}.notna() & ~{left}.isin({listed})", 5) if negative else (f"{left}.isin({listed})", _ATOM)

    def as_time(self, source: str) -> str:
        return f'pd.to_datetime({source}, format="mixed", errors="coerce")'

    def as_number(self, source: str) -> str:
        return f"{source}.astype(float)"

    def as_year(self, source: str) -> str:
        return f"{source}.dt.year"

    # what they share

    def atom(self, source: str, bound: int | None = None) -> str:
        tight = (
            bound >= _ATOM if bound is not None else bool(re.fullmatch(r'[\w.]+(\[(r?"[^"\\]*")\])?|"[^"]*"', source))
        )
        return source if tight else f"({source})"

    def part(self, node: ast.expr) -> tuple[str, int, Kind]:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                told: Kind = "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
                return self.constant(value), _ATOM, told
            case ast.Name(id=written):
                return self.of_column(self.name(written, self.ticked))
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                source, bound, _ = self.truth(inner)
                plain, tight = self.negated(source if bound >= 10 else f"({source})")
                return plain, tight, "truth"
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
                source, bound = self.number(inner)
                sign = "-" if isinstance(node.op, ast.USub) else ""
                return f"{sign}{source if bound > 8 else f'({source})'}", 8, "number"
            case ast.BinOp():
                return self.operation(node)
            case ast.BoolOp(op=op, values=values):
                parts = [(s if b > 5 else f"({s})") for s, b, _ in map(self.truth, values)]
                return (*self.joined(isinstance(op, ast.And), parts), "truth")
            case ast.Compare(left=first, ops=ops, comparators=others):
                sides = [first, *others]
                each = [self.comparison(a, op, b) for a, op, b in zip(sides, ops, others, strict=False)]
                if len(each) == 1:
                    return (*each[0], "truth")
                return (*self.joined(True, [s if b > 5 else f"({s})" for s, b in each]), "truth")
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args)
        raise self.wrong("only columns, numbers, quoted texts, + - * / % **, comparisons, and, or, not, and functions "
                         f"such as {', '.join(list(FUNCTIONS)[:4])} may stand there")  # fmt: skip

    def truth(self, node: ast.expr) -> tuple[str, int, Kind]:
        source, bound, what = self.part(node)
        if what != "truth":
            raise self.wrong(f"“{self.said(node)}” is neither true nor false; compare it with something")
        return source, bound, what

    def number(self, node: ast.expr) -> tuple[str, int]:
        source, bound, what = self.part(node)
        if what == "truth":
            return self.as_number(self.atom(source, bound)), _ATOM
        if what == "time" and re.search(r"year|jahr", source, re.I):
            return self.as_year(source), _ATOM
        if what != "number":
            less = "use year(…), month(…) or days(a, b)" if what == "time" else "use number(…) where it holds numbers"
            raise self.wrong(f"“{self.said(node)}” holds {_SAID[what]}, no numbers; {less}")
        return source, bound

    def operation(self, node: ast.BinOp) -> tuple[str, int, Kind]:
        if type(node.op) not in _OPERATORS:
            raise self.wrong("the operators are + - * / // % ** and comparisons; write and, or and not in words")
        sign, binds = _OPERATORS[type(node.op)]
        left, right = self.part(node.left), self.part(node.right)
        if sign == "-" and left[2] == right[2] == "time":
            plain = self.function(FUNCTIONS["days"], [self.atom(*right[:2]), self.atom(*left[:2])])
            return plain, self.binding(plain), "number"
        if sign == "+" and left[2] == right[2] == "text":
            return self.concatenated(left[0], right[0]), 6, "text"
        (a, tight_a), (b, tight_b) = self.number(node.left), self.number(node.right)
        a = a if tight_a >= binds + (sign == "**") else f"({a})"
        b = b if tight_b > binds or (tight_b == binds and sign in "+*") else f"({b})"
        return self.arithmetic(sign, a, b, node.right), binds, "number"

    def concatenated(self, left: str, right: str) -> str:
        return f"{left} + {right}"

    def comparison(self, first: ast.expr, op: ast.cmpop, other: ast.expr) -> tuple[str, int]:
        if type(op) not in _COMPARISONS:
            raise self.wrong("compare with == != < <= > >= or in; is_missing(a) tells of missing values")
        sign = _COMPARISONS[type(op)]
        left, bound, what = self.part(first)
        if sign in ("in", "not in"):
            return self.membership(first, left, bound, what, other, sign == "not in")
        right, other_bound, and_what = self.part(other)
        if isinstance(other, ast.Constant) and not self.scalar:
            if what == "time" and (_years([other.value]) or isinstance(other.value, str)):
                plain = self.function(FUNCTIONS["during"], [left, f"{sign} {other.value!s}"])
                return plain, self.binding(plain)
            right = self.constant(self.fitting(other.value, what, first, sign))
        elif isinstance(first, ast.Constant) and not self.scalar and not isinstance(other, ast.Constant):
            turned = {"<": ast.Gt, "<=": ast.GtE, ">": ast.Lt, ">=": ast.LtE}.get(sign)
            return self.comparison(other, turned() if turned else op, first)
        elif not self.scalar and what != and_what and {what, and_what} != {"truth", "number"}:
            raise self.wrong(
                f"“{self.said(first)}” holds {_SAID[what]} and “{self.said(other)}” {_SAID[and_what]}: unlike things"
            )
        left, right = (s if b > 5 else f"({s})" for s, b in ((left, bound), (right, other_bound)))
        return self.compared(left, sign, right)

    def membership(
        self, first: ast.expr, left: str, bound: int, what: Kind, other: ast.expr, negative: bool
    ) -> tuple[str, int]:
        try:
            given = ast.literal_eval(other)
        except ValueError:
            raise self.wrong("after “in” stands a list of numbers or texts") from None
        values = list(given) if isinstance(given, (tuple, list)) else [given]
        if what == "time" and not _years(values):
            parts = [self.function(FUNCTIONS["during"], [left, str(v)]) for v in values]
            source, tight = self.joined(False, [f"({p})" for p in parts])
            return self.negated(f"({source})") if negative else (source, tight)
        source = self.as_year(left) if what == "time" else self.atom(left, bound)
        plain = [self.fitting(v, "number" if what == "time" else what, first) for v in values]
        return self.among(source, plain, negative)

    def fitting(self, value: Any, what: Kind, of: ast.expr, sign: str = "==") -> Any:
        """A constant as it can be compared with what a column holds."""
        if what == "text":
            if sign not in ("==", "!=") and not isinstance(value, str):
                raise self.wrong(f"“{self.said(of)}” holds text, which is not above or below a number")
            return value if isinstance(value, str) else str(value)
        if what == "number" and isinstance(value, str):
            try:
                return float(value) if "." in value else int(value)
            except ValueError:
                raise self.wrong(f"“{self.said(of)}” holds numbers, and “{value}” is none") from None
        if what == "truth" and not isinstance(value, bool):
            word = str(value).casefold()
            if word not in ("yes", "true", "1", "1.0", "no", "false", "0", "0.0", "y", "n", "t", "f"):
                raise self.wrong(f"“{self.said(of)}” is true or false, not “{value}”")
            return word in ("yes", "true", "1", "1.0", "y", "t")
        return value

    def call(self, name: str, args: list[ast.expr]) -> tuple[str, int, Kind]:
        if name not in FUNCTIONS:
            near = nearest(name, FUNCTIONS)
            hint = f"did you mean {near}(…)?" if near else f"the functions are {', '.join(FUNCTIONS)}"
            raise NotComputable(f"There is no function {name}(…) in “{self.text}”: {hint}")
        f = FUNCTIONS[name]
        letters = f.takes.replace("?", "").replace("*", "")
        least = 1 if "*" in f.takes else len(letters) - f.takes.count("?")
        if not least <= len(args) <= (99 if "*" in f.takes else len(letters)):
            raise self.wrong(f"{name}(…) takes {len(letters)} argument{'s' * (len(letters) > 1)}, not {len(args)}")
        sources, kinds_given = [], []
        for i, arg in enumerate(args):
            letter = letters[min(i, len(letters) - 1)]
            if letter in "NS":
                value = getattr(arg, "value", None)
                if not isinstance(value, str if letter == "S" else int):
                    raise self.wrong(f"{name}(…) takes a plain {'text in quotes' if letter == 'S' else 'number'} there")
                sources.append(str(value))
                continue
            source, bound, what = self.part(arg)
            if name == "number" and what == "number":
                return source, bound, what
            if letter == "n":
                source, bound = self.number(arg)
            elif letter == "t" and what == "text":
                source, bound = self.as_time(source), _ATOM
            elif letter != "a" and what != _WANTED[letter]:
                raise self.wrong(
                    f"{name}(…) takes {_SAID[_WANTED[letter]]}, and “{self.said(arg)}” holds {_SAID[what]}"
                )
            sources.append(source if letter == "b" else self.atom(source, bound))
            kinds_given.append(what)
        told = kinds_given[-1] if f.gives == "same" else f.gives
        if f.gives == "same" and len({k for k in kinds_given[name == "if_" :]}) > 1:
            raise self.wrong(f"{name}(…) would mix {' and '.join(_SAID[k] for k in kinds_given[name == 'if_' :])}")
        source = self.function(f, sources)
        return source, self.binding(source), told

    def said(self, node: ast.expr) -> str:
        plain = ast.unparse(node)
        return re.sub(r"\b_(\d+)_\b", lambda m: self.ticked[int(m[1])], plain)


class _Sql(_Pandas):
    """One expression on its way to SQL."""

    def __init__(self, text: str, kinds: Kinds | None, given: Mapping[str, str] | None) -> None:
        self.known = kinds is not None
        super().__init__(text, kinds or {}, given=given)
        if kinds is None and re.fullmatch(r"`[^`]+`", text.strip()):
            self.whole = text.strip().strip("`")

    def found(self, name: str) -> str:
        return column(name, self.kinds) if self.known else name

    def of_column(self, name: str) -> tuple[str, int, Kind]:
        if name in self.given:
            return self.given[name], _ATOM, self.kinds.get(name, "number")
        doubled = name.replace('"', '""')
        return f'"{doubled}"', _ATOM, self.kinds.get(name, "number")

    def constant(self, value: Any) -> str:
        return quoted(value)

    def function(self, f: Function, args: list[str]) -> str:
        if f.sql is None:
            raise self.wrong("it depends on the order of the rows, which SQL does not know")
        return f.sql(*args) if callable(f.sql) else f.sql.format(*args)

    def binding(self, source: str) -> int:
        return 2 if " " in source else _ATOM

    def arithmetic(self, sign: str, left: str, right: str, divisor: ast.expr) -> str:
        if sign == "**":
            return f"pow({left}, {right})"
        if sign in ("/", "//", "%"):
            right = f"nullif({right}, 0)"
            whole = f"floor({left} / {right})"
            return {"//": whole, "%": f"({left} - {right} * {whole})"}.get(sign, f"{left} / {right}")
        return f"{left} {sign} {right}"

    def concatenated(self, left: str, right: str) -> str:
        return f"{left} || {right}"

    def joined(self, words: bool, parts: list[str]) -> tuple[str, int]:
        return (" AND " if words else " OR ").join(parts), 2

    def negated(self, source: str) -> tuple[str, int]:
        return f"NOT ({source})", 3

    def compared(self, left: str, sign: str, right: str) -> tuple[str, int]:
        return f"coalesce({left} {dict([('==', '='), ('!=', '<>')]).get(sign, sign)} {right}, false)", _ATOM

    def among(self, left: str, values: list[Any], negative: bool) -> tuple[str, int]:
        return f"coalesce({left} {'NOT ' * negative}IN ({', '.join(map(quoted, values))}), false)", _ATOM

    def as_time(self, source: str) -> str:
        return f"TRY_CAST({source} AS TIMESTAMP)"

    def as_number(self, source: str) -> str:
        return f"CAST({source} AS INTEGER)"

    def as_year(self, source: str) -> str:
        return f"year({source})"

    def number(self, node: ast.expr) -> tuple[str, int]:
        return super().number(node) if self.known else self.part(node)[:2]

    def fitting(self, value: Any, what: Kind, of: ast.expr, sign: str = "==") -> Any:
        return super().fitting(value, what, of, sign) if self.known else value


def _years(values: list[Any]) -> bool:
    return all(isinstance(v, int) and not isinstance(v, bool) and 1000 <= v <= 2999 for v in values)


_PERIOD = re.compile(r"(\d{4})(?:-?Q([1-4])|-(\d\d?)(?:-(\d\d?)(?:[T ](\d\d?:\d\d(?::\d\d)?))?)?)?")
_PARTS = {"month": "month", "quarter": "quarter", "weekday": "dayofweek", "hour": "hour", "day": "day", "year": "year"}


def during(source: str, period: str, sql: bool = False) -> str:
    """A condition that a time lies in a period ("2023", "2023-Q2", "2023-05", "2023-05-14", "month 5", "weekend"); with
    a comparison before it ("<= 2023") that it lies until its end, from its beginning, after or before it."""
    sign, _, rest = period.partition(" ") if period[:1] in "<>=!" else ("==", "", period)
    rest = rest.strip()
    if rest == "weekend":
        return f"coalesce(isodow({source}) >= 6, false)" if sql else f"{source}.dt.dayofweek >= 5"
    if found := re.fullmatch(r"(month|quarter|weekday|hour|day|year)s? (\d+)(?:-(\d+))?", rest):
        ends = [int(found[2]), int(found[3] or found[2])]
        if sql:
            part = f"(isodow({source}) - 1)" if found[1] == "weekday" else f"{found[1]}({source})"
            return f"coalesce({part} BETWEEN {ends[0]} AND {ends[1]}, false)"
        part = f"{source}.dt.{_PARTS[found[1]]}"
        return f"{part} == {ends[0]}" if ends[0] == ends[1] else f"{part}.between({ends[0]}, {ends[1]})"
    start, end = _ends(rest)
    if sql:
        first, after = f"TIMESTAMP '{start}'", f"TIMESTAMP '{end}'"
        whole = {"<": f"{source} < {first}", "<=": f"{source} < {after}", ">": f"{source} >= {after}",
                 ">=": f"{source} >= {first}", "!=": f"({source} < {first} OR {source} >= {after})"}  # fmt: skip
        return f"coalesce({whole.get(sign, f'{source} >= {first} AND {source} < {after}')}, false)"
    if sign == "==" and re.fullmatch(r"\d{4}", rest):
        return f"{source}.dt.year == {rest}"
    whole = {"<": f'{source} < "{start}"', "<=": f'{source} < "{end}"', ">": f'{source} >= "{end}"',
             ">=": f'{source} >= "{start}"', "!=": f'({source} < "{start}") | ({source} >= "{end}")'}  # fmt: skip
    return whole.get(sign, f'({source} >= "{start}") & ({source} < "{end}")')


def _ends(period: str) -> tuple[str, str]:
    """A period's first moment, and the first after it."""
    import datetime as dt

    found = _PERIOD.fullmatch(period)
    try:
        if not found:
            raise ValueError
        year, quarter, month, day = (int(g) if g else 0 for g in found.groups()[:4])
        first = dt.datetime(year, 3 * quarter - 2 if quarter else month or 1, day or 1)
        if found[5]:
            first = dt.datetime.combine(first, dt.time.fromisoformat(found[5].zfill(5)))
            after = first + dt.timedelta(minutes=1) if found[5].count(":") == 1 else first + dt.timedelta(seconds=1)
            return str(first), str(after)
        if day:
            return str(first.date()), str((first + dt.timedelta(days=1)).date())
        months = 3 if quarter else 1 if month else 12
        after = dt.datetime(year + (first.month + months > 12), (first.month + months - 1) % 12 + 1, 1)
    except ValueError:
        said = "such as 2023, 2023-Q2, 2023-05, 2023-05-14, “month 5”, “weekday 0” (Monday), “hour 17” or “weekend”"
        raise NotComputable(f"“{period}” is no period of time; write one {said}.") from None
    return str(first.date()), str(after.date())
