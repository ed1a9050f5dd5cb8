"""Delegation: agents give tasks to each other, work at the same time, and what fits together becomes one notebook."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from artifacts.events import RunView
from artifacts.store import Store
from graphs.addressing import addressed
from graphs.agents import load
from graphs.request import Question, Request, Terms
from graphs.workbench import Workbench
from tests.graphs.conftest import Team, call

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Helped(Team):
    """A team in which helpers answer by the title of their task."""

    def __init__(self, answer: Any) -> None:
        super().__init__(answer)
        self.helpers: dict[str, list[Any]] = {}
        self.asked: list[str] = []  # whose turn each request of a helper was

    def __call__(self, request: dict[str, Any]) -> Any:
        told = request["messages"][1]["content"] if len(request["messages"]) > 1 else ""
        if told.startswith("# Your task: "):
            title = told.partition("\n")[0].removeprefix("# Your task: ")
            self.asked.append(title)
            left = self.helpers[title]
            return left.pop(0) if left else self.answer(text=f"{title}.")
        return super().__call__(request)


@pytest.fixture
def team(wire, answer, monkeypatch) -> Helped:
    for name, value in wire.env.items():
        monkeypatch.setenv(name, value)
    wire.answer = Helped(answer)
    return wire.answer


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i * 2 + i % 3}\n" for i in range(40)))
    return path


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bench(with_gateway, tmp_path_factory):
    with Store.open(with_gateway(tmp_path_factory.mktemp("tasks") / "home")) as store:
        workbench = Workbench(store, rerun=False)
        yield workbench
        await workbench.close()


async def analysed(bench, table, **terms):
    request = Request(question="Do x and y rise together?", files=(table,), model="openai:test", terms=Terms(**terms))
    run = await bench.start(request)
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    return run, bench.store.view(run.id)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def give(answer, *tasks: dict[str, Any]):
    return answer(calls=[call("delegate", tasks=list(tasks))])


async def test_tasks_are_worked_on_apart_and_become_one_notebook(bench, table, team, wire, answer):
    team.plan = [
        give(
            answer,
            {"title": "Slope", "agent": "coder", "brief": "How steep is it?"},
            {"title": "Middle", "agent": "modeler", "brief": "The mean of y.", "priority": "high"},
            {"title": "Both", "agent": "visualizer", "brief": "Put them together.", "after": ["Slope", "Middle"]},
        )
    ]
    team.helpers = {
        "Slope": [
            answer(calls=[call("run_code", code="slope = 2\nopen('slope.txt', 'w').write('2')\nprint('slope', slope)")])
        ],
        "Middle": [answer(calls=[call("run_code", code="middle = df.y.mean()\nprint('middle', middle)")])],
        "Both": [answer(calls=[call("run_code", code="print('both', slope, middle)")])],
    }
    team.interpret = [answer(calls=[call("write_report", answer="They rise together.", findings=[])])]
    run, view = await analysed(bench, table)
    assert (run.status, view.error) == ("done", None)
    tasks = [(t.id, t.agent, t.status, t.progress, t.priority, t.result) for t in view.tasks]
    assert tasks == [
        ("t1", "coder", "done", 1.0, "normal", "Slope."),
        ("t2", "modeler", "done", 1.0, "high", "Middle."),
        ("t3", "visualizer", "done", 1.0, "normal", "Both."),
    ]
    assert [t.conflicts for t in view.tasks] == [(), (), ()]
    made = [(c.id, c.author, c.task_id, c.state) for c in view.cells if c.task_id]
    assert made == [
        ("cell-101", "coder", "t1", "fresh"),
        ("cell-201", "modeler", "t2", "fresh"),
        ("cell-301", "visualizer", "t3", "fresh"),
    ]
    assert "both 2 " in view.executions[-1].text
    assert "slope.txt" in {a.name for a in view.artifacts}
    assert {(m.by, m.to, m.task_id) for m in view.messages} >= {("analyst", "coder", "t1"), ("coder", "analyst", "t1")}
    assert {s.task_id for s in view.steps if s.agent == "modeler"} == {"t2"}
    assert {u.task_id for u in view.tools_used} == {"t1", "t2", "t3"}
    assert {r.task_id for r in view.replies} == {None, "t1", "t2", "t3"}


async def test_what_does_not_fit_in_is_shown_and_never_overwrites(bench, table, team, wire, answer):
    tasks = [{"title": title, "agent": "coder"} for title in ("First", "Second", "Third")]
    team.plan = [give(answer, *tasks)]
    team.helpers = {
        "First": [answer(calls=[call("run_code", code="open('out.txt', 'w').write('first')\ndf['z'] = 1\nfound = 1")])],
        "Second": [
            answer(calls=[call("run_code", code="open('out.txt', 'w').write('second')")]),
            answer(calls=[call("run_code", code="print(list(df.columns))")]),
            answer(calls=[call("run_code", code="found = 2\nprint('apart', found)")]),
        ],
        "Third": [answer(status=400, body="{}")],
    }
    run, view = await analysed(bench, table)
    assert run.status == "done"
    first, second, third = view.tasks
    assert (first.cells, first.conflicts) == (("cell-101",), ())
    assert second.cells == ("cell-203",)
    assert [(c.what, c.name, c.others) for c in second.conflicts] == [
        ("file", "out.txt", ("t1",)),
        ("cell", "cell-202", ()),
        ("name", "found", ("t1",)),
    ]
    assert (third.status, third.cells) == ("failed", ())
    assert "HTTP 400" in third.result
    kept = next(a for a in view.artifacts if a.name == "out.txt")
    assert bench.store.read(kept) == b"first"
    other = next(a for a in bench.store.artifacts(run_id=run.id) if a.name == "out.txt" and a.id != kept.id)
    assert bench.store.read(other) == b"second"
    read = json.dumps(wire.requests[-2]["messages"])
    assert "out.txt, which t1 wrote differently" in read, "who writes the report is told"


async def test_an_agent_that_writes_cells_leads_too_and_goes_on_with_what_others_made(bench, table, team, answer):
    (bench.store.home / "agents").mkdir(exist_ok=True)
    text = "---\nname: chief\nbase: coder\ndelegates: [coder, counter]\n---\nYou lead."
    (bench.store.home / "agents" / "chief.md").write_text(text)
    text = "---\nname: counter\nbase: coder\nmodel: playbook\n---\nYou count."
    (bench.store.home / "agents" / "counter.md").write_text(text)
    team.code = [
        answer(calls=[call("run_code", code="third = 3")]),
        give(
            answer,
            {"title": "Double", "agent": "coder", "brief": "Double third."},
            {"title": "Rows", "agent": "counter", "brief": "What is the mean of x?"},
            {"title": "Nobody", "agent": "reviewer"},
        ),
        give(
            answer,
            {"title": "Double", "agent": "coder", "brief": "Double third."},
            {"title": "Rows", "agent": "counter", "brief": "What is the mean of x?"},
        ),
        answer(calls=[call("run_code", code="print('got', doubled, third)")]),
    ]
    code = (
        "doubled = 2 * third\nthird = k = 4\nvalues = df.x"  # names of the toolkit's functions, and a part of the table
    )
    team.helpers = {"Double": [answer(calls=[call("run_code", code=code)])]}
    run, view = await analysed(bench, table, agent="chief")
    assert (run.status, view.error) == ("done", None)
    assert [(t.agent, t.status, t.by) for t in view.tasks] == [("coder", "done", "chief"), ("counter", "done", "chief")]
    assert "19.5" in view.tasks[1].result
    assert [(u.name, u.ok) for u in view.tools_used if u.name == "delegate"] == [
        ("delegate", False),
        ("delegate", True),
    ]
    assert "'reviewer'" in next(u.error for u in view.tools_used if u.name == "delegate")
    assert "got 6 4" in view.executions[-1].text
    assert [c.author for c in view.cells][-1] == "chief"
    assert [(t.cells, t.conflicts) for t in view.tasks] == [(("cell-101",), ()), (("cell-201",), ())]
    assert [(a.question, a.status) for a in view.answers] == [("t2", "answered")]
    assert {e.cell for a in view.answers for e in a.evidence} == {"cell-201"}


async def test_the_lead_of_a_further_turn_gives_tasks_and_replies_with_what_they_made(bench, table, team, answer):
    run, _ = await analysed(bench, table)
    team.code = [
        give(answer, {"title": "Top", "agent": "coder"}, {"title": "Low", "agent": "modeler"}),
        answer(calls=[call("run_code", code="print(top - low)")]),
        answer(calls=[call("reply", text="They are 39 apart.")]),
    ]
    team.helpers = {
        "Top": [answer(calls=[call("run_code", code="top = df.x.max()")])],
        "Low": [answer(calls=[call("run_code", code="low = df.x.min()")])],
    }
    turn = await asyncio.wait_for(bench.turn_of(run.id, await bench.ask(run.id, "How far apart are they?")), 300)
    view = bench.store.view(run.id)
    assert (turn.status, view.error) == ("done", None)
    assert [(t.by, t.agent, t.status, t.turn_id, t.conflicts) for t in view.tasks] == [
        ("analyst", "coder", "done", turn.id, ()),
        ("analyst", "modeler", "done", turn.id, ()),
    ]
    mine = [(c.author, c.source) for c in view.cells if c.turn_id == turn.id]
    assert mine == [("coder", "top = df.x.max()"), ("modeler", "low = df.x.min()"), ("analyst", "print(top - low)")]
    assert view.executions[-1].text.strip() == "39"
    assert [a.text for a in view.answers if a.question == turn.id] == ["They are 39 apart."]


async def test_helpers_wait_for_people_without_stopping_each_other_and_each_gets_its_answer(bench, table, team, answer):
    team.plan = [give(answer, *({"title": t, "agent": "coder"} for t in ("One", "Two", "Plain")))]
    ask = [answer(calls=[call("ask_person", question="Which year?")])]
    again = answer(calls=[call("run_code", code="print('year known')")])
    team.helpers = {"One": [*ask, again], "Two": [*ask, again], "Plain": [answer(calls=[call("run_code", code="1")])]}
    run, view = await analysed(bench, table)
    assert run.status == "waiting"
    assert [t.status for t in view.tasks] == ["waiting", "waiting", "done"]
    first, second = sorted(view.questions, key=lambda q: q.id)  # which of them asked first is up to chance
    assert (first.by, second.by) == ("coder", "coder")
    await bench.answer(run.id, "2024", question_id=first.id)
    await bench.answer(run.id, "2025", question_id=second.id)
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    view = bench.store.view(run.id)
    assert (run.status, [t.status for t in view.tasks]) == ("done", ["done"] * 3)
    assert {u.task_id: u.text for u in view.tools_used if u.name == "ask_person"} == {"t1": "2024", "t2": "2025"}
    assert sum(x.code == "1" for x in view.executions) == 1


def one_of_two_is_held(team, answer) -> asyncio.Event:
    """Have the team give two tasks, one of which is done when the event is set."""
    hold = asyncio.Event()
    team.plan = [give(answer, *({"title": t, "agent": "coder"} for t in ("Quick", "Slow")))]
    team.helpers = {
        "Quick": [answer(calls=[call("run_code", code="quick = 1")])],
        "Slow": [answer(calls=[call("run_code", code="slow = 1")]), answer(text="Held.", hold=hold)],
    }
    return hold


async def resumed(home, team) -> tuple[RunView, list[str]]:
    """The only run of a data folder when it has gone on to its end, and whose turns that took."""
    asked = len(team.asked)
    with Store.open(home) as store:
        bench = Workbench(store, rerun=False)
        (run,) = store.runs()
        await bench.resume(run.id)
        run = await asyncio.wait_for(bench.wait(run.id), 300)
        view = store.view(run.id)
        await bench.close()
    assert (run.status, [t.status for t in view.tasks]) == ("done", ["done", "done"])
    return view, team.asked[asked:]


async def test_a_run_that_stops_among_tasks_goes_on_without_those_that_are_done(ready, table, team, answer):
    hold = one_of_two_is_held(team, answer)
    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False)
        run = await bench.start(Request(question="?", files=(table,), model="openai:test"))
        await until(
            lambda: [t.status for t in store.view(run.id).tasks] == ["done", "running"] and team.asked.count("Slow") > 1
        )
        await bench.close()
        assert store.run(run.id).status == "interrupted"
    hold.set()
    view, asked = await resumed(ready, team)
    assert [c.source for c in view.cells if c.task_id] == ["quick = 1", "slow = 1"]
    assert "Quick" not in asked


async def test_a_task_begins_as_soon_as_what_it_builds_on_is_done(bench, table, team, answer):
    hold = asyncio.Event()
    given = [{"title": "Slow", "agent": "coder"}, {"title": "Base", "agent": "coder"}]
    team.plan = [give(answer, *given, {"title": "Next", "agent": "coder", "after": ["Base"]})]
    team.helpers = {
        "Slow": [answer(text="Held.", hold=hold)],
        "Base": [answer(calls=[call("run_code", code="base = 20")])],
        "Next": [answer(calls=[call("run_code", code="print('next', base + 1)")])],
    }
    run = await bench.start(Request(question="?", files=(table,), model="openai:test"))
    await until(lambda: [t.status for t in bench.store.view(run.id).tasks] == ["running", "done", "done"])
    hold.set()
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    view = bench.store.view(run.id)
    assert (run.status, [t.status for t in view.tasks]) == ("done", ["done"] * 3)
    assert view.executions[-1].text.strip() == "next 21"


async def test_tasks_within_tasks_go_two_deep_wait_for_people_and_end_with_the_run(bench, table, team, wire, answer):
    (bench.store.home / "agents").mkdir(exist_ok=True)
    for name, to in (("chief", "second"), ("second", "third"), ("third", "second")):
        text = f"---\nname: {name}\nbase: coder\ndelegates: [{to}]\n---\nYou work."
        (bench.store.home / "agents" / f"{name}.md").write_text(text)
    team.code = [
        give(
            answer,
            {"title": "Both", "agent": "second"},
            {"title": "After", "agent": "second", "after": ["Both"]},
        )
    ]
    lost = answer(calls=[call("delegate", tasks=[{"title": "Deeper", "agent": "second"}])])
    team.helpers = {
        "Both": [
            give(answer, *({"title": t, "agent": "third"} for t in ("Left", "Right", "Broken"))),
            answer(calls=[call("run_code", code="print('sum', left + right)")]),
        ],
        "After": [answer(calls=[call("run_code", code="print('after', left * right)")])],
        "Left": [
            answer(calls=[call("ask_person", question="Which?")]),
            answer(calls=[call("run_code", code="left=3")]),
        ],
        "Right": [lost, answer(calls=[call("run_code", code="right = 4")])],
        "Broken": [answer(status=400, body="{}")],
    }
    run, view = await analysed(bench, table, agent="chief")
    assert run.status == "waiting", view.error
    assert [t.status for t in view.tasks] == ["running", "queued", "waiting", "done", "failed"]
    await bench.answer(run.id, "this one")
    run = await asyncio.wait_for(bench.wait(run.id), 300)
    view = bench.store.view(run.id)
    assert (run.status, view.error) == ("done", None)
    assert [(t.id, t.parent, t.by, t.status) for t in view.tasks] == [
        ("t1", None, "chief", "done"),
        ("t2", None, "chief", "done"),
        ("t1.1", "t1", "second", "done"),
        ("t1.2", "t1", "second", "done"),
        ("t1.3", "t1", "second", "failed"),
    ]
    assert [c.source for c in view.cells if c.task_id] == [
        "left=3",
        "right = 4",
        "print('sum', left + right)",
        "print('after', left * right)",
    ]
    assert [x.text.strip() for x in view.executions[-2:]] == ["sum 7", "after 12"]
    refused = [u for u in view.tools_used if u.task_id == "t1.2" and not u.ok]
    assert len(refused) == 1, "whoever is two deep gives no tasks"
    told = [json.dumps(r["messages"]) for r in wire.requests]
    assert any("t1.3" in text and "HTTP 400" in text for text in told), "who gave it is told why it failed"


async def test_a_cancelled_run_ends_its_tasks_and_their_sandboxes(bench, table, team, answer):
    from e2b_code_interpreter import AsyncSandbox

    from kernel_gateway.client import connection

    team.plan = [give(answer, *({"title": t, "agent": "coder"} for t in ("One", "Two")))]
    wait = answer(calls=[call("run_code", code="import time\ntime.sleep(600)")])
    team.helpers = {"One": [wait], "Two": [wait]}
    run = await bench.start(Request(question="?", files=(table,), model="openai:test"))

    def all_at_work() -> bool:
        views = bench.store.view(run.id).task_views.values()
        return sum(x.status == "running" for v in views for x in v.executions) == 2

    await until(all_at_work)
    view = bench.store.view(run.id)
    opened = {s.sandbox_id for v in (view, *view.task_views.values()) for s in v.sandboxes}
    assert len(opened) == 3
    run = await bench.cancel(run.id)
    view = bench.store.view(run.id)
    assert (run.status, [t.status for t in view.tasks]) == ("cancelled", ["cancelled"] * 2)
    assert {x.status for v in view.task_views.values() for x in v.executions} <= {"ok", "interrupted"}
    listed = AsyncSandbox.list(**connection(await bench.host()))
    left = {s.sandbox_id for s in await listed.next_items()}
    assert not opened & left


KILLED = """\
import asyncio, sys
from pathlib import Path
from artifacts.store import Store
from graphs.request import Request
from graphs.workbench import Workbench

async def main(home, table):
    with Store.open(Path(home)) as store:
        bench = Workbench(store, rerun=False)
        run = await bench.start(Request(question="?", files=(Path(table),), model="openai:test"))
        await bench.wait(run.id)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_run_killed_among_its_tasks_goes_on_and_runs_nothing_twice(ready, table, team, answer):
    hold = one_of_two_is_held(team, answer)
    doomed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(ready), str(table))
    try:
        await until(lambda: sorted(team.asked) == ["Quick", "Quick", "Slow", "Slow"])
    finally:
        doomed.kill()
        await doomed.wait()
        hold.set()
    view, asked = await resumed(ready, team)
    assert sorted(c.source for c in view.cells if c.task_id) == ["quick = 1", "slow = 1"]
    ran = [x.code for v in view.task_views.values() for x in v.executions if not x.tags or "code" in x.tags]
    assert sorted(ran) == ["quick = 1", "slow = 1"]
    assert asked.count("Slow") == 1


async def test_an_agent_that_is_addressed_has_the_turn_and_its_words_are_the_answer(bench, table, team, wire, answer):
    team.helpers = {
        "is x in order?": [answer(calls=[call("run_code", code="print('sorted', df.x.is_monotonic_increasing)")])]
    }
    request = Request(question="@data-engineer is x in order?", files=(table,), model="openai:test")
    asked = len(wire.requests)
    run = await asyncio.wait_for(bench.wait((await bench.start(request)).id), 300)
    view = bench.store.view(run.id)
    assert (run.status, {r.agent for r in view.replies}) == ("done", {"data-engineer", "reviewer"})
    assert {s.agent for s in view.steps} == {"system", "data-engineer", "reviewer"}
    assert view.report is not None
    assert view.report.answer == "isxinorder?."
    assert [e.cell for e in view.answers[0].evidence] == [view.executions[-1].cell]
    assert "install_packages" in {t["function"]["name"] for t in wire.requests[asked]["tools"]}, "it has its own tools"


