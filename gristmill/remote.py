"""The backend that talks to a running server over its REST interface and its stream of events."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import tempfile
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

import httpx

from artifacts.backup import unpack
from artifacts.check import Checked
from artifacts.events import AT_REST, EVENT, Event, Redone, TextDelta, Undone
from artifacts.prune import Pruned
from artifacts.query import Answer, Form
from artifacts.store import ArtifactDamaged
from artifacts.types import Artifact, ArtifactRole, Decision, Fire, Message, Run, RunStatus, Schedule, Turn
from graphs.budget import Budget, budget_text
from graphs.difference import Difference
from graphs.request import Question, Terms, form_of, form_of_terms
from gristmill.backend import Listed, Scheduled
from gristmill.errors import Failed, Misuse, ServerGone
from gristmill.projects import RemoteProjects
from notebooks import catalog
from notebooks.beside import beside
from notebooks.job import default_files
from notebooks.live.edits import Edit, Edited
from notebooks.parameters import read_parameters

_QUICK = httpx.Timeout(30.0, read=60.0)
_PATIENT = httpx.Timeout(30.0, read=None)  # a run may think for minutes between two events
_TRIES = 5


class Remote:
    """A `Backend` behind a URL. Files are uploaded, results downloaded: it needs no folder in common."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_QUICK,
            trust_env=False,  # a proxy cannot know this loopback, and must not see the token
        )
        self.projects = RemoteProjects(self._send)

    async def start(
        self,
        question: str,
        files: Sequence[Path],
        *,
        model: str | None = None,
        roles: Mapping[str, str] | None = None,
        rerun: bool | None = None,
        terms: Terms | None = None,
    ) -> Run:
        form = {"question": question, "roles": json.dumps(dict(roles or {}))}
        if model:
            form["model"] = model
        if rerun is not None:
            form["rerun"] = json.dumps(rerun)
        form |= form_of_terms(terms or Terms())
        return Run.model_validate(await self._upload("/api/runs", form, [("files", path) for path in files]))

    async def ask(
        self,
        questions: Sequence[Question],
        files: Sequence[Path],
        *,
        model: str | None = None,
        roles: Mapping[str, str] | None = None,
        terms: Terms | None = None,
    ) -> Run:
        form = form_of(questions) | {"roles": json.dumps(dict(roles or {}))} | ({"model": model} if model else {})
        form |= form_of_terms(terms or Terms())
        return Run.model_validate(await self._upload("/api/ask", form, [("files", path) for path in files]))

    async def say(self, ref: str, text: str, *, queue: bool = False, budget: Budget | None = None) -> Turn | Message:
        form = {"text": text, "queue": json.dumps(queue)} | _budgeted(budget)
        told = await self._call("POST", f"/api/runs/{_id(ref)}/say", data=form)
        return Turn.model_validate(told["turn"]) if told["turn"] else Message.model_validate(told["message"])

    async def ask_run(self, ref: str, text: str, *, queue: bool = False, budget: Budget | None = None) -> str:
        form = {"text": text, "queue": json.dumps(queue)} | _budgeted(budget)
        told = await self._call("POST", f"/api/runs/{_id(ref)}/ask", data=form, timeout=_PATIENT)
        return str(told["turn"])

    async def stop(self, ref: str) -> Run:
        return Run.model_validate(await self._call("POST", f"/api/runs/{_id(ref)}/stop"))

    async def start_notebook(self, name_or_path: str, params: Mapping[str, Any], *, project: str | None = None) -> Run:
        form, files = await asyncio.to_thread(_notebook_form, name_or_path, params)
        form |= _given(project=project)
        return Run.model_validate(await self._upload("/api/notebooks/run", form, files))

    async def start_prepared(
        self, notebook: Path, files: Mapping[str, Path], *, limit: float, allow_errors: bool, folders: Sequence[str]
    ) -> Run:
        """Begin to run a notebook as it stands, with these files and folders beside it, by their names there.

        `limit` is how many seconds a cell may take, 0 for any; with `allow_errors` none that fails stops the notebook.
        """
        options = {"limit": limit, "allow_errors": allow_errors, "folders": list(folders)}
        form = {name: json.dumps(value) for name, value in options.items()}
        uploads = [("notebook", notebook), *((f"file:{name}", path) for name, path in files.items())]
        return Run.model_validate(await self._upload("/api/notebooks/run", form, uploads))

    async def reproduce(self, ref: str) -> Run:
        return Run.model_validate(await self._call("POST", f"/api/runs/{_id(ref)}/reproduce"))

    async def edit(self, ref: str, edit: Edit) -> Edited:
        told = await self._call("POST", f"/api/runs/{_id(ref)}/edits", json=edit.model_dump(), timeout=_PATIENT)
        return Edited.model_validate(told)

    async def undo(self, ref: str) -> Undone:
        return Undone.model_validate(await self._call("POST", f"/api/runs/{_id(ref)}/undo"))

    async def redo(self, ref: str) -> Redone:
        return Redone.model_validate(await self._call("POST", f"/api/runs/{_id(ref)}/redo"))

    async def branch(self, ref: str, *, at: str | None = None) -> Run:
        return Run.model_validate(await self._call("POST", f"/api/runs/{_id(ref)}/branches", params=_given(at=at)))

    async def diff(self, one: str, other: str) -> Difference:
        return Difference.model_validate(await self._call("GET", f"/api/runs/{_id(one)}/diff/{_id(other)}"))

    async def cancel(self, ref: str) -> Run:
        return Run.model_validate(await self._call("POST", f"/api/runs/{_id(ref)}/cancel"))

    async def resume(self, ref: str, *, budget: Budget | None = None) -> Run:
        return Run.model_validate(await self._call("POST", f"/api/runs/{_id(ref)}/resume", data=_budgeted(budget)))

    async def answer(self, ref: str, text: str, *, question_id: str | None = None) -> Run:
        form = {"text": text} | ({"question_id": question_id} if question_id else {})
        return Run.model_validate(await self._call("POST", f"/api/runs/{_id(ref)}/answer", data=form))

    async def decide(
        self,
        ref: str,
        decision: Decision,
        *,
        approval_id: str | None = None,
        edited: str | None = None,
        reason: str = "",
    ) -> Run:
        told = {"decision": decision, "approval_id": approval_id, "edited": edited, "reason": reason}
        form = {name: value for name, value in told.items() if value}
        return Run.model_validate(await self._call("POST", f"/api/runs/{_id(ref)}/decide", data=form))

    async def follow(self, run_id: str, after: int = 0) -> AsyncIterator[Event | TextDelta]:
        """The stream of a run. A lost connection is taken up again after the last event that came."""
        failures = 0
        while True:
            try:
                async for event in self._stream(run_id, after):
                    failures = 0
                    yield event
                    if not isinstance(event, TextDelta):
                        after = event.seq
                return
            except httpx.TransportError as error:
                failures += 1
                if failures > _TRIES:
                    raise ServerGone(
                        f"The server at {self.url} does not answer any more ({type(error).__name__}). Start it again "
                        f"with `gristmill serve`, then look with `gristmill runs show {run_id}`."
                    ) from error
                await asyncio.sleep(0.2 * 2**failures)

    async def _stream(self, run_id: str, after: int) -> AsyncIterator[Event | TextDelta]:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        async with self._http.stream(
            "GET", f"/api/runs/{_id(run_id)}/events", headers=headers, timeout=_PATIENT
        ) as reply:
            if reply.status_code == 204:
                return
            if reply.status_code != 200:
                await reply.aread()
                _check(reply)
            ended = False
            async for line in reply.aiter_lines():
                if not line.startswith("data:"):
                    continue
                data = json.loads(line[5:])
                if data["kind"] == "text_delta":
                    yield TextDelta.model_validate(data)
                else:
                    event = EVENT.validate_python(data)
                    ended = isinstance(event, AT_REST)
                    yield event
            if not ended:
                raise httpx.RemoteProtocolError("the stream ended before the run did")

    async def events(self, ref: str) -> list[Event]:
        told = await self._call("GET", f"/api/runs/{_id(ref)}/events", headers={"Accept": "application/json"})
        return [EVENT.validate_python(e) for e in told["events"]]

    async def run(self, ref: str) -> Run:
        return Run.model_validate((await self._call("GET", f"/api/runs/{_id(ref)}"))["run"])

    async def runs(
        self,
        *,
        limit: int = 50,
        offset: int = 0,
        status: RunStatus | None = None,
        text: str | None = None,
        project: str | None = None,
    ) -> Listed[Run]:
        params = _given(limit=limit, offset=offset, status=status, text=text, project=project)
        told = await self._call("GET", "/api/runs", params=params)
        return Listed((Run.model_validate(r) for r in told["runs"]), told["total"])

    async def artifact(self, ref: str) -> Artifact:
        return Artifact.model_validate(await self._call("GET", f"/api/artifacts/{_id(ref)}"))

    async def artifacts(
        self,
        *,
        run: str | None = None,
        role: ArtifactRole | None = None,
        text: str | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> Listed[Artifact]:
        params = _given(run=run, role=role, text=text, limit=limit, offset=offset)
        told = await self._call("GET", "/api/artifacts", params=params)
        return Listed((Artifact.model_validate(a) for a in told["artifacts"]), told["total"])

    async def read(self, artifact: Artifact) -> bytes:
        path = f"/api/artifacts/{artifact.id}/content"
        try:
            data = (await self._send("GET", path, timeout=_PATIENT)).content
        except ServerGone:  # or it broke off what turned out wrong on the way: asked for a part, it checks all before
            await self._send("GET", path, timeout=_PATIENT, headers={"Range": "bytes=0-0"})
            raise
        if hashlib.sha256(data).hexdigest() != artifact.sha256:
            raise ArtifactDamaged(artifact, "changed")
        return data

    async def write_out(self, ref: str, directory: Path) -> list[Path]:
        with tempfile.TemporaryFile(prefix="gristmill-export-") as packed:
            await self._download(f"/api/runs/{_id(ref)}/export.zip", packed)
            return await asyncio.to_thread(_unpack, packed, directory)

    async def query(self, sql: str, *, form: Form, rows: int, seconds: float) -> Answer:
        asked = {"sql": sql, "format": form, "limit": rows, "seconds": seconds}
        reply = await self._send("POST", "/api/record/sql", json=asked, timeout=_PATIENT)
        return Answer(reply.content, int(reply.headers["X-Rows"]), reply.headers["X-More"] == "true")

    async def check(self) -> AsyncIterator[Checked]:
        step = None
        try:
            async with self._http.stream("GET", "/api/record/check", timeout=_PATIENT) as reply:
                if not reply.is_success:
                    await reply.aread()
                _check(reply)
                async for line in reply.aiter_lines():
                    told = json.loads(line)
                    damaged = (_damaged(d) for d in told["damaged"])
                    yield (step := Checked(told["done"], told["of"], tuple(damaged)))
        except httpx.TransportError as error:
            raise self._gone(error) from error
        if step is None or step.done < step.of:
            raise Failed("The server ended the check before its end; its log says why.")

    async def export_record(self, directory: Path) -> list[Path]:
        with tempfile.TemporaryDirectory(prefix="gristmill-export-") as folder:
            file = Path(folder) / "export.tar"
            with file.open("wb") as packed:
                await self._download("/api/record/export.tar", packed)
            return await asyncio.to_thread(unpack, file, directory)

    async def backup(self, file: Path) -> None:
        with file.open("wb") as packed:
            await self._download("/api/record/backup.tar", packed)

    async def prune(self, before: datetime, *, dry_run: bool = False) -> Pruned:
        asked = {"before": before.isoformat(), "dry_run": dry_run}
        told = await self._call("POST", "/api/record/prune", json=asked, timeout=_PATIENT)
        return Pruned(**told | {"runs": tuple(told["runs"])})

    async def add_schedule(self, schedule: Schedule) -> Scheduled:
        return _scheduled(await self._call("POST", "/api/schedules", json=schedule.model_dump(mode="json")))

    async def schedules(self) -> list[Scheduled]:
        return [_scheduled(s) for s in (await self._call("GET", "/api/schedules"))["schedules"]]

    async def schedule(self, ref: str, *, limit: int = 20) -> Scheduled:
        return _scheduled(await self._call("GET", f"/api/schedules/{_id(ref)}", params=_given(limit=limit)))

    async def change_schedule(self, ref: str, changes: Mapping[str, Any]) -> Scheduled:
        return _scheduled(await self._call("PATCH", f"/api/schedules/{_id(ref)}", json=dict(changes)))

    async def fire(self, ref: str) -> Run:
        return Run.model_validate(await self._call("POST", f"/api/schedules/{_id(ref)}/run"))

    async def remove_schedule(self, ref: str) -> Schedule:
        return Schedule.model_validate(await self._call("DELETE", f"/api/schedules/{_id(ref)}"))

    async def close(self) -> None:
        await self._http.aclose()

    async def _upload(self, path: str, form: dict[str, str], files: Sequence[tuple[str, Path]]) -> Any:
        with ExitStack() as opened:
            parts = []
            for field, file in files:
                try:
                    parts.append((field, (file.name, opened.enter_context(file.open("rb")))))
                except OSError as error:
                    raise Misuse(f"{file} cannot be read: {error.strerror}.") from error
            return await self._call("POST", path, data=form, files=parts or None, timeout=_PATIENT)

    async def _download(self, path: str, into: IO[bytes]) -> None:
        try:
            async with self._http.stream("GET", path, timeout=_PATIENT) as reply:
                if not reply.is_success:
                    await reply.aread()
                _check(reply)
                async for block in reply.aiter_bytes(1 << 20):
                    into.write(block)
        except httpx.TransportError as error:
            raise self._gone(error) from error

    async def _call(self, method: str, path: str, **more: Any) -> Any:
        return (await self._send(method, path, **more)).json()

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            reply = await self._http.request(method, path, **more)
        except httpx.TransportError as error:
            raise self._gone(error) from error
        _check(reply)
        return reply

    def _gone(self, error: httpx.TransportError) -> ServerGone:
        return ServerGone(
            f"The server at {self.url} does not answer ({type(error).__name__}); start it again with `gristmill serve`."
        )


def _check(reply: httpx.Response) -> None:
    if reply.is_success:
        return
    try:
        told = reply.json()["error"]
        if told["kind"] == "ArtifactDamaged":
            raise _damaged(told)
        message, misuse = str(told["message"]), reply.status_code in (400, 413, 422)
    except (ValueError, KeyError, TypeError):
        message, misuse = f"The server answered {reply.status_code} {reply.reason_phrase}.", False
    raise (Misuse if misuse else Failed)(message)


def _damaged(told: dict[str, Any]) -> ArtifactDamaged:
    return ArtifactDamaged(Artifact.model_validate(told["artifact"]), told["why"])


def _budgeted(budget: Budget | None) -> dict[str, str]:
    return {"budget": budget_text(budget)} if budget is not None else {}


def _id(ref: str) -> str:
    """A reference as a part of an address. Raises Failed for what cannot be one, before it becomes another address."""
    if not re.fullmatch(r"\w+", ref, re.ASCII):
        raise Failed(
            f"{ref!r} is no id; `gristmill runs list` and `gristmill artifacts list` show those that there are."
        )
    return ref


def _given(**params: object) -> dict[str, str]:
    return {k: str(v) for k, v in params.items() if v is not None}


def _notebook_form(name_or_path: str, params: Mapping[str, Any]) -> tuple[dict[str, str], list[tuple[str, Path]]]:
    """The fields and the files of a request to run a notebook: whatever it reads here goes with it."""
    files: list[tuple[str, Path]] = []
    plain = dict[str, Any]()
    for name, value in params.items():
        given = value if isinstance(value, list) else [value]
        files += [(f"param:{name}", Path(v).expanduser()) for v in given if _is_file(v)]
        if isinstance(value, list):
            plain[name] = [v for v in value if not _is_file(v)]
        elif not _is_file(value):
            plain[name] = value
    form = {"params": json.dumps(plain)}
    if _is_file(name_or_path):
        notebook = Path(name_or_path).expanduser()
        read = catalog.read(notebook)
        known = read_parameters(read)
        files += [(f"param:{k}", path) for k, path in default_files(known, params, Path.cwd()).items()]
        found = beside(read, [notebook.absolute().parent])
        for sentence in found.left_out:
            logging.getLogger(__name__).warning(f"Not taken into the sandbox: {sentence}")
        files += [(f"file:{name}", path) for name, path in found.files.items()]
        files.append(("notebook", notebook))
        form["folders"] = json.dumps(found.folders)
    else:
        form["name"] = name_or_path
    return form, files


def _is_file(name: object) -> bool:
    try:
        return isinstance(name, str) and bool(name) and Path(name).expanduser().is_file()
    except (OSError, ValueError):  # too long, or with a null byte: no file's name
        return False


def _scheduled(told: dict[str, Any]) -> Scheduled:
    return Scheduled(
        Schedule.model_validate(told["schedule"]),
        told["next_due"],
        tuple(Fire.model_validate(f) for f in told["fires"]),
    )


def _unpack(packed: IO[bytes], directory: Path) -> list[Path]:
    """Unpack an export. A member that would leave the directory is refused, whoever named it."""
    written = []
    with zipfile.ZipFile(packed) as archive:
        for member in archive.infolist():
            inner = PurePosixPath(member.filename)
            if inner.is_absolute() or ".." in inner.parts or "\\" in member.filename or member.is_dir():
                raise Failed(f"The export holds a file with a path that is not safe: {member.filename!r}.")
            target = directory / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(member))
            written.append(target)
    return written
