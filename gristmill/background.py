"""The thread in which the analyses of a Python program run, and the data folders that they share.

A caller's loop may be running already, as it is in Jupyter, and is not to be kept waiting; and a process can open a
data folder once, however many analyses it has under way.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from gristmill.backend import Backend, connect
from gristmill.settings import Settings

_starting = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []  # the one, once its thread runs
_opening = asyncio.Lock()
_opened: dict[Settings, tuple[Backend, int]] = {}  # and how many use it

os.register_at_fork(after_in_child=_loops.clear)  # the child has no such thread


class Job[T]:
    """Work in the thread's loop. `ended` is called there with the finished task, however it ended."""

    def __init__(self, work: Coroutine[Any, Any, T], ended: Callable[[asyncio.Task[T]], None]) -> None:
        self._work, self._ended, self._loop = work, ended, _loop()
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(self._ended)

    def cancel(self) -> None:
        """Cancel the work, from any thread."""
        self._loop.call_soon_threadsafe(lambda: self._task.cancel())


@asynccontextmanager
async def backend(settings: Settings) -> AsyncIterator[Backend]:
    """The backend of these settings, open as long as somebody uses it. For work in the thread's loop."""
    async with _opening:
        found, users = _opened.get(settings) or (await connect(settings), 0)
        _opened[settings] = (found, users + 1)
    try:
        yield found
    finally:
        await asyncio.shield(_leave(settings))


async def _leave(settings: Settings) -> None:
    async with _opening:  # whoever opens the folder next finds it closed
        found, users = _opened.pop(settings)
        if users > 1:
            _opened[settings] = (found, users - 1)
        else:
            await found.close()


def _loop() -> asyncio.AbstractEventLoop:
    with _starting:
        if not _loops:
            _loops.append(asyncio.new_event_loop())
            threading.Thread(target=_loops[0].run_forever, name="gristmill", daemon=True).start()
        return _loops[0]
