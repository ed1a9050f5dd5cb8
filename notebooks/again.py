"""Runs the cells of a run a second time in a fresh sandbox, and compares what they make."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from artifacts.events import RunStarted, RunView
from artifacts.store import Store
from artifacts.threads import in_own_thread
from artifacts.types import Match
from kernel_gateway.client import Host
from notebooks.aio import see_through
from notebooks.errors import NotebookError
from notebooks.reproduce import FINISHED, compare
from notebooks.session import CELL_TIMEOUT, Session
from notebooks.watching import seen, watch


class Again:
    """The second run of a run's cells, which takes up further cells where it stopped. Close it at the end.

    Its record is its own and is thrown away with it: a run is recorded once. `observed` is what its kernel saw of the
    cells (see `notebooks.watching`), from the first on that a model wrote; None before.
    """

    def __init__(self, store: Store, host: Host, run_id: str) -> None:
        self._store, self._host, self._run_id = store, host, run_id
        self._stack = contextlib.AsyncExitStack()
        self._opened: tuple[Store, Session] | None = None
        self._done = 0
        self._watched = False
        self.observed: Any = None

    async def matches(self, view: RunView, tell: Callable[[int, int], Awaitable[None]]) -> list[Match]:
        """Run the finished cells that have not run again yet, and compare everything that all of them made.

        `tell` is given how many cells have run again, of how many, before each of them. Raises GatewayError,
        NotebookError or StoreError where they cannot be run.
        """
        own, session = self._opened = self._opened or await self._open(view)
        cells = [x for x in view.executions if x.status in FINISHED]
        for cell in cells[self._done :]:
            if "code" in cell.tags and not self._watched:
                await watch(session)
                self._watched = True
            await tell(self._done, len(cells))
            took = (cell.ended_at - cell.started_at).total_seconds() if cell.ended_at else 0.0
            await session.run(cell.code, title=cell.title, tags=cell.tags, timeout=CELL_TIMEOUT + 3 * took)
            self._done += 1
        if self._watched:
            self.observed = await seen(session)
        return await in_own_thread(lambda: compare(self._store, view, own, own.view(self._run_id)))

    async def aclose(self) -> None:
        """End the second run, its sandbox and its record."""
        await see_through(self._stack.aclose())

    async def _open(self, view: RunView) -> tuple[Store, Session]:
        async with contextlib.AsyncExitStack() as stack:
            opened = await stack.enter_async_context(fresh(self._store, self._host, view))
            self._stack = stack.pop_all()
            return opened


@contextlib.asynccontextmanager
async def fresh(store: Store, host: Host, view: RunView) -> AsyncIterator[tuple[Store, Session]]:
    """A sandbox that holds a run's inputs and in which none of its cells has run, with a record that is thrown away.

    Raises GatewayError, NotebookError or StoreError where there is none to be had.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gristmill-"))
            own, cancelled = await see_through(in_own_thread(Store.open, Path(folder)))
            stack.push_async_callback(in_own_thread, own.close)
            if cancelled:
                raise asyncio.CancelledError
        except OSError as error:
            raise NotebookError(f"its record cannot be written: {error.strerror or error}.") from error
        await own.append(RunStarted(run_id=view.run.id, run=view.run))
        session = await Session.open(own, host, view.run.id)
        stack.push_async_callback(session.close)
        await stack.enter_async_context(session.leased())
        for artifact in view.artifacts:
            if artifact.role == "input":
                await session.bring(artifact, store)
        yield own, session
