"""Projects over REST, under /api/projects: what they are, and their files."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel

from artifacts.threads import in_own_thread
from gristmill.local import Local
from gristmill.plain import plain
from gristmill.projects import ProjectShown
from gristmill.web import schemas, uploads
from gristmill.web.content import disposition
from notebooks.projects import Project, wanted

ASKED = Project(name="shop", about="The web shop's figures", settings={"model": "playbook"}, created_at=schemas.BEGUN)
SHOWN = ProjectShown(**dict(ASKED), files={"sales.csv": 4_200}, agents=("economist",), runs=3, folder="projects/shop")


class ProjectList(BaseModel):
    """Every project, that of runs without one first."""

    projects: list[ProjectShown]


class Wanted(BaseModel):
    """A project that is to be made."""

    name: str
    about: str = ""
    template: str | None = None
    settings: dict[str, str] = {}


def projects(local: Local) -> APIRouter:
    """The routes, on an open backend."""
    router = APIRouter()
    own = local.projects

    @router.get("", **schemas.answer(ProjectList, {"projects": [SHOWN]}))
    async def list_() -> dict[str, Any]:
        """Every project with its settings and how many runs it has; without files."""
        return {"projects": plain(await own.all())}

    @router.post("", **schemas.answer(ProjectShown, SHOWN, status=201, description="It is made."))
    async def create(asked: Annotated[Wanted, Body(examples=[{"name": "shop", "about": "Figures"}])]) -> dict[str, Any]:
        """Make a project. `settings` may have model, agent, budget and approve; `template` names an environment."""
        return cast(dict[str, Any], plain(await own.create(wanted(**asked.model_dump()))))

    @router.get("/{name}", **schemas.answer(ProjectShown, SHOWN))
    async def show(name: str) -> dict[str, Any]:
        """A project with the sizes of its files."""
        return cast(dict[str, Any], plain(await own.get(name)))

    @router.delete("/{name}", **schemas.answer(ProjectShown, SHOWN))
    async def delete(name: str) -> dict[str, Any]:
        """Delete a project with its files, agents, tools and settings, and answer with what it was. Its runs stay."""
        return cast(dict[str, Any], plain(await own.delete(name)))

    @router.put("/{name}/files/{path:path}", status_code=204)
    async def put(request: Request, name: str, path: str) -> Response:
        """Put a file into a project: the body is its bytes. The next sandbox of the project has it in `project/`."""
        folder = await asyncio.to_thread(uploads.folder, local.store.home)
        try:
            with tempfile.NamedTemporaryFile(dir=folder) as file:
                async for piece in request.stream():
                    await asyncio.to_thread(file.write, piece)
                file.flush()
                await own.put(name, path, Path(file.name))
        finally:
            await in_own_thread(shutil.rmtree, folder, ignore_errors=True)
        return Response(status_code=204)

    @router.get("/{name}/files/{path:path}", **schemas.file("*/*", "The bytes."))
    async def read(name: str, path: str) -> Response:
        """The bytes of a project's file, as a download."""
        data = await own.read(name, path)
        headers = {"Content-Disposition": disposition("attachment", path.rpartition("/")[2])}
        return Response(data, media_type="application/octet-stream", headers=headers)

    @router.delete("/{name}/files/{path:path}", status_code=204)
    async def remove(name: str, path: str) -> Response:
        """Remove a file of a project."""
        await own.remove(name, path)
        return Response(status_code=204)

    return router
