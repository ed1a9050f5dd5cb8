"""A process that ends leaves the sandbox of a run that is edited or asked on to the next one, and never for ever."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

import pytest

from artifacts.events import Answered, Asked, RunEnded, RunStarted, SandboxLeft, SandboxOpened
from artifacts.store import Store, StoreError
from artifacts.types import FIRST_TURN, Question, Run
from graphs import editing, worker
from graphs.errors import InputError
from graphs.request import Request
from graphs.workbench import Workbench
from kernel_gateway.client import Host, live_sandboxes
from notebooks.live.editing import IDLE, LiveNotebook
from notebooks.live.edits import Edit
from tests.graphs.test_idle import asked, further, living, opened

pytestmark = pytest.mark.asyncio(loop_scope="session")


@contextlib.asynccontextmanager
async def process(home):
    """What a command is, from its beginning to its end."""
    with Store.open(home) as store:
        bench = Workbench(store, rerun=False, limit=1, leaves=True)
        try:
            yield bench
        finally:
            await bench.close()


async def edited(home, run_id, source, what="add", **more):
    async with process(home) as bench:
        return await bench.edit(run_id, Edit(what=what, source=source, **more))


@pytest.fixture
def begun(ready, table):
    """`await begun()` is a run whose sandbox was left behind by an edit, and that sandbox."""

    async def begun():
        async with process(ready) as bench:
            run_id = await asked(bench, table)
        await edited(ready, run_id, "import time\nkept = [time.time_ns() + 0 * len(df)]")
        return run_id, await left(ready, run_id)

    return begun


async def left(home, run_id):
    """The sandboxes that a run has, seen by a process that works on nothing."""
    async with process(home) as bench:
        return await living(bench, run_id)


async def text(home, run_id, cell):
    async with process(home) as bench:
        return next(x.text for x in bench.store.view(run_id).executions if x.cell == cell)


async def test_the_next_process_goes_on_in_the_sandbox_and_runs_no_earlier_cell_again(ready, begun):
    run_id, (sandbox,) = await begun()
    first = await edited(ready, run_id, "print(kept[0], len(df))")
    kept = int((await text(ready, run_id, first.cell)).split()[0])
    again = await edited(ready, run_id, "print(kept[0], len(df))")
    assert (first.replayed, again.replayed) == (0, 0)
    assert await text(ready, run_id, again.cell) == f"{kept} 40\n", "the list is the one that the first cell made"
    assert await left(ready, run_id) == [sandbox]
    async with process(ready) as bench:
        events = bench.store.events(run_id)
        found = [e.sandbox_id for e in events if isinstance(e, SandboxOpened)]
        assert found[-2:] == [sandbox, sandbox], "the record says who took it up"
        assert isinstance(events[-1], SandboxLeft)
        assert [e.seq async for e in bench.follow(run_id)][-1] == events[-1].seq, "who follows the run is let go"
        assert (await further(bench, run_id, "as a median")).status == "done"
        assert bench.store.view(run_id).kernel == sandbox, "a turn goes on in it, too"
    last = await edited(ready, run_id, "print(kept[0])")
    assert (last.replayed, await text(ready, run_id, last.cell)) == (0, f"{kept}\n")


async def test_what_was_left_ends_by_itself_and_only_so_many_stay(ready, begun, table, monkeypatch):
    run_id, _ = await begun()
    async with process(ready) as bench:
        (alive,) = await live_sandboxes(await bench.host(), {"run_id": run_id})
        assert ((await alive.get_info()).end_at - datetime.now(UTC)).total_seconds() < IDLE + 120
    monkeypatch.setattr(editing, "OPEN", 1)
    other, (newest,) = await begun()
    assert await left(ready, run_id) == []
    assert await left(ready, other) == [newest]
    again = await edited(ready, run_id, "print(len(kept))")
    assert await text(ready, run_id, again.cell) == "1\n"
    assert again.replayed > 0


@pytest.mark.parametrize("how", ["cell", "file", "restart", "lost"])
async def test_a_sandbox_in_which_something_else_was_done_is_not_trusted(ready, begun, how):
    run_id, (sandbox,) = await begun()
    async with process(ready) as bench:
        (alive,) = await live_sandboxes(await bench.host(), {"run_id": run_id})
        if how == "cell":
            await alive.run_code("kept.append(2)")
        elif how == "file":
            await alive.files.write("/home/user/points.csv", "x,y,group\n1,2,a\n")
        elif how == "restart":
            (context, *_) = await alive.list_code_contexts()
            await alive.restart_code_context(context)
        else:
            await alive.kill()
    again = await edited(ready, run_id, "print(len(kept), len(df))")
    assert await text(ready, run_id, again.cell) == "1 40\n"
    assert again.replayed > 0
    assert sandbox not in await left(ready, run_id)


@pytest.mark.parametrize("how", ["undo", "delete"])
async def test_a_notebook_that_has_changed_meanwhile_does_not_find_what_the_one_before_left(ready, begun, how):
    run_id, _ = await begun()
    async with process(ready) as bench:
        if how == "undo":
            await bench.undo(run_id)
        else:
            cell = bench.store.view(run_id).cells[-1].id
            await bench.edit(run_id, Edit(what="delete", cell=cell, run=False))
    again = await edited(ready, run_id, "print('kept' in globals())")
    assert await text(ready, run_id, again.cell) == "False\n"


async def test_of_two_processes_that_look_one_finds_it(ready, begun):
    run_id, _ = await begun()
    async with process(ready) as one:
        notebooks = [LiveNotebook(one.store, run_id, one.host) for _ in range(2)]
        view = one.store.view(run_id)
        for notebook in notebooks:
            await notebook._find(view)
        assert [n._kernel is not None for n in notebooks] == [True, False]
        for notebook in notebooks:
            await notebook.close()
    again = await edited(ready, run_id, "print(len(kept))")
    assert await text(ready, run_id, again.cell) == "1\n"


async def test_an_edit_that_is_under_way_when_all_is_closed_is_stopped_and_its_cell_stands_as_interrupted(ready, begun):
    run_id, _ = await begun()
    async with process(ready) as bench:
        edit = asyncio.create_task(bench.edit(run_id, Edit(what="add", source="import time\ntime.sleep(600)")))
        async for event in bench.store.follow(run_id, stay=True):
            if event.kind == "execution_started" and "sleep" in event.execution.code:
                break
    with pytest.raises(InputError, match="is being stopped"):
        await edit
    with Store.open(ready) as store:
        view = store.view(run_id)
    assert (view.run.status, view.executions[-1].status) == ("done", "interrupted")
    assert await left(ready, run_id) == []


async def test_a_run_that_was_only_asked_leaves_nothing(ready, table):
    async with process(ready) as bench:
        run_id = await asked(bench, table)
        assert opened(bench, run_id) == (1, 1)
    assert await left(ready, run_id) == []


async def test_a_run_is_in_the_record_with_its_files_or_not_at_all(tmp_path, table, monkeypatch):
    """Else a kill in between leaves one that can never be carried out."""
    with Store.open(tmp_path / "home") as store:
        bench, known = Workbench(store), list[int]()

        async def launched(run, model):
            return run

        async def kept(data):
            await store.check()  # whatever was to be written is
            known.append(len(store.runs()))
            return await keep(data)

        async def full(data):
            raise StoreError("The disk is full.")

        keep = store._keep
        monkeypatch.setattr(bench._in_flight, "launch", launched)
        monkeypatch.setattr(store, "_keep", kept)
        asked = await bench.start(Request(question="x and y?", files=(table,), model="playbook"))
        notebook = await bench.start_notebook("profile", {"data": str(table)})
        assert known == [0, 1, 1], "the file of the question; the notebook, and its file"
        for run, files in ((asked, ["input"]), (notebook, ["notebook", "input"])):
            first = store.events(run.id)[: 1 + len(files)]
            assert [getattr(e, "artifact", None) and e.artifact.role for e in first] == [None, *files]
        monkeypatch.setattr(store, "_keep", full)
        failed = await bench.start(Request(question="x and y?", files=(table,), model="playbook"))
        assert (failed.status, store.view(failed.id).error) == ("failed", "The disk is full.")
        await bench.close()


async def test_a_host_that_dies_once_it_is_found_is_found_again(ready, table, monkeypatch):
    async with process(ready) as bench:
        nobody, find, found = "http://127.0.0.1:9", worker.find_host, 0
        dead = Host("local", "bubblewrap", nobody, nobody, "e2b_0")

        async def dying(home, **more):
            nonlocal found
            found += 1
            return dead if found % 2 else await find(home, **more)

        monkeypatch.setattr(worker, "find_host", dying)
        run_id = await asked(bench, table)
        assert (bench.store.run(run_id).status, found) == ("done", 2)
        await bench._editor.leave(run_id)
        edit = await bench.edit(run_id, Edit(what="add", source="print(len(df))"))
        assert found == 4
        assert next(x.text for x in bench.store.view(run_id).executions if x.cell == edit.cell) == "40\n"
        monkeypatch.setattr(worker, "find_host", find)


async def test_a_kill_between_what_a_node_did_and_its_checkpoint_does_not_end_the_run(ready, table, team, monkeypatch):
    with Store.open(ready) as store:
        bench = Workbench(store, rerun=False)
        saver = await bench._worker._checkpoints()
        put = saver.aput

        async def killed(config, checkpoint, metadata, versions):
            if metadata["step"] == 1:
                while not (await saver.aget_tuple(config)).pending_writes:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0)
                monkeypatch.setattr(saver, "aput", put)
                raise StoreError("killed")
            return await put(config, checkpoint, metadata, versions)

        monkeypatch.setattr(saver, "aput", killed)
        run = await bench.start(Request(question="x and y?", files=(table,), model="openai:test"))
        await bench.wait(run.id)
        assert store.view(run.id).error == "killed"
        await bench.resume(run.id)
        await bench.wait(run.id)
        view = store.view(run.id)
        assert (view.run.status, view.report is not None) == ("done", True)
        await bench.close()


async def test_an_answer_that_nobody_took_up_keeps_no_server_from_starting(tmp_path, monkeypatch):
    """The next one may be started without the key."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Store.open(tmp_path / "home") as store:
        asked = Question(id="ask_1", turn_id=FIRST_TURN, text="Which year?")
        run = Run(id="run_1", goal="What?", agent="analysis", model="openai:m", params={"files": [], "roles": {}})
        told = Asked(run_id=run.id, question=asked), RunEnded(run_id=run.id, status="waiting")
        said = Answered(run_id=run.id, question_id=asked.id, answer="2024")
        await store.append_all([RunStarted(run_id=run.id, run=run), *told, said])
        bench = Workbench(store, rerun=False)
        await bench.take_up()
        view = store.view(run.id)
        assert (view.run.status, view.questions[0].answer) == ("failed", "2024")
        assert "set OPENAI_API_KEY" in (view.error or "")
        await bench.close()
