"""Scripted agents on the real wire: those whose report is false are stopped, those who are right are let through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from artifacts.events import RunView
from artifacts.store import Store
from graphs.workbench import Request, Workbench
from tests.graphs.reports import FALSE, HONEST, TABLES, Case

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bench(with_gateway, tmp_path_factory) -> AsyncIterator[Workbench]:
    with Store.open(with_gateway(tmp_path_factory.mktemp("reports") / "home")) as store:
        workbench = Workbench(store, rerun=False, limit=1)
        yield workbench
        await workbench.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("tables")
    for name, make in TABLES.items():
        make().to_csv(folder / name, index=False)
    return {name: folder / name for name in TABLES}


async def reviewed(case: Case, bench: Workbench, files, wire, answer, monkeypatch) -> RunView:
    """The run of an agent that does what the case says, and mends nothing."""
    for name, value in wire.env.items():
        monkeypatch.setenv(name, value)
    cells = [
        answer(calls=[("run_code", json.dumps({"code": c, "title": f"Step {i}"}))]) for i, c in enumerate(case.cells)
    ]

    def speak(request: dict[str, Any]) -> Any:
        offered = {t["function"]["name"] for t in request["tools"]}
        if "make_plan" in offered:
            return answer(calls=[("make_plan", json.dumps({"steps": [{"title": "Compute it"}]}))])
        if "run_code" in offered:
            return cells.pop(0) if cells else answer(text="Done.")
        if "write_report" in offered:
            return answer(calls=[("write_report", json.dumps(case.report))])
        return answer(calls=[("give_review", json.dumps({"verdict": "pass"}))])

    wire.answer = speak
    given = tuple(files[name] for name in case.files)
    run = await bench.start(Request(question=case.question, files=given, model="openai:test"))
    run = await asyncio.wait_for(bench.wait(run.id), 120)
    view = bench.store.view(run.id)
    assert (run.status, view.error) == ("done", None)
    assert not cells
    return view


@pytest.mark.parametrize("case", FALSE, ids=lambda c: c.name)
async def test_a_false_report_is_stopped(case, bench, files, wire, answer, monkeypatch):
    view = await reviewed(case, bench, files, wire, answer, monkeypatch)
    assert view.reviews[-1].verdict == "fail", case.told


@pytest.mark.parametrize("case", HONEST, ids=lambda c: c.name)
async def test_an_honest_report_is_let_through(case, bench, files, wire, answer, monkeypatch):
    view = await reviewed(case, bench, files, wire, answer, monkeypatch)
    assert view.reviews[-1].objections == (), case.told
    verdicts = [r.verdict for r in view.reviews[-1].recomputed]
    assert verdicts == ["equal"] * len(case.values), "each value that carries a query is computed again"
