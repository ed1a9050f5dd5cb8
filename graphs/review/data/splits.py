"""Checks of time in predictions: nothing is predicted from what comes after it. What else is fitted to which rows, the
second run shows (`graphs.review.watch`)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check, sentences
from graphs.review.code.syntax import SPLITS, assigned, calls, keywords, name_of, statements, trees, words

_RANDOM_FOLDS = words("KFold StratifiedKFold ShuffleSplit StratifiedShuffleSplit RepeatedKFold RepeatedStratifiedKFold")
_AHEAD = re.compile(r"forecast|ahead|tomorrow|next (day|week|month|quarter|year)|future", re.I)


@check("ahead")
def ahead(work: Work) -> Iterator[Found]:
    """Nothing is predicted from what comes after it."""
    predicts = any(name_of(c) in ("fit", *SPLITS) for _, tree in trees(work) for c in calls(tree))
    for cell, tree in trees(work) if predicts else ():
        for statement in statements(tree):
            pair = assigned(statement)
            targets = ast.unparse(ast.Tuple(pair[0], ast.Load())) if pair is not None else ""
            if pair is None or re.search(
                r"target|label|next|ahead|future|(?<![a-z])y(?![a-z])|tomorrow", targets, re.I
            ):
                continue  # the outcome itself may lie ahead
            if any(_looks_ahead(c) for c in calls(pair[1])):
                yield Objection(
                    where=cell.cell,
                    problem="a feature is made of later rows (a shift back, a centred window, a gap filled from "
                    "behind), which are not known when the prediction is made.",
                    mend="Make features of earlier rows only: shift(1) first, then roll.",
                )
                return


def _looks_ahead(call: ast.Call) -> bool:
    """Whether a call gives rows something of later ones."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name in ("bfill", "backfill"):
        return True
    if name == "rolling":
        return _says(call, "center", True)
    steps = call.args[0] if call.args else keywords(call).get("periods")
    back = isinstance(steps, ast.UnaryOp) and isinstance(steps.op, ast.USub)
    return name in ("shift", "diff", "pct_change") and back


def _says(call: ast.Call, keyword: str, what: bool) -> bool:
    return any(k.arg == keyword and isinstance(k.value, ast.Constant) and k.value.value is what for k in call.keywords)


@check("split_rows")
def split_rows(work: Work) -> Iterator[Found]:
    """Held-out rows are later than those that were learnt from."""
    said = " ".join([work.view.run.goal, *(text for _, text in sentences(work))])
    code = "\n".join(c.code for c in work.written)
    series = ("time" in work.roles and _AHEAD.search(said)) or re.search(r"\.(?:shift|rolling)\(", code)
    for cell, tree in trees(work):
        for call in calls(tree):
            random = name_of(call) == "train_test_split" and not _says(call, "shuffle", False)
            folds = name_of(call) in _RANDOM_FOLDS and (_says(call, "shuffle", True) or "Shuffle" in name_of(call))
            if series and (random or folds):
                problem = "the rows of a series are shuffled before they are split, so the model is tested on days "
                yield Objection(
                    where=cell.cell,
                    problem=f"{problem}between those that it has learnt from.",
                    mend="Learn from the earlier rows and test on the later ones (TimeSeriesSplit, or shuffle=False).",
                )
                return
