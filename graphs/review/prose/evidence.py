"""Checks of what the report rests on: cells that ran, enough rows, and no cause without an experiment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check, mends, sentences
from graphs.review.mentions import columns, flags, is_key, labels
from graphs.review.prose.figures import sentences as figures_sentences

SMALL = 30
HANDFUL = 12
"""Rows below which a claim has to say that it rests on few, and below which one that does not say so is sent back."""
SMALL_WORDS = re.compile(
    r"\b(small|few|only|tiny|limited|n\s*=|low power|underpowered|wide interval|nur\b|wenige?\b|s[oó]lo\b|poc[oa]s\b|"
    r"seulement|peu de|pochi\b)",
    re.I,
)
_CAUSE = re.compile(
    r"\b(?:caus(?:e|es|ed|ing)|leads? to|led to|because(?: of)?|due to|owing to|thanks to|results? in|resulted in|"
    r"drives?|drove|driven by|brings? about|brought about|responsible for|(?:is|are|was) why|the reason|pays? off|"
    r"(?:has|had|have) an? (?:\w+ )?(?:effect|impact|influence) on|"
    r"m(?:akes?|ade) (?:\w+ ){1,3}(?:more|less|better|worse|\w{3,}er|rise|fall|stay|leave|buy|spend|go|come)\b|"
    r"(?<!\bto )(?:(?:increase|reduce|raise|boost|cut|prevent|improve|worsen|shorten|lengthen|strengthen|weaken|hurt|"
    r"push|pull|lift|encourage|discourage)(?:d|ed|es|s)?|(?:lower|slow|help|keep)s) "
    r"(?!(?:with|by|from|in|to|at|over|each|every|as|until|after|between|for|of|on|is|was|are|than|and|or|again|only|"
    r"more|most|less|much|further|since|\w+ly)\b)(?=[a-z]))",
    re.I,
)
"""Words by which one thing is said to make another happen, in English."""
_DENIED = re.compile(r"\b(?:not|never|no|cannot|n't|whether|nor|without|missing|if)\b[^.;:]{0,60}$", re.I)
_RANDOMISED = re.compile(r"randomi[sz]ed|experiment|a/?b[- ]test|at random|\bRCT\b", re.I)
_DECLARED_NOT = re.compile(r"\b(not|non|quasi)\b|non-|quasi-", re.I)


@check("evidence")
def evidence(work: Work) -> Iterator[Found]:
    """Every headline finding names a cell that ran to its end."""
    for finding in work.headlines:
        cell = work.cells.get(finding.evidence.cell)
        if cell is None:
            yield Objection(
                where=finding.id,
                problem=f"its evidence, {finding.evidence.cell}, is no cell of this notebook.",
                mend="Report the finding from the cell that computes it.",
            )
        elif cell.status != "ok":
            yield Objection(
                where=finding.id,
                problem=f"its evidence, {cell.cell}, did not run to its end.",
                mend="Mend the cell and report the finding again.",
            )


@check("failed_cells")
def failed_cells(work: Work) -> Iterator[Found]:
    """No cell was left failed."""
    everything = work.view.executions
    admitted = " ".join((work.report.answer, *work.report.not_checked))
    for i, cell in enumerate(everything):
        if cell.status in ("ok", "running") or cell.cell in admitted:
            continue
        if any(later.status == "ok" and mends(later, cell) for later in everything[i + 1 :]):
            continue
        what = f"{cell.error.name}: {cell.error.value[:120]}" if cell.error else "it was stopped before its end"
        yield Objection(
            where=cell.cell,
            problem=f"the cell failed ({what}) and nothing after it does what it was for.",
            mend=f"Mend it in a new cell, or say among the things not checked that {cell.cell} failed and why.",
        )


@check("small_n")
def small_n(work: Work) -> Iterator[Found]:
    """Claims that rest on few rows say so."""
    for finding in work.headlines:
        if finding.type != "claim" or finding.n is None or finding.n >= SMALL:
            continue
        if finding.confidence == "high":
            yield Objection(
                where=finding.id,
                problem=f"it rests on {finding.n} rows, fewer than {SMALL}, and its confidence is called high.",
                mend=f"Report it again with n = {finding.n} as a caveat and a lower confidence.",
            )
        elif not SMALL_WORDS.search(" ".join((finding.text, *finding.caveats))):
            if finding.n < HANDFUL and finding.evidence.cell in work.by_hand:
                yield few_rows(finding.id, f"it rests on a handful of rows, {finding.n},")
            else:
                yield f"{finding.id} rests on only {finding.n} rows."


def few_rows(where: str, what: str) -> Objection:
    """That something stands for a handful of rows, and nobody is told so."""
    return Objection(
        where=where,
        problem=f"{what} and the report does not say so.",
        mend="Say in the sentence how few there are, or leave those out of the claim.",
    )


@check("causal_words")
def causal_words(work: Work) -> Iterator[Found]:
    """No cause is claimed in so many words that the design does not allow."""
    if randomised(work):
        return
    for where, text in sentences(work):
        for claim in _CAUSE.finditer(text):
            if not _DENIED.search(text[: claim.start()]) and "?" not in text[claim.end() :].partition(".")[0]:
                said = f"“{claim.group().strip()}” ({where}) claims a cause, and no randomised assignment was declared"
                clause = next((c for c in figures_sentences(text) if claim.group() in c), text)
                about = f"{clause} {work.view.run.goal}"
                named = [*labels(about, work.tables), *flags(about, work.tables)]
                of = {c for c in (*columns(about, work.tables), *(n.column for n in named)) if not is_key(c)}
                if len(of) < 2:
                    yield f"{said}: the two go together, and something else may explain it."
                    continue
                yield Objection(
                    where=where,
                    problem=f"{said}: {' and '.join(sorted(of)[:2])} go together, and something else may explain it.",
                    mend="Say that they go together, or differ; a cause needs an experiment.",
                )
                return


def randomised(work: Work) -> bool:
    """Whether somebody declared an assignment, or says that there was one, and its shares were not found wanting."""
    roles = [f"{role} {column}" for role, column in work.roles.items()]
    if any(_DECLARED_NOT.search(r) and _RANDOMISED.search(r) for r in roles):
        return False
    declared = any(re.match(r"(?:assignment|treatment|arm) ", r) or _RANDOMISED.search(r) for r in roles)
    said = " ".join((work.view.run.goal, work.given, *(text for _, text in sentences(work))))
    told = any(not _DENIED.search(said[: m.start()]) for m in _RANDOMISED.finditer(said))
    return (declared or told) and not any(f.kind == "sample_ratio_mismatch" for f in work.view.findings)
