"""`gristmill.ask` and `gristmill.analyze` for a script or a notebook: one call, awaited or not."""

from __future__ import annotations

import asyncio
import json
import queue
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager, suppress
from pathlib import Path
from typing import Any

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
from artifacts.types import Message, Run, Turn
from graphs.questions.query import Query
from graphs.request import Approve, Terms, asked_in, terms_of
from gristmill import background, frames
from gristmill.backend import Backend
from gristmill.backend import view as view_of
from gristmill.background import Job
from gristmill.errors import Failed, sentences
from gristmill.listening import heard
from gristmill.local import Local
from gristmill.results import Answered, Result
from gristmill.settings import Settings, load
from gristmill.terminal.words import one_line

_attending: set[asyncio.Task[None]] = set()  # which the loop itself would let go

__all__ = ["Answered", "Result", "analyze", "analyze_async", "analyze_stream", "ask", "ask_async"]

type Item[T] = Event | TextDelta | asyncio.Task[T]
"""What comes of a question: its events, and at last the task that has ended."""
type Put[T] = Callable[[Item[T]], None]
type Work[T] = Callable[[Put[T]], Coroutine[Any, Any, T]]
"""What is done in the thread of the data folders, and hands on events as they come."""


def analyze(
    data: Any,
    question: str,
    *,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    rerun: bool | None = None,
    project: str | None = None,
    agent: str | None = None,
    budget: str | None = None,
    approve: Approve = "auto",
    unattended: bool = False,
    out: str | Path | None = None,
    progress: bool = True,
) -> Result:
    """Ask a question of a table and wait for the answer.

    `data` is a DataFrame (pandas, or anything that Arrow can read), a path, or a list of these. `roles` may name the
    target, time, unit and assignment columns. `rerun` says whether the review runs the notebook again in a fresh
    sandbox (None: as GRISTMILL_RERUN does). The results are written to `out`, by default to a folder of the run in the
    data folder. `progress` tells what goes on. Works in a script and in a running event loop (Jupyter), which it
    blocks; an interrupt cancels the run.

    `project` is the project that the run belongs to, `agent` who writes the cells (`gristmill agents list`). `budget`
    is what it may use, as in "tokens=20000,usd=0.5,minutes=10,cells=30". `approve` says which calls wait for a person:
    "auto", those of tools that ask; "ask", all; "deny", none, as those that would wait are not carried out. An
    `unattended` run waits for nobody. A run that waits is left waiting: the error says for what, and how to go on.

    Raises `gristmill.errors.Failed` when the run does not reach its end (its message says how to look at what was
    made), and the errors of bad input, each of which is a sentence.
    """
    terms = _terms(project, agent, budget, approve, unattended)
    return wait(_analyzing(data, question, model, roles, rerun, terms, out), progress=progress)


async def analyze_async(
    data: Any,
    question: str,
    *,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    rerun: bool | None = None,
    project: str | None = None,
    agent: str | None = None,
    budget: str | None = None,
    approve: Approve = "auto",
    unattended: bool = False,
    out: str | Path | None = None,
    progress: bool = True,
) -> Result:
    """`analyze` without blocking the event loop: `await gristmill.analyze_async(df, "question")`.

    Several may be awaited at a time. Cancelling it cancels the run, whose record keeps what it made.
    """
    terms = _terms(project, agent, budget, approve, unattended)
    return await _await(_analyzing(data, question, model, roles, rerun, terms, out), progress=progress)


async def analyze_stream(
    data: Any,
    question: str,
    *,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    rerun: bool | None = None,
    project: str | None = None,
    agent: str | None = None,
    budget: str | None = None,
    approve: Approve = "auto",
    unattended: bool = False,
    out: str | Path | None = None,
) -> AsyncGenerator[Event | TextDelta | Result]:
    """`analyze` as it goes: every event of the run (see `artifacts.events`), and at the end the Result.

    A model's text comes in between as `TextDelta`. Closing the generator before its end cancels the run.
    """
    terms = _terms(project, agent, budget, approve, unattended)
    async with aclosing(_stream(_analyzing(data, question, model, roles, rerun, terms, out))) as items:
        async for item in items:
            yield item.result() if isinstance(item, asyncio.Task) else item


