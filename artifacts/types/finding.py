"""What the analyst says of the data, with what proves it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from artifacts.types.base import Value

FINDING_MIME = "application/vnd.gristmill.finding+json"
"""A cell reports a finding by displaying a `Finding` (less id, rank and evidence) under this MIME type."""

FindingType = Literal["claim", "warning", "null", "descriptive"]


class Effect(Value):
    """A size with its interval. `metric` is one of the schema's names (pearson_r, cohens_d, eta2, ...)."""

    metric: str
    value: float | None
    ci: tuple[float | None, float | None] | None = None
    ci_level: float = 0.95


class Test(Value):
    """The test behind a finding. `q` is `p` corrected within `family`, which held `m` tests."""

    __test__ = False  # pytest would collect a class of this name

    name: str
    p: float | None
    q: float | None = None
    family: str | None = None
    m: int | None = None


class Evidence(Value):
    """Where a reader can check: the notebook's cell, and the file that the cell made."""

    notebook: str = "analysis.ipynb"
    cell: str
    artifact: str | None = None


class Finding(Value):
    """One thing the analyst says, with what proves it. The schema of `findings.json`, but for `unit`.

    `unit` is that in which a person reads the effect: "pp" of a difference of shares, which is told in percentage
    points, "mm", "EUR", "days". Empty: the effect has none, or its metric says it.
    """

    id: str
    rank: int | None = None
    type: FindingType
    kind: str
    columns: tuple[str, ...] = ()
    roles: dict[str, str] = Field(default_factory=dict)
    direction: Literal["+", "-"] | None = None
    segment: str | None = None
    effect: Effect | None = None
    unit: str = ""
    test: Test | None = None
    n: int | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    text: str
    caveats: tuple[str, ...] = ()
    confidence: Literal["high", "medium", "low"] = "medium"
    evidence: Evidence
