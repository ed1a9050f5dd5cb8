"""What a report says of tests and multiples, held against the p values and the tables that cells printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from artifacts.types import Execution
from graphs.review.claims import Known
from graphs.review.mentions import YEAR, Tables, labels
from graphs.review.prose.figures import CHANGES, IS_POINTS, NUMBER, figures, sentences, size, values

_P = re.compile(r"\bp(?:[-_ ]?val(?:ue)?)?\s*[=:]\s*", re.I)
_NONE = re.compile(
    r"\b(?:no|not|never|neither)\b[^.;,]{0,40}\b(?:differ\w*|significan\w*|relat\w*|association|effect)\b", re.I
)
_FOUND = re.compile(r"(?<!not )(?<!non-)(?<!in)\bsignifican(?:t|tly)\b", re.I)
_SURE, _UNSURE = 0.01, 0.1
_TIMES = re.compile(
    r"\b(?P<many>twice|two|three|four|five|six|ten)(?:\s?times| as)\b|\b(?P<twice>doubl(?:ed|es)|tripl(?:ed|es))\b",
    re.I,
)
_MANY = {"twice": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10, "doubl": 2, "tripl": 3}


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


def changed(text: str, question: str, known: Sequence[Known], tables: Tables) -> Iterator[str]:
    """The changes in per cent between two years that are parts of the later one."""
    for clause in sentences(text):
        pair = sorted({n.value for n in labels(clause, tables) or labels(question, tables) if n.column == YEAR})
        shares = [f for f in figures(clause) if f.share and not IS_POINTS.match(f.after) and f.unit != "pp"]
        if len(pair) != 2 or not CHANGES.search(clause):
            continue
        ends = [(a, b) for a, b in _pairs(known, pair) if a.value and b.value]
        for f in shares if ends else ():
            right = any(f.is_near(100 * (b.value / a.value - 1)) for a, b in ends)
            wrong = next(((a, b) for a, b in ends if f.is_near(100 * (1 - a.value / b.value))), None)
            if wrong is not None and not right:
                much = f"{100 * (wrong[1].value / wrong[0].value - 1):.1f} %"
                yield f"{f.text} is the change as a part of {pair[1]}; as a part of {pair[0]} it is {much}"


def _pairs(known: Sequence[Known], pair: Sequence[str]) -> Iterator[tuple[Known, Known]]:
    """The two numbers of each column of a table that are of two years."""
    for a in (k for k in known if k.of(YEAR) == pair[0]):
        for b in (k for k in known if k.of(YEAR) == pair[1]):
            if a.what == b.what and a.but(YEAR) == b.but(YEAR):
                yield a, b


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


def multiples(text: str, known: Sequence[Known]) -> Iterator[str]:
    """The multiples told in words that no two numbers of a printed table are apart."""
    tables: dict[str, list[float]] = {}
    for one in known:
        tables.setdefault(one.what, []).append(one.value)
    for clause in sentences(text):
        for m in _TIMES.finditer(clause):
            word = (m["many"] or m["twice"]).casefold()
            many = next(n for name, n in _MANY.items() if word.startswith(name))
            pairs = [(a, b) for some in tables.values() for i, a in enumerate(some) for b in some[i + 1 :] if a and b]
            apart = [max(abs(a / b), abs(b / a)) for a, b in pairs]
            if apart and not any(abs(r - many) <= 0.2 * many for r in apart):
                nearest = min(apart, key=lambda r: abs(r - many))
                yield f"“{m[0]}” is said, and what the cells print is {nearest:.1f} times as much"
