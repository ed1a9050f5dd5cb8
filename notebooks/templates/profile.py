# description: What one row is, what would mislead later tests, what is missing and what stands out; makes the cleaned table
#   `df`.
# tags: [look, hygiene]
# when: First for every table, before any test.
"""# Profile

What one row is, what would mislead later tests (repeated rows, codes for missing, identifiers, constants, copies, spellings),
what is missing and what stands out. It makes the cleaned table `df` that every other template works on, and says what
it changed.
"""

# %% id="parameters" tags=["parameters"]
data: str = "data.csv"  # file to look at: CSV, TSV, JSON lines, Parquet or Excel
target: str = ""  # the column of most interest, if there is one
unit: str = ""  # the column that names what was measured several times, if there is one

# %% id="toolkit" tags=["toolkit"]
from pathlib import Path

import numpy as np
import pandas as pd

from notebooks.toolkit.cleaning import load
from notebooks.toolkit.columns import is_text, names
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.intervals import d_interval, eta2_interval
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.naming import ID_NAME
from notebooks.toolkit.panels import panel_of
from notebooks.toolkit.reading import read_once
from notebooks.toolkit.sampling import _WHOLE
from notebooks.toolkit.telling import report
from notebooks.toolkit.units import _told_by_others
from notebooks.toolkit.wording import label, number, percent, say, short

# %% [markdown] id="read-text"
# ## Read and clean

# %% id="load"
table = load(data)
df = table.df
if target and target not in df:
    raise ValueError(f"There is no column {target!r}. The columns are: {', '.join(names(df))}.")
print("\n".join(f"- {line}" for line in table.log) or "Nothing had to be cleaned.")

# %% [markdown] id="grain-text"
# ## What one row is

# %% id="rows"
from datetime import datetime

whole = _WHOLE.get(str(Path(data)))  # where only a sample is tested: what was counted in all rows


def facts(name):
    """One line of the table of columns."""
    values = df[name].dropna()
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric and len(values):
        shows = f"{number(values.min())} to {number(values.max())}, median {number(values.median())}"
    elif table.kind(name) == "time":
        shows = f"{values.min():%Y-%m-%d} to {values.max():%Y-%m-%d}"
    else:
        shows = ", ".join(f"{level} ({count:,})" for level, count in values.astype(str).value_counts().head(4).items())
    use = table.left_out.get(name, "")
    if whole is not None and (told := whole.told.get(name)):
        if "mean" in told:
            shows = f"{number(told['min'])} to {number(told['max'])}, mean {number(told['mean'])}"
        elif isinstance(told.get("min"), pd.Timestamp | datetime):
            shows = f"{told['min']:%Y-%m-%d} to {told['max']:%Y-%m-%d}"
        elif told.get("levels"):
            often = sorted(told["levels"].items(), key=lambda kv: (-kv[1], str(kv[0])))
            shows = ", ".join(f"{level} ({count:,})" for level, count in often[:4])
        levels = f"{'about ' if told['about'] else ''}{told['n_unique']:,}"
        return {
            "kind": table.kind(name),
            "missing": told["missing"],
            "levels": levels,
            "values": shows,
            "left out": use,
        }
    return {
        "kind": table.kind(name),
        "missing": int(df[name].isna().sum()),
        "levels": table.levels(name),
        "values": shows,
        "left out": use,
    }


keys = [
    c
    for c in names(df)
    if len(df) > 1 and table.kind(c) in ("identifier", "time") and df[c].is_unique and df[c].notna().all()
]
times = [c for c in names(df) if table.kind(c) == "time"]
panel = () if keys else panel_of(table)
pairs = [panel] if any(panel) else []
whole_numbers = [
    c for c in table.of("number") if 3 <= table.levels(c) <= len(df) / 3 and (df[c].dropna() % 1 == 0).all()
]
pairs = pairs or [  # each value of one column once with each of another: so is an experiment laid out
    (u, t)
    for u in sorted(whole_numbers, key=lambda c: -table.levels(c))
    for t in whole_numbers
    if u != t
    and not keys
    and table.levels(u) * table.levels(t) == len(df)
    and np.array_equal(np.diff(np.sort(df[t].unique())), np.ones(table.levels(t) - 1))  # t counts its steps
    and not df.duplicated(subset=[u, t]).any()
]
again = [c for c in names(df) if table.kind(c) == "identifier" and 1 < table.levels(c) <= len(df) / 2]
if keys:
    named_keys = [c for c in keys if not ID_NAME.search(c)] or keys
    grain = f"each row {'is one' if not ID_NAME.search(named_keys[0]) else 'has its own'} {say(named_keys[0])}"
