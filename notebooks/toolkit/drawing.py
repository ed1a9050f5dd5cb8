"""Charts in one style, the same bytes for the same figure."""

import base64
import io
import textwrap
from typing import Any

import pandas as pd

from notebooks.toolkit.telling import _display
from notebooks.toolkit.wording import capital, percent, short, tick


def name_columns(ax: Any, levels: Any) -> None:
    """Write levels below the columns of a chart with named rows: on several lines, or aslant if a word is too wide."""
    beside = max(len(line) for t in ax.get_yticklabels() for line in t.get_text().split("\n"))
    letters = int((ax.figure.get_figwidth() - 0.9 - 0.105 * beside) / len(levels) / 0.11)  # inches that a letter takes
    told = [textwrap.fill(str(level), max(8, letters), max_lines=3, placeholder="…") for level in levels]
    if max(len(line) for name in told for line in name.split("\n")) > letters:
        ax.set_xticks(range(len(levels)), [short(level, 16) for level in levels], rotation=35, ha="right")
    else:
        ax.set_xticks(range(len(levels)), told)


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6E6E6E", "#000000")  # Okabe & Ito 2008


def figure(title: str, width: float = 7.2, height: float = 4.5, columns: int = 1, rows: int = 1) -> Any:
    """A figure in the house's style and its axes (an array of them where there are several)."""
    import matplotlib
    from matplotlib.figure import Figure

    style = {"font.size": 15, "axes.titlesize": 15, "axes.spines.top": False, "axes.spines.right": False}
    matplotlib.rcParams.update(style | {"axes.grid": True, "grid.color": "#e6e6e6", "axes.axisbelow": True})
    fig = Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")
    fig.suptitle(capital(title), x=0.01, ha="left", fontsize=17, fontweight="bold", wrap=True)
    return fig, fig.subplots(rows, columns)


def share_dots(title: str, yes: pd.Series, every: pd.Series, xlabel: str, ylabel: str) -> Any:
    """A figure of how often each level (the index, the first on top) says yes: `yes` of `every` rows, in percent.

    Each dot has its number beside it and the 95 % interval by Wilson.
    """
    from statsmodels.stats.proportion import proportion_confint

    fig, ax = figure(title, height=1.7 + 0.5 * len(yes))
    ends = [0.0]
    for i, level in enumerate(yes.index[::-1]):
        some, of = int(yes[level]), int(every[level])
        low, high = (100 * end for end in proportion_confint(some, of, method="wilson"))
        ax.plot([low, high], [i, i], color=COLOURS[0], lw=3)
        ax.plot(100 * some / of, i, "o", color=COLOURS[0], ms=9)
        ax.text(high, i, f"  {percent(some / of, 1)}", va="center")
        ends.append(high)
    ax.set_yticks(range(len(yes)), [tick(level) for level in yes.index[::-1]])
    ax.set_xlim(0, 1.22 * max(ends))
    ax.set_xticks([mark for mark in ax.get_xticks() if mark <= min(100, 1.22 * max(ends))])
    ax.set(xlabel=f"{capital(xlabel)} (% of rows, 95 % interval)", ylabel=ylabel, ylim=(-0.6, len(yes) - 0.4))
    return fig


def direct_labels(ax: Any, items: list[tuple[float, str, str]], gap: float = 0.085) -> None:
    """Name lines at the right edge of a chart: (height in data units, text, colour), pushed apart where they meet."""
    low, high = ax.get_ylim()
    place = -1.0
    for y, text, colour in sorted(items):
        place = max((y - low) / (high - low), place + gap)
        ax.text(1.02, place, text, color=colour, transform=ax.transAxes, va="center", fontweight="bold")


def show(fig: Any, alt: str) -> None:
    """Display a figure as PNG, the same bytes for the same figure, with words for who cannot see it."""
    _make_fit(fig)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    _display({"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": f"[{alt}]"})


def _make_fit(fig: Any) -> None:
    """Break lines where the name of an axis or of a small chart is longer than its place, and thin out dates.

    Only the layout is worked out to see what fits, and one that holds is not worked out again when the chart is drawn.
    """
    from matplotlib.dates import AutoDateFormatter, AutoDateLocator

    for ax in fig.axes:
        if isinstance(ax.xaxis.get_major_locator(), AutoDateLocator):
            dates = AutoDateLocator(maxticks=7)
            ax.xaxis.set(major_locator=dates, major_formatter=AutoDateFormatter(dates))
    named = [(ax, text, text.get_text()) for ax in fig.axes for text in (ax.xaxis.label, ax.yaxis.label, ax.title)]
    width, height = fig.get_size_inches()

    def may_be_long(ax: Any, text: Any, whole: str) -> bool:
        beside = max((len(line) for t in ax.get_yticklabels() for line in t.get_text().split("\n")), default=0)
        wide = width / ax.get_subplotspec().get_gridspec().ncols - max(2, 0.6 + 0.12 * beside)
        room = height - 1.2 if text is ax.yaxis.label else wide
        return bool(len(whole) * 0.12 > room)  # inches that a letter takes; to draw a chart only to look takes long

    if not any(may_be_long(*each) for each in named):
        return
    for ease in (1.0, 0.9, 0.8, 0.7):  # what is broken moves the chart, so look again
        fig.get_layout_engine().execute(fig)
        fits = True
        for ax, text, whole in named:
            place, column = ax.get_window_extent(), fig.bbox.width / ax.get_subplotspec().get_gridspec().ncols
            middle = (place.x0 + place.x1) / 2
            beside = 2 * min(middle, fig.bbox.width - middle) if len(fig.axes) == 1 else 0.94 * column
            room = place.height if text is ax.yaxis.label else beside
            size = text.get_window_extent()
            long = size.height if text is ax.yaxis.label else size.width
            if whole and ax.get_visible() and long > room * 0.99:
                line = max(map(len, text.get_text().split("\n")))
                fits = False
                text.set_text(
                    textwrap.fill(whole, max(8, int(line * ease * room / long)), max_lines=4, placeholder=" …")
                )
        if fits:
            fig.set_layout_engine("none")
            return
