"""The small language of expressions over columns: checked, and translated to pandas (to SQL: `expressions_in_sql`).

`SibSp + Parch`, `days(opened, closed)`, "`Total revenue` / orders > 3 and region in ('North', 'South')". It is a part
of Python's own grammar, read by `ast`; names are columns, in backticks where they are no Python name. Of missing
values: a comparison with one is false, also `!=`; arithmetic with one is missing; `a / b` is missing where b is 0.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, ClassVar

from rapidfuzz import fuzz, process, utils

from graphs.errors import GraphError
from graphs.questions.functions import FUNCTIONS, Function, Kind
from graphs.questions.source import literal

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


_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in",
    ast.NotIn: "not in",
}  # fmt: skip
_TURNED = {"<": ast.Gt, "<=": ast.GtE, ">": ast.Lt, ">=": ast.LtE}
_SAID: dict[Kind, str] = {"number": "numbers", "text": "text", "time": "times", "truth": "true or false"}
_WANTED: dict[str, Kind] = {"n": "number", "s": "text", "t": "time", "b": "truth"}
AS_TIME = 'pd.to_datetime({}, format="mixed", errors="coerce")'
"""How a text becomes a time."""
_SINGLE = re.compile(r"\.(?:mean|median|sum|std|min|max)\(\)\)*$")
"""How the source of one number of all rows ends."""


def text_literal(value: Any) -> str:
    """A value as an expression writes it."""
    if not isinstance(value, str):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def bare(name: str) -> str:
    """A column's name without the backticks in which an expression may have it."""
    return name.strip().strip("`")


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
    return tuple(dict.fromkeys(InPandas(text, dict.fromkeys(names, "number")).names()))


def kind(text: str, kinds: Kinds) -> Kind:
    """What an expression gives, having checked all of it. Raises NotComputable with a sentence to mend it by."""
    return InPandas(text, kinds).translated()[1]


def to_pandas(text: str, kinds: Kinds, *, frame: str = "rows", given: Mapping[str, str] | None = None) -> str:
    """The expression as pandas source over the columns of `frame`. `given` are names that stand for other source.

    An expression of constants alone gives that constant. Raises NotComputable.
    """
    return InPandas(text, kinds, frame, given).translated()[0]


def to_scalar(text: str, sources: Mapping[str, str]) -> str:
    """An expression over single values, by their names, as Python source: for formulas and verdicts."""
    return _Single(text, dict.fromkeys(sources, "number"), given=sources, what="value").translated()[0]


def to_series(text: str, sources: Mapping[str, str]) -> str:
    """An expression over columns of results, by their names, as pandas source: for formulas of each group."""
    return InPandas(text, dict.fromkeys(sources, "number"), given=sources, what="value").translated()[0]


