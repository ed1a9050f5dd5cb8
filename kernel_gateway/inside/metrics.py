"""What the sandbox uses, measured from inside: every process in sight is the sandbox's own."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

from kernel_gateway.inside.settings import Settings

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY_SECONDS = 15.0
_last: tuple[float, float] | None = None


class History:
    """What was measured since the sandbox was given to somebody: about four hours of it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._samples: deque[dict[str, Any]] = deque(maxlen=1000)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Measure from now on; one that is only kept ready measures nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep())

    def samples(self) -> list[dict[str, Any]]:
        """The samples so far and one taken now, oldest first."""
        return [*self._samples, measure(self._settings)]

    async def _keep(self) -> None:
        while True:
            self._samples.append(measure(self._settings))
            await asyncio.sleep(_EVERY_SECONDS)


def measure(settings: Settings) -> dict[str, Any]:
    """CPU use in percent of one core since the last call, memory and disk in bytes."""
    global _last
    ticks, pages, shared = 0, 0, 0
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            stat = (place / "stat").read_text().rpartition(")")[2].split()
            memory = (place / "statm").read_text().split()
        except OSError:
            continue  # it ended while we looked
        ticks += int(stat[11]) + int(stat[12])
        pages += int(memory[1])
        shared += int(memory[2])
    moment, used = time.monotonic(), ticks / _TICKS
    before_moment, before_used = _last or (moment - 1, used)
    _last = (moment, used)
    home = os.statvfs(settings.home)
    return {
        "timestampUnix": int(time.time()),
        "cpuUsedPct": round(max(0.0, used - before_used) / max(moment - before_moment, 1e-6) * 100, 2),
        "memUsed": pages * _PAGE,
        "memCache": shared * _PAGE,
        "diskUsed": (home.f_blocks - home.f_bfree) * home.f_frsize,
        "diskTotal": home.f_blocks * home.f_frsize,
    }
