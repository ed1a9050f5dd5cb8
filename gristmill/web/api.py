"""The REST interface: everything the dashboard and the terminal can do, under /api/."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, FastAPI, File, Form, Header, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile as Uploaded
from starlette.exceptions import HTTPException

from artifacts.store import NotFound, StoreError
from artifacts.types import ArtifactRole, Run, RunStatus, Schedule, new_id, now
from gristmill import __version__
from gristmill.archive import run_zip
from gristmill.backend import view as view_of
from gristmill.errors import Misuse, sentences, status_of
from gristmill.local import Local
from gristmill.plain import plain, view_json
from gristmill.web import uploads
from gristmill.web.content import Mode, disposition, respond
from gristmill.web.stream import sse
from kernel_gateway.client import GatewayError
from notebooks.catalog import catalog
from notebooks.files import safe_name

ENDED = ("done", "failed", "cancelled", "interrupted")


def build_api(local: Local, *, templates: Path | None = None) -> FastAPI:
    """The interface on an open backend. What it needs of a caller's right to be here, the guard has asked already."""
    api = FastAPI(
        title="Gristmill", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    api.include_router(_runs(local), prefix="/api/runs", tags=["runs"])
    api.include_router(_artifacts(local), prefix="/api/artifacts", tags=["artifacts"])
    api.include_router(_notebooks(local, templates), prefix="/api/notebooks", tags=["notebooks"])
    api.include_router(_schedules(local), prefix="/api/schedules", tags=["schedules"])

    @api.get("/api/health")
    async def health() -> dict[str, Any]:
        """That the server is up, and which."""
        return {"status": "ok", "version": __version__, "pid": os.getpid(), "isolation": local.workbench.isolation}

    for family in sentences():
        api.add_exception_handler(family, _sentence)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _refused)
    return api


