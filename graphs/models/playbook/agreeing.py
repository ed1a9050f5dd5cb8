"""Whether a reading agrees with the words of its question that turn its meaning: only, last, fastest, 80 tickets."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from graphs.models.playbook.asked import Asked
from graphs.models.playbook.items import Item, measured_as, parts
from graphs.models.playbook.mentions import Reader
from graphs.models.playbook.naming import backwards
from graphs.models.playbook.parsing import Parse
from graphs.models.playbook.table import NotClear, is_year

_ONLY = re.compile(r"\b(only|just|solely)\b", re.I)
_ABLE = re.compile(r"\b(how|what|which|who)\b.*\b(can|could|should)\b(?! (you|i|we)\b)", re.I)
_OPPOSITE = {"highest": "lowest", "lowest": "highest", "max": "min", "min": "max"}


def agreed(parse: Parse, asked: Asked) -> Asked:
    """The reading, where it is what the question's words say. Raises NotClear where one of them says something else."""
    _rows_are_counted(parse, asked)
    _none_left_over(parse, asked)
    _of_each(parse, asked)
    _one_of_both(parse)
    rate = asked.aggregate == "sum" and "per" in parts(asked.measure) and asked.formula == []
    if rate and not re.search(r"\bper\b", parse.question, re.I):
        raise NotClear(f"{asked.measure} is a rate, and rates do not add up to a total; ask for their mean")
    asked = _weighted(parse, _against(parse, asked))
    for item in parse.items:
        if item.kind == "S" and item.value[1]:
            asked = _about(parse, asked, item)
        if item.kind == "Z" and item.value[1] == ("speed",) and backwards(asked.measure):
            raise NotClear(f"“{item.text}” may mean less of {asked.measure}; say more or less of it")
    return asked


def _none_left_over(parse: Parse, asked: Asked) -> None:
    """Each group, value and number that the question names is in the reading, and no two times exclude each other."""
    used, conditions = set(asked.columns()), [*asked.where, *asked.hits]
    items = [i for i in Reader(parse.table.file).read(parse.question) if i.kind != "P"]
    if _ABLE.search(parse.question):
        raise NotClear("it asks what can or should be, and the table holds only what was")
    last = parse.items[-1].text.lower()
    if "".join(i.kind for i in parse.items[-2:]) == "KP" and parse.question.lower().endswith(f" {last}"):
        raise NotClear(f"“{parse.items[-2].text} {parse.items[-1].text}” tells something of the rows that I do not see")
    if re.search(r"\bstill\b", parse.question, re.I) and not conditions:
        raise NotClear("“still” asks for those of which something is not over, and no condition says what")
    if but := re.search(r"\b(all|every\w*|any\w*|none|nothing) but\b", parse.question, re.I):
        raise NotClear(f"“{but[0]}” leaves something out; say “except”")
    for per, item in pairwise(items):
        if per.kind == "B" and item.kind == "C" and item.sure > 1 and not set(item.columns) & used:
            raise NotClear(f"“{per.text} {item.text}” is left over in my reading")
        grouped = {asked.by, asked.also_by, asked.measure, asked.other, *asked.formula}
        each = per.kind == "B" and per.text.lower().split()[-1] in ("each", "every") and item.kind == "C"
        if each and not set(item.columns) & grouped:
            raise NotClear(f"“{per.text} {item.text}” asks for groups, and something else limits them")
    for item in items:
        acted = item.kind == "V" and re.search(
            rf"\b(did|do|does)\b(?!.*\b(have|get)\b).*\b{re.escape(item.text)}\W*$", parse.question
        )
        if acted and item.text == item.value and item.text.islower():
            raise NotClear(f"“{item.text}” may be what is done, and is a value of {item.columns[0]}")
        if not _has_role(item, parse, asked):
            raise NotClear(f"“{item.text}” is left over in my reading")
    days = [(f[0], str(f[2])) for f in conditions if f[1] == "in" and re.match(r"(weekday|month) \d", str(f[2]))]
    kinds = [(column, told.split()[0]) for column, told in dict.fromkeys(days)]
    if len(kinds) > len(set(kinds)):
        raise NotClear("it names two times of one kind, and no row is of both; ask for one of them at a time")


