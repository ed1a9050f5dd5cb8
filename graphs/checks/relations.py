"""Which columns of the given tables a cell sets against each other, and whether the report repeats what came out."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from artifacts.types import Execution
from graphs.checks.base import Work, sentences
from graphs.checks.figures import figures, values
from graphs.checks.syntax import (
    assigned,
    called,
    calls,
    meanings,
    name_of,
    names,
    spelled_out,
    statements,
    strings,
    trees,
    words,
    written_text,
)

if TYPE_CHECKING:
    import pandas as pd

RELATES = words(
    """
    corr corrwith corrcoef pearsonr spearmanr kendalltau linregress polyfit ttest_ind ttest mannwhitneyu ranksums
    f_oneway kruskal ols OLS logit Logit glm GLM anova_lm anova crosstab pivot_table chi2_contingency fisher_exact
    proportions_ztest regplot lmplot pointbiserialr
    """
)
_GROUPS = words("groupby group_by")
_AVERAGES = words("mean median agg aggregate sum describe apply boxplot plot")


@dataclass(frozen=True)
class Relation:
    """Two columns of a table that a call of a cell relates; `others` are the further terms of its model."""

    cell: Execution
    call: ast.Call
    table: str
    x: str
    y: str
    others: tuple[str, ...] = ()


def relations(work: Work, *, terms: bool = False) -> Iterator[Relation]:
    """The pairs of columns that cells relate, of those cells from which the report repeats a number, or another cell
    takes what it repeats.

    With `terms`, each term of a model with several is paired with the outcome.
    """
    known = meanings(work)
    told = {cell.cell for cell in work.written if is_told(work, cell)}
    used = {n for cell, tree in trees(work) if cell.cell in told for n in names(tree)}
    for cell, tree in trees(work):
        handed_on = [
            s for s in statements(tree) if (pair := assigned(s)) and {n for t in pair[0] for n in names(t)} & used
        ]
        for call in calls(tree) if cell.cell in told else (c for s in handed_on for c in calls(s)):
            source = _about(call, known)
            if source is None:
                continue
            for name, frame in work.frames.items():
                columns = mentioned(source, frame)
                if len(columns) == 2 or (terms and "~" in source and len(columns) > 2):
                    for x in columns[1:]:
                        others = tuple(c for c in columns[1:] if c != x)
                        yield Relation(cell, call, name, x, columns[0], others)


def _about(call: ast.Call, known: dict[str, ast.expr]) -> str | None:
    """The source of what a call relates, its names spelled out; None for a call that relates nothing."""
    texts = [s for s in strings(call) if re.search(r"\bgroup\s+by\b", s, re.I)]
    if texts and not any(_inner(call, s) for s in texts):
        return " ".join(texts)
    name = name_of(call)
    inner = called(call.func.value) if isinstance(call.func, ast.Attribute) else set()
    if name in RELATES or (name in _AVERAGES and inner & _GROUPS):
        formulas = [s for s in strings(call) if s.count("~") == 1]
        return formulas[0] if formulas else spelled_out(call, known)
    return None


def _inner(call: ast.Call, text: str) -> bool:
    """Whether a text stands in a call within this one."""
    return any(text in strings(c) for c in calls(call) if c is not call)


def mentioned(source: str, frame: pd.DataFrame) -> list[str]:
    """The columns of a table that a source names: quoted, as an attribute, or in a formula or a query."""
    found = []
    for column in map(str, frame.columns):
        match = re.search(rf"(?<![\w]){re.escape(column)}(?!\w|\s?\()", source)
        if match is not None:
            found.append((match.start(), column))
    return [c for _, c in sorted(found)]


def plain(text: str) -> str:
    """A text as its words are compared between languages: without case, accents, and underscores."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return bare.replace("_", " ")


def is_told(work: Work, cell: Execution) -> bool:
    """Whether the report repeats a number that a cell put out, small counts apart."""
    shown = values(written_text(cell))
    told = [f for _, text in sentences(work) for f in figures(text) if not (f.whole and f.value < 13 and not f.share)]
    return any(f.is_near(v) or f.is_near(100 * v) for f in told for v in shown)
