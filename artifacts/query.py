"""SQL of anybody's on the record: read only, bounded in time, rows and memory, and carried out in another process.

DuckDB cannot bound one statement among others: a single `repeat` takes memory past every limit and is deaf to an
interrupt. So the tables that a statement names are copied for a process that can be ended. See docs/decisions/0009.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from artifacts.database import SCRATCH, Database
from artifacts.errors import QueryError
from artifacts.tables import TABLES

Form = Literal["json", "csv", "parquet"]

SECONDS = 30.0
ROWS = 1_000_000
MEMORY = 1 << 30
SIZE = 256 << 20
"""Bytes of an answer."""
AT_ONCE = 2

_BATCH = 50_000
_PROGRAM = Path(__file__).with_name("query_process.py")


@dataclass(frozen=True)
class Answer:
    """What a query gave: its bytes in the form asked for, how many rows they hold, and whether there were more."""

    data: bytes
    rows: int
    more: bool


async def query(
    database: Database, sql: str, turn: asyncio.Semaphore, *, form: Form, rows: int, seconds: float
) -> Answer:
    """Carry out one SELECT when it is its turn. JSON is `{"columns": [{"name", "type"}], "rows": [[...]], "more"}`.

    Raises QueryError for a statement that is none or asks too much; the message is a sentence.
    """
    stop = threading.Event()
    try:
        async with asyncio.timeout(seconds), turn:
            with tempfile.TemporaryDirectory(dir=database.home, prefix=SCRATCH) as folder:
                await _finish(asyncio.to_thread(_copy, database, sql.lower(), Path(folder), stop), stop)
                told = await _run(sql, form, rows, Path(folder))
                if (error := told.get("error")) is not None:
                    raise QueryError(_SAID.get(error, error))
                data = await asyncio.to_thread(Path(folder, "answer").read_bytes)
    except TimeoutError:
        raise QueryError(
            f"The query took longer than {seconds:g} s and was ended. Ask for less, or give it more time."
        ) from None
    return Answer(data, told["rows"], told["more"])


_SAID = {
    "memory": f"The query needs more than {MEMORY >> 21} MiB of memory and was ended. Ask for less of it.",
    "size": f"The answer is larger than {SIZE >> 20} MiB. Ask for fewer rows or columns.",
}


def _copy(database: Database, sql: str, folder: Path, stop: threading.Event) -> None:
    """Write the tables whose names are in the statement, of one moment; of the others the columns alone."""
    import pyarrow as pa

    with database.snapshot() as read:
        for table in TABLES:
            batches = read.sql(table.select if table.name in sql else table.empty).to_arrow_reader(_BATCH)
            with pa.ipc.new_file(folder / f"{table.name}.arrow", batches.schema) as out:
                for batch in batches:
                    if stop.is_set():
                        return
                    out.write_batch(batch)


async def _finish(work: Coroutine[Any, Any, None], stop: threading.Event) -> None:
    """Wait for work in a thread; when this task is cancelled, have it stop and wait for that."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({task})
        raise


async def _run(sql: str, form: Form, rows: int, folder: Path) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(_PROGRAM),
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    asked = {"sql": sql, "format": form, "rows": rows, "memory": MEMORY, "size": SIZE}
    try:
        out, _ = await process.communicate(json.dumps(asked).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        told: dict[str, Any] = json.loads(out)
    except ValueError:  # it was ended from outside, or by what the statement did to it
        return {"error": "The query broke the process that it ran in; the record is untouched. Ask in another way."}
    return told
