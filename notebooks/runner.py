"""Runs a notebook or a template with parameters in a sandbox, through papermill, as a run like any other."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artifacts.events import Noted, RunEnded
from artifacts.store import Put, Store, StoreError
from artifacts.threads import in_own_thread
from artifacts.types import Run, RunStatus
from kernel_gateway.client import GatewayError, Host
from notebooks import catalog
from notebooks.aio import see_through
from notebooks.beside import Beside, beside
from notebooks.errors import BadNotebook, NotebookError, NotebookNotFound
from notebooks.export import SOURCE
from notebooks.files import media_type as media_type_of
from notebooks.files import safe_name
from notebooks.job import Bridge, Job, finish, plan_uploads, started
from notebooks.parameters import check, read_parameters
from notebooks.session import Session

_NOTEBOOK = "application/x-ipynb+json"
_AT_ONCE = 8  # files that are copied into the record at the same time


async def run_notebook(
    store: Store,
    host: Host,
    path_or_name: str | Path,
    params: Mapping[str, Any],
    *,
    out: Path | None = None,
    files: Mapping[str, Path] | None = None,
    opened: Callable[[Session], Awaitable[None]] | None = None,
    closing: Callable[[Session], Awaitable[None]] | None = None,
) -> Run:
    """`keep_notebook`, and at once `carry_out_notebook`: the run when it has ended."""
    run = await keep_notebook(store, path_or_name, params, files=files)
    if run.status != "running":
        return run
    return await carry_out_notebook(store, host, run.id, out=out, opened=opened, closing=closing)


async def keep_notebook(
    store: Store,
    path_or_name: str | Path,
    params: Mapping[str, Any],
    *,
    parent_id: str | None = None,
    agent: str = "notebook",
    files: Mapping[str, Path] | None = None,
    only_below: Path | None = None,
    run_id: str | None = None,
    options: Mapping[str, Any] | None = None,
    project: Mapping[str, str] | None = None,
) -> Run:
    """Record that a notebook file, or a template by its name, is to run, with all that it needs; run nothing yet.

    Parameters that name local files (relative to the working directory) are inputs, and so are the files beside a
    notebook file that its code names; `files` are further ones, by their name in the sandbox, `options` are our
    papermill engine's, and `project` names the project and the environment of the run. With `only_below` nothing
    outside that folder is read, whatever they name. The run gets the id `run_id`, or a new one. Where the record cannot
    take its files the run comes back failed. Raises NotebookNotFound, BadNotebook or ParameterError before there is a
    run.
    """
    path = locate(path_or_name, store.home / "templates", only_below=only_below)
    notebook = await asyncio.to_thread(catalog.read, path)
    known = read_parameters(notebook)
    base = Path.cwd() if only_below is None else only_below
    values, uploads = plan_uploads(known, check(known, params), base, only_below=only_below is not None)
    found = beside(notebook, [path.parent]) if only_below is None and is_file(path_or_name) else Beside()
    if found.folders:
        options = {**(options or {}), "folders": [*(options or {}).get("folders", ()), *found.folders]}
    first = next((c.source for c in notebook.cells if c.cell_type == "markdown"), "")
    title = notebook.metadata.get("gristmill", {}).get("title") or catalog.heading(first) or path.stem
    begun = started(
        goal=title,
        notebook=str(path_or_name),
        parameters=values or dict(notebook.metadata.get("papermill", {}).get("parameters", {})),
        cells=notebook.cells,
        agent=agent,
        parent_id=parent_id,
        run_id=run_id,
        options=options,
        project=project,
    )
    run = begun.run
    notes = [f"Not taken into the sandbox: {sentence}" for sentence in found.left_out]
    first = [begun, *(Noted(run_id=run.id, text=note, level="warning") for note in notes)]
    try:
        kept = [Put(path, path.stem + SOURCE, _NOTEBOOK, "notebook")]
        for name, file in {**found.files, **uploads, **(files or {})}.items():
            kept.append(Put(file, safe_name(name), media_type_of(safe_name(name)), "input"))
        for some in itertools.batched(kept, _AT_ONCE):
            await store.put_all(some, run_id=run.id, first=first)
            first = []
    except StoreError as error:
        await store.append_all([*first, RunEnded(run_id=run.id, status="failed", error=str(error))])
        return store.run(run.id)
    return run


async def carry_out_notebook(
    store: Store,
    host: Host,
    run_id: str,
    *,
    out: Path | None = None,
    stopped_as: Callable[[str], RunStatus] = lambda run_id: "cancelled",
    opened: Callable[[Session], Awaitable[None]] | None = None,
    closing: Callable[[Session], Awaitable[None]] | None = None,
) -> Run:
    """Run the notebook of a run that was kept, or take up one that had stopped; returns the run when it has ended.

    Finished cells keep their outputs and are not run again. `out` receives the executed notebook. `opened` is told the
    session before the first cell; `closing` may record more of the run when its cells have run.
    A cell that raises ends the run as failed, with everything kept. Cancelling this task interrupts the cell and ends
    the run with the status that `stopped_as(run_id)` gives: cancelled, or interrupted, which keeps the sandbox for
    another call of this. Raises BadNotebook for a run that is no notebook's.
    """
    view = await in_own_thread(store.view, run_id)
    source = next((a for a in view.artifacts if a.role == "notebook" and a.name.endswith(SOURCE)), None)
    if source is None:
        raise BadNotebook(f"{run_id} keeps no notebook that could be run.")

    async def opening() -> Session:
        session = await Session.resume(store, host, run_id)
        try:
            if opened is not None:
                await opened(session)
        except BaseException:
            await see_through(session.close())
            raise
        return session

    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        path = Path(folder) / (source.name.removesuffix(SOURCE) + ".ipynb")
        path.write_bytes(await asyncio.to_thread(store.read, source))
        values = view.run.params.get("parameters", {})
        return await _carry_out(store, view.run, path, values, out, opening(), stopped_as, closing)


def is_file(path_or_name: str | Path) -> bool:
    """Whether a notebook file is meant, and no template's name."""
    path = Path(path_or_name).expanduser()
    return path.suffix == ".ipynb" or path.is_file()


