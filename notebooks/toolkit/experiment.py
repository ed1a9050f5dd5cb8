"""Is the new one better: two arms found or given, their difference in units, a decision, what sample would decide."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.attempts import CannotAnswer, check_columns
from notebooks.toolkit.columns import UNIT_NAME, is_text, speaks_of_yes, yes_level
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.guesses import is_time
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.naming import ID_NAME
from notebooks.toolkit.phrases import dot_with_interval, signed_number, unit_of
from notebooks.toolkit.telling import answer, report
from notebooks.toolkit.wording import chance, label, number, percent, say, signed, tick, with_unit

CONTROL_WORDS = (
    "control",
    "baseline",
    "placebo",
    "a",
    "old",
    "base",
    "ctrl",
    "reference",
    "0",
    "false",
    "no",
    "off",
    "original",
    "before",
    "current",
)
TREATED_WORDS = (
    "treatment",
    "treated",
    "test",
    "variant",
    "b",
    "new",
    "1",
    "true",
    "yes",
    "on",
    "redesign",
    "challenger",
    "after",
)
ARM_NAME = re.compile(
    r"(^|[_\s.])(group|arm|variant|version|treatment|treated|test|bucket|experiment|exp|condition|cohort|assignment|ab|page|design)(_?group|_?name)?$",
    re.I,
)
GOAL_NAME = re.compile(
    r"(convert\w*|conversion|purchas\w*|bought|click\w*|sign(ed)?_?up|churn\w*|retain\w*|retention|success|outcome|respon\w*|recover\w*|cured|paid|revenue|spend\w*|order\w*|visit\w*)",
    re.I,
)


@dataclass(frozen=True)
class Arms:
    """Two arms of an experiment: values by unit (0 and 1 for an outcome of two levels), and how they were found."""

    assignment: str
    outcome: str
    control: str
    treated: str
    a: Any
    b: Any
    yes: str
    unit: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """The treated arm less the control, in the outcome's units (a share: as a fraction), with 95 % intervals.

    `relative` is that by the control's mean. `needed` are the units per arm that would show a true difference of
    `worth` in 80 % of experiments.
    """

    arms: Arms
    means: tuple[float, float]
    gap: float
    interval: tuple[float, float]
    relative: tuple[float, float, float] | None
    p: float
    test: str
    worth: float
    needed: int
    shares: tuple[float, float] | None
    mismatch: float | None


def arms_column(df: pd.DataFrame) -> str:
    """The column that looks like an experiment's arms: levels named as such first, then a name; else empty."""
    scored = []
    for place, name in enumerate(map(str, df.columns)):
        levels = {str(v).strip().lower().removesuffix(".0") for v in df[name].dropna().unique()[:20]}
        if (
            not 2 <= len(levels) <= 6
            or is_time(df[name])
            or (speaks_of_yes(df[name].dropna().unique()) and not ARM_NAME.search(name))
        ):
            continue
        words = [re.split(r"[\s_-]+", v) for v in levels]
        has_control = any(set(w) & set(CONTROL_WORDS) for w in words)
        has_treated = any(set(w) & set(TREATED_WORDS) for w in words)
        score = 2 * (has_control and has_treated) + has_control + 2 * bool(ARM_NAME.search(name)) + (len(levels) == 2)
        if score >= 3:
            scored.append((score, -place, name))
    return max(scored)[2] if scored else ""


def goal_column(df: pd.DataFrame, assignment: str) -> str:
    """The column that the experiment was to change: named like a goal, an answer of yes or no before an amount."""
    names = [str(c) for c in df.columns if c != assignment and not is_time(df[c]) and not ID_NAME.search(str(c))]
    yes = [c for c in names if df[c].nunique() == 2 and speaks_of_yes(df[c].dropna().unique())]
    amounts = [c for c in names if not is_text(df[c]) and df[c].nunique() > 2]
    for some in (yes, amounts):
        goals = [c for c in some if GOAL_NAME.search(c)]
        if goals or len(some) == 1:
            return (goals or some)[0]
    return ""


def _place(level: str, words: tuple[str, ...]) -> int:
    parts = re.split(r"[\s_-]+", level.lower())
    return min((words.index(w) for w in parts if w in words), default=len(words))


