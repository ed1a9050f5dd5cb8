"""Answers and no more: by a model's queries, or the asker's own; taken up where a run was left; no model computes."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace

import pytest
import pytest_asyncio

from artifacts.store import Store
from graphs.questions.measures import WAYS
from graphs.request import Question, Request
from graphs.workbench import Workbench
from notebooks.files import Tree
from notebooks.telling.answers import said
from notebooks.telling.story import told

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEAN = {"measures": [{"op": "mean", "of": "y", "name": "mean of y"}], "where": [{"left": "x", "op": ">", "right": 9}]}
COUNT = {"measures": [{"op": "count"}]}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bench(with_gateway, tmp_path_factory):
    with Store.open(with_gateway(tmp_path_factory.mktemp("asking") / "home")) as store:
        workbench = Workbench(store, rerun=False)
        yield workbench
        await workbench.close()


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i * 2 + i % 3}\n" for i in range(40)))
    return path


@pytest.fixture
def asked(wire, monkeypatch):
    """A model at the other end of the wire, which is given its replies by `wire.script`."""
    for name, value in wire.env.items():
        monkeypatch.setenv(name, value)
    return wire


async def answers(bench: Workbench, *questions: Question, table, **more):
    run = await bench.start(Request(asked=questions, files=(table,), **more))
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    return run, bench.store.view(run.id)


def call(name, **arguments):
    return (name, json.dumps(arguments))


async def test_the_values_of_a_plain_answer_are_computed_again(bench, table, monkeypatch):
    """By SQL from the input file: equal values are marked, and one that comes out otherwise is told with both."""
    _, view = await answers(bench, Question(text="What is the mean of y where x is above 9?"), table=table)
    (value,) = view.answers[0].values
    assert (value.recomputed.verdict, value.recomputed.got) == ("equal", pytest.approx(value.value))
    assert view.report.answers == view.answers
    assert [v.mark for v in said(view)[0].values] == ["computed twice, with the same result"]
    monkeypatch.setitem(WAYS, "mean", replace(WAYS["mean"], source="{s}.max()"))
    _, view = await answers(bench, Question(text="What is the mean of y where x is above 9?"), table=table)
    (wrong,) = view.answers[0].values
    assert (wrong.value, wrong.recomputed.verdict) == (78, "unequal")
    assert said(view)[0].values[0].mark.startswith("not confirmed: computed again it is 50")
    assert view.run.outcome == bench.store.run(view.run.id).outcome == "unconfirmed"
    assert (told(view).good, told(view).verdict) == (False, "Not confirmed")
    assert not any("omputed again" in aside for aside in said(view)[0].asides)  # the mark says it
    assert view.report.answer.count("computed again from the input files, mean of y is 50") == 1


async def test_a_model_answers_by_queries_that_tested_code_carries_out(bench, table, asked, answer):
    wrong = {"measures": [{"op": "mean", "of": "height"}]}
    asked.script(
        answer(calls=[call("ask_table", part="mean y", query=wrong)]),
        answer(calls=[call("ask_table", part="mean y", query={"measure": []})]),
        answer(calls=[call("ask_table", part="mean y", query=MEAN)]),
        answer(calls=[call("cannot_answer", part="who measured", why="No column names a person.")]),
        answer(text="The mean is 1,000,000."),
    )
    run, view = await answers(bench, Question(text="Mean y, and who measured?"), table=table, model="openai:test")
    assert (run.status, view.error) == ("done", None)
    assert [(a.part, a.status) for a in view.answers] == [("mean y", "answered"), ("who measured", "not_answered")]
    rows = [line.split(",") for line in table.read_text().split()[1:]]
    truth = [float(y) for x, y, *_ in rows if float(x) > 9]
    (value,) = view.answers[0].values
    assert value.value == pytest.approx(sum(truth) / len(truth))
    assert view.answers[0].query["where"] == [{"left": "x", "op": ">", "right": 9}]
    assert "1,000,000" not in (view.report.answer if view.report else "")
    results = [json.loads(m["content"]) for m in asked.requests[-1]["messages"] if m["role"] == "tool"]
    assert "height" in results[0]["answer"]["why"], "the model reads why its query was refused"
    assert "measure" in results[1]["error"]["value"], "and why what it sent is none"
    brief = asked.requests[0]["messages"][1]["content"]
    assert '"name":"y"' in brief
    assert {t["function"]["name"] for t in asked.requests[0]["tools"]} == {"ask_table", "cannot_answer"}


async def test_a_model_that_only_talks_has_answered_nothing(bench, table, asked, answer):
    asked.answer = lambda request: answer(text="I believe that it is 12.")
    _, view = await answers(bench, Question(text="The mean of y?"), table=table, model="openai:test")
    assert [(a.status, a.part) for a in view.answers] == [("not_answered", "The mean of y?")]
    assert len(asked.requests) == 3


async def test_a_run_of_questions_is_taken_up_after_the_last_one_that_was_answered(ready, table, asked, answer):
    held = asyncio.Event()
    asked.script(
        answer(calls=[call("ask_table", part="how many", query=COUNT)]),
        answer(text="Done."),
        answer(hold=held),
        answer(calls=[call("ask_table", part="mean y", query=MEAN)]),
        answer(text="Done."),
    )
    questions = (Question(id="a", text="How many?"), Question(id="b", text="Mean y?"))
    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False)
        run = await bench.start(Request(asked=questions, files=(table,), model="openai:test"))
        async for event in bench.follow(run.id):
            if event.kind == "step_started" and event.title == "Mean y?":
                break
        await bench.close()
        held.set()
        assert store.run(run.id).status == "interrupted"
    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False)
        await bench.resume(run.id)
        run = await asyncio.wait_for(bench.wait(run.id), 300)
        await bench.close()
        view = store.view(run.id)
    assert run.status == "done"
    assert [(a.question, a.status) for a in view.answers] == [("a", "answered"), ("b", "answered")]
    assert len([x for x in view.executions if x.title == "how many"]) == 1
    assert [s.title for s in view.steps if s.status == "done"].count("How many?") == 1


async def test_a_part_whose_cell_fails_is_not_answered_and_the_next_is(bench, table):
    void = {"measures": [{"op": "mean", "of": "y"}], "where": [{"left": "x", "op": ">", "right": 1e9}]}
    questions = (
        Question(id=1, text="None?", queries=(void,)),
        Question(id=2, text="How many?", queries=(COUNT,)),
    )
    run, view = await answers(bench, *questions, table=table)
    assert run.status == "done"
    assert [(a.question, a.status) for a in view.answers] == [("1", "not_answered"), ("2", "answered")]
    assert view.answers[0].why
    assert view.run.goal == "None? (and 1 more)"


async def test_each_file_goes_into_a_new_sandbox_once(bench, table, monkeypatch):
    placed, place = [], Tree.place

    async def counted(tree, name, source):
        placed.append(name)
        await place(tree, name, source)

    monkeypatch.setattr(Tree, "place", counted)
    _, view = await answers(bench, Question(id=1, text="How many?", queries=(COUNT,)), table=table)
    assert [a.status for a in view.answers] == ["answered"]
    assert placed == ["points.csv"]


async def test_an_answer_by_the_playbook_loads_no_graph_and_no_check_of_prose():
    spared = {"langgraph", "pandas", "graphs.review.base", "graphs.review.prose", "notebooks.runner"}
    loaded = "graphs.worker, graphs.direct, graphs.answering, graphs.review.values"
    code = f"import {loaded}, sys; print({spared} & set(sys.modules))"
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    told, _ = await done.communicate()
    assert told.decode().strip() == "set()", "each takes up to a second of a process's time, and somebody waits"


@pytest.mark.parametrize("load", ["load_direct", "load_team"])
async def test_the_toolkits_sources_are_read_with_the_graph_and_not_while_others_wait(load: str):
    told = "slices.package.cache_info().currsize"
    code = f"from graphs import worker; from notebooks import slices; worker.{load}(); print({told})"
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    said, _ = await done.communicate()
    assert said.decode().strip() == "1", "a quarter of a second, which the event loop has not got"
