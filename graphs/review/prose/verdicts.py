"""What a report says of tests and correlations, held against the p values and the signs that cells printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from artifacts.types import Execution
from graphs.review.prose.figures import NUMBER, figures, sentences, size, values

_P = re.compile(r"\bp(?:[-_ ]?val(?:ue)?)?\s*[=:]\s*", re.I)
_NONE = re.compile(
    r"\b(?:no|not|never|neither)\b[^.;,]{0,40}\b(?:differ\w*|significan\w*|relat\w*|association|effect)\b", re.I
)
_FOUND = re.compile(r"(?<!not )(?<!non-)(?<!in)\bsignifican(?:t|tly)\b", re.I)
_SURE, _UNSURE = 0.01, 0.1


def p_values(cells: Sequence[Execution]) -> list[float]:
    """The p values that cells printed as such."""
    found = []
    for cell in cells:
        for m in _P.finditer(cell.text):
            if (number := NUMBER.match(cell.text, m.end())) is not None:
                found.append(size(number["body"], number["power"]))
    return [p for p in found if 0 <= p <= 1]


def untested(text: str, cells: Sequence[Execution]) -> Iterator[str]:
    """What is said not to differ and does by every test that was made, and the other way round."""
    printed = p_values(cells)
    for clause in sentences(text) if printed else ():
        shown = (
            f"(p = {min(printed):.2g})" if len(printed) == 1 else f"(p from {min(printed):.2g} to {max(printed):.2g})"
        )
        none = _NONE.search(clause)
        if none and max(printed) < _SURE:
            yield f"“{none[0]}” is said, and every test that a cell made says otherwise {shown}"
        elif not none and _FOUND.search(clause) and min(printed) > _UNSURE:
            yield f"“{clause.strip()[:60]}” is said to be significant, and no test that a cell made says so {shown}"


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
