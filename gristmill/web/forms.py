"""What requests bring in forms: uploads as files of ours, and fields that hold JSON."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response, UploadFile
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import Message

from artifacts.threads import in_own_thread
from gristmill.errors import Misuse, sentences, status_of
from gristmill.local import Local
from gristmill.web import uploads


@asynccontextmanager
async def kept(local: Local, files: Sequence[UploadFile]) -> AsyncIterator[list[Path]]:
    """Uploads as files, as long as a run is begun with them: it has its inputs in the record then."""
    folder = await asyncio.to_thread(uploads.folder, local.store.home)
    try:
        with without_path(folder):
            yield [await in_own_thread(uploads.keep, f.file, f.filename, folder) for f in files]
    finally:
        await in_own_thread(shutil.rmtree, folder, ignore_errors=True)


@contextmanager
def without_path(folder: Path) -> Iterator[None]:
    """Complain of an upload by the name that the person gave it, not by where it lay here."""
    try:
        yield
    except sentences() as error:
        if status_of(error) != 2:
            raise
        raise Misuse(str(error).replace(f"{folder}{os.sep}", "")) from error


def roles_field(text: str) -> dict[str, str]:
    """The columns by role in a field of JSON. Raises Misuse."""
    roles = object_field(text, "roles")
    if not all(isinstance(column, str) for column in roles.values()):
        raise Misuse('roles gives each role a column by its name, such as {"target": "price"}.')
    return roles


_WANTED: dict[type, str] = {float: "a number of seconds", bool: "true or false", list: "a JSON list of names"}


def json_field[T](text: object, name: str, kind: type[T], default: T) -> T:
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


def object_field(text: object, name: str) -> dict[str, Any]:
    """The JSON object in a field; an empty one where it is not given. Raises Misuse."""
    try:
        value = json.loads(text) if isinstance(text, str) and text else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Misuse(f"{name} is not a JSON object.")
    return value


class FormRoute(APIRoute):
    """A route whose fields come as a form, or as a JSON object of the same names. An unknown one is refused by name."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = list(_fields(self.dependant))
        if not known:
            return handle

        async def checked(request: Request) -> Response:
            if request.headers.get("content-type", "").partition(";")[0].strip() == "application/json":
                request = _as_form(request, await request.body())
            strange = [name for name in await request.form() if name not in known]
            if strange:
                raise Misuse(f"There is no field {strange[0]!r} here; there are: {', '.join(known)}.")
            return await handle(request)

        return checked


def _fields(dependant: Dependant) -> Iterator[str]:
    """The names of all fields of a form that a route takes, itself or through what it depends on."""
    yield from (field.alias for field in dependant.body_params)
    for one in dependant.dependencies:
        yield from _fields(one)


def _as_form(request: Request, body: bytes) -> Request:
    """The same request with the fields of a JSON object as those of a form."""
    told = object_field(body.decode("utf-8", "replace"), "The body")
    fields = {k: v if isinstance(v, str) else json.dumps(v) for k, v in told.items() if v is not None}
    form = urlencode(fields).encode()
    kept = [(k, v) for k, v in request.scope["headers"] if k not in (b"content-type", b"content-length")]
    headers = [*kept, (b"content-type", b"application/x-www-form-urlencoded")]

    async def receive() -> Message:
        return {"type": "http.request", "body": form, "more_body": False}

    return Request({**request.scope, "headers": headers}, receive)