elif table.weight:
    grain = f"a row of the file stands for as many cases as {table.weight} says"
elif pairs:
    one, at = pairs[0]
    grain = (
        f"each row is one {say(one)} at one {say(at)} (a panel): {df[one].nunique():,} of them, measured again and "
        "again, so rows of one are not separate observations"
    )
elif again:
    grain = f"its {df[again[0]].nunique():,} values of {say(again[0])} were measured again and again"
else:
    grain = "no column identifies a row, so each row is taken as one separate observation"
once = "" if whole or table.weight or len(df) == table.raw_rows else f" ({len(df):,} once repeats are left out)"
if times:
    dates = df[times[0]].dropna().dt
    stamp = "%Y-%m-%d" if (dates.day > 1).any() else "%Y-%m" if (dates.month > 1).any() else "%Y"
    moments = df[times[0]].nunique()
    each = f" in {moments:,} steps" if moments < len(df) else ""
    period = f", from {df[times[0]].min():{stamp}} to {df[times[0]].max():{stamp}}{each}"
else:
    period = ""
report(
    "descriptive",
    "grain",
    f"{table.file} has {whole.rows if whole else table.raw_rows:,} rows{once} and {df.shape[1]} columns{period}; {grain.rstrip('.')}.",
    keys[:1] or list(pairs[0] if pairs else []),
    n=whole.rows if whole else len(df),
    confidence="high",
    of_all_rows=whole is not None,
)
if whole is not None:
    told_means = [
        f"{say(c)} is {number(told['mean'])} on average ({number(told['min'])} to {number(told['max'])})"
        for c, told in whole.told.items()
        if "mean" in told and table.kind(c) == "number"
    ]
    told_gaps = [
        f"{say(c)} is missing in {told['missing']:,} ({percent(told['missing'] / whole.rows, 1)})"
        for c, told in whole.told.items()
        if told["missing"]
    ]
    report(
        "descriptive",
        "all_rows",
        f"Counted in all {whole.rows:,} rows: {'; '.join([*told_means[:5], *told_gaps[:4]]) or 'no value is missing'}. "
        f"Every test uses a random sample of {len(read_once(data)):,} of them.",
        [c for c, told in whole.told.items() if "mean" in told and table.kind(c) == "number"][:5],
        n=whole.rows,
        confidence="high",
        of_all_rows=True,
    )
pd.DataFrame({name: facts(name) for name in names(df)}).T

# %% [markdown] id="mislead-text"
# ## What would mislead a test

# %% id="traps"
for found in table.traps:
    report(**found)
if len(df) < 50:
    from statsmodels.stats.power import TTestIndPower

    rows = f"With only {len(df)} {'row' if len(df) == 1 else 'rows'}"
    least = TTestIndPower().solve_power(nobs1=len(df) / 2, alpha=0.05, power=0.8) if len(df) >= 10 else 0.0
    seen = "no more than a strong relation of two numbers" if len(df) >= 6 else "nothing"
    seen = "none but strong effects" if len(df) >= 10 else seen
    report(
        "warning",
        "small_sample",
        f"{rows}, {seen} can be told from chance"
        + (
            f": two halves must lie {least:.1f} standard deviations apart, or a correlation reach {least / (least**2 + 4) ** 0.5:.2f}, "
            "to be seen four times out of five."
            if len(df) >= 10
            else "."
        ),
        n=len(df),
        effect=effect("count", len(df)),
        confidence="high",
    )
for name in table.of("category"):
    sizes = df[name].value_counts()
    few = sizes[sizes < 10]
    if len(df) >= 200 and 1 <= len(few) <= 2 and len(sizes) > len(few) and sizes[sizes >= 10].min() >= 30:
        report(
            "warning",
            "small_sample",
            f"{say(name)} is {few.index[0]} in only {few.iloc[0]} of {len(df):,} rows: nothing can be said of that group, and "
            "comparisons of groups leave it out.",
            [name],
            n=int(few.iloc[0]),
            effect=effect("count", int(few.iloc[0])),
            params={"level": str(few.index[0])},
        )
if target and table.kind(target) == "category":
    shares = df[target].value_counts(normalize=True)
    if shares.min() < 0.1:
        report(
            "warning",
            "class_imbalance",
            f"{say(target)} is {shares.index[-1]} in only {percent(shares.min(), 1)} of the rows: always saying "
            f"{shares.index[0]} would be right {percent(shares.max(), 1)} of the time, so accuracy says little.",
            [target],
            n=int(df[target].notna().sum()),
            effect=effect("count", int((df[target] == shares.index[-1]).sum())),
            params={"level": str(shares.index[-1])},
            confidence="high",
        )
