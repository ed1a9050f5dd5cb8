"""The strangers' tables: the same seed writes the same bytes, and each truth speaks of columns that are there."""

from __future__ import annotations

import numpy as np
import pytest

from bench import strangers
from bench.stories import STORIES


@pytest.mark.parametrize("make", STORIES, ids=lambda make: make.__name__)
def test_a_story_is_told_alike_twice_and_its_truth_names_its_columns(make, monkeypatch):
    monkeypatch.setattr(strangers, "MANY", 4000)
    _, files, truth = strangers.draw(make, np.random.default_rng([5, 1]))
    _, again, same = strangers.draw(make, np.random.default_rng([5, 1]))
    assert all(files[name].equals(again[name]) for name in files)
    assert truth == same
    there = {c for frame in files.values() for c in frame}
    for named in (*truth["effects"], *truth["traps"]):
        assert set(named["columns"]) <= there
    assert set(truth["plain"]) | set(truth["flat"]) | set(truth["ids"]) <= there
    assert all(e["sample"] for e in truth["effects"] if e["kind"] in ("correlation", "driver", "group_difference"))
