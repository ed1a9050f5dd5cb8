"""Models of a named kind, fitted with scikit-learn and measured by the figures that are asked for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.answers import amount_text, and_list
from notebooks.toolkit.metrics import METRIC_NAMES
from notebooks.toolkit.naming import readable
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import as_name

SCORERS = {
    "r2": "r2", "mse": "neg_mean_squared_error", "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error", "mape": "neg_mean_absolute_percentage_error", "accuracy": "accuracy",
    "precision": "precision", "recall": "recall", "f1": "f1", "auc": "roc_auc",
}  # fmt: skip


@dataclass(frozen=True)
class Fitted:
    """What came of a model: its values by name, the rows that it was fitted to and those that it was measured on."""

    values: dict[str, Any]
    fitted: int
    held_out: int = 0


def model_columns(rows: pd.DataFrame, features: list[str], target: str = "") -> tuple[pd.DataFrame, Any]:
    """The features, each text as a column of 0 and 1 for each value, and the target, of rows that have all of them."""
    used = rows[list(dict.fromkeys([*features, *([target] if target else [])]))].dropna()
    texts = [c for c in features if not pd.api.types.is_numeric_dtype(used[c])]
    x = pd.get_dummies(used[features], columns=texts, dtype=int) if texts else used[features]
    return x, used[target] if target else None


def fit_model(
    rows: pd.DataFrame,
    model: Any,
    target: str,
    features: list[str],
    metrics: list[str],
    *,
    test_size: float | None = None,
    folds: int | None = None,
    seed: int = 42,
    stratify: bool = False,
) -> Fitted:
    """Fit a scikit-learn model and measure it by `metrics` (see `metrics`; also confusion, coefficients, intercept,
    p_values and importances): on a random part of the rows, as means over folds, or on the rows that it was fitted to.

    Measured as a classifier, the prediction of a regression counts as 1 from 0.5.
    """
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score, train_test_split

    x, y = model_columns(rows, features, target)
    if folds:
        kind = StratifiedKFold if set(metrics) & {"accuracy", "precision", "recall", "f1", "auc"} else KFold
        parts = kind(folds, shuffle=True, random_state=seed)
        scores = {m: cross_val_score(model, x, y, cv=parts, scoring=SCORERS[m]).mean() for m in metrics}
        signed = {METRIC_NAMES[m]: -s if SCORERS[m].startswith("neg") else s for m, s in scores.items()}
        return Fitted(signed, len(y))
    train, test, known, actual = x, x, y, y
    if test_size is not None:
        parts = train_test_split(x, y, test_size=test_size, random_state=seed, stratify=y if stratify else None)
        train, test, known, actual = parts
    model = model.fit(train, known)
    predicted = model.predict(test)
    if not hasattr(model, "classes_") and set(metrics) & {"accuracy", "precision", "recall", "f1", "auc", "confusion"}:
        predicted = (predicted >= 0.5).astype(int)
    values: dict[str, Any] = {}
    for metric in metrics:
        if metric in METRIC_NAMES:
            values[METRIC_NAMES[metric]] = _measured(metric, actual, predicted, model, test, y)
    if "intercept" in metrics:
        values["intercept"] = np.ravel(model.intercept_)[0]
    if "coefficients" in metrics:
        values |= dict(zip(x.columns, np.ravel(model.coef_), strict=False))
    if "importances" in metrics:
        values |= dict(zip(x.columns, model.feature_importances_, strict=True))
    if "confusion" in metrics:
        values |= _confusion(actual, predicted)
    if "p_values" in metrics:
        import statsmodels.api as sm

        kind, quiet = (sm.Logit, {"disp": 0}) if hasattr(model, "classes_") else (sm.OLS, {})
        found = kind(known, sm.add_constant(train.astype(float))).fit(**quiet).pvalues.drop("const")
        values |= {f"p-value of {name}": p for name, p in found.items()}
    return Fitted(values, len(known), len(actual) if test_size is not None else 0)


def _measured(metric: str, actual: Any, predicted: Any, model: Any, test: Any, y: Any) -> float:
    """One figure of how well predictions meet what is. Of more than two classes: the mean over them."""
    from sklearn import metrics

    if metric == "correlation":
        return float(np.corrcoef(actual, predicted)[0, 1])
    if metric == "auc":
        return float(metrics.roc_auc_score(actual, model.predict_proba(test)[:, 1]))
    if metric in ("precision", "recall", "f1"):
        how: dict[str, Any] = {} if y.nunique() == 2 else {"average": "macro"}
        if not how and not pd.api.types.is_numeric_dtype(y):
            how = {"pos_label": sorted(y.unique())[-1]}
        return float(getattr(metrics, f"{metric}_score")(actual, predicted, **how))
    names = {"mse": "mean_squared", "rmse": "root_mean_squared", "mae": "mean_absolute"}
    names |= {"mape": "mean_absolute_percentage"}
    function = f"{names[metric]}_error" if metric in names else f"{metric}_score"
    return float(getattr(metrics, function)(actual, predicted)) * (100 if metric == "mape" else 1)


def _confusion(actual: Any, predicted: Any) -> dict[str, int]:
    """How often each level is predicted as each."""
    from sklearn.metrics import confusion_matrix

    levels = sorted(set(actual) | set(predicted))
    counts = confusion_matrix(actual, predicted, labels=levels)
    pairs = ((a, b, n) for a, row in zip(levels, counts, strict=True) for b, n in zip(levels, row, strict=True))
    return {f"{as_name(a)} predicted as {as_name(b)}": int(n) for a, b, n in pairs}


def cluster_rows(
    rows: pd.DataFrame, features: list[str], clusters: int, seed: int = 42, silhouette: bool = False
) -> Fitted:
    """Rows in clusters by k-means of columns with mean 0 and standard deviation 1: their sizes, or the silhouette."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    x, _ = model_columns(rows, features)
    z = (x - x.mean()) / x.std(ddof=0)
    model = KMeans(n_clusters=clusters, n_init=10, random_state=seed).fit(z)
    sizes = {f"rows in cluster {i + 1}": int((model.labels_ == i).sum()) for i in range(clusters)}
    return Fitted({"silhouette": float(silhouette_score(z, model.labels_))} if silhouette else sizes, len(x))


def answer_fitted(
    fitted: Fitted, what: str, rows: pd.DataFrame, *, verdict: str = "", decimals: int | None = None, notes: Any = ()
) -> None:
    """Answer with what came of a model."""
    said = and_list([f"{name} {amount_text(x, '', decimals)}" for name, x in fitted.values.items()])
    of = f"{fitted.fitted:,} rows" + f" fitted, {fitted.held_out:,} held out" * bool(fitted.held_out)
    values = {**fitted.values, **({"verdict": verdict} if verdict else {})}
    answer(f"{readable(what, rows)}: {said} ({of}){f': {verdict}' * bool(verdict)}.", values, notes=notes)
