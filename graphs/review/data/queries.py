"""Reading queries: what a join multiplies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from graphs.review.data import tables as data

if TYPE_CHECKING:
    import pandas as pd

_SOURCE = re.compile(
    r"\b(?P<how>from|join)\s+(?:read_\w+\s*\(\s*)?[\'\"]?(?P<name>[\w./\-]+)[\'\"]?\s*(?:\)\s*)?"
    r"(?:as\s+)?(?P<alias>(?!(?:using|on|join|left|right|inner|outer|full|cross|where|group|order|limit)\b)\w+)?\s*"
    r"(?:using\s*\((?P<using>[^)]*)\)|on\s+(?P<on>(?:(?!\b(?:join|where|group|order|left|inner|right|limit)\b).)*))?",
    re.I | re.S,
)
_TAKEN = re.compile(r"\b(?:sum|avg|mean|median|count)\s*\(\s*(?:(?P<alias>\w+)\.)?(?P<column>\w+)\s*\)", re.I)


def multiplied(query: str, frames: Mapping[str, pd.DataFrame]) -> str | None:
    """The key on which a query joins a table whose rows share it, summing a column of the other side.

    Only tables that are at hand and named in the query itself are judged: what a subquery made of one is not.
    """
    if not re.search(r"\bjoin\b", query, re.I):
        return None
    sources = [(m, _frame(m["name"], frames)) for m in _SOURCE.finditer(query)]
    by_alias = {(m["alias"] or re.sub(r"\.\w+$", "", m["name"])).lower(): f for m, f in sources if f is not None}
    held = [f for _, f in sources if f is not None]
    for match, frame in sources:
        if match["how"].lower() != "join" or frame is None:
            continue
        keys = [k.strip() for k in (match["using"] or "").split(",")] if match["using"] else _keys(match["on"] or "")
        if not keys:
            continue
        for taken in _TAKEN.finditer(query):
            holder = by_alias.get(taken["alias"].lower()) if taken["alias"] else None
            if holder is None and not taken["alias"]:
                holder = next((f for f in held if taken["column"] in f), None)
            if holder is None or not set(keys) <= set(holder.columns):
                continue
            others = [frame] if holder is not frame else [f for f in held if f is not frame]
            if any(set(keys) <= set(f.columns) and data.repeats(f, keys) for f in others):
                return ", ".join(keys)
    return None


_MADE = re.compile(
    r"\b(?:create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:table|view)\s+(?:if\s+not\s+exists\s+)?(?P<name>\w+)\s+as"
    r"|(?:with|,)\s*(?P<with>\w+)\s+as)\s*\(?\s*(?:select\s+\*\s+from\s+|from\s+)?"
    r"(?:read_\w+\s*\(\s*)?['\"](?P<file>[^'\"]+)['\"]\s*\)?\s*\)?\s*(?=;|,|select\b|$)",
    re.I,
)


def renamed(statements: Iterable[str], frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables and views that queries make of a whole file, by their names."""
    made = {}
    for text in statements:
        for match in _MADE.finditer(text):
            if (frame := _frame(match["file"], frames)) is not None:
                made[match["name"] or match["with"]] = frame
    return made


def _frame(name: str, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    stem = name.rsplit("/", 1)[-1].lower()
    return next((f for n, f in frames.items() if stem in (n.lower(), n.lower().rsplit(".", 1)[0])), None)


def _keys(condition: str) -> list[str]:
    """The columns of `a.k = b.k and a.l = b.l`, where both sides are called the same."""
    pairs = re.findall(r"\w+\.(\w+)\s*=\s*\w+\.(\w+)", condition)
    return [a for a, b in pairs if a == b]
