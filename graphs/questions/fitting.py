"""Models: which kind of scikit-learn's is meant, of which columns, and the call of the toolkit that fits it."""

from __future__ import annotations

from graphs.questions.expressions import NotComputable, literal
from graphs.questions.query import Model, Query
from graphs.questions.scope import Scope
from graphs.questions.sentences import aliases, and_list, decimals, found, tell, verdict
from graphs.questions.steps import listed
from notebooks.toolkit.metrics import METRIC_NAMES

_KINDS: dict[str, tuple[str, str, str]] = {
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
"""Module of scikit-learn, class for numbers, class for words."""
_SEEDED = ("tree", "forest", "boosting")
_OF_WORDS = ("accuracy", "precision", "recall", "f1", "auc", "confusion")
_OF_KINDS = {
    "coefficients": ("linear", "ridge", "lasso", "logistic"),
    "intercept": ("linear", "ridge", "lasso", "logistic"),
    "importances": ("tree", "forest", "boosting"),
    "p_values": ("linear", "logistic"),
    "silhouette": (),
}


def fit(query: Query, scope: Scope) -> None:
    """Fit the model and tell the metrics asked for. Rows that miss a value in any of its columns are left out."""
    model = query.model
    assert model is not None
    if query.group_by:
        by = and_list([g.of for g in query.group_by])
        raise NotComputable(f"One model is fitted to all rows, and not one for each {by}: choose rows of one instead.")
    features = [c for f in model.features for name in [scope.as_column(f)] for c in scope.dummies.get(name, [name])]
    if not features:
        raise NotComputable("Say from which columns the model is to be made.")
    if times := [f for f in features if scope.kinds[f] == "time"]:
        raise NotComputable(f"“{times[0]}” holds times; give the model year({times[0]}) or days(a, b) instead.")
    if words := [f for f in features if scope.kinds[f] == "text"]:
        scope.say(f"{and_list(words)}: one column of 0 and 1 for each value.")
    if model.kind == "kmeans":
        clusters = int(model.options.get("n_clusters", 3))
        silhouette = ", silhouette=True" * ("silhouette" in model.metrics)
        scope.add(f"fitted = cluster_rows(rows, {listed(features)}, {clusters}, seed={model.seed}{silhouette})")
        scope.say("Columns were brought to mean 0 and standard deviation 1 first.")
        _told(f"k-means with {clusters} clusters by {and_list(features)}", features, query, scope)
        return
    if not model.target:
        raise NotComputable("Say what the model is to predict.")
    target = scope.as_column(model.target)
    if target in features:
        raise NotComputable(f"“{target}” cannot be predicted from itself; leave it out of the features.")
    task = _task(model, target, scope)
    module, regressor, classifier = _KINDS[model.kind]
    made = classifier if task == "classification" else regressor
    if not made:
        raise NotComputable(f"A {model.kind.replace('_', ' ')} model does not do {task}. Choose another kind of model.")
    metrics: list[str] = list(model.metrics) or (["accuracy"] if task == "classification" else ["r2", "rmse"])
    if task == "regression" and model.kind != "linear" and (odd := [m for m in metrics if m in _OF_WORDS]):
        raise NotComputable(f"The {odd[0]} is of a classification; “{target}” is predicted as a number.")
    if odd := [m for m in metrics if model.kind not in _OF_KINDS.get(m, (model.kind,))]:
        raise NotComputable(f"The {odd[0]} is no measure of a {model.kind} model.")
    if model.folds and (odd := [m for m in metrics if m not in METRIC_NAMES or m == "correlation"]):
        raise NotComputable(f"The {odd[0]} cannot be told as a mean over folds.")
    if task == "regression" and scope.kinds[target] not in ("number", "truth"):
        raise NotComputable(
            f"“{target}” holds no numbers, so it is predicted by a classification, such as a logistic one."
        )
    if model.test_size is not None and not 0 < model.test_size < 1:
        raise NotComputable("The part held out for testing lies between 0 and 1.")
    options = {**({"random_state": model.seed} if model.kind in _SEEDED else {}), **model.options}
    options = {"max_iter": 1000, **options} if made == "LogisticRegression" else options
    scope.imports[made] = f"from sklearn.{module} import {made}"
    scope.add(f"model = {made}({', '.join(f'{k}={literal(v)}' for k, v in options.items())})")
    held_out = model.test_size if not model.folds else None
    given = {"test_size": held_out, "folds": model.folds, "seed": model.seed if model.seed != 42 else None,
             "stratify": model.stratify or None}  # fmt: skip
    how = "".join(f", {k}={v}" for k, v in given.items() if v is not None)
    scope.add(f"fitted = fit_model(rows, model, {literal(target)}, {listed(features)}, {listed(metrics)}{how})")
    named = f"{target} by {and_list(list(model.features))}"
    _notes(model, metrics, target, scope)
    called = {"linear": "linear regression", "logistic": "logistic regression"}.get(model.kind, made)
    called = f"mean of {model.folds} folds, {called}" if model.folds else called
    _told(f"{called} of {named}", [*features, target], query, scope, metrics)


def _notes(model: Model, metrics: list[str], target: str, scope: Scope) -> None:
    """What a reader should know of how the model was fitted and measured."""
    levels = scope.levels(target)
    if set(metrics) & {"precision", "recall", "f1"} and levels is not None and len(levels) != 2:
        scope.say("Precision, recall and F1 are means over the classes.")
    if model.kind == "linear" and set(metrics) & set(_OF_WORDS):
        scope.say("A prediction of 0.5 or more was taken as 1.")
    if model.test_size is not None and not model.folds:
        scope.say(f"The split is random with the seed {model.seed}; another seed gives somewhat other figures.")
    elif not model.folds:
        scope.say("The model is measured on the rows that it was fitted to, which flatters it.")


def _told(what: str, columns: list[str], query: Query, scope: Scope, metrics: list[str] | None = None) -> None:
    """Tell what came of the model, and the word that the query's rules give."""
    if any(map(scope.missing, columns)):
        scope.say("Rows that miss a value in a column of the model are left out.")
    names = {METRIC_NAMES[m]: found(METRIC_NAMES[m], "fitted.values") for m in metrics or () if m in METRIC_NAMES}
    ops = {m: names[METRIC_NAMES[m]] for m in metrics or () if m in METRIC_NAMES}
    word = verdict(query, aliases(names, ops))
    tell(scope, "answer_fitted", "fitted", literal(what), "rows", verdict=word, decimals=decimals(query))


def _task(model: Model, target: str, scope: Scope) -> str:
    if model.task is not None:
        return model.task
    if model.kind in ("logistic", "naive_bayes") or scope.kinds[target] in ("text", "truth"):
        return "classification" if model.kind != "linear" else "regression"
    words = set(model.metrics) & set(_OF_WORDS) and model.kind != "linear"
    return "classification" if words else "regression"
