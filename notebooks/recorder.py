"""Turns a running cell's stream into recorded outputs: in order, in batches, up to a bound, and saying what it left."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from artifacts.types import ANSWER_MIME, FINDING_MIME, PROGRESS_MIME, Output
from kernel_gateway.inside.notebook import MIME
from notebooks.outputs import clean

if TYPE_CHECKING:
    from e2b_code_interpreter import ExecutionError, OutputMessage, Result

FLUSH_SECONDS = 0.05
FLUSH_CHARS = 64_000
TEXT_CAP = 1_000_000
"""Characters of stdout and stderr that are recorded of one cell."""
CLEARED_CAP = 20_000_000
"""The same, with what the cell has taken back."""
RESULT_CAP = 500
"""Displays that are recorded of one cell."""
BACKLOG = 16
"""Displays that may wait for the record before the stream is made to wait for them."""


class Sink(Protocol):
    """Where a recorder hands on what a cell puts out: one call at a time, in order."""

    async def output(self, output: Output) -> None: ...

    async def result(self, result: Result) -> None: ...

    async def update(self, display_id: str, result: Result) -> None: ...

    async def clear(self) -> None: ...

    async def failed(self) -> None:
        """The error that the cell ends with was shown here."""
        ...

    async def settle(self) -> None:
        """Wait until what was handed on is safe: before each batch, so that no more than one is on its way."""
        ...


@dataclass
class _Text:
    kind: str
    text: str


@dataclass
class _Update:
    display_id: str
    result: Result


class _Clear:
    pass


class _Failed:
    pass


class Recorder:
    """Collects one cell's stream and hands it on to a `Sink`.

    The first piece of text goes out at once, so that somebody who watches sees it; what follows is gathered for 50 ms
    or 64,000 characters, so that a chatty cell does not make a thousand events. A display that is replaced or taken
    back in that time is not handed on. `verdict` is what the sandbox says of the cell's end beside its outputs,
    `frames` the pieces of its traceback, `widgets` the state of each widget that it told of, `left` what the sandbox
    says of its files and its language when the cell is over.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.verdict: dict[str, Any] = {}
        self.frames: tuple[str, ...] = ()
        self.widgets: dict[str, dict[str, Any]] = {}
        self.left: dict[str, Any] = {}
        self._pending: list[_Text | _Update | _Clear | _Failed | Result] = []
        self._clear_next = False
        self._chars = 0
        self._kept = self._kept_in_all = 0
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

    async def error(self, error: ExecutionError) -> None:
        """Callback for the SDK."""
        self._clear_if_due()
        self._pending.append(_Failed())
        self._wake.set()

    async def result(self, result: Result) -> None:
        """Callback for the SDK. Waits while many displays are unrecorded, which holds the sandbox's stream back."""
        told = (result.extra or {}).get(MIME)
        told = told if isinstance(told, dict) else {}
        if "clear" in told:
            self._clear_next = bool(told["clear"])
            if not self._clear_next:
                self._clear()
        elif "comm" in told:
            self._widget(told["comm"])
        elif "update" in told:
            self._update(str(told["update"]), result)
        elif isinstance(frames := told.get("traceback"), list):
            self.frames = tuple(clean(str(frame)) for frame in frames)
        elif told.keys() & {"status", "died"}:
            self.verdict = told
        elif "files" in told:
            self.left = told
        else:
            self._clear_if_due()
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
                await self._sink.output(
                    Output(kind="stdout" if kind == "stdout" else "stderr", text=text, truncated=dropped)
                )
        if self._results_dropped:
            text = f"[{self._results_dropped:,} more displays were not recorded: a cell may show {RESULT_CAP}]\n"
            await self._sink.output(Output(kind="stderr", text=text, truncated=self._results_dropped))

    def abandon(self) -> None:
        """Stop without recording what is waiting."""
        self._task.cancel()

    async def _text(self, kind: str, line: str) -> None:
        self._clear_if_due()
        kept = line[: max(0, min(TEXT_CAP - self._kept, CLEARED_CAP - self._kept_in_all))]
        self._kept += len(kept)
        self._kept_in_all += len(kept)
        self._dropped[kind] += len(line) - len(kept)
        if not kept:
            return
        self._add_text(kind, kept)
        self._chars += len(kept)
        self._wake.set()
        if self._chars >= FLUSH_CHARS:
            self._urgent.set()
            self._room.clear()
            await self._until_room()

    def _clear_if_due(self) -> None:
        if self._clear_next:
            self._clear_next = False
            self._clear()

    def _clear(self) -> None:
        """Take back what the cell has put out, but not its findings, nor what it replaced in other cells.

        Text that waits is handed on before, as one piece: it was printed, and somebody may be listening.
        """
        waiting, self._pending = self._pending, []
        for item in waiting:
            if isinstance(item, _Text):
                self._add_text(item.kind, item.text)
            elif isinstance(item, _Update) or _is_more_than_shown(item):
                self._pending.append(item)
        self._pending.append(_Clear())
        self._kept = self._results = self._results_dropped = 0
        self._dropped = dict.fromkeys(self._dropped, 0)

    def _add_text(self, kind: str, text: str) -> None:
        last = self._pending[-1] if self._pending else None
        if isinstance(last, _Text) and last.kind == kind:
            last.text += text
        else:
            self._pending.append(_Text(kind, text))

    def _update(self, display_id: str, result: Result) -> None:
        for item in self._pending:
            if isinstance(item, _Update) and item.display_id == display_id:
                self._pending.remove(item)
                break
        self._pending.append(_Update(display_id, result))

    def _widget(self, comm: Any) -> None:
        if isinstance(comm, dict) and isinstance(comm.get("state"), dict):
            self.widgets.setdefault(str(comm.get("id")), {}).update(comm["state"])

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
                await self._sink.settle()
            batch, self._pending, self._chars = self._pending, [], 0
            for item in batch:
                await self._hand_on(item)
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

    async def _hand_on(self, item: _Text | _Update | _Clear | _Failed | Result) -> None:
        match item:
            case _Text(kind=kind, text=text):
                await self._sink.output(Output(kind="stdout" if kind == "stdout" else "stderr", text=clean(text)))
            case _Update():
                await self._sink.update(item.display_id, item.result)
            case _Clear():
                await self._sink.clear()
            case _Failed():
                await self._sink.failed()
            case _:
                await self._sink.result(item)


def _is_more_than_shown(item: object) -> bool:
    """Whether this is a result that tells of a finding, an answer or progress, which nothing takes back."""
    extra = getattr(item, "extra", None) or {}
    return any(mime in extra for mime in (FINDING_MIME, ANSWER_MIME, PROGRESS_MIME))
