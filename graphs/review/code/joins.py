"""Checks of joins: what is expected of their keys, and that nothing is summed or counted of rows that were repeated.

Tables are followed through names and the usual methods, by whatever idiom they are read (`df`, `tables["a.csv"]`,
`pd.read_csv`). A join, `explode` or `concat` that repeats rows marks the columns whose values are there several times.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from artifacts.types import Objection
from graphs.review.base import Found, Work, check
from graphs.review.code.syntax import (
    READERS,
    assigned,
    called,
    calls,
    constant,
    keywords,
    meanings,
    name_of,
    names,
    statements,
    strings,
    trees,
    words,
)
from graphs.review.data.queries import multiplied, renamed

if TYPE_CHECKING:
    import pandas as pd

_MANY = frozenset({"many_to_many", "m:m"})
_UNIQUE = words("is_unique duplicated nunique has_duplicates")
_ALIKE = words(
    """
    assign copy query sort_values reset_index head tail fillna rename astype dropna set_index filter sample loc iloc
    where pipe sort_index convert_dtypes reindex nlargest nsmallest pd drop replace eval
    """
)
"""Methods whose result still has the rows of the table, or some of them."""
_SOME = words("query head tail dropna sample nlargest nsmallest")
_ADDS_UP = words("sum count mean value_counts average total size")
_REDUCES = _ADDS_UP | words("median min max std var first last nunique agg aggregate any all")
_MEND = "Bring the other side to one row a key first (aggregate it), and join that; or add up before the rows repeat."


@dataclass(frozen=True)
class Rows:
    """A table in the notebook: its columns, the given file that its rows are of, whether all of them are there, the
    keys by which it has one row each, which columns' values are repeated, and `why`."""

    columns: frozenset[str] = frozenset()
    file: str = ""
    whole: bool = True
    unique: frozenset[str] | None = None
    twice: frozenset[str] = frozenset()
    why: str = ""
    by: frozenset[str] | None = None  # of a table in groups
    picked: frozenset[str] | None = None  # the columns that were selected of it


@check("merges")
def merges(work: Work) -> Iterator[Found]:
    """Every join says what it expects of its keys."""
    shown = [a for _, tree in trees(work) for c in calls(tree) if name_of(c) in ("print", "display") for a in c.args]
    shown += [n.test for _, tree in trees(work) for n in ast.walk(tree) if isinstance(n, (ast.Assert, ast.If))]
    looked = {n for part in shown for n in names(part) if _asks(part)}
    for cell, tree in trees(work):
        for call in calls(tree):
            sides = names(ast.Tuple([call.func, *call.args, *keywords(call).values()], ast.Load()))
            once = called(ast.Tuple(list(call.args), ast.Load())) & {"drop_duplicates", "groupby"}
            if _joins(call) and not set(keywords(call)) & {"validate", None} and not sides & looked and not once:
                yield Objection(
                    where=cell.cell,
                    problem=f"`{name_of(call)}` does not say what it expects of its keys: one that repeats would "
                    "multiply rows unseen.",
                    mend="Look whether the keys repeat, say with `validate` what holds, and print the rows before and "
                    "after.",
                )
                break


def _asks(part: ast.AST) -> bool:
    """Whether an expression asks for unique values or counts rows."""
    asked = {n.attr for n in ast.walk(part) if isinstance(n, ast.Attribute)} | called(part)
    return bool(asked & (_UNIQUE | {"len", "shape", "height"}))


def _joins(call: ast.Call) -> bool:
    """`merge` of tables, or `join` where its arguments tell that it is a table's and not a text's or a path's."""
    table = set(keywords(call)) & {"on", "how", "rsuffix"} or "set_index" in called(ast.Tuple(call.args, ast.Load()))
    return name_of(call) == "merge" or (name_of(call) == "join" and bool(table))


@check("fan_out")
def fan_out(work: Work) -> Iterator[Found]:
    """Nothing is summed or counted of rows that a join or an explosion has repeated."""
    for cell, tree in trees(work):
        many = [c for c in calls(tree) if _joins(c) and strings(keywords(c).get("validate") or tree) & _MANY]
        if many and "validate" in keywords(many[0]):
            problem = "the join is many to many, so rows repeat and every sum, mean and count over it is off."
            yield Objection(where=cell.cell, problem=problem, mend=_MEND)
    if not work.frames:
        return
    yield from _Followed(work).found()
    given = dict(work.frames)
    queries = [s for _, tree in trees(work) for s in sorted(strings(tree))]
    given |= renamed(queries, work.frames)
    for cell, tree in trees(work):
        for statement in sorted(strings(tree)):
            if (key := multiplied(statement, given)) is not None:
                yield Objection(
                    where=cell.cell,
                    problem=f"the query joins on {key!r}, which repeats, and then sums what is there several times.",
                    mend=_MEND,
                )
                break


