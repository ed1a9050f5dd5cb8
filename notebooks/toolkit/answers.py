"""Answers of computed values, of groups and of rows, each in a sentence: the calls with which compiled cells end."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.beside import Beside, all_beside
from notebooks.toolkit.naming import name_and_unit, readable
from notebooks.toolkit.telling import answer
from notebooks.toolkit.wording import alike, as_name, as_text, chance, measured_text, one_or_list, percent

SHOWN = 12  # groups or rows that a sentence names


def of_rows(rows: pd.DataFrame, where: str = "", columns: Any = (), lasting: str = "") -> str:
    """Of which rows an answer is: their number, the conditions in words, and how many have no value in the columns.

    `lasting` is a column of lengths of time: those below zero are counted.
    """
    said = f"{len(rows):,} row{'s' * (len(rows) != 1)}" + f" where {readable(where, rows)}" * bool(where)
    known = int(rows[list(columns)].notna().all(axis=1).sum())
    if columns and known < len(rows):
        left_out = f"{len(rows) - known:,} without a value {'is' if len(rows) - known == 1 else 'are'} left out"
        said += f"; {known:,} of them have both values" if len(columns) > 1 else f"; {left_out}"
    below = int((rows[lasting] < 0).sum()) if lasting else 0
    lengths = f"{below:,} length{'s' * (below != 1)} of time {'are' if below != 1 else 'is'} below zero"
    return said + f"; {lengths}, as the end comes first" * bool(below)


def and_list(parts: Any) -> str:
    """Parts of a sentence as a list: a, b and c."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def amount_text(x: Any, unit: str = "", decimals: int | None = None) -> str:
    """A value of an answer with its unit."""
    return measured_text(as_text(x, decimals), unit)


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
    beside: Iterable[Beside] = (),
    notes: Any = (),
) -> None:
    """Answer with values by name. Names that were `given` stand as they are; a `summary` takes the list's place.

    What else was found of parts of the same rows stands `beside` them.
    """
    units, intervals, more = units or {}, intervals or {}, all_beside(beside)
    said = []
    for name, x in found.items():
        ends = " to ".join(as_text(e, 2) for e in intervals[name]) if name in intervals else ""
        told = amount_text(x, units.get(name, ""), decimals) + f" (95 % interval {ends})" * bool(ends)
        verb = "are" if name.startswith("values of ") else "is"
        named = name if name in given else f"the {readable(name, rows)} {verb}"
        said.append(chance(x) if name == "p-value" else f"{named} {told}")
    both = f" for all of them together{more.tail}" * bool(more.tail)
    text = f"{summary or and_list(said)}{both} ({of_rows(rows, where, columns, lasting)})"
    if list(found) == ["number of rows"]:  # and what would stand in brackets says it again
        met = f" where {readable(where, rows)}" * bool(where)
        text = f"the number of rows{met} is {as_text(found['number of rows'], decimals)}{more.tail}"
    values: dict[str, Any] = {n: (x, units.get(n, ""), intervals.get(n)) for n, x in found.items()}
    values |= {"verdict": verdict} if verdict else more.values
    fitted = _of_rules(values)
    answer(f"{text}{f': {verdict}' * bool(verdict)}.", values, fitted=fitted, queries=more.queries, notes=notes)


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
    of_all: str = "", names_only: bool = False, notes: Any = (),
) -> None:  # fmt: skip
    """Answer with values that stand in order; `of` is how many there were, `what` the statistic of the first alone.

    `of_all` says what each of them is, as the correlation with one column.
    """
    lines = [f"{name}{'' if of_all else ':'} {as_text(x, decimals)}" for name, x in found.items()]
    first = "the first of " if len(found) < of else ""
    lead = f"{of_all}: " * bool(of_all)
    text = f"{lead}{'; '.join(lines)} ({first}{of}, by {by}){f': {verdict}' * bool(verdict)}."
    values: dict[Any, Any] = {"name": found.index[0], what: found.iloc[0]} if what else found.to_dict()
    values |= {"verdict": verdict} if verdict else {}
    answer(text, {"name": ", ".join(found.index)} if names_only else values, fitted=["verdict"], notes=notes)


def tied_rows(ordered: pd.DataFrame, end: int) -> int:
    """How many rows behind the first `end` of them have the same values as the last of these."""
    last, rest = ordered.iloc[max(0, end - 1) : end], ordered.iloc[end:]
    return int(rest.isin(last.to_dict("list")).all(axis=1).sum()) if len(last) else 0


def _tied(tied: int) -> str:
    """What a list that is cut says of those that share its last place."""
    return f"; {tied:,} more {'has' if tied == 1 else 'have'} the same value as the last" * bool(tied)


