"""What a chart says of itself in words."""

from __future__ import annotations

import pandas as pd
import pytest

from notebooks.toolkit.plots import make_plot


@pytest.mark.parametrize(
    ("how", "shares"), [("sum", True), ("count", True), ("mean", False), ("median", False), ("max", False)]
)
def test_only_what_adds_up_is_a_share_of_all(how: str, shares: bool) -> None:
    table = pd.DataFrame({"team": ["a", "a", "b", "b"], "pay": [1.0, 3.0, 5.0, 9.0]})
    assert ("of all" in make_plot(table, x="team", y=["pay"], how=how).told) is shares
