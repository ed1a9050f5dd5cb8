"""Checks of what learns from which rows: nothing may be fitted to rows that it is then tested on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.flow import Flow
from graphs.checks.repeated import one_row_each


@check("fit_before_split")
def fit_before_split(work: Work) -> Iterator[Found]:
    """Nothing learns from the rows on which it is tested."""
    return _first(
        ((m.cell, f"{m.what} all rows, and the model is then tested on some of them.") for m in _walked(work).caught),
        "Split first and let it learn from the training part only, best inside a Pipeline.",
    )


@check("tuned_on_test")
def tuned_on_test(work: Work) -> Iterator[Found]:
    """What is tuned or chosen does not look at the rows that it is judged by."""
    return _first(
        ((c, f"{what} the test rows, so the figure that they give is too good.") for c, what in _walked(work).tuned),
        "Choose by cross-validation within the training part, and use the test part once, at the end.",
    )


@check("ahead")
def ahead(work: Work) -> Iterator[Found]:
    """Nothing is predicted from what comes after it."""
    later = "a feature is made of later rows (a shift back, a centred window, a gap filled from behind), which are not "
    return _first(
        ((cell, f"{later}known when the prediction is made.") for cell in _walked(work).foreseen),
        "Make features of earlier rows only: shift(1) first, then roll.",
    )


@check("split_rows")
def split_rows(work: Work) -> Iterator[Found]:
    """Held-out rows are of other units, or later, than those that were learnt from."""
    flow = _walked(work)
    shuffled = "the rows of a series are shuffled before they are split, so the model is tested on days between those "
    yield from _first(
        ((cell, f"{shuffled}that it has learnt from.") for cell in flow.shuffled),
        "Learn from the earlier rows and test on the later ones (TimeSeriesSplit, or shuffle=False).",
    )
    if flow.unit and not one_row_each(work, flow.unit):
        both = f"rows of one {flow.unit!r} may stand on both sides of the split, so the model is tested on what it "
        yield from _first(
            ((cell, f"{both}knows.") for cell in flow.mixed),
            f"Split by {flow.unit!r}: GroupKFold or GroupShuffleSplit with groups=, or split the ids first.",
        )


def _first(found: Iterable[tuple[str, str]], mend: str) -> Iterator[Found]:
    """The first of what was seen, as (cell, problem): the others are mended with it."""
    for where, problem in islice(found, 1):
        yield Objection(where=where, problem=problem, mend=mend)


@lru_cache(maxsize=1)
def _walked(work: Work) -> Flow:
    """The flow of a work; what is asked of it by several checks is walked once."""
    flow = Flow(work)
    flow.walk()
    return flow
