"""What a compiled cell tells beside its values: units, what is missing, and the word that the query's rules give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graphs.questions.expressions import bare, to_scalar
from graphs.questions.query import Measure, Query
from graphs.questions.scope import Scope
from graphs.questions.source import Source, literal
from notebooks.toolkit.naming import name_and_unit

IN_ITS_UNIT = ("sum", "mean", "median", "min", "max", "range", "std", "sem", "quantile", "iqr", "mad", "first", "last",
               "geometric_mean", "weighted_mean", "value")  # fmt: skip


def and_list(parts: list[str]) -> str:
    """Parts of a sentence as a list."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def of_all(query: Query, scope: Scope, units: Mapping[str, str]) -> dict[str, Any]:
    """What is told of all numbers of an answer, as arguments of its call.

    It has the columns that all is computed of, where they may lack values, and the one of lengths of time.
    """
    skipped = ("missing", "count", "share", "present")
    used = {(m.of, m.other) for m in query.measures if m.of and m.op not in skipped and not m.where}
    names = [bare(n) if bare(n) in scope.kinds else n for n in next(iter(used), ()) if n]
    lacking = len(used) == 1 and all(n in scope.kinds for n in names) and any(map(scope.missing, names))
    lasting = (bare(m.of) for m in query.measures if m.of and m.op not in ("min", "max", "correlation"))
    return {
        "columns": names if lacking else [], "lasting": next((n for n in lasting if n in scope.lasting), ""),
        "units": units, "decimals": query.decimals,
    }  # fmt: skip


def unit(measure: Measure, scope: Scope) -> str:
    """The unit of a measure: per cent of a share, else the one that its column's name or values, or a length of time,
    give."""
    if measure.op == "share":
        return "%"
    if measure.op not in IN_ITS_UNIT or not measure.of:
        return ""
    of = bare(measure.of)
    return scope.lasting.get(of) or name_and_unit(of)[1] or str(scope.facts.get(of, {}).get("unit", ""))


def aliases(names: Mapping[str, str], ops: Mapping[str, str] | None = None) -> dict[str, str]:
    """Names with the source of their values, as formulas and verdicts may write them.

    These are the names as they are, written without spaces, the statistic alone where one measure has it, `r` for a
    correlation and `p` for a p-value.
    """
    known = {**(ops or {}), **{re.sub(r"\W+", "_", n.casefold()).strip("_"): s for n, s in names.items()}, **names}
    for short, long in (("r", "correlation"), ("p", "p_value"), ("w", "statistic")):
        if long in known:
            known.setdefault(short, known[long])
    return known


def verdict(query: Query, known: Mapping[str, str], of: str = "") -> Source:
    """The word that the query's rules give, as source; the first rule that holds decides; empty without rules.

    `of` is the argument that the word is a function of, where it is one.
    """
    text = ""
    for rule in reversed(query.verdicts):
        rest = text or '"none of the rules holds"'
        text = literal(rule.then) + (f" if {to_scalar(rule.when, known)} else {rest}" if rule.when.strip() else "")
    return Source(f"lambda {of}: {text}" if of and text else text)
