"""The notebook of a run as a document: how its cells come and change, and that old records are documents, too."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from artifacts.events import (
    Answered,
    AnswerMade,
    ApprovalAsked,
    ApprovalGiven,
    ArtifactSaved,
    Asked,
    Branched,
    CellAdded,
    CellDeleted,
    CellEdited,
    CellMoved,
    CellsStale,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    OutputReceived,
    Redone,
    RunEnded,
    RunResumed,
    RunStarted,
    RunView,
    Said,
    SandboxOpened,
    StepStarted,
    TaskBranched,
    TaskWorked,
    TurnEnded,
    TurnStarted,
    Undone,
    extend,
    fold,
)
from artifacts.projections import read_body, write_body
from artifacts.store import Store
from artifacts.types import (
    Answer,
    Approval,
    Artifact,
    Evidence,
    Execution,
    ExecutionStatus,
    Finding,
    Message,
    Output,
    Question,
    Run,
)
from gristmill.plain import view_json

OLD = Path(__file__).parent / "records" / "before_cells.tar.xz"
"""A data folder as it was written before there were cells, with what its program told of its two runs."""


class Record:
    """The events of a run as somebody writes them, numbered as the store does it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.runs = 0
        self.add(RunStarted(run_id="run_1", run=Run(id="run_1", goal="Which crop yields most?")))

    def add(self, *events: Event) -> Record:
        for event in events:
            self.events.append(event.model_copy(update={"seq": len(self.events) + 1}))
        return self

    def ran(
        self, cell: str | None, code: str, *, version: int = 1, status: ExecutionStatus = "ok", **fields: Any
    ) -> Record:
        """A cell runs: it prints its code, finds something and draws a plot."""
        self.runs += 1
        before = self.view.cell(cell) if cell and self.view.cells else None
        execution = Execution(
            id=f"ex_{self.runs}",
            run_id="run_1",
            sandbox_id="sbx",
            seq=self.runs,
            code=code,
            cell_id=cell,
            version=version,
            replaces=before.execution_id if before else None,
            **fields,
        )
        plot = Artifact(
            id=f"art_{self.runs}",
            sha256="0" * 64,
            name=f"fig_{self.runs:02d}.png",
            media_type="image/png",
            size=3,
            role="plot",
            run_id="run_1",
            execution_id=execution.id,
        )
        found = Finding(id=f"F{self.runs}", type="claim", kind="x", text=code, evidence=Evidence(cell=execution.cell))
        self.add(ExecutionStarted(run_id="run_1", execution=execution, step_id=fields.get("step_id")))
        self.add(
            OutputReceived(run_id="run_1", execution_id=execution.id, output=Output(kind="stdout", text=code)),
            ArtifactSaved(run_id="run_1", artifact=plot),
            FindingMade(run_id="run_1", finding=found),
        )
        return self.add(ExecutionEnded(run_id="run_1", execution_id=execution.id, status=status))

    @property
    def view(self) -> RunView:
        return fold(self.events)


def ids(view: RunView) -> list[str]:
    return [c.id for c in view.cells]


def three() -> Record:
    """A run that is done, with three cells."""
    record = Record().ran("cell-01", "a = 1").ran("cell-02", "b = a").ran("cell-03", "print(b)")
    return record.add(RunEnded(run_id="run_1", status="done"))


def test_a_run_that_only_executes_is_a_document():
    view = three().view
    assert [(c.id, c.source, c.version, c.state, c.turn_id) for c in view.cells] == [
        ("cell-01", "a = 1", 1, "fresh", "turn-01"),
        ("cell-02", "b = a", 1, "fresh", "turn-01"),
        ("cell-03", "print(b)", 1, "fresh", "turn-01"),
    ]
    assert view.next_cell == "cell-04"
    assert [(t.id, t.message, t.status) for t in view.turns] == [("turn-01", "Which crop yields most?", "done")]


def test_a_cell_is_by_the_agent_whose_step_ran_it():
    record = Record().add(
        StepStarted(run_id="run_1", step_id="s1", name="run", agent="coding", title="Run the next cell")
    )
    assert record.ran("cell-01", "1", step_id="s1").view.cells[0].author == "coding"