@pytest.mark.parametrize(
    ("text", "agent"), [("@data-engineer is x in order?", None), ("is x in order?", "data-engineer")]
)
async def test_an_agent_that_ask_chooses_has_the_question_to_itself(bench, table, team, answer, text, agent):
    team.helpers = {"is x in order?": [answer(calls=[call("run_code", code="print('sorted', True)")])]}
    asked = (Question(text=text),)
    request = Request(asked=asked, files=(table,), model="openai:test", terms=Terms(agent=agent))
    run = await asyncio.wait_for(bench.wait((await bench.start(request)).id), 300)
    view = bench.store.view(run.id)
    assert (run.status, run.agent) == ("done", "ask")
    assert {r.agent for r in view.replies} == {"data-engineer", "reviewer"}
    assert [(a.part, a.text, a.question) for a in view.answers] == [("is x in order?", "isxinorder?.", "")]


async def test_what_an_addressed_agent_says_is_reviewed_and_sent_back(bench, table, team, answer):
    title = "what is the mean of x?"
    team.helpers = {
        title: [
            answer(calls=[call("run_code", code="print('mean', df.x.mean())")]),
            answer(text="It\nis\n4321.5."),
            answer(text="It\nis\n19.5."),
        ]
    }
    request = Request(question=f"@coder {title}", files=(table,), model="openai:test")
    run = await asyncio.wait_for(bench.wait((await bench.start(request)).id), 300)
    view = bench.store.view(run.id)
    assert [r.verdict for r in view.reviews] == ["fail", "pass"]
    assert "4321.5" in view.reviews[0].objections[0].problem
    assert view.report is not None
    assert view.report.answer == "It\nis\n19.5."
    assert [a.text for a in view.answers] == ["It\nis\n19.5."]


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("@coder, plot it", "coder", "plot it"),
        ("  @modeler fit\na line", "modeler", "fit\na line"),
        ("@nobody plot it", None, "@nobody plot it"),
        ("ask @coder to plot", None, "ask @coder to plot"),
        ("@coder", None, "@coder"),
        ("@reviewer look", None, "@reviewer look"),
    ],
)
async def test_only_a_name_at_the_beginning_addresses_an_agent(text, name, rest):
    assert addressed(text, load()) == (name, rest)
