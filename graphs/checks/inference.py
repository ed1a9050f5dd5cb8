"""Checks of what the numbers may be taken to say: leaks, many tests, repeated units, rare classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import permutations
from typing import Any

from artifacts.types import Execution, Objection
from graphs.checks.base import Found, Work, check, sentences
from graphs.checks.causes import denied
from graphs.checks.data import bands, commonest, nested_units, restates, stands_out
from graphs.checks.figures import COUNTS, figures
from graphs.checks.relations import is_told, mentioned, plain, relations
from graphs.checks.shadow import fits
from graphs.checks.syntax import (
    assigned,
    called,
    calls,
    keywords,
    meanings,
    name_of,
    names,
    numbers,
    owner_of,
    printed,
    spelled_out,
    statements,
    strings,
    trees,
    words,
    written_text,
)
from graphs.checks.units import one_row_each

TESTS = words(
    """
    ttest_ind ttest_rel ttest_1samp mannwhitneyu wilcoxon ranksums pearsonr spearmanr kendalltau linregress
    chi2_contingency fisher_exact f_oneway kruskal ks_2samp anderson_ksamp levene bartlett proportions_ztest ztest
    brunnermunzel median_test alexandergovern ttest mwu
    """
)
_MODELS = words("ols OLS logit Logit glm GLM wls WLS poisson Poisson linregress anova_lm")
_MANY_AT_ONCE = words(
    """
    f_regression f_classif chi2 pairwise_corr pairwise_tests
    """
)
_CORRECTED = re.compile(
    r"multipletests|fdr|bonferroni|holm|hochberg|false_discovery|padjust|multicomp|tukey|sidak|0?\.0[15]\s*/|p_adj|"
    r"corrected|westfall",
    re.I,
)
_SELECTED = re.compile(r"sort|min\(|nsmallest|idxmin|argmin")
_DRAWN = words("choice integers permutation resample sample randint")
_REDRAWS = {"choice", "permutation", "shuffle", "sample", "resample", "integers"}
_PICKS = words("min nsmallest sort_values sorted idxmin argmin argsort sort")
_IS_P = re.compile(r"pvalue|p_value|[\"']p[\"']|\bp_?vals?\b|\bps?\b")
_HOW_MANY = re.compile(r"\blen\(|\.shape\b|\.size\b|\.count\(|\bcomb\(|\bn_?tests?\b|\bm\b|\bk\b")
_SAID_CORRECTED = re.compile(
    r"(?:multipl(?:ied|ying)|divid(?:ed|ing)) (?:it |them )?by (?:the (?:number|count) of|how many|\d+|"
    + "|".join(COUNTS)
    + r")|"
    r"(?:for|of) the (?:number|multitude) of (?:tests|comparisons)|famil(?:y|ies)-?wise",
    re.I,
)
_BY_CHANCE = re.compile(r"by chance|uncorrected|not corrected|explorat|many tests|of (?:that|so) many", re.I)
_SIGNIFICANT = re.compile(r"significan|\bp\s*[=<≤]|\bp[- ]value", re.I)

_SPLIT_KEPT = re.compile(r"groups|subject|cluster|exog_re|re_formula|repeated", re.I)
_UNIT_AGGREGATES = words(
    """
    mean median sum agg aggregate first last max min std var apply nth head
    """
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

_ACCURATE = re.compile(
    r"accura|classif\w+ .{0,60}\bcorrect|right in|correct(ly)? (in|for)|hit rate|per cent correct", re.I
)
_COMPARED = re.compile(
    r"baseline|always|guess|majority|larger class|largest class|most frequent|chance|balanced|recall|precision|"
    r"sensitiv|specific|\bAUC\b|\bF1\b|no better|dummy|base rate|half (by|would)|by half|prevalence|"
    r"catches|missed|average precision",
    re.I,
)
_IS_ACCURACY = re.compile(
    r"accuracy|\.score\(|==[^\n]{0,80}\)\.mean\(|mean\([^\n]{0,80}==|cross_val_score\((?![^\n]*scoring)|"
    r"\b(?:trace|diag|diagonal)\([^\n]*/|"
    r"scoring=['\"]accuracy"
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
_BINARY_CLASS = re.compile(r"classif|Classifier|LogisticRegression|SVC|GaussianNB|accuracy", re.I)


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
            or finding.evidence.cell not in {c.cell for c in work.written}
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


@check("multiple_testing")
def multiple_testing(work: Work) -> Iterator[Found]:
    """Where many tests were made, their p values were corrected for it."""
    if corrected(work):
        return
    code = "\n".join(c.code for c in work.written)
    by_hand = {c.cell for c in work.written}
    loose = [f for f in work.headlines if f.type == "claim" and f.evidence.cell in by_hand and _bare_p(f.test)]
    claims = " ".join(text for _, text in sentences(work))
    known = meanings(work)
    tests = 0
    for cell, tree in trees(work):
        repeated = _repeated(tree)
        tests += sum(name_of(c) in TESTS for c in calls(tree))
        repeated = repeated or _picks_terms(tree, known)
        picked = _SELECTED.search(code) or re.search(r"<=?\s*(0?\.\d|alpha)", code, re.I)
        by_chance = repeated and _picks_p(tree, known) and not _BY_CHANCE.search(claims)
        if (
            by_chance
            or (repeated and picked and (loose or _SIGNIFICANT.search(claims)))
            or ((tests >= 6 and len(loose) >= 2) or (tests >= 6 and re.search(r"significan", claims, re.I)))
        ):
            yield Objection(
                where=cell.cell,
                problem="many tests are made and the smallest p values picked, and nothing corrects for their number.",
                mend="Correct the whole family by Benjamini-Hochberg (multipletests) and report q and how many tests.",
            )
            return
    if len(loose) >= 5:
        yield Objection(
            where=loose[0].id,
            problem=f"{len(loose)} findings carry a p value that was not corrected for their number.",
            mend="Correct them as one family by Benjamini-Hochberg and report q, family and m in `test`.",
        )


def corrected(work: Work) -> bool:
    """Whether p values, or the level that they are held to, are corrected for their number: by a library, by hand
    (times or divided by how many there are), or by the greatest of redrawn ones; or the report says that they are."""
    known = meanings(work)
    claims = " ".join(text for _, text in sentences(work))
    if any(_CORRECTED.search(t) for t in (claims, *(c.code for c in work.written))) or _SAID_CORRECTED.search(claims):
        return True
    for _, tree in trees(work):
        for node in ast.walk(tree):
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Mult, ast.Div)):
                continue
            sides = [(node.left, node.right), (node.right, node.left)]
            for of, by in sides if isinstance(node.op, ast.Mult) else sides[:1]:
                level = known.get(of.id, of) if isinstance(of, ast.Name) else of
                is_level = isinstance(level, ast.Constant) and level.value in (0.05, 0.01, 0.1)
                plain_p = not isinstance(of, ast.BinOp) and _IS_P.search(ast.unparse(of))
                if (is_level or plain_p) and _HOW_MANY.search(spelled_out(by, known)):
                    return True
    return False


def _picks_p(tree: ast.Module, known: dict[str, ast.expr]) -> bool:
    """Whether a cell keeps what has a small p value: under a level, or as the smallest of them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Lt, ast.LtE)):
            limit = node.comparators[0]
            level = known.get(limit.id, limit) if isinstance(limit, ast.Name) else limit
            if isinstance(level, ast.Constant) and isinstance(level.value, float) and 0 < level.value <= 0.1:
                return True
        if isinstance(node, ast.Call) and name_of(node) in _PICKS:
            about = spelled_out(node, known)
            if _IS_P.search(about) or called(node) & TESTS:
                return True
    return False


