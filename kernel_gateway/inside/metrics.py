"""What the sandbox uses, measured from inside: every process in sight is the sandbox's own."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

from kernel_gateway.inside import memory
from kernel_gateway.inside.settings import Settings

_TICKS = os.sysconf("SC_CLK_TCK")
_FIRST_SECONDS, _EVERY_SECONDS = 1.0, 15.0  # the first not while somebody waits for the sandbox's first answer
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

    async def samples(self) -> list[dict[str, Any]]:
        """The samples so far and one taken now, oldest first."""
        return [*self._samples, await self._measure()]

    async def _measure(self) -> dict[str, Any]:
        """A sample, taken aside: the kernel looks at every page of what holds gigabytes."""
        try:
            return await asyncio.to_thread(measure, self._settings)
        except RuntimeError:  # the sandbox may have no further thread
            return measure(self._settings)

    async def _keep(self) -> None:
        await asyncio.sleep(_FIRST_SECONDS)
        while True:
            self._samples.append(sample := await self._measure())
            memory.refresh(sample["memUsed"])
            await asyncio.sleep(_EVERY_SECONDS)


def measure(settings: Settings) -> dict[str, Any]:
    """CPU use in percent of one core since the last call, memory and disk in bytes.

    Of memory that several processes share, which forks have most in common, each counts its part.
    """
    global _last
    ticks, own, files = 0, 0, 0
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            stat = (place / "stat").read_text().rpartition(")")[2].split()
            ticks += int(stat[11]) + int(stat[12])
            parts = _parts(place)
        except OSError:
            continue  # it ended while we looked
        own += parts.get("Pss", 0)
        files += parts.get("Pss_File", 0)
    moment, used = time.monotonic(), ticks / _TICKS
    before_moment, before_used = _last or (moment - 1, used)
    _last = (moment, used)
    home = os.statvfs(settings.home)
    return {
        "timestampUnix": int(time.time()),
        "cpuUsedPct": round(max(0.0, used - before_used) / max(moment - before_moment, 1e-6) * 100, 2),
        "memUsed": own,
        "memCache": files,
        "diskUsed": (home.f_blocks - home.f_bfree) * home.f_frsize,
        "diskTotal": home.f_blocks * home.f_frsize,
    }


def _parts(process: Path) -> dict[str, int]:
    """What a process holds, in bytes, as proc(5) tells it in smaps_rollup; raises OSError."""
    lines = (process / "smaps_rollup").read_text().splitlines()[1:]
    return {name: int(amount.split()[0]) << 10 for name, _, amount in (line.partition(":") for line in lines)}
