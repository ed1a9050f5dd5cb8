"""Columns and numbers in a sentence."""

from __future__ import annotations

from notebooks.toolkit.wording import from_to, say, with_unit


def test_a_column_that_is_a_sentence_is_quoted_in_one() -> None:
    assert say("I am paid fairly") == "“I am paid fairly”"
    assert say("bill_length_of_the_bird_mm") == "bill length of the bird"
    assert say("Unit price") == "Unit price"


def test_the_ends_of_a_narrow_interval_are_told_apart() -> None:
    assert from_to((-0.2, 0.31)) == "−0.20 to +0.31"
    assert from_to((-0.9434, -0.9391)) == "−0.943 to −0.939"
    assert from_to((0.999991, 0.999992)) == "+1.0000 to +1.0000"


def test_a_lowest_value_is_counted_in_no_minutes() -> None:
    assert with_unit(8.2, "temp_min") == "8.20"
    assert say("temp_min") == "temp min"
    assert with_unit(8.2, "wait_min") == "8.20 min"
