"""Checks of what a relation of two columns may be taken to say: no cause without an experiment, and nothing that the
table shows the other way round within groups."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphs.questions.reader.text import stem
from graphs.review.base import Found, Work, check
from graphs.review.code import PREDICTS
from graphs.review.mentions import columns, flags, is_key, labels, telling
from graphs.review.prose.figures import sentences as clauses
from graphs.review.tables import turned

_CHANGE = (
    "increas|reduc|rais|boost|cutt?|prevent|improv|worsen|shorten|lengthen|strengthen|weaken|hurt|push|pull|lift|"
    "encourag|discourag|driv"
)
"""How verbs of change begin."""
_NO_OBJECT = (
    "with|by|from|in|to|at|over|each|every|as|until|after|between|for|of|on|is|was|are|than|and|or|again|only|more|most|"
    "less|much|further|since|\\w+ly"
)
_NO_NOUN = "".join(rf"(?<!\b{word} )" for word in ("the", "a", "an", "this", "any", "no", "its", "our", "their"))
"""What does not stand before a verb: "the increase comes from" tells of no cause."""
_CAUSE = re.compile(
    r"\b(?:caus(?:e[sd]?|ing)|(?:leads?|led) to|because(?: of)?|(?:due|owing|thanks) to|result(?:s|ed) in|driven by|"
    r"drove|br(?:ings?|ought) about|responsible for|(?:is|are|was) why|the reason|pays? off|to blame|stems? from|"
    r"ha[sd]? an? (?:\w+ )?(?:effect|impact|influence) on|as a (?:result|consequence)|makes? the difference|"
    rf"{_NO_NOUN}(?<!\bto )(?:(?:{_CHANGE})(?:e?[sd]?|ed)|(?:lower|slow|help|keep)s) (?!(?:{_NO_OBJECT})\b)(?=[a-z])|"
    rf"(?:{_CHANGE}|lower|keep|add|remov)ing\b[^.;:]{{0,50}}\b(?:would|will|could)\b|"
    rf"(?:could|would|can) (?:be |have )?(?:{_CHANGE}|sav|avoid|gain)\w*|"
    r"\b\w{3,}ing (?:an?|the|your|our|more|all)\b[^.;:,]{1,40}\b(?:get|give|bring|earn|save|yield|win)s? "
    r"(?:you|us|them|about|an? extra|[€$£]?\d)|"
    r"\bif\b[^.;:]{3,60}(?<!\bI )\bwould\b|would (?:\w+ ){0,2}(?:fall|rise|drop|grow|sink|climb|vanish)|"
    r"(?:bring|brought|push|pull|keep|kept|slow|hold|held)\w* (?:\w+ ){1,4}(?:up|down|low|high|back)\b)",
    re.I,
)
"""Words by which one thing is said to make another happen, in English."""
_ARITHMETIC = re.compile(r"\b(?:mean|average|median|total|sum|figures?|numbers?|rates?|curve|line)\b", re.I)
"""What a few great values may pull up without anybody's doing."""
_REASON = re.compile(r"because|due|owing|reason|why|responsible|result|pull|push|drag", re.I)
_DENIED = re.compile(
    r"\b(?:not|never|no|cannot|n't|whether|nor|neither|none|nothing|nobody|without|missing|if|rather than)\b"
    r"[^.;:]{0,60}$",
    re.I,
)
_RANDOMISED = re.compile(r"randomi[sz]ed|experiment|a/?b[- ]test|at random|\bRCT\b", re.I)
_TOLD = re.compile(
    r"\bwithin\b|inside (each|every)|simpson|revers|turns? (round|about|around)|opposite|confound|flips?\b|"
    r"the other way|(in|at) (each|every|all) |adjust|controll?(ed|ing)|\bnet of\b|held (constant|equal|fixed)|"
    r"at the same",
    re.I,
)


@check("causal_words", "Say that they go together, or differ; a cause needs an experiment.")
def causal_words(work: Work) -> Iterator[Found]:
    """No cause is claimed in so many words that the design does not allow."""
    if randomised(work):
        return
    names = {w for t in work.tables for n in (t["name"], *(c["name"] for c in t["columns"])) for w in telling(str(n))}
    goal = work.view.run.goal
    for where, written in work.sentences.items():  # the question's own words in quotation marks claim nothing
        text = re.sub('[“"«]([^“”"«»]+)[”"»]', lambda m: "" if m[1].strip(" .?") in goal else m[0], written)
        for claim in _CAUSE.finditer(text):
            asked = "?" in text[claim.end() :].partition(".")[0]
            named = stem(re.split(r"\W", claim[0], maxsplit=1)[0].casefold()) in names  # lifts, of a table of them
            if named or asked or _ARITHMETIC.search(claim[0]) or _DENIED.search(text[: claim.start()]):
                continue
            said = f"“{claim[0].strip()}” ({where}) claims a cause, and no randomised assignment was declared"
            clause = next((c for c in clauses(text) if claim[0] in c), text)
            acts = not _REASON.search(claim[0]) and _about(work, f"{clause.replace(claim[0], ' ')} {goal}")
            told = f"{said}: the two go together, and something else may explain it."
            yield (where, told) if acts or "would" in claim[0] else told


def randomised(work: Work) -> bool:
    """Whether somebody declared an assignment, or says that there was one, and its shares were not found wanting."""
    roles = [f"{role} {column}" for role, column in work.roles.items()]
    if any(re.search(r"\b(?:not|non|quasi)\b", r, re.I) and _RANDOMISED.search(r) for r in roles):
        return False
    declared = any(re.match(r"(?:assignment|treatment|arm) ", r) or _RANDOMISED.search(r) for r in roles)
    said = f"{work.view.run.goal} {work.given} {work.said}"
    told = any(not _DENIED.search(said[: m.start()]) for m in _RANDOMISED.finditer(said))
    return (declared or told) and not any(f.kind == "sample_ratio_mismatch" for f in work.view.findings)


def _about(work: Work, text: str) -> list[str]:
    """The columns that a text names, by their names or their values; keys are none."""
    found = (n.column for n in (*labels(text, work.tables), *flags(text, work.tables)))
    return sorted(c for c in {*columns(text, work.tables), *found} if not is_key(c))


@check("sign_flips", "Compare within those groups as well, and say what holds there.")
def sign_flips(work: Work) -> Iterator[Found]:
    """No pooled relation is told that the table shows the other way round within groups."""
    held = any(f.kind in ("simpsons_paradox", "confounding") for f in work.view.findings) or _TOLD.search(work.said)
    if held or PREDICTS.search(work.code) or not work.code:
        return
    for clause in clauses(work.said):
        of = _about(work, clause) if len(_about(work, clause)) > 1 else _about(work, f"{clause} {work.view.run.goal}")
        for frame in work.frames.values() if len(of) == 2 else ():
            turn = turned(frame, *of) if set(of) <= set(frame.columns) else None
            if turn is not None and not (telling(turn.by) or {turn.by.lower()}) <= telling(work.said):
                turns = f"{turn.y} is related to {turn.x} the other way round within {turn.by}"
                effects = f"r {turn.within:+.2f} for {turn.pooled:+.2f} over all rows"
                yield "answer", f"{turns} ({effects}), and this is not said."
