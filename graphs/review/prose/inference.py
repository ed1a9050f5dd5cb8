"""Checks of what tests and scores may be taken to say: many tests, rare classes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from artifacts.types import Objection
from graphs.review.base import Found, Work, check, sentences
from graphs.review.code.syntax import assigned, called, calls, name_of, names, statements, trees, words
from graphs.review.prose.figures import figures

CORRECT = "Correct the whole family by Benjamini-Hochberg (multipletests) and report q and how many tests."
COMPARE = "Give the share of the commonest class beside it, and recall, precision or AUC for the rare one."
TESTS = words(
    """
    ttest_ind ttest_rel ttest_1samp mannwhitneyu wilcoxon ranksums pearsonr spearmanr kendalltau linregress
    chi2_contingency fisher_exact f_oneway kruskal ks_2samp anderson_ksamp levene bartlett proportions_ztest ztest
    brunnermunzel median_test alexandergovern ttest mwu
    """
)
_MANY_AT_ONCE = words("f_regression f_classif chi2 pairwise_corr pairwise_tests")
_REDRAWS = words("choice permutation shuffle sample resample integers")
_FAMILY = 6
"""Tests in the notebook, or in one place, that make a family."""
_CORRECTED = re.compile(
    r"multipletests|fdr|bonferroni|holm|hochberg|false_discovery|padjust|multicomp|tukey|sidak|correct(?:ed|ion)|"
    r"0?\.0[15]\s*/|p_adj|family-?wise|by chance|explorat",
    re.I,
)
_SIGNIFICANT = re.compile(r"significan|\bp\s*[=<≤]|\bp[- ]value|smallest p", re.I)
_COMPARED = re.compile(
    r"baseline|always|guess|majority|large(?:r|st) class|most frequent|commonest|chance|balanced|\brecall\b|"
    r"\bprecision\b|sensitivit|specificit|\bAUC\b|\bF1\b|dummy|base rate|prevalence|catches|missed",
    re.I,
)
_IS_ACCURACY = re.compile(r"accuracy|Classifier|LogisticRegression|SVC|GaussianNB")


@check("multiple_testing")
def multiple_testing(work: Work) -> Iterator[Found]:
    """Where many tests were made, their p values were corrected for it."""
    claims = " ".join(text for _, text in sentences(work))
    if any(_CORRECTED.search(t) for t in (claims, *(c.code for c in work.written))):
        return
    loose = [f for f in work.headlines if f.type == "claim" and f.evidence.cell in work.by_hand and _bare_p(f.test)]
    tests = 0
    for cell, tree in trees(work):
        tests += sum(name_of(c) in TESTS for c in calls(tree))
        if (_repeated(tree) or tests >= _FAMILY) and (len(loose) > 1 or _SIGNIFICANT.search(claims)):
            yield Objection(
                where=cell.cell,
                problem="many tests are made and the smallest p values told, and nothing corrects for their number.",
                mend=CORRECT,
            )
            return
    if len(loose) >= 5:
        yield Objection(
            where=loose[0].id,
            problem=f"{len(loose)} findings carry a p value that was not corrected for their number.",
            mend="Correct them as one family by Benjamini-Hochberg and report q, family and m in `test`.",
        )


def _bare_p(test: Any) -> bool:
    return test is not None and test.p is not None and test.q is None and (test.m or 2) > 1


def _repeated(tree: ast.AST) -> bool:
    """Whether tests are made in a loop, or by a function that makes many at once. Resampling is no family of tests."""
    if called(tree) & _MANY_AT_ONCE:
        return True
    pairs = filter(None, map(assigned, statements(tree)))
    redrawn = {n for targets, value in pairs if called(value) & _REDRAWS for t in targets for n in names(t)}
    own = {f.name for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and called(f) & TESTS} | TESTS
    for node in ast.walk(tree):
        if isinstance(node, (ast.For, ast.While, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.SetComp)):
            over = node.test if isinstance(node, ast.While) else _over(node)
            few = isinstance(over, (ast.List, ast.Tuple)) and len(over.elts) <= 3
            drawn = called(node) & _REDRAWS or names(over) & redrawn
            if called(node) & own and not few and not drawn:
                return True
    return False


def _over(node: ast.For | ast.ListComp | ast.DictComp | ast.GeneratorExp | ast.SetComp) -> ast.expr:
    return node.iter if isinstance(node, ast.For) else node.generators[0].iter


@check("rare_class")
def rare_class(work: Work) -> Iterator[Found]:
    """Accuracy is set against what naming the commonest class would give."""
    claims = " ".join(text for _, text in sentences(work))
    code = "\n".join(c.code for c in work.written)
    if not _IS_ACCURACY.search(code) or _COMPARED.search(claims) or "accura" not in f"{code} {claims}".lower():
        return
    target = work.roles.get("target")
    counts = [f[target].value_counts(normalize=True) for f in work.frames.values() if target in f.columns]
    shares = [float(c.iloc[0]) for c in counts if 2 <= len(c) <= 10]
    if shares and max(shares) < 0.75:
        return
    for where, text in sentences(work):
        high = [f for f in figures(text) if 0.85 <= f.value <= 1 or (f.share and 85 <= f.value <= 100)]
        if high and re.search(r"accura|correct|right", text, re.I):
            yield Objection(
                where=where,
                problem="accuracy alone is praised, and naming the commonest class every time may be as accurate.",
                mend=COMPARE,
            )
            return
