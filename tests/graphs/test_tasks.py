"""Delegation: agents give tasks to each other, work at the same time, and what fits together becomes one notebook."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from artifacts.store import Store
from graphs.request import Request, Terms
from graphs.workbench import Workbench
from tests.graphs.test_workbench import Team, call

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Helped(Team):
    """A team in which helpers answer by the title of their task."""

    def __init__(self, answer: Any) -> None:
        super().__init__(answer)
        self.helpers: dict[str, list[Any]] = {}

    def __call__(self, request: dict[str, Any]) -> Any:
        told = request["messages"][1]["content"] if len(request["messages"]) > 1 else ""
        if told.startswith("# Your task: "):
            title = told.partition("\n")[0].removeprefix("# Your task: ")
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
async def bench(tmp_path_factory):
    with Store.open(tmp_path_factory.mktemp("tasks")) as store:
        workbench = Workbench(store, rerun=False)
        yield workbench
        await workbench.close()


async def analysed(bench, table, **terms):
    request = Request(question="Do x and y rise together?", files=(table,), model="openai:test", terms=Terms(**terms))
    run = await bench.start(request)
    run = await asyncio.wait_for(bench.wait(run.id), 180)
    return run, bench.store.view(run.id)


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
