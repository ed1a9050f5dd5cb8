"""Models: fitted with scikit-learn on one part of the rows, measured on the other."""

from __future__ import annotations

from graphs.questions.expressions import NotComputable, literal
from graphs.questions.query import Model, Query
from graphs.questions.scope import Scope
from graphs.questions.sentences import aliases, and_list, braced, found, readable, tell, value, verdict
from graphs.questions.steps import listed

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
    "kmeans": ("cluster", "KMeans", "KMeans"),
}
"""Module of scikit-learn, class for numbers, class for words."""
_SEEDED = ("tree", "forest", "boosting", "kmeans")
_METRICS: dict[str, tuple[str, str]] = {
    "r2": ("R²", "r2_score(actual, predicted)"),
    "mse": ("mean squared error", "mean_squared_error(actual, predicted)"),
    "rmse": ("root mean squared error", "root_mean_squared_error(actual, predicted)"),
    "mae": ("mean absolute error", "mean_absolute_error(actual, predicted)"),
    "mape": ("mean absolute error in per cent", "100 * mean_absolute_percentage_error(actual, predicted)"),
    "accuracy": ("accuracy", "accuracy_score(actual, predicted)"),
    "precision": ("precision", "precision_score(actual, predicted{average})"),
    "recall": ("recall", "recall_score(actual, predicted{average})"),
    "f1": ("F1", "f1_score(actual, predicted{average})"),
    "auc": ("AUC", "roc_auc_score(actual, model.predict_proba(X_test)[:, 1])"),
    "correlation": ("correlation of predicted and actual", "np.corrcoef(actual, predicted)[0, 1]"),
}
_SCORING = {
    "r2": "r2", "mse": "neg_mean_squared_error", "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error", "mape": "neg_mean_absolute_percentage_error", "accuracy": "accuracy",
    "precision": "precision", "recall": "recall",
    "f1": "f1", "auc": "roc_auc",
}  # fmt: skip
_OF_WORDS = ("accuracy", "precision", "recall", "f1", "auc", "confusion")


def fit(query: Query, scope: Scope) -> None:
    """Fit the model and tell the metrics asked for. Rows that miss a value in any of its columns are left out."""
    model = query.model
    assert model is not None
    features = [name for f in model.features for name in _feature(f, scope)]
    if not features:
        raise NotComputable("Say from which columns the model is to be made.")
    words = [f for f in features if scope.kinds[f] == "text"]
    if times := [f for f in features if scope.kinds[f] == "time"]:
        raise NotComputable(f"“{times[0]}” holds times; give the model year({times[0]}) or days(a, b) instead.")
    if model.kind == "kmeans":
        _clusters(model, features, words, query, scope)
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
    _check_words(target, task, scope)
    _data(features, words, target, scope)
    options = {**({"random_state": model.seed} if model.kind in _SEEDED else {}), **model.options}
    if made == "LogisticRegression":
        options = {"max_iter": 1000, **options}
    called = f"{made}({', '.join(f'{k}={literal(v)}' for k, v in options.items())})"
    scope.imports[made] = f"from sklearn.{module} import {made}"
    if model.folds:
        _folded(model, called, metrics, target, features, query, scope)
        return
    if model.test_size is not None:
        if not 0 < model.test_size < 1:
            raise NotComputable("The part held out for testing lies between 0 and 1.")
        stratify = ", stratify=y" if model.stratify else ""
        scope.imports["train_test_split"] = "from sklearn.model_selection import train_test_split"
        scope.add(
            "X_train, X_test, y_train, y_test = train_test_split(\n"
            f"    X, y, test_size={model.test_size:g}, random_state={model.seed}{stratify}\n)"
        )
        scope.say(f"The split is random with the seed {model.seed}; another seed gives somewhat other figures.")
    else:
        scope.add("X_train, X_test, y_train, y_test = X, X, y, y")
        scope.say("The model is measured on the rows that it was fitted to, which flatters it.")
    scope.add(f"model = {called}.fit(X_train, y_train)")
    threshold = model.kind == "linear" and set(metrics) & set(_OF_WORDS)
    scope.add(
        "actual, predicted = y_test, "
        + ("(model.predict(X_test) >= 0.5).astype(int)" if threshold else "model.predict(X_test)")
    )
    if threshold:
        scope.say("A prediction of 0.5 or more was taken as 1.")
    sources, after = _sources(model, metrics, target, scope)
    scope.add("found = {\n" + "".join(f"    {literal(n)}: {s},\n" for n, s in sources.items()) + "}")
    scope.lines += after
    result = ""
    if query.verdicts:
        known = aliases({n: found(n) for n in sources}, {m: found(_METRICS[m][0]) for m in metrics if m in _METRICS})
        scope.add(f'found["verdict"] = {verdict(query, known)}')
        result = ': {found["verdict"]}'
    named = f"{target} by {and_list(list(model.features))}"
    rows = (
        "{len(y_train):,} rows fitted, {len(y_test):,} held out" if model.test_size is not None else "{len(y):,} rows"
    )
    said = [f"{braced(n)} {value(found(n), query.decimals)}" for n in sources]
    if after:
        said.append(
            "{', '.join(f'{name} {as_text(number)}' for name, number in list(found.items())"
            + f"[{len(sources)}:]"
            + ")}"
        )
    tell(scope, [f"{_called(model, made)} of {braced(readable(named, scope))}: ",
                 and_list(said), f" ({rows}){result}."], "found")  # fmt: skip


