"""The lines that a person types: at a terminal, while other things are printed above, or one by one from a pipe."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from artifacts.threads import in_own_thread


class Interrupted(Exception):
    """Ctrl-C; `empty` says that nothing was typed in the line."""

    def __init__(self, empty: bool) -> None:
        super().__init__()
        self.empty = empty


class Lines(Protocol):
    """Where lines come from. `attended`: a person types them and sees what is printed."""

    attended: bool

    async def next(self) -> str | None:
        """The next line, without its end; None after the last."""
        ...

    def write(self, text: str) -> None:
        """Put text into the line, for the person to edit."""
        ...


class Piped:
    """The lines of a file or a pipe."""

    attended = False

    async def next(self) -> str | None:
        line = await in_own_thread(sys.stdin.readline)
        return line.rstrip("\n") if line else None

    def write(self, text: str) -> None:
        return None


class Typed:
    """Lines typed at a terminal: `above` is what stands over the line, and `below` what under it, both as they are."""

    attended = True

    def __init__(self, above: Callable[[], str], below: Callable[[], str]) -> None:
        from prompt_toolkit import PromptSession

        self._around: Callable[[], tuple[str, str]] = lambda: (above(), below())
        from prompt_toolkit.styles import Style

        self._session: PromptSession[str] = PromptSession(
            lambda: [("class:above", above()), ("", "> ")],
            bottom_toolbar=lambda: [("", below())],
            style=Style.from_dict({"bottom-toolbar": "noreverse #888888", "above": "#888888"}),
        )

    def write(self, text: str) -> None:
        self._session.default_buffer.text = text
        self._session.default_buffer.cursor_position = len(text)

    async def next(self) -> str | None:
        """As above. Raises Interrupted for Ctrl-C."""
        watching = asyncio.create_task(self._redrawn())
        try:
            return await self._session.prompt_async()
        except EOFError:
            return None
        except KeyboardInterrupt:
            raise Interrupted(not self._session.default_buffer.text) from None
        finally:
            watching.cancel()

    async def _redrawn(self) -> None:
        """Draw the line again when what stands around it has changed, and not while nothing happens."""
        shown = self._around()
        while True:
            await asyncio.sleep(_LOOKS)
            if shown != (shown := self._around()):
                self._session.app.invalidate()


_LOOKS = 0.25
"""Seconds between two looks at what stands around the line that is typed."""


@contextmanager
def lines(above: Callable[[], str], below: Callable[[], str]) -> Iterator[Lines]:
    """Where lines come from here. Within this block what is printed at a terminal appears above the line."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Piped()
        return
    from prompt_toolkit.patch_stdout import patch_stdout

    with patch_stdout(raw=True):
        yield Typed(above, below)
