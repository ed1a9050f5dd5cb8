"""What figures say, as their artists had it when they were shown: texts to be read, and values by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from artifacts.types import FIGURE_MIME, Execution
from graphs.review.claims import Known
from graphs.review.mentions import YEAR, Tables, levels


def figures_of(cell: Execution) -> list[dict[str, Any]]:
    """The figures that a cell showed; those that are not well formed are left out: any code may display anything."""
    told = [o.data.get(FIGURE_MIME) for o in cell.outputs]
    return [t for t in told if isinstance(t, dict) and all(isinstance(a, dict) for a in _list(t.get("axes")))]


def texts_on(figure: dict[str, Any]) -> Iterator[str]:
    """The titles and the annotations of a figure, as a reader sees them."""
    yield str(figure.get("title") or "")
    for axes in _list(figure.get("axes")):
        yield str(axes.get("title") or "")
        yield from map(str, _list(axes.get("texts")))


def drawn_numbers(figure: dict[str, Any]) -> list[float]:
    """The values that are drawn."""
    return [value for _, _, value in _values(figure)]


def of_figures(cell: Execution, tables: Tables) -> Iterator[Known]:
    """The values that a cell drew, each with the values of columns that name its bar or its place on a line."""
    of: dict[str, list[str]] = {}
    for column, value in levels(tables):
        of.setdefault(value, []).append(column)
    for place, figure in enumerate(figures_of(cell)):
        for series, name, drawn in _values(figure):
            year = [(YEAR, name)] if re.fullmatch(r"(?:19|20)\d\d", name) else []
            if labels := frozenset([*year, *((c, name) for c in of.get(name, ()))]):
                yield Known(labels, f"{cell.cell} figure {place} {series}", drawn)


def _values(figure: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    for i, axes in enumerate(_list(figure.get("axes"))):
        for kind in ("bars", "lines"):
            for j, series in enumerate(_list(axes.get(kind))):
                for pair in _list(series.get("values")) if isinstance(series, dict) else ():
                    if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], (int, float)):
                        yield f"{i} {kind} {j}", str(pair[0]), float(pair[1])


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
