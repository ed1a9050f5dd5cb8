"""A fitted model: what is predicted, from what, and how it is measured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from graphs.questions.query import Measure, Model, Query
from graphs.questions.reader.conditions import expr
from graphs.questions.reader.intents import given

if TYPE_CHECKING:
    from graphs.questions.reader.assembling import Draft

_AIM = r"\bpredict\w*(?! model)|\btarget(?: variable)?|\bdependent variable|\bestimat\w+|\bregression of\b"
_MEANS = r"\b(?:based on|using|from|by|features?|predictors?|independent variables?|given)\b"


def modelled(draft: Draft, base: Query) -> Query | None:
    """A fitted model: what is predicted, from what, and how it is measured."""
    how, target, features, by = draft.methods, "", list[str](), [g.of for g in base.group_by]
    for ask in draft.asks:
        text, start = ask.clause.text, ask.clause.words[0].start
        aim = re.search(_AIM, text, re.I)
        on = r"|\bon\b" if aim and aim[0].casefold() == "regression of" else ""
        means = re.search(_MEANS + on, text[aim.end() :] if aim else text, re.I)
        listed = aim and re.search(r"predictors?(?: variables?)? (?:are|is)", text, re.I)
        behind = re.search(r"\btarget", text, re.I)
        cut = (aim.end() + means.start() if means else len(text)) if aim else 0
        named = [i for i in ask.clause.items if i.code == "C" and (aim or means)]
        places = [ask.clause.words[i.first].start - start for i in named]
        for item, at in zip(named, places, strict=True):
            near = aim is not None and aim.start() <= at <= cut + 2
            if listed:
                near = behind is not None and at > behind.start()
            if near and not target:
                target = expr(item.column)
            elif not near and not (aim and places[0] < aim.start() and at > cut > 0 and expr(item.column) in by):
                features.append(expr(item.column))  # and not one by which groups are told
    if not target:
        return None
    column, metrics = draft.named.get(target), tuple(how.metrics)
    few = column is not None and (column.kind in ("text", "bool") or (column.n_unique <= 10 and "accuracy" in metrics))
    kind: Any = how.model or ("logistic" if few else "linear")
    classify = kind == "logistic" or (few and "regress" not in draft.question.casefold())
    model = Model(
        kind=kind, target=target, features=tuple(f for f in dict.fromkeys(features) if f != target), seed=how.seed,
        task="classification" if classify else "regression", test_size=how.test_size, folds=how.folds,
        stratify=how.stratify, options=how.options, metrics=metrics,
    )  # fmt: skip
    return by_group(given(base, intent="predict", model=model))


def by_group(query: Query) -> Query:
    """A straight line by one column, with one for each group: its slope and R². Of other models there is but one."""
    if (model := query.model) is None:
        return query
    grouped = tuple(g for g in query.group_by if g.of not in (model.target, *model.features))
    line = model.kind == "linear" and len(model.features) == 1 and not (model.metrics or model.test_size or model.folds)
    lines = tuple(Measure(op=op, of=model.target, other=f) for f in model.features for op in ("slope", "r2"))
    told = {"intent": "relate", "model": None, "measures": lines} if grouped and line else {}
    return given(query, group_by=grouped, **told)