def test_an_edited_cell_keeps_its_id_its_place_and_its_versions_and_is_stale_until_it_has_run():
    record = three().add(CellEdited(run_id="run_1", cell_id="cell-02", version=2, source="b = a + 1"))
    record.add(CellsStale(run_id="run_1", cells=("cell-03",), cause="cell-02"))
    view = record.view
    assert [c.state for c in view.cells] == ["fresh", "stale", "stale"]
    assert [v.source for v in view.cells[1].versions] == ["b = a", "b = a + 1"]
    assert view.executions[1].code == "b = a"  # what it put out is that of the version that ran
    view = record.ran("cell-02", "b = a + 1", version=2).view
    assert ids(view) == ["cell-01", "cell-02", "cell-03"]
    assert [c.state for c in view.cells] == ["fresh", "fresh", "stale"]
    assert [x.code for x in view.executions] == ["a = 1", "b = a + 1", "print(b)"]


def test_what_a_cell_made_before_makes_room_for_what_it_makes_now_in_its_place():
    view = three().ran("cell-01", "a = 1").view
    assert [f.id for f in view.findings] == ["F4", "F2", "F3"]
    assert [a.name for a in view.artifacts] == ["fig_04.png", "fig_02.png", "fig_03.png"]
    assert [x.id for x in view.executions] == ["ex_4", "ex_2", "ex_3"]


def answered(question: str, text: str, *cells: str) -> AnswerMade:
    evidence = tuple(Evidence(cell=cell) for cell in cells)
    return AnswerMade(
        run_id="run_1",
        answer=Answer(part=question, question=question, status="answered", text=text, evidence=evidence),
    )


def test_a_reply_stays_in_the_conversation_when_a_person_edits_what_it_rests_on():
    record = three().add(TurnStarted(run_id="run_1", turn_id="turn-02", message="Why?"))
    record.add(answered("turn-02", "Because b is 1.", "cell-02", "cell-03"), answered("other", "a is 1.", "cell-01"))
    record.add(TurnEnded(run_id="run_1", turn_id="turn-02")).ran("cell-02", "b = 2")
    told, other = record.view.answers
    assert (told.text, told.outdated, [e.cell for e in told.evidence]) == ("Because b is 1.", ("cell-02",), ["cell-03"])
    assert (other.outdated, [e.cell for e in other.evidence]) == ((), ["cell-01"])
    assert [a.text for a in record.view.given] == ["a is 1."], "what an agent builds on rests on what is there"
    record.ran("cell-02", "b = 3").add(CellDeleted(run_id="run_1", cell_id="cell-03"))
    assert record.view.answers[0].outdated == ("cell-02", "cell-03")
    record.add(answered("turn-02", "Because b is 3.", "cell-02"))
    assert [(a.text, a.outdated) for a in record.view.answers] == [("Because b is 3.", ()), ("a is 1.", ())]


def test_a_reply_of_an_earlier_turn_stays_when_an_agent_runs_what_it_rests_on_again():
    record = three().add(answered("", "a is 1.", "cell-01"))
    record.add(TurnStarted(run_id="run_1", turn_id="turn-02", message="Why?"))
    record.add(answered("turn-02", "Because b is 1.", "cell-02"), TurnEnded(run_id="run_1", turn_id="turn-02"))
    record.add(TurnStarted(run_id="run_1", turn_id="turn-03", message="And c?"))
    record.add(answered("turn-03", "c is b.", "cell-02")).ran("cell-01", "a = 2").ran("cell-02", "b = 2")
    assert [(a.text, a.outdated) for a in record.view.answers] == [
        ("a is 1.", ("cell-01",)),
        ("Because b is 1.", ("cell-02",)),
    ]
    record.add(answered("turn-03", "c is 2.", "cell-02"), TurnEnded(run_id="run_1", turn_id="turn-03"))
    assert [a.text for a in record.view.answers] == ["a is 1.", "Because b is 1.", "c is 2."]


def test_a_reply_stays_in_the_notebook_of_a_task_that_runs_what_it_rests_on_again():
    record = three().add(answered("", "a is 1.", "cell-01"))
    record.add(TurnStarted(run_id="run_1", turn_id="turn-02", message="Split it up."))
    record.add(TaskBranched(run_id="run_1", task_id="task-01", numbered=100))
    again = Execution(id="ex_9", run_id="run_1", sandbox_id="own", seq=9, code="a = 3", cell_id="cell-01")
    begun = ExecutionStarted(run_id="run_1", execution=again)
    view = record.add(TaskWorked(run_id="run_1", task_id="task-01", event=begun)).view
    assert [(a.text, a.outdated) for a in view.of_task("task-01").answers] == [("a is 1.", ("cell-01",))]
    assert [(a.text, a.outdated) for a in view.answers] == [("a is 1.", ())]


def test_an_answer_makes_room_while_its_turn_is_under_way():
    record = Record().ran("cell-01", "a = 1").add(answered("", "a is 1.", "cell-01")).ran("cell-01", "a = 2")
    assert record.view.answers == ()


