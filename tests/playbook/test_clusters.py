"""The template for shapes and clusters: it finds planted ones, and none in columns that are only odd or related."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


def test_groups_and_humps_are_found_and_related_or_flat_columns_are_neither(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 240
    group, hump = random.integers(0, 3, n), random.random(n) < 0.4
    centres = np.array([[0, 0, 6], [6, 1, 0], [1, 6, 2]])[group]
    x = random.normal(size=n)
    df = pd.DataFrame(centres + random.normal(size=(n, 3)), columns=["visits", "spend", "age"])
    df["hump"] = hump * 8 + random.normal(size=n)
    plain = pd.DataFrame({"x": x, "y": x + 0.4 * random.normal(size=n), "even": random.uniform(0, 5, n)})
    ran = kernel.template("clusters", data=table("groups", df))
    assert ran.error is None
    (claim,) = ran.of("clusters", "claim")
    assert claim.params["k"] == 3
    assert len(set(claim.columns) & {"visits", "spend", "age"}) >= 2
    assert "hump" not in claim.columns
    assert [f.columns for f in ran.of("distribution_shape", "claim")] == [("hump",)]
    quiet = kernel.template("clusters", data=table("quiet", plain))
    assert quiet.error is None
    assert not [f for f in quiet.findings if f.type == "claim"]


def test_what_only_the_groups_make_related_is_told_with_them_and_not_again(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    n = 500
    group = random.integers(0, 3, n)
    centres = np.array([[0, 0, 0], [6, 5, 4], [11, -3, 8]])[group]
    x = centres + random.normal(size=(n, 3))
    other = random.normal(size=n)
    df = pd.DataFrame(x, columns=["mass", "span", "call"])
    df["wing"] = 0.8 * centres[:, 1] + 0.8 * (x - centres)[:, 1] + 0.5 * random.normal(size=n)  # within them, too
    df["rain"], df["mud"] = other, 0.5 * other + random.normal(size=n)
    name = table("kinds", df)
    (claim,) = kernel.template("clusters", data=name).of("clusters", "claim")
    pairs = {frozenset(p) for p in claim.params["only_through_groups"]}
    assert {frozenset(("mass", "call")), frozenset(("span", "call")), frozenset(("mass", "span"))} <= pairs
    assert not pairs & {frozenset(("span", "wing")), frozenset(("rain", "mud"))}
    assert "Only through these groups are related: mass and call (r = +0." in claim.text
    screened = kernel.template("associations", data=name)
    assert screened.error is None
    told = {frozenset(f.columns) for f in screened.findings if f.type == "claim"}
    assert {frozenset(("span", "wing")), frozenset(("rain", "mud"))} <= told
    assert not told & pairs
    asked = kernel.template("associations", data=name, outcome="call", factors=["mass"])
    assert any(set(f.columns) >= {"mass", "call"} for f in asked.findings)
