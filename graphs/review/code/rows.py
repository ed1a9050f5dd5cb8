"""The check of values that are set on a copy."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check
from graphs.review.code.syntax import assigned, calls, keywords, name_of, statements, trees, words

_COPIES = words("query head tail sample nlargest nsmallest dropna drop_duplicates sort_values copy where filter")
"""What gives a table of its own, to which nothing assigned is ever seen again."""
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
