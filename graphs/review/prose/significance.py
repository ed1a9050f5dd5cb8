"""What a report says of significance, held against the p values that cells printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from artifacts.types import Execution
from graphs.review.prose.figures import NUMBER, sentences, size

_P = re.compile(
    r"\bp(?:[-_ ]?val(?:ue)?)?(?:\s*[=:]\s*(?:np\.float64\()?|\s+(?:of |is )?(?=0?\.\d|\d(?:\.\d+)?e-))", re.I
)
_NONE = re.compile(
    r"(?:\b(?:no|not|never|neither|nor|none|nothing|nowhere|cannot|far from|hardly|short of|fail\w*)|n't)\b[^.;,]{0,40}"
    r"(?<!\bthe )(?<!\bthis )(?<!\bthat )(?<!\bthese )(?<!\bthose )"
    r"\b(?:differ\w*|significan\w*|relat\w*|association|effect)\b|"
    r"\bsignifican\w*\b[^.;,]{0,30}(?:\b(?:not|never|cannot|neither)|n't)\b",
    re.I,
)
"""What denies a difference; of "those differences" it is taken for granted that there are some."""
_FOUND = re.compile(r"(?<!not )(?<!non-)(?<!in)\bsignifican(?:t|tly)\b", re.I)
_DOUBT = re.compile(
    r"\b(?:no|not|non|none|never|neither|nor|nothing|cannot|chance|may|might|could|insufficient|random\w*|little|weak\w*|"
    r"fail\w*|without|un\w+|in(?:conclusive|significant)|consistent|hardly|lack\w*|small|coincidence|noise)\b|n't\b",
    re.I,
)
"""One of these is in every sentence that tells a large p value for what it is."""
_CLAIMED = re.compile(r"\bstatistically significant|\bsignificantly (?:\w+er|more|less|worse|differ\w*)\b", re.I)
_TEST = re.compile(r"test|stats|scipy|p_?val|bootstrap|permut|resampl|interval|conf|fit\(|sem\b|sqrt|ols\b|1\.96", re.I)
"""What stands in cells that may weigh a difference against chance."""
_SURE, _UNSURE = 0.01, 0.1
"""Below which nobody denies a difference, and above which nobody claims one, whatever their level."""


def p_values(text: str) -> list[float]:
    """The p values that stand in a text as such."""
    told = (NUMBER.match(text, m.end()) for m in _P.finditer(text))
    return [p for n in told if n is not None and 0 <= (p := size(n["body"], n["power"])) <= 1]


def untested(text: str, cells: Sequence[Execution], tests: Sequence[float] = ()) -> Iterator[str]:
    """What is said not to differ and does by the p value beside it, else by every test that was made, and the other
    way round. `tests` are the p values of tests that were seen to be made."""
    printed, every = [*(p for x in cells for p in p_values(x.text)), *tests], sentences(text)
    made = (x for x in cells if not {"open", "toolkit"} & {*x.tags})
    tested = any("code" not in x.tags or _TEST.search(f"{x.code}\n{x.text}") for x in made)
    for place, clause in enumerate(every):
        said, none = f"“{clause.strip()[:60]}” is said", _NONE.search(clause)
        if not (known := p_values(clause) or printed):
            if not tested and _CLAIMED.search(clause) and not _DOUBT.search(clause):
                yield f"{said} to be significant, and no test was made"
            continue
        shown = f"(p = {' to '.join(dict.fromkeys(f'{p:.2g}' for p in (min(known), max(known))))})"
        if none and max(known) < _SURE:
            yield f"“{none[0]}” is said, and every test says otherwise {shown}"
        elif not none and _FOUND.search(clause) and min(known) > _UNSURE:
            yield f"{said} to be significant, and no test says so {shown}"
        elif (
            not none
            and min(p_values(clause), default=0) > _UNSURE
            and not _DOUBT.search(" ".join(every[place : place + 2]))
        ):
            yield f"{said}, and its p value proves nothing"
