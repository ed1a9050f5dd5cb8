"""The record as a whole over REST: asked in SQL, checked, exported, backed up and pruned, under /api/record."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from artifacts.backup import packed
from artifacts.check import Checked
from artifacts.database import SCRATCH
from artifacts.query import ROWS, SECONDS, Answer, Form
from gristmill.local import Local
from gristmill.plain import plain
from gristmill.web import schemas

MOST_SECONDS = 600.0
_ASKED = {"sql": "SELECT status, count(*) FROM runs GROUP BY ALL", "limit": 100}
_OLD = {"before": "2026-01-01T00:00:00Z", "dry_run": True}
_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


class Question(BaseModel):
    """A SELECT, the form of its answer, and its bounds."""

    sql: str = Field(max_length=100_000)
    format: Form = "json"
    limit: int = Field(10_000, ge=1, le=ROWS)
    seconds: float = Field(SECONDS, gt=0, le=MOST_SECONDS)


class Pruning(BaseModel):
    """Which runs are to go: those that ended before a time. `dry_run` only tells."""

    before: datetime
    dry_run: bool = False


def record(local: Local) -> APIRouter:
    """The routes, on an open backend."""
    router = APIRouter()

    @router.post("/sql", **schemas.answer(schemas.Rows, schemas.ROWS))
    async def sql(request: Request, question: Annotated[Question, Body(examples=[_ASKED])]) -> Response:
        """Carry out one SELECT on the tables of docs/record.md. `X-More: true` says that there were more rows.

        JSON is `{"columns": [{"name", "type"}], "rows": [[...]], "more"}`.
        """
        asking = asyncio.create_task(
            local.query(question.sql, form=question.format, rows=question.limit, seconds=question.seconds)
        )
        answer = await _unless_gone(request, asking)
        if answer is None:
            return Response(status_code=499)
        headers = {"X-Rows": str(answer.rows), "X-More": json.dumps(answer.more), "Cache-Control": "no-store"}
        return Response(answer.data, media_type=_TYPES[question.format], headers=headers)

    @router.get("/check", **schemas.file("application/x-ndjson", "Progress and damage, a JSON object a line."))
    async def check() -> StreamingResponse:
        """Read every file through: a line of JSON for each, `{"done", "of", "damaged": [{"artifact", "why"}]}`."""
        return StreamingResponse(_lines(local.check()), media_type="application/x-ndjson")

    @router.get("/export.tar", **schemas.file("application/x-tar", "The Parquet files."))
    async def export() -> StreamingResponse:
        """The tables of docs/record.md as Parquet files, and a README of their columns."""
        return StreamingResponse(await _begun(_exported(local)), media_type="application/x-tar")

    @router.get("/backup.tar", **schemas.file("application/x-tar", "The packed data folder."))
    async def backup() -> StreamingResponse:
        """The whole record as it is now: a data folder, packed. One without backup.json at its end is not whole."""
        return StreamingResponse(await _begun(local.store.upkeep.backup()), media_type="application/x-tar")

    @router.post("/prune", **schemas.answer(schemas.Pruned, schemas.PRUNED))
    async def prune(asked: Annotated[Pruning, Body(examples=[_OLD])]) -> dict[str, Any]:
        """Take out the runs that ended before a time, and the files that only they had; what others need stays."""
        told: dict[str, Any] = plain(await local.prune(asked.before, dry_run=asked.dry_run))
        return told

    return router


async def _unless_gone(request: Request, asking: asyncio.Task[Answer]) -> Answer | None:
    """The answer, or None when the one who asked has hung up: then the query is ended."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    watching = asyncio.create_task(gone())
    try:
        await asyncio.wait({asking, watching}, return_when=asyncio.FIRST_COMPLETED)
        return await asking if asking.done() else None
    finally:
        for task in (asking, watching):
            task.cancel()
        await asyncio.wait({asking, watching})


async def _lines(steps: AsyncIterator[Checked]) -> AsyncIterator[str]:
    async for step in steps:
        damaged = [{"artifact": plain(e.artifact), "why": e.why} for e in step.damaged]
        yield json.dumps({"done": step.done, "of": step.of, "damaged": damaged}) + "\n"


async def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same, its first piece made: what hinders it shall be said before an answer has begun."""
    return chain([await asyncio.to_thread(next, pieces)], pieces)


def _exported(local: Local) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(dir=local.store.home, prefix=SCRATCH) as folder:
        yield from packed((path.name, path) for path in local.store.upkeep.export(Path(folder)))
