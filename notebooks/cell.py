"""One cell under way: its stream, its files and its findings on their way into the record."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from artifacts.events import (
    AnswerMade,
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    OutputReceived,
    OutputsCleared,
    OutputUpdated,
    Progressed,
    WidgetsChanged,
)
from artifacts.types import (
    ANSWER_MIME,
    FINDING_MIME,
    PROGRESS_MIME,
    Answer,
    Evidence,
    Execution,
    ExecutionError,
    ExecutionStatus,
    Finding,
    Output,
)
from kernel_gateway.inside.notebook import ASK
from notebooks import files
from notebooks.aio import see_through
from notebooks.outputs import LARGE, Parts, clean, finite, suffix, take_apart, widgets
from notebooks.recorder import Recorder
from notebooks.runlog import RunLog

if TYPE_CHECKING:
    from e2b_code_interpreter import AsyncSandbox, Result

MAX_FINDINGS = 200
"""Findings that one cell may report, and answers that it may give."""

_ASK_SECONDS = 5.0
_ASK_WHERE = """exec('''
import json, sys, traceback
if getattr(sys, "last_type", None) is KeyboardInterrupt:
    frames = traceback.extract_tb(sys.last_traceback)
    first = next(at for at, frame in enumerate(frames) if "ipykernel_" in frame.filename)
    told = "".join(traceback.format_list(frames[first:])) + "KeyboardInterrupt"
    print(json.dumps([frames[first].lineno, frames[first].line, told]))
''', {})"""


class Cell:
    """One execution under way. `call` is the running request; cancelling it interrupts the cell, as a hang-up does.

    `ours` says that the sandbox's host is a gateway of ours, which tells what a notebook keeps beside E2B's stream.
    `complete` is given each answer of the cell before that is recorded, and says what is; None: nothing.
    """

    def __init__(
        self,
        log: RunLog,
        sandbox: AsyncSandbox,
        tree: files.Tree,
        execution: Execution,
        *,
        ours: bool,
        complete: Callable[[Answer], Answer | None] | None = None,
    ) -> None:
        self.execution = execution
        self._complete = complete
        self.call: asyncio.Task[Any] | None = None
        self.lost: Exception | None = None
        self.language: dict[str, Any] = {}  # a notebook's `language_info`, if the sandbox has told it
        self._log, self._sandbox, self._tree, self._ours = log, sandbox, tree, ours
        self._shown: list[_Reported | str] = []  # findings and names of plots, in the order of their display
        # A cell that runs again gives its plots and findings the numbers that they had, as far as there are any.
        self._own_figures, self._next_figure = log.figures_of(execution.cell), log.next_figure()
        self._own_findings = log.findings_of(execution.cell)
        self._figures = 0  # plots so far
        self._failed_at: int | None = None  # how many outputs came before its error

    async def run(self, limit: float, *, wait: bool = True) -> Execution:
        """Run for at most `limit` seconds (0: no limit) to an end of any kind; returns the execution as recorded.

        Without `wait` its beginning may be on its way into the record while it runs, and its end when this returns;
        nothing overtakes them there.

        `lost` holds the host's failure if the end is not known. Cancelling this interrupts the cell, records that,
        and then raises CancelledError.
        """
        begin = ExecutionStarted(run_id=self._log.run_id, step_id=self.execution.step_id, execution=self.execution)
        self._log.send(begin)
        _, cancelled = await see_through(self._log.settle()) if wait else (None, False)
        recorder = Recorder(self)
        try:
            end = _INTERRUPTED if cancelled else await self._carry_out(recorder, limit)
        except BaseException:
            recorder.abandon()
            raise
        # An end that is known must reach the record, even while whoever asked for the cell is being cancelled.
        done, again = await see_through(self._record_end(recorder, end, wait))
        if cancelled or end.cancelled or again:
            raise asyncio.CancelledError
        return done

    async def _carry_out(self, recorder: Recorder, limit: float) -> _End:
        started = time.monotonic()
        self.call = asyncio.create_task(
            self._sandbox.run_code(
                self.execution.code,
                on_stdout=recorder.stdout,
                on_stderr=recorder.stderr,
                on_result=recorder.result,
                on_error=recorder.error,
                envs={ASK: "1"} if self._ours else None,
                timeout=limit,
            )
        )
        try:
            ended = await self.call
        except asyncio.CancelledError:
            task = asyncio.current_task()
            cancelled = task is not None and task.cancelling() > 0
            return replace(_INTERRUPTED, cancelled=cancelled)
        except RecursionError:
            return _End("unknown", _error("UnreadableOutput", "The cell showed something nested too deeply to read."))
        except host_failures() as failure:
            if limit and time.monotonic() - started >= 0.98 * limit:
                where, cancelled = await see_through(self._where())
                text = f"The cell did not end within {limit:g} seconds and was interrupted"
                text += f" in line {where[0]}." if where else "."
                error = _error("TimeoutError", text, where[1] if where else "")
                return _End("interrupted", error, cancelled=cancelled)
            self.lost = failure
            text = f"The connection was lost before the cell's end was known: {failure}"
            return _End("unknown", _error("ConnectionLost", text))
        if ended.error is None:
            return _End("ok", count=ended.execution_count)
        error = _error(ended.error.name, ended.error.value, ended.error.traceback)
        verdict = recorder.verdict
        beside: dict[str, Any] = {"shown": bool(verdict.get("shown", True)), "died": bool(verdict.get("died", False))}
        if sum(map(len, recorder.frames)) <= LARGE:
            beside["frames"] = recorder.frames
        error = error.model_copy(update=beside)
        return _End("ok" if verdict.get("status") == "ok" else "error", error, count=ended.execution_count)

    async def _where(self) -> tuple[int, str] | None:
        """The line of the cell in which its interruption reached it, and the traceback from there on, if that is known.

        To be asked when its time was up: whoever ran it has hung up by then, and was not told.
        """
        try:
            asked = await self._sandbox.run_code(_ASK_WHERE, timeout=_ASK_SECONDS)
            number, line, traceback = json.loads("".join(asked.logs.stdout))
            ours = self.execution.code.splitlines()[number - 1].strip() == line  # and no earlier cell's
            return (number, str(traceback)) if ours else None
        except host_failures():
            return None
        except (ValueError, TypeError, IndexError, RecursionError):
            return None

    async def _record_end(self, recorder: Recorder, end: _End, wait: bool) -> Execution:
        log, x, left = self._log, self.execution, recorder.left
        self.language = left["language"] if isinstance(left.get("language"), dict) else {}
        closing = asyncio.create_task(recorder.close())  # while the files are looked through
        unread: Exception | None = None
        written: list[files.Entry] = []
        if end.status != "unknown":
            try:
                written = await self._tree.changes(left.get("files"))
            except host_failures() as failure:
                unread = failure
        await closing
        if recorder.widgets:
            kept, notes = widgets(recorder.widgets)
            for note in notes:
                await log.note(f"{x.cell}: {note}", x.step_id)
            log.send(WidgetsChanged(run_id=x.run_id, step_id=x.step_id, execution_id=x.id, widgets=kept))
        try:
            await self._capture(written)
        except host_failures() as failure:
            unread = failure
        if unread is not None:
            await log.note(f"The files that {x.cell} wrote could not be read: {unread}", x.step_id)
        told = _with_plots(self._shown)
        for said, plot in told[:MAX_FINDINGS]:
            await (self._answer if said.mime == ANSWER_MIME else self._finding)(said.payload, plot)
        if (more := len(told) - MAX_FINDINGS) > 0:
            await log.note(f"{x.cell} reported {more} findings beyond {MAX_FINDINGS}; they were left out.", x.step_id)
        log.send(
            ExecutionEnded(
                run_id=x.run_id,
                step_id=x.step_id,
                execution_id=x.id,
                status=end.status,
                error=end.error and end.error.model_copy(update={"at": self._failed_at}),
                count=end.count,
            )
        )
        if wait:
            await log.settle()
        return log.execution(x.id)

    async def output(self, output: Output) -> None:
        """Record an output. This and what follows is what the recorder calls."""
        x = self.execution
        self._log.send(OutputReceived(run_id=x.run_id, step_id=x.step_id, execution_id=x.id, output=output))

    async def result(self, result: Result) -> None:
        """Record a result or a display, with its plots as artifacts; a finding is recorded at the cell's end."""
        parts = take_apart(result)
        if (said := parts.data.get(PROGRESS_MIME)) is not None:
            await self._progress(said)
            return
        for mime in (FINDING_MIME, ANSWER_MIME):
            if (said := parts.data.get(mime)) is not None:
                self._shown.append(_Reported(said, mime))
        number = self._figure() if parts.blobs else 0
        await self.output(await self._keep(result, parts, number))

    async def update(self, display_id: str, result: Result) -> None:
        """Record what a display, of this cell or an earlier one, was replaced with; its plot keeps its name."""
        x, parts = self.execution, take_apart(result)
        number = self._log.figure_of(display_id)
        if number is None and parts.blobs:
            number = self._figure()
        output = (await self._keep(result, parts, number or 0)).model_copy(update={"display_id": display_id})
        self._log.send(OutputUpdated(run_id=x.run_id, step_id=x.step_id, execution_id=x.id, output=output))

    async def clear(self) -> None:
        """Record that the cell took back what it had put out. The numbers of its plots are given anew."""
        x = self.execution
        self._figures, self._failed_at = 0, None if self._failed_at is None else 0
        self._shown = [item for item in self._shown if isinstance(item, _Reported)]
        if self._log.execution(x.id).outputs:
            self._log.send(OutputsCleared(run_id=x.run_id, step_id=x.step_id, execution_id=x.id))

    async def failed(self) -> None:
        """Remember where among the outputs the cell's error was shown."""
        self._failed_at = len(self._log.execution(self.execution.id).outputs)

    async def settle(self) -> None:
        """Wait until the record has what was handed on so far."""
        await self._log.settle()

    def _figure(self) -> int:
        """The number of the cell's next plot."""
        place, self._figures = self._figures, self._figures + 1
        own = self._own_figures
        return own[place] if place < len(own) else self._next_figure + place - len(own)

    async def _keep(self, result: Result, parts: Parts, number: int) -> Output:
        """The output that this result is, its bytes kept as figure `number`."""
        for note in parts.notes:
            await self._log.note(note, self.execution.step_id)
        saved: dict[str, str] = {}
        for mime, data in parts.blobs.items():
            name = f"fig_{number:02d}{suffix(mime)}"
            saved[mime] = (await self._log.put(data, name, mime, "plot", self.execution)).id
        if saved and (name := f"fig_{number:02d}{suffix(next(iter(saved)))}") not in self._shown:
            self._shown.append(name)
        kind: Literal["result", "display"] = "result" if result.is_main_result else "display"
        return Output(
            kind=kind,
            text=parts.text,
            data=parts.data,
            artifacts=saved,
            metadata=parts.metadata,
            display_id=parts.display_id,
            figure=parts.figure,
            truncated=parts.dropped,
        )

    async def _progress(self, said: Any) -> None:
        """Record how far the cell has come. What cannot be read is passed over: it is no part of the notebook."""
        x = self.execution
        try:
            fields = json.loads(said) if isinstance(said, str) else said
            told = Progressed.model_validate(
                {**fields, "run_id": x.run_id, "step_id": x.step_id, "execution_id": x.id, "kind": "progress", "seq": 0}
            )
        except (ValueError, TypeError, RecursionError):
            return
        await self._log.emit(told.model_copy(update={"what": told.what[:200], "unit": told.unit[:40]}))

    async def _capture(self, new: Sequence[files.Entry]) -> None:
        """Keep the files that the cell made or changed."""
        log, x = self._log, self.execution
        for entry in new[: files.MAX_FILES]:
            name = files.safe_name(entry.path)
            data = await self._tree.fetch(entry) if entry.size <= files.MAX_FILE else None
            if data is None:
                limit = files.MAX_FILE // 2**20
                await log.note(f"{name}, written by {x.cell}, is larger than {limit} MB and was not kept.", x.step_id)
                continue
            role = files.role(name)
            await log.put(data, name, files.media_type(name), role, x)
            if role == "plot":
                self._shown.append(name)
        if (more := len(new) - files.MAX_FILES) > 0:
            await log.note(
                f"{x.cell} wrote {more} files beyond the first {files.MAX_FILES}; they were not kept.", x.step_id
            )

    async def _finding(self, payload: Any, plot: str | None) -> None:
        log, x = self._log, self.execution
        try:
            fields = json.loads(payload) if isinstance(payload, str) else payload
            if not isinstance(fields, dict):
                raise ValueError("it is not a JSON object")
            own = {
                "id": self._own_findings.pop(0) if self._own_findings else log.next_finding(),
                "rank": None,
                "evidence": Evidence(cell=x.cell, artifact=plot),
            }
            finding = Finding.model_validate({**finite(fields), **own})
        except (ValueError, RecursionError) as error:
            await log.note(f"{x.cell} reported a finding that could not be read: {_brief(error)}", x.step_id)
            return
        await log.emit(FindingMade(run_id=x.run_id, step_id=x.step_id, finding=finding))

    async def _answer(self, payload: Any, plot: str | None) -> None:
        """Record an answer. One that does not say to which part of the question it belongs, to that of the title."""
        log, x = self._log, self.execution
        try:
            answer = answer_of(payload, x, plot)
        except (ValueError, RecursionError) as error:
            await log.note(f"{x.cell} gave an answer that could not be read: {_brief(error)}", x.step_id)
            return
        completed = self._complete(answer) if self._complete else answer
        if completed is not None:
            await log.emit(AnswerMade(run_id=x.run_id, step_id=x.step_id, answer=completed))


