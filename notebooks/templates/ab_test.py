# description: 'Compares the arms of an experiment: checks the allocation and the unit first, then measures the difference
#   with its interval.'
# tags: [test, experiment]
# when: A question about what a treatment, variant or test group changed, in a table with a column of arms.
"""# A/B test

Compares the arms of an experiment. First two checks: are the arms as large as they were meant to be (a sample ratio
mismatch means that something went wrong in the assignment), and is a row a unit of its own (where a unit has many rows,
each unit is reduced to its mean, since its rows are no separate evidence). Then the difference of each arm from the
control, with its interval. Words of cause are used only where the assignment is declared random and the checks pass.
Last, all other columns are compared between the arms, as a family of tests of its own: they are secondary, and whether
one was measured before the assignment or changed by it cannot be told from the table.
"""

# %% id="ab_test-01" tags=["parameters"]
data: str = "data.csv"  # file to test
outcome: str = ""  # column that the experiment was to change: a number or two levels
assignment: str = ""  # column that says which arm a row was in
allocation: str = ""  # planned shares such as 0.5,0.5: control, then treatment; empty means not known
unit: str = ""  # column of what was assigned, such as a user; empty means that each row is one
randomised: bool = False  # true where the assignment is declared to be random
outcomes_apart: list = []  # columns that are compared on their own, and not among the other columns here
alpha: float = 0.05  # share of false findings that is accepted

# %% id="ab_test-02" tags=["toolkit"]
import re

import numpy as np
import pandas as pd

from notebooks.toolkit.cleaning import load
from notebooks.toolkit.columns import UNIT_NAME, names, yes_level
from notebooks.toolkit.drawing import COLOURS, figure, share_dots, show
from notebooks.toolkit.intervals import eta2_interval, v_interval
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.telling import report
from notebooks.toolkit.naming import ID_NAME, name_and_unit
from notebooks.toolkit.wording import chance, label, number, percent, say, signed, tick, with_unit

# %% [markdown] id="ab_test-03"
# ## The arms

# %% id="ab_test-04"
table = load(data)
df = table.df
for role, name in (("outcome", outcome), ("assignment", assignment)):
    if name not in df:
        raise ValueError(f"There is no column {name!r} for the {role}. The columns are: {', '.join(names(df))}.")
if unit and unit not in df:
    raise ValueError(f"There is no column {unit!r} for the unit. The columns are: {', '.join(names(df))}.")
rows = df[list(dict.fromkeys([assignment, outcome, *([unit] if unit else [])]))].dropna()
BASE = (
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
)
arms = sorted(rows[assignment].unique(), key=str)
arms.sort(key=lambda arm: next((i for i, word in enumerate(BASE) if str(arm).lower() == word), len(BASE)))
if not 2 <= len(arms) <= 8:
    raise ValueError(f"{assignment!r} has {len(arms)} levels; an experiment needs a column with 2 to 8 arms.")
binary = rows[outcome].nunique() == 2
if table.kind(outcome) not in ("number", "category") or (table.kind(outcome) == "category" and not binary):
    raise ValueError(f"{outcome!r} is no outcome that can be compared: it must be a number or have two levels.")
if binary:
    plain = ("yes", "true", "1", "1.0", "converted", "success")
    levels = sorted(rows[outcome].unique(), key=str)
    good = next((v for v in levels if str(v).lower() in plain), yes_level(levels))
    rows = rows.assign(value=(rows[outcome] == good).astype(float))
    print(f"{say(outcome)} counts as reached where it is {good}.")
else:
    rows = rows.assign(value=rows[outcome].astype(float))
raw = rows
if not unit:  # an identifier that comes back, and never in two arms, is the unit
    repeated = [
        c
        for c in names(df)
        if table.kind(c) == "identifier" or (df[c].nunique() > 20 and (ID_NAME.search(c) or UNIT_NAME.search(c)))
    ]
    for name in repeated:
        arms_of = df.groupby(name)[assignment].nunique()
        if len(arms_of) < 0.7 * len(df) and arms_of.max() == 1:
            unit = name
            rows = raw = rows.assign(**{unit: df.loc[rows.index, unit]})
            print(f"{say(unit)} comes back and stays in its arm: it is taken as the unit.")
            break
