"""Words, numbers and units as every surface tells them."""

from __future__ import annotations


def number(value: float | None) -> str:
    """A number for reading: three significant digits, a true minus sign, thousands apart."""
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}"
    elif 1e-3 <= abs(value) < 1e3:
        text = f"{value:#.3g}".rstrip(".")
    elif abs(value) < 1e-3:
        text = f"{value:.1e}"
    else:
        text = f"{value:,.0f}"
    return text.replace("-", "−")
