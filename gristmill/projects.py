"""Projects behind every door: made, shown, filled and deleted, here or by the running server."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from artifacts.threads import in_own_thread
from artifacts.types import Run, RunStatus
from graphs.errors import InputError
from graphs.request import Request, terms_of
from gristmill.errors import Failed
from kernel_gateway.shared import NoVolumes, Shared, destroy, shared
from notebooks import projects
from notebooks.files import safe_name
from notebooks.projects import NoProject, Project, ProjectError
from notebooks.services import Service, of_project

if TYPE_CHECKING:
    from graphs.workbench import Workbench


class ProjectShown(Project):
    """A project with what belongs to it: the sizes of its files in bytes by their path (None where they were not looked
    at), the names of its own agents and tools, how many runs it has, and the services in their sandboxes that run."""

    files: dict[str, int] | None = None
    services: tuple[Service, ...] = ()
    agents: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    runs: int = 0
    folder: str = ""


class Projects(Protocol):
    """What every door does with projects. Errors are `ProjectError`, and those of the host of the sandboxes."""

    async def all(self) -> list[ProjectShown]:
        """Every project, that of runs without one first; without their files."""
        ...

    async def get(self, name: str) -> ProjectShown:
        """A project with its files."""
        ...

    async def create(self, project: Project) -> ProjectShown:
        """Make a project."""
        ...

    async def delete(self, name: str) -> ProjectShown:
        """Delete a project with its files, agents, tools and settings; its runs stay. Returns what it was."""
        ...

    async def put(self, name: str, path: str, file: Path) -> None:
        """Put a file into a project, over one that may be there."""
        ...

    async def read(self, name: str, path: str) -> bytes:
        """The bytes of a project's file."""
        ...

    async def remove(self, name: str, path: str) -> None:
        """Remove a file of a project."""
        ...


