"""Charts: the axes of bars, as drawn."""

from __future__ import annotations

import inspect
import itertools
import sys
from types import FrameType
from typing import Any

from notebooks.observer.seen import _at_start, _Watch


def _watch_charts(watch: _Watch, module: Any) -> None:
    def drawn(frame: FrameType) -> None:
        _figure(watch, frame.f_locals["self"])

    _at_start(watch, inspect.unwrap(module.Figure.draw), drawn)


def _open_figures(watch: _Watch) -> None:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    for manager in [*helpers.Gcf.figs.values()] if helpers is not None else ():
        _figure(watch, manager.canvas.figure)


def _figure(watch: _Watch, figure: Any) -> None:
    cell = len(watch.cells) - 1
    for place, axes in enumerate(figure.axes[:20]):
        bars = [b for b in axes.containers if type(b).__name__ == "BarContainer" and len(b.patches)]
        for held in bars[:10]:
            upright = held.orientation != "horizontal"
            patches = held.patches[:200]
            starts = [float(p.get_y() if upright else p.get_x()) for p in patches]
            sides = [(p.get_x(), p.get_width()) if upright else (p.get_y(), p.get_height()) for p in patches]
            near = itertools.pairwise(sides)
            touching = len(sides) > 2 and all(abs(a + w - b) < 1e-6 * (abs(w) or 1) for (a, w), (b, _) in near)
            low, high = axes.get_ylim() if upright else axes.get_xlim()
            watch.drawn[(id(figure), place)] = {
                "kind": "bars", "cell": cell, "line": 0, "from_zero": all(abs(s) < 1e-12 for s in starts),
                "histogram": touching, "low": float(min(low, high)), "high": float(max(low, high)),
                "inverted": bool(low > high), "bars": len(patches),
                "scale": str(axes.get_yscale() if upright else axes.get_xscale()),
            }  # fmt: skip
