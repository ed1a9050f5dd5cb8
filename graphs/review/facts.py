"""What is so: statistics of the groups that a text names, computed from the input files, as numbers by group. What a
text says is held against them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from artifacts.types import Execution
from graphs.questions.expressions import in_backticks, kind_of
from graphs.questions.query import Condition, DropDuplicates, Group, Join, Measure, Operator, Query, Statistic, Where
from graphs.questions.reader.text import stem
from graphs.review.answering import Result
from graphs.review.mentions import YEAR, Tables, columns, flags, is_key, keys, labels, levels, telling, time_columns
from graphs.review.syntax import name_of, parsed, strings

Of = frozenset[tuple[str, str]]
"""The values of columns that a number is of; none where it is of all rows."""
ALL: Of = frozenset()

PLAIN: tuple[Statistic, ...] = ("mean", "median", "sum", "min", "max")
_IN_CODE: dict[str, Statistic] = {
    "mean": "mean", "average": "mean", "avg": "mean", "median": "median", "sum": "sum", "count": "count",
    "size": "count", "value_counts": "count", "len": "count", "min": "min", "max": "max", "std": "std",
    "nunique": "distinct",
}  # fmt: skip
LEFT_OUT = re.compile(
    r"\b(?:(?:left|leav\w+|tak\w+|took|thr[eo]w\w*) out|set aside|discard\w*|remov\w+|exclud\w+|without|dropp?\w*|"
    r"clean\w*|omit\w*|ignor\w+|filter\w*|only)\b",
    re.I,
)
"""What says that a number is not of all rows."""
_COLUMNS, _DIMENSIONS, _DEEP = 6, 5, 3
"""Columns that are measured, columns by which rows are grouped, and how many of them at a time."""


@dataclass(frozen=True)
class Kind:
    """What the numbers of one table of groups are: a statistic of a column of a given table, each of whose rows stands
    there once, or as often as rows of the file `repeated` have its key."""

    table: str
    op: Statistic
    of: str = ""
    repeated: str = ""


@dataclass
class Facts:
    """Numbers by what they are and of which group."""

    values: dict[Kind, dict[Of, float]] = field(default_factory=dict)
    kept: dict[tuple[Where, ...], dict[Kind, dict[Of, float]]] = field(default_factory=dict)
    """The same of the rows only that a cell's conditions keep."""

    def of(self, kind: Kind, of: Of = ALL, kept: tuple[Where, ...] = ()) -> float | None:
        """A number; of a group without rows none are counted."""
        some = (self.kept.get(kept, {}) if kept else self.values).get(kind, {})
        return some.get(of, 0.0 if kind.op == "count" and some else None)

    def take(self, wanted: Sequence[Wanted], results: Sequence[Result]) -> None:
        """Enter what the wanted queries gave."""
        for asked, result in zip(wanted, results, strict=True):
            for number in result.numbers():
                op, _, of = number.name.partition(" ")
                kind = Kind(asked.table, op, of, asked.repeated)  # type: ignore[arg-type]
                if isinstance(number.value, (int, float)):
                    group = frozenset(zip(asked.by, number.group, strict=True))
                    values = self.kept.setdefault(asked.query.where, {}) if asked.query.where else self.values
                    values.setdefault(kind, {}).setdefault(group, float(number.value))


@dataclass(frozen=True)
class Wanted:
    """A query of several statistics of a table's rows, repeated or not, by groups of these columns."""

    table: str
    repeated: str
    by: tuple[str, ...]
    query: Query


def stands(column: str, code: str) -> bool:
    """Whether code names a column, as a whole word."""
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", code) is not None


def computed_in(code: str) -> tuple[Statistic, ...]:
    """The statistics that code computes, by the names that pandas, polars and SQL have for them."""
    return tuple(sorted({_IN_CODE[w] for w in re.findall(r"[a-z_]+", code.casefold()) if w in _IN_CODE}))