def answer_rows(shown: pd.DataFrame, rows: pd.DataFrame, where: str = "", *, tied: int = 0, notes: Any = ()) -> None:
    """Answer with the values of columns, row by row; a single row by its first column."""
    heads = [name_and_unit(str(name)) for name in shown]
    text = f"{', '.join(f'{name}{_once(unit, name)}' for name, unit in heads)}: {listing(shown)}{_tied(tied)}"
    if len(shown) == 1 and len(shown.columns) > 1:
        (first, x), *more = zip(map(str, shown), shown.iloc[0], strict=True)
        told = [f"{name_and_unit(name)[0]} {amount_text(v, name_and_unit(name)[1])}" for name, v in more]
        text = f"{as_name(x)} ({name_and_unit(first)[0]}): {and_list(told)}"
    text += f" ({of_rows(rows, where)})."
    answer(text, {str(name): one_or_list(shown[name]) for name in shown}, notes=notes)


def listing(shown: pd.DataFrame) -> str:
    """The first rows of a table as a sentence lists them; of a computed fraction with six digits."""
    lines = [", ".join(map(_in_list, row)) for row in shown.head(SHOWN).itertuples(index=False)]
    return "; ".join(lines or ["none"]) + f"; and {len(shown) - SHOWN:,} more" * (len(shown) > SHOWN)


def _in_list(x: Any) -> str:
    long = isinstance(x, float) and len(as_name(x).partition(".")[2]) > 6
    return f"{x:.6g}" if long else as_name(x)


def answer_number(x: int, what: str, rows: pd.DataFrame, where: str = "", *, notes: Any = ()) -> None:
    """Answer with how many different values or groups there are."""
    text = f"the number of different values of {readable(what, rows)} is {x:,} ({of_rows(rows, where)})."
    answer(text, {"number": x}, notes=notes)


def group_names(index: pd.Index, full: bool = True) -> list[str]:
    """The groups of a table of results, as texts; `full` says of a bare number or a yes of which column it is."""
    levels = [index.get_level_values(i) for i in range(index.nlevels)]
    return [", ".join(told) for told in zip(*(_level_names(level, full) for level in levels), strict=True)]


def _level_names(level: pd.Index, full: bool) -> list[str]:
    """The values of one column that makes groups: 0 and 1 are no and yes, and a number that is no year is told with
    its column."""
    values = list(level)
    numbers = all(isinstance(v, (bool, int, float, np.bool_, np.integer, np.floating)) for v in values)
    if numbers and set(values) == {0, 1}:  # a 1 by itself may be the first of three classes
        values = [bool(v) for v in values]
    year = numbers and all(1000 <= v <= 2999 for v in values)
    of = f"{name_and_unit(str(level.name))[0]} " if full and numbers and not year and level.name is not None else ""
    return [f"{of}{as_name(v)}" for v in values]


def _listed(index: pd.Index, told: list[str]) -> str:
    """Groups with what is told of each: those of two columns by the first of them, and of many the first."""
    names = group_names(index, full=False)
    if index.nlevels == 2:
        inner: dict[str, list[str]] = {}
        seconds = group_names(index.get_level_values(1))
        for first, second, x in zip(group_names(index.get_level_values(0)), seconds, told, strict=True):
            inner.setdefault(first, []).append(_pair(second, x))
        lines = [f"{first}: {', '.join(some[:SHOWN])}{_rest(some)}" for first, some in inner.items()]
    else:
        lines = [_pair(name, x) for name, x in zip(names, told, strict=True)]
    return f"{'; '.join(lines[:SHOWN]) or 'none'}{_rest(lines)}"


def _pair(name: str, told: str) -> str:
    return f"{name}: {told}" if name[-1:].isdigit() else f"{name} {told}"


def _beside(unit: str) -> str:
    """A unit that stands at each number of a list."""
    return unit if unit == "%" else ""


def _once(unit: str, name: str) -> str:
    """A unit that stands once, at the head of a list, unless the name has it already."""
    return f" ({unit})" * (unit not in ("", "%") and not name.endswith(f"({unit})"))


def _rest(lines: list[str]) -> str:
    return f"; and {len(lines) - SHOWN:,} more" * (len(lines) > SHOWN)


