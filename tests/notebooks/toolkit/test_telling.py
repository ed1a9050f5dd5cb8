"""What a cell tells: findings and answers as data with their text, progress now and then."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifacts.types import ANSWER_MIME, FINDING_MIME, PROGRESS_MIME
from notebooks.toolkit import telling
from notebooks.toolkit.telling import answer, progress, report


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The bundles that are displayed, as JSON carries them."""
    bundles: list[dict[str, Any]] = []
    monkeypatch.setattr(telling, "display", lambda bundle, raw: bundles.append(json.loads(json.dumps(bundle))))
    return bundles


def test_the_names_of_what_is_told_are_those_that_the_record_knows() -> None:
    assert (telling.FINDING_MIME, telling.ANSWER_MIME, telling.PROGRESS_MIME) == (
        FINDING_MIME,
        ANSWER_MIME,
        PROGRESS_MIME,
    )


def test_an_answer_has_its_values_in_full_and_what_is_missing_as_null(shown: list[dict[str, Any]]) -> None:
    day = pd.Timestamp("2024-02-29")
    values = {
        "mean": np.float64(1 / 3),
        "share": (0.25, "%", (0.2, np.nan)),
        "day": day,
        "none": pd.NA,
        "n": np.int64(7),
    }
    answer("it is a third.", values)
    told = shown[0][ANSWER_MIME]
    assert (told["text"], told["status"]) == ("It is a third.", "answered")
    assert [v["value"] for v in told["values"]] == [0.333333333333, 0.25, "2024-02-29", None, 7]
    assert told["values"][1]["unit"] == "%"
    assert told["values"][1]["interval"] == [0.2, None]


def test_an_answer_of_which_nothing_could_be_computed_is_none(shown: list[dict[str, Any]]) -> None:
    answer("The mean is nan.", {"mean": float("nan")})
    told = shown[0][ANSWER_MIME]
    assert (told["status"], told["text"]) == ("not_answered", "")
    assert told["why"]
    assert shown[0]["text/plain"].startswith("Not answered: ")


def test_a_finding_s_numbers_are_short_and_its_text_can_be_read_anywhere(shown: list[dict[str, Any]]) -> None:
    report("claim", "correlation", "x rises with y.", ["x", "y"], effect={"value": 0.123456789}, caveats=["Few rows."])
    told = shown[0][FINDING_MIME]
    assert told["effect"] == {"value": 0.123457}
    assert shown[0]["text/plain"] == "CLAIM X rises with y.\n  Caveat: Few rows."


def test_progress_is_told_at_its_end_however_soon_and_not_for_every_row(shown: list[dict[str, Any]]) -> None:
    for done in range(1, 101):
        progress("counting", done, 100)
    told = [bundle[PROGRESS_MIME]["done"] for bundle in shown]
    assert told[-1] == 100
    assert len(told) < 100
