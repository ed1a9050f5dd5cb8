"""What is so: statistics of the groups that a text names, computed from the input files, and the tables that cells
printed and drew, all as numbers by group. What a text says is held against them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from graphs.questions.expressions import in_backticks, kind_of
from graphs.questions.query import (
    Condition,
    DropDuplicates,
    Group,
    Join,
    Keep,
    Measure,
    Query,
    Statistic,
    Step,
)
from graphs.questions.reader.text import stem
from graphs.review.answering import Result
from graphs.review.mentions import (
    YEAR,
    Tables,
    columns,
    entity,
    flags,
    is_key,
    keys,
    labels,
    levels,
    telling,
    time_columns,
)

Of = frozenset[tuple[str, str]]
"""The values of columns that a number is of; none where it is of all rows."""
ALL: Of = frozenset()

PLAIN: tuple[Statistic, ...] = ("mean", "median", "sum", "min", "max")
_RARE: dict[Statistic, str] = {
    "std": r"\bstd|devia",
    "missing": "missing",
    "distinct": "uniq|dist",
}
_IN_CODE: dict[str, Statistic] = {
    "mean": "mean", "average": "mean", "avg": "mean", "median": "median", "sum": "sum", "count": "count",
    "size": "count", "value_counts": "count", "len": "count", "min": "min", "max": "max", "std": "std",
    "nunique": "distinct",
}  # fmt: skip
LEFT_OUT = re.compile(
    r"\b(?:left out|leav\w+ out|remov\w+|exclud\w+|without|dropp?\w*|clean\w*|omit\w*|ignor\w+|filter\w*|only)\b", re.I
)
"""What says that a number is not of all rows."""
_COLUMNS, _DIMENSIONS, _DEEP = 6, 5, 3
"""Columns that are measured, columns by which rows are grouped, and how many of them at a time."""


@dataclass(frozen=True)
class Rows:
    """Rows of a given table: all of them, or those of which `how` says what was done to them first."""

    table: str
    how: str = ""
    steps: tuple[Step, ...] = ()
    repeated: str = ""  # the file each row of which has stood beside them


@dataclass(frozen=True)
class Kind:
    """What the numbers of one table of groups are: a statistic of a column of some rows; of what a cell put out, only
    where it stands is known."""

    rows: Rows
    op: Statistic | None = None
    of: str = ""


@dataclass
class Facts:
    """Numbers by what they are and of which group."""

    values: dict[Kind, dict[Of, float]] = field(default_factory=dict)

    def add(self, kind: Kind, of: Of, value: object) -> None:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self.values.setdefault(kind, {}).setdefault(of, float(value))

    def of(self, kind: Kind, of: Of = ALL) -> float | None:
        """A number; of a group without rows none are counted."""
        some = self.values.get(kind, {})
        return some.get(of, 0.0 if kind.op == "count" and some else None)

    def take(self, wanted: Sequence[Wanted], results: Sequence[Result]) -> None:
        """Enter what the wanted queries gave."""
        for asked, result in zip(wanted, results, strict=True):
            for number in result.numbers():
                op, _, of = number.name.partition(" ")
                kind = Kind(asked.rows, op, of)  # type: ignore[arg-type]
                self.add(kind, frozenset(zip(asked.by, number.group, strict=True)), number.value)

    def series(self, column: str, kinds: Iterable[Kind]) -> Iterator[tuple[Of, dict[str, float]]]:
        """The numbers by each value of a column, for each group of rows in which there are several."""
        for kind in kinds:
            found: dict[Of, dict[str, float]] = {}
            for of, value in self.values[kind].items():
                own = [v for c, v in of if c == column]
                if own:
                    found.setdefault(frozenset(p for p in of if p[0] != column), {})[own[0]] = value
            yield from ((rest, by) for rest, by in found.items() if len(by) > 1)


@dataclass(frozen=True)
class Wanted:
    """A query of several statistics of some rows, by groups of these columns."""

    rows: Rows
    by: tuple[str, ...]
    query: Query


def stands(column: str, code: str) -> bool:
    """Whether code names a column, as a whole word."""
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", code) is not None


def computed_in(code: str) -> tuple[Statistic, ...]:
    """The statistics that code computes, by the names that pandas, polars and SQL have for them."""
    found = {_IN_CODE[w] for w in re.findall(r"[a-z_]+", code.casefold()) if w in _IN_CODE}
    if "pivot_table" in code and "aggfunc" not in code:
        found.add("mean")
    return tuple(sorted(found))


class Given:
    """The given tables, how rows of one are found from another, and what a text and its code have to do with them."""

    def __init__(self, tables: Tables, text: str, question: str, code: str) -> None:
        self.tables = {str(t["name"]): t for t in tables}
        self.list, self.text, self.question, self.code = list(tables), text, question, code
        self.kinds = {
            name: {str(c["name"]): kind_of(str(c["dtype"])) for c in t["columns"]} for name, t in self.tables.items()
        }
        self.unique = {
            name: {str(c["name"]) for c in t["columns"] if c["n_unique"] == t["rows"]}
            for name, t in self.tables.items()
        }
        self.literals = {text for _, text in re.findall(r"(?=(['\"])(.*?)\1)", code)}

    def column(self, file: str, name: str) -> str | None:
        """A column of a table; the one of its times for YEAR."""
        if name == YEAR and name not in self.kinds[file]:
            times = time_columns([self.tables[file]])
            return next((c for c in times if self.kinds[file][c] in ("time", "number")), None)
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
        return [c for c in numeric if c in named or (stands(c, self.code) and not is_key(c))][:_COLUMNS]

    def dimensions(self, base: str) -> list[str]:
        """The columns by whose values text, question or code tell rows apart, those that are named first."""
        said = f"{self.text} {self.question}"
        named = [n.column for n in (*labels(said, self.list), *flags(said, self.list))]
        named += [c for c, v in levels([self.tables[base]]) if v in self.literals]
        named += [c for c, _ in levels([self.tables[base]]) if stands(c, self.code)]
        return [d for d in dict.fromkeys(named) if self.reached(base, d)][:_DIMENSIONS]

    def rows(self, base: str) -> Iterator[Rows]:
        """The rows that a number may be of: all, those that are left, and those that a join repeats."""
        yield Rows(base)
        if LEFT_OUT.search(self.text) and re.search(r"\bduplicate", self.text, re.I):
            yield Rows(base, "without duplicates", (DropDuplicates(),))
        for code in re.findall(r"(?<![\w.])-?9{2,}(?:\.0)?\b|(?<=code )-?\d+", self.text)[:1]:
            for column in self.measured(base)[:2] if LEFT_OUT.search(self.text) else ():
                keep = Condition(left=in_backticks(column), op="!=", right=float(code))
                yield Rows(base, f"without {code}", (Keep(where=(keep,)),))
        for file in self.tables:
            if file != base and (keys := self.repeats(base, file)):
                yield Rows(base, f"counted once for each row of {file} with the same {keys[0]}", repeated=file)

    def repeats(self, base: str, file: str) -> list[str]:
        """The keys of a table that stand several times in another one."""
        return sorted(self.unique[base] & set(self.kinds[file]) - self.unique[file])

    def wanted(self) -> Iterator[Wanted]:
        """The tables of groups that can be of use, as queries."""
        for base in self.tables:
            for rows in self.rows(base):
                measures = list(self._measures(base, rows))
                dims = self.dimensions(base)
                for many in range((_DEEP if not rows.how else 2) + 1):
                    for by in combinations(dims, many):
                        if (query := self._query(rows, by, measures)) is not None:
                            yield Wanted(rows, by, query)

    def _measures(self, base: str, rows: Rows) -> Iterator[Measure]:
        used, said = self.measured(base), f"{self.text} {self.question} {self.code}".casefold()
        ops = [*PLAIN, *(op for op, words in _RARE.items() if re.search(words, said))]
        gaps = {str(c["name"]) for c in self.tables[base]["columns"] if c["n_missing"]}
        made = [Measure(op="count")]
        made += [Measure(op=op, of=in_backticks(c)) for c in used for op in (["sum"] if rows.repeated else ops)]
        made += [Measure(op="present", of=in_backticks(c)) for c in gaps.intersection(used) if not rows.repeated]
        if not rows.repeated:
            pairs = combinations(used, 2)
            made += [Measure(op="correlation", of=in_backticks(a), other=in_backticks(b)) for a, b in pairs]
            keys = [c for c in self.kinds[base] if is_key(c) and c not in used]
            made += [Measure(op="distinct", of=in_backticks(c)) for c in keys]
        for measure in made:
            of = "\0".join(c.strip("`") for c in (measure.of, measure.other) if c)
            yield measure.model_copy(update={"name": f"{measure.op} {of}"})

    def _query(self, rows: Rows, by: Sequence[str], measures: Sequence[Measure]) -> Query | None:
        base, joins = rows.table, dict[str, Join]()
        if rows.repeated:
            key = self.repeats(base, rows.repeated)[0]
            joins[base] = Join(file=base, own=(key,), theirs=(key,))
        groups = []
        for name in by:
            file = self.holder(base, name)
            if rows.repeated and self.column(rows.repeated, name) is not None:
                file = rows.repeated
            if file is None or (rows.repeated and file not in (base, rows.repeated)):
                return None  # only rows that are repeated have it, or none
            if file not in (base, rows.repeated):
                key = sorted(self.unique[file] & set(self.kinds[base]))[0]
                joins[file] = Join(file=file, own=(key,), theirs=(key,))
            column = self.column(file, name) or name
            grain = "year" if self.kinds[file][column] == "time" else None
            groups.append(Group(of=in_backticks(column), grain=grain))
        return Query(
            table=rows.repeated or base, joins=tuple(joins.values()), prepare=rows.steps, measures=tuple(measures),
            group_by=tuple(groups),
        )  # fmt: skip

    def counts(self, base: str, after: str = "") -> bool:
        """Whether the question, or a number before these words, is of the things of which a table holds a row each."""
        asked = re.search(r"\bhow many ([^\W\d_]+)", self.question, re.I)
        return self.of_rows(base, after) or (asked is not None and self.of_rows(base, f" {asked[1]}"))

    def of_rows(self, base: str, after: str) -> bool:
        """Whether these words begin, but for one adjective, with the things of which a table holds a row each."""
        things = {stem(w) for w in re.findall(r"[^\W\d_]+", base.rpartition(".")[0].casefold())}
        whole = {str(c["name"]) for c in self.tables[base]["columns"] if str(c["dtype"]).lower().startswith("int")}
        things.update(*(telling(c) for c in self.unique[base] if is_key(c) or c in whole))
        noun = next((w for w in re.findall(r"^\s([^\W\d_]+)(?:\s([^\W\d_]+))?", after)), ())
        amounts = {w for column in self.measured(base) for w in telling(column)}
        return any((root := stem(w.casefold())) in things and root not in amounts for w in noun)

    def things(self, base: str, after: str) -> str | None:
        """The column of keys that the noun behind a number means."""
        noun = re.match(r"\s(?:(?:different|distinct|unique) )?([^\W\d_]+)", after)
        return entity(noun[1], self.tables[base]) if noun is not None else None
