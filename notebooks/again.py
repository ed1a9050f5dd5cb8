"""Runs the cells of a run a second time in a fresh sandbox, and compares what they make."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from artifacts.events import ExecutionEnded, RunStarted, RunView
from artifacts.store import Store, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import Match
from kernel_gateway.client import GatewayError, Host
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
        self._brought = set[str]()  # the ids of inputs
        self._done: list[str] = []  # the ids of executions, in their order
        self._watched = False
        self._lock = asyncio.Lock()
        self._beside: asyncio.Task[None] | None = None
        self.observed: Any = None

    def run_beside(self) -> None:
        """Run each cell again as soon as it has ended, on another processor than the run's own where there is one.

        What has not run again when `matches` is called runs then.
        """
        if len(os.sched_getaffinity(0)) > 1:
            self._beside = asyncio.create_task(self._keep_up())

    async def matches(self, view: RunView, tell: Callable[[int, int], Awaitable[None]]) -> list[Match]:
        """Run the finished cells that have not run again yet, and compare everything that all of them made.

        `tell` is given how many cells have run again, of how many, before each of them. Raises GatewayError,
        NotebookError or StoreError where they cannot be run.
        """
        own, session = await self._run(view, tell)
        if self._watched:
            self.observed = await seen(session)
        return await in_own_thread(lambda: compare(self._store, view, own, own.view(self._run_id)))

    async def _run(self, view: RunView, tell: Callable[[int, int], Awaitable[None]]) -> tuple[Store, Session]:
        """Run the finished cells that have not run again yet: all of them where one that has is not what it was."""
        async with self._lock:
            cells = [x for x in view.executions if x.status in FINISHED]
            if [x.id for x in cells[: len(self._done)]] != self._done:
                await self._stack.aclose()
                self._opened, self._done, self._watched, self.observed = None, [], False, None
            own, session = self._opened = self._opened or await self._open(view)
            for artifact in view.artifacts:
                if artifact.role == "input" and artifact.id not in self._brought:
                    await session.bring(artifact, self._store)
                    self._brought.add(artifact.id)
            for cell in cells[len(self._done) :]:
                if "code" in cell.tags and not self._watched:
                    await watch(session)
                    self._watched = True
                await tell(len(self._done), len(cells))
                took = (cell.ended_at - cell.started_at).total_seconds() if cell.ended_at else 0.0
                await session.run(cell.code, title=cell.title, tags=cell.tags, timeout=CELL_TIMEOUT + 3 * took)
                self._done.append(cell.id)
            return own, session

    async def _keep_up(self) -> None:
        async def tell(done: int, of: int) -> None:
            pass

        with contextlib.suppress(GatewayError, NotebookError, StoreError):  # which `matches` meets and tells
            async for event in self._store.follow(self._run_id):
                if isinstance(event, ExecutionEnded):
                    await self._run(await in_own_thread(self._store.view, self._run_id), tell)

    async def aclose(self) -> None:
        """End the second run, its sandbox and its record."""
        if self._beside is not None:
            self._beside.cancel()
            await see_through(asyncio.wait({self._beside}))
        await see_through(self._stack.aclose())

    async def _open(self, view: RunView) -> tuple[Store, Session]:
        async with contextlib.AsyncExitStack() as stack:
            opened = await stack.enter_async_context(fresh(self._store, self._host, view))
            self._stack = stack.pop_all()
            self._brought = {a.id for a in view.artifacts if a.role == "input"}
            return opened


@contextlib.asynccontextmanager
async def fresh(store: Store, host: Host, view: RunView) -> AsyncIterator[tuple[Store, Session]]:
    """A sandbox that holds a run's inputs and in which none of its cells has run, with a record that is thrown away.

    Raises GatewayError, NotebookError or StoreError where there is none to be had.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            folder = tempfile.mkdtemp(prefix="gristmill-")
            stack.push_async_callback(in_own_thread, partial(shutil.rmtree, folder, ignore_errors=True))
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
