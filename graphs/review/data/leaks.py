"""The check of leaks: nothing that is known only after the outcome, or made from it, predicts it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from artifacts.types import Objection
from graphs.review.base import Found, Work, check, sentences
from graphs.review.code.syntax import (
    called,
    calls,
    meanings,
    name_of,
    names,
    numbers,
    strings,
    trees,
    written_text,
)
from graphs.review.data.tables import restates

if TYPE_CHECKING:
    import pandas as pd

_PERFECT = {"auc": 0.985, "r2": 0.985, "cramers_v": 0.95, "eta2": 0.97, "accuracy": 0.995, "f1": 0.99}
_MEASURE = re.compile(
    r"(?P<auc>\bAUC\b|\bROC\b)|(?P<r2>R²|\bR2\b|r2_score|R-squared|\br2\b)|(?P<cramers_v>Cram[ée]r'?s V|cramers_v)|"
    r"(?P<f1>\bF1\b)|(?P<accuracy>\baccuracy\b)|(?P<eta2>eta²|\beta2\b|η²)",
    re.I,
)
_OF_TRAINING = re.compile(r"\btrain\w*|in[- ]sample|\bfitted to\b", re.I)
_FORMULAS = ("ols", "logit", "glm", "poisson")
_DENIED = re.compile(r"\b(?:not|never|no|cannot|without|whether|n't|nothing)\b[^.;:]{0,60}$", re.I)
_LEARNS = {"fit", "cross_val_score", "cross_validate", "cross_val_predict"}
_RESTATES = "a column that it rests on may restate the outcome"
_LEAK_TOLD = re.compile(
    r"leak|restates|left out|leaves? out|known only after|not known (until|before)|"
    r"after the (outcome|fact)|by construction",
    re.I,
)


@check("leakage")
def leakage(work: Work) -> Iterator[Found]:
    """Nothing that is known only after the outcome, or made from it, predicts it."""
    told = " ".join([text for _, text in sentences(work)] + [f.kind for f in work.view.findings])
    topic = " ".join([work.view.run.goal, *(str(c["name"]) for t in work.tables for c in t["columns"])]).lower()
    said = (m for m in _LEAK_TOLD.finditer(told) if m.group().lower() != "leak" or "leak" not in topic)
    if "target_leakage" in told or any(not _DENIED.search(told[: m.start()]) for m in said):
        return
    target = work.roles.get("target")
    for cell, tree in trees(work):
        learns = bool(called(tree) & _LEARNS) or target is not None
        for line in written_text(cell).splitlines() if learns else ():
            if (what := _too_good(line)) is not None:
                yield _leak(cell.cell, f"{what} is too good to be true: {_RESTATES}.")
                return
    for where, features, outcome in _learnt(work):
        if (column := restates(features, outcome)) is not None:
            yield _leak(where, f"`{column}` all but says what {str(outcome.name)!r} is, and is used to predict it.")
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


def _learnt(work: Work) -> Iterator[tuple[str, pd.DataFrame, pd.Series[Any]]]:
    """What models learn from, as far as the code names it: the cell, the given table's features, and the outcome."""
    known = meanings(work)
    for cell, tree in trees(work):
        for call in calls(tree):
            terms = [s for s in strings(call) if s.count("~") == 1] if name_of(call) in _FORMULAS else []
            plain = name_of(call) in (*_LEARNS, "train_test_split", "OLS", "Logit")
            given = [a for a in call.args if not isinstance(a, ast.Starred)]
            given = given[1:] if name_of(call).startswith("cross_val") else given
            given = given[::-1] if name_of(call) in ("OLS", "Logit") else given
            for frame in work.frames.values() if terms or (plain and len(given) >= 2) else ():
                columns = set(map(str, frame.columns))
                if terms:
                    y, _, right = terms[0].partition("~")
                    x, y = set(re.findall(r"\w+", right)) & columns, y.strip()
                else:
                    outcomes = _columns(given[1], known, columns)
                    y = outcomes.pop() if len(outcomes) == 1 else ""
                    x = _columns(given[0], known, columns)
                if y in columns and len(x - {y}) >= 1:
                    yield cell.cell, frame[sorted(x - {y})], frame[y]


def _columns(node: ast.expr, known: dict[str, ast.expr], columns: set[str], depth: int = 5) -> set[str]:
    """The columns that an expression selects: those that are named; all but those that are dropped."""
    if isinstance(node, ast.Name):
        return _columns(known[node.id], known, columns, depth - 1) if depth and node.id in known else set()
    if isinstance(node, ast.Subscript):
        named = strings(node.slice)
        if isinstance(node.slice, ast.Name) and node.slice.id in known:
            named = strings(known[node.slice.id])
        return named & columns or _columns(node.value, known, columns, depth)
    if isinstance(node, ast.Call):
        if name_of(node) in ("drop", "pop") and isinstance(node.func, ast.Attribute):
            gone = set().union(*(strings(known.get(n, ast.Constant(None))) for n in names(node)), strings(node))
            return columns - gone if gone & columns else set()
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        first = node.args[0] if node.args else None
        source = first if inner is None or name_of(node) in ("get_dummies", "array", "asarray") else inner
        return _columns(source, known, columns, depth) if source is not None and depth else set()
    if isinstance(node, ast.Attribute):
        return {node.attr} if node.attr in columns else _columns(node.value, known, columns, depth)
    if isinstance(node, (ast.BinOp, ast.Compare)):
        return _columns(node.left, known, columns, depth)
    return set()


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
