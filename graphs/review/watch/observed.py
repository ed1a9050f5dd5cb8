"""What was seen while a notebook's cells ran, as the checks read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    line: int
    facts: Mapping[str, Any]

    def count(self, name: str) -> int:
        """A fact that counts something; 0 where it is not known."""
        value = self.facts.get(name)
        return int(value) if isinstance(value, (int, float)) else 0

    def number(self, name: str) -> float | None:
        value = self.facts.get(name)
        return float(value) if isinstance(value, (int, float)) else None


@dataclass(frozen=True)
class Observed:
    """All that was seen of a notebook; nothing where nobody watched."""

    seen: tuple[Seen, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.seen)

    def of(self, *kinds: str, cell: str | None = None) -> Iterator[Seen]:
        return (s for s in self.seen if s.kind in kinds and cell in (None, s.cell))


NOTHING = Observed()


def observed(told: object, cells: Sequence[Execution]) -> Observed:
    """What the observer told, set against the cells as the reviewer knows them; malformed parts are left out.

    The observer runs among code that nobody has vetted, so nothing that it tells is taken to be well formed.
    """
    if not isinstance(told, dict):
        return NOTHING
    names = dict[int, str]()
    after = 0
    digests = [digest(c.code) for c in cells]
    for place, name in enumerate(told.get("cells") or ()):
        if name in digests[after:]:
            after = digests.index(name, after) + 1
            names[place] = cells[after - 1].cell
    found = []
    for record in told.get("records") or ():
        known = isinstance(record, dict) and isinstance(record.get("kind"), str) and record.get("cell") in names
        if known:
            facts = {k: v for k, v in record.items() if k not in ("kind", "cell", "line")}
            line = record.get("line")
            found.append(Seen(record["kind"], names[record["cell"]], line if isinstance(line, int) else 0, facts))
    return Observed(tuple(found))
