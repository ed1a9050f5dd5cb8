"""Where the graphs' progress is kept, to go on with a turn: of turns that have ended nothing stays, nor their room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver


async def forget(saver: AsyncSqliteSaver, run_id: str, but: str | None = None) -> None:
    """Drop where a run would be taken up again, but for one thread.

    A thread is a turn: its id is the run's, or `run/turn` for a further one.
    """
    of_run = "SELECT DISTINCT thread_id FROM checkpoints WHERE thread_id = ? OR thread_id LIKE ?"
    async with saver.lock, saver.conn.execute(of_run, [run_id, f"{run_id}/%"]) as found:
        threads = [row[0] for row in await found.fetchall()]
    for thread in threads:
        if thread != but:
            await saver.adelete_thread(thread)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """The saver of a file, which shrinks when checkpoints are deleted. A crafted file runs no code when it is read."""
    async with aiosqlite.connect(path) as connection:
        async with connection.execute("PRAGMA auto_vacuum") as told:
            (vacuums,) = await told.fetchone() or (0,)
        if not vacuums:
            await connection.execute("PRAGMA auto_vacuum = FULL")
            await connection.execute("VACUUM")  # which is what puts it into force in a file that has tables
        saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        await saver.setup()
        yield saver
