"""A papermill engine whose cells run in a sandbox: `papermill --engine gristmill in.ipynb out.ipynb`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from papermill.engines import Engine
from papermill.exceptions import PapermillException
from papermill.translators import translate_parameters

from artifacts.home import default_home
from artifacts.store import Store, StoreLocked
from artifacts.types import Execution, Run
from kernel_gateway.client import GatewayError, find_host
from notebooks.catalog import heading
from notebooks.errors import NotebookError
from notebooks.job import Bridge, Job, begin, finish, open_session, plan_uploads
from notebooks.outputs import as_notebook
from notebooks.parameters import check_name, read_parameters, tags


class GristmillEngine(Engine):  # type: ignore[misc]  # papermill carries no types
    """Runs a notebook's cells in a Gristmill sandbox.

    Called by papermill with the notebook's manager. Without a `job` (the plain command line) it opens the record at
    GRISTMILL_HOME, finds a sandbox host and records a run of its own. `execution_timeout` is in seconds a cell.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        job: Job | None = None,
        execution_timeout: float | None = None,
        stdout_file: TextIO | None = None,
        stderr_file: TextIO | None = None,
        input_path: str | None = None,
        **_: Any,
    ) -> None:
        """Run the cells in order up to the first that raises; papermill turns that into its own error and saves."""
        try:
            for name in nb_man.nb.metadata.papermill.get("parameters", {}):
                check_name(name)
            with contextlib.ExitStack() as stack:
                # papermill's command line logs at INFO, where httpx would tell every request between its progress bars.
                logging.getLogger("httpx").setLevel(logging.WARNING)
                run = job or stack.enter_context(_recorded(nb_man, kernel_name, input_path))
                streams = {"stdout": stdout_file, "stderr": stderr_file}
                _run_cells(nb_man, run, execution_timeout or 0, streams)
                run.settle()
        except (NotebookError, GatewayError) as error:
            if job is not None:
                raise
            raise PapermillException(str(error)) from error

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """The kernel's name; a notebook that names none is taken for Python, which is all that a sandbox has."""
        return name or nb.metadata.get("kernelspec", {}).get("name") or "python3"

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """The notebook's language, Python if it names none."""
        return language or nb.metadata.get("kernelspec", {}).get("language") or "python"


def _run_cells(nb_man: Any, job: Job, limit: float, streams: dict[str, TextIO | None]) -> None:
    title, count, cells = "", 0, nb_man.nb.cells
    for index, cell in enumerate(cells):
        nb_man.cell_start(cell, index)
        failed = False
        if cell.cell_type == "markdown":
            title = heading(cell.source) or title
        elif cell.cell_type == "code" and cell.source.strip():
            count += 1
            try:
                done = job.execute(cell.source, title=title, tags=tags(cell), key=f"notebook-{count}", limit=limit)
            except BaseException:
                nb_man.cell_exception(cell, cell_index=index)
                raise
            cell.execution_count = count
            cell.outputs = _outputs(done, job, count, expected="raises-exception" in tags(cell))
            failed = any(o.output_type == "error" for o in cell.outputs)
            _copy(done, streams)
        if failed:
            nb_man.cell_exception(cell, cell_index=index)
        nb_man.cell_complete(cell, cell_index=index)
        if failed:
            return


def _outputs(execution: Execution, job: Job, count: int, *, expected: bool) -> list[Any]:
    """The cell's outputs. papermill takes any error for a failure, so one that the notebook expects becomes stderr."""
    from notebooks.nb import v4

    if execution.error is None or execution.status != "error" or not expected:
        return as_notebook(execution, job.read, count)
    text = execution.error.traceback or f"{execution.error.name}: {execution.error.value}"
    outputs = as_notebook(execution.model_copy(update={"error": None}), job.read, count)
    return [*outputs, v4.new_output("stream", name="stderr", text=text + "\n")]


def _copy(execution: Execution, streams: dict[str, TextIO | None]) -> None:
    for output in execution.outputs:
        file = streams.get(output.kind)
        if file is not None:
            file.write(output.text)
            file.flush()


@contextlib.contextmanager
def _recorded(nb_man: Any, kernel_name: str, input_path: str | None) -> Iterator[Job]:
    """A job for a notebook that came by papermill's command line: record, host, session, and the end of all three."""
    home = default_home()
    notebook = nb_man.nb
    known = read_parameters(notebook)
    given = dict(notebook.metadata.papermill.get("parameters", {}))
    values, uploads = plan_uploads(known, given, Path.cwd())
    _rewrite(notebook, values, kernel_name)
    name = Path(input_path or "notebook.ipynb").name
    title = next((h for c in notebook.cells if c.cell_type == "markdown" and (h := heading(c.source))), name)
    with _store(home) as store, _loop() as loop:
        bridge = Bridge(loop)
        host = bridge.call(find_host(home, isolation=os.environ.get("GRISTMILL_ISOLATION", "bubblewrap")))
        run = bridge.call(begin(store, goal=title, notebook=name, parameters=values, cells=notebook.cells))
        with _ended(bridge, store, run, notebook):
            session = bridge.call(open_session(store, host, run.id, uploads))
            try:
                yield Job(bridge, store, session)
            finally:
                bridge.call(session.close())


@contextlib.contextmanager
def _ended(bridge: Bridge, store: Store, run: Run, notebook: Any) -> Iterator[None]:
    """Record how the run ended, whatever ends it."""
    try:
        yield
    except (NotebookError, GatewayError) as error:
        bridge.call(finish(store, run.id, "failed", str(error)))
        raise
    except BaseException:
        bridge.call(finish(store, run.id, "cancelled"))
        raise
    stopped = first_error(notebook)
    bridge.call(finish(store, run.id, "failed" if stopped else "done", stopped))


def first_error(notebook: Any) -> str | None:
    """A sentence about the error with which a notebook stopped, if it did."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return f"The notebook stopped in cell {cell.execution_count}: {output.ename}: {output.evalue}"
    return None


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
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
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
