"""The analysis agent's nodes: look at the files, plan, interpret."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from artifacts.events import PlanMade, ReportMade, RunView
from artifacts.types import Answer, Evidence, PlanStep
from graphs import briefs, tasks
from graphs.ask import insist, told
from graphs.models.base import Message
from graphs.opening import open_tables
from graphs.state import MAX_FOLLOW_UPS, Desk, TeamState
from graphs.tools.delegate import Delegate
from graphs.tools.notebook import pictures
from graphs.tools.planning import MakePlan, plan_steps
from graphs.tools.report import FollowUp, WriteReport
from notebooks.telling.answers import answers_text


async def open_files(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Read the files and describe their columns; what a file did not make easy becomes a note."""
    desk: Desk = runtime.context
    async with desk.step("open", "system", "Read the files") as step_id:
        tables = await open_tables(desk, state["question"], state["files"], state["roles"], step_id)
    return {"tables": tables}


async def make_plan(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Have the analysis laid out in steps."""
    desk: Desk = runtime.context
    agent = desk.agents.for_job("plan")
    async with desk.step("plan", agent.name, agent.title) as step_id:
        brief = briefs.plan_brief(state, desk.templates)
        talk = [*_talk(agent.prompt, brief), *told(await desk.heard())]
        answer: MakePlan | Delegate = await insist(desk, agent, talk, step_id, MakePlan, Delegate)
        if isinstance(answer, Delegate):
            steps = [PlanStep(title=t.title, why=f"{t.agent}'s task") for t in answer.tasks]
            delegation = await _given(desk, agent.name, answer, step_id)
        else:
            steps, delegation = plan_steps(answer.steps, desk.templates), None
        await desk.emit(PlanMade(run_id=desk.run_id, step_id=step_id, steps=tuple(steps)))
    made = [s.model_dump() for s in steps]
    brief = briefs.code_brief({**state, "plan": made}, desk.templates, made)
    brief += briefs.project_note(await desk.view())
    talk = _talk(desk.agents.for_job("code").prompt, brief)
    return {"plan": made, "messages": [m.model_dump() for m in talk], "pending": [], "delegation": delegation}


async def address(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Tell the agent that was addressed what is asked of it."""
    desk: Desk = runtime.context
    brief = briefs.task_brief(state, desk.templates, state["question"], "The person says this to you alone.", ())
    talk = _talk(desk.agents.for_job("code").prompt, brief + briefs.project_note(await desk.view()))
    return {"plan": [], "messages": [m.model_dump() for m in talk], "pending": []}


async def answer(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Make what the agent that was addressed said at the end the answer."""
    desk: Desk = runtime.context
    agent = desk.agents.for_job("code")
    async with desk.step("answer", agent.name, "Answer") as step_id:
        view, before = await desk.view(), state.get("report") or {"answer": ""}
        said = tasks.closing(state["messages"]) or str(before["answer"])  # nothing said to objections leaves it
        cells = [x.cell for x in view.executions if "code" in x.tags]
        own = Answer(
            part=state["question"],
            status="answered" if said else "not_answered",
            text=said,
            evidence=tuple(Evidence(cell=cell) for cell in cells),
            why="" if said else f"{agent.name} said nothing at the end of its work.",
        )
        answers, order = view.given or (own,), tuple(f.id for f in view.findings)
        report = {"answer": said or answers_text(answers), "findings": order, "not_found": (), "not_checked": ()}
        made = ReportMade(run_id=desk.run_id, step_id=step_id, answer=report["answer"], answers=answers, order=order)
        await desk.emit(made)
    return {"report": report}


async def interpret(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Have the report written, or, at most `MAX_FOLLOW_UPS` times, further steps asked for."""
    desk: Desk = runtime.context
    agent = desk.agents.for_job("interpret")
    async with desk.step("interpret", agent.name, agent.title) as step_id:
        brief = briefs.interpret_brief(state, await desk.view(), MAX_FOLLOW_UPS - state["follow_ups"])
        talk = [*_talk(agent.prompt, brief, shown(await desk.view())), *told(await desk.heard())]
        answer: WriteReport | FollowUp | Delegate = await insist(
            desk, agent, talk, step_id, WriteReport, FollowUp, Delegate
        )
        if not isinstance(answer, WriteReport) and state["follow_ups"] >= MAX_FOLLOW_UPS:
            await desk.note(f"After {MAX_FOLLOW_UPS} follow-ups the report is due; no further cells are run.", step_id)
            talk.append(Message(role="user", content="No follow-up is left. Answer by calling write_report."))
            answer = await insist(desk, agent, talk, step_id, WriteReport)
        if isinstance(answer, Delegate):
            delegation = await _given(desk, agent.name, answer, step_id)
            return {"again": False, "delegation": delegation, "follow_ups": state["follow_ups"] + 1}
        if isinstance(answer, FollowUp):
            further = [s.model_dump() for s in plan_steps(answer.steps, desk.templates)]
            plan = [*state["plan"], *further]
            steps = tuple(PlanStep(**s) for s in plan)
            await desk.emit(PlanMade(run_id=desk.run_id, step_id=step_id, steps=steps))
            work = Message(role="user", content=briefs.code_brief(state, desk.templates, further))
            return {
                "again": True,
                "plan": plan,
                "messages": [*state["messages"], work.model_dump()],
                "follow_ups": state["follow_ups"] + 1,
            }
        report = answer.model_dump(mode="json")
        answers = answer.made(await desk.view(), state["question"])
        await desk.emit(
            ReportMade(
                run_id=desk.run_id,
                step_id=step_id,
                answer=answer.answer,
                answers=answers,
                order=answer.findings,
                not_found=answer.not_found,
                not_checked=answer.not_checked,
            )
        )
    return {"again": False, "report": report}


async def _given(desk: Desk, by: str, asked: Delegate, step_id: str) -> dict[str, Any]:
    """Tasks that the lead gives, as the graph goes on with them."""
    return {"tasks": await tasks.give(desk, by, asked.tasks, step_id), "call": None, "by": by, "step": step_id}


def shown(view: RunView) -> tuple[str, ...]:
    """The ids of the plots of a run, for a model that reads pictures."""
    return pictures(view, [x.cell for x in view.executions])


def _talk(prompt: str, brief: str, images: tuple[str, ...] = ()) -> list[Message]:
    return [Message(role="system", content=prompt), Message(role="user", content=brief, images=images)]