def _runs(local: Local) -> APIRouter:
    router = APIRouter()

    @router.post("", status_code=201)
    async def start(
        question: Annotated[str, Form()] = "",
        files: Annotated[list[UploadFile], File()] = [],  # noqa: B006  # FastAPI reads it, nobody changes it
        model: Annotated[str | None, Form()] = None,
        roles: Annotated[str, Form()] = "{}",
        rerun: Annotated[bool | None, Form()] = None,
    ) -> Run:
        """Begin to answer a question of the uploaded files; `roles` is a JSON object of role to column.

        `rerun` says whether the review runs the notebook again in a fresh sandbox (default: GRISTMILL_RERUN).
        """
        folder = await asyncio.to_thread(uploads.folder, local.store.home)
        try:
            with _without_path(folder):
                paths = [await asyncio.to_thread(uploads.keep, f.file, f.filename, folder) for f in files]
                return await local.start(question, paths, model=model or None, roles=_roles(roles), rerun=rerun)
        finally:  # the run has its inputs in the record by now
            shutil.rmtree(folder, ignore_errors=True)

    @router.get("")
    async def list_(
        limit: Annotated[int, Query(ge=1, le=10_000)] = 50,
        offset: Annotated[int, Query(ge=0, le=10**12)] = 0,
        status: RunStatus | None = None,
        agent: str | None = None,
        text: str | None = None,
    ) -> dict[str, list[Run]]:
        """Runs, the newest first."""
        found = await asyncio.to_thread(
            local.store.runs, limit=limit, offset=offset, status=status, agent=agent, text=text
        )
        return {"runs": found}

    @router.get("/{ref}")
    async def show(ref: str) -> dict[str, Any]:
        """A run as its events tell it."""
        return view_json(await view_of(local, ref))

    @router.get("/{ref}/events", response_model=None)
    async def events(
        ref: str,
        after: Annotated[int, Query(ge=0)] = 0,
        accept: Annotated[str, Header()] = "",
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response | dict[str, Any]:
        """The events after a seq: a JSON list for `Accept: application/json`, else a stream that goes on until the end.

        `Last-Event-ID` wins over `after`. 204 tells an EventSource that the run has ended and there is nothing more.
        """
        if last_event_id is not None:
            if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 15:
                raise Misuse("Last-Event-ID is not the seq of an event.")
            after = int(last_event_id)
        run = await local.run(ref)
        if "application/json" in accept:
            return {"events": plain(await asyncio.to_thread(local.store.events, run.id, after))}
        if run.status in ENDED and not await asyncio.to_thread(local.store.events, run.id, after):
            return Response(status_code=204)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(sse(local.follow(run.id, after)), media_type="text/event-stream", headers=headers)

    @router.post("/{ref}/cancel")
    async def cancel(ref: str) -> Run:
        """End a run; what it made is kept."""
        return await local.cancel(ref)

    @router.post("/{ref}/resume")
    async def resume(ref: str) -> Run:
        """Take up a run that stopped, after its last finished step."""
        return await local.resume(ref)

    @router.post("/{ref}/reproduce", status_code=201)
    async def reproduce(ref: str) -> Run:
        """Begin to run a run's notebook again in a fresh sandbox; the new run ends with every artifact compared."""
        return await local.reproduce(ref)

    @router.get("/{ref}/export.zip")
    async def export(ref: str) -> FileResponse:
        """A run's notebook, reports, findings, plots and inputs as a zip."""
        run = await local.run(ref)
        return await _zipped(local, run)

    return router


async def _zipped(local: Local, run: Run) -> FileResponse:
    handle, name = tempfile.mkstemp(prefix="gristmill-", suffix=".zip")
    os.close(handle)
    target = Path(name)
    try:
        await run_zip(local, run.id, target)
    except BaseException:
        os.unlink(name)
        raise
    return FileResponse(
        target,
        media_type="application/zip",
        headers={"Content-Disposition": disposition("attachment", f"{run.id}.zip")},
        background=BackgroundTask(target.unlink, missing_ok=True),
    )


def _artifacts(local: Local) -> APIRouter:
    router = APIRouter()

    @router.get("")
    async def list_(
        run: str | None = None,
        role: ArtifactRole | None = None,
        text: str | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
    ) -> dict[str, Any]:
        """Artifacts, the newest first."""
        return {"artifacts": plain(await local.artifacts(run=run, role=role, text=text, limit=limit))}

    @router.get("/{ref}")
    async def show(ref: str) -> dict[str, Any]:
        """What is known of an artifact."""
        return cast(dict[str, Any], plain(await local.artifact(ref)))

    @router.get("/{ref}/content")
    async def content(ref: str, preview: bool = False, download: bool = False) -> FileResponse:
        """An artifact's bytes. HTML and SVG are a download, unless `preview=1` asks for them in a sandboxed frame."""
        artifact = await local.artifact(ref)
        mode: Mode = "download" if download else "preview" if preview else "show"
        return respond(artifact, local.store.path(artifact), mode)

    return router


def _notebooks(local: Local, templates: Path | None) -> APIRouter:
    router = APIRouter()

    @router.get("")
    async def list_() -> dict[str, Any]:
        """The template notebooks and their parameters."""
        found = await asyncio.to_thread(catalog, templates)
        return {"notebooks": [{k: v for k, v in plain(t).items() if k != "path"} for t in found]}

    @router.post("/run", status_code=201)
    async def run(request: Request) -> Run:
        """Run a template (`name`) or an uploaded notebook (`notebook`) with `params`, a JSON object.

        A file for a parameter is uploaded as `param:NAME`; where `params` has a list for it, each adds to the list. A
        file that the notebook is to find beside it is uploaded as `file:PATH`. No other file of this machine is read.
        `limit` is how many seconds a cell may take (default: any); with `allow_errors` none that fails stops it.
        """
        form = await request.form()
        params = _object(form.get("params"), "params")
        name = form.get("name")
        limit = _json(form.get("limit"), "limit", float, 0.0)
        options = {"execution_timeout": limit} if limit else {}
        options |= {"allow_errors": True} if _json(form.get("allow_errors"), "allow_errors", bool, False) else {}
        files: dict[str, Path] = {}
        folder = await asyncio.to_thread(uploads.folder, local.store.home)
        try:
            for field, value in form.multi_items():
                if not isinstance(value, Uploaded):
                    continue
                into = Path(tempfile.mkdtemp(dir=folder)) if field.startswith("file:") else folder
                kept = await asyncio.to_thread(uploads.keep, value.file, value.filename, into)
                if field.startswith("file:"):
                    files[_beside(field.removeprefix("file:"))] = kept
                elif field.startswith("param:"):
                    _give(params, field.removeprefix("param:"), str(kept))
                elif field == "notebook":
                    name = str(kept)
            if not isinstance(name, str) or not name:
                raise Misuse("Give the name of a template, or upload a notebook.")
            with _without_path(folder):
                started = await local.start_notebook(name, params, only_below=folder, files=files, options=options)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        _when_over(local, started, folder)
        return started

    return router


def _beside(name: str) -> str:
    """A path of a file beside a notebook. Raises Misuse for one that leads elsewhere."""
    if name != safe_name(name):
        raise Misuse(f"{name!r} is no path of a file beside a notebook; name it as in file:data/trees.csv.")
    return name


def _give(params: dict[str, Any], name: str, path: str) -> None:
    listed = params.get(name)
    params[name] = [*listed, path] if isinstance(listed, list) else path


@contextmanager
def _without_path(folder: Path) -> Iterator[None]:
    """Complain of an upload by the name that the person gave it, not by where it lay here."""
    try:
        yield
    except sentences() as error:
        if status_of(error) != 2:
            raise
        raise Misuse(str(error).replace(f"{folder}{os.sep}", "")) from error


def _when_over(local: Local, run: Run, folder: Path) -> None:
    """Remove a request's files when its run has ended: until then it may still read them."""

    async def clean() -> None:
        await local.workbench.wait(run.id)
        await asyncio.to_thread(shutil.rmtree, folder, True)

    task = asyncio.create_task(clean())
    _CLEANING.add(task)
    task.add_done_callback(_CLEANING.discard)


_CLEANING: set[asyncio.Task[None]] = set()  # the loop itself holds a task only weakly


def _schedules(local: Local) -> APIRouter:
    router = APIRouter()

    @router.get("")
    async def list_() -> dict[str, Any]:
        """Schedules with their next time and their firings."""
        return {"schedules": plain(await local.schedules())}

    @router.post("", status_code=201)
    async def add(schedule: Schedule) -> dict[str, Any]:
        """Add a schedule. Its id and time are given here; its files are paths on this machine."""
        fresh = schedule.model_copy(update={"id": new_id("sch"), "created_at": now()})
        return cast(dict[str, Any], plain(await local.add_schedule(fresh)))

    @router.post("/{ref}/run", status_code=201)
    async def run(ref: str) -> Run:
        """Do a schedule's work now, out of turn."""
        return await local.fire(ref)

    @router.delete("/{ref}")
    async def remove(ref: str) -> Schedule:
        """Remove a schedule. The runs that it made stay."""
        return await local.remove_schedule(ref)

    return router


def _roles(text: str) -> dict[str, str]:
    roles = _object(text, "roles")
    if not all(isinstance(column, str) for column in roles.values()):
        raise Misuse('roles gives each role a column by its name, such as {"target": "price"}.')
    return roles


def _json[T](text: object, name: str, kind: type[T], default: T) -> T:
    """A field's value as JSON has it; `default` where it is not given. Raises Misuse for another type."""
    if not text:
        return default
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        value = None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, float) and not 0 <= value < 10**9):
        raise Misuse(f"{name} is to be {'a number of seconds' if kind is float else 'true or false'}.")
    return value


def _object(text: object, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) and text else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Misuse(f"{name} is not a JSON object.")
    return value


async def _sentence(_: Request, error: Exception) -> Response:
    if isinstance(error, NotFound):
        status = 404
    elif status_of(error) == 2:
        status = 422
    elif isinstance(error, StoreError | GatewayError):
        status = 503
    else:
        status = 409
    return _error(status, type(error).__name__, str(error))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "registered for this family alone"
    problems: Sequence[Any] = error.errors()
    told = "; ".join(f"{'.'.join(str(p) for p in e['loc'][1:]) or e['loc'][0]}: {e['msg']}" for e in problems[:5])
    return _error(422, "Invalid", f"The request is not as it should be: {told}.")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for this family alone"
    return _error(
        error.status_code,
        "Refused",
        f"{str(error.detail).rstrip('.')}. The interface is described in /api/openapi.json.",
    )


def _error(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"error": {"kind": kind, "message": message}}, status)
