"""The conversation of a run: what is said while a turn is under way reaches it, or becomes the next one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3

import pytest
import pytest_asyncio

from artifacts.backup import CHECKPOINTS
from artifacts.events import (
    AnswerMade,
    ExecutionEnded,
    ExecutionStarted,
    OutputReceived,
    RunEnded,
    RunResumed,
    TextDelta,
    TurnStarted,
)
from artifacts.store import Store
from artifacts.types import Answer, Execution, Message, Output, Turn
from graphs.budget import Budget
from graphs.errors import InputError
from graphs.outline import turn_brief
from graphs.request import Question, Request, Terms
from graphs.workbench import Workbench
from tests.graphs.conftest import call
from tests.graphs.test_tokens import LETTERS
from tests.graphs.test_waiting import ASK, begin, rest

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bench(with_gateway, tmp_path_factory):
    with Store.open(with_gateway(tmp_path_factory.mktemp("talk") / "home")) as store:
        workbench = Workbench(store, rerun=False, limit=1)
        yield workbench
        await workbench.close()


async def direct(bench, table, text="What is the mean of x?"):
    return (await bench.start(Request(asked=(Question(text=text),), files=(table,), model="playbook"))).id


async def calm(bench, run_id):
    """The view of a run that nobody works on any more."""
    while run_id in bench._in_flight.tasks:
        await bench.wait(run_id)
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


async def test_what_was_said_outlives_the_process(ready, table, team, wire, answer):
    hold = asyncio.Event()
    team.code = [answer(calls=[call("run_code", code="print(1)")], hold=hold)]
    with Store.open(ready) as store:
        first = Workbench(store, rerun=False)
        run_id = await begin(first, table)
        await _until(lambda: any("run_code" in str(r.get("tools")) for r in wire.requests))
        await first.ask(run_id, "Only x below 10.")
        await first.close()
        hold.set()  # the endpoint cannot end before
    with Store.open(ready) as store:
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


async def _until(met, seconds=300):
    async with asyncio.timeout(seconds):
        while not met():  # noqa: ASYNC110  # what is waited for is the record's
            await asyncio.sleep(0.02)


def replying(answer, text, **more):
    return answer(calls=[call("reply", text=text, **more)])


async def further(bench, run_id, text):
    turn = await asyncio.wait_for(bench.turn_of(run_id, await bench.ask(run_id, text)), 300)
    return turn, bench.store.view(run_id)


async def test_a_model_answers_further_turns_from_the_record_by_cells_and_by_an_edit(bench, table, team, wire, answer):
    team.code = [answer(calls=[call("run_code", code="top = df.x.max()\nprint(top)", title="The highest x")])]
    run_id = await begin(bench, table)
    _, view = await rest(bench, run_id)
    (cell,) = (c.id for c in view.cells if "code" in c.tags)

    sent = len(wire.requests)
    team.code = [replying(answer, f"It is in {cell}.", cells=[cell])]
    turn, view = await further(bench, run_id, "Which cell shows the highest x?")
    assert (turn.id, turn.status) == ("turn-02", "done")
    (brief,) = (m["content"] for m in wire.requests[sent]["messages"] if m["role"] == "user")
    for told in (
        "Do x and y rise together?",
        "They rise together.",
        f"{cell} (coder): The highest x",
        "Which cell shows",
    ):
        assert told in brief
    (told,) = (a for a in view.answers if a.question == "turn-02")
    assert (told.text, told.evidence[0].cell) == (f"It is in {cell}.", cell)
    assert not any(c.turn_id == "turn-02" for c in view.cells), "nothing is run for what the record has"

    count = {"measures": [{"op": "mean", "of": "y"}], "where": [{"left": "x", "op": "<", "right": 10}]}
    team.code = [
        answer(calls=[call("ask_table", part="mean y below 10", query=count)]),
        replying(answer, "It is 4711.3, as the cell shows."),
        replying(answer, "It is 9.9."),
    ]
    turn, view = await further(bench, run_id, "And the mean of y where x is below 10?")
    mine = [a for a in view.answers if a.question == turn.id]
    assert [v.value for a in mine for v in a.values] == [pytest.approx(9.9)]
    assert [r.verdict for r in view.reviews[-2:]] == ["fail", "pass"], "a number that nothing gives is sent back"
    assert mine[-1].text == "It is 9.9."
    assert view.reviews[-1].recomputed[-1].verdict == "equal"
    assert [v.recomputed.verdict for a in mine for v in a.values] == ["equal"]

    team.code = [
        answer(calls=[call("edit_cell", cell=cell, code="top = df.x.min()\nprint(top)")]),
        replying(answer, "It shows the lowest x now, 0.", cells=[cell]),
    ]
    turn, view = await further(bench, run_id, "No, I meant the lowest.")
    assert [c.version for c in view.cells if c.id == cell] == [2]
    assert [c.id for c in view.cells if "code" in c.tags] == [cell], "no copy stands beside the false one"
    assert turn.status == "done"


async def test_what_a_call_tells_the_person_is_passed_on_while_it_is_written(bench, table, team, answer):
    heard = list[tuple[str, str]]()
    run_id = await begin(bench, table)

    async def listen() -> None:
        async for item in bench.store.follow(run_id, stay=True):
            if isinstance(item, TextDelta):
                heard.append((item.agent, item.text))

    listening = asyncio.create_task(listen())
    await rest(bench, run_id)
    words = 'It is "seventy-nine",\nand no more.'
    team.code = [replying(answer, words)]
    await further(bench, run_id, "What is the highest y?")
    await _until(lambda: "".join(text for _, text in heard).endswith(words))  # whoever listens may be behind the record
    listening.cancel()
    said = {agent: [text for by, text in heard if by == agent] for agent, _ in heard}
    assert "".join(said["analyst"]) == f"They rise together.{words}", "of the report and of the reply"
    assert len(said["analyst"]) > 4, "in pieces, as they came"
    assert bench.store.view(run_id).answers[-1].text == words


async def test_an_agent_that_a_further_turn_addresses_has_it_and_its_words_are_the_answer(
    bench, table, team, wire, answer
):
    run_id = await begin(bench, table)
    await rest(bench, run_id)
    sent = len(wire.requests)
    team.code = [answer(calls=[call("run_code", code="print(df.x.max())")]), answer(text="39")]
    turn, view = await further(bench, run_id, "@data-engineer what is the highest x?")
    assert (turn.id, turn.status, view.error) == ("turn-02", "done", None)
    assert [r.agent for r in view.replies[-2:]] == ["data-engineer"] * 2
    (told,) = (a for a in view.answers if a.question == "turn-02")
    (cell,) = (c for c in view.cells if c.turn_id == "turn-02")
    assert (told.text, [e.cell for e in told.evidence]) == ("39", [cell.id])
    assert cell.author == "data-engineer"
    assert "install_packages" in {t["function"]["name"] for t in wire.requests[sent]["tools"]}, "it has its own tools"
    (brief,) = (m["content"] for m in wire.requests[sent]["messages"] if m["role"] == "user")
    assert brief.endswith("says: what is the highest x?")


@pytest.mark.parametrize("kind", ["analyze", "ask", "playbook"])
async def test_the_agent_of_a_run_has_its_further_turns_unless_another_is_addressed(bench, table, team, answer, kind):
    """Also where the run itself is answered by rules, and the agent has a model of its own."""
    folder = bench.store.home / "agents"
    folder.mkdir(exist_ok=True)
    for name in ("economist", "clerk"):
        (folder / f"{name}.md").write_text(f"---\nname: {name}\nbase: coder\nmodel: openai:test\n---\nBe brief.\n")
    text, model = "What is the mean of x?", "playbook" if kind == "playbook" else "openai:test"
    asked = {"question": text} if kind == "analyze" else {"asked": (Question(text=text),)}
    request = Request(**asked, files=(table,), model=model, terms=Terms(agent="economist"))
    run_id = (await bench.start(request)).id
    assert (await rest(bench, run_id))[0].status == "done"
    before = len(bench.store.view(run_id).replies)
    for said, words in (("Go on.", "One."), ("@clerk Look.", "Two."), ("And now?", "Three.")):
        team.code = [answer(text=words)]
        turn, view = await further(bench, run_id, said)
        assert (turn.status, view.error) == ("done", None)
        assert [a.text for a in view.answers if a.question == turn.id] == [words]
    assert [r.agent for r in view.replies[before:]] == ["economist", "clerk", "economist"]


async def test_a_model_asks_the_person_in_a_further_turn_and_its_checkpoints_go(bench, table, team, answer):
    run_id = await begin(bench, table)
    await rest(bench, run_id)
    team.code = [answer(calls=[ASK]), replying(answer, "2024 it is.")]
    await bench.ask(run_id, "Which year?")
    assert (await rest(bench, run_id))[0].status == "waiting"
    await bench.answer(run_id, "2024")
    _, view = await rest(bench, run_id)
    assert [(t.id, t.status) for t in view.turns] == [("turn-01", "done"), ("turn-02", "done")]
    kept = sqlite3.connect(bench.store.home / CHECKPOINTS)
    with contextlib.closing(kept):
        assert kept.execute("SELECT count(*) FROM checkpoints WHERE thread_id LIKE ?", [f"{run_id}%"]).fetchone() == (
            0,
        )
        assert kept.execute("PRAGMA auto_vacuum").fetchone() == (1,)


async def test_forty_turns_stay_under_thirty_thousand_tokens(bench, table, team, wire, answer):
    run_id = await begin(bench, table)
    await rest(bench, run_id)
    events = []
    for n in range(2, 42):
        turn = f"turn-{n:02d}"
        code = f"print(df.groupby('group')[['x', 'y']].describe())  # {n}\n" * 20
        ran = Execution(id=f"exe_{n}", run_id=run_id, sandbox_id="s", seq=100 + n, code=code, title=f"Look {n}")
        out = Output(kind="stdout", text="a line of what was printed\n" * 60)
        said = Answer(part=f"Question {n}", question=turn, status="answered", text="A sentence of the answer. " * 30)
        events += [
            RunResumed(run_id=run_id, why="turn"),
            TurnStarted(run_id=run_id, turn_id=turn, message=f"Question {n}: " + "and what about this? " * 20),
            ExecutionStarted(run_id=run_id, execution=ran),
            OutputReceived(run_id=run_id, execution_id=ran.id, output=out),
            ExecutionEnded(run_id=run_id, execution_id=ran.id, status="ok"),
            AnswerMade(run_id=run_id, answer=said),
            RunEnded(run_id=run_id, status="done"),
        ]
    await bench.store.append_all(events)
    team.code = [replying(answer, "As before.")]
    brief = turn_brief(bench.store.view(run_id), Turn(id="turn-42", message="And now?"), [], {}, [])
    sent = len(wire.requests)
    await further(bench, run_id, "And now?")
    request = wire.requests[sent]
    tokens = len(json.dumps(request["messages"], ensure_ascii=False) + json.dumps(request["tools"])) // LETTERS
    assert tokens < 30_000, tokens
    assert brief.count("turn-") >= 41, "none is left out"
    print(f"the prompt of turn 42: {tokens} tokens")


@pytest.mark.parametrize("said", ["yes", "no"])
async def test_a_spent_budget_is_a_question_to_the_person(bench, table, team, said):
    run_id = await begin(bench, table, budget=Budget(tokens=17 * 2))
    run, view = await rest(bench, run_id)
    assert run.status == "waiting"
    (question,) = view.open_questions
    assert question.text == "The budget of 34 tokens is spent (34 tokens used). Go on with as much again?"
    await bench.answer(run_id, said)
    run, view = await rest(bench, run_id)
    assert run.status == ("done" if said == "yes" else "interrupted")
    assert (said == "yes") is ("budget" not in (view.error or ""))


async def test_the_playbook_answers_from_the_record_what_asks_for_nothing_new(bench, table):
    run_id = await direct(bench, table)
    await bench.turn_of(run_id, Turn(id="turn-01", message=""))
    (cell,) = (e.cell for e in bench.store.view(run_id).answers[0].evidence)
    told = {
        "Which cell shows that?": f"{cell} shows it: The mean of x is 19.5",
        "Why?": f"It was computed in {cell}",
        "What does η² mean here?": "share of a number's variance",
    }
    for asked, begins in told.items():
        turn, view = await further(bench, run_id, asked)
        (answer,) = (a for a in view.answers if a.question == turn.id)
        assert begins in answer.text, asked
        assert not any(c.turn_id == turn.id for c in view.cells), "no cell is run for it"
    _, view = await further(bench, run_id, "as a maximum")
    assert view.answers[-1].values[0].value == 39, "the last question is still the one that is changed"