repeats, crossed = bool(unit) and rows[unit].nunique() < len(rows), 0
if repeats:
    crossed = int((rows.groupby(unit)[assignment].nunique() > 1).sum())  # they count in both arms
    rows = rows.groupby([unit, assignment], as_index=False)["value"].mean()
    print(f"{len(raw):,} rows are {len(rows):,} units, each reduced to its mean; {crossed} units are in two arms.")
groups = {str(arm): rows.loc[rows[assignment] == arm, "value"].to_numpy() for arm in arms}
tiny = {arm: len(v) for arm, v in groups.items() if len(v) < 5}
groups = {arm: v for arm, v in groups.items() if arm not in tiny}
if len(groups) < 2:
    raise ValueError(
        f"Fewer than two arms of {assignment!r} have 5 {'units' if repeats else 'rows'} or more: nothing can be compared."
    )
for arm, k in tiny.items():
    report(
        "warning",
        "small_sample",
        f"The arm {arm} of {say(assignment)} has only {k} {'unit' if repeats else 'row'}{'' if k == 1 else 's'} and is compared with nothing.",
        [assignment],
        roles={"factor": assignment},
        n=k,
        effect=effect("count", k),
        params={"level": arm},
        confidence="high",
    )
pd.DataFrame({arm: {"n": len(v), "mean": v.mean(), "standard deviation": v.std(ddof=1)} for arm, v in groups.items()}).T

# %% [markdown] id="ab_test-05"
# ## Are the arms as large as they were meant to be?
#
# A p-value below 0.001 is taken as a mismatch, as is usual for this check.

# %% id="ab_test-06"
from itertools import permutations

from scipy import stats

shares = [float(v) for v in re.findall(r"\d+(?:\.\d+)?", allocation)]
sizes = np.array([len(v) for v in groups.values()], dtype=float)
mismatch = False
if len(shares) == len(sizes) and sum(shares) > 0:
    plans = [
        np.array(p) / sum(shares) * sizes.sum() for p in permutations(shares)
    ]  # in whichever order they were named
    expected = min(plans, key=lambda p: float(((sizes - p) ** 2 / p).sum()))
    balance = stats.chisquare(sizes, expected)
    ledger.add("allocation", assignment, balance.pvalue)
    mismatch = balance.pvalue < 0.001
    got, meant = sizes / sizes.sum(), expected / sizes.sum()
    told = "; ".join(
        f"{arm} {percent(g, 1)} where {percent(m, 1)} was planned" for arm, g, m in zip(groups, got, meant, strict=True)
    )
    if mismatch:
        half = 1.96 * np.sqrt(got * (1 - got) / sizes.sum())
        report(
            "warning",
            "sample_ratio_mismatch",
            f"The arms are not as large as planned ({told}; chi-square {chance(balance.pvalue)}, n = {int(sizes.sum()):,}): rows were lost or "
            "assigned otherwise than meant, so the arms may differ in more than the treatment.",
            [assignment],
            roles={"factor": assignment},
            effect=effect("mean_diff", got[0] - meant[0], (got[0] - meant[0] - half[0], got[0] - meant[0] + half[0])),
            unit="pp",
            test=ledger.test("chi2", "allocation", assignment),
            n=int(sizes.sum()),
            params={"counts": {arm: int(k) for arm, k in zip(groups, sizes, strict=True)}},
            caveats=["Find out how rows were lost before trusting any difference between the arms."],
            confidence="high",
        )
        fig, ax = figure(f"{label(assignment)}: not the planned sizes", height=1.6 + 0.6 * len(groups))
        ax.barh(list(groups), got * 100, color=COLOURS[0])
        for i, (g, m) in enumerate(zip(got, meant, strict=True)):
            ax.plot([m * 100] * 2, [i - 0.42, i + 0.42], color=COLOURS[1], lw=3)
            ax.text(g * 100, i, f" {percent(g, 1)}", va="center")
        ax.set_xlabel("share of the rows (%); orange: planned")
        show(fig, "Bars: the share of each arm, with the planned share as an orange mark")
    else:
        print(f"As planned: {told} ({chance(balance.pvalue)}).")
