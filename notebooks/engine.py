"""A papermill engine whose cells run in a sandbox: `papermill --engine gristmill in.ipynb out.ipynb`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from papermill.exceptions import PapermillException
from papermill.translators import translate_parameters

from artifacts.events import Noted
from artifacts.home import default_home
from artifacts.store import Store, StoreLocked
from artifacts.types import Execution, Run
from kernel_gateway.client import GatewayError, find_host, load_sdk
from notebooks.beside import beside
from notebooks.catalog import heading
from notebooks.errors import NotebookError
from notebooks.filling import EXPECTED, KEY, Filling, runs, took_too_long
from notebooks.job import Bridge, Job, finish, open_session, plan_uploads, started
from notebooks.language import PythonEngine, check_language
from notebooks.parameters import check_name, tags
from notebooks.patience import waiting

_START_SECONDS = 60.0


class GristmillEngine(PythonEngine):
    """Runs a notebook's cells in a Gristmill sandbox.

    Called by papermill with the notebook's manager. Without a `job` (the plain command line) it opens the record at
    GRISTMILL_HOME, finds a sandbox host and records a run of its own. `execution_timeout` is in seconds a cell,
    `start_timeout` in seconds for the sandbox. What a notebook, its cells and their outputs look like afterwards, and
    what is raised, is as with papermill's own engine.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        job: Job | None = None,
        log_output: bool = False,
        start_timeout: float = _START_SECONDS,
        execution_timeout: float | None = None,
        timeout: float | None = None,
        allow_errors: bool = False,
        stdout_file: TextIO | None = None,
        stderr_file: TextIO | None = None,
        input_path: str | None = None,
        folders: Sequence[str] = (),
        **_: Any,
    ) -> None:
        """Run the cells in order up to the first that fails; papermill turns that into its own error and saves.

        Raises nbclient's DeadKernelError when the kernel has ended and its CellTimeoutError for a cell that took too
        long, and PapermillException with a sentence for what stops us.
        """
        from papermill.log import logger

        streams = {"stdout": stdout_file, "stderr": stderr_file}
        try:
            with contextlib.ExitStack() as stack:
                # papermill's command line logs at INFO, where httpx would tell every request between its progress bars.
                logging.getLogger("httpx").setLevel(logging.WARNING)
                check(nb_man.nb, kernel_name)
                if job is None:
                    logger.info(f"Executing notebook with kernel: {kernel_name}")
                run = job or stack.enter_context(_recorded(nb_man, kernel_name, input_path, start_timeout))
                if folders:
                    run.make_folders(folders)
                filling = Filling(nb_man, lambda: run.view, run.read, streams, log_output)
                _run_cells(filling, run, max(execution_timeout or timeout or 0, 0), allow_errors)
                language = run.end()
                keep_widgets(nb_man.nb, run.view.widgets)
                if language:
                    nb_man.nb.metadata["language_info"] = language
        except (NotebookError, GatewayError) as error:
            if job is not None:
                raise
            raise PapermillException(str(error)) from error


def check(notebook: Any, kernel_name: str) -> None:
    """Refuse what must not or cannot run, before anything does. Raises NotebookError."""
    for name in notebook.metadata.papermill.get("parameters", {}):
        check_name(name)
    check_language(notebook, kernel_name)


