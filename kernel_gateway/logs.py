"""What a sandbox's processes and kernels said, and what became of it: a bounded list that outlasts the sandbox.

The service inside writes entries to its standard error, a line of JSON each behind a mark; whatever else comes there is
an entry, too. Code in a sandbox may forge them: they are its own, and are never read for anything but showing them.
"""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kernel_gateway.inside.journal import LEVELS, MARK
from kernel_gateway.query import Query, first, number

_MOST_BYTES = 256 << 10  # of one sandbox's log
_LONGEST = 16 << 10  # bytes of one line
_MOST = 1000  # entries of one answer, and of one second
_COST = 128  # bytes that an entry takes beside its text, about
_DETAILS = {"stream": str, "pid": int}
_SOURCES = ("cell", "process", "sandbox")


@dataclass(frozen=True)
class Entry:
    """One line. `moment` is in milliseconds since 1970, by the gateway's clock; no two of a log have the same."""

    moment: int
    level: str
    message: str
    details: dict[str, Any]

    @property
    def timestamp(self) -> str:
        """The moment in ISO 8601."""
        return datetime.fromtimestamp(self.moment / 1000, UTC).isoformat(timespec="milliseconds")

    def show(self) -> dict[str, Any]:
        """In the wire's shape; `fields` are texts there."""
        fields = {name: str(value) for name, value in self.details.items()}
        return {"timestamp": self.timestamp, "message": self.message, "level": self.level, "fields": fields}

    def line(self) -> dict[str, str]:
        """In the shape of the wire's first version, whose line is JSON as E2B's own service writes it."""
        text = {"level": self.level, "logger": self.details["source"], "message": self.message, **self.details}
        return {"timestamp": self.timestamp, "line": json.dumps(text)}


class Log:
    """The log of one sandbox; beyond a quarter of a mebibyte the oldest entries go."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._size = 0
        self._unfinished = b""
        self._last = 0
        self._second, self._taken, self._dropped = 0, 0, 0

    def take(self, chunk: bytes) -> None:
        """Take what the sandbox wrote to its standard error."""
        *lines, rest = (self._unfinished + chunk).split(b"\n")
        self._unfinished = rest[-_LONGEST:]
        self._begin_second()
        room = max(0, _MOST - self._taken)  # nobody's flood may take the time of others
        for line in lines[:room]:
            self._take_line(line[:_LONGEST])
        self._taken += len(lines)
        self._dropped += max(0, len(lines) - room)

    def _begin_second(self) -> None:
        """Where a new second has begun, say what the last one had no room for."""
        if (second := int(time.monotonic())) != self._second:
            dropped, self._dropped = self._dropped, 0
            self._second, self._taken = second, 0
            if dropped:
                self.tell(f"{dropped} lines came too fast for the log and are left out.", "dropped")

    def tell(self, message: str, event: str) -> None:
        """Note what became of the sandbox; `event` says it in a word."""
        self._keep("info", message, {"source": "gateway", "event": event})

    def page(
        self, start: int = 0, limit: int = _MOST, backward: bool = False, level: str = "", search: str = ""
    ) -> list[Entry]:
        """At most so many entries from a moment on, the oldest first; or those until it, the newest first.

        `level` is the least that is shown, `search` a text that each holds.
        """
        self._begin_second()
        least = LEVELS.index(level) if level in LEVELS else 0
        found = [one for one in self._entries if LEVELS.index(one.level) >= least and search in one.message]
        if backward:
            found = [one for one in reversed(found) if not start or one.moment <= start]
        else:
            found = [one for one in found if one.moment >= start]
        return found[: min(limit, _MOST)]

    def _take_line(self, line: bytes) -> None:
        if not line.startswith(MARK):
            if text := line.decode("utf-8", "replace").strip():
                self._keep("warn", text, {"source": "sandbox", "stream": "stderr"})
            return
        try:
            told = json.loads(line[len(MARK) :])
            level, message = str(told["level"]), str(told["message"])
            details = {name: told[name] for name, kind in _DETAILS.items() if isinstance(told.get(name), kind)}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        source = told.get("source") if told.get("source") in _SOURCES else "sandbox"
        self._keep(level if level in LEVELS else "info", message, {"source": source, **details})

    def _keep(self, level: str, message: str, details: dict[str, Any]) -> None:
        self._last = max(self._last + 1, time.time_ns() // 1_000_000)  # a client goes on after the last that it has
        self._entries.append(Entry(self._last, level, message, details))
        self._size += len(message) + _COST
        while self._size > _MOST_BYTES:
            self._size -= len(self._entries.popleft().message) + _COST


def first_answer(log: Log, query: Query) -> dict[str, Any]:
    """A page of a sandbox's log as the wire had it first."""
    found = log.page(number(query, "start", 0), number(query, "limit", _MOST))
    return {"logs": [one.line() for one in found], "logEntries": [one.show() for one in found]}


def answer(log: Log, query: Query) -> dict[str, Any]:
    """A page of a sandbox's log, from a moment on or back from it."""
    found = log.page(
        number(query, "cursor", 0),
        number(query, "limit", _MOST),
        first(query, "direction") == "backward",
        first(query, "level"),
        first(query, "search"),
    )
    return {"logs": [one.show() for one in found]}
