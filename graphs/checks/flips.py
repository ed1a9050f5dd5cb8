"""The check of pooled relations: a claim must not hide that the cells show it the other way round within groups."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Execution, Finding, Objection
from graphs.checks.base import Found, Work, check, sentences
from graphs.checks.data import Turn, turned
from graphs.checks.relations import plain, relations
from graphs.checks.syntax import (
    assigned,
    called,
    calls,
    meanings,
    name_of,
    names,
    numbers,
    printed,
    spelled_out,
    statements,
    strings,
    trees,
    written_text,
)
from graphs.review.prose.tables import by_group, pooled, tables

_TOLD = re.compile(
    r"\bwithin\b(?! (?:this|these|our|(?:the|its) (?:data\w*|sample|file|table|margin|error)|an?\b|about|\d|reach|"
    r"limits?|reason|minutes|hours|days|weeks))|inside (each|every)|"
    r"simpson|revers(?:ed|es|al|ing)|turns? (round|about|around)|opposite|"
    r"confound|at the same \w+|flips?\b|the other way|(in|at) (each|every|all) |"
    r"innerhalb|bei gleiche[rmn]|umgekehrt|kehrt sich|in jede[rm]|s'inverse|dans (chacun|chaque)|à \w+ égale?|"
    r"toutes choses|se invierte|dentro de cada|en cada|a igual|a parità|in ciascun|in ogni|binnen elke",
    re.I,
)
_HELD = re.compile(
    r"adjust|controll?(ed|ing)|\bnet of\b|holding|held (constant|equal|fixed)|bereinigt|à \w+ égale", re.I
)
"""What says that something was held constant: that excuses where it is the very column that matters."""
_PARTED = (
    r"\b(?:per|by|each|every|within|same|all|both|given|between|across|among|for|je|pro|nach|jede[rmn]?|par|pour|chaque|"
    r"por|cada|según|per|ogni)"
)
"""What stands before the name of a column by whose levels a report takes a relation apart."""
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n")
_RELATION = re.compile(
    r"\.corr\(|corrwith|pearsonr|spearmanr|kendalltau|linregress|polyfit|\.slope|\.params|\.coef_?\b"
)
_GROUPED = re.compile(r"groupby\(|\.unique\(\)|pivot_table\(|crosstab\(|\.unstack\(")
_DIFFERENCE = re.compile(r"\bdiff|gap|delta|minus|effect|slope|corr|\brho\b|\br\b| - ", re.I)


@check("sign_flips")
def sign_flips(work: Work) -> Iterator[Found]:
    """No pooled relation is reported that the cells show the other way round within groups."""
    if any(f.kind in ("simpsons_paradox", "confounding") for f in work.view.findings):
        return
    if any(_TOLD.search(text) for _, text in sentences(work)):
        return
    if (shown := _shown(work)) is not None:
        yield _turned("answer", shown)
        return
    constant = [plain(c) for _, text in sentences(work) for c in _SENTENCES.split(text) if _HELD.search(c)]
    if (flip := _in_data(work)) is not None and not any(plain(flip[1].by)[:5] in c for c in constant):
        at, turn = flip
        problem = (
            f"{turn.y} is related to {turn.x} the other way round within {turn.by} ({turn.within:+.3g} for "
            f"{turn.pooled:+.3g} over all rows), and this is not said."
        )
        yield Objection(where=at, problem=problem, mend=f"Compare within {turn.by} as well, and say what holds there.")
        return
    if constant:
        return
    known = meanings(work)
    cells = list(trees(work))
    for where, value, finding in _claims(work, cells, known):
        for cell, tree in cells:
            groups = list(_within(cell, tree, known, finding))
            adjusted = list(_adjusted(cell, tree, known, finding))
            if any(_opposite(value, g) for g in groups) or any(v * value < 0 for v in adjusted):
                yield _turned(where, cell.cell)
                return


def _turned(where: str, cell: str) -> Objection:
    return Objection(
        where=where,
        problem=f"the relation turns about within the groups shown in {cell}, and this is not said.",
        mend="Report it as `simpsons_paradox` with the grouping, and let the answer say what holds within.",
    )


def _in_data(work: Work) -> tuple[str, Turn] | None:
    """The cell whose told relation of two columns turns about within a third, of which the report says nothing."""
    said = plain(" ".join(text for _, text in sentences(work)))
    for pair in relations(work, terms=True):
        frame = work.frames[pair.table]
        held = [c for c in pair.others if frame[c].dtype.kind in "iuf"]
        if len(held) < len(pair.others) or (held and plain(pair.x)[:5] not in said):
            continue
        turn = turned(frame, pair.x, pair.y, held)
        if turn is None or re.search(rf"{_PARTED}\s+(?:\w+\s+){{0,2}}{re.escape(plain(turn.by)[:5])}", said):
            continue
        levels = [plain(str(v)) for v in work.frames[pair.table][turn.by].dropna().unique()]
        if not _tells_each(said, levels):
            return pair.cell.cell, turn
    return None


def _tells_each(said: str, levels: list[str]) -> bool:
    """Whether one sentence gives every level of a group by its name with at least one figure for each."""
    named = [level for level in levels if re.search(r"[^\W\d]{2}", level)]
    return len(named) == len(levels) >= 2 and any(
        all(re.search(rf"(?<!\w){re.escape(level)}(?!\w)", sentence) for level in levels)
        and len(numbers(sentence)) >= 2 * len(levels)
        for sentence in _SENTENCES.split(said)
    )


def _shown(work: Work) -> str | None:
    """The cell whose table shows two levels the other way round within every group than they are over all rows."""
    cells = [(c, list(tables(written_text(c)))) for c in work.written]
    answer = work.report.answer.lower()
    overall = [p for _, found in cells for rows in found if (p := pooled(rows)) is not None]
    for levels in overall:
        first, second = levels
        apart = levels[first] - levels[second]
        if not apart or not all(level.lower() in answer for level in levels):
            continue
        for cell, found in cells:
            for rows in found:
                groups = by_group(rows, (first, second))
                if len(groups) >= 2 and all((a - b) * apart < 0 for a, b in groups):
                    return cell.cell
    return None


def _claims(
    work: Work, cells: list[tuple[Execution, ast.Module]], known: dict[str, ast.expr]
) -> Iterator[tuple[str, float, Finding | None]]:
    """What is claimed of a relation: where, the signed value, and the finding, if it is one."""
    found = False
    for finding in work.headlines:
        if finding.type == "claim" and finding.effect is not None and finding.evidence.cell in work.by_hand:
            found = True
            if finding.effect.value:
                yield finding.id, finding.effect.value, finding
    if found:
        return
    told = [abs(v) for v in numbers(work.report.answer)]
    for cell, tree in cells:
        for expression, values in printed(cell, tree):
            relation = _is_relation(expression, known) and not _GROUPED.search(ast.unparse(expression))
            if relation and len(values) == 1 and values[0] and any(abs(abs(values[0]) - t) <= 0.051 for t in told):
                yield "answer", values[0], None


def _is_relation(expression: ast.expr, known: dict[str, ast.expr]) -> bool:
    source = spelled_out(expression, known, 2)
    return bool(_RELATION.search(source)) or _subtracts(expression, known)


def _subtracts(expression: ast.expr, known: dict[str, ast.expr], depth: int = 2) -> bool:
    if isinstance(expression, ast.Name) and depth and expression.id in known:
        return _subtracts(known[expression.id], known, depth - 1)
    return isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Sub)


def _opposite(value: float, group: list[float]) -> bool:
    return len(group) >= 2 and all(v * value < 0 for v in group)


def _within(
    cell: Execution, tree: ast.Module, known: dict[str, ast.expr], finding: Finding | None
) -> Iterator[list[float]]:
    """The values of a relation by group that a cell shows, one list for each way in which it does."""
    own = {n: v for n, v in known.items()}
    for statement in statements(tree):
        if isinstance(statement, ast.For) and _GROUPED.search(spelled_out(statement.iter, known, 2)):
            inner = ast.Module(body=statement.body, type_ignores=[])
            looped = names(statement.target)
            grouped = "items" in called(statement.iter) and _RELATION.search(spelled_out(statement.iter, known, 2))
            shown: dict[str, list[float]] = {}
            for expression, values in printed(cell, inner):
                relation = _is_relation(expression, own) or (grouped and names(expression) <= looped)
                if relation and len(values) == 1:
                    shown.setdefault(ast.unparse(expression), []).extend(values)
            yield from shown.values()
    for shown_expression in _displayed(tree):
        source = spelled_out(shown_expression, known)
        if not _GROUPED.search(source):
            continue
        rows = [numbers(line) for line in written_text(cell).splitlines()]
        if _RELATION.search(source):
            yield from _relation_places(rows)
        yield from _table(cell, tree, shown_expression, finding)


def _displayed(tree: ast.Module) -> list[ast.expr]:
    """The expressions that are shown whole: printed by themselves, displayed, or a cell's last line."""
    found = [
        a for c in calls(tree) if name_of(c) in ("print", "display") for a in c.args if not isinstance(a, ast.Constant)
    ]
    last = tree.body[-1] if tree.body else None
    return [*found, last.value] if isinstance(last, ast.Expr) else found