def two_arms(
    df: pd.DataFrame, outcome: str = "", assignment: str = "", unit: str = "", control: str = "", treated: str = ""
) -> Arms:
    """The two arms of an experiment. What is not named is found, and the notes say so. A unit counts once."""
    check_columns(df, outcome=outcome, assignment=assignment, unit=unit)
    notes = list[str]()
    if not assignment:
        assignment = arms_column(df)
        if not assignment:
            raise CannotAnswer("No column looks like the arms of an experiment: name it (--role assignment=COLUMN).")
        notes.append(
            f"{say(assignment)} was taken for the arms, by its name and levels; declare it if another is meant."
        )
    if not outcome:
        outcome = goal_column(df, assignment)
        if not outcome:
            raise CannotAnswer("It is open which column the experiment was to change: name it (--role target=COLUMN).")
        notes.append(f"{say(outcome)} was taken for the outcome, as none was named.")
    rows = df[list(dict.fromkeys([assignment, outcome, *([unit] if unit else [])]))].dropna()
    names = rows[assignment].astype(str).str.strip().str.removesuffix(".0")
    counts = names.value_counts().sort_index()
    levels = sorted(counts[counts >= 5].index, key=lambda v: (_place(v, CONTROL_WORDS), v))
    if len(levels) < 2:
        raise CannotAnswer(f"{say(assignment)} has fewer than two arms with 5 rows or more.")
    folded = {v.casefold(): v for v in levels}
    for text in (control, treated):
        if text and text.casefold() not in folded:
            raise CannotAnswer(f"{say(assignment)} has no arm {text!r}; it has {', '.join(levels)}.")
    base = folded.get(control.casefold()) or next(v for v in levels if v != folded.get(treated.casefold()))
    others = sorted((v for v in levels if v != base), key=lambda v: (_place(v, TREATED_WORDS), v))
    new = folded.get(treated.casefold()) or others[0]
    if not (control and treated):
        notes.append(
            f"The control is {base}, the new arm {new}"
            + (f"; not compared: {', '.join(v for v in others if v != new)}." if len(others) > 1 else ".")
        )
    yes = ""
    if rows[outcome].nunique() == 2:
        level = yes_level(rows[outcome].unique())
        yes = "" if speaks_of_yes(rows[outcome].unique()) and str(level) in ("1", "1.0", "True") else str(level)
        values = (rows[outcome] == level).astype(float)
    elif is_text(rows[outcome]) or is_time(rows[outcome]):
        raise CannotAnswer(
            f"{say(outcome)} is no outcome that can be compared: it must be a number or have two levels."
        )
    else:
        values = rows[outcome].astype(float)
    parts = pd.DataFrame({"arm": names, "value": values})
    if not unit:
        unit = _unit_of_rows(df, rows.index, names)
        notes += (
            [f"{say(unit)} comes back and stays in its arm, so each is counted once, with its mean."] if unit else []
        )
    if unit:
        keys = df.loc[rows.index, unit]
        crossed = int((names.groupby(keys).nunique() > 1).sum())
        if crossed:
            notes.append(f"{crossed:,} units are in more than one arm and count in both.")
        parts = parts.groupby([keys, "arm"])["value"].mean().reset_index()
    a, b = (parts.loc[parts["arm"] == arm, "value"].to_numpy() for arm in (base, new))
    return Arms(assignment, outcome, base, new, a, b, yes, unit, tuple(notes))


def _unit_of_rows(df: pd.DataFrame, index: Any, arms: Any) -> str:
    """An identifier that comes back in many rows and never in two arms."""
    for name in map(str, df.columns):
        keys = df.loc[index, name]
        if (
            (ID_NAME.search(name) or UNIT_NAME.search(name))
            and 20 < keys.nunique() < 0.7 * len(keys)
            and arms.groupby(keys).nunique().max() == 1
        ):
            return name
    return ""


def is_yes_no(arms: Arms) -> bool:
    """Whether the outcome is an answer of yes or no, a unit each."""
    return bool(set(np.unique(arms.a)) | set(np.unique(arms.b)) <= {0.0, 1.0})


