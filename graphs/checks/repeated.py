"""The check of repeated units: several rows of one unit are not tested as if they were independent."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from itertools import permutations

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.data import nested_units
from graphs.checks.inference import TESTS
from graphs.checks.relations import is_told, mentioned, relations
from graphs.checks.syntax import (
    called,
    calls,
    keywords,
    meanings,
    name_of,
    owner_of,
    spelled_out,
    strings,
    trees,
    words,
    written_text,
)

_DRAWN = words("choice integers permutation resample sample randint")
_SPLIT_KEPT = re.compile(r"groups|subject|cluster|exog_re|re_formula|repeated", re.I)
_UNIT_AGGREGATES = words(
    """
    mean median sum agg aggregate first last max min std var apply nth head
    """
)


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


def one_row_each(work: Work, unit: str) -> bool:
    """Whether the opening cells saw that the unit never repeats."""
    for cell in work.view.executions:
        if "describe" in cell.tags and cell.status == "ok":
            try:
                files = json.loads(written_text(cell))["files"]
            except (ValueError, KeyError, TypeError):
                continue
            return any(c["name"] == unit and c["n_unique"] == f["rows"] for f in files for c in f["columns"])
    return False


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
