"""The check of charts: a bar's length must say how much, and two scales must not be laid over each other unnamed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from artifacts.types import Objection
from graphs.checks.base import Found, Work, check
from graphs.checks.syntax import calls, keywords, meanings, name_of, owner_of, strings, trees

_BARS = {"bar": "y", "barplot": "xy", "countplot": "y", "barh": "x", "Bar": "y", "mark_bar": "xy"}
"""What draws bars, and along which axis; where the data decide that, both."""
_SECOND = ("twinx", "twiny", "secondary_yaxis")


@check("charts")
def charts(work: Work) -> Iterator[Found]:
    """Bars start at zero on an even scale, and where a chart has two scales each is named."""
    known = meanings(work)
    for cell, tree in trees(work):
        bars = {(along, _axes(c)) for c in calls(tree) for along in _bars(c)}
        others = _scales_of_others(tree, known)
        if any(_cuts(call, bars, known) for call in calls(tree) if id(call) not in others):
            yield off_zero(cell.cell)
        elif any(_bends(call, bars) for call in calls(tree)):
            yield bent(cell.cell)
        elif _laid_over(tree):
            yield Objection(
                where=cell.cell,
                problem="two scales are laid over each other and not both are named, so any two curves can be made "
                "to meet.",
                mend="Draw two charts one above the other, or name both axes with their units.",
            )
        elif any(_is_log(call) for call in calls(tree)) and not re.search(r"\blog", " ".join(_labels(tree)), re.I):
            yield f"{cell.cell} draws on a logarithmic axis and does not say so."


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


def _scales_of_others(tree: ast.Module, known: dict[str, ast.expr]) -> set[int]:
    """The axes of charts that draw other things than bars, by the identity of the calls that set them."""
    found: set[int] = set()
    held: set[int] = set()
    for call in calls(tree):
        first = _chain(call, known)[-1]
        if owner_of(first) in ("px", "express") and name_of(first) not in _BARS:
            found.add(id(call))
        if name_of(call) == "Chart" or not isinstance(call.func, ast.Attribute):
            continue
        chain = _chain(call, known)
        marks = {name_of(c) for c in chain if name_of(c).startswith("mark_")}
        scales = {id(c) for part in chain for a in (*part.args, *(k.value for k in part.keywords)) for c in calls(a)}
        if marks:
            (held if "mark_bar" in marks else found).update(scales)
    return found - held


def _chain(call: ast.Call, known: dict[str, ast.expr], depth: int = 30) -> list[ast.Call]:
    """A call and those on whose results it is made, back to the first; names stand for what they were assigned."""
    inner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(inner, ast.Name):
        inner = known.get(inner.id)
    return [call, *(_chain(inner, known, depth - 1) if isinstance(inner, ast.Call) and depth else [])]


def _is_log(call: ast.Call) -> bool:
    """Whether a call makes an axis logarithmic."""
    given = keywords(call)
    first = call.args[0] if call.args else given.get("value")
    scale = name_of(call) in ("xscale", "yscale", "set_xscale", "set_yscale")
    named = isinstance(first, ast.Constant) and first.value in ("log", "symlog")
    flags = ("logy", "logx", "loglog", "log", "log_y", "log_x")
    return (scale and named) or any(isinstance(v := given.get(k), ast.Constant) and v.value is True for k in flags)


def _bends(call: ast.Call, bars: set[tuple[str, str]]) -> bool:
    """Whether a call makes the axis logarithmic along which bars are drawn."""
    if not _is_log(call):
        return False
    name, along = name_of(call), {a for a, _ in bars}
    if name.endswith("scale"):
        axes = {on for a, on in bars if a == name[-6]}
        return bool(axes) and ("" in axes or owner_of(call) in (*axes, "plt", "pyplot"))
    return name in (*_BARS, "plot") and bool(set(_bars(call)) & along)


def _laid_over(tree: ast.Module) -> bool:
    """Whether a second scale is drawn, and not both are named."""
    second = [c for c in calls(tree) if name_of(c) in _SECOND]
    by_keyword = any(
        isinstance(v := keywords(c).get("secondary_y"), ast.Constant) and v.value is True
        for c in calls(tree)
        if name_of(c) == "plot"
    )
    named = [c for c in calls(tree) if name_of(c) in ("set_ylabel", "ylabel", "set_xlabel", "update_yaxes")]
    named += [c for c in calls(tree) if name_of(c) == "set" and {"ylabel", "xlabel"} & set(keywords(c))]
    return (bool(second) or by_keyword) and len({owner_of(c) for c in named}) < 2


def _labels(tree: ast.Module) -> list[str]:
    wanted = re.compile(r"label|title|^set$|text|annotate|Layout|labs")
    return [s for c in calls(tree) if wanted.search(name_of(c)) for s in strings(c)] + [
        s for c in calls(tree) for k, v in keywords(c).items() if k and wanted.search(k) for s in strings(v)
    ]


def _bars(call: ast.Call) -> str:
    """The axes along which a call may draw bars. A bar with a bottom of its own floats and is left alone."""
    given = keywords(call)
    if name_of(call) in ("plot", "catplot"):
        kind = given.get("kind")
        return _BARS.get(str(kind.value), "") if isinstance(kind, ast.Constant) else ""
    if {"bottom", "left", "base"} & set(given):
        return ""
    sideways = given.get("orientation", given.get("orient"))
    if isinstance(sideways, ast.Constant) and sideways.value == "h":
        return "x"
    return _BARS.get(name_of(call), "")


def _axes(call: ast.Call) -> str:
    """The name of the axes that a call draws on; empty for those in force."""
    ax = keywords(call).get("ax")
    owner = ast.unparse(ax) if ax is not None else owner_of(call)
    plain = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, (ast.Name, ast.Subscript))
    own = ax is not None or (plain and name_of(call) in ("bar", "barh") and owner not in ("plt", "pyplot", "px"))
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
        elif f"{along}lim" in given or f"range_{along}" in given:
            low = given.get(f"{along}lim", given.get(f"range_{along}"))
        elif name_of(call) in (f"update_{along}axes", f"{along.upper()}Axis") and "range" in given:
            low = given["range"]
        elif f"{along}axis_range" in given:
            low = given[f"{along}axis_range"]
        elif f"{along}axis" in given:
            low = _inner(given[f"{along}axis"], "range")
        elif name_of(call) == f"set_{along}bound":
            low = call.args[0] if call.args else given.get("lower")
        elif name_of(call) == "axis" and f"{along}min" in given:
            low = given[f"{along}min"]
        elif name_of(call) in ("Scale", "scale") and any(axes == "" for _, axes in bars):
            zero = given.get("zero")
            low = given.get("domain")
            if isinstance(zero, ast.Constant) and zero.value is False and low is None:
                return True
        elif name_of(call) == f"invert_{along}axis" and axes in ("", owner_of(call)):
            return True
        if low is not None and _off_zero(low, known):
            return True
    return False


def _inner(held: ast.expr, key: str) -> ast.expr | None:
    """What a dict, written either way, holds under a key."""
    if isinstance(held, ast.Call):
        return keywords(held).get(key)
    if isinstance(held, ast.Dict):
        return next((v for k, v in zip(held.keys, held.values, strict=True) if _is(k, key)), None)
    return None


def _is(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


def _off_zero(low: ast.expr, known: dict[str, ast.expr]) -> bool:
    if isinstance(low, ast.Name):
        if low.id not in known:
            return False
        low = known[low.id]
    if isinstance(low, (ast.Tuple, ast.List)):
        return bool(low.elts) and _off_zero(low.elts[0], known)
    if isinstance(low, ast.Constant):
        return isinstance(low.value, (int, float)) and low.value > 0
    if isinstance(low, ast.UnaryOp) and isinstance(low.op, ast.USub):
        return False  # bars both ways, zero among them
    zero = any(isinstance(n, ast.Constant) and n.value == 0 for n in ast.walk(low))
    return not (isinstance(low, ast.Call) and name_of(low) in ("min", "minimum", "fmin") and zero)
