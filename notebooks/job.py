"""A notebook being run from papermill's thread: the bridge from there to the session on its event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from artifacts.events import Event, RunEnded, RunStarted, RunView
from artifacts.store import Put, Store
from artifacts.types import Execution, Run, RunStatus, new_id
from kernel_gateway.client import GatewayUnavailable, Host
from notebooks.aio import see_through
from notebooks.errors import ParameterError
from notebooks.export import save_report
from notebooks.files import safe_name
from notebooks.filling import runs
from notebooks.parameters import Parameter, tags
from notebooks.session import Session

_FILE_PARAMETERS = ("data", "file", "path", "input")
"""Parameters that by the templates' custom name a file to read, so that a missing one can be told at once."""


class Bridge:
    """Calls coroutines on another thread's event loop and waits for them; `stop` ends the one that is waited for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._current: concurrent.futures.Future[Any] | None = None
        self._stopped = False

    def call[T](self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the coroutine. Raises CancelledError once stopped."""
        return self.hear(work, SimpleQueue(), lambda event: None)

    def hear[T](
        self, work: Coroutine[Any, Any, T], told: SimpleQueue[Event | None], heard: Callable[[Event], None]
    ) -> T:
        """The same; meanwhile `heard` is called here with the events that the coroutine puts into `told`."""
        if self._stopped:
            work.close()
            raise concurrent.futures.CancelledError
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        around, self._current = self._current, future  # `heard` may call, too
        future.add_done_callback(lambda _: told.put(None))
        try:
            while (one := told.get()) is not None:
                heard(one)
            result: T = future.result()
            return result
        except BaseException:
            future.cancel()
            raise
        finally:
            self._current = around

    def stop(self) -> None:
        """End the call under way, which interrupts its cell, and all later ones."""
        self._stopped = True
        self.interrupt()

    def interrupt(self) -> bool:
        """End the call under way and no later one, if there is one; a signal handler may do so."""
        return (current := self._current) is not None and current.cancel()


class Job:
    """The cells of one notebook on their way through one session."""

    def __init__(self, bridge: Bridge, store: Store, session: Session) -> None:
        self._bridge, self._store, self._session = bridge, store, session
        self.error: str | None = None  # a sentence about the cell that stopped the notebook, if one did

    def execute(
        self, code: str, *, title: str, tags: Sequence[str], key: str, limit: float, heard: Callable[[Event], None]
    ) -> Execution:
        """Run a cell for at most `limit` seconds (0: no limit) and wait for its end, but not for the record of it.

        `heard` gets its events.
        """
        told: SimpleQueue[Event | None] = SimpleQueue()
        work = self._session.run(code, title=title, tags=tags, key=key, timeout=limit, heard=told.put, wait=False)
        return self._bridge.hear(work, told, heard)

    def make_folders(self, names: Sequence[str]) -> None:
        """Make these folders where the notebook runs."""
        self._bridge.call(self._session.make_folders(names))

    @property
    def view(self) -> RunView:
        """The run as far as it has come."""
        return self._session.view

    def read(self, artifact_id: str) -> bytes:
        """The bytes of an artifact that a cell made."""
        return self._store.read(self._store.artifact(artifact_id))

    def end(self) -> dict[str, Any]:
        """Wait until the record has all of it; returns what the kernel says of its language, as a notebook's
        `language_info`, empty where it does not say. Raises StoreError.
        """
        if self._session.language:
            self._bridge.call(self._session.settle())
            return self._session.language
        for pause in (0, 0, 0.2, 1, 3):  # a kernel that was told to exit may do so only now, and the next one answers
            time.sleep(pause)
            told = self._bridge.call(self._settle_and_ask())
            with contextlib.suppress(ValueError):
                info = json.loads(told)
                return info if isinstance(info, dict) else {}
        return {}

    async def _settle_and_ask(self) -> str:
        _, told = await asyncio.gather(self._session.settle(), self._session.aside(_LANGUAGE))
        return told


_LANGUAGE = "import json\nprint(json.dumps(get_ipython().kernel.language_info))"


