"""The sandboxes of a run's tasks: each is opened when it is first needed, as the record has the task's notebook."""

from __future__ import annotations

import asyncio

from artifacts.store import Store
from kernel_gateway.client import Host
from notebooks.aio import see_through
from notebooks.session import Session


class Helpers:
    """The sessions in which tasks work, one for each. Close it at the end.

    `moved` is notified when a task has ended or rests; it also keeps two from beginning tasks at once. `resting` are
    those that wait for a person, or for one that does, since this was made.
    """

    def __init__(self, store: Store, host: Host, run_id: str) -> None:
        self._store, self._host, self._run_id = store, host, run_id
        self._sessions: dict[str, Session] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.moved, self.resting = asyncio.Condition(), set[str]()

    async def session(self, task_id: str) -> Session:
        """The session of a task: its own sandbox if that lives, otherwise one rebuilt from the record.

        Raises GatewayError where none can be had.
        """
        async with self._locks.setdefault(task_id, asyncio.Lock()):
            if task_id not in self._sessions:
                self._sessions[task_id] = await Session.resume(self._store, self._host, self._run_id, task_id)
            return self._sessions[task_id]

    async def leave(self, task_id: str) -> None:
        """End the sandbox of a task, if it has one."""
        if (session := self._sessions.pop(task_id, None)) is not None:
            await session.close()

    async def _leave_all(self) -> None:
        await asyncio.gather(*(self.leave(task_id) for task_id in list(self._sessions)))

    async def aclose(self) -> None:
        """End them all."""
        await see_through(self._leave_all())
