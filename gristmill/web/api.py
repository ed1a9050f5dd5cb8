"""The REST interface: everything the dashboard and the terminal can do, under /api/."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, FastAPI, File, Form, Header, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile as Uploaded
from starlette.exceptions import HTTPException

from artifacts.events import RunStarted, RunView
from artifacts.store import ArtifactDamaged, NotFound, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import Artifact, ArtifactRole, Decision, Run, RunStatus, Turn
from graphs.budget import read_budget
from graphs.errors import InputError
from graphs.request import Approve, asked_in, terms_of
from gristmill import __version__
from gristmill.archive import run_zip
from gristmill.backend import branches_of
from gristmill.errors import Misuse, sentences, status_of
from gristmill.local import Local
from gristmill.plain import answers_json, plain, turn_json, view_json
from gristmill.web import schemas, uploads
from gristmill.web.cells import cells
from gristmill.web.content import Mode, disposition, respond
from gristmill.web.projects import projects
from gristmill.web.record import record
from gristmill.web.reference import Described, reference_page
from gristmill.web.schedules import schedules
from gristmill.web.stream import sse
from gristmill.web.tasks import tasks
from kernel_gateway.client import GatewayError
from notebooks.catalog import catalog
from notebooks.files import safe_name
from notebooks.projects import NoProject

ANSWERS_WITHIN = 10.0  # seconds in which the record of a healthy server reads and writes, however busy it is
ENDED = ("waiting", "done", "failed", "cancelled", "interrupted")


def build_api(local: Local, *, templates: Path | None = None, cookie: str = "gristmill") -> FastAPI:
    """The interface on an open backend. What it needs of a caller's right to be here, the guard has asked already.

    `cookie` is the name of the guard's, for the description.
    """
    api = Described(cookie)
    api.include_router(
        _runs(local), prefix="/api/runs", tags=["runs"], responses=schemas.refusals(404, 409, 413, 422, 500, 503)
    )
    api.include_router(cells(local), prefix="/api/runs", tags=["cells"], responses=schemas.refusals(404, 409, 422, 503))
    api.include_router(tasks(local), prefix="/api/runs", tags=["runs"], responses=schemas.refusals(404, 422, 503))
    api.include_router(_ask(local), prefix="/api/ask", tags=["runs"], responses=schemas.refusals(413, 422, 503))
    api.include_router(
        _artifacts(local), prefix="/api/artifacts", tags=["artifacts"], responses=schemas.refusals(404, 422, 500, 503)
    )
    api.include_router(
        _notebooks(local, templates),
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

    for family in sentences():
        api.add_exception_handler(family, _sentence)
    api.add_exception_handler(ArtifactDamaged, _damaged)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _refused)
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


def _runs(local: Local) -> APIRouter:
    router = APIRouter()

    @router.post("", **schemas.answer(Run, schemas.RUN, status=201, description="It has begun."))
    async def start(
        question: Annotated[str, Form(description="What you want to know.", examples=[schemas.RUN.goal])] = "",
        files: Annotated[
            list[UploadFile], File(description="CSV, TSV, Parquet, JSON lines or Excel.", examples=["@sales.csv"])
        ] = [],  # noqa: B006  # FastAPI reads it, nobody changes it
        model: Annotated[str | None, Form(description="Default: `GRISTMILL_MODEL`.")] = None,
        roles: Annotated[
            str, Form(description='A JSON object of role to column, such as `{"target": "price"}`.')
        ] = "{}",
        rerun: Annotated[
            bool | None,
            Form(description="Whether the review runs the notebook again (default: `GRISTMILL_RERUN`)."),
        ] = None,
        agent: Annotated[str, Form(description="Who writes the cells, in place of the coder.")] = "",
        budget: Annotated[str, Form(description="What it may use: `tokens=20000,usd=0.5,minutes=10,cells=30`.")] = "",
        approve: Annotated[Approve, Form(description="Which calls wait for a person.")] = "auto",
        unattended: Annotated[bool, Form(description="Wait for nobody; take the defaults.")] = False,
        project: Annotated[str, Form(description="The project that it belongs to.")] = "",
        images: Annotated[bool | None, Form(description="Whether the model is shown plots as pictures.")] = None,
    ) -> Run:
        """Begin to answer a question of the uploaded files."""
        told = {"agent": agent, "budget": budget, "approve": approve, "unattended": unattended}
        terms = terms_of(told | {"project": project, "images": images})
        async with _kept(local, files) as paths:
            return await local.start(
                question, paths, model=model or None, roles=_roles(roles), rerun=rerun, terms=terms
            )

    @router.get("", **schemas.answer(schemas.Runs, {"runs": [schemas.RUN], "total": 1}))
    async def list_(
        limit: Annotated[int, Query(ge=1, le=10_000)] = 50,
        offset: Annotated[int, Query(ge=0, le=10**12)] = 0,
        status: RunStatus | None = None,
        agent: str | None = None,
        text: str | None = None,
        project: str | None = None,
    ) -> dict[str, Any]:
        """Runs, the newest first; `total` is how many there are without `limit` and `offset`.

        Runs that name no project are those of the project `default`."""
        found = await local.runs(limit=limit, offset=offset, status=status, agent=agent, text=text, project=project)
        return {"runs": plain(found), "total": found.total}

    @router.get("/{ref}", **schemas.answer(schemas.RunShown, RunView(run=schemas.RUN, last_seq=1)))
    async def show(ref: str) -> dict[str, Any]:
        """A run as its events tell it."""
        run = await local.run(ref)
        branches = await branches_of(local, run)
        return await in_own_thread(lambda: view_json(local.store.view(run.id), branches))

    @router.get("/{ref}/answers", **schemas.answer(schemas.Answered, schemas.ANSWERED))
    async def answers(ref: str, question: str = "") -> dict[str, Any]:
        """How the question of a run came out, with each part's sentence and values; of several questions, `question` is
        the id of the one that is meant."""
        run = await local.run(ref)
        view = await in_own_thread(local.store.view, run.id)
        return answers_json(run.id, [a for a in view.answers if not question or a.question == question])

    begun = RunStarted(run_id=schemas.RUN.id, seq=1, at=schemas.BEGUN, run=schemas.RUN)
    told = schemas.answer(schemas.Events, {"events": [begun]})
    told["responses"][200]["content"]["text/event-stream"] = {
        "schema": {"type": "string"},
        "example": f"id: 1\nevent: run_started\ndata: {begun.model_dump_json()}\n\n",
    }
    told["responses"][204] = {"description": "The run has ended, and there is no event after that one."}

    @router.get("/{ref}/events", **told)
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
            return {"events": await in_own_thread(lambda: plain(local.store.events(run.id, after)))}
        if run.status in ENDED and not await in_own_thread(local.store.events, run.id, after):
            return Response(status_code=204)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(sse(local.follow(run.id, after)), media_type="text/event-stream", headers=headers)

    ended = schemas.RUN.model_copy(update={"status": "cancelled", "ended_at": schemas.BEGUN})

    @router.post("/{ref}/cancel", **schemas.answer(Run, ended))
    async def cancel(ref: str) -> Run:
        """End a run; what it made is kept."""
        return await local.cancel(ref)

    @router.post("/{ref}/resume", **schemas.answer(Run, schemas.RUN))
    async def resume(
        ref: str,
        budget: Annotated[str, Form(description="What it may use from now on: `tokens=40000`.")] = "",
    ) -> Run:
        """Take up a run that stopped, after its last finished step."""
        return await local.resume(ref, budget=read_budget(budget) if budget else None)

    @router.post("/{ref}/ask", **schemas.answer(schemas.TurnTold, schemas.TURN))
    async def ask_run(
        ref: str,
        text: Annotated[str, Form(description="What is said.", examples=["and by island?"])] = "",
        queue: Annotated[bool, Form(description="Let it wait for the end of the turn under way.")] = False,
    ) -> dict[str, Any]:
        """Ask a run a further question, which may change its last one; answers when the turn that took it up has ended.

        While a turn is under way its agents hear it before their next step; what they have not heard by the turn's end
        becomes the next turn. Meanwhile the run's events tell how far it is.
        """
        run = await local.run(ref)
        turn = await local.ask_run(run.id, text, queue=queue)
        view = await in_own_thread(local.store.view, run.id)
        return turn_json(view, turn)

    @router.post("/{ref}/say", **schemas.answer(schemas.SaidTold, schemas.SAID, status=202, description="It is kept."))
    async def say(
        ref: str,
        text: Annotated[str, Form(description="What is said.", examples=["only females, please"])] = "",
        queue: Annotated[bool, Form(description="Let it wait for the end of the turn under way.")] = False,
    ) -> dict[str, Any]:
        """Say something to a run as with `ask`, and go on at once: its events tell what comes of it."""
        said = await local.say(ref, text, queue=queue)
        begun = isinstance(said, Turn)
        return {"turn": plain(said) if begun else None, "message": None if begun else plain(said)}

    stopped = schemas.RUN.model_copy(update={"status": "cancelled", "ended_at": schemas.BEGUN})

    @router.post("/{ref}/stop", **schemas.answer(Run, stopped))
    async def stop(ref: str) -> Run:
        """End the turn that is under way; the run stays open for the next one."""
        return await local.stop(ref)

    @router.post("/{ref}/answer", **schemas.answer(Run, schemas.RUN))
    async def answer(
        ref: str,
        text: Annotated[str, Form(description="The answer.", examples=["2025"])] = "",
        question_id: Annotated[str, Form(description="Which question; default: the oldest that is open.")] = "",
    ) -> Run:
        """Answer what an agent asked; the run goes on. Only the first answer counts."""
        return await local.answer(ref, text, question_id=question_id or None)

    @router.post("/{ref}/decide", **schemas.answer(Run, schemas.RUN))
    async def decide(
        ref: str,
        decision: Annotated[Decision | None, Form(description="What becomes of the step that waits.")] = None,
        approval_id: Annotated[str, Form(description="Which step; default: the oldest that waits.")] = "",
        edited: Annotated[str, Form(description="With `edited`: other arguments for it, a JSON object.")] = "",
        reason: Annotated[str, Form(description="What the agent is told.")] = "",
    ) -> Run:
        """Decide on a step that waits for approval; the run goes on. Only the first decision counts."""
        if decision is None:
            raise InputError(f"Say what becomes of the step that waits in {(await local.run(ref)).id}: decision.")
        return await local.decide(ref, decision, approval_id=approval_id or None, edited=edited or None, reason=reason)

    again = schemas.RUN.model_copy(update={"agent": "reproduce", "parent_id": "run_01m3v8x0a1b2cc"})

    @router.post("/{ref}/reproduce", **schemas.answer(Run, again, status=201, description="It has begun."))
    async def reproduce(ref: str) -> Run:
        """Begin to run a run's notebook again in a fresh sandbox; the new run ends with every artifact compared."""
        return await local.reproduce(ref)

    @router.get("/{ref}/export.zip", **schemas.file("application/zip", "The zip."))
    async def export(ref: str) -> FileResponse:
        """A run's notebook, reports, findings, plots and inputs as a zip."""
        run = await local.run(ref)
        return await _zipped(local, run)

    return router


