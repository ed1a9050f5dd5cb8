"""What is being watched and what was seen so far, and how functions of libraries call back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

from notebooks.observer.rows import _MOST_ROWS, _Fit, _Learnt, _Rows

_MOST_RECORDS = 300


class _Watch:
    """What is being watched, and what was seen so far."""

    def __init__(self, shell: Any) -> None:
        self.shell, self.tool = shell, -1
        self.cells: list[str] = []
        self.records: list[dict[str, Any]] = []
        self.lost = 0
        self.on_return: dict[CodeType, list[Callable[[FrameType, Any], None]]] = {}
        self.on_start: dict[CodeType, list[Callable[[FrameType], None]]] = {}
        self.known: set[tuple[str, Callable[..., None]]] = set()
        self.busy = threading.local()
        self.drawn: dict[tuple[int, int], dict[str, Any]] = {}
        self.fits: dict[int, _Fit] = {}
        self.learnt: list[_Learnt] = []
        self.held: list[_Rows] = []
        self.several: dict[str, int] = {}
        self.samples: dict[int, list[Any]] = {}

    def add(self, kind: str, frame: FrameType | None, **facts: Any) -> None:
        """Keep one fact, with the cell and the user's line that it belongs to."""
        if len(self.records) >= _MOST_RECORDS:
            self.lost += 1
            return
        line = next((f.f_lineno for f in self.users(frame)), 0)
        self.records.append({"kind": kind, "cell": len(self.cells) - 1, "line": line, **facts})

    def users(self, frame: FrameType | None) -> Iterator[FrameType]:
        """The frames of the notebook's own code above a frame, the nearest first."""
        while frame is not None:
            if frame.f_globals is self.shell.user_ns:
                yield frame
            frame = frame.f_back

    def nested(self, frame: FrameType, codes: set[CodeType]) -> bool:
        """Whether one of these functions called a frame, on the way from the notebook's own code."""
        above = frame.f_back
        while above is not None and above.f_globals is not self.shell.user_ns:
            if above.f_code in codes:
                return True
            above = above.f_back
        return above is None

    def frames(self, frame: FrameType) -> list[Any]:
        """The tables that the notebook's variables hold just now, those with few rows first."""
        table = sys.modules["pandas"].DataFrame
        found: dict[int, Any] = {}
        for user in self.users(frame):
            for value in [*user.f_locals.values()]:
                if isinstance(value, table) and 0 < len(value) <= _MOST_ROWS and value.columns.is_unique:
                    found[id(value)] = value
        for value in [*self.shell.user_ns.values()]:
            if isinstance(value, table) and 0 < len(value) <= _MOST_ROWS and value.columns.is_unique:
                found[id(value)] = value
        return sorted(found.values(), key=len)


def _code(function: Any) -> CodeType | None:
    found = getattr(function, "__code__", None)
    return found if isinstance(found, CodeType) else None


def _at_return(watch: _Watch, function: Any, look: Callable[[FrameType, Any], None]) -> CodeType | None:
    code = _code(function)
    if code is not None:
        if look not in (known := watch.on_return.setdefault(code, [])):
            known.append(look)
        _set_events(watch, code)
    return code


def _at_start(watch: _Watch, function: Any, look: Callable[[FrameType], None]) -> None:
    code = _code(function)
    if code is not None:
        if look not in (known := watch.on_start.setdefault(code, [])):
            known.append(look)
        _set_events(watch, code)


def _set_events(watch: _Watch, code: CodeType) -> None:
    monitoring: Any = sys.monitoring
    events = monitoring.events.PY_RETURN if code in watch.on_return else 0
    events |= monitoring.events.PY_START if code in watch.on_start else 0
    monitoring.set_local_events(watch.tool, code, events)
