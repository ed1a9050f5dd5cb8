"""The small language of expressions over columns: checked, and translated to pandas (to SQL: `expressions_in_sql`).

`SibSp + Parch`, `days(opened, closed)`, "`Total revenue` / orders > 3 and region in ('North', 'South')". It is a part
of Python's own grammar, read by `ast`; names are columns, in backticks where they are no Python name. Of missing
values: a comparison with one is false, also `!=`; arithmetic with one is missing; `a / b` is missing where b is 0.
"""

from __future__ import annotations

import ast
import datetime as dt
import keyword
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

from rapidfuzz import fuzz, process, utils

from graphs.errors import GraphError
from graphs.questions.functions import AS_TIME, FUNCTIONS, OPERATORS, Function, Kind
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


def column(name: str, names: Collection[str], what: str = "column", none: str = "") -> str:
    """The column of that name, whatever its case. Raises NotComputable, naming the nearest, where there is `none`."""
    alike = [name] if name in names else [n for n in names if n.casefold() == name.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    near = nearest(name, names)
    some = ", ".join(f"“{n}”" for n in list(names)[:8]) + (" …" if len(names) > 8 else "")
    hint = f"Did you mean “{near}”?" if near else f"There are {some}." if names else ""
    raise NotComputable(f"{none or f'There is no {what} “{name}”.'} {hint}".strip())


_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.And: "and", ast.Or: "or", ast.Not: "not", ast.USub: "minus", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<",
    ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_UNLIKE_NUMBERS = {("-", "time"): "since", ("+", "text"): "attached"}
"""What an operator means where both of its sides are no numbers."""
_SAID: dict[Kind, str] = {"number": "numbers", "text": "text", "time": "times", "truth": "true or false"}
_WANTED: dict[str, Kind] = {"n": "number", "s": "text", "t": "time", "b": "truth"}
_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_WORDS = {"yes": True, "true": True, "1": True, "1.0": True, "no": False, "false": False, "0": False, "0.0": False}


def text_literal(value: Any) -> str:
    """A value as an expression writes it."""
    if not isinstance(value, str):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def bare(name: str) -> str:
    """A column's name, or an expression as it is told, without the backticks in which names may stand."""
    return name.strip().replace("`", "")


def in_backticks(name: str) -> str:
    """A column's name as an expression writes it."""
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"`{name}`"


@cache
def _read(text: str) -> tuple[ast.expr, tuple[str, ...]]:
    """An expression's tree, in which names in backticks are `_0_`, `_1_` …, and these names."""
    ticked: list[str] = []

    def take(found: re.Match[str]) -> str:
        if found[1] is None:  # a backslash is meant as such, before all but a quote and another one
            return re.sub(r"\\(.)", lambda m: m[0] if m[1] in "'\"\\nrt" else f"\\{m[0]}", found[0])
        ticked.append(found[1])
        return f"_{len(ticked) - 1}_"

    plain = re.sub(rf"{_TEXT}|`([^`]+)`", take, text.strip())
    try:
        return ast.parse(plain, mode="eval").body, tuple(ticked)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        single = re.search(r"(?<![<>=!])=(?!=)", plain)
        hint = "Write == for “equals”." if single else "Names with spaces or signs stand in backticks."
        raise NotComputable(f"The expression “{text}” cannot be read. {hint}") from None


def columns_of(text: str, names: Collection[str]) -> tuple[str, ...]:
    """The columns that an expression names, in its order. Raises NotComputable for one that is not there."""
    return tuple(dict.fromkeys(InPandas(text, dict.fromkeys(names, "number")).names()))


def kind(text: str, kinds: Kinds) -> Kind:
    """What an expression gives, having checked all of it. Raises NotComputable with a sentence to mend it by."""
    return InPandas(text, kinds).translated()[1]


def to_pandas(text: str, kinds: Kinds, *, given: Mapping[str, str] | None = None) -> str:
    """The expression as pandas source over the columns of `rows`. `given` are names that stand for other source.

    An expression of constants alone gives that constant. Raises NotComputable.
    """
    return InPandas(text, kinds, given).translated()[0]


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
    time, truth_as_number, listed = AS_TIME, "{}.astype(float)", "[{}]"

    def __init__(self, text: str, kinds: Kinds, given: Mapping[str, str] | None = None, what: str = "column") -> None:
        self.text, self.kinds, self.given, self.what = text, kinds, given or {}, what
        self.tree, self.ticked = (ast.Name(bare(text)), ()) if bare(text) in kinds else _read(text)

    def names(self) -> list[str]:
        called = {id(n.func) for n in ast.walk(self.tree) if isinstance(n, ast.Call)}
        return [self.name(n.id) for n in ast.walk(self.tree) if isinstance(n, ast.Name) and id(n) not in called]

    def name(self, written: str) -> str:
        ours = re.fullmatch(r"_(\d+)_", written)
        name = self.ticked[int(ours[1])] if ours and int(ours[1]) < len(self.ticked) else written
        return name if name in self.given else column(name, self.kinds, self.what)

    def translated(self) -> tuple[str, Kind]:
        try:
            source, what = self.part(self.tree)
            return self.tidy(source), what
        except (RecursionError, SyntaxError):
            raise self.wrong("it is nested too deeply, or takes a plain number where a column must stand") from None

    def wrong(self, why: str) -> NotComputable:
        return NotComputable(f"“{self.text}” cannot be computed: {why}.")

    def tidy(self, source: str) -> str:
        plain = ast.unparse(ast.parse(source, mode="eval"))
        return re.sub(_TEXT, lambda m: literal(ast.literal_eval(m[0])), plain)

    def of_column(self, name: str) -> str:
        return self.given.get(name, f"rows[{self.constant(name)}]")

    def written(self, function: Function, *args: str) -> str:
        form = getattr(function, self.way)
        if form is None:
            raise self.wrong(self.lacks)
        source: str = form(*args) if callable(form) else form.format(*args)
        return source if re.fullmatch(r'[\w.]+(\["[^"\\]*"\])?', source) else f"({source})"

    def part(self, node: ast.expr) -> tuple[str, Kind]:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as value):
                told: Kind = "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
                return self.constant(value), told
            case ast.Name(id=written):
                name = self.name(written)
                return self.of_column(name), self.kinds.get(name, "number")
            case ast.UnaryOp(op=ast.Not() | ast.USub() as op, operand=inner):
                return self.call(_SIGNS[type(op)], OPERATORS, [inner])
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
                return self.call(_SIGNS[type(op)], OPERATORS, [left, right])
            case ast.BoolOp(op=op, values=values):
                return self.call(_SIGNS[type(op)], OPERATORS, values)
            case ast.Compare(left=first, ops=[op], comparators=[other]) if type(op) in _SIGNS:
                return self.comparison(first, _SIGNS[type(op)], other), "truth"
            case ast.Compare(left=first, ops=ops, comparators=others) if len(ops) > 1:
                sides = zip([first, *others], ops, others, strict=False)
                return self.part(ast.BoolOp(ast.And(), [ast.Compare(a, [op], [b]) for a, op, b in sides]))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, FUNCTIONS, args)
        raise self.wrong("only columns, numbers, quoted texts, + - * / // % **, == != < <= > >= in, and, or, not, and "
                         f"functions such as {', '.join(list(FUNCTIONS)[:4])} may stand there")  # fmt: skip

    def comparison(self, first: ast.expr, sign: str, other: ast.expr) -> str:
        if isinstance(first, ast.Constant) and not isinstance(other, ast.Constant):
            return self.comparison(other, _TURNED.get(sign, sign), first)
        left, what = self.part(first)
        if sign in ("in", "not in"):
            return self.membership(first, left, what, other, sign)
        if not isinstance(other, ast.Constant):
            right, and_what = self.part(other)
            if what != and_what and {what, and_what} != {"truth", "number"}:
                sides = f"“{self.said(first)}” holds {_SAID[what]} and “{self.said(other)}” {_SAID[and_what]}"
                raise self.wrong(f"{sides}: unlike things")
        elif (computed := self.computed(other.value, what)) is not None:
            right = computed
        elif what == "time":
            return self.during(left, str(other.value), sign)
        else:
            right = self.constant(self.fitting(other.value, what, first, sign))
        return self.written(OPERATORS[sign], left, right)

    def computed(self, value: Any, what: Kind) -> str | None:
        """A text beside numbers or times as the expression that it is: "mean(fare)". None where it is none of these."""
        if what not in ("number", "time") or not isinstance(value, str):
            return None
        try:
            source, gives = type(self)(value, self.kinds, self.given).translated()
        except NotComputable:
            return None
        return f"({source})" if gives == what else None

    def during(self, source: str, period: str, sign: str = "==") -> str:
        """A condition that a time lies in a period ("2023", "2023-Q2", "2023-05", "2023-05-14", "month 5", "weekend");
        by its sign also before it, until its end, from its beginning, after or outside it."""
        told = "weekday 5-6" if period == "weekend" else period
        if sign in ("==", "!=") and re.fullmatch(r"\d{4}", told):
            told = f"year {told}"
        if found := re.fullmatch(r"(month|quarter|weekday|hour|day|year)s? (\d+)(?:-(\d+))?", told):
            if sign not in ("==", "!="):
                raise NotComputable(f"“{told}” comes again and again, so nothing is before or after it. Name a date.")
            part = self.written(FUNCTIONS[found[1]], source)
            numbers = range(int(found[2]), int(found[3] or found[2]) + 1)
            return self.among(part, numbers, "in" if sign == "==" else "not in")
        first, after = map(self.constant, ends_of(told))
        within: dict[str, list[tuple[str, str]]] = {
            "<": [("<", first)], "<=": [("<", after)], ">": [(">=", after)], ">=": [(">=", first)],
            "!=": [("<", first), (">=", after)], "==": [(">=", first), ("<", after)],
        }  # fmt: skip
        ends = [self.written(OPERATORS[end], source, moment) for end, moment in within[sign]]
        return self.written(OPERATORS["and" if sign == "==" else "or"], *ends)

    def membership(self, first: ast.expr, left: str, what: Kind, other: ast.expr, sign: str) -> str:
        try:
            given = ast.literal_eval(other)
        except ValueError:
            raise self.wrong("after “in” stands a list of numbers or texts") from None
        values = given if isinstance(given, (tuple, list)) else [given]
        if what != "time":
            return self.among(left, [self.fitting(v, what, first) for v in values], sign)
        each, link = ("==", "or") if sign == "in" else ("!=", "and")
        return self.written(OPERATORS[link], *(self.during(left, str(v), each) for v in values))

    def among(self, source: str, values: Sequence[Any], sign: str) -> str:
        if len(values) == 1:
            return self.written(OPERATORS["==" if sign == "in" else "!="], source, self.constant(values[0]))
        return self.written(OPERATORS[sign], source, self.listed.format(", ".join(map(self.constant, values))))

    def fitting(self, value: Any, what: Kind, of: ast.expr, sign: str = "==") -> Any:
        """A constant as it can be compared with what a column holds."""
        word = str(value).casefold()
        if what == "text":
            if sign not in ("==", "!=") and not isinstance(value, str):
                raise self.wrong(f"“{self.said(of)}” holds text, which is not above or below a number")
            return str(value)
        if what == "number" and isinstance(value, str):
            try:
                return float(value) if "." in value else int(value)
            except ValueError:
                raise self.wrong(f"“{self.said(of)}” holds numbers, and “{value}” is none") from None
        if what == "truth" and word not in _WORDS:
            raise self.wrong(f"“{self.said(of)}” is true or false, not “{value}”")
        return _WORDS[word] if what == "truth" else value

    def call(self, name: str, table: Mapping[str, Function], args: Sequence[ast.expr]) -> tuple[str, Kind]:
        if name not in table:
            near = nearest(name, table)
            hint = f"did you mean {near}(…)?" if near else f"the functions are {', '.join(table)}"
            raise NotComputable(f"There is no function {name}(…) in “{self.text}”: {hint}")
        f = table[name]
        letters = f.takes.replace("?", "").replace("*", "")
        least = 1 if "*" in f.takes else len(letters) - f.takes.count("?")
        if not least <= len(args) <= (99 if "*" in f.takes else len(letters)):
            raise self.wrong(f"{name}(…) takes {len(letters)} argument{'s' * (len(letters) > 1)}, not {len(args)}")
        letters = letters.ljust(len(args), letters[-1])
        taken = list(zip(letters, args, strict=False))
        parts = [(self.fixed(name, to, arg), None) if to.isupper() else self.part(arg) for to, arg in taken]
        kinds = [what for _, what in parts if what]
        if len(set(kinds)) == 1 and (meant := _UNLIKE_NUMBERS.get((name, kinds[0]))):
            f, letters = OPERATORS[meant], "aa"
        if f.gives == "same" and len(mixed := dict.fromkeys(kinds[letters.index("a") :])) > 1:
            raise self.wrong(f"{name}(…) would mix {' and '.join(_SAID[k] for k in mixed)}")
        if name == "number" and kinds == ["number"]:
            return parts[0][0], "number"
        given = zip(letters, args, parts, strict=False)
        sources = [self.wanted(name, letter, arg, source, what) for letter, arg, (source, what) in given]
        if name == "during":
            return self.during(*sources), "truth"
        return self.written(f, *sources), kinds[-1] if f.gives == "same" else f.gives

    def wanted(self, name: str, letter: str, arg: ast.expr, source: str, what: Kind | None) -> str:
        """An argument's source as what the function takes there."""
        if what is None or letter == "a" or what == _WANTED[letter]:
            return source
        if letter == "n" and what == "truth":
            return self.truth_as_number.format(source)
        if letter == "t" and what == "text":
            return self.time.format(source)
        less = {
            "n": f"holds {_SAID[what]}, no numbers; use {'number(…)' if what == 'text' else 'year(…) or days(a, b)'}",
            "b": "is neither true nor false; compare it with something",
        }
        wants = f"holds {_SAID[what]}, and {name}(…) takes {_SAID[_WANTED[letter]]}"
        raise self.wrong(f"“{self.said(arg)}” {less.get(letter, wants)}")

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
                raise NotComputable(f"The pattern {text!r} has {groups} groups; keep one, and write (?:…) for others.")
            text = f"({text})" if letter == "G" and not groups else text
        return self.constant(text)

    def said(self, node: ast.expr) -> str:
        return re.sub(r"\b_(\d+)_\b", lambda m: self.ticked[int(m[1])], ast.unparse(node))


class _Single(InPandas):
    way = "scalar"
    lacks = "of single values only abs, round, exp, min, max and if_ can be taken"

    def fitting(self, value: Any, what: Kind, of: ast.expr, sign: str = "==") -> Any:
        return value


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
