"""Editing a run's notebook with real kernels: what runs again, what is told of it, and that it equals a clean run."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from artifacts.events import AnswerMade, ReportMade, RunEnded, RunResumed, RunView, TurnEnded, TurnStarted
from artifacts.store import Store
from artifacts.types import Answer, AnswerValue, Evidence, Recomputation, Run, marked
from kernel_gateway.client import Host
from notebooks.answers import Asked
from notebooks.errors import BadNotebook, EditError, Outdated
from notebooks.export import notebook, write_out
from notebooks.live.document import rows
from notebooks.live.editing import LiveNotebook
from notebooks.live.edits import Edit
from notebooks.nb import nbformat
from notebooks.reproduce import compare, keep_reproduction
from notebooks.session import Session
from notebooks.telling.answers import said
from notebooks.telling.markdown import report_md

CELLS = (
    "import pandas as pd\ntable = pd.read_csv('yields.csv')\nlen(table)",
    "table['ratio'] = table['yield_t'] / table['rain_mm']",
    "means = table.groupby('crop')['yield_t'].mean()\nmeans.to_csv('means.csv')\nprint(means.round(2))",
    "limit = 5.0",
    "print('above', (table['yield_t'] > limit).sum())",
    "print(open('means.csv').read())",
)
TABLE = "crop,yield_t,rain_mm\nwheat,5.1,210\nbarley,4.2,180\nwheat,5.6,230\nbarley,4.0,175\n"

type Begin = Callable[..., Coroutine[Any, Any, Run]]


@pytest.fixture
async def live(store: Store, host: Host, begin: Begin, tmp_path: Path) -> AsyncIterator[LiveNotebook]:
    """The notebook of a run that ended with these cells, and whose sandbox is gone."""
    run = await begin(agent="notebook")
    await ran(store, host, run.id, CELLS, tmp_path)
    report = ReportMade(run_id=run.id, answer="Wheat yields 5.35 t. One plot of wheat is above 5.5. Two crops grow.")
    await store.append_all([report, RunEnded(run_id=run.id, status="done")])
    opened = LiveNotebook(store, run.id, lambda: _given(host))
    yield opened
    await opened.close()


async def _given(host: Host) -> Host:
    return host


async def ran(store: Store, host: Host, run_id: str, cells: Sequence[str], folder: Path) -> None:
    """Run cells as a run does."""
    session = await Session.open(store, host, run_id)
    (folder / "yields.csv").write_text(TABLE)
    await session.upload(folder / "yields.csv")
    for code in cells:
        await session.run(code)
    await session.close()


async def from_the_top(store: Store, host: Host, begin: Begin, view: RunView, folder: Path) -> RunView:
    """A run of the notebook as it stands in a fresh sandbox."""
    run = await begin(agent="notebook")
    await ran(store, host, run.id, [c.source for c in view.cells], folder)
    return store.view(run.id)


def text(view: RunView, cell: str) -> str:
    return next(x.text for x in view.executions if x.cell == cell)


async def test_an_edit_runs_what_depends_on_it_and_says_what_changed(live: LiveNotebook, store: Store):
    done = await live.edit(Edit(what="edit", cell="cell-04", source="limit = 5.5"))
    assert (done.stale, done.ran, done.still_stale) == (("cell-04", "cell-05"), ("cell-04", "cell-05"), ())
    assert [(c.what, c.name, c.before, c.after) for c in done.changed] == [("output", "cell-05", "above 2", "above 1")]
    view = store.view(live.run_id)
    assert [c.state for c in view.cells] == ["fresh"] * 6
    assert (view.cells[3].version, view.run.status) == (2, "done")
    assert view.sandboxes[-1].rebuilt


async def test_a_cell_that_changes_a_value_runs_after_those_that_made_it(live: LiveNotebook):
    done = await live.edit(Edit(what="edit", cell="cell-02", source="table['yield_t'] = table['yield_t'] * 2"))
    assert done.ran == ("cell-01", "cell-02", "cell-03", "cell-05", "cell-06")
    assert {c.name for c in done.changed} == {"cell-03", "cell-05", "cell-06", "means.csv"}


async def test_the_sentences_that_no_longer_hold_are_named(live: LiveNotebook, store: Store):
    source = "table['yield_t'] = table['yield_t'] + 1"
    done = await live.edit(Edit(what="edit", cell="cell-02", source=source))
    assert done.broken_sentences == ("Wheat yields 5.35 t.",)
    assert "Wheat yields 5.35 t." in store.view(live.run_id).notes[-1].text


async def test_a_reply_that_rests_on_an_edited_cell_stays_and_says_so(live: LiveNotebook, store: Store):
    told, turn = {"run_id": live.run_id}, {"turn_id": "turn-02", "message": "How many are above?"}
    reply = Answer(
        part="How many are above?",
        question="turn-02",
        status="answered",
        text="2 plots are above 5.",
        values=(AnswerValue(name="plots", value=2),),
        evidence=(Evidence(cell="cell-05"),),
    )
    await store.append_all([RunResumed(**told, why="turn"), TurnStarted(**told, **turn)])
    await store.append_all([AnswerMade(**told, answer=reply), TurnEnded(**told, turn_id="turn-02")])
    await store.append(RunEnded(**told, status="done"))
    done = await live.edit(Edit(what="edit", cell="cell-04", source="limit = 5.5"))
    assert ("value", "plots") in [(c.what, c.name.partition(": ")[2]) for c in done.changed]
    (kept,) = said(store.view(live.run_id))
    assert (kept.text, kept.cells) == ("2 plots are above 5.", ())
    assert kept.asides == ("This rests on earlier output of cell-05, since run again or deleted.",)
    assert "earlier output of cell-05" in report_md(store.view(live.run_id))


async def test_a_second_edit_finds_the_kernel_as_the_first_left_it(live: LiveNotebook, store: Store):
    await live.edit(Edit(what="edit", cell="cell-04", source="limit = 5.5"))
    sandboxes = len(store.view(live.run_id).sandboxes)
    done = await live.edit(Edit(what="edit", cell="cell-04", source="limit = 4.1"))
    assert [(c.before, c.after) for c in done.changed] == [("above 1", "above 3")]
    assert (len(store.view(live.run_id).sandboxes), done.replayed) == (sandboxes, 0)


async def test_without_running_the_cells_stay_stale_until_they_are_run(live: LiveNotebook, store: Store):
    done = await live.edit(Edit(what="edit", cell="cell-04", source="limit = 5.5", run=False))
    assert (done.ran, done.still_stale) == ((), ("cell-04", "cell-05"))
    view = store.view(live.run_id)
    assert text(view, "cell-05") == "above 2\n"
    done = await live.edit(Edit(what="run"))
    assert done.ran == ("cell-04", "cell-05")
    assert text(store.view(live.run_id), "cell-05") == "above 1\n"


async def test_an_exported_notebook_says_what_is_stale_and_a_stale_one_is_not_reproduced(
    live: LiveNotebook, store: Store
):
    await live.edit(Edit(what="edit", cell="cell-04", source="limit = 5.5", run=False))
    await live.edit(Edit(what="add", source="print(limit)", after="cell-04", run=False))
    written = notebook(store.view(live.run_id), store)
    cells = {c.id: c for c in written.cells}
    assert [c.id for c in written.cells if "stale" in c.metadata.get("tags", [])] == ["cell-04", "cell-07", "cell-05"]
    assert (cells["cell-04"].source, cells["cell-07"].outputs) == ("limit = 5.5", [])
    assert cells["cell-05"].outputs[0].text == "above 2\n"  # what it showed, said to be stale
    assert "has not run since" in cells["stale-05"].source
    nbformat.validate(written)
    with pytest.raises(BadNotebook, match="cell-04"):
        await keep_reproduction(store, live.run_id)


async def test_what_an_engine_executed_before_an_edit_is_not_exported_beside_the_notebook_as_it_stands(
    live: LiveNotebook, store: Store, tmp_path: Path
):
    before = {"name": "x-executed.ipynb", "media_type": "application/x-ipynb+json", "role": "notebook"}
    await store.put(b"{}", run_id=live.run_id, **before)
    names = [{p.name for p in write_out(store, live.run_id, tmp_path / "first")}]
    await live.edit(Edit(what="add", source="1 + 1", run=False))
    names.append({p.name for p in write_out(store, live.run_id, tmp_path / "second")})
    assert names[0] - names[1] == {"x-executed.ipynb"}
    assert "analysis.ipynb" in names[1]


async def test_cells_are_added_moved_and_deleted(live: LiveNotebook, store: Store):
    done = await live.edit(Edit(what="add", source="print('highest', table['yield_t'].max())", after="cell-01"))
    assert (done.cell, done.ran) == ("cell-07", ("cell-01", "cell-07"))  # cell-02 changed the table of cell-01
    assert text(store.view(live.run_id), "cell-07") == "highest 5.6\n"
    done = await live.edit(Edit(what="move", cell="cell-07", after="cell-02"))
    assert [c.id for c in store.view(live.run_id).cells][:4] == ["cell-01", "cell-02", "cell-07", "cell-03"]
    done = await live.edit(Edit(what="delete", cell="cell-04"))
    assert done.ran == ("cell-05",)
    assert store.view(live.run_id).cells[-2].state == "failed"
    assert {(c.what, c.name) for c in done.changed} == {
        ("output", "cell-05"),
        ("error", "cell-05"),
        ("output", "cell-04"),
    }


async def test_an_edit_of_an_older_version_is_refused_and_nothing_is_lost(live: LiveNotebook, store: Store):
    await live.edit(Edit(what="edit", cell="cell-04", source="limit = 5.5", based_on=1, run=False))
    with pytest.raises(Outdated, match="version 1") as refused:
        await live.edit(Edit(what="edit", cell="cell-04", source="limit = 9", based_on=1))
    assert (refused.value.version, refused.value.source) == (2, "limit = 5.5")
    assert store.view(live.run_id).cells[3].source == "limit = 5.5"


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (Edit(what="edit", cell="cell-99", source="1"), "no cell cell-99"),
        (Edit(what="edit", cell="cell-01", source=" "), "delete it"),
        (Edit(what="delete"), "Name the cell"),
        (Edit(what="move", cell="cell-01", after="cell-77"), "to stand behind"),
        (Edit(what="move", cell="cell-01", after="cell-01"), "behind itself"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_a_sentence(live: LiveNotebook, store: Store, edit: Edit, says: str):
    before = store.view(live.run_id).last_seq
    with pytest.raises(EditError, match=says):
        await live.edit(edit)
    assert store.view(live.run_id).last_seq == before


async def test_an_edit_is_taken_back_and_the_next_cell_meets_the_state_before_it(live: LiveNotebook, store: Store):
    await live.edit(Edit(what="edit", cell="cell-04", source="limit = 5.5"))
    undone = await live.undo()
    view = store.view(live.run_id)
    assert (undone.cell_id, undone.turn_id) == ("cell-04", None)
    assert (view.cells[3].source, text(view, "cell-05"), view.run.status) == ("limit = 5.0", "above 2\n", "done")
    done = await live.edit(Edit(what="add", source="print(limit)"))
    assert text(store.view(live.run_id), done.cell or "") == "5.0\n"
    await live.undo()
    with pytest.raises(EditError, match="can be taken back"):
        await live.undo()


async def test_what_was_taken_back_is_put_back_and_the_next_cell_meets_that(live: LiveNotebook, store: Store):
    await live.edit(Edit(what="edit", cell="cell-04", source="limit = 5.5"))
    await live.undo()
    redone = await live.redo()
    view = store.view(live.run_id)
    assert (redone.cell_id, redone.turn_id) == ("cell-04", None)
    assert (view.cells[3].source, text(view, "cell-05"), view.run.status) == ("limit = 5.5", "above 1\n", "done")
    done = await live.edit(Edit(what="add", source="print(limit)"))
    assert text(store.view(live.run_id), done.cell or "") == "5.5\n"
    with pytest.raises(EditError, match="Nothing can be put back"):
        await live.redo()
    await live.undo()
    await live.edit(Edit(what="run", cell="cell-05"))
    with pytest.raises(EditError, match="something was done since"):
        await live.redo()


async def test_a_cell_that_ends_its_kernel_leaves_a_notebook_that_can_be_mended(live: LiveNotebook, store: Store):
    await live.edit(Edit(what="edit", cell="cell-04", source="import os\nos._exit(1)"))
    assert store.view(live.run_id).cells[3].state == "failed"
    done = await live.edit(Edit(what="edit", cell="cell-04", source="limit = 5.5"))
    assert "cell-05" in done.ran
    assert [c.state for c in store.view(live.run_id).cells] == ["fresh"] * 6


async def test_the_notebook_as_a_list_says_what_cells_read_and_write(live: LiveNotebook, store: Store):
    told = {r.id: r for r in rows(store.view(live.run_id))}
    assert told["cell-05"].reads == ("limit", "table")
    assert told["cell-03"].writes == ("file:means.csv", "means")
    assert "file:means.csv" in told["cell-06"].reads
    assert (told["cell-04"].place, told["cell-04"].state, told["cell-04"].author) == (4, "fresh", "notebook")


SOURCES = (
    *CELLS,
    "table = table.dropna()",
    "table['ratio'] = table['yield_t'].rank()",
    "table.drop(columns='rain_mm', inplace=True)",
    "crops = list(table['crop'])\ncrops.append('rye')",
    "crops += ['oats']\nprint(crops)",
    "print(sorted(set(crops)))",
    "def share(x):\n    return (x > limit).mean()",
    "print(share(table['yield_t']))",
    "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(figsize=(2, 1))\nax.plot(table['yield_t'])\nplt.show()",
    "limit = 4.1",
    "del limit",
    "for limit in (4.0, 4.5):\n    print(limit)",
    "exec('limit = 5.2')",
    "table.to_csv('means.csv')",
    "import os\nos.path.exists('means.csv') and os.remove('means.csv')",
    "view = table\nview['yield_t'] = view['yield_t'] + 0.5",
    "import numpy as np\nrng = np.random.default_rng(1)",
    "print(rng.integers(10))",
)


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_shown_after_random_edits_is_what_a_fresh_sandbox_makes(
    live: LiveNotebook, store: Store, host: Host, begin: Begin, tmp_path: Path, seed: int
):
    r = random.Random(seed)
    for _ in range(4):
        view = store.view(live.run_id)
        ids = [c.id for c in view.cells]
        what = r.choice(("edit", "edit", "edit", "add", "delete", "move"))
        where = r.choice([*ids, ""])
        if what in ("edit", "add"):
            cell = r.choice(ids) if what == "edit" else None
            await live.edit(Edit(what=what, cell=cell, source=r.choice(SOURCES), after=where))  # type: ignore[arg-type]
        elif (cell := r.choice(ids)) != where:
            await live.edit(Edit(what=what, cell=cell, after=where))  # type: ignore[arg-type]
    view = store.view(live.run_id)
    again = await from_the_top(store, host, begin, view, tmp_path)
    wrong = [m for m in compare(store, view, store, again) if m.verdict not in ("identical", "equal")]
    assert wrong == [], [c.source for c in view.cells]


ANSWERING = """\
from IPython.display import display
def tell(text, values, notes=()):
    told = [{"name": name, "value": value} for name, value in values.items()]
    said = {"status": "answered", "text": text, "values": told, "notes": list(notes)}
    display({"application/vnd.gristmill.answer+json": said, "text/plain": text}, raw=True)
