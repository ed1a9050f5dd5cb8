"""Undo and branch from a kept copy of the live kernel: as replay would have it, without running a cell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from artifacts.events import RunEnded
from artifacts.store import Store
from artifacts.types import Run
from graphs.editing import Editor
from kernel_gateway.client import Host
from notebooks.live import kernel
from notebooks.live.editing import LiveNotebook
from notebooks.live.edits import Edit
from notebooks.session import Session

CELLS = (
    "import time\ntime.sleep(0.3)\nxs = [1]",
    "xs.append(2)\nopen('xs.txt', 'w').write(str(xs))",
    "print(xs, open('xs.txt').read())",
)
LOOK = "print(xs, open('xs.txt').read(), 'later' in globals())"

type Begin = Callable[..., Coroutine[Any, Any, Run]]


@pytest.fixture
async def run(store: Store, host: Host, begin: Begin) -> Run:
    """A run that ended with these cells, and whose sandbox is gone."""
    begun = await begin(agent="notebook")
    session = await Session.open(store, host, begun.id)
    for code in CELLS:
        await session.run(code)
    await session.close()
    await store.append(RunEnded(run_id=begun.id, status="done"))
    return store.run(begun.id)


@pytest.fixture
async def editor(store: Store, host: Host) -> AsyncIterator[Editor]:
    async def given() -> Host:
        return host

    opened = Editor(store, given)
    yield opened
    await opened.close()


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of sandboxes about copies: what was done, and what was not with why."""
    asked: list[str] = []
    copied = Session.copied

    async def told(self: Session, order: str) -> str:
        why = await copied(self, order)
        asked.append(f"{order}: {why}" if why else order.split()[0])
        return why

    monkeypatch.setattr(Session, "copied", told)
    return asked


async def settled(editor: Editor, run: Run) -> LiveNotebook:
    """The notebook of a run when its copy is kept."""
    notebook = editor._open[run.id]
    if notebook._keeping is not None:
        await notebook._keeping
    return notebook


@pytest.mark.parametrize("kept", [True, False])
async def test_an_edit_is_taken_back_from_a_copy_as_by_replay(
    run: Run, editor: Editor, store: Store, orders: list[str], monkeypatch: pytest.MonkeyPatch, kept: bool
):
    if not kept:
        monkeypatch.setattr(kernel.LiveKernel, "keep", _keep_none)
    await editor.edit(run, Edit(what="restart"))
    await settled(editor, run)
    await editor.edit(run, Edit(what="edit", cell="cell-02", source="xs.append(3)\nopen('xs.txt', 'w').write('3')"))
    await settled(editor, run)
    await editor.undo(run)
    done = await editor.edit(run, Edit(what="add", source=LOOK))
    shown = store.view(run.id).executions[-1].text
    assert shown == "[1, 2] [1, 2] False\n"
    assert ("back" in orders, done.replayed > 0) == (kept, not kept)


async def _keep_none(self: kernel.LiveKernel, state: Any, after: float) -> None:
    return


async def test_an_edit_begins_from_the_state_before_its_cell_where_that_is_dear(
    run: Run, editor: Editor, store: Store, orders: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(kernel, "BETWEEN", 0.2)
    await editor.edit(run, Edit(what="restart"))
    await settled(editor, run)
    done = await editor.edit(run, Edit(what="edit", cell="cell-02", source="xs.append(4)\nopen('xs.txt', 'w')"))
    assert done.ran == ("cell-02", "cell-03"), "the cell that made the list, which takes long, did not run again"
    assert "back" in orders
    assert store.view(run.id).executions[-1].text == "[1, 4] \n"


async def test_a_branch_takes_the_kernel_along_and_its_parent_gets_another(
    run: Run, editor: Editor, store: Store, orders: list[str]
):
    await editor.edit(run, Edit(what="restart"))
    await settled(editor, run)
    new = await editor.branch(run)
    done = await editor.edit(new, Edit(what="add", source=LOOK))
    assert (done.ran, done.replayed) == (("cell-04",), 0)
    assert store.view(new.id).executions[-1].text == "[1, 2] [1, 2] False\n"
    assert store.view(new.id).sandboxes[-1].sandbox_id == store.view(run.id).sandboxes[-1].sandbox_id
    await editor.edit(run, Edit(what="add", source=LOOK + "\nlater = 1"))
    assert store.view(run.id).sandboxes[-1].sandbox_id != store.view(new.id).sandboxes[-1].sandbox_id
    assert store.view(run.id).executions[-1].text == "[1, 2] [1, 2] False\n"


async def test_a_branch_sees_nothing_of_what_its_parent_did_later(
    run: Run, editor: Editor, store: Store, orders: list[str]
):
    await editor.edit(run, Edit(what="restart"))
    await settled(editor, run)
    new = await editor.branch(run)
    await editor.edit(
        run, Edit(what="add", source="import time\ntime.sleep(0.3)\nlater = 1\nopen('l.txt', 'w').close()")
    )
    await settled(editor, run)
    done = await editor.edit(new, Edit(what="add", source=f"{LOOK}\nimport os; print(os.listdir())"))
    assert store.view(new.id).executions[-1].text == "[1, 2] [1, 2] False\n['xs.txt']\n"
    assert done.replayed == 0, orders
    assert "drop" in orders, "the copy that holds what came later is not for the branch"
