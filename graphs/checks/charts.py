"""The check of charts: a bar's length must say how much."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.syntax import calls, keywords, meanings, name_of, owner_of, trees

_BARS = {"bar": "y", "barplot": "y", "countplot": "y", "barh": "x"}


@check("bars_from_zero")
def bars_from_zero(work: Work) -> Iterator[Found]:
    """Bars start at zero."""
    known = meanings(work)
    for cell, tree in trees(work):
        bars = {(b, _axes(c)) for c in calls(tree) if (b := _bars(c))}
        if any(_cuts(call, bars, known) for call in calls(tree)):
            yield Objection(
                where=cell.cell,
                problem="its bars stand on an axis that does not start at zero, so a small difference looks large.",
                mend="Let the bars start at zero, or draw points with intervals instead.",
            )


def _bars(call: ast.Call) -> str | None:
    """The axis along which a call draws bars, if it does. A bar with a bottom of its own floats and is left alone."""
    given = keywords(call)
    if name_of(call) in ("plot", "catplot"):
        kind = given.get("kind")
        return _BARS.get(str(kind.value)) if isinstance(kind, ast.Constant) else None
    return None if {"bottom", "left"} & set(given) else _BARS.get(name_of(call))


def _axes(call: ast.Call) -> str:
    """The name of the axes that a call draws on; empty for those in force."""
    ax = keywords(call).get("ax")
    owner = ast.unparse(ax) if ax is not None else owner_of(call)
    plain = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, (ast.Name, ast.Subscript))
    own = ax is not None or (plain and name_of(call) in ("bar", "barh") and owner not in ("plt", "pyplot"))
    return owner if own else ""


def _cuts(call: ast.Call, bars: set[tuple[str, str]], known: dict[str, ast.expr]) -> bool:
    """Whether a call sets the lower end of an axis with bars away from zero."""
    given = keywords(call)
    for along, axes in bars:
        low: ast.expr | None = None
        if name_of(call) in (f"set_{along}lim", f"{along}lim"):
            on = owner_of(call)
            if axes and on not in (axes, "plt", "pyplot") and "gca" not in on:
                continue
            side = "bottom" if along == "y" else "left"
            low = call.args[0] if call.args else given.get(side, given.get(f"{along}min"))
        elif name_of(call) == "axis" and call.args and isinstance(call.args[0], (ast.List, ast.Tuple)):
            ends = call.args[0].elts
            low = ends[2 if along == "y" else 0] if len(ends) == 4 else None
        elif f"{along}lim" in given:
            low = given[f"{along}lim"]
        if low is not None and _off_zero(low, known):
            return True
    return False


def _off_zero(low: ast.expr, known: dict[str, ast.expr]) -> bool:
    if isinstance(low, ast.Name):
        low = known.get(low.id, low)
    if isinstance(low, (ast.Tuple, ast.List)):
        return bool(low.elts) and _off_zero(low.elts[0], known)
    if isinstance(low, ast.Constant):
        return isinstance(low.value, (int, float)) and low.value > 0
    if isinstance(low, ast.UnaryOp) and isinstance(low.op, ast.USub):
        return False  # bars both ways, zero among them
    zero = any(isinstance(n, ast.Constant) and n.value == 0 for n in ast.walk(low))
    return not (isinstance(low, ast.Call) and name_of(low) in ("min", "minimum", "fmin") and zero)
