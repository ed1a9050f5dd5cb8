"""What the cells of a question come to: what they gave, with what only who asked knows, as one answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from artifacts.types import Answer, AnswerValue, outcome

_OF_ROWS = ("table", "joins", "prepare", "where")
"""The fields of a query that say which rows it is of."""


@dataclass(frozen=True)
class Asked:
    """What was asked of cells, which they do not know. `query` is a `graphs.questions.Query` in JSON, `notes` how the
    question was read, `unused` its words that were not understood."""

    part: str
    question: str = ""
    query: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def given(self, answer: Answer, of_template: bool) -> Answer:
        """What a cell gave, each value with its query in full: what the cell says of it, of the rows that are meant.
        What a template computed beside that is told of as fitted."""

        def in_full(value: AnswerValue) -> AnswerValue:
            if value.query is None:
                return value.model_copy(update={"fitted": value.fitted or of_template})
            rows = {k: v for k, v in (self.query or {}).items() if k in _OF_ROWS}
            where = [*rows.get("where", []), *value.query.get("where", [])]
            return value.model_copy(update={"query": {**rows, **value.query, **({"where": where} if where else {})}})

        return answer.model_copy(update={"values": tuple(map(in_full, answer.values))})

    def answered(self, given: Sequence[Answer]) -> Answer:
        """The answer: all that cells gave, as one."""
        status, read_as = outcome(given), (self.query or {}).get("read_as", "")
        return given[-1].model_copy(
            update={
                "part": self.part,
                "question": self.question,
                "status": "partly" if read_as and status == "answered" else status,
                "text": " ".join([f"Read as “{read_as}”"] * bool(read_as) + [a.text for a in given if a.text]),
                "values": tuple(v for a in given for v in a.values),
                "evidence": _each_once(e for a in given for e in a.evidence),
                "why": " ".join(dict.fromkeys(a.why for a in given if a.why)),
                "notes": _each_once((*self.notes, *(n for a in given for n in a.notes))),
                "unused": self.unused,
                "files": _each_once(f for a in given for f in a.files),
                "query": self.query,
            }
        )


def _each_once[T](items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
