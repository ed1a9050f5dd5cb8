"""Notebooks with parameters over REST."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile as Uploaded

from artifacts.threads import in_own_thread
from artifacts.types import Run
from gristmill.errors import Misuse
from gristmill.local import Local
from gristmill.plain import plain
from gristmill.web import schemas, uploads
from gristmill.web.forms import json_field, object_field, without_path
from notebooks.catalog import catalog
from notebooks.files import safe_name


def notebooks(local: Local, templates: Path | None) -> APIRouter:
    """The routes below /api/notebooks, on an open backend; `templates` is the folder of the user's own."""
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
        params = object_field(form.get("params"), "params")
        name = form.get("name")
        limit = json_field(form.get("limit"), "limit", float, 0.0)
        options: dict[str, Any] = {"execution_timeout": limit} if limit else {}
        options |= {"allow_errors": True} if json_field(form.get("allow_errors"), "allow_errors", bool, False) else {}
        if folders := json_field(form.get("folders"), "folders", list, []):
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
            with without_path(folder):
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
