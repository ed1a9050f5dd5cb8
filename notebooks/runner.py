"""Runs a notebook or a template with parameters in a sandbox, through papermill, as a run like any other."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from artifacts.store import Store
from artifacts.types import Run, RunStatus
from kernel_gateway.client import GatewayError, Host
from notebooks import catalog
from notebooks.aio import see_through
from notebooks.errors import BadNotebook, NotebookError, NotebookNotFound
from notebooks.export import SOURCE
from notebooks.job import Bridge, Job, begin, finish, open_session, plan_uploads
from notebooks.parameters import check, read_parameters
from notebooks.session import Session


async def run_notebook(
    store: Store,
    host: Host,
    path_or_name: str | Path,
    params: Mapping[str, Any],
    *,
    out: Path | None = None,
    parent_id: str | None = None,
    agent: str = "notebook",
    files: Mapping[str, Path] | None = None,
    started: Callable[[Run], None] | None = None,
    opened: Callable[[Session], Awaitable[None]] | None = None,
    stopped_as: Callable[[str], RunStatus] = lambda run_id: "cancelled",
    closing: Callable[[str], Awaitable[None]] | None = None,
    only_below: Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Run:
    """Run a notebook file, or a template by its name, and return the run when it has ended.

    Parameters that name local files (relative to the working directory) are uploaded; `files` are further ones, by
    their name in the sandbox, `options` are our papermill engine's. With `only_below` nothing outside that folder is
    read, whatever they name. `out` receives the executed notebook. `started` is told the run once it is recorded,
    `opened` its session before the first cell; `closing` may record more of it when its cells have run.
    A cell that raises ends the run as failed, with everything kept. Cancelling this task interrupts the cell and ends
    the run with the status that `stopped_as(run_id)` gives: cancelled, or interrupted, which keeps the sandbox for
    `resume_notebook`. Raises NotebookNotFound, BadNotebook or ParameterError before a run exists.
    """
    path = locate(path_or_name, store.home / "templates", only_below=only_below)
    notebook = await asyncio.to_thread(catalog.read, path)
    known = read_parameters(notebook)
    base = Path.cwd() if only_below is None else only_below
    values, uploads = plan_uploads(known, check(known, params), base, only_below=only_below is not None)
    first = next((c.source for c in notebook.cells if c.cell_type == "markdown"), "")
    title = notebook.metadata.get("gristmill", {}).get("title") or catalog.heading(first) or path.stem
    run = await begin(
        store,
        goal=title,
        notebook=str(path_or_name),
        parameters=values or dict(notebook.metadata.get("papermill", {}).get("parameters", {})),
        cells=notebook.cells,
        agent=agent,
        parent_id=parent_id,
        options=options,
    )
    if started is not None:
        started(run)

    async def opening() -> Session:
        media_type = "application/x-ipynb+json"
        await store.put(path, name=path.stem + SOURCE, media_type=media_type, role="notebook", run_id=run.id)
        session = await open_session(store, host, run.id, {**uploads, **(files or {})})
        try:
            if opened is not None:
                await opened(session)
        except BaseException:
            await see_through(session.close())
            raise
        return session

    return await _carry_out(store, run, path, values, out, opening(), stopped_as, closing)


async def resume_notebook(
    store: Store,
    host: Host,
    run_id: str,
    *,
    out: Path | None = None,
    stopped_as: Callable[[str], RunStatus] = lambda run_id: "cancelled",
) -> Run:
    """Take up a notebook run that had stopped: finished cells keep their outputs and are not run again.

    The caller has recorded `run_resumed`. Raises BadNotebook for a run that is no notebook's.
    """
    view = store.view(run_id)
    source = next((a for a in view.artifacts if a.role == "notebook" and a.name.endswith(SOURCE)), None)
    if source is None:
        raise BadNotebook(f"{run_id} keeps no notebook that could be resumed.")
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        path = Path(folder) / (source.name.removesuffix(SOURCE) + ".ipynb")
        path.write_bytes(store.read(source))
        values = view.run.params.get("parameters", {})
        opening = Session.resume(store, host, run_id)
        return await _carry_out(store, view.run, path, values, out, opening, stopped_as)


def locate(path_or_name: str | Path, team: Path | None, *, only_below: Path | None = None) -> Path:
    """The notebook file meant: an existing path, or the template of that name (a team's own before ours)."""
    path = Path(path_or_name).expanduser()
    foreign = only_below is not None and not path.resolve().is_relative_to(only_below.resolve())
    if not foreign and (path.suffix == ".ipynb" or path.is_file()):
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
    closing: Callable[[str], Awaitable[None]] | None = None,
) -> Run:
    session: Session | None = None
    status: RunStatus = "done"
    error: str | None = None
    try:
        session = await opening
        error = await _through_papermill(store, session, run, path, values, out)
        status = "failed" if error else "done"
        if closing is not None:
            await closing(run.id)
    except (GatewayError, NotebookError) as failure:
        status, error = "failed", str(failure)
    except asyncio.CancelledError:
        await see_through(_wind_up(store, session, run.id, stopped_as(run.id), None))
        raise
    ended, cancelled = await see_through(_wind_up(store, session, run.id, status, error))
    if cancelled:
        raise asyncio.CancelledError
    return ended


async def _wind_up(store: Store, session: Session | None, run_id: str, status: RunStatus, error: str | None) -> Run:
    if session is not None and status != "interrupted":
        await session.close()
    return await finish(store, run_id, status, error)


async def _through_papermill(
    store: Store, session: Session, run: Run, path: Path, values: Mapping[str, Any], out: Path | None
) -> str | None:
    """Execute in papermill's own thread; returns a sentence about the error that stopped the notebook, if one did."""
    bridge, options = Bridge(asyncio.get_running_loop()), run.params.get("options", {})
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        executed = Path(folder) / "executed.ipynb"
        work = asyncio.create_task(
            asyncio.to_thread(_papermill, path, executed, dict(values), Job(bridge, store, session), options)
        )
        try:
            error = await asyncio.shield(work)
        except asyncio.CancelledError:
            bridge.stop()
            await asyncio.wait({work})
            raise
        finally:
            if executed.is_file():
                await _keep(store, run.id, path.stem, executed, out)
        return error


async def _keep(store: Store, run_id: str, stem: str, executed: Path, out: Path | None) -> None:
    if out is not None:
        await asyncio.to_thread(_copy, executed, out)
    await store.put(
        executed,
        name=f"{stem}-executed.ipynb",
        media_type="application/x-ipynb+json",
        role="notebook",
        run_id=run_id,
        parents=[a.id for a in store.artifacts(run_id=run_id) if a.role == "input"],
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _papermill(path: Path, out: Path, values: dict[str, Any], job: Job, options: Mapping[str, Any]) -> str | None:
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
