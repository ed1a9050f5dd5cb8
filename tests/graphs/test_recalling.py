"""Questions about what is there, which no cell is run for."""

from __future__ import annotations

import dataclasses

import pytest

from artifacts.events import RunView
from artifacts.types import Answer, Evidence, Run, Turn
from graphs.outline import conversation
from graphs.recalling import recalled


@pytest.mark.parametrize("said", ["what does p mean?", "What does that p mean?", "what is the p-value?"])
def test_what_a_measure_means_is_told_and_not_computed(said: str) -> None:
    view = RunView(run=Run(id="run_1", goal="", agent="ask", model="playbook", params={}, status="done"))
    answer = recalled(view, Turn(id="turn-02", message=said))
    assert answer is not None
    assert answer.text.startswith("The p-value is the probability")
    assert recalled(view, Turn(id="turn-03", message="What is the median salary?")) is None


@pytest.mark.parametrize("said", ["what is the median?", "And what's the IQR?"])
def test_a_statistic_is_asked_for_and_not_what_it_means(said: str) -> None:
    answer = Answer(part="mean mass?", status="answered", text="5.", query={}, evidence=(Evidence(cell="cell-04"),))
    view = RunView(run=Run(id="run_1", goal="mean mass?"), answers=(answer,))
    assert recalled(view, Turn(id="turn-02", message=said)) is None
    meaning = recalled(view, Turn(id="turn-02", message="what is a median?"))
    assert meaning is not None
    assert meaning.text.startswith("The median is")


def test_the_cell_that_shows_it_is_that_of_the_last_answer_which_was_computed() -> None:
    answer = Answer(
        part="mean?", status="answered", text="5.", query={"intent": "compute"}, evidence=(Evidence(cell="cell-04"),)
    )
    view = RunView(run=Run(id="run_1", goal="mean?"), answers=(answer,))
    for number, message in enumerate(("what does η² mean here?", "why?"), 2):
        told = recalled(view, Turn(id=f"turn-{number:02d}", message=message))
        assert told is not None
        view = dataclasses.replace(view, answers=(*view.answers, told))
    shown = recalled(view, Turn(id="turn-04", message="which cell shows that?"))
    assert shown is not None
    assert (shown.text, shown.evidence) == ("cell-04 shows it: 5.", (Evidence(cell="cell-04"),))


def test_an_agent_is_told_which_earlier_answers_no_longer_rest_on_the_cells() -> None:
    asked, now = Turn(id="turn-01", message="How many?", status="done"), Turn(id="turn-02", message="And now?")
    answer = Answer(part="How many?", status="answered", text="2 plots.")
    view = RunView(run=Run(id="run_1", goal="How many?"), turns=(asked, now), answers=(answer,))
    assert "Answered: 2 plots." in conversation(view, now)
    edited = dataclasses.replace(view, answers=(answer.model_copy(update={"outdated": ("cell-05",)}),))
    assert "Answered: (cells that this rests on have changed since) 2 plots." in conversation(edited, now)