def test_a_cell_that_was_edited_while_it_ran_is_stale_at_its_end():
    record = three()
    execution = Execution(id="ex_9", run_id="run_1", sandbox_id="s", seq=4, code="b = a", cell_id="cell-02")
    record.add(
        ExecutionStarted(run_id="run_1", execution=execution),
        CellEdited(run_id="run_1", cell_id="cell-02", version=2, source="b = 2"),
        ExecutionEnded(run_id="run_1", execution_id="ex_9", status="ok"),
    )
    assert record.view.cells[1].state == "stale"


def test_cells_are_added_moved_and_deleted():
    record = three().add(CellAdded(run_id="run_1", cell_id="cell-04", after="cell-01", source="c = 3"))
    assert ids(record.view) == ["cell-01", "cell-04", "cell-02", "cell-03"]
    record.add(CellMoved(run_id="run_1", cell_id="cell-03", after=None))
    assert ids(record.view) == ["cell-03", "cell-01", "cell-04", "cell-02"]
    assert [x.cell for x in record.view.executions] == ["cell-03", "cell-01", "cell-02"]
    record.add(CellDeleted(run_id="run_1", cell_id="cell-01"))
    view = record.view
    assert ids(view) == ["cell-03", "cell-04", "cell-02"]
    assert [f.id for f in view.findings] == ["F3", "F2"]
    assert [a.id for a in view.artifacts] == ["art_3", "art_2"]
    assert view.next_cell == "cell-05"  # the number of a cell that was deleted is not given again


def test_another_try_of_the_same_call_takes_the_place_of_an_unfinished_one():
    record = Record().ran("cell-01", "a", key="k", status="interrupted").ran("cell-02", "a", key="k")
    assert ids(record.view) == ["cell-02"]
    assert [x.cell for x in record.view.executions] == ["cell-01", "cell-02"]  # both are seen, as before
    assert [f.id for f in record.view.findings] == ["F2"]


def test_an_edit_is_taken_back_whole():
    record = three()
    before = record.view
    record.add(RunResumed(run_id="run_1", why="edit"))
    start = record.view.last_seq
    record.add(CellEdited(run_id="run_1", cell_id="cell-02", version=2, source="b = 7"))
    record.ran("cell-02", "b = 7", version=2).ran("cell-03", "print(b)").add(RunEnded(run_id="run_1", status="done"))
    view = record.add(Undone(run_id="run_1", to=start, cell_id="cell-02")).view
    for name in ("cells", "executions", "findings", "artifacts", "answers", "report", "turns"):
        assert getattr(view, name) == getattr(before, name), name
    assert view.kernel is None  # the kernel still holds the edit
    assert (view.executed, view.next_cell, view.run.status) == (5, "cell-04", "done")


def test_a_turn_is_taken_back_with_the_edits_of_its_agents_and_an_edit_before_it_stays():
    record = three().add(CellEdited(run_id="run_1", cell_id="cell-03", version=2, source="print(a)"))
    start = record.view.last_seq
    record.add(TurnStarted(run_id="run_1", turn_id="turn-02", message="And by year?"))
    record.add(CellEdited(run_id="run_1", cell_id="cell-01", version=2, source="a = 2", author="coding"))
    record.ran("cell-04", "a / 2").add(TurnEnded(run_id="run_1", turn_id="turn-02"))
    assert [t.id for t in record.view.turns] == ["turn-01", "turn-02"]
    assert record.view.cells[3].turn_id == "turn-02"
    view = record.add(Undone(run_id="run_1", to=start, turn_id="turn-02")).view
    assert [t.id for t in view.turns] == ["turn-01"]
    assert [c.source for c in view.cells] == ["a = 1", "b = a", "print(a)"]
    assert view.previous is not None
    assert [c.source for c in view.previous.cells][2] == "print(b)"


def test_what_was_taken_back_is_put_back_step_by_step():
    record = three()
    start = record.view.last_seq
    record.add(CellEdited(run_id="run_1", cell_id="cell-02", version=2, source="b = 7"))
    record.ran("cell-02", "b = 7", version=2).add(RunEnded(run_id="run_1", status="done"))
    edited = record.view
    record.add(TurnStarted(run_id="run_1", turn_id="turn-02", message="And c?")).ran("cell-04", "c = b")
    asked = record.add(TurnEnded(run_id="run_1", turn_id="turn-02")).view
    once = record.add(Undone(run_id="run_1", to=edited.last_seq, turn_id="turn-02")).view
    record.add(Undone(run_id="run_1", to=start, cell_id="cell-02"))
    assert [c.source for c in record.view.cells] == ["a = 1", "b = a", "print(b)"]
    shown = ("cells", "executions", "findings", "artifacts", "answers", "report", "turns", "previous")
    for then in (edited, asked):
        before = record.view.undone
        assert before is not None
        view = record.add(Redone(run_id="run_1", to=before.last_seq)).view
        for name in shown:
            assert getattr(view, name) == getattr(then, name), name
        assert (view.kernel, view.executed, view.next_cell) == (None, 5, "cell-05")
    assert view.undone is None
    view = record.add(Undone(run_id="run_1", to=edited.last_seq, turn_id="turn-02")).view
    for name in shown:
        assert getattr(view, name) == getattr(once, name), name