def ask(
    data: Any,
    question: str = "",
    *,
    query: Query | Mapping[str, Any] | None = None,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    project: str | None = None,
    agent: str | None = None,
    budget: str | None = None,
    approve: Approve = "auto",
    unattended: bool = False,
    out: str | Path | None = None,
    progress: bool = True,
) -> Answered:
    """Answer a question of a table and no more than that: `gristmill.ask(df, "What is the mean fare?").value`.

    `query` says what the question means, where its words are not to be read (docs/questions.md). What was made to
    answer it, its notebook among it, is written to `out` where that is given. The rest is as in `analyze`, and so are
    the errors. A question that cannot be answered raises none: `status` is not_answered then, and `answer` says why.
    """
    terms = _terms(project, agent, budget, approve, unattended)
    return wait(_asking(data, question, query, model, roles, terms, out), progress=progress)


async def ask_async(
    data: Any,
    question: str = "",
    *,
    query: Query | Mapping[str, Any] | None = None,
    model: str | None = None,
    roles: Mapping[str, str] | None = None,
    project: str | None = None,
    agent: str | None = None,
    budget: str | None = None,
    approve: Approve = "auto",
    unattended: bool = False,
    out: str | Path | None = None,
    progress: bool = True,
) -> Answered:
    """`ask` without blocking the event loop. Several may be awaited at a time; cancelling it cancels the run."""
    terms = _terms(project, agent, budget, approve, unattended)
    return await _await(_asking(data, question, query, model, roles, terms, out), progress=progress)


def wait[T](work: Work[T], *, progress: bool) -> T:
    """What comes of work, waiting for it. An interrupt cancels it."""
    items: queue.SimpleQueue[Item[T]] = queue.SimpleQueue()
    job = Job(work(items.put), items.put)
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


async def _await[T](work: Work[T], *, progress: bool) -> T:
    with _telling(progress) as tell:
        async with aclosing(_stream(work)) as items:
            async for item in items:
                if isinstance(item, asyncio.Task):
                    return item.result()
                tell(item)
    raise AssertionError("a stream ends with what came of it, or an error")


async def _stream[T](work: Work[T]) -> AsyncGenerator[Item[T]]:
    """What comes of work as it comes, the task that did it last. Closing this before its end cancels the work."""
    loop, items = asyncio.get_running_loop(), asyncio.Queue[Item[T]]()

    def put(item: Item[T]) -> None:
        with suppress(RuntimeError):  # the caller's loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(items.put_nowait, item)

    job = Job(work(put), put)
    ended = False
    try:
        while not isinstance(item := await items.get(), asyncio.Task):
            yield item
        ended = True
        _result(item)
        yield item
    finally:
        if not ended:
            job.cancel()
            while not isinstance(await items.get(), asyncio.Task):
                continue


def _analyzing(
    data: Any,
    question: str,
    model: str | None,
    roles: Mapping[str, str] | None,
    rerun: bool | None,
    terms: Terms,
    out: str | Path | None,
) -> Work[Result]:
    settings, terms = load(), _with_folder(terms, out)

    async def work(put: Put[Result]) -> Result:
        def begin(backend: Backend, files: list[Path]) -> Coroutine[Any, Any, Run]:
            return backend.start(question, files, model=model, roles=roles, rerun=rerun, terms=terms)

        def folder(run: Run) -> Path:
            return Path(out) if out is not None else settings.home / "results" / run.id

        view = await _carry_out(settings, put, data, begin, folder)
        return Result(view, folder(view.run))

    return work


def _asking(
    data: Any,
    question: str,
    query: Query | Mapping[str, Any] | None,
    model: str | None,
    roles: Mapping[str, str] | None,
    terms: Terms,
    out: str | Path | None,
) -> Work[Answered]:
    settings, asked, terms = load(), asked_in(question, _json(query)), _with_folder(terms, out)

    async def work(put: Put[Answered]) -> Answered:
        def begin(backend: Backend, files: list[Path]) -> Coroutine[Any, Any, Run]:
            return backend.ask(asked, files, model=model, roles=roles, terms=terms)

        return Answered(
            await _carry_out(settings, put, data, begin, lambda run: Path(out) if out is not None else None)
        )

    return work