def started(
    *,
    goal: str,
    notebook: str,
    parameters: Mapping[str, Any],
    cells: Sequence[Any],
    agent: str = "notebook",
    parent_id: str | None = None,
    run_id: str | None = None,
    options: Mapping[str, Any] | None = None,
    project: Mapping[str, str] | None = None,
) -> RunStarted:
    """The beginning of a run of a notebook with these cells, to be recorded; the run has the id `run_id`, or a new one.

    `options` are those of the engine, for when it is carried out; `project` names the project and its environment.
    """
    # papermill adds a cell for parameters, or replaces the one that it added before.
    injects = bool(parameters) and not any("injected-parameters" in tags(cell) for cell in cells)
    run = Run.model_validate(
        {
            "id": run_id or new_id("run"),
            "goal": goal,
            "agent": agent,
            "model": "none",
            "params": {
                "notebook": notebook,
                "parameters": dict(parameters),
                "cells": sum(map(runs, cells)) + injects,
                **({"options": dict(options)} if options else {}),
                **(project or {}),
            },
            "parent_id": parent_id,
        }
    )
    return RunStarted(run_id=run.id, run=run)


async def open_session(
    store: Store, host: Host, run_id: str, uploads: Mapping[str, Path], *, patience: float | None = None
) -> Session:
    """A session of that run with these files (by their name in the sandbox) in it.

    Raises GatewayUnavailable when the sandbox is not there after `patience` seconds.
    """
    try:
        async with asyncio.timeout(patience):
            session = await Session.open(store, host, run_id)
    except TimeoutError:
        raise GatewayUnavailable(f"The sandbox did not start within {patience:g} seconds.") from None
    try:
        for name, path in uploads.items():
            await session.upload(path, name)
    except BaseException:
        await see_through(session.close())
        raise
    return session


async def finish(
    store: Store, run_id: str, status: RunStatus, error: str | None = None, *, made: Sequence[Put] = ()
) -> Run:
    """Keep the report of a run, and before it what else was `made` of its inputs, and record its end."""
    ending = RunEnded(run_id=run_id, status=status, error=error)
    await save_report(store, run_id, ending=ending, before=made, then=[ending])
    return store.run(run_id)


def plan_uploads(
    parameters: Sequence[Parameter],
    values: Mapping[str, Any],
    base: Path,
    *,
    only_below: bool = False,
    in_place: bool = False,
) -> tuple[dict[str, Any], dict[str, Path]]:
    """The values as the sandbox needs them, and the files to upload, by their name in there.

    Text that names an existing file becomes that file's name; so does each such item of a list. A default that names a
    file below `base` is uploaded under its own relative path. Raises ParameterError for a missing `data` file.
    `only_below` is for values of somebody else's: no file outside `base` is read, and none is told to be there. With
    `in_place` a relative path below `base` is left as it is, and a file that is missing is the notebook's own affair.
    """
    uploads: dict[str, Path] = {}

    def rename(value: Any) -> Any:
        if isinstance(value, list):
            return [rename(item) for item in value]
        path = _file(value, base, only_below)
        if path is None:
            return value
        if in_place and value == safe_name(value):
            uploads[value] = path
            return value
        name, count = safe_name(path.name), 2
        while uploads.get(name, path) != path:
            name = safe_name(f"{count}_{path.name}")  # in front, where a long name is not cut
            count += 1
        uploads[name] = path
        return name

    rewritten = {name: rename(value) for name, value in values.items()}
    for name in () if in_place else _FILE_PARAMETERS:
        value = values.get(name)
        if isinstance(value, str) and value == rewritten[name] and _file(value, base, only_below) is None:
            lacking = (
                f"{value} was not uploaded; send the file as param:{name}"
                if only_below
                else f"there is no file {value}"
            )
            raise ParameterError(f"Parameter {name}: {lacking}.")
    for path in default_files(parameters, values, base).values():
        uploads.setdefault(path.relative_to(base).as_posix(), path)
    return rewritten, uploads


def default_files(parameters: Sequence[Parameter], values: Mapping[str, Any], base: Path) -> dict[str, Path]:
    """The files below `base` that defaults name by a relative path, by their parameter, where no value is given."""
    found = {}
    for p in parameters:
        path = _file(p.default, base, only_below=True)
        plain = path is not None and not Path(p.default).is_absolute() and ".." not in Path(p.default).parts
        if path is not None and plain and p.name not in values and safe_name(p.default) == p.default:
            found[p.name] = path
    return found


def _file(value: object, base: Path, only_below: bool) -> Path | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        path = base / Path(value).expanduser()
        if only_below and not path.resolve().is_relative_to(base.resolve()):
            return None
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # a name too long, with a NUL, or of an unknown user: text, not a file
        return None
