"""The conversation of a run: what is said while a turn is under way reaches it, or becomes the next one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import pytest_asyncio

from artifacts.events import RunEnded, TurnStarted
from artifacts.store import Store
from artifacts.types import Message, Turn
from graphs.errors import InputError
from graphs.request import Question, Request
from graphs.workbench import Workbench
from tests.graphs.test_waiting import ASK, begin, rest
from tests.graphs.test_workbench import Team, call

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def team(wire, answer, monkeypatch) -> Team:
    for name, value in wire.env.items():
        monkeypatch.setenv(name, value)
    wire.answer = Team(answer)
    return wire.answer


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text("x,y,group\n" + "".join(f"{i},{i * 2 + i % 3},{'ab'[i % 2]}\n" for i in range(40)))
    return path


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bench(tmp_path_factory):
    with Store.open(tmp_path_factory.mktemp("home")) as store:
        workbench = Workbench(store, rerun=False, limit=1)
        yield workbench
        await workbench.close()


async def direct(bench, table, text="What is the mean of x?"):
    return (await bench.start(Request(asked=(Question(text=text),), files=(table,), model="playbook"))).id


async def calm(bench, run_id):
    """The view of a run that nobody works on any more."""
    while run_id in bench._tasks:
        await asyncio.wait([bench._tasks[run_id]])
    return bench.store.view(run_id)


async def test_what_is_said_during_a_turn_of_the_playbook_becomes_the_next_turns(bench, table):
    run_id = await direct(bench, table)
    seen = []
    following = asyncio.create_task(_collect(bench.follow(run_id), seen))
    said = [await bench.ask(run_id, "as a median", queue=queue) for queue in (False, True)]
    assert all(isinstance(m, Message) for m in said)
    assert [m.id for m in bench.store.view(run_id).undelivered] == [m.id for m in said]
    second = await bench.turn_of(run_id, said[0])
    third = await bench.turn_of(run_id, said[1])
    assert [(t.id, t.status) for t in (second, third)] == [("turn-02", "done"), ("turn-03", "done")]
    await following
    assert sum(isinstance(e, RunEnded) for e in seen) == 3, "who follows a run sees the turns that follow by themselves"
    view = await calm(bench, run_id)
    assert (view.undelivered, view.run.status) == ((), "done")
    assert [a.values[0].value for a in view.answers] == [19.5, 19.5, 19.5]
    last = await bench.ask(run_id, "as a maximum")
    assert isinstance(last, Turn)
    assert (await bench.turn_of(run_id, last)).status == "done"


async def _collect(events, into):
    async for event in events:
        into.append(event)


async def test_a_message_reaches_the_model_before_its_next_step(bench, table, team, wire, answer):
    hold = asyncio.Event()
    team.code = [answer(calls=[call("run_code", code="print(1)")], hold=hold)]
    run_id = await begin(bench, table)
    await _until(lambda: any("run_code" in str(r.get("tools")) for r in wire.requests))
    said = await bench.ask(run_id, "Look at x below 10 only.")
    hold.set()
    _, view = await rest(bench, run_id)
    assert (view.messages[0].id, view.messages[0].turn_id, view.undelivered) == (said.id, "turn-01", ())
    told = [json.dumps(r["messages"]) for r in wire.requests]
    heard = ["Look at x below 10 only." in text for text in told]
    first = heard.index(True)
    assert all(heard[first:-1]), "the coder's further steps and the analyst know it, too"
    assert told[first].count("Look at x below 10 only.") == 1
    assert [t.id for t in view.turns] == ["turn-01"]


async def test_a_message_said_while_the_run_waits_is_told_with_the_answer(bench, table, team, wire, answer):
    team.code = [answer(calls=[ASK])]
    run_id = await begin(bench, table)
    await rest(bench, run_id)
    said = await bench.ask(run_id, "And hurry.")
    with pytest.raises(InputError, match="waits for an answer: Which year is meant"):
        await bench.turn_of(run_id, said)
    await bench.answer(run_id, "2024")
    _, view = await rest(bench, run_id)
    assert (view.run.status, view.messages[0].turn_id) == ("done", "turn-01")
    assert any("And hurry." in json.dumps(r["messages"]) for r in wire.requests)


async def test_stop_ends_the_turn_and_the_next_one_goes_on(bench, table):
    run_id = await direct(bench, table)
    await bench.turn_of(run_id, Turn(id="turn-01", message=""))
    turn = await bench.ask(run_id, "What is the mean of y?")
    waits = await bench.ask(run_id, "as a median")
    assert (await bench.stop(run_id)).id == run_id
    assert (await bench.turn_of(run_id, turn)).status == "cancelled"
    assert (await bench.turn_of(run_id, waits)).status == "done"
    assert (await calm(bench, run_id)).run.status == "done"
    assert (await bench.stop(run_id)).status == "done", "at rest there is nothing to stop"


async def test_a_first_turn_that_was_stopped_can_be_followed_by_another(bench, table):
    run_id = await direct(bench, table)
    await _until(lambda: bench.store.view(run_id).sandboxes)
    assert (await bench.stop(run_id)).status == "cancelled"
    turn = await bench.ask(run_id, "What is the maximum of y?")
    assert (await bench.turn_of(run_id, turn)).status == "done"
    assert bench.store.view(run_id).answers[-1].values[0].value == 78


async def test_what_was_said_outlives_the_process(tmp_path, table, team, wire, answer):
    hold = asyncio.Event()
    team.code = [answer(calls=[call("run_code", code="print(1)")], hold=hold)]
    with Store.open(tmp_path / "home") as store:
        first = Workbench(store, rerun=False)
        run_id = await begin(first, table)
        await _until(lambda: any("run_code" in str(r.get("tools")) for r in wire.requests))
        await first.ask(run_id, "Only x below 10.")
        await first.close()
        hold.set()  # the endpoint cannot end before
    with Store.open(tmp_path / "home") as store:
        second = Workbench(store, rerun=False)
        assert [m.text for m in store.view(run_id).undelivered] == ["Only x below 10."]
        with pytest.raises(InputError, match="interrupted"):
            await second.ask(run_id, "And y?")
        await second.resume(run_id)
        view = (await rest(second, run_id))[1]
        assert (view.run.status, view.undelivered) == ("done", ())
        assert any("Only x below 10." in json.dumps(r["messages"]) for r in wire.requests)
        await second.close()


async def test_a_turn_that_was_taken_back_leaves_its_id_to_itself(bench, table):
    run_id = await direct(bench, table)
    for text in ("as a median", "as a maximum"):
        await bench.turn_of(run_id, await bench.ask(run_id, text))
    await bench.undo(run_id)
    turn = await bench.ask(run_id, "as a minimum")
    assert turn.id == "turn-04"
    await bench.turn_of(run_id, turn)
    begun = [e.turn_id for e in bench.store.events(run_id) if isinstance(e, TurnStarted)]
    assert begun == ["turn-02", "turn-03", "turn-04"]


async def _until(met, seconds=60):
    async with asyncio.timeout(seconds):
        while not met():  # noqa: ASYNC110  # what is waited for is the record's
            await asyncio.sleep(0.02)
