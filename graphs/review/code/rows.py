"""Checks of rows: those that go unseen, and values that are set on a copy."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check
from graphs.review.code.joins import counted_rows
from graphs.review.code.syntax import (
    assigned,
    called,
    calls,
    is_series,
    keywords,
    meanings,
    name_of,
    statements,
    trees,
    words,
)

_DROPS = words("dropna drop_nulls drop_nans")
_COPIES = words("query head tail sample nlargest nsmallest dropna drop_duplicates sort_values copy where filter")
"""What gives a table of its own, to which nothing assigned is ever seen again."""
_MISSING = words("isna isnull notna notnull isnan is_null is_not_null null_count")


@check("dropped_rows")
def dropped_rows(work: Work) -> Iterator[Found]:
    """No rows were dropped without saying how many."""
    known = meanings(work)
    everything = ast.Module(body=[s for _, tree in trees(work) for s in tree.body], type_ignores=[])
    for cell, tree in trees(work):
        drops = [c for c in calls(tree) if name_of(c) in _DROPS and _whole_table(c, known)]
        masked = _masked(tree, known)
        if not (drops or masked) or (_counts_rows(tree, known) and called(tree) & {"print", "display", "report"}):
            continue
        kept = {
            target.id
            for statement in statements(tree)
            if (pair := assigned(statement)) is not None
            and called(pair[1]) & {*_DROPS, "notna", "notnull", "isna", "isnull", "isnan", "is_not_null"}
            for target in pair[0]
            if isinstance(target, ast.Name) and target.id != "df"
        }
        if not kept & counted_rows(everything):
            yield Objection(
                where=cell.cell,
                problem=f"`{name_of(drops[0]) if drops else masked}` removes rows and the cell does not say how many.",
                mend="Print the number of rows before and after, and why those rows may go.",
            )


def _whole_table(call: ast.Call, known: dict[str, ast.expr]) -> bool:
    """`df.dropna(...)`, not `df["x"].dropna()`: values of one column that are missing are left out by every test."""
    on = call.func.value if isinstance(call.func, ast.Attribute) else None
    axis = keywords(call).get("axis") or (call.args[0] if call.args else None)
    columns = isinstance(axis, ast.Constant) and axis.value in (1, "columns")
    return not columns and not is_series(on, known)


def _masked(tree: ast.Module, known: dict[str, ast.expr]) -> str | None:
    """The test for missing values by which a table that is kept under a name loses rows, if it does."""
    for statement in statements(tree):
        pair = assigned(statement)
        value = pair[1] if pair is not None else None
        while isinstance(value, ast.Call) and name_of(value) in ("copy", "reset_index"):
            value = value.func.value if isinstance(value.func, ast.Attribute) else None
        if not isinstance(value, ast.Subscript):
            continue
        located = isinstance(value.value, ast.Attribute) and value.value.attr == "loc"
        table = value.value.value if isinstance(value.value, ast.Attribute) and located else value.value
        picks = value.slice.elts if located and isinstance(value.slice, ast.Tuple) else [value.slice]
        if is_series(table, {}) or (len(picks) > 1 and isinstance(picks[1], ast.Constant)):
            continue
        asks = known.get(picks[0].id) if isinstance(picks[0], ast.Name) else picks[0]
        whole = isinstance(table, ast.Name)
        if whole and asks is not None and (name := _keeps_known(asks)) is not None:
            return name
    return None


def _keeps_known(asked: ast.expr) -> str | None:
    """The test by which a mask keeps rows without missing values: `x.notna()`, `~x.isna().any(axis=1)`."""
    if isinstance(asked, ast.BinOp) and isinstance(asked.op, ast.BitAnd):
        return _keeps_known(asked.left) or _keeps_known(asked.right)
    inverted = isinstance(asked, ast.UnaryOp) and isinstance(asked.op, ast.Invert)
    inner = asked.operand if isinstance(asked, ast.UnaryOp) and inverted else asked
    while isinstance(inner, ast.Call) and name_of(inner) in ("any", "all") and isinstance(inner.func, ast.Attribute):
        inner = inner.func.value
    tests = ("isna", "isnull", "isnan") if inverted else ("notna", "notnull", "isfinite")
    return name_of(inner) if isinstance(inner, ast.Call) and name_of(inner) in tests else None


def _counts_rows(tree: ast.AST, known: dict[str, ast.expr]) -> bool:
    """Whether rows, or values that are missing, are counted somewhere in a cell."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node) in ("len", "count", "nobs", "info"):
            return True
        missing = isinstance(node, ast.Call) and name_of(node) in ("sum", "mean", "value_counts")
        on = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
        on = on.operand if isinstance(on, ast.UnaryOp) else on
        mask = known.get(on.id) if isinstance(on, ast.Name) else None
        if missing and (called(node) & _MISSING or (mask is not None and _keeps_known(mask) is not None)):
            return True
        if isinstance(node, ast.Attribute) and node.attr in ("shape", "size", "nobs", "height"):
            return True
    return False


_WARNED = re.compile(r"ChainedAssignmentError|SettingWithCopyWarning")


_WARNED = re.compile(r"ChainedAssignmentError|SettingWithCopyWarning")


@check("chained_assignment")
def chained_assignment(work: Work) -> Iterator[Found]:
    """Values are assigned to the table itself and not to a copy."""
    for cell, tree in trees(work):
        targets = [t for s in statements(tree) if (pair := assigned(s)) is not None for t in pair[0]]
        in_place = any(map(_in_place, calls(tree)))
        if in_place or any(map(_selected_twice, targets)) or any(_WARNED.search(o.text) for o in cell.outputs):
            yield Objection(
                where=cell.cell,
                problem="it assigns to the result of a selection, a copy, so the table stays as it was.",
                mend="Assign in one step: `df.loc[rows, column] = value`, or `df[column] = df[column].where(...)`.",
            )


def _in_place(call: ast.Call) -> bool:
    given = keywords(call).get("inplace")
    column = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Subscript)
    return column and isinstance(given, ast.Constant) and given.value is True


def _selected_twice(target: ast.expr) -> bool:
    """A selection of a selection: rows of a column, a column of rows; or a column that is changed in place."""
    if not isinstance(target, (ast.Subscript, ast.Attribute)):
        return False
    inner = target.value
    if isinstance(inner, ast.Attribute) and inner.attr in ("loc", "iloc", "at", "iat"):
        inner = inner.value
    if isinstance(inner, ast.Call):
        return name_of(inner) in _COPIES and isinstance(inner.func, ast.Attribute)
    masks = [n.slice for n in (target, inner) if isinstance(n, ast.Subscript)]
    return isinstance(inner, ast.Subscript) and any(isinstance(m, (ast.Compare, ast.BinOp)) for m in masks)
