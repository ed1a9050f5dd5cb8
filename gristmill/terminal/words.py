"""How values read in a terminal: durations, sizes, effects, and text from a sandbox made harmless."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from artifacts.types import Execution, Finding, Run
from notebooks.telling import words
from notebooks.telling.words import METRICS, read_effect

_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]|\x1b\[[0-?]*[ -/]*[@-~]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

STATUS_STYLES = {
    "queued": "dim",
    "running": "cyan",
    "waiting": "yellow",
    "done": "green",
    "failed": "red",
    "cancelled": "yellow",
    "interrupted": "yellow",
    "ok": "green",
    "error": "red",
    "unknown": "yellow",
}
TYPE_STYLES = {"claim": "bold", "warning": "bold yellow", "null": "dim", "descriptive": ""}


def clean(text: str) -> str:
    """Text that came out of a sandbox or a file, without anything that a terminal would obey.

    Of a line that was overwritten by carriage returns (a progress bar), what was last to be seen stays.
    """
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").expandtabs(4)
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROLS.sub("", text)


def one_line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


def seconds(value: float) -> str:
    """A duration: `0.4 s`, `12 s`, `3 min 05 s`, `1 h 02 min`."""
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: int) -> str:
    """A number of bytes: `812 B`, `34 KB`, `2.1 MB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("KB", "MB", "GB"):
        value /= 1000
        if value < 999.5 or unit == "GB":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError("unreachable")


def counted(count: int, thing: str) -> str:
    """`1 file`, `1,204 files`, `2 retries`."""
    several = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{count:,} {thing if count == 1 else several}"


def when(at: datetime) -> str:
    """A time of the record, in this machine's zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def status(run: Run) -> str:
    """A run's status, with its place while it waits."""
    return f"{run.status}, place {run.place}" if run.place else run.status


def took(run: Run | Execution) -> str:
    """How long a run was worked on, or a cell ran; empty while it goes on."""
    if isinstance(run, Run) and run.ended_at and run.worked is not None:
        return seconds(run.worked)
    begun = run.working_since if isinstance(run, Run) else run.started_at
    return seconds(max((run.ended_at - begun).total_seconds(), 0)) if run.ended_at else ""


def number(value: float | None) -> str:
    """A number as a person reads it: three significant digits, no noise."""
    if value is None:
        return "?"
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if 0.001 <= abs(value) < 1:
        return f"{value:.3f}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def kind(finding: Finding) -> str:
    """The name of a finding's kind, as a heading."""
    return clean(words.kind(finding))


def p_value(name: str, value: float) -> str:
    """`p < 0.001` or `p = 0.042`."""
    return f"{name} < 0.001" if value < 0.001 else f"{name} = {value:.3f}"


def numbers(finding: Finding) -> str:
    """A finding's size, interval, test and n on one line, as far as it has them."""
    parts: list[str] = []
    effect, test = read_effect(finding), finding.test
    if effect is not None and (effect.metric, effect.value) != ("count", finding.n):
        name = METRICS.get(effect.metric, effect.metric.replace("_", " "))
        text = f"{name} = {number(effect.value)}"
        if effect.ci is not None and None not in effect.ci:
            text += f" [{number(effect.ci[0])}, {number(effect.ci[1])}]"
        parts.append(text)
    if test is not None and test.q is not None:
        parts.append(p_value("q", test.q))
    elif test is not None and test.p is not None:
        parts.append(p_value("p", test.p))
    if finding.n is not None:
        parts.append(f"n = {finding.n:,}")
    return "   ".join(parts)


def first_lines(lines: Sequence[str], most: int) -> tuple[list[str], int]:
    """The first lines and how many were left out; leaving out a single line would save nothing, so it stays."""
    if len(lines) <= most + 1:
        return list(lines), 0
    return list(lines[:most]), len(lines) - most


def engine(model: str, rule_based: bool) -> str:
    """What answers, and that it is rule-based where it is."""
    return f"Rule-based analyst ({model}), no model asked" if rule_based else f"model {model}"