_SAME = {
    "mean": ("ratio", "per", "difference", "quotient", "change", "summary"),
    "sum": ("ratio", "per", "difference", "quotient", "change", "summary", "share of sum", "count", "distinct"),
    "median": ("difference", "quotient", "change", "summary"),
}
"""A number that is asked for, and the aggregates in which it is told all the same."""


def _has_role(item: Item, parse: Parse, asked: Asked) -> bool:
    """Whether the reading uses an item: a value in a condition, a column anywhere, an aggregate, an end, a negation."""
    conditions, used = [*asked.where, *asked.hits], set(asked.columns())
    if item.kind == "V":
        wanted = {item.value} if isinstance(item.value, str) else set(item.value.values())
        told = [v for f in conditions if f[0] in item.columns for v in (f[2] if isinstance(f[2], list) else [f[2]])]
        return bool(wanted & {str(v) for v in told}) if told else bool(used & {*item.columns})
    if item.kind in "CY" and item.sure > 1:
        rate = item.text.lower() in ("rate", "rates") and asked.aggregate == "share"
        return rate or bool(used & {*item.columns}) or any(parse.table.is_row_name(c) for c in item.columns)
    if item.kind == "A" and (item.value in _SAME or item.value in ("std", "variance", "range")):
        return asked.aggregate in (item.value, *_SAME.get(str(item.value), ()))
    if item.kind == "S" and item.value[1] != ("TIME",):  # first class
        return bool(asked.order) or asked.aggregate in ("max", "min", "range", "summary")
    if item.kind == "X":
        nought = any(f[1] == "=" and f[2] in (0.0, "none", "no") for f in conditions)
        return (
            nought
            or bool(asked.having)
            or any(f[1] in ("!=", "not in", "missing", "present", "in") for f in conditions)
        )
    return True


def _rows_are_counted(parse: Parse, asked: Asked) -> None:
    """A number of rows is no value of a column: agents who closed fewer than 80 tickets."""
    items = [i for i in Reader(parse.table.file).read(parse.question) if i.kind != "P"]
    for compared, number, noun in zip(items, items[1:], items[2:], strict=False):
        compares = compared.kind == "O" and number.kind == "N" and noun.kind == "E"
        if compares and any(f[2] == number.value for f in [*asked.where, *asked.hits]):
            raise NotClear(
                f"“{compared.text} {number.text} {noun.text}” counts rows of a group, which I do not limit by"
            )


def _of_each(parse: Parse, asked: Asked) -> None:
    """What has several rows is counted where one of them fits; all, none or the total of them is another question."""
    if asked.aggregate != "distinct":
        return
    if asked.grain == "hour" and not re.search(r"of the day\b", parse.question, re.I):
        raise NotClear("it may count the hours of the day or every single hour; ask for rows or for hours of the day")
    if parse.table.column(asked.measure).is_time or not asked.where:
        return
    said = f"one {asked.measure} has several rows"
    if only := _ONLY.search(parse.question):
        raise NotClear(f"{said}, and “{only[0]}” says that no other row is there, which I do not look for")
    if any(f[1] in ("!=", "not in") for f in asked.where) or any(i.unit == "not" for i in parse.items if i.kind == "F"):
        raise NotClear(f"{said}, and it may ask for those of which none or of which not all are so")
    filters = [i for i in parse.items if i.kind == "F"]
    if any(i.unit == "and" for i in filters):
        raise NotClear(f"{said}, and “and” may ask for those that have both; say “or” where either will do")
    dated = any(parse.is_time(i) for i in filters)
    rows = any(i.kind == "E" and not i.columns for i in parse.items)
    if not dated and not rows and any(f[1] in ("<", ">", "<=", ">=") for f in asked.where):
        raise NotClear(f"{said}, and a bound may be for each of them or for their total or mean")


