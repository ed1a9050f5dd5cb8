"""Reading the cells that a model wrote as syntax: their calls, what names stand for, and what prints put out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache

from artifacts.types import FINDING_MIME, Execution
from graphs.review.base import Work


def words(text: str) -> frozenset[str]:
    """The names in a text, which is how long lists of names are written here."""
    return frozenset(text.split())


SPLITS = words(
    """
    train_test_split cross_val_score cross_validate cross_val_predict GridSearchCV RandomizedSearchCV
    learning_curve validation_curve
    """
)
"""What holds rows back, or takes all rows and does so itself."""

READERS = words(
    """
    read_csv read_table read_excel read_parquet read_json read_feather read_pickle read_fwf read_sql read_html
    read_xml read_stata read_spss read_sas read_hdf read_orc loadtxt genfromtxt load open
    """
)
"""What reads a file."""
_TIMED = words("time timeit capture prun")
_NUMBER = re.compile(r"(?<![\w.])[+\-−]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")


def trees(work: Work) -> Iterator[tuple[Execution, ast.Module]]:
    """The cells that a model wrote and that are Python; IPython's magics in them are passed over."""
    for cell in work.written:
        if cell.status == "ok" and (tree := parsed(cell.code)) is not None:
            yield cell, tree


@cache
def parsed(code: str) -> ast.Module | None:
    """A cell's syntax; None where it is no Python."""
    try:
        return ast.parse(without_magics(code))
    except (SyntaxError, ValueError, RecursionError):  # another language, a null byte, a thousand brackets
        return None


def without_magics(code: str) -> str:
    """The same cell with IPython's lines (`%time`, `!ls`, `df?`) blanked: of a timed cell the body, of others none."""
    if (magic := re.match(r"\s*%%(\w+)", code)) is not None and magic[1] not in _TIMED:
        return ""
    return re.sub(r"^(\s*)(?:%%?\w.*|!.*|\?.*|[\w.]+\?{1,2})$", r"\1pass", code, flags=re.M)


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls, in the order in which they are written."""
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    yield from sorted(found, key=lambda c: (c.end_lineno or 0, c.end_col_offset or 0))


def name_of(call: ast.Call) -> str:
    """`fit` of `model.fit(x)`, `print` of `print(x)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def called(tree: ast.AST) -> set[str]:
    """The names of all that is called."""
    return {name_of(c) for c in calls(tree)}


def names(tree: ast.AST) -> set[str]:
    """All names that are read or assigned."""
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def strings(tree: ast.AST) -> set[str]:
    """All texts that are written out."""
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def keywords(call: ast.Call) -> dict[str | None, ast.expr]:
    """The keyword arguments of a call; under None what `**` brings."""
    return {k.arg: k.value for k in call.keywords}


def assigned(statement: ast.stmt) -> tuple[list[ast.expr], ast.expr] | None:
    """Targets (tuples taken apart) and value of an assignment; None for any other statement."""
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)) and statement.value is not None:
        targets, value = [statement.target], statement.value
    else:
        return None
    flat: list[ast.expr] = []
    for target in targets:
        flat += target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    return flat, value


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Every statement, inner ones too, in the order in which they are written."""
    found = [n for n in ast.walk(tree) if isinstance(n, ast.stmt)]
    yield from sorted(found, key=lambda s: (s.lineno, s.col_offset))


def meanings(work: Work) -> dict[str, ast.expr]:
    """What each name was last assigned, over all cells; of a tuple's parts, what the whole was.

    A parameter of the notebook's own function stands for what a call gave it, or for its default.
    """
    known: dict[str, ast.expr] = {}
    for _, tree in trees(work):
        for statement in statements(tree):
            if (pair := assigned(statement)) is not None:
                targets, value = pair
                parts = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(targets) else None
                for i, target in enumerate(targets):
                    if isinstance(target, ast.Name):
                        known[target.id] = parts[i] if parts else value
            elif isinstance(statement, ast.For):
                for name in sorted(names(statement.target)):
                    known.setdefault(name, statement.iter)
    for name, given in _parameters(tree for _, tree in trees(work)):
        known.setdefault(name, given)
    return known


def _parameters(parsed: Iterable[ast.Module]) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of functions with what calls give them; after those, with their defaults."""
    whole = list(parsed)
    made = {f.name: f for tree in whole for f in ast.walk(tree) if isinstance(f, ast.FunctionDef)}
    for call in (c for tree in whole for c in calls(tree) if name_of(c) in made):
        arguments = made[name_of(call)].args
        yield from ((a.arg, v) for a, v in zip(arguments.args, call.args, strict=False))
        yield from ((k.arg, k.value) for k in call.keywords if k.arg is not None)
    for function in made.values():
        defaults = function.args.defaults
        named = function.args.args[len(function.args.args) - len(defaults) :]
        yield from ((a.arg, v) for a, v in zip(named, defaults, strict=True))


def spelled_out(expression: ast.AST, known: dict[str, ast.expr], depth: int = 4) -> str:
    """An expression's source together with that of what its names were assigned."""
    text, seen, todo = [ast.unparse(expression)], set[str](), [(n, depth) for n in names(expression)]
    while todo:
        name, left = todo.pop()
        if name in known and name not in seen and left:
            seen.add(name)
            text.append(ast.unparse(known[name]))
            todo += [(n, left - 1) for n in names(known[name])]
    return "\n".join(text)


def written_text(cell: Execution) -> str:
    """What a cell printed or displayed as text, its findings left out."""
    return "\n".join(o.text for o in cell.outputs if FINDING_MIME not in o.data)


def numbers(text: str) -> list[float]:
    """The numbers in a text, signs kept."""
    return [float(m.group().replace(",", "").replace("−", "-")) for m in _NUMBER.finditer(text)]


def constant(node: ast.expr | None, known: dict[str, ast.expr]) -> ast.Constant | None:
    """The constant that an expression is, or that its name was assigned."""
    if isinstance(node, ast.Name):
        node = known.get(node.id)
    return node if isinstance(node, ast.Constant) else None
