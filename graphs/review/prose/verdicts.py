"""What a report says of tests and correlations, held against the p values and the signs that cells printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from artifacts.types import Execution
from graphs.review.prose.figures import NUMBER, figures, sentences, size, values

_P = re.compile(r"\bp(?:[-_ ]?val(?:ue)?)?\s*[=:]\s*", re.I)
_NONE = re.compile(
    r"\b(?:no|not|never|neither|nowhere|far from|hardly|fail\w*)\b[^.;,]{0,40}\b(?:differ\w*|significan\w*|relat\w*|association|effect)\b", re.I
)
_FOUND = re.compile(r"(?<!not )(?<!non-)(?<!in)\bsignifican(?:t|tly)\b", re.I)
_SURE, _UNSURE = 0.01, 0.1


def p_values(text: str) -> list[float]:
    """The p values that stand in a text as such."""
    told = (NUMBER.match(text, m.end()) for m in _P.finditer(text))
    return [p for n in told if n is not None and 0 <= (p := size(n["body"], n["power"])) <= 1]


def untested(text: str, cells: Sequence[Execution]) -> Iterator[str]:
    """What is said not to differ and does by the p value beside it, else by every test that was made, and the other
    way round."""
    printed = [p for x in cells for p in p_values(x.text)]
    for clause in sentences(text):
        if not (known := p_values(clause) or printed):
            continue
        shown = f"(p = {min(known):.2g})" if len(known) == 1 else f"(p from {min(known):.2g} to {max(known):.2g})"
        none = _NONE.search(clause)
        if none and max(known) < _SURE:
            yield f"“{none[0]}” is said, and every test says otherwise {shown}"
        elif not none and _FOUND.search(clause) and min(known) > _UNSURE:
            yield f"“{clause.strip()[:60]}” is said to be significant, and no test says so {shown}"


def signs(text: str, cells: Sequence[Execution]) -> Iterator[str]:
    """The correlations that are told with the other sign than every one that a cell printed."""
    printed = [v for x in cells for v in values(x.text)]
    for clause in sentences(text):
        for f in figures(clause) if re.search(r"\bcorrelat|\b[rρ]\s*=", clause, re.I) else ():
            same = [v for v in printed if not f.share and 0 < f.value <= 1 and not f.whole and f.is_near(v)]
            if (
                same
                and all((v < 0) != f.negative for v in same)
                and not re.search(r"\bnegative|\binverse", clause, re.I)
            ):
                yield f"{f.text} is told, and what cells printed is {same[0]:g}"
