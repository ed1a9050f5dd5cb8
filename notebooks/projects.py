"""Projects: a name under which runs share files, agents, tools, an environment and settings.

A project is a folder `projects/NAME` of the data folder, with `project.json`, `agents/` and `tools/`, and a volume of
the sandbox host with its files. A run of the project has them in `project/` of its sandbox, as inputs that its record
keeps; what its cells change there is in the volume afterwards.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field, ValidationError

from artifacts.events import ArtifactSaved, Noted, RunView
from artifacts.store import Store
from artifacts.threads import in_own_thread
from artifacts.types import Artifact, Value, now
from kernel_gateway.client import GatewayError, Host
from kernel_gateway.shared import NoVolumes, Shared, shared
from notebooks import files
from notebooks.errors import NotebookError
from notebooks.session import Session

DEFAULT = "default"
"""The project of runs that name none. It has no folder and no files."""
NAME = r"^[a-z][a-z0-9-]{0,39}$"
FOLDER = files.PROJECT
MOST = 500
"""Files of a project that a sandbox is given."""

_FILE = "project.json"


class ProjectError(NotebookError):
    """A project that there is not, or that cannot be as it is asked for; the sentence says what to do."""


class NoProject(ProjectError):
    """There is no project, or no file of one, by that name."""


class Project(Value):
    """What is kept of a project. `template` names the environment of its sandboxes (`gristmill template list`).

    `settings` are what its runs are begun with where they say nothing else: model, agent, budget, approve.
    """

    name: str = Field(pattern=NAME)
    about: str = ""
    template: str | None = None
    settings: dict[str, str] = Field(default_factory=dict)
    created_at: datetime = Field(default_factory=now)


_DEFAULT = Project(name=DEFAULT, about="Runs that name no project.", created_at=datetime.fromtimestamp(0, UTC))
SETTINGS = ("model", "agent", "budget", "approve")


def wanted(**told: Any) -> Project:
    """A project as somebody asks for it. Raises ProjectError."""
    try:
        return Project(**told)
    except ValidationError as error:
        fault = error.errors()[0]
        if fault["loc"] == ("name",):
            raise ProjectError(
                f"A project cannot be named {told.get('name')!r}: small letters, digits and -."
            ) from None
        raise ProjectError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}.") from None


def folder(home: Path, name: str) -> Path:
    """Where a project's definition lies."""
    return home / "projects" / name


def folders(home: Path, name: str | None, what: str) -> list[Path]:
    """The folders of agents or tools that a run of this project has: the data folder's, then the project's own."""
    own = [folder(home, name) / what] if name not in (None, DEFAULT) else []
    return [home / what, *own]


def volume(name: str) -> str:
    """What the volume with a project's files is called."""
    return f"project-{name}"


def create(home: Path, project: Project) -> Project:
    """Make a project. Raises ProjectError for a name that is taken."""
    if project.name == DEFAULT:
        raise ProjectError(f"{DEFAULT!r} is where runs without a project are. Choose another name.")
    if unknown := sorted(project.settings.keys() - set(SETTINGS)):
        raise ProjectError(f"There is no setting {unknown[0]!r} of a project; there are {', '.join(SETTINGS)}.")
    place = folder(home, project.name)
    try:
        for part in (place, place / "agents", place / "tools"):
            part.mkdir(mode=0o700, parents=True, exist_ok=part.parent != place.parent)
        with (place / _FILE).open("x", encoding="utf-8") as file:
            json.dump(project.model_dump(mode="json"), file, indent=2)
    except FileExistsError:
        raise ProjectError(f"There is a project {project.name!r} already.") from None
    except OSError as error:
        raise ProjectError(f"The project cannot be kept in {place}: {error.strerror}.") from error
    return project


def get(home: Path, name: str) -> Project:
    """A project by its name. Raises ProjectError for one that there is not, or whose file cannot be read."""
    if name == DEFAULT:
        return _DEFAULT
    known = [p.name for p in listed(home)]
    if name not in known:
        there = ", ".join(known)
        raise NoProject(f"There is no project {name!r}; there is {there}. `gristmill project create` makes one.")
    return _read(folder(home, name))


def listed(home: Path) -> list[Project]:
    """Every project by name, the default one first. One whose file cannot be read has that as `about`."""
    found = [_DEFAULT]
    for place in sorted((home / "projects").glob(f"*/{_FILE}")):
        try:
            found.append(_read(place.parent))
        except ProjectError as error:
            found.append(
                Project.model_construct(
                    name=place.parent.name, about=str(error), template=None, settings={}, created_at=_DEFAULT.created_at
                )
            )
    return found


def delete(home: Path, name: str) -> None:
    """Remove a project's folder. Its volume is the caller's to destroy; its runs stay in the record."""
    shutil.rmtree(folder(home, name))


def _read(place: Path) -> Project:
    try:
        return Project.model_validate_json((place / _FILE).read_bytes())
    except (OSError, ValidationError) as error:
        fault = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        raise ProjectError(f"{place / _FILE} cannot be read: {fault}.") from error


