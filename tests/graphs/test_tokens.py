"""What a run sends to a model: the first request is small, and a long run does not send its past again and again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from graphs.request import Request
from tests.graphs.conftest import call

pytestmark = pytest.mark.asyncio(loop_scope="session")

LETTERS = 4
"""Characters of a request that are taken for one token."""


def table(folder: Path, columns: int) -> Path:
    path = folder / "homes.csv"
    names = ["price", "area", "rooms", "year", "city", "kind", "floor", "heating"][:columns]
    heating = ("gas", "oil")
    rows = (
        f"{1000 + i},{40 + i % 90},{i % 5},{1950 + i % 70},{'abcd'[i % 4]},{'uv'[i % 2]},{i % 9},{heating[i % 2]}"
        for i in range(200)
    )
    path.write_text("\n".join([",".join(names), *(",".join(r.split(",")[:columns]) for r in rows)]))
    return path


async def sent(bench, wire, file: Path) -> list[int]:
    """The tokens of each request of a run, estimated."""
    request = Request(question="Which homes are cheap for their size?", files=(file,), model="openai:test")
    run = await asyncio.wait_for(bench.wait((await bench.start(request)).id), 300)
    assert run.status == "done"
    return [
        len(json.dumps(r["messages"], ensure_ascii=False) + json.dumps(r.get("tools", ""))) // LETTERS
        for r in wire.requests
    ]


async def test_the_first_request_leaves_room_in_a_small_context(bench, team, wire, tmp_path):
    assert (await sent(bench, wire, table(tmp_path, 6)))[0] <= 2_500


@pytest.mark.parametrize(("calls", "most"), [(9, 35_500), (36, 250_000)])
async def test_a_long_run_does_not_send_its_past_again_and_again(bench, team, wire, answer, tmp_path, calls, most):
    cell = "print(df.groupby('city')[['price', 'area', 'rooms']].mean().round(2))  # number "
    team.code = [answer(calls=[call("run_code", title=f"Look {n}", code=f"{cell}{n}")]) for n in range(calls)]
    tokens = await sent(bench, wire, table(tmp_path, 8))
    assert len(tokens) == calls + 4, "a plan, the end of the cells, the report and the review beside them"
    assert sum(tokens) <= most, tokens
