"""What is still known of sandboxes that have ended not long ago: which limit ended them, and what they said."""

from __future__ import annotations

import asyncio

from kernel_gateway.logs import Log
from kernel_gateway.record import Missing, Record

_REMEMBERED = 256  # sandboxes that a limit has ended, of which we can still tell which
_LOGS, _LOG_SECONDS = 64, 3600.0  # of sandboxes that have ended, whose log is kept so long


class Ended:
    """By id, the oldest first."""

    def __init__(self) -> None:
        self._verdicts: dict[str, str] = {}
        self._logs: dict[str, Log] = {}

    def verdict(self, sandbox_id: str) -> str | None:
        """Which limit ended a sandbox, if one did."""
        return self._verdicts.get(sandbox_id)

    def log(self, sandbox_id: str) -> Log:
        """What a sandbox said; raises `Missing`."""
        if (log := self._logs.get(sandbox_id)) is None:
            raise Missing(sandbox_id)
        return log

    def judge(self, record: Record) -> None:
        """Remember which limit ended a sandbox, if one did."""
        if record.sandbox.verdict is not None:
            self._verdicts[record.id] = record.sandbox.verdict
            if len(self._verdicts) > _REMEMBERED:
                del self._verdicts[next(iter(self._verdicts))]

    def keep(self, record: Record) -> None:
        """Keep what a sandbox said for a while; what is still to be read of it comes to it, too."""
        why = f"was {record.sandbox.verdict}" if record.sandbox.verdict is not None else "has ended"
        record.log.tell(f"The sandbox {why}.", "ended")
        self._logs[record.id] = record.log
        asyncio.get_running_loop().call_later(_LOG_SECONDS, self._logs.pop, record.id, None)
        while len(self._logs) > _LOGS:
            del self._logs[next(iter(self._logs))]