def locate(path_or_name: str | Path, team: Path | None, *, only_below: Path | None = None) -> Path:
    """The notebook file meant: an existing path, or the template of that name (a team's own before ours)."""
    path = Path(path_or_name).expanduser()
    foreign = only_below is not None and not path.resolve().is_relative_to(only_below.resolve())
    if not foreign and is_file(path_or_name):
        if not path.is_file():
            raise NotebookNotFound(f"There is no notebook {path}.")
        return path.absolute()
    return catalog.find(str(path_or_name), team).path


async def _carry_out(
    store: Store,
    run: Run,
    path: Path,
    values: Mapping[str, Any],
    out: Path | None,
    opening: Awaitable[Session],
    stopped_as: Callable[[str], RunStatus],
    closing: Callable[[Session], Awaitable[None]] | None,
) -> Run:
    session: Session | None = None
    status: RunStatus = "done"
    error: str | None = None
    executed = list[Put]()
    try:
        session = await opening
        error = await _through_papermill(store, session, run, path, values, out, executed)
        status = "failed" if error else "done"
        if closing is not None:
            await closing(session)
    except (GatewayError, NotebookError) as failure:
        status, error = "failed", str(failure)
    except asyncio.CancelledError:
        await see_through(_wind_up(store, session, run.id, stopped_as(run.id), None, executed))
        raise
    ended, cancelled = await see_through(_wind_up(store, session, run.id, status, error, executed))
    if cancelled:
        raise asyncio.CancelledError
    return ended


async def _wind_up(
    store: Store,
    session: Session | None,
    run_id: str,
    status: RunStatus,
    error: str | None,
    executed: Sequence[Put],
) -> Run:
    if session is not None:
        await session.settle()  # a cell that was interrupted has its end before the run has
    finishing = finish(store, run_id, status, error, made=executed)
    if session is None or status == "interrupted":
        return await finishing
    ended, _ = await asyncio.gather(finishing, session.close())
    return ended


async def _through_papermill(
    store: Store,
    session: Session,
    run: Run,
    path: Path,
    values: Mapping[str, Any],
    out: Path | None,
    executed: list[Put],
) -> str | None:
    """Execute in papermill's own thread; returns a sentence about the error that stopped the notebook, if one did.

    `executed` receives the notebook as papermill leaves it, whatever ends it.
    """
    bridge, options = Bridge(asyncio.get_running_loop()), run.params.get("options", {})
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        left = Path(folder) / "executed.ipynb"
        job = Job(bridge, store, session)
        work = asyncio.create_task(in_own_thread(_papermill, path, left, dict(values), job, options))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            bridge.stop()
            await asyncio.wait({work})
            raise
        finally:
            if left.is_file():
                if out is not None:
                    await in_own_thread(_copy, left, out)
                executed.append(Put(left.read_bytes(), f"{path.stem}-executed.ipynb", _NOTEBOOK, "notebook"))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _papermill(path: Path, out: Path, values: dict[str, Any], job: Job, options: Mapping[str, Any]) -> str | None:
    import notebooks.nb  # noqa: F401  # first: papermill imports nbformat, with the second that it takes

    # isort: split
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import remove_error_markers
    from papermill.iorw import load_notebook_node, write_ipynb

    from notebooks.engine import GristmillEngine

    papermill_engines.register("gristmill", GristmillEngine)
    try:
        papermill.execute_notebook(
            _escaped(path),
            _escaped(out),
            parameters=values,
            engine_name="gristmill",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            job=job,
            **options,
        )
    except PapermillExecutionError:
        if job.error is None:  # an error that the notebook expects is none of the run's
            write_ipynb(remove_error_markers(load_notebook_node(str(out))), str(out))
    except (DeadKernelError, CellTimeoutError):
        pass  # which the job tells in a sentence
    return job.error


def _escaped(path: Path) -> str:
    """papermill formats paths with the parameters; ours are meant as they stand."""
    return str(path).replace("{", "{{").replace("}", "}}")