def _feature(expr: str, scope: Scope) -> list[str]:
    """The columns of a feature: those made of its levels, where it was encoded so."""
    name = scope.as_column(expr)
    return scope.dummies.get(name, [name])


def _task(model: Model, target: str, scope: Scope) -> str:
    if model.task is not None:
        return model.task
    if model.kind in ("logistic", "naive_bayes") or scope.kinds[target] in ("text", "truth"):
        return "classification" if model.kind != "linear" else "regression"
    words = set(model.metrics) & set(_OF_WORDS) and model.kind != "linear"
    return "classification" if words else "regression"


def _check_words(target: str, task: str, scope: Scope) -> None:
    if task == "regression" and scope.kinds[target] not in ("number", "truth"):
        raise NotComputable(
            f"“{target}” holds no numbers, so it is predicted by a classification, such as a logistic one."
        )


def _called(model: Model, made: str) -> str:
    return {"linear": "linear regression", "logistic": "logistic regression"}.get(model.kind, made)


def _data(features: list[str], words: list[str], target: str, scope: Scope) -> None:
    """Lines that make X and y."""
    columns = list(dict.fromkeys([*features, *([target] * bool(target))]))
    scope.add(f"used = rows[{listed(columns)}].dropna()")
    X = f"used[{listed(features)}]"
    if words:
        X = f"pd.get_dummies({X}, columns={listed(words)}, dtype=int)"
        scope.say(f"{and_list(words)}: one column of 0 and 1 for each value.")
    scope.add(f"X, y = {X}, used[{literal(target)}]" if target else f"X = {X}")
    if any(scope.missing(c) for c in columns):
        scope.say("Rows that miss a value in a column of the model are left out.")


