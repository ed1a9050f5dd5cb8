"""The notebooks of runs that people edit: each is open once in a process, and its sandbox stays for a while."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from artifacts.branch import begun, branch
from artifacts.events import Event, Redone, RunEnded, SandboxLeft, TurnEnded, TurnStarted, Undone
from artifacts.store import NotFound, Store, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import Run, new_id
from graphs.errors import InputError
from kernel_gateway.client import GatewayError, Host, end_sandbox
from notebooks.aio import see_through
from notebooks.session import Session, left_behind

if TYPE_CHECKING:
    from graphs.difference import Difference
    from notebooks.live.editing import LiveNotebook
    from notebooks.live.edits import Edit, Edited

OPEN = 4
"""Sandboxes that stay between turns and edits at a time; the one that was not used for longest makes room."""
_AT_REST = ("done", "failed", "cancelled")
_STOPPED = "Gristmill is being stopped, so the edit was, too. The cells that have not run are stale."
_LOOK = 1.0  # seconds, at least, from one look for sandboxes that have stayed for long enough to the next


class Editor:
    """Edits the notebooks of runs that are at rest, and has their sandboxes between turns. Close it at the end."""

    def __init__(self, store: Store, host: Callable[[], Awaitable[Host]]) -> None:
        self._store, self._host = store, host
        self._open: dict[str, LiveNotebook] = {}
        self._under_way: set[asyncio.Task[Edited]] = set()
        self._closed = False
        self._clearing: asyncio.Task[None] | None = None
        self._parents: dict[str, tuple[str, int]] = {}  # of branches: the run, and the event up to which they share it

    async def edit(self, run: Run, edit: Edit) -> Edited:
        """Carry out an edit; see `notebooks.live.edits`. Raises InputError where all is closed meanwhile."""
        async with self._notebook(run.id) as notebook:
            job = asyncio.create_task(notebook.edit(edit))
            self._under_way.add(job)
            try:
                return await job
            except asyncio.CancelledError:
                if self._closed:
                    raise InputError(_STOPPED) from None
                raise
            finally:
                self._under_way.discard(job)

    async def undo(self, run: Run, by: str = "person") -> Undone:
        """Take back the last turn or edit of a run."""
        _must_rest(run, "taken back")
        async with self._notebook(run.id) as notebook:
            return await notebook.undo(by)

    async def redo(self, run: Run, by: str = "person") -> Redone:
        """Put back what was taken back last."""
        _must_rest(run, "changed")
        async with self._notebook(run.id) as notebook:
            return await notebook.redo(by)

    async def branch(self, run: Run, at: str | None = None) -> Run:
        """A new run that shares the past of this one, up to the end of turn `at` (None: all of it).

        Raises InputError for a turn that there is not.
        """
        if at is None:
            _must_rest(run, "branched")
        events = await in_own_thread(self._store.events, run.id)
        past, turn = _until(events, at)
        new = begun(run, new_id("run"))
        await self._store.append_all(branch(past, new, turn_id=turn))
        if run.id in self._open:
            self._parents[new.id] = (run.id, past[-1].seq)
        return self._store.run(new.id)

    async def diff(self, one: Run, other: Run) -> Difference:
        """How two runs differ: messages, cells, outputs, values, findings and files."""
        from graphs.difference import difference

        return await in_own_thread(difference, self._store, one, other)

    async def keep(self, session: Session, *, serves: bool = False) -> None:
        """Let the sandbox in which a turn has ended stay for what comes next. `serves`: a service runs in it."""
        async with self._notebook(session.run_id) as notebook:
            await notebook.keep(session, serves=serves)

    async def take(self, run_id: str) -> Session | None:
        """The sandbox for the run's next turn, its kernel as all cells leave it; None where there is none like that."""
        known = run_id in self._open or run_id in self._parents
        if not known and (await in_own_thread(self._store.view, run_id)).left is None:
            return None
        async with self._notebook(run_id) as notebook:
            return await notebook.lend()

    @contextlib.asynccontextmanager
    async def undisturbed(self, run_id: str) -> AsyncIterator[None]:
        """No edit of the run's notebook is under way meanwhile; one that is comes to its end first."""
        notebook = self._open.get(run_id)
        async with notebook.alone() if notebook is not None else contextlib.nullcontext():
            yield

    async def make_room(self, most: int, *, but: str | None = None, serving: bool = True) -> None:
        """End sandboxes that nobody uses, until there are at most so many beside what run `but` may take over.

        With `serving` false those in which a service runs are not counted, and stay.
        """
        mine = (but, *self._parents.get(but or "", ())[:1])
        idle = {id: n.until for id, n in self._open.items() if id not in mine and (serving or not n.serves)}
        waiting = sorted((until, id) for id, until in idle.items() if until is not None)
        await asyncio.gather(*(self.leave(id) for _, id in waiting[: max(0, len(waiting) - max(0, most))]))

    async def leave(self, run_id: str) -> None:
        """Close the notebook of a run, if it is open: something else is going to work on it."""
        if (notebook := self._open.pop(run_id, None)) is not None:
            await notebook.close()

    async def close(self) -> None:
        """Close all notebooks. An edit that is under way is stopped: what has not run stays stale."""
        await self._stop()
        await asyncio.gather(*(self.leave(run_id) for run_id in list(self._open)))

    async def leave_all(self) -> bool:
        """Close all notebooks, and leave their sandboxes to the next program where they can be; whether any was left.

        Of all that were left so the newest stay.
        """
        await self._stop()
        notebooks, self._open = list(self._open.values()), {}
        left = any(await asyncio.gather(*(notebook.leave() for notebook in notebooks)))
        if left:
            with contextlib.suppress(GatewayError, StoreError):  # they end by themselves
                await self._end_older()
        return left

    async def _stop(self) -> None:
        """Stop what goes on here; no edit begins after that."""
        self._closed = True
        going = [*self._under_way, *([self._clearing] if self._clearing is not None else [])]
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)

    async def _end_older(self) -> None:
        """End the sandboxes of runs at rest that no program is going to find, and the oldest beyond so many."""
        host = await self._host()
        waiting: list[SandboxLeft] = []
        for sandbox_id, run_id in await left_behind(host, self._store):
            with contextlib.suppress(NotFound):
                view = await in_own_thread(self._store.view, run_id)
                if view.left is not None and view.left.sandbox_id == sandbox_id:
                    waiting.append(view.left)
                elif view.run.status in _AT_REST:
                    await end_sandbox(host, sandbox_id)
        for left in sorted(waiting, key=lambda left: left.at)[:-OPEN]:
            await end_sandbox(host, left.sandbox_id)

    async def _clear(self) -> None:
        """End each sandbox when nobody has used it for long enough, as long as there are any."""
        while ends := [until for n in self._open.values() if (until := n.until) is not None]:
            await asyncio.sleep(max(_LOOK, min(ends) - time.monotonic()))
            for id, until in [(id, n.until) for id, n in self._open.items()]:
                if until is not None and until <= time.monotonic():
                    _, cancelled = await see_through(self.leave(id))
                    if cancelled:
                        raise asyncio.CancelledError

    @contextlib.asynccontextmanager
    async def _notebook(self, run_id: str) -> AsyncIterator[LiveNotebook]:
        """The notebook of a run, whose sandbox stays for a while afterwards."""
        from notebooks.live.editing import LiveNotebook  # for which nobody waits before a run's first answer

        await self.make_room(OPEN - 1, but=run_id)
        if run_id not in self._open:
            parent, upto = self._parents.pop(run_id, (run_id, 0))
            open_there = self._open.get(parent)
            taken = await open_there.hand_over(run_id, upto) if open_there is not None else None
            self._open[run_id] = taken or LiveNotebook(self._store, run_id, self._host)
        try:
            yield self._open[run_id]
        finally:
            if not self._closed and (self._clearing is None or self._clearing.done()):
                self._clearing = asyncio.create_task(self._clear())


def _must_rest(run: Run, done: str) -> None:
    if run.status in ("running", "queued", "waiting"):
        raise InputError(f"{run.id} is being worked on, so it cannot be {done}. Wait for its end, or stop it.")


def _until(events: list[Event], at: str | None) -> tuple[list[Event], str | None]:
    """The events up to the end of a turn, and that turn."""
    turn, found = "turn-01", 0
    for place, event in enumerate(events, 1):
        if isinstance(event, TurnStarted):
            turn = event.turn_id
        ended = isinstance(event, TurnEnded) or (isinstance(event, RunEnded) and event.status != "waiting")
        if ended and turn == at and not found:
            found = place
    if at is None:
        return events, turn
    if not found:
        raise InputError(f"There is no turn {at} that has ended; `gristmill runs show` lists the turns.")
    return events[:found], at
