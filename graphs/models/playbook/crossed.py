"""Closed questions about two groups at once, a number per something, a change between two times, an overview."""

from __future__ import annotations

import re
from dataclasses import replace

from graphs.models.playbook.asked import Asked
from graphs.models.playbook.bounds import Bound
from graphs.models.playbook.items import Item, parts
from graphs.models.playbook.parsing import Parse
from graphs.models.playbook.patterns import Rules, pattern
from graphs.models.playbook.table import NotClear, is_year
from graphs.models.playbook.vocabulary import FLOW

MOST_LEVELS = 60
CROSSED: Rules = []


@pattern(
    CROSSED,
    r"h?E*(?P<a>a)n?E*(?P<c>C)E*B(?P<by>[CGYE])E*B?(?P<also>[CGY])E*",
    r"E*(?P<c>C)E*B(?P<by>[CGYE])E*B?(?P<also>[CGY])E*",
    r"(?:h)?(?P<n>n)E*B(?P<by>[CGYE])E*B?(?P<also>[CGY])E*",
    r"(?P<n>E)+B(?P<by>[CGY])E*B?(?P<also>[CGY])E*",
)
def _two_groups(parse: Parse, match: re.Match[str]) -> Asked | None:
    """A number for each pair of two groups: average salary by department and gender."""
    by, grain, also, also_grain = _pair(parse, match)
    if match.groupdict().get("n"):
        parse.only_rows([i for i in parse.rest if i.kind == "E" and i is not parse.at(match, "by")])
        grain, also_grain = parse.single(grain), parse.single(also_grain)
        return parse.ask("count", by=by, grain=grain, also_by=also, also_grain=also_grain)
    kind, measure = _number(parse, match)
    if kind == "sum":
        grain, also_grain = parse.single(grain), parse.single(also_grain)
    return parse.ask(kind, measure, by=by, grain=grain, also_by=also, also_grain=also_grain)


@pattern(
    CROSSED,
    r"W?(?P<by>[CGE])(?P<also>[CG])E*(?P<s>S)(?P<a>a)?n?E*(?P<c>C)E*",
    r"W?(?P<by>[CGE])(?P<also>[CG])E*(?P<a>a)?(?P<c>C)(?P<s>S)",
)
def _which_pair(parse: Parse, match: re.Match[str]) -> Asked | None:
    """The pair of two groups that comes first: which department and year had the highest average salary."""
    ranked = parse.one(match, "s")
    if ranked.value[1]:
        return None
    by, grain, also, also_grain = _pair(parse, match)
    item, said = parse.one(match, "c"), parse.at(match, "a")
    measure = parse.number(item)
    kind = str(said.value) if said is not None else parse.kind_of_sum(measure, ranked.text.lower())
    asked = parse.ask(kind, measure, by=by, grain=grain, also_by=also, also_grain=also_grain)
    return replace(asked, order=str(ranked.value[0]), limit=1)


@pattern(CROSSED, r"(?P<c>C)E*B(?P<by>[CGYE])E*", r"B(?P<by>[CGY])(?P<c>C)E*")
def _by_group(parse: Parse, match: re.Match[str]) -> Asked | None:
    """A column by a group, without the word for the number: revenue by region."""
    per = parse.one(match, "by")
    kind, measure = _number(parse, match)
    if per.kind == "E":
        return _each(parse, per, kind, measure)
    by, grain = _group(parse, per)
    grain = parse.single(grain) if kind == "sum" else grain
    return parse.ask(kind, measure, by=by, grain=grain, order="" if grain else "highest")


@pattern(CROSSED, r"h?(?P<a>a)E*(?P<c>C)E*B(?P<by>E)E*", r"h?(?P<a>a)nE*B(?P<by>[CEG])E*", r"nE*B(?P<by>[CEG])(?P<a>a)")
def _for_each(parse: Parse, match: re.Match[str]) -> Asked | None:
    """A total divided by the number of what it is per: revenue per customer, orders per month."""
    per, said = parse.one(match, "by"), parse.one(match, "a")
    if said.value not in ("mean", "sum") or (per.kind == "E" and not per.columns):
        return None
    if not match.groupdict().get("c"):
        parse.only_rows([i for i in parse.rest if i.kind == "E" and i is not per])
        return _each(parse, per, "mean", "") if said.value == "mean" else None
    return _each(parse, per, "mean", _number(parse, match)[1])