if unit in df and target in df and table.kind(target) == "number" and 2 <= df[unit].nunique() < len(df) / 2:
    from scipy import stats

    groups = [part.dropna().astype(float) for _, part in df.groupby(unit, sort=True)[target]]
    groups = [part for part in groups if len(part) >= 2]
    f = stats.f_oneway(*groups)
    degrees = (len(groups) - 1, sum(map(len, groups)) - len(groups))
    share = f.statistic * degrees[0] / (f.statistic * degrees[0] + degrees[1])
    ledger.add("units", f"{target} by {unit}", f.pvalue)
    if f.pvalue < 0.001:
        low, high = eta2_interval(f.statistic, degrees)
        report(
            "warning",
            "pseudo_replication",
            f"The {sum(map(len, groups)):,} rows are {len(groups):,} {say(unit)}s measured again and again: {say(unit)} explains "
            f"{percent(share)} of the variation of {say(target)} (95 % CI {percent(low)} to {percent(high)}), so rows are not "
            f"separate observations, and a test must count {say(unit)}s.",
            [unit, target],
            roles={"unit": unit, "outcome": target},
            effect=effect("eta2", share, (low, high)),
            test=ledger.test("anova", "units", f"{target} by {unit}"),
            n=sum(map(len, groups)),
            params={"units": len(groups)},
            confidence="high",
        )
if not table.traps:
    print("No repeated rows, codes for missing, constants, identifiers, copies or odd spellings.")

# %% [markdown] id="missing-text"
# ## What is missing, and whether that follows something
#
# Where values are missing more often at one end of another column, what is left is no fair sample.

# %% id="missing-values"
gaps = df.isna().sum().sort_values(ascending=False, kind="stable")
gaps = gaps[gaps > 0]
if len(gaps):
    together = int((df.isna().sum(axis=1) >= 2).sum())
    worst = "; ".join(f"{say(c)} in {k:,} rows ({percent(k / len(df), 1)})" for c, k in gaps.head(4).items())
    missing_alike = {}
    for c in gaps.index:
        missing_alike.setdefault(df[c].isna().to_numpy().tobytes(), []).append(c)
    joint = max(missing_alike.values(), key=len)
    joint = [c for c in names(df) if c in joint and len(joint) > 1]
    joint_rows = int(df[joint].isna().all(axis=1).sum()) if joint else 0
    joint_said = (
        f" The same {joint_rows:,} {'row' if joint_rows == 1 else 'rows'} are missing {', '.join(say(c) for c in joint[:-1])} and {say(joint[-1])} together."
        if joint
        else ""
    )
    report(
        "descriptive",
        "missing_values",
        f"Missing: {worst}{' and others' if len(gaps) > 4 else ''}{f'; {together:,} rows lack two or more values' if together else ''}.{joint_said}",
        list(gaps.head(4).index),
        n=len(df),
        effect=effect("count", int(gaps.sum())),
        caveats=["Each test uses the rows that have both of its columns, so n differs between tests."],
        confidence="high",
    )
    shown = gaps.head(15)[::-1]
    fig, ax = figure("Missing values", height=1.6 + 0.32 * len(shown))
    ax.barh([label(c) for c in shown.index], shown / len(df) * 100, color=COLOURS[0])
    for i, k in enumerate(shown):
        ax.text(k / len(df) * 100, i, f" {k:,}", va="center")
    ax.margins(x=0.12)
    ax.set_xlabel("rows without a value (%, and how many)")
    show(fig, "Bars: share of missing values by column")
else:
    print("No value is missing.")

follows = []
often = [c for c in gaps.index if gaps[c] >= max(20, 0.01 * len(df)) and df[c].notna().sum() >= 20]
if often:
    from scipy import stats
    from statsmodels.stats.meta_analysis import effectsize_smd


def here_and_gone(name, other):
    """The values of a column where another is missing, and where it is there."""
    gone = df[name].isna()
    return [df.loc[mask, other].dropna().astype(float) for mask in (gone, ~gone)]


for name in often:
    for other in [c for c in table.of("number") if c != name]:
        lost, there = here_and_gone(name, other)
        if min(len(there), len(lost)) < 15 or np.ptp(there) == 0 or np.ptp(lost) == 0:
            continue
        ledger.add("missing values", f"{name} by {other}", stats.ttest_ind(lost, there, equal_var=False).pvalue)
        d, _ = effectsize_smd(lost.mean(), lost.std(), len(lost), there.mean(), there.std(), len(there))
        follows.append((abs(d), name, other, d, len(there) + len(lost), lost.mean(), there.mean()))
