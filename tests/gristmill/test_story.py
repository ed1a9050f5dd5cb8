"""What the terminal tells of a run: plain lines or colour, and never what a sandbox would have it do."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from artifacts import events as ev
from artifacts.types import (
    Artifact,
    Conflict,
    Effect,
    Evidence,
    Execution,
    ExecutionError,
    Finding,
    Objection,
    Output,
    PlanStep,
    Run,
    Task,
    Test,
    now,
)
from gristmill.commands.watching import conclude
from gristmill.plain import turn_json
from gristmill.terminal.answering import Answering
from gristmill.terminal.pieces import ending
from gristmill.terminal.story import Story
from gristmill.terminal.words import clean, number, one_line, p_value, seconds, size, took

RUN = "run_01m3v9q2m7x4tk"
BEGUN = now()
EVIL = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\x9b31m [bold]not markup[/bold] \u202eback"


def story_events() -> Iterator[ev.Event]:
    """A short run with a plan, a cell that works, one that fails, an objection, and a report."""
    seq = count(1)

    def made(kind: Any, after: float, **more: Any) -> Any:
        return kind(run_id=RUN, seq=next(seq), at=BEGUN + timedelta(seconds=after), **more)

    def cell(n: int, title: str, code: str, *tags: str) -> Execution:
        return Execution(
            id=f"x{n}",
            run_id=RUN,
            sandbox_id="s",
            seq=n,
            code=code,
            title=title,
            tags=tags,
            started_at=BEGUN + timedelta(seconds=n),
        )

    run = Run(id=RUN, goal="Does a go with b?", params={"files": [f"t{EVIL}.csv"]}, created_at=BEGUN)
    yield made(ev.RunStarted, 0, run=run)
    yield made(ev.SandboxOpened, 0.8, sandbox_id="s", host="local", isolation="bubblewrap")
    yield made(ev.ExecutionStarted, 1, execution=cell(1, "Toolkit", "secret_of_the_toolkit = 1\n" * 90, "toolkit"))
    yield made(ev.ExecutionEnded, 1.5, execution_id="x1", status="ok")
    yield made(ev.PlanMade, 2, steps=(PlanStep(title="Look", why="to see"), PlanStep(title="Test")))
    yield made(ev.ExecutionStarted, 2, execution=cell(2, f"Load {EVIL}", "a = 1\n" * 20))
    yield made(ev.OutputReceived, 2.1, execution_id="x2", output=Output(kind="stdout", text=f"{EVIL}\n" + "row\n" * 30))
    plot = Artifact(
        id="art_1",
        sha256="0" * 64,
        name="fig_01.png",
        media_type="image/png",
        size=34_211,
        role="plot",
        run_id=RUN,
        execution_id="x2",
    )
    yield made(ev.ArtifactSaved, 2.2, artifact=plot)
    found = Finding(
        id="F1",
        type="warning",
        kind="simpsons_paradox",
        columns=("a", "b", "g"),
        effect=Effect(metric="pearson_r", value=-0.2350, ci=(-0.333, -0.132)),
        test=Test(name="pearson", p=1e-5, q=4e-5),
        n=1342,
        text="It flips within g.",
        caveats=("observed only",),
        evidence=Evidence(cell="cell-02", artifact="fig_01.png"),
    )
    yield made(ev.FindingMade, 2.3, finding=found)
    yield made(ev.ExecutionEnded, 14.4, execution_id="x2", status="ok")
    yield made(ev.ExecutionStarted, 3, execution=cell(3, "Divide", "1/0"))
    fault = ExecutionError(name="ZeroDivisionError", value="division by zero")
    yield made(ev.ExecutionEnded, 3.2, execution_id="x3", status="error", error=fault)
    objection = Objection(where="F1", problem="No interval.", mend="Give one.")
    yield made(ev.Reviewed, 4, round=1, verdict="fail", objections=(objection,), checks=12)
    yield made(ev.ReportMade, 5, answer="No.", order=("F1",), not_found=("c and d",), not_checked=("causes",))
    yield made(ev.Reviewed, 6, round=2, verdict="pass_with_remarks", remarks=("A small sample.",), checks=12)
    yield made(ev.RunEnded, 7, status="done")


def tell(console: Console) -> str:
    with Story(console) as story:
        for event in story_events():
            story.feed(event)
    assert story.view is not None
    conclude(story, story.view, Path("out"), [Path("out/report.html"), Path("out/fig_01.png")])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def plain() -> Console:
    return Console(file=io.StringIO(), width=100, highlight=False, markup=False, emoji=False)


def test_a_report_that_did_not_change_is_not_printed_again() -> None:
    console = plain()
    with Story(console) as story:
        for event in story_events():
            story.feed(event)
            if isinstance(event, ev.ReportMade):
                story.feed(event.model_copy(update={"seq": 0, "not_checked": ("causes", "An objection stands.")}))
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert (told.count("Answer\n"), told.count("The answer and the findings are as they were.")) == (1, 1)


def test_the_story_has_plan_cells_findings_verdict_and_where_everything_went() -> None:
    told = tell(plain())
    for words in (
        "Does a go with b?",
        "Rule-based",
        RUN,
        "bubblewrap, network off (0.8 s)",
        "  1  Look: to see",
        "cell-02  Load",
        "12 s",
        "-> fig_01.png (34 KB)",
        "ZeroDivisionError: division by zero",
        "sent back  (round 1, 12 checks)",
        "F1: No interval. Mend: Give one.",
        "Simpson’s paradox (warning)",
        "r = -0.235 [-0.333, -0.132]   q < 0.001   n = 1,342   see cell-02, fig_01.png",
        "but: observed only",
        "passed, with remarks  (round 2, 12 checks)",
        "A small sample.",
        "c and d",
        "causes",
        "Done after 7.0 s",
        "out/report.html",
        f"gristmill runs reproduce {RUN}",
    ):
        assert words in told, f"{words!r} is missing:\n{told}"
    assert told.index("First look") < told.index("Plan") < told.index("Work") < told.index("Answer")
    assert told.count("It flips within g.") == 2, "beside its cell, and once in the report"
    assert told.index("Simpson’s paradox") < told.index("(round 2") < told.index("Done after"), "read while reviewed"


def test_code_and_output_are_shortened_and_say_by_how_much() -> None:
    told = tell(plain())
    assert "secret_of_the_toolkit" not in told
    assert told.count("| a = 1") == 3
    assert "| ... 17 more lines" in told
    assert "... 26 more lines" in told


def test_nothing_from_a_sandbox_moves_the_cursor_or_is_taken_for_markup() -> None:
    told = tell(plain())
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "\x9b" not in told
    assert "\u202e" not in told
    assert "[bold]not markup[/bold]" in told
    coloured = tell(Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard", markup=False))
    assert "\x1b]0;owned" not in coloured
    assert "\x1b[2J" not in coloured
    step = ev.StepStarted(run_id=RUN, seq=2, step_id="s1", name="work", agent="analyst", title=EVIL)
    for story in (Story(plain()), Answering(plain(), lambda view, question: None)):
        story.feed(next(story_events()))
        story.feed(step)
        assert "[bold]not markup[/bold]" in story.going_on
        assert story.going_on.isprintable()


def test_lines_stay_within_the_width_and_have_no_trailing_space() -> None:
    for line in tell(plain()).splitlines():
        assert len(line) <= 100
        assert line == line.rstrip()


def test_a_run_that_waits_is_told_its_place_and_its_sandbox_is_timed_from_its_turn() -> None:
    started, opened, *_ = story_events()
    queued = ev.RunQueued(run_id=RUN, seq=2, place=2, since=BEGUN, at=BEGUN)
    console = plain()
    with Story(console) as story:
        for event in (started, queued, queued.model_copy(update={"seq": 3, "place": 1})):
            story.feed(event)
        assert story.view is not None
        ending(console, story.view)
        story.feed(ev.RunBegan(run_id=RUN, seq=4, at=BEGUN + timedelta(seconds=60)))
        story.feed(opened.model_copy(update={"seq": 5, "at": BEGUN + timedelta(seconds=61.5)}))
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert told.index("place 2 in line") < told.index("place 1 in line") < told.index("Queued, place 1")
    assert "network off (1.5 s)" in told
    assert "`gristmill serve` begins it in its turn" in told


def test_a_sandbox_that_an_edit_opens_is_not_told_as_one_that_was_lost() -> None:
    console, (started, opened, *_) = plain(), story_events()
    rebuilt = opened.model_copy(update={"seq": 3, "rebuilt": True, "replayed": 4})
    edit = opened.model_copy(update={"seq": 4, "rebuilt": True, "partial": True})
    with Story(console) as story:
        for event in (started, opened, rebuilt, edit):
            story.feed(event)
    assert isinstance(console.file, io.StringIO)
    told = " ".join(console.file.getvalue().split())
    assert told.count("Sandbox ready") == 3
    assert told.count("was gone") == told.count("was gone, 4 cells were replayed") == 1


def test_a_repeated_event_is_told_once() -> None:
    console = plain()
    with Story(console) as story:
        for event in story_events():
            story.feed(event)
            story.feed(event)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("-> fig_01.png") == 1


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("a\rb\rc\n", "c\n"),
        ("10%\r100%\r\nnext", "100%\nnext"),
        ("\x1b[1;31mx\x1b[0m", "x"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("tab\there", "tab here"),
        ("a\x00b\x08", "ab"),
    ],
)
def test_clean(given: str, wanted: str) -> None:
    assert clean(given) == wanted


def test_a_branch_that_did_no_work_of_its_own_took_no_time() -> None:
    run = Run(id=RUN, goal="", created_at=BEGUN, status="done", ended_at=BEGUN - timedelta(seconds=8))
    assert took(run) == seconds(0)


def test_words() -> None:
    assert [seconds(s) for s in (0.04, 9.94, 9.96, 59.6, 3661)] == [
        "0.0 s",
        "9.9 s",
        "10 s",
        "1 min 00 s",
        "1 h 01 min",
    ]
    assert [size(n) for n in (0, 999, 1000, 34_211, 9_960, 2_100_000)] == [
        "0 B",
        "999 B",
        "1.0 KB",
        "34 KB",
        "10 KB",
        "2.1 MB",
    ]
    assert [number(x) for x in (-0.235, 3.0, 1234.5, 1e-7, None, float("inf"))] == [
        "-0.235",
        "3",
        "1,234",
        "1e-07",
        "?",
        "inf",
    ]
    assert p_value("p", 0.0004) == "p < 0.001"
    assert one_line(" a\n\tb ") == "a b"


def test_tasks_are_told_as_they_change_and_what_does_not_fit_in_is_named() -> None:
    started, *_ = story_events()
    console = plain()
    queued = Task(id="t1", title="Fit a forest", agent="modeler")
    running = queued.model_copy(update={"status": "running"})
    done = running.model_copy(update={"status": "done", "result": "It beats the mean.", "progress": 1.0})
    left = Conflict(what="file", name="out.csv", others=("t2",), text="cell-101 wrote out.csv, which t2 wrote, too.")
    tasks = (queued, running, running.model_copy(update={"progress": 0.5}), done)
    with Story(console) as story:
        story.feed(started)
        for seq, task in enumerate((*tasks, done.model_copy(update={"conflicts": (left,)})), 2):
            story.feed(ev.TaskChanged(run_id=RUN, seq=seq, task=task))
    assert isinstance(console.file, io.StringIO)
    lines = [line.strip() for line in console.file.getvalue().splitlines()]
    assert lines[lines.index("Tasks") + 1 :] == [
        "t1    modeler: Fit a forest  queued",
        "t1    modeler: Fit a forest  running",
        "t1    modeler: Fit a forest  done",
        "It beats the mean.",
        "cell-101 wrote out.csv, which t2 wrote, too.",
    ]


def test_a_report_that_came_without_answers_as_data_is_what_its_turn_said() -> None:
    view = ev.fold(list(story_events()))
    told = turn_json(view, view.turns[0].id)
    assert (told["status"], told["text"], told["answers"]) == ("answered", "No.", [])
    assert turn_json(view, "turn-02")["status"] == "not_answered"
