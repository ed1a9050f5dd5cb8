"""A closed question, understood: what the template `answer` is to compute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A closed question, understood. The fields are the parameters of the template `answer`."""

    aggregate: str
    measure: str = ""
    other: str = ""
    by: str = ""
    grain: str = ""
    also_by: str = ""
    also_grain: str = ""
    periods: list[str] = field(default_factory=list)
    formula: list[str] = field(default_factory=list)
    where: list[list[Any]] = field(default_factory=list)
    hits: list[list[Any]] = field(default_factory=list)
    having: list[list[Any]] = field(default_factory=list)
    order: str = ""
    limit: int = 0
    place: int = 0
    named_by: str = ""
    notes: list[str] = field(default_factory=list)

    def columns(self) -> list[str]:
        """The columns that it uses, each once."""
        made = [self.formula[1], self.formula[3]] if self.formula else []
        beside = [f[2] for f in [*self.hits, *self.where] if str(f[1]).endswith(" column")]
        told = [self.measure, self.other, self.by, self.also_by, self.named_by]
        used = [*told, *made, *beside, *(f[0] for f in [*self.hits, *self.where])]
        return list(dict.fromkeys(c for c in used if c and c not in self.formula[:1]))