def answer_groups(
    result: pd.DataFrame,
    by: str,
    rows: pd.DataFrame,
    where: str = "",
    *,
    whose: str = "",
    columns: Any = (),
    lasting: str = "",
    units: dict[str, str] | None = None,
    decimals: int | None = None,
    tell: str = "all",
    tied: int = 0,
    shares: bool = False,
    beside: Iterable[Beside] = (),
    notes: Any = (),
) -> None:
    """Answer with the columns of a table of groups.

    `tell`: all; names, of the groups alone; first, the groups in the first place, or those with the highest or lowest
    number. `tied` are the groups that share the last place of a list that is cut. `whose` is in words what the groups
    have in common; `columns` are those that all is computed of, whose missing values are counted. `shares` tells beside
    a number of rows its share of them. What else was found of the groups stands `beside` them; of many groups that
    stand in no order the highest and the lowest are told first.
    """
    units, more, names = units or {}, all_beside(beside), group_names(result.index)
    what, of = readable(f"{by}{whose}", rows), of_rows(rows, where, columns, lasting)
    if tell == "names":
        said = ", ".join(group_names(result.index, full=False)) or "none"
        answer(f"{what}: {said}{_tied(tied)} ({of}).", {by: said}, notes=notes)
        return
    shown = [str(c) for c in result]
    values: dict[str, Any]
    lead, tail = more.lead, _tied(tied) + more.tail
    if tell in ("first", "highest", "lowest"):
        first = {name: result[name].iloc[0] if len(result) else None for name in shown}
        said = and_list([f"{readable(n, rows)} {amount_text(x, units.get(n, ''), decimals)}" for n, x in first.items()])
        best = ", ".join(group_names(result.index, full=False))
        tied_best = " each" * (len(result) > 1)
        values = {n: (x, units.get(n, "")) for n, x in first.items()}
        text = f"{best} ({what}): {said}{tied_best} ({of})."
        if tell != "first" and len(result):
            (name,), (x,) = first, first.values()
            verb, each = ("has", "") if len(result) == 1 else ("have", " each")
            text = f"{best} ({what}) {verb} the {tell} {readable(name, rows)}: "
            text += f"{amount_text(x, units.get(name, ''), decimals)}{each} ({of})."
        answer(text, {by: best, **values}, fitted=_of_rules(values), notes=notes)
        return
    digits = {c: decimals if decimals is not None else alike(result[c]) for c in shown}
    told = {c: [amount_text(x, _beside(units.get(c, "")), digits[c]) for x in result[c]] for c in shown}
    if len(shown) > 1:
        heads = [f"{readable(c, rows)}{_once(units.get(c, ''), c)}" for c in shown]
        each = _listed(result.index, [", ".join(f"{n} {x}" for n, x in zip(heads, xs, strict=True))
                                      for xs in zip(*told.values(), strict=True)])  # fmt: skip
        values = {f"{n}, {g}": (x, units.get(n, "")) for n in shown for g, x in zip(names, result[n], strict=True)}
        answer(f"by {what}: {each}{tail} ({of}).", values, fitted=_of_rules(values), notes=notes)
        return
    (column,) = shown
    name, numbers = f"{readable(column, rows)}{_once(units.get(column, ''), column)}", result[column]
    parts = [f" ({percent(x / len(rows), 1)})" for x in numbers] if shares else [""] * len(numbers)
    each = _listed(result.index, [f"{x}{part}" for x, part in zip(told[column], parts, strict=True)])
    values = {g: (x, units.get(column, "")) for g, x in zip(names, numbers, strict=True)}
    if not lead and not shares * bool(tail) and len(result) > 3 and pd.api.types.is_numeric_dtype(numbers):
        lead = _extremes(names, list(numbers), told[column])
    values = {**more.values, **values} if more.brief else {**values, **more.values}
    text = f"{name}: {lead}. By {what}: {each}{tail}" if lead else f"{name} by {what}: {each}{tail}"
    text = f"{name} by {what}: {lead}" if more.brief else text
    answer(f"{text} ({of}).", values, fitted=more.values, queries=more.queries, notes=notes)


def beside_groups(tables: dict[str, pd.Series], asked: list[tuple[str, dict[str, Any]]], unit: str = "") -> Beside:
    """Numbers of other groups, or other numbers of the same, with their queries.

    `asked` has of each table the word before the names of its values, and the query that gives them.
    """
    said, values, queries = list[str](), dict[str, Any](), dict[str, Any]()
    for (label, numbers), (prefix, query) in zip(tables.items(), asked, strict=True):
        each = dict(zip(group_names(numbers.index), numbers, strict=True))
        told = _listed(numbers.index, [amount_text(x, _beside(unit), alike(numbers)) for x in numbers])
        said.append(f"{readable(label, numbers.index.names)}: {told}")
        named = {", ".join(filter(None, [prefix, k])): (x, unit) for k, x in each.items()}
        values |= named
        queries |= dict.fromkeys(named, query)
    return Beside("", f"; {'; '.join(said)}", values, queries)


def _extremes(names: list[str], numbers: list[float], told: list[str]) -> str:
    """Which group is highest and which lowest, where the groups do not stand in that order."""
    known = sorted((x, k, t) for k, x, t in zip(names, numbers, told, strict=True) if not pd.isna(x))
    in_order = [x for x, *_ in known] in (seen := [x for x in numbers if not pd.isna(x)], seen[::-1])
    if in_order or len(known) < 2 or known[0][0] == known[1][0] or known[-1][0] == known[-2][0]:
        return ""
    (_, lowest, low), (_, highest, high) = known[0], known[-1]
    return f"{highest} is highest with {high}, {lowest} lowest with {low}"
