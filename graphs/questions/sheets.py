"""What a workbook's further sheets have of a question: only its first sheet is read."""

from __future__ import annotations

from graphs.questions.reader.text import name_words, stem
from graphs.questions.source import Tables


def elsewhere(text: str, tables: Tables) -> str:
    """The sentence that names a column of a further sheet that a text speaks of and no table has; empty if none is."""
    own = {stem(w) for t in tables for c in t["columns"] for w in name_words(str(c["name"]))}
    said = {stem(w) for w in name_words(text) if len(w) > 2} - own
    sheets = ((t["name"], *sheet) for t in tables for sheet in (t.get("sheets") or {}).items())
    found = ((file, sheet, c) for file, sheet, some in sheets for c in some if said & {*map(stem, name_words(c))})
    save = "only the first is read: save it as a file of its own and name that file, too."
    return next(
        (f"“{c}” is a column of the sheet “{sheet}” of {file}, of which {save}" for file, sheet, c in found), ""
    )
