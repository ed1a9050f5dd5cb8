"""What is said on stderr while nothing is printed."""

from __future__ import annotations

import threading

import pytest

from artifacts.events import Progressed
from gristmill.terminal import console, progress


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that are said, where no silence is short enough."""
    lines: list[str] = []
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setattr(progress.click, "echo", lambda line, err: lines.append(line))
    return lines


def until(lines: list[str], line: str) -> None:
    waiting = threading.Event()
    for _ in range(600):
        if line in lines:
            return
        waiting.wait(0.1)
    raise AssertionError(f"{line!r} is not among {lines}")


def test_what_goes_on_is_said_in_turn_and_a_story_takes_over(said: list[str]) -> None:
    story = progress.Now("fitting")
    with progress.telling(True):
        until(said, "... starting")
        progress.doing("opening")
        until(said, "... opening")
        with progress.showing(story):
            until(said, "... fitting")
            story.note("epoch 3")
        until(said, "... opening")
    assert not any(thread.name == "progress" for thread in threading.enumerate())


def test_nothing_is_said_where_a_moving_line_tells_or_a_program_reads(said: list[str]) -> None:
    with progress.telling(False):
        progress.doing("opening")
    with progress.telling(True), progress.showing(None):
        assert progress._shown is None
        progress.doing("opening")
    with progress.telling(True):
        progress.hush()
        assert progress._shown is None


def test_what_was_printed_ends_the_silence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_spoken", 0.0)
    console.make(stderr=True).print("unseen")
    assert progress._spoken == 0.0
    console.make().print("seen")
    assert progress._spoken > 0.0
    assert capsys.readouterr().out == "seen\n"


def test_what_takes_long_is_said_again_with_its_time_and_last_line() -> None:
    now = progress.Now("fitting")
    assert now.due() == "fitting"
    assert now.due() == ""
    now.note("x" * 200)
    now._since -= 10
    assert now.due() == f"fitting  {'x' * progress.NOTE}  10 s"
    assert now.due() == ""
    now.begin("writing")
    assert now.due() == "writing"


def test_what_moves_is_said_again_where_it_has_come_further() -> None:
    now = progress.Now("answering")

    def far(done: int) -> Progressed:
        return Progressed(run_id="run_1", what="Rebuilding", done=done, of=900, unit="cells")

    now.far(far(1))
    assert now.due() == "answering  Rebuilding: 1 of 900 cells"
    now.far(far(2))
    assert now.due() == "", "that was said a moment ago"
    now._since -= progress.MOVES
    assert now.due() == "answering  Rebuilding: 2 of 900 cells  5 s"
    now._since -= 2 * progress.MOVES
    assert now.due() == "", "it has not moved"
    now.far(far(3))
    assert now.due() == "answering  Rebuilding: 3 of 900 cells  15 s"
