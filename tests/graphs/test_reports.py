"""Scripted agents on the real wire: some of the scenarios of `bench/scenarios.yaml`, one for each way.

`python -m bench.scenarios` plays all of them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from artifacts.store import Store
from bench.scenarios import Scenario, play, put_tables, scenarios
from graphs.workbench import Workbench

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLAYED = (
    "a loop does the join by hand and adds up what repeats",
    "a percentage of the wrong base",
    "a mean told as a median",
    "an order reversed",
    "groups swapped, with the queries of the groups that are named",
    "a long answer with many figures",
    "a chart with a true title",
    "a join that is objected to and then mended",
    "arguments of the wrong kind",
    "prose in place of the first call",
    "orders in the cells of a table",
    "the given file written over",
)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bench(with_gateway, tmp_path_factory) -> AsyncIterator[Workbench]:
    with Store.open(with_gateway(tmp_path_factory.mktemp("reports") / "home")) as store:
        workbench = Workbench(store, rerun=False, limit=1)
        yield workbench
        await workbench.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return put_tables(tmp_path_factory.mktemp("tables"))


@pytest.fixture
def endpoint(wire, monkeypatch):
    for name, value in wire.env.items():
        monkeypatch.setenv(name, value)
    return wire


@pytest.mark.parametrize("scenario", [s for s in scenarios() if s.name in PLAYED], ids=lambda s: s.name)
async def test_a_conversation_comes_to_what_it_must(scenario, bench, files, endpoint):
    outcome = await play(scenario, bench, files, endpoint)
    assert outcome.wrong == {}, outcome.said


async def test_analyst_and_reviewer_look_for_themselves(bench, files, endpoint):
    scenario = Scenario(
        name="looks", kind="honest", question="How many repairs are there?", files=("repairs.csv",),
        cells=("print(len(df))",), answer="There are {len(repairs)} repairs.",
        report=({"calls": [["read_cells", {"cells": ["cell-04"]}]]},),
        review=(
            {"calls": [["try_code", {"code": "print('own', len(df) + 1)"}]]},
            {"calls": [["give_review", {"verdict": "pass"}]]},
        ),
    )  # fmt: skip
    outcome = await play(scenario, bench, files, endpoint)
    assert outcome.wrong == {}, outcome.said
    read, tried = (json.loads(r["messages"][-1]["content"]) for r in endpoint.requests if _looked(r))
    assert "print(len(df))" in read["text"]
    assert tried["text"].strip() == "own 141"
    assert outcome.came["cells"] == 1, "what the reviewer tries is no cell of the notebook"
    report = next(r for r in endpoint.requests if any(t["function"]["name"] == "write_report" for t in r["tools"]))
    assert "coder_said" in report["messages"][1]["content"], "the coder's closing sentence reaches the analyst"


def _looked(request) -> bool:
    coder = any(t["function"]["name"] == "run_code" for t in request["tools"])
    return not coder and request["messages"][-1]["role"] == "tool"
