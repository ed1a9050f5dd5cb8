"""What is written and drawn on charts: titles and annotations are read like sentences of the report."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from artifacts.types import Execution
from graphs.review.base import Work
from graphs.review.facts import PLAIN, computed_in
from graphs.review.prose.said import statistic
from graphs.review.syntax import assigned, calls, keywords, name_of, names, parsed, trees

_WRITES = frozenset({"title", "set_title", "suptitle", "annotate", "text", "set_text", "bar_label", "figtext"})
_DRAWS = frozenset({"bar", "barh", "plot", "pie", "line", "barplot", "lineplot", "pointplot", "step", "fill_between"})
_NAMED = frozenset({"title", "suptitle", "subtitle", "title_text"})


def written(work: Work) -> Iterator[tuple[Execution, str]]:
    """What is written on charts, by cell: as their artists had it when they were shown, and as the code spells it.

    Of a notebook from elsewhere only the code is known.
    """
    for cell, tree in trees(work):
        texts = [*(t for figure in _figures(cell) for t in _texts_on(figure)), *_spelt_in(tree)]
        yield from ((cell, text) for text in dict.fromkeys(texts) if text)


def aggregated(title: str, code: str) -> Iterator[str]:
    """That a title tells totals and its cell draws means, or medians, or the one of these in place of the other."""
    told, tree = statistic(title), parsed(code)
    draws = [c for c in calls(tree) if name_of(c) in _DRAWS] if tree is not None else []
    drawn: list[ast.AST] = [part for c in draws for part in (c.func, *c.args)]
    used = {name for part in drawn for name in names(part)}
    drawn += [value for made, value in assigned(tree) if made & used] if tree is not None else []
    texts = [ast.unparse(part) for part in drawn]
    made = {op for text in texts for op in computed_in(text)} & {*PLAIN}
    named = any(statistic(word.replace("_", " ")) == told for text in texts for word in re.findall(r"\w+_\w+", text))
    if told in (("sum",), ("mean",), ("median",)) and made and made <= {"mean", "median"} - {*told} and not named:
        yield f"the cell draws the {' or '.join(sorted(made))}, not the {told[0]}"


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
