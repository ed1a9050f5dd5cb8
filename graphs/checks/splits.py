"""Checks of what learns from which rows: nothing may be fitted to rows that it is then tested on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.flow import Flow
from graphs.checks.units import one_row_each


@check("fit_before_split")
def fit_before_split(work: Work) -> Iterator[Found]:
    """Nothing learns from the rows on which it is tested."""
    flow = _walked(work)
    for learnt in flow.caught[:1]:
        yield Objection(
            where=learnt.cell,
            problem=f"{learnt.what} all rows, and the model is then tested on some of them.",
            mend="Split first and let it learn from the training part only, best inside a Pipeline.",
        )


@check("tuned_on_test")
def tuned_on_test(work: Work) -> Iterator[Found]:
    """What is tuned or chosen does not look at the rows that it is judged by."""
    flow = _walked(work)
    for cell, what in flow.tuned[:1]:
        yield Objection(
            where=cell,
            problem=f"{what} the test rows, so the figure that they give is too good.",
            mend="Choose by cross-validation within the training part, and use the test part once, at the end.",
        )


@check("ahead")
def ahead(work: Work) -> Iterator[Found]:
    """Nothing is predicted from what comes after it."""
    flow = _walked(work)
    for cell in flow.foreseen[:1]:
        yield Objection(
            where=cell,
            problem="a feature is made of later rows (a shift back, a centred window, a gap filled from behind), which "
            "are not known when the prediction is made.",
            mend="Make features of earlier rows only: shift(1) first, then roll.",
        )


@check("split_rows")
def split_rows(work: Work) -> Iterator[Found]:
    """Held-out rows are of other units, or later, than those that were learnt from."""
    flow = _walked(work)
    for cell in flow.shuffled[:1]:
        yield Objection(
            where=cell,
            problem="the rows of a series are shuffled before they are split, so the model is tested on days between "
            "those that it has learnt from.",
            mend="Learn from the earlier rows and test on the later ones (TimeSeriesSplit, or shuffle=False).",
        )
    unit = flow.unit
    if unit and not one_row_each(work, unit):
        for cell in flow.mixed[:1]:
            yield Objection(
                where=cell,
                problem=f"rows of one {unit!r} may stand on both sides of the split, so the model is tested on what "
                "it knows.",
                mend=f"Split by {unit!r}: GroupKFold or GroupShuffleSplit with groups=, or split the ids first.",
            )


@lru_cache(maxsize=1)
def _walked(work: Work) -> Flow:
    """The flow of a work; what is asked of it by several checks is walked once."""
    flow = Flow(work)
    flow.walk()
    return flow
