"""What is written and drawn on charts: titles and annotations are read like sentences of the report."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any

from artifacts.types import Execution
from graphs.review.base import Work
from graphs.review.facts import Facts, Kind, Rows
from graphs.review.mentions import YEAR, Tables, levels
from graphs.review.syntax import calls, keywords, name_of, trees

_WRITES = frozenset({"title", "set_title", "suptitle", "annotate", "text", "set_text", "bar_label", "figtext"})
_NAMED = frozenset({"title", "suptitle", "subtitle", "title_text"})


def written(work: Work) -> Iterator[tuple[Execution, str]]:
    """What is written on charts, by cell: as their artists had it when they were shown, and as the code spells it."""
    for cell, tree in trees(work):
        texts = [*(t for figure in _figures(cell) for t in _texts_on(figure)), *_spelt_in(tree)]
        yield from ((cell, text) for text in dict.fromkeys(texts) if text)


def drawn(cell: Execution) -> Iterator[tuple[str, str, float]]:
    """The series, the name and the value of each bar and of each end of a line that a cell drew."""
    for place, figure in enumerate(_figures(cell)):
        for i, axes in enumerate(_dicts(figure.get("axes"))):
            for j, series in enumerate(_dicts(axes.get("series"))):
                pairs = _list(series.get("values")) if series.get("kind") == "bars" else []
                ends = _list(series.get("x")) if series.get("kind") == "line" else []
                pairs += [list(p) for p in zip(ends, (series.get("first"), series.get("last")), strict=False)]
                for pair in pairs:
                    if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], (int, float)):
                        whole = isinstance(pair[0], float) and pair[0].is_integer()
                        yield f"{place} {i} {j}", str(int(pair[0]) if whole else pair[0]), float(pair[1])


def enter(facts: Facts, cells: Sequence[Execution], tables: Tables) -> None:
    """Enter the bars and ends of lines that cells drew, by the values of columns that name them."""
    of: dict[str, list[str]] = {}
    for column, value in levels(tables):
        of.setdefault(value, []).append(column)
    for cell in cells:
        for series, name, height in drawn(cell):
            year = [YEAR] if re.fullmatch(r"(?:19|20)\d\d", name) else []
            if named := frozenset((column, name) for column in (*year, *of.get(name, ()))):
                facts.add(Kind(Rows(cell.cell, f"figure {series}")), named, height)


def _figures(cell: Execution) -> list[dict[str, Any]]:
    """The figures that a cell showed (see `kernel_gateway.inside.figures.told`)."""
    return [o.figure for o in cell.outputs if o.figure]


def _texts_on(figure: dict[str, Any]) -> Iterator[str]:
    yield str(figure.get("title") or "")
    for axes in _dicts(figure.get("axes")):
        yield str(axes.get("title") or "")
        yield from map(str, _list(axes.get("texts")))


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


def _dicts(value: object) -> list[dict[str, Any]]:
    return [v for v in _list(value) if isinstance(v, dict)]


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []
