"""The template that joins files: it finds the key, tells of rows that a join would repeat, and counts none twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.playbook.conftest import Kernel

Writer = Callable[[str, pd.DataFrame], str]


@pytest.mark.parametrize("repeated", [0, 5])
def test_a_fan_out_is_told_and_no_row_is_added_twice(
    kernel: Kernel, table: Writer, random: np.random.Generator, repeated: int
) -> None:
    buyers = pd.DataFrame({"buyer_id": np.arange(70, 150), "tier": random.choice(["gold", "tin", "wood"], 80)})
    again = buyers.head(repeated).assign(tier=["brass"] * repeated)
    sales = pd.DataFrame({"buyer": random.integers(70, 150, 900), "paid": random.gamma(3, 20, 900).round(2)})
    sales["weight"] = random.normal(50, 9, 900).round(1)
    who = table(f"buyers{repeated}", pd.concat([buyers, again]))
    name = table(f"sales{repeated}", sales)
    ran = kernel.template("joins", data=name, others=[who], outcome="paid", by="tier")
    assert ran.error is None
    (total,) = ran.of("total")
    assert total.effect is not None
    assert total.effect.value == pytest.approx(sales["paid"].sum(), abs=1)
    warned = ran.of("join_fanout", "warning")
    assert [f.columns for f in warned] == ([("buyer",)] if repeated else [])
    if repeated:
        twice = sales["buyer"].isin(again["buyer_id"])
        assert warned[0].params["inflated_total"] == pytest.approx((sales["paid"] * (1 + twice)).sum(), abs=1)
        assert total.params["totals"]["not known"] == pytest.approx(sales.loc[twice, "paid"].sum(), abs=1)


@pytest.mark.parametrize("gap", [0.0, 25.0])
def test_levels_of_a_joined_column_are_compared_with_each_unit_counted_once(
    kernel: Kernel, table: Writer, random: np.random.Generator, gap: float
) -> None:
    n, rows = 60, 3000
    sector = random.choice(["club", "trade"], n)
    taste = 60 + 20 * random.normal(size=n)
    shift = np.where(sector == "club", gap - taste[sector == "club"].mean(), -taste[sector == "trade"].mean())
    taste += shift + 60  # so that the units differ by as much as is planted
    who = random.integers(0, n, rows)
    paid = taste[who] + random.normal(size=rows)
    sales = pd.DataFrame({"firm": who + 4000, "paid": paid.round(2), "at": random.normal(size=rows)})
    firms = table(f"firms{gap:g}", pd.DataFrame({"firm_id": np.arange(n) + 4000, "sector": sector}))
    ran = kernel.template(
        "joins", data=table(f"deals{gap:g}", sales), others=[firms], outcome="paid", compare="sector", per_unit="mean"
    )
    assert ran.error is None
    (told,) = ran.of("group_difference")
    assert (told.type, told.n) == ("claim" if gap else "null", n)
    assert "60 firms, each counted once" in told.text
    assert told.effect is not None
    assert told.effect.ci is not None
    low, high = sorted(told.effect.ci)
    assert low < gap < high
    assert high - low > 15  # of 3,000 rows as if each were one it would be a tenth as wide
    assert len(ran.plots) == (1 if gap else 0)


def test_keys_fit_however_they_are_written_and_orphans_are_counted(
    kernel: Kernel, table: Writer, random: np.random.Generator
) -> None:
    sites = pd.DataFrame(
        {"site_id": [f"C-{k:05d}" for k in range(10, 60)], "soil": random.choice(["clay", "sand"], 50)}
    )
    wells = pd.DataFrame({"site": random.integers(5, 50, 400), "depth": random.normal(40, 5, 400).round(2)})
    ran = kernel.template("joins", data=table("wells", wells), others=[table("sites", sites)])
    assert ran.error is None
    (joined,) = ran.of("joined")
    assert joined.columns == ("site",)
    assert joined.params["without_match"] == int((wells["site"] < 10).sum())
    assert joined.params["unused"] == 10
    assert kernel.run("print(joined['soil'].notna().sum())")[1].strip() == str(int((wells["site"] >= 10).sum()))


def test_files_that_share_nothing_are_left_apart(kernel: Kernel, table: Writer, random: np.random.Generator) -> None:
    left = table("left", pd.DataFrame({"a": random.normal(size=50), "kind": list("xyzab") * 10}))
    right = table("right", pd.DataFrame({"b": random.normal(size=40), "id": np.arange(900, 940)}))
    ran = kernel.template("joins", data=left, others=[right])
    assert ran.error is None
    assert [f.kind for f in ran.findings] == ["not_checked"]


@pytest.mark.parametrize(("outcome", "adds_up"), [("paid", True), ("discount_pct", False), ("unit_price", False)])
def test_only_amounts_are_added_up(
    kernel: Kernel, table: Writer, random: np.random.Generator, outcome: str, adds_up: bool
) -> None:
    buyers = pd.DataFrame({"buyer_id": np.arange(70, 150), "tier": random.choice(["gold", "tin"], 80)})
    shops = pd.DataFrame({"shop_id": np.arange(200, 240), "town": random.choice(["Ulm", "Jena"], 40)})
    sales = pd.DataFrame({"buyer": random.integers(70, 150, 600), "shop": random.integers(200, 240, 600)})
    sales = sales.assign(**{outcome: random.gamma(3, 9, 600).round(2)})
    others = [table("who", pd.concat([buyers, buyers.head(5)])), table("where", shops)]
    ran = kernel.template("joins", data=table("sold", sales), others=others, outcome=outcome, by="tier")
    assert ran.error is None
    (warned,) = ran.of("join_fanout")
    assert ("would add up to" in warned.text, len(ran.of("total"))) == (adds_up, int(adds_up))
    charted, plain = (next(f.evidence.cell for f in ran.of(kind)) for kind in ("join_fanout", "joined"))
    assert charted != plain  # a finding without a chart takes the first of its cell
