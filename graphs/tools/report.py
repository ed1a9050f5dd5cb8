"""The analyst's tools once cells have run: write the report, or ask for more."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from artifacts.events import RunView
from artifacts.types import Answer, AnswerStatus, AnswerValue, Evidence
from graphs.questions.query import Query
from graphs.state import Desk
from graphs.tools.base import Tool, tool
from graphs.tools.planning import Step, unknown_template

_QUERY = (
    'What gives the value, to be computed again from the files. A mean of some rows: {"measures": [{"op": "mean", '
    '"of": "price"}], "where": [{"left": "city", "op": "=", "right": "Ulm"}]}. A share: {"measures": [{"op": "share", '
    '"where": [{"left": "price", "op": ">", "right": 9}]}]}. A ratio or a difference: measures with a name each, and '
    '"formulas": [{"name": "ratio", "expr": "north / south"}]. Rows of 2023: {"left": "date", "op": "during", "right": '
    '"2023"}. Columns of another file: "table", and "joins": [{"file": "b.csv", "own": ["id"], "theirs": ["id"]}]'
)


class Told(BaseModel):
    """One number, word or truth value of the answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1, description="What it is, with its group: mean price in Ulm")
    value: float | int | bool | str | None = Field(description="In full, not rounded")
    unit: str = Field("", description='"%", "pp" (percentage points), "EUR", "days", ...')
    query: dict[str, Any] | None = Field(None, description=_QUERY)


class Part(BaseModel):
    """The answer to one part of the question."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    part: str = Field("", description="The part of the question; leave it out where there is one")
    status: AnswerStatus = "answered"
    text: str = Field("", description="Its sentence")
    values: tuple[Told, ...] = Field((), max_length=60, description="Every number of the sentence")
    why: str = Field("", description="What is lacking, where it is not or only partly answered")
    cells: tuple[str, ...] = Field((), description="The cells that show it: cell-07")
    notes: tuple[str, ...] = Field((), max_length=10, description="What a reader must know with it")


@tool("write_report", job="interpret")
class WriteReport(Tool):
    """Answer the question and put the findings in the order in which a reader should meet them. Every number in the
    answer must be one of its `values`, or one that a cell put out or a finding carries. A value with a `query` is
    computed again from the files by the reviewer and marked as such; one without is told as its cell printed it."""

    aloud: ClassVar[str] = "answer"
    answer: str = Field(min_length=1, max_length=10_000, description="The answer, two to six plain sentences")
    answers: tuple[Part, ...] = Field((), max_length=20, description="The same as data, one for each part")
    findings: tuple[str, ...] = Field((), description="Ids of the findings to report, most important first")
    not_found: tuple[str, ...] = Field((), description="What was tested and is not there, one sentence each")
    not_checked: tuple[str, ...] = Field((), description="What was not looked at, and why, one sentence each")

    def problem(self, desk: Desk, view: RunView) -> str | None:
        known = [f.id for f in view.findings]
        wrong = [f for f in self.findings if f not in known]
        if wrong:
            return f"There is no finding {wrong[0]!r}. There are: {', '.join(known) or 'none'}."
        twice = [f for f in self.findings if self.findings.count(f) > 1]
        if twice:
            return f"Finding {twice[0]!r} is listed twice."
        cells = {x.cell for x in view.executions}
        astray = [c for part in self.answers for c in part.cells if c not in cells]
        if astray:
            return f"There is no cell {astray[0]!r}."
        return next((p for part in self.answers for v in part.values if (p := no_query(v)) is not None), None)

    def made(self, view: RunView, question: str) -> tuple[Answer, ...]:
        """The answers as the record keeps them: those that cells gave stand, but for parts to which this has values."""
        written = {part.part or question: part for part in self.answers}
        own = {name: _answer(part, question) for name, part in written.items()}
        for answer in view.given:
            if (said := own.get(answer.part)) is None or not said.values:
                own[answer.part] = _with(answer, said) if said else answer
        return tuple(own.values())


@tool("follow_up", job="interpret")
class FollowUp(Tool):
    """Ask for further cells before reporting, because the findings so far leave the question open."""

    steps: tuple[Step, ...] = Field(min_length=1, max_length=6)

    def problem(self, desk: Desk, view: RunView) -> str | None:
        return unknown_template(self.steps, desk)


def no_query(told: Told) -> str | None:
    """What is wrong with the query of a value, as a sentence; None where it is one, or none is given."""
    if told.query is None:
        return None
    try:
        Query.model_validate(told.query)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
        return f"The query of {told.name!r} is none: {faults}. Mend it, or leave it out."
    return None


def as_value(told: Told) -> AnswerValue:
    """A value as the record keeps it."""
    return AnswerValue(name=told.name, value=told.value, unit=told.unit, query=told.query)


def _with(answer: Answer, said: Answer) -> Answer:
    """An answer that a cell gave, with what is said of it beside."""
    return answer.model_copy(
        update={
            "text": said.text or answer.text,
            "notes": tuple(dict.fromkeys((*answer.notes, *said.notes))),
            "evidence": tuple(dict.fromkeys((*answer.evidence, *said.evidence))),
        }
    )


def _answer(part: Part, question: str) -> Answer:
    return Answer(
        part=part.part or question,
        status=part.status,
        text=part.text,
        values=tuple(map(as_value, part.values)),
        evidence=tuple(Evidence(cell=cell) for cell in part.cells),
        why=part.why,
        notes=part.notes,
    )
