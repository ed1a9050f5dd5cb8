"""Amounts made of two columns, and two times that are compared: found in a question's items before its conditions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from graphs.models.playbook import synonyms
from graphs.models.playbook.facts import Column
from graphs.models.playbook.items import Item, parts, root, unit_of
from graphs.models.playbook.table import NotClear, Table

_SIGNS = {"minus": "−", "plus": "+", "times": "×", "divided by": "÷"}
_COUNTED = frozenset(("quantity", "qty", "count", "counts", "units", "items", "hours", "minutes", "days", "area"))


@dataclass(frozen=True)
class Formula:
    """A column that is computed from two others: its name, the first, what is done, the second."""

    name: str
    first: str
    operation: str
    second: str


def take_formula(items: Sequence[Item], table: Table, notes: list[str]) -> tuple[list[Item], Formula | None]:
    """The items with two columns and what is done with them as one column, and how that is computed; at most one.

    Raises NotClear where one of the two can be several columns, or is no number.
    """
    items = _made(items, table, notes)
    kinds = "".join(_symbol(i) for i in items)
    for shape, operation in _SHAPES:
        for match in re.finditer(shape, kinds):
            first, second = items[match.start("a")], items[match.start("b")]
            named = items[match.start("q")].value if "q" in match.groupdict() else operation
            if not all(any(table.column(c).is_number for c in i.columns) for i in (first, second)):
                continue
            if "per" in match.groupdict() and not _is_denominator(items[match.start("per")], second, table):
                continue
            names = table.pick(first, "number"), table.pick(second, "number")
            if names[0] == names[1]:
                raise NotClear(f"it names {names[0]} twice")
            formula = Formula(f"{names[0]} {_SIGNS[str(named)]} {names[1]}", names[0], str(named), names[1])
            whole = Item("C", " ".join(i.text for i in items[match.start() : match.end()]), None, (formula.name,), 3)
            return [*items[: match.start()], whole, *items[match.end() :]], formula
    return list(items), None


_SHAPES = (
    (r"DP*(?P<a>[CY])[JP]+(?P<b>[CY])(?![^B]*V[JDP]*V)", "minus"),
    (r"RP*(?P<a>[CY])[JP]+(?P<b>[CY])", "divided by"),
    (r"(?P<a>[CY])[JP]?(?P<b>[CY])R", "divided by"),
    (r"(?P<a>C)(?P<q>Q)P*(?P<b>C)", ""),
    (r"(?P<a>C)(?P<per>B)(?P<b>C)", "divided by"),
)


def _symbol(item: Item) -> str:
    if item.kind == "A" and item.value in ("difference", "ratio"):
        return "D" if item.value == "difference" else "R"
    return item.kind if item.kind not in "DR" else "_"


def _is_denominator(per: Item, item: Item, table: Table) -> bool:
    """Whether "per" divides by a column, as in price per area, and does not group by it, as in price per class."""
    if per.text.lower() != "per" or len(item.columns) != 1:
        return False
    column = table.column(item.columns[0])
    words = [w for w in parts(column.name) if w not in ("num", "n", "no", "number", "of", "total", "count")]
    words = words[:-1] if unit_of(column.name) and len(words) > 1 else words
    if {root(w) for w in words} - {root(w) for w in item.text.split()} and item.sure <= 1:
        return False  # per night, of minimum_nights
    partly = [root(w) for w in words] != [root(w) for w in item.text.split()]
    said = item.text.lower()
    plural = words[-1].endswith("s") and not said.endswith("s") and column.dtype.lower().startswith(("int", "uint"))
    counted = plural or (bool(set(words) & _COUNTED) and partly)  # per resident, of a column of residents
    return column.is_number and (column.n_unique > 60 or counted) and not table.is_key(column.name)


def _made(items: Sequence[Item], table: Table, notes: list[str]) -> list[Item]:
    """The items with the name of an amount that the table holds as two columns (a margin) as those two columns."""
    out = list(items)
    for place, item in enumerate(out):
        word = item.text.lower().removesuffix("s")
        if item.kind != "U" or word not in synonyms.MADE:
            continue
        made = _two(word, table)
        if made is None:
            continue
        first, operation, second = made
        kind = out[place - 1] if place else None
        led = kind is not None and kind.text.lower() in ("profit", "gross", "net", "operating")
        said = f"{kind.text} {item.text}" if kind is not None and led else item.text
        notes.append(f"“{said}” is taken as {first} {_SIGNS[operation]} {second}.")
        pair = [
            Item("C", first, None, (first,), 3),
            Item("Q", operation, operation),
            Item("C", second, None, (second,), 3),
        ]
        return [*out[: place - led], *pair, *out[place + 1 :]]
    return out


def _two(word: str, table: Table) -> tuple[str, str, str] | None:
    """The two columns of an amount and what is done with them, where each is one column only."""
    for firsts, operation, seconds in synonyms.MADE[word]:
        found = [_one(firsts, table), _one(seconds, table)]
        if found[0] and found[1]:
            return found[0], operation, found[1]
    return None


def _one(words: Sequence[str], table: Table) -> str:
    for word in words:
        able = [c.name for c in table.file.columns if c.is_number and word in parts(c.name)]
        if able:
            return able[0] if len(able) == 1 else ""
    return ""


def with_column(table: Table, formula: Formula) -> Table:
    """The table with the computed column."""
    added = Column(formula.name, "float64", table.file.rows)
    return replace(table, file=replace(table.file, columns=(*table.file.columns, added)))


def _set_against(items: Sequence[Item]) -> list[Item]:
    """The items with two times that are set against each other as a change between them: 2022 versus 2021."""
    kinds = "".join(i.kind for i in items)
    match = re.search(r"(T)P*(J)P*(T|N)|(N)P*(J)P*(T)", kinds)
    if match is None or any(i.kind == "A" and i.value in _TURNED for i in items):
        return list(items)
    first, place, last = (match.start(k) for k in ((1, 2, 3) if match[1] else (4, 5, 6)))
    years = all(re.fullmatch(r"\d{4}", items[k].text) for k in (first, last))
    led = [i.text.lower() for i in (*items[max(first - 1, 0) : first], *items[place + 1 : last]) if i.kind in "PO"]
    if set(led) - {"in", "of", "for", "during", "on"}:
        return list(items)  # before 2022 vs 2023
    if items[place].text.lower() not in ("vs", "versus") or (kinds[first] + kinds[last] != "TT" and not years):
        return list(items)
    out = list(items)
    for k in (first, last) if years else ():
        out[k] = Item("T", items[k].text, items[k].text)
    if sum(i.kind == "T" for i in out) != 2:
        return list(items)
    return [Item("A", items[place].text, "change"), *out[:place], *out[place + 1 :]]


_TURNED = ("change", "difference", "ratio", "share", "correlation")


def take_periods(items: Sequence[Item]) -> tuple[list[Item], list[str]]:
    """The items without the two times between which a change is asked for, and these times, the earlier first.

    Raises NotClear where a change is asked for and there are not two times, both years, months, quarters or days.
    """
    items = _set_against(items)
    changed = [i for i in items if i.kind == "A" and i.value in ("change", "difference")]
    times = [i for i in items if i.kind == "T" and re.match(r"\d{4}", str(i.value))]
    months = [i for i in items if i.kind == "T" and re.match(r"(month|quarter) ", str(i.value))]
    if not changed or (changed[0].value == "difference" and len(times) != 2):
        return list(items), []
    if len(months) == 1 and len(times) == 1 and re.fullmatch(r"\d{4}-\d\d", str(times[0].value)):
        filled = replace(months[0], value=f"{times[0].value[:4]}-{int(str(months[0].value).split()[1]):02d}")
        items = [filled if i is months[0] else i for i in items]
        times = [i for i in items if i.kind == "T"]
    periods = sorted(str(i.value) for i in times)
    if len(periods) != 2 or len({len(p) for p in periods}) > 1 or periods[0] == periods[1]:
        raise NotClear("it asks for a change, and does not name the two years, months or days that it is between")
    left = list[Item]()
    for place, item in enumerate(items):
        after = next((i for i in items[place + 1 :] if i.kind not in "PJ"), None)
        leads = item.kind in "PJO" and after is not None and after.kind == "T"
        if item.kind != "T" and not leads:
            left.append(replace(item, value="change") if item is changed[0] else item)
    return left, periods
