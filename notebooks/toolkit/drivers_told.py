"""How the drivers of an outcome are told: the answer, the finding, the notes, a table and a chart."""

from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.drivers import Drivers, clear_effects
from notebooks.toolkit.ledger import effect
from notebooks.toolkit.phrases import plain_ticks, several, unit_of
from notebooks.toolkit.telling import answer, report
from notebooks.toolkit.wording import capital, label, measured_text, number, percent, say, tick


def _drivers_told(found: Drivers) -> tuple[str, dict[str, Any], list[str]]:
    """The answer in words, its values, and what to keep in mind."""
    unit = "pp" if found.yes else unit_of(found.target)
    word = "percentage points" if found.yes else unit
    what = say(found.target)
    if found.yes:
        what = f"the chance of {what}" if found.yes in ("1", "True") else f"the chance that {what} is {found.yes}"

    def told(row: pd.Series) -> str:
        if found.lasting:
            middle, low, high = (number(np.exp(row[c])) for c in ("joint", "low", "high"))
            return f"{row['step']} multiplies the hazard of its ending by {middle} (95 % CI {low} to {high})"
        verb = "adds" if row["joint"] > 0 else "takes off"
        ends = (row["low"], row["high"]) if row["joint"] > 0 else (-row["high"], -row["low"])
        size = measured_text(number(abs(row["joint"])), word)
        return f"{row['step']} {verb} {size} (95 % CI {number(ends[0])} to {number(ends[1])})"

    def bent(factor: str) -> str:
        """Both sides of where a factor turns or levels off, in a sentence; empty where it does not."""
        sides = found.effects[found.effects["factor"] == factor]
        if len(sides) != 2 or f"{factor} beyond" not in sides.index:
            return ""
        return (
            f"{capital(what)} follows no straight line of {say(factor)}: {told(sides.iloc[0])}; {told(sides.iloc[1])}."
        )

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
        alike = f" and within the same {say(found.units)}" if found.units else ""
        alike += f" at the same {say(found.calendar)}" if found.calendar else ""
        text += f" Other things equal{alike}, {'; '.join(told(row) for row in leading[:3])}." if leading else ""
        many = len(found.weights) > 1
        all_of = f" All {len(found.weights)} factors together" if many else " It"
        share = percent(max(found.held_out, 0.0))
        if found.lasting:
            text += (
                f"{all_of} tell{'s' * (not many)} which of two unseen rows lasts longer with {fits} (0.5 is guessing)."
            )
        elif found.yes:
            text += f"{all_of} tell{'s' * (not many)} yes from no in unseen rows with {fits} (0.5 is guessing)."
        else:
            text += f"{all_of} explain{'s' * (not many)} {share} of its variation in unseen rows ({fits})."
    else:
        text = f"None of {several(len(found.weights), 'factor')} goes with {what} beyond chance ({fits})."
    text += f" {capital(found.lasting)}" if found.lasting else ""
    values: dict[str, Any] = {str(row["step"]): (row["joint"], unit, (row["low"], row["high"])) for row in leading}
    if found.lasting:
        values = {f"hazard ratio, {row['step']}": (_ratios(row)[0], "", _ratios(row)[1]) for row in leading}
    values[f"held-out {found.metric}"] = found.held_out
    turns = [b for row in leading if (b := bent(str(row["factor"])))]
    return text, values, [*turns, *_driver_notes(found, [str(row["factor"]) for row in leading])]


def _ends(row: pd.Series) -> tuple[float, tuple[float, float]]:
    """A joint effect and its interval."""
    return float(row["joint"]), (float(row["low"]), float(row["high"]))


def _ratios(row: pd.Series) -> tuple[float, tuple[float, float]]:
    """A hazard ratio and its interval."""
    return float(np.exp(row["joint"])), (float(np.exp(row["low"])), float(np.exp(row["high"])))


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
            effect=effect("hazard_ratio", *_ratios(row)) if found.lasting else effect("slope_per_step", *_ends(row)),
            n=found.n,
            params={"held_out": found.held_out, "lost_without": found.weights.to_dict()},
            caveats=notes,
        )


def _driver_notes(found: Drivers, clear: list[str]) -> list[str]:
    """What the model is of, what has no clear effect, what was left out, and what it cannot say."""
    model = "Cox model" if found.lasting else "joint model"
    notes = [f"A {model} of {several(found.n, 'row')}: each effect is that with all other factors held equal."]
    if found.units:
        notes.append(
            f"Rows repeat each {say(found.units)} and are not independent: effects of what varies within one are those "
            "within it, and intervals allow for it."
        )
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
    unit = "Logarithm of the hazard ratio" if found.lasting else unit
    ax.set_xlabel(f"{unit}; of a number: from its 10 % to its 90 % quantile. Dot: joint, 95 % CI; diamond: by itself")
    ax.set_ylim(-0.6, len(shown) - 0.4)
    show(fig, f"Dots: the joint effect of each factor on {say(found.target)}, and diamonds: its effect by itself")
