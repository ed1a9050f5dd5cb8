"""Reading printed tables: what stands beside each label, and by which group."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CELL = re.compile(r"[+\-−]?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?%?")


@dataclass(frozen=True)
class Row:
    """A line of a table: its labels, its numbers, and the heads of its columns where as many are known."""

    labels: tuple[str, ...]
    numbers: tuple[float, ...]
    heads: tuple[str, ...] = ()


def tables(text: str) -> Iterator[list[Row]]:
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
