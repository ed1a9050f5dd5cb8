"""Answers of computed values, of groups and of rows, each in a sentence: the calls with which compiled cells end."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from notebooks.toolkit.naming import name_and_unit, readable
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import as_name, as_text, chance, one_or_list, percent

SHOWN = 12  # groups or rows that a sentence names


def of_rows(rows: pd.DataFrame, where: str = "", columns: Any = (), lasting: str = "") -> str:
    """Of which rows an answer is: their number, the conditions in words, and how many have no value in the columns.

    `lasting` is a column of lengths of time: those below zero are counted.
    """
    said = f"{len(rows):,} row{'s' * (len(rows) != 1)}" + f" where {readable(where, rows)}" * bool(where)
    known = int(rows[list(columns)].notna().all(axis=1).sum())
    if columns and known < len(rows):
        left_out = f"{len(rows) - known:,} without a value are left out"
        said += f"; {known:,} of them have both values" if len(columns) > 1 else f"; {left_out}"
    below = int((rows[lasting] < 0).sum()) if lasting else 0
    return said + f"; lengths of time below zero, where the end comes first: {below:,}" * bool(below)


def and_list(parts: Any) -> str:
    """Parts of a sentence as a list: a, b and c."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def amount_text(x: Any, unit: str = "", decimals: int | None = None) -> str:
    """A value of an answer with its unit."""
    return as_text(x, decimals) + f" {unit}" * bool(unit)


def answer_values(
    found: dict[str, Any],
    rows: pd.DataFrame,
    where: str = "",
    *,
    columns: Any = (),
    lasting: str = "",
    given: Any = (),
    units: dict[str, str] | None = None,
    intervals: dict[str, Any] | None = None,
    decimals: int | None = None,
    verdict: str = "",
    summary: str = "",
    notes: Any = (),
) -> None:
    """Answer with values by name. Names that were `given` stand as they are; a `summary` takes the list's place."""
    units, intervals = units or {}, intervals or {}
    said = []
    for name, x in found.items():
        ends = " to ".join(as_text(e, 2) for e in intervals[name]) if name in intervals else ""
        told = amount_text(x, units.get(name, ""), decimals) + f" (95 % interval {ends})" * bool(ends)
        verb = "are" if name.startswith("values of ") else "is"
        named = name if name in given else f"the {readable(name, rows)} {verb}"
        said.append(chance(x) if name == "p-value" else f"{named} {told}")
    text = f"{summary or and_list(said)} ({of_rows(rows, where, columns, lasting)})"
    if list(found) == ["number of rows"]:  # and what would stand in brackets says it again
        met = f" where {readable(where, rows)}" * bool(where)
        text = f"the number of rows{met} is {as_text(found['number of rows'], decimals)}"
    values: dict[str, Any] = {n: (x, units.get(n, ""), intervals.get(n)) for n, x in found.items()}
    values |= {"verdict": verdict} if verdict else {}
    answer(f"{text}{f': {verdict}' * bool(verdict)}.", values, fitted=_of_rules(values), notes=notes)


def _of_rules(names: Any) -> list[str]:
    """The values that come of a test or a rule, and of no query."""
    return [name for name in names if name.startswith(("p-value", "verdict"))]


def compared_text(what: str, sides: Any, values: Any, unit: str = "", decimals: int | None = None) -> str:
    """How a number of the first of two sides differs from that of the second, as a sentence tells it."""
    (first, second), (a, b) = sides, values
    text = f"{what} is {amount_text(a, unit, decimals)} {first} and {amount_text(b, unit, decimals)} {second}"
    if pd.isna(a) or pd.isna(b) or a == b:
        return text
    relative = f" ({percent(abs(a / b - 1), 1)})" if unit != "%" and a * b > 0 else ""
    word = "higher" if a > b else "lower"
    return f"{text}: {amount_text(abs(a - b), {'%': 'pp'}.get(unit, unit), decimals)} {word}{relative} {first}"


def answer_ranked(
    found: pd.Series, of: int, by: str, *, what: str = "", decimals: int | None = None, verdict: str = "",
    names_only: bool = False, notes: Any = (),
) -> None:  # fmt: skip
    """Answer with values that stand in order; `of` is how many there were, `what` the statistic of the first alone."""
    lines = [f"{name}: {as_text(x, decimals)}" for name, x in found.items()]
    first = "the first of " if len(found) < of else ""
    text = f"{'; '.join(lines)} ({first}{of}, by {by}){f': {verdict}' * bool(verdict)}."
    values: dict[Any, Any] = {"name": found.index[0], what: found.iloc[0]} if what else found.to_dict()
    values |= {"verdict": verdict} if verdict else {}
    answer(text, {"name": ", ".join(found.index)} if names_only else values, fitted=["verdict"], notes=notes)


def answer_rows(shown: pd.DataFrame, rows: pd.DataFrame, where: str = "", *, notes: Any = ()) -> None:
    """Answer with the values of columns, row by row; a single row by its first column."""
    text = f"{', '.join(name_and_unit(str(name))[0] for name in shown)}: {listing(shown)}"
    if len(shown) == 1 and len(shown.columns) > 1:
        (first, x), *more = zip(map(str, shown), shown.iloc[0], strict=True)
        told = [f"{name_and_unit(name)[0]} {amount_text(v, name_and_unit(name)[1])}" for name, v in more]
        text = f"{as_name(x)} ({name_and_unit(first)[0]}): {and_list(told)}"
    text += f" ({of_rows(rows, where)})."
    answer(text, {str(name): one_or_list(shown[name]) for name in shown}, notes=notes)


