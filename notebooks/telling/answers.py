"""How answers are told: their outcome in words, their values with units, and what a reader should know of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from artifacts.events import RunView
from artifacts.types import Answer, AnswerValue, Recomputation, RunOutcome
from notebooks.telling.words import number

OUTCOMES: dict[RunOutcome, str] = {
    "answered": "Answered",
    "unconfirmed": "Not confirmed",
    "partly": "Partly answered",
    "not_answered": "Not answered",
}


@dataclass(frozen=True)
class SaidValue:
    """A value of an answer for reading, and what came of computing it again, where a reviewer did."""

    name: str
    text: str
    recomputed: Recomputation | None = None

    @property
    def mark(self) -> str:
        """What came of it, in words; empty where nobody has computed it again."""
        match self.recomputed:
            case Recomputation(verdict="equal"):
                return "computed twice, with the same result"
            case Recomputation(verdict="unequal", got=got):
                return f"not confirmed: computed again it is {plain(got)}"
            case Recomputation():
                return "computed once, by its cell"
        return ""


@dataclass(frozen=True)
class Said:
    """The answer to a part of the question for reading: how it came out, its sentence, and what to know of it."""

    answer: Answer
    outcome: str
    text: str
    values: tuple[SaidValue, ...]
    asides: tuple[str, ...]

    @property
    def plainly(self) -> bool:
        """Whether it is answered and nothing speaks against that, so that its outcome need not be said before it."""
        return came_out(self.answer) == "answered"

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells that show it."""
        return tuple(dict.fromkeys(e.cell for e in self.answer.evidence))

    @property
    def chart(self) -> str | None:
        """The name of the picture that shows it."""
        return next((e.artifact for e in self.answer.evidence if e.artifact), None)


def said(view: RunView) -> tuple[Said, ...]:
    """The answers of a run for reading, in the order of the question's parts."""
    return tuple(map(said_of, view.answers))


def said_of(answer: Answer) -> Said:
    """One answer for reading."""
    values = tuple(SaidValue(v.name, value_text(v), v.recomputed) for v in answer.values)
    return Said(answer, OUTCOMES[came_out(answer)], sentence(answer), values, asides(answer))


def came_out(answer: Answer) -> RunOutcome:
    """How a part came out: its status, or unconfirmed where a value came out otherwise when computed again."""
    return "unconfirmed" if answer.status == "answered" and answer.unconfirmed else answer.status


def sentence(answer: Answer) -> str:
    """What is said of a part of the question: its answer, or why there is none."""
    if answer.status == "not_answered":
        return answer.why or answer.text
    return answer.text


def asides(answer: Answer) -> tuple[str, ...]:
    """What a reader should know of an answer, one line each: what it rests on no longer, what is lacking, how it
    was read, what was left aside."""
    lacking = (f"Not answered of it: {answer.why}",) if answer.status == "partly" and answer.why else ()
    unused = ", ".join(f"“{word}”" for word in answer.unused)
    cells = ", ".join(answer.outdated)
    outdated = (f"This rests on earlier output of {cells}, since run again or deleted.",) if cells else ()
    return (*outdated, *lacking, *answer.notes, *((f"Not understood, and left aside: {unused}.",) if unused else ()))


def answers_text(answers: Sequence[Answer]) -> str:
    """Answers as text, a paragraph for each part."""
    told = []
    for answer in answers:
        if answer.status == "not_answered":
            offered = f" You could ask: {' '.join(answer.offers)}" if answer.offers else ""
            told.append(f"{OUTCOMES[answer.status]}: {_stop(answer.part)} {sentence(answer)}{offered}")
        else:
            told.append(" ".join((sentence(answer), *asides(answer), *_unconfirmed(answer))))
    return "\n\n".join(told)


def _unconfirmed(answer: Answer) -> Iterator[str]:
    """A sentence for each value that came out otherwise, for a text in which values have no marks."""
    for value in answer.values:
        if value.recomputed is not None and value.recomputed.verdict == "unequal":
            got = "another value" if value.recomputed.got is None else plain(value.recomputed.got)
            given = plain(value.value)
            yield f"Not confirmed: computed again from the input files, {value.name} is {got}, not {given}."


def value_text(value: AnswerValue) -> str:
    """A value in its unit, with its interval where it has one: `4.1 pp (1.2 to 7.0)`."""
    low, high = value.interval or (None, None)
    ends = f" ({plain(low)} to {plain(high)})" if low is not None and high is not None else ""
    unit = f" {value.unit}" if value.unit else ""
    return f"{plain(value.value)}{unit}{ends}"


def plain(value: float | int | bool | str | None) -> str:
    """One value for reading, to as many digits as the sentence of its answer has it; of a long list its first."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) or value is None:
        return number(value, 4 if value and abs(value) >= 1 else 3)
    if len(value) <= _LONG:
        return value
    first, comma, _ = value[:_LONG].rpartition(", ")
    return f"{first}, and {value.count(', ') - first.count(', '):,} more" if comma else f"{value[:_LONG]} …"


_LONG = 1_000
"""Characters of a value that are told; the record has all of it."""


def _stop(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "?", "!", ":")) else f"{text}."
