"""`gristmill.project(name)`: a project for a script or a notebook, with its files."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from gristmill import background
from gristmill.projects import Projects, ProjectShown
from gristmill.python import wait
from gristmill.settings import load
from notebooks.projects import wanted


class ProjectHandle:
    """A project by its name. Every method waits for its end; errors are `ProjectError` and those of the host."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def files(self) -> dict[str, int]:
        """The size in bytes of each file, by its path."""
        return self.show().files or {}

    def show(self) -> ProjectShown:
        """All that belongs to it."""
        return _carry_out(lambda projects: projects.get(self.name))

    def put(self, file: str | Path, path: str | None = None) -> None:
        """Put a file into it, as `path` or under its own name: the next sandbox of the project has it in `project/`."""
        source = Path(file)
        _carry_out(lambda projects: projects.put(self.name, path or source.name, source))

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        return _carry_out(lambda projects: projects.read(self.name, path))

    def remove(self, path: str) -> None:
        """Remove a file."""
        _carry_out(lambda projects: projects.remove(self.name, path))

    def delete(self) -> ProjectShown:
        """Delete it with its files, agents, tools and settings; its runs stay. Returns what it was."""
        return _carry_out(lambda projects: projects.delete(self.name))

    def __repr__(self) -> str:
        return f"gristmill.project({self.name!r})"


def project(name: str, *, about: str = "", template: str | None = None, **settings: str) -> ProjectHandle:
    """The project of this name, made if need be: `gristmill.project("shop", model="ollama:qwen3").put("sales.csv")`.

    Of one that is made, `template` names the environment, and `settings` are model, agent, budget and approve of its
    runs. One that there is stays as it is.
    """

    async def found(projects: Projects) -> None:
        if name not in [one.name for one in await projects.all()]:
            await projects.create(wanted(name=name, about=about, template=template, settings=settings))

    _carry_out(found)
    return ProjectHandle(name)


def _carry_out[T](work: Callable[[Projects], Coroutine[Any, Any, T]]) -> T:
    async def carried_out() -> T:
        async with background.backend(load()) as backend:
            return await work(backend.projects)

    return wait(lambda put: carried_out(), progress=False)