follow_q = ledger.q("missing values")
follows = [f for f in follows if follow_q[f"{f[1]} by {f[2]}"] < 0.005 and f[0] >= 0.25]
best = {}
for found in sorted(follows, key=lambda f: (-f[0], f[1], f[2])):
    best.setdefault(found[1], found)
for _, name, other, d, n, lost_mean, there_mean in list(best.values())[:3]:
    low, high = d_interval(d, *here_and_gone(name, other))
    report(
        "claim",
        "missing_pattern",
        f"{say(name)} is missing more often where {say(other)} is {'high' if d > 0 else 'low'}: mean {number(lost_mean)} where it is missing, "
        f"{number(there_mean)} where it is not, {abs(d):.2f} standard deviations apart (95 % CI {low:.2f} to {high:.2f}, "
        f"n = {n:,}), so the rows that have it are no fair sample.",
        [name, other],
        roles={"outcome": name, "factor": other},
        direction="+" if d > 0 else "-",
        effect=effect("cohens_d", d, (low, high)),
        test=ledger.test("welch_t", "missing values", f"{name} by {other}"),
        n=n,
        caveats=["It may follow another column that goes with this one."],
        confidence="high" if follow_q[f"{name} by {other}"] < 0.001 else "medium",
    )
    tenths = pd.qcut(df[other].rank(method="first"), 10, labels=False)
    shares = df[name].isna().groupby(tenths).mean() * 100
    fig, ax = figure(f"{label(name)}: missing values by {say(other)}", height=3.6)
    ax.bar(shares.index + 1, shares, color=COLOURS[0])
    ax.set(xlabel=f"tenth of {say(other)}, lowest to highest", ylabel=f"{say(name)} missing (%)")
    show(fig, f"Bars: share of missing {say(name)} in each tenth of {say(other)}")

# %% [markdown] id="stands-out-text"
# ## What stands out
#
# A value stands out when it is more than 6 robust standard deviations from the median and half as far again as all others;
# where the bulk of the values is lopsided, on the log scale too: a long tail alone is no outlier.

# %% id="outliers"
from scipy.stats import median_abs_deviation
from statsmodels.stats.proportion import proportion_confint


def robust_z(values):
    """Distance from the median in robust standard deviations (median absolute deviation, scaled to the normal)."""
    spread = median_abs_deviation(values, scale="normal")
    return (values - np.median(values)).abs() / spread if spread > 0 else values * 0.0


