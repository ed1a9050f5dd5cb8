"""Reading the cells that a model wrote as syntax: their calls, what names stand for, and what prints put out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from artifacts.types import FINDING_MIME, Execution
from graphs.checks.base import Work


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
        if cell.status == "ok" and (tree := _parsed(cell.code)) is not None:
            yield cell, tree


@cache
def _parsed(code: str) -> ast.Module | None:
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


def owner_of(call: ast.Call) -> str:
    """`model` of `model.fit(x)`."""
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


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


def printed(cell: Execution, tree: ast.AST) -> Iterator[tuple[ast.expr, list[float]]]:
    """What each expression in a `print` came out as: its numbers, one list for each line that the call printed.

    The call's constant parts are looked for in the cell's lines; an expression between them is what stands there. Of a
    cell that ends in an expression, what it displayed is that expression's.
    """
    lines = written_text(cell).splitlines()
    for call in calls(tree):
        if name_of(call) != "print" or not call.args:
            continue
        pattern, values = _template(call.args)
        if not values:
            continue
        bare = re.fullmatch(r"(?:\(\.\*\?\) ?)+", pattern) is not None  # nothing but values: a word for each
        for line in lines:
            if bare and len(line.split()) != len(values):
                continue
            if (match := re.fullmatch(pattern, line)) is not None:
                for value, text in zip(values, match.groups(), strict=True):
                    yield value, numbers(text)
    last = tree.body[-1] if isinstance(tree, ast.Module) and tree.body else None
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Constant):
        parts = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
        shown = [o.text for o in cell.outputs if o.kind == "display" and FINDING_MIME not in o.data]
        found = numbers(shown[-1]) if shown and "\n" not in shown[-1] else []
        if len(found) == len(parts):
            for part, number in zip(parts, found, strict=True):
                yield part, [number]


def _template(arguments: Iterable[ast.expr]) -> tuple[str, list[ast.expr]]:
    pattern: list[str] = []
    values: list[ast.expr] = []
    for argument in arguments:
        piece = ""
        for part in _pieces(argument):
            if isinstance(part, str):
                piece += re.escape(part.strip("\n"))
            else:
                piece += "(.*?)"
                values.append(part)
        pattern.append(piece)
    return " ".join(pattern), values


def _pieces(argument: ast.expr) -> list[str | ast.expr]:
    """A printed argument's constant texts and the expressions between them, however it is formatted."""
    match argument:
        case ast.Constant():
            return [str(argument.value)]
        case ast.JoinedStr():
            return [
                str(v.value) if isinstance(v, ast.Constant) else v.value if isinstance(v, ast.FormattedValue) else v
                for v in argument.values
            ]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")):
            return _alternating(re.split(r"\{[^{}]*\}", text), argument.args, argument)
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod()):
            given = argument.right.elts if isinstance(argument.right, ast.Tuple) else [argument.right]
            return _alternating(re.split(r"%[-+ #0-9.]*[diouxXeEfFgGs]", text.replace("%%", "%")), given, argument)
        case ast.Call(func=ast.Name(id="round" | "float" | "str"), args=[first, *_]):
            return [first]
    return [argument]


def _alternating(texts: list[str], given: Sequence[ast.expr], whole: ast.expr) -> list[str | ast.expr]:
    if len(texts) != len(given) + 1:
        return [whole]
    parts: list[str | ast.expr] = [texts[0]]
    for expression, text in zip(given, texts[1:], strict=True):
        parts += [expression, text]
    return [p for p in parts if p != ""]


def numbers(text: str) -> list[float]:
    """The numbers in a text, signs kept."""
    return [float(m.group().replace(",", "").replace("−", "-")) for m in _NUMBER.finditer(text)]


def constant(node: ast.expr | None, known: dict[str, ast.expr]) -> ast.Constant | None:
    """The constant that an expression is, or that its name was assigned."""
    if isinstance(node, ast.Name):
        node = known.get(node.id)
    return node if isinstance(node, ast.Constant) else None


def imported(work: Work) -> dict[str, str]:
    """The full name of what each imported name stands for: `pp` → `sklearn.preprocessing`, `ETR` → its class."""
    known: dict[str, str] = {}
    for _, tree in trees(work):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                known.update({a.asname: a.name for a in node.names if a.asname})
            elif isinstance(node, ast.ImportFrom):
                known.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names if a.name != "*"})
    return known


def is_series(node: ast.expr | None, known: dict[str, ast.expr], depth: int = 4) -> bool:
    """Whether an expression is one column and no table: `df.x`, `df["x"]`, what is computed of them, its index set."""
    match node:
        case ast.Subscript():
            return (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)) or (
                is_series(node.value, known, depth)
            )
        case ast.Attribute():
            return not (isinstance(node.value, ast.Name) and node.value.id in ("pd", "np")) or is_series(
                node.value, known, depth
            )
        case ast.Call():
            if name_of(node) in ("Series", "map") or (name_of(node) == "squeeze"):
                return True
            on = node.func.value if isinstance(node.func, ast.Attribute) else None
            kept = name_of(node) not in ("to_frame", "reset_index", "groupby", "unstack", "set_index")
            return kept and on is not None and is_series(on, known, depth)
        case ast.BinOp():
            return is_series(node.left, known, depth) or is_series(node.right, known, depth)
        case ast.Name() if depth and node.id in known:
            return is_series(known[node.id], known, depth - 1)
    return False
