"""The review agent's node: the checks that a program can make, then the model's judgement, then one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from langgraph.runtime import Runtime

from artifacts.events import ReportMade, Reviewed
from artifacts.threads import in_own_thread
from artifacts.types import Objection
from graphs import briefs, rerun
from graphs.ask import insist
from graphs.models.base import Message
from graphs.review.base import CheckResult, Work
from graphs.review.checks import run_checks
from graphs.review.recompute import recompute
from graphs.review.values import beside
from graphs.review.watch.observed import observed
from graphs.state import MAX_ROUNDS, Desk, TeamState
from graphs.tools.notebook import pictures
from graphs.tools.review import GiveReview


async def review(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """One round of review. A check that fails sends the work back, whatever the model says of it."""
    desk: Desk = runtime.context
    agent = desk.agents.for_job("review")
    title = agent.title if state["round"] == 0 else f"{agent.title} (round {state['round'] + 1})"
    async with desk.step("review", agent.name, title) as step_id:
        view, report = await desk.view(), state["report"]
        told = {name: report[name] for name in ("answer", "not_found", "not_checked")}
        drafted = view.report or ReportMade(run_id=desk.run_id, order=report["findings"], **told)
        if state["round"] and state["reviewed"] == {"cells": len(view.executions), "report": report}:
            await desk.note("Nothing was changed in answer to the objections, so they stand.", step_id, "warning")
            return {"verdict": "stands"}
        inputs = [a for a in view.artifacts if a.role == "input"]
        files = {a.name: await in_own_thread(desk.store.path, a) for a in inputs}
        work = Work(view, drafted, state["roles"], files)
        again, done = await rerun.run_again(desk, work, step_id)
        if desk.again is not None:
            work = replace(work, observed=observed(desk.again.observed, view.executions))
        recomputed = await recompute(beside(desk, view), work, state["tables"])
        checks = await in_own_thread(run_checks, replace(work, recomputed=recomputed.told))
        checks.append(recomputed.as_check)
        brief = briefs.review_brief(state, view, [*checks, again])
        shown = pictures(view, [x.cell for x in view.executions])
        talk = [Message(role="system", content=agent.prompt), Message(role="user", content=brief, images=shown)]
        answer = await insist(desk, agent, talk, step_id, GiveReview)
        checks += [again] if done else []
        remarks = [again.detail] if again.ok else []
        reviewed = judge(desk.run_id, step_id, state["round"] + 1, answer, checks, remarks)
        reviewed = reviewed.model_copy(update={"recomputed": recomputed.verdicts})
        await desk.emit(reviewed)
        failed = reviewed.verdict == "fail"
        if failed and reviewed.round >= MAX_ROUNDS:
            stands = f"The reviewer still objects after {MAX_ROUNDS} rounds; the report goes out with those objections."
            await desk.note(stands, step_id, "warning")
    changes: dict[str, Any] = {
        "verdict": reviewed.verdict,
        "round": reviewed.round,
        "reviewed": {"cells": len(view.executions), "report": report},
        "objections": [o.model_dump() for o in reviewed.objections],
    }
    if failed and reviewed.round < MAX_ROUNDS:
        back = Message(role="user", content=briefs.code_brief(state, desk.templates, [], changes["objections"]))
        changes["messages"] = [*state["messages"], back.model_dump()]
    return changes


def judge(
    run_id: str,
    step_id: str | None,
    number: int,
    answer: GiveReview,
    checks: Sequence[CheckResult],
    told: Sequence[str] = (),
) -> Reviewed:
    """The round's verdict: the model's, made stricter by what the checks found. No objection is listed twice.

    `told` are remarks on what was checked and what was not, which do not touch the verdict.
    """
    found = [o for c in checks for o in c.objections]
    further = (o for o in answer.objections if not any(f.problem in o.problem for f in found))
    objections = [*(Objection(**o.model_dump()) for o in further), *found]
    remarks = list(dict.fromkeys([*answer.remarks, *(r for c in checks for r in c.remarks)]))
    failed = answer.verdict == "fail" or any(not c.ok for c in checks)
    verdict: Literal["pass", "pass_with_remarks", "fail"] = "fail" if failed else answer.verdict
    verdict = "pass_with_remarks" if verdict == "pass" and remarks else verdict
    return Reviewed(
        run_id=run_id, step_id=step_id, round=number, verdict=verdict, objections=tuple(objections) if failed else (),
        remarks=tuple(dict.fromkeys([*remarks, *told])), checks=len(checks),
    )  # fmt: skip