def gap_by_chance(order, many):
    """How likely the `many` largest lie so far beyond the next, if the tail thins as its next values do (Hill 1975)."""
    ranks = np.arange(many + 1, many + 1 + max(1, min(50, len(order) // 10)))
    spacing = np.log(order[-ranks] / order[-ranks - 1])
    thin = float(np.mean(ranks * spacing))
    return float((order[-many] / order[-many - 1]) ** (-many / thin)) if thin > 0 else 0.0


own = next((c for c in names(df) if is_text(df[c]) and df[c].is_unique), None)  # says of each row which one it is


def in_words(far):
    """Some far values for a sentence, each with its row's name where there are two at most and rows have names."""
    if own is None or len(far) > 2:
        return number(far.min()) + ("" if len(far) == 1 else f" to {number(far.max())}")
    return " and ".join(f"{number(v)} for {df.at[i, own]}" for i, v in far.items())


strange = {}
for name in [c for c in table.of("number") if df[c].count() >= 30 and df[c].nunique() > 10]:
    values = df[name].dropna().astype(float)
    out = robust_z(values)
    inner = values[values.between(*values.quantile([0.025, 0.975]))]
    lopsided = inner.std() > 0 and inner.skew() > 0.3  # another scale is tried where the bulk of the values asks for it
    if lopsided and values.min() > 0:
        out = np.minimum(out, robust_z(np.log(values)))
    few = lopsided or values.median() < 30
    if few and values.min() >= 0 and (values == np.floor(values)).all():  # counts spread as their root
        out = np.minimum(out, robust_z(np.sqrt(values)))
    order = out.sort_values().to_numpy()
    gaps_up = np.flatnonzero((order[1:] > 6) & (order[1:] > 1.5 * order[:-1]))
    far = out >= order[gaps_up[0] + 1] if len(gaps_up) else out < 0
    if far.sum() >= 3 and gap_by_chance(order, int(far.sum())) > 1e-4:  # a heavy tail, all of it
        continue
    # Where another column tells which they are, they are rows of another kind, and its relation says so
    if 0 < far.sum() <= max(3, 0.03 * len(values)) and not (
        far.sum() >= 8 and _told_by_others(table, name, df.index.isin(values.index[far]), ("category",))
    ):
        strange[name] = values[far]
single = {name: far for name, far in strange.items() if len(far) < 3 and df[name].count() >= 200}
if single:
    listed = "; ".join(
        f"{say(name)} {in_words(far)} (median {number(df[name].median())})" for name, far in list(single.items())[:6]
    )
    report(
        "descriptive",
        "stray_values",
        f"Single values far from all others: {listed}.",
        list(single)[:6],
        n=len(df),
        effect=effect("count", sum(map(len, single.values()))),
        caveats=["They are kept: only someone who knows how they were recorded can say whether they are errors."],
    )
many = {name: far for name, far in strange.items() if name not in single}
same = {}  # columns whose far values stand in the same rows say the same once more
for name, far in sorted(many.items(), key=lambda item: -len(item[1])):
    same.setdefault(frozenset(far.index), []).append(name)
for together in list(same.values())[:3]:
    name, *beside = together
    far, values = many[name], df[name].dropna()
    also = [
        f"{say(other)} {number(many[other].min())} to {number(many[other].max())}, median {number(df[other].median())}"
        for other in beside
    ]
    lump = len(far) >= 20 and far.std() < 3 * values.drop(far.index).std()
    report(
        "claim",
        "outliers",
        f"{say(name)} has {len(far):,} {'value' if len(far) == 1 else 'values'} far from all others "
        f"({in_words(far)}, where the median is {number(values.median())})"
        + (", in a lump of their own: another kind of row or another unit, rather than stray values" if lump else "")
        + (f", and so have the same rows in {'; '.join(also)}" if also else "")
        + ".",
        together,
        # How many a table of as many rows would have, were it drawn again
        effect=effect(
            "count", len(far), np.multiply(proportion_confint(len(far), len(values), method="wilson"), len(values))
        ),
        n=len(values),
        caveats=["They are kept: only someone who knows how they were recorded can say whether they are errors."],
    )
    fig, ax = figure(f"{label(name)}: {len(far):,} far from all others", height=2.6)
    height = np.random.default_rng(0).uniform(-1, 1, len(values))
    odd = values.index.isin(far.index)
    ax.scatter(values[~odd], height[~odd], s=10, alpha=0.4, color=COLOURS[6])
    ax.scatter(values[odd], height[odd], s=40, color=COLOURS[1])
    ax.set(xlabel=label(name), yticks=[], ylim=(-3, 3))
    show(fig, f"Dots: every value of {say(name)}, those far from all others in orange")
if not strange:
    print("No value stands out.")

# %% [markdown] id="shapes-text"
# ## Every column at a glance

# %% id="overview"
shown = [c for c in table.of("number", "category") if c not in table.left_out][:12]
if shown:
    wide = min(4, len(shown))
    tall = -(-len(shown) // wide)
    fig, axes = figure(
        "Every column at a glance", width=max(2.6 * wide + 0.6, 5.2), height=2.1 * tall + 0.7, columns=wide, rows=tall
    )
    axes = np.atleast_1d(axes).ravel()
    for ax, name in zip(axes, shown, strict=False):
        values = df[name].dropna()
        if table.kind(name) == "number" and values.nunique() > 8:
            ax.hist(values.astype(float), bins=min(25, max(5, values.nunique())), color=COLOURS[0])
        else:
            counts = values.value_counts(sort=False)  # so that each level is put into words once
            words = [f"{v:g}" if isinstance(v, (int, float)) else str(v) for v in counts.index]
            top = counts.groupby(words, sort=False).sum().sort_values(ascending=False, kind="stable").head(6)[::-1]
            ax.barh([short(level, 14) for level in top.index], top, color=COLOURS[0])
        ax.set_title(label(name), fontsize=11)
        ax.tick_params(labelsize=9)
    for ax in axes[len(shown) :]:
        ax.set_visible(False)
    show(fig, "Small charts: the distribution of each column")

# %% [markdown] id="roles-text"
# ## Which columns look like time, unit and assignment

# %% id="roles"
arms = {"control", "treatment", "treated", "placebo", "variant", "test", "a", "b", "baseline", "exposed"}
roles = {
    "target": target,
    "time": times[0] if times else "",
    "unit": next((c for c in names(df) if table.kind(c) == "identifier" and not df[c].dropna().is_unique), ""),
    "assignment": next(
        (c for c in table.of("category") if {str(v).lower() for v in df[c].dropna().unique()} <= arms), ""
    ),
}
given = {role: column for role, column in roles.items() if column}
print(
    "; ".join(f"{role}: {column}" for role, column in given.items()) or "No column looks like time, unit or assignment."
)
