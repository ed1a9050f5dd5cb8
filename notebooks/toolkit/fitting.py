"""Models of a named kind, fitted with scikit-learn and measured by the figures that are asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.answers import amount_text, and_list
from notebooks.toolkit.attempts import CannotAnswer
from notebooks.toolkit.columns import is_text
from notebooks.toolkit.guesses import is_time
from notebooks.toolkit.metrics import METRIC_NAMES
from notebooks.toolkit.naming import readable
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import as_name

SCORERS = {
    "r2": "r2", "mse": "neg_mean_squared_error", "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error", "mape": "neg_mean_absolute_percentage_error", "accuracy": "accuracy",
    "precision": "precision", "recall": "recall", "f1": "f1", "auc": "roc_auc",
}  # fmt: skip

OF_CLASSES = ("accuracy", "precision", "recall", "f1", "auc", "confusion")
OF_KINDS = {
    "coefficients": ("linear", "ridge", "lasso", "logistic"),
    "intercept": ("linear", "ridge", "lasso", "logistic"),
    "importances": ("tree", "forest", "boosting"),
    "p_values": ("linear", "logistic"),
    "silhouette": (),
}
MODELS = {
    "linear": ("linear_model", "LinearRegression", "LinearRegression"),
    "ridge": ("linear_model", "Ridge", "RidgeClassifier"),
    "lasso": ("linear_model", "Lasso", ""),
    "logistic": ("linear_model", "", "LogisticRegression"),
    "tree": ("tree", "DecisionTreeRegressor", "DecisionTreeClassifier"),
    "forest": ("ensemble", "RandomForestRegressor", "RandomForestClassifier"),
    "boosting": ("ensemble", "GradientBoostingRegressor", "GradientBoostingClassifier"),
    "knn": ("neighbors", "KNeighborsRegressor", "KNeighborsClassifier"),
    "svm": ("svm", "SVR", "SVC"),
    "naive_bayes": ("naive_bayes", "", "GaussianNB"),
}
"""Of each kind of model the module of scikit-learn, the class for numbers and the class for words."""


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


def named_model(kind: str, classes: bool, seed: int = 42, options: dict[str, Any] | None = None) -> Any:
    """A scikit-learn model of a kind, for classes or for numbers. Raises CannotAnswer where there is none such."""
    module, regressor, classifier = MODELS[kind]
    name, task = (classifier, "classification") if classes else (regressor, "regression")
    if not name:
        raise CannotAnswer(f"A {kind.replace('_', ' ')} model does no {task}. Choose another kind of model.")
    usual: dict[str, Any] = {"random_state": seed} if kind in ("tree", "forest", "boosting") else {}
    usual |= {"max_iter": 1000} if name == "LogisticRegression" else {}
    return getattr(import_module(f"sklearn.{module}"), name)(**{**usual, **(options or {})})


def answer_model(
    rows: pd.DataFrame,
    kind: str,
    features: list[str],
    target: str = "",
    *,
    task: str = "",
    metrics: Sequence[str] = (),
    test_size: float | None = None,
    folds: int | None = None,
    seed: int = 42,
    stratify: bool = False,
    options: dict[str, Any] | None = None,
    verdict: Callable[[dict[str, Any]], str] | None = None,
    decimals: int | None = None,
    notes: Any = (),
) -> None:
    """Fit a model of a kind (one of `MODELS`, or kmeans) and answer with its metrics; where the columns do not suit it,
    say why. `verdict` gives the word for the values by name. Rows that miss a value of the model are left out."""
    try:
        if odd := next((f for f in features if is_time(rows[f])), None):
            raise CannotAnswer(f"“{odd}” holds times; give the model its year or a length of time instead.")
        words = [f for f in features if is_text(rows[f])]
        notes = [*notes, f"{and_list(words)}: one column of 0 and 1 for each value."] if words else [*notes]
        if kind == "kmeans":
            clusters = int((options or {}).get("n_clusters", 3))
            fitted = cluster_rows(rows, features, clusters, seed, "silhouette" in metrics)
            what = f"k-means with {clusters} clusters by {and_list(features)}"
            notes.append("Columns were brought to mean 0 and standard deviation 1 first.")
        else:
            classes = task == "classification" if task else _of_classes(rows[target], kind, metrics)
            metrics = list(metrics) or (["accuracy"] if classes else ["r2", "rmse"])
            _check_metrics(kind, rows[target], classes, metrics, folds)
            model = named_model(kind, classes, seed, options)
            fitted = fit_model(rows, model, target, features, metrics, test_size=test_size, folds=folds, seed=seed,
                               stratify=stratify)  # fmt: skip
            named = {"linear": "linear regression", "logistic": "logistic regression"}.get(kind, type(model).__name__)
            what = f"mean of {folds} folds, " * bool(folds) + f"{named} of {target} by {and_list(features)}"
            notes += _how_measured(kind, rows[target], metrics, test_size, folds, seed)
    except CannotAnswer as why:
        answer("", status="not_answered", why=str(why))
        return
    if rows[[*features, *([target] if target else [])]].isna().any(axis=None):
        notes.append("Rows that miss a value in a column of the model are left out.")
    word = verdict(fitted.values) if verdict else ""
    said = and_list([f"{name} {amount_text(x, '', decimals)}" for name, x in fitted.values.items()])
    of = f"{fitted.fitted:,} rows" + f" fitted, {fitted.held_out:,} held out" * bool(fitted.held_out)
    values = {**fitted.values, **({"verdict": word} if word else {})}
    answer(f"{readable(what, rows)}: {said} ({of}){f': {word}' * bool(word)}.", values, notes=notes)


def _of_classes(target: pd.Series, kind: str, metrics: Sequence[str]) -> bool:
    """Whether a target is to be classified, where nobody says."""
    if kind in ("logistic", "naive_bayes") or is_text(target) or pd.api.types.is_bool_dtype(target):
        return kind != "linear"
    return bool(set(metrics) & set(OF_CLASSES)) and kind != "linear"


def _check_metrics(kind: str, target: pd.Series, classes: bool, metrics: Sequence[str], folds: int | None) -> None:
    """Raise CannotAnswer where a model of this kind and target has no such figure."""
    told = {m: METRIC_NAMES.get(m, m.replace("_", " ")) for m in metrics}
    if not classes and is_text(target):
        raise CannotAnswer(f"“{target.name}” holds no numbers: it takes a classification, such as a logistic one.")
    for metric, name in told.items():
        if metric in OF_CLASSES and not classes and kind != "linear":
            raise CannotAnswer(f"The {name} is of a classification; “{target.name}” is predicted as a number.")
        if kind not in OF_KINDS.get(metric, (kind,)):
            raise CannotAnswer(f"The {name} is no measure of a {kind.replace('_', ' ')} model.")
        if folds and metric not in SCORERS:
            raise CannotAnswer(f"The {name} cannot be told as a mean over folds.")


def _how_measured(
    kind: str, target: pd.Series, metrics: Sequence[str], test_size: float | None, folds: int | None, seed: int
) -> list[str]:
    """What a reader should know of how a model was measured."""
    notes = list[str]()
    if set(metrics) & {"precision", "recall", "f1"} and target.nunique() != 2:
        notes.append("Precision, recall and F1 are means over the classes.")
    if kind == "linear" and set(metrics) & set(OF_CLASSES):
        notes.append("A prediction of 0.5 or more was taken as 1.")
    if test_size is not None and not folds:
        notes.append(f"The split is random with the seed {seed}; another seed gives somewhat other figures.")
    elif not folds:
        notes.append("The model is measured on the rows that it was fitted to, which flatters it.")
    return notes
