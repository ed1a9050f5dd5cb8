"""Runs over REST: what begins them, shows them and ends them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Header, Query, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask

from artifacts.events import RunStarted, RunView
from artifacts.threads import in_own_thread
from artifacts.types import Run, RunStatus
from graphs.budget import read_budget
from graphs.request import Approve, Terms, asked_in, terms_of
from gristmill.archive import run_zip
from gristmill.backend import branches_of
from gristmill.errors import Misuse
from gristmill.local import Local
from gristmill.plain import answers_json, plain, view_json
from gristmill.web import schemas
from gristmill.web.content import disposition
from gristmill.web.forms import FormRoute, kept, roles_field
from gristmill.web.stream import sse

_Asked = Annotated[str, Form(description="What you want to know.", examples=[schemas.RUN.goal])]
_Files = Annotated[
    list[UploadFile], File(description="CSV, TSV, Parquet, JSON lines or Excel.", examples=["@sales.csv"])
]
_Model = Annotated[str | None, Form(description="Default: `GRISTMILL_MODEL`.")]
_Roles = Annotated[str, Form(description='A JSON object of role to column, such as `{"target": "price"}`.')]
_Agent = Annotated[str, Form(description="Who writes the cells, in place of the coder.")]
_Budget = Annotated[str, Form(description="What it may use: `tokens=20000,usd=0.5,minutes=10,cells=30,usd=0.1/turn`.")]
_Approve = Annotated[Approve, Form(description="Which calls wait for a person.")]
_Unattended = Annotated[bool, Form(description="Wait for nobody; take the defaults.")]
_Project = Annotated[str, Form(description="The project that it belongs to.")]
_Images = Annotated[bool | None, Form(description="Whether the model is shown plots as pictures.")]
_Out = Annotated[
    str, Form(description="The folder in which you write its results: `gristmill runs resume` writes them there, too.")
]

ENDED = ("waiting", "done", "failed", "cancelled", "interrupted")


def _terms(
    agent: _Agent = "",
    budget: _Budget = "",
    approve: _Approve = "auto",
    unattended: _Unattended = False,
    project: _Project = "",
    images: _Images = None,
    out: _Out = "",
) -> Terms:
    told = {"agent": agent, "budget": budget, "approve": approve, "unattended": unattended}
    return terms_of(told | {"project": project, "images": images, "out": out})


_Terms = Annotated[Terms, Depends(_terms)]


def runs(local: Local) -> APIRouter:
    """The routes below /api/runs, on an open backend."""
    router = APIRouter(route_class=FormRoute)

    @router.post("", **schemas.answer(Run, schemas.RUN, status=201, description="It has begun."))
    async def start(
        terms: _Terms,
        question: _Asked = "",
        files: _Files = [],  # noqa: B006  # FastAPI reads it, nobody changes it
        model: _Model = None,
        roles: _Roles = "{}",
        rerun: Annotated[
            bool | None,
            Form(description="Whether the review runs the notebook again (default: `GRISTMILL_RERUN`)."),
        ] = None,
    ) -> Run:
        """Begin to answer a question of the uploaded files."""
        async with kept(local, files) as paths:
            return await local.start(
                question, paths, model=model or None, roles=roles_field(roles), rerun=rerun, terms=terms
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


def ask(local: Local) -> APIRouter:
    """The route /api/ask, on an open backend."""
    router = APIRouter(route_class=FormRoute)
    begun = schemas.RUN.model_copy(update={"agent": "ask", "goal": schemas.QUESTION})

    @router.post("", **schemas.answer(Run, begun, status=201, description="It has begun."))
    async def ask(
        terms: _Terms,
        question: _Asked = "",
        files: _Files = [],  # noqa: B006  # FastAPI reads it, nobody changes it
        query: Annotated[
            str, Form(description="What the question means: a query as JSON, or a list with one for each part.")
        ] = "",
        questions: Annotated[
            str,
            Form(description='Several questions instead of one: a JSON list of `{"id", "question", "query"}`.'),
        ] = "",
        model: _Model = None,
        roles: _Roles = "{}",
    ) -> Run:
        """Begin to answer a question of the uploaded files, and no more than that.

        The answer is told by the run's events, and at its end by `GET /api/runs/{run}/answers`.
        """
        asked = asked_in(question, query, questions)
        async with kept(local, files) as paths:
            return await local.ask(asked, paths, model=model or None, roles=roles_field(roles), terms=terms)

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