def keep_widgets(notebook: Any, states: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the states of widgets where a notebook has them."""
    known = {id: state for id, state in states.items() if "_model_name" in state}
    if states:
        notebook.metadata["widgets"] = {
            "application/vnd.jupyter.widget-state+json": {
                "state": {id: _widget(state) for id, state in known.items()},
                "version_major": 2,
                "version_minor": 0,
            }
        }


def _widget(state: Mapping[str, Any]) -> dict[str, Any]:
    names = ("model_name", "model_module", "model_module_version")
    return {**{name: state.get(f"_{name}") for name in names}, "state": dict(state)}


def _run_cells(filling: Filling, job: Job, limit: float, allow_errors: bool) -> None:
    nb_man, title, count = filling.nb_man, "", 0
    for index, cell in enumerate(nb_man.nb.cells):
        nb_man.cell_start(cell, index)
        try:
            if cell.cell_type == "markdown":
                title = heading(cell.source) or title
            if runs(cell):
                count += 1
                try:
                    key, heard = KEY.format(count), filling.hear
                    done = job.execute(cell.source, title=title, tags=tags(cell), key=key, limit=limit, heard=heard)
                except BaseException:
                    filling.catch_up()
                    raise
                filling.fill(done)
                try:
                    raise_if_over(done, cell, limit)
                except Exception:
                    job.error = stopped(done, count)
                    raise
                if not goes_on(done, cell, allow_errors):
                    job.error = stopped(done, count)
                    nb_man.cell_exception(cell, cell_index=index)
                    return
        finally:
            nb_man.cell_complete(cell, cell_index=index)


def goes_on(done: Execution, cell: Any, allow_errors: bool) -> bool:
    """Whether the next cell runs after this one."""
    return done.status == "ok" or allow_errors or EXPECTED in tags(cell)


def raise_if_over(done: Execution, cell: Any, limit: float) -> None:
    """Log and raise what nbclient does when no cell can run after this one: the kernel has ended, or time was up."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.log import logger

    if done.error is not None and done.error.died:
        logger.error("Kernel died while waiting for execute reply.")
        raise DeadKernelError(f"Kernel died: {done.error.value}")
    if took_too_long(done):
        logger.error(f"Timeout waiting for execute reply ({round(limit)}s).")
        raise CellTimeoutError.error_from_timeout_and_cell("Cell execution timed out", round(limit), cell)


def stopped(done: Execution, count: int) -> str | None:
    """A sentence about the cell with which a notebook stopped; None for one that ended it as if it was done."""
    if done.error is None:
        return f"The notebook stopped in cell {count}: {done.status}"
    if done.error.name == "SystemExit" and done.error.value in ("", "0"):
        return None
    return f"The notebook stopped in cell {count}: {done.error.name}: {done.error.value}"


@contextlib.contextmanager
def _recorded(nb_man: Any, kernel_name: str, input_path: str | None, patience: float) -> Iterator[Job]:
    """A job for a notebook that came by papermill's command line: record, host, session, and the end of all three."""
    home = default_home()
    notebook = nb_man.nb
    values, uploads, folders, left_out = take_along(notebook, kernel_name, input_path)
    name = Path(input_path or "notebook.ipynb").name
    title = next((h for c in notebook.cells if c.cell_type == "markdown" and (h := heading(c.source))), name)
    isolation = os.environ.get("GRISTMILL_ISOLATION", "bubblewrap")
    with loop_in_thread() as loop, contextlib.ExitStack() as opening:
        opening.enter_context(waiting("Opening the record and a sandbox"))
        # While it starts there is time to import the SDK and to open the record.
        finding = asyncio.run_coroutine_threadsafe(find_host(home, isolation=isolation, starting=_say_so), loop)
        load_sdk()
        with _store(home) as store:
            bridge, host = Bridge(loop), finding.result()
            run = (begun := started(goal=title, notebook=name, parameters=values, cells=notebook.cells)).run
            bridge.call(store.append(begun))
            with _ended(bridge, store, run) as end:
                for sentence in left_out:
                    bridge.call(store.append(Noted(run_id=run.id, text=sentence, level="warning")))
                session = bridge.call(open_session(store, host, run.id, uploads, patience=patience))
                try:
                    job = end.job = Job(bridge, store, session)
                    job.make_folders(folders)
                    opening.close()
                    yield job
                finally:
                    bridge.call(session.close())


def _say_so() -> None:
    from papermill.log import logger

    logger.info("Starting the gateway of the sandboxes: this takes some seconds, and the next notebook finds it there.")


def take_along(
    notebook: Any, kernel_name: str, input_path: str | None
) -> tuple[dict[str, Any], dict[str, Path], list[str], list[str]]:
    """The parameters as the sandbox has them, the files and folders that come along, and sentences about what does not.

    The cell that papermill injected gets the names that files have in there.
    """
    from papermill.log import logger

    given = dict(notebook.metadata.papermill.get("parameters", {}))
    values, uploads = plan_uploads([], given, Path.cwd(), in_place=True)
    _rewrite(notebook, values, kernel_name)
    folders = [Path.cwd()]
    if input_path is not None and (path := Path(input_path)).is_file():
        folders.append(path.absolute().parent)
    found = beside(notebook, folders)
    for sentence in found.left_out:
        logger.warning(f"Not taken into the sandbox: {sentence}")
    left_out = [f"Not taken into the sandbox: {sentence}" for sentence in found.left_out]
    return values, {**found.files, **uploads}, found.folders, left_out


class _End:
    """What is known of a job when it has ended."""

    job: Job | None = None


@contextlib.contextmanager
def _ended(bridge: Bridge, store: Store, run: Run) -> Iterator[_End]:
    """Record how the run ended, whatever ends it."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    end = _End()
    try:
        yield end
    except (NotebookError, GatewayError, DeadKernelError, CellTimeoutError) as error:
        known = end.job.error if end.job is not None else None
        bridge.call(finish(store, run.id, "failed", known or str(error)))
        raise
    except BaseException:
        bridge.call(finish(store, run.id, "cancelled"))
        raise
    problem = end.job.error if end.job is not None else None
    bridge.call(finish(store, run.id, "failed" if problem else "done", problem))


def _rewrite(notebook: Any, values: dict[str, Any], kernel_name: str) -> None:
    """Give the cell that papermill injected the names that files have in the sandbox."""
    if values == notebook.metadata.papermill.get("parameters", {}):
        return
    for cell in notebook.cells:
        if "injected-parameters" in tags(cell):
            cell.source = translate_parameters(kernel_name, "python", values, "Parameters")
    notebook.metadata.papermill["parameters"] = values


@contextlib.contextmanager
def _store(home: Path) -> Iterator[Store]:
    """The record at home; where another process holds it, one that is thrown away, and a sentence about that."""
    try:
        store = Store.open(home)
    except StoreLocked as error:
        print(f"{error} This run is therefore not recorded; its notebook is written all the same.", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="gristmill-") as scratch, Store.open(Path(scratch)) as store:
            yield store
        return
    with store:
        yield store


@contextlib.contextmanager
def loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own: papermill may have been called from inside another."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="gristmill-engine", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
