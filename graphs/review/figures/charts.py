"""The check of charts: a bar's length must say how much, and two scales must not be laid over each other unnamed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.review.base import Found, Work, check
from graphs.review.code.syntax import calls, keywords, meanings, name_of, owner_of, trees

_BARS = {"bar": "y", "barplot": "xy", "countplot": "y", "barh": "x", "Bar": "y", "mark_bar": "xy"}
"""What draws bars, and along which axis; where the data decide that, both."""
_LOG = ("logy", "logx", "loglog", "log", "log_y", "log_x")


@check("charts")
def charts(work: Work) -> Iterator[Found]:
    """Bars start at zero on an even scale, and where a chart has two scales each is named."""
    known = meanings(work)
    for cell, tree in trees(work):
        bars = {(along, _axes(c)) for c in calls(tree) for along in _bars(c)}
        if any(_cuts(call, along, axes, known) for call in calls(tree) for along, axes in bars):
            yield off_zero(cell.cell)
        elif any(_bends(call, along, axes) for call in calls(tree) for along, axes in bars):
            yield bent(cell.cell)
        elif _laid_over(tree):
            yield Objection(
                where=cell.cell,
                problem="two scales are laid over each other and not both are named, so any two curves can be made "
                "to meet.",
                mend="Draw two charts one above the other, or name both axes with their units.",
            )


def off_zero(cell: str) -> Objection:
    """That bars of a cell do not stand on zero."""
    return Objection(
        where=cell,
        problem="its bars stand on an axis that does not start at zero, so a small difference looks large.",
        mend="Let the bars start at zero, or draw points with intervals instead.",
    )


def bent(cell: str) -> Objection:
    """That bars of a cell stand on a logarithmic axis."""
    return Objection(
        where=cell,
        problem="its bars stand on a logarithmic axis, where their lengths do not say how much.",
        mend="Draw points on the logarithmic axis, or bars on an even one from zero.",
    )


def _bars(call: ast.Call) -> str:
    """The axes along which a call may draw bars. A bar with a bottom of its own floats and is left alone."""
    given = keywords(call)
    if name_of(call) in ("plot", "catplot"):
        return _BARS.get(str(getattr(given.get("kind"), "value", "")), "")
    if {"bottom", "left", "base"} & set(given):
        return ""
    sideways = getattr(given.get("orientation", given.get("orient")), "value", "")
    return "x" if sideways == "h" else _BARS.get(name_of(call), "")


def _axes(call: ast.Call) -> str:
    """The name of the axes that a call draws on; empty for those in force."""
    ax = keywords(call).get("ax")
    owner = ast.unparse(ax) if ax is not None else owner_of(call) if name_of(call) in ("bar", "barh") else ""
    return "" if owner in ("plt", "pyplot", "px") or "(" in owner else owner


def _same(call: ast.Call, axes: str) -> bool:
    on = owner_of(call)
    return not axes or on in (axes, "plt", "pyplot") or "gca" in on


def _cuts(call: ast.Call, along: str, axes: str, known: dict[str, ast.expr]) -> bool:
    """Whether a call sets the lower end of an axis with bars away from zero."""
    name, given = name_of(call), keywords(call)
    low: ast.expr | None = None
    if name in (f"set_{along}lim", f"{along}lim", f"set_{along}bound"):
        side = "bottom" if along == "y" else "left"
        low = call.args[0] if call.args else given.get(side, given.get(f"{along}min", given.get("lower")))
        low = low if _same(call, axes) else None
    elif name == "axis" and call.args and isinstance(call.args[0], (ast.List, ast.Tuple)):
        low = call.args[0].elts[2 if along == "y" else 0] if len(call.args[0].elts) == 4 else None
    elif name in (f"update_{along}axes", f"{along.upper()}Axis"):
        low = given.get("range")
    elif name in ("Scale", "scale"):
        return getattr(given.get("zero"), "value", True) is False and not axes
    else:
        keys = (f"{along}lim", f"range_{along}", f"{along}axis_range")
        low = next((given[k] for k in keys if k in given), None)
    return low is not None and _above_zero(low, known)


def _above_zero(low: ast.expr, known: dict[str, ast.expr], depth: int = 3) -> bool:
    """Whether an end of an axis is away from zero: a number that is not 0, or one that is made of the data."""
    if isinstance(low, (ast.List, ast.Tuple)) and low.elts:
        return _above_zero(low.elts[0], known, depth)
    if isinstance(low, ast.Name) and depth and low.id in known:
        return _above_zero(known[low.id], known, depth - 1)
    if isinstance(low, ast.Constant):
        return isinstance(low.value, (int, float)) and low.value > 0
    return isinstance(low, (ast.BinOp, ast.Call)) and any(name_of(c) in ("min", "floor") for c in calls(low))


def _bends(call: ast.Call, along: str, axes: str) -> bool:
    """Whether a call makes the axis logarithmic along which bars are drawn."""
    name, given = name_of(call), keywords(call)
    if name in (f"{along}scale", f"set_{along}scale"):
        first = call.args[0] if call.args else given.get("value")
        return getattr(first, "value", "") in ("log", "symlog") and _same(call, axes)
    flags = [k for k in _LOG if getattr(given.get(k), "value", False) is True]
    return bool(flags) and along in _bars(call) and any(k in ("log", "loglog") or k.endswith(along) for k in flags)


def _laid_over(tree: ast.Module) -> bool:
    """Whether a second scale is drawn, and not both are named."""
    second = any(name_of(c) in ("twinx", "twiny", "secondary_yaxis") for c in calls(tree))
    second = second or any(getattr(keywords(c).get("secondary_y"), "value", False) is True for c in calls(tree))
    named = [c for c in calls(tree) if name_of(c) in ("set_ylabel", "ylabel", "set_xlabel", "update_yaxes")]
    named += [c for c in calls(tree) if name_of(c) == "set" and {"ylabel", "xlabel"} & set(keywords(c))]
    return second and len({owner_of(c) for c in named}) < 2
