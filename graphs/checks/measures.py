"""Which numbers written out in the code stand for what a cell measures, and which of them somebody set or told."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphs.checks.base import Work, sentences
from graphs.checks.figures import Figure, figures
from graphs.checks.numbers import ELSEWHERE, RULE, is_elsewhere
from graphs.checks.syntax import assigned, called, names, spelled_out, words

_METRICS = (
    r"auc|roc|auroc|auprc|rmse|rmsle|mae|mse|s?mape|rsq|rsquared|log_?loss|brier|silhouettes?|sil|inertias?|wcss|"
    r"davies_bouldin|calinski_harabasz|aic|bic|mcc|ndcg|perplexity|p_?vals?|p_?values?"
)
_SCORED = r"acc|accuracy|scores?|recall|precision|results?|metrics?|r2|f1|kappa|corr|correlations?|rho"
_OTHER = r"p|r|means?|median|estimate|effect|coef|lift|rate|share|std|sd|ci|low|high|loss|error"
_METRIC, SCORES, MEASURES = (
    re.compile(rf"(^|_)({of})(_|$)", re.I)
    for of in (_METRICS, f"{_METRICS}|{_SCORED}", f"{_METRICS}|{_SCORED}|{_OTHER}")
)
"""What names a measure of a model or a test and nothing else; what does so as a rule; and any statistic."""
_RIVAL = re.compile(
    r"(^|_)(baseline|naive|dummy|previous|prev|old|before|last|earlier|incumbent|champion|benchmark)(_|$)", re.I
)
SET = re.compile(
    r"(^|_)(targets?|thresholds?|limits?|cuts?|cut_?offs?|bands?|bins?|edges|weights?|goals?|required?|tol|tolerance|quota|"
    r"published|literature|ref|reference|norms?|nominal|official|expected|assum\w*|given|prior|null|sla|kpi|desired|"
    r"allowed|accepted|population|national|declared|claimed|standard)(_|$)",
    re.I,
)
"""What names a number that somebody sets, or knows from elsewhere."""
_TOLD = re.compile(
    rf"{ELSEWHERE.pattern}|{RULE.pattern}|\b(?:asked|agreed|assum\w+|set by|given|provided|supplied|quoted|according|"
    r"from the (?:\w+[ '’]+){0,3}(?:question|client|brief|report|paper|study|office|supplier|vendor|model card))\b",
    re.I,
)
_MEASURING = re.compile(r"\w_(?:score|error)\(|\.score\(|\b(?:mse|rmse|mae|auc)\w*\(")
"""A call that measures how good a model is."""
_STATISTICS = words("mean avg average median slope intercept coef sd std estimate")
CONVENTIONS = {0.0, 0.001, 0.01, 0.025, 0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99, 1.0, 1.96}
SHARES = {round(1 / k, d) for k in range(2, 11) for d in (2, 3, 4)}


def telling(node: ast.AST) -> float | None:
    """A literal that looks measured: a fraction that is no convention and no simple share."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    if not isinstance(node, ast.Constant) or not isinstance(node.value, float):
        return None
    value = abs(node.value)
    return None if value in CONVENTIONS or value in SHARES else node.value


def measured(node: ast.AST) -> float | None:
    """A literal that looks measured: a telling fraction, or a count that is neither round nor a year."""
    if (value := telling(node)) is not None:
        return value
    whole = node.value if isinstance(node, ast.Constant) and type(node.value) is int else 0
    return float(whole) if whole > 100 and whole % 50 and not 1900 <= whole <= 2100 else None


def unsourced(code: str, tree: ast.Module, work: Work) -> ast.Module:
    """A cell without the numbers that somebody set or that are known from elsewhere: their name, a comment beside or
    above them, or a sentence about them says so."""
    lines = code.splitlines()
    texts = [work.view.run.goal, work.given, *(t for _, t in sentences(work))]
    sourced = [f for i, t in enumerate(texts) for f in figures(t) if i == 0 or is_elsewhere(f)]
    body = []
    for statement in tree.body:
        above = lines[statement.lineno - 2] if statement.lineno > 1 else ""
        beside = [line.partition("#")[2] for line in lines[statement.lineno - 1 : statement.end_lineno]]
        notes = " ".join([above if above.lstrip().startswith("#") else "", *beside])
        told = assigned(statement) is not None and _TOLD.search(notes) is not None
        alone = list(_scalars(statement))
        if not told and not (alone and all(SET.search(t) or any(f.is_near(v) for f in sourced) for t, v in alone)):
            body.append(statement)
    return ast.Module(body=body, type_ignores=[])


def _scalars(tree: ast.AST) -> Iterator[tuple[str, float]]:
    """The names that are given one measured-looking number each, in an assignment or as a function's default."""
    for node in ast.walk(tree):
        pairs: list[tuple[ast.AST, ast.expr]] = []
        if isinstance(node, ast.stmt) and not isinstance(node, ast.AugAssign) and (pair := assigned(node)) is not None:
            several = pair[1].elts if isinstance(pair[1], (ast.Tuple, ast.List)) else [pair[1]] * len(pair[0])
            pairs = [*zip(pair[0], several, strict=False)] if len(several) == len(pair[0]) else []
        elif isinstance(node, ast.arguments) and node.defaults:
            pairs = [*zip(node.args[-len(node.defaults) :], node.defaults, strict=True)]
        for target, value in pairs:
            name = getattr(target, "id", getattr(target, "arg", ""))
            if name and (number := measured(value)) is not None:
                yield name, number


def typed_measure(tree: ast.Module, whole: ast.Module, known: dict[str, ast.expr], claims: list[Figure]) -> str | None:
    """A number under the name of a measure, or of what a measure is set against: the score of a former model, a mean
    that the report repeats beside one that is computed."""
    made = [n.id for n in ast.walk(whole) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    used = {n.id for n in ast.walk(whole) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    for name, value in _scalars(tree):
        beside = set() if name.isupper() else _set_against(name, whole)
        of = _tokens(name) & _STATISTICS if any(f.is_near(value) for f in claims) else set()
        named = (
            _METRIC.search(name)
            or ((SCORES.search(name) or _RIVAL.search(name)) and any(_measures(n, known) for n in beside))
            or any(of & _tokens(n) and n in known and called(known[n]) & _STATISTICS for n in beside)
        )
        if named and name in used and made.count(name) < 2 and not SET.search(name):
            return f"{value:g} (`{name}`) is"
    return None


def _tokens(name: str) -> set[str]:
    return set(name.lower().split("_"))


def _set_against(name: str, whole: ast.Module) -> set[str]:
    """The names that a name is compared or reckoned with."""
    sums = (n for n in ast.walk(whole) if isinstance(n, (ast.BinOp, ast.Compare)) and name in names(n))
    return {n for part in sums for n in names(part)} - {name}


def _measures(name: str, known: dict[str, ast.expr]) -> bool:
    """Whether a name says, or was assigned, how good a model is."""
    made = spelled_out(known[name], known, 1) if name in known else ""
    return bool(_METRIC.search(name) or _MEASURING.search(made))
