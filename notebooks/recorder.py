"""Turns a running cell's stream into recorded outputs: in order, in batches, up to a bound, and saying what it left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from artifacts.types import Output
from notebooks.outputs import clean

if TYPE_CHECKING:
    from e2b_code_interpreter import OutputMessage, Result

FLUSH_SECONDS = 0.05
FLUSH_CHARS = 64_000
TEXT_CAP = 1_000_000
"""Characters of stdout and stderr that are recorded of one cell."""
RESULT_CAP = 500
"""Displays that are recorded of one cell."""
BACKLOG = 16
"""Displays that may wait for the record before the stream is made to wait for them."""


@dataclass
class _Text:
    kind: str
    text: str


class Recorder:
    """Collects one cell's stream and hands it on through `on_output` and `on_result`, one at a time and in order.

    The first piece of text goes out at once, so that somebody who watches sees it; what follows is gathered for 50 ms
    or 64,000 characters, so that a chatty cell does not make a thousand events.
    """

    def __init__(
        self,
        on_output: Callable[[Output], Awaitable[None]],
        on_result: Callable[[Result], Awaitable[None]],
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        """`settle` is awaited before each batch but the first, so that no more than one is on its way to the record."""
        self._on_output, self._on_result, self._settle = on_output, on_result, settle
        self._pending: list[_Text | Result] = []
        self._chars = 0
        self._kept = 0
        self._dropped = {"stdout": 0, "stderr": 0}
        self._results = 0
        self._results_dropped = 0
        self._wake, self._urgent, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._room.set()
        self._closing = False
        self._task = asyncio.create_task(self._pump())

    async def stdout(self, message: OutputMessage) -> None:
        """Callback for the SDK."""
        await self._text("stdout", message.line)

    async def stderr(self, message: OutputMessage) -> None:
        """Callback for the SDK."""
        await self._text("stderr", message.line)

    async def result(self, result: Result) -> None:
        """Callback for the SDK. Waits while many displays are unrecorded, which holds the sandbox's stream back."""
        if self._results >= RESULT_CAP:
            self._results_dropped += 1
            return
        self._results += 1
        self._pending.append(result)
        self._wake.set()
        if sum(not isinstance(p, _Text) for p in self._pending) >= BACKLOG:
            self._room.clear()
            self._urgent.set()
        await self._until_room()

    async def close(self) -> None:
        """Record what is still waiting, and say what was left out. Raises what recording raised."""
        self._closing = True
        self._wake.set()
        self._urgent.set()
        await self._task
        for kind in ("stdout", "stderr"):
            if dropped := self._dropped[kind]:
                text = f"\n[{dropped:,} more characters were not recorded: a cell may print {TEXT_CAP:,}]\n"
                await self._on_output(
                    Output(kind="stdout" if kind == "stdout" else "stderr", text=text, truncated=dropped)
                )
        if self._results_dropped:
            text = f"[{self._results_dropped:,} more displays were not recorded: a cell may show {RESULT_CAP}]\n"
            await self._on_output(Output(kind="stderr", text=text, truncated=self._results_dropped))

    def abandon(self) -> None:
        """Stop without recording what is waiting."""
        self._task.cancel()

    async def _text(self, kind: str, line: str) -> None:
        kept = line[: max(0, TEXT_CAP - self._kept)]
        self._kept += len(kept)
        self._dropped[kind] += len(line) - len(kept)
        if not kept:
            return
        last = self._pending[-1] if self._pending else None
        if isinstance(last, _Text) and last.kind == kind:
            last.text += kept
        else:
            self._pending.append(_Text(kind, kept))
        self._chars += len(kept)
        self._wake.set()
        if self._chars >= FLUSH_CHARS:
            self._urgent.set()
            self._room.clear()
            await self._until_room()

    async def _until_room(self) -> None:
        """Wait for the pump to catch up, but not for one that has died: its error comes out of `close`."""
        if self._room.is_set() or self._task.done():
            return
        waiting = asyncio.create_task(self._room.wait())
        try:
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._closing:
                await self._settle()
            batch, self._pending, self._chars = self._pending, [], 0
            for item in batch:
                if isinstance(item, _Text):
                    kind = "stdout" if item.kind == "stdout" else "stderr"
                    await self._on_output(Output(kind=kind, text=clean(item.text)))
                else:
                    await self._on_result(item)
            self._room.set()
            if self._closing and not self._pending:
                return
            try:
                async with asyncio.timeout(FLUSH_SECONDS):
                    await self._urgent.wait()
            except TimeoutError:
                pass
            if not self._closing:
                self._urgent.clear()