else:
    print("The planned shares are not known, so the arms' sizes cannot be checked.")

# %% [markdown] id="ab_test-07"
# ## Is a row a unit of its own?


# %% id="ab_test-08"
def compared(a, b):
    """Difference b − a with its 95 % interval, Welch's p and name; a proportion by its own test."""
    if binary and not repeats:
        from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

        counts = (int(b.sum()), len(b), int(a.sum()), len(a))
        p = test_proportions_2indep(*counts, compare="diff").pvalue
        return (
            b.mean() - a.mean(),
            confint_proportions_2indep(*counts, compare="diff", method="newcomb"),
            p,
            "two_proportions",
        )
    test = stats.ttest_ind(b, a, equal_var=False)
    return b.mean() - a.mean(), tuple(test.confidence_interval()), test.pvalue, "welch_t"


if repeats:
    from statsmodels.regression.linear_model import OLS
    from statsmodels.tools import add_constant

    design = add_constant(pd.get_dummies(raw[assignment].astype(str), dtype=float)[list(groups)[1:]])
    plain = OLS(raw["value"], design).fit()
    clustered = plain.get_robustcov_results("cluster", groups=pd.factorize(raw[unit])[0])
    inflation = float(clustered.bse[1] / plain.bse.iloc[1])
    if ledger.families.get("units", {}).get(f"{outcome} by {unit}", 1.0) < 0.001:  # the profile has said it
        print(f"Counted as rows, the standard error would be {inflation:.2f} times too small.")
    elif inflation**2 > 1.5:
        report(
            "warning",
            "pseudo_replication",
            f"{len(raw):,} rows come from only {raw[unit].nunique():,} {say(unit)}s, whose rows resemble one another: counted as separate rows, the "
            f"standard error of {say(outcome)} would be {number(inflation)} times too small (p = {plain.pvalues.iloc[1]:.2g} instead of {clustered.pvalues[1]:.2g}). "
            f"Each {say(unit)} is counted once.",
            [unit, outcome],
            roles={"unit": unit, "outcome": outcome, "factor": assignment},
            effect=effect("count", len(raw) / raw[unit].nunique()),
            n=len(rows),
            params={"rows": len(raw), "units": int(raw[unit].nunique()), "inflation": inflation},
            caveats=["The mean of each unit is compared, so a unit with many rows weighs no more than one with few."],
            confidence="high",
        )
    else:
        print(f"The rows of one {say(unit)} do not resemble one another (standard error × {inflation:.2f}).")
else:
    print("Each row is taken as one unit.")

# %% [markdown] id="ab_test-11"
# ## The other columns
#
# Each other column is compared between the arms, units counted once, and all these tests are corrected together. They are
# secondary: a difference must be far beyond chance (a tenth of the share of false findings that is accepted for the
# outcome) to be told.

# %% id="ab_test-12"
from scipy.stats.contingency import association
from statsmodels.stats.oneway import anova_oneway