def compare_arms(arms: Arms, worth: float = 0.0, allocation: str = "", alpha: float = 0.05) -> Difference:
    """The difference of two arms: of shares by Newcombe's interval and a score test, of means by Welch's.

    `worth` is the smallest difference that would matter, in the outcome's units (of shares: percentage points); 0 takes
    the one that was seen. `allocation` are planned shares, control first; where it is empty, halves are looked for.
    """
    from scipy import stats
    from statsmodels.stats.power import NormalIndPower, TTestIndPower
    from statsmodels.stats.proportion import confint_proportions_2indep, proportion_effectsize, test_proportions_2indep

    a, b = arms.a, arms.b
    means = float(a.mean()), float(b.mean())
    gap, ratio = means[1] - means[0], None
    if is_yes_no(arms):
        counts = (int(b.sum()), len(b), int(a.sum()), len(a))
        p = float(test_proportions_2indep(*counts, compare="diff").pvalue)
        ends = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
        test = "two_proportions"
        if min(counts[0], counts[2]) > 0:
            low, high = confint_proportions_2indep(*counts, compare="ratio", method="log-adjusted")
            ratio = (gap / means[0], float(low) - 1, float(high) - 1)
        worth = worth / 100 or abs(gap)
        target = min(max(means[0] + (worth if gap >= 0 else -worth), 1e-6), 1 - 1e-6)
        size = abs(float(proportion_effectsize(target, min(max(means[0], 1e-6), 1 - 1e-6))))
        power = NormalIndPower()
    else:
        found = stats.ttest_ind(b, a, equal_var=False)
        p, ends, test = float(found.pvalue), found.confidence_interval(), "welch_t"
        errors = [float(np.var(x, ddof=1) / len(x)) for x in (a, b)]
        if means[0] > 0 and means[0] > 4 * errors[0] ** 0.5:  # else a ratio says little
            spread = 1.96 * float(np.sqrt(errors[1] + (means[1] / means[0]) ** 2 * errors[0])) / means[0]
            ratio = (gap / means[0], gap / means[0] - spread, gap / means[0] + spread)
        worth = worth or abs(gap)
        size = worth / float(np.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / 2) or 1.0)
        power = TTestIndPower()
    # Of an effect so large that two rows an arm would do the solver finds none
    needed = int(np.ceil(power.solve_power(effect_size=min(size, 2.5), alpha=alpha, power=0.8))) if size > 1e-4 else 0
    planned: list[Any] = [float(v) for v in re.findall(r"\d+(?:\.\d+)?", allocation)]
    sizes = np.array([len(a), len(b)], dtype=float)
    shares = (planned[0] / sum(planned), planned[1] / sum(planned)) if len(planned) == 2 and sum(planned) else None
    mismatch = None
    if shares is not None:
        mismatch = float(stats.chisquare(sizes, np.array(shares) * sizes.sum()).pvalue)
    return Difference(
        arms, means, gap, (float(ends[0]), float(ends[1])), ratio, p, test, worth, needed, shares, mismatch
    )


def _experiment_told(
    found: Difference, randomised: bool, alpha: float, lower_is_better: bool
) -> tuple[str, dict[str, Any], list[str]]:
    """The answer in words, its values, and what to keep in mind."""
    arms, share = found.arms, is_yes_no(found.arms)
    scale, unit = (100.0, "pp") if share else (1.0, unit_of(arms.outcome))
    word = " percentage points" if share else f" {unit}" if unit else ""
    what = say(arms.outcome) + (f" ({arms.yes})" if arms.yes else "")
    old, new = (percent(m, 1) if share else with_unit(m, arms.outcome) for m in found.means)
    digits = 2 if abs(found.gap * scale) < 10 else 1 if abs(found.gap * scale) < 100 else 0
    gap, low, high = (signed(x * scale, digits) for x in (found.gap, *found.interval))
    text = f"{what} is {new} in {arms.treated} and {old} in {arms.control}: {gap}{word} (95 % CI {low} to {high})"
    values: dict[str, Any] = {
        "difference": (found.gap * scale, unit, tuple(x * scale for x in found.interval)),
        arms.control: (found.means[0] * scale, "%" if share else unit),
        arms.treated: (found.means[1] * scale, "%" if share else unit),
    }
    if found.relative is not None:
        middle, *ends = (100 * x for x in found.relative)
        text += f", or {signed(middle, 0)} % of the control ({signed(ends[0], 0)} to {signed(ends[1], 0)} %)"
        values["relative difference"] = (middle, "%", tuple(ends))
    values |= {"p_value": found.p, "n": len(arms.a) + len(arms.b)}
    better = (found.gap > 0) != lower_is_better
    if found.mismatch is not None and found.mismatch < 0.001:
        text += f". Do not decide on it: the arms are not as large as planned ({chance(found.mismatch)}), so something "
        text += "went wrong in the assignment."
    elif found.p < alpha and UNIT_NAME.search(arms.treated.removesuffix("s")):  # nobody can choose to be a patient
        text += f". This is beyond chance ({chance(found.p)})."
    elif found.p < alpha:
        advice = f"use {arms.treated}" if better else f"stay with {arms.control}"
        text += f". This is {'better' if better else 'worse'}, beyond chance ({chance(found.p)}): {advice}."
    else:
        text += f". This does not decide it ({chance(found.p)})"
        if found.needed:
            text += f": to show a true difference of {number(found.worth * scale)}{word} takes about {found.needed:,} "
            text += f"per arm (80 % power), and there were {len(arms.a):,} and {len(arms.b):,}"
        text += "."
    if found.needed:
        values["needed per arm"] = found.needed
    notes = [*arms.notes, f"More {say(arms.outcome)} is taken as {'worse' if lower_is_better else 'better'}."]
    if not randomised:
        notes.append("Nothing declares the assignment random, so the arms may differ in more than the treatment.")
    if found.shares is None:
        notes.append("The planned shares of the arms are not known, so lost rows cannot be checked for.")
    return text, values, notes


