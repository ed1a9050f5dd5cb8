"""Times of which some had not ended yet: which columns hold them, medians that allow for it, and hazards."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.columns import GROUP_NAME, is_text, kind_of
from notebooks.toolkit.drawing import COLOURS, direct_labels, figure, show
from notebooks.toolkit.joint_model import step_of
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.telling import report
from notebooks.toolkit.wording import as_name, chance, label, number, say

EVENT_NAME = re.compile(
    r"(is_?|has_?)?(cens\w*|status|delta|event|dead|died|deaths?|survived|alive|relapsed?|recur\w*|churn(ed)?|ended)",
    re.I,
)
"""What says whether a time had ended: by its name it is that, or that it was cut off."""
LASTING_NAME = re.compile(
    r"(\w*[_.])?(time|surv\w*|fu(time)?|follow_?up|tenure|lifetime|os|pfs)([_.]?(days|weeks|months|years|d))?|futime|"
    r"stime|days|months|weeks",
    re.I,
)
"""How long something lasted."""
_OVER = re.compile(r"dead|died|deaths?|event|failed|relapsed?|churned|ended|closed|left|yes|true|[12](\.0)?", re.I)
_OPEN = re.compile(r"alive|cens\w*|open|ongoing|active|lost|no|false|[01](\.0)?", re.I)


@dataclass(frozen=True)
class Followed:
    """A column of times of which some had not ended: `event` says of each whether it had, by the level `over`."""

    time: str
    event: str
    over: Any
    open: Any
    unsure: bool  # that `over` is the level that says so follows from the times alone

    def ended(self, df: pd.DataFrame) -> Any:
        """1 where a time had ended and 0 where it had not."""
        return (df[self.event] == self.over).astype(float).where(df[self.event].notna())

    def told(self, df: pd.DataFrame) -> str:
        """How many times had not ended, and what follows, in a sentence."""
        known = df[[self.time, self.event]].dropna()
        left = int((known[self.event] == self.open).sum())
        read = ", as the longest times have it" if self.unsure else ""
        return (
            f"{left:,} of {len(known):,} times had not ended ({say(self.event)} {as_name(self.open)}{read}): they are "
            "longer than they stand there, so plain means and correlations of them mislead"
        )


def followed(df: pd.DataFrame, time: str) -> Followed | None:
    """What says whether a column's times had ended; None where the column holds no such times, or nothing says it."""
    if time not in df or is_text(df[time]) or not LASTING_NAME.fullmatch(time) or not _are_lengths(df[time]):
        return None
    for name in (str(c) for c in df.columns if c != time and EVENT_NAME.fullmatch(str(c))):
        levels = sorted(df[name].dropna().unique(), key=str)
        said = [str(v).strip() for v in levels]
        if len(levels) != 2:
            continue
        if not (_OPEN.fullmatch(said[0]) and _OVER.fullmatch(said[1])):
            levels, said = levels[::-1], said[::-1]
        if not (_OPEN.fullmatch(said[0]) and _OVER.fullmatch(said[1])):
            continue
        still, over = levels
        plain = re.fullmatch(r"yes|true|[12](\.0)?", said[1], re.I) is not None
        turned = plain and bool(re.match("(is_?)?(cens|surv|alive)", name, re.I))
        if turned:
            still, over = over, still
        unsure = plain and bool(re.match("cens", name, re.I)) and _outlasts(df, time, name, over, still)
        if unsure:  # "censored" is written either way: those who are still followed are so at the end of it
            still, over = over, still
        return Followed(time, name, over, still, unsure)
    return None


def _are_lengths(s: pd.Series) -> bool:
    """Whether a column holds lengths of time: no dates, nothing below zero, more than a few values."""
    return pd.api.types.is_numeric_dtype(s) and not pd.api.types.is_bool_dtype(s) and s.nunique() > 8 and s.min() >= 0


def _outlasts(df: pd.DataFrame, time: str, event: str, one: Any, other: Any) -> bool:
    """Whether the times of one level are clearly longer than those of the other."""
    from scipy.stats import mannwhitneyu

    a, b = (df.loc[df[event] == level, time].dropna() for level in (one, other))
    return bool(a.median() > b.median() and mannwhitneyu(a, b).pvalue < 0.001)


def median_survival(times: Any, ended: Any) -> tuple[float, float, float]:
    """The time that half of all reach, by Kaplan and Meier, with its 95 % interval; NaN where it is not reached."""
    from statsmodels.duration.api import SurvfuncRight

    curve = SurvfuncRight(np.asarray(times, float), np.asarray(ended, float))
    low, high = curve.quantile_ci(0.5)
    return float(curve.quantile(0.5)), float(low), float(high)


