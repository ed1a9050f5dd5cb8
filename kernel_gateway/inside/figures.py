"""What a figure's artists say: titles, labels, series with their extremes. For a reader who cannot see the picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

MIME = "application/vnd.gristmill.figure+json"
"""The type under which a figure tells it, beside its picture, to a client that asks for what a notebook keeps."""

_AXES, _SERIES, _BARS, _TEXTS, _LONGEST = 8, 12, 24, 12, 160


def told(figure: Any) -> dict[str, Any] | None:
    """`{"title", "axes": [{"title", "x", "y", "legend", "series", "texts"}]}`, less what is empty; None of no axes.

    A series has its kind, its label, how many points it has, and the least and the greatest of each direction; of at
    most 24 bars each value.
    """
    axes = [_axes(one) for one in figure.axes[:_AXES] if one.get_visible()]
    title = figure.get_suptitle()
    return _without_empty({"title": _text(title), "axes": axes}) if axes else None


def _axes(axes: Any) -> dict[str, Any]:
    legend = axes.get_legend()
    names = [_text(t.get_text()) for t in legend.get_texts()[:_SERIES]] if legend is not None else []
    texts = [_text(t.get_text()) for t in axes.texts if t.get_visible()]
    scales = {f"{side}_scale": scale for side in "xy" if (scale := getattr(axes, f"get_{side}scale")()) != "linear"}
    series = list(_series(axes))
    said = {
        "title": _text(axes.get_title() or axes.get_title("left") or axes.get_title("right")),
        "x": _text(axes.get_xlabel()),
        "y": _text(axes.get_ylabel()),
        "legend": names,
        "series": series[:_SERIES],
        "more_series": max(0, len(series) - _SERIES),
        "texts": [t for t in texts if t][:_TEXTS],
    }
    return _without_empty(said | scales)


def _series(axes: Any) -> Iterator[dict[str, Any]]:
    for held in axes.containers:
        if type(held).__name__ == "BarContainer" and len(held.patches):
            yield _bars(axes, held)
    for line in axes.get_lines():
        if line.get_visible() and len(line.get_xdata(orig=False)) > 1:
            yield _cloud("line", line.get_label(), line.get_xdata(orig=False), line.get_ydata(orig=False))
    for held in axes.collections:
        if type(held).__name__ == "PathCollection" and held.get_visible() and len(held.get_offsets()):
            points = held.get_offsets().tolist()  # a missing one is None then, and a masked number warns of itself
            yield _cloud("points", held.get_label(), [p[0] for p in points], [p[1] for p in points])
    for image in axes.images:
        values = image.get_array()
        shape = " x ".join(map(str, values.shape))
        yield {"kind": "image", "size": shape} | _extremes("values", values.ravel())


def _bars(axes: Any, held: Any) -> dict[str, Any]:
    upright = held.orientation != "horizontal"
    values = [_number(p.get_height() if upright else p.get_width()) for p in held.patches]
    places = [(p.get_x() + p.get_width() / 2) if upright else (p.get_y() + p.get_height() / 2) for p in held.patches]
    names = {round(float(at), 6): _text(t) for at, t in _ticks(axes.xaxis if upright else axes.yaxis)}
    said = _without_empty({"kind": "bars", "label": _label(held.get_label()), "n": len(values)})
    if len(values) > _BARS:
        return said | _extremes("values", values)
    labels = [names.get(round(float(at), 6)) or _number(at) for at in places]
    return said | {"values": [[label, value] for label, value in zip(labels, values, strict=True)]}


def _ticks(axis: Any) -> Iterable[tuple[float, str]]:
    return zip(axis.get_ticklocs(), [t.get_text() for t in axis.get_ticklabels()], strict=False)


def _cloud(kind: str, label: Any, x: Any, y: Any) -> dict[str, Any]:
    said = _without_empty({"kind": kind, "label": _label(label), "n": len(x)})
    said |= _extremes("x", x) | _extremes("y", y)
    if kind == "line" and len(y):
        said |= {"first": _number(y[0]), "last": _number(y[-1])}
    return said


def _extremes(name: str, values: Any) -> dict[str, Any]:
    known = [v for v in (_number(v) for v in values) if isinstance(v, float | int)]
    return {name: [min(known), max(known)]} if known else {}


def _number(value: Any) -> Any:
    """A number to six digits; None where it is none or not finite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return float(f"{number:.6g}") if number - number == 0 else None


def _label(label: Any) -> str:
    text = _text(label)
    return "" if text.startswith("_") else text


def _text(text: Any) -> str:
    plain = " ".join(str(text or "").split())
    return plain if len(plain) <= _LONGEST else plain[:_LONGEST] + "…"


def _without_empty(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value not in ("", [], None, 0, {})}
