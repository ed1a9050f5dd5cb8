"""What the cells' plain handling of tables comes to on the given tables: read, selected, joined, grouped.

Only a list of harmless calls of pandas is repeated, on tables already read; nothing of the notebook's own is run. What
is not on the list, or rests on what is not, is unknown, and nothing is said of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from artifacts.types import Execution
from graphs.checks.base import Work
from graphs.checks.syntax import READERS, assigned, called, calls, keywords, name_of, trees, words

if TYPE_CHECKING:
    import pandas as pd

_PURE = words(
    """
    copy drop dropna fillna head tail sort_values sort_index reset_index set_index rename isin between eq ne lt le gt ge
    isna notna isnull notnull astype round abs clip select_dtypes filter add sub mul div drop_duplicates nlargest
    nsmallest squeeze to_frame lower upper strip startswith contains rename_axis
    """
)
_REDUCES = words("mean median sum size count min max std var first last nunique quantile agg aggregate value_counts")
_SAME = words("fit_transform transform add_constant get_dummies to_numpy asarray array shuffle")
"""What changes a table's scale or form and nothing of what it knows."""
_CROSS = words("cross_val_score cross_validate cross_val_predict")
_FORMULAS = words("ols logit glm probit poisson quantreg mixedlm")
_FAILS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, AssertionError, NotImplementedError)
_MOST_ROWS = 400_000
TWICE = "gristmill_twice"
"""Under this a table's attributes hold the columns whose values a join has multiplied."""


class Unknown(Exception):
    """What an expression comes to is not known."""


@dataclass(frozen=True)
class Fit:
    """A model that learns a column `y` from the columns of `X`; `explains`: its terms are a formula's."""

    cell: Execution
    X: pd.DataFrame
    y: pd.Series[Any]
    explains: bool = False


@dataclass(frozen=True)
class Reduced:
    """A number, or one for each level of a group, that stands for so many rows."""

    cell: Execution
    name: str
    values: tuple[tuple[float, int], ...]
    of: int
    column: str
    twice: bool


