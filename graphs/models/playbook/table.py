"""What the grammar knows of a table: which column a word can mean, what a column's values are, and when a row was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphs.models.playbook import vocabulary as known
from graphs.models.playbook.facts import Column, File
from graphs.models.playbook.items import Item, parts, root, unit_of
from graphs.models.playbook.naming import DATED, DONE, NO_COUNT

type Filter = tuple[str, str, str | float | list[str]]
"""Column, comparison, value: `("fare", ">", 50)`, `("sex", "=", "female")`, `("day", "in", "2023-05")`."""


class NotClear(Exception):
    """A question that cannot be answered as it stands, with the reason as a sentence."""


@dataclass(frozen=True)
class Table:
    """What the grammar knows of a table: its columns by name, and which of them holds the time."""

    file: File
    time_role: str = ""

    def column(self, name: str) -> Column:
        return next(c for c in self.file.columns if c.name == name)

    def pick(self, item: Item, *wanted: str) -> str:
        """The one column that an item can mean, given what is wanted of it: number, time or group."""
        fits: dict[str, Callable[[Column], bool]] = {
            "number": lambda c: c.is_number or c.dtype.startswith("bool"),
            "time": lambda c: c.is_time,
            "group": lambda c: not (c.dtype.lower().startswith("float") and c.n_unique > 20),
        }
        able = [n for n in item.columns if not wanted or any(fits[w](self.column(n)) for w in wanted)]
        if not able:
            word = "a number" if "number" in wanted else "something to group by"
            raise NotClear(f"“{item.text}” names {either(item.columns)}, which does not hold {word}")
        if len(able) > 1:
            raise NotClear(f"“{item.text}” can mean {either(able)}; name one of them")
        return able[0]

    def weight(self) -> str:
        """The column that says how many each row stands for, where rows are cells of a table of counts: Freq."""
        counts = [c for c in self.file.columns if known.FREQUENCY.fullmatch(c.name) and c.is_number]
        others = [c for c in self.file.columns if c not in counts]
        cells = 1
        for c in others:
            cells *= max(c.n_unique, 1)
        few = bool(others) and all(c.n_unique < max(self.file.rows, 3) for c in others) and self.file.rows <= cells
        return counts[0].name if len(counts) == 1 and few else ""

    def is_key(self, name: str) -> bool:
        """Whether each row has a value of its own, or the name says that it marks rows."""
        column = self.column(name)
        marks = parts(name)[-1] in ("id", "key", "code", "no", "number", "nr", "uuid")
        return marks or (column.n_unique + column.n_missing >= self.file.rows and not column.dtype.startswith("float"))

    def is_row_name(self, name: str) -> bool:
        """Whether no two rows share a value."""
        column = self.column(name)
        return column.n_unique + column.n_missing >= self.file.rows

    def time(self) -> str:
        """The column of times. Raises NotClear where there is none, or more than one."""
        times = [c.name for c in self.file.columns if c.is_time]
        if self.time_role in times:
            return self.time_role
        about = {root(w) for w in parts(self.file.name.rsplit(".", 1)[0])}
        own = [t for t in times if about & ({root(w) for w in parts(t)} - {root(w) for w in DATED})]
        if len(own) == 1:
            return own[0]  # of loans, the LoanDate
        if len(times) > 1:
            raise NotClear(f"it names a time, and the table has several: {either(times)}; declare one as the time")
        if not times:
            raise NotClear("it names a time, and the table has no column of dates")
        return times[0]

    def flows(self, name: str) -> bool:
        """Whether a column's values add up to something, by its name or as a plural that counts: passengers, votes."""
        return bool(set(parts(name)) & (known.FLOW | {"total", "sum", "subtotal"})) or self.counts(name)

    def counts(self, name: str) -> bool:
        """Whether a column holds how many there are of something in each row: goals, passengers, days of absence."""
        column, words = self.column(name), parts(name)
        if not column.dtype.lower().startswith(("int", "uint")) or column.is_yes_no or self.is_key(name):
            return False
        words = words[:-1] if words[-1] in DONE or unit_of(name) else words  # bytes_sent, response_ms
        plural = bool(words) and words[-1].endswith("s") and not words[-1].endswith("ss") and not set(words) & NO_COUNT
        amount = bool(set(words) & {"quantity", "qty"})
        return amount or (plural and float(column.low) >= 0 and (column.n_unique > 20 or float(column.low) == 0))


def is_year(column: Column) -> bool:
    """Whether a column of numbers holds years."""
    whole = column.dtype.lower().startswith(("int", "uint", "float")) and isinstance(column.low, (int, float))
    return whole and bool({"year", "yr"} & set(parts(column.name))) and 1500 <= float(column.low) <= 2100


def either(names: Sequence[str]) -> str:
    """Names as a list in a sentence: a, b or c."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
