"""A further turn of a run that a model answers, as a graph: lead ⇄ run → check → lead again, or the end.

The lead agent decides what a message wants: an answer from the record, cells, an edit, or a question to the person.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from artifacts.events import AnswerMade, ReportMade, Reviewed, TurnEnded
from artifacts.threads import in_own_thread
from artifacts.types import Answer, Evidence, Objection, Turn, marked
from graphs import look, tools
from graphs.agents import Agents, load
from graphs.ask import ask, compact, told
from graphs.coding import run
from graphs.helping import add_delegation, whole
from graphs.models.base import Message
from graphs.opening import open_tables
from graphs.outline import turn_brief
from graphs.review.base import Work
from graphs.review.prose.numbers import numbers
from graphs.review.recompute import recompute
from graphs.review.values import beside
from graphs.state import MAX_CALLS, Desk, TeamState
from graphs.team import Team
from graphs.tools.reply import Reply
from notebooks.telling.answers import answers_text

MAX_CHECKS = 2
"""How often a reply is checked; after the last time it is told with what was objected to."""


async def lead(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Ask the lead agent what to do next. Its reply to the person ends its work, as does a text without a call."""
    desk: Desk = runtime.context
    agent = desk.agents.for_job("code")
    async with desk.step("lead", agent.name, agent.title) as step_id:
        view, said = await desk.view(), await desk.heard()
        new = [m for m in said if m.id not in state.get("heard", ())]
        messages = [*map(Message.model_validate, state.get("messages") or await _brief(desk, state)), *told(new)]
        if state["calls"] >= MAX_CALLS:
            messages.append(Message(role="user", content=f"The limit of {MAX_CALLS} calls is reached: call reply now."))
        reply = await ask(desk, agent, compact(messages), step_id)
        calls = [] if state["calls"] > MAX_CALLS else list(reply.tool_calls)
        report: dict[str, Any] | None = None
        talk = [*messages, reply.message]
        if not calls:
            report = {"text": reply.content.strip() or "There is no answer.", "status": "answered", "cells": []}
        elif len(calls) == 1 and calls[0].name == Reply.tool_name:
            read = tools.read(calls[0], desk.tools_of(agent))
            problem = read if isinstance(read, str) else read.problem(desk, view)
            if problem is None:
                assert isinstance(read, Reply), "it was called by its name"
                report = read.model_dump(mode="json")
            else:
                talk.append(_result(calls[0].id, problem))
            calls = []
    return {
        "messages": [m.model_dump() for m in talk],
        "heard": [m.id for m in said],
        "pending": [c.model_dump() for c in calls],
        "report": report or {},
        "calls": state["calls"] + (not calls and report is None),
    }


async def check(state: TeamState, runtime: Runtime[Desk]) -> dict[str, Any]:
    """Record the reply, compute its numbers again, and send it back once where one of them does not hold."""
    desk: Desk = runtime.context
    assert desk.turn is not None, "only further turns come here"
    agent, turn = desk.agents.for_job("review"), desk.turn
    async with desk.step("check", agent.name, "Check the answer") as step_id:
        view = await desk.view()
        reply = Reply.model_validate(state["report"])
        answer = _answer(reply, turn, [c.id for c in view.cells if c.turn_id == turn.id and "code" in c.tags])
        mine = [a for a in view.given if a.question == turn.id and a.part != answer.part]
        drafted = ReportMade(run_id=desk.run_id, answer=reply.text, answers=(answer, *mine))
        files = {a.name: await in_own_thread(desk.store.path, a) for a in view.artifacts if a.role == "input"}
        asked = replace(view, run=view.run.model_copy(update={"goal": turn.message}))
        work = Work(asked, drafted, state["roles"], files)
        found = await recompute(beside(desk, view), work, state["tables"])
        work = replace(work, recomputed=found.told)
        loose = [f for f in await in_own_thread(lambda: list(numbers(work))) if isinstance(f, Objection)]
        objections = tuple({o.problem: o for o in (*found.objections, *loose) if o.where == "answer"}.values())
        again = bool(objections) and state["round"] + 1 < MAX_CHECKS
        if not again:
            notes = tuple(f"The reviewer objects: {o.problem}" for o in objections)
            told, *others = marked(drafted.answers, found.verdicts)
            told = told.model_copy(update={"notes": (*told.notes, *notes)})
            for one in (*others, told):
                await desk.emit(AnswerMade(run_id=desk.run_id, step_id=step_id, answer=one))
        await desk.emit(
            Reviewed(
                run_id=desk.run_id,
                step_id=step_id,
                round=state["round"] + 1,
                verdict="fail" if objections else "pass",
                objections=objections,
                recomputed=found.verdicts,
                checks=2,
            )
        )
        if again:
            objected = "\n".join(f"- {o.problem} {o.mend}" for o in objections)
            back = Message(
                role="user", content=f"The reviewer objects to your reply. Mend it, and reply again:\n{objected}"
            )
            return {"messages": [*state["messages"], back.model_dump()], "round": state["round"] + 1, "again": True}
        if view.run.agent == "ask":  # as text alone: the answers themselves are recorded, each once
            mine = [a for a in (await desk.view()).answers if a.question == turn.id]
            await desk.emit(ReportMade(run_id=desk.run_id, turn_id=turn.id, answer=answers_text(mine)))
    await desk.emit(TurnEnded(run_id=desk.run_id, turn_id=turn.id))
    return {"again": False}