def limited(parse: Parse, bound: Bound) -> Asked:
    """How many groups, or which, have a number within bounds: how many customers have more than 3 orders."""
    match = re.fullmatch(r"W?[nq]?d?(?P<by>[CGE])n?E*", parse.kinds)
    item = parse.at(match, "by") if match else None
    if item is None:
        raise NotClear(f"I do not see of which groups each is to have “{bound.text}”")
    by, grain = parse.group(item)
    if item.kind == "C":
        parse.counts_kinds(item, by)
    if parse.table.is_row_name(by) and not grain:
        raise NotClear(f"each row has a {by} of its own, and “{bound.text}” is of several")
    if grain and bound.limits[0][0] not in (">", ">="):
        raise NotClear(f"a {grain} without a row is not in the table, and may have “{bound.text}”")
    measure = parse.number(bound.measure) if bound.measure and bound.aggregate != "distinct" else ""
    measure = parse.table.pick(bound.measure) if bound.measure and not measure else measure
    where, limits = parse.filters(), [list(limit) for limit in bound.limits]
    return Asked(bound.aggregate, measure, by=by, grain=parse.single(grain), where=where, having=limits)


@pattern(CROSSED, r"EB(?P<by>E)")
def _rows_each(parse: Parse, match: re.Match[str]) -> Asked | None:
    """The rows divided by the number of what they are per: loans per member."""
    per = parse.one(match, "by")
    parse.only_rows([i for i in parse.rest if i is not per and i.kind == "E"])
    return _each(parse, per, "mean", "") if per.columns else None


def _each(parse: Parse, per: Item, kind: str, measure: str) -> Asked | None:
    """A total, or the rows, divided by how many there are of a thing or of a time; rows' own if each row is one."""
    other, grain = parse.group(per) if per.kind in "CG" else (parse.table.pick(per) if per.columns else "", "")
    if grain and any(f[0] == other and not re.match(r"\d{4}", str(f[2])) for f in parse.where):
        raise NotClear(f"it counts the {grain}s of a part of each year, which I do not")
    if other and (grain or not parse.table.is_row_name(other)):
        if measure and not parse.table.flows(measure):
            raise NotClear(f"{measure} is no amount that adds up over the rows of one {per.text}")
        return parse.ask("per", measure, other, grain=parse.single(grain))
    if not measure:
        return None
    parse.notes = [n for n in parse.notes if "the question does not say which" not in n]
    return parse.ask("mean", measure)


@pattern(CROSSED, r"(?P<n>E)+B(?P<by>[CGY])E*", r"(?P<n>E)+", r"B(?P<by>[CGY])")
def _counted(parse: Parse, match: re.Match[str]) -> Asked | None:
    """What the rows are, by a group or with conditions, and no word for a number: orders per month."""
    rows = [i for i in parse.rest if i.kind == "E"]
    if any(i.columns and not parse.table.is_row_name(i.columns[0]) for i in rows) or parse.asks:
        return None
    if not rows and [f[1] for f in parse.where] != ["missing"]:
        return None  # missing prices by shop
    words = {w for i in rows for w in parts(i.text)}
    amounts = [c.name for c in parse.table.file.columns if c.is_number and set(parts(c.name)) & FLOW]
    if words & {"sale", "sales"} and amounts:
        raise NotClear(f"it may ask for the number of rows or for the total of {amounts[0]}")
    by = match.groupdict().get("by")
    if by is None and any(i.columns for i in rows[1:]):
        return None
    if by is None:
        several = rows[0].text.lower().endswith("s") or rows[0].text.lower() in ("people", "staff", "men", "women")
        if not parse.where or not several or parse.items[0].kind not in "EF" or "W" in parse.kinds:
            return None
        return parse.ask("count", notes=["They are counted, since nothing else is asked of them."])
    item = parse.one(match, "by")
    name, grain = _group(parse, item)
    parse.counted_by(name, grain)
    return parse.ask("count", by=name, grain=parse.single(grain), order="" if grain else "highest")