@dataclass
class Shadow:
    """The tables behind a work's names, cell by cell, and what was fitted and averaged of them."""

    work: Work
    names: dict[str, Any] = field(default_factory=dict)
    fits: list[Fit] = field(default_factory=list)
    reduced: list[Reduced] = field(default_factory=list)

    def walk(self) -> None:
        for cell, tree in trees(self.work):
            for statement in tree.body:
                self._statement(cell, statement)

    def _statement(self, cell: Execution, node: ast.stmt) -> None:
        inner = (
            [n for n in ast.walk(node) if isinstance(n, ast.stmt)] if isinstance(node, (ast.With, ast.If)) else [node]
        )
        for statement in inner:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try)):
                for part in ast.walk(statement):
                    if isinstance(part, ast.stmt) and (pair := assigned(part)) is not None:
                        self._forget(pair[0])
                continue
            for call in calls(statement) if not isinstance(statement, (ast.With, ast.If)) else ():
                self._notice(cell, call)
            if (pair := assigned(statement)) is not None:
                self._assign(pair[0], pair[1], isinstance(statement, ast.AugAssign))
            elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                self._in_place(statement.value)
            elif isinstance(statement, ast.Assert) and (table := _product(statement.test)) in self.names:
                getattr(self.names[table], "attrs", {}).pop(TWICE, None)

    def _assign(self, targets: list[ast.expr], value: ast.expr, added: bool) -> None:
        try:
            found = self.value(value) if not added else None
        except (Unknown, *_FAILS):
            self._forget(targets)
            return
        if found is None:
            self._forget(targets)
        elif len(targets) == 1 or not isinstance(found, tuple) or len(found) != len(targets):
            for target in targets:
                self._bind(target, found if len(targets) == 1 else None)
        else:
            for target, part in zip(targets, found, strict=True):
                self._bind(target, part)

    def _bind(self, target: ast.expr, found: Any) -> None:
        if found is None:
            self._forget([target])
        elif isinstance(target, ast.Name):
            self.names[target.id] = found
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            frame: Any = self.names.get(target.value.id)
            column = getattr(target.slice, "value", None)
            try:
                if not isinstance(column, str) or not hasattr(frame, "assign"):
                    raise Unknown
                self.names[target.value.id] = frame.assign(**{column: found})
            except (Unknown, *_FAILS):
                self._forget([target])

    def _forget(self, targets: list[ast.expr]) -> None:
        """Names are unknown from here on; of a column of a table, that column, and of what is not known, all of it."""
        for target in targets:
            if isinstance(target, ast.Name):
                self.names.pop(target.id, None)
            for node in ast.walk(target):
                if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.value, ast.Name):
                    frame: Any = self.names.get(node.value.id)
                    column = getattr(getattr(node, "slice", None), "value", None)
                    if isinstance(column, str) and hasattr(frame, "columns") and isinstance(node.ctx, ast.Store):
                        self.names[node.value.id] = frame.drop(columns=column, errors="ignore")
                    else:
                        self.names.pop(node.value.id, None)

    def _in_place(self, call: ast.Call) -> None:
        inplace = keywords(call).get("inplace")
        if isinstance(call.func, ast.Attribute) and isinstance(inplace, ast.Constant) and inplace.value is True:
            kept = ast.Call(call.func, call.args, [k for k in call.keywords if k.arg != "inplace"])
            self._assign([call.func.value], kept, False)

    # What is noticed on the way.

    def _notice(self, cell: Execution, call: ast.Call) -> None:
        name, given = name_of(call), keywords(call)
        try:
            if name in _CROSS and len(call.args) >= 3:
                self._fitted(cell, self.value(call.args[1]), self.value(call.args[2]))
            elif name == "fit" and len(call.args) == 2:
                self._fitted(cell, self.value(call.args[0]), self.value(call.args[1]))
            elif name in ("OLS", "Logit", "GLM") and len(call.args) >= 2:
                self._fitted(cell, self.value(call.args[1]), self.value(call.args[0]))
            elif name in _FORMULAS and call.args and isinstance(call.args[0], ast.Constant):
                frame = self.value(given["data"] if "data" in given else call.args[1])
                left, _, right = str(call.args[0].value).partition("~")
                terms = [c for c in frame.columns if c in _terms(right)]
                self._fitted(cell, frame[terms], frame[left.strip()], explains=True)
            elif name in _REDUCES and isinstance(call.func, ast.Attribute):
                self._averaged(cell, call)
        except (Unknown, *_FAILS):
            return

    def _fitted(self, cell: Execution, X: Any, y: Any, *, explains: bool = False) -> None:
        if getattr(X, "ndim", 0) == 1 and hasattr(X, "to_frame"):
            X = X.to_frame()
        if getattr(X, "ndim", 0) == 2 and hasattr(X, "columns") and hasattr(y, "nunique") and len(X) == len(y):
            self.fits.append(Fit(cell, X, y, explains))

    def _averaged(self, cell: Execution, call: ast.Call) -> None:
        import pandas as pd

        assert isinstance(call.func, ast.Attribute)
        of = self.value(call.func.value)
        name = name_of(call)
        grouped = hasattr(of, "grouper") or hasattr(of, "ngroups")
        source = of.obj if grouped else of
        columns = [source.name] if isinstance(source, pd.Series) else list(getattr(source, "columns", ()))
        if isinstance(getattr(of, "_selection", None), str):
            columns = [of._selection]
        twice = bool(set(columns) & set(source.attrs.get(TWICE, ()))) and len(columns) == 1
        if isinstance(of, pd.Series):
            size = int(of.notna().sum())
            value = float(of.mean() if name in ("agg", "aggregate") else getattr(of, name)()) if size else 0.0
            self.reduced.append(Reduced(cell, name, ((value, size),), size, str(columns[0]), twice))
        elif grouped and name in ("mean", "median", "sum", "agg", "aggregate", "min", "max") and len(columns) == 1:
            numbers = of.median() if name == "median" else of.sum() if name == "sum" else of.mean()
            sizes = of.count()
            pairs = tuple((float(v), int(n)) for v, n in zip(numbers, sizes, strict=True))
            summed = name == "sum" or (name in ("agg", "aggregate") and "sum" in ast.unparse(call))
            self.reduced.append(Reduced(cell, "sum" if summed else name, pairs, len(source), str(columns[0]), twice))

    # Expressions.

    def value(self, node: ast.expr) -> Any:
        """What an expression comes to; raises Unknown, or what pandas raises."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name() if node.id in self.names:
                return self.names[node.id]
            case ast.List() | ast.Tuple():
                parts = [self.value(e) for e in node.elts]
                return parts if isinstance(node, ast.List) else tuple(parts)
            case ast.Dict() if all(k is not None for k in node.keys):
                return {
                    self.value(k): self.value(v) for k, v in zip(node.keys, node.values, strict=True) if k is not None
                }
            case ast.UnaryOp(op=ast.Invert()):
                return ~self.value(node.operand)
            case ast.UnaryOp(op=ast.USub()):
                return -self.value(node.operand)
            case ast.BinOp() if type(node.op) in _OPERATORS:
                return _OPERATORS[type(node.op)](self.value(node.left), self.value(node.right))
            case ast.Compare() if len(node.ops) == 1 and type(node.ops[0]) in _COMPARES:
                return _COMPARES[type(node.ops[0])](self.value(node.left), self.value(node.comparators[0]))
            case ast.Attribute():
                return self._attribute(node)
            case ast.Subscript():
                return self._selected(node)
            case ast.Call():
                return self._called(node)
        raise Unknown

    def _attribute(self, node: ast.Attribute) -> Any:
        import pandas as pd

        owner = self.value(node.value)
        if isinstance(owner, pd.DataFrame) and (node.attr in owner.columns or node.attr in ("columns", "values")):
            return owner if node.attr == "values" else owner[node.attr] if node.attr != "columns" else owner.columns
        if isinstance(owner, pd.Series) and node.attr in ("dt", "str", "values"):
            return owner if node.attr == "values" else getattr(owner, node.attr)
        if not isinstance(owner, (pd.DataFrame, pd.Series)) and hasattr(owner, "month") and node.attr in _PARTS:
            return getattr(owner, node.attr)
        if hasattr(owner, "ngroups") and node.attr in owner.obj.columns:
            return owner[node.attr]
        raise Unknown

    def _selected(self, node: ast.Subscript) -> Any:
        import pandas as pd

        if isinstance(node.value, ast.Attribute) and node.value.attr in ("loc", "iloc"):
            owner = self.value(node.value.value)
            where = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            picks = tuple(slice(None) if isinstance(p, ast.Slice) else self.value(p) for p in where)
            if not isinstance(owner, (pd.DataFrame, pd.Series)) or node.value.attr == "iloc":
                if node.value.attr == "iloc" and isinstance(node.slice, ast.Slice):
                    return owner
                raise Unknown
            rows: Any = picks if len(picks) > 1 else picks[0]
            return owner.loc[rows]
        owner = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            return owner  # so many rows of it: what is known of all holds well enough
        index = self.value(node.slice)
        if isinstance(owner, (pd.DataFrame, pd.Series)) or hasattr(owner, "ngroups"):
            return owner[list(index) if isinstance(index, (tuple, pd.Index)) else index]
        raise Unknown

    def _called(self, call: ast.Call) -> Any:
        import pandas as pd

        name, given = name_of(call), keywords(call)
        if name in READERS and call.args:
            frame = self.work.frames.get(str(getattr(call.args[0], "value", "")))
            if frame is None or "names" in given or "header" in given:
                raise Unknown
            frame = frame.copy()
            if isinstance(column := getattr(given.get("index_col"), "value", None), str):
                frame = frame.set_index(column)
            return frame[self.value(given["usecols"])] if "usecols" in given else frame
        if name == "train_test_split":
            return tuple(p for a in call.args for p in [self.value(a)] * 2)
        on = call.func.value if isinstance(call.func, ast.Attribute) else None
        module = on is None or (isinstance(on, ast.Name) and on.id not in self.names)
        if name in _SAME and call.args:
            frame = self.value(call.args[0])
            return frame.iloc[:, :] if isinstance(frame, pd.DataFrame) else frame
        if name == "to_datetime" and call.args:
            return pd.to_datetime(self.value(call.args[0]))
        if name == "merge":
            left = self.value(call.args[0] if on is None or module else on)
            right = self.value(call.args[1] if module else call.args[0])
            return _merged(left, right, {k: self.value(v) for k, v in given.items() if k in _JOINS})
        if not isinstance(call.func, ast.Attribute) or None in given:
            raise Unknown
        owner = self.value(call.func.value)
        if name == "query" and len(call.args) == 1 and isinstance(owner, pd.DataFrame):
            return self._queried(owner, call.args[0])
        if name == "pop" and isinstance(owner, pd.DataFrame):
            return owner.pop(self.value(call.args[0]))
        if name == "assign" and isinstance(owner, pd.DataFrame):
            for column, made in given.items():
                owner = owner.assign(**{str(column): self._made(made, owner)})
            return owner
        if name == "groupby" and isinstance(owner, (pd.DataFrame, pd.Series)):
            by = self.value(call.args[0] if call.args else given["by"])
            return owner.groupby(by, observed=True)
        if name == "map" and call.args and isinstance(levels := self.value(call.args[0]), dict):
            return owner.map(levels)
        if name not in _PURE or not hasattr(owner, name):
            raise Unknown
        return getattr(owner, name)(*map(self.value, call.args), **{str(k): self.value(v) for k, v in given.items()})

    def _made(self, made: ast.expr, owner: Any) -> Any:
        """A column as `assign` is given it: a value, or a function of the table."""
        if not isinstance(made, ast.Lambda):
            return self.value(made)
        return Shadow(self.work, {**self.names, made.args.args[0].arg: owner}).value(made.body)

    def _queried(self, owner: pd.DataFrame, text: ast.expr) -> Any:
        """`query` of a text, read as the expression that it is, its names being columns."""
        asked = ast.parse(str(self.value(text)).strip(), mode="eval").body
        columns = {str(c): owner[c] for c in owner.columns}
        return owner[Shadow(self.work, columns)._asked(asked)]

    def _asked(self, node: ast.expr) -> Any:
        if isinstance(node, ast.BoolOp):
            parts = [self._asked(v) for v in node.values]
            found = parts[0]
            for part in parts[1:]:
                found = found & part if isinstance(node.op, ast.And) else found | part
            return found
        return ~self._asked(node.operand) if isinstance(node, ast.UnaryOp) else self.value(node)


_PARTS = words("year month day hour dayofweek weekday quarter")
_JOINS = words("on left_on right_on how")
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.BitAnd: lambda a, b: a & b, ast.BitOr: lambda a, b: a | b,
}  # fmt: skip
_COMPARES: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b,
}  # fmt: skip


def _product(asserted: ast.expr) -> str:
    """The table whose rows are said to be so many times another's, so that they are meant to be multiplied:
    `len(pairs) == len(orders) * k`."""
    if not isinstance(asserted, ast.Compare) or len(asserted.ops) != 1 or not isinstance(asserted.ops[0], ast.Eq):
        return ""
    sides = [asserted.left, asserted.comparators[0]]
    for of, many in (sides, sides[::-1]):
        if isinstance(many, ast.BinOp) and isinstance(many.op, ast.Mult) and "len" in called(many):
            match of:
                case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=table)]):
                    return table
    return ""


def _terms(right: str) -> set[str]:
    return {n.id for n in ast.walk(ast.parse(right.strip(), mode="eval")) if isinstance(n, ast.Name)}


def _merged(left: pd.DataFrame, right: pd.DataFrame, given: dict[str, Any]) -> pd.DataFrame:
    """Two tables joined; the result's attributes tell whose rows were multiplied."""
    on = given.get("on", [c for c in left.columns if c in right.columns])
    sides = [given.get("left_on", on), given.get("right_on", on)]
    keys = [[k] if isinstance(k, str) else list(k) for k in sides]
    if given.get("how") == "cross" or not all(keys):
        raise Unknown
    most = [int(t.groupby(k).size().max() or 0) for t, k in zip((left, right), keys, strict=True)]
    if min(most) * max(len(left), len(right)) > _MOST_ROWS:
        raise Unknown
    made = left.merge(right, **given)
    twice = set(left.attrs.get(TWICE, ())) | set(right.attrs.get(TWICE, ()))
    if most[1] > 1:
        twice |= set(left.columns) - set(keys[0])
        twice |= set(right.columns) - set(keys[1]) if most[0] > 1 else set()
    made.attrs[TWICE] = sorted(map(str, twice))
    return made


@lru_cache(maxsize=1)
def shadow(work: Work) -> Shadow:
    """The tables behind a work's names; nothing is known where no files are at hand."""
    found = Shadow(work)
    if work.frames:
        found.walk()
    return found


def fits(work: Work) -> Iterator[Fit]:
    """The models that are fitted to tables that are known."""
    yield from shadow(work).fits