_SIGNS: dict[type[ast.AST], Operator] = {
    ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "=", ast.NotEq: "!=", ast.In: "in",
}  # fmt: skip
_CALLED: dict[str, Operator] = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "=", "isin": "in"}


def conditions_in(code: str, of: Iterable[str]) -> tuple[Condition, ...]:
    """The comparisons of columns with values that a cell makes, in Python or in a text of pandas' `query`."""
    tree, columns, found = parsed(code), {*of}, list[Condition]()
    texts = [t for t in map(parsed, strings(tree)) if t is not None] if tree is not None else []
    for node in (n for t in filter(None, (tree, *texts)) for n in ast.walk(t)):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _SIGNS:
            left, op, right = node.left, _SIGNS[type(node.ops[0])], node.comparators[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and name_of(node) in _CALLED:
            left, op, right = node.func.value, _CALLED[name_of(node)], ast.Tuple(elts=node.args)
        else:
            continue
        part = left.slice if isinstance(left, ast.Subscript) else left
        name = getattr(part, "value" if isinstance(part, ast.Constant) else "attr", getattr(part, "id", None))
        values = [c.value for c in ast.walk(right) if isinstance(c, ast.Constant)]
        if name in columns and values and all(isinstance(v, (int, float, str)) for v in values):
            value = tuple(values) if op == "in" else values[0]
            found.append(Condition(left=in_backticks(str(name)), op=op, right=value))
    return tuple(found)


class Given:
    """The given tables, how rows of one are found from another, and what a text and its code have to do with them."""

    def __init__(self, tables: Tables, text: str, question: str, cells: Sequence[Execution] = ()) -> None:
        self.cells = [x.code for x in cells]
        self.tables = {str(t["name"]): t for t in tables}
        self.list, self.text, self.question, self.code = list(tables), text, question, "\n".join(self.cells)
        facts = {name: {str(c["name"]): c for c in t["columns"]} for name, t in self.tables.items()}
        self.kinds = {name: {c: kind_of(str(f["dtype"])) for c, f in own.items()} for name, own in facts.items()}
        self.unique = {
            name: {c for c, f in own.items() if f["n_unique"] == self.tables[name]["rows"]}
            for name, own in facts.items()
        }
        self.literals = {text for _, text in re.findall(r"(?=(['\"])(.*?)\1)", self.code)}

    def column(self, file: str, name: str) -> str | None:
        """A column of a table; the one of its times for YEAR."""
        if name == YEAR and name not in self.kinds[file]:
            times = [c for c in time_columns([self.tables[file]]) if self.kinds[file][c] in ("time", "number")]
            return next((c for c in times if stands(c, self.code)), next(iter(times), None))  # the one that cells use
        return name if name in self.kinds[file] else None

    def holder(self, base: str, name: str) -> str | None:
        """The table, this one or one that is looked up by a key of its own, that has a column."""
        reach = [base, *(f for f in self.tables if f != base and self.unique[f] & set(self.kinds[base]))]
        return next((f for f in reach if self.column(f, name) is not None), None)

    def reached(self, base: str, name: str) -> bool:
        """Whether a column is of a table, is looked up by its rows, or is of a table in which they are repeated."""
        again = (f for f in self.tables if f != base and self.repeats(base, f))
        return self.holder(base, name) is not None or any(self.column(f, name) is not None for f in again)

    def measured(self, base: str) -> list[str]:
        """The columns of numbers of which text, question or code speak."""
        named = set(columns(f"{self.text} {self.question}", [self.tables[base]]))
        counted = keys(self.tables[base])
        numeric = [c for c, kind in self.kinds[base].items() if kind == "number" and c not in counted]
        return [c for c in numeric if not is_key(c) and (c in named or stands(c, self.code))][:_COLUMNS]

    def dimensions(self, base: str) -> list[str]:
        """The columns by whose values text, question or code tell rows apart, those that are named first."""
        said = f"{self.text} {self.question}"
        named = [n.column for n in (*labels(said, self.list), *flags(said, self.list))]
        named += [c for c, v in levels([self.tables[base]]) if v in self.literals]
        named += [c for c, _ in levels([self.tables[base]]) if stands(c, self.code)]
        return [d for d in dict.fromkeys(named) if self.reached(base, d)][:_DIMENSIONS]

    def repeats(self, base: str, file: str) -> list[str]:
        """The keys of a table that stand several times in another one."""
        return sorted(self.unique[base] & set(self.kinds[file]) - self.unique[file])

    def wanted(self) -> Iterator[Wanted]:
        """The tables of groups that can be of use, as queries: of all rows, and of those that a join repeats."""
        for base in self.tables:
            for repeated in ("", *(f for f in self.tables if f != base and self.repeats(base, f))):
                measures = list(self._measures(base, repeated))
                dims = self.dimensions(base)
                for many in range((2 if repeated else _DEEP) + 1):
                    for by in combinations(dims, many):
                        if (query := self._query(base, repeated, by, measures)) is not None:
                            yield Wanted(base, repeated, by, query)
                            for where in self.kept(base) if not repeated and many < 2 else ():
                                yield Wanted(base, repeated, by, query.model_copy(update={"where": where}))

    def kept(self, base: str) -> list[tuple[Condition, ...]]:
        """The conditions on a table's rows that a cell sets, each alone and all together."""
        every = [conditions_in(code, self.kinds[base]) for code in self.cells]
        return list(dict.fromkeys(c for some in every if some for c in (some, *((one,) for one in some))))[:6]

    def _measures(self, base: str, repeated: str) -> Iterator[Measure]:
        used = self.measured(base)
        made: list[tuple[Statistic, str]] = [("count", ""), *(("sum", c) for c in used)]
        if not repeated:
            made += [(op, c) for c in used for op in PLAIN if op != "sum"]
        for op, of in made:
            yield Measure(op=op, of=in_backticks(of) if of else None, name=f"{op} {of}")

    def _query(self, base: str, repeated: str, by: Sequence[str], measures: Sequence[Measure]) -> Query | None:
        """The query of these groups; None where only rows that are repeated have one of them, or none."""
        joins, groups = dict[str, Join](), []
        if repeated:
            key = self.repeats(base, repeated)[0]
            joins[base] = Join(file=base, own=(key,), theirs=(key,))
        for name in by:
            file = repeated if repeated and self.column(repeated, name) is not None else self.holder(base, name)
            if file is None or (repeated and file not in (base, repeated)):
                return None
            if file not in (base, repeated):
                key = min(self.unique[file] & set(self.kinds[base]))
                joins[file] = Join(file=file, own=(key,), theirs=(key,))
            column = self.column(file, name) or name
            grain = "year" if self.kinds[file][column] == "time" else None
            groups.append(Group(of=in_backticks(column), grain=grain))
        once = (DropDuplicates(),) if "drop_duplicates()" in self.code and not joins else ()
        made: dict[str, Any] = {"measures": tuple(measures), "group_by": tuple(groups), "prepare": once}
        return Query(table=repeated or base, joins=tuple(joins.values()), **made)

    def of_rows(self, base: str, after: str) -> bool:
        """Whether these words begin, but for one adjective, with the things of which a table holds a row each."""
        things = {stem(w) for w in re.findall(r"[^\W\d_]+", base.rpartition(".")[0].casefold())}
        whole = {str(c["name"]) for c in self.tables[base]["columns"] if str(c["dtype"]).lower().startswith("int")}
        things.update(*(telling(c) for c in self.unique[base] if is_key(c) or c in whole))
        noun = next((w for w in re.findall(r"^\s([^\W\d_]+)(?:\s([^\W\d_]+))?", after)), ())
        amounts = {w for column in self.measured(base) for w in telling(column)}
        return any((root := stem(w.casefold())) in things and root not in amounts for w in noun)
