"""What an outcome depends on: one joint model in the outcome's units, beside each factor's effect by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.columns import is_text, yes_level
from notebooks.toolkit.guesses import is_time
from notebooks.toolkit.joint_model import (
    coded_factors,
    held_out_fit,
    independent_columns,
    model_effects,
    smaller_logistic_models,
    smaller_models,
)
from notebooks.toolkit.panels import numbering, repeated_units
from notebooks.toolkit.phrases import several
from notebooks.toolkit.survival import (
    Followed,
    followed,
    hazards,
    held_out_concordance,
    median_survival,
    medians_by,
)
from notebooks.toolkit.target_parts import parts_of_target, usable_factors
from notebooks.toolkit.wording import as_name, number, percent, say


@dataclass(frozen=True)
class Drivers:
    """A joint model. `effects` has a row for each step of a factor: `factor`, `step` (in words), `joint`, `low`, `high`
    and `p` of the model with all factors, `alone` of the model with this one, all in the outcome's units (of a yes-no
    outcome: percentage points); `range` is the joint effect of going from the factor's tenth to its ninetieth
    percentile, or of the level. Of times of which some had not ended (`lasting` says how many) the effects are
    logarithms of the hazard ratios of a Cox model. Where rows repeat `units`, effects are those within a unit (and, of
    a panel by date, at one time of the `calendar`), `alone` those of all rows. `weights` are what the explained share
    loses without each factor, `together` what it loses without all of some that go together too closely (most pairs
    |r| > 0.8) for one to be told from the others."""

    target: str
    yes: str
    effects: pd.DataFrame
    weights: pd.Series
    fit: float
    held_out: float
    together: dict[tuple[str, ...], float]
    n: int
    left_out: dict[str, str]
    notes: tuple[str, ...]
    units: str = ""
    calendar: str = ""
    lasting: str = ""

    @property
    def metric(self) -> str:
        return "concordance" if self.lasting else "AUC" if self.yes else "R²"


def find_drivers(df: pd.DataFrame, target: str, factors: list[str] | None = None, unit: str = "") -> Drivers:
    """Least squares, or a logistic model told in average marginal effects, of a target on all factors at once.

    Standard errors are robust (HC3; by `unit` where rows repeat one, which is found where none is named). Effects of
    what varies within units are those within them, their own levels taken out. Times that had not all ended are
    explained by a Cox model. The held-out figure is from five folds. Raises CannotAnswer where there is nothing to
    explain or too few rows.
    """
    from scipy.stats import chi2, f

    check_columns(df, target=target, factors=factors or [], unit=unit)
    rows, notes = df.dropna(subset=[target]), list[str]()
    levels = rows[target].nunique()
    if levels < 2:
        raise CannotAnswer(f"{say(target)} is the same in all rows, so nothing can explain it.")
    yes: Any = None
    if levels == 2:
        yes = yes_level(rows[target].unique())
    elif is_text(rows[target]) or is_time(rows[target]):
        raise CannotAnswer(f"{say(target)} has {levels} levels; a joint model needs a number or two levels.")
    timed = followed(rows, target) if yes is None else None
    if timed is not None:
        rows = rows.dropna(subset=[timed.event])
        rows = rows.sample(20_000, random_state=0) if len(rows) > 20_000 else rows
        factors = [c for c in factors or [] if c != timed.event]
    kept, out = usable_factors(rows, target, factors or [])
    of_units = repeated_units(rows, unit, target) if unit or not factors or timed is None else None
    of_units = None if of_units is not None and of_units.name in (factors or []) else of_units
    unit = of_units.name if of_units is not None else ""
    calendar = of_units.calendar if of_units is not None and of_units.calendar not in (factors or []) else ""
    kept = [c for c in kept if c not in (unit, calendar, timed.event if timed is not None else "")]
    if unit:
        out.pop(unit, None)
        counting = {c: f"it only numbers the rows of each {say(unit)}" for c in kept if numbering(rows, unit, c)}
        same = of_units is not None and of_units.even and not factors
        alike = [c for c in kept if same and rows.groupby(unit)[c].nunique().max() <= 1]
        out |= counting | {c: f"each {say(unit)} has one value of it, and the same mean of {target}" for c in alike}
        kept = [c for c in kept if c not in out]
    parts = parts_of_target(rows, target, kept, yes)
    out |= parts
    kept = [c for c in kept if c not in parts]
    if not kept:
        raise CannotAnswer(
            f"No column is left that could explain {say(target)}: "
            + "; ".join(f"{c}: {w}" for c, w in out.items())
            + "."
        )
    y = (rows[target] == yes).astype(float) if yes is not None else rows[target].astype(float)
    design, about, more = coded_factors(rows, kept, y, not unit)
    whole = design.notna().all(axis=1)
    if whole.sum() < 0.7 * len(rows):
        worst = [c for c in kept if rows[c].isna().mean() > 0.1]
        out |= {c: f"it is missing in {percent(float(rows[c].isna().mean()))} of the rows" for c in worst}
        kept = [c for c in kept if c not in worst]
        design, about, more = coded_factors(rows, kept, y, not unit)
        whole = design.notna().all(axis=1)
    whole &= rows[unit].notna() if unit else True
    plain, y = design[whole], y[whole]
    if whole.sum() < len(rows):
        notes.append(f"{len(rows) - int(whole.sum()):,} of {len(rows):,} rows miss a factor and are not in the model.")
    notes += more
    groups = rows.loc[plain.index, unit] if unit else None
    still = groups is not None and y.groupby(groups).nunique().max() <= 1  # it says what units are like, not their rows
    design = plain if groups is None or still else _within(plain, groups, rows[calendar] if calendar else None)
    columns = independent_columns(design)
    for name in kept:
        mine = about.index[about["factor"] == name]
        if not set(mine) & set(columns):
            out[name] = "the other factors make it up"
    design, about = design[columns], about.loc[[c for c in columns if c in about.index]]
    least = 10 * (len(columns) + 1) if yes is not None or timed is not None else 5 * len(columns) + 15
    if len(design) < least or y.nunique() < 2:
        raise CannotAnswer(f"{len(design):,} rows are too few for {len(columns)} effects; name fewer factors.")
    own = list(about.index)
    model: Any
    clusters = groups if of_units is not None and of_units.count >= 8 else None
    if timed is not None:
        over = timed.ended(rows.loc[design.index])
        joint, fit = hazards(y, over, design, clusters)

        def model(some: list[str]) -> tuple[pd.Series, float]:
            table, share = hazards(y, over, (design if set(some) - set(own) else plain)[some])
            return table["effect"], share

        held_out = held_out_concordance(y, over, design, clusters)
    else:
        joint, fit = model_effects(y, design, yes is not None, clusters)
        model = (smaller_models if yes is None else smaller_logistic_models)(y, design)
        held_out = held_out_fit(y, design, yes is not None, groups)
    names = list(dict.fromkeys(about["factor"]))
    single = model if groups is None or timed is not None else smaller_models(y, plain)
    of_one = 100.0 if single is not model and yes is not None else 1.0
    alone = pd.concat([of_one * single(list(about.index[about["factor"] == name]))[0] for name in names])
    effects = about.assign(
        joint=joint["effect"].reindex(own),
        low=joint["low"].reindex(own),
        high=joint["high"].reindex(own),
        p=joint["p"].reindex(own),
        alone=alone.reindex(own),
    )
    effects["range"] = effects["joint"] * effects["span"]

    def lost(without: Sequence[str]) -> float:
        rest = [c for c in columns if c not in own or about.loc[c, "factor"] not in without]
        return float(fit - (model(rest)[1] if rest else 0.0))

    def certain(without: Sequence[str], share: float) -> bool:
        """Whether what all of these explain is beyond chance: the test of one model against the smaller one."""
        rest, m = len(y) - len(columns) - 1, float(y.mean())
        if timed is not None:
            return bool(chi2.sf(2 * len(y) * share, len(without)) < 0.001)
        if yes is None:
            return bool(share > 0 and f.sf(share / len(without) / ((1 - fit) / rest), len(without), rest) < 0.001)
        return bool(chi2.sf(-2 * len(y) * (m * np.log(m) + (1 - m) * np.log(1 - m)) * share, len(without)) < 0.001)

    weights = {name: lost([name]) for name in names}
    ordered = pd.Series(weights).sort_values(ascending=False, kind="stable")
    shown = str(yes).removesuffix(".0") if yes is not None else ""
    found = Drivers(
        target,
        shown,
        effects,
        ordered,
        fit,
        held_out,
        {one: share for one in _alike(plain[own], about) if certain(one, share := lost(one))},
        len(design),
        out,
        tuple(notes),
        "" if still else unit,
        "" if still else calendar,
    )
    if timed is not None:
        return replace(found, lasting=_lasting(found, rows, timed))
    if still:
        note = f"Each {say(unit)} has one value of {say(target)} in all its rows; intervals allow for it."
        return replace(found, notes=(note, *found.notes))
    if of_units is not None and groups is not None and yes is None:
        return replace(found, notes=(*_of_units(found, y, plain, groups), *found.notes))
    return found


def _within(design: pd.DataFrame, groups: pd.Series, times: pd.Series | None) -> pd.DataFrame:
    """A design whose columns have their unit's own mean taken out, where they vary within units; the means stand beside
    them, if there are units enough, and columns for the times. An effect of the rest is that within units (Mundlak,
    1978)."""
    means = design.groupby(groups).transform("mean")
    rest: pd.DataFrame = design - means
    varied = [c for c in design if float(rest[c].var()) > 1e-3 * float(design[c].var())]
    parts = [pd.DataFrame({c: rest[c] if c in varied else design[c] for c in design})]
    if groups.nunique() >= 2 * len(varied) + 3:
        parts.append(means[varied].rename(columns={c: f"mean of {c}" for c in varied}))
    if times is not None:
        dated = pd.get_dummies(times.loc[design.index].astype(str), prefix="at", dtype=float)
        parts.append(dated - dated.groupby(groups).transform("mean"))
    whole: pd.DataFrame = pd.concat(parts, axis=1)
    return whole


def _of_units(found: Drivers, y: pd.Series, plain: pd.DataFrame, groups: pd.Series) -> list[str]:
    """What holds within units and not over all rows, and how the slopes of the heaviest factor differ, in sentences."""
    from scipy.stats import f

    said, unit, leading = list[str](), say(found.units), clear_effects(found)
    for row in leading:
        if row["joint"] * row["alone"] < 0:
            said.append(
                f"Over all rows {row['step']} goes with {number(row['alone'])} of {say(found.target)}, the other way, "
                f"as each {unit} differs from others in more than that."
            )
    for row in leading[:1]:
        x = plain[str(row.name)]
        rows = pd.DataFrame({"x": x, "y": y, "g": groups})
        rows = rows[rows.groupby("g")["x"].transform("nunique") >= 4]
        if rows["g"].nunique() < 5:
            continue
        off = rows[["x", "y"]] - rows.groupby("g")[["x", "y"]].transform("mean")
        sums = pd.DataFrame({"xy": off["x"] * off["y"], "xx": off["x"] ** 2}).groupby(rows["g"]).sum()
        slopes = (sums["xy"] / sums["xx"]).sort_values()
        one = float(sums["xy"].sum() / sums["xx"].sum())
        own = float(((off["y"] - off["x"] * rows["g"].map(slopes)) ** 2).sum())
        common = float(((off["y"] - off["x"] * one) ** 2).sum())
        units, free = len(slopes), len(rows) - 2 * len(slopes)
        if free < 5 or f.sf((common - own) / (units - 1) / (own / free), units - 1, free) > 0.001:
            continue
        other = int((slopes * one < 0).sum())
        said.append(
            f"The {several(units, unit)} differ in it: by itself, {row['step']} goes with from "
            f"{number(slopes.iloc[0])} ({as_name(slopes.index[0])}) to {number(slopes.iloc[-1])} "
            f"({as_name(slopes.index[-1])})" + (f"; in {other} of them it goes the other way." if other else ".")
        )
    return said


def _lasting(found: Drivers, rows: pd.DataFrame, timed: Followed) -> str:
    """What times that had not all ended are like: how many had not, and the medians of all and by clear factors."""
    middle, low, high = median_survival(rows[timed.time], timed.ended(rows))
    ends = f" (95 % CI {number(low)} to {number(high)})" if np.isfinite([low, high]).all() else ""
    text = f"{timed.told(rows)}. "
    text += (
        f"By Kaplan and Meier half last {number(middle)}{ends} or longer"
        if np.isfinite(middle)
        else "More than half last longer than is known"
    )
    groups = [str(row["factor"]) for row in clear_effects(found)]
    groups = [c for c in groups if rows[c].nunique() <= 4][:2]
    return (
        text
        + "".join(
            f": {medians_by(rows, timed, c)}" if i == 0 else f"; {medians_by(rows, timed, c)}"
            for i, c in enumerate(groups)
        )
        + "."
    )


def _alike(design: pd.DataFrame, about: pd.DataFrame) -> list[tuple[str, ...]]:
    """Sets of factors of numbers that go together closely: on average |r| > 0.8."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    factor = dict(zip(design, about["factor"].astype(str), strict=True))
    single = [c for c in factor if list(factor.values()).count(factor[c]) == 1]
    if len(single) < 2:
        return []
    apart = 1 - design[single].corr().abs().to_numpy()
    marks = fcluster(linkage(squareform(apart, checks=False), "average"), 0.2, "distance")
    sets = [tuple(factor[c] for c, m in zip(single, marks, strict=True) if m == k) for k in set(marks)]
    return sorted(one for one in sets if len(one) > 1)


def clear_effects(found: Drivers) -> list[pd.Series]:
    """The largest effect of each factor that is beyond chance (5 % false discoveries), the heaviest factor first."""
    from scipy.stats import false_discovery_control

    q = false_discovery_control(found.effects["p"].fillna(1.0))
    clear = found.effects[q < 0.05]
    leading = []
    for factor in found.weights.index:
        mine = clear[clear["factor"] == factor]
        if len(mine):
            leading.append(mine.loc[mine["range"].abs().idxmax()])
    return leading