async def _following(run_id: str, question: str, queue: bool) -> Answered:
    """What a run says to a further question."""
    async with background.backend(load()) as backend:
        turn = await backend.ask_run(run_id, question, queue=queue)
        return Answered(await view_of(backend, run_id), turn)


def follow_up(run_id: str, question: str, queue: bool) -> Answered:
    """Ask a run a further question, and wait for the answer: see `Answered.ask`."""
    return wait(lambda put: _following(run_id, question, queue), progress=False)


def say(run_id: str, text: str, queue: bool) -> Turn | Message:
    """Say something to a run and go on at once: see `Answered.say`."""

    async def attend(ready: asyncio.Event) -> None:
        """Keep the data folder open for as long as the turn takes, where this program is the one that works on it."""
        async with background.backend(load()) as backend:
            ready.set()
            async for _ in backend.follow(run_id):
                pass

    async def saying() -> Turn | Message:
        async with background.backend(load()) as backend:
            said = await backend.say(run_id, text, queue=queue)
            ready = asyncio.Event()
            task = asyncio.create_task(attend(ready))
            _attending.add(task)
            task.add_done_callback(_attending.discard)
            await ready.wait()
            return said

    return wait(lambda put: saying(), progress=False)


def stop(run_id: str) -> Run:
    """End the turn of a run that is under way: see `Answered.stop`."""

    async def stopping() -> Run:
        async with background.backend(load()) as backend:
            return await backend.stop(run_id)

    return wait(lambda put: stopping(), progress=False)


def _terms(project: str | None, agent: str | None, budget: str | None, approve: Approve, unattended: bool) -> Terms:
    """The terms on which a run works. Raises InputError for a budget or an approval that is none."""
    told = {"project": project, "agent": agent, "budget": budget, "approve": approve, "unattended": unattended}
    return terms_of(told)


def _with_folder(terms: Terms, out: str | Path | None) -> Terms:
    """Terms that name the folder of the results."""
    return terms if out is None else terms.model_copy(update={"out": str(Path(out).absolute())})


def _waits(view: RunView) -> str:
    """What a run waits for, and how to go on with it."""
    again = f"then `gristmill runs show {view.run.id}`, or begin with unattended=True."
    if question := next(iter(view.open_questions), None):
        return f'The run waits for an answer: {question.text} `gristmill runs answer {view.run.id} "..."`, {again}'
    tool = next((a.tool for a in view.open_approvals), "a call")
    return f"The run waits for your consent to {tool}: `gristmill runs approve {view.run.id}` or `reject`, {again}"


def _json(query: Query | Mapping[str, Any] | None) -> str:
    if query is None:
        return ""
    return query.model_dump_json() if isinstance(query, Query) else json.dumps(query)


async def _carry_out(
    settings: Settings,
    put: Callable[[Event | TextDelta], None],
    data: Any,
    begin: Callable[[Backend, list[Path]], Coroutine[Any, Any, Run]],
    folder: Callable[[Run], Path | None],
) -> RunView:
    """Ask, hand on the events as they come, and write the results into the run's folder, if it is to have one."""
    with ExitStack() as kept:
        files = await asyncio.to_thread(kept.enter_context, frames.files(data))
        async with background.backend(settings) as backend:
            starting = asyncio.ensure_future(begin(backend, files))
            try:
                run = await asyncio.shield(starting)
                async for event in backend.follow(run.id):
                    if not isinstance(backend, Local) and not isinstance(event, TextDelta):
                        heard(event)  # a server recorded it
                    put(event)
            except asyncio.CancelledError:
                await backend.cancel((await starting).id)
                raise
            view = await view_of(backend, run.id)
            if (directory := folder(run)) is not None:
                await backend.write_out(run.id, directory)
    if view.run.status == "waiting":
        raise Failed(_waits(view))
    if view.run.status != "done":
        why = view.error or f"The run ended {view.run.status}."
        made = f" What it made is in {directory};" if directory else ""
        raise Failed(f"{why}{made} `gristmill runs show {run.id}` tells the rest.")
    return view


def _result[T](task: asyncio.Task[T]) -> T:
    """What came of work that has ended. Where in here an error that says what to do was found helps nobody."""
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