@pattern(CROSSED, r"[ah]?g[an]?E*(?P<c>C)E*", r"W?[ah]?(?P<c>C)E*g", r"B?ha?(?P<c>C)g", r"gn?E+", r"nE+g")
def _change(parse: Parse, match: re.Match[str]) -> Asked | None:
    """By how much an amount changed between two times: growth of revenue from 2022 to 2023."""
    if not parse.periods:
        return None
    said = next((i for i in parse.rest if parse.symbol(i) == "a"), None)
    if parse.set_beside():
        raise NotClear("it names several groups, and a change is computed of one; ask for one of them at a time")
    named = match.groupdict()
    if not named.get("c"):
        parse.only_rows([i for i in parse.rest if i.kind == "E"])
        return parse.ask("change", other="count", by=parse.table.time(), periods=parse.periods)
    item = parse.one(match, "c")
    if said is not None and said.value in ("mean", "median", "sum"):
        kind, measure = str(said.value), parse.number(item)
    else:
        measure, kind = parse.amount(item)
    if parse.formula is None and is_year(parse.table.column(measure)):
        raise NotClear(f"{measure} is a time itself, and does not change between two times")
    return parse.ask("change", measure, kind, parse.table.time(), periods=parse.periods)


@pattern(CROSSED, r"n(?P<c>C)E*B(?P<by>[CGYE])E*", r"n(?P<c>C)E*")
def _how_many(parse: Parse, match: re.Match[str]) -> Asked | None:
    """How many of what a column counts in each row, such as goals or days of absence: their total."""
    item = parse.one(match, "c")
    column = parse.table.column(parse.table.pick(item))
    named = match.groupdict().get("by")
    if not parse.table.counts(column.name):
        return None
    parse.notes.append(f"“how many {item.text}” is read as the total of {column.name}.")
    by, grain = _group(parse, parse.one(match, "by")) if named else ("", "")
    ranked = "highest" if by and not grain else ""
    return parse.ask("sum", column.name, by=by, grain=parse.single(grain), order=ranked)


@pattern(CROSSED, r"[aS]{2,}E*(?P<c>C)E*", r"E*(?P<c>[CY])E*")
def _overview(parse: Parse, match: re.Match[str]) -> Asked | None:
    """Several numbers of one column, or the column with no word for a number: the min, max and mean of humidity."""
    item = parse.one(match, "c")
    wanted = [i for i in parse.rest if i.kind in "AS"]
    if any(i.value[1] if i.kind == "S" else i.value not in _IN_OVERVIEW for i in wanted):
        return None
    if wanted:
        return parse.ask("summary", parse.number(item))
    entities = [i for i in parse.rest if i.kind == "E"]
    if any(i.columns and not parse.table.is_row_name(i.columns[0]) for i in entities):
        return None
    if not parse.where and (len(parse.items) > 1 or entities):
        return None
    if parse.formula is not None and parse.formula.operation == "divided by":
        return parse.ask("ratio", parse.number(item))
    column = parse.table.column(parse.table.pick(item))
    if column.is_number and not parse.table.is_key(column.name):
        if any(f[1] == "=" and parse.table.is_row_name(str(f[0])) for f in parse.where):
            return parse.ask("summary", parse.number(item))  # of one row
        if parse.table.flows(column.name) and (parse.where or set(parts(column.name)) & {"total", "sum"}):
            measure, kind = parse.amount(item)
            return parse.ask(kind, measure)
        if item.sure <= 1 and not set(parts(item.text)) & set(parts(column.name)):
            raise NotClear(f"“{item.text}” may mean {column.name}, and it does not say which number of it")
        return parse.ask("summary", parse.number(item))
    if parse.where or column.is_time or not 2 <= column.n_unique <= MOST_LEVELS:
        return None
    return Asked("count", by=column.name, order="highest")


_IN_OVERVIEW = ("mean", "median", "std", "min", "max", "range", "quantile 0.25", "quantile 0.75", "count")


def _number(parse: Parse, match: re.Match[str]) -> tuple[str, str]:
    """The number that is asked for of a measure, and the measure."""
    item, said = parse.one(match, "c"), parse.at(match, "a")
    if said is not None:
        return str(said.value), parse.number(item)
    measure, kind = parse.amount(item)
    return kind, measure


def _group(parse: Parse, item: Item) -> tuple[str, str]:
    name, grain = parse.group(item)
    column = parse.table.column(name)
    if not grain and not column.is_time and column.n_unique > MOST_LEVELS:
        raise NotClear(f"{name} has too many values for a number each")
    return name, grain


def _pair(parse: Parse, match: re.Match[str]) -> tuple[str, str, str, str]:
    first, second = parse.one(match, "by"), parse.one(match, "also")
    if not parse.listed(first, second):
        raise NotClear(f"“{first.text}” and “{second.text}” stand side by side, and may be one thing")
    pair = (*_group(parse, first), *_group(parse, second))
    if pair[0] == pair[2] and pair[1] == pair[3]:
        raise NotClear(f"it groups by {pair[0]} twice")
    return pair
