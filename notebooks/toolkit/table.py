"""A table made ready for tests, with what was changed in it and what was found."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from notebooks.toolkit.columns import kind_of, names


@dataclass
class Table:
    """A table made ready for tests: what was changed in `log`, what was found in `traps` (arguments of `report`)."""

    file: str
    df: pd.DataFrame
    raw_rows: int
    log: list[str] = field(default_factory=list)
    traps: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # column -> why no test uses it
    weight: str = ""  # the column that says how many cases a row stood for, where rows were repeated so often
    kinds: dict[str, str] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._look(names(self.df))

    def kind(self, name: str) -> str:
        """What a column is (see `kind_of`), as it was when it was put in."""
        return self.kinds.get(name) or kind_of(self.df[name], self.levels(name))

    def levels(self, name: str) -> int:
        """How many different values a column has."""
        return self.counted[name] if name in self.counted else int(self.df[name].nunique())

    def put(self, name: str, values: Any) -> None:
        """Give a column other values."""
        self.df[name] = values
        self._look([name])

    def take(self, rows: pd.DataFrame) -> None:
        """Go on with other rows."""
        self.df = rows.reset_index(drop=True)
        self._look(names(self.df))

    def _look(self, columns: list[str]) -> None:
        """Find out what columns are: here and not when that is asked, so that to ask changes nothing."""
        for name in columns:
            self.counted.pop(name, None)
            self.counted[name] = self.levels(name)
            self.kinds[name] = kind_of(self.df[name], self.counted[name])

    def of(self, *kinds: str) -> list[str]:
        """The columns of these kinds that tests may use, in the table's order."""
        return [c for c in names(self.df) if c not in self.left_out and self.kind(c) in kinds]

    def strata(self, most: int = 8, least: int = 10) -> list[str]:
        """Columns that divide the rows into 2 to `most` groups with at least `least` rows in two of them."""
        counts = {c: self.df[c].value_counts() for c in self.of("category", "number") if self.levels(c) <= most}
        return [c for c, sizes in counts.items() if (sizes >= least).sum() >= 2]


def trap(
    kind: str, text: str, columns: list[str], n: int, effect: dict[str, Any] | None = None, high: bool = False
) -> dict[str, Any]:
    """A hygiene warning, as arguments for `report`."""
    effect = effect or {"metric": "count", "value": n}
    confidence = "high" if high else "medium"
    return dict(type="warning", kind=kind, text=text, columns=columns, n=n, effect=effect, confidence=confidence)
