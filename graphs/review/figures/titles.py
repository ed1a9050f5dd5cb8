"""The check of what is written on charts: titles and annotations are read like sentences of the report."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from artifacts.types import Execution, Objection
from graphs.review.base import Found, Work, check
from graphs.review.claims import misplaced, of_prints
from graphs.review.code.syntax import calls, keywords, name_of, trees
from graphs.review.figures.drawn import drawn_numbers, figures_of, of_figures, texts_on
from graphs.review.prose.figures import figures
from graphs.review.prose.numbers import printed_numbers
from graphs.review.prose.orders import statements

_WRITES = frozenset({"title", "set_title", "suptitle", "annotate", "text", "set_text", "bar_label", "figtext"})
_NAMED = frozenset({"title", "suptitle", "subtitle", "title_text"})


@check("titles")
def titles(work: Work) -> Iterator[Found]:
    """What is written on charts is what the cells show."""
    printed = [v for x in work.view.executions if "describe" not in x.tags for v in printed_numbers(x)]
    for cell, tree in trees(work):
        figures_here = figures_of(cell)
        known = [*of_prints([cell], work.tables), *of_figures(cell, work.tables)]
        seen = [*printed, *(v for f in figures_here for v in drawn_numbers(f))]
        texts = dict.fromkeys([*(t for f in figures_here for t in texts_on(f)), *written_on(tree)])
        for text in texts:
            problems = [*misplaced(text, known, work.tables), *statements(text, "", known, work.tables)]
            loose = [f.text for f in figures(text) if not f.whole and not any(f.tells(v) for v in seen)]
            problems += [f"{', '.join(loose)} is printed by no cell"] * bool(loose)
            if problems:
                yield mistitled(cell, text, problems[0])
                break


def written(work: Work) -> Iterator[tuple[Execution, str]]:
    """What is written on charts, by cell."""
    for cell, tree in trees(work):
        texts = [*(t for f in figures_of(cell) for t in texts_on(f)), *written_on(tree)]
        yield from ((cell, text) for text in dict.fromkeys(texts) if text)


def mistitled(cell: Execution, text: str, problem: str) -> Objection:
    """That a chart of a cell says what is not so."""
    return Objection(
        where=cell.cell,
        problem=f"its chart says “{text[:80]}”: {problem}.",
        mend="Write on the chart what it shows, best built from the values that the cell computed.",
    )


def written_on(tree: ast.AST) -> Iterator[str]:
    """The texts that a cell writes on charts, as far as they are written out."""
    for call in calls(tree):
        given = [*call.args] if name_of(call) in _WRITES else []
        given += [v for k, v in keywords(call).items() if k in _NAMED]
        for node in given:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):  # what is computed stands for itself
                yield "".join(str(v.value) if isinstance(v, ast.Constant) else " … " for v in node.values)