def beside(name):
    """How a column other than the outcome differs between the arms; None where it cannot be compared."""
    part = df[[assignment, name, *([unit] if repeats else [])]].dropna()
    part = part.assign(arm=part[assignment].astype(str))
    part = part[part["arm"].isin(list(groups))]
    number_like = table.kind(name) == "number"
    if number_like or part[name].nunique() == 2:
        yes = None if number_like else yes_level(part[name].unique())
        part = part.assign(value=part[name].astype(float) if number_like else (part[name] == yes).astype(float))
        if repeats:
            part = part.groupby([unit, "arm"], as_index=False)["value"].mean()
        samples = {arm: part.loc[part["arm"] == arm, "value"].to_numpy() for arm in groups}
        if min(map(len, samples.values())) < 5 or min(np.ptp(v) for v in samples.values()) == 0:
            return None
        test = anova_oneway(list(samples.values()), use_var="unequal")
        return {"samples": samples, "p": float(test.pvalue), "test": "welch_anova", "yes": yes, "n": len(part)}
    if repeats:
        if part.groupby(unit)[name].nunique().max() > 1:
            return None
        part = part.drop_duplicates([unit, "arm"])
    counts = pd.crosstab(part[name], part["arm"])[list(groups)]
    if not 2 < len(counts) <= 50 or counts.to_numpy().sum() < 50:
        return None
    test = stats.chi2_contingency(counts)
    if (test.expected_freq < 5).mean() > 0.2:
        return None
    return {"counts": counts, "p": float(test.pvalue), "test": "chi2", "n": len(part)}


spare = [c for c in table.of("number", "category") if c not in (assignment, outcome, unit, *outcomes_apart)]
compared_too = {c: beside(c) for c in spare}
passed_over = ", ".join(say(c) for c, found in compared_too.items() if found is None)
passed_over = f"Not tested between the arms: {passed_over}." if passed_over else ""
compared_too = {c: found for c, found in compared_too.items() if found is not None}
beside_family = f"other columns between the arms of {assignment}"
for c, found in compared_too.items():
    ledger.add(beside_family, c, found["p"])
beside_q = ledger.q(beside_family)
differing = sorted((c for c in compared_too if beside_q[c] < alpha / 10), key=lambda c: (compared_too[c]["p"], c))
agreeing = [c for c in compared_too if c not in differing]
same = ""
if agreeing:
    listed = ", ".join(say(c) for c in agreeing[:8]) + (f" and {len(agreeing) - 8} more" if len(agreeing) > 8 else "")
    same = (
        f" Of the other {len(compared_too)} columns tested between the arms, "
        if len(compared_too) > 1
        else " The only other column, "
    )
    same += (
        f"{'none differs' if not differing else 'these do not differ'} beyond chance: {listed}."
        if len(compared_too) > 1
        else f"{listed}, does not differ between the arms beyond chance."
    )
pd.DataFrame({c: {"p": found["p"], "q": beside_q[c], "n": found["n"]} for c, found in compared_too.items()}).T

# %% [markdown] id="ab_test-09"
# ## What the arms differ by


# %% id="ab_test-10"
def arms_chart(name, samples, shares, write):
    """Dots: the mean in each arm, with its 95 % interval; in percent where they are shares."""
    fig, ax = figure(f"{say(name)} by {say(assignment)}", height=1.6 + 0.5 * len(samples))
    for i, values in enumerate(samples.values()):
        half = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1)
        size = 100 if shares else 1
        ax.errorbar(values.mean() * size, i, xerr=half * size, fmt="o", color=COLOURS[i], capsize=5, ms=9, lw=2.2)
        ax.annotate(
            write(values.mean()),
            (values.mean() * size, i),
            (0, 9),
            textcoords="offset points",
            ha="center",
            fontweight="bold",
        )
    ax.set_yticks(range(len(samples)), [tick(arm) for arm in samples])
    ax.set(
        xlabel=f"{label(name)}{' (%)' if shares else ''}; mean with 95 % interval",
        ylabel=label(assignment),
        ylim=(-0.6, len(samples) - 0.3),
    )
    show(fig, f"Dots: the mean of {say(name)} in {' and in '.join(samples)}, with 95 % intervals")


