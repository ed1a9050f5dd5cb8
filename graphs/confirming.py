"""Computes the values of an answer again at once, on the reviewer's own path, where that is cheap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from artifacts.events import AnswerMade
from artifacts.types import marked
from graphs.state import Desk

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
    from graphs.review.values import beside, computed_again  # they take a while to load, which a refusal need not

    again = await computed_again(beside(desk, view), answers, tables)
    for answer in marked(answers, again):
        await desk.emit(AnswerMade(run_id=desk.run_id, step_id=step_id, answer=answer))
