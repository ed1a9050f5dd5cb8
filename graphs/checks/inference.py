"""Checks of what tests and scores may be taken to say: many tests, rare classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check, sentences
from graphs.checks.data import commonest
from graphs.checks.figures import COUNTS, figures
from graphs.checks.syntax import (
    assigned,
    called,
    calls,
    meanings,
    name_of,
    names,
    printed,
    spelled_out,
    statements,
    trees,
    words,
)

CORRECT = "Correct the whole family by Benjamini-Hochberg (multipletests) and report q and how many tests."
COMPARE = "Give the share of the commonest class beside it, and recall, precision or AUC for the rare one."
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
BY_CHANCE = re.compile(
    r"by chance|uncorrected|not corrected|explorat|many tests|of (?:that|so) many|correct(?:ed|ion)|bonferroni|holm|"
    r"fdr|benjamini|multiple (?:tests|testing|comparisons)|zufällig|korrigiert",
    re.I,
)
_SIGNIFICANT = re.compile(r"significan|\bp\s*[=<≤]|\bp[- ]value", re.I)
_ACCURATE = re.compile(
    r"accura|classif\w+ .{0,60}\bcorrect|right in|correct(ly)? (in|for)|hit rate|per cent correct", re.I
)
COMPARED = re.compile(
    r"baseline|always|guess|majority|large(?:r|st) class|most frequent|commonest|chance|balanced|\brecall\b|"
    r"\bprecision\b|sensitivit|specificit|\bAUC\b|\bF1\b|no better|dummy|base rate|half (by|would)|by half|prevalence|"
    r"catches|missed",
    re.I,
)
_IS_ACCURACY = re.compile(
    r"accuracy|\.score\(|==[^\n]{0,80}\)\.mean\(|mean\([^\n]{0,80}==|cross_val_score\((?![^\n]*scoring)|"
    r"\b(?:trace|diag|diagonal)\([^\n]*/|"
    r"scoring=['\"]accuracy"
)
_BINARY_CLASS = re.compile(r"classif|Classifier|LogisticRegression|SVC|GaussianNB|accuracy", re.I)


@check("multiple_testing")
def multiple_testing(work: Work) -> Iterator[Found]:
    """Where many tests were made, their p values were corrected for it."""
    if corrected(work):
        return
    code = "\n".join(c.code for c in work.written)
    loose = [f for f in work.headlines if f.type == "claim" and f.evidence.cell in work.by_hand and _bare_p(f.test)]
    claims = " ".join(text for _, text in sentences(work))
    known = meanings(work)
    tests = 0
    for cell, tree in trees(work):
        repeated = _repeated(tree)
        tests += sum(name_of(c) in TESTS for c in calls(tree))
        repeated = repeated or _picks_terms(tree, known)
        picked = _SELECTED.search(code) or re.search(r"<=?\s*(0?\.\d|alpha)", code, re.I)
        by_chance = repeated and _picks_p(tree, known) and not BY_CHANCE.search(claims)
        if (
            by_chance
            or (repeated and picked and (loose or _SIGNIFICANT.search(claims)))
            or ((tests >= 6 and len(loose) >= 2) or (tests >= 6 and re.search(r"significan", claims, re.I)))
        ):
            yield Objection(
                where=cell.cell,
                problem="many tests are made and the smallest p values picked, and nothing corrects for their number.",
                mend=CORRECT,
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


@check("rare_class")
def rare_class(work: Work) -> Iterator[Found]:
    """Accuracy is set against what naming the commonest class would give."""
    if not any(_BINARY_CLASS.search(c.code) for c in work.written):
        return
    code = "\n".join(c.code for c in work.written)
    if not _IS_ACCURACY.search(code):
        return
    everything = " ".join(text for _, text in sentences(work))
    if COMPARED.search(everything):
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
                mend=COMPARE,
            )
            return