class LocalProjects:
    """The projects of a data folder that this process has open."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench, self._store, self._home = workbench, workbench.store, workbench.store.home

    async def all(self) -> list[ProjectShown]:
        return await in_own_thread(lambda: [self._shown(p) for p in projects.listed(self._home)])

    async def get(self, name: str) -> ProjectShown:
        found = await in_own_thread(lambda: self._shown(projects.get(self._home, name)))
        if name == projects.DEFAULT:
            return found
        running = await of_project(await self._workbench.host(), name)
        there = await self._volume_if_any(name)
        files = await there.files() if there is not None else {}
        return found.model_copy(update={"files": files, "services": tuple(running)})

    async def create(self, project: Project) -> ProjectShown:
        terms_of({k: v for k, v in project.settings.items() if k != "model"})
        made = await asyncio.to_thread(projects.create, self._home, project)
        return await in_own_thread(self._shown, made)

    async def delete(self, name: str) -> ProjectShown:
        if name == projects.DEFAULT:
            raise ProjectError("The default project is that of runs without one, and stays.")
        found = await self.get(name)
        under: tuple[RunStatus, ...] = ("running", "queued", "waiting")
        for status in under:
            if under_way := await in_own_thread(self._under_way, name, status):
                raise ProjectError(f"{under_way[0].id} of {name} is {status}; cancel it first.")
        if (there := await self._volume_if_any(name)) is not None:
            await destroy(await self._workbench.host(), there)
        await in_own_thread(projects.delete, self._home, name)
        return found

    async def put(self, name: str, path: str, file: Path) -> None:
        await asyncio.to_thread(projects.get, self._home, name)
        there = await self._volume(_own(name), make=True)
        assert there is not None
        await there.write(_path(path), await asyncio.to_thread(_bytes, file))

    async def read(self, name: str, path: str) -> bytes:
        await asyncio.to_thread(projects.get, self._home, name)
        there = await self._volume(_own(name))
        data = await there.read(_path(path)) if there is not None else None
        if data is None:
            raise NoProject(f"The project {name} has no file {path!r}; `gristmill project show {name}` lists them.")
        return data

    async def remove(self, name: str, path: str) -> None:
        await self.read(name, path)
        there = await self._volume(name)
        assert there is not None
        await there.remove(_path(path))

    @asynccontextmanager
    async def tables_for(self, request: Request) -> AsyncIterator[tuple[Path, ...]]:
        """The files of a request; the tables of its project where it names none."""
        name = request.terms.project
        if request.files or name in (None, projects.DEFAULT):
            yield request.files
            return
        with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
            found = await projects.tables(self._home, await self._workbench.host(), str(name), Path(folder))
            if not found:
                raise InputError(f"Name a file: the project {name} has no table. `gristmill project put` gives it one.")
            yield tuple(found)

    def _under_way(self, name: str, status: RunStatus) -> list[Run]:
        return self._store.runs(status=status, project=name, limit=1)

    async def _volume(self, name: str, *, make: bool = False) -> Shared | None:
        volume = await asyncio.to_thread(projects.volume, self._home, name)
        return await shared(await self._workbench.host(), volume, make=make)

    async def _volume_if_any(self, name: str) -> Shared | None:
        try:
            return await self._volume(name)
        except NoVolumes:
            return None

    def _shown(self, project: Project) -> ProjectShown:
        place = projects.folder(self._home, project.name)
        own = {what: tuple(sorted(f.stem for f in (place / what).glob(f"*.{end}"))) for what, end in _OWN.items()}
        runs = self._store.count_runs(project=project.name)
        where = "" if project.name == projects.DEFAULT else str(place)
        told: dict[str, Any] = dict(project) | own
        return ProjectShown.model_construct(**told, runs=runs, folder=where, files=None)


class RemoteProjects:
    """The projects of a running server; `send` is how it is asked."""

    def __init__(self, send: Callable[..., Awaitable[Any]]) -> None:
        self._send = send

    async def all(self) -> list[ProjectShown]:
        told = (await self._send("GET", "/api/projects")).json()["projects"]
        return [ProjectShown.model_construct(**p) for p in told]

    async def get(self, name: str) -> ProjectShown:
        return ProjectShown.model_validate((await self._send("GET", f"/api/projects/{_plain(name)}")).json())

    async def create(self, project: Project) -> ProjectShown:
        told = project.model_dump(mode="json", exclude={"created_at"})
        return ProjectShown.model_validate((await self._send("POST", "/api/projects", json=told)).json())

    async def delete(self, name: str) -> ProjectShown:
        return ProjectShown.model_validate((await self._send("DELETE", f"/api/projects/{_plain(name)}")).json())

    async def put(self, name: str, path: str, file: Path) -> None:
        data = await asyncio.to_thread(_bytes, file)
        await self._send("PUT", f"/api/projects/{_plain(name)}/files/{_path(path)}", content=data)

    async def read(self, name: str, path: str) -> bytes:
        data: bytes = (await self._send("GET", f"/api/projects/{_plain(name)}/files/{_path(path)}")).content
        return data

    async def remove(self, name: str, path: str) -> None:
        await self._send("DELETE", f"/api/projects/{_plain(name)}/files/{_path(path)}")


_OWN = {"agents": "md", "tools": "py"}


def settled(home: Path, request: Request) -> Request:
    """A request with the settings of its project where it says nothing itself. Raises ProjectError, InputError."""
    name = request.terms.project
    if name is None or name == projects.DEFAULT:
        return request
    project = projects.get(home, name)
    own = terms_of({k: v for k, v in project.settings.items() if k != "model"} | {"template": project.template})
    said = request.terms.model_dump(exclude_defaults=True)
    terms = own.model_copy(update={n: getattr(request.terms, n) for n in said})
    return request.model_copy(update={"terms": terms, "model": request.model or project.settings.get("model")})


def place_of(home: Path, name: str | None) -> Mapping[str, str]:
    """A project and its environment, as a run's parameters have them."""
    if name is None or name == projects.DEFAULT:
        return {}
    template = projects.get(home, name).template
    return {"project": name} | ({"template": template} if template else {})


def _own(name: str) -> str:
    if name == projects.DEFAULT:
        raise ProjectError(
            "The default project has no files: runs that name no project share none. "
            "Make one to share them: `gristmill project create NAME`."
        )
    return name


def _plain(name: str) -> str:
    """A name that can stand in an address. Raises ProjectError for what can be no project's."""
    if not name.replace("-", "").isalnum() or not name.isascii():
        raise ProjectError(f"There is no project {name!r}; `gristmill project list` names them.")
    return name


def _path(path: str) -> str:
    if not path or safe_name(path) != path:
        raise ProjectError(f"{path!r} is no path of a project's file; name it as in data/sales.csv.")
    return path


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}.") from error
