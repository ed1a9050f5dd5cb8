"""Questions told while they are answered: a line at the bottom says what goes on, and each answer comes at once."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from artifacts.events import (
    AnswerMade,
    Event,
    Noted,
    Progressed,
    RunQueued,
    RunStarted,
    RunView,
    StepEnded,
    StepStarted,
)
from gristmill.terminal import pieces
from gristmill.terminal.story import Story


class Answering(Story):
    """Calls `told` with the view and a question's id once that is answered, in the order in which they were asked."""

    def __init__(self, console: Console, told: Callable[[RunView, str], None]) -> None:
        super().__init__(console)
        self._told = told
        self._answers: dict[str | None, dict[str, None]] = {}  # the questions' ids, by the step that answers them

    def _show(self, event: Event, view: RunView) -> None:
        match event:
            case RunStarted():
                self.doing("starting the sandbox")
            case RunQueued():
                self.doing(f"waiting for its turn: place {event.place} in line")
            case StepStarted():
                self.doing(event.title)
            case Progressed():
                self._now.far(event)
            case Noted(level="warning"):
                pieces.note(self.console, event)
            case AnswerMade():
                self._answers.setdefault(event.step_id, {})[event.answer.question] = None
            case StepEnded(status="done"):
                for question in self._answers.pop(event.step_id, {}):
                    self._told(view, question)
