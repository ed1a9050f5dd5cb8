"""Projects: a name under which runs share files, agents, tools, an environment and settings.

A project is a folder `projects/NAME` of the data folder, with `project.json`, `agents/` and `tools/`, and a volume of
the sandbox host with its files. A run of the project has them in `project/` of its sandbox, as inputs that its record
keeps; what its cells change there is in the volume afterwards.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import shutil
import tempfile
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field, ValidationError

from artifacts.events import ArtifactSaved, Noted, RunEnded, RunView
from artifacts.store import Store
from artifacts.threads import in_own_thread
from artifacts.types import Artifact, Value, now
from kernel_gateway.client import GatewayError, Host
from kernel_gateway.shared import DEPTH, NoVolumes, Shared, shared
from notebooks import files
from notebooks.cell import host_failures
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

    `settings` are what its runs are begun with where they say nothing else: model, agent, budget, approve. `volume` is
    the name of the volume with its files, which no project of another data folder has.
    """

    name: str = Field(pattern=NAME)
    about: str = ""
    template: str | None = None
    settings: dict[str, str] = Field(default_factory=dict)
    volume: str = ""
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


def volume(home: Path, name: str) -> str:
    """What the volume with a project's files is called."""
    try:
        own = _read(folder(home, name)).volume
    except ProjectError:
        own = ""
    return own or f"project-{name}"  # as projects had it that were made before they had a volume's name


def create(home: Path, project: Project) -> Project:
    """Make a project; returns it as it is kept. Raises ProjectError for a name that is taken."""
    if project.name == DEFAULT:
        raise ProjectError(f"{DEFAULT!r} is where runs without a project are. Choose another name.")
    if unknown := sorted(project.settings.keys() - set(SETTINGS)):
        raise ProjectError(f"There is no setting {unknown[0]!r} of a project; there are {', '.join(SETTINGS)}.")
    place = folder(home, project.name)
    project = project.model_copy(update={"volume": f"project-{project.name}-{secrets.token_hex(4)}"})
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


async def tables(home: Path, host: Host, name: str, into: Path) -> list[Path]:
    """The tables of a project as files in a folder, for a question that names none."""
    there = await shared(host, await asyncio.to_thread(volume, home, name))
    found = []
    for path in sorted(await there.files()) if there is not None else ():
        if files.role(path) == "table" and there is not None:
            target = into / PurePosixPath(path).name
            await asyncio.to_thread(target.write_bytes, await there.read(path) or b"")
            found.append(target)
    return found


async def bring(session: Session, home: Path, host: Host, name: str) -> None:
    """Have the files of a project in `project/` of a run's sandbox, as inputs of the run. Raises GatewayError.

    What the run has as it is there is not written again.
    """
    try:
        there = await shared(host, await asyncio.to_thread(volume, home, name))
    except NoVolumes as error:
        await _note(session, f"The files of the project {name} are not in the sandbox. {error}")
        return
    if there is None:
        return
    sizes = await there.files()
    here = await _in_sandbox(session)
    again = not any(
        c.turn_id == session.view.turns[-1].id for c in session.view.cells
    )  # else a cell has deleted it now
    for path in sorted(sizes)[:MOST]:
        if sizes[path] > files.MAX_FILE or files.safe_name(path) != path:
            why = "its name cannot be written everywhere" if sizes[path] <= files.MAX_FILE else "it is too large"
            await _note(session, f"{path} of the project is not in the sandbox: {why}.")
            continue
        data = await there.read(path)
        own = f"{FOLDER}/{path}"
        newest = next((a for a in reversed(session.view.artifacts) if a.name == own), None)
        same = newest is not None and data is not None and newest.sha256 == _digest(data)
        if data is None or (same and (here is None or path in here or not again)):
            continue
        with tempfile.NamedTemporaryFile(prefix="gristmill-") as file:
            await asyncio.to_thread(Path(file.name).write_bytes, data)
            await session.upload(Path(file.name), own)
    if len(sizes) > MOST:
        await _note(session, f"The project has {len(sizes):,} files; the first {MOST} are in the sandbox.")


