"""Checks of what learns from which rows: nothing may be fitted to rows that it is then tested on.

Names are followed from statement to statement: what a name was made of, it carries on. Where the cells run a second
time, the witnesses see the very rows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check, sentences
from graphs.review.code.syntax import SPLITS, assigned, calls, keywords, name_of, names, statements, trees, words
from graphs.review.data.repeated import one_row_each

_LEARNERS = words(
    """
    StandardScaler MinMaxScaler RobustScaler MaxAbsScaler QuantileTransformer PowerTransformer SimpleImputer KNNImputer
    IterativeImputer PCA TruncatedSVD TargetEncoder KBinsDiscretizer SelectKBest SelectPercentile SelectFromModel RFE
    RFECV TfidfVectorizer CountVectorizer SMOTE RandomOverSampler ADASYN KernelPCA FastICA NMF FactorAnalysis
    """
)
_SCALE = words("scale minmax_scale robust_scale zscore")
_FITS = words("fit fit_transform fit_resample")
_WHOLE = words("mean median std min max var corr corrwith")
"""What is computed of all rows of a column."""
_TRAIN = re.compile(r"(?:^|_)(?:tr|train\w*|fold|past|learn\w*)(?:_|$)|^X_?tr|^y_?tr", re.I)
_TESTS = re.compile(r"(?:^|_)(?:test|te|valid\w*|val|holdout|held\w*|oos)(?:_|$)|^X_?te|^y_?te", re.I)
_CHOOSES = words("fit fit_transform fit_resample")
_RANDOM_FOLDS = words("KFold StratifiedKFold ShuffleSplit StratifiedShuffleSplit RepeatedKFold RepeatedStratifiedKFold")
_AHEAD = re.compile(r"forecast|ahead|tomorrow|next (day|week|month|quarter|year)|future", re.I)


@check("fit_before_split")
def fit_before_split(work: Work) -> Iterator[Found]:
    """Nothing learns from the rows on which it is tested."""
    learnt: dict[str, tuple[str, str]] = {}
    kinds: dict[str, str] = {}
    for cell, tree in trees(work):
        for statement in statements(tree):
            inner = [c for c in calls(statement) if name_of(c) in SPLITS or name_of(c) == "split"]
            for call in inner if not isinstance(statement, ast.FunctionDef) else ():
                given = {n for a in (*call.args, *(k.value for k in call.keywords)) for n in names(a)}
                for name in sorted(given & set(learnt)):
                    where, what = learnt[name]
                    yield Objection(
                        where=where,
                        problem=f"{what} all rows, and the model is then tested on some of them.",
                        mend="Split first and let it learn from the training part only, best inside a Pipeline.",
                    )
                    return
            pair = assigned(statement)
            if pair is not None:
                for target in pair[0]:
                    _take(target, pair[1], cell.cell, learnt, kinds)


def _take(
    target: ast.expr, value: ast.expr, cell: str, learnt: dict[str, tuple[str, str]], kinds: dict[str, str]
) -> None:
    """What a name stands for after an assignment: something learnt of all rows, a learner, or neither."""
    base = target
    while isinstance(base, (ast.Subscript, ast.Attribute)):
        base = base.value
    if not isinstance(base, ast.Name):
        return
    made = value.func if isinstance(value, ast.Call) else None
    kind = name_of(value) if made is not None and isinstance(value, ast.Call) else ""
    if kind in _LEARNERS:
        kinds[base.id] = kind
        return
    by = _learns(value, kinds)
    of = names(value)
    trained = any(_TRAIN.search(n) for n in of | {base.id}) or any(name_of(c) in SPLITS for c in calls(value))
    if by and not trained:
        learnt[base.id] = (cell, by)
    elif kept := next((learnt[n] for n in sorted(of) if n in learnt and n != base.id), None):
        learnt[base.id] = kept
    elif isinstance(target, ast.Name) and base.id not in of:
        learnt.pop(base.id, None)


def _learns(value: ast.expr, kinds: dict[str, str]) -> str:
    """What an expression learns of all rows, as an objection begins; empty where it learns nothing."""
    for call in calls(value):
        on = call.func.value if isinstance(call.func, ast.Attribute) else None
        if name_of(call) in _FITS and on is not None:
            held = name_of(on) if isinstance(on, ast.Call) else kinds.get(getattr(on, "id", ""), "")
            if held in _LEARNERS:
                return f"{'a scaler' if held.endswith('Scaler') else f'`{held}`'} is fitted to"
        if name_of(call) in _SCALE:
            return "a scaler is fitted to"
        if name_of(call) == "fillna" and any(name_of(c) in _WHOLE for a in call.args for c in calls(a)):
            return "missing values are filled in from"
        grouped = on is not None and any(name_of(c) == "groupby" for c in calls(on))
        if name_of(call) == "transform" and grouped and "mean" in ast.unparse(call):
            return "an encoding is averaged over"
    for node in ast.walk(value):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.left, ast.BinOp):
            top, bottom = ({name_of(c) for c in calls(side)} & _WHOLE for side in (node.left, node.right))
            if isinstance(node.left.op, ast.Sub) and top and bottom:
                return "values are scaled by the mean and spread of"
    return ""


@check("tuned_on_test")
def tuned_on_test(work: Work) -> Iterator[Found]:
    """Nothing is fitted to the rows that it is judged by."""
    for cell, tree in trees(work):
        for call in calls(tree):
            first = call.args[0] if call.args else None
            tested = isinstance(first, ast.Name) and _TESTS.search(first.id) and not _TRAIN.search(first.id)
            if name_of(call) in _CHOOSES and isinstance(call.func, ast.Attribute) and tested:
                yield Objection(
                    where=cell.cell,
                    problem=f"`{ast.unparse(call.func)}` is fitted to the test rows, so their figure is too good.",
                    mend="Choose by cross-validation within the training part, and use the test part once, at the end.",
                )
                return


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
    """Held-out rows are of other units, or later, than those that were learnt from."""
    said = " ".join([work.view.run.goal, *(text for _, text in sentences(work))])
    code = "\n".join(c.code for c in work.written)
    series = ("time" in work.roles and _AHEAD.search(said)) or re.search(r"\.(?:shift|rolling)\(", code)
    unit = work.roles.get("unit")
    grouped = re.search(r"groups\s*=|Group\w*(?:Fold|Split)", code)
    repeated = unit is not None and not one_row_each(work, unit) and not grouped
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
            if repeated and (random or folds or name_of(call) in SPLITS):
                yield Objection(
                    where=cell.cell,
                    problem=f"rows of one {unit!r} may stand on both sides of the split, so that it is tested on them.",
                    mend=f"Split by {unit!r}: GroupKFold or GroupShuffleSplit with groups=, or split the ids first.",
                )
                return
