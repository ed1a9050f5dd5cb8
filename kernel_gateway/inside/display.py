"""What values look like in a sandbox beside their text: tables, containers and figures as data, images when shown.

Everything is set up by name, so that nothing is imported before a cell does it.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

from kernel_gateway.inside.boxplots import box_chart, keep_statistics
from kernel_gateway.inside.figures import MIME as FIGURE
from kernel_gateway.inside.figures import told

_MAX_JSON = 1 << 20  # characters; a bigger list or dict is shown as text only
_MAX_CELLS = 100_000  # rows times columns; a bigger table is shown as text and HTML only
_MAX_POINTS = 20_000  # of all lines and clouds of a figure; a fuller one is shown as a picture only
# What the extractor may raise over a figure that it was not made for: the picture is shown all the same.
_NO_CHART = (ArithmeticError, AttributeError, ImportError, LookupError, RecursionError, TypeError, ValueError)


_extracts = True


@contextlib.contextmanager
def without_extracts(plain: bool) -> Iterator[None]:
    """Within this block, if `plain`, values look as in any Jupyter: no data, no chart, no picture for being saved."""
    global _extracts
    before, _extracts = _extracts, _extracts and not plain
    try:
        yield
    finally:
        _extracts = before


def add_formatters(shell: Any) -> None:
    """Have the IPython `shell` send tables, figures, lists and dicts as data, too, and images that are shown."""
    from IPython.core.formatters import BaseFormatter
    from traitlets import ObjectName, Unicode

    class TableFormatter(BaseFormatter):
        format_type = Unicode("e2b/data")
        print_method = ObjectName("_repr_e2b_data_")
        _return_type = dict

    class ChartFormatter(BaseFormatter):
        format_type = Unicode("e2b/chart")
        print_method = ObjectName("_repr_e2b_chart_")
        _return_type = dict

        def __call__(self, value: Any) -> Any:
            # Not by type: IPython takes figures out of every formatter when it sets up how they are drawn.
            return _chart(value) if _extracts and _is_figure(value) else super().__call__(value)

    class FigureFormatter(BaseFormatter):
        format_type = Unicode(FIGURE)
        print_method = ObjectName("_repr_gristmill_figure_")
        _return_type = dict

        def __call__(self, value: Any) -> Any:
            return _said(value) if not _extracts and _is_figure(value) else None

    formatters = shell.display_formatter.formatters
    tables: Any = TableFormatter(parent=shell.display_formatter)
    for module in ("pandas", "pandas.core.frame"):  # pandas 3 names its classes after the package itself
        tables.for_type_by_name(module, "DataFrame", _table)
    formatters["e2b/data"] = tables
    formatters["e2b/chart"] = ChartFormatter(parent=shell.display_formatter)
    formatters[FIGURE] = FigureFormatter(parent=shell.display_formatter)
    for kind in (dict, list):
        formatters["application/json"].for_type(kind, _container)
    _once_imported("PIL.Image", _show_images)
    _once_imported("matplotlib.axes", keep_statistics)


def _container(value: Any) -> Any:
    """A list or dict as JSON has it; None when it is too large, or holds what JSON cannot."""
    if not _extracts:
        return None
    try:
        text = "" if len(value) > _MAX_JSON // 4 else json.dumps(value, default=_number)
    except (TypeError, ValueError, RecursionError):
        return None
    if not 0 < len(text) <= _MAX_JSON:
        return None
    return json.loads(text, parse_constant=lambda name: None)


def _number(value: Any) -> Any:
    """A number or an array of numpy's as Python's own."""
    if type(value).__module__ != "numpy":
        raise TypeError(f"{type(value).__name__} is not JSON")
    return value.tolist()


def _table(frame: Any) -> Any:
    """A DataFrame by columns, every value as JSON can hold it; None when it is too large to send twice."""
    if not _extracts or frame.size > _MAX_CELLS:
        return None
    return {str(name): column.to_list() for name, column in _columns(frame)}


def _columns(frame: Any) -> Any:
    """The columns of `frame`, dates as ISO text and missing values as None."""
    for at, name in enumerate(frame.columns):
        column = frame.iloc[:, at].astype(object)
        yield name, column.where(column.notna(), None).map(_plain)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return _plain(value.item())
    return str(value)


def _is_figure(value: Any) -> bool:
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


def _chart(figure: Any) -> Any:
    """What a figure shows, as E2B's charts; None for an empty, an overfull, or an unreadable one."""
    try:
        if _points(figure) > _MAX_POINTS:
            return None
        chart = _figure_chart(figure)
        return json.loads(json.dumps(chart, default=_plain), parse_constant=lambda name: None)
    except _NO_CHART:
        return None


def _said(figure: Any) -> Any:
    """What a figure's artists say; None of one that cannot be read, or is overfull."""
    try:
        return None if _points(figure) > _MAX_POINTS else told(figure)
    except _NO_CHART:
        return None


def _figure_chart(figure: Any) -> dict[str, Any] | None:
    """As `e2b_charts` tells it, but for box plots, which it takes for lines, or misses."""
    from e2b_charts import chart_figure_to_chart
    from e2b_charts.main import get_chart_from_ax

    boxes = [box_chart(axes) for axes in figure.axes]
    if not any(boxes):
        chart = chart_figure_to_chart(figure)
        return None if chart is None else dict(chart.model_dump(warnings=False))
    if len(boxes) == 1:
        return boxes[0]
    elements = [
        dict(get_chart_from_ax(axes).model_dump(warnings=False)) if box is None else box
        for axes, box in zip(figure.axes, boxes, strict=True)
        if axes.get_visible()
    ]
    return {"type": "superchart", "title": figure.get_suptitle() or None, "elements": elements}


def _points(figure: Any) -> int:
    lines = sum(len(line.get_xdata(orig=False)) for axes in figure.axes for line in axes.get_lines())
    clouds = sum(len(cloud.get_offsets()) for axes in figure.axes for cloud in axes.collections)
    return lines + clouds + sum(len(axes.patches) for axes in figure.axes)


def _show_images(module: ModuleType) -> None:
    """Have images that a cell shows, or saves under a name, appear among its results."""
    from IPython.core import display_functions

    display: Any = display_functions.display

    image: Any = module
    original = image.Image.save

    def show(self: Any, title: str | None = None) -> None:
        display(self)

    def save(self: Any, fp: Any, format: str | None = None, **params: Any) -> None:
        original(self, fp, format, **params)
        if _extracts and isinstance(fp, str) and sys._getframe(1).f_globals.get("__name__") == "__main__":
            display(self)

    show.__doc__, save.__doc__ = image.Image.show.__doc__, original.__doc__
    image.Image.show, image.Image.save = show, save


class _AfterImport(importlib.abc.MetaPathFinder):
    """Finds one module as the others would, and has `done` called with it when it has been imported."""

    def __init__(self, name: str, done: Callable[[ModuleType], None]) -> None:
        self._name, self._done = name, done

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                self._done(module)

            loader.exec_module = exec_module
        return spec


def _once_imported(name: str, done: Callable[[ModuleType], None]) -> None:
    if name in sys.modules:
        done(sys.modules[name])
    else:
        sys.meta_path.insert(0, _AfterImport(name, done))
