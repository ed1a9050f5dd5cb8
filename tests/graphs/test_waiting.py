"""Waiting for a person: questions and approvals are kept, answered once, by anybody, and outlive the process."""

from __future__ import annotations

import asyncio
import json

import pytest

from artifacts.events import Answered
from artifacts.store import Store
from graphs.errors import InputError
from graphs.request import Question, Request, Terms
from graphs.workbench import Workbench
from tests.graphs.conftest import call

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASK = call("ask_person", question="Which year is meant?", choices=["2024", "2025"], default="2025")


async def begin(bench, table, **more):
    request = Request(question="Do x and y rise together?", files=(table,), model="openai:test", terms=Terms(**more))
    return (await bench.start(request)).id


async def rest(bench, run_id):
    """The run and its view once it has stopped, for whatever reason."""
    run = await asyncio.wait_for(bench.wait(run_id), 300)
    return run, bench.store.view(run_id)


async def test_a_question_waits_lets_others_work_and_its_answer_reaches_the_agent(bench, table, team, answer):
    team.code = [answer(calls=[ASK, call("run_code", code="print('after')")])]
    first = await begin(bench, table)
    run, view = await rest(bench, first)
    assert run.status == "waiting"
    (question,) = view.questions
    assert (question.text, question.choices, question.default) == ("Which year is meant?", ("2024", "2025"), "2025")
    other = await begin(bench, table)
    assert (await rest(bench, other))[0].status == "done", "a run that waits takes nobody's place"
    with pytest.raises(InputError, match="empty"):
        await bench.answer(first, "  ")
    await bench.answer(first, "2024")
    run, view = await rest(bench, first)
    assert run.status == "done"
    assert [q.answer for q in view.questions] == ["2024"]
    assert next(u.text for u in view.tools_used if u.name == "ask_person") == "2024"
    assert sum(x.code == "print('after')" for x in view.executions) == 1
    with pytest.raises(InputError, match="answered already: '2024'"):
        await bench.answer(first, "2025", question_id=question.id)
    with pytest.raises(InputError, match="asks nothing"):
        await bench.answer(first, "2025")


@pytest.mark.parametrize("default", ["2025", None])
async def test_a_run_that_nobody_attends_takes_the_default_or_decides_itself(bench, table, team, answer, default):
    team.code = [answer(calls=[call("ask_person", question="Which year?", default=default)])]
    run, view = await rest(bench, await begin(bench, table, unattended=True))
    assert run.status == "done"
    (used,) = view.tools_used
    assert (used.ok, used.text) == ((True, "2025") if default else (False, ""))
    assert view.questions == ()


@pytest.mark.parametrize("decision", ["accepted", "edited", "rejected"])
async def test_a_step_waits_for_approval_and_is_accepted_edited_or_rejected(bench, table, team, answer, decision):
    team.code = [answer(calls=[call("run_code", code="print('as it was')")])]
    run_id = await begin(bench, table, approve="ask")
    run, view = await rest(bench, run_id)
    assert run.status == "waiting"
    (approval,) = view.approvals
    assert (approval.tool, json.loads(approval.arguments)) == ("run_code", {"code": "print('as it was')"})
    assert not any("code" in x.tags for x in view.executions), "nothing is run before"
    if decision == "edited":
        for faulty in (None, "[]", "{"):
            with pytest.raises(InputError, match="JSON object"):
                await bench.decide(run_id, "edited", edited=faulty)
    edited = json.dumps({"code": "print('as it is')"}) if decision == "edited" else None
    await bench.decide(run_id, decision, edited=edited, reason="Not today.")
    run, view = await rest(bench, run_id)
    assert run.status == "done"
    ran = [x.code for x in view.executions if "code" in x.tags]
    assert ran == {"accepted": ["print('as it was')"], "edited": ["print('as it is')"], "rejected": []}[decision]
    (used,) = view.tools_used
    assert used.ok is (decision != "rejected")
    if decision == "rejected":
        assert "Not today." in used.error
    with pytest.raises(InputError, match="Nothing waits"):
        await bench.decide(run_id, "accepted")
    with pytest.raises(InputError, match=f"decided already: {decision}"):
        await bench.decide(run_id, "accepted", approval_id=approval.id)


async def test_what_would_wait_is_not_done_where_nobody_may_be_asked(bench, table, team, answer):
    folder = bench.store.home / "tools"
    folder.mkdir()
    (folder / "mail.py").write_text(
        'from gristmill import tool\n\n@tool(approval="ask")\ndef send(to: str) -> str:\n    "Mail."\n    return ""\n'
    )
    team.code = [answer(calls=[call("send", to="all"), call("run_code", code="1")])]
    run, view = await rest(bench, await begin(bench, table, approve="deny"))
    assert run.status == "done"
    assert [u.ok for u in view.tools_used] == [False, True]


