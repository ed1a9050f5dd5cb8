"""Every test is written down once and corrected within its family."""

from __future__ import annotations

import pytest

from notebooks.toolkit.ledger import Ledger, effect


def test_p_values_are_corrected_within_their_family_by_benjamini_and_hochberg() -> None:
    ledger = Ledger()
    for key, p in {"a": 0.01, "b": 0.02, "c": 0.03, "d": 0.5}.items():
        ledger.add("pairs", key, p)
    ledger.add("others", "a", 0.04)
    assert ledger.q("pairs") == pytest.approx({"a": 0.04, "b": 0.04, "c": 0.04, "d": 0.5})
    assert ledger.q("others") == {"a": 0.04}
    assert ledger.q("none") == {}


def test_a_cell_that_runs_twice_counts_once_and_a_test_without_p_found_nothing() -> None:
    ledger = Ledger()
    ledger.add("pairs", "a", 0.2)
    ledger.add("pairs", "a", 0.1)
    ledger.add("pairs", "b", float("nan"))
    assert ledger.test("welch", "pairs", "a") == {"name": "welch", "p": 0.1, "q": 0.2, "family": "pairs", "m": 2}
    assert ledger.q("pairs")["b"] == 1.0


def test_an_effect_has_its_interval_or_says_that_it_has_none() -> None:
    assert effect("r", 0.5, (0.4, 0.6)) == {"metric": "r", "value": 0.5, "ci": [0.4, 0.6], "ci_level": 0.95}
    assert effect("count", 3)["ci"] is None
