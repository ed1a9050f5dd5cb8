"""Closed questions that rank: the highest of a column, the row or the group that comes first, the first few of them."""

from __future__ import annotations

import re
from dataclasses import replace

from graphs.models.playbook.asked import Asked
from graphs.models.playbook.items import Item, measured_as, parts
from graphs.models.playbook.parsing import Parse
from graphs.models.playbook.patterns import Rules, pattern
from graphs.models.playbook.table import NotClear
from graphs.models.playbook.vocabulary import FLOW

RANKED: Rules = []


@pattern(
    RANKED,
    r"W?(?P<s>S)E*(?P<c>C)E*",
    r"(?P<c>C)(?P<s>S)E*",
    r"(?P<s>S)E*",
)
def _extreme(parse: Parse, match: re.Match[str]) -> Asked | None:
    ranked, item = parse.one(match, "s"), parse.at(match, "c") if "c" in match.groupdict() else None
    row = next((i for i in parse.rest if i.kind == "E"), None)
    if item is None:
        if not ranked.value[1] or ranked.value[1] == ("TIME",):
            return None
        measure = parse.own(ranked)
        if not re.match(r"\W*how\b", parse.question, re.I):
            return parse.row(measure, ranked, row)
    elif all(parse.table.column(c).is_number or parse.table.column(c).is_time for c in item.columns):
        measure = parse.told(item, parse.table.pick(item, "number", "time"))
        about = ranked.value[1]
        turned = match.start("c") < match.start("s")
        fits = set(parts(measure)) & set(about) or measured_as(measure, about)
        if about != ("TIME",) and not fits and (about or turned):
            raise NotClear(f"it asks for the {measure} of one row, and not for its highest or lowest")
        place = parse.items.index(item)
        if row is not None and parse.items[place + 1 : place + 2] == [row]:
            return parse.row(measure, ranked, row)  # the highest rated film
    elif ranked.value[1] and ranked.value[1] != ("TIME",) and parse.table.is_row_name(parse.table.pick(item)):
        return parse.row(parse.own(ranked), ranked, item)
    else:
        return None
    if (
        ranked.value[0] == "highest"
        and ranked.text.lower() == "most"
        and item is not None
        and parse.kinds.startswith("W")
    ):
        return None
    return parse.ask("max" if ranked.value[0] == "highest" else "min", measure)


@pattern(
    RANKED,
    r"W?(?P<by>[CGYE])E*(?P<s>S)(?P<a>[an])?n?E*(?P<c>C)?E*",
    r"W?(?P<s>S)(?P<by>[CGY])E*(?P<a>a)",
    r"W?(?P<by>[CGYE])E*(?P<a>a)?(?P<c>C)E*(?P<s>S)",
    r"W?(?P<by>[CGYE])E*(?P<s>S)(?P<c>C)(?P<a>a)",
    r"W?(?P<by>[CGYE])(?P<c>C)(?P<s>S)(?P<a>a)",
    r"W?(?P<s>S)(?P<a>a)(?P<c>C)E*B(?P<by>[CGYE])",
    r"W?(?P<s>S)(?P<by>[CG])E*",
    r"H(?P<by>C)(?P<s>S)(?P<row>E)",
)
def _which(parse: Parse, match: re.Match[str]) -> Asked | None:
    by_item, ranked = parse.one(match, "by"), parse.one(match, "s")
    return _ranking(parse, by_item, ranked, parse.at(match, "a"), parse.at(match, "c"), 1)


@pattern(
    RANKED,
    r"(?:W)?(?P<s>S)(?P<n>N)(?P<by>[CGYE])E*B(?P<a>[an])?E*(?P<c>C)?E*",
    r"[HW]?(?P<n>N)(?P<s>S)(?P<by>[CGE])E*(?:B(?P<a>[an])?E*(?P<c>C))?",
    r"W?(?P<s>S)(?P<n>N)(?P<by>[CGY])E*",
    r"W?(?P<n>N)(?P<by>[CGYE])E*(?P<s>S)(?P<a>[an])?n?E*(?P<c>C)?E*",
)
def _top(parse: Parse, match: re.Match[str]) -> Asked | None:
    by_item, ranked, count = parse.one(match, "by"), parse.one(match, "s"), parse.one(match, "n")
    return _ranking(parse, by_item, ranked, parse.at(match, "a"), parse.at(match, "c"), int(count.value))


