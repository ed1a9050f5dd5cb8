"""The template on changes: parts that sum up, the planted segment and factor, and what cannot be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def shop(random: np.random.Generator) -> pd.DataFrame:
    """Two years and a bit of orders; in 2023 prices are a tenth higher, and Lyon orders half as much."""
    df = pd.DataFrame({"day": np.repeat(pd.date_range("2022-01-01", "2024-02-10"), 8)})
    df["city"] = random.choice(["Lyon", "Nantes", "Lille"], len(df))
    df["item"] = random.choice(["lamp", "desk"], len(df))
    late = df["day"] >= "2023"
    df["pieces"] = random.integers(4, 9, len(df)) // np.where(late & (df["city"] == "Lyon"), 2, 1)
    df["price"] = np.where(df["item"] == "lamp", 20, 90) * np.where(late, 1.1, 1)
    return df.assign(revenue_eur=df["pieces"] * df["price"])


def test_a_fall_is_told_with_its_segment_and_factor(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    df = shop(random)
    ran = kernel.template("why_changed", data=table("shop_change", df), measure="revenue_eur")
    assert ran.error is None
    years = df.groupby(df["day"].dt.year)["revenue_eur"].sum()
    lyon = df[df["city"] == "Lyon"].groupby(df["day"].dt.year)["revenue_eur"].sum()
    values = {name: value for name, (value, _, _) in ran.answer["values"].items()}
    assert values["change"] == pytest.approx(years[2023] - years[2022])
    assert values["city: Lyon"] == pytest.approx(lyon[2023] - lyon[2022])
    assert values["volume"] + values["price"] + values["mix"] == pytest.approx(values["change"])
    assert values["volume"] < 0 < values["price"]
    assert ran.answer["values"]["change"][1] == "EUR"
    assert "2024 is not over" in ran.answer["notes"][0]
    assert "The largest part by city is Lyon" in ran.answer["text"]
    assert len(ran.plots) == 2
    assert [f.type for f in ran.findings] == ["descriptive"]


def test_a_mean_between_groups_is_split_within_and_between(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 2000
    old = np.repeat([True, False], n // 2)
    grade = np.where(random.random(n) < np.where(old, 0.7, 0.2), "junior", "senior")
    df = pd.DataFrame({"team": np.where(old, "east", "west"), "grade": grade})
    df["days_open"] = np.where(grade == "junior", 12, 5) + random.normal(0, 1, n)
    ran = kernel.template(
        "why_changed", data=table("teams", df), measure="days_open", of="team", after="west", before="east"
    )
    value, _, (low, high) = ran.answer["values"]["change"]
    means = df.groupby("team")["days_open"].mean()
    assert value == pytest.approx(means["west"] - means["east"])
    assert low < value < high
    mix, within = ran.answer["values"]["mix"][0], ran.answer["values"]["within each grade"][0]
    assert mix + within == pytest.approx(value)
    assert abs(within) < 0.1 * abs(mix)
    assert "by factor it is mix" in ran.answer["text"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"measure": "profit"}, "no column 'profit' for the measure"),
        ({"measure": "revenue_eur", "of": "city"}, "city has 3 levels: name the two"),
        ({"measure": "revenue_eur", "after": "1999"}, "no rows in 1998"),
        ({"measure": "revenue_eur", "steps": ["rows = rows[rows['city'] == 'Rome']"]}, "No row of shop_change.csv"),
    ],
)
def test_what_cannot_be_told_is_not_answered_and_nothing_is_drawn(
    kernel: Kernel, table: Writer, random: np.random.Generator, asked: dict[str, str], why: str
) -> None:
    ran = kernel.template("why_changed", data=table("shop_change", shop(random)), **asked)
    assert (ran.error, ran.answer["status"], ran.plots, ran.findings) == (None, "not_answered", [], [])
    assert why in ran.answer["why"]