@pytest.mark.parametrize("decision", ["accepted", "edited", "rejected"])
async def test_a_query_waits_for_approval_too_where_every_call_does(bench, table, team, wire, answer, decision):
    def asking(op):
        return {"part": "the mean of x", "query": {"measures": [{"op": op, "of": "x"}]}}

    given_up = answer(calls=[call("cannot_answer", part="the mean of x", why="You were against it.")])
    last = given_up if decision == "rejected" else answer(text="It is answered.")
    wire.script(answer(calls=[call("ask_table", **asking("mean"))]), last, answer(text="That is all."))
    asked = Request(asked=(Question(text="What is the mean of x?"),), files=(table,), model="openai:test")
    asked = asked.model_copy(update={"terms": Terms(approve="ask")})
    run_id = (await bench.start(asked)).id
    run, view = await rest(bench, run_id)
    assert (run.status, [a.tool for a in view.approvals]) == ("waiting", ["ask_table"])
    assert view.given == (), "nothing is computed before"
    edited = json.dumps(asking("max")) if decision == "edited" else None
    await bench.decide(run_id, decision, edited=edited)
    run, view = await rest(bench, run_id)
    assert run.status == "done"
    assert [v.value for a in view.answers for v in a.values] == {"accepted": [19.5], "edited": [39], "rejected": []}[
        decision
    ]
    used = [(u.name, u.ok) for u in view.tools_used]
    assert used == (
        [("ask_table", True)] if decision != "rejected" else [("ask_table", False), ("cannot_answer", True)]
    )
    assert len(wire.requests) == len(used) + 1, "the model is not asked again for what it had said"


async def test_what_the_reviewer_looks_up_waits_too_and_it_is_asked_for_nothing_twice(bench, table, team, wire, answer):
    code = ("print('one', len(df))", "print('two', len(df))")
    team.review = [answer(calls=[call("try_code", code=one)]) for one in code]
    folder = bench.store.home / "agents"
    folder.mkdir()
    (folder / "reviewer.md").write_text(
        "---\nname: reviewer\njob: review\napproval: {try_code: ask}\n---\nYou review. You end by give_review.\n"
    )
    run_id = await begin(bench, table)
    for decision, so_far in (("accepted", 1), ("rejected", 2)):
        run, view = await rest(bench, run_id)
        assert run.status == "waiting", view.error
        assert [a.tool for a in view.approvals] == ["try_code"] * so_far
        await bench.decide(run_id, decision, reason="Not today.")
    run, view = await rest(bench, run_id)
    assert (run.status, view.error, len(view.reviews)) == ("done", None, 1)
    first, second = view.tools_used
    assert (first.agent, first.name, first.ok, first.text.strip()) == ("reviewer", "try_code", True, "one 40")
    assert (second.ok, second.error) == (False, "NotApproved: The person did not approve of this call. Not today.")
    mine = [r for r in view.replies if r.agent == "reviewer"]
    assert [c.name for r in mine for c in r.tool_calls] == ["try_code", "try_code", "give_review"]


async def test_where_every_call_waits_a_question_is_put_at_once(bench, table, team, answer):
    team.code = [answer(calls=[ASK])]
    run, view = await rest(bench, await begin(bench, table, approve="ask"))
    assert (run.status, [q.text for q in view.questions]) == ("waiting", ["Which year is meant?"])
    assert view.approvals == ()


@pytest.mark.parametrize("answered", [False, True])
async def test_a_wait_outlives_the_process_also_between_answer_and_going_on(ready, table, team, answer, answered):
    team.code = [answer(calls=[ASK])]
    with Store.open(ready) as store:
        first = Workbench(store, rerun=False)
        run_id = await begin(first, table)
        assert (await rest(first, run_id))[0].status == "waiting"
        if answered:  # the process dies before the run is taken up
            question = store.view(run_id).questions[0]
            await store.append(Answered(run_id=run_id, question_id=question.id, answer="2024"))
        await first.close()
    with Store.open(ready) as store:
        second = Workbench(store, rerun=False)
        assert store.run(run_id).status == "waiting"
        await second.take_up()
        if not answered:
            assert store.run(run_id).status == "waiting"
            await second.answer(run_id, "2024")
        run, view = await rest(second, run_id)
        assert run.status == "done"
        assert [u.text for u in view.tools_used] == ["2024"]
        await second.close()


async def test_a_run_that_waits_can_be_cancelled(bench, table, team, answer):
    team.code = [answer(calls=[ASK])]
    run_id = await begin(bench, table)
    await rest(bench, run_id)
    assert (await bench.cancel(run_id)).status == "cancelled"
