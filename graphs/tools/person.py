"""The tools by which an agent speaks to the person: a question, and a report as the work goes on."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from graphs import waiting
from graphs.state import Desk
from graphs.tools.base import Action, refusal, said, tool


@tool("ask_person", job="code")
class AskPerson(Action):
    """Ask the person who asked you, where the files cannot tell what decides the next step. The run waits."""

    question: str = Field(min_length=1, max_length=2_000)
    choices: tuple[str, ...] = Field((), max_length=8, description="Answers to choose from")
    default: str | None = Field(None, description="Taken where nobody answers")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        answer = await waiting.ask_person(desk, key, self.question, self.choices, self.default)
        if answer is None:
            return refusal("NobodyThere", "Nobody attends this run and you gave no default. Decide, and say how.")
        return {"cells": [], "ok": True, "text": answer, "error": None}


@tool("report", job="code")
class Report(Action):
    """Tell the person in a sentence or two how far the work is, or what they should know before its end. It is noted
    in the run. A finding is reported in a cell instead, by the toolkit's `report(...)`."""

    text: str = Field(min_length=1, max_length=2_000)
    warning: bool = Field(False, description="Whether the reader must heed it")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        text = " ".join(self.text.split())
        if not any(n.text == text for n in (await desk.view()).notes):  # a node that runs again has told it
            await desk.note(text, step_id, "warning" if self.warning else "info")
        return said("It is noted.")
