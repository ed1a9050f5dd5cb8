"""One thing that asyncio has no word for: finishing what must be finished, and only then being cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def see_through[T](work: Coroutine[Any, Any, T]) -> tuple[T, bool]:
    """The result of `work`, and whether this task was cancelled meanwhile; the caller then raises CancelledError.

    `work` is not cancelled, however often this task is. Raises what `work` raises.
    """
    task = asyncio.create_task(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    return task.result(), cancelled
