"""What a sentence says of a number: the values of columns that it is of, and the statistic that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from artifacts.types import Execution
from graphs.questions.query import Statistic
from graphs.questions.reader import lexicon
from graphs.review.facts import PLAIN, Given, Of, computed_in
from graphs.review.mentions import YEAR, Label, begins_or_ends, flags, labels, pairs, spoken
from graphs.review.prose.figures import Figure, figures
from graphs.review.prose.numbers import printed_numbers

_NAMED: tuple[Statistic, ...] = (*PLAIN, "count", "std", "distinct", "share")
_LOOSE = {("typical",), ("usual",)}
"""What may be a mean or a median."""
_VERB = re.compile(r"\b(average|total)(?:s|d|l?ed|l?ing)\b", re.I)
"""A statistic that is told as a verb: the readings average 13.4."""
_LEADS = re.compile(r"\b(?:leads?|tops?|comes? first|ahead of|largest|number one)\b", re.I)
_NO_AMOUNT = re.compile(
    r"\bat (?:least|most)\b|\b(?:most|least) (?!often|by|far|of|expensive|frequent|common|likely|popular|many)"
    r"\w+(?:al|ent|ant|ive|ous|ful|able|ible|ing|ed)\b",
    re.I,
)
"""What is a superlative and no amount: a kiln is "the most reliable"."""
_HALF = re.compile(r"(?i)(?:^|[,;:(])\s*half\b[^.,;(%]*\b(?:more|most|least|less|under|over|\w+er than)\b[^.,;\d]*\d")
"""What says a median in words: half of them wait no more than 120 seconds."""


def statistic(text: str) -> tuple[Statistic, ...]:
    """The statistic that a text names, where it names one and no more."""
    text = _VERB.sub(r"\1", text)
    found = {meaning.split()[0] for meaning in meanings(text, "Sh")} | ({"median"} if _HALF.search(text) else set())
    ops = tuple(op for op in _NAMED if op in found)
    return ops if len(ops) == 1 else ()


def superlative(text: str) -> bool:
    """Whether a text speaks of the greatest or the least of something."""
    found = {m for m in meanings(text, "M") if " " in m} | meanings(_NO_AMOUNT.sub(" ", text), "M")
    return bool(found) or _LEADS.search(text) is not None


@lru_cache(maxsize=4096)
def meanings(text: str, codes: str) -> frozenset[str]:
    """What the phrases of the lexicon that stand in a text mean, of those with one of these codes."""
    exact, _ = lexicon.phrases()
    return frozenset(
        meaning
        for phrase, (code, meaning) in exact.items()
        if code in codes and phrase not in _LOOSE and re.search(rf"\b{' '.join(map(re.escape, phrase))}\b", text, re.I)
    )


AGAINST = re.compile(r"\b(?:against|versus|vs\.?|compared (?:with|to)|instead of|rather than) [€$£]?$", re.I)
_AHEAD = re.compile(r"\b(?:ahead of|followed by|than|against|versus|vs|compared)\b", re.I)
"""What stands between a number and those with whom it is compared."""
_CUTS = re.compile(r"[,;:]\s(?:and |but |while |whereas )?|\s(?:and|but|while|whereas)\s|[()]")
"""What may part what a sentence says of one number and of another."""


@dataclass(frozen=True)
class Said:
    """A number with what its sentence names: the values that it is of, columns of yes and no, and what else may be
    meant from nearby; `code` is that of the cell that printed it."""

    figure: Figure
    clause: str
    labels: tuple[Label, ...]
    flags: tuple[Label, ...]
    code: str
    text: str
    printed: bool = True

    @property
    def part(self) -> str:
        """What of its sentence stands between the other numbers."""
        cuts = [m.end() for m in _CUTS.finditer(self.clause)]
        others = [f.start for f in figures(self.clause) if f.start != self.figure.start]
        start = max((c for c in cuts if c <= self.figure.start and any(o < c for o in others)), default=0)
        return self.clause[start : min((c for c in cuts if c > self.figure.end), default=None)]

    @property
    def own(self) -> Of:
        return pairs(self.labels)

    def optional(self) -> Iterator[Of]:
        """The rows that may be meant further: none, or those of one or two columns of yes and no."""
        held = {n.column for n in self.labels}
        pool = {n.column: n.value for n in self.flags if n.column not in held}.items()
        return (frozenset(some) for many in range(3) for some in combinations(pool, many))


def said_in(text: str, given: Given, cells: Sequence[Execution]) -> Iterator[Said]:
    """The numbers of a text that a cell printed."""
    question = [n for n in labels(given.question, given.list) if not begins_or_ends(given.question, n)]
    asked, told = _once(question), {n.value for n in labels(text, given.list)}
    others = {
        n.column for n in asked if {m.value for m in labels(text, given.list) if m.column == n.column} - {n.value}
    }
    once = [n for n in asked if n.column not in others and n.value in given.literals | told]
    for clause, every in spoken(text, given.list):
        named, said = labels(clause, given.list), tuple(flags(clause, given.list))
        alone = _once(named)
        spans = any(begins_or_ends(clause, n) for n in alone)
        behind = {s.figure.end + 1 for s in every if s.figure.whole}
        for s in every:
            cell = next((x for x in reversed(cells) if any(s.figure.tells(v) for v in printed_numbers(x))), None)
            code = given.code if cell is None else cell.code
            unclear = {n.column for n in named} - {n.column for n in (*alone, *s.labels)}
            few = s.figure.digits < 2 and not s.figure.share
            if not code or unclear or few or spans or re.search(r"\b[pr]\s*[=<]\s*$", s.figure.before):
                continue
            here = () if AGAINST.search(s.figure.before) and not s.labels else alone  # of those it is compared with
            here = [n for n in here if not _AHEAD.search(clause[s.figure.end : n.start])]
            if s.figure.whole:  # of "88 cancelled orders and 45 more" the 45 are not
                here = [n for n in here if n in s.labels or n.start not in behind]
            near = [n for n in (*once, *here) if not (n.column == YEAR and s.figure.starts)]
            own = tuple({n.column: n for n in (*near, *s.labels)}.values())
            code = code if computed_in(code) else given.code
            yield Said(s.figure, clause, own, said, code, text, cell is not None)


def _once(named: Sequence[Label]) -> list[Label]:
    """Those of columns of which only one value is named."""
    return [n for n in named if len({m.value for m in named if m.column == n.column}) == 1]
