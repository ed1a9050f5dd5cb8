"""What is told to the host of what processes and kernels say: lines, no more of them than a log can hold, no secrets.

Each is a line of JSON behind a mark on the service's standard error. It is written only where that takes no waiting:
nothing in a sandbox is ever held back by its log. What a terminal shows is left out: it is full of what people type.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
from collections.abc import Iterable
from typing import Any

from kernel_gateway.inside.http import Message, Send

MARK = b"\x1e"  # a record separator, as RFC 7464 begins a JSON text with
LEVELS = ("debug", "info", "warn", "error")
_LEVEL = {"stdout": "info", "stderr": "warn"}
_MOST_LINE = 2000  # characters of one entry
_MOST_AT_ONCE = 64 << 10  # bytes of output in one go, and in one second; what is more is counted, not told
_TICK_SECONDS = 1.0  # after which a line that has no end yet is told
_SECRET = 6  # characters; a shorter value cannot be told from ordinary text
_MOST_SECRETS = 1000
_HIDDEN = "***"


class Journal:
    """The journal of this sandbox; `descriptor` is where the host reads."""

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._secrets: dict[str, None] = {}
        self._left, self._dropped = _MOST_AT_ONCE, 0
        self._partial: dict[tuple[str, str, int], str] = {}
        self._cells: list[bytes] = []
        self._tick: asyncio.TimerHandle | None = None

    def hide(self, values: Iterable[str]) -> None:
        """Have these values never appear: what a creator or a caller has put into the environment."""
        for value in values:
            for line in value.splitlines():
                if len(line := line.strip()) >= _SECRET:
                    self._secrets[line] = None
        while len(self._secrets) > _MOST_SECRETS:
            del self._secrets[next(iter(self._secrets))]

    def output(self, source: str, stream: str, data: bytes | str, pid: int = 0) -> None:
        """Tell what a process or a cell wrote to one of its streams, line by line."""
        if not self._may(len(data)):
            return
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        key = source, stream, pid
        *lines, rest = (self._partial.pop(key, "") + text).split("\n")
        for line in lines:
            self._line(key, line)
        if rest:
            self._partial[key] = rest

    def tell(self, source: str, message: str, level: str = "info", pid: int = 0) -> None:
        """Tell of one thing that happened."""
        self.flush()
        self._write({"level": level, "source": source, "message": message, **({"pid": pid} if pid else {})})

    def tap(self, send: Send) -> Send:
        """A way to send an answer of the interpreter's that also tells what the cell puts out."""

        async def tapped(message: Message) -> None:
            body: bytes = message.get("body", b"")
            if (b'"type": "std' in body or b'"type": "error"' in body) and self._may(len(body)):
                self._cells.append(body)
            if self._cells and b'"type": "end_of_execution"' in body:
                self.flush()  # whoever hears of the end may end the sandbox
            await send(message)

        return tapped

    def flush(self) -> None:
        """Tell what is unfinished or not yet looked at."""
        cells, self._cells = self._cells, []
        for body in cells:
            self._read(body)
        partial, self._partial = self._partial, {}
        for key, text in partial.items():
            self._line(key, text)

    def _read(self, body: bytes) -> None:
        for line in body.splitlines():
            if b'"std' not in line and b'"error"' not in line:
                continue
            try:
                told: dict[str, Any] = json.loads(line)
            except ValueError:
                continue
            if told.get("type") in ("stdout", "stderr"):
                key = "cell", str(told["type"]), 0
                *lines, self._partial[key] = (self._partial.pop(key, "") + str(told.get("text"))).split("\n")
                for one in lines:
                    self._line(key, one)
            elif told.get("type") == "error":
                said = f"{told.get('name')}: {told.get('value')}"
                self._write({"level": "error", "source": "cell", "message": said})

    def _line(self, key: tuple[str, str, int], text: str) -> None:
        source, stream, pid = key
        if text := text.rstrip("\r"):
            more = {"pid": pid} if pid else {}
            self._write({"level": _LEVEL[stream], "source": source, "stream": stream, "message": text, **more})

    def _write(self, entry: dict[str, Any]) -> None:
        message = str(entry["message"])
        for secret in self._secrets:
            message = message.replace(secret, _HIDDEN)
        if len(message) > _MOST_LINE:
            message = f"{message[:_MOST_LINE]}…"
        while len(data := MARK + json.dumps({**entry, "message": message}).encode() + b"\n") > select.PIPE_BUF:
            message = message[: len(message) // 2] + "…"
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        if poll.poll(0):  # a pipe that can be written to takes so much as a whole
            os.write(self._descriptor, data)
        else:
            self._dropped += len(message)

    def _may(self, size: int) -> bool:
        """Whether so much may be told just now; what may not be is counted."""
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._begin_again)
        if size > self._left:
            self._dropped += size
            return False
        self._left -= size
        return True

    def _begin_again(self) -> None:
        self._tick = None
        self._left = _MOST_AT_ONCE
        self.flush()
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self.tell("sandbox", f"{dropped} bytes of output were too much for the log and are left out.", "warn")
        if dropped and self._dropped:  # the pipe is still full, and has no room for these words either
            self._dropped = dropped
            self._tick = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._begin_again)
