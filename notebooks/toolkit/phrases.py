"""Numbers, counts and units in sentences and on axes."""

from typing import Any

from notebooks.toolkit.naming import name_and_unit
from notebooks.toolkit.wording import measured_text, number


def unit_of(column: str) -> str:
    """The unit that a column's name gives (EUR, mm, °C), or nothing."""
    return name_and_unit(column)[1]


def signed_number(x: float, unit: str = "") -> str:
    """A difference with its sign and unit: +1,375 g, −0.44 EUR."""
    told = number(abs(x))
    sign = "" if not any(c in "123456789" for c in told) else "+" if x > 0 else "−"
    return sign + measured_text(told, unit)


def several(n: int, one: str) -> str:
    """So many of something: 1 row, 1,200 rows."""
    return f"{n:,} {one}" + ("" if n == 1 else "s")


def plain_ticks(ax: Any, *axes: str) -> None:
    """Marks of an axis that are few enough to read, with thousands separated."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for name in axes:
        axis = ax.xaxis if name == "x" else ax.yaxis
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(_mark))


def _mark(x: float, _: Any = None) -> str:
    return f"{x:,.10g}".replace("-", "−")


def dot_with_interval(ax: Any, y: float, x: float, ends: Any, colour: str, told: str) -> None:
    """A value with its interval on a chart, and its number above."""
    ax.plot(ends, [y, y], color=colour, lw=3)
    ax.plot(x, y, "o", color=colour, ms=9)
    ax.annotate(told, (x, y), (0, 9), textcoords="offset points", ha="center", fontweight="bold")
