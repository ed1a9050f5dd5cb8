"""Starts, follows, cancels and resumes runs. Every door (terminal, dashboard, REST, Python) comes through here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from artifacts.store import Store
from pydantic import Field

from artifacts.events import Event, TextDelta
from artifacts.types import Run, Value


class Request(Value):
    """A question of some files. `roles` may name target, time, unit and assignment columns; `model` as in `--model`."""

    question: str
    files: tuple[Path, ...] = ()
    model: str | None = None
    roles: dict[str, str] = Field(default_factory=dict)
    parent_id: str | None = None


class Workbench:
    """Carries out runs on one store. Make one for a process, inside its event loop's life, and close it at the end."""

    def __init__(self, store: Store, *, isolation: str = "bubblewrap", templates: Path | None = None) -> None:
        self.store = store
        self.isolation = isolation
        self.templates = templates

    async def start(self, request: Request) -> Run:
        raise NotImplementedError

    async def start_notebook(
        self, name_or_path: str, params: dict[str, Any], *, out: Path | None = None, parent_id: str | None = None
    ) -> Run:
        raise NotImplementedError

    async def reproduce(self, run_ref: str) -> Run:
        raise NotImplementedError

    async def wait(self, run_id: str) -> Run:
        raise NotImplementedError

    async def cancel(self, run_ref: str) -> Run:
        raise NotImplementedError

    async def resume(self, run_ref: str) -> Run:
        raise NotImplementedError

    def follow(self, run_id: str, after: int = 0) -> AsyncIterator[Event | TextDelta]:
        return self.store.follow(run_id, after)

    async def close(self) -> None:
        raise NotImplementedError