class _Followed:
    """The tables behind a work's names, statement by statement."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.known = meanings(work)
        self.names: dict[str, Rows] = {}
        self.made: list[tuple[str, str]] = []  # what was added up of repeated rows, with why they are
        first = next((n for n in work.view.run.params.get("files", ()) if n in work.frames), None)
        if first is not None:
            self.names["df"] = self.given(first)

    def given(self, file: str) -> Rows:
        return Rows(frozenset(map(str, self.work.frames[file].columns)), file)

    def found(self) -> Iterator[Objection]:
        """One objection for each cell in which repeated rows are added up."""
        for cell, tree in trees(self.work):
            self.made = []
            for statement in statements(tree):
                self._take(statement)
            if self.made:
                what, why = self.made[0]
                problem = f"{what} of rows that {why}, so that values are counted several times."
                yield Objection(where=cell.cell, problem=problem, mend=_MEND)

    def _take(self, statement: ast.stmt) -> None:
        pair = assigned(statement)
        if pair is not None:
            rows = self.rows(pair[1])
            for target in pair[0]:
                if isinstance(target, ast.Name):
                    self.names.pop(target.id, None)
                    if rows is not None:
                        self.names[target.id] = rows
                elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                    self._put(target.value.id, target.slice, pair[1])
        elif isinstance(statement, (ast.Expr, ast.Return)) and statement.value is not None:
            self.rows(statement.value)

    def _put(self, name: str, column: ast.expr, value: ast.expr) -> None:
        """A column that is made of repeated ones is repeated, too."""
        rows = self.names.get(name)
        if rows is not None and isinstance(column, ast.Constant):
            again = rows.twice | ({str(column.value)} if strings(value) & rows.twice else set())
            self.names[name] = replace(rows, columns=rows.columns | {str(column.value)}, twice=again)

    # Expressions.

    def rows(self, node: ast.AST | None) -> Rows | None:
        """The table that an expression is, if it is one that is known."""
        match node:
            case ast.Name():
                return self.names.get(node.id)
            case ast.Attribute():
                rows = self.rows(node.value)
                return replace(rows, picked=frozenset([node.attr])) if rows and node.attr in rows.columns else rows
            case ast.Subscript():
                return self._selected(node)
            case ast.Call():
                return self._called(node)
            case ast.BinOp() | ast.Compare() | ast.BoolOp() | ast.UnaryOp() | ast.JoinedStr() | ast.FormattedValue():
                found = [self.rows(n) for n in ast.iter_child_nodes(node)]
                return next((f for f in found if f is not None), None) if isinstance(node, ast.BinOp) else None
        for inner in ast.iter_child_nodes(node) if isinstance(node, ast.expr) else ():
            self.rows(inner)
        return None

    def _selected(self, node: ast.Subscript) -> Rows | None:
        if isinstance(node.value, ast.Name) and node.value.id == "tables":
            file = constant(node.slice, self.known)
            return self.given(str(file.value)) if file is not None and file.value in self.work.frames else None
        rows = self.rows(node.value)
        if rows is None:
            return None
        picks = strings(node.slice) & rows.columns
        mask = isinstance(node.slice, (ast.Compare, ast.BinOp, ast.UnaryOp, ast.Call))
        if mask or not picks:
            return replace(rows, whole=False)
        return replace(rows, picked=frozenset(picks))

    def _called(self, call: ast.Call) -> Rows | None:
        name, given = name_of(call), keywords(call)
        on = self.rows(call.func.value) if isinstance(call.func, ast.Attribute) else None
        inner = [self.rows(a) for a in (*call.args, *given.values())]
        if name in READERS or name in ("load", "read_once"):
            file = constant(call.args[0], self.known) if call.args else None
            return self.given(str(file.value)) if file is not None and file.value in self.work.frames else None
        if name == "merge" or (name == "join" and _joins(call)):
            named = [self.rows(given[k]) for k in ("left", "right") if k in given]
            sides = [r for r in (on, *named, *inner[: len(call.args)]) if r is not None]
            return self._joined(call, *sides[:2]) if len(sides) >= 2 else None
        if name == "concat" and call.args and isinstance(parts := call.args[0], (ast.List, ast.Tuple)):
            return self._stacked([r for r in map(self.rows, parts.elts) if r is not None])
        if on is None:  # print(...), np.mean(x), pd.crosstab(x, y)
            counted = next((r for r in inner if r is not None), None)
            if name in (*_ADDS_UP, "crosstab") and counted is not None:
                self._add_up(counted, name)
            return counted if name in ("Series", "DataFrame", "to_numeric", "round") else None
        if name == "explode":
            column = strings(ast.Tuple([*call.args, *given.values()], ast.Load()))
            others = (on.columns | on.twice) - column
            return replace(
                on, columns=on.columns | column, twice=on.twice | others, why="`explode` repeats", whole=True
            )
        if name == "drop_duplicates":
            keys = strings(ast.Tuple([*call.args, *(v for k, v in given.items() if k == "subset")], ast.Load()))
            return replace(on, unique=frozenset(keys) or None, twice=frozenset(), whole=False)
        if name in ("groupby", "resample"):
            return replace(on, by=frozenset(strings(ast.Tuple([*call.args, *given.values()], ast.Load()))))
        if name == "pivot_table":
            column = strings(given["values"]) if "values" in given else set()
            how = strings(given["aggfunc"]) if "aggfunc" in given else {"mean"}
            self._add_up(replace(on, picked=frozenset(column)), *how)
            return None
        if name in _REDUCES:
            return self._reduced(on, call, name)
        if name == "assign":
            made = {str(k) for k, v in given.items() if strings(v) & on.twice}
            return replace(on, columns=on.columns | {str(k) for k in given}, twice=on.twice | made)
        return replace(on, whole=on.whole and name not in _SOME) if name in _ALIKE else on

    def _reduced(self, on: Rows, call: ast.Call, name: str) -> Rows:
        """A table, or its groups, brought to one row each."""
        if name in ("agg", "aggregate"):
            for key, value in keywords(call).items():  # total=("amount", "sum")
                parts = [n.value for n in ast.walk(value) if isinstance(n, ast.Constant)]
                if key is not None and len(parts) == 2:
                    self._add_up(replace(on, picked=frozenset(map(str, parts[:1]))), str(parts[1]))
            for asked in call.args:
                pairs = zip(asked.keys, asked.values, strict=True) if isinstance(asked, ast.Dict) else ()
                for column, how in pairs:
                    if column is not None:
                        self._add_up(replace(on, picked=frozenset(strings(column))), *strings(how))
                if not isinstance(asked, ast.Dict):
                    self._add_up(on, *strings(asked))
        else:
            self._add_up(on, name)
        keys = on.by or frozenset()
        return Rows(keys | (on.picked or on.columns), unique=keys)

    def _add_up(self, rows: Rows, *how: str) -> None:
        """Keep that repeated values were added up. A mean by a group of the other side may be meant."""
        for name in sorted(set(how) & _ADDS_UP):
            columns = sorted(rows.twice & (rows.picked or frozenset())) if name != "size" else []
            foreign = name == "mean" and rows.by is not None and not rows.by <= rows.twice
            if columns and not foreign:
                done = {"sum": "summed", "mean": "averaged"}.get(name, "counted")
                self.made.append((f"{columns[0]!r} is {done}", rows.why))

    def _joined(self, call: ast.Call, left: Rows, right: Rows) -> Rows:
        given = keywords(call)
        on = strings(given["on"]) if "on" in given else set(left.columns & right.columns)
        keys = [strings(given[k]) if k in given else on for k in ("left_on", "right_on")]
        made = Rows(
            left.columns | right.columns,
            left.file,
            left.whole,
            twice=left.twice | right.twice,
            why=left.why or right.why,
        )
        many = [self._repeats(rows, key) for rows, key in zip((left, right), keys, strict=True)]
        if many[1]:
            again = left.columns - keys[0] | (right.columns - keys[1] if many[0] else frozenset())
            key = " and ".join(sorted(keys[1]))
            made = replace(made, twice=made.twice | again, why=f"the join on {key!r} repeats")
        return made

    def _repeats(self, rows: Rows, keys: set[str]) -> bool:
        if not keys or (rows.unique is not None and rows.unique <= keys):
            return False
        frame: pd.DataFrame | None = self.work.frames.get(rows.file)
        return frame is not None and keys <= set(frame.columns) and bool(frame.duplicated(sorted(keys)).any())

    def _stacked(self, parts: list[Rows]) -> Rows | None:
        """Tables laid under each other: a file's rows twice, where one of its parts is all of it."""
        for i, one in enumerate(parts):
            for other in parts[i + 1 :]:
                if one.file and one.file == other.file and (one.whole or other.whole):
                    return replace(one, twice=one.columns, why="are there twice after `concat`")
        return parts[0] if parts else None


def counted_rows(tree: ast.AST) -> set[str]:
    """Names whose rows are counted by `len(x)` or `x.shape`."""
    lengths = {a.id for c in calls(tree) if name_of(c) == "len" for a in c.args if isinstance(a, ast.Name)}
    return lengths | {
        n.value.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and n.attr in ("shape", "height") and isinstance(n.value, ast.Name)
    }
