"""The template on comparisons: the difference with its interval, by segment, and one that segments turn round."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import scipy

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def test_means_of_two_groups_are_welchs(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    df = pd.DataFrame(
        {"site": random.choice(["Oslo", "Bergen", "Bodo"], 600), "shift": random.choice(["day", "night"], 600)}
    )
    df["wait_min"] = random.gamma(4, 5, 600) + 6 * ((df["site"] == "Oslo") & (df["shift"] == "night"))
    ran = kernel.template(
        "compare", data=table("sites", df), of="site", first="Oslo", second="Bergen", measures=["wait_min"]
    )
    assert ran.error is None
    a, b = (df.loc[df["site"] == s, "wait_min"] for s in ("Oslo", "Bergen"))
    known = scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    value, unit, ends = ran.answer["values"]["difference"]
    assert (value, unit, ends) == (pytest.approx(a.mean() - b.mean()), "min", pytest.approx(list(known)))
    night = [part[df["shift"] == "night"].mean() for part in (a, b)]
    assert ran.answer["values"]["shift: night"][0] == pytest.approx(night[0] - night[1])
    assert "By shift it is largest for night" in ran.answer["text"]
    assert len(ran.plots) == 1


def test_totals_of_two_years_and_what_moved_most(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    days = pd.date_range("2022-01-01", "2023-12-31").repeat(3)
    df = pd.DataFrame({"day": days, "shop": random.choice(["north", "south"], len(days))})
    df["sales_eur"] = random.gamma(9, 10, len(days)) * np.where((df["shop"] == "south") & (days >= "2023"), 2, 1)
    ran = kernel.template("compare", data=table("two_years", df), measures=["sales_eur"], first="2023", second="2022")
    sums = df.groupby([df["day"].dt.year, "shop"])["sales_eur"].sum().unstack()
    assert ran.answer["values"]["difference"][0] == pytest.approx(sums.sum(axis=1).diff().iloc[-1])
    assert ran.answer["values"]["shop: south"][0] == pytest.approx(sums["south"].diff().iloc[-1])


def test_a_difference_that_every_segment_turns_round_is_told(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    counts = {("easy", "A"): (81, 87), ("easy", "B"): (234, 270), ("hard", "A"): (192, 263), ("hard", "B"): (55, 80)}
    rows = [(stone, way, "yes" if k < good else "no") for (stone, way), (good, n) in counts.items() for k in range(n)]
    df = pd.DataFrame(rows, columns=["stone", "treatment", "cured"]).sample(frac=1, random_state=1)
    ran = kernel.template(
        "compare", data=table("stones", df), of="treatment", first="A", second="B", measures=["cured"]
    )
    assert ran.answer["values"]["difference"][:2] == (pytest.approx(100 * (273 / 350 - 289 / 350)), "pp")
    assert "within every stone it goes the other way, so compare within them" in ran.answer["text"]


def test_without_a_measure_the_column_that_differs_most_comes_first(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = pd.DataFrame({"kind": np.repeat(["x", "y"], 200), "a": random.normal(size=400), "b": random.normal(size=400)})
    df.loc[df["kind"] == "y", "b"] += 2
    ran = kernel.template("compare", data=table("kinds_xy", df), of="kind")
    assert "The mean b is" in ran.answer["text"]
    assert any("All 2 columns were compared" in note for note in ran.answer["notes"])