def _bare_p(test: Any) -> bool:
    return test is not None and test.p is not None and test.q is None and (test.m or 2) > 1


def _picks_terms(tree: ast.Module, known: dict[str, ast.expr]) -> bool:
    """Whether the smallest p values of a model's many terms are picked: of columns that nobody chose one by one."""
    for call in calls(tree):
        source = spelled_out(call, known)
        if not re.search(r"\.pvalues\b", source) or not _SELECTED.search(name_of(call) + "("):
            continue
        listed = [len(n.elts) for n in ast.walk(tree) if isinstance(n, ast.List)]
        if (
            re.search(r"\.drop\(|\.iloc\[:|\.columns|\.filter\(|join\(|select_dtypes", source)
            or max(listed, default=0) > 8
        ):
            return True
    return False


def _repeated(tree: ast.AST) -> bool:
    """Whether tests are made in a loop, or by a function that makes many at once. Resampling is no family of tests."""
    if called(tree) & _MANY_AT_ONCE:
        return True
    functions = {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and called(f) & TESTS} | TESTS
    redrawn = {
        n
        for s in statements(tree)
        if (pair := assigned(s)) is not None and called(pair[1]) & _REDRAWS
        for t in pair[0]
        for n in names(t)
    }
    for node in ast.walk(tree):
        if isinstance(node, (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp)):
            over = node.test if isinstance(node, ast.While) else _over(node)
            few = isinstance(over, (ast.List, ast.Tuple)) and len(over.elts) <= 3
            drawn = called(node) & _REDRAWS or names(over) & redrawn
            fits = called(node) & _MODELS and any(
                isinstance(n, ast.Attribute) and n.attr in ("pvalues", "pvalue", "f_pvalue") for n in ast.walk(node)
            )
            if not few and not drawn and (called(node) & functions or fits):
                return True
        applied = node.args if isinstance(node, ast.Call) and name_of(node) in ("apply", "agg", "map") else ()
        if any((called(a) | names(a)) & functions for a in applied):
            return True
    return False