async def tables(host: Host, name: str, into: Path) -> list[Path]:
    """The tables of a project as files in a folder, for a question that names none."""
    there = await shared(host, volume(name))
    found = []
    for path in sorted(await there.files()) if there is not None else ():
        if files.role(path) == "table" and there is not None:
            target = into / PurePosixPath(path).name
            await asyncio.to_thread(target.write_bytes, await there.read(path) or b"")
            found.append(target)
    return found


async def bring(session: Session, host: Host, name: str) -> None:
    """Have the files of a project in `project/` of a run's sandbox, as inputs of the run. Raises GatewayError.

    What the run has as it is there is not written again.
    """
    try:
        there = await shared(host, volume(name))
    except NoVolumes as error:
        await _note(session, f"The files of the project {name} are not in the sandbox. {error}")
        return
    if there is None:
        return
    sizes = await there.files()
    for path in sorted(sizes)[:MOST]:
        if sizes[path] > files.MAX_FILE or files.safe_name(path) != path:
            why = "its name cannot be written everywhere" if sizes[path] <= files.MAX_FILE else "it is too large"
            await _note(session, f"{path} of the project is not in the sandbox: {why}.")
            continue
        data = await there.read(path)
        own = f"{FOLDER}/{path}"
        newest = next((a for a in reversed(session.view.artifacts) if a.name == own), None)
        if data is None or (newest is not None and newest.sha256 == _digest(data)):
            continue
        with tempfile.NamedTemporaryFile(prefix="gristmill-") as file:
            await asyncio.to_thread(Path(file.name).write_bytes, data)
            await session.upload(Path(file.name), own)
    if len(sizes) > MOST:
        await _note(session, f"The project has {len(sizes):,} files; the first {MOST} are in the sandbox.")


async def keep(store: Store, host: Host, view: RunView, name: str) -> list[str]:
    """Have what a run's cells wrote in `project/` in the project's volume; returns sentences about conflicts.

    A file that somebody else has changed since the run had it is left as it is, and the run's version is written
    beside it under a name with the run's id. Raises GatewayError, StoreError.
    """
    saved = [e.artifact for e in await in_own_thread(store.events, view.run.id) if isinstance(e, ArtifactSaved)]
    made = changed(saved)
    if not made:
        return []
    async with _locks.setdefault((store.home, name), asyncio.Lock()):
        there = await shared(host, volume(name), make=True)
        assert there is not None
        told = []
        for path, (known, newest) in made.items():
            data = await in_own_thread(store.read, newest)
            if (said := await _keep(there, path, data, known, view.run.id)) is not None:
                told.append(said)
    return told


_locks: dict[tuple[Path, str], asyncio.Lock] = {}


async def _keep(there: Shared, path: str, data: bytes, known: frozenset[str], run_id: str) -> str | None:
    now_there = await there.read(path)
    digest = None if now_there is None else _digest(now_there)
    if digest == _digest(data):
        return None
    if digest is None or digest in known:
        await there.write(path, data)
        return None
    place = PurePosixPath(path)
    beside = str(place.with_name(f"{place.stem} ({run_id}){place.suffix}"))
    if await there.read(beside) == data:
        return None
    await there.write(beside, data)
    return (
        f"{path} of the project was changed by somebody else while the run had it. Theirs is left as it is; "
        f"what the run wrote is beside it, as {beside}."
    )


def changed(saved: Iterable[Artifact]) -> dict[str, tuple[frozenset[str], Artifact]]:
    """What a run wrote in `project/`, of all that it has saved: by path the digests of the versions that it has had
    before, and the newest, which is its own."""
    versions: dict[str, list[Artifact]] = {}
    for artifact in saved:
        if artifact.name.startswith(f"{FOLDER}/"):
            versions.setdefault(artifact.name.removeprefix(f"{FOLDER}/"), []).append(artifact)
    return {
        path: (frozenset(a.sha256 for a in every[:-1]), every[-1])
        for path, every in versions.items()
        if every[-1].role != "input"
    }


def given(names: Iterable[str]) -> list[str]:
    """Of a run's inputs those that are its project's, by their path in the sandbox."""
    return [name for name in names if name.startswith(f"{FOLDER}/")]


async def bring_for(session: Session, host: Host, store: Store) -> None:
    """`bring` for a run that has a project, behind `keep` of what an earlier process left there."""
    if (name := project_of(session.view)) is not None:
        for said in await keep(store, host, session.view, name):
            await _note(session, said)
        await bring(session, host, name)


async def keep_for(store: Store, host: Host, run_id: str) -> None:
    """`keep` for a run that has a project; what goes wrong is a note of the run, whose record has the files."""
    view = await in_own_thread(store.view, run_id)
    if (name := project_of(view)) is None:
        return
    try:
        told = await keep(store, host, view, name)
    except GatewayError as error:
        told = [f"What was written in {FOLDER}/ could not be kept in the project; the run's record has it. {error}"]
    for said in told:
        await store.append(Noted(run_id=run_id, text=said, level="warning"))


def project_of(view: RunView) -> str | None:
    """The project whose files a run has; None for one without, and for one that reproduces another."""
    name = view.run.params.get("project")
    return name if name not in (None, DEFAULT) and view.run.agent != "reproduce" else None


async def _note(session: Session, text: str) -> None:
    await session.record(Noted(run_id=session.run_id, text=text, level="warning"))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
