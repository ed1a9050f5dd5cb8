"""Logistic models by Newton's method, as often as the effects of many columns by themselves need one."""

from typing import Any

import numpy as np
import pandas as pd


def standardised(design: pd.DataFrame) -> tuple[Any, Any]:
    """A column of ones and the columns of a design in standard deviations from their means, and these deviations."""
    values = design.to_numpy(float)
    scale = values.std(axis=0)
    return np.column_stack([np.ones(len(values)), (values - values.mean(axis=0)) / scale]), scale


def no_effects(rows: Any, yes: Any) -> Any:
    """The coefficients of a logistic model in which no column has an effect."""
    return np.r_[np.log(yes.mean() / (1 - yes.mean())), np.zeros(rows.shape[1] - 1)]


def mcfadden_r2(logits: Any, yes: Any) -> float:
    """McFadden's R² of a logistic model."""
    share = yes.mean()
    nothing = len(yes) * (share * np.log(share) + (1 - share) * np.log(1 - share))
    return 1 - float(yes @ logits - np.logaddexp(0, logits).sum()) / float(nothing)


def curvature(some: Any, chance: Any) -> Any:
    """That of a logistic model's likelihood in the coefficients of some columns."""
    weighted = some * np.sqrt(chance * (1 - chance))[:, None]
    return weighted.T @ weighted


def likeliest(rows: Any, yes: Any, start: Any, at: list[int], curved: Any = None) -> tuple[Any, Any] | None:
    """The coefficients of the most likely logistic model of the columns at these places, and its probabilities.

    None where Newton's method does not converge. A curvature that is given is kept as long as each step brings it ten
    times nearer.
    """
    effects, before = start.copy(), np.inf
    for _ in range(60):
        logits = rows @ effects
        if np.abs(logits).max() > 30:
            return None
        chance = 1 / (1 + np.exp(-logits))
        slope = (yes - chance) @ rows[:, at] if len(at) < 4 else ((yes - chance) @ rows)[at]
        try:
            step = np.linalg.solve(curvature(rows[:, at], chance) if curved is None else curved, slope)
            left = float(slope @ step)
            if curved is not None and left > before / 100:  # in squares: not ten times nearer
                curved = curvature(rows[:, at], chance)
                step = np.linalg.solve(curved, slope)
                left = float(slope @ step)
        except np.linalg.LinAlgError:
            return None
        if left < 1e-18:  # squared standard errors
            return effects, chance
        effects[at] += step
        before = left
    return None