@pattern(RANKED, r"[HW]?(?P<n>N)(?P<s>S)E*")
def _first_rows(parse: Parse, match: re.Match[str]) -> Asked | None:
    """The first few of the rows that are meant: five cheapest rieslings."""
    ranked, count = parse.one(match, "s"), parse.one(match, "n")
    if not parse.where or not ranked.value[1] or ranked.value[1] in (("TIME",), ("ROWS",)):
        return None
    asked = parse.ask("row", parse.own(ranked), order=str(ranked.value[0]), limit=int(count.value))
    return replace(asked, named_by=parse.label(None))


def _ranking(
    parse: Parse, by_item: Item, ranked: Item, said: Item | None, item: Item | None, limit: int
) -> Asked | None:
    """The groups or rows that come first: by a count, by an aggregate of a measure, or by the measure itself."""
    order = str(ranked.value[0])
    if ranked.value[1] == ("TIME",):
        return None
    if by_item.kind == "E" and (not by_item.columns or parse.table.is_row_name(by_item.columns[0])):
        by, grain = parse.label(by_item), ""
    else:
        by, grain = parse.group(by_item)
    if item is not None and set(item.columns) == {by}:
        item = None  # the year in which the most films were released
    rows = [i for i in parse.rest if i.kind == "E" and i is not by_item]
    busy = ranked.value[1] == ("ROWS",)
    counted = item is None and (
        said.value == "count" if said is not None else busy or (bool(rows or parse.of_kind()) and not ranked.value[1])
    )
    if counted and said is None and not busy and ranked.text.lower() not in ("most", "fewest", "least"):
        return None
    if counted:
        parse.only_rows(rows)
        parse.counted_by(by, grain)
        return parse.ask("count", by=by, grain=grain, order=order, limit=limit)
    if item is not None:
        measure = parse.number(item)
    elif ranked.value[1]:
        measure = parse.own(ranked)
    elif said is not None:
        measure = parse.only_number()
    else:
        raise NotClear("it does not say by what")
    if measure == by:
        raise NotClear(f"it would rank {by} by itself")
    if said is not None and said.value not in ("count", "distinct"):
        return parse.ask(str(said.value), measure, by=by, grain=grain, order=order, limit=limit)
    if not grain and parse.table.is_row_name(by):
        return parse.ask("row", measure, order=order, limit=limit, named_by=by)
    if grain == "day":
        return parse.ask(
            "sum" if set(parts(measure)) & FLOW else "mean",
            measure,
            by=by,
            grain=grain,
            order=order,
            limit=limit,
        )
    if item is None and _single_row(parse, ranked):
        parse.notes.append(f"Compared by the {order} single {measure}.")
        single = "max" if order == "highest" else "min"
        return parse.ask(single, measure, by=by, grain=grain, order=order, limit=limit)
    if item is None and set(parts(measure)) & FLOW and not set(ranked.value[1]) & {"rain", "speed"}:
        raise NotClear(f"“{ranked.text}” may be by the total or by the mean {measure}; say which")
    kind = parse.kind_of_sum(measure, ranked.text.lower())
    return parse.ask(kind, measure, by=by, grain=grain, order=order, limit=limit)


def _single_row(parse: Parse, ranked: Item) -> bool:
    """Whether one row is meant, and not the mean of several: the cheapest listing, and no oldest patients."""
    place = next(k for k, i in enumerate(parse.items) if i is ranked)
    after = parse.items[place + 1 : place + 2]
    return bool(after) and after[0].kind == "E" and not after[0].text.lower().endswith("s") and after[0].value != "row"


@pattern(
    RANKED,
    r"HE*(?P<s>S)E*(?P<c>C)?E*",
    r"H(?P<c>C)(?P<s>S)",
    r"WE+(?P<s>S)E*(?P<c>C)?E*",
    r"W(?P<s>S)E+",
    r"G(?P<s>S)E+",
)
def _who_or_when(parse: Parse, match: re.Match[str]) -> Asked | None:
    ranked, item = parse.one(match, "s"), parse.at(match, "c")
    if ranked.value[1] == ("TIME",):
        if parse.rest[0].text.lower() not in ("when", "date") or item is not None:
            return None
        return parse.ask("max" if ranked.value[0] == "highest" else "min", parse.table.time())
    measure = parse.number(item) if item is not None else parse.own(ranked)
    if parse.rest[0].text.lower() == "when":
        named_by = parse.table.time()
    else:
        named_by = parse.label(next((i for i in parse.rest if i.kind == "E" and i.columns), None))
    return parse.ask("row", measure, order=str(ranked.value[0]), limit=1, named_by=named_by)
