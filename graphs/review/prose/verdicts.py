"""What a report says of tests and multiples, held against the p values and the tables that cells printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from artifacts.types import Execution
from graphs.review.claims import Known
from graphs.review.mentions import YEAR, Tables, labels
from graphs.review.prose.figures import CHANGES, IS_POINTS, NUMBER, figures, sentences, size

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
    """The changes in per cent between two years, or two groups, that are parts of the later one."""
    for clause in sentences(text):
        named = labels(clause, tables) or labels(question, tables)
        for column in dict.fromkeys(n.column for n in named) if CHANGES.search(clause) else ():
            pair = list(dict.fromkeys(n.value for n in named if n.column == column))
            shares = [f for f in figures(clause) if f.share and not IS_POINTS.match(f.after) and f.unit != "pp"]
            ends = [(a, b) for a, b in _pairs(known, column, pair) if a.value and b.value]
            for f in shares:
                right = any(f.is_near(100 * (b.value / a.value - 1)) for a, b in ends)
                if ends and not right and any(f.is_near(100 * (1 - a.value / b.value)) for a, b in ends):
                    a, b = next((a, b) for a, b in ends if f.is_near(100 * (1 - a.value / b.value)))
                    much = f"{100 * (b.value / a.value - 1):.1f} %"
                    yield f"{f.text} is the change as a part of {b.of(column)}; of {a.of(column)} it is {much}"


def _pairs(known: Sequence[Known], column: str, pair: Sequence[str]) -> Iterator[tuple[Known, Known]]:
    """The two numbers of each column of a table that are of two values."""
    for a in known if len(pair) == 2 else ():
        for b in known:
            if (
                a.of(column) == pair[0]
                and b.of(column) == pair[1]
                and a.what == b.what
                and a.but(column) == b.but(column)
            ):
                yield a, b


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
