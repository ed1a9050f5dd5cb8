"""What a command says on stderr while it prints nothing: after two seconds of silence, what goes on.

A thread of its own says it, since imports and files hold the event loop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.text import Text

    from artifacts.events import Progressed

PATIENCE = 2.0
"""Seconds of silence that are too many. What goes on for long is said again after five times as long, and so on."""

MOVES = 5.0
"""Seconds after which what says how far it has come is said again, where it has come further."""

NOTE = 60
"""Characters of what was put out last that are said with it."""

_spoken = 0.0  # when something was printed last
_shown: Now | None = None  # what is told of; None where something else tells it


class Now:
    """What goes on at this moment, for how long, and what was used; rendered anew each time, so the seconds run."""

    def __init__(self, what: str = "starting") -> None:
        self.used = ""
        self.begin(what)

    def begin(self, what: str) -> None:
        """Go over to `what`, which is put out as it is."""
        self.what = what
        self._note, self._since, self._written, self._told, self._again = "", time.monotonic(), 0, 0.0, 0.0

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._since

    def note(self, text: str) -> None:
        if text:
            self._note = text

    def far(self, event: Progressed) -> None:
        """How far the cell, or the step, has come."""
        from gristmill.terminal.words import one_line

        self._again = min(self._again, self._told + MOVES)
        self._note = f"{one_line(event.what)}: {event.done:,} of {event.of:,} {one_line(event.unit)}"

    def writing(self, agent: str, characters: int) -> None:
        self._written += characters
        self._note = f"{agent} is writing, {self._written:,} characters"

    def due(self) -> str:
        """What is to be said now, after a silence; empty where it was said already."""
        if self.elapsed < self._again:
            return ""
        waited = f"  {self.elapsed:.0f} s" if self._again else ""
        self._told, self._again = self.elapsed, 5 * max(PATIENCE, self.elapsed)
        return f"{self.what}  {self._note[:NOTE]}".rstrip() + waited

    def __rich__(self) -> Text:
        from rich.text import Text

        from gristmill.terminal.words import seconds

        elapsed = self.elapsed
        told = Text(self.what, no_wrap=True, overflow="ellipsis")
        if elapsed >= 1:
            told += Text(f"  {seconds(elapsed) if elapsed >= 9.95 else f'{int(elapsed)} s'}", style="dim")
        for more in filter(None, (self._note, self.used)):
            told += Text(f"  {more}", style="dim")
        return told


def spoke() -> None:
    """Something was printed: the silence begins anew."""
    global _spoken
    _spoken = time.monotonic()


def doing(what: str) -> None:
    """Say what goes on from now on."""
    if _shown is not None:
        _shown.begin(what)


def note(text: str) -> None:
    """Say how far it has come."""
    if _shown is not None:
        _shown.note(text)


def far(event: Progressed) -> None:
    """Say how far it has come, as an event tells it."""
    if _shown is not None:
        _shown.far(event)


@contextmanager
def showing(now: Now | None) -> Iterator[None]:
    """Within this block `now` is what goes on; with None something else tells of it, as a line that moves does."""
    global _shown
    before, _shown = _shown, now if _shown is not None else None
    try:
        yield
    finally:
        _shown = before


def hush() -> None:
    """Say nothing more: what follows is told by itself, or waits for somebody."""
    global _shown
    _shown = None


@contextmanager
def telling(aloud: bool) -> Iterator[None]:
    """Break long silences within this block, which is a whole command; nothing is said where it is not `aloud`."""
    global _shown
    if not aloud:
        yield
        return
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(0.1):
            now = _shown  # which may be another, or nothing, at any moment
            if now is not None and time.monotonic() - _spoken > PATIENCE and (line := now.due()):
                click.echo(f"... {line}", err=True)
                spoke()

    _shown = Now()
    spoke()
    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
        _shown = None
