"""Learning: which rows something was fitted to, and on which it was then scored."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from types import CodeType, FrameType
from typing import Any

from notebooks.observer.rows import _MOST_COLUMNS, _array, _Fit, _Learnt, _Rows, _rows
from notebooks.observer.seen import _at_return, _at_start, _code, _Watch
from notebooks.observer.units import _CALLED_ID, _alike, _has_own

_LEARNERS = re.compile(
    "Scaler$|Imputer$|^(Incremental|Kernel|Sparse)?PCA$|^Select|^RFE|TargetEncoder|QuantileTransformer|"
    "PowerTransformer|KBinsDiscretizer|Vectorizer$|TruncatedSVD|^FastICA$|^NMF$|FactorAnalysis|PLSRegression|"
    "LinearDiscriminantAnalysis|SequentialFeatureSelector"
)
"""What learns from rows something that it then puts into every row."""


def _learner(model: Any) -> str | None:
    """The name of what learns in a transformer, within a pipeline of transformers too."""
    name = type(model).__name__
    if _LEARNERS.search(name):
        return name
    inner = [s[1] for s in getattr(model, "steps", ())] + [s[1] for s in getattr(model, "transformers_", ())]
    return next((found for i in inner if not isinstance(i, str) and (found := _learner(i))), None)


def _watch_learning(watch: _Watch, base: Any) -> None:
    fits: set[CodeType] = set()
    scores: set[CodeType] = set()
    whole: set[CodeType] = set()

    def features(frame: FrameType) -> tuple[Any, Any]:
        args, named = frame.f_locals["args"], frame.f_locals["kwargs"]
        return (args[0] if args else named.get("X")), (args[1] if len(args) > 1 else named.get("y"))

    def fitted(frame: FrameType, made: Any) -> None:
        if watch.nested(frame, fits | whole):
            return
        model, (x, y) = frame.f_locals["estimator"], features(frame)
        rows, cell = _rows(x), len(watch.cells) - 1
        if len(watch.fits) >= 60:
            watch.fits.pop(next(iter(watch.fits)))
        learnt = [] if rows is None else [k for k in watch.learnt if rows.within(k.rows)]
        watch.fits[id(model)] = _Fit(model, cell, x, y, learnt)
        watch.add("fit", frame, model=type(model).__name__, rows=len(x) if hasattr(x, "__len__") else None)
        if type(model).__name__.endswith("SearchCV") and rows is not None:
            leak(frame, rows, learnt)
        for name in ("predict", "predict_proba", "decision_function"):
            method = getattr(type(model), name, None)
            if method is not None and (code := _code(method)) is not None and code.co_name == name:
                scores.add(code)
                _at_start(watch, method, scored)
        transform = getattr(type(model), "transform", None)
        if transform is not None and _learner(model) is not None:
            _at_return(watch, transform, transformed)
            if made is not model and getattr(made, "shape", None):
                keep(model, made, rows)

    def keep(model: Any, made: Any, rows: _Rows | None) -> None:
        by, out = _learner(model), _rows(made)
        if by is not None and out is not None and rows is not None and len(watch.learnt) < 12:
            watch.learnt.append(_Learnt(by, len(watch.cells) - 1, out))

    def transformed(frame: FrameType, made: Any) -> None:
        here = frame.f_locals
        model, x = here.get("self"), here.get("X", (here.get("args") or (None,))[0])
        fit = watch.fits.get(id(model))
        if watch.nested(frame, fits | whole | scores) or fit is None or fit.model() is not model:
            return
        rows = _rows(x)
        same = sys.modules["numpy"].array_equal
        if rows is not None and fit.rows is not None and same(rows.rows, fit.rows.rows):
            keep(model, made, rows)

    def leak(frame: FrameType, rows: _Rows, learnt: list[_Learnt]) -> None:
        for known in learnt:
            if len(known.rows.rows) == len(rows.rows):
                watch.add("leak", frame, by=known.by, fitted_in=known.cell, rows=len(rows.rows))
                return

    def scored(frame: FrameType) -> None:
        if watch.nested(frame, fits | scores | whole):
            return
        model = frame.f_locals.get("self")
        fit = watch.fits.get(id(model))
        names = frame.f_code.co_varnames
        x = frame.f_locals.get(names[1]) if len(names) > 1 else None
        rows = _rows(x)
        if fit is None or fit.model() is not model or rows is None or fit.rows is None:
            return
        shared = int(sys.modules["numpy"].isin(rows.rows, fit.rows.rows).sum())
        held = any(rows.within(h) for h in watch.held)
        if shared < 0.5 * len(rows.rows):
            for known in fit.learnt:
                if rows.within(known.rows) and len(known.rows.rows) > len(fit.rows.rows):
                    watch.add("leak", frame, by=known.by, fitted_in=known.cell, rows=len(known.rows.rows))
                    break
        mixed = _mixed(watch, frame, fit, x) if shared < len(rows.rows) else []
        watch.add(
            "scored", frame, model=type(model).__name__, fit_rows=len(fit.rows.rows), rows=len(rows.rows),
            shared=shared, held=held, distinct=len({*fit.rows.rows.tolist()}) / len(fit.rows.rows),
            fitted_in=fit.cell, mixed=mixed,
        )  # fmt: skip

    def split(frame: FrameType, made: Any) -> None:
        for place, table in enumerate(frame.f_locals.get("arrays", ())):
            rows = _rows(table) if getattr(table, "ndim", 0) == 2 or hasattr(table, "tocsr") else None
            if rows is None:
                continue
            leak(frame, rows, [k for k in watch.learnt if rows.within(k.rows)])
            part = _rows(made[2 * place + 1])
            if part is not None and len(watch.held) < 12:
                watch.held.append(part)

    def crossed(frame: FrameType, made: Any) -> None:
        if watch.nested(frame, whole):
            return
        here = frame.f_locals
        x, y = here.get("X"), here.get("y")
        rows = _rows(x)
        if rows is not None:
            leak(frame, rows, [k for k in watch.learnt if rows.within(k.rows)])
        values = made.get("test_score") if isinstance(made, dict) else made
        classes = type(here.get("estimator")).__name__.startswith("Pipeline") or hasattr(here["estimator"], "classes_")
        classes = classes or getattr(here.get("estimator"), "_estimator_type", "") == "classifier"
        classes = classes or type(here.get("estimator")).__name__.endswith(("Classifier", "Regression", "NB", "SVC"))
        plain = here.get("scoring") in (None, "accuracy") and frame.f_code.co_name != "cross_val_predict"
        if plain and classes and (share := _commonest(y)) is not None and values is not None:
            watch.add("accuracy", frame, value=float(_array(values).mean()), commonest=share)

    def measured(frame: FrameType, made: Any) -> None:
        here = frame.f_locals
        if watch.nested(frame, whole) or not isinstance(made, float) or not here.get("normalize", True):
            return
        truth = here.get("y_true", here.get("y"))
        if (share := _commonest(truth)) is not None:
            watch.add("accuracy", frame, value=float(made), commonest=share)

    if (code := _at_return(watch, base.BaseEstimator.__dict__.get("fit"), fitted)) is not None:
        fits.add(code)
    wrapper = base._fit_context(prefer_skip_nested_validation=True)(lambda estimator: None)
    if (code := _at_return(watch, wrapper, fitted)) is not None:
        fits.add(code)
    selection = importlib.import_module("sklearn.model_selection")
    _at_return(watch, inspect.unwrap(selection.train_test_split), split)
    for name in ("cross_val_score", "cross_validate", "cross_val_predict"):
        if (code := _at_return(watch, inspect.unwrap(getattr(selection, name)), crossed)) is not None:
            whole.add(code)
    metrics = importlib.import_module("sklearn.metrics")
    _at_return(watch, inspect.unwrap(metrics.accuracy_score), measured)
    whole.update(c for c in (_code(base.ClassifierMixin.score),) if c is not None)
    _at_return(watch, base.ClassifierMixin.score, measured)


def _commonest(truth: Any) -> float | None:
    """The share of the commonest of at most ten classes."""
    if "pandas" not in sys.modules or truth is None or getattr(truth, "ndim", 1) != 1:
        return None
    counts = sys.modules["pandas"].Series(_array(truth)).value_counts()
    return float(counts.iloc[0] / counts.sum()) if 2 <= len(counts) <= 10 else None


def _mixed(watch: _Watch, frame: FrameType, fit: _Fit, x: Any) -> list[dict[str, Any]]:
    """The columns that name the units of which rows were learnt from and others scored, the outcome being alike."""
    pandas = sys.modules["pandas"]
    index = getattr(x, "index", None)
    if not isinstance(index, pandas.Index) or not isinstance(fit.index, pandas.Index) or fit.outcome is None:
        return []
    outcome = pandas.Series(_array(fit.outcome))
    if outcome.dtype.kind not in "iufb":
        return []
    for table in reversed(watch.frames(frame)):
        if not table.index.is_unique:
            continue
        learnt, judged = table.index.get_indexer(fit.index), table.index.get_indexer(index)
        if (learnt < 0).any() or (judged < 0).any() or len(learnt) + len(judged) > len(table) + 1:
            continue
        found = []
        for unit in table.columns[:_MOST_COLUMNS]:
            column = table[unit]
            levels = column.nunique()
            if column.dtype.kind in "fMm" or not 8 <= levels <= len(table) / 2 or str(unit) in fit.columns:
                continue
            if not _CALLED_ID.search(str(unit)) and not _has_own(table, unit, levels):
                continue
            before, after = column.iloc[learnt], column.iloc[judged]
            both = float(after.isin(before.unique()).mean())
            if both > 0.5 and _alike(outcome, before.reset_index(drop=True), outcome * 0):
                found.append({"column": str(unit), "levels": int(levels), "share": round(both, 3)})
        if found:  # a table of features may have the same rows, and not the units
            return found[:5]
    return []
