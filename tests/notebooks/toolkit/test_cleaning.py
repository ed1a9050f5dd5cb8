"""What cleaning a table must see, and what looks alike and must be left: codes for missing, two units, splits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from notebooks.toolkit.cleaning import clean
from notebooks.toolkit.columns import kind_of
from notebooks.toolkit.sentinels import missing_code

N = 2000
RANDOM = np.random.default_rng(11)
FEW = RANDOM.random(N) < 0.06
PULSE = (78 + 11 * RANDOM.standard_normal(N)).round()
WARM = (23 + 1.6 * RANDOM.standard_normal(N)).round(1)
LONG = 48 + 5 * RANDOM.standard_normal(N)
OTHER = RANDOM.standard_normal(N)
COUNTS = RANDOM.poisson(4, N)
COARSE = {c: RANDOM.integers(0, 60, N) for c in "abcdef"}
SET = np.where(RANDOM.random(N) < 0.7, "train", "holdout")
WHOLE = RANDOM.integers(0, 900, N)
SCALE = RANDOM.integers(1, 6, N)
DAYS = pd.Timestamp("2020-01-01") + pd.to_timedelta(RANDOM.integers(0, 900, N), unit="D")


def traps(values: Any) -> set[str]:
    """The kinds of trap found in a column that stands beside an unrelated one."""
    table = clean(pd.DataFrame({"value": values, "other": OTHER}))
    return {t["kind"] for t in table.traps if "value" in t["columns"]}


@pytest.mark.parametrize("code", [0, -1, -9, -99, 999, 5555])
def test_a_number_repeated_far_from_all_others_is_a_code(code: int) -> None:
    assert traps(np.where(FEW, code, PULSE)) == {"sentinel_values"}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([*range(18, 80), 999], 999),
        ([*range(18, 80), 99], None),
        ([*range(18, 80), -1, -1, -1, -1, -1], -1),
        ([*range(16, 60), *[16] * 9, -1, -1, -1], -1),
        ([*range(1, 45), *[1] * 9, -1, -1, -1], None),
        ([*range(-5, 80), -1, -1, -1, -1, -1], None),
        ([1, 2, 999], None),
        ([], None),
    ],
)
def test_a_code_that_an_answer_names(values: list[float], code: float | None) -> None:
    assert missing_code(pd.Series(values, dtype=float)) == code


def test_a_negative_code_below_a_thin_tail_of_measures() -> None:
    minutes = pd.Series(np.random.default_rng(3).gamma(4, 3, 4000).round(1) + 0.5)
    assert missing_code(minutes.where(minutes.index >= 12, -1.0)) == -1
    assert missing_code(minutes - 3) is None


def test_codes_beside_a_scale_counts_and_days() -> None:
    assert traps(np.where(FEW, 9, SCALE)) == {"sentinel_values"}
    assert traps(np.where(FEW, -1, COUNTS)) == {"sentinel_values"}
    assert traps(pd.Series(DAYS).mask(pd.Series(FEW), pd.Timestamp("1900-01-01"))) == {"sentinel_values"}


@pytest.mark.parametrize(
    "values",
    [
        PULSE,
        RANDOM.poisson(3, N),
        np.where(RANDOM.random(N) < 0.6, 0, np.exp(3 + 0.3 * RANDOM.standard_normal(N))),
        np.exp(RANDOM.standard_normal(N)),
        np.where(RANDOM.random(N) < 0.5, 50, 110) + 6 * RANDOM.standard_normal(N),
    ],
    ids=["round numbers", "counts", "many noughts", "a long tail", "two humps"],
)
def test_what_is_only_unusual_is_left(values: Any) -> None:
    assert traps(values) == set()


@pytest.mark.parametrize(
    ("values", "right"),
    [
        (np.where(FEW, WARM * 1.8 + 32, WARM), WARM),
        (np.where(FEW, WARM + 273.15, WARM), WARM),
        (np.where(FEW, LONG / 2.54, LONG), LONG),
    ],
    ids=["Fahrenheit", "kelvins", "inches"],
)
def test_values_in_another_unit_are_converted(values: Any, right: Any) -> None:
    table = clean(pd.DataFrame({"value": values, "other": OTHER}))
    assert [t["kind"] for t in table.traps] == ["mixed_units"]
    assert table.df["value"].to_numpy() == pytest.approx(right, rel=0.02)


def test_rows_on_both_sides_of_a_split_are_seen_without_any_fine_column() -> None:
    rows = pd.DataFrame(COARSE | {"set": SET})
    both = pd.concat([rows, rows[rows["set"] == "train"].head(80).assign(set="holdout")], ignore_index=True)
    assert [t["kind"] for t in clean(both).traps] == ["split_contamination"]
    assert clean(rows).traps == []


def test_what_is_paid_is_no_identifier_and_a_user_id_is() -> None:
    whole = pd.Series(WHOLE)
    assert [kind_of(whole.rename(name)) for name in ("paid", "grid", "userid", "customerID")] == [
        "number",
        "number",
        "identifier",
        "identifier",
    ]


def test_rows_that_repeat_more_often_than_with_a_shuffled_column_are_told() -> None:
    random = np.random.default_rng(4)
    spent = np.minimum(random.exponential(9, 6000), 60)
    for digits, told in ((2, []), (3, ["duplicate_rows"])):  # of 1,298 and of 171 rows that agree by chance
        df = pd.DataFrame({"spent": spent.round(digits), "shop": random.choice(list("abc"), 6000)})
        df["paid"] = random.integers(0, 2, 6000)
        copied = pd.concat([df, df.iloc[:900]]).sample(frac=1, random_state=0, ignore_index=True)
        assert [t["kind"] for t in clean(df).traps] == []
        assert [t["kind"] for t in clean(copied).traps] == told


@pytest.mark.parametrize(
    ("same", "other"),
    [
        (("New York", "new-york ", "NEW_YORK"), "Newark"),
        (("A+", "a+"), "A-"),
        (("C", "c "), "C#"),
        (("1-5",), "15"),
        (("> 50",), "< 50"),
        (("Zürich", "Zu\u0308rich"), "Zug"),
    ],
)
def test_spellings_are_merged_and_what_a_sign_tells_apart_is_not(same: tuple[str, ...], other: str) -> None:
    table = clean(pd.DataFrame({"level": [*same, other] * 20, "value": np.arange(20 * len(same) + 20) % 7}))
    assert table.df["level"].nunique() == 2
    assert [t["kind"] for t in table.traps].count("inconsistent_categories") == (len(same) > 1)


def test_a_square_or_a_logarithm_of_a_column_is_not_tested_beside_it() -> None:
    income = 2 + 4 * RANDOM.random(N)
    both = pd.DataFrame({"income": income, "squared": income**2, "log": np.log(income).round(4), "other": OTHER})
    assert clean(both).left_out == {"squared": "copy of income", "log": "copy of income"}
    signed = pd.DataFrame({"x": OTHER, "squared": OTHER**2})  # tells less than x does: its sign is gone
    assert clean(signed).left_out == {}


def test_one_repeated_row_is_told_as_one() -> None:
    df = pd.DataFrame({"x": LONG[:200], "y": OTHER[:200]})
    (told,) = [t["text"] for t in clean(pd.concat([df, df.tail(1)], ignore_index=True)).traps]
    assert told == "1 row (0.5 %) repeats another row: it is counted once (n 201 → 200)."


def test_rows_of_another_kind_hold_no_code_and_a_tail_that_ends_in_a_pile_is_cut_off() -> None:
    inner = RANDOM.random(N) < 0.25
    rings = np.where(inner, 24, RANDOM.integers(1, 9, N))
    taxes = np.where(inner, 666, 300) + 20 * RANDOM.standard_normal(N)
    assert "sentinel_values" not in {t["kind"] for t in clean(pd.DataFrame({"ring": rings, "tax": taxes})).traps}
    price = np.exp(3 + 0.4 * RANDOM.standard_normal(N)).round(1)
    assert traps(price) == set()
    assert traps(np.minimum(price, 45)) == {"censored_values"}


def test_a_flag_that_only_cuts_a_scale_is_not_tested_beside_it() -> None:
    table = clean(pd.DataFrame({"looks": SCALE, "handsome": (SCALE >= 4).astype(int), "other": OTHER}))
    assert [set(t["columns"]) for t in table.traps] == [{"looks", "handsome"}]
    assert set(table.left_out) == {"handsome"}
    noisy = np.where(RANDOM.random(N) < 0.01, 0, (SCALE >= 4).astype(int))
    assert clean(pd.DataFrame({"looks": SCALE, "handsome": noisy, "other": OTHER})).traps == []


def test_numbers_that_say_who_was_measured_are_no_amount_and_codes_of_groups_have_no_order() -> None:
    random = np.random.default_rng(3)
    who = np.repeat(np.arange(1, 61), 4)
    of_each = {"who": who, "sex": random.integers(0, 2, 60)[who - 1], "looks": random.normal(size=60).round(2)[who - 1]}
    df = pd.DataFrame(of_each | {"race": random.integers(1, 4, 240), "kids": random.integers(1, 4, 240)})
    table = clean(df.assign(mark=random.normal(size=240)))
    assert [table.kind(c) for c in ("who", "race", "kids")] == ["identifier", "category", "number"]
    assert table.left_out["who"] == "identifier"
    bands = df.assign(band=who // 10, third=who // 20, looks=random.normal(size=240), sex=random.integers(0, 2, 240))
    assert clean(bands).kind("who") == "number", "an age, of which bands were made"


def test_what_only_names_or_marks_the_levels_of_another_column_is_not_tested_beside_it() -> None:
    kind = pd.Series(["saloon", "van", "estate"] * 40)
    marks = pd.DataFrame(
        {"kind": kind, "van": (kind == "van").astype(int), "code": kind.map({"saloon": 3, "van": 1, "estate": 2})}
    )
    assert clean(marks.assign(price=OTHER[:120])).left_out == {"van": "copy of kind", "code": "copy of kind"}


def test_things_of_different_names_that_are_alike_are_no_copies() -> None:
    numbers = {c: RANDOM.integers(0, 10**6, 60) for c in ("gift", "votes", "years")}
    rows = pd.DataFrame(numbers)
    rows.iloc[10:16] = rows.iloc[:6]
    people = [f"{a}{b} {c}" for a in ("Al", "Bo", "Cy") for b in "abcd" for c in ("Orr", "Poe", "Ray", "Sen", "Tam")]
    assert len(clean(rows.assign(member=people)).df) == 60
    assert len(clean(rows.assign(member=[f"A-{1000 + i}" for i in range(60)])).df) == 54
