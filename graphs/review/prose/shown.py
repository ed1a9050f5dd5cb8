"""The tables that cells printed and the charts that they drew, as numbers by group."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from artifacts.types import Execution
from graphs.review.charts import drawn
from graphs.review.facts import Facts, Kind, Of, Rows
from graphs.review.mentions import YEAR, Tables, levels

_CELL = re.compile(r"[+\-−]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?%?")


@dataclass(frozen=True)
class Row:
    """A line of a table: its labels, its numbers, and the heads of its columns where as many are known."""

    labels: tuple[str, ...]
    numbers: tuple[float, ...]
    heads: tuple[str, ...] = ()


def printed_tables(text: str) -> Iterator[list[Row]]:
    """The tables in an output: runs of lines that begin with a label, or a group's number, and end in numbers.

    A label left blank under another one, as a grouped table prints it, is that other one.
    """
    heads: tuple[str, ...] = ()
    block: list[Row] = []
    above: tuple[str, ...] = ()
    for line in [*text.splitlines(), ""]:
        words = line.split()
        figures = 0
        for word in reversed(words):
            if not _CELL.fullmatch(word):
                break
            figures += 1
        labels = tuple(words[: len(words) - figures])
        wide = len(block[-1].numbers) if block else len(heads)
        if not labels and 1 < figures == wide + 1:  # a group whose name is a number
            labels, figures = (words[0],), figures - 1
        if labels and figures and (not block or figures == len(block[-1].numbers)):
            if line[:1].isspace() and len(above) > len(labels):
                labels = (*above[: len(above) - len(labels)], *labels)
            numbers = tuple(float(re.sub("[,%]", "", w).replace("−", "-")) for w in words[-figures:])
            block.append(Row(labels, numbers, heads[-figures:] if len(heads) >= figures else ()))
            above = labels
            continue
        if block:
            yield block
        block, above = [], ()
        if words and not figures:
            heads = tuple(words) if not heads or len(words) > 1 else heads  # the index's name has a line of its own
        elif not words:
            heads = ()


def enter(facts: Facts, cells: Sequence[Execution], tables: Tables) -> None:
    """Enter the tables that cells printed, and the bars and ends of lines that they drew, by their labels."""
    of: dict[str, list[str]] = {}
    for column, value in levels(tables):
        of.setdefault(value, []).append(column)

    def labelled(text: str) -> Of:
        plain = text.strip(":,()'\"")
        year = [(YEAR, plain)] if re.fullmatch(r"(?:19|20)\d\d", plain) else []
        return frozenset([*year, *((c, plain) for c in of.get(plain, ()))])

    for cell in cells:
        for place, rows in enumerate(printed_tables(cell.text)):
            for row in rows:
                down = frozenset[tuple[str, str]]().union(*map(labelled, (*row.labels, " ".join(row.labels))))
                for i, number in enumerate(row.numbers):
                    across = labelled(row.heads[i] if i < len(row.heads) else "")
                    if down or across:
                        facts.add(Kind(Rows(cell.cell, f"{place} {'' if across else i}")), down | across, number)
        for series, name, height in drawn(cell):
            if label := labelled(name):
                facts.add(Kind(Rows(cell.cell, f"figure {series}")), label, height)
