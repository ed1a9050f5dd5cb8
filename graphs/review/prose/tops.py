"""Which group a sentence puts first or last, held against the tables that cells printed and the results of queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from graphs.questions.reader import lexicon
from graphs.review.claims import Known
from graphs.review.mentions import YEAR, Tables, labels
from graphs.review.prose.figures import sentences

_LEADS = re.compile(r"\b(?:leads?|tops?|comes? first|ahead of|largest|number one)\b", re.I)


def misranked(text: str, known: Sequence[Known], tables: Tables, names: Sequence[str] = ()) -> Iterator[str]:
    """The groups that a sentence calls the first or the last and that no table of all groups shows so."""
    for clause in sentences(text, names):
        named = [n for n in labels(clause, tables) if n.column != YEAR]
        way = _superlative(clause)
        for column in dict.fromkeys(n.column for n in named) if way else ():
            here = [n for n in named if n.column == column]
            fixed = {(n.column, n.value) for n in named if n.column != column}
            ends = set[str]()
            for what in dict.fromkeys(k.what for k in known):
                rows = [k for k in known if k.what == what and k.of(column) is not None]
                rows = [k for k in rows if not fixed or fixed & k.labels or not k.but(column)]
                if len({k.of(column) for k in rows}) >= 2 and len({k.but(column) for k in rows}) == 1:
                    first = (max if way == "max" else min)(rows, key=lambda k: k.value)
                    ends.add(str(first.of(column)))
            if ends and not ends & {n.value for n in here}:
                most = "highest" if way == "max" else "lowest"
                yield f"{here[0].value} is put first, and of {column} {' or '.join(sorted(ends))} is the {most}"


def _superlative(clause: str) -> Literal["max", "min"] | None:
    """Whether a sentence speaks of the greatest or of the least; None where of neither or both."""
    exact, _ = lexicon.phrases()
    clause = re.sub(r"\bat (?:least|most)\b", " ", clause, flags=re.I)
    ways = {
        meaning.split()[0]
        for phrase, (code, meaning) in exact.items()
        if code == "M" and re.search(rf"\b{' '.join(map(re.escape, phrase))}\b", clause, re.I)
    }
    if not ways and _LEADS.search(clause):
        ways = {"max"}
    return ("max" if "max" in ways else "min") if len(ways) == 1 else None