class InPandas:
    """One expression on its way to pandas: each part becomes its source, in brackets, and its kind; brackets that are
    not needed go at the end."""

    way: ClassVar = "pandas"  # the field of a function in which it is written so
    lacks: ClassVar = ""  # why a function has none
    constant = staticmethod(literal)
    both, either, negated, attached = " & ", " | ", "~{}", "{} + {}"
    equal, unequal = "({} {} {})", "{0}.notna() & ({0} {1} {2})"
    within, not_within = "{}.isin([{}])", "{0}.notna() & ~{0}.isin([{1}])"
    divisor, time, truth_as_number = "{}.replace(0, np.nan)", AS_TIME, "{}.astype(float)"
    signs: ClassVar[dict[str, str]] = {}  # those that Python writes otherwise
    operations: ClassVar[dict[str, str]] = {}  # those that are not written with their sign

    def __init__(
        self, text: str, kinds: Kinds, frame: str = "rows", given: Mapping[str, str] | None = None, what: str = "column"
    ) -> None:
        self.text, self.kinds, self.frame, self.given, self.what = text, kinds, frame, given or {}, what
        whole = bare(text)
        self.whole = whole if whole in kinds else None

    def names(self) -> list[str]:
        if self.whole:
            return [self.whole]
        tree, ticked = _read(self.text)
        called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
        return [self.name(n.id, ticked) for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]

    def name(self, written: str, ticked: tuple[str, ...]) -> str:
        ours = re.fullmatch(r"_(\d+)_", written)
        name = ticked[int(ours[1])] if ours and int(ours[1]) < len(ticked) else written
        return name if name in self.given else column(name, self.kinds, self.what)

    def translated(self) -> tuple[str, Kind]:
        if self.whole:
            return self.of_column(self.whole)
        tree, self.ticked = _read(self.text)
        try:
            source, what = self.part(tree)
            return self.tidy(source), what
        except RecursionError:
            raise self.wrong("it is nested too deeply") from None

    def wrong(self, why: str) -> NotComputable:
        return NotComputable(f"“{self.text}” cannot be computed: {why}.")

    def tidy(self, source: str) -> str:
        plain = ast.unparse(ast.parse(source, mode="eval"))
        texts = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
        return re.sub(texts, lambda m: literal(ast.literal_eval(m[0])), plain)

    def of_column(self, name: str) -> tuple[str, Kind]:
        return self.given.get(name, f"{self.frame}[{self.constant(name)}]"), self.kinds.get(name, "number")

    def function(self, f: Function, args: list[str]) -> str:
        form = getattr(f, self.way)
        if form is None:
            raise self.wrong(self.lacks)
        written: str = form(*args) if callable(form) else form.format(*args)
        return written

    def compared(self, left: str, sign: str, right: str) -> str:
        form = self.unequal if sign == "!=" and not _SINGLE.search(left) else self.equal
        return form.format(left, self.signs.get(sign, sign), right)

    def among(self, left: str, values: list[Any], negative: bool) -> str:
        return (self.not_within if negative else self.within).format(left, ", ".join(map(self.constant, values)))

    def joined(self, all_of_them: bool, parts: list[str]) -> str:
        return (self.both if all_of_them else self.either).join(parts)

    def part(self, node: ast.expr) -> tuple[str, Kind]:
        source, what = self._part(node)
        return (source if re.fullmatch(r'[\w.]+(\["[^"\\]*"\])?', source) else f"({source})"), what

    def _part(self, node: ast.expr) -> tuple[str, Kind]:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                told: Kind = "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
                return self.constant(value), told
            case ast.Name(id=written):
                return self.of_column(self.name(written, self.ticked))
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return self.negated.format(self.truth(inner)), "truth"
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
                return f"{'-' * isinstance(node.op, ast.USub)}{self.number(inner)}", "number"
            case ast.BinOp():
                return self.operation(node)
            case ast.BoolOp(op=op, values=values):
                return self.joined(isinstance(op, ast.And), [self.truth(v) for v in values]), "truth"
            case ast.Compare(left=first, ops=ops, comparators=others):
                sides = [first, *others]
                each = [self.comparison(a, op, b) for a, op, b in zip(sides, ops, others, strict=False)]
                return (each[0] if len(each) == 1 else self.joined(True, [f"({e})" for e in each])), "truth"
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args)
        raise self.wrong("only columns, numbers, quoted texts, + - * / % **, comparisons, and, or, not, and functions "
                         f"such as {', '.join(list(FUNCTIONS)[:4])} may stand there")  # fmt: skip

    def truth(self, node: ast.expr) -> str:
        source, what = self.part(node)
        if what != "truth":
            raise self.wrong(f"“{self.said(node)}” is neither true nor false; compare it with something")
        return source

    def number(self, node: ast.expr) -> str:
        source, what = self.part(node)
        if what == "truth":
            return self.truth_as_number.format(source)
        if what == "time" and re.search(r"year|jahr", source, re.I):
            return self.function(FUNCTIONS["year"], [source])
        if what != "number":
            less = "use year(…), month(…) or days(a, b)" if what == "time" else "use number(…) where it holds numbers"
            raise self.wrong(f"“{self.said(node)}” holds {_SAID[what]}, no numbers; {less}")
        return source

    def operation(self, node: ast.BinOp) -> tuple[str, Kind]:
        if type(node.op) not in _OPERATORS:
            raise self.wrong("the operators are + - * / // % ** and comparisons; write and, or and not in words")
        sign = _OPERATORS[type(node.op)]
        (left, what), (right, and_what) = self.part(node.left), self.part(node.right)
        if sign == "-" and what == and_what == "time":
            return self.function(FUNCTIONS["days"], [right, left]), "number"
        if sign == "+" and what == and_what == "text":
            return self.attached.format(left, right), "text"
        left, right = self.number(node.left), self.number(node.right)
        constant = isinstance(getattr(node.right, "operand", node.right), ast.Constant)
        if sign in ("/", "//", "%") and not constant and not _SINGLE.search(right):
            right = self.divisor.format(right)
        return self.operations.get(sign, f"{{}} {sign} {{}}").format(left, right), "number"

    def comparison(self, first: ast.expr, op: ast.cmpop, other: ast.expr) -> str:
        if type(op) not in _COMPARISONS:
            raise self.wrong("compare with == != < <= > >= or in; is_missing(a) tells of missing values")
        sign = _COMPARISONS[type(op)]
        left, what = self.part(first)
        if sign in ("in", "not in"):
            return self.membership(first, left, what, other, sign == "not in")
        if isinstance(other, ast.Constant):
            if what == "time" and (_years([other.value]) or isinstance(other.value, str)):
                return self.during(left, str(other.value), sign)
            return self.compared(left, sign, self.constant(self.fitting(other.value, what, first, sign)))
        if isinstance(first, ast.Constant):
            return self.comparison(other, _TURNED.get(sign, type(op))(), first)
        right, and_what = self.part(other)
        if what != and_what and {what, and_what} != {"truth", "number"}:
            raise self.wrong(
                f"“{self.said(first)}” holds {_SAID[what]} and “{self.said(other)}” {_SAID[and_what]}: unlike things"
            )
        return self.compared(left, sign, right)

    def during(self, source: str, period: str, sign: str = "==") -> str:
        """A condition that a time lies in a period ("2023", "2023-Q2", "2023-05", "2023-05-14", "month 5", "weekend");
        by its sign also before it, until its end, from its beginning, after or outside it."""
        told = "weekday 5-6" if period == "weekend" else period
        if found := re.fullmatch(r"(month|quarter|weekday|hour|day|year)s? (\d+)(?:-(\d+))?", told):
            if sign not in ("==", "!="):
                raise NotComputable(f"“{told}” comes again and again, so nothing is before or after it. Name a date.")
            source = self.function(FUNCTIONS[found[1]], [source])
            if found[3] in (None, found[2]):
                return self.compared(source, sign, found[2])
            first, after = found[2], str(int(found[3]) + 1)
        elif sign == "==" and re.fullmatch(r"\d{4}", told):
            return self.compared(self.function(FUNCTIONS["year"], [source]), "==", told)
        else:
            first, after = map(self.constant, ends_of(told))
        within: dict[str, list[tuple[str, str]]] = {
            "<": [("<", first)], "<=": [("<", after)], ">": [(">=", after)], ">=": [(">=", first)],
            "!=": [("<", first), (">=", after)], "==": [(">=", first), ("<", after)],
        }  # fmt: skip
        return self.joined(sign == "==", [self.compared(source, *end) for end in within[sign]])

    def membership(self, first: ast.expr, left: str, what: Kind, other: ast.expr, negative: bool) -> str:
        try:
            given = ast.literal_eval(other)
        except ValueError:
            raise self.wrong("after “in” stands a list of numbers or texts") from None
        values = list(given) if isinstance(given, (tuple, list)) else [given]
        if what == "time" and not _years(values):
            parts = [f"({self.during(left, str(v))})" for v in values]
            source = self.joined(False, parts)
            return self.negated.format(f"({source})") if negative else source
        source = self.function(FUNCTIONS["year"], [left]) if what == "time" else left
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

    def call(self, name: str, args: list[ast.expr]) -> tuple[str, Kind]:
        if name not in FUNCTIONS:
            near = nearest(name, FUNCTIONS)
            hint = f"did you mean {near}(…)?" if near else f"the functions are {', '.join(FUNCTIONS)}"
            raise NotComputable(f"There is no function {name}(…) in “{self.text}”: {hint}")
        f = FUNCTIONS[name]
        letters = f.takes.replace("?", "").replace("*", "")
        least = 1 if "*" in f.takes else len(letters) - f.takes.count("?")
        if not least <= len(args) <= (99 if "*" in f.takes else len(letters)):
            raise self.wrong(f"{name}(…) takes {len(letters)} argument{'s' * (len(letters) > 1)}, not {len(args)}")
        sources, given = list[str](), list[Kind]()
        for letter, arg in zip(letters.ljust(len(args), letters[-1]), args, strict=False):
            if letter.isupper():
                sources.append(self.fixed(name, letter, arg))
                continue
            source, what = self.part(arg)
            if name == "number" and what == "number":
                return source, what
            if letter == "n":
                source = self.number(arg)
            elif letter == "t" and what == "text":
                source = self.time.format(source)
            elif letter != "a" and what != _WANTED[letter]:
                raise self.wrong(
                    f"{name}(…) takes {_SAID[_WANTED[letter]]}, and “{self.said(arg)}” holds {_SAID[what]}"
                )
            sources.append(source)
            given.append(what)
        mixed = dict.fromkeys(given[name == "if_" :]) if f.gives == "same" else {}
        if len(mixed) > 1:
            raise self.wrong(f"{name}(…) would mix {' and '.join(_SAID[k] for k in mixed)}")
        if name == "during":
            return self.during(*sources), "truth"
        return self.function(f, sources), given[-1] if f.gives == "same" else f.gives

    def fixed(self, name: str, letter: str, arg: ast.expr) -> str:
        """An argument that must be a constant, as source; of a period its text."""
        value = getattr(arg, "value", None)
        if not isinstance(value, int if letter == "N" else str):
            raise self.wrong(f"{name}(…) takes a plain {'number' if letter == 'N' else 'text in quotes'} there")
        if letter in "ND":
            return str(value)
        text = str(value).lower() if letter == "L" else str(value)
        if letter in "PG":
            try:
                groups = re.compile(text).groups
            except re.error as error:
                raise NotComputable(f"The pattern {text!r} is no regular expression: {error}.") from None
            if groups > 1:
                raise NotComputable(
                    f"The pattern {text!r} has {groups} groups; keep one, and write the others as (?:…)."
                )
            text = f"({text})" if letter == "G" and not groups else text
        return self.constant(text)

    def said(self, node: ast.expr) -> str:
        return re.sub(r"\b_(\d+)_\b", lambda m: self.ticked[int(m[1])], ast.unparse(node))