def answer_of(payload: Any, execution: Execution, plot: str | None) -> Answer:
    """The answer that a cell displays as `payload`, with the plot that shows it. Raises ValueError, RecursionError."""
    fields = json.loads(payload) if isinstance(payload, str) else payload
    if not isinstance(fields, dict):
        raise ValueError("it is not a JSON object")
    evidence = Evidence(cell=execution.cell, artifact=plot)
    own = {"evidence": (evidence,), "part": fields.get("part") or execution.title}
    return Answer.model_validate({**finite(fields), **own})


@dataclass(frozen=True)
class _Reported:
    payload: Any
    mime: str


def _with_plots(shown: Sequence[_Reported | str]) -> list[tuple[_Reported, str | None]]:
    """Each finding or answer with the plot that shows it: its neighbour on the side where this cell puts them.

    A cell that begins with a plot puts plots before their findings, any other after. A finding without a neighbour has
    the cell's first plot.
    """
    plots = [item for item in shown if isinstance(item, str)]
    ahead = bool(shown) and isinstance(shown[0], str)
    pairs = []
    for place, item in enumerate(shown):
        if isinstance(item, _Reported):
            beside = shown[place - 1 : place] if ahead else shown[place + 1 : place + 2]
            plot = next((b for b in beside if isinstance(b, str)), plots[0] if plots else None)
            pairs.append((item, plot))
    return pairs


@dataclass(frozen=True)
class _End:
    """How a cell ended. `cancelled`: because the task that ran it was cancelled."""

    status: ExecutionStatus
    error: ExecutionError | None = None
    count: int | None = None
    cancelled: bool = False


_INTERRUPTED = _End("interrupted", ExecutionError(name="KeyboardInterrupt", value="The cell was interrupted."))


def host_failures() -> tuple[type[Exception], ...]:
    """What the SDK raises when the host, not the code, fails."""
    import httpx
    from e2b import SandboxException

    return (SandboxException, httpx.HTTPError, OSError, json.JSONDecodeError)


def _error(name: str, value: str, traceback: str = "") -> ExecutionError:
    return ExecutionError(name=clean(name), value=clean(value), traceback=clean(traceback))


def _brief(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)
