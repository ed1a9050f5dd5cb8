"""The fold: what a run's events say, however they are read."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from pydantic import ValidationError

from artifacts.events import (
    EVENT,
    ArtifactSaved,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    FindingMade,
    ModelReplied,
    Noted,
    OutputReceived,
    OutputsCleared,
    OutputUpdated,
    PlanMade,
    Progressed,
    ReportMade,
    Reviewed,
    RunBegan,
    RunEnded,
    RunQueued,
    RunResumed,
    RunStarted,
    RunView,
    SandboxOpened,
    StepEnded,
    StepStarted,
    TaskChanged,
    WidgetsChanged,
    apply,
    extend,
    fold,
)
from artifacts.types import (
    Artifact,
    Evidence,
    Execution,
    ExecutionError,
    Finding,
    Output,
    PlanStep,
    Run,
    Task,
    ToolCall,
    new_id,
    now,
)

RUN = Run(id="run_1", goal="What separates the species?")


def cell(n: int) -> Execution:
    return Execution(id=f"ex_{n}", run_id="run_1", sandbox_id="sbx", seq=n, code=f"print({n})")


def printed(n: int, text: str) -> OutputReceived:
    return OutputReceived(run_id="run_1", execution_id=f"ex_{n}", output=Output(kind="stdout", text=text))


def finding(id: str) -> Finding:
    return Finding(id=id, type="claim", kind="correlation", text=f"{id} holds", evidence=Evidence(cell="cell-01"))


def whole_run() -> list[Event]:
    """A run that stopped and was taken up again, with an event of every kind."""
    plot = Artifact(
        id="art_1", sha256="0" * 64, name="fig_01.png", media_type="image/png", size=3, role="plot", run_id="run_1"
    )
    call = ToolCall(id="call-1", name="run_code", arguments="{}")
    events: list[Event] = [
        RunStarted(run_id="run_1", run=RUN),
        RunQueued(run_id="run_1", place=2, since=now()),
        RunBegan(run_id="run_1"),
        SandboxOpened(run_id="run_1", sandbox_id="sbx", host="local", isolation="bubblewrap"),
        StepStarted(run_id="run_1", step_id="st_1", name="code", agent="coding", title="Write and run cells"),
        ModelReplied(run_id="run_1", agent="coding", model="playbook", tool_calls=(call,), rule_based=True),
        PlanMade(run_id="run_1", steps=(PlanStep(title="Look"),)),
        ExecutionStarted(run_id="run_1", execution=cell(1)),
        ExecutionStarted(run_id="run_1", execution=cell(2)),
        printed(1, "a\n"),
        printed(1, "b\n"),
        printed(2, "other\n"),
        printed(1, "c\n"),
        printed(9, "nobody's\n"),
        Progressed(run_id="run_1", execution_id="ex_1", what="reading", done=2, of=9),
        ArtifactSaved(run_id="run_1", artifact=plot),
        ExecutionEnded(run_id="run_1", execution_id="ex_1", status="ok", count=1),
        ExecutionEnded(
            run_id="run_1", execution_id="ex_2", status="error", error=ExecutionError(name="KeyError", value="x")
        ),
        RunEnded(run_id="run_1", status="interrupted", error="The product was stopped."),
        RunResumed(run_id="run_1"),
        FindingMade(run_id="run_1", finding=finding("F1")),
        FindingMade(run_id="run_1", finding=finding("F2")),
        FindingMade(run_id="run_1", finding=finding("F3")),
        Reviewed(run_id="run_1", round=1, verdict="pass"),
        ReportMade(run_id="run_1", answer="They differ.", order=("F3", "F1")),
        Noted(run_id="run_1", text="The file is UTF-16."),
        StepEnded(run_id="run_1", step_id="st_1"),
        RunEnded(run_id="run_1", status="done"),
    ]
    return [event.model_copy(update={"seq": seq}) for seq, event in enumerate(events, 1)]


def test_a_view_holds_what_the_events_say():
    view = fold(whole_run())
    assert (view.run.status, view.error, view.last_seq) == ("done", None, 28)
    first, second = view.executions
    assert (first.text, first.status, first.count) == ("a\nb\nc\n", "ok", 1)
    assert (second.text, second.status, second.error and second.error.name) == ("other\n", "error", "KeyError")
    assert [step.status for step in view.steps] == ["done"]
    assert [len(x) for x in (view.artifacts, view.reviews, view.replies, view.sandboxes, view.notes)] == [1] * 5


def test_a_run_that_waits_is_queued_and_has_a_place_until_its_turn_comes():
    started, queued, began, *_ = whole_run()
    assert fold([started]).run == RUN, "as in a record from before there was a queue"
    waiting = fold([started, queued])
    assert (waiting.run.status, waiting.run.place, waiting.queued) == ("queued", 2, queued)
    assert fold([started, queued, queued.model_copy(update={"place": 1})]).run.place == 1
    begun = fold([started, queued, began])
    assert (begun.run.status, begun.run.place, begun.queued, begun.run.began_at) == ("running", None, None, began.at)
    for over in (RunEnded(run_id="run_1", status="cancelled"), RunResumed(run_id="run_1")):
        assert (fold([started, queued, over]).run.place, fold([started, queued, over]).queued) == (None, None)


def test_every_way_to_fold_gives_the_same_view():
    events = whole_run()
    one_by_one: RunView | None = None
    for event in events:
        one_by_one = apply(one_by_one, event)
    assert one_by_one == fold(events)
    for cut in range(1, len(events)):
        assert extend(extend(None, events[:cut]), events[cut:]) == one_by_one


def test_an_earlier_view_does_not_change_when_the_run_goes_on():
    events = whole_run()
    before = fold(events[:9])
    extend(before, events[9:])
    assert before == fold(events[:9])
    assert before.executions[0].outputs == ()
    with pytest.raises(ValidationError, match="frozen"):
        before.run.status = "done"


def test_events_come_back_from_json_as_they_were():
    for event in whole_run():
        assert EVENT.validate_json(event.model_dump_json()) == event


def test_findings_are_ranked_as_the_report_orders_them():
    ranked = fold(whole_run()).ranked
    assert [(f.id, f.rank) for f in ranked] == [("F3", 1), ("F1", 2), ("F2", None)]


def test_a_record_without_its_beginning_is_refused():
    with pytest.raises(ValueError, match="does not begin with run_started but with note"):
        fold([Noted(run_id="run_1", text="seen")])
    with pytest.raises(ValueError, match="without events"):
        fold([])


def test_ten_thousand_outputs_fold_well_under_a_second():
    events = [RunStarted(run_id="run_1", run=RUN), ExecutionStarted(run_id="run_1", execution=cell(1))]
    events += [printed(1, "x\n") for _ in range(10_000)]
    began = time.process_time()
    view = fold(events)
    assert time.process_time() - began < 0.3
    assert len(view.executions[0].outputs) == 10_000
    began = time.process_time()
    live: RunView | None = None
    for event in events:
        live = apply(live, event)
    assert time.process_time() - began < 6, "a third of a second here; minutes, were each output looked at again"
    assert live == view


def test_ids_differ_and_sort_as_they_were_made_though_the_clock_is_set_back(monkeypatch):
    ids = [new_id("run") for _ in range(1000)]
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    ids += [new_id("run") for _ in range(2)]
    assert ids == sorted(set(ids))


def test_the_values_and_the_fold_need_no_heavy_package():
    code = (
        "import sys, artifacts.types, artifacts.events; print(sorted({'duckdb', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_how_far_a_run_is_follows_from_its_events():
    seen = [fold(whole_run()[:i]) for i in range(1, 29)]
    told = [view.progress and (view.progress.done, view.progress.of) for view in seen]
    assert told[13:17] == [None, (2, 9), (2, 9), None], "it goes with the cell that said it"
    assert {view.cells_of for view in seen} == {None}, "nobody knows how many cells a plan without templates makes"
    plan = PlanMade(run_id="run_1", seq=27, steps=(PlanStep(title="Look", template="profile", cells=4),))
    assert fold([*whole_run()[:18], plan]).cells_of == (2, 4)
    opening = ExecutionStarted(run_id="run_1", seq=28, execution=cell(3).model_copy(update={"tags": ("open",)}))
    assert fold([*whole_run()[:18], opening, plan]).cells_of == (2, 5), "the cells before the plan count as well"


def displayed(n: int, text: str, display_id: str | None = "bar") -> OutputReceived:
    output = Output(kind="display", text=text, data={"text/plain": text}, display_id=display_id)
    return OutputReceived(run_id="run_1", execution_id=f"ex_{n}", output=output)


def texts(view: RunView) -> list[list[str]]:
    return [[o.text for o in x.outputs] for x in view.executions]


def test_a_display_that_is_replaced_shows_the_new_in_every_cell_that_has_it() -> None:
    new = Output(kind="display", text="2", data={"text/plain": "2"}, metadata={"a": 1}, display_id="bar")
    events: list[Event] = [RunStarted(run_id="run_1", run=RUN)]
    events += [ExecutionStarted(run_id="run_1", execution=cell(n)) for n in (1, 2)]
    events += [displayed(1, "0"), displayed(1, "other", None), printed(1, "on\n"), displayed(2, "1")]
    assert texts(fold(events)) == [["1", "other", "on\n"], ["1"]], "a display of an id that is there replaces it, too"
    view = fold([*events, OutputUpdated(run_id="run_1", execution_id="ex_2", output=new)])
    assert texts(view) == [["2", "other", "on\n"], ["2"]]
    assert view.executions[0].outputs[0].metadata == {"a": 1}
    assert fold([*events, displayed(2, "a"), displayed(2, "b")]).executions[1].outputs[-1].text == "b"


def test_what_a_cell_takes_back_is_gone_and_another_cell_keeps_its_own() -> None:
    events: list[Event] = [RunStarted(run_id="run_1", run=RUN)]
    events += [ExecutionStarted(run_id="run_1", execution=cell(n)) for n in (1, 2)]
    events += [printed(1, "kept"), printed(2, "gone"), OutputsCleared(run_id="run_1", execution_id="ex_2")]
    assert texts(fold([*events, printed(2, "new")])) == [["kept"], ["new"]]


def test_a_stream_that_comes_in_pieces_reads_as_it_was_written_and_all_else_ends_its_line() -> None:
    streamed = (("stdout", "highest"), ("stdout", " 5.6"), ("stderr", "careful"), ("stdout", "then"), ("display", ""))
    results = (("result", "1"), ("result", "1"), ("stdout", "on\n"), ("stdout", "end"))
    ran = cell(1).model_copy(update={"outputs": tuple(Output(kind=k, text=t) for k, t in (*streamed, *results))})
    assert ran.text == "highest 5.6\ncareful\nthen\n1\n1\non\nend\n"
    assert cell(2).text == ""


def test_the_state_of_a_widget_is_what_was_told_of_it_last() -> None:
    told = [{"w": {"value": 1, "min": 0}}, {"w": {"value": 2}}, {"v": {}}]
    events: list[Event] = [RunStarted(run_id="run_1", run=RUN)]
    events += [WidgetsChanged(run_id="run_1", execution_id="ex_1", widgets=one) for one in told]
    assert fold(events).widgets == {"w": {"value": 2, "min": 0}, "v": {}}


def test_outputs_and_errors_of_older_records_are_understood() -> None:
    output = '{"kind":"output","run_id":"run_1","seq":2,"execution_id":"ex_1","output":{"kind":"stdout","text":"a"}}'
    ended = '{"kind":"execution_ended","run_id":"run_1","seq":3,"execution_id":"ex_1","status":"error"'
    ended += ',"error":{"name":"ValueError","value":"no","traceback":"..."}}'
    first: list[Event] = [RunStarted(run_id="run_1", run=RUN), ExecutionStarted(run_id="run_1", execution=cell(1))]
    view = fold([*first, EVENT.validate_json(output), EVENT.validate_json(ended)])
    assert view.executions[0].outputs[0].display_id is None
    assert view.executions[0].error == ExecutionError(name="ValueError", value="no", traceback="...")
    assert view.executions[0].error.shown


def test_a_task_stands_as_its_newest_event_says_in_the_order_in_which_they_were_given():
    given = [Task(id=f"t{n}", title=f"Part {n}", agent="coder") for n in (1, 2)]
    done = given[0].model_copy(update={"status": "done", "progress": 1.0, "result": "It rises."})
    events: list[Event] = [RunStarted(run_id="run_1", run=RUN)]
    events += [TaskChanged(run_id="run_1", task=task) for task in (*given, done)]
    view = fold(EVENT.validate_json(event.model_dump_json()) for event in events)
    assert [(t.id, t.status, t.result) for t in view.tasks] == [("t1", "done", "It rises."), ("t2", "queued", "")]
