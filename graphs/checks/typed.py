"""The check of results that were typed in where the cell should have computed them."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check, sentences
from graphs.checks.figures import Figure, figures
from graphs.checks.measures import (
    CONVENTIONS,
    MEASURES,
    SCORES,
    SET,
    SHARES,
    measured,
    telling,
    typed_measure,
    unsourced,
)
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
    statements,
    trees,
    words,
)

_SHOWN = ("print", "display", "report", "DataFrame", "Series", "format", "round", "str")
_PASSED_ON = words(
    """
    print display report DataFrame Series array asarray zip dict list tuple set enumerate items values keys round str
    format len max min sorted idxmax idxmin sort_values to_string to_markdown head set_index reset_index T from_records
    from_dict get Markdown HTML append reversed float int abs style rename melt info join subplots
    """
)
"""What shows or rearranges values and computes nothing from them."""
_SUMS = words("sum mean div sub mul diff pct_change")
_DRAWS = re.compile(r"^(plt|pyplot|ax\w*|axs?|axes|fig\w*|sns|seaborn|px|go|alt|chart)\b")
_CHARTS = words("bar barh pie plot scatter stem step barplot lineplot Bar Scatter")
_MERGED = ("merge", "map", "join", "replace", "reindex", "isin")


@check("typed_results")
def typed_results(work: Work) -> Iterator[Found]:
    """Results are computed and not typed in."""
    told = {abs(v) for _, text in sentences(work) for v in numbers(text)}
    whole = ast.Module(body=[s for _, tree in trees(work) for s in tree.body], type_ignores=[])
    numeric = (n.value for n in ast.walk(whole) if isinstance(n, ast.Constant) and not isinstance(n.value, bool))
    used = {abs(v) for v in numeric if isinstance(v, (int, float))}
    claims = [f for _, text in sentences(work) for f in figures(text)]
    facts = _facts(work)
    known = meanings(work)
    for cell, whole_cell in trees(work):
        tree = unsourced(cell.code, whole_cell, work)
        what = (
            _only_shown(tree, whole)
            or _table(tree, whole)
            or _reported(tree)
            or _said(tree, told - used)
            or _read_out(tree, told)
            or _repeated(tree, whole, claims)
            or _counts(tree, facts)
            or typed_measure(tree, whole, known, claims)
            or _drawn(tree, claims)
        )
        if what is not None:
            yield Objection(
                where=cell.cell,
                problem=f"{what} typed in, where a cell should have computed it.",
                mend="Compute it from the data in this cell, and print or report the variable.",
            )


def _facts(work: Work) -> set[int]:
    """How many rows of the given tables have each level, and how many of them each yes-or-no column is true for."""
    found: set[int] = set()
    for frame in work.frames.values():
        flags = [c for c in frame.columns if frame[c].dtype.kind in "iub" and set(frame[c].unique()) <= {0, 1}]
        for column in frame.columns:
            if 2 <= frame[column].nunique() <= 12:
                found |= {int(n) for n in frame[column].value_counts()}
                found |= {int(n) for c in flags if c != column for n in frame.groupby(column)[c].sum()}
    return {n for n in found if n > 100 and n % 50}


def _counts(tree: ast.Module, facts: set[int]) -> str | None:
    """Counts of the given tables' rows that are written out where a test takes them."""
    for statement in statements(tree):
        pair = assigned(statement)
        if pair is None or not isinstance(pair[1], (ast.List, ast.Tuple, ast.Dict, ast.Call)) or _computes(pair[1]):
            continue
        typed = {n.value for n in ast.walk(pair[1]) if isinstance(n, ast.Constant) and type(n.value) is int}
        if len(typed & facts) >= 2:
            return f"counts of the table's rows ({', '.join(map(str, sorted(typed & facts)))}) are"
    return None


def _only_shown(tree: ast.AST, whole: ast.AST) -> str | None:
    """A name that is given a measured-looking number and then only shown, never computed with."""
    for statement in statements(tree):
        pair = assigned(statement)
        if pair is None or len(pair[0]) != 1 or not isinstance(pair[0][0], ast.Name):
            continue
        if (value := telling(pair[1])) is None:
            continue
        name = pair[0][0].id
        if name.isupper() and not MEASURES.search(name):
            continue  # a limit or a rule that the notebook is told
        uses = [n for n in ast.walk(whole) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]
        shown = {id(n) for c in calls(whole) if name_of(c) in _SHOWN for n in ast.walk(c)} | {
            id(n) for f in ast.walk(whole) if isinstance(f, ast.JoinedStr) for n in ast.walk(f)
        }
        computed = {
            id(n)
            for part in ast.walk(whole)
            if isinstance(part, (ast.Compare, ast.BinOp, ast.Subscript))
            or (isinstance(part, ast.Call) and name_of(part) not in _SHOWN)
            for n in ast.walk(part)
        }
        held = computed - {id(n) for c in calls(whole) if name_of(c) in _SHOWN for n in ast.walk(c)}
        if uses and all(id(n) in shown and id(n) not in held for n in uses) and not _in_sum(name, whole):
            return f"{value:g} (`{name}`) is"
    return None