def _relation_places(rows: list[list[float]]) -> Iterator[list[float]]:
    """Series printed as text: lines in a row with one number each, none beyond one."""
    block: list[float] = []
    for row in [*rows, []]:
        if len(row) == 1:
            block.append(row[0])
            continue
        if len(block) >= 2 and all(abs(v) <= 1 for v in block):
            yield block
        block = []
    braces = [r for r in rows if len(r) >= 2]
    if len(rows) == 1 and braces and all(abs(v) <= 1 for v in braces[0]):
        yield braces[0]


def _table(cell: Execution, tree: ast.Module, shown: ast.expr, finding: Finding | None) -> Iterator[list[float]]:
    """Differences by group in a printed table: its last column, where that was made one, or one level less another."""
    lines = [line for line in written_text(cell).splitlines() if line.strip()]
    differences = [
        str(t.slice.value)
        for s in statements(tree)
        if (pair := assigned(s)) is not None and (_takes_away(pair[1]) or _DIFFERENCE.search(" ".join(strings(s))))
        for t in pair[0]
        if isinstance(t, ast.Subscript) and isinstance(t.slice, ast.Constant) and names(t) & names(shown)
    ]
    for i, head in enumerate(lines):
        body = []
        for line in lines[i + 1 :]:
            if numbers(line):
                body.append(numbers(line))
            elif body:
                break
        if differences and head.rstrip().endswith(differences[-1]) and len(body) >= 2:
            yield [row[-1] for row in body]
        top = str(finding.params.get("top", "")) if finding is not None else ""
        levels = head.split()
        if top in levels[-2:] and len(body) >= 2 and all(len(row) == 2 for row in body):
            sign = 1 if levels[-1] == top else -1
            claimed = finding.effect.value if finding is not None and finding.effect is not None else None
            yield [sign * (1 if (claimed or 0) > 0 else -1) * (row[-1] - row[-2]) for row in body]


def _takes_away(value: ast.expr) -> bool:
    return (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub)) or "diff" in called(value)


def _adjusted(
    cell: Execution, tree: ast.Module, known: dict[str, ast.expr], finding: Finding | None
) -> Iterator[float]:
    """Coefficients that a cell prints of a model with more terms than another of the same outcome has."""
    terms = {name: t for name, value in known.items() if (t := _formula(value)) is not None}
    larger = {
        name
        for name, (outcome, has) in terms.items()
        if any(outcome == other and few < has for other, few in terms.values())
    }
    for expression, values in printed(cell, tree):
        source = expression
        if isinstance(source, ast.Name) and source.id in known:
            source = known[source.id]
        if len(values) != 1 or not names(source) & larger or "params" not in ast.unparse(source):
            continue
        columns = finding.columns if finding is not None else ()
        if not columns or any(key.startswith(c) for key in strings(source) for c in columns):
            yield values[0]


def _formula(value: ast.expr) -> tuple[str, frozenset[str]] | None:
    """Outcome and terms of the first formula in an expression that fits a model."""
    for text in strings(value):
        if text.count("~") == 1:
            outcome, right = text.split("~")
            return outcome.strip(), frozenset(t.strip() for t in re.split(r"[+*]", right))
    return None
