# description: Looks for columns with two humps or a heavy tail, and for groups of rows that lie apart in several
#   columns at once.
# tags: [look, test]
# when: A question about types or segments of rows, or an open question of what stands out in a table.
"""# Shapes and clusters

Looks for columns of an unusual shape (two humps, a heavy tail), since a mean describes them badly, and for groups of rows
that lie apart in several columns at once. Groups are claimed only where they are more compact than the groups found in
made-up rows with the same means, spreads and correlations (every method of clustering finds some), and where half of the
rows give the same groups again. Of more than 1,000 rows a random sample is looked at, and the finding says so. Where there are groups,
every pair of columns is looked at again with the means of the groups taken out: what is related only through them is said
with them.
"""

# %% id="clusters-01" tags=["parameters"]
data: str = "data.csv"  # file to test
columns: list = []  # columns to look at; empty means all numbers
most: int = 8  # the largest number of clusters that is tried
max_findings: int = 3  # the strongest so many shapes are reported one by one

# %% id="clusters-02" tags=["toolkit"]
import numpy as np
import pandas as pd
from notebooks.toolkit.cleaning import load
from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.telling import report
from notebooks.toolkit.wording import label, number, percent, say, signed

# %% [markdown] id="clusters-03"
# ## Groups of rows
#
# Columns that do not help to tell groups apart hide them. So first the columns are sorted into sets that depend on one
# another in any way (Cramér's V of their sixths), since groups of rows make the columns that they differ in depend on one
# another. Within each set the groups are those of the mixture of normal distributions that fits best (by the Bayesian
# information criterion), without the columns that these groups do not differ in. Of a long table a random sample is
# looked at.

# %% id="clusters-04"
from itertools import combinations

from scipy import stats
from scipy.stats.contingency import association
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

threadpool_limits(1)  # the same sums in the same order, on however many processors
SAMPLE = 1000
table = load(data)
df = table.df
usable = [c for c in (columns or table.of("number")) if c in table.of("number") and df[c].nunique() > 15]
usable = [c for c in usable if df[c].isna().mean() <= 0.3][:40]
rows = df[usable].astype(float).dropna()
whole = len(rows)
if whole > SAMPLE:
    rows = rows.sample(SAMPLE, random_state=0).sort_index()
sampled = f"a random sample of {len(rows):,} of {whole:,} rows" if whole > len(rows) else f"{len(rows):,} rows"
spread = rows.std(ddof=0) if len(rows) else pd.Series(dtype=float)
usable = [c for c in usable if spread.get(c, 0) > 0]
scaled = ((rows[usable] - rows[usable].mean()) / rows[usable].std(ddof=0)).clip(-4, 4)
least = max(10, 0.02 * len(rows))  # rows in the smallest group


def mixture(z, k, draws=2):
    """A mixture of k normal distributions fitted to the rows of z."""
    return GaussianMixture(k, n_init=draws, random_state=0, reg_covar=1e-4).fit(z)


def grouped(z, most=most):
    """The groups of the mixture that fits best: their number, label of each row, and the fit."""
    fits = {}
    for k in range(1, most + 1):
        fits[k] = mixture(z, k)
        best = min(fits, key=lambda j: fits[j].bic(z))
        if k >= best + 2:
            break
    able = {k: f.bic(z) for k, f in fits.items() if np.bincount(f.predict(z), minlength=k).min() >= least}
    k = min(able, key=able.get)
    return k, fits[k].predict(z), fits[k]


def told_apart(z, labels):
    """For each column, the share of its variation that lies between the groups."""
    between = z.groupby(labels).transform("mean")
    return (between**2).sum() / (z**2).sum()


def connected(columns):
    """Sets of columns of which each depends on another of its set."""
    sixths = {c: (scaled[c].rank(method="first").to_numpy() - 1) * 6 // len(scaled) for c in columns}
    sets = {c: {c} for c in columns}
    for a, b in combinations(columns, 2):
        counts = np.bincount((sixths[a] * 6 + sixths[b]).astype(int), minlength=36).reshape(6, 6)
        if sets[a] is not sets[b] and association(counts, method="cramer") >= max(0.2, (16 / len(scaled)) ** 0.5):
            sets[a] |= sets[b]
            for c in sets[b]:
                sets[c] = sets[a]
    return sorted({tuple(c for c in columns if c in s) for s in sets.values() if len(s) >= 2})


def humps(values):
    """The heights and places of a smoothed histogram's humps, and the lowest point between the two highest."""
    kernel = stats.gaussian_kde(
        values,
        bw_method=max(0.02, 0.9 * len(values) ** -0.2 * min(1.0, stats.iqr(values) / 1.349 / values.std())),
    )
    grid = np.linspace(*np.quantile(values, [0.002, 0.998]), 160)
    height = kernel(grid)
    inner = np.flatnonzero((height[1:-1] > height[:-2]) & (height[1:-1] >= height[2:])) + 1
    return grid, height, inner[np.argsort(-height[inner])]


def without_groups(z, k):
    """The best silhouette of made-up rows: with the same means, spreads and correlations, and with shuffled columns."""
    random, found = np.random.default_rng(0), []
    for _ in range(3):
        made = random.multivariate_normal(z.mean(axis=0), np.cov(z, rowvar=False), size=len(z))
        mixed = np.column_stack([random.permutation(column) for column in z.T])
        for null in (made, mixed):
            for j in sorted({2, 3, k}):
                labels = KMeans(j, n_init=2, random_state=0).fit_predict(null)
                found.append(silhouette_score(null, labels))
    return float(max(found))


def stability(z, k, labels):
    """How alike the groups are that half of the rows give, again and again (adjusted Rand index, median of 8)."""
    random, alike = np.random.default_rng(0), []
    for _ in range(8):
        half = random.choice(len(z), len(z) // 2, replace=False)
        alike.append(adjusted_rand_score(labels, mixture(z[half], k, 1).predict(z)))
    return float(np.median(alike))


def parted(z, labels):
    """How deep the shallowest valley is between any two groups: the lowest density between their middles, as a share of
    the lower of the two humps, along the line that tells them apart best (linear discriminant)."""
    shallowest = 0.0
    for one, other in combinations(np.unique(labels), 2):
        inside = np.isin(labels, (one, other))
        along = LinearDiscriminantAnalysis().fit(z[inside], labels[inside]).transform(z[inside])[:, 0]
        ends = sorted(np.median(along[labels[inside] == k]) for k in (one, other))
        density = stats.gaussian_kde(along, bw_method=0.9 * len(along) ** -0.2 * 0.5)(np.linspace(*ends, 60))
        shallowest = max(shallowest, float(density.min() / min(density[0], density[-1])))
    return shallowest


clusters, tried = None, []
if len(rows) >= 100 and len(usable) >= 2:
    for start in connected(usable):
        chosen = list(start)[:12]
        while len(chosen) >= 2:
            k, labels, fit = grouped(scaled[chosen].to_numpy())
            share = told_apart(scaled[chosen], labels)
            if k == 1 or share.min() >= 0.4:
                break
            chosen = [c for c in chosen if share[c] > min(0.4, share.min())]
        if len(chosen) < 2 or k == 1:
            continue
        z = scaled[chosen].to_numpy()
        # One column alone can lie in two lumps; groups of rows need two columns that are not copies of one another
        copies = scaled[chosen].corr().abs().to_numpy()
        if copies[np.triu_indices(len(copies), 1)].min() >= 0.98:
            continue
        found = {"columns": chosen, "k": k, "labels": labels, "score": float(silhouette_score(z, labels))}
        if found["score"] >= 0.4:
            found |= {"null": without_groups(z, k), "stable": stability(z, k, labels), "valley": parted(z, labels)}
            tried.append(found)
            print(
                f"{k} groups in {', '.join(chosen)}: silhouette {found['score']:.2f}, without groups {found['null']:.2f}, stability {found['stable']:.2f}, valley {found['valley']:.2f}."
            )
    # Long thin clouds have high silhouettes without any groups; but no valley runs through them
    clear = [f for f in tried if f["score"] > f["null"] + (0.1 if f["valley"] > 0.4 else 0.0)]
    held = [f for f in clear if f["stable"] >= 0.8]
    clusters = max(held, key=lambda f: (len(f["columns"]), f["score"]), default=None)
else:
    print("There are too few rows or columns of numbers to look for groups.")

# %% id="clusters-05"
OF_GROUPS = "relations of the groups alone"  # the screen of all pairs does not tell them again


def bent(x, y):
    """The share of the variation of y that lies between the fifths of x, however it changes from one to the next."""
    fifths = pd.qcut(x.rank(method="first"), 5, labels=False)
    return float((y.groupby(fifths).transform("mean") - y.mean()).var() / y.var())


def within(a, b, labels):
    """The correlation of two columns with the groups' means taken out, its 95 % interval and p (Fisher's z)."""
    x, y = (rows[c] - rows[c].groupby(labels).transform("mean") for c in (a, b))
    if min(x.std(), y.std()) < 1e-9:
        return None
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -0.9999, 0.9999))
    curved = max(bent(x, y), bent(y, x))
    error = (len(rows) - labels.max() - 4) ** -0.5
    ends = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) * error)
    return {"r": r, "bent": curved, "ci": ends, "p": float(2 * stats.norm.sf(abs(np.arctanh(r)) / error))}


