"""How columns, levels and numbers are written in a sentence or a chart."""

import re
import textwrap
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.naming import name_and_unit

METRICS = {
    "pearson_r": "r",
    "spearman_r": "Spearman's ρ",
    "r2": "R²",
    "cohens_d": "Cohen's d",
    "eta2": "η²",
    "cramers_v": "Cramér's V",
}


def say(column: str) -> str:
    """A column's name as a reader says it: `bill_length_mm` → bill length; a question or a sentence comes in quotes."""
    words = name_and_unit(column)[0]
    return f"“{words}”" if " " in str(column).strip() and ("?" in words or len(words.split()) > 3) else words


def label(column: str) -> str:
    """A column's name for an axis, with its unit: `bill_length_mm` → Bill length (mm)."""
    words, unit = name_and_unit(column)
    return capital(words) + (f" ({unit})" if unit else "")


def capital(text: str) -> str:
    """A text that begins with a capital; but pH stays pH, and a file keeps its name."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return text[:1].upper() + text[1:] if first.islower() and "." not in first[:-1] else text


def with_unit(x: float, column: str) -> str:
    """A value of a column for a sentence, with its unit: 217 mm, €217."""
    return measured_text(number(x), name_and_unit(column)[1])


def measured_text(text: str, unit: str) -> str:
    """A number's text with its unit; the sign of a currency stands before it."""
    if unit in ("$", "£", "€", "¥"):
        return re.sub(r"(?=\d)", unit, text, count=1)
    return f"{text} {unit}" if unit else text


def short(level: Any, most: int = 24) -> str:
    """A level for a chart, where a long one would leave the chart no room."""
    text = str(level)
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def tick(level: Any) -> str:
    """A level's name beside an axis: a long one on two lines."""
    return textwrap.fill(str(level), 24, max_lines=2, placeholder=" …")


def number(x: float) -> str:
    """A number for a sentence: three significant digits, thousands separated, a true minus sign."""
    whole = abs(x) >= 100 or x == int(x)
    digits = 0 if whole else max(0, 2 - int(np.floor(np.log10(abs(x)))))
    return f"{x:,.{digits}f}".replace("-", "−")


def as_text(x: Any, decimals: int | None = None) -> str:
    """A value of an answer: a whole number as such, another to these decimals, else to four significant digits, or
    below 1 to three."""
    if isinstance(x, pd.Timestamp):
        return f"{x:%Y-%m-%d}" if x == x.normalize() else f"{x:%Y-%m-%d %H:%M}"
    if isinstance(x, (bool, np.bool_)):
        return "yes" if x else "no"
    if not isinstance(x, (int, float, np.integer, np.floating)):
        return "missing" if x is None or x is pd.NA or x is pd.NaT else str(x)
    if np.isnan(x):
        return "missing"
    size = abs(float(x))
    if size < 1e15 and x == int(x) and (decimals is None or isinstance(x, (int, np.integer))):
        return f"{int(x):,}".replace("-", "−")
    if decimals is None and x and not 1e-4 <= size < 1e15:
        return f"{x:.4g}".replace("-", "−")
    return f"{x:,.{digits_of(size) if decimals is None else decimals}f}".replace("-", "−")


def digits_of(size: float) -> int:
    """How many decimals a number of this size is told to."""
    return max(0, (3 if size >= 1 else 2) - int(np.floor(np.log10(size)))) if size else 0


def alike(numbers: Any) -> int | None:
    """How many decimals all numbers of a list are told to, so that they can be compared; None where one number of
    decimals does not suit them all, or where all are whole."""
    sizes = [abs(float(x)) for x in numbers if isinstance(x, (int, float, np.integer, np.floating)) and np.isfinite(x)]
    sizes = [x for x in sizes if x]
    if not sizes or all(x == int(x) for x in sizes):
        return None
    digits = digits_of(max(sizes))
    return digits if min(sizes) >= 10.0 ** (1 - digits) else None


def as_name(x: Any) -> str:
    """A value that names a group or a row: 2005 and 3, not 2,005 and 3.0."""
    if isinstance(x, (float, np.floating)) and np.isfinite(x):
        return f"{x:.12g}"
    return str(x) if isinstance(x, (int, np.integer)) and not isinstance(x, (bool, np.bool_)) else as_text(x)


def one_or_list(values: Any) -> Any:
    """One value as it is, or several as one text with commas between them."""
    given = [v.item() if isinstance(v, np.generic) else v for v in values]
    return given[0] if len(given) == 1 else ", ".join(map(as_name, given))


def percent(x: float, digits: int = 0) -> str:
    """A share for a sentence: 0.052 → 5 %."""
    return f"{100 * x:.{digits}f} %".replace("-", "−")


def signed(x: float, digits: int = 2) -> str:
    """A correlation or difference with its sign: +0.39, −0.235."""
    return f"{x:+.{digits}f}".replace("-", "−")


def decimals(ends: Any, digits: int = 2) -> int:
    """How many decimals tell the ends of a correlation's interval apart, at most four."""
    return next((k for k in range(digits, 4) if signed(ends[0], k) != signed(ends[1], k)), 4)


def from_to(ends: Any, digits: int = 2) -> str:
    """The ends of a correlation's interval, with as many decimals as tell them apart: −0.943 to −0.938."""
    return " to ".join(signed(end, decimals(ends, digits)) for end in ends)


def chance(p: float) -> str:
    """A p-value for a sentence."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
