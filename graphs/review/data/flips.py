"""The check of pooled relations: a claim must not hide that the table shows it the other way round within groups."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check, sentences
from graphs.review.code.syntax import calls, meanings, name_of, spelled_out, trees, words
from graphs.review.data.tables import turned
from graphs.review.mentions import telling

_RELATES = words("corr pearsonr spearmanr kendalltau linregress polyfit ols OLS regplot lmplot corrcoef")
_COMPARES = words("mean median")
_TOLD = re.compile(
    r"\bwithin\b|inside (each|every)|simpson|revers|turns? (round|about|around)|opposite|confound|flips?\b|"
    r"the other way|(in|at) (each|every|all) |adjust|controll?(ed|ing)|\bnet of\b|held (constant|equal|fixed)|"
    r"at the same",
    re.I,
)


@check("sign_flips")
def sign_flips(work: Work) -> Iterator[Found]:
    """No pooled relation is told that the table shows the other way round within groups."""
    said = " ".join(text for _, text in sentences(work))
    if any(f.kind in ("simpsons_paradox", "confounding") for f in work.view.findings) or _TOLD.search(said):
        return
    told = telling(said)
    for where, table, x, y in _pairs(work):
        turn = turned(work.frames[table], x, y)
        if turn is None or (telling(turn.by) or {turn.by.lower()}) <= told:
            continue
        yield Objection(
            where=where,
            problem=f"{turn.y} is related to {turn.x} the other way round within {turn.by} ({turn.within:+.3g} for "
            f"{turn.pooled:+.3g} over all rows), and this is not said.",
            mend=f"Compare within {turn.by} as well, and say what holds there.",
        )
        return


def _pairs(work: Work) -> Iterator[tuple[str, str, str, str]]:
    """The pairs of columns that cells relate, or compare by each other: the cell, the file and both columns."""
    known = meanings(work)
    for cell, tree in trees(work):
        for call in calls(tree):
            on = call.func.value if isinstance(call.func, ast.Attribute) else call
            grouped = name_of(call) in _COMPARES and "groupby" in {name_of(c) for c in calls(on)}
            if name_of(call) not in _RELATES and not grouped:
                continue
            source = spelled_out(call, known, 1)
            for table, frame in work.frames.items():
                named = [str(c) for c in frame.columns if re.search(rf"(?<!\w){re.escape(str(c))}(?!\w)", source)]
                if len(named) == 2:
                    yield cell.cell, table, named[0], named[1]