def log_rank(times: Any, ended: Any, groups: Any) -> float:
    """The p-value of the log-rank test that groups last equally long."""
    from statsmodels.duration.api import survdiff

    return float(survdiff(np.asarray(times, float), np.asarray(ended, float), np.asarray(groups))[1])


def hazards(times: pd.Series, ended: pd.Series, design: pd.DataFrame, groups: Any = None) -> tuple[pd.DataFrame, float]:
    """The logarithms of the hazard ratios of a Cox model, each with its 95 % interval and p, and the model's log
    likelihood for each row, beyond that of none. Standard errors allow for `groups` of rows, where given."""
    from statsmodels.duration.api import PHReg

    model = PHReg(times.to_numpy(float), design.to_numpy(float), status=ended.to_numpy(float), ties="efron")
    found = model.fit(groups=None if groups is None else pd.factorize(groups)[0], disp=0)
    ends, none = found.conf_int(), model.loglike(np.zeros(design.shape[1]))
    table = pd.DataFrame({"effect": found.params, "low": ends[:, 0], "high": ends[:, 1], "p": found.pvalues})
    return table.set_axis(design.columns), float(found.llf - none) / len(times)


def concordance(times: Any, ended: Any, risk: Any) -> float:
    """Of the pairs of which it is known who lasted longer, the share in which the risk says so (Harrell's C)."""
    t, e, r = (np.asarray(v, float)[:4000] for v in (times, ended, risk))
    first = (t[:, None] < t[None, :]) & (e[:, None] == 1)
    right = (r[:, None] > r[None, :]) + 0.5 * (r[:, None] == r[None, :])
    return float(right[first].mean()) if first.any() else float("nan")


def held_out_concordance(times: pd.Series, ended: pd.Series, design: pd.DataFrame, groups: Any = None) -> float:
    """The concordance of a Cox model with rows that it has not seen, in five folds (by group where given)."""
    order = np.random.RandomState(0).permutation(
        len(times) if groups is None else int(pd.factorize(groups)[0].max()) + 1
    )
    fold = order % 5 if groups is None else (order % 5)[pd.factorize(groups)[0]]
    risk = np.zeros(len(times))
    for k in range(5):
        seen = fold != k
        table, _ = hazards(times[seen], ended[seen], design[seen])
        risk[~seen] = design[~seen].to_numpy(float) @ table["effect"].to_numpy()
    return concordance(times, ended, risk)


def medians_by(df: pd.DataFrame, of: Followed, group: str) -> str:
    """The medians of a few groups in words: 270 for sex 1, 426 for sex 2."""
    rows = df[[of.time, of.event, group]].dropna()
    told = []
    for level, part in rows.groupby(group, sort=True):
        middle = median_survival(part[of.time], of.ended(part))[0]
        told.append(
            f"{number(middle) if middle == middle else 'more than half still open'} for {say(group)} {as_name(level)}"
        )
    return ", ".join(told)


@dataclass(frozen=True)
class Lasts:
    """How a factor goes with how long something lasts: its hazard ratio with its 95 % interval, for a step in words (of
    several groups that of the first and the last to end), and p: of Cox's model, of groups by the log-rank test."""

    factor: str
    step: str
    ratio: float
    low: float
    high: float
    p: float
    n: int
    groups: bool


def lasts_by(df: pd.DataFrame, of: Followed, factor: str) -> Lasts | None:
    """One factor and the times by themselves; None where fewer than 20 rows, or 10 of each group, have both."""
    rows = df[[of.time, of.event, factor]].dropna()
    levels = rows[factor].nunique()
    grouped = is_text(rows[factor]) or levels == 2 or kind_of(rows[factor], levels) == "category"
    if not grouped and GROUP_NAME.search(factor):
        return None  # too many groups, of which the numbers say nothing
    if grouped:
        rows = rows[rows.groupby(factor)[factor].transform("size") >= 10]
        levels = rows[factor].nunique()
    ended = of.ended(rows)
    if len(rows) < 20 or ended.sum() < 5 or not 2 <= levels <= (20 if grouped else len(rows)):
        return None
    if not grouped:
        by, step = step_of(factor, rows[factor].astype(float))
        design = pd.DataFrame({"x": rows[factor].astype(float) / by})
        p = None
    else:
        p = log_rank(rows[of.time], ended, rows[factor].astype(str))
        rates = (ended.groupby(rows[factor]).sum() / rows.groupby(factor)[of.time].sum()).sort_values()
        low, high = sorted([rates.index[0], rates.index[-1]], key=str)
        step = f"{say(factor)} {as_name(high)} instead of {as_name(low)}"
        rows = rows[rows[factor].isin([low, high])]
        ended, design = of.ended(rows), pd.DataFrame({"x": (rows[factor] == high).astype(float)})
    found = hazards(rows[of.time], ended, design)[0].iloc[0]
    ratio, least, most = (float(np.exp(found[c])) for c in ("effect", "low", "high"))
    return Lasts(factor, step, ratio, least, most, float(found["p"] if p is None else p), len(rows), grouped)


