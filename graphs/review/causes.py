"""Checks of what a relation of two columns may be taken to say: no cause without an experiment, and nothing that the
table shows the other way round within groups."""

from __future__ import annotations

import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check, sentences
from graphs.review.mentions import columns, flags, is_key, labels, telling
from graphs.review.models import PREDICTS
from graphs.review.prose.figures import sentences as clauses
from graphs.review.tables import turned

_CAUSE = re.compile(
    r"\b(?:caus(?:e|es|ed|ing)|leads? to|led to|because(?: of)?|due to|owing to|thanks to|results? in|resulted in|"
    r"drives?|drove|driven by|brings? about|brought about|responsible for|(?:is|are|was) why|the reason|pays? off|"
    r"(?:has|had|have) an? (?:\w+ )?(?:effect|impact|influence) on|"
    r"(?:bring|brought|dr[ia]v|drove|push|pull|ke[ep]p|slow|hold|held)\w* (?:\w+ ){1,4}(?:up|down|low|high|back)\b|"
    r"(?:rais|lower|cutt|reduc|increas|add|keep|remov)ing\b[^.;:]{0,50}\b(?:would|will|could)\b|"
    r"(?:could|would|can) (?:be |have )?(?:sav|avoid|gain|prevent|cut|reduc|rais|increas|improv|lift|lower)\w*|"
    r"\bif\b[^.;:]{3,60}\bwould\b|would (?:\w+ ){0,2}(?:fall|rise|drop|grow|sink|climb|save|gain|improve|vanish)|"
    r"(?:cost|wear|tir|scar|turn|driv|put)(?:s|es|ing) (?:our|the|their|people|customers|them|off|out|away)\b|"
    r"(?!(?:show|tell|give|let|allow|lead|leave|remind)s)\w{3,}s us\b(?! [€$£]?\d)|"
    r"puts? (?:\w+ ){1,3}in an? |pays? for (?:itself|themselves)|"
    r"(?:is|are) to blame|the (?:result|consequence) of|as a (?:result|consequence)|stems? from|makes? the difference|"
    r"m(?:akes?|ade) (?:\w+ ){1,3}(?:more|less|better|worse|\w{3,}er|rise|fall|stay|leave|buy|spend|go|come)\b|"
    r"(?<!\bto )(?:(?:increase|reduce|raise|boost|cut|prevent|improve|worsen|shorten|lengthen|strengthen|weaken|hurt|"
    r"push|pull|lift|encourage|discourage)(?:d|ed|es|s)?|(?:lower|slow|help|keep)s) "
    r"(?!(?:with|by|from|in|to|at|over|each|every|as|until|after|between|for|of|on|is|was|are|than|and|or|again|only|"
    r"more|most|less|much|further|since|\w+ly)\b)(?=[a-z]))",
    re.I,
)
"""Words by which one thing is said to make another happen, in English."""
_ARITHMETIC = re.compile(r"\b(?:mean|average|median|total|sum|figures?|numbers?|rates?|curve|line)\b", re.I)
"""What a few great values may pull up without anybody's doing."""
_REASON = re.compile(r"because|due|owing|reason|why|responsible|result|pull|push|drag", re.I)
_DENIED = re.compile(r"\b(?:not|never|no|cannot|n't|whether|nor|without|missing|if)\b[^.;:]{0,60}$", re.I)
_RANDOMISED = re.compile(r"randomi[sz]ed|experiment|a/?b[- ]test|at random|\bRCT\b", re.I)
_TOLD = re.compile(
    r"\bwithin\b|inside (each|every)|simpson|revers|turns? (round|about|around)|opposite|confound|flips?\b|"
    r"the other way|(in|at) (each|every|all) |adjust|controll?(ed|ing)|\bnet of\b|held (constant|equal|fixed)|"
    r"at the same",
    re.I,
)
_DECLARED_NOT = re.compile(r"\b(not|non|quasi)\b|non-|quasi-", re.I)


@check("causal_words")
def causal_words(work: Work) -> Iterator[Found]:
    """No cause is claimed in so many words that the design does not allow."""
    if randomised(work):
        return
    named = {str(c["name"]).casefold() for t in work.tables for c in t["columns"]}
    for where, text in sentences(work):
        for claim in _CAUSE.finditer(text):
            if (
                _ARITHMETIC.search(claim[0])
                or re.split(r"\W", text[claim.start() :], maxsplit=1)[0].casefold() in named
            ):
                continue  # a column of driveways, or of cuts
            if not _DENIED.search(text[: claim.start()]) and "?" not in text[claim.end() :].partition(".")[0]:
                said = f"“{claim.group().strip()}” ({where}) claims a cause, and no randomised assignment was declared"
                clause = next((c for c in clauses(text) if claim[0] in c), text)
                of = _about(work, clause, work.view.run.goal)
                acts = not _REASON.search(claim[0]) and _about(work, clause.replace(claim[0], " "))
                if len(of) < 2 and not acts and not re.search(r"\bwould\b", claim[0]):
                    yield f"{said}: the two go together, and something else may explain it."
                    continue
                yield Objection(
                    where=where,
                    problem=f"{said}: {' and '.join(of[:2]) or 'the two'} go together, and something else may explain "
                    "it.",
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


def _about(work: Work, *texts: str) -> list[str]:
    """The columns that texts name, by their names or their values; keys are none."""
    text = " ".join(texts)
    named = [*labels(text, work.tables), *flags(text, work.tables)]
    found = {*columns(text, work.tables), *(n.column for n in named)}
    return sorted(c for c in found if not is_key(c))


@check("sign_flips")
def sign_flips(work: Work) -> Iterator[Found]:
    """No pooled relation is told that the table shows the other way round within groups."""
    said = " ".join(text for _, text in sentences(work))
    held = any(f.kind in ("simpsons_paradox", "confounding") for f in work.view.findings) or _TOLD.search(said)
    if held or any(PREDICTS.search(cell.code) for cell in work.written):
        return
    for clause in clauses(said) if work.written else ():
        of = _about(work, clause) if len(_about(work, clause)) > 1 else _about(work, clause, work.view.run.goal)
        for frame in work.frames.values() if len(of) == 2 else ():
            turn = turned(frame, *of) if set(of) <= set(frame.columns) else None
            if turn is not None and not (telling(turn.by) or {turn.by.lower()}) <= telling(said):
                yield Objection(
                    where="answer",
                    problem=f"{turn.y} is related to {turn.x} the other way round within {turn.by} ({turn.within:+.3g} "
                    f"for {turn.pooled:+.3g} over all rows), and this is not said.",
                    mend=f"Compare within {turn.by} as well, and say what holds there.",
                )
                return
