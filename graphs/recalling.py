"""Questions about what is there: which cell shows it, how it came about, what a measure means. No cell is run for them.

They are told apart by what they ask for (a cell, a reason, a meaning), and answered from the answers before.
"""

from __future__ import annotations

import re

from artifacts.events import RunView
from artifacts.types import Answer, Turn

_CELL = re.compile(r"\b(which|what|where)\b.*\b(cells?|notebook|code|calculated|computed|shown?|shows)\b", re.I)
_WHY = re.compile(r"^\W*(but |and |so )?(why|how come|how (is|was|did you get) (that|this|it)|based on what)\W*$", re.I)
_MEANING = re.compile(
    r"\bwhat (?:does|do|is meant by|is the meaning of) (?:(?:the|that|this|an?) )?(?P<does>[^?]+?)"
    r"(?: means?| stands? for)?(?: here)?\W*$"
    r"|^\W*(?:what is|what's|explain|define) (?:(?:the|that|this|an?) )?(?P<is>[^?]+?)(?: here)?\W*$",
    re.I,
)

MEASURES = {
    ("η²", "η2", "eta2", "eta squared", "eta-squared"): "η² (eta squared) is the share of a number's variance that its "
    "groups account for, from 0 (the groups do not differ) to 1.",
    ("r", "pearson's r", "pearson r", "pearson_r"): "Pearson's r says how closely two numbers follow a straight line, "
    "from -1 through 0 (no linear relation) to 1.",
    ("spearman's rho", "rho", "ρ", "spearman_r"): "Spearman's ρ is the correlation of ranks: how closely one number "
    "rises or falls with the other, along a straight line or not.",
    ("r2", "r²", "r squared"): "R² is the share of the target's variance that a model accounts for.",
    (
        "p",
        "p value",
        "p-value",
    ): "The p-value is the probability of a difference at least as large as this one if there were none.",
    ("q", "q value", "q-value"): "q is the p-value corrected for the number of tests made with it.",
    ("ci", "confidence interval"): "A 95 % confidence interval comes from a procedure that covers the true value in 95 "
    "of 100 samples.",
    ("d", "cohen's d", "cohens_d"): "Cohen's d is the difference of two means in standard deviations.",
    (
        "v",
        "cramer's v",
        "cramér's v",
        "cramers_v",
    ): "Cramér's V says how closely two categories go together, from 0 to 1.",
    ("auc",): "The AUC is the probability that a model ranks a random positive above a random negative; 0.5 is chance.",
    ("median",): "The median is the value with half of the rows below it and half above.",
    (
        "standard deviation",
        "std",
        "sd",
    ): "The standard deviation is the root of the mean squared distance from the mean.",
    ("iqr", "interquartile range"): "The interquartile range is the distance between the lower and the upper quartile.",
}
"""What measures mean, under the words by which people name them."""

_VALUE = re.compile(
    r"^\W*(?:and )?what(?: is|'s) the (?:median|standard deviation|std|sd|iqr|interquartile range)\W*$", re.I
)
"""What asks for a statistic of a column, and not for what it means."""


def recalled(view: RunView, turn: Turn) -> Answer | None:
    """The answer to a message that only asks about what is there; None for one that asks for something new."""
    if (text := _meaning(turn.message)) is not None:  # which no cell shows
        return Answer(part=turn.message, question=turn.id, status="answered", text=text)
    rests = [a for a in reversed(view.answers) if a.status != "not_answered" and a.evidence]
    last = next((a for a in rests if a.query or a.values), next(iter(rests), None))  # not one that only recalls another
    if last is None or (text := _told(turn.message, last)) is None:
        return None
    return Answer(part=turn.message, question=turn.id, status="answered", text=text, evidence=last.evidence)


def _meaning(message: str) -> str | None:
    found = _MEANING.search(message.strip()) if not _VALUE.match(message) else None
    named = (found["does"] or found["is"] or "").strip(" “”\"'").casefold() if found else ""
    return next((said for names, said in MEASURES.items() if named in names), None)


def _told(message: str, last: Answer) -> str | None:
    cells = ", ".join(dict.fromkeys(e.cell for e in last.evidence))
    if _CELL.search(message) and re.search(r"\b(that|this|it|these|those)\b", message, re.I):
        return f"{cells} shows it: {last.text}"
    if _WHY.search(message):
        return " ".join((f"It was computed in {cells} from the files' rows: {last.text}", *last.notes))
    return None
