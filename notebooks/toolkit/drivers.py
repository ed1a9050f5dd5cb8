"""What an outcome depends on: one joint model in the outcome's units, beside each factor's effect by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.columns import is_text, yes_level
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.guesses import is_time
from notebooks.toolkit.joint_model import (
    coded_factors,
    held_out_fit,
    independent_columns,
    model_effects,
    parts_of_target,
    smaller_logistic_models,
    smaller_models,
    usable_factors,
)
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.phrases import plain_ticks, several, unit_of
from notebooks.toolkit.telling import answer, report
from notebooks.toolkit.wording import capital, label, measured_text, number, percent, say, tick


@dataclass(frozen=True)
class Drivers:
    """A joint model. `effects` has a row for each step of a factor: `factor`, `step` (in words), `joint`, `low`, `high`
    and `p` of the model with all factors, `alone` of the model with this one, all in the outcome's units (of a yes-no
    outcome: percentage points); `range` is the joint effect of going from the factor's tenth to its ninetieth
    percentile, or of the level. `weights` are what the explained share loses without each factor, `together` what it
    loses without all of some that go together too closely (most pairs |r| > 0.8) for one to be told from the others."""

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

    @property
    def metric(self) -> str:
        return "AUC" if self.yes else "R²"


def find_drivers(df: pd.DataFrame, target: str, factors: list[str] | None = None, unit: str = "") -> Drivers:
    """Least squares, or a logistic model told in average marginal effects, of a target on all factors at once.

    Standard errors are robust (HC3; by `unit` where rows repeat one). The held-out figure is from five folds. Raises
    CannotAnswer where there is nothing to explain or too few rows.
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
    kept, out = usable_factors(rows, target, factors or [])
    kept = [c for c in kept if c != unit]
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
    design, about, more = coded_factors(rows, kept, y)
    whole = design.notna().all(axis=1)
    if whole.sum() < 0.7 * len(rows):
        worst = [c for c in kept if rows[c].isna().mean() > 0.1]
        out |= {c: f"it is missing in {percent(float(rows[c].isna().mean()))} of the rows" for c in worst}
        kept = [c for c in kept if c not in worst]
        design, about, more = coded_factors(rows, kept, y)
        whole = design.notna().all(axis=1)
    design, y = design[whole], y[whole]
    if whole.sum() < len(rows):
        notes.append(f"{len(rows) - int(whole.sum()):,} of {len(rows):,} rows miss a factor and are not in the model.")
    notes += more
    columns = independent_columns(design)
    for name in kept:
        mine = about.index[about["factor"] == name]
        if not set(mine) & set(columns):
            out[name] = "the other factors make it up"
    design, about = design[columns], about.loc[columns]
    least = 10 * (len(columns) + 1) if yes is not None else 5 * len(columns) + 15
    if len(design) < least or y.nunique() < 2:
        raise CannotAnswer(f"{len(design):,} rows are too few for {len(columns)} effects; name fewer factors.")
    groups = rows.loc[design.index, unit] if unit else None
    joint, fit = model_effects(y, design, yes is not None, groups)
    model = (smaller_models if yes is None else smaller_logistic_models)(y, design)
    names = list(dict.fromkeys(about["factor"]))
    alone = pd.concat([model(list(about.index[about["factor"] == name]))[0] for name in names])
    effects = about.assign(
        joint=joint["effect"], low=joint["low"], high=joint["high"], p=joint["p"], alone=alone.reindex(about.index)
    )
    effects["range"] = effects["joint"] * effects["span"]

    def lost(without: Sequence[str]) -> float:
        rest = [c for c in columns if about.loc[c, "factor"] not in without]
        return float(fit - (model(rest)[1] if rest else 0.0))

    def certain(without: Sequence[str], share: float) -> bool:
        """Whether what all of these explain is beyond chance: the test of one model against the smaller one."""
        rest, m = len(y) - len(columns) - 1, float(y.mean())
        if yes is None:
            return bool(share > 0 and f.sf(share / len(without) / ((1 - fit) / rest), len(without), rest) < 0.001)
        return bool(chi2.sf(-2 * len(y) * (m * np.log(m) + (1 - m) * np.log(1 - m)) * share, len(without)) < 0.001)

    weights = {name: lost([name]) for name in names}
    ordered = pd.Series(weights).sort_values(ascending=False, kind="stable")
    shown = str(yes).removesuffix(".0") if yes is not None else ""
    return Drivers(
        target,
        shown,
        effects,
        ordered,
        fit,
        held_out_fit(y, design, yes is not None, groups),
        {one: share for one in _alike(design, about) if certain(one, share := lost(one))},
        len(design),
        out,
        tuple(notes),
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


def _drivers_told(found: Drivers) -> tuple[str, dict[str, Any], list[str]]:
    """The answer in words, its values, and what to keep in mind."""
    unit = "pp" if found.yes else unit_of(found.target)
    word = "percentage points" if found.yes else unit
    what = say(found.target)
    if found.yes:
        what = f"the chance of {what}" if found.yes in ("1", "True") else f"the chance that {what} is {found.yes}"

    def told(row: pd.Series) -> str:
        verb = "adds" if row["joint"] > 0 else "takes off"
        ends = (row["low"], row["high"]) if row["joint"] > 0 else (-row["high"], -row["low"])
        size = measured_text(number(abs(row["joint"])), word)
        return f"{row['step']} {verb} {size} (95 % CI {number(ends[0])} to {number(ends[1])})"

    leading, fits = clear_effects(found), f"held-out {found.metric} {found.held_out:.2f}"
    most = max(found.together, key=lambda one: found.together[one], default=())
    if leading or most:
        text = f"{what} depends most on "
        if found.together.get(most, 0.0) > found.weights.max():
            alone = found.effects.loc[found.effects["factor"].isin(most), "alone"]
            way = "rises" if (alone > 0).all() else "falls" if (alone < 0).all() else "changes"
            text += (
                f"{', '.join(map(say, most[:-1]))} and {say(most[-1])}: it {way} with each of them by itself, but they "
            )
            text += "go together so closely that their effects cannot be told apart."
        else:
            text += f"{say(str(leading[0]['factor']))}."
        text += f" Other things equal, {'; '.join(told(row) for row in leading[:3])}." if leading else ""
        all_of = f" All {len(found.weights)} factors together" if len(found.weights) > 1 else " It"
        text += f"{all_of} tell yes from no in unseen rows with {fits} (0.5 is guessing)." if found.yes else ""
        share = percent(max(found.held_out, 0.0))
        text += "" if found.yes else f"{all_of} explain {share} of its variation in unseen rows ({fits})."
    else:
        text = f"None of {several(len(found.weights), 'factor')} goes with {what} beyond chance ({fits})."
    values: dict[str, Any] = {str(row["step"]): (row["joint"], unit, (row["low"], row["high"])) for row in leading}
    values[f"held-out {found.metric}"] = found.held_out
    return text, values, _driver_notes(found, [str(row["factor"]) for row in leading])


def tell_drivers(found: Drivers) -> None:
    """Answer with the factors that weigh most, each in the outcome's units, and how much all explain of unseen rows."""
    text, values, notes = _drivers_told(found)
    answer(text, values, notes=notes)


def report_drivers(found: Drivers) -> None:
    """Report the heaviest factor with what to keep in mind."""
    text, _, notes = _drivers_told(found)
    for row in clear_effects(found)[:1]:
        report(
            "descriptive",
            "driver",
            text,
            [str(row["factor"]), found.target],
            roles={"outcome": found.target, "factor": str(row["factor"])},
            direction="+" if row["joint"] > 0 else "-",
            effect=effect("slope_per_step", row["joint"], (row["low"], row["high"])),
            n=found.n,
            params={"held_out": found.held_out, "lost_without": found.weights.to_dict()},
            caveats=notes,
        )


def _driver_notes(found: Drivers, clear: list[str]) -> list[str]:
    """What the model is of, what has no clear effect, what was left out, and what it cannot say."""
    notes = [f"A joint model of {several(found.n, 'row')}: each effect is that with all other factors held equal."]
    alike = {name for one in found.together for name in one}
    if weak := [say(str(f)) for f in found.weights.index if f not in clear and f not in alike]:
        notes.append(f"No clear effect: {', '.join(weak[:8])}{' and others' if len(weak) > 8 else ''}.")
    notes += [
        f"{', '.join(map(say, one[:-1]))} and {say(one[-1])} go together closely (|r| > 0.8 as a rule): what is due to "
        "each of them alone is unsure."
        for one in found.together
    ]
    notes += [f"{capital(say(c))} was left out: {why}." for c, why in found.left_out.items()]
    notes += found.notes
    return [*notes, "Nobody assigned these factors, so these are associations: another column may stand behind them."]


def driver_table(found: Drivers) -> pd.DataFrame:
    """All effects, the heaviest factor first, with what the model explains less without each."""
    order = {f: i for i, f in enumerate(found.weights.index)}
    table = found.effects.assign(lost=found.effects["factor"].map(found.weights))
    table = table.iloc[np.argsort(table["factor"].map(order), kind="stable")]
    columns = ["step", "joint", "low", "high", "p", "alone", "lost"]
    return table[columns].rename(columns={"lost": "explained less without it"}).set_index("step")


def draw_drivers(found: Drivers) -> None:
    """Each factor's effect over its usual range, jointly with its interval and by itself."""
    parts = []
    for factor in found.weights.index:
        mine = found.effects[found.effects["factor"] == factor]
        parts.append(mine.loc[mine["range"].abs().sort_values(ascending=False, kind="stable").index[:3]])
    shown = pd.concat(parts).iloc[:12][::-1]
    fig, ax = figure(f"{say(found.target)}: each factor, the others held equal", 8.2, 1.9 + 0.5 * len(shown))
    names = []
    for i, (name, row) in enumerate(shown.iterrows()):
        ends = row["low"] * row["span"], row["high"] * row["span"]
        ax.plot(ends, [i, i], color=COLOURS[0], lw=3)
        ax.plot(row["range"], i, "o", color=COLOURS[0], ms=9)
        ax.plot(row["alone"] * row["span"], i, "D", color=COLOURS[6], ms=7, mfc="white", mew=1.8)
        names.append(tick(row["step"] if name != row["factor"] else say(row["factor"])))
    ax.axvline(0, color="black", lw=1)
    ax.set_yticks(range(len(shown)), names)
    plain_ticks(ax, "x")
    unit = "Percentage points" if found.yes else label(found.target)
    ax.set_xlabel(f"{unit}; of a number: from its 10 % to its 90 % quantile. Dot: joint, 95 % CI; diamond: by itself")
    ax.set_ylim(-0.6, len(shown) - 0.4)
    show(fig, f"Dots: the joint effect of each factor on {say(found.target)}, and diamonds: its effect by itself")
