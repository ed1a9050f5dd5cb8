"""Fills the cells of papermill's notebook with what the events of a run say, as stock papermill fills them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from artifacts.events import Event, ExecutionStarted, OutputReceived, OutputUpdated, RunView
from artifacts.types import Execution
from notebooks.files import HOME
from notebooks.outputs import as_notebook
from notebooks.parameters import tags

KEY = "notebook-{}"
"""The key of the execution that is the so-manieth run of a notebook's cells."""

SKIPPED = "skip-execution"
EXPECTED = "raises-exception"


def runs(cell: Any) -> bool:
    """Whether a cell is run at all: code, not blank, and without nbclient's tag for skipping it."""
    return cell.cell_type == "code" and bool(cell.source.strip()) and SKIPPED not in tags(cell)


def took_too_long(execution: Execution) -> bool:
    """Whether a cell was interrupted because its time was up."""
    error = execution.error
    return execution.status == "interrupted" and error is not None and error.name == "TimeoutError"


class Filling:
    """The notebook of an `nb_man` of papermill's, being filled.

    `view` gives the run as far as it is known, `read` the bytes of an artifact's id. `streams` are files that receive
    what cells print; with `log_output` papermill's logger gets it.
    """

    def __init__(
        self,
        nb_man: Any,
        view: Callable[[], RunView],
        read: Callable[[str], bytes],
        streams: dict[str, TextIO | None],
        log_output: bool,
    ) -> None:
        self.nb_man = nb_man
        self._view, self._read, self._streams, self._log_output = view, read, streams, log_output
        places = (index for index, cell in enumerate(nb_man.nb.cells) if runs(cell))
        self._places = {KEY.format(count): (count, index) for count, index in enumerate(places, 1)}
        self._filled: dict[str, Execution] = {}  # by key, as it was when its cell was filled

    def place(self, key: str) -> int:
        """The index of the cell whose execution has this key."""
        return self._places[key][1]

    def hear(self, event: Event) -> None:
        """Pass on what a cell prints as it comes, and save the notebook every now and then if papermill is to."""
        if isinstance(event, OutputReceived):
            self._pass_on(event)
        elif isinstance(event, OutputUpdated):
            self._refresh()
        due = self.nb_man.autosave_cell_every
        if due and not isinstance(event, ExecutionStarted):
            if (self.nb_man.now() - self.nb_man.last_save_time).total_seconds() >= due:
                self.catch_up()
            self.nb_man.autosave_cell()

    def catch_up(self) -> None:
        """Fill the cell that runs with what it has put out so far."""
        for execution in self._view().executions[-1:]:
            self.fill(execution)

    def fill(self, execution: Execution) -> None:
        """Give the execution's cell what it has put out, its number and its times."""
        if execution.key not in self._places:
            return
        count, index = self._places[execution.key]
        cell = self.nb_man.nb.cells[index]
        error = execution.error
        if error is not None and error.died:
            cell.execution_count, error = execution.count, None
        else:
            cell.execution_count = count
        if error is not None and took_too_long(execution):  # Jupyter's interrupt is what the cell gets to see
            told = "\n".join(filter(None, (error.value, error.traceback)))
            error = error.model_copy(update={"name": "KeyboardInterrupt", "value": "", "traceback": told})
        if error is not None:
            error = error.model_copy(update={"frames": tuple(_as_here(frame) for frame in error.frames)})
        cell.outputs = as_notebook(execution.model_copy(update={"error": error}), self._read, count)
        cell.metadata["execution"] = _times(execution)
        self._filled[execution.key] = execution

    def _refresh(self) -> None:
        """Fill the cells again of which a later one has replaced a display."""
        for execution in self._view().executions:
            if execution.key in self._filled and self._filled[execution.key].outputs != execution.outputs:
                self.fill(execution)

    def _pass_on(self, event: OutputReceived) -> None:
        from papermill.log import logger

        output = event.output
        if output.kind in ("stdout", "stderr"):
            if (file := self._streams.get(output.kind)) is not None:
                file.write(output.text)
                file.flush()
            if self._log_output:
                (logger.info if output.kind == "stdout" else logger.warning)(output.text)
        elif self._log_output and output.text:
            logger.info(output.text)


_PLACE = re.compile(r"(File (?:\x1b\[[\d;]*m)*)([~/][^:\x1b\n]*)")


def _as_here(frame: str) -> str:
    """A piece of a traceback with its files where they lie here: the sandbox's home is the folder that we run in."""

    def here(match: re.Match[str]) -> str:
        path = re.sub("^~", HOME, match[2])
        if path.startswith(HOME + "/"):
            beside = Path.cwd() / path.removeprefix(HOME + "/")
            return match[1] + _short(beside) if beside.is_file() else match[0]
        return match[1] + _short(Path(path))

    return _PLACE.sub(here, frame)


def _short(path: Path) -> str:
    """A path as IPython writes it, with `~` for the home."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _times(execution: Execution) -> dict[str, str]:
    """When the cell ran, under the names that nbclient has for it."""
    begun, died = _iso(execution.started_at), execution.error is not None and execution.error.died
    if died and execution.count is None:  # it had ended before the cell came to it
        return {}
    times = {"iopub.status.busy": begun, "iopub.execute_input": begun}
    if execution.ended_at is not None and not died:
        times["iopub.status.idle"] = _iso(execution.ended_at)
        if execution.status != "interrupted":
            times["shell.execute_reply"] = _iso(execution.ended_at)
    return times


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