if clusters:
    chosen, k = list(clusters["columns"]), clusters["k"]
    sizes = pd.Series(clusters["labels"]).value_counts()
    draws, random = [], np.random.default_rng(0)
    for _ in range(20):
        part = random.choice(len(rows), len(rows) // 2, replace=False)
        draws.append(silhouette_score(scaled[chosen].to_numpy()[part], clusters["labels"][part]))
    low, high = np.quantile(draws, [0.025, 0.975])
    listed = ", ".join(say(c) for c in chosen)
    lumped = []
    for a, b in combinations(usable, 2):
        pooled, inside = stats.pearsonr(rows[a], rows[b]), within(a, b, clusters["labels"])
        curved = max(bent(rows[a], rows[b]), bent(rows[b], rows[a]))
        if inside is None or (abs(pooled.statistic) < 0.15 and curved < 0.05):
            continue
        ledger.add("pairs within the groups", f"{table.file}: {a} × {b}", inside["p"])
        way = np.sign(pooled.statistic)
        whole = max(abs(pooled.statistic), curved**0.5)
        little = inside["r"] * way < max(0.08, 0.2 * whole) and max(inside["ci"] * way) < 0.6 * whole
        if little and inside["bent"] < max(0.02, 0.1 * whole**2, 16 / len(rows)):
            ledger.add(OF_GROUPS, f"{table.file}: {a} × {b}", inside["p"])
            lumped.append((a, b, float(pooled.statistic), inside))
    lumped.sort(key=lambda f: (-abs(f[2]), f[0], f[1]))
    straight = [f for f in lumped if abs(f[2]) >= 0.15]
    alone = "; ".join(
        f"{say(a)} and {say(b)} (r = {signed(r)} over all, {signed(inside['r'])} within them, 95 % CI {signed(inside['ci'][0])} to {signed(inside['ci'][1])})"
        for a, b, r, inside in straight[:3]
    )
    alone += f"; and {len(lumped) - len(straight[:3])} more" if alone and len(lumped) > len(straight[:3]) else ""
    alone = f" Only through these groups are related: {alone}." if alone else ""
    report(
        "claim",
        "clusters",
        f"The rows form {k} groups in {listed} (silhouette {clusters['score']:.2f}, 95 % CI {low:.2f} to {high:.2f}, where rows without groups "
        f"reach {clusters['null']:.2f}; n = {len(rows):,}); the groups hold {', '.join(percent(v / len(rows)) for v in sizes)} of the rows.{alone}",
        chosen,
        effect=effect("k", k),  # which number fits best; how surely, the stability tells
        test={"name": "silhouette_against_normal", "p": None, "q": None, "family": "clusters", "m": len(tried)},
        n=len(rows),
        params={
            "k": k,
            "silhouette": clusters["score"],
            "silhouette_ci": [low, high],
            "stability": clusters["stable"],
            "only_through_groups": [[a, b] for a, b, _, _ in lumped],
        },
        caveats=[
            f"Found in {sampled}; half of them give the same groups (adjusted Rand index {clusters['stable']:.2f}). What the groups "
            "are must come from elsewhere."
        ],
        confidence="high" if clusters["score"] >= 0.6 else "medium",
    )
    share = told_apart(scaled[chosen], clusters["labels"]).sort_values(ascending=False, kind="stable")
    a, b = share.index[:2]
    fig, ax = figure(f"{k} groups in {say(a)} and {say(b)}")
    for i in range(k):
        inside = clusters["labels"] == i
        ax.scatter(
            rows[a][inside].iloc[:800],
            rows[b][inside].iloc[:800],
            s=14,
            alpha=0.5,
            linewidths=0,
            color=COLOURS[i % len(COLOURS)],
        )
        ax.text(
            rows[a][inside].mean(),
            rows[b][inside].mean(),
            str(i + 1),
            fontweight="bold",
            fontsize=15,
            ha="center",
            va="center",
            bbox={"boxstyle": "circle", "fc": "white", "ec": "none", "alpha": 0.85},
        )
    ax.set(xlabel=label(a), ylabel=label(b))
    show(fig, f"Scatter of {say(b)} against {say(a)}, the {k} groups in colours")
else:
    print(f"No groups of rows beyond what rows without groups would show ({sampled}).")
    if len(rows) >= 100 and len(usable) >= 2:
        report(
            "null",
            "clusters",
            f"No groups of rows that lie apart in several columns, beyond what rows without groups show ({sampled}, {len(usable)} columns).",
            test={
                "name": "silhouette_against_normal",
                "p": None,
                "q": None,
                "family": "clusters",
                "m": max(1, len(tried)),
            },
            n=len(rows),
        )

# %% [markdown] id="clusters-06"
# ## Columns of an unusual shape
#
# Two humps count where the dip between them is deep and a mixture of two normal distributions fits clearly better than one;
# a tail counts where the skewness stays above 1.5 without the farthest 1 % of values.
# Of several long tails the longest is reported, and the others are named with it.


# %% id="clusters-07"
def given(name):
    """A column's values, but for those at its ends where it is cut off there: what is heaped up there has no shape."""
    values = df[name].dropna().astype(float)
    return values[(values > values.min()) & (values < values.max())] if name in cut_off else values


cut_off = {c for t in table.traps if t["kind"] == "censored_values" for c in t["columns"]}
shapes = []
for name in [c for c in usable if df[c].count() >= 100 and not (clusters and c in clusters["columns"])]:
    values = given(name).to_numpy()
    values = values if len(values) <= 3000 else np.random.default_rng(0).choice(values, 3000, replace=False)
    if values.std() == 0 or stats.iqr(values) == 0:
        continue
    centre, width = np.median(values), stats.median_abs_deviation(values, scale="normal")
    core = values[np.abs(values - centre) <= 8 * width] if width > 0 else values
    trimmed = values[(values >= np.quantile(values, 0.005)) & (values <= np.quantile(values, 0.995))]
    skew = stats.skew(trimmed)
    half = 1.96 * np.sqrt(6 / len(trimmed)) * (1 + skew**2 / 2)
    if abs(skew) >= 1.5 and abs(skew) - half > 1:
        shapes.append(
            {
                "name": name,
                "shape": "skewed",
                "size": abs(skew),
                "value": skew,
                "ci": (skew - half, skew + half),
                "n": len(values),
            }
        )
        continue
    if len(np.unique(core)) < 20:  # a few whole numbers are grades or codes, and lie apart by themselves
        continue
    grid, height, tops = humps(core)
    if len(tops) < 2:
        continue
    first, second = sorted(tops[:2])
    valley = height[first:second].min() / height[tops[1]]
    z = ((core - core.mean()) / core.std())[:, None][:1500]
    one, two = (GaussianMixture(k, random_state=0).fit(z) for k in (1, 2))
    gap = abs(np.diff(two.means_.ravel())[0]) * (2 / (two.covariances_.ravel().sum())) ** 0.5
    if valley < 0.7 and gap > 2 and two.weights_.min() > 0.1 and one.bic(z) - two.bic(z) > 20:
        mark = one.bic(z) - two.bic(z)
        shapes.append(
            {
                "name": name,
                "shape": "bimodal",
                "size": gap,
                "value": gap,
                "ci": None,
                "n": len(values),
                "tops": (grid[first], grid[second]),
                "better": mark,
            }
        )
shapes.sort(key=lambda f: (f["shape"], -f["size"], f["name"]))
# Long tails are common: the longest is told, with the names of the others
tails = [f for f in shapes if f["shape"] == "skewed"]
shapes = [f for f in shapes if f not in tails[1:]]
for found in shapes[:max_findings]:
    name, n = found["name"], found["n"]
    values = given(name)
    if found["shape"] == "bimodal":
        low, high = found["tops"]
        draws = np.random.default_rng(0)
        apart = []
        for _ in range(40):
            grid, height, tops = humps(draws.choice(values.to_numpy(), min(n, 1000)))
            if len(tops) > 1:
                apart.append(abs(grid[tops[0]] - grid[tops[1]]))
        span = tuple(np.quantile(apart, [0.025, 0.975])) if apart else (high - low, high - low)
        text = (
            f"{say(name)} has two humps, near {number(low)} and {number(high)}, {number(high - low)} apart (95 % CI {number(span[0])} to {number(span[1])}, "
            f"n = {n:,}): its mean of {number(values.mean())} describes few rows."
        )
        size, caveat = (
            effect("mean_diff", high - low, span),
            "Look for the two kinds of rows behind it before comparing means.",
        )
    else:
        lower, upper = found["ci"]
        way = "high" if found["value"] > 0 else "low"
        text = (
            f"{say(name)} has a long tail of {way} values (skewness {signed(found['value'])}, 95 % CI {signed(lower)} to {signed(upper)}, n = {n:,}): its median is "
            f"{number(values.median())}, its mean {number(values.mean())}."
        )
        size, caveat = (
            effect("skewness", found["value"], found["ci"]),
            "Medians, ranks or logarithms describe it better than means do"
            + (f"; the same holds for {', '.join(say(f['name']) for f in tails[1:])}." if tails[1:] else "."),
        )
    report(
        "claim",
        "distribution_shape",
        text,
        [name],
        roles={"outcome": name},
        effect=size,
        n=n,
        params={"shape": found["shape"]},
        caveats=[caveat],
        confidence="high" if n >= 300 else "medium",
    )
    fig, ax = figure(f"{label(name)}: {'two humps' if found['shape'] == 'bimodal' else 'a long tail'}", height=3.6)
    shown = values.clip(*values.quantile([0.001, 0.999]))
    ax.hist(shown, bins=50, color=COLOURS[0])
    ax.axvline(values.mean(), color=COLOURS[1], lw=2.4)
    ax.text(
        values.mean(),
        ax.get_ylim()[1] * 0.95,
        f" mean {number(values.mean())}",
        color=COLOURS[1],
        fontweight="bold",
        va="top",
    )
    ax.set(xlabel=label(name), ylabel="rows")
    show(fig, f"Histogram of {say(name)} with its mean")
if not shapes:
    print("No column has two humps or a heavy tail.")
