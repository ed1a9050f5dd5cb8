"""Models: of which columns one is made, and the call of the toolkit that fits and measures it."""

from __future__ import annotations

from graphs.questions.expressions import NotComputable, literal
from graphs.questions.query import Model, Query
from graphs.questions.scope import Scope
from graphs.questions.sentences import aliases, decimals, found, tell, verdict
from graphs.questions.steps import listed
from notebooks.toolkit.metrics import METRIC_NAMES


def fit(query: Query, scope: Scope) -> None:
    """Fit the model and tell the metrics asked for."""
    model = query.model
    assert model is not None
    if query.group_by:
        by = query.group_by[0].of
        raise NotComputable(f"One model is fitted to all rows, and not one for each {by}: choose rows of one instead.")
    features = [c for f in model.features for name in [scope.as_column(f)] for c in scope.dummies.get(name, [name])]
    if not features:
        raise NotComputable("Say from which columns the model is to be made.")
    if not model.target and model.kind != "kmeans":
        raise NotComputable("Say what the model is to predict.")
    target = scope.as_column(model.target) if model.target else ""
    if target in features:
        raise NotComputable(f"“{target}” cannot be predicted from itself; leave it out of the features.")
    if model.test_size is not None and not 0 < model.test_size < 1:
        raise NotComputable("The part held out for testing lies between 0 and 1.")
    held_out = model.model_copy(update={"test_size": None}) if model.folds else model
    more = {k: v for k, v in held_out if k not in ("kind", "target", "features")}
    given = {k: list(v) if isinstance(v, tuple) else v for k, v in more.items() if v != Model.model_fields[k].default}
    names = {METRIC_NAMES[m]: found(METRIC_NAMES[m]) for m in model.metrics or METRIC_NAMES if m in METRIC_NAMES}
    word = verdict(
        query, aliases(names, {m: names[METRIC_NAMES[m]] for m in model.metrics or METRIC_NAMES if m in METRIC_NAMES})
    )
    tell(
        scope, "answer_model", "rows", literal(model.kind), listed(features), literal(target) if target else "",
        **{k: literal(v) for k, v in given.items() if v != {}}, verdict=f"lambda found: {word}" if word else "",
        decimals=decimals(query),
    )  # fmt: skip
