"""A run's cells a second time: compared one by one, taken up where they stopped, and nothing left of it."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import tempfile
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from e2b_code_interpreter import AsyncSandbox, SandboxQuery

from artifacts.store import Store
from artifacts.types import Run
from kernel_gateway.client import GatewayError, Host, connection
from notebooks.again import Again
from notebooks.session import LEASE, Session

DRAW = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2]); plt.show()"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def sandboxes(host: Host, run_id: str) -> list[str]:
    """The sandboxes of a run that live."""
    query = SandboxQuery(metadata={"run_id": run_id})
    return [s.sandbox_id for s in await AsyncSandbox.list(query, **connection(host)).next_items()]


async def left(host: Host, sandbox_id: str) -> float:
    """Seconds after which a sandbox ends unless somebody renews it."""
    info = await AsyncSandbox.get_info(sandbox_id, **connection(host))
    return (info.end_at - datetime.now(UTC)).total_seconds()


async def test_a_leased_sandbox_is_renewed_though_no_cell_begins(session: Session, host: Host) -> None:
    async with session.leased(8), asyncio.timeout(300):
        while (before := await left(host, session.sandbox_id)) > 8:  # noqa: ASYNC110 - the sandbox tells nobody
            await asyncio.sleep(0.05)
        while (now := await left(host, session.sandbox_id)) <= before:
            before = now
            await asyncio.sleep(0.2)


async def test_what_finished_is_run_again_and_each_thing_compared(
    session: Session, store: Store, host: Host, table: Path, scratch: Path
) -> None:
    await session.upload(table)
    await session.run("import os, time, warnings\nprint(open('trees.csv').read())")
    cut = asyncio.create_task(session.run(f"{DRAW}\ntime.sleep(600)"))
    async for event in store.follow(session.run_id):
        if event.kind == "artifact_saved" and event.artifact.role == "plot":
            break
    await session.interrupt()
    assert (await cut).status == "interrupted"
    await session.run(f"{DRAW}\nwarnings.warn('told with the number of the process')")
    again, told = Again(store, host, session.run_id), list[tuple[int, int]]()

    async def tell(done: int, of: int) -> None:
        told.append((done, of))

    try:
        matches = await again.matches(store.view(session.run_id), tell)
        assert {m.name: m.verdict for m in matches} == {
            "fig_02.png": "identical",  # the first one, of the cell that was cut off, is no part of the notebook
            "cell-01": "identical",
            "cell-03": "identical",
        }
        await session.run("print(os.getpid(), time.time_ns(), len(os.listdir('.')))\nopen('b.txt', 'w').write('b')")
        matches = await again.matches(store.view(session.run_id), tell)
        assert [(m.name, m.verdict) for m in matches if m.verdict != "identical"] == [("cell-04", "changed")]
        assert told == [(0, 2), (1, 2), (2, 3)], "what has run again is let be"
        (second,) = {*await sandboxes(host, session.run_id)} - {session.sandbox_id}
        async with asyncio.timeout(300):
            while await left(host, second) > LEASE:  # noqa: ASYNC110 - the sandbox tells nobody when it is renewed
                await asyncio.sleep(0.05)
        assert await left(host, session.sandbox_id) > 10 * LEASE, "the first one is there for whoever resumes the run"
        assert len(os.listdir(scratch)) == 1
    finally:
        await again.aclose()
    assert await sandboxes(host, session.run_id) == [session.sandbox_id]
    assert os.listdir(scratch) == []
    assert [r.id for r in store.runs()] == [session.run_id], "a run is recorded once"


async def test_cells_run_again_beside_the_run_and_from_the_first_once_one_was_replaced(
    session: Session, store: Store, host: Host, table: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    again, told = Again(store, host, session.run_id), list[tuple[int, int]]()

    async def tell(done: int, of: int) -> None:
        told.append((done, of))

    try:
        again.run_beside()
        await session.run("a = 1\nprint(a)")
        async with asyncio.timeout(300):
            while len(again._done) < 1:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        await session.upload(table)
        await session.run("print(a, len(open('trees.csv').read()))")
        matches = await again.matches(store.view(session.run_id), tell)
        assert {m.name: m.verdict for m in matches} == {"cell-01": "identical", "cell-02": "identical"}
        assert (0, 2) not in told, "the first had run again before"
        view = store.view(session.run_id)
        changed = view.executions[0].model_copy(update={"id": "exec_other", "code": "a = 2\nprint(a)"})
        view = dataclasses.replace(view, executions=(changed, *view.executions[1:]))
        told.clear()
        matches = await again.matches(view, tell)
        assert {m.name: m.verdict for m in matches} == {"cell-01": "changed", "cell-02": "changed"}
        assert told == [(0, 2), (1, 2)]
        assert len(await sandboxes(host, session.run_id)) == 2, "the one with the old cells has ended"
    finally:
        await again.aclose()
    assert await sandboxes(host, session.run_id) == [session.sandbox_id]
    assert os.listdir(scratch) == []


async def test_where_no_sandbox_can_be_had_it_is_said_and_nothing_is_left(
    store: Store, host: Host, begin: Callable[..., Coroutine[Any, Any, Run]], scratch: Path
) -> None:
    run = await begin()
    again = Again(store, dataclasses.replace(host, api_url="http://127.0.0.1:9"), run.id)

    async def tell(done: int, of: int) -> None:
        raise AssertionError("no cell runs")

    with pytest.raises(GatewayError):
        await again.matches(store.view(run.id), tell)
    await again.aclose()
    assert os.listdir(scratch) == []
