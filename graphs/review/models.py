"""Checks of predictions that reading tells: what comes later, what is too good to be true. Which rows were learnt from
and tested, the second run shows (`graphs.review.watch`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphs.review.base import Found, Work, check
from graphs.review.prose.figures import values
from graphs.review.syntax import without_magics, written_text

PREDICTS = re.compile(r"\.fit\(|train_test_split|cross_val|SearchCV")
_LATER = re.compile(
    r"^[^=(]+=(?!=).*\.(?:(?:shift|diff|pct_change)\(\s*(?:periods\s*=\s*)?-|(?:bfill|backfill)\(|"
    r"rolling\([^)\n]*center\s*=\s*True)"
)
_OUTCOME = re.compile(r"^[^=]*(?:target|label|next|ahead|future|tomorrow|(?<![a-z])y(?![a-z]))[^=]*=", re.I)
_SHUFFLED = re.compile(
    r"\btrain_test_split\((?![^)]*shuffle\s*=\s*False)|\b(?:Stratified)?KFold\([^)]*shuffle\s*=\s*True|ShuffleSplit\("
)
_AHEAD = re.compile(r"forecast|ahead|tomorrow|next (day|week|month|quarter|year)|future", re.I)
_PERFECT = {
    r"\bAUC\b|\bROC\b": 0.985, r"R²|\bR2\b|r2_score|R-squared": 0.985, r"Cram[ée]r'?s V|cramers_v": 0.95,
    r"\bF1\b": 0.99, r"\baccuracy\b": 0.995, r"eta²|\beta2\b|η²": 0.97,
}  # fmt: skip
_OF_TRAINING = re.compile(r"\btrain\w*|in[- ]sample|\bfitted to\b", re.I)
_LEAK_TOLD = re.compile(
    r"(?<!not )(?<!no )(?:\bleak\w*|restates|left out|leaves? out|known only after|not known (?:until|before)|"
    r"after the (?:outcome|fact)|by construction)",
    re.I,
)


@check("later_rows", "Make features of earlier rows only (shift(1), then roll); test on later rows (shuffle=False).")
def later_rows(work: Work) -> Iterator[Found]:
    """Nothing is predicted from what comes after it."""
    ahead = "time" in work.roles and _AHEAD.search(f"{work.view.run.goal} {work.said}")
    series = ahead or re.search(r"\.(?:shift|rolling)\(", work.code)
    for cell in work.written if PREDICTS.search(work.code) else ():
        if any(_LATER.search(x) and not _OUTCOME.match(x) for x in without_magics(cell.code).splitlines()):
            yield (
                cell.cell,
                "a feature is made of later rows (a shift back, a centred window, a gap filled from behind), which are "
                "not known when the prediction is made.",
            )
        if series and _SHUFFLED.search(cell.code):
            yield (
                cell.cell,
                "the rows of a series are shuffled before they are split, so the model is tested on days between those "
                "that it has learnt from.",
            )


@check("leakage", "Find which column is known only after the outcome or computed from it, leave it out, and say so.")
def leakage(work: Work) -> Iterator[Found]:
    """No prediction is too good to be true."""
    topic = " ".join([work.view.run.goal, *(str(c["name"]) for t in work.tables for c in t["columns"])]).lower()
    told = any(m[0].lower() not in topic for m in _LEAK_TOLD.finditer(work.said))
    if told or any(f.kind == "target_leakage" for f in work.view.findings):
        return
    for cell in work.written:
        lines = written_text(cell).splitlines() if "target" in work.roles or PREDICTS.search(cell.code) else ()
        if what := next(filter(None, map(_too_good, lines)), ""):
            yield cell.cell, f"{what} is too good to be true: a column that it rests on may restate the outcome."


def _too_good(line: str) -> str:
    """A measure of prediction in a line that is nearly perfect, as it stands there."""
    for measure, most in _PERFECT.items() if not _OF_TRAINING.search(line) else ():
        for match in re.finditer(measure, line, re.I):
            rest = re.split(r"[;,]\s*(?=[^\W\d])", line[match.end() : match.end() + 80])[0]
            if (best := max((v for v in values(rest)[:6] if 0 <= v <= 1), default=0)) >= most:
                return f"{match[0]} {best:g}"
    return ""
