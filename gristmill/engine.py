"""The door of papermill's command line: a notebook goes to the running server if there is one, else it runs from here.

`papermill --engine gristmill in.ipynb out.ipynb` finds this class as papermill's entry point.
"""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TextIO

from artifacts.home import default_home
from notebooks.language import PythonEngine
from notebooks.patience import waiting

if TYPE_CHECKING:
    from artifacts.events import Event, RunEnded, RunView
    from artifacts.types import Execution
    from gristmill.discovery import Server
    from gristmill.remote import Remote
    from notebooks.filling import Filling
    from notebooks.job import Bridge


class GristmillEngine(PythonEngine):
    """Runs a notebook's cells in a Gristmill sandbox; its options are those of `notebooks.engine`.

    While `gristmill serve` holds the record, the run is the server's: it waits for its turn there, everybody sees it,
    and papermill's notebook is filled by its events as they come.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        """Run the cells, as `notebooks.engine.GristmillEngine` does, which also says what is raised."""
        with waiting("Loading Gristmill"):
            from gristmill.discovery import find_server
            from notebooks import engine
            from notebooks.job import Bridge

        with engine.loop_in_thread() as loop:
            bridge = Bridge(loop)
            with waiting("Looking for a running Gristmill server"):
                server = bridge.call(find_server(default_home()))
            if server is not None:
                _hand_over(bridge, server, nb_man, kernel_name, **options)
                return
        engine.GristmillEngine.execute_managed_notebook(nb_man, kernel_name, **options)


def _hand_over(
    bridge: Bridge,
    server: Server,
    nb_man: Any,
    kernel_name: str,
    *,
    log_output: bool = False,
    execution_timeout: float | None = None,
    timeout: float | None = None,
    allow_errors: bool = False,
    stdout_file: TextIO | None = None,
    stderr_file: TextIO | None = None,
    input_path: str | None = None,
    **__: Any,
) -> None:
    """Have the server run the notebook, and fill it here until the run has ended; Ctrl-C cancels the run."""
    from papermill.exceptions import PapermillException
    from papermill.log import logger

    from gristmill.errors import sentences
    from gristmill.remote import Remote
    from notebooks.engine import check, take_along
    from notebooks.filling import Filling

    logging.getLogger("httpx").setLevel(logging.WARNING)  # which would tell every request between the progress bars
    remote = Remote(server.url, server.token)
    try:
        check(nb_man.nb, kernel_name)
        logger.info(f"Executing notebook with kernel: {kernel_name}")
        _, files, folders, _ = take_along(nb_man.nb, kernel_name, input_path)
        limit = max(execution_timeout or timeout or 0, 0)
        options = {"limit": limit, "allow_errors": allow_errors, "folders": folders}
        with waiting("Sending the notebook to the server"):
            run = _send(bridge, remote, nb_man.nb, input_path, files, options)
        logger.info(f"The server at {server.url} runs it as {run}: {server.url}/runs/{run}")
        served = _Served(bridge, remote, limit, allow_errors)
        streams = {"stdout": stdout_file, "stderr": stderr_file}
        served.filling = Filling(nb_man, lambda: served.view, served.read, streams, log_output)
        told: SimpleQueue[Event | None] = SimpleQueue()
        try:
            with _interrupting(bridge):
                bridge.hear(_follow(remote, run, told.put), told, served.hear)
        except (KeyboardInterrupt, CancelledError) as stopped:
            bridge.call(remote.cancel(run))
            raise KeyboardInterrupt from stopped
        served.finish()
    except sentences() as error:
        raise PapermillException(str(error)) from error
    finally:
        bridge.call(remote.close())


@contextlib.contextmanager
def _interrupting(bridge: Bridge) -> Iterator[None]:
    """Have Ctrl-C end the call under way: what it raises otherwise is lost where Python runs a finalizer just then."""

    def interrupt(*_: Any) -> None:
        if not bridge.interrupt():
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _send(
    bridge: Bridge,
    remote: Remote,
    notebook: Any,
    input_path: str | None,
    files: dict[str, Path],
    options: dict[str, Any],
) -> str:
    """Have the server begin a run of the notebook as it is now, with the files that it needs; returns the run's id."""
    from notebooks.nb import nbformat

    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        path = Path(folder) / (Path(input_path).name if input_path and input_path.endswith(".ipynb") else "in.ipynb")
        nbformat.write(_for_python(notebook), path)
        return bridge.call(remote.start_prepared(path, files, **options)).id


