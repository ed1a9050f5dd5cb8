"""Statistical models and corrections for many tests."""

from __future__ import annotations

import inspect
import sys
from types import CodeType, FrameType
from typing import Any

from notebooks.observer.rows import _MOST_COLUMNS, _MOST_ROWS, _array
from notebooks.observer.seen import _at_return, _Watch
from notebooks.observer.units import _CALLED_ID, _alike, _in_order

_MODELS = {
    "statsmodels.regression.linear_model": ("RegressionModel.fit",),
    "statsmodels.discrete.discrete_model": ("Logit.fit", "Probit.fit", "Poisson.fit", "MNLogit.fit"),
    "statsmodels.genmod.generalized_linear_model": ("GLM.fit",),
}
_CORRECTIONS = {
    "statsmodels.stats.multitest": ("multipletests", "fdrcorrection"),
    "statsmodels.stats.multicomp": ("pairwise_tukeyhsd",),
    "scipy.stats": ("false_discovery_control", "tukey_hsd"),
    "pingouin": ("multicomp",),
}


def _watch_models(watch: _Watch, module: Any) -> None:
    codes: set[CodeType] = set()

    def fitted(frame: FrameType, result: Any) -> None:
        if watch.nested(frame, codes) or not hasattr(result, "model"):
            return
        model = result.model
        names = [str(n) for n in model.exog_names]
        p = _array(result.pvalues).ravel().tolist() if model.exog.shape[1] <= 60 else []
        watch.add(
            "model", frame, rows=int(result.nobs), cov=str(getattr(result, "cov_type", "")), terms=names[:60],
            p=[v if v == v else None for v in p], outcome=str(model.endog_names), given=_rows_given(model),
            units=_model_units(watch, frame, result),
        )  # fmt: skip

    for path in _MODELS[module.__name__]:
        owner, _, name = path.partition(".")
        if (code := _at_return(watch, getattr(getattr(module, owner), name), fitted)) is not None:
            codes.add(code)


def _rows_given(model: Any) -> int | None:
    """The rows that a model was given, of which those with missing values do not count any more."""
    if (missing := getattr(model.data, "missing_row_idx", None)) is not None:
        return len(missing) + len(model.endog)
    gone = getattr(model, "missing_idx", None)
    return len(model.endog) if gone is None else len(gone)


def _model_units(watch: _Watch, frame: FrameType, result: Any) -> list[dict[str, Any]]:
    if "pandas" not in sys.modules or str(getattr(result, "cov_type", "")) in ("cluster", "hac-panel", "hac-groupsum"):
        return []
    numpy, pandas = sys.modules["numpy"], sys.modules["pandas"]
    model, residuals = result.model, getattr(result, "resid", None)
    labels = getattr(model.data, "row_labels", None)
    if residuals is None or labels is None or len(labels) > _MOST_ROWS:
        return []
    for table in watch.frames(frame):
        if not table.index.is_unique or len(labels) > len(table):
            continue
        at = table.index.get_indexer(labels)
        outcome = model.endog_names
        if (at < 0).any() or (
            outcome in table.columns
            and not numpy.array_equal(table[outcome].to_numpy()[at].astype(float), _array(model.endog).astype(float))
        ):
            continue
        of = pandas.DataFrame(_array(model.exog))
        varying = [c for c in of.columns if of[c].nunique() > 1]
        rows, left = table.iloc[at].reset_index(drop=True), pandas.Series(_array(residuals).astype(float))
        found = []
        for unit in rows.columns[:_MOST_COLUMNS]:
            column = rows[unit]
            levels = column.nunique()
            if column.dtype.kind in "fMm" or not 5 < levels <= len(rows) / 3 or str(unit) in map(str, model.exog_names):
                continue
            most = levels if _CALLED_ID.search(str(unit)) else 8
            given = [c for c in varying if of[c].nunique() <= most and of[c].groupby(column).nunique().max() == 1]
            told = [str(model.exog_names[c]) for c in given if not _in_order(column, of[c])]
            if told and _alike(left, column, pandas.Series(numpy.zeros(len(left)))):
                found.append({"column": str(unit), "levels": int(levels), "rows": len(rows), "terms": told[:5]})
        return found[:5]
    return []


def _watch_corrections(watch: _Watch, module: Any) -> None:
    def corrected(frame: FrameType, made: Any) -> None:
        if next(watch.users(frame), None) is not None:
            watch.add("corrected", frame, by=frame.f_code.co_name)

    for name in _CORRECTIONS[module.__name__]:
        if (function := getattr(module, name, None)) is not None:
            _at_return(watch, inspect.unwrap(function), corrected)
