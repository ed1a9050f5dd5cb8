"""What a person says to a run, as events: a message, an answer, a decision. What cannot be said is refused here."""

from __future__ import annotations

import os
from typing import Any

from artifacts.events import Answered, ApprovalGiven, Event, RunResumed, RunView, TurnStarted
from artifacts.types import Decision, Message, Run, Turn
from graphs.budget import Budget, budget_of, changed
from graphs.errors import InputError
from graphs.look import unreadable
from graphs.models import resolve
from graphs.models.base import Model, ModelError
from graphs.models.wire import is_object

AT_WORK = ("queued", "running", "waiting")
"""How a run stands whose turn is not over."""


def resolved(name: str | None) -> Model:
    """The model of this name, or of the environment. Raises InputError for one that cannot be meant."""
    try:
        return resolve(name, os.environ)
    except ModelError as error:
        raise InputError(str(error)) from error


def model_of(run: Run) -> Model | None:
    """The model that answers a run, where one does. Raises InputError for one that cannot be meant."""
    return resolved(run.model) if run.agent in ("analysis", "ask") else None


def may_be_asked(view: RunView) -> Model:
    """The model that answers what is said to a run. Raises InputError for a run that nobody can talk to."""
    run = view.run
    if (model := model_of(run)) is None:
        raise InputError(f"{run.id} answers no questions; ask one of a run that `gristmill ask` or `analyze` began.")
    if run.status in AT_WORK:
        return model
    if run.status == "interrupted" and view.turns[-1].status == "interrupted":
        raise InputError(f"{run.id} was interrupted; `gristmill runs resume {run.id}` goes on. Then ask.")
    if unreadable(view):
        raise InputError(f"The file of {run.id} is no table that can be read. Mend the file and ask again.")
    return model


def changed_terms(run: Run, budget: Budget | None) -> dict[str, Any]:
    """The parameters of a run that are others from now on, where limits of its budget are."""
    if budget is None:
        return {}
    return {"budget": changed(budget_of(run.params), budget).model_dump(exclude_none=True)}


def next_turn(view: RunView, message: Message, budget: Budget | None = None) -> tuple[Turn, list[Event]]:
    """The turn that a message begins in a run at rest, and its events, less that of the message itself."""
    turn = Turn(id=view.next_turn, message=message.text, by=message.by)
    run_id = view.run.id
    begun = TurnStarted(
        run_id=run_id, turn_id=turn.id, message=message.text, message_id=message.id, by=message.by, at=turn.started_at
    )
    return turn, [RunResumed(run_id=run_id, why="turn", params=changed_terms(view.run, budget)), begun]


def stands(view: RunView) -> str:
    """Why a turn is not over though nobody works on it."""
    run = view.run
    if view.open_questions:
        asked = view.open_questions[0].text
        return f'{run.id} waits for an answer: {asked} Give it first; `gristmill runs answer {run.id} "..."` does.'
    if view.open_approvals:
        tool = view.open_approvals[0].tool
        return (
            f"{run.id} waits for approval of a call of {tool}. Decide on it first; "
            f"`gristmill runs approve {run.id}` and `gristmill runs reject {run.id}` do."
        )
    return view.error or f"{run.id} is {run.status}, and what was said waits in it."


def answered(view: RunView, text: str, question_id: str | None, by: str) -> Answered:
    """An answer to the question of this id, or to the oldest that is open. Raises InputError where there is none."""
    run_id = view.run.id
    question = next((q for q in view.questions if q.id == question_id), None)
    if question is not None and question.answer is not None:
        raise InputError(f"That was answered already: {question.answer!r}.")
    if question_id is None:
        question = next(iter(view.open_questions), None)
    if question is None or question not in view.open_questions:
        raise InputError(f"{run_id} asks nothing" + (f" by the id {question_id}." if question_id else "."))
    if not text.strip():
        raise InputError("The answer is empty. Say something, or cancel the run.")
    return Answered(run_id=run_id, question_id=question.id, answer=text.strip(), by=by)


def decided(
    view: RunView, decision: Decision, approval_id: str | None, edited: str | None, reason: str, by: str
) -> ApprovalGiven:
    """A decision on the step of this id, or on the oldest that waits. Raises InputError where there is none."""
    run_id = view.run.id
    approval = next((a for a in view.approvals if a.id == approval_id), None)
    if approval is not None and approval.decision is not None:
        raise InputError(f"That was decided already: {approval.decision}.")
    if approval_id is None:
        approval = next(iter(view.open_approvals), None)
    if approval is None or approval not in view.open_approvals:
        raise InputError(f"Nothing waits for approval in {run_id}.")
    if (decision == "edited") != (edited is not None) or (edited is not None and not is_object(edited)):
        raise InputError("To edit a step, give its arguments as a JSON object.")
    return ApprovalGiven(run_id=run_id, approval_id=approval.id, decision=decision, edited=edited, reason=reason, by=by)
