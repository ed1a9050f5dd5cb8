"""The A/B template: what it says of arms that differ, arms that do not, lost rows and rows that are no units."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]
ROLES = {"outcome": "bought", "assignment": "page", "allocation": "0.5,0.5"}


def shop(
    random: np.random.Generator, rates: tuple[float, float], sizes: tuple[int, int] = (3000, 3000)
) -> pd.DataFrame:
    page = np.repeat(["control", "redesign"], sizes)
    bought = (random.random(sum(sizes)) < np.repeat(rates, sizes)).astype(int)
    return pd.DataFrame({"page": page, "bought": bought, "minutes": random.normal(8, 2, sum(sizes))}).sample(
        frac=1, random_state=0
    )


def test_words_of_cause_need_a_declared_assignment(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    name = table("shop", shop(random, (0.10, 0.15)))
    declared = kernel.template("ab_test", data=name, randomised=True, **ROLES)
    (claim,) = declared.of("ab_effect", "claim")
    assert claim.text.startswith("Redesign raised bought")
    assert claim.params["top"] == "redesign"
    assert claim.effect is not None
    assert claim.effect.ci is not None
    assert claim.effect.ci[0] < 0.05 < claim.effect.ci[1]
    assert len(declared.plots) == 1
    assert (
        claim.params["not_found"] == "The only other column, minutes, does not differ between the arms beyond chance."
    )
    (observed,) = kernel.template("ab_test", data=name, outcome="bought", assignment="page").of("ab_effect")
    assert "is higher in redesign than in control" in observed.text
    turned = kernel.template("ab_test", data=name, **ROLES | {"outcome": "minutes"})
    (null,) = turned.of("ab_effect")
    assert null.type == "null"
    (beside,) = turned.of("group_difference", "claim")
    assert "bought differs between the arms" in beside.text
    assert "secondary" in beside.text


def test_lost_rows_are_a_mismatch_and_take_the_words_of_cause(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    name = table("lost", shop(random, (0.10, 0.16), (3000, 2600)))
    ran = kernel.template("ab_test", data=name, randomised=True, **ROLES)
    assert [f.columns for f in ran.of("sample_ratio_mismatch", "warning")] == [("page",)]
    (claim,) = ran.of("ab_effect", "claim")
    assert "raised" not in claim.text
    assert claim.confidence == "low"


def test_rows_of_one_user_are_one_unit(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    users = 60
    taste, arm = random.normal(size=users), np.arange(users) % 2
    taste += arm * (0.25 - taste[arm == 1].mean() + taste[arm == 0].mean())  # an unlucky draw, well within chance
    who = np.repeat(np.arange(users), 40)
    df = pd.DataFrame({"user": who + 500, "arm": np.where(arm[who] == 1, "B", "A")})
    df["spend"] = taste[who] + 0.5 * random.normal(size=len(who))
    name = table("users", df)
    ran = kernel.template("ab_test", data=name, outcome="spend", assignment="arm", unit="user")
    assert [set(f.columns) for f in ran.of("pseudo_replication", "warning")] == [{"user", "spend"}]
    assert [(f.type, f.n) for f in ran.of("ab_effect")] == [("null", users)]


def test_of_three_arms_each_is_held_against_the_control_and_a_stray_one_is_left_out(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    arm = np.repeat(["control", "blue", "green", "gren"], [2000, 2000, 2000, 2])
    bought = random.random(6002) < np.repeat([0.10, 0.10, 0.16, 0.1], [2000, 2000, 2000, 2])
    name = table("arms", pd.DataFrame({"arm": arm, "bought": bought.astype(int)}))
    ran = kernel.template("ab_test", data=name, outcome="bought", assignment="arm")
    assert {f.params["arm"]: f.type for f in ran.of("ab_effect")} == {"blue": "null", "green": "claim"}
    (claim,) = ran.of("ab_effect", "claim")
    assert "% of the control (95 % CI +" in claim.text
    assert [f.params["level"] for f in ran.of("small_sample", "warning")] == ["gren"]


def test_other_columns_are_compared_as_a_family_of_their_own_and_by_units(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    users, each = 400, 6
    treated = random.random(users) < 0.5
    who = np.repeat(np.arange(users), each)
    df = pd.DataFrame({"user_id": who + 7000, "arm": np.where(treated[who], "treatment", "control")})
    df["spend"] = random.normal(30, 6, len(who)) + 2 * treated[who]
    df["clicks"] = random.poisson(3 + 1.2 * treated[who])
    df["taste"] = random.normal(size=users)[who] * 3 + random.normal(size=len(who))  # as rows, far from equal
    df["plan"] = np.where(treated, random.choice(list("abcccc"), users), random.choice(list("abc"), users))[who]
    df["mood"] = random.choice(["good", "bad"], len(who))
    ran = kernel.template(
        "ab_test",
        data=table("further", df),
        outcome="spend",
        assignment="arm",
        allocation="1,1",
        unit="user_id",
        randomised=True,
        outcomes_apart=["mood"],
    )
    assert ran.error is None
    (main,) = ran.of("ab_effect", "claim")
    assert "Of the other 3 columns" in main.params["not_found"]
    assert "taste" in main.params["not_found"]
    (beside,) = ran.of("group_difference", "claim")
    assert (beside.columns, beside.params["top"], beside.n) == (("arm", "clicks"), "treatment", users)
    assert beside.effect is not None
    assert beside.effect.ci is not None
    assert beside.effect.ci[0] < 1.2 < beside.effect.ci[1]
    assert beside.test is not None
    assert beside.test.m == 3
    assert "raised" not in beside.text
    assert not any("mood" in f.columns for f in ran.findings)
    assert [f.columns for f in ran.of("association", "claim")] == [("arm", "plan")]
    assert len(ran.plots) == 3


def test_of_two_levels_the_one_that_is_counted_is_named(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    df = shop(random, (0.12, 0.35), (300, 300)).rename(columns={"bought": "survived"})
    df["survived"] = df["survived"].map({1: "alive", 0: "dead"})
    ran = kernel.template("ab_test", data=table("ward", df), outcome="survived", assignment="page")
    (claim,) = ran.of("ab_effect", "claim")
    assert claim.text.startswith("The share where survived is alive is higher in redesign than in control")
    assert claim.direction == "+"