def _for_python(notebook: Any) -> Any:
    """The notebook as one of Python, which by the kernel that was chosen for it it is."""
    metadata = {key: value for key, value in notebook.metadata.items() if key != "language_info"}
    metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return type(notebook)({**notebook, "metadata": type(notebook)(metadata)})


async def _follow(remote: Remote, run_id: str, tell: Callable[[Event], None]) -> None:
    from artifacts.events import TextDelta

    async for event in remote.follow(run_id):
        if not isinstance(event, TextDelta):
            tell(event)


class _Served:
    """A run of the server's on its way into papermill's notebook."""

    filling: Filling
    view: RunView

    def __init__(self, bridge: Bridge, remote: Remote, limit: float, allow_errors: bool) -> None:
        self._bridge, self._remote, self._limit, self._allow_errors = bridge, remote, limit, allow_errors
        self._next = 0  # the first cell that has not begun
        self._over: BaseException | None = None  # what is to be raised when the run has ended
        self._stopped = False
        self._ended: RunEnded | None = None

    def hear(self, event: Event) -> None:
        """Fold an event, and do with papermill's notebook what it says."""
        from artifacts.events import ExecutionEnded, ExecutionStarted, RunEnded, apply

        self.view = apply(getattr(self, "view", None), event)
        match event:
            case ExecutionStarted(execution=execution) if execution.key is not None:
                place = self.filling.place(execution.key)
                self._pass(place)
                self.filling.nb_man.cell_start(self.filling.nb_man.nb.cells[place], place)
                self._next = place + 1
            case ExecutionEnded():
                done = next(x for x in self.view.executions if x.id == event.execution_id)
                if done.key is not None:
                    self._end(done, self.filling.place(done.key))
            case RunEnded():
                self._ended = event
            case _:
                self.filling.hear(event)

    def read(self, artifact_id: str) -> bytes:
        """The bytes of an artifact of the run."""
        artifact = next(a for a in self.view.artifacts if a.id == artifact_id)
        return self._bridge.call(self._remote.read(artifact))

    def finish(self) -> None:
        """Fill what is left when the run has ended, and raise what papermill's own engine would have raised."""
        from papermill.exceptions import PapermillException

        from notebooks.engine import keep_widgets

        notebook = self.filling.nb_man.nb
        if self._over is not None:
            raise self._over
        if self._ended is not None and self._ended.status != "done" and not self._stopped:
            run = self.view.run.id
            raise PapermillException(self._ended.error or f"{run} was {self._ended.status} before its end.")
        if not self._stopped:
            self._pass(len(notebook.cells))
        keep_widgets(notebook, self.view.widgets)
        executed = [a for a in self.view.artifacts if a.role == "notebook" and a.name.endswith("-executed.ipynb")]
        for artifact in executed[-1:]:
            with contextlib.suppress(ValueError, KeyError):
                notebook.metadata["language_info"] = json.loads(self.read(artifact.id))["metadata"]["language_info"]

    def _pass(self, place: int) -> None:
        """Begin and end the cells before a place that are not run at all."""
        nb_man = self.filling.nb_man
        for index in range(self._next, place):
            nb_man.cell_start(nb_man.nb.cells[index], index)
            nb_man.cell_complete(nb_man.nb.cells[index], cell_index=index)
        self._next = max(self._next, place)

    def _end(self, done: Execution, place: int) -> None:
        from nbclient.exceptions import CellTimeoutError, DeadKernelError

        from notebooks.engine import goes_on, raise_if_over

        nb_man, cell = self.filling.nb_man, self.filling.nb_man.nb.cells[place]
        self.filling.fill(done)
        try:
            raise_if_over(done, cell, self._limit)
            if not goes_on(done, cell, self._allow_errors):
                self._stopped = True
                nb_man.cell_exception(cell, cell_index=place)
        except (DeadKernelError, CellTimeoutError) as error:
            self._over = error
        finally:
            nb_man.cell_complete(cell, cell_index=place)
