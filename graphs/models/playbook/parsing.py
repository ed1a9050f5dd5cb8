"""One closed question under way: its items, its conditions taken out, and what the words that are left can mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graphs.models.playbook import synonyms
from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.asked import Asked
from graphs.models.playbook.bounds import take_bound
from graphs.models.playbook.conditions import take_conditions
from graphs.models.playbook.facts import Column
from graphs.models.playbook.formulas import take_formula, take_periods, with_column
from graphs.models.playbook.items import Item, parts, root, unit_of
from graphs.models.playbook.mentions import Reader
from graphs.models.playbook.naming import DATED, DAY_PARTS, HAPPENED, KINDS, LEVELS, NAMES
from graphs.models.playbook.neighbours import settled, take_place
from graphs.models.playbook.table import Filter, NotClear, Table, is_year
from graphs.models.playbook.vocabulary import FLOW

_SYMBOLS = {
    "count": "n",
    "share": "q",
    "distinct": "d",
    "mode": "o",
    "rarest": "o",
    "correlation": "k",
    "difference": "f",
    "change": "g",
    "ratio": "x",
}


def strange(word: str) -> str:
    """That a word is unknown, as the end of a sentence."""
    return f"“{word}” is no column or value of this table, and no word of mine"


class Parse:
    """One question under way: its items, the conditions taken out, and what is left to match with a pattern."""

    def __init__(self, question: str, table: Table) -> None:
        self.question, self.table = question, table
        self.notes: list[str] = []
        items = Reader(table.file).read(question)
        if not any(i.kind in "ASCYZEV" for i in items):
            raise NotClear("it names no column of this table")
        if len(items) > 1 and items[0].kind == "W" and items[1].kind == "K":
            items = items[2:]  # what is the …
        if any(i.kind == "A" and i.value == "count" for i in items):  # how many are there in total
            items = [i for i in items if i.text.lower() not in ("in total", "altogether")]
        items, self.place = take_place(items)
        items, self.periods = take_periods(settled(items, table, question, self.notes))
        items, self.formula = take_formula(items, table, self.notes)
        if self.formula is not None:
            self.table = table = with_column(table, self.formula)
        items, self.bound = take_bound(items, table)
        self.asks = any(i.kind in "ASZr" for i in items)
        items = take_conditions(items, table)
        self.items = self._known(items)
        filters = [i for i in self.items if i.kind == "F"]
        self.where: list[Filter] = [f for i in filters for f in i.value]
        self._same_time(filters)
        self.rest = [i for i in self.items if i.kind not in "FPKJ"]
        self.kinds = "".join(self.symbol(i) for i in self.rest)

    def _same_time(self, filters: Sequence[Item]) -> None:
        """Raise NotClear where what was done is dated by a column that dates something else: left in 2020, by hired."""
        times = [c.name for c in self.table.file.columns if c.is_time]
        said = {root(w) for i in filters if not self.is_time(i) for w in parts(i.text)}
        for name in (i.value[0][0] for i in filters if self.is_time(i) and i.unit != "named" and len(times) > 1):
            others = {root(w) for t in times if t != name for w in parts(t)} - {root(w) for w in DATED}
            if any(len(w) >= 4 and o.startswith(w[:4]) for w in said for o in others):
                raise NotClear(f"it may be of another time than {name}; name the column of the time")
        done = next((i for i in filters if i.unit == "verb"), None)
        for item in filters:
            if done is None or item.unit == "named" or not self.is_time(item):
                continue
            name = str(item.value[0][0])
            said = {root(w) for w in parts(name)} - HAPPENED
            if said and not said & {root(w) for w in (*parts(self.table.file.name), *parts(done.value[0][0]))}:
                raise NotClear(f"it may date what “{done.text}” says, and the table's only time is {name}")

    def counted_by(self, by: str, grain: str) -> None:
        """Raise NotClear where each row has a group of its own, so that a count of rows tells nothing."""
        if self.table.is_row_name(by) and (not grain or grain in parts(by)):
            raise NotClear(f"each row has a {by} of its own, so there is nothing to count by it")

    def noted(self, asked: Asked) -> Asked:
        levels = [f for f in asked.where if f[1] in ("=", "!=")]
        twice = [f for f in levels if any(g[0] == f[0] and g is not f and "=" in (f[1], g[1]) for g in levels)]
        if twice:
            raise NotClear(f"it wants {twice[0][0]} to be two things at once")
        if self.periods and asked.aggregate not in ("change",):
            raise NotClear("it asks for a change, which I compute of one number between two times")
        if self.place:
            if asked.limit != 1:
                raise NotClear("it asks for a place in an order, and I see no rows or groups that are put in order")
            asked = replace(asked, place=self.place)
        if self.formula is not None:
            made = self.formula
            asked = replace(asked, formula=[made.name, made.first, made.operation, made.second])
            whole = made.operation == "divided by" and asked.measure == made.name
            if whole and asked.aggregate in ("mean", "sum"):
                asked = replace(asked, aggregate="ratio")
        return replace(asked, notes=list(dict.fromkeys([*self.notes, *asked.notes])))

    def _known(self, items: list[Item]) -> list[Item]:
        """The items, all of which are understood. A noun after a value ("Gentoo penguins") is taken for the rows."""
        out: list[Item] = []
        for place, item in enumerate(items):
            last = items[place - 1] if place else None
            noun = item.text.lower().endswith("s") and len(item.text) > 3
            noun = noun and item.text.lower() not in DAY_PARTS
            if item.kind == "U" and last is not None and last.kind == "F" and noun and self._sorts(last):
                single = item.text.lower().removesuffix("s")
                self.notes.append(f"One row is counted as one {single}.")
                out.append(Item("E", item.text, "one"))
                continue
            if item.kind == "U":
                raise NotClear(strange(item.text))
            after = "".join(i.kind for i in items[place + 1 : place + 3])
            if item.kind == "B" and (after[:1] == "F" or (after == "EF" and items[place + 1].text.endswith("s"))):
                continue  # the fare paid by women, visits by patients over 65
            if item.kind in "XDOTVNR" and not (item.kind == "N" and self._limits(items, place)):
                raise NotClear(f"“{item.text}” does not fit with the words around it")
            out.append(item)
        return out

    def _sorts(self, item: Item) -> bool:
        """Whether a condition names a sort of what the rows are ("Gentoo penguins"), whose noun no column tells."""
        words = {w for f in item.value for w in parts(str(f[0]))}
        return bool(words & KINDS) and not Reader(self.table.file).row_nouns

    def _limits(self, items: Sequence[Item], place: int) -> bool:
        """Whether a number says how many are wanted, as in "top 5" and "which 3 cities"."""
        around = [items[k].kind for k in (place - 1, place + 1) if 0 <= k < len(items)]
        return (
            float(items[place].value).is_integer()
            and 1 <= items[place].value <= 50
            and bool({"S", "W", "C", "E"} & set(around))
        )

    def symbol(self, item: Item) -> str:
        if item.kind != "A":
            return item.kind
        if item.text.lower() == "how much":
            return "h"
        return _SYMBOLS.get(str(item.value), "a")

    # What the patterns' parts stand for

    def listed(self, first: Item, second: Item) -> bool:
        """Whether two items are told apart by an "and" or a "by", and are not two words for one thing."""
        places = sorted(k for k, i in enumerate(self.items) if i is first or i is second)
        return any(i.kind in "JB" for i in self.items[places[0] : places[1]])

    def at(self, match: re.Match[str], name: str) -> Item | None:
        place = match.start(name) if match.groupdict().get(name) else -1
        return self.rest[place] if place >= 0 else None

    def one(self, match: re.Match[str], name: str) -> Item:
        """The item at a part of a pattern that is there whenever the pattern fits."""
        return self.rest[match.start(name)]

    def ask(self, aggregate: str, measure: str = "", other: str = "", by: str = "", **more: Any) -> Asked:
        """What is to be computed of the rows that meet the question's conditions."""
        return Asked(aggregate, measure, other, by, where=self.filters(), **more)

    def set_beside(self) -> str:
        """The column of which several values are named, each for itself: men and women; "" where there is none."""
        both = [i for i in self.items if i.kind == "F" and i.unit == "and" and i.value[0][1] == "in"]
        return str(both[0].value[0][0]) if both else ""

    def number(self, item: Item) -> str:
        return self.told(item, self.table.pick(item, "number"))

    def group(self, item: Item) -> tuple[str, str]:
        """The column to group by and, for a time, its grain."""
        if item.kind == "G":
            return self._grain(item)
        if item.kind == "E" and not item.columns:
            raise NotClear(f"no column says which {item.text} a row is about")
        name = self.told(item, self.table.pick(item, "group", "time"))
        self.is_head(item, name)
        if not self.table.column(name).is_time:
            return name, ""
        word = parts(name)[-1]
        return (
            self._grain(Item("G", item.text, "month"))
            if word == "month"
            else (name, "year" if word == "year" else "day")
        )

    def is_head(self, item: Item, name: str) -> None:
        """Raise NotClear where a group is named by a word that only describes it: "per guest" is no guest_country."""
        words, said = [root(w) for w in parts(name)], [root(w) for w in parts(item.text)]
        core = words[:-1] if unit_of(name) else words
        describes = item.sure == 1 and set(said) <= set(words) and core[-1] not in said
        person = item.text.lower() in known.PEOPLE
        plural = words[-1] != parts(name)[-1] and parts(name)[-1].endswith("s")
        amount = self.table.column(name).is_number and (plural or bool(set(parts(name)) & FLOW))
        other = item.sure <= 1 and amount and set(said) != set(core)  # per night, of minimum_nights
        if other or (describes and (person or core[-1] not in LEVELS)):
            raise NotClear(f"“{item.text}” may be more than {name} or a part of it; say its whole name")

    def is_asked_of(self, item: Item) -> bool:
        """Whether a verb such as "were" leads to an item, which then is what is told of the rows and not counted."""
        place = next(k for k, i in enumerate(self.items) if i is item)
        return place > 0 and self.items[place - 1].kind == "K" and item.text.lower().endswith("ed")

    def counts_kinds(self, item: Item, name: str) -> None:
        """Raise NotClear where what is counted is named by a word that only describes a column: rooms, room_type."""
        words, said = [root(w) for w in parts(name)], [root(w) for w in parts(item.text)]
        core = words[:-1] if unit_of(name) else words
        if item.sure == 1 and set(said) <= set(words) and core[-1] not in (*said, "name", "titl", "label", "cod"):
            raise NotClear(f"“{item.text}” is only a part of {name}, and may not be that; say its whole name")
        if item.text.lower() in synonyms.DOING:
            raise NotClear(f"“{item.text}” is no name of something to count")

    def _grain(self, item: Item) -> tuple[str, str]:
        named = [c.name for c in self.table.file.columns if item.value in parts(c.name) and not c.is_time]
        if len(named) == 1 and item.value != "day":
            if parts(named[0]) != [item.value] and any(c.is_time for c in self.table.file.columns):
                raise NotClear(f"“{item.text}” may be {named[0]} or that of the table's times; say which")
            return named[0], ""
        time = self.table.time()
        column = self.table.column(time)
        grain = str(item.value)
        one_year = any(f[0] == time and re.match(r"\d{4}", str(f[2])) for f in self.where)
        if grain in ("month", "quarter") and not one_year and str(column.low)[:4] != str(column.high)[:4]:
            grain = f"{grain} of year"
        return time, grain

    def repeated_people(self) -> str:
        """The column of persons with several rows each, where the question counts persons by what they are: women."""
        nouns = {*synonyms.SEXES, *known.PEOPLE}
        said = [i for i in self.items if i.kind == "F" and (i.unit == "verb" or set(i.text.lower().split()) & nouns)]
        said = [i for i in said if i.unit != "verb" or root(i.text).endswith("er") or i.text.lower().endswith("s")]
        marked = [
            c for c in self.table.file.columns if {root(w) for w in parts(c.name)} & {root(w) for w in known.PEOPLE}
        ]
        marked = [c for c in marked if self.table.is_key(c.name) or not c.is_number]
        able = [c.name for c in marked if 20 < c.n_unique < self.table.file.rows and not c.is_time]
        return able[0] if said and able else ""

    def single(self, grain: str) -> str:
        """The grain of a list of totals or counts: each month of each year for itself, unless "of the year" is said."""
        return grain if re.search(r"of the year\b", self.question, re.I) else grain.removesuffix(" of year")

    def told(self, item: Item, name: str) -> str:
        """The column, with a note where its name is not what was said."""
        if item.sure <= 1 and item.text.lower() not in name.lower():
            self.notes.append(f"“{item.text}” is read as {name}.")
        elif len(item.columns) > 1:
            self.notes.append(f"“{item.text}” is read as {name}, the only one of its kind.")
        return name

    def amount(self, item: Item) -> tuple[str, str]:
        """A column, and which number of it where nothing says that: the total of what flows, else the mean."""
        measure = self.number(item)
        if self.formula is not None and measure == self.formula.name:
            words = set(parts(self.formula.first)) | set(parts(self.formula.second))
            flows = self.formula.operation != "divided by" and bool(words & FLOW) and not words & {"price"}
        else:
            flows = self.table.flows(measure)
        kind = "sum" if flows else "mean"
        if self.formula is None or self.formula.operation != "divided by":
            said = "total" if flows else "mean"
            self.notes.append(f"It is the {said} of {measure}, since the question does not say which.")
        return measure, kind

    def own(self, item: Item, wanted: str = "number") -> str:
        """The column that a superlative is about by itself: the oldest, the latest."""
        words = item.value[1]
        if words == ("TIME",):
            return self.table.time()
        able = [c.name for c in self.table.file.columns if c.is_number and set(words) & set(parts(c.name))]
        if len(able) != 1:
            which = " or ".join(able) if able else f"none for {words[0]}" if words else "none"
            raise NotClear(f"“{item.text}” needs a column, and here it can be {which}")
        self.notes.append(f"“{item.text}” is read by {able[0]}.")
        return able[0]

    def only_number(self) -> str:
        """The single column of measurements, where a question names none."""
        names = [c.name for c in self.table.file.columns if c.is_number and c.n_unique > 2]
        names = [n for n in names if not {"id", "year", "month", "day", "index"} & set(parts(n))]
        if len(names) != 1:
            raise NotClear("it does not say of what")
        self.notes.append(f"{names[0]} is the only column of measurements.")
        return names[0]

    def filters(self) -> list[list[Any]]:
        return [list(f) for f in self.where]

    def named_rows(self) -> list[Column]:
        """The columns of names that differ from row to row."""
        rows = self.table.file.rows
        named = [c for c in self.table.file.columns if not c.is_number and not c.is_time and c.n_unique > 0.9 * rows]
        return [c for c in named if set(parts(c.name)) & set(NAMES)] or named

    def label(self, item: Item | None) -> str:
        """The column that names a row: the one that was said, or a column of names that differ."""
        if item is not None and item.kind == "C":
            return self.table.pick(item)
        named = self.named_rows()
        if len(named) != 1 and item is not None and len(item.columns) == 1:
            return item.columns[0]
        if len(named) != 1:
            raise NotClear("no column names the single rows")
        return named[0].name

    def only_rows(self, items: Sequence[Item]) -> None:
        """Raise NotClear where what is counted has several rows each: customers in a table of orders."""
        for item in items:
            if item.columns and not self.table.is_row_name(item.columns[0]):
                raise NotClear(f"one of the {item.text} has several rows, and rows are what I can count here")

    def of_kind(self) -> bool:
        """Whether a condition names the rows that are counted ("the most comedies"), and no column their amount."""
        named = [i for i in self.items if i.kind == "F" and not self.is_time(i) and i.value[0][1] == "="]
        columns = [set(parts(c.name)) for c in self.table.file.columns if c.is_number]
        return bool(named) and not any(c & (FLOW | {"count"}) for c in columns)

    def row(self, measure: str, ranked: Item, item: Item | None) -> Asked:
        """The row that has the most of a measure, by its name."""
        order = str(ranked.value[0])
        people = item is not None and item.text.lower() in known.PEOPLE
        if not people and not self.named_rows() and (item is None or not item.columns):
            return Asked("max" if order == "highest" else "min", measure, where=self.filters())
        return Asked("row", measure, where=self.filters(), order=order, limit=1, named_by=self.label(item))

    def popular(self, said: str) -> None:
        """Raise NotClear where the most popular may be what has most rows, or most of a column."""
        liked = {
            "rating",
            "votes",
            "popularity",
            "quantity",
            "qty",
            "units",
            "sold",
            "score",
            "sales",
            "likes",
            "views",
        }
        able = [c.name for c in self.table.file.columns if c.is_number and liked & set(parts(c.name))]
        if "popular" in said.lower() and able:
            raise NotClear(f"“{said}” may be what has the most rows or the most {able[0]}")

    def kind_of_sum(self, measure: str, said: str) -> str:
        """Total or mean where the question says neither: a total of what flows, a mean of what is measured."""
        if self.formula is not None and self.formula.operation == "divided by" and measure == self.formula.name:
            return "ratio"
        flows = self.table.flows(measure)
        if said == "most" and not flows:
            raise NotClear(f"the most {measure} may be by the total, by the mean or by the highest; say which")
        chosen = "sum" if flows else "mean"
        self.notes.append(
            f"Compared by the {'total' if chosen == 'sum' else 'mean'}, since the question does not say which."
        )
        return chosen

    def is_time(self, item: Item) -> bool:
        """Whether a condition is about times alone."""
        columns = [self.table.column(f[0]) for f in item.value]
        return all(c.is_time or is_year(c) for c in columns)