def _ask(local: Local) -> APIRouter:
    router = APIRouter()
    begun = schemas.RUN.model_copy(update={"agent": "ask", "goal": schemas.QUESTION})

    @router.post("", **schemas.answer(Run, begun, status=201, description="It has begun."))
    async def ask(
        question: Annotated[str, Form(description="What you want to know.", examples=[schemas.QUESTION])] = "",
        files: Annotated[
            list[UploadFile], File(description="CSV, TSV, Parquet, JSON lines or Excel.", examples=["@sales.csv"])
        ] = [],  # noqa: B006  # FastAPI reads it, nobody changes it
        query: Annotated[
            str, Form(description="What the question means: a query as JSON, or a list with one for each part.")
        ] = "",
        questions: Annotated[
            str,
            Form(description='Several questions instead of one: a JSON list of `{"id", "question", "query"}`.'),
        ] = "",
        model: Annotated[str | None, Form(description="Default: `GRISTMILL_MODEL`.")] = None,
        roles: Annotated[
            str, Form(description='A JSON object of role to column, such as `{"target": "price"}`.')
        ] = "{}",
        agent: Annotated[str, Form(description="Who writes the cells, in place of the coder.")] = "",
        budget: Annotated[str, Form(description="What it may use: `tokens=20000,usd=0.5,minutes=10,cells=30`.")] = "",
        approve: Annotated[Approve, Form(description="Which calls wait for a person.")] = "auto",
        unattended: Annotated[bool, Form(description="Wait for nobody; take the defaults.")] = False,
        project: Annotated[str, Form(description="The project that it belongs to.")] = "",
        images: Annotated[bool | None, Form(description="Whether the model is shown plots as pictures.")] = None,
    ) -> Run:
        """Begin to answer a question of the uploaded files, and no more than that.

        The answer is told by the run's events, and at its end by `GET /api/runs/{run}/answers`.
        """
        asked = asked_in(question, query, questions)
        told = {"agent": agent, "budget": budget, "approve": approve, "unattended": unattended}
        terms = terms_of(told | {"project": project, "images": images})
        async with _kept(local, files) as paths:
            return await local.ask(asked, paths, model=model or None, roles=_roles(roles), terms=terms)

    return router


