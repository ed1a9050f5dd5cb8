"""The check of what a notebook reads: the given files, and nothing from elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.syntax import READERS, calls, constant, keywords, meanings, name_of, owner_of, trees, words

_PLACES = (
    words("Path join home glob iglob rglob listdir scandir walk urlopen urlretrieve get post download connect ZipFile")
    | READERS
)
_FETCHES = re.compile(r"^(load_dataset|fetch_\w+|get_rdataset|load_(iris|wine|diabetes|breast_cancer|digits))$")
_FETCHED = re.compile(r"^\s*[!%]+\s*(?:curl|wget|git clone|kaggle|gdown|aws|gsutil|scp)\b.*$", re.M)
_ADDRESS = re.compile(
    r"(?<!\w)(?:https?|s3|gs|gcs|ftp|abfss?|hdfs|postgres(?:ql)?|mysql|mssql|mongodb|oracle|redis|bigquery|"
    r"snowflake|sqlite)(?:\+\w+)?(?:\+srv)?://[^\s'\"]+",
    re.I,
)
_SHOWN = words("print display Markdown HTML report info debug warning compile sub match search findall startswith")
_LABELS = re.compile(r"label|title|text|annot|legend|caption|set$")
_WRAPS = words("Path PurePath join expanduser expandvars abspath realpath open home urljoin Request")


@check("files")
def files(work: Work) -> Iterator[Found]:
    """Nothing but the given files is read."""
    known = meanings(work)
    given = {a.name for a in work.view.artifacts} | set(work.view.run.params.get("files", ()))
    for cell in work.written:
        if (shell := _FETCHED.search(cell.code)) is not None:
            yield Objection(
                where=cell.cell,
                problem=f"`{shell.group().strip()[:60]}` fetches what is none of the given files.",
                mend="Read the given files by their names, in the current folder.",
            )
    for cell, tree in trees(work):
        given |= _written(tree, known)
        for call in calls(tree):
            path = _path(call, known) or _address(call)
            if path is None and not _FETCHES.match(name_of(call)):
                continue
            plain = path.removeprefix("./") if path is not None else None
            if plain in given:
                continue
            foreign = plain is not None and name_of(call) in READERS and bool(given) and plain not in given
            if path is not None and name_of(call).startswith("read_sql") and re.search(r"\s", path):
                continue  # a query and no path
            if path is not None and not _outside(path) and not foreign:
                continue
            what = repr(path) if path is not None else f"`{name_of(call)}`"
            yield Objection(
                where=cell.cell,
                problem=f"it reads {what}, which is none of the given files.",
                mend="Read the given files by their names, in the current folder.",
            )
            break


def _path(call: ast.Call, known: dict[str, ast.expr]) -> str | None:
    """The path or address that a call opens, as far as it is written out; None where it opens none or writes it."""
    if name_of(call) in ("home", "cwd") and owner_of(call).endswith("Path"):
        return "~" if name_of(call) == "home" else None
    if name_of(call) not in _PLACES or _writes(call):
        return None
    keys = ("filepath_or_buffer", "path", "io", "url", "file", "fname")
    first = call.args[0] if call.args else next((v for k, v in keywords(call).items() if k in keys), None)
    start = _start(first, known)
    if start is None or _is_whole(first, known):
        return start
    return start if _outside(start) else None


def _is_whole(node: ast.expr | None, known: dict[str, ast.expr], depth: int = 5) -> bool:
    """Whether a path is written out whole, and not built of pieces."""
    if isinstance(node, ast.Name) and depth and node.id in known:
        return _is_whole(known[node.id], known, depth - 1)
    if isinstance(node, ast.Call) and name_of(node) in _WRAPS and len(node.args) == 1:
        return _is_whole(node.args[0], known, depth)
    return isinstance(node, ast.Constant)


def _address(call: ast.Call) -> str | None:
    """An address that a call is given, in whatever it is: a connection, a query; not what is only shown."""
    if name_of(call) in _SHOWN or _LABELS.search(name_of(call)):
        return None
    for argument in (*call.args, *(v for k, v in keywords(call).items() if k not in ("title", "label", "text"))):
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            if (match := _ADDRESS.search(argument.value)) is not None:
                return match.group()
            reads = re.search(
                r"\b(?:from|join)\s+(?:read_\w+\s*\(\s*)?'(?P<path>(?:/|~|\.\./)[^']*)'", argument.value, re.I
            )
            if reads is not None:
                return reads["path"]
    return None


def _start(node: ast.expr | None, known: dict[str, ast.expr], depth: int = 5) -> str | None:
    """How the path that an expression builds begins: joined, formatted, or wrapped in `Path` and the like."""
    match node:
        case ast.Constant():
            return node.value if isinstance(node.value, str) else None
        case ast.Name() if depth and node.id in known:
            return _start(known[node.id], known, depth - 1)
        case ast.JoinedStr() if node.values:
            return _start(node.values[0], known, depth)
        case ast.FormattedValue():
            return _start(node.value, known, depth)
        case ast.BinOp() if isinstance(node.op, (ast.Add, ast.Div, ast.Mod)):
            return _start(node.left, known, depth)
        case ast.Call() if name_of(node) in _WRAPS:
            return _start(node.args[0], known, depth) if node.args else "~" if name_of(node) == "home" else None
        case ast.Call() if isinstance(node.func, ast.Attribute):
            return _start(node.func.value, known, depth)
        case ast.Attribute():
            return _start(node.value, known, depth)
    return None


def _writes(call: ast.Call) -> bool:
    mode = call.args[1] if len(call.args) > 1 else keywords(call).get("mode")
    return name_of(call) == "open" and isinstance(mode, ast.Constant) and any(c in str(mode.value) for c in "wax")


def _written(tree: ast.AST, known: dict[str, ast.expr]) -> set[str]:
    """The names of files that a cell writes itself."""
    made = set()
    for call in calls(tree):
        if (
            name_of(call).startswith("to_") or name_of(call) in ("savefig", "save", "savetxt", "dump") or _writes(call)
        ) and (call.args and (found := constant(call.args[0], known)) is not None):
            made.add(str(found.value))
    return made


def _outside(path: str) -> bool:
    up = path.startswith(("/", "~", "\\")) or path[1:3] in (":\\", ":/") or ".." in path.split("/")
    return up or "://" in path
