"""`gristmill.analyze` for a script or a notebook: one call, and a result that displays itself."""

from __future__ import annotations

import asyncio
import queue
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.events import (
    Event,
    ExecutionStarted,
    Progressed,
    RunBegan,
    RunEnded,
    RunQueued,
    RunStarted,
    RunView,
    SandboxOpened,
    TextDelta,
)
from artifacts.types import Finding, Run
from gristmill.backend import connect
from gristmill.backend import view as view_of
from gristmill.errors import Failed, Misuse, sentences
from gristmill.settings import load
from gristmill.terminal.words import kind, numbers, one_line

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Result:
    """What came of a question. In a notebook it shows the report; `print` gives the answer and the findings."""

    view: RunView = field(repr=False)
    directory: Path

    @property
    def run(self) -> Run:
        """The run as it is kept in the record."""
        return self.view.run

    @property
    def answer(self) -> str:
        """The answer to the question, in words."""
        return self.view.report.answer if self.view.report else ""

    @property
    def findings(self) -> list[Finding]:
        """The findings in the report's order; those that the report leaves out come last, without a rank."""
        return list(self.view.ranked)

    @property
    def plots(self) -> list[Path]:
        """The plots, in the order in which they were made."""
        names = dict.fromkeys(a.name for a in self.view.artifacts if a.role == "plot")
        return [self.directory / name for name in names]

    @property
    def notebook(self) -> Path:
        """The whole analysis as a notebook that runs in any Jupyter, beside the data."""
        return self.directory / "analysis.ipynb"

    @property
    def report(self) -> Path:
        """The report as one HTML file."""
        return self.directory / "report.html"

    def dataframe(self) -> pd.DataFrame:
        """The findings as a table, one row each: id, type, kind, columns, metric, value, low, high, p, q, n, text."""
        import pandas as pd

        return pd.DataFrame([_row(f) for f in self.findings], columns=list(_COLUMNS))

    def save(self, directory: str | Path) -> Path:
        """Copy the notebook, the reports, findings.json, the plots and the data into a folder; returns the folder."""
        import shutil

        target = Path(directory)
        if target.exists() and target.samefile(self.directory):
            return target
        shutil.copytree(self.directory, target, dirs_exist_ok=True)
        return target

    def __str__(self) -> str:
        lines = [self.view.run.goal, "", self.answer or "(no answer)"]
        for finding in self.findings:
            if finding.rank is not None:
                told = numbers(finding)
                lines += ["", f"{finding.id}  {kind(finding.kind)}: {one_line(finding.text)}"]
                lines += [f"    {told}"] if told else []
        return "\n".join([*lines, "", f"Report and notebook: {self.directory}"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The report, in a frame that runs no script and shares nothing with the notebook around it."""
        import html

        page = html.escape(self.report.read_text(), quote=True)
        return (
            f'<iframe sandbox="" srcdoc="{page}" title="Gristmill report" '
            'style="width:100%;height:42rem;border:1px solid #8884;border-radius:6px"></iframe>'
        )


_COLUMNS = ("id", "rank", "type", "kind", "columns", "metric", "value", "low", "high", "p", "q", "n", "text")


def _row(finding: Finding) -> tuple[Any, ...]:
    effect, test = finding.effect, finding.test
    low, high = effect.ci if effect and effect.ci else (None, None)
    return (
        finding.id,
        finding.rank,
        finding.type,
        finding.kind,
        ", ".join(finding.columns),
        effect.metric if effect else None,
        effect.value if effect else None,
        low,
        high,
        test.p if test else None,
        test.q if test else None,
        finding.n,
        finding.text,
    )


def analyze(
    data: Any,
    question: str,
    *,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    rerun: bool | None = None,
    out: str | Path | None = None,
    progress: bool = True,
) -> Result:
    """Ask a question of a table and wait for the answer.

    `data` is a DataFrame (pandas, or anything that Arrow can read), a path, or a list of these. `roles` may name the
    target, time, unit and assignment columns. `rerun` says whether the review runs the notebook again in a fresh
    sandbox (None: as GRISTMILL_RERUN does). The results are written to `out`, by default to a folder of the run in the
    data folder. `progress` tells what goes on. Works in a script and in a running event loop (Jupyter); an interrupt
    cancels the run.

    Raises `gristmill.errors.Failed` when the run does not reach its end (its message says how to look at what was
    made), and the errors of bad input, each of which is a sentence.
    """
    settings = load()
    told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    stop = threading.Event()
    outcome: list[Result | BaseException] = []

    async def job(files: list[Path]) -> Result:
        backend = await connect(settings)
        try:
            run = await backend.start(question, files, model=model, roles=roles, rerun=rerun)
            watching = asyncio.create_task(_watch(backend.follow(run.id), told))
            while not watching.done():
                await asyncio.wait({watching}, timeout=0.1)
                if stop.is_set():
                    await backend.cancel(run.id)
                    stop.clear()
            await watching
            view = await view_of(backend, run.id)
            directory = Path(out) if out is not None else settings.home / "results" / run.id
            await backend.write_out(run.id, directory)
            if view.run.status != "done":
                why = view.error or f"The run ended {view.run.status}."
                raise Failed(f"{why} What it made is in {directory}; `gristmill runs show {run.id}` tells the rest.")
            return Result(view, directory)
        finally:
            await backend.close()

    def work() -> None:
        try:
            with _files(data) as files:
                outcome.append(asyncio.run(job(files)))
        except BaseException as error:  # noqa: BLE001  # it is raised again in the caller's thread
            outcome.append(error)
        finally:
            told.put(None)

    # A thread with a loop of its own: the caller's may be running already, as it is in Jupyter.
    worker = threading.Thread(target=work, name="gristmill-analyze", daemon=True)
    worker.start()
    try:
        with _telling(progress) as tell:
            while (line := told.get()) is not None:
                tell(line)
    except KeyboardInterrupt:
        stop.set()
        worker.join(30)
        raise
    worker.join()
    result = outcome[0]
    if isinstance(result, sentences()):  # it says what to do; where in here it was found helps nobody
        raise result.with_traceback(None) from None
    if isinstance(result, BaseException):
        raise result
    return result


async def _watch(events: Any, told: queue.SimpleQueue[str | None]) -> None:
    event: Event | TextDelta
    async for event in events:
        match event:
            case RunStarted() | RunBegan():
                told.put("starting the sandbox")
            case RunQueued():
                told.put(f"waiting for its turn: place {event.place} in line")
            case SandboxOpened():
                told.put("planning")
            case ExecutionStarted():
                told.put(f"{event.execution.cell}  {one_line(event.execution.title)}")
            case Progressed(execution_id=None):
                told.put(f"{one_line(event.what)}: {event.done:,} of {event.of:,} {event.unit}")
            case RunEnded():
                told.put("writing the results")


@contextmanager
def _telling(progress: bool) -> Iterator[Any]:
    """A function that shows a line over the last one, on a terminal or in a notebook; elsewhere it does nothing."""
    shell = sys.modules.get("IPython")
    if not progress:
        yield lambda line: None
    elif shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None:
        from IPython.display import display

        handle = display(  # type: ignore[no-untyped-call]
            {"text/plain": "gristmill: starting"}, raw=True, display_id=True
        )
        yield lambda line: handle.update({"text/plain": f"gristmill: {line}"}, raw=True) if handle else None
        if handle:
            handle.update({"text/plain": ""}, raw=True)
    elif sys.stderr.isatty():
        yield lambda line: print(f"\r\x1b[2Kgristmill: {line[:100]}", end="", file=sys.stderr, flush=True)
        print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
    else:
        yield lambda line: None


@contextmanager
def _files(data: Any) -> Iterator[list[Path]]:
    """The files to ask about; tables are written to a temporary folder that lives as long as the run."""
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        several = list(data) if isinstance(data, Sequence) and not isinstance(data, str | bytes) else [data]
        if not several:
            raise Misuse("There is no data: give a DataFrame, a path, or a list of these.")
        files = []
        for n, item in enumerate(several, 1):
            if isinstance(item, str | Path):
                files.append(Path(item).expanduser())
            else:
                files.append(_written(item, Path(folder), "data" if len(several) == 1 else f"data_{n}"))
        yield files


def _written(table: Any, folder: Path, name: str) -> Path:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(table, pd.Series):
        table = table.to_frame()
    if isinstance(table, pd.DataFrame):
        return _written_pandas(table, folder, name)
    if hasattr(table, "collect") and not hasattr(table, "__arrow_c_stream__"):
        table = table.collect()  # a lazy frame
    try:
        arrow = pa.table(table)
    except (TypeError, ValueError, pa.ArrowInvalid) as error:
        raise Misuse(
            f"A value of type {type(table).__name__} is not a table that can be read; "
            "give a DataFrame, a path, or a list of these."
        ) from error
    pq.write_table(arrow, folder / f"{name}.parquet")
    return folder / f"{name}.parquet"


def _written_pandas(frame: pd.DataFrame, folder: Path, name: str) -> Path:
    import pandas as pd
    import pyarrow as pa

    if not isinstance(frame.index, pd.RangeIndex):
        clash = set(map(str, frame.index.names)) & set(map(str, frame.columns))
        frame = frame.reset_index(drop=bool(clash) or (frame.index.nlevels == 1 and frame.index.name is None))
    frame = frame.set_axis([_flat(c) for c in frame.columns], axis=1)
    try:
        if frame.columns.is_unique:
            frame.to_parquet(folder / f"{name}.parquet", index=False)
            return folder / f"{name}.parquet"
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        pass  # a column of mixed types has no Parquet type, but every table has a CSV
    frame.to_csv(folder / f"{name}.csv", index=False)
    return folder / f"{name}.csv"


def _flat(column: object) -> str:
    parts = [str(c) for c in column if str(c)] if isinstance(column, tuple) else [str(column)]
    return re.sub(r"[\r\n]+", " ", "_".join(parts))
