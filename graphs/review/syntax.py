"""Reading the cells that a model wrote as syntax: their calls, their texts, what names were assigned."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from artifacts.types import FINDING_MIME, Execution
from graphs.review.base import Work


def words(text: str) -> frozenset[str]:
    """The names in a text, which is how long lists of names are written here."""
    return frozenset(text.split())


_TIMED = words("time timeit capture prun")


def trees(work: Work) -> Iterator[tuple[Execution, ast.Module]]:
    """The cells that a model wrote and that are Python; IPython's magics in them are passed over."""
    for cell in work.written:
        if cell.status == "ok" and (tree := parsed(cell.code)) is not None:
            yield cell, tree


@cache
def parsed(code: str) -> ast.Module | None:
    """A cell's syntax; None where it is no Python."""
    try:
        return ast.parse(without_magics(code))
    except (SyntaxError, ValueError, RecursionError):  # another language, a null byte, a thousand brackets
        return None


def without_magics(code: str) -> str:
    """The same cell with IPython's lines (`%time`, `!ls`, `df?`) blanked: of a timed cell the body, of others none."""
    if (magic := re.match(r"\s*%%(\w+)", code)) is not None and magic[1] not in _TIMED:
        return ""
    return re.sub(r"^(\s*)(?:%%?\w.*|!.*|\?.*|[\w.]+\?{1,2})$", r"\1pass", code, flags=re.M)


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls, in the order in which they are written."""
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    yield from sorted(found, key=lambda c: (c.end_lineno or 0, c.end_col_offset or 0))


def name_of(call: ast.Call) -> str:
    """`fit` of `model.fit(x)`, `print` of `print(x)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def names(tree: ast.AST) -> set[str]:
    """All names that are read or assigned."""
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def strings(tree: ast.AST) -> set[str]:
    """All texts that are written out."""
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def keywords(call: ast.Call) -> dict[str | None, ast.expr]:
    """The keyword arguments of a call; under None what `**` brings."""
    return {k.arg: k.value for k in call.keywords}


def assigned(tree: ast.AST) -> Iterator[tuple[set[str], ast.expr]]:
    """What the assignments of a cell assign to: the names in their targets, and the value."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield set().union(*map(names, targets)), node.value


def written_text(cell: Execution) -> str:
    """What a cell printed or displayed as text, its findings left out."""
    return "\n".join(o.text for o in cell.outputs if FINDING_MIME not in o.data)
