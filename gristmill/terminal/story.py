"""A run told while it happens: plan, cells, verdicts. Folds the events and prints what each of them makes known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from artifacts.events import (
    AnswerMade,
    ArtifactSaved,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    ModelReplied,
    Noted,
    OutputReceived,
    OutputUpdated,
    PlanMade,
    Progressed,
    ReportMade,
    Reviewed,
    RunBegan,
    RunEnded,
    RunQueued,
    RunResumed,
    RunStarted,
    RunView,
    SandboxOpened,
    StepStarted,
    TaskChanged,
    TaskWorked,
    TextDelta,
    apply,
)
from artifacts.types import ANSWER_MIME, FINDING_MIME, Artifact, Execution, Finding, Task, TaskStatus
from gristmill.terminal import pieces, progress
from gristmill.terminal.words import clean, first_lines, one_line, seconds, size, took
from notebooks.telling.answers import said_of

if TYPE_CHECKING:
    from rich.status import Status

_TASK_STYLES: dict[TaskStatus, str] = {
    "queued": "dim",
    "running": "cyan",
    "waiting": "yellow",
    "done": "green",
    "failed": "red",
    "cancelled": "yellow",
}
CODE_LINES = 3
TEXT_LINES = 5


class Story:
    """Prints a run as its events come. On a terminal a line at the bottom says what goes on now, and for how long;
    elsewhere `progress` does.

    Use as a context manager: whatever happens, the line at the bottom goes away at the end.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.view: RunView | None = None
        self.reported: ReportMade | None = None  # the report that was printed last
        self._now = progress.Now()
        self._status: Status | None = None
        if console.is_terminal:
            from rich.status import Status

            self._status = Status(self._now, console=console, spinner="dots")
        self._silence = ExitStack()  # what is done about it
        self._work_told = False
        self._cells: dict[str, Execution] = {}
        self._made: dict[str, list[Artifact | Finding]] = {}
        self._tasks: dict[str, Task] = {}  # as each was last told of

    def __enter__(self) -> Story:
        self._silence.enter_context(progress.showing(None if self._status else self._now))
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()
        self._silence.close()
        progress.doing("finishing")

    def doing(self, what: str, *, at_once: bool = False) -> None:
        """Say what goes on now: at the bottom of a terminal; elsewhere on stderr when it takes long, or `at_once`."""
        self._now.begin(one_line(what))
        if at_once and self._status is None:
            self.console.print(f"... {what}")

    @property
    def going_on(self) -> str:
        """What goes on now, for how long, and what was used, in a line."""
        return self._now.__rich__().plain

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within this block nothing moves in the terminal, so that a person can type."""
        if self._status is not None:
            self._status.stop()
        with progress.showing(None):
            yield
        if self._status is not None:
            self._status.start()

    def tell(self, text: str) -> None:
        """Print a line of our own between the run's."""
        pieces.say(self.console, text)

    def feed(self, event: Event | TextDelta) -> None:
        """Fold one event and print what it makes known."""
        if isinstance(event, TextDelta):
            self._now.writing(event.agent, len(event.text))
            return
        if self.view is not None and 0 < event.seq <= self.view.last_seq:
            return  # a stream that was taken up again may repeat itself
        self.feed_quietly(event)
        assert self.view is not None, "an event was folded"
        self._show(event, self.view)

    def feed_quietly(self, event: Event) -> None:
        """Fold an event that happened before anybody watched."""
        self.view = apply(self.view, event)
        self._keep(event)
        if isinstance(event, ModelReplied | ExecutionEnded):
            self._now.used = pieces.used_so_far(self.view)

    def _keep(self, event: Event) -> None:
        if isinstance(event, ArtifactSaved) and event.artifact.execution_id:
            self._made.setdefault(event.artifact.execution_id, []).append(event.artifact)
        if isinstance(event, FindingMade) and self.view is not None:
            for execution in self.view.executions:
                if execution.cell == event.finding.evidence.cell:
                    self._made.setdefault(execution.id, []).append(event.finding)

    def _show(self, event: Event, view: RunView) -> None:
        match event:
            case RunStarted():
                pieces.opening(self.console, view, event.run.params.get("files", ()))
                self.console.print()
                self.doing("starting the sandbox")
            case RunResumed():
                self.doing("taking the run up again")
            case RunQueued():
                self.doing(f"waiting for its turn: place {event.place} in line", at_once=True)
            case RunBegan():
                self.doing("starting the sandbox")
            case SandboxOpened():
                self._sandbox(event, view)
            case StepStarted():
                self.doing(f"{event.agent}: {event.title}" if event.agent != "system" else event.title)
            case ModelReplied():
                if event.content and not event.rule_based:
                    pieces.say(self.console, clean(event.content), lead=Text(f"{event.agent}: ", style="dim"))
            case TaskChanged():
                self._task(event.task)
            case TaskWorked(event=ExecutionStarted(execution=execution)):
                task = next(t for t in view.tasks if t.id == event.task_id)
                self.doing(f"{task.id}, {task.agent}: {one_line(execution.title) or 'a cell'}")
            case PlanMade():
                pieces.plan(self.console, view)
                self._work_told = False
            case ExecutionStarted():
                self._begin_cell(event.execution, view)
            case OutputReceived() | OutputUpdated():
                self._now.note(_last_line(event.output.text))
            case Progressed():
                self._now.far(event)
            case ExecutionEnded():
                self._end_cell(next(x for x in view.executions if x.id == event.execution_id))
            case AnswerMade():  # at once: what follows is the screening of the table, which takes its time
                pieces.answers(self.console, [said_of(event.answer)])
            case ReportMade():  # before the review: it takes its time, and a person can read meanwhile
                if self.reported is not None and _says(self.reported) == _says(event):
                    pieces.say(self.console, "The answer and the findings are as they were.", style="dim")
                else:
                    pieces.findings(self.console, view)
                self.reported = view.report
            case Reviewed(verdict="fail"):
                pieces.review(self.console, event)
                self._work_told = False
            case Noted():
                pieces.note(self.console, event)
            case RunEnded():
                self.doing("writing the results")

    def _sandbox(self, event: SandboxOpened, view: RunView) -> None:
        where = "in E2B's cloud" if event.host == "e2b" else "on this machine"
        took_ = seconds((event.at - view.run.working_since).total_seconds()) if len(view.sandboxes) == 1 else ""
        if event.isolation == "none":
            told = Text(f"Sandbox {where} WITHOUT ISOLATION: the code can do all that you can", style="bold red")
        else:
            told = Text(f"Sandbox ready {where}: {event.isolation}, network off", style="dim")
        if event.replaces_lost:
            told += Text(f"; the earlier one was gone, {event.replayed} cells were replayed")
        self.console.print(told + Text(f" ({took_})" if took_ else "", style="dim"))
        self.doing("bringing the files in")

    def _task(self, task: Task) -> None:
        """Tell how a task stands, each time that it stands differently, and what does not fit in; not each step."""
        before = self._tasks.get(task.id)
        if not self._tasks:
            pieces.heading(self.console, "Tasks")
        self._tasks[task.id] = task
        if before is None or before.status != task.status:
            head = Text("  ") + Text(f"{task.id:<5} ", style="dim") + Text(f"{task.agent}: {one_line(task.title)}  ")
            self.console.print(head + Text(task.status, style=_TASK_STYLES[task.status]), soft_wrap=True)
            if task.ended and task.result:
                pieces.say(self.console, Text(clean(task.result), style="dim"), 8)
        for conflict in task.conflicts[len(before.conflicts) if before is not None else 0 :]:
            pieces.say(self.console, Text(clean(conflict.text), style="yellow"), 8)

    def _begin_cell(self, execution: Execution, view: RunView) -> None:
        if not self._work_told:
            looking = view.run.agent == "analysis" and not view.plan
            pieces.heading(self.console, "First look" if looking else "Work")
            self._work_told = True
        title = one_line(execution.title) or "a cell"
        place = view.cells_of
        self.doing(f"{title} (cell {len(view.executions)} of {place[1]})" if place else title)

    def _end_cell(self, execution: Execution) -> None:
        title = one_line(execution.title) or "a cell"
        ok = execution.status == "ok"
        head = Text("  ") + Text(execution.cell, style="dim") + Text("  ") + Text(title, style="" if ok else "red")
        if not ok:
            head += Text(f"  {execution.status}", style="bold red")
        width = min(self.console.width, 100)
        gap = max(2, width - head.cell_len - 9)
        self.console.print(head + Text(" " * gap + f"{took(execution):>8}", style="dim"), soft_wrap=True)
        if "toolkit" not in execution.tags:
            self._code(execution.code)
            self._outputs(execution)
        for made in self._made.pop(execution.id, ()):
            self.console.print(_made(made, width), soft_wrap=True)
        self.doing("thinking")

    def _code(self, code: str) -> None:
        lines = [line for line in clean(code).splitlines() if line.strip() and not line.lstrip().startswith("#")]
        shown, left = first_lines(lines, CODE_LINES)
        width = min(self.console.width, 100) - 14
        for line in shown:
            cut = line if len(line) <= width else line[: width - 3] + "..."
            self.console.print(Text("            | ", style="dim") + self._highlight(cut), soft_wrap=True)
        if left:
            self.console.print(Text(f"            | ... {left} more lines", style="dim"))

    def _highlight(self, line: str) -> Text:
        if not self.console.color_system:
            return Text(line)
        from rich.syntax import Syntax

        syntax = Syntax("", "python", theme="ansi_dark", background_color="default")
        told = syntax.highlight(line)
        told.rstrip()
        return told

    def _outputs(self, execution: Execution) -> None:
        lines: list[str] = []
        for output in execution.outputs:
            if output.artifacts or FINDING_MIME in output.data or ANSWER_MIME in output.data:
                continue  # told by what was made
            lines += [line.rstrip() for line in clean(output.text).splitlines() if line.strip()]
        shown, left = first_lines(lines, TEXT_LINES)
        width = min(self.console.width, 100) - 12
        for line in shown:
            cut = line if len(line) <= width else line[: width - 3] + "..."
            self.console.print(Text(" " * 12 + cut, style="dim"), soft_wrap=True)
        if left:
            self.console.print(Text(f"            ... {left} more lines", style="dim"))
        if execution.error:
            told = f"{execution.error.name}: {one_line(execution.error.value)}"
            pieces.say(self.console, Text(told, style="red"), 12)


def _says(report: ReportMade) -> tuple[Any, ...]:
    """What a report says, less what was not checked, to which the reviewer's objections are added."""
    return report.answer, report.answers, report.order, report.not_found


def _made(made: Artifact | Finding, width: int) -> Text:
    if isinstance(made, Artifact):
        return Text("            -> ", style="dim") + Text(f"{one_line(made.name)} ({size(made.size)})", style="cyan")
    told = one_line(made.text)
    room = width - 15 - len(made.id) - 1
    told = told if len(told) <= room else told[: room - 3] + "..."
    style = "yellow" if made.type == "warning" else "dim" if made.type in ("null", "descriptive") else "green"
    return Text("            -> ", style="dim") + Text(f"{made.id} ", style="bold") + Text(told, style=style)


def _last_line(text: str) -> str:
    lines = [line for line in clean(text).splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""