def _sources(model: Model, metrics: list[str], target: str, scope: Scope) -> tuple[dict[str, str], list[str]]:
    """What is told: values with their sources, and lines that add more of them."""
    sources: dict[str, str] = {}
    after: list[str] = []
    levels = scope.levels(target)
    average = "" if levels is None or len(levels) == 2 else ', average="macro"'
    if average and set(metrics) & {"precision", "recall", "f1"}:
        scope.say("Precision, recall and F1 are means over the classes.")
    elif scope.kinds[target] == "text" and levels:
        average = f", pos_label={literal(levels[-1])}"
    for metric in metrics:
        if metric in _METRICS:
            name, source = _METRICS[metric]
            sources[name] = source.format(average=average)
            function = source.split("(")[0].removeprefix("100 * ")
            if not function.startswith("np."):
                scope.imports[function] = f"from sklearn.metrics import {function}"
        elif metric == "intercept":
            sources["intercept"] = "np.ravel(model.intercept_)[0]"
        elif metric == "coefficients":
            after.append("found |= dict(zip(X.columns, np.ravel(model.coef_)))")
        elif metric == "importances":
            after.append("found |= dict(zip(X.columns, model.feature_importances_))")
        elif metric == "confusion":
            scope.imports["confusion_matrix"] = "from sklearn.metrics import confusion_matrix"
            after.append("levels = sorted(set(actual) | set(predicted))")
            after.append(
                "found |= {\n"
                '    f"{as_name(a)} predicted as {as_name(b)}": int(n)\n'
                "    for a, row in zip(levels, confusion_matrix(actual, predicted, labels=levels))\n"
                "    for b, n in zip(levels, row)\n}"
            )
        elif metric == "p_values":
            scope.imports["sm"] = "import statsmodels.api as sm"
            kind, quiet = ("Logit", "disp=0") if model.kind == "logistic" else ("OLS", "")
            after.append(f"fitted = sm.{kind}(y_train, sm.add_constant(X_train.astype(float))).fit({quiet})")
            after.append('found |= {f"p-value of {name}": p for name, p in fitted.pvalues.drop("const").items()}')
        else:
            raise NotComputable(f"The {metric} is no measure of a {model.kind} model.")
    return sources, after


def _folded(
    model: Model, called: str, metrics: list[str], target: str, features: list[str], query: Query, scope: Scope
) -> None:
    """Metrics as means over folds, each held out once."""
    odd = [m for m in metrics if m not in _SCORING]
    if odd:
        raise NotComputable(f"The {odd[0]} cannot be told as a mean over folds.")
    scope.imports["cross_val_score"] = "from sklearn.model_selection import cross_val_score"
    kind = "StratifiedKFold" if any(m in _OF_WORDS for m in metrics) else "KFold"
    scope.imports[kind] = f"from sklearn.model_selection import {kind}"
    scope.add(f"folds = {kind}({model.folds}, shuffle=True, random_state={model.seed})")
    sources = {}
    for m in metrics:
        sign = "-" if _SCORING[m].startswith("neg") else ""
        sources[_METRICS[m][0]] = f'{sign}cross_val_score({called}, X, y, cv=folds, scoring="{_SCORING[m]}").mean()'
    scope.add("found = {\n" + "".join(f"    {literal(n)}: {s},\n" for n, s in sources.items()) + "}")
    said = and_list([f"{braced(n)} {value(found(n), query.decimals)}" for n in sources])
    tell(
        scope,
        [
            f"{braced(target)} by {braced(and_list(features))}, mean of {model.folds} folds: ",
            said,
            " ({len(y):,} rows).",
        ],
        "found",
    )


def _clusters(model: Model, features: list[str], words: list[str], query: Query, scope: Scope) -> None:
    """Rows in clusters, by standardised columns."""
    _data(features, words, "", scope)
    clusters = int(model.options.get("n_clusters", 3))
    scope.imports["KMeans"] = "from sklearn.cluster import KMeans"
    scope.add("Z = (X - X.mean()) / X.std(ddof=0)")
    scope.add(f"model = KMeans(n_clusters={clusters}, n_init=10, random_state={model.seed}).fit(Z)")
    scope.say("Columns were brought to mean 0 and standard deviation 1 first.")
    sources = {f"rows in cluster {i + 1}": f"int((model.labels_ == {i}).sum())" for i in range(clusters)}
    if "silhouette" in model.metrics:
        scope.imports["silhouette_score"] = "from sklearn.metrics import silhouette_score"
        sources = {"silhouette": "silhouette_score(Z, model.labels_)"}
    scope.add("found = {\n" + "".join(f"    {literal(n)}: {s},\n" for n, s in sources.items()) + "}")
    said = and_list([f"{braced(n)} {value(found(n), query.decimals)}" for n in sources])
    tell(
        scope,
        [f"k-means with {clusters} clusters by {braced(and_list(features))}: ", said, " ({len(X):,} rows)."],
        "found",
    )
