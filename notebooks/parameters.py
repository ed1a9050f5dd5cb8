"""Typed parameters of a notebook: read from its `parameters` cell, checked, and written back as assignments.

papermill writes parameter names into a cell verbatim, so a name that is not an identifier is code. Nothing here lets
one through.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import keyword
import math
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notebooks.errors import ParameterError

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """One parameter: `type` is the annotation as written (`str | None`), `help` the comment on its line."""

    name: str
    type: str
    default: Any
    help: str = ""


def read_parameters(notebook: Any) -> list[Parameter]:
    """The parameters of a notebook node, in order: `name: type = literal  # help` lines of its `parameters` cell.

    Lines that are not such an assignment are passed over. A notebook without that cell has none. Raises
    ParameterError if the cell is not Python.
    """
    cell = next((c for c in notebook.cells if c.cell_type == "code" and "parameters" in tags(c)), None)
    return from_source(cell.source) if cell is not None else []


def tags(cell: Any) -> list[str]:
    """The tags of a notebook cell."""
    return list(cell.get("metadata", {}).get("tags", []))


def from_source(source: str) -> list[Parameter]:
    """The parameters that a cell's source declares."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ParameterError(f"The parameters cell is not valid Python: {error.msg} in line {error.lineno}.") from error
    comments = _comments(source)
    found = []
    for node in tree.body:
        target: ast.expr
        if isinstance(node, ast.AnnAssign):
            target, annotation = node.target, ast.unparse(node.annotation)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, annotation = node.targets[0], ""
        else:
            continue
        if not isinstance(target, ast.Name) or node.value is None:
            continue
        try:
            default = ast.literal_eval(node.value)
        except ValueError:
            continue
        found.append(
            Parameter(target.id, annotation or _type_of(default), default, comments.get(node.end_lineno or 0, ""))
        )
    return found


def check_name(name: object) -> str:
    """The name, if it is an identifier. Raises ParameterError otherwise: anything else would be run as code."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ParameterError(
            f"{str(name)[:80]!r} cannot be a parameter: a name has letters, digits and underscores only, "
            "does not begin with a digit and is not a Python keyword."
        )
    return name


def check(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, each turned into its parameter's type (text from a command line becomes a number, a list, ...).

    Raises ParameterError for a name that is no identifier or is unknown, and for a value of another type.
    """
    known = {p.name: p for p in parameters}
    checked = {}
    for name, value in values.items():
        check_name(name)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            has = f"It has {', '.join(known)}." if known else "It has no parameters."
            raise ParameterError(f"This notebook has no parameter {name}.{hint} {has}")
        checked[name] = _convert(known[name], value)
    return checked


def assignments(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> str:
    """Source that sets every parameter, to the given value or else its default, in the manner it was declared."""
    lines = []
    for p in parameters:
        value = values.get(p.name, p.default)
        lines.append(f"{check_name(p.name)}: {p.type} = {literal(value)}" + (f"  # {p.help}" if p.help else ""))
    return "\n".join(lines)


def literal(value: Any) -> str:
    """A plain value as Python source. Raises ParameterError for anything but None, bool, numbers, text, list, dict."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    raise ParameterError(f"A parameter cannot be a {type(value).__name__}: use text, a number, a list or a dict.")


def _convert(parameter: Parameter, value: Any) -> Any:
    wanted = [part.strip() for part in _top_level(parameter.type)]
    if value is None or (isinstance(value, str) and value.lower() in ("", "none") and "None" in wanted):
        if "None" in wanted or parameter.default is None:
            return None
        raise ParameterError(f"Parameter {parameter.name} needs a value of type {parameter.type}, not nothing.")
    for kind in wanted:
        try:
            return _as(kind, value)
        except ValueError:
            continue
    raise ParameterError(f"Parameter {parameter.name} takes {parameter.type}, and {value!r} is not that.")


def _as(kind: str, value: Any) -> Any:
    """The value as a type; ValueError if it is not one. Types that we do not know take any plain value."""
    base = kind.split("[")[0]
    if base == "None":
        raise ValueError
    if base == "str":
        if not isinstance(value, str):
            raise ValueError
        return value
    if base == "bool":
        if isinstance(value, str) and value.lower() in _WORDS:
            return _WORDS[value.lower()]
        if not isinstance(value, bool):
            raise ValueError
        return value
    if base in ("int", "float"):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        number = float(value)
        if base == "float":
            return number
        if isinstance(value, str):
            return int(value)
        if not number.is_integer():
            raise ValueError
        return int(value)
    if base in ("list", "tuple", "dict"):
        items = _collection(base, value)
        inner = kind[len(base) + 1 : -1].strip()
        return [_as(inner, item) for item in items] if base == "list" and inner else items
    literal(value)
    return value


def _collection(base: str, value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith(("[", "{")):
            value = json.loads(text)
        elif base != "dict":
            value = [part.strip() for part in text.split(",") if part.strip()]
    if base == "dict":
        if not isinstance(value, dict):
            raise ValueError
        return value
    if not isinstance(value, list | tuple):
        raise ValueError
    return list(value)


def _top_level(annotation: str) -> list[str]:
    """The members of a union: `str | list[int | str]` gives `str` and `list[int | str]`."""
    parts, depth, current = [], 0, ""
    for char in annotation:
        depth += (char in "[(") - (char in "])")
        if char == "|" and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += char
    return [*parts, current]


def _type_of(value: Any) -> str:
    return "object" if value is None else type(value).__name__


def _comments(source: str) -> dict[int, str]:
    """Comments at the end of lines, by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").rstrip() for t in tokens if t.type == tokenize.COMMENT}
