"""The tool by which the lead agent ends a turn of the conversation: what the person is told."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from artifacts.events import RunView
from artifacts.types import Answer, AnswerStatus, Evidence, Turn
from graphs.state import Desk
from graphs.tools.base import Tool, tool
from graphs.tools.report import Told, as_value, no_query


@tool("reply", job="reply")
class Reply(Tool):
    """Answer the person's message. This ends your work. Every number of the text is one of its `values`, or one that
    a cell put out. A value with a `query` is computed again from the files by the reviewer."""

    aloud: ClassVar[str] = "text"
    text: str = Field(min_length=1, max_length=6_000, description="One to five plain sentences")
    status: AnswerStatus = "answered"
    cells: tuple[str, ...] = Field((), max_length=20, description="The cells that show it: cell-07")
    values: tuple[Told, ...] = Field((), max_length=60, description="The numbers of the text")

    def problem(self, desk: Desk, view: RunView) -> str | None:
        if astray := [c for c in self.cells if view.cell(c) is None]:
            return f"There is no cell {astray[0]!r}."
        return next((p for value in self.values if (p := no_query(value)) is not None), None)

    def made(self, turn: Turn) -> Answer:
        """The answer as the record keeps it."""
        return Answer(
            part=turn.message,
            question=turn.id,
            status=self.status,
            text=self.text if self.status != "not_answered" else "",
            why=self.text if self.status == "not_answered" else "",
            values=tuple(map(as_value, self.values)),
            evidence=tuple(Evidence(cell=c) for c in dict.fromkeys(self.cells)),
        )