def report_lasting(df: pd.DataFrame, of: Followed, factors: list[str], asked: list[str]) -> None:
    """Report what goes with how long something lasts, each factor by itself: hazard ratios, and medians by Kaplan and
    Meier; what is beyond chance with its curves, what was `asked` about first, and what is not by its name."""
    report("warning", "censored_times", f"{of.told(df)}.", [of.time, of.event], n=len(df), confidence="high")
    found = [one for c in factors if (one := lasts_by(df, of, c)) is not None]
    family = f"times of {of.time}"
    for one in found:
        ledger.add(family, one.factor, one.p)
    q = ledger.q(family)
    absent = [one for one in found if q[one.factor] >= 0.05 and one.factor not in asked]
    for one in sorted(found, key=lambda one: (one.factor not in asked, one.p))[:8]:
        if one in absent:
            continue
        way = "shorter" if one.ratio > 1 else "longer"
        said = f"{one.step} multiplies the hazard of its ending by {number(one.ratio)} (95 % CI {number(one.low)} to "
        said += f"{number(one.high)}, {chance(one.p)}, n = {one.n:,})"
        middle = f"By Kaplan and Meier half last {medians_by(df, of, one.factor)}: " if one.groups else ""
        text = f"{say(of.time)} and {say(one.factor)}: {middle}{said}"
        text += f", so it is {way}." if q[one.factor] < 0.05 else ", which chance alone could explain."
        report(
            "warning" if one.factor in asked else "claim",
            "censored_times" if one.factor in asked else "driver",
            text,
            [one.factor, of.time],
            roles={"outcome": of.time, "factor": one.factor},
            direction="-" if one.ratio > 1 else "+",
            effect=effect("hazard_ratio", one.ratio, (one.low, one.high)),
            test=ledger.test("log_rank" if one.groups else "cox_wald", family, one.factor),
            n=one.n,
            caveats=[f"{of.told(df)}.", "Observed, not assigned: it does not show that one causes the other."],
            confidence="high" if q[one.factor] < 0.001 else "medium",
        )
        draw_lasting(df, of, one.factor, one.groups)
    if absent:
        names = ", ".join(say(one.factor) for one in absent[:12])
        text = f"Nothing beyond chance in how long {say(of.time)} is, each by itself: {names}."
        report("null", "tested", text, [of.time], n=len(df))


def draw_lasting(df: pd.DataFrame, of: Followed, factor: str, grouped: bool) -> None:
    """The share that lasts so long, by groups, or by the halves of a number."""
    from statsmodels.duration.api import SurvfuncRight

    rows = df[[of.time, of.event, factor]].dropna()
    middle = None if grouped else rows[factor].median()
    sides = (
        rows[factor].astype(str)
        if middle is None
        else (rows[factor] > middle).map({True: f"over {number(middle)}", False: f"up to {number(middle)}"})
    )
    fig, ax = figure(f"How long {say(of.time)} is, by {say(factor)}")
    ends = []
    for (level, part), colour in zip(rows.groupby(sides, sort=True), COLOURS, strict=False):
        curve = SurvfuncRight(part[of.time].to_numpy(float), of.ended(part).to_numpy(float))
        times, shares = np.r_[0.0, curve.surv_times], 100 * np.r_[1.0, curve.surv_prob]
        ax.step(times, shares, where="post", color=colour, lw=2.2)
        ends.append((shares[-1], str(level), colour))
    ax.set(xlabel=label(of.time), ylabel="% that last so long", ylim=(0, 103))
    direct_labels(ax, ends)
    show(fig, f"Steps: the share whose {say(of.time)} is longer, by {say(factor)} (Kaplan-Meier)")
