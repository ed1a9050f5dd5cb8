"""Waiting for a person: a question or an approval is an event, then LangGraph's interrupt; the answer is an event, too.

The answer is in the record before the graph goes on, so that a kill between the two loses nothing. The node that asked
runs again from its beginning and finds it there.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from artifacts.events import ApprovalAsked, Asked
from artifacts.threads import in_own_thread
from artifacts.types import Approval, Question, ToolCall, now
from graphs.budget import Budget, bounds, budget_of, budget_text, check_share
from graphs.errors import Waiting
from graphs.state import Desk

if TYPE_CHECKING:
    from graphs.agents import Agent
    from graphs.tools.base import Tool


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
    _break_off(desk, {"question": id})
    raise Waiting("The run waits for an answer.")


async def within_budget(desk: Desk, agent: Agent | None = None) -> None:
    """Where the run, its turn or the agent at work has used up what it may, ask whether it may have as much again.

    Raises BudgetSpent where that is declined, or nobody attends the run, and ShareSpent where only the task has used
    its share. For nodes to call before they ask or run.
    """
    own = agent.budget if agent is not None and desk.task is None else None
    if desk.budget == Budget() and own is None and desk.task is None:
        return
    view = await in_own_thread(desk.store.view, desk.run_id)
    for bound in bounds(view, desk.budget, now(), agent.name if agent is not None else "", own):
        times = 1
        while (more := bound.grown(times)).spent is not None:
            key = f"{more.key}{budget_text(more.budget)}"
            asked = f"{more.sentence} Go on with as much again?"
            if (await ask_person(desk, key, asked, ("yes", "no"), None) or "").strip().lower() not in _YES:
                raise more.error(desk.run_id)
            times += 1
    if desk.task is not None:
        check_share(budget_of({"budget": desk.task.budget}), view.of_task(desk.task.id).spent)


_YES = ("yes", "y")
_ONLY_SAID = ("ask_person", "cannot_answer")
"""Tools that do nothing but speak to the person, who need not consent to that."""


async def approved(desk: Desk, key: str, call: ToolCall, tool: Tool) -> Approval | None:
    """What a person decided on a call, where one must be asked; None where nobody needs to be."""
    if tool.approval == "allow" and (desk.approve != "ask" or tool.tool_name in _ONLY_SAID):
        return None
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
    _break_off(desk, {"approval": id})
    raise Waiting("The run waits for approval.")


def _break_off(desk: Desk, value: dict[str, str]) -> None:
    """End the node of a graph, to begin it again with the answer. What is no graph ends with the error that follows."""
    if desk.direct:
        return
    from langgraph.types import interrupt  # a second's import, which only a run of the graph has had

    interrupt(value)