async def keep(store: Store, host: Host, view: RunView, name: str, here: Collection[str] | None = None) -> list[str]:
    """Have what a run's cells wrote in `project/` since its last turn in the project's volume; returns sentences for a
    person.

    A file that somebody else has changed since the run had it is left as it is, and the run's version is written
    beside it under a name with the run's id. `here` are the files that are in its sandbox now: what the run had there
    and has deleted is deleted in the volume, too, unless somebody else has changed it; its bytes stay in the record.
    Raises GatewayError, StoreError.
    """
    events = await in_own_thread(store.events, view.run.id)
    ends = [e.seq for e in events if isinstance(e, RunEnded) and e.status in ("done", "failed", "cancelled")]
    had = versions(e.artifact for e in events if isinstance(e, ArtifactSaved))
    new = {e.artifact.id for e in events if isinstance(e, ArtifactSaved) and e.seq > max(ends, default=0)}
    gone = {path: every for path, every in had.items() if here is not None and path not in here}
    made = {
        path: every
        for path, every in had.items()
        if path not in gone and every[-1].role != "input" and every[-1].id in new
    }
    if not made and not gone:
        return []
    async with _locks.setdefault((store.home, name), asyncio.Lock()):
        there = await shared(host, await asyncio.to_thread(volume, store.home, name), make=True)
        assert there is not None
        told = []
        for path, every in made.items():
            data = await in_own_thread(store.read, every[-1])
            known = frozenset(a.sha256 for a in every[:-1])
            if (said := await _keep(there, path, data, known, view.run.id)) is not None:
                told.append(said)
        for path, every in gone.items():
            if (said := await _remove(there, path, every)) is not None:
                told.append(said)
    return told


async def _remove(there: Shared, path: str, every: Sequence[Artifact]) -> str | None:
    """Delete a file of which a run has had these versions; says so, or why not."""
    if (data := await there.read(path)) is None:
        return None
    kept = next((a for a in reversed(every) if a.sha256 == _digest(data)), None)
    if kept is None:
        return f"The run deleted {path} of the project, which somebody else has changed meanwhile; so it stays there."
    await there.remove(path)
    return (
        f"The run deleted {path}, so the project has it no more. Its bytes are kept: "
        f"`gristmill artifacts get {kept.id}`, then `gristmill project put`, brings it back."
    )


async def _in_sandbox(session: Session) -> set[str] | None:
    """The files in `project/` of a run's sandbox, by their path there; None where it cannot be asked."""
    from e2b import FileType

    root = f"{files.HOME}/{FOLDER}"
    try:
        found = await session.sandbox.files.list(root, depth=DEPTH)
    except host_failures():
        return None
    return {info.path.removeprefix(f"{root}/") for info in found if info.type is FileType.FILE}


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


def versions(saved: Iterable[Artifact]) -> dict[str, list[Artifact]]:
    """What a run has had in `project/`, of all that it has saved: by path its versions, the newest last. One that is
    no input it has written itself."""
    found: dict[str, list[Artifact]] = {}
    for artifact in saved:
        if artifact.name.startswith(f"{FOLDER}/"):
            found.setdefault(artifact.name.removeprefix(f"{FOLDER}/"), []).append(artifact)
    return found


def given(names: Iterable[str]) -> list[str]:
    """Of a run's inputs those that are its project's, by their path in the sandbox."""
    return [name for name in names if name.startswith(f"{FOLDER}/")]


async def bring_for(session: Session, host: Host, store: Store) -> None:
    """`bring` for a run that has a project, behind `keep` of what an earlier process left there."""
    if (name := project_of(session.view)) is not None:
        for said in await keep(store, host, session.view, name):
            await _note(session, said)
        await bring(session, store.home, host, name)


async def keep_for(store: Store, session: Session) -> None:
    """`keep` for a run that has a project; what goes wrong is a note of the run, whose record has the files."""
    view = await in_own_thread(store.view, session.run_id)
    if (name := project_of(view)) is None:
        return
    try:
        told = await keep(store, session.host, view, name, await _in_sandbox(session))
    except GatewayError as error:
        told = [f"What was written in {FOLDER}/ could not be kept in the project; the run's record has it. {error}"]
    for said in told:
        await store.append(Noted(run_id=session.run_id, text=said, level="warning"))


def project_of(view: RunView) -> str | None:
    """The project whose files a run has; None for one without, and for one that reproduces another."""
    name = view.run.params.get("project")
    return name if name not in (None, DEFAULT) and view.run.agent != "reproduce" else None


async def _note(session: Session, text: str) -> None:
    await session.record(Noted(run_id=session.run_id, text=text, level="warning"))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