@pytest.mark.parametrize(
    "done",
    [
        CellEdited(run_id="run_1", cell_id="cell-01", version=2, source="a = 2"),
        TurnStarted(run_id="run_1", turn_id="turn-03", message="And d?"),
        RunResumed(run_id="run_1"),
    ],
)
def test_nothing_is_put_back_once_something_was_done(done: Event):
    record = three()
    start = record.view.last_seq
    record.add(CellDeleted(run_id="run_1", cell_id="cell-03"), Undone(run_id="run_1", to=start, cell_id="cell-03"))
    then = record.view.undone
    assert then is not None
    view = record.add(done).view
    assert view.undone is None
    assert record.add(Redone(run_id="run_1", to=then.last_seq)).view.cells == view.cells


def test_what_cannot_be_taken_back_changes_nothing():
    record = three()
    before = record.view
    view = record.add(Undone(run_id="run_1", to=1)).view
    assert (view.cells, view.executions) == (before.cells, before.executions)


def test_only_the_first_answer_and_the_first_decision_count():
    record = three().add(
        Asked(run_id="run_1", question=Question(id="q1", turn_id="turn-01", text="Which year?", choices=("a", "b"))),
        ApprovalAsked(run_id="run_1", approval=Approval(id="ap1", turn_id="turn-01", tool="run_code", arguments="{}")),
        Answered(run_id="run_1", question_id="q1", answer="a"),
        Answered(run_id="run_1", question_id="q1", answer="b"),
        ApprovalGiven(run_id="run_1", approval_id="ap1", decision="edited", edited='{"code": "1"}'),
        ApprovalGiven(run_id="run_1", approval_id="ap1", decision="rejected"),
        Said(run_id="run_1", message=Message(id="m1", text="Only females, please", steers=True)),
    )
    view = record.view
    assert [q.answer for q in view.questions] == ["a"]
    assert [(a.decision, a.edited) for a in view.approvals] == [("edited", '{"code": "1"}')]
    assert [m.text for m in view.messages] == ["Only females, please"]


def test_a_branch_has_no_kernel_yet():
    record = three().add(
        SandboxOpened(run_id="run_1", sandbox_id="sbx", host="local", isolation="none"),
        Branched(run_id="run_1", of="run_0", to=3),
    )
    assert record.view.kernel is None


def test_a_document_is_the_same_however_its_events_come_and_survives_the_record():
    record = three().add(CellEdited(run_id="run_1", cell_id="cell-02", version=2, source="b = 3"))
    record.ran("cell-02", "b = 3", version=2)
    view = None
    for event in record.events:
        view = extend(view, [read_body(event.seq, write_body(event)[1])])
    assert view == record.view


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with tarfile.open(OLD) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_old_records_tell_what_they_told_and_are_documents(old: Path):
    with Store.open(old / "home") as store:
        views = {run.goal: store.view(run.id) for run in store.runs()}
        digests = [store.verify(a) for a in store.artifacts()]
    assert digests
    assert all(digests)
    assert sorted(views) == ["Broken", "Yields"]
    for goal, view in views.items():
        told = json.loads((old / "told" / f"{goal}.json").read_text())
        assert _lacking(told, view_json(view)) == []
    assert [(c.id, c.state, c.author) for c in views["Broken"].cells] == [
        ("cell-01", "fresh", "notebook"),
        ("cell-02", "failed", "notebook"),
    ]
    assert [c.source for c in views["Yields"].cells] == [x.code for x in views["Yields"].executions]
    assert [t.status for t in views["Broken"].turns] == ["failed"]


def _lacking(old: Any, new: Any, where: str = "run") -> list[str]:
    """Where a told run says something else than it did; what is told beside it does not matter."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [line for k in old for line in _lacking(old[k], new.get(k, "nothing"), f"{where}.{k}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [line for i, (a, b) in enumerate(zip(old, new, strict=True)) for line in _lacking(a, b, f"{where}[{i}]")]
    return [] if old == new else [f"{where}: {old!r} became {new!r}"]
