"""What a hypothesis test gives, and what is looked at before it is believed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

SIDED = {"two": "two-sided", "less": "less", "greater": "greater"}
INDEPENDENT = "Independent rows: that lies in how they were collected; no test can tell it."


@dataclass(frozen=True)
class Tested:
    """The outcome of a test. `null` is what it may reject, in words; `estimate` the quantity that it is about, with its
    95 % interval where there is one; `checks` what the test supposes, and whether the rows bear it out."""

    name: str
    null: str
    symbol: str
    statistic: float
    p: float
    n: int
    freedom: tuple[float, ...] = ()
    estimate: tuple[str, float, tuple[float, float] | None] | None = None
    checks: tuple[str, ...] = ()


def known_numbers(values: Any) -> Any:
    """The known values of a column as numbers."""
    found = pd.Series(np.asarray(values, dtype=float)).dropna()
    return found[np.isfinite(found)].to_numpy()


def _tested(name: str, null: str, symbol: str, found: Any, n: int, **more: Any) -> Tested:
    return Tested(name, null, symbol, float(found.statistic), float(found.pvalue), n, **more)


def _normal_enough(*samples: Any) -> str:
    """Whether means of these samples are near enough to normal for a t or F test."""
    from scipy.stats import skew

    small = min(map(len, samples))
    bent = max(abs(float(skew(x))) if np.ptp(x) > 0 else 0.0 for x in samples)
    if small >= 30 and bent < 2:
        return f"Normal means: with {small:,} rows or more a sample and moderate skewness, sound."
    if small < 30:
        return f"Normal means: the smallest sample has {small:,} rows, so the values themselves should look normal."
    return f"Normal means: the values are strongly skewed ({bent:.1f}); a rank test beside this one is advised."


def _spreads_alike(*samples: Any) -> str:
    spreads = [float(np.std(x, ddof=1)) for x in samples]
    ratio = max(spreads) / min(spreads) if min(spreads) > 0 else float("inf")
    return (
        f"Equal variances: the largest standard deviation is {ratio:.2f} times "
        f"the smallest{'.' if ratio < 2 else ', so they are not.'}"
    )


def _pairs(a: Any, b: Any) -> tuple[Any, Any]:
    both = pd.DataFrame({"a": np.asarray(a, float), "b": np.asarray(b, float)}).dropna()
    return both["a"].to_numpy(), both["b"].to_numpy()
