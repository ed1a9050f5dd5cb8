"""Watching begins and ends, and goes along with the cells that run."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

from notebooks.observer.charts import _open_figures, _watch_charts
from notebooks.observer.learning import _watch_learning
from notebooks.observer.models import _watch_corrections, _watch_models
from notebooks.observer.samples import _watch_tests
from notebooks.observer.seen import _MOST_RECORDS, _Watch
from notebooks.observer.tables import _watch_pandas

_watch: _Watch | None = None
_FAMILIES: tuple[tuple[str, str, Callable[[_Watch, Any], None]], ...] = (
    ("pandas", "pandas", _watch_pandas),
    ("scipy.stats", "scipy stats", _watch_tests),
    ("statsmodels.regression.linear_model", "statsmodels", _watch_models),
    ("statsmodels.discrete.discrete_model", "", _watch_models),
    ("statsmodels.genmod.generalized_linear_model", "", _watch_models),
    ("statsmodels.stats.multitest", "statsmodels multitest", _watch_corrections),
    ("statsmodels.stats.multicomp", "statsmodels multicomp", _watch_corrections),
    ("scipy.stats", "scipy stats", _watch_corrections),
    ("pingouin", "", _watch_corrections),
    ("sklearn.base", "sklearn", _watch_learning),
    ("matplotlib.figure", "matplotlib", _watch_charts),
)


def start(shell: Any) -> bool:
    """Watch the cells that this IPython shell runs from now on; False where that cannot be done."""
    global _watch
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is None or _watch is not None:
        return False
    free = [n for n in (4, 3) if monitoring.get_tool(n) is None]
    if not free:
        return False
    _watch = _Watch(shell)
    _watch.tool = free[0]
    monitoring.use_tool_id(free[0], "gristmill observer")
    monitoring.register_callback(free[0], monitoring.events.PY_START, _started)
    monitoring.register_callback(free[0], monitoring.events.PY_RETURN, _returned)
    shell.events.register("pre_run_cell", _before_cell)
    shell.events.register("post_run_cell", _after_cell)
    return True


def told(*, going_on: bool = False) -> dict[str, Any]:
    """The cells that ran (as digests of their code) and what was seen in each; watching ends, unless it goes on."""
    global _watch
    if _watch is None:
        return {"cells": [], "records": [], "lost": 0}
    seen = _watch
    if not going_on:
        _watch = None
        _end(seen)
    records = [*seen.records, *seen.drawn.values()]
    return {"cells": seen.cells, "records": records[: 2 * _MOST_RECORDS], "lost": seen.lost}


def _end(seen: _Watch) -> None:
    monitoring: Any = sys.monitoring
    seen.shell.events.unregister("pre_run_cell", _before_cell)
    seen.shell.events.unregister("post_run_cell", _after_cell)
    for code in {*seen.on_return, *seen.on_start}:
        monitoring.set_local_events(seen.tool, code, 0)
    monitoring.free_tool_id(seen.tool)


def digest(code: str) -> str:
    """The name of a cell in `told`: a digest of its code."""
    return hashlib.sha256(code.strip().encode()).hexdigest()[:16]


def _before_cell(info: Any) -> None:
    if _watch is not None:
        _watch.cells.append(digest(info.raw_cell))
        _guarded(_watch, _look_for, _watch, info.raw_cell)


def _after_cell(result: Any) -> None:
    if _watch is not None:
        _guarded(_watch, _look_for, _watch, "")
        _guarded(_watch, _open_figures, _watch)


def _guarded(watch: _Watch, what: Callable[..., None], *args: Any) -> None:
    """Look at something, without being called back by what the looking itself calls."""
    if getattr(watch.busy, "now", False):
        return
    watch.busy.now = True
    try:
        what(*args)
    except Exception:  # noqa: BLE001 (an exception here would be raised in the middle of the user's code)
        watch.lost += 1
    finally:
        watch.busy.now = False


def _started(code: CodeType, offset: int) -> None:
    if _watch is not None:
        for look in _watch.on_start.get(code, ()):
            _guarded(_watch, look, sys._getframe(1))


def _returned(code: CodeType, offset: int, value: object) -> None:
    if _watch is not None:
        for look in _watch.on_return.get(code, ()):
            _guarded(_watch, look, sys._getframe(1), value)


def _look_for(watch: _Watch, code: str) -> None:
    """Watch the functions of libraries that are loaded, or that this cell is about to import."""
    for name, words, watching in _FAMILIES:
        if (name, watching) in watch.known:
            continue
        if name not in sys.modules and not (words and all(re.search(rf"\b{w}\b", code) for w in words.split())):
            continue
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        watch.known.add((name, watching))
        watching(watch, module)
