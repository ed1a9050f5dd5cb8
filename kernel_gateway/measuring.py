"""What sandboxes measure of themselves, in the wire's shape."""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kernel_gateway.inside.http import Refused
from kernel_gateway.record import Missing, Record
from kernel_gateway.relay import Lost, ask
from kernel_gateway.sandboxes import Sandboxes

NEVER = 1 << 37
"""Unix seconds; the year 6325."""

_SECONDS = 10.0  # for an answer
_MEASURED = ("timestampUnix", "cpuUsedPct", "memUsed", "memCache", "diskUsed", "diskTotal")
_MOST = 100  # sandboxes of one answer


async def newest(sandboxes: Sandboxes, ids: Sequence[str]) -> dict[str, Any]:
    """The newest sample of each of several sandboxes; those that do not run are left out. Raises `Refused`."""
    names = list(dict.fromkeys(ids))
    if not 0 < len(names) <= _MOST:
        raise Refused(400, f"sandbox_ids must name from 1 to {_MOST} sandboxes, with commas in between.")
    records = [record for record in sandboxes if record.id in names]
    found = await asyncio.gather(*(samples(sandboxes, record) for record in records), return_exceptions=True)
    pairs = zip(records, found, strict=True)
    return {record.id: measured[-1] for record, measured in pairs if isinstance(measured, list) and measured}


async def samples(sandboxes: Sandboxes, record: Record) -> list[dict[str, Any]]:
    """What a sandbox measured of itself; the last sample is new. Raises `Missing`."""
    if record.paused:
        return []
    try:
        _, answer = await ask(record.sandbox.address, "GET", "/metrics", seconds=_SECONDS)
        return [_sample(told, sandboxes.host.sizes.memory) for told in json.loads(answer)["samples"]]
    except (Lost, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise Missing(record.id) from None  # whatever speaks there is not our service any more


def _sample(told: dict[str, Any], memory: int) -> dict[str, Any]:
    """One sample in the wire's shape; only numbers are taken from the sandbox, since code in it may forge them."""
    measured = {name: float(told[name]) for name in _MEASURED}
    if not all(map(math.isfinite, measured.values())):
        raise ValueError("a measurement is not a number")
    moment = datetime.fromtimestamp(min(max(measured.pop("timestampUnix"), 0), NEVER), UTC)
    share = measured.pop("cpuUsedPct")
    return {
        "timestamp": moment.isoformat(),
        "timestampUnix": int(moment.timestamp()),
        "cpuCount": os.cpu_count() or 1,
        "cpuUsedPct": share,
        "memTotal": memory,
        **{name: int(value) for name, value in measured.items()},
    }
