"""What figures say, as their artists had it when they were shown: texts to be read, and values by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from artifacts.types import Execution
from graphs.review.claims import Known
from graphs.review.mentions import YEAR, Tables, levels


def figures_of(cell: Execution) -> list[dict[str, Any]]:
    """The figures that a cell showed (see `kernel_gateway.inside.figures.told`)."""
    return [o.figure for o in cell.outputs if o.figure]


def texts_on(figure: dict[str, Any]) -> Iterator[str]:
    """The titles and the annotations of a figure, as a reader sees them."""
    yield str(figure.get("title") or "")
    for axes in _dicts(figure.get("axes")):
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
    """The series, the name and the value of each bar and of each end of a line."""
    for i, axes in enumerate(_dicts(figure.get("axes"))):
        for j, series in enumerate(_dicts(axes.get("series"))):
            pairs = _list(series.get("values")) if series.get("kind") == "bars" else []
            ends = _list(series.get("x")) if series.get("kind") == "line" else []
            pairs += [list(p) for p in zip(ends, (series.get("first"), series.get("last")), strict=False)]
            for pair in pairs:
                if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], (int, float)):
                    whole = isinstance(pair[0], float) and pair[0].is_integer()
                    yield f"{i} {j}", str(int(pair[0]) if whole else pair[0]), float(pair[1])


def _dicts(value: object) -> list[dict[str, Any]]:
    return [v for v in _list(value) if isinstance(v, dict)]


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []
