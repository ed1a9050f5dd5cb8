# description: Ranks the columns by how well they tell the groups of a category apart, and says how well they do it
#   together.
# tags: [test]
# when: A question about what separates, distinguishes or differs between groups.
"""# What separates the groups

Ranks every other column by how well it tells the groups of one category apart: eta squared from analysis of variance
(with the area under the ROC curve for two groups) for numbers, Cramér's V for categories, each with its interval. It ends
with how well the best columns tell the groups apart together, on rows that were not used to learn from.
"""

# %% id="parameters" tags=["parameters"]
data: str = "data.csv"  # file to test
by: str = ""  # the column with the groups
columns: list = []  # columns that may separate them; empty means all others
alpha: float = 0.05  # share of false findings that is accepted
max_findings: int = 4  # the strongest so many are reported one by one

# %% id="toolkit" tags=["toolkit"]
import numpy as np
import pandas as pd

from notebooks.toolkit.cleaning import load
from notebooks.toolkit.columns import names, yes_level
from notebooks.toolkit.drawing import COLOURS, figure, name_columns, share_dots, show
from notebooks.toolkit.intervals import eta2_interval, v_interval
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.shapes import one_group, tell_shapes
from notebooks.toolkit.telling import report
from notebooks.toolkit.wording import METRICS, capital, chance, label, number, percent, say, signed, tick, with_unit

# %% [markdown] id="read-text"
# ## The groups

# %% id="groups"
table = load(data)
df = table.df
if by not in df:
    raise ValueError(f"There is no column {by!r} to group by. The columns are: {', '.join(names(df))}.")
sizes = df[by].value_counts().sort_index()
if not 2 <= len(sizes) <= 20:
    raise ValueError(f"{by!r} has {len(sizes)} different values; groups need a column with 2 to 20.")
levels = [level for level in sizes.index if sizes[level] >= (10 if len(df) >= 200 else 5)]
usable = [c for c in (columns or table.of("number", "category")) if c in df and c != by and c not in table.left_out]
family = f"groups of {by}"
sizes.rename("rows").to_frame()

# %% [markdown] id="rank-text"
# ## Which columns separate them

# %% id="ranking"
from scipy import stats
from scipy.stats.contingency import association as contingency
from sklearn.metrics import roc_auc_score
from statsmodels.stats.oneway import anova_oneway

results = []
for name in usable:
    rows = df.loc[df[by].isin(levels), [by, name]].dropna()
    if table.kind(name) == "number":
        parts = {level: rows.loc[rows[by] == level, name].astype(float) for level in levels}
        parts = {level: part for level, part in parts.items() if len(part) >= 5}
        if len(parts) < 2 or min(part.nunique() for part in parts.values()) < 2:
            continue
        f = stats.f_oneway(*parts.values()).statistic
        degrees = (len(parts) - 1, len(rows) - len(parts))
        ci = eta2_interval(f, degrees, list(parts.values()))
        p = anova_oneway(list(parts.values()), use_var="unequal").pvalue
        means = {str(level): part.mean() for level, part in parts.items()}
        found = {
            "metric": "eta2",
            "value": f * degrees[0] / (f * degrees[0] + degrees[1]),
            "ci": tuple(ci),
            "test": "welch_anova",
            "means": means,
        }
        if len(parts) == 2:
            auc = roc_auc_score(rows[by] == levels[1], rows[name])
            found["auc"] = max(auc, 1 - auc)
    else:
        counts = pd.crosstab(rows[by], rows[name])
        if min(counts.shape, default=0) < 2:
            continue
        p = stats.chi2_contingency(counts).pvalue
        ci = v_interval(counts)
        found = {
            "metric": "cramers_v",
            "value": contingency(counts.to_numpy(), method="cramer"),
            "ci": ci,
            "test": "chi2",
            "counts": counts,
        }
    ledger.add(family, name, p)
    results.append(found | {"name": name, "n": len(rows), "p": p})
corrected = ledger.q(family)
for found in results:
    found["q"] = corrected[found["name"]]
    # V squared and eta squared are both shares of variation, so they can stand in one ranking
    found["share"] = found["value"] if found["metric"] == "eta2" else found["value"] ** 2
    found["real"] = found["q"] < alpha and found["share"] >= 0.005
results.sort(key=lambda found: (not found["real"], -found["share"], found["name"]))
real = [found for found in results if found["real"]]
measured = [found for found in real if found["metric"] == "eta2"]
pd.DataFrame(
    [
        {
            "column": f["name"],
            "effect": f["metric"],
            "size": round(f["value"], 3),
            "low": round(f["ci"][0], 3),
            "high": round(f["ci"][1], 3),
            "q": f"{f['q']:.2g}",
            "n": f["n"],
            "separates": f["real"],
        }
        for f in results
    ]
)

# %% [markdown] id="overview-text"
# ## The ranking

# %% id="overview"
SIGN = {"eta2": "η²", "cramers_v": "V²"}
if real:
    best = "; ".join(
        f"{say(f['name'])} ({SIGN[f['metric']]} = {f['share']:.2f}"
        + (
            f", 95 % CI {f['ci'][0]:.2f} to {f['ci'][1]:.2f})"
            if f["metric"] == "eta2"
            else f", 95 % CI {f['ci'][0] ** 2:.2f} to {f['ci'][1] ** 2:.2f})"
        )
        for f in real[:3]
    )
    first = real[0]
    report(
        "descriptive",
        "ranking",
        f"What separates {say(by)} most, of {len(results)} columns tested: {best}.",
        [first["name"], by],
        roles={"outcome": first["name"], "factor": by},
        effect=effect(first["metric"], first["value"], first["ci"]),
        test=ledger.test(first["test"], family, first["name"]),
        n=first["n"],
        params={"ranking": [f["name"] for f in real]}
        | ({"top": max(first["means"], key=first["means"].get)} if "means" in first else {}),
        caveats=["Each column is ranked by itself; columns that measure the same thing share their rank."],
        confidence="high" if first["q"] < 0.001 else "medium",
    )
    shown = real[:10][::-1]
    fig, ax = figure(f"What separates {say(by)}", height=1.7 + 0.42 * len(shown))
    for i, f in enumerate(shown):
        span = f["ci"] if f["metric"] == "eta2" else tuple(v**2 for v in f["ci"])
        ax.plot(span, [i, i], color=COLOURS[0], lw=3)
        ax.plot(f["share"], i, "o", color=COLOURS[0], ms=9)
        ax.text(span[1] + 0.02, i, f"{f['share']:.2f}", va="center")
    ax.set_yticks(range(len(shown)), [tick(capital(say(f["name"]))) for f in shown])
    ax.set(xlim=(0, 1.05), ylim=(-0.6, len(shown) - 0.4), xlabel=f"Variation shared with {say(by)} (η² or V², 95 % CI)")
    show(fig, f"Dots with intervals: share of variation of each column that goes with it, by {say(by)}")

# %% [markdown] id="columns-text"
# ## Column by column

# %% id="columns"
for found in real[:max_findings]:
    name, v, (low, high) = found["name"], found["value"], found["ci"]
    rows = df.loc[df[by].isin(levels), [by, name]].dropna()
    if found["metric"] == "eta2":
        order = sorted(found["means"], key=found["means"].get)
        area = f", area under the curve {found['auc']:.2f}" if "auc" in found else ""
        text = (
            f"{say(name)} differs by {say(by)}: highest for {order[-1]} (mean {with_unit(found['means'][order[-1]], name)}), lowest for "
            f"{order[0]} ({with_unit(found['means'][order[0]], name)}); {say(by)} explains {percent(v)} of its variation (η² = {v:.2f}, "
            f"95 % CI {low:.2f} to {high:.2f}{area}, n = {found['n']:,})."
        )
        few = (
            rows.groupby(name)[by].agg(lambda v: (v == yes_level(levels)).mean())
            if len(levels) == 2 and rows[name].nunique() <= 6
            else []
        )
        told_in_shares = len(few) > 1 and rows[name].value_counts().min() >= 10
        if told_in_shares:
            listed = ", ".join(f"{percent(share, 1)} at {number(value)}" for value, share in few.items())
            steady = "less" if few.is_monotonic_decreasing else "more" if few.is_monotonic_increasing else ""
            turn = (
                f"the higher {say(name)}, the {steady} often {say(by)} is {yes_level(levels)}"
                if steady
                else f"how often {say(by)} is {yes_level(levels)} changes with {say(name)}"
            )
            text = f"{turn}: {listed} (η² = {v:.2f}, 95 % CI {low:.2f} to {high:.2f}{area}, n = {found['n']:,})."
        fig, ax = figure(f"{say(name)} by {say(by)}", height=1.7 + 0.55 * len(order))
        for i, level in enumerate(order):
            part = rows.loc[rows[by].astype(str) == level, name].astype(float)
            some = part.iloc[:: max(1, len(part) // 600)]
            colour = COLOURS[[str(x) for x in levels].index(level) % len(COLOURS)]
            ax.scatter(
                some,
                i + np.random.default_rng(i).uniform(-0.28, 0.28, len(some)),
                s=12,
                alpha=0.4,
                color=colour,
                linewidths=0,
            )
            ax.errorbar(
                part.mean(),
                i,
                xerr=stats.sem(part) * stats.t.ppf(0.975, len(part) - 1),
                fmt="D",
                color="black",
                capsize=5,
                ms=6,
            )
        ax.set_yticks(range(len(order)), [tick(level) for level in order])
        ax.set(xlabel=f"{label(name)}; diamond: mean, 95 % CI", ylabel=label(by))
        if told_in_shares:
            yes = (rows[by] == yes_level(levels)).groupby(rows[name]).agg(["sum", "count"])
            yes.index = [f"{value:g}" for value in yes.index]
            fig = share_dots(
                f"How often {say(by)} is {yes_level(levels)}, by {say(name)}",
                yes["sum"],
                yes["count"],
                f"{say(by)} is {yes_level(levels)}",
                label(name),
            )
    else:
        text = f"{say(name)} goes with {say(by)} (Cramér's V = {v:.2f}, 95 % CI {low:.2f} to {high:.2f}, n = {found['n']:,})."
        often = {}
        if len(found["counts"]) == 2:
            yes = yes_level(found["counts"].index)
            many = found["counts"].sum() >= 10
            often = (found["counts"].loc[yes] / found["counts"].sum())[many].sort_values(kind="stable")
        if len(often) > 1:
            text = (
                f"{say(by)} is {yes} most often where {say(name)} is {often.index[-1]} ({percent(often.iloc[-1], 1)}), least where it is {often.index[0]} "
                f"({percent(often.iloc[0], 1)}): Cramér's V = {v:.2f} (95 % CI {low:.2f} to {high:.2f}, n = {found['n']:,})."
            )
        shares = (found["counts"].div(found["counts"].sum(axis=1), axis=0) * 100).iloc[:, :8]
        fig, ax = figure(f"{say(name)} by {say(by)}", height=1.8 + 0.42 * len(shares))
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        for i, j in np.ndindex(shares.shape):
            ax.text(
                j,
                i,
                f"{shares.iloc[i, j]:.0f} %",
                ha="center",
                va="center",
                color="white" if shares.iloc[i, j] > 70 else "black",
            )
        ax.set_yticks(range(len(shares)), [tick(c) for c in shares.index])
        name_columns(ax, shares.columns)
        ax.set(xlabel=f"{label(name)} (share of each row)", ylabel=label(by))
        ax.grid(False)
        if len(often) > 1:
            every = found["counts"].sum()[often.index[::-1]]
            fig = share_dots(
                f"How often {say(by)} is {yes}, by {say(name)}",
                found["counts"].loc[yes][every.index],
                every,
                f"{say(by)} is {yes}",
                label(name),
            )
    report(
        "claim",
        "group_difference" if found["metric"] == "eta2" else "association",
        text,
        [name, by],
        roles={"outcome": name, "factor": by},
        effect=effect(found["metric"], v, found["ci"]),
        test=ledger.test(found["test"], family, name),
        n=found["n"],
        params={"top": order[-1]}
        if found["metric"] == "eta2"
        else {"top": str(often.index[-1])}
        if len(often) > 1
        else {},
        caveats=[f"It rests on only {found['n']} rows."] * (found["n"] < 30)
        + ["Observed, not assigned: it does not show what makes the groups differ."],
        confidence="high" if found["q"] < 0.001 and found["n"] >= 100 else "medium",
    )
    show(fig, f"{say(name)} by {say(by)}")

# %% [markdown] id="shapes-text"
# ## The same means, other shapes
#
# Groups can agree in every mean and still be quite different. Where no mean differs, their shapes are compared: each column's
# distribution, the distances from the middle and those between neighbours (Anderson and Darling's test).

# %% id="shapes"
shaped = [c for c in usable if table.kind(c) == "number"]
few = 1 <= len(shaped) <= 2 and not any(f["name"] in shaped for f in real)
differ = few and tell_shapes(table, by, shaped)
clouds = {level: part[shaped] for level, part in df.groupby(by, sort=True)} if differ and len(shaped) == 2 else {}
for level, part in clouds.items():
    found = one_group(part, *shaped)
    if "curve" in found:
        a, b = shaped
        ledger.add("curves", f"{a} × {b} where {by} is {level}", found["p"])
        report(
            "claim",
            "nonlinear_association",
            f"Where {say(by)} is {level}, {say(b)} follows a curve in {say(a)}: a parabola explains {percent(found['curve'])} of its variation, "
            f"though r = {signed(found['r'])} (95 % CI {signed(found['ci'][0])} to {signed(found['ci'][1])}, n = {found['n']:,}).",
            [a, b],
            roles={"outcome": b, "factor": a, "moderator": by},
            segment=f"{by} = {level}",
            effect=effect("r2", found["curve"]),
            test=ledger.test("quadratic_term", "curves", f"{a} × {b} where {by} is {level}"),
            n=found["n"],
            params={"level": str(level)},
            caveats=["Observed, not assigned: it does not show that one causes the other."],
            confidence="high" if found["n"] >= 30 else "medium",
        )
if not differ:
    print("The shapes are alike." if few else "No shapes to compare: some mean differs, or there are many columns.")

# %% [markdown] id="together-text"
# ## Together
#
# A shallow tree on at most three columns, scored by 5-fold cross-validation: can the groups be told apart on rows that the
# tree has not seen?

# %% id="accuracy"
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier
from statsmodels.stats.proportion import proportion_confint

best = [found["name"] for found in real if found["metric"] == "eta2" or df[found["name"]].nunique() <= 8][:3]
rows = df.loc[df[by].isin(levels), [by, *best]].dropna()
smallest = int(rows[by].value_counts().min()) if len(rows) else 0
if best and smallest >= 10:
    tree = DecisionTreeClassifier(max_depth=3, min_samples_leaf=5, random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    told_by = pd.get_dummies(rows[best], dtype=float) if best else rows[best]
    truth = rows[by].astype(str)
    put = cross_val_predict(tree, told_by.astype(float), truth, cv=folds, n_jobs=1)
    right, guess = float((put == truth).mean()), truth.value_counts(normalize=True).max()
    low, high = proportion_confint(int((put == truth).sum()), len(rows), method="wilson")
    listed = " and ".join(filter(None, (", ".join(say(c) for c in best[:-1]), say(best[-1]))))
    report(
        "descriptive",
        "separability",
        f"{listed} {'tell' if len(best) > 1 else 'tells'} {say(by)} for {percent(right)} of rows that a decision tree had not seen "
        f"(95 % CI {percent(low)} to {percent(high)}, n = {len(rows):,}); always naming the commonest would be right for {percent(guess)}.",
        [by, *best],
        n=len(rows),
        params={"accuracy": right, "baseline": guess},
        caveats=["A shallow decision tree, 5-fold cross-validated; a finer model may do better."],
    )
    shares = pd.crosstab(truth, put, normalize="index") * 100
    fig, ax = figure(f"{percent(right)} are told right", height=2.2 + 0.42 * len(shares))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for i, j in np.ndindex(shares.shape):
        colour = "white" if shares.iloc[i, j] > 70 else "black"
        ax.text(j, i, f"{shares.iloc[i, j]:.0f} %", ha="center", va="center", color=colour)
    ax.set_yticks(range(len(shares)), [tick(c) for c in shares.index])
    name_columns(ax, shares.columns)
    ax.set(xlabel=f"{label(by)}, as the tree tells it (share of each row)", ylabel=f"{label(by)}, in truth")
    ax.grid(False)
    show(fig, f"Table: which {say(by)} the tree names for rows of each {say(by)}")

# %% [markdown] id="not-found-text"
# ## What was tested and does not separate them

# %% id="nothing"
absent = [found for found in results if not found["real"]]
if absent:
    text = ", ".join(f"{say(f['name'])} ({METRICS[f['metric']]} = {f['value']:.3f})" for f in absent[:6])
    text = f"that is beyond chance in {len(results):,} tests and large enough to matter: {text}{' and others' if len(absent) > 6 else ''}"
    near = []
    for f in [f for f in absent if f["p"] < 0.05 and len(f.get("means", {})) == 2][:3]:
        low, high = sorted(f["means"], key=f["means"].get)
        means = " against ".join(with_unit(f["means"][level], f["name"]) for level in (high, low))
        near.append(f"{say(f['name'])}, higher where {say(by)} is {high} than {low} (mean {means}, {chance(f['p'])})")
    if near:  # of many tests one in twenty comes out so, and yet it may be what was meant
        text = f"is beyond chance once all {len(results):,} columns are tested. Nearest, each tested by itself: {'; '.join(near)}"
    report(
        "null",
        "group_difference",
        f"No {'other ' * bool(real)}difference by {say(by)} {text}.",
        [by, *[found["name"] for found in absent[:6]]],
        test={"name": "BH", "p": None, "q": min(f["q"] for f in absent), "family": family, "m": len(results)},
        n=len(df),
    )
