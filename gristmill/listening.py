"""`gristmill.on`: have a function called with events of runs, once they are recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from artifacts import listeners
from artifacts.events import Event

type Listener = Callable[[Any], object]


@overload
def on(kind: str, listener: Listener) -> Callable[[], None]: ...


@overload
def on[F: Listener](kind: str) -> Callable[[F], F]: ...


def on(kind: str, listener: Listener | None = None) -> Any:
    """Have a function called with each event of a kind, such as `task_changed` or `run_ended`; `*` stands for all.

    `gristmill.on("task_changed", f)` returns a function that ends it; `@gristmill.on("task_changed")` marks one. It is
    called in a thread of its own, in the order of the record; what it raises is logged. In a program it hears of the
    runs of that program; in a file of `tools/` of every run of the process that loads it, as `gristmill serve`.
    Raises ValueError for a kind that there is not.
    """
    if listener is not None:
        return listeners.on(kind, listener)

    def mark[F: Listener](given: F) -> F:
        listeners.on(kind, given)
        return given

    return mark


def heard(event: Event) -> None:
    """Tell the listeners here of an event that another process has recorded."""
    listeners.tell([event])