def relative(a, b, gap):
    """The difference in percent of the control, for two proportions with its interval; nothing where that means little."""
    if a.mean() <= 0:
        return ""
    told = f"{signed(100 * gap / a.mean(), 0)} % of the control"
    if not binary or repeats or b.mean() <= 0:
        return f", {told}"
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        int(b.sum()), len(b), int(a.sum()), len(a), compare="ratio", method="log-adjusted"
    )
    return f", {told} (95 % CI {signed(100 * (low - 1), 0)} to {signed(100 * (high - 1), 0)} %)"


base, *others = groups
family = f"arms of {assignment}"
results = {arm: compared(groups[base], groups[arm]) for arm in others}
for arm, (_, _, p, _) in results.items():
    ledger.add(family, f"{outcome}: {arm}", p)
corrected = ledger.q(family)
causal = randomised and not mismatch and len(shares) == len(sizes)
counted = f"{say(unit)}s" if repeats else "rows"
first_found = next((arm for arm in others if corrected[f"{outcome}: {arm}"] < alpha), "")
for arm, (gap, (low, high), _, test) in results.items():
    a, b = groups[base], groups[arm]
    n, means, q = len(a) + len(b), (a.mean(), b.mean()), corrected[f"{outcome}: {arm}"]
    write = (lambda v: percent(v, 1)) if binary else (lambda v: with_unit(v, outcome))
    points = (lambda v: signed(100 * v, 2)) if binary else (lambda v: signed(v, 2 if abs(v) < 100 else 0))
    scale = " percentage points" if binary else ""
    found = q < alpha
    if found:
        verb = ("raised" if gap > 0 else "lowered") if causal else ("is higher" if gap > 0 else "is lower")
        what = say(outcome)
        if binary and str(good).lower() not in plain:  # survived, of dead and alive: which of them is counted
            what = f"the share where {what} is {good}"
        subject = f"{arm} {verb} {what}" if causal else f"{what} {verb} in {arm} than in {base}"
        text = f"{subject}: {write(means[1])} against {write(means[0])}, a difference of {points(gap)}{scale}"
    else:
        text = f"No difference in {say(outcome)} between {arm} and {base} beyond chance: {write(means[1])} against {write(means[0])}, {points(gap)}{scale}"
    caveats = []
    if crossed:
        caveats.append(f"{crossed:,} of the units are in more than one arm.")
    if mismatch:
        caveats.append("The arms are not as large as planned, so the difference need not be due to the treatment.")
    elif not causal:
        caveats.append("Nothing declares the assignment random, so the arms may differ in more than the treatment.")
    elif found:
        caveats.append("It holds for those who were in this experiment, and for as long as it ran.")
    report(
        "claim" if found else "null",
        "ab_effect",
        f"{text} (95 % CI {points(low)} to {points(high)}, n = {n:,} {counted}){relative(a, b, gap) if found else ''}.{'' if found or arm != others[0] else same}",
        [assignment, outcome],
        roles={"factor": assignment, "outcome": outcome},
        direction=("+" if gap > 0 else "-") if found else None,
        effect=effect("mean_diff", gap, (low, high)),
        unit="pp" if binary else name_and_unit(outcome)[1],
        test=ledger.test(test, family, f"{outcome}: {arm}"),
        n=n,
        params={
            "top": arm if gap > 0 else base,
            "control": base,
            "arm": arm,
            "means": {base: means[0], arm: means[1]},
        }
        | ({"lift_rel": gap / means[0]} if means[0] else {})
        | ({"not_found": same.strip()} if found and same and arm == first_found else {})
        | ({"not_checked": passed_over} if passed_over and arm == others[0] else {}),
        caveats=caveats or ["A smaller difference than the interval allows cannot be ruled out."],
        confidence="low" if mismatch else "high" if q < 0.01 and n >= 100 else "medium",
    )
    arms_chart(outcome, {base: a, arm: b}, binary, write)

# %% [markdown] id="ab_test-13"
# ## What else the arms differ by

