"""What means and correlations hide: a single point, a curve, groups of other shapes."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.ledger import effect, ledger
from notebooks.toolkit.table import Table
from notebooks.toolkit.telling import report
from notebooks.toolkit.unseen import as_design, gain_in_unseen
from notebooks.toolkit.wording import number, say


def one_group(rows: pd.DataFrame, a: str, b: str) -> dict[str, Any]:
    """How two columns of numbers go together in one small group: its line, and what makes the line misleading.

    `r` is Pearson's correlation. `point` is there where one point alone makes or moves the line, and there is a line
    with it or without it: its place, and `rest`, the correlation without it (None where the other points do not vary at
    all). `curve` is there where a parabola fits far better: its share of b's variation, and `p` of its bend. Empty for
    fewer than 8 rows or for a constant.
    """
    from scipy.stats import pearsonr
    from statsmodels.regression.linear_model import OLS

    both = rows[[a, b]].dropna().astype(float)
    x, y = both[a].to_numpy(), both[b].to_numpy()
    if len(x) < 8 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return {}
    found: dict[str, Any] = {
        "r": float(pearsonr(x, y).statistic),
        "ci": pearsonr(x, y).confidence_interval(),
        "n": len(x),
    }
    bend = np.column_stack([np.ones(len(x)), (x - x.mean()) / x.std(), ((x - x.mean()) / x.std()) ** 2])
    fit = OLS(y, bend).fit()
    bent = len(np.unique(x)) >= 4 and fit.pvalues[2] < 1e-3 and fit.rsquared >= max(0.5, found["r"] ** 2 + 0.15)
    if bent and len(x) >= 20:  # by ranks, so that no far point bends it
        line, curve = (as_design(both[a], True, bend=bend_it) for bend_it in (False, True))
        bent = gain_in_unseen(both[b].rank().to_numpy(), line, curve)[1] >= 1
    if bent:
        found |= {"curve": float(fit.rsquared), "p": float(fit.pvalues[2])}
    elif len(x) <= 300:
        farthest = np.argsort(-np.maximum(np.abs(x - np.median(x)) / x.std(), np.abs(y - np.median(y)) / y.std()))[:3]
        for i in (int(k) for k in farthest):
            u, v = np.delete(x, i), np.delete(y, i)
            if np.ptp(u) == 0 or np.ptp(v) == 0:
                return found | {"point": i, "rest": None}
            line = np.polynomial.Polynomial.fit(u, v, 1)
            spread = float(np.std(v - line(u))) or 1e-12
            without = pearsonr(u, v)
            rest, related = float(without.statistic), min(without.pvalue, pearsonr(x, y).pvalue) < 0.05
            if related and abs(rest - found["r"]) >= 0.1 and abs(y[i] - line(x[i])) > 6 * spread:
                return found | {"point": i, "rest": rest}
    return found


def tell_shapes(table: Table, by: str, shaped: list[str]) -> bool:
    """Report groups whose one or two numbers agree in mean and spread and yet have other shapes; True if they do.

    Each column's distribution is compared, the distance from the middle and that to the next point, by the test of
    Anderson and Darling for several samples.
    """
    from scipy.stats import anderson_ksamp, f_oneway, ks_2samp
    from sklearn.neighbors import NearestNeighbors

    rows = table.df[[by, *shaped]].dropna()
    clouds = {str(level): part[shaped].astype(float) for level, part in rows.groupby(by, sort=True) if len(part) >= 20}
    clouds = {level: part for level, part in clouds.items() if (part.nunique() > 2).all()}
    if len(clouds) < 2 or any(f_oneway(*(part[c] for part in clouds.values())).pvalue < 0.05 for c in shaped):
        return False
    most = min(map(len, clouds.values()))
    some = {level: part.sample(most, random_state=0) for level, part in clouds.items()}
    # By its inner four fifths: a few far values are outliers, and would bring all others of their group together
    width = {
        level: (part.quantile(0.9) - part.quantile(0.1)).where(lambda w: w > 0, part.std())
        for level, part in some.items()
    }
    scaled = {level: ((part - part.median()) / width[level]).to_numpy() for level, part in some.items()}
    marks = {say(c): {level: part[c].to_numpy() for level, part in some.items()} for c in shaped}
    marks["the distance from the middle"] = {k: np.hypot.reduce(z, axis=1) for k, z in scaled.items()}
    marks["the distance to the next point"] = {
        k: NearestNeighbors(n_neighbors=2).fit(z).kneighbors()[0][:, 0] for k, z in scaled.items()
    }
    found = []
    for name, parts in marks.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # p lies beyond its table
            test = anderson_ksamp(list(parts.values()), variant="midrank")
        ledger.add("shapes", f"{name} by {by}", test.pvalue)
        found.append((float(test.statistic), name))
    a2, name = max(found)
    pairs = [(x, y) for i, x in enumerate(marks[name].values()) for y in list(marks[name].values())[:i]]
    gap = max(ks_2samp(x, y).statistic for x, y in pairs)  # of many rows, small differences are certain, too
    if a2 <= 10 or gap < 0.3 or ledger.q("shapes")[f"{name} by {by}"] >= 0.01:
        return False
    middles = pd.Series({level: float(np.median(part)) for level, part in marks[name].items()}).sort_values()
    sds = pd.DataFrame({level: part.std() for level, part in clouds.items()})
    ratio = float((sds.max(axis=1) / sds.min(axis=1)).max())
    listed = " and ".join(say(c) for c in shaped)
    report(
        "claim",
        "distribution_shape",
        f"{listed} {'have' if len(shaped) > 1 else 'has'} the same mean for every {say(by)}, and spreads at most "
        f"{ratio:.2f} times as large, but not the same shape: {name} differs most (Anderson-Darling statistic "
        f"{a2:.0f}, n = {len(rows):,}), its median from {number(middles.iloc[0])} for {middles.index[0]} to "
        f"{number(middles.iloc[-1])} for {middles.index[-1]}, so look at each {say(by)} by itself.",
        [*shaped, by],
        roles={"outcome": shaped[-1], "factor": by},
        effect=effect("anderson_darling", a2),
        test=ledger.test("anderson_ksamp", "shapes", f"{name} by {by}"),
        n=len(rows),
        params={"top": middles.index[-1], "shape": "differs"},
        caveats=["Means, spreads and correlations do not show what differs here; a picture of each group does."],
        confidence="high",
    )
    wide = min(5, len(clouds))
    tall = -(-len(clouds) // wide)
    fig, axes = figure(
        f"{listed}, each {say(by)} by itself", 2.3 * wide + 0.6, 2.3 * tall + 0.7, columns=wide, rows=tall
    )
    axes = np.atleast_1d(axes).ravel()
    for ax, (level, part) in zip(axes, clouds.items(), strict=False):
        if len(shaped) > 1:
            ax.scatter(part[shaped[0]], part[shaped[1]], s=5, color=COLOURS[0], linewidths=0)
        else:
            ax.hist(part[shaped[0]], bins=25, color=COLOURS[0])
        ax.set_title(level, fontsize=11)
        ax.tick_params(labelsize=8)
    for ax in axes[len(clouds) :]:
        ax.set_visible(False)
    show(fig, f"Small charts: {listed} for each {say(by)}")
    return True