async def _brief(desk: Desk, state: TeamState) -> list[dict[str, Any]]:
    assert desk.turn is not None, "only further turns come here"
    agent = desk.agents.for_job("code")
    brief = turn_brief(await desk.view(), desk.turn, state["tables"], state["roles"], desk.templates)
    talk = [Message(role="system", content=agent.prompt), Message(role="user", content=brief)]
    return [m.model_dump() for m in talk]


def _answer(reply: Reply, turn: Turn, cells: list[str]) -> Answer:
    """The reply as an answer; where it names no cell it rests on those that ran for it."""
    answer = reply.made(turn)
    if answer.evidence or not cells:
        return answer
    return answer.model_copy(update={"evidence": tuple(Evidence(cell=c) for c in cells)})


def _result(call_id: str, problem: str) -> Message:
    return Message(role="tool", content=json.dumps({"ok": False, "error": problem}), tool_call_id=call_id)


def _after_lead(state: TeamState) -> str:
    return "run" if state["pending"] else "check" if state["report"] else "lead"


def _after_run(state: TeamState) -> str:
    if state.get("delegation"):
        return "delegate"
    return "run" if state["pending"] else "lead"


def _after_check(state: TeamState) -> str:
    return "lead" if state["again"] else END


def build(checkpointer: BaseCheckpointSaver[str] | None = None, agents: Agents | None = None) -> Team:
    """The compiled graph of a further turn; `agents` are those of the run, by default the built-in ones."""
    agents = agents or load()
    helpers = {h.name: h for a in agents.agents for h in agents.helpers_of(a)}
    graph = StateGraph(TeamState)
    graph.add_node("lead", whole(lead))
    graph.add_node("run", whole(run))
    graph.add_node("check", whole(check))
    graph.add_edge(START, "lead")
    graph.add_conditional_edges("lead", _after_lead, ["run", "check", "lead"])
    graph.add_conditional_edges("run", _after_run, ["run", "lead", "delegate"])
    add_delegation(graph, agents, list(helpers.values()), _after_run, ["run", "lead"])
    graph.add_conditional_edges("check", _after_check, ["lead", END])
    team: Team = graph.compile(checkpointer=checkpointer, name="gristmill-turn")
    return team


async def begin(desk: Desk, files: list[str], roles: dict[str, str]) -> TeamState:
    """The state with which a further turn enters the graph; the tables are described where no cell has done so."""
    assert desk.turn is not None, "only further turns come here"
    tables = look.described(desk.session.executions)
    if not tables:
        async with desk.step("open", "system", "Read the files") as step_id:
            tables = await open_tables(desk, desk.turn.message, files, roles, step_id, key=f"{desk.turn.id}-open")
    return TeamState(
        run_id=desk.run_id, question=desk.turn.message, files=files, roles=roles, tables=tables, calls=0, round=0
    )
