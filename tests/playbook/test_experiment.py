"""The template on experiments: arms that are found, the difference in points, a decision, what would decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def visits(random: np.random.Generator, rates: tuple[float, float], n: int = 4000) -> pd.DataFrame:
    version = np.repeat(["old", "new"], n)
    bought = (random.random(2 * n) < np.repeat(rates, n)).astype(int)
    return pd.DataFrame(
        {"visit": range(2 * n), "version": version, "device": random.choice(["a", "b"], 2 * n), "bought": bought}
    )


def test_two_arms_are_found_and_a_clear_difference_decides(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep

    df = visits(random, (0.10, 0.14))
    ran = kernel.template("experiment", data=table("visits", df))
    assert ran.error is None
    counts = df.groupby("version")["bought"].sum()
    ends = confint_proportions_2indep(counts["new"], 4000, counts["old"], 4000, compare="diff", method="newcomb")
    value, unit, told = ran.answer["values"]["difference"]
    assert (value, unit) == (pytest.approx(100 * (counts["new"] - counts["old"]) / 4000), "pp")
    assert told == pytest.approx([100 * end for end in ends])
    assert "beyond chance (p < 0.001): use new." in ran.answer["text"]
    assert any("version was taken for the arms" in note for note in ran.answer["notes"])
    assert any("bought was taken for the outcome" in note for note in ran.answer["notes"])
    assert [f.type for f in ran.of("ab_effect")] == ["claim"]
    assert len(ran.plots) == 1


def test_what_does_not_decide_says_what_sample_would(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = visits(random, (0.10, 0.10), 500)
    ran = kernel.template("experiment", data=table("visits_few", df), worth=2.0)
    share = df.loc[df["version"] == "old", "bought"].mean()
    far = 0.02 if df.groupby("version")["bought"].mean().diff().iloc[-1] <= 0 else -0.02
    by_hand = 2 * ((1.96 + 0.8416) / (2 * (np.arcsin((share + far) ** 0.5) - np.arcsin(share**0.5)))) ** 2 / 1
    needed = ran.answer["values"]["needed per arm"][0]
    assert "This does not decide it" in ran.answer["text"]
    assert needed == pytest.approx(by_hand, rel=0.02)
    assert [f.type for f in ran.of("ab_effect")] == ["null"]


def test_lost_rows_forbid_a_decision(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    df = visits(random, (0.10, 0.16)).drop(index=range(600))
    ran = kernel.template("experiment", data=table("visits_lost", df), allocation="1,1", randomised=True)
    assert "Do not decide on it" in ran.answer["text"]
    assert [f.type for f in ran.of("ab_effect")] == ["null"]


def test_rows_of_one_user_count_once(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    users = np.repeat(np.arange(100, 220), 10)
    arm = np.where(users % 2, "treatment", "control")
    spend = random.normal(50, 9, 120)[users - 100] + random.normal(0, 1, len(users))
    df = pd.DataFrame({"user_id": users, "group": arm, "spend_eur": spend})
    ran = kernel.template("experiment", data=table("spenders", df), outcome="spend_eur")
    means = df.groupby(["user_id", "group"])["spend_eur"].mean().groupby("group").mean()
    assert ran.answer["values"]["n"][0] == 120
    assert ran.answer["values"]["difference"][:2] == (pytest.approx(means["treatment"] - means["control"]), "EUR")


def test_without_arms_it_is_not_answered(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    ran = kernel.template("experiment", data=table("no_arms", pd.DataFrame({"x": random.normal(size=50)})))
    assert (ran.error, ran.answer["status"]) == (None, "not_answered")
    assert "No column looks like the arms" in ran.answer["why"]
