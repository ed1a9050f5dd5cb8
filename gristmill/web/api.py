"""The REST interface: everything the dashboard and the terminal can do, under /api/."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from artifacts.store import StoreError
from artifacts.types import Artifact, ArtifactRole
from gristmill import __version__
from gristmill.local import Local
from gristmill.plain import plain
from gristmill.web import schemas
from gristmill.web.cells import cells
from gristmill.web.content import Mode, respond
from gristmill.web.notebooks import notebooks
from gristmill.web.projects import projects
from gristmill.web.record import record
from gristmill.web.reference import Described, reference_page
from gristmill.web.refusals import tell_errors
from gristmill.web.runs import ask, runs
from gristmill.web.schedules import schedules
from gristmill.web.talk import talk
from gristmill.web.tasks import tasks

ANSWERS_WITHIN = 10.0  # seconds in which the record of a healthy server reads and writes, however busy it is


def build_api(local: Local, *, templates: Path | None = None, cookie: str = "gristmill") -> FastAPI:
    """The interface on an open backend. What it needs of a caller's right to be here, the guard has asked already.

    `cookie` is the name of the guard's, for the description.
    """
    api = Described(cookie)
    api.include_router(
        runs(local), prefix="/api/runs", tags=["runs"], responses=schemas.refusals(404, 409, 413, 422, 500, 503)
    )
    api.include_router(talk(local), prefix="/api/runs", tags=["runs"], responses=schemas.refusals(404, 409, 422, 503))
    api.include_router(cells(local), prefix="/api/runs", tags=["cells"], responses=schemas.refusals(404, 409, 422, 503))
    api.include_router(tasks(local), prefix="/api/runs", tags=["runs"], responses=schemas.refusals(404, 422, 503))
    api.include_router(ask(local), prefix="/api/ask", tags=["runs"], responses=schemas.refusals(413, 422, 503))
    api.include_router(
        _artifacts(local), prefix="/api/artifacts", tags=["artifacts"], responses=schemas.refusals(404, 422, 500, 503)
    )
    api.include_router(
        notebooks(local, templates),
        prefix="/api/notebooks",
        tags=["notebooks"],
        responses=schemas.refusals(404, 413, 422, 503),
    )
    api.include_router(
        schedules(local), prefix="/api/schedules", tags=["schedules"], responses=schemas.refusals(404, 409, 422, 503)
    )
    api.include_router(
        projects(local), prefix="/api/projects", tags=["projects"], responses=schemas.refusals(404, 409, 413, 422, 503)
    )
    api.include_router(record(local), prefix="/api/record", tags=["record"], responses=schemas.refusals(422, 503))

    alive = schemas.answer(schemas.Health, schemas.HEALTH)
    alive["responses"] |= schemas.refusals(503)

    @api.get("/api/health", tags=["server"], **alive)
    async def health() -> JSONResponse:
        """Which server this is, how many runs work and wait, and that the record answers; 503 where it does not."""
        problem = await _stalled(local)
        queue = local.workbench.queue
        told = {
            "status": "failing" if problem else "ok",
            "version": __version__,
            "pid": os.getpid(),
            "isolation": local.workbench.isolation,
            "runs": {"running": queue.running, "queued": queue.waiting, "limit": queue.limit},
        }
        if problem is None:
            return JSONResponse(told)
        return JSONResponse(told | {"error": {"kind": "StoreError", "message": problem}}, 503)

    @api.get("/api/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        """This interface, described for a person."""
        return reference_page(api.openapi(), str(request.base_url).rstrip("/"))

    tell_errors(api)
    return api


async def _stalled(local: Local) -> str | None:
    """Why the record cannot be used now; None where a read and a write both went through."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            await local.store.check()
    except TimeoutError:
        return (
            f"The record did not answer within {ANSWERS_WITHIN:.0f} s. Look whether the disk or the machine is "
            "overloaded; if it lasts, stop the server and start it again: runs can be resumed."
        )
    except StoreError as error:
        return str(error)
    return None


def _artifacts(local: Local) -> APIRouter:
    router = APIRouter()

    @router.get("", **schemas.answer(schemas.Artifacts, {"artifacts": [schemas.ARTIFACT], "total": 1}))
    async def list_(
        run: str | None = None,
        role: ArtifactRole | None = None,
        text: str | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
        offset: Annotated[int, Query(ge=0, le=10**12)] = 0,
    ) -> dict[str, Any]:
        """Artifacts, the newest first; `total` is how many there are without `limit` and `offset`."""
        found = await local.artifacts(run=run, role=role, text=text, limit=limit, offset=offset)
        return {"artifacts": plain(found), "total": found.total}

    @router.get("/{ref}", **schemas.answer(Artifact, schemas.ARTIFACT))
    async def show(ref: str) -> dict[str, Any]:
        """What is known of an artifact."""
        return cast(dict[str, Any], plain(await local.artifact(ref)))

    @router.get("/{ref}/content", **schemas.file("*/*", "The bytes, under the artifact's own media type."))
    async def content(request: Request, ref: str, preview: bool = False, download: bool = False) -> Response:
        """An artifact's bytes. HTML and SVG are a download, unless `preview=1` asks for them in a sandboxed frame."""
        artifact = await local.artifact(ref)
        mode: Mode = "download" if download else "preview" if preview else "show"
        return await respond(local.store, artifact, mode, ranged="range" in request.headers)

    return router