class _Single(InPandas):
    """One expression over single values, on its way to plain Python."""

    way = "scalar"
    lacks = "of single values only abs, round, floor, exp, min, max and if_ can be taken"
    both, either, negated, divisor = " and ", " or ", "not {}", "{}"
    equal = unequal = "{} {} {}"
    within, not_within = "{} in [{}]", "{} not in [{}]"

    def fitting(self, value: Any, what: Kind, of: ast.expr, sign: str = "==") -> Any:
        return value


def _years(values: list[Any]) -> bool:
    return all(isinstance(v, int) and not isinstance(v, bool) and 1000 <= v <= 2999 for v in values)


_PERIOD = re.compile(r"(\d{4})(?:-?Q([1-4])|-(\d\d?)(?:-(\d\d?)(?:[T ](\d\d?:\d\d(?::\d\d)?))?)?)?")


def ends_of(period: str) -> tuple[str, str]:
    """A period's first moment, and the first after it."""
    found = _PERIOD.fullmatch(period)
    try:
        year, quarter, month, day, clock = found.groups() if found else ("",) * 5
        if clock:
            moment = dt.datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2} {clock.zfill(5)}")
            return str(moment), str(moment + dt.timedelta(seconds=60 if clock.count(":") == 1 else 1))
        if day:
            date = dt.date(int(year), int(month), int(day))
            return str(date), str(date + dt.timedelta(days=1))
        start, length = (3 * int(quarter) - 3, 3) if quarter else (int(month) - 1, 1) if month else (0, 12)
        first, after = (dt.date(int(year) + m // 12, m % 12 + 1, 1) for m in (start, start + length))
        return str(first), str(after)
    except ValueError:
        said = "such as 2023, 2023-Q2, 2023-05, 2023-05-14, “month 5”, “weekday 0” (Monday), “hour 17” or “weekend”"
        raise NotComputable(f"“{period}” is no period of time; write one {said}.") from None
