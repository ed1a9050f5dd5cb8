"""The words and figures of the dashboard: how a status, a metric, a number or a moment is said."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from artifacts.types import Spent, Used
from notebooks.telling import words as telling
from notebooks.telling.answers import OUTCOMES as OUTCOMES

STATUS = {
    "queued": "Queued",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
    "ok": "Done",
    "error": "Error",
    "unknown": "Unknown",
    "waiting": "Waiting",
    "retrying": "To be retried",
    "skipped": "Skipped",
    "missed": "Missed",
    "starting": "Starting",
    "lost": "Lost",
    "refused": "Not begun",
    "stale": "Stale",
    "not_run": "Not run",
}
DECISION = {"accepted": "Accepted", "edited": "Accepted with other arguments", "rejected": "Rejected"}
METRIC = telling.METRICS | {
    "pearson_r": "Pearson r",
    "spearman_r": "Spearman ρ",
    "cohens_d": "Cohen’s d",
    "k": "clusters",
}
"""Names of effects that stand alone, below a number."""
TYPE = {"claim": "Finding", "warning": "Warning", "null": "Tested, not found", "descriptive": "Context"}
VERDICT = {
    "pass": "Passed review",
    "pass_with_remarks": "Passed with remarks",
    "fail": "Sent back by review",
}
ROLE = {
    "input": "Input",
    "plot": "Plot",
    "table": "Table",
    "file": "File",
    "notebook": "Notebook",
    "report": "Report",
    "findings": "Findings",
}
_ONE_LINE = 44  # characters, as many as the card of a step has beside each other
_SCALE = {
    "pearson_r": (-1.0, 1.0, 0.0),
    "spearman_r": (-1.0, 1.0, 0.0),
    "r2": (0.0, 1.0, 0.0),
    "eta2": (0.0, 1.0, 0.0),
    "cramers_v": (0.0, 1.0, 0.0),
    "auc": (0.0, 1.0, 0.5),
}
_NEUTRAL = {"sd_ratio": 1.0, "odds_ratio_per_sd": 1.0, "hazard_ratio": 1.0}


def number(value: float | None) -> str:
    """A number as reports print it; `—` for nothing."""
    return "—" if value is None or not math.isfinite(value) else telling.number(value)


def p_value(value: float | None) -> str:
    """`p` as journals print it: `< 0.001`, or `= 0.021`."""
    if value is None or not math.isfinite(value):
        return ""
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def size(count: int) -> str:
    """Bytes in the unit that a person would choose."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("the last unit returns")


def moment(at: datetime) -> Markup:
    """A moment as `<time>`: UTC without script, the reader's own time with it."""
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}" data-ago>{} UTC</time>').format(
        at.isoformat(timespec="seconds"), at.strftime("%d %b %Y, %H:%M")
    )


def took(start: datetime, end: datetime | None, worked: float | None = None) -> Markup:
    """How long something took, or was worked on, in seconds; while it lasts, a clock that the browser keeps."""
    if end is None:
        return Markup('<time class="num" datetime="{}" data-since></time>').format(start.isoformat())
    return Markup('<span class="num">{}</span>').format(
        duration((end - start).total_seconds() if worked is None else worked)
    )


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def spent(used: Spent | Used) -> str:
    """The tokens and the money that models cost, as `20,480 tokens, $0.0312`; empty where none was asked."""
    if not used.tokens:
        return ""
    if not used.unpriced:
        return f"{used.tokens:,} tokens, ${used.usd:,.4f}"
    known = f"at least ${used.usd:,.4f}" if used.usd else "price not known"
    return f"{used.tokens:,} tokens, {known}"


def words(name: str) -> str:
    """`group_difference` as `Group difference`."""
    return _NAMES.get(name) or name.replace("_", " ").strip().capitalize()


_NAMES = {"driver": "Association", "simpsons_paradox": "Simpson’s paradox", "ab_effect": "A/B effect"}


