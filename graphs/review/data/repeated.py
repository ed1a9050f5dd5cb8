"""The check of repeated units: several rows of one unit are not tested as if they were independent."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check
from graphs.review.code.syntax import called, calls, keywords, meanings, name_of, spelled_out, trees, words
from graphs.review.prose.inference import TESTS

_INFERS = TESTS | words("ols OLS logit Logit glm GLM anova_lm anova sem bootstrap")
_KNOWS = words("mixedlm MixedLM AnovaRM gee GEE ttest_rel wilcoxon MixedLinearModel")
_BY = re.compile(r"groups|subject|cluster|exog_re|re_formula|repeated|^index$|^cov_kwds$|^by$", re.I)
_AGGREGATES = words("mean median sum agg aggregate first last max min std var apply nth head tail")


@check("repeated_units")
def repeated_units(work: Work) -> Iterator[Found]:
    """Repeated measurements of one unit are not tested as if they were independent."""
    unit = work.roles.get("unit")
    if unit is None or one_row_each(work, unit):
        return
    known = meanings(work)
    if any(_respects(tree, unit, known) for _, tree in trees(work)):
        return
    for cell, tree in trees(work):
        if called(tree) & _INFERS:
            yield not_independent(cell.cell, f"rows of one {unit!r} are tested as if they were independent", unit)
            return


def not_independent(where: str, what: str, unit: str) -> Objection:
    """That a test takes rows for independent that are not."""
    return Objection(
        where=where,
        problem=f"{what}: p is far too small.",
        mend=f"Aggregate to one row a {unit!r} first, or use a mixed model or errors clustered by it.",
    )


def one_row_each(work: Work, unit: str) -> bool:
    """Whether the unit never repeats in the table that has it."""
    facts = [(c, t["rows"]) for t in work.tables for c in t["columns"] if c["name"] == unit]
    return any(c["n_unique"] == rows for c, rows in facts)


def _respects(tree: ast.AST, unit: str, known: dict[str, ast.expr]) -> bool:
    """Whether a cell aggregates by the unit, or gives it to a model as what groups its rows."""
    for call in calls(tree):
        if name_of(call) in _KNOWS:
            return True
        given = keywords(call).items()
        if any(k is not None and _BY.search(k) and unit in spelled_out(v, known) for k, v in given):
            return True
        on = call.func.value if isinstance(call.func, ast.Attribute) else None
        grouped = [g for g in calls(on) if name_of(g) == "groupby"] if on is not None else []
        if name_of(call) in _AGGREGATES and any(unit in spelled_out(g, known) for g in grouped):
            return True
        if name_of(call) in ("drop_duplicates", "pivot_table", "pivot") and unit in spelled_out(call, known):
            return True
    return f"C({unit})" in ast.unparse(tree).replace(" ", "")