"""
HARVEST = Asked(
    part="How much do we harvest where it rains?",
    question="turn-01",
    query={"measures": [{"op": "sum", "of": "yield_t"}], "where": [{"left": "rain_mm", "op": ">", "right": 200}]},
    notes=("Rain is read as more than 200 mm.",),
)


async def harvested(live: LiveNotebook, store: Store, host: Host) -> RunView:
    """The run asked once more: two cells with titles of their own give one answer, of which one value was checked."""
    told, given = {"run_id": live.run_id}, list[Answer]()

    def complete(answer: Answer) -> Answer:
        given.append(HARVEST.given(answer, of_template=False))
        return HARVEST.answered(given)

    session = await Session.resume(store, host, live.run_id)
    await session.run(ANSWERING, title="Tools")
    wet = "wet = table[table['rain_mm'] > 200]['yield_t']\n"
    tell = "tell(f'{wet.sum():.1f} t in all.', {'total': float(wet.sum())}, [f'Of {len(wet)} plots.'])"
    await session.run(wet + tell, title="The total", complete=complete)
    await session.run("tell('Two plots.', {'plots': int(len(wet))})", title="The plots", complete=complete)
    await session.close()
    checked = Recomputation(part=0, value=0, verdict="unequal", got=11.0)
    answer = marked([HARVEST.answered(given)], [checked])[0]
    reply = Answer(part="And why?", question="turn-02", status="answered", text="Rain.", evidence=answer.evidence[1:])
    await store.append_all([AnswerMade(**told, answer=a) for a in (answer, reply)])
    await store.append(RunEnded(**told, status="done"))
    return store.view(live.run_id)


async def test_an_answer_stays_as_it_is_where_its_cells_run_again_and_show_the_same(
    live: LiveNotebook, store: Store, host: Host
):
    before = await harvested(live, store, host)
    assert len(before.answers) == 2
    for cell in ("cell-08", "cell-09", "cell-01"):
        done = await live.edit(Edit(what="run", cell=cell))
        assert cell in done.ran
        assert done.changed == ()
        assert store.view(live.run_id).answers == before.answers


async def test_an_answer_that_changed_keeps_its_question_and_is_not_held_for_checked(
    live: LiveNotebook, store: Store, host: Host
):
    await harvested(live, store, host)
    done = await live.edit(Edit(what="edit", cell="cell-02", source="table['yield_t'] = table['yield_t'] * 2"))
    assert {c.name for c in done.changed if c.what == "value"} == {f"{HARVEST.part}: total"}
    answer, reply = store.view(live.run_id).answers
    assert (answer.part, answer.question, answer.query) == (HARVEST.part, "turn-01", HARVEST.query)
    assert (answer.text, answer.outdated) == ("21.4 t in all. Two plots.", ())
    assert answer.notes == (*HARVEST.notes, "Of 2 plots.")
    assert [v.recomputed and v.recomputed.verdict for v in answer.values] == ["as_printed", None]
    assert reply.outdated == ()  # which rests on the plots alone


async def test_a_cell_that_failed_and_is_mended_answers_its_question_again(
    live: LiveNotebook, store: Store, host: Host
):
    before = await harvested(live, store, host)
    source = before.cells[7].source
    await live.edit(Edit(what="edit", cell="cell-08", source=f"{source}\n1 / 0"))
    await live.edit(Edit(what="edit", cell="cell-08", source="1 / 0"))
    assert store.view(live.run_id).answers[0].outdated == ("cell-08", "cell-09")
    await live.edit(Edit(what="edit", cell="cell-08", source=source))
    answers = store.view(live.run_id).answers
    assert [(a.part, a.question) for a in answers] == [(a.part, a.question) for a in before.answers]
    assert (answers[0].outdated, answers[0].text) == ((), before.answers[0].text)


async def test_an_answer_that_the_report_leaves_out_is_not_put_in_by_running_its_cell(
    live: LiveNotebook, store: Store, host: Host
):
    before = await harvested(live, store, host)
    own = Answer(part="Where is it wet?", status="answered", text="On two plots.", evidence=before.answers[1].evidence)
    report = ReportMade(run_id=live.run_id, answer="On two plots.", answers=(own,))
    await store.append_all([report, RunEnded(run_id=live.run_id, status="done")])
    await live.edit(Edit(what="run", cell="cell-08"))
    assert store.view(live.run_id).answers == (own,)