def tell_experiment(
    found: Difference, randomised: bool = False, alpha: float = 0.05, lower_is_better: bool = False
) -> None:
    """Answer with the difference in units and relative, the decision, and the sample that would decide."""
    text, values, notes = _experiment_told(found, randomised, alpha, lower_is_better)
    answer(text, values, notes=notes)


def report_experiment(
    found: Difference, randomised: bool = False, alpha: float = 0.05, lower_is_better: bool = False
) -> None:
    """Report the difference with what to keep in mind."""
    arms = found.arms
    text, _, notes = _experiment_told(found, randomised, alpha, lower_is_better)
    lost, clear = found.mismatch is not None and found.mismatch < 0.001, found.p < alpha
    family, key = f"arms of {arms.assignment}", f"{arms.outcome}: {arms.treated}"
    ledger.add(family, key, found.p)
    report(
        "claim" if clear and not lost else "null",
        "ab_effect",
        text,
        [arms.assignment, arms.outcome],
        roles={"factor": arms.assignment, "outcome": arms.outcome},
        direction=("+" if found.gap > 0 else "-") if clear else None,
        effect=effect("mean_diff", found.gap, found.interval),
        test=ledger.test(found.test, family, key),
        n=len(arms.a) + len(arms.b),
        params={
            "control": arms.control,
            "arm": arms.treated,
            "means": {arms.control: found.means[0], arms.treated: found.means[1]},
            "top": arms.treated if found.gap > 0 else arms.control,
        },
        caveats=notes,
        confidence="low" if lost else "high" if found.p < 0.01 else "medium",
    )


def draw_experiment(found: Difference) -> None:
    """Both arms with their intervals, and the difference with its own, against 0."""
    from scipy import stats
    from statsmodels.stats.proportion import proportion_confint

    arms, share = found.arms, is_yes_no(found.arms)
    scale = 100 if share else 1
    fig, (above, below) = figure(f"{say(arms.outcome)} by {say(arms.assignment)}", height=4.2, rows=2)
    for i, values in enumerate((arms.b, arms.a)):
        middle = float(values.mean())
        half = float(stats.sem(values) * stats.t.ppf(0.975, len(values) - 1))
        ends = (middle - half, middle + half)
        ends = proportion_confint(values.sum(), len(values), method="wilson") if share else ends
        told = percent(middle, 1) if share else with_unit(middle, arms.outcome)
        dot_with_interval(above, i, middle * scale, [x * scale for x in ends], COLOURS[i], told)
    above.set_yticks([0, 1], [tick(arms.treated), tick(arms.control)])
    above.set(ylim=(-0.5, 1.7), xlabel=f"{label(arms.outcome)}{' (%)' if share else ''}, mean with 95 % interval")
    below.axvline(0, color="black", lw=1)
    around = [x * scale for x in found.interval]
    dot_with_interval(below, 0, found.gap * scale, around, COLOURS[2], signed_number(found.gap * scale))
    below.set_yticks([0], ["difference"])
    unit = ", percentage points" if share else f" ({unit_of(arms.outcome)})" if unit_of(arms.outcome) else ""
    below.set(ylim=(-0.5, 0.8), xlabel=f"{arms.treated} less {arms.control}{unit}")
    show(fig, f"Dots: the mean of {say(arms.outcome)} in both arms, and their difference, with 95 % intervals")
