"""What was seen while a notebook's cells ran, as the checks read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artifacts.types import Execution
from notebooks.observer import digest


@dataclass(frozen=True)
class Seen:
    """One thing that a cell did: a join, rows dropped, a test, a fit, a score, bars. `facts` are as
    `notebooks.observer` records them, by kind."""

    kind: str
    cell: str
    facts: Mapping[str, Any]

    def number(self, name: str) -> float:
        """A fact that is a number; 0 where it is not known."""
        value = self.facts.get(name)
        return value if isinstance(value, (int, float)) else 0


def observed(told: object, cells: Sequence[Execution]) -> tuple[Seen, ...]:
    """What the observer told, set against the cells as the reviewer knows them; malformed parts are left out.

    The observer runs among code that nobody has vetted, so nothing that it tells is taken to be well formed.
    """
    if not isinstance(told, dict):
        return ()
    names, after = dict[int, str](), 0
    digests = [digest(c.code) for c in cells]
    for place, name in enumerate(told.get("cells") or ()):
        if name in digests[after:]:
            after = digests.index(name, after) + 1
            names[place] = cells[after - 1].cell
    return tuple(
        Seen(record["kind"], names[record["cell"]], record)
        for record in told.get("records") or ()
        if isinstance(record, dict) and isinstance(record.get("kind"), str) and record.get("cell") in names
    )