def _over(node: ast.For | ast.ListComp | ast.DictComp | ast.GeneratorExp | ast.SetComp) -> ast.expr:
    return node.iter if isinstance(node, ast.For) else node.generators[0].iter


@check("repeated_units")
def repeated_units(work: Work) -> Iterator[Found]:
    """Repeated measurements of one unit are not tested as if they were independent."""
    unit = work.roles.get("unit")
    known = meanings(work)
    whole = [tree for _, tree in trees(work)]
    if unit is None:
        found = [*_nested(work, whole, known)] or [*_nested_by_hand(work, whole, known)]
        yield from found
        return
    if one_row_each(work, unit) or any(_respects(tree, unit, known) for tree in whole):
        return
    for cell, tree in trees(work):
        tests = called(tree) & TESTS or any(_infers(c) for c in calls(tree)) or _by_hand(tree)
        if tests:
            yield Objection(
                where=cell.cell,
                problem=f"rows of one {unit!r} are tested as if they were independent: p is far too small.",
                mend=f"Aggregate to one row a {unit!r} first, or use a mixed model or errors clustered by it.",
            )
            return


def _nested(work: Work, whole: list[ast.Module], known: dict[str, ast.expr]) -> Iterator[Found]:
    """Tests of a factor that nobody gave to single rows, where the table shows to what it was given."""
    for pair in relations(work, terms=True):
        if name_of(pair.call) not in TESTS and not _infers(pair.call):
            continue
        frame = work.frames[pair.table]
        for factor, outcome in ((pair.x, pair.y), (pair.y, pair.x)):
            for unit in nested_units(frame, factor, outcome):
                if any(_respects(tree, unit, known) for tree in whole):
                    continue
                yield _belongs(pair.cell.cell, unit, factor)
                return


def _nested_by_hand(work: Work, whole: list[ast.Module], known: dict[str, ast.expr]) -> Iterator[Found]:
    """Intervals and errors computed by hand over rows that belong together, of a factor that a cell compares by."""
    for cell, tree in trees(work):
        if not _by_hand(tree) or not is_told(work, cell):
            continue
        source = spelled_out(tree, known)
        for frame in work.frames.values():
            columns = mentioned(source, frame)[:8]
            for factor, outcome in permutations(columns, 2):
                if frame[outcome].nunique() < 10:
                    continue
                for unit in nested_units(frame, factor, outcome):
                    if not any(_respects(t, unit, known) for t in whole):
                        yield _belongs(cell.cell, unit, factor)
                        return


