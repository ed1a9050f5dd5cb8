"""Tools by which a model answers from the tables: a query, carried out by the same tested code as everybody's."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from graphs import answering, look
from graphs.questions.query import compact
from graphs.state import Desk, Job
from graphs.tools import forms
from graphs.tools.base import Action, Tool, tool
from graphs.tools.notebook import result


@tool("ask_table", job="code", also=("ask",))
class AskTable(Action):
    """Answer a part of the question by a query, carried out by tested code. What it gives is the answer to it."""

    part: str = Field(min_length=1, max_length=2_000, description="The part of the question, in its own words")
    query: dict[str, Any] = Field(description=forms.SCHEMA)

    @classmethod
    def for_job(cls, job: Job) -> type[Tool]:
        return _AskTableInBrief if job == "code" else cls

    @field_validator("query")
    @classmethod
    def _is_one(cls, value: dict[str, Any]) -> dict[str, Any]:
        return compact(forms.read(value))

    def asked(self, question: str = "") -> answering.Part:
        """The part of the question on its way to its answer."""
        query = forms.read(self.query)
        return answering.Part(self.part, query.model_copy(update={"text": query.text or self.part}), (), question)

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        return await self.answered(desk, self.asked(desk.question), key, step_id)

    async def answered(self, desk: Desk, part: answering.Part, key: str, step_id: str) -> dict[str, Any]:
        """Have the part answered; returns what the model is told of it."""
        tables = look.described((await desk.view()).executions)
        done = await answering.answer(desk, part, tables, key, step_id)
        given = part.said.model_dump(mode="json", include={"status", "text", "values", "why", "notes"})
        return result(await desk.view(), done) | {"answer": given}


class _AskTableInBrief(AskTable):
    __doc__ = AskTable.__doc__
    query: dict[str, Any] = Field(description=forms.BRIEF)


@tool("cannot_answer", job="ask")
class CannotAnswer(Action):
    """Say that a part of the question cannot be answered from these tables, and why."""

    part: str = Field(min_length=1, max_length=2_000, description="The part of the question, in its own words")
    why: str = Field(min_length=1, max_length=2_000, description="What is lacking, in a sentence or two")

    async def use(self, desk: Desk, key: str, step_id: str) -> dict[str, Any]:
        return await self.refused(desk, answering.Part(self.part, None), step_id)

    async def refused(self, desk: Desk, part: answering.Part, step_id: str) -> dict[str, Any]:
        """Record that the part has no answer."""
        await answering.refuse(desk, part, self.why, step_id)
        return {"ok": True}
