"""Questions about what is there, which no cell is run for."""

from __future__ import annotations

import pytest

from artifacts.events import RunView
from artifacts.types import Run, Turn
from graphs.recalling import recalled


@pytest.mark.parametrize("said", ["what does p mean?", "What does that p mean?", "what is the p-value?"])
def test_what_a_measure_means_is_told_and_not_computed(said: str) -> None:
    view = RunView(run=Run(id="run_1", goal="", agent="ask", model="playbook", params={}, status="done"))
    answer = recalled(view, Turn(id="turn-02", message=said))
    assert answer is not None
    assert answer.text.startswith("The p-value is the probability")
    assert recalled(view, Turn(id="turn-03", message="What is the median salary?")) is None
