"""Runs that wait: in their order, at the place that is told, until their turn, their end or another process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from artifacts.events import RunEnded, RunQueued
from artifacts.store import Store
from artifacts.types import Run
from graphs.errors import InputError
from graphs.queue import CLOUD, Queue, usual_limit
from graphs.request import Request
from graphs.workbench import Workbench
from kernel_gateway.client import connect_sandbox, find_host

pytestmark = pytest.mark.asyncio(loop_scope="session")

BLOCKS = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"


class Told:
    """The places that a queue told, by run; each telling takes a turn of the loop."""

    def __init__(self) -> None:
        self.places: dict[str, list[int]] = {}

    async def __call__(self, places: Sequence[RunQueued]) -> None:
        await asyncio.sleep(0)
        for event in places:
            self.places.setdefault(event.run_id, []).append(event.place)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_first_come_first_served_and_places_are_told_when_somebody_ahead_begins_or_leaves() -> None:
    told = Told()
    queue = Queue(2, told)
    joined = [queue.join(name) for name in "abcdef"]
    assert [j and j.place for j in joined] == [None, None, 1, 2, 3, 4]
    turns = {name: asyncio.create_task(queue.turn(name)) for name in "abcdef"}
    await settle()
    assert [name for name, turn in turns.items() if turn.done()] == ["a", "b"]
    queue.leave("d")
    queue.leave("b")
    await settle()
    assert [name for name, turn in turns.items() if turn.done()] == ["a", "b", "c"]
    assert (queue.running, queue.waiting) == (2, 2)
    assert {name: places[-1] for name, places in told.places.items()} == {"e": 1, "f": 2}
    assert queue.join("g") is not None
    queue.leave("a")
    queue.leave("c")
    await settle()
    assert turns["e"].done()
    assert turns["f"].done()
    await queue.close()
    queue.leave("e")
    await settle()
    assert queue.waiting == 1, "a queue that is closed gives nobody a turn"
    turns["d"].cancel()


async def test_a_long_line_is_told_its_places_a_few_times_each_and_the_last_ones_exactly() -> None:
    told = Told()
    queue, many = Queue(1, told), 1000
    for k in range(many + 1):
        queue.join(str(k))
    for k in range(many):
        queue.leave(str(k))
        await settle()
    last = told.places[str(many)]
    assert last == sorted(last, reverse=True)
    assert last[-19:] == list(range(19, 0, -1))
    assert sum(map(len, told.places.values())) < 120 * many
    await queue.close()


async def test_the_limit_follows_cores_and_memory_and_is_never_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    container = tmp_path / "memory.max"
    container.write_text("max\n")
    monkeypatch.setattr("graphs.queue._LIMITS", (container, tmp_path / "none"))
    for cores, gib, limit in ((2, 32, 4), (8, 6, 3), (4, 1, 1)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        monkeypatch.setattr("os.sysconf", lambda name, gib=gib: 4096 if name == "SC_PAGE_SIZE" else gib << 18)
        assert usual_limit(local=True) == limit
    assert usual_limit(local=False) == CLOUD
    monkeypatch.setattr("os.sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 64 << 18)
    container.write_text(f"{5 << 30}\n")
    assert usual_limit(local=True) == 2


def notebook(folder: Path, name: str, *cells: str) -> str:
    path = folder / f"{name}.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell(code) for code in cells]), path)
    return str(path)


async def under_way(bench: Workbench, run: Run) -> None:
    async for event in bench.follow(run.id):
        if event.kind == "execution_started":
            return


async def go(bench: Workbench, run: Run) -> None:
    """Let a notebook that blocks go on."""
    sandbox = bench.store.view(run.id).sandboxes[-1].sandbox_id
    await (await connect_sandbox(await find_host(bench.store.home), sandbox)).files.write("/home/user/go", "")


def kinds(bench: Workbench, run: Run) -> list[str]:
    return [e.kind for e in bench.store.events(run.id)]


async def test_questions_notebooks_and_reproductions_wait_in_one_line_with_their_inputs_kept(
    bench: Workbench, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("g,x\n" + "".join(f"{'ab'[i % 2]},{i % 7}\n" for i in range(40)))
    quick = notebook(tmp_path, "quick", "print(6 * 7)")
    done = await bench.wait((await bench.start_notebook(quick, {})).id)
    assert (done.status, "run_queued" in kinds(bench, done)) == ("done", False), "nobody was before it"

    ahead = await bench.start_notebook(notebook(tmp_path, "blocks", BLOCKS), {})
    again = await bench.start_reproduce(done.id)
    cancelled = await bench.start_notebook("profile", {"data": str(table)})
    asked = await bench.start(Request(question="What separates the groups?", files=(table,), model="playbook"))
    waiting = [again, cancelled, asked]
    assert [(r.status, r.place) for r in waiting] == [("queued", 1), ("queued", 2), ("queued", 3)]
    assert (ahead.status, bench.queue.running, bench.queue.waiting) == ("running", 1, 3)
    table.unlink()  # what waits rests on nothing but the record

    await under_way(bench, ahead)
    assert (await bench.cancel(cancelled.id)).status == "cancelled"
    assert kinds(bench, cancelled)[-2:] == ["run_queued", "run_ended"], "it is out at once, and nothing of it ran"
    async for event in bench.follow(asked.id):
        if isinstance(event, RunQueued) and event.place == 2:
            break
    assert bench.store.run(asked.id).place == 2
    await go(bench, ahead)
    ends = [await asyncio.wait_for(bench.wait(r.id), 300) for r in (ahead, again, asked)]
    assert [r.status for r in ends] == ["done", "done", "done"]
    assert ends[0].ended_at <= ends[1].began_at <= ends[1].ended_at <= ends[2].began_at
    comparison = bench.store.view(again.id).comparison
    assert comparison is not None
    assert comparison.holds
    assert (bench.queue.running, bench.queue.waiting) == (0, 0)


async def test_what_waits_when_the_process_ends_is_begun_by_the_next_one_that_stays_and_by_no_other(
    ready: Path, tmp_path: Path
) -> None:
    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False, limit=1)
        first = await bench.start_notebook(notebook(tmp_path, "blocks", BLOCKS), {})
        second = await bench.start_notebook(notebook(tmp_path, "second", "print(2)"), {})
        third = await bench.start_notebook(notebook(tmp_path, "third", "print(3)"), {})
        await under_way(bench, first)
        watching = asyncio.ensure_future(_all(bench, third))
        await bench.close()
        assert [store.run(r.id).status for r in (first, second, third)] == ["interrupted", "queued", "queued"]
        assert [store.run(r.id).place for r in (second, third)] == [1, 2]
        assert await asyncio.wait_for(watching, 300) == kinds(bench, third), "who watched is let go"

    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False, limit=1)  # as a command opens it
        before = kinds(bench, second)
        assert await asyncio.wait_for(_all(bench, second), 300) == before, "who follows it learns what is known"
        await bench.close()
        assert kinds(bench, second) == before

    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False, limit=1)
        await bench.take_up()
        assert [(store.run(r.id).status, store.run(r.id).place) for r in (second, third)][1] == ("queued", 1)
        ends = [await asyncio.wait_for(bench.wait(r.id), 300) for r in (second, third)]
        assert [r.status for r in ends] == ["done", "done"]
        assert ends[0].ended_at <= ends[1].began_at
        assert kinds(bench, second).count("run_started") == 1
        await bench.close()


async def test_a_waiting_run_is_begun_by_hand_where_no_server_runs(ready: Path, tmp_path: Path) -> None:
    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False, limit=1)
        first = await bench.start_notebook(notebook(tmp_path, "blocks", BLOCKS), {})
        await under_way(bench, first)
        done = await bench.start_notebook(notebook(tmp_path, "quick", "print(1)"), {})
        assert (await bench.resume(done.id)).place == 1, "it waits here already"
        await bench.close()
        bench = Workbench(store, rerun=False, limit=1)
        assert (await bench.resume(done.id)).status == "running"
        assert (await asyncio.wait_for(bench.wait(done.id), 300)).status == "done"
        with pytest.raises(InputError, match="nothing to resume"):
            await bench.resume(done.id)
        await bench.close()


async def _all(bench: Workbench, run: Run) -> list[str]:
    return [event.kind async for event in bench.follow(run.id)]


async def test_cancelling_at_once_gives_the_place_back(bench: Workbench, tmp_path: Path) -> None:
    path = notebook(tmp_path, "quick", "print(1)")
    blocks = notebook(tmp_path, "blocks", BLOCKS)  # a quick one may be done before it is cancelled
    runs = [await bench.start_notebook(blocks, {}) for _ in range(3)]
    ended = await asyncio.gather(*(bench.cancel(r.id) for r in runs))
    assert [r.status for r in ended] == ["cancelled"] * 3
    assert (bench.queue.running, bench.queue.waiting) == (0, 0)
    last = [bench.store.events(r.id)[-1] for r in runs]
    assert all(isinstance(e, RunEnded) for e in last), "nothing is told of a place behind an end"
    assert (await asyncio.wait_for(bench.wait((await bench.start_notebook(path, {})).id), 300)).status == "done"
