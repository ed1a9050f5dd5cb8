"""Budgets of a run, of each of its turns, and of an agent: what is spent is asked about, and what was made is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
import pytest_asyncio

from artifacts.events import RunEnded, RunResumed, RunStarted, TurnStarted, fold
from artifacts.store import Store
from artifacts.types import Run, Spent
from graphs.agents import BadAgent, read_agent
from graphs.budget import Budget, bounds, budget_text, changed, read_budget, share
from graphs.request import Question, Request, Terms
from graphs.workbench import Workbench
from tests.graphs.conftest import call
from tests.graphs.test_talk import further, replying
from tests.graphs.test_waiting import begin, rest

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEAN = {"measures": [{"op": "mean", "of": "y", "name": "mean y"}]}
COUNT = {"measures": [{"op": "count", "name": "rows"}]}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bench(with_gateway, tmp_path_factory):
    with Store.open(with_gateway(tmp_path_factory.mktemp("budget") / "home")) as store:
        workbench = Workbench(store, rerun=False, limit=1, budget=Budget(cells=500))
        yield workbench
        await workbench.close()


@pytest.mark.parametrize("text", ["tokens=20000,usd=0.5", "tokens=5000/turn", "usd=2,minutes=3/turn,cells=4/turn"])
async def test_a_budget_is_written_as_it_is_read(text):
    assert budget_text(read_budget(text)) == text
    assert Budget.model_validate(read_budget(text).model_dump(exclude_none=True)) == read_budget(text)


async def test_limits_that_change_leave_the_others_as_they_are():
    budget = changed(read_budget("tokens=10,usd=1,cells=2/turn"), read_budget("tokens=20,cells=3/turn"))
    assert budget_text(budget) == "tokens=20,usd=1,cells=3/turn"


async def test_a_model_s_question_asks_before_it_spends_more_and_goes_on_there(bench, table, wire, answer, monkeypatch):
    for name, value in wire.env.items():
        monkeypatch.setenv(name, value)
    wire.script(
        answer(calls=[call("ask_table", part="how many", query=COUNT)]),
        answer(calls=[call("ask_table", part="mean y", query=MEAN)]),
        answer(text="That is all."),
    )
    asked = Request(
        asked=(Question(text="How many rows, and mean y?"),),
        files=(table,),
        model="openai:test",
        terms=Terms(budget=Budget(tokens=17)),
    )
    run_id = (await bench.start(asked)).id
    run, view = await rest(bench, run_id)
    assert (run.status, view.run.params["budget"]) == ("waiting", {"tokens": 17})
    (question,) = view.open_questions
    assert question.text == "The budget of 17 tokens is spent (17 tokens used). Go on with as much again?"
    assert [a.part for a in view.answers] == ["how many"]
    await bench.answer(run_id, "Yes")
    run, view = await rest(bench, run_id)
    assert (run.status, view.open_questions[0].id) == ("waiting", "ask_budget-tokens=34")
    await bench.answer(run_id, "yes")
    run, view = await rest(bench, run_id)
    assert (run.status, len(wire.requests)) == ("done", 3), "it was asked for nothing twice"
    assert [(a.part, a.status) for a in view.answers] == [("how many", "answered"), ("mean y", "answered")]
    assert len(view.executions) == view.executed, "and no cell ran twice"


async def test_each_turn_has_its_own_budget_and_no_ends_the_turn_but_not_the_run(bench, table, team, answer):
    run_id = await begin(bench, table)
    run, _ = await rest(bench, run_id)
    assert (run.status, run.params["budget"]) == ("done", {"cells": 500}), "what the settings say"
    team.code = [answer(calls=[call("run_code", code=f"print({i})")]) for i in range(10, 16)]
    turn = await bench.ask(run_id, "Print some numbers.", budget=read_budget("cells=4/turn"))
    run, view = await rest(bench, run_id)
    (question,) = view.open_questions
    assert question.text == "The turn's budget of 4 cells is spent (4 cells used). Go on with as much again?"
    await bench.answer(run_id, "no")
    run, view = await rest(bench, run_id)
    assert (run.status, view.turns[-1].status) == ("cancelled", "cancelled")
    assert view.error.startswith("The turn's budget of 4 cells is spent (4 cells used). What was made is kept;")
    assert view.spent_in(turn.id).cells == 4

    team.code = [replying(answer, "Four were printed.")]
    third, view = await further(bench, run_id, "How many were printed?")
    assert third.status == "done"
    assert view.spent.minutes == pytest.approx(sum(view.spent_in(t.id).minutes for t in view.turns))


async def test_what_an_agent_may_use_is_in_its_file(bench, table, team, answer):
    folder = bench.store.home / "agents"
    folder.mkdir(exist_ok=True)
    (folder / "miser.md").write_text("---\nname: miser\nbase: coder\nbudget: tokens=30\n---\nYou save.\n")
    team.code = [answer(calls=[call("run_code", code=f"print({i})")]) for i in range(9)]
    run, view = await rest(bench, await begin(bench, table, agent="miser", unattended=True))
    assert run.status == "cancelled"
    assert view.error == (
        "Miser's budget of 30 tokens is spent (34 tokens used). What was made is kept; "
        "the key `budget` in the agent's file says what it may use."
    )
    for told in ("minutes=3", "tokens=3/turn", "much"):
        with pytest.raises(BadAgent, match="budget: "):
            read_agent(f"---\nname: poet\nbudget: {told}\n---\nP")


async def test_a_task_gets_the_smaller_of_its_share_and_what_its_agent_may_use():
    used = Spent(tokens=40, cells=7)
    assert share(Budget(tokens=100), used, 2, Budget(tokens=50, cells=3)) == Budget(tokens=20, cells=3)
    assert share(Budget(tokens=400), used, 2, Budget(tokens=50)) == Budget(tokens=50)
    assert share(Budget(), used, 2, None) == Budget()


async def test_minutes_are_those_of_work_and_not_of_waiting_editing_or_rest():
    begun = Run(id="run_1", goal="?")

    def at(minutes):
        return {"run_id": begun.id, "at": begun.created_at + timedelta(minutes=minutes)}

    events = [
        RunStarted(run=begun, **at(0)),
        RunEnded(status="waiting", **at(1)),
        RunResumed(**at(20)),
        RunEnded(status="done", **at(22)),
        RunResumed(why="edit", **at(30)),
        RunEnded(status="done", **at(40)),
        RunResumed(why="turn", **at(50)),
        TurnStarted(turn_id="turn-02", message="And?", **at(50)),
    ]
    view = fold(events)
    assert (view.spent.minutes, view.spent_in("turn-02").minutes) == (3, 0)
    run, turn = bounds(view, read_budget("minutes=4,minutes=2/turn"), begun.created_at + timedelta(minutes=51.5))
    assert (run.used.minutes, turn.used.minutes) == (4.5, 1.5)
    assert (run.spent, turn.spent) == ("minutes", None)
