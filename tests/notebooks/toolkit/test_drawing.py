"""Charts keep their names inside, beside one another and legible."""

from __future__ import annotations

import itertools

import pytest

from notebooks.toolkit.drawing import _make_fit, figure, name_columns


@pytest.mark.parametrize(
    "levels",
    [
        ["Agree", "Disagree", "Neutral", "Strongly agree", "Strongly disagree"],
        ["Administration", "Engineering", "Finance and control", "Human resources", "Legal", "Sales", "Support"],
        ["no", "yes"],
    ],
)
def test_names_along_a_chart_neither_overlap_nor_leave_it(levels: list[str]) -> None:
    fig, ax = figure("Missing by answer")
    ax.imshow([range(len(levels))] * 3, aspect="auto")
    ax.set_yticks(range(3), ["I have a good work-life balance", "I would recommend this company", "Meetings"])
    name_columns(ax, levels)
    ax.set_xlabel("rows without a value (%, and how many)")
    _make_fit(fig)
    fig.draw_without_rendering()
    below = ax.xaxis.label.get_window_extent()
    assert below.x0 >= 0
    assert below.x1 <= fig.bbox.width
    names = [t.get_window_extent() for t in ax.get_xticklabels()]
    if not ax.get_xticklabels()[0].get_rotation():  # aslant they run beside one another
        assert all(a.x1 < b.x0 for a, b in itertools.pairwise(names))
