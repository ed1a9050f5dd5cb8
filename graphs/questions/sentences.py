"""The end of a compiled cell: the sentence of an answer, its values, and the word that a rule gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from graphs.questions.expressions import literal, to_scalar
from graphs.questions.query import Measure, Query
from graphs.questions.scope import Scope
from notebooks.toolkit.naming import name_and_unit

SHOWN = 12
"""Groups or rows that a sentence names."""


def tell(scope: Scope, text: Sequence[str], values: str, more: str = "") -> None:
    """Write the call of `answer`. The pieces of `text` are insides of f-strings, joined without a space."""
    pieces = [f'    {"f" * bool(re.search("[{}]", piece))}"{piece}"' for piece in text if piece]
    scope.add("answer(\n" + "\n".join(pieces) + f",\n    {values},\n{more})")


def braced(text: str) -> str:
    """A text that may stand in an f-string with double quotes."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return plain.replace("{", "{{").replace("}", "}}")


def value(source: str, decimals: int | None, unit: str = "") -> str:
    """A value inside an f-string, rounded as the query asks."""
    rounded = f", {decimals}" if decimals is not None else ""
    return f"{{as_text({source}{rounded})}}" + (f" {unit}" if unit else "")


def found(name: str, frame: str = "found") -> str:
    """The source of a value by its name."""
    return f"{frame}[{literal(name)}]"


def and_list(parts: Sequence[str]) -> str:
    """Parts of a sentence as a list."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def of_rows(query: Query, scope: Scope, rows: str = "rows") -> str:
    """Which rows an answer is of, inside an f-string."""
    where = readable(scope.words(query.where), scope) if query.where else ""
    return f"{{len({rows}):,}} rows" + (f" where {braced(where)}" if where else "")


def lacking(query: Query, scope: Scope) -> str:
    """How many of the rows that are meant have no value in the columns that all is computed of, inside an f-string."""
    skipped = ("missing", "count", "share", "present")
    used = {(m.of, m.other) for m in query.measures if m.of and m.op not in skipped and not m.where}
    if len(used) != 1:
        return ""
    names = [n.strip().strip("`") if n.strip().strip("`") in scope.kinds else n for n in next(iter(used)) if n]
    if not any(scope.missing(n) for n in names) or any(n not in scope.kinds for n in names):
        return ""
    if len(names) == 2:
        return f"; {{rows[[{', '.join(map(literal, names))}]].dropna().shape[0]:,}} of them have both values"
    return f"; {{rows[{literal(names[0])}].isna().sum():,}} without a value are left out"


_IN_ITS_UNIT = ("sum", "mean", "median", "min", "max", "range", "std", "sem", "quantile", "iqr", "mad", "first", "last",
                "geometric_mean", "weighted_mean")  # fmt: skip


def backwards(query: Query, scope: Scope) -> str:
    """How many lengths of time are negative, where one is measured, inside an f-string; the lines that count them."""
    names = [m.of.strip().strip("`") for m in query.measures if m.of and m.op not in ("min", "max", "correlation")]
    name = next((n for n in names if n in scope.lasting), None)
    if name is None:
        return ""
    scope.add(f"negative = int((rows[{literal(name)}] < 0).sum())")
    scope.add('late = f"; lengths of time below zero, where the end comes first: {negative:,}" if negative else ""')
    return "{late}"


def unit(measure: Measure) -> str:
    """The unit of a measure: per cent of a share, else the one that its column's name, or a length of time, gives."""
    if measure.op == "share":
        return "%"
    if measure.op not in _IN_ITS_UNIT or not measure.of:
        return ""
    lasting = re.fullmatch(r"(seconds|minutes|hours|days|weeks|months|years)\(.*\)", measure.of.strip())
    return lasting[1] if lasting else name_and_unit(measure.of.strip().strip("`"))[1]


def readable(text: str, scope: Scope) -> str:
    """A text with the columns in it as a reader says them: mean of bill_length_mm → mean of bill length."""
    named = sorted((c for c in scope.kinds if "_" in c), key=len, reverse=True)
    for name in named:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", name_and_unit(name)[0], text)
    return text


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
    """The word that the query's rules give, as source; the first rule that holds decides."""
    text = ""
    for rule in query.verdicts:
        if not rule.when.strip():
            return text + literal(rule.then)
        text += f"{literal(rule.then)} if {to_scalar(rule.when, known)} else "
    return text + '"none of the rules holds"'
