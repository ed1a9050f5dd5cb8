"""The end of a compiled cell: the call that answers, with what it tells of the rows, units and the rules' word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from graphs.questions.expressions import literal, to_scalar
from graphs.questions.query import Measure, Query
from graphs.questions.scope import Scope
from notebooks.toolkit.naming import name_and_unit


def tell(scope: Scope, function: str, *arguments: str, **keywords: str) -> None:
    """End the cell with a call of the toolkit, its arguments as source; empty ones are left out."""
    scope.end = function, [*filter(None, arguments), *(f"{k}={v}" for k, v in keywords.items() if v)]


def written(function: str, arguments: list[str]) -> str:
    """A call as source, on one line where it is short."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= 100 and "\n" not in line:
        return line
    return f"{function}(\n" + "".join(f"    {a},\n" for a in arguments) + ")"


def found(name: str, frame: str = "found") -> str:
    """The source of a value by its name."""
    return f"{frame}[{literal(name)}]"


def assigned(sources: Mapping[str, str], to: str = "found", frame: str = "{}") -> str:
    """The lines that give values names."""
    made = "{\n" + "".join(f"    {literal(n)}: {s},\n" for n, s in sources.items()) + "}"
    return f"{to} = {frame.format(made)}"


def mapping(texts: Mapping[str, str]) -> str:
    """Texts by name as source; empty where there are none."""
    return f"{{{', '.join(f'{literal(n)}: {literal(t)}' for n, t in texts.items())}}}" if texts else ""


def sources_of(parts: Sequence[str]) -> str:
    """Parts as the source of a list; empty where there are none."""
    return f"[{', '.join(parts)}]" if parts else ""


def and_list(parts: list[str]) -> str:
    """Parts of a sentence as a list."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def where_of(query: Query, scope: Scope) -> str:
    """The conditions of a query in words, as source; empty where there are none."""
    return literal(scope.words(query.where)) if query.where else ""


def decimals(query: Query) -> str:
    """To how many decimals values are told, as source; empty where that is not said."""
    return "" if query.decimals is None else str(query.decimals)


def lacking(query: Query, scope: Scope) -> list[str]:
    """The columns that all is computed of, where they may lack values."""
    skipped = ("missing", "count", "share", "present")
    used = {(m.of, m.other) for m in query.measures if m.of and m.op not in skipped and not m.where}
    names = [n.strip().strip("`") if n.strip().strip("`") in scope.kinds else n for n in next(iter(used), ()) if n]
    some = len(used) == 1 and all(n in scope.kinds for n in names) and any(map(scope.missing, names))
    return names if some else []


_IN_ITS_UNIT = ("sum", "mean", "median", "min", "max", "range", "std", "sem", "quantile", "iqr", "mad", "first", "last",
                "geometric_mean", "weighted_mean", "value")  # fmt: skip


def lasting(query: Query, scope: Scope) -> str:
    """The column of lengths of time that is measured, as source; empty where there is none."""
    names = [m.of.strip().strip("`") for m in query.measures if m.of and m.op not in ("min", "max", "correlation")]
    return next((literal(n) for n in names if n in scope.lasting), "")


def unit(measure: Measure, scope: Scope) -> str:
    """The unit of a measure: per cent of a share, else the one that its column's name, or a length of time, gives."""
    if measure.op == "share":
        return "%"
    if measure.op not in _IN_ITS_UNIT or not measure.of:
        return ""
    name = measure.of.strip().strip("`")
    return scope.lasting.get(name) or name_and_unit(name)[1]


def snake(name: str) -> str:
    """A name as a formula or a verdict may write it without backticks."""
    return re.sub(r"\W+", "_", name.casefold()).strip("_")


def aliases(names: Mapping[str, str], ops: Mapping[str, str]) -> dict[str, str]:
    """Names with the source of their values, as formulas and verdicts may write them.

    These are the names as they are, written without spaces, the statistic alone where one measure has it, `r` for a
    correlation and `p` for a p-value.
    """
    known = {**ops, **{snake(n): s for n, s in names.items()}, **names}
    for short, long in (("r", "correlation"), ("p", "p_value"), ("w", "statistic")):
        if long in known:
            known.setdefault(short, known[long])
    return known


def verdict(query: Query, known: Mapping[str, str]) -> str:
    """The word that the query's rules give, as source; the first rule that holds decides; empty without rules."""
    text = ""
    for rule in query.verdicts:
        if not rule.when.strip():
            return text + literal(rule.then)
        text += f"{literal(rule.then)} if {to_scalar(rule.when, known)} else "
    return text + '"none of the rules holds"' if text else ""
