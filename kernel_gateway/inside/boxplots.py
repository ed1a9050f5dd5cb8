"""Box plots as data, in the shape of E2B's charts: each box with its whiskers, quartiles, median and outliers.

matplotlib draws every box plot by `Axes.bxp`, which is given the statistics: `Axes.boxplot`, pandas and seaborn call it
as well. They are kept beside what is drawn, since lines and patches alone do not tell a whisker from a cap.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from types import ModuleType
from typing import Any

_KEPT = "_gristmill_boxes"
_UNIT = re.compile(r"\s\((.*?)\)|\[(.*?)\]")  # as E2B's own charts find units


def keep_statistics(module: ModuleType) -> None:
    """Have `matplotlib.axes` keep the statistics of the box plots that it draws."""
    axes: Any = module
    original = axes.Axes.bxp

    @functools.wraps(original)
    def bxp(self: Any, bxpstats: Any, *args: Any, **kwargs: Any) -> Any:
        statistics = list(bxpstats)
        drawn = original(self, statistics, *args, **kwargs)
        kept: list[Any] = self.__dict__.setdefault(_KEPT, [])
        kept.append((statistics, drawn))
        return drawn

    axes.Axes.bxp = bxp


def box_chart(axes: Any) -> dict[str, Any] | None:
    """The box plots of `axes` as one chart, in the order of their places; None where it shows none."""
    found = [box for statistics, drawn in getattr(axes, _KEPT, ()) for box in _boxes(axes, statistics, drawn)]
    if not found:
        return None
    horizontal = found[0]["horizontal"]
    ticks = _ticks(axes.yaxis if horizontal else axes.xaxis)
    series = {box["series"] for box in found}
    elements = []
    for box in sorted(found, key=lambda box: box["place"]):
        name = _label(ticks, box["place"], box["label"])
        label = f"{name}, {box['series']}" if box["series"] and len(series) > 1 else name
        elements.append({"label": label, **box["values"]})
    x_label, y_label = axes.get_xlabel() or None, axes.get_ylabel() or None
    if horizontal:  # as E2B has it, y is what is measured, however it is drawn
        x_label, y_label = y_label, x_label
    return {
        "type": "box_and_whisker",
        "title": axes.get_title() or None,
        "elements": elements,
        "x_label": x_label,
        "y_label": y_label,
        "x_unit": _unit(x_label),
        "y_unit": _unit(y_label),
    }


def _boxes(axes: Any, statistics: list[Any], drawn: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """What is known of the boxes that one call has drawn and that are still there."""
    found = []
    for at, (told, median) in enumerate(zip(statistics, drawn["medians"], strict=True)):
        parts = [median, *drawn["boxes"][at : at + 1]]
        shown = [part for part in parts if part.axes is axes and part in axes.get_children() and part.get_visible()]
        values = _values(told, with_outliers=bool(drawn["fliers"]))
        if not shown or values is None:
            continue
        across = list(median.get_xdata(orig=False)), list(median.get_ydata(orig=False))
        horizontal = math.isclose(across[0][0], across[0][-1]) and not math.isclose(across[1][0], across[1][-1])
        side = across[1] if horizontal else across[0]
        found.append(
            {
                "place": float(side[0] + side[-1]) / 2,
                "horizontal": horizontal,
                "label": str(told.get("label", "")),
                "series": _series(axes, drawn, at),
                "values": values,
            }
        )
    return found


def _values(told: Any, *, with_outliers: bool) -> dict[str, Any] | None:
    """One box's numbers; None for a box of no data."""
    names = {"min": "whislo", "first_quartile": "q1", "median": "med", "third_quartile": "q3", "max": "whishi"}
    values: dict[str, Any] = {name: float(told[key]) for name, key in names.items()}
    if not all(map(math.isfinite, values.values())):
        return None
    outliers = told.get("fliers", ()) if with_outliers else ()
    return {**values, "outliers": sorted(float(one) for one in outliers)}


def _series(axes: Any, drawn: dict[str, list[Any]], at: int) -> str:
    """What a legend calls the box: its own label, or that of the legend's entry of its colour."""
    if at >= len(drawn["boxes"]):
        return ""
    box = drawn["boxes"][at]
    first = drawn["boxes"][0].get_label()  # a label for all boxes of a call is given to the first of them
    for label in (box.get_label(), first):
        if label and not str(label).startswith("_"):
            return str(label)
    legend = axes.get_legend()
    if legend is None or not hasattr(box, "get_facecolor"):
        return ""
    handles = zip(legend.legend_handles, legend.get_texts(), strict=False)
    same = [text.get_text() for handle, text in handles if _colour(handle) == _colour(box)]
    return str(same[0]) if same else ""


def _colour(artist: Any) -> Any:
    return tuple(artist.get_facecolor()) if hasattr(artist, "get_facecolor") else None


def _ticks(axis: Any) -> list[tuple[float, str]]:
    """Where an axis names something, and what."""
    labels = (label.get_text() for label in axis.get_ticklabels())
    return [(float(place), text) for place, text in zip(axis.get_ticklocs(), labels, strict=False) if text]


def _label(ticks: list[tuple[float, str]], place: float, otherwise: str) -> str:
    """What the axis calls a place: the nearest tick's label, which boxes side by side share."""
    if not ticks:
        return otherwise
    gaps = [abs(after - before) for (before, _), (after, _) in itertools.pairwise(ticks)]
    nearest, text = min(ticks, key=lambda tick: abs(tick[0] - place))
    return text if abs(nearest - place) <= min(gaps, default=1.0) / 2 else otherwise


def _unit(label: str | None) -> str | None:
    found = _UNIT.search(label or "")
    return (found[1] or found[2]) if found else None
