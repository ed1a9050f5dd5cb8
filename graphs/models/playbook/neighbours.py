"""What the neighbours of an item tell of it: a rate of a value, a word said twice, a noun that names the rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.items import Item, parts, root
from graphs.models.playbook.naming import DATED, LEVEL_WORDS
from graphs.models.playbook.table import NotClear, Table, is_year


def take_place(items: Sequence[Item]) -> tuple[list[Item], int]:
    """The items without the ordinal of a rank, and the place that it asks for: second highest; 0 where none is."""
    for k, (item, after) in enumerate(pairwise(items)):
        ranks = (after.kind == "S" and after.value[1] != ("TIME",)) or after.value in ("mode", "rarest")
        if item.text.lower() in known.ORDINALS and item.kind == "R" and item.value > 1 and ranks:
            return [*items[:k], *items[k + 1 :]], int(item.value)
    return list(items), 0


def settled(items: Sequence[Item], table: Table, question: str, notes: list[str]) -> list[Item]:
    """The items after what their neighbours tell: those that say nothing more are left out, others change their kind.

    Raises NotClear where a word may mean that something happened or that it is missing.
    """
    out = list[Item]()
    items = _rated(items)
    for place, item in enumerate(items):
        after = next((i for i in items[place + 1 :] if i.kind not in "P"), None)
        near = _Near(table, items, place, out, after, question)
        if not _says_again(item, near):
            out.append(_changed(item, near, notes))
    return out


@dataclass(frozen=True)
class _Near:
    """Where an item stands: `out` are the items before it as they were settled, `after` is the next that tells."""

    table: Table
    items: Sequence[Item]
    place: int
    out: Sequence[Item]
    after: Item | None
    question: str

    def before(self, kinds: str) -> bool:
        return bool(self.out) and self.out[-1].kind in kinds

    def followed(self, kinds: str) -> bool:
        return self.after is not None and self.after.kind in kinds


def _rated(items: Sequence[Item]) -> list[Item]:
    """The items with the rate of a value as its share: the pass rate is the share of what passed."""
    out = list[Item]()
    for item in items:
        if item.kind == "r" and out and out[-1].kind == "V" and len(out[-1].columns) == 1:
            out[-1:] = [Item("A", item.text, "share"), out[-1]]
        else:
            out.append(item)
    return out


def _says_again(item: Item, near: _Near) -> bool:
    """Whether an item says nothing that its neighbours do not."""
    said, last = item.text.lower(), near.out[-1] if near.out else None
    following = near.items[near.place + 1 : near.place + 3]
    if item.kind == "B":  # delayed by more than 15 minutes, except by
        return near.before("X") or (said == "by" and near.followed("O"))
    if item.kind == "O" and item.value[0] == "=":
        return near.followed("V")  # churn = yes
    if last is not None and item.kind == "E":
        return last.kind in "CY" and last.text.lower() == said
    level = item.kind in "UC" and said in LEVEL_WORDS and last is not None and last.kind == "C"
    if level and last is not None and (item.kind == "U" or set(last.columns) & set(item.columns)):
        return True  # a satisfaction score
    if item.kind in "UC" and said == "paid":
        paying = any("pay" in c.lower() for i in following for c in i.columns)
        others = [c for i in near.items if i is not item and i.kind == "C" for c in i.columns]
        return (item.sure <= 1 and near.followed("BV") and paying) or bool(set(others) & set(item.columns))
    in_the_month = (item.kind == "G" and near.before("T")) or (item.kind in "UC" and said == "month")
    return in_the_month and (item.kind == "G" or near.followed("T"))


def _changed(item: Item, near: _Near, notes: list[str]) -> Item:
    """The item as what its neighbours make of it."""
    said = item.text.lower()
    if item.kind == "S":
        return _superlative(item, near, notes)
    if item.kind == "O" and item.value[0] == "between" and not near.followed("NT"):
        return Item("P", item.text)
    if item.kind == "O" and item.value[0] in "<>" and near.followed("V"):
        return replace(item, kind="Z")  # earn more than men
    only = re.search(rf"\b{re.escape(item.text)} only\b", near.question, re.I)
    if item.kind == "Y" and not only and re.search(r"B[CGYP]+J+P*$", "".join(i.kind for i in near.out)):
        item = replace(item, kind="C")  # by district and solar
    if said in known.ORDINALS and _counts_levels(near):
        return Item("R", item.text, known.ORDINALS[said])
    return _column(item, near) if item.kind == "C" else item


def _column(item: Item, near: _Near) -> Item:
    """A column as a rate, as the noun of the rows, as an event or as one of its two values."""
    table, said, last = near.table, item.text.lower(), near.out[-1] if near.out else None
    if said in ("rate", "rates") and near.before("Y"):
        return Item("r", item.text)  # the rate of what is yes or no before it, and no column of rates
    if last is not None and last.kind == "S" and last.value[1] and last.value[1] != ("TIME",):
        own = tuple(c for c in item.columns if set(parts(c)) & set(last.value[1]))
        item = replace(item, columns=own) if own else item
    if len(item.columns) == 1 and _names_rows(item.columns[0], table):
        return replace(item, kind="E", value="id")
    latest = last is not None and last.kind == "S" and last.value[1] == ("TIME",)
    dated = near.followed("T") or (near.items[0].kind != "H" and latest)
    if item.sure == 1 and not dated and _is_event(item, table):
        done = said.endswith("ed") and table.column(item.columns[0]).n_missing
        if done and last is not None and last.kind == "X":
            raise NotClear(f"“{last.text} {item.text}” may mean that {item.columns[0]} is missing; say so")
        told = [(item.columns[0], "present", "")]
        return Item("F", item.text, told, unit="verb") if done else Item("E", item.text, "one")
    levels = table.column(item.columns[0]).values
    own_level = [v for v in levels if root(v) == root(item.text)]
    if len(item.columns) == 1 and len(levels) == 2 and len(own_level) == 1 and not near.before("BWAS"):
        return Item("V", item.text, own_level[0], item.columns, item.sure)  # passed, of pass and fail
    return item


def _counts_levels(near: _Near) -> bool:
    """Whether an ordinal is a level of a column beside it, and no time: first class, first and second class."""
    listed = "".join(i.kind for i in near.items[near.place + 1 : near.place + 3]) in ("JR", "DR")
    named = [near.table.column(c) for c in near.after.columns] if near.after is not None else []
    return listed or (bool(named) and not any(c.is_time for c in named))


def _superlative(item: Item, near: _Near, notes: list[str]) -> Item:
    """A superlative as what it is of here: the oldest by its year, the worst delay; unknown where it is of nothing."""
    if item.value[1] in (("age",), ("TIME",)):
        item = _by_year(item, near.table)
    if item.text.lower() in known.ORDINALS and _counts_levels(near):
        return Item("R", item.text, known.ORDINALS[item.text.lower()])
    if item.value[1] == known.GOOD:
        return _judged(item, near, notes)
    return Item("U", item.text) if item.value[1] == ("TIME",) and not near.followed("CGEN") else item


def _by_year(item: Item, table: Table) -> Item:
    """The oldest or newest, where there is no age and no date, and one year tells when each row began."""
    columns, (order, words) = table.file.columns, item.value
    dated = [c for c in columns if is_year(c)]
    aged = words == ("age",) and any("age" in parts(c.name) for c in columns)
    placed = item.text.lower() in (*known.ORDINALS, "last") or any(c.is_time for c in columns)
    if len(dated) != 1 or aged or (words == ("TIME",) and placed):
        return item
    if words == ("age",):
        order = "lowest" if order == "highest" else "highest"
    return replace(item, value=(order, tuple(parts(dated[0].name))))


def _judged(item: Item, near: _Near, notes: list[str]) -> Item:
    """The best or worst of what is good or bad to have much of; a word that is unknown where it is neither."""
    named = [c for i in near.items if i.kind == "C" for c in i.columns if near.table.column(c).is_number]
    good = [c for c in named if set(parts(c)) & set(known.GOOD)]
    bad = [c for c in named if set(parts(c)) & set(known.BAD)]
    if bool(good) == bool(bad) or len(named) > 1:
        return Item("U", item.text)
    if good:
        return item
    order = "lowest" if item.value[0] == "highest" else "highest"
    notes.append(f"“{item.text}” is read as the {order} {bad[0]}.")
    return replace(item, value=(order, known.BAD))


def _names_rows(name: str, table: Table) -> bool:
    column = table.column(name)
    if column.dtype.lower().startswith(("int", "uint")) and column.n_unique == table.file.rows:
        return float(column.high) - float(column.low) + 1 == column.n_unique  # 1, 2, 3 … are no measurement
    return not column.is_number and not column.is_time and table.is_row_name(name)


def _is_event(item: Item, table: Table) -> bool:
    """Whether a word is what each row's date is of: the orders of order_date. A row is then one of them."""
    dated = [parts(c) for c in item.columns if table.column(c).is_time]
    others = [c for c in table.file.columns if c.is_number and root(item.text) in map(root, parts(c.name))]
    return not others and any([root(w) for w in name if w not in DATED] == [root(item.text)] for name in dated)