@asynccontextmanager
async def _kept(local: Local, files: Sequence[UploadFile]) -> AsyncIterator[list[Path]]:
    """Uploads as files, as long as a run is begun with them: it has its inputs in the record then."""
    folder = await asyncio.to_thread(uploads.folder, local.store.home)
    try:
        with _without_path(folder):
            yield [await in_own_thread(uploads.keep, f.file, f.filename, folder) for f in files]
    finally:
        await in_own_thread(shutil.rmtree, folder, ignore_errors=True)


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


def _notebooks(local: Local, templates: Path | None) -> APIRouter:
    router = APIRouter()

    @router.get("", **schemas.answer(schemas.Notebooks, {"notebooks": [schemas.NOTEBOOK]}))
    async def list_() -> dict[str, Any]:
        """The template notebooks and their parameters."""
        found = await asyncio.to_thread(catalog, templates)
        return {"notebooks": [{k: v for k, v in plain(t).items() if k != "path"} for t in found]}

    begun = schemas.RUN.model_copy(update={"agent": "notebook", "goal": schemas.NOTEBOOK.title})

    @router.post(
        "/run",
        openapi_extra=schemas.NOTEBOOK_FORM,
        **schemas.answer(Run, begun, status=201, description="It has begun."),
    )
    async def run(request: Request) -> Run:
        """Run a template or an uploaded notebook with parameters.

        A file for a parameter is uploaded as `param:NAME`, one that the notebook is to find beside it as `file:PATH`.
        No other file of this machine is read.
        """
        form = await request.form()
        params = _object(form.get("params"), "params")
        name = form.get("name")
        limit = _json(form.get("limit"), "limit", float, 0.0)
        options: dict[str, Any] = {"execution_timeout": limit} if limit else {}
        options |= {"allow_errors": True} if _json(form.get("allow_errors"), "allow_errors", bool, False) else {}
        if folders := _json(form.get("folders"), "folders", list, []):
            options |= {"folders": [_beside(str(one)) for one in folders]}
        files: dict[str, Path] = {}
        folder = await asyncio.to_thread(uploads.folder, local.store.home)
        try:
            for field, value in form.multi_items():
                a_file = field.startswith(("param:", "file:"))
                if not a_file and field not in schemas.NOTEBOOK_FIELDS:
                    raise Misuse(f"There is no field {field!r}. {_FIELDS}")
                if not isinstance(value, Uploaded):
                    if a_file:
                        raise Misuse(f"{field} takes a file, and text came; other values go into params.")
                    continue
                into = Path(tempfile.mkdtemp(dir=folder)) if field.startswith("file:") else folder
                kept = await in_own_thread(uploads.keep, value.file, value.filename, into)
                if field.startswith("file:"):
                    files[_beside(field.removeprefix("file:"))] = kept
                elif field.startswith("param:"):
                    _give(params, field.removeprefix("param:"), str(kept))
                elif field == "notebook":
                    name = str(kept)
            if not isinstance(name, str) or not name:
                raise Misuse("Give the name of a template, or upload a notebook.")
            with _without_path(folder):
                project = str(form.get("project") or "") or None
                return await local.start_notebook(
                    name, params, only_below=folder, files=files, options=options, project=project
                )
        finally:
            await in_own_thread(shutil.rmtree, folder, ignore_errors=True)

    return router


