"""What a hypothesis test looked at, drawn."""

import numpy as np

from notebooks.toolkit.drawing import COLOURS, figure, show
from notebooks.toolkit.testing import Decided
from notebooks.toolkit.wording import label, say, tick


def draw_test(found: Decided) -> None:
    """What the test looked at: a sample beside the normal curve and its quantiles, groups as dots, counts as shares."""
    from scipy import stats

    t = found.tested
    title = " and ".join(say(c) for c in found.columns[:2])
    if found.counts is not None:
        shares = (
            found.counts.div(found.counts.sum(axis=1), axis=0) * 100
            if found.counts.shape[1] > 1
            else found.counts / found.counts.sum() * 100
        )
        shares, counts = shares.iloc[:12, :8], found.counts
        fig, ax = figure(title, height=2.0 + 0.5 * len(shares))
        left = np.zeros(len(shares))
        for i, name in enumerate(shares.columns):
            colour = COLOURS[i % 7]
            ax.barh(range(len(shares)), shares[name], left=left, color=colour, label=str(name), edgecolor="white")
            for k, v in enumerate(shares[name]):
                if v >= 7 or shares.shape[1] == 1:
                    ax.text(
                        left[k] + v / 2,
                        k,
                        f"{v:.0f} %",
                        ha="center",
                        va="center",
                        color="white" if colour in (COLOURS[0], COLOURS[6], COLOURS[2], COLOURS[1]) else "black",
                    )
            left += shares[name].to_numpy()
        sizes = counts.sum(axis=1)
        ax.set_yticks(range(len(shares)), [f"{tick(k)} ({int(sizes[k]):,})" for k in shares.index])
        ax.set_xlabel(f"{label(found.columns[0])} (% of rows)")
        ax.grid(axis="y", visible=False)
        if shares.shape[1] > 1:
            fig.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=13)
        show(fig, f"Bars: the shares of {say(found.columns[0])} in each group")
        return
    names = list(found.samples)
    if t.symbol in ("r", "ρ", "τ") and len(names) == 2:
        x, y = found.samples.values()
        step = max(1, len(x) // 3000)
        fig, ax = figure(title, height=4.4)
        ax.scatter(x[::step], y[::step], s=24, alpha=0.5, color=COLOURS[0], lw=0)
        ax.set(xlabel=label(names[0]), ylabel=label(names[1]))
        show(fig, f"Points: {title}")
        return
    if len(names) == 1:
        x = found.samples[names[0]]
        fig, axes = figure(title, width=8.4, height=3.9, columns=2)
        axes[0].hist(x, bins=min(40, max(8, int(len(x) ** 0.5))), density=True, color=COLOURS[6], alpha=0.75)
        grid = np.linspace(x.min(), x.max(), 200)
        axes[0].plot(grid, stats.norm.pdf(grid, x.mean(), x.std(ddof=1)), color=COLOURS[1], lw=2.4)
        axes[0].set(xlabel=label(names[0]), ylabel="density; line: normal")
        (theory, ordered), (slope, middle, _) = stats.probplot(x)
        axes[1].scatter(theory, ordered, s=14, color=COLOURS[0], lw=0)
        axes[1].plot(theory, middle + slope * theory, color=COLOURS[1], lw=2)
        axes[1].set(xlabel="normal quantiles", ylabel="values")
        show(fig, f"Histogram and normal quantile plot of {title}")
        return
    shown = names[:14][::-1]
    fig, ax = figure(title, height=1.7 + 0.5 * len(shown))
    for i, level in enumerate(shown):
        part = found.samples[level]
        some = part[:: max(1, len(part) // 500)]
        ax.scatter(
            some, i + np.random.default_rng(i).uniform(-0.26, 0.26, len(some)), s=10, alpha=0.35, color=COLOURS[0], lw=0
        )
        half = stats.sem(part) * stats.t.ppf(0.975, len(part) - 1) if len(part) > 1 else 0.0
        ax.errorbar(part.mean(), i, xerr=half, fmt="o", color=COLOURS[1], capsize=4, ms=8)
    ax.set_yticks(range(len(shown)), [tick(v) for v in shown])
    ax.set(xlabel=f"{label(found.columns[0])}; large dot: mean, 95 % CI", ylim=(-0.6, len(shown) - 0.4))
    show(fig, f"Dots: {title}, each value and the means with 95 % intervals")
