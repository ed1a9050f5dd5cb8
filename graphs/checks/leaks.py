"""The check of leaks: nothing that is known only after the outcome, or made from it, predicts it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Execution, Objection
from graphs.checks.base import Found, Work, check, sentences
from graphs.checks.causes import denied
from graphs.checks.data import bands, restates, stands_out
from graphs.checks.figures import figures
from graphs.checks.relations import plain
from graphs.checks.shadow import fits
from graphs.checks.syntax import (
    assigned,
    called,
    calls,
    keywords,
    meanings,
    name_of,
    numbers,
    printed,
    spelled_out,
    statements,
    strings,
    trees,
    written_text,
)

_PERFECT = {"auc": 0.985, "r2": 0.985, "cramers_v": 0.95, "eta2": 0.97, "accuracy": 0.995, "f1": 0.99}
_MEASURE = re.compile(
    r"(?P<auc>\bAUC\b|\bROC\b)|(?P<r2>R²|\bR2\b|r2_score|R-squared|\br2\b)|(?P<cramers_v>Cram[ée]r'?s V|cramers_v)|"
    r"(?P<f1>\bF1\b)|(?P<accuracy>\baccuracy\b)|(?P<eta2>eta²|\beta2\b|η²)",
    re.I,
)
_OF_TRAINING = re.compile(r"\btrain\w*|in[- ]sample|\bfitted to\b", re.I)
_LEARNS = {"fit", "cross_val_score", "cross_validate", "cross_val_predict"}
_RESTATES = "a column that it rests on may restate the outcome"
_LEAK_TOLD = re.compile(
    r"leak|restates|left out|leaves? out|known only after|not known (until|before)|"
    r"after the (outcome|fact)|by construction",
    re.I,
)
_SCORES = {
    "auc": re.compile(r"roc_auc|average_precision|\bauc\("),
    "r2": re.compile(r"r2_score|rsquared|scoring=['\"]r2"),
    "accuracy": re.compile(r"accuracy_score|scoring=['\"]accuracy"),
    "f1": re.compile(r"f1_score|scoring=['\"]f1"),
}
_AFTERWARDS = re.compile(
    r"(^|_)(actual|recover(ed|y)|collection|refund(ed|s)?|chargeback|cancel+ation|cancel+ed|closing|termination|settle(d|ment)|"
    r"payout|written_off|write_?off|exit|post|after|follow_?up|discharge|autopsy|return_to|days_to_return|"
    r"(churn|leav\w+|exit|cancel\w*|default\w*|refusal|failure)_(reason|date|fee|code))(_|$)",
    re.I,
)


@check("leakage")
def leakage(work: Work) -> Iterator[Found]:
    """Nothing that is known only after the outcome, or made from it, predicts it."""
    told = " ".join([text for _, text in sentences(work)] + [f.kind for f in work.view.findings])
    topic = plain(" ".join([work.view.run.goal, *(str(c) for frame in work.frames.values() for c in frame.columns)]))
    said = (m for m in _LEAK_TOLD.finditer(told) if m.group().lower() != "leak" or "leak" not in topic)
    if "target_leakage" in told or any(not denied(told[: m.start()]) for m in said):
        return
    target = work.roles.get("target")
    derived = dict[str, Execution]()
    known = meanings(work)
    for cell, tree in trees(work):
        if target is not None and (column := _afterwards(tree, target)) is not None:
            yield _leak(cell.cell, f"`{column}` sounds as if it were known only after {target!r}, and it predicts it.")
            return
        if target is not None and (column := _uses(tree, derived)) is not None:
            yield _leak(cell.cell, f"`{column}` is made from {target!r} and used to predict it.")
            return
        if target is not None:
            derived |= dict.fromkeys(_derived(tree, target), cell)
        learns = bool(called(tree) & _LEARNS) or target is not None
        for line in written_text(cell).splitlines() if learns else ():
            if (what := _too_good(line)) is not None:
                yield _leak(cell.cell, f"{what} is too good to be true: {_RESTATES}.")
                return
        for expression, values in printed(cell, tree) if learns else ():
            source = spelled_out(expression, known)
            for kind, is_it in _SCORES.items():
                if len(values) == 1 and _PERFECT[kind] <= values[0] <= 1 and is_it.search(source):
                    yield _leak(cell.cell, f"{kind} {values[0]:.3g} is too good to be true: {_RESTATES}.")
                    return
    learns = any(called(tree) & _LEARNS for _, tree in trees(work))
    for where, text in sentences(work) if learns else ():
        for figure in figures(text):
            if (what := _too_good(" ".join(figure.clause.split()))) is not None:
                yield _leak(where, f"{what} is too good to be true: {_RESTATES}.")
                return
    whole = [tree for _, tree in trees(work)]
    for fit in fits(work):
        features = fit.X.drop(columns=str(fit.y.name), errors="ignore")
        if picked := _picked(whole):  # a transformer that takes some columns and drops the rest
            features = features[[c for c in features.columns if str(c) in picked]]
        if (column := restates(features, fit.y)) is not None:
            yield _leak(
                fit.cell.cell, f"`{column}` all but says what {str(fit.y.name)!r} is, and is used to predict it."
            )
            return
        if not fit.explains and (column := bands(features, fit.y)) is not None:
            yield _leak(fit.cell.cell, f"`{column}` is {str(fit.y.name)!r} cut into bands, and is used to predict it.")
            return
        if (column := stands_out(features, fit.y)) is not None and plain(column) not in plain(told):
            yield _leak(
                fit.cell.cell,
                f"`{column}` alone all but says what {str(fit.y.name)!r} is, nothing else comes near, and the report "
                "does not ask whether it is known before.",
            )
            return
    for finding in work.headlines:
        effect = finding.effect
        if (
            effect is None
            or effect.value is None
            or finding.type != "claim"
            or finding.evidence.cell not in work.by_hand
        ):
            continue
        if target in finding.columns and abs(effect.value) >= _PERFECT.get(effect.metric, 2):
            yield _leak(finding.id, f"{effect.metric} {effect.value:.3g} is too good to be true.")
            return


def _afterwards(tree: ast.Module, target: str) -> str | None:
    """A feature of a model in this cell whose name says that it comes after the outcome."""
    if not called(tree) & (_LEARNS | {"ols", "logit", "glm", "OLS", "Logit"}):
        return None
    listed = {s for n in ast.walk(tree) if isinstance(n, (ast.List, ast.Tuple)) for s in strings(n)}
    dropped = {s for c in calls(tree) if name_of(c) in ("drop", "difference") for s in strings(c)}
    terms = {t for s in strings(tree) if s.count("~") == 1 for t in re.findall(r"[^\W\d]\w*", s.split("~")[1])}
    for column in sorted((listed | terms) - dropped - {target}):
        if re.fullmatch(r"\w+", column) and _AFTERWARDS.search(column) and not target.startswith(column[:5]):
            return column
    return None


def _picked(whole: list[ast.Module]) -> set[str]:
    """The columns that transformers by columns are given by name; none where any takes others, too."""
    made = [c for tree in whole for c in calls(tree) if name_of(c) in ("ColumnTransformer", "make_column_transformer")]
    others = {"passthrough"} & {s for c in made for s in strings(c)} or any(
        called(c) & {"make_column_selector", "select_dtypes"} or keywords(c).get("remainder") is not None for c in made
    )
    return set() if others else {s for c in made for s in strings(c)}


def _leak(where: str, problem: str) -> Objection:
    mend = "Find which column is known only after the outcome or computed from it, leave it out, and say so."
    return Objection(where=where, problem=problem, mend=mend)


def _too_good(line: str) -> str | None:
    """A measure of prediction in a line that is nearly perfect, as it stands there."""
    if _OF_TRAINING.search(line):
        return None
    for match in _MEASURE.finditer(line):
        rest = re.split(r"[;,]\s*(?=[^\W\d])", line[match.end() : match.end() + 80])[0]
        found = [v for v in numbers(rest) if 0 <= v <= 1]
        if match.lastgroup is not None and found and max(found[:6]) >= _PERFECT[match.lastgroup]:
            return f"{match.group()} {max(found[:6]):g}"
    return None


def _derived(tree: ast.AST, target: str) -> set[str]:
    """Columns that a cell computes, row by row, from the target; what it was some rows before is known by then."""
    made = set()
    for statement in statements(tree):
        pair = assigned(statement)
        if pair is None:
            continue
        for place in pair[0]:
            if (
                isinstance(place, ast.Subscript)
                and isinstance(place.slice, ast.Constant)
                and target in strings(pair[1])
            ):
                column = str(place.slice.value)
                if column != target and not called(pair[1]) & {"groupby", "shift", "lag"}:
                    made.add(column)
    return made - {target}


def _uses(tree: ast.AST, derived: dict[str, Execution]) -> str | None:
    """A derived column that stands in a list of features of a cell that fits a model."""
    if not called(tree) & _LEARNS:
        return None
    lists = [n for n in ast.walk(tree) if isinstance(n, ast.List)]
    return next((c for c in derived if any(c in strings(li) for li in lists)), None)
