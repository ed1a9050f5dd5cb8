"""What closed questions look like: patterns over the kinds of their items, and what each asks to be computed.

Counts, distinct values, correlations, rates and plain aggregates stand here; what ranks stands in `ranking`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from graphs.models.playbook.asked import Asked
from graphs.models.playbook.facts import YES
from graphs.models.playbook.items import parts
from graphs.models.playbook.naming import LABELS
from graphs.models.playbook.parsing import Parse
from graphs.models.playbook.table import NotClear
from graphs.models.playbook.vocabulary import FLOW

type Make = Callable[[Parse, re.Match[str]], Asked | None]
type Rules = list[tuple[str, Make]]
"""Patterns in the order in which they are tried, each with what makes a question of its match."""


def pattern(rules: Rules, *texts: str) -> Callable[[Make], Make]:
    """Enter a function as the maker of what fits one of these patterns; the first that fits is taken."""

    def enter(make: Make) -> Make:
        rules.extend((text, make) for text in texts)
        return make

    return enter


PLAIN: Rules = []
_SOLD = re.compile(r"\b(sold|bought|ordered|booked|purchased|rented|shipped|delivered|borrowed)\b", re.I)


@pattern(PLAIN, r"Wc?S?M")
def _most_missing(parse: Parse, match: re.Match[str]) -> Asked:
    return Asked("most missing", order="highest", limit=1)


@pattern(PLAIN, r"nc")
def _width(parse: Parse, match: re.Match[str]) -> Asked:
    return Asked("columns")


@pattern(PLAIN, r"nME*")
def _missing_cells(parse: Parse, match: re.Match[str]) -> Asked:
    if parse.where:
        raise NotClear("it does not say in which column a value is missing")
    return Asked("missing")


@pattern(PLAIN, r"(?:h)?nE*", r"E*nE*B(?P<by>[CGYE])E*", r"(?P<by>[CGYE])n")
def _count(parse: Parse, match: re.Match[str]) -> Asked | None:
    entities = [i for i in parse.rest if i.kind == "E"]
    named = match.groupdict().get("by")
    amounts = [c.name for c in parse.table.file.columns if set(parts(c.name)) & {"quantity", "qty", "units"}]
    if amounts and not entities and any(f[1] in ("=", "in") for f in parse.where) and not named:
        raise NotClear(f"it may ask for the number of rows or for the total of {amounts[0]}")
    if named:
        parse.only_rows([i for i in entities if i is not parse.at(match, "by")])
        by, grain = parse.group(parse.at(match, "by") or parse.rest[-1])
        parse.counted_by(by, grain)
        return parse.ask("count", by=by, grain=parse.single(grain), order="" if grain else "highest")
    if not entities and not parse.where:
        return None
    keyed = entities[0] if entities and entities[0].value == "id" else None
    if keyed is not None:
        others = [i for i in entities if i.value == "id" and i.text.lower() != keyed.text.lower()]
        if any(not parse.table.is_row_name(c) for i in others for c in i.columns):
            raise NotClear(f"I do not see what “{others[0].text}” is to “{keyed.text}”")
        name = parse.table.pick(keyed)
        if not parse.table.is_row_name(name):
            return parse.ask("distinct", name)
    elif not entities and (people := parse.repeated_people()):
        raise NotClear(f"one {people} may have several rows, and it may count the rows or the different {people}s")
    elif entities and entities[0].value == "one":
        parse.notes.append(f"One row is counted as one of the {entities[0].text.lower()}.")
    beside = parse.set_beside()
    return parse.ask("count", by=beside, order="highest" if beside else "")


@pattern(PLAIN, r"n?d(?P<c>[CYGE])E*", r"n(?P<c>[CYG])E*", r"[dW]d?(?P<c>C)(?P<list>E*)")
def _distinct(parse: Parse, match: re.Match[str]) -> Asked | None:
    item = parse.one(match, "c")
    if item.kind == "G":
        by, grain = parse.group(item)
        return parse.ask("distinct", by, grain=grain.removesuffix(" of year"))
    name = parse.table.pick(item)
    column = parse.table.column(name)
    if "d" not in parse.kinds and parse.table.counts(name):
        return None  # how many goals: their total
    if "d" not in parse.kinds and parse.is_asked_of(item):
        return None  # how many were rated
    if "d" not in parse.kinds and column.is_number and not set(parts(name)) & LABELS:
        raise NotClear(f"“how many {item.text}” may be the rows, the different values of {name} or their total")
    if parse.kinds.startswith("n") or "d" in parse.kinds:
        parse.counts_kinds(item, name)
        if "d" not in parse.kinds and (sold := _SOLD.search(parse.question)) and not parse.table.is_key(name):
            raise NotClear(f"“{sold[0]}” may ask for the rows, their amount or the different values of {name}")
        return parse.ask("distinct", parse.told(item, name))
    if re.search(r"\b(there|exist|occur)\b", parse.question, re.I):
        return parse.ask("distinct", parse.told(item, name))
    return None


@pattern(PLAIN, r"W?(?P<c>[CYG])o", r"W?(?P<c>E)E*o", r"W?o(?P<c>[CYG])E*")
def _mode(parse: Parse, match: re.Match[str]) -> Asked:
    item = parse.one(match, "c")
    by, grain = parse.group(item)
    parse.popular(next(i.text for i in parse.rest if parse.symbol(i) == "o"))
    rare = any(i.kind == "A" and i.value == "rarest" for i in parse.rest)
    return parse.ask("count", by=by, grain=grain, order="lowest" if rare else "highest", limit=1)


@pattern(PLAIN, r"W?op(?P<by>[CG])(?P<also>[CG])")
def _mode_of_pairs(parse: Parse, match: re.Match[str]) -> Asked:
    """The commonest pair of two groups: the most frequent pair of origin and destination."""
    first, second = parse.one(match, "by"), parse.one(match, "also")
    by, also = parse.group(first), parse.group(second)
    order = "lowest" if any(i.kind == "A" and i.value == "rarest" for i in parse.rest) else "highest"
    return parse.ask("count", by=by[0], grain=by[1], also_by=also[0], also_grain=also[1], order=order, limit=1)


@pattern(PLAIN, r"W?k(?P<a>[CY])(?P<b>[CY])E*")
def _correlation(parse: Parse, match: re.Match[str]) -> Asked:
    a, b = parse.one(match, "a"), parse.one(match, "b")
    pair = parse.number(a), parse.number(b)
    if pair[0] == pair[1]:
        raise NotClear("it names one column twice")
    return parse.ask("correlation", *pair)


@pattern(
    PLAIN,
    r"(?P<y>Y)rE*",
    r"a?r(?P<y>Y)E*",
    r"a?(?P<y>Y)r(?:B|E)*(?P<by>[CGYE])E*",
    r"a(?P<y>Y)r?E*",
    r"W(?P<by>[CGYE])E*(?P<s>S)a?(?P<y>Y)r",
    r"W(?P<by>[CGYE])E*a?(?P<y>Y)r(?P<s>S)",
    r"(?P<s>S)a?(?P<y>Y)rB(?P<by>[CGYE])E*",
)
def _rate(parse: Parse, match: re.Match[str]) -> Asked:
    """The rate of a column of yes and no is the share of its yes."""
    item = parse.one(match, "y")
    name = parse.told(item, parse.table.pick(item))
    yes = next((v for v in parse.table.column(name).values if v.lower() in YES), "True")
    named = match.groupdict()
    by, grain = parse.group(parse.one(match, "by")) if named.get("by") else ("", "")
    ranked = parse.at(match, "s") if named.get("s") else None
    order = str(ranked.value[0]) if ranked else "highest" if by else ""
    if not by and (beside := parse.set_beside()):
        by, order = beside, "highest"
    return parse.ask(
        "share",
        by=by,
        grain=grain,
        hits=[[name, "=", yes]],
        order=order,
        limit=1 if ranked else 0,
    )


@pattern(
    PLAIN,
    r"h?E*(?P<a>a)n?E*(?P<c>[C])E*",
    r"h?E*(?P<c>[C])E*(?P<a>a)E*",
    r"(?P<a>h)E*(?P<c>[C])E*",
    r"h?E*(?P<a>a)n?E*(?P<c>C)E*B(?P<by>[CGYE])E*",
    r"B(?P<by>[CGYE])(?P<a>a)(?P<c>C)E*",
)
def _aggregate(parse: Parse, match: re.Match[str]) -> Asked | None:
    item, said = parse.one(match, "c"), parse.one(match, "a")
    measure = parse.number(item)
    if said.text.lower() == "how much" and not set(parts(measure)) & FLOW:
        raise NotClear(f"“how much” may ask for the total of {measure}, for its mean or for one value")
    per = parse.at(match, "by") if match.groupdict().get("by") else None
    if per is not None and per.kind == "E" and per.columns and said.value in ("mean", "sum"):
        return None  # a number for each, which is one pattern further on
    if per is not None and per.kind == "E" and all(parse.table.is_row_name(c) for c in per.columns):
        per = None  # per order, where each row is an order
    by, grain = parse.group(per) if per is not None else ("", "")
    by = by or parse.set_beside()
    if by and not grain and parse.table.column(by).n_unique > 60 and not parse.table.column(by).is_time:
        raise NotClear(
            f"{by} has too many values for a number each, and “per” may mean the total divided by their count"
        )
    if said.value == "sum":
        grain = parse.single(grain)
    ranked = "highest" if by and not grain else ""
    return parse.ask(str(said.value), measure, by=by, grain=grain, order=ranked)