# %% id="ab_test-14"
for c in differing[:3]:
    found = compared_too[c]
    more = [say(d) for d in differing[3:]] if c == differing[min(2, len(differing) - 1)] else []
    share = found.get("yes") is not None
    told = (lambda v: percent(v, 1)) if share else (lambda v, c=c: with_unit(v, c))
    if "counts" in found:
        shares_of = found["counts"] / found["counts"].sum()
        level = (shares_of.max(axis=1) - shares_of.min(axis=1)).idxmax()
        ordered = shares_of.loc[level].sort_values()
        size = effect(
            "cramers_v", float(association(found["counts"].to_numpy(), method="cramer")), v_interval(found["counts"])
        )
        reads = f"{level} is {percent(ordered.iloc[-1], 1)} of {ordered.index[-1]} and {percent(ordered.iloc[0], 1)} of {ordered.index[0]} (Cramér's V {size['value']:.2f}, 95 % CI {size['ci'][0]:.2f} to {size['ci'][1]:.2f}"
        top = str(ordered.index[-1])
    else:
        means_of = pd.Series({arm: v.mean() for arm, v in found["samples"].items()}).sort_values()
        top, bottom = means_of.index[-1], means_of.index[0]
        gap = means_of[top] - means_of[bottom]
        if len(means_of) == 2:
            ends = stats.ttest_ind(
                found["samples"][others[0]], found["samples"][base], equal_var=False
            ).confidence_interval()
            gap = means_of[others[0]] - means_of[base]
            size, points = effect("mean_diff", gap, tuple(ends)), 100 if share else 1
            digits = 2 if abs(gap * points) < 100 else 0
            ends_told = f", {signed(gap * points, digits)}{' percentage points' if share else ''} (95 % CI {signed(ends[0] * points, digits)} to {signed(ends[1] * points, digits)}"
        else:
            free = (len(means_of) - 1, found["n"] - len(means_of))
            f = float(stats.f_oneway(*found["samples"].values()).statistic)
            eta = f * free[0] / (f * free[0] + free[1])
            size = effect("eta2", eta, eta2_interval(f, free))
            ends_told = f" (η² {eta:.3f}, 95 % CI {size['ci'][0]:.3f} to {size['ci'][1]:.3f}"
        of_what = f" ({found['yes']})" if share else ""
        reads = f"{told(means_of[top])}{of_what} in {top} against {told(means_of[bottom])} in {bottom}{ends_told}"
    report(
        "claim",
        "association" if "counts" in found else "group_difference",
        f"Beside {say(outcome)}, {say(c)} differs between the arms: {reads}, n = {found['n']:,} {counted}); secondary, "
        f"{'one of ' if len(compared_too) > 1 else 'the only one of '}{len(compared_too)} other {'columns' if len(compared_too) > 1 else 'column'} tested.",
        [assignment, c],
        roles={"factor": assignment, "outcome": c},
        effect=size,
        unit=("pp" if share else name_and_unit(c)[1]) if size["metric"] == "mean_diff" else "",
        test=ledger.test(found["test"], beside_family, c),
        n=found["n"],
        params={"top": top, "secondary": True},
        caveats=[
            (
                "The arms are not as large as planned, so it need not be due to the treatment."
                if mismatch
                else "If it was measured before the assignment, the arms were unlike from the start and chance or the assignment is to blame; if after, it may be an effect."
                if causal
                else "Nothing declares the assignment random, so the arms may differ in more than the treatment."
            )
            + (f" The same holds for {', '.join(more)}." if more else "")
        ],
        confidence="medium",
    )
    if "counts" in found:
        show(
            share_dots(
                f"{say(c)}: {level} by {say(assignment)}",
                found["counts"].loc[level],
                found["counts"].sum(),
                f"{say(c)} is {level}",
                label(assignment),
            ),
            f"Dots: how often {say(c)} is {level} in each arm",
        )
    else:
        arms_chart(c, found["samples"], share, told)
if not differing:
    print(same.strip() or "There is no other column to compare.")
