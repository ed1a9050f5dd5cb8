"""Checks of predictions that reading tells: what comes later, what is too good to be true. Which rows were learnt from
and tested, the second run shows (`graphs.review.watch`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check, sentences
from graphs.review.prose.figures import values
from graphs.review.syntax import without_magics, written_text

PREDICTS = re.compile(r"\.fit\(|train_test_split|cross_val|SearchCV")
_LATER = re.compile(
    r"^[^=(]+=(?!=).*\.(?:shift|diff|pct_change)\(\s*(?:periods\s*=\s*)?-|^[^=(]+=(?!=).*\.(?:(?:bfill|backfill)\(|rolling\([^)\n]*center\s*=\s*True)"
)
_OUTCOME = re.compile(r"^[^=]*(?:target|label|next|ahead|future|tomorrow|(?<![a-z])y(?![a-z]))[^=]*=", re.I)
_SHUFFLED = re.compile(
    r"\btrain_test_split\((?![^)]*shuffle\s*=\s*False)|\b(?:Stratified)?KFold\([^)]*shuffle\s*=\s*True|ShuffleSplit\("
)
_AHEAD = re.compile(r"forecast|ahead|tomorrow|next (day|week|month|quarter|year)|future", re.I)
_PERFECT = {"auc": 0.985, "r2": 0.985, "cramers_v": 0.95, "eta2": 0.97, "accuracy": 0.995, "f1": 0.99}
_MEASURE = re.compile(
    r"(?P<auc>\bAUC\b|\bROC\b)|(?P<r2>R²|\bR2\b|r2_score|R-squared|\br2\b)|(?P<cramers_v>Cram[ée]r'?s V|cramers_v)|"
    r"(?P<f1>\bF1\b)|(?P<accuracy>\baccuracy\b)|(?P<eta2>eta²|\beta2\b|η²)",
    re.I,
)
_OF_TRAINING = re.compile(r"\btrain\w*|in[- ]sample|\bfitted to\b", re.I)
_LEAK_TOLD = re.compile(
    r"(?<!not )(?<!no )(?:\bleak\w*|restates|left out|leaves? out|known only after|not known (?:until|before)|"
    r"after the (?:outcome|fact)|by construction)",
    re.I,
)


@check("later_rows")
def later_rows(work: Work) -> Iterator[Found]:
    """Nothing is predicted from what comes after it."""
    code = "\n".join(x.code for x in work.written)
    said = " ".join([work.view.run.goal, *(text for _, text in sentences(work))])
    series = ("time" in work.roles and _AHEAD.search(said)) or re.search(r"\.(?:shift|rolling)\(", code)
    for cell in work.written if PREDICTS.search(code) else ():
        for line in without_magics(cell.code).splitlines():
            if _LATER.search(line) and not _OUTCOME.match(line):
                yield Objection(
                    where=cell.cell,
                    problem="a feature is made of later rows (a shift back, a centred window, a gap filled from "
                    "behind), which are not known when the prediction is made.",
                    mend="Make features of earlier rows only: shift(1) first, then roll.",
                )
                return
        if series and _SHUFFLED.search(cell.code):
            yield Objection(
                where=cell.cell,
                problem="the rows of a series are shuffled before they are split, so the model is tested on days "
                "between those that it has learnt from.",
                mend="Learn from the earlier rows and test on the later ones (TimeSeriesSplit, or shuffle=False).",
            )
            return


@check("leakage")
def leakage(work: Work) -> Iterator[Found]:
    """No prediction is too good to be true."""
    topic = " ".join([work.view.run.goal, *(str(c["name"]) for t in work.tables for c in t["columns"])]).lower()
    told = {m[0].lower() for _, text in sentences(work) for m in _LEAK_TOLD.finditer(text)}
    if any(f.kind == "target_leakage" for f in work.view.findings) or any(t not in topic for t in told):
        return
    for cell in work.written:
        for line in written_text(cell).splitlines() if "target" in work.roles or PREDICTS.search(cell.code) else ():
            if (what := _too_good(line)) is not None:
                yield Objection(
                    where=cell.cell,
                    problem=f"{what} is too good to be true: a column that it rests on may restate the outcome.",
                    mend="Find which column is known only after the outcome or computed from it, leave it out, and "
                    "say so.",
                )
                return


def _too_good(line: str) -> str | None:
    """A measure of prediction in a line that is nearly perfect, as it stands there."""
    for match in _MEASURE.finditer(line) if not _OF_TRAINING.search(line) else ():
        rest = re.split(r"[;,]\s*(?=[^\W\d])", line[match.end() : match.end() + 80])[0]
        found = [v for v in values(rest)[:6] if 0 <= v <= 1]
        if match.lastgroup is not None and found and max(found) >= _PERFECT[match.lastgroup]:
            return f"{match[0]} {max(found):g}"
    return None
