"""`gristmill.analyze` for a script or a notebook: one call, awaited or not, and a result that displays itself."""

from __future__ import annotations

import asyncio
import hashlib
import queue
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager, suppress
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
from artifacts.types import Artifact, Finding, Run
from gristmill import background, frames
from gristmill.backend import view as view_of
from gristmill.background import Job
from gristmill.errors import Failed, sentences
from gristmill.settings import Settings, load
from gristmill.terminal.words import kind, numbers, one_line

if TYPE_CHECKING:
    import pandas as pd

type Item = Event | TextDelta | asyncio.Task[Result]
"""What comes of an analysis: its events, and at last the task that has ended."""


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
        """The report without its cells, in a frame that runs no script and shares nothing with the notebook around it.

        It is kept in the notebook with every output, so it is small; below it stands where the whole report is.
        """
        import html

        from notebooks.report import summary_html

        page = summary_html(self.view, self._read)
        escaped = page.replace("&", "&amp;").replace('"', "&quot;")  # all that an attribute in quotes needs
        return (
            f'<iframe sandbox="" srcdoc="{escaped}" title="Gristmill report" '
            'style="width:100%;height:42rem;border:1px solid #8884;border-radius:6px;resize:vertical"></iframe>'
            f"<p>With every cell of the work: <code>{html.escape(str(self.report))}</code> and "
            f"<code>{html.escape(self.notebook.name)}</code> beside it.</p>"
        )

    def _read(self, artifact: Artifact) -> bytes:
        """An artifact's bytes from the folder. Raises OSError where they are gone, or another run's by now."""
        data = (self.directory / artifact.name).read_bytes()
        if hashlib.sha256(data).hexdigest() != artifact.sha256:
            raise FileNotFoundError(f"{artifact.name} is another one by now")
        return data


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
    data folder. `progress` tells what goes on. Works in a script and in a running event loop (Jupyter), which it
    blocks; an interrupt cancels the run.

    Raises `gristmill.errors.Failed` when the run does not reach its end (its message says how to look at what was
    made), and the errors of bad input, each of which is a sentence.
    """
    items: queue.SimpleQueue[Item] = queue.SimpleQueue()
    job = Job(_carry_out(load(), items.put, data, question, model, roles, rerun, out), items.put)
    try:
        with _telling(progress) as tell:
            while not isinstance(item := items.get(), asyncio.Task):
                tell(item)
    except KeyboardInterrupt:
        job.cancel()
        with suppress(queue.Empty):
            while not isinstance(items.get(timeout=30), asyncio.Task):
                continue
        raise
    return _result(item)


async def analyze_async(
    data: Any,
    question: str,
    *,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    rerun: bool | None = None,
    out: str | Path | None = None,
    progress: bool = True,
) -> Result:
    """`analyze` without blocking the event loop: `await gristmill.analyze_async(df, "question")`.

    Several may be awaited at a time. Cancelling it cancels the run, whose record keeps what it made.
    """
    asked = analyze_stream(data, question, model=model, roles=roles, rerun=rerun, out=out)
    with _telling(progress) as tell:
        async with aclosing(asked) as items:
            async for item in items:
                if isinstance(item, Result):
                    return item
                tell(item)
    raise AssertionError("a stream ends with its result or an error")


async def analyze_stream(
    data: Any,
    question: str,
    *,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    rerun: bool | None = None,
    out: str | Path | None = None,
) -> AsyncGenerator[Event | TextDelta | Result]:
    """`analyze` as it goes: every event of the run (see `artifacts.events`), and at the end the Result.

    A model's text comes in between as `TextDelta`. Closing the generator before its end cancels the run.
    """
    loop, items = asyncio.get_running_loop(), asyncio.Queue[Item]()

    def put(item: Item) -> None:
        with suppress(RuntimeError):  # the caller's loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(items.put_nowait, item)

    job = Job(_carry_out(load(), put, data, question, model, roles, rerun, out), put)
    ended = False
    try:
        while not isinstance(item := await items.get(), asyncio.Task):
            yield item
        ended = True
        yield _result(item)
    finally:
        if not ended:
            job.cancel()
            while not isinstance(await items.get(), asyncio.Task):
                continue


async def _carry_out(
    settings: Settings,
    put: Callable[[Item], None],
    data: Any,
    question: str,
    model: str | None,
    roles: Mapping[str, str] | None,
    rerun: bool | None,
    out: str | Path | None,
) -> Result:
    """Ask, hand on the events as they come, and write the results."""
    with ExitStack() as kept:
        files = await asyncio.to_thread(kept.enter_context, frames.files(data))
        async with background.backend(settings) as backend:
            starting = asyncio.ensure_future(backend.start(question, files, model=model, roles=roles, rerun=rerun))
            try:
                run = await asyncio.shield(starting)
                async for event in backend.follow(run.id):
                    put(event)
            except asyncio.CancelledError:
                await backend.cancel((await starting).id)
                raise
            view = await view_of(backend, run.id)
            directory = Path(out) if out is not None else settings.home / "results" / run.id
            await backend.write_out(run.id, directory)
    if view.run.status != "done":
        why = view.error or f"The run ended {view.run.status}."
        raise Failed(f"{why} What it made is in {directory}; `gristmill runs show {run.id}` tells the rest.")
    return Result(view, directory)


def _result(task: asyncio.Task[Result]) -> Result:
    """What came of an analysis that has ended. Where in here an error that says what to do was found helps nobody."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, sentences()):
        raise error.with_traceback(None) from None
    return task.result()


def _line(event: Event | TextDelta) -> str:
    """What goes on, in a line; empty for an event that tells nothing new."""
    match event:
        case RunStarted() | RunBegan():
            return "starting the sandbox"
        case RunQueued():
            return f"waiting for its turn: place {event.place} in line"
        case SandboxOpened():
            return "planning"
        case ExecutionStarted():
            return f"{event.execution.cell}  {one_line(event.execution.title)}"
        case Progressed(execution_id=None):
            return f"{one_line(event.what)}: {event.done:,} of {event.of:,} {event.unit}"
        case RunEnded():
            return "writing the results"
    return ""


@contextmanager
def _telling(progress: bool) -> Iterator[Callable[[Event | TextDelta], None]]:
    """A function that shows an event as a line over the last one, on a terminal or in a notebook; elsewhere nowhere."""
    with _shown(progress) as show:

        def tell(event: Event | TextDelta) -> None:
            if line := _line(event):
                show(line)

        yield tell


@contextmanager
def _shown(progress: bool) -> Iterator[Callable[[str], None]]:
    shell = sys.modules.get("IPython")
    if not progress:
        yield lambda line: None
    elif shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None:
        from IPython.display import display

        handle = display(  # type: ignore[no-untyped-call]
            {"text/plain": "gristmill: starting"}, raw=True, display_id=True
        )
        try:
            yield lambda line: handle.update({"text/plain": f"gristmill: {line}"}, raw=True) if handle else None
        finally:
            if handle:
                handle.update({"text/plain": ""}, raw=True)
    elif sys.stderr.isatty():
        try:
            yield lambda line: print(f"\r\x1b[2Kgristmill: {line[:100]}", end="", file=sys.stderr, flush=True)
        finally:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
    else:
        yield lambda line: None