def short(text: str, length: int = 90) -> str:
    """One line, cut at `length` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def fields(arguments: str) -> list[tuple[str, str]]:
    """The arguments of a step as a person edits them: text as itself, anything else as JSON, what is long in lines."""
    try:
        given = json.loads(arguments)
    except ValueError:
        return [("", arguments)]
    if not isinstance(given, dict):
        return [("", arguments)]
    return [(name, value if isinstance(value, str) else _lines(value)) for name, value in given.items()]


def _lines(value: Any) -> str:
    """JSON on one line, or with a line for each part of what is long."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _ONE_LINE or not isinstance(value, dict):
        return text
    parts = [f" {json.dumps(name)}: {json.dumps(part, ensure_ascii=False)}" for name, part in value.items()]
    return "\n".join(("{", ",\n".join(parts), "}"))


def arguments(before: str, edited: Mapping[str, str]) -> str | None:
    """The arguments as JSON text after somebody edited `fields`; None where nothing is different.

    Raises ValueError, with a sentence, for a value that is no text and no JSON.
    """
    given = json.loads(before)
    changed = dict(given)
    for name, text in edited.items():
        text = text.replace("\r\n", "\n")
        old = given.get(name)
        if isinstance(old, str):
            changed[name] = text
            continue
        try:
            changed[name] = json.loads(text)
        except ValueError as error:
            raise ValueError(
                f"{name} is {text[:40]!r}, which cannot be read as {_KINDS.get(type(old), 'JSON')}."
            ) from error
    return None if changed == given else json.dumps(changed, ensure_ascii=False)


_KINDS = {int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "an object"}


def apart(before: str | None, after: str | None, most: int = 12) -> list[tuple[str, str]]:
    """The lines by which two texts differ, each with `-` for what was and `+` for what is."""
    lines = difflib.ndiff((before or "").splitlines(), (after or "").splitlines())
    found = [(line[0], line[2:202]) for line in lines if line[0] in "+-" and line[2:].strip()]
    return found[:most] + ([("+", f"… {len(found) - most} more lines")] if len(found) > most else [])


def for_page(text: str) -> str:
    """A sentence of the rooms below as a page says it: without commands and flags of the terminal, for which the page
    has buttons, and without the folders of this machine."""
    told = []
    for sentence in re.split(r"(?<=[.!?])\s+", _FOLDER.sub("", text)):
        if (found := _TERMINAL.search(sentence)) is None:
            told.append(sentence)
        elif (end := max(sentence.rfind(mark, 0, found.start()) for mark in ",;(")) > 0:
            told.append(f"{sentence[:end].rstrip()}.")
    return " ".join(told)


_TERMINAL = re.compile(r"`gristmill\b|(?<![\w-])--[a-z][\w-]+|`(?:papermill|kill) ")
_FOLDER = re.compile(r"(?<![\w.])/(?:[^\s/'\"]+/)*upload-[^\s/'\"]+/(?:\d+/)?")


def interval(metric: str, value: float | None, ci: tuple[float | None, float | None] | None) -> Markup:
    """A small drawing of an estimate within its interval, against the value that would mean "nothing there"."""
    if value is None or ci is None or ci[0] is None or ci[1] is None:
        return Markup("")
    low, high = ci[0], ci[1]
    if not all(map(math.isfinite, (low, high, value))):
        return Markup("")
    if metric in _SCALE:
        left, right, null = _SCALE[metric]
    else:
        null = _NEUTRAL.get(metric, 0.0)
        left, right = min(low, null, value), max(high, null, value)
        pad = (right - left) * 0.12 or 1.0
        left, right = left - pad, right + pad

    def at(x: float) -> str:
        return f"{4 + 192 * min(max((x - left) / (right - left), 0), 1):.1f}"

    return Markup(
        '<svg class="interval" viewBox="0 0 200 22" role="img" aria-label="Interval from {} to {}">'
        '<line class="axis" x1="4" x2="196" y1="11" y2="11"/><line class="null" x1="{}" x2="{}" y1="3" y2="19"/>'
        '<line class="range" x1="{}" x2="{}" y1="11" y2="11"/><circle class="value" cx="{}" cy="11" r="4.5"/></svg>'
    ).format(number(low), number(high), at(null), at(null), at(low), at(high), at(value))