def _by_hand(tree: ast.AST) -> bool:
    """Whether a cell makes an interval or an error of single rows itself: redrawn, or by the root of their number."""
    made = called(tree)
    if made & {"sem", "bootstrap"} or (made & _DRAWN and made & {"percentile", "quantile"}):
        return True
    for call in calls(tree):
        if name_of(call) == "interval" and owner_of(call).rpartition(".")[2] in ("t", "norm"):
            return True
        if name_of(call) == "sqrt" and called(call) & {"len", "count"} and called(tree) & {"std", "var"}:
            return True
    return False


def _belongs(where: str, unit: str, factor: str) -> Objection:
    return Objection(
        where=where,
        problem=f"each {unit!r} has one {factor!r} only and its rows are alike, so the rows are not "
        "independent: p is far too small.",
        mend=f"Aggregate to one row a {unit!r} first, or use a mixed model or errors clustered by it.",
    )


def _infers(call: ast.Call) -> bool:
    return name_of(call) in ("ols", "OLS", "logit", "Logit", "glm", "GLM", "anova_lm", "anova")


def _respects(tree: ast.AST, unit: str, known: dict[str, ast.expr]) -> bool:
    """Whether a cell aggregates by the unit, or gives it to a model as what groups its rows."""
    for call in calls(tree):
        name = name_of(call)
        if name in ("mixedlm", "MixedLM", "AnovaRM", "gee", "GEE", "ttest_rel", "wilcoxon", "MixedLinearModel"):
            return True
        for key, value in keywords(call).items():
            about = unit in spelled_out(value, known)
            if key is not None and about and (_SPLIT_KEPT.search(key) or key in ("index", "cov_kwds", "by")):
                return True
        on = call.func.value if isinstance(call.func, ast.Attribute) else None
        grouped = [g for g in calls(on) if name_of(g) == "groupby"] if on is not None else []
        if name in _UNIT_AGGREGATES and any(unit in spelled_out(_arguments(g), known) for g in grouped):
            return True
        if name in ("drop_duplicates", "pivot_table", "pivot") and unit in spelled_out(_arguments(call), known):
            return True
    return any(f"C({unit})" in s.replace(" ", "") for s in strings(tree))


def _arguments(call: ast.Call) -> ast.expr:
    return ast.Tuple(elts=[*call.args, *(k.value for k in call.keywords)], ctx=ast.Load())


@check("rare_class")
def rare_class(work: Work) -> Iterator[Found]:
    """Accuracy is set against what naming the commonest class would give."""
    if not any(_BINARY_CLASS.search(c.code) for c in work.written):
        return
    code = "\n".join(c.code for c in work.written)
    if not _IS_ACCURACY.search(code):
        return
    everything = " ".join(text for _, text in sentences(work))
    if _COMPARED.search(everything):
        return
    target = work.roles.get("target")
    held = [f for f in work.frames.values() if target is not None and target in f.columns]
    shares = [s for f in held if (s := commonest(f, str(target))) is not None]
    if shares and max(shares) < 0.75:
        return
    beside = [f for f in figures(everything) if any(f.is_near(v) for s in shares for v in (s, 100 * s, 100 - 100 * s))]
    if len(beside) > 1:
        return  # the accuracy, and what naming the commonest class would give
    known = meanings(work)
    measured = {
        v
        for cell, tree in trees(work)
        for expression, values in printed(cell, tree)
        if _IS_ACCURACY.search(spelled_out(expression, known))
        for v in values
        if 0.85 <= v <= 1 or 85 <= v <= 100
    }
    for where, text in sentences(work):
        high = [f for f in figures(text) if 0.85 <= f.value <= 1 or 85 <= f.value <= 100]
        praised = any(f.is_near(v) or f.is_near(100 * v) for f in high for v in measured)
        if praised or (_ACCURATE.search(text) and high):
            yield Objection(
                where=where,
                problem="accuracy alone is praised, and naming the commonest class every time may be as accurate.",
                mend="Give the share of the commonest class beside it, and recall, precision or AUC for the rare one.",
            )
            return
