"""Checks of what learns from which rows: nothing may be fitted to rows that it is then tested on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Execution, Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.syntax import (
    SPLITS,
    assigned,
    called,
    calls,
    keywords,
    name_of,
    names,
    statements,
    strings,
    trees,
    words,
)

LEARNERS = words(
    """
    StandardScaler MinMaxScaler RobustScaler MaxAbsScaler Normalizer QuantileTransformer PowerTransformer
    SimpleImputer KNNImputer IterativeImputer PCA TruncatedSVD TargetEncoder OneHotEncoder OrdinalEncoder
    KBinsDiscretizer SelectKBest SelectPercentile SelectFromModel RFE RFECV TfidfVectorizer CountVectorizer SMOTE
    RandomOverSampler ADASYN ColumnTransformer
    """
)
_SCALERS = words(
    """
    StandardScaler MinMaxScaler RobustScaler MaxAbsScaler QuantileTransformer PowerTransformer
    """
)
_FITS = ("fit", "fit_transform", "fit_resample")
_AVERAGES = ("mean", "median", "std", "min", "max", "mode", "var")
_TRAIN = re.compile(r"(^|_)(tr|train\w*|fold|past|fit_rows|learn\w*)(_|$)|^X_tr|^y_tr", re.I)


@check("fit_before_split")
def fit_before_split(work: Work) -> Iterator[Found]:
    """Nothing learns from the rows on which it is tested."""
    flow = _Flow()
    for cell, tree in trees(work):
        for statement in statements(tree):
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                continue
            if (caught := flow.take(cell, statement)) is not None:
                where, what = caught
                yield Objection(
                    where=where.cell,
                    problem=f"{what} all rows, and the model is then tested on some of them.",
                    mend="Split first and let it learn from the training part only, best inside a Pipeline.",
                )
                return


class _Flow:
    """Follows what was learnt from all rows through names and columns until a split or a cross-validation uses it."""

    def __init__(self) -> None:
        self.learners: dict[str, str] = {}
        self.tainted: dict[str, tuple[Execution, str]] = {}
        self.columns: dict[str, tuple[Execution, str]] = {}
        self.levels: set[str] = set()
        self.train: set[str] = set()

    def take(self, cell: Execution, statement: ast.stmt) -> tuple[Execution, str] | None:
        """Take in the next statement; what was caught with it: where it learnt, and a phrase for what."""
        own = _head(statement)
        if own is None:
            return None
        if (caught := self._used(own)) is not None:
            return caught
        pair = assigned(statement)
        reason = self._learnt(cell, own)
        if pair is None:
            if reason is not None:  # scaler.fit(X) with nothing kept: the scaler itself is what learnt
                for call in calls(own):
                    if name_of(call) in _FITS and isinstance(call.func, ast.Attribute):
                        for name in names(call.func.value) & set(self.learners):
                            self.tainted[name] = reason
            return None
        targets, value = pair
        made = next((c for c in sorted(called(value)) if c in LEARNERS), None)
        if made is not None and isinstance(value, ast.Call) and name_of(value) in LEARNERS:
            self.learners.update({t.id: made for t in targets if isinstance(t, ast.Name)})
        if "train_test_split" in called(value):
            self.train |= {t.id for i, t in enumerate(targets) if isinstance(t, ast.Name) and i % 2 == 0}
            self.train |= {t.id for t in targets if isinstance(t, ast.Name) and _TRAIN.search(t.id)}
        if reason is not None:
            for call in calls(value):
                on = call.func.value if isinstance(call.func, ast.Attribute) else None
                if name_of(call) in _FITS and isinstance(on, ast.Name) and on.id in self.learners:
                    self.tainted[on.id] = reason
        reason = reason or next((self.tainted[n] for n in sorted(names(value)) if n in self.tainted), None)
        listed = {s for n in ast.walk(value) if isinstance(n, (ast.List, ast.Tuple)) for s in strings(n)}
        reason = reason or next((self.columns[s] for s in sorted(listed) if s in self.columns), None)
        if "groupby" in called(value) and called(value) & set(_AVERAGES) and not self._on_train(value):
            self.levels |= {t.id for t in targets if isinstance(t, ast.Name)}
        for target in targets:
            if isinstance(target, ast.Name):
                if reason is not None:
                    self.tainted[target.id] = reason
                else:
                    self.tainted.pop(target.id, None)
            elif reason is not None and isinstance(target, ast.Subscript) and not self._on_train(target):
                for column in strings(target.slice):
                    self.columns[column] = reason
        return None

    def _on_train(self, node: ast.AST) -> bool:
        used = names(node)
        return bool(used & self.train) or any(_TRAIN.search(n) for n in used)

    def _learnt(self, cell: Execution, node: ast.AST) -> tuple[Execution, str] | None:
        """What this code lets learn from all rows, if anything."""
        for call in calls(node):
            on = call.func.value if isinstance(call.func, ast.Attribute) else None
            inputs = ast.Tuple(elts=list(call.args[:1]), ctx=ast.Load())
            if on is None or (not call.args and name_of(call) in _FITS):
                continue
            if name_of(call) in _FITS and not self._on_train(inputs):
                kind = next((self.learners[n] for n in names(on) if n in self.learners), None)
                if isinstance(on, ast.Call):
                    kind = name_of(on) if name_of(on) in LEARNERS else kind
                if kind is not None:
                    what = "a scaler" if kind in _SCALERS else f"`{kind}`"
                    return cell, f"{what} is fitted to"
            if self._on_train(on):
                continue
            if name_of(call) == "transform" and "groupby" in called(on) and strings(inputs) & set(_AVERAGES):
                return cell, "an encoding is averaged over"
            if name_of(call) == "map" and call.args and self._averages(call.args[0]):
                return cell, "an encoding is averaged over"
            if name_of(call) == "fillna" and any(c in _AVERAGES for c in called(inputs)) and not _constant(inputs):
                return cell, "missing values are filled in from"
        if _standardised(node) and not self._on_train(node):
            return cell, "values are scaled by the mean and spread of"
        return None

    def _averages(self, node: ast.AST) -> bool:
        direct = "groupby" in called(node) and bool(called(node) & set(_AVERAGES)) and not self._on_train(node)
        return direct or bool(names(node) & self.levels)

    def _used(self, node: ast.AST) -> tuple[Execution, str] | None:
        """Whether this code tests on rows from which something in it has learnt."""
        for call in calls(node):
            given = ast.Tuple(elts=[*call.args, *keywords(call).values()], ctx=ast.Load())
            holds_back = name_of(call) in SPLITS or (name_of(call) == "split" and len(call.args) > 0 and _folds(call))
            if holds_back:
                reason = next((self.tainted[n] for n in sorted(names(given)) if n in self.tainted), None)
                reason = reason or next((self.columns[s] for s in sorted(strings(given)) if s in self.columns), None)
                if reason is not None:
                    return reason
            on = call.func.value if isinstance(call.func, ast.Attribute) else None
            applied = name_of(call) == "transform" and any(names(a) & self.train for a in call.args)
            if applied and isinstance(on, ast.Name) and on.id in self.tainted:
                return self.tainted[on.id]
            if name_of(call) == "fit" and self._on_train(given):
                learnt = [self.columns[s] for s in sorted(strings(given)) if s in self.columns]
                learnt += [self.tainted[n] for n in sorted(names(given)) if n in self.tainted]
                if learnt:
                    return learnt[0]
        return None


def _head(statement: ast.stmt) -> ast.AST | None:
    """The part of a statement that is its own: of a loop or a condition not the body, which comes by itself."""
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
        return None
    if isinstance(statement, ast.For):
        return statement.iter
    if isinstance(statement, (ast.If, ast.While)):
        return statement.test
    if isinstance(statement, (ast.With, ast.Try)):
        return None
    return statement


def _constant(node: ast.AST) -> bool:
    return not names(node)


def _folds(call: ast.Call) -> bool:
    """`folds.split(X, y)`, not `"a,b".split(",")` or `text.split()`."""
    return not isinstance(call.args[0], ast.Constant)


def _standardised(node: ast.AST) -> bool:
    """`(x - x.mean()) / x.std()`, or the same between minimum and maximum."""
    for part in ast.walk(node):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div) and isinstance(part.left, ast.BinOp):
            above = called(part.left) & {"mean", "median", "min"}
            if isinstance(part.left.op, ast.Sub) and above and called(part.right) & {"std", "max", "var", "quantile"}:
                return True
    return False
