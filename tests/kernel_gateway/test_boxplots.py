"""Box plots as data: however they are drawn, each box brings its whiskers, quartiles, median and outliers."""

from __future__ import annotations

from typing import Any

import pytest
from e2b_code_interpreter import AsyncSandbox
from e2b_code_interpreter.charts import ChartType

_SET_UP = """
import matplotlib.pyplot as plt, numpy as np, pandas as pd
data = [[85, 90, 78, 92, 88, 20], [95, 89, 76, 91, 84]]
frame = pd.DataFrame({"v": data[0] + data[1], "g": ["a"] * 6 + ["b"] * 5})
frame["w"] = frame["v"] * 10
"""
A = (78, 79.75, 86.5, 89.5, 92)
B = (76, 84, 89, 91, 95)
FLIERS = [20]

DRAWN: dict[str, tuple[str, list[tuple[str, tuple[float, ...], list[float]]]]] = {
    "as it comes": ("plt.boxplot(data)", [("1", A, FLIERS), ("2", B, [])]),
    "patches": ("plt.boxplot(data, patch_artist=True, tick_labels=['a', 'b'])", [("a", A, FLIERS), ("b", B, [])]),
    "without fliers": ("plt.boxplot(data, showfliers=False)", [("1", A, []), ("2", B, [])]),
    "without boxes and caps": (
        "plt.boxplot(data, showbox=False, showcaps=False, showmeans=True)",
        [("1", A, FLIERS), ("2", B, [])],
    ),
    "notched": ("plt.boxplot(data, notch=True)", [("1", A, FLIERS), ("2", B, [])]),
    "notched patches": ("plt.boxplot(data, notch=True, patch_artist=True)", [("1", A, FLIERS), ("2", B, [])]),
    "horizontal": (
        "plt.boxplot(data, orientation='horizontal', tick_labels=['a', 'b']); plt.xlabel('mass (g)')",
        [("a", A, FLIERS), ("b", B, [])],
    ),
    "horizontal patches": (
        "plt.boxplot(data, orientation='horizontal', patch_artist=True); plt.yticks([1, 2], ['p', 'q'])",
        [("p", A, FLIERS), ("q", B, [])],
    ),
    "no upper whisker": ("plt.boxplot([[1, 2, 3, 3, 3]], patch_artist=True)", [("1", (1, 2, 3, 3, 3), [])]),
    "one value": ("plt.boxplot([[4]])", [("1", (4, 4, 4, 4, 4), [])]),
    "no data beside some": ("plt.boxplot([[], data[1]])", [("2", B, [])]),
    "grouped": (
        "ax = plt.gca()\n"
        "ax.boxplot(data, positions=[0.8, 1.8], patch_artist=True, label='before')\n"
        "ax.boxplot(data[::-1], positions=[1.2, 2.2], patch_artist=True, label='after')\n"
        "ax.set_xticks([1, 2], ['x', 'y'])",
        [("x, before", A, FLIERS), ("x, after", B, []), ("y, before", B, []), ("y, after", A, FLIERS)],
    ),
    "by pandas": ("frame.boxplot(column='v', by='g')", [("a", A, FLIERS), ("b", B, [])]),
    "by pandas' plot": (
        "pd.DataFrame({'a': data[0][:5], 'b': data[1]}).plot.box()",
        [("a", (78, 85, 88, 90, 92), []), ("b", B, [])],
    ),
    "as seaborn draws them": (
        "from matplotlib.cbook import boxplot_stats\n"
        "from matplotlib.patches import Patch\n"
        "ax = plt.gca()\n"
        "for colour, shift, one in (('C0', -0.2, data[0]), ('C1', 0.2, data[1])):\n"
        "    ax.bxp(boxplot_stats([one]), positions=[shift], widths=0.3, patch_artist=True, manage_ticks=False,\n"
        "           boxprops={'facecolor': colour})\n"
        "ax.set_xticks([0], ['x'])\n"
        "ax.legend(handles=[Patch(facecolor='C0', label='old'), Patch(facecolor='C1', label='new')])",
        [("x, old", A, FLIERS), ("x, new", B, [])],
    ),
}


def told(chart: Any) -> list[tuple[str, tuple[float, ...], list[float]]]:
    return [
        (one.label, (one.min, one.first_quartile, one.median, one.third_quartile, one.max), one.outliers)
        for one in chart.elements
    ]


@pytest.mark.parametrize("name", DRAWN)
async def test_a_box_plot_is_told_box_by_box(sandbox: AsyncSandbox, name: str) -> None:
    code, boxes = DRAWN[name]
    done = await sandbox.run_code(f"{_SET_UP}\n{code}\nplt.show()")
    assert done.error is None
    [chart] = [result.chart for result in done.results if result.png]
    assert chart is not None
    assert chart.type is ChartType.BOX_AND_WHISKER
    assert told(chart) == boxes


async def test_what_is_measured_is_on_the_y_axis_however_a_box_plot_lies(sandbox: AsyncSandbox) -> None:
    code = "plt.boxplot(data, orientation='horizontal'); plt.xlabel('mass (g)'); plt.title('T'); plt.show()"
    chart = (await sandbox.run_code(_SET_UP + code)).results[0].chart
    assert (chart.title, chart.x_label, chart.y_label, chart.y_unit) == ("T", None, "mass (g)", "g")


async def test_each_of_several_axes_is_told_by_itself(sandbox: AsyncSandbox) -> None:
    code = "frame.boxplot(by='g'); plt.show(); _, two = plt.subplots(2); two[0].boxplot(data); two[1].plot([1, 2])\n"
    by, mixed = [result.chart for result in (await sandbox.run_code(f"{_SET_UP}{code}plt.show()")).results]
    assert [(one.title, told(one)[1][:2]) for one in by.elements] == [
        ("v", ("b", B)),
        ("w", ("b", tuple(value * 10 for value in B))),
    ]
    assert [one.type for one in mixed.elements] == [ChartType.BOX_AND_WHISKER, ChartType.LINE]


async def test_boxes_that_were_cleared_are_told_no_more(sandbox: AsyncSandbox) -> None:
    code = "plt.boxplot(data); plt.cla(); plt.plot([1, 2]); plt.show()"
    assert (await sandbox.run_code(_SET_UP + code)).results[0].chart.type is ChartType.LINE
