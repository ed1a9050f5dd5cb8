"""What a case for the reviewer is, and the names of the faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

_FAULTS = yaml.safe_load(Path(__file__).with_name("faults.yaml").read_text("utf-8"))
FAULTS: dict[str, str] = {name: fault["means"] for name, fault in _FAULTS.items()}
EXPECTED: dict[str, set[str]] = {name: {*fault["checks"]} for name, fault in _FAULTS.items()}
"""The checks of which one should object to each fault."""


@dataclass(frozen=True)
class Case:
    """One notebook. `fault` is None for a clean one; `near` then says which fault it comes close to.

    Several faults are joined by commas. An `alone` notebook reads its files itself, where another is opened with `df`.

    `files` names tables of `tables.zip`; the first is the notebook's `df`. A cell's `said` replaces
    running it, for code that must not run here (`unrun` maps a cell's place, from 0, to what it printed).
    """

    name: str
    question: str
    files: tuple[str, ...]
    cells: tuple[str, ...]
    answer: str
    fault: str | None = None
    near: str | None = None
    roles: dict[str, str] = field(default_factory=dict)
    unrun: dict[int, str] = field(default_factory=dict)
    alone: bool = False

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(self.fault.split(",")) if self.fault else ()
