"""Computes the values of an answer again at once, on the reviewer's own path, where that is cheap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from artifacts.events import AnswerMade
from artifacts.types import Answer, Recomputation
from graphs.state import Desk
from notebooks.telling.answers import plain

MOST = 2_000_000
"""Values of all tables together, up to which reading them again costs next to nothing."""


async def confirm(desk: Desk, question: str, tables: Sequence[dict[str, Any]], step_id: str) -> None:
    """Mark each value of the answers to a question with what the input files give for it.

    Larger tables, and runs in which a model's own code ran, whose sandbox is not to be trusted, are left out.
    """
    view = await desk.view()
    answers = [a for a in view.given if a.question == question and a.status != "not_answered" and a.values]
    size = sum(int(t["rows"]) * len(t["columns"]) for t in tables)
    if not answers or size > MOST or any("code" in x.tags for x in view.executions):
        return
    from graphs.review.recompute import computed_again  # its checks take a while to load, which a refusal need not

    again = await computed_again(desk, view, answers, tables)
    for part, answer in enumerate(answers):
        found = {r.value: r for r in again if r.part == part}
        await desk.emit(AnswerMade(run_id=desk.run_id, step_id=step_id, answer=_marked(answer, found)))


def _marked(answer: Answer, found: dict[int, Recomputation]) -> Answer:
    """The answer with its values marked; of one that came out otherwise a note says so."""
    values = tuple(v.model_copy(update={"recomputed": found.get(at)}) for at, v in enumerate(answer.values))
    other = [v for v in values if v.recomputed is not None and v.recomputed.verdict == "unequal"]
    notes = [
        f"Computed again from the input files, {v.name} is {_got(v.recomputed)}, not {plain(v.value)}." for v in other
    ]
    return answer.model_copy(update={"values": values, "notes": (*answer.notes, *notes)})


def _got(again: Recomputation | None) -> str:
    return "another value" if again is None or again.got is None else plain(again.got)