def _repeated(tree: ast.Module, whole: ast.Module, claims: list[Figure]) -> str | None:
    """Numbers of the report that are written out in the code and that no number from the data has touched."""
    typed = _typed_names(whole)
    beside = [
        pair[0][0].id
        for s in statements(tree)
        if (pair := assigned(s)) is not None and len(pair[0]) == 1 and isinstance(pair[0][0], ast.Name)
        if (held := measured(pair[1])) is not None and any(f.is_near(held) or f.is_near(100 * held) for f in claims)
    ]
    for statement in statements(tree):
        pair = assigned(statement)
        if pair is None or isinstance(statement, ast.AugAssign) or _computes(pair[1]):
            continue
        targets = [t.id for t in pair[0] if isinstance(t, ast.Name)]
        rule = all(t.isupper() and not MEASURES.search(t) for t in targets)
        single = isinstance(pair[1], (ast.Constant, ast.UnaryOp))
        if not targets or len(targets) < len(pair[0]) or (rule and single):
            continue
        for node in ast.walk(pair[1]):
            value = measured(node)
            if value is None or not any(f.is_near(value) or f.is_near(100 * value) for f in claims):
                continue
            several = len(beside) > 1 and all(t in beside and not t.isupper() for t in targets)
            named = not single or several or all(MEASURES.search(t) for t in targets)
            if all(_only_passed_on(t, whole, typed if named else set()) for t in targets):
                return f"{value:g} (in `{targets[0]}`) is"
    return None


def _computes(value: ast.expr) -> bool:
    """Whether an expression does more than write values out and arrange them."""
    return any(isinstance(n, (ast.BinOp, ast.Compare, ast.BoolOp, ast.Lambda)) for n in ast.walk(value)) or not (
        {name_of(c) for c in calls(value)} <= _PASSED_ON
    )


def _typed_names(whole: ast.Module) -> set[str]:
    """The names that hold nothing but numbers written out in the code, and what is reckoned from those alone."""
    made: dict[str, list[ast.expr]] = {}
    for statement in statements(whole):
        if (pair := assigned(statement)) is not None:
            for target in pair[0]:
                if isinstance(target, ast.Name):
                    made.setdefault(target.id, []).append(pair[1])
    typed: set[str] = set()
    for _ in made:
        more = {name for name, values in made.items() if all(_is_typed(value, typed) for value in values)}
        if more == typed:
            break
        typed = more
    return typed


def _is_typed(value: ast.expr, typed: set[str]) -> bool:
    held = names(value) - {"pd", "np"}
    literal = any(measured(n) is not None for n in ast.walk(value))
    return held <= typed and bool(literal or held) and {name_of(c) for c in calls(value)} <= _PASSED_ON | _SUMS


def _only_passed_on(name: str, whole: ast.Module, typed: set[str], depth: int = 3) -> bool:
    """Whether all that becomes of a name, and of what it is handed on to, is being shown, or reckoned with names of
    `typed` alone; it must be shown at all."""
    used = False
    for statement in statements(whole):
        inner = [n for n in ast.iter_child_nodes(statement) if not isinstance(n, ast.stmt)]
        if not any(
            isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)
            for part in inner
            for n in ast.walk(part)
        ):
            continue
        used = True
        for part in inner:
            for node in ast.walk(part):
                if not isinstance(node, (ast.BinOp, ast.Compare, ast.Call)) or name not in names(node):
                    continue
                if isinstance(node, ast.Call):
                    summed = name in typed and name_of(node) in _SUMS
                    passed = _DRAWS.match(owner_of(node)) or name_of(node) in _PASSED_ON or summed
                else:
                    passed = names(node) <= typed
                if not passed:
                    return False
        pair = assigned(statement)
        handed = pair[0] if pair is not None else [statement.target] if isinstance(statement, ast.For) else []
        for target in {n for t in handed for n in names(t)} - {name}:
            if not depth or not _only_passed_on(target, whole, typed, depth - 1):
                return False
    return used


def _in_sum(name: str, whole: ast.AST) -> bool:
    parts = (n for n in ast.walk(whole) if isinstance(n, (ast.BinOp, ast.Compare)))
    return any(name in names(part) for part in parts)