_FIELDS = f"The fields are {', '.join(schemas.NOTEBOOK_FIELDS)}; files are param:NAME or file:PATH."


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


def _roles(text: str) -> dict[str, str]:
    roles = _object(text, "roles")
    if not all(isinstance(column, str) for column in roles.values()):
        raise Misuse('roles gives each role a column by its name, such as {"target": "price"}.')
    return roles


_WANTED: dict[type, str] = {float: "a number of seconds", bool: "true or false", list: "a JSON list of names"}


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
        raise Misuse(f"{name} is to be {_WANTED[kind]}.")
    return value


def _object(text: object, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if isinstance(text, str) and text else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Misuse(f"{name} is not a JSON object.")
    return value


_REMEDIES = {
    "reproduce": "POST /api/runs/{run}/reproduce makes them again.",
    "export": "GET /api/runs/{run}/export.zip has this file, written anew from the record.",
    "give": "They came with {run}: POST a question of the same file again, and its bytes are stored anew.",
}


async def _damaged(_: Request, error: Exception) -> Response:
    assert isinstance(error, ArtifactDamaged), "registered for this family alone"
    artifact = error.artifact
    message = f"{error.fault} {_REMEDIES[error.remedy].format(run=artifact.run_id)}"
    return _error(500, "ArtifactDamaged", message, artifact=plain(artifact), why=error.why)


async def _sentence(_: Request, error: Exception) -> Response:
    if isinstance(error, (NotFound, NoProject)):
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
        f"{str(error.detail).rstrip('.')}. /api/docs describes the interface.",
    )


def _error(status: int, kind: str, message: str, **more: Any) -> Response:
    return JSONResponse({"error": {"kind": kind, "message": message, **more}}, status)
