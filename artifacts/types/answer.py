"""The answer to each part of a question, with its values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from artifacts.types.base import Value
from artifacts.types.finding import Evidence

ANSWER_MIME = "application/vnd.gristmill.answer+json"
"""A cell answers a part of the question by displaying an `Answer` (less evidence) under this MIME type."""

AnswerStatus = Literal["answered", "partly", "not_answered"]
RunOutcome = Literal["answered", "unconfirmed", "partly", "not_answered"]
"""How all that a run was asked came out; unconfirmed: answered, but a value came out otherwise when computed again."""


class Recomputation(Value):
    """A value of an answer, held against what its query gives from the input files on the reviewer's own path.

    `part` and `value` are places in the reviewed answers and in their values. `verdict`: equal; unequal; or as
    printed by its cell, where there is no query that can be computed, for the reason in `detail`.
    """

    part: int
    value: int
    verdict: Literal["equal", "unequal", "as_printed"]
    got: float | int | bool | str | None = None
    detail: str = ""


class AnswerValue(Value):
    """One value of an answer, in full: a number, a word, a truth value or a time as text.

    `unit` is that in which it is told: "%" of a share told in per cent, "pp" of percentage points, "EUR", "days".
    `query` is the question whose answer this value is, as `graphs.questions.Query` in JSON: who reviews computes it
    again from the input files. None: it is that of the answer; but of a value that was `fitted`, as a p-value or a
    trend is, no query gives it, and it is computed again only as its notebook is run again. `recomputed` is what came
    of that where it was done at once.
    """

    name: str
    value: float | int | bool | str | None
    unit: str = ""
    interval: tuple[float | None, float | None] | None = None
    query: dict[str, Any] | None = None
    fitted: bool = False
    recomputed: Recomputation | None = None


class Answer(Value):
    """The answer to one part of the question, or why there is none.

    `text` is the sentence; `why` says what is lacking of a part that is not or only partly answered; `notes` how
    the question was read where a reader should know it (a default that decides, the other reading), and `unused`
    the words of it that were not understood. `offers` are questions that can be asked in its place. `files` are the
    names of files made for it. `question` is the id of the question that the part is of, where a run is asked
    several. `outdated` are the cells that it rested on, too, and that were run again or deleted by a person's edit
    since it was given: its evidence is what the others show.
    """

    part: str
    status: AnswerStatus
    text: str = ""
    values: tuple[AnswerValue, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    why: str = ""
    notes: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    query: dict[str, Any] | None = None
    question: str = ""
    outdated: tuple[str, ...] = ()

    @property
    def unconfirmed(self) -> bool:
        """Whether one of its values came out otherwise when it was computed again."""
        return any(v.recomputed is not None and v.recomputed.verdict == "unequal" for v in self.values)


def outcome(answers: Sequence[Answer]) -> AnswerStatus:
    """How a question of these parts came out: answered or not answered where all of them were, else partly."""
    found = {answer.status for answer in answers}
    return found.pop() if len(found) == 1 else "partly" if found else "not_answered"


def run_outcome(answers: Sequence[Answer]) -> RunOutcome | None:
    """How all that a run was asked came out; None where it has no answers as data."""
    if not answers:
        return None
    came = outcome(answers)
    return "unconfirmed" if came == "answered" and any(a.unconfirmed for a in answers) else came


def marked(answers: Sequence[Answer], again: Iterable[Recomputation]) -> tuple[Answer, ...]:
    """The answers, their values with what came of computing them again; those of which nothing is told as they are."""
    found = {(one.part, one.value): one for one in again}

    def value(part: int, at: int, value: AnswerValue) -> AnswerValue:
        return value.model_copy(update={"recomputed": found.get((part, at), value.recomputed)})

    return tuple(
        answer.model_copy(update={"values": tuple(value(part, at, v) for at, v in enumerate(answer.values))})
        for part, answer in enumerate(answers)
    )
