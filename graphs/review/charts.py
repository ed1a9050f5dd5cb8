"""What is written and drawn on charts: titles and annotations are read like sentences of the report."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from artifacts.types import Execution
from graphs.review.base import Work
from graphs.review.syntax import calls, keywords, name_of, trees

_WRITES = frozenset({"title", "set_title", "suptitle", "annotate", "text", "set_text", "bar_label", "figtext"})
_NAMED = frozenset({"title", "suptitle", "subtitle", "title_text"})


def written(work: Work) -> Iterator[tuple[Execution, str]]:
    """What is written on charts, by cell: as their artists had it when they were shown, and as the code spells it.

    Of a notebook from elsewhere only the code is known.
    """
    for cell, tree in trees(work):
        texts = [*(t for figure in _figures(cell) for t in _texts_on(figure)), *_spelt_in(tree)]
        yield from ((cell, text) for text in dict.fromkeys(texts) if text)


def _figures(cell: Execution) -> list[dict[str, Any]]:
    """The figures that a cell showed (see `kernel_gateway.inside.figures.told`)."""
    return [o.figure for o in cell.outputs if o.figure]


def _texts_on(figure: dict[str, Any]) -> Iterator[str]:
    for told in (figure, *_listed(figure, "axes")):
        yield from map(str, (told.get("title") or "", *_listed(told, "texts")) if isinstance(told, dict) else ())


def _spelt_in(tree: ast.AST) -> Iterator[str]:
    """The texts that a cell writes on charts, as far as they are written out."""
    for call in calls(tree):
        given = [*call.args] if name_of(call) in _WRITES else []
        given += [v for k, v in keywords(call).items() if k in _NAMED]
        for node in given:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):  # what is computed stands for itself
                yield "".join(str(v.value) if isinstance(v, ast.Constant) else " … " for v in node.values)


def _listed(told: object, name: str) -> list[Any]:
    """What is listed under a name, in what a kernel tells, which may be anything."""
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, list) else []
