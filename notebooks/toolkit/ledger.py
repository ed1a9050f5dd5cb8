"""Every test that is run is written down, and its p-value corrected within its family."""

from typing import Any

import numpy as np


class Ledger:
    """Every test that is run is written down here, and its p corrected within its family (Benjamini-Hochberg)."""

    def __init__(self) -> None:
        self.families: dict[str, dict[str, float]] = {}

    def add(self, family: str, key: str, p: float) -> None:
        """Write down one test; the same key again replaces it, so that a cell run twice is counted once."""
        self.families.setdefault(family, {})[key] = float(p) if np.isfinite(p) else 1.0

    def q(self, family: str) -> dict[str, float]:
        """The corrected p of each test of a family."""
        from scipy.stats import false_discovery_control

        tests = self.families.get(family, {})
        return dict(zip(tests, false_discovery_control(list(tests.values())), strict=True)) if tests else {}

    def test(self, name: str, family: str, key: str) -> dict[str, Any]:
        """The `test` field of a finding."""
        tests = self.families[family]
        return {"name": name, "p": tests[key], "q": self.q(family)[key], "family": family, "m": len(tests)}


ledger = Ledger()


def effect(metric: str, value: float, ci: Any = None) -> dict[str, Any]:
    """The `effect` field of a finding, with a 95 % interval."""
    return {"metric": metric, "value": value, "ci": None if ci is None else [ci[0], ci[1]], "ci_level": 0.95}
