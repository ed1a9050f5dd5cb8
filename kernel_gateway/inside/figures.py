"""What a matplotlib figure says, as its artists have it: titles, axes, texts, bars by name, lines and their ends."""

from __future__ import annotations

import math
from typing import Any

MIME = "application/vnd.gristmill.figure+json"
_AXES, _SERIES, _PLACES, _TEXTS = 8, 12, 40, 40


def told(figure: Any) -> dict[str, Any]:
    """A figure's title and its axes: `title`, `x`, `y`, `texts`, `bars` and `lines` as series of [name, value], and how
    many points lie in clouds. What is beyond a few dozen is left out."""
    suptitle = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
    return {"title": suptitle or "", "axes": [_axes(a) for a in figure.axes[:_AXES] if a.get_visible()]}


def _axes(axes: Any) -> dict[str, Any]:
    bars = [c for c in axes.containers if type(c).__name__ == "BarContainer"][:_SERIES]
    texts = [t.get_text() for t in axes.texts if t.get_text().strip()]
    found = {
        "title": axes.get_title() or axes.get_title(loc="left") or axes.get_title(loc="right"),
        "x": axes.get_xlabel(),
        "y": axes.get_ylabel(),
        "texts": texts[:_TEXTS],
        "bars": [_bars(axes, held) for held in bars],
        "lines": [_line(axes, line) for line in axes.get_lines()[:_SERIES] if len(line.get_xdata()) > 1],
        "points": sum(len(c.get_offsets()) for c in axes.collections if type(c).__name__ == "PathCollection"),
    }
    return {key: value for key, value in found.items() if value}


def _bars(axes: Any, held: Any) -> dict[str, Any]:
    upright = held.orientation != "horizontal"
    names = _names(axes.xaxis if upright else axes.yaxis)
    pairs = []
    for bar in held.patches[:_PLACES]:
        middle = bar.get_x() + bar.get_width() / 2 if upright else bar.get_y() + bar.get_height() / 2
        near = min(names, key=lambda at: abs(at - middle), default=None)
        inside = near is not None and abs(near - middle) <= (bar.get_width() if upright else bar.get_height()) / 2
        value = bar.get_height() if upright else bar.get_width()
        pairs.append([names[near] if near is not None and inside else _plain(middle), _number(value)])
    return {"name": _label(held), "values": pairs}


def _line(axes: Any, line: Any) -> dict[str, Any]:
    names = _names(axes.xaxis)
    xs, ys = list(line.get_xdata(orig=False)), list(line.get_ydata(orig=False))
    every = [[names.get(float(x), _plain(x)), _number(y)] for x, y in zip(xs, ys, strict=False)]
    known = [y for _, y in every if y is not None]
    shown = every if len(every) <= _PLACES else [every[0], every[-1]]
    ends = {"low": min(known), "high": max(known)} if known else {}
    return {"name": _label(line), "count": len(every), "values": shown, **ends}


def _names(axis: Any) -> dict[float, str]:
    """The names of an axis' ticks by their places; a number at its own place is no name."""
    ticks = [float(at) for at in axis.get_ticklocs()][:200]
    labels = [label.get_text() for label in axis.get_ticklabels()][:200]
    return {at: text for at, text in zip(ticks, labels, strict=False) if text and not _is(text, at)}


def _is(text: str, at: float) -> bool:
    try:
        return abs(float(text.replace("−", "-")) - at) < 1e-9 * max(abs(at), 1)
    except ValueError:
        return False


def _label(artist: Any) -> str:
    label = str(artist.get_label() or "")
    return "" if label.startswith("_") else label


def _plain(value: Any) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() else f"{number:.6g}"


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