def _one_of_both(parse: Parse) -> None:
    """Two groups of different columns with nothing but "and" between them may be rows of both or of either."""
    kinds = "".join(i.kind for i in parse.items)
    for match in re.finditer(r"(?=(?<!K)F(JF))", kinds):
        pair = parse.items[match.start()], parse.items[match.end(1) - 1]
        columns = [i.value[0][0] for i in pair]
        levels = all(i.value[0][1] in ("=", "in") and i.unit != "verb" and not parse.is_time(i) for i in pair)
        if levels and columns[0] != columns[1]:
            raise NotClear(f"“{pair[0].text} and {pair[1].text}” may be those of both or those of either")


def _weighted(parse: Parse, asked: Asked) -> Asked:
    """The reading of a table whose rows each stand for several: its counts are totals of the column of how many."""
    weight = parse.table.weight()
    if not weight or weight in asked.columns() or asked.aggregate in ("columns", "missing", "most missing", "distinct"):
        return asked
    if any(i.kind == "E" and i.value == "row" for i in parse.items):
        return asked
    note = f"Each row stands for as many as its {weight}."
    kinds = {"count": "sum", "share": "share of sum"}
    if asked.aggregate not in kinds or (asked.aggregate == "share" and asked.by):
        raise NotClear(f"each row stands for as many as its {weight}, and that is not one that I compute so")
    return replace(asked, aggregate=kinds[asked.aggregate], measure=weight, notes=[*asked.notes, note])


def _against(parse: Parse, asked: Asked) -> Asked:
    """Two values that are set against each other are two groups, and not one."""
    if asked.by or not re.search(r"\b(vs|versus)\b", parse.question, re.I):
        return asked
    beside = [i.value[0][0] for i in parse.items if i.kind == "F" and i.unit == "and" and len(i.value) == 1]
    if len(beside) != 1 or asked.aggregate in ("difference", "quotient", "share", "share of sum"):
        return asked
    if asked.aggregate not in ("mean", "sum", "median", "count"):
        raise NotClear(f"it sets values of {beside[0]} against each other, and does not say by which number")
    return replace(asked, by=beside[0])


def _about(parse: Parse, asked: Asked, item: Item) -> Asked:
    """A superlative that is about a column by itself, where the reading has another: the salary of the oldest."""
    measure, words = asked.measure, set(item.value[1])
    if not measure or parse.formula is not None or words == {"ROWS"}:
        return asked
    column = parse.table.column(measure)
    if words == {"TIME"}:
        times = [c for c in (measure, asked.by) if c and (parse.table.column(c).is_time or is_year(column))]
        if not times:
            raise NotClear(f"“{item.text}” is of a time, and {measure} of a single row in time is not what I look up")
        return asked
    if words & set(parts(measure)) or measured_as(measure, list(words)):
        return asked
    if words == {"speed"}:
        if not backwards(measure):
            raise NotClear(f"“{item.text}” may mean more or less of {measure}; say the highest or the lowest")
        turned = _OPPOSITE.get(asked.aggregate, asked.aggregate)
        order = _OPPOSITE.get(asked.order, "")
        return replace(asked, aggregate=turned, order=order, notes=[*asked.notes, _turned(item, measure, order)])
    if words == {"age"} and (column.is_time or is_year(column)):
        raise NotClear(f"“{item.text}” may mean an early or a late {measure}; say the first or the last")
    after = next((i for i, before in zip(parse.items[1:], parse.items, strict=False) if before is item), None)
    named = (after is not None and measure in after.columns) or re.search(r"\bby\b", parse.question, re.I)
    own = [c.name for c in parse.table.file.columns if c.is_number and words & set(parts(c.name))]
    if own and not named:
        raise NotClear(f"“{item.text}” is about {own[0]}, and the number that is asked for is {measure}")
    return asked


def _turned(item: Item, measure: str, order: str) -> str:
    return f"“{item.text}” is read as the {order or 'other end'} {measure}."
