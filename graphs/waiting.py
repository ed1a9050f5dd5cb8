"""Waiting for a person: a question or an approval is an event, then LangGraph's interrupt; the answer is an event, too.

The answer is in the record before the graph goes on, so that a kill between the two loses nothing. The node that asked
runs again from its beginning and finds it there.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from artifacts.events import ApprovalAsked, Asked
from artifacts.types import Approval, Question, ToolCall
from graphs.budget import BudgetSpent, budget_text, grown
from graphs.errors import GraphError
from graphs.state import Desk
from graphs.tools.base import Tool


class Waiting(GraphError):
    """A run that goes on once a person has answered; the sentence says what is waited for."""


async def ask_person(desk: Desk, key: str, text: str, choices: tuple[str, ...], default: str | None) -> str | None:
    """What the person answers, or the default of a run that nobody attends; None where there is none.

    The run waits, and this does not return before there is an answer. `key` names the question for ever.
    """
    view = await desk.view()
    id = f"ask_{key}"
    known = next((q for q in view.questions if q.id == id), None)
    if known is not None and known.answer is not None:
        return known.answer
    if desk.unattended:
        return default
    if known is None:
        by = desk.task.agent if desk.task is not None else ""
        question = Question(id=id, turn_id=view.turns[-1].id, text=text, choices=choices, default=default, by=by)
        await desk.emit(Asked(run_id=desk.run_id, question=question))
    _break_off({"question": id})
    raise Waiting("The run waits for an answer.")  # not reached: the interrupt ends the node


async def within_budget(desk: Desk) -> None:
    """Where the run has used up what it may, ask the person whether it may have as much again.

    Raises BudgetSpent where that is declined, or nobody attends the run. For nodes to call before they ask or run.
    """
    while True:
        given = sum(q.id.startswith(_BUDGET) and q.answer in _YES for q in (await desk.view()).questions)
        budget = grown(desk.budget, 1 + given)
        try:
            await replace(desk, budget=budget).within_budget()
        except BudgetSpent as spent:
            key = f"{_BUDGET.removeprefix('ask_')}{budget_text(budget)}"
            text = f"{str(spent).partition(' What was made')[0]} Go on with as much again?"
            if await ask_person(desk, key, text, ("yes", "no"), None) not in _YES:
                raise
        else:
            return


_BUDGET, _YES = "ask_budget-", ("yes", "y")


async def approved(desk: Desk, key: str, call: ToolCall, tool: Tool) -> Approval | None:
    """What a person decided on a call, where one must be asked; None where nobody needs to be."""
    if tool.approval == "allow" and (desk.approve != "ask" or tool.tool_name == "ask_person"):
        return None  # what is asked waits for a person as it is
    view = await desk.view()
    id = f"approve_{key}_{hashlib.sha256(call.arguments.encode()).hexdigest()[:8]}"
    known = next((a for a in view.approvals if a.id == id), None)
    if known is not None and known.decision is not None:
        return known
    why = f"{call.name} asks before each call." if tool.approval == "ask" else "Every call waits for a person."
    asked = Approval(id=id, turn_id=view.turns[-1].id, tool=call.name, arguments=call.arguments, why=why)
    if desk.unattended or desk.approve == "deny":
        return asked.model_copy(update={"decision": "rejected", "reason": "Nobody attends this run to approve of it."})
    if known is None:
        await desk.emit(ApprovalAsked(run_id=desk.run_id, approval=asked))
    _break_off({"approval": id})
    raise Waiting("The run waits for approval.")  # not reached, as above


def _break_off(value: dict[str, str]) -> None:
    """End the node, to begin it again with the answer."""
    from langgraph.types import interrupt  # a second's import, which only a run of the graph has had

    interrupt(value)
