"""Questions about what is there, which no cell is run for."""

from __future__ import annotations

import dataclasses

import pytest

from artifacts.events import RunView
from artifacts.types import Answer, Run, Turn
from graphs.outline import conversation
from graphs.recalling import recalled


@pytest.mark.parametrize("said", ["what does p mean?", "What does that p mean?", "what is the p-value?"])
def test_what_a_measure_means_is_told_and_not_computed(said: str) -> None:
    view = RunView(run=Run(id="run_1", goal="", agent="ask", model="playbook", params={}, status="done"))
    answer = recalled(view, Turn(id="turn-02", message=said))
    assert answer is not None
    assert answer.text.startswith("The p-value is the probability")
    assert recalled(view, Turn(id="turn-03", message="What is the median salary?")) is None


def test_an_agent_is_told_which_earlier_answers_no_longer_rest_on_the_cells() -> None:
    asked, now = Turn(id="turn-01", message="How many?", status="done"), Turn(id="turn-02", message="And now?")
    answer = Answer(part="How many?", status="answered", text="2 plots.")
    view = RunView(run=Run(id="run_1", goal="How many?"), turns=(asked, now), answers=(answer,))
    assert "Answered: 2 plots." in conversation(view, now)
    edited = dataclasses.replace(view, answers=(answer.model_copy(update={"outdated": ("cell-05",)}),))
    assert "Answered: (cells that this rests on have changed since) 2 plots." in conversation(edited, now)
