"""Between turns the sandbox of a run stays for what comes next, a turn or an edit; and it is never left behind."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from artifacts.events import RunEnded, SandboxOpened, TurnStarted
from artifacts.store import Store
from graphs.errors import InputError
from graphs.request import Question, Request
from graphs.workbench import Workbench
from kernel_gateway.client import live_sandboxes
from notebooks.live import editing
from notebooks.live.edits import Edit
from notebooks.services import _services
from notebooks.session import SANDBOX_LIFE
from tests.graphs.conftest import call
from tests.graphs.test_waiting import begin, rest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def asked(bench, table, text="What is the mean of x?"):
    """A run of the playbook, when its first turn is over."""
    run = await bench.start(Request(asked=(Question(text=text),), files=(table,), model="playbook"))
    return await calm(bench, run.id)


async def calm(bench, run_id):
    """The run when nobody works on it any more."""
    while run_id in bench._in_flight.tasks:
        await bench.wait(run_id)
    return run_id


async def further(bench, run_id, text):
    turn = await bench.turn_of(run_id, await bench.ask(run_id, text))
    await calm(bench, run_id)
    return turn


async def living(bench, run_id):
    return [s.sandbox_id for s in await live_sandboxes(await bench.host(), {"run_id": run_id})]


def opened(bench, run_id):
    """The sandboxes that were opened for a run, and how often it was said."""
    told = [e.sandbox_id for e in bench.store.events(run_id) if isinstance(e, SandboxOpened)]
    return len(set(told)), len(told)


async def test_turns_edits_and_undo_go_on_in_one_sandbox_until_a_new_run_needs_its_place(bench, table):
    run_id = await asked(bench, table)
    assert (await further(bench, run_id, "as a median")).status == "done"
    assert opened(bench, run_id) == (1, 1)
    added = await bench.edit(run_id, Edit(what="add", source="kept = [1]\nprint(len(df))"))
    more = await bench.edit(run_id, Edit(what="add", source="kept.append(2)\nextra = 1\nprint(kept)"))
    edited = await bench.edit(run_id, Edit(what="edit", cell=added.cell, source="kept = [7]\nprint(kept)"))
    assert [(e.ran, e.replayed) for e in (added, more)] == [((added.cell,), 0), ((more.cell,), 0)]
    assert edited.ran == (added.cell, more.cell)
    assert bench.store.view(run_id).kernel is None, "no other process takes an edited kernel for the turns' own"

    await bench.edit(run_id, Edit(what="delete", cell=more.cell))
    assert (await further(bench, run_id, "as a maximum")).status == "done"
    looked = await bench.edit(run_id, Edit(what="add", source="print(kept, 'extra' in globals())"))
    view = bench.store.view(run_id)
    assert next(x.text for x in view.executions if x.cell == looked.cell) == "[7] False\n", "as from the top"
    assert looked.replayed == 0, "it is known what a turn after an edit has left"
    await bench.undo(run_id)
    await bench.undo(run_id)
    assert (await further(bench, run_id, "as a minimum")).status == "done"
    assert [a.values[0].value for a in bench.store.view(run_id).answers] == [19.5, 19.5, 0]
    before = opened(bench, run_id)[0]
    assert await living(bench, run_id) == [bench.store.view(run_id).kernel]

    other = await asked(bench, table)  # of one that may work at a time
    assert await living(bench, run_id) == []
    assert len(await living(bench, other)) == 1
    assert (await further(bench, run_id, "as a median")).status == "done"
    assert opened(bench, run_id)[0] == before + 1
    await bench.close()
    assert await living(bench, run_id) == await living(bench, other) == []


async def test_a_kernel_in_which_a_stale_cell_has_run_is_rebuilt_for_the_next_turn(bench, table):
    run_id = await asked(bench, table)
    added = await bench.edit(run_id, Edit(what="add", source="print(len(df))"))
    await bench.edit(run_id, Edit(what="edit", cell=added.cell, source="print(2)", run=False))
    assert (await further(bench, run_id, "as a median")).status == "done"
    assert next(c.state for c in bench.store.view(run_id).cells if c.id == added.cell) == "stale"
    assert opened(bench, run_id)[0] == 2
    assert len(await living(bench, run_id)) == 1


async def test_a_branch_goes_on_in_the_sandbox_of_its_parent(bench, table):
    run_id = await asked(bench, table)
    (sandbox,) = await living(bench, run_id)
    branch = (await bench.branch(run_id)).id
    assert (await further(bench, branch, "as a median")).status == "done"
    assert bench.store.view(branch).kernel == sandbox
    assert (await further(bench, run_id, "as a maximum")).status == "done"
    assert bench.store.view(run_id).kernel != sandbox
    assert [s.rebuilt for s in bench.store.view(run_id).sandboxes] == [False, True]


async def test_a_sandbox_that_nobody_uses_ends_by_itself(bench, table, monkeypatch):
    monkeypatch.setattr(editing, "IDLE", 0.0)
    run_id = await asked(bench, table)
    await bench._editor._clearing
    assert await living(bench, run_id) == []
    assert (await further(bench, run_id, "as a maximum")).status == "done"
    assert [s.rebuilt for s in bench.store.view(run_id).sandboxes] == [False, True]


async def test_an_idle_sandbox_that_was_lost_is_rebuilt_by_a_turn_and_by_an_edit(bench, table):
    run_id = await asked(bench, table)
    (idle,) = await live_sandboxes(await bench.host(), {"run_id": run_id})
    left = ((await idle.get_info()).end_at - datetime.now(UTC)).total_seconds()
    assert left < editing.IDLE + 120 < SANDBOX_LIFE, "it ends even if this process does not end it"

    async def lose():
        (idle,) = await live_sandboxes(await bench.host(), {"run_id": run_id})
        await idle.kill()

    await lose()
    assert (await further(bench, run_id, "as a median")).status == "done"
    await lose()
    added = await bench.edit(run_id, Edit(what="add", source="print(len(df))"))
    assert next(x.text for x in bench.store.view(run_id).executions if x.cell == added.cell) == "40\n"
    await lose()
    assert (await further(bench, run_id, "as a maximum")).status == "done"


async def test_a_service_goes_on_through_edits_turns_and_other_runs(bench, table, team, answer):
    serve = call("start_service", name="site", command="python3 -m http.server $PORT", port=8131)
    team.code = [answer(calls=[serve]), answer(calls=[call("run_code", code="top = df.x.max()\nprint(top)")])]
    run_id = await begin(bench, table, agent="python-developer")
    await rest(bench, run_id)
    (sandbox,) = await live_sandboxes(await bench.host(), {"run_id": run_id})

    async def serves():
        return [s.name for s in await _services(sandbox)] == ["site"]

    assert await serves()
    assert ((await sandbox.get_info()).end_at - datetime.now(UTC)).total_seconds() > SANDBOX_LIFE / 2
    added = await bench.edit(run_id, Edit(what="add", source="more = 1\nprint(more)"))
    await bench.edit(run_id, Edit(what="edit", cell=added.cell, source="more = 2\nprint(more)"))
    assert await serves()
    team.code = [answer(calls=[call("run_code", code="print(top + more)")])]
    assert (await further(bench, run_id, "And with more?")).status == "done"
    view = bench.store.view(run_id)
    assert json.loads(view.executions[-1].text.strip()) == 41
    assert view.kernel == sandbox.sandbox_id
    await asked(bench, table)
    assert await serves(), "a new run does not need the place of a sandbox that somebody may look at"


async def test_who_is_stopped_at_once_leaves_no_sandbox_behind(with_gateway, tmp_path, table):
    with Store.open(with_gateway(tmp_path / "home")) as store:
        bench = Workbench(store, rerun=False, limit=1)
        run_id = await asked(bench, table)
        editing_now = asyncio.create_task(bench.edit(run_id, Edit(what="add", source="import time\ntime.sleep(0.5)")))
        await asyncio.sleep(0)
        await bench.close()
        with pytest.raises(InputError, match="is being stopped"):
            await editing_now
        assert await living(bench, run_id) == []


async def test_what_is_said_while_an_edit_runs_is_a_turn_behind_it(bench, table):
    run_id = await asked(bench, table)
    slow = Edit(what="add", source="import time\ntime.sleep(0.5)\nprint('slow')")
    editing_now = asyncio.create_task(bench.edit(run_id, slow))
    while bench.store.run(run_id).status != "running":  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    turn = await further(bench, run_id, "as a median")
    done, view = await editing_now, bench.store.view(run_id)
    assert next(x.text for x in view.executions if x.cell == done.cell) == "slow\n"
    assert (turn.status, [a.status for a in view.answers]) == ("done", ["answered", "answered"])
    told = [e.kind for e in bench.store.events(run_id) if isinstance(e, RunEnded | TurnStarted)]
    assert told == ["run_ended", "run_ended", "turn_started", "run_ended"], "the end of the edit ends no turn"