def _table(tree: ast.AST, whole: ast.AST) -> str | None:
    """A table, list or dict of measures written out by hand, and not one to look something up in."""
    for statement in statements(tree):
        pair = assigned(statement)
        shown = statement.value if isinstance(statement, ast.Expr) and "report" not in called(statement) else None
        value = pair[1] if pair is not None else shown
        target = pair[0][0].id if pair is not None and len(pair[0]) == 1 and isinstance(pair[0][0], ast.Name) else ""
        if value is None or any(target in names(c) for c in calls(whole) if target and name_of(c) in _MERGED):
            continue
        for part in ast.walk(value):
            for label, held in _columns(part, "" if _computes(value) else target):
                key = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", label))
                words = MEASURES if held is not part and isinstance(held, (ast.List, ast.Tuple)) else SCORES
                bare = isinstance(held, (ast.List, ast.Tuple, ast.Dict, ast.Constant, ast.UnaryOp)) and not names(held)
                if bare and words.search(key) and not SET.search(key):
                    here, of = (sum(telling(n) is not None for n in ast.walk(p)) for p in (held, part))
                    if here and of >= 2:
                        return f"a table of results (`{key}`) is"
    return None


def _drawn(tree: ast.AST, claims: list[Figure]) -> str | None:
    """Numbers that are written out in the call that draws them, and that the report repeats."""
    for call in (c for c in calls(tree) if name_of(c) in _CHARTS):
        for given in (*call.args, *(k.value for k in call.keywords if k.arg in ("x", "y", "height", "values"))):
            literals = [v for n in getattr(given, "elts", ()) if (v := telling(n)) is not None]
            if len(literals) > 1 and any(f.is_near(v) or f.is_near(100 * v) for f in claims for v in literals):
                return f"what a chart draws ({literals[0]:g} and others) is"
    return None


def _columns(part: ast.AST, target: str) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(part, ast.Dict):
        for key, value in zip(part.keys, part.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value
        if all(isinstance(v, (ast.Constant, ast.UnaryOp)) for v in part.values):
            yield target, part
    elif isinstance(part, (ast.List, ast.Tuple)):
        yield target, part
    elif isinstance(part, ast.Call) and name_of(part) in ("Series", "DataFrame") and part.args:
        given = keywords(part)
        columns = [str(getattr(c, "value", "")) for c in getattr(given.get("columns"), "elts", ())]
        rows = [getattr(row, "elts", []) for row in getattr(part.args[0], "elts", [])]
        down = ([*cells] for cells in zip(*rows, strict=False))
        yield from ((c, ast.List(cells, ast.Load())) for c, cells in zip(columns, down, strict=False))
        yield str(getattr(given.get("name"), "value", target)), part.args[0]


def _reported(tree: ast.AST) -> str | None:
    """A finding whose effect is a literal."""
    for call in calls(tree):
        effect = keywords(call).get("effect")
        if name_of(call) == "report" and isinstance(effect, ast.Dict):
            for key, value in zip(effect.keys, effect.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "value" and telling(value) is not None:
                    return f"the effect {telling(value):g} of a finding is"
    return None


def _read_out(tree: ast.Module, told: set[float]) -> str | None:
    """A dict or list of literals that a loop prints out, and of which the report repeats a number."""
    for statement in statements(tree):
        if not isinstance(statement, ast.For) or not called(statement) & {"print", "display"}:
            continue
        over = names(statement.iter)
        looped = names(statement.target)
        body = ast.Module(body=statement.body, type_ignores=[])
        only_shown = all(name_of(c) in (*_SHOWN, "join") for c in calls(body)) and not any(
            isinstance(n, (ast.Assign, ast.Compare, ast.BinOp)) and names(n) & looped for n in ast.walk(body)
        )
        for made in statements(tree):
            pair = assigned(made)
            if pair is None or not only_shown or not any(isinstance(t, ast.Name) and t.id in over for t in pair[0]):
                continue
            literal = isinstance(pair[1], (ast.Dict, ast.List, ast.Tuple)) and not names(pair[1])
            values = [v for n in ast.walk(pair[1]) if (v := telling(n)) is not None]
            if literal and any(abs(v) in told for v in values):
                return f"what a loop prints of `{ast.unparse(pair[0][0])}` is"
    return None


def _said(tree: ast.AST, told: set[float]) -> str | None:
    """A plain text with numbers that is printed, and whose numbers the report repeats."""
    for call in calls(tree):
        if name_of(call) in ("print", "display", "Markdown"):
            for argument in call.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    for text in re.findall(r"(?<![\w.,])(?:\d+\.\d+|\d{1,3}(?:,\d{3})+)(?![\w,])", argument.value):
                        value = float(text.replace(",", ""))
                        if value in told and value not in CONVENTIONS and value not in SHARES:
                            return f"{text} is"
    return None
