"""Shares and differences in a closed question, in which the order of the conditions tells what is counted of what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from graphs.models.playbook.asked import Asked
from graphs.models.playbook.items import Item, parts
from graphs.models.playbook.parsing import Parse
from graphs.models.playbook.table import Filter, NotClear

_RELATIVE = ("who", "that", "with", "whose", "where", "when", "having", "holding", "being")


def share(parse: Parse) -> Asked:
    """A share of rows, or of a total. Raises NotClear where it is not plain what is counted of what."""
    parse.only_rows([i for i in parse.items if i.kind == "E"][:1])
    place = next(k for k, i in enumerate(parse.items) if i.kind == "A" and i.value == "share")
    before, after = parse.items[:place], parse.items[place + 1 :]
    kinds = "".join(parse.symbol(i) for i in after)
    by = re.search(r"B([CGYE])E*(?:[JB]+([CGY])E*)?$", kinds)
    grouped, also = ("", ""), ("", "")
    if by:
        grouped = parse.group(after[by.start(1)])
        also = parse.group(after[by.start(2)]) if by[2] else also
        after, kinds = after[: by.start()], kinds[: by.start()]
    head = [i for i in before if i.kind not in "PKWEJ"]
    if head and not (len(head) == 3 and head[0].kind in "CG" and head[1].kind == "S"):
        over = [f for i in head if i.kind == "F" for f in i.value]
        if any(i.kind not in "F" for i in head):
            ranked = re.fullmatch(r"([CGE])S", "".join(i.kind for i in head))
            if ranked is None:
                raise NotClear("I do not see what the share is of")
            grouped = parse.group(head[0])
            order, limit = str(head[1].value[0]), 1
            hits, den = _hits(parse, after, [])
            return Asked("share", by=grouped[0], grain=grouped[1], hits=hits, where=den, order=order, limit=limit)
        hits, den = _hits(parse, after, over)
    elif (each := re.fullmatch(r"P?a?P?(C)E*K?P*F*", kinds)) is not None and grouped[0] and not also[0]:
        measure, kind = parse.number(after[each.start(1)]), "share of sum"
        return Asked(kind, measure, by=grouped[0], grain=grouped[1], where=_all(after), order="highest")
    elif (summed := re.fullmatch(r"P?a?P?(C)E*((?:[KP]*F)+)", kinds)) is not None:
        item = after[summed.start(1)]
        times = [i for i in after if i.kind == "F" and parse.is_time(i)]
        counted = [i for i in after if i not in times] or times
        whole = _all([i for i in times if i not in counted])
        if not parse.table.flows(parse.table.pick(item, "number")):
            raise NotClear(f"“{item.text}” may be counted or added up, and {parse.table.pick(item)} is no plain amount")
        if grouped[0]:
            raise NotClear("a share of a total by groups is not one that I compute")
        return Asked("share of sum", parse.number(item), hits=_all(counted), where=whole)
    else:
        hits, den = _hits(parse, after, [])
    both = [f for i in after if i.kind == "F" and i.unit == "and" for f in i.value if list(f) in den]
    if both and not grouped[0]:
        grouped = (both[0][0], "")
    return Asked("share", by=grouped[0], grain=grouped[1], also_by=also[0], also_grain=also[1], hits=hits, where=den)


def _all(items: Sequence[Item]) -> list[list[Any]]:
    return [list(f) for i in items if i.kind == "F" for f in i.value]


def _hits(parse: Parse, items: Sequence[Item], over: Sequence[Filter]) -> tuple[list[list[Any]], list[list[Any]]]:
    """The conditions that are counted, and those that say of what: "of women" before a verb, "in 2023" after it."""
    if re.sub(r"[FPKEJ]", "", "".join(i.kind for i in items)):
        raise NotClear("its words are known to me, but not this way of putting them together")
    first, main = _counted(parse, items)
    hits, base = list(items[first].value), list(over)
    for k, item in enumerate(items):
        if item.kind != "F" or k == first:
            continue
        between = items[first + 1 : k]
        if k < first:
            base += item.value
        elif any(i.kind == "J" for i in between):
            hits += item.value
        elif not any(i.kind in "PK" for i in between) and not parse.is_time(item):
            raise NotClear("two conditions stand side by side, and I do not see which of them is counted")
        elif main and items[first].unit != "verb" and not parse.is_time(item) and not _says(between, "among"):
            raise NotClear(f"“{item.text}” may be part of what is counted or of what it is a share of: “of those …”")
        else:
            base += item.value
    return [list(f) for f in hits], [list(f) for f in base]


def _says(items: Sequence[Item], word: str) -> bool:
    return any(i.text.lower().startswith(word) for i in items)


def _counted(parse: Parse, items: Sequence[Item]) -> tuple[int, bool]:
    """Where the condition stands that is counted in a share, and whether a verb such as "are" leads to it."""
    places = [k for k, i in enumerate(items) if i.kind == "F"]
    if not places:
        raise NotClear("I do not see what is counted in the share")
    kinds = "".join(i.kind for i in items)
    relative = [k for k, i in enumerate(items) if i.kind == "K" and i.text.lower() in _RELATIVE]
    within = {k + 1 for k in relative if kinds[k + 1 : k + 2] == "K"}
    main = [k for k, i in enumerate(items) if i.kind == "K" and k not in relative and k not in within]
    main = [k for k in main if set(kinds[:k]) & {"E", "F"} and any(p > k for p in places)]
    if main:
        return next(k for k in places if k > main[-1]), True
    places = [k for k in places if not parse.is_time(items[k])] or places
    bare = [k for k in places if k > 0 and kinds[k - 1] not in "PKJ"]
    acting = [k for k in bare if items[k].unit == "verb"]
    if acting:
        return acting[-1], False
    if bare and (len(bare) > 1 or kinds[bare[0] - 1] == "F"):
        raise NotClear("two conditions stand side by side, and I do not see which of them is counted")
    if bare:
        return bare[0], False
    if len(relative) > 1 and not all(k + 1 in relative for k in relative[:-1]):
        raise NotClear("I do not see which of its conditions is counted in the share")
    if relative and (after := [k for k in places if k > relative[0]]):
        return after[0], False
    return places[0], False


def difference(parse: Parse) -> Asked:
    """How far two groups lie apart in a measure or a count, or their ratio. Raises NotClear where that is not plain."""
    ends = re.fullmatch(r"fSS(?P<c>C)E*", parse.kinds)
    if ends and {i.value for i in parse.rest if i.kind == "S"} == {("highest", ()), ("lowest", ())}:
        return Asked("range", parse.number(parse.rest[ends.start("c")]), where=parse.filters())
    pairs = [
        i
        for i in parse.items
        if i.kind == "F" and len(i.value) == 1 and i.value[0][1] == "in" and len(i.value[0][2]) == 2
    ]
    singles = [i for i in parse.items if i.kind == "F" and len(i.value) == 1 and i.value[0][1] == "="]
    used: list[Item] = pairs[:1]
    if not pairs:
        twins = [(a, b) for a in singles for b in singles if a is not b and a.value[0][0] == b.value[0][0]]
        used = list(twins[0]) if twins else []
    halved = None if used else _halved(parse)
    if not used and halved is None:
        raise NotClear("I do not see which two groups are compared")
    column = used[0].value[0][0] if used else parse.table.pick(halved) if halved else ""
    levels = list(used[0].value[0][2]) if pairs else [u.value[0][2] for u in used]
    levels = levels or list(parse.table.column(column).values)
    rest = "".join(parse.symbol(i) for i in parse.rest if i.kind not in "EB" and i is not halved)
    kind = "quotient" if "x" in rest else "difference"
    shaped = re.fullmatch(r"[WH]?h?[af]{0,2}n?(C|Y)?r?Z?(C|Y)?[af]?", rest.replace("x", "f"))
    if not shaped or (shaped[1] and shaped[2]):
        raise NotClear("I do not see in what they are compared")
    measured = next((i for i in parse.rest if i.kind in "CY" and i is not halved), None)
    if measured is not None and measured.kind == "Y" and not parse.table.column(measured.columns[0]).is_number:
        raise NotClear(f"{measured.columns[0]} is yes or no in words, and a difference of shares is asked for")
    sign = next((i for i in parse.rest if i.kind == "Z"), None)
    rest_of = [list(f) for i in parse.items if i.kind == "F" and i not in used for f in i.value]
    where = [*rest_of, [column, "in", levels]]
    if measured is None and ("n" in rest or (kind == "quotient" and sign is None and "a" not in rest)):
        parse.only_rows([i for i in parse.rest if i.kind == "E"])
        return Asked(kind, other="count", by=column, where=where)
    if "n" in rest or (measured is None and sign is None):
        raise NotClear("I do not see in what they are compared")
    measure = parse.number(measured) if measured is not None else _compared_by(parse, sign)
    kinds = [str(i.value) for i in parse.rest if parse.symbol(i) == "a"]
    if kinds and kinds[0] not in ("mean", "median", "sum"):
        raise NotClear(f"a difference in {kinds[0]} is not one that I compute")
    if not kinds:
        parse.notes.append("Compared by the mean.")
    return Asked(kind, measure, kinds[0] if kinds else "mean", column, where=where)


def _halved(parse: Parse) -> Item | None:
    """A column of two levels that says between whom: the pay gap by gender."""
    able = [i for i in parse.rest if i.kind in "CY" and len(i.columns) == 1]
    able = [i for i in able if len(parse.table.column(i.columns[0]).values) == 2]
    numbers = [i for i in able if parse.table.column(i.columns[0]).is_number]
    return able[0] if len(able) == 1 and able != numbers else None


def _compared_by(parse: Parse, sign: Item | None) -> str:
    words = sign.value[1] if sign is not None else ()
    able = [c.name for c in parse.table.file.columns if c.is_number and set(words) & set(parts(c.name))]
    if len(able) != 1:
        raise NotClear("I do not see in what they are compared")
    return able[0]