def listing(shown: pd.DataFrame) -> str:
    """The first rows of a table as a sentence lists them."""
    lines = [", ".join(map(as_name, row)) for row in shown.head(SHOWN).itertuples(index=False)]
    return "; ".join(lines or ["none"]) + f"; and {len(shown) - SHOWN:,} more" * (len(shown) > SHOWN)


def answer_number(x: int, what: str, rows: pd.DataFrame, where: str = "", *, notes: Any = ()) -> None:
    """Answer with how many different values or groups there are."""
    text = f"the number of different values of {readable(what, rows)} is {x:,} ({of_rows(rows, where)})."
    answer(text, {"number": x}, notes=notes)


def group_names(index: pd.Index) -> list[str]:
    """The groups of a table of results, as texts."""
    keys = index if isinstance(index, pd.MultiIndex) else ((key,) for key in index)
    return [", ".join(map(as_name, key)) for key in keys]


def answer_groups(
    result: pd.DataFrame,
    by: str,
    rows: pd.DataFrame,
    where: str = "",
    *,
    whose: str = "",
    lasting: str = "",
    units: dict[str, str] | None = None,
    decimals: int | None = None,
    tell: str = "all",
    shares: bool = False,
    lead: str = "",
    brief: bool = False,
    tail: str = "",
    more: dict[str, Any] | None = None,
    queries: dict[str, Any] | None = None,
    notes: Any = (),
) -> None:
    """Answer with the columns of a table of groups.

    `tell`: all; names, of the groups alone; first, the groups in the first place. `whose` is in words what the groups
    have in common. `shares` tells beside a number of rows its share of them. What else was found of the groups stands
    before them (`lead`, in place of them where it is `brief`) or after them (`tail`), with the values `more`; of many
    groups that stand in no order the highest and the lowest are told first.
    """
    units, more, names = units or {}, more or {}, group_names(result.index)
    what, of = readable(f"{by}{whose}", rows), of_rows(rows, where, lasting=lasting)
    if tell == "names":
        answer(f"{what}: {', '.join(names) or 'none'} ({of}).", {by: ", ".join(names) or "none"}, notes=notes)
        return
    columns = [str(c) for c in result]
    values: dict[str, Any]

    def told(name: str, x: Any) -> str:
        return amount_text(x, units.get(name, ""), decimals)

    if tell == "first":
        first = {name: result[name].iloc[0] if len(result) else None for name in columns}
        said = and_list([f"{readable(n, rows)} {told(n, x)}" for n, x in first.items()])
        values = {n: (x, units.get(n, "")) for n, x in first.items()}
        answer(
            f"{', '.join(names)} ({what}): {said} ({of}).",
            {by: ", ".join(names), **values},
            fitted=_of_rules(values),
            notes=notes,
        )
        return
    some = list(zip(names, result.astype(object).to_numpy(), strict=True))[:SHOWN]
    rest = f"; and {len(result) - SHOWN:,} more" * (len(result) > SHOWN)
    if len(columns) > 1:
        lines = [f"{g}: {', '.join(f'{n} {told(n, x)}' for n, x in zip(columns, xs, strict=True))}" for g, xs in some]
        values = {f"{n}, {g}": (x, units.get(n, "")) for n in columns for g, x in zip(names, result[n], strict=True)}
        text = f"by {what}: {'; '.join(lines) or 'none'}{rest} ({of})."
        answer(text, values, fitted=_of_rules(values), notes=notes)
        return
    (column,) = columns
    name = readable(column, rows)
    lines = [f"{g} {told(column, x)}" + f" ({percent(x / len(rows), 1)})" * shares for g, (x,) in some]
    each = f"{'; '.join(lines) or 'none'}{rest}"
    values = {g: (x, units.get(column, "")) for g, x in zip(names, result[column], strict=True)}
    if not lead and not tail and len(result) > 3 and pd.api.types.is_numeric_dtype(result[column]):
        lead = _extremes(names, list(result[column]), lambda x: told(column, x))
    if lead and brief:
        text, values = f"{name} by {what}: {lead}", {**more, **values}
    elif lead:
        text, values = f"{name}: {lead}. By {what}: {each}", {**values, **more}
    else:
        text, values = f"{name} by {what}: {each}{tail}", {**values, **more}
    answer(f"{text} ({of}).", values, fitted=more, queries=queries, notes=notes)


def of_margins(
    margins: dict[str, pd.Series], name: str, queries: list[dict[str, Any]], unit: str = ""
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A number by each of several columns alone: as a sentence tells it, as values, and the query of each of these."""
    said, values, asked = list[str](), dict[str, Any](), dict[str, Any]()
    for (by, numbers), query in zip(margins.items(), queries, strict=True):
        each = dict(zip(group_names(numbers.index), numbers, strict=True))
        said.append(
            f"by {readable(by, margins)} alone {', '.join(f'{k} {amount_text(x, unit)}' for k, x in each.items())}"
        )
        values |= {f"overall, {k}": (x, unit) for k, x in each.items()}
        asked |= dict.fromkeys((f"overall, {k}" for k in each), query)
    return f"; {'; '.join(said)}", values, asked


def _extremes(names: list[str], numbers: list[float], told: Callable[[float], str]) -> str:
    """Which group is highest and which lowest, where the groups do not stand in that order."""
    known = sorted((x, k) for k, x in zip(names, numbers, strict=True) if not pd.isna(x))
    in_order = [x for x, _ in known] in (seen := [x for x in numbers if not pd.isna(x)], seen[::-1])
    if in_order or len(known) < 2 or known[0][0] == known[1][0] or known[-1][0] == known[-2][0]:
        return ""
    (low, lowest), (high, highest) = known[0], known[-1]
    return f"{highest} is highest with {told(high)}, {lowest} lowest with {told(low)}"
